"""Serve the lab's counterparties for a user's own software, and hand over what Logius or DICTU would send."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from harness.binding import Binder
from harness.chain import Loaded, load
from harness.errors import OwnFailure, UnusableInput, reason_of
from harness.lab import Lab, check_fault
from harness.lab.ca import Pki
from harness.link import Link
from harness.model import NotRun, Severity, Text, say
from harness.scenario import Connection

SYSTEMS: Final = {
    "msh": ("digikoppeling", "lopende-zaken"),
    "wus": ("digikoppeling", "digipoort", "digimelding"),
    "tvs": ("tvs-direct", "tvs-cluster"),
}


SEVERITIES: Final = {Severity.ERROR: Text("fout", "error"), Severity.WARNING: Text("waarschuwing", "warning")}
NOT_RUN: Final = Text("niet uitgevoerd", "not run")
NO_LOGIN: Final = Text("een gewone login lukt niet", "an ordinary login does not succeed")
SIDES: Final = {"msh": "ebms", "wus": "wus", "tvs": "saml"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A login application to try the routing service on: its login page, its protected page, what that page says."""

    login: str
    protected: str
    marker: str
    log: Path | None = None
    cases: Path | None = None
    logout: str = ""
    refresh: str = ""
    browser: bool = False
    patience: float = 40.0


def serve_lab(
    kind: str,
    scenario: Path,
    connection: str,
    listen: str,
    faults: tuple[str, ...],
    out: Path,
    trial: Trial | None = None,
    own_endpoint: str = "",
    *,
    interactive: bool = False,
) -> int:
    """Serve one connection's counterparties until interrupted, or until a trial has ended; returns the exit code."""
    loaded = load(scenario)
    chosen = _choose(loaded, kind, connection)
    if own_endpoint:
        chosen = _with_endpoint(chosen, own_endpoint)
    _tell_at_the_terminal()
    for fault in faults:
        check_fault(chosen.system, chosen.name, fault)
    try:
        named = tuple(f"{chosen.name}:{f}" for f in faults)
        return asyncio.run(_serve(loaded, chosen, _address(listen), named, out, trial, interactive=interactive))
    except OSError as wrong:
        reason = reason_of(wrong)
        raise OwnFailure(
            f"{listen}: luisteren mislukt ({reason.nl}); kies een ander adres met --listen",
            f"{listen}: cannot listen ({reason.en}); choose another address with --listen",
        ) from None


def _choose(loaded: Loaded, kind: str, name: str) -> Connection:
    systems = SYSTEMS[kind]
    fits = [c for c in loaded.connections if c.system in systems and c.uses_lab and name in ("", c.name)]
    if not fits:
        known = ", ".join(c.name for c in loaded.connections if c.system in systems) or "–"
        raise UnusableInput(
            f"geen verbinding voor lab {kind} die `lab` zegt; mogelijk: {known}",
            f"no connection for lab {kind} that says `lab`; possible: {known}",
        )
    found = min(fits, key=lambda c: systems.index(c.system))
    others = {side: None for side in found.endpoints if side != SIDES[kind]}
    return found.model_copy(update=others)


def _with_endpoint(connection: Connection, url: str) -> Connection:
    """Return the connection with the user's own ebMS address, which then stands in the CPA of the lab."""
    parts = urlsplit(url)
    if connection.ebms is None or parts.scheme != "https" or not parts.hostname:
        raise UnusableInput(
            f"--own-endpoint {url}: geef bij `lab msh` een https-adres, bijvoorbeeld https://localhost:9443/ebms",
            f"--own-endpoint {url}: give an https address with `lab msh`, for example https://localhost:9443/ebms",
        )
    return connection.model_copy(update={"ebms": connection.ebms.model_copy(update={"own_endpoint": url})})


class _Terminal(logging.Handler):
    """Prints what a counterparty received and could not deliver, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        said = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in record.getMessage())
        click.echo(f"{time.strftime('%H:%M:%S')}  {said}")


def _tell_at_the_terminal() -> None:
    events = logging.getLogger("harness.lab.msh")
    events.handlers[:] = [_Terminal()]
    events.setLevel(logging.INFO)
    events.propagate = False


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UnusableInput(
            f"--listen {listen}: schrijf ADRES:POORT, bijvoorbeeld 127.0.0.1:8443",
            f"--listen {listen}: write ADDRESS:PORT, for example 127.0.0.1:8443",
        )
    return host.strip("[]") or "127.0.0.1", int(port)


async def _serve(
    loaded: Loaded,
    connection: Connection,
    address: tuple[str, int],
    faults: tuple[str, ...],
    out: Path,
    trial: Trial | None,
    *,
    interactive: bool,
) -> int:
    async with Lab(await asyncio.to_thread(Pki), address) as lab:
        link = await Binder(loaded, lab, faults).bind(connection)
        for path in _hand_over(link, out):
            click.echo(f"  {path}")
        for side in link.sides:
            host, port = link.address(side)
            click.echo(f"{side}: {link.endpoint(side)}  →  {':'.join(map(str, link.directory.locate(host, port)))}")
        if trial is not None:
            return await _try(lab, link, trial, loaded.scenario.language)
        for running in lab.running:
            if interactive and hasattr(running.counterparty, "interactive"):
                running.counterparty.interactive = True
        click.echo("Ctrl-C stopt het lab / stops the lab")
        await _until_interrupted()
    return 0


async def _try(lab: Lab, link: Link, trial: Trial, lang: str) -> int:
    """Play every answer of the routing service to the application and print what it judged wrongly."""
    from harness.lab.tvs import RoutingService
    from harness.lab.tvs_battery import Application, Battery
    from harness.lab.tvs_browser import browser
    from harness.lab.tvs_cases import cases, read_cases
    from harness.lab.tvs_visitor import plain_visitors
    from harness.rulebook import rulebook

    service = lab.running[-1].counterparty
    if not isinstance(service, RoutingService):
        raise UnusableInput("--try hoort bij `lab tvs`", "--try belongs to `lab tvs`")
    log = trial.log
    app = Application(
        trial.login,
        trial.protected,
        trial.marker,
        lambda: log.read_text("utf-8", "replace") if log else "",
        trial.logout,
        trial.refresh,
        trial.patience,
    )
    chosen = (*cases(), *(read_cases(trial.cases.read_text("utf-8"), str(trial.cases)) if trial.cases else ()))
    book, holes = rulebook(), 0
    async with contextlib.AsyncExitStack() as stack:
        hosts = {host: link.directory.locate(host, 443) for host in service.hosts}
        plain = plain_visitors(link.directory.locate, link.anchors)
        visitors = await stack.enter_async_context(browser(hosts)) if trial.browser else plain
        items = [item async for item in Battery(service, app, visitors).run(chosen)]
    for item in items:
        if isinstance(item, NotRun):
            click.echo(f"{NOT_RUN.of(lang):<16} {item.rule:<14} {say(item.reason, lang)}")
            continue
        severity = book.weigh(item.rule, item.case, {"lab"})
        if severity is None or severity is Severity.INFO:
            continue
        holes += severity is Severity.ERROR
        title = NO_LOGIN if item.case == "sound" else book[item.rule].title
        seen = f"{say(item.observed, lang)} {item.where}".strip()
        click.echo(f"{SEVERITIES[severity].of(lang):<16} {item.rule:<14} {title.of(lang)}  [{seen}]")
    click.echo(Text(f"{len(chosen)} gevallen, {holes} fout", f"{len(chosen)} cases, {holes} wrong").of(lang))
    return 1 if holes else 0


def _hand_over(link: Link, out: Path) -> Iterator[Path]:
    folder = out / link.name
    folder.mkdir(parents=True, exist_ok=True)
    names = {"cpa": "cpa.xml", "metadata": "metadata.xml", "wsdl": "service.wsdl"}
    for kind, data in link.documents.items():
        if not kind.startswith("crl"):
            yield _written(folder / names.get(kind, _file_name(kind)), data)
    yield _written(folder / "anchors.pem", b"".join(link.anchors))
    for role, material in link.materials.items():
        name = role.replace(":", "-")
        yield _written(folder / f"{name}.pem", material.certificate)
        key = folder / f"{name}.key"
        key.touch(mode=0o600)
        yield _written(key, material.key)


def _file_name(kind: str) -> str:
    """Return `cpa-osb-rm.xml` for `cpa[osb-rm]`."""
    name, bracket, rest = kind.partition("[")
    return f"{name}-{rest.rstrip(']')}.xml" if bracket else kind


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()
