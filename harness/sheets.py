"""Read a table that somebody keeps in CSV or a spreadsheet, cell by cell with its place, and write one back."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from harness.errors import UnusableInput, reason_of

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_UNPACKED: Final = 100 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 200
_STEERING: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, its 1-based line, its name (`C7`), and what it holds when that is not text.

    `kind` is text, formula, error or date.
    """

    text: str
    line: int
    name: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet, as rows of cells."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    delimiter: str = ";"


def read_table(path: Path, data: bytes | None = None) -> list[Grid]:
    """Read the sheets of a CSV or XLSX file, which its first bytes tell apart; `data` when it was read before."""
    data = _bytes(path) if data is None else data
    return xlsx_grids(path, data) if data[:2] == b"PK" else csv_grids(path, data)


def read_csv(path: Path) -> list[Grid]:
    """Read a CSV file; the delimiter (; , or tab) and the encoding (UTF-8, else Windows) are recognised."""
    return csv_grids(path, _bytes(path))


def csv_grids(path: Path, data: bytes) -> list[Grid]:
    """Return the one grid of a CSV file that was read."""
    if b"\x00" in data:
        raise UnusableInput(
            f"{path}: geen tekst; sla de tabel op als CSV (UTF-8) of als XLSX",
            f"{path}: not text; save the table as CSV (UTF-8) or as XLSX",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, begin = [], 1
    try:
        for raw in reader:
            rows.append(tuple(_csv_cell(value.strip(), begin, column) for column, value in enumerate(raw, 1)))
            begin = reader.line_num + 1
            _check_rows(path, len(rows))
    except csv.Error as wrong:
        raise UnusableInput(
            f"{path}:{begin}: geen leesbare CSV ({wrong}); controleer de aanhalingstekens",
            f"{path}:{begin}: not readable as CSV ({wrong}); check the quotes",
        ) from None
    return [Grid(path.stem, tuple(rows), delimiter)]


def _csv_cell(value: str, line: int, column: int) -> Cell:
    return Cell(value, line, letter(column) + str(line), "formula" if value.startswith("=") else "text")


def _delimiter(text: str) -> str:
    """Return the mark that occurs most in the first lines: `;` where Dutch spreadsheets write, else `,` or a tab."""
    head = "".join(text.splitlines(keepends=True)[:30])
    return max(";,\t", key=lambda mark: (head.count(mark), mark == ";"))


def read_xlsx(path: Path) -> list[Grid]:
    """Read the sheets of an XLSX file; needs openpyxl (the extra `tables`)."""
    return xlsx_grids(path, _bytes(path))


def xlsx_grids(path: Path, data: bytes) -> list[Grid]:
    """Return the grids of an XLSX file that was read."""
    openpyxl = _openpyxl(path)
    _check_package(path, data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        return [Grid(sheet.title, tuple(_sheet_rows(path, sheet))) for sheet in book.worksheets]
    except UnusableInput:
        raise
    except Exception as wrong:  # noqa: BLE001 - openpyxl raises whatever its XML reader meets in a damaged file
        raise UnusableInput(
            f"{path}: geen leesbaar XLSX-bestand ({type(wrong).__name__}); sla het opnieuw op als XLSX of als CSV",
            f"{path}: not a readable XLSX file ({type(wrong).__name__}); save it again as XLSX or as CSV",
        ) from None


def _openpyxl(path: Path) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise UnusableInput(
            f"{path}: voor XLSX is openpyxl nodig; installeer het met `pip install ketentest[tables]` of gebruik CSV",
            f"{path}: XLSX needs openpyxl; install it with `pip install ketentest[tables]` or use CSV",
        ) from None
    return openpyxl


def _check_package(path: Path, data: bytes) -> None:
    """Refuse what is no spreadsheet, what unpacks to far more than it is, and XML that declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            unpacked = sum(part.file_size for part in package.infolist())
            if unpacked > MAX_UNPACKED:
                raise UnusableInput(
                    f"{path}: uitgepakt groter dan {MAX_UNPACKED >> 20} MB; bewaar alleen het blad met de checklist",
                    f"{path}: larger than {MAX_UNPACKED >> 20} MB unpacked; keep only the sheet with the checklist",
                )
            declares = any(
                b"<!DOCTYPE" in package.read(part) for part in package.infolist() if part.filename.endswith(".xml")
            )
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as wrong:
        raise UnusableInput(
            f"{path}: geen XLSX-bestand; sla het op als XLSX (zonder wachtwoord) of als CSV",
            f"{path}: not an XLSX file; save it as XLSX (without a password) or as CSV",
        ) from wrong
    if declares:
        raise UnusableInput(
            f"{path}: bevat een DTD en wordt niet gelezen; sla het opnieuw op met uw spreadsheetprogramma",
            f"{path}: holds a DTD and is not read; save it again with your spreadsheet program",
        )


def _sheet_rows(path: Path, sheet: Any) -> Iterator[tuple[Cell, ...]]:
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS), 1):
        _check_rows(path, number)
        cells = tuple(_sheet_cell(cell, number, column) for column, cell in enumerate(row, 1))
        yield cells if any(cell.text for cell in cells) else ()


def _sheet_cell(cell: Any, line: int, column: int) -> Cell:
    name, value = letter(column) + str(line), cell.value
    if value is None:
        return Cell("", line, name)
    if cell.data_type == "f":
        return Cell(str(value), line, name, "formula")
    if cell.data_type == "e":
        return Cell(str(value), line, name, "error")
    if isinstance(value, datetime | date | time):
        return Cell(str(value), line, name, "date")
    plain = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return Cell(plain.strip(), line, name)


def _check_rows(path: Path, count: int) -> None:
    if count > MAX_ROWS:
        raise UnusableInput(
            f"{path}: meer dan {MAX_ROWS} regels; dit is geen checklist",
            f"{path}: more than {MAX_ROWS} rows; this is not a checklist",
        )


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnusableInput(
                f"{path}: groter dan {MAX_BYTES >> 20} MB; dit is geen checklist",
                f"{path}: larger than {MAX_BYTES >> 20} MB; this is not a checklist",
            )
        return path.read_bytes()
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(f"{path}: niet te lezen ({reason.nl})", f"{path}: cannot be read ({reason.en})") from None


def letter(column: int) -> str:
    """Return the name of a 1-based column: A, Z, AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def to_csv(rows: Iterable[Sequence[str]], delimiter: str = ";") -> bytes:
    """Return rows as CSV that Dutch spreadsheets open as it is; no cell can act as a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig", "replace")


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_STEERING) else value


def to_xlsx(sheets: Sequence[tuple[str, Sequence[Sequence[str]], Sequence[int]]], path: Path) -> bytes:
    """Return an XLSX file of sheets (name, rows, column widths); the first row of each is its heading."""
    openpyxl = _openpyxl(path)
    from openpyxl.styles import Alignment, Font

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows, widths in sheets:
        sheet = book.create_sheet(name)
        for line, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                cell = sheet.cell(line, column)
                cell.value = _without_control(value)
                cell.data_type = "s"
                cell.font = Font(bold=line == 1)
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for column, width in enumerate(widths, 1):
            sheet.column_dimensions[letter(column)].width = width
        sheet.freeze_panes = "A2"
        if rows:
            sheet.auto_filter.ref = f"A1:{letter(len(rows[0]))}{len(rows)}"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _without_control(value: str) -> str:
    return "".join(c for c in value if c >= " " or c in "\n\t")[:32_000]
