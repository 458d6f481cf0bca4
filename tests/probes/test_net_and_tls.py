"""The probes on network and TLS see what a counterparty does, and blame the right thing."""

import asyncio
import json

import pytest

from harness import chain
from harness.binding import Binder
from harness.engine import Engine
from harness.exchange import Exchange, Recorder
from harness.guard import Guard
from harness.lab import COUNTERPARTIES, Lab
from harness.lab.ca import Pki
from harness.lab.faults.tls import CONFIGURATIONS
from harness.masking import Masker
from harness.model import Environment, Severity, Verdict
from harness.probes import probe
from harness.probes.net import early
from harness.probes.probe import Tools
from harness.rulebook import rulebook

CHAIN = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
kind = "overheid"
[certificates.tls]
cert = "lab"
key = "lab"
[connections.digimelding]
system = "digimelding"
certificates = { tls-client = "tls", tls-server = "tls" }
anchors = ["lab"]
peer = { name = "Digimelding", oin = "00000099000000008000" }
[connections.digimelding.wus]
endpoint = "lab"
wsdl = "lab"
"""
NETWORK = ("net.dns", "net.tcp", "net.tls", "net.path", "tls.server", "tls.mutual")


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture
def look(pki, monkeypatch, tmp_path):
    """Return a function that plays one fault and returns the results of the network and TLS probes."""
    monkeypatch.setitem(COUNTERPARTIES, ("digimelding", "wus"), "fault_runs:Desk")
    (tmp_path / "chain.toml").write_text(CHAIN)
    loaded = chain.load(tmp_path / "chain.toml")

    async def run(fault="", **documents):
        wait = 1 if fault.startswith("slow") else 10
        async with Lab(pki) as lab:
            binder = Binder(loaded, lab, [f"digimelding:{fault}"] if fault else [])
            link = await binder.bind(loaded.scenario.connections["digimelding"])
            link = link.__class__(
                **{
                    **link.__dict__,
                    "documents": {**link.documents, **documents},
                    "limits": link.limits.model_copy(update={"connect_timeout": wait, "read_timeout": wait}),
                }
            )
            guards = {Environment.LAB: Guard(Environment.LAB)}
            engine = Engine({"digimelding": link}, guards, probe.load(), rulebook(), folder=None)
            results = {name: await engine.result("digimelding", name) for name in NETWORK}
            await engine.close()
        return results

    return run


def rules(results, severity=None):
    return {
        g.finding.rule
        for result in results.values()
        for g in result.findings
        if severity is None or g.severity is severity
    }


def failed(results):
    return [name for name, result in results.items() if result.verdict is Verdict.FAIL]


async def test_a_good_counterparty_passes_every_probe(look):
    results = await look()
    assert {name: str(result.verdict) for name, result in results.items()} == dict.fromkeys(NETWORK, "pass")
    assert rules(results, Severity.ERROR) == rules(results, Severity.WARNING) == set()


async def test_the_observations_tell_what_was_asked_and_answered(look):
    said = " ".join(str(o.text) for o in (await look())["tls.mutual"].observed)
    assert "TLS 1.2 zonder certificaat: gevraagd; alert 40" in said
    assert "TLS 1.3 zonder certificaat: gevraagd; alert 116" in said
    assert "TLS 1.3 met ons certificaat: gevraagd; HTTP 405" in said


async def test_the_network_overview_has_every_column(look):
    overview = (await look())["net.path"].observed[-1]
    assert {"flow", "direction", "source", "host", "address", "port", "network", "client certificate"} <= set(
        dict(overview.data)
    )


async def test_a_closed_port_fails_one_probe_and_blocks_the_rest(look):
    results = await look("wus-down")
    assert failed(results) == ["net.tcp"]
    assert {results[n].verdict for n in ("net.tls", "net.path", "tls.server", "tls.mutual")} == {Verdict.BLOCKED}


@pytest.mark.parametrize("fault", ["plaintext", "other-service", "slow-handshake", "reset", "hang-up"])
async def test_a_port_without_tls_fails_one_probe_and_blocks_the_rest(look, fault):
    results = await look(fault)
    # An RST may come so soon that the TCP connection itself fails.
    assert failed(results) in ([["net.tls"], ["net.tcp"]] if fault == "reset" else [["net.tls"]])
    assert {results[n].verdict for n in ("net.path", "tls.server", "tls.mutual")} == {Verdict.BLOCKED}


async def test_a_server_that_ignores_our_certificate_is_told_apart_from_one_that_accepts_it(look):
    results = await look("certificate-ignored")
    assert failed(results) == ["tls.mutual"]
    [found] = [g.finding for g in results["tls.mutual"].findings]
    assert found.rule == "MTLS-001"
    assert "genegeerd" in found.observed.nl


async def test_an_untrusted_server_certificate_is_one_failure(look):
    results = await look("expired")
    assert failed(results) == ["tls.server"]
    assert results["tls.mutual"].verdict is Verdict.NOT_RUN
    assert "PKIO-VAL-001" in results["tls.mutual"].cause.nl


def scan(host, **said):
    good = {"TLS1_2": "offered", "TLS1_3": "offered", "TLS1": "not offered"} | said
    rows = [{"id": key, "ip": f"{host}/192.0.2.1", "port": "443", "finding": text} for key, text in good.items()]
    return json.dumps(rows).encode()


HOST = "lab-wus.digimelding.ketentest.test"


async def test_the_scan_of_another_program_is_evidence_and_adds_what_we_did_not_see(look):
    results = await look(**{"scan-oud.json": scan(HOST, TLS1="offered (deprecated)")})
    server = results["tls.server"]
    assert ("TLS-003", f"{HOST}:443 (testssl.sh)") in {(g.finding.rule, g.finding.where) for g in server.findings}
    assert any(e.name.endswith("oud.json") for e in server.evidence)


async def test_a_scan_that_agrees_or_is_about_another_host_changes_nothing(look):
    for data in (scan(HOST), scan("elders.test", TLS1="offered"), b"geen scan"):
        results = await look(**{"scan-x.json": data})
        assert results["tls.server"].verdict is Verdict.PASS


SILENT = [name for name, config in CONFIGURATIONS.items() if not config.rule]


@pytest.mark.parametrize("fault", SILENT)
async def test_nothing_is_said_of_a_server_that_is_merely_different(look, fault):
    results = await look(fault)
    assert not failed(results)


# Which certificate was agreed stands in a CPA (TLS-012), and this connection has none.
LOUD = [name for name, config in CONFIGURATIONS.items() if config.rule not in ("", "TLS-012")]


@pytest.mark.parametrize("fault", LOUD)
async def test_every_lab_configuration_yields_its_own_rule(look, fault):
    assert CONFIGURATIONS[fault].rule in rules(await look(fault))


EBMS = (
    CHAIN.replace('"digimelding"', '"digikoppeling"')
    + """
[connections.digimelding.ebms]
endpoint = "lab"
own_endpoint = "lab"
"""
)


@pytest.fixture
def own_side(pki, monkeypatch, tmp_path):
    """Return a function that looks at our own listener."""
    for side in ("ebms", "wus"):
        monkeypatch.setitem(COUNTERPARTIES, ("digikoppeling", side), "fault_runs:Desk")
    (tmp_path / "chain.toml").write_text(EBMS)
    loaded = chain.load(tmp_path / "chain.toml")

    async def run():
        async with Lab(pki) as lab:
            link = await Binder(loaded, lab).bind(loaded.scenario.connections["digimelding"])
            engine = Engine({"digimelding": link}, {Environment.LAB: Guard(Environment.LAB)}, probe.load(), rulebook())
            result = await engine.result("digimelding", "tls.own")
            await engine.close()
        return result

    return run


async def test_our_own_listener_asks_for_a_certificate_and_refuses_strangers(own_side):
    result = await own_side()
    assert (result.verdict, result.findings) == (Verdict.PASS, ())
    said = " ".join(str(o.text) for o in result.observed)
    assert "TLS 1.3 met ons certificaat: gevraagd; HTTP 405" in said
    assert "met een onbekend certificaat: gevraagd" in said


async def test_our_own_listener_that_asks_nothing_is_our_own_failure(own_side, monkeypatch):
    import ssl

    from harness.link import Link

    asking = Link.server_context

    def careless(link):
        context = asking(link)
        context.verify_mode = ssl.CERT_NONE
        return context

    monkeypatch.setattr(Link, "server_context", careless)
    result = await own_side()
    assert {(g.finding.rule, g.finding.case) for g in result.findings} == {("MTLS-006", "requested")}


@pytest.fixture
def preprod(tmp_path):
    """Return a function that tries the declared production addresses of a connection in pre-production."""

    async def run(*production, environment=Environment.PREPROD):
        text = CHAIN.replace('"lab"\nwsdl = "lab"', '"https://dm.elders.test/x"\nwsdl = ""').replace(
            "certificates = {", "#"
        )
        urls = json.dumps(production)
        text = text.replace('anchors = ["lab"]', f"production = {urls}")
        (tmp_path / "chain.toml").write_text(text)
        loaded = chain.load(tmp_path / "chain.toml")
        link = await Binder(loaded, None).bind(loaded.connections[0])
        guard = Guard(environment)
        tools = Tools(link, Exchange(link, guard, Recorder(None, Masker())), Recorder(None, Masker()), rulebook())
        return [item async for item in early(link, tools)]

    return run


async def test_declared_production_hosts_get_dns_and_tcp_and_not_one_byte(preprod):
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        heard.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        [seen] = await preprod(f"https://127.0.0.1:{port}/x")
        assert await asyncio.wait_for(heard, 5) == b""
    assert dict(seen.data)["flow"] == "production"
    [closed] = await preprod(f"https://127.0.0.1:{port}/x")
    assert (closed.rule, closed.case) == ("NET-002", "early")


async def test_a_lab_run_does_not_go_to_production_addresses(preprod):
    [said] = await preprod("https://dm.productie.test/x", environment=Environment.LAB)
    assert "alleen het lab" in said.text.nl
