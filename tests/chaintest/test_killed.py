"""Kill -9 in the middle of sending, run again: no message is begun twice, and what is uncertain says so."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from harness.run import read
from tests.chaintest.conftest import SCENARIO, SIDES

MAIN = [sys.executable, "-c", "from harness.cli import main; main()"]


def write_scenario(tmp_path, faults=""):
    text = SCENARIO.format(system="lopende-zaken", extra="", sides='messages = "set"\n', read=5, pong=1.2)
    sides = SIDES["lopende-zaken"] + 'messages = "set"\n'
    text = SCENARIO.format(system="lopende-zaken", extra="", sides=sides, read=5, pong=1.2)
    (tmp_path / "chain.toml").write_text(text + f"\n[lab]\nfaults = [{faults}]\n")


def run(tmp_path, *more):
    return [*MAIN, "run", str(tmp_path), "--runs", str(tmp_path / "runs"), "--only", "LZ-5.3.3b", *more]


def journal(tmp_path):
    file = tmp_path / "runs" / "verzonden.jsonl"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


@pytest.mark.slow
def test_after_a_kill_no_message_is_begun_twice_and_the_rest_goes_out(tmp_path, prepared):
    messages = prepared()
    write_scenario(tmp_path, '"dut:late-ack"')
    with subprocess.Popen(run(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while sum(line["state"] == "begun" for line in journal(tmp_path)) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    [killed] = [folder for folder in (tmp_path / "runs").iterdir() if folder.is_dir()]
    before = journal(tmp_path)
    write_scenario(tmp_path)
    again = subprocess.run(
        run(tmp_path, "--failed-of", str(killed)), capture_output=True, text=True, check=False, timeout=120
    )
    begun = Counter(line["key"] for line in journal(tmp_path) if line["state"] == "begun")
    ids = Counter(line["message_id"] for line in journal(tmp_path) if line["state"] == "begun")
    assert sum(line["state"] == "begun" for line in before) == 3
    assert len(begun) == len(messages)
    assert set(begun.values()) == set(ids.values()) == {1}
    result = next(r for r in read(newest(tmp_path)).results if r.probe == "ebms.send")
    assert "MSG-024" in {n.rule for n in result.not_run}, again.stdout + again.stderr
    assert result.verdict == "not-run"
    assert again.returncode == 0, again.stdout + again.stderr


def newest(tmp_path):
    return max((f for f in (tmp_path / "runs").iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime_ns)
