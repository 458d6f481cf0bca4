"""A contract from a WSDL: what is wrong with it is one sentence, and nothing is fetched."""

import pytest
from lxml import etree

from harness.wire import soap, soap_zeep
from harness.wire.soap_wsdl import read
from tests.conftest import ROOT

FOLDER = ROOT / "harness" / "lab" / "wsdl"
NAME, XSD = "stub-dienst-be-s-v1.wsdl", "stub-dienst-v1.xsd"
WSDL = (FOLDER / NAME).read_bytes()
SCHEMA = (FOLDER / XSD).read_bytes()
TWO_PORTS = WSDL.replace(
    b"  </wsdl:service>",
    b'<wsdl:port name="Productie" binding="tns:Tweede"><soap:address location="https://productie.nl"/></wsdl:port></wsdl:service>',
).replace(
    b"  <wsdl:service ",
    WSDL[WSDL.index(b"  <wsdl:binding") : WSDL.index(b"  <wsdl:service ")].replace(b"StubDienst_v1_Soap11", b"Tweede") + b"  <wsdl:service ",
)  # fmt: skip


def load(wsdl=WSDL, schema=SCHEMA, port=""):
    files = {NAME: wsdl} | ({XSD: schema} if schema else {})
    return soap_zeep.load(NAME, files, port)


def test_values_become_xml_and_come_back():
    contract = load()
    payload = contract.payload("geefStatus", {"kenmerk": "é&<", "inhoud": b"abc"})
    envelope = soap.build(payload, soap.Addressing(to="urn:x", action="urn:y"))
    assert contract.values("geefStatus", envelope, answer=False) == {"kenmerk": "é&<", "inhoud": b"abc"}


WRONG = {
    "broken": (lambda: load(WSDL[:900]), "geen welgevormde XML"),
    "with a DTD": (lambda: load(b"<!DOCTYPE x []>" + WSDL.partition(b"?>")[2]), "DOCTYPE"),
    "missing import": (lambda: load(schema=b""), f"{XSD} ontbreekt"),
    "import from the internet": (lambda: load(WSDL.replace(XSD.encode(), b"https://internet.nl/x.xsd")), "van internet"),
    "import from the internet, in a schema": (
        lambda: load(schema=SCHEMA.replace(b"<xs:element", b'<xs:import namespace="urn:x" schemaLocation="http://internet.nl/y.xsd"/><xs:element', 1)),
        "importeert http://internet.nl/y.xsd van internet",
    ),
    "two ports": (lambda: load(TWO_PORTS), "meer dan één port"),
    "unknown port": (lambda: load(port="Acceptatie"), "port 'Acceptatie' staat niet in de WSDL"),
    "a portType without a name": (lambda: load(WSDL.replace(b'<wsdl:portType name="StubDienst_v1"', b"<wsdl:portType")), "onbruikbaar"),
    "no WSDL at all": (lambda: load(b"<html/>"), ""),
    "unknown operation": (lambda: load().operation("geefStatusen"), "bedoelt u 'geefStatus'?"),
    "values that do not fit": (lambda: load().payload("geefStatus", {"onbekend": 1}), "past niet bij geefStatus"),
    "values that are missing": (lambda: load().payload("geefStatus", {}), "kenmerk"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_sentence(what):
    act, sentence = WRONG[what]
    with pytest.raises(soap_zeep.ContractUnusable) as wrong:
        act()
    assert sentence in wrong.value.text.nl
    assert "\n" not in wrong.value.text.nl


def test_the_port_is_chosen_by_name():
    assert load(TWO_PORTS, port="Productie").operations == ["geefStatus"]


def test_the_address_in_the_wsdl_is_only_shown():
    assert read(TWO_PORTS).ports[1].address == "https://productie.nl"


def test_one_contract_is_read_once():
    assert load() is load()
    assert load().digest != soap_zeep.digest_of({NAME: WSDL})


def test_an_answer_that_cannot_be_read_is_one_sentence():
    envelope = soap.build(etree.fromstring('<x xmlns="urn:x"/>'), soap.Addressing())
    with pytest.raises(soap_zeep.ContractUnusable):
        load().values("geefStatus", envelope)
