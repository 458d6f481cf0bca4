"""Open a file with certificates: PEM, DER, PKCS#7 or PKCS#12, whatever else stands in it."""

import binascii
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)

from harness.errors import DocumentUnreadable
from harness.wire import der
from harness.wire.der import DerBroken
from harness.wire.x509 import Certificate

#: What the keystores of Java begin with; since Java 9 the default is PKCS#12.
JAVA_STORES: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_DASHES: Final = b"-----BEGIN "
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{64,}")
#: Larger files are opened again rather than kept.
SMALL: Final = 64 * 1024
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_DATA: Final = "1.2.840.113549.1.7.1"
_SIGNED_DATA_DER: Final = bytes.fromhex("06092a864886f70d010702")
_DATA_DER: Final = bytes.fromhex("06092a864886f70d010701")
_OCSP_BASIC: Final = bytes.fromhex("06092b0601050507300101")


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What may be said of a private key: whether it stands there in the clear, the hash of its public half, the file's mode."""

    encrypted: bool
    spki_sha256: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything recognised in one file, in its order; `form` is pem, der, base64, pkcs7 or pkcs12."""

    form: str
    certificates: tuple[Certificate, ...] = ()
    requests: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    keys: tuple[PrivateKey, ...] = ()
    unreadable: tuple[str, ...] = ()
    open_password: bool = field(default=False)


def certificates(data: bytes, password: bytes | None = None) -> tuple[Certificate, ...]:
    """Return the certificates of a file in their order; raises DocumentUnreadable when there is none.

    >>> certificates(b"niets")
    Traceback (most recent call last):
    ...
    harness.errors.DocumentUnreadable: het bestand bevat geen leesbaar certificaat; lever PEM, DER, PKCS#7 of PKCS#12 aan
    """
    content = opened(data, password)
    if not content.certificates:
        raise no_certificate(content)
    return content.certificates


def no_certificate(content: Content) -> DocumentUnreadable:
    """Return the sentence for a file without a certificate; it says what is there instead and echoes nothing."""
    if content.keys:
        return DocumentUnreadable(
            "het bestand bevat een privésleutel in plaats van een certificaat; lever alleen het certificaat aan",
            "the file holds a private key instead of a certificate; deliver the certificate only",
        )
    return DocumentUnreadable(
        "het bestand bevat geen leesbaar certificaat; lever PEM, DER, PKCS#7 of PKCS#12 aan",
        "the file holds no readable certificate; deliver PEM, DER, PKCS#7 or PKCS#12",
    )


def opened(data: bytes, password: bytes | None = None) -> Content:
    """Recognise what `data` holds; raises DocumentUnreadable for a PKCS#12 file whose password does not fit."""
    return _remembered(data, password) if len(data) <= SMALL else _open(data, password)


def _open(data: bytes, password: bytes | None) -> Content:
    if data[:4] in JAVA_STORES:
        raise DocumentUnreadable(
            "dit is een Java-keystore (JKS of JCEKS); zet hem om met keytool -importkeystore -deststoretype pkcs12 en lever het PKCS#12-bestand aan",
            "this is a Java keystore (JKS or JCEKS); convert it with keytool -importkeystore -deststoretype pkcs12 and deliver the PKCS#12 file",
        )
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    if _DASHES in data:
        return _pem(data, password)
    if data[:1] == b"\x30":
        return _der(data, password, "der")
    bare = data.removeprefix(b"\xef\xbb\xbf").strip()
    if _BASE64.fullmatch(bare):
        decoded = _decoded(bare)
        if decoded[:1] == b"\x30":
            return _der(decoded, password, "base64")
    return Content("")


_remembered = lru_cache(maxsize=64)(_open)


def _decoded(text: bytes) -> bytes:
    if b":" in text:
        text = text.replace(b"\r\n", b"\n").rpartition(b"\n\n")[2]
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return b""


def _blocks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes | None]]:
    """Yield label, whole block and body of every armoured block; the body of one that is cut off is None."""
    place = data.find(_DASHES)
    while place >= 0:
        begin = _BEGIN.match(data, place)
        if begin is None:
            place = data.find(_DASHES, place + len(_DASHES))
            continue
        ending = b"-----END " + begin[1] + b"-----"
        stop = data.find(ending, begin.end())
        following = data.find(_DASHES, begin.end())
        if stop < 0 or (0 <= following < stop):
            yield begin[1], b"", None
            place = following
            continue
        place = stop + len(ending)
        yield begin[1], data[begin.start() : place], data[begin.end() : stop]
        place = data.find(_DASHES, place)


def _block(label: bytes, block: bytes, body: bytes | None, password: bytes | None) -> Content:
    if label.endswith(b"PRIVATE KEY"):
        key = PrivateKey(encrypted=False) if body is None else _pem_key(block, label, body, password)
        return Content("pem", keys=(key,))
    if b"PARAMETERS" in label or b"PUBLIC KEY" in label:
        return Content("pem")
    if body is None:
        return Content("pem", unreadable=(label.decode(),))
    return _labelled(label, _decoded(body), password)


def _pem(data: bytes, password: bytes | None) -> Content:
    parts = [_block(label, block, body, password) for label, block, body in _blocks(data)]
    if len(parts) == 1:
        return parts[0]
    return Content(
        "pem",
        certificates=tuple(c for p in parts for c in p.certificates),
        requests=tuple(r for p in parts for r in p.requests),
        crls=tuple(c for p in parts for c in p.crls),
        ocsp=tuple(o for p in parts for o in p.ocsp),
        keys=tuple(k for p in parts for k in p.keys),
        unreadable=tuple(u for p in parts for u in p.unreadable),
    )


def _labelled(label: bytes, body: bytes, password: bytes | None) -> Content:
    if label.endswith(b"REQUEST"):
        return Content("pem", requests=(body,))
    if label == b"X509 CRL":
        return Content("pem", crls=(body,))
    if label.endswith(b"CERTIFICATE"):
        return _certificate(body, "pem")
    return _der(body, password, "pem")


def _pem_key(block: bytes, label: bytes, body: bytes, password: bytes | None) -> PrivateKey:
    encrypted = b"ENCRYPTED" in label or b"ENCRYPTED" in body[:200]
    try:
        key = load_pem_private_key(block, password if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return PrivateKey(encrypted)
    return PrivateKey(
        encrypted, _public_hash(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    )


def _public_hash(spki: bytes) -> str:
    return hashlib.sha256(spki).hexdigest()


def _certificate(data: bytes, form: str) -> Content:
    try:
        return Content(form, certificates=(Certificate(data),))
    except (DerBroken, ValueError, IndexError):
        return Content(form, unreadable=("CERTIFICATE",))


def _der(data: bytes, password: bytes | None, form: str) -> Content:
    kind = der_kind(data)
    if kind == "pkcs7":
        return _pkcs7(data)
    if kind == "pkcs12":
        return _pkcs12(data, password)
    if kind == "request":
        return Content(form, requests=(data,))
    if kind == "crl":
        return Content(form, crls=(data,))
    if kind == "ocsp":
        return Content(form, ocsp=(data,))
    if kind in {"key", "encrypted-key"}:
        return Content(form, keys=(_der_key(data, password, encrypted=kind == "encrypted-key"),))
    return _certificate(data, form)


def der_kind(data: bytes) -> str:
    """Return what a DER file begins like: certificate, request, crl, ocsp, key, encrypted-key, pkcs7 or pkcs12.

    Only containers are ever written with indefinite lengths (BER).
    """
    if data[:2] == b"\x30\x80":
        return "pkcs7" if _SIGNED_DATA_DER in data[:64] else "pkcs12" if _DATA_DER in data[:64] else ""
    try:
        parts = der.inside(data, der.items(data, 0, len(data))[0])
        first = parts[0]
        if first.tag == der.OID:
            return "pkcs7" if der.read_oid(data, first) == _SIGNED_DATA else ""
        if first.tag == der.ENUMERATED:
            return "ocsp" if len(parts) == 1 or _OCSP_BASIC in data[:64] else ""
        if first.tag == der.INTEGER:
            return _numbered(data, parts)
        fields = der.inside(data, first)
        if first.tag == der.SEQUENCE and fields and fields[0].tag == der.OID:
            return "encrypted-key" if len(parts) == 2 and parts[1].tag == der.OCTET_STRING else ""
        return _signed(data, fields)
    except (DerBroken, IndexError):
        return ""


def _numbered(data: bytes, parts: list[der.Item]) -> str:
    inner = der.inside(data, parts[1]) if len(parts) > 1 and parts[1].tag == der.SEQUENCE else []
    store = bool(inner) and inner[0].tag == der.OID and der.read_oid(data, inner[0]) in {_DATA, _SIGNED_DATA}
    return "pkcs12" if store and der.integer(data, parts[0]) == 3 else "key"


def _signed(data: bytes, fields: list[der.Item]) -> str:
    tags = [f.tag for f in fields]
    if tags[:4] == [der.INTEGER, der.SEQUENCE, der.SEQUENCE, 0xA0]:
        return "request"
    times = {der.UTC_TIME, der.GENERALIZED_TIME}
    if any(tag in times for tag in tags[2:5]):
        return "crl"
    return "certificate" if tags[:1] in ([0xA0], [der.INTEGER]) else ""


def _der_key(data: bytes, password: bytes | None, *, encrypted: bool) -> PrivateKey:
    try:
        key = load_der_private_key(data, password if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return PrivateKey(encrypted)
    return PrivateKey(
        encrypted, _public_hash(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    )


def _pkcs7(data: bytes) -> Content:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # BER is named as a future refusal; a file in BER is still a good file
            found = pkcs7.load_der_pkcs7_certificates(data)
        return Content("pkcs7", certificates=tuple(Certificate(c.public_bytes(Encoding.DER)) for c in found))
    except (ValueError, UnsupportedAlgorithm, DerBroken):
        return Content("pkcs7", unreadable=("PKCS7",))


def _pkcs12(data: bytes, password: bytes | None) -> Content:
    for attempt in (password,) if password is not None else (b"", None):
        try:
            store = pkcs12.load_pkcs12(data, attempt)
        except (ValueError, UnsupportedAlgorithm):
            continue
        found = ([store.cert] if store.cert else []) + list(store.additional_certs)
        key = store.key.public_key() if store.key else None
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if key else b""
        try:
            read = tuple(Certificate(c.certificate.public_bytes(Encoding.DER)) for c in found)
        except DerBroken:
            return Content("pkcs12", unreadable=("CERTIFICATE",))
        keys = (PrivateKey(encrypted=bool(attempt), spki_sha256=_public_hash(spki)),) if key else ()
        return Content("pkcs12", certificates=read, keys=keys, open_password=not attempt)
    if password is None:
        raise DocumentUnreadable(
            "het PKCS#12-bestand is met een wachtwoord beveiligd; geef dat met --set password=env:NAAM of password=file:BESTAND",
            "the PKCS#12 file is protected by a password; give it with --set password=env:NAME or password=file:FILE",
        )
    raise DocumentUnreadable(
        "het PKCS#12-bestand opent niet met dit wachtwoord, of het is beschadigd; controleer het wachtwoord",
        "the PKCS#12 file does not open with this password, or it is damaged; check the password",
    )
