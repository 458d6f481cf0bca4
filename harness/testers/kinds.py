"""Tell by content what a file is, and refuse in one sentence what is no evidence: programs, scripts, archives."""

import re
from typing import Final, NamedTuple

from harness.errors import UnusableInput
from harness.images import JPEG, PNG
from harness.model import Text


class Kind(NamedTuple):
    """A kind of evidence: its media type and the endings that its files have."""

    media_type: str
    endings: tuple[str, ...]

    @property
    def picture(self) -> bool:
        """Whether it can be shown beside the form."""
        return self.media_type.startswith("image/")


PICTURES: Final = {PNG: Kind("image/png", (".png",)), JPEG: Kind("image/jpeg", (".jpg", ".jpeg"))}
PDF: Final = Kind("application/pdf", (".pdf",))
TEXT: Final = Kind("text/plain", (".txt", ".log", ".csv", ".md", ".json", ".xml", ".eml"))
LONGEST_NAME: Final = 80

_PROGRAMS: Final = (
    b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe", b"L\x00\x00\x00\x01\x14\x02\x00", b"\x00asm",
)  # fmt: skip
_RUNNING: Final = frozenset(
    [
        ".exe",
        ".dll",
        ".com",
        ".scr",
        ".msi",
        ".bat",
        ".cmd",
        ".ps1",
        ".vbs",
        ".js",
        ".mjs",
        ".hta",
        ".jar",
        ".sh",
        ".py",
        ".pl",
        ".rb",
        ".lnk",
        ".reg",
        ".app",
        ".apk",
        ".deb",
        ".rpm",
    ]
)
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\xd0\xcf\x11\xe0")
_SVG: Final = re.compile(rb"<(?:[\w.-]+:)?svg\b", re.IGNORECASE)
_ACTIVE: Final = re.compile(rb"<(?:[\w.-]+:)?script\b|\son[a-z]+\s*=|javascript:|<!ENTITY", re.IGNORECASE)
_PAGE: Final = re.compile(rb"<(?:!doctype\s+html|html|script|iframe|body)\b", re.IGNORECASE)

KINDS_IN_WORDS: Final = Text("PNG, JPEG, PDF of tekst (UTF-8)", "PNG, JPEG, PDF or text (UTF-8)")


class Unwanted(UnusableInput):
    """A file that is refused, and why."""


def plain_name(given: str) -> str:
    """Return the name of a file as sent; a name that leads to another folder is refused, a long one shortened."""
    name = given.strip()
    if re.search(r"[/\\\x00-\x1f\x7f]|^\.|\.\.", name) or not name:
        raise Unwanted(
            "Geweigerd: de bestandsnaam wijst naar een andere map of bevat stuurtekens; hernoem het bestand.",
            "Refused: the file name leads to another folder or holds control marks; rename the file.",
        )
    clean = re.sub(r"[^\w.() +-]", "_", name)
    stem, dot, ending = clean.rpartition(".")
    return clean if len(clean) <= LONGEST_NAME else f"{(stem or ending)[: LONGEST_NAME - 8]}{dot}{ending[:7]}"


def kind_of(name: str, data: bytes) -> Kind:
    """Return the kind of a file from its name and its (first) bytes; raises Unwanted with the reason."""
    ending = f".{name.rpartition('.')[2].lower()}"
    if ending in _RUNNING or data.startswith(_PROGRAMS):
        raise Unwanted(
            f"Geweigerd: {name} is een programma of script; lever een afdruk of een verslag ervan.",
            f"Refused: {name} is a program or a script; give a picture or a report of it.",
        )
    for start, kind in PICTURES.items():
        if data.startswith(start):
            return kind
    if data.startswith(b"%PDF-"):
        return PDF
    if data.startswith(_ARCHIVES):
        raise Unwanted(
            f"Geweigerd: {name} is een archief of een Office-document; bewaar het als PDF en voeg dat toe.",
            f"Refused: {name} is an archive or an Office document; save it as PDF and add that.",
        )
    _no_page(name, data)
    if ending not in TEXT.endings or b"\x00" in data:
        raise Unwanted(
            f"Geweigerd: {name} is geen {KINDS_IN_WORDS.nl}; bewaar het in een van die vormen.",
            f"Refused: {name} is not {KINDS_IN_WORDS.en}; save it in one of those forms.",
        )
    return TEXT


def _no_page(name: str, data: bytes) -> None:
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and not name.lower().endswith(
        (".svg", ".html", ".htm")
    ):
        return
    if _SVG.search(data) and _ACTIVE.search(data):
        raise Unwanted(
            f"Geweigerd: {name} is een SVG met een script erin; maak er een PNG van.",
            f"Refused: {name} is an SVG with a script in it; make it a PNG.",
        )
    if _SVG.search(data) or name.lower().endswith(".svg"):
        raise Unwanted(
            f"Geweigerd: {name} is een SVG, en die kan scripts en verwijzingen bevatten; maak er een PNG van.",
            f"Refused: {name} is an SVG, which can hold scripts and references; make it a PNG.",
        )
    if _PAGE.search(data) or name.lower().endswith((".html", ".htm")):
        raise Unwanted(
            f"Geweigerd: {name} is een webpagina; maak er een afdruk of een PDF van.",
            f"Refused: {name} is a web page; make a picture or a PDF of it.",
        )


def whole_text(name: str, data: bytes) -> str:
    """Return a text file as text; raises Unwanted when further on it proves to be something else."""
    kind_of(name, data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unwanted(
            f"Geweigerd: {name} is geen tekst in UTF-8; sla het bestand als UTF-8 op.",
            f"Refused: {name} is not text in UTF-8; save the file as UTF-8.",
        ) from None


def named_as(kind: Kind, name: str) -> str:
    """Return the name with an ending that tells the kind."""
    return name if name.lower().endswith(kind.endings) else f"{name}{kind.endings[0]}"
