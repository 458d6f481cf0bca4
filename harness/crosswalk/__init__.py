"""Read somebody else's checklist: their items in their numbering, each with the steps and rules of ours that answer it.

Logius and DICTU send a *Checklist testen* that is not public. The user keeps its items in a CSV or XLSX file (a heading
row, then one row per item) or in TOML::

    name = "Checklist testen Lopende zaken"
    version = "1.2"

    [[item]]
    number = "5.1"
    chapter = "5 Limited productierun"
    title = "De zaak is zichtbaar voor de burger"
    steps = ["LZ-6.3.5*"]                 # steps of the procedure; a * at the end takes what begins like this
    rules = ["HDR-004"]                   # optional: rules that must hold besides
    connection = "lopende-zaken"          # optional: one connection of the scenario

An item without steps and rules is kept, and reported as not covered. Columns that are not ours come back in the export.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from harness.crosswalk import tables, tomlfile
from harness.crosswalk.items import Crosswalk, Item, Reading
from harness.errors import UnusableInput
from harness.sheets import read_csv, read_xlsx

__all__ = ["Crosswalk", "Item", "read"]

SUFFIXES: Final = (".csv", ".tsv", ".xlsx", ".toml")


def read(path: Path, connections: Collection[str] = (), rules: Collection[str] = ()) -> Crosswalk:
    """Read a checklist; raises ScenarioInvalid with every mistake of the file, each with its line and cell.

    `connections` and `rules` are the known names; empty means that they are not checked.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnusableInput(
            f"{path}: onbekend soort bestand; een checklist is een van {', '.join(SUFFIXES)}",
            f"{path}: unknown kind of file; a checklist is one of {', '.join(SUFFIXES)}",
        )
    reading = Reading(path, connections, rules)
    if suffix == ".toml":
        return tomlfile.crosswalk(reading)
    return tables.crosswalk(reading, read_xlsx(path) if suffix == ".xlsx" else read_csv(path))
