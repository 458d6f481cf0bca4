"""Count Dutch working days: weekends and the days of the Algemene termijnenwet do not count."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from functools import cache

from harness.window import AMSTERDAM

SUNDAY = 6


def day_of(moment: datetime) -> date:
    """Return the day that a moment is in the Netherlands; a statement is dated there, a run's clock is UTC."""
    return moment.astimezone(AMSTERDAM).date()


def easter(year: int) -> date:
    """Return Easter Sunday of `year` (the Gregorian computus of Meeus, Jones and Butcher)."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, skipped = century // 4, century % 4
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * skipped + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def holidays(year: int) -> frozenset[date]:
    """Return the days that art. 3 Algemene termijnenwet exempts, Good Friday and 5 May included."""
    sunday = easter(year)
    king = date(year, 4, 27)
    if king.weekday() == SUNDAY:
        king -= timedelta(days=1)
    fixed = {date(year, 1, 1), king, date(year, 5, 5), date(year, 12, 25), date(year, 12, 26)}
    return frozenset(fixed | {sunday + timedelta(days=n) for n in (-2, 1, 39, 50)})


def is_workday(day: date) -> bool:
    """Whether Logius and DICTU work on `day`."""
    return day.weekday() < SUNDAY - 1 and day not in holidays(day.year)


def add_workdays(start: date, number: int) -> date:
    """Return the last day of a term of `number` working days that starts the day after `start`."""
    day = start
    while number > 0:
        day += timedelta(days=1)
        number -= is_workday(day)
    return day


def workdays_between(start: date, end: date) -> int:
    """Return how many working days passed after `start` up to and including `end`."""
    return sum(is_workday(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def add_months(start: date, number: int) -> date:
    """Return the same day `number` months later, or the last day of that month."""
    years, month = divmod(start.month - 1 + number, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def add_days(start: date, number: int) -> date:
    """Return the day `number` calendar days later (or earlier, when negative)."""
    return start + timedelta(days=number)
