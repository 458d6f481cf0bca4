"""Judge the agreement itself: schema, cpaid, status and validity (CPA-001 … CPA-018)."""

import re
from datetime import datetime, timedelta
from typing import Final

from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.model import Finding, Text
from harness.wire import grammar
from harness.wire.keyinfo import CertificateFacts

MOST: Final = 20
#: What another rule says better than the schema does: element and attribute of the violation.
OWNED: Final = {("PartyId", "type"): "CPA-021", ("X509Certificate", ""): "CPA-081"}


@table.rule("CPA-001", "CPA-003")
def readable(doc: Doc, ctx: Context) -> Outcome:
    """The file is a well-formed CPA; the judge reports it before any rule runs."""
    return iter(())


@table.rule("CPA-002")
def schema(doc: Doc, ctx: Context) -> Outcome:
    """The document follows the schema of CPP/A 2.0."""
    found = [v for v in grammar.violations(grammar.CPA, doc.cpa.node) if (v.element, v.attribute) not in OWNED]
    for violation in found[:MOST]:
        yield Finding("CPA-002", observed=violation.text, where=violation.path, line=violation.line)
    if len(found) > MOST:
        more = len(found) - MOST
        yield Finding("CPA-002", observed=Text(f"en nog {more} afwijkingen", f"and {more} more deviations"))


@table.rule("CPA-004")
def version(doc: Doc, ctx: Context) -> Outcome:
    """The version attribute differs from tool to tool and is never wrong; it is reported."""
    if doc.cpa.version and doc.cpa.version not in ("1.0", "2_0b", "2_0", "2.0", "2_0a"):
        yield at(doc.cpa, "CPA-004", doc.cpa.version, "2_0b")


@table.rule("CPA-005")
def cpaid(doc: Doc, ctx: Context) -> Outcome:
    """The cpaid is there and has no white space around it."""
    if doc.cpa.cpaid != doc.cpa.cpaid.strip() or not doc.cpa.cpaid:
        yield at(doc.cpa, "CPA-005", repr(doc.cpa.cpaid), repr(doc.cpa.cpaid.strip()))


@table.rule("CPA-006")
def cpaid_as_file_name(doc: Doc, ctx: Context) -> Outcome:
    """The cpaid can serve as a file name."""
    strange = "".join(sorted(set(re.sub(r"[A-Za-z0-9_$-]", "", doc.cpa.cpaid.strip()))))
    if strange:
        yield at(doc.cpa, "CPA-006", f"{doc.cpa.cpaid.strip()}  ({strange})", "A-Z a-z 0-9 _ - $")


@table.rule("CPA-007")
def cpaid_pattern(doc: Doc, ctx: Context) -> Outcome:
    """The cpaid is built from service, both parties and a version."""
    ids = [party.party_id for party in doc.cpa.parties if party.party_id]
    if ids and not all(one in doc.cpa.cpaid for one in ids):
        yield at(doc.cpa, "CPA-007", doc.cpa.cpaid.strip(), "[ServiceID]_[PartyId-A]_[PartyId-B]_[versie]")


@table.rule("CPA-010")
def status(doc: Doc, ctx: Context) -> Outcome:
    """The status says that the parties agree."""
    if doc.cpa.status not in ("agreed", "signed"):
        yield at(doc.cpa, "CPA-010", doc.cpa.status, "agreed, signed")


@table.rule("CPA-011", "CPA-012", "CPA-013", "CPA-014")
def validity(doc: Doc, ctx: Context) -> Outcome:
    """The CPA has begun, has not ended, and does not end within thirty days."""
    start, end = doc.cpa.start, doc.cpa.end
    shown = f"{doc.cpa.start_text} – {doc.cpa.end_text}"
    if start and end and start >= end:
        yield at(doc.cpa, "CPA-011", shown, "Start < End")
        return
    if end and end < ctx.at:
        yield at(doc.cpa, "CPA-012", doc.cpa.end_text, f"≥ {ctx.at:%Y-%m-%d}")
    elif end and end - ctx.at < timedelta(days=30):
        yield at(doc.cpa, "CPA-014", doc.cpa.end_text)
    if start and start > ctx.at:
        yield at(doc.cpa, "CPA-013", doc.cpa.start_text, f"≤ {ctx.at:%Y-%m-%d}")


@table.rule("CPA-015")
def long_lasting(doc: Doc, ctx: Context) -> Outcome:
    """The CPA lasts no longer than ten years."""
    start, end = doc.cpa.start, doc.cpa.end
    if start and end and end > _ten_years_after(start):
        yield at(doc.cpa, "CPA-015", f"{doc.cpa.start_text} – {doc.cpa.end_text}")


def _ten_years_after(start: datetime) -> datetime:
    try:
        return start.replace(year=start.year + 10)
    except ValueError:  # 29 February, or beyond year 9999
        return start + timedelta(days=3653) if start.year < 9980 else datetime.max.replace(tzinfo=start.tzinfo)


@table.rule("CPA-016")
def outlives_certificates(doc: Doc, ctx: Context) -> Outcome:
    """The CPA ends before the first of its certificates does."""
    ends = [(facts.not_after, name) for name, facts in used_certificates(doc) if facts.not_after >= ctx.at.timestamp()]
    if ends and doc.cpa.end:
        first, name = min(ends)
        if doc.cpa.end.timestamp() > first:
            date = f"{datetime.fromtimestamp(first, ctx.at.tzinfo):%Y-%m-%d}"
            yield at(doc.cpa, "CPA-016", doc.cpa.end_text, f"≤ {date} ({name})")


def used_certificates(doc: Doc) -> list[tuple[str, CertificateFacts]]:
    """Return the readable certificates of the CPA with their certId."""
    return [(c.id, c.facts) for party in doc.cpa.parties for c in party.certificates if c.facts]


@table.rule("CPA-017")
def limits(doc: Doc, ctx: Context) -> Outcome:
    """ConversationConstraints of 0 mean no limit; a real limit is reported."""
    for name, number in (
        ("invocationLimit", doc.cpa.invocation_limit),
        ("concurrentConversations", doc.cpa.concurrent),
    ):
        if number not in ("", "0"):
            yield at(doc.cpa, "CPA-017", f"{name}={number}")


@table.rule("CPA-018")
def zones(doc: Doc, ctx: Context) -> Outcome:
    """Start and End carry a zone."""
    for name, text, moment in (("Start", doc.cpa.start_text, doc.cpa.start), ("End", doc.cpa.end_text, doc.cpa.end)):
        if moment and not re.search(r"(?:Z|[+-]\d\d:\d\d)\Z", text):
            yield at(doc.cpa, "CPA-018", f"{name}: {text}", f"{text}Z")
