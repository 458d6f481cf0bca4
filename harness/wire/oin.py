"""The organisation number of Digikoppeling: OIN, SubOIN and HRN, twenty positions with a register prefix."""

import re
from dataclasses import dataclass
from typing import Final

from harness.errors import UnusableInput

#: Prefix → (register, shape of the twelve positions behind it). OIN-Stelsel, hoofdstuk 6 (2025).
REGISTERS: Final = {
    "00000001": ("RSIN", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000002": ("Fi-nummer", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000003": ("KvK-nummer", re.compile(r"[0-9]{8}0000")),
    "00000004": ("SubOIN", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000006": ("Logius", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000007": ("BRIN", re.compile(r"[0-9A-Z]{9}[0-9]{3}")),
    "00000008": ("buitenland", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000009": ("UZI-nummer", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000010": ("TRR-BD", re.compile(r"[0-9]{9}[0-9]{3}")),
    "00000099": ("test", re.compile(r"[0-9A-Z]{9}[0-9]{3}")),
}
TEST_PREFIX: Final = "00000099"
_TWENTY = re.compile(r"[0-9]{8}[0-9A-Z]{12}")
_WEIGHTS: Final = (9, 8, 7, 6, 5, 4, 3, 2, -1)
_ENTITY_ID = re.compile(r"urn:(?:nl-eid-gdi:1[.]0|etoegang):[^:]+:([^:]*):entities:[0-9]{4,}(?::.*)?", re.DOTALL)
_PARTY_ID = re.compile(r"(?:urn:osb:oin:|oin:|OIN:)?(.*)", re.DOTALL)


class OinInvalid(UnusableInput):
    """The text is no OIN; `case` says in which way: blank, short, long, scheme, characters, prefix or shape."""

    def __init__(self, value: str, case: str) -> None:
        self.case = case
        super().__init__(
            f"{value!r} is geen OIN van 20 posities ({case})", f"{value!r} is no OIN of 20 positions ({case})"
        )


@dataclass(frozen=True, slots=True)
class Oin:
    """An organisation number of twenty positions.

    >>> Oin.parse("00000003273229750000").kvk
    '27322975'
    >>> Oin("00000001002220647000").register
    'RSIN'
    """

    value: str

    @classmethod
    def parse(cls, value: str) -> "Oin":
        """Return the OIN that `value` is, to the letter; raises OinInvalid with the case."""
        case = fault(value)
        if case:
            raise OinInvalid(value, case)
        return cls(value)

    def __str__(self) -> str:
        return self.value

    @property
    def prefix(self) -> str:
        """The eight positions that name the register."""
        return self.value[:8]

    @property
    def register(self) -> str:
        """The register that the prefix names, or an empty string."""
        return REGISTERS[self.prefix][0] if self.prefix in REGISTERS else ""

    @property
    def number(self) -> str:
        """The number in that register: eight positions for KvK, nine for the others."""
        return self.value[8:16] if self.prefix == "00000003" else self.value[8:17]

    @property
    def suffix(self) -> str:
        """The positions behind the number: `0000` for KvK, three positions for the others."""
        return self.value[16:] if self.prefix == "00000003" else self.value[17:]

    @property
    def kvk(self) -> str:
        """The KvK number of an OIN or HRN that is built on one, or an empty string."""
        return self.number if self.prefix == "00000003" else ""

    @property
    def is_test(self) -> bool:
        """Whether this is a number of the range that is free for tests."""
        return self.prefix == TEST_PREFIX

    @property
    def is_suboin(self) -> bool:
        """Whether this number belongs to a part of an organisation."""
        return self.prefix == "00000004"


def length_fault(value: str) -> str:
    """Return why `value` is not 8 digits and 12 positions: blank, scheme, short, long, characters, or nothing."""
    if _TWENTY.fullmatch(value):
        return ""
    if value != value.strip() or re.search(r"\s", value):
        return "blank"
    if re.match(r"(?:EU\.)?EORI|[A-Z]{2,}[.:-]", value, re.IGNORECASE):
        return "scheme"
    if len(value) < 20:
        return "short"
    return "long" if len(value) > 20 else "characters"


def fault(value: str) -> str:
    """Return why `value` is no OIN, or an empty string; the check number is not part of this judgement."""
    case = length_fault(value)
    if case:
        return case
    known = REGISTERS.get(value[:8])
    if known is None:
        return "prefix"
    return "" if known[1].fullmatch(value[8:]) else "shape"


def passes_elfproef(nine: str) -> bool:
    """Whether nine digits satisfy the check of RSIN and fiscal number (weights 9 to 2 and -1, modulo 11).

    >>> passes_elfproef("123456782")
    True
    """
    return nine.isdigit() and sum(int(digit) * weight for digit, weight in zip(nine, _WEIGHTS, strict=True)) % 11 == 0


def of_entity_id(entity_id: str) -> str:
    """Return the number inside a SAML entityID of TVS or eHerkenning, or an empty string."""
    match = _ENTITY_ID.fullmatch(entity_id.strip())
    return match[1] if match else ""


def of_party_id(party_id: str) -> str:
    """Return the number of an ebXML PartyId, without a type that was written before it."""
    match = _PARTY_ID.fullmatch(party_id.strip())
    return match[1].strip() if match else ""
