"""Read a certificate to the last octet, also one that stricter libraries refuse to open.

Files with several objects are opened by `certfile`, paths are built by `certpath`, hosts are matched by `hostname`,
numbers of organisations are read by `oin`.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final

from harness.wire import der
from harness.wire.der import DerBroken
from harness.wire.distinguished import SERIAL_NUMBER, Name, issuer_name
from harness.wire.extensions import (
    AIA,
    AKI,
    BASIC_CONSTRAINTS,
    CRL_POINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    POLICIES,
    QC_STATEMENTS,
    SAN,
    SCT_LIST,
    SKI,
    AuthorityKey,
    Extensions,
    GeneralName,
    read_access,
    read_authority_key,
    read_basic_constraints,
    read_crl_urls,
    read_key_usage,
    read_names,
    read_octets,
    read_oids,
    read_policies,
    read_timestamps,
)
from harness.wire.keys import Algorithm, PublicKey, read_algorithm, read_public_key, signature_holds
from harness.wire.lazy import lazy

__all__ = [
    "ANY_USAGE", "CA_ISSUERS", "CLIENT_AUTH", "OCSP", "OCSP_SIGNING", "SERVER_AUTH", "UPN",
    "Certificate", "Described", "Name", "moment", "signed_by",
]  # fmt: skip

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
ANY_USAGE: Final = "2.5.29.37.0"
OCSP: Final = "1.3.6.1.5.5.7.48.1"
CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
UPN: Final = "1.3.6.1.4.1.311.20.2.3"


class Described:
    """What a certificate and a request have in common: a subject, a key and extensions."""

    subject: Name
    extensions: Extensions
    spki: bytes

    @lazy
    def key(self) -> PublicKey:
        """The public key, read without a library."""
        return read_public_key(self.spki)

    @lazy
    def spki_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo in hex: the same for every certificate on one key pair."""
        return hashlib.sha256(self.spki).hexdigest()

    @lazy
    def key_usage(self) -> frozenset[str] | None:
        """The key usages by name (`digitalSignature`), or None without a readable extension."""
        return self.extensions.decode(KEY_USAGE, read_key_usage)

    @lazy
    def extended_usage(self) -> tuple[str, ...] | None:
        """The extended key usages as numbers, or None without a readable extension."""
        return self.extensions.decode(EXTENDED_KEY_USAGE, read_oids)

    @lazy
    def names(self) -> tuple[GeneralName, ...]:
        """The alternative names in their order."""
        return self.extensions.decode(SAN, read_names) or ()

    @lazy
    def dns_names(self) -> tuple[str, ...]:
        """The dNSNames to the letter, also when they are no host names."""
        return tuple(n.text for n in self.names if n.kind == "dns")

    @lazy
    def addresses(self) -> tuple[bytes, ...]:
        """The iPAddresses, packed."""
        return tuple(n.value for n in self.names if n.kind == "ip")

    @lazy
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """Whether the subject is a CA, and its pathLen; None without a readable extension."""
        return self.extensions.decode(BASIC_CONSTRAINTS, read_basic_constraints)

    @lazy
    def oin(self) -> str:
        """The first serialNumber of the subject (2.5.4.5) to the letter, or an empty string."""
        return self.subject.first(SERIAL_NUMBER)


class Certificate(Described):
    """One X.509 certificate; raises DerBroken when the outline cannot be read.

    Names, extensions and key are decoded when they are asked for; `extensions.malformed` names what did not decode.
    """

    def __init__(self, data: bytes) -> None:
        outer = der.items(data, 0, len(data))
        if len(outer) != 1 or outer[0].tag != der.SEQUENCE:
            raise DerBroken("certificate")
        parts = der.inside(data, outer[0])
        if [p.tag for p in parts] != [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
            raise DerBroken("certificate")
        fields = der.inside(data, parts[0])
        self.der = data
        self.version = 1
        if fields and fields[0].tag == 0xA0:
            self.version = der.integer(data, der.one(data, fields[0].body, fields[0].end)) + 1
            fields = fields[1:]
        if len(fields) < 6:
            raise DerBroken("certificate")
        self.serial = der.integer(data, fields[0])
        self.serial_octets = der.content(data, fields[0])
        self._inner, self._outer = fields[1], parts[1]
        self.issuer, self.subject = issuer_name(der.raw(data, fields[2])), Name(der.raw(data, fields[4]))
        self._validity = fields[3]
        self.spki = der.raw(data, fields[5])
        wrapped = next((f for f in fields[6:] if f.tag == 0xA3), None)
        self.extensions = Extensions(data, der.one(data, wrapped.body, wrapped.end) if wrapped else None)
        self.tbs = der.raw(data, parts[0])
        self.signature = der.bits(data, parts[2])
        _ = self.subject.attributes, self.issuer.attributes, self.key, self.algorithm, self.outer_algorithm

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate {self.subject.short!r} by {self.issuer.short!r}>"

    @lazy
    def sha256(self) -> str:
        """SHA-256 of the whole certificate in hex: the pin."""
        return hashlib.sha256(self.der).hexdigest()

    @lazy
    def algorithm(self) -> Algorithm:
        """The signature algorithm inside the signed part."""
        return read_algorithm(der.raw(self.der, self._inner))

    @property
    def algorithms_agree(self) -> bool:
        """Whether the signature algorithm is the same inside and outside the signed part."""
        return der.raw(self.der, self._inner) == der.raw(self.der, self._outer)

    @lazy
    def outer_algorithm(self) -> Algorithm:
        """The signature algorithm beside the signature."""
        return read_algorithm(der.raw(self.der, self._outer))

    @lazy
    def _dates(self) -> tuple[datetime | None, datetime | None]:
        try:
            items = der.inside(self.der, self._validity)
        except DerBroken:
            return (None, None)
        moments = [moment(i.tag, der.content(self.der, i)) for i in items[:2]]
        return (moments[0], moments[1]) if len(moments) == 2 else (None, None)

    @property
    def not_before(self) -> datetime | None:
        """The first moment of validity, or None when the date cannot be read."""
        return self._dates[0]

    @property
    def not_after(self) -> datetime | None:
        """The last moment of validity, or None when the date cannot be read."""
        return self._dates[1]

    def valid_at(self, at: datetime) -> bool:
        """Whether `at` lies within the validity."""
        first, last = self._dates
        return first is not None and last is not None and first <= at <= last

    @lazy
    def ski(self) -> bytes | None:
        """The subject key identifier."""
        return self.extensions.decode(SKI, read_octets)

    @lazy
    def aki(self) -> AuthorityKey | None:
        """The authority key identifier."""
        return self.extensions.decode(AKI, read_authority_key)

    @lazy
    def policies(self) -> tuple[str, ...]:
        """The certificate policies as numbers."""
        return self.extensions.decode(POLICIES, read_policies) or ()

    @lazy
    def crl_urls(self) -> tuple[str, ...]:
        """The URLs of the CRL distribution points."""
        return self.extensions.decode(CRL_POINTS, read_crl_urls) or ()

    @lazy
    def crl_schemes(self) -> frozenset[str]:
        """The schemes of those URLs (`http`, `ldap`)."""
        return frozenset(url.partition(":")[0].lower() for url in self.crl_urls)

    @lazy
    def access(self) -> tuple[tuple[str, str], ...]:
        """The methods and places of authorityInfoAccess."""
        return self.extensions.decode(AIA, read_access) or ()

    @property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Where the status of this certificate can be asked."""
        return tuple(url for method, url in self.access if method == OCSP)

    @property
    def issuer_urls(self) -> tuple[str, ...]:
        """Where the certificate of the issuer can be fetched."""
        return tuple(url for method, url in self.access if method == CA_ISSUERS)

    @lazy
    def statements(self) -> tuple[str, ...]:
        """The QC statements as numbers."""
        return self.extensions.decode(QC_STATEMENTS, read_policies) or ()

    @lazy
    def timestamps(self) -> int:
        """How many signed certificate timestamps are embedded."""
        return self.extensions.decode(SCT_LIST, read_timestamps) or 0

    @lazy
    def unreadable(self) -> tuple[str, ...]:
        """The known extensions that are there and do not decode."""
        _ = (
            self.key_usage, self.extended_usage, self.names, self.basic_constraints,
            self.policies, self.crl_urls, self.access, self.ski, self.aki,
        )  # fmt: skip
        return tuple(sorted(self.extensions.malformed))

    @lazy
    def is_ca(self) -> bool:
        """Whether basicConstraints say that the subject is a CA."""
        return self.basic_constraints is not None and self.basic_constraints[0]

    @lazy
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject.der == self.issuer.der or self.subject.key == self.issuer.key

    @lazy
    def self_signed(self) -> bool:
        """Whether the certificate's own key made its signature."""
        return self.self_issued and signed_by(self, self)


def signed_by(child: Certificate, issuer: Described) -> bool:
    """Whether the key of `issuer` made the signature of `child` (RSA PKCS#1 and PSS, ECDSA, EdDSA, DSA)."""
    return signature_holds(issuer.key, child.outer_algorithm, child.signature, child.tbs)


def moment(tag: int, value: bytes) -> datetime | None:
    """Return the moment of a UTCTime or GeneralizedTime in UTC, or None when it is not in the form of RFC 5280."""
    text = value.decode("latin-1")
    if not text.endswith("Z") or not text[:-1].isascii() or not text[:-1].isdigit():
        return None
    if tag == der.UTC_TIME and len(text) == 13:
        text = ("19" if text[0] >= "5" else "20") + text
    elif tag != der.GENERALIZED_TIME or len(text) != 15:
        return None
    try:
        return datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:14]), 0, UTC
        )
    except ValueError:
        return None
