"""The rows of the published onboarding procedures, and which of them apply to a connection.

The catalogue is data (`checklists/*.toml`): five procedures and the conditions they share. A row names probes, evidence
and other rows; it knows nothing about how a probe works, and a probe knows nothing about rows.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from harness.errors import OwnFailure
from harness.model import NOTHING, Environment, Severity, Source, Text

PROCEDURES = ("digimelding", "digipoort", "digikoppeling", "lopende-zaken", "tvs")
SYSTEMS = ("digimelding", "digipoort", "digikoppeling", "lopende-zaken", "tvs-cluster", "tvs-direct")
KINDS = ("overheid", "rijksorganisatie", "leverancier", "zorgaanbieder", "bedrijf")
DIGIPOORT_ROLES = ("hubgebruiker", "softwaregebruiker", "zelfbouwer")
CHANNELS = ("portaal", "webservice")


class Mode(StrEnum):
    """Who settles a row (checklist/steps §1)."""

    PROBE = "A"
    GENERATED = "G"
    HYBRID = "H"
    PERSON = "M"
    WAITING = "W"
    INFORMATIVE = "I"
    ALIAS = "→"


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the scenario says about one connection and its party; an empty value means not said, and excludes nothing."""

    name: str
    system: str
    environment: Environment = Environment.LAB
    kind: str = ""
    digipoort_role: str = ""
    network: str = "internet"
    channels: frozenset[str] = frozenset()
    registries: tuple[str, ...] = ()
    profiles: frozenset[str] = frozenset()
    reuse_adapter: bool = False
    supplier_connection: bool = False
    digid_assessment: bool = False
    chain_test: bool = True
    activated: date | None = None
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One applicability rule: the facts that must hold, and what the report says when they do not.

    Each fact lists the values with which a row stays; a fact that is not said (empty) keeps the row.
    """

    name: str
    facts: tuple[tuple[str, tuple[Any, ...]], ...]
    reason: Text
    source: Source
    own_consideration: bool = False

    def holds(self, facts: ConnectionFacts) -> bool:
        """Whether a row with this condition applies to the connection."""
        return all(_admits(getattr(facts, name), allowed) for name, allowed in self.facts)


def _admits(said: object, allowed: tuple[Any, ...]) -> bool:
    if isinstance(said, frozenset):
        return not said or bool(said & set(allowed))
    return said == "" or said in allowed


@dataclass(frozen=True, slots=True)
class Applicability:
    """Whether a row applies to a connection, and if not the reason with its paragraph.

    `own_consideration` marks the grey boxes: the procedure leaves the row to the supplier (*eigen afweging*).
    """

    applies: bool
    reason: Text = NOTHING
    source: Source | None = None
    own_consideration: bool = False


APPLIES = Applicability(applies=True)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a row is due: a term after another row or after activation, or a yearly window of months."""

    after: str = ""
    workdays: int = 0
    days: int = 0
    months: int = 0
    window: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a published procedure.

    `like` names rows whose probes hold here too, in this row's own circumstances; `roll_up` names rows whose verdicts
    count here. `needs` blocks when a prerequisite (row or probe) failed, `needs_green` when it is anything but green.
    `optional` rows may be declared not applicable, `instead` lets evidence replace a probe that could not run, `beside`
    shows a probe next to a declaration without weighing it, `about` names the rules of such a probe that do weigh, `complete` lists the rows that a document must cover,
    `also` names probes that the product runs for the row besides those that the published step names, and `each` the
    probe whose messages are each confirmed by a person: statements with an `item` must then name them all.
    `proves` and `proves_not` say for an exchange what its success shows and what it leaves open.
    `guarded` marks what the product itself guards in every run, and `prints` names what of the scenario stands beside it; `per_provider` rows want evidence for every care provider.
    """

    id: str
    system: str
    title: str
    title_en: str
    phase: str
    actor: str
    mode: Mode
    source: Source
    procedure: str
    phase_env: str = "any"
    probes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    each: str = ""
    alias: tuple[str, ...] = ()
    evidence: Text = NOTHING
    shows: Text = NOTHING
    proves: Text = NOTHING
    proves_not: Text = NOTHING
    roll_up: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_green: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    declared: str = ""
    deadline: Deadline | None = None
    lead_time: Text = NOTHING
    lead_network: str = ""
    optional: bool = False
    instead: bool = False
    about: tuple[str, ...] = ()
    beside: bool = False
    guarded: bool = False
    weigh: tuple[tuple[str, Severity], ...] = ()
    prints: str = ""
    per_provider: bool = False
    note: Text = NOTHING

    @property
    def heading(self) -> Text:
        """The title in both languages."""
        return Text(self.title, self.title_en)

    @property
    def scored(self) -> bool:
        """Whether the row is an item of its own: informative rows and aliases are not."""
        return self.mode not in (Mode.INFORMATIVE, Mode.ALIAS)


@dataclass(frozen=True, slots=True)
class Reference:
    """A source document with its version and dates; empty where the document itself does not say."""

    document: str
    version: str = ""
    date: str = ""
    valid_from: str = ""
    retired: str = ""
    note: Text = NOTHING


@dataclass(frozen=True, slots=True)
class Procedure:
    """One published procedure: where it comes from and its rows in the order of the source."""

    name: str
    references: tuple[Reference, ...]
    rows: tuple[Row, ...] = field(default=())


_LISTS = frozenset({"probes", "also", "alias", "roll_up", "like", "needs", "needs_green", "complete", "when", "about"})
_TEXTS = frozenset({"evidence", "shows", "proves", "proves_not", "lead_time", "note"})


def _cell(key: str, raw: Any) -> Any:
    if key in _TEXTS:
        return Text(raw["nl"], raw["en"])
    if key in _LISTS:
        return tuple(raw)
    if key == "deadline":
        return Deadline(**(raw | {"window": tuple(raw.get("window", ()))}))
    if key == "weigh":
        return tuple((rule, Severity(word)) for rule, word in raw.items())
    return raw


def _row(raw: Mapping[str, Any], procedure: str, sources: Mapping[str, Mapping[str, str]]) -> Row:
    cells = {key: _cell(key, value) for key, value in raw.items() if key not in ("mode", "source", "section")}
    origin = sources[raw.get("source", "main")]
    source = Source(origin["document"], raw.get("section", ""), origin.get("version", ""))
    return Row(**cells, mode=Mode(raw["mode"]), source=source, procedure=procedure)


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("harness").joinpath("checklists", f"{name}.toml").read_text(encoding="utf-8"))


@cache
def procedure(name: str) -> Procedure:
    """Return one procedure (`lopende-zaken`, `tvs`, …); raises OwnFailure when its file is not a catalogue."""
    raw = _data(name)
    sources = raw["source"]
    try:
        rows = tuple(_row(row, name, sources) for row in raw["row"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise OwnFailure(
            f"stappencatalogus {name} is onvolledig ({wrong!r})", f"step catalogue {name} is incomplete ({wrong!r})"
        ) from wrong
    references = (Reference(**{key: _cell(key, value) for key, value in source.items()}) for source in sources.values())
    return Procedure(name, tuple(references), rows)


@cache
def catalogue() -> dict[str, Row]:
    """Return every row of the five procedures by id, in the order of the sources."""
    return {row.id: row for name in PROCEDURES for row in procedure(name).rows}


@cache
def version() -> str:
    """Return the version of the catalogue that the report prints."""
    return str(_data("conditions")["catalogue"]["version"])


@cache
def conditions() -> dict[str, Condition]:
    """Return the applicability conditions by name."""
    known = {f.name for f in fields(ConnectionFacts)}
    found = {}
    for name, raw in _data("conditions")["condition"].items():
        if unknown := set(raw["facts"]) - known:
            raise OwnFailure(
                f"voorwaarde {name}: onbekend gegeven {unknown}", f"condition {name}: unknown fact {unknown}"
            )
        found[name] = Condition(
            name,
            tuple((fact, tuple(allowed)) for fact, allowed in raw["facts"].items()),
            Text(raw["reason"]["nl"], raw["reason"]["en"]),
            Source(raw["document"], raw["section"]),
            raw.get("own_consideration", False),
        )
    return found


def resolve_alias(row_id: str) -> tuple[str, ...]:
    """Return the chapter ids behind an annex id; any other id is its own answer."""
    row = catalogue().get(row_id)
    return row.alias if row and row.alias else (row_id,)


def applicability(row: Row, facts: ConnectionFacts) -> Applicability:
    """Return whether `row` applies to the connection; the first condition that does not hold gives the reason."""
    if row.alias:
        answers = [applicability(catalogue()[target], facts) for target in row.alias]
        return next((answer for answer in answers if answer.applies), answers[0])
    broken = (conditions()[name] for name in row.when if not conditions()[name].holds(facts))
    unmet = next(broken, None)
    return APPLIES if unmet is None else Applicability(False, unmet.reason, unmet.source, unmet.own_consideration)


def procedure_of(system: str) -> Procedure:
    """Return the procedure that a connection of `system` follows; both TVS variants share one source."""
    return procedure("tvs" if system.startswith("tvs-") else system)


def rows_for(facts: ConnectionFacts) -> list[tuple[Row, Applicability]]:
    """Return the rows of the connection's procedure in source order, each with its applicability."""
    variant = {"tvs-cluster": "TC-", "tvs-direct": "TD-"}.get(facts.system, "")
    rows = procedure_of(facts.system).rows
    return [(row, applicability(row, facts)) for row in rows if row.id.startswith(variant)]


def probes_of(row: Row) -> tuple[str, ...]:
    """Return the probes that settle `row`: its own, what the product adds, and those of the rows it is like."""
    borrowed = (probe for other in row.like for probe in probes_of(catalogue()[other]))
    return tuple(dict.fromkeys((*row.probes, *row.also, *borrowed)))


def rows_naming(probe: str, rows: Iterable[Row]) -> list[Row]:
    """Return the rows that rest on `probe`, by its exact id or by a wildcard such as `pki.*`."""
    return [row for row in rows if any(names(wanted, probe) for wanted in probes_of(row))]


def names(wanted: str, probe: str) -> bool:
    """Whether a row that writes `wanted` means `probe`: the same id, `family.*`, or the id for any role."""
    if wanted.endswith(".*"):
        return probe.startswith(wanted[:-1])
    return probe == wanted or ("[" not in wanted and probe.partition("[")[0] == wanted)
