"""Each rule that no corpus file provokes is provoked by a baseline with one deviation; the baselines are silent."""

import json
from datetime import timedelta
from ipaddress import ip_address
from math import prod

import pki_forge as forge
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs7, pkcs12
from cryptography.x509 import ocsp
from pki_forge import AT, HOST, g4_leaf, leaf, pem, rsa_key, subject, web_leaf

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.lint.pki.keys import is_roca
from harness.model import Environment
from harness.wire.keys import PublicKey

TRUST = tuple(forge.AUTHORITIES[n]().pem for n in forge.ROOTS)
CHAIN = tuple(Raw(forge.AUTHORITIES[n]().pem, n) for n in forge.BETWEEN)


def judge(
    data, *, role="tls-server", env="lab", beside=(), kind="", service="", at=AT, trust=TRUST, chain=CHAIN, **settings
):
    data = data if isinstance(data, bytes) else pem(data)
    companions = tuple(
        Raw(d if isinstance(d, bytes) else pem(d), f"{i}", relation=r) for i, (r, d) in enumerate(beside)
    )
    given = {k.replace("_", "-"): (v,) if isinstance(v, str) else v for k, v in settings.items()}
    ctx = Context(
        at=at,
        environment=Environment(env),
        role=role,
        service=service,
        trust=trust,
        companions=(*chain, *companions),
        settings=given,
    )
    return judge_bytes(data, "certificate", ctx, kind)


def found(document):
    return {(g.finding.rule, str(g.severity)) for g in document.findings}


def loud(document):
    return {pair for pair in found(document) if pair[1] != "info"}


BASELINES = {
    "G1 server": (leaf, "tls-server"),
    "G1 client": (leaf, "tls-client"),
    "G1 signing": (leaf, "message-signing"),
    "G1 encryption": (leaf, "encryption"),
    "G1 BSN": (leaf, "bsn-encryption"),
    "G4 server": (g4_leaf, "tls-server"),
    "G4 client": (g4_leaf, "tls-client"),
    "web": (web_leaf, "web"),
    "G1 without basicConstraints": (lambda: leaf(constraints=""), "tls-server"),
    "EC on P-384": (lambda: leaf(key=forge.ec_key("leaf", ec.SECP384R1), usages=("digital_signature",)), "tls-server"),
}


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_raises_no_error_and_no_warning(name):
    make, role = BASELINES[name]
    document = judge(make(), role=role)
    assert not loud(document)
    assert document.unusable is None


def other_name(oid, text):
    return x509.OtherName(x509.ObjectIdentifier(oid), b"\x16" + bytes([len(text)]) + text.encode())


def with_serial(certificate, octets):
    """Replace the serial of a certificate (the signature no longer holds)."""
    data = certificate.public_bytes(Encoding.DER)
    number = certificate.serial_number
    old = number.to_bytes(number.bit_length() // 8 + 1, "big")
    cut = data.index(b"\x02" + bytes([len(old)]) + old)
    return _lengthened(data, cut, 2 + len(old), b"\x02" + bytes([len(octets)]) + octets)


def _lengthened(data, cut, size, value):
    change = len(value) - size
    outer = int.from_bytes(data[2:4], "big") + change
    inner = int.from_bytes(data[6:8], "big") + change
    return (
        data[:2]
        + outer.to_bytes(2, "big")
        + data[4:6]
        + inner.to_bytes(2, "big")
        + data[8:cut]
        + value
        + data[cut + size :]
    )


UZI = "2.16.528.1.1003.1.3.5.5.5-1-900000001-S-90000001-00.000-00000000"
NOW = AT - timedelta(days=1)


def uzi(text=UZI, bits=4096, hosts=(HOST,)):
    return leaf(named=subject(""), key=rsa_key("uzi", bits), hosts=hosts, others=(other_name("2.5.5.5", text),))


def register(**row):
    return ("", json.dumps({"organisaties": [row]}).encode())


def store(*above, password=b"geheim", key=None):
    own = leaf()
    cas = [forge.AUTHORITIES[n]().certificate for n in above]
    how = BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(b"own", key or rsa_key(), own, cas, how)


def answer(certificate, *, status=ocsp.OCSPCertStatus.GOOD, at=AT, signer="g1tsp", about="g1tsp"):
    above, by = forge.AUTHORITIES[about](), forge.AUTHORITIES[signer]()
    times = {"revocation_time": AT - timedelta(days=1), "revocation_reason": None}
    if status is not ocsp.OCSPCertStatus.REVOKED:
        times = {"revocation_time": None, "revocation_reason": None}
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate, above.certificate, hashes.SHA1(), status, at - timedelta(hours=1), at + timedelta(hours=1), **times
    )
    return (
        builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
        .sign(by.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def twin(named=None):
    """Another certificate on the key of the baseline."""
    return leaf(named=named or subject(common="ander.voorbeeld.test"), hosts=("ander.voorbeeld.test",))


DEVIATIONS = [
    ("PKIO-OIN-001", "error", lambda: judge(leaf(named=subject("")))),
    ("PKIO-OIN-001", "error", lambda: judge(leaf(named=subject(extra=(forge.printable(forge.SERIAL, forge.OIN),))))),
    ("PKIO-OIN-002", "error", lambda: judge(leaf(named=subject("99123456780000")))),
    ("PKIO-OIN-002", "error", lambda: judge(leaf(named=subject("00000001 02220647000")))),
    ("PKIO-OIN-002", "error", lambda: judge(leaf(named=subject("EU.EORI.NL000000001")))),
    ("PKIO-OIN-003", "error", lambda: judge(leaf(named=subject("00000005123456789000")))),
    ("PKIO-OIN-004", "error", lambda: judge(leaf(named=subject("00000001ABCDEFGHI000")))),
    ("PKIO-OIN-005", "warning", lambda: judge(leaf(named=subject("00000001123456789000")))),
    ("PKIO-OIN-007", "error", lambda: judge(leaf(), env="prod")),
    ("PKIO-OIN-009", "info", lambda: judge(leaf(), oin="00000001002220647000", operator="yes")),
    ("PKIO-OIN-010", "error", lambda: judge(leaf(), partyid="urn:osb:oin:00000001002220647000")),
    ("PKIO-OIN-010", "info", lambda: judge(leaf(), partyid="00000001002220647000", operator="yes")),
    ("PKIO-OIN-012", "error", lambda: judge(leaf(named=subject("00000003273229750000", identifier="NTRNL-12345678")))),
    ("PKIO-OIN-012", "error", lambda: judge(leaf(named=subject(identifier="NTRNL-87654321")))),
    ("PKIO-OIN-012", "info", lambda: judge(leaf(named=subject(identifier="NTRNL-87654321")), env="preprod")),
    ("PKIO-OIN-013", "warning", lambda: judge(leaf(), beside=[("tls-client", leaf(named=subject("00000001002220647000"), key=rsa_key("b")))])),
    ("PKIO-OIN-014", "info", lambda: judge(leaf(named=subject("00000004003214345001")))),
    ("PKIO-OIN-015", "error", lambda: judge(leaf(), env="preprod", beside=[register(oin=forge.OIN, status="Ingetrokken", intrekDatum="2026-01-01")])),
    ("PKIO-OIN-015", "info", lambda: judge(leaf(), env="preprod", beside=[register(oin="00000001002220647000", status="Actief")])),
    ("PKIO-NAME-001", "error", lambda: judge(leaf(named=subject(organization="")))),
    ("PKIO-NAME-005", "error", lambda: judge(g4_leaf(named=subject(identifier="12345678")))),
    ("PKIO-NAME-005", "info", lambda: judge(leaf(named=subject(identifier="12345678")))),
    ("PKIO-SER-001", "error", lambda: judge(with_serial(leaf(), b"\xff" * 9))),
    ("PKIO-SER-001", "warning", lambda: judge(with_serial(leaf(), b"\x00"))),
    ("PKIO-SER-001", "warning", lambda: judge(with_serial(leaf(), b"\x11" * 5))),
    ("PKIO-SER-001", "warning", lambda: judge(with_serial(leaf(), b"\x11" * 21))),
    ("PKIO-SAN-001", "error", lambda: judge(leaf(hosts=()))),
    ("PKIO-SAN-002", "error", lambda: judge(leaf(), endpoint="https://elders.voorbeeldgemeente.test/msh")),
    ("PKIO-SAN-004", "error", lambda: judge(leaf(hosts=(HOST, "*.voorbeeldgemeente.test")))),
    ("PKIO-SAN-004", "info", lambda: judge(web_leaf(hosts=("www.voorbeeldgemeente.test", "*.voorbeeldgemeente.test")), role="web")),
    ("PKIO-SAN-005", "warning", lambda: judge(leaf(others=(x509.IPAddress(ip_address("192.0.2.1")),)))),
    ("PKIO-SAN-005", "error", lambda: judge(g4_leaf(others=(x509.IPAddress(ip_address("192.0.2.1")),)))),
    ("PKIO-SAN-006", "error", lambda: judge(leaf(hosts=(HOST, "ebms.intern.local")))),
    ("PKIO-SAN-006", "error", lambda: judge(leaf(hosts=(HOST, "ebms.home.arpa")))),
    ("PKIO-SAN-007", "error", lambda: judge(leaf(hosts=(HOST, "ebms.voorbeeld.test:8443")))),
    ("PKIO-SAN-009", "warning", lambda: judge(leaf(), env="preprod", beside=[("prod", leaf(key=rsa_key("b")))])),
    ("PKIO-KU-001", "warning", lambda: judge(leaf(usage_critical=False))),
    ("PKIO-KU-003", "warning", lambda: judge(leaf(usages=("digital_signature", "key_encipherment", "key_agreement")))),
    ("PKIO-KU-004", "error", lambda: judge(leaf(purposes=(forge.CLIENT,)))),
    ("PKIO-KU-005", "error", lambda: judge(leaf(purposes=(forge.SERVER,)), role="tls-client")),
    ("PKIO-KU-010", "error", lambda: judge(leaf(key=forge.ec_key("leaf"), usages=("digital_signature",)), role="encryption")),
    ("PKIO-BC-002", "warning", lambda: judge(g4_leaf(constraints=""))),
    ("PKIO-BC-002", "warning", lambda: judge(g4_leaf(constraints="plain"))),
    ("PKIO-BC-003", "error", lambda: judge(b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n")),
    ("PKIO-POL-001", "error", lambda: judge(leaf(policies=("8.5",)))),
    ("PKIO-POL-002", "error", lambda: judge(leaf(policies=("8.2",)))),
    ("PKIO-POL-004", "warning", lambda: judge(g4_leaf(policies=("41.16.25.4",)))),
    ("PKIO-UZI-001", "error", lambda: judge(uzi("2.16.528.1.1003.1.3.5.5.5-1-9"), role="bsn-encryption")),
    ("PKIO-UZI-001", "error", lambda: judge(uzi(bits=3072), role="bsn-encryption")),
    ("PKIO-UZI-001", "error", lambda: judge(leaf(named=subject("")), role="bsn-encryption")),
    ("PKIO-KEY-001", "error", lambda: judge(leaf(key=rsa_key("small", 1024)))),
    ("PKIO-KEY-003", "error", lambda: judge(leaf(key=forge.ec_key("k1", ec.SECP256K1), usages=("digital_signature",)))),
    ("PKIO-KEY-003", "warning", lambda: judge(leaf(key=forge.ec_key("p224", ec.SECP224R1), usages=("digital_signature",)))),
    ("PKIO-KEY-004", "error", lambda: judge(pem(leaf()) + forge.key_pem(rsa_key("b")))),
    ("PKIO-KEY-004", "error", lambda: judge(leaf(), beside=[("", forge.key_pem(rsa_key("b")))])),
    ("PKIO-KEY-006", "warning", lambda: judge(pem(leaf()) + forge.key_pem(rsa_key()))),
    ("PKIO-VAL-003", "error", lambda: judge(leaf(days=2000))),
    ("PKIO-VAL-004", "warning", lambda: judge(web_leaf(days=397), role="web")),
    ("PKIO-VAL-006", "warning", lambda: judge(leaf(), cpa_end="2031-11-21")),
    ("PKIO-VAL-006", "info", lambda: judge(leaf(), cpa_end="2031-11-21", offloading="yes")),
    ("PKIO-CHAIN-003", "error", lambda: judge(leaf(aki="wrong"))),
    ("PKIO-CHAIN-003", "warning", lambda: judge(leaf(aki=""))),
    ("PKIO-CHAIN-009", "error", lambda: judge(store(), role="tls-client", password="geheim", chain=())),
    ("PKIO-CHAIN-006", "error", lambda: judge(pem(leaf()) + forge.AUTHORITIES["g1tsp"]().pem, chain=())),
    ("PKIO-CHAIN-011", "info", lambda: judge(leaf())),
    ("PKIO-CHAIN-011", "warning", lambda: judge(leaf(), at=AT + timedelta(days=500))),
    ("PKIO-CHAIN-012", "error", lambda: judge(g4_leaf(issuer="g4old"))),
    ("PKIO-REV-001", "error", lambda: judge(leaf(crl=()))),
    ("PKIO-REV-001", "error", lambda: judge(leaf(crl=("ldap://crl.test.invalid/cn=crl",)))),
    ("PKIO-REV-002", "info", lambda: judge(leaf(crl=("https://crl.test.invalid/tsp.crl",)))),
    ("PKIO-REV-002", "error", lambda: judge(leaf(crl=("ldap://crl.test.invalid/cn=crl",)))),
    ("PKIO-REV-003", "error", lambda: judge(leaf(), chain=(*CHAIN, Raw(forge.crl()[:-40], "tsp.crl")))),
    ("PKIO-REV-003", "error", lambda: judge(leaf(), beside=[("", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")])),
    ("PKIO-REV-006", "error", lambda: judge(LEAF, beside=[("", answer(LEAF, status=ocsp.OCSPCertStatus.REVOKED))])),
    ("PKIO-REV-006", "warning", lambda: judge(LEAF, beside=[("", answer(LEAF, at=AT - timedelta(days=9)))])),
    ("PKIO-REV-006", "warning", lambda: judge(LEAF, beside=[("", answer(LEAF, signer="g1dom"))])),
    ("PKIO-REV-008", "info", lambda: judge(LEAF, beside=[("", forge.crl())])),
    ("PKIO-ENV-004", "error", lambda: judge(leaf(), env="preprod", beside=[("prod", forge.key_pem(rsa_key("b")))])),
    ("PKIO-ENV-003", "error", lambda: judge(leaf(), env="preprod", beside=[("prod", twin())])),
    ("PKIO-ENV-003", "warning", lambda: judge(leaf(), env="preprod", service="digipoort", beside=[("prod", twin())])),
    ("PKIO-ENV-005", "error", lambda: judge(leaf(), beside=[("web", twin())])),
    ("PKIO-ENV-006", "error", lambda: judge(leaf(), service="tvs", beside=[("web", web_leaf(key=rsa_key("b")))])),
    ("PKIO-ENV-007", "warning", lambda: judge(leaf(), service="tvs", applied="2026-11-01")),
    ("PKIO-ENV-008", "error", lambda: judge(leaf(), cluster="yes", beside=[("bsn-encryption", leaf(key=rsa_key("b")))])),
    ("WEB-001", "error", lambda: judge(leaf(days=190), role="web")),
    ("WEB-001", "error", lambda: judge(web_leaf(policies=()), role="web")),
    ("WEB-002", "warning", lambda: judge(web_leaf(purposes=(forge.SERVER, forge.CLIENT)), role="web")),
    ("WEB-002", "warning", lambda: judge(web_leaf(), role="web", env="preprod")),
]  # fmt: skip
LEAF = leaf(ocsp=True)


@pytest.mark.parametrize(
    ("rule", "severity", "case"), DEVIATIONS, ids=[f"{i}-{d[0]}-{d[1]}" for i, d in enumerate(DEVIATIONS)]
)
def test_one_deviation_fires_its_own_rule(rule, severity, case):
    assert (rule, severity) in found(case())


def test_a_good_uzi_certificate_is_silent():
    assert not loud(judge(uzi(), role="bsn-encryption"))


def test_a_pkcs12_file_with_every_ca_is_silent():
    assert not loud(judge(store("g1tsp", "g1dom"), role="tls-client", password="geheim", chain=()))


@pytest.mark.parametrize("names", [("g1tsp", "g1dom"), ("g1dom", "g1tsp")])
def test_a_store_is_a_set_whose_order_says_nothing(names):
    assert not loud(judge(store(*names), role="tls-client", password="geheim", chain=()))
    cas = [forge.AUTHORITIES[n]().certificate for n in names]
    for form in (Encoding.DER, Encoding.PEM):
        bundle = pkcs7.serialize_certificates([*cas, leaf()], form)
        assert not loud(judge(bundle, chain=()))


def test_a_fresh_crl_and_a_good_ocsp_answer_are_silent_and_leave_nothing_open_for_the_leaf():
    document = judge(
        LEAF, beside=[("", forge.crl()), ("", forge.crl("g1dom")), ("", forge.crl("g1root")), ("", answer(LEAF))]
    )
    assert not loud(document)
    assert not [n for n in document.not_run if n.rule.startswith("PKIO-REV")]


def test_a_certificate_on_the_crl_of_its_issuer_is_revoked():
    assert ("PKIO-REV-004", "error") in found(judge(LEAF, beside=[("", forge.crl(revoked=[LEAF]))]))


def test_a_serial_on_the_crl_of_another_issuer_says_nothing():
    assert not loud(judge(LEAF, beside=[("", forge.crl("g1dom", revoked=[LEAF])), ("", forge.crl())]))


def test_a_pss_signed_crl_of_g4_can_be_trusted():
    mine = g4_leaf()
    document = judge(mine, beside=[("", forge.crl("g4tsp", revoked=[mine]))])
    assert ("PKIO-REV-004", "error") in found(document)
    assert ("PKIO-REV-003", "error") not in found(document)


def test_without_a_crl_revocation_is_not_run_and_never_green():
    document = judge(leaf())
    assert {"PKIO-REV-003", "PKIO-REV-004", "PKIO-REV-005"} <= {n.rule for n in document.not_run}
    assert document.verdict == "incomplete"


def test_a_complete_set_for_tvs_is_accepted():
    others = [("message-signing", twin(subject(common="sign.voorbeeld.test"))), ("web", web_leaf(key=rsa_key("b")))]
    assert ("PKIO-ENV-006", "error") not in found(judge(leaf(key=rsa_key("c")), service="tvs", beside=others))


def test_a_shared_key_weighs_more_for_tvs_than_for_digipoort():
    assert ("PKIO-ENV-003", "error") in found(judge(leaf(), env="preprod", service="tvs", beside=[("prod", twin())]))


def test_a_roca_modulus_is_recognised():
    generator = pow(65537, 12345, prod(p for p in range(3, 168) if all(p % d for d in range(2, p))))
    assert is_roca(PublicKey(b"", "RSA", 512, modulus=generator))
    assert not is_roca(PublicKey(b"", "RSA", 2048, modulus=rsa_key().public_key().public_numbers().n))
