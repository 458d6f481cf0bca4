"""Lay out the report as blocks, in the order of the HTML; the template draws each kind of block."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from harness.report.model import Report
from harness.report.pdf import chapters, opening, steps
from harness.report.pdf.blocks import Block
from harness.report.pdf.glyphs import drawable
from harness.report.pdf.paper import Paper


def lay_out(report: Report) -> dict[str, Any]:
    """Return everything that the template needs."""
    paper = Paper(report)
    r, say = report, paper.say
    laid = list(blocks(paper))
    return {
        "lang": r.lang,
        "title": drawable(r.title),
        "subtitle": drawable(r.subtitle),
        "author": drawable(r.head[0].value) if r.head else "",
        "run": drawable(f"{say('run')} {r.run}"),
        "page": say("page"),
        "draft": say("draft") if r.draft else "",
        "day": list(r.started.astimezone(UTC).timetuple()[:6]),
        "footer": drawable(r.footer),
        "targets": dict.fromkeys(sorted(paper.linked & paper.placed), True),
        "blocks": laid,
    }


def blocks(paper: Paper) -> Iterator[Block]:
    """Yield the chapters in the order of the reader."""
    yield from opening.summary(paper)
    yield from opening.glance(paper)
    yield from chapters.versions(paper)
    yield from chapters.references(paper)
    yield from chapters.findings(paper)
    yield from steps.results(paper)
    if paper.report.listed:
        yield from steps.listed(paper, paper.report.listed)
    yield from chapters.deviations(paper)
    yield from chapters.evidence(paper)
    yield from chapters.timeline(paper)
