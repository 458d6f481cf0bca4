"""The test period agreed with the counterparty: read from the scenario, and a message outside it is flagged."""

from datetime import UTC, date, datetime, timedelta

import pytest

from harness.chain import load
from harness.engine import Engine
from harness.errors import ScenarioInvalid
from harness.guard import Guard
from harness.link import Link
from harness.model import Environment, Observation, Severity, Text, Verdict
from harness.probes.probe import Probe
from harness.rulebook import rulebook
from harness.scenario import Connection, Limits, Party, Wus
from harness.window import listed, outside, period, periods

SCENARIO = """
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
[connections.lz]
system = "lopende-zaken"
window = {window}
[connections.lz.ebms]
endpoint = "lab"
[connections.lz.wus]
endpoint = "lab"
"""
WEEK = period(date(2026, 11, 23), date(2026, 11, 27))


def scenario(tmp_path, window):
    (tmp_path / "chain.toml").write_text(SCENARIO.format(window=window))
    return load(tmp_path)


@pytest.mark.parametrize(
    ("moment", "late"),
    [
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 27, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 27, 23, 1, tzinfo=UTC), True),
    ],
)
def test_days_begin_and_end_at_midnight_in_amsterdam(moment, late):
    assert outside(moment, [WEEK]) is late


def test_without_periods_nothing_is_outside():
    assert not outside(datetime.now(UTC), [])


def test_any_of_several_periods_will_do():
    other = period(datetime(2026, 12, 1, 9), datetime(2026, 12, 1, 12))  # noqa: DTZ001 - a local time of the scenario
    assert not outside(datetime(2026, 12, 1, 10, tzinfo=UTC), [WEEK, other])
    assert listed([WEEK, other]).nl == "2026-11-23 tot en met 2026-11-27; 2026-12-01 09:00 tot en met 2026-12-01 12:00"


def test_the_run_file_keeps_periods_as_they_were(tmp_path):
    loaded = scenario(tmp_path, "[{ from = 2026-11-23, until = 2026-11-27T17:00:00 }]")
    agreed = [w.period for w in loaded.connections[0].window]
    assert list(periods((p.start.isoformat(), p.end.isoformat()) for p in agreed)) == agreed


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ("[{ from = 2026-11-27, until = 2026-11-23 }]", "wissel from en until om"),
        ('[{ from = "maandag", until = 2026-11-23 }]', "zonder aanhalingstekens"),
        ("[{ from = 2026-11-27 }]", "until: ontbreekt"),
    ],
)
def test_a_mistake_in_a_period_is_one_sentence(tmp_path, window, sentence):
    with pytest.raises(ScenarioInvalid, match=sentence) as caught:
        scenario(tmp_path, window)
    assert len(caught.value.mistakes) == 1


def engine(days, guard="message", probe_id="ebms.send", environment=Environment.PREPROD):
    now = datetime.now(UTC)
    window = ({"from": now - timedelta(days=3), "until": now - timedelta(days=days)},)
    connection = Connection(
        name="lz", system="lopende-zaken", wus=Wus(endpoint="https://lab-wus.lz.ketentest.test/"), window=window
    )
    link = Link(connection, Party(name="P", oin="00000099000000001000"), environment, Limits())

    async def run(link, tools):
        yield Observation("sent")

    probe = Probe(probe_id, run, Text("x", "x"), guard=guard, side="wus")
    guards = {e: Guard(e, ("lab-wus.lz.ketentest.test",)) for e in Environment}
    return Engine({"lz": link}, guards, {probe_id: probe}, rulebook())


@pytest.mark.parametrize(("days", "verdict"), [(1, Verdict.WARN), (-1, Verdict.PASS)])
async def test_a_message_outside_the_period_is_a_remark(days, verdict):
    result = await engine(days).result("lz", "ebms.send")
    assert result.verdict is verdict
    assert [g.finding.rule for g in result.findings] == ["CONF-040"] * (days > 0)


async def test_a_ping_outside_the_period_is_only_told_and_a_handshake_is_free():
    ping = await engine(1, probe_id="ebms.ping").result("lz", "ebms.ping")
    assert (ping.verdict, ping.findings[0].severity) == (Verdict.PASS, Severity.INFO)
    assert (await engine(1, guard="connect").result("lz", "ebms.send")).findings == ()


async def test_the_lab_is_always_open():
    assert (await engine(1, environment=Environment.LAB).result("lz", "ebms.send")).findings == ()


def test_the_report_prints_the_period_and_the_messages_outside_it():
    from dataclasses import replace

    from harness.model import Finding, Graded, Result
    from harness.report.build import build
    from harness.run import ConnectionInfo, Run, RunInfo

    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    info = ConnectionInfo(
        "lz", "lopende-zaken", Environment.PREPROD, "P", "00000099000000001000", "overheid",
        window=((WEEK.start.isoformat(), WEEK.end.isoformat()),),
    )  # fmt: skip
    sent = Result("ebms.send", "lz", Verdict.WARN, Environment.PREPROD, started=now)
    sent = replace(sent, findings=(Graded(Finding("CONF-040"), Severity.WARNING),))
    run = Run(RunInfo("id", now, "0", "", "", "chain.toml", "ab", connections=(info,)), (sent,), ended=now)
    steps = [s for c in build(run, now=now).connections for p in c.phases for s in p.steps]
    told = dict(next(s for s in steps if s.id == "LZ-5.3.3a").data)
    assert told["Afgesproken periode"] == "2026-11-23 tot en met 2026-11-27"
    assert told["Buiten de periode"].startswith("ebms.send (30 november 2026")
