"""Write what has a date: steps done, waiting, deadlines, and how long certificates are valid."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from harness.checklist import Deadline, Row
from harness.model import Environment, Verdict
from harness.outcome import RowVerdict
from harness.report.desk import Desk
from harness.report.model import Mark, Moment, Validity
from harness.report.wording import AMSTERDAM
from harness.run import ConnectionInfo
from harness.workdays import add_months, add_workdays, day_of, workdays_between

SOON: Final = timedelta(days=60)
MOST_MOMENTS: Final = 400


def timeline(desk: Desk) -> tuple[Moment, ...]:
    """Return the dated steps, the periods of waiting and the deadlines of the chosen connections, oldest first."""
    today = desk.now.astimezone(AMSTERDAM).date()
    moments = [
        m
        for info in desk.infos
        for row, found in desk.rows[info.name]
        if found
        for m in _of_row(desk, info, row, found, today)
    ]
    moments.append(_run(desk))
    return tuple(sorted(moments, key=lambda m: (m.day, m.end or m.day, m.label))[:MOST_MOMENTS])


def _run(desk: Desk) -> Moment:
    day = desk.run.info.started.astimezone(AMSTERDAM).date()
    return Moment(day, desk.run.info.id, "run", desk.say("run_moment"), desk.say.day(day))


def _of_row(desk: Desk, info: ConnectionInfo, row: Row, found: RowVerdict, today: date) -> Iterable[Moment]:
    if row.alias or not row.scored:
        return
    say = desk.say
    name = (
        f"{row.id} {say.words(row.heading)}"
        if len(desk.infos) == 1
        else f"{desk.clean(info.name, 40)}: {row.id} {say.words(row.heading)}"
    )
    anchor = desk.anchor(info.name, row.id)
    for said in found.attestations if not row.roll_up else ():
        if said.verdict is not Verdict.WAITING and said.date <= today:
            yield Moment(said.date, name, "done", say("done_on"), say.day(said.date), step=anchor)
    if found.verdict is Verdict.WAITING and found.since:
        waited = say.count("waited", workdays_between(found.since, today))
        due = due_day(row.deadline, found.since)
        late = due is not None and due < today
        yield Moment(
            day=found.since,
            label=name,
            kind="overdue" if late else "waiting",
            word=say("overdue") if late else say.verdict(Verdict.WAITING),
            text=say("waited_due", waited=waited, date=say.day(due)) if due else waited,
            end=max(today, found.since),
            due=due,
            step=anchor,
        )


def due_day(deadline: Deadline | None, since: date) -> date | None:
    """Return the last day of a term that starts at `since`."""
    if deadline is None:
        return None
    if deadline.workdays:
        return add_workdays(since, deadline.workdays)
    if deadline.months:
        return add_months(since, deadline.months)
    return since + timedelta(days=deadline.days) if deadline.days else None


def next_deadline(desk: Desk, moments: Iterable[Moment], validities: Iterable[Validity]) -> str:
    """Return the first term that is still to come."""
    today = desk.now.astimezone(AMSTERDAM).date()
    terms = [(m.due, m.label) for m in moments if m.due and m.due >= today]
    terms += [(v.end, desk.say("certificate_of", label=v.label)) for v in validities if v.end >= today]
    day, what = min(terms, default=(None, ""))
    return desk.say("next_deadline", what=what, date=desk.say.day(day)) if day else ""


def validities(desk: Desk) -> tuple[Validity, ...]:
    """Return how long each certificate is valid, from what the probes on certificates measured."""
    found: dict[tuple[str, date, date], Validity] = {}
    for result in desk.results:
        for observation in result.observed:
            data = dict(observation.data)
            start, end = _day(data.get("from", "")), _day(data.get("until", ""))
            if start is None or end is None or end < start:
                continue
            label = data.get("role") or data.get("name") or result.probe
            name = label if len(desk.infos) == 1 else f"{result.connection}: {label}"
            lab = result.environment is Environment.LAB
            found[(name, start, end)] = _validity(desk, desk.clean(name, 70), start, end, lab=lab)
    return tuple(found[key] for key in sorted(found, key=lambda k: (k[2], k[0])))


def _day(moment: str) -> date | None:
    try:
        return datetime.fromisoformat(moment).date()
    except ValueError:
        return None


def _validity(desk: Desk, label: str, start: date, end: date, *, lab: bool) -> Validity:
    say, today = desk.say, day_of(desk.now)
    if end < today:
        return Validity(label, start, end, Mark("fail", say("expired")), say("expired_since", date=say.day(end)))
    left = say.count("days_left", (end - today).days)
    key = "warn" if end - today <= SOON else "lab" if lab else "pass"
    return Validity(
        label, start, end, Mark(key, say(_STATES[key])), f"{say('valid_to', date=say.day(end))}, {left}", left
    )


_STATES: Final = {"warn": "expires_soon", "lab": "valid_lab", "pass": "valid"}
