"""The pure data that everything else passes on: verdicts, findings, evidence, results."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Text(NamedTuple):
    """One sentence in both languages of the product."""

    nl: str
    en: str

    def of(self, lang: str) -> str:
        """Return the sentence in `nl` or `en`."""
        return self.en if lang == "en" else self.nl


NOTHING = Text("", "")

Words = str | Text
"""A language-neutral value (a number, a name, a digest), or a sentence in both languages."""


def say(words: Words, lang: str) -> str:
    """Return `words` in `lang`; a plain string is the same in every language."""
    return words.of(lang) if isinstance(words, Text) else words


class Verdict(StrEnum):
    """The nine verdicts of a row or a probe (checklist/steps §1)."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    MANUAL = "manual"
    WAITING = "waiting"
    BLOCKED = "blocked"
    NOT_RUN = "not-run"
    SKIP = "skip"
    ERROR = "error"

    @property
    def settled(self) -> bool:
        """Whether the row needs no more work from this run."""
        return self in SETTLED


_WORST_FIRST = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.BLOCKED,
    Verdict.NOT_RUN,
    Verdict.MANUAL,
    Verdict.WAITING,
    Verdict.WARN,
    Verdict.PASS,
)
SETTLED = frozenset({Verdict.PASS, Verdict.WARN, Verdict.FAIL})


def roll_up(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; `skip` drops out, and only-`skip` (or nothing) is `skip`."""
    seen = set(verdicts)
    return next((v for v in _WORST_FIRST if v in seen), Verdict.SKIP)


class Severity(StrEnum):
    """How much a finding weighs; the rulebook decides, never the judge."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Environment(StrEnum):
    """Where the counterparty lives."""

    LAB = "lab"
    COMPLIANCE = "compliance"
    PREPROD = "preprod"
    PROD = "prod"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge or a probe saw that departs from a rule; its severity is the rulebook's.

    `case` names a variant of the rule that has its own severity or text. `where` is an XPath, a field name
    or `host:port`; `line` is 1-based. `evidence` holds SHA-256 digests of stored evidence.
    """

    rule: str
    case: str = ""
    observed: Words = ""
    expected: Words = ""
    where: str = ""
    line: int | None = None
    evidence: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRun:
    """A rule that could not be judged, and why: never green.

    What the user `asked` for by name, on top of what a step needs, leaves the whole result not-run.
    """

    rule: str
    reason: Words
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe measured, in one line for the report (`TLS 1.3, 11 ms`)."""

    text: Words
    data: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The paragraph a rule or row comes from; an unconfirmed paragraph prints document and version only."""

    document: str
    section: str = ""
    version: str = ""
    confirmed: bool = True

    def __str__(self) -> str:
        parts = [self.document, self.version]
        if self.confirmed and self.section:
            parts.append(self.section)
        return ", ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the rulebook: texts in both languages, severities per context, source."""

    id: str
    title: Text
    why: Text
    remedy: Text
    source: Source
    severity: tuple[tuple[frozenset[str], Severity | None], ...]
    cases: tuple[tuple[str, tuple[tuple[frozenset[str], Severity | None], ...]], ...] = ()
    same_as: tuple[str, ...] = ()
    settled_by: str = "file"
    since: str = ""
    until: str = ""
    who: Text = NOTHING


@dataclass(frozen=True, slots=True)
class Graded:
    """A finding with the severity that the rulebook gave it in this context."""

    finding: Finding
    severity: Severity


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stored, masked piece of evidence; the digest is its name."""

    sha256: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one probe concluded on one subject, and under which circumstances."""

    probe: str
    connection: str
    verdict: Verdict
    environment: Environment
    findings: tuple[Graded, ...] = ()
    not_run: tuple[NotRun, ...] = ()
    observed: tuple[Observation, ...] = ()
    cause: Words = ""
    endpoint: str = ""
    certificate: str = ""
    evidence: tuple[Evidence, ...] = ()
    started: datetime | None = None
    seconds: float = 0.0
    subject: str = ""
    data: tuple[tuple[str, str], ...] = field(default=())


def verdict_of(findings: Iterable[Graded], *, incomplete: bool = False) -> Verdict:
    """Return fail for an error, warn for a warning, not-run when an error-level rule did not run, else pass."""
    severities = {f.severity for f in findings}
    if Severity.ERROR in severities:
        return Verdict.FAIL
    if incomplete:
        return Verdict.NOT_RUN
    return Verdict.WARN if Severity.WARNING in severities else Verdict.PASS
