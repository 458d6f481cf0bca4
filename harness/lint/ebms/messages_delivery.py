"""Judge what a message asks of delivery: duplicate elimination, acknowledgement, synchrony, order (HDR-013 to HDR-016)."""

from lxml import etree

from harness.lint.ebms.messages_header import place_of
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import NEXT_ACTOR, NEXT_MSH, SOAP, TO_PARTY_MSH, attribute, soap_attribute

TABLE: RuleTable[Received] = RuleTable()


@TABLE.rule("HDR-013")
def duplicate_elimination(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.7, 6.4.1: DuplicateElimination exactly when the CPA says always."""
    channel = case.channel
    if case.message.kind != "message" or channel is None or channel.duplicate_elimination == "perMessage":
        return
    present = case.message.duplicate_elimination is not None
    if present != (channel.duplicate_elimination == "always"):
        place, line = place_of(case.message.header)
        yield Finding(
            "HDR-013",
            observed=_presence(present),
            expected=f"duplicateElimination={channel.duplicate_elimination}",
            where=f"{place}/DuplicateElimination",
            line=line,
        )


def _presence(present: bool) -> Text:
    return Text("aanwezig", "present") if present else Text("afwezig", "absent")


@TABLE.rule("HDR-014")
def ack_requested(case: Received, ctx: Context) -> Verdicts:
    """EBMS 6.3.1: AckRequested follows the CPA and is addressed to toPartyMSH."""
    blocks = case.message.blocks("AckRequested")
    if case.message.kind == "message" and case.channel is not None and case.channel.ack_requested != "perMessage":
        wanted = case.channel.ack_requested == "always"
        if bool(blocks) != wanted:
            place, line = place_of(case.message.soap_header)
            yield Finding(
                "HDR-014",
                case="presence",
                observed=_presence(bool(blocks)),
                expected=f"ackRequested={case.channel.ack_requested}",
                where=f"{place}/AckRequested",
                line=line,
            )
    for block in blocks:
        place, line = place_of(block)
        actor = soap_attribute(block, "actor")
        if actor == NEXT_MSH:
            yield Finding(
                "HDR-014", case="next-msh", observed=actor, expected=TO_PARTY_MSH, where=f"{place}/@actor", line=line
            )
        elif actor not in ("", TO_PARTY_MSH):
            yield Finding(
                "HDR-014", case="actor", observed=actor, expected=TO_PARTY_MSH, where=f"{place}/@actor", line=line
            )
        yield from _signed(case, block)


def _signed(case: Received, block: etree._Element) -> Verdicts:
    channel = case.channel
    if case.message.kind != "message" or channel is None or channel.ack_signature_requested == "perMessage":
        return
    signed = attribute(block, "signed") in ("true", "1")
    if signed != (channel.ack_signature_requested == "always"):
        place, line = place_of(block)
        yield Finding(
            "HDR-014",
            case="signed",
            observed=f'eb:signed="{attribute(block, "signed")}"',
            expected=f"ackSignatureRequested={channel.ack_signature_requested}",
            where=f"{place}/@signed",
            line=line,
        )


@TABLE.rule("HDR-015")
def sync_reply(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.3: SyncReply exactly when the CPA says so, addressed to the next actor."""
    block = case.message.block("SyncReply")
    if case.message.kind == "message" and case.channel is not None:
        wanted = case.channel.synchronous
        if (block is not None) != wanted:
            place, line = place_of(case.message.soap_header)
            yield Finding(
                "HDR-015",
                case="presence",
                observed=_presence(block is not None),
                expected=f"syncReplyMode={case.channel.sync_reply_mode}",
                where=f"{place}/SyncReply",
                line=line,
            )
    if block is not None and soap_attribute(block, "actor") != NEXT_ACTOR and case.message.soap == SOAP:
        place, line = place_of(block)
        yield Finding(
            "HDR-015",
            case="actor",
            observed=soap_attribute(block, "actor") or "-",
            expected=NEXT_ACTOR,
            where=f"{place}/@actor",
            line=line,
        )


@TABLE.rule("HDR-016")
def message_order(case: Received, ctx: Context) -> Verdicts:
    """KVS Message Order: not used in Digikoppeling."""
    block = case.message.block("MessageOrder")
    if block is not None:
        place, line = place_of(block)
        yield Finding(
            "HDR-016",
            observed="MessageOrder",
            expected=Text("geen MessageOrder", "no MessageOrder"),
            where=place,
            line=line,
        )
