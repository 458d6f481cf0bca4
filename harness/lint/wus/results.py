"""The three results on a link: bereikbaar, antwoordt, conform; one never stands for another (META-01)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.lint.wus.explain import explain
from harness.lint.wus.message import Message
from harness.model import NOTHING, Graded, Text, Verdict, verdict_of

#: How far a transport came, and what that says; the words are those of the exchange.
FAILURES: Final = {
    "dns": Text("de naam is niet te herleiden", "the name cannot be resolved"),
    "connect": Text("geen verbinding: firewall, route of verkeerde poort", "no connection: firewall, route or wrong port"),
    "connect-timeout": Text("geen verbinding binnen de tijd", "no connection in time"),
    "tls": Text("de TLS-handshake mislukte", "the TLS handshake failed"),
    "tls-timeout": Text("de TLS-handshake duurde te lang", "the TLS handshake took too long"),
    "client-certificate": Text("het clientcertificaat is geweigerd", "the client certificate was refused"),
    "read-timeout": Text("verbonden, maar geen antwoord binnen de tijd", "connected, but no answer in time"),
    "reset": Text("de verbinding is verbroken voor het antwoord compleet was", "the connection was broken before the answer was complete"),
    "too-large": Text("het antwoord is groter dan de grens en is afgebroken", "the answer is larger than the limit and was cut off"),
}  # fmt: skip
#: Failures after which the other side was still reached.
REACHED: Final = frozenset({"read-timeout", "reset", "too-large", "client-certificate"})
CORRELATION: Final = frozenset({"WUS-ADDR-011", "WUS-FAULT-009"})


@dataclass(frozen=True, slots=True)
class ThreeResults:
    """The three results, each with one sentence why."""

    bereikbaar: Verdict
    antwoordt: Verdict
    conform: Verdict
    reached: Text = NOTHING
    answered: Text = NOTHING
    conforms: Text = NOTHING

    @property
    def worst(self) -> Verdict:
        """The verdict on the whole: an unreachable or silent service fails, else the conformity decides."""
        for verdict in (self.bereikbaar, self.antwoordt):
            if verdict is not Verdict.PASS:
                return verdict
        return self.conform


def three_results(
    *, failure: str = "", answer: Message | None = None, findings: Sequence[Graded] = (), incomplete: bool = False
) -> ThreeResults:
    """Return the three results of one call.

    `failure` is a key of FAILURES when the transport broke; else `answer` is the message that came back and
    `findings` what the judges had to say of it. A fault of the service proves the link; an HTML page does not.
    """
    if failure or answer is None:
        why = FAILURES.get(failure, Text("er kwam geen antwoord", "no answer came"))
        reached = Verdict.PASS if failure in REACHED else Verdict.FAIL
        silent = Verdict.FAIL if reached is Verdict.PASS else Verdict.BLOCKED
        return ThreeResults(reached, silent, Verdict.BLOCKED, why, why, why)
    status = f"HTTP {answer.http.status}" if answer.http is not None else ""
    if answer.envelope is None:
        why = Text(f"{status}: geen SOAP-bericht".lstrip(": "), f"{status}: no SOAP message".lstrip(": "))
        return ThreeResults(Verdict.PASS, Verdict.FAIL, Verdict.BLOCKED, Text(status, status), why, why)
    conform = verdict_of(findings, incomplete=incomplete)
    answered, words = _answered(answer, findings)
    return ThreeResults(Verdict.PASS, answered, conform, Text(status, status), words, _conforms(findings))


def _answered(answer: Message, findings: Iterable[Graded]) -> tuple[Verdict, Text]:
    stray = [g for g in findings if g.finding.rule in CORRELATION and g.severity != "info"]
    if answer.is_fault and answer.envelope is not None:
        meaning = explain(answer.envelope, answer.service)
        nl, en = (meaning.meaning.nl, meaning.meaning.en) if meaning else ("een soap:Fault", "a soap:Fault")
        return Verdict.PASS, Text(f"met een fout: {nl}", f"with a fault: {en}")
    if stray:
        return Verdict.FAIL, Text("het antwoord hoort niet bij de vraag", "the answer does not belong to the request")
    return Verdict.PASS, Text("met een gewoon antwoord", "with a normal answer")


def _conforms(findings: Sequence[Graded]) -> Text:
    own = sum(g.severity != "info" and g.finding.case != "theirs" for g in findings)
    known = sum(g.finding.case == "theirs" for g in findings)
    if not own and not known:
        return Text("zonder bevindingen", "without findings")
    return Text(
        f"{own} bevindingen, {known} bekende afwijkingen van de dienst",
        f"{own} findings, {known} known deviations of the service",
    )
