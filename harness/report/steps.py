"""Write the rows of the procedure: what was seen, what is still needed, and on what the result rests."""

from collections.abc import Iterable, Mapping, Sequence

from harness.checklist import Mode, Row, names, probes_of
from harness.model import Environment, Finding, Graded, Observation, Result, Severity, Verdict
from harness.outcome import RowVerdict
from harness.report import cluster
from harness.report.desk import Desk, counted, mark_of, rolled
from harness.report.links import lanes, questions
from harness.report.model import Connection, Count, Fact, Mark, Phase, Step
from harness.run import ConnectionInfo
from harness.window import listed, periods

SHORT = 220
MOST_STATEMENTS = 12
MOST_DATA = 16
MESSAGE = "bericht"
"""The name under which a probe tells of one message of the chain test."""
MOST_MESSAGES = 100
SHOWN_ELSEWHERE = frozenset({"role", "from", "until", "name", cluster.PROVIDER, cluster.VERDICT})
"""Data that the picture of the certificates and the table of the care providers show."""

FindingNumbers = Mapping[tuple[str, Finding], str]
"""The number of the finding that stands for what was found on a connection."""


def connections(desk: Desk, numbers: FindingNumbers) -> tuple[Connection, ...]:
    """Return the chapter of every chosen connection."""
    return tuple(_connection(desk, info, numbers) for info in desk.infos)


def _connection(desk: Desk, info: ConnectionInfo, numbers: FindingNumbers) -> Connection:
    rows = desk.rows[info.name]
    scored = [(row, found) for row, found in rows if found is not None and row.scored]
    counts = counts_of(desk, scored)
    return Connection(
        name=desk.clean(info.name),
        anchor=desk.anchor(info.name),
        title=title_of(desk, info),
        head=head_of(desk, info),
        mark=rolled((found for _, found in scored), desk.say),
        counts=counts,
        total=sum(count.number for count in counts),
        questions=questions(desk, info),
        lanes=lanes(desk, info),
        own=desk.clean(info.party, 60),
        network=desk.clean(info.network),
        peer=desk.clean(info.peer, 60) or desk.say(f"system_{info.system}"),
        phases=(*_phases(desk, info, rows, numbers), *_beyond(desk, info, rows, numbers)),
    )


def counts_of(desk: Desk, scored: Iterable[tuple[Row, RowVerdict]]) -> tuple[Count, ...]:
    """Return the counts per result of scored rows."""
    return counted((mark_of(found, desk.say) for _, found in scored), desk.say)


def title_of(desk: Desk, info: ConnectionInfo) -> str:
    """Return who connects to what."""
    return f"{desk.clean(info.party, 80)} → {desk.say(f'system_{info.system}')}"


def head_of(desk: Desk, info: ConnectionInfo) -> tuple[Fact, ...]:
    """Return the facts of a connection for the head of its chapter."""
    say, clean = desk.say, desk.clean
    operator = f"{info.operator} ({info.operator_oin})" if info.operator_oin else info.operator
    contact = say("name_withheld") if info.contact and desk.detail == "technisch" else clean(info.contact)
    facts = (
        Fact(say("oin"), clean(info.oin)),
        Fact(say("organisation_kind"), say(f"kind_{info.kind}")),
        Fact(say("operator"), clean(operator)),
        Fact(say("contact"), contact),
        Fact(say("counterparty"), clean(info.peer)),
        Fact(say("environment"), say(f"environment_{info.environment}")),
        Fact(say("network"), clean(info.network)),
        Fact(say("channels"), clean(", ".join(info.channels))),
        Fact(say("registries"), clean(", ".join(info.registries))),
        Fact(say("providers"), clean(say.listed(info.providers))),
        Fact(say("supplier_connection"), say("yes" if info.supplier_connection else "no")),
        Fact(say("adapter"), clean(info.adapter)),
        Fact(say("ticket"), clean(info.ticket)),
        Fact(say("permission"), clean(info.permission)),
    )
    return tuple(fact for fact in facts if fact.value)


def _phases(
    desk: Desk, info: ConnectionInfo, rows: Sequence[tuple[Row, RowVerdict | None]], numbers: FindingNumbers
) -> Iterable[Phase]:
    annex: dict[str, list[str]] = {}
    for row, _ in rows:
        for target in row.alias:
            annex.setdefault(target, []).append(row.id)
    groups: dict[tuple[str, str], list[tuple[Row, RowVerdict | None]]] = {}
    for row, found in rows:
        groups.setdefault((row.system, row.phase), []).append((row, found))
    said = desk.ledger.by_row(info.name)
    for number, ((system, phase), members) in enumerate(groups.items(), 1):
        each = cluster.columns(members)
        yield Phase(
            name=desk.say.phase(system, phase),
            anchor=f"{desk.anchor(info.name)}-f{number}",
            mark=rolled((found for row, found in members if found is not None), desk.say),
            steps=tuple(_step(desk, info, row, found, annex.get(row.id, ()), numbers) for row, found in members),
            provider_steps=tuple(row.id for row, _ in each) if info.providers else (),
            providers=cluster.lines(desk, info, each, said),
        )


def _beyond(
    desk: Desk, info: ConnectionInfo, rows: Sequence[tuple[Row, RowVerdict | None]], numbers: FindingNumbers
) -> Iterable[Phase]:
    """Yield what probes observed that no step of the procedure names, such as those of a package of its own."""
    wanted = [probe for row, _ in rows for probe in probes_of(row)]
    extra = [r for r in desk.by_connection.get(info.name, ()) if not any(names(w, r.probe) for w in wanted)]
    if not extra or desk.phase:
        return
    found = [
        (r, RowVerdict(r.probe, r.verdict, r.cause, lab=r.environment is Environment.LAB, results=(r,))) for r in extra
    ]
    yield Phase(
        name=desk.say("beyond"),
        anchor=f"{desk.anchor(info.name)}-f0",
        mark=rolled((verdict for _, verdict in found), desk.say),
        steps=tuple(_observed(desk, info, result, verdict, numbers) for result, verdict in found),
        scored=False,
    )


def _observed(desk: Desk, info: ConnectionInfo, result: Result, found: RowVerdict, numbers: FindingNumbers) -> Step:
    title = f"{result.probe} ({result.subject})" if result.subject else result.probe
    said = _measured(desk, (result,)) or desk.clean(desk.say.words(result.cause), SHORT)
    return Step(
        result.probe,
        desk.anchor(info.name, title),
        title,
        "",
        mark_of(found, desk.say),
        seen=_some(said),
        findings=_numbers(info, found, numbers),
        basis=_basis(desk, (result,)),
        evidence=tuple(e.sha256 for e in result.evidence),
    )


def _step(
    desk: Desk,
    info: ConnectionInfo,
    row: Row,
    found: RowVerdict | None,
    annex: Sequence[str],
    numbers: FindingNumbers,
) -> Step:
    say = desk.say
    plain = Step(
        row.id, desk.anchor(info.name, row.id), say.words(row.heading), say.actor(row.actor), _mark(desk, row, found)
    )
    if found is None or row.mode is Mode.INFORMATIVE:
        return Step(*_named(plain), seen=_some(say.words(row.shows)), also=tuple(annex), source=str(row.source))
    if row.alias:
        return Step(*_named(plain), see=row.alias)
    return Step(
        *_named(plain),
        seen=tuple(seen(desk, row, found)),
        also=tuple(annex),
        findings=_numbers(info, found, numbers),
        basis=_basis(desk, found.results),
        evidence=tuple(dict.fromkeys(e.sha256 for r in found.results for e in r.evidence)),
        source=str(row.source),
        data=_data(desk, info, row, found),
    )


def _named(step: Step) -> tuple[str, str, str, str, Mark]:
    return step.id, step.anchor, step.title, step.actor, step.mark


def _mark(desk: Desk, row: Row, found: RowVerdict | None) -> Mark:
    return mark_of(found, desk.say, row.actor) if found is not None else Mark("info", desk.say("info"))


def _numbers(info: ConnectionInfo, found: RowVerdict, numbers: FindingNumbers) -> tuple[str, ...]:
    known = (numbers.get((info.name, g.finding)) for g in found.findings if g.severity is not Severity.INFO)
    return tuple(sorted({n for n in known if n}, key=number_order))


def number_order(number: str) -> int:
    """Return the place of a finding number: B2 before B10."""
    return int(number[1:])


def _some(*sentences: str) -> tuple[str, ...]:
    return tuple(s for s in sentences if s)


def seen(desk: Desk, row: Row, found: RowVerdict) -> Iterable[str]:
    """Say in a few lines what was seen at a row, or what it still needs."""
    say, clean = desk.say, desk.clean
    cause = clean(say.words(found.cause), SHORT)
    if row.roll_up and found.because:
        yield say("follows_from", ids=say.listed(found.because, 8))
        return
    match found.verdict:
        case Verdict.FAIL | Verdict.WARN | Verdict.ERROR:
            yield from departure(desk, found.findings)
            if not found.findings and cause:
                yield cause
            yield from _some(*_statements(desk, found)) if not found.findings else ()
        case Verdict.PASS:
            measured = _measured(desk, found.results)
            yield from _some(measured, *_statements(desk, found)) or _some(cause)
        case Verdict.MANUAL:
            yield from _some(_measured(desk, found.results), say("needed", what=cause) if cause else "")
        case Verdict.BLOCKED:
            yield say("blocked_by", what=cause)
        case _:
            yield from _some(_capital(cause))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _measured(desk: Desk, results: Sequence[Result]) -> str:
    messages = [o for r in results for o in r.observed if MESSAGE in dict(o.data)]
    listed = len(messages) > 1  # each has a line of its own below
    said = dict.fromkeys(
        desk.say.words(o.text)
        for r in results
        for o in r.observed
        if not (listed and MESSAGE in dict(o.data)) and cluster.PROVIDER not in dict(o.data)
    )
    count = [desk.say("messages_below", n=len(messages))] if listed else []
    return desk.clean("; ".join([*count, *(s for s in said if s)]), SHORT)


def _data(desk: Desk, info: ConnectionInfo, row: Row, found: RowVerdict) -> tuple[Fact, ...]:
    """Return what the probes measured by name (ids, digests, endpoints), once each; not again at a roll-up."""
    if row.roll_up:
        return ()
    if row.prints == "window":
        return tuple(_window(desk, info))
    seen = [o for r in found.results for o in r.observed]
    pairs = dict.fromkeys(p for o in seen if MESSAGE not in dict(o.data) for p in o.data if p[0] not in SHOWN_ELSEWHERE)
    facts = tuple(Fact(desk.clean(label, 60), desk.clean(value, 160)) for label, value in list(pairs)[:MOST_DATA])
    return (*facts, *(_message(desk, o) for o in [o for o in seen if MESSAGE in dict(o.data)][:MOST_MESSAGES]))


def _message(desk: Desk, seen: Observation) -> Fact:
    """Return one message of the chain test in one line: what became of it, its MessageId and that of the answer."""
    data = dict(seen.data)
    told = desk.say.words(seen.text).removeprefix(f"{data[MESSAGE]}: ")
    ids = " → ".join(v for v in (data.get("MessageId", ""), data.get("MessageId antwoord", "")) if v)
    return Fact(desk.clean(data[MESSAGE], 60), desk.clean(f"{told}; {ids}" if ids else told, 320))


def _window(desk: Desk, info: ConnectionInfo) -> Iterable[Fact]:
    """Say the agreed test periods, and which probes of these runs sent a message outside them."""
    agreed = periods(info.window)
    if agreed:
        yield Fact(desk.say("window"), desk.say.words(listed(agreed)))
    late = [r for r in desk.by_connection.get(info.name, ()) if any(g.finding.rule == "CONF-040" for g in r.findings)]
    if late:
        told = [f"{r.probe} ({desk.say.moment(r.started)})" if r.started else r.probe for r in late]
        yield Fact(desk.say("window_outside"), desk.say.listed(told, 4))


def departure(desk: Desk, findings: Iterable[Graded]) -> Iterable[str]:
    """Say in one line what the worst finding saw and expected, and what to do."""
    say, clean = desk.say, desk.clean
    rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    worst = min(findings, key=lambda g: rank[g.severity], default=None)
    if worst is None:
        return
    finding = worst.finding
    observed, expected = clean(say.words(finding.observed), 120), clean(say.words(finding.expected), 120)
    pairs = [(say("observed"), observed), (say("expected"), expected)]
    seen = "; ".join(f"{label.lower()} {value}" for label, value in pairs if value)
    title = say.words(desk.book[finding.rule].title) if finding.rule in desk.book else finding.rule
    yield f"{title}: {seen}" if seen else title
    remedy = say.words(desk.book[finding.rule].remedy) if finding.rule in desk.book else ""
    if remedy:
        yield f"{say('remedy')}: {remedy}"


def _statements(desk: Desk, found: RowVerdict) -> Iterable[str]:
    for said in found.attestations[:MOST_STATEMENTS]:
        day = desk.say.day(said.date)
        if desk.detail == "technisch":
            head = desk.say("attested_by", date=day, by=desk.clean(said.function, 80))
        else:
            head = desk.say("attested_by", date=day, by=desk.clean(f"{said.by}, {said.function}", 120))
        about = "".join(f"{desk.clean(word, 60)}: " for word in (said.item, said.provider) if word)
        files = "; ".join(f"{desk.clean(p.label, 80)}, SHA-256 {p.sha256[:12]}…" for p in said.proofs[:MOST_STATEMENTS])
        yield f"{about}{head}: {desk.clean(said.statement, SHORT)}{f' [{files}]' if files else ''}"
    if len(found.attestations) > MOST_STATEMENTS:
        yield desk.say("and_more", n=desk.say.number(len(found.attestations) - MOST_STATEMENTS))


def _basis(desk: Desk, results: Sequence[Result]) -> str:
    """Return the probes behind a row, when they ran and how long they took."""
    if not results:
        return ""
    probes = ", ".join(dict.fromkeys(r.probe for r in results))
    started = min((r.started for r in results if r.started), default=None)
    parts = [probes, desk.say.clock(started) if started else "", desk.say.seconds(sum(r.seconds for r in results))]
    return " · ".join(p for p in parts if p)
