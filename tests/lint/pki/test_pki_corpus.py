"""Every row of the PKI corpus fires with its severity; real and clean certificates stay silent."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from harness.check import companion, judge_file, read
from harness.lint.judge import Context, Raw
from harness.lint.pki.judges import judge_certificate
from harness.model import Environment, Finding
from harness.rulebook import rulebook
from harness.wire.oin import Oin, passes_elfproef

AT = datetime(2026, 11, 21, 21, 3, tzinfo=UTC)
SEVERITY = {"FAIL": "error", "WARN": "warning", "INFO": "info"}
ROLES = {
    "g1_server": "tls-server", "g1_server_digicert": "tls-server", "g4_tls": "tls-server", "g1_client": "tls-client",
    "g4_client_lp": "tls-client", "g4_sign_lp": "message-signing", "g4_enc_lp": "encryption",
    "uzi_server": "bsn-encryption", "web_ov": "web", "beroep_sign": "beroep",
}  # fmt: skip
SETTINGS = {
    "config.oin": "oin",
    "cpa.partyid": "partyid",
    "saml.entityid": "entityid",
    "endpoint": "endpoint",
    "cpa.endpoints": "endpoint",
}
ANCHORS = ("g1root", "g4root", "g4oroot", "webroot")
BETWEEN = ("g1dom", "g1tsp", "g4int", "g4tsp", "g4olp", "webca")


@pytest.fixture(scope="module")
def pki(shared):
    return shared / "corpus" / "pki"


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def findings(document):
    return {(g.finding.rule, str(g.severity)) for g in document.findings}


def judge_mutant(row, folder, trust, between):
    companions, settings, path, kind = list(between), {}, folder / row["file"], ""
    key, _, value = row["needs"].partition("=")
    if key in SETTINGS:
        settings[SETTINGS[key]] = tuple(value.split(","))
    elif key == "cpa.end":
        settings["cpa-end"] = ("2031-11-21",)
    elif key == "set":
        companions.append(companion(str(folder / "baseline/g1_client.pem")))
    elif key in {"preprod", "previous"}:
        companions.append(companion(f"{key}:{folder / 'baseline/g1_server.pem'}"))
    if row["id"].startswith("C-"):
        companions, kind = [], "certificate-chain"
    if row["id"].startswith("R-"):
        companions.append(companion(str(path)))
        path = folder / "baseline/g1_server.pem"
    role = ROLES.get(row["role"], row["role"].replace("_", "-"))
    ctx = Context(AT, Environment(row["env"]), role, trust=trust, companions=tuple(companions), settings=settings)
    return judge_file(path, ctx, kind)


def test_every_mutant_fires_and_every_baseline_is_silent(pki):
    folder = pki / "mutants"
    trust = tuple(read(folder / f"ca/{a}.pem") for a in ANCHORS)
    between = [companion(str(folder / f"ca/{b}.pem")) for b in BETWEEN]
    missed = []
    for row in rows(folder / "manifest.csv"):
        document = judge_mutant(row, folder, trust, between)
        got = findings(document)
        clean = row["rule"].startswith("(none")
        good = not {g for g in got if g[1] != "info"} if clean else (row["rule"], SEVERITY[row["severity"]]) in got
        if not good or document.unusable:
            missed.append(f"{row['id']} {row['change']}: wanted {row['rule']}, got {sorted(got)} {document.unusable}")
    assert not missed


def named(prose):
    """The ids and severities that the prose of the manifest names for a server certificate."""
    found = re.findall(r"(PKIO-[A-Z]+-[0-9]+) (FAIL|WARN|INFO)(?! as TLS client)", prose)
    return {(rule, SEVERITY[word]) for rule, word in found}


@pytest.mark.parametrize("beside", ["with the CA certificates", "alone"])
def test_real_certificates_give_the_findings_that_the_manifest_names_and_no_other_error(pki, beside):
    authorities = [companion(str(f)) for f in sorted((pki / "ca").glob("*.pem"))]
    wrong = []
    for row in rows(pki / "manifest.csv"):
        folder = row["file"].split("/")[0]
        if folder not in {"ca", "leaf", "fake", "sector"}:
            continue
        wanted = named(list(row.values())[-1])
        ctx = Context(AT, Environment.PROD, "tls-server", companions=tuple(authorities) if beside != "alone" else ())
        got = findings(judge_file(pki / row["file"], ctx))
        allowed = {rule for rule, _ in wanted} if folder in {"ca", "leaf"} else {rule for rule, _ in got}
        anchor = {w for w in wanted if w[0] == "PKIO-CHAIN-005" and folder == "ca"}
        if (wanted - anchor) - got or {r for r, s in got if s == "error"} - allowed:
            wrong.append(
                f"{row['file']}: missed {wanted - got}, besides {sorted(g for g in got if g[0] not in allowed)}"
            )
    assert not wrong


def test_real_leaves_were_free_of_other_errors_when_they_were_young(pki):
    authorities = tuple(companion(str(f)) for f in sorted((pki / "ca").glob("*.pem")))
    for row in rows(pki / "manifest.csv"):
        if row["file"].startswith("leaf/"):
            young = datetime.fromisoformat(row["not_before"]).replace(tzinfo=UTC) + timedelta(days=30)
            ctx = Context(young, Environment.PREPROD, "tls-server", companions=authorities)
            errors = {r for r, s in findings(judge_file(pki / row["file"], ctx)) if s == "error"}
            assert errors <= {rule for rule, _ in named(list(row.values())[-1])}, row["file"]
            assert "PKIO-VAL-001" not in errors


@pytest.mark.parametrize(("env", "severity"), [("compliance", "error"), ("preprod", "info")])
def test_a_certificate_under_the_production_root_is_an_error_in_the_compliance_facility_only(pki, env, severity):
    ctx = Context(AT, Environment(env), "tls-server")
    document = judge_file(pki / "leaf/g1-digicert-lab.api.mijniconnect.nl.pem", ctx)
    assert ("PKIO-ENV-002", severity) in findings(document)


@pytest.mark.parametrize("role", ["", "tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption"])
def test_real_g1_leaves_serve_every_role_of_a_system(pki, role):
    for row in rows(pki / "manifest.csv"):
        if row["file"].startswith("leaf/g1"):
            young = datetime.fromisoformat(row["not_before"]).replace(tzinfo=UTC) + timedelta(days=30)
            got = findings(judge_file(pki / row["file"], Context(young, Environment.PREPROD, role)))
            assert {r for r, s in got if s != "info"} <= {"PKIO-KEY-001", "PKIO-KU-007"}, row["file"]


def test_chains_as_published_are_read_as_they_stand(pki):
    for row in rows(pki / "manifest.csv"):
        if row["file"].startswith("chains/"):
            got = findings(judge_file(pki / row["file"], Context(AT, Environment.PROD, "tls-server")))
            assert named(list(row.values())[-1]) <= got
            assert {r for r, s in got if s == "error"} <= {"PKIO-VAL-001"}


def test_numbers_in_the_wild_raise_no_error(pki):
    for row in rows(pki / "oin-in-the-wild.csv"):
        if row["serialNumber"]:
            number = Oin.parse(row["serialNumber"])
            if number.prefix in {"00000001", "00000002"}:
                assert passes_elfproef(number.number)


#: RFC 5280 and the web profile, without what only PKIoverheid asks.
PATH_RULES = {
    f"PKIO-{i}"
    for i in (
        "SAN-001", "SAN-002", "SAN-003", "SAN-004", "SAN-007", "KU-003", "KU-004", "KU-007", "KU-008", "BC-001", "BC-003", "BC-004",
        "SER-001", "KEY-001", "KEY-003", "SIG-001", "SIG-002", "VAL-001", "CHAIN-001", "CHAIN-003", "REV-003", "REV-004", "REV-005",
    )
}  # fmt: skip
OURS_ONLY = {("PKIO-KEY-001", "phase-out"), ("PKIO-REV-003", "pem")}


def refused_by(case):
    """The path rules that have something to say about one x509-limbo case."""
    crls = tuple(Raw(c.encode(), "crl") for c in case["crls"])
    settings = {"endpoint": (case["expected_peer_name"]["value"],)} if case["expected_peer_name"] else {}
    if case["expected_peer_name"] and ":" in settings["endpoint"][0]:
        settings["endpoint"] = (f"[{settings['endpoint'][0]}]",)
    at = datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else AT
    companions = tuple(Raw(c, "ca") for c in (t.encode() for t in case["untrusted_intermediates"])) + crls
    ctx = Context(
        at,
        Environment.LAB,
        "tls-server",
        trust=tuple(t.encode() for t in case["trusted_certs"]),
        companions=companions,
        settings=settings,
    )
    found = [f for f in judge_certificate(Raw(case["peer_certificate"].encode()), ctx) if isinstance(f, Finding)]
    graded = rulebook().grade(
        [f for f in found if f.rule in PATH_RULES and (f.rule, f.case) not in OURS_ONLY], ctx.words
    )
    return {(g.finding.rule, g.finding.case, str(g.severity)) for g in graded if str(g.severity) != "info"}


#: Where we differ from x509-limbo, and why.
LIMBO_DIFFERS = {
    "pathlen::max-chain-depth-0-exhausted": "a depth chosen by the caller; PKIoverheid has a fixed number of layers",
    "pathlen::max-chain-depth-1-exhausted": "idem",
    "pathlen::validation-ignores-pathlen-in-leaf": "stricter here: a CA certificate is no leaf (PKIO-BC-001)",
    "rfc5280::ca-as-leaf": "idem",
    "rfc5280::aki::cross-signed-root-missing-aki": "an anchor is trusted by its digest, as another case of this selection wants (cve-2024-0567)",
    "webpki::cn::case-mismatch": "host names are compared without case (RFC 9525)",
    "webpki::cn::utf8-vs-punycode-mismatch": "a common name in Unicode is not taken for a host",
    "webpki::eku::ee-without-eku": "PKIoverheid allows it: information (PKIO-KU-006)",
    "webpki::san::exact-localhost-ip-san": "stricter here: a server has a dNSName (PKIO-SAN-001)",
    "webpki::san::leftmost-wildcard-san": "stricter here: PKIoverheid has no wildcards (PKIO-SAN-004)",
}


def test_limbo_cases_are_judged_as_limbo_does_save_the_listed_ones(pki):
    cases = json.loads((pki / "limbo/limbo-selection.json").read_text())["testcases"]
    differ = {}
    for case in cases:
        refused = refused_by(case)
        agrees = bool(refused) == (case["expected_result"] == "FAILURE")
        if not agrees:
            differ[case["id"]] = refused
    assert len(cases) - len(differ) >= 125
    assert differ.keys() == LIMBO_DIFFERS.keys(), differ
