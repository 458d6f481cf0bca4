"""What is typed is kept, what is recorded stands in attestations.toml, and two testers never overwrite each other."""

import asyncio
import json
import re
from datetime import date, timedelta

import pytest
from visiting import PNG, let_in, opened

from harness.attestations import read
from harness.chain import load
from harness.choice import newest_run, verdicts
from harness.model import Verdict
from harness.run import utc_now
from harness.testers.drafts import Draft, Drafts, Overwritten
from harness.workdays import day_of

STEP = "/step/lopende-zaken/LZ-5.3.1"


def statements(folder):
    return read(folder / "attestations.toml").attestations


def drafts(folder):
    return json.loads((folder / "attestations.drafts.json").read_text(encoding="utf-8"))


def told(page):
    return re.sub(r"<[^>]+>", " ", page.partition('id="told"')[2].partition("</div>")[0])


async def test_a_statement_is_recorded_with_everything_that_was_filled_in(anna, folder):
    tomorrow = (day_of(utc_now()) + timedelta(days=1)).isoformat()
    answer = await anna.write(
        STEP,
        files=[("een.png", PNG), ("twee.txt", b"verslag")],
        statement='Vier accounts  ontvangen,\r\n"A" tot "D".',
        by="A. Jansen",
        function="testcoördinator",
        date="2026-11-20",
        expires=tomorrow,
        item="5.2",
        verdict="warn",
    )
    assert answer.status_code == 303
    (said,) = statements(folder)
    assert (said.step, said.connection, said.verdict) == ("LZ-5.3.1", "lopende-zaken", Verdict.WARN)
    assert (said.by, said.function, said.item) == ("A. Jansen", "testcoördinator", "5.2")
    assert said.statement == 'Vier accounts ontvangen, "A" tot "D".'
    assert (said.date, said.expires) == (date(2026, 11, 20), date.fromisoformat(tomorrow))
    assert [p.state for p in said.proofs] == ["same", "same"]
    assert drafts(folder) == []


async def test_recording_leads_to_the_next_step_and_shows_the_report_grow(anna, folder):
    answer = await anna.write(STEP)
    place = answer.headers["Location"]
    assert place.startswith("/step/lopende-zaken/")
    assert place != STEP
    page = (await anna.get(place)).text
    assert "LZ-5.3.1 is vastgelegd: geslaagd." in told(page)
    assert "geslaagd: 0 → 1" in told(page)
    assert "Hieronder staat de volgende stap" in told(page)
    assert told((await anna.get(place)).text) == ""
    loaded = load(folder)
    ledger = read(folder / "attestations.toml")
    assert verdicts(newest_run(loaded, folder), ledger)["lopende-zaken"]["LZ-5.3.1"].verdict is Verdict.PASS


async def test_the_report_is_rendered_anew_after_each_statement(anna):
    before = (await anna.get("/report")).text
    await anna.write(STEP, statement="Zes accounts ontvangen van het Servicecentrum.")
    after = (await anna.get("/report")).text
    assert "Zes accounts" not in before
    assert "Zes accounts ontvangen van het Servicecentrum." in after
    anchor = re.search(r'href="/report#([^"]+)"', (await anna.get(STEP)).text)[1]
    assert f'id="{anchor}"' in after


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"verdict": ""}, "Kies het resultaat."),
        ({"verdict": "akkoord"}, "Kies het resultaat."),
        ({"verdict": "skip"}, "Kies het resultaat."),
        ({"statement": " "}, "Schrijf wat u hebt vastgesteld."),
        ({"statement": "x" * 4001}, "Houd de verklaring onder 4000 tekens"),
        ({"statement": "Gezien bij 999990019."}, "nummers die een BSN kunnen zijn"),
        ({"by": ""}, "Vul in wie verklaart."),
        ({"function": " "}, "Vul de functie in."),
        ({"date": ""}, "Vul de datum in"),
        ({"date": "2099-01-01"}, "niet later dan vandaag"),
        ({"date": "2026-02-31"}, "Vul de datum in"),
        ({"date": "20261120"}, "Vul de datum in"),
        ({"expires": "2026-01-01"}, "Kies een vervaldatum die nog moet komen"),
    ],
)
async def test_what_cannot_be_recorded_yet_is_said_beside_its_field_and_kept(anna, folder, fields, sentence):
    answer = await anna.write(STEP, **fields)
    assert answer.status_code == 422
    (field,) = fields
    summary = answer.text.partition('id="wrongs"')[2].partition("</div>")[0]
    assert f'href="#{field}"' in summary
    assert sentence in summary
    assert f'id="{field}-error"' in answer.text
    assert not (folder / "attestations.toml").exists()
    assert len(drafts(folder)) == 1


async def test_a_bsn_reaches_neither_the_drafts_nor_the_ledger(anna, folder):
    await anna.write(STEP, "draft", statement="Ingelogd met 999990019.")
    assert "999990019" not in (folder / "attestations.drafts.json").read_text()
    assert (await anna.form(STEP))["statement"] == "Ingelogd met [BSN-1]."


async def test_a_browser_that_closes_and_a_page_that_stops_lose_nothing(folder):
    async with opened(folder) as gate, let_in(gate) as anna:
        await anna.write(STEP, "draft", [("afdruk.png", PNG)], statement="Halverwege", verdict="fail", item="2.4")
    async with opened(folder) as gate, let_in(gate, "anna jansen") as anna:
        form = await anna.form(STEP)
        page = (await anna.get(STEP)).text
        assert form["statement"] == "Halverwege"
        assert 'value="fail" checked' in page
        assert "afdruk.png" in page
        assert "uw concept" in (await anna.get("/")).text
        assert (await anna.post(STEP, form | {"verdict": "fail", "do": "attest"})).status_code == 303
    (said,) = statements(folder)
    assert (said.statement, said.item, said.file[-10:]) == ("Halverwege", "2.4", "afdruk.png")


async def test_each_tester_has_a_draft_of_his_own_and_sees_that_of_the_other(anna, bart):
    await anna.write(STEP, "draft", statement="Van Anna")
    await bart.write(STEP, "draft", statement="Van Bart")
    assert (await anna.form(STEP))["statement"] == "Van Anna"
    page = (await bart.get(STEP)).text
    assert "Anna Jansen werkt ook aan deze stap" in page
    assert "Van Anna" in page
    assert "concept van Anna Jansen" in (await bart.get("/")).text


async def test_who_is_second_sees_who_was_faster_and_loses_no_word(anna, bart, folder):
    mine = await anna.form(STEP)
    await bart.write(STEP, statement="Bart was er al.")
    answer = await anna.post(STEP, mine | {"verdict": "pass", "statement": "Anna ook.", "do": "attest"})
    assert answer.status_code == 409
    assert "Bart de Wit was u voor" in answer.text
    assert "Bart was er al." in answer.text
    assert "Anna ook." in answer.text
    assert len(statements(folder)) == 1
    again = await anna.form(STEP)
    assert again["statement"] == "Anna ook."
    answer = await anna.post(STEP, again | {"verdict": "pass", "do": "attest"})
    assert answer.status_code == 303
    assert [s.by for s in statements(folder)] == ["Bart de Wit", "Anna Jansen"]


async def test_who_is_second_may_leave_it_at_that(anna, bart, folder):
    mine = await anna.form(STEP)
    await bart.write(STEP)
    await anna.post(STEP, mine | {"verdict": "pass", "statement": "Anna ook.", "do": "attest"})
    answer = await anna.write(STEP, "leave")
    assert answer.headers["Location"] != STEP
    assert len(statements(folder)) == 1
    assert drafts(folder) == []


async def test_autosaving_says_at_once_that_somebody_was_faster(anna, bart):
    mine = await anna.form(STEP)
    await bart.write(STEP, verdict="fail")
    answer = await anna.post(STEP, mine | {"statement": "Ik typ nog", "do": "draft"}, Accept="application/json")
    assert "Bart de Wit (projectleider) heeft deze stap intussen vastgelegd: niet geslaagd." in answer.json()["message"]


async def test_a_draft_is_not_overwritten_from_an_older_window(anna):
    old = await anna.form(STEP)
    await anna.write(STEP, "draft", statement="Nieuwer")
    late = old | {"statement": "Ouder", "do": "draft"}
    answer = await anna.post(STEP, late, Accept="application/json")
    assert answer.status_code == 409
    assert "in een ander venster" in answer.json()["message"]
    page = await anna.post(STEP, late, files=[("files", ("", b"", ""))])
    assert page.status_code == 409
    assert "Ouder" in page.text
    assert (await anna.form(STEP))["statement"] == "Nieuwer"


async def test_twenty_statements_at_once_by_two_testers_all_stand(anna, bart, folder):
    steps = [f"/step/lopende-zaken/LZ-3.3.2{letter}" for letter in "abcdefgh"]
    answers = await asyncio.gather(*(who.write(step) for step in steps for who in (anna, bart)))
    first = [a for a in answers if a.status_code == 303]
    second = [a for a in answers if a.status_code == 409]
    assert len(first) + len(second) == 16
    assert len(statements(folder)) == len(first) >= 8
    assert all("was u voor" in a.text for a in second)


async def test_of_two_at_the_same_moment_one_is_second(anna, bart, folder):
    forms = [await who.form(STEP) for who in (anna, bart)]
    answers = await asyncio.gather(
        *(
            who.post(STEP, form | {"verdict": "pass", "statement": "Gelijk.", "do": "attest"})
            for who, form in zip((anna, bart), forms, strict=True)
        )
    )
    assert sorted(a.status_code for a in answers) == [303, 409]
    assert len(statements(folder)) == 1


async def test_the_command_line_beside_the_page_counts_as_somebody_else(anna, folder, terminal_attest):
    mine = await anna.form(STEP)
    await terminal_attest(folder, "LZ-5.3.1", "--by", "C", "--function", "tester", "--statement", "via de opdracht")
    answer = await anna.post(STEP, mine | {"verdict": "pass", "statement": "Anna", "do": "attest"})
    assert answer.status_code == 409
    assert "C was u voor" in answer.text


async def test_a_mistake_somebody_made_by_hand_is_shown_with_its_line(anna, folder):
    (folder / "attestations.toml").write_text('[[attest]]\nstep = "LZ-9.9"\n', encoding="utf-8")
    answer = await anna.get("/")
    assert answer.status_code == 422
    assert "attestations.toml:2" in answer.text


async def test_a_statement_per_care_provider_leaves_the_others_open(anna, folder):
    step = "/step/tvs-cluster/TC-2a"
    page = (await anna.get(step)).text
    names = re.findall(r"<option>([^<]+)</option>", page)
    if not names:
        pytest.skip("the scenario names no care providers")
    await anna.write(step, provider=names[0])
    (said,) = statements(folder)
    assert said.provider == names[0]


async def test_a_role_sees_its_own_steps_and_those_of_nobody(gate):
    async with let_in(gate, roles=("tekenbevoegde",)) as person:
        page = (await person.get("/")).text
    assert "LZ-3.3.5" in page
    assert "LZ-3.3.6a" not in page
    assert "Voor uw rollen: tekenbevoegde." in page


async def test_english_is_spoken_to_who_asks_for_it(anna):
    await anna.post("/me", {"by": "Anna", "function": "tester", "lang": "en"})
    page = (await anna.get(STEP)).text
    assert '<html lang="en">' in page
    assert "What is asked" in page
    assert "Record and continue" in page
    assert "Chain test" in (await anna.get("/report")).text


@pytest.mark.parametrize(
    "text", ["", "{", '{"x": 1}', "[1]", '[{"connection": "a"}]', '[{"row": 1, "files": 3}]', "\x00"]
)
async def test_a_damaged_file_of_drafts_is_a_sentence(anna, folder, text):
    (folder / "attestations.drafts.json").write_text(text, encoding="utf-8")
    answer = await anna.get(STEP)
    assert answer.status_code in (200, 422)
    assert "Fout in testgereedschap" not in answer.text


def test_a_draft_file_keeps_what_several_processes_write(tmp_path):
    store = Drafts(tmp_path / "drafts.json")
    first = store.save(Draft("a", "LZ-5.4", "Anna", statement="een"), utc_now())
    store.save(Draft("a", "LZ-5.4", "Bart", statement="twee"), utc_now())
    assert store.save(first, utc_now()).revision == 2
    with pytest.raises(Overwritten):
        store.save(first, utc_now())
    assert [d.author for d in store.all()] == ["Anna", "Bart"]
    assert store.drop("a", "LZ-5.4", "ANNA").statement == "een"
    assert len(store.all()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["drafts.json"]
