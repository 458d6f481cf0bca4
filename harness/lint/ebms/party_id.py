"""Say what is wrong with a PartyId: an OIN of twenty positions, in tests with an optional suffix."""

import re
from typing import Final

from harness.model import Text
from harness.wire import oin

SUFFIX: Final = re.compile(r"_([OTA]{1,3})\Z")
EXPECTED: Final = Text(
    "een OIN van 20 posities (8 cijfers en 12 tekens), eventueel met _O, _T of _A erachter",
    "an OIN of 20 positions (8 digits and 12 characters), possibly with _O, _T or _A behind it",
)


def bare(party_id: str) -> str:
    """Return the PartyId without white space and without a suffix for tests."""
    return SUFFIX.sub("", party_id.strip())


def suffix(party_id: str) -> str:
    """Return the suffix for tests (`T`, `OTA` …), or an empty string."""
    found = SUFFIX.search(party_id.strip())
    return found[1] if found else ""


def fault(party_id: str) -> Text | None:
    """Return why `party_id` is no OIN with an optional suffix, or None."""
    value = party_id.strip()
    number = bare(value)
    case = oin.length_fault(number)
    if case:
        return _sentence(value, number, case)
    letters = re.search(r"[A-Z]", number)
    if letters and number[:8] != "00000007":
        return Text(
            f"{value}: letters komen alleen voor na 00000007 (BRIN)",
            f"{value}: letters occur after 00000007 (BRIN) only",
        )
    return None


def _sentence(value: str, number: str, case: str) -> Text:
    if value.startswith("["):
        return Text(f"{value}: een invulveld van de sjabloon", f"{value}: a placeholder of the template")
    if any(c.isdigit() and not c.isascii() for c in value):
        return Text(f"{value}: cijfers uit een ander schrift", f"{value}: digits of another script")
    if re.fullmatch(r"[0-9][.,][0-9]+E\+?[0-9]+", number, re.IGNORECASE):
        return Text(
            f"{value}: een rekenblad heeft er een getal van gemaakt; de laatste cijfers zijn weg",
            f"{value}: a spreadsheet made a number of it; the last digits are gone",
        )
    if case == "short" and number.isdigit():
        return Text(
            f"{value}: {len(number)} cijfers; waarschijnlijk zijn de voorloopnullen weggevallen (rekenblad)",
            f"{value}: {len(number)} digits; the leading zeros were probably lost (spreadsheet)",
        )
    if case == "scheme" or ":" in number:
        return Text(f"{value}: met het type ervoor", f"{value}: with the type before it")
    foreign = "".join(dict.fromkeys(c for c in number if not c.isalnum() and not c.isspace()))
    among_nl, among_en = (f", waaronder {foreign}", f", among which {foreign}") if foreign else ("", "")
    return Text(
        f"{value or '(leeg)'}: {len(number)} tekens{among_nl}",
        f"{value or '(empty)'}: {len(number)} characters{among_en}",
    )


def unknown_register(party_id: str) -> str:
    """Return the first eight positions when no register issues them, or an empty string."""
    number = bare(party_id)
    return "" if oin.length_fault(number) or number[:8] in oin.REGISTERS else number[:8]


def is_test(party_id: str) -> bool:
    """Whether this PartyId is meant for tests: a test OIN or a suffix."""
    return bool(suffix(party_id)) or bare(party_id).startswith(oin.TEST_PREFIX)
