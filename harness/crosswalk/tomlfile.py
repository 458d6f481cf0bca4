"""Read the items of a checklist that is kept in TOML."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from harness.crosswalk.items import COLUMNS, Crosswalk, Item, Reading
from harness.errors import UnusableInput, reason_of
from harness.model import Text
from harness.positions import line_of, positions
from harness.sheets import MAX_BYTES, Cell

Lines = Mapping[tuple[str | int, ...], int]


def crosswalk(reading: Reading) -> Crosswalk:
    """Read `name`, `version` and every `[[item]]`."""
    text = _text(reading.path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = re.search(r"at line (\d+)", str(wrong))
        reading.wrong(int(place[1]) if place else None, "", f"geen geldige TOML ({wrong})", f"not valid TOML ({wrong})")
        return reading.done(reading.path.stem, ())
    lines = positions(text)
    _check_keys(reading, raw, ("name", "version", "item"), lambda key: line_of(lines, (key, 0)))
    blocks = raw.get("item", [])
    listed = blocks if isinstance(blocks, list) else [blocks]
    items = [_item(reading, block, index, lines) for index, block in enumerate(listed)]
    name, version = (str(raw.get(key) or "") for key in ("name", "version"))
    return reading.done(name or reading.path.stem, items, version)


def _item(reading: Reading, block: Any, index: int, lines: Lines) -> Item:
    if not isinstance(block, dict):
        reading.wrong(line_of(lines, ("item",)), "item", "schrijf elk item als [[item]]", "write each item as [[item]]")
        return Item("", "")

    def line(key: str) -> int | None:
        return line_of(lines, ("item", index, key))

    _check_keys(reading, block, tuple(COLUMNS), line)
    values = {}
    for key in COLUMNS.keys() & block.keys():
        said = block[key]
        if isinstance(said, list) and key in ("steps", "rules") and all(isinstance(word, str) for word in said):
            said = " ".join(said)
        if isinstance(said, str):
            values[key] = Cell(said, line(key) or 0, f"item.{key}")
        else:
            reading.wrong(
                line(key), f"item.{key}", "verwacht tekst tussen aanhalingstekens", "expected text between quotes"
            )
            values[key] = Cell(f"{index}: {said}", line(key) or 0, f"item.{key}", "wrong")
    for key in ("number", "title"):
        values.setdefault(key, Cell("", line(key) or 0, f"item.{key}"))
    return reading.item(values)


def _check_keys(
    reading: Reading, block: Mapping[str, Any], known: Sequence[str], line: Callable[[str], int | None]
) -> None:
    for key in block.keys() - set(known):
        near = get_close_matches(key, known, 1, 0.5)
        hint = Text(f"; bedoelt u {near[0]}?", f"; do you mean {near[0]}?") if near else Text(".", ".")
        told = ", ".join(known)
        reading.wrong(
            line(key), key, f"onbekende sleutel{hint.nl} Geldig: {told}", f"unknown key{hint.en} Valid: {told}"
        )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnusableInput(f"{path}: te groot voor een checklist", f"{path}: too large for a checklist")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableInput(
            f"{path}: geen tekst in UTF-8; sla het bestand als UTF-8 op",
            f"{path}: not text in UTF-8; save the file as UTF-8",
        ) from None
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(f"{path}: niet te lezen ({reason.nl})", f"{path}: cannot be read ({reason.en})") from None
