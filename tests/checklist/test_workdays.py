"""Terms run over Dutch working days."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.workdays import (
    add_days,
    add_months,
    add_workdays,
    day_of,
    easter,
    holidays,
    is_workday,
    workdays_between,
)

DAYS = st.dates(date(2015, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("year", "day"),
    [(2024, date(2024, 3, 31)), (2026, date(2026, 4, 5)), (2027, date(2027, 3, 28)), (2038, date(2038, 4, 25))],
)
def test_easter_falls_where_the_calendar_says(year, day):
    assert easter(year) == day


def test_the_days_of_the_algemene_termijnenwet_do_not_count():
    assert holidays(2026) == {
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 4, 27),
        date(2026, 5, 5),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    }


def test_the_birthday_of_the_king_moves_off_a_sunday():
    assert date(2025, 4, 26) in holidays(2025)
    assert date(2025, 4, 27) not in holidays(2025)


def test_five_working_days_over_easter_end_after_good_friday_and_easter_monday():
    assert add_workdays(date(2026, 4, 1), 5) == date(2026, 4, 10)


def test_five_working_days_over_christmas_skip_both_days():
    assert add_workdays(date(2026, 12, 23), 5) == date(2026, 12, 31)


def test_two_months_after_the_last_day_of_december_is_the_last_day_of_february():
    assert add_months(date(2026, 12, 31), 2) == date(2027, 2, 28)


@given(DAYS, st.integers(1, 60))
def test_a_term_ends_on_a_working_day_and_counts_back_to_its_length(start, number):
    end = add_workdays(start, number)
    assert is_workday(end)
    assert workdays_between(start, end) == number


@given(DAYS, st.integers(-400, 400))
def test_days_forward_and_back_come_home(start, number):
    assert add_days(add_days(start, number), -number) == start


def test_a_statement_of_just_after_midnight_is_of_the_dutch_day():
    assert day_of(datetime(2026, 11, 21, 23, 30, tzinfo=UTC)) == date(2026, 11, 22)
    assert day_of(datetime(2026, 7, 1, 21, 59, tzinfo=UTC)) == date(2026, 7, 1)
