"""Look at what `make demo` wrote: every report is there, parses, and says what a run against the lab may say."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

WANTED = ("report.nl.html", "report.en.html", "report.md", "report.json", "junit.xml", "run.jsonl")


def main() -> None:
    folder = max(Path("runs").iterdir(), key=lambda p: p.stat().st_mtime)
    missing = [name for name in WANTED if not (folder / name).is_file()]
    if missing:
        sys.exit(f"{folder}: missing {', '.join(missing)}")
    report = json.loads((folder / "report.json").read_text())
    ET.parse(folder / "junit.xml")  # noqa: S314 - our own file, written a moment ago
    html = (folder / "report.nl.html").read_text()
    if "Oefenrapport" not in html:
        sys.exit("report.nl.html does not say that it is an Oefenrapport")
    results = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    probes = [r for r in results if r["event"] == "result"]
    bad = [f"{r['connection']} {r['probe']}" for r in probes if r["verdict"] in {"fail", "error", "blocked"}]
    passed = sum(r["verdict"] in {"pass", "warn"} for r in probes)
    if bad or passed < 20:
        sys.exit(f"{folder}: {passed} probes passed; not good: {', '.join(bad)}")
    print(f"{folder}: {passed} probes passed or passed with a remark, report of {len(report)} keys")


main()
