"""Render the report as Markdown, in the same order as the HTML."""

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.report.model import Connection, Count, Fact, FindingView, ListedItem, Mark, Report, Step
from harness.report.pictures import described
from harness.report.wording import Wording

_SIGNS = {
    "pass": "✓", "lab": "◌✓", "warn": "▲", "fail": "✗", "error": "◆", "manual": "✎", "waiting": "◷", "blocked": "■",
    "not-run": "○", "skip": "–", "own": "□", "info": "ⓘ", "uncovered": "∅", "new": "+", "fixed": "✓", "same": "=", "gone": "/",
}  # fmt: skip
_MARKS = re.compile(r"([\\`*_\[\]<>|#~])")


def _e(text: str) -> str:
    """Escape what Markdown or HTML would read as more than text."""
    return _MARKS.sub(r"\\\1", text).replace("\n", " ")


def _signed(mark: Mark) -> str:
    return f"{_SIGNS[mark.key]} {_e(mark.text)}"


def _tally(counts: Sequence[Count]) -> str:
    return " · ".join(f"{_SIGNS[c.key]} {c.number} {_e(c.word)}" for c in counts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _facts(facts: Iterable[Fact]) -> Iterator[str]:
    for label, value in facts:
        yield f"- {_e(label)}: {_e(value)}"
    yield ""


def render(r: Report) -> Iterator[str]:
    """Yield the file in pieces."""
    say = Wording(r.lang)
    for part in (_front, _declaration, _glance, _versions, _findings, _results, _listed, _end):
        for line in part(r, say):
            yield f"{line}\n"


def _front(r: Report, say: Wording) -> Iterator[str]:
    yield f"# {_e(r.title)}: {_e(r.subtitle)}"
    yield ""
    yield f"{_e(r.environment)} · {_e(r.moment)} · {say('run')} {_e(r.run)}" + (
        f" · **{say('draft')}**" if r.draft else ""
    )
    yield ""
    note = f" {say('draft_note')}." if r.draft else ""
    yield f"{_e(r.intended)}{note}"
    yield ""
    yield from _facts(r.head)
    yield f"**{_signed(r.conclusion.mark)}.** {_e(r.conclusion.sentence)}"
    yield ""
    for sentence in r.conclusion.explanation:
        yield _e(sentence)
        yield ""
    yield f"## {say('what_now')}"
    yield ""
    for number, item in enumerate(r.todo, 1):
        tail = [f"{say('who')}: {_e(item.who)}"]
        tail += [f"{say('unblocks').lower()}: {_e(say.listed(item.unblocks))}"] if item.unblocks else []
        tail += [f"{say('finding').lower()} {item.finding}"] if item.finding else []
        tail += [f"`{item.command}`"] if item.command else []
        yield f"{number}. **{_e(item.what)}** {' · '.join(tail)}{f' · {_e(item.detail)}' if item.detail else ''}"
    if not r.todo:
        yield say("nothing_now")
    if r.todo_rest:
        yield ""
        yield say.count("todo_rest", r.todo_rest)
    yield ""


def _declaration(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('declaration')}"
    yield ""
    rest = say.count("declaration_open", len(r.open_steps)) if r.open_steps else say("declaration_open_none")
    yield f"{say('declaration_aid')} {rest}"
    yield ""
    if r.exercise:
        yield say("declaration_exercise")
    elif not r.declarations:
        yield f"**{say('draft')}.** {_e(r.undeclared)}"
    for declared in r.declarations:
        who = ", ".join(
            _e(part) for part in (declared.by, declared.function, declared.day, declared.connection) if part
        )
        yield f"- {who}; {r.seal or say('declaration_signature_none')}"
    if r.open_steps:
        yield ""
        yield f"{say('open_rows')}: {', '.join(r.open_steps)}"
    yield ""


def _glance(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('glance')}"
    yield ""
    yield _tally(r.counts)
    yield ""
    questions = [say(key) for key in ("reachable", "answers", "conforms")]
    rows = (
        [_e(c.name), _signed(c.mark), *(_signed(q.mark) for q in c.questions), _tally(c.counts)] for c in r.connections
    )
    yield from _table([say("connection"), say("result"), *questions, say("verdict_counts")], rows)


def _versions(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('run_and_versions')}"
    yield ""
    yield from _facts(r.run_facts)
    yield from _facts(r.versions)
    for line in r.apart:
        yield f"- {say('apart')}: {_e(line)}"
    if r.documents:
        rows = ([_e(e.name), _e(e.belongs), f"`{e.sha256}`"] for e in r.documents)
        yield from _table([say("documents"), say("belongs_to"), say("digest")], rows)
    if r.caps:
        yield f"### {say('caps')}"
        yield ""
        yield from _facts(r.caps)
    yield f"## {say('references')}"
    yield ""
    yield from _table(
        [say("document"), say("version"), say("used_for")],
        ([_e(ref.document), _e(ref.version), ref.used] for ref in r.references),
    )


def _findings(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('findings')}"
    yield ""
    for connection in r.connections:
        if any(lane.broken for lane in connection.lanes):
            yield f"{say('path_breaks', connection=_e(connection.name))}: {_e(described(connection, say))}"
            yield ""
    for finding in r.findings:
        yield from _finding(finding, say)
    if not r.findings:
        yield say("findings_none")
        yield ""
    if r.unjudged:
        yield f"### {say('unjudged')}"
        yield ""
        yield from _table(
            [say("reason"), say("rules"), say("applies_to")],
            ([_e(u.reason), ", ".join(u.rules), _e(say.listed(u.connections))] for u in r.unjudged),
        )
    if r.comparison:
        yield f"### {say('compared', run=_e(r.comparison.run))}"
        yield ""
        yield _tally(r.comparison.counts)
        yield ""
        yield from _table(
            [say("change"), say("rule"), say("connection"), say("probe")],
            ([x.word, f"{_e(x.rule)} {_e(x.title)}", _e(x.connection), _e(x.probe)] for x in r.comparison.changes),
        )


def _finding(f: FindingView, say: Wording) -> Iterator[str]:
    yield f"### {f.number}. {_signed(f.mark)}: {_e(f.title)} ({f.rule})"
    yield ""
    applies = ": ".join(part for part in (say.listed(f.connections, 12), say.listed(f.steps, 12)) if part)
    seen = [f"{s.observed} ({s.where})" if s.where else s.observed for s in f.sightings]
    lines = [
        ("observed", say.listed(seen, 12) if seen else f"{f.observed} ({f.where})" if f.where else f.observed),
        ("expected", f.expected),
        ("why", f.why),
        ("remedy", f.remedy),
        ("who", f.who),
        ("source", f.source),
        ("applies_to", applies),
        ("unblocks", say.listed(f.unblocks, 12)),
        ("related", ", ".join(f.related)),
    ]
    for key, value in lines:
        if value:
            yield f"- {say(key)}: {_e(value)}"
    for evidence in f.evidence:
        yield f"- {say('evidence')}: {_e(evidence.name)}, SHA-256 `{evidence.sha256}`"
    yield ""


def _results(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('results')}"
    yield ""
    head = [say("step"), say("description"), say("result"), say("seen_or_needed")]
    for connection in r.connections:
        yield f"### {_e(connection.name)}: {_e(connection.title)}"
        yield ""
        yield from _facts(_own_facts(r, connection))
        for phase in connection.phases:
            yield f"#### {_e(phase.name)}: {_signed(phase.mark)}"
            yield ""
            yield from _table(head, (_row(step, say) for step in phase.steps))
            if phase.providers:
                each = ([_e(line.name), *(_signed(mark) for mark in line.marks)] for line in phase.providers)
                yield from _table([say("provider"), *phase.provider_steps], each)


def _own_facts(r: Report, connection: Connection) -> tuple[Fact, ...]:
    return connection.head if len(r.connections) > 1 else ()


def _row(step: Step, say: Wording) -> Sequence[str]:
    seen = [
        *step.seen,
        *(say("see_step", ids=i) for i in step.see),
        *(f"{say('finding').lower()} {n}" for n in step.findings),
    ]
    seen += [f"{fact.label}: {fact.value}" for fact in step.data]
    seen += [step.basis] if step.basis else []
    also = f" ({say('also_numbered', ids=', '.join(step.also))})" if step.also else ""
    return step.id, _e(f"{step.title}{also}; {step.actor}"), _signed(step.mark), _e(" · ".join(seen))


def _listed(r: Report, say: Wording) -> Iterator[str]:
    if r.listed is None:
        return
    listed = r.listed
    yield f"## {say('listed')}: {_e(listed.name)}"
    yield ""
    yield _tally(listed.counts)
    yield ""
    for label, numbers in (("uncovered_list", listed.uncovered), ("listed_astray", listed.astray)):
        if numbers:
            yield f"{say(label)}: {_e(', '.join(numbers))}"
            yield ""
    head = [say("number"), say("description"), say("result"), say("seen_or_needed"), say("steps_of")]
    yield from _table(head, (_listed_row(item, say) for item in listed.items))


def _listed_row(item: ListedItem, say: Wording) -> Sequence[str]:
    seen = [*item.seen, *(f"{say('finding').lower()} {n}" for n in item.findings)]
    ids = dict.fromkeys((*(link.id for link in item.steps), *item.rules))
    return _e(item.number), _e(item.title), _signed(item.mark), _e(" · ".join(seen)), " ".join(ids)


def _end(r: Report, say: Wording) -> Iterator[str]:
    yield f"## {say('deviations')}"
    yield ""
    if r.deviations:
        head = [say(k) for k in ("rule", "applies_to", "reason", "owner", "until", "state")]
        rows = ([d.rule, _e(d.connection), _e(d.reason), _e(d.owner), d.until, _signed(d.mark)] for d in r.deviations)
        yield from _table(head, rows)
    else:
        yield say("deviations_none")
        yield ""
    yield f"## {say('evidence')}"
    yield ""
    for sentence in r.masked:
        yield sentence
        yield ""
    if r.evidence:
        rows = ([_e(e.name), _e(e.belongs), e.size, f"`{e.sha256}`"] for e in r.evidence)
        yield from _table([say("file"), say("belongs_to"), say("size"), say("digest")], rows)
    else:
        yield say("evidence_none")
        yield ""
    yield f"## {say('timeline')}"
    yield ""
    if r.next_deadline:
        yield _e(r.next_deadline)
        yield ""
    yield from _table(
        [say("when"), say("what"), say("state")],
        ([say.day(m.day), _e(m.label), f"{m.word}, {m.text}"] for m in r.timeline),
    )
    yield from (_e(sentence) for sentence in r.outlook)
    if r.validities:
        rows = (
            [_e(v.label), say.day(v.start), say.day(v.end), _e(" · ".join(w for w in (v.mark.word, v.left) if w))]
            for v in r.validities
        )
        yield from _table([say("certificate"), say("valid_from"), say("valid_until"), say("state")], rows)
    yield "---"
    yield _e(r.footer)
