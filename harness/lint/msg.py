"""Judge business messages against the XSDs that the user received, and that set itself."""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from harness.lint.judge import Raw
from harness.model import Finding, Text
from harness.wire import soap, xml
from harness.wire.xsd import SchemaSet, SchemasUnusable

XBRL: Final = "http://www.xbrl.org/2003/instance"
_LINKBASE: Final = "http://www.xbrl.org/2003/linkbase"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
MOST: Final = 20
"""How many findings of one kind are told about one document."""
COMPILED: Final = 300
"""A set of at most this many files is compiled as a whole; of a larger one only what a message needs."""


def judge_set(schemas: SchemaSet) -> Iterator[Finding]:
    """Yield what keeps the set from being a whole."""
    taxonomy = any(link.namespace == XBRL for links in schemas.links.values() for link in links)
    for name, (text, line) in list(schemas.broken.items())[:MOST]:
        yield Finding("MSG-001", observed=text, where=name, line=line)
    remote = [link for links in schemas.links.values() for link in links if link.remote and link.location]
    if remote:
        places = ", ".join(dict.fromkeys(link.location for link in remote[:5]))
        yield Finding("MSG-002", observed=places, where=remote[0].file, line=remote[0].line)
    absent = [link for link in schemas.absent if not (taxonomy and link.remote)]
    for link in absent[:MOST]:
        observed = Text(f"{link.location} ontbreekt", f"{link.location} is absent")
        yield Finding("MSG-001", observed=observed, where=link.file, line=link.line)
    if absent or schemas.broken or len(schemas.files) > COMPILED:
        return
    for entry in _tops(schemas):
        try:
            schemas.schema(entry)
        except SchemasUnusable as wrong:
            yield Finding("MSG-001", observed=wrong.text, where=entry)


def _tops(schemas: SchemaSet) -> list[str]:
    """Return the files that no other file draws in; every file when they all draw each other in."""
    drawn = {link.target for name, links in schemas.links.items() for link in links if link.target != name}
    return [name for name in schemas.roots if name not in drawn] or list(schemas.roots)


def judge_message(raw: Raw, schemas: SchemaSet) -> Iterator[Finding]:
    """Yield where one message departs from the set: a bare message, or one in a SOAP envelope."""
    try:
        root = xml.parse(raw.data, huge=True)
    except xml.XmlBroken as broken:
        yield Finding("MSG-003", case=broken.case, observed=broken.text, where=raw.name, line=broken.line)
        return
    encoding = (root.getroottree().docinfo.encoding or "UTF-8").upper()
    if encoding not in ("UTF-8", "ASCII", "US-ASCII"):
        yield Finding("MSG-006", observed=encoding, expected="UTF-8", where=raw.name, line=1)
    message = payload_of(root)
    if message is None:
        yield Finding("MSG-003", case="empty", observed=Text("de Body is leeg", "the Body is empty"), where=raw.name)
    elif message.tag == f"{{{XBRL}}}xbrl":
        yield from _entry_point(message, raw.name, schemas)
    else:
        yield from _against(message, raw.name, schemas)


def payload_of(root: etree._Element) -> etree._Element | None:
    """Return the message itself: the root, or what is in the Body of a SOAP envelope."""
    if root.tag != f"{{{soap.SOAP}}}Envelope":
        return root
    return soap.Envelope(root).payload


def _against(message: etree._Element, name: str, schemas: SchemaSet) -> Iterator[Finding]:
    entry = schemas.entry_for(message)
    if not entry:
        yield _unknown(message, name, schemas)
        return
    try:
        found = schemas.violations(message, entry)
    except SchemasUnusable as wrong:
        yield Finding("MSG-001", observed=wrong.text, where=entry)
        return
    for one in found[:MOST]:
        yield Finding("MSG-005", observed=one.text, where=f"{name}{one.path}", line=one.line)


def _unknown(message: etree._Element, name: str, schemas: SchemaSet) -> Finding:
    qname = etree.QName(message)
    shown = f"{{{qname.namespace or ''}}}{qname.localname}"
    names = tuple(schemas.elements) if len(schemas.elements) < 2000 else ()
    near = next(iter(difflib.get_close_matches(shown, names, n=1, cutoff=0.5)), "")
    known = ", ".join(s for s in list(schemas.namespaces)[:5] if s)
    expected = near or Text(f"een element uit {known or 'de XSD’s'}", f"an element of {known or 'the XSDs'}")
    return Finding("MSG-004", observed=shown, expected=expected, where=name, line=message.sourceline)


def _entry_point(message: etree._Element, name: str, schemas: SchemaSet) -> Iterator[Finding]:
    hrefs = [ref.get(_HREF, "") for ref in message.iterchildren(f"{{{_LINKBASE}}}schemaRef")]
    for href in hrefs or [""]:
        file = href.rpartition("/")[2]
        if file and any(n == file or n.endswith(f"/{file}") for n in schemas.files):
            yield Finding("MSG-011", observed=file, where=name)
        else:
            yield Finding("MSG-012", observed=href or Text("geen schemaRef", "no schemaRef"), where=name)


def kind_of(data: bytes) -> str:
    """Return what a message looks like: `foutbericht`, `vraagbericht`, `bericht`, or an empty string when unreadable."""
    try:
        message = payload_of(xml.parse(data, huge=True))
    except xml.XmlBroken:
        return ""
    name = etree.QName(message).localname if message is not None else ""
    if re.search(r"(?i)fout|error", name) or re.fullmatch(r"Fo\d\d(?:Bericht)?", name):
        return "foutbericht"
    return "vraagbericht" if re.search(r"(?i)vraag(?!Response)", name) else "bericht"


def judge_kinds(kinds: Iterable[str]) -> Iterator[Finding]:
    """Yield which kind of sample is missing: what goes out, and the error message that comes in (LZ 4.3.6)."""
    found = set(kinds)
    if not found - {"foutbericht", ""}:
        observed = Text("geen uitgaand zaakbericht", "no outgoing case message")
        yield Finding("MSG-008", case="outgoing", observed=observed, where="samples")
    if "foutbericht" not in found:
        observed = Text("geen inkomend foutbericht", "no incoming error message")
        yield Finding("MSG-008", case="incoming", observed=observed, where="samples")
