"""Take in a form with files: each file goes to disk in pieces, within its cap, and is refused as soon as it must be."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from harness.errors import UnusableInput
from harness.masking import Masker
from harness.model import Text
from harness.testers.kinds import TEXT, Kind, Unwanted, kind_of, named_as, plain_name, whole_text

MAX_FILE: Final = 20 * 1024 * 1024
MAX_FILES: Final = 12
MAX_FIELD: Final = 64 * 1024
MAX_WHOLE: Final = MAX_FILE * MAX_FILES + 1024 * 1024
PIECE: Final = 64 * 1024


class TooLarge(UnusableInput):
    """The whole request is larger than any form can be."""


class Malformed(UnusableInput):
    """The request is no form."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file as it arrived; without `path` only its digest was kept."""

    name: str
    kind: Kind
    sha256: str
    size: int
    path: Path | None = None
    masked: int = 0


@dataclass
class Form:
    """The fields of a form, the files that came with it, and a sentence for each that was refused or wants a look."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Arrived] = field(default_factory=list)
    refused: list[Text] = field(default_factory=list)
    noted: list[Text] = field(default_factory=list)


@contextmanager
def waiting_room() -> Iterator[Path]:
    """A folder of our own for files on their way in; it is gone afterwards, whatever happens."""
    with TemporaryDirectory(prefix="ketentest-") as folder:
        yield Path(folder)


async def receive(request: web.Request, folder: Path, *, hash_only: bool = False) -> Form:
    """Read a form into `folder`; with `hash_only` no byte of a file reaches the disk."""
    check_size(request)
    form = Form()
    if request.content_type != "multipart/form-data":
        form.fields = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        return form
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise Malformed(
                    "Geweigerd: dit is geen formulier van deze pagina.", "Refused: this is no form of ours."
                )
            await _take(part, form, folder, hash_only=hash_only)
            while await part.read_chunk(PIECE):  # what is left of a refused file
                _within(request)
    except (ValueError, AssertionError, BadHttpMessage, RuntimeWarning):  # aiohttp warns of a broken header
        raise Malformed(
            "Geweigerd: het formulier kwam niet heel aan; verstuur het opnieuw.",
            "Refused: the form did not arrive whole; send it again.",
        ) from None
    return form


def check_size(request: web.Request) -> None:
    """Raise TooLarge before a byte of the body is read when it says itself that it is too large."""
    _within(request, request.content_length or 0)


def _within(request: web.Request, size: int = 0) -> None:
    if max(size, request.content.total_bytes) > MAX_WHOLE:
        raise TooLarge(
            f"Geweigerd: te groot; een bestand mag hoogstens {MAX_FILE >> 20} MB zijn.",
            f"Refused: too large; a file may be {MAX_FILE >> 20} MB at most.",
        )


async def _take(part: BodyPartReader, form: Form, folder: Path, *, hash_only: bool) -> None:
    if part.filename is None:
        form.fields[part.name or ""] = await _field(part)
        return
    try:
        if arrived := await _file(part, form, folder, hash_only=hash_only):
            form.files.append(arrived)
    except Unwanted as wrong:
        form.refused.append(wrong.text)


async def _field(part: BodyPartReader) -> str:
    data = bytearray()
    while piece := await part.read_chunk(PIECE):
        data += piece
        if len(data) > MAX_FIELD:
            raise TooLarge(
                "Geweigerd: een veld is te lang; zet lange tekst in een bestand.",
                "Refused: a field is too long; put long text into a file.",
            )
    return data.decode("utf-8", "replace")


async def _file(part: BodyPartReader, form: Form, folder: Path, *, hash_only: bool) -> Arrived | None:
    first = await _at_least(part, 4096)
    if not part.filename and not first:
        return None
    name = plain_name(part.filename or "")
    if len(form.files) >= MAX_FILES:
        raise Unwanted(
            f"Geweigerd: {name}; hoogstens {MAX_FILES} bestanden tegelijk.",
            f"Refused: {name}; {MAX_FILES} files at a time at most.",
        )
    kind = kind_of(name, first)
    path = None if hash_only else folder / f"{len(form.files)}"
    digest, size = await _stored(part, name, first, path)
    arrived = Arrived(named_as(kind, name), kind, digest, size, path)
    return _masked(arrived) if kind is TEXT and path else arrived


async def _stored(part: BodyPartReader, name: str, first: bytes, path: Path | None) -> tuple[str, int]:
    """Write a file piece by piece, and return its digest and size; stops at the first byte over the cap."""
    digest, size, piece = hashlib.sha256(), 0, first
    with path.open("wb") if path else nullcontext() as stream:
        while piece:
            size += len(piece)
            if size > MAX_FILE:
                raise _too_large(name)
            digest.update(piece)
            if stream is not None:
                stream.write(piece)
            piece = await part.read_chunk(PIECE)
    return digest.hexdigest(), size


def _too_large(name: str) -> Unwanted:
    return Unwanted(
        f"Geweigerd: {name} is groter dan {MAX_FILE >> 20} MB; lever een uitsnede of een kleiner bestand.",
        f"Refused: {name} is larger than {MAX_FILE >> 20} MB; give a part of it or a smaller file.",
    )


async def _at_least(part: BodyPartReader, wanted: int) -> bytes:
    data = bytearray()
    while len(data) < wanted and (piece := await part.read_chunk(PIECE)):
        data += piece
    return bytes(data)


def _masked(arrived: Arrived) -> Arrived:
    """Take BSNs, passwords and keys out of a text before it stays on disk."""
    assert arrived.path is not None  # the caller looked
    data = arrived.path.read_bytes()
    try:
        whole_text(arrived.name, data)
    except Unwanted:
        arrived.path.unlink()
        raise
    masker = Masker()
    clean = masker.mask(data)
    if clean != data:
        arrived.path.write_bytes(clean)
    digest = hashlib.sha256(clean).hexdigest()
    return Arrived(arrived.name, arrived.kind, digest, len(clean), arrived.path, masker.count)
