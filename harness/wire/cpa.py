"""What a CPA 2.0 says, as frozen values: parties, roles, actions, channels, transports, certificates.

What is absent is an empty value, so that a judge can say so. Every value knows its `line`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from harness.wire import keyinfo, xml
from harness.wire.keyinfo import KeyInfo

CPPA: Final = "http://www.oasis-open.org/committees/ebxml-cppa/schema/cpp-cpa-2_0.xsd"
XLINK: Final = "http://www.w3.org/1999/xlink"
MSH_SERVICE: Final = "urn:oasis:names:tc:ebxml-msg:service"
TO_PARTY_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
SEND: Final = "send"
RECEIVE: Final = "receive"


@dataclass(frozen=True, slots=True)
class Part:
    """Something in a CPA that has a place."""

    node: etree._Element = field(repr=False, compare=False)

    @property
    def line(self) -> int | None:
        """The line where it begins (1-based)."""
        return self.node.sourceline

    @property
    def where(self) -> str:
        """A readable path to it."""
        return xml.where(self.node)


@dataclass(frozen=True, slots=True)
class PartyId(Part):
    """A PartyId as written (white space kept); `type` is None when the qualified attribute is absent."""

    value: str = ""
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Characteristics(Part):
    """BusinessTransactionCharacteristics: attribute names and values."""

    values: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return the value of attribute `name`."""
        return next((value for key, value in self.values if key == name), default)


@dataclass(frozen=True, slots=True)
class Binding(Part):
    """One action a party can send or receive (ThisPartyActionBinding)."""

    direction: str = ""
    id: str = ""
    action: str = ""
    package_id: str = ""
    channel_ids: tuple[str, ...] = ()
    other_id: str = ""
    characteristics: Characteristics | None = None


@dataclass(frozen=True, slots=True)
class CollaborationRole(Part):
    """One role of a party in one service, with its actions."""

    role: str = ""
    process: str = ""
    process_uuid: str = ""
    service: str = ""
    service_type: str | None = None
    bindings: tuple[Binding, ...] = ()

    @property
    def can_send(self) -> tuple[Binding, ...]:
        """The actions this role sends."""
        return tuple(b for b in self.bindings if b.direction == SEND)

    @property
    def can_receive(self) -> tuple[Binding, ...]:
        """The actions this role receives."""
        return tuple(b for b in self.bindings if b.direction == RECEIVE)


@dataclass(frozen=True, slots=True)
class Channel(Part):
    """A DeliveryChannel with its MessagingCharacteristics; `absent` names attributes left to the schema default."""

    id: str = ""
    transport_id: str = ""
    doc_exchange_id: str = ""
    sync_reply_mode: str = "none"
    ack_requested: str = "perMessage"
    ack_signature_requested: str = "perMessage"
    duplicate_elimination: str = "perMessage"
    actor: str = ""
    absent: tuple[str, ...] = ()

    @property
    def reliable(self) -> bool:
        """Whether acknowledgements are always asked for."""
        return self.ack_requested == "always"

    @property
    def synchronous(self) -> bool:
        """Whether signals come back in the HTTP response."""
        return self.sync_reply_mode != "none"


@dataclass(frozen=True, slots=True)
class Endpoint(Part):
    """An Endpoint of a receiver."""

    uri: str = ""
    type: str = "allPurpose"


@dataclass(frozen=True, slots=True)
class TransportSide(Part):
    """TransportSender or TransportReceiver: protocol, security, and for a receiver the endpoints."""

    protocol: str = ""
    protocol_version: str = ""
    access: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    security: etree._Element | None = field(default=None, repr=False, compare=False)
    security_protocol: str = ""
    security_version: str = ""
    certificate_id: str | None = None
    peer_security_id: str = ""


@dataclass(frozen=True, slots=True)
class Transport(Part):
    """A Transport of a party."""

    id: str = ""
    sender: TransportSide | None = None
    receiver: TransportSide | None = None


@dataclass(frozen=True, slots=True)
class Reliability(Part):
    """A ReliableMessaging block."""

    retries: str = ""
    interval: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class NonRepudiation(Part):
    """Sender- or ReceiverNonRepudiation: how messages are signed."""

    hash: str = ""
    algorithms: tuple[str, ...] = ()
    certificate_id: str = ""
    security_id: str = ""


@dataclass(frozen=True, slots=True)
class Envelope(Part):
    """Sender- or ReceiverDigitalEnvelope: how payloads are encrypted."""

    algorithms: tuple[str, ...] = ()
    certificate_id: str = ""
    security_id: str = ""


@dataclass(frozen=True, slots=True)
class BindingSide(Part):
    """ebXMLSenderBinding or ebXMLReceiverBinding."""

    version: str = ""
    reliability: Reliability | None = None
    persist: str = ""
    signing: NonRepudiation | None = None
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class DocExchange(Part):
    """A DocExchange of a party."""

    id: str = ""
    sender: BindingSide | None = None
    receiver: BindingSide | None = None

    @property
    def sides(self) -> tuple[BindingSide, ...]:
        """The sender and receiver binding that are there."""
        return tuple(side for side in (self.sender, self.receiver) if side)


@dataclass(frozen=True, slots=True)
class Certificate(Part):
    """A Certificate element of a party."""

    id: str = ""
    key_info: KeyInfo | None = None

    @property
    def der(self) -> bytes:
        """The DER of its first X509Certificate, or empty bytes."""
        return self.key_info.der if self.key_info else b""

    @property
    def facts(self) -> keyinfo.CertificateFacts | None:
        """The facts of its first readable certificate."""
        return self.key_info.facts if self.key_info else None


@dataclass(frozen=True, slots=True)
class Override(Part):
    """An OverrideMshActionBinding: another channel for one MSH action, such as Ping."""

    action: str = ""
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """The parts of a party by id; of two parts with one id the first counts."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    transports: Mapping[str, Transport] = field(default_factory=dict)
    doc_exchanges: Mapping[str, DocExchange] = field(default_factory=dict)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartyInfo(Part):
    """One of the two parties, with everything that belongs to it."""

    name: str = ""
    default_channel_id: str = ""
    default_package_id: str = ""
    ids: tuple[PartyId, ...] = ()
    roles: tuple[CollaborationRole, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    security_ids: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    transports: tuple[Transport, ...] = ()
    doc_exchanges: tuple[DocExchange, ...] = ()
    overrides: tuple[Override, ...] = ()
    index: Index = field(default_factory=Index, repr=False, compare=False)

    @property
    def party_id(self) -> str:
        """The first PartyId, white space stripped."""
        return self.ids[0].value.strip() if self.ids else ""

    def has_id(self, value: str, type_: str | None) -> bool:
        """Whether this party has exactly this PartyId, value and type."""
        return any(i.value == value and i.type == type_ for i in self.ids)

    @property
    def bindings(self) -> Iterator[tuple[CollaborationRole, Binding]]:
        """Every action of the party, with its role."""
        return ((role, binding) for role in self.roles for binding in role.bindings)

    def matching(
        self, direction: str, role: str, service: str, action: str
    ) -> Iterator[tuple[CollaborationRole, Binding]]:
        """Yield the actions that fit; an empty `role` fits any."""
        for one, binding in self.bindings:
            fits = (binding.direction, binding.action, one.service) == (direction, action, service)
            if fits and role in ("", one.role):
                yield one, binding

    def channel(self, channel_id: str) -> Channel | None:
        """Return the delivery channel called `channel_id`."""
        return self.index.channels.get(channel_id)

    def transport(self, transport_id: str) -> Transport | None:
        """Return the transport called `transport_id`."""
        return self.index.transports.get(transport_id)

    def doc_exchange(self, doc_exchange_id: str) -> DocExchange | None:
        """Return the doc exchange called `doc_exchange_id`."""
        return self.index.doc_exchanges.get(doc_exchange_id)

    def certificate(self, cert_id: str) -> Certificate | None:
        """Return the certificate called `cert_id`."""
        return self.index.certificates.get(cert_id)

    @property
    def default_channel(self) -> Channel | None:
        """The channel of MSH signals."""
        return self.channel(self.default_channel_id)

    def msh_channel(self, action: str) -> Channel | None:
        """Return the channel of an MSH action such as `Ping`: an override first, then the default."""
        override = next((o for o in self.overrides if o.action == action), None)
        return self.channel(override.channel_id) if override else self.default_channel

    def transport_of(self, channel: Channel | None) -> Transport | None:
        """Return the transport of `channel`."""
        return self.transport(channel.transport_id) if channel else None

    def doc_exchange_of(self, channel: Channel | None) -> DocExchange | None:
        """Return the doc exchange of `channel`."""
        return self.doc_exchange(channel.doc_exchange_id) if channel else None

    def endpoint(self, channel: Channel | None = None) -> Endpoint | None:
        """Return the first endpoint behind `channel`, or behind the default MSH channel."""
        transport = self.transport_of(channel or self.default_channel)
        receiver = transport.receiver if transport else None
        return receiver.endpoints[0] if receiver and receiver.endpoints else None

    def client_certificate(self, channel: Channel | None = None) -> Certificate | None:
        """Return the TLS client certificate this party announces for `channel` (default: the MSH channel)."""
        transport = self.transport_of(channel or self.default_channel)
        side = transport.sender if transport else None
        return self.certificate(side.certificate_id or "") if side else None

    def server_certificate(self, channel: Channel | None = None) -> Certificate | None:
        """Return the TLS server certificate this party announces for `channel` (default: the MSH channel)."""
        transport = self.transport_of(channel or self.default_channel)
        side = transport.receiver if transport else None
        return self.certificate(side.certificate_id or "") if side else None

    def signing_certificate(self, channel: Channel) -> Certificate | None:
        """Return the certificate that this party signs with on `channel`."""
        exchange = self.doc_exchange_of(channel)
        signing = exchange.sender.signing if exchange and exchange.sender else None
        return self.certificate(signing.certificate_id) if signing else None

    def encryption_certificate(self, channel: Channel) -> Certificate | None:
        """Return the certificate that others encrypt to when they send to this party on `channel`."""
        exchange = self.doc_exchange_of(channel)
        envelope = exchange.receiver.envelope if exchange and exchange.receiver else None
        return self.certificate(envelope.certificate_id) if envelope else None


@dataclass(frozen=True, slots=True)
class Cpa(Part):
    """A CollaborationProtocolAgreement."""

    cpaid: str = ""
    version: str = ""
    status: str = ""
    start_text: str = ""
    end_text: str = ""
    start: datetime | None = None
    end: datetime | None = None
    invocation_limit: str = ""
    concurrent: str = ""
    parties: tuple[PartyInfo, ...] = ()
    package_ids: tuple[str, ...] = ()
    signed: bool = False
    comments: tuple[str, ...] = ()

    def party(self, value: str, type_: str | None = None) -> PartyInfo | None:
        """Return the party with this PartyId; without `type_` any type fits."""
        return next((p for p in self.parties if any(i.value == value and type_ in (None, i.type) for i in p.ids)), None)

    def other(self, party: PartyInfo) -> PartyInfo | None:
        """Return the counterparty of `party`."""
        return next((p for p in self.parties if p.node is not party.node), None)
