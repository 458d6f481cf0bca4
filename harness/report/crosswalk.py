"""Write the chapter in somebody else's numbering, and export it as CSV and XLSX with their own columns."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.checklist import catalogue
from harness.crosswalk.answers import Answer, answers, astray
from harness.crosswalk.items import Crosswalk
from harness.model import Severity, Verdict
from harness.outcome import RowVerdict
from harness.report.desk import Desk, counted, mark_of
from harness.report.model import Count, Fact, Listed, ListedItem, Mark, Report, StepLink
from harness.report.steps import FindingNumbers, departure, number_order, seen
from harness.report.wording import Wording
from harness.sheets import to_csv, to_xlsx

MOST_LINES = 4
UNCOVERED = "uncovered"
_OPEN = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.MANUAL, Verdict.WAITING, Verdict.BLOCKED, Verdict.NOT_RUN)


def chapter(desk: Desk, theirs: Crosswalk, numbers: FindingNumbers) -> Listed:
    """Return every item of `theirs` with what it came to on the chosen connections."""
    found = answers(theirs, desk.run, desk.ledger, desk.now, built=desk.run.info.probes or None, connections=desk.names)
    items = tuple(_item(desk, answer, numbers) for answer in found)
    return Listed(
        name=desk.clean(theirs.name, 120),
        facts=_facts(desk, theirs),
        counts=_counts(items, desk.say),
        total=len(items),
        items=items,
        uncovered=tuple(item.number for item in items if item.mark.key == UNCOVERED),
        astray=tuple(desk.clean(number, 40) for number in astray(theirs, desk.ledger)),
        extra=tuple(desk.clean(heading, 80) for heading in theirs.extra),
    )


def _facts(desk: Desk, theirs: Crosswalk) -> tuple[Fact, ...]:
    say = desk.say
    facts = (
        Fact(say("file"), desk.clean(Path(theirs.path).name, 120)),
        Fact(say("version"), desk.clean(theirs.version, 40)),
        Fact(say("digest"), theirs.sha256),
    )
    return tuple(fact for fact in facts if fact.value)


def _counts(items: Iterable[ListedItem], say: Wording) -> tuple[Count, ...]:
    marks = [item.mark for item in items]
    bare = sum(mark.key == UNCOVERED for mark in marks)
    known = counted((mark for mark in marks if mark.key != UNCOVERED), say)
    return (Count(UNCOVERED, say(UNCOVERED), bare), *known) if bare else known


def _item(desk: Desk, answer: Answer, numbers: FindingNumbers) -> ListedItem:
    item, say = answer.item, desk.say
    waits_on = next((catalogue()[p.row].actor for _, p in answer.parts if p.verdict is Verdict.WAITING), "")
    found = answer.verdict
    return ListedItem(
        number=desk.clean(item.number, 40),
        chapter=desk.clean(item.chapter, 120),
        title=desk.clean(item.title),
        mark=mark_of(found, say, waits_on) if found else Mark(UNCOVERED, say(UNCOVERED)),
        seen=tuple(_seen(desk, answer)) if found else (say("uncovered_note"),),
        steps=tuple(_links(desk, answer)),
        rules=item.rules,
        findings=_findings(answer, numbers),
        extra=tuple(desk.clean(value) for value in item.extra),
    )


def _seen(desk: Desk, answer: Answer) -> Iterator[str]:
    """Say what decides: the parts that have the result of the item, named when there are several."""
    assert answer.verdict is not None  # only answered items come here
    guilty = [part for part in answer.parts if part[1].verdict is answer.verdict.verdict]
    alone = len(answer.parts) == 1
    lines = [(part.row, line) for name, part in guilty for line in _of_part(desk, name, part)]
    told = list(dict.fromkeys(line if alone else f"{row}: {line}" for row, line in lines))
    yield from told[:MOST_LINES]
    if len(told) > MOST_LINES:
        yield desk.say("and_more", n=len(told) - MOST_LINES)


def _of_part(desk: Desk, name: str, part: RowVerdict) -> Iterable[str]:
    row = catalogue().get(part.row)
    if row is not None and name:
        return seen(desk, row, part)
    found = [g for g in part.findings if g.finding.rule == part.row]
    return departure(desk, found) if found else [desk.clean(desk.say.words(part.cause))]


def _links(desk: Desk, answer: Answer) -> Iterator[StepLink]:
    shown: Mapping[str, set[str]] = {name: {row.id for row, _ in rows} for name, rows in desk.rows.items()}
    for name, part in answer.parts:
        if part.row in catalogue():
            there = part.row in shown.get(name, ())
            yield StepLink(part.row, desk.anchor(name, part.row) if there else "", desk.clean(name, 80))


def _findings(answer: Answer, numbers: FindingNumbers) -> tuple[str, ...]:
    known = {
        numbers.get((name, g.finding), "")
        for name, part in answer.parts
        for g in part.findings
        if g.severity is not Severity.INFO and (part.row in catalogue() or g.finding.rule == part.row)
    }
    return tuple(sorted(known - {""}, key=number_order))


# ---- export ---------------------------------------------------------------------------------------------------

_WIDTHS = (12, 24, 60, 30, 80, 24, 20, 14, 24)


def as_csv(report: Report, delimiter: str = ";") -> bytes:
    """Return the chapter as CSV: their number and words, the result, why, our ids, and their own columns."""
    return to_csv(_rows(report), delimiter)


def as_xlsx(report: Report, path: Path) -> bytes:
    """Return the chapter as XLSX, with a second sheet that says from which run it comes."""
    say = Wording(report.lang)
    return to_xlsx(
        [(say("listed_sheet"), list(_rows(report)), _WIDTHS), (say("listed_about"), list(_about(report)), (34, 90))],
        path,
    )


def _rows(report: Report) -> Iterator[list[str]]:
    say, listed = Wording(report.lang), _listed(report)
    keys = ("number", "listed_chapter", "description", "result", "seen_or_needed", "steps_of", "rules", "findings")
    yield [*(say(key) for key in keys), say("connection"), *listed.extra]
    for item in listed.items:
        yield [
            item.number,
            item.chapter,
            item.title,
            item.mark.text,
            "\n".join(item.seen),
            " ".join(dict.fromkeys(link.id for link in item.steps)),
            " ".join(item.rules),
            " ".join(item.findings),
            ", ".join(dict.fromkeys(link.connection for link in item.steps if link.connection)),
            *item.extra,
        ]


def _about(report: Report) -> Iterator[list[str]]:
    say, listed = Wording(report.lang), _listed(report)
    yield [say("listed"), listed.name]
    yield from ([fact.label, fact.value] for fact in listed.facts)
    yield [say("run_id"), report.run]
    yield [say("started"), report.moment]
    yield [say("environment"), report.environment]
    yield [say("state"), say("lab_note") if report.exercise else say("draft_note") if report.draft else say("declared")]
    yield from ([count.word, str(count.number)] for count in listed.counts)
    if listed.astray:
        yield [say("listed_astray"), ", ".join(listed.astray)]
    yield ["ketentest", report.footer]


def _listed(report: Report) -> Listed:
    assert report.listed is not None  # exported only when a checklist was given
    return report.listed
