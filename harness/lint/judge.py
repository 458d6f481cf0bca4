"""What every judge shares: the raw document, its context, and the table of rule functions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Generic, TypeVar

from harness.model import Environment, Finding, NotRun, Words

Doc = TypeVar("Doc")
Verdicts = Iterable[Finding | NotRun]


@dataclass(frozen=True, slots=True)
class HttpHead:
    """The head of a captured HTTP message: start line and headers, names in lower case, in order."""

    start: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        """Return the first header called `name` (any case)."""
        return next((value for key, value in self.headers if key == name.lower()), default)

    @property
    def status(self) -> int | None:
        """The status code of a response, or None for a request."""
        first, _, rest = self.start.partition(" ")
        return int(rest[:3]) if first.startswith("HTTP/") and rest[:3].isdigit() else None


@dataclass(frozen=True, slots=True)
class Raw:
    """A document as it came: its bytes, the name to print, and the HTTP head when it was captured with one."""

    data: bytes
    name: str = ""
    http: HttpHead | None = None
    relation: str = ""
    mode: int | None = None
    """The permissions of the file (`0o600`), where the system has them."""


@dataclass(frozen=True)
class Context:
    """Everything a judgement depends on besides the document: clock, place, role, trust, companions."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    environment: Environment = Environment.LAB
    role: str = ""
    profile: str = ""
    service: str = ""
    spec: str = "4.4"
    trust: tuple[bytes, ...] = ()
    companions: tuple[Raw, ...] = ()
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    earlier: MutableMapping[str, tuple[str, str]] | None = None
    """What was judged before, where somebody keeps it: an identifier, and the fingerprint and name of its bearer."""

    @cached_property
    def words(self) -> frozenset[str]:
        """The context words that severities in the rulebook may name."""
        words = (str(self.environment), self.role, self.profile, self.service, self.spec)
        return frozenset(w for w in words if w)

    def setting(self, name: str) -> str:
        """Return the first value of a `--set` key, or an empty string."""
        return next(iter(self.settings.get(name, ())), "")


Judge = Callable[[Raw, Context], Verdicts]

EVALUATED: ContextVar[set[str] | None] = ContextVar("evaluated", default=None)
"""Where somebody listens: the ids of the rules that were evaluated, so that silence can be told from absence."""


class RuleTable(Generic[Doc]):
    """The rule functions of one kind of document, in the order they are written.

    >>> table = RuleTable[str]()
    >>> @table.rule("DOC-001")
    ... def not_empty(doc, ctx):
    ...     if not doc:
    ...         yield Finding("DOC-001", observed="empty")
    >>> [f.rule for f in table.judge("", Context())]
    ['DOC-001']
    """

    def __init__(self) -> None:
        self.functions: list[Callable[[Doc, Context], Verdicts]] = []
        self.ids: dict[str, Callable[[Doc, Context], Verdicts]] = {}

    @classmethod
    def of(cls, *tables: "RuleTable[Doc]") -> "RuleTable[Doc]":
        """Return one table with the functions of several, in their order."""
        whole = cls()
        for table in tables:
            whole.functions += table.functions
            whole.ids |= table.ids
        return whole

    def rule(self, *ids: str) -> Callable[[Callable[[Doc, Context], Verdicts]], Callable[[Doc, Context], Verdicts]]:
        """Register a generator of findings under the rule ids it may yield."""

        def register(function: Callable[[Doc, Context], Verdicts]) -> Callable[[Doc, Context], Verdicts]:
            self.functions.append(function)
            for rule_id in ids:
                if rule_id in self.ids:
                    raise ValueError(f"{rule_id} has two functions")
                self.ids[rule_id] = function
            return function

        return register

    def judge(self, doc: Doc, ctx: Context) -> Iterator[Finding | NotRun]:
        """Yield what every rule has to say of `doc`."""
        if EVALUATED.get() is not None:
            self.begin()
        for function in self.functions:
            yield from function(doc, ctx)

    def begin(self) -> None:
        """Tell whoever listens that the rules of this table are evaluated now."""
        evaluated = EVALUATED.get()
        if evaluated is not None:
            evaluated.update(self.ids)


def not_run(ids: Iterable[str], reason: Words) -> Iterator[NotRun]:
    """Yield a NotRun with one reason for each id."""
    return (NotRun(rule_id, reason) for rule_id in ids)
