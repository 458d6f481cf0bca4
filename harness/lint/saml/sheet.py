"""Read an aansluitbestand from a spreadsheet or CSV, and judge it beside what is handed along with it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.errors import UnusableInput
from harness.lint.judge import Context, Raw
from harness.lint.kinds import guess
from harness.lint.saml.onboarding import Joined, Row, Sheet, judge_onboarding
from harness.model import Finding, NotRun
from harness.sheets import Grid, read_table
from harness.wire.saml_metadata import Metadata, read_metadata
from harness.wire.xml import XmlBroken

HEAD: Final = 10
"""How many lines at the top may hold a title before the headings."""


def judge_aansluitbestand(raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge an aansluitbestand; the template, the previous one, registered names and the metadata come as companions."""
    related = {c.relation: c for c in ctx.companions if c.relation in ("template", "previous", "names")}
    doc = Joined(
        sheet=sheet_of(raw.data, raw.name),
        template=_beside(related.get("template")),
        previous=_beside(related.get("previous")),
        names=_names(related.get("names")),
        metadata=next((m for c in ctx.companions if not c.relation and (m := _metadata(c))), None),
    )
    yield from judge_onboarding(doc, ctx)


def sheet_of(data: bytes, name: str) -> Sheet:
    """Return the first sheet with its heading row; raises UnusableInput in one sentence when it is no table."""
    grids = read_table(Path(name), data)
    grid = grids[0]
    head = heading_row(grid)
    headings = [cell.text for cell in grid.rows[head]] if grid.rows else []
    rows = []
    for cells in grid.rows[head + 1 :]:
        pairs = [(h, cell) for h, cell in zip(headings, cells, strict=False) if h]
        if any(cell.text for _, cell in pairs):
            formulas = tuple(h for h, cell in pairs if cell.kind in ("formula", "error"))
            rows.append(Row(cells[0].line, {h: cell.text for h, cell in pairs}, formulas))
    # A CSV has no sheets: what the reader calls its sheet is the name of the file.
    names = tuple(g.name for g in grids) if data[:2] == b"PK" else ()
    return Sheet(names, tuple(h for h in headings if h), tuple(rows))


def heading_row(grid: Grid) -> int:
    """Return the index of the heading row: the row with most texts among the first lines."""
    return max(range(min(HEAD, len(grid.rows))), key=lambda n: sum(bool(c.text) for c in grid.rows[n]), default=0)


def _beside(raw: Raw | None) -> Sheet | None:
    return sheet_of(raw.data, raw.name) if raw else None


def _names(raw: Raw | None) -> Mapping[str, str]:
    """Read the names under which organisations are registered, by OIN; raises UnusableInput when that is not in it."""
    if raw is None:
        return {}
    sheet = sheet_of(raw.data, raw.name)
    if not (sheet.column("oin") and sheet.column("name")):
        raise UnusableInput(
            f"{raw.name}: geen kolommen OIN en naam; geef een lijst met de geregistreerde namen",
            f"{raw.name}: no columns OIN and naam; give a list of the registered names",
        )
    return {sheet.value(row, "oin"): sheet.value(row, "name") for row in sheet.rows if sheet.value(row, "oin")}


def _metadata(raw: Raw) -> Metadata | None:
    try:
        return read_metadata(raw.data) if guess(raw) == "saml-metadata" else None
    except XmlBroken:
        return None
