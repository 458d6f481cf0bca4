"""Every rule on business messages is provoked, and good messages and sets stay silent."""

import re

import pytest

from harness.chaintest.design import lab_design
from harness.chaintest.foutbericht import read_foutbericht
from harness.lint.judge import Raw
from harness.lint.msg import judge_kinds, judge_message, judge_set, kind_of
from harness.rulebook import rulebook
from harness.wire.xsd import SchemaSet
from tests.conftest import ROOT

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
LAB = lab_design("lopende-zaken").schemas
XBRL = '<xbrli:xbrl xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink">{}</xbrli:xbrl>'
REF = '<link:schemaRef xlink:type="simple" xlink:href="http://www.nltaxonomie.nl/nt18/bd/{}"/>'


def schema(body="", space="urn:a"):
    return f'<xs:schema {XS} targetNamespace="{space}">{body}</xs:schema>'.encode()


def of_set(**files):
    return [f.rule for f in judge_set(SchemaSet({f"{name}.xsd": data for name, data in files.items()}))]


def of_message(data, schemas=LAB):
    return [f.rule for f in judge_message(Raw(data if isinstance(data, bytes) else data.encode(), "m.xml"), schemas)]


def test_a_whole_set_is_silent():
    assert list(judge_set(LAB)) == []
    assert (
        of_set(
            a=schema('<xs:element name="a"/>'),
            b=schema('<xs:import namespace="urn:a" schemaLocation="a.xsd"/>', "urn:b"),
        )
        == []
    )


@pytest.mark.parametrize(
    "broken",
    [
        b"<xs:schema",
        b"<!DOCTYPE a []><a/>",
        b"<html/>",
        schema('<xs:include schemaLocation="weg.xsd"/>'),
        schema('<xs:import namespace="urn:b" schemaLocation="b/b.xsd"/>'),
        schema('<xs:element name="a" type="xs:onbekend"/>'),
        schema('<xs:element name="a"/><xs:element name="a"/>'),
        schema('<xs:include schemaLocation="http://elders.example/x.xsd"/>'),
    ],
)
def test_a_set_that_is_no_whole_is_told(broken):
    assert "MSG-001" in of_set(a=broken)


def test_a_reference_to_the_internet_is_told_even_when_the_file_is_at_hand():
    found = of_set(
        a=schema('<xs:import namespace="urn:b" schemaLocation="http://elders.example/1.0/b.xsd"/>'),
        b=schema(space="urn:b"),
    )
    assert found == ["MSG-002"]


def test_schemas_that_draw_each_other_in_are_no_trouble():
    one = schema('<xs:include schemaLocation="b.xsd"/><xs:element name="a"/>')
    two = schema('<xs:include schemaLocation="a.xsd"/><xs:element name="b"/>')
    assert of_set(a=one, b=two) == []


@pytest.mark.parametrize(
    "data",
    ["", "<a>", "<a/><b/>", '<!DOCTYPE a [<!ENTITY x "y">]><a/>', "\x00\x01", "<a>" * 300, b"\xff\xfe\xff", "geen xml"],
)
def test_what_is_no_xml_is_told(data):
    assert of_message(data) == ["MSG-003"]


@pytest.mark.parametrize(
    "data",
    ["<zaakbericht/>", '<a xmlns="urn:ketentest:lab:zaak:2"/>', '<Zaakbericht xmlns="urn:ketentest:lab:zaak:1"/>'],
)
def test_an_element_that_the_set_does_not_know_is_told(data):
    assert of_message(data) == ["MSG-004"]


def test_an_unknown_element_offers_the_nearest():
    finding = next(judge_message(Raw(b'<zaakbericht xmlns="urn:ketentest:lab:zaak:2"/>', "m"), LAB))
    assert finding.expected == "{urn:ketentest:lab:zaak:1}zaakbericht"


def test_departures_come_with_their_line_and_at_most_twenty():
    body = "".join("<fout/>\n" for _ in range(100))
    found = list(
        judge_message(Raw(f'<zaakbericht xmlns="urn:ketentest:lab:zaak:1">\n{body}</zaakbericht>'.encode(), "m"), LAB)
    )
    assert {f.rule for f in found} == {"MSG-005"}
    assert len(found) <= 20
    assert found[0].line == 2


def test_a_message_in_a_soap_envelope_is_judged_by_what_it_carries():
    envelope = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
    assert of_message(envelope.format('<zaakbericht xmlns="urn:ketentest:lab:zaak:1"/>')) == ["MSG-005"]
    assert of_message(envelope.format("")) == ["MSG-003"]


def test_another_encoding_is_information():
    set_ = SchemaSet({"a.xsd": schema('<xs:element name="a"/>')})
    assert of_message('<?xml version="1.0" encoding="iso-8859-1"?><a xmlns="urn:a"/>', set_) == ["MSG-006"]
    assert of_message('<?xml version="1.0" encoding="utf-8"?><a xmlns="urn:a"/>', set_) == []


def test_of_xbrl_the_entry_point_is_looked_for():
    taxonomy = SchemaSet({"nt18/bd/aangifte.xsd": schema()})
    assert of_message(XBRL.format(REF.format("aangifte.xsd")), taxonomy) == ["MSG-011"]
    assert of_message(XBRL.format(REF.format("andere.xsd")), taxonomy) == ["MSG-012"]
    assert of_message(XBRL.format(""), taxonomy) == ["MSG-012"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("zaakbericht", "bericht"), ("vraagbericht", "vraagbericht"), ("foutbericht", "foutbericht"), ("Fo03Bericht", "foutbericht"),
        ("Fo01", "foutbericht"), ("zakLk01", "bericht"), ("MOBericht", "bericht"), ("FormulierBericht", "bericht"),
    ],
)  # fmt: skip
def test_the_kind_of_a_message_is_in_the_name_of_its_root(name, kind):
    assert kind_of(f"<{name} xmlns='urn:x'/>".encode()) == kind


def test_both_directions_want_a_sample():
    assert [f.case for f in judge_kinds(["bericht"])] == ["incoming"]
    assert [f.case for f in judge_kinds(["foutbericht"])] == ["outgoing"]
    assert not list(judge_kinds(["vraagbericht", "foutbericht"]))


@pytest.mark.parametrize(
    ("body", "who"),
    [
        ("<code>StUF055</code><plek>server</plek><omschrijving>Interne fout</omschrijving>", "Logius"),
        ("<code>StUF058</code><plek>client</plek><omschrijving>Ongeldig BSN</omschrijving>", "registreer"),
        ("<code>X</code><omschrijving>element ontbreekt</omschrijving>", "valideer"),
        ("<code>X</code><omschrijving>geen autorisatie</omschrijving>", "autorisatie"),
        ("<code>X</code><omschrijving>zaak bestaat al</omschrijving>", "kenmerk"),
        ("<code>X</code>", "Servicecentrum"),
    ],
)
def test_a_foutbericht_says_who_must_act(body, who):
    found = read_foutbericht(f"<Fo03Bericht xmlns='urn:x'>{body}</Fo03Bericht>".encode())
    assert who in found.who.nl
    assert found.code


def test_a_foutbericht_shows_no_long_number():
    found = read_foutbericht(b"<foutbericht><omschrijving>BSN 123456782 onbekend</omschrijving></foutbericht>")
    assert "123456782" not in found.summary
    assert read_foutbericht(b"<zaakbericht/>") is None
    assert read_foutbericht(b"<foutbericht") is None


def test_every_rule_on_messages_is_named_in_a_test():
    ids = {rule for rule in rulebook().rules if rule.startswith("MSG-")}
    places = [
        *(ROOT / "tests/chaintest").glob("*.py"),
        ROOT / "tests/probes/test_msg.py",
        ROOT / "tests/lint/test_business_messages.py",
        ROOT / "harness/lab/faults/chain.py",
    ]
    named = set(re.findall(r"MSG-\d{3}", "".join(p.read_text() for p in places)))
    assert ids - named == set()
