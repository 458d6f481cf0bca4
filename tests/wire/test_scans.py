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


def suite(name, openssl):
    return {"cipher_suite": {"name": name, "is_anonymous": False, "key_size": 256, "openssl_name": openssl}}


def sslyze_of(version, **commands):
    """The shape of each generation of sslyze: 3 and 4 without a status per command, 5 with numbers for words, 6 with words."""
    place = {"hostname": HOST, "ip_address": "192.0.2.1", "port": 443}
    config = {"network_timeout": 5, "tls_server_name_indication": HOST, "tls_client_auth_credentials": None}
    probed = {"cipher_suite_supported": "x", "client_auth_requirement": "REQUIRED"}
    if version[0] in "34":
        info = {"server_location": place, "network_configuration": config, "tls_probing_result": probed}
        result = {
            "scan_commands": list(commands),
            "scan_commands_errors": {},
            "scan_commands_extra_arguments": {},
            "scan_commands_results": commands,
            "server_info": info,
        }
        return json.dumps({
            "server_connectivity_errors": [], "server_scan_results": [result],
            "sslyze_url": "…", "sslyze_version": version, "total_scan_time": 32.1,
        }).encode()  # fmt: skip
    if version[0] == "5":
        probed |= {"client_auth_requirement": 3, "highest_tls_version_supported": 6}
    ended = {"error_reason": None, "error_trace": None, "status": "COMPLETED"}
    skipped = {"error_reason": None, "error_trace": None, "status": "NOT_SCHEDULED", "result": None}
    parts = {"http_headers": skipped, "tls_1_3_early_data": skipped}
    parts |= {name: {**ended, "result": result} for name, result in commands.items()}
    gone = {"scan_status": "ERROR_NO_CONNECTIVITY", "scan_result": None, "connectivity_result": None}
    results = [
        {"server_location": {**place, "port": 1234}, "network_configuration": config, **gone},
        {
            "server_location": {**place, "connection_type": "DIRECT", "hostname": "192.0.2.1"},
            "network_configuration": config,
            "connectivity_status": "COMPLETED",
            "connectivity_result": probed,
            "scan_status": "COMPLETED",
            "scan_result": parts,
        },
    ]
    return json.dumps({
        "date_scans_completed": "2026-11-20T10:00:00", "server_scan_results": results, "sslyze_version": version,
    }).encode()  # fmt: skip


def spoken(version, *accepted, **more):
    return {"accepted_cipher_suites": list(accepted), "rejected_cipher_suites": [], "tls_version_used": version, **more}


@pytest.mark.parametrize("version", ["3.0.7", "4.1.0", "5.0.0", "5.2.0", "6.1.0"])
def test_every_generation_of_sslyze_is_read(version):
    data = sslyze_of(
        version,
        ssl_3_0_cipher_suites=spoken("SSL_3_0"),
        tls_1_0_cipher_suites=spoken("TLS_1_0", suite("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA")),
        tls_1_2_cipher_suites=spoken(
            "TLS_1_2", suite("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384")
        ),
        tls_1_3_cipher_suites=spoken("TLS_1_3", suite("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384")),
        tls_compression={"supports_compression": False},
        session_renegotiation={"supports_secure_renegotiation": False},
    )
    [scan] = read_scans(data)
    assert (scan.host, scan.port, scan.tool) == (HOST, 443, f"sslyze {version}")
    assert scan.offered == {"1.0", "1.2", "1.3"}
    assert scan.refused == {"SSL 3.0"}
    assert scan.client_certificate == "required"
    assert rules(data) == {("TLS-003", ""), ("TLS-006", "insecure")}


def test_a_version_without_a_suite_of_ours_is_still_spoken():
    data = sslyze_of("6.1.0", tls_1_0_cipher_suites=spoken("TLS_1_0", is_tls_protocol_version_supported=True))
    assert rules(data) == {("TLS-003", "")}


def test_the_name_of_an_old_client_renegotiation_says_nothing_of_its_end():
    data = sslyze_of(
        "3.0.7",
        tls_1_2_cipher_suites=spoken("TLS_1_2", suite("x", "ECDHE-RSA-AES256-GCM-SHA384")),
        session_renegotiation={"accepts_client_renegotiation": True, "supports_secure_renegotiation": True},
    )
    assert rules(data) == set()


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("not offered", ("TLS-001", "")),
        ("not offered and downgraded to a weaker protocol", ("TLS-001", "")),
        ("connection failed rather than downgrading to TLSv1.1", ("TLS-001", "")),
        ("server responded with version number 03.02", ("TLS-001", "")),
        ("not tested due to lack of local support", None),
        ("strange, server 1", None),
        ("supported but couldn't detect a cipher", None),
    ],
)
def test_each_sentence_of_testssl_on_a_version_is_understood(said, rule):
    assert ({rule} if rule else set()) == rules(flat(TLS1_2=said))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("secure_renego", "OpenSSL handshake didn't succeed"),
        ("secure_renego", "TLS 1.3 only server"),
        ("secure_client_renego", "not having provided client certificate and private key file, it was not tested"),
        ("secure_client_renego", "likely not vulnerable (timed out)"),
        ("early_data", "no OpenSSL early_data support"),
        ("early_data", "No early data"),
        ("TLS1", "likely not offered"),
    ],
)
def test_a_test_that_could_not_be_done_is_no_finding(key, said):
    assert rules(flat(**{key: said})) == set()


@pytest.mark.parametrize(
    ("key", "said", "rule"),
    [
        ("secure_renego", "VULNERABLE", ("TLS-006", "insecure")),
        ("secure_client_renego", "VULNERABLE, potential DoS threat", ("TLS-006", "unlimited")),
        ("early_data", "supported", ("TLS-008", "")),
        ("SSLv2", "vulnerable with 5 ciphers", ("TLS-003", "")),
        ("FS_ECDHE_curves", "prime192v1 X25519", ("TLS-005", "insufficient")),
    ],
)
def test_what_testssl_found_is_weighed(key, said, rule):
    assert rule in rules(flat(**{key: said}))


def test_without_a_line_per_cipher_the_order_of_preference_gives_the_suites():
    said = {key: text for key, text in FLAT.items() if not key.startswith("cipher-")}
    said |= {
        "cipherorder_TLSv1_2": "ECDHE-RSA-AES256-GCM-SHA384 AES256-SHA256",
        "cipherorder_TLSv1_3": "TLS_AES_256_GCM_SHA384",
    }
    rows = [{"id": k, "ip": f"{HOST}/192.0.2.1", "port": "443", "finding": text} for k, text in said.items()]
    [scan] = read_scans(json.dumps(rows).encode())
    assert ("1.3", "TLS_AES_256_GCM_SHA384") in scan.suites
    assert {(f.rule, f.case) for f in judge_scan(scan)} == {("TLS-004", "phase-out"), ("TLS-005", "insufficient")}


def test_names_of_the_standard_are_weighed_as_those_of_openssl():
    row = "TLSv1.2   x9d     TLS_RSA_WITH_AES_256_GCM_SHA384   RSA  AESGCM 256"
    assert rules(flat(cipher__tls1_2_x9d=row)) == {("TLS-005", "insufficient")}
    row = "TLSv1.2   xc014   TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA   ECDH 253  AES 256"
    assert rules(flat(cipher__tls1_2_xc014=row)) == {("TLS-004", "insufficient")}


def test_a_pretty_scan_says_its_day_who_asks_for_a_certificate_and_each_address():
    target = {"targetHost": HOST, "port": "443", "rDNS": "--", "service": "HTTP", "pretest": [], "grease": []}
    rows = [{"id": k, "severity": "OK", "finding": t} for k, t in FLAT.items()]
    more = {"protocols": rows[:6], "ciphers": [], "serverPreferences": rows[6:8], "fs": rows[8:9]}
    asked = [*rows[9:], {"id": "clientAuth", "severity": "INFO", "finding": "required"}]
    targets = [{**target, **more, "ip": ip, "serverDefaults": asked} for ip in ("192.0.2.1", "2001:db8::1")]
    problem = [{"id": "engine_problem", "severity": "WARN", "finding": "No engine or GOST support"}]
    data = json.dumps({
        "clientProblem1": problem, "version": "3.2rc3 e806f7a", "startTime": "1737805510", "scanResult": targets,
    }).encode()  # fmt: skip
    first, second = read_scans(data)
    assert (first.date, first.client_certificate, first.host) == ("2025-01-25", "required", HOST)
    assert first == second
    assert not list(judge_scan(first))


def test_a_problem_of_the_scanner_in_a_flat_scan_is_no_server():
    rows = [{"id": "engine_problem", "ip": "/", "port": "443", "severity": "WARN", "finding": "No engine"}]
    assert len(read_scans(json.dumps([*rows, *json.loads(flat())]).encode())) == 1


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
                        "server_info",
                        "scan_commands_results",
                        "tls_1_2_cipher_suites",
                        "accepted_cipher_suites",
                        "startTime",
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
