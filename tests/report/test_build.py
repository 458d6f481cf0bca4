"""What the report says: conclusion, what now, verdicts, declaration, details, comparison."""

from dataclasses import replace
from datetime import date, timedelta

import dossier
import pytest

from harness.attestations import Declaration, Ledger, Waiver
from harness.checklist import catalogue
from harness.errors import UnusableInput
from harness.model import Environment, Observation, Text, Verdict
from harness.report import markdown
from harness.report.build import build
from harness.run import merge

PATH = "uit 10.0.0.12 via gw.gemeente.local naar 93.184.216.34"


def report(run, **options):
    return build(run, now=dossier.NOW, book=dossier.BOOK, **options)


def steps(report_, connection="digipoort"):
    chapter = next(c for c in report_.connections if c.name == connection)
    return {s.id: s for p in chapter.phases if p.scored for s in p.steps}


def test_a_red_run_says_in_one_sentence_what_failed_and_what_waits_for_it():
    found = report(dossier.red())
    assert found.conclusion.mark.key == "fail"
    assert found.conclusion.sentence.startswith("2 stappen niet geslaagd, 3 stappen geblokkeerd")
    assert "De ketenpartner weigert ons certificaat (PKIO-CHAIN-009)" in found.conclusion.explanation[0]


def test_what_now_begins_with_the_failure_its_owner_and_what_continues():
    first = report(dossier.red()).todo[0]
    assert first.what.startswith("Voeg de tussenliggende certificaten toe")
    assert first.who == "eigen beheer"
    assert "DP-6" in first.unblocks
    assert first.finding == "B1"


def test_what_now_names_at_most_seven_points_and_counts_the_rest():
    found = report(dossier.municipal())
    assert len(found.todo) == 7
    assert found.todo_rest > 0


def test_a_finding_has_its_six_lines_in_both_languages():
    for lang, why in (("nl", "Waarschijnlijke oorzaak"), ("en", "Likely cause")):
        finding = report(dossier.red(), lang=lang).findings[0]
        assert finding.why.startswith(why)
        assert all((finding.observed, finding.expected, finding.remedy, finding.who, finding.source))


def test_three_questions_are_answered_apart():
    answers = {q.label: q.mark.key for q in report(dossier.red()).connections[0].questions}
    assert answers == {"bereikbaar": "pass", "antwoordt": "fail", "conform": "blocked"}


def test_a_link_without_an_answer_does_not_conform():
    chapter = report(dossier.municipal()).connections[0]
    assert [q.mark.key for q in chapter.questions] == ["pass", "fail", "not-run"]


def test_the_path_stops_where_it_fails():
    lane = report(dossier.red()).connections[0].lanes[0]
    assert [stage.mark.key for stage in lane.stages] == ["pass", "pass", "pass", "fail", "not-run"]
    assert lane.stages[3].note == "PKIO-CHAIN-009"


def test_the_path_in_the_lab_has_the_sign_of_the_lab_and_not_the_green_one():
    made = report(dossier.lab())
    stages = [stage for lane in made.connections[0].lanes for stage in lane.stages]
    assert {stage.mark.key for stage in stages} == {"lab"}
    assert "tegen het ingebouwde lab" in stages[0].mark.word
    assert {v.mark.key for v in made.validities} <= {"lab", "warn", "fail"}


def test_every_row_of_the_catalogue_is_there_and_a_skipped_one_has_its_reason():
    found = steps(report(dossier.red()))
    assert set(found) == {row for row, r in catalogue().items() if r.procedure == "digipoort"}
    assert found["DP-0a"].mark.key == "skip"
    assert found["DP-0a"].seen


def test_a_blocked_row_names_its_cause_and_a_manual_row_what_is_needed():
    found = steps(report(dossier.red()))
    assert found["DP-6"].mark.key == "blocked"
    assert found["DP-6"].seen[0].startswith("Oorzaak: ")
    assert found["DP-2"].seen[0].startswith("Nodig: ")


def test_a_failed_row_shows_observed_expected_remedy_finding_time_and_evidence():
    row = steps(report(dossier.red()))["DP-4b"]
    assert "waargenomen TLS-alert 48" in row.seen[0]
    assert "verwacht eindcertificaat" in row.seen[0]
    assert row.seen[1].startswith("Herstel: ")
    assert row.findings == ("B1",)
    assert "20:42:10" in row.basis
    assert row.evidence == (dossier.DIGEST,)


def test_a_row_prints_what_its_probe_measured_by_name():
    found = report(dossier.municipal(), connections=["lopende-zaken"])
    row = steps(found, "lopende-zaken")["LZ-4.3.8e"]
    assert dict(row.data)["CPAId"] == "Voorbeeldstad-LZ-1"
    assert "b7" * 32 in {d.sha256 for d in found.documents}


def test_a_waiting_row_says_on_whom_and_since_when():
    found = steps(report(dossier.municipal(), attestations=dossier.ledger()), "lopende-zaken")
    assert found["LZ-4.3.4a"].mark.word == "wacht op Logius sinds 9 november 2026"


def test_annex_numbers_stand_beside_the_chapter_numbers():
    found = steps(report(dossier.municipal()), "lopende-zaken")
    assert found["LZ-3.3.1"].also == ("LZ-B1.i",)
    assert found["LZ-B1.i"].see == ("LZ-3.3.1",)


def test_a_run_against_the_lab_is_an_exercise_that_nobody_can_sign():
    everyone = Ledger(declarations=(Declaration("Bea de Wit", "projectleider", date(2026, 11, 21)),))
    found = report(dossier.lab(), attestations=everyone)
    assert found.title == "Oefenrapport ketentest"
    assert found.draft
    assert not found.declarations
    passed = [s.mark.text for s in steps(found).values() if s.mark.key == "lab"]
    assert set(passed) == {"geslaagd tegen het ingebouwde lab – geen bewijs voor Logius/DICTU"}
    assert "pass" not in {c.key for c in found.counts}


def test_a_lab_result_settles_no_preproduction_row():
    mixed = dossier.run([dossier.connection()], dossier.lab().results)
    found = steps(report(mixed))
    assert found["DP-4"].mark.key not in ("pass", "lab")
    assert report(mixed).exercise


def test_a_report_is_a_draft_until_somebody_declared_for_each_connection():
    run = dossier.municipal()
    assert report(run).draft
    assert report(run, attestations=dossier.signed(connection_name="digipoort")).draft
    declared = report(run, attestations=dossier.signed(), reader="logius")
    assert not declared.draft
    assert declared.declarations[0].by == "Bea de Wit"


def test_a_declaration_from_before_the_run_is_about_something_else():
    said = Declaration("Bea de Wit", "projectleider", date(2026, 11, 20))
    found = report(dossier.red(), attestations=Ledger(declarations=(said,)), reader="logius")
    assert found.draft
    assert found.undeclared.startswith("De verklaring van Bea de Wit op 20 november 2026 is ouder dan deze run;")
    assert "ouder dan deze run" in "".join(markdown.render(found))
    hidden = report(dossier.red(), attestations=Ledger(declarations=(said,)), reader="logius", detail="technisch")
    assert "Bea de Wit" not in hidden.undeclared


def test_a_declaration_for_another_reader_does_not_count():
    said = Declaration("Bea de Wit", "projectleider", date(2026, 11, 21), reader="dictu")
    assert report(dossier.red(), attestations=Ledger(declarations=(said,)), reader="logius").draft


def test_one_reader_gets_only_his_systems():
    run = dossier.run([dossier.connection(), dossier.connection("zorg", "tvs-direct", kind="zorgaanbieder")], ())
    assert [c.name for c in report(run, reader="logius").connections] == ["digipoort"]
    assert [c.name for c in report(run, reader="dictu").connections] == ["zorg"]
    assert [c.name for c in report(run).connections] == ["digipoort", "zorg"]


def test_an_unknown_connection_or_phase_is_one_sentence_with_the_choices():
    with pytest.raises(UnusableInput, match="kies uit digipoort"):
        report(dossier.red(), connections=["digipost"])
    with pytest.raises(UnusableInput, match="Aansluitstap 4"):
        report(dossier.red(), phase="negen")
    with pytest.raises(UnusableInput, match="dictu"):
        report(dossier.red(), reader="dictu")


def test_a_phase_is_chosen_by_number_or_name():
    for phase in ("2", "2 Aansluiten preproductie"):
        found = report(dossier.municipal(), connections=["lopende-zaken"], phase=phase)
        assert all(i.startswith(("LZ-4", "LZ-B2")) for i in steps(found, "lopende-zaken"))


def test_technisch_leaves_out_people_and_internal_addresses():
    run = dossier.run(
        [dossier.connection()],
        [dossier.result("net.tcp", Verdict.FAIL, findings=(dossier.graded("NET-002", observed=PATH),))],
    )
    told = Ledger(declarations=(Declaration("Bea de Wit", "projectleider", date(2026, 11, 21)),))
    for detail, shown in (("volledig", True), ("technisch", False)):
        text = repr(report(run, attestations=told, detail=detail))
        for secret in ("10.0.0.12", "gw.gemeente.local", "Bea de Wit", "Anna van Voorbeeld"):
            assert (secret in text) is shown
        assert "93.184.216.34" in text


def test_a_waiver_turns_a_failure_into_a_remark_and_is_listed():
    waiver = Waiver("PKIO-CHAIN-009", "Afgesproken met Logius.", "projectleider", date(2026, 12, 1))
    found = report(dossier.red(), attestations=Ledger(waivers=(waiver,)))
    finding = next(f for f in found.findings if f.rule == "PKIO-CHAIN-009")
    assert finding.mark.key == "warn"
    assert finding.waived == "1 december 2026"
    assert found.deviations[0].mark.word == "gebruikt"


def test_an_expired_waiver_is_a_failure():
    found = report(dossier.municipal(), attestations=dossier.ledger())
    assert "WVR-001" in {f.rule for f in found.findings if f.mark.key == "fail"}
    assert {d.rule: d.mark.word for d in found.deviations}["PONG-001"] == "verlopen"


def test_one_cause_on_many_connections_is_one_finding():
    names = [f"kantoor-{n}" for n in range(12)]
    run = dossier.run([dossier.connection(n) for n in names], [r for n in names for r in dossier.digipoort_results(n)])
    failing = [f for f in report(run).findings if f.mark.key == "fail"]
    assert len(failing) == 1
    assert failing[0].connections == tuple(names)


def test_our_own_failure_is_never_the_counterpartys():
    broken = dossier.result("wus.call", Verdict.ERROR, cause=Text("fout: KeyError", "error: KeyError"))
    found = report(dossier.run([dossier.connection()], [broken]))
    assert found.conclusion.mark.key == "error"
    assert "zegt niets over de ketenpartner" in found.conclusion.explanation[0]
    assert found.findings[0].who == "de tester"


def test_a_rule_that_did_not_run_is_listed_with_its_reason():
    found = report(dossier.red())
    assert [(u.reason, u.rules) for u in found.unjudged] == [("geen antwoord ontvangen", ("WUS-SIGN-004",))]


def test_a_finding_of_an_unknown_rule_is_shown_by_its_id():
    other = dossier.result("extra.probe", Verdict.FAIL, findings=(dossier.graded("EXTRA-001", observed="x"),))
    found = report(dossier.run([dossier.connection()], [other]))
    assert found.findings[0].title == "EXTRA-001"


def test_a_comparison_counts_new_failures():
    before = dossier.run(
        [dossier.connection()],
        [r for r in dossier.digipoort_results() if r.probe != "tls.mutual"],
        "20261120-0900-aaaa",
    )
    found = report(dossier.red(), against=before).comparison
    assert found.new_failures == 1
    assert {c.key: c.number for c in found.counts} == {"new": 1, "fixed": 0, "gone": 0, "same": 1}


def test_merged_runs_say_what_stands_apart():
    old = dossier.red(run_id="20261120-0900-aaaa")
    moved = dossier.run(
        [dossier.connection()],
        [dossier.result("net.dns", Verdict.FAIL, subject="wus", endpoint="https://oud.example")],
        "20261119-0900-bbbb",
    )
    early = replace(moved, info=replace(moved.info, started=moved.info.started - timedelta(days=2)))
    found = report(merge([early, old]), sources=["a", "b"])
    assert any("net.dns" in line for line in found.apart)


def test_the_timeline_shows_done_waiting_terms_and_certificates():
    found = report(dossier.municipal(), attestations=dossier.ledger(), connections=["lopende-zaken"])
    kinds = {m.kind for m in found.timeline}
    assert {"done", "overdue", "run"} <= kinds
    assert found.next_deadline
    assert [v.mark.key for v in found.validities] == ["warn", "pass"]
    assert "nog 52 dagen" in found.validities[0].text


def test_an_interrupted_run_and_unreadable_lines_are_told():
    found = report(dossier.red(interrupted=True, unreadable_lines=2))
    assert any("onderbroken" in s for s in found.conclusion.explanation)
    assert any(s.startswith("2 regels") for s in found.conclusion.explanation)


def test_the_order_in_which_results_came_does_not_matter():
    run = dossier.municipal()
    assert report(run) == report(replace(run, results=tuple(reversed(run.results))))


def test_a_run_without_results_is_still_a_report():
    found = report(dossier.run([dossier.connection()], ()))
    assert found.conclusion.mark.key == "not-run"
    assert found.connections[0].lanes == ()


def test_a_counterparty_in_production_has_no_message_rows_settled():
    run = dossier.run([dossier.connection(environment=Environment.PROD)], ())
    assert report(run).environment == "productie"


def test_a_certificate_is_valid_and_not_passed():
    data = (("role", "tls-client"), ("from", "2025-03-01"), ("until", "2027-03-01"))
    seen = dossier.result("pki.validity", observed=(Observation("x", data),))
    made = report(dossier.run((dossier.connection(),), (seen,)))
    assert [v.mark.word for v in made.validities] == ["geldig"]
    assert made.next_deadline == "Eerstvolgende termijn: certificaat tls-client, 1 maart 2027"
    lab = dossier.connection(environment=Environment.LAB)
    practised = report(dossier.run((lab,), (replace(seen, environment=Environment.LAB),)))
    assert [(v.mark.key, v.mark.word) for v in practised.validities] == [("lab", "geldig (labcertificaat)")]
