"""The samples of the reference folder: every defect is found, baselines are silent, nothing crashes."""

import csv
import re
from datetime import datetime

import pytest

from harness import check
from harness.lint.judge import Context
from harness.model import Environment, Severity

SEVERITY = {"error": Severity.ERROR, "warn": Severity.WARNING, "info": Severity.INFO}
TYPING_ERROR = {"SAML-RD-104"}
"""The manifest names a rule that no catalogue has; SAML-RD-005 is meant."""


@pytest.fixture(scope="module")
def corpus(shared):
    return shared / "corpus" / "saml"


@pytest.fixture(scope="module")
def judged(corpus):
    mutants = corpus / "mutants"
    uuids = tuple((mutants / "known-service-uuids.txt").read_text().split())

    def judge(name, role, environment):
        ctx = Context(
            at=datetime.fromisoformat((mutants / "clock.txt").read_text().strip()),
            environment=Environment(environment),
            role=role,
            trust=((mutants / "trust-tsp.pem").read_bytes(),),
            settings={"service-uuids": uuids},
        )
        return check.judge_bytes((mutants / name).read_bytes(), name, ctx).findings

    return judge


def test_every_deliberate_defect_fires_with_its_severity(corpus, judged):
    missed = []
    for row in csv.DictReader((corpus / "mutants" / "expected.csv").read_text().splitlines()):
        fired = {(g.finding.rule, g.severity) for g in judged(row["file"], row["kind"], row["env"])}
        if (row["must_fire"], SEVERITY[row["severity"]]) not in fired:
            missed.append((row["file"], row["must_fire"]))
    assert not missed


@pytest.mark.parametrize("name", ["valid-dv", "valid-dv-2svc", "valid-dv-rollover", "valid-dv-x509", "valid-lc"])
def test_the_baselines_are_silent(judged, name):
    found = judged(f"{name}.xml", "lc" if name == "valid-lc" else "dv", "preprod")
    assert not [g.finding for g in found if g.severity is not Severity.INFO]


def test_third_party_files_give_the_rules_that_the_manifest_names(corpus):
    at = datetime.fromisoformat((corpus / "mutants" / "clock.txt").read_text().strip())
    missed = {}
    for row in csv.DictReader((corpus / "manifest.csv").read_text().splitlines()):
        file = corpus / row["file"]
        if not file.is_file():
            continue
        document = check.judge_bytes(file.read_bytes(), row["file"], Context(at=at, environment=Environment.PREPROD))
        absent = named(row["expected_verdict"]) - {g.finding.rule for g in document.findings} - TYPING_ERROR
        if absent:
            missed[row["file"]] = absent
    assert not missed


def named(prose):
    listed = re.search(r"lint errors expected:([ \d]+)", prose)
    if listed:
        return {f"SAML-MD-{number}" for number in listed[1].split()}
    return {f"SAML-{rule}" for rule in re.findall(r"\b((?:MD|AR|ART|AS|RD|SLO)-\d{2,3})\b", prose)}


def test_the_real_tvs_metadata_is_intact_although_it_has_expired(corpus):
    at = datetime.fromisoformat((corpus / "mutants" / "clock.txt").read_text().strip())
    data = (corpus / "nl-tvs" / "tvs-preproductie-rd-metadata-2026.xml").read_bytes()
    document = check.judge_bytes(data, "tvs.xml", Context(at=at, environment=Environment.PREPROD))
    errors = {g.finding.rule for g in document.findings if g.severity is Severity.ERROR}
    assert errors == {"SAML-RD-004", "SAML-RD-005"}


def test_the_real_tvs_metadata_was_sound_when_it_was_new(corpus):
    at = datetime.fromisoformat("2026-01-15T12:00:00+00:00")
    data = (corpus / "nl-tvs" / "tvs-preproductie-rd-metadata-2026.xml").read_bytes()
    document = check.judge_bytes(data, "tvs.xml", Context(at=at, environment=Environment.PREPROD))
    assert not [g.finding for g in document.findings if g.severity is not Severity.INFO]


def test_a_real_cluster_response_is_accepted_in_shape_at_its_own_time(corpus):
    data = (corpus / "nl-rdo-max" / "cluster_response.xml").read_bytes()
    moment = datetime.fromisoformat(re.search(rb'IssueInstant="([^"]+)"', data)[1].decode())
    document = check.judge_bytes(data, "response.xml", Context(at=moment, environment=Environment.PREPROD))
    assert not [g.finding for g in document.findings if g.severity is not Severity.INFO]
