"""Send the prepared messages of Lopende Zaken over ebMS, once each, and follow what comes back (LZ 5.3.3)."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from harness.chaintest.foutbericht import Foutbericht, read_foutbericht
from harness.chaintest.journal import BEGUN, NOT_SENT, Journal
from harness.chaintest.testset import Prepared
from harness.errors import Refused
from harness.exchange import Reply, TransportFailed
from harness.guard import Reach
from harness.link import Link
from harness.lint.ebms import diagnosis
from harness.lint.ebms.durations import seconds as duration
from harness.lint.ebms.received import INCOMING
from harness.lint.judge import Raw
from harness.model import NOTHING, Environment, Finding, NotRun, Text
from harness.probes import ebms_dialogue as dialogue
from harness.probes.ebms_agreed import Way, agreements, decryption_key, ways_of
from harness.probes.ebms_answers import answering, pinged_us
from harness.probes.ebms_inbox import Arrival, Inbox, waiting_time
from harness.probes.ebms_ping import letter
from harness.probes.ebms_status import Status, status_of
from harness.probes.msg_sending import (
    ACKNOWLEDGED,
    BEFORE_SENDING,
    RECEIVED,
    REFUSED,
    SILENT,
    Outcome,
    confirmations,
    invalid,
    journal_of,
    kept,
    key_of,
    left_over,
    permitted,
    told_before,
    went,
)
from harness.probes.probe import NotPossible, Tools, Yield
from harness.window import AMSTERDAM
from harness.wire.ebms import ACKNOWLEDGMENT, MESSAGE_ERROR, Message, read_message
from harness.wire.ebms_build import Outgoing
from harness.wire.ebms_encryption import decrypted_part, is_encrypted

RETRIES: Final = 2
"""How often we repeat at most within one run, however many retries the CPA allows."""
LONGEST_INTERVAL: Final = 60.0
AFTER: Final = 0.4
"""How long we listen for a foutbericht that should not come, against the lab; elsewhere the waiting time counts."""


UNHEARD: Final = (
    "twee berichten op rij bleven zonder ontvangstbevestiging; los dat eerst op",
    "two messages in a row got no acknowledgement; solve that first",
)


@dataclass
class Sending:
    """The messages on their way in this run."""

    link: Link
    tools: Tools
    journal: Journal
    inbox: Inbox
    outcomes: list[Outcome] = field(default_factory=list)
    sent: dict[str, tuple[Outcome, Message, Way, Outgoing]] = field(default_factory=dict)
    stopped: TransportFailed | Refused | None = None


async def business(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Send every prepared message that no earlier run sent; each gets its line, its evidence and its findings."""
    messages = permitted(link, tools, link.endpoint("ebms"))
    ways = [_way(link, message) for message in messages]
    wrong = await invalid(link, tools, messages)
    if wrong:
        for finding in wrong:
            yield finding
        return
    sending = Sending(link, tools, journal_of(link, tools), Inbox())
    sending.inbox.answer = answering(link, tools, agreements(link), sending.inbox, ways[0])
    async with tools.listen(sending.inbox.take):
        for message, way in zip(messages, ways, strict=True):
            await _one(sending, message, way)
            await _asked_about(sending, sending.outcomes[-1], way)
            if sending.stopped is None and _silence(sending):
                sending.stopped = Refused(*UNHEARD)
            if sending.stopped is not None:
                break
        await _answers(sending)
        await sending.inbox.settled()
    for outcome in sending.outcomes:
        for item in outcome.items:
            yield item
        yield outcome.observation
    for item in pinged_us(tools, sending.inbox):
        yield item
    for form in confirmations(link, tools, went(sending.outcomes)):
        yield form
    for item in _rest(sending, messages):
        yield item
    if isinstance(sending.stopped, TransportFailed):
        raise sending.stopped


def _silence(sending: Sending) -> bool:
    """Whether the last two messages of this run were not acknowledged: more of them would help nobody."""
    fresh = [outcome for outcome in sending.outcomes if outcome.earlier is None]
    return len(fresh) >= 2 and all(outcome.state == SILENT for outcome in fresh[-2:])


def _way(link: Link, message: Prepared) -> Way:
    """Return how a message travels: its action in our CPA, in the profile of this connection."""
    found = [way for agreed in agreements(link) for way in ways_of(agreed, _profile(link))]
    named = [way for way in found if way.binding.action == message.action]
    if named or (len(found) == 1 and not message.action):
        return (named or found)[0]
    known = ", ".join(dict.fromkeys(way.binding.action for way in found)) or "–"
    raise NotPossible(
        f"{message.id}: actie {message.action or '–'} staat niet in het CPA; zet action in de testset op een van: {known}",
        f"{message.id}: action {message.action or '–'} is not in the CPA; set action in the test set to one of: {known}",
    )


def _profile(link: Link) -> str:
    profiles = link.connection.ebms.profiles if link.connection.ebms else ()
    return next(iter(profiles), "osb-rm")


async def _one(sending: Sending, message: Prepared, way: Way) -> None:
    link, tools, journal = sending.link, sending.tools, sending.journal
    outcome = Outcome(message)
    sending.outcomes.append(outcome)
    key = key_of(link, link.endpoint("ebms"), message)
    outgoing = dialogue.carrying(link, tools, way, message.data)
    if not journal.begin(key, outgoing.message_id, name=message.id, reference=message.reference):
        _earlier(journal, key, outcome)
        return
    outcome.message_id = outgoing.message_id
    outcome.at = f"{tools.now().astimezone(AMSTERDAM):%H:%M:%S}"
    sent = read_message(outgoing.body, dict(outgoing.headers)["Content-Type"])
    sending.sent[key] = (outcome, sent, way, outgoing)
    try:
        reply = await _post(sending, outgoing, message.id)
    except Refused as refused:  # the cap of the run: the message has not left
        _not_sent(sending, key, outcome, refused)
    except TransportFailed as failed:
        if failed.stage in BEFORE_SENDING:
            _not_sent(sending, key, outcome, failed)
        else:
            outcome.state, sending.stopped = BEGUN, failed
    else:
        await _followed(sending, key, reply)


def _earlier(journal: Journal, key: str, outcome: Outcome) -> None:
    entry = journal.of(key)
    outcome.earlier = entry
    if entry is not None:
        outcome.state, outcome.message_id = entry.state, entry.message_id
        outcome.answer_id = dict(entry.words).get("answer", "")
        outcome.at = f"{entry.when.astimezone(AMSTERDAM):%Y-%m-%d %H:%M:%S}"
    if entry is not None and not entry.open:
        outcome.items += told_before(outcome)


async def _asked_about(sending: Sending, outcome: Outcome, way: Way) -> None:
    """Ask once about a message whose outcome is open, in this run or since an earlier one; an answer closes it."""
    open_before = outcome.earlier is not None and outcome.earlier.open
    if not open_before and outcome.state not in (SILENT, BEGUN):
        return
    status = await status_of(sending.tools, way.agreed, outcome.message_id, sending.inbox)
    outcome.items += status.items
    key = key_of(sending.link, sending.link.endpoint("ebms"), outcome.message)
    if status.arrived and outcome.state == BEGUN:
        outcome.state, outcome.answer_id = RECEIVED, status.message_id
        outcome.items.append(Finding("MSG-025", observed=_answer_said(status, outcome), where=outcome.message.id))
        sending.journal.end(key, RECEIVED, outcome.message_id, answer=status.message_id, status=status.word)
    elif open_before:
        outcome.items += told_before(outcome)
    elif outcome.state == BEGUN:
        outcome.items.append(NotRun("MSG-024", _unknown(outcome.message, outcome.message_id)))


def _answer_said(status: Status, outcome: Outcome) -> str:
    return f"{outcome.message_id}: StatusResponse {status.word}"


def _not_sent(sending: Sending, key: str, outcome: Outcome, why: TransportFailed | Refused) -> None:
    sending.journal.end(key, NOT_SENT, outcome.message_id)
    outcome.state, sending.stopped = NOT_SENT, why


def _unknown(message: Prepared, message_id: str) -> Text:
    return Text(
        f"{message.id}: de verbinding brak tijdens het verzenden (MessageId {message_id}); het gaat niet nog eens uit",
        f"{message.id}: the connection broke while sending (MessageId {message_id}); it is not sent again",
    )


async def _post(sending: Sending, outgoing: Outgoing, name: str) -> Reply:
    link = sending.link
    return await sending.tools.exchange.post(
        link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name=name, service="ebms.send", reach=Reach.WRITE
    )


# --- what comes back -------------------------------------------------------------------------------------------------


async def _followed(sending: Sending, key: str, reply: Reply) -> None:
    outcome = sending.sent[key][0]
    outcome.items += reply.evidence
    _judged(sending, key, reply.raw)
    answer = read_message(reply.body, reply.header("content-type"))
    if answer.header is None and answer.fault is None and reply.status < 300:
        answer = await _awaited(sending, key) or answer
    _concluded(sending, key, answer, reply)


async def _awaited(sending: Sending, key: str) -> Message | None:
    """Wait for the acknowledgement at our endpoint; repeat the same message as the CPA agrees while it stays away."""
    outcome, sent, way, outgoing = sending.sent[key]
    if not way.channel.reliable:
        return None
    waiting = waiting_time(sending.tools)[0]
    for attempt in range(1 + _repeats(sending, way)):
        if attempt:
            outcome.attempts += 1
            try:
                again = await _post(sending, outgoing, f"{outcome.message.id}-herhaling-{attempt}")
            except (Refused, TransportFailed):
                return None
            outcome.items += again.evidence
        arrival = await sending.inbox.wait(
            lambda a: a.message.is_signal and a.message.ref_to == sent.message_id, waiting
        )
        if arrival is not None:
            outcome.seconds = arrival.seconds
            outcome.items.append(
                sending.tools.keep(f"{outcome.message.id}.antwoord.http", arrival.line.captured, "message/http")
            )
            _judged(sending, key, arrival.line.raw)
            return arrival.message
    return None


def _repeats(sending: Sending, way: Way) -> int:
    """Return how often we may repeat: only when the CPA agrees on retries and on eliminating duplicates."""
    exchange = way.agreed.us.doc_exchange(way.channel.doc_exchange_id)
    block = next((side.reliability for side in (exchange.sides if exchange else ()) if side.reliability), None)
    if block is None or way.channel.duplicate_elimination != "always":
        return 0
    interval = duration(block.interval) or 0.0
    if sending.link.environment is not Environment.LAB and interval > LONGEST_INTERVAL:
        return 0
    return min(RETRIES, int(block.retries) if block.retries.isdigit() else 0)


def _judged(sending: Sending, key: str, raw: Raw) -> None:
    outcome, _, way, outgoing = sending.sent[key]
    companions = (way.agreed.raw, Raw(dialogue.captured(outgoing), "bericht.http"))
    outcome.items += sending.tools.judge("ebms-message", raw, role=INCOMING, companions=companions)


def _concluded(sending: Sending, key: str, answer: Message, reply: Reply) -> None:
    outcome, sent, way, _ = sending.sent[key]
    words: dict[str, str] = {"answer": answer.message_id if answer.header is not None else ""}
    if answer.kind == MESSAGE_ERROR or answer.fault is not None or reply.status >= 300:
        outcome.state = REFUSED
        finding = _refusal(outcome, answer, sent, reply)
        words |= kept(finding)
        outcome.items.append(finding)
    elif answer.kind == ACKNOWLEDGMENT or not way.channel.reliable:
        outcome.state, outcome.answer_id = ACKNOWLEDGED, answer.message_id if answer.header is not None else ""
        outcome.items += _repeated(outcome)
        outcome.note = (
            Text(f" ({answer.action or 'HTTP'})", f" ({answer.action or 'HTTP'})") if outcome.answer_id else NOTHING
        )
    else:
        outcome.state = SILENT
        said = Text(f"geen Acknowledgment op {sent.message_id}", f"no Acknowledgment of {sent.message_id}")
        finding = Finding("MSG-021", observed=said, expected=ACKNOWLEDGMENT, where=outcome.message.id)
        words |= kept(finding)
        outcome.items.append(finding)
    sending.journal.end(key, outcome.state, outcome.message_id, **words)


def _refusal(outcome: Outcome, answer: Message, sent: Message, reply: Reply) -> Finding:
    answered = answer.header is not None or answer.fault is not None
    found = next(diagnosis.of_message(answer, reply.status), None) if answered else None
    found = found or diagnosis.of_status(reply.status, reply.body)
    mail = letter(found, sent.message_id, sent.cpa_id)
    if mail is not None:
        outcome.items.append(mail)
    who = Text(f"{found.who.nl}: {found.act.nl}", f"{found.who.en}: {found.act.en}")
    return Finding("MSG-020", case=found.key, observed=found.cause, expected=who, where=outcome.message.id)


def _repeated(outcome: Outcome) -> Iterator[Finding]:
    if outcome.attempts == 1:
        return
    seconds = f"{outcome.seconds:.1f} s"
    yield Finding("MSG-026", observed=f"{outcome.attempts}×", where=outcome.message.id)
    yield Finding(
        "MSG-021",
        case="late",
        observed=seconds,
        expected=Text("binnen de wachttijd", "in time"),
        where=outcome.message.id,
    )


# --- foutberichten ---------------------------------------------------------------------------------------------------


async def _answers(sending: Sending) -> None:
    """Listen for foutberichten: as long as one is expected, and a moment longer for those that are not."""
    lab = sending.link.environment is Environment.LAB
    taken = [k for k, (o, *_) in sending.sent.items() if o.state == ACKNOWLEDGED]
    expecting = [k for k in taken if sending.sent[k][0].message.expect == "foutbericht"]
    for key in expecting:
        await sending.inbox.wait(partial(_is_about, sending, key), waiting_time(sending.tools)[0])
    unexpected = [k for k in taken if k not in expecting]
    if unexpected:
        await sending.inbox.wait(
            lambda a: any(_is_about(sending, k, a) for k in unexpected),
            AFTER if lab else min(30.0, waiting_time(sending.tools)[0]),
        )
    for key in taken:
        arrival = next((a for a in sending.inbox.arrivals if _is_about(sending, key, a)), None)
        _weighed(sending, key, arrival)
        sending.sent[key][0].items += _twice(sending, key)


def _twice(sending: Sending, key: str) -> Iterator[Finding]:
    """More than one acknowledgement, each with its own MessageId: it was probably processed more than once."""
    outcome, sent, *_ = sending.sent[key]
    about = (a.message for a in sending.inbox.arrivals if a.message.ref_to == sent.message_id)
    ids = dict.fromkeys(m.message_id for m in about if m.kind == ACKNOWLEDGMENT)
    if len(ids) > 1:
        yield Finding("MSG-027", observed=", ".join(ids), expected=outcome.answer_id, where=outcome.message.id)


def _is_about(sending: Sending, key: str, arrival: Arrival) -> bool:
    outcome, sent, *_ = sending.sent[key]
    message = arrival.message
    if message.kind != "message":
        return False
    if message.ref_to == sent.message_id or message.conversation_id == sent.conversation_id:
        return True
    found = _content(sending.link, message)
    return found is not None and bool(found.about) and found.about == outcome.message.reference


def _content(link: Link, message: Message) -> Foutbericht | None:
    key = decryption_key(link) if any(is_encrypted(p.data) for p in message.package.attachments) else None
    for part in message.package.attachments:
        opened = decrypted_part(part, key) if key is not None and is_encrypted(part.data) else part
        found = read_foutbericht(opened.data)
        if found is not None:
            return found
    return None


def _weighed(sending: Sending, key: str, arrival: Arrival | None) -> None:
    outcome, _, way, _ = sending.sent[key]
    expected, where = outcome.message.expect == "foutbericht", outcome.message.id
    if arrival is None:
        if expected:
            said = Text("geen foutbericht ontvangen", "no error message received")
            finding = Finding("MSG-023", observed=said, expected="foutbericht", where=where)
            outcome.items.append(finding)
            sending.journal.end(key, outcome.state, outcome.message_id, answer=outcome.answer_id, **kept(finding))
        return
    tools = sending.tools
    outcome.state = "foutbericht"
    outcome.items.append(tools.keep(f"{where}.foutbericht.http", arrival.line.captured, "message/http"))
    outcome.items += tools.judge("ebms-message", arrival.line.raw, role=INCOMING, companions=(way.agreed.raw,))
    found = _content(sending.link, arrival.message)
    words = {"answer": arrival.message.message_id, "said": found.summary if found else ""}
    outcome.note = Text(f": {words['said']}", f": {words['said']}") if found else NOTHING
    outcome.answer_id = arrival.message.message_id
    if not expected:
        summary = found.summary if found is not None else arrival.message.action
        who = (
            found.who
            if found is not None
            else Text("u: lees het bericht in het bewijs", "you: read the message in the evidence")
        )
        finding = Finding("MSG-022", observed=summary, expected=who, where=where)
        outcome.items.append(finding)
        words |= kept(finding)
    sending.journal.end(key, outcome.state, outcome.message_id, **words)


def _rest(sending: Sending, messages: list[Prepared]) -> Iterator[Yield]:
    if sending.stopped is None:
        return
    if isinstance(sending.stopped, Refused):
        why = Text(
            f"{sending.stopped.text.nl}. Herhaal de run voor de rest",
            f"{sending.stopped.text.en}. Repeat the run for the rest",
        )
    else:
        why = Text("de verbinding faalde", "the connection failed")
    yield from left_over(messages, sending.outcomes, why)
