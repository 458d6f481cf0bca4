"""A folder of XSDs is a whole or says what is missing, and nothing outside it is read."""

import re

import pytest
from lxml import etree

from harness.wire.xsd import SchemaSet, SchemasUnusable, read_folder

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def xsd(space, body, prefixes=""):
    return f'<xs:schema {XS} {prefixes} targetNamespace="{space}" elementFormDefault="qualified">{body}</xs:schema>'.encode()


def element(name, kind="xs:string"):
    return f'<xs:element name="{name}" type="{kind}"/>'


def judge(files, message):
    schemas = SchemaSet(files, "set")
    root = etree.fromstring(message)
    return [v.text.nl for v in schemas.violations(root, schemas.entry_for(root))]


def test_an_include_in_another_folder_is_found():
    files = {
        "berichten/zaak.xsd": xsd(
            "urn:a",
            '<xs:include schemaLocation="../typen/t.xsd"/><xs:element name="zaak" type="a:t"/>',
            'xmlns:a="urn:a"',
        ),
        "typen/t.xsd": xsd(
            "urn:a",
            '<xs:simpleType name="t"><xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction></xs:simpleType>',
        ),
    }
    assert judge(files, b'<zaak xmlns="urn:a">abc</zaak>') == []
    assert "te lang" in judge(files, b'<zaak xmlns="urn:a">abcd</zaak>')[0]


def test_a_flattened_folder_still_makes_a_whole():
    files = {
        "zaak.xsd": xsd(
            "urn:a",
            '<xs:import namespace="urn:b" schemaLocation="../../b/1.0/b.xsd"/><xs:element name="zaak" type="b:t"/>',
            'xmlns:b="urn:b"',
        ),
        "b.xsd": xsd("urn:b", '<xs:simpleType name="t"><xs:restriction base="xs:int"/></xs:simpleType>'),
    }
    assert judge(files, b'<zaak xmlns="urn:a">1</zaak>') == []


def test_a_namespace_in_two_files_is_imported_as_one():
    files = {
        "m.xsd": xsd(
            "urn:m",
            '<xs:import namespace="urn:b" schemaLocation="b1.xsd"/><xs:import namespace="urn:b" schemaLocation="b2.xsd"/><xs:element name="m"><xs:complexType><xs:sequence><xs:element ref="b:een"/><xs:element ref="b:twee"/></xs:sequence></xs:complexType></xs:element>',
            'xmlns:b="urn:b"',
        ),
        "b1.xsd": xsd("urn:b", element("een")),
        "b2.xsd": xsd("urn:b", element("twee")),
    }
    assert judge(files, b'<m xmlns="urn:m"><een xmlns="urn:b">1</een><twee xmlns="urn:b">2</twee></m>') == []


@pytest.mark.parametrize(
    "location", ["http://elders.example/b.xsd", "file:///etc/passwd", "/etc/passwd", "../../../etc/passwd", "b.xsd"]
)
def test_what_is_not_in_the_folder_is_never_read(location):
    files = {
        "a.xsd": xsd(
            "urn:a",
            f'<xs:import namespace="urn:b" schemaLocation="{location}"/><xs:element name="a" type="b:t"/>',
            'xmlns:b="urn:b"',
        )
    }
    with pytest.raises(SchemasUnusable, match=re.escape(location)) as told:
        judge(files, b'<a xmlns="urn:a"/>')
    assert told.value.text.nl.startswith("a.xsd:1")


def test_an_import_of_the_xml_namespace_needs_no_file():
    files = {
        "a.xsd": xsd(
            "urn:a",
            '<xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="http://www.w3.org/2001/xml.xsd"/><xs:element name="a"><xs:complexType><xs:attribute ref="xml:lang"/></xs:complexType></xs:element>',
        )
    }
    assert judge(files, b'<a xmlns="urn:a" xml:lang="nl"/>') == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<xs:schema", "a.xsd"),
        (b"", "leeg"),
        (b"<!DOCTYPE a []><a/>", "DOCTYPE"),
        (b"<html/>", "geen XML Schema"),
        (xsd("urn:a", '<xs:element name="a" type="xs:bestaatniet"/>'), "a.xsd"),
        (
            xsd("urn:a", '<xs:element name="a"><xs:complexType><xs:assert test="1"/></xs:complexType></xs:element>'),
            "XSD 1.1",
        ),
    ],
)
def test_a_broken_schema_is_one_sentence(data, said):
    files = {"a.xsd": data, "b.xsd": xsd("urn:b", '<xs:include schemaLocation="a.xsd"/>' + element("b"))}
    with pytest.raises(SchemasUnusable) as told:
        SchemaSet(files).schema("a.xsd" if data.strip() else "b.xsd")
    assert said in told.value.text.nl


def test_the_entry_is_the_file_that_includes_the_one_that_declares():
    files = {
        "alles.xsd": xsd("urn:a", '<xs:include schemaLocation="deel.xsd"/>' + element("anders")),
        "deel.xsd": xsd("urn:a", '<xs:element name="zaak"/>'),
    }
    assert SchemaSet(files).entry_for(etree.fromstring('<zaak xmlns="urn:a"/>')) == "alles.xsd"


def test_the_digest_changes_with_a_name_or_a_byte():
    one = SchemaSet({"a.xsd": b"1"}).digest
    assert len({one, SchemaSet({"b.xsd": b"1"}).digest, SchemaSet({"a.xsd": b"2"}).digest}) == 3


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    outside = tmp_path / "buiten.xsd"
    outside.write_bytes(xsd("urn:x", element("x")))
    room = tmp_path / "xsd"
    room.mkdir()
    (room / "binnen.xsd").write_bytes(xsd("urn:a", element("a")))
    (room / "buiten.xsd").symlink_to(outside)
    assert list(read_folder(room).files) == ["binnen.xsd"]


def test_an_empty_folder_and_a_zip_are_told_apart(tmp_path):
    (tmp_path / "leeg").mkdir()
    (tmp_path / "a.zip").write_bytes(b"PK")
    for name, said in (("leeg", "geen XSD"), ("a.zip", "pak"), ("weg", "geen map")):
        with pytest.raises(SchemasUnusable, match=said):
            read_folder(tmp_path / name)


def test_a_complaint_never_shows_a_long_number():
    files = {
        "a.xsd": xsd(
            "urn:a",
            '<xs:element name="bsn"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="3"/><xs:pattern value="x"/></xs:restriction></xs:simpleType></xs:element>',
        )
    }
    assert not any("123456789" in text for text in judge(files, b'<bsn xmlns="urn:a">123456789</bsn>'))
