"""Nothing leaves without two consents, inside the period, to a known test host, about test persons; never to production."""

import asyncio
import shutil
import socket
from dataclasses import replace

import pytest

from harness.chain import load
from harness.choice import Options
from harness.errors import UnusableInput
from harness.front import Session
from harness.guard import CAP, Guard
from harness.model import Environment, Verdict
from tests.conftest import ROOT

HOSTS = {
    "lopende-zaken": "lab-ebms.dut.ketentest.test",
    "digipoort": "lab-wus.dut.ketentest.test",
    "digimelding": "lab-wus.dut.ketentest.test",
}
PROBE = {"lopende-zaken": "ebms.send", "digipoort": "msg.send", "digimelding": "msg.send"}
EXTRA = 'allow_write = true\ntest_bsns = "file:bsns.txt"\nwindow = [{ from = 2020-01-01, until = 2099-12-31 }]\n'
INPUT = """[aanleveren]
identiteitBelanghebbende = { nummer = "001000044B37", type = "Fi" }
rolBelanghebbende = "Bedrijf"
autorisatieAdres = "http://geenausp.nl"
"""
DM = "http://webservices.digimelding.nl/dmks/cookiebox/"
SCHEMAS = f'schemas = "{ROOT}/harness/schemas/lab-messages/xsd"\nmessages = "set"\n'


def guard_for(system, environment=Environment.PREPROD, **consents):
    return Guard(environment, (HOSTS[system],), **{"allow_write": True, "allow_production": True} | consents)


def bare(engine, name):
    """The probe without what it needs first, so that only its own packets are counted."""
    engine.probes = {**engine.probes, name: replace(engine.probes[name], needs=())}


async def attempt(chain, prepared, tmp_path, system, *, guard, extra=EXTRA, bsn="999990019", listed="999990019"):
    prepared(system, bsn)
    (tmp_path / "bsns.txt").write_text(listed)
    async with chain(system, extra=extra, sides=SCHEMAS, guard=guard) as dut:
        bare(dut.engine, PROBE[system])
        result = await dut.run(PROBE[system])
        party = dut.lab.parties["ebms" if system == "lopende-zaken" else "wus"]
        heard = party.memory.answers if system == "lopende-zaken" else party.asked
        return result, len(heard)


REFUSALS = {
    "no consent on the command line": ({"guard": {"allow_write": False}}, "twee toestemmingen"),
    "no consent in the scenario": ({"extra": EXTRA.replace("true", "false")}, "twee toestemmingen"),
    "no consent at all": ({"guard": {"allow_write": False}, "extra": EXTRA.replace("true", "false")}, "twee toestemmingen"),
    "an unknown host": ({"guard": {"allowed": ()}}, "staat niet op de lijst"),
    "a production host in a preprod scenario": ({"guard": {"allowed": (), "environment": Environment.COMPLIANCE}}, "staat niet op de lijst"),
    "production with every consent": ({"guard": {"environment": Environment.PROD}}, "naar productie gaat nooit een bericht"),
    "production with a consent too few": ({"guard": {"environment": Environment.PROD, "allow_production": False}}, "--allow-production"),
    "a person who is not on the list": ({"bsn": "111222333"}, "niet op de lijst met test-BSN"),
    "outside the agreed period": ({"extra": EXTRA.replace("2099-12-31", "2020-02-01")}, "buiten de afgesproken periode"),
}  # fmt: skip


# The report that the lab takes for Digimelding is about no person.
WHERE = [
    (system, reason)
    for system in ("lopende-zaken", "digimelding")
    for reason in REFUSALS
    if system != "digimelding" or not reason.startswith("a person")
]


@pytest.mark.parametrize(("system", "reason"), WHERE)
async def test_it_is_refused_before_a_packet_leaves(chain, prepared, tmp_path, system, reason):
    changes, said = REFUSALS[reason]
    options = dict(changes)
    guard = guard_for(system)
    for key, value in options.pop("guard", {}).items():
        setattr(guard, key, value)
    result, heard = await attempt(chain, prepared, tmp_path, system, guard=guard, **options)
    assert result.verdict is Verdict.NOT_RUN, result.findings
    assert said in result.cause.nl
    assert heard == 0


async def test_lopende_zaken_asks_for_a_period_and_a_list_of_persons(chain, prepared, tmp_path):
    for extra, said in (
        (EXTRA.replace("window", "# window"), "geen afgesproken periode"),
        (EXTRA.replace("test_bsns", "# test_bsns"), "geen lijst met test-BSN"),
    ):
        for file in (tmp_path / "set").glob("*"):
            file.unlink()
        result, heard = await attempt(
            chain, prepared, tmp_path, "lopende-zaken", guard=guard_for("lopende-zaken"), extra=extra
        )
        assert result.verdict is Verdict.NOT_RUN
        assert said in result.cause.nl
        assert heard == 0


def as_in_preproduction(tmp_path, system):
    """What a user has there: WSDLs and XSDs in files, an input with his identity, whole requests to Digimelding."""
    shutil.copytree(ROOT / "harness/lab/wsdl", tmp_path / "wsdl")
    shutil.copytree(ROOT / "harness/schemas/lab-messages/xsd", tmp_path / "xsd")
    shutil.copy(ROOT / "harness/lab/wsdl/digimelding-dmks-1.3.xsd", tmp_path / "xsd")
    sides = 'schemas = "xsd"\nmessages = "set"\n'
    if system == "digipoort":
        (tmp_path / "invoer.toml").write_text(INPUT)
        sides += 'input = "invoer.toml"\n'
        for name, service in (("submit", "aanleverservice"), ("collect", "ophaalservice")):
            address = f"https://{HOSTS[system]}/wus/2.0/{service}/1.2"
            sides += (
                f'[connections.dut.wus.{name}]\nendpoint = "{address}"\nwsdl = "wsdl/digipoort-{service}-1.2.wsdl"\n'
            )
    if system == "digimelding":
        for file in (tmp_path / "set").glob("*.xml"):
            inner = file.read_text().partition("?>")[2]
            file.write_text(
                f'<AnnotatieToevoegenRequest xmlns="{DM}"><OinBasisregistratie>00000099000000002000</OinBasisregistratie><Annotatie>{inner}</Annotatie></AnnotatieToevoegenRequest>'
            )
    return sides


@pytest.mark.parametrize("system", ["lopende-zaken", "digipoort", "digimelding"])
async def test_with_every_consent_the_messages_leave(chain, prepared, tmp_path, system, monkeypatch):
    monkeypatch.setattr("harness.guard.CAP", replace(CAP, spacing=0.01))
    monkeypatch.setattr("harness.probes.msg_wus.PAUSE", 0.01)
    prepared(system)
    (tmp_path / "bsns.txt").write_text("999990019")
    sides = as_in_preproduction(tmp_path, system)
    async with chain(system, extra=EXTRA, sides=sides, guard=guard_for(system)) as dut:
        bare(dut.engine, PROBE[system])
        result = await dut.run(PROBE[system])
        party = dut.lab.parties["ebms" if system == "lopende-zaken" else "wus"]
        arrived = {
            "lopende-zaken": lambda: party.memory.delivered,
            "digipoort": lambda: party.deliveries,
            "digimelding": lambda: party.reports,
        }
        count = len(arrived[system]())
    assert result.verdict in (Verdict.PASS, Verdict.WARN), (result.cause, result.findings, result.not_run)
    assert count == {"lopende-zaken": 6, "digipoort": 2, "digimelding": 1}[system]
    assert (tmp_path / "verzonden.jsonl").is_file()


async def test_an_annotation_that_is_no_request_of_the_wsdl_stays_home(chain, prepared, tmp_path):
    result, heard = await attempt(chain, prepared, tmp_path, "digimelding", guard=guard_for("digimelding"))
    assert "AnnotatieToevoegenRequest" in result.cause.nl
    assert heard == 0


async def test_more_than_the_cap_of_a_run_waits_for_the_next(chain, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.guard.CAP", replace(CAP, spacing=0.01, calls_per_run=4))
    (tmp_path / "bsns.txt").write_text("999990019")
    prepared("lopende-zaken")
    sent = []
    for run in ("run-1", "run-2"):
        async with chain("lopende-zaken", extra=EXTRA, sides=SCHEMAS, guard=guard_for("lopende-zaken"), run=run) as dut:
            bare(dut.engine, "ebms.send")
            result = await dut.run("ebms.send")
            sent.append([m.message_id for m in dut.lab.parties["ebms"].memory.delivered])
    assert [len(ids) for ids in sent] == [4, 2]
    assert not {n.rule for n in result.not_run} & {"MSG-028"}


# --- production --------------------------------------------------------------------------------------------------------


class Socketless:
    """Records every attempt to reach somebody."""

    def __init__(self, monkeypatch):
        self.tried = []
        loop = asyncio.BaseEventLoop
        monkeypatch.setattr(loop, "getaddrinfo", self._async("getaddrinfo"))
        monkeypatch.setattr(loop, "create_connection", self._async("create_connection"))
        monkeypatch.setattr(socket.socket, "connect", self._plain("connect"))
        monkeypatch.setattr(socket.socket, "connect_ex", self._plain("connect_ex"))
        monkeypatch.setattr(socket.socket, "sendto", self._plain("sendto"))
        monkeypatch.setattr(socket, "getaddrinfo", self._plain("getaddrinfo"))

    def _async(self, name):
        async def attempt(loop, *given, **more):
            self.tried.append((name, given))
            raise OSError("geen netwerk in deze test")

        return attempt

    def _plain(self, name):
        def attempt(*given, **more):
            self.tried.append((name, given))
            raise OSError("geen netwerk in deze test")

        return attempt


@pytest.mark.parametrize("consent", [False, True])
async def test_the_production_scenario_as_cloned_refuses_and_opens_no_socket(tmp_path, monkeypatch, consent):
    net = Socketless(monkeypatch)
    loaded = load(ROOT / "scenarios" / "productie")
    with pytest.raises(UnusableInput, match="Er is niets verstuurd" if consent else "--allow-production"):
        async with Session(loaded, Options(runs=tmp_path, allow_production=consent)):
            pass
    assert net.tried == []


async def test_production_with_its_hosts_filled_in_still_needs_the_consent(tmp_path, monkeypatch):
    net = Socketless(monkeypatch)
    with pytest.raises(UnusableInput, match="--allow-production"):
        async with Session(filled_in(tmp_path), Options(runs=tmp_path, allow_write=True)):
            pass
    assert net.tried == []


async def test_production_with_both_consents_shakes_hands_and_sends_no_message(tmp_path, monkeypatch):
    net = Socketless(monkeypatch)
    loaded = filled_in(tmp_path)
    async with Session(loaded, Options(runs=tmp_path, allow_production=True, allow_write=True)) as session:
        for connection in loaded.connections:
            await session.bind(connection.name)
        reaching = [n for n, p in session.engine.probes.items() if p.guard in ("message", "write")]
        for name in reaching:
            bare(session.engine, name)
        net.tried.clear()
        for connection in loaded.connections:
            for name in reaching:
                result = await session.result(connection.name, name)
                assert result.verdict in (Verdict.NOT_RUN, Verdict.SKIP), (connection.name, name, result)
        assert net.tried == []
        await session.result("lopende-zaken", "net.dns")
    assert {name for name, _ in net.tried} >= {"getaddrinfo"}


def filled_in(tmp_path):
    folder = tmp_path / "productie"
    folder.mkdir()
    text = (ROOT / "scenarios/productie/chain.toml").read_text()
    hosts = {line.split("/")[2] for line in text.splitlines() if "https://" in line and "endpoint" in line}
    listed = ", ".join(f'"{host}"' for host in sorted(hosts))
    (folder / "chain.toml").write_text(text.replace("prod = []", f"prod = [{listed}]"))
    return load(folder)
