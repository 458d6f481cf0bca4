"""A CPA reads back as what was put into it, and what we build is valid under the published schema."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parents[1] / "lint" / "ebms"))

from ebms_documents import HOST_B, OIN_A, OIN_B, SERVICE, START, certificate, consumer_spec, cpa, gemeente, voorziening

from harness.errors import DocumentUnreadable, UnusableInput
from harness.wire.cpa_build import ORIGIN, build_cpa, default_cpaid
from harness.wire.cpa_reading import moment, parse_cpa
from harness.wire.ping_mmd import build_ping_mmd, ping_mmd_of
from harness.wire.spec import (
    PROFILES,
    Action,
    Party,
    ProviderSpecification,
    Service,
    build_consumer_spec,
    build_provider_spec,
    parse_provider_spec,
    parse_specification,
)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("file", ["cpp-cpa-2_0.xsd"])
def test_what_we_build_is_valid_under_the_oasis_schema(shared, profile, file):
    schema = etree.XMLSchema(file=str(shared / "corpus" / "ebms" / "xsd" / file))
    schema.assertValid(etree.fromstring(cpa(profile)))


def test_a_built_cpa_says_that_it_is_not_from_the_creatievoorziening():
    data = cpa()
    assert parse_cpa(data).comments == (ORIGIN,)
    assert b"<!-- ketentest: niet afkomstig van de CPA Creatievoorziening -->" in data


def test_building_twice_gives_the_same_bytes():
    assert cpa("osb-rm-e") == cpa("osb-rm-e")
    assert consumer_spec() == consumer_spec()


def test_a_built_cpa_reads_back():
    read = parse_cpa(cpa("osb-rm-s"))
    assert read.cpaid == f"OSB-LopendeZaken-1-0_{OIN_A}_{OIN_B}_v1"
    party = read.party(OIN_B, "urn:osb:oin")
    ((role, binding),) = party.matching("send", "SP", "OSB:LopendeZaken:1:0", "afleveren")
    channel = party.channel(binding.channel_ids[0])
    assert (channel.ack_requested, channel.ack_signature_requested, channel.synchronous) == ("always", "always", False)
    assert party.endpoint(channel).uri == f"https://{HOST_B}/ebms"
    assert party.client_certificate(channel).der == voorziening().client_cert
    assert party.signing_certificate(channel).facts.oin == OIN_B
    assert read.other(party).party_id == OIN_A
    assert role.service_type == "urn:osb:services"
    assert party.line == 7


def test_signals_go_over_the_default_channel_or_over_an_override():
    override = b'<tns:OverrideMshActionBinding tns:action="Ping" tns:channelId="SP_channel_business"/></tns:PartyInfo>'
    party = parse_cpa(cpa().replace(b"</tns:PartyInfo>", override, 1)).parties[0]
    assert party.msh_channel("Pong").id == "SP_channel_msh"
    assert party.msh_channel("Ping").id == "SP_channel_business"


def test_an_absent_attribute_has_the_default_of_the_schema():
    channel = parse_cpa(cpa().replace(b' tns:ackRequested="always"', b"")).parties[0].channel("SP_channel_business")
    assert channel.ack_requested == "perMessage"
    assert "ackRequested" in channel.absent


def test_a_specification_and_a_ping_read_back():
    party = gemeente()
    assert parse_specification(build_consumer_spec(party)).party == party
    provider = parse_provider_spec(build_provider_spec(voorziening(), (SERVICE,)))
    assert provider == ProviderSpecification(voorziening(), (SERVICE,))


def test_names_with_xml_characters_survive():
    party = gemeente(name='Gemeente "A & B" <Noord>')
    assert parse_specification(build_consumer_spec(party)).party.name == party.name
    assert parse_cpa(cpa(consumer=party)).parties[1].name == party.name


def test_the_ping_of_a_cpa_names_its_parties():
    read = parse_cpa(cpa())
    assert ping_mmd_of(read, read.party(OIN_A)) == build_ping_mmd(OIN_A, OIN_B, read.cpaid)


def test_a_cpa_ends_with_the_certificate_that_ends_first():
    read = parse_cpa(cpa(consumer=gemeente(client_cert=certificate(end="2027-03-01"))))
    assert read.end_text == "2027-03-01T00:00:00Z"


def test_what_cannot_be_is_refused_with_a_remedy():
    specification = ProviderSpecification(voorziening(), (SERVICE,))
    with pytest.raises(UnusableInput, match="kies uit osb-be"):
        build_cpa(gemeente(), specification, "osb-reliable", start=START)
    with pytest.raises(UnusableInput, match="best-effort"):
        build_cpa(gemeente(), specification, "osb-be", start=START, sync=True)
    with pytest.raises(UnusableInput, match="rollen"):
        build_cpa(gemeente(role="XX"), specification, "osb-rm", start=START)
    with pytest.raises(UnusableInput, match="eigen rol"):
        build_cpa(gemeente(role="SP"), specification, "osb-rm", start=START)
    with pytest.raises(UnusableInput, match="voeg een bericht toe"):
        build_cpa(gemeente(), replace(specification, services=()), "osb-rm", start=START)
    with pytest.raises(UnusableInput, match="DER"):
        build_consumer_spec(gemeente(client_cert=b"-----BEGIN CERTIFICATE-----"))


def test_something_else_than_a_cpa_is_named():
    with pytest.raises(DocumentUnreadable, match="osb-ebms-service-specificatie"):
        parse_cpa(consumer_spec())
    with pytest.raises(DocumentUnreadable, match="mist ServerCert"):
        parse_specification(consumer_spec().replace(b'"ServerCert"', b'"X"')).party  # noqa: B018


def test_a_cpaid_is_a_file_name():
    service = Service("OSB:Berichtenbox/Lopende Zaken:1.0", (Action("x", "SP", "SR"),))
    party = Party("SR", "A", OIN_A + "_T", "https://a.example/ebms", b"", b"")
    assert default_cpaid((service,), party, voorziening(), "v 1") == (
        f"OSB-Berichtenbox-Lopende-Zaken-1-0_{OIN_A}_T_{OIN_B}_v-1"
    )


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-01-01T12:00:00Z", 12), ("2026-01-01T12:00:00.5+02:00", 10), (" 2026-01-01T12:00:00 ", 12)]
)
def test_a_moment_is_read_in_every_form(text, hour):
    from datetime import UTC

    assert moment(text).astimezone(UTC).hour == hour


@pytest.mark.parametrize("text", ["", "morgen", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00"])
def test_what_is_no_moment_is_none(text):
    assert moment(text) is None
