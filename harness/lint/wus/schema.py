"""The XSD that a message is held against: of the user's companions, or our own of a known service."""

from functools import cache
from importlib.resources import files

from lxml import etree

from harness.lint.wus.message import Message
from harness.lint.wus.service import service
from harness.model import Text
from harness.wire import soap_schema, soap_wsdl


def schema_of(msg: Message) -> tuple[etree.XMLSchema | None, Text | None]:
    """Return the schema made of the companions, or None with what is missing."""
    inline = [s for wsdl in msg.companions.wsdls for s in soap_wsdl.schemas(wsdl)]
    if not inline and not msg.companions.schemas:
        return None, None
    try:
        return soap_schema.compile_schemas(msg.companions.schemas, inline), None
    except soap_schema.SchemaUnusable as wrong:
        return None, wrong.text


@cache
def own_schema(name: str) -> etree.XMLSchema | None:
    """Return our own schema of a known service, written from the published facts; None when there is none."""
    names = service(name).schema
    folder = files("harness").joinpath("lab/wsdl")
    if not names:
        return None
    return soap_schema.compile_schemas({n: folder.joinpath(n).read_bytes() for n in names})


def complaint_text(entry: etree._LogEntry) -> str:
    """Return the complaint of libxml2 with short names: no namespaces in braces."""
    text, depth = [], 0
    for letter in entry.message:
        depth += letter == "{"
        if not depth:
            text.append(letter)
        depth -= letter == "}" and depth > 0
    return "".join(text)
