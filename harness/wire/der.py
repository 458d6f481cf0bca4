"""Read DER step by step, leniently enough to describe a certificate that stricter readers refuse."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from harness.errors import DocumentUnreadable

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8: Final = 0x0C
PRINTABLE: Final = 0x13
TELETEX: Final = 0x14
IA5: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
BMP: Final = 0x1E
UNIVERSAL: Final = 0x1C
SEQUENCE: Final = 0x30
SET: Final = 0x31

STRING_TYPES: Final = {
    UTF8: "UTF8String",
    0x12: "NumericString",
    PRINTABLE: "PrintableString",
    TELETEX: "TeletexString",
    IA5: "IA5String",
    0x1A: "VisibleString",
    BMP: "BMPString",
    UNIVERSAL: "UniversalString",
}
_CODECS: Final = {UTF8: "utf-8", BMP: "utf-16-be", UNIVERSAL: "utf-32-be"}


class DerBroken(DocumentUnreadable):
    """The bytes are not the DER structure that stands here."""

    def __init__(self, what: str = "structure") -> None:
        self.what = what
        super().__init__(
            f"de DER-codering is afgebroken of onjuist ({what}); lever het bestand opnieuw aan",
            f"the DER encoding is truncated or wrong ({what}); deliver the file again",
        )


class Item(NamedTuple):
    """One tag-length-value: its identifier octet, and where it starts, has its content and ends."""

    tag: int
    start: int
    body: int
    end: int


#: Twice as quick as Item(…), which counts: a certificate has some two hundred of them.
_item = tuple.__new__


def items(data: bytes, start: int, end: int) -> list[Item]:
    """Return the values that follow each other between `start` and `end`; raises DerBroken when they do not fit."""
    found = []
    while start < end:
        if end - start < 2:
            raise DerBroken("length")
        tag = data[start]
        length = data[start + 1]
        body = start + 2
        if length >= 0x80:
            count = length & 0x7F
            if not 0 < count < 5 or body + count > end:
                raise DerBroken("length")
            body += count
            length = int.from_bytes(data[start + 2 : body], "big")
        if tag & 0x1F == 0x1F:
            raise DerBroken("tag")
        stop = body + length
        if stop > end:
            raise DerBroken("length")
        found.append(_item(Item, (tag, start, body, stop)))
        start = stop
    return found


def one(data: bytes, start: int = 0, end: int | None = None) -> Item:
    """Return the single value between `start` and `end`."""
    found = items(data, start, len(data) if end is None else end)
    if len(found) != 1:
        raise DerBroken("trailing data" if found else "empty")
    return found[0]


def inside(data: bytes, item: Item, tag: int = 0, least: int = 0) -> list[Item]:
    """Return the values inside `item`, which must have `tag` when one is given, and hold `least` values."""
    if tag and item.tag != tag:
        raise DerBroken(f"tag {item.tag:#04x} instead of {tag:#04x}")
    found = items(data, item.body, item.end)
    if len(found) < least:
        raise DerBroken("too few values")
    return found


def content(data: bytes, item: Item) -> bytes:
    """Return the content octets of `item`."""
    return data[item.body : item.end]


def raw(data: bytes, item: Item) -> bytes:
    """Return `item` with its identifier and length."""
    return data[item.start : item.end]


@lru_cache(maxsize=4096)
def oid(encoded: bytes) -> str:
    """Return the dotted form of the content octets of an OBJECT IDENTIFIER."""
    if not encoded or encoded[-1] & 0x80:
        raise DerBroken("object identifier")
    arcs: list[int] = []
    value = 0
    for octet in encoded:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_oid(data: bytes, item: Item) -> str:
    """Return the dotted form of `item`, which must be an OBJECT IDENTIFIER."""
    if item.tag != OID:
        raise DerBroken("object identifier")
    return oid(data[item.body : item.end])


def integer(data: bytes, item: Item) -> int:
    """Return the value of an INTEGER (two's complement)."""
    if item.tag not in {INTEGER, ENUMERATED} or item.body == item.end:
        raise DerBroken("integer")
    return int.from_bytes(data[item.body : item.end], "big", signed=True)


def boolean(data: bytes, item: Item) -> bool:
    """Return the value of a BOOLEAN."""
    if item.tag != BOOLEAN or item.end - item.body != 1:
        raise DerBroken("boolean")
    return data[item.body] != 0


def bits(data: bytes, item: Item) -> bytes:
    """Return the octets of a BIT STRING without the count of unused bits."""
    if item.tag != BIT_STRING or item.body == item.end or data[item.body] > 7:
        raise DerBroken("bit string")
    return data[item.body + 1 : item.end]


def bit_numbers(data: bytes, item: Item) -> Iterator[int]:
    """Yield the numbers of the bits that are set in a BIT STRING."""
    for index, octet in enumerate(bits(data, item)):
        if octet:
            yield from (8 * index + place for place in range(8) if octet & (0x80 >> place))


def text(tag: int, value: bytes) -> str:
    """Return a character string as text; octets that do not fit are shown as the replacement mark."""
    codec = _CODECS.get(tag)
    return value.decode(codec, "replace") if codec else value.decode("latin-1")
