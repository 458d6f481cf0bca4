"""Ping healthily and with every fault of the lab's MSH, again and again and at once: no fault passes, nothing healthy fails.

usage: python bench/repeated.py [REPETITIONS]        5 (the default) makes some 200 exchanges; 200 takes half an hour
"""

import os
import subprocess
import sys
import time
from pathlib import Path


def main():
    times = sys.argv[1] if len(sys.argv) > 1 else "5"
    test = Path(__file__).resolve().parents[1] / "tests" / "lab" / "test_msh_repeated.py"
    started = time.perf_counter()
    environment = {**os.environ, "KETENTEST_REPETITIONS": times}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", test], env=environment, check=False)
    print(f"{times} repetitions of everything: {time.perf_counter() - started:.0f} s")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
