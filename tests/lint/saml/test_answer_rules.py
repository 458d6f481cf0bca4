"""An answer of the routing service, judged with our request beside it: each deviation fires, unusual shapes are silent."""

from datetime import datetime, timedelta

import pytest
from lxml import etree

from harness.lint.judge import Raw
from harness.wire import saml_build as build
from harness.wire.saml import DS, FULL_AUTHORITY, LOA_SUBSTANTIAL, SAML, SAMLP, XENC, new_id, q, stamp
from harness.wire.saml_encrypted import Form, Recipient, encrypt, name_id
from harness.wire.saml_message import Artifact
from harness.wire.saml_metadata import key_certificates, read_metadata
from harness.wire.saml_signature import sign
from tests.lint.saml.conftest import UUIDS, loud
from tests.lint.saml.test_message_rules import DV, LC

ACS = "https://lc.voorbeeld.nl/saml/acs"


@pytest.fixture
def answer(kit, rd, rd_file):
    """Build an answer, change its assertion, Response or envelope before each is signed, and judge it."""
    (service, keys), own = rd, kit.file(kit.lc())
    asked = build.authn_request(LC, service.login, build.Wanted(DV, UUIDS[0]), kit.now)
    fetched = build.artifact_resolve(LC, service.resolve, str(Artifact.new(service.entity_id)), kit.now)
    recipients = [Recipient(DV, c, n) for n, c in key_certificates(read_metadata(own).by_id[DV], "encryption")]

    def judged(assertion=None, outer=None, form=None, signer=None, spec="4.4", **claims):
        parts = {
            "issuer": service.entity_id, "recipient": ACS, "in_response_to": asked.get("ID"), "audience": (LC, DV),
            "transient": new_id()[1:33], "service_uuid": UUIDS[0], "level": LOA_SUBSTANTIAL,
            "acting": encrypt(name_id("999999047"), recipients, form or Form()), "authorities": (service.authority_id,),
        }  # fmt: skip
        claim = build.assertion(build.Claims(**parts | claims), kit.now)
        if assertion:
            assertion(claim)
        response = build.response(service.entity_id, ACS, asked.get("ID"), kit.now, ("Success",))
        response.append(sign(claim, keys.first, position=1))
        message = build.artifact_response(service.entity_id, fetched.get("ID"), kit.now)
        message.append(response)
        if outer:
            outer(message)
        beside = [Raw(own, "own.xml"), Raw(rd_file, "rd.xml")]
        beside += [Raw(etree.tostring(asked), "request.xml"), Raw(etree.tostring(fetched), "resolve.xml")]
        data = build.in_soap(sign(message, signer or keys.first, position=1))
        settings = {"loa": ("substantial",)}
        at = kit.now + timedelta(seconds=1)
        return kit.judge_message(data, "lc", companions=tuple(beside), at=at, settings=settings, spec=spec)

    return judged


def statement(assertion):
    return assertion.find(q(SAML, "AttributeStatement"))


def readable_bsn(assertion):
    attribute = etree.SubElement(statement(assertion), q(SAML, "Attribute"), Name="urn:x:BSN")
    etree.SubElement(attribute, q(SAML, "AttributeValue")).text = "999999047"


def logged_in_twice(assertion):
    found = assertion.find(q(SAML, "AuthnStatement"))
    found.addnext(etree.fromstring(etree.tostring(found)))


def digest(assertion):
    for method in statement(assertion).iter(q(DS, "DigestMethod")):
        method.set("Algorithm", f"{XENC}sha256")


def usable_all_day(assertion):
    data = next(assertion.iter(q(SAML, "SubjectConfirmationData")))
    data.set("NotOnOrAfter", stamp(datetime.fromisoformat(data.get("NotOnOrAfter")) + timedelta(hours=8)))


def emptied(assertion):
    next(statement(assertion).iter(q(XENC, "CipherValue"))).text = ""


SOMEBODY = etree.Element(q(SAML, "EncryptedID"))


@pytest.mark.parametrize(
    ("rule", "severity", "how"),
    [
        ("SAML-ART-020", "error", {"outer": lambda m: m.set("Version", "1.1")}),
        ("SAML-ART-026", "error", {"outer": lambda m: m.find(q(SAMLP, "Response")).append(etree.Element(q(SAML, "EncryptedAssertion")))}),
        ("SAML-AS-005", "error", {"transient": "999999047"}),
        ("SAML-AS-012", "warning", {"assertion": usable_all_day}),
        ("SAML-AS-022", "error", {"audience": (DV,)}),
        ("SAML-AS-030", "error", {"assertion": logged_in_twice}),
        ("SAML-AS-050", "error", {"assertion": readable_bsn}),
        ("SAML-AS-050", "error", {"assertion": emptied}),
        ("SAML-AS-053", "error", {"assertion": digest, "spec": "st-1.0"}),
        ("SAML-AS-053", "info", {"assertion": digest}),
        ("SAML-AS-042", "info", {"legal": SOMEBODY, "representation": FULL_AUTHORITY, "spec": "st-1.0"}),
        ("SAML-AS-042", "warning", {"legal": SOMEBODY, "spec": "st-1.0"}),
        ("SAML-AS-042", None, {"legal": SOMEBODY}),
        ("SAML-AS-053", "error", {"form": Form(transport=f"{XENC}rsa-1_5")}),
    ],
)  # fmt: skip
def test_one_deviation_in_an_answer_fires(answer, rule, severity, how):
    assert answer(**how).get(rule) == severity


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"form": Form(peer=False)},
        {"audience": (DV, LC)},
        {"assertion": etree.indent},
        {"level": f"\n  {LOA_SUBSTANTIAL}\n"},
    ],
)
def test_an_answer_in_another_shape_is_silent(answer, how):
    assert not loud(answer(**how))


def test_an_answer_by_the_second_key_is_silent(answer, rd):
    assert not loud(answer(signer=rd[1].second))
