"""Signing and verifying both ways: our own, python-xmlsec, signxml, and what zeep lets pass."""

import copy
from datetime import timedelta

import pytest
from lxml import etree

from harness.wire import signature_value, soap, wss, wss_verify
from tests.wus_keys import NOW, holders

PAYLOAD = '<vraag xmlns="urn:test:dienst"><bsn>999990019</bsn></vraag>'


def message(who="own", **changes):
    addressing = soap.Addressing(
        to="https://dienst.example.nl/wus",
        action="urn:test:vraag",
        sender="https://gemeente.example.nl",
        reply_to=soap.ANONYMOUS,
    )
    envelope = soap.build(etree.fromstring(PAYLOAD), addressing)
    wss.sign(envelope, holders()[who].signer, at=NOW, **changes)
    return envelope


def examined(raw):
    envelope = soap.read(raw)
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    return envelope, wss_verify.examine(envelope, envelope.signatures[0], token.certificate)


def xmlsec_accepts(raw, certificate_pem):
    import xmlsec

    root = etree.fromstring(raw)
    for element in root.iter():
        if element.get(wss.WSU_ID):
            xmlsec.tree.add_ids(element, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate_pem, xmlsec.KeyFormat.CERT_PEM)
    try:
        context.verify(root.find(f".//{{{soap.DS}}}Signature"))
    except xmlsec.Error:
        return False
    return True


def test_a_signed_message_holds_and_covers_body_headers_and_timestamp():
    envelope, found = examined(soap.to_bytes(message()))
    names = {part.name for part in found.parts}
    assert found.holds
    assert found.covers(envelope.body)
    assert names == {
        "soapenv:Body", "wsa:To", "wsa:Action", "wsa:MessageID", "wsa:From", "wsa:ReplyTo", "wsu:Timestamp",
    }  # fmt: skip


@pytest.mark.parametrize("recipe", [wss.DIGIKOPPELING, wss.DIGIPOORT_SHA1, wss.Recipe(token_first=False)])
def test_xmlsec_accepts_what_we_sign(recipe):
    raw = soap.to_bytes(message(recipe=recipe))
    assert xmlsec_accepts(raw, holders()["own"].pem)


ALGORITHMS = {
    "own": [*signature_value.RSA, *signature_value.PSS],
    "curve": list(signature_value.ECDSA),
}


@pytest.mark.parametrize(
    ("who", "method"), [(who, method) for who, methods in ALGORITHMS.items() for method in methods]
)
def test_every_algorithm_is_computed_and_a_change_is_seen(who, method):
    raw = soap.to_bytes(message(who=who, recipe=wss.Recipe(signature=method)))
    assert xmlsec_accepts(raw, holders()[who].pem) or "MGF1" in method  # xmlsec 1.2 has no PSS
    assert examined(raw)[1].holds
    changed = raw.replace(b"urn:test:vraag", b"urn:test:ander")
    assert not examined(changed)[1].holds
    other = raw.replace(method.encode(), next(m for m in ALGORITHMS[who] if m != method).encode())
    assert examined(other)[1].value_holds is False


@pytest.mark.parametrize(("who", "method"), [("own", signature_value.ECDSA_SHA256), ("curve", wss.RSA_SHA256)])
def test_an_algorithm_that_does_not_go_with_the_key_does_not_hold(who, method):
    used = wss.RSA_SHA256 if who == "own" else signature_value.ECDSA_SHA256
    raw = soap.to_bytes(message(who=who, recipe=wss.Recipe(signature=used)))
    assert examined(raw.replace(used.encode(), method.encode()))[1].value_holds is False


def test_we_accept_an_ecdsa_signature_of_xmlsec():
    import xmlsec

    root = etree.fromstring(
        soap.to_bytes(message(who="curve", recipe=wss.Recipe(signature=signature_value.ECDSA_SHA256)))
    )
    for element in root.iter():
        if element.get(wss.WSU_ID):
            xmlsec.tree.add_ids(element, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(holders()["curve"].key_pem, xmlsec.KeyFormat.PEM)
    context.sign(root.find(f".//{{{soap.DS}}}Signature"))
    assert examined(etree.tostring(root))[1].holds


def test_signxml_accepts_what_we_sign():
    from signxml import SignatureConfiguration, XMLVerifier

    raw = soap.to_bytes(message())
    where = f"./{{{soap.SOAP}}}Header/{{{soap.WSSE}}}Security/"
    expected = SignatureConfiguration(location=where, expect_references=7, verification_time=NOW)
    signed = XMLVerifier().verify(
        raw, x509_cert=holders()["own"].certificate, expect_config=expected, validate_schema=False
    )
    assert len(signed) == 7


def test_we_accept_what_xmlsec_signs():
    import xmlsec

    envelope = soap.build(etree.fromstring(PAYLOAD), soap.Addressing(to="urn:x", action="urn:y"))
    body = envelope.find(f"{{{soap.SOAP}}}Body")
    body.set(wss.WSU_ID, "body")
    security = etree.SubElement(envelope[0], f"{{{soap.WSSE}}}Security")
    token = wss.binary_token(security, holders()["theirs"].certificate)
    signature = xmlsec.template.create(security, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256)
    security.append(signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri="#body")
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    info = xmlsec.template.ensure_key_info(signature)
    pointer = etree.SubElement(info, f"{{{soap.WSSE}}}SecurityTokenReference")
    etree.SubElement(pointer, f"{{{soap.WSSE}}}Reference", URI="#" + token.get(wss.WSU_ID))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(holders()["theirs"].key_pem, xmlsec.KeyFormat.PEM)
    xmlsec.tree.add_ids(body, ["Id"])
    context.sign(signature)

    _, found = examined(etree.tostring(envelope))

    assert found.holds
    assert [part.name for part in found.parts] == ["soapenv:Body"]


def test_one_changed_part_is_named():
    envelope = message()
    envelope.find(f".//{{{soap.WSA}}}To").text = "https://poort.example.nl"
    _, found = examined(soap.to_bytes(envelope))
    assert [part.name for part in found.changed] == ["wsa:To"]
    assert found.value_holds


def test_pretty_printing_after_signing_is_recognised():
    envelope = message()
    etree.indent(envelope.find(f"{{{soap.SOAP}}}Body"))
    _, found = examined(soap.to_bytes(envelope))
    assert [part.name for part in found.changed] == ["soapenv:Body"]
    assert "opgemaakt" in found.changed[0].cause.nl


def wrapped():
    """Signature wrapping: the signed Body moves into a header and a forged one takes its place."""
    envelope = message()
    body = envelope.find(f"{{{soap.SOAP}}}Body")
    forged = copy.deepcopy(body)
    del forged.attrib[wss.WSU_ID]
    forged[0][0].text = "999990020"
    etree.SubElement(envelope[0], "{urn:evil}Wrapper").append(body)
    envelope.append(forged)
    return soap.to_bytes(envelope)


def test_the_wrapped_body_holds_cryptographically_but_is_not_the_body_in_use():
    envelope, found = examined(wrapped())
    assert found.holds
    assert not found.covers(envelope.body)


def test_zeep_accepts_the_wrapped_body_that_we_refuse():
    import xmlsec
    from zeep.wsse.signature import _verify_envelope_with_key

    key = xmlsec.Key.from_memory(holders()["own"].pem, xmlsec.KeyFormat.CERT_PEM)
    _verify_envelope_with_key(etree.fromstring(wrapped()), key)  # no exception: accepted
    envelope, found = examined(wrapped())
    assert not found.covers(envelope.body)


def test_two_elements_under_one_id_are_both_seen():
    envelope = message()
    body = envelope.find(f"{{{soap.SOAP}}}Body")
    etree.SubElement(envelope[0], "{urn:evil}Other").set("ID", body.get(wss.WSU_ID))
    _, found = examined(soap.to_bytes(envelope))
    assert [part for part in found.parts if len(part.nodes) == 2]


def test_signature_confirmation_repeats_the_value_and_is_signed():
    raw = soap.to_bytes(message(confirm="YWJj"))
    envelope, found = examined(raw)
    confirmation = envelope.security[0].find(f"{{{soap.WSSE11}}}SignatureConfirmation")
    assert confirmation.get("Value") == "YWJj"
    assert found.covers(confirmation)
    assert xmlsec_accepts(raw, holders()["own"].pem)


def test_the_timestamp_is_utc_with_three_decimals():
    assert wss.instant(NOW + timedelta(microseconds=123456)) == "2026-11-21T20:00:00.123Z"


def test_real_signed_answers_verify_and_the_tampered_one_names_the_body(shared):
    folder = shared / "corpus" / "wus"
    for name in (
        "digipoort-aanleveren-response-signed",
        "duo-rio-raadplegen-response-ok",
        "duo-rio-beheren-request-ok",
    ):
        _, found = examined((folder / f"{name}.xml").read_bytes())
        assert found.holds, name
    _, found = examined((folder / "digipoort-aanleveren-response-tampered.xml").read_bytes())
    assert len(found.changed) == 1
    _, found = examined((folder / "suwinet-kadaster-response-via-gateway.xml").read_bytes())
    assert [part.name for part in found.changed] == ["wsa:To"]
    assert found.value_holds
