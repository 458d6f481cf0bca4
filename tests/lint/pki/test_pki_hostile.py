"""Whatever the bytes are, the answer is a finding or one sentence, and no key leaves the file."""

import os

import pki_forge as forge
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki_forge import leaf, pem, rsa_key
from test_pki_baselines import CHAIN, TRUST, judge, store

from harness.check import as_json, as_text, judge_bytes, judge_file
from harness.lint.judge import Context, Raw
from harness.model import Environment

DER = leaf().public_bytes(Encoding.DER)
KINDS = ("certificate", "certificate-chain", "csr", "crl")
patient = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def outcome(data, kind, name="x", beside=()):
    ctx = Context(forge.AT, Environment.PREPROD, "tls-server", trust=TRUST, companions=(*CHAIN, *beside))
    document = judge_bytes(data, name, ctx, kind)
    assert document.unusable or document.findings or document.not_run
    if document.unusable:
        assert "\n" not in document.unusable.nl
    return document


@patient
@given(cut=st.integers(0, len(DER) - 1), kind=st.sampled_from(KINDS))
def test_truncated_der_is_described(cut, kind):
    document = outcome(DER[:cut], kind)
    assert document.verdict in {"fail", "unusable"}


@patient
@given(place=st.integers(0, len(DER) - 1), value=st.integers(0, 255))
def test_one_changed_octet_never_stops_us(place, value):
    outcome(DER[:place] + bytes([value]) + DER[place + 1 :], "certificate")


@patient
@given(st.binary(max_size=400), st.sampled_from(KINDS))
def test_noise_is_described(noise, kind):
    outcome(noise, kind)


@patient
@given(
    st.binary(min_size=1, max_size=200),
    st.sampled_from(["CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL", "PKCS7", "RSA PRIVATE KEY"]),
)
def test_noise_in_armour_is_described(noise, label):
    armoured = b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), noise, label.encode())
    for kind in KINDS:
        outcome(armoured, kind)


@patient
@given(st.binary(max_size=300))
def test_a_companion_of_noise_changes_nothing(noise):
    outcome(
        pem(leaf()),
        "certificate",
        beside=(Raw(noise, "ruis"), Raw(b"\x30\x82" + noise, "der"), Raw(b"{" + noise, "json")),
    )


def test_a_megabyte_of_noise_is_one_sentence():
    for start in (b"", b"\x30\x83\x0f\xff\xf0", b"\x30\x80", b"-----BEGIN CERTIFICATE-----\n"):
        for kind in KINDS:
            outcome(start + os.urandom(1024 * 1024 - 64), kind)


@pytest.mark.parametrize("form", ["pem", "der", "cut"])
def test_a_private_key_in_place_of_a_certificate_is_never_shown(form):
    key = rsa_key("secret", 2048)
    text = forge.key_pem(key)
    data = {"pem": text, "der": _der(key), "cut": text[: len(text) // 2]}[form]
    document = judge(data, kind="certificate")
    assert document.unusable
    assert "privésleutel" in document.unusable.nl
    printed = as_text(document, "nl") + "".join(as_json([document], "en"))
    body = text.decode().splitlines()[1:-1]
    assert not any(line in printed for line in body)


def _der(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def test_a_key_beside_a_certificate_is_named_and_never_shown():
    text = forge.key_pem(rsa_key())
    document = judge(pem(leaf()) + text)
    printed = as_text(document, "nl") + "".join(as_json([document], "en"))
    assert "PKIO-KEY-006" in printed
    assert not any(line in printed for line in text.decode().splitlines()[1:-1])


def test_a_wrong_password_is_one_sentence_and_none_is_another():
    wrong = judge(store("g1tsp"), kind="certificate", password="fout")
    none = judge(store("g1tsp"), kind="certificate")
    assert "wachtwoord" in wrong.unusable.nl
    assert "--set password=" in none.unusable.nl
    assert wrong.unusable != none.unusable


def test_an_empty_file_is_one_sentence():
    for kind in KINDS:
        outcome(b"", kind)


def test_a_password_comes_from_the_environment_or_a_file_and_never_from_the_command_line(tmp_path, monkeypatch):
    from harness.check import secret
    from harness.errors import DocumentUnreadable

    monkeypatch.setenv("P12_WACHTWOORD", "geheim")
    (tmp_path / "wachtwoord").write_text("geheim\n")
    assert secret("env:P12_WACHTWOORD") == secret(f"file:{tmp_path / 'wachtwoord'}") == "geheim"
    for typed in ("geheim", "env:BESTAAT_NIET"):
        with pytest.raises(DocumentUnreadable, match="env:NAAM"):
            secret(typed)


@pytest.mark.parametrize("magic", [b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"])
def test_a_java_keystore_is_called_so_with_the_way_to_convert_it(tmp_path, magic):
    file = tmp_path / "store.jks"
    file.write_bytes(magic + b"\x00\x00\x00\x02" + b"\x07" * 300)
    document = judge_file(file, Context())
    assert document.verdict == "unusable"
    assert "keytool" in document.unusable.nl
