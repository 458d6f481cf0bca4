"""Signing: what a signature is worth, which keys are refused, and that others agree with us."""

import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import dossier
import pytest
import signers
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from handed import keep, write

from harness.chain import load as load_scenario
from harness.choice import Options, run_info
from harness.handing.keys import load, name_of
from harness.handing.verify import verify
from harness.model import Environment, Observation


def validated(data, roots):
    """Return what pyHanko says of the only signature, with the roots trusted."""
    from asn1crypto import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    [signature] = PdfFileReader(BytesIO(data)).embedded_regular_signatures
    context = ValidationContext(trust_roots=[x509.Certificate.load(r.public_bytes(Encoding.DER)) for r in roots])
    usage = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
    return signature, validate_pdf_signature(signature, context, key_usage_settings=usage)


def test_pyhanko_validates_the_signature_over_the_whole_file(folder, ketentest, seal_pem, authority, tool):
    done = ketentest("report", "--runs", folder.parent, "--for", "logius", "--sign", seal_pem)
    assert done.code == 0, done.err
    for lang in ("nl", "en"):
        file = folder / f"report.{lang}.pdf"
        signature, status = validated(file.read_bytes(), [authority.root])
        assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
        assert (status.intact, status.valid, status.trusted) == (True, True, True)
        assert status.coverage.name == "ENTIRE_FILE"
        assert "No syntax or stream encoding errors found" in tool("qpdf", "--check", file).stdout


def test_the_report_says_what_a_server_certificate_is_worth(folder, ketentest, server_pem, tool):
    done = ketentest("report", "--runs", folder.parent, "--for", "logius", "--sign", server_pem)
    assert "Integriteit, geen handtekening" in done.out
    text = " ".join(tool("pdftotext", folder / "report.nl.pdf", "-").stdout.split())
    assert "Integriteit, geen handtekening: de PDF is verzegeld met het servercertificaat van Ondertekening" in text
    assert "(handleiding 4.4.1), wordt hiermee niet vervangen" in text
    assert "Integrity, no signature" in (folder / "report.en.html").read_text()
    assert "Servercertificaat: integriteit, geen handtekening." in ketentest("verify", folder / "report.nl.pdf").out


def test_a_certificate_for_signatures_gives_a_signature(folder, ketentest, seal_pem, root_pem, tool):
    assert ketentest("report", "--runs", folder.parent, "--for", "logius", "--sign", seal_pem).code == 0
    text = " ".join(tool("pdftotext", folder / "report.nl.pdf", "-").stdout.split())
    assert "PAdES-handtekening in de PDF, van Ondertekening (Gemeente Voorbeeldstad)" in text
    done = ketentest("verify", folder / "report.nl.pdf", "--trust", root_pem)
    assert done.code == 0
    assert "ongewijzigd" in done.out
    assert "De keten eindigt bij een vertrouwd stamcertificaat." in done.out


def test_another_root_is_not_trusted(folder, ketentest, seal_pem, tmp_path):
    ketentest("report", "--runs", folder.parent, "--for", "logius", "--sign", seal_pem)
    other = tmp_path / "other.pem"
    other.write_bytes(signers.pem([signers.Authority().root]))
    done = ketentest("verify", folder / "report.nl.pdf", "--trust", other, "--lang", "en")
    assert done.code == 0
    assert "does not end at one of the root certificates" in done.out


def test_a_lab_report_is_not_signed(tmp_path, ketentest, seal_pem):
    lab = [replace(r, environment=Environment.LAB) for r in dossier.digipoort_results()]
    folder = keep(tmp_path, lab, [dossier.connection(environment=Environment.LAB)])
    done = ketentest("report", "--runs", folder.parent, "--sign", seal_pem)
    assert done.code == 2
    assert done.err.strip() == (
        "een oefenrapport wordt niet ondertekend: uitkomsten tegen het ingebouwde lab zijn geen bewijs voor Logius of DICTU"
    )
    assert not list(folder.glob("report*"))


@pytest.mark.parametrize(
    ("system", "role", "sentence"),
    [("tvs-direct", "tls-client", "alleen voor TVS"), ("digipoort", "bsn-encryption", "BSN’s worden ontsleuteld")],
)
def test_a_key_for_tvs_or_bsns_does_not_sign(tmp_path, ketentest, seal_pem, system, role, sentence):
    key = load(str(seal_pem))
    fields = Observation("x", (("role", role), ("sha256", key.certificate.fingerprint(hashes.SHA256()).hex())))
    results = dossier.digipoort_results("tvs") if system == "tvs-direct" else dossier.digipoort_results()
    results = [replace(r, observed=(fields,)) if r.probe.startswith("pki.fields") else r for r in results]
    name = "tvs" if system == "tvs-direct" else "digipoort"
    folder = keep(tmp_path, results, [dossier.connection(name, system)])
    done = ketentest("report", "--runs", folder.parent, "--sign", seal_pem)
    assert done.code == 2
    assert sentence in done.err


def test_a_certificate_that_only_the_run_file_names_for_tvs_does_not_sign(tmp_path, ketentest, seal_pem):
    scenario = tmp_path / "scenario"
    scenario.mkdir()
    (scenario / "tvs.pem").write_bytes(seal_pem.read_bytes())
    (scenario / "chain.toml").write_text(TVS)
    known = run_info(load_scenario(scenario), Options()).connections[0].certificates
    assert known == (("tls-client", load(str(seal_pem)).certificate.fingerprint(hashes.SHA256()).hex()),)
    shutil.rmtree(scenario)
    folder = keep(
        tmp_path, connections=[dossier.connection("tvs", "tvs-direct", certificates=known), dossier.connection()]
    )
    done = ketentest("report", "--runs", folder.parent, "--sign", seal_pem)
    assert (done.code, "alleen voor TVS" in done.err) == (2, True), done.err


def test_a_key_that_the_scenario_keeps_for_tvs_does_not_sign_under_a_new_certificate(
    tmp_path, ketentest, authority, rsa_key
):
    folder = keep(tmp_path)
    scenario = tmp_path / "scenario"
    write(scenario / "tvs.pem", authority, rsa_key)
    (scenario / "chain.toml").write_text(TVS)
    renewed = write(tmp_path / "renewed.pem", authority, rsa_key)
    done = ketentest("report", "--runs", folder.parent, "--sign", renewed)
    assert (done.code, "alleen voor TVS" in done.err) == (2, True), done.err


TVS = """
[party]
name = "Zorg Voorbeeld"
oin = "00000099000000004000"
kind = "zorgaanbieder"

[certificates.tvs]
cert = "tvs.pem"
key = "file:tvs.pem"

[connections.tvs]
system = "tvs-direct"
environment = "preprod"
certificates = { tls-client = "tvs" }
saml = { endpoint = "https://pp2.toegang.overheid.nl/artifact" }
"""


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"named": ("key_encipherment", "data_encipherment")}, "certificaat voor versleuteling"),
        ({"days": (-30, -1)}, "nu niet geldig"),
        ({"days": (2, 30)}, "nu niet geldig"),
    ],
)
def test_a_certificate_that_cannot_sign_now_is_refused(
    tmp_path, folder, ketentest, authority, rsa_key, changes, sentence
):
    file = write(tmp_path / "x.pem", authority, rsa_key, **changes)
    done = ketentest("report", "--runs", folder.parent, "--sign", file)
    assert (done.code, sentence in done.err) == (2, True), done.err


def test_the_key_comes_from_the_environment_or_another_file(tmp_path, authority, rsa_key, monkeypatch):
    file = tmp_path / "cert.pem"
    leaf = authority.leaf(rsa_key)
    file.write_bytes(signers.pem([authority.issuing, leaf]))
    (tmp_path / "key.pem").write_bytes(signers.key_pem(rsa_key))
    monkeypatch.setenv("SIGN_KEY", signers.key_pem(rsa_key).decode())
    for reference in ("env:SIGN_KEY", f"file:{tmp_path / 'key.pem'}"):
        key = load(str(file), reference)
        assert (key.certificate, key.chain) == (leaf, (authority.issuing,))
        assert "PRIVATE" not in repr(key)


def test_a_pkcs12_file_with_its_password_signs(tmp_path, authority, rsa_key, monkeypatch):
    leaf = authority.leaf(rsa_key)
    file = tmp_path / "seal.p12"
    file.write_bytes(signers.p12(authority.chain(leaf), rsa_key, b"geheim"))
    monkeypatch.setenv("P12", "geheim")
    assert load(str(file), password="env:P12").certificate == leaf


@pytest.mark.parametrize(
    "words",
    [("--sign", "none.pem"), ("--sign-key", "env:X"), ("--timestamp", "http://x"), ("--sign", "pkcs11:token=x")],
)
def test_what_cannot_sign_is_one_sentence(folder, ketentest, words):
    done = ketentest("report", "--runs", folder.parent, *words)
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1


def test_a_wrong_password_or_a_strange_key_is_one_sentence(
    tmp_path, folder, ketentest, authority, rsa_key, monkeypatch
):
    file = tmp_path / "seal.p12"
    file.write_bytes(signers.p12(authority.chain(authority.leaf(rsa_key)), rsa_key, b"geheim"))
    monkeypatch.setenv("P12", "fout")
    done = ketentest("report", "--runs", folder.parent, "--sign", file, "--sign-password", "env:P12")
    assert (done.code, "geheim" in done.err + done.out) == (2, False)
    strange = tmp_path / "strange.pem"
    strange.write_bytes(signers.pem([authority.leaf(rsa_key)], signers.new_key()))
    done = ketentest("report", "--runs", folder.parent, "--sign", strange)
    assert (done.code, "hoort niet bij het certificaat" in done.err) == (2, True)


@pytest.fixture
def stamps(authority, rsa_key):
    """A time stamp server on loopback."""
    from asn1crypto import keys, tsp
    from asn1crypto import x509 as asn1
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from pyhanko.sign.timestamps import DummyTimeStamper
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    leaf = authority.leaf(rsa_key, extended=(ExtendedKeyUsageOID.TIME_STAMPING,))
    stamper = DummyTimeStamper(
        tsa_cert=asn1.Certificate.load(leaf.public_bytes(Encoding.DER)),
        tsa_key=keys.PrivateKeyInfo.load(rsa_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        certs_to_embed=SimpleCertificateStore(),
        fixed_dt=datetime(2026, 11, 21, 20, 0, tzinfo=UTC),
    )

    class Stamps(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            answer = stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stamps)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_time_stamp_is_put_in_and_read_back(folder, ketentest, seal_pem, stamps):
    done = ketentest("report", "--runs", folder.parent, "--sign", seal_pem, "--timestamp", stamps, "--bundle")
    assert done.code == 0, done.err
    for file in (folder / "report.nl.pdf", *folder.glob("*.zip")):
        told = [t.nl for t in verify(file).told]
        assert "Tijdstempel: 2026-11-21T20:00:00+00:00." in told


def test_a_time_stamp_server_that_is_away_is_one_sentence(folder, ketentest, seal_pem):
    done = ketentest("report", "--runs", folder.parent, "--sign", seal_pem, "--timestamp", "http://127.0.0.1:9/")
    assert done.code == 3
    assert done.err.startswith("het ondertekenen mislukte")


def test_a_name_without_organisation_is_told_plainly():
    from cryptography import x509

    assert name_of(x509.Name.from_rfc4514_string("CN=Jan")) == "Jan"
    assert name_of(x509.Name.from_rfc4514_string("C=NL")) == "C=NL"


def test_a_key_in_a_pkcs11_token_signs_pdf_and_bundle(
    tmp_path, folder, ketentest, authority, rsa_key, tool, monkeypatch
):
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    from pathlib import Path

    module = next((p for p in Path("/usr/lib").glob("**/libsofthsm2.so")), None)
    if module is None:
        pytest.skip("SoftHSM is not installed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(
        f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n"
    )
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("PIN", "1234")
    (tmp_path / "key.pem").write_bytes(signers.key_pem(rsa_key))
    (tmp_path / "leaf.der").write_bytes(authority.leaf(rsa_key).public_bytes(Encoding.DER))
    tool("softhsm2-util", "--init-token", "--free", "--label", "kt", "--pin", "1234", "--so-pin", "1234")
    tool(
        "softhsm2-util",
        "--import",
        tmp_path / "key.pem",
        "--token",
        "kt",
        "--label",
        "seal",
        "--id",
        "01",
        "--pin",
        "1234",
    )
    certificate = ("--write-object", tmp_path / "leaf.der", "--type", "cert", "--label", "seal", "--id", "01")
    tool("pkcs11-tool", "--module", module, "--login", "--pin", "1234", "--token-label", "kt", *certificate)
    pkcs11.lib(str(module)).reinitialize()  # it reads its configuration once in a process
    uri = f"pkcs11:token=kt;object=seal?module-path={module}"
    done = ketentest("report", "--runs", folder.parent, "--sign", uri, "--sign-password", "env:PIN", "--bundle")
    assert done.code == 0, done.err
    for file in (folder / "report.nl.pdf", *folder.glob("*.zip")):
        assert "Ondertekend door Ondertekening" in ketentest("verify", file).out
