"""Each item of somebody else's checklist is answered from the run and from what people declared."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from harness.attestations import Attestation, Ledger, Waiver
from harness.crosswalk.answers import answers, astray
from harness.crosswalk.items import Crosswalk, Item
from harness.model import Environment, Finding, Graded, NotRun, Result, Severity, Verdict
from harness.run import ConnectionInfo, Run, RunInfo

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LZ = ConnectionInfo(
    "lopende-zaken", "lopende-zaken", Environment.PREPROD, "Voorbeeldstad", "00000099000000002000", "overheid"
)
TVS = replace(LZ, name="tvs", system="tvs-direct", kind="zorgaanbieder")


def run(*results, connections=(LZ,)):
    info = RunInfo(
        "20261121-1200-abcd", NOW, "0.1.0", "2026-11", "2026-11", "chain.toml", "ab" * 32, connections=connections
    )
    return Run(info, results, ended=NOW)


def result(probe, verdict=Verdict.PASS, **more):
    return replace(Result(probe, "lopende-zaken", verdict, Environment.PREPROD), **more)


def said(step, verdict=Verdict.PASS, **more):
    return Attestation(step, "A. Jansen", "tester", date(2026, 11, 20), "Gezien.", verdict, **more)


def one(item, *results, ledger=None, **more):
    crosswalk = Crosswalk("lijst", (item,))
    return answers(crosswalk, run(*results, **more), ledger or Ledger(), NOW)[0]


def step(number, *steps, **more):
    return Item(number, "iets", steps=steps, **more)


def error(rule):
    return (Graded(Finding(rule), Severity.ERROR),)


def test_an_item_without_steps_and_rules_has_no_verdict():
    assert one(Item("9", "iets")).verdict is None


def test_an_item_has_the_worst_verdict_of_its_steps():
    passed, failed = result("ebms.ping"), result("wus.profile", Verdict.FAIL, findings=error("RUN-001"))
    assert one(step("1", "LZ-4.3.9b"), passed, failed).verdict.verdict is Verdict.FAIL
    assert one(step("1", "LZ-4.3.9a", "LZ-4.3.9b"), passed, failed).verdict.verdict is Verdict.FAIL


def test_a_step_of_a_system_that_the_run_does_not_have_is_not_run():
    answer = one(step("1", "TD-7"))
    assert answer.verdict.verdict is Verdict.NOT_RUN
    assert "geen aansluiting" in answer.verdict.cause.nl


def test_an_item_bound_to_one_connection_looks_at_no_other():
    item = step("1", "LZ-5.3.3a", connection="tweede")
    both = (LZ, replace(LZ, name="tweede"))
    ledger = Ledger((said("LZ-5.3.3a", connection="lopende-zaken"),))
    assert one(item, ledger=ledger, connections=both).verdict.verdict is Verdict.MANUAL
    assert [name for name, _ in one(replace(item, connection=""), ledger=ledger, connections=both).parts] == [
        "lopende-zaken",
        "tweede",
    ]


def test_a_result_of_the_lab_passes_an_item_without_settling_it():
    lab = replace(LZ, environment=Environment.LAB)
    found = one(step("1", "LZ-4.3.9b"), result("wus.profile", environment=Environment.LAB), connections=(lab,))
    assert found.verdict.lab
    assert not found.verdict.settles


@pytest.mark.parametrize(
    "item", [Item("1", "x", rules=("CPA-012",)), Item("1", "x", steps=("LZ-4.3.8a",), rules=("CPA-012",))]
)
def test_a_rule_that_was_broken_fails_the_item(item):
    broken = result("cpa.agreement", Verdict.FAIL, findings=error("CPA-012"))
    found = one(item, broken)
    assert found.verdict.verdict is Verdict.FAIL
    assert [g.finding.rule for g in found.verdict.findings] == ["CPA-012"]


def test_a_rule_passes_only_when_a_probe_evaluated_it():
    item = Item("1", "x", rules=("CPA-012",))
    assert one(item, result("cpa.agreement", data=(("judged", "CPA-001 CPA-012"),))).verdict.verdict is Verdict.PASS
    assert one(item, result("cpa.agreement")).verdict.verdict is Verdict.NOT_RUN
    assert one(item).verdict.verdict is Verdict.NOT_RUN


def test_a_rule_that_could_not_be_judged_says_why():
    found = one(
        Item("1", "x", rules=("PKIO-REV-004",)), result("pki.chain", not_run=(NotRun("PKIO-REV-004", "geen CRL"),))
    )
    assert (found.verdict.verdict, found.verdict.cause) == (Verdict.NOT_RUN, "geen CRL")


def test_a_rule_of_the_wire_leaves_the_verdict_to_the_steps_and_asks_for_one():
    from harness.rulebook import rulebook

    rule = next(r.id for r in rulebook().rules.values() if r.settled_by == "wire")
    ping = result("wus.profile")
    assert one(Item("1", "x", steps=("LZ-4.3.9b",), rules=(rule,)), ping).verdict.verdict is Verdict.PASS
    assert "stap" in one(Item("1", "x", rules=(rule,)), ping).verdict.cause.nl


def test_a_waiver_turns_a_broken_rule_into_a_remark_until_its_end():
    item, broken = Item("1", "x", rules=("CPA-012",)), result("cpa.agreement", Verdict.FAIL, findings=error("CPA-012"))

    def waived(until):
        return one(item, broken, ledger=Ledger(waivers=(Waiver("CPA-012", "besteld", "PL", until),)))

    assert waived(date(2026, 12, 1)).verdict.verdict is Verdict.WARN
    assert waived(date(2026, 11, 1)).verdict.verdict is Verdict.FAIL


def test_a_statement_about_an_item_counts_for_that_item_only():
    items = (step("2.1", "LZ-5.3.3a"), step("2.2", "LZ-5.3.3a"), step("2.3", "LZ-5.3.3a"))
    ledger = Ledger((said("LZ-5.3.3a", item="2.1"), said("LZ-5.3.3a", Verdict.FAIL, item="2.2")))
    found = answers(Crosswalk("lijst", items), run(), ledger, NOW)
    assert [a.verdict.verdict for a in found] == [Verdict.PASS, Verdict.FAIL, Verdict.MANUAL]


def test_a_statement_about_the_step_counts_for_every_item_without_its_own():
    items = (step("2.1", "LZ-5.3.3a"), step("2.2", "LZ-5.3.3a"))
    ledger = Ledger((said("LZ-5.3.3a"), said("LZ-5.3.3a", Verdict.WARN, item="2.2")))
    found = answers(Crosswalk("lijst", items), run(), ledger, NOW)
    assert [a.verdict.verdict for a in found] == [Verdict.PASS, Verdict.WARN]


def test_the_step_itself_is_the_worst_of_its_items():
    ledger = Ledger((said("LZ-5.3.3a", item="2.1"), said("LZ-5.3.3a", Verdict.WARN, item="2.2")))
    assert one(step("alles", "LZ-5.3.3a"), ledger=ledger).verdict.verdict is Verdict.MANUAL
    from harness.checklist import rows_for
    from harness.facts import facts_of
    from harness.verdicts import row_verdicts

    facts = facts_of(LZ)
    assert row_verdicts(rows_for(facts), {}, ledger, facts, NOW)["LZ-5.3.3a"].verdict is Verdict.WARN


def test_an_item_whose_evidence_expired_keeps_the_step_open():
    from harness.checklist import rows_for
    from harness.facts import facts_of
    from harness.verdicts import row_verdicts

    gone = said("LZ-5.3.3a", item="2.2", expires=date(2026, 11, 20))
    facts = facts_of(LZ)
    found = row_verdicts(rows_for(facts), {}, Ledger((said("LZ-5.3.3a", item="2.1"), gone)), facts, NOW)["LZ-5.3.3a"]
    assert found.verdict is Verdict.MANUAL
    assert "2.2" in found.cause.nl


def test_statements_for_numbers_that_the_checklist_does_not_have_are_listed():
    crosswalk = Crosswalk("lijst", (step("2.1", "LZ-5.3.3a"),))
    assert astray(crosswalk, Ledger((said("LZ-5.3.3a", item="2.9"), said("LZ-5.3.3a", item="2.1")))) == ("2.9",)
