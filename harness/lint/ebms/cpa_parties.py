"""Judge the parties of a CPA: their ids, roles, actions and references (CPA-020 … CPA-038, CPA-090 … CPA-093)."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from harness.lint.ebms import party_id, reading
from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.model import Finding, Text
from harness.wire.cpa import CPPA, Binding, PartyId, PartyInfo
from harness.wire.keyinfo import DS, decoded

OIN_TYPE: Final = "urn:osb:oin"
COMPLIANCE_TYPE: Final = "urn:cv:oin"
SERVICE_TYPE: Final = "urn:osb:services"


def _ids(doc: Doc) -> Iterator[tuple[PartyInfo, PartyId]]:
    return ((party, one) for party in doc.cpa.parties for one in party.ids)


@table.rule("CPA-020")
def two_parties(doc: Doc, ctx: Context) -> Outcome:
    """There are two parties, and they are not the same."""
    if len(doc.cpa.parties) != 2:
        yield at(doc.cpa, "CPA-020", f"PartyInfo: {len(doc.cpa.parties)}", "PartyInfo: 2")
        return
    one, other = ({(i.value.strip(), i.type) for i in p.ids} for p in doc.cpa.parties)
    for value, _ in sorted(one & other, key=str):
        yield at(doc.cpa.parties[1], "CPA-020", value)


@table.rule("CPA-021")
def typed(doc: Doc, ctx: Context) -> Outcome:
    """Every PartyId has a type, as a qualified attribute."""
    for _, one in _ids(doc):
        if not (one.type or "").strip():
            bare = one.node.get("type")
            shown = Text(f'type="{bare}" zonder prefix', f'type="{bare}" without prefix') if bare else ""
            yield at(one, "CPA-021", shown, f'tns:type="{OIN_TYPE}"')


@table.rule("CPA-022")
def oin_type(doc: Doc, ctx: Context) -> Outcome:
    """The type is that of an OIN."""
    for _, one in _ids(doc):
        type_ = (one.type or "").strip()
        if type_ and type_ not in (OIN_TYPE, COMPLIANCE_TYPE):
            yield at(one, "CPA-022", type_, OIN_TYPE)


@table.rule("CPA-023")
def oin_value(doc: Doc, ctx: Context) -> Outcome:
    """With that type the value is an OIN with an optional suffix, without white space."""
    for _, one in _ids(doc):
        if (one.type or "").strip() != OIN_TYPE:
            continue
        wrong = party_id.fault(one.value)
        if wrong is None and one.value != one.value.strip():
            wrong = Text(f"{one.value!r}: witruimte rond de waarde", f"{one.value!r}: white space around the value")
        if wrong:
            yield at(one, "CPA-023", wrong, party_id.EXPECTED)


@table.rule("CPA-024")
def one_id(doc: Doc, ctx: Context) -> Outcome:
    """A party has one PartyId."""
    for party in doc.cpa.parties:
        if len(party.ids) > 1:
            yield at(party.ids[1], "CPA-024", ", ".join(i.value.strip() for i in party.ids))


@table.rule("CPA-025")
def one_environment(doc: Doc, ctx: Context) -> Outcome:
    """Both parties are of one environment: a suffix or a test OIN on both sides, or on neither."""
    ids = [
        p.ids[0] for p in doc.cpa.parties if p.ids and p.ids[0].type == OIN_TYPE and not party_id.fault(p.ids[0].value)
    ]
    if len(ids) != 2:
        return
    suffixes = [party_id.suffix(i.value) for i in ids]
    if bool(suffixes[0]) != bool(suffixes[1]):
        yield at(ids[0], "CPA-025", " / ".join(i.value.strip() for i in ids))
        return
    tests = [party_id.is_test(i.value) for i in ids]
    if tests[0] != tests[1]:
        yield at(ids[0], "CPA-025", " / ".join(i.value.strip() for i in ids))


# -- references


@table.rule("CPA-030")
def references(doc: Doc, ctx: Context) -> Outcome:
    """Every reference leads to an element of the right kind, in the party itself or in the packaging."""
    kinds = _kinds(doc)
    for party in doc.cpa.parties:
        own = {name: kind for name, (kind, holder) in kinds.items() if holder is party.node}
        for node, attribute, target, wanted in _references(party):
            if wanted == "Packaging" and (not doc.cpa.package_ids or target in doc.cpa.package_ids):
                continue  # packaging is shared; when there is none the schema says so
            if own.get(target) != wanted:
                kind, holder = kinds.get(target, ("", None))
                yield _dangling(
                    node, attribute, target, wanted, kind, foreign=holder is not None and holder is not party.node
                )
    parts = {_collapsed(e, "id") for e in doc.cpa.node.iter(*(f"{{{CPPA}}}{name}" for name in _PARTS))}
    for constituent in doc.cpa.node.iter(f"{{{CPPA}}}Constituent"):
        target = _collapsed(constituent, "idref")
        if target not in parts:
            yield _dangling(constituent, "idref", target, "SimplePart", kinds.get(target, ("", None))[0], foreign=False)


_PARTS: Final = ("SimplePart", "Encapsulation", "Composite")


def _dangling(node: etree._Element, attribute: str, target: str, wanted: str, kind: str, *, foreign: bool) -> Finding:
    if not kind:
        shown = Text(f"{attribute}={target}: bestaat niet", f"{attribute}={target}: does not exist")
    elif kind != wanted:
        shown = Text(f"{attribute}={target}: is een {kind}", f"{attribute}={target}: is a {kind}")
    else:
        shown = Text(
            f"{attribute}={target}: hoort bij de andere partij", f"{attribute}={target}: belongs to the other party"
        )
    expected = Text(f"{wanted} van de eigen partij", f"{wanted} of the own party") if foreign else wanted
    return reading.at("CPA-030", node, "", shown, expected)


_NAMES: Final = {
    "certId": "Certificate",
    "securityId": "SecurityDetails",
    "channelId": "DeliveryChannel",
    "transportId": "Transport",
    "docExchangeId": "DocExchange",
}


def _kinds(doc: Doc) -> dict[str, tuple[str, etree._Element | None]]:
    """Return every id of the CPA with the kind of element it names and the party it belongs to."""
    kinds: dict[str, tuple[str, etree._Element | None]] = {}
    for element in doc.cpa.node.iterchildren(f"{{{CPPA}}}Packaging", f"{{{CPPA}}}SimplePart"):
        kinds[_collapsed(element, "id")] = (etree.QName(element).localname, None)
    for party in doc.cpa.parties:
        for parts, kind in (
            (party.certificates, "Certificate"),
            (party.channels, "DeliveryChannel"),
            (party.transports, "Transport"),
            (party.doc_exchanges, "DocExchange"),
        ):
            kinds.update((part.id, (kind, party.node)) for part in parts)
        kinds.update((name, ("SecurityDetails", party.node)) for name in party.security_ids)
        kinds.update((binding.id, ("ThisPartyActionBinding", party.node)) for _, binding in party.bindings)
    return kinds


def _references(party: PartyInfo) -> Iterator[tuple[etree._Element, str, str, str]]:
    """Yield every reference of a party: element, attribute, what it refers to, which kind that must be."""
    yield party.node, "defaultMshChannelId", party.default_channel_id, "DeliveryChannel"
    yield party.node, "defaultMshPackageId", party.default_package_id, "Packaging"
    for _, binding in party.bindings:
        yield binding.node, "packageId", binding.package_id, "Packaging"
        for channel_id in binding.channel_ids:
            yield binding.node, "ChannelId", channel_id, "DeliveryChannel"
    for channel in party.channels:
        yield channel.node, "transportId", channel.transport_id, "Transport"
        yield channel.node, "docExchangeId", channel.doc_exchange_id, "DocExchange"
    for override in party.overrides:
        yield override.node, "channelId", override.channel_id, "DeliveryChannel"
    for element in party.node.iter(*_REFERRING):
        name = etree.QName(element).localname
        attribute = "certId" if name.endswith("CertificateRef") else "securityId"
        yield element, attribute, _collapsed(element, attribute), _NAMES[attribute]


_REFERRING: Final = tuple(
    f"{{{CPPA}}}{name}"
    for name in (
        "ClientCertificateRef",
        "ServerCertificateRef",
        "SigningCertificateRef",
        "EncryptionCertificateRef",
        "AnchorCertificateRef",
        "ApplicationCertificateRef",
        "ServerSecurityDetailsRef",
        "ClientSecurityDetailsRef",
        "SigningSecurityDetailsRef",
        "EncryptionSecurityDetailsRef",
        "ApplicationSecurityDetailsRef",
    )
)


def _collapsed(element: etree._Element, attribute: str) -> str:
    return " ".join((element.get(f"{{{CPPA}}}{attribute}") or "").split())


# -- actions


@table.rule("CPA-031")
def mirror(doc: Doc, ctx: Context) -> Outcome:
    """OtherPartyActionBinding is the same action of the other party, the other way."""
    bindings = {binding.id: (party, binding) for party in doc.cpa.parties for _, binding in party.bindings}
    for party in doc.cpa.parties:
        for _, binding in party.bindings:
            if not binding.other_id:
                continue
            found = bindings.get(binding.other_id)
            wrong = _mirror_fault(party, binding, *found) if found else Text("bestaat niet", "does not exist")
            if wrong:
                shown = Text(
                    f"{binding.id} → {binding.other_id}: {wrong.nl}", f"{binding.id} → {binding.other_id}: {wrong.en}"
                )
                yield at(binding, "CPA-031", shown)


def _mirror_fault(party: PartyInfo, binding: Binding, other: PartyInfo, mirrored: Binding) -> Text | None:
    if binding.node is mirrored.node:
        return Text("wijst naar zichzelf", "points to itself")
    if party.node is other.node:
        return Text("is van dezelfde partij", "is of the same party")
    if binding.direction == mirrored.direction:
        return Text("gaat dezelfde kant op", "goes the same way")
    if mirrored.other_id and mirrored.other_id != binding.id:
        return Text(f"wijst terug naar {mirrored.other_id}", f"points back to {mirrored.other_id}")
    return None


@table.rule("CPA-032")
def both_ways(doc: Doc, ctx: Context) -> Outcome:
    """What one party can send, the other can receive."""
    if len(doc.cpa.parties) != 2:
        return
    for party, other in (doc.cpa.parties, doc.cpa.parties[::-1]):
        receives = {(r.service.strip(), r.service_type, b.action) for r in other.roles for b in r.can_receive}
        for role in party.roles:
            for binding in role.can_send:
                if (role.service.strip(), role.service_type, binding.action) not in receives:
                    name = other.name or other.party_id
                    expected = Text(f"CanReceive bij {name}", f"CanReceive at {name}")
                    yield at(binding, "CPA-032", f"{role.service.strip()} / {binding.action}", expected)


@table.rule("CPA-034")
def service_type(doc: Doc, ctx: Context) -> Outcome:
    """The type of a service is urn:osb:services; toolkit files leave it out."""
    seen: set[tuple[str, str | None]] = set()
    for party in doc.cpa.parties:
        for role in party.roles:
            key = (role.service, role.service_type)
            known = role.service_type == SERVICE_TYPE or (role.service_type or "").startswith("urn:cv:")
            if not known and key not in seen:
                yield at(role, "CPA-034", f"{role.service.strip()}: {role.service_type or '–'}", SERVICE_TYPE)
            seen.add(key)


@table.rule("CPA-035")
def no_blanks(doc: Doc, ctx: Context) -> Outcome:
    """Service and action have no white space."""
    for party in doc.cpa.parties:
        for role in party.roles:
            if re.search(r"\s", role.service):
                yield at(role, "CPA-035", repr(role.service), repr("".join(role.service.split())))
        for _, binding in party.bindings:
            if re.search(r"\s", binding.action):
                yield at(binding, "CPA-035", repr(binding.action), repr("".join(binding.action.split())))


@table.rule("CPA-036")
def one_role(doc: Doc, ctx: Context) -> Outcome:
    """A party has one role in one CPA."""
    for party in doc.cpa.parties:
        names = list(dict.fromkeys(role.role for role in party.roles if role.role))
        if len(names) > 1:
            other = next(role for role in party.roles if role.role == names[1])
            yield at(other, "CPA-036", ", ".join(names))


@table.rule("CPA-037")
def one_channel(doc: Doc, ctx: Context) -> Outcome:
    """An action names one channel; adapters use the first."""
    for party in doc.cpa.parties:
        for _, binding in party.bindings:
            if len(binding.channel_ids) > 1:
                yield at(binding, "CPA-037", ", ".join(binding.channel_ids))


@table.rule("CPA-038")
def equal_characteristics(doc: Doc, ctx: Context) -> Outcome:
    """Both sides of an action have the same business transaction characteristics."""
    bindings = {binding.id: binding for party in doc.cpa.parties for _, binding in party.bindings}
    for party in doc.cpa.parties[:1]:
        for _, binding in party.bindings:
            mirrored = bindings.get(binding.other_id)
            if not mirrored or mirrored is binding or not binding.characteristics or not mirrored.characteristics:
                continue
            mine, theirs = dict(binding.characteristics.values), dict(mirrored.characteristics.values)
            differing = sorted(name for name in mine.keys() | theirs if mine.get(name) != theirs.get(name))
            if differing:
                shown = ", ".join(f"{name}: {mine.get(name, '–')} / {theirs.get(name, '–')}" for name in differing)
                yield at(binding, "CPA-038", shown)


# -- for information


@table.rule("CPA-090")
def mime_types(doc: Doc, ctx: Context) -> Outcome:
    """Toolkits write MIME parameters where the MIME type belongs; adapters do not mind."""
    for element in doc.cpa.node.iter(f"{{{CPPA}}}SimplePart", f"{{{CPPA}}}Composite", f"{{{CPPA}}}Encapsulation"):
        mime = element.get(f"{{{CPPA}}}mimetype") or ""
        if mime and not re.fullmatch(r"[\w.+*-]+/[\w.+*-]+", mime.strip()):
            yield reading.at("CPA-090", element, "", mime, "text/xml")


@table.rule("CPA-091")
def overridden(doc: Doc, ctx: Context) -> Outcome:
    """An OverrideMshActionBinding leads Ping or Pong over another channel."""
    for party in doc.cpa.parties:
        for override in party.overrides:
            if override.action in ("Ping", "Pong"):
                yield at(override, "CPA-091", f"{override.action} → {override.channel_id}")


@table.rule("CPA-092")
def ping_as_action(doc: Doc, ctx: Context) -> Outcome:
    """Some adapters need Ping and Pong as actions, or a channel of their own for signals."""
    actions = {binding.action for party in doc.cpa.parties for _, binding in party.bindings}
    separate = any(p.default_channel and not doc.carries_business(p, p.default_channel) for p in doc.cpa.parties)
    overrides = any(o.action == "Ping" for p in doc.cpa.parties for o in p.overrides)
    if not ({"Ping", "Pong"} <= actions or separate or overrides):
        yield at(doc.cpa, "CPA-092")


@table.rule("CPA-093")
def signature(doc: Doc, ctx: Context) -> Outcome:
    """A CPA with status signed carries a signature, and the signature holds."""
    if doc.cpa.status == "signed" and not doc.cpa.signed:
        yield at(doc.cpa, "CPA-093", Text("status signed zonder Signature", "status signed without Signature"))
    elif doc.cpa.signed and not _signature_holds(doc):
        yield at(
            doc.cpa,
            "CPA-093",
            Text("de handtekening klopt niet met de inhoud", "the signature does not match the content"),
        )


def _signature_holds(doc: Doc) -> bool:
    """Whether the digest over the whole document is still right; True when it is not of that kind."""
    copy = etree.fromstring(etree.tostring(doc.cpa.node))
    for signed in copy.iterfind(f"{{{CPPA}}}Signature/{{{DS}}}Signature"):
        reference = signed.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
        method = reference.find(f"{{{DS}}}DigestMethod") if reference is not None else None
        digest = _DIGESTS.get(method.get("Algorithm") or "") if method is not None else None
        stated = decoded(reference.findtext(f"{{{DS}}}DigestValue") or "") if reference is not None else None
        if reference is None or digest is None or not stated or reference.get("URI"):
            continue
        exclusive = any("exc-c14n" in (t.get("Algorithm") or "") for t in reference.iter(f"{{{DS}}}Transform"))
        parent = signed.getparent()
        if parent is not None:
            _cut(parent, signed)
        if (
            hashlib.new(digest, etree.tostring(copy, method="c14n", exclusive=exclusive, with_comments=False)).digest()
            != stated
        ):
            return False
        break
    return True


_DIGESTS: Final = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


def _cut(parent: etree._Element, child: etree._Element) -> None:
    """Remove `child` and keep the white space behind it, as the enveloped-signature transform does."""
    before = child.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (child.tail or "")
    else:
        parent.text = (parent.text or "") + (child.tail or "")
    parent.remove(child)
