"""Say what is wrong with a certificate that stands in an ebMS document."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import KetentestError
from harness.lint.judge import Context
from harness.lint.pki.policy import policy
from harness.model import Text
from harness.wire import certfile
from harness.wire.keyinfo import CertificateFacts, CertificateText, KeyInfo

CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
ANY_USAGE: Final = "2.5.29.37.0"
PSS: Final = "1.2.840.113549.1.1.10"
_WEAK_SIGNATURES: Final = {
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.10040.4.3": "DSA/SHA-1",
    "1.2.840.10045.4.1": "ECDSA/SHA-1",
}
PROBLEMS: Final = {
    "empty": Text("X509Certificate is leeg", "X509Certificate is empty"),
    "pem": Text("PEM-regels (-----BEGIN …) binnen X509Certificate", "PEM lines (-----BEGIN …) inside X509Certificate"),
    "base64": Text("X509Certificate is geen base64", "X509Certificate is no base64"),
    "content": Text("X509Certificate bevat geen X.509-certificaat", "X509Certificate holds no X.509 certificate"),
    "private": Text("X509Certificate bevat een privésleutel", "X509Certificate holds a private key"),
}


_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END)[A-Z0-9 ]{1,40}-----")


def armour(text: str) -> str:
    """Return the PEM line that stands in a text that should be base64, or its dashes."""
    found = _ARMOUR.search(text)
    return found[0] if found else "-----"


def problem(word: str, text: str) -> Text:
    """Return what is wrong with the text of an X509Certificate, in words."""
    if word == "base64" and "Certificate:" in text:
        return Text(
            "X509Certificate bevat de leesbare weergave van een certificaat, niet het certificaat zelf",
            "X509Certificate holds the readable rendering of a certificate, not the certificate itself",
        )
    if word == "content" and text.lstrip()[:5] in ("TUlJQ", "TUlJR", "TUlJS", "LS0tL"):
        return Text("X509Certificate is twee keer met base64 gecodeerd", "X509Certificate is encoded in base64 twice")
    return PROBLEMS[word]


def day(timestamp: float) -> str:
    """Return the date of `timestamp` as 2026-11-21."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")


def expired(facts: CertificateFacts, at: datetime) -> bool:
    """Whether the certificate is not valid at `at`: expired, or not yet begun."""
    return not facts.not_before <= at.timestamp() <= facts.not_after


def period(facts: CertificateFacts) -> str:
    """Return the validity period."""
    return f"{day(facts.not_before)} – {day(facts.not_after)}"


def serves(facts: CertificateFacts, usage: str) -> bool:
    """Whether the extended key usage allows `usage`; a certificate without the extension allows everything."""
    return facts.usages is None or usage in facts.usages or ANY_USAGE in facts.usages


def weakness(facts: CertificateFacts) -> str:
    """Return why the certificate is too weak for Digikoppeling, or an empty string."""
    if facts.signature in _WEAK_SIGNATURES:
        return _WEAK_SIGNATURES[facts.signature]
    if facts.key == "RSA" and facts.bits < 2048:
        return f"RSA {facts.bits}"
    if facts.key == "EllipticCurve" and facts.bits < 256:
        return f"EC {facts.bits}"
    return ""


def contradictions(key_info: KeyInfo) -> str:
    """Return which part of the KeyInfo belongs to another certificate than X509Certificate, or an empty string."""
    facts = [c.facts for c in key_info.certificates if c.facts]
    if not facts:
        return ""
    if any(modulus > 0 and not any(f.modulus == modulus for f in facts) for modulus, _ in key_info.key_values):
        return "KeyValue"
    if any(serial >= 0 and not any(f.serial == serial for f in facts) for serial in key_info.serials):
        return "X509IssuerSerial"
    names = [_common_name(name) for name in key_info.subjects]
    known = [f.common_name.lower() for f in facts]
    return "X509SubjectName" if any(n and n not in known for n in names) else ""


def _common_name(distinguished: str) -> str:
    for part in distinguished.replace("\\,", "\0").split(","):
        key, _, text = part.strip().partition("=")
        if key.upper() == "CN":
            return text.strip().replace("\0", ",").strip('"').lower()
    return ""


def out_of_order(texts: Iterable[CertificateText]) -> bool:
    """Whether the certificates after the first do not each issue the one before."""
    facts = [t.facts for t in texts if t.facts]
    return any(before.issuer != after.subject for before, after in pairwise(facts))


def anchored(facts: CertificateFacts, ctx: Context, between: Iterable[bytes]) -> bool:
    """Whether signatures lead from the certificate to an anchor.

    Anchors are what `--trust` gave, else the CAs that PKIoverheid published (known by their digest) among `between`.
    """
    pool = [c for data in between for c in _opened(data)]
    pins = policy().by_digest
    anchors = [c for data in ctx.trust for c in _opened(data)] or [
        c for c in pool if hashlib.sha256(c.public_bytes(Encoding.DER)).hexdigest() in pins
    ]
    current = _load(facts.der)
    for _ in range(6):
        if current is None:
            return False
        if any(current == anchor or _signed(current, anchor) for anchor in anchors):
            return True
        current = next((c for c in pool if c != current and _signed(current, c)), None)
    return False


@lru_cache(maxsize=32)
def _opened(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return every certificate in a PEM or DER file; nothing for another kind of file."""
    if b"CERTIFICATE" not in data[:65536] and data[:1] != b"0":
        return ()
    try:
        found = [_load(c.der) for c in certfile.opened(data).certificates]
    except KetentestError:
        return ()
    return tuple(c for c in found if c is not None)


def _load(data: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(data) if b"-----BEGIN" in data else x509.load_der_x509_certificate(data)
    except ValueError:
        return None


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
