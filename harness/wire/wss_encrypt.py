"""Encrypt and decrypt the Body of a SOAP message for 2W-be-SE: AES-GCM or AES-CBC under RSA-OAEP (KWUS WB005, WB006)."""

import base64
import os
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from harness.errors import DocumentUnreadable
from harness.wire import xml
from harness.wire.soap import DS, NAMESPACES, SOAP, WSSE, XENC, XENC11, Envelope, elements
from harness.wire.wss import X509V3, binary_token
from harness.wire.wss_verify import decode

GCM: Final = {XENC11 + "aes128-gcm": 16, XENC11 + "aes192-gcm": 24, XENC11 + "aes256-gcm": 32}
CBC: Final = {XENC + "aes128-cbc": 16, XENC + "aes192-cbc": 24, XENC + "aes256-cbc": 32}
AES256_GCM: Final = XENC11 + "aes256-gcm"
OAEP_MGF1P: Final = XENC + "rsa-oaep-mgf1p"
OAEP11: Final = XENC11 + "rsa-oaep"
RSA15: Final = XENC + "rsa-1_5"
CONTENT: Final = XENC + "Content"
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class CannotDecrypt(DocumentUnreadable):
    """The Body cannot be decrypted; the sentence never says which step failed, so that it is no oracle."""

    def __init__(self, case: str = "failed") -> None:
        self.case = case
        super().__init__(
            "de versleutelde Body is niet te ontsleutelen met deze sleutel",
            "the encrypted Body cannot be decrypted with this key",
        )


@dataclass(frozen=True, slots=True)
class Encryption:
    """How a Body is encrypted; a fault of the lab changes one field."""

    data: str = AES256_GCM
    transport: str = OAEP_MGF1P
    type: str = CONTENT
    reference_list: bool = True


def _oaep(digest: str, mgf: str) -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(_HASHES[mgf]()), algorithm=_HASHES[digest](), label=None)


def _serialised(body: etree._Element) -> bytes:
    inner = [] if body.text is None else [_escaped(body.text)]
    for child in body:
        inner.append(etree.tostring(child, method="c14n", exclusive=True))
        if child.tail:
            inner.append(_escaped(child.tail))
    return b"".join(inner)


def _escaped(value: str) -> bytes:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#xD;").encode()


def encrypt(envelope: etree._Element, receiver: x509.Certificate, how: Encryption = Encryption()) -> None:
    """Replace the content of the Body by EncryptedData for `receiver`, in place; sign first."""
    body = envelope.find(f"{{{SOAP}}}Body")
    security = envelope.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security")
    key = receiver.public_key()
    if body is None or security is None or not isinstance(key, rsa.RSAPublicKey):
        raise DocumentUnreadable(
            "versleutelen vraagt een Body, een Security-header en een RSA-certificaat van de ontvanger",
            "encryption needs a Body, a Security header and an RSA certificate of the receiver",
        )
    plain = _serialised(body)
    body.text = None
    for child in list(body):
        body.remove(child)
    secret = os.urandom((GCM | CBC)[how.data])
    data_id, key_id = "ED-" + uuid4().hex, "EK-" + uuid4().hex
    data = etree.SubElement(body, f"{{{XENC}}}EncryptedData", {"Id": data_id, "Type": how.type}, nsmap={"xenc": XENC})
    etree.SubElement(data, f"{{{XENC}}}EncryptionMethod", Algorithm=how.data)
    _reference(data, key_id, "")
    _cipher_value(data, _encrypt_data(how.data, secret, plain))
    _encrypted_key(security, receiver, key, secret, key_id, data_id, how)


def _encrypted_key(
    security: etree._Element,
    receiver: x509.Certificate,
    key: rsa.RSAPublicKey,
    secret: bytes,
    key_id: str,
    data_id: str,
    how: Encryption,
) -> None:
    encrypted = etree.Element(f"{{{XENC}}}EncryptedKey", {"Id": key_id}, nsmap={"xenc": XENC})
    method = etree.SubElement(encrypted, f"{{{XENC}}}EncryptionMethod", Algorithm=how.transport)
    wrap: padding.AsymmetricPadding
    if how.transport == OAEP11:
        etree.SubElement(method, f"{{{DS}}}DigestMethod", {"Algorithm": XENC + "sha256"}, nsmap={"ds": DS})
        etree.SubElement(method, f"{{{XENC11}}}MGF", {"Algorithm": XENC11 + "mgf1sha256"}, nsmap={"xenc11": XENC11})
        wrap = _oaep("sha256", "sha256")
    elif how.transport == RSA15:
        wrap = padding.PKCS1v15()
    else:
        etree.SubElement(method, f"{{{DS}}}DigestMethod", {"Algorithm": DS + "sha1"}, nsmap={"ds": DS})
        wrap = _oaep("sha1", "sha1")
    token = binary_token(security, receiver)
    _reference(encrypted, next(str(value) for name, value in token.items() if name.endswith("}Id")), X509V3)
    _cipher_value(encrypted, key.encrypt(secret, wrap))
    if how.reference_list:
        references = etree.SubElement(encrypted, f"{{{XENC}}}ReferenceList")
        etree.SubElement(references, f"{{{XENC}}}DataReference", URI="#" + data_id)
    security.insert(0, encrypted)  # the receiver meets the token, the key and then the signature
    security.insert(0, token)


def _reference(parent: etree._Element, target: str, value_type: str) -> None:
    info = etree.SubElement(parent, f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    reference = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE})
    attributes = {"URI": "#" + target} | ({"ValueType": value_type} if value_type else {})
    etree.SubElement(reference, f"{{{WSSE}}}Reference", attributes)


def _cipher_value(parent: etree._Element, value: bytes) -> None:
    data = etree.SubElement(parent, f"{{{XENC}}}CipherData")
    etree.SubElement(data, f"{{{XENC}}}CipherValue").text = base64.b64encode(value).decode()


def _encrypt_data(algorithm: str, secret: bytes, plain: bytes) -> bytes:
    if algorithm in GCM:
        iv = os.urandom(12)
        return iv + AESGCM(secret).encrypt(iv, plain, None)
    iv = os.urandom(16)
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(plain + os.urandom(fill - 1) + bytes([fill])) + encryptor.finalize()


def decrypt(envelope: Envelope, key: rsa.RSAPrivateKey) -> tuple[str, str]:
    """Restore the Body as it was signed, in place; return the algorithms of the key and of the data.

    Raises CannotDecrypt, with one sentence whatever went wrong (xmlenc11 §5.2.4).
    """
    data = None if envelope.body is None else envelope.body.find(f"{{{XENC}}}EncryptedData")
    encrypted = next((k for s in envelope.security for k in s.findall(f"{{{XENC}}}EncryptedKey")), None)
    if data is None or encrypted is None or envelope.body is None:
        raise CannotDecrypt("absent")
    transport, algorithm = _method(encrypted), _method(data)
    if transport not in (OAEP_MGF1P, OAEP11) or algorithm not in GCM | CBC:
        raise CannotDecrypt("algorithm")
    try:
        secret = key.decrypt(_cipher(encrypted), _padding(encrypted))
        plain = _decrypt_data(algorithm, secret, _cipher(data))
        wrapper = xml.parse(_opening(envelope.body) + plain + b"</w>", huge=True)
    except (ValueError, IndexError, InvalidTag, DocumentUnreadable):
        raise CannotDecrypt from None
    position = list(envelope.body).index(data)
    tail = data.tail
    envelope.body.remove(data)
    if position == 0:
        envelope.body.text = (envelope.body.text or "") + (wrapper.text or "") or None
    for offset, child in enumerate(list(wrapper)):
        envelope.body.insert(position + offset, child)
    if tail and len(envelope.body):
        envelope.body[-1].tail = (envelope.body[-1].tail or "") + tail
    envelope.__dict__.pop("payload", None)
    envelope.__dict__.pop("fault", None)
    return transport, algorithm


def _opening(body: etree._Element) -> bytes:
    """Return a start tag with the namespaces in scope at `body`: the plain text may lean on them."""
    scope = "".join(
        f' xmlns{":" + prefix if prefix else ""}="{uri.replace("&", "&amp;")}"' for prefix, uri in body.nsmap.items()
    )
    return f"<w{scope}>".encode()


def _method(element: etree._Element) -> str:
    method = element.find(f"{{{XENC}}}EncryptionMethod")
    return "" if method is None else method.get("Algorithm") or ""


def _cipher(element: etree._Element) -> bytes:
    return decode(element.findtext("xenc:CipherData/xenc:CipherValue", namespaces=NAMESPACES))


def _padding(encrypted: etree._Element) -> padding.OAEP:
    digest = encrypted.find("xenc:EncryptionMethod/ds:DigestMethod", NAMESPACES)
    mgf = encrypted.find("xenc:EncryptionMethod/xenc11:MGF", NAMESPACES)
    digest_name = "sha1" if digest is None else (digest.get("Algorithm") or "").rpartition("#")[2]
    mgf_name = "sha1" if mgf is None else (mgf.get("Algorithm") or "").rpartition("mgf1")[2]
    if digest_name not in _HASHES or mgf_name not in _HASHES:
        raise CannotDecrypt("algorithm")
    return _oaep(digest_name, mgf_name)


def _decrypt_data(algorithm: str, secret: bytes, cipher: bytes) -> bytes:
    if algorithm in GCM:
        return AESGCM(secret).decrypt(cipher[:12], cipher[12:], None)
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(cipher[:16])).decryptor()
    padded = decryptor.update(cipher[16:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= 16:
        raise CannotDecrypt
    return padded[: -padded[-1]]


def is_encrypted(envelope: Envelope) -> bool:
    """Whether the content of the Body is EncryptedData."""
    return any(child.tag == f"{{{XENC}}}EncryptedData" for child in elements(envelope.body))
