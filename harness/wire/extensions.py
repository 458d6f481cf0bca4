"""Decode the extensions of certificates, requests and CRLs; what does not decode is listed, not raised."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from harness.wire import der
from harness.wire.der import DerBroken, Item
from harness.wire.distinguished import Name
from harness.wire.lazy import lazy

T = TypeVar("T")

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


@lru_cache(maxsize=256)
def read_extension(encoded: bytes) -> Extension:
    """Return one extension; raises DerBroken when it is none."""
    parts = der.inside(encoded, der.one(encoded), der.SEQUENCE)
    if len(parts) not in {2, 3} or parts[-1].tag != der.OCTET_STRING:
        raise DerBroken("extension")
    critical = len(parts) == 3 and der.boolean(encoded, parts[1])
    return Extension(der.read_oid(encoded, parts[0]), critical, der.content(encoded, parts[-1]))


class Extensions:
    """The extensions of a certificate or a request; what cannot be decoded is listed in `malformed`."""

    def __init__(self, data: bytes, item: Item | None) -> None:
        self.malformed: set[str] = set()
        found = der.inside(data, item, der.SEQUENCE) if item else ()
        self.all = [read_extension(data[one.start : one.end]) for one in found]
        self.by_oid = {e.oid: e for e in reversed(self.all)}

    @lazy
    def repeated(self) -> list[str]:
        """The extensions that occur more than once."""
        seen = [e.oid for e in self.all]
        return sorted({oid for oid in seen if seen.count(oid) > 1}) if len(seen) != len(self.by_oid) else []

    @lazy
    def critical_oids(self) -> frozenset[str]:
        """The numbers of the critical extensions."""
        return frozenset(e.oid for e in self.all if e.critical)

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
def read_key_usage(value: bytes) -> frozenset[str]:
    """Return the key usages by name."""
    return frozenset(KEY_USAGES[n] for n in der.bit_numbers(value, der.one(value)) if n < len(KEY_USAGES))


@_remembered
def read_oids(value: bytes) -> tuple[str, ...]:
    """Return a list of object identifiers, which may not be empty."""
    found = tuple(der.read_oid(value, item) for item in der.inside(value, der.one(value), der.SEQUENCE))
    if not found:
        raise DerBroken("empty list")
    return found


@_remembered
def read_policies(value: bytes) -> tuple[str, ...]:
    """Return the first number of each entry: policies, QC statements."""
    outer = der.inside(value, der.one(value), der.SEQUENCE)
    return tuple(der.read_oid(value, der.inside(value, item, der.SEQUENCE, 1)[0]) for item in outer)


@_remembered
def read_basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Return whether the subject is a CA, and its pathLen."""
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


def read_names(value: bytes) -> tuple[GeneralName, ...]:
    """Return the alternative names, of which there is at least one."""
    names = tuple(general_name(value, item) for item in der.inside(value, der.one(value), der.SEQUENCE))
    if not names:
        raise DerBroken("empty list")
    return names


def read_octets(value: bytes) -> bytes:
    """Return the octets of a key identifier."""
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
def read_crl_urls(value: bytes) -> tuple[str, ...]:
    """Return the URLs of all distribution points."""
    urls = []
    for point in der.inside(value, der.one(value), der.SEQUENCE):
        for field in der.inside(value, point, der.SEQUENCE):
            for full in der.inside(value, field) if field.tag == 0xA0 else ():
                names = der.inside(value, full) if full.tag == 0xA0 else ()
                urls += [der.content(value, n).decode("latin-1") for n in names if n.tag == 0x86]
    return tuple(urls)


@_remembered
def read_access(value: bytes) -> tuple[tuple[str, str], ...]:
    """Return method and place of every access description."""
    found = []
    for one in der.inside(value, der.one(value), der.SEQUENCE):
        method, place = der.inside(value, one, der.SEQUENCE, 2)[:2]
        found.append((der.read_oid(value, method), general_name(value, place).text))
    return tuple(found)


def read_timestamps(value: bytes) -> int:
    """Return how many certificate timestamps there are."""
    data = read_octets(value)
    count, place = 0, 2
    while place + 2 <= len(data):
        place += 2 + int.from_bytes(data[place : place + 2], "big")
        count += 1
    return count
