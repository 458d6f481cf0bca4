"""Find the line of a key in a TOML file, so that a mistake can be shown where it stands."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

Path = tuple[str | int, ...]

_TABLE: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY: Final = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=\s*(.*)""")
_INLINE: Final = re.compile(r"""[{,]\s*([\w-]+|"[^"]*")\s*=""")


def positions(text: str) -> dict[Path, int]:
    """Return the 1-based line of every table and key of a TOML document, inline tables included."""
    found: dict[Path, int] = {}
    prefix: Path = ()
    counts: dict[Path, int] = {}
    inside: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if table := _TABLE.match(line):
            prefix = _table_path(table[2], table[1] == "[[", counts)
            found[prefix] = number
            inside = ()
        elif key := _KEY.match(line):
            path = prefix + tuple(_bare(part) for part in key[1].split("."))
            found.setdefault(path, number)
            inside = path
            for inline in _INLINE.finditer(key[2]):
                found.setdefault((*path, _bare(inline[1])), number)
        elif inside:
            for inline in _INLINE.finditer(line):
                found.setdefault((*inside, _bare(inline[1])), number)
    return found


def _bare(part: str) -> str:
    return part.strip().strip("\"'")


def _table_path(name: str, is_array: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    parts = name.split(".")
    for index, part in enumerate(parts):
        path += (_bare(part),)
        if is_array and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
            path += (counts[path],)
        elif path in counts:
            path += (counts[path],)
    return path


def line_of(found: Mapping[Path, int], place: Sequence[str | int]) -> int | None:
    """Return the line of `place`, or of the nearest table around it."""
    path = tuple(place)
    while path and path not in found:
        path = path[:-1]
    return found.get(path)
