"""The chapters with a row per step: by procedure, and in the numbering of somebody else."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.report.model import Connection, Listed, Mark, Phase, Step
from harness.report.pdf.blocks import Block, Rich, facts, para
from harness.report.pdf.glyphs import drawable, pieces
from harness.report.pdf.paper import MOST_LINES, Paper

ATTENTION: Final = ("fail", "error", "warn")
MOST_ROWS: Final = 150
MOST_IDS: Final = 10
MOST_PROVIDERS: Final = 600


def results(paper: Paper) -> Iterator[Block]:
    """Yield every step with its result."""
    r, say = paper.report, paper.say
    yield paper.chapter("results")
    head = [say(key) for key in ("step", "description", "result", "seen_or_needed")]
    if paper.dense:
        yield para(say("pdf_dense"))
    for c in r.connections:
        yield {"b": "h", "level": 3, "t": drawable(f"{c.name}: {c.title}"), "id": paper.place(c.anchor)}
        if paper.dense:
            yield from _listing(paper, c, head)
            continue
        if len(r.connections) > 1:
            yield facts(c.head)
        for p in c.phases:
            shown = [s for s in p.steps if not (paper.many and s.see)]
            if shown:
                note = say.count("rows_shown", len(shown))
                yield {
                    "b": "phase",
                    "t": drawable(p.name),
                    "mark": paper.word(p.mark),
                    "note": note,
                    "id": paper.place(p.anchor),
                }
                yield {"b": "steps", "head": head, "rows": [_step(paper, c, s) for s in shown]}
            yield from _per_provider(paper, p)


def _per_provider(paper: Paper, phase: Phase) -> Iterator[Block]:
    """Lay the care providers of a cluster out: a line for each, a column per step that wants evidence of every one."""
    if not phase.providers:
        return
    most = MOST_LINES if paper.dense else MOST_PROVIDERS
    rest = len(phase.providers) - most
    yield {
        "b": "matrix",
        "caption": drawable(paper.say("per_provider", phase=phase.name, n=len(phase.providers))),
        "head": [drawable(paper.say("provider")), *map(drawable, phase.provider_steps)],
        "rows": [[pieces(line.name), *(paper.word(m) for m in line.marks)] for line in phase.providers[:most]],
        "rest": paper.say("pdf_rest", n=paper.say.number(rest)) if rest > 0 else "",
    }


def _listing(paper: Paper, c: Connection, head: Sequence[str]) -> Iterator[Block]:
    """List the steps of one of many connections by result; what asks for attention has a row while there is room."""
    steps = [s for p in c.phases for s in p.steps if not s.see]
    shown = [s for s in steps if s.mark.key in ATTENTION][: max(MOST_ROWS - paper.rows, 0)]
    paper.rows += len(shown)
    groups: dict[str, tuple[Mark, list[str]]] = {}
    for step in steps:
        groups.setdefault(step.mark.key, (Mark(step.mark.key, step.mark.word), []))[1].append(step.id)
    yield {"b": "soft", "t": pieces(" · ".join(f.value for f in c.head))}
    yield {
        "b": "groups",
        "groups": [
            [paper.mark(m), drawable(f"{len(ids)}: {paper.say.listed(ids, MOST_IDS)}")] for m, ids in groups.values()
        ],
    }
    if shown:
        yield {"b": "steps", "head": head, "rows": [_step(paper, c, s) for s in shown]}
    for p in c.phases:
        yield from _per_provider(paper, p)


def _step(paper: Paper, c: Connection, s: Step) -> dict[str, Any]:
    say = paper.say
    actor = f"{s.actor} · {say('also_numbered', ids=', '.join(s.also))}" if s.also else s.actor
    under: list[Rich] = []
    for number in s.findings:
        under += [paper.link(number, f"{say('finding').lower()} {number}"), " · "]
    tail = s.basis
    if tail and s.evidence:
        tail += f" · {say('evidence').lower()} {say.listed([e[:8] for e in s.evidence], 3)}"
    return {
        "id": paper.place(s.anchor),
        "n": drawable(s.id),
        "t": pieces(s.title),
        "a": pieces(actor),
        "m": paper.mark(s.mark),
        "s": [pieces(line) for line in s.seen] + [paper.link(f"{c.anchor}-{i}", say("see_step", ids=i)) for i in s.see],
        "d": [[drawable(d.label), pieces(d.value)] for d in s.data],
        "u": [*under, pieces(tail)] if under or tail else [],
    }


def listed(paper: Paper, listed: Listed) -> Iterator[Block]:
    """Yield the items of the reader's own checklist."""
    say = paper.say
    yield {"b": "h", "level": 2, "t": drawable(f"{say('listed')}: {listed.name}"), "id": paper.place("listed")}
    yield para(f"{say('listed_intro', name=listed.name)} {say('listed_export_note')}")
    yield facts(listed.facts)
    yield paper.tally(listed.counts)
    for label, numbers in (("uncovered_list", listed.uncovered), ("listed_astray", listed.astray)):
        if numbers:
            yield {"b": "small", "label": f"{say(label)}:", "t": drawable(", ".join(numbers))}
    rows = []
    for number, item in enumerate(listed.items, 1):
        under: list[Rich] = []
        for step in item.steps[:8]:
            under += [paper.link(step.anchor, step.id) if step.anchor else drawable(step.id), " · "]
        if len(item.steps) > 8:
            under += [say("and_more", n=len(item.steps) - 8), " · "]
        under += [piece for rule in item.rules for piece in ({"m": rule}, " · ")]
        under += [piece for n in item.findings for piece in (paper.link(n, f"{say('finding').lower()} {n}"), " · ")]
        rows.append(
            {
                "id": paper.place(f"l-{number}"), "n": drawable(item.number), "t": pieces(item.title), "a": pieces(item.chapter),
                "m": paper.mark(item.mark), "s": [pieces(line) for line in item.seen], "d": [], "u": under[:-1],
            }
        )  # fmt: skip
    yield {
        "b": "steps",
        "head": [say(key) for key in ("number", "description", "result", "seen_or_needed")],
        "rows": rows,
    }
