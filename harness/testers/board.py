"""Sort the steps that ask for a person's word: to do now, waiting, blocked, of a later phase, done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from harness.agenda import Todo, plan
from harness.attestations import Attestation, Ledger
from harness.checklist import ConnectionFacts, Mode, Row, resolve_alias, rows_for
from harness.choice import verdicts
from harness.facts import facts_of
from harness.model import Verdict
from harness.outcome import GREEN, RowVerdict, WhyNot
from harness.run import ConnectionInfo, Run
from harness.testers.roles import concerns
from harness.verdicts import Answered
from harness.workdays import day_of


class Place(StrEnum):
    """Where a step stands for the person who may record it."""

    NOW = "now"
    WAITING = "waiting"
    BLOCKED = "blocked"
    LATER = "later"
    DONE = "done"


@dataclass(frozen=True)
class Ask:
    """A step that asks for a person's word on one connection, with what was said about it, oldest first."""

    connection: str
    row: Row
    place: Place
    found: RowVerdict
    said: tuple[Attestation, ...]

    @property
    def production(self) -> bool:
        """Whether its pictures show real people: only their digest is kept."""
        return any(_production(target) for target in resolve_alias(self.row.id)) or self.row.phase_env == "prod"


def _production(row_id: str) -> bool:
    from harness.checklist import catalogue

    return catalogue()[row_id].phase_env == "prod"


def asks_a_person(row: Row) -> bool:
    """Whether a statement can settle the step, or its half that no probe can see."""
    said_by_people = row.mode in (Mode.PERSON, Mode.HYBRID, Mode.WAITING) or row.instead or bool(row.complete)
    return row.scored and bool(row.evidence.nl) and said_by_people


@dataclass(frozen=True)
class Board:
    """Every step of a run with its verdict, and what people may record on the connections of their scenario."""

    run: Run
    ledger: Ledger
    now: datetime
    names: tuple[str, ...]
    agendas: dict[str, Mapping[str, Todo]] = field(default_factory=dict)

    @cached_property
    def verdicts(self) -> Mapping[str, Mapping[str, RowVerdict]]:
        """The verdict of every scored row by connection."""
        return verdicts(self.run, self.ledger)

    @cached_property
    def facts(self) -> Mapping[str, ConnectionFacts]:
        """What decides which rows apply, by connection."""
        return {info.name: facts_of(info) for info in self.run.info.connections}

    @cached_property
    def rows(self) -> Mapping[str, Answered]:
        """The rows of each connection in the order of its procedure."""
        return {name: rows_for(facts) for name, facts in self.facts.items()}

    @cached_property
    def asks(self) -> Mapping[str, Mapping[str, Ask]]:
        """The steps that ask for a person's word, by connection and row."""
        return {name: {ask.row.id: ask for ask in self._asks(name)} for name in self.names}

    def info(self, connection: str) -> ConnectionInfo:
        """Return what the run says of a connection."""
        return next(info for info in self.run.info.connections if info.name == connection)

    def of(self, roles: frozenset[str], connection: str = "") -> list[Ask]:
        """Return the steps of `roles` in the order of the procedures, of one connection or of all."""
        mine = (ask for name, asks in self.asks.items() if connection in ("", name) for ask in asks.values())
        return [ask for ask in mine if concerns(ask.row.actor, roles)]

    def following(self, ask: Ask, roles: frozenset[str]) -> Ask | None:
        """Return the next step to do after `ask`, beginning again at the end; None when nothing is left."""
        order = self.of(roles)
        at = next((n for n, a in enumerate(order) if (a.connection, a.row.id) == (ask.connection, ask.row.id)), -1)
        turned = [*order[at + 1 :], *order[: max(at, 0)]]
        return next((a for a in turned if a.place is Place.NOW), None)

    def todo(self, connection: str) -> Mapping[str, Todo]:
        """Return what the agenda says of the open steps of a connection, the most pressing first."""
        if connection not in self.agendas:
            agenda = plan(self.rows[connection], self.verdicts[connection], self.facts[connection], self.now)
            found = (*agenda.now, *agenda.waiting, *agenda.blocked, *agenda.later)
            self.agendas[connection] = {todo.row: todo for todo in found}
        return self.agendas[connection]

    def scored(self, connection: str = "") -> list[tuple[Row, RowVerdict]]:
        """Return the rows that the report counts."""
        return [
            (row, self.verdicts[name][row.id])
            for name, rows in self.rows.items()
            if connection in ("", name)
            for row, _ in rows
            if row.scored
        ]

    def _asks(self, connection: str) -> Iterator[Ask]:
        said = self.ledger.by_row(connection)
        for row, answer in self.rows[connection]:
            if answer.applies and asks_a_person(row):
                found, mine = self.verdicts[connection][row.id], said.get(row.id, ())
                yield Ask(connection, row, _place(row, found, mine, day_of(self.now)), found, mine)


def _place(row: Row, found: RowVerdict, said: Sequence[Attestation], today: date) -> Place:
    standing = [a for a in said if a.date <= today and not a.expired(today)]
    if standing:
        return _after_word(found, standing[-1])
    if found.why is WhyNot.LATER_PHASE:
        return Place.LATER
    if found.verdict is Verdict.BLOCKED or (row.complete and found.why is WhyNot.INPUT_MISSING):
        return Place.BLOCKED
    if found.verdict is Verdict.WAITING:
        return Place.WAITING
    return Place.DONE if found.verdict in GREEN else Place.NOW


def _after_word(found: RowVerdict, latest: Attestation) -> Place:
    if latest.spoilt or found.verdict is Verdict.MANUAL:
        return Place.NOW
    return Place.WAITING if latest.verdict is Verdict.WAITING else Place.DONE
