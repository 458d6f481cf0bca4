"""Answer each item of somebody else's checklist from a run and from what people declared."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from harness.attestations import Ledger
from harness.checklist import rows_for
from harness.crosswalk.items import Crosswalk, Item
from harness.facts import facts_of
from harness.model import Environment, Graded, Result, Severity, Text, Verdict
from harness.outcome import RowVerdict, WhyNot, step_verdict
from harness.rulebook import rulebook
from harness.run import ConnectionInfo, Run
from harness.verdicts import chain_verdicts
from harness.workdays import day_of

Verdicts = Mapping[str, Mapping[str, RowVerdict]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one item came to; an item that nothing answers has no verdict.

    `parts` are the steps and rules behind it, each with the connection on which it was looked at.
    """

    item: Item
    verdict: RowVerdict | None = None
    parts: tuple[tuple[str, RowVerdict], ...] = ()


def answers(
    crosswalk: Crosswalk,
    run: Run,
    ledger: Ledger,
    now: datetime,
    *,
    built: Collection[str] | None = None,
    connections: Collection[str] = (),
) -> tuple[Answer, ...]:
    """Return an answer per item, in their order; `connections` limits what is looked at, empty means all of the run.

    A statement that names an item of theirs counts for that item only; other items rest on statements about the step.
    """
    bench = _Bench(crosswalk, run, ledger, now, built, connections)
    return tuple(bench.answer(item) for item in crosswalk.items)


def astray(crosswalk: Crosswalk, ledger: Ledger) -> tuple[str, ...]:
    """Return the item numbers that statements name and the checklist does not have."""
    known = {item.number for item in crosswalk.items}
    return tuple(dict.fromkeys(a.item for a in ledger.attestations if a.item and a.item not in known))


class _Bench:
    """One run and one ledger while the items are answered."""

    def __init__(
        self,
        crosswalk: Crosswalk,
        run: Run,
        ledger: Ledger,
        now: datetime,
        built: Collection[str] | None,
        connections: Collection[str],
    ) -> None:
        self.run, self.ledger, self.now, self.built = run, ledger, now, built
        self.infos = {i.name: i for i in run.info.connections if not connections or i.name in connections}
        self.named = {a.item for a in ledger.attestations if a.item}
        self.known: dict[str, Verdicts] = {}
        rules = frozenset(rule for item in crosswalk.items for rule in item.rules)
        self.judged = _judged(run.results, rules) if rules else {}

    def answer(self, item: Item) -> Answer:
        parts = tuple(self._parts(item))
        if not parts:
            return Answer(item)
        return Answer(item, step_verdict(item.number, (part for _, part in parts)), parts)

    def _parts(self, item: Item) -> Iterator[tuple[str, RowVerdict]]:
        names = [name for name in self.infos if item.connection in ("", name)]
        verdicts = self._verdicts(item.number)
        for step in item.steps:
            found = [(name, verdicts[name][step]) for name in names if step in verdicts[name]]
            yield from found or [("", RowVerdict(step, Verdict.NOT_RUN, _NOWHERE, WhyNot.INPUT_MISSING))]
        where = [name for name in names if not item.steps or any(step in verdicts[name] for step in item.steps)]
        for rule in item.rules:
            yield from self._rule(rule, where, alone=not item.steps)

    def _verdicts(self, number: str) -> Verdicts:
        """Return the verdicts of every row, with the statements that count for this item."""
        key = number if number in self.named else ""
        if key not in self.known:
            rows = {facts_of(info): rows_for(facts_of(info)) for info in self.run.info.connections}
            ledger = self.ledger.for_item(key) if self.named else self.ledger
            self.known[key] = chain_verdicts(rows, self.run.by_probe, ledger, self.now, built=self.built)
        return self.known[key]

    # ---- rules ------------------------------------------------------------------------------------------------

    def _rule(self, rule: str, names: Iterable[str], *, alone: bool) -> Iterator[tuple[str, RowVerdict]]:
        """Yield what a rule came to on each connection that knows it.

        Rules of the wire are evaluated by a probe itself, which says nothing when they hold: then the steps decide.
        """
        found = [(name, verdict) for name in names if (verdict := self._rule_on(rule, self.infos[name]))]
        wire = rule in rulebook() and rulebook()[rule].settled_by == "wire"
        if found or (wire and not alone):
            yield from found
            return
        cause = _WIRE if wire else _UNJUDGED
        yield "", RowVerdict(rule, Verdict.NOT_RUN, cause, WhyNot.INPUT_MISSING if wire else WhyNot.NOT_SELECTED)

    def _rule_on(self, rule: str, info: ConnectionInfo) -> RowVerdict | None:
        lab = info.environment is Environment.LAB
        mine = [r for r in self.run.results if r.connection == info.name]
        mine = [r for r in mine if lab or r.environment is not Environment.LAB]
        hits = [(r, g) for r in mine for g in r.findings if g.finding.rule == rule]
        if hits:
            return replace(self._weighed(rule, info.name, [g for _, g in hits]), results=_once(hits), lab=lab)
        if (info.name, rule) in self.judged:
            return RowVerdict(rule, Verdict.PASS, _SILENT, lab=lab, results=self.judged[info.name, rule])
        unable = next((n for r in mine for n in r.not_run if n.rule == rule), None)
        return RowVerdict(rule, Verdict.NOT_RUN, unable.reason, WhyNot.INPUT_MISSING) if unable else None

    def _weighed(self, rule: str, name: str, found: list[Graded]) -> RowVerdict:
        severities = {g.severity for g in found}
        waived = self.ledger.waived(rule, name, day_of(self.now)) if Severity.ERROR in severities else None
        if Severity.ERROR in severities and not waived:
            return RowVerdict(rule, Verdict.FAIL)
        remark = waived or Severity.WARNING in severities
        return RowVerdict(rule, Verdict.WARN if remark else Verdict.PASS, waived=(rule,) if waived else ())


def _judged(results: Iterable[Result], rules: frozenset[str]) -> dict[tuple[str, str], tuple[Result, ...]]:
    found: dict[tuple[str, str], tuple[Result, ...]] = {}
    for result in results:
        for rule in rules.intersection(dict(result.data).get("judged", "").split()):
            found[result.connection, rule] = (*found.get((result.connection, rule), ()), result)
    return found


def _once(hits: Iterable[tuple[Result, Graded]]) -> tuple[Result, ...]:
    return tuple({(r.probe, r.subject): r for r, _ in hits}.values())


_NOWHERE = Text("de run heeft geen aansluiting met deze stap", "the run has no connection with this step")
_SILENT = Text("beoordeeld, geen bevinding", "judged, no finding")
_UNJUDGED = Text("niet beoordeeld in deze run", "not judged in this run")
_WIRE = Text(
    "deze regel blijkt alleen uit een bevinding; zet ook de stap erbij waarin hij getoetst wordt",
    "this rule shows only as a finding; add the step in which it is checked",
)
