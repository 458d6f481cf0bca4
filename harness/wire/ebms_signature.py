"""Sign and verify ebMS messages as EBMS 4.1.3 prescribes: enveloped, without what is addressed to the next actor.

The XPath transform of the standard is carried out as what it means: everything with the actor `nextMSH` or `next`
is left out before the document is digested. Another XPath expression is reported as unsupported, never run.
"""

import base64
import copy
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.errors import OwnFailure
from harness.wire import keyinfo, signature_value
from harness.wire.ebms import DS, NEXT_ACTOR, NEXT_MSH, SOAP, Message
from harness.wire.ebms_mime import Attachment
from harness.wire.wss import C14N, DIGEST_METHODS, INC_C14N, RSA_SHA256, SHA256, Signer
from harness.wire.xml import parse

ENVELOPED: Final = DS + "enveloped-signature"
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
FILTER: Final = (
    f'not(ancestor-or-self::node()[@soap:actor="{NEXT_MSH}"] | ancestor-or-self::node()[@soap:actor="{NEXT_ACTOR}"])'
)
_FILTER_SHAPE: Final = re.compile(
    r"not\(\s*(?P<steps>ancestor-or-self::(?:node)?\(\)\[@[\w.-]+:actor=(?:\"[^\"]*\"|'[^']*')\]"
    r"(?:\s*\|\s*ancestor-or-self::(?:node)?\(\)\[@[\w.-]+:actor=(?:\"[^\"]*\"|'[^']*')\])*)\s*\)"
)
_ACTOR: Final = re.compile(r"actor=[\"']([^\"']*)[\"']")

OK: Final = "ok"
MISMATCH: Final = "mismatch"
MISSING: Final = "missing"
UNSUPPORTED: Final = "unsupported"
MALFORMED: Final = "malformed"
ENCRYPTED: Final = "encrypted"
NO_KEY: Final = "no-key"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a message is signed; the defaults are what Digikoppeling asks, a fault of the lab changes one."""

    signature: str = RSA_SHA256
    digest: str = SHA256
    c14n: str = INC_C14N
    actor_filter: bool = True
    skip_attachments: bool = False
    break_digest: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """One ds:Reference and what came of it: ok, mismatch, missing, unsupported, malformed or encrypted."""

    uri: str
    transforms: tuple[str, ...]
    digest_method: str
    digest: bytes
    outcome: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What can be said of a signature; `value` is the outcome of the SignatureValue over SignedInfo."""

    signature_method: str
    canonicalization: str
    references: tuple[Reference, ...]
    value: str
    certificate: bytes = b""
    certificate_problem: str = ""

    @property
    def document(self) -> Reference | None:
        """The reference to the whole document (`URI=""`)."""
        return next((r for r in self.references if r.uri == ""), None)

    @property
    def holds(self) -> bool:
        """Whether value and all references are right."""
        return self.value == OK and bool(self.references) and all(r.outcome == OK for r in self.references)


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _hash(method: str, data: bytes) -> bytes:
    return hashlib.new(DIGEST_METHODS[method], data, usedforsecurity=False).digest()


def protected(root: etree._Element, signature: etree._Element | None, actors: Sequence[str], c14n: str) -> bytes:
    """Return the canonical document without `signature` and without what is addressed to `actors`."""
    place = [] if signature is None else _place(signature)
    tree = copy.deepcopy(root.getroottree())
    copied = tree.getroot()
    gone = [_at(copied, place)] if place else []
    gone += [e for e in copied.iter(etree.Element) if e.get(f"{{{SOAP}}}actor") in actors]
    for element in gone:
        _remove(element)
    exclusive, comments = C14N[c14n]
    return etree.tostring(tree, method="c14n", exclusive=exclusive, with_comments=comments)


def _place(element: etree._Element) -> list[int]:
    place: list[int] = []
    parent = element.getparent()
    while parent is not None:
        place.insert(0, parent.index(element))
        element, parent = parent, parent.getparent()
    return place


def _at(root: etree._Element, place: Sequence[int]) -> etree._Element:
    for index in place:
        root = root[index]
    return root


def _remove(element: etree._Element) -> None:
    """Take `element` out and leave its tail: lxml's own remove() would drop it."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def sign(envelope: bytes, attachments: Sequence[Attachment], signer: Signer, recipe: Recipe | None = None) -> bytes:
    """Return `envelope` with a ds:Signature in its Header over the document and every attachment."""
    recipe = recipe or Recipe()
    root = parse(envelope)
    header = root.find(f"{{{SOAP}}}Header")
    if header is None:
        raise OwnFailure(
            "een bericht zonder SOAP Header is niet te ondertekenen", "a message without Header cannot be signed"
        )
    actors = (NEXT_MSH, NEXT_ACTOR) if recipe.actor_filter else ()
    digest = _hash(recipe.digest, protected(root, None, actors, recipe.c14n))
    digest = bytes([digest[0] ^ 1]) + digest[1:] if recipe.break_digest else digest
    references = [_document_reference(recipe, digest)]
    if not recipe.skip_attachments:
        references += [_attachment_reference(recipe, a) for a in attachments]
    certificate = base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode()
    signature = parse(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{recipe.c14n}"/>'
        f'<ds:SignatureMethod Algorithm="{recipe.signature}"/>{"".join(references)}</ds:SignedInfo>'
        f"<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></ds:Signature>".encode()
    )
    header.insert(1, signature)
    value = signature_value.sign(signer.key, recipe.signature, _signed_info(signature, recipe.c14n))
    slot = signature.find(_ds("SignatureValue"))
    if slot is not None:
        slot.text = base64.b64encode(value).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _document_reference(recipe: Recipe, digest: bytes) -> str:
    only = f'<ds:Transform Algorithm="{XPATH}"><ds:XPath xmlns:soap="{SOAP}">{FILTER}</ds:XPath></ds:Transform>'
    return (
        f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/>'
        f"{only if recipe.actor_filter else ''}"
        f'<ds:Transform Algorithm="{recipe.c14n}"/></ds:Transforms>{_digest(recipe, digest)}</ds:Reference>'
    )


def _attachment_reference(recipe: Recipe, attachment: Attachment) -> str:
    digest = _digest(recipe, _hash(recipe.digest, attachment.data))
    return f'<ds:Reference URI="cid:{attachment.cid}">{digest}</ds:Reference>'


def _digest(recipe: Recipe, digest: bytes) -> str:
    value = base64.b64encode(digest).decode()
    return f'<ds:DigestMethod Algorithm="{recipe.digest}"/><ds:DigestValue>{value}</ds:DigestValue>'


def _signed_info(signature: etree._Element, c14n: str) -> bytes:
    exclusive, comments = C14N[c14n]
    return b"".join(
        etree.tostring(info, method="c14n", exclusive=exclusive, with_comments=comments)
        for info in signature.findall(_ds("SignedInfo"))[:1]
    )


def examine(message: Message) -> Examination | None:
    """Return what can be said of the signature of `message`, or None when it carries none.

    The certificate is the one in the KeyInfo; whether that is the right one is the judge's question.
    """
    signature, envelope = message.signature, message.envelope
    if signature is None or envelope is None:
        return None
    info = signature.find(_ds("SignedInfo"))
    method = _algorithm(info, "SignatureMethod")
    c14n = _algorithm(info, "CanonicalizationMethod")
    elements = [] if info is None else info.findall(_ds("Reference"))
    references = tuple(_reference(message, envelope, signature, e) for e in elements[:1000])
    key_info = signature.find(_ds("KeyInfo"))
    found = None if key_info is None else keyinfo.read(key_info).leaf
    der = found.der if found else b""
    problem = (found.problem if found else "absent") or ("" if der else "content")
    return Examination(method, c14n, references, _value(signature, method, c14n, der), der, problem)


def _algorithm(parent: etree._Element | None, name: str) -> str:
    element = None if parent is None else parent.find(_ds(name))
    return "" if element is None else element.get("Algorithm", "")


def _reference(
    message: Message, envelope: etree._Element, signature: etree._Element, node: etree._Element
) -> Reference:
    uri = node.get("URI", "#absent").strip()
    transforms = tuple(t.get("Algorithm", "") for t in node.iterfind(f"{_ds('Transforms')}/{_ds('Transform')}"))
    method = _algorithm(node, "DigestMethod")
    stated = keyinfo.decoded(node.findtext(_ds("DigestValue")) or "") or b""
    outcome = _outcome(message, envelope, signature, node, (uri, transforms, method, stated))
    return Reference(uri, transforms, method, stated, outcome)


def _outcome(
    message: Message,
    envelope: etree._Element,
    signature: etree._Element,
    node: etree._Element,
    said: tuple[str, tuple[str, ...], str, bytes],
) -> str:
    uri, transforms, method, stated = said
    if method not in DIGEST_METHODS:
        return UNSUPPORTED
    if len(stated) != hashlib.new(DIGEST_METHODS[method], usedforsecurity=False).digest_size:
        return MALFORMED
    if uri.lower().startswith("cid:"):
        data = message.payload(uri)
        if data is None:
            return MISSING
        if b"EncryptedData" in data[:2000] and XENC.encode() in data[:2000]:
            return ENCRYPTED
        transformed = _transformed(data, transforms)
    elif uri == "":
        transformed = _document(envelope, signature, node, transforms)
    else:
        return UNSUPPORTED
    if transformed is None:
        return UNSUPPORTED
    return OK if hmac.compare_digest(_hash(method, transformed), stated) else MISMATCH


def _transformed(data: bytes, transforms: Sequence[str]) -> bytes | None:
    if not transforms:
        return data
    if len(transforms) > 1 or transforms[0] not in C14N:
        return None
    try:
        root = parse(data)
    except Exception:  # noqa: BLE001 - a payload that is no XML cannot be canonicalised
        return None
    exclusive, comments = C14N[transforms[0]]
    return etree.tostring(root.getroottree(), method="c14n", exclusive=exclusive, with_comments=comments)


def _document(
    envelope: etree._Element, signature: etree._Element, node: etree._Element, transforms: Sequence[str]
) -> bytes | None:
    actors: list[str] = []
    c14n = INC_C14N
    for transform in node.iterfind(f"{_ds('Transforms')}/{_ds('Transform')}"):
        algorithm = transform.get("Algorithm", "")
        if algorithm == XPATH:
            filtered = filtered_actors(transform.findtext(_ds("XPath")) or "")
            if filtered is None:
                return None
            actors += filtered
        elif algorithm in C14N:
            c14n = algorithm
        elif algorithm != ENVELOPED:
            return None
    return protected(envelope, signature if ENVELOPED in transforms else None, actors, c14n)


def filtered_actors(expression: str) -> list[str] | None:
    """Return the actors that the XPath filter of EBMS 4.1.3 leaves out, or None for another expression."""
    found = _FILTER_SHAPE.fullmatch(" ".join(expression.split()))
    return _ACTOR.findall(found["steps"]) if found else None


def _value(signature: etree._Element, method: str, c14n: str, der: bytes) -> str:
    stated = keyinfo.decoded(signature.findtext(_ds("SignatureValue")) or "")
    if not stated or c14n not in C14N or signature.find(_ds("SignedInfo")) is None:
        return MALFORMED if c14n in C14N else UNSUPPORTED
    if not der:
        return NO_KEY
    key = x509.load_der_x509_certificate(der).public_key()
    known = signature_value.holds(key, method, stated, _signed_info(signature, c14n))
    return UNSUPPORTED if known is None else OK if known else MISMATCH


def receipt(message: Message) -> dict[str, bytes]:
    """Return the digests by URI that a signed receipt (eb:Acknowledgment) repeats."""
    block = message.block("Acknowledgment")
    elements = [] if block is None else block.findall(_ds("Reference"))
    return {e.get("URI", ""): keyinfo.decoded(e.findtext(_ds("DigestValue")) or "") or b"" for e in elements}
