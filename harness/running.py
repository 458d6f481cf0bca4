"""Run a scenario from the command line, with live progress on a terminal and plain lines elsewhere."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from rich.status import Status

from harness.chain import Loaded, load
from harness.checklist import names
from harness.choice import Choice, Options, exit_code, ledger_beside, verdicts, wanted_of
from harness.engine import Step
from harness.errors import KetentestError
from harness.front import Session
from harness.model import Graded, Result, Text, Verdict, say
from harness.outlook import outlook
from harness.rulebook import rulebook
from harness.run import read
from harness.show import LABELS, VERDICTS, finding_line, finding_lines, result_line

MOST_AGAIN: Final = 12


def run_scenario(path: Path, options: Options) -> int:
    """Run the scenario at `path`; returns the exit code (design §5)."""
    loaded = load(path)
    ledger = ledger_beside(loaded)
    wanted = wanted_of(loaded, options, ledger)
    lang = loaded.scenario.language
    progress = Progress(lang)
    folder, stopped = asyncio.run(_run(loaded, options, wanted, progress))
    progress.close()
    run = read(folder)
    rows = [row for found in verdicts(run, ledger).values() for row in found.values()]
    click.echo(summary(run.results, [r.verdict for r in rows], lang), nl=False)
    for told in once_more(run.results, lang):
        click.echo(told)
    for line in outlook(run.results):
        click.echo(line.of(lang))
    if stopped is not None:
        click.echo(stopped.text.of(lang), err=True)
    click.echo(f"run: {folder}")
    click.echo(f"{Text('rapport', 'report').of(lang)}: ketentest report {folder}")
    return 3 if stopped is not None else exit_code(run, rows, strict=options.strict)


async def _run(
    loaded: Loaded, options: Options, wanted: Sequence[Choice], progress: "Progress"
) -> tuple[Path, KetentestError | None]:
    stopped: KetentestError | None = None
    session = Session(loaded, options, observer=progress.see)
    loop = asyncio.get_running_loop()
    async with session:
        assert session.writer is not None  # the session is open
        folder = session.writer.folder
        work = asyncio.ensure_future(session.run(wanted))
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, work.cancel)
        try:
            async with asyncio.timeout(options.deadline or None):
                await work
        except TimeoutError:
            stopped = KetentestError(
                f"gestopt na {options.deadline:g} s; wat klaar was staat in de run",
                f"stopped after {options.deadline:g} s; what was done is in the run",
            )
        except asyncio.CancelledError:
            stopped = KetentestError(
                "afgebroken; wat klaar was staat in de run", "interrupted; what was done is in the run"
            )
        if stopped is not None:
            session.interrupted = True
    return folder, stopped


class Progress:
    """Shows each result as it comes; on a terminal, besides that, what is running now."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.busy: dict[Step, None] = {}
        self.status: Status | None = None
        if sys.stdout.isatty():
            from rich.console import Console

            self.status = Console().status("…")
            self.status.start()

    def see(self, step: Step, result: Result | None) -> None:
        """Take note of a probe that starts or ends."""
        if result is None:
            self.busy[step] = None
        else:
            self.busy.pop(step, None)
            self._line(result)
        if self.status is not None:
            self.status.update(", ".join(f"{s.connection} {s.probe}" for s in list(self.busy)[:3]) or "…")

    def _line(self, result: Result) -> None:
        colour = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.ERROR: "red"}
        line = result_line(result, self.lang)
        width = len(VERDICTS[result.verdict].of(self.lang))
        click.echo(click.style(line[:width], fg=colour.get(result.verdict)) + line[width:])
        if result.verdict is Verdict.FAIL:
            for found in _by_rule(result):
                click.echo("\n".join(finding_lines(found[0], self.lang)))
                if len(found) > 1:
                    more = Text(f"en nog {len(found) - 1} keer", f"and {len(found) - 1} times more")
                    click.echo(f"  {'':<12} {more.of(self.lang)}")

    def close(self) -> None:
        """Stop the moving line."""
        if self.status is not None:
            self.status.stop()


def _by_rule(result: Result) -> list[list[Graded]]:
    """Return the errors of a result, those of one rule together: one cause is told once."""
    found: dict[str, list[Graded]] = {}
    for graded in result.findings:
        if graded.severity == "error":
            found.setdefault(graded.finding.rule, []).append(graded)
    return list(found.values())


def summary(results: Sequence[Result], rows: Sequence[Verdict], lang: str) -> str:
    """Return two lines: how many probes and how many rows came to which verdict."""

    def counts(found: Sequence[Verdict]) -> str:
        seen = Counter(found)
        return ", ".join(f"{seen[v]} {VERDICTS[v].of(lang)}" for v in VERDICTS if seen[v]) or "–"

    probes = counts([r.verdict for r in results])
    return f"\nprobes  {probes}\n{Text('rijen ', 'rows  ').of(lang)}  {counts(rows)}\n"


def once_more(results: Sequence[Result], lang: str) -> Iterator[str]:
    """Yield what failed, once more at the end where it is read: the finding, and who acts."""
    failed = [r for r in results if r.verdict in (Verdict.FAIL, Verdict.ERROR)]
    if failed:
        yield Text("\nNiet geslaagd:", "\nFailed:").of(lang)
    for result in failed[:MOST_AGAIN]:
        name = result.probe + (f" ({result.subject})" if result.subject else "")
        worst = next((g for g in result.findings if g.severity == "error"), None)
        said = finding_line(worst, lang).strip() if worst else say(result.cause, lang)
        who = rulebook()[worst.finding.rule].who.of(lang) if worst else ""
        act = f"; {LABELS['who'].of(lang)}: {who}" if who else ""
        yield f"  {result.connection} {name}: {said}{act}"
    if len(failed) > MOST_AGAIN:
        yield f"  … {len(failed) - MOST_AGAIN}"
    if failed:
        yield ""


def dry(path: Path, options: Options) -> int:
    """Print what a run would do; nothing is sent."""
    loaded = load(path)
    wanted = wanted_of(loaded, options, ledger_beside(loaded))
    from harness.probes.probe import load as load_probes
    from harness.probes.probe import split, unnamed

    registry = load_probes()
    for connection in loaded.connections:
        rows: dict[str, list[str]] = {}
        for choice in wanted:
            if choice.connection == connection.name and choice.applicability.applies:
                for probe_id in _each(choice.probes, registry):
                    rows.setdefault(probe_id, []).append(choice.row.id)
        rows |= {} if options.only else {probe_id: [] for probe_id in unnamed(registry) if probe_id not in rows}
        if not rows:
            continue
        click.echo(f"{connection.name} ({connection.effective_environment})")
        for probe_id, ids in rows.items():
            probe = registry.get(split(probe_id)[0])
            reach = probe.guard if probe else Text("nog niet gebouwd", "not built yet").of(loaded.scenario.language)
            click.echo(f"  {probe_id:<28} {reach:<18} {' '.join(ids)}")
    return 0


def _each(named: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Yield the probes that a row names; `net.*` is every probe of that family."""
    for one in named:
        yield from (probe for probe in known if names(one, probe)) if one.endswith(".*") else (one,)
