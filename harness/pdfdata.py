"""Tell which people and programs a PDF names in its metadata; the file stays as it is, for it may be signed."""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from lxml import etree

from harness.errors import KetentestError
from harness.masking import Masker
from harness.model import Text
from harness.wire import xml

PDF: Final = b"%PDF-"
MOST: Final = 32 * 1024 * 1024
"""So many bytes are inflated in search of metadata, and no more."""
LONGEST: Final = 80
MOST_NAMED: Final = 8

_FIELDS: Final[Mapping[str, Text]] = {
    "Author": Text("auteur", "author"),
    "Manager": Text("beheerder", "manager"),
    "Company": Text("organisatie", "company"),
    "Creator": Text("gemaakt met", "made with"),
    "Producer": Text("geschreven door", "written by"),
    "Title": Text("titel", "title"),
    "Subject": Text("onderwerp", "subject"),
    "Keywords": Text("trefwoorden", "keywords"),
}
_XMP: Final[Mapping[str, str]] = {
    "{http://purl.org/dc/elements/1.1/}creator": "Author",
    "{http://purl.org/dc/elements/1.1/}title": "Title",
    "{http://purl.org/dc/elements/1.1/}description": "Subject",
    "{http://purl.org/dc/elements/1.1/}subject": "Keywords",
    "{http://ns.adobe.com/xap/1.0/}CreatorTool": "Creator",
    "{http://ns.adobe.com/pdf/1.3/}Producer": "Producer",
    "{http://ns.adobe.com/pdf/1.3/}Keywords": "Keywords",
}
_INFO: Final = re.compile(rb"/Info\s+(\d{1,10})\s+\d{1,5}\s+R")
_XMP_AT: Final = re.compile(rb"/Metadata\s+(\d{1,10})\s+\d{1,5}\s+R")
_OBJECT: Final = re.compile(rb"(?<!\d)(\d{1,10})\s+\d{1,5}\s+obj\b")
_STREAM: Final = re.compile(rb"stream\r?\n")
_FIRST: Final = re.compile(rb"/First\s+(\d{1,10})")
_ENTRY: Final = re.compile(
    rb"/(%s)\s*(\((?:[^\\()]|\\[\s\S]|\((?:[^\\()]|\\[\s\S])*\))*\)|<[0-9A-Fa-f\s]*>)" % "|".join(_FIELDS).encode()
)
_PACKET: Final = re.compile(rb"<(x:xmpmeta|rdf:RDF)\b.*?</\1>", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|[\s\S])")
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def is_pdf(data: bytes) -> bool:
    """Whether the bytes begin as a PDF."""
    return data.startswith(PDF)


def named(data: bytes) -> tuple[tuple[str, str], ...]:
    """Return what the document information and the XMP of a PDF name, as (field, value), each once."""
    wanted = {int(found[1]) for found in _INFO.finditer(data)}
    found: dict[tuple[str, str], None] = {}
    for number, body in _objects(data):
        if number in wanted:
            found |= dict.fromkeys((entry[1].decode(), _text(entry[2])) for entry in _ENTRY.finditer(body))
        for packet in _PACKET.finditer(body):
            found |= dict.fromkeys(_of_xmp(packet[0]))
    return tuple(sorted(((k, v) for k, v in found if v), key=lambda pair: list(_FIELDS).index(pair[0])))


def told(name: str, data: bytes) -> Text | None:
    """Return one sentence on the metadata of a PDF of evidence; None when it names nobody and nothing."""
    if not is_pdf(data):
        return None
    if b"/Encrypt" in data[-4096:] or re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", data):
        return Text(
            f"{name} is versleuteld: welke metadata erin staat, is niet te lezen",
            f"{name} is encrypted: what metadata it holds cannot be read",
        )
    pairs = [(key, Masker().text(value)[:LONGEST]) for key, value in named(data)][:MOST_NAMED]
    if not pairs:
        return None
    dutch, english = (", ".join(f"{_FIELDS[key].of(lang)} {value}" for key, value in pairs) for lang in ("nl", "en"))
    return Text(
        f"{name} houdt zijn metadata ({dutch}): een PDF blijft zoals hij is, want hij kan ondertekend zijn. "
        "Maak hem opnieuw zonder metadata als dit niet mee mag",
        f"{name} keeps its metadata ({english}): a PDF stays as it is, for it may be signed. "
        "Make it again without metadata when this may not come along",
    )


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of every object, also of those inside compressed streams; damage ends one object only."""
    budget = MOST
    beside = {int(found[1]) for found in _XMP_AT.finditer(data)}
    for start, after in pairwise((*_OBJECT.finditer(data), None)):
        if start is None:
            return
        body = data[start.end() : after.start() if after else len(data)]
        stream = _STREAM.search(body)
        if stream is None:
            yield int(start[1]), body
            continue
        head = body[: stream.start()]
        packed = b"/Filter" in head
        if packed and b"/ObjStm" not in head and b"/Metadata" not in head and int(start[1]) not in beside:
            continue
        inside = _inflated(body[stream.end() :], budget) if packed else body[stream.end() :]
        budget -= len(inside)
        yield from _packed(head, inside) if b"/ObjStm" in head else ((int(start[1]), inside),)


def _inflated(body: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, max(most, 1))
    except zlib.error:
        return b""


def _packed(head: bytes, inside: bytes) -> Iterator[tuple[int, bytes]]:
    first = _FIRST.search(head)
    if first is None:
        return
    base = int(first[1])
    listed = inside[:base].split()
    try:
        pairs = [(int(a), int(b)) for a, b in zip(listed[::2], listed[1::2], strict=True)]
    except ValueError:
        return
    for (number, offset), (_, end) in pairwise((*pairs, (0, len(inside)))):
        yield number, inside[base + offset : base + end]


def _text(raw: bytes) -> str:
    if raw.startswith(b"<"):
        digits = re.sub(rb"\s", b"", raw[1:-1])
        plain = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        plain = _ESCAPE.sub(_unescaped, raw[1:-1])
    if plain.startswith((b"\xfe\xff", b"\xff\xfe")):
        return _line(plain.decode("utf-16", "replace"))
    return _line(
        plain.removeprefix(b"\xef\xbb\xbf").decode("utf-8" if plain[:3] == b"\xef\xbb\xbf" else "latin-1", "replace")
    )


def _unescaped(found: re.Match[bytes]) -> bytes:
    mark = found[1]
    if mark[:1].isdigit():
        return bytes([int(mark, 8) & 0xFF])
    return b"" if mark in (b"\n", b"\r", b"\r\n") else _ESCAPED.get(mark, mark)


def _of_xmp(packet: bytes) -> Iterator[tuple[str, str]]:
    try:
        root = xml.parse(packet)
    except KetentestError:
        return
    for element in root.iter(etree.Element):
        for tag, value in (*element.attrib.items(), (element.tag, _words(element.itertext()))):
            if str(tag) in _XMP and value:
                yield _XMP[str(tag)], _line(str(value))


def _words(parts: Iterable[object]) -> str:
    return ", ".join(word for part in parts if (word := str(part).strip()))


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
