"""Judge Ping and Pong (PING, PONG)."""

from datetime import timedelta

from lxml import etree

from harness.lint.ebms.messages_header import SKEW, nearest_signal, no_agreement
from harness.lint.ebms.messages_http import empty_success
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, NotRun, Text
from harness.wire.ebms import MSH_SERVICE, PING, PONG, child, moment
from harness.wire.hostname import host_of
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
NO_PING = Text("de Ping is niet opgegeven (--with PING)", "the Ping was not given (--with PING)")
EMPTY = Text("een lege Body zonder bijlagen", "an empty Body without attachments")


def _is(case: Received, action: str) -> bool:
    return case.readable and case.message.kind == action


def _finding(
    rule: str, case: Received, path: tuple[str, ...], observed: Text | str, expected: Text | str, variant: str = ""
) -> Finding:
    node = child(case.message.header, *path)
    place = (where(node), node.sourceline) if node is not None else ("/Envelope/Header/MessageHeader", None)
    return Finding(rule, case=variant, observed=observed, expected=expected, where=place[0], line=place[1])


@TABLE.rule("PING-001", "PING-002", "PONG-001", "PONG-002")
def service_and_action(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8: service of the MSH, action Ping or Pong, letter for letter."""
    message = case.message
    if not case.readable:
        return
    for action, service_rule, action_rule in ((PING, "PING-001", "PING-002"), (PONG, "PONG-002", "PONG-001")):
        if message.action == action and message.service != MSH_SERVICE and not _business(case):
            yield _finding(service_rule, case, ("Service",), message.service or "-", MSH_SERVICE)
        if nearest_signal(case) == action:
            yield _finding(action_rule, case, ("Action",), message.action, action)
    if (
        case.asked_ping
        and case.is_answer
        and message.kind not in (PONG, "MessageError")
        and nearest_signal(case) != PONG
    ):
        yield _finding("PONG-001", case, ("Action",), message.action, PONG)


def _business(case: Received) -> bool:
    """Whether an action called Ping is one that the parties agreed on themselves."""
    message = case.message
    return bool(message.service_type) and "ebxml-msg" not in message.service


@TABLE.rule("PING-003", "PONG-009")
def nothing_inside(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.1, 8.2: no payload, and a Pong asks for no acknowledgement."""
    message = case.message
    rule = {PING: "PING-003", PONG: "PONG-009"}.get(message.kind)
    if rule is None or not case.readable:
        return
    held = [
        etree.QName(b).localname
        for b in message.body_blocks
        if not (rule == "PING-003" and etree.QName(b).localname == "StatusRequest")
    ]
    held += [f"<{p.content_id}>" for p in message.package.attachments]
    if held:
        yield Finding(rule, observed=", ".join(held), expected=EMPTY, where="/Envelope/Body", related=("SOAP-010",))
    if rule == "PONG-009" and message.block("AckRequested") is not None:
        yield Finding(rule, case="ack-requested", observed="AckRequested", expected="-", where="/Envelope/Header")


@TABLE.rule("PING-004")
def no_reference(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.1: a Ping answers nothing."""
    if _is(case, PING) and case.message.ref_to:
        yield _finding("PING-004", case, ("MessageData", "RefToMessageId"), case.message.ref_to, "-")


@TABLE.rule("PING-005")
def no_reliability(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.1, 6.3.1: no DuplicateElimination, AckRequested or StatusRequest on a Ping (MessageOrder is HDR-016)."""
    if not _is(case, PING):
        return
    message = case.message
    held = ["DuplicateElimination"] if message.duplicate_elimination is not None else []
    held += [n for n in ("AckRequested", "StatusRequest") if message.block(n) is not None]
    for name in held:
        yield Finding("PING-005", observed=name, expected="-", where=f"/Envelope/Header/{name}")


@TABLE.rule("PING-006")
def sync_reply(case: Received, ctx: Context) -> Verdicts:
    """KVS SyncReply: exactly when the default MSH channel of the sender is synchronous."""
    if not _is(case, PING):
        return
    if case.agreement is None:
        yield NotRun("PING-006", no_agreement(case))
        return
    channel = case.sender.msh_channel(PING) if case.sender else None
    if channel is None:
        return
    present = case.message.block("SyncReply") is not None
    if present and not channel.synchronous:
        yield Finding(
            "PING-006",
            observed="SyncReply",
            expected=f"syncReplyMode={channel.sync_reply_mode}",
            where="/Envelope/Header/SyncReply",
        )
    elif channel.synchronous and not present:
        yield Finding(
            "PING-006",
            case="absent",
            observed=Text("geen SyncReply", "no SyncReply"),
            expected=f"syncReplyMode={channel.sync_reply_mode}",
            where="/Envelope/Header",
        )


@TABLE.rule("PING-007")
def untyped_service(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.4: the MSH service has no type."""
    if case.readable and case.message.service == MSH_SERVICE and case.message.service_type:
        yield _finding("PING-007", case, ("Service",), f'eb:type="{case.message.service_type}"', "-")


@TABLE.rule("PING-008")
def valid_agreement(case: Received, ctx: Context) -> Verdicts:
    """XCHK: the CPA of a Ping is valid today (whose parties they are is XCHK-007)."""
    cpa = case.agreement
    if not _is(case, PING) or cpa is None:
        return
    if cpa.end is not None and cpa.end < ctx.at:
        yield Finding("PING-008", observed=cpa.end_text, expected=f"End > {ctx.at:%Y-%m-%d}", where="CPA/End")
    elif cpa.start is not None and cpa.start > ctx.at:
        yield Finding(
            "PING-008", case="early", observed=cpa.start_text, expected=f"Start < {ctx.at:%Y-%m-%d}", where="CPA/Start"
        )


@TABLE.rule("PING-010")
def roles(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.1: a Role in a Ping is not needed and tolerated."""
    if _is(case, PING) and (case.message.from_role or case.message.to_role):
        yield _finding("PING-010", case, ("From", "Role"), case.message.from_role or case.message.to_role, "-")


@TABLE.rule("PING-013")
def fresh(case: Received, ctx: Context) -> Verdicts:
    """EB013: every Ping has a new MessageId and ConversationId."""
    if not _is(case, PING):
        return
    for other in case.others:
        if (
            other.kind == PING
            and other.message_id == case.message.message_id
            and other.timestamp != case.message.timestamp
        ):
            yield _finding(
                "PING-013",
                case,
                ("MessageData", "MessageId"),
                case.message.message_id,
                Text("een nieuw UUID", "a new UUID"),
            )


@TABLE.rule("PONG-003")
def refers_to_our_ping(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.2: RefToMessageId is the MessageId of this Ping; a late answer to an earlier one does not count."""
    if not _is(case, PONG):
        return
    ref, path = case.message.ref_to, ("MessageData", "RefToMessageId")
    if not ref:
        yield _finding(
            "PONG-003",
            case,
            ("MessageData",),
            Text("geen RefToMessageId", "no RefToMessageId"),
            "RefToMessageId",
            "absent",
        )
    elif case.request is None:
        yield NotRun("PONG-003", NO_PING)
    elif ref != case.request.message_id:
        yield _finding("PONG-003", case, path, ref, case.request.message_id)


@TABLE.rule("PONG-004")
def swapped(case: Received, ctx: Context) -> Verdicts:
    """EBMS 8.2: From and To are those of the Ping, swapped, type included."""
    if not _is(case, PONG):
        return
    message, ping = case.message, case.request
    if ping is None:
        yield from _swapped_by_domain(case)
        return
    pairs = (("From", message.from_parties, ping.to_parties), ("To", message.to_parties, ping.from_parties))
    for name, got, asked in pairs:
        if not {p.trimmed for p in got} & {p.trimmed for p in asked}:
            yield _finding(
                "PONG-004",
                case,
                (name,),
                ", ".join(str(p.trimmed) for p in got) or "-",
                ", ".join(str(p.trimmed) for p in asked),
            )


def _swapped_by_domain(case: Received) -> Verdicts:
    """Without the Ping: the answered MessageId carries the host of its sender, who must be the one answered."""
    sender, receiver = case.sender, case.receiver
    domain = case.message.ref_to.rpartition("@")[2].lower()
    ours = host_of(point.uri) if sender and (point := sender.endpoint()) else ""
    theirs = host_of(point.uri) if receiver and (point := receiver.endpoint()) else ""
    if domain and domain == ours and theirs and ours != theirs:
        yield _finding(
            "PONG-004",
            case,
            ("From",),
            ", ".join(str(p.trimmed) for p in case.message.from_parties),
            Text(f"de partij die antwoordt op een Ping van {domain}", f"the party that answers a Ping of {domain}"),
            "domain",
        )
    else:
        yield NotRun("PONG-004", NO_PING)


@TABLE.rule("PONG-005")
def same_cpa(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.2: the CPAId of the Ping."""
    if not _is(case, PONG):
        return
    known = case.request.cpa_id if case.request else case.agreement.cpaid.strip() if case.agreement else ""
    if not known:
        yield NotRun("PONG-005", NO_PING)
    elif case.message.cpa_id and case.message.cpa_id != known:
        yield _finding("PONG-005", case, ("CPAId",), case.message.cpa_id, known)


@TABLE.rule("PONG-006")
def same_conversation(case: Received, ctx: Context) -> Verdicts:
    """KVS ConversationId: that of the Ping."""
    if not _is(case, PONG):
        return
    if case.request is None:
        yield NotRun("PONG-006", NO_PING)
    elif case.message.conversation_id != case.request.conversation_id:
        yield _finding(
            "PONG-006", case, ("ConversationId",), case.message.conversation_id, case.request.conversation_id
        )


@TABLE.rule("PONG-007")
def own_message_id(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.6.1: a Pong has a MessageId of its own."""
    message = case.message
    if not _is(case, PONG) or not message.message_id:
        return
    if message.message_id in (message.ref_to, case.request.message_id if case.request else ""):
        yield _finding(
            "PONG-007",
            case,
            ("MessageData", "MessageId"),
            message.message_id,
            Text("een nieuw MessageId", "a new MessageId"),
        )


@TABLE.rule("PONG-008")
def clock(case: Received, ctx: Context) -> Verdicts:
    """The Pong is not older than the Ping; without the Ping, a whole hour or two off the clock is a time zone."""
    when = moment(case.message.timestamp)
    if not _is(case, PONG) or when is None:
        return
    path = ("MessageData", "Timestamp")
    asked = moment(case.request.timestamp) if case.request else None
    if asked is not None:
        if asked.at - when.at > SKEW:
            yield _finding(
                "PONG-008", case, path, case.message.timestamp, f"≥ {case.request.timestamp if case.request else ''}"
            )
        return
    late = ctx.at - when.at
    if any(abs(late - timedelta(hours=hours)) <= SKEW for hours in (1, 2)):
        hours = round(late.total_seconds() / 3600)
        yield _finding(
            "PONG-008",
            case,
            path,
            Text(
                f"{case.message.timestamp}: {hours} uur achter de klok",
                f"{case.message.timestamp}: {hours} hours behind the clock",
            ),
            f"{ctx.at:%Y-%m-%dT%H:%M:%SZ}",
            "zone",
        )


@TABLE.rule("PONG-010")
def way_back(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.3: synchronous exactly when the CPA says so, otherwise at our own endpoint."""
    if not _is(case, PONG) or case.agreement is None or case.receiver is None:
        return
    channel = case.receiver.msh_channel(PING)
    way = case.way or ("sync" if case.is_answer else "async" if case.http else "")
    if channel is None or not way or (way == "sync") == channel.synchronous:
        return
    variant = "" if case.request is not None else "capture"
    yield Finding(
        "PONG-010", case=variant, observed=way, expected=f"syncReplyMode={channel.sync_reply_mode}", where="HTTP"
    )


@TABLE.rule("PONG-012")
def accepted_waiting(case: Received, ctx: Context) -> Verdicts:
    """EBMS B.2.3: an empty 2xx after a Ping is accepted and undecided; never a pass."""
    if empty_success(case) and (case.request is None or case.asked_ping):
        status = case.http.status if case.http else ""
        yield Finding(
            "PONG-012",
            observed=f"HTTP {status}",
            expected=Text("de Pong volgt asynchroon", "the Pong follows asynchronously"),
            where="HTTP",
        )


@TABLE.rule("PONG-014")
def error_instead(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.2: a MessageError or SOAP Fault instead of a Pong."""
    message = case.message
    refused = (
        message.fault is not None
        or message.kind == "MessageError"
        or any(e.severity == "Error" for e in message.errors)
    )
    if case.asked_ping and refused:
        yield Finding("PONG-014", observed=message.summary, expected=PONG)


@TABLE.rule("PONG-015")
def second_pong(case: Received, ctx: Context) -> Verdicts:
    """One Ping gets one Pong."""
    if not _is(case, PONG):
        return
    for other in case.others:
        if other.kind == PONG and other.ref_to == case.message.ref_to and other.message_id != case.message.message_id:
            yield _finding(
                "PONG-015",
                case,
                ("MessageData", "MessageId"),
                f"{other.message_id}, {case.message.message_id}",
                "1 × Pong",
            )
