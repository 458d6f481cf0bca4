"""A test set is made from templates for the test BSNs, per functional scenario, and no BSN is ever printed."""

import re
import subprocess
import sys

import pytest

from harness.chaintest import testset
from harness.chaintest.design import lab_design, read_design
from harness.chaintest.persons import NOBODY, Person, bsns_in, read_persons
from harness.errors import KetentestError, ScenarioInvalid, UnusableInput
from harness.lint.judge import Raw
from harness.lint.msg import judge_message
from harness.run import utc_now
from tests.conftest import ROOT

WORDS = {"oin": "00000099000000001000", "organisatie": "Gemeente é&<", "ontvanger": "", "registratie": "BAG"}
ANNA = Person(1, "999990019")


def made(system="lopende-zaken", persons=(ANNA,)):
    return testset.generate(lab_design(system), persons, WORDS, utc_now())


@pytest.mark.parametrize("system", ["lopende-zaken", "digipoort", "digimelding"])
def test_every_message_of_the_lab_design_follows_its_xsd(system):
    design = lab_design(system)
    for message in made(system):
        assert list(judge_message(Raw(message.data, message.file), design.schemas)) == []


def test_each_scenario_gets_a_message_for_each_person():
    messages = made(persons=(ANNA, Person(2, "999990020")))
    assert {m.scenario for m in messages} == {"nieuwe-zaak", "status-gewijzigd", "vraag-aan-burger", "foutbericht"}
    assert {m.person for m in messages if m.scenario == "foutbericht"} == {1, 2}
    assert len({m.digest for m in messages}) == len(messages)
    assert [m.id for m in messages if bsns_in(m.data) != {"999990019", "999990020"} & bsns_in(m.data)] == []


def test_two_sets_never_hold_the_same_message():
    assert not {m.digest for m in made()} & {m.digest for m in made()}


def test_a_set_reads_back_as_it_was_written(tmp_path):
    messages = made()
    testset.write(messages, tmp_path / "set", "lopende-zaken", utc_now())
    assert testset.read(tmp_path / "set") == messages
    assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "set").iterdir())
    assert "999990019" not in (tmp_path / "set" / "testset.toml").read_text()


def test_a_set_is_never_overwritten(tmp_path):
    testset.write(made(), tmp_path / "set", "lz", utc_now())
    with pytest.raises(UnusableInput, match="nooit overschreven"):
        testset.write(made(), tmp_path / "set", "lz", utc_now())


@pytest.mark.parametrize(
    ("text", "said"),
    [("99999001", "nummer 1"), ("999990019 999990018", "nummer 2"), ("999990019;x", "nummer 2")],
)
def test_a_number_that_is_no_bsn_is_refused_without_its_digits(text, said):
    with pytest.raises(UnusableInput, match=said) as told:
        read_persons(text)
    assert not re.search(r"\d{3}", str(told.value).replace("11-proef", ""))


def test_comments_commas_and_doubles_in_a_list_are_fine():
    assert [p.number for p in read_persons("# Anna\n999990019, 999990020\n999990019")] == [1, 2]
    assert "999990019" not in repr(read_persons("999990019"))


@pytest.mark.parametrize(
    "body", ["<a b='999990019'/>", "<a>&#57;99990019</a>", "<a><!-- 999990019 --></a>", "<a><![CDATA[999990019]]></a>"]
)
def test_a_bsn_is_found_however_it_is_written(body):
    assert bsns_in(body.encode()) == {"999990019"}
    assert bsns_in(body.encode("utf-16")) == {"999990019"}


def test_a_word_that_nobody_gives_names_its_line_and_the_nearest():
    with pytest.raises(UnusableInput, match=r"t\.xml:2.*bedoelt u \{\{datum\}\}"):
        testset.render("<a>\n{{datun}}</a>", WORDS, "t.xml", utc_now())


def test_a_value_cannot_break_out_of_its_element():
    assert testset.render("<a>{{organisatie}}</a>", WORDS, "t.xml", utc_now()) == "<a>Gemeente é&amp;&lt;</a>"


def test_every_mistake_in_a_design_comes_at_once_with_its_line(tmp_path):
    (tmp_path / "eigen.toml").write_text(
        '[[scenario]]\nid = "a"\nmessage = [{ id = "1", template = "weg.xml", knd = "x" }]\n[[scenario]]\nid = "b"\n'
    )
    with pytest.raises(ScenarioInvalid) as told:
        read_design(tmp_path)
    assert len(told.value.mistakes) == 3
    assert all(mistake.line for mistake in told.value.mistakes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[[message]]",
        "x = ",
        '[[message]]\nid = "a"\nfile = "../../etc/passwd"',
        '[[message]]\nid = "a"\nfile = "weg.xml"',
    ],
)
def test_a_broken_index_is_a_sentence(tmp_path, text):
    (tmp_path / "testset.toml").write_text(text)
    with pytest.raises(KetentestError):
        testset.read(tmp_path)


def test_a_message_about_no_citizen_needs_no_bsn():
    assert made("digipoort", (NOBODY,))
    with pytest.raises(UnusableInput, match="bsn"):
        made("lopende-zaken", (NOBODY,))


def test_the_command_writes_a_set_and_a_design_and_prints_no_bsn(tmp_path):
    script = "from harness.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", script, "generate", "testset", "lopende-zaken", "--out", str(tmp_path / "set")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "12 berichten voor 4 scenario’s en 2 testpersonen" in run.stdout
    assert "alle berichten volgen" in run.stdout
    design = (tmp_path / "set" / "ontwerp.md").read_text()
    assert "nieuwe-zaak-1-p1" in design
    assert not re.search(r"\d{9}", run.stdout + design)
