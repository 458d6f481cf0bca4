"""A whole fictitious dossier of a municipality, from the first statement to the file that goes to Logius.

Three runs on two days, one of them in the lab; statements for every row of phases 1 to 3, screenshots, a waiver, an
expired statement, and the checklist of the reader himself.
"""

import csv
import io
import json
import re
import struct
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from lxml import html

from harness import run as runs
from harness.attestations import Attestation
from harness.attesting import attest, take_in
from harness.checklist import Mode, probes_of, procedure
from harness.cli import cli
from harness.model import Environment, Finding, Graded, Observation, Result, Severity, Text, Verdict
from harness.run import ConnectionInfo, RunInfo

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
NAME = "lopende-zaken"
MUNICIPALITY = ConnectionInfo(
    NAME, NAME, Environment.PREPROD, "Gemeente Voorbeeldstad", "00000099000000001000", "overheid",
    contact="A. van Voorbeeld", peer="MijnOverheid Lopende Zaken", profiles=("osb-rm", "2W-be-S"),
    window=((f"{TODAY - timedelta(days=3)}T00:00:00+01:00", f"{TODAY + timedelta(days=3)}T23:59:59+01:00"),),
)  # fmt: skip
ROWS = procedure(NAME).rows
ATTESTED = (Mode.PERSON, Mode.HYBRID, Mode.WAITING, Mode.GENERATED)
EXTRA = """
[[waiver]]
rule = "PKIO-VAL-002"
connection = "lopende-zaken"
reason = "De vervanging is besteld bij de TSP."
owner = "projectleider"
until = {until}

[[declaration]]
by = "B. de Wit"
function = "projectleider"
date = {today}
reader = "logius"
"""
CHECKLIST = """Nr;Omschrijving;Stappen;Opmerking
4.1;Ping en Pong;LZ-4.3.9a;
5.2;Zaakstatusbericht zichtbaar;LZ-5.3.3c;let op de datum
5.3;Vraagbericht zichtbaar;LZ-5.3.3c;
9.1;Communicatie;;
"""


def screenshot(word):
    """A small picture that says who made it, as a screen grabber writes it."""

    def chunk(kind, data=b""):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(8) for _ in range(8)))
    parts = chunk(b"IHDR", header), chunk(b"tEXt", b"Author\0" + word), chunk(b"IDAT", pixels), chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def say(path, step, statement, file="", **more):
    kept = take_in(path, step, file) if file else ""
    said = Attestation(step, "C. Jansen", "tester", more.pop("day", TODAY), statement, file=kept, **more)
    return attest(path, said, (NAME,))


def keep(root, scenario, days, results, suffix, environment=Environment.PREPROD):
    started = NOW - timedelta(days=days, minutes=10)
    info = RunInfo(
        f"{started:%Y%m%d-%H%M}-{suffix}", started, "0.1.0", "2026-11", "2026-11", str(scenario), "ab" * 32,
        connections=(replace(MUNICIPALITY, environment=environment),),
    )  # fmt: skip
    writer = runs.create(root, info)
    for result in results:
        writer.result(replace(result, environment=environment, started=started))
    writer.end(started + timedelta(minutes=2), masked=3)
    return writer.folder


def probed(probe, verdict=Verdict.PASS, **more):
    seen = (Observation(Text("gezien", "seen")),)
    return Result(probe, NAME, verdict, Environment.PREPROD, observed=seen, **more)


@pytest.fixture(scope="module")
def dossier(tmp_path_factory):
    """The folder of a project leader on the evening before sending."""
    home = tmp_path_factory.mktemp("dossier")
    scenario = home / "scenarios" / "preprod" / "chain.toml"
    scenario.parent.mkdir(parents=True)
    path = scenario.parent / "attestations.toml"
    shots = home / "schermen"
    shots.mkdir()
    for name in ("zaak.png", "vraag.png", "lpr.png"):
        (shots / name).write_bytes(screenshot(b"C. Jansen, werkplek 12"))
    for row in ROWS:
        if (
            row.mode in ATTESTED
            and row.phase_env != "prod"
            and row.evidence.nl
            and row.id not in ("LZ-5.3.3c", "LZ-3.3.6")
        ):
            expired = (
                {"expires": TODAY - timedelta(days=1), "day": TODAY - timedelta(days=30)}
                if row.id == "LZ-4.3.7"
                else {}
            )
            say(path, row.id, f"Vastgesteld: {row.title}", **expired)
    say(path, "LZ-5.3.3c", "Zaakstatusbericht zichtbaar voor beide testaccounts.", shots / "zaak.png", item="5.2")
    say(path, "LZ-5.3.3c", "Vraagbericht zichtbaar.", shots / "vraag.png", item="5.3")
    say(path, "LZ-6.3.3", "LPR uitgevoerd.", shots / "lpr.png")
    with path.open("a") as stream:
        stream.write(EXTRA.format(until=TODAY + timedelta(days=60), today=TODAY))
    (home / "checklist.csv").write_text(CHECKLIST)

    names = dict.fromkeys(p for row in ROWS for p in probes_of(row) if not p.endswith("*"))
    only_practised = "cpa.agreement"
    expires = Graded(Finding("PKIO-VAL-002", observed="over 20 dagen", expected="> 60 dagen"), Severity.ERROR)
    pong = Graded(Finding("PONG-001", observed="geen Pong na 30 s", expected="Pong", where="ebms"), Severity.ERROR)
    real = [probed(n) for n in names if n not in (only_practised, "pki.validity", "ebms.ping", "config.diff")]
    real.append(probed("pki.validity", Verdict.FAIL, findings=(expires,)))
    root = home / "runs"
    folders = [
        keep(root, scenario, 1, [*real, probed("ebms.ping", Verdict.FAIL, findings=(pong,))], "aaaa"),
        keep(root, scenario, 0.1, [probed(n) for n in names], "bbbb", Environment.LAB),
        keep(root, scenario, 0, [probed("ebms.ping")], "cccc"),
    ]
    arguments = [
        "report",
        *map(str, folders),
        "--for",
        "logius",
        "--connection",
        NAME,
        "--checklist",
        str(home / "checklist.csv"),
    ]
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folders[-1]


@pytest.fixture(scope="module")
def report(dossier):
    return json.loads((dossier / "report.json").read_text())


@pytest.fixture(scope="module")
def page(dossier):
    return html.parse(str(dossier / "report.nl.html"))


@pytest.fixture(scope="module")
def steps(report):
    return {s["id"]: s for c in report["connections"] for p in c["phases"] for s in p["steps"]}


def test_the_lab_run_settles_nothing(report, steps):
    assert "lab" not in {s["mark"]["key"] for s in steps.values()}
    assert steps["LZ-4.3.8e"]["mark"]["key"] == "not-run"
    assert "lab" in steps["LZ-4.3.8e"]["seen"][0].lower()
    assert not report["exercise"]
    assert any("ingebouwd lab" in line for line in report["apart"])


def test_the_newest_run_of_the_same_circumstances_wins(steps):
    assert steps["LZ-4.3.9a"]["mark"]["key"] == "pass"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("LZ-3.3.7", ["Aanmelden bij Digikoppeling", "geslaagd", "C. Jansen"]),
        ("LZ-4.3.4a", ["afzenderID", "geslaagd", "C. Jansen"]),
        ("LZ-4.3.9a", ["Ping", "geslaagd", "ebms.ping"]),
        ("LZ-5.3.3a", ["periode", "geslaagd", "Afgesproken periode"]),
        ("LZ-5.3.3c", ["weergave", "geslaagd", "zaak.png", "SHA-256"]),
    ],
)
def test_five_named_steps_are_found_by_number_with_result_and_ground(page, step, words):
    (row,) = page.xpath(f'//tr[@id="c1-{step}"]')
    said = re.sub(r"\s+", " ", row.text_content())
    assert said.strip().startswith(step)
    assert not [word for word in words if word not in said]


def test_the_waiver_is_shown_with_reason_owner_and_end(report, steps):
    (waiver,) = report["deviations"]
    assert (waiver["rule"], waiver["reason"], waiver["owner"]) == (
        "PKIO-VAL-002", "De vervanging is besteld bij de TSP.", "projectleider",
    )  # fmt: skip
    assert str((TODAY + timedelta(days=60)).year) in waiver["until"]
    assert steps["LZ-3.3.8"]["mark"]["key"] == "warn"


def test_expired_evidence_is_a_finding_and_the_step_waits_again(report, steps):
    assert "ATT-004" in {f["rule"] for f in report["findings"]}
    assert steps["LZ-4.3.7"]["mark"]["key"] == "manual"
    assert "LZ-4.3.7" in report["open_steps"]


def test_screenshots_are_kept_without_their_maker_and_a_production_one_is_only_hashed(dossier, report):
    scenario = dossier.parent.parent / "scenarios" / "preprod"
    kept = {p.name for p in (scenario / "bewijs").iterdir()}
    assert len(kept) == 2
    assert not any(b"werkplek 12" in p.read_bytes() for p in (scenario / "bewijs").iterdir())
    (lpr,) = [e for e in report["evidence"] if e["name"].endswith("lpr.png")]
    assert re.fullmatch("[0-9a-f]{64}", lpr["sha256"])
    assert "data:image" not in (dossier / "report.nl.html").read_text()


def test_the_reader_finds_his_own_numbering(dossier, report):
    assert {i["number"]: i["mark"]["word"] for i in report["listed"]["items"]} == {
        "4.1": "geslaagd", "5.2": "geslaagd", "5.3": "geslaagd", "9.1": "niet afgedekt",
    }  # fmt: skip
    (first, *_) = [i for i in report["listed"]["items"] if i["number"] == "5.2"]
    assert "zaak.png" in first["seen"][0]
    assert "vraag.png" not in first["seen"][0]
    exported = list(
        csv.reader(io.StringIO((dossier / "checklist.csv").read_bytes().decode("utf-8-sig")), delimiter=";")
    )
    assert exported[2][-1] == "let op de datum"


def test_it_is_signed_for_logius_and_says_what_is_open(report, page):
    assert not report["draft"]
    assert report["declarations"][0]["by"] == "B. de Wit"
    assert "LZ-6.3.4" in report["open_steps"]
    assert "Testrapport" in page.xpath("string(//title)")


def test_no_text_is_missing_in_english(dossier):
    there = html.parse(str(dossier / "report.en.html"))
    said = there.getroot().text_content()
    assert "Chain test report" in said
    assert "geslaagd" not in said.replace("ketentest", "")


def test_the_days_are_those_of_the_statements(steps):
    assert str(date.today().year) in steps["LZ-3.3.7"]["seen"][-1]  # noqa: DTZ011 - a year is enough here
