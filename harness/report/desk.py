"""What every chapter of the report is written from: the run, the catalogues, what people declared, and the language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from harness.attestations import Ledger
from harness.checklist import Row
from harness.model import Environment, Result, Verdict, roll_up
from harness.outcome import RowVerdict
from harness.report.model import Count, Mark
from harness.report.safe import Cleaner
from harness.report.wording import Wording
from harness.rulebook import Rulebook
from harness.run import ConnectionInfo, Run

COUNTED = ("error", "fail", "blocked", "not-run", "manual", "waiting", "warn", "lab", "pass", "skip")
"""The results in the order of the counts, worst first."""

SYSTEM_READERS = {"tvs-cluster": "dictu", "tvs-direct": "dictu"}
"""Who reads about a system; Logius reads about all others."""


def reader_of(system: str) -> str:
    """Return to whom a report on this system is handed in."""
    return SYSTEM_READERS.get(system, "logius")


@dataclass(frozen=True)
class Desk:
    """The material of one report in one language."""

    run: Run
    infos: tuple[ConnectionInfo, ...]
    rows: Mapping[str, tuple[tuple[Row, RowVerdict | None], ...]]
    every_row: Mapping[str, Mapping[str, RowVerdict]]
    ledger: Ledger
    book: Rulebook
    say: Wording
    clean: Cleaner
    now: datetime
    detail: str = "volledig"
    reader: str = "own"
    phase: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        """The chosen connections."""
        return frozenset(info.name for info in self.infos)

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """The results of the chosen connections, in the order of the scenario and the probe.

        What was only practised in the lab stays out of a report on another environment; the row itself says so.
        """
        mine = tuple(r for r in self.run.results if r.connection in self.names)
        return mine if self.exercise else tuple(r for r in mine if r.environment is not Environment.LAB)

    @cached_property
    def by_connection(self) -> Mapping[str, tuple[Result, ...]]:
        """The results of each chosen connection."""
        return {name: tuple(r for r in found) for name, found in _grouped(self.results).items()}

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {info.name: n for n, info in enumerate(self.infos, 1)}

    def anchor(self, connection: str, row: str = "") -> str:
        """Return the anchor of a connection or of one of its rows; short, for there may be hundreds."""
        number = self._order.get(connection, 0)
        return f"c{number}-{row}" if row else f"c{number}"

    @cached_property
    def exercise(self) -> bool:
        """Whether a connection rests on the embedded lab alone.

        A lab result among those of pre-production settles nothing and takes nothing away.
        """
        found: dict[str, set[bool]] = {}
        for result in self.run.results:
            if result.connection in self.names:
                found.setdefault(result.connection, set()).add(result.environment is Environment.LAB)
        alone = any(of_lab == {True} for of_lab in found.values())
        return alone or any(info.environment is Environment.LAB for info in self.infos)


def _grouped(results: Iterable[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.connection, []).append(result)
    return groups


def mark_of(found: RowVerdict, say: Wording, actor: str = "") -> Mark:
    """Return how a row's verdict is printed."""
    verdict = found.verdict
    if verdict is Verdict.SKIP and found.own_consideration:
        return Mark("own", say("own"))
    if verdict in (Verdict.PASS, Verdict.WARN) and found.lab:
        return Mark("lab", say(f"lab_{verdict}"), say("lab_no_evidence"))
    if verdict is Verdict.WAITING:
        on = say.actor(actor) or say("counterparty").lower()
        since = say.day(found.since) if found.since else ""
        return Mark("waiting", say("waiting_since", on=on, date=since) if since else say("waiting", on=on))
    return Mark(str(verdict), say(str(verdict)))


def plain_mark(verdict: Verdict, say: Wording, *, lab: bool = False) -> Mark:
    """Return the mark of a probe, a phase or a connection."""
    if lab and verdict in (Verdict.PASS, Verdict.WARN):
        return Mark("lab", say(f"lab_{verdict}"), say("lab_no_evidence"))
    return Mark(str(verdict), say.verdict(verdict))


def rolled(found: Iterable[RowVerdict], say: Wording) -> Mark:
    """Return the worst of several rows as one mark."""
    parts = list(found)
    verdict = roll_up(part.verdict for part in parts)
    return plain_mark(verdict, say, lab=any(part.lab for part in parts))


def counted(marks: Iterable[Mark], say: Wording) -> tuple[Count, ...]:
    """Return how many steps have each result, worst first; rows for information do not count."""
    numbers: dict[str, int] = {}
    for mark in marks:
        key = "skip" if mark.key == "own" else mark.key
        numbers[key] = numbers.get(key, 0) + 1
    return tuple(
        Count(key, say(f"lab_{Verdict.PASS}") if key == "lab" else say.verdict(key), numbers[key])
        for key in COUNTED
        if key in numbers
    )
