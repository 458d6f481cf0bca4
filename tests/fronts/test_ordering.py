"""The certificate request and its order sheet: the only check that comes before the money is spent."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.check import judge_bytes
from harness.lint.judge import Context
from harness.model import Environment
from harness.ordering import Order, certificate_request, policies

OIN = "00000003273229750000"


def ordered(**changes):
    given = {"organisation": "Gemeente Voorbeeld", "oin": OIN, "role": "tls-server", "hosts": ("ebms.voorbeeld.nl",)}
    return Order(**(given | {"bits": 3072} | changes))


@pytest.mark.parametrize("role", ["tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption"])
@pytest.mark.parametrize("generation", ["", "g1", "g4"])
def test_what_we_ask_is_what_our_own_judge_wants(role, generation):
    wanted = ordered(role=role, generation=generation)
    wanted = ordered(role=role, generation=generation, hosts=() if wanted.separate else wanted.hosts)
    csr, _ = certificate_request(wanted)
    settings = {"oin": (OIN,), "generation": (generation,)} | ({"endpoint": wanted.hosts} if wanted.hosts else {})
    document = judge_bytes(csr, "aanvraag.csr", Context(environment=Environment.PREPROD, role=role, settings=settings))
    assert [(g.finding.rule, str(g.severity)) for g in document.findings if str(g.severity) != "info"] == []


def test_a_request_carries_the_number_and_every_host():
    csr, key = certificate_request(ordered(hosts=("ebms.voorbeeld.nl", "wus.voorbeeld.nl")))
    request = x509.load_pem_x509_csr(csr)
    [number] = request.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert number.value == OIN
    assert names.get_values_for_type(x509.DNSName) == ["ebms.voorbeeld.nl", "wus.voorbeeld.nl"]
    private = load_pem_private_key(key, None)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.public_key() == request.public_key()


def test_g4_has_a_certificate_per_purpose():
    signing = x509.load_pem_x509_csr(certificate_request(ordered(role="message-signing", generation="g4", hosts=()))[0])
    usage = signing.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, False)
    purposes = signing.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH not in list(purposes)
    [identifier] = signing.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    assert identifier.value == "NTRNL-27322975"


def test_the_policies_come_from_the_published_data():
    both = policies(ordered())
    assert [number for _, number, _ in both] == ["2.16.528.1.1003.1.2.8.6", "2.16.528.1.1003.1.2.44.15.35.11"]
    assert both[0][2].year == 2028
    assert len(policies(ordered(generation="g4"))) == 1


TWO = """
[connections.tweede]
system = "digikoppeling"
environment = "preprod"
certificates = { tls-client = "tls", tls-server = "tls" }
anchors = ["lab"]
[connections.tweede.ebms]
endpoint = "https://ebms.elders.test/msh"
own_endpoint = "https://tweede.voorbeeld.test/msh"
cpa = ""
[connections.tweede.wus]
endpoint = "https://wus.elders.test/wus"
own_endpoint = "https://wus.voorbeeld.test/wus"
wsdl = ""
"""


def test_the_order_sheet_names_every_host_of_every_connection_that_shares_the_certificate(terminal):
    file = terminal.folder / "scenarios/preprod/chain.toml"
    file.write_text(file.read_text() + TWO)
    done = terminal.ketentest("generate", "csr", "lopende-zaken", "--out", "tls.csr")
    assert done.returncode == 0, done.stderr
    for lang in ("nl", "en"):
        sheet = (terminal.folder / f"tls.order.{lang}.md").read_text()
        for word in ("tweede.voorbeeld.test", "wus.voorbeeld.test", "00000099000000001000", "RSA 3072"):
            assert word in sheet
        assert "PRIVATE KEY" not in sheet
    assert (terminal.folder / "tls.key").stat().st_mode & 0o777 == 0o600


def test_a_host_that_was_left_out_is_an_error_before_the_order(terminal):
    done = terminal.ketentest("generate", "csr", "lopende-zaken", "--out", "tls.csr", "--host", "elders.voorbeeld.test")
    assert "PKIO-SAN-008" in done.stderr
    assert "die staan niet in deze aanvraag" in (terminal.folder / "tls.order.nl.md").read_text()


def test_a_key_is_never_overwritten(terminal):
    terminal.ketentest("generate", "csr", "lopende-zaken", "--out", "tls.csr")
    before = (terminal.folder / "tls.key").read_bytes()
    done = terminal.ketentest("generate", "csr", "lopende-zaken", "--out", "tls.csr")
    assert done.returncode == 2
    assert (terminal.folder / "tls.key").read_bytes() == before
