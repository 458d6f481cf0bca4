"""Write at the end of a PDF what each of its parts hashes to, so that whoever verifies it can name what changed.

typst writes plain objects with a classic cross-reference table; one more object and table follow, as in any update of a
PDF. They depend on nothing but the bytes before them.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_OBJECT: Final = re.compile(rb"(?<=\n)(\d+) 0 obj\b")
_LIST: Final = re.compile(rb"(\d+) 0 obj\n<</Type/KetentestParts/Base (\d{1,12})/Length (\d{1,12})>>\nstream\n")
_TRAILER: Final = re.compile(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*\Z", re.DOTALL)
_PAGE: Final = re.compile(rb"/Type/Page(?!s)\b.*?/Contents (\d+) 0 R", re.DOTALL)
_KINDS: Final = (
    (b"/Type/EmbeddedFile", "json"),
    (b"/Type/Filespec", "json"),
    (b"/Type/Metadata", "metadata"),
    (b"/Producer", "metadata"),
    (b"/FontFile", "font"),
    (b"/Type/Font", "font"),
    (b"/CIDInit", "font"),
    (b"/Type/Outlines", "outline"),
    (b"/Title", "outline"),
    (b"/Subtype/Image", "picture"),
    (b"/Subtype/Form", "picture"),
)
DIGITS: Final = 16
MOST: Final = 200_000_000


class Part(NamedTuple):
    """A stretch of the file: what it is, how long it is, and the start of its SHA-256."""

    kind: str
    length: int
    digest: str


class Change(NamedTuple):
    """The first part that differs, and where it begins."""

    kind: str
    offset: int


def with_parts(pdf: bytes) -> bytes:
    """Return the PDF followed by the list of its parts; the bytes of `pdf` stay as they are."""
    base = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    return base + _tail(base)


def _tail(base: bytes) -> bytes:
    trailer = _TRAILER.search(base[-2048:])
    if trailer is None:
        return b""
    entries, before = trailer[1], trailer[2]
    size = int((re.search(rb"/Size (\d+)", entries) or [b"", b"0"])[1])
    body = zlib.compress("\n".join(f"{p.kind} {p.length} {p.digest}" for p in _parts(base)).encode(), 9)
    head = b"%d 0 obj\n<</Type/KetentestParts/Base %d/Length %d>>\nstream\n" % (size, len(base), len(body))
    listed = head + body + b"\nendstream\nendobj\n"
    table = b"xref\n%d 1\n%010d 00000 n\r\n" % (size, len(base))
    entries = re.sub(rb"/Size \d+", b"/Size %d" % (size + 1), entries)
    end = b"trailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (entries, before, len(base) + len(listed))
    return listed + table + end


def _parts(base: bytes) -> Iterator[Part]:
    """Yield the parts in the order of the file; neighbours of one kind are one part."""
    kind, start = "head", 0
    for name, offset in _starts(base):
        if name != kind:
            yield _part(kind, base[start:offset])
            kind, start = name, offset
    yield _part(kind, base[start:])


def _part(kind: str, data: bytes) -> Part:
    return Part(kind, len(data), hashlib.sha256(data).hexdigest()[:DIGITS])


def _starts(base: bytes) -> Iterator[tuple[str, int]]:
    found = [(int(m[1]), m.start()) for m in _OBJECT.finditer(base)]
    table = base.rfind(b"\nxref\n") + 1
    ends = [offset for _, offset in found[1:]] + [table or len(base)]
    pages = _pages(base, found, ends)
    for (number, offset), end in zip(found, ends, strict=True):
        yield _kind(number, base[offset:end], pages), offset
    if table:
        yield "table", table


def _pages(base: bytes, found: list[tuple[int, int]], ends: list[int]) -> Mapping[int, int]:
    """Return the page on which an object stands: page objects and their contents."""
    pages: dict[int, int] = {}
    number = 0
    for (ident, offset), end in zip(found, ends, strict=True):
        if end - offset < 4096 and (page := _PAGE.search(base, offset, end)):
            number += 1
            pages[ident] = pages[int(page[1])] = number
    return pages


def _kind(number: int, data: bytes, pages: Mapping[int, int]) -> str:
    if number in pages:
        return f"page-{pages[number]}"
    head = data[:1200].split(b"stream", 1)[0]
    if b"/StructElem" in head or b"/Type/StructTreeRoot" in head:
        on = re.search(rb"/Pg (\d+) 0 R", head)
        return f"page-{pages[int(on[1])]}" if on and int(on[1]) in pages else "structure"
    return next((kind for mark, kind in _KINDS if mark in head), "object")


def known(pdf: bytes) -> bool:
    """Whether the file holds a list of parts."""
    return _LIST.search(pdf) is not None


def end_of(pdf: bytes) -> int:
    """Return where the report with its list ends; what follows was added later (a signature, or something else)."""
    found = _LIST.search(pdf)
    if found is None:
        return len(pdf)
    base = int(found[2])
    return base + len(_tail(pdf[:base]))


def first_change(pdf: bytes) -> Change | None:
    """Return the first part that is not what it was; None when all are, or when the file holds no list of parts."""
    found = _LIST.search(pdf)
    if found is None:
        return None
    base, size = int(found[2]), int(found[3])
    offset = 0
    for part in _listed(pdf[found.end() : found.end() + size]):
        if _part(part.kind, pdf[offset : offset + part.length]) != part:
            return Change(part.kind, offset)
        offset += part.length
    tail = _tail(pdf[:base])
    whole = offset == base and found.start() == base and bool(tail) and pdf.startswith(tail, base)
    return None if whole else Change("list", found.start())


def _listed(packed: bytes) -> Iterator[Part]:
    try:
        lines = zlib.decompressobj().decompress(packed, MOST).decode().splitlines()
        for line in lines:
            kind, length, digest = line.split(" ")
            yield Part(kind, int(length), digest)
    except (zlib.error, ValueError):
        return


def embedded(pdf: bytes) -> bytes:
    """Return the report.json inside a PDF of ours; empty when there is none."""
    found = pdf.find(b"/Type/EmbeddedFile")
    head, start = pdf.rfind(b" obj", 0, max(found, 0)), pdf.find(b"stream", max(found, 0))
    if found < 0:
        return b""
    length = re.search(rb"/Length (\d{1,12})\b", pdf[head:start]) if 0 <= head < start else None
    if length is None:
        return b""
    data = pdf[start:].removeprefix(b"stream")[: int(length[1]) + 2].lstrip(b"\r\n")[: int(length[1])]
    if b"/FlateDecode" not in pdf[head:start]:
        return data
    try:
        return zlib.decompressobj().decompress(data, MOST)
    except zlib.error:
        return b""
