"""The certificate in a KeyDescriptor: what the rules ask of it, read once and without trust."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_UZI: Final = "2.5.5.5"
_SERIAL_OID: Final = b"\x06\x03\x55\x04\x05"
_PLAIN_STRINGS: Final = (0x0C, 0x13, 0x16)  # UTF8String, PrintableString, IA5String
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.UnsupportedGeneralNameType,
    x509.DuplicateExtension,
)


@dataclass(frozen=True)
class KeyCertificate:
    """A certificate as the interface reads it: fingerprints, OIN, validity, key, usage."""

    der: bytes
    certificate: x509.Certificate
    sha1: str
    sha256: str
    oin: str
    uzi_register: str
    not_before: datetime
    not_after: datetime
    rsa_bits: int
    hash_name: str
    digital_signature: bool | None
    key_encipherment: bool | None
    extended: frozenset[str] | None
    policies: tuple[str, ...]

    @cached_property
    def public_key(self) -> RSAPublicKey | None:
        """The RSA key, or None for any other kind."""
        key = self.certificate.public_key()
        return key if isinstance(key, RSAPublicKey) else None

    @property
    def issuer(self) -> str:
        """Who issued it, for the reader; a damaged name is no reason to stop."""
        try:
            return self.certificate.issuer.rfc4514_string()[:200]
        except ValueError:
            return "—"

    @property
    def subject(self) -> bytes:
        """The subject as it is encoded."""
        start, end = _subject(self.der)
        return self.der[start:end]

    @property
    def client_auth(self) -> bool:
        """Whether the certificate says that it serves as a TLS client."""
        return bool(self.extended and ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string in self.extended)

    def valid_at(self, at: datetime) -> bool:
        """Whether `at` lies in the period of validity."""
        return self.not_before <= at <= self.not_after


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of base64 text with line breaks, or None when it is something else."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def read_certificate(der: bytes) -> KeyCertificate | None:
    """Return the facts of a DER certificate, or None when it is not one.

    cryptography parses late, so everything the rules use is touched here: a damaged certificate must not
    break a rule afterwards.
    """
    try:
        return _read(der)
    except (*_UNREADABLE, IndexError):
        return None


def _read(der: bytes) -> KeyCertificate:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    hashed = certificate.signature_hash_algorithm
    usage: x509.KeyUsage | None = None
    extended: frozenset[str] | None = None
    policies: tuple[str, ...] = ()
    register = ""
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage):
            usage = value
        elif isinstance(value, x509.ExtendedKeyUsage):
            extended = frozenset(o.dotted_string for o in value)
        elif isinstance(value, x509.CertificatePolicies):
            policies = tuple(p.policy_identifier.dotted_string for p in value)
        elif isinstance(value, x509.SubjectAlternativeName):
            register = _uzi_register(value)
    return KeyCertificate(
        der=der,
        certificate=certificate,
        sha1=hashlib.sha1(der).hexdigest(),
        sha256=hashlib.sha256(der).hexdigest(),
        oin=f"00000009{register}0000" if register else _serial_number(certificate, der),
        uzi_register=register,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        rsa_bits=key.key_size if isinstance(key, RSAPublicKey) else 0,
        hash_name=hashed.name if hashed else "",
        digital_signature=usage.digital_signature if usage else None,
        key_encipherment=usage.key_encipherment if usage else None,
        extended=extended,
        policies=policies,
    )


def _serial_number(certificate: x509.Certificate, der: bytes) -> str:
    """Return the subject's serialNumber; read from the bytes, since names are the slowest part of a certificate."""
    start, end = _subject(der)
    at = der.find(_SERIAL_OID, start, end)
    if at < 0:
        return ""
    value = at + len(_SERIAL_OID)
    if der[value] not in _PLAIN_STRINGS or der[value + 1] >= 0x80:
        found = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        return str(found[0].value) if found else ""
    return der[value + 2 : value + 2 + der[value + 1]].decode("utf-8", "replace")


def _subject(der: bytes) -> tuple[int, int]:
    """Return where the subject of a well-formed certificate begins and ends."""
    at = _content(der, _content(der, 0)[0])[0]
    if der[at] == 0xA0:
        at = _content(der, at)[1]
    for _ in range(4):  # serial number, algorithm, issuer, validity
        at = _content(der, at)[1]
    return _content(der, at)


def _content(der: bytes, at: int) -> tuple[int, int]:
    length = der[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    wide = length & 0x7F
    size = int.from_bytes(der[at + 2 : at + 2 + wide], "big")
    return at + 2 + wide, at + 2 + wide + size


def _uzi_register(names: x509.SubjectAlternativeName) -> str:
    """Return the URA of a UZI server certificate: the fifth field of its otherName."""
    for name in names:
        if isinstance(name, x509.OtherName) and name.type_id.dotted_string == _UZI:
            fields = _der_text(name.value).split("-")
            if len(fields) >= 7:
                return fields[4]
    return ""


def _der_text(value: bytes) -> str:
    """Return the characters of one short DER string."""
    if len(value) < 2 or value[1] >= 0x80:
        value = value[1:]
    return value[2:].decode("utf-8", "replace")


class Trust:
    """The anchors that the user gave and the intermediates beside them; answers where a chain stops."""

    def __init__(self, anchors: Iterable[bytes], intermediates: Iterable[bytes] = ()) -> None:
        self.anchors = tuple(c for data in anchors for c in load_certificates(data))
        self.intermediates = tuple(c for data in intermediates for c in load_certificates(data))

    def chains(self, certificate: x509.Certificate, depth: int = 6) -> bool:
        """Whether a path of signatures leads from `certificate` to an anchor."""
        if certificate in self.anchors or any(_issued(certificate, a) for a in self.anchors):
            return True
        if depth == 0:
            return False
        return any(
            _issued(certificate, between) and self.chains(between, depth - 1)
            for between in self.intermediates
            if between != certificate
        )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def load_certificates(data: bytes) -> list[x509.Certificate]:
    """Return the certificates in PEM (any number) or DER bytes; what is none is left out."""
    blocks = _PEM.findall(data)
    try:
        if blocks:
            return [x509.load_pem_x509_certificate(block) for block in blocks]
        return [x509.load_der_x509_certificate(data)]
    except ValueError:
        return []


def der_of(certificate: x509.Certificate) -> bytes:
    """Return the DER bytes of `certificate`."""
    return certificate.public_bytes(serialization.Encoding.DER)
