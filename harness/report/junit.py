"""Render the report as JUnit XML for a pipeline: a suite per connection, a case per step."""

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from harness.report.model import Connection, FindingView, Report, Step

SKIPPED: Final = ("manual", "waiting", "blocked", "not-run", "skip", "own")


def render(report: Report) -> Iterator[str]:
    """Yield the file in pieces; rows for information and aliases are no cases."""
    findings = {f.number: f for f in report.findings}
    suites = [(c, [(p.name, s) for p in c.phases for s in p.steps if _is_case(s)]) for c in report.connections]
    steps = [s for _, cases in suites for _, s in cases]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites name={quoteattr(report.title)} {_numbers(steps)}>\n"
    stamp = report.started.replace(tzinfo=None).isoformat(timespec="seconds")
    for connection, cases in suites:
        yield f"<testsuite name={quoteattr(connection.name)} {_numbers([s for _, s in cases])} timestamp={quoteattr(stamp)}>\n"
        yield f'<properties><property name="run" value={quoteattr(report.run)}/></properties>\n'
        for phase, step in cases:
            yield from _case(connection, phase, step, findings)
        yield "</testsuite>\n"
    yield "</testsuites>\n"


def _is_case(step: Step) -> bool:
    return step.mark.key != "info" and not step.see


def _numbers(steps: list[Step]) -> str:
    def number(*keys: str) -> int:
        return sum(s.mark.key in keys for s in steps)

    return f'tests="{len(steps)}" failures="{number("fail")}" errors="{number("error")}" skipped="{number(*SKIPPED)}" time="0"'


def _case(connection: Connection, phase: str, step: Step, findings: dict[str, FindingView]) -> Iterator[str]:
    name = f"{step.id} {step.title}"
    yield f'<testcase classname={quoteattr(f"{connection.name}.{phase}")} name={quoteattr(name)} time="0">'
    said = "\n".join(step.seen)
    if step.mark.key == "fail":
        yield f"<failure message={quoteattr(step.mark.text)} type={quoteattr(_rules(step, findings))}>{escape(_told(step, findings))}</failure>"
    elif step.mark.key == "error":
        yield f'<error message={quoteattr(step.mark.text)} type="error">{escape(said)}</error>'
    elif step.mark.key in SKIPPED:
        yield f"<skipped message={quoteattr(': '.join([step.mark.text, *step.seen]))}/>"
    elif said or step.mark.key != "pass":
        yield f"<system-out>{escape(': '.join(part for part in (step.mark.text, said) if part))}</system-out>"
    yield "</testcase>\n"


def _rules(step: Step, findings: dict[str, FindingView]) -> str:
    return " ".join(findings[n].rule for n in step.findings if n in findings) or "fail"


def _told(step: Step, findings: dict[str, FindingView]) -> str:
    lines = list(step.seen)
    for finding in (findings[n] for n in step.findings if n in findings):
        lines += [
            f"{finding.number} {finding.rule} {finding.title}",
            *(x for x in (finding.observed, finding.remedy) if x),
        ]
    return "\n".join(lines)
