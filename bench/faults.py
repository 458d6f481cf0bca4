"""Play every TLS configuration of the lab 100 times, all at once, and count those that did not yield their own rule.

usage: python bench/faults.py [TIMES]        bar: all of them, whatever else the machine does
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/probes"))
from fault_runs import LOUD, missed


def main(times=100):
    began = time.perf_counter()
    lost = missed(times)
    seconds, played = time.perf_counter() - began, len(LOUD) * times
    print(
        f"{len(LOUD)} configurations at once, {times} times: {played - lost.total()} of {played} told ({seconds:.0f} s)"
    )
    for fault, count in lost.most_common():
        print(f"  {fault}: {LOUD[fault]} absent {count} times")
    return not lost


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) else 1)
