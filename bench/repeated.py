"""Exchange with the lab's MSH healthily and with every fault, again and again and at once: no fault passes, nothing healthy fails.

Pings, business messages in the six profiles in both directions, duplicates, retries and the chain test of Lopende
Zaken; the cases are divided over a process per core.

usage: python bench/repeated.py [REPETITIONS] [WORD…]        5 (the default) takes a minute; bar: no deviation

A WORD chooses the exchanges whose name begins with it (`healthy`, a fault of `ketentest lab msh`).
"""

import asyncio
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "lab")]
from repeated_runs import cases, play  # noqa: E402

BY_NAME = {case.name: case for case in cases()}


def part(names, times):
    """Play these cases in a process of its own; returns what was wrong."""
    with tempfile.TemporaryDirectory() as folder:
        wrong, _ = asyncio.run(play([BY_NAME[name] for name in names], times, Path(folder)))
    return wrong


def main(times=5, *words):
    """Play everything, or what begins with one of the words, and tell every deviation."""
    began, cores = time.perf_counter(), os.cpu_count() or 1
    names = [name for name in BY_NAME if not words or name.startswith(words)]
    parts = [names[number::cores] for number in range(cores)]
    with ProcessPoolExecutor(cores) as pool:
        wrong = [said for done in pool.map(part, parts, [times] * cores) for said in done]
    spent = os.times()
    for said in wrong:
        print(said)
    print(
        f"{len(names)} exchanges, {times} times each: {len(names) * times - len(wrong)} of {len(names) * times} as they should be"
        f" ({time.perf_counter() - began:.0f} s, of which the processors worked {spent.children_user + spent.children_system:.0f} s)"
    )
    return not wrong


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:2]), *sys.argv[2:]) else 1)
