"""Judge MessageErrors and SOAP Faults (ERR)."""

from lxml import etree

from harness.lint.ebms import diagnosis
from harness.lint.ebms.messages_header import nearest_signal
from harness.lint.ebms.messages_soap import descriptions
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import (
    ERROR_CODES,
    ERROR_CONTEXT,
    MESSAGE_ERROR,
    MSH_SERVICE,
    attribute,
    is_eb,
)
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
HEADER = "/Envelope/Header"


def _place(node: etree._Element) -> tuple[str, int | None]:
    return where(node), node.sourceline


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
