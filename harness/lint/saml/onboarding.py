"""The aansluitbestand of a cluster: the template, one row per dienstverlener, and its agreement with the rest (R)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.model import Finding, NotRun, Text, Words
from harness.wire.saml import UUID, EntityId
from harness.wire.saml_keys import KeyCertificate, der_of, load_certificates, read_certificate
from harness.wire.saml_metadata import Metadata, key_certificates

BATCH: Final = 150
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "entityid": ("entityid", "entity id", "entity-id"),
    "oin": ("oin", "organisatie identificatienummer"),
    "uuid": ("serviceuuid", "service uuid", "dienst uuid", "uuid", "dienstnummer"),
    "name": ("naam", "organisatie", "dienstverlener", "zorgaanbieder", "name"),
    "status": ("status", "actief"),
    "consent": ("akkoord",),
    "environment": ("omgeving", "environment"),
    "connection": ("aansluiting", "koppeling", "connection"),
}
"""What a column is about, by the words its heading may begin with; the published template decides the headings."""
CLOSED: Final = ("afgesloten", "beëindigd", "beeindigd", "inactief", "gesloten", "closed", "nee", "no")
ENVIRONMENTS: Final = {"preprod": ("pre", "acc", "test"), "prod": ("prod",)}

ABSENT: Final = Text("BSN-certificaat", "BSN certificate")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the sheet: its 1-based line, its values by heading, and the headings that hold a formula."""

    line: int
    values: Mapping[str, str]
    formulas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet with the dienstverleners: every sheet name in the file, the headings, and the rows."""

    sheets: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, what: str) -> str:
        """Return the heading of the column about `what`, or an empty string."""
        words = FIELDS[what]
        plain = {heading: " ".join(heading.lower().replace("_", " ").split()) for heading in self.headings}
        return next((h for w in words for h, p in plain.items() if p.startswith(w)), "")

    def value(self, row: Row, what: str) -> str:
        """Return what the row says of `what`."""
        return row.values.get(self.column(what), "").strip()

    def active(self) -> tuple[Row, ...]:
        """Return the rows of dienstverleners that are not closed."""
        return tuple(row for row in self.rows if not self.value(row, "status").lower().startswith(CLOSED))


@dataclass(frozen=True, slots=True)
class Joined:
    """The aansluitbestand with what it must agree with: template, previous file, metadata, registered names."""

    sheet: Sheet
    template: Sheet | None = None
    previous: Sheet | None = None
    metadata: Metadata | None = None
    names: Mapping[str, str] = field(default_factory=dict)


table: RuleTable[Joined] = RuleTable()


def _at(row: Row, heading: str) -> str:
    return f"{heading} (regel {row.line})" if heading else f"regel {row.line}"


def _lines(rows: list[Row], limit: int = 8) -> str:
    listed = ", ".join(str(row.line) for row in rows[:limit])
    return listed + (f" … (+{len(rows) - limit})" if len(rows) > limit else "")


@table.rule("SAML-ONB-001")
def follows_template(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """Headings and sheets as in the template, every field filled in, values instead of formulas."""
    sheet = doc.sheet
    if doc.template is None:
        reason = Text(
            "geen sjabloon opgegeven (aansluitbestand_template)", "no template given (aansluitbestand_template)"
        )
        yield from not_run(("SAML-ONB-001",), reason)
    else:
        extra = [s for s in sheet.sheets if s not in doc.template.sheets]
        if extra:
            yield Finding("SAML-ONB-001", "sheets", ", ".join(extra), ", ".join(doc.template.sheets))
        if sheet.headings != doc.template.headings:
            strange = [h for h in sheet.headings if h not in doc.template.headings]
            absent = [h for h in doc.template.headings if h not in sheet.headings]
            yield Finding(
                "SAML-ONB-001",
                "headings",
                ", ".join(strange or sheet.headings),
                ", ".join(absent or doc.template.headings),
            )
    yield from _formulas(sheet)
    for heading in sheet.headings:
        empty = [r for r in sheet.rows if heading not in r.formulas and not r.values.get(heading, "").strip()]
        if empty:
            what = Text(f"{heading}: leeg in {_lines(empty)}", f"{heading}: empty in {_lines(empty)}")
            yield Finding("SAML-ONB-001", "empty", what, where=_at(empty[0], heading), line=empty[0].line)


def _formulas(sheet: Sheet) -> Iterator[Finding]:
    """Tell once which columns hold formulas: what they come to is not in the file."""
    rows = [row for row in sheet.rows if row.formulas]
    if rows:
        columns = ", ".join(h for h in sheet.headings if any(h in row.formulas for row in rows))
        nl, en = f"formule in {_lines(rows)}: {columns}", f"formula in {_lines(rows)}: {columns}"
        yield Finding(
            "SAML-ONB-001", "formula", Text(nl, en), where=_at(rows[0], rows[0].formulas[0]), line=rows[0].line
        )


@table.rule("SAML-ONB-002")
def one_connection(doc: Joined, ctx: Context) -> Iterator[Finding]:
    """One connection and one environment per file."""
    for what in ("environment", "connection"):
        heading = doc.sheet.column(what)
        found = {doc.sheet.value(row, what).lower() for row in doc.sheet.rows} - {""}
        if heading and len(found) > 1:
            yield Finding("SAML-ONB-002", observed=", ".join(sorted(found)), expected="1", where=heading)
        wanted = ENVIRONMENTS.get(str(ctx.environment)) if what == "environment" else None
        if wanted and found and not any(value.startswith(wanted) for value in found):
            yield Finding(
                "SAML-ONB-002", observed=", ".join(sorted(found)), expected=str(ctx.environment), where=heading
            )


@table.rule("SAML-ONB-003", "SAML-ONB-008")
def cumulative(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """Every dienstverlener of the previous file is still there, and not too many are new."""
    if doc.previous is None:
        reason = Text("geen vorig aansluitbestand opgegeven", "no previous aansluitbestand given")
        yield from not_run(("SAML-ONB-003", "SAML-ONB-008"), reason)
        return
    heading = doc.sheet.column("entityid")
    if not heading or any(heading in row.formulas for row in doc.sheet.rows):
        reason = Text("geen leesbare kolom EntityID", "no readable column EntityID")
        yield from not_run(("SAML-ONB-003", "SAML-ONB-008"), reason)
        return
    before = {doc.previous.value(row, "entityid") for row in doc.previous.rows} - {""}
    now = {doc.sheet.value(row, "entityid") for row in doc.sheet.rows}
    if before - now:
        yield Finding("SAML-ONB-003", observed=", ".join(sorted(before - now)[:5]))
    if len(now - before) > BATCH:
        yield Finding("SAML-ONB-008", observed=str(len(now - before)), expected="100-150")


@table.rule("SAML-ONB-004")
def agrees_with_metadata(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """Each active row names entityID, OIN, ServiceUUID and name, as in the metadata and its certificate."""
    sheet = doc.sheet
    missing = [what for what in ("entityid", "oin", "uuid", "name") if not sheet.column(what)]
    if missing and doc.template is not None and sheet.headings != doc.template.headings:
        reason = Text("kolommen heten anders dan in het sjabloon", "columns are not named as in the template")
        yield from not_run(("SAML-ONB-004",), reason)
        return
    if missing:
        yield Finding("SAML-ONB-004", "columns", ", ".join(missing), ", ".join(sheet.headings))
        return
    if any(sheet.column(what) in row.formulas for what in ("entityid", "oin") for row in sheet.active()):
        yield from not_run(("SAML-ONB-004",), Text("formules in plaats van waarden", "formulas instead of values"))
        return
    counted = Counter(sheet.value(row, "entityid") for row in sheet.active())
    for row in sheet.active():
        entity_id, oin = sheet.value(row, "entityid"), sheet.value(row, "oin")
        name = EntityId.read(entity_id)
        if name is None or name.role != "DV" or name.oin != oin:
            yield Finding(
                "SAML-ONB-004",
                "oin",
                f"{entity_id or '—'}, {oin or '—'}",
                where=_at(row, sheet.column("oin")),
                line=row.line,
            )
        elif counted[entity_id] > 1:
            where = _at(row, sheet.column("entityid"))
            yield Finding("SAML-ONB-004", "twice", entity_id, "1 ×", where=where, line=row.line)
        elif doc.metadata is not None:
            yield from _in_metadata(doc.metadata, row, entity_id, oin)
    if doc.metadata is None:
        yield from not_run(
            ("SAML-ONB-004",), Text("geen metadata om mee te vergelijken", "no metadata to compare with")
        )
        return
    listed = {sheet.value(row, "entityid") for row in sheet.rows}
    unlisted = [e.entity_id for e in doc.metadata.entities if e.name and e.name.role == "DV"]
    unlisted = [name for name in unlisted if name not in listed]
    if unlisted:
        shown = ", ".join(unlisted[:5]) + (f" … (+{len(unlisted) - 5})" if len(unlisted) > 5 else "")
        yield Finding("SAML-ONB-004", "unlisted", shown, where="metadata")


def _in_metadata(metadata: Metadata, row: Row, entity_id: str, oin: str) -> Iterator[Finding]:
    entity = metadata.by_id.get(entity_id)
    if entity is None:
        yield Finding("SAML-ONB-004", "metadata", entity_id, where=_at(row, ""), line=row.line)
        return
    held: list[KeyCertificate] = [certificate for _, certificate in key_certificates(entity, "encryption")]
    other = [c.oin for c in held if c.oin != oin]
    if other:
        yield Finding("SAML-ONB-004", "certificate", ", ".join(other), oin, where=_at(row, ""), line=row.line)


@table.rule("SAML-ONB-005")
def uuids(doc: Joined, ctx: Context) -> Iterator[Finding]:
    """Each ServiceUUID is a UUID and occurs once."""
    sheet, heading = doc.sheet, doc.sheet.column("uuid")
    if not heading:
        return
    counted = Counter(sheet.value(row, "uuid").lower() for row in sheet.rows)
    for row in sheet.rows:
        value = sheet.value(row, "uuid")
        if value and not UUID.fullmatch(value):
            yield Finding(
                "SAML-ONB-005", observed=value[:60], expected="8-4-4-4-12", where=_at(row, heading), line=row.line
            )
        elif counted[value.lower()] > 1 and value:
            yield Finding("SAML-ONB-005", "twice", value, where=_at(row, heading), line=row.line)


@table.rule("SAML-ONB-006")
def registered_name(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """The name is that of the registration."""
    if not doc.names:
        reason = Text(
            "geen lijst met geregistreerde namen opgegeven (--with names:BESTAND)",
            "no list of registered names given (--with names:FILE)",
        )
        yield from not_run(("SAML-ONB-006",), reason)
        return
    for row in doc.sheet.active():
        name, oin = doc.sheet.value(row, "name"), doc.sheet.value(row, "oin")
        known = doc.names.get(oin)
        if known and " ".join(known.lower().split()) != " ".join(name.lower().split()):
            yield Finding("SAML-ONB-006", observed=name[:100], expected=known, where=_at(row, ""), line=row.line)


@table.rule("SAML-ONB-007")
def consented(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """For production every dienstverlener gave its akkoordverklaring."""
    if str(ctx.environment) != "prod":
        return
    heading = doc.sheet.column("consent")
    if not heading:
        reason = Text(
            "het aansluitbestand heeft geen kolom voor de akkoordverklaring",
            "the aansluitbestand has no consent column",
        )
        yield from not_run(("SAML-ONB-007",), reason)
        return
    for row in doc.sheet.active():
        if doc.sheet.value(row, "consent").lower() in ("", "nee", "no", "-"):
            yield Finding(
                "SAML-ONB-007", observed=doc.sheet.value(row, "name") or "—", where=_at(row, heading), line=row.line
            )


@table.rule("SAML-ONB-009")
def direct_connection(doc: Joined, ctx: Context) -> Iterator[Finding]:
    """The sources disagree on the aansluitbestand of a direct connection."""
    if ctx.role == "dv":
        yield Finding("SAML-ONB-009")


def judge_onboarding(doc: Joined, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge an aansluitbestand with what it must agree with."""
    yield from table.judge(doc, ctx)


@dataclass(frozen=True, slots=True)
class Lack:
    """What one dienstverlener still lacks before it can go into a batch."""

    name: str
    oin: str
    lacking: tuple[Words, ...]


def unfit(data: bytes, oin: str, at: datetime) -> Iterator[Words]:
    """Yield why the certificate in `data` cannot be the BSN certificate of the dienstverlener with this OIN."""
    held = next((found for c in load_certificates(data)[:1] if (found := read_certificate(der_of(c)))), None)
    if held is None:
        yield Text("BSN-certificaat is onleesbaar", "BSN certificate cannot be read")
        return
    if held.not_after < at:
        day = held.not_after.date()
        yield Text(f"BSN-certificaat is verlopen op {day}", f"BSN certificate expired on {day}")
    elif held.not_before > at:
        day = held.not_before.date()
        yield Text(f"BSN-certificaat geldt pas vanaf {day}", f"BSN certificate holds from {day} on")
    if held.oin != oin:
        yield Text(f"BSN-certificaat is van OIN {held.oin or '—'}", f"BSN certificate is of OIN {held.oin or '—'}")
    if held.key_encipherment is False:
        yield Text("BSN-certificaat mag niet versleutelen", "BSN certificate may not encrypt")
    if held.public_key is None:
        yield Text("BSN-certificaat heeft geen RSA-sleutel", "BSN certificate has no RSA key")


def plan_batches(lacks: tuple[Lack, ...], size: int = BATCH) -> tuple[tuple[Lack, ...], ...]:
    """Return the dienstverleners that lack nothing, in batches of at most `size`."""
    ready = tuple(lack for lack in lacks if not lack.lacking)
    return tuple(ready[start : start + size] for start in range(0, len(ready), size))
