"""Build the report of one reader from a run, the catalogues and what people declared."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from harness import checklist
from harness.attestations import Ledger
from harness.checklist import ConnectionFacts, Row
from harness.crosswalk.items import Crosswalk
from harness.errors import UnusableInput
from harness.facts import facts_of
from harness.model import Result, Severity
from harness.outcome import RowVerdict
from harness.outlook import outlook
from harness.report import advice, crosswalk, dates, declared, steps
from harness.report import findings as found_here
from harness.report.desk import Desk, reader_of
from harness.report.findings import Cause
from harness.report.model import (
    Change,
    Comparison,
    Count,
    Deviation,
    EvidenceFile,
    Fact,
    Mark,
    Reference,
    Report,
)
from harness.report.safe import Cleaner
from harness.report.wording import AMSTERDAM, Wording
from harness.rulebook import Rulebook, rulebook
from harness.run import ConnectionInfo, Merged, Run, compare
from harness.verdicts import Answered, chain_verdicts
from harness.workdays import day_of

Reader = Literal["own", "logius", "dictu"]
Detail = Literal["technisch", "volledig"]
EMPTY: Final = Ledger()
_DOCUMENT_PROBES: Final = ("cpa.", "wus.wsdl", "saml.metadata", "msg.schema", "ebms.mmd", "tvs.")


def build(
    run: Run | Merged,
    *,
    now: datetime,
    reader: Reader = "own",
    connections: Collection[str] = (),
    phase: str = "",
    detail: Detail = "volledig",
    lang: str = "nl",
    attestations: Ledger = EMPTY,
    against: Run | None = None,
    book: Rulebook | None = None,
    sources: Sequence[str] = (),
    theirs: Crosswalk | None = None,
) -> Report:
    """Return the report; `connections` and `phase` choose, empty means everything that `reader` reads.

    `theirs` is a checklist of the reader himself, answered in a chapter of its own.
    """
    merged = run if isinstance(run, Merged) else Merged(run)
    desk = _desk(_in_order(merged.run), now, reader, connections, phase, detail, lang, attestations, book or rulebook())
    found = found_here.causes(desk)
    numbers = found_here.numbers_of(found)
    resting, waits = advice.unblocked(desk, found)
    findings = found_here.views(desk, found, resting, waits)
    chapters = steps.connections(desk, numbers)
    counts = steps.counts_of(desk, [(row, verdict) for _, row, verdict in advice.items(desk)])
    declarations = declared.declarations(desk)
    todo, rest = advice.todo(desk, findings, declared=bool(declarations))
    moments = dates.timeline(desk)
    bars = dates.validities(desk)
    conclusion = advice.conclusion(desk, counts, findings)
    say = desk.say
    return Report(
        lang=lang,
        reader=reader,
        detail=detail,
        title=say("exercise_report" if desk.exercise else "report"),
        subtitle=_subtitle(desk),
        intended=_intended(desk),
        run=desk.run.info.id,
        environment=say.joined(_environments(desk)) if desk.infos else "",
        moment=say.moment(desk.run.info.started),
        today=now.astimezone(AMSTERDAM).date(),
        started=desk.run.info.started,
        exercise=desk.exercise,
        draft=desk.exercise or not declarations,
        head=_head(desk),
        conclusion=conclusion,
        counts=counts,
        total=sum(count.number for count in counts),
        todo=todo,
        todo_rest=rest,
        declarations=declarations,
        undeclared=declared.undeclared(desk),
        open_steps=advice.open_steps(desk),
        connections=chapters,
        run_facts=_run_facts(desk, sources),
        versions=_versions(desk),
        documents=_documents(desk),
        caps=_caps(desk),
        references=_references(desk, found),
        findings=findings,
        unjudged=found_here.unjudged(desk),
        deviations=_deviations(desk),
        evidence=_evidence(desk),
        timeline=moments,
        next_deadline=dates.next_deadline(desk, moments, bars),
        validities=bars,
        outlook=tuple(desk.clean(say.words(text)) for text in outlook(desk.results)),
        masked=_masked(desk),
        apart=_apart(desk, merged),
        footer=_footer(desk),
        comparison=_comparison(desk, against) if against else None,
        listed=crosswalk.chapter(desk, theirs, numbers) if theirs else None,
        verdicts=_legend(desk),
    )


def _in_order(run: Run) -> Run:
    """Return the run with its results by connection and probe, not by completion, so that two runs read alike."""
    order = {info.name: n for n, info in enumerate(run.info.connections)}
    results = sorted(run.results, key=lambda r: (order.get(r.connection, len(order)), r.probe, r.subject))
    return dataclasses.replace(run, results=tuple(results))


def _desk(
    run: Run,
    now: datetime,
    reader: str,
    connections: Collection[str],
    phase: str,
    detail: Detail,
    lang: str,
    ledger: Ledger,
    book: Rulebook,
) -> Desk:
    say = Wording(lang)
    infos = _chosen(run, reader, connections)
    answered: dict[ConnectionFacts, Answered] = {
        facts_of(i): checklist.rows_for(facts_of(i)) for i in run.info.connections
    }
    verdicts = chain_verdicts(answered, run.by_probe, ledger, now, built=run.info.probes or None)
    rows = {info.name: _rows(answered[facts_of(info)], verdicts[info.name], phase, say) for info in infos}
    if phase and not any(rows.values()):
        raise UnusableInput(
            f"--phase {phase}: geen stap heeft deze fase; kies uit {', '.join(_phase_names(answered, infos, say))}",
            f"--phase {phase}: no step has this phase; choose from {', '.join(_phase_names(answered, infos, say))}",
        )
    technical = detail == "technisch"
    cleaner = Cleaner(
        internal=say("internal_address") if technical else "",
        people=_people(run, ledger) if technical else (),
        withheld=say("name_withheld"),
        shortened=say("shortened"),
    )
    return Desk(run, infos, rows, verdicts, ledger, book, say, cleaner, now, detail, reader, phase)


def _chosen(run: Run, reader: str, names: Collection[str]) -> tuple[ConnectionInfo, ...]:
    known = {info.name: info for info in run.info.connections}
    if unknown := [name for name in names if name not in known]:
        raise UnusableInput(
            f"--connection {unknown[0]}: deze aansluiting staat niet in de run; kies uit {', '.join(known)}",
            f"--connection {unknown[0]}: the run has no such connection; choose from {', '.join(known)}",
        )
    if names:
        return tuple(info for name, info in known.items() if name in names)
    chosen = tuple(info for info in known.values() if reader == "own" or reader_of(info.system) == reader)
    if not chosen:
        raise UnusableInput(
            f"--for {reader}: de run heeft geen aansluiting voor deze lezer; noem er een met --connection",
            f"--for {reader}: the run has no connection for this reader; name one with --connection",
        )
    return chosen


def _rows(
    answered: Answered, verdicts: Mapping[str, RowVerdict], phase: str, say: Wording
) -> tuple[tuple[Row, RowVerdict | None], ...]:
    return tuple((row, verdicts.get(row.id)) for row, _ in answered if _in_phase(row, phase, say))


def _in_phase(row: Row, phase: str, say: Wording) -> bool:
    if not phase:
        return True
    wanted = phase.casefold()
    names = {row.phase.casefold(), say.phase(row.system, row.phase).casefold()}
    return any(name == wanted or name.startswith(f"{wanted} ") for name in names)


def _phase_names(
    answered: Mapping[ConnectionFacts, Answered], infos: Sequence[ConnectionInfo], say: Wording
) -> list[str]:
    chosen = {info.name for info in infos}
    rows = (row for facts, mine in answered.items() if facts.name in chosen for row, _ in mine)
    return list(dict.fromkeys(say.phase(row.system, row.phase) for row in rows))


def _people(run: Run, ledger: Ledger) -> tuple[str, ...]:
    names = {info.contact for info in run.info.connections}
    names |= {said.by for said in ledger.attestations} | {said.by for said in ledger.declarations}
    names |= {waiver.owner for waiver in ledger.waivers}
    return tuple(sorted((n for n in names if n), key=len, reverse=True))


def _environments(desk: Desk) -> list[str]:
    return list(dict.fromkeys(desk.say(f"environment_{info.environment}") for info in desk.infos))


def _subtitle(desk: Desk) -> str:
    say, infos = desk.say, desk.infos
    if len(infos) == 1:
        return steps.title_of(desk, infos[0])
    parties = list(dict.fromkeys(desk.clean(info.party, 80) for info in infos))
    many = say("several_connections", n=say.number(len(infos)))
    return f"{say.listed(parties, 2)}: {many}" if parties else many


def _intended(desk: Desk) -> str:
    sentence = desk.say(f"reader_{desk.reader}")
    return f"{sentence} {desk.say('phase_selected', phase=desk.clean(desk.phase))}" if desk.phase else sentence


def _head(desk: Desk) -> tuple[Fact, ...]:
    say, clean, infos = desk.say, desk.clean, desk.infos
    if not infos:
        return ()
    parties = dict.fromkeys((clean(i.party, 80), clean(i.oin, 40)) for i in infos)
    systems = dict.fromkeys(say(f"system_{i.system}") for i in infos)
    facts = [
        Fact(say("organisation"), say.listed([name for name, _ in parties], 3)),
        Fact(say("oin"), say.listed([oin for _, oin in parties], 3)),
        Fact(say("system"), say.joined(list(systems))),
        Fact(say("phase"), clean(desk.phase) or say("all_phases")),
        Fact(say("environment"), say.joined(_environments(desk))),
    ]
    if len(infos) == 1:
        told = {fact.label for fact in facts}
        facts += [fact for fact in steps.head_of(desk, infos[0]) if fact.label not in told]
    return tuple(facts)


def _run_facts(desk: Desk, sources: Sequence[str]) -> tuple[Fact, ...]:
    say, clean, info = desk.say, desk.clean, desk.run.info
    ended = desk.run.ended
    scenario = info.scenario.rsplit("/", 1)[-1] if desk.detail == "technisch" else info.scenario
    facts = (
        Fact(say("run_id"), clean(info.id)),
        Fact(say("started"), say.moment(info.started)),
        Fact(say("ended"), say.moment(ended) if ended else say("not_ended")),
        Fact(say("tool_version"), clean(info.version)),
        Fact(say("checklists_version"), clean(info.checklists_version or checklist.version())),
        Fact(say("rules_version"), clean(info.rules_version or desk.book.version)),
        Fact(say("scenario"), clean(scenario, 200)),
        Fact(say("scenario_digest"), clean(info.scenario_sha256, 80)),
        Fact(say("selection"), clean(", ".join(info.selection)) or say("selection_all")),
        Fact(say("merged_from"), clean(", ".join(sources)) if len(sources) > 1 else ""),
    )
    return tuple(fact for fact in facts if fact.value)


def _versions(desk: Desk) -> tuple[Fact, ...]:
    say, clean, info = desk.say, desk.clean, desk.run.info
    adapters = (
        Fact(say("adapter_of", connection=clean(i.name, 80)), clean(i.adapter)) for i in desk.infos if i.adapter
    )
    known = [
        *adapters,
        Fact(say("tls_library"), clean(info.tls_library)),
        Fact(say("python"), clean(info.python)),
        *(Fact(clean(name), clean(version)) for name, version in info.libraries),
    ]
    return tuple(fact for fact in known if fact.value)


def _documents(desk: Desk) -> tuple[EvidenceFile, ...]:
    """Return the documents that were judged or generated, with their digests."""
    found: dict[str, EvidenceFile] = {}
    for result in desk.results:
        belongs = f"{desk.clean(result.connection, 80)}, {result.probe}"
        for observation in result.observed:
            if digest := dict(observation.data).get("SHA-256", ""):
                name = desk.clean(desk.say.words(observation.text).rsplit("/", 1)[-1], 120)
                found.setdefault(digest, EvidenceFile(name, desk.clean(digest, 80), "", "", belongs))
        for evidence in result.evidence if result.probe.startswith(_DOCUMENT_PROBES) else ():
            found.setdefault(evidence.sha256, found_here.evidence_file(desk, evidence, belongs))
    return tuple(found.values())


def _caps(desk: Desk) -> tuple[Fact, ...]:
    """Return the caps; the run file holds each label as `Dutch / English`."""
    second = desk.say.lang == "en"
    return tuple(
        Fact(desk.clean(label.split(" / ")[-1 if second else 0], 120), desk.clean(value, 60))
        for label, value in desk.run.info.caps
    )


def _references(desk: Desk, found: Sequence[Cause]) -> tuple[Reference, ...]:
    say = desk.say
    used: dict[tuple[str, str], dict[str, None]] = {}
    for info in desk.infos:
        for row, _ in desk.rows[info.name]:
            used.setdefault((row.source.document, row.source.version), {})[say("used_steps")] = None
    for cause in found:
        source = cause.rule.source
        if source.document:
            used.setdefault((source.document, source.version), {})[say("used_rules")] = None
    return tuple(Reference(document, version, ", ".join(words)) for (document, version), words in sorted(used.items()))


def _deviations(desk: Desk) -> tuple[Deviation, ...]:
    say, clean, today = desk.say, desk.clean, day_of(desk.now)
    failing = {
        (r.connection, g.finding.rule) for r in desk.run.results for g in r.findings if g.severity is not Severity.INFO
    }
    mine = [w for w in desk.ledger.waivers if not w.connection or w.connection in desk.names]
    found = []
    for waiver in mine:
        used = any(rule == waiver.rule and waiver.connection in ("", name) for name, rule in failing)
        key, word = (
            ("fail", "waiver_expired") if waiver.until < today else ("warn", "waiver_used" if used else "waiver_unused")
        )
        where = clean(waiver.connection, 80) or say("selection_all")
        owner = clean(waiver.owner, 80)
        found.append(
            Deviation(waiver.rule, where, clean(waiver.reason), owner, say.day(waiver.until), Mark(key, say(word)))
        )
    return tuple(found)


def _evidence(desk: Desk) -> tuple[EvidenceFile, ...]:
    places: dict[str, list[Result]] = {}
    files = {}
    for result in desk.results:
        for evidence in result.evidence:
            files[evidence.sha256] = evidence
            places.setdefault(evidence.sha256, []).append(result)
    index = []
    for digest, evidence in files.items():
        named = dict.fromkeys(f"{r.connection}: {r.probe}" for r in places[digest])
        index.append(found_here.evidence_file(desk, evidence, desk.clean(desk.say.listed(list(named), 3), 200)))
    return (*sorted(index, key=lambda e: e.belongs), *_attested_files(desk))


def _attested_files(desk: Desk) -> tuple[EvidenceFile, ...]:
    mine = [a for a in desk.ledger.attestations if a.connection in ("", *desk.names)]
    return tuple(
        EvidenceFile(
            name=desk.clean(proof.label, 120),
            sha256=desk.clean(proof.sha256, 80),
            kind=desk.clean(proof.label.rsplit(".", 1)[-1], 12),
            size=desk.say.size(proof.size) if proof.file else desk.say("kept_elsewhere"),
            belongs=a.step,
        )
        for a in sorted(mine, key=lambda a: (a.step, a.date, a.file))
        for proof in a.proofs
    )


def _masked(desk: Desk) -> tuple[str, ...]:
    say = desk.say
    told = [say("masked_note", n=say.number(desk.run.masked)), say("masked_images")]
    return (*told, say("masked_detail")) if desk.detail == "technisch" else tuple(told)


def _apart(desk: Desk, merged: Merged) -> tuple[str, ...]:
    return tuple(
        f"{desk.clean(result.connection, 80)}, {result.probe} ({desk.say(f'environment_{result.environment}')}): {desk.say.words(reason)}"
        for result, reason in merged.apart
        if result.connection in desk.names
    )


def _footer(desk: Desk) -> str:
    info = desk.run.info
    return desk.say(
        "footer",
        version=desk.clean(info.version, 40),
        rules=desk.clean(info.rules_version or desk.book.version, 40),
        steps=desk.clean(info.checklists_version or checklist.version(), 40),
        run=desk.clean(info.id, 40),
    )


def _comparison(desk: Desk, old: Run) -> Comparison:
    say = desk.say
    difference = compare(old, desk.run)
    kinds = {"new": difference.new, "fixed": difference.fixed, "gone": difference.gone, "same": difference.same}
    mine = {kind: [c for c in changes if c[0] in desk.names] for kind, changes in kinds.items()}
    failing = {
        (r.connection, r.probe, g.finding.rule)
        for r in desk.results
        for g in r.findings
        if g.severity is Severity.ERROR
    }
    changes = tuple(
        Change(kind, say(f"compared_{kind}"), desk.clean(name, 80), probe, rule, _title(desk, rule))
        for kind, found in mine.items()
        for name, probe, rule in found
    )
    counts = tuple(Count(kind, say(f"compared_{kind}"), len(found)) for kind, found in mine.items())
    return Comparison(desk.clean(old.info.id, 60), counts, changes, sum(c in failing for c in mine["new"]))


def _title(desk: Desk, rule: str) -> str:
    return desk.say.words(desk.book[rule].title) if rule in desk.book else rule


def _legend(desk: Desk) -> tuple[Mark, ...]:
    keys = ("pass", "warn", "fail", "manual", "waiting", "blocked", "not-run", "skip", "error")
    marks = [Mark(key, desk.say.verdict(key)) for key in keys]
    if desk.exercise:
        marks.append(Mark("lab", desk.say("lab_pass"), desk.say("lab_no_evidence")))
    return tuple(marks)
