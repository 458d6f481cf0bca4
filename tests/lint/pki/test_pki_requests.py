"""A certificate request is judged before it goes to the TSP."""

import pki_forge as forge
from pki_forge import HOST, leaf, rsa_key, subject
from test_pki_baselines import found, judge, loud

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.model import Environment


def ask(data, *, role="tls-server", env="preprod", beside=(), **settings):
    return judge(data, kind="csr", role=role, env=env, beside=beside, **settings)


def test_a_good_request_is_silent():
    assert not loud(ask(forge.request(), oin=forge.OIN, endpoint=f"https://{HOST}/msh"))


def test_every_host_must_be_in_it_because_names_cannot_be_added_afterwards():
    document = ask(forge.request(), endpoint=(f"https://{HOST}/msh", "https://tweede.voorbeeld.test/msh"))
    assert ("PKIO-SAN-008", "error") in found(document)


def test_one_host_that_is_absent_is_named():
    assert ("PKIO-SAN-002", "error") in found(ask(forge.request(), endpoint="https://tweede.voorbeeld.test"))


def test_a_request_without_names_is_no_server_request_and_a_fine_client_request():
    bare = forge.request(hosts=())
    assert ("PKIO-SAN-001", "error") in found(ask(bare))
    assert not loud(ask(bare, role="tls-client"))


def test_the_number_and_the_key_are_judged_as_in_a_certificate():
    short = forge.request(named=subject("1002220647000"), key=rsa_key("small", 1024))
    assert {("PKIO-OIN-002", "error"), ("PKIO-KEY-001", "error")} <= found(ask(short))


def test_another_number_than_configured_is_found_before_the_order():
    assert ("PKIO-OIN-009", "error") in found(ask(forge.request(), oin="00000001002220647000"))


def test_a_request_on_the_old_key_is_no_renewal():
    assert ("PKIO-KEY-005", "warning") in found(ask(forge.request(), beside=[("previous", leaf())]))


def test_a_request_on_a_key_of_production_is_reported():
    assert ("PKIO-ENV-003", "error") in found(ask(forge.request(), beside=[("prod", leaf())]))


def test_g4_asks_for_pss():
    assert ("PKIO-SIG-003", "warning") in found(
        ask(forge.request(named=subject(identifier="NTRNL-12345678")), generation="g4")
    )
    assert not loud(ask(forge.request(named=subject(identifier="NTRNL-12345678"), pss=True), generation="g4"))


def test_a_request_whose_signature_is_not_of_its_key_proves_nothing():
    data = bytearray(forge.request_der())
    data[-1] ^= 1
    assert ("PKIO-KEY-004", "error") in found(ask(bytes(data)))


def test_a_broken_request_is_a_finding_and_a_certificate_is_one_sentence():
    broken = b"-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQE=\n-----END CERTIFICATE REQUEST-----\n"
    assert ("PKIO-BC-003", "error") in found(ask(broken))
    document = judge_bytes(forge.pem(leaf()), "x", Context(environment=Environment.LAB), "csr")
    assert document.unusable
    assert "\n" not in document.unusable.nl


def test_a_request_is_recognised_without_being_told():
    document = judge_bytes(
        forge.request(), "aanvraag.pem", Context(companions=(Raw(b"", "leeg"),), environment=Environment.LAB)
    )
    assert document.kind == "csr"
