"""Other ways in which real software breaks the same rules, and what real software does rightly: the one is found, the other is silent."""

import copy
from datetime import timedelta

import pytest
from lxml import etree

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.lint.wus.explain import explain
from harness.lint.wus.service import service
from harness.wire import signature_value, soap, wss
from harness.wire.soap import Envelope
from tests.conftest import ROOT
from tests.lint.wus.messages import (
    DS,
    NOW,
    OWN_OIN,
    REQUEST_ID,
    WSA,
    WSSE,
    WSU,
    S,
    W,
    answer,
    answer_head,
    ask,
    fault,
    judged,
    loud,
    raw_of,
    request_head,
    rules,
)
from tests.lint.wus.test_wus_message import add, address_of, after, changed_bytes, header, security, text_of
from tests.wus_keys import THEIR_OIN, holders

MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def twice(name):
    return lambda e: e[0].append(copy.deepcopy(e[0].find(WSA + name)))


def at(path, change):
    return lambda e: change(e.find(f".//{path}"))


def attribute(path, name, value):
    return at(path, lambda found: found.set(name, value))


def text(path, value):
    return at(path, lambda found: setattr(found, "text", value))


def away(path):
    return at(path, lambda found: found.getparent().remove(found))


def end_point(name, inside):
    def change(envelope):
        old = envelope[0].find(WSA + name)
        new = etree.fromstring(f'<wsa:{name} xmlns:wsa="{soap.WSA}">{inside}</wsa:{name}>')
        if old is None:
            envelope[0].append(new)
        else:
            envelope[0].replace(old, new)

    return change


def first_and_last(envelope):
    body = envelope[1]
    envelope.remove(body)
    envelope.insert(0, body)


def moved(path, where):
    """Move an element after signing."""

    def change(envelope):
        found = envelope.find(f".//{path}")
        found.getparent().remove(found)
        where(envelope).append(found)

    return change


def key_info(inside):
    def change(envelope):
        info = envelope.find(f".//{DS}KeyInfo")
        for child in list(info):
            info.remove(child)
        if inside:
            info.append(etree.fromstring(inside))

    return change


def stamp(*children):
    def change(envelope):
        found = envelope.find(f".//{WSU}Timestamp")
        for child in list(found):
            found.remove(child)
        for name, value in children:
            etree.SubElement(found, WSU + name).text = value

    return change


def resigned_references(method):
    """One reference with another digest, everything else as it was."""

    def change(envelope):
        reference = envelope.findall(f".//{DS}Reference")[1]
        reference.find(DS + "DigestMethod").set("Algorithm", method)

    return change


MOMENT = "2026-11-21T20:00:00Z"
REQUESTS = [
    ("WUS-ADDR-001", lambda: ask(add(header(f"{{{soap.WSA_OLD[0]}}}MessageID", "urn:x:1")))),
    ("WUS-ADDR-001", lambda: ask(add(header("{http://schemas.xmlsoap.org/ws/2003/03/addressing}Action", "urn:x:1")))),
    *(("WUS-ADDR-002", lambda name=name: ask(twice(name))) for name in ("Action", "MessageID", "From", "ReplyTo", "To")),
    ("WUS-ADDR-003", lambda: ask(text_of("To", "/wus/profiel"))),
    ("WUS-ADDR-003", lambda: ask(text_of("To", "  "))),
    ("WUS-ADDR-003", lambda: ask(text_of("To", "https://x.nl/met spatie"))),
    ("WUS-ADDR-004", lambda: ask(text_of("Action", " \n "))),
    ("WUS-ADDR-004", lambda: ask(text_of("Action", "controleerAccount"))),
    ("WUS-ADDR-005", lambda: ask(text_of("MessageID", "  "))),
    ("WUS-ADDR-006", lambda: ask(text_of("MessageID", "{6F1D9C52-8A8B-4C5E-9D0E-0A6F3F1C2B11}"))),
    ("WUS-ADDR-006", lambda: ask(text_of("MessageID", "20261121200000.123@gemeente.nl"))),
    ("WUS-ADDR-007", lambda: ask(address_of("ReplyTo", soap.NONE))),
    ("WUS-ADDR-007", lambda: ask(address_of("ReplyTo", "mailto:a@b.nl"))),
    ("WUS-ADDR-008", lambda: ask(add(header(WSA + "RelatesTo", REQUEST_ID)))),
    ("WUS-ADDR-014", lambda: ask(end_point("FaultTo", "<wsa:Address>urn:elders</wsa:Address>"))),
    ("WUS-ADDR-015", lambda: ask(end_point("ReplyTo", f"<wsa:Address>{soap.ANONYMOUS}</wsa:Address><wsa:ReferenceParameters/>"))),
    ("WUS-ADDR-015", lambda: ask(end_point("From", "<wsa:Metadata/><wsa:Address>urn:x</wsa:Address>"))),
    ("WUS-ADDR-016", lambda: ask(text_of("To", "https://x.nl?OIN=000000040032143450012"))),
    ("WUS-ADDR-016", lambda: ask(text_of("To", "https://x.nl?a=b&OIN="))),
    ("WUS-ADDR-016", lambda: ask(address_of("From", "https://x.nl?OIN=OIN00000000000000001"))),
    ("WUS-SEC-001", lambda: after(ask(), lambda e: e[0].append(copy.deepcopy(security(e))))),
    ("WUS-SEC-001", lambda: after(ask(), away(WSSE + "Security"))),
    ("WUS-SEC-002", lambda: after(ask(), away(DS + "Signature"))),
    ("WUS-SEC-010", lambda: after(ask(), key_info(""))),
    ("WUS-SEC-010", lambda: after(ask(), key_info(f'<ds:KeyName xmlns:ds="{soap.DS}">sleutel</ds:KeyName>'))),
    ("WUS-SEC-010", lambda: ask(recipe=wss.Recipe(key_reference="key-identifier"))),
    ("WUS-SEC-010", lambda: ask(recipe=wss.Recipe(key_reference="x509data"))),
    ("WUS-SEC-011", lambda: after(ask(), away(WSSE + "BinarySecurityToken"))),
    ("WUS-SEC-011", lambda: after(ask(), lambda e: security(e).append(copy.deepcopy(security(e).find(WSSE + "BinarySecurityToken"))))),
    ("WUS-SEC-012", lambda: after(ask(), attribute(WSSE + "BinarySecurityToken", "ValueType", wss.X509V3.replace("X509v3", "X509PKIPathv1")))),
    ("WUS-SEC-012", lambda: after(ask(), at(WSSE + "BinarySecurityToken", lambda t: t.attrib.pop("ValueType")))),
    ("WUS-SEC-013", lambda: after(ask(), attribute(WSSE + "BinarySecurityToken", "EncodingType", wss.BASE64.replace("Base64", "Hex")))),
    ("WUS-SEC-015", lambda: after(ask(), text(WSSE + "BinarySecurityToken", "geen certificaat"))),
    ("WUS-SEC-015", lambda: after(ask(), text(WSSE + "BinarySecurityToken", ""))),
    ("WUS-SEC-020", lambda: ask(recipe=wss.Recipe(signature=wss.RSA_SHA1))),
    ("WUS-SEC-020", lambda: ask(recipe=wss.Recipe(digest=wss.SHA1))),
    ("WUS-SEC-020", lambda: after(ask(), resigned_references(MORE + "md5"))),
    ("WUS-SEC-020", lambda: after(ask(), attribute(DS + "SignatureMethod", "Algorithm", soap.DS + "hmac-sha1"))),
    ("WUS-SEC-020", lambda: after(ask(), attribute(DS + "SignatureMethod", "Algorithm", MORE + "rsa-md5"))),
    ("WUS-SEC-021", lambda: after(ask(), attribute(DS + "CanonicalizationMethod", "Algorithm", "http://www.w3.org/2006/12/xml-c14n11"))),
    ("WUS-SEC-021", lambda: after(ask(), attribute(DS + "Transform", "Algorithm", soap.DS + "enveloped-signature"))),
    ("WUS-SEC-021", lambda: after(ask(), attribute(DS + "Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"))),
    ("WUS-SEC-021", lambda: ask(recipe=wss.Recipe(c14n=wss.EXC_C14N + "WithComments"))),
    ("WUS-SEC-022", lambda: after(ask(), away(DS + "Transforms"))),
    ("WUS-SEC-022", lambda: after(ask(), attribute(DS + "Reference", "URI", "https://elders.nl/x.xml"))),
    ("WUS-SEC-022", lambda: after(ask(), attribute(DS + "Reference", "URI", "#xpointer(/)"))),
    ("WUS-SEC-022", lambda: after(ask(), at(DS + "Reference", lambda r: r.attrib.pop("URI")))),
    ("WUS-SEC-023", lambda: after(ask(), at(DS + "SignatureMethod", lambda m: etree.SubElement(m, DS + "HMACOutputLength")))),
    ("WUS-SEC-030", lambda: after(ask(), text(DS + "SignatureValue", "QUJD"))),
    ("WUS-SEC-030", lambda: after(ask(), text(DS + "SignatureValue", ""))),
    ("WUS-SEC-030", lambda: after(ask(), text(DS + "DigestValue", ""))),
    ("WUS-SEC-030", lambda: after(ask(), text(DS + "DigestValue", "geen base64"))),
    ("WUS-SEC-030", lambda: after(ask(), away(DS + "SignatureValue"))),
    ("WUS-SEC-030", lambda: after(ask(), text(WSSE + "BinarySecurityToken", "".join(holders()["theirs"].pem.decode().splitlines()[1:-1])))),
    ("WUS-SEC-030", lambda: after(ask(), attribute(DS + "SignatureMethod", "Algorithm", signature_value.ECDSA_SHA256))),
    ("WUS-SEC-030", lambda: after(ask(), text(WSU + "Expires", "2026-11-21T21:00:00.000Z"))),
    ("WUS-SEC-031", lambda: after(ask(), lambda e: e[0].append(header("{urn:x}X", ID=e[1].get(wss.WSU_ID))))),
    ("WUS-SEC-031", lambda: after(ask(), attribute(DS + "Reference", "URI", "#nergens"))),
    ("WUS-SEC-032", lambda: after(ask(), lambda e: e[1].attrib.pop(wss.WSU_ID))),
    ("WUS-SEC-033", lambda: after(ask(), moved(WSU + "Timestamp", lambda e: e[0]))),
    ("WUS-SEC-033", lambda: after(ask(recipe=wss.Recipe(timestamp=False)), lambda e: etree.SubElement(security(e), WSU + "Timestamp"))),
    *(("WUS-SEC-034", lambda name=name: ask(recipe=wss.Recipe(unsigned=frozenset({name})))) for name in ("To", "Action", "MessageID", "From")),
    ("WUS-SEC-034", lambda: after(ask(), add(header(WSA + "FaultTo")))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Created", "2026-11-21T20:00:00")))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Created", "2026-11-21 20:00:00Z")))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Created", "2026-13-21T20:00:00Z")))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Created", "")))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Expires", MOMENT)))),
    ("WUS-SEC-040", lambda: after(ask(), stamp(("Created", MOMENT), ("Expires", "2026-11-21T21:00:00+01:00")))),
    ("WUS-SEC-041", lambda: ask(at=NOW + timedelta(seconds=302))),
    ("WUS-SEC-042", lambda: ask(at=NOW - timedelta(seconds=602))),
    ("WUS-SEC-042", lambda: after(ask(), stamp(("Created", MOMENT), ("Expires", "2026-11-21T19:58:00Z")))),
    ("WUS-SEC-043", lambda: after(ask(), stamp(("Expires", MOMENT), ("Created", MOMENT)))),
    ("WUS-SEC-043", lambda: after(ask(), stamp(("Created", MOMENT), ("Created", MOMENT)))),
    ("WUS-SEC-043", lambda: after(ask(), lambda e: security(e).append(copy.deepcopy(e.find(f".//{WSU}Timestamp"))))),
    ("WUS-SOAP-004", lambda: after(ask(), first_and_last)),
    ("WUS-SOAP-004", lambda: after(ask(), lambda e: e.insert(0, etree.Element(S + "Header")))),
    ("WUS-SOAP-004", lambda: after(ask(), lambda e: e.remove(e[1]))),
    ("WUS-SOAP-005", lambda: after(ask(), lambda e: e[1].remove(e[1][0]))),
    ("WUS-SOAP-007", lambda: after(ask(), lambda e: e[0].append(etree.ProcessingInstruction("x", "y")))),
    ("WUS-SOAP-007", lambda: b"<?xml-stylesheet href='x'?>" + raw_of(ask()).partition(b"?>")[2]),
    ("WUS-SOAP-008", lambda: ask(lambda e: e[1][0].set(S + "encodingStyle", "http://schemas.xmlsoap.org/soap/encoding/"))),
    ("WUS-SOAP-009", lambda: ask(add(header("{http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics}ActivityId", "x")))),
    ("WUS-SOAP-010", lambda: after(ask(), lambda e: security(e).set(S + "mustUnderstand", "false"))),
    ("WUS-SOAP-010", lambda: after(ask(), lambda e: security(e).set(S + "mustUnderstand", "2"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "make"), REQUESTS, ids=[f"{r}-{n}" for n, (r, _) in enumerate(REQUESTS)])
def test_another_way_to_break_a_request(rule, make):
    assert rule in rules(judged(make(), "request", settings={"receiver-oin": "00000004003214345001"}))


def faultcode(value, **namespaces):
    def change(envelope):
        old = envelope.find(".//faultcode")
        new = etree.Element("faultcode", nsmap=namespaces)
        new.text = value
        old.getparent().replace(old, new)

    return change


ANSWERS = [
    ("WUS-ADDR-011", "response", lambda: answer(text_of("RelatesTo", REQUEST_ID.upper()))),
    ("WUS-ADDR-011", "response", lambda: answer(text_of("RelatesTo", REQUEST_ID.removeprefix("urn:uuid:")))),
    ("WUS-ADDR-010", "response", lambda: answer(text_of("Action", W + "Antwoord"))),
    ("WUS-SOAP-005", "response", lambda: answer(lambda e: e[1].append(copy.deepcopy(e[1][0])))),
    ("WUS-SOAP-012", "response", lambda: answer(text("{*}heeftAccount", "misschien"))),
    ("WUS-SOAP-012", "response", lambda: answer(lambda e: e[1][0].append(copy.deepcopy(e[1][0][0])))),
    ("WUS-SOAP-012", "response", lambda: answer(lambda e: e[1][0].insert(0, e[1][0][1]))),
    ("WUS-SEC-016", "response", lambda: answer(signer="own")),
    ("WUS-SEC-050", "response", lambda: answer(confirm="")),
    ("WUS-SEC-051", "response", lambda: after(answer(), lambda e: security(e).append(security(e).find(f"{{{soap.WSSE11}}}SignatureConfirmation")))),
    ("WUS-FAULT-002", "fault", lambda: after(fault(), faultcode(""))),
    ("WUS-FAULT-003", "fault", lambda: after(fault(), faultcode("soapenv:Sender", soapenv=soap.SOAP))),
    ("WUS-FAULT-003", "fault", lambda: after(fault(), faultcode("env:Receiver", env=soap.SOAP12))),
    ("WUS-FAULT-005", "fault", lambda: after(fault(), away("faultstring"))),
    ("WUS-FAULT-010", "fault", lambda: after(fault(), text("faultstring", "java.lang.NullPointerException: null"))),
    ("WUS-FAULT-010", "fault", lambda: after(fault(), text("faultstring", "at System.Xml.XmlReader.Read() in C:\\build\\x.cs:line 12"))),
    ("WUS-FAULT-010", "fault", lambda: after(fault(), text("faultstring", 'Traceback: File "/opt/app/dienst.py", line 3'))),
    ("WUS-FAULT-010", "fault", lambda: after(fault(), text("faultstring", "ORA-00942: table or view does not exist"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "role", "make"), ANSWERS, ids=[f"{r}-{n}" for n, (r, *_) in enumerate(ANSWERS)])
def test_another_way_to_break_an_answer(rule, role, make):
    companions = wsdl() if "SOAP-012" in rule or "ADDR-010" in rule else ()
    assert rule in rules(judged(make(), role, settings={"oin": "00000004003214345001"}, companions=companions))


def wsdl():
    from tests.conftest import ROOT

    folder = ROOT / "harness" / "lab" / "wsdl"
    return tuple(
        (name, (folder / name).read_bytes()) for name in ("stub-profielservice-v1.wsdl", "stub-profielservice-v1.xsd")
    )


HEADS = [
    ("WUS-HTTP-001", "request", lambda n: request_head(n, start="PUT /x HTTP/1.1")),
    *(("WUS-HTTP-001", "response", lambda n, s=s: answer_head(n, status=s, more="Location: https://x.nl\r\n")) for s in ("301 Moved", "303 See", "307 T", "308 P")),
    ("WUS-HTTP-002", "request", lambda n: request_head(n, content_type="application/xml; charset=utf-8")),
    ("WUS-HTTP-002", "request", lambda n: request_head(n, content_type="text/plain; charset=utf-8")),
    ("WUS-HTTP-003", "request", lambda n: request_head(n, content_type="text/xml")),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action="")),
    ("WUS-HTTP-004", "request", lambda n: request_head(n, action="'urn:x'")),
    ("WUS-HTTP-005", "request", lambda n: request_head(n, action=f'"{W}"')),
    ("WUS-HTTP-006", "response", lambda n: answer_head(n, status="201 Created")),
    ("WUS-HTTP-006", "response", lambda n: answer_head(n, status="404 X")),
    ("WUS-HTTP-007", "fault", lambda n: answer_head(n, status="400 X")),
    ("WUS-HTTP-007", "fault", lambda n: answer_head(n, status="200 OK")),
    ("WUS-HTTP-010", "response", lambda n: answer_head(n, content_type="text/xml; charset=windows-1252")),
    ("WUS-HTTP-011", "response", lambda n: answer_head(n + 100)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "role", "head"), HEADS, ids=[f"{r}-{n}" for n, (r, *_) in enumerate(HEADS)])
def test_another_way_to_break_the_http_head(rule, role, head):
    data = raw_of({"request": ask, "response": answer, "fault": fault}[role]())
    assert rule in rules(judged(data, role, head=head(len(data))))


SILENT = {
    "a To that is not the address": ("request", lambda: ask(text_of("To", "https://dienst.example.nl/RIO/v4?OIN=00000004003214345001"))),
    "an anonymous To": ("request", lambda: ask(text_of("To", soap.ANONYMOUS))),
    "white space around the MessageID": ("request", lambda: ask(text_of("MessageID", f"\n  {REQUEST_ID}\n"))),
    "a MessageID of KvK": ("request", lambda: ask(text_of("MessageID", "uuid:6f1d9c52-8a8b-4c5e-9d0e-0a6f3f1c2b11"))),
    "FaultTo none": ("request", lambda: ask(end_point("FaultTo", f"<wsa:Address>{soap.NONE}</wsa:Address>"))),
    "FaultTo anonymous": ("request", lambda: ask(end_point("FaultTo", f"<wsa:Address>{soap.ANONYMOUS}</wsa:Address>"))),
    "oin in small letters": ("request", lambda: ask(address_of("From", f"https://x.nl?oin={OWN_OIN}"))),
    "SHA-512": ("request", lambda: ask(recipe=wss.Recipe(signature=MORE + "rsa-sha512", digest=soap.XENC + "sha512"))),
    "RSA-PSS": ("request", lambda: ask(recipe=wss.Recipe(signature=signature_value.PSS_SHA256))),
    "ECDSA": ("request", lambda: ask(signer="curve", recipe=wss.Recipe(signature=signature_value.ECDSA_SHA256))),
    "a signature value over several lines": ("request", lambda: after(ask(), at(DS + "SignatureValue", lambda v: setattr(v, "text", f"\n{v.text[:76]}\n{v.text[76:]}\n")))),
    "a Timestamp without Expires": ("request", lambda: ask(recipe=wss.Recipe(lifetime=None))),
    "whole seconds": ("request", lambda: ask(recipe=wss.Recipe(created="%Y-%m-%dT%H:%M:%SZ"))),
    "four minutes in the future": ("request", lambda: ask(at=NOW + timedelta(minutes=4))),
    "a comment after signing": ("request", lambda: after(ask(), lambda e: e[1].insert(0, etree.Comment("weg")))),
    "white space between the headers": ("request", lambda: changed_bytes(ask(), b"<wsa:Action", b"\n\n<wsa:Action")),
    "other prefixes": ("request", lambda: changed_bytes(ask(signed=False), b"soapenv:", b"SOAP-ENV:").replace(b"xmlns:soapenv", b"xmlns:SOAP-ENV")),
    "a faultactor": ("fault", fault),
    "RelatesTo with the full type": ("response", lambda: answer(attribute(WSA + "RelatesTo", "RelationshipType", soap.REPLY))),
}  # fmt: skip


@pytest.mark.parametrize("what", SILENT)
def test_what_is_right_stays_silent(what):
    role, make = SILENT[what]
    profile = "2W-be" if what == "other prefixes" else "2W-be-S"
    assert loud(judged(make(), role, profile=profile)) - {"WUS-FAULT-007"} == set()


@pytest.mark.parametrize("kind", ["TEXT/XML; CHARSET=UTF-8", 'text/xml; charset="utf-8"', "text/xml;charset=UTF-8", 'text/xml; charset=utf-8; action="urn:x"'])  # fmt: skip
def test_a_content_type_may_be_written_otherwise(kind):
    data = raw_of(answer())
    assert loud(judged(data, "response", head=answer_head(len(data), content_type=kind))) == set()


def test_a_message_id_that_another_request_had_is_found():
    other = raw_of(ask(text_of("Action", W + "Request2")))
    beside = (("vorige.xml", other),)
    assert "WUS-ADDR-021" in loud(judged(ask(), "request", companions=beside))
    same = raw_of(ask())
    assert "WUS-ADDR-021" not in loud(judged(same, "request", companions=(("zelfde.xml", same),)))


def test_files_that_are_judged_together_share_their_message_ids():
    other = ask(text_of("Action", W + "Request2"))
    one, pretty = raw_of(ask()), etree.tostring(ask(signed=False), pretty_print=True)
    files = {
        "een.xml": one,
        "nogmaals.xml": one,
        "ander.xml": raw_of(other),
        "antwoord.xml": raw_of(answer()),
        "kaal.xml": raw_of(ask(signed=False)),
        "opgemaakt.xml": pretty,
    }
    for chosen, expected in (
        (("een.xml", "nogmaals.xml", "antwoord.xml"), []),
        (("een.xml", "ander.xml", "antwoord.xml"), ["ander.xml"]),
        (("kaal.xml", "opgemaakt.xml"), []),
        (("opgemaakt.xml", "een.xml", "antwoord.xml"), ["een.xml"]),
    ):
        ctx = Context(at=NOW, earlier={})
        told = [judge_bytes(files[name], name, ctx, "soap-message") for name in chosen]
        seen = [d.path for d in told if "WUS-ADDR-021" in {g.finding.rule for g in d.findings}]
        assert seen == expected, chosen


WSDL = "stub-profielservice-v1.wsdl"
XSD = "stub-profielservice-v1.xsd"


def beside(*names):
    return tuple(Raw((ROOT / "harness" / "lab" / "wsdl" / name).read_bytes(), name) for name in names)


def guessed(envelope, *companions):
    """What is found when neither role nor profile is given, and no HTTP head."""
    context = Context(at=NOW, companions=companions, trust=(holders()["root"].pem,))
    return {g.finding.rule for g in judge_bytes(raw_of(envelope), "bericht.xml", context).findings}


def test_a_request_with_relates_to_is_known_by_its_element():
    odd = ask(lambda e: etree.SubElement(e[0], WSA + "RelatesTo").__setattr__("text", "urn:x"))
    assert "WUS-ADDR-008" in guessed(odd, *beside(WSDL, XSD))


def test_an_answer_without_relates_to_is_known_by_its_element():
    assert "WUS-ADDR-011" in guessed(answer(lambda e: e[0].remove(e[0].find(WSA + "RelatesTo"))), *beside(WSDL, XSD))


def test_a_token_without_a_signature_is_no_2w_be():
    def unsigned(envelope):
        found = envelope.find(f".//{DS}Signature")
        found.getparent().remove(found)
        return envelope

    assert "WUS-SEC-002" in guessed(unsigned(ask()))


def test_another_element_is_said_once():
    other = ask(lambda e: setattr(e[1][0], "tag", e[1][0].tag + "Anders"))
    told = guessed(other, *beside(WSDL, XSD))
    assert "WUS-SOAP-011" in told
    assert "WUS-SOAP-012" not in told


def test_a_package_that_cannot_be_opened_is_no_broken_xml():
    head = answer_head(10, content_type='multipart/related; type="application/xop+xml"; start-info="text/xml"')
    told = loud(judged(b"--x\r\n\r\n<a/>\r\n--x--", "response", head=head))
    assert "WUS-MTOM-001" in told
    assert "WUS-SOAP-001" not in told


def child_of_signature(name):
    return lambda e: e.find(f".//{DS}Signature").find(f"{DS}{name}")


def doubled(name):
    def change(envelope):
        found = child_of_signature(name)(envelope)
        found.addnext(copy.deepcopy(found))

    return lambda: after(answer(), change)


def gone(path):
    def change(envelope):
        found = envelope.find(f".//{DS}{path}")
        found.getparent().remove(found)

    return lambda: after(answer(), change)


@pytest.mark.parametrize(
    ("envelope", "rule"),
    [
        (gone("SignedInfo"), "WUS-SEC-030"),
        (gone("SignatureMethod"), "WUS-SEC-020"),
        (gone("CanonicalizationMethod"), "WUS-SEC-021"),
        (doubled("SignedInfo"), "WUS-SEC-023"),
        (doubled("SignatureValue"), "WUS-SEC-023"),
        (doubled("KeyInfo"), "WUS-SEC-010"),
    ],
)
def test_a_signature_that_lacks_or_doubles_a_part_never_passes(envelope, rule):
    assert rule in loud(judged(envelope(), "response"))


def test_nothing_can_be_taken_out_of_a_signed_answer_unseen():
    whole = answer()
    paths = [whole.getroottree().getelementpath(e) for e in whole.iter() if isinstance(e.tag, str) and e is not whole]
    unseen = []
    for path in paths:
        less = copy.deepcopy(whole)
        found = less.find(path)
        found.getparent().remove(found)
        if judged(less, "response", settings={"oin": THEIR_OIN}).verdict == "pass":
            unseen.append(path)
    assert unseen == []


SAID = {
    "These policy alternatives can not be satisfied: AsymmetricBinding": "beleid",
    "An error occurred when verifying security for the message.": "beveiliging",
    "PKIX path building failed: unable to find valid certification path": "PKIX",
    "Rejected (from client)": "gateway",
    "Unmarshalling Error: cvc-complex-type.2.4.a: Invalid content was found": "0004",
    "Bericht voldoet niet aan de XSD": "0004",
    "The message with Action 'urn:x' cannot be processed at the receiver, due to a ContractFilter mismatch": "wsa:ActionNotSupported",
    "Invalid timestamp The message timestamp is out of range": "wsu:MessageExpired",
    "Could not send Message. Read timed out": "wsa:EndpointUnavailable",
    "Duplicate message": "wsa:DuplicateMessageID",
    "Er ging iets mis": "",
}  # fmt: skip


@pytest.mark.parametrize("reason", SAID)
def test_what_known_software_says_in_a_fault_is_led_back_to_its_cause(reason):
    envelope = fault(detail=False)
    envelope.find(".//faultstring").text = reason
    meaning = explain(Envelope(envelope), service(""))
    assert (meaning.code if meaning else "") == SAID[reason]


@pytest.mark.parametrize(
    ("ending", "found"),
    [(b"0\r\n\r\n", False), (b"0\r\n", False), (b"", True), (b"0;x=1\r\nTrailer: 1\r\n\r\n", False)],
)
def test_a_chunked_body_ends_with_its_last_chunk(ending, found):
    data = raw_of(answer())
    body = b"%x\r\n%s\r\n" % (len(data), data) + ending
    head = answer_head(len(body)).replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nX-Length")
    assert ("WUS-HTTP-011" in rules(judged(body, "response", head=head))) is found


def test_an_answer_over_another_version_of_http_is_noted():
    data = raw_of(answer())
    head = answer_head(len(data)).replace(b"HTTP/1.1", b"HTTP/2")
    assert rules(judged(data, "response", head=head)).get("WUS-HTTP-011") == "info"


@pytest.mark.parametrize("length", ["9\u00b99", "9" * 5000, "-1", "0x10", ""])
def test_an_odd_content_length_is_no_traceback(length):
    data = raw_of(answer())
    head = answer_head(len(data)).replace(b"Content-Length", b"Content-Length: " + length.encode("latin-1") + b"\r\nX")
    assert judged(data, "response", head=head, settings={"skew": length}).verdict in ("pass", "warn", "incomplete")
