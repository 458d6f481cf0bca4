"""Validate an element against XSDs that are at hand: imports are found among them, never fetched."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from lxml import etree

from harness.errors import DocumentUnreadable
from harness.wire import xml
from harness.wire.schema_folder import compiled, relinked
from harness.wire.soap_wsdl import XSD

_XML_NS: Final = "http://www.w3.org/XML/1998/namespace"
_DRIVER: Final = "driver.xsd"
_ABSENT: Final = "absent.xsd"


class SchemaUnusable(DocumentUnreadable):
    """The schemas at hand do not make a whole; the sentence says what is missing."""


def base_name(location: str) -> str:
    """Return the file name at the end of a location, whatever kind of path it is."""
    path = location.replace("\\", "/").partition("?")[0].partition("#")[0]
    return unquote(path).rpartition("/")[2]


def compile_schemas(files: Mapping[str, bytes], roots: Sequence[etree._Element] = ()) -> etree.XMLSchema:
    """Return one schema over every target namespace in `files` (name → bytes) and in `roots` (from a WSDL).

    Raises SchemaUnusable when an import is not at hand or a schema is wrong.
    """
    return _compiled(tuple(files.items()), tuple(etree.tostring(root) for root in roots))


@lru_cache(maxsize=32)
def _compiled(named: tuple[tuple[str, bytes], ...], loose: tuple[bytes, ...]) -> etree.XMLSchema:
    """One contract goes with many messages, so its schemas are compiled once."""
    files = dict(named)
    spaces: dict[str, str] = {}
    for name, data in files.items():
        root = _root(data)
        if root is not None:
            spaces.setdefault(root.get("targetNamespace") or "", name)
    inline = {f"wsdl-types-{number}.xsd": data for number, data in enumerate(loose)}
    for name, data in inline.items():
        root = _root(data)
        if root is not None and root.get("targetNamespace"):
            spaces.setdefault(root.get("targetNamespace") or "", name)
    imports = "".join(
        f'<xs:import {f"""namespace="{space}" """ if space else ""}schemaLocation="{name}"/>'
        for space, name in spaces.items()
        if space != _XML_NS
    )
    driver = f'<xs:schema xmlns:xs="{XSD}" targetNamespace="urn:ketentest:driver">{imports}</xs:schema>'
    served, absent = _reached(driver.encode(), {base_name(name): data for name, data in {**files, **inline}.items()})
    try:
        schema = compiled(served, _DRIVER)
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as wrong:
        raise _unusable(absent, str(wrong)) from None
    if absent:  # libxml2 only warns, and then knows nothing of that namespace
        raise _unusable(absent, "")
    return schema


def _reached(driver: bytes, files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """Return the driver and every file that it draws in, under names of ours, and what is not at hand."""
    names: dict[str, str] = {}
    absent: list[str] = []

    def place(location: str) -> str:
        name = base_name(location)
        if name not in files:
            absent.append(name or location)
            return _ABSENT
        return names.setdefault(name, f"{len(names)}.xsd")

    served = {_DRIVER: relinked(driver, place), _ABSENT: b"<absent/>"}
    while waiting := [name for name, ours in names.items() if ours not in served]:
        for name in waiting:
            served[names[name]] = relinked(files[name], place)
    return served, absent


def _unusable(absent: Sequence[str], why: str) -> SchemaUnusable:
    missing = ", ".join(dict.fromkeys(absent))
    if missing:
        return SchemaUnusable(
            f"het schema is niet compleet: {missing} ontbreekt", f"incomplete schema: {missing} is absent"
        )
    return SchemaUnusable(f"het schema is onbruikbaar: {why}", f"the schema is unusable: {why}")


def _root(data: bytes) -> etree._Element | None:
    try:
        root = xml.parse(data)
    except DocumentUnreadable:
        return None
    return root if root.tag == f"{{{XSD}}}schema" else None


def is_schema(data: bytes) -> bool:
    """Whether `data` is an XML Schema."""
    return _root(data) is not None


def complaints(schema: etree.XMLSchema, element: etree._Element) -> list[etree._LogEntry]:
    """Return what the schema has against `element` where it stands, so that its namespaces stay in scope."""
    own = {n: str(v) for n, v in element.attrib.items() if str(n).startswith("{http://docs.oasis-open.org/wss/")}
    for name in own:  # an Id for the signature is no concern of the schema
        del element.attrib[name]
    try:
        return [] if schema.validate(element) else list(schema.error_log)
    finally:
        for name, value in own.items():
            element.set(name, value)
