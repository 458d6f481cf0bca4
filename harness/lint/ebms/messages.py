"""Judge an ebMS 2.0 message: captured or alone, with its CPA and the message that it answers.

`judge` is what `ketentest check` calls. A probe or the lab that holds the parsed values calls `judge_received`;
both run the same rules.
"""

from collections.abc import Iterator

from harness.lint.ebms import (
    messages_acknowledgment,
    messages_agreement,
    messages_delivery,
    messages_error,
    messages_header,
    messages_http,
    messages_ping,
    messages_signature,
    messages_soap,
    messages_status,
)
from harness.lint.ebms.received import INCOMING, Received, receive
from harness.lint.judge import Context, HttpHead, Raw
from harness.model import Finding, NotRun
from harness.wire.cpa import Cpa
from harness.wire.ebms import Message, read_message

__all__ = ["INCOMING", "Received", "judge", "judge_exchange", "judge_received"]

WIRE = (messages_http.TABLE, messages_soap.TABLE)
CONTENT = (
    messages_header.TABLE,
    messages_delivery.TABLE,
    messages_agreement.TABLE,
    messages_ping.TABLE,
    messages_acknowledgment.TABLE,
    messages_error.TABLE,
    messages_status.TABLE,
)
TABLES = (*WIRE, *CONTENT, messages_signature.TABLE)


def judge(raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge an ebMS message with what the context holds: CPA and earlier messages among the companions."""
    yield from judge_received(receive(raw, ctx), ctx)


def judge_received(case: Received, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a message that was already read."""
    for table in WIRE:
        yield from table.judge(case, ctx)
    if case.readable:
        yield from messages_header.TABLE.judge(case, ctx)
        yield from messages_delivery.TABLE.judge(case, ctx)
        yield from messages_agreement.TABLE.judge(case, ctx)
    yield from messages_ping.TABLE.judge(case, ctx)
    yield from messages_acknowledgment.TABLE.judge(case, ctx)
    yield from messages_error.TABLE.judge(case, ctx)
    yield from messages_status.TABLE.judge(case, ctx)
    if case.readable:
        yield from messages_signature.TABLE.judge(case, ctx)


def judge_exchange(
    body: bytes,
    head: HttpHead | None,
    ctx: Context,
    *,
    cpa: Cpa | None = None,
    request: Message | None = None,
    known: frozenset[str] | None = None,
    way: str = "",
) -> tuple[Message, list[Finding | NotRun]]:
    """Judge what came over the line as the answer to `request` (or as a request of its own) under `cpa`."""
    message = read_message(body, head.get("content-type") if head else "")
    others = (request,) if request is not None else ()
    case = Received(message, head, cpa, None, request, others, known, way)
    return message, list(judge_received(case, ctx))
