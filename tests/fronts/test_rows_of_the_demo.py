"""The rows that ARCHITECTURE.md names are the rows that a run against the lab settles."""

import re
from pathlib import Path

from harness.attestations import Ledger
from harness.checklist import catalogue
from harness.choice import verdicts
from harness.model import Verdict
from harness.run import read

ROOT = Path(__file__).resolve().parents[2]
GREEN = {Verdict.PASS, Verdict.WARN}


def test_every_row_that_architecture_names_passes_and_the_rest_says_why_not(terminal):
    done = terminal.ketentest("run", "scenarios/preprod")
    assert done.returncode == 0, done.text
    found = verdicts(read(terminal.folder / "runs"), Ledger())
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = dict(re.findall(r"^\| ([a-z-]+) \| ([A-Z]{2}-.*) \|$", text, re.MULTILINE))
    assert set(table) == set(found)
    for connection, rows in table.items():
        for row in rows.split():
            assert found[connection][row].verdict in GREEN, (connection, row, found[connection][row].cause)
    [hybrid] = re.findall(r"is awaited: (.*)\.\n", text)
    everywhere = {row: v for rows in found.values() for row, v in rows.items()}
    for row in hybrid.replace(",", "").split():
        assert everywhere[row].verdict is Verdict.MANUAL, (row, everywhere[row].verdict)
        assert all(result.verdict in GREEN | {Verdict.SKIP} for result in everywhere[row].results), row
    for rows in found.values():
        for row, verdict in rows.items():
            if catalogue()[row].mode in "AGH" and verdict.verdict is Verdict.NOT_RUN:
                assert verdict.cause, row
                assert verdict.why, row
