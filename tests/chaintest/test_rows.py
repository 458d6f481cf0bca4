"""The rows of the chain test: settled by message evidence and a statement together, open where one of them is missing."""

from datetime import UTC, date, datetime

import pytest

from harness.attestations import Attestation, Ledger
from harness.checklist import ConnectionFacts, rows_for
from harness.model import Environment, Observation, Result, Verdict
from harness.verdicts import row_verdicts

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PREPROD = Environment.PREPROD
SENT = ("nieuwe-zaak-1-p1", "foutbericht-1-p1")


def result(probe, verdict=Verdict.PASS, environment=PREPROD, messages=()):
    observed = tuple(Observation(name, (("bericht", name),)) for name in messages)
    return Result(probe, "dut", verdict, environment, observed=observed)


def said(step, item="", verdict=Verdict.PASS):
    return Attestation(step, "A. Jansen", "tester", date(2026, 11, 26), "gezien", verdict, item=item)


def judge(system, results, says, environment=PREPROD):
    facts = ConnectionFacts("dut", system, environment)
    found = {("dut", r.probe): r for r in results}
    return row_verdicts(rows_for(facts), found, Ledger(tuple(says)), facts, NOW)


LZ = [result(p) for p in ("ebms.ping", "wus.profile", "ebms.mmd", "msg.schema", "msg.samples", "msg.testset")]
LZ_SAID = [
    said(f"LZ-{s}")
    for s in ("4.3.9", "4.3.9a", "5.3.1", "5.3.2a", "5.3.2b", "5.3.2c", "5.3.3a", "5.3.3b", "5.3.3c", "5.3.4")
]
DP = [result(p) for p in ("net.dns", "net.tcp", "net.path", "tls.server", "pki.store", "tls.mutual", "wus.call")]
DM = [
    result(p)
    for p in (
        "net.tcp",
        "tls.mutual",
        "wus.headers",
        "wus.signature",
        "wus.call",
        "pki.fields",
        "pki.chain",
        "pki.validity",
        "pki.keypair",
    )
]


def test_step_three_is_settled_by_messages_and_statements_together():
    rows = judge("lopende-zaken", [*LZ, result("ebms.send", messages=SENT)], LZ_SAID)
    assert [rows[f"LZ-5.3.{n}"].verdict for n in (2, 3, 4)] == [Verdict.PASS] * 3


@pytest.mark.parametrize("step", ["5.3.2a", "5.3.2b", "5.3.2c", "5.3.3a", "5.3.3b", "5.3.3c", "5.3.4"])
def test_step_three_stays_open_without_one_statement(step):
    says = [a for a in LZ_SAID if a.step != f"LZ-{step}"]
    rows = judge("lopende-zaken", [*LZ, result("ebms.send", messages=SENT)], says)
    assert rows[f"LZ-{step}"].verdict in (Verdict.MANUAL, Verdict.NOT_RUN)
    assert rows["LZ-5.5"].verdict not in (Verdict.PASS, Verdict.WARN)


@pytest.mark.parametrize("probe", ["ebms.send", "msg.testset", "msg.schema"])
@pytest.mark.parametrize("verdict", [None, Verdict.NOT_RUN, Verdict.FAIL])
def test_step_three_stays_open_without_message_evidence(probe, verdict):
    results = [r for r in [*LZ, result("ebms.send", messages=SENT)] if r.probe != probe]
    results += [result(probe, verdict)] if verdict else []
    rows = judge("lopende-zaken", results, LZ_SAID)
    part = "LZ-5.3.3b" if probe == "ebms.send" else "LZ-5.3.2a"
    assert rows[part].verdict is (verdict or Verdict.NOT_RUN)
    assert rows["LZ-5.3.4"].verdict is not Verdict.PASS or verdict is Verdict.FAIL


def test_what_only_the_lab_answered_settles_nothing():
    rows = judge("lopende-zaken", [*LZ, result("ebms.send", environment=Environment.LAB, messages=SENT)], LZ_SAID)
    assert rows["LZ-5.3.3b"].verdict is Verdict.NOT_RUN


def test_statements_per_message_name_those_that_lack_one():
    says = [a for a in LZ_SAID if a.step != "LZ-5.3.3c"]
    half = judge("lopende-zaken", [*LZ, result("ebms.send", messages=SENT)], [*says, said("LZ-5.3.3c", SENT[0])])
    whole = judge(
        "lopende-zaken", [*LZ, result("ebms.send", messages=SENT)], [*says, *(said("LZ-5.3.3c", m) for m in SENT)]
    )
    assert half["LZ-5.3.3c"].verdict is Verdict.MANUAL
    assert SENT[1] in half["LZ-5.3.3c"].cause.nl
    assert whole["LZ-5.3.3c"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("system", "row", "base"), [("digipoort", "DP-6", DP), ("digipoort", "DP-7", DP), ("digimelding", "DM-3W.2", DM)]
)
def test_a_read_call_alone_never_settles_a_row_that_asks_for_a_write(system, row, base):
    says = [said(r) for r in ("DP-6", "DP-7") if system == "digipoort"] + [said("DM-3W.2")] * (system == "digimelding")
    only_read = judge(system, base, says)
    written = judge(system, [*base, result("msg.send", messages=("a",))], says)
    unsaid = judge(system, [*base, result("msg.send", messages=("a",))], [])
    refused = judge(system, [*base, result("msg.send", Verdict.NOT_RUN)], says)
    assert only_read[row].verdict is Verdict.NOT_RUN
    assert written[row].verdict is Verdict.PASS, written[row]
    assert unsaid[row].verdict is Verdict.MANUAL
    assert refused[row].verdict is Verdict.NOT_RUN


def test_the_production_run_needs_the_log_of_the_adapter_and_the_consent():
    prod = Environment.PROD
    base = [result("msg.log", environment=prod)]
    assert judge("lopende-zaken", [], [said("LZ-6.3.3")], prod)["LZ-6.3.3"].verdict is Verdict.NOT_RUN
    assert judge("lopende-zaken", base, [], prod)["LZ-6.3.3"].verdict is not Verdict.PASS
    assert judge("lopende-zaken", base, [said("LZ-6.3.3")], prod)["LZ-6.3.3"].verdict is Verdict.PASS
