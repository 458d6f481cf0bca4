"""The first pages: the conclusion, what to do, the declaration, and each connection at a glance."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.report import pictures
from harness.report.model import Connection, Count, Fact
from harness.report.pdf.blocks import Block, Rich, facts, pairs, para, picture, soft
from harness.report.pdf.glyphs import drawable, pieces
from harness.report.pdf.paper import Paper

FIRST_PAGE: Final = 60
"""So many open steps fit on the first page; a longer list runs on to the second, and the rest follows it."""


def summary(paper: Paper) -> Iterator[Block]:
    """Yield the first page: the conclusion, what to do, and the declaration."""
    r, say = paper.report, paper.say
    strip = [r.environment, r.moment, f"{say('run')} {r.run}"]
    lead = f"{r.intended} {say('draft_note')}." if r.draft else r.intended
    yield {"b": "masthead", "strip": [drawable(s) for s in strip], "lead": pieces(lead)}
    yield facts(r.head)
    yield {
        "b": "conclusion",
        "mark": paper.mark(r.conclusion.mark),
        "sentence": pieces(r.conclusion.sentence),
        "more": [pieces(s) for s in r.conclusion.explanation],
    }
    if r.comparison:
        yield {"b": "h", "level": 3, "t": drawable(say("compared", run=r.comparison.run))}
        yield paper.tally(r.comparison.counts)
    yield {"b": "h", "level": 2, "t": say("what_now"), "plain": True}
    yield from _todo(paper)
    yield from _declaration(paper)
    some = len(r.open_steps) <= FIRST_PAGE
    if r.open_steps and some:
        yield _open(paper)
    yield {"b": "contents"}
    if some:
        yield {"b": "break"}
    else:
        yield _open(paper)


def _open(paper: Paper) -> Block:
    steps = paper.report.open_steps
    return {"b": "small", "label": f"{paper.say('open_rows')} ({len(steps)})", "t": drawable(", ".join(steps))}


def _todo(paper: Paper) -> Iterator[Block]:
    r, say = paper.report, paper.say
    if not r.todo:
        yield para(say("nothing_now"))
        return
    items = []
    for item in r.todo:
        under: list[Rich] = [pieces(f"{say('who')}: {item.who}")]
        if item.unblocks:
            under += [" · ", pieces(f"{say('unblocks').lower()}: {say.listed(item.unblocks)}")]
        if item.finding:
            under += [" · ", paper.link(item.finding, f"{say('finding').lower()} {item.finding}")]
        for step in item.steps:
            under += [" · ", paper.link(step, f"{say('step').lower()} {step.partition('-')[2]}")]
        if item.command:
            under += [" · ", {"m": pieces(item.command)}]
        items.append({"what": pieces(item.what), "under": under, "detail": pieces(item.detail)})
    yield {"b": "todo", "items": items}
    if r.todo_rest:
        yield {"b": "soft", "t": say.count("todo_rest", r.todo_rest)}


def _declaration(paper: Paper) -> Iterator[Block]:
    r, say = paper.report, paper.say
    still = say.count("declaration_open", len(r.open_steps)) if r.open_steps else say("declaration_open_none")
    lines = [f"{say('declaration_aid')} {still}"]
    groups = [
        pairs(
            Fact(say("declaration_by"), said.by),
            Fact(say("declaration_function"), said.function),
            Fact(say("declaration_date"), said.day),
            Fact(say("connections"), said.connection),
        )
        for said in (() if r.exercise else r.declarations)
    ]
    if r.exercise:
        lines.append(say("declaration_exercise"))
    if not r.exercise and not r.declarations:
        lines.append(f"{say('draft')}. {r.undeclared}")
    if not r.exercise:
        groups.append(pairs(Fact(say("declaration_signature"), r.seal or say("declaration_signature_none"))))
    yield {"b": "statement", "h": say("declaration"), "lines": [pieces(line) for line in lines], "groups": groups}


def glance(paper: Paper) -> Iterator[Block]:
    """Yield each connection at a glance."""
    r, say = paper.report, paper.say
    yield paper.chapter("glance")
    yield _bar(paper, r.counts, r.total)
    yield paper.tally(r.counts)
    if paper.dense:
        yield _overview(paper)
    else:
        yield {"b": "cards", "cards": [_card(paper, c) for c in r.connections]}
    yield {"b": "h", "level": 3, "t": say("legend")}
    yield {"b": "tally", "counts": [{"k": m.key, "t": drawable(m.text)} for m in r.verdicts]}


def _overview(paper: Paper) -> Block:
    """Return one row for each of many connections: its result and the three answers about its link."""
    rows = [
        [
            [paper.link(c.anchor, c.name), soft(f" {c.title}")],
            paper.word(c.mark),
            *(paper.word(q.mark) for q in c.questions),
        ]
        for c in paper.report.connections
    ]
    labels = [drawable(q.label) for q in paper.report.connections[0].questions]
    head = [paper.say("connection"), paper.say("result"), *labels]
    return {
        "b": "table",
        "caption": "",
        "head": head,
        "widths": (6, 3, *[3] * len(labels)),
        "rows": rows,
        "ids": (),
        "rest": "",
    }


def _card(paper: Paper, c: Connection) -> dict[str, Any]:
    phases = [] if paper.many else c.phases
    return {
        "k": c.mark.key,
        "name": paper.link(c.anchor, c.name),
        "title": pieces(c.title),
        "mark": paper.mark(c.mark),
        "q": [[drawable(q.label), paper.word(q.mark), pieces(q.why)] for q in c.questions],
        "phases": [[paper.link(p.anchor, p.name), paper.word(p.mark)] for p in phases],
        "counts": paper.tally(c.counts)["counts"] if len(paper.report.connections) > 1 else [],
    }


def _bar(paper: Paper, counts: Sequence[Count], total: int) -> Block:
    spoken = ", ".join(f"{c.number} {c.word}" for c in counts)
    return picture(pictures.bar(counts, total, spoken), spoken)
