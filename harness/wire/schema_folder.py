"""Compile an XML Schema from a folder of its own, so that no other thread can come between it and its imports.

libxml2 asks one loader, of the whole process, for the file of an import, and every parse in another thread may exchange
that loader meanwhile. A file that stands on disk is found by any of them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lxml import etree

_XS: Final = "http://www.w3.org/2001/XMLSchema"
_LINKS: Final = tuple(f"{{{_XS}}}{kind}" for kind in ("import", "include", "redefine"))


def compiled(files: Mapping[str, bytes], entry: str) -> etree.XMLSchema:
    """Return the schema that begins at `entry`; links lead to other names in `files`, which are plain file names of ours.

    Raises etree.XMLSchemaParseError or etree.XMLSyntaxError for a schema that is wrong.
    """
    with TemporaryDirectory(prefix="ketentest-") as place:
        folder = Path(place)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
        return etree.XMLSchema(etree.parse(str(folder / entry), parser))


def relinked(data: bytes, place: Callable[[str], str]) -> bytes:
    """Return a schema of which every link that has a location leads to what `place` makes of it; broken XML as it is."""
    try:
        root = etree.fromstring(data, etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False))
    except etree.XMLSyntaxError:
        return data
    for node in root.iterchildren(*_LINKS):
        location = node.get("schemaLocation")
        if location is not None:
            node.set("schemaLocation", place(location))
    return etree.tostring(root)
