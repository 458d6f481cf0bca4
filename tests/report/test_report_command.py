"""`ketentest report`: which files it writes, for whom, and its exit code."""

from dataclasses import replace
from datetime import timedelta
from zipfile import ZipFile

import dossier
import pytest
from click.testing import CliRunner

from harness import run as runs
from harness.cli import cli
from harness.errors import UnusableInput
from harness.model import Environment, Observation


def keep(root, run):
    writer = runs.create(root, run.info)
    for result in run.results:
        writer.result(result)
    writer.end(dossier.NOW, masked=3)
    return writer.folder


def older(run, days=1):
    return replace(run, info=replace(run.info, started=run.info.started - timedelta(days=days)))


def call(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "runs"
    keep(folder, dossier.municipal())
    return folder


def test_every_form_is_written_into_the_folder_of_the_newest_run(root):
    done = call("--runs", root)
    assert done.exit_code == 0, done.output
    names = {p.name for p in (root / "20261121-2042-7f3a").iterdir() if p.is_file()}
    forms = {"report.nl.html", "report.en.html", "report.md", "report.json", "junit.xml"}
    assert names - {"report.ics"} == {"run.jsonl", *forms}


def test_what_ends_comes_along_as_a_calendar_for_whoever_answers_for_it(tmp_path):
    root = tmp_path / "runs"
    data = (("role", "tls-client"), ("from", "2025-03-01"), ("until", "2028-03-01"))
    seen = dossier.result("pki.validity", observed=(Observation("x", data),))
    keep(root, dossier.run((dossier.connection(),), (seen,)))
    [folder] = root.iterdir()
    assert "report.ics" in call("--runs", root, "--lang", "en").output
    text = (folder / "report.ics").read_text()
    assert "SUMMARY:Certificate expires: tls-client" in text
    assert "DTSTART;VALUE=DATE:20280301" in text


def test_a_calendar_is_no_part_of_what_is_handed_in(tmp_path):
    root = tmp_path / "runs"
    data = (("role", "tls-client"), ("from", "2025-03-01"), ("until", "2028-03-01"))
    keep(
        root,
        dossier.run((dossier.connection(),), (dossier.result("pki.validity", observed=(Observation("x", data),)),)),
    )
    [folder] = root.iterdir()
    assert call("--runs", root, "--for", "logius", "--format", "ics,json").exit_code == 0
    assert not (folder / "report.ics").exists()
    assert call("--runs", root, "--format", "ics,json", "--bundle").exit_code == 0
    [bundle] = folder.glob("*.zip")
    assert not [name for name in ZipFile(bundle).namelist() if name.endswith(".ics")]


def test_the_report_of_a_run_file_equals_that_of_the_run_in_memory(root):
    call("--runs", root, "--format", "json", "--lang", "nl")
    text = (root / "20261121-2042-7f3a" / "report.json").read_text()
    assert "PKIO-CHAIN-009" in text or "PONG-001" in text


def test_one_form_in_one_language(root):
    assert call("--runs", root, "--format", "html", "--lang", "en").exit_code == 0
    assert not (root / "20261121-2042-7f3a" / "report.nl.html").exists()
    page = (root / "20261121-2042-7f3a" / "report.en.html").read_text()
    assert '<html lang="en">' in page


def test_for_logius_there_is_also_a_report_per_connection(root):
    assert call("--runs", root, "--for", "logius", "--format", "html", "--lang", "nl").exit_code == 0
    folder = root / "20261121-2042-7f3a"
    assert (folder / "logius" / "lopende-zaken" / "report.nl.html").exists()
    assert (folder / "logius" / "digipoort" / "report.nl.html").exists()


def test_one_connection_is_one_report(root):
    call("--runs", root, "--for", "logius", "--connection", "digipoort", "--format", "html", "--lang", "nl")
    folder = root / "20261121-2042-7f3a"
    assert not (folder / "logius").exists()
    assert "MijnOverheid" not in (folder / "report.nl.html").read_text()


def test_a_new_failure_since_the_last_run_exits_with_one(tmp_path):
    root = tmp_path / "runs"
    keep(root, older(dossier.run([dossier.connection()], dossier.lab().results[:1], "20261120-0900-aaaa")))
    keep(root, dossier.red())
    assert call("--runs", root, "--against", "last", "--format", "md").exit_code == 1
    assert call("--runs", root, "--against", "20261121-2042-7f3a", "--format", "md").exit_code == 0


def test_what_changed_is_one_line_with_the_certificates_that_end_soon(tmp_path):
    root = tmp_path / "runs"
    keep(root, older(dossier.run([dossier.connection()], dossier.lab().results[:1], "20261120-0900-aaaa")))
    soon = Observation("x", (("role", "tls-client"), ("from", "2024-01-18"), ("until", "2026-12-01")))
    red = dossier.red()
    keep(root, replace(red, results=(*red.results, dossier.result("pki.validity", observed=(soon,)))))
    said = call("--runs", root, "--against", "last", "--format", "md").output
    assert "Vergeleken met run 20261120-0900-aaaa: " in said
    assert " nieuw, " in said
    assert "verholpen" in said
    assert "tls-client: ver" in said
    english = call("--runs", root, "--against", "last", "--format", "md", "--lang", "en").output
    assert "Compared with run 20261120-0900-aaaa: " in english


def test_no_older_run_to_compare_with_is_one_sentence(root):
    done = call("--runs", root, "--against", "last")
    assert isinstance(done.exception, UnusableInput)
    assert "geen oudere run" in done.exception.text.nl


def test_several_runs_merge_into_the_folder_of_the_newest(tmp_path):
    root = tmp_path / "runs"
    first = keep(root, older(dossier.red(run_id="20261120-0900-aaaa")))
    second = keep(root, dossier.red())
    assert call(first, second, "--format", "md").exit_code == 0
    text = (second / "report.md").read_text()
    assert "20261120-0900-aaaa, 20261121-2042-7f3a" in text
    assert not (first / "report.md").exists()


def test_an_unknown_form_or_language_names_the_choices(root):
    for option in (("--format", "word"), ("--lang", "fr"), ("--format", ",")):
        done = call("--runs", root, *option)
        assert done.exit_code == 2
        assert "kies uit" in done.output


def test_attestations_beside_the_scenario_are_read(tmp_path):
    (tmp_path / "chain.toml").write_text("")
    (tmp_path / "attestations.toml").write_text(
        '[[attest]]\nstep = "DP-2"\nby = "A. Jansen"\nfunction = "tester"\ndate = 2026-11-20\nstatement = "Geregeld."\n'
    )
    run = dossier.red()
    folder = keep(tmp_path / "runs", replace(run, info=replace(run.info, scenario=str(tmp_path / "chain.toml"))))
    assert call(folder, "--format", "md").exit_code == 0
    assert "Verklaard op 20 november 2026 door A. Jansen, tester: Geregeld." in (folder / "report.md").read_text()


def test_two_lab_runs_give_the_same_report_but_for_ids_and_times(tmp_path):
    texts = []
    for number, run_id in enumerate(("20261121-2042-aaaa", "20261121-2042-bbbb")):
        run = dossier.lab()
        results = tuple(sorted(run.results, key=lambda r: r.probe, reverse=bool(number)))
        folder = keep(tmp_path / str(number), replace(run, info=replace(run.info, id=run_id), results=results))
        call(folder, "--format", "md", "--lang", "nl")
        texts.append((folder / "report.md").read_text().replace(run_id, "RUN"))
    assert texts[0] == texts[1]


def test_a_lab_run_prints_that_it_is_no_evidence(tmp_path):
    folder = keep(tmp_path, dossier.lab())
    call(folder, "--format", "html", "--lang", "nl")
    page = (folder / "report.nl.html").read_text()
    assert "Oefenrapport" in page
    assert "geslaagd tegen het ingebouwde lab – geen bewijs voor Logius/DICTU" in page
    assert dossier.lab().results[0].environment is Environment.LAB
