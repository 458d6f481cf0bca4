"""Other ways to break the rules of Digipoort, Digimelding, encryption, attachments and WSDLs; real variants stay silent."""

import copy

import pytest
from lxml import etree

from harness.wire import soap, wss_encrypt
from tests.lint.wus.messages import REQUEST_ID, WSA, answer_head, judged, loud, raw_of, rules
from tests.lint.wus.test_wus_message import XENC, sealed
from tests.lint.wus.test_wus_message import packed as packed_answer
from tests.lint.wus.test_wus_services import (
    CONTENT,
    DELIVER,
    DM,
    ECHO,
    IDENTITY,
    KV,
    STATUS,
    WHOLE,
    deliver,
    digipoort,
    dm,
    sorts,
    statuses,
)
from tests.lint.wus.test_wus_wsdl import OWN, found
from tests.wus_keys import holders

OLD = "http://logius.nl/digipoort/wus/2.0/aanleverservice/1.2/"
DIGIPOORT = [
    ("DIGIPOORT-BODY-001", lambda: digipoort(f"<GetBerichtsoorten>{IDENTITY}</GetBerichtsoorten>", STATUS + "getBerichtsoortenRequest")),
    ("DIGIPOORT-BODY-001", lambda: digipoort(f"<aanleverenRequest>{WHOLE}</aanleverenRequest>", DELIVER + "aanleverenRequest")),
    ("WUS-SOAP-013", lambda: renamed(deliver(WHOLE), OLD)),
    ("DIGIPOORT-BODY-002", lambda: deliver(WHOLE.replace(IDENTITY, ""))),
    ("DIGIPOORT-BODY-002", lambda: deliver(WHOLE.replace(CONTENT, ""))),
    ("DIGIPOORT-BODY-002", lambda: deliver(WHOLE + "<extra>1</extra>")),
    ("DIGIPOORT-BODY-002", lambda: deliver(WHOLE + WHOLE)),
    ("DIGIPOORT-BODY-003", lambda: sorts_with(IDENTITY.replace("Fi", "KvKnummer"))),
    ("DIGIPOORT-BODY-004", lambda: deliver("<kenmerk>" + "k" * 41 + "</kenmerk>" + WHOLE)),
    ("DIGIPOORT-BODY-004", lambda: deliver(WHOLE.replace("Omzetbelasting", "O" * 81))),
    ("DIGIPOORT-BODY-004", lambda: deliver(WHOLE + f"<autorisatieAdres>http://{'a' * 260}.nl</autorisatieAdres>")),
    ("DIGIPOORT-ACT-001", lambda: digipoort(f"<getBerichtsoortenRequest>{IDENTITY}</getBerichtsoortenRequest>", STATUS + "getProcessenRequest")),
    ("DIGIPOORT-ACT-001", lambda: digipoort(f"<getBerichtsoortenRequest>{IDENTITY}</getBerichtsoortenRequest>", STATUS.lower() + "getBerichtsoortenRequest")),
    ("DIGIPOORT-ENV-001", lambda: digipoort(f"<getBerichtsoortenRequest>{IDENTITY}</getBerichtsoortenRequest>", STATUS + "getBerichtsoortenRequest", to="https://dgp.procesinfrastructuur.nl/wus/2.0/x")),
    ("DIGIPOORT-ENV-001", lambda: digipoort(f"<getBerichtsoortenRequest>{IDENTITY}</getBerichtsoortenRequest>", STATUS + "getBerichtsoortenRequest", to="https://DGP2.procesinfrastructuur.nl:443/wus/2.0/x")),
]  # fmt: skip


def renamed(envelope, space):
    for element in envelope[1].iter():
        if isinstance(element.tag, str) and element.tag.startswith(f"{{{KV}}}"):
            element.tag = f"{{{space}}}{etree.QName(element).localname}"
    return envelope


def sorts_with(identity):
    return digipoort(
        f"<getBerichtsoortenRequest>{identity}</getBerichtsoortenRequest>", STATUS + "getBerichtsoortenRequest"
    )


@pytest.mark.parametrize(("rule", "make"), DIGIPOORT, ids=[f"{r}-{n}" for n, (r, _) in enumerate(DIGIPOORT)])
def test_another_way_to_break_a_digipoort_request(rule, make):
    assert rule in rules(judged(make(), "request"))


@pytest.mark.parametrize(
    ("codes", "noisy"),
    [
        (("105", "100", "110", "200", "301", "301", "405", "400", "500"), False),
        (("105", "100", "110"), False),
        (("500", "405", "105"), True),
        (("105", "210"), True), (("105", "230"), True), (("105", "321"), True), (("410",), True), (("420",), True),
        (("",), True), (("1OO",), True),
    ],
)  # fmt: skip
def test_other_status_sequences(codes, noisy):
    assert ("DIGIPOORT-FLOW-002" in loud(judged(statuses(*codes), "response"))) is noisy


DIGIMELDING = [
    ("DIGIMELDING-SYNTAX-001", "<AnnotatieToevoegenRequest><Annotatie/><AnnotatieBoom/></AnnotatieToevoegenRequest>", "AnnotatieToevoegenRequest"),
    ("DIGIMELDING-ID-002", "<EchoRequest><OinBasisregistratie>00000003812345678000</OinBasisregistratie><Echo>a</Echo></EchoRequest>", "EchoRequest"),
    ("WUS-ADDR-016", ECHO, "EchoRequest"),
    ("DIGIMELDING-ECHO-001", "<EchoRequest><Echo>a</Echo></EchoRequest>", "EchoRequest"),
    ("DIGIMELDING-ECHO-001", ECHO.replace("<Echo>", "<Registratie>BAGX</Registratie><Echo>"), "EchoRequest"),
    ("DIGIMELDING-ECHO-001", ECHO.replace("</EchoRequest>", "<Echo>b</Echo></EchoRequest>"), "EchoRequest"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "body", "action"), DIGIMELDING)
def test_another_way_to_break_a_digimelding_request(rule, body, action):
    sender = {"sender": "https://g.nl?OIN=1234"} if rule == "WUS-ADDR-016" else {}
    assert rule in rules(judged(dm(body, action, **sender), "request", profile=""))


@pytest.mark.parametrize("text", ["E&amp;&lt; 7f", "", "é&amp;&lt;  7f", "Ã©&amp;&lt; 7f", "é&amp;amp;&lt; 7f"])
def test_another_echo_is_not_ours(text):
    body = f"<EchoResponse><Echo>{text}</Echo></EchoResponse>"
    response = dm(body, "EchoResponse", to="", sender="", relates_to="x")
    document = judged(response, "response", profile="", companions=(("echo.xml", raw_of(dm(ECHO))),))
    assert "DIGIMELDING-ECHO-001" in loud(document)


def test_a_decomposed_diacritic_is_another_text():
    """Byte-equal, says DMKS: e with a combining accent is not é."""
    body = "<EchoResponse><Echo>e\u0301&amp;&lt; 7f</Echo></EchoResponse>"
    response = dm(body, "EchoResponse", to="", sender="", relates_to="x")
    assert "DIGIMELDING-ECHO-001" in loud(
        judged(response, "response", profile="", companions=(("echo.xml", raw_of(dm(ECHO))),))
    )


def within(path, change):
    return lambda e: change(e.find(f".//{path}"))


SEALED = [
    ("WUS-ENC-004", lambda: sealed(wss_encrypt.Encryption(data=soap.XENC + "aes128-cbc"))),
    ("WUS-ENC-004", lambda: sealed(change=within(XENC + "EncryptedData", lambda d: d.remove(d.find(XENC + "EncryptionMethod"))))),
    ("WUS-ENC-005", lambda: sealed(change=within(XENC + "EncryptedKey", lambda k: k.find(XENC + "EncryptionMethod").set("Algorithm", "urn:x")))),
    ("WUS-ENC-003", lambda: sealed(change=within(XENC + "DataReference", lambda r: r.set("URI", "#nergens")))),
    ("WUS-ENC-003", lambda: sealed(change=within(XENC + "EncryptedData", lambda d: d.attrib.pop("Type")))),
    ("WUS-ENC-006", lambda: sealed(change=within(XENC + "EncryptedKey", lambda k: k.getparent().append(copy.deepcopy(k))))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "make"), SEALED, ids=[f"{r}-{n}" for n, (r, _) in enumerate(SEALED)])
def test_another_way_to_break_encryption(rule, make):
    key = (("sleutel.pem", holders()["own"].key_pem),)
    assert rule in rules(judged(make(), "response", profile="2W-be-SE", companions=key))


MTOM = [
    ("WUS-MTOM-001", lambda b, k: (b, k.replace('start-info="text/xml"', 'start-info="application/soap+xml"'))),
    ("WUS-MTOM-001", lambda b, k: (b, k.replace("application/xop+xml", "text/xml"))),
    ("WUS-MTOM-003", lambda b, k: (b.replace(b'href="cid:', b'href="https://x.nl/'), k)),
    ("WUS-MTOM-003", lambda b, k: (b.replace(b"Content-ID: <", b"Content-ID: <anders-"), k)),
    ("WUS-MTOM-006", lambda b, k: (b[: len(b) // 2], k)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), MTOM, ids=[f"{r}-{n}" for n, (r, _) in enumerate(MTOM)])
def test_another_way_to_break_an_attachment(rule, change):
    body, kind = change(*packed_answer())
    assert rule in loud(judged(body, "response", head=answer_head(len(body), content_type=kind)))


WSDLS = [
    ("WUS-WSDL-002", ('element="t:controleerAccountResponse"', 'type="t:x"')),
    ("WUS-WSDL-003", ('style="document"', 'style="rpc"')),
    ("WUS-WSDL-003", ('transport="http://schemas.xmlsoap.org/soap/http"', 'transport="http://schemas.xmlsoap.org/soap/jms"')),
    ("WUS-WSDL-005", ("http://www.w3.org/2007/05/addressing/metadata", "http://www.w3.org/2006/05/addressing/wsdl")),
    ("WUS-WSDL-007", ('location="https://', 'location="http://localhost:8080/')),
    ("WUS-WSDL-009", ("Basic256Sha256", "TripleDesRsa15")),
    ("WUS-WSDL-010", ('schemaLocation="', 'schemaLocation="file:///C:/xsd/')),
    ("WUS-WSDL-011", ('<sp:Header Name="MessageID"', '<sp:Header Name="Bericht"')),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), WSDLS, ids=[f"{r}-{n}" for n, (r, _) in enumerate(WSDLS)])
def test_another_way_to_break_a_wsdl(rule, change):
    changed = OWN.replace(*change)
    assert changed != OWN
    assert rule in found(changed)


@pytest.mark.parametrize(
    ("name", "address", "severity"),
    [
        ("P", "https://wus.digipoort.logius.nl/x", "error"),
        ("P", "https://wus.preproductie.digipoort.logius.nl/x", "warning"),
        ("ProductieAccountService", "https://dienst.nl/label", "error"),
        ("PRD", "https://dienst.nl/", "error"),
        ("DienstPreproductie", "https://pre-prod.dienst.nl/", "warning"),
        ("AcceptatiePort", "https://acc.dienst.nl/productie", "warning"),
        ("ProductenPort", "https://dienst.nl/producten", "warning"),
    ],
)
def test_a_production_port_weighs_more(name, address, severity):
    port = f'<wsdl:port name="{name}" binding="tns:x"><soap:address location="{address}"/></wsdl:port>'
    assert found(OWN.replace("  </wsdl:service>", port + "</wsdl:service>"))["WUS-WSDL-008"] == severity


def test_an_answer_on_another_message_is_no_healthy_digipoort():
    envelope = statuses("105")
    envelope.find(f".//{WSA}RelatesTo").text = REQUEST_ID + "0"
    document = judged(envelope, "response", companions=(("v.xml", raw_of(sorts())),))
    assert "WUS-ADDR-011" in loud(document)
    assert DM not in str(document)
