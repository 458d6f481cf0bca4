"""How long the fronts take to answer: help, collecting, and the whole scenario against the lab with a warm key cache."""

import subprocess
import sys
import tempfile
import time

PYTHON = sys.executable
COMMANDS = (
    ("python starts", [PYTHON, "-c", "pass"], 0.0),
    ("ketentest --help", [PYTHON, "-c", "from harness.cli import main; main()", "--help"], 0.15),
    (
        "pytest --collect-only scenarios/preprod",
        [PYTHON, "-m", "pytest", "scenarios/preprod", "--collect-only", "-q"],
        1.5,
    ),
    (
        "ketentest run scenarios/preprod",
        [PYTHON, "-c", "from harness.cli import main; main()", "run", "--runs", "{runs}"],
        10.0,
    ),
)

with tempfile.TemporaryDirectory() as runs:
    for name, command, bar in COMMANDS:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run([part.format(runs=runs) for part in command], capture_output=True, check=True)
            times.append(time.perf_counter() - started)
        print(
            f"{name:<42} {min(times):6.2f} s best, {sorted(times)[1]:6.2f} s median"
            + (f"  (bar {bar} s)" if bar else "")
        )
