"""Read a SOAP message as it came over HTTP: body, envelope, attachments, companions and the service it belongs to."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from harness.errors import KetentestError
from harness.lint.judge import Context, HttpHead, Raw
from harness.lint.wus.service import GENERIC, ServiceProfile, service, services
from harness.model import Finding, Words
from harness.wire import mtom, soap, soap_wsdl, wss_encrypt, wss_trust, wss_verify, xml
from harness.wire.soap import Envelope

LARGEST: Final = 64 * 1024 * 1024
_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*\])?\s*>", re.DOTALL)
_CONTRACT = re.compile(rb"<(?:[\w.-]+:)?(?:definitions|schema)[\s>]")
_DECLARED = re.compile(rb"""\A<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


@dataclass
class Companions:
    """The documents beside the message, recognised by their content."""

    request: Envelope | None = None
    request_http: HttpHead | None = None
    operations: list[soap_wsdl.Operation] = field(default_factory=list)
    wsdls: list[soap_wsdl.Wsdl] = field(default_factory=list)
    schemas: dict[str, bytes] = field(default_factory=dict)
    certificates: list[x509.Certificate] = field(default_factory=list)
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)
    keys: list[rsa.RSAPrivateKey] = field(default_factory=list)


@dataclass
class Message:
    """One SOAP message and everything that its judgement leans on."""

    raw: Raw
    ctx: Context
    body: bytes = b""
    xml_bytes: bytes = b""
    broken: xml.XmlBroken | None = None
    root: etree._Element | None = None
    package: mtom.Package | None = None
    package_broken: mtom.NotMultipart | None = None
    inlined: mtom.Inlined | None = None
    decrypted: bool | None = None
    sealed: etree._Element | None = None
    companions: Companions = field(default_factory=Companions)

    @property
    def http(self) -> HttpHead | None:
        """The HTTP head, when the message was captured with one."""
        return self.raw.http

    @cached_property
    def envelope(self) -> Envelope | None:
        """The SOAP 1.1 envelope, or None when the root is something else."""
        if self.root is None or self.root.tag != f"{{{soap.SOAP}}}Envelope":
            return None
        return Envelope(self.root)

    @cached_property
    def is_html(self) -> bool:
        """Whether the body is a web page, well-formed or not."""
        return bool(_HTML.match(self.xml_bytes)) or (
            self.root is not None and etree.QName(self.root).localname.lower() == "html"
        )

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self.xml_bytes.lstrip()[:1] in (b"{", b"[")

    @cached_property
    def is_fault(self) -> bool:
        """Whether the Body holds a soap:Fault."""
        return self.envelope is not None and self.envelope.fault is not None

    @cached_property
    def role(self) -> str:
        """The role: request, response or fault (a fault is an answer)."""
        if self.is_fault:
            return "fault"
        if self.ctx.role in ("request", "response"):
            return self.ctx.role
        if self.http is not None:
            return "response" if self.http.start.startswith("HTTP/") else "request"
        if self.ctx.role == "fault":
            return "response"
        return self._role_of_its_element or self._role_of_its_headers

    @property
    def _role_of_its_element(self) -> str:
        """The direction in which the WSDL at hand, or the service, sends the element in the Body."""
        payload = self.envelope.payload if self.envelope is not None else None
        clark = "" if payload is None else str(payload.tag)
        known = (*self.companions.operations, *self.service.operations)
        asks, answers = any(o.input == clark for o in known), any(o.output == clark for o in known)
        return "" if asks is answers else "request" if asks else "response"

    @property
    def _role_of_its_headers(self) -> str:
        answers = self.envelope is not None and "RelatesTo" in self.envelope.addressing
        return "response" if answers else "request"

    @property
    def is_request(self) -> bool:
        """Whether this is a request."""
        return self.role == "request"

    @cached_property
    def service(self) -> ServiceProfile:
        """The service that the context names, or that the namespaces of the message betray."""
        if self.ctx.service in services():
            return service(self.ctx.service)
        marks = []
        if self.envelope is not None:
            marks = [self.envelope.action]
            payload = self.envelope.payload
            if payload is not None:
                marks.append(soap.namespace(payload))
                marks += [soap.namespace(e) for d in payload.iter("detail") for e in d]
        named = (p for p in services().values() for mark in marks if mark and p.owns(mark))
        return next(named, service(GENERIC))

    @cached_property
    def profile(self) -> str:
        """The Digikoppeling profile: as given, of the service, or as the message looks."""
        given = self.ctx.profile if self.ctx.profile.upper().startswith("2W-BE") else ""
        if given:
            return given
        if self.service.profile:
            return self.service.profile
        if self.envelope is None or not self.envelope.security:
            return "2W-be"
        if wss_encrypt.is_encrypted(self.envelope) or self.decrypted:
            return "2W-be-SE"
        tokens = (header.find(f"{{{soap.WSSE}}}BinarySecurityToken") for header in self.envelope.security)
        return "2W-be-S" if self.envelope.signatures or any(t is not None for t in tokens) else "2W-be"

    @property
    def profile_given(self) -> bool:
        """Whether the profile was given or is known of the service, rather than guessed from the message."""
        return bool(self.ctx.profile or self.service.profile)

    @property
    def signed(self) -> bool:
        """Whether the profile asks for a signature."""
        return self.profile in ("2W-be-S", "2W-be-SE")

    @property
    def signature(self) -> etree._Element | None:
        """The one signature to judge, or None when there is none or more than one."""
        if self.envelope is None or len(self.envelope.security) != 1 or len(self.envelope.signatures) != 1:
            return None
        return self.envelope.signatures[0]

    @cached_property
    def token(self) -> wss_verify.Token | None:
        """The token of the signature to judge."""
        if self.envelope is None or self.signature is None:
            return None
        return wss_verify.token_of(self.envelope.security[0], self.signature)

    @cached_property
    def ids(self) -> dict[str, list[etree._Element]]:
        """The elements by id."""
        return {} if self.root is None else wss_verify.index_ids(self.root)

    @cached_property
    def examination(self) -> wss_verify.Examination | None:
        """What the signature covers and whether it holds."""
        if self.envelope is None or self.signature is None or self.token is None:
            return None
        return wss_verify.examine(self.envelope, self.signature, self.token.certificate, self.ids)

    @property
    def encrypted(self) -> bool:
        """Whether the Body is (still) encrypted."""
        return self.envelope is not None and wss_encrypt.is_encrypted(self.envelope)

    @cached_property
    def operation(self) -> soap_wsdl.Operation | None:
        """The operation of this message, from the WSDL at hand or from what is known of the service."""
        if self.envelope is None:
            return None
        payload = self.envelope.payload
        clark = str(payload.tag) if payload is not None else ""
        for known in (*self.companions.operations, *self.service.operations):
            if clark in (known.input, known.output) and clark:
                return known
        request = self.companions.request
        for known in (*self.companions.operations, *self.service.operations):
            actions = (known.action.value, known.response_action.value, *known.fault_actions)
            if self.envelope.action in [a for a in actions if a]:
                return known
            if request is not None and not self.is_request and request.action and request.action == known.action.value:
                return known
        return None

    @property
    def behind_gateway(self) -> bool:
        """Whether an own gateway stands in between, so that correlation is with its message (META-07)."""
        return self.ctx.setting("gateway").lower() in ("1", "ja", "yes", "true")

    @property
    def skew(self) -> int:
        """The allowed difference between clocks, in seconds."""
        given = self.ctx.setting("skew")
        return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else self.service.skew


def read(raw: Raw, ctx: Context) -> Message:
    """Read `raw`; what is broken is kept as such, for the rules to name."""
    message = Message(raw, ctx, companions=_companions(ctx))
    message.body = message.xml_bytes = _decoded(raw)
    header = raw.http.get("content-type") if raw.http else ""
    if mtom.content_type(header)[0] == "multipart/related":
        try:
            message.package = mtom.unpack(message.body, header)
            message.xml_bytes = message.package.root.data
        except mtom.NotMultipart as wrong:
            message.package_broken = wrong
    _parse(message)
    if message.package is not None and message.root is not None:
        message.inlined = mtom.inline(message.root, message.package)
    _decrypt(message)
    return message


def _parse(message: Message) -> None:
    try:
        message.root = xml.parse(message.xml_bytes, huge=True)
    except xml.XmlBroken as wrong:
        message.broken = wrong
        if wrong.case == "doctype" and not _HTML.match(message.xml_bytes):
            try:  # judged on without its DTD, so that the rest of the message gets its verdict too
                message.root = xml.parse(_DOCTYPE.sub(b"", message.xml_bytes, count=1), huge=True)
            except xml.XmlBroken:
                message.root = None


def _decrypt(message: Message) -> None:
    if message.envelope is None or not wss_encrypt.is_encrypted(message.envelope):
        return
    for key in message.companions.keys:
        message.sealed = next(
            e for e in soap.elements(message.envelope.body) if e.tag == f"{{{soap.XENC}}}EncryptedData"
        )
        try:
            wss_encrypt.decrypt(message.envelope, key)
        except wss_encrypt.CannotDecrypt:
            message.decrypted = False
        else:
            message.decrypted = True
            return


def _decoded(raw: Raw) -> bytes:
    if raw.http is None:
        return raw.data
    data = raw.data
    if "chunked" in raw.http.get("transfer-encoding").lower():
        data = _dechunked(data)
    if raw.http.get("content-encoding").lower() in ("gzip", "x-gzip", "deflate"):
        try:
            inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
            data = inflater.decompress(data, LARGEST)
        except zlib.error:
            return raw.data
    return data


def _dechunked(data: bytes) -> bytes:
    """Return the body behind chunked coding; a capture that was already put together comes back as it is."""
    rest = data
    pieces: list[bytes] = []
    while rest:
        head, line_end, after = rest.partition(b"\r\n")
        size = head.partition(b";")[0].strip()
        if not line_end or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            return data if not pieces else b"".join(pieces)
        length = int(size, 16)
        if length == 0:
            break
        pieces.append(after[:length])
        rest = after[length + 2 :]
    return b"".join(pieces)


def declared_encoding(data: bytes) -> str:
    """Return the encoding in the XML declaration, in lower case."""
    match = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    return match[1].decode("ascii").lower() if match else ""


def _companions(ctx: Context) -> Companions:
    found = Companions()
    for raw in ctx.companions:
        _sort(found, raw, ctx)
    for wsdl in found.wsdls:
        found.operations += wsdl.operations
    return found


def _sort(found: Companions, raw: Raw, ctx: Context) -> None:
    data = raw.data
    if b"PRIVATE KEY-----" in data[:4096]:
        found.keys += _key(data)
    elif b"-----BEGIN X509 CRL-----" in data[:4096] or raw.name.lower().endswith(".crl"):
        found.crls += _crl(data)
    elif b"-----BEGIN CERTIFICATE-----" in data or data[:1] == b"\x30":
        found.certificates += wss_trust.load([data])
    elif raw.http is None and _CONTRACT.search(data[:4096]) and (known := _contract(data)) is not None:
        _sort_contract(found, raw, known)
    else:
        _sort_xml(found, raw, ctx)


@lru_cache(maxsize=64)
def _contract(data: bytes) -> soap_wsdl.Wsdl | etree._Element | None:
    """Return a WSDL, or the root of an XSD: one contract goes with many messages, so it is read once."""
    try:
        root = xml.parse(data)
    except KetentestError:
        return None
    if root.tag == f"{{{soap_wsdl.WSDL}}}definitions":
        return soap_wsdl.Wsdl(root)
    return root if root.tag == f"{{{soap_wsdl.XSD}}}schema" else None


def _sort_contract(found: Companions, raw: Raw, known: soap_wsdl.Wsdl | etree._Element) -> None:
    if isinstance(known, soap_wsdl.Wsdl):
        found.wsdls.append(known)
    else:
        found.schemas[raw.name or f"schema-{len(found.schemas)}.xsd"] = raw.data


def _sort_xml(found: Companions, raw: Raw, ctx: Context) -> None:
    try:
        message = read(raw, replace(ctx, companions=(), role="request"))
    except KetentestError:
        return
    root = message.root
    if root is None:
        return
    if message.envelope is not None:
        found.request, found.request_http = message.envelope, raw.http
    elif root.tag == f"{{{soap_wsdl.WSDL}}}definitions":
        _sort_contract(found, raw, soap_wsdl.Wsdl(root))
    elif root.tag == f"{{{soap_wsdl.XSD}}}schema":
        _sort_contract(found, raw, root)


def _key(data: bytes) -> Iterator[rsa.RSAPrivateKey]:
    try:
        key = load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        return
    if isinstance(key, rsa.RSAPrivateKey):
        yield key


def _crl(data: bytes) -> Iterator[x509.CertificateRevocationList]:
    try:
        pem = b"-----BEGIN" in data[:100]
        found = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        if found.issuer and len(found) >= 0:  # both are decoded only now
            yield found
    except wss_trust.UNREADABLE:
        return


def found(
    rule: str,
    element: etree._Element | None = None,
    *,
    observed: Words = "",
    expected: Words = "",
    case: str = "",
    related: tuple[str, ...] = (),
    place: str = "",
) -> Finding:
    """Return a finding on `element`: its path and line are where it stands."""
    if element is None:
        return Finding(rule, case, observed, expected, place, related=related)
    return Finding(rule, case, observed, expected, xml.where(element), element.sourceline, related=related)
