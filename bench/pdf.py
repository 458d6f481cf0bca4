"""Measure how long the PDF of a report takes and how much memory: 383 steps, 300 connections, and typst bare.

usage: python bench/pdf.py        bars: 2 s for 383 steps; 20 s and 300 MB for 300 connections
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "report"))

BARS = {12: (2.0, 0), 300: (20.0, 300)}


def made(connections):
    import dossier

    from harness.report.build import build

    names = [f"gemeente-{n:03}" for n in range(connections)]
    run = dossier.run([dossier.connection(n) for n in names], [r for n in names for r in dossier.digipoort_results(n)])
    return build(run, now=dossier.NOW, book=dossier.BOOK, reader="logius")


def render(connections):
    """Render once, in this process, and print seconds, steps, size and peak memory."""
    from harness.report import jsonfile, pdf

    report = made(connections)
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, "report.json")
        with inner.open("w", encoding="utf-8") as stream:
            stream.writelines(jsonfile.render(report))
        started = time.perf_counter()
        size = sum(map(len, pdf.render(report, inner)))
        seconds = time.perf_counter() - started
    steps = sum(len(p.steps) for c in report.connections for p in c.phases)
    print(f"{seconds:.2f} {steps} {size} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")


def bare(rows):
    """Return the seconds typst needs for a plain table of as many rows: the floor."""
    import typst

    cells = ",".join(
        f"[DP-{n}],[Omschrijving van een stap],[wacht op bewijs],[Nodig: een verklaring]" for n in range(rows)
    )
    source = f'#set document(title: "x")\n#table(columns: (auto, 1fr, auto, 2fr), {cells})'.encode()
    started = time.perf_counter()
    typst.compile(source, pdf_standards=["a-3b"])
    return time.perf_counter() - started


def once(connections):
    """Return seconds, steps, bytes and peak megabytes of one rendering in a process of its own."""
    done = subprocess.run([sys.executable, __file__, str(connections)], capture_output=True, text=True, check=True)
    return tuple(float(word) for word in re.findall(r"[\d.]+", done.stdout))


def main():
    fine = True
    for connections, (bar, most) in BARS.items():
        seconds, steps, size, peak = min(once(connections) for _ in range(3))  # the difference is the machine's
        floor = bare(int(min(steps, 400)))
        print(
            f"{connections:4} connections {steps:6.0f} steps  {seconds:5.2f} s  {size / 1e6:5.1f} MB  peak {peak:4.0f} MB"
            f"   plain table of {min(steps, 400):.0f} rows {floor:.2f} s: ratio {seconds / floor:.1f}"
        )
        fine &= seconds <= bar and (not most or peak <= most)
    print("bars: 2 s for 383 steps; 20 s and 300 MB for 300 connections")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(render(int(sys.argv[1])) if len(sys.argv) > 1 else main())
