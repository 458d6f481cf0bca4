"""Judge acknowledgements (ACK)."""

from lxml import etree

from harness.lint.ebms.messages_header import nearest_signal
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    NEXT_MSH,
    TO_PARTY_MSH,
    attribute,
    element_text,
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
