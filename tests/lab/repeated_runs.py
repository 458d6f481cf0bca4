"""Play every exchange with the lab's MSH many times and at once, healthy and with each fault, and say what came out wrong.

One counterparty per case lives through all repetitions, so that what it remembers is repeated too; the cases run at
the same time. The waiting is short where a fault makes us wait, and long where a busy machine might.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ebms_chain import scenario

from harness.binding import Binder
from harness.chaintest import testset
from harness.chaintest.design import lab_design
from harness.chaintest.persons import Person
from harness.engine import Engine
from harness.guard import Guard
from harness.lab import Lab
from harness.lab.ca import Pki
from harness.lab.faults.chain import CASES
from harness.lab.faults.ebms import ANSWERS, DELIVERIES, MESSAGE
from harness.model import Environment, Verdict
from harness.probes import probe
from harness.rulebook import rulebook
from harness.run import utc_now

AT_ONCE = 4
"""How many exchanges keep the processor busy at the same time; those that only wait do not count."""
WAITERS = 16
PROFILES = ("be", "rm", "be-s", "rm-s", "be-e", "rm-e")
BEST_EFFORT, ENCRYPTED, UNSIGNED = {"unasked-ack"}, {"echo-plain"}, {"echo-elimination", "echo-ack-requested"}
UNANSWERED = {
    "no-pong",
    "pings-back",
    "pings-unknown-cpa",
    "no-ref",
    "wrong-ref",
    "error-without-ref",
    "no-header",
    "doctype",
    "truncated",
    "soap12",
}
ASKED_AFTER = {
    f"status-{word}" for word in ("unknown", "unauthorised", "silent", "other-word", "without-time", "wrong-ref")
}
WAITING = (
    UNANSWERED
    | ASKED_AFTER
    | {"slow", "late-pong", "late-ack", "no-ack", "no-ack-on-duplicate", "no-echo", "no-foutbericht"}
)
"""Faults that keep us waiting until a limit, however quick the machine is."""
PATIENCE = {"late-pong": 30, "no-ack-on-duplicate": 2.5, "no-echo": 2.5, "no-foutbericht": 2.5}
LANES = 8
"""Over how many counterparties the repetitions of such a fault are spread."""
SET = ("nieuwe-zaak-1-p1", "foutbericht-1-p1")
"""The two messages of the chain test that are repeated: one that is taken, one that asks for a foutbericht."""


@dataclass(frozen=True)
class Case:
    """One exchange: the fault (empty when healthy), the probes that see it, and the rule that must come out."""

    fault: str
    probes: tuple[str, ...]
    rule: str = ""
    profile: str = "osb-rm"
    mode: str = "async"
    system: str = "digikoppeling"

    @property
    def name(self):
        return f"{self.fault or 'healthy'} {self.mode} {self.profile} {'+'.join(self.probes)} {self.system}"

    @property
    def waiting(self):
        return self.fault in WAITING


def healthy():
    """Yield the exchanges that must pass: Pings both ways, every profile both directions, and the chain test."""
    for mode in ("async", "sync"):
        yield Case("", ("ebms.ping",), mode=mode)
    for word in PROFILES:
        both = (f"ebms.send[{word}]", f"ebms.receive[{word}]")
        yield Case("", both, profile=f"osb-{word}")
        if word.startswith("rm"):
            yield Case("", both, profile=f"osb-{word}", mode="sync")
    yield Case("", ("ebms.send[rm]",), system="lopende-zaken")


def faulty():
    """Yield one exchange per fault of the lab's MSH."""
    for name, fault in ANSWERS.items():
        yield Case(name, ("ebms.ping",), fault.rule, mode="sync" if name == "stripped-syncreply" else "async")
    for name, fault in DELIVERIES.items():
        word = "be" if name in BEST_EFFORT else "rm-e" if name in ENCRYPTED else "rm" if name in UNSIGNED else "rm-s"
        probe_name = f"ebms.{'receive' if fault.on == MESSAGE else 'send'}[{word}]"
        yield Case(name, (probe_name,), fault.rule, profile=f"osb-{word}")
    for name, fault in CASES.items():
        yield Case(name, ("ebms.send[rm]",), fault.rule, system="lopende-zaken")


def cases():
    """Return every case, those that wait longest first."""
    return sorted((*healthy(), *faulty()), key=lambda c: not c.waiting)


def _loaded(folder, case):
    """Return the scenario of a case; only where a fault makes us wait, we do not wait long."""
    pong = PATIENCE.get(case.fault, 1.2) if case.waiting else 30
    chosen = {"mode": case.mode, "profiles": (case.profile,), "system": case.system}
    loaded = scenario(folder, pong_timeout=pong, read_timeout=2 if case.fault == "slow" else 20, **chosen)
    if case.system != "lopende-zaken":
        return loaded
    words = {"oin": "00000099000000001000", "organisatie": "TEST", "ontvanger": "", "registratie": "BAG"}
    messages = testset.generate(lab_design(case.system), [Person(1, "999990019")], words, utc_now())
    testset.write([m for m in messages if m.id in SET], folder / "set", "lz", utc_now())
    file = folder / "chain.toml"
    file.write_text(file.read_text() + 'messages = "set"\n')
    from harness.chain import load

    return load(file)


class Repeating(Engine):
    """An engine that can begin anew over the connections that are open."""

    def forget(self):
        """Forget every result and everything that probes passed to each other."""
        for memory in (self.results, self._tasks, self._shared):
            memory.clear()


def _engine(link):
    """Return an engine on one link; its TLS contexts are made once."""
    probes = {k: replace(p, needs=()) for k, p in probe.load().items() if p.family in ("ebms", "cpa", "msg")}
    served = link.server_context()
    object.__setattr__(link, "server_context", lambda: served)
    return Repeating({"lz": link}, {e: Guard(e) for e in Environment}, probes, rulebook())


async def _once(case, engine):
    """Do the exchange once; returns what is wrong with the outcome, or an empty string."""
    engine.forget()
    results = [await engine.result("lz", name) for name in case.probes]
    found = {(g.finding.rule, g.finding.case, str(g.severity)) for r in results for g in r.findings}
    said = f"{[str(r.verdict) for r in results]} {sorted(found)} {[r.cause.nl for r in results if r.cause]}"
    if not case.rule:
        return "" if all(r.verdict is Verdict.PASS for r in results) else said
    told = case.rule in {rule for rule, *_ in found}
    return "" if told and results[-1].verdict in (Verdict.WARN, Verdict.FAIL) else said


async def repeat(case, times, folder, pki, gate, ready):
    """Do one case `times` times against one counterparty, when all are there; returns (what was wrong, seconds)."""
    folder.mkdir(parents=True, exist_ok=True)
    loaded, wrong, busy = _loaded(folder, case), [], 0.0
    async with Lab(pki) as lab:
        binder = Binder(loaded, lab, [f"lz:{case.fault}"] if case.fault else [])
        link = await binder.bind(loaded.scenario.connections["lz"].model_copy(update={"wus": None}))
        engine = _engine(link)
        await ready.wait()
        for number in range(times):
            async with gate:
                began = time.perf_counter()
                said = await _once(case, engine)
                busy += time.perf_counter() - began
            if said:
                wrong.append(f"{case.name} #{number}: {said}")
        await engine.close()
    return wrong, busy


def _lanes(chosen, times):
    """Yield each case with its share of the repetitions: a case that waits is spread over several counterparties."""
    for case in chosen:
        lanes = min(times, LANES if case.waiting else 1)
        yield from ((case, times // lanes + (number < times % lanes)) for number in range(lanes))


async def play(chosen: Iterable[Case], times, folder, pki=None):
    """Do the cases at the same time, each `times` times; returns what was wrong, and the seconds of each case."""
    pki, busy, aside = pki or Pki(), asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(WAITERS)
    for number, case in enumerate(healthy()):  # everything that is made or read once is there before the rush
        await repeat(case, 1, folder / f"first-{number}", pki, busy, asyncio.Barrier(1))
    lanes = list(_lanes(chosen, times))
    ready = asyncio.Barrier(len(lanes))
    done = await asyncio.gather(
        *(repeat(c, t, folder / str(n), pki, aside if c.waiting else busy, ready) for n, (c, t) in enumerate(lanes))
    )
    seconds = Counter()
    for (case, _), (_, taken) in zip(lanes, done, strict=True):
        seconds[case.name] += taken
    return [said for wrong, _ in done for said in wrong], seconds
