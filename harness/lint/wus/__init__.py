"""Judge SOAP messages and WSDLs of Digikoppeling WUS services."""

from collections.abc import Iterator

from harness.lint.judge import Context, Raw
from harness.lint.wus import (
    addressing,
    attachments,
    digimelding,
    digipoort,
    encryption,
    envelope,
    fault,
    http,
    profiel,
    security,
    signature,
)
from harness.lint.wus.message import Message, read
from harness.lint.wus.results import ThreeResults, three_results
from harness.lint.wus.table import RULES
from harness.lint.wus.wsdl import judge_wsdl, theirs
from harness.model import Finding, NotRun

CHAPTERS = (
    http,
    envelope,
    fault,
    addressing,
    security,
    signature,
    encryption,
    attachments,
    digipoort,
    digimelding,
    profiel,
)
# What the line says comes before what the envelope says for it: the first error is what a reader acts on.
_ORDER = {chapter.__name__: place for place, chapter in enumerate(CHAPTERS)}
RULES.functions.sort(key=lambda function: _ORDER[function.__module__])


def judge_message(raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a SOAP message, with its HTTP head when it was captured with one."""
    yield from judge_read(read(raw, ctx))


def judge_read(message: Message) -> Iterator[Finding | NotRun]:
    """Judge a message that was read before."""
    for outcome in RULES.judge(message, message.ctx):
        if message.service.known and not message.is_request:
            yield theirs(outcome, message.service, message.role)
        elif message.service.known and isinstance(outcome, Finding) and outcome.rule == "WUS-SEC-020":
            yield theirs(outcome, message.service, "request")  # their policy asks it of the request too
        else:
            yield outcome


__all__ = ["ThreeResults", "judge_message", "judge_read", "judge_wsdl", "three_results"]
