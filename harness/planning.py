"""Show what is next in the procedures: for whom, what it unblocks, what blocks it, and by when (`ketentest plan`)."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from harness import horizon
from harness.agenda import Agenda, Todo, plan
from harness.beforehand import beforehand
from harness.chain import Loaded, load
from harness.checklist import catalogue, rows_for
from harness.choice import Options, info_of, ledger_beside, newest_run, verdicts
from harness.errors import UnusableInput
from harness.facts import facts_of
from harness.front import Session
from harness.model import Text, say
from harness.outcome import WhyNot
from harness.report.wording import Wording
from harness.run import Run, utc_now
from harness.show import VERDICTS

FIRST = 12


def show_plan(path: Path, runs: Path, lang: str) -> str:
    """Return the agenda of every connection of a scenario, from its newest run if there is one."""
    loaded = load(path)
    run = newest_run(loaded, runs)
    found = verdicts(run, ledger_beside(loaded))
    agendas = {}
    for connection in loaded.connections:
        facts = facts_of(info_of(loaded, connection))
        agenda = plan(rows_for(facts), found[connection.name], facts, utc_now())
        agendas[connection.name] = agenda if run.path else _in_procedure(agenda)
    lines: list[str] = [_heading(run, lang)]
    lines += () if run.path else beforehand(loaded.scenario, agendas.values(), lang)
    for connection in loaded.connections:
        lines += ["", f"{connection.name} ({connection.system}, {connection.effective_environment})"]
        lines += _agenda(agendas[connection.name], lang)
    return "\n".join(lines) + "\n"


def _in_procedure(agenda: Agenda) -> Agenda:
    """Put what is to be done in the order of the procedure: without a run nothing is more urgent than what comes first."""
    place = {row: number for number, row in enumerate(catalogue())}
    todos = sorted(agenda.now, key=lambda todo: place.get(todo.row, len(place)))
    return replace(agenda, now=tuple(replace(t, what=_BY_PROBE) if t.why is WhyNot.NOT_SELECTED else t for t in todos))


_BY_PROBE: Final = Text("een run stelt dit vast (ketentest run)", "a run settles this (ketentest run)")


def show_calendar(path: Path, runs: Path, lang: str) -> tuple[bytes, list[str]]:
    """Return the horizon of a scenario as a calendar, and its days as lines: certificates in every role, CPAs, terms."""
    loaded = load(path)
    run = newest_run(loaded, runs)
    found = verdicts(run, ledger_beside(loaded))
    days = asyncio.run(_ends(loaded))
    days += horizon.of_run(run)
    for connection in loaded.connections:
        facts = facts_of(info_of(loaded, connection))
        agenda = plan(rows_for(facts), found[connection.name], facts, utc_now())
        days += horizon.of_agenda(connection.name, agenda)
    ordered = horizon.in_order(days)
    return horizon.as_ics(ordered, utc_now(), lang), [f"{day.on}  {day.title.of(lang)}" for day in ordered]


async def _ends(loaded: Loaded) -> list[horizon.Day]:
    with tempfile.TemporaryDirectory() as scratch:
        async with Session(loaded, Options(runs=Path(scratch), offline=True)) as session:
            links = [await session.bind(connection.name) for connection in loaded.connections]
            return [day for link in links for day in horizon.of_link(link)]


def _heading(run: Run, lang: str) -> str:
    if run.path is None:
        return Text("Nog geen run; dit is het plan vooraf.", "No run yet; this is the plan beforehand.").of(lang)
    return Text(f"Volgens run {run.info.id}.", f"According to run {run.info.id}.").of(lang)


def _agenda(agenda: Agenda, lang: str) -> Iterator[str]:
    groups = (
        (Text("nu te doen", "to do now"), agenda.now),
        (Text("wacht op een ander", "waiting for another"), agenda.waiting),
        (Text("geblokkeerd", "blocked"), agenda.blocked),
    )
    for title, todos in groups:
        if todos:
            yield f"  {title.of(lang)} ({len(todos)})"
            for todo in todos[:FIRST]:
                yield from _todo(todo, lang)
            if len(todos) > FIRST:
                yield f"    … {len(todos) - FIRST}"
    if agenda.later:
        yield Text(f"  latere fase: {len(agenda.later)} stappen", f"  later phase: {len(agenda.later)} steps").of(lang)


def _todo(todo: Todo, lang: str) -> Iterator[str]:
    yield f"    {todo.row:<14} {todo.title.of(lang)}"
    details = (
        (Text("wie", "who"), todo.who),
        (Text("wat", "what"), f"{VERDICTS[todo.verdict].of(lang)}: {say(todo.what, lang)}"),
        (Text("eerst", "first"), " ".join(todo.blocked_by)),
        (Text("daarna", "then"), " ".join(todo.unblocks)),
        (Text("uiterlijk", "due"), _day(todo.due, lang)),
        (Text("sinds", "since"), _day(todo.since, lang)),
        (Text("doorlooptijd", "lead time"), todo.lead_time.of(lang)),
    )
    for label, value in details:
        if value:
            yield f"      {label.of(lang):<12} {value}"


def show_all_batches(path: Path, lang: str) -> str:
    """Return, for each TVS cluster of a scenario, who lacks what and the batches that the others make."""
    from harness.onboarding import papers_of, show_batches

    loaded = load(path)
    clusters = [c.name for c in loaded.connections if c.system == "tvs-cluster"]
    if not clusters:
        raise UnusableInput("dit scenario heeft geen TVS-cluster", "this scenario has no TVS cluster")
    ledger = ledger_beside(loaded)
    return "\n".join(show_batches(papers_of(loaded, ledger, name), lang, datetime.now(UTC)) for name in clusters)


def _day(day: date | None, lang: str) -> str:
    return Wording(lang).day(day) if day else ""
