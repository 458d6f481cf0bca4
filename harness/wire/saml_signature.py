"""Sign SAML elements and say what is the matter with a signature: intact, tampered, re-formatted or another key.

The order is the point: algorithms first, then the signature with a pinned certificate, then the digest of
exactly the element that will be used. Validity of the certificate is another question and is not asked here.
"""

import base64
import copy
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from lxml import etree

from harness.wire.saml import (
    DIGEST_METHODS,
    DS,
    ENVELOPED,
    EXC_C14N,
    RSA_SHA256,
    SHA256,
    SIGNATURE_METHODS,
    Element,
    q,
    text_of,
)
from harness.wire.saml_keys import KeyCertificate, decode_base64
from harness.wire.saml_layout import LAYOUTS

SIGNATURE: Final = q(DS, "Signature")
LARGE: Final = 2 * 1024 * 1024
_SIGNERS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{n}": made()
    for n, made in ((256, hashes.SHA256), (384, hashes.SHA384), (512, hashes.SHA512))
}
_DIGESTS: Final = {
    SHA256: "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


class State(StrEnum):
    """What can be said of a signature once its algorithms are known."""

    INTACT = "intact"
    TAMPERED = "tampered"
    REFORMATTED = "reformatted"
    OTHER_KEY = "other-key"
    BROKEN = "broken"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Reference:
    """One ds:Reference: URI, transforms, digest, and the PrefixList of its canonicalisation."""

    element: Element
    uri: str | None
    transforms: tuple[str, ...]
    prefixes: tuple[str, ...]
    digest_method: str
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A ds:Signature as it stands, before anything in it is believed."""

    element: Element
    signed_info: Element | None
    canonicalization: str
    prefixes: tuple[str, ...]
    method: str
    references: tuple[Reference, ...]
    value: bytes | None
    key_info: Element | None
    key_names: tuple[str, ...]
    certificates: tuple[bytes, ...]
    odd: tuple[str, ...]

    @property
    def key_name(self) -> str:
        """The first KeyName without surrounding whitespace."""
        return self.key_names[0].strip() if self.key_names else ""


def signatures_of(element: Element) -> list[Element]:
    """Return the ds:Signature elements that are direct children of `element`."""
    return element.findall(SIGNATURE)


def read_signature(element: Element) -> Signature:
    """Read a ds:Signature leniently."""
    info = element.find(q(DS, "SignedInfo"))
    canonical = info.find(q(DS, "CanonicalizationMethod")) if info is not None else None
    method = info.find(q(DS, "SignatureMethod")) if info is not None else None
    value = element.find(q(DS, "SignatureValue"))
    key_info = element.find(q(DS, "KeyInfo"))
    texts = [] if key_info is None else [text_of(c) for c in key_info.iter(q(DS, "X509Certificate"))]
    return Signature(
        element=element,
        signed_info=info,
        canonicalization=_algorithm(canonical),
        prefixes=_prefixes(canonical),
        method=_algorithm(method),
        references=tuple(_reference(r) for r in info.findall(q(DS, "Reference"))) if info is not None else (),
        value=decode_base64(text_of(value)) if value is not None else None,
        key_info=key_info,
        key_names=() if key_info is None else tuple(text_of(n) for n in key_info.findall(q(DS, "KeyName"))),
        certificates=tuple(der for text in texts if (der := decode_base64(text))),
        odd=tuple(_odd(element)),
    )


def _algorithm(element: Element | None) -> str:
    return (element.get("Algorithm") or "") if element is not None else ""


def _prefixes(element: Element | None) -> tuple[str, ...]:
    found = element.find(q(EXC_C14N, "InclusiveNamespaces")) if element is not None else None
    return tuple((found.get("PrefixList") or "").split()) if found is not None else ()


def _reference(element: Element) -> Reference:
    steps = element.findall(f"{q(DS, 'Transforms')}/{q(DS, 'Transform')}")
    digest = element.find(q(DS, "DigestValue"))
    return Reference(
        element,
        element.get("URI"),
        tuple(_algorithm(step) for step in steps),
        next((found for step in steps if (found := _prefixes(step))), ()),
        _algorithm(element.find(q(DS, "DigestMethod"))),
        decode_base64(text_of(digest)) if digest is not None else None,
    )


def _odd(signature: Element) -> Iterator[str]:
    """Yield what a receiver must never follow: keys and objects that the signature brings along."""
    for name in ("KeyValue", "RetrievalMethod", "Object"):
        if any(True for _ in signature.iter(q(DS, name))):
            yield name


class Breach(StrEnum):
    """A departure from the signature profile that is decided before any cryptography."""

    METHOD = "method"
    DIGEST = "digest"
    CANONICALIZATION = "canonicalization"
    TRANSFORMS = "transforms"
    REFERENCE = "reference"
    KEY_INFO = "key-info"
    ODD = "odd"


def breaches(signature: Signature, signed: Element) -> Iterator[Breach]:
    """Yield every departure from the profile of eID SAML 9.1 and 9.2 for a signature over `signed`."""
    if signature.method not in SIGNATURE_METHODS:
        yield Breach.METHOD
    if signature.canonicalization != EXC_C14N:
        yield Breach.CANONICALIZATION
    if any(r.digest_method not in DIGEST_METHODS for r in signature.references):
        yield Breach.DIGEST
    if any(r.transforms != (ENVELOPED, EXC_C14N) for r in signature.references):
        yield Breach.TRANSFORMS
    if len(signature.references) != 1 or not signed.get("ID") or signature.references[0].uri != f"#{signed.get('ID')}":
        yield Breach.REFERENCE
    if not any(signature.key_names) and not signature.certificates:
        yield Breach.KEY_INFO
    if signature.odd:
        yield Breach.ODD


def canonical(element: Element, prefixes: Iterable[str] = (), without: Element | None = None) -> bytes:
    """Return exclusive canonical XML of `element`; `without` (a direct child) is left out, its tail stays."""
    if element.getparent() is not None or element.getprevious() is not None or element.getnext() is not None:
        index = element.index(without) if without is not None else None
        element = etree.fromstring(etree.tostring(element, with_tail=False), etree.XMLParser(resolve_entities=False))
        without = element[index] if index is not None else None
    if without is None:
        return _c14n(element, prefixes)
    index, tail = element.index(without), without.tail
    _take_out(element, without, index)
    try:
        return _c14n(element, prefixes)
    finally:
        _put_back(element, without, index, tail)


def _c14n(element: Element, prefixes: Iterable[str]) -> bytes:
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes) or None
    )


def _take_out(parent: Element, child: Element, index: int) -> None:
    """Remove `child` but keep the text behind it, as the enveloped-signature transform does."""
    tail, child.tail = child.tail, None
    if index == 0:
        parent.text = (parent.text or "") + (tail or "") or None
    else:
        before = parent[index - 1]
        before.tail = (before.tail or "") + (tail or "") or None
    parent.remove(child)


def _put_back(parent: Element, child: Element, index: int, tail: str | None) -> None:
    kept = len(tail or "")
    if index == 0:
        whole = parent.text or ""
        parent.text = whole[: len(whole) - kept] or None
    else:
        before = parent[index - 1]
        whole = before.tail or ""
        before.tail = whole[: len(whole) - kept] or None
    parent.insert(index, child)
    child.tail = tail


def examine(signed: Element, signature: Signature, key: RSAPublicKey) -> State:
    """Say what the signature over `signed` is worth with this key.

    Only the first Reference counts (more than one is a breach); the digest is always taken over `signed`
    itself, so a signature that covers another element never comes out as intact.
    """
    try:
        return _examine(signed, signature, key)
    except etree.C14NError:  # a relative namespace name has no canonical form
        return State.UNSUPPORTED


def _examine(signed: Element, signature: Signature, key: RSAPublicKey) -> State:
    reference = signature.references[0] if signature.references else None
    signer = _SIGNERS.get(signature.method)
    hashed = _DIGESTS.get(reference.digest_method) if reference else None
    if reference is None or signer is None or hashed is None or signature.signed_info is None:
        return State.UNSUPPORTED
    if signature.canonicalization != EXC_C14N or reference.transforms not in ((ENVELOPED, EXC_C14N), (ENVELOPED,)):
        return State.UNSUPPORTED
    keyed = _verifies(key, signature, canonical(signature.signed_info, signature.prefixes), signer)
    content = canonical(signed, reference.prefixes, without=signature.element)
    same = hashlib.new(hashed, content).digest() == reference.digest
    if keyed and same:
        return State.INTACT
    if not same and _reformatted(signed, signature, reference, key, signer, hashed, keyed=keyed):
        return State.REFORMATTED
    if keyed:
        return State.TAMPERED
    return State.OTHER_KEY if same else State.BROKEN


def _verifies(key: RSAPublicKey, signature: Signature, data: bytes, signer: hashes.HashAlgorithm) -> bool:
    try:
        key.verify(signature.value or b"", data, PKCS1v15(), signer)
    except InvalidSignature:
        return False
    return True


def made_by(signature: Signature, certificates: Iterable[KeyCertificate]) -> KeyCertificate | None:
    """Return the first certificate whose key made the signature value, whatever became of the content."""
    signer = _SIGNERS.get(signature.method)
    if signer is None or signature.signed_info is None or signature.canonicalization != EXC_C14N:
        return None
    try:
        data = canonical(signature.signed_info, signature.prefixes)
    except etree.C14NError:
        return None
    return next((c for c in certificates if c.public_key and _verifies(c.public_key, signature, data, signer)), None)


def _reformatted(
    signed: Element,
    signature: Signature,
    reference: Reference,
    key: RSAPublicKey,
    signer: hashes.HashAlgorithm,
    hashed: str,
    *,
    keyed: bool,
) -> bool:
    """Whether the digest fits once the white space is put back in one of the usual ways."""
    size = sum(1 for _ in signed.iter())
    for number, layout in enumerate(LAYOUTS):
        if number and size > 20_000:
            return False
        other = _detached(signed)
        layout(other)
        own = next((s for s in signatures_of(other)), None)
        if own is None:
            return False
        content = canonical(other, reference.prefixes, without=own)
        if hashlib.new(hashed, content).digest() != reference.digest:
            continue
        info = own.find(q(DS, "SignedInfo"))
        if keyed or (info is not None and _verifies(key, signature, canonical(info, signature.prefixes), signer)):
            return True
    return False


def _detached(element: Element) -> Element:
    if element.getparent() is None:
        return copy.deepcopy(element)
    return etree.fromstring(etree.tostring(element, with_tail=False), etree.XMLParser(resolve_entities=False))


class NotTrusted(Exception):
    """A message whose signature may not be relied on; `reason` is one word, `breach` names a profile departure."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


def choose(signature: Signature, keys: Iterable[tuple[str, KeyCertificate]]) -> KeyCertificate | None:
    """Return the certificate that the signature designates: by KeyName first, else by exact certificate."""
    known = list(keys)
    if any(signature.key_names):
        named = next((c for name, c in known if name and name == signature.key_name), None)
        if named is not None:
            return named
    return next((c for _, c in known if c.der in signature.certificates), None)


def require_trusted(signed: Element, keys: Iterable[tuple[str, KeyCertificate]]) -> KeyCertificate:
    """Return the certificate that signed exactly `signed`, or raise NotTrusted.

    `keys` are KeyName and certificate from metadata that was verified before; nothing in the message itself
    can add one.
    """
    found = signatures_of(signed)
    if len(found) != 1:
        raise NotTrusted("unsigned" if not found else "many-signatures", str(len(found)))
    signature = read_signature(found[0])
    breach = next(breaches(signature, signed), None)
    if breach is not None:
        raise NotTrusted(str(breach), _shown(signature, breach))
    root = signed.getroottree().getroot()
    if len(root.xpath("//@ID[. = $id]", id=signed.get("ID") or "")) != 1:
        raise NotTrusted("duplicate-id", signed.get("ID") or "")
    certificate = choose(signature, keys)
    if certificate is None:
        raise NotTrusted("unknown-key", signature.key_name)
    if certificate.public_key is None:
        raise NotTrusted("key-type")
    state = examine(signed, signature, certificate.public_key)
    if state is not State.INTACT:
        raise NotTrusted(str(state))
    return certificate


def _shown(signature: Signature, breach: Breach) -> str:
    if breach is Breach.METHOD:
        return signature.method
    if breach is Breach.DIGEST:
        return ", ".join(r.digest_method for r in signature.references)
    return ", ".join(signature.odd) if breach is Breach.ODD else ""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the certificate that goes with it; the KeyName is the certificate's SHA-1."""

    key: RSAPrivateKey
    certificate: KeyCertificate

    @property
    def key_name(self) -> str:
        """The KeyName under which the metadata lists this certificate."""
        return self.certificate.sha1


def sign(
    element: Element,
    signer: Signer,
    *,
    position: int = 0,
    with_certificate: bool = False,
    with_name: bool = True,
    prefix: str = "ds",
) -> Element:
    """Put an enveloped RSA-SHA256 signature over `element` at child `position` and return `element`.

    Metadata carries it first (position 0), a message behind its Issuer (position 1).
    """
    digest = hashlib.sha256(canonical(element)).digest()
    signature = etree.Element(SIGNATURE, nsmap={prefix: DS})
    info = _signed_info(signature, element.get("ID") or "", digest)
    value = etree.SubElement(signature, q(DS, "SignatureValue"))
    key_info = etree.SubElement(signature, q(DS, "KeyInfo"))
    if with_name:
        etree.SubElement(key_info, q(DS, "KeyName")).text = signer.key_name
    if with_certificate:
        block = etree.SubElement(key_info, q(DS, "X509Data"))
        etree.SubElement(block, q(DS, "X509Certificate")).text = base64.b64encode(signer.certificate.der).decode()
    element.insert(position, signature)
    value.text = base64.b64encode(signer.key.sign(canonical(info), PKCS1v15(), hashes.SHA256())).decode()
    return element


def _signed_info(signature: Element, target: str, digest: bytes) -> Element:
    info = etree.SubElement(signature, q(DS, "SignedInfo"))
    etree.SubElement(info, q(DS, "CanonicalizationMethod"), Algorithm=EXC_C14N)
    etree.SubElement(info, q(DS, "SignatureMethod"), Algorithm=RSA_SHA256)
    reference = etree.SubElement(info, q(DS, "Reference"), URI=f"#{target}")
    transforms = etree.SubElement(reference, q(DS, "Transforms"))
    etree.SubElement(transforms, q(DS, "Transform"), Algorithm=ENVELOPED)
    etree.SubElement(transforms, q(DS, "Transform"), Algorithm=EXC_C14N)
    etree.SubElement(reference, q(DS, "DigestMethod"), Algorithm=SHA256)
    etree.SubElement(reference, q(DS, "DigestValue")).text = base64.b64encode(digest).decode()
    return info
