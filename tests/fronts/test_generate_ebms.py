"""Two specifications make a CPA in each of the six profiles, and each document is judged as it is made."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.check import judge_bytes
from harness.errors import UnusableInput
from harness.generating import Request, generate
from harness.lint.judge import Context
from harness.wire.cpa_reading import parse_cpa
from harness.wire.spec import PROFILES

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "preprod"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with both specifications, and a certificate with which the provider signs and encrypts."""
    folder = tmp_path_factory.mktemp("generate")
    request = Request("consumer-spec", "lopende-zaken")
    (folder / "consumer.xml").write_bytes(generate(SCENARIO, request)[0])
    messages = ("afleveren:SR>SP", "status:SP>SR")
    request = Request("provider-spec", "lopende-zaken", service="Org:Zaken:1.0", messages=messages, peer=True)
    (folder / "provider.xml").write_bytes(generate(SCENARIO, request)[0])
    return folder


def cpa_of(folder, profile, **more):
    request = Request(
        "cpa",
        "lopende-zaken",
        profile=profile,
        consumer=folder / "consumer.xml",
        provider=folder / "provider.xml",
        **more,
    )
    return generate(SCENARIO, request)[0]


def test_a_provider_specification_raises_nothing_above_information(made):
    judged = judge_bytes((made / "provider.xml").read_bytes(), "provider.xml", Context(at=datetime.now(UTC)))
    assert (judged.kind, judged.verdict) == ("provider-spec", "pass")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_cpa_in_this_profile_is_valid_and_says_where_it_comes_from(made, profile, shared):
    data = cpa_of(made, profile)
    schema = etree.XMLSchema(etree.parse(shared / "corpus/ebms/xsd/cpp-cpa-2_0.xsd"))
    schema.assertValid(etree.fromstring(data))
    assert judge_bytes(data, "cpa.xml", Context(at=datetime.now(UTC)), "cpa").verdict == "pass"
    assert b"niet afkomstig van de CPA Creatievoorziening" in data
    assert [role.service for party in parse_cpa(data).parties for role in party.roles] == ["Org:Zaken:1.0"] * 2


def test_the_provider_signs_with_the_certificate_that_is_given(made, tmp_path):
    from harness.lab.ca import Pki

    signing = Pki().issue("counterparty-signing", oin="00000099000000002000", organisation="TEST")
    certificate = x509.load_pem_x509_certificates(signing.cert_path.read_bytes())[0]
    (tmp_path / "sign.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    cpa = parse_cpa(cpa_of(made, "osb-rm-s", signing=tmp_path / "sign.pem"))
    provider = cpa.parties[0]
    channel = provider.channel("SP_channel_business")
    assert provider.signing_certificate(channel).der == certificate.public_bytes(Encoding.DER)
    assert provider.client_certificate(channel).der != certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"profile": "osb-foo"}, "profiel 'osb-foo' bestaat niet"),
        ({"provider": None}, "--provider"),
        ({"consumer": None, "provider": "own"}, "twee verschillende partijen"),
        ({"signing": "consumer.xml"}, "staat geen certificaat"),
    ],
)
def test_what_cannot_become_a_cpa_is_refused_in_one_sentence(made, change, said):
    own = generate(SCENARIO, Request("provider-spec", "lopende-zaken"))[0]
    (made / "own").write_bytes(own)
    given = {"profile": "osb-rm", "consumer": "consumer.xml", "provider": "provider.xml"} | change
    files = {key: made / value if value and key != "profile" else value for key, value in given.items()}
    with pytest.raises(UnusableInput) as refused:
        generate(SCENARIO, Request("cpa", "lopende-zaken", **files))
    assert said in refused.value.text.nl


def test_a_message_is_written_as_name_from_to():
    with pytest.raises(UnusableInput, match="NAAM:VAN>NAAR"):
        generate(SCENARIO, Request("provider-spec", "lopende-zaken", messages=("afleveren",)))
