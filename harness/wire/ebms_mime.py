"""Read and write the MIME package of an ebMS message: one SOAP part, or multipart/related with attachments.

The reader is lenient: what a counterparty sends is taken apart as far as it can be, and what departed from the
standard is listed in `Package.oddities`, so that a judge can report it exactly.
"""

import base64
import binascii
import quopri
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

MAX_PARTS: Final = 1000
_PARAMETER: Final = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;]*)')
_BLANK_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type taken apart: `type/subtype` in lower case, parameters by lower-case name."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, parameter: str, default: str = "") -> str:
        """Return one parameter without its quotes."""
        return next((value for key, value in self.parameters if key == parameter), default)

    @property
    def is_multipart(self) -> bool:
        """Whether a MIME package is announced."""
        return self.name.startswith("multipart/")


def read_media_type(value: str) -> MediaType:
    """Take a Content-Type apart; an unquoted value may hold a slash or an equals sign, as real peers send it.

    >>> read_media_type('Multipart/Related; type=text/xml; boundary="b=1"').get("type")
    'text/xml'
    """
    name, _, rest = value.partition(";")
    pairs = []
    for key, raw in _PARAMETER.findall(f";{rest}" if rest else ""):
        text = raw.strip()
        if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        pairs.append((key.lower(), text))
    return MediaType(name.strip().lower(), tuple(pairs))


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME part: its headers (names in lower case) and its decoded content."""

    headers: tuple[tuple[str, str], ...]
    data: bytes
    broken_encoding: bool = False

    def get(self, name: str) -> str:
        """Return the first header called `name`."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def media_type(self) -> MediaType:
        """The Content-Type of this part."""
        return read_media_type(self.get("content-type"))

    @property
    def content_id(self) -> str:
        """The Content-ID without its angle brackets, as a `cid:` reference names it (RFC 2392)."""
        return bare_cid(self.get("content-id"))

    @property
    def transfer_encoding(self) -> str:
        """The Content-Transfer-Encoding in lower case."""
        return self.get("content-transfer-encoding").strip().lower()


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a message; `root` is the SOAP part; `oddities` names what departs from RFC 2387.

    Oddities: `no-boundary`, `boundary-unused`, `not-closed`, `no-type`, `other-type`, `start-unknown`,
    `root-not-xml`, `not-multipart`, `too-many-parts`, `cte` (a part whose transfer encoding cannot be undone).
    """

    media_type: MediaType
    root: Part | None
    attachments: tuple[Part, ...] = ()
    oddities: tuple[str, ...] = ()

    def part(self, cid: str) -> Part | None:
        """Return the attachment that `cid:…` (or a bare id) names."""
        wanted = bare_cid(cid)
        return next((p for p in self.attachments if p.content_id == wanted), None)


def bare_cid(text: str) -> str:
    """Return a Content-ID or `cid:` URI in the form in which the two compare equal."""
    text = text.strip()
    if text[:4].lower() == "cid:":
        text = text[4:]
    return unquote(text.removeprefix("<").removesuffix(">"))


def read_package(content_type: str, body: bytes) -> Package:
    """Take a body apart by its Content-Type; without one the content decides."""
    media_type = read_media_type(content_type)
    announced = media_type.is_multipart or (not content_type and body.lstrip()[:2] == b"--")
    if not announced:
        part = Part((("content-type", content_type),) if content_type else (), body)
        return Package(media_type, part)
    return _multipart(media_type, body)


def _multipart(media_type: MediaType, body: bytes) -> Package:
    oddities = []
    boundary = media_type.get("boundary")
    if not boundary:
        oddities.append("no-boundary")
        first = re.match(rb"\s*--([^\r\n]{1,200}?)[ \t]*\r?\n", body)
        boundary = first[1].decode("latin-1") if first else ""
    chunks, closed = _chunks(body, boundary) if boundary else ([], True)
    if not chunks:
        return _without_parts(media_type, body, oddities)
    if not closed:
        oddities.append("not-closed")
    if len(chunks) > MAX_PARTS:
        oddities.append("too-many-parts")
    parts = [_part(chunk) for chunk in chunks[:MAX_PARTS]]
    root = _root(media_type, parts, oddities)
    if any(p.broken_encoding for p in parts):
        oddities.append("cte")
    return Package(media_type, root, tuple(p for p in parts if p is not root), tuple(oddities))


def _without_parts(media_type: MediaType, body: bytes, oddities: list[str]) -> Package:
    if body.lstrip()[:1] == b"<":
        return Package(media_type, Part((), body), (), (*oddities, "not-multipart"))
    return Package(media_type, None, (), (*oddities, "boundary-unused"))


def _chunks(body: bytes, boundary: str) -> tuple[list[bytes], bool]:
    mark = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    chunks: list[bytes] = []
    start: int | None = None
    for found in mark.finditer(body):
        if start is not None:
            chunks.append(body[start : found.start()])
        if found[1]:
            return chunks, True
        start = found.end()
    if start is not None and body[start:].strip():
        chunks.append(body[start:])
    return chunks, False


def _part(chunk: bytes) -> Part:
    chunk = re.sub(rb"\A\r?\n", b"", chunk, count=1)
    if re.match(rb"\r?\n", chunk):
        return Part((), re.sub(rb"\A\r?\n", b"", chunk, count=1))
    cut = _BLANK_LINE.search(chunk)
    if cut is None:
        return Part((), chunk) if chunk.lstrip()[:1] == b"<" else Part(_headers(chunk), b"")
    headers = _headers(chunk[: cut.start()])
    encoding = next((v.strip().lower() for k, v in headers if k == "content-transfer-encoding"), "")
    data, broken = _decoded(encoding, chunk[cut.end() :])
    return Part(headers, data, broken)


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    lines = _FOLD.sub(b" ", raw).decode("latin-1").splitlines()
    pairs = (line.partition(":") for line in lines)
    return tuple((name.strip().lower(), value.strip()) for name, colon, value in pairs if colon)


def _decoded(encoding: str, data: bytes) -> tuple[bytes, bool]:
    if encoding == "base64":
        try:
            return base64.b64decode(b"".join(data.split()), validate=True), False
        except (binascii.Error, ValueError):
            return data, True
    if encoding == "quoted-printable":
        return quopri.decodestring(data), False
    return data, False


def _root(media_type: MediaType, parts: Sequence[Part], oddities: list[str]) -> Part:
    announced = media_type.get("type").lower()
    if not announced:
        oddities.append("no-type")
    elif announced not in {"text/xml", "application/xop+xml"}:
        oddities.append("other-type")
    start = bare_cid(media_type.get("start"))
    named = next((p for p in parts if start and p.content_id == start), None)
    if start and named is None:
        oddities.append("start-unknown")
    root = named or parts[0]
    if root.data.lstrip()[:1] != b"<" and root.data.lstrip()[:4] != b"\xef\xbb\xbf<":
        oddities.append("root-not-xml")
    return root


@dataclass(frozen=True, slots=True)
class Attachment:
    """A payload to send: its content id (without brackets), media type and bytes."""

    cid: str
    data: bytes
    media_type: str = "application/xml"


def write_package(envelope: bytes, attachments: Sequence[Attachment] = (), boundary: str = "") -> tuple[str, bytes]:
    """Return Content-Type and body: plain `text/xml` without attachments, else multipart/related."""
    if not attachments:
        return "text/xml; charset=UTF-8", envelope
    boundary = boundary or f"ketentest-{secrets.token_hex(16)}"
    start = f"soap-part@{boundary[:48]}"
    head = [("text/xml; charset=UTF-8", start, envelope)] + [(a.media_type, a.cid, a.data) for a in attachments]
    chunks = [
        f"--{boundary}\r\nContent-Type: {media}\r\nContent-ID: <{cid}>\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
        + data
        + b"\r\n"
        for media, cid, data in head
    ]
    content_type = f'multipart/related; boundary="{boundary}"; type="text/xml"; start="<{start}>"'
    return content_type, b"".join(chunks) + f"--{boundary}--\r\n".encode()
