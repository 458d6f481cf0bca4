"""Run probes in the order of what they need: one task per probe, one probe at a time per connection."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from harness.errors import KetentestError, Refused
from harness.exchange import STAGES, Exchange, Recorder, TransportFailed
from harness.guard import REACH, Guard
from harness.link import Link
from harness.lint.judge import EVALUATED
from harness.masking import Masker
from harness.model import (
    Environment,
    Evidence,
    Finding,
    Graded,
    NotRun,
    Observation,
    Result,
    Text,
    Verdict,
    Words,
    say,
    verdict_of,
)
from harness.probes.probe import NotApplicable, NotPossible, Probe, Tools, Yield, split
from harness.rulebook import Rulebook
from harness.run import Writer, roll_results
from harness.window import AMSTERDAM, listed, outside

log = logging.getLogger("ketentest")

STOPS: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.BLOCKED, Verdict.NOT_RUN})
STAGE_RULES: Final = {
    "dns": "NET-001",
    "connect": "NET-002",
    "connect-timeout": "NET-002",
    "tls": "MTLS-004",
    "tls-timeout": "MTLS-004",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One probe on one connection; `side` is the interface for probes that look at an endpoint."""

    connection: str
    probe: str
    side: str = ""


Observer = Callable[[Step, Result | None], None]


@dataclass
class Engine:
    """Runs steps once, however many rows name them, and writes each result as it comes."""

    links: Mapping[str, Link]
    guards: Mapping[Environment, Guard]
    probes: Mapping[str, Probe]
    book: Rulebook
    writer: Writer | None = None
    folder: Path | None = None
    offline: bool = False
    masker: Masker = field(default_factory=Masker)
    observer: Observer | None = None

    def __post_init__(self) -> None:
        self.results: dict[Step, Result] = {}
        self._tasks: dict[Step, asyncio.Task[Result]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._shared: dict[str, dict[str, object]] = {}
        self._recorder = Recorder(self.folder, self.masker)
        concurrency = min((link.limits.concurrency for link in self.links.values()), default=64)
        self._places = asyncio.Semaphore(concurrency)

    def steps(self, connection: str, probe_id: str) -> list[Step]:
        """Return the steps that a row asks for with `probe_id` (a probe, a probe with a word, or `family.*`)."""
        if probe_id.endswith("*"):
            family = probe_id[:-1]
            named = [p for p in self.probes if p.startswith(family)]
            return [step for name in named for step in self.steps(connection, name)]
        probe = self.probes.get(split(probe_id)[0])
        if probe is not None and probe.scope == "endpoint":
            return [Step(connection, probe_id, side) for side in self.links[connection].sides]
        return [Step(connection, probe_id)]

    async def run(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Run the wanted (connection, probe id) pairs and everything they need."""
        tasks = [self._task(step) for connection, probe_id in wanted for step in self.steps(connection, probe_id)]
        await asyncio.gather(*tasks)

    async def result(self, connection: str, probe_id: str) -> Result:
        """Run one probe id on one connection (all its sides) and return the rolled-up result."""
        await self.run([(connection, probe_id)])
        return self.rolled(connection, probe_id)

    def rolled(self, connection: str, probe_id: str) -> Result:
        """Return what ran for `probe_id` on `connection` as one result."""
        return roll_results([self.results[step] for step in self.steps(connection, probe_id)])

    async def close(self) -> None:
        """Cancel what still runs and close every connection."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for exchange in self._exchanges.values():
            await exchange.close()

    def _task(self, step: Step) -> asyncio.Task[Result]:
        if step not in self._tasks:
            self._tasks[step] = asyncio.create_task(self._step(step), name=f"{step.connection}:{step.probe}")
        return self._tasks[step]

    async def _step(self, step: Step) -> Result:
        probe = self.probes.get(split(step.probe)[0])
        if probe is None:
            return self._conclude(step, Verdict.NOT_RUN, Text("nog niet gebouwd", "not built yet"), why="not-built")
        link = self.links[step.connection]
        if probe.systems and link.connection.system not in probe.systems:
            words = ", ".join(probe.systems)
            reason = Text(f"alleen voor {words}", f"for {words} only")
            return self._conclude(step, Verdict.SKIP, reason)
        files_only = probe.guard == "offline" or _spared(probe, link)
        if self.offline and not files_only:
            reason = Text("offline: er is niets verstuurd", "offline: nothing was sent")
            return self._conclude(step, Verdict.NOT_RUN, reason, why="offline")
        blocked = None if _spared(probe, link) else await self._blocked(step, probe)
        if blocked is not None:
            return self._conclude(step, Verdict.BLOCKED, blocked)
        await self._earlier(step, probe)
        async with self._places, self._turns.setdefault(step.connection, asyncio.Lock()):
            self._tell(step, None)
            return await self._probe(step, probe, link)

    async def _blocked(self, step: Step, probe: Probe) -> Text | None:
        for needed in self._needs(step, probe):
            result = await self._task(needed)
            if result.verdict in STOPS:
                name = needed.probe + (f" ({needed.side})" if needed.side else "")
                if result.verdict is Verdict.BLOCKED and isinstance(result.cause, Text):
                    return result.cause
                cause = _cause_of(result, self.book)
                return Text(f"wacht op {name}: {cause.nl}", f"waits for {name}: {cause.en}")
        return None

    async def _earlier(self, step: Step, probe: Probe) -> None:
        """Wait for the probes that go before this one, as far as they run at all."""
        before = (candidate for name in probe.after for candidate in self.steps(step.connection, name))
        tasks = [self._tasks[candidate] for candidate in before if candidate in self._tasks]
        if tasks:
            await asyncio.wait(tasks)

    def _needs(self, step: Step, probe: Probe) -> Iterator[Step]:
        side = step.side or probe.side
        for needed in probe.needs:
            for candidate in self.steps(step.connection, needed):
                if not (side and candidate.side) or candidate.side == side:
                    yield candidate

    async def _probe(self, step: Step, probe: Probe, link: Link) -> Result:
        guard = self.guards[link.environment]
        side = step.side or probe.side
        tools = self._tools(step, link, guard, side)
        seen = _Seen()
        started, clock = tools.now(), time.perf_counter()
        outcome: tuple[Verdict, Words] | None = None
        evaluated: set[str] = set()
        EVALUATED.set(evaluated)
        try:
            files_only = _spared(probe, link)
            if REACH[probe.guard] and not files_only:
                self._guarded(probe, link, guard, side)
            if probe.guard in ("message", "write") and not files_only:
                for late in _outside_window(link, started):
                    seen.add(late)
            async for item in probe.run(link, tools):
                seen.add(item)
        except NotApplicable as reason:
            outcome = (Verdict.SKIP, reason.text)
        except NotPossible as reason:
            outcome = (Verdict.NOT_RUN, reason.text)
        except TransportFailed as failed:
            seen.add(_transport_finding(failed))
        except Refused as refused:
            outcome = (Verdict.NOT_RUN, refused.text)
        except KetentestError as wrong:
            outcome = (Verdict.NOT_RUN if wrong.exit_code == 2 else Verdict.ERROR, wrong.text)
        except Exception as wrong:  # our own failure: it becomes the verdict `error`, and the log has the rest
            log.exception("probe %s on %s", step.probe, step.connection)
            what = f"{type(wrong).__name__}: {wrong}"
            outcome = (Verdict.ERROR, Text(f"fout in testgereedschap: {what}", f"tool error: {what}"))
        words = {*tools.context().words, link.connection.system, *split(step.probe)}
        graded = (*seen.of(Graded), *self.book.grade(seen.of(Finding), words))
        verdict = outcome[0] if outcome else verdict_of(graded, incomplete=self.book.incomplete(seen.of(NotRun), words))
        if outcome and outcome[0] is Verdict.NOT_RUN and verdict_of(graded) is Verdict.FAIL:
            verdict = Verdict.FAIL
        cause = outcome[1] if outcome else _incomplete_cause(verdict, seen.of(NotRun))
        material = link.material("tls-client")
        return self._finish(
            step,
            Result(
                probe=step.probe,
                connection=step.connection,
                verdict=verdict,
                environment=link.environment,
                findings=graded,
                not_run=seen.of(NotRun),
                observed=seen.of(Observation),
                cause=cause,
                endpoint=link.endpoint(side) if side in link.sides else "",
                certificate=material.fingerprint if material else "",
                evidence=seen.of(Evidence),
                started=started,
                seconds=round(time.perf_counter() - clock, 4),
                subject=step.side,
                data=_judged(evaluated, seen.of(NotRun)),
            ),
        )

    def _guarded(self, probe: Probe, link: Link, guard: Guard, side: str) -> None:
        for name in [side] if side in link.sides else link.sides:
            guard.check(link.address(name)[0], REACH[probe.guard], permission=link.connection.allow_write)

    def _tools(self, step: Step, link: Link, guard: Guard, side: str) -> Tools:
        exchange = self._exchanges.get(step.connection)
        if exchange is None:
            exchange = self._exchanges[step.connection] = Exchange(link, guard, self._recorder)
        return Tools(
            link=link,
            exchange=exchange,
            recorder=self._recorder,
            book=self.book,
            param=split(step.probe)[1],
            side=side,
            folder=self.folder,
            offline=self.offline,
            results={s.probe: r for s, r in self.results.items() if s.connection == step.connection},
            shared=self._shared.setdefault(step.connection, {}),
        )

    def _conclude(self, step: Step, verdict: Verdict, cause: Words, why: str = "") -> Result:
        environment = self.links[step.connection].environment
        data = (("why", why),) if why else ()
        return self._finish(
            step, Result(step.probe, step.connection, verdict, environment, cause=cause, subject=step.side, data=data)
        )

    def _finish(self, step: Step, result: Result) -> Result:
        result = _masked(result, self.masker)
        self.results[step] = result
        if self.writer is not None:
            self.writer.result(result)
        self._tell(step, result)
        return result

    def _tell(self, step: Step, result: Result | None) -> None:
        if self.observer is not None:
            self.observer(step, result)


Kind = TypeVar("Kind")


class _Seen:
    """What a probe yielded, by kind."""

    def __init__(self) -> None:
        self.items: list[Yield] = []

    def add(self, item: Yield) -> None:
        if not isinstance(item, Finding | Graded | NotRun | Observation | Evidence):
            raise TypeError(f"a probe yielded {type(item).__name__}")
        self.items.append(item)

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        return tuple(item for item in self.items if isinstance(item, kind))


def _spared(probe: Probe, link: Link) -> bool:
    return probe.spared is not None and probe.spared(link)


def _outside_window(link: Link, moment: datetime) -> Iterator[Finding]:
    """A message outside the period that was agreed with the counterparty (LZ 5.3.3)."""
    agreed = [window.period for window in link.connection.window]
    if outside(moment, agreed):
        observed = f"{moment.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
        yield Finding("CONF-040", observed=observed, expected=listed(agreed), where="window")


def _transport_finding(failed: TransportFailed) -> Finding:
    stage = STAGES[failed.stage]
    observed = Text(f"{stage.nl}: {failed.reason}", f"{stage.en}: {failed.reason}")
    rule = STAGE_RULES.get(failed.stage, "RUN-001")
    expected = Text("een antwoord", "an answer")
    return Finding(
        rule, case="" if rule != "RUN-001" else failed.stage, observed=observed, expected=expected, where=failed.where
    )


def _cause_of(result: Result, book: Rulebook) -> Text:
    if result.findings:
        worst = min(result.findings, key=lambda g: ("error", "warning", "info").index(g.severity))
        title = book[worst.finding.rule].title
        return Text(f"{title.nl} ({worst.finding.rule})", f"{title.en} ({worst.finding.rule})")
    return Text(say(result.cause, "nl"), say(result.cause, "en"))


def _judged(evaluated: set[str], not_run: tuple[NotRun, ...]) -> tuple[tuple[str, str], ...]:
    """Return the rules that were evaluated to an end: a rule without a finding passed only when it is among them."""
    ids = sorted(evaluated - {n.rule for n in not_run})
    return (("judged", " ".join(ids)),) if ids else ()


def _incomplete_cause(verdict: Verdict, not_run: tuple[NotRun, ...]) -> Words:
    if verdict is not Verdict.NOT_RUN or not not_run:
        return ""
    return next((n for n in not_run if n.asked), not_run[0]).reason


def _masked(result: Result, masker: Masker) -> Result:
    def words(value: Words) -> Words:
        if isinstance(value, Text):
            return Text(masker.text(value.nl), masker.text(value.en))
        return masker.text(value)

    findings = tuple(
        replace(g, finding=replace(g.finding, observed=words(g.finding.observed), expected=words(g.finding.expected)))
        for g in result.findings
    )
    observed = tuple(replace(o, text=words(o.text)) for o in result.observed)
    return replace(result, findings=findings, observed=observed, cause=words(result.cause))
