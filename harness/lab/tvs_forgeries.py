"""Change a sound answer of the routing service into a forged, weakened or unusual one."""

import base64
import copy
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from lxml import etree

from harness.wire.saml import (
    DS,
    LOA_HIGH,
    SAML,
    SAMLP,
    XENC,
    Element,
    new_id,
    q,
    stamp,
)
from harness.wire.saml_signature import SIGNATURE, Signer, canonical

TEST_BSN: Final = "999999047"


def _set(path: str, attribute: str, shift: timedelta) -> Callable[[Element, datetime], None]:
    def change(assertion: Element, at: datetime) -> None:
        for element in assertion.findall("/".join(q(SAML, step) for step in path.split("/"))):
            element.set(attribute, stamp(at + shift))

    return change


def _expired(assertion: Element, at: datetime) -> None:
    _set("Subject/SubjectConfirmation/SubjectConfirmationData", "NotOnOrAfter", -timedelta(minutes=5))(assertion, at)


def _early(assertion: Element, at: datetime) -> None:
    _set("Conditions", "NotBefore", timedelta(minutes=10))(assertion, at)
    _set("Conditions", "NotOnOrAfter", timedelta(minutes=20))(assertion, at)


def _pretty(assertion: Element, at: datetime) -> None:
    for name in ("Issuer", "Audience", "AuthnContextClassRef"):
        for element in assertion.iter(q(SAML, name)):
            if next(element.iterancestors(q(SAML, "Advice")), None) is None:
                element.text = f"\n        {element.text}\n    "
    first = assertion.find("/".join(q(SAML, n) for n in ("AttributeStatement", "Attribute", "AttributeValue")))
    if first is not None:
        first.text = f"\n        {first.text}\n    "


def _digid_3(assertion: Element, at: datetime) -> None:
    for name in ("AttributeStatement", "Advice"):
        found = assertion.find(q(SAML, name))
        if found is not None:
            assertion.remove(found)
    name_element = assertion.find("/".join(q(SAML, n) for n in ("Subject", "NameID")))
    if name_element is not None:
        name_element.attrib.pop("Format", None)
        name_element.text = f"s00000000:{TEST_BSN}"


def _comment(assertion: Element, at: datetime) -> None:
    """Make the whole value of each Audience another one, while a reader that stops at the comment sees ours."""
    path = "/".join(q(SAML, n) for n in ("Conditions", "AudienceRestriction", "Audience"))
    for audience in assertion.findall(path):
        comment = etree.Comment("x")
        comment.tail = ".elders"
        audience.append(comment)


def _comment_in_service(assertion: Element, at: datetime) -> None:
    """Make the whole ServiceUUID another one, while a reader that stops at the comment sees ours."""
    value = assertion.find("/".join(q(SAML, n) for n in ("AttributeStatement", "Attribute", "AttributeValue")))
    if value is not None:
        comment = etree.Comment("x")
        comment.tail = "-elders"
        value.append(comment)


CHANGES: Final[Mapping[str, Callable[[Element, datetime], None]]] = {
    "expired": _expired,
    "early": _early,
    "pretty-values": _pretty,
    "digid-3": _digid_3,
    "comment-in-audience": _comment,
    "comment-in-service": _comment_in_service,
}


def unreadable(encrypted: Element) -> None:
    """Make the first EncryptedKey unreadable."""
    value = encrypted.find(f"{q(XENC, 'EncryptedKey')}/{q(XENC, 'CipherData')}/{q(XENC, 'CipherValue')}")
    if value is not None:
        value.text = base64.b64encode(bytes(len(base64.b64decode(value.text or "")))).decode()


def weaken(message: Element, signer: Signer, *, method: bool, digest: bool) -> None:
    """Sign `message` anew with SHA-1 in the digest, the signature or both."""
    signature = message.find(SIGNATURE)
    info = signature.find(q(DS, "SignedInfo")) if signature is not None else None
    if signature is None or info is None:
        return
    if digest:
        content = canonical(message, without=signature)
        _one(info, "DigestMethod").set("Algorithm", f"{DS}sha1")
        _one(info, "DigestValue").text = base64.b64encode(hashlib.sha1(content).digest()).decode()
    if method:
        _one(info, "SignatureMethod").set("Algorithm", f"{DS}rsa-sha1")
    hashed: hashes.HashAlgorithm = hashes.SHA1() if method else hashes.SHA256()  # noqa: S303 - the fault itself
    value = signer.key.sign(canonical(info), PKCS1v15(), hashed)
    _one(signature, "SignatureValue").text = base64.b64encode(value).decode()


def _one(parent: Element, name: str) -> Element:
    return next(parent.iter(q(DS, name)))


def key_value(info: Element, signer: Signer) -> None:
    """Put the public key of a stranger in the KeyInfo."""
    numbers = signer.key.public_key().public_numbers()
    holder = etree.SubElement(etree.SubElement(info, q(DS, "KeyValue")), q(DS, "RSAKeyValue"))
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        etree.SubElement(holder, q(DS, name)).text = base64.b64encode(raw).decode()


def forged(assertion: Element) -> Element:
    """Return a copy with another level and ID and without a signature of its own."""
    forged = copy.deepcopy(assertion)
    forged.set("ID", new_id())
    signature = forged.find(SIGNATURE)
    if signature is not None:
        forged.remove(signature)
    for level in forged.iter(q(SAML, "AuthnContextClassRef")):
        level.text = LOA_HIGH
    return forged


def around(assertion: Element) -> Element:
    """Return a forged assertion that carries the signature of the real one, which sits in its Advice."""
    outer, original = _taken_apart(assertion)
    advice = outer.find(q(SAML, "Advice"))
    if advice is not None:
        for child in list(advice):
            advice.remove(child)
        advice.append(original)
    return outer


def child_of_forged(assertion: Element) -> Element:
    """Return a forged assertion that carries the signature of the real one, which is its last child."""
    outer, original = _taken_apart(assertion)
    outer.append(original)
    return outer


def in_own_signature(assertion: Element) -> Element:
    """Return a forged assertion with the real one in a ds:Object of the signature it carries."""
    outer, original = _taken_apart(assertion)
    etree.SubElement(_one(outer, "Signature"), q(DS, "Object")).append(original)
    return outer


def _taken_apart(assertion: Element) -> tuple[Element, Element]:
    """Return a forged assertion with the signature of the real one, and the real one without it."""
    outer, original = forged(assertion), copy.deepcopy(assertion)
    signature = original.find(SIGNATURE)
    if signature is not None:
        original.remove(signature)
        outer.insert(1, signature)
    return outer, original


def beside(body: bytes) -> bytes:
    """Return the envelope with a forged, unsigned message in front of the real one."""
    envelope = etree.fromstring(body)
    message = envelope[0][0]
    evil, _ = _evil_twin(copy.deepcopy(message))
    for signature in evil.findall(SIGNATURE):
        evil.remove(signature)
    envelope[0].insert(0, evil)
    return etree.tostring(envelope)


def _evil_twin(message: Element) -> tuple[Element, Element]:
    original = copy.deepcopy(message)
    signature = original.find(SIGNATURE)
    if signature is not None:
        original.remove(signature)
    message.set("ID", new_id())
    for level in message.iter(q(SAML, "AuthnContextClassRef")):
        level.text = LOA_HIGH
    return message, original


def in_extensions(message: Element) -> Element:
    """Return an evil twin with the original in its Extensions."""
    evil, original = _evil_twin(message)
    extensions = etree.Element(q(SAMLP, "Extensions"))
    extensions.append(original)
    evil.insert(2, extensions)
    return evil


def in_object(message: Element) -> Element:
    """Return an evil twin with the original in a ds:Object of its signature."""
    evil, original = _evil_twin(message)
    etree.SubElement(evil[1], q(DS, "Object")).append(original)
    return evil
