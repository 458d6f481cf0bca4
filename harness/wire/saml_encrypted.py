"""Encrypt and decrypt a saml:EncryptedID: AES-256-CBC with one RSA-OAEP key per certificate of the dienstverlener."""

import base64
import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from harness.errors import KetentestError
from harness.wire.saml import (
    AES256_CBC,
    DS,
    LEGACY_BSN,
    PERSISTENT,
    RSA_OAEP,
    SAML,
    XENC,
    Element,
    q,
    read_xml,
    text_of,
)
from harness.wire.saml_keys import KeyCertificate, decode_base64
from harness.wire.xml import XmlBroken

RSA_15: Final = f"{XENC}rsa-1_5"
_BLOCK: Final = 16
SHA1: Final = f"{DS}sha1"
KEY_BITS: Final = {AES256_CBC: 256, f"{XENC}aes128-cbc": 128}


class CannotDecrypt(KetentestError):
    """An EncryptedID that is not for us or not made as agreed; `case` says which, never a decryption detail."""

    exit_code = 1

    def __init__(self, case: str, detail: str = "") -> None:
        self.case = case
        self.detail = detail
        super().__init__(f"EncryptedID: {case} {detail}".strip())


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom to encrypt for: the dienstverlener and one of its encryption certificates."""

    entity_id: str
    certificate: KeyCertificate
    key_name: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """How an EncryptedID is written; the lab changes one field to make a fault.

    `peer` puts each EncryptedKey beside the EncryptedData (as TVS and DigiD do), otherwise it stands inline.
    """

    peer: bool = True
    data: str = AES256_CBC
    transport: str = RSA_OAEP
    sound_padding: bool = True


def name_id(value: str, qualifier: str = LEGACY_BSN, form: str = PERSISTENT) -> Element:
    """Return the NameID that is encrypted: a persistent identifier with its type as NameQualifier."""
    element = etree.Element(q(SAML, "NameID"), nsmap={"saml": SAML}, Format=form, NameQualifier=qualifier)
    element.text = value
    return element


def encrypt(name: Element, recipients: Sequence[Recipient], form: Form | None = None) -> Element:
    """Return a saml:EncryptedID with one EncryptedKey per recipient certificate."""
    form = form or Form()
    bits = KEY_BITS[form.data]
    content_key = os.urandom(bits // 8)
    identifier = "_" + secrets.token_hex(16)
    outer = etree.Element(q(SAML, "EncryptedID"), nsmap={"saml": SAML, "xenc": XENC, "ds": DS})
    data = etree.SubElement(outer, q(XENC, "EncryptedData"), Id=identifier, Type=f"{XENC}Element")
    etree.SubElement(data, q(XENC, "EncryptionMethod"), Algorithm=form.data)
    info = etree.SubElement(data, q(DS, "KeyInfo"))
    _cipher(data, _aes(content_key, etree.tostring(name), sound=form.sound_padding))
    carried = "_" + secrets.token_hex(8) if form.peer and len(recipients) > 1 else ""
    if carried:
        etree.SubElement(info, q(DS, "KeyName")).text = carried
    for recipient in recipients:
        wrapped = _wrapped(outer if form.peer else info, recipient, content_key, form, identifier, carried)
        if form.peer:
            target = f"#{wrapped.get('Id')}"
            etree.SubElement(info, q(DS, "RetrievalMethod"), Type=f"{XENC}EncryptedKey", URI=target)
    return outer


def _aes(key: bytes, plain: bytes, *, sound: bool) -> bytes:
    pad = _BLOCK - len(plain) % _BLOCK
    padded = plain + os.urandom(pad - 1) + bytes([pad if sound else 0])
    vector = os.urandom(_BLOCK)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(padded) + encryptor.finalize()


def _cipher(parent: Element, value: bytes) -> None:
    data = etree.SubElement(parent, q(XENC, "CipherData"))
    etree.SubElement(data, q(XENC, "CipherValue")).text = base64.b64encode(value).decode()


def _padding(transport: str) -> AsymmetricPadding:
    if transport == RSA_15:
        return PKCS1v15()
    return OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - what the interface prescribes (9.3)


def _wrapped(
    parent: Element, recipient: Recipient, content_key: bytes, form: Form, data_id: str, carried: str
) -> Element:
    public = recipient.certificate.public_key
    if public is None:
        raise CannotDecrypt("key-type")
    key = etree.SubElement(parent, q(XENC, "EncryptedKey"), Id="_" + secrets.token_hex(16))
    key.set("Recipient", recipient.entity_id)
    method = etree.SubElement(key, q(XENC, "EncryptionMethod"), Algorithm=form.transport)
    if form.transport == RSA_OAEP:
        etree.SubElement(method, q(DS, "DigestMethod"), Algorithm=SHA1)
    info = etree.SubElement(key, q(DS, "KeyInfo"))
    etree.SubElement(info, q(DS, "KeyName")).text = recipient.key_name or recipient.certificate.sha1
    _cipher(key, public.encrypt(content_key, _padding(form.transport)))
    references = etree.SubElement(key, q(XENC, "ReferenceList"))
    etree.SubElement(references, q(XENC, "DataReference"), URI=f"#{data_id}")
    if carried:
        etree.SubElement(key, q(XENC, "CarriedKeyName")).text = carried
    return key


def recipients_of(encrypted: Element) -> list[str]:
    """Return whom the EncryptedKeys are for, in document order."""
    return [key.get("Recipient") or "" for key in encrypted.iter(q(XENC, "EncryptedKey"))]


def key_names_for(encrypted: Element, entity_id: str) -> list[str]:
    """Return the KeyNames of the EncryptedKeys for this dienstverlener."""
    return [_key_name(key) for key in encrypted.iter(q(XENC, "EncryptedKey")) if key.get("Recipient") == entity_id]


def algorithms_of(encrypted: Element) -> tuple[str, list[str]]:
    """Return the data algorithm and the key transport algorithms, so that they can be judged before any key is used."""
    data = encrypted.find(q(XENC, "EncryptedData"))
    keys = [_method(key) for key in encrypted.iter(q(XENC, "EncryptedKey"))]
    return (_method(data) if data is not None else ""), keys


def digests_of(encrypted: Element) -> list[str]:
    """Return the digests that the key transports name; one that names none uses SHA-1."""
    methods = (key.find(q(XENC, "EncryptionMethod")) for key in encrypted.iter(q(XENC, "EncryptedKey")))
    found = (m.find(q(DS, "DigestMethod")) for m in methods if m is not None)
    return [digest.get("Algorithm") or "" for digest in found if digest is not None]


def _method(element: Element) -> str:
    found = element.find(q(XENC, "EncryptionMethod"))
    return (found.get("Algorithm") or "") if found is not None else ""


def _key_name(key: Element) -> str:
    return text_of(key.find(f"{q(DS, 'KeyInfo')}/{q(DS, 'KeyName')}")).strip()


def _value(element: Element) -> bytes:
    return decode_base64(text_of(element.find(f"{q(XENC, 'CipherData')}/{q(XENC, 'CipherValue')}"))) or b""


def decrypt(encrypted: Element, entity_id: str, keys: Mapping[str, RSAPrivateKey]) -> Element:
    """Return the NameID inside; `keys` maps KeyName to private key. Raises CannotDecrypt.

    Algorithms are checked before a private key is used; keys of other recipients are left alone.
    """
    data, transports = algorithms_of(encrypted)
    if data != AES256_CBC:
        raise CannotDecrypt("data-algorithm", data)
    ours = [key for key in encrypted.iter(q(XENC, "EncryptedKey")) if key.get("Recipient") == entity_id]
    if not ours:
        raise CannotDecrypt("recipient", ", ".join(sorted(set(recipients_of(encrypted)))))
    strange = next((t for t in transports if t != RSA_OAEP), "")
    if strange:
        raise CannotDecrypt("key-transport", strange)
    held = [(key, private) for key in ours for name, private in keys.items() if _key_name(key) in ("", name)]
    if not held:
        raise CannotDecrypt("key-name", ", ".join(_key_name(key) for key in ours))
    for key, private in held:
        plain = _opened(encrypted, key, private)
        if plain is not None:
            with contextlib.suppress(XmlBroken):
                return read_xml(plain)
    raise CannotDecrypt("failed")  # whatever the cause: a difference would be an oracle


def _opened(encrypted: Element, key: Element, private: RSAPrivateKey) -> bytes | None:
    data = encrypted.find(q(XENC, "EncryptedData"))
    if data is None:
        return None
    try:
        content_key = private.decrypt(_value(key), _padding(RSA_OAEP))
        vector, cipher = (value := _value(data))[:_BLOCK], value[_BLOCK:]
        decryptor = Cipher(algorithms.AES(content_key), modes.CBC(vector)).decryptor()
        padded = decryptor.update(cipher) + decryptor.finalize()
    except ValueError:
        return None
    if not padded or not 1 <= padded[-1] <= _BLOCK:
        return None
    return padded[: -padded[-1]]
