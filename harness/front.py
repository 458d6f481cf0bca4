"""Open a session on a scenario for either front: bind links as they are needed, run, keep the run file."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from harness.chain import Loaded, secret
from harness.choice import Choice, Options, in_shard, run_info
from harness.engine import Engine, Observer
from harness.errors import UnusableInput
from harness.guard import Guard, Reach, host_of
from harness.link import Link
from harness.masking import Masker
from harness.model import Environment, Result
from harness.probes import probe as probes
from harness.rulebook import rulebook
from harness.run import Writer, create, utc_now
from harness.scenario import Connection


def check_hosts(loaded: Loaded, options: Options, connections: Iterable[Connection]) -> None:
    """Raise Refused, before anything is opened, when a declared address may not be reached at all."""
    guards = guards_for(loaded, options, "")
    for connection in connections:
        environment = connection.effective_environment
        if environment is Environment.LAB or options.offline:
            continue
        for url in connection.endpoints.values():
            guards[environment].check(host_of(url), Reach.CONNECT)


def guards_for(loaded: Loaded, options: Options, run_id: str) -> dict[Environment, Guard]:
    """Return the guard of each environment."""
    hosts = loaded.scenario.hosts
    allowed = {
        Environment.LAB: (),
        Environment.COMPLIANCE: hosts.compliance,
        Environment.PREPROD: hosts.preprod,
        Environment.PROD: hosts.prod,
    }
    return {
        environment: Guard(
            environment, tuple(h.lower() for h in names), options.allow_production, options.allow_write, run_id
        )
        for environment, names in allowed.items()
    }


@dataclass
class Session:
    """One run on one scenario: links are bound and lab counterparties started when a connection is first needed."""

    loaded: Loaded
    options: Options
    observer: Observer | None = None
    writer: Writer | None = None
    engine: Engine | None = None
    interrupted: bool = False
    _lab: Any = field(default=None, init=False)
    _binder: Any = field(default=None, init=False)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict, init=False)

    async def __aenter__(self) -> Self:
        from harness.binding import Binder, uses_lab

        book = rulebook()
        names = [c for c in self.loaded.connections if in_shard(c.name, self.options.shard)]
        check_hosts(self.loaded, self.options, names)
        self._check_faults()
        self.writer = self._open_run()
        self._log()
        if uses_lab(self.loaded):
            self._lab = await self._open_lab()
        self._binder = Binder(self.loaded, self._lab, self.options.faults)
        self.links: dict[str, Link] = {}
        self.engine = Engine(
            links=self.links,
            guards=guards_for(self.loaded, self.options, self.writer.folder.name),
            probes=probes.load(),
            book=book,
            writer=self.writer,
            folder=self.writer.folder,
            offline=self.options.offline,
            masker=Masker(self._test_bsns()),
            observer=self.observer,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.engine is not None:
            await self.engine.close()
        if self._lab is not None:
            await self._lab.__aexit__(None, None, None)
        _close_log()
        if self.writer is not None and not self.options.run_id:
            self.end(interrupted=self.interrupted or kind is not None)

    def end(self, *, interrupted: bool = False) -> None:
        """Write the closing line of the run file."""
        if self.writer is not None:
            masked = self.engine.masker.count if self.engine else 0
            self.writer.end(utc_now(), interrupted=interrupted, masked=masked)

    async def bind(self, name: str) -> Link:
        """Return the link of connection `name`, bound once."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if name not in self.links:
                self.links[name] = await self._binder.bind(self.loaded.scenario.connections[name])
        return self.links[name]

    async def result(self, connection: str, probe_id: str) -> Result:
        """Run one probe (and what it needs) on one connection."""
        assert self.engine is not None  # the session is open
        await self.bind(connection)
        return await self.engine.result(connection, probe_id)

    async def run(self, wanted: Sequence[Choice]) -> None:
        """Run the probes of the wanted rows, and third-party probes that no row names."""
        assert self.engine is not None  # the session is open
        for name in dict.fromkeys(choice.connection for choice in wanted):
            await self.bind(name)
        pairs = dict.fromkeys((c.connection, p) for c in wanted if c.applicability.applies for p in c.probes)
        extra = (
            [(name, p) for name in self.links for p in probes.unnamed(self.engine.probes)]
            if not self.options.only
            else []
        )
        await self.engine.run([*pairs, *extra])

    def _check_faults(self) -> None:
        from harness.lab import check_fault

        for fault in (*self.loaded.scenario.lab.faults, *self.options.faults):
            name, colon, word = fault.partition(":")
            connection = self.loaded.scenario.connections.get(name)
            if not colon or connection is None:
                known = ", ".join(self.loaded.scenario.connections)
                raise UnusableInput(
                    f"--lab-fault {fault}: verwacht VERBINDING:FOUT; verbindingen: {known}",
                    f"--lab-fault {fault}: expected CONNECTION:FAULT; connections: {known}",
                )
            check_fault(connection.system, name, word)

    def _open_run(self) -> Writer:
        if self.options.run_id:
            return Writer(self.options.runs / self.options.run_id)
        return create(self.options.runs, run_info(self.loaded, self.options, probes.load()))

    def _log(self) -> None:
        assert self.writer is not None  # just opened
        handler = logging.FileHandler(self.writer.folder / "run.log", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger = logging.getLogger("ketentest")
        _close_log()
        logger.addHandler(handler)
        logger.propagate = False

    async def _open_lab(self) -> Any:
        from harness.lab import Lab
        from harness.lab.ca import Pki

        return await Lab(await asyncio.to_thread(Pki)).__aenter__()

    def _test_bsns(self) -> tuple[str, ...]:
        found: list[str] = []
        for connection in self.loaded.connections:
            if connection.test_bsns:
                text = secret(connection.test_bsns, self.loaded.folder).decode("utf-8", "replace")
                found += [word for word in text.replace(",", " ").split() if word.isdigit()]
        return tuple(found)


def _close_log() -> None:
    """Take the log of the last run away: its folder may go, and other runs follow."""
    logger = logging.getLogger("ketentest")
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
