"""Somebody else's checklist is read from three kinds of file, and every mistake stands at its line and cell."""

from pathlib import Path

import openpyxl
import pytest

from harness.crosswalk import read
from harness.errors import ScenarioInvalid, UnusableInput
from harness.rulebook import rulebook

RULES = tuple(rulebook().rules)
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def csv_file(tmp_path, text, name="lijst.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def xlsx_file(tmp_path, rows, sheets=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, more in sheets:
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    path = tmp_path / "lijst.xlsx"
    book.save(path)
    return path


def mistakes(path, connections=()):
    with pytest.raises(ScenarioInvalid) as caught:
        read(path, connections, RULES)
    return [m.render("nl") for m in caught.value.mistakes]


GOOD = "Nummer;Omschrijving;Stappen;Regels\n1.1;Ping;LZ-4.3.9a;PONG-003\n1.2;Overig;;\n"


def test_an_item_keeps_their_number_and_names_our_steps_and_rules(tmp_path):
    crosswalk = read(csv_file(tmp_path, GOOD), rules=RULES)
    first, second = crosswalk.items
    assert (first.number, first.steps, first.rules, first.line) == ("1.1", ("LZ-4.3.9a",), ("PONG-003",), 2)
    assert first.covered
    assert not second.covered


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_the_delimiter_is_recognised(tmp_path, delimiter):
    crosswalk = read(csv_file(tmp_path, GOOD.replace(";", delimiter)))
    assert [i.number for i in crosswalk.items] == ["1.1", "1.2"]
    assert crosswalk.delimiter == delimiter


def test_a_file_from_a_dutch_windows_spreadsheet_keeps_its_accents(tmp_path):
    text = "Nr.;Omschrijving;Stap\n1;Geïnstrueerd;LZ-6.3.6\n"
    assert read(csv_file(tmp_path, text.encode("cp1252"))).items[0].title == "Geïnstrueerd"
    assert read(csv_file(tmp_path, text.encode("utf-8-sig"))).items[0].title == "Geïnstrueerd"


def test_the_same_items_come_from_csv_xlsx_and_toml(tmp_path):
    rows = [line.split(";") for line in GOOD.splitlines()]
    toml = '[[item]]\nnumber = "1.1"\ntitle = "Ping"\nsteps = ["LZ-4.3.9a"]\nrules = ["PONG-003"]\n'
    toml += '[[item]]\nnumber = "1.2"\ntitle = "Overig"\n'
    said = [read(csv_file(tmp_path, GOOD)), read(xlsx_file(tmp_path, rows)), read(csv_file(tmp_path, toml, "a.toml"))]
    plain = [[(i.number, i.title, i.steps, i.rules) for i in crosswalk.items] for crosswalk in said]
    assert plain[0] == plain[1] == plain[2]


def test_title_rows_above_the_heading_and_chapter_rows_between_items_are_understood(tmp_path):
    crosswalk = read(EXAMPLES / "checklist-lopende-zaken.csv", rules=RULES)
    assert crosswalk.name.startswith("Voorbeeld van een Checklist testen")
    assert {i.chapter for i in crosswalk.items} == {"4 Technische test", "5 Ketentest", "6 Limited productierun (LPR)"}
    assert [i.number for i in crosswalk.items if not i.covered] == ["6.4"]


def test_the_toml_example_is_read():
    crosswalk = read(EXAMPLES / "checklist-tvs.toml", rules=RULES)
    assert [i.covered for i in crosswalk.items] == [True, True, False]


def test_a_star_takes_every_scored_step_that_begins_alike_and_an_annex_id_is_known(tmp_path):
    item = read(csv_file(tmp_path, "Nr;Omschrijving;Stappen\n1;x;LZ-5.3.3*\n")).items[0]
    assert item.steps == ("LZ-5.3.3", "LZ-5.3.3a", "LZ-5.3.3b", "LZ-5.3.3c")


def test_a_number_cell_of_a_spreadsheet_is_a_plain_number(tmp_path):
    crosswalk = read(xlsx_file(tmp_path, [["Nr", "Omschrijving", "Stappen"], [3, "x", "LZ-5.3.3a"], [4.1, "y", ""]]))
    assert [i.number for i in crosswalk.items] == ["3", "4.1"]


def test_the_sheet_with_the_heading_is_found(tmp_path):
    path = xlsx_file(
        tmp_path, [["Toelichting"], ["Lees dit"]], [("Lijst", [["Nr", "Omschrijving", "Stappen"], ["1", "x", ""]])]
    )
    assert [i.number for i in read(path).items] == ["1"]


def test_columns_that_are_not_ours_are_kept(tmp_path):
    crosswalk = read(csv_file(tmp_path, "Nr;Omschrijving;Stappen;Opmerking Logius\n1;x;LZ-5.3.3a;let op\n"))
    assert crosswalk.extra == ("Opmerking Logius",)
    assert crosswalk.items[0].extra == ("let op",)


def test_every_mistake_comes_at_once_with_line_cell_and_nearest_id(tmp_path):
    text = "Nr;Omschrijving;Stappen;Regels;Aansluiting\n1;x;LZ-4.3.9z;;\n1;y;LZ-5.3.3a;PONG-033;lopende-zakn\n;z;;;\n3;;;;\n"
    said = mistakes(csv_file(tmp_path, text), ("lopende-zaken",))
    assert [line.split("lijst.csv:")[1].split(":")[:2] for line in said] == [
        ["2", " C2"], ["3", " A3"], ["3", " D3"], ["3", " E3"], ["5", " B5"],
    ]  # fmt: skip
    assert "bedoelt u LZ-4.3.9" in said[0]
    assert "staat ook op regel 2" in said[1]
    assert "bedoelt u PONG-0" in said[2]
    assert "bedoelt u lopende-zaken?" in said[3]


def test_a_duplicate_that_a_spreadsheet_made_says_so(tmp_path):
    rows = [["Nr", "Omschrijving", "Stappen"], [5.1, "x", ""], [5.10, "y", ""]]
    assert "maakt van 5.10 het getal 5.1" in mistakes(xlsx_file(tmp_path, rows))[0]


def test_a_missing_column_is_named_with_the_columns_there_are(tmp_path):
    said = mistakes(csv_file(tmp_path, "Nr;Omschrijving;Verantwoordelijke\n1;x;y\n"))
    assert said == [
        f"{tmp_path}/lijst.csv:1: kolom 'stappen' ontbreekt; voeg haar toe of hernoem een van: Nr, Omschrijving, Verantwoordelijke"
    ]


def test_a_renamed_column_gets_the_name_it_probably_meant(tmp_path):
    said = mistakes(csv_file(tmp_path, "Nr;Omschrijvng;Stapppen\n1;x;y\n"))
    assert [line.split(": ", 1)[1] for line in said] == [
        "B1: kolom 'Omschrijvng' is onbekend; bedoelt u 'omschrijving'?",
        "C1: kolom 'Stapppen' is onbekend; bedoelt u 'stappen'?",
    ]


def test_a_file_without_any_heading_says_what_it_needs(tmp_path):
    assert "nodig zijn de kolommen nummer, omschrijving, stappen" in mistakes(csv_file(tmp_path, "a;b\n1;2\n"))[0]
    assert "nodig zijn" in mistakes(csv_file(tmp_path, ""))[0]


def test_formulas_errors_and_dates_in_a_spreadsheet_are_mistakes(tmp_path):
    from datetime import date

    rows = [["Nr", "Omschrijving", "Stappen"], ["=1+1", "x", ""], ["2", "y", "#REF!"], [date(2026, 3, 1), "z", ""]]
    path = xlsx_file(tmp_path, rows)
    book = openpyxl.load_workbook(path)
    book.active["C3"].data_type = "e"
    book.save(path)
    said = " | ".join(mistakes(path))
    assert "A2: nummer: de cel bevat een formule" in said
    assert "C3: stappen: de cel bevat een fout" in said
    assert "A4: nummer: de cel is een datum geworden" in said


def test_an_informative_step_cannot_answer_an_item(tmp_path):
    assert "ter informatie" in mistakes(csv_file(tmp_path, "Nr;Omschrijving;Stappen\n1;x;TC-11.Ld\n"))[0]


def test_mistakes_in_toml_stand_at_their_key(tmp_path):
    text = 'naam = "x"\n[[item]]\nnumber = 5.1\ntitle = "t"\nstap = ["LZ-5.3.3a"]\n[[item]]\ntitle = "u"\n'
    said = mistakes(csv_file(tmp_path, text, "a.toml"))
    assert [line.split("a.toml:")[1].split(":")[0] for line in said] == ["1", "3", "5", "6"]
    assert "bedoelt u name?" in said[0]
    assert "bedoelt u steps?" in said[2]
    assert "geen geldige TOML" in mistakes(csv_file(tmp_path, "a = ", "b.toml"))[0]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xlsx", b"PK\x03\x04 not a package"),
        ("a.xlsx", b""),
        ("a.csv", b"\x00\x01\x02"),
        ("a.docx", b"x"),
        ("a.toml", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_is_no_checklist_gives_one_sentence(tmp_path, name, data):
    with pytest.raises(UnusableInput) as caught:
        read(csv_file(tmp_path, data, name))
    assert "\n" not in caught.value.text.nl


def test_a_spreadsheet_that_declares_entities_is_not_read(tmp_path):
    import zipfile

    path = xlsx_file(tmp_path, [["Nr", "Omschrijving", "Stappen"]])
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("xl/extra.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
    with pytest.raises(UnusableInput, match="DTD"):
        read(path)


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused_before_it_is_read(tmp_path):
    import zipfile

    path = tmp_path / "bom.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b"\0" * (101 * 1024 * 1024))
    with pytest.raises(UnusableInput, match="uitgepakt"):
        read(path)
