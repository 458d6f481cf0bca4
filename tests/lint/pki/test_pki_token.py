"""A key on a PKCS#11 token proves itself by signing: right, wrong, and without a token (PKIO-KEY-004)."""

import json
import shutil
import subprocess
from pathlib import Path

import pki_forge as forge
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from test_pki_baselines import found, judge

from harness.check import companions
from harness.errors import DocumentUnreadable
from harness.wire.keys import read_proof

CHALLENGE = b"\x05" * 32


def proof(key):
    if isinstance(key, ec.EllipticCurvePrivateKey):
        scheme, signature = "EC", key.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    else:
        scheme, signature = "RSA", key.sign(CHALLENGE, padding.PKCS1v15(), hashes.SHA256())
    said = {"pkcs11": "tls", "scheme": scheme, "challenge": CHALLENGE.hex(), "signature": signature.hex()}
    return json.dumps(said).encode()


@pytest.mark.parametrize("make", [forge.rsa_key, forge.ec_key])
def test_a_proof_is_of_one_certificate(make):
    mine = forge.leaf(key=make("proof"), usages=("digital_signature", "key_encipherment"))
    assert ("PKIO-KEY-004", "error") not in found(judge(mine, beside=[("", proof(make("proof")))]))
    assert ("PKIO-KEY-004", "error") in found(judge(mine, beside=[("", proof(make("b")))]))


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b'{"pkcs11": 1}', b'{"pkcs11":"x","scheme":"x","challenge":"z"}', b"\xff"]
)
def test_anything_else_is_no_proof(data):
    assert read_proof(data) is None


@pytest.mark.parametrize("uri", ["pkcs11:", "pkcs11:object=x", "pkcs11:object=x?module-path=/niet/daar.so"])
def test_a_token_that_cannot_be_used_is_one_sentence(uri):
    with pytest.raises(DocumentUnreadable):
        companions(uri)


@pytest.fixture
def token(tmp_path, monkeypatch):
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    module = next(Path("/usr/lib").glob("**/libsofthsm2.so"), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("PIN", "1234")

    def tool(*words):
        subprocess.run(["softhsm2-util", *map(str, words)], check=True, capture_output=True)

    tool("--init-token", "--free", "--label", "kt", "--pin", "1234", "--so-pin", "1234")
    for number, (label, key) in enumerate({"rsa": forge.rsa_key("proof"), "ec": forge.ec_key("proof")}.items(), 1):
        (tmp_path / "key.pem").write_bytes(forge.key_pem(key))
        tool("--import", tmp_path / "key.pem", "--token", "kt", "--label", label, "--id", f"0{number}", "--pin", "1234")
    pkcs11.lib(str(module)).reinitialize()  # it reads its configuration once in a process
    return lambda label, pin="env:PIN": f"pkcs11:token=kt;object={label}?module-path={module}&pin-source={pin}"


def test_a_token_that_this_process_is_logged_in_to_serves_once_more(token):
    import pkcs11

    module = token("rsa").partition("module-path=")[2].partition("&")[0]
    with pkcs11.lib(module).get_token(token_label="kt").open(user_pin="1234"):
        [beside] = companions(token("rsa"))
    assert json.loads(beside.data)["scheme"] == "RSA"


def test_a_key_on_a_token_signs_for_its_own_certificate_only(token):
    pairs = {"rsa": forge.rsa_key("proof"), "ec": forge.ec_key("proof")}
    for label in pairs:
        [beside] = companions(token(label))
        assert b"1234" not in beside.data
        for other, key in pairs.items():
            mine = forge.leaf(key=key, usages=("digital_signature",))
            wrong = ("PKIO-KEY-004", "error") in found(judge(mine, beside=[("", beside.data)]))
            assert wrong is (label != other)


def test_a_wrong_pin_or_label_is_one_sentence_without_the_pin(token, monkeypatch):
    monkeypatch.setenv("WRONG", "geheim99")
    for uri in (token("rsa", "env:WRONG"), token("nietdaar")):
        with pytest.raises(DocumentUnreadable) as refused:
            companions(uri)
        assert "geheim99" not in refused.value.text.nl
