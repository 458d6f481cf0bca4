"""Write, read, merge and compare the run file: one JSON line per event, appended and never rewritten.

`run.jsonl` begins with a `run` event (RunInfo), holds a `result` event per probe (harness.model.Result) and closes with
an `end` event. Several processes may append to one file; a crash loses one line.
"""

import dataclasses
import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness.errors import UnusableInput, unusable_path
from harness.model import (
    Environment,
    Evidence,
    Finding,
    Graded,
    NotRun,
    Observation,
    Result,
    Severity,
    Text,
    Verdict,
    Words,
    roll_up,
)

FILE: Final = "run.jsonl"


@dataclass(frozen=True)
class ConnectionInfo:
    """What the report needs to know of a connection; a copy of the scenario, so that the run file stands alone."""

    name: str
    system: str
    environment: Environment
    party: str
    oin: str
    kind: str
    contact: str = ""
    operator: str = ""
    operator_oin: str = ""
    peer: str = ""
    network: str = "internet"
    channels: tuple[str, ...] = ()
    digipoort_role: str = ""
    sson: bool = False
    reuse_adapter: bool = False
    supplier_connection: bool = False
    digid_assessment: bool = False
    chain_test: bool = True
    activated: str = ""
    profiles: tuple[str, ...] = ()
    certificates: tuple[tuple[str, str], ...] = ()
    """Role and SHA-256 of each own certificate that is no lab certificate, whether or not a probe looked at it."""
    ticket: str = ""
    permission: str = ""
    adapter: str = ""
    endpoints: tuple[tuple[str, str], ...] = ()
    providers: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    window: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RunInfo:
    """The circumstances of a run: versions, scenario digest, caps, the probes that existed, and connections."""

    id: str
    started: datetime
    version: str
    rules_version: str
    checklists_version: str
    scenario: str
    scenario_sha256: str
    language: str = "nl"
    python: str = ""
    tls_library: str = ""
    libraries: tuple[tuple[str, str], ...] = ()
    caps: tuple[tuple[str, str], ...] = ()
    selection: tuple[str, ...] = ()
    offline: bool = False
    faults: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    connections: tuple[ConnectionInfo, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run file as read: its circumstances, its results in the order they came, and how it ended."""

    info: RunInfo
    results: tuple[Result, ...] = ()
    ended: datetime | None = None
    interrupted: bool = False
    masked: int = 0
    path: Path | None = None
    unreadable_lines: int = 0

    @property
    def by_probe(self) -> dict[tuple[str, str], Result]:
        """One result for each (connection, probe): the sides of a connection rolled up, worst first."""
        sides: dict[tuple[str, str], dict[str, Result]] = {}
        for result in self.results:
            sides.setdefault((result.connection, result.probe), {})[result.subject] = result
        return {key: roll_results(list(found.values())) for key, found in sides.items()}


def roll_results(results: Sequence[Result]) -> Result:
    """Return several results of one probe (one per side of the connection) as one, with the worst verdict."""
    if len(results) == 1:
        return results[0]
    verdict = roll_up(r.verdict for r in results)
    worst = next(r for r in results if r.verdict is verdict)
    return dataclasses.replace(
        worst,
        findings=tuple(f for r in results for f in r.findings),
        not_run=tuple(n for r in results for n in r.not_run),
        observed=tuple(o for r in results for o in r.observed),
        evidence=tuple(e for r in results for e in r.evidence),
        seconds=sum(r.seconds for r in results),
        subject="",
    )


def new_id(now: datetime) -> str:
    """Return a run id: `20261121-2042-7f3a`, local time of the run and four random characters."""
    return f"{now.astimezone():%Y%m%d-%H%M}-{secrets.token_hex(2)}"


def create(root: Path, info: RunInfo) -> "Writer":
    """Make `root/<run id>` with its evidence and documents folders and write the first line.

    Raises UnusableInput when the folder cannot be made.
    """
    folder = root / info.id
    try:
        for part in (folder, folder / "evidence", folder / "documents"):
            part.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise unusable_path(wrong) from None
    writer = Writer(folder)
    writer.event("run", _plain(info))
    return writer


class Writer:
    """Append events to the run file of `folder`; safe for several processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def event(self, kind: str, body: Mapping[str, Any]) -> None:
        """Append one line, under a lock, in one write."""
        line = json.dumps({"event": kind, **body}, ensure_ascii=False) + "\n"
        descriptor = os.open(self.folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def result(self, result: Result) -> None:
        """Append what a probe concluded."""
        self.event("result", _plain(result))

    def end(self, now: datetime, *, interrupted: bool = False, masked: int = 0) -> None:
        """Append the closing line."""
        self.event("end", {"ended": now.isoformat(), "interrupted": interrupted, "masked": masked})


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return {"nl": value.nl, "en": value.en}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {f.name: _plain(getattr(value, f.name)) for f in fields if getattr(value, f.name) not in (None, "", ())}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return str(value) if isinstance(value, Path) else value


def find(path: Path) -> Path:
    """Return the run file at `path`: the file itself, its folder, or the newest run below a `runs` folder."""
    if path.is_file():
        return path
    if (path / FILE).is_file():
        return path / FILE
    runs = sorted(path.glob(f"*/{FILE}"), key=lambda p: (p.stat().st_mtime_ns, p.parent.name))
    if not runs:
        raise UnusableInput(
            f"{path}: geen run gevonden; voer eerst `ketentest run` of `pytest scenarios/preprod` uit",
            f"{path}: no run found; first run `ketentest run` or `pytest scenarios/preprod`",
        )
    return runs[-1]


@dataclass(frozen=True)
class End:
    """How a run ended; without an `end` event it broke off."""

    ended: datetime | None = None
    interrupted: bool = True
    masked: int = 0


def read(path: Path) -> Run:
    """Read a run file; a damaged last line is counted, not fatal. Raises UnusableInput when it is no run file."""
    file = find(path)
    info: RunInfo | None = None
    results: list[Result] = []
    end = End()
    damaged = 0
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
            kind = event.pop("event")
            if kind == "run" and info is None:
                info = _info(event)
            elif kind == "result":
                results.append(_result(event))
            elif kind == "end":
                end = _end(event)
        except (ValueError, KeyError, TypeError, AttributeError):
            damaged += 1
    if info is None:
        raise UnusableInput(
            f"{file}: geen runbestand; de eerste regel is geen run-gebeurtenis. Noem een andere run",
            f"{file}: not a run file; its first line is not a run event. Name another run",
        )
    return Run(info, tuple(results), end.ended, end.interrupted, end.masked, file, damaged)


def _end(raw: dict[str, Any]) -> End:
    return End(datetime.fromisoformat(raw["ended"]), bool(raw.get("interrupted")), int(raw.get("masked", 0)))


def _words(raw: Any) -> Words:
    return Text(raw["nl"], raw["en"]) if isinstance(raw, dict) else str(raw)


def _pairs(raw: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(a), str(b)) for a, b in raw)


def _info(raw: dict[str, Any]) -> RunInfo:
    raw["started"] = datetime.fromisoformat(raw["started"])
    for name in ("libraries", "caps"):
        raw[name] = _pairs(raw.get(name, ()))
    for name in ("selection", "faults", "probes"):
        raw[name] = tuple(raw.get(name, ()))
    raw["connections"] = tuple(_connection(c) for c in raw.get("connections", ()))
    for name in ("rules_version", "checklists_version"):
        raw.setdefault(name, "")
    return RunInfo(**_known(raw, RunInfo))


def _known(raw: dict[str, Any], kind: type[RunInfo | ConnectionInfo]) -> dict[str, Any]:
    """Leave out what another version of ketentest wrote and this one does not know."""
    names = {f.name for f in dataclasses.fields(kind)}
    return {name: value for name, value in raw.items() if name in names}


def _connection(raw: dict[str, Any]) -> ConnectionInfo:
    raw["environment"] = Environment(raw["environment"])
    for name in ("channels", "providers", "registries", "profiles"):
        raw[name] = tuple(raw.get(name, ()))
    for name in ("endpoints", "certificates", "window"):
        raw[name] = _pairs(raw.get(name, ()))
    return ConnectionInfo(**_known(raw, ConnectionInfo))


def _finding(raw: dict[str, Any]) -> Graded:
    body = raw["finding"]
    for name in ("observed", "expected"):
        if name in body:
            body[name] = _words(body[name])
    for name in ("evidence", "related"):
        body[name] = tuple(body.get(name, ()))
    return Graded(Finding(**body), Severity(raw["severity"]))


def _result(raw: dict[str, Any]) -> Result:
    return Result(
        probe=raw["probe"],
        connection=raw["connection"],
        verdict=Verdict(raw["verdict"]),
        environment=Environment(raw["environment"]),
        findings=tuple(_finding(f) for f in raw.get("findings", ())),
        not_run=tuple(NotRun(n["rule"], _words(n.get("reason", ""))) for n in raw.get("not_run", ())),
        observed=tuple(
            Observation(_words(o.get("text", "")), _pairs(o.get("data", ()))) for o in raw.get("observed", ())
        ),
        cause=_words(raw.get("cause", "")),
        endpoint=raw.get("endpoint", ""),
        certificate=raw.get("certificate", ""),
        evidence=tuple(Evidence(**e) for e in raw.get("evidence", ())),
        started=datetime.fromisoformat(raw["started"]) if "started" in raw else None,
        seconds=float(raw.get("seconds", 0)),
        subject=raw.get("subject", ""),
        data=_pairs(raw.get("data", ())),
    )


@dataclass(frozen=True)
class Merged:
    """Several runs seen as one: the newest settled result of each probe, and what could not be joined."""

    run: Run
    apart: tuple[tuple[Result, Text], ...] = field(default=())


def _circumstances(run: Run, result: Result) -> tuple[str, ...]:
    return (str(result.environment), result.endpoint, result.certificate, run.info.scenario_sha256)


def merge(runs: Sequence[Run]) -> Merged:
    """Join runs by the rule of the procedure (checklist/steps §4).

    The newest result wins only within the same environment, endpoint, certificate and scenario digest;
    `not-run` and `blocked` never replace a settled result. What stands apart is listed with the reason.
    """
    ordered = sorted(runs, key=lambda r: r.info.started)
    newest = ordered[-1]
    kept: dict[tuple[str, str, str], tuple[Run, Result]] = {}
    apart: list[tuple[Result, Text]] = []
    for run in ordered:
        for result in run.results:
            key = (result.connection, result.probe, result.subject)
            held = kept.get(key)
            if held is None:
                kept[key] = (run, result)
            elif _circumstances(*held) != _circumstances(run, result):
                older, newer = _rank(held, (run, result))
                kept[key] = newer
                apart.append(
                    (
                        older[1],
                        Text("andere omstandigheden dan de nieuwste run", "other circumstances than the newest run"),
                    )
                )
            elif result.verdict.settled or not held[1].verdict.settled:
                kept[key] = (run, result)
    results = tuple(result for _, result in kept.values())
    probes = tuple(dict.fromkeys(probe for run in ordered for probe in run.info.probes))
    info = dataclasses.replace(newest.info, probes=probes)
    return Merged(dataclasses.replace(newest, info=info, results=results), tuple(apart))


def _rank(held: tuple[Run, Result], new: tuple[Run, Result]) -> tuple[tuple[Run, Result], tuple[Run, Result]]:
    if held[1].environment is not Environment.LAB and new[1].environment is Environment.LAB:
        return new, held
    return held, new


@dataclass(frozen=True)
class Difference:
    """What changed between two runs, as (connection, probe, rule)."""

    new: tuple[tuple[str, str, str], ...]
    fixed: tuple[tuple[str, str, str], ...]
    same: tuple[tuple[str, str, str], ...]
    gone: tuple[tuple[str, str, str], ...]


def _bad(run: Run) -> set[tuple[str, str, str]]:
    return {
        (r.connection, r.probe, g.finding.rule)
        for r in run.results
        for g in r.findings
        if g.severity is not Severity.INFO
    }


def compare(old: Run, new: Run) -> Difference:
    """Compare the findings of two runs: `fixed` was judged again and passed, `gone` was not judged this time."""
    before, after = _bad(old), _bad(new)
    judged = {(r.connection, r.probe) for r in new.results if r.verdict.settled}
    lost = before - after
    return Difference(
        tuple(sorted(after - before)),
        tuple(sorted(f for f in lost if f[:2] in judged)),
        tuple(sorted(before & after)),
        tuple(sorted(f for f in lost if f[:2] not in judged)),
    )


def runs_below(root: Path) -> Iterator[Path]:
    """Yield the run folders below `root`, oldest first."""
    yield from sorted((p.parent for p in root.glob(f"*/{FILE}")), key=lambda p: p.name)


def utc_now() -> datetime:
    """Return the present moment in UTC: the one clock of the fronts."""
    return datetime.now(UTC)
