"""Somebody answers for the report on a page of its own; until then it is a draft."""

from datetime import date, timedelta

import pytest

from harness.attestations import read
from harness.run import utc_now
from harness.workdays import day_of

TODAY = day_of(utc_now())


def declared(folder):
    return read(folder / "attestations.toml").declarations


async def test_a_declaration_is_recorded_with_reader_and_connection(anna, folder):
    given = {"by": "B. de Wit", "function": "projectleider", "date": "2026-11-21"}
    answer = await anna.post("/declare", given | {"reader": "logius", "connection": "lopende-zaken"})
    assert answer.status_code == 303
    (said,) = declared(folder)
    assert (said.by, said.function, said.date) == ("B. de Wit", "projectleider", date(2026, 11, 21))
    assert (said.reader, said.connection) == ("logius", "lopende-zaken")
    page = (await anna.get("/declare")).text
    assert "De verklaring van B. de Wit is vastgelegd." in page
    assert "Logius, lopende-zaken" in page


async def test_the_page_says_what_one_answers_for_and_is_filled_in_with_who_looks(bart):
    page = (await bart.get("/declare")).text
    assert "de organisatie blijft zelf verantwoordelijk" in page
    assert "Een oefenrapport kan niet worden ondertekend" in page
    assert 'value="Bart de Wit"' in page
    assert "/declare" in (await bart.get("/")).text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("by", " ", "Vul in wie verklaart."),
        ("function", "", "Vul de functie in."),
        ("date", (TODAY + timedelta(days=1)).isoformat(), "niet later dan vandaag"),
        ("date", "gisteren", "niet later dan vandaag"),
    ],
)
async def test_what_is_missing_is_said_beside_its_field_and_nothing_is_recorded(anna, folder, field, value, sentence):
    given = {"by": "B. de Wit", "function": "projectleider", "date": TODAY.isoformat()}
    answer = await anna.post("/declare", given | {field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'id="{field}-error"' in answer.text
    assert declared(folder) == ()


async def test_markup_in_a_name_is_text(anna, folder):
    await anna.post("/declare", {"by": "<b>B</b>", "function": "x", "date": TODAY.isoformat(), "reader": "nobody"})
    assert declared(folder)[0].reader == ""
    assert "<b>B</b>" not in (await anna.get("/declare")).text


async def test_a_stranger_declares_nothing(anna, folder):
    answer = await anna.post("/declare", {"by": "x", "function": "y", "date": "2026-11-21"}, Origin="https://evil.test")
    assert answer.status_code == 403
    assert declared(folder) == ()
