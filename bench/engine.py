"""500 connections with 8 checks of 250 ms each: wall clock and memory, beside the same waits one after another."""

import asyncio
import resource
import sys
import time

from harness.engine import Engine
from harness.guard import Guard
from harness.link import Link
from harness.model import Environment, Observation, Text
from harness.probes.probe import Probe
from harness.rulebook import Rulebook
from harness.scenario import Connection, Limits, Party, Wus

CONNECTIONS, CHECKS, WAIT = 500, 8, 0.25


async def waiting(link, tools):
    await asyncio.sleep(WAIT)
    yield Observation("x")


def link(name):
    connection = Connection(name=name, system="digipoort", wus=Wus(endpoint="https://lab-wus.x.ketentest.test/x"))
    limits = Limits(concurrency=512)
    return Link(connection, Party(name="P", oin="00000099000000001000"), Environment.LAB, limits)


async def main():
    probes = {f"x.p{n}": Probe(f"x.p{n}", waiting, Text("x", "x")) for n in range(CHECKS)}
    links = {f"c{n}": link(f"c{n}") for n in range(CONNECTIONS)}
    engine = Engine(links, {e: Guard(e) for e in Environment}, probes, Rulebook({}))
    started = time.perf_counter()
    await engine.run([(name, probe) for name in links for probe in probes])
    return time.perf_counter() - started


seconds = asyncio.run(main())
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
serial = CONNECTIONS * CHECKS * WAIT
print(f"{CONNECTIONS} connections × {CHECKS} checks of {WAIT * 1000:.0f} ms: {seconds:.1f} s, {memory:.0f} MB")
print(f"one after another: {serial:.0f} s; ratio {serial / seconds:.0f} ×  (bars: 15 s, 120 MB)")
sys.exit(seconds > 15 or memory > 120)
