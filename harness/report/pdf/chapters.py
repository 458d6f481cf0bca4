"""The chapters about what was tested, found, agreed, kept and planned."""

from collections.abc import Iterator
from typing import Final

from harness.report import pictures
from harness.report.model import FindingView, Mark, Sighting
from harness.report.pdf.blocks import Block, Rich, digest, facts, named, observed, para, picture, soft, strong
from harness.report.pdf.glyphs import drawable, pieces
from harness.report.pdf.paper import Paper

MOST_PATHS: Final = 24
MOST_EVIDENCE: Final = 12


def versions(paper: Paper) -> Iterator[Block]:
    """Yield the run and what was tested."""
    r, say = paper.report, paper.say
    yield paper.chapter("versions", "run_and_versions")
    yield facts(r.run_facts)
    if r.apart:
        yield {"b": "h", "level": 3, "t": say("apart")}
        yield para(say("apart_note"))
        yield {"b": "list", "items": [pieces(line) for line in r.apart]}
    yield {"b": "h", "level": 3, "t": say("tested_versions")}
    yield facts(r.versions)
    if r.documents:
        rows = [[strong(e.name), pieces(e.belongs), digest(e.sha256)] for e in r.documents]
        yield paper.table(say("documents"), ("file", "belongs_to", "digest"), (5, 4, 5), rows)
    if r.caps:
        yield {"b": "h", "level": 3, "t": say("caps")}
        yield para(say("caps_caption"))
        yield facts(r.caps)


def references(paper: Paper) -> Iterator[Block]:
    """Yield the documents this rests on."""
    say = paper.say
    yield paper.chapter("references")
    rows = [[strong(x.document), pieces(x.version), pieces(x.used)] for x in paper.report.references]
    yield paper.table(say("references_caption"), ("document", "version", "used_for"), (8, 3, 4), rows)


def findings(paper: Paper) -> Iterator[Block]:
    """Yield the pictures of the path and every finding."""
    r, say = paper.report, paper.say
    yield paper.chapter("findings")
    drawn = [c for c in r.connections if c.lanes and (not paper.many or any(lane.broken for lane in c.lanes))]
    for c in drawn[:MOST_PATHS]:
        broken = any(lane.broken for lane in c.lanes)
        yield {"b": "h", "level": 3, "t": drawable(say("path_breaks" if broken else "path_of", connection=c.name))}
        yield picture(pictures.path(c, say), f"{c.name}. {pictures.described(c, say)}")
    if drawn:
        rest = [c.name for c in drawn[MOST_PATHS:]]
        yield {
            "b": "soft",
            "t": pieces(
                " ".join(
                    (
                        say("path_caption_lab" if r.exercise else "path_caption"),
                        say("and_more", n=say.number(len(rest))) if rest else "",
                    )
                )
            ),
        }
    if not r.findings:
        yield para(say("findings_none"))
    yield from (_finding(paper, f) for f in r.findings if f.severity != "info")
    if told := [f for f in r.findings if f.severity == "info"]:
        yield {"b": "h", "level": 3, "t": say("findings_info")}
        rows = [
            [[{"m": f.rule}, " ", pieces(f.title)], pieces(observed(f, say)), pieces(say.listed(f.connections, 6))]
            for f in told
        ]
        places = [paper.place(f.number) for f in told]
        yield paper.table("", ("rule", "observed", "applies_to"), (5, 5, 3), rows, places)
    if r.unjudged:
        yield {"b": "h", "level": 3, "t": say("unjudged")}
        rows = [
            [strong(u.reason), pieces(", ".join(u.rules)), pieces(say.listed(u.connections, 6))] for u in r.unjudged
        ]
        yield paper.table(say("unjudged_caption"), ("reason", "rules", "applies_to"), (4, 6, 3), rows)
    if r.comparison:
        yield {"b": "h", "level": 3, "t": drawable(say("compared", run=r.comparison.run))}
        rows = [
            [
                paper.mark(Mark(x.kind, x.word)),
                [{"m": x.rule}, " ", pieces(x.title)],
                pieces(x.connection),
                pieces(x.probe),
            ]
            for x in r.comparison.changes
        ]
        if rows:
            yield paper.table("", ("change", "rule", "connection", "probe"), (3, 6, 3, 3), rows)
        else:
            yield para(say("compared_none"))


def _finding(paper: Paper, f: FindingView) -> Block:
    say = paper.say
    where = say("where").lower()
    alike = len({s.expected for s in f.sightings}) <= 1
    lines: list[tuple[str, Rich]] = []
    if f.sightings:
        seen = [_sighting(paper, s, alike=alike, several=len(f.connections) > 1) for s in f.sightings]
        seen += [say("and_more", n=f.sightings_rest)] if f.sightings_rest else []
        lines.append((say("observed"), {"li": seen}))
    else:
        lines.append((say("observed"), [pieces(f.observed), soft(f" ({where}: {f.where})") if f.where else ""]))
    if f.expected and alike:
        lines.append((say("expected"), pieces(f.expected)))
    lines += [(say("why"), pieces(f.why))] if f.why else []
    lines += [(say("remedy"), pieces(f.remedy))] if f.remedy else []
    after = f" · {say('unblocks').lower()}: {say.listed(f.unblocks, 12)}" if f.unblocks else ""
    lines.append((say("who"), [pieces(f.who), soft(after)]))
    lines += [(say("source"), pieces(f.source))] if f.source else []
    if f.connections or f.steps:
        both = [say.listed(part, 12) for part in (f.connections, f.steps) if part]
        lines.append((say("applies_to"), pieces(": ".join(both))))
    lines += [(say("related"), drawable(", ".join(f.related)))] if f.related else []
    lines += [(say("deviations"), drawable(f"{say('until').lower()} {f.waived}"))] if f.waived else []
    kept = f.evidence[:MOST_EVIDENCE]
    evidence: list[Rich] = [[drawable(f"{e.name} · {e.size} · SHA-256 "), digest(e.sha256)] for e in kept]
    evidence += [say("and_more", n=say.number(len(f.evidence) - len(kept)))] if len(f.evidence) > len(kept) else []
    return {
        "b": "finding",
        "k": f.mark.key,
        "id": paper.place(f.number),
        "mark": paper.mark(f.mark),
        "title": pieces(f"{f.number}. {f.title}"),
        "rule": f.rule,
        "lines": lines,
        "note": say.count("evidence_files", len(f.evidence)) if f.evidence else "",
        "evidence": evidence,
        "excerpts": [pieces(e.excerpt) for e in kept if e.excerpt],
        "excerpt": say("excerpt_note"),
    }


def _sighting(paper: Paper, s: Sighting, *, alike: bool, several: bool) -> Rich:
    say = paper.say
    expected = f"; {say('expected').lower()} {s.expected}" if s.expected and not alike else ""
    place = f" ({say('where').lower()}: {s.where})" if s.where else ""
    names = f" {say.listed(s.connections)}" if several else ""
    return [pieces(s.observed + expected), soft(place + names)]


def deviations(paper: Paper) -> Iterator[Block]:
    """Yield the agreed departures."""
    r, say = paper.report, paper.say
    yield paper.chapter("deviations")
    rows: list[list[Rich]] = [
        [
            {"m": d.rule},
            pieces(d.connection),
            pieces(d.reason),
            pieces(d.owner),
            drawable(d.until),
            paper.mark(d.mark),
        ]
        for d in r.deviations
    ]
    if rows:
        keys = ("rule", "applies_to", "reason", "owner", "until", "state")
        yield paper.table("", keys, (3, 3, 6, 3, 3, 3), rows)
    else:
        yield para(say("deviations_none"))


def evidence(paper: Paper) -> Iterator[Block]:
    """Yield what was masked and the index of evidence."""
    r, say = paper.report, paper.say
    yield paper.chapter("evidence")
    yield {"b": "h", "level": 3, "t": say("masked")}
    yield from (para(sentence) for sentence in r.masked)
    yield {"b": "h", "level": 3, "t": say("evidence_index")}
    rows = [[named(e), pieces(e.belongs), drawable(e.size), digest(e.sha256)] for e in r.evidence]
    if rows:
        yield paper.table("", ("file", "belongs_to", "size", "digest"), (5, 4, 2, 5), rows)
    else:
        yield para(say("evidence_none"))


def timeline(paper: Paper) -> Iterator[Block]:
    """Yield what happens when, and how long certificates are valid."""
    r, say = paper.report, paper.say
    yield paper.chapter("timeline")
    if r.next_deadline:
        yield {"b": "p", "t": strong(r.next_deadline)}
    if len(r.timeline) > 1:
        words = "; ".join(f"{m.label}, {m.word}, {m.text}" for m in r.timeline[-pictures.MOST_SPANS :])
        yield picture(pictures.timeline(r.timeline, r.today, say), f"{say('timeline')}: {words}")
        rows = [
            [
                say.day(m.day),
                paper.link(m.step, m.label) if m.step else pieces(m.label),
                pieces(f"{m.word}, {m.text}" if m.end else m.word),
            ]
            for m in r.timeline
        ]
        yield paper.table("", ("when", "what", "state"), (3, 7, 5), rows)
    else:
        yield para(say("timeline_none"))
    if r.validities or r.outlook:
        yield {"b": "h", "level": 3, "t": say("certificates_caption")}
    yield from (para(sentence) for sentence in r.outlook)
    if r.validities:
        words = "; ".join(f"{v.label}, {v.text}" for v in r.validities[: pictures.MOST_SPANS])
        yield picture(pictures.certificates(r.validities, r.today, say), f"{say('certificates_caption')}: {words}")
        rows = [
            [
                strong(v.label),
                say.day(v.start),
                say.day(v.end),
                [paper.mark(v.mark), drawable(f" · {v.left}" if v.left else "")],
            ]
            for v in r.validities
        ]
        yield paper.table("", ("certificate", "valid_from", "valid_until", "state"), (5, 3, 3, 6), rows)
