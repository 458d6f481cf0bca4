"""Read the care providers of a cluster from the table in which the supplier keeps them (CSV or XLSX)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import UnusableInput
from harness.sheets import Cell, Grid, read_csv, read_xlsx

COLUMNS: Final = {
    "name": ("name", "naam", "zorgaanbieder", "dienstverlener", "organisatie"),
    "oin": ("oin", "oinhrn", "hrn"),
    "service_uuid": ("serviceuuid", "uuid"),
    "acs": ("acs", "acsurl", "assertionconsumerservice"),
    "bsn_certificate": ("bsncertificate", "bsncertificaat", "certificaat", "certificate"),
    "test_provider": ("testprovider", "testdienstverlener", "test"),
}
REQUIRED: Final = ("name", "oin", "service_uuid")
_YES: Final = frozenset({"ja", "yes", "x", "1", "true", "waar"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table: the values under the keys of the scenario, and where each stands."""

    path: Path
    line: int
    values: dict[str, Any]
    cells: dict[str, str]

    def place(self, key: str) -> str:
        """Return the cell of `key`, such as C7; the row when the table has no such column."""
        return self.cells.get(key, f"rij {self.line}")


def read_list(path: Path) -> tuple[Listed, ...]:
    """Return the care providers in `path`; raises UnusableInput in one sentence when it is no such table.

    The heading names the columns (naam, OIN, ServiceUUID, ACS, BSN-certificaat, test); other columns are left alone.
    """
    grids = read_xlsx(path) if path.suffix.lower() in (".xlsx", ".xlsm") else read_csv(path)
    for grid in grids:
        for number, row in enumerate(grid.rows):
            heads = _heads(row)
            if all(key in heads for key in REQUIRED):
                return tuple(_rows(path, grid, number, heads))
    raise UnusableInput(
        f"{path}: geen rij met de kolommen naam, OIN en ServiceUUID; zet die namen boven de tabel",
        f"{path}: no row with the columns name, OIN and ServiceUUID; put these names above the table",
    )


def _heads(row: tuple[Cell, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, cell in enumerate(row):
        word = re.sub(r"[^a-z]", "", cell.text.lower())
        for key, words in COLUMNS.items():
            if word in words:
                found.setdefault(key, column)
    return found


def _rows(path: Path, grid: Grid, heading: int, heads: dict[str, int]) -> Iterator[Listed]:
    for row in grid.rows[heading + 1 :]:
        cells = {key: row[column] for key, column in heads.items() if column < len(row)}
        if not any(cell.text for cell in cells.values()):
            continue
        values: dict[str, Any] = {key: cell.text for key, cell in cells.items() if cell.text}
        if "test_provider" in cells:
            values["test_provider"] = cells["test_provider"].text.lower() in _YES
        line = next(cell.line for cell in cells.values())
        yield Listed(path, line, values, {key: cell.name for key, cell in cells.items()})
