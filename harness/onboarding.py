"""Fill in the aansluitbestand of a cluster by its template, and say which dienstverlener still lacks what."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from harness.attestations import Ledger
from harness.chain import Loaded
from harness.errors import UnusableInput
from harness.lint.saml.onboarding import ABSENT, BATCH, CLOSED, Lack, Row, Sheet, plan_batches, unfit
from harness.lint.saml.sheet import heading_row, sheet_of
from harness.model import Environment, Text, Verdict, Words, say
from harness.scenario import LAB, Connection, Provider
from harness.sheets import read_table, to_csv
from harness.wire.saml import EntityId
from harness.wire.saml_own import index_for

CONSENT: Final = ("TC-11.Za", "TC-18.Za")
"""The rows at which a care provider's akkoordverklaring is declared."""


@dataclass(frozen=True, slots=True)
class Papers:
    """A TVS connection with the folder its files stand in and what people declared."""

    connection: Connection
    folder: Path
    ledger: Ledger

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The dienstverleners of the scenario."""
        return self.connection.saml.providers if self.connection.saml else ()

    def entity_id(self, provider: Provider) -> str:
        """Return the name of a dienstverlener in the metadata of this environment."""
        chosen = self.connection.saml.index if self.connection.saml else 0
        index = index_for(chosen, production=self.connection.environment is Environment.PROD)
        return str(EntityId("DV", provider.oin, f"{index:04d}"))

    def consented(self, provider: Provider) -> bool:
        """Whether the akkoordverklaring of this dienstverlener, or of all, was declared."""
        said = (a for row in CONSENT for a in self.ledger.of(row, self.connection.name))
        return any(a.verdict is Verdict.PASS and a.provider in ("", provider.name) for a in said)

    def sheet(self, key: str) -> Sheet | None:
        """Return a spreadsheet that the scenario names under saml, or None."""
        name = getattr(self.connection.saml, key, "") if self.connection.saml else ""
        return sheet_of((self.folder / name).read_bytes(), str(self.folder / name)) if name else None


def papers_of(loaded: Loaded, ledger: Ledger, name: str) -> Papers:
    """Return the papers of the TVS connection called `name`."""
    connection = loaded.scenario.connections[name]
    if connection.saml is None:
        raise UnusableInput(
            f"{name}: een aansluitbestand hoort bij een TVS-verbinding (tvs-cluster)",
            f"{name}: an aansluitbestand belongs to a TVS connection (tvs-cluster)",
        )
    return Papers(connection, loaded.folder, ledger)


# --- filling in ---------------------------------------------------------------------------------------------------


def fill_in(papers: Papers, template: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return the aansluitbestand by `template`, and the headings for which the scenario holds no value."""
    data = template.read_bytes() if template.is_file() else None
    if data is None:
        raise UnusableInput(
            f"{template}: dit sjabloon bestaat niet; vraag het op bij DICTU en noem het met --template",
            f"{template}: this template does not exist; get it from DICTU and name it with --template",
        )
    grid = read_table(template, data)[0]
    sheet = sheet_of(data, str(template))
    if not sheet.column("oin"):
        raise UnusableInput(
            f"{template}: geen kolom OIN; dit is geen sjabloon van het aansluitbestand",
            f"{template}: no OIN column; this is no template of the aansluitbestand",
        )
    rows = tuple(_rows(papers, sheet))
    head = heading_row(grid)
    headings = tuple(cell.text for cell in grid.rows[head])
    unknown = tuple(h for h in sheet.headings if any(not row.get(h, "") for row in rows))
    if data[:2] != b"PK":
        return to_csv([headings, *([row.get(h, "") for h in headings] for row in rows)], grid.delimiter), unknown
    return _filled(template, data, head + 1, headings, rows), unknown


def _rows(papers: Papers, sheet: Sheet) -> Iterator[Mapping[str, str]]:
    """Yield the rows of the previous aansluitbestand that stay, and one for each dienstverlener of the scenario."""
    previous = papers.sheet("previous_aansluitbestand")
    current = {papers.entity_id(provider): provider for provider in papers.providers}
    before = {previous.value(row, "entityid"): row for row in previous.rows} if previous else {}
    yield from (row.values for name, row in before.items() if name not in current)
    for entity_id, provider in current.items():
        known: Row | None = before.get(entity_id)
        yield {**(known.values if known else {}), **_values(papers, provider, sheet)}


def _values(papers: Papers, provider: Provider, sheet: Sheet) -> Mapping[str, str]:
    production = papers.connection.environment is Environment.PROD
    said = {
        "entityid": papers.entity_id(provider),
        "oin": provider.oin,
        "uuid": provider.service_uuid,
        "name": provider.name,
        "status": "actief",
        "consent": "ja" if papers.consented(provider) else "",
        "environment": "productie" if production else "preproductie",
    }
    return {sheet.column(what): value for what, value in said.items() if value and sheet.column(what)}


def _filled(
    template: Path, data: bytes, first: int, headings: tuple[str, ...], rows: tuple[Mapping[str, str], ...]
) -> bytes:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), keep_vba=template.suffix.lower() == ".xlsm")
    sheet: Any = book.worksheets[0]
    if sheet.max_row > first:
        sheet.delete_rows(first + 1, sheet.max_row - first)
    for line, row in enumerate(rows, first + 1):
        for column, heading in enumerate(headings, 1):
            if row.get(heading):
                cell = sheet.cell(line, column, row[heading])
                cell.data_type, cell.number_format = "s", "@"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- who lacks what -----------------------------------------------------------------------------------------------


def lacks(papers: Papers, at: datetime) -> tuple[Lack, ...]:
    """Return for each dienstverlener what is still missing before it can go into a batch."""
    sheet = papers.sheet("aansluitbestand")
    listed = {sheet.value(row, "entityid") for row in sheet.active()} if sheet else set()
    uuids = [p.service_uuid.lower() for p in papers.providers]

    def missing(provider: Provider) -> Iterator[Words]:
        yield from _certificate(papers, provider, at)
        if uuids.count(provider.service_uuid.lower()) > 1:
            yield "ServiceUUID"
        if not papers.consented(provider):
            yield "akkoordverklaring"
        if sheet and papers.entity_id(provider) not in listed:
            yield "aansluitbestand"

    return tuple(Lack(p.name, p.oin, tuple(missing(p))) for p in papers.providers)


def _certificate(papers: Papers, provider: Provider, at: datetime) -> Iterator[Words]:
    """Yield what is wrong with the BSN certificate of a dienstverlener, or that there is none."""
    if not provider.bsn_certificate:
        if not (papers.connection.saml and papers.connection.saml.endpoint == LAB):
            yield ABSENT
        return
    try:
        data = (papers.folder / provider.bsn_certificate).read_bytes()
    except OSError:
        data = b""
    yield from unfit(data, provider.oin, at)


def closed(papers: Papers) -> int:
    """Return how many dienstverleners of the aansluitbestand are closed."""
    sheet = papers.sheet("aansluitbestand")
    if sheet is None:
        return 0
    return sum(sheet.value(row, "status").lower().startswith(CLOSED) for row in sheet.rows)


def show_batches(papers: Papers, lang: str, at: datetime) -> str:
    """Return who lacks what, and the batches that the others make."""
    found = lacks(papers, at)
    batches = plan_batches(found)
    waiting = [lack for lack in found if lack.lacking]
    width = max((len(lack.name) for lack in waiting), default=0)
    lines = [
        Text(
            f"{papers.connection.name}: {len(found)} dienstverleners, {len(found) - len(waiting)} compleet, {closed(papers)} afgesloten",
            f"{papers.connection.name}: {len(found)} dienstverleners, {len(found) - len(waiting)} complete, {closed(papers)} closed",
        ).of(lang)
    ]
    word = Text("mist", "lacks").of(lang)
    lines += [
        f"  {lack.name:<{width}}  {lack.oin}  {word}: {', '.join(say(what, lang) for what in lack.lacking)}"
        for lack in waiting
    ]
    for number, batch in enumerate(batches, 1):
        lines.append(f"  batch {number}: {len(batch)} ({batch[0].name} … {batch[-1].name})")
    if not batches:
        lines.append(Text("  nog geen batch", "  no batch yet").of(lang))
    elif len(found) > BATCH:
        lines.append(
            Text(
                f"  spreek met DICTU af: ten hoogste {BATCH} per batch",
                f"  agree with DICTU: at most {BATCH} per batch",
            ).of(lang)
        )
    return "\n".join(lines) + "\n"
