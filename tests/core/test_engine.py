"""The engine: what is needed runs first and once, a failure blocks with its cause, our own failures are `error`."""

import asyncio

import pytest

from harness.engine import Engine, Step
from harness.errors import Refused
from harness.exchange import TransportFailed
from harness.guard import Guard
from harness.link import Link
from harness.model import Environment, Finding, Observation, Text, Verdict
from harness.probes.probe import NotApplicable, NotPossible, Probe
from harness.rulebook import Rulebook, read_catalogue
from harness.scenario import Connection, Limits, Party, Wus

RULES = """
[T-001]
severity = "error"
title = { nl = "Kapot", en = "Broken" }
source = { document = "test" }
[T-002]
severity = { default = "warning", lab = "off" }
title = { nl = "Let op", en = "Mind" }
source = { document = "test" }
[NET-002]
severity = "error"
title = { nl = "Geen verbinding", en = "No connection" }
source = { document = "test" }
"""


def link(name="dp", endpoint="https://lab-wus.dp.ketentest.test/x", environment=Environment.LAB):
    connection = Connection(name=name, system="digipoort", wus=Wus(endpoint=endpoint), environment="preprod")
    return Link(connection, Party(name="P", oin="00000099000000001000"), environment, Limits())


def probe(probe_id, *items, needs=(), raises=None, **kwargs):
    calls = []

    async def run(link, tools):
        calls.append(tools.side)
        for item in items:
            yield item
        if raises is not None:
            raise raises

    made = Probe(probe_id, run, Text(probe_id, probe_id), needs, **kwargs)
    object.__setattr__(made, "title", Text(probe_id, probe_id))
    return made, calls


@pytest.fixture
def engine():
    """Return an engine over fake probes and one or more links."""

    def make(*probes, links=None, **options):
        links = links or {"dp": link()}
        guards = {environment: Guard(environment) for environment in Environment}
        book = Rulebook(read_catalogue(RULES, "test"))
        return Engine(links, guards, {p.id: p for p in probes}, book, **options)

    return make


async def test_a_probe_without_findings_passes(engine):
    made, _ = probe("a.b", Observation("11 ms"))
    result = await engine(made).result("dp", "a.b")
    assert result.verdict is Verdict.PASS
    assert result.observed[0].text == "11 ms"


async def test_the_rulebook_weighs_and_drops(engine):
    made, _ = probe("a.b", Finding("T-002"))
    assert (await engine(made).result("dp", "a.b")).findings == ()
    assert (
        await engine(made, links={"dp": link(environment=Environment.PREPROD)}).result("dp", "a.b")
    ).verdict is Verdict.WARN


async def test_a_failure_blocks_what_needs_it_with_its_first_cause(engine):
    first, _ = probe("net.tcp", Finding("T-001"), scope="endpoint")
    second, calls2 = probe("tls.mutual", needs=("net.tcp",), scope="endpoint")
    third, calls3 = probe("wus.call", needs=("tls.mutual",), side="wus")
    made = engine(first, second, third)
    result = await made.result("dp", "wus.call[be]")
    assert result.verdict is Verdict.BLOCKED
    assert "T-001" in result.cause.nl
    assert not calls2
    assert not calls3
    assert made.results[Step("dp", "net.tcp", "wus")].verdict is Verdict.FAIL


async def test_a_probe_runs_once_however_many_rows_name_it(engine):
    base, calls = probe("net.tcp", scope="endpoint")
    one, _ = probe("a.b", needs=("net.tcp",))
    two, _ = probe("a.c", needs=("net.tcp",))
    made = engine(base, one, two)
    await made.run([("dp", "a.b"), ("dp", "a.c"), ("dp", "net.tcp"), ("dp", "a.*")])
    assert calls == ["wus"]


@pytest.mark.parametrize(
    ("raised", "verdict", "said"),
    [
        (NotPossible("geen WSDL", "no WSDL"), Verdict.NOT_RUN, "geen WSDL"),
        (NotApplicable("geen portaal", "no portal"), Verdict.SKIP, "geen portaal"),
        (Refused("mag niet", "not allowed"), Verdict.NOT_RUN, "mag niet"),
        (ZeroDivisionError("x"), Verdict.ERROR, "fout in testgereedschap"),
    ],
)
async def test_what_a_probe_raises_becomes_a_verdict_with_its_cause(engine, raised, verdict, said):
    made, _ = probe("a.b", raises=raised)
    result = await engine(made).result("dp", "a.b")
    assert result.verdict is verdict
    assert said in result.cause.nl


async def test_no_connection_is_a_finding_of_the_line(engine):
    made, _ = probe("a.b", raises=TransportFailed("connect", "a:443", "refused"))
    result = await engine(made).result("dp", "a.b")
    assert result.verdict is Verdict.FAIL
    assert result.findings[0].finding.rule == "NET-002"


async def test_offline_runs_files_only(engine):
    file_probe, _ = probe("pki.fields")
    line_probe, calls = probe("net.dns", guard="connect", scope="endpoint")
    made = engine(file_probe, line_probe, offline=True)
    await made.run([("dp", "pki.fields"), ("dp", "net.dns")])
    assert made.rolled("dp", "pki.fields").verdict is Verdict.PASS
    assert made.rolled("dp", "net.dns").verdict is Verdict.NOT_RUN
    assert not calls


async def test_a_probe_that_does_not_exist_is_not_run(engine):
    result = await engine().result("dp", "x.y")
    assert result.verdict is Verdict.NOT_RUN
    assert dict(result.data)["why"] == "not-built"


async def test_a_host_that_is_not_allowed_is_refused_before_the_probe_starts(engine):
    made, calls = probe("net.tcp", guard="connect", scope="endpoint")
    links = {"dp": link(endpoint="https://evil.example/x", environment=Environment.PREPROD)}
    result = await engine(made, links=links).result("dp", "net.tcp")
    assert result.verdict is Verdict.NOT_RUN
    assert "evil.example" in result.cause.nl
    assert not calls


async def test_connections_run_side_by_side_and_probes_of_one_connection_in_turn(engine):
    busy, most = {}, {}

    async def run(link, tools):
        busy[link.name] = busy.get(link.name, 0) + 1
        most[link.name] = max(most.get(link.name, 0), busy[link.name])
        most["all"] = max(most.get("all", 0), sum(busy.values()))
        await asyncio.sleep(0.02)
        busy[link.name] -= 1
        yield Observation("x")

    probes = [Probe(f"a.{n}", run, Text("a", "a")) for n in range(3)]
    links = {name: link(name) for name in ("one", "two", "three")}
    await engine(*probes, links=links).run([(name, p.id) for name in links for p in probes])
    assert most["one"] == most["two"] == 1
    assert most["all"] == 3


async def test_a_bsn_in_a_finding_is_masked(engine):
    made, _ = probe("a.b", Finding("T-001", observed="bsn 999990019"), Observation(Text("999990019", "999990019")))
    result = await engine(made).result("dp", "a.b")
    assert "999990019" not in repr(result)
