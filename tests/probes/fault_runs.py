"""Play TLS configurations of the lab many times and at once, and say which of them did not yield their own rule."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from harness import chain
from harness.binding import Binder
from harness.engine import Engine
from harness.guard import Guard
from harness.lab import COUNTERPARTIES, Lab
from harness.lab.ca import Pki
from harness.lab.faults.tls import CONFIGURATIONS
from harness.lab.server import Reply
from harness.model import Environment
from harness.probes import probe
from harness.rulebook import rulebook

HEAD = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
kind = "overheid"
[certificates.tls]
cert = "lab"
key = "lab"
"""
CONNECTION = """
[connections.{name}]
system = "digimelding"
certificates = {{ tls-client = "tls", tls-server = "tls" }}
anchors = ["lab"]
peer = {{ name = "Digimelding", oin = "00000099000000008000" }}
[connections.{name}.wus]
endpoint = "lab"
wsdl = "lab"
"""
PROBES = ("net.dns", "net.tcp", "net.tls", "net.path", "tls.server", "tls.mutual")
#: Which certificate was agreed stands in a CPA (TLS-012), and these connections have none.
LOUD = {name: config.rule for name, config in CONFIGURATIONS.items() if config.rule not in {"", "TLS-012"}}


class Desk:
    """A counterparty that answers everything with 200."""

    FAULTS: ClassVar = {}

    def __init__(self, place):
        self.hosts = (place.host,)
        self.endpoint = f"https://{place.host}/balie"

    async def start(self):
        pass

    async def stop(self):
        pass

    async def handle(self, request):
        return Reply(200)

    def documents(self):
        return {}


@contextlib.contextmanager
def desk():
    """Let a plain desk stand in for the WUS counterparties."""
    before = COUNTERPARTIES["digimelding", "wus"]
    COUNTERPARTIES["digimelding", "wus"] = f"{__name__}:Desk"
    try:
        yield
    finally:
        COUNTERPARTIES["digimelding", "wus"] = before


def chain_of(names):
    """A scenario with one connection per name."""
    with tempfile.TemporaryDirectory() as folder:
        text = HEAD + "".join(CONNECTION.format(name=name) for name in names)
        Path(folder, "chain.toml").write_text(text)
        return chain.load(Path(folder))


def patient(link):
    """Wait for a slow counterparty one second, and on a busy machine long enough for any other."""
    seconds = 1 if link.name.startswith("slow") else 20
    limits = link.limits.model_copy(update={"connect_timeout": seconds, "read_timeout": seconds})
    return replace(link, limits=limits)


async def play(faults, pki):
    """Probe one connection per fault, all at once; returns {fault: set of rule ids}."""
    loaded = chain_of(faults)
    async with Lab(pki) as lab:
        binder = Binder(loaded, lab, [f"{fault}:{fault}" for fault in faults])
        links = {c.name: patient(await binder.bind(c)) for c in loaded.connections}
        engine = Engine(links, {Environment.LAB: Guard(Environment.LAB)}, probe.load(), rulebook())
        await engine.run([(name, one) for name in links for one in PROBES])
        found = {name: set() for name in links}
        for step, result in engine.results.items():
            found[step.connection] |= {graded.finding.rule for graded in result.findings}
        await engine.close()
    return found


def missed(times, faults=LOUD):
    """Play the faults together, `times` times; returns how often each did not yield its own rule."""
    pki, lost = Pki(), Counter()
    with desk():
        for _ in range(times):
            found = asyncio.run(play(faults, pki))
            lost.update(fault for fault in faults if LOUD[fault] not in found[fault])
    return lost
