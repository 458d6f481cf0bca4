"""The rules on the wire: what each says of an observation, without a network."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from harness.lab.ca import Pki
from harness.lint.judge import Context
from harness.lint.tls import judge_survey, rule_ids
from harness.lint.tls.classes import Class, cipher_class, group_class, key_exchange
from harness.lint.tls.words import alert
from harness.model import Environment, Finding, NotRun, Severity
from harness.rulebook import rulebook
from harness.wire.handshake import CertificateRequest, Messages, ServerHello
from harness.wire.survey import Connected, Lookup, Survey
from harness.wire.tls import Handshake

ONE, TWO = ("192.0.2.1", 443), ("2001:db8::1", 443)
HOST = "lab-ketenpartner.ketentest.test"
ASKS = CertificateRequest((0x0804, 0x0806, 0x0403), (0x0804, 0x0806, 0x0401))


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture(scope="module")
def good(pki):
    """A survey of a server that does everything right."""
    identity = pki.identity("counterparty")
    chain = tuple(c.public_bytes(Encoding.DER) for c in (identity.certificate, *identity.chain))
    return Survey(
        HOST, 443, Lookup(HOST, (ONE,)), (Connected(ONE, "connected"),), tuple(attempts(chain)), thorough=True
    )


def attempts(chain, address=ONE):
    for version, suite, extensions in (("1.2", 0xC030, (23, 0xFF01)), ("1.3", 0x1302, (43, 51))):
        seen = Messages(ServerHello(version, suite, 0, extensions), chain, request=ASKS, group="X25519")
        base = Handshake(address, HOST, version, seen=seen, outcome="refused-late")
        yield base
        yield replace(base, presented="own", outcome="answered", status=405, version=version)
        yield replace(base, presented="stranger")
        yield replace(base, sni=False)
    for version in ("1.0", "1.1"):
        yield Handshake(address, HOST, version, outcome="refused", seen=Messages(alerts=(70,)))


def judged(survey, environment=Environment.LAB):
    ctx = Context(environment=environment)
    return list(judge_survey(survey, ctx))


def found(survey, environment=Environment.LAB):
    findings = [f for f in judged(survey, environment) if isinstance(f, Finding)]
    return {
        (g.finding.rule, g.finding.case, str(g.severity))
        for g in rulebook().grade(findings, Context(environment=environment).words)
    }


def changed(survey, where, **changes):
    """The survey with the handshakes that `where` chooses changed."""
    return replace(survey, handshakes=tuple(replace(h, **changes) if where(h) else h for h in survey.handshakes))


def test_a_good_server_is_met_with_silence(good):
    assert judged(good) == []


def test_a_server_of_others_is_not_asked_more_than_the_cap_table_allows(good):
    polite = replace(
        good, thorough=False, handshakes=tuple(h for h in good.handshakes if h.presented != "stranger" and h.sni)
    )
    assert [(type(x), x.rule) for x in judged(polite)] == [(NotRun, "MTLS-003")]
    assert ("NET-011", "", "error") in found(replace(good, thorough=False))


def test_an_expired_client_that_is_served(good):
    served = [replace(h, presented="expired") for h in good.handshakes if h.presented == "own"]
    assert found(replace(good, handshakes=(*good.handshakes, *served))) == {("MTLS-005", "expired", "error")}


def test_our_own_listener_has_one_rule_for_the_four_questions(good):
    silent = [replace(h, seen=replace(h.seen, request=None)) for h in good.handshakes]
    assert found(replace(good, ours=True, handshakes=tuple(silent))) == {("MTLS-006", "requested", "error")}
    open_door = changed(replace(good, ours=True), lambda h: h.presented != "own", outcome="answered", status=200)
    assert {case for _, case, _ in found(open_door)} == {"required", "stranger"}
    closed = changed(replace(good, ours=True), lambda h: h.presented == "own", outcome="refused-late")
    assert {case for _, case, _ in found(closed)} == {"accepts"}


def test_a_g4_chain_needs_pss_in_the_request(good, pki):
    identity = pki.identity("own-tls-g4")
    own = replace(good, own_chain=tuple(c.public_bytes(Encoding.DER) for c in (identity.certificate, *identity.chain)))
    assert found(own) == set()
    narrow = replace(own.handshakes[0].seen, request=CertificateRequest((0x0804,), (0x0401,)))
    assert found(changed(own, lambda h: h.presented == "own", seen=narrow)) >= {("MTLS-007", "chain", "warning")}


def test_a_request_without_rsa_cannot_take_our_key(good, pki):
    own = replace(good, own_chain=(pki.identity("own-tls").der,))
    only_ec = replace(own.handshakes[-3].seen, request=CertificateRequest((0x0403,), (0x0401,)))
    assert ("MTLS-007", "key", "warning") in found(
        changed(own, lambda h: h.presented == "own" and h.offered == "1.3", seen=only_ec)
    )


def test_a_name_without_address(good):
    assert found(Survey(HOST, 443, Lookup(HOST, error="Name or service not known"))) == {("NET-001", "", "error")}


@pytest.mark.parametrize(
    ("outcome", "case"),
    [
        ("connect-refused", "refused"),
        ("connect-timeout", "timeout"),
        ("unreachable", "unreachable"),
        ("reset", "reset"),
    ],
)
def test_each_way_in_which_a_connection_fails(outcome, case):
    assert found(Survey(HOST, 443, connected=(Connected(ONE, outcome),))) >= {("NET-002", case, "error")}


def test_a_dead_ipv6_address_behind_a_good_ipv4_one_is_a_warning(good):
    both = replace(good, connected=(*good.connected, Connected(TWO, "connect-timeout")))
    assert found(both) == {("NET-002", "ipv6", "warning")}


def test_a_proxy_in_the_environment_is_told(good):
    assert found(replace(good, proxy="http://proxy:8080")) == {("NET-004", "proxy", "info")}


@pytest.mark.parametrize(
    ("seconds", "case"),
    [(0, None), (1, None), (-10, "seconds"), (90, "off"), (-90, "off"), (301, "far"), (-4000, "far")],
)
def test_clock_differences_weigh_by_their_size(good, seconds, case):
    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    date = format_datetime(datetime.fromtimestamp(now.timestamp() + seconds, UTC), usegmt=True)
    skewed = changed(good, lambda h: h.presented == "own", date=date, clock=now.timestamp() + 0.5)
    assert {c for rule, c, _ in found(skewed) if rule == "NET-006"} == ({case} if case else set())


@pytest.mark.parametrize("date", ["", "gisteren", "Sat, 99 Nov 2026 25:00:00 GMT"])
def test_a_date_that_is_no_date_says_nothing(good, date):
    assert found(changed(good, lambda h: True, date=date, clock=1.0)) == set()


def test_compression_and_insecure_renegotiation(good):
    bad = ServerHello("1.2", 0xC030, 1, (23,))
    seen = changed(good, lambda h: h.offered == "1.2", seen=replace(good.handshakes[0].seen, hello=bad))
    assert found(seen) == {("TLS-006", "compression", "warning"), ("TLS-006", "insecure", "warning")}


def test_early_data(good):
    early = replace(good.handshakes[-3].seen, early_data=16384)
    assert found(changed(good, lambda h: h.offered == "1.3", seen=early)) == {("TLS-008", "", "warning")}


def test_another_port_than_443_weighs_more_in_production(good):
    assert found(replace(good, port=8443), Environment.PREPROD) == {("TLS-009", "", "warning")}
    assert found(replace(good, port=8443), Environment.PROD) == {("TLS-009", "", "error")}


def test_a_slow_handshake_is_information(good):
    assert found(changed(good, lambda h: True, tls_seconds=3.5)) == {("TLS-011", "slow", "info")}


def test_the_agreed_certificate_and_a_renewed_one(good, pki):
    assert found(replace(good, expected=(pki.identity("counterparty").der,))) == set()
    assert found(replace(good, expected=(pki.identity("renewed").der,))) == {("TLS-012", "renewed", "warning")}
    assert found(replace(good, expected=(pki.identity("other-oin").der,))) == {("TLS-012", "other", "error")}


def test_addresses_that_differ(good, pki):
    other = tuple(attempts((pki.identity("renewed").der,), TWO))
    assert {rule for rule, _, _ in found(replace(good, handshakes=(*good.handshakes, *other)))} == {"NET-010"}


def test_chains_that_are_no_certificates_are_no_exception_of_ours(good):
    for chain in ((b"",), (b"\x30\x82",), (b"\x30" * 400,)):
        noise = replace(good.handshakes[0].seen, chain=chain, stapled=b"x")
        judged(replace(changed(good, lambda h: True, seen=noise), stapled=b"\x30\x03\x0a\x01\x00", expected=(b"\x30",)))


def test_a_refusal_in_http_is_weaker_evidence_than_one_in_tls(good):
    weak = changed(good, lambda h: h.presented == "", outcome="answered", status=403)
    assert ("MTLS-002", "http", "warning") in found(weak)
    served = changed(good, lambda h: h.presented == "", outcome="answered", status=500)
    assert ("MTLS-002", "served", "error") in found(served)


def test_where_nothing_may_be_asked_tls13_leaves_doubt(good):
    quiet = changed(good, lambda h: h.presented == "", outcome="accepted", version="1.3")
    assert {c for rule, c, _ in found(quiet) if rule == "MTLS-002"} == {"unasked"}


@pytest.mark.parametrize(
    ("suite", "kind", "way"),
    [
        ("TLS_AES_256_GCM_SHA384", Class.GOOD, "ecdhe"),
        ("TLS_AES_128_GCM_SHA256", Class.SUFFICIENT, "ecdhe"),
        ("TLS_AES_128_CCM_8_SHA256", Class.INSUFFICIENT, "ecdhe"),
        ("ECDHE-RSA-AES256-GCM-SHA384", Class.SUFFICIENT, "ecdhe"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", Class.SUFFICIENT, "ecdhe"),
        ("ECDHE-ECDSA-AES256-CCM8", Class.INSUFFICIENT, "ecdhe"),
        ("ECDHE-RSA-AES256-SHA384", Class.PHASE_OUT, "ecdhe"),
        ("ECDHE-RSA-AES256-SHA", Class.INSUFFICIENT, "ecdhe"),
        ("ECDHE-RSA-CAMELLIA256-SHA384", Class.PHASE_OUT, "ecdhe"),
        ("DHE-RSA-AES128-GCM-SHA256", Class.SUFFICIENT, "dhe"),
        ("AES256-GCM-SHA384", Class.SUFFICIENT, "rsa"),
        ("DES-CBC3-SHA", Class.INSUFFICIENT, "rsa"),
        ("RC4-SHA", Class.INSUFFICIENT, "rsa"),
    ],
)
def test_suites_fall_into_the_classes_of_ncsc(suite, kind, way):
    assert (cipher_class(suite), key_exchange(suite)) == (kind, way)


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("X25519", Class.GOOD),
        ("P-521", Class.GOOD),
        ("X25519MLKEM768", Class.GOOD),
        ("secp224r1", Class.PHASE_OUT),
        ("ffdhe3072", Class.PHASE_OUT),
        ("dh-4096", Class.PHASE_OUT),
        ("dh-2048", Class.INSUFFICIENT),
        ("ffdhe2048", Class.INSUFFICIENT),
        ("secp192r1", Class.INSUFFICIENT),
        ("9999", Class.INSUFFICIENT),
    ],
)
def test_groups_fall_into_the_classes_of_ncsc(group, kind):
    assert group_class(group) is kind


def test_an_alert_is_explained():
    assert alert(48).nl.startswith("alert 48 unknown_ca: de server vertrouwt")
    assert alert(200) == ("alert 200", "alert 200")


def test_every_rule_on_the_wire_has_a_function_or_a_person():
    ours = {i: r for i, r in rulebook().rules.items() if i.startswith(("TLS-", "MTLS-", "NET-"))}
    assert {i for i, r in ours.items() if r.settled_by == "wire"} == set(rule_ids()) - {
        "PKIO-CHAIN-010",
        "PKIO-REV-009",
    }
    assert {i for i, r in ours.items() if r.settled_by == "person"} == {"NET-003", "NET-009", "MTLS-008"}


def test_severities_are_words_for_every_case():
    book = rulebook()
    for rule_id in rule_ids():
        rule = book[rule_id]
        for case in ("", *dict(rule.cases)):
            assert book.weigh(rule_id, case, ("lab",)) in (*Severity, None)
