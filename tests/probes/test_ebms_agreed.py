"""Which CPA, party, channel and action a probe takes, from the user's own CPA or that of the compliance facility."""

import pytest

from harness.link import Link
from harness.model import Environment
from harness.probes.ebms_agreed import agreements, encryption_target, harmless, way_of
from harness.probes.probe import NotApplicable, NotPossible
from harness.scenario import Connection, Ebms, Limits, Party

ALL = ("osb-be", "osb-rm", "osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e")


def link(data=None, *, oin="00000099000000001000", environment=Environment.COMPLIANCE, profiles=ALL):
    connection = Connection(name="dk", system="digikoppeling", ebms=Ebms(profiles=profiles))
    documents = {"cpa": data} if data else {}
    return Link(connection, Party(name="P", oin=oin), environment, Limits(), documents=documents)


@pytest.fixture(scope="module")
def corpus(shared):
    return shared / "corpus/ebms"


@pytest.mark.parametrize(
    ("word", "kind"),
    [("be", "urn:cv:be:services"), ("rm-s", "urn:cv:rm:signed:services"), ("rm-e", "urn:cv:rm:encrypted:services")],
)
def test_the_fixed_cpa_of_the_compliance_facility_offers_every_profile_to_its_consumer(corpus, word, kind):
    way = way_of(link((corpus / "cpa/ebms-admin__cpa-cv-https.xml").read_bytes()), word)
    assert way.role.service_type == kind
    assert (way.role.role, way.to_role, way.binding.action) == ("Consumer", "ComplianceVoorziening", "EchoRequest")
    assert (encryption_target(way) is not None) == word.endswith("-e")


def test_our_own_party_is_found_by_its_oin(corpus):
    agreed = agreements(link((corpus / "bases/base-cpa-osb-rm.xml").read_bytes()))[0]
    assert agreed.our_id.value == "00000099000000001000"
    assert agreed.their_id.value == "00000099000000002000"


def test_without_a_cpa_or_a_party_in_it_the_probe_says_what_is_missing(corpus):
    with pytest.raises(NotPossible, match="no CPA yet"):
        agreements(link())
    with pytest.raises(NotPossible, match="no party in the CPA"):
        agreements(link((corpus / "bases/base-cpa-osb-rm.xml").read_bytes(), oin="00000099000000007000"))


def test_a_profile_that_the_connection_does_not_use_is_skipped(corpus):
    data = (corpus / "bases/base-cpa-osb-rm.xml").read_bytes()
    with pytest.raises(NotApplicable):
        way_of(link(data, profiles=("osb-rm",)), "be")


def test_business_messages_are_harmless_in_lab_and_compliance_only():
    assert [harmless(link(environment=e)) for e in Environment] == [True, True, False, False]
