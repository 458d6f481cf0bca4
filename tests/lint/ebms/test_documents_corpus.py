"""The corpus of specifications, PingMMD and CPAs: every verdict and every finding that the manifest names."""

import csv
from datetime import UTC, datetime

import pytest

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.model import Environment

CLOCK = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
VERDICTS = {
    "invalid": "fail",
    "valid": "pass",
    "valid (warning)": "warn",
    "valid (warnings)": "warn",
    "valid (info)": "pass",
}
SEVERITIES = {"E": "error", "W": "warning", "I": "info"}
OURS = ("mutated/CPA", "mutated/SPEC", "mutated/MMD", "mutated/XCHK-002", "mutated/XCHK-004", "cpa/", "specs/")
BASES = ("base-consumer-spec.xml", "base-cpa-osb-rm.xml", "base-cpa-osb-rm-s.xml", "base-mmd.xml")


@pytest.fixture(scope="module")
def corpus(shared):
    return shared / "corpus" / "ebms"


def rows(corpus):
    with (corpus / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["file"].startswith(OURS) or row["file"].removeprefix("bases/") in BASES:
                yield row


def judged(corpus, file, profile="", environment=Environment.PREPROD):
    companions = (Raw((corpus / "bases/base-cpa-osb-rm.xml").read_bytes(), "cpa.xml"),) if "mmd" in file.lower() else ()
    trust = ((corpus / "bases/pki/ca.pem").read_bytes(),)
    ctx = Context(at=CLOCK, environment=environment, profile=profile, trust=trust, companions=companions)
    return judge_bytes((corpus / file).read_bytes(), file, ctx)


@pytest.mark.parametrize(
    ("column", "profile"), [("digikoppeling", ""), ("digikoppeling", "digikoppeling"), ("ebms2", "ebms2")]
)
def test_every_verdict_is_that_of_the_manifest(corpus, column, profile):
    differing = []
    count = 0
    for row in rows(corpus):
        expected = VERDICTS.get(row[column])
        if expected:
            count += 1
            verdict = judged(corpus, row["file"], profile).verdict
            if verdict != expected:
                differing.append((row["file"], verdict, expected))
    assert not differing
    assert count > 40


def test_every_named_finding_is_there_with_its_severity(corpus):
    missing = []
    for row in rows(corpus):
        found = {(g.finding.rule, str(g.severity)) for g in judged(corpus, row["file"]).findings}
        for named in row["must_fire"].split():
            rule, _, letter = named.partition(":")
            if not any(rule == r and letter in ("", s[0].upper()) for r, s in found):
                missing.append((row["file"], named))
    assert not missing


def test_the_bases_raise_no_error_and_no_warning(corpus):
    for name in BASES:
        document = judged(corpus, f"bases/{name}")
        assert document.verdict == "pass"
        assert {str(g.severity) for g in document.findings} <= {"info"}


@pytest.mark.parametrize("file", ["ebms-admin__cpa-cv-https.xml", "ebms-admin__cpa-cv-http.xml"])
def test_the_echo_cpa_of_the_compliance_facility_raises_no_alarm_there(corpus, file):
    document = judged(corpus, f"cpa/{file}", environment=Environment.COMPLIANCE)
    loud = {g.finding.rule for g in document.findings if str(g.severity) != "info"}
    assert loud <= ({"CPA-041"} if "http.xml" in file else set())


def test_every_finding_says_where(corpus):
    for row in rows(corpus):
        for graded in judged(corpus, row["file"]).findings:
            assert graded.finding.line or graded.finding.rule == "SPEC-050", (row["file"], graded.finding)
