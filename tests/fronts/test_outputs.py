"""What a run leaves behind: no BSN, no private key, reports that say what they may say."""

import base64
import re
from urllib.parse import quote

from harness.masking import elfproef

PLANTED = ("999990019", "900026236")


def everything(folder):
    return [(p.relative_to(folder), p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()]


def test_nothing_that_a_run_writes_holds_a_bsn_or_a_private_key(terminal):
    file = terminal.folder / "scenarios/preprod/chain.toml"
    text = file.read_text().replace('system = "tvs-direct"', 'system = "tvs-direct"\ntest_bsns = "env:BSNS"')
    file.write_text(text)
    done = terminal.ketentest("run", "scenarios/preprod", BSNS=" ".join(PLANTED))
    assert done.returncode == 0, done.text
    assert terminal.ketentest("report").returncode == 0
    [folder] = [p for p in (terminal.folder / "runs").iterdir() if (p / "run.jsonl").is_file()]
    for name, data in everything(folder):
        assert not re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", data), name
        for nine in re.findall(rb"(?<![0-9A-Za-z])[0-9]{9}(?![0-9A-Za-z])", data):
            assert not elfproef(nine), (name, nine)
        for bsn in PLANTED:
            for form in (bsn, quote(bsn), base64.b64encode(bsn.encode()).decode()[:12]):
                assert form.encode() not in data, (name, form)


def test_a_report_of_a_lab_run_is_an_exercise_report_in_both_languages(small):
    assert small.ketentest("run", "scenarios/preprod").returncode == 0
    assert small.ketentest("report").returncode == 0
    [folder] = [p for p in (small.folder / "runs").iterdir() if (p / "run.jsonl").is_file()]
    assert "Oefenrapport" in (folder / "report.nl.html").read_text()
    assert "xercise report" in (folder / "report.en.html").read_text()
    for name in ("report.md", "report.json", "junit.xml"):
        assert (folder / name).stat().st_size > 1000


def test_two_runs_give_the_same_report_but_for_ids_times_ports_and_digests(small):
    texts = []
    for _ in range(2):
        assert small.ketentest("run", "scenarios/preprod").returncode == 0
        assert small.ketentest("report").returncode == 0
    for folder in sorted(p.parent for p in (small.folder / "runs").glob("*/run.jsonl")):
        text = (folder / "report.md").read_text()
        for pattern in (
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            r"\S*… \\\[ingekort; \d+ tekens in totaal\\\]",
            r"\d{8}-\d{4}-[0-9a-f]{4}",
            r"[0-9a-f]{12,64}",
            r"127\.0\.0\.1:\d+",
            r"\d+([.,]\d+)? m?s\b",
            r"\d\d:\d\d(:\d\d)?",
        ):
            text = re.sub(pattern, "…", text)
        texts.append(text)
    assert texts[0] == texts[1]
