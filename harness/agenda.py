"""Say what is next, for whom, what blocks it and when it is due."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from harness.checklist import ConnectionFacts, Deadline, Mode, Row
from harness.model import NOTHING, Text, Verdict, Words
from harness.outcome import RowVerdict, WhyNot
from harness.verdicts import Answered
from harness.workdays import add_days, add_months, add_workdays, day_of, workdays_between

_ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN, Verdict.MANUAL, Verdict.WAITING, Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class Todo:
    """One open step: who acts, on what, what it unblocks, what it waits for, and its term."""

    row: str
    title: Text
    who: str
    verdict: Verdict
    what: Words
    why: WhyNot | None = None
    unblocks: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    since: date | None = None
    workdays_waited: int = 0
    due: date | None = None
    overdue: bool = False
    lead_time: Text = NOTHING


@dataclass(frozen=True, slots=True)
class Agenda:
    """The open steps of one connection: to do now, waiting for another, blocked, and of a later phase."""

    now: tuple[Todo, ...] = ()
    waiting: tuple[Todo, ...] = ()
    blocked: tuple[Todo, ...] = ()
    later: tuple[Todo, ...] = ()

    @property
    def deadlines(self) -> tuple[Todo, ...]:
        """Every step with a due date, earliest first."""
        dated = [t for t in (*self.now, *self.waiting, *self.blocked, *self.later) if t.due]
        return tuple(sorted(dated, key=lambda t: t.due or date.max))


def plan(rows: Answered, verdicts: Mapping[str, RowVerdict], facts: ConnectionFacts, now: datetime) -> Agenda:
    """Return the open steps of a connection, the most pressing first.

    Steps that only sum up others stay out: their parts are named. What unblocks most comes before what unblocks less.
    """
    today = day_of(now)
    known = {row.id for row, _ in rows}
    own = [row for row, answer in rows if answer.applies and row.scored and not _sums_up(row, known)]
    todos = [_todo(row, verdicts, facts, today, [r for r, _ in rows]) for row in own if _is_open(verdicts[row.id])]
    later = {row.id for row in own if verdicts[row.id].why is WhyNot.LATER_PHASE}
    ahead = [t for t in todos if t.row not in later]
    return Agenda(
        now=tuple(sorted((t for t in ahead if t.verdict is not Verdict.WAITING and not t.blocked_by), key=_urgency)),
        waiting=tuple(sorted((t for t in ahead if t.verdict is Verdict.WAITING), key=_urgency)),
        blocked=tuple(t for t in ahead if t.blocked_by),
        later=tuple(t for t in todos if t.row in later),
    )


def due(row: Row, since: date | None, activated: date | None, today: date) -> date | None:
    """Return the day on which a step is due, or None when its term has not started."""
    term = row.deadline
    if term is None:
        return None
    if term.window:
        return _window_end(term.window, activated, today)
    start = activated if term.after == "activation" else since
    if start is None or not (term.workdays or term.days or term.months):
        return None
    return _end(term, start)


def _end(term: Deadline, start: date) -> date:
    if term.months:
        return add_months(start, term.months)
    return add_workdays(start, term.workdays) if term.workdays else add_days(start, term.days)


def _window_end(window: tuple[int, ...], activated: date | None, today: date) -> date | None:
    """The yearly repeat starts in the year after activation; the window ends on the last day of its last month."""
    if activated is None:
        return None
    first = max(activated.year + 1, today.year + (today.month > window[-1]))
    return add_days(date(first, window[-1] + 1, 1), -1)


def _sums_up(row: Row, known: Collection[str]) -> bool:
    """Whether the work of a row is that of other rows of this connection."""
    alone = not (row.evidence.nl or row.probes or row.like)
    return bool(row.roll_up) and alone and all(part.endswith("*") or part in known for part in row.roll_up)


def _is_open(verdict: RowVerdict) -> bool:
    return verdict.verdict in _ORDER and not verdict.own_consideration


def _todo(
    row: Row, verdicts: Mapping[str, RowVerdict], facts: ConnectionFacts, today: date, rows: Iterable[Row]
) -> Todo:
    found = verdicts[row.id]
    ends = due(row, found.since, facts.activated, today)
    return Todo(
        row.id,
        row.heading,
        row.actor,
        found.verdict,
        found.cause or row.evidence,
        found.why,
        unblocks=_unblocks(row, list(rows), verdicts),
        blocked_by=found.because if found.verdict is Verdict.BLOCKED or (row.complete and found.why) else (),
        since=found.since,
        workdays_waited=workdays_between(found.since, today) if found.since else 0,
        due=ends,
        overdue=ends is not None and ends < today,
        lead_time=row.lead_time if row.lead_network in ("", facts.network) else NOTHING,
    )


def _unblocks(row: Row, rows: list[Row], verdicts: Mapping[str, RowVerdict]) -> tuple[str, ...]:
    """The steps that wait for this one, directly or through a step that sums it up."""
    reached = {row.id} | {r.id for r in rows if r.scored and _covers(r, row)}
    waiting = (r for r in rows if r.scored and reached & {*r.needs, *r.needs_green, *r.complete})
    after = (r for r in rows if r.scored and r.mode is Mode.WAITING and r.deadline and r.deadline.after == row.id)
    found = (r.id for r in (*waiting, *after) if r.id in verdicts and _is_open(verdicts[r.id]))
    return tuple(dict.fromkeys(found))


def _covers(parent: Row, row: Row) -> bool:
    return any(
        row.id == wanted or (wanted.endswith("*") and row.id.startswith(wanted[:-1]) and row.id != parent.id)
        for wanted in parent.roll_up
    )


def _urgency(todo: Todo) -> tuple[int, bool, bool, int, date]:
    """Failures first; what the reader cannot act on yet comes last within its kind."""
    beyond = todo.why is WhyNot.NOT_BUILT
    return (_ORDER.index(todo.verdict), beyond, todo.since is None, -len(todo.unblocks), todo.due or date.max)
