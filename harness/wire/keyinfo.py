"""Read the certificates in a `ds:KeyInfo`, whatever shape a person or a tool gave them."""

import base64
import binascii
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from cryptography.x509.oid import NameOID
from lxml import etree

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_PRIVATE_PARTS: Final = ("D", "P", "Q", "DP", "DQ", "InverseQ", "X", "PrivateKey")


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What the rules on documents ask of one certificate; `None` where it does not say."""

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    serial: int
    oin: str
    not_before: float
    not_after: float
    names: tuple[str, ...]
    common_name: str
    usages: tuple[str, ...] | None
    is_ca: bool
    signature: str
    key: str
    bits: int
    modulus: int
    exponent: int


@dataclass(frozen=True, slots=True)
class CertificateText:
    """One X509Certificate element: its DER and facts, or what is wrong with its text.

    `problem` is empty, `empty`, `pem`, `base64`, `private` (a key instead of a certificate) or `content`.
    """

    node: etree._Element = field(repr=False, compare=False)
    der: bytes = field(repr=False)
    problem: str = ""

    @property
    def facts(self) -> CertificateFacts | None:
        """The facts of the certificate, or None when there is no readable certificate."""
        return facts_of(self.der) if self.der else None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A `ds:KeyInfo`: its certificates in order, and what it says about them besides."""

    node: etree._Element = field(repr=False, compare=False)
    certificates: tuple[CertificateText, ...]
    key_values: tuple[tuple[int, int], ...] = ()
    serials: tuple[int, ...] = ()
    subjects: tuple[str, ...] = ()

    @property
    def line(self) -> int | None:
        """The line of the element (1-based)."""
        return self.node.sourceline

    @property
    def leaf(self) -> CertificateText | None:
        """The first certificate, which should be the one of the party itself."""
        return self.certificates[0] if self.certificates else None

    @property
    def der(self) -> bytes:
        """The DER of the first certificate, or empty bytes."""
        return self.certificates[0].der if self.certificates else b""

    @property
    def facts(self) -> CertificateFacts | None:
        """The facts of the first certificate that can be read."""
        return next((c.facts for c in self.certificates if c.facts), None)


def read(node: etree._Element) -> KeyInfo:
    """Return what the `ds:KeyInfo` element `node` holds."""
    return KeyInfo(
        node,
        tuple(_certificate(e) for e in node.iterfind(f"{{{DS}}}X509Data/{{{DS}}}X509Certificate")),
        tuple(_key_value(e) for e in node.iter(f"{{{DS}}}RSAKeyValue")),
        tuple(_integer(e.text) for e in node.iter(f"{{{DS}}}X509SerialNumber")),
        tuple((e.text or "").strip() for e in node.iter(f"{{{DS}}}X509SubjectName")),
    )


def key_material(node: etree._Element) -> etree._Element | None:
    """Return the first element under `node` that carries private key material, never its value."""
    for element in node.iter("{*}RSAKeyValue", "{*}RSAKeyPair", "{*}ECKeyValue", f"{{{DS}}}X509Certificate"):
        if element.tag == f"{{{DS}}}X509Certificate":
            if _certificate(element).problem == "private":
                return element
            continue
        for part in element:
            if (
                isinstance(part.tag, str)
                and etree.QName(part).localname in _PRIVATE_PARTS
                and (part.text or "").strip()
            ):
                return part
    return None


def decoded(text: str) -> bytes | None:
    """Return the bytes of strict base64 (white space allowed), or None."""
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None


def _certificate(node: etree._Element) -> CertificateText:
    text = "".join(t for t in node.itertext() if isinstance(t, str)) if len(node) else (node.text or "")
    return CertificateText(node, *(_classified(text) if len(text) < _USUAL else _classify(text)))


def _classify(text: str) -> tuple[bytes, str]:
    """Return the DER in `text`, or what is wrong with it."""
    if not text.strip():
        return b"", "empty"
    if "-----" in text:
        return b"", "pem"
    der = decoded(text)
    if der is None:
        return b"", "base64"
    if facts_of(der) is not None:
        return der, ""
    return b"", "private" if _is_private(der) else "content"


_USUAL: Final = 20_000
_classified = lru_cache(maxsize=128)(_classify)  # one certificate stands four times in a usual CPA


def _is_private(der: bytes) -> bool:
    try:
        load_der_private_key(der, password=None)
    except TypeError:
        return True
    except Exception:  # noqa: BLE001 - anything else is no private key that can be used
        return False
    return True


def _integer(text: str | None) -> int:
    stripped = (text or "").strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 100 else -1


def _key_value(node: etree._Element) -> tuple[int, int]:
    def number(name: str) -> int:
        raw = decoded(node.findtext(f"{{{DS}}}{name}") or "")
        return int.from_bytes(raw, "big") if raw else -1

    return number("Modulus"), number("Exponent")


@lru_cache(maxsize=512)
def facts_of(der: bytes) -> CertificateFacts | None:
    """Return the facts of a DER certificate, or None when it is none."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return _facts(der, certificate)
    except Exception:  # noqa: BLE001 - whatever a hostile certificate does, it is not readable
        return None


def _facts(der: bytes, certificate: x509.Certificate) -> CertificateFacts:
    key = certificate.public_key()
    numbers = key.public_numbers() if isinstance(key, rsa.RSAPublicKey) else None
    oins = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return CertificateFacts(
        der,
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.serial_number,
        str(oins[0].value) if oins else "",
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        _dns_names(certificate),
        str(names[0].value) if names else "",
        _usages(certificate),
        _is_ca(certificate),
        certificate.signature_algorithm_oid.dotted_string,
        type(key).__name__.removesuffix("PublicKey"),
        getattr(key, "key_size", 0),
        numbers.n if numbers else 0,
        numbers.e if numbers else 0,
    )


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _usages(certificate: x509.Certificate) -> tuple[str, ...] | None:
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if not isinstance(usages, x509.ExtendedKeyUsage):
        return None
    return tuple(usage.dotted_string for usage in usages)


def _is_ca(certificate: x509.Certificate) -> bool:
    basic = _extension(certificate, x509.BasicConstraints)
    return isinstance(basic, x509.BasicConstraints) and bool(basic.ca)
