"""Serve the page for testers on loopback until interrupted, and print the link that lets one browser in."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from aiohttp import web

from harness.chain import load
from harness.errors import OwnFailure, reason_of
from harness.model import Text
from harness.testers.gate import Gate
from harness.testers.site import LINGER, Site
from harness.testers.workplace import Workplace


def serve_testers(scenario: Path, runs: Path, lang: str = "", by: str = "", function: str = "") -> int:
    """Serve the open steps of a scenario until Ctrl-C; returns the exit code."""
    loaded = load(scenario)
    place = Workplace(loaded, runs)
    place.board()
    language = lang or loaded.scenario.language
    try:
        return asyncio.run(_serve(Site(place, Gate(language), by, function), language))
    except OSError as wrong:
        reason = reason_of(wrong)
        raise OwnFailure(
            f"luisteren op 127.0.0.1 mislukt ({reason.nl})", f"cannot listen on 127.0.0.1 ({reason.en})"
        ) from None


@asynccontextmanager
async def listening(site: Site) -> AsyncIterator[Gate]:
    """Listen on a port of the operating system, on loopback only."""
    runner = web.AppRunner(site.app(), access_log=None, lingering_time=LINGER, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.gate.port = runner.addresses[0][1]
        yield site.gate
    finally:
        await runner.cleanup()


async def _serve(site: Site, lang: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with listening(site) as gate:
        click.echo(_link(gate, lang))
        click.echo(_AID.of(lang))
        if sys.stdin.isatty():
            loop.add_reader(sys.stdin, lambda: _on_enter(gate, lang))
        await stop.wait()
    click.echo(_DONE.of(lang))
    return 0


def _on_enter(gate: Gate, lang: str) -> None:
    if sys.stdin.readline():
        click.echo(_link(gate, lang))


_AID = Text(
    "De link werkt één keer; Enter geeft een nieuwe, Ctrl-C stopt. Wat is ingevuld, blijft bewaard.",
    "The link works once; Enter gives a new one, Ctrl-C stops. What was filled in is kept.",
)
_DONE = Text("gestopt; concepten staan in attestations.drafts.json", "stopped; drafts are in attestations.drafts.json")


def _link(gate: Gate, lang: str) -> str:
    return Text(f"Pagina voor testers: {gate.link()}", f"Page for testers: {gate.link()}").of(lang)
