"""Scans of other programs: both forms of testssl.sh and sslyze, hostile input, and the same rules as our own probes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DocumentUnreadable
from harness.lint.tls.scanned import judge_scan
from harness.wire.scans import read_scans

HOST = "ebms.voorbeeldstad.test"


def accepted(*names):
    return {
        "status": "COMPLETED",
        "result": {"accepted_cipher_suites": [{"cipher_suite": {"name": n, "openssl_name": n}} for n in names]},
    }


def done(**result):
    return {"status": "COMPLETED", "result": result}


def sslyze(**changes):
    parts = {
        "ssl_2_0_cipher_suites": accepted(),
        "ssl_3_0_cipher_suites": accepted(),
        "tls_1_0_cipher_suites": accepted(),
        "tls_1_1_cipher_suites": accepted(),
        "tls_1_2_cipher_suites": accepted("ECDHE-RSA-AES256-GCM-SHA384"),
        "tls_1_3_cipher_suites": accepted("TLS_AES_256_GCM_SHA384"),
        "tls_compression": done(supports_compression=False),
        "session_renegotiation": done(
            supports_secure_renegotiation=True, is_vulnerable_to_client_renegotiation_dos=False
        ),
        "tls_extended_master_secret": done(supports_ems_extension=True),
        "tls_1_3_early_data": done(supports_early_data=False),
        "elliptic_curves": done(supported_curves=[{"name": "prime256v1"}, {"name": "X25519"}]),
    } | changes
    result = {"server_location": {"hostname": HOST, "port": 443}, "scan_result": parts}
    return json.dumps({
        "sslyze_version": "6.1.0",
        "date_scans_completed": "2026-11-20T10:00:00",
        "server_scan_results": [result],
    }).encode()  # fmt: skip


FLAT = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
    "TLS1_2": "offered", "TLS1_3": "offered with final",
    "cipher-tls1_2_xc030": "TLSv1.2   xc030   ECDHE-RSA-AES256-GCM-SHA384       ECDH 253   AESGCM      256",
    "cipher-tls1_3_x1302": "TLSv1.3   x1302   TLS_AES_256_GCM_SHA384            ECDH 253   AESGCM      256",
    "FS_ECDHE_curves": "prime256v1 secp384r1 secp521r1 X25519 X448",
    "secure_renego": "supported", "secure_client_renego": "not vulnerable", "CRIME_TLS": "not vulnerable",
    "TLS_extensions": "'renegotiation info/#65281' 'extended master secret/#23'",
}  # fmt: skip


def flat(**changes):
    said = FLAT | {key.replace("__", "-"): value for key, value in changes.items()}
    rows = [
        {"id": key, "ip": f"{HOST}/192.0.2.1", "port": "443", "severity": "INFO", "finding": text}
        for key, text in said.items()
    ]
    return json.dumps(rows).encode()


def pretty(**changes):
    rows = [{"id": key, "severity": "INFO", "finding": text} for key, text in (FLAT | changes).items()]
    target = {"targetHost": HOST, "ip": "192.0.2.1", "port": "443", "protocols": rows[:6], "rest": rows[6:]}
    return json.dumps({"version": "3.2", "scanResult": [target]}).encode()


def rules(data):
    [scan] = read_scans(data)
    return {(f.rule, f.case) for f in judge_scan(scan)}


@pytest.mark.parametrize("make", [sslyze, flat, pretty])
def test_a_good_server_is_read_and_raises_nothing(make):
    [scan] = read_scans(make())
    assert (scan.host, scan.port) == (HOST, 443)
    assert scan.offered == {"1.2", "1.3"}
    assert ("1.2", "ECDHE-RSA-AES256-GCM-SHA384") in scan.suites
    assert "P-256" in scan.groups
    assert rules(make()) == set()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (sslyze(tls_1_2_cipher_suites=accepted()), ("TLS-001", "")),
        (sslyze(tls_1_3_cipher_suites=accepted()), ("TLS-002", "")),
        (sslyze(tls_1_0_cipher_suites=accepted("AES128-SHA")), ("TLS-003", "")),
        (sslyze(tls_1_2_cipher_suites=accepted("ECDHE-RSA-AES256-SHA384")), ("TLS-004", "phase-out")),
        (sslyze(tls_1_2_cipher_suites=accepted("ECDHE-RSA-DES-CBC3-SHA")), ("TLS-004", "insufficient")),
        (sslyze(tls_1_2_cipher_suites=accepted("AES256-GCM-SHA384")), ("TLS-005", "insufficient")),
        (sslyze(tls_1_2_cipher_suites=accepted("DHE-RSA-AES256-GCM-SHA384")), ("TLS-005", "phase-out")),
        (sslyze(elliptic_curves=done(supported_curves=[{"name": "secp224r1"}])), ("TLS-005", "phase-out")),
        (sslyze(tls_compression=done(supports_compression=True)), ("TLS-006", "compression")),
        (sslyze(session_renegotiation=done(supports_secure_renegotiation=False)), ("TLS-006", "insecure")),
        (
            sslyze(session_renegotiation=done(is_vulnerable_to_client_renegotiation_dos=True)),
            ("TLS-006", "unlimited"),
        ),
        (sslyze(tls_extended_master_secret=done(supports_ems_extension=False)), ("TLS-007", "")),
        (sslyze(tls_1_3_early_data=done(supports_early_data=True)), ("TLS-008", "")),
        (flat(TLS1_3="not offered"), ("TLS-002", "")),
        (flat(TLS1_1="offered (deprecated)"), ("TLS-003", "")),
        (flat(cipher__tls1_2_x9d="TLSv1.2   x9d     AES256-GCM-SHA384   RSA  AESGCM 256"), ("TLS-005", "insufficient")),
        (flat(secure_client_renego="VULNERABLE, DoS threat"), ("TLS-006", "unlimited")),
        (flat(TLS_extensions="'renegotiation info/#65281'"), ("TLS-007", "")),
        (pretty(CRIME_TLS="VULNERABLE"), ("TLS-006", "compression")),
    ],
)
def test_what_a_scanner_saw_gives_the_rule_that_our_own_probe_would_give(data, rule):
    assert rule in rules(data)


def test_a_command_that_failed_says_nothing():
    failed = {"status": "ERROR", "error_reason": "CLIENT_CERTIFICATE_NEEDED", "result": None}
    assert rules(sslyze(tls_1_3_cipher_suites=failed, tls_1_3_early_data=failed, elliptic_curves=failed)) == set()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"{", b'{"scanResult": [1]}', b'{"server_scan_results": [{}]}', b"[" * 9999]
)
def test_anything_else_is_refused_in_one_sentence(data):
    with pytest.raises(DocumentUnreadable):
        read_scans(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "server_scan_results",
                        "scanResult",
                        "id",
                        "ip",
                        "port",
                        "finding",
                        "targetHost",
                        "server_location",
                        "scan_result",
                        "hostname",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_shape_of_json_raises_anything_else(value):
    try:
        scans = read_scans(json.dumps(value).encode())
    except DocumentUnreadable:
        return
    for scan in scans:
        list(judge_scan(scan))
