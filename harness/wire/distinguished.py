"""Read distinguished names attribute by attribute, with the string type of every value."""

from functools import lru_cache
from typing import Final, NamedTuple

from harness.wire import der
from harness.wire.lazy import lazy

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

    @lazy
    def attributes(self) -> tuple[Attribute, ...]:
        """Every attribute in the order of the encoding, multi-valued RDNs included."""
        data = self.der
        rdns = (data[rdn.start : rdn.end] for rdn in der.inside(data, der.one(data), der.SEQUENCE))
        return tuple(
            Attribute(oid, tag, text, number) for number, rdn in enumerate(rdns) for oid, tag, text in _pairs(rdn)
        )

    def all(self, oid: str) -> list[Attribute]:
        """Return every attribute of this type."""
        return [a for a in self.attributes if a.oid == oid]

    def first(self, oid: str) -> str:
        """Return the value of the first attribute of this type, or an empty string."""
        return self._first.get(oid, "")

    @lazy
    def _first(self) -> dict[str, str]:
        return {a.oid: a.value for a in reversed(self.attributes)}

    def rdn_size(self, number: int) -> int:
        """Return how many attributes stand in RDN `number`."""
        return len([a for a in self.attributes if a.rdn == number])

    @lazy
    def key(self) -> tuple[tuple[str, str], ...]:
        """What two names must share to be the same name: types and values, case and blanks folded (RFC 5280 7.1)."""
        return tuple(sorted((a.oid, " ".join(a.value.casefold().split())) for a in self.attributes))

    def __str__(self) -> str:
        return ", ".join(f"{a.label}={a.value}" for a in self.attributes)

    @property
    def short(self) -> str:
        """The common name, else the organisation, else the whole name: what a reader calls this party."""
        return self.first(COMMON_NAME) or self.first(ORGANIZATION) or str(self) or "(leeg)"


@lru_cache(maxsize=256)
def _pairs(rdn: bytes) -> tuple[tuple[str, int, str], ...]:
    """Return type, tag and text of each attribute in an RDN; the names of one organisation share most of theirs."""
    found = []
    for pair in der.inside(rdn, der.one(rdn), der.SET):
        kind, value = der.inside(rdn, pair, der.SEQUENCE, 2)[:2]
        found.append((der.read_oid(rdn, kind), value.tag, der.text(value.tag, der.content(rdn, value))))
    return tuple(found)


@lru_cache(maxsize=64)
def issuer_name(data: bytes) -> Name:
    """Return the name of an issuer, the same object for every certificate of that CA."""
    return Name(data)
