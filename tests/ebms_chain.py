"""Run the ebMS probes of one connection against the embedded lab, with the faults that a test asks for."""

from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from harness.binding import Binder
from harness.chain import load
from harness.engine import Engine
from harness.guard import Guard
from harness.lab import Lab
from harness.lab.ca import Pki
from harness.model import Environment
from harness.probes import cpa, ebms  # noqa: F401 - importing registers the probes
from harness.probes.probe import REGISTRY
from harness.rulebook import rulebook

SCENARIO = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
[certificates.tls]
cert = "lab"
key = "lab"
generation = "{generation}"
[certificates.sign]
cert = "lab"
key = "lab"
generation = "{generation}"
[certificates.enc]
cert = "lab"
key = "lab"
generation = "{generation}"
[limits]
read_timeout = {read_timeout}
pong_timeout = {pong_timeout}
[connections.lz]
system = "{system}"
certificates = {{ tls-client = "tls", tls-server = "tls", message-signing = "sign", encryption = "enc" }}
[connections.lz.peer]
name = "Voorziening"
oin = "00000099000000002000"
[connections.lz.wus]
service = "profielservice"
[connections.lz.ebms]
mode = "{mode}"
profiles = [{profiles}]
"""
ALL = ("osb-be", "osb-rm", "osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e")


def scenario(
    folder: Path,
    *,
    mode="async",
    profiles=("osb-rm",),
    system="digikoppeling",
    pong_timeout=30,
    read_timeout=5,
    generation="g1",
):
    path = folder / "chain.toml"
    quoted = ", ".join(f'"{p}"' for p in profiles)
    path.write_text(
        SCENARIO.format(
            mode=mode,
            profiles=quoted,
            system=system,
            pong_timeout=pong_timeout,
            read_timeout=read_timeout,
            generation=generation,
        )
    )
    return load(path)


@asynccontextmanager
async def chain(folder: Path, *faults: str, pki: Pki | None = None, **options):
    """Yield an engine whose ebMS probes need no other probe, on a link to the lab."""
    loaded = scenario(folder, **options)
    async with Lab(pki or Pki()) as lab:
        binder = Binder(loaded, lab, [f"lz:{fault}" for fault in faults])
        connection = loaded.scenario.connections["lz"].model_copy(update={"wus": None})
        link = await binder.bind(connection)
        probes = {name: replace(p, needs=()) for name, p in REGISTRY.items() if p.family in ("ebms", "cpa")}
        guards = {environment: Guard(environment) for environment in Environment}
        engine = Engine(links={"lz": link}, guards=guards, probes=probes, book=rulebook(), folder=None)
        try:
            yield engine
        finally:
            await engine.close()


def rules(result):
    """Return the rule ids of a result with their severities."""
    return {(g.finding.rule, str(g.severity)) for g in result.findings}
