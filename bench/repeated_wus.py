"""Call every WUS service of the lab healthily and with each of its faults, again and again and at once.

Every call is made, signed, sent over mutual TLS, answered by the lab and judged anew. A fault gives its own rule each
time; a healthy call is pass on bereikbaar, antwoordt and conform each time.

usage: python bench/repeated_wus.py [REPETITIONS] [SERVICE-OR-FAULT]...
       3 (the default) makes some 1,200 calls; 200 takes a quarter of an hour on two free cores
"""

import asyncio
import logging
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PROCESSES = 2
LANES = 16
IDLE = {"wus-slow-answer", "endless-body"}
"""Faults on which a call waits for its time-out: they are played beside the rest, over more connections."""
IDLE_LANES = 50
SERVICES = {
    "digikoppeling": ("2W-be-S", "2W-be", "2W-be-SE"),
    "lopende-zaken": ("2W-be-S",),
    "digipoort": ("2W-be-S",),
    "digimelding": ("2W-be-S",),
}
TRIALS = {
    "verifies-nothing": 'trials = ["tampered"]',
    "persons-swapped": 'trials = ["persons"]',
    "any-bsn": 'trials = ["persons"]',
    "no-end-state": 'operation = "getStatussenProces"\ntrials = ["statuses"]',
}
"""What the ordinary call cannot show."""
ELSEWHERE = ("MSG-", "WUS-ADDR-021")
"""What shows on a delivery, on a report, or when the service calls us: not on a call that reads."""


@dataclass(frozen=True)
class Play:
    """One service with one fault (or none), in a profile in which it shows, and the rule that it must give."""

    system: str
    profile: str
    fault: str = ""
    rule: str = ""

    @property
    def name(self):
        return f"{self.system} {self.profile} {self.fault or 'healthy'}"


def plays():
    """Return everything there is to play: the healthy service in every profile, and each fault."""
    from harness.lab import counterparty_class

    found = []
    for system, profiles in SERVICES.items():
        found += [Play(system, profile) for profile in profiles]
        for name, fault in counterparty_class(system, "wus").TABLE.items():
            profile = fault.needs or profiles[0]
            if profile in profiles and not fault.rule.startswith(ELSEWHERE):
                found.append(Play(system, profile, name, fault.rule))
    return found


class Unkept:
    """Evidence is masked and digested in a run; here nobody looks at it."""

    def keep(self, name, media_type, data):
        from harness.model import Evidence

        return Evidence("", name, media_type, len(data))


async def said(link, tools, play):
    """Make one call; return the three results, and the rules that were found with their severity."""
    from harness.model import Finding, Graded, Observation
    from harness.probes.wus import _sent
    from harness.probes.wus_request import prepared

    call = await prepared(link, tools, play.profile)
    items = [item async for item in _sent(link, tools, call)]
    words = {*tools.context().words, play.system}
    graded = [item for item in items if isinstance(item, Graded)]
    graded += tools.book.grade([item for item in items if isinstance(item, Finding)], words)
    three = [tuple(o.data[0]) for o in items if isinstance(o, Observation) and o.data][:3]
    return dict(three), {g.finding.rule: str(g.severity) for g in graded}


def deviation(play, three, found):
    """Return what is wrong with the outcome of one call, or an empty string."""
    if play.rule:
        return "" if play.rule in found else f"{play.rule} absent: {three} {found}"
    loud = {rule for rule, severity in found.items() if severity != "info"}
    whole = list(three.values()) == ["pass"] * 3 and not loud
    return "" if whole else f"not pass three times: {three} {loud}"


async def repeat(play, times):
    """Play one service or fault `times` times over LANES connections at once; return how often what went wrong."""
    from harness.exchange import Exchange
    from harness.model import Environment
    from harness.probes.probe import Tools
    from tests.probes.test_wus import WUS, session

    given = {"read": 1} if play.fault in IDLE else {}
    if play.fault in TRIALS:
        given["side"] = WUS[play.system][0].partition("\noperation")[0] + "\n" + TRIALS[play.fault]
    wrong = Counter()
    with tempfile.TemporaryDirectory() as folder:
        async with session(Path(folder), play.system, *filter(None, [play.fault]), **given) as engine:
            link, guard = engine.links["dut"], engine.guards[Environment.LAB]
            context = link.client_context()

            async def lane(count):
                exchange = Exchange(link, guard, Unkept())
                exchange.context = context
                tools = Tools(link, exchange, Unkept(), engine.book, side="wus")
                for _ in range(count):
                    try:
                        wrong[deviation(play, *await said(link, tools, play))] += 1
                    except Exception as raised:  # noqa: BLE001 - whatever goes wrong is told and counted
                        wrong[f"{type(raised).__name__}: {raised}"] += 1
                await exchange.close()

            lanes = min(IDLE_LANES if play.fault in IDLE else LANES, times)
            await asyncio.gather(*(lane(times // lanes + (number < times % lanes)) for number in range(lanes)))
    del wrong[""]
    return wrong


async def _together(work, times):
    return await asyncio.gather(*(repeat(play, times) for play in work))


def play_all(job):
    """Play the services and faults of one job at once; return each with what went wrong."""
    logging.disable()  # that a client hangs up on an endless answer is what we want
    work, times = job
    return list(zip(work, asyncio.run(_together(work, times)), strict=True))


def main(times=3, *only):
    work = [play for play in plays() if not only or {play.system, play.fault} & set(only)]
    jobs = [([play], times) for play in work if play.fault not in IDLE]
    jobs[:0] = [([play for play in work if play.fault in IDLE], times)]
    began, lost = time.perf_counter(), 0
    with multiprocessing.get_context("spawn").Pool(PROCESSES + 1, maxtasksperchild=40) as pool:
        for outcome in pool.imap_unordered(play_all, jobs):
            for play, wrong in outcome:
                lost += wrong.total()
                for what, count in wrong.most_common(3):
                    print(f"  {play.name}: {count} × {what}", flush=True)
    seconds, made = time.perf_counter() - began, len(work) * times
    faults = Counter(play.system for play in work if play.fault)
    counted = ", ".join(f"{system} {count}" for system, count in faults.items())
    print(f"{made - lost} of {made} calls as they should be, {seconds:.0f} s; faults: {counted}")
    return not lost


if __name__ == "__main__":
    words = sys.argv[1:] or ["3"]
    sys.exit(0 if main(int(words[0]), *words[1:]) else 1)
