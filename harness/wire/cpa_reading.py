"""Read a CPA 2.0 into the values of `wire/cpa.py`.

>>> cpa = parse_cpa(path.read_bytes())                                        # doctest: +SKIP
>>> sender = cpa.party("00000099000000001000", "urn:osb:oin")                   # doctest: +SKIP
>>> binding = sender.binding("send", role="SR", service="OSB:Service:1:0", action="afleveren")   # doctest: +SKIP
>>> sender.channel(binding.channel_ids[0]).ack_requested                        # doctest: +SKIP
'always'

The reading is lenient: what is absent is an empty value, so that a judge can say so. Schema defaults are applied (an
absent `ackRequested` is `perMessage`); white space is collapsed where the schema does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from lxml import etree

from harness.errors import DocumentUnreadable
from harness.wire import keyinfo, xml
from harness.wire.cpa import (
    CPPA,
    RECEIVE,
    SEND,
    Binding,
    BindingSide,
    Certificate,
    Channel,
    Characteristics,
    CollaborationRole,
    Cpa,
    DocExchange,
    Endpoint,
    Envelope,
    Index,
    NonRepudiation,
    Override,
    PartyId,
    PartyInfo,
    Reliability,
    Transport,
    TransportSide,
)
from harness.wire.keyinfo import DS

MAX_BYTES: Final = 10 * 1024 * 1024


def parse_cpa(data: bytes) -> Cpa:
    """Return the CPA in `data`.

    Raises XmlBroken when it is no acceptable XML, DocumentUnreadable when it is something else or larger than 10 MB.
    """
    if len(data) > MAX_BYTES:
        raise DocumentUnreadable(
            f"dit CPA van {len(data) >> 20} MB is te groot (grens 10 MB); controleer of dit het juiste bestand is",
            f"this CPA of {len(data) >> 20} MB is too large (cap 10 MB); check that it is the right file",
        )
    root = xml.parse(data)
    if root.tag != _q("CollaborationProtocolAgreement"):
        name = etree.QName(root)
        raise DocumentUnreadable(
            f"dit is geen CPA 2.0: het rootelement is {name.localname}; geef het CPA op dat u van het CPA Register hebt",
            f"this is no CPA 2.0: the root element is {name.localname}; give the CPA that you have from the CPA Register",
        )
    return read_cpa(root)


def read_cpa(root: etree._Element) -> Cpa:
    """Return the CPA under the root element `root`."""
    status = root.find(_q("Status"))
    limits = root.find(_q("ConversationConstraints"))
    start, end = _text(root, "Start"), _text(root, "End")
    return Cpa(
        root,
        root.get(_q("cpaid"), ""),
        root.get(_q("version"), ""),
        _attribute(status, "value"),
        start,
        end,
        moment(start),
        moment(end),
        _attribute(limits, "invocationLimit"),
        _attribute(limits, "concurrentConversations"),
        tuple(_party(e) for e in root.iterfind(_q("PartyInfo"))),
        tuple(_attribute(e, "id") for e in root.iterfind(_q("Packaging"))),
        root.find(_q("Signature")) is not None,
        tuple((e.text or "").strip() for e in root.iterfind(_q("Comment"))),
    )


def moment(text: str) -> datetime | None:
    """Return the instant of an xs:dateTime; one without zone is read as UTC; None when it is no instant."""
    collapsed = text.strip()
    if len(collapsed) < len("2026-01-01T00:00:00") or collapsed[10:11] != "T":
        return None
    try:
        at = datetime.fromisoformat(collapsed)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@lru_cache(maxsize=256)
def _q(name: str) -> str:
    return f"{{{CPPA}}}{name}"


def _collapse(text: str | None) -> str:
    return " ".join((text or "").split())


def _attribute(node: etree._Element | None, name: str, default: str = "") -> str:
    return _collapse(node.get(_q(name), default)) if node is not None else default


def _text(node: etree._Element | None, name: str) -> str:
    return _collapse(node.findtext(_q(name))) if node is not None else ""


def _raw_text(node: etree._Element | None) -> str:
    return (node.text or "") if node is not None else ""


def _party(node: etree._Element) -> PartyInfo:
    certificates = tuple(_certificate(e) for e in node.iterfind(_q("Certificate")))
    channels = tuple(_channel(e) for e in node.iterfind(_q("DeliveryChannel")))
    transports = tuple(_transport(e) for e in node.iterfind(_q("Transport")))
    doc_exchanges = tuple(_doc_exchange(e) for e in node.iterfind(_q("DocExchange")))
    return PartyInfo(
        node,
        node.get(_q("partyName"), ""),
        _attribute(node, "defaultMshChannelId"),
        _attribute(node, "defaultMshPackageId"),
        tuple(PartyId(e, _raw_text(e), e.get(_q("type"))) for e in node.iterfind(_q("PartyId"))),
        tuple(_role(e) for e in node.iterfind(_q("CollaborationRole"))),
        certificates,
        tuple(_attribute(e, "securityId") for e in node.iterfind(_q("SecurityDetails"))),
        channels,
        transports,
        doc_exchanges,
        tuple(
            Override(e, e.get(_q("action"), ""), _attribute(e, "channelId"))
            for e in node.iterfind(_q("OverrideMshActionBinding"))
        ),
        Index(
            {part.id: part for part in reversed(channels)},
            {part.id: part for part in reversed(transports)},
            {part.id: part for part in reversed(doc_exchanges)},
            {part.id: part for part in reversed(certificates)},
        ),
    )


def _role(node: etree._Element) -> CollaborationRole:
    role = node.find(_q("Role"))
    process = node.find(_q("ProcessSpecification"))
    binding = node.find(_q("ServiceBinding"))
    service = binding.find(_q("Service")) if binding is not None else None
    return CollaborationRole(
        node,
        role.get(_q("name"), "") if role is not None else "",
        process.get(_q("name"), "") if process is not None else "",
        _attribute(process, "uuid"),
        _raw_text(service),
        service.get(_q("type")) if service is not None else None,
        tuple(_bindings(binding)) if binding is not None else (),
    )


def _bindings(service_binding: etree._Element) -> Iterator[Binding]:
    for node in service_binding.iter(_q("CanSend"), _q("CanReceive")):
        this = node.find(_q("ThisPartyActionBinding"))
        if this is None:
            continue
        traits = this.find(_q("BusinessTransactionCharacteristics"))
        yield Binding(
            this,
            SEND if node.tag == _q("CanSend") else RECEIVE,
            _attribute(this, "id"),
            this.get(_q("action"), ""),
            _attribute(this, "packageId"),
            tuple(_collapse(e.text) for e in this.iterfind(_q("ChannelId"))),
            _text(node, "OtherPartyActionBinding"),
            _characteristics(traits) if traits is not None else None,
        )


def _characteristics(node: etree._Element) -> Characteristics:
    return Characteristics(
        node, tuple((etree.QName(key).localname, _collapse(value)) for key, value in node.attrib.items())
    )


def _certificate(node: etree._Element) -> Certificate:
    key_info = node.find(f"{{{DS}}}KeyInfo")
    return Certificate(node, _attribute(node, "certId"), keyinfo.read(key_info) if key_info is not None else None)


_DEFAULTS: Final = (
    ("syncReplyMode", "none"),
    ("ackRequested", "perMessage"),
    ("ackSignatureRequested", "perMessage"),
    ("duplicateElimination", "perMessage"),
    ("actor", ""),
)


def _channel(node: etree._Element) -> Channel:
    traits = node.find(_q("MessagingCharacteristics"))
    sync, ack, signed, duplicates, actor = (_attribute(traits, name, default) for name, default in _DEFAULTS)
    return Channel(
        node,
        _attribute(node, "channelId"),
        _attribute(node, "transportId"),
        _attribute(node, "docExchangeId"),
        sync,
        ack,
        signed,
        duplicates,
        actor,
        tuple(name for name, _ in _DEFAULTS if traits is None or traits.get(_q(name)) is None),
    )


def _transport(node: etree._Element) -> Transport:
    sender, receiver = node.find(_q("TransportSender")), node.find(_q("TransportReceiver"))
    return Transport(
        node,
        _attribute(node, "transportId"),
        _side(sender, "Client", "Server") if sender is not None else None,
        _side(receiver, "Server", "Client") if receiver is not None else None,
    )


def _side(node: etree._Element, own: str, peer: str) -> TransportSide:
    protocol = node.find(_q("TransportProtocol"))
    security = node.find(_q(f"Transport{own}Security"))
    declared = security.find(_q("TransportSecurityProtocol")) if security is not None else None
    reference = security.find(_q(f"{own}CertificateRef")) if security is not None else None
    peers = security.find(_q(f"{peer}SecurityDetailsRef")) if security is not None else None
    return TransportSide(
        node,
        _raw_text(protocol).strip(),
        _attribute(protocol, "version"),
        tuple(_collapse(e.text) for e in node.iterfind(_q("AccessAuthentication"))),
        tuple(
            Endpoint(e, e.get(_q("uri"), ""), _attribute(e, "type", "allPurpose"))
            for e in node.iterfind(_q("Endpoint"))
        ),
        security,
        _raw_text(declared),
        _attribute(declared, "version"),
        _attribute(reference, "certId") if reference is not None else None,
        _attribute(peers, "securityId"),
    )


def _doc_exchange(node: etree._Element) -> DocExchange:
    sender, receiver = node.find(_q("ebXMLSenderBinding")), node.find(_q("ebXMLReceiverBinding"))
    return DocExchange(
        node,
        _attribute(node, "docExchangeId"),
        _binding_side(sender, "Sender") if sender is not None else None,
        _binding_side(receiver, "Receiver") if receiver is not None else None,
    )


def _binding_side(node: etree._Element, side: str) -> BindingSide:
    reliable = node.find(_q("ReliableMessaging"))
    signing = node.find(_q(f"{side}NonRepudiation"))
    envelope = node.find(_q(f"{side}DigitalEnvelope"))
    return BindingSide(
        node,
        _attribute(node, "version"),
        _reliability(reliable) if reliable is not None else None,
        _text(node, "PersistDuration"),
        _signing(signing) if signing is not None else None,
        _envelope(envelope) if envelope is not None else None,
    )


def _reliability(node: etree._Element) -> Reliability:
    return Reliability(node, _text(node, "Retries"), _text(node, "RetryInterval"), _text(node, "MessageOrderSemantics"))


def _signing(node: etree._Element) -> NonRepudiation:
    return NonRepudiation(
        node,
        _text(node, "HashFunction"),
        tuple(_collapse(e.text) for e in node.iterfind(_q("SignatureAlgorithm"))),
        _attribute(node.find(_q("SigningCertificateRef")), "certId"),
        _attribute(node.find(_q("SigningSecurityDetailsRef")), "securityId"),
    )


def _envelope(node: etree._Element) -> Envelope:
    return Envelope(
        node,
        tuple(_collapse(e.text) for e in node.iterfind(_q("EncryptionAlgorithm"))),
        _attribute(node.find(_q("EncryptionCertificateRef")), "certId"),
        _attribute(node.find(_q("EncryptionSecurityDetailsRef")), "securityId"),
    )
