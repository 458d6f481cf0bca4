"""One connection against the lab, with the counterparty at hand, so that a test can count what arrived."""

import contextlib
from types import SimpleNamespace

import pytest

from harness.binding import Binder
from harness.chain import load
from harness.chaintest import testset
from harness.chaintest.design import lab_design
from harness.chaintest.persons import Person
from harness.engine import Engine
from harness.guard import Guard
from harness.lab import Lab
from harness.lab.ca import Pki
from harness.masking import Masker
from harness.model import Environment
from harness.probes import probe as probes
from harness.rulebook import rulebook
from harness.run import utc_now

SCENARIO = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
[limits]
connect_timeout = 5
read_timeout = {read}
pong_timeout = {pong}
[certificates.tls]
[certificates.sign]
[connections.dut]
system = "{system}"
registries = ["BAG"]
certificates = {{ tls-client = "tls", tls-server = "tls", message-signing = "sign" }}
peer = {{ name = "Voorziening", oin = "00000099000000002000" }}
{extra}
{sides}
"""
SIDES = {
    "lopende-zaken": '[connections.dut.wus]\nservice = "profielservice"\n[connections.dut.ebms]\nprofiles = ["osb-rm"]\n',
    "digipoort": '[connections.dut.wus]\nservice = "digipoort"\noperation = "getStatussenProces"\n',
    "digimelding": '[connections.dut.wus]\nservice = "digimelding"\n',
}


class Watched(Lab):
    """A lab that keeps its counterparties within reach."""

    def __init__(self, pki):
        super().__init__(pki)
        self.parties = {}

    async def start(self, place):
        running = await super().start(place)
        self.parties[place.side] = running.counterparty
        return running


@pytest.fixture(scope="session")
def pki():
    return Pki()


@pytest.fixture
def chain(tmp_path, pki):
    """Open a connection: `async with chain("lopende-zaken", "late-ack") as dut: await dut.run("ebms.send")`."""

    @contextlib.asynccontextmanager
    async def opened(system, *faults, extra="", sides="", read=5, pong=1.2, run="run-1", guard=None):
        file = tmp_path / "chain.toml"
        text = SIDES[system] + sides
        file.write_text(SCENARIO.format(system=system, extra=extra, sides=text, read=read, pong=pong))
        folder = tmp_path / "runs" / run
        (folder / "evidence").mkdir(parents=True, exist_ok=True)
        loaded = load(file)
        async with Watched(pki) as lab:
            link = await Binder(loaded, lab, [f"dut:{fault}" for fault in faults]).bind(loaded.connections[0])
            guards = {e: Guard(e) for e in Environment}
            if guard is not None:  # the lab answers as if it were the environment of the guard
                object.__setattr__(link, "environment", guard.environment)
                guards[guard.environment] = guard
            engine = Engine({"dut": link}, guards, probes.load(), rulebook(), folder=folder, masker=Masker())
            try:
                yield SimpleNamespace(
                    run=lambda probe: engine.result("dut", probe), engine=engine, link=link, lab=lab, folder=folder
                )
            finally:
                await engine.close()

    return opened


@pytest.fixture
def prepared(tmp_path):
    """Write a test set of the lab's design to `set` beside the scenario and return its messages."""

    def made(system="lopende-zaken", bsn="999990019", words=None):
        words = {"oin": "00000099000000001000", "organisatie": "TEST", "ontvanger": "", "registratie": "BAG"} | (
            words or {}
        )
        messages = testset.generate(lab_design(system), [Person(1, bsn)], words, utc_now())
        testset.write(messages, tmp_path / "set", "dut", utc_now())
        return messages

    return made
