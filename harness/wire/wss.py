"""Sign a SOAP message for Digikoppeling 2W-be-S: Body, every wsa header and the Timestamp (KWUS WB002-WB014)."""

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.errors import DocumentUnreadable
from harness.wire import signature_value
from harness.wire.soap import DS, PIECE, SOAP, WSA, WSSE, WSSE11, WSU, elements, fill, local, namespace

EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
INC_C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N: Final = {
    EXC_C14N: (True, False),
    EXC_C14N + "WithComments": (True, True),
    INC_C14N: (False, False),
    INC_C14N + "#WithComments": (False, True),
}
RSA_SHA256: Final = signature_value.RSA_SHA256
RSA_SHA1: Final = signature_value.RSA_SHA1
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1: Final = DS + "sha1"
DIGEST_METHODS: Final = {
    SHA256: "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    SHA1: "sha1",
}
X509V3: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
KEY_IDENTIFIER: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
)
WSU_ID: Final = f"{{{WSU}}}Id"
_HAS_LARGE_TEXT: Final = etree.XPath(f"boolean(descendant-or-self::*/text()[string-length() > {PIECE // 2}])")
_IS_ONE_LARGE_TEXT: Final = etree.XPath(f"boolean(text()[string-length() > {PIECE}])")


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the certificate that belongs to it."""

    key: signature_value.SigningKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a Security header is made: the defaults are what Digikoppeling asks, a fault of the lab changes one.

    `created` is a strftime pattern; `key_reference` is direct, x509data, issuer-serial or key-identifier; `unsigned` holds local names left out.
    """

    signature: str = RSA_SHA256
    digest: str = SHA256
    c14n: str = EXC_C14N
    lifetime: timedelta | None = timedelta(minutes=5)
    created: str = ""
    timestamp: bool = True
    token_first: bool = True
    key_reference: str = "direct"
    value_type: str = X509V3
    encoding_type: str = BASE64
    unsigned: frozenset[str] = frozenset()


DIGIKOPPELING: Final = Recipe()
DIGIPOORT_SHA1: Final = Recipe(signature=RSA_SHA1, digest=SHA1)


class NotCanonical(DocumentUnreadable):
    """The element has no canonical form: a namespace in it is a relative URI (C14N 1.0 §1.3)."""

    def __init__(self) -> None:
        super().__init__(
            "bevat een relatieve namespace-URI; daarover is geen handtekening te berekenen",
            "holds a relative namespace URI, over which no signature can be computed",
        )


def canonical(element: etree._Element, algorithm: str, prefixes: Iterable[str] = ()) -> bytes:
    """Return the canonical form of `element` under one of the C14N algorithms; raises NotCanonical."""
    exclusive, comments = C14N[algorithm]
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=exclusive,
            with_comments=comments,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except etree.C14NError:
        raise NotCanonical from None


def digest(element: etree._Element, method: str, algorithm: str, prefixes: Iterable[str] = ()) -> bytes:
    """Return the digest over the canonical form of `element`; raises NotCanonical.

    With an attachment in it the canonical form is never held as a whole.
    """
    state = hashlib.new(DIGEST_METHODS[method], usedforsecurity=False)
    if not _HAS_LARGE_TEXT(element):
        state.update(canonical(element, algorithm, prefixes))
        return state.digest()
    for leaf in list(element.iter()):
        if isinstance(leaf.tag, str) and not len(leaf) and _IS_ONE_LARGE_TEXT(leaf):
            text = leaf.text or ""
            leaf.text = None
            fill(leaf, (text[place : place + PIECE] for place in range(0, len(text), PIECE)))
    exclusive, comments = C14N[algorithm]
    try:
        etree.ElementTree(element).write_c14n(
            _Digesting(state),
            exclusive=exclusive,
            with_comments=comments,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except etree.C14NError:
        raise NotCanonical from None
    return state.digest()


class _Digesting(io.RawIOBase):
    """A file that keeps the digest of what is written to it, and nothing else."""

    def __init__(self, state: "hashlib._Hash") -> None:
        self._state = state

    def write(self, data: Any) -> int:
        self._state.update(data)
        return len(data)


def instant(moment: datetime) -> str:
    """Return `moment` as WS-Security wants it: UTC, at most three decimals, `Z`."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def sign(
    envelope: etree._Element,
    signer: Signer,
    *,
    at: datetime,
    confirm: str | None = None,
    recipe: Recipe = DIGIKOPPELING,
) -> str:
    """Sign `envelope` in place and return the SignatureValue.

    `confirm` is the SignatureValue of the request: it adds a signed SignatureConfirmation (WB014).
    """
    security = _security_header(envelope)
    parts = _parts(envelope)
    if recipe.timestamp:
        parts.append(_timestamp(security, at, recipe))
    if confirm is not None:
        confirmation = etree.SubElement(security, f"{{{WSSE11}}}SignatureConfirmation", nsmap={"wsse11": WSSE11})
        if confirm:
            confirmation.set("Value", confirm)
        parts.append(confirmation)
    token = binary_token(security, signer.certificate, recipe)
    signed = [part for part in parts if local(part) not in recipe.unsigned]
    for part in signed:
        part.set(WSU_ID, "id-" + uuid4().hex)
    signature = _signature(security, signer, token, signed, recipe)
    if recipe.key_reference != "direct":
        security.remove(token)
    elif not recipe.token_first:
        security.append(token)
    return signature.findtext(f"{{{DS}}}SignatureValue") or ""


def _security_header(envelope: etree._Element) -> etree._Element:
    header = envelope.find(f"{{{SOAP}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP}}}Header")
        envelope.insert(0, header)
    present = header.find(f"{{{WSSE}}}Security")
    if present is not None:
        return present
    security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    return security


def _parts(envelope: etree._Element) -> list[etree._Element]:
    header, body = envelope.find(f"{{{SOAP}}}Header"), envelope.find(f"{{{SOAP}}}Body")
    addressing = [block for block in elements(header) if namespace(block) == WSA]
    return addressing if body is None else [body, *addressing]


def _timestamp(security: etree._Element, at: datetime, recipe: Recipe) -> etree._Element:
    timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
    etree.SubElement(timestamp, f"{{{WSU}}}Created").text = (
        at.astimezone(UTC).strftime(recipe.created) if recipe.created else instant(at)
    )
    if recipe.lifetime is not None:
        etree.SubElement(timestamp, f"{{{WSU}}}Expires").text = instant(at + recipe.lifetime)
    return timestamp


def binary_token(
    parent: etree._Element, certificate: x509.Certificate, recipe: Recipe = DIGIKOPPELING
) -> etree._Element:
    """Append a BinarySecurityToken with `certificate` to `parent` and return it."""
    token = etree.SubElement(
        parent,
        f"{{{WSSE}}}BinarySecurityToken",
        {WSU_ID: "X509-" + uuid4().hex, "EncodingType": recipe.encoding_type, "ValueType": recipe.value_type},
        nsmap={"wsse": WSSE, "wsu": WSU},
    )
    token.text = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return token


def _signature(
    security: etree._Element, signer: Signer, token: etree._Element, parts: list[etree._Element], recipe: Recipe
) -> etree._Element:
    method = signature_value.method_for(signer.key, recipe.signature)
    signature = etree.SubElement(security, f"{{{DS}}}Signature", nsmap={"ds": DS})
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=recipe.c14n)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=method)
    for part in parts:
        _reference(info, part, recipe)
    value = signature_value.sign(signer.key, method, canonical(info, recipe.c14n))
    etree.SubElement(signature, f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    _key_info(signature, signer.certificate, token, recipe)
    return signature


def _reference(info: etree._Element, part: etree._Element, recipe: Recipe) -> None:
    reference = etree.SubElement(info, f"{{{DS}}}Reference", URI="#" + (part.get(WSU_ID) or ""))
    transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
    etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=recipe.c14n)
    etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=recipe.digest)
    value = base64.b64encode(digest(part, recipe.digest, recipe.c14n)).decode()
    etree.SubElement(reference, f"{{{DS}}}DigestValue").text = value


def _key_info(signature: etree._Element, certificate: x509.Certificate, token: etree._Element, recipe: Recipe) -> None:
    info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
    reference = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE})
    if recipe.key_reference == "direct":
        etree.SubElement(reference, f"{{{WSSE}}}Reference", URI="#" + (token.get(WSU_ID) or ""), ValueType=X509V3)
    elif recipe.key_reference == "key-identifier":
        identifier = etree.SubElement(
            reference, f"{{{WSSE}}}KeyIdentifier", ValueType=KEY_IDENTIFIER, EncodingType=BASE64
        )
        ski = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
        identifier.text = base64.b64encode(ski).decode()
    else:
        data = etree.SubElement(reference, f"{{{DS}}}X509Data")
        if recipe.key_reference == "x509data":
            der = certificate.public_bytes(Encoding.DER)
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = base64.b64encode(der).decode()
        else:
            serial = etree.SubElement(data, f"{{{DS}}}X509IssuerSerial")
            etree.SubElement(serial, f"{{{DS}}}X509IssuerName").text = certificate.issuer.rfc4514_string()
            etree.SubElement(serial, f"{{{DS}}}X509SerialNumber").text = str(certificate.serial_number)
