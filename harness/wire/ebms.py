"""Read an ebMS 2.0 message: leniently, so that what a counterparty sent is understood and reported exactly.

>>> message = read_message(b"<x/>")
>>> message.kind
''
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from typing import Final

from lxml import etree

from harness.wire.ebms_mime import Package, bare_cid, read_package
from harness.wire.xml import XmlBroken, parse

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
EB: Final = "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XLINK: Final = "http://www.w3.org/1999/xlink"
XML: Final = "http://www.w3.org/XML/1998/namespace"

MSH_SERVICE: Final = "urn:oasis:names:tc:ebxml-msg:service"
ERROR_CONTEXT: Final = "urn:oasis:names:tc:ebxml-msg:service:errors"
TO_PARTY_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
NEXT_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:nextMSH"
NEXT_ACTOR: Final = "http://schemas.xmlsoap.org/soap/actor/next"
SOAP_ACTION: Final = '"ebXML"'
OIN_TYPE: Final = "urn:osb:oin"
SERVICE_TYPE: Final = "urn:osb:services"

PING: Final = "Ping"
PONG: Final = "Pong"
ACKNOWLEDGMENT: Final = "Acknowledgment"
MESSAGE_ERROR: Final = "MessageError"
STATUS_REQUEST: Final = "StatusRequest"
STATUS_RESPONSE: Final = "StatusResponse"
SIGNALS: Final = (PING, PONG, ACKNOWLEDGMENT, MESSAGE_ERROR, STATUS_REQUEST, STATUS_RESPONSE)

ERROR_CODES: Final = (
    "ValueNotRecognized",
    "NotSupported",
    "Inconsistent",
    "OtherXml",
    "DeliveryFailure",
    "TimeToLiveExpired",
    "SecurityFailure",
    "MimeProblem",
    "Unknown",
)
MESSAGE_STATUSES: Final = ("UnAuthorized", "NotRecognized", "Received", "Processed", "Forwarded")

_DATE_TIME: Final = re.compile(
    r"(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII
)


def eb(name: str) -> str:
    """Return the lxml name of an element or attribute of the ebMS header."""
    return f"{{{EB}}}{name}"


@dataclass(frozen=True, slots=True)
class Party:
    """A PartyId: its value and its type, as they are written."""

    value: str
    type: str = OIN_TYPE

    def __str__(self) -> str:
        return f"{self.type}:{self.value}" if self.type else self.value

    @property
    def trimmed(self) -> "Party":
        """The same party without white space around value and type."""
        return Party(self.value.strip(), self.type.strip())


@dataclass(frozen=True, slots=True)
class EbmsError:
    """One eb:Error of an ErrorList."""

    code: str
    severity: str = "Error"
    location: str = ""
    description: str = ""
    context: str = ERROR_CONTEXT


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP 1.1 Fault; `error` is the eb:Error that some adapters serialise inside faultstring."""

    code: str
    text: str
    detail: str = ""
    error: EbmsError | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An xs:dateTime: the instant, and whether its zone was written."""

    at: datetime
    zoned: bool
    utc: bool


def moment(text: str) -> Moment | None:
    """Read an xs:dateTime with any number of decimals; without a zone it is taken as UTC.

    >>> moment("2026-11-21T12:00:00Z").utc
    True
    """
    found = _DATE_TIME.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    zone = found[8] or ""
    try:
        offset = _offset(zone)
        whole = datetime(year, month, day, hour % 24, minute, min(second, 59), micro, tzinfo=offset)
    except (ValueError, OverflowError):
        return None
    if hour > 24 or (hour == 24 and (minute or second)) or second > 60:
        return None
    try:
        at = (whole + timedelta(days=1) if hour == 24 else whole).astimezone(UTC)
    except OverflowError:
        return None
    return Moment(at, bool(zone), offset.utcoffset(None) == timedelta(0) and bool(zone))


def _offset(zone: str) -> timezone:
    if zone in {"", "Z"}:
        return UTC
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))


def stamp(at: datetime) -> str:
    """Return `at` as ebMS writes it: UTC with `Z`, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Message:
    """What was received: the package, the envelope when it could be parsed, and the values of its header.

    Every property returns what is written, without white space around it; an absent value is an empty string.
    """

    package: Package
    envelope: etree._Element | None = None
    broken: XmlBroken | None = None
    raw: bytes = field(default=b"", repr=False)

    @cached_property
    def soap(self) -> str:
        """The SOAP namespace of the envelope, or an empty string when the root is no Envelope."""
        if self.envelope is None:
            return ""
        name = etree.QName(self.envelope)
        return (name.namespace or "") if name.localname == "Envelope" else ""

    def _soap_child(self, name: str) -> etree._Element | None:
        return None if self.envelope is None or not self.soap else self.envelope.find(f"{{{self.soap}}}{name}")

    @cached_property
    def soap_header(self) -> etree._Element | None:
        """SOAP Header."""
        return self._soap_child("Header")

    @cached_property
    def soap_body(self) -> etree._Element | None:
        """SOAP Body."""
        return self._soap_child("Body")

    @cached_property
    def header_blocks(self) -> tuple[etree._Element, ...]:
        """The elements in the SOAP Header."""
        return tuple(_elements(self.soap_header))

    @cached_property
    def body_blocks(self) -> tuple[etree._Element, ...]:
        """The elements in the SOAP Body."""
        return tuple(_elements(self.soap_body))

    def blocks(self, name: str) -> list[etree._Element]:
        """Return the ebMS blocks called `name`, in the Header or the Body, whatever their version of the namespace."""
        return [b for b in (*self.header_blocks, *self.body_blocks) if is_eb(b, name)]

    def block(self, name: str) -> etree._Element | None:
        """Return the first ebMS block called `name`."""
        return next(iter(self.blocks(name)), None)

    @cached_property
    def header(self) -> etree._Element | None:
        """The (first) eb:MessageHeader."""
        return self.block("MessageHeader")

    def text(self, *path: str) -> str:
        """Return the trimmed text of a descendant of MessageHeader, by local names."""
        return _text(_walk(self.header, path))

    @cached_property
    def cpa_id(self) -> str:
        """The CPAId."""
        return self.text("CPAId")

    @cached_property
    def conversation_id(self) -> str:
        """The ConversationId."""
        return self.text("ConversationId")

    @cached_property
    def service(self) -> str:
        """The Service."""
        return self.text("Service")

    @cached_property
    def service_type(self) -> str:
        """The eb:type of the Service."""
        return attribute(_walk(self.header, ("Service",)), "type")

    @cached_property
    def action(self) -> str:
        """The Action."""
        return self.text("Action")

    @cached_property
    def message_id(self) -> str:
        """The MessageId."""
        return self.text("MessageData", "MessageId")

    @cached_property
    def timestamp(self) -> str:
        """The Timestamp, as written."""
        return self.text("MessageData", "Timestamp")

    @cached_property
    def ref_to(self) -> str:
        """The RefToMessageId of MessageData."""
        return self.text("MessageData", "RefToMessageId")

    @cached_property
    def time_to_live(self) -> str:
        """The TimeToLive, as written."""
        return self.text("MessageData", "TimeToLive")

    @cached_property
    def from_parties(self) -> tuple[Party, ...]:
        """The PartyIds of From, as written (white space kept)."""
        return _parties(_walk(self.header, ("From",)))

    @cached_property
    def to_parties(self) -> tuple[Party, ...]:
        """The PartyIds of To, as written (white space kept)."""
        return _parties(_walk(self.header, ("To",)))

    @cached_property
    def from_role(self) -> str:
        """The Role of From."""
        return self.text("From", "Role")

    @cached_property
    def to_role(self) -> str:
        """The Role of To."""
        return self.text("To", "Role")

    @cached_property
    def duplicate_elimination(self) -> etree._Element | None:
        """The DuplicateElimination element of the MessageHeader."""
        return _walk(self.header, ("DuplicateElimination",))

    @cached_property
    def is_signal(self) -> bool:
        """Whether the MSH itself speaks: the MSH service, or one of its blocks without a service."""
        return self.service == MSH_SERVICE or (not self.service and self.action in SIGNALS)

    @cached_property
    def kind(self) -> str:
        """The action of an MSH signal, `message` for a business message, `fault`, or empty when nothing is known."""
        if self.fault is not None:
            return "fault"
        if self.header is None:
            return ""
        return self.action if self.is_signal else "message"

    @property
    def signature(self) -> etree._Element | None:
        """The ds:Signature in the SOAP Header."""
        return next((b for b in self.header_blocks if b.tag == f"{{{DS}}}Signature"), None)

    @cached_property
    def fault(self) -> Fault | None:
        """The SOAP Fault, whatever the prefix of its code."""
        element = next((b for b in self.body_blocks if etree.QName(b).localname == "Fault"), None)
        return None if element is None else _fault(element)

    @cached_property
    def errors(self) -> tuple[EbmsError, ...]:
        """Every eb:Error of the ErrorLists, stand-alone or bundled."""
        lists = self.blocks("ErrorList")
        return tuple(_error(e) for block in lists for e in block if is_eb(e, "Error"))

    @cached_property
    def references(self) -> tuple[str, ...]:
        """The xlink:href of every Reference in the Manifest."""
        manifest = self.block("Manifest")
        if manifest is None:
            return ()
        return tuple((r.get(f"{{{XLINK}}}href") or "").strip() for r in manifest if is_eb(r, "Reference"))

    def payload(self, reference: str) -> bytes | None:
        """Return the bytes of the attachment that a `cid:` reference names."""
        part = self.package.part(bare_cid(reference))
        return None if part is None else part.data

    @property
    def summary(self) -> str:
        """One short, neutral description for a finding: what arrived."""
        if self.fault is not None:
            return f"SOAP Fault: {self.fault.text}"
        if self.errors:
            first = self.errors[0]
            return f"{self.action or 'ErrorList'}: {first.code} {first.location} {first.description}".strip()
        return self.action or (etree.QName(self.envelope).localname if self.envelope is not None else "")


def read_message(body: bytes, content_type: str = "") -> Message:
    """Read a body by its Content-Type (`text/xml`, multipart/related, or unknown); never raises on what it holds."""
    package = read_package(content_type, body)
    if package.root is None:
        return Message(package, raw=body)
    try:
        return Message(package, parse(package.root.data), raw=body)
    except XmlBroken as wrong:
        return Message(package, None, wrong, body)


def is_eb(element: etree._Element, name: str = "") -> bool:
    """Whether `element` is of the ebMS header (also when its namespace is slightly wrong), and called `name`."""
    tag = element.tag
    local = _ebms_name(tag) if isinstance(tag, str) else ""
    return local == name if name else bool(local)


@lru_cache(maxsize=1024)
def _ebms_name(tag: str) -> str:
    """Return the local name of an ebMS element, or an empty string."""
    namespace, _, local = tag[1:].partition("}")
    return local if tag[:1] == "{" and (namespace == EB or "ebxml-msg" in namespace) else ""


def attribute(element: etree._Element | None, name: str) -> str:
    """Return a qualified eb attribute (in the namespace of its element), trimmed."""
    if element is None:
        return ""
    return (element.get(eb(name)) or element.get(f"{{{etree.QName(element).namespace}}}{name}") or "").strip()


def soap_attribute(element: etree._Element | None, name: str) -> str:
    """Return a SOAP attribute (`actor`, `mustUnderstand`), trimmed."""
    return "" if element is None else (element.get(f"{{{SOAP}}}{name}") or "").strip()


def element_text(parent: etree._Element | None, *path: str) -> str:
    """Return the trimmed text of a descendant by local names."""
    return _text(_walk(parent, path))


def child(parent: etree._Element | None, *path: str) -> etree._Element | None:
    """Return a descendant by local names of ebMS elements."""
    return _walk(parent, path)


def _elements(parent: etree._Element | None) -> Iterator[etree._Element]:
    return (c for c in (() if parent is None else parent) if isinstance(c.tag, str))


def _walk(element: etree._Element | None, path: tuple[str, ...]) -> etree._Element | None:
    for name in path:
        if element is None:
            return None
        element = next((c for c in element if is_eb(c, name)), None)
    return element


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(t for t in element.itertext() if isinstance(t, str)).strip()


def _parties(parent: etree._Element | None) -> tuple[Party, ...]:
    ids = () if parent is None else (c for c in parent if is_eb(c, "PartyId"))
    return tuple(Party(e.text or "", e.get(eb("type")) or "") for e in ids)


def _error(element: etree._Element) -> EbmsError:
    return EbmsError(
        code=attribute(element, "errorCode"),
        severity=attribute(element, "severity"),
        location=attribute(element, "location"),
        description=element_text(element, "Description"),
        context=attribute(element, "codeContext") or ERROR_CONTEXT,
    )


def _fault(element: etree._Element) -> Fault:
    parts = {etree.QName(c).localname: c for c in element if isinstance(c.tag, str)}
    text = _all_text(parts.get("faultstring", parts.get("Reason")))
    detail = _all_text(parts.get("detail", parts.get("Detail")))
    code = _all_text(parts.get("faultcode", parts.get("Code"))).rpartition(":")[2]
    return Fault(code, text, detail, _error_inside(text) or _error_inside(detail))


def _all_text(element: etree._Element | None) -> str:
    if element is None:
        return ""
    return " ".join(" ".join(t for t in element.itertext() if isinstance(t, str)).split())


def _error_inside(text: str) -> EbmsError | None:
    values = {name: found[2] for name in ("errorCode", "location", "severity") if (found := _quoted(name, text))}
    if "errorCode" not in values:
        return None
    description = re.search(r"<(?:\w+:)?Description[^>]*>([^<]*)<", text)
    return EbmsError(
        values["errorCode"],
        values.get("severity", "Error"),
        values.get("location", ""),
        description[1].strip() if description else "",
    )


def _quoted(name: str, text: str) -> re.Match[str] | None:
    return re.search(rf"\b{name}\s*=\s*([\"'])(.*?)\1", text)
