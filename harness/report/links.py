"""Answer the three questions about a link (reachable, answers, conforms) and draw how far its path came."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from harness.model import Environment, Result, Severity, Verdict, roll_up
from harness.report.desk import Desk, plain_mark
from harness.report.model import Lane, Question, Stage
from harness.run import ConnectionInfo

REACHING: Final = ("net", "tls.server")
EXCHANGES: Final = (
    "ebms.ping", "ebms.send", "ebms.receive", "wus.call", "wus.profile", "wus.serve", "msg.roundtrip", "saml.authn", "saml.exchange",
)  # fmt: skip
NO_ANSWER: Final = ("NET-", "TLS-", "MTLS-", "RUN-", "PONG-001", "PING-00")
"""Findings that say that no (correlated) answer came; any other finding of an exchange is about its content."""

STAGES: Final = (
    ("stage_name", ("net.dns",)),
    ("stage_port", ("net.tcp",)),
    ("stage_server", ("tls.server",)),
    ("stage_mutual", ("tls.mutual",)),
    ("stage_message", EXCHANGES),
)
IN_NETWORK: Final = ("stage_name", "stage_port")
LAB: Final = "lab"
_NOT_WIRE: Final = ("config", "secrets", "plan")


def questions(desk: Desk, info: ConnectionInfo) -> tuple[Question, ...]:
    """Return whether the link is reachable, answers and conforms; what did not run stays open."""
    results = desk.by_connection.get(info.name, ())
    reached = [r for r in results if r.probe.startswith(REACHING)]
    exchanged = [r for r in results if r.probe.startswith(EXCHANGES)]
    refused = [r for r in results if r.probe.startswith("tls.mutual") and r.verdict is Verdict.FAIL]
    rest = [r for r in results if r not in reached and r not in exchanged and _about_the_link(r)]
    heard = [r for r in exchanged if r.verdict.settled and not _silent(r)]
    answers = [Verdict.PASS for _ in heard]
    answers += [r.verdict for r in (*exchanged, *refused) if r not in heard]
    conforms = [r.verdict for r in (*rest, *heard) if not r.probe.startswith("tls.mutual") or r not in refused]
    judged = [v for v in conforms if v is not Verdict.SKIP]
    judged += [Verdict.NOT_RUN for r in exchanged if r.verdict.settled and r not in heard]
    return (
        _question(desk, "reachable", [r.verdict for r in reached], reached),
        _question(desk, "answers", answers, [*refused, *exchanged]),
        _question(desk, "conforms", judged, [*rest, *heard]),
    )


def _about_the_link(result: Result) -> bool:
    """Whether a result says something about conformity: it judged, or it waited for an answer that did not come."""
    return result.verdict.settled or (result.verdict is Verdict.BLOCKED and not result.probe.startswith(_NOT_WIRE))


def _silent(result: Result) -> bool:
    return any(g.severity is Severity.ERROR and g.finding.rule.startswith(NO_ANSWER) for g in result.findings)


def _question(desk: Desk, key: str, verdicts: Sequence[Verdict], results: Sequence[Result]) -> Question:
    verdict = roll_up(verdicts) if verdicts else Verdict.NOT_RUN
    verdict = Verdict.NOT_RUN if verdict is Verdict.SKIP else verdict
    lab = bool(results) and all(r.environment is Environment.LAB for r in results)
    blame = next((r for r in results if r.verdict is verdict and verdict not in (Verdict.PASS, Verdict.WARN)), None)
    return Question(desk.say(key), plain_mark(verdict, desk.say, lab=lab), _blame(blame) if blame else "")


def _blame(result: Result) -> str:
    rules = [g.finding.rule for g in result.findings if g.severity is Severity.ERROR]
    return f"{result.probe}: {rules[0]}" if rules else result.probe


def lanes(desk: Desk, info: ConnectionInfo) -> tuple[Lane, ...]:
    """Return the path of each interface that was probed over the network."""
    results = desk.by_connection.get(info.name, ())
    endpoints = dict(info.endpoints)
    sides = list(dict.fromkeys([*endpoints, *(r.subject for r in results if r.subject)])) or [""]
    found = (_lane(desk, side, endpoints.get(side, ""), _on_side(results, side, sides)) for side in sides)
    return tuple(lane for lane in found if any(stage.mark.key != "not-run" for stage in lane.stages))


def _on_side(results: Iterable[Result], side: str, sides: Sequence[str]) -> list[Result]:
    return [r for r in results if (r.subject or _side_of(r, sides)) in (side, "")]


def _side_of(result: Result, sides: Sequence[str]) -> str:
    family = result.probe.partition(".")[0]
    return family if family in sides else ""


def _lane(desk: Desk, side: str, endpoint: str, results: Sequence[Result]) -> Lane:
    stages = []
    stopped = False
    for label, probes in STAGES:
        mine = [r for r in results if r.probe.startswith(probes)]
        if not mine or all(r.verdict is Verdict.SKIP for r in mine):
            continue
        stage = _stage(desk, label, mine, stopped=stopped)
        stopped = stopped or stage.mark.key in ("fail", "error")
        stages.append(stage)
    target = "" if endpoint == LAB else desk.clean(_host(endpoint), 80)
    return Lane(side, target, tuple(stages))


def _host(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        return endpoint
    return f"{host}:{port}" if host else endpoint


def _stage(desk: Desk, label: str, results: Sequence[Result], *, stopped: bool) -> Stage:
    say, network = desk.say, label in IN_NETWORK
    verdict = roll_up(r.verdict for r in results)
    if verdict not in (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.ERROR) or (
        stopped and verdict is Verdict.PASS
    ):
        ran = [r for r in results if r.verdict.settled]
        verdict = roll_up(r.verdict for r in ran) if ran and not stopped else Verdict.NOT_RUN
    worst = [r for r in results if r.verdict is verdict]
    mark = plain_mark(verdict, say, lab=any(r.environment is Environment.LAB for r in worst))
    if verdict is Verdict.NOT_RUN:
        return Stage(say(label), mark, network=network)
    rules = [g.finding.rule for r in worst for g in r.findings if g.severity is not Severity.INFO]
    if verdict is not Verdict.PASS and rules:
        return Stage(say(label), mark, rules[0], network)
    measured = next((o for r in worst for o in r.observed), None)
    return Stage(say(label), mark, desk.clean(say.words(measured.text), 200) if measured else "", network)
