"""Write the findings: one cause once, numbered worst first, with everything it applies to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.attestations import review
from harness.model import Evidence, Finding, Graded, Result, Rule, Severity, Source, Text, Verdict
from harness.report.desk import Desk
from harness.report.model import EvidenceFile, FindingView, Mark, Sighting, Unjudged
from harness.workdays import day_of

RANK: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
MOST_EXCERPTS: Final = 40
EXCERPT: Final = 1800
MOST_SIGHTINGS: Final = 12


@dataclass
class Cause:
    """One departure from a rule and every place where it was seen."""

    rule: Rule
    finding: Finding
    severity: Severity
    waived: str = ""
    places: list[tuple[str, Finding]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def connections(self) -> tuple[str, ...]:
        """The connections on which it was seen."""
        return tuple(dict.fromkeys(name for name, _ in self.places if name))


def causes(desk: Desk) -> list[Cause]:
    """Return the findings of the chosen connections and of the ledger, joined by cause, worst first."""
    found: dict[tuple[object, ...], Cause] = {}
    for result in desk.results:
        for graded in result.findings:
            _add(desk, found, graded, result)
        if result.verdict in (Verdict.ERROR, Verdict.FAIL) and not result.findings:
            _add(desk, found, _own_words(result), result)
    for graded in _of_ledger(desk):
        _add(desk, found, graded, None)
    rank = {name: n for n, name in enumerate(info.name for info in desk.infos)}
    return sorted(
        found.values(),
        key=lambda c: (
            RANK[c.severity],
            min((rank.get(n, 0) for n in c.connections), default=99),
            c.rule.id,
            c.finding.where,
        ),
    )


def _add(desk: Desk, found: dict[tuple[object, ...], Cause], graded: Graded, result: Result | None) -> None:
    finding, severity = graded.finding, graded.severity
    name = result.connection if result else ""
    waiver = desk.ledger.waived(finding.rule, name, day_of(desk.now)) if severity is Severity.ERROR else None
    if waiver:
        severity = Severity.WARNING
    key = (finding.rule, finding.case, severity, finding.observed if finding.rule not in desk.book else "")
    cause = found.setdefault(key, Cause(_rule(desk, finding), finding, severity))
    cause.waived = desk.say.day(waiver.until) if waiver else cause.waived
    cause.places.append((name, finding))
    if result and result not in cause.results:
        cause.results.append(result)


def _rule(desk: Desk, finding: Finding) -> Rule:
    if finding.rule in desk.book:
        return desk.book[finding.rule]
    title = Text(finding.rule, finding.rule)
    return Rule(finding.rule, title, Text("", ""), Text("", ""), Source(""), ())


def _own_words(result: Result) -> Graded:
    """A failure without a finding of a rule: its cause is all there is to say."""
    return Graded(Finding(result.probe, observed=result.cause), Severity.ERROR)


def _of_ledger(desk: Desk) -> Iterable[Graded]:
    failing = {
        (r.connection, g.finding.rule) for r in desk.run.results for g in r.findings if g.severity is not Severity.INFO
    }
    mine = [f for f in review(desk.ledger, day_of(desk.now), failing) if f.rule in desk.book]
    return desk.book.grade(mine, {str(info.environment) for info in desk.infos})


def numbers_of(found: Iterable[Cause]) -> dict[tuple[str, Finding], str]:
    """Return the number of each finding on each connection."""
    return {place: f"B{n}" for n, cause in enumerate(found, 1) for place in cause.places}


def views(
    desk: Desk, found: Iterable[Cause], steps: Mapping[str, tuple[str, ...]], unblocks: Mapping[str, tuple[str, ...]]
) -> tuple[FindingView, ...]:
    """Return the findings as they are printed; `steps` and `unblocks` are by finding number."""
    excerpts = iter(range(MOST_EXCERPTS))
    return tuple(
        _view(desk, f"B{n}", cause, steps.get(f"B{n}", ()), unblocks.get(f"B{n}", ()), excerpts)
        for n, cause in enumerate(found, 1)
    )


def _view(
    desk: Desk, number: str, cause: Cause, steps: tuple[str, ...], unblocks: tuple[str, ...], excerpts: Iterable[int]
) -> FindingView:
    say, clean, rule, finding = desk.say, desk.clean, cause.rule, cause.finding
    tool = any(r.verdict is Verdict.ERROR for r in cause.results) and rule.id not in desk.book
    return FindingView(
        number=number,
        rule=rule.id,
        mark=_mark(desk, cause.severity, tool=tool),
        severity=str(cause.severity),
        title=say("tool_error") if tool else say.words(rule.title),
        observed=clean(say.words(finding.observed)) or say("not_stated"),
        expected=clean(say.words(finding.expected)),
        why=say.words(rule.why),
        remedy=say.words(rule.remedy),
        who=say.words(rule.who) or say("who_tool" if tool else "who_own"),
        source=str(rule.source),
        where=_where(desk, finding),
        sightings=_sightings(desk, cause)[:MOST_SIGHTINGS],
        sightings_rest=max(0, len(_sightings(desk, cause)) - MOST_SIGHTINGS),
        connections=tuple(clean(name, 80) for name in cause.connections),
        steps=steps,
        unblocks=unblocks,
        related=tuple(dict.fromkeys((*finding.related, *rule.same_as))),
        waived=cause.waived,
        evidence=tuple(_evidence(desk, cause, excerpts)),
    )


def _sightings(desk: Desk, cause: Cause) -> tuple[Sighting, ...]:
    """Return every way in which the rule was broken, or nothing when there is only one."""
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for name, finding in cause.places:
        observed, expected = (desk.clean(desk.say.words(words), 240) for words in (finding.observed, finding.expected))
        names = found.setdefault((observed, expected, _where(desk, finding)), {})
        if name:
            names[desk.clean(name, 80)] = None
    if len(found) < 2:
        return ()
    return tuple(Sighting(*seen, connections=tuple(names)) for seen, names in found.items())


def _mark(desk: Desk, severity: Severity, *, tool: bool) -> Mark:
    if tool:
        return Mark("error", desk.say("error"))
    key, word = {
        Severity.ERROR: ("fail", "fail"),
        Severity.WARNING: ("warn", "remark"),
        Severity.INFO: ("info", "info"),
    }[severity]
    return Mark(key, desk.say(word))


def _where(desk: Desk, finding: Finding) -> str:
    line = desk.say("line", n=finding.line) if finding.line else ""
    return ", ".join(part for part in (desk.clean(finding.where, 160), line) if part)


def _evidence(desk: Desk, cause: Cause, excerpts: Iterable[int]) -> Iterable[EvidenceFile]:
    held = {e.sha256: e for r in cause.results for e in r.evidence}
    wanted = [held[digest] for digest in cause.finding.evidence if digest in held] or list(held.values())
    for evidence in wanted[:4]:
        shown = next(iter(excerpts), None) is not None if cause.severity is Severity.ERROR else False
        yield evidence_file(desk, evidence, "", excerpt=_excerpt(desk, evidence) if shown else "")


def evidence_file(desk: Desk, evidence: Evidence, belongs: str, excerpt: str = "") -> EvidenceFile:
    """Return a piece of evidence as it is printed."""
    return EvidenceFile(
        name=desk.clean(evidence.name, 120),
        sha256=evidence.sha256 if re.fullmatch(r"[0-9a-f]{64}", evidence.sha256) else desk.clean(evidence.sha256, 80),
        kind=desk.clean(evidence.media_type, 60),
        size=desk.say.size(evidence.size),
        belongs=belongs,
        excerpt=excerpt,
    )


def _excerpt(desk: Desk, evidence: Evidence) -> str:
    """Return the start of a text file in the run's evidence folder."""
    path = desk.run.path
    if path is None or not evidence.media_type.startswith(("text/", "application/", "message/", "multipart/")):
        return ""
    file = path.parent / "evidence" / evidence.name
    if path.parent.resolve() not in file.resolve().parents:
        return ""
    try:
        with file.open("rb") as stream:
            data = stream.read(EXCERPT * 2 + 4096)
    except OSError:
        return ""
    return desk.clean(data.decode("utf-8", "replace"), EXCERPT) if b"\0" not in data else ""


def unjudged(desk: Desk) -> tuple[Unjudged, ...]:
    """Return the rules that could not be judged, by reason."""
    groups: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for result in desk.results:
        for entry in result.not_run:
            rules, names = groups.setdefault(desk.clean(desk.say.words(entry.reason), 300), ({}, {}))
            rules[entry.rule] = None
            names[result.connection] = None
    return tuple(
        Unjudged(reason, tuple(sorted(rules)), tuple(desk.clean(n, 80) for n in names))
        for reason, (rules, names) in sorted(groups.items())
    )
