"""What is next, for whom, what blocks it, and when it is due."""

from datetime import UTC, date, datetime

from harness.agenda import due, plan
from harness.attestations import Attestation, Ledger
from harness.checklist import ConnectionFacts, catalogue, rows_for
from harness.model import Environment, Result, Verdict
from harness.verdicts import row_verdicts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOW.date()


def agenda(system, *results, says=(), environment=Environment.PREPROD, **facts):
    connection = ConnectionFacts("c", system, environment, **facts)
    rows = rows_for(connection)
    found = {("c", p): Result(p, "c", v, Environment.PREPROD) for p, v in results}
    return plan(rows, row_verdicts(rows, found, Ledger(tuple(says)), connection, NOW), connection, NOW)


def said(step, day, verdict=Verdict.PASS):
    return Attestation(step, "A", "tester", day, "gezien", verdict)


def todo(items, row):
    return next(item for item in items if item.row == row)


def test_what_failed_comes_first_and_says_what_it_unblocks():
    found = agenda(
        "lopende-zaken", ("ebms.ping", Verdict.FAIL), ("ebms.mmd", Verdict.PASS), ("wus.profile", Verdict.PASS)
    )
    first = found.now[0]
    assert (first.row, first.who) == ("LZ-4.3.9a", "technisch specialist & projectleider")
    assert {"LZ-5.3.3b", "LZ-5.3.3c"} <= set(first.unblocks)


def test_what_is_blocked_names_what_blocks_it():
    found = agenda(
        "lopende-zaken", ("ebms.ping", Verdict.FAIL), ("ebms.mmd", Verdict.PASS), ("wus.profile", Verdict.PASS)
    )
    assert todo(found.blocked, "LZ-5.3.3b").blocked_by == ("LZ-4.3.9a",)


def test_a_step_that_only_sums_up_is_no_work():
    found = agenda("lopende-zaken")
    assert not {t.row for t in found.now} & {"LZ-3.3.2", "LZ-3.5", "LZ-4.3.9", "LZ-4.5"}


def test_lopende_zaken_4_3_4_logius_answers_within_five_working_days_after_approval():
    found = agenda("lopende-zaken", says=[said("LZ-4.3.4z", date(2026, 11, 16))])
    item = todo(found.waiting, "LZ-4.3.4a")
    assert (item.since, item.workdays_waited, item.due, item.overdue) == (
        date(2026, 11, 16),
        4,
        date(2026, 11, 23),
        False,
    )


def test_lopende_zaken_bijlage_1_the_application_is_judged_in_two_weeks_and_the_cpa_in_one():
    says = [said("LZ-4.3.4", date(2026, 11, 2)), said("LZ-4.3.8c", date(2026, 11, 9))]
    found = agenda("lopende-zaken", says=says)
    assert todo(found.waiting, "LZ-4.3.4z").due == date(2026, 11, 16)
    assert todo(found.waiting, "LZ-4.3.8d").due == date(2026, 11, 16)
    assert todo(found.waiting, "LZ-4.3.8d").overdue


def test_lopende_zaken_bijlage_1_logius_judges_the_test_report_in_one_week():
    found = agenda("lopende-zaken", says=[said("LZ-5.3.4", date(2026, 11, 20))])
    assert todo(found.waiting, "LZ-5.3.4a").due == date(2026, 11, 27)


def test_lopende_zaken_bijlage_1_lead_times_are_told():
    lead = {row.id: row.lead_time.nl for row in catalogue().values() if row.lead_time.nl}
    assert "3 tot 4 maanden" in lead["LZ-3.3.1"]
    assert "5 weken" in lead["LZ-4.3.4"]
    assert "2 weken" in lead["LZ-5.3.1"]
    assert "2,5 week" in lead["LZ-6.3.1"]


def test_tvs_step_7_dictu_activates_within_five_working_days_after_approval():
    found = agenda("tvs-cluster", says=[said("TC-7", date(2026, 11, 18), Verdict.WAITING)], environment=Environment.LAB)
    assert due(catalogue()["TC-7"], date(2026, 11, 18), None, TODAY) == date(2026, 11, 25)
    assert todo((*found.now, *found.waiting, *found.blocked), "TC-7").verdict is not Verdict.PASS


def test_tvs_step_13_the_assessment_is_due_two_months_after_activation():
    row = catalogue()["TC-13b"]
    assert due(row, None, date(2026, 12, 31), TODAY) == date(2027, 2, 28)
    assert due(row, None, None, TODAY) is None


def test_tvs_step_13_the_yearly_repeat_falls_in_january_to_may_of_the_next_year():
    row = catalogue()["TC-13c"]
    assert due(row, None, date(2026, 9, 1), TODAY) == date(2027, 5, 31)
    assert due(row, None, date(2024, 9, 1), date(2026, 6, 1)) == date(2027, 5, 31)
    assert due(row, None, date(2024, 9, 1), date(2026, 5, 31)) == date(2026, 5, 31)


def test_production_steps_stand_apart_until_their_phase():
    found = agenda("tvs-direct", activated=date(2026, 11, 1))
    assert {t.row for t in found.later} >= {"TD-9a", "TD-12a"}
    assert todo(found.deadlines, "TD-12a").due == date(2027, 1, 1)


def test_the_grey_boxes_of_a_supplier_are_no_work():
    found = agenda("lopende-zaken", kind="leverancier", supplier_connection=True)
    assert not {t.row for t in (*found.now, *found.later)} & {"LZ-3.3.1", "LZ-3.3.4", "LZ-6.3.3"}


def test_lopende_zaken_3_3_3_diginetwerk_warns_of_a_longer_lead_time():
    def lead(network):
        return todo(agenda("lopende-zaken", network=network).now, "LZ-3.3.3").lead_time.nl

    assert lead("diginetwerk").startswith("Diginetwerk verlengt")
    assert lead("internet") == ""


def test_digipoort_a_connection_usually_takes_two_to_three_months():
    assert (
        todo(agenda("digipoort").now, "DP-1f").lead_time.nl
        == "Een aansluittraject duurt doorgaans twee tot drie maanden."
    )


def test_a_step_that_another_connection_settles_is_work_while_that_connection_is_missing():
    assert todo(agenda("lopende-zaken").now, "LZ-4.3.1").what.nl.startswith("komt van DK-6")


def test_lopende_zaken_5_3_4_the_test_report_waits_for_its_steps():
    found = agenda(
        "lopende-zaken", ("ebms.ping", Verdict.PASS), ("ebms.mmd", Verdict.PASS), ("wus.profile", Verdict.PASS)
    )
    assert "LZ-5.3.1" in todo(found.blocked, "LZ-5.3.4").blocked_by
