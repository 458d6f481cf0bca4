"""Encrypt and decrypt the payloads of an ebMS message (XML Encryption, profiles osb-be-e and osb-rm-e)."""

import base64
import os
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.errors import DocumentUnreadable, OwnFailure
from harness.wire import keyinfo
from harness.wire.ebms import DS
from harness.wire.ebms_mime import Attachment, Part
from harness.wire.xml import parse

XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
AES256_GCM: Final = XENC11 + "aes256-gcm"
AES128_GCM: Final = XENC11 + "aes128-gcm"
AES256_CBC: Final = XENC + "aes256-cbc"
AES128_CBC: Final = XENC + "aes128-cbc"
OAEP: Final = XENC + "rsa-oaep-mgf1p"
OAEP11: Final = XENC11 + "rsa-oaep"
RSA_15: Final = XENC + "rsa-1_5"
KEY_BYTES: Final = {AES256_GCM: 32, AES128_GCM: 16, AES256_CBC: 32, AES128_CBC: 16}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    DS + "sha1": hashes.SHA1,
    XENC + "sha256": hashes.SHA256,
    XENC + "sha512": hashes.SHA512,
    XENC11 + "mgf1sha1": hashes.SHA1,
    XENC11 + "mgf1sha256": hashes.SHA256,
    XENC11 + "mgf1sha512": hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What an encrypted payload says of itself, before a key is tried."""

    content: str
    transport: str
    media_type: str
    node: etree._Element


def is_encrypted(data: bytes) -> bool:
    """Whether a payload is an xenc:EncryptedData document."""
    return b"EncryptedData" in data[:2000] and XENC.encode() in data[:2000]


def describe(data: bytes) -> Encrypted | None:
    """Return the algorithms of an encrypted payload, or None when it is none."""
    if not is_encrypted(data):
        return None
    root = parse(data)
    if root.tag != _x("EncryptedData"):
        return None
    transport = root.find(f".//{_x('EncryptedKey')}/{_x('EncryptionMethod')}")
    method = root.find(_x("EncryptionMethod"))
    return Encrypted(
        "" if method is None else method.get("Algorithm", ""),
        "" if transport is None else transport.get("Algorithm", ""),
        root.get("MimeType", ""),
        root,
    )


def encrypt(attachment: Attachment, certificate: x509.Certificate, algorithm: str = AES256_GCM) -> Attachment:
    """Return `attachment` encrypted for the holder of `certificate`: AES for the payload, RSA-OAEP for the key."""
    key = os.urandom(KEY_BYTES[algorithm])
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise OwnFailure(
            "versleutelen kan alleen met een RSA-certificaat", "only an RSA certificate can be encrypted to"
        )
    wrapped = public.encrypt(key, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))  # noqa: S303
    der = certificate.public_bytes(Encoding.DER)
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<xenc:EncryptedData xmlns:xenc="{XENC}" xmlns:ds="{DS}"'
        f" MimeType={quoteattr(attachment.media_type)}>"
        f'<xenc:EncryptionMethod Algorithm="{algorithm}"/><ds:KeyInfo><xenc:EncryptedKey>'
        f'<xenc:EncryptionMethod Algorithm="{OAEP}"><ds:DigestMethod Algorithm="{DS}sha1"/></xenc:EncryptionMethod>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{_b64(der)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        f"{_cipher_data(wrapped)}</xenc:EncryptedKey></ds:KeyInfo>"
        f"{_cipher_data(_encipher(algorithm, key, attachment.data))}</xenc:EncryptedData>"
    )
    return Attachment(attachment.cid, document.encode(), "application/xml")


def decrypt(data: bytes, key: rsa.RSAPrivateKey) -> Attachment:
    """Return the payload inside an xenc:EncryptedData; raises DocumentUnreadable with one sentence."""
    said = describe(data)
    if said is None:
        raise _unreadable("geen xenc:EncryptedData", "no xenc:EncryptedData")
    if said.content not in KEY_BYTES:
        raise _unreadable(
            f"algoritme {said.content} wordt niet ontsleuteld", f"algorithm {said.content} is not decrypted"
        )
    wrapped = _cipher_value(said.node.find(f".//{_x('EncryptedKey')}"))
    method = said.node.find(f".//{_x('EncryptedKey')}/{_x('EncryptionMethod')}")
    try:
        session = key.decrypt(wrapped, _key_padding(said.transport, method))
        plain = _decipher(said.content, session, _cipher_value(said.node))
    except (ValueError, InvalidTag) as wrong:
        raise _unreadable(
            "de payload is niet te ontsleutelen met deze sleutel; is hij voor een ander certificaat versleuteld?",
            "the payload cannot be decrypted with this key; was it encrypted for another certificate?",
        ) from wrong
    return Attachment("", plain, said.media_type)


def decrypted_part(part: Part, key: rsa.RSAPrivateKey) -> Part:
    """Return a MIME part with its payload decrypted, so that the signature over the plain text can be verified."""
    plain = decrypt(part.data, key)
    headers = tuple((k, plain.media_type if k == "content-type" and plain.media_type else v) for k, v in part.headers)
    return Part(headers, plain.data)


def _x(name: str) -> str:
    return f"{{{XENC}}}{name}"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _cipher_data(data: bytes) -> str:
    return f"<xenc:CipherData><xenc:CipherValue>{_b64(data)}</xenc:CipherValue></xenc:CipherData>"


def _cipher_value(node: etree._Element | None) -> bytes:
    value = None if node is None else node.findtext(f"{_x('CipherData')}/{_x('CipherValue')}")
    return keyinfo.decoded(value or "") or b""


def _key_padding(transport: str, method: etree._Element | None) -> padding.AsymmetricPadding:
    if transport == RSA_15:
        return padding.PKCS1v15()
    if transport not in (OAEP, OAEP11):
        raise _unreadable(
            f"sleuteltransport {transport} wordt niet ontsleuteld", f"key transport {transport} is not decrypted"
        )
    digest = "" if method is None else _algorithm(method, f"{{{DS}}}DigestMethod")
    mask = "" if method is None else _algorithm(method, f"{{{XENC11}}}MGF")
    return padding.OAEP(padding.MGF1(_HASHES.get(mask, hashes.SHA1)()), _HASHES.get(digest, hashes.SHA1)(), None)


def _algorithm(method: etree._Element, tag: str) -> str:
    element = method.find(tag)
    return "" if element is None else element.get("Algorithm", "")


def _encipher(algorithm: str, key: bytes, data: bytes) -> bytes:
    if algorithm in (AES256_GCM, AES128_GCM):
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, data, None)
    vector = os.urandom(16)
    padder = block_padding.ANSIX923(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


def _decipher(algorithm: str, key: bytes, data: bytes) -> bytes:
    if len(key) != KEY_BYTES[algorithm]:
        raise ValueError("key length")
    if algorithm in (AES256_GCM, AES128_GCM):
        return AESGCM(key).decrypt(data[:12], data[12:], None)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(data[:16])).decryptor()
    padded = decryptor.update(data[16:]) + decryptor.finalize()
    if not padded or not 1 <= padded[-1] <= 16:
        raise ValueError("padding")
    return padded[: -padded[-1]]


def _unreadable(nl: str, en: str) -> DocumentUnreadable:
    return DocumentUnreadable(nl, en)
