"""The assertion that the routing service gives about a person (N)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.artifact import expected_rd, own_places
from harness.lint.saml.delivered import BREACHES, STATES, saw
from harness.lint.saml.heard import NO_METADATA, NO_RD, NO_REQUEST, Heard, child, instant, issuer_of, named, shown
from harness.lint.saml.request import personal
from harness.model import Finding, NotRun, Text
from harness.wire.oin import passes_elfproef
from harness.wire.saml import (
    ACTING_SUBJECT,
    AES256_CBC,
    BEARER,
    BSNK_TYPES,
    INTENDED_AUDIENCE,
    LEGACY_BSN,
    LEGAL_SUBJECT,
    LOA_RANK,
    PERSISTENT,
    REPRESENTATION,
    RSA_OAEP,
    SAML,
    SERVICE_UUID,
    TRANSIENT,
    XENC,
    Element,
    EntityId,
    Moment,
    children,
    local_name,
    q,
    text_of,
)
from harness.wire.saml_encrypted import SHA1, algorithms_of, digests_of, key_names_for, recipients_of
from harness.wire.saml_message import extension_values
from harness.wire.saml_metadata import key_certificates
from harness.wire.saml_signature import State

table: RuleTable[Heard] = RuleTable()

LONG_AGO: Final = timedelta(days=1)
"""A login older than this is not the one that was asked for, also with single sign-on."""

LONGEST: Final = timedelta(minutes=10)
"""The RD gives two minutes; whoever gives far more leaves an answer usable for far longer."""

SKEW: Final = timedelta(seconds=30)
_SHORT_LEVELS: Final = {"basic": 0, "low": 1, "substantial": 2, "high": 3}


def _attributes(assertion: Element) -> dict[str, list[Element]]:
    """Return name → AttributeValues of the outer statement only: an Advice is never looked into."""
    found: dict[str, list[Element]] = {}
    for statement in named(assertion, SAML, "AttributeStatement"):
        for attribute in named(statement, SAML, "Attribute"):
            values = list(named(attribute, SAML, "AttributeValue"))
            found.setdefault(attribute.get("Name") or "", []).extend(values)
    return found


@table.rule("SAML-AS-001")
def signed(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The assertion carries its own signature of the RD (7.6.3)."""
    if doc.assertion is None:
        return
    facts = doc.facts(doc.assertion, issuer_of(doc.assertion))
    if facts.count != 1 or facts.signature is None:
        yield saw("SAML-AS-001", doc.assertion, f"{facts.count} × ds:Signature", "1", case="unsigned")
        return
    for breach in sorted(facts.breaches):
        yield saw("SAML-AS-001", facts.signature.element, BREACHES[breach], case="profile")
    if doc.rd is None:
        yield from not_run(("SAML-AS-001",), NO_RD)
    elif facts.chosen is None:
        yield saw("SAML-AS-001", facts.signature.element, facts.signature.key_name or "—", case="key")
    elif facts.state is not None and facts.state not in (State.INTACT, State.UNSUPPORTED):
        yield saw("SAML-AS-001", facts.signature.element, STATES[facts.state], case=str(facts.state))


@table.rule("SAML-AS-004")
def issued_by_rd(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The Issuer of the assertion is the RD (7.6.3)."""
    if doc.assertion is None:
        return
    expected = expected_rd(doc, ctx)
    if not expected:
        yield from not_run(("SAML-AS-004",), NO_RD)
    elif issuer_of(doc.assertion) != expected:
        yield saw("SAML-AS-004", doc.assertion, issuer_of(doc.assertion) or "—", expected)


@table.rule("SAML-AS-005")
def transient_subject(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The subject is a transient name for logging out, never an identity (7.6.3)."""
    if doc.assertion is None:
        return
    name = child(doc.assertion, SAML, "Subject", "NameID")
    if name is None or not text_of(name).strip():
        yield saw("SAML-AS-005", doc.assertion, "—", "saml:NameID", case="absent")
    elif name.get("Format", TRANSIENT) != TRANSIENT:
        yield saw("SAML-AS-005", name, name.get("Format") or "", TRANSIENT)
    elif text_of(name).strip().startswith(("s00000000:", "s00000001:")):
        yield saw(
            "SAML-AS-005",
            name,
            Text("een nummer in de vorm van DigiD 3", "a number in the form of DigiD 3"),
            case="digid-3",
        )
    elif personal(text_of(name)):
        yield saw("SAML-AS-005", name, personal(text_of(name)), TRANSIENT, case="personal")


def _confirmation(doc: Heard) -> tuple[Element | None, Element | None]:
    if doc.assertion is None:
        return None, None
    confirmation = child(doc.assertion, SAML, "Subject", "SubjectConfirmation")
    data = confirmation.find(q(SAML, "SubjectConfirmationData")) if confirmation is not None else None
    return confirmation, data


@table.rule("SAML-AS-010")
def bearer(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Bearer confirmation with data, without NotBefore (7.6.3.3)."""
    if doc.assertion is None:
        return
    confirmation, data = _confirmation(doc)
    method = confirmation.get("Method") if confirmation is not None else None
    if method != BEARER or data is None:
        yield saw("SAML-AS-010", doc.assertion, method or "—", BEARER)
    elif data.get("NotBefore"):
        yield saw("SAML-AS-010", data, "NotBefore", case="not-before")


@table.rule("SAML-AS-011")
def recipient(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Recipient is the ACS where the artifact arrived (7.6.3.5)."""
    _, data = _confirmation(doc)
    if data is None:
        return
    places = own_places(doc)
    if not places:
        yield from not_run(("SAML-AS-011",), NO_METADATA)
    elif data.get("Recipient") not in places:
        yield saw("SAML-AS-011", data, data.get("Recipient") or "—", ", ".join(sorted(places)))


@table.rule("SAML-AS-012")
def confirmed_in_time(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """NotOnOrAfter of the confirmation has not passed (7.6.3.3)."""
    _, data = _confirmation(doc)
    if data is None:
        return
    end = Moment.read(data.get("NotOnOrAfter"))
    if end is None:
        yield saw("SAML-AS-012", data, data.get("NotOnOrAfter") or "—", case="absent")
    elif ctx.at >= end.at + SKEW:
        yield saw("SAML-AS-012", data, shown(end.at), f"> {shown(ctx.at)}")
    elif doc.assertion is not None and (issued := instant(doc.assertion)) and end.at - issued.at > LONGEST:
        yield saw("SAML-AS-012", data, shown(end.at), f"≤ {shown(issued.at + LONGEST)}", case="long")


@table.rule("SAML-AS-013")
def answers_our_request(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """InResponseTo is the ID of our AuthnRequest (7.6.3.5)."""
    _, data = _confirmation(doc)
    if data is None:
        return
    request = doc.first("AuthnRequest")
    if request is None:
        yield from not_run(("SAML-AS-013",), NO_REQUEST)
    elif data.get("InResponseTo") != request.identifier:
        yield saw("SAML-AS-013", data, data.get("InResponseTo") or "—", request.identifier)


@table.rule("SAML-AS-020")
def conditions_hold(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The clock lies between NotBefore and NotOnOrAfter (7.6.3)."""
    conditions = child(doc.assertion, SAML, "Conditions") if doc.assertion is not None else None
    if doc.assertion is None:
        return
    if conditions is None:
        yield saw("SAML-AS-020", doc.assertion, "—", "saml:Conditions", case="absent")
        return
    begin, end = Moment.read(conditions.get("NotBefore")), Moment.read(conditions.get("NotOnOrAfter"))
    if begin and ctx.at + SKEW < begin.at:
        yield saw("SAML-AS-020", conditions, shown(begin.at), f"≤ {shown(ctx.at)}", case="early")
    if end and ctx.at >= end.at + SKEW:
        yield saw("SAML-AS-020", conditions, shown(end.at), f"> {shown(ctx.at)}", case="late")


@table.rule("SAML-AS-021", "SAML-AS-022")
def audience(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The audience holds us: the DV, and the LC in a cluster; any of the Audience elements counts (7.6.3.1)."""
    if doc.assertion is None:
        return
    found = doc.assertion.findall("/".join(q(SAML, n) for n in ("Conditions", "AudienceRestriction", "Audience")))
    names = [text_of(a).strip() for a in found]
    if not names:
        yield saw("SAML-AS-021", doc.assertion, "—", "saml:Audience", case="absent")
        return
    request = doc.first("AuthnRequest")
    if request is None:
        yield from not_run(("SAML-AS-021", "SAML-AS-022"), NO_REQUEST)
        return
    wanted = extension_values(request.element).get(INTENDED_AUDIENCE, [request.issuer])
    listed = ", ".join(names)[:300]
    if not any(w.strip() in names for w in wanted):
        yield saw("SAML-AS-021", found[0], listed, ", ".join(wanted))
    issuer = EntityId.read(request.issuer)
    if issuer and issuer.role == "LC" and request.issuer not in names:
        yield saw("SAML-AS-022", found[0], listed, request.issuer)


def _level(doc: Heard) -> tuple[Element | None, str]:
    if doc.assertion is None:
        return None, ""
    found = child(doc.assertion, SAML, "AuthnStatement", "AuthnContext", "AuthnContextClassRef")
    return found, text_of(found).strip()


@table.rule("SAML-AS-030", "SAML-AS-031")
def level(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """One of the four levels of assurance, at or above the minimum of the service (10.3, 7.6.3.2)."""
    if doc.assertion is None:
        return
    found, value = _level(doc)
    if value not in LOA_RANK:
        case = "digid-3" if ":ac:classes:" in value else ""
        yield saw("SAML-AS-030", found if found is not None else doc.assertion, value or "—", "LoA", case=case)
        return
    statements = len(doc.assertion.findall(q(SAML, "AuthnStatement")))
    if statements > 1:
        yield saw("SAML-AS-030", doc.assertion, f"{statements} × AuthnStatement", "1", case="count")
    minimum = ctx.setting("loa")
    wanted = LOA_RANK.get(minimum, _SHORT_LEVELS.get(minimum))
    if wanted is None:
        yield from not_run(
            ("SAML-AS-031",),
            Text("geen minimaal niveau opgegeven (--set loa=…)", "no minimum level given (--set loa=…)"),
        )
    elif LOA_RANK[value] < wanted:
        yield saw("SAML-AS-031", found, value, f"≥ {minimum}")


@table.rule("SAML-AS-032", "SAML-AS-033")
def authentication(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """AuthnInstant is plausible, SessionIndex is the transient name, and who authenticated is told (7.6.3)."""
    statement = child(doc.assertion, SAML, "AuthnStatement") if doc.assertion is not None else None
    if doc.assertion is None or statement is None:
        return
    at = Moment.read(statement.get("AuthnInstant"))
    if at is None or at.at > ctx.at + SKEW:
        yield saw("SAML-AS-032", statement, statement.get("AuthnInstant") or "—", f"≤ {shown(ctx.at)}")
    elif (issued := Moment.read(doc.assertion.get("IssueInstant"))) and at.at < issued.at - LONG_AGO:
        yield saw("SAML-AS-032", statement, shown(at.at), f"≥ {shown(issued.at - LONG_AGO)}")
    session = statement.get("SessionIndex")
    if session is not None and session != text_of(child(doc.assertion, SAML, "Subject", "NameID")).strip():
        yield saw("SAML-AS-032", statement, "SessionIndex", "NameID", case="session")
    told = [text_of(a).strip() for a in statement.iter(q(SAML, "AuthenticatingAuthority"))]
    if told:
        yield saw("SAML-AS-033", statement, ", ".join(told)[:200])


@table.rule("SAML-AS-040")
def service(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """One statement of attributes, for the service that was asked (7.6.3.4)."""
    if doc.assertion is None:
        return
    statements = sum(1 for c in children(doc.assertion) if c.tag == q(SAML, "AttributeStatement"))
    if statements != 1:
        yield saw("SAML-AS-040", doc.assertion, f"{statements} × AttributeStatement", "1", case="count")
    uuids = [text_of(v).strip() for v in _attributes(doc.assertion).get(SERVICE_UUID, [])]
    request = doc.first("AuthnRequest")
    if request is None:
        yield from not_run(("SAML-AS-040",), NO_REQUEST)
        return
    wanted = [u.strip().lower() for u in extension_values(request.element).get(SERVICE_UUID, [])]
    if wanted and [u.lower() for u in uuids] != wanted:
        yield saw("SAML-AS-040", doc.assertion, ", ".join(uuids) or "—", ", ".join(wanted))


@table.rule("SAML-AS-041", "SAML-AS-042")
def subjects(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """One acting subject; a legal subject means representation, and its kind decides what is allowed (7.6.3.4)."""
    if doc.assertion is None:
        return
    found = _attributes(doc.assertion)
    acting, legal = len(found.get(ACTING_SUBJECT, [])), len(found.get(LEGAL_SUBJECT, []))
    if acting != 1:
        yield saw("SAML-AS-041", doc.assertion, f"{acting} × ActingSubjectID", "1")
    if legal > 1:
        yield saw("SAML-AS-041", doc.assertion, f"{legal} × LegalSubjectID", "≤ 1")
    elif legal == 1:
        yield saw("SAML-AS-041", doc.assertion, "LegalSubjectID", case="represented")
        kinds = [text_of(v).strip() for v in found.get(REPRESENTATION, [])]
        yield saw("SAML-AS-042", doc.assertion, ", ".join(kinds) or "—", case="seen" if kinds else "absent")


# --- the encrypted identifiers ----------------------------------------------------------------------------------------


def encrypted_ids(assertion: Element) -> Iterator[tuple[str, Element | None]]:
    """Yield attribute name and EncryptedID of the acting and the legal subject in the outer statement."""
    found = _attributes(assertion)
    for name in (ACTING_SUBJECT, LEGAL_SUBJECT):
        for value in found.get(name, []):
            yield name, value.find(q(SAML, "EncryptedID"))


@table.rule("SAML-AS-050", "SAML-AS-051", "SAML-AS-056")
def encrypted_for_provider(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Each identifier is encrypted for every certificate of the DV, and never for the LC (7.6.3.4)."""
    if doc.assertion is None:
        return
    request = doc.first("AuthnRequest")
    wanted = extension_values(request.element).get(INTENDED_AUDIENCE, [request.issuer])[0].strip() if request else ""
    for name, encrypted in encrypted_ids(doc.assertion):
        short = name.rsplit(":", 1)[-1]
        if encrypted is None:
            yield saw("SAML-AS-050", doc.assertion, f"{short}: —", "saml:EncryptedID", case="plain")
            continue
        if any(not text_of(value).strip() for value in encrypted.iter(q(XENC, "CipherValue"))):
            yield saw("SAML-AS-050", encrypted, f"{short}: CipherValue", Text("een waarde", "a value"), case="empty")
        recipients = recipients_of(encrypted)
        if any((n := EntityId.read(r)) and n.role == "LC" for r in recipients):
            yield saw("SAML-AS-056", encrypted, ", ".join(recipients))
        if wanted and wanted not in recipients:
            yield saw("SAML-AS-050", encrypted, f"{short}: {', '.join(recipients) or '—'}", wanted)
        elif wanted:
            yield from _for_every_certificate(doc, encrypted, wanted)
    for attribute, values in _attributes(doc.assertion).items():
        if any(personal(value.text or "") == "BSN" for value in values):
            yield saw("SAML-AS-050", doc.assertion, f"{attribute[:80]}: BSN", "saml:EncryptedID", case="plain")
    if not wanted:
        yield from not_run(("SAML-AS-050", "SAML-AS-051"), NO_REQUEST)


def _for_every_certificate(doc: Heard, encrypted: Element, wanted: str) -> Iterator[Finding]:
    provider = doc.entities.get(wanted)
    if provider is None:
        return
    listed = {name for name, _ in key_certificates(provider, "encryption")}
    used = set(key_names_for(encrypted, wanted))
    if listed and used != listed:
        yield saw("SAML-AS-051", encrypted, ", ".join(sorted(used)), ", ".join(sorted(listed)))


@table.rule("SAML-AS-052", "SAML-AS-053")
def encryption_form(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Keys beside the data or inline; aes256-cbc under rsa-oaep-mgf1p and nothing weaker (9.3)."""
    if doc.assertion is None:
        return
    for _, encrypted in encrypted_ids(doc.assertion):
        if encrypted is None:
            continue
        data, transports = algorithms_of(encrypted)
        strange = [a for a in (data, *transports) if a not in (AES256_CBC, RSA_OAEP)]
        if strange:
            yield saw("SAML-AS-053", encrypted, ", ".join(a or "—" for a in strange), f"{AES256_CBC}, {RSA_OAEP}")
        digests = [d for d in digests_of(encrypted) if d != SHA1]
        if digests:
            yield saw("SAML-AS-053", encrypted, ", ".join(digests), SHA1, case="digest")
        beside = any(
            local == q("http://www.w3.org/2001/04/xmlenc#", "EncryptedKey") for local in (c.tag for c in encrypted)
        )
        if not transports:
            yield saw("SAML-AS-052", encrypted, "0 × EncryptedKey", "≥ 1", case="absent")
        else:
            yield saw("SAML-AS-052", encrypted, "peer" if beside else "inline", case="layout")


def judge_name_id(name: Element) -> Iterator[Finding]:
    """Judge a decrypted NameID: the form of the identifier (AS-054, AS-055, AS-058); the number itself is never told."""
    if name.tag != q(SAML, "NameID"):
        yield saw("SAML-AS-054", name, local_name(name), "saml:NameID", case="element")
        return
    qualifier = name.get("NameQualifier") or ""
    if name.get("Format") != PERSISTENT:
        yield saw("SAML-AS-054", name, name.get("Format") or "—", PERSISTENT)
    if qualifier not in (LEGACY_BSN, *BSNK_TYPES):
        yield saw("SAML-AS-054", name, qualifier or "—", LEGACY_BSN, case="qualifier")
    odd = [a for a in ("SPNameQualifier", "SPProvidedID") if name.get(a) is not None]
    if odd:
        yield saw("SAML-AS-054", name, ", ".join(odd), case="attributes")
    if qualifier in BSNK_TYPES:
        yield saw("SAML-AS-058", name, qualifier)
    elif qualifier == LEGACY_BSN:
        yield from _bsn(name)


def _bsn(name: Element) -> Iterator[Finding]:
    value = text_of(name)
    if len(value) != 9 or not value.isdecimal():
        shape = Text(f"{len(value)} tekens", f"{len(value)} characters")
        yield saw("SAML-AS-055", name, shape, Text("9 cijfers", "9 digits"))
    elif not passes_elfproef(value):
        yield saw("SAML-AS-055", name, Text("voldoet niet aan de elfproef", "fails the 11-test"), case="check")
