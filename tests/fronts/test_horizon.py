"""The calendar of the horizon: every end in every role, once, in a file that calendars can read."""

import re
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from harness.horizon import Day, as_ics, in_order
from harness.model import Text

NOW = datetime(2026, 11, 21, 21, 3, tzinfo=UTC)


def unfolded(ics):
    return ics.decode().replace("\r\n ", "").split("\r\n")


def test_a_day_is_a_whole_day_that_warns_in_advance():
    day = Day(date(2027, 3, 1), Text("verloopt: a, b; c", "expires"), Text("meer", "more"), 60, "x")
    lines = unfolded(as_ics([day], NOW, "nl"))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert "DTSTART;VALUE=DATE:20270301" in lines
    assert "TRIGGER:-P60D" in lines
    assert r"SUMMARY:verloopt: a\, b\; c" in lines
    assert lines[-2:] == ["END:VCALENDAR", ""]


@given(st.text(), st.text())
def test_no_text_breaks_the_file(title, details):
    ics = as_ics([Day(date(2027, 3, 1), Text(title, title), Text(details, details))], NOW, "nl")
    assert all(len(line) <= 75 for line in ics.split(b"\r\n"))
    lines = unfolded(ics)
    assert len(lines) == 20
    assert all(re.match(r"[A-Z]+[;:]", line) for line in lines[:-1])


def test_the_same_thing_is_said_once_and_days_come_in_order():
    later = Day(date(2028, 1, 1), Text("b", "b"), Text("", ""), key="b")
    first = Day(date(2027, 1, 1), Text("a", "a"), Text("", ""), key="a")
    assert in_order([later, first, later]) == [first, later]


def test_the_plan_writes_every_role_the_cas_the_cpa_and_the_generation(terminal):
    done = terminal.ketentest("plan", "--ics", "uit/keten.ics")
    assert done.returncode == 0, done.stderr
    text = "\n".join(unfolded((terminal.folder / "uit/keten.ics").read_bytes()))
    for words in (
        "ons tls-client-certificaat",
        "ons message-signing-certificaat",
        "CA-certificaat",
        "CPA van",
        "Private Root G1 eindigt",
    ):
        assert words in text
    assert len(re.findall("Private Root G1 eindigt", done.stdout)) == 1


def test_the_plan_knows_the_ends_of_what_the_counterparty_served(small):
    ran = small.ketentest("run")
    assert "G1 eindigt in november 2028" in ran.stdout
    done = small.ketentest("plan", "--ics", "keten.ics", "--lang", "en")
    assert "digipoort (counterparty, lab) certificate expires" in done.stdout
