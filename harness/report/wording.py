"""Say what the report says, in Dutch or in English: sentences, numbers, dates and the words of a verdict."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from harness.model import Text, Verdict, Words, say

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_MONTHS: Final = {
    "nl": [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}


@cache
def texts() -> dict[str, dict[str, Text]]:
    """Return the sentences of `texts.toml` by table and key."""
    raw = tomllib.loads(files("harness.report").joinpath("texts.toml").read_text(encoding="utf-8"))
    return {table: {key: Text(pair["nl"], pair["en"]) for key, pair in keys.items()} for table, keys in raw.items()}


class Wording:
    """The report's language: `say = Wording("nl"); say("who")`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **values: Any) -> str:
        """Return the sentence of `key`, with its placeholders filled in."""
        sentence = texts()["words"][key].of(self.lang)
        return sentence.format(**values) if values else sentence

    def count(self, key: str, number: int, **values: Any) -> str:
        """Return the singular of `key` for 1, else the plural with its number."""
        return self(f"{key}_one", **values) if number == 1 else self(key, n=self.number(number), **values)

    def words(self, words: Words) -> str:
        """Return `words` of a rule, row or probe in this language."""
        return say(words, self.lang)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number as the language writes it: 1.000 and 0,6 in Dutch."""
        plain = f"{value:,.{decimals}f}"
        return plain if self.lang == "en" else plain.translate(str.maketrans(",.", ".,"))

    def day(self, moment: date) -> str:
        """Return a date: 21 november 2026."""
        return f"{moment.day} {_MONTHS[self.lang][moment.month - 1]} {moment.year}"

    def month(self, moment: date) -> str:
        """Return a month for the axis of a picture: nov 2026."""
        return f"{_MONTHS[self.lang][moment.month - 1][:3].lower()} {moment.year}"

    def moment(self, moment: datetime) -> str:
        """Return a time in Amsterdam with the same time in UTC."""
        local, utc = moment.astimezone(AMSTERDAM), moment.astimezone(UTC)
        return f"{self.day(local)}, {local:%H:%M:%S} {local:%Z} ({utc:%H:%M:%S} UTC)"

    def clock(self, moment: datetime) -> str:
        """Return the time of day in Amsterdam."""
        return f"{moment.astimezone(AMSTERDAM):%H:%M:%S}"

    def seconds(self, value: float) -> str:
        """Return a duration: 0,6 s, or 11 ms when shorter than a tenth of a second."""
        return f"{value * 1000:.0f} ms" if value < 0.1 else f"{self.number(value, 1)} s"

    def size(self, octets: int) -> str:
        """Return a file size in bytes, kB or MB."""
        for unit, scale in (("MB", 1_000_000), ("kB", 1000)):
            if octets >= scale:
                return f"{self.number(octets / scale, 1)} {unit}"
        return self("bytes", n=octets)

    def joined(self, parts: Sequence[str]) -> str:
        """Return `a, b en c`."""
        *first, last = parts
        return f"{', '.join(first)} {'and' if self.lang == 'en' else 'en'} {last}" if first else last

    def listed(self, parts: Sequence[str], most: int = 6) -> str:
        """Return the first few of `parts` and how many more there are."""
        shown = ", ".join(parts[:most])
        return f"{shown} {self('and_more', n=self.number(len(parts) - most))}" if len(parts) > most else shown

    def verdict(self, verdict: Verdict | str) -> str:
        """Return the plain word of a verdict."""
        return self("waiting_plain") if verdict == Verdict.WAITING else self(str(verdict))

    def phase(self, system: str, phase: str) -> str:
        """Return the name of a phase as its procedure has it, with its English twin."""
        return _phase(system, phase, self.lang)

    def actor(self, actor: str) -> str:
        """Return who acts; the English twin replaces the Dutch role names one by one."""
        return _actor(actor, self.lang)


@cache
def _phase(system: str, phase: str, lang: str) -> str:
    names = texts()["phases"]
    found = names.get(f"{system}/{phase}") or names.get(phase)
    return found.of(lang) if found else phase


@cache
def _actor(actor: str, lang: str) -> str:
    for role, text in texts()["actors"].items():
        actor = actor.replace(role, text.of(lang))
    return " ".join(actor.split())
