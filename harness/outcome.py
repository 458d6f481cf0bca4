"""What a row came to: its verdict, the cause, what it rests on, and the worst of several."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from harness.attestations import Attestation
from harness.model import Graded, Result, Text, Verdict, Words, roll_up

GREEN: Final = frozenset({Verdict.PASS, Verdict.WARN, Verdict.SKIP})
"""The verdicts that hold nothing up."""


class WhyNot(StrEnum):
    """The one cause of a row that is not run, in order of what the reader can do about it."""

    INPUT_MISSING = "input-missing"
    OFFLINE = "offline"
    NOT_SELECTED = "not-selected"
    ONLY_LAB = "only-lab"
    NOT_BUILT = "not-built"
    LATER_PHASE = "later-phase"

    @property
    def text(self) -> Text:
        """The cause as the report prints it."""
        return _WHY[self]


_WHY = {
    WhyNot.INPUT_MISSING: Text("gegevens ontbreken", "input is missing"),
    WhyNot.OFFLINE: Text("er was geen netwerk: uitgevoerd met --offline", "there was no network: run with --offline"),
    WhyNot.NOT_SELECTED: Text("niet gekozen in deze run", "not selected in this run"),
    WhyNot.ONLY_LAB: Text("alleen tegen het ingebouwde lab uitgevoerd", "only run against the embedded lab"),
    WhyNot.NOT_BUILT: Text("deze toets bestaat nog niet in ketentest", "ketentest does not have this check yet"),
    WhyNot.LATER_PHASE: Text("hoort bij een latere fase", "belongs to a later phase"),
}


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What a row came to, why, and on what it rests.

    `because` names the rows (or probes) at the root; `lab` says that it rests on the embedded lab and settles nothing
    for Logius or DICTU; `since` is the day from which the counterparty is waited for.
    """

    row: str
    verdict: Verdict
    cause: Words = ""
    why: WhyNot | None = None
    lab: bool = False
    since: date | None = None
    because: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    own_consideration: bool = False
    waived: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Graded, ...]:
        """The findings of the probes behind this row."""
        return tuple(graded for result in self.results for graded in result.findings)

    @property
    def settles(self) -> bool:
        """Whether the row is settled for Logius or DICTU."""
        return self.verdict.settled and not self.lab


def step_verdict(row_id: str, verdicts: Iterable[RowVerdict]) -> RowVerdict:
    """Return the verdict of a step over the rows under it, with the cause of the worst."""
    parts = list(verdicts)
    worst = roll_up(part.verdict for part in parts)
    guilty = [part for part in parts if part.verdict is worst]
    if not guilty:
        return RowVerdict(row_id, Verdict.SKIP)
    lead = min(guilty, key=lambda part: list(WhyNot).index(part.why) if part.why else -1)
    return replace(
        lead,
        row=row_id,
        lab=any(part.lab for part in parts),
        because=() if worst in GREEN else _roots(guilty),
        results=tuple({(r.connection, r.probe): r for part in parts for r in part.results}.values()),
        attestations=tuple(dict.fromkeys(a for part in parts for a in part.attestations)),
        own_consideration=all(part.own_consideration for part in parts),
        waived=tuple(dict.fromkeys(rule for part in parts for rule in part.waived)),
    )


def _roots(parts: Iterable[RowVerdict]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(root for part in parts for root in part.because or (part.row,)))


def spoken_day(day: date) -> Text:
    """Return a date as the report writes it."""
    return Text(f"{day.day} {_MAANDEN[day.month - 1]} {day.year}", f"{day.day} {_MONTHS[day.month - 1]} {day.year}")


_MAANDEN = "januari februari maart april mei juni juli augustus september oktober november december".split()  # noqa: SIM905
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
