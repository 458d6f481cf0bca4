"""The `ketentest` command: the same engine, verdicts in words, and one sentence for a mistake."""

import zipfile
from pathlib import Path


def test_msh_down_fails_one_probe_blocks_its_dependants_and_touches_nothing_else(terminal):
    done = terminal.ketentest("run", "scenarios/preprod", "--lab-fault", "lopende-zaken:msh-down")
    last = done.stdout.partition("Niet geslaagd:")[2]
    assert "lopende-zaken net.tcp (ebms): NET-002  Een adres van de host neemt geen verbinding aan" in last
    assert "; wie: uw netwerkbeheerder" in last
    assert done.returncode == 1, done.text
    results = terminal.results()
    failed = [key for key, verdict in results.items() if verdict == "fail"]
    assert failed == [("lopende-zaken", "net.tcp", "ebms")]
    blocked = {key[:2] for key, verdict in results.items() if verdict == "blocked"}
    assert ("lopende-zaken", "ebms.ping") in blocked
    assert {connection for connection, _ in blocked} == {"lopende-zaken"}
    assert not [key for key, verdict in results.items() if verdict == "error"]


def test_a_run_against_the_healthy_lab_is_green(terminal):
    done = terminal.ketentest("run", "scenarios/preprod")
    assert done.returncode == 0, done.text
    bad = {k: v for k, v in terminal.results().items() if v in {"fail", "error", "blocked"}}
    assert not bad
    assert done.stdout.splitlines()[-2].startswith("run: runs/")


def test_a_dry_run_sends_nothing_and_names_the_rows(small):
    done = small.ketentest("run", "scenarios/preprod", "--dry-run")
    assert done.returncode == 0, done.text
    assert "DP-3" in done.stdout
    assert not (small.folder / "runs").exists()


def test_a_pattern_that_matches_nothing_names_the_nearest(small):
    done = small.ketentest("run", "scenarios/preprod", "--only", "DP-4x")
    assert done.returncode == 2
    assert "bedoelt u DP-4" in done.text


def test_strict_makes_everything_open_exit_4(small):
    assert small.ketentest("run", "scenarios/preprod", "--strict").returncode == 4


def test_a_host_that_is_not_on_the_list_is_refused_before_anything_is_opened(small):
    file = small.folder / "scenarios/preprod/chain.toml"
    text = file.read_text().replace('endpoint = "lab"', 'endpoint = "https://evil.example/x"')
    file.write_text(text.replace('wsdl = "lab"', 'wsdl = ""').replace('anchors = ["lab"]', "anchors = []"))
    done = small.ketentest("run", "scenarios/preprod")
    assert done.returncode == 2, done.text
    assert "evil.example" in done.text
    assert "[hosts] preprod" in done.text
    assert "Traceback" not in done.text


PROBE = '''
from harness.model import Observation
from harness.probes.probe import probe


@probe("acme.hello", title=("groet van Acme", "greeting from Acme"))
async def hello(link, tools):
    """Says hello to the connection."""
    yield Observation("hello " + link.name)
'''


def test_a_probe_from_a_wheel_of_its_own_appears_in_plan_run_report_and_explain(small):
    wheel = small.folder / "acme_probe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("acme_probe.py", PROBE)
        file.writestr("acme_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-probe\nVersion: 1.0\n")
        file.writestr("acme_probe-1.0.dist-info/entry_points.txt", "[ketentest.probes]\nacme = acme_probe\n")
        file.writestr(
            "acme_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("acme_probe-1.0.dist-info/RECORD", "")
    target = small.folder / "site"
    installed = small.python("-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", target, wheel)
    assert installed.returncode == 0, installed.text
    path = {"PYTHONPATH": str(target)}
    assert "acme.hello" in small.ketentest("run", "scenarios/preprod", "--dry-run", **path).stdout
    done = small.ketentest("run", "scenarios/preprod", **path)
    assert small.results()[("digipoort", "acme.hello", "")] == "pass", done.text
    assert "groet van Acme" in small.ketentest("explain", "acme.hello", **path).stdout
    assert small.ketentest("report", **path).returncode == 0
    [report] = small.folder.glob("runs/*/report.md")
    assert "acme.hello" in report.read_text()


def test_the_scenario_for_the_compliance_facility_is_green_against_the_lab(terminal):
    source = Path(__file__).resolve().parents[2] / "scenarios/compliance/chain.toml"
    target = terminal.folder / "scenarios/compliance/chain.toml"
    target.parent.mkdir(parents=True)
    target.write_bytes(source.read_bytes())
    done = terminal.ketentest("run", "scenarios/compliance")
    assert done.returncode == 0, done.text
    assert not {k: v for k, v in terminal.results().items() if v in {"fail", "error", "blocked"}}
