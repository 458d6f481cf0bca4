"""Judge acknowledgements, errors and status messages (ACK, ERR, STAT)."""

from lxml import etree

from harness.lint.ebms import diagnosis
from harness.lint.ebms.messages_header import nearest_signal
from harness.lint.ebms.messages_soap import descriptions
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    ERROR_CODES,
    ERROR_CONTEXT,
    MESSAGE_ERROR,
    MESSAGE_STATUSES,
    MSH_SERVICE,
    NEXT_MSH,
    STATUS_REQUEST,
    STATUS_RESPONSE,
    TO_PARTY_MSH,
    attribute,
    element_text,
    is_eb,
    soap_attribute,
)
from harness.wire.ebms_signature import examine, receipt
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
HEADER = "/Envelope/Header"


def _place(node: etree._Element) -> tuple[str, int | None]:
    return where(node), node.sourceline


@TABLE.rule("ACK-001")
def acknowledgment(case: Received, ctx: Context) -> Verdicts:
    """EBMS 6.3.2: action Acknowledgment comes with an eb:Acknowledgment."""
    if not case.readable:
        return
    if nearest_signal(case) == ACKNOWLEDGMENT:
        yield Finding(
            "ACK-001",
            case="action",
            observed=case.message.action,
            expected=ACKNOWLEDGMENT,
            where=f"{HEADER}/MessageHeader/Action",
        )
    elif case.message.kind == ACKNOWLEDGMENT and case.message.block("Acknowledgment") is None:
        yield Finding(
            "ACK-001",
            observed=Text("geen eb:Acknowledgment", "no eb:Acknowledgment"),
            expected="eb:Acknowledgment",
            where=HEADER,
        )


@TABLE.rule("ACK-002")
def acknowledged(case: Received, ctx: Context) -> Verdicts:
    """EBMS 6.3.2.3: both references name the acknowledged message."""
    block = case.message.block("Acknowledgment")
    if block is None:
        return
    place, line = _place(block)
    inner, outer = element_text(block, "RefToMessageId"), case.message.ref_to
    if case.message.kind == ACKNOWLEDGMENT and inner != outer:
        yield Finding(
            "ACK-002",
            observed=f"{outer or '-'} / {inner or '-'}",
            expected=Text("tweemaal hetzelfde MessageId", "the same MessageId twice"),
            where=f"{place}/RefToMessageId",
            line=line,
        )
    elif (
        case.request is not None
        and inner
        and inner != case.request.message_id
        and not any(o.message_id == inner for o in case.others)
    ):
        yield Finding(
            "ACK-002",
            case="other",
            observed=inner,
            expected=case.request.message_id,
            where=f"{place}/RefToMessageId",
            line=line,
        )


@TABLE.rule("ACK-003")
def stand_alone(case: Received, ctx: Context) -> Verdicts:
    """KVS Reliability: an acknowledgement is a message of its own."""
    message = case.message
    block = message.block("Acknowledgment")
    if block is None:
        return
    held = [etree.QName(b).localname for b in message.body_blocks]
    held += [f"<{p.content_id}>" for p in message.package.attachments]
    if message.kind != ACKNOWLEDGMENT and message.action:
        held.insert(0, f"{message.service} / {message.action}")
    if held:
        place, line = _place(block)
        yield Finding(
            "ACK-003",
            observed=", ".join(held),
            expected=Text("alleen een Acknowledgment", "an Acknowledgment alone"),
            where=place,
            line=line,
        )


@TABLE.rule("ACK-004")
def actor(case: Received, ctx: Context) -> Verdicts:
    """KVS 6.3.1.1: the acknowledgement is one of the party, not of a next MSH."""
    for block in case.message.blocks("Acknowledgment"):
        value = soap_attribute(block, "actor")
        if value not in ("", TO_PARTY_MSH):
            place, line = _place(block)
            yield Finding(
                "ACK-004",
                case="next-msh" if value == NEXT_MSH else "",
                observed=value,
                expected=TO_PARTY_MSH,
                where=f"{place}/@actor",
                line=line,
            )


@TABLE.rule("ACK-005", "ACK-006")
def no_reliability(case: Received, ctx: Context) -> Verdicts:
    """EBMS 6.3.1: an acknowledgement is not acknowledged; some adapters stumble over DuplicateElimination."""
    message = case.message
    if not case.readable or message.kind != ACKNOWLEDGMENT:
        return
    node = message.duplicate_elimination
    if node is not None:
        place, line = _place(node)
        yield Finding("ACK-005", observed="DuplicateElimination", expected="-", where=place, line=line)
    node = message.block("AckRequested")
    if node is not None:
        place, line = _place(node)
        yield Finding("ACK-006", observed="AckRequested", expected="-", where=place, line=line)


@TABLE.rule("ACK-007")
def signed_receipt(case: Received, ctx: Context) -> Verdicts:
    """KVS: a signed profile asks for a signed receipt with the digests of the original."""
    message = case.message
    if not case.readable or message.kind != ACKNOWLEDGMENT or message.block("Acknowledgment") is None:
        return
    wanted = _receipt_wanted(case)
    if not wanted:
        return
    if message.signature is None:
        yield Finding(
            "ACK-007",
            case=wanted,
            observed=Text("geen ds:Signature", "no ds:Signature"),
            expected=Text("een ondertekende ontvangstbevestiging", "a signed receipt"),
            where=HEADER,
        )
        return
    digests = receipt(message)
    original = _original_digests(case)
    if not digests and wanted == "asked" and (original or case.request is None):
        yield Finding(
            "ACK-007",
            case="no-reference",
            observed=Text("geen ds:Reference", "no ds:Reference"),
            expected="Acknowledgment/ds:Reference",
            where=f"{HEADER}/Acknowledgment",
        )
    wrong = [uri for uri, digest in original.items() if digests and digests.get(uri) != digest]
    if wrong:
        yield Finding(
            "ACK-007",
            case="digest",
            observed=", ".join(u or 'URI=""' for u in wrong),
            expected=Text("de digests van het bericht", "the digests of the message"),
            where=f"{HEADER}/Acknowledgment",
        )


def _receipt_wanted(case: Received) -> str:
    """Return `asked` when the message or the CPA asks for a signed receipt, `profile` when only the profile does."""
    if case.request is not None:
        block = case.request.block("AckRequested")
        if attribute(block, "signed") in ("true", "1"):
            return "asked"
        return "profile" if case.request.signature is not None and block is not None else ""
    if case.agreement is None or case.receiver is None:
        return ""
    reliable = [c for c in case.receiver.channels if c.reliable]
    return "asked" if reliable and all(c.ack_signature_requested == "always" for c in reliable) else ""


def _original_digests(case: Received) -> dict[str, bytes]:
    found = examine(case.request) if case.request is not None else None
    return {} if found is None else {r.uri: r.digest for r in found.references}


@TABLE.rule("ERR-001", "ERR-002", "ERR-006")
def message_error(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.2: a MessageError has errors and says which message they are about."""
    message = case.message
    if not case.readable:
        return
    if message.action == MESSAGE_ERROR or nearest_signal(case) == MESSAGE_ERROR:
        if not message.errors:
            yield Finding(
                "ERR-001", observed=Text("geen eb:Error", "no eb:Error"), expected="ErrorList/Error", where=HEADER
            )
        if not message.ref_to:
            yield Finding(
                "ERR-002",
                observed=Text("geen RefToMessageId", "no RefToMessageId"),
                expected="RefToMessageId",
                where=f"{HEADER}/MessageHeader/MessageData",
            )
        if message.kind != MESSAGE_ERROR:
            yield Finding(
                "ERR-006",
                case="name",
                observed=f"{message.service} / {message.action}",
                expected=f"{MSH_SERVICE} / {MESSAGE_ERROR}",
                where=f"{HEADER}/MessageHeader",
            )
    elif message.block("ErrorList") is not None:
        yield Finding(
            "ERR-006",
            observed=f"ErrorList, Action {message.action}",
            expected=f"Action {MESSAGE_ERROR}",
            where=f"{HEADER}/ErrorList",
        )


@TABLE.rule("ERR-003")
def highest_severity(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.2.3.1: highestSeverity is Error exactly when an Error is in the list."""
    for block in case.message.blocks("ErrorList"):
        severities = {attribute(e, "severity") for e in block if is_eb(e, "Error")}
        stated = attribute(block, "highestSeverity")
        real = "Error" if "Error" in severities else "Warning"
        if severities and stated and stated != real:
            place, line = _place(block)
            yield Finding(
                "ERR-003",
                observed=f'highestSeverity="{stated}"',
                expected=f'highestSeverity="{real}"',
                where=place,
                line=line,
            )


@TABLE.rule("ERR-004", "ERR-005")
def codes(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.2.3: error codes of ebMS 2.0; a Warning means that the message was processed."""
    for error in case.message.errors:
        if error.context == ERROR_CONTEXT and error.code and error.code not in ERROR_CODES:
            variant = "ebms3" if error.code.upper().startswith("EBMS:") else ""
            yield Finding(
                "ERR-004",
                case=variant,
                observed=error.code,
                expected=", ".join(ERROR_CODES),
                where=f"{HEADER}/ErrorList/Error/@errorCode",
            )
        if error.severity == "Warning":
            yield Finding(
                "ERR-005",
                observed=f"Warning: {error.code} {error.description}".strip(),
                where=f"{HEADER}/ErrorList/Error",
            )


@TABLE.rule("ERR-008")
def described(case: Received, ctx: Context) -> Verdicts:
    """XSD: the Description of an error says its language; the code is read all the same."""
    for block in case.message.blocks("ErrorList"):
        for node in descriptions(block):
            place, line = _place(node)
            yield Finding(
                "ERR-008", observed=(node.text or "").strip(), expected='xml:lang="…"', where=place, line=line
            )


@TABLE.rule("ERR-010", "ERR-011")
def fault(case: Received, ctx: Context) -> Verdicts:
    """SOAP Fault in a 200 or 500: the link works, the message was refused; an eb:Error may sit inside its text."""
    found = case.message.fault
    if found is None:
        return
    variant = "document" if case.http is None else ""
    yield Finding(
        "ERR-010",
        case=variant,
        observed=f"{found.code}: {found.text}".strip(": "),
        expected=Text("een ebMS-antwoord", "an ebMS answer"),
        where="/Envelope/Body/Fault",
    )
    if found.error is not None:
        error = found.error
        yield Finding(
            "ERR-011",
            observed=f"{error.code} {error.location} {error.description}".strip(),
            where="/Envelope/Body/Fault/faultstring",
        )


@TABLE.rule("ERR-020")
def translated(case: Received, ctx: Context) -> Verdicts:
    """What the refusal means, who must act, and what to write."""
    for found in diagnosis.of_message(case.message, case.http.status if case.http else None):
        yield Finding("ERR-020", case=found.key, observed=found.cause, expected=found.advice, where=found.where)


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
