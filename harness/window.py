"""The periods agreed with the counterparty for testing, and whether a moment lies in one (LZ 5.3.3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from harness.model import Text

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class Period:
    """One agreed period; a day without a time begins at midnight and lasts to its end, in Amsterdam."""

    start: datetime
    end: datetime

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` lies in the period."""
        return self.start <= moment <= self.end

    @property
    def text(self) -> Text:
        """The period as the report prints it."""
        start, end = _written(self.start), _written(self.end)
        return Text(f"{start} tot en met {end}", f"{start} to {end}") if start != end else Text(start, start)


def _written(moment: datetime) -> str:
    whole = moment.time() in (time.min, time.max)
    return f"{moment:%Y-%m-%d}" if whole else f"{moment:%Y-%m-%d %H:%M}"


def period(start: date | datetime, end: date | datetime) -> Period:
    """Return a period from what the scenario says: days, local times, or times with a zone.

    >>> period(date(2026, 11, 23), date(2026, 11, 27)).text.nl
    '2026-11-23 tot en met 2026-11-27'
    """
    return Period(_moment(start, time.min), _moment(end, time.max))


def _moment(value: date | datetime, at: time) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, at, AMSTERDAM)
    return value.astimezone(AMSTERDAM) if value.tzinfo else value.replace(tzinfo=AMSTERDAM)


def periods(pairs: Iterable[tuple[str, str]]) -> tuple[Period, ...]:
    """Return periods from the ISO texts of a run file."""
    return tuple(Period(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in pairs)


def outside(moment: datetime, agreed: Sequence[Period]) -> bool:
    """Whether periods were agreed and `moment` lies in none of them."""
    return bool(agreed) and not any(one.covers(moment) for one in agreed)


def listed(agreed: Iterable[Period]) -> Text:
    """Return every period in one line."""
    texts = [one.text for one in agreed]
    return Text("; ".join(t.nl for t in texts), "; ".join(t.en for t in texts))
