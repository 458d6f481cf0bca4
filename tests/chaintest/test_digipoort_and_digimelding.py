"""Deliveries to Digipoort and reports to Digimelding: once each, followed to their end, each fault with who must act."""

from dataclasses import replace

import pytest

from harness.lab.faults import chain as faults
from harness.model import Verdict

SET = 'messages = "set"\n'
FREE = {
    "status-410": "uitvragende partij", "status-311": "u: ", "status-unfinished": "", "delivery-refused": "u: ",
    "delivery-overloaded": "Logius", "always-delivered": "", "other-message-back": "", "nothing-to-collect": "",
    "report-not-authorised": "basisregistratie", "report-invalid": "u: ", "report-against-agreement": "u: ",
    "report-timeout": "basisregistratie", "report-lost": "", "report-without-reference": "",
}  # fmt: skip


def rules(result):
    return {g.finding.rule for g in result.findings} | {n.rule for n in result.not_run}


def told(result):
    return {dict(o.data)["bericht"]: o.text.nl for o in result.observed if "bericht" in dict(o.data)}


@pytest.mark.parametrize(("system", "count"), [("digipoort", 3), ("digimelding", 1)])
async def test_every_message_is_sent_once_and_followed(chain, system, count):
    async with chain(system) as dut:
        result = await dut.run("msg.send")
    assert result.verdict in (Verdict.PASS, Verdict.WARN), (result.findings, result.cause, result.not_run)
    assert len(told(result)) == count
    assert not any(rule.startswith("MSG") for rule in rules(result))


@pytest.mark.parametrize("fault", sorted({**faults.DELIVERIES, **faults.REPORTS}))
async def test_every_fault_has_its_rule_and_who_must_act(chain, fault):
    system = "digipoort" if fault in faults.DELIVERIES else "digimelding"
    async with chain(system, fault) as dut:
        result = await dut.run("msg.send")
    rule = {**faults.DELIVERIES, **faults.REPORTS}[fault].rule
    assert rule in rules(result), (rules(result), result.cause)
    assert result.verdict in (Verdict.FAIL, Verdict.NOT_RUN)
    who = " ".join(getattr(g.finding.expected, "nl", "") for g in result.findings if g.finding.rule == rule)
    assert FREE[fault] in who


async def test_a_second_run_follows_but_does_not_deliver_again(chain, prepared):
    prepared("digipoort")
    async with chain("digipoort", "status-unfinished", sides=SET) as dut:
        first = await dut.run("msg.send")
        assert len(dut.lab.parties["wus"].deliveries) == 2
        kept = dut.lab.parties["wus"].deliveries
    async with chain("digipoort", sides=SET, run="run-2") as dut:
        dut.lab.parties["wus"].deliveries.update(kept)
        again = await dut.run("msg.send")
        assert dut.lab.parties["wus"].deliveries == kept
    assert "MSG-032" in rules(first)
    assert first.verdict is Verdict.NOT_RUN
    assert again.verdict in (Verdict.PASS, Verdict.WARN), again.findings
    assert "niet opnieuw verzonden" in told(again)["happyflow-1-p1"]


async def test_a_report_is_never_made_twice(chain, prepared):
    prepared("digimelding")
    async with chain("digimelding", sides=SET) as dut:
        await dut.run("msg.send")
        reports = dict(dut.lab.parties["wus"].reports)
    async with chain("digimelding", sides=SET, run="run-2") as dut:
        dut.lab.parties["wus"].reports.update(reports)
        again = await dut.run("msg.send")
        assert dut.lab.parties["wus"].reports == reports
    assert len(reports) == 1
    assert "MSG-025" in rules(again)


async def test_when_the_line_breaks_the_delivery_does_not_go_again(chain, prepared):
    prepared("digipoort")
    async with chain("digipoort", "hang-up-after-request", sides=SET) as dut:
        found = dut.engine.probes["msg.send"]
        dut.engine.probes = {**dut.engine.probes, "msg.send": replace(found, needs=())}
        first = await dut.run("msg.send")
    async with chain("digipoort", sides=SET, run="run-2") as dut:
        again = await dut.run("msg.send")
        marks = {d.mark for d in dut.lab.parties["wus"].deliveries.values()}
    assert {"MSG-024", "MSG-028"} <= rules(first)
    assert "MSG-024" in rules(again)
    assert again.verdict is Verdict.NOT_RUN
    assert marks == {"Afleverfout"}


async def test_a_bsn_that_is_not_on_the_list_keeps_every_delivery_back(chain, prepared, tmp_path):
    message = prepared("digipoort")[1]
    file = tmp_path / "set" / message.file
    file.write_text(file.read_text().replace("KT-", "111222333 KT-"))
    async with chain("digipoort", sides=SET) as dut:
        result = await dut.run("msg.send")
        assert dut.lab.parties["wus"].asked == []
    assert result.verdict is Verdict.NOT_RUN
    assert "niet op de lijst" in result.cause.nl
