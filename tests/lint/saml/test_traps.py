"""The twenty traps of signed metadata: each is refused by the rule that is about it, an intact file by none of them."""

import copy

import pytest
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

from harness.lab.tvs import signer_of
from harness.wire.saml import MD, SAML, q
from harness.wire.saml_signature import SIGNATURE, sign
from tests.lint.saml.conftest import DV_OIN
from tests.wire.test_saml_signature import by_signxml, in_extensions, in_object, wrapped

ACS = q(MD, "AssertionConsumerService")


@pytest.fixture
def ours(kit):
    return kit.own_signer(kit.dv())


@pytest.fixture
def attacker(kit):
    return signer_of(kit.pki.issue("own-signing", oin=DV_OIN, hosts=("kwaad.test",)))


@pytest.fixture
def base(kit):
    return kit.tree(kit.dv())


@pytest.fixture
def good(base, ours):
    return etree.tostring(sign(base, ours))


def verdict(kit, data):
    """The rules that failed, and those that could not be judged because of it."""
    fired = kit.judge(data)
    skipped = fired.pop("not run", set())
    return {rule for rule, severity in fired.items() if severity == "error"}, skipped


def test_an_intact_file_is_caught_by_no_trap(kit, good, base, ours):
    assert verdict(kit, good)[0] == set()
    base.remove(base.find(SIGNATURE))
    assert verdict(kit, etree.tostring(sign(base, ours, with_certificate=True)))[0] == set()


SIGNED_OTHERWISE = {
    "rsa-sha1": ({"method": SignatureMethod.RSA_SHA1}, {"SAML-MD-303"}),
    "sha1 digest": ({"digest": DigestAlgorithm.SHA1}, {"SAML-MD-304"}),
    "rsa-sha224": ({"method": SignatureMethod.RSA_SHA224}, {"SAML-MD-303"}),
    "rsa-pss": ({"method": SignatureMethod.SHA256_RSA_MGF1}, {"SAML-MD-303"}),
    "inclusive c14n": ({"c14n": CanonicalizationMethod.CANONICAL_XML_1_0}, {"SAML-MD-305", "SAML-MD-306"}),
}


@pytest.mark.parametrize("trap", SIGNED_OTHERWISE)
def test_an_algorithm_that_may_not_be_used_is_named_and_not_computed(kit, base, ours, trap):
    how, rules = SIGNED_OTHERWISE[trap]
    failed, skipped = verdict(kit, by_signxml(base, ours, **how))
    assert failed == rules
    assert "SAML-MD-310" in skipped


def test_the_signature_of_an_attacker_is_never_called_ours(kit, base, ours, attacker):
    def signed(**how):
        return etree.tostring(sign(copy.deepcopy(base), attacker, **how))

    assert "SAML-MD-309" in verdict(kit, by_signxml(copy.deepcopy(base), attacker, key_info=None))[0]
    assert verdict(kit, signed(with_certificate=True, with_name=False))[0] == {"SAML-MD-309"}
    under_our_name = signed().replace(attacker.key_name.encode(), ours.key_name.encode())
    assert verdict(kit, under_our_name)[0] == {"SAML-MD-310"}


def test_what_was_changed_or_never_signed_is_told(kit, good):
    root = etree.fromstring(good)
    root.remove(root.find(SIGNATURE))
    assert verdict(kit, etree.tostring(root))[0] == {"SAML-MD-301"}
    assert verdict(kit, good.replace(b"voorbeeld.nl/saml/acs", b"evil.test/saml/acs"))[0] == {"SAML-MD-310"}
    wrong = b"http://www.w3.org/2001/04/xmldsig-more#sha256"
    assert verdict(kit, good.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", wrong))[0] == {"SAML-MD-304"}


@pytest.mark.parametrize("holder", [in_object, in_extensions])
def test_an_original_that_is_wrapped_in_other_metadata_is_no_signature_of_it(kit, good, holder):
    assert {"SAML-MD-307", "SAML-MD-310"} <= verdict(kit, wrapped(good, holder))[0]


def test_a_reference_must_name_the_root_and_the_root_alone(kit, base, good, ours):
    root = etree.fromstring(good)
    twin = copy.deepcopy(root)
    twin.remove(twin.find(SIGNATURE))
    twin.find(f".//{ACS}").set("Location", "https://evil.test/acs")
    extensions = etree.Element(q(MD, "Extensions"))
    extensions.append(twin)
    root.insert(1, extensions)
    assert {"SAML-MD-009", "SAML-MD-310"} & verdict(kit, etree.tostring(root))[0]
    base.attrib.pop("ID")
    assert "SAML-MD-307" in verdict(kit, by_signxml(base, ours, reference_uri=None))[0]


def test_a_comment_in_a_value_is_told_while_the_signature_stays_intact(kit, good):
    root = etree.fromstring(good)
    value = root.find(f".//{q(SAML, 'AttributeValue')}")
    whole, comment = value.text, etree.Comment("x")
    value.text, comment.tail = whole[:8], whole[8:]
    value.append(comment)
    failed, skipped = verdict(kit, etree.tostring(root))
    assert not failed & {"SAML-MD-310", "SAML-MD-606", "SAML-MD-607"}
    assert "SAML-MD-310" not in skipped


def test_an_intact_signature_by_an_expired_certificate_is_called_exactly_that(kit):
    old = kit.identity("own-signing", oin=DV_OIN, start=-400, days=365)
    signer = signer_of(old)
    connection = kit.dv(signing=(signer.certificate, kit.certificate("own-tls", oin=DV_OIN)))
    data = etree.tostring(sign(kit.tree(connection), signer))
    failed, skipped = verdict(kit, data)
    assert "SAML-MD-310" not in failed | skipped
    assert failed == {"SAML-MD-510"}
