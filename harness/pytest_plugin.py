"""Turn `chain.toml` into pytest items and their verdicts into outcomes."""

import asyncio
import gc
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from _pytest._code.code import TerminalRepr
from _pytest._io import TerminalWriter

from harness.errors import KetentestError
from harness.model import Text, Verdict, say

T = TypeVar("T")

SCENARIO: Final = "chain.toml"
EVIDENCE: Final = "evidence"
BEYOND: Final = "beyond"
SELDOM: Final = 50_000
"""New objects between two searches for cycles: a run is short and makes few, and looking took a tenth of its time."""
WORDS: Final = {
    Verdict.PASS: ("passed", ".", ("PASS", {"green": True})),
    Verdict.WARN: ("warned", "w", ("WARN", {"yellow": True})),
    Verdict.FAIL: ("failed", "F", ("FAIL", {"red": True})),
    Verdict.ERROR: ("failed", "E", ("ERROR", {"red": True, "bold": True})),
    Verdict.MANUAL: ("manual", "m", ("MANUAL", {"cyan": True})),
    Verdict.WAITING: ("waiting", "t", ("WAITING", {"cyan": True})),
    Verdict.BLOCKED: ("blocked", "b", ("BLOCKED", {"purple": True})),
    Verdict.NOT_RUN: ("not-run", "-", ("NOT-RUN", {"light": True})),
    Verdict.SKIP: ("skipped", "s", ("SKIP", {"light": True})),
}


class RowFailed(Exception):
    """A row failed; `text` holds the lines a reader needs."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text.partition("\n")[0])


class _Lines(TerminalRepr):
    """Plain lines where pytest expects a traceback."""

    def __init__(self, text: str) -> None:
        self.text = text

    def toterminal(self, tw: TerminalWriter) -> None:
        for line in self.text.splitlines():
            tw.line(line)

    def __str__(self) -> str:
        return self.text


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run; they are those of `ketentest run`."""
    group = parser.getgroup("ketentest", "ketentest: chain tests with Logius and DICTU")
    group.addoption("--runs", default="runs", metavar="DIR", help="folder for run files (default: runs)")
    group.addoption("--offline", action="store_true", help="judge files only; nothing is sent")
    group.addoption("--allow-write", action="store_true", help="second consent for messages that change something")
    group.addoption("--allow-production", action="store_true", help="second consent for production (never a message)")
    group.addoption("--lab-fault", action="append", default=[], metavar="CONN:FAULT", help="let the lab misbehave")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers that rows carry: families of probes, systems and modes."""
    for name in (
        "identity",
        "pki",
        "net",
        "tls",
        "cpa",
        "ebms",
        "wus",
        "msg",
        "saml",
        "config",
        "tvs",
        "report",
        "secrets",
    ):
        config.addinivalue_line("markers", f"{name}: rows settled by the {name} probes")
    for name in ("lopende_zaken", "digikoppeling", "digipoort", "digimelding", "tvs_cluster", "tvs_direct"):
        config.addinivalue_line("markers", f"{name}: rows of {name.replace('_', '-')}")
    # zeep loads requests, which asks for SOCKS support that nothing here uses.
    config.addinivalue_line("filterwarnings", "ignore:SOCKS support")
    config.addinivalue_line("markers", "evidence: rows that need a person's evidence")
    config.stash[CHAINS] = {}
    config.pluginmanager.register(Unreadable(), "ketentest-unreadable")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ChainFile | None":
    """Collect `chain.toml`."""
    if file_path.name != SCENARIO:
        return None
    found: ChainFile = ChainFile.from_parent(parent, path=file_path)
    return found


class ChainFile(pytest.File):
    """One scenario; its mistakes come as one readable block."""

    def collect(self) -> Iterable[pytest.Collector]:
        """Yield a node per connection."""
        gc.set_threshold(SELDOM)
        from harness.chain import load

        loaded = load(self.path)
        chain = Chain.of(self.config, self.path, loaded)
        for connection in loaded.connections:
            yield ConnectionNode.from_parent(self, name=connection.name, chain=chain, connection=connection)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show a mistake of the user as text."""
        if isinstance(excinfo.value, KetentestError):
            return _Lines(excinfo.value.text.of("nl"))
        return super().repr_failure(excinfo)


class ConnectionNode(pytest.Collector):
    """One connection of a scenario: the scope by which workers share the work."""

    def __init__(self, *, chain: "Chain", connection: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chain, self.connection = chain, connection

    def collect(self) -> Iterable[pytest.Item]:
        """Yield an item for each row and probe, and one for the evidence of a person."""
        from harness.checklist import Mode
        from harness.choice import beyond, choices

        for choice in choices(self.chain.loaded, self.connection):
            for probe in choice.probes if choice.applicability.applies else ():
                yield self._item(choice, probe)
            person = choice.row.mode in (Mode.PERSON, Mode.WAITING, Mode.HYBRID) and choice.row.evidence.nl
            if person or not choice.probes or not choice.applicability.applies:
                yield self._item(choice, "")
        for probe in beyond():
            extra: ExtraItem = ExtraItem.from_parent(
                self, name=f"{BEYOND}[{probe}]", chain=self.chain, connection=self.connection.name, probe=probe
            )
            yield extra

    def _item(self, choice: Any, probe: str) -> "RowItem":
        name = f"{choice.row.id}[{probe or EVIDENCE}]"
        item: RowItem = RowItem.from_parent(self, name=name, chain=self.chain, choice=choice, probe=probe)
        return item


class ProbeItem(pytest.Item):
    """What one probe of one connection, or a person, has to say."""

    title = ""

    def __init__(self, *, chain: "Chain", connection: str, probe: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chain, self.connection, self.probe = chain, connection, probe
        self.system = chain.loaded.scenario.connections[connection].system
        family = probe.partition(".")[0] if probe else EVIDENCE
        for mark in (family, self.system.replace("-", "_")):
            self.add_marker(mark)
        self.extra_keyword_matches.update({connection, self.system})

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where the item comes from and what it is called."""
        return self.path, None, self.title

    def outcome(self) -> tuple[Verdict, str]:
        """Return the verdict and the lines to show."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Wait for the probe and turn its verdict into an outcome."""
        verdict, lines = self.outcome()
        self.user_properties.append(("ketentest", str(verdict)))
        if verdict in (Verdict.FAIL, Verdict.ERROR):
            raise RowFailed(lines)
        if verdict in (Verdict.PASS, Verdict.WARN):
            if lines:
                self.add_report_section("call", "ketentest", lines)
            return
        if self.chain.strict and verdict is not Verdict.SKIP:
            raise RowFailed(lines)
        pytest.skip(lines.partition("\n")[0])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the lines of a failed row instead of a traceback."""
        if isinstance(excinfo.value, RowFailed):
            return _Lines(excinfo.value.text)
        if isinstance(excinfo.value, KetentestError):
            return _Lines(excinfo.value.text.of("nl"))
        return super().repr_failure(excinfo)


class RowItem(ProbeItem):
    """One row of a procedure, settled by one probe or by a person."""

    def __init__(self, *, chain: "Chain", choice: Any, probe: str, **kwargs: Any) -> None:
        super().__init__(chain=chain, connection=choice.connection, probe=probe, **kwargs)
        self.choice = choice
        self.title = f"{choice.row.id} {choice.row.title}"
        self.extra_keyword_matches.add(choice.row.id)

    def outcome(self) -> tuple[Verdict, str]:
        """Return what the row came to, as far as this probe or this person settles it."""
        return self.chain.verdict(self)


class ExtraItem(ProbeItem):
    """A probe that no row names and that `ketentest run` runs on every connection too."""

    title = "buiten de stappen"

    def outcome(self) -> tuple[Verdict, str]:
        """Return what the probe itself concluded."""
        return self.chain.concluded(self)


class Chain:
    """One scenario during a pytest session: the engine in a thread of its own, started by the first item."""

    def __init__(self, config: pytest.Config, loaded: Any) -> None:
        from harness.choice import Options, ledger_beside

        self.config, self.loaded = config, loaded
        self.strict = bool(config.getini("strict"))
        worker = getattr(config, "workerinput", None)
        run_ids = worker.get("ketentest_runs", {}) if worker else {}
        self.options = Options(
            runs=Path(config.getoption("--runs")),
            offline=config.getoption("--offline"),
            allow_write=config.getoption("--allow-write"),
            allow_production=config.getoption("--allow-production"),
            faults=tuple(config.getoption("--lab-fault")),
            run_id=run_ids.get(str(loaded.path.resolve()), ""),
        )
        self.ledger = ledger_beside(loaded)
        self.items: list[ProbeItem] = []
        self.results: dict[tuple[str, str], Any] = {}
        self.futures: dict[tuple[str, str], Future[Any]] = {}
        self.thread: Loop | None = None
        self.session: Any = None
        self.failure: KetentestError | None = None

    @classmethod
    def of(cls, config: pytest.Config, path: Path, loaded: Any) -> "Chain":
        """Return the chain of a scenario file, made once per pytest session."""
        chains: dict[Any, Any] = config.stash[CHAINS]
        found = chains.setdefault(path, None) or cls(config, loaded)
        chains[path] = found
        return found

    def verdict(self, item: RowItem) -> tuple[Verdict, str]:
        """Return the verdict of one item and the lines to show."""
        from harness.choice import info_of
        from harness.facts import facts_of
        from harness.run import utc_now
        from harness.verdicts import part_verdict

        choice, probe = item.choice, item.probe
        if not choice.applicability.applies:
            return Verdict.SKIP, choice.applicability.reason.of(self.lang)
        if probe:
            result = self._result(choice.connection, probe)
        facts = facts_of(info_of(self.loaded, self.loaded.scenario.connections[choice.connection]))
        rows = {(choice.connection, result.probe): result} if probe else {}
        if not probe and not choice.row.evidence.nl and choice.row.roll_up:
            return Verdict.SKIP, Text("volgt uit andere rijen", "follows from other rows").of(self.lang)
        found = part_verdict(choice.row, probe, rows, self.ledger, facts, utc_now())
        return found.verdict, self._lines(f"{choice.row.id} {choice.row.title}", found.verdict, found)

    def concluded(self, item: ExtraItem) -> tuple[Verdict, str]:
        """Return the verdict of a probe that no row names, and the lines to show."""
        result = self._result(item.connection, item.probe)
        return result.verdict, self._lines(f"{item.connection} {item.probe}", result.verdict, result)

    def _result(self, connection: str, probe: str) -> Any:
        self._ensure(connection)
        result = self.futures[(connection, probe)].result()
        self.results[(connection, probe)] = result
        return result

    @property
    def lang(self) -> str:
        """The language of the scenario."""
        return str(self.loaded.scenario.language)

    def _lines(self, head: str, verdict: Verdict, found: Any) -> str:
        from harness.show import finding_line, finding_lines

        worst = [g for g in found.findings if g.severity != "info"]
        cause = say(found.cause, self.lang) if found.cause else head.partition(" ")[2]
        if not worst:
            return cause if verdict is not Verdict.PASS else ""
        first = max(worst, key=lambda g: g.severity == "error")
        also = [finding_line(g, self.lang) for g in worst if g is not first]
        return "\n".join([head, *finding_lines(first, self.lang), *dict.fromkeys(also)])

    def _ensure(self, connection: str) -> None:
        if self.failure is not None:
            raise self.failure
        if self.thread is None:
            self._open()
        pending = [i for i in self.items if i.probe and (i.connection, i.probe) not in self.futures]
        if self.options.run_id:
            pending = [i for i in pending if i.connection == connection]
        assert self.thread is not None  # opened above
        for item in pending:
            key = (item.connection, item.probe)
            if key not in self.futures:
                self.futures[key] = self.thread.submit(self.session.result(*key))

    def _open(self) -> None:
        from harness.front import Session

        self.thread = Loop()
        self.session = Session(self.loaded, self.options)
        try:
            self.thread.submit(self.session.__aenter__()).result()
        except KetentestError as refused:
            self.failure = refused
            self.thread.close()
            self.thread = None
            raise

    def close(self) -> Path | None:
        """Stop the engine and return the folder of the run."""
        if self.thread is None:
            return None
        folder: Path = self.session.writer.folder
        try:
            self.thread.submit(self.session.__aexit__(None, None, None)).result(timeout=30)
        finally:
            self.thread.close()
            self.thread = None
        return folder


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="ketentest", daemon=True)
        self.thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run a coroutine in the loop and return its future."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """Stop the loop and wait for the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


CHAINS: Final = pytest.StashKey[dict[Any, Any]]()
FOLDERS: Final = pytest.StashKey[list[Path]]()


def _chains(config: pytest.Config) -> Iterator[Chain]:
    yield from (c for c in config.stash.get(CHAINS, {}).values() if isinstance(c, Chain))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell each scenario which of its items were selected."""
    for chain in _chains(session.config):
        chain.items = [i for i in session.items if isinstance(i, ProbeItem) and i.chain is chain]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of pytest-xdist write one run."""
    node.workerinput["ketentest_runs"] = _shared_runs(node.config)


def _shared_runs(config: pytest.Config) -> dict[str, str]:
    stash = config.stash[CHAINS]
    if "shared" not in stash:
        stash["shared"] = dict(_start_runs(config))
    shared: dict[str, str] = stash["shared"]
    return shared


def _start_runs(config: pytest.Config) -> Iterator[tuple[str, str]]:
    from harness.chain import load
    from harness.choice import run_info
    from harness.probes.probe import load as load_probes
    from harness.run import create

    for argument in config.args:
        path = Path(argument.partition("::")[0])
        file = path / SCENARIO if path.is_dir() else path
        if file.name != SCENARIO or not file.is_file():
            continue
        try:
            loaded = load(file)
        except KetentestError:
            continue
        chain = Chain(config, loaded)
        try:
            writer = create(chain.options.runs, run_info(loaded, chain.options, load_probes()))
        except KetentestError as wrong:
            pytest.exit(wrong.text.of(chain.lang), returncode=2)
        config.stash[CHAINS].setdefault("writers", []).append(writer)
        yield str(file.resolve()), writer.folder.name


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the engines; an unreadable scenario is exit 2, under xdist too."""
    from harness.run import utc_now

    folders = [folder for chain in _chains(session.config) if (folder := chain.close())]
    for writer in session.config.stash[CHAINS].get("writers", ()):
        writer.end(utc_now(), interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
        folders.append(writer.folder)
    session.config.stash[FOLDERS] = folders
    if folders:
        gc.freeze()  # pytest looks for what nobody awaited; the run itself has closed everything
    unreadable = session.config.pluginmanager.get_plugin("ketentest-unreadable")
    if unreadable is not None and unreadable.seen:
        session.exitstatus = 2


class Unreadable:
    """Remembers that a scenario could not be read, wherever it was collected."""

    def __init__(self) -> None:
        self.seen = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Look at each collection report; workers of pytest-xdist send theirs to the controller."""
        if report.failed and report.nodeid.endswith(SCENARIO):
            self.seen = True


def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    """Show the nine verdicts by their own words; what is open under `--strict` counts as failed."""
    said = dict(report.user_properties).get("ketentest") if report.when == "call" else None
    if not said:
        return None
    category, letter, word = WORDS[Verdict(str(said))]
    return ("failed" if report.failed else category), letter, word


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what passed with a remark, which a line of dots does not show, and say which generations were used."""
    for report in terminalreporter.stats.get("warned", ()):
        said = next((text for name, text in report.sections if "ketentest" in name), "")
        terminalreporter.write_line(f"WARN {report.nodeid}")
        for line in said.splitlines()[1:4]:
            terminalreporter.write_line(line)
    for folder in terminalreporter.config.stash.get(FOLDERS, []):
        from harness.outlook import outlook
        from harness.run import read

        run = read(folder)
        for text in outlook(run.results):
            terminalreporter.write_line(text.of(run.info.language))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Print where the run was kept, as the last line."""
    if hasattr(config, "workerinput"):
        return
    for folder in config.stash.get(FOLDERS, []):
        print(f"run: {folder}\nrapport: ketentest report {folder}")  # noqa: T201 - the last words of a run
