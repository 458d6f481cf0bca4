"""The kinds of document that can be judged: how to recognise one, how large it may be, which judge reads it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Final

from harness.lint.judge import Context, HttpHead, Judge, Raw
from harness.model import Finding, NotRun

MB: Final = 1024 * 1024
SNIFF: Final = 64 * 1024
_JAVA_STORES: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document; `judge` is `module:function`, imported only when it is needed."""

    name: str
    max_bytes: int
    judge: str

    def findings(self, raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
        """Judge `raw`; a broken document of this kind yields findings, it does not raise."""
        module, _, function = self.judge.partition(":")
        judge: Judge = getattr(import_module(module), function)
        yield from judge(raw, ctx)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("certificate", MB, "harness.lint.pki:judge_certificate"),
        Kind("certificate-chain", MB, "harness.lint.pki:judge_chain"),
        Kind("csr", MB, "harness.lint.pki:judge_csr"),
        Kind("crl", 64 * MB, "harness.lint.pki:judge_crl"),
        Kind("consumer-spec", 10 * MB, "harness.lint.ebms:judge_consumer_spec"),
        Kind("provider-spec", 10 * MB, "harness.lint.ebms:judge_provider_spec"),
        Kind("ping-mmd", 10 * MB, "harness.lint.ebms:judge_ping_mmd"),
        Kind("cpa", 10 * MB, "harness.lint.ebms:judge_cpa"),
        Kind("ebms-message", 64 * MB, "harness.lint.ebms:judge_message"),
        Kind("soap-message", 64 * MB, "harness.lint.wus:judge_message"),
        Kind("wsdl", 10 * MB, "harness.lint.wus:judge_wsdl"),
        Kind("saml-metadata", 128 * MB, "harness.lint.saml:judge_metadata"),
        Kind("saml-message", 64 * MB, "harness.lint.saml:judge_message"),
        Kind("aansluitbestand", 10 * MB, "harness.lint.saml.sheet:judge_aansluitbestand"),
    )
}

_HTTP_START = re.compile(rb"\A(?:[A-Z]{3,7} \S+ HTTP/1\.[01]|HTTP/[12](?:\.[01])? \d{3}[^\r\n]*)\r?\n")
_ROOT = re.compile(rb"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")

_EBMS: Final = re.compile(rb"ebxml-msg/schema/msg-header-2_0", re.IGNORECASE)
_PROVIDING: Final = re.compile(rb"<(?:services|profiles|rolebindings)[\s/>]")
_CPA: Final = re.compile(rb"<(?:[\w.-]+:)?CollaborationProtocolAgreement\b")
_FAULT: Final = re.compile(rb"<(?:[\w.-]+:)?Fault\b")

_HEADINGS: Final = re.compile(
    rb"^(?=[^\r\n]*\bentity[ _-]?id\b)(?=[^\r\n]*\boin\b)[^\r\n<>{}]*[;,\t][^\r\n<>{}]*$", re.IGNORECASE | re.MULTILINE
)
"""The headings of an aansluitbestand that was saved as CSV."""

_SAML_FIELD: Final = re.compile(rb"(?:\A|[?&])SAML(?:Request|Response)=|form-data; name=\"SAML(?:Request|Response)\"")
_ROOT_KINDS: Final = {
    b"osb-ebms-service-specificatie": "consumer-spec",
    b"MessageMetadataDocument": "ping-mmd",
    b"CollaborationProtocolAgreement": "cpa",
    b"CollaborationProtocolProfile": "cpa",
    b"definitions": "wsdl",
    b"EntityDescriptor": "saml-metadata",
    b"EntitiesDescriptor": "saml-metadata",
    b"AuthnRequest": "saml-message",
    b"Response": "saml-message",
    b"ArtifactResolve": "saml-message",
    b"ArtifactResponse": "saml-message",
    b"LogoutRequest": "saml-message",
    b"LogoutResponse": "saml-message",
    b"Assertion": "saml-message",
}
_MISSPELT: Final = ("consumer-spec", "ping-mmd", "cpa")


def split_http(data: bytes) -> tuple[HttpHead | None, bytes]:
    """Split a captured HTTP message into head and body; anything else comes back whole."""
    if not _HTTP_START.match(data):
        return None, data
    cut = re.search(rb"\r?\n\r?\n", data)
    head, body = (data[: cut.start()], data[cut.end() :]) if cut else (data, b"")
    start, *lines = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1")).replace("\r\n", "\n").split("\n")
    headers = tuple(
        (name.strip().lower(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon
    )
    return HttpHead(start, headers), body


def guess(raw: Raw, companions: Sequence[Raw] = ()) -> str | None:
    """Return the kind that the content begins like, or None when nothing is recognised.

    What says nothing of itself (an empty answer, a SOAP Fault) is of the kind of the companions it is judged with.
    """
    if _ebms_wire(raw, companions):
        return "ebms-message"
    if raw.data[:4] in _JAVA_STORES:
        return "certificate"
    if raw.data[:4] == b"PK\x03\x04" and b"xl/workbook.xml" in raw.data:
        return "aansluitbestand"
    head = raw.data[:SNIFF]
    if b"\x00<" in head[:4] or b"<\x00" in head[:4]:
        head = head.replace(b"\x00", b"")
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and _HEADINGS.search(head.replace(b"\r\n", b"\n")):
        return "aansluitbestand"
    pem = re.search(rb"-----BEGIN ([A-Z0-9 ]+)-----", head)
    if pem and not head.lstrip().startswith(b"<"):
        return _pem_kind(pem[1], raw.data)
    if raw.data[:2] in (b"0\x82", b"0\x83") or (raw.data[:1] == b"0" and b"<" not in head[:200]):
        return _der_kind(raw)
    return _xml_kind(head, raw)


def _ebms_wire(raw: Raw, companions: Sequence[Raw]) -> bool:
    head = raw.data[:SNIFF]
    if raw.http and (raw.http.get("soapaction").strip('"').lower() == "ebxml" or _EBMS.search(head)):
        return True
    fault = _FAULT.search(head) is not None
    if not (fault or (raw.http and (raw.http.status is not None or _is_multipart(raw.http)))):
        return False
    return any(_CPA.search(c.data[:SNIFF]) or _EBMS.search(c.data[:SNIFF]) for c in companions)


def _is_multipart(http: HttpHead) -> bool:
    return http.get("content-type").lower().startswith("multipart/related")


def _pem_kind(label: bytes, data: bytes) -> str | None:
    if b"REQUEST" in label:
        return "csr"
    if b"CRL" in label:
        return "crl"
    return "certificate-chain" if data.count(b"-----BEGIN CERTIFICATE-----") > 1 else "certificate"


def _der_kind(raw: Raw) -> str:
    lower = raw.name.lower()
    if lower.endswith((".csr", ".p10")):
        return "csr"
    return "crl" if lower.endswith(".crl") else "certificate"


def _xml_kind(head: bytes, raw: Raw) -> str | None:
    text = re.sub(rb"<!--.*?-->", b"", head, flags=re.DOTALL)
    root = _ROOT.search(text)
    start = raw.http.start.encode("latin-1", "replace") if raw.http else b""
    if _SAML_FIELD.search(start) or (root is None and _SAML_FIELD.search(text)):
        return "saml-message"
    if raw.http and _is_multipart(raw.http):
        return "soap-message"
    if root is None:
        return None
    if root[1] == b"Envelope":
        return _envelope_kind(text)
    kind = _ROOT_KINDS.get(root[1]) or _saml_kind(text[root.start() :]) or _nearest(root[1])
    return "provider-spec" if kind == "consumer-spec" and _PROVIDING.search(text) else kind


def _saml_kind(text: bytes) -> str | None:
    """Return the kind of a part of SAML metadata that stands alone, or of a page that posts a SAML message."""
    tag = text[: text.find(b">") + 1]
    if re.match(rb"<[\w.:-]*Descriptor\b", tag) and b"names:tc:SAML:2.0:metadata" in tag:
        return "saml-metadata"
    return "saml-message" if re.search(rb"name=['\"]SAML(?:Request|Response)['\"]", text) else None


def _nearest(root: bytes) -> str | None:
    """Return the kind of a root element that is misspelt or in another case, so that a rule can say so."""
    names = {name.decode().lower(): kind for name, kind in _ROOT_KINDS.items() if kind in _MISSPELT}
    close = get_close_matches(root.decode("ascii", "replace").lower(), names, 1, 0.85)
    return names[close[0]] if close else None


def _envelope_kind(text: bytes) -> str:
    if _EBMS.search(text):
        return "ebms-message"
    if b"names:tc:SAML:2.0:protocol" in text:
        return "saml-message"
    return "soap-message"
