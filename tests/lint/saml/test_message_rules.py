"""Every rule on messages is provoked by one deviation from a sound message; sound messages are silent."""

import base64
import zlib
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from lxml import etree

from harness.lint.judge import HttpHead, Raw
from harness.lint.saml.assertion import judge_name_id
from harness.wire import saml_build as build
from harness.wire.saml import DS, PERSISTENT, SAML, SAMLP, Element, EntityId, q, stamp
from harness.wire.saml_encrypted import name_id
from harness.wire.saml_message import Artifact
from harness.wire.saml_signature import SIGNATURE, sign
from tests.lint.saml.conftest import DV_OIN, LC_OIN, UUIDS, loud, weighed

LC = f"urn:nl-eid-gdi:1.0:LC:{LC_OIN}:entities:9001"
DV = f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9001"
POST = HttpHead("POST /sso HTTP/1.1", (("content-type", "application/x-www-form-urlencoded"),))
SOAP = HttpHead("POST /ars HTTP/1.1", (("content-type", "text/xml; charset=utf-8"),))


@pytest.fixture
def companions(kit, rd_file):
    def made(clustered):
        own = kit.file(kit.lc() if clustered else kit.dv())
        return Raw(own, "own.xml"), Raw(rd_file, "rd.xml")

    return made


@pytest.fixture
def send(kit, rd, companions):
    """Build, change, sign and judge an AuthnRequest of the LC (or of a direct DV)."""

    def sent(change=None, *, clustered=True, after=None, relay="abc", wanted=None, http=POST, body=None, late=0):
        issuer = LC if clustered else DV
        request = build.authn_request(issuer, rd[0].login, wanted or build.Wanted(DV, UUIDS[0]), kit.now)
        if change:
            change(request)
        signed = sign(request, kit.own_signer(kit.lc() if clustered else kit.dv()), position=1)
        if after:
            after(signed)
        data = body(signed) if body else form(signed, relay)
        at = kit.now + timedelta(seconds=1 + late)
        return kit.judge_message(data, "lc" if clustered else "dv", http, companions=companions(clustered), at=at)

    return sent


def form(message, relay="abc"):
    return urlencode({"SAMLRequest": base64.b64encode(etree.tostring(message)).decode(), "RelayState": relay}).encode()


def test_a_sound_request_of_an_lc_is_silent(send):
    assert not loud(send())


def test_a_sound_request_of_a_direct_dv_is_silent_by_extensions_and_by_index(send):
    assert not loud(send(clustered=False))
    assert not loud(send(clustered=False, wanted=build.Wanted(service_index="0")))


def test_without_our_own_metadata_a_sound_request_is_silent(kit, rd, rd_file):
    request = sign(
        build.authn_request(LC, rd[0].login, build.Wanted(DV, UUIDS[0]), kit.now), kit.own_signer(kit.lc()), position=1
    )
    for beside in ((), (Raw(rd_file, "rd.xml"),)):
        fired = kit.judge_message(etree.tostring(request), "lc", companions=beside, at=kit.now + timedelta(seconds=1))
        assert not loud(fired)
        assert {"SAML-AR-012", "SAML-AR-034"} <= fired["not run"]


def put(name, value):
    def change(message):
        if value is None:
            message.attrib.pop(name, None)
        else:
            message.set(name, value)

    return change


def issuer(value=None, **attributes):
    def change(message):
        holder = message.find(q(SAML, "Issuer"))
        holder.text = value or holder.text
        for key, each in attributes.items():
            holder.set(key, each)

    return change


def extension(nth, value):
    def change(message):
        list(message.iter(q(SAML, "AttributeValue")))[nth].text = value

    return change


def child(namespace, name, text=None, at=1, **attributes):
    def change(message):
        element = etree.Element(q(namespace, name), **attributes)
        element.text = text
        message.insert(at, element)

    return change


def scoping(*providers, requesters=()):
    def change(message):
        holder = etree.SubElement(message, q(SAMLP, "Scoping"))
        if providers:
            listed = etree.SubElement(holder, q(SAMLP, "IDPList"))
            for provider in providers:
                etree.SubElement(listed, q(SAMLP, "IDPEntry"), ProviderID=provider)
        for requester in requesters:
            etree.SubElement(holder, q(SAMLP, "RequesterID")).text = requester

    return change


def level(comparison, *levels):
    def change(message):
        holder = etree.SubElement(message, q(SAMLP, "RequestedAuthnContext"), Comparison=comparison)
        for each in levels:
            etree.SubElement(holder, q(SAML, "AuthnContextClassRef")).text = each

    return change


AD = "urn:nl-eid-gdi:1.0:AD:00000099000000009500:entities:9000"
BVD = "urn:nl-eid-gdi:1.0:BVD:00000099000000009600:entities:9000"

REQUESTS = [
    ("SAML-AR-002", "error", child(SAMLP, "Nonsense", at=2)),
    ("SAML-AR-003", "error", put("ID", "id1")),
    ("SAML-AR-003", "error", put("ID", "5d9c0123456789abcdef0123456789abcdef")),
    ("SAML-AR-003", "error", put("ID", "_" + "a" * 40)),
    ("SAML-AR-003", "error", put("ID", "_request-0000000000000000000000000000017")),
    ("SAML-AR-003", "error", put("ID", "_20261122120000")),
    ("SAML-AR-004", "error", put("Version", "1.1")),
    ("SAML-AR-005", "error", put("IssueInstant", "2099-01-01T00:00:00Z")),
    ("SAML-AR-005", "error", put("IssueInstant", "2020-01-01T00:00:00Z")),
    ("SAML-AR-005", "error", put("IssueInstant", "gisteren")),
    ("SAML-AR-005", "error", lambda m: m.set("IssueInstant", m.get("IssueInstant").replace("Z", "+01:00"))),
    ("SAML-AR-006", "error", put("Destination", "https://rd.voorbeeld.nl/other")),
    ("SAML-AR-006", "error", put("Destination", None)),
    ("SAML-AR-007", "error", put("AssertionConsumerServiceURL", "https://lc.voorbeeld.nl/saml/acs")),
    ("SAML-AR-008", "error", put("AssertionConsumerServiceIndex", "7")),
    ("SAML-AR-008", "error", put("AssertionConsumerServiceIndex", None)),
    ("SAML-AR-009", "error", put("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact")),
    ("SAML-AR-010", "error", put("IsPassive", "true")),
    ("SAML-AR-011", "warning", put("Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")),
    ("SAML-AR-012", "error", issuer(DV)),
    ("SAML-AR-012", "error", issuer("https://lc.voorbeeld.nl/metadata")),
    ("SAML-AR-013", "error", issuer(f"\n  {LC}\n")),
    ("SAML-AR-013", "error", issuer(NameQualifier="x")),
    ("SAML-AR-013", "error", lambda m: m.find(q(SAML, "Issuer")).append(etree.Comment("x"))),
    ("SAML-AR-014", "error", child(SAML, "Subject")),
    ("SAML-AR-015", "info", put("ForceAuthn", "true")),
    ("SAML-AR-016", "warning", put("ProviderName", "Zorg")),
    ("SAML-AR-017", "warning", child(SAMLP, "NameIDPolicy", at=2)),
    ("SAML-AR-018", "warning", level("exact", "http://eidas.europa.eu/LoA/low")),
    ("SAML-AR-018", "warning", level("minimum", "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract")),
    ("SAML-AR-030", "error", put("AttributeConsumingServiceIndex", "0")),
    ("SAML-AR-030", "error", lambda m: m.remove(m.find(q(SAMLP, "Extensions")))),
    ("SAML-AR-031", "error", extension(0, "336fa5edb569-13fb-b3e4-8968-86c62aea")),
    ("SAML-AR-031", "error", extension(0, f" {UUIDS[0]}")),
    ("SAML-AR-032", "error", extension(1, LC)),
    ("SAML-AR-033", "error", put("AttributeConsumingServiceIndex", "0")),
    ("SAML-AR-034", "error", extension(1, "urn:nl-eid-gdi:1.0:DV:00000099000000007777:entities:9001")),
    ("SAML-AR-034", "error", extension(0, "37c03557-6a39-492f-a56e-3f9555955d02")),
    ("SAML-AR-036", "error", extension(0, "")),
    ("SAML-AR-037", "info", lambda m: etree.SubElement(m.find(q(SAMLP, "Extensions")), q("urn:x", "Extra"))),
    ("SAML-AR-040", "error", scoping(BVD)),
    ("SAML-AR-040", "error", scoping("https://digid.nl")),
    ("SAML-AR-041", "warning", scoping(AD, BVD, requesters=(BVD,))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "severity", "change"), REQUESTS, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(REQUESTS)]
)
def test_one_deviation_in_a_request_fires(send, rule, severity, change):
    assert send(change).get(rule) == severity


def test_preselection_of_an_ad_is_silent(send):
    assert not loud(send(scoping(AD)))


def test_an_unknown_service_index_of_a_direct_dv_fires(send):
    assert send(clustered=False, wanted=build.Wanted(service_index="3"))["SAML-AR-035"] == "error"


def test_signature_faults_of_a_request_are_told_apart(send, kit):
    assert send(after=lambda m: m.remove(m.find(SIGNATURE)))["SAML-AR-020"] == "error"
    unnamed = send(after=lambda m: m.find(SIGNATURE).remove(m.find(f"{SIGNATURE}/{q(DS, 'KeyInfo')}")))
    assert unnamed["SAML-AR-020"] == "error"
    unknown = send(after=lambda m: text_at(m, f"{SIGNATURE}/{q(DS, 'KeyInfo')}/{q(DS, 'KeyName')}", "onbekend"))
    assert unknown["SAML-AR-021"] == "error"
    assert send(after=put("ForceAuthn", "true"))["SAML-AR-022"] == "error"


def text_at(message, path, value):
    message.find(path).text = value


def test_a_certificate_beside_the_key_name_is_advised_against(send):
    def with_certificate(message):
        info = message.find(f"{SIGNATURE}/{q(DS, 'KeyInfo')}")
        block = etree.SubElement(info, q(DS, "X509Data"))
        etree.SubElement(block, q(DS, "X509Certificate")).text = "AAAA"

    assert send(after=with_certificate)["SAML-AR-023"] == "warning"


# --- the front channel ------------------------------------------------------------------------------------------------


def test_the_redirect_binding_is_refused(send):
    def deflated(message):
        packed = zlib.compress(etree.tostring(message))[2:-4]
        return b"", f"GET /sso?SAMLRequest={quote(base64.b64encode(packed).decode())} HTTP/1.1"

    heads = {}

    def body(message):
        _, heads["start"] = deflated(message)
        return b"x"

    with pytest.raises(KeyError):
        send(body=body)["SAML-AR-001"]
    assert send(body=lambda m: b"x", http=HttpHead(heads["start"], ()))["SAML-AR-001"] == "error"


@pytest.mark.parametrize(
    "body",
    [
        lambda m: urlencode({"SAMLRequest": base64.b64encode(zlib.compress(etree.tostring(m))[2:-4])}).encode(),
        lambda m: urlencode({"SAMLResponse": base64.b64encode(etree.tostring(m))}).encode(),
    ],
)
def test_a_request_that_is_deflated_or_in_another_field_is_named_for_that(send, body):
    assert loud(send(body=body)) == {"SAML-AR-001"}


def test_a_base64_field_with_line_breaks_is_silent(send):
    wrapped = lambda m: urlencode({"SAMLRequest": base64.encodebytes(etree.tostring(m))}).encode()  # noqa: E731
    assert not loud(send(body=wrapped))


@pytest.mark.parametrize("relay", ["a1f999999047c2", "c2999999047e", "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e51"])
def test_digits_inside_a_random_token_are_no_personal_data(send, relay):
    assert not loud(send(relay=relay))


@pytest.mark.parametrize("made", ["id-kPq7Zx2LmN9vB4tYw", "_" + "0f1e2d3c4b5a6978" * 2, "ONELOGIN_" + "ab12cd34ef" * 4])
def test_an_id_as_known_libraries_make_them_is_silent(send, made):
    assert not loud(send(put("ID", made)))


@pytest.mark.parametrize(
    ("relay", "rule", "severity"),
    [
        ("x" * 81, "SAML-AR-050", "error"),
        ("é" * 41, "SAML-AR-050", "error"),
        ("https://elders.nl/", "SAML-AR-050", "warning"),
        ("a 999999047 b", "SAML-AR-051", "error"),
        ("ik@voorbeeld.nl", "SAML-AR-051", "error"),
        ("bsn999999047", "SAML-AR-051", "error"),
        (base64.b64encode(b"bsn=999999047").decode(), "SAML-AR-051", "error"),
    ],
)
def test_relay_state_is_short_opaque_and_says_nothing(send, relay, rule, severity):
    assert send(relay=relay)[rule] == severity


def page(
    message, form_tag="<form method='post' action='https://rd.voorbeeld.nl/sso'>", button="<button>Verder</button>"
):
    value = base64.b64encode(etree.tostring(message)).decode()
    return f"<html>{form_tag}<input type='hidden' name='SAMLRequest' value='{value}'>{button}</form></html>".encode()


GOOD_PAGE = (("content-type", "text/html"), ("cache-control", "no-store"))


def test_a_sound_login_page_is_silent(send):
    assert not loud(send(body=page, http=HttpHead("HTTP/1.1 200 OK", GOOD_PAGE)))


def test_a_page_with_another_form_in_front_is_judged_by_the_form_that_carries_saml(send):
    search = b"<html><form action='/zoek'><input name='q'></form>"
    fired = send(body=lambda m: page(m).replace(b"<html>", search), http=HttpHead("HTTP/1.1 200 OK", GOOD_PAGE))
    assert not loud(fired)


@pytest.mark.parametrize(
    "tag",
    [
        "<form action='https://rd.voorbeeld.nl/sso'>",
        "<form method='get' action='https://rd.voorbeeld.nl/sso'>",
        "<form method='post' action='https://elders.nl/sso'>",
        "<form method='post' action='http://rd.voorbeeld.nl/sso'>",
    ],
)
def test_a_form_that_posts_not_or_not_to_the_rd_fires(send, tag):
    fired = send(body=lambda m: page(m, tag), http=HttpHead("HTTP/1.1 200 OK", GOOD_PAGE))
    assert fired["SAML-AR-001"] == "error"


def test_a_request_in_parts_is_no_form_that_the_rd_reads(send):
    head = HttpHead("POST /sso HTTP/1.1", (("content-type", "multipart/form-data; boundary=z"),))
    before = b'--z\r\nContent-Disposition: form-data; name="SAMLRequest"\r\n\r\n'
    fired = send(body=lambda m: before + base64.b64encode(etree.tostring(m)) + b"\r\n--z--\r\n", http=head)
    assert loud(fired) == {"SAML-AR-001"}


def test_a_bsn_in_the_address_is_told(send):
    head = HttpHead("POST /sso?bsn=999999047 HTTP/1.1", POST.headers)
    assert send(http=head)["SAML-AR-051"] == "error"


@pytest.mark.parametrize(
    ("rule", "made", "headers"),
    [
        ("SAML-AR-052", lambda m: page(m, "<form target='x' action='https://rd.voorbeeld.nl/sso'>"), GOOD_PAGE),
        ("SAML-AR-052", lambda m: page(m, button=""), GOOD_PAGE),
        ("SAML-AR-052", lambda m: page(m) + b"<iframe></iframe>", GOOD_PAGE),
        ("SAML-AR-053", page, (("content-type", "text/html"),)),
        ("SAML-AR-053", page, (*GOOD_PAGE, ("content-security-policy", "form-action 'self'"))),
    ],
)
def test_a_login_page_that_hides_or_blocks_the_rd_fires(send, rule, made, headers):
    assert send(body=made, http=HttpHead("HTTP/1.1 200 OK", headers))[rule] == "warning"


@pytest.mark.parametrize("data", [b"SAMLRequest=%%%", b"SAMLRequest=AAAA", b"<a/>", b"", b"<a>"])
def test_what_is_no_message_is_a_finding(kit, data):
    assert kit.judge_message(data, http=POST)["SAML-AR-002"] == "error"


# --- the back channel -------------------------------------------------------------------------------------------------


@pytest.fixture
def resolve(kit, rd, companions):
    def sent(change=None, *, after=None, artifact=None, http=SOAP, envelope=build.in_soap, earlier=()):
        value = artifact or str(Artifact.new(rd[0].entity_id))
        message = build.artifact_resolve(LC, rd[0].resolve, value, kit.now)
        if change:
            change(message)
        signed = sign(message, kit.own_signer(kit.lc()), position=1)
        if after:
            after(signed)
        at = kit.now + timedelta(seconds=1)
        return kit.judge_message(envelope(signed), "lc", http, companions=(*companions(True), *earlier), at=at)

    return sent


def test_a_sound_resolve_is_silent(resolve):
    assert not loud(resolve())


@pytest.mark.parametrize(
    ("rule", "severity", "how"),
    [
        ("SAML-ART-010", "error", {"envelope": etree.tostring}),
        ("SAML-ART-010", "error", {"http": HttpHead("GET /ars HTTP/1.1", (("content-type", "text/xml"),))}),
        ("SAML-ART-010", "error", {"http": HttpHead("POST /ars HTTP/1.1", (("content-type", "application/soap+xml"),))}),
        ("SAML-ART-012", "error", {"artifact": "AAQAAHZHHN7zNFV4yhPfX5thN0sFe10xr4B3crRVEmPn4m3DE2V GisdfYs"}),
        ("SAML-ART-012", "error", {"artifact": "AAQw" + "A" * 56}),
        ("SAML-ART-004", "warning", {"artifact": str(Artifact.new("urn:elders"))}),
        ("SAML-ART-004", "warning", {"artifact": "AAQw" + str(Artifact(0x3030, b"x" * 20, b"y" * 20))[4:]}),
        ("SAML-ART-013", "error", {"change": put("Version", "1.1")}),
        ("SAML-ART-013", "error", {"change": issuer("urn:nl-eid-gdi:1.0:LC:00000099000000004444:entities:9001")}),
        ("SAML-ART-013", "error", {"after": put("Destination", "https://x.nl")}),
        ("SAML-ART-015", "warning", {"change": put("Destination", "https://rd.voorbeeld.nl/sso")}),
    ],
)  # fmt: skip
def test_one_deviation_in_a_resolve_fires(resolve, rule, severity, how):
    assert resolve(**how).get(rule) == severity


def test_soap_12_is_refused(resolve):
    new = b"http://www.w3.org/2003/05/soap-envelope"
    changed = resolve(envelope=lambda m: build.in_soap(m).replace(b"http://schemas.xmlsoap.org/soap/envelope/", new))
    assert changed["SAML-ART-010"] == "error"


def test_somebody_else_resolving_is_named(resolve, kit, rd):
    request = build.authn_request(DV, rd[0].login, build.Wanted(DV, UUIDS[0]), kit.now)
    assert resolve(earlier=(Raw(etree.tostring(request), "r.xml"),))["SAML-ART-014"] == "error"


def test_a_message_written_anew_around_the_signature_is_named(resolve):
    def indented(message):
        data = build.in_soap(message)
        root = etree.fromstring(data)
        etree.indent(root)
        return etree.tostring(root)

    assert resolve(envelope=indented)["SAML-ART-017"] == "warning"


# --- logout -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def log_out(kit, rd, companions):
    def sent(change=None, after=None, session=""):
        message = build.logout_request(LC, rd[0].logout, "transient-1", kit.now, session)
        if change:
            change(message)
        signed = sign(message, kit.own_signer(kit.lc()), position=1)
        if after:
            after(signed)
        at = kit.now + timedelta(seconds=1)
        return kit.judge_message(etree.tostring(signed), "lc", companions=companions(True), at=at)

    return sent


def test_a_sound_logout_is_silent(log_out):
    assert not loud(log_out())
    assert not loud(log_out(session="transient-1"))


def misplaced_session(message):
    element = etree.Element(q(SAML, "SessionIndex"))
    element.text = "transient-1"
    message.insert(1, element)


@pytest.mark.parametrize(
    "how",
    [
        {"change": misplaced_session},
        {"change": put("Destination", "https://x.nl")},
        {"change": put("Destination", None)},
        {"change": lambda m: text_at(m, q(SAML, "NameID"), "")},
        {"change": lambda m: text_at(m, q(SAML, "NameID"), " transient-1 ")},
        {"change": lambda m: text_at(m, q(SAML, "NameID"), "999999047")},
        {"change": lambda m: m.find(q(SAML, "NameID")).set("Format", PERSISTENT)},
        {"change": issuer("urn:nl-eid-gdi:1.0:LC:00000099000000004444:entities:9001")},
        {"change": put("NotOnOrAfter", "2020-01-01T00:00:00Z")},
        {"change": lambda m: [child(SAMLP, "SessionIndex", t, at=9)(m) for t in ("transient-1", "andere")]},
        {"session": "other"},
        {"after": lambda m: m.remove(m.find(SIGNATURE))},
        {"after": put("Consent", "x")},
    ],
)
def test_one_deviation_in_a_logout_request_fires(log_out, how):
    assert log_out(**how)["SAML-SLO-002"] == "error"


def test_a_logout_response_of_somebody_else_fires(kit, rd, companions):
    response = build.logout_response(LC, "https://lc.voorbeeld.nl/saml/logout", "_x", kit.now, ("Success",))
    signed = sign(response, kit.own_signer(kit.lc()), position=1)
    fired = kit.judge_message(etree.tostring(signed), "lc", companions=companions(True))
    assert fired["SAML-SLO-003"] == "error"


# --- the decrypted name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        (name_id("999999047"), set()),
        (name_id("012345672"), set()),
        (name_id("12345672"), {"SAML-AS-055"}),
        (name_id("123456789"), {"SAML-AS-055"}),
        (name_id("999999047", form="urn:x"), {"SAML-AS-054"}),
        (name_id("999999047", "urn:x"), {"SAML-AS-054"}),
        (etree.Element(q(SAML, "Other")), {"SAML-AS-054"}),
    ],
)
def test_the_decrypted_name_has_the_form_that_was_agreed(kit, name, rules):
    assert loud(weighed(judge_name_id(name), kit.context("dv"))) == rules


def test_a_polymorphic_name_is_told(kit):
    fired = weighed(judge_name_id(name_id("x", "urn:nl-eid-gdi:1.0:id:Pseudonym")), kit.context("dv"))
    assert fired["SAML-AS-058"] == "info"


def test_names_read_whatever_stands_in_them():
    assert EntityId.read(LC).role == "LC"
    assert Element is etree._Element
    assert stamp
