"""A mistake on the command line is one Dutch sentence with the nearest word; help pages are Dutch."""

import errno
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import harness.cli
from harness import check, starting
from harness.chain import load
from harness.cli import cli
from harness.cli.wording import sentence
from harness.errors import DocumentUnreadable, unusable_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reprt"], "'reprt' is geen opdracht; bedoelt u report?"),
        (["run", "--strickt"], "de optie --strickt bestaat niet; bedoelt u --strict?"),
        (["report", "--for", "x"], "--for: 'x' is onbekend; kies uit own, logius, dictu."),
        (
            ["check", "--as", "certificat", "file"],
            "'certificat' is onbekend; bedoelt u certificate? Kies uit certificate,",
        ),
        (["generate", "consumer-sepc", "lz"], "SOORT: 'consumer-sepc' is onbekend; bedoelt u consumer-spec?"),
        (["generate", "cpa"], "VERBINDING ontbreekt."),
        (["explain"], "geef een regel, stap of probe (CPA-012, LZ-4.3.9a, ebms.ping), of --list voor alle."),
        (["report", "--format", "zz"], "--format: 'zz' is onbekend; kies uit html,"),
        (["run", "--deadline", "soon"], "--deadline: 'soon' is geen getal."),
        (["run", "--shard", "9"], "verwacht I/N met 1 ≤ I ≤ N"),
        (["run", "--runs"], "--runs vraagt een waarde."),
        (["clean"], "--older ontbreekt."),
        (["explain", "a", "b"], "'b' is te veel."),
        (["check", "--at", "x", "file"], "'x' is geen ISO-tijdstip"),
    ],
)
def test_a_mistake_is_one_dutch_sentence(monkeypatch, capsys, words, said):
    monkeypatch.setattr("sys.argv", ["ketentest", *words])
    with pytest.raises(SystemExit) as ended:
        harness.cli.main()
    printed = capsys.readouterr().err
    assert ended.value.code == 2
    assert said in printed
    assert printed.count("\n") == 1
    assert "--help`" in printed


@pytest.mark.parametrize("verb", [(), *((name,) for name in cli.commands)], ids=lambda v: " ".join(v) or "ketentest")
def test_every_help_page_is_dutch(verb):
    page = CliRunner().invoke(cli, [*verb, "--help"], prog_name="ketentest").output
    assert page.startswith("Gebruik: ketentest")
    for english in ("Show this", "default:", "required]", "Options:", "Commands:", "[OPTIONS]", " PATH ", " TEXT "):
        assert english not in page


def ended(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["ketentest", *words])
    with pytest.raises(SystemExit) as done:
        harness.cli.main()
    return done.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "LZ-4.3.9x", "--lang", "en"], "no rule, step or probe has this id; did you mean LZ-4.3.9?"),
        (["explain", "CPA-9999", "--lang=en"], "no rule, step or probe has this id"),
        (["check", "absent.pem", "--lang", "nl"], "absent.pem: niet te lezen (bestaat niet)"),
        (["verify", "absent.pdf"], "absent.pdf: niet te lezen (bestaat niet)"),
        (["verify", ".", "--lang", "en"], ".: cannot be read (is a folder)"),
    ],
)
def test_a_mistake_is_said_in_the_language_that_was_asked_for(monkeypatch, capsys, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    code, printed = ended(monkeypatch, capsys, *words)
    assert code == 2
    assert said in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("out", [".", "file/cpa.xml", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_sentence_and_not_our_failure(monkeypatch, capsys, tmp_path, out):
    (tmp_path / "file").write_text("")
    starting.write(tmp_path / "here", starting.Answers(("lopende-zaken",)))
    monkeypatch.chdir(tmp_path)
    words = ("generate", "consumer-spec", "lopende-zaken", "--scenario", "here", "--out", out)
    code, printed = ended(monkeypatch, capsys, *words)
    assert code == 2
    assert "niet te lezen of te schrijven (" in printed
    assert "Errno" not in printed


def test_a_full_disk_is_a_failure_of_the_environment():
    wrong = unusable_path(OSError(errno.ENOSPC, "No space left on device", "runs/x"))
    assert wrong.exit_code == 3
    assert wrong.text.nl.startswith("runs/x: niet te lezen of te schrijven (de schijf is vol)")


def test_who_works_beside_a_scenario_is_told_where_it_is(monkeypatch, capsys, tmp_path):
    starting.write(tmp_path / "ketentest", starting.Answers(("digipoort",)))
    monkeypatch.chdir(tmp_path)
    code, printed = ended(monkeypatch, capsys, "plan")
    assert code == 2
    assert printed == "scenarios/preprod: geen chain.toml gevonden; wel in ketentest\n"


def test_without_a_terminal_init_says_what_it_filled_in_as_an_example(tmp_path):
    given = [str(tmp_path / "x"), "--system", "lopende-zaken", "--system", "tvs", "--kind", "leverancier"]
    said = CliRunner().invoke(cli, ["init", *given], prog_name="ketentest")
    assert said.exit_code == 0
    assert "als voorbeeld ingevuld: name = Gemeente Voorbeeldstad, oin = 00000099000000001000, network" in said.output
    assert load(tmp_path / "x").connections[1].system == "tvs-cluster"


def test_tvs_is_direct_for_whoever_is_no_supplier():
    assert starting.chosen(("tvs", "digipoort"), "zorgaanbieder") == ("tvs-direct", "digipoort")


def test_an_oin_that_lost_its_zeros_is_told_before_anything_is_written(monkeypatch, capsys, tmp_path):
    code, printed = ended(monkeypatch, capsys, "init", str(tmp_path / "x"), "--oin", "99000000001000")
    assert code == 2
    assert "Schrijf '00000099000000001000'" in printed
    assert not (tmp_path / "x").exists()


def explained(*words):
    return CliRunner().invoke(cli, ["explain", *words], prog_name="ketentest").output


def test_a_ping_tells_what_it_proves_and_what_not():
    said = explained("LZ-4.3.9a")
    assert "bewijst          Beide MSH’s bereiken elkaar over mutual TLS" in said
    assert "bewijst niet     Dat een zaakbericht wordt aangenomen" in said
    assert "proves not       That a business message is accepted" in explained("LZ-4.3.9a", "--lang", "en")


def test_a_probe_and_a_rule_are_explained_in_one_language():
    said = explained("ebms.ping")
    assert "bericht zonder gevolg" in said
    assert "The counterparty" not in said
    assert "standaard: niet geslaagd" in explained("CPA-012")
    assert "does             The counterparty's MSH answers" in explained("ebms.ping", "--lang", "en")


def test_a_file_that_may_not_be_read_is_said_in_dutch():
    wrong = click.BadParameter("Path 'key.pem' is not readable.", param_hint="'BESTAND…'")
    assert sentence(wrong) == "ketentest: key.pem: niet te lezen (geen rechten). Zie `ketentest --help`"


def test_a_device_without_an_end_is_too_large_and_not_read_for_ever():
    with pytest.raises(DocumentUnreadable, match="is te groot"):
        check.read(Path("/dev/zero"), 1024 * 1024)


def test_a_dry_run_names_each_probe_of_a_family_and_calls_none_unbuilt(tmp_path):
    starting.write(tmp_path / "x", starting.Answers(("lopende-zaken",)))
    said = CliRunner().invoke(cli, ["run", str(tmp_path / "x"), "--dry-run"], prog_name="ketentest").output
    assert "nog niet gebouwd" not in said
    assert "net.*" not in said
    assert re.search(r"net\.tcp +connect +.*LZ-4\.4\.2", said)
