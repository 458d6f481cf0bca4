"""The ebMS messages of the corpus get the verdicts and findings that its manifest names."""

import csv
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.check import companion, judge_bytes
from harness.lint.ebms.received import INCOMING, receive
from harness.lint.ebms.rejection import EMPTY, FAULT, rejection
from harness.lint.judge import Context, HttpHead, Raw
from harness.model import Environment, Severity

CLOCK = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
SEVERITY = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}
VERDICT = {"invalid": "fail", "valid": "pass", "valid (warning)": "warn", "valid (warnings)": "warn"}
DOCUMENTS = ("mutated/CPA", "mutated/SPEC", "mutated/MMD", "mutated/XCHK-00", "cpa/", "specs/", "xsd/")
NOT_MESSAGES = ("bases/base-cpa", "bases/base-consumer", "bases/base-mmd", "rendered/oracle")
SYNC_WITHOUT_AGREEMENT = (
    "bases/signed-ping-syncreply.xml"  # made for its signature: the base CPA says syncReplyMode none
)


@pytest.fixture(scope="module")
def corpus(shared):
    return shared / "corpus" / "ebms"


@pytest.fixture(scope="module")
def context(corpus):
    companions = tuple(companion(str(corpus / "bases" / n)) for n in ("base-cpa-osb-rm.xml", "base-ping.xml"))
    anchor = (corpus / "bases/pki/ca.pem").read_bytes()
    return Context(at=CLOCK, environment=Environment.PREPROD, trust=(anchor,), companions=companions)


def rows(corpus):
    with (corpus / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            message = not row["file"].startswith((*DOCUMENTS, *NOT_MESSAGES)) or "XCHK-007" in row["file"]
            if message and (corpus / row["file"]).exists():
                yield row


def judged(corpus, context, row, profile=""):
    answer = row["file"].startswith(("mutated/PONG", "mutated/ACK"))
    companions = context.companions if answer else context.companions[:1]
    ctx = replace(context, companions=companions, profile=profile)
    return judge_bytes((corpus / row["file"]).read_bytes(), row["file"], ctx)


def test_every_message_of_the_manifest_fires_its_rules(corpus, context):
    fired = 0
    for row in rows(corpus):
        found = {(g.finding.rule, g.severity) for g in judged(corpus, context, row).findings}
        for wanted in row["must_fire"].split():
            rule, _, letter = wanted.partition(":")
            severities = {SEVERITY[letter]} if letter else set(Severity)
            assert any((rule, s) in found for s in severities), (row["file"], wanted, found)
            fired += 1
    assert fired > 40


@pytest.mark.parametrize("column", ["digikoppeling", "ebms2"])
def test_every_message_of_the_manifest_gets_its_verdict(corpus, context, column):
    profile = "ebms2" if column == "ebms2" else ""
    for row in rows(corpus):
        if row[column] in VERDICT and row["file"] != SYNC_WITHOUT_AGREEMENT:
            document = judged(corpus, context, row, profile)
            assert document.verdict == VERDICT[row[column]], (row["file"], document.findings)


def test_a_mutated_message_raises_no_other_rule(corpus, context):
    for row in rows(corpus):
        if row["file"].startswith("mutated/"):
            wanted = {w.partition(":")[0] for w in row["must_fire"].split()}
            loud = {g.finding.rule for g in judged(corpus, context, row).findings if g.severity != Severity.INFO}
            assert loud <= wanted, row["file"]


def test_the_base_messages_are_silent_without_their_ping_too(corpus, context):
    alone = replace(context, companions=context.companions[:1])
    for name in ("base-ping.xml", "base-pong.xml", "base-ack.xml", "base-error.xml", "base-statusreq.xml"):
        document = judge_bytes((corpus / "bases" / name).read_bytes(), name, alone)
        assert document.verdict == "pass", (name, document.findings)


def test_the_receiving_side_agrees_with_the_oracle_of_the_java_adapter(corpus):
    """MessageOrder is the documented difference: that adapter refuses it, Digikoppeling only warns."""
    cpa = Raw((corpus / "cpa/ebms-admin__cpaStubEBF.rm.http.unsigned.sync.xml").read_bytes())
    ctx = Context(at=CLOCK, role=INCOMING, companions=(cpa,))
    with (corpus / "ebms-core-oracle.csv").open(newline="") as file:
        cases = list(csv.DictReader(file))
    different = [row["test"] for row in cases if not agrees(row, refused(corpus, ctx, row))]
    strict = [row["test"] for row in cases if not agrees(row, refused(corpus, ctx, row, strict=True))]
    assert len(cases) == 38
    assert different == ["ebMSMessageMessageOrder"]
    assert strict == []


def refused(corpus, ctx, row, *, strict=False):
    action = (("soapaction", row["soapaction"]),) if row["soapaction"] else ()
    head = HttpHead("POST /ebms HTTP/1.1", (("content-type", "text/xml; charset=UTF-8"), *action))
    case = receive(Raw((corpus / row["file"]).read_bytes(), http=head), ctx)
    return rejection(replace(case, known=frozenset()), ctx, strict=strict)


def agrees(row, outcome):
    if outcome is None:
        return not row["errorCode"] and row["http_status"] == "200"
    if outcome.way == EMPTY:
        return row["empty"] == "yes"
    if outcome.way == FAULT:
        return row["fault"] == outcome.text
    error = outcome.errors[0]
    same_place = error.location == row["location"] or error.code == "MimeProblem"  # rendering lost the cid
    return error.code == row["errorCode"] and same_place
