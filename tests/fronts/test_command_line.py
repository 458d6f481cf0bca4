"""A mistake on the command line is one Dutch sentence with the nearest word; help pages are Dutch."""

import pytest
from click.testing import CliRunner

import harness.cli
from harness.cli import cli


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reprt"], "'reprt' is geen opdracht; bedoelt u report?"),
        (["run", "--strickt"], "de optie --strickt bestaat niet; bedoelt u --strict?"),
        (["report", "--for", "x"], "--for: 'x' is onbekend; kies uit 'own', 'logius', 'dictu'."),
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
    for english in ("Show this", "default:", "required]", "Options:", "Commands:"):
        assert english not in page
