"""`ketentest clean`: removes the runs that are old enough, and nothing that is not a run."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from harness import run as runs
from harness.cli import cli
from harness.errors import UnusableInput
from harness.retention import age, candidates, remove
from harness.run import RunInfo, utc_now


def keep(root, days, name="a1b2"):
    started = utc_now() - timedelta(days=days)
    info = RunInfo(f"{started:%Y%m%d-%H%M}-{name}", started, "0", "", "", "chain.toml", "ab" * 32)
    writer = runs.create(root, info)
    writer.end(started)
    return writer.folder


def call(root, *options):
    return CliRunner().invoke(cli, ["clean", "--runs", str(root), "--older", "90d", *options])


def test_runs_older_than_the_age_go_and_are_named(tmp_path):
    old, young = keep(tmp_path, 91), keep(tmp_path, 89)
    outcome = call(tmp_path)
    assert outcome.exit_code == 0
    assert f"verwijderd  {old}" in outcome.output
    assert (old.exists(), young.exists()) == (False, True)


def test_a_dry_run_removes_nothing(tmp_path):
    old = keep(tmp_path, 100)
    assert f"would remove  {old}" in call(tmp_path, "--dry-run", "--lang", "en").output
    assert old.exists()


def test_what_is_no_run_folder_stays_and_is_said(tmp_path):
    (tmp_path / "bewijs").mkdir()
    (tmp_path / "bewijs" / "scherm.png").write_bytes(b"x")
    (tmp_path / "20200101-1200-abcd").mkdir()
    renamed = keep(tmp_path, 200)
    renamed.rename(tmp_path / "20200101-1200-ffff")
    outcome = call(tmp_path)
    assert outcome.output.count("geen runmap") == 3
    assert (tmp_path / "bewijs" / "scherm.png").exists()
    assert (tmp_path / "20200101-1200-ffff").exists()


def test_a_link_to_a_run_elsewhere_is_not_followed(tmp_path):
    elsewhere = keep(tmp_path / "elders", 200)
    root = tmp_path / "runs"
    root.mkdir()
    (root / elsewhere.name).symlink_to(elsewhere)
    assert "een verwijzing" in call(root).output
    assert elsewhere.exists()


def test_a_link_inside_a_run_is_removed_and_its_target_stays(tmp_path):
    precious = tmp_path / "kostbaar"
    precious.mkdir()
    (precious / "a").write_text("a")
    old = keep(tmp_path / "runs", 200)
    (old / "documents" / "weg").symlink_to(precious)
    call(tmp_path / "runs")
    assert not old.exists()
    assert (precious / "a").exists()


def test_a_run_that_is_busy_stays_whatever_the_age(tmp_path):
    folder = keep(tmp_path, 0)
    lines = (folder / runs.FILE).read_text().splitlines()
    (folder / runs.FILE).write_text(lines[0] + "\n")
    found = candidates(tmp_path, age("0d"), utc_now())
    assert "beëindigd" in found[0].stays.nl
    with pytest.raises(UnusableInput):
        remove(found[0])


def test_a_run_folder_itself_is_refused_as_the_root(tmp_path):
    with pytest.raises(UnusableInput, match="zelf een run"):
        candidates(keep(tmp_path, 200), age("1d"), utc_now())


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("6m", 180), ("1y", 365), ("30", 30)])
def test_ages_are_read_in_days_weeks_months_and_years(text, days):
    assert age(text).days == days


@pytest.mark.parametrize("text", ["", "d", "-1d", "1e9d", "90 dagen"])
def test_another_age_is_refused_with_an_example(text):
    with pytest.raises(UnusableInput, match="90d"):
        age(text)
