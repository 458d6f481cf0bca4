"""Read a certificate to the last octet, also one that stricter libraries refuse to open.

Files with several objects are opened by `certfile`, paths are built by `certpath`, hosts are matched by `hostname`,
numbers of organisations are read by `oin`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, TypeVar

from harness.wire import der
from harness.wire.der import DerBroken, Item
from harness.wire.keys import Algorithm, PublicKey, read_algorithm, read_public_key, signature_holds

T = TypeVar("T")

SERIAL_NUMBER: Final = "2.5.4.5"
COMMON_NAME: Final = "2.5.4.3"
COUNTRY: Final = "2.5.4.6"
ORGANIZATION: Final = "2.5.4.10"
ORGANIZATIONAL_UNIT: Final = "2.5.4.11"
ORGANIZATION_IDENTIFIER: Final = "2.5.4.97"

ATTRIBUTES: Final = {
    COMMON_NAME: "CN",
    "2.5.4.4": "SN",
    SERIAL_NUMBER: "serialNumber",
    COUNTRY: "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    ORGANIZATION: "O",
    ORGANIZATIONAL_UNIT: "OU",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.65": "pseudonym",
    ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.25": "DC",
}

AKI: Final = "2.5.29.35"
SKI: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SAN: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_POINTS: Final = "2.5.29.31"
POLICIES: Final = "2.5.29.32"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
AIA: Final = "1.3.6.1.5.5.7.1.1"
QC_STATEMENTS: Final = "1.3.6.1.5.5.7.1.3"
SCT_LIST: Final = "1.3.6.1.4.1.11129.2.4.2"

SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
ANY_USAGE: Final = "2.5.29.37.0"
OCSP: Final = "1.3.6.1.5.5.7.48.1"
CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
UPN: Final = "1.3.6.1.4.1.311.20.2.3"

KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
_GENERAL_NAMES: Final = ("other", "email", "dns", "x400", "dir", "edi", "uri", "ip", "rid")


class Attribute(NamedTuple):
    """One attribute of a name: its type, the DER tag of the value, the value, and the RDN in which it stands."""

    oid: str
    tag: int
    value: str
    rdn: int

    @property
    def label(self) -> str:
        """The short name of the type (`CN`), or its number."""
        return ATTRIBUTES.get(self.oid, self.oid)

    @property
    def string_type(self) -> str:
        """The name of the ASN.1 string type (`PrintableString`)."""
        return der.STRING_TYPES.get(self.tag, f"{self.tag:#04x}")


class Name:
    """A distinguished name as it is encoded, attribute by attribute."""

    def __init__(self, data: bytes) -> None:
        self.der = data

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """Every attribute in the order of the encoding, multi-valued RDNs included."""
        data, found = self.der, []
        for number, rdn in enumerate(der.inside(data, der.one(data), der.SEQUENCE)):
            for pair in der.inside(data, rdn, der.SET):
                kind, value = der.inside(data, pair, der.SEQUENCE, 2)[:2]
                text = der.text(value.tag, der.content(data, value))
                found.append(Attribute(der.read_oid(data, kind), value.tag, text, number))
        return tuple(found)

    def all(self, oid: str) -> list[Attribute]:
        """Return every attribute of this type."""
        return [a for a in self.attributes if a.oid == oid]

    def first(self, oid: str) -> str:
        """Return the value of the first attribute of this type, or an empty string."""
        return self._first.get(oid, "")

    @cached_property
    def _first(self) -> dict[str, str]:
        return {a.oid: a.value for a in reversed(self.attributes)}

    def rdn_size(self, number: int) -> int:
        """Return how many attributes stand in RDN `number`."""
        return sum(a.rdn == number for a in self.attributes)

    @cached_property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What two names must share to be the same name: types and values, case and blanks folded (RFC 5280 7.1)."""
        return tuple(sorted((a.oid, " ".join(a.value.casefold().split())) for a in self.attributes))

    def __str__(self) -> str:
        return ", ".join(f"{a.label}={a.value}" for a in self.attributes)

    @property
    def short(self) -> str:
        """The common name, else the organisation, else the whole name: what a reader calls this party."""
        return self.first(COMMON_NAME) or self.first(ORGANIZATION) or str(self) or "(leeg)"


@lru_cache(maxsize=64)
def issuer_name(data: bytes) -> Name:
    """Return the name of an issuer, the same object for every certificate of that CA."""
    return Name(data)


class GeneralName(NamedTuple):
    """One alternative name: its kind (`dns`, `ip`, `other` …), the octets, and the text or the type of an otherName."""

    kind: str
    value: bytes
    text: str

    @property
    def string(self) -> str:
        """The character string inside an otherName, or the text of the name itself."""
        if self.kind != "other":
            return self.text
        try:
            inner = der.one(self.value)
        except DerBroken:
            return ""
        return der.text(inner.tag, der.content(self.value, inner))


class Extension(NamedTuple):
    """One extension: whether it is critical, and its value."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class AuthorityKey:
    """Whose key signed, as the authorityKeyIdentifier says."""

    key_id: bytes | None
    issuer: bool
    serial: bool


class Extensions:
    """The extensions of a certificate or a request; what cannot be decoded is listed in `malformed`."""

    def __init__(self, data: bytes, item: Item | None) -> None:
        self.malformed: set[str] = set()
        self.all: list[Extension] = []
        for one in der.inside(data, item, der.SEQUENCE) if item else ():
            parts = der.inside(data, one, der.SEQUENCE)
            if len(parts) not in {2, 3} or parts[-1].tag != der.OCTET_STRING:
                raise DerBroken("extension")
            critical = len(parts) == 3 and der.boolean(data, parts[1])
            self.all.append(Extension(der.read_oid(data, parts[0]), critical, der.content(data, parts[-1])))
        self.by_oid = {e.oid: e for e in reversed(self.all)}

    @cached_property
    def repeated(self) -> list[str]:
        """The extensions that occur more than once."""
        seen = [e.oid for e in self.all]
        return sorted({oid for oid in seen if seen.count(oid) > 1}) if len(seen) != len(self.by_oid) else []

    def critical(self, oid: str) -> bool:
        """Whether the extension is there and critical."""
        return oid in self.by_oid and self.by_oid[oid].critical

    def decode(self, oid: str, reader: Callable[[bytes], T]) -> T | None:
        """Return the decoded extension; None when it is absent or malformed."""
        extension = self.by_oid.get(oid)
        if extension is None:
            return None
        try:
            return reader(extension.value)
        except (DerBroken, ValueError, IndexError):
            self.malformed.add(oid)
            return None


#: The certificates of one TSP share these extensions to the letter.
_remembered = lru_cache(maxsize=64)


@_remembered
def _key_usage(value: bytes) -> frozenset[str]:
    return frozenset(KEY_USAGES[n] for n in der.bit_numbers(value, der.one(value)) if n < len(KEY_USAGES))


@_remembered
def _oids(value: bytes) -> tuple[str, ...]:
    found = tuple(der.read_oid(value, item) for item in der.inside(value, der.one(value), der.SEQUENCE))
    if not found:
        raise DerBroken("empty list")
    return found


@_remembered
def _policies(value: bytes) -> tuple[str, ...]:
    outer = der.inside(value, der.one(value), der.SEQUENCE)
    return tuple(der.read_oid(value, der.inside(value, item, der.SEQUENCE, 1)[0]) for item in outer)


@_remembered
def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    parts = der.inside(value, der.one(value), der.SEQUENCE)
    ca = bool(parts) and parts[0].tag == der.BOOLEAN and der.boolean(value, parts[0])
    length = next((der.integer(value, p) for p in parts if p.tag == der.INTEGER), None)
    return ca, length


def general_name(data: bytes, item: Item) -> GeneralName:
    """Return one GeneralName; raises DerBroken for a tag that does not exist."""
    number = item.tag & 0x1F
    if item.tag & 0xC0 != 0x80 or number >= len(_GENERAL_NAMES):
        raise DerBroken("general name")
    kind, value = _GENERAL_NAMES[number], der.content(data, item)
    if kind == "other":
        oid, inner = der.inside(data, item, least=2)[:2]
        return GeneralName(kind, der.content(data, inner), der.read_oid(data, oid))
    if kind == "ip":
        return GeneralName(kind, value, _address(value))
    if kind == "dir":
        return GeneralName(kind, value, str(Name(value)))
    return GeneralName(kind, value, value.decode("latin-1"))


def _address(value: bytes) -> str:
    import ipaddress

    return str(ipaddress.ip_address(value)) if len(value) in {4, 16} else value.hex()


def _san(value: bytes) -> tuple[GeneralName, ...]:
    names = tuple(general_name(value, item) for item in der.inside(value, der.one(value), der.SEQUENCE))
    if not names:
        raise DerBroken("empty list")
    return names


def _octets(value: bytes) -> bytes:
    item = der.one(value)
    if item.tag != der.OCTET_STRING:
        raise DerBroken("octet string")
    return der.content(value, item)


@_remembered
def read_authority_key(value: bytes) -> AuthorityKey:
    """Return the authorityKeyIdentifier of a certificate or a CRL."""
    parts = {p.tag & 0x1F: p for p in der.inside(value, der.one(value), der.SEQUENCE)}
    return AuthorityKey(der.content(value, parts[0]) if 0 in parts else None, 1 in parts, 2 in parts)


@_remembered
def _crl_urls(value: bytes) -> tuple[str, ...]:
    urls = []
    for point in der.inside(value, der.one(value), der.SEQUENCE):
        for field in der.inside(value, point, der.SEQUENCE):
            for full in der.inside(value, field) if field.tag == 0xA0 else ():
                names = der.inside(value, full) if full.tag == 0xA0 else ()
                urls += [der.content(value, n).decode("latin-1") for n in names if n.tag == 0x86]
    return tuple(urls)


@_remembered
def _access(value: bytes) -> tuple[tuple[str, str], ...]:
    found = []
    for one in der.inside(value, der.one(value), der.SEQUENCE):
        method, place = der.inside(value, one, der.SEQUENCE, 2)[:2]
        found.append((der.read_oid(value, method), general_name(value, place).text))
    return tuple(found)


def _statements(value: bytes) -> tuple[str, ...]:
    return _policies(value)


def _timestamps(value: bytes) -> int:
    data = _octets(value)
    count, place = 0, 2
    while place + 2 <= len(data):
        place += 2 + int.from_bytes(data[place : place + 2], "big")
        count += 1
    return count


class Described:
    """What a certificate and a request have in common: a subject, a key and extensions."""

    subject: Name
    extensions: Extensions
    spki: bytes

    @cached_property
    def key(self) -> PublicKey:
        """The public key, read without a library."""
        return read_public_key(self.spki)

    @cached_property
    def spki_sha256(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo in hex: the same for every certificate on one key pair."""
        return hashlib.sha256(self.spki).hexdigest()

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """The key usages by name (`digitalSignature`), or None without a readable extension."""
        return self.extensions.decode(KEY_USAGE, _key_usage)

    @cached_property
    def extended_usage(self) -> tuple[str, ...] | None:
        """The extended key usages as numbers, or None without a readable extension."""
        return self.extensions.decode(EXTENDED_KEY_USAGE, _oids)

    @cached_property
    def names(self) -> tuple[GeneralName, ...]:
        """The alternative names in their order."""
        return self.extensions.decode(SAN, _san) or ()

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The dNSNames to the letter, also when they are no host names."""
        return tuple(n.text for n in self.names if n.kind == "dns")

    @property
    def addresses(self) -> tuple[bytes, ...]:
        """The iPAddresses, packed."""
        return tuple(n.value for n in self.names if n.kind == "ip")

    @cached_property
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """Whether the subject is a CA, and its pathLen; None without a readable extension."""
        return self.extensions.decode(BASIC_CONSTRAINTS, _basic_constraints)

    @property
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

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the whole certificate in hex: the pin."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def algorithm(self) -> Algorithm:
        """The signature algorithm inside the signed part."""
        return read_algorithm(der.raw(self.der, self._inner))

    @property
    def algorithms_agree(self) -> bool:
        """Whether the signature algorithm is the same inside and outside the signed part."""
        return der.raw(self.der, self._inner) == der.raw(self.der, self._outer)

    @cached_property
    def outer_algorithm(self) -> Algorithm:
        """The signature algorithm beside the signature."""
        return read_algorithm(der.raw(self.der, self._outer))

    @cached_property
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

    @cached_property
    def ski(self) -> bytes | None:
        """The subject key identifier."""
        return self.extensions.decode(SKI, _octets)

    @cached_property
    def aki(self) -> AuthorityKey | None:
        """The authority key identifier."""
        return self.extensions.decode(AKI, read_authority_key)

    @cached_property
    def policies(self) -> tuple[str, ...]:
        """The certificate policies as numbers."""
        return self.extensions.decode(POLICIES, _policies) or ()

    @cached_property
    def crl_urls(self) -> tuple[str, ...]:
        """The URLs of the CRL distribution points."""
        return self.extensions.decode(CRL_POINTS, _crl_urls) or ()

    @cached_property
    def access(self) -> tuple[tuple[str, str], ...]:
        """The methods and places of authorityInfoAccess."""
        return self.extensions.decode(AIA, _access) or ()

    @property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Where the status of this certificate can be asked."""
        return tuple(url for method, url in self.access if method == OCSP)

    @property
    def issuer_urls(self) -> tuple[str, ...]:
        """Where the certificate of the issuer can be fetched."""
        return tuple(url for method, url in self.access if method == CA_ISSUERS)

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The QC statements as numbers."""
        return self.extensions.decode(QC_STATEMENTS, _statements) or ()

    @cached_property
    def timestamps(self) -> int:
        """How many signed certificate timestamps are embedded."""
        return self.extensions.decode(SCT_LIST, _timestamps) or 0

    @cached_property
    def unreadable(self) -> tuple[str, ...]:
        """The known extensions that are there and do not decode."""
        _ = (
            self.key_usage, self.extended_usage, self.names, self.basic_constraints,
            self.policies, self.crl_urls, self.access, self.ski, self.aki,
        )  # fmt: skip
        return tuple(sorted(self.extensions.malformed))

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints say that the subject is a CA."""
        return self.basic_constraints is not None and self.basic_constraints[0]

    @cached_property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject.der == self.issuer.der or self.subject.key == self.issuer.key

    @cached_property
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
        return datetime.fromisoformat(f"{text[:8]}T{text[8:14]}+00:00").astimezone(UTC)
    except ValueError:
        return None
