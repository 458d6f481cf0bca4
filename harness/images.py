"""Take the metadata out of a screenshot: who made it, where, and with what stays with the maker."""

from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8"
_PNG_KEPT: Final = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs", b"bKGD")
)
_JPEG_DROPPED: Final = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))
"""APP1 (Exif, XMP) to APP13, APP15 and comments; APP0 and APP14 say how to read the colours."""
_SOS, _EOI, _RST = 0xDA, 0xD9, range(0xD0, 0xD8)


def stripped(data: bytes) -> bytes | None:
    """Return the picture without metadata, or None when it is no PNG or JPEG that can be read to its end.

    What stands after the end of the picture goes too: phones put a second picture or a film there.
    """
    try:
        if data.startswith(PNG):
            return _png(data)
        return _jpeg(data) if data.startswith(JPEG) else None
    except (IndexError, ValueError):
        return None


def is_picture(data: bytes) -> bool:
    """Whether the bytes begin as a PNG or a JPEG."""
    return data.startswith((PNG, JPEG))


def _png(data: bytes) -> bytes:
    kept = [PNG]
    at = len(PNG)
    while True:
        size = int.from_bytes(data[at : at + 4])
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise ValueError("the picture breaks off")
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end


def _jpeg(data: bytes) -> bytes:
    kept = [JPEG]
    at = len(JPEG)
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one belongs")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _EOI:
            return b"".join((*kept, data[at : at + 2]))
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if end > len(data) or end < at + 4:
            raise ValueError("the picture breaks off")
        if marker == _SOS:
            end = _after_scan(data, end)
        if marker not in _JPEG_DROPPED:
            kept.append(data[at:end])
        at = end


def _after_scan(data: bytes, start: int) -> int:
    """Return where the coded picture ends: the next marker that is no stuffing and no restart."""
    at = start
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] != 0 and data[at + 1] not in _RST:
            return at
        at += 2
