"""Each rule on SOAP messages is provoked by one change to a healthy exchange, and the healthy one is silent."""

import base64
import copy
import re
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from harness.lint.judge import Context, HttpHead, Raw
from harness.lint.wus import judge_message
from harness.model import Finding
from harness.wire import mtom, soap, wss, wss_encrypt
from tests.lint.wus.messages import (
    DS,
    NOW,
    OWN_OIN,
    REQUEST_ID,
    THEIR_OIN,
    WSA,
    WSSE,
    WSU,
    S,
    T,
    W,
    answer,
    answer_head,
    ask,
    asked,
    fault,
    judged,
    loud,
    raw_of,
    request_head,
    rules,
)
from tests.wus_keys import holders

LAB = Path(__file__).resolve().parents[3] / "harness/lab/wsdl"


def header(name, text="", **attributes):
    element = etree.Element(name, attributes)
    element.text = text
    return element


def add(element):
    return lambda envelope: envelope[0].append(element)


def drop(name):
    return lambda envelope: envelope[0].remove(envelope[0].find(WSA + name))


def text_of(name, value):
    def change(envelope):
        envelope.find(f".//{WSA}{name}").text = value

    return change


def address_of(name, value):
    def change(envelope):
        envelope.find(f".//{WSA}{name}/{WSA}Address").text = value

    return change


def after(envelope, change):
    change(envelope)
    return envelope


def changed_bytes(envelope, old, new):
    data = raw_of(envelope)
    assert old in data
    return data.replace(old, new)


def security(envelope):
    return envelope.find(f".//{WSSE}Security")


def test_the_healthy_exchange_is_silent():
    assert loud(judged(ask(), "request")) == set()
    assert loud(judged(answer(), "response")) == set()
    assert loud(judged(fault(), "fault")) == set()


def test_the_healthy_answer_passes_when_everything_is_at_hand():
    document = judged(answer(), "response", settings={"oin": THEIR_OIN})
    assert document.verdict == "pass"
    assert [n.rule for n in document.not_run] == ["WUS-SEC-019"]


REQUESTS = {
    "WUS-ADDR-001": lambda: changed_bytes(ask(signed=False), soap.WSA.encode(), soap.WSA_OLD[0].encode()),
    "WUS-ADDR-002": lambda: ask(add(header(WSA + "To", "https://x.nl"))),
    "WUS-ADDR-003": lambda: ask(drop("To")),
    "WUS-ADDR-004": lambda: ask(text_of("Action", "")),
    "WUS-ADDR-005": lambda: ask(drop("MessageID")),
    "WUS-ADDR-006": lambda: ask(text_of("MessageID", "6f1d9c52-8a8b-4c5e-9d0e-0a6f3f1c2b11")),
    "WUS-ADDR-007": lambda: ask(address_of("ReplyTo", "https://gemeente.example.nl/terug")),
    "WUS-ADDR-008": lambda: ask(add(header(WSA + "RelatesTo", "urn:uuid:1"))),
    "WUS-ADDR-009": lambda: ask(drop("From")),
    "WUS-ADDR-014": lambda: ask(add(etree.fromstring(f'<a:FaultTo xmlns:a="{soap.WSA}"><a:Address>https://x.nl</a:Address></a:FaultTo>'))),
    "WUS-ADDR-015": lambda: ask(lambda e: etree.SubElement(e.find(f".//{WSA}From"), WSA + "Metadata")),
    "WUS-ADDR-016": lambda: ask(address_of("From", "https://x.nl?OIN=00000004003214345")),
    "WUS-ADDR-018": lambda: ask(text_of("To", "http://es.kvk.nl/dienst")),
    "WUS-SEC-001": lambda: ask(signed=False),
    "WUS-SEC-004": lambda: after(ask(), lambda e: security(e).attrib.pop(f"{S}mustUnderstand")),
    "WUS-SEC-010": lambda: ask(recipe=wss.Recipe(key_reference="issuer-serial")),
    "WUS-SEC-012": lambda: ask(recipe=wss.Recipe(value_type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-tokenprofile-1.0#X509v3")),
    "WUS-SEC-013": lambda: ask(recipe=wss.Recipe(encoding_type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soapmessage-security-1.0#Base64Binary")),
    "WUS-SEC-014": lambda: ask(recipe=wss.Recipe(token_first=False)),
    "WUS-SEC-020": lambda: ask(recipe=wss.DIGIPOORT_SHA1),
    "WUS-SEC-021": lambda: ask(recipe=wss.Recipe(c14n=wss.INC_C14N)),
    "WUS-SEC-033": lambda: ask(recipe=wss.Recipe(timestamp=False)),
    "WUS-SEC-034": lambda: ask(recipe=wss.Recipe(unsigned=frozenset({"ReplyTo"}))),
    "WUS-SEC-040": lambda: ask(recipe=wss.Recipe(created="2026-11-21T21:00:00+01:00")),
    "WUS-SEC-043": lambda: ask(recipe=wss.Recipe(created="2026-11-21T20:00:00.123456Z")),
    "WUS-SOAP-015": lambda: ask(lambda e: etree.SubElement(e[1][0], f"{{{T}}}bijlage")),
}  # fmt: skip


@pytest.mark.parametrize("rule", REQUESTS)
def test_a_request_with_one_deviation(rule):
    document = judged(REQUESTS[rule](), "request")
    assert rule in rules(document)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (text_of("To", "dienst.example.nl"), "WUS-ADDR-003"),
        (text_of("To", ""), "WUS-ADDR-003"),
        (lambda e: e[0].find(WSA + "To").append(header(WSA + "Address", "https://x.nl")), "WUS-ADDR-003"),
        (text_of("Action", "controleer account"), "WUS-ADDR-004"),
        (text_of("MessageID", ""), "WUS-ADDR-005"),
        (text_of("MessageID", "550e8400@gemeente@urn:osb"), "WUS-ADDR-006"),
        (address_of("From", "https://x.nl?oin=0000000400321434500a"), "WUS-ADDR-016"),
        (address_of("From", ""), "WUS-ADDR-015"),
        (add(header(WSA + "Nieuw", "iets")), "WUS-ADDR-014"),
    ],
)
def test_other_ways_to_break_an_addressing_header(change, rule):
    assert rule in loud(judged(ask(change), "request"))


def test_an_oin_with_letters_is_an_oin():
    document = judged(ask(address_of("From", "https://x.nl?OIN=0000000700025BE00000")), "request")
    assert loud(document) == set()


def test_an_oin_that_is_not_the_agreed_one_is_a_remark():
    document = judged(ask(), "request", settings={"oin": "00000001999999999000"})
    assert rules(document)["WUS-ADDR-017"] == "warning"
    assert rules(document)["WUS-SEC-016"] == "error"


def body_child(envelope):
    return envelope.find(S + "Body")[0]


ANSWERS = {
    "WUS-SOAP-004": lambda: after(answer(), lambda e: etree.SubElement(e, "{urn:x}Extra")),
    "WUS-SOAP-005": lambda: answer(lambda e: e[1].append(header("{urn:x}tweede"))),
    "WUS-SOAP-006": lambda: answer(body="<antwoord/>"),
    "WUS-SOAP-007": lambda: answer(lambda e: e[1].insert(0, etree.ProcessingInstruction("weg", "x"))),
    "WUS-SOAP-008": lambda: answer(lambda e: e[1].set(S + "encodingStyle", "x")),
    "WUS-SOAP-009": lambda: answer(add(header("{urn:x}Eigen", "x"))),
    "WUS-SOAP-010": lambda: after(answer(), lambda e: security(e).set(S + "mustUnderstand", "true")),
    "WUS-SOAP-012": lambda: answer(lambda e: body_child(e).remove(body_child(e)[1])),
    "WUS-ADDR-010": lambda: answer(text_of("Action", W + "Request")),
    "WUS-ADDR-011": lambda: answer(text_of("RelatesTo", "urn:uuid:iemand-anders")),
    "WUS-ADDR-012": lambda: answer(lambda e: e[0].find(WSA + "RelatesTo").set("RelationshipType", "urn:x")),
    "WUS-ADDR-013": lambda: answer(text_of("MessageID", REQUEST_ID)),
    "WUS-ADDR-019": lambda: answer(lambda e: e[0].insert(0, header(WSA + "To", "https://x.nl"))),
    "WUS-SEC-002": lambda: after(answer(), lambda e: security(e).append(copy.deepcopy(security(e).find(DS + "Signature")))),
    "WUS-SEC-011": lambda: after(answer(), lambda e: security(e).find(WSSE + "BinarySecurityToken").set(wss.WSU_ID, "ander")),
    "WUS-SEC-015": lambda: after(answer(), lambda e: setattr(security(e).find(WSSE + "BinarySecurityToken"), "text", base64.b64encode(holders()["theirs"].pem).decode())),
    "WUS-SEC-017": lambda: answer(signer="rogue"),
    "WUS-SEC-022": lambda: after(answer(), lambda e: security(e).find(f".//{DS}Reference").set("URI", "")),
    "WUS-SEC-023": lambda: after(answer(), lambda e: etree.SubElement(security(e).find(DS + "Signature"), DS + "Object").append(header(DS + "Manifest"))),
    "WUS-SEC-030": lambda: changed_bytes(answer(), b">true<", b">false<"),
    "WUS-SEC-031": lambda: after(answer(), lambda e: etree.SubElement(e[0], "{urn:x}X").set("Id", e[1].get(wss.WSU_ID))),
    "WUS-SEC-032": lambda: answer(recipe=wss.Recipe(unsigned=frozenset({"Body"}))),
    "WUS-SEC-035": lambda: changed_bytes(answer(), b">true<", b">false<"),
    "WUS-SEC-036": lambda: after(answer(), lambda e: (e[0].set(wss.WSU_ID, "h"), security(e).find(f".//{DS}Reference").set("URI", "#h"))),
    "WUS-SEC-041": lambda: answer(at=NOW + timedelta(hours=2)),
    "WUS-SEC-042": lambda: answer(at=NOW - timedelta(hours=2)),
    "WUS-SEC-050": lambda: answer(confirm="AAAA"),
    "WUS-SEC-051": lambda: answer(recipe=wss.Recipe(unsigned=frozenset({"SignatureConfirmation"}))),
}  # fmt: skip


@pytest.mark.parametrize("rule", ANSWERS)
def test_an_answer_with_one_deviation(rule):
    document = judged(ANSWERS[rule](), "response")
    assert rule in rules(document)


def test_an_answer_without_relates_to_is_no_answer_to_us():
    assert "WUS-ADDR-011" in loud(judged(answer(drop("RelatesTo")), "response"))


def test_behind_a_gateway_correlation_is_not_judged():
    document = judged(
        answer(text_of("RelatesTo", "urn:uuid:gateway"), confirm="AAAA"), "response", settings={"gateway": "ja"}
    )
    assert loud(document) == set()
    assert {"WUS-ADDR-011", "WUS-SEC-050"} <= {n.rule for n in document.not_run}


def test_two_bodies_are_refused_whichever_is_signed():
    envelope = answer()
    forged = copy.deepcopy(envelope.find(S + "Body"))
    envelope.append(forged)
    found = loud(judged(envelope, "response"))
    assert {"WUS-SOAP-004", "WUS-SEC-031"} <= found


def test_the_wrapped_body_is_refused():
    envelope = answer()
    body = envelope.find(S + "Body")
    forged = copy.deepcopy(body)
    del forged.attrib[wss.WSU_ID]
    etree.SubElement(envelope[0], "{urn:x}Wrapper").append(body)
    envelope.append(forged)
    assert "WUS-SEC-032" in loud(judged(envelope, "response"))


def test_the_changed_header_is_named():
    envelope = answer(lambda e: e[0].insert(0, header(WSA + "To", soap.ANONYMOUS)))
    envelope.find(f".//{WSA}To").text = soap.ANONYMOUS + "?oin=x"
    document = judged(envelope, "response")
    finding = next(g.finding for g in document.findings if g.finding.rule == "WUS-SEC-030")
    assert "wsa:To" in finding.observed.nl


FAULTS = {
    "WUS-FAULT-001": lambda: fault(qualified=True),
    "WUS-FAULT-002": lambda: after(fault(), lambda e: e.find(f".//{S}Fault").remove(e.find(".//faultcode"))),
    "WUS-FAULT-003": lambda: fault(code="Onbekend"),
    "WUS-FAULT-004": lambda: fault(code="Client.DK0004.X"),
    "WUS-FAULT-005": lambda: after(fault(), lambda e: setattr(e.find(".//faultstring"), "text", "")),
    "WUS-FAULT-006": lambda: after(fault(), lambda e: e.find(".//detail")[0].remove(e.find(".//detail")[0][0])),
    "WUS-FAULT-007": fault,
    "WUS-FAULT-008": lambda: fault(signed=False),
    "WUS-FAULT-009": lambda: after(fault(), text_of("RelatesTo", "urn:uuid:ander")),
    "WUS-FAULT-010": lambda: after(fault(), lambda e: setattr(e.find(".//faultstring"), "text", "at nl.dienst.Foo.bar(Foo.java:12)")),
    "WUS-ADDR-020": fault,
    "WUS-SEC-001": lambda: fault(signed=False),
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_with_one_deviation(rule):
    document = judged(FAULTS[rule](), "fault")
    assert rule in rules(document)


def test_an_unsigned_fault_is_a_remark_not_an_error():
    assert rules(judged(fault(signed=False), "fault"))["WUS-SEC-001"] == "warning"


HTTP = [
    ("WUS-HTTP-001", "request", lambda n: request_head(n, start="GET /x HTTP/1.1")),
    ("WUS-HTTP-001", "request", lambda n: request_head(n, start="POST /x HTTP/1.0")),
    ("WUS-HTTP-001", "response", lambda n: answer_head(n, status="302 Found", more="Location: https://x.nl\r\n")),
    ("WUS-HTTP-002", "request", lambda n: request_head(n, content_type="application/soap+xml; charset=utf-8")),
    ("WUS-HTTP-002", "response", lambda n: answer_head(n, content_type="application/xml")),
    ("WUS-HTTP-002", "response", lambda n: answer_head(n, content_type="")),
    ("WUS-HTTP-003", "response", lambda n: answer_head(n, content_type="text/xml")),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action=W + "Request")),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action=None)),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action='"None"')),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action="''")),
    ("WUS-HTTP-005", "request", lambda n: request_head(n, action='"urn:iets:anders"')),
    ("WUS-HTTP-006", "response", lambda n: answer_head(n, status="202 Accepted")),
    ("WUS-HTTP-006", "response", lambda n: answer_head(n, status="500 X")),
    ("WUS-HTTP-009", "response", lambda n: answer_head(n, more="Set-Cookie: a=b\r\n")),
    ("WUS-HTTP-010", "response", lambda n: answer_head(n, content_type="text/xml; charset=us-ascii")),
    ("WUS-HTTP-011", "response", lambda n: answer_head(n + 5)),
    ("WUS-SOAP-003", "response", lambda n: answer_head(n, content_type="text/xml; charset=iso-8859-1")),
]


@pytest.mark.parametrize(("rule", "role", "head"), HTTP)
def test_one_deviation_in_the_http_head(rule, role, head):
    data = raw_of(ask() if role == "request" else answer())
    assert rule in rules(judged(data, role, head=head(len(data))))


@pytest.mark.parametrize(
    ("body", "status", "content_type", "expected"),
    [
        (b"<html><body>Bad Gateway</body></html>", "502 X", "text/html", {"WUS-HTTP-002", "WUS-HTTP-008", "WUS-SOAP-002"}),
        (b"<!DOCTYPE html><html><br></html>", "403 X", "text/html", {"WUS-HTTP-002", "WUS-HTTP-008", "WUS-SOAP-002"}),
        (b"<html><body>ok</body></html>", "200 OK", "text/html", {"WUS-HTTP-008", "WUS-SOAP-002"}),
        (b'{"fout": 1}', "200 OK", "application/json", {"WUS-HTTP-002", "WUS-HTTP-008", "WUS-SOAP-002"}),
        (b"", "202 Accepted", "", {"WUS-HTTP-006"}),
        (b"", "503 X", "", {"WUS-HTTP-008"}),
        (b"niet gevonden", "404 X", "text/plain", {"WUS-HTTP-002", "WUS-HTTP-008"}),
    ],
)  # fmt: skip
def test_what_is_no_soap_answer_is_called_so(body, status, content_type, expected):
    document = judged(body, "response", head=answer_head(len(body), status=status, content_type=content_type))
    assert expected <= loud(document)
    assert document.verdict == "fail"


def test_a_json_answer_of_the_profielservice_is_another_service():
    head = answer_head(2, content_type="application/json")
    assert "PROFIEL-NOT-001" in loud(judged(b"{}", "response", head=head, service="profielservice"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda raw: raw[: len(raw) // 2], "WUS-SOAP-001"),
        (lambda raw: raw.replace(b"<soapenv:Envelope", b'<!DOCTYPE x [<!ENTITY a "b">]><soapenv:Envelope', 1), "WUS-SOAP-001"),
        (lambda raw: raw.decode().replace("utf-8", "utf-16").encode("utf-16"), "WUS-SOAP-003"),
        (lambda raw: raw.replace(b"utf-8", b"iso-8859-1", 1), "WUS-SOAP-003"),
        (lambda raw: raw.replace(soap.SOAP.encode(), soap.SOAP12.encode()), "WUS-SOAP-002"),
        (lambda raw: b"<leeg/>", "WUS-SOAP-002"),
    ],
)  # fmt: skip
def test_a_broken_or_foreign_document(change, rule):
    assert rule in loud(judged(change(raw_of(answer())), "response"))


def test_a_byte_order_mark_in_utf_8_is_allowed():
    assert loud(judged(b"\xef\xbb\xbf" + raw_of(answer()), "response")) == set()


def test_a_chunked_capture_is_put_together():
    data = raw_of(answer())
    body = b"".join(b"%x\r\n%s\r\n" % (len(data[i : i + 1000]), data[i : i + 1000]) for i in range(0, len(data), 1000))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {soap.MEDIA_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert loud(judged(body + b"0\r\n\r\n", "response", head=head)) == set()


def test_a_large_envelope_without_mtom_is_noted():
    envelope = answer(
        lambda e: etree.SubElement(body_child(e), f"{{{T}}}bijlage").__setattr__("text", "QUJD" * 3_000_000)
    )
    found = rules(judged(envelope, "response"))
    assert found == {"WUS-SOAP-014": "info"}


def test_a_signed_message_of_a_2w_be_service_is_noted():
    assert "WUS-SEC-003" in loud(judged(ask(), "request", profile="2W-be"))
    assert loud(judged(ask(signed=False), "request", profile="2W-be")) == set()


def test_the_wsdl_decides_which_element_and_which_action():
    wsdl = (("d.wsdl", (LAB / "stub-dienst-be-s-v1.wsdl").read_bytes()),)
    found = loud(judged(ask(), "request", companions=wsdl))
    assert "WUS-SOAP-011" in found


def test_a_revoked_signer_is_seen_in_the_crl():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    tsp, theirs = holders()["tsp"], holders()["theirs"]
    entry = (
        x509.RevokedCertificateBuilder().serial_number(theirs.certificate.serial_number).revocation_date(NOW).build()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(tsp.certificate.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .add_revoked_certificate(entry)
        .sign(tsp.key, hashes.SHA256())
    )
    document = judged(answer(), "response", companions=(("tsp.crl", crl.public_bytes(Encoding.PEM)),))
    assert rules(document)["WUS-SEC-019"] == "error"


def test_another_oin_on_the_tls_connection_is_noted():
    assert rules(judged(answer(), "response", settings={"tls-oin": OWN_OIN}))["WUS-SEC-018"] == "info"


# --- encryption -----------------------------------------------------------------------------------------------------


def sealed(how=wss_encrypt.Encryption(), receiver="own", change=None, signed_after=False):  # noqa: B008
    envelope = answer(signed=not signed_after)
    if signed_after:
        etree.SubElement(envelope[0], WSSE + "Security").set(S + "mustUnderstand", "1")
    wss_encrypt.encrypt(envelope, holders()[receiver].certificate, how)
    if signed_after:
        value = soap.read(asked()).signature_value
        wss.sign(envelope, holders()["theirs"].signer, at=NOW, confirm=value)
    if change:
        change(envelope)
    return envelope


def test_a_sealed_answer_is_silent_with_and_without_the_key():
    assert loud(judged(sealed(), "response", profile="2W-be-SE")) == set()
    key = (("sleutel.pem", holders()["own"].key_pem),)
    document = judged(sealed(), "response", profile="2W-be-SE", companions=key, settings={"oin": THEIR_OIN})
    assert document.verdict == "pass"


def no(path):
    def change(envelope):
        element = envelope.find(f".//{path}")
        element.getparent().remove(element)

    return change


XENC = f"{{{soap.XENC}}}"
SEALED = [
    ("WUS-ENC-001", answer),
    ("WUS-ENC-002", lambda: sealed(signed_after=True)),
    ("WUS-ENC-003", lambda: sealed(wss_encrypt.Encryption(reference_list=False))),
    ("WUS-ENC-003", lambda: sealed(wss_encrypt.Encryption(type=soap.XENC + "Element"))),
    ("WUS-ENC-003", lambda: sealed(change=lambda e: e.find(f".//{XENC}EncryptedData").attrib.pop("Id"))),
    ("WUS-ENC-004", lambda: sealed(wss_encrypt.Encryption(data=soap.XENC + "aes256-cbc"))),
    ("WUS-ENC-004", lambda: sealed(change=lambda e: e.find(f".//{XENC}EncryptedData/{XENC}EncryptionMethod").set("Algorithm", soap.XENC + "tripledes-cbc"))),
    ("WUS-ENC-005", lambda: sealed(wss_encrypt.Encryption(transport=wss_encrypt.RSA15))),
    ("WUS-ENC-006", lambda: sealed(change=no(XENC + "EncryptedKey"))),
    ("WUS-ENC-006", lambda: sealed(change=lambda e: e.find(f".//{XENC}EncryptedKey").set("Type", "x"))),
    ("WUS-ENC-007", lambda: sealed(receiver="rogue")),
    ("WUS-ENC-008", lambda: sealed(change=lambda e: setattr(e.find(f".//{XENC}EncryptedData//{XENC}CipherValue"), "text", "QUJD"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "make"), SEALED)
def test_a_sealed_answer_with_one_deviation(rule, make):
    assert rule in rules(judged(make(), "response", profile="2W-be-SE"))


def test_signing_after_encryption_is_found_with_the_key_too():
    key = (("sleutel.pem", holders()["own"].key_pem),)
    late = sealed(signed_after=True)
    assert "WUS-ENC-002" in loud(judged(late, "response", profile="2W-be-SE", companions=key))


@pytest.mark.parametrize("how", [wss_encrypt.Encryption(transport=wss_encrypt.RSA15)])
def test_a_key_is_not_blamed_for_an_algorithm_that_nobody_undoes(how):
    key = (("sleutel.pem", holders()["own"].key_pem),)
    told = loud(judged(sealed(how), "response", profile="2W-be-SE", companions=key))
    assert "WUS-ENC-005" in told
    assert "WUS-ENC-008" not in told


def test_an_encrypted_body_on_2w_be_s_is_refused():
    assert "WUS-ENC-001" in loud(judged(sealed(), "response", profile="2W-be-S"))


def test_a_wrong_key_is_said_without_detail():
    key = (("sleutel.pem", holders()["theirs"].key_pem),)
    assert "WUS-ENC-008" in loud(judged(sealed(), "response", profile="2W-be-SE", companions=key))


# --- MTOM -----------------------------------------------------------------------------------------------------------


def packed(change=None, before=None, *, sign_after=False):
    def attach(envelope):
        etree.SubElement(body_child(envelope), f"{{{T}}}bijlage").text = base64.b64encode(b"inhoud\r\n").decode()

    envelope = answer(attach, signed=not sign_after)
    body, kind = mtom.pack(envelope, [mtom.hold(envelope.find(f".//{{{T}}}bijlage"))])
    if sign_after:
        package = mtom.unpack(body, kind)
        root = etree.fromstring(package.root.data)
        wss.sign(root, holders()["theirs"].signer, at=NOW, confirm=soap.read(asked()).signature_value)
        body = body.replace(package.root.data, etree.tostring(root, xml_declaration=True, encoding="utf-8"))
    if change:
        body, kind = change(body, kind)
    return body, kind


MTOM = [
    ("WUS-MTOM-001", lambda b, k: (b, k.replace('type="application/xop+xml"; ', ""))),
    ("WUS-MTOM-001", lambda b, k: (b, k.replace("boundary=", "grens="))),
    ("WUS-MTOM-001", lambda b, k: (b, re.sub('start="[^"]*"', 'start="<iets@x>"', k))),
    ("WUS-MTOM-002", lambda b, k: (b.replace(b"application/xop+xml; charset", b"text/plain; charset", 1), k)),
    ("WUS-MTOM-003", lambda b, k: (b.replace(b'href="cid:', b'href="cid:x'), k)),
    ("WUS-MTOM-004", lambda b, k: (b.replace(b"<xop:Include", b"tekst<xop:Include"), k)),
    ("WUS-MTOM-006", lambda b, k: (b[:-60], k)),
    ("WUS-SEC-030", lambda b, k: (b.replace(b"inhoud\r\n\r\n--", b"inhoud\r\n--"), k)),
]


def test_a_healthy_mtom_answer_is_silent():
    body, kind = packed()
    assert loud(judged(body, "response", head=answer_head(len(body), content_type=kind))) == set()


@pytest.mark.parametrize(("rule", "change"), MTOM)
def test_an_mtom_answer_with_one_deviation(rule, change):
    body, kind = packed(change)
    assert rule in rules(judged(body, "response", head=answer_head(len(body), content_type=kind)))


def test_a_signature_over_the_mime_form_is_recognised():
    body, kind = packed(sign_after=True)
    assert "WUS-MTOM-005" in loud(judged(body, "response", head=answer_head(len(body), content_type=kind)))


def test_mtom_to_a_service_that_does_not_offer_it():
    body, kind = packed()
    head = request_head(len(body), content_type=kind)
    assert "WUS-MTOM-007" in rules(judged(body, "request", head=head, service="profielservice"))


def test_the_timestamp_of_the_signature_is_found_by_position():
    envelope = answer()
    stamp = security(envelope).find(WSU + "Timestamp")
    etree.SubElement(envelope[0], "{urn:x}X").append(stamp)
    assert "WUS-SEC-033" in loud(judged(envelope, "response"))


@pytest.mark.parametrize(
    ("head", "body", "first", "rest"),
    [
        ("302 Found", b"", "WUS-HTTP-001", set()),
        ("307 Temporary Redirect", b"<html><body>weg</body></html>", "WUS-HTTP-001", {"WUS-HTTP-008", "WUS-SOAP-002"}),
        ("200 OK", b"", "WUS-HTTP-006", {"WUS-HTTP-008"}),
        ("202 Accepted", b"", "WUS-HTTP-006", set()),
        ("500 Error", b" \n", "WUS-HTTP-008", set()),
    ],
)
def test_what_the_line_says_comes_before_what_follows_from_it(head, body, first, rest):
    http = HttpHead(f"HTTP/1.1 {head}", (("content-type", "text/xml; charset=utf-8"),))
    context = Context(at=NOW, role="response", profile="2W-be")
    told = [o.rule for o in judge_message(Raw(body, "antwoord", http), context) if isinstance(o, Finding)]
    assert (told[0], set(told[1:])) == (first, rest)
