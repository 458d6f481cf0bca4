"""Read SAML messages as they travel: a bare document, an HTML form, a POST or redirect, or a SOAP envelope."""

import base64
import binascii
import html
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from harness.errors import DocumentUnreadable
from harness.wire.saml import SAML, SAMLP, SOAP, Element, children, local_name, q, read_xml, text_of

SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
KINDS: Final = frozenset(
    {"AuthnRequest", "ArtifactResolve", "ArtifactResponse", "Response", "LogoutRequest", "LogoutResponse", "Assertion"}
)
ARTIFACT_BYTES: Final = 44
LARGEST: Final = 16 * 1024 * 1024


class NoSamlMessage(DocumentUnreadable):
    """The bytes hold no SAML message; `case` says in which way."""

    def __init__(self, case: str, nl: str, en: str) -> None:
        self.case = case
        super().__init__(nl, en)


@dataclass(frozen=True, slots=True)
class Carried:
    """How a message travelled: bare, post, redirect, html or soap, with the form fields beside it."""

    binding: str = "bare"
    fields: Mapping[str, str] = field(default_factory=dict)
    deflated: bool = False
    soap: str = ""
    page: str = ""

    @property
    def relay_state(self) -> str | None:
        """The RelayState beside the message, if any."""
        return self.fields.get("RelayState")


@dataclass(frozen=True, slots=True)
class Message:
    """One SAML protocol message (or a lone Assertion) in the document that it came in."""

    kind: str
    element: Element
    root: Element
    carried: Carried

    @property
    def identifier(self) -> str:
        """The @ID of the message."""
        return self.element.get("ID") or ""

    @property
    def issuer(self) -> str:
        """The Issuer without surrounding white space."""
        return text_of(self.element.find(q(SAML, "Issuer"))).strip()


def read_message(data: bytes, start: str = "", content_type: str = "") -> Message:
    """Read the message in `data`, the body of a captured HTTP message whose start line is `start`.

    Raises XmlBroken or NoSamlMessage.
    """
    carried, document = _unpacked(data, start, content_type)
    root = read_xml(document)
    body, version = _body(root)
    if version:
        carried = Carried("soap", carried.fields, carried.deflated, version)
    element = next((e for e in body if local_name(e) in KINDS), None)
    if element is None:
        raise NoSamlMessage(
            "kind",
            f"dit is geen SAML-bericht: het begint met {local_name(root)}",
            f"this is no SAML message: it begins with {local_name(root)}",
        )
    return Message(local_name(element), element, root, carried)


def _unpacked(data: bytes, start: str, content_type: str) -> tuple[Carried, bytes]:
    method, _, rest = start.partition(" ")
    query = dict(parse_qsl(urlsplit(rest.split(" ")[0]).query)) if rest else {}
    if method == "GET" and ("SAMLRequest" in query or "SAMLResponse" in query):
        return Carried("redirect", query, deflated=True), _decoded(query, deflated=True)
    text = data[:LARGEST].lstrip()
    if text[:1] != b"<" and re.search(rb"(?:^|&)SAML(?:Request|Response)=", text):
        fields = dict(parse_qsl(text.decode("latin-1").strip(), keep_blank_values=True))
        return _posted("post", fields)
    if text[:1] != b"<" and (parts := dict(_PART.findall(text))):
        fields = {name.decode(): value.decode("latin-1").strip() for name, value in parts.items()}
        return Carried("multipart", fields), _decoded(fields, deflated=False)
    if b"<form" in text.lower() and re.search(rb"name=['\"]SAML(?:Request|Response)['\"]", text):
        page = text.decode("utf-8", "replace")
        fields = dict(_inputs(page))
        return _posted("html", fields, page)
    return Carried(), data


def _posted(binding: str, fields: Mapping[str, str], page: str = "") -> tuple[Carried, bytes]:
    """Return a posted field as it is, or unpacked when a sender deflated it as for the redirect binding."""
    document = _decoded(fields, deflated=False)
    if document.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] != b"<":
        try:
            return Carried(binding, fields, deflated=True, page=page), _decoded(fields, deflated=True)
        except NoSamlMessage:
            pass
    return Carried(binding, fields, page=page), document


_PART: Final = re.compile(
    rb"""Content-Disposition:[^\r\n]*name="(SAMLRequest|SAMLResponse|RelayState)"[^\r\n]*\r?\n\r?\n([^\r\n]*)""",
    re.IGNORECASE,
)
_INPUT: Final = re.compile(r"<(?:input|textarea)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""")


def attributes(tag: str) -> dict[str, str]:
    """Return the attributes of an HTML start tag, names in lower case."""
    return {name.lower(): html.unescape(value.strip("'\"")) for name, value in _ATTRIBUTE.findall(tag)}


def _inputs(page: str) -> Iterator[tuple[str, str]]:
    for tag in _INPUT.findall(page):
        found = attributes(tag)
        if found.get("name"):
            yield found["name"], found.get("value", "")


def _decoded(fields: Mapping[str, str], *, deflated: bool) -> bytes:
    value = fields.get("SAMLRequest") or fields.get("SAMLResponse") or ""
    try:
        raw = base64.b64decode("".join(value.split()), validate=True)
        return zlib.decompressobj(-15).decompress(raw, LARGEST) if deflated else raw
    except (binascii.Error, ValueError, zlib.error):
        raise NoSamlMessage(
            "base64",
            "de waarde van SAMLRequest of SAMLResponse is geen base64; neem het veld ongewijzigd over",
            "the value of SAMLRequest or SAMLResponse is no base64; copy the field unchanged",
        ) from None


def _body(root: Element) -> tuple[list[Element], str]:
    for namespace, version in ((SOAP, "1.1"), (SOAP12, "1.2")):
        if root.tag == q(namespace, "Envelope"):
            body = root.find(q(namespace, "Body"))
            return (list(children(body)) if body is not None else []), version
    return [root], ""


def soap_children(root: Element) -> int:
    """Return how many elements the SOAP Body holds."""
    return len(_body(root)[0])


@dataclass(frozen=True, slots=True)
class Artifact:
    """A type 4 artifact: which ARS of which RD, and the handle of the message (SAML bindings 3.6.4)."""

    index: int
    source_id: bytes
    handle: bytes

    @classmethod
    def new(cls, entity_id: str, index: int = 0) -> "Artifact":
        """Make an artifact of the entity with a random handle."""
        return cls(index, sha1(entity_id.encode(), usedforsecurity=False).digest(), secrets.token_bytes(20))

    @classmethod
    def read(cls, text: str) -> "Artifact | None":
        """Return the parts of an artifact, or None when it is not 44 bytes of type 4."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != ARTIFACT_BYTES or raw[:2] != b"\x00\x04":
            return None
        return cls(int.from_bytes(raw[2:4], "big"), raw[4:24], raw[24:])

    def of(self, entity_id: str) -> bool:
        """Whether the artifact says that it comes from this entity."""
        return self.source_id == sha1(entity_id.encode(), usedforsecurity=False).digest()

    def __str__(self) -> str:
        return base64.b64encode(b"\x00\x04" + self.index.to_bytes(2, "big") + self.source_id + self.handle).decode()


def extension_values(request: Element) -> dict[str, list[str]]:
    """Return name → values of the saml:Attributes in the Extensions of a request, as written."""
    found: dict[str, list[str]] = {}
    for attribute in request.findall(f"{q(SAMLP, 'Extensions')}/{q(SAML, 'Attribute')}"):
        values = [text_of(v) for v in attribute.findall(q(SAML, "AttributeValue"))]
        found.setdefault(attribute.get("Name") or "", []).extend(values)
    return found


def status_of(message: Element) -> tuple[str, ...]:
    """Return the status codes of a message from the outside in, without their common prefix."""
    codes = []
    code = message.find(f"{q(SAMLP, 'Status')}/{q(SAMLP, 'StatusCode')}")
    while code is not None:
        codes.append((code.get("Value") or "").rsplit(":", 1)[-1])
        code = code.find(q(SAMLP, "StatusCode"))
    return tuple(codes)


def status_message(message: Element) -> str:
    """Return the StatusMessage, or an empty string."""
    return text_of(message.find(f"{q(SAMLP, 'Status')}/{q(SAMLP, 'StatusMessage')}")).strip()
