"""Exchange a business message in one profile: send, be acknowledged, send the duplicate, receive the echo."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace

from harness.errors import KetentestError
from harness.exchange import Reply
from harness.guard import Reach
from harness.link import Link
from harness.lint.ebms import diagnosis
from harness.lint.ebms.messages import judge_received
from harness.lint.ebms.received import INCOMING, Received
from harness.lint.judge import Raw
from harness.model import Finding, NotRun, Observation, Text
from harness.probes.ebms_agreed import Way, agreements, decryption_key, encryption_target, harmless, signer_of, way_of
from harness.probes.ebms_answers import answering, own_domain, pinged_us
from harness.probes.ebms_inbox import Arrival, Inbox, waiting_time
from harness.probes.ebms_ping import letter
from harness.probes.ebms_status import Status, status_of
from harness.probes.probe import Tools, Yield
from harness.wire import ebms_build as build
from harness.wire.ebms import ACKNOWLEDGMENT, MESSAGE_ERROR, Message, read_message
from harness.wire.ebms_build import Draft, Header, Outgoing
from harness.wire.ebms_encryption import decrypted_part, describe, encrypt, is_encrypted
from harness.wire.ebms_mime import Attachment
from harness.wire.ebms_signature import sign

QUIET = 0.3
"""How long we listen for an acknowledgement that should not come."""


@dataclass
class Dialogue:
    """One exchange in one profile, kept so that sending and receiving are each judged by their own probe."""

    way: Way
    outgoing: Outgoing
    sent: Message
    reply: Reply
    answers: list[Arrival] = field(default_factory=list)
    repeated: Message | None = None
    duplicate_answer: Message | None = None
    echo: Arrival | None = None
    status: Status | None = None
    pinged: list[Yield] = field(default_factory=list)

    @property
    def answer(self) -> Message | None:
        """The acknowledgement or error, wherever it came."""
        message = read_message(self.reply.body, self.reply.header("content-type"))
        if message.header is not None or message.fault is not None:
            return message
        return next((a.message for a in self.answers), None)


async def hold(link: Link, tools: Tools) -> Dialogue:
    """Hold the exchange of this profile, once per run and connection."""
    key = f"ebms.dialogue[{tools.param}]"
    if key not in tools.shared:
        tools.shared[key] = await _hold(link, tools, way_of(link, tools.param))
    found: Dialogue = tools.shared[key]
    return found


async def _hold(link: Link, tools: Tools, way: Way) -> Dialogue:
    outgoing = made_message(link, tools, way)
    sent = read_message(outgoing.body, dict(outgoing.headers)["Content-Type"])
    inbox = Inbox()
    inbox.answer = answering(link, tools, agreements(link), inbox, way)
    async with tools.listen(inbox.take):
        reply = await _post(link, tools, outgoing, "message")
        dialogue = Dialogue(way, outgoing, sent, reply)
        await _collect(tools, dialogue, inbox)
        if way.channel.reliable and harmless(link) and _is_ack(dialogue.answer):
            await _repeat(link, tools, dialogue, inbox)
        if harmless(link) and not _is_error(dialogue.answer):
            dialogue.echo = await inbox.wait(_echo_of(sent), waiting_time(tools)[0])
            if way.channel.reliable:
                await asyncio.sleep(QUIET / 3)
        if not way.channel.reliable:
            await _unasked(dialogue, inbox)
        elif dialogue.answer is None and reply.status < 300:
            dialogue.status = await status_of(tools, way.agreed, sent.message_id, inbox)
        await inbox.settled()
    dialogue.pinged = list(pinged_us(tools, inbox))
    return dialogue


async def _post(link: Link, tools: Tools, outgoing: Outgoing, name: str, service: str = "ebms.send") -> Reply:
    reach = Reach.MESSAGE if harmless(link) else Reach.WRITE
    return await tools.exchange.post(
        link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name=name, service=service, reach=reach
    )


def _is_ack(message: Message | None) -> bool:
    return message is not None and message.kind == ACKNOWLEDGMENT


def _is_error(message: Message | None) -> bool:
    return message is not None and (message.kind == MESSAGE_ERROR or message.fault is not None)


async def _collect(tools: Tools, dialogue: Dialogue, inbox: Inbox) -> None:
    """Wait for the acknowledgement of a reliable message, or for the error on one that nobody has to acknowledge."""
    if dialogue.answer is not None or dialogue.reply.status >= 300:
        return
    reliable, about = dialogue.way.channel.reliable, _signal_about(dialogue.sent)
    answers = about if reliable else lambda a: about(a) or _echo_of(dialogue.sent)(a)
    found = await inbox.wait(answers, waiting_time(tools)[0] if reliable else QUIET)
    if found is not None and about(found):
        dialogue.answers.append(found)


async def _unasked(dialogue: Dialogue, inbox: Inbox) -> None:
    """Look once more, after everything else came, for the acknowledgement of a best-effort message."""
    if dialogue.answer is None and dialogue.reply.status < 300:
        found = await inbox.wait(_signal_about(dialogue.sent), QUIET)
        if found is not None:
            dialogue.answers.append(found)


def _signal_about(sent: Message) -> Callable[[Arrival], bool]:
    return lambda a: a.message.is_signal and a.message.ref_to == sent.message_id


def _echo_of(sent: Message) -> Callable[[Arrival], bool]:
    return lambda a: a.message.kind == "message" and a.message.conversation_id == sent.conversation_id


async def _repeat(link: Link, tools: Tools, dialogue: Dialogue, inbox: Inbox) -> None:
    """Send the same message again: a duplicate gets the same acknowledgement (EBMS 6.5.3)."""
    before = len(inbox.arrivals)
    reply = await _post(link, tools, dialogue.outgoing, "duplicate")
    answer = read_message(reply.body, reply.header("content-type"))
    if answer.header is None:
        about = _signal_about(dialogue.sent)
        found = await inbox.wait(lambda a: a in inbox.arrivals[before:] and about(a), waiting_time(tools)[0])
        answer = found.message if found else answer
    dialogue.repeated = dialogue.sent
    dialogue.duplicate_answer = answer if answer.header is not None else None


def made_message(link: Link, tools: Tools, way: Way) -> Outgoing:
    """Return a message for the echo as the channel asks: reliable, signed, encrypted."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<ketentest xmlns="urn:ketentest:echo">{uuid.uuid4()}</ketentest>'
    return carrying(link, tools, way, text.encode())


def carrying(link: Link, tools: Tools, way: Way, data: bytes) -> Outgoing:
    """Return a business message that carries `data`, as the channel asks: reliable, signed, encrypted."""
    channel, agreed = way.channel, way.agreed
    domain = own_domain(agreed)
    header = Header(
        sender=(agreed.our_id,),
        receiver=(agreed.their_id,),
        cpa_id=agreed.cpa.cpaid.strip(),
        conversation_id=str(uuid.uuid4()),
        action=way.binding.action,
        message_id=build.new_id(domain),
        timestamp=tools.now(),
        service=way.role.service,
        service_type=way.role.service_type or "",
        from_role=way.role.role,
        to_role=way.to_role,
        duplicate_elimination=channel.duplicate_elimination == "always",
    )
    draft = build.business(
        header,
        (Attachment(f"payload-{uuid.uuid4()}@{domain}", data),),
        ack_requested=channel.ack_requested == "always",
        ack_signed=channel.ack_signature_requested == "always",
        sync_reply=channel.synchronous,
    )
    return _protected(link, way, draft)


def _protected(link: Link, way: Way, draft: Draft) -> Outgoing:
    envelope = draft.envelope()
    if way.agreed.us.signing_certificate(way.channel) is not None:
        envelope = sign(envelope, draft.attachments, signer_of(link))
    target = encryption_target(way)
    attachments = [encrypt(a, target) if target else a for a in draft.attachments]
    return build.pack(draft, envelope, attachments)


def sending(tools: Tools, dialogue: Dialogue) -> Iterator[Yield]:
    """Judge what came back on our message."""
    yield from dialogue.reply.evidence
    way, answer = dialogue.way, dialogue.answer
    companions = (way.agreed.raw, Raw(captured(dialogue.outgoing), "message.http"))
    yield from tools.judge("ebms-message", dialogue.reply.raw, role=INCOMING, companions=companions)
    for arrival in dialogue.answers:
        yield tools.keep("answer.http", arrival.line.captured, "message/http")
        yield from tools.judge("ebms-message", arrival.line.raw, role=INCOMING, companions=companions)
    yield from _acknowledged(dialogue, answer)
    yield from dialogue.status.items if dialogue.status else ()
    yield from _duplicates(dialogue, answer)
    yield from dialogue.pinged
    yield _summary(dialogue, answer)


def captured(outgoing: Outgoing) -> bytes:
    """Return a message of ours as it goes over the line."""
    head = "\r\n".join(["POST /ebms HTTP/1.1", *(f"{k}: {v}" for k, v in outgoing.headers)])
    return head.encode() + b"\r\n\r\n" + outgoing.body


def _acknowledged(dialogue: Dialogue, answer: Message | None) -> Iterator[Yield]:
    reliable = dialogue.way.channel.reliable
    if answer is not None and _is_error(answer):
        yield Finding(
            "ACK-008", case="refused", observed=answer.summary, expected=ACKNOWLEDGMENT if reliable else "HTTP 2xx"
        )
        for found in diagnosis.of_message(answer):
            mail = letter(found, dialogue.sent.message_id, dialogue.sent.cpa_id)
            if mail is not None:
                yield mail
    elif reliable and answer is None and dialogue.reply.status < 300:
        yield Finding(
            "ACK-008", observed=Text("geen ontvangstbevestiging", "no acknowledgement"), expected=ACKNOWLEDGMENT
        )
    elif not reliable and answer is not None and _is_ack(answer):
        yield Finding(
            "ACK-008",
            case="unasked",
            observed=ACKNOWLEDGMENT,
            expected=Text("geen ontvangstbevestiging bij best effort", "no acknowledgement with best effort"),
        )


def _duplicates(dialogue: Dialogue, answer: Message | None) -> Iterator[Yield]:
    if dialogue.repeated is None or answer is None:
        return
    again = dialogue.duplicate_answer
    if again is None:
        yield Finding(
            "ACK-009",
            case="silent",
            observed=Text("geen ontvangstbevestiging op het dubbele bericht", "no acknowledgement of the duplicate"),
            expected=answer.message_id,
        )
    elif again.message_id != answer.message_id:
        yield Finding("ACK-009", observed=again.message_id, expected=answer.message_id)


def _summary(dialogue: Dialogue, answer: Message | None) -> Observation:
    way = dialogue.way
    got = answer.action if answer is not None and answer.header is not None else "–"
    repeated = dialogue.repeated is not None and dialogue.duplicate_answer is not None
    twice_nl = ", dubbel bericht beproefd" if repeated else ""
    twice_en = ", duplicate tried" if repeated else ""
    milliseconds = round(dialogue.reply.seconds * 1000)
    return Observation(
        Text(
            f"{way.binding.action} verstuurd: HTTP {dialogue.reply.status} na {milliseconds} ms, antwoord {got}{twice_nl}",
            f"{way.binding.action} sent: HTTP {dialogue.reply.status} after {milliseconds} ms, answer {got}{twice_en}",
        ),
        (
            ("MessageId", dialogue.sent.message_id),
            ("MessageId antwoord", answer.message_id if answer is not None else ""),
            ("CPAId", dialogue.sent.cpa_id),
        ),
    )


def receiving(link: Link, tools: Tools, dialogue: Dialogue) -> Iterator[Yield]:
    """Judge the message that the counterparty sent back."""
    echo, way = dialogue.echo, dialogue.way
    if echo is None:
        yield Finding(
            "ACK-008",
            case="no-message",
            observed=Text(
                "er kwam geen bericht van de ketenpartner op ons endpoint",
                "no message of the counterparty came to our endpoint",
            ),
            expected=Text("een bericht in dit profiel", "a message in this profile"),
        )
        return
    yield tools.keep("received.http", echo.line.captured, "message/http")
    message, problem = _opened(link, echo.message)
    if problem is not None:
        yield NotRun("SIG-006", problem)
    case = Received(message, echo.line.raw.http, way.agreed.cpa, request=dialogue.sent, others=(dialogue.sent,))
    ctx = tools.context(role=INCOMING)
    outcome = list(judge_received(case, ctx))
    yield from tools.book.grade((f for f in outcome if isinstance(f, Finding)), ctx.words)
    yield from (n for n in outcome if isinstance(n, NotRun))
    yield from _encrypted(way, echo.message)
    yield Observation(
        Text(
            f"{message.action} ontvangen na {echo.seconds:.1f} s".replace(".", ",") + _said(echo.message, "nl"),
            f"{message.action} received after {echo.seconds:.1f} s{_said(echo.message, 'en')}",
        ),
        (("MessageId", message.message_id), ("RefToMessageId", message.ref_to), ("CPAId", message.cpa_id)),
    )


def _said(message: Message, lang: str) -> str:
    words = []
    if message.signature is not None:
        words.append(Text("ondertekend", "signed").of(lang))
    sealed = next((describe(p.data) for p in message.package.attachments if is_encrypted(p.data)), None)
    if sealed is not None:
        words.append(f"{Text('versleuteld', 'encrypted').of(lang)} ({sealed.content.rpartition('#')[2]})")
    return f", {', '.join(words)}" if words else ""


def _opened(link: Link, message: Message) -> tuple[Message, Text | None]:
    parts = message.package.attachments
    if not any(is_encrypted(p.data) for p in parts):
        return message, None
    key = decryption_key(link)
    if key is None:
        return message, Text("er is geen sleutel om mee te ontsleutelen", "there is no key to decrypt with")
    try:
        opened = tuple(decrypted_part(p, key) if is_encrypted(p.data) else p for p in parts)
    except KetentestError as wrong:
        return message, wrong.text
    return replace(message, package=replace(message.package, attachments=opened)), None


def _encrypted(way: Way, message: Message) -> Iterator[Finding]:
    parts = message.package.attachments
    if encryption_target(way) is not None and parts and not all(is_encrypted(p.data) for p in parts):
        yield Finding(
            "XCHK-009",
            case="encryption",
            observed=Text("een bijlage is niet versleuteld", "an attachment is not encrypted"),
            expected="xenc:EncryptedData",
        )


async def judged(items: Iterator[Yield]) -> AsyncIterator[Yield]:
    """Yield items as a probe does."""
    for item in items:
        yield item
