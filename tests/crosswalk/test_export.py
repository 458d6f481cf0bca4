"""`ketentest report --checklist FILE`: a chapter in their numbering, and the same as CSV and XLSX."""

import csv
import io
from dataclasses import replace

import openpyxl
import pytest
from click.testing import CliRunner

from harness import run as runs
from harness.cli import cli
from harness.model import Environment, Finding, Graded, Result, Severity, Verdict
from harness.run import ConnectionInfo, RunInfo, utc_now

LIST = """Nr;Omschrijving;Stappen;Regels;Opmerking Logius
4.1;Profielservice;LZ-4.3.9b;;=HYPERLINK("http://x")
4.2;CPA geldig;;CPA-012;
5.1;Weergave <script>;LZ-5.3.3c;;-1+1
6.4;Communicatie;;;
"""


def lopende_zaken(environment=Environment.PREPROD):
    return ConnectionInfo(
        "lopende-zaken", "lopende-zaken", environment, "Gemeente Voorbeeldstad", "00000099000000002000", "overheid"
    )


@pytest.fixture
def folder(tmp_path):
    info = RunInfo(
        "20261121-1200-abcd", utc_now(), "0.1.0", "2026-11", "2026-11", str(tmp_path / "chain.toml"), "ab" * 32,
        connections=(lopende_zaken(),),
    )  # fmt: skip
    writer = runs.create(tmp_path / "runs", info)
    plain = Result("wus.profile", "lopende-zaken", Verdict.PASS, Environment.PREPROD)
    writer.result(plain)
    broken = Graded(Finding("CPA-012", observed="2025-01-01", expected="later"), Severity.ERROR)
    writer.result(replace(plain, probe="cpa.agreement", verdict=Verdict.FAIL, findings=(broken,)))
    writer.end(utc_now())
    return writer.folder


def report(folder, tmp_path, *options, text=LIST):
    (tmp_path / "lijst.csv").write_text(text)
    arguments = ["report", str(folder), "--checklist", str(tmp_path / "lijst.csv"), *options]
    return CliRunner().invoke(cli, arguments, catch_exceptions=True)


def rows(folder):
    return list(csv.reader(io.StringIO((folder / "checklist.csv").read_bytes().decode("utf-8-sig")), delimiter=";"))


def test_the_export_has_their_numbers_our_results_and_their_own_columns(folder, tmp_path):
    assert report(folder, tmp_path).exit_code == 0
    heading, *items = rows(folder)
    assert heading[:4] == ["Nummer", "Hoofdstuk", "Omschrijving", "Resultaat"]
    assert heading[-1] == "Opmerking Logius"
    assert [(i[0], i[3]) for i in items] == [
        ("4.1", "geslaagd"), ("4.2", "niet geslaagd"), ("5.1", "geblokkeerd"), ("6.4", "niet afgedekt"),
    ]  # fmt: skip
    assert "2025-01-01" in items[1][4]
    assert items[1][7].startswith("B")


def test_no_cell_of_an_export_can_act_as_a_formula(folder, tmp_path):
    report(folder, tmp_path)
    assert not [cell for row in rows(folder) for cell in row if cell.startswith(("=", "+", "-", "@"))]
    sheet = openpyxl.load_workbook(folder / "checklist.xlsx").worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}


def test_the_spreadsheet_says_from_which_run_it_comes(folder, tmp_path):
    report(folder, tmp_path)
    book = openpyxl.load_workbook(folder / "checklist.xlsx")
    about = {row[0].value: row[1].value for row in book.worksheets[1].iter_rows()}
    assert about["Runnummer"] == folder.name
    assert about["niet afgedekt"] == "1"
    assert "CONCEPT" in about["Stand"]


def test_the_report_has_a_chapter_in_their_numbering_with_links_to_our_steps(folder, tmp_path):
    report(folder, tmp_path)
    page = (folder / "report.nl.html").read_text()
    assert '<a href="#listed">' in page
    assert '<a href="#c1-LZ-4.3.9b">LZ-4.3.9b</a>' in page
    assert "Weergave &lt;script&gt;" in page
    assert "not covered" in (folder / "report.en.html").read_text()
    assert "Niet afgedekt: 6.4" in (folder / "report.md").read_text()


def test_without_a_checklist_the_report_has_no_such_chapter(folder, tmp_path):
    assert CliRunner().invoke(cli, ["report", str(folder)]).exit_code == 0
    assert 'id="listed"' not in (folder / "report.nl.html").read_text()
    assert not (folder / "checklist.csv").exists()


def test_mistakes_in_the_checklist_come_before_anything_is_written(folder, tmp_path):
    outcome = report(folder, tmp_path, text="Nr;Omschrijving;Stappen\n1;x;LZ-9.9\n")
    assert "LZ-9.9" in str(outcome.exception)
    assert not (folder / "report.nl.html").exists()


def test_a_report_in_english_exports_in_english(folder, tmp_path):
    report(folder, tmp_path, "--lang", "en")
    assert rows(folder)[0][:2] == ["Number", "Chapter"]
    assert rows(folder)[4][3] == "not covered"
