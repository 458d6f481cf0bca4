"""Validate a message against a folder of XSDs that the user received; nothing outside that folder is read."""

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files as package_files
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from harness.errors import DocumentUnreadable
from harness.model import Text
from harness.wire import xml
from harness.wire.grammar import Violation, violation
from harness.wire.schema_folder import compiled

XS: Final = "http://www.w3.org/2001/XMLSchema"
MAX_FILES: Final = 20_000
MAX_BYTES: Final = 256 * 1024 * 1024
_LINKS: Final = ("include", "import", "redefine", "override")
_OURS: Final = {
    "http://www.w3.org/XML/1998/namespace": "xml.xsd",
    "http://www.w3.org/1999/xlink": "xlink.xsd",
}
_NEWER: Final = ("assert", "alternative", "openContent", "defaultOpenContent", "override")
_LOCK: Final = Lock()  # a schema keeps the errors of its last document


class SchemasUnusable(DocumentUnreadable):
    """The folder does not make a whole; the sentence says which file, which line and what is missing."""


@dataclass(frozen=True, slots=True)
class Link:
    """One include or import: where it stands, what it names, and the file of the set that it leads to (or none)."""

    file: str
    line: int | None
    kind: str
    location: str
    namespace: str
    target: str

    @property
    def remote(self) -> bool:
        """Whether it points out of the folder, to the internet or to a disk."""
        return _is_remote(self.location)


@dataclass(frozen=True)
class SchemaSet:
    """The XSDs of one folder by relative name; compiled per message, from the file that declares its root element."""

    files: Mapping[str, bytes]
    name: str = ""
    _compiled: dict[str, etree.XMLSchema] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 over the names and the contents of all files."""
        whole = hashlib.sha256()
        for name in sorted(self.files):
            whole.update(name.encode() + b"\0" + hashlib.sha256(self.files[name]).digest())
        return whole.hexdigest()

    @cached_property
    def roots(self) -> dict[str, etree._Element]:
        """The root element of every file that is an XML Schema."""
        return {name: root for name, root in self._parsed.items() if not isinstance(root, tuple)}

    @cached_property
    def broken(self) -> dict[str, tuple[Text, int | None]]:
        """What is wrong with each file that is no schema, with its line."""
        return {name: found for name, found in self._parsed.items() if isinstance(found, tuple)}

    @cached_property
    def _parsed(self) -> dict[str, etree._Element | tuple[Text, int | None]]:
        return {name: _parsed(data) for name, data in self.files.items()}

    @cached_property
    def namespaces(self) -> dict[str, list[str]]:
        """The files of each target namespace."""
        found: dict[str, list[str]] = {}
        for name, root in self.roots.items():
            found.setdefault(root.get("targetNamespace", ""), []).append(name)
        return found

    @cached_property
    def elements(self) -> dict[str, list[str]]:
        """The files that declare each global element, as `{namespace}name`."""
        found: dict[str, list[str]] = {}
        for name, root in self.roots.items():
            space = root.get("targetNamespace", "")
            for child in root.iterchildren(f"{{{XS}}}element"):
                found.setdefault(f"{{{space}}}{child.get('name', '')}", []).append(name)
        return found

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """The version attributes that the schemas carry."""
        return tuple(sorted({root.get("version", "") for root in self.roots.values()} - {""}))

    @cached_property
    def links(self) -> dict[str, list[Link]]:
        """The includes and imports of each file, resolved within the set."""
        return {name: list(self._links(name, root)) for name, root in self.roots.items()}

    def _links(self, name: str, root: etree._Element) -> Iterator[Link]:
        for node in root.iterchildren(*(f"{{{XS}}}{kind}" for kind in _LINKS)):
            location, space = node.get("schemaLocation", ""), node.get("namespace", "")
            target = self._target(name, location, space)
            yield Link(name, node.sourceline, etree.QName(node).localname, location, space, target)

    def _target(self, name: str, location: str, space: str) -> str:
        """Return the file that a location leads to: relative to the one that names it, or the only one so called."""
        if not location:
            return next(iter(self.namespaces.get(space, ())), "")
        path = unquote(urlsplit(location).path if _is_remote(location) else location.partition("#")[0])
        path = path.replace("\\", "/")
        if not _is_remote(location):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if beside in self.files:
                return beside
        called = [n for n in self.files if posixpath.basename(n).lower() == posixpath.basename(path).lower()]
        if len(called) > 1 and space:
            called = [n for n in called if n in self.namespaces.get(space, ())]
        return called[0] if len(called) == 1 else ""

    @property
    def absent(self) -> list[Link]:
        """The links that lead to no file of the set, and that the product does not bring itself."""
        every = (link for links in self.links.values() for link in links)
        return [link for link in every if not link.target and link.namespace not in _OURS and link.location]

    def entry_for(self, element: etree._Element) -> str:
        """Return the file to validate `element` with: of those that declare it, the one that holds most of the set."""
        found = self.elements.get(_clark(element), [])
        space = etree.QName(element).namespace or ""
        including = [n for n in self.namespaces.get(space, []) if set(found) & set(self._within(n, same=True))]
        candidates = including or found
        return max(candidates, key=lambda n: (len(self._within(n)), -len(n), n), default="")

    def _within(self, entry: str, *, same: bool = False) -> list[str]:
        """Return the files that `entry` draws in, itself first; `same` follows includes only."""
        seen, queue = [entry], [entry]
        while queue:
            for link in self.links.get(queue.pop(0), ()):
                if link.target and link.target not in seen and not (same and link.kind == "import"):
                    seen.append(link.target)
                    queue.append(link.target)
        return seen

    def schema(self, entry: str) -> etree.XMLSchema:
        """Return the compiled schema that begins at `entry`; raises SchemasUnusable with the place in the folder."""
        if entry not in self._compiled:
            self._compiled[entry] = self._compile(entry)
        return self._compiled[entry]

    def _compile(self, entry: str) -> etree.XMLSchema:
        needed = self._within(entry)
        for name in needed:
            if name not in self.roots:
                text, line = self.broken[name]
                raise _at(name, line, text)
            missing = next(
                (k for k in self.links[name] if not k.target and k.location and k.namespace not in _OURS), None
            )
            if missing is not None:
                raise _missing(missing)
        try:
            return _build(self, entry, needed, merged=False)
        except etree.XMLSchemaParseError as wrong:
            try:
                return _build(self, entry, needed, merged=True)
            except etree.XMLSchemaParseError:
                raise self._wrong(wrong, needed) from None

    def _wrong(self, wrong: etree.XMLSchemaParseError, needed: list[str]) -> SchemasUnusable:
        first = next((e for e in wrong.error_log if e.message), None)
        place = re.search(r"(?:^|/)(\d+)\.xsd$", first.filename or "") if first is not None else None
        name = list(self.files)[int(place[1])] if place else needed[0]
        newer = next((n for n in needed for tag in _NEWER if self.roots[n].find(f".//{{{XS}}}{tag}") is not None), "")
        if newer:
            return _at(
                newer, None, Text("dit is XSD 1.1; ketentest leest XSD 1.0", "this is XSD 1.1; ketentest reads XSD 1.0")
            )
        message = plain(first.message if first is not None else str(wrong))
        return _at(name, first.line if first is not None else None, Text(message, message))

    def violations(self, element: etree._Element, entry: str) -> list[Violation]:
        """Return where `element` departs from the schema that begins at `entry`, in words with its line."""
        schema = self.schema(entry)
        with _LOCK:
            if schema.validate(element):
                return []
            log = [(e.line, re.sub(r"(?<=/)[\w.-]+:", "", e.path or ""), e.message) for e in schema.error_log]
        return [violation(line, path, without_digits(message)) for line, path, message in log]


def read_folder(folder: Path) -> SchemaSet:
    """Return the XSDs under `folder`; raises SchemasUnusable when it is no folder, empty, or too large."""
    if folder.is_file() and folder.suffix.lower() == ".zip":
        raise SchemasUnusable(
            f"{folder.name}: pak het zipbestand eerst uit en noem de map",
            f"{folder.name}: unpack the zip and name the folder",
        )
    if not folder.is_dir():
        raise SchemasUnusable(f"{folder}: geen map met XSD's", f"{folder}: no folder with XSDs")
    room, size = folder.resolve(), 0
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() != ".xsd" or not path.is_file() or not path.resolve().is_relative_to(room):
            continue
        size += path.stat().st_size
        if len(found) >= MAX_FILES or size > MAX_BYTES:
            raise SchemasUnusable(
                f"{folder.name}: meer dan {MAX_FILES} XSD's of 256 MB; noem de map van de berichtstroom die u test",
                f"{folder.name}: more than {MAX_FILES} XSDs or 256 MB; name the folder of the message flow that you test",
            )
        found[path.relative_to(folder).as_posix()] = path.read_bytes()
    if not found:
        raise SchemasUnusable(
            f"{folder}: er staat geen XSD in deze map of haar onderliggende mappen",
            f"{folder}: there is no XSD in this folder",
        )
    return SchemaSet(found, folder.name)


def _parsed(data: bytes) -> etree._Element | tuple[Text, int | None]:
    try:
        root = xml.parse(data)
    except xml.XmlBroken as wrong:
        return wrong.text, wrong.line
    if root.tag != f"{{{XS}}}schema":
        return Text("is geen XML Schema", "is no XML Schema"), root.sourceline
    return root


def _is_remote(location: str) -> bool:
    return bool(re.match(r"(?i)[a-z][a-z0-9+.-]+:", location)) or location.startswith(("/", "\\"))


def _clark(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{{{name.namespace or ''}}}{name.localname}"


def _build(schemas: SchemaSet, entry: str, needed: list[str], *, merged: bool) -> etree.XMLSchema:
    numbers = {name: f"{number}.xsd" for number, name in enumerate(schemas.files)}
    served = {f"ours-{name}": _own(name) for name in _OURS.values()}
    together = _together(schemas, needed, numbers) if merged else {}
    for space, (location, data) in together.items():
        served[location] = data
        numbers |= {f"\0{space}": location}
    for name in needed:
        served[numbers[name]] = _relinked(schemas, name, numbers)
    return compiled(served, numbers[entry])


def _own(name: str) -> bytes:
    data = package_files("harness").joinpath("schemas", name).read_bytes()
    return data.replace(b'schemaLocation="xml.xsd"', b'schemaLocation="ours-xml.xsd"')


def _relinked(schemas: SchemaSet, name: str, numbers: Mapping[str, str]) -> bytes:
    """Return a schema of which every link leads to the file that was found for it."""
    root = etree.fromstring(schemas.files[name], etree.XMLParser(resolve_entities=False, no_network=True))
    nodes = list(root.iterchildren(*(f"{{{XS}}}{kind}" for kind in _LINKS)))
    for node, link in zip(nodes, schemas.links[name], strict=True):
        if link.kind == "import" and f"\0{link.namespace}" in numbers:
            node.set("schemaLocation", numbers[f"\0{link.namespace}"])
        elif link.target:
            node.set("schemaLocation", numbers[link.target])
        elif link.namespace in _OURS:
            node.set("schemaLocation", f"ours-{_OURS[link.namespace]}")
    return etree.tostring(root)


def _together(schemas: SchemaSet, needed: list[str], numbers: Mapping[str, str]) -> dict[str, tuple[str, bytes]]:
    """Return one schema per namespace that is imported from several files: libxml2 reads the first import only."""
    wanted: dict[str, list[str]] = {}
    for name in needed:
        for link in schemas.links[name]:
            if link.kind == "import" and link.target and link.target not in wanted.setdefault(link.namespace, []):
                wanted[link.namespace].append(link.target)
    found = {}
    for number, (space, names) in enumerate(sorted(wanted.items())):
        if len(names) > 1:
            lines = "".join(f'<xs:include schemaLocation="{numbers[n]}"/>' for n in names)
            data = f'<xs:schema xmlns:xs="{XS}" targetNamespace="{space}">{lines}</xs:schema>'
            found[space] = (f"together-{number}.xsd", data.encode())
    return found


def _at(name: str, line: int | None, text: Text) -> SchemasUnusable:
    place = f"{name}:{line}" if line else name
    return SchemasUnusable(f"{place}: {text.nl}", f"{place}: {text.en}")


def _missing(link: Link) -> SchemasUnusable:
    what = link.location or link.namespace
    if link.remote:
        return _at(
            link.file, link.line,
            Text(
                f"verwijst naar {what}; ketentest haalt niets op. Zet dat bestand in de map",
                f"refers to {what}; ketentest fetches nothing. Put that file in the folder",
            ),
        )  # fmt: skip
    return _at(link.file, link.line, Text(f"{what} ontbreekt in de map", f"{what} is absent from the folder"))


def plain(message: str) -> str:
    """Return a complaint of libxml2 with short names: no namespaces in braces."""
    return re.sub(r"\{[^{}]*\}", "", message).strip().rstrip(".")


def without_digits(message: str) -> str:
    """Return a complaint in which no long number is left: it may be a BSN.

    >>> without_digits("'123456782' is not a valid value")
    "'#########' is not a valid value"
    """
    return re.sub(r"\d{8,}", lambda found: "#" * len(found[0]), message)
