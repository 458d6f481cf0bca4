"""SOAP 1.1 with WS-Addressing 1.0: the names, the envelope that we build and the envelope that we read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from uuid import uuid4

from lxml import etree

from harness.wire import xml

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSA_OLD: Final = (
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/03/addressing",
    "http://schemas.xmlsoap.org/ws/2003/03/addressing",
)
WSAM: Final = "http://www.w3.org/2007/05/addressing/metadata"
WSAW: Final = "http://www.w3.org/2006/05/addressing/wsdl"
ANONYMOUS: Final = WSA + "/anonymous"
NONE: Final = WSA + "/none"
REPLY: Final = WSA + "/reply"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSSE11: Final = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
EPRS: Final = ("From", "ReplyTo", "FaultTo")
FAULT: Final = f"{{{SOAP}}}Fault"
MEDIA_TYPE: Final = "text/xml; charset=utf-8"
PIECE: Final = 1024 * 1024

NAMESPACES: Final = {
    "s": SOAP,
    "wsa": WSA,
    "wsse": WSSE,
    "wsse11": WSSE11,
    "wsu": WSU,
    "ds": DS,
    "xenc": XENC,
    "xenc11": XENC11,
}
_PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items()} | {SOAP: "soapenv"}


def elements(parent: etree._Element | None) -> list[etree._Element]:
    """Return the child elements of `parent`, without comments and processing instructions."""
    return [] if parent is None else [child for child in parent if isinstance(child.tag, str)]


def local(element: etree._Element) -> str:
    """Return the name of `element` without its namespace."""
    return etree.QName(element).localname


def namespace(element: etree._Element) -> str:
    """Return the namespace of `element`, or an empty string."""
    return etree.QName(element).namespace or ""


def display(element: etree._Element) -> str:
    """Return the name of `element` as a reader knows it: `wsa:To`, `soapenv:Body`, `wsu:Timestamp`."""
    prefix = _PREFIXES.get(namespace(element), element.prefix or "")
    return f"{prefix}:{local(element)}" if prefix else local(element)


def fill(element: etree._Element, pieces: Iterable[str | bytes]) -> None:
    """Give an empty element its text in pieces, one text after another: libxml2 copies a text as a whole, each time.

    >>> element = etree.fromstring("<a/>")
    >>> fill(element, ["een", b"twee"])
    >>> etree.tostring(element)
    b'<a>eentwee</a>'
    """
    for piece in pieces:
        etree.SubElement(element, "stuk").tail = piece
    etree.strip_tags(element, "stuk")


def text(element: etree._Element | None) -> str:
    """Return the text of `element` without surrounding white space."""
    return "" if element is None else (element.text or "").strip()


@dataclass(frozen=True)
class Envelope:
    """A SOAP 1.1 envelope as it arrived: the nodes by their position, never by a search."""

    root: etree._Element

    @cached_property
    def header(self) -> etree._Element | None:
        """The first soap:Header directly under the envelope."""
        return self.root.find(f"{{{SOAP}}}Header")

    @cached_property
    def body(self) -> etree._Element | None:
        """The first soap:Body directly under the envelope."""
        return self.root.find(f"{{{SOAP}}}Body")

    @cached_property
    def blocks(self) -> list[etree._Element]:
        """The header blocks, in order."""
        return elements(self.header)

    @cached_property
    def payload(self) -> etree._Element | None:
        """The first element in the Body."""
        return next(iter(elements(self.body)), None)

    @cached_property
    def fault(self) -> etree._Element | None:
        """The soap:Fault, when the first element of the Body is one."""
        payload = self.payload
        return payload if payload is not None and payload.tag == FAULT else None

    @cached_property
    def addressing(self) -> dict[str, list[etree._Element]]:
        """The WS-Addressing 1.0 headers by local name."""
        found: dict[str, list[etree._Element]] = {}
        for block in self.blocks:
            if namespace(block) == WSA:
                found.setdefault(local(block), []).append(block)
        return found

    @cached_property
    def security(self) -> list[etree._Element]:
        """The wsse:Security headers."""
        return [block for block in self.blocks if block.tag == f"{{{WSSE}}}Security"]

    @cached_property
    def signatures(self) -> list[etree._Element]:
        """The ds:Signature elements directly under a wsse:Security header."""
        return [child for header in self.security for child in header.findall(f"{{{DS}}}Signature")]

    def wsa(self, name: str) -> str:
        """Return the text of the first wsa header `name`."""
        found = self.addressing.get(name)
        return text(found[0]) if found else ""

    def address(self, name: str) -> str:
        """Return the wsa:Address in the first endpoint reference `name`."""
        found = self.addressing.get(name)
        return text(found[0].find(f"{{{WSA}}}Address")) if found else ""

    @property
    def message_id(self) -> str:
        """The wsa:MessageID."""
        return self.wsa("MessageID")

    @property
    def action(self) -> str:
        """The wsa:Action."""
        return self.wsa("Action")

    @property
    def signature_value(self) -> str:
        """The ds:SignatureValue of the first signature, without white space."""
        if not self.signatures:
            return ""
        return "".join((self.signatures[0].findtext(f"{{{DS}}}SignatureValue") or "").split())


def read(data: bytes) -> Envelope:
    """Read an envelope from bytes; raises XmlBroken on anything that is not acceptable XML."""
    return Envelope(xml.parse(data, huge=True))


def new_message_id(form: str = "urn:uuid") -> str:
    """Return a fresh MessageID; `form` is `urn:uuid`, `uuid` or `bare` (services differ in what they accept)."""
    unique = str(uuid4())
    return unique if form == "bare" else f"{form}:{unique}"


@dataclass(frozen=True, slots=True)
class Addressing:
    """The WS-Addressing headers of one message, in the order in which they are written.

    >>> envelope = build(None, Addressing(to="https://dienst.example.nl", action="urn:x", message_id="urn:uuid:1"))
    >>> Envelope(envelope).wsa("To")
    'https://dienst.example.nl'
    """

    to: str = ""
    action: str = ""
    message_id: str = field(default_factory=new_message_id)
    relates_to: str = ""
    sender: str = ""
    reply_to: str = ""

    def headers(self) -> Iterator[etree._Element]:
        """Yield the headers that have a value."""
        plain = (
            ("To", self.to),
            ("Action", self.action),
            ("MessageID", self.message_id),
            ("RelatesTo", self.relates_to),
        )
        for name, value in plain:
            if value:
                header = etree.Element(f"{{{WSA}}}{name}", nsmap={"wsa": WSA})
                header.text = value
                yield header
        for name, value in (("From", self.sender), ("ReplyTo", self.reply_to)):
            if value:
                header = etree.Element(f"{{{WSA}}}{name}", nsmap={"wsa": WSA})
                etree.SubElement(header, f"{{{WSA}}}Address").text = value
                yield header


def build(payload: etree._Element | None, addressing: Addressing) -> etree._Element:
    """Return a SOAP 1.1 envelope with the addressing headers and one element in the Body."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "wsa": WSA})
    header = etree.SubElement(root, f"{{{SOAP}}}Header")
    header.extend(addressing.headers())
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    if payload is not None:
        body.append(payload)
    return root


def fault(code: str, reason: str, *, actor: str = "", detail: etree._Element | None = None) -> etree._Element:
    """Return a soap:Fault whose children have no namespace; `code` is a SOAP code such as `Client`."""
    element = etree.Element(FAULT, nsmap={"soapenv": SOAP})
    etree.SubElement(element, "faultcode").text = f"soapenv:{code}"
    etree.SubElement(element, "faultstring").text = reason
    if actor:
        etree.SubElement(element, "faultactor").text = actor
    if detail is not None:
        etree.SubElement(element, "detail").append(detail)
    return element


def to_bytes(root: etree._Element) -> bytes:
    """Return the envelope as UTF-8 bytes with a declaration; nothing may change them after signing."""
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def http_headers(action: str, *, empty_action: bool = False, content_type: str = MEDIA_TYPE) -> dict[str, str]:
    """Return the HTTP headers of a request: SOAPAction is quoted, and equal to wsa:Action or empty (WS002)."""
    return {"Content-Type": content_type, "SOAPAction": '""' if empty_action else f'"{action}"'}
