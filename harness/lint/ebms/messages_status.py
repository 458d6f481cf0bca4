"""Judge StatusRequest and StatusResponse (STAT)."""

from lxml import etree

from harness.lint.ebms.messages_header import nearest_signal
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import (
    MESSAGE_STATUSES,
    MSH_SERVICE,
    STATUS_REQUEST,
    STATUS_RESPONSE,
    attribute,
    element_text,
    is_eb,
)
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
HEADER = "/Envelope/Header"


def _place(node: etree._Element) -> tuple[str, int | None]:
    return where(node), node.sourceline


@TABLE.rule("STAT-001")
def status_request(case: Received, ctx: Context) -> Verdicts:
    """EBMS 7.1.1: a StatusRequest asks about one message."""
    if not case.readable:
        return
    message = case.message
    if nearest_signal(case) == STATUS_REQUEST:
        yield Finding(
            "STAT-001",
            case="action",
            observed=message.action,
            expected=STATUS_REQUEST,
            where=f"{HEADER}/MessageHeader/Action",
        )
    if message.action != STATUS_REQUEST:
        return
    if message.service != MSH_SERVICE and not message.service_type:
        yield Finding(
            "STAT-001",
            case="action",
            observed=message.service,
            expected=MSH_SERVICE,
            where=f"{HEADER}/MessageHeader/Service",
        )
    block = next((b for b in message.body_blocks if is_eb(b, STATUS_REQUEST)), None)
    if block is None:
        yield Finding(
            "STAT-001",
            observed=Text("geen eb:StatusRequest in de Body", "no eb:StatusRequest in the Body"),
            expected="eb:StatusRequest",
            where="/Envelope/Body",
        )
    elif not element_text(block, "RefToMessageId"):
        yield Finding(
            "STAT-001",
            case="reference",
            observed=Text("geen RefToMessageId", "no RefToMessageId"),
            expected="StatusRequest/RefToMessageId",
            where="/Envelope/Body/StatusRequest",
        )


@TABLE.rule("STAT-002", "STAT-003")
def status_response(case: Received, ctx: Context) -> Verdicts:
    """EBMS 7.1.2: a StatusResponse names a status, and the moment of receipt of a message that was received."""
    if not case.readable:
        return
    if nearest_signal(case) == STATUS_RESPONSE:
        yield Finding(
            "STAT-002",
            case="action",
            observed=case.message.action,
            expected=STATUS_RESPONSE,
            where=f"{HEADER}/MessageHeader/Action",
        )
    if case.message.action != STATUS_RESPONSE:
        return
    block = next((b for b in case.message.body_blocks if is_eb(b, STATUS_RESPONSE)), None)
    if block is None:
        yield Finding(
            "STAT-002",
            observed=Text("geen eb:StatusResponse in de Body", "no eb:StatusResponse in the Body"),
            expected="eb:StatusResponse",
            where="/Envelope/Body",
        )
        return
    status = attribute(block, "messageStatus")
    place, line = _place(block)
    if status not in MESSAGE_STATUSES:
        yield Finding(
            "STAT-002",
            case="status",
            observed=f'messageStatus="{status}"',
            expected=", ".join(MESSAGE_STATUSES),
            where=place,
            line=line,
        )
    elif status in ("Received", "Processed", "Forwarded") and not element_text(block, "Timestamp"):
        yield Finding("STAT-003", observed=f"{status} -", expected="StatusResponse/Timestamp", where=place, line=line)


@TABLE.rule("STAT-005")
def answers_the_question(case: Received, ctx: Context) -> Verdicts:
    """EBMS 7.1.2: the header refers to the StatusRequest, the body to the message that was asked about."""
    message, request = case.message, case.request
    if not case.readable or message.kind != STATUS_RESPONSE:
        return
    if not message.ref_to:
        yield Finding(
            "STAT-005",
            observed=Text("geen RefToMessageId", "no RefToMessageId"),
            expected="RefToMessageId",
            where=f"{HEADER}/MessageHeader/MessageData",
        )
        return
    if request is None or request.kind != STATUS_REQUEST:
        return
    if message.ref_to != request.message_id:
        yield Finding(
            "STAT-005",
            observed=message.ref_to,
            expected=request.message_id,
            where=f"{HEADER}/MessageHeader/MessageData/RefToMessageId",
        )
    asked, told = (
        element_text(m.block(n), "RefToMessageId") for m, n in ((request, STATUS_REQUEST), (message, STATUS_RESPONSE))
    )
    if asked != told:
        yield Finding(
            "STAT-005",
            case="asked",
            observed=told,
            expected=asked,
            where="/Envelope/Body/StatusResponse/RefToMessageId",
        )
