"""Lay out the report as blocks, in the order of the HTML; the template draws each kind of block."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any, Final

from harness.report import pictures
from harness.report.model import (
    Connection,
    Count,
    EvidenceFile,
    Fact,
    FindingView,
    Listed,
    Mark,
    Report,
    Sighting,
    Step,
)
from harness.report.pdf.glyphs import drawable, pieces
from harness.report.wording import Wording

Block = dict[str, Any]
Rich = Any
"""A string, a link, a mark, or a list of those: what the template's `rich` draws."""

MANY: Final = 8
"""From this many connections on, only broken paths are drawn and references between steps are left out."""
DENSE: Final = 1000
"""From this many steps on, steps are listed by result, and only those that ask for attention have a row of their own."""
ATTENTION: Final = ("fail", "error", "warn")
MOST_ROWS: Final = 150
MOST_PATHS: Final = 24
MOST_LINES: Final = 150
MOST_IDS: Final = 10
MOST_EVIDENCE: Final = 12


class Pages:
    """The blocks of one report; remembers which places are linked to, so that no link leads nowhere."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.say = Wording(report.lang)
        self.many = len(report.connections) > MANY
        self.dense = sum(len(p.steps) for c in report.connections for p in c.phases) > DENSE
        self.rows = 0
        self.linked: set[str] = set()
        self.placed: set[str] = set()

    def data(self) -> dict[str, Any]:
        """Return everything that the template needs."""
        r, say = self.report, self.say
        blocks = list(self.blocks())
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
            "targets": dict.fromkeys(sorted(self.linked & self.placed), True),
            "blocks": blocks,
        }

    def blocks(self) -> Iterator[Block]:
        """Yield the chapters in the order of the reader."""
        yield from self._summary()
        yield from self._glance()
        yield from self._versions()
        yield from self._references()
        yield from self._findings()
        yield from self._results()
        if self.report.listed:
            yield from self._listed(self.report.listed)
        yield from self._deviations()
        yield from self._evidence()
        yield from self._timeline()

    # the pieces of a line

    def place(self, anchor: str) -> str:
        """Return `anchor` the first time it is placed; a second place of the same name gets none."""
        if anchor in self.placed:
            return ""
        self.placed.add(anchor)
        return anchor

    def link(self, anchor: str, words: str) -> Rich:
        """Return a link to a place in this report; thousands of links would be laid out twice, so then only words."""
        if self.dense:
            return drawable(words)
        self.linked.add(anchor)
        return {"to": anchor, "t": drawable(words)}

    def mark(self, mark: Mark) -> Rich:
        """Return a result with its sign."""
        return {"k": mark.key, "w": drawable(mark.word), "n": drawable(mark.note)}

    def word(self, mark: Mark) -> Rich:
        """Return a result with its sign and without its note."""
        return self.mark(Mark(mark.key, mark.word))

    def tally(self, counts: Iterable[Count]) -> Block:
        """Return how many steps have each result."""
        return {"b": "tally", "counts": [{"k": c.key, "t": f"{c.number} {c.word}"} for c in counts]}

    # chapters

    def _summary(self) -> Iterator[Block]:
        r, say = self.report, self.say
        strip = [r.environment, r.moment, f"{say('run')} {r.run}"]
        lead = f"{r.intended} {say('draft_note')}." if r.draft else r.intended
        yield {"b": "masthead", "strip": [drawable(s) for s in strip], "lead": pieces(lead)}
        yield facts(r.head)
        yield {
            "b": "conclusion",
            "mark": self.mark(r.conclusion.mark),
            "sentence": pieces(r.conclusion.sentence),
            "more": [pieces(s) for s in r.conclusion.explanation],
        }
        if r.comparison:
            yield {"b": "h", "level": 3, "t": drawable(say("compared", run=r.comparison.run))}
            yield self.tally(r.comparison.counts)
        yield {"b": "h", "level": 2, "t": say("what_now"), "plain": True}
        yield from self._todo()
        yield from self._declaration()
        if r.open_steps:
            yield {
                "b": "small",
                "label": f"{say('open_rows')} ({len(r.open_steps)})",
                "t": drawable(", ".join(r.open_steps)),
            }
        yield {"b": "contents"}

    def _todo(self) -> Iterator[Block]:
        r, say = self.report, self.say
        if not r.todo:
            yield para(say("nothing_now"))
            return
        items = []
        for item in r.todo:
            under: list[Rich] = [pieces(f"{say('who')}: {item.who}")]
            if item.unblocks:
                under += [" · ", pieces(f"{say('unblocks').lower()}: {say.listed(item.unblocks)}")]
            if item.finding:
                under += [" · ", self.link(item.finding, f"{say('finding').lower()} {item.finding}")]
            for step in item.steps:
                under += [" · ", self.link(step, f"{say('step').lower()} {step.partition('-')[2]}")]
            if item.command:
                under += [" · ", {"m": pieces(item.command)}]
            items.append({"what": pieces(item.what), "under": under, "detail": pieces(item.detail)})
        yield {"b": "todo", "items": items}
        if r.todo_rest:
            yield {"b": "soft", "t": say.count("todo_rest", r.todo_rest)}

    def _declaration(self) -> Iterator[Block]:
        r, say = self.report, self.say
        still = say.count("declaration_open", len(r.open_steps)) if r.open_steps else say("declaration_open_none")
        lines = [f"{say('declaration_aid')} {still}"]
        groups = [
            _pairs(
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
            lines.append(f"{say('draft')}. {say('declaration_missing')}")
        if not r.exercise:
            groups.append(_pairs(Fact(say("declaration_signature"), r.seal or say("declaration_signature_none"))))
        yield {"b": "statement", "h": say("declaration"), "lines": [pieces(line) for line in lines], "groups": groups}

    def _glance(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("glance", fresh=True)
        yield self._bar(r.counts, r.total)
        yield self.tally(r.counts)
        if self.dense:
            yield self._overview()
        else:
            yield {"b": "cards", "cards": [self._card(c) for c in r.connections]}
        yield {"b": "h", "level": 3, "t": say("legend")}
        yield {"b": "tally", "counts": [{"k": m.key, "t": drawable(m.text)} for m in r.verdicts]}

    def _overview(self) -> Block:
        """Return one row for each of many connections: its result and the three answers about its link."""
        rows = [
            [
                [self.link(c.anchor, c.name), soft(f" {c.title}")],
                self.word(c.mark),
                *(self.word(q.mark) for q in c.questions),
            ]
            for c in self.report.connections
        ]
        labels = [drawable(q.label) for q in self.report.connections[0].questions]
        head = [self.say("connection"), self.say("result"), *labels]
        return {
            "b": "table",
            "caption": "",
            "head": head,
            "widths": (6, 3, *[3] * len(labels)),
            "rows": rows,
            "ids": (),
            "rest": "",
        }

    def _card(self, c: Connection) -> dict[str, Any]:
        phases = [] if self.many else c.phases
        return {
            "k": c.mark.key,
            "name": self.link(c.anchor, c.name),
            "title": pieces(c.title),
            "mark": self.mark(c.mark),
            "q": [[drawable(q.label), self.word(q.mark), pieces(q.why)] for q in c.questions],
            "phases": [[self.link(p.anchor, p.name), self.word(p.mark)] for p in phases],
            "counts": self.tally(c.counts)["counts"] if len(self.report.connections) > 1 else [],
        }

    def _versions(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("versions", "run_and_versions")
        yield facts(r.run_facts)
        if r.apart:
            yield {"b": "h", "level": 3, "t": say("apart")}
            yield para(say("apart_note"))
            yield {"b": "list", "items": [pieces(line) for line in r.apart]}
        yield {"b": "h", "level": 3, "t": say("tested_versions")}
        yield facts(r.versions)
        if r.documents:
            rows = [[strong(e.name), pieces(e.belongs), digest(e.sha256)] for e in r.documents]
            yield self._table(say("documents"), ("file", "belongs_to", "digest"), (5, 4, 5), rows)
        if r.caps:
            yield {"b": "h", "level": 3, "t": say("caps")}
            yield para(say("caps_caption"))
            yield facts(r.caps)

    def _references(self) -> Iterator[Block]:
        say = self.say
        yield self._chapter("references")
        rows = [[strong(x.document), pieces(x.version), pieces(x.used)] for x in self.report.references]
        yield self._table(say("references_caption"), ("document", "version", "used_for"), (8, 3, 4), rows)

    def _findings(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("findings")
        drawn = [c for c in r.connections if c.lanes and (not self.many or any(lane.broken for lane in c.lanes))]
        for c in drawn[:MOST_PATHS]:
            broken = any(lane.broken for lane in c.lanes)
            yield {"b": "h", "level": 3, "t": drawable(say("path_breaks" if broken else "path_of", connection=c.name))}
            yield _picture(pictures.path(c, say), f"{c.name}. {pictures.described(c, say)}")
        if drawn:
            rest = [c.name for c in drawn[MOST_PATHS:]]
            yield {
                "b": "soft",
                "t": pieces(" ".join((say("path_caption"), say("and_more", n=say.number(len(rest))) if rest else ""))),
            }
        if not r.findings:
            yield para(say("findings_none"))
        yield from (self._finding(f) for f in r.findings if f.severity != "info")
        if told := [f for f in r.findings if f.severity == "info"]:
            yield {"b": "h", "level": 3, "t": say("findings_info")}
            rows = [
                [[{"m": f.rule}, " ", pieces(f.title)], pieces(_observed(f, say)), pieces(say.listed(f.connections, 6))]
                for f in told
            ]
            places = [self.place(f.number) for f in told]
            yield self._table("", ("rule", "observed", "applies_to"), (5, 5, 3), rows, places)
        if r.unjudged:
            yield {"b": "h", "level": 3, "t": say("unjudged")}
            rows = [
                [strong(u.reason), pieces(", ".join(u.rules)), pieces(say.listed(u.connections, 6))] for u in r.unjudged
            ]
            yield self._table(say("unjudged_caption"), ("reason", "rules", "applies_to"), (4, 6, 3), rows)
        if r.comparison:
            yield {"b": "h", "level": 3, "t": drawable(say("compared", run=r.comparison.run))}
            rows = [
                [
                    self.mark(Mark(x.kind, x.word)),
                    [{"m": x.rule}, " ", pieces(x.title)],
                    pieces(x.connection),
                    pieces(x.probe),
                ]
                for x in r.comparison.changes
            ]
            if rows:
                yield self._table("", ("change", "rule", "connection", "probe"), (3, 6, 3, 3), rows)
            else:
                yield para(say("compared_none"))

    def _finding(self, f: FindingView) -> Block:
        say = self.say
        where = say("where").lower()
        alike = len({s.expected for s in f.sightings}) <= 1
        lines: list[tuple[str, Rich]] = []
        if f.sightings:
            seen = [self._sighting(s, alike=alike, several=len(f.connections) > 1) for s in f.sightings]
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
            "id": self.place(f.number),
            "mark": self.mark(f.mark),
            "title": pieces(f"{f.number}. {f.title}"),
            "rule": f.rule,
            "lines": lines,
            "note": say.count("evidence_files", len(f.evidence)) if f.evidence else "",
            "evidence": evidence,
            "excerpts": [pieces(e.excerpt) for e in kept if e.excerpt],
            "excerpt": say("excerpt_note"),
        }

    def _sighting(self, s: Sighting, *, alike: bool, several: bool) -> Rich:
        say = self.say
        expected = f"; {say('expected').lower()} {s.expected}" if s.expected and not alike else ""
        place = f" ({say('where').lower()}: {s.where})" if s.where else ""
        names = f" {say.listed(s.connections)}" if several else ""
        return [pieces(s.observed + expected), soft(place + names)]

    def _results(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("results")
        head = [say(key) for key in ("step", "description", "result", "seen_or_needed")]
        if self.dense:
            yield para(say("pdf_dense"))
        for c in r.connections:
            yield {"b": "h", "level": 3, "t": drawable(f"{c.name}: {c.title}"), "id": self.place(c.anchor)}
            if self.dense:
                yield from self._listing(c, head)
                continue
            if len(r.connections) > 1:
                yield facts(c.head)
            for p in c.phases:
                shown = [s for s in p.steps if not (self.many and s.see)]
                if shown:
                    note = say.count("rows_shown", len(shown))
                    yield {
                        "b": "phase",
                        "t": drawable(p.name),
                        "mark": self.word(p.mark),
                        "note": note,
                        "id": self.place(p.anchor),
                    }
                    yield {"b": "steps", "head": head, "rows": [self._step(c, s) for s in shown]}

    def _listing(self, c: Connection, head: Sequence[str]) -> Iterator[Block]:
        """List the steps of one of many connections by result; what asks for attention has a row while there is room."""
        steps = [s for p in c.phases for s in p.steps if not s.see]
        shown = [s for s in steps if s.mark.key in ATTENTION][: max(MOST_ROWS - self.rows, 0)]
        self.rows += len(shown)
        groups: dict[str, tuple[Mark, list[str]]] = {}
        for step in steps:
            groups.setdefault(step.mark.key, (Mark(step.mark.key, step.mark.word), []))[1].append(step.id)
        yield {"b": "soft", "t": pieces(" · ".join(f.value for f in c.head))}
        yield {
            "b": "groups",
            "groups": [
                [self.mark(m), drawable(f"{len(ids)}: {self.say.listed(ids, MOST_IDS)}")] for m, ids in groups.values()
            ],
        }
        if shown:
            yield {"b": "steps", "head": head, "rows": [self._step(c, s) for s in shown]}

    def _step(self, c: Connection, s: Step) -> dict[str, Any]:
        say = self.say
        actor = f"{s.actor} · {say('also_numbered', ids=', '.join(s.also))}" if s.also else s.actor
        under: list[Rich] = []
        for number in s.findings:
            under += [self.link(number, f"{say('finding').lower()} {number}"), " · "]
        tail = s.basis
        if tail and s.evidence:
            tail += f" · {say('evidence').lower()} {say.listed([e[:8] for e in s.evidence], 3)}"
        return {
            "id": self.place(s.anchor),
            "n": drawable(s.id),
            "t": pieces(s.title),
            "a": pieces(actor),
            "m": self.mark(s.mark),
            "s": [pieces(line) for line in s.seen]
            + [self.link(f"{c.anchor}-{i}", say("see_step", ids=i)) for i in s.see],
            "d": [[drawable(d.label), pieces(d.value)] for d in s.data],
            "u": [*under, pieces(tail)] if under or tail else [],
        }

    def _listed(self, listed: Listed) -> Iterator[Block]:
        say = self.say
        yield {"b": "h", "level": 2, "t": drawable(f"{say('listed')}: {listed.name}"), "id": self.place("listed")}
        yield para(f"{say('listed_intro', name=listed.name)} {say('listed_export_note')}")
        yield facts(listed.facts)
        yield self.tally(listed.counts)
        for label, numbers in (("uncovered_list", listed.uncovered), ("listed_astray", listed.astray)):
            if numbers:
                yield {"b": "small", "label": f"{say(label)}:", "t": drawable(", ".join(numbers))}
        rows = []
        for number, item in enumerate(listed.items, 1):
            under: list[Rich] = []
            for step in item.steps[:8]:
                under += [self.link(step.anchor, step.id) if step.anchor else drawable(step.id), " · "]
            if len(item.steps) > 8:
                under += [say("and_more", n=len(item.steps) - 8), " · "]
            under += [piece for rule in item.rules for piece in ({"m": rule}, " · ")]
            under += [piece for n in item.findings for piece in (self.link(n, f"{say('finding').lower()} {n}"), " · ")]
            rows.append(
                {
                    "id": self.place(f"l-{number}"), "n": drawable(item.number), "t": pieces(item.title), "a": pieces(item.chapter),
                    "m": self.mark(item.mark), "s": [pieces(line) for line in item.seen], "d": [], "u": under[:-1],
                }
            )  # fmt: skip
        yield {
            "b": "steps",
            "head": [say(key) for key in ("number", "description", "result", "seen_or_needed")],
            "rows": rows,
        }

    def _deviations(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("deviations")
        rows: list[list[Rich]] = [
            [
                {"m": d.rule},
                pieces(d.connection),
                pieces(d.reason),
                pieces(d.owner),
                drawable(d.until),
                self.mark(d.mark),
            ]
            for d in r.deviations
        ]
        if rows:
            keys = ("rule", "applies_to", "reason", "owner", "until", "state")
            yield self._table("", keys, (3, 3, 6, 3, 3, 3), rows)
        else:
            yield para(say("deviations_none"))

    def _evidence(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("evidence")
        yield {"b": "h", "level": 3, "t": say("masked")}
        yield from (para(sentence) for sentence in r.masked)
        yield {"b": "h", "level": 3, "t": say("evidence_index")}
        rows = [[_named(e), pieces(e.belongs), drawable(e.size), digest(e.sha256)] for e in r.evidence]
        if rows:
            yield self._table("", ("file", "belongs_to", "size", "digest"), (5, 4, 2, 5), rows)
        else:
            yield para(say("evidence_none"))

    def _timeline(self) -> Iterator[Block]:
        r, say = self.report, self.say
        yield self._chapter("timeline")
        if r.next_deadline:
            yield {"b": "p", "t": strong(r.next_deadline)}
        if len(r.timeline) > 1:
            words = "; ".join(f"{m.label}, {m.word}, {m.text}" for m in r.timeline[-pictures.MOST_SPANS :])
            yield _picture(pictures.timeline(r.timeline, r.today, say), f"{say('timeline')}: {words}")
            rows = [
                [
                    say.day(m.day),
                    self.link(m.step, m.label) if m.step else pieces(m.label),
                    pieces(f"{m.word}, {m.text}" if m.end else m.word),
                ]
                for m in r.timeline
            ]
            yield self._table("", ("when", "what", "state"), (3, 7, 5), rows)
        else:
            yield para(say("timeline_none"))
        if r.validities:
            yield {"b": "h", "level": 3, "t": say("certificates_caption")}
            words = "; ".join(f"{v.label}, {v.text}" for v in r.validities[: pictures.MOST_SPANS])
            yield _picture(pictures.certificates(r.validities, r.today, say), f"{say('certificates_caption')}: {words}")
            rows = [
                [strong(v.label), say.day(v.start), say.day(v.end), [self.mark(v.mark), drawable(f" {v.text}")]]
                for v in r.validities
            ]
            yield self._table("", ("certificate", "valid_from", "valid_until", "state"), (6, 3, 3, 5), rows)

    # kinds of block

    def _chapter(self, anchor: str, key: str = "", *, fresh: bool = False) -> Block:
        self.linked.add(anchor)
        return {"b": "h", "level": 2, "t": self.say(key or anchor), "id": self.place(anchor), "fresh": fresh}

    def _table(
        self,
        caption: str,
        head: Sequence[str],
        widths: Sequence[int],
        rows: Sequence[Sequence[Rich]],
        places: Sequence[str] = (),
    ) -> Block:
        names = [self.say(key) for key in head]
        most = MOST_LINES if self.dense else len(rows)
        rest = self.say("pdf_rest", n=self.say.number(len(rows) - most)) if len(rows) > most else ""
        return {
            "b": "table", "caption": drawable(caption), "head": names, "widths": widths, "rows": rows[:most], "ids": places,
            "rest": rest,
        }  # fmt: skip

    def _bar(self, counts: Sequence[Count], total: int) -> Block:
        spoken = ", ".join(f"{c.number} {c.word}" for c in counts)
        return _picture(pictures.bar(counts, total, spoken), spoken)


def para(words: str) -> Block:
    """Return a paragraph."""
    return {"b": "p", "t": pieces(words)}


def facts(found: Iterable[Fact]) -> Block:
    """Return labels with their values."""
    return {"b": "facts", "facts": _pairs(*found)}


def _pairs(*found: Fact) -> list[tuple[str, Rich]]:
    return [(drawable(fact.label), pieces(fact.value)) for fact in found if fact.value]


def strong(words: str) -> Rich:
    """Return words in bold."""
    return {"st": pieces(words)}


def soft(words: str) -> Rich:
    """Return words in the soft colour."""
    return {"s": pieces(words)} if words else ""


def digest(sha256: str) -> Rich:
    """Return a digest that may break over lines and is whole when copied."""
    return {"m": pieces(sha256)}


def _named(e: EvidenceFile) -> Rich:
    return [strong(e.name), soft(f" {e.kind}" if e.kind else "")]


def _observed(f: FindingView, say: Wording) -> str:
    return say.listed(list(dict.fromkeys(s.observed for s in f.sightings)), 4) if f.sightings else f.observed


def _picture(svg: str, words: str) -> Block:
    return {"b": "picture", "svg": svg, "alt": drawable(words)}
