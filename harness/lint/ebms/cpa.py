"""Judge a CPA 2.0: the agreement, its parties, transports, messaging, security, profiles and cross-checks (CPA, PROF, XCHK)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from harness.lint.ebms import (
    cpa_agreement,
    cpa_messaging,
    cpa_parties,
    cpa_profile,
    cpa_security,
    cpa_transport,
    cross,
    reading,
)
from harness.lint.ebms.cpa_document import Doc, Outcome, table
from harness.lint.judge import Context, Raw
from harness.model import Environment, Finding, NotRun
from harness.wire import cpa, cpa_reading, xml

__all__ = ["judge", "table"]

CHAPTERS: Final = (cpa_agreement, cpa_parties, cpa_transport, cpa_messaging, cpa_security, cpa_profile, cross)
IDS: Final = reading.Ids("CPA-001", "", "", "CPA-086", ("CPA-002", "CPA-010", "CPA-012", "CPA-030", "CPA-041"))


def judge(raw: Raw, ctx: Context) -> Outcome:
    """Judge the CPA in `raw`; companions may be the specification it was made from, or another edition of it."""
    opened = reading.opened(raw, IDS)
    yield from opened.findings
    if opened.root is None:
        return
    if opened.root.tag != f"{{{cpa.CPPA}}}CollaborationProtocolAgreement":
        yield _another_root(opened.root)
        return
    doc = Doc(raw, cpa_reading.read_cpa(opened.root), ctx.companions)
    yield from _tempered(doc, ctx, reading.judged(table, doc, ctx))


def _another_root(root: etree._Element) -> Finding:
    name = etree.QName(root)
    shown = f"{name.localname} (xmlns={name.namespace})"
    return Finding("CPA-003", "", shown, "CollaborationProtocolAgreement", xml.where(root), root.sourceline)


def _tempered(doc: Doc, ctx: Context, outcome: Outcome) -> Iterator[Finding | NotRun]:
    """Yield `outcome`; what is known of the fixed echo CPA becomes its case where that CPA belongs."""
    if not (doc.is_echo and ctx.environment is Environment.COMPLIANCE):
        yield from outcome
        return
    for item in outcome:
        yield replace(item, case="echo") if isinstance(item, Finding) and not item.case else item
