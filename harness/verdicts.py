"""Compute the verdict of every row from probe results and human evidence (checklist/steps §1 and §4)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from harness.attestations import Attestation, Ledger
from harness.checklist import Applicability, ConnectionFacts, Mode, Row, catalogue, names, probes_of
from harness.errors import OwnFailure
from harness.model import Environment, Result, Severity, Text, Verdict, Words, say
from harness.outcome import GREEN, RowVerdict, WhyNot, spoken_day, step_verdict
from harness.workdays import day_of

Results = Mapping[tuple[str, str], Result]
"""What the probes concluded, by (connection, probe id)."""

Answered = Sequence[tuple[Row, Applicability]]
"""Rows with their applicability, as `rows_for` returns them."""


_FAILED = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.BLOCKED})
_OPEN = frozenset({Verdict.MANUAL, Verdict.WAITING, Verdict.NOT_RUN})
_RANK = {Environment.LAB: 1, Environment.COMPLIANCE: 0, Environment.PREPROD: 1, Environment.PROD: 2}
_PHASE_RANK = {"any": 0, "compliance": 0, "preprod": 1, "prod": 2}
MOST_NAMES = 12
_SAME_ROLE = {"signing": "message-signing"}


def row_verdicts(
    rows: Answered,
    results: Results,
    ledger: Ledger,
    facts: ConnectionFacts,
    now: datetime,
    *,
    built: Collection[str] | None = None,
    elsewhere: Mapping[str, RowVerdict] | None = None,
) -> dict[str, RowVerdict]:
    """Return the verdict of every scored row and alias of one connection; informative rows have none.

    `built` holds the ids of the probes that exist; `elsewhere` the verdicts of other connections, for the rows that
    take their answer from another procedure (LZ-4.3.1 is DK-6).
    """
    bench = _Bench(rows, results, ledger, facts, day_of(now), built, elsewhere or {})
    return {row.id: bench.verdict(row.id) for row, _ in rows if row.mode is not Mode.INFORMATIVE}


def chain_verdicts(
    connections: Mapping[ConnectionFacts, Answered],
    results: Results,
    ledger: Ledger,
    now: datetime,
    *,
    built: Collection[str] | None = None,
) -> dict[str, dict[str, RowVerdict]]:
    """Return the verdicts of every connection by name; Digikoppeling comes first, because other procedures cite it."""
    found: dict[str, dict[str, RowVerdict]] = {}
    elsewhere: dict[str, RowVerdict] = {}
    for facts in sorted(connections, key=lambda f: f.system != "digikoppeling"):
        found[facts.name] = row_verdicts(
            connections[facts], results, ledger, facts, now, built=built, elsewhere=elsewhere
        )
        if facts.system == "digikoppeling":
            elsewhere = {
                row: step_verdict(row, [v for v in (elsewhere.get(row), verdict) if v])
                for row, verdict in found[facts.name].items()
            }
    return {facts.name: found[facts.name] for facts in connections}


def later(row: Row, environment: Environment) -> bool:
    """Whether a row belongs to a later phase than the environment of the run."""
    return _PHASE_RANK[row.phase_env] > _RANK[environment]


def part_verdict(
    row: Row, probe: str, results: Results, ledger: Ledger, facts: ConnectionFacts, now: datetime
) -> RowVerdict:
    """Return what one probe of a row came to, with the row's own weighing; without a probe, the evidence of a person."""
    bench = _Bench((), results, ledger, facts, day_of(now), None, {})
    return step_verdict(row.id, bench.of_probe(row, probe) if probe else bench.of_person(row))


class _Bench:
    """The rows of one connection while their verdicts are computed, each once."""

    def __init__(
        self,
        rows: Answered,
        results: Results,
        ledger: Ledger,
        facts: ConnectionFacts,
        today: date,
        built: Collection[str] | None,
        elsewhere: Mapping[str, RowVerdict],
    ) -> None:
        self.rows = {row.id: (row, answer) for row, answer in rows}
        self.results = {probe: result for (name, probe), result in results.items() if name == facts.name}
        self.ledger, self.facts, self.today = ledger, facts, today
        self.said = ledger.by_row(facts.name)
        self.built, self.elsewhere = built, elsewhere
        self.known: dict[str, RowVerdict | None] = {}

    def verdict(self, row_id: str) -> RowVerdict:
        """Return the verdict of a row, computing what it rests on first."""
        if row_id not in self.rows:
            return self.elsewhere.get(row_id) or _absent(row_id)
        if row_id not in self.known:
            self.known[row_id] = None
            self.known[row_id] = self._compute(*self.rows[row_id])
        found = self.known[row_id]
        if found is None:
            raise OwnFailure(f"stap {row_id} verwijst naar zichzelf", f"step {row_id} refers to itself")
        return found

    def of_probe(self, row: Row, wanted: str) -> Iterable[RowVerdict]:
        """Return what one probe of the row came to, once for each result."""
        return self._probe(row, wanted)

    def of_person(self, row: Row) -> Iterable[RowVerdict]:
        """Return what the evidence of a person came to."""
        return [self._evidence(row)]

    def _compute(self, row: Row, answer: Applicability) -> RowVerdict:
        if row.alias:
            return step_verdict(row.id, [self.verdict(target) for target in row.alias])
        if not answer.applies:
            return RowVerdict(
                row.id, Verdict.SKIP, answer.reason, own_consideration=answer.own_consideration,
                attestations=self.said.get(row.id, ()),
            )  # fmt: skip
        found = step_verdict(row.id, list(self._parts(row)))
        return self._blocked(row, found) or found

    def _parts(self, row: Row) -> Iterable[RowVerdict]:
        children = self._children(row)
        yield from (replace(self.verdict(child), row=child) for child in children)
        later = self._later(row)
        if later and not children and not self.said.get(row.id, ()):
            yield RowVerdict(row.id, Verdict.NOT_RUN, WhyNot.LATER_PHASE.text, WhyNot.LATER_PHASE)
            return
        if not later:
            yield from self._probe_parts(row)
        yield from self._evidence_parts(row)

    def _children(self, row: Row) -> list[str]:
        found = []
        for wanted in row.roll_up:
            prefix = wanted.removesuffix("*")
            found += [wanted] if prefix == wanted else [i for i, (r, _) in self.rows.items() if _under(r, prefix, row)]
        return found

    def _later(self, row: Row) -> bool:
        return later(row, self.facts.environment)

    # ---- probes -----------------------------------------------------------------------------------------------

    def _probe_parts(self, row: Row) -> Iterable[RowVerdict]:
        parts = [part for wanted in probes_of(row) for part in self._probe(row, wanted)]
        if row.guarded:
            parts.append(self._guarded(row))
        if row.mode in (Mode.PERSON, Mode.WAITING):
            return [_beside(row, part) for part in parts if part.results]
        if row.instead and self._statement(row) and all(part.verdict is Verdict.NOT_RUN for part in parts):
            return []
        return parts

    def _probe(self, row: Row, wanted: str) -> Iterable[RowVerdict]:
        found = self._found(row, wanted)
        if not found:
            why = WhyNot.NOT_SELECTED if self.built is None or self._is_built(wanted) else WhyNot.NOT_BUILT
            return [RowVerdict(row.id, Verdict.NOT_RUN, why.text, why)]
        return [self._of_result(row, result) for result in found]

    def _guarded(self, row: Row) -> RowVerdict:
        """The caps hold in every run: the row passes as soon as something was sent."""
        sent = [r for r in self.results.values() if r.verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL)]
        if not sent:
            return RowVerdict(row.id, Verdict.NOT_RUN, WhyNot.NOT_SELECTED.text, WhyNot.NOT_SELECTED)
        lab = all(result.environment is Environment.LAB for result in sent)
        return RowVerdict(row.id, Verdict.PASS, _CAPPED, lab=lab)

    def _found(self, row: Row, wanted: str) -> list[Result]:
        family, _, role = wanted.partition("[")
        exact = (f"{family}[{row.id}]", wanted, f"{family}[{_SAME_ROLE.get(role[:-1], role[:-1])}]")
        single = next((self.results[name] for name in exact if name in self.results), None)
        return [single] if single else [r for probe, r in self.results.items() if names(wanted, probe)]

    def _is_built(self, wanted: str) -> bool:
        built = self.built or ()
        return wanted.partition("[")[0] in built or any(names(wanted, probe) for probe in built)

    def _of_result(self, row: Row, result: Result) -> RowVerdict:
        base = RowVerdict(row.id, result.verdict, result.cause, results=(result,))
        lab = result.environment is Environment.LAB
        if lab and self.facts.environment is not Environment.LAB:
            return replace(base, verdict=Verdict.NOT_RUN, cause=WhyNot.ONLY_LAB.text, why=WhyNot.ONLY_LAB)
        if result.environment is Environment.PROD and row.phase_env in ("compliance", "preprod"):
            return replace(base, verdict=Verdict.NOT_RUN, cause=_OTHER_ENVIRONMENT, why=WhyNot.NOT_SELECTED)
        if result.verdict is Verdict.NOT_RUN:
            return _not_run(base, result)
        return replace(self._weighed(row, base, result), lab=lab)

    def _weighed(self, row: Row, base: RowVerdict, result: Result) -> RowVerdict:
        """Apply the row's own severities and the waivers to a failing result."""
        own = dict(row.weigh)
        severities = []
        waived = []
        for graded in result.findings:
            severity = own.get(graded.finding.rule, graded.severity)
            if severity is Severity.ERROR and self.ledger.waived(graded.finding.rule, self.facts.name, self.today):
                severity = Severity.WARNING
                waived.append(graded.finding.rule)
            severities.append(severity)
        if result.verdict is not Verdict.FAIL or not severities or Severity.ERROR in severities:
            return replace(base, waived=tuple(waived))
        verdict = Verdict.WARN if Severity.WARNING in severities else Verdict.PASS
        return replace(base, verdict=verdict, waived=tuple(waived))

    # ---- people -----------------------------------------------------------------------------------------------

    def _statement(self, row: Row) -> Attestation | None:
        said = self.said.get(row.id, ())
        return next((a for a in reversed(said) if a.date <= self.today and not a.expired(self.today)), None)

    def _evidence_parts(self, row: Row) -> Iterable[RowVerdict]:
        if row.mode in (Mode.PROBE, Mode.GENERATED) and not (row.instead or row.complete):
            return
        if not row.evidence.nl or (row.instead and row.mode is Mode.PROBE and not self._statement(row)):
            return
        if missing := [child for child in row.complete if self.verdict(child).verdict in _OPEN]:
            ids = ", ".join(missing)
            yield RowVerdict(
                row.id,
                Verdict.NOT_RUN,
                Text(f"nog zonder resultaat: {ids}", f"still without a result: {ids}"),
                WhyNot.INPUT_MISSING,
                because=tuple(missing),
            )
            return
        yield self._evidence(row)

    def _evidence(self, row: Row) -> RowVerdict:
        """Weigh the latest statement; of statements per item of a checklist the latest of each, worst first."""
        past = [a for a in self.said.get(row.id, ()) if a.date <= self.today]
        valid = [a for a in past if not a.expired(self.today)]
        if row.per_provider and any(a.provider for a in valid):
            return self._of_each(row, valid)
        latest = {a.item: a for a in valid}
        if not latest:
            return self._awaited(row)
        lapsed = {a.item: a for a in past if a.item and a.item not in latest}
        parts = [self._said(row, said) for said in latest.values()]
        if unconfirmed := self._unconfirmed(row, latest):
            parts.append(RowVerdict(row.id, Verdict.MANUAL, unconfirmed))
        return step_verdict(row.id, [*parts, *(_lapsed(row, said) for said in lapsed.values())])

    def _unconfirmed(self, row: Row, latest: Collection[str]) -> Words:
        """Name the messages that nobody confirmed yet, when statements are made per message (LZ 5.3.3)."""
        results = (result for probe, result in self.results.items() if row.each and names(row.each, probe))
        sent = [dict(o.data)["bericht"] for result in results for o in result.observed if "bericht" in dict(o.data)]
        missing = [name for name in dict.fromkeys(sent) if name not in latest]
        if not missing or "" in latest or not set(sent) & set(latest):
            return ""
        listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        return Text(f"nog niet bevestigd: {listed}", f"not confirmed yet: {listed}")

    def _of_each(self, row: Row, said: Sequence[Attestation]) -> RowVerdict:
        """Weigh the latest statement about each care provider; who has none is named."""
        latest = {name: a for a in said for name in self.facts.providers if a.provider in ("", name)}
        parts = [self._said(row, a) for a in dict.fromkeys(latest.values())]
        if lacking := self._lacking(row):
            parts.append(RowVerdict(row.id, Verdict.MANUAL, lacking))
        return step_verdict(row.id, parts)

    def _lacking(self, row: Row) -> Words:
        """Name the care providers without evidence, when statements are made per provider."""
        said = [a for a in self.said.get(row.id, ()) if a.date <= self.today and not a.expired(self.today)]
        if not (row.per_provider and any(a.provider for a in said)) or any(not a.provider for a in said):
            return ""
        without = [name for name in self.facts.providers if not any(a.provider == name for a in said)]
        shown, rest = ", ".join(without[:MOST_NAMES]), len(without) - MOST_NAMES
        more = Text(f" en nog {rest}", f" and {rest} more") if rest > 0 else Text("", "")
        return (
            Text(f"nog zonder bewijs: {shown}{more.nl}", f"still without evidence: {shown}{more.en}") if without else ""
        )

    def _said(self, row: Row, said: Attestation) -> RowVerdict:
        base = RowVerdict(row.id, said.verdict, _declared(said), attestations=(said,))
        if said.spoilt:
            return replace(base, verdict=Verdict.FAIL, cause=_SPOILT[said.spoilt])
        if said.verdict is Verdict.WAITING:
            return replace(base, since=said.date)
        if said.verdict is Verdict.SKIP and not row.optional:
            return replace(base, verdict=Verdict.MANUAL, cause=_NOT_OPTIONAL)
        return base

    def _awaited(self, row: Row) -> RowVerdict:
        if row.declared and (value := getattr(self.facts, row.declared)):
            said = value if isinstance(value, str) else ", ".join(sorted(value))
            return RowVerdict(row.id, Verdict.PASS, Text(f"in het scenario: {said}", f"in the scenario: {said}"))
        past = self.said.get(row.id, ())
        cause = _lapsed(row, past[-1]).cause if past and past[-1].expires else row.evidence
        if row.mode is Mode.WAITING:
            return self._waiting(row, cause)
        return RowVerdict(row.id, Verdict.MANUAL, cause, attestations=past)

    def _waiting(self, row: Row, cause: Words) -> RowVerdict:
        since = self.since(row)
        if since is None and row.deadline and row.deadline.after in self.rows:
            first = row.deadline.after
            cause = Text(f"begint als {first} is vastgelegd", f"starts when {first} is recorded")
        return RowVerdict(row.id, Verdict.WAITING, cause, since=since)

    def since(self, row: Row) -> date | None:
        """Return the day from which the counterparty has the turn: when the step before it was declared."""
        after = row.deadline.after if row.deadline else ""
        if after not in self.rows:
            return None
        before = self.rows[after][0]
        said = self._statement(before)
        return said.date if said else self.since(before)

    # ---- prerequisites ----------------------------------------------------------------------------------------

    def _blocked(self, row: Row, found: RowVerdict) -> RowVerdict | None:
        if found.verdict not in _OPEN or found.why is WhyNot.LATER_PHASE or self._behind_us(row):
            return None
        roots = [root for need in row.needs for root in self._failed(need, _FAILED)]
        closed = frozenset(Verdict) - GREEN
        roots += [root for need in row.needs_green for root in self._failed(need, closed)]
        if not roots:
            return None
        because = tuple(dict.fromkeys(roots))
        ids = [
            Text(*(f"{root} ({say(why, lang)})" if why else root for lang in ("nl", "en")))
            for root, why in self._why(because)
        ]
        cause = Text(f"eerst nodig: {', '.join(t.nl for t in ids)}", f"needed first: {', '.join(t.en for t in ids)}")
        return replace(found, verdict=Verdict.BLOCKED, cause=cause, why=None, since=None, because=because)

    def _why(self, roots: Iterable[str]) -> Iterable[tuple[str, Words]]:
        """Yield each root with the care providers that it still waits for."""
        for root in roots:
            yield root, self._lacking(self.rows[root][0]) if root in self.rows else ""

    def _behind_us(self, row: Row) -> bool:
        """Whether a row was settled in an earlier environment: its report tells, and it holds up nothing here."""
        return self.facts.environment is Environment.PROD and row.phase_env in ("compliance", "preprod")

    def _failed(self, need: str, bad: Collection[Verdict]) -> Iterable[str]:
        if need not in catalogue():
            result = self.results.get(need)
            return [need] if result and result.verdict in bad else []
        found = self.verdict(need)
        return (found.because or (need,)) if found.verdict in bad else ()


def _beside(row: Row, part: RowVerdict) -> RowVerdict:
    """A probe next to a declaration: it contradicts by failing, and adds nothing by passing."""
    about = {graded.finding.rule for graded in part.findings if graded.severity is Severity.ERROR}
    weighs = not row.beside and (not row.about or about & set(row.about))
    if weighs and part.verdict in (Verdict.FAIL, Verdict.ERROR):
        return part
    return replace(part, verdict=Verdict.SKIP, cause="", why=None, lab=False)


def _under(candidate: Row, prefix: str, parent: Row) -> bool:
    return candidate.id.startswith(prefix) and candidate.scored and candidate.id != parent.id


_CAPPED = Text(
    "ketentest hield zich aan de grens per host: één verzoek tegelijk, één per seconde",
    "ketentest kept to the cap per host: one request at a time, one per second",
)
_OTHER_ENVIRONMENT = Text(
    "hoort bij een eerdere omgeving; zie het rapport daarvan", "belongs to an earlier environment; see its report"
)
_NOT_OPTIONAL = Text(
    "deze stap kan niet als niet van toepassing worden verklaard", "this step cannot be declared not applicable"
)
_SPOILT = {
    "changed": Text("het bewijsbestand is gewijzigd na de verklaring", "the evidence file changed after the statement"),
    "missing": Text("het bewijsbestand is er niet meer", "the evidence file is no longer there"),
}


def _absent(row_id: str) -> RowVerdict:
    cause = Text(
        f"komt van {row_id}; zo'n verbinding staat niet in het scenario",
        f"comes from {row_id}; the scenario has no such connection",
    )
    return RowVerdict(row_id, Verdict.NOT_RUN, cause, WhyNot.INPUT_MISSING)


def _not_run(base: RowVerdict, result: Result) -> RowVerdict:
    said = dict(result.data).get("why", "")
    why = WhyNot(said) if said in list(WhyNot) else WhyNot.INPUT_MISSING
    return replace(base, why=why, cause=result.cause or why.text)


def _lapsed(row: Row, said: Attestation) -> RowVerdict:
    day = spoken_day(said.expires or said.date)
    about = Text(f" voor {said.item}", f" for {said.item}") if said.item else Text("", "")
    cause = Text(f"het bewijs{about.nl} is verlopen op {day.nl}", f"the evidence{about.en} expired on {day.en}")
    return RowVerdict(row.id, Verdict.MANUAL, cause, attestations=(said,))


def _declared(said: Attestation) -> Text:
    day = spoken_day(said.date)
    return Text(f"verklaard op {day.nl} ({said.function})", f"declared on {day.en} ({said.function})")
