"""A row's verdict: what probes and people settle, what blocks, and what the lab never settles."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attestations import Attestation, Ledger, Waiver
from harness.checklist import ConnectionFacts, Mode, catalogue, rows_for
from harness.model import Environment, Finding, Graded, Result, Severity, Verdict, roll_up
from harness.outcome import WhyNot, step_verdict
from harness.verdicts import chain_verdicts, row_verdicts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PREPROD, LAB, PROD = Environment.PREPROD, Environment.LAB, Environment.PROD
VERDICTS = st.sampled_from([v for v in Verdict if v is not Verdict.SKIP])


def result(probe, verdict=Verdict.PASS, environment=PREPROD, rules=(), severity=Severity.ERROR, **more):
    findings = tuple(Graded(Finding(rule), severity) for rule in rules)
    return Result(probe, "c", verdict, environment, findings=findings, **more)


def said(step, verdict=Verdict.PASS, day=date(2026, 11, 20), **more):
    return Attestation(step, "A. Jansen", "tester", day, "gezien", verdict, **more)


def judge(system, *results, says=(), waivers=(), environment=PREPROD, built=None, **facts):
    connection = ConnectionFacts("c", system, environment, **facts)
    found = {("c", r.probe): r for r in results}
    return row_verdicts(rows_for(connection), found, Ledger(tuple(says), tuple(waivers)), connection, NOW, built=built)


def test_a_ping_that_came_back_passes_its_row():
    found = judge("lopende-zaken", result("ebms.ping"), result("ebms.mmd"))["LZ-4.3.9a"]
    assert (found.verdict, found.lab, found.settles) == (Verdict.PASS, False, True)


def test_a_ping_without_pong_fails_its_row_and_blocks_the_chain_test():
    found = judge("lopende-zaken", result("ebms.ping", Verdict.FAIL, rules=["PONG-012"]), result("ebms.mmd"))
    assert found["LZ-4.3.9a"].verdict is Verdict.FAIL
    assert found["LZ-4.3.9"].because == ("LZ-4.3.9a",)
    assert found["LZ-5.3.3"].verdict is Verdict.BLOCKED
    assert "LZ-4.3.9a" in found["LZ-5.3.3"].cause.nl
    assert not found["LZ-5.3.3"].findings


def test_no_pong_is_a_remark_in_the_compliance_step_and_a_failure_in_the_chain():
    silent = result("ebms.ping", Verdict.FAIL, rules=["PONG-012"])
    assert judge("digikoppeling", silent)["DK-8.P"].verdict is Verdict.WARN
    assert judge("lopende-zaken", silent, result("ebms.mmd"))["LZ-4.3.9a"].verdict is Verdict.FAIL


def test_the_lab_shows_its_verdict_and_settles_nothing():
    found = judge("lopende-zaken", result("wus.profile", environment=LAB), environment=LAB)["LZ-4.3.9b"]
    assert (found.verdict, found.lab, found.settles) == (Verdict.PASS, True, False)


def test_a_lab_result_does_not_count_in_a_preproduction_run():
    found = judge("lopende-zaken", result("wus.profile", environment=LAB))["LZ-4.3.9b"]
    assert (found.verdict, found.why) == (Verdict.NOT_RUN, WhyNot.ONLY_LAB)


def test_a_statement_is_not_of_the_lab_even_when_a_probe_beside_it_was():
    found = judge("lopende-zaken", result("config.lint", environment=LAB), says=[said("LZ-5.3.1")], environment=LAB)
    assert (found["LZ-5.3.1"].verdict, found["LZ-5.3.1"].lab) == (Verdict.PASS, False)


def test_a_production_result_settles_no_preproduction_row():
    found = judge("lopende-zaken", result("wus.profile", environment=PROD), environment=PROD)["LZ-4.3.9b"]
    assert (found.verdict, found.why) == (Verdict.NOT_RUN, WhyNot.NOT_SELECTED)


def test_a_production_row_belongs_to_a_later_phase_in_preproduction():
    found = judge("lopende-zaken", result("net.dns"), result("net.tcp"))["LZ-6.3.1"]
    assert (found.verdict, found.why) == (Verdict.NOT_RUN, WhyNot.LATER_PHASE)


def test_a_step_of_a_later_phase_that_was_declared_early_counts():
    assert judge("lopende-zaken", says=[said("LZ-6.3.6")])["LZ-6.3.6"].verdict is Verdict.PASS


@pytest.mark.parametrize("why", list(WhyNot))
def test_a_row_that_did_not_run_has_exactly_one_cause(why):
    skipped = result("wus.profile", Verdict.NOT_RUN, data=(("why", str(why)),))
    found = judge("lopende-zaken", skipped)["LZ-4.3.9b"]
    assert (found.verdict, found.why, found.cause) == (Verdict.NOT_RUN, why, why.text)


def test_a_probe_that_does_not_exist_says_not_built_and_one_that_was_left_out_says_not_selected():
    assert judge("lopende-zaken", built={"ebms.ping"})["LZ-4.3.9b"].why is WhyNot.NOT_BUILT
    assert judge("lopende-zaken", built={"wus.profile"})["LZ-4.3.9b"].why is WhyNot.NOT_SELECTED


def test_a_hybrid_row_needs_its_probe_and_its_evidence():
    alone = judge("lopende-zaken", result("cpa.agreement"))["LZ-4.3.8e"]
    both = judge("lopende-zaken", result("cpa.agreement"), says=[said("LZ-4.3.8e")])["LZ-4.3.8e"]
    only = judge("lopende-zaken", says=[said("LZ-4.3.8e")])["LZ-4.3.8e"]
    assert [alone.verdict, both.verdict, only.verdict] == [Verdict.MANUAL, Verdict.PASS, Verdict.NOT_RUN]


def test_an_oin_is_probed_for_its_form_and_declared_for_its_registration():
    found = judge("lopende-zaken", result("identity.oin"))["LZ-3.3.7"]
    assert found.verdict is Verdict.MANUAL
    assert found.cause == catalogue()["LZ-3.3.7"].evidence


def test_a_probe_without_a_role_is_settled_by_the_plain_id_or_by_all_roles():
    certificate = [result(p) for p in ("pki.chain", "pki.keypair", "pki.separation")]
    plain = judge("digikoppeling", *certificate, result("pki.fields"), result("pki.fields[tls-server]", Verdict.FAIL))
    roles = judge("digikoppeling", *certificate, result("pki.fields[a]"), result("pki.fields[b]", Verdict.WARN))
    assert [plain["DK-5"].verdict, roles["DK-5"].verdict] == [Verdict.PASS, Verdict.WARN]


def test_the_signing_role_of_the_steps_is_the_message_signing_role_of_the_certificates():
    found = judge("tvs-direct", result("pki.fields[message-signing]"))["TD-5c"]
    assert found.verdict is Verdict.PASS


def test_a_wildcard_takes_every_probe_of_its_family():
    says = [said("DK-L.2")]
    mixed = judge(
        "digikoppeling", result("pki.chain"), result("pki.validity", Verdict.FAIL), result("tls.mutual"), says=says
    )
    assert mixed["DK-L.2"].verdict is Verdict.FAIL


def test_evidence_replaces_a_ping_that_the_adapter_must_send():
    assert judge("lopende-zaken", says=[said("LZ-4.3.9a")])["LZ-4.3.9a"].verdict is Verdict.PASS


def test_evidence_never_overrules_a_ping_that_failed():
    failed = result("ebms.ping", Verdict.FAIL, rules=["PONG-012"])
    assert judge("lopende-zaken", failed, says=[said("LZ-4.3.9a")])["LZ-4.3.9a"].verdict is Verdict.FAIL


def test_a_declaration_that_a_probe_contradicts_fails():
    found = judge("tvs-cluster", result("config.lint", Verdict.FAIL, rules=["CONF-005"]), says=[said("TC-1c")])
    assert found["TC-1c"].verdict is Verdict.FAIL


def test_a_mistake_in_the_scenario_fails_only_the_row_it_is_about():
    found = judge("digimelding", result("config.lint", Verdict.FAIL, rules=["CONF-001"]), registries=("BAG",))
    assert [row for row, v in found.items() if v.verdict is Verdict.FAIL] == ["DM-1.3", "DM-1.3a"]


def test_fewer_than_two_providers_block_the_delivery_and_not_the_application_for_preproduction():
    found = judge("tvs-cluster", result("config.lint", Verdict.FAIL, rules=["CONF-005"]))
    assert {row for row, v in found.items() if v.verdict is Verdict.BLOCKED} >= {"TC-6a", "TC-6b", "TC-6c"}
    assert found["TC-6a"].because == ("TC-1c",)
    assert found["TC-4"].verdict is Verdict.MANUAL


def test_the_knowledge_of_a_self_builder_is_declared_whatever_the_probe_says():
    found = judge(
        "digipoort", result("wus.signature", Verdict.FAIL), says=[said("DP-Z.d")], digipoort_role="zelfbouwer"
    )
    assert found["DP-Z.d"].verdict is Verdict.PASS
    assert found["DP-Z.d"].results[0].probe == "wus.signature"


def test_what_the_scenario_declares_needs_no_statement():
    found = judge("digimelding", kind="overheid", channels=frozenset({"webservice"}))
    assert found["DM-0b"].cause.nl == "in het scenario: webservice"
    assert found["DM-0b"].verdict is Verdict.PASS


def test_a_waiting_row_knows_since_when_from_the_step_before_it():
    says = [said("LZ-4.3.4", day=date(2026, 11, 2)), said("LZ-4.3.4z", day=date(2026, 11, 9))]
    found = judge("lopende-zaken", says=says)
    assert (found["LZ-4.3.4a"].verdict, found["LZ-4.3.4a"].since) == (Verdict.WAITING, date(2026, 11, 9))


def test_a_waiting_row_whose_step_before_is_open_says_what_starts_it():
    found = judge("lopende-zaken")["LZ-5.3.4a"]
    assert (found.verdict, found.since) == (Verdict.WAITING, None)
    assert "LZ-5.3.4" in found.cause.nl


def test_a_rejected_test_report_fails_the_row_of_logius_and_the_step():
    found = judge("lopende-zaken", says=[said("LZ-5.3.4a", Verdict.FAIL)])
    assert [found["LZ-5.3.4a"].verdict, found["LZ-5.5"].verdict] == [Verdict.FAIL, Verdict.FAIL]


def test_a_statement_under_an_annex_number_settles_its_chapter():
    assert judge("lopende-zaken", says=[said("LZ-B1.vi")])["LZ-3.3.5"].verdict is Verdict.PASS


def test_the_newest_statement_counts():
    says = [said("LZ-5.4", Verdict.FAIL, date(2026, 11, 1)), said("LZ-5.4", day=date(2026, 11, 2))]
    assert judge("lopende-zaken", says=says)["LZ-5.4"].verdict is Verdict.PASS


def test_an_expired_statement_waits_for_evidence_again():
    found = judge("lopende-zaken", says=[said("LZ-5.4", expires=date(2026, 11, 20))])["LZ-5.4"]
    assert found.verdict is Verdict.MANUAL
    assert found.cause.nl == "het bewijs is verlopen op 20 november 2026"


@pytest.mark.parametrize("state", ["changed", "missing"])
def test_evidence_that_changed_or_vanished_fails(state):
    assert judge("lopende-zaken", says=[said("LZ-5.4", state=state)])["LZ-5.4"].verdict is Verdict.FAIL


def test_only_an_optional_step_can_be_declared_not_applicable():
    found = judge("lopende-zaken", says=[said("LZ-4.3.8x", Verdict.SKIP), said("LZ-5.4", Verdict.SKIP)])
    assert [found["LZ-4.3.8x"].verdict, found["LZ-5.4"].verdict] == [Verdict.SKIP, Verdict.MANUAL]


def test_a_statement_about_another_connection_counts_nothing_here():
    assert judge("lopende-zaken", says=[said("LZ-5.4", connection="d")])["LZ-5.4"].verdict is Verdict.MANUAL


def test_a_waiver_turns_a_failure_into_a_remark_until_its_last_day():
    failed = result("wus.profile", Verdict.FAIL, rules=["WUS-SOAP-001"])
    lasting = Waiver("WUS-SOAP-001", "afgesproken", "projectleider", date(2026, 11, 21))
    past = Waiver("WUS-SOAP-001", "afgesproken", "projectleider", date(2026, 11, 20))
    waived = judge("lopende-zaken", failed, waivers=[lasting])["LZ-4.3.9b"]
    assert (waived.verdict, waived.waived) == (Verdict.WARN, ("WUS-SOAP-001",))
    assert judge("lopende-zaken", failed, waivers=[past])["LZ-4.3.9b"].verdict is Verdict.FAIL


def test_a_test_report_waits_until_its_steps_have_a_result():
    early = judge("lopende-zaken", says=[said("LZ-5.3.4")])["LZ-5.3.4"]
    assert (early.verdict, early.why) == (Verdict.BLOCKED, None) or early.why is WhyNot.INPUT_MISSING
    done = [said(f"LZ-5.3.{n}") for n in ("1", "2a", "2b", "2c", "3a", "3b", "3c", "4")]
    probes = [
        result(p)
        for p in ("msg.schema", "msg.samples", "msg.testset", "ebms.send", "ebms.ping", "ebms.mmd", "wus.profile")
    ]
    assert judge("lopende-zaken", *probes, says=done)["LZ-5.3.4"].verdict is Verdict.PASS


def test_the_cap_of_requests_holds_in_every_run_that_sent_something():
    assert judge("lopende-zaken", result("net.tcp"))["LZ-4.4.4b"].verdict is Verdict.PASS
    assert judge("lopende-zaken")["LZ-4.4.4b"].verdict is Verdict.NOT_RUN


def test_compliance_steps_of_lopende_zaken_take_the_verdict_of_the_digikoppeling_connection():
    dk = ConnectionFacts("dk", "digikoppeling", PREPROD)
    lz = ConnectionFacts("lz", "lopende-zaken", PREPROD)
    results = {("dk", p): Result(p, "dk", Verdict.PASS, PREPROD) for p in ("net.dns", "net.tcp", "tls.mutual")}
    found = chain_verdicts({lz: rows_for(lz), dk: rows_for(dk)}, results, Ledger(), NOW)
    assert found["lz"]["LZ-4.3.1"].verdict is Verdict.PASS
    assert list(found) == ["lz", "dk"]


def test_without_a_digikoppeling_connection_the_compliance_steps_miss_their_input():
    found = judge("lopende-zaken")["LZ-4.3.1"]
    assert (found.verdict, found.why) == (Verdict.NOT_RUN, WhyNot.INPUT_MISSING)


def test_an_informative_row_has_no_verdict_and_an_alias_has_the_one_of_its_chapter():
    found = judge("lopende-zaken", result("wus.profile"), result("ebms.ping"), result("ebms.mmd"))
    assert "LZ-B1.ix" not in found
    assert found["LZ-B2.x"].verdict is found["LZ-4.3.9"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    "system", ["digimelding", "digipoort", "digikoppeling", "lopende-zaken", "tvs-cluster", "tvs-direct"]
)
def test_without_results_and_statements_nothing_is_green(system):
    found = judge(system, environment=LAB)
    assert not {row for row, v in found.items() if v.verdict in (Verdict.PASS, Verdict.WARN)}
    assert all(v.why for v in found.values() if v.verdict is Verdict.NOT_RUN)


def test_lead_times_and_grey_boxes_do_not_settle_a_row():
    found = judge("lopende-zaken", says=[said("LZ-3.3.1")], supplier_connection=True)["LZ-3.3.1"]
    assert (found.verdict, found.own_consideration) == (Verdict.SKIP, True)
    assert found.attestations


@given(st.lists(VERDICTS, min_size=1, max_size=8), st.randoms())
def test_a_roll_up_does_not_depend_on_the_order(verdicts, chance):
    shuffled = verdicts[:]
    chance.shuffle(shuffled)
    assert roll_up(verdicts) is roll_up(shuffled)


@given(st.lists(VERDICTS), st.lists(VERDICTS))
def test_a_roll_up_of_roll_ups_is_the_roll_up_of_all(left, right):
    assert roll_up([roll_up(left), roll_up(right)]) is roll_up(left + right)


@given(st.lists(VERDICTS, min_size=1))
def test_rows_that_do_not_apply_drop_out_of_a_roll_up(verdicts):
    assert roll_up([*verdicts, Verdict.SKIP]) is roll_up(verdicts)
    assert roll_up([Verdict.SKIP]) is Verdict.SKIP


@given(st.dictionaries(st.sampled_from(sorted({p for r in catalogue().values() for p in r.probes})), VERDICTS))
def test_a_step_is_never_better_than_the_rows_under_it(verdicts):
    results = [result(probe, verdict) for probe, verdict in verdicts.items()]
    found = judge("lopende-zaken", *results)
    for row_id, parts in {
        "LZ-4.3.9": ("LZ-4.3.9a", "LZ-4.3.9b"),
        "LZ-4.3.8": tuple(f"LZ-4.3.8{c}" for c in "abcde"),
    }.items():
        assert roll_up([found[row_id].verdict, *(found[p].verdict for p in parts)]) is found[row_id].verdict


@given(st.dictionaries(st.sampled_from(sorted({p for r in catalogue().values() for p in r.probes})), VERDICTS))
def test_a_blocked_row_names_its_cause_and_repeats_no_finding(verdicts):
    results = [
        result(probe, verdict, rules=["R-1"] if verdict is Verdict.FAIL else ()) for probe, verdict in verdicts.items()
    ]
    for system in ("lopende-zaken", "tvs-cluster", "digipoort"):
        for row, found in judge(system, *results).items():
            assert found.verdict is not Verdict.BLOCKED or (found.because and found.cause is not None), row


def test_every_mode_is_seen_by_a_verdict():
    seen = {catalogue()[row].mode for row in judge("lopende-zaken")} | {
        catalogue()[row].mode for row in judge("tvs-direct")
    }
    assert seen == set(Mode) - {Mode.INFORMATIVE}


def test_a_step_over_rows_takes_the_cause_of_the_worst():
    found = judge("lopende-zaken", result("ebms.ping", Verdict.FAIL, cause="geen Pong"), result("ebms.mmd"))
    step = step_verdict("stap", [found["LZ-4.3.9a"], found["LZ-4.3.9b"]])
    assert (step.verdict, step.cause, step.because) == (Verdict.FAIL, "geen Pong", ("LZ-4.3.9a",))
