"""Read the durations and counts of a CPA, however long somebody made them."""

import re
from typing import Final

_DURATION: Final = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_SECONDS: Final = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)


def seconds(text: str) -> float | None:
    """Return the length of a duration (a year is 365 days, a month 30), or None when it is none.

    >>> seconds("PT3H"), seconds("P1DT30M"), seconds("drie uur")
    (10800.0, 88200.0, None)
    """
    negative, bare = text.startswith("-"), text.removeprefix("-")
    found = _DURATION.fullmatch(bare)
    if not found or bare in ("P", "") or bare.endswith("T") or len(bare) > 60:
        return None
    total = sum(float(number) * unit for number, unit in zip(found.groups(), _SECONDS, strict=True) if number)
    return -total if negative else total


def count(text: str) -> int | None:
    """Return a whole number of at most nine digits, or None.

    >>> count("8"), count("-1"), count("9" * 5000)
    (8, None, None)
    """
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
