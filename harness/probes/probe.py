"""What a probe is, what it gets to work with, and the table in which it is registered."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import UnusableInput
from harness.exchange import Exchange, Message, Recorder, listening
from harness.link import Link
from harness.lint.judge import Context, Raw
from harness.lint.kinds import KINDS, split_http
from harness.model import Evidence, Finding, Graded, NotRun, Observation, Result, Text
from harness.rulebook import Rulebook

Yield = Finding | Graded | NotRun | Observation | Evidence
ProbeFunction = Callable[[Link, "Tools"], AsyncIterator[Yield]]
GuardWord = Literal["offline", "connect", "message", "write"]
Scope = Literal["connection", "endpoint", "certificate"]


class NotPossible(Exception):
    """A probe cannot run here: input missing, later phase, not supported; the row becomes not-run with this cause."""

    def __init__(self, nl: str, en: str) -> None:
        self.text = Text(nl, en)
        super().__init__(en)


class NotApplicable(NotPossible):
    """A probe has nothing to look at on this connection; the result is skip with this reason."""


@dataclass(frozen=True)
class Probe:
    """One probe: its id, what must pass before it, how far it reaches, and on which sides of a connection it runs.

    `scope="endpoint"` probes run once per interface (`tools.side`), others once per connection. `side` ties a
    connection probe to the interface whose endpoint probes it needs. `params` lists the words that the id may carry
    between brackets (`pki.fields[tls-client]`). `after` names probes that go first where they run, whatever they say.
    `spared` says on which links the probe reads files only: it then needs nothing first and touches no host.
    `beyond` is for what no step of a procedure names and everybody wants to know: it runs on every connection.
    """

    id: str
    run: ProbeFunction
    title: Text
    needs: tuple[str, ...] = ()
    guard: GuardWord = "offline"
    scope: Scope = "connection"
    side: str = ""
    systems: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    beyond: bool = False
    spared: Callable[[Link], bool] | None = None

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]


REGISTRY: Final[dict[str, Probe]] = {}
FAMILIES: Final = ("identity", "pki", "net", "tls", "revocation", "cpa", "ebms", "wus", "msg", "saml", "config", "plan")


def probe(
    probe_id: str,
    *,
    title: tuple[str, str],
    needs: tuple[str, ...] = (),
    guard: GuardWord = "offline",
    scope: Scope = "connection",
    side: str = "",
    systems: tuple[str, ...] = (),
    params: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    beyond: bool = False,
    spared: Callable[[Link], bool] | None = None,
) -> Callable[[ProbeFunction], ProbeFunction]:
    """Register an async generator as the probe `probe_id`.

    >>> @probe("demo.hello", title=("groet", "greeting"))
    ... async def hello(link, tools):
    ...     yield Observation("hello")
    """

    def register(function: ProbeFunction) -> ProbeFunction:
        REGISTRY[probe_id] = Probe(
            probe_id, function, Text(*title), needs, guard, scope, side, systems, params, after, beyond, spared
        )
        return function

    return register


def load() -> dict[str, Probe]:
    """Import the families and the third-party probes (entry-point group `ketentest.probes`) and return the table."""
    for family in FAMILIES:
        name = f"harness.probes.{family}"
        try:
            import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
    for entry in entry_points(group="ketentest.probes"):
        try:
            entry.load()
        except Exception as wrong:
            raise UnusableInput(
                f"probe-pakket {entry.value}: laden mislukt ({type(wrong).__name__}: {wrong}); verwijder of herstel het pakket",
                f"probe package {entry.value}: loading failed ({type(wrong).__name__}: {wrong}); remove or mend the package",
            ) from wrong
    return REGISTRY


def unnamed(registry: Mapping[str, Probe]) -> list[str]:
    """Return the probes that no row of ours names and that run on every connection: those of third parties, and ours."""
    return [p.id for p in registry.values() if p.beyond or not p.run.__module__.startswith("harness.")]


def split(probe_id: str) -> tuple[str, str]:
    """Split `pki.fields[tls-client]` into the id and the word between brackets.

    >>> split("pki.fields[tls-client]")
    ('pki.fields', 'tls-client')
    """
    base, _, rest = probe_id.partition("[")
    return base, rest.removesuffix("]")


@dataclass
class Tools:
    """What a probe works with: the clock, the line, the judges, the folder of the run, earlier results."""

    link: Link
    exchange: Exchange
    recorder: Recorder
    book: Rulebook
    param: str = ""
    side: str = ""
    folder: Path | None = None
    offline: bool = False
    results: Mapping[str, Result] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """Return a new UUID as text."""
        return str(uuid.uuid4())

    def context(self, **changes: Any) -> Context:
        """Return the context in which a judge works for this connection."""
        connection, party = self.link.connection, self.link.party
        settings: dict[str, tuple[str, ...]] = {"oin": (party.oin,)}
        if self.link.operator:
            settings["operator"] = ("yes",)
        base = Context(
            at=self.now(),
            environment=self.link.environment,
            trust=self.link.anchors,
            service=connection.wus.service if connection.wus else "",
            settings=settings,
        )
        return replace(base, **changes)

    def judge(self, kind: str, document: bytes | Raw, name: str = "", **changes: Any) -> list[Graded | NotRun]:
        """Judge a document as `kind` in the context of this connection (see `context`), weighed in that context."""
        if isinstance(document, bytes):
            http, body = split_http(document)
            document = Raw(body, name, http)
        ctx = self.context(**changes)
        outcome = list(KINDS[kind].findings(document, ctx))
        findings = [item for item in outcome if isinstance(item, Finding)]
        return [*self.book.grade(findings, ctx.words), *(item for item in outcome if isinstance(item, NotRun))]

    def keep(self, name: str, data: bytes, media_type: str = "application/xml") -> Evidence:
        """Store masked evidence; yield what this returns."""
        return self.recorder.keep(name, media_type, data)

    def save(self, name: str, data: bytes) -> str:
        """Write a generated document for the user to `documents/<connection>/`; returns the path to print."""
        if self.folder is None:
            return name
        target = self.folder / "documents" / self.link.name / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return str(target)

    def listen(
        self, handler: Callable[[Message], Awaitable[Any]], side: str = "ebms"
    ) -> AbstractAsyncContextManager[None]:
        """Serve our own endpoint with mutual TLS while the block runs."""
        own = getattr(self.link.connection, side)
        return listening(self.link, handler, own.own_endpoint, own.listen)

    def chain_pem(self, role: str) -> bytes:
        """Return the certificates of `role` below the leaf, as PEM."""
        material = self.link.material(role)
        return b"".join(c.public_bytes(Encoding.PEM) for c in (material.chain[1:] if material else ()))
