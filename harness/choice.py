"""Choose what a run looks at: which rows of which connections, and what became of them."""

import fnmatch
import hashlib
import platform
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Final

from harness import __version__, checklist
from harness.attestations import Ledger
from harness.attestations import read as read_ledger
from harness.chain import Loaded
from harness.checklist import Applicability, Row, probes_of, rows_for
from harness.errors import UnusableInput
from harness.facts import facts_of
from harness.guard import CAP
from harness.model import Verdict
from harness.outcome import RowVerdict, WhyNot
from harness.rulebook import rulebook
from harness.run import ConnectionInfo, Run, RunInfo, new_id, read, utc_now
from harness.scenario import LAB, Connection
from harness.verdicts import chain_verdicts, later

BEYOND: Final = ("pki.revocation",)
"""Our probes that no row names (`beyond` in their registration), known without loading what sends."""
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
LIBRARIES: Final = ("httpx", "cryptography", "lxml", "signxml", "zeep", "pysaml2", "aiohttp")


@dataclass(frozen=True)
class Options:
    """What the user asked for on the command line; the same for both fronts."""

    runs: Path = Path("runs")
    offline: bool = False
    allow_write: bool = False
    allow_production: bool = False
    strict: bool = False
    faults: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    deadline: float = 0.0
    failed_of: Path | None = None
    run_id: str = ""


@dataclass(frozen=True)
class Choice:
    """One row of one connection, with the probes that settle it."""

    connection: str
    row: Row
    applicability: Applicability
    probes: tuple[str, ...]


def info_of(loaded: Loaded, connection: Connection) -> ConnectionInfo:
    """Return what the run file says of a connection."""
    party = loaded.scenario.party_of(connection)
    operator = loaded.scenario.operator
    ebms, wus = connection.ebms, connection.wus
    profiles = (*(ebms.profiles if ebms else ()), *((wus.profiles or (wus.profile,)) if wus else ()))
    return ConnectionInfo(
        name=connection.name,
        system=connection.system,
        environment=connection.effective_environment,
        party=party.name,
        oin=party.oin,
        kind=party.kind,
        contact=party.contact,
        operator=operator.name if operator else "",
        operator_oin=operator.oin if operator else "",
        peer=connection.peer.name,
        network=connection.network,
        channels=connection.channels,
        digipoort_role=connection.digipoort_role if connection.system == "digipoort" else "",
        sson=connection.sson,
        reuse_adapter=connection.reuse_adapter,
        supplier_connection=connection.supplier_connection,
        digid_assessment=connection.digid_assessment,
        chain_test=connection.chain_test,
        activated=connection.activated.isoformat() if connection.activated else "",
        profiles=profiles,
        ticket=connection.ticket,
        permission=connection.permission,
        adapter=f"{connection.adapter.product} {connection.adapter.version}".strip(),
        endpoints=tuple(connection.endpoints.items()),
        providers=tuple(p.name for p in connection.saml.providers) if connection.saml else (),
        registries=connection.registries,
        window=tuple((w.period.start.isoformat(), w.period.end.isoformat()) for w in connection.window),
    )


def _prints(loaded: Loaded, connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield role and SHA-256 of the certificates of a connection; a file that cannot be read is the probes' business."""
    for role, name in connection.certificates.items():
        entry = loaded.scenario.certificates.get(name)
        if entry is None or entry.cert == LAB:
            continue
        try:
            text = (loaded.folder / entry.cert).read_text(encoding="ascii")
            leaf = ssl.PEM_cert_to_DER_cert(_CERTIFICATE.findall(text)[0])
        except (OSError, ValueError, IndexError):
            continue
        yield role, hashlib.sha256(leaf).hexdigest()


def choices(loaded: Loaded, connection: Connection) -> list[Choice]:
    """Return the scored rows of a connection in the order of its procedure; informative rows and aliases are none."""
    rows = rows_for(facts_of(info_of(loaded, connection)))
    environment = connection.effective_environment
    return [
        Choice(connection.name, row, answer, () if later(row, environment) else probes_of(row))
        for row, answer in rows
        if row.scored
    ]


def beyond() -> tuple[str, ...]:
    """Return the probes that run on every connection though no row names them: ours, and those of third parties."""
    if not entry_points(group="ketentest.probes"):
        return BEYOND
    from harness.probes.probe import load as load_probes
    from harness.probes.probe import unnamed

    return tuple(unnamed(load_probes()))


def in_shard(name: str, shard: tuple[int, int]) -> bool:
    """Whether a connection belongs to shard i of n (a stable hash of its name)."""
    index, count = shard
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % count == index - 1


def selected(choice: Choice, options: Options) -> bool:
    """Whether `--only` and `--skip` leave this row in: globs over the connection, the row and its probes."""
    names = (choice.connection, choice.row.id, f"{choice.connection}::{choice.row.id}", *choice.probes)

    def hit(patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in names)

    return (not options.only or hit(options.only)) and not hit(options.skip)


def run_info(loaded: Loaded, options: Options, probes: Iterable[str] = ()) -> RunInfo:
    """Return the first line of a new run file; `probes` are the ids that exist, so that a report need not load them."""
    now = utc_now()
    mine = (c for c in loaded.connections if in_shard(c.name, options.shard))
    connections = tuple(replace(info_of(loaded, c), certificates=tuple(_prints(loaded, c))) for c in mine)
    return RunInfo(
        id=new_id(now),
        started=now,
        version=__version__,
        rules_version=rulebook().version,
        checklists_version=checklist.version(),
        scenario=str(loaded.path),
        scenario_sha256=loaded.sha256,
        language=loaded.scenario.language,
        python=platform.python_version(),
        tls_library=ssl.OPENSSL_VERSION,
        libraries=tuple((name, version(name)) for name in LIBRARIES),
        caps=CAP.as_text(),
        selection=(*options.only, *(f"!{s}" for s in options.skip)),
        offline=options.offline,
        faults=(*loaded.scenario.lab.faults, *options.faults),
        probes=tuple(probes),
        connections=connections,
    )


def ledger_beside(loaded: Loaded) -> Ledger:
    """Return the attestations beside the scenario; none when there is no file."""
    file = loaded.folder / "attestations.toml"
    if not file.is_file():
        return Ledger()
    return read_ledger(file, tuple(loaded.scenario.connections), tuple(rulebook().rules))


def newest_run(loaded: Loaded, runs: Path) -> Run:
    """Return the newest run of every connection of the scenario; without one, a run that did not begin."""
    try:
        run = read(runs)
    except UnusableInput:
        return Run(run_info(loaded, Options(runs=runs)))
    names = {c.name for c in run.info.connections}
    return run if {c.name for c in loaded.connections} <= names else Run(run_info(loaded, Options(runs=runs)))


def verdicts(run: Run, ledger: Ledger) -> dict[str, dict[str, RowVerdict]]:
    """Return the verdict of every scored row of every connection of a run."""
    from harness.probes.probe import load as load_probes  # the probes bring every client library along

    built = tuple(load_probes())
    connections = {facts_of(info): rows_for(facts_of(info)) for info in run.info.connections}
    return chain_verdicts(connections, run.by_probe, ledger, utc_now(), built=built)


def exit_code(run: Run, rows: Iterable[RowVerdict], *, strict: bool) -> int:
    """Return 3, 1, 4 or 0, in that order of precedence (design §5)."""
    found = {r.verdict for r in run.results} | {r.verdict for r in rows}
    if Verdict.ERROR in found or run.interrupted:
        return 3
    if Verdict.FAIL in found:
        return 1
    open_rows = {Verdict.MANUAL, Verdict.WAITING, Verdict.BLOCKED, Verdict.NOT_RUN}
    return 4 if strict and found & open_rows else 0


def failed_rows(path: Path, ledger: Ledger) -> set[tuple[str, str]]:
    """Return (connection, row) of what failed or was blocked in an earlier run, and what a broken-off run did not reach."""
    bad = {Verdict.FAIL, Verdict.ERROR, Verdict.BLOCKED}
    run = read(path)

    def again(found: RowVerdict) -> bool:
        return found.verdict in bad or (run.interrupted and found.why is WhyNot.NOT_SELECTED)

    return {(name, row) for name, rows in verdicts(run, ledger).items() for row, v in rows.items() if again(v)}


def wanted_of(loaded: Loaded, options: Options, ledger: Ledger) -> list[Choice]:
    """Return the rows that the options select; raises UnusableInput when a pattern matches nothing."""
    everything = [
        choice
        for connection in loaded.connections
        if in_shard(connection.name, options.shard)
        for choice in choices(loaded, connection)
    ]
    wanted = [choice for choice in everything if selected(choice, options)]
    if options.only and not wanted:
        from harness.chain_mistakes import nearest

        names = [c.row.id for c in everything] + list(loaded.scenario.connections)
        near = nearest(options.only[0], names)
        hint = (f"; bedoelt u {near}?", f"; did you mean {near}?") if near else ("", "")
        raise UnusableInput(
            f"--only {' '.join(options.only)}: geen rij gevonden{hint[0]}",
            f"--only {' '.join(options.only)}: no row found{hint[1]}",
        )
    if options.failed_of is not None:
        again = failed_rows(options.failed_of, ledger)
        wanted = [c for c in wanted if (c.connection, c.row.id) in again]
    return wanted
