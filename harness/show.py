"""Say results in plain lines: the six lines of a finding, and a line per probe while a run goes on."""

from typing import Final

from harness.model import Graded, Result, Text, Verdict, say
from harness.rulebook import rulebook

VERDICTS: Final = {
    Verdict.PASS: Text("geslaagd", "passed"),
    Verdict.WARN: Text("geslaagd met aandachtspunt", "passed with remark"),
    Verdict.FAIL: Text("niet geslaagd", "failed"),
    Verdict.MANUAL: Text("wacht op bewijs", "awaiting evidence"),
    Verdict.WAITING: Text("wacht op een ander", "waiting for another"),
    Verdict.BLOCKED: Text("geblokkeerd", "blocked"),
    Verdict.NOT_RUN: Text("niet uitgevoerd", "not run"),
    Verdict.SKIP: Text("niet van toepassing", "not applicable"),
    Verdict.ERROR: Text("fout in testgereedschap", "tool error"),
}

LABELS: Final = {
    "observed": Text("waargenomen", "observed"),
    "expected": Text("verwacht", "expected"),
    "why": Text("waarom", "why"),
    "remedy": Text("herstel", "remedy"),
    "who": Text("wie", "who"),
    "source": Text("bron", "source"),
}


MOST: Final = 160
"""How much of what a probe measured fits a line; the report has the whole."""


def finding_lines(graded: Graded, lang: str) -> list[str]:
    """Return a finding as lines: id and title, then seen, expected, remedy, who, source."""
    finding, rule = graded.finding, rulebook()[graded.finding.rule]
    place = f" ({finding.where})" if finding.where else ""
    values = {
        "observed": say(finding.observed, lang) + place,
        "expected": say(finding.expected, lang),
        "remedy": rule.remedy.of(lang),
        "who": rule.who.of(lang),
        "source": str(rule.source),
    }
    lines = [f"  {finding.rule}  {rule.title.of(lang)}"]
    return lines + [f"  {LABELS[key].of(lang):<12} {value}" for key, value in values.items() if value.strip()]


def finding_line(graded: Graded, lang: str) -> str:
    """Return a finding in one line: id, title, and what was seen."""
    rule = rulebook()[graded.finding.rule]
    seen = say(graded.finding.observed, lang)
    return f"  {graded.finding.rule}  {rule.title.of(lang)}" + (f" ({seen})" if seen else "")


def result_line(result: Result, lang: str) -> str:
    """Return one line for a result: verdict, connection, probe, what was measured or why not."""
    seen, cause = "; ".join(say(o.text, lang) for o in result.observed), say(result.cause, lang)
    said = (cause or seen) if result.verdict is Verdict.NOT_RUN else (seen or cause)
    worst = [g.finding.rule for g in result.findings if g.severity != "info"]
    name = result.probe + (f" ({result.subject})" if result.subject else "")
    said = said if len(said) <= MOST else f"{said[: MOST - 1].rstrip()}…"
    tail = " ".join([said, *(f"[{rule}]" for rule in dict.fromkeys(worst))]).strip()
    return f"{VERDICTS[result.verdict].of(lang):<27} {result.connection:<16} {name:<26} {tail}".rstrip()
