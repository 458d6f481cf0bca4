"""Whether a signing certificate may sign and leads to a trusted root at a moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.model import NOTHING, Text
from harness.wire.certpath import build_path
from harness.wire.der import DerBroken
from harness.wire.x509 import Certificate

_SIGNING_USES: Final = frozenset(
    {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # document signing
        x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
    }
)


UNREADABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises over a certificate or CRL that it cannot decode."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether a certificate leads to a trusted root, over which path, and if not why not."""

    holds: bool
    path: tuple[x509.Certificate, ...]
    reason: Text = NOTHING


def load(blobs: Iterable[bytes]) -> list[x509.Certificate]:
    """Return every certificate in `blobs` (PEM with one or more, or DER); what is no certificate is left out."""
    return [certificate for blob in blobs for certificate in _certificates(blob)]


@lru_cache(maxsize=256)
def _certificates(blob: bytes) -> tuple[x509.Certificate, ...]:
    """The same roots and intermediates go with every message of a run, so they are read once."""
    try:
        if b"-----BEGIN CERTIFICATE-----" in blob:
            return tuple(sound(certificate) for certificate in x509.load_pem_x509_certificates(blob))
        return (sound(x509.load_der_x509_certificate(blob)),) if blob[:1] == b"\x30" else ()
    except UNREADABLE:
        return ()


def sound(certificate: x509.Certificate) -> x509.Certificate:
    """Return the certificate when its names and dates can be read: they are only decoded when asked for.

    Raises one of UNREADABLE otherwise.
    """
    _ = certificate.subject, certificate.issuer
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.signature_algorithm_oid
    return certificate


def oin_of(certificate: x509.Certificate) -> str:
    """Return the subject attribute serialNumber, where PKIoverheid keeps the OIN (never the certificate's serial)."""
    values = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    return str(values[0].value) if values else ""


def name_of(certificate: x509.Certificate) -> str:
    """Return the common name of the subject, or the whole subject."""
    values = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else certificate.subject.rfc4514_string()


def trust(
    leaf: x509.Certificate,
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> Trust:
    """Return the path from `leaf` to one of `anchors` that is valid at `at`."""
    if leaf in anchors:
        return Trust(True, (leaf,))
    unfit = _unfit(leaf)
    if unfit is not NOTHING:
        return Trust(False, (leaf,), unfit)
    known = {certificate.public_bytes(Encoding.DER): certificate for certificate in (leaf, *between, *anchors)}
    try:
        found = build_path(_read(leaf), [_read(c) for c in between], [_read(c) for c in anchors], at)
    except DerBroken:
        return Trust(False, (leaf,), Text("het certificaat is niet te lezen", "the certificate cannot be read"))
    path = tuple(known[certificate.der] for certificate in found.certificates)
    if not found.complete:
        issuer = found.missing.short if found.missing else path[-1].issuer.rfc4514_string()
        return Trust(
            False, path, Text(f"geen vertrouwde uitgever gevonden: {issuer}", f"no trusted issuer found: {issuer}")
        )
    outside = next((c for c in path if not c.not_valid_before_utc <= at <= c.not_valid_after_utc), None)
    return Trust(outside is None, path, NOTHING if outside is None else _outside(outside, at))


@lru_cache(maxsize=256)
def _read(certificate: x509.Certificate) -> Certificate:
    return Certificate(certificate.public_bytes(Encoding.DER))


def _unfit(leaf: x509.Certificate) -> Text:
    try:
        extensions = leaf.extensions
    except UNREADABLE as wrong:
        return Text(f"extensies van het certificaat zijn onleesbaar ({wrong})", f"unreadable extensions ({wrong})")
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not (value.digital_signature or value.content_commitment):
            return Text("keyUsage staat geen handtekening toe", "keyUsage allows no signature")
        if isinstance(value, x509.ExtendedKeyUsage) and not _SIGNING_USES & set(value):
            return Text(
                "extendedKeyUsage kent geen gebruik voor ondertekening", "extendedKeyUsage names no use for signing"
            )
    return NOTHING


def _outside(certificate: x509.Certificate, at: datetime) -> Text:
    name = name_of(certificate)
    if at < certificate.not_valid_before_utc:
        since = certificate.not_valid_before_utc.date().isoformat()
        return Text(f"{name} is pas geldig vanaf {since}", f"{name} is valid from {since} only")
    until = certificate.not_valid_after_utc.date().isoformat()
    return Text(f"{name} is verlopen op {until}", f"{name} expired on {until}")
