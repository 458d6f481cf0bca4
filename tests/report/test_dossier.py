"""A whole Lopende Zaken dossier: statements, a screenshot, a waiver, three runs on two days, one of them in the lab."""

import json
from dataclasses import replace
from datetime import timedelta

import dossier
import pytest
from click.testing import CliRunner

from harness import run as runs
from harness.attestations import fingerprint
from harness.cli import cli
from harness.model import Environment, Verdict

STATEMENTS = """
[[attest]]
step = "LZ-3.3.1"
by = "Bea de Wit"
function = "projectleider"
date = 2026-06-02
statement = "Mandaat van het college, kenmerk 2026-114."

[[attest]]
step = "LZ-4.3.4"
by = "Bea de Wit"
function = "projectleider"
date = 2026-11-09
statement = "Aanvraagformulier per post verstuurd."

[[attest]]
step = "LZ-4.3.7"
by = "Cas Jansen"
function = "tester"
date = 2026-11-18
statement = "Interne acceptatietest geslaagd; verslag bijgevoegd."
file = "bewijs/acceptatietest.png"
sha256 = "{sha256}"

[[waiver]]
rule = "PKIO-VAL-002"
reason = "De vervanging is besteld bij de TSP."
owner = "projectleider"
until = 2027-01-11

[[declaration]]
by = "Bea de Wit"
function = "projectleider"
date = 2026-11-21
reader = "logius"
"""


def keep(root, run, scenario):
    writer = runs.create(root, replace(run.info, scenario=str(scenario)))
    for result in run.results:
        writer.result(result)
    writer.end(dossier.NOW)
    return writer.folder


def on_day(run, days, run_id):
    info = replace(run.info, id=run_id, started=run.info.started - timedelta(days=days))
    return replace(run, info=info)


@pytest.fixture
def folders(tmp_path):
    """Friday without a Pong, Saturday in the lab with everything green, Saturday again with a Pong."""
    scenario = tmp_path / "scenarios" / "preprod" / "chain.toml"
    picture = scenario.parent / "bewijs" / "acceptatietest.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\x89PNG\r\n\x1a\n fictitious screen")
    (scenario.parent / "attestations.toml").write_text(STATEMENTS.format(sha256=fingerprint(picture)))
    municipal = dossier.municipal()
    only = replace(municipal.info, connections=municipal.info.connections[:1])
    friday = replace(
        municipal, info=only, results=tuple(r for r in municipal.results if r.connection == "lopende-zaken")
    )
    practised = tuple(
        replace(r, environment=Environment.LAB, verdict=Verdict.PASS, findings=()) for r in friday.results
    )
    pong = dossier.result("ebms.ping", name="lopende-zaken", seen="Pong na 0,6 s", subject="ebms")
    saturday = replace(friday, results=(*(r for r in friday.results if r.probe != "ebms.ping"), pong))
    root = tmp_path / "runs"
    return [
        keep(root, on_day(friday, 1, "20261120-0900-aaaa"), scenario),
        keep(root, on_day(replace(friday, results=practised), 0.2, "20261121-1500-bbbb"), scenario),
        keep(root, on_day(saturday, 0, "20261121-2042-cccc"), scenario),
    ]


def written(folders, *options):
    done = CliRunner().invoke(
        cli, ["report", *map(str, folders), "--for", "logius", "--format", "json,html", "--lang", "nl", *options]
    )
    assert done.exit_code == 0, done.output
    report = json.loads((folders[-1] / "report.json").read_text())
    steps = {s["id"]: s for c in report["connections"] for p in c["phases"] for s in p["steps"]}
    return report, steps


def test_the_newest_preproduction_result_counts_and_the_lab_settles_nothing(folders):
    report, steps = written(folders)
    assert steps["LZ-4.3.9a"]["mark"]["key"] == "pass"
    assert "lab" not in {s["mark"]["key"] for s in steps.values()}
    assert report["apart"], "the lab results are listed as standing apart"


def test_a_lab_run_beside_friday_does_not_hide_that_the_pong_was_missing(folders):
    _, steps = written(folders[:2])
    assert steps["LZ-4.3.9a"]["mark"]["key"] != "pass"


def test_named_steps_say_who_declared_what_and_with_which_file(folders):
    report, steps = written(folders)
    assert steps["LZ-3.3.1"]["mark"]["key"] == "pass"
    assert "Bea de Wit" in steps["LZ-3.3.1"]["seen"][0]
    assert "acceptatietest.png" in steps["LZ-4.3.7"]["seen"][0]
    assert steps["LZ-4.3.4z"]["mark"]["word"] == "wacht op Logius sinds 9 november 2026"
    assert any(e["name"] == "bewijs/acceptatietest.png" for e in report["evidence"])
    assert report["deviations"][0]["rule"] == "PKIO-VAL-002"


def test_the_report_is_declared_for_logius_and_a_draft_for_another_reader(folders):
    report, _ = written(folders)
    assert not report["draft"]
    assert report["declarations"][0]["by"] == "Bea de Wit"
    own, _ = written(folders, "--for", "own")
    assert own["draft"]


def test_each_step_is_found_by_its_number_in_the_page(folders):
    written(folders)
    page = (folders[-1] / "report.nl.html").read_text()
    for step in ("LZ-3.3.8", "LZ-4.3.5", "LZ-4.3.8e", "LZ-4.3.9a", "LZ-5.3.3"):
        assert f'id="c1-{step}"' in page


def test_a_changed_screenshot_makes_the_step_fail(folders):
    scenario = folders[-1].parent.parent / "scenarios" / "preprod"
    (scenario / "bewijs" / "acceptatietest.png").write_bytes(b"other")
    report, steps = written(folders)
    assert steps["LZ-4.3.7"]["mark"]["key"] == "fail"
    assert "ATT-001" in {f["rule"] for f in report["findings"]}
