"""The report as plain frozen data: every sentence in its language, clean, and in the order of the reader."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple


class Fact(NamedTuple):
    """A label and its value."""

    label: str
    value: str


class Count(NamedTuple):
    """How many steps have one result; `key` chooses shape and colour."""

    key: str
    word: str
    number: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A result as the report prints it: `key` chooses shape and colour, the word stands beside them."""

    key: str
    word: str
    note: str = ""

    @property
    def text(self) -> str:
        """The whole sentence, as a reader without colours has it."""
        return f"{self.word} – {self.note}" if self.note else self.word


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The whole in one sentence, and what explains it."""

    mark: Mark
    sentence: str
    explanation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do: what, by whom, what continues after it, and where to read more."""

    what: str
    who: str
    detail: str = ""
    unblocks: tuple[str, ...] = ()
    finding: str = ""
    steps: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """Who answers for the report; without a name it is a draft."""

    by: str = ""
    function: str = ""
    day: str = ""
    connection: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One place on the path between us and the counterparty."""

    label: str
    mark: Mark
    note: str = ""
    network: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """The path of one interface: where it leads and how far it came."""

    side: str
    target: str
    stages: tuple[Stage, ...]

    @property
    def broken(self) -> bool:
        """Whether the path fails somewhere."""
        return any(stage.mark.key in ("fail", "error") for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Question:
    """One of the three questions about a link (reachable, answers, conforms) and its answer."""

    label: str
    mark: Mark
    why: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the procedure as the report prints it."""

    id: str
    anchor: str
    title: str
    actor: str
    mark: Mark
    seen: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    basis: str = ""
    evidence: tuple[str, ...] = ()
    source: str = ""
    see: tuple[str, ...] = ()
    data: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """One care provider of a cluster, with how far it is with each step that wants evidence of every one."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """The rows of one phase, with their rolled-up result; in a cluster also per care provider."""

    name: str
    anchor: str
    mark: Mark
    steps: tuple[Step, ...]
    scored: bool = True
    provider_steps: tuple[str, ...] = ()
    providers: tuple[ProviderLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: who, to whom, how the link is, and its steps."""

    name: str
    anchor: str
    title: str
    head: tuple[Fact, ...]
    mark: Mark
    counts: tuple[Count, ...]
    total: int
    questions: tuple[Question, ...]
    lanes: tuple[Lane, ...]
    own: str
    network: str
    peer: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A stored piece of evidence, and the start of its text where that helps."""

    name: str
    sha256: str
    kind: str
    size: str
    belongs: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen at one place; the connections on which it was the same."""

    observed: str
    expected: str
    where: str
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding in six lines: observed, expected, why, remedy, who, source; once for everything it applies to.

    `sightings` is filled when a rule was broken in more than one way or place; `observed` is then the first.
    """

    number: str
    rule: str
    mark: Mark
    severity: str
    title: str
    observed: str
    expected: str
    why: str
    remedy: str
    who: str
    source: str
    where: str = ""
    sightings: tuple[Sighting, ...] = ()
    sightings_rest: int = 0
    connections: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    unblocks: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    waived: str = ""
    evidence: tuple[EvidenceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Rules that could not be judged for one reason."""

    reason: str
    rules: tuple[str, ...]
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """An agreed departure from a rule."""

    rule: str
    connection: str
    reason: str
    owner: str
    until: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Reference:
    """A source document, its version, and what in this report rests on it."""

    document: str
    version: str
    used: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something on the timeline: a day, or a period from `day` to `end`."""

    day: date
    label: str
    kind: str
    word: str
    text: str
    end: date | None = None
    due: date | None = None
    step: str = ""


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a certificate is valid."""

    label: str
    start: date
    end: date
    mark: Mark
    text: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One finding that is new, fixed, unchanged or not judged again since an older run."""

    kind: str
    word: str
    connection: str
    probe: str
    rule: str
    title: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed since an older run."""

    run: str
    counts: tuple[Count, ...]
    changes: tuple[Change, ...]
    new_failures: int


class StepLink(NamedTuple):
    """A step of ours that an item of somebody else's checklist rests on; without anchor the report does not show it."""

    id: str
    anchor: str
    connection: str


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One item of somebody else's checklist, in their numbering, with its result."""

    number: str
    chapter: str
    title: str
    mark: Mark
    seen: tuple[str, ...] = ()
    steps: tuple[StepLink, ...] = ()
    rules: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """The chapter in somebody else's numbering; `uncovered` items nothing answers, `astray` numbers only we name."""

    name: str
    facts: tuple[Fact, ...]
    counts: tuple[Count, ...]
    total: int
    items: tuple[ListedItem, ...]
    uncovered: tuple[str, ...] = ()
    astray: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a renderer needs, in one language."""

    lang: str
    reader: str
    detail: str
    title: str
    subtitle: str
    intended: str
    run: str
    environment: str
    moment: str
    today: date
    started: datetime
    exercise: bool
    draft: bool
    head: tuple[Fact, ...]
    conclusion: Conclusion
    counts: tuple[Count, ...]
    total: int
    todo: tuple[Todo, ...]
    todo_rest: int
    declarations: tuple[Declaration, ...]
    undeclared: str
    open_steps: tuple[str, ...]
    connections: tuple[Connection, ...]
    run_facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    documents: tuple[EvidenceFile, ...]
    caps: tuple[Fact, ...]
    references: tuple[Reference, ...]
    findings: tuple[FindingView, ...]
    unjudged: tuple[Unjudged, ...]
    deviations: tuple[Deviation, ...]
    evidence: tuple[EvidenceFile, ...]
    timeline: tuple[Moment, ...]
    next_deadline: str
    validities: tuple[Validity, ...]
    outlook: tuple[str, ...]
    masked: tuple[str, ...]
    apart: tuple[str, ...]
    footer: str
    comparison: Comparison | None = None
    listed: Listed | None = None
    verdicts: tuple[Mark, ...] = field(default=())
    seal: str = ""
