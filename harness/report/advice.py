"""Say in one sentence how it stands, and what to do now: who, what, and what continues after it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.checklist import Mode, Row
from harness.model import Severity, Verdict, say
from harness.outcome import RowVerdict, WhyNot
from harness.outlook import horizon
from harness.report.desk import Desk
from harness.report.findings import Cause
from harness.report.model import Conclusion, Count, FindingView, Mark, Todo
from harness.run import ConnectionInfo

MOST: Final = 7
OPEN: Final = (Verdict.MANUAL, Verdict.WAITING, Verdict.NOT_RUN, Verdict.BLOCKED)
_DO_SOMETHING: Final = (WhyNot.INPUT_MISSING, WhyNot.OFFLINE, WhyNot.NOT_SELECTED, None)
"""Causes of a row that did not run about which the reader can do something; the others wait for a phase or for us."""

Item = tuple[ConnectionInfo, Row, RowVerdict]


def items(desk: Desk) -> list[Item]:
    """Return the scored rows of the chosen connections."""
    return [
        (info, row, found)
        for info in desk.infos
        for row, found in desk.rows[info.name]
        if found is not None and row.scored
    ]


def conclusion(desk: Desk, counts: Sequence[Count], findings: Sequence[FindingView]) -> Conclusion:
    """Return the whole in one sentence, from the worst that counts."""
    say = desk.say
    numbers = {count.key: count.number for count in counts}
    keys: list[str] = [
        key for key in ("error", "fail", "blocked", "not-run", "manual", "waiting", "warn", "lab") if key in numbers
    ]
    if "fail" in keys or "error" in keys:
        keys = [key for key in keys if key not in ("warn", "lab")]
    elif not keys or keys == ["warn"]:
        keys.append("pass")
    if _rehearsed(numbers):
        keys.sort(key=lambda key: key != "lab")
    parts = [say.count(f"n_{key}", numbers[key]) for key in keys if key in numbers]
    sentence = f"{say.joined(parts)}." if parts else say("no_rows")
    return Conclusion(_worst(desk, numbers), sentence, tuple(_explained(desk, numbers, findings)))


def _rehearsed(numbers: Mapping[str, int]) -> bool:
    """Whether the lab was passed and nothing failed: then what was practised comes first."""
    return "lab" in numbers and not {"error", "fail", "blocked"} & numbers.keys()


def _worst(desk: Desk, numbers: Mapping[str, int]) -> Mark:
    order = ("error", "fail", "blocked", "not-run", "manual", "waiting", "warn", "lab", "pass")
    key = "lab" if _rehearsed(numbers) else next((key for key in order if key in numbers), "skip")
    if key == "lab":
        return Mark(key, desk.say("lab_pass"), desk.say("lab_no_evidence"))
    return Mark(key, desk.say.verdict(key))


def _explained(desk: Desk, numbers: Mapping[str, int], findings: Sequence[FindingView]) -> Iterable[str]:
    say, info = desk.say, desk.run.info
    worst = next((f for f in findings if f.mark.key in ("fail", "error")), None)
    if worst and worst.mark.key == "error":
        yield say("conclude_error", what=worst.rule)
    elif worst:
        yield say(
            "conclude_fail", where=say.listed(worst.connections, 3) or worst.where, what=f"{worst.title} ({worst.rule})"
        )
    elif any(key in numbers for key in ("blocked", "not-run", "manual", "waiting")):
        yield say("conclude_open")
    elif numbers and "lab" not in numbers:
        yield say("conclude_warn" if "warn" in numbers else "conclude_pass")
    if desk.exercise:
        yield say("conclude_lab")
    if info.faults:
        yield say("faults", faults=desk.clean(", ".join(info.faults)))
    if info.offline:
        yield say("offline")
    if desk.run.interrupted:
        yield say("interrupted")
    if desk.run.unreadable_lines:
        yield say.count("damaged_lines", desk.run.unreadable_lines)
    yield from (desk.clean(say.words(text)) for text in horizon(desk.results))


def unblocked(desk: Desk, found: Sequence[Cause]) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return per finding number the steps that rest on it, and those that continue once it is solved."""
    steps: dict[str, dict[str, None]] = {}
    waits: dict[str, dict[str, None]] = {}
    roots: dict[tuple[str, str], set[str]] = {}
    for place, cause in enumerate(found, 1):
        for result in cause.results:
            roots.setdefault((result.connection, result.probe), set()).add(f"B{place}")
    rows = items(desk)
    by_row: dict[tuple[str, str], set[str]] = {}
    for info, row, verdict in rows:
        mine = {n for r in verdict.results for n in roots.get((info.name, r.probe), ())}
        by_row[(info.name, row.id)] = mine
        for number in mine:
            if verdict.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.WARN):
                steps.setdefault(number, {})[row.id] = None
    by_rule = {(name, cause.rule.id): f"B{n}" for n, cause in enumerate(found, 1) for name in cause.connections}
    for info, row, verdict in rows:
        if verdict.verdict is Verdict.BLOCKED:
            for number in _named_in(info.name, verdict, by_rule):
                waits.setdefault(number, {})[row.id] = None
            for root in verdict.because:
                for number in roots.get((info.name, root), set()) | by_row.get((info.name, root), set()):
                    waits.setdefault(number, {})[row.id] = None
    return {n: tuple(ids) for n, ids in steps.items()}, {n: tuple(ids) for n, ids in waits.items()}


def _named_in(connection: str, verdict: RowVerdict, by_rule: Mapping[tuple[str, str], str]) -> Iterable[str]:
    """Yield the findings that the blocked probes of a row give as their cause: `title (RULE-ID)`."""
    for result in verdict.results:
        if result.verdict is Verdict.BLOCKED:
            rule = say(result.cause, "nl").rpartition("(")[2].partition(")")[0]
            if (connection, rule) in by_rule:
                yield by_rule[(connection, rule)]


def todo(desk: Desk, findings: Sequence[FindingView], *, declared: bool) -> tuple[tuple[Todo, ...], int]:
    """Return what to do now, worst first, and how many points are left out."""
    everything = [
        *(_of_finding(desk, f) for f in findings if f.mark.key in ("error", "fail")),
        *_of_rows(desk),
        *(_of_finding(desk, f) for f in findings if f.mark.key == "warn"),
    ]
    if desk.exercise and not any(f.mark.key in ("error", "fail") for f in findings):
        everything.insert(0, Todo(desk.say("todo_lab"), desk.say("who_specialist"), command="ketentest run"))
    if not everything and not declared:
        everything.append(
            Todo(desk.say("todo_declare"), desk.say("who_signatory"), command="ketentest attest --declare")
        )
    return tuple(everything[:MOST]), max(0, len(everything) - MOST)


def _of_finding(desk: Desk, finding: FindingView) -> Todo:
    say = desk.say
    what = say("todo_error", probe=finding.rule) if finding.mark.key == "error" else finding.remedy or finding.title
    where = say.listed(finding.connections, 3)
    return Todo(
        what=what,
        who=finding.who,
        detail=f"{finding.title} ({finding.rule}){f' – {where}' if where else ''}",
        unblocks=finding.unblocks,
        finding=finding.number,
    )


def _of_rows(desk: Desk) -> Iterable[Todo]:
    rows = [item for item in items(desk) if not item[1].roll_up and not item[1].complete]
    yield from _not_run(desk, [i for i in rows if i[2].verdict is Verdict.NOT_RUN and i[2].why in _DO_SOMETHING])
    yield from _waiting(desk, [i for i in rows if i[2].verdict is Verdict.WAITING and i[2].since])
    yield from _evidence(desk, [i for i in rows if i[2].verdict is Verdict.MANUAL])


def _grouped(rows: Iterable[Item], key: int) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in rows:
        _info, row, found = item
        word = (str(found.cause), row.actor, f"{row.system}/{row.phase}")[key]
        groups.setdefault(word, []).append(item)
    return groups


def _anchors(desk: Desk, group: Iterable[Item]) -> tuple[str, ...]:
    return tuple(desk.anchor(info.name, row.id) for info, row, _ in group)


def _not_run(desk: Desk, rows: Sequence[Item]) -> Iterable[Todo]:
    """Say what the reader can do about rows that did not run: complete input, use a network, select them."""
    say = desk.say
    for group in sorted(_grouped(rows, 0).values(), key=len, reverse=True):
        found = group[0][2]
        ids = tuple(dict.fromkeys(row.id for _, row, _ in group))
        if found.why in (WhyNot.OFFLINE, WhyNot.NOT_SELECTED):
            key = "todo_offline" if found.why is WhyNot.OFFLINE else "todo_select"
            yield Todo(say.count(key, len(ids)), say("who_tool"), unblocks=ids, steps=_anchors(desk, group[:1]))
        else:
            what = say.count("todo_input", len(ids), cause=desk.clean(say.words(found.cause)))
            yield Todo(what, say("who_own"), unblocks=ids, steps=_anchors(desk, group[:1]))


def _waiting(desk: Desk, rows: Sequence[Item]) -> Iterable[Todo]:
    say = desk.say
    for actor, group in _grouped(rows, 1).items():
        _, row, found = group[0]
        title = say.words(row.heading)
        on = say.actor(actor)
        many = len(group) > 1
        what = (
            say("todo_wait_many", n=len(group), on=on, id=row.id, title=title)
            if many
            else say("todo_wait", on=on, what=title)
        )
        detail = f"{row.id}, {say('waiting_since', on=on, date=say.day(found.since))}" if found.since else row.id
        yield Todo(what, say("who_own"), detail, steps=_anchors(desk, group[:1]))


def _evidence(desk: Desk, rows: Sequence[Item]) -> Iterable[Todo]:
    say = desk.say
    for group in _grouped((i for i in rows if i[1].mode is not Mode.WAITING), 2).values():
        _, row, found = group[0]
        title, phase = say.words(row.heading), say.phase(row.system, row.phase)
        if len(group) > 1:
            what = say("todo_evidence_many", n=len(group), phase=phase, id=row.id, title=title)
        else:
            what = say("todo_evidence", what=f"{row.id}, {title}")
        cause = desk.clean(say.words(found.cause))
        command = f"ketentest attest {row.id}"
        yield Todo(what, say.actor(row.actor), cause, steps=_anchors(desk, group[:1]), command=command)


def open_steps(desk: Desk) -> tuple[str, ...]:
    """Return the ids of the rows that are still open, once each."""
    return tuple(dict.fromkeys(row.id for _, row, found in items(desk) if found.verdict in OPEN))


def severe(findings: Iterable[Cause]) -> bool:
    """Whether any finding fails a rule."""
    return any(cause.severity is Severity.ERROR for cause in findings)
