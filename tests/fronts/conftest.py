"""Run the fronts as a user does: in a process of their own, in a folder of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A shell in `folder`; every command comes back with its exit code and what it printed."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {**os.environ, "NO_COLOR": "1", "COLUMNS": "160", "PYTHONWARNINGS": "default"}

    def python(self, *arguments, **changes):
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ | changes,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        done.text = done.stdout + done.stderr
        return done

    def pytest(self, *arguments, **changes):
        options = ("-p", "harness.pytest_plugin", "-p", "no:randomly", "-p", "no:hypothesispytest")
        return self.python("-m", "pytest", *options, "-c", os.devnull, "--rootdir", self.folder, *arguments, **changes)

    def ketentest(self, *arguments, **changes):
        return self.python("-c", "from harness.cli import main; main()", *arguments, **changes)

    def results(self):
        """The results of the newest run: {(connection, probe, side): verdict}."""
        runs = sorted((self.folder / "runs").glob("*/run.jsonl"), key=lambda p: p.stat().st_mtime_ns)
        events = [json.loads(line) for line in runs[-1].read_text().splitlines()]
        return {
            (e["connection"], e["probe"], e.get("subject", "")): e["verdict"] for e in events if e["event"] == "result"
        }


@pytest.fixture
def terminal(tmp_path):
    """A terminal in a folder that holds the scenario as cloned."""
    for name in ("preprod", "productie"):
        source = ROOT / "scenarios" / name / "chain.toml"
        if source.is_file():
            (tmp_path / "scenarios" / name).mkdir(parents=True)
            (tmp_path / "scenarios" / name / "chain.toml").write_bytes(source.read_bytes())
    return Terminal(tmp_path)


def only(text, *connections):
    """Return the scenario `text` with only some of its connections."""
    kept, keep = [], True
    for line in text.splitlines():
        if line.startswith("["):
            parts = line.strip("[]").split(".")
            keep = parts[0] != "connections" or parts[1] in connections
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"


@pytest.fixture
def small(terminal):
    """A terminal whose scenario has Digipoort only: quick."""
    file = terminal.folder / "scenarios/preprod/chain.toml"
    file.write_text(only(file.read_text(), "digipoort"))
    return terminal
