"""Build a CPA for the lab and for rehearsal, in each of the six Digikoppeling profiles.

A real CPA comes from the CPA Creatievoorziening; what is built here says in a Comment that it does not.

>>> build_cpa(consumer, provider, "osb-rm", start=start)       # doctest: +SKIP
b'<?xml version="1.0" encoding="UTF-8"?>…'
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from harness.errors import UnusableInput
from harness.wire.cpa import CPPA, TO_PARTY_MSH, XLINK
from harness.wire.keyinfo import DS, facts_of
from harness.wire.spec import PROFILES, Action, Party, ProviderSpecification, Service, key_info

EBMS: Final = "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
AES256_GCM: Final = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
ORIGIN: Final = "Gemaakt met ketentest voor lab en oefening. Dit CPA komt niet van de CPA Creatievoorziening en is geen afspraak tussen partijen."
_SHAPE: Final = {"tns": CPPA, "ds": DS, "xlink": XLINK}
_START: Final = re.compile(r"[A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Reliability:
    """How a reliable message is repeated and kept; the duration must outlast all retries."""

    retries: int = 8
    interval: str = "PT3H"
    persist: str = "P2D"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that the parts of one CPA share."""

    profile: str
    reliability: Reliability
    sync: bool

    @property
    def reliable(self) -> bool:
        return self.profile.startswith("osb-rm")

    @property
    def signed(self) -> bool:
        return self.profile.endswith(("-s", "-e"))

    @property
    def encrypted(self) -> bool:
        return self.profile.endswith("-e")


def build_cpa(
    consumer: Party,
    provider: ProviderSpecification,
    profile: str,
    *,
    start: datetime,
    end: datetime | None = None,
    version: str = "v1",
    cpaid: str = "",
    status: str = "agreed",
    reliability: Reliability | None = None,
    sync: bool = False,
) -> bytes:
    """Return a CPA between `consumer` and `provider` in `profile` (`osb-be` … `osb-rm-e`); the same bytes every time.

    Without `end` it ends after two years, or earlier when a certificate does. `sync` asks for signals in the HTTP
    response (mshSignalsOnly), which Digikoppeling allows for reliable messaging by mutual agreement only.
    """
    plan = _Plan(profile, reliability or Reliability(), sync)
    _refuse_impossible(plan, consumer, provider)
    root = etree.Element(_q("CollaborationProtocolAgreement"), nsmap=dict(_SHAPE))
    root.set(_q("cpaid"), cpaid or default_cpaid(provider.services, consumer, provider.party, version))
    root.set(_q("version"), "2_0b")
    root.append(etree.Comment(" ketentest: niet afkomstig van de CPA Creatievoorziening "))
    _add(root, "Status", value=status)
    _add(root, "Start", _utc(start))
    _add(root, "End", _utc(end or _default_end(start, consumer, provider.party)))
    for party, other in ((provider.party, consumer), (consumer, provider.party)):
        _party(root, party, other, provider.services, plan)
    _packaging(root)
    comment = _add(root, "Comment", ORIGIN)
    comment.set("{http://www.w3.org/XML/1998/namespace}lang", "nl-NL")
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def default_cpaid(services: Sequence[Service], one: Party, other: Party, version: str) -> str:
    """Return `[ServiceID]_[PartyIdA]_[PartyIdB]_[version]` without characters that a file name cannot bear."""
    service = services[0].name if services else "service"
    parts = (service, one.party_id, other.party_id, version)
    return "_".join(re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") for part in parts)


def _refuse_impossible(plan: _Plan, consumer: Party, provider: ProviderSpecification) -> None:
    if plan.profile not in PROFILES:
        names = ", ".join(PROFILES)
        raise UnusableInput(
            f"profiel {plan.profile!r} bestaat niet; kies uit {names}",
            f"profile {plan.profile!r} does not exist; choose from {names}",
        )
    if plan.sync and not plan.reliable:
        raise UnusableInput(
            "een best-effort-profiel kent geen synchrone signalen; kies osb-rm of laat sync weg",
            "a best-effort profile has no synchronous signals; choose osb-rm or leave sync out",
        )
    if consumer.party_id == provider.party.party_id:
        raise UnusableInput(
            f"beide specificaties zijn van PartyId {consumer.party_id}; een CPA is tussen twee verschillende partijen",
            f"both specifications are of PartyId {consumer.party_id}; a CPA is between two different parties",
        )
    roles = {consumer.role, provider.party.role}
    if len(roles) < 2:
        raise UnusableInput(
            f"beide partijen hebben rol {consumer.role!r}; geef de aanbieder een eigen rol, bijvoorbeeld SP",
            f"both parties have role {consumer.role!r}; give the provider a role of its own, such as SP",
        )
    for service in provider.services:
        for action in service.actions:
            if {action.from_role, action.to_role} != roles:
                raise UnusableInput(
                    f"actie {action.name} gaat van {action.from_role} naar {action.to_role}; de rollen van dit CPA zijn {' en '.join(sorted(roles))}",
                    f"action {action.name} goes from {action.from_role} to {action.to_role}; the roles of this CPA are {' and '.join(sorted(roles))}",
                )
    if not any(service.actions for service in provider.services):
        raise UnusableInput(
            "de providerspecificatie noemt geen enkele actie; voeg een bericht toe",
            "the provider specification names no action; add a message",
        )


def _default_end(start: datetime, *parties: Party) -> datetime:
    used = (der for p in parties for der in (p.client_cert, p.server_cert, p.signing_cert, p.encryption_cert) if der)
    certificates = [facts_of(der) for der in used]
    ends = [datetime.fromtimestamp(f.not_after, UTC) for f in certificates if f]
    try:
        two_years = start.replace(year=start.year + 2)
    except ValueError:  # 29 February
        two_years = start.replace(year=start.year + 2, day=28)
    return min([two_years, *ends])


def _party(root: etree._Element, party: Party, other: Party, services: Sequence[Service], plan: _Plan) -> None:
    me, them = _name(party.role), _name(other.role)
    info = _add(
        root,
        "PartyInfo",
        partyName=party.name,
        defaultMshChannelId=f"{me}_channel_msh",
        defaultMshPackageId="package_signal",
    )
    _add(info, "PartyId", party.party_id, type=party.party_id_type)
    _add(info, "PartyRef").set(f"{{{XLINK}}}href", party.party_ref)
    for number, service in enumerate(services, 1):
        binding = _service_binding(info, party, service)
        for way, mirror, action in _ways(party, service):
            _action(binding, action, f"{me}_{way}{number}", f"{them}_{mirror}{number}", me, plan)
    _certificates(info, party, me)
    _channels(info, me, plan)
    _transport(info, party, me)
    _doc_exchanges(info, me, plan)


def _service_binding(info: etree._Element, party: Party, service: Service) -> etree._Element:
    role = _add(info, "CollaborationRole")
    process = f"urn:ketentest:{_name(service.name)}"
    specification = _add(role, "ProcessSpecification", name=service.name, version="1.0", uuid=process)
    specification.set(f"{{{XLINK}}}href", process)
    _add(role, "Role", name=party.role).set(f"{{{XLINK}}}href", f"urn:ketentest:{_name(party.role)}")
    binding = _add(role, "ServiceBinding")
    _add(binding, "Service", service.name, type=service.type)
    return binding


def _ways(party: Party, service: Service) -> Iterator[tuple[str, str, Action]]:
    """Yield this party's way (S or R), the mirror of it, and the action: what it sends comes first."""
    yield from (("S", "R", a) for a in service.actions if a.from_role == party.role)
    yield from (("R", "S", a) for a in service.actions if a.from_role != party.role)


def _action(binding: etree._Element, action: Action, mine: str, theirs: str, me: str, plan: _Plan) -> None:
    suffix = _name(action.name)
    way = _add(binding, "CanSend" if mine.startswith(f"{me}_S") else "CanReceive")
    this = _add(way, "ThisPartyActionBinding", id=f"{mine}_{suffix}", action=action.name, packageId="package_message")
    _add(this, "BusinessTransactionCharacteristics", **_characteristics(plan))
    _add(this, "ChannelId", f"{me}_channel_{'business' if plan.reliable else 'msh'}")
    _add(way, "OtherPartyActionBinding", f"{theirs}_{suffix}")


def _characteristics(plan: _Plan) -> dict[str, str]:
    kept = "transient-and-persistent" if plan.signed else "transient"
    return {
        "isNonRepudiationRequired": _yes(plan.signed),
        "isNonRepudiationReceiptRequired": _yes(plan.signed),
        "isConfidential": "transient-and-persistent" if plan.encrypted else "transient",
        "isAuthenticated": kept,
        "isTamperProof": kept,
        "isAuthorizationRequired": "true",
        "isIntelligibleCheckRequired": "false",
        "timeToPerform": "P2D",
    }


def _certificates(info: etree._Element, party: Party, me: str) -> None:
    certificates = (
        ("client", party.client_cert),
        ("server", party.server_cert),
        ("signing", party.signing_cert or party.client_cert),
        ("encryption", party.encryption_cert or party.server_cert),
    )
    for use, der in certificates:
        holder = _add(info, "Certificate", certId=f"{me}_cert_{use}")
        holder.append(etree.fromstring(key_info(der)))
    for kind, uses in (("transport", ("client", "server")), ("message", ("signing", "encryption"))):
        anchors = _add(_add(info, "SecurityDetails", securityId=f"{me}_trust_{kind}"), "TrustAnchors")
        for use in uses:
            _add(anchors, "AnchorCertificateRef", certId=f"{me}_cert_{use}")


def _channels(info: etree._Element, me: str, plan: _Plan) -> None:
    for kind in ("msh", "business") if plan.reliable else ("msh",):
        always = "always" if kind == "business" else "never"
        channel = _add(
            info,
            "DeliveryChannel",
            channelId=f"{me}_channel_{kind}",
            transportId=f"{me}_transport",
            docExchangeId=f"{me}_exchange_{kind}",
        )
        _add(
            channel,
            "MessagingCharacteristics",
            syncReplyMode="mshSignalsOnly" if plan.sync else "none",
            ackRequested=always,
            ackSignatureRequested=always if plan.signed else "never",
            duplicateElimination=always,
            actor=TO_PARTY_MSH,
        )


def _transport(info: etree._Element, party: Party, me: str) -> None:
    transport = _add(info, "Transport", transportId=f"{me}_transport")
    sender = _add(transport, "TransportSender")
    _add(sender, "TransportProtocol", "HTTP", version="1.1")
    client = _add(sender, "TransportClientSecurity")
    _add(client, "TransportSecurityProtocol", "TLS", version="1.2")
    _add(client, "ClientCertificateRef", certId=f"{me}_cert_client")
    _add(client, "ServerSecurityDetailsRef", securityId=f"{me}_trust_transport")
    receiver = _add(transport, "TransportReceiver")
    _add(receiver, "TransportProtocol", "HTTP", version="1.1")
    _add(receiver, "Endpoint", uri=party.endpoint, type="allPurpose")
    server = _add(receiver, "TransportServerSecurity")
    _add(server, "TransportSecurityProtocol", "TLS", version="1.2")
    _add(server, "ServerCertificateRef", certId=f"{me}_cert_server")
    _add(server, "ClientSecurityDetailsRef", securityId=f"{me}_trust_transport")


def _doc_exchanges(info: etree._Element, me: str, plan: _Plan) -> None:
    for kind in ("msh", "business") if plan.reliable else ("msh",):
        exchange = _add(info, "DocExchange", docExchangeId=f"{me}_exchange_{kind}")
        for side in ("Sender", "Receiver"):
            binding = _add(exchange, f"ebXML{side}Binding", version="2.0")
            if kind == "business":
                _reliable(binding, plan.reliability)
            if plan.signed:
                _non_repudiation(binding, side, me)
            if plan.encrypted:
                _envelope(binding, side, me)


def _reliable(binding: etree._Element, reliability: Reliability) -> None:
    block = _add(binding, "ReliableMessaging")
    _add(block, "Retries", str(reliability.retries))
    _add(block, "RetryInterval", reliability.interval)
    _add(block, "MessageOrderSemantics", "NotGuaranteed")
    _add(binding, "PersistDuration", reliability.persist)


def _non_repudiation(binding: etree._Element, side: str, me: str) -> None:
    block = _add(binding, f"{side}NonRepudiation")
    _add(block, "NonRepudiationProtocol", DS)
    _add(block, "HashFunction", SHA256)
    _add(block, "SignatureAlgorithm", RSA_SHA256)
    if side == "Sender":
        _add(block, "SigningCertificateRef", certId=f"{me}_cert_signing")
    else:
        _add(block, "SigningSecurityDetailsRef", securityId=f"{me}_trust_message")


def _envelope(binding: etree._Element, side: str, me: str) -> None:
    block = _add(binding, f"{side}DigitalEnvelope")
    _add(block, "DigitalEnvelopeProtocol", "XMLENC", version="1.0")
    _add(block, "EncryptionAlgorithm", AES256_GCM)
    if side == "Sender":
        _add(block, "EncryptionSecurityDetailsRef", securityId=f"{me}_trust_message")
    else:
        _add(block, "EncryptionCertificateRef", certId=f"{me}_cert_encryption")


def _packaging(root: etree._Element) -> None:
    header = _add(root, "SimplePart", id="part_header", mimetype="text/xml")
    _add(header, "NamespaceSupported", EBMS, location=EBMS, version="2.0")
    _add(root, "SimplePart", id="part_payload", mimetype="application/xml")
    for name, parts in (("signal", ("header",)), ("message", ("header", "payload"))):
        package = _add(root, "Packaging", id=f"package_{name}")
        _add(package, "ProcessingCapabilities", parse="true", generate="true")
        composite = _add(
            _add(package, "CompositeList"),
            "Composite",
            id=f"composite_{name}",
            mimetype="multipart/related",
            mimeparameters="type=text/xml",
        )
        for part in parts:
            _add(composite, "Constituent", idref=f"part_{part}")


def _add(parent: etree._Element, name: str, text: str = "", /, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, _q(name), {_q(key): value for key, value in attributes.items()})
    if text:
        element.text = text
    return element


def _q(name: str) -> str:
    return f"{{{CPPA}}}{name}"


def _name(text: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_.-]", "-", text)
    return cleaned if _START.match(cleaned) else f"_{cleaned}"


def _yes(flag: bool) -> str:
    return "true" if flag else "false"


def _utc(at: datetime) -> str:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
