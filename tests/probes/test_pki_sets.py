"""The probes on certificate sets: keys that lie about, other environments beside us, and the generation of each side."""

import subprocess
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from harness import chain
from harness.binding import Binder
from harness.choice import Options
from harness.engine import Engine
from harness.front import Session
from harness.guard import Guard
from harness.lab.ca import Pki
from harness.model import Environment, Severity, Verdict
from harness.probes import probe
from harness.rulebook import rulebook
from harness.show import result_line
from harness.wire.cpa_build import build_cpa
from harness.wire.spec import Action, Party, ProviderSpecification, Service

CHAIN = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
kind = "overheid"
[certificates.tls]
cert = "tls.pem"
key = "file:tls.key"
[certificates.sign]
cert = "sign.pem"
key = "file:tls.key"
[connections.lz]
system = "{system}"
certificates = {{ tls-client = "tls", tls-server = "tls" }}
anchors = ["anchor.pem"]
[connections.lz.{side}]
endpoint = "https://lz.elders.test/x"
{more}
"""
EBMS = 'own_endpoint = "https://ebms.voorbeeldstad.test/msh"\ncpa = ""\n[connections.lz.wus]\nendpoint = "https://wus.elders.test/x"\nwsdl = ""'
PRODUCTION = '[certificates.tls]\ncert = "{cert}"\nkey = "env:NERGENS_GEZET"\n'


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture
def held(pki, tmp_path):
    """A folder with a scenario and its certificate files, beside which another environment can stand."""
    folder = tmp_path / "scenarios" / "preprod"
    folder.mkdir(parents=True)
    own = pki.issue(
        "own-tls",
        oin="00000099000000001000",
        organisation="TEST Gemeente Voorbeeldstad",
        hosts=["ebms.voorbeeldstad.test"],
    )
    (folder / "tls.pem").write_bytes(own.cert_path.read_bytes())
    (folder / "sign.pem").write_bytes(own.cert_path.read_bytes())
    (folder / "anchor.pem").write_bytes(own.anchor_path.read_bytes())
    (folder / "tls.key").write_bytes(own.key_path.read_bytes())
    (folder / "tls.key").chmod(0o600)
    return folder


async def results(folder, *names, system="lopende-zaken", side="ebms", more=EBMS, extra=""):
    (folder / "chain.toml").write_text(CHAIN.format(system=system, side=side, more=more) + extra)
    loaded = chain.load(folder / "chain.toml")
    link = await Binder(loaded, None).bind(loaded.connections[0])
    engine = Engine(
        {link.name: link}, {Environment.PREPROD: Guard(Environment.PREPROD)}, probe.load(), rulebook(), offline=True
    )
    found = [await engine.result(link.name, name) for name in names]
    await engine.close()
    return found


def loud(result):
    return {
        (g.finding.rule, g.finding.case, str(g.severity)) for g in result.findings if g.severity is not Severity.INFO
    }


async def test_a_key_file_for_its_owner_alone_is_fine_and_another_is_named(held):
    [good] = await results(held, "pki.keypair")
    assert loud(good) == set()
    (held / "tls.key").chmod(0o644)
    [bad] = await results(held, "pki.keypair")
    assert loud(bad) == {("PKIO-KEY-006", "", "warning")}


@pytest.mark.parametrize("name", ["pki.keypair", "pki.fields"])
async def test_own_files_of_a_connection_that_still_says_lab_are_not_judged_and_never_green(held, tmp_path, name):
    text = CHAIN.format(system="digimelding", side="wus", more='wsdl = "lab"').replace(
        "https://lz.elders.test/x", "lab"
    )
    (held / "chain.toml").write_text(text.replace('"anchor.pem"', '"lab"'))
    async with Session(chain.load(held / "chain.toml"), Options(runs=tmp_path / "runs")) as session:
        found = await session.result("lz", name)
    assert found.verdict is Verdict.NOT_RUN
    assert "tls.pem" in found.cause.en
    assert "still says lab" in result_line(found, "en")


def track(root, file):
    for command in (["init", "-q"], ["add", file]):
        subprocess.run(["git", *command], cwd=root, check=True)


async def test_a_key_under_version_control_is_an_error(held):
    track(held.parents[1], "scenarios/preprod/tls.key")
    [found] = await results(held, "pki.keypair")
    assert ("PKIO-KEY-006", "versioned", "error") in loud(found)


def beside(held, certificate):
    other = held.parent / "productie"
    other.mkdir()
    (other / "tls.pem").write_bytes(certificate)
    (other / "chain.toml").write_text(PRODUCTION.format(cert="tls.pem"))
    return other


async def test_the_production_set_beside_us_is_compared_by_certificate_and_by_key(held, pki):
    beside(held, (held / "tls.pem").read_bytes())
    [found] = await results(held, "pki.separation")
    assert ("PKIO-ENV-003", "", "warning") in loud(found)
    assert any("productie: tls" in str(o.text) for o in found.observed)


async def test_another_certificate_in_production_is_fine(held, pki):
    other = pki.issue("counterparty", oin="00000099000000001000", hosts=["productie.voorbeeldstad.test"])
    beside(held, other.cert_path.read_bytes())
    [found] = await results(held, "pki.separation")
    assert loud(found) == set()


async def test_without_a_production_set_the_probe_says_so(held):
    [found] = await results(held, "pki.separation")
    assert loud(found) == set()
    assert "niet vergeleken" in str(found.observed[-1].text)


async def test_a_production_key_in_a_test_environment_is_an_error(held):
    other = beside(held, (held / "tls.pem").read_bytes())
    (other / "tls.pem").write_bytes((held / "tls.pem").read_bytes() + (held / "tls.key").read_bytes())
    [found] = await results(held, "pki.separation")
    assert ("PKIO-ENV-004", "", "error") in loud(found)


async def test_a_tvs_certificate_that_serves_elsewhere_too_is_named(held):
    elsewhere = """
[connections.dm]
system = "digimelding"
certificates = { tls-client = "tls" }
anchors = ["anchor.pem"]
[connections.dm.wus]
endpoint = "https://dm.elders.test/x"
wsdl = ""
"""
    more = 'own_endpoint = "https://login.voorbeeldstad.test/saml"\nmetadata = ""'
    [found] = await results(held, "pki.separation", system="tvs-direct", side="saml", more=more, extra=elsewhere)
    assert any(rule == "PKIO-ENV-007" for rule, _, _ in loud(found))


async def test_the_chain_says_its_generation_and_when_that_ends(held):
    [found] = await results(held, "pki.chain")
    [said] = [o for o in found.observed if dict(o.data).get("role") == "tls-client"]
    assert "Private Root G1 ≤ 2028-11-12" in str(said.text)
    assert dict(said.data)["generation"] == "Private Root G1"


def agreement(held, oin):
    leaf = x509.load_pem_x509_certificates((held / "tls.pem").read_bytes())[0].public_bytes(Encoding.DER)
    consumer = Party("SR", "Gemeente", oin, "https://ebms.voorbeeldstad.test/msh", leaf, leaf)
    other = Party("SP", "Logius", "00000099000000002000", "https://lz.elders.test/x", leaf, leaf)
    service = Service("dienst", (Action("vraag", "SR", "SP", "osb-rm"), Action("antwoord", "SP", "SR", "osb-rm")))
    made = build_cpa(consumer, ProviderSpecification(other, (service,)), "osb-rm", start=datetime.now(UTC))
    (held / "cpa.xml").write_bytes(made)
    return EBMS.replace('cpa = ""', 'cpa = "cpa.xml"')


async def test_our_own_certificate_is_held_against_the_cpa(held):
    [good] = await results(held, "pki.fields", more=agreement(held, "00000099000000001000"))
    assert "PKIO-OIN-010" not in {rule for rule, _, _ in loud(good)}
    [bad] = await results(held, "pki.fields", more=agreement(held, "00000099000000003000"))
    assert ("PKIO-OIN-010", "", "error") in loud(bad)


async def test_an_anchor_with_a_known_name_and_another_digest_is_an_error(held):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Staat der Nederlanden Private Root CA - G1")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day.replace(year=2040))
    fake = builder.add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    (held / "anchor.pem").write_bytes((held / "anchor.pem").read_bytes() + fake.public_bytes(Encoding.PEM))
    [found] = await results(held, "pki.chain")
    assert ("PKIO-CHAIN-002", "", "error") in loud(found)
    assert any("niet gepind" in str(o.text) for o in found.observed)
