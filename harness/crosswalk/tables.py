"""Find the heading row of a checklist in CSV or a spreadsheet, and read the items below it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from harness.crosswalk.items import COLUMNS, Crosswalk, Item, Reading
from harness.model import Text
from harness.sheets import Cell, Grid

REQUIRED: Final = ("number", "title", "steps")
HEADING_WITHIN: Final = 40
_CELLS: Final = {
    "formula": Text("de cel bevat een formule; plak de waarde", "the cell holds a formula; paste its value"),
    "error": Text(
        "de cel bevat een fout van het spreadsheetprogramma; vul de waarde in",
        "the cell holds an error of the spreadsheet program; fill in the value",
    ),
    "date": Text(
        "de cel is een datum geworden; maak de kolom tekst en vul de waarde opnieuw in",
        "the cell became a date; make the column text and fill in the value again",
    ),
}


def crosswalk(reading: Reading, grids: Sequence[Grid]) -> Crosswalk:
    """Read the first sheet that has a heading row; without one, say which columns it needs."""
    name = reading.path.stem
    placed = next(((grid, at) for grid in grids if (at := _heading(grid)) is not None), None)
    if placed is None:
        _no_heading(reading, grids)
        return reading.done(name, ())
    grid, at = placed
    heading = grid.rows[at]
    columns = _columns(heading)
    _check_columns(reading, heading, columns)
    if reading.mistakes:
        return reading.done(name, ())
    name = next((cell.text for row in grid.rows[:at] for cell in row if cell.text), name)
    extra = [n for n, cell in enumerate(heading) if cell.text and n not in columns.values()]
    items = list(_items(reading, grid.rows[at + 1 :], columns, extra))
    return reading.done(name, items, extra=[heading[n].text for n in extra], delimiter=grid.delimiter)


def _items(
    reading: Reading, rows: Iterable[tuple[Cell, ...]], columns: Mapping[str, int], extra: Sequence[int]
) -> Iterator[Item]:
    chapter = ""
    for row in rows:
        values = {name: row[n] for name, n in columns.items() if n < len(row)}
        filled = {name for name, cell in values.items() if cell.text}
        _check_cells(reading, values)
        if _is_chapter(filled):
            chapter = " ".join(values[name].text for name in ("number", "chapter", "title") if name in filled)
        elif filled:
            yield reading.item(values, chapter, tuple(_extra(row, n) for n in extra))


def _is_chapter(filled: Collection[str]) -> bool:
    """Whether a row is a heading between the items: words, but neither a number nor anything of ours."""
    return bool(filled) and set(filled) <= {"title", "chapter"}


def _check_cells(reading: Reading, values: Mapping[str, Cell]) -> None:
    for column, cell in values.items():
        if cell.kind != "text":
            said = _CELLS[cell.kind]
            reading.wrong(cell.line, cell.name, f"{COLUMNS[column][0]}: {said.nl}", f"{column}: {said.en}")


def _extra(row: Sequence[Cell], index: int) -> str:
    return row[index].text if index < len(row) and row[index].kind != "formula" else ""


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z#]", "", heading.casefold())


def _heading(grid: Grid) -> int | None:
    """Return the index of the heading row: the first with at least two of our columns, rightly spelled or nearly."""
    return next((n for n, row in enumerate(grid.rows[:HEADING_WITHIN]) if _fits(row) > 1), None)


def _fits(row: Sequence[Cell]) -> int:
    columns = _columns(row)
    return len(columns) + sum(_nearest(name, row) is not None for name in COLUMNS if name not in columns)


def _columns(row: Sequence[Cell]) -> dict[str, int]:
    """Return where our columns stand; of two headings that both fit, the one we would print wins, else the first."""
    found: dict[str, int] = {}
    for name, known in COLUMNS.items():
        fits = [(known.index(_plain(c.text)), n) for n, c in enumerate(row) if _plain(c.text) in known]
        if fits:
            found[name] = min(fits)[1]
    return found


def _no_heading(reading: Reading, grids: Sequence[Grid]) -> None:
    needed = ", ".join(COLUMNS[name][0] for name in REQUIRED)
    first = next((row for grid in grids for row in grid.rows if any(c.text for c in row)), ())
    reading.wrong(
        first[0].line if first else None,
        "",
        f"geen kopregel gevonden; nodig zijn de kolommen {needed}. De eerste gevulde regel is: {_told(first)}",
        f"no heading row found; needed are the columns {needed}. The first filled row is: {_told(first)}",
    )


def _check_columns(reading: Reading, heading: Sequence[Cell], columns: Mapping[str, int]) -> None:
    free = [cell for n, cell in enumerate(heading) if n not in columns.values()]
    for name in (name for name in COLUMNS if name not in columns):
        word, near = COLUMNS[name][0], _nearest(name, free)
        if near is not None:
            reading.wrong(
                near.line,
                near.name,
                f"kolom {near.text!r} is onbekend; bedoelt u {word!r}?",
                f"column {near.text!r} is unknown; do you mean {word!r}?",
            )
        elif name in REQUIRED and not (name == "steps" and "rules" in columns):
            reading.wrong(
                heading[0].line,
                "",
                f"kolom {word!r} ontbreekt; voeg haar toe of hernoem een van: {_told(heading)}",
                f"column {word!r} is missing; add it or rename one of: {_told(heading)}",
            )


def _nearest(column: str, cells: Sequence[Cell]) -> Cell | None:
    told = {_plain(cell.text): cell for cell in cells if cell.text}
    close = [near for word in COLUMNS[column] if len(word) > 3 for near in get_close_matches(word, told, 1, 0.75)]
    return told[close[0]] if close else None


def _told(row: Sequence[Cell]) -> str:
    return ", ".join(cell.text for cell in row if cell.text)[:200] or "–"
