"""`pytest scenarios/preprod`: a row per step, outcomes by verdict, mistakes as one readable block."""

import pytest


def test_collecting_lists_rows_and_makes_no_run(small):
    done = small.pytest("scenarios/preprod", "--collect-only", "-q")
    assert done.returncode == 0, done.text
    assert "scenarios/preprod/chain.toml::digipoort::DP-3[net.tcp]" in done.stdout
    assert not (small.folder / "runs").exists()


def test_a_run_passes_and_prints_where_it_was_kept_as_its_last_lines(small):
    done = small.pytest("scenarios/preprod", "-q")
    assert done.returncode == 0, done.text
    assert done.stdout.splitlines()[-2].startswith("run: runs/")
    assert small.results()[("digipoort", "net.tcp", "wus")] == "pass"


def test_probes_that_no_row_names_run_as_they_do_from_the_command_line(small):
    done = small.pytest("scenarios/preprod", "-q", "-rA")
    assert done.returncode == 0, done.text
    assert "digipoort::beyond[pki.revocation]" in done.stdout
    assert "G1 eindigt in november 2028" in done.stdout
    inside = small.results()
    assert inside[("digipoort", "pki.revocation", "")] == "pass"
    done = small.ketentest("run", "scenarios/preprod")
    assert done.returncode == 0, done.text
    assert small.results() == inside


def test_only_the_selected_row_and_what_it_needs_runs(small):
    done = small.pytest("scenarios/preprod", "-q", "-k", "DP-3 and tcp")
    assert done.returncode == 0, done.text
    assert {probe for _, probe, _ in small.results()} == {"net.dns", "net.tcp"}


def test_markers_select_by_family(small):
    done = small.pytest("scenarios/preprod", "-q", "-m", "pki", "--collect-only")
    assert "pki.fields" in done.stdout
    assert "net.tcp" not in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadscope")])
@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('system = "digipoort"', 'systeem = "digipoort"', "bedoelt u 'system'"),
        ('system = "digipoort"', 'system = "digiport"', "'digipoort'"),
        ('key = "lab"', 'key = "env:NOT_THERE"', "NOT_THERE"),
        ('"00000099000000006000"', '"99000000006000"', "voorloopnullen"),
        ("schema = 1", "schema = [", "geen geldige TOML"),
        ("schema = 1", "\x00\x01", "geen geldige TOML"),
    ],
)
def test_a_mistake_in_the_scenario_is_one_block_and_exit_2(small, was, becomes, said, workers):
    file = small.folder / "scenarios/preprod/chain.toml"
    file.write_text(file.read_text().replace(was, becomes, 1))
    done = small.pytest("scenarios/preprod", "-q", *workers)
    assert done.returncode == 2, done.text
    assert said in done.stdout
    assert "Traceback" not in done.text
    assert not (small.folder / "runs").exists()


def test_workers_write_one_run_with_the_same_verdicts(terminal):
    assert terminal.pytest("scenarios/preprod", "-q").returncode == 0
    alone = terminal.results()
    done = terminal.pytest("scenarios/preprod", "-q", "-n", "2", "--dist", "loadscope")
    assert done.returncode == 0, done.text
    assert terminal.results() == alone
    assert len(list((terminal.folder / "runs").glob("*/run.jsonl"))) == 2


def test_a_red_row_fails_with_readable_lines_and_exit_1(small):
    done = small.pytest("scenarios/preprod", "-q", "-k", "DP-3", "--lab-fault", "digipoort:wus-down")
    assert done.returncode == 1, done.text
    assert "NET-002" in done.stdout
    assert "waargenomen" in done.stdout
    assert "Traceback" not in done.text


def test_a_fault_that_does_not_exist_names_the_nearest(small):
    done = small.pytest("scenarios/preprod", "-q", "--lab-fault", "digipoort:wus-doun")
    assert done.returncode != 0
    assert "wus-down" in done.text
    assert "Traceback" not in done.text


def test_strict_makes_everything_open_a_failure_and_exit_1(small):
    done = small.pytest("--strict", "scenarios/preprod", "-q", "-k", "DP-1")
    assert done.returncode == 1, done.text
    assert " failed" in done.stdout.splitlines()[-3]
    assert "Traceback" not in done.text


def test_a_redirect_fails_the_row_with_a_sentence_and_is_not_followed(small):
    done = small.pytest("scenarios/preprod", "-q", "-k", "wus.call", "--lab-fault", "digipoort:redirected")
    assert done.returncode == 1, done.text
    assert "WUS-HTTP-001" in done.stdout
    assert "HTTP 302 → https://elders.ketentest.test/" in done.stdout
