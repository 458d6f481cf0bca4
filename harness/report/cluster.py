"""Lay out how far the care providers of a cluster are: a line per care provider, a column per step.

A column holds what people declared of each, or what a probe judged of each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from harness.attestations import Attestation
from harness.checklist import Row
from harness.model import Verdict
from harness.outcome import RowVerdict
from harness.report.desk import Desk, mark_of
from harness.report.model import Mark, ProviderLine
from harness.report.wording import AMSTERDAM
from harness.run import ConnectionInfo

PROVIDER: Final = "dienstverlener"
VERDICT: Final = "oordeel"
"""The names under which a probe tells of one care provider."""

Statements = Mapping[str, tuple[Attestation, ...]]


def columns(members: Iterable[tuple[Row, RowVerdict | None]]) -> tuple[tuple[Row, RowVerdict], ...]:
    """Return the steps of a phase that want evidence for every care provider, or have it, as far as they apply."""
    return tuple(
        (row, found)
        for row, found in members
        if found is not None
        and found.verdict is not Verdict.SKIP
        and (row.per_provider or (not row.roll_up and judged(found)))
    )


def judged(found: RowVerdict) -> Mapping[str, Verdict]:
    """Return the verdict per care provider, where a probe gave one."""
    told = (dict(o.data) for result in found.results for o in result.observed)
    return {data[PROVIDER]: Verdict(data[VERDICT]) for data in told if PROVIDER in data and VERDICT in data}


def lines(
    desk: Desk, info: ConnectionInfo, steps: Sequence[tuple[Row, RowVerdict]], said: Statements
) -> tuple[ProviderLine, ...]:
    """Return how far each care provider is with these steps; nothing for a cluster without care providers."""
    today = desk.now.astimezone(AMSTERDAM).date()
    return tuple(
        ProviderLine(
            desk.clean(name, 80),
            tuple(_mark(desk, found, row, said.get(row.id, ()), name, today) for row, found in steps),
        )
        for name in (info.providers if steps else ())
    )


def _mark(desk: Desk, found: RowVerdict, row: Row, said: Iterable[Attestation], name: str, today: date) -> Mark:
    """Take what a probe judged or the latest statement; without one, the step itself or its evidence is awaited."""
    probed = judged(found)
    if name in probed:
        return Mark(str(probed[name]), desk.say.verdict(probed[name]))
    if probed:
        return Mark(str(Verdict.NOT_RUN), desk.say.verdict(Verdict.NOT_RUN))
    mine = [a for a in said if a.provider in ("", name) and a.date <= today and not a.expired(today)]
    if mine:
        verdict = mine[-1].verdict
        return Mark(str(verdict), desk.say.verdict(verdict))
    open_step = found.verdict in (Verdict.NOT_RUN, Verdict.BLOCKED)
    return mark_of(found, desk.say, row.actor) if open_step else Mark("manual", desk.say("manual"))
