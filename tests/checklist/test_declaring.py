"""`ketentest attest --declare`: who answers for the report, written for whoever knows no TOML."""

import shutil
from datetime import date
from pathlib import Path

import pytest

import harness.cli
from harness.attestations import read

PREPROD = Path(__file__).resolve().parents[2] / "scenarios" / "preprod" / "chain.toml"
WHO = ("--by", 'B. "Bea" de Wit', "--function", "projectleider")


@pytest.fixture
def folder(tmp_path):
    shutil.copy(PREPROD, tmp_path)
    (tmp_path / "attestations.toml").write_text("# ours\n")
    return tmp_path


@pytest.fixture
def attest(folder, monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr("sys.argv", ["ketentest", "attest", "--scenario", str(folder), *words])
        try:
            harness.cli.main()
        except SystemExit as ended:
            printed = capsys.readouterr()
            return ended.code or 0, printed.out + printed.err
        return 0, capsys.readouterr().out

    return call


def declared(folder):
    return read(folder / "attestations.toml").declarations


def test_a_declaration_is_appended_and_shown_as_written(attest, folder):
    code, printed = attest(
        "--declare", *WHO, "--for", "logius", "--connection", "lopende-zaken", "--date", "2026-11-20"
    )
    assert code == 0
    assert "[[declaration]]" in printed
    assert (folder / "attestations.toml").read_text().startswith("# ours\n")
    (said,) = declared(folder)
    assert (said.by, said.function, said.date) == ('B. "Bea" de Wit', "projectleider", date(2026, 11, 20))
    assert (said.connection, said.reader) == ("lopende-zaken", "logius")


def test_without_more_it_holds_for_every_reader_and_connection_as_of_today(attest, folder):
    assert attest("--declare", *WHO)[0] == 0
    (said,) = declared(folder)
    assert (said.connection, said.reader) == ("", "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--by", "B"), "geef ook --function"),
        ((*WHO, "--for", "logus"), "'logus' is onbekend; bedoelt u logius?"),
        ((*WHO, "--connection", "lopendezaken"), "connection: 'lopendezaken' is onbekend; bedoelt u lopende-zaken?"),
        ((*WHO, "--date", "2099-01-01"), "2099-01-01 is later dan vandaag"),
        ((*WHO, "--date", "1 mei"), "'1 mei' is geen datum; schrijf 2026-11-21"),
        ((*WHO, "--statement", "Goed."), "--statement hoort niet bij --declare"),
        (("LZ-5.4", *WHO), "LZ-5.4 hoort niet bij --declare"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(attest, folder, words, sentence):
    code, printed = attest("--declare", *words)
    assert code == 2
    assert sentence in printed
    assert "Traceback" not in printed
    assert declared(folder) == ()


def test_a_reader_belongs_to_a_declaration(attest):
    code, printed = attest("LZ-5.4", *WHO, "--statement", "Goed.", "--for", "logius")
    assert code == 2
    assert "--for hoort bij --declare" in printed


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("LZ-5.4", *WHO, "--statement", "De burger met BSN 999990019 ziet de zaak."), "statement"),
        (("LZ-5.4", "--by", "999990019", "--function", "x", "--statement", "Gezien."), "by"),
        (("--declare", "--by", "B", "--function", "-----BEGIN PRIVATE KEY-----"), "function"),
    ],
)
def test_what_may_be_a_bsn_or_a_key_is_never_written(attest, folder, words, key):
    code, printed = attest(*words)
    assert code == 2
    assert f"{key}: bevat een nummer dat een BSN kan zijn" in printed
    assert "999990019" not in printed.replace(str(folder), "")
    assert (folder / "attestations.toml").read_text() == "# ours\n"


def test_a_statement_about_tomorrow_is_refused(attest, folder):
    code, printed = attest("LZ-5.4", *WHO, "--statement", "Gezien.", "--date", "2099-01-01")
    assert code == 2
    assert "--date: 2099-01-01 is later dan vandaag" in printed
    assert (folder / "attestations.toml").read_text() == "# ours\n"
