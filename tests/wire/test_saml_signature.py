"""Signatures: what we sign others verify, what others sign we verify, and the twenty traps are refused."""

import base64
import copy
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, XMLSigner, XMLVerifier, methods

from harness.lab.ca import Pki
from harness.lab.tvs import signer_of
from harness.wire import saml_generate as generate
from harness.wire.saml import DS, MD, SAML, SAMLP, EntityId, q
from harness.wire.saml_build import Wanted, authn_request, in_soap
from harness.wire.saml_keys import read_certificate
from harness.wire.saml_signature import (
    SIGNATURE,
    NotTrusted,
    State,
    canonical,
    examine,
    read_signature,
    require_trusted,
    sign,
)

OIN = "00000099000000005000"


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture(scope="module")
def ours(pki):
    return signer_of(pki.issue("own-signing", oin=OIN))


@pytest.fixture(scope="module")
def attacker(pki):
    return signer_of(pki.issue("own-signing", oin=OIN, hosts=("kwaad.test",)))


@pytest.fixture
def base(ours, pki):
    """Unsigned metadata."""
    encryption = read_certificate(pki.issue("own-encryption", oin=OIN).der)
    connection = generate.DirectConnection(
        EntityId("DV", OIN, "9001"),
        (ours.certificate,),
        (encryption,),
        generate.Consumer(("https://zorg.voorbeeld.nl/acs",), "https://zorg.voorbeeld.nl/slo"),
        (generate.OfferedService("f847dc11-ac24-47b2-84a8-a057440ce56d"),),
    )
    return generate.unsigned(connection, ours.certificate, datetime.now(UTC) + timedelta(days=9))


@pytest.fixture
def good(base, ours):
    """Signed metadata, as bytes."""
    return etree.tostring(sign(base, ours))


def keys(*signers):
    return [(s.key_name, s.certificate) for s in signers]


def refusal(data, *signers):
    root = etree.fromstring(data) if isinstance(data, bytes) else data
    with pytest.raises(NotTrusted) as refused:
        require_trusted(root, keys(*signers))
    return refused.value.reason


def by_signxml(root, signer, *, method=SignatureMethod.RSA_SHA256, digest=DigestAlgorithm.SHA256, c14n=None, **how):
    """Sign as another implementation does, also in ways that we would not."""

    class Lenient(XMLSigner):
        def check_deprecated_methods(self):
            pass

    place = etree.Element(SIGNATURE, nsmap={"ds": DS})
    place.set("Id", "placeholder")
    root.insert(0, place)
    made = Lenient(
        method=methods.enveloped,
        signature_algorithm=method,
        digest_algorithm=digest,
        c14n_algorithm=c14n or CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    made.namespaces = {"ds": DS}
    info = etree.Element(q(DS, "KeyInfo"), nsmap={"ds": DS})
    etree.SubElement(info, q(DS, "KeyName")).text = signer.key_name
    parts = {"key": signer.key, "reference_uri": f"#{root.get('ID')}", "id_attribute": "ID", "key_info": info}
    return etree.tostring(made.sign(root, **parts | how))


# --- agreement with other implementations ---------------------------------------------------------------------------


def verified_by_xmlsec(root, certificate):
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate.der, xmlsec.KeyFormat.CERT_DER)
    context.verify(root.find(f".//{SIGNATURE}"))


@pytest.mark.parametrize("prefix", ["ds", "dsig"])
def test_xmlsec_and_signxml_verify_our_signature(base, ours, prefix):
    root = etree.fromstring(etree.tostring(sign(base, ours, prefix=prefix)))
    verified_by_xmlsec(root, ours.certificate)
    signed = XMLVerifier().verify(root, x509_cert=ours.certificate.certificate, id_attribute="ID").signed_xml
    assert signed.get("ID") == root.get("ID")


def test_xmlsec_verifies_our_message_inside_its_soap_envelope(ours):
    wanted = Wanted(f"urn:nl-eid-gdi:1.0:DV:{OIN}:entities:9001", "f847dc11-ac24-47b2-84a8-a057440ce56d")
    request = authn_request("urn:x", "https://rd.test/sso", wanted, datetime.now(UTC))
    envelope = etree.fromstring(in_soap(sign(request, ours, position=1)))
    verified_by_xmlsec(envelope, ours.certificate)
    message = envelope.find(f".//{q(SAMLP, 'AuthnRequest')}")
    assert require_trusted(message, keys(ours)) is ours.certificate


def test_we_verify_what_signxml_signed(base, ours):
    assert require_trusted(etree.fromstring(by_signxml(base, ours)), keys(ours)).sha1 == ours.key_name


@pytest.mark.parametrize("method", [SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512])
def test_we_verify_the_stronger_algorithms(base, ours, method):
    root = etree.fromstring(by_signxml(base, ours, method=method, digest=DigestAlgorithm.SHA512))
    assert require_trusted(root, keys(ours))


def test_an_intact_signature_by_an_expired_certificate_is_intact(pki, base):
    old = signer_of(pki.issue("own-signing", oin=OIN, start=-400, days=365))
    root = etree.fromstring(etree.tostring(sign(base, old)))
    assert not old.certificate.valid_at(datetime.now(UTC))
    assert examine(root, read_signature(root.find(SIGNATURE)), old.certificate.public_key) is State.INTACT


# --- the diagnosis ----------------------------------------------------------------------------------------------------


def state(data, signer):
    root = etree.fromstring(data)
    return examine(root, read_signature(root.find(SIGNATURE)), signer.certificate.public_key)


def test_a_changed_value_is_tampering(good, ours):
    assert state(good.replace(b"voorbeeld.nl/acs", b"voorbeeld.nl/acz"), ours) is State.TAMPERED


def reindented(space):
    def change(data):
        root = etree.fromstring(data)
        etree.indent(root, space=space)
        return etree.tostring(root)

    return change


def wrapped_values(data):
    root = etree.fromstring(data)
    for certificate in root.iter(q(DS, "X509Certificate")):
        certificate.text = "\n".join(certificate.text[n : n + 64] for n in range(0, len(certificate.text), 64))
    return etree.tostring(root)


def with_returns(data):
    root = etree.fromstring(data)
    for element in root.iterdescendants():
        element.tail = (element.tail or "") + "\r\n"
    return etree.tostring(root)


@pytest.mark.parametrize(
    "change", [reindented("  "), reindented("\t"), reindented("    "), wrapped_values, with_returns]
)
def test_another_layout_is_called_reformatting(good, ours, change):
    assert state(change(good), ours) is State.REFORMATTED


def test_losing_the_layout_that_was_signed_is_called_reformatting_too(base, ours):
    etree.indent(base, space="  ")
    data = etree.tostring(sign(base, ours))
    squeezed = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    assert state(data, ours) is State.INTACT
    assert state(etree.tostring(squeezed), ours) in (State.REFORMATTED, State.TAMPERED)


def test_another_key_is_called_another_key(good, attacker):
    assert state(good, attacker) is State.OTHER_KEY


def test_another_key_over_changed_content_is_called_broken(good, attacker):
    assert state(good.replace(b"voorbeeld.nl/acs", b"voorbeeld.nl/acz"), attacker) is State.BROKEN


# --- the traps --------------------------------------------------------------------------------------------------------


def test_a_valid_signature_is_trusted_with_name_or_certificate(base, good, ours):
    assert require_trusted(etree.fromstring(good), keys(ours))
    base.remove(base.find(SIGNATURE))
    assert require_trusted(
        etree.fromstring(etree.tostring(sign(base, ours, with_certificate=True, with_name=False))), keys(ours)
    )


def test_an_attackers_key_value_is_refused(base, ours, attacker):
    data = by_signxml(base, attacker, key_info=None)
    assert b"KeyValue" in data
    assert refusal(data, ours) in ("odd", "key-info", "unknown-key")


def test_an_attackers_certificate_is_refused(base, ours, attacker):
    data = etree.tostring(sign(base, attacker, with_certificate=True, with_name=False))
    assert refusal(data, ours) == "unknown-key"


def test_an_attackers_key_under_our_name_is_refused(base, ours, attacker):
    data = etree.tostring(sign(base, attacker)).replace(attacker.key_name.encode(), ours.key_name.encode())
    assert refusal(data, ours) in ("other-key", "broken")


@pytest.mark.parametrize(
    ("method", "digest", "reason"),
    [
        (SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256, "method"),
        (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1, "digest"),
        (SignatureMethod.RSA_SHA224, DigestAlgorithm.SHA256, "method"),
        (SignatureMethod.SHA256_RSA_MGF1, DigestAlgorithm.SHA256, "method"),
    ],
)
def test_algorithms_off_the_list_are_refused_before_any_computation(base, ours, method, digest, reason):
    assert refusal(by_signxml(base, ours, method=method, digest=digest), ours) == reason


def wrapped(good, holder):
    """Return evil metadata that carries the original where `holder` puts it."""
    evil = etree.fromstring(good)
    original = copy.deepcopy(evil)
    original.remove(original.find(SIGNATURE))
    evil.set("ID", "_evil")
    evil.find(f".//{q(MD, 'AssertionConsumerService')}").set("Location", "https://evil.test/acs")
    holder(evil, original)
    return etree.tostring(evil)


def in_object(evil, original):
    etree.SubElement(evil.find(SIGNATURE), q(DS, "Object")).append(original)


def in_extensions(evil, original):
    extensions = etree.Element(q(MD, "Extensions"))
    extensions.append(original)
    evil.insert(1, extensions)


@pytest.mark.parametrize("holder", [in_object, in_extensions])
def test_a_wrapped_original_is_refused(good, ours, holder):
    assert refusal(wrapped(good, holder), ours) in ("reference", "odd")


def test_a_duplicate_id_is_refused(good, ours):
    root = etree.fromstring(good)
    twin = copy.deepcopy(root)
    twin.remove(twin.find(SIGNATURE))
    extensions = etree.Element(q(MD, "Extensions"))
    extensions.append(twin)
    root.insert(1, extensions)
    assert refusal(etree.tostring(root), ours) == "duplicate-id"


def test_an_empty_reference_is_refused(base, ours):
    base.attrib.pop("ID")
    assert refusal(by_signxml(base, ours, reference_uri=None), ours) == "reference"


def test_inclusive_canonicalisation_is_refused(base, ours):
    data = by_signxml(base, ours, c14n=CanonicalizationMethod.CANONICAL_XML_1_0)
    assert refusal(data, ours) in ("canonicalization", "transforms")


def test_the_wrong_digest_name_of_the_published_examples_is_refused(good, ours):
    wrong = b"http://www.w3.org/2001/04/xmldsig-more#sha256"
    assert refusal(good.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", wrong), ours) == "digest"


def test_no_signature_and_two_signatures_are_refused(base, good, ours):
    root = etree.fromstring(good)
    root.insert(1, copy.deepcopy(root.find(SIGNATURE)))
    assert refusal(root, ours) == "many-signatures"
    assert refusal(base if base.find(SIGNATURE) is None else copy.deepcopy(root[2]), ours) == "unsigned"


def test_a_tampered_location_is_refused(good, ours):
    assert refusal(good.replace(b"voorbeeld.nl/acs", b"evil.test/acs"), ours) == "tampered"


def test_a_comment_keeps_the_signature_intact_and_our_reading_whole(good, ours):
    root = etree.fromstring(good)
    value = root.find(f".//{q(SAML, 'AttributeValue')}")
    whole = value.text
    comment = etree.Comment("x")
    value.text, comment.tail = whole[:8], whole[8:]
    value.append(comment)
    parsed = etree.fromstring(etree.tostring(root))
    assert require_trusted(parsed, keys(ours))
    from harness.wire.saml_metadata import metadata_of

    assert metadata_of(parsed).entities[0].sp.services[0].uuids == (whole,)


# --- laws ---------------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["", "\n", "  ", "tekst "]), min_size=4, max_size=4))
def test_taking_the_signature_out_and_putting_it_back_changes_nothing(blanks):
    inner = f"{blanks[0]}<s xmlns='urn:s'><t/></s>{blanks[1]}<b>{blanks[2]}</b>{blanks[3]}"
    root = etree.fromstring(f"<a xmlns:x='urn:x'>{inner}</a>")
    before = etree.tostring(root)
    without = canonical(root, without=root[0])
    assert b"urn:s" not in without
    assert etree.tostring(root) == before
    expected = etree.fromstring(f"<a xmlns:x='urn:x'>{blanks[0]}{blanks[1]}<b>{blanks[2]}</b>{blanks[3]}</a>")
    assert without == canonical(expected)


def test_the_key_name_is_the_sha1_of_the_certificate(ours):
    assert ours.key_name == hashlib.sha1(ours.certificate.der).hexdigest()
    assert base64.b64encode(ours.certificate.der)
    assert ours.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
