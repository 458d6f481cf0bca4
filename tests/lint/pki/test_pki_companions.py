"""Documents beside a certificate: the CPA, the metadata and the WSDL say whose it must be and what it must cover."""

import base64
import os

import pki_forge as forge
import pytest

from harness.check import companion, companions, judge_file
from harness.errors import DocumentUnreadable
from harness.lint.judge import Context, Raw
from harness.lint.pki import judge_certificate, judge_csr
from harness.model import Environment, Finding
from harness.rulebook import rulebook
from harness.wire.cpa_build import build_cpa
from harness.wire.spec import Action, Party, ProviderSpecification, Service

OTHER = "00000099876543210000"
METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
  xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="urn:nl-eid-gdi:1.0:DV:{oin}:entities:0001" {until}>
 <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
  </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
  <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" index="0"
    Location="https://{browser}/acs"/>
 </md:SPSSODescriptor></md:EntityDescriptor>"""


def metadata(leaf, oin=forge.OIN, browser="www.voorbeeldgemeente.test", until=""):
    from cryptography.hazmat.primitives.serialization import Encoding

    body = base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()
    text = METADATA.format(oin=oin, certificate=body, browser=browser, until=until and f'validUntil="{until}"')
    return Raw(text.encode(), "metadata.xml")


def found(leaf, *beside, role="tls-server", judge=judge_certificate, **settings):
    trust = tuple(forge.AUTHORITIES[n]().pem for n in forge.ROOTS)
    chain = tuple(Raw(forge.AUTHORITIES[n]().pem, n) for n in forge.BETWEEN)
    known = {key.replace("_", "-"): (value,) for key, value in settings.items()}
    ctx = Context(forge.AT, Environment.PREPROD, role, trust=trust, companions=(*chain, *beside), settings=known)
    data = leaf if isinstance(leaf, bytes) else forge.pem(leaf)
    items = [f for f in judge(Raw(data, "leaf"), ctx) if isinstance(f, Finding)]
    return {(g.finding.rule, str(g.severity)) for g in rulebook().grade(items, ctx.words) if str(g.severity) != "info"}


def agreement(mine, oin=forge.OIN, host=forge.HOST, end=None):
    """A CPA between the holder of `mine` and somebody else."""
    from cryptography.hazmat.primitives.serialization import Encoding

    der = mine.public_bytes(Encoding.DER)
    stranger = forge.leaf(key=forge.rsa_key("other"), named=forge.subject(OTHER)).public_bytes(Encoding.DER)
    consumer = Party("SR", "Gemeente Voorbeeld", oin, f"https://{host}/msh", der, der)
    provider = Party("SP", "Ander", OTHER, "https://ebms.elders.test/msh", stranger, stranger)
    service = Service("dienst", (Action("vraag", "SR", "SP", "osb-rm"), Action("antwoord", "SP", "SR", "osb-rm")))
    made = build_cpa(consumer, ProviderSpecification(provider, (service,)), "osb-rm", start=forge.AT, end=end)
    return Raw(made, "cpa.xml")


@pytest.fixture(scope="module")
def leaf():
    return forge.leaf()


@pytest.mark.parametrize("role", ["tls-server", "tls-client", "message-signing"])
def test_the_documents_of_the_holder_raise_nothing(leaf, role):
    assert found(leaf, agreement(leaf), metadata(leaf), role=role) == set()


def test_the_party_that_holds_the_certificate_must_have_its_number(leaf):
    assert found(leaf, agreement(leaf, oin="00000099111111110000")) == {("PKIO-OIN-010", "error")}


def test_an_operator_that_is_declared_may_differ(leaf):
    assert found(leaf, agreement(leaf, oin="00000099111111110000"), operator="yes") == set()


def test_without_the_certificate_in_the_cpa_the_configured_number_chooses_the_party(leaf):
    other = forge.leaf(key=forge.rsa_key("other"))
    assert found(leaf, agreement(other), oin=forge.OIN) == set()
    stranger = forge.leaf(named=forge.subject("00000099222222220000"))
    assert ("PKIO-OIN-010", "error") in found(stranger, agreement(other), oin=forge.OIN)
    assert found(stranger, agreement(other)) == {("PKIO-OIN-010", "error")}


def test_the_entity_that_holds_the_certificate_must_have_its_number(leaf):
    assert found(leaf, metadata(leaf, oin=OTHER)) == {("PKIO-OIN-011", "error")}


def test_the_endpoint_of_the_cpa_must_be_covered(leaf):
    assert found(leaf, agreement(leaf, host="nieuw.voorbeeldgemeente.test")) == {("PKIO-SAN-002", "error")}
    given = found(leaf, agreement(leaf, host="nieuw.voorbeeldgemeente.test"), endpoint=f"https://{forge.HOST}")
    assert given == {("PKIO-SAN-008", "error")}


def test_the_browser_hosts_of_the_metadata_are_for_the_web_certificate(leaf):
    assert found(leaf, metadata(leaf, browser="login.elders.test")) == set()
    web = {rule for rule, _ in found(leaf, metadata(leaf, browser="login.elders.test"), role="web")}
    assert "PKIO-SAN-002" in web


def test_an_agreement_that_outlives_the_certificate_is_named(leaf):
    end = forge.AT.replace(year=2031)
    assert found(leaf, agreement(leaf, end=end)) == {("PKIO-VAL-006", "warning")}
    assert found(leaf, metadata(leaf, until="2031-01-01T00:00:00Z")) == {("PKIO-VAL-006", "warning")}


def test_the_cpa_is_there_before_the_order(leaf):
    stranger = forge.leaf(key=forge.rsa_key("other"))
    assert found(forge.request(), agreement(stranger), judge=judge_csr, oin=forge.OIN) == set()
    wrong = agreement(stranger, oin="00000099111111110000")
    assert ("PKIO-OIN-010", "error") in found(forge.request(), wrong, judge=judge_csr)


@pytest.mark.parametrize("noise", [b"<", b"<a/>", b"<CollaborationProtocolAgreement/>", b"<!DOCTYPE a><a>&b;</a>"])
def test_a_document_that_cannot_be_read_says_nothing(leaf, noise):
    assert found(leaf, Raw(noise)) == set()


@pytest.mark.skipif(os.name == "nt", reason="file modes of POSIX")
@pytest.mark.parametrize(("mode", "severity"), [(0o600, None), (0o400, None), (0o644, "warning"), (0o640, "warning")])
def test_a_key_file_that_others_can_read_is_named(leaf, tmp_path, mode, severity):
    key = tmp_path / "tls.key"
    key.write_bytes(forge.key_pem(forge.rsa_key()))
    key.chmod(mode)
    (tmp_path / "tls.pem").write_bytes(forge.pem(leaf))
    ctx = Context(forge.AT, Environment.PREPROD, "tls-server", companions=(companion(str(key)),))
    document = judge_file(tmp_path / "tls.pem", ctx)
    loud = [str(g.severity) for g in document.findings if g.finding.rule == "PKIO-KEY-006"]
    assert loud == ([severity] if severity else [])


@pytest.mark.skipif(os.name == "nt", reason="file modes of POSIX")
def test_a_key_in_the_certificate_file_is_information_when_only_its_owner_can_read_it(leaf, tmp_path):
    file = tmp_path / "both.pem"
    file.write_bytes(forge.pem(leaf) + forge.key_pem(forge.rsa_key()))
    for mode, severity in ((0o600, "info"), (0o644, "warning")):
        file.chmod(mode)
        document = judge_file(file, Context(forge.AT, Environment.PREPROD, "tls-server"))
        assert [str(g.severity) for g in document.findings if g.finding.rule == "PKIO-KEY-006"] == [severity]


def test_a_folder_stands_for_every_file_in_it(leaf, tmp_path):
    folder = tmp_path / "tussen"
    folder.mkdir()
    for name in forge.BETWEEN:
        (folder / f"{name}.pem").write_bytes(forge.AUTHORITIES[name]().pem)
    (folder / ".verborgen").write_bytes(b"niets")
    assert len(companions(str(folder))) == len(forge.BETWEEN)
    assert {raw.relation for raw in companions(f"prod:{folder}")} == {"prod"}
    with pytest.raises(DocumentUnreadable):
        companions(str(tmp_path / "absent"))


def test_what_the_sources_say_of_a_number_for_a_supplier_is_told_as_a_conflict():
    data = forge.pem(forge.leaf(named=forge.subject("00000003273229750000")))
    ctx = Context(at=forge.AT, role="tls-server", settings={"oin": ("00000001002220647000",), "operator": ("yes",)})
    said = {f.rule: f.observed for f in judge_certificate(Raw(data), ctx) if isinstance(f, Finding)}
    assert "spreken elkaar tegen" in said["PKIO-OIN-009"].nl
    assert "contradict" in said["PKIO-OIN-009"].en
