"""MTOM and XOP: send attachments beside the envelope, and put them back byte for byte before a signature is judged."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote
from uuid import uuid4

from lxml import etree

from harness.errors import DocumentUnreadable
from harness.wire.soap import fill

XOP: Final = "http://www.w3.org/2004/08/xop/include"
INCLUDE: Final = f"{{{XOP}}}Include"
STEP: Final = 4 * 262_144
PIECE: Final = 3 * 262_144
ROOT_TYPE: Final = 'application/xop+xml; charset=utf-8; type="text/xml"'
_PARAMETER = re.compile(r""";\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^;\s]+))""")


class NotMultipart(DocumentUnreadable):
    """The body is no multipart message that can be taken apart; `case` says why."""

    def __init__(self, case: str, nl: str, en: str) -> None:
        self.case = case
        super().__init__(nl, en)


@dataclass(frozen=True, slots=True)
class MimePart:
    """One MIME part: its headers (names in lower case) and a view on its bytes, which are not copied."""

    headers: tuple[tuple[str, str], ...]
    view: memoryview

    @property
    def data(self) -> bytes:
        """The bytes, as a copy."""
        return bytes(self.view)

    def get(self, name: str) -> str:
        """Return the first header called `name`."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    @property
    def content_id(self) -> str:
        """The Content-ID without angle brackets."""
        return self.get("content-id").strip().removeprefix("<").removesuffix(">")


@dataclass(frozen=True, slots=True)
class Package:
    """A multipart/related message: the parameters of its Content-Type and its parts."""

    parameters: dict[str, str]
    parts: tuple[MimePart, ...]
    closed: bool = True

    @property
    def root(self) -> MimePart:
        """The part that `start` names, or the first."""
        start = self.parameters.get("start", "").strip().removeprefix("<").removesuffix(">")
        return next((part for part in self.parts if start and part.content_id == start), self.parts[0])

    @property
    def attachments(self) -> tuple[MimePart, ...]:
        """Every part but the root."""
        root = self.root
        return tuple(part for part in self.parts if part is not root)


@dataclass(slots=True)
class Inlined:
    """What happened when the attachments were put back: what was asked for, what was missing, what nobody asked for."""

    included: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Split a Content-Type into the media type and its parameters, both in lower case but for the values.

    >>> content_type('text/xml; charset="UTF-8"')
    ('text/xml', {'charset': 'UTF-8'})
    """
    media = value.partition(";")[0].strip().lower()
    found = _PARAMETER.findall(";" + value.partition(";")[2])
    return media, {name.lower(): quoted or single or bare for name, quoted, single, bare in found}


def unpack(body: bytes, header: str) -> Package:
    """Take a multipart body apart; exactly one line end before a boundary belongs to the boundary."""
    parameters = content_type(header)[1]
    boundary = parameters.get("boundary", "")
    if not boundary:
        raise NotMultipart(
            "boundary",
            "Content-Type multipart/related zonder boundary; voeg de parameter toe",
            "Content-Type multipart/related without boundary; add the parameter",
        )
    marks = list(_marks(body, b"--" + boundary.encode("latin-1", "replace")))
    if not marks:
        raise NotMultipart(
            "empty",
            "de boundary uit de Content-Type komt niet voor in het bericht",
            "the boundary of the Content-Type does not occur in the message",
        )
    parts: list[MimePart] = []
    closed = False
    whole = memoryview(body)
    for (_, start), following in zip(marks, [*marks[1:], (len(body), 0)], strict=True):
        if body[start : start + 2] == b"--":
            closed = True
            break
        parts.append(_part(whole[start : following[0]]))
    if not parts:
        raise NotMultipart("empty", "het multipart-bericht heeft geen delen", "the multipart message has no parts")
    return Package(parameters, tuple(parts), closed)


def _marks(body: bytes, marker: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each boundary begins, its line end before it included, and where it ends."""
    place = body.find(marker)
    while place >= 0:
        end = place + len(marker)
        if place == 0:
            yield 0, end
        elif body[place - 1 : place] == b"\n":
            yield place - (2 if body[max(place - 2, 0) : place] == b"\r\n" else 1), end
        place = body.find(marker, end)


def _part(chunk: memoryview) -> MimePart:
    lead = re.match(rb"[ \t]*\r?\n", chunk)
    chunk = chunk[lead.end() :] if lead else chunk
    cut = re.search(rb"\A\r?\n|\r?\n\r?\n", chunk)
    head, view = (bytes(chunk[: cut.start()]), chunk[cut.end() :]) if cut else (bytes(chunk), chunk[len(chunk) :])
    lines = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1")).splitlines()
    headers = tuple(
        (name.strip().lower(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon
    )
    part = MimePart(headers, view)
    if part.get("content-transfer-encoding").lower() == "base64":
        try:
            return MimePart(headers, memoryview(base64.b64decode(view)))
        except binascii.Error:
            return part
    return part


def inline(root: etree._Element, package: Package) -> Inlined:
    """Replace every xop:Include under `root` by the base64 of its part, in place."""
    outcome = Inlined()
    by_id: dict[str, list[MimePart]] = {}
    for part in package.attachments:
        by_id.setdefault(part.content_id, []).append(part)
    used: set[str] = set()
    for include in list(root.iter(INCLUDE)):
        href = include.get("href") or ""
        name = unquote(href.removeprefix("cid:"))
        found = by_id.get(name, []) if href.startswith("cid:") else []
        parent = include.getparent()
        if len(found) != 1 or parent is None:
            (outcome.doubled if len(found) > 1 else outcome.missing).append(href)
            continue
        used.add(name)
        if len(parent) != 1 or (parent.text or "").strip() or (include.tail or "").strip():
            outcome.misplaced.append(etree.QName(parent).localname)
        parent.remove(include)
        _fill(parent, found[0].view)
        outcome.included.append(name)
    outcome.orphans += [name or "(geen Content-ID)" for name in by_id if name not in used]
    return outcome


def _fill(parent: etree._Element, view: memoryview) -> None:
    parent.text = None if len(view) else ""
    fill(parent, (base64.b64encode(view[place : place + PIECE]) for place in range(0, len(view), PIECE)))


@dataclass(frozen=True, slots=True)
class Held:
    """An element whose text will travel beside the message, with the bytes behind that text."""

    element: etree._Element
    data: bytes | bytearray


def hold(element: etree._Element) -> Held:
    """Decode the text of `element` and write it anew in pieces; do so before signing, pack afterwards."""
    text = element.text or ""
    element.text = None  # the tree lets go of it before it is decoded
    data = _decoded(text)
    del text
    _fill(element, memoryview(data))
    return Held(element, data)


def _decoded(text: str) -> bytes | bytearray:
    if len(text) < STEP or re.search(r"\s", text):
        return base64.b64decode(text)
    data = bytearray()
    for place in range(0, len(text), STEP):
        data += base64.b64decode(text[place : place + STEP])
    return data


def pack(root: etree._Element, attachments: Iterable[Held]) -> tuple[bytes, str]:
    """Return body and Content-Type with `attachments` beside the envelope; `root` is changed in place. Sign first."""
    names: list[tuple[str, bytes | bytearray]] = []
    for held in attachments:
        names.append((f"{uuid4().hex}@ketentest.invalid", held.data))
        held.element.text = None
        href = "cid:" + quote(names[-1][0], safe="@.")
        etree.SubElement(held.element, INCLUDE, {"href": href}, nsmap={"xop": XOP})
    boundary, start = "uuid-" + uuid4().hex, f"root-{uuid4().hex}@ketentest.invalid"
    envelope = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    pieces: list[bytes | bytearray] = [_head(boundary, ROOT_TYPE, start, first=True), envelope]
    for name, data in names:
        pieces += [_head(boundary, "application/octet-stream", name), data]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    header = f'multipart/related; type="application/xop+xml"; start="<{start}>"; start-info="text/xml"; boundary="{boundary}"'
    return b"".join(pieces), header


def _head(boundary: str, media: str, name: str, *, first: bool = False) -> bytes:
    lead = "" if first else "\r\n"
    return (
        f"{lead}--{boundary}\r\nContent-Type: {media}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{name}>\r\n\r\n"
    ).encode()
