"""Ask the counterparty once what became of a message that stayed without an answer (EBMS 7, StatusRequest)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from harness.errors import Refused
from harness.exchange import Reply, TransportFailed
from harness.lint.ebms import diagnosis
from harness.lint.ebms.causes import Diagnosis
from harness.lint.ebms.received import INCOMING
from harness.lint.judge import Raw
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import Agreed
from harness.probes.ebms_answers import own_domain
from harness.probes.ebms_inbox import Arrival, Inbox, waiting_time
from harness.probes.probe import Tools, Yield
from harness.wire import ebms_build as build
from harness.wire.ebms import STATUS_REQUEST, STATUS_RESPONSE, Message, attribute, element_text, read_message

LONGEST: Final = 30.0
"""How long we wait at most for a StatusResponse, in seconds; the service is optional."""
ARRIVED: Final = ("Received", "Processed", "Forwarded")
CAUSES: Final = {
    **dict.fromkeys(ARRIVED, "status-arrived"),
    "NotRecognized": "status-unknown",
    "UnAuthorized": "status-unauthorised",
}


@dataclass(frozen=True)
class Status:
    """What the counterparty says about one message: its word (empty when it says nothing), and what to report."""

    word: str = ""
    items: tuple[Yield, ...] = ()
    message_id: str = ""
    came_back: bool = False

    @property
    def arrived(self) -> bool:
        """Whether the counterparty says that it has the message."""
        return self.word in ARRIVED

    @property
    def cause(self) -> Diagnosis | None:
        """What the answer means, and who must act."""
        return diagnosis.CAUSES.get(CAUSES.get(self.word, ""))


async def status_of(tools: Tools, agreed: Agreed, asked: str, inbox: Inbox) -> Status:
    """Ask once about the message `asked`; nothing changes at the other side, and silence is allowed there (STAT-004)."""
    channel = agreed.us.msh_channel(STATUS_REQUEST)
    sync = channel is not None and channel.synchronous
    draft = build.status_request(
        agreed.our_id, agreed.their_id, agreed.cpa.cpaid.strip(), asked, tools.now(), own_domain(agreed),
        sync_reply=sync,
    )  # fmt: skip
    outgoing, before = build.pack(draft), len(inbox.arrivals)
    try:
        reply = await tools.exchange.post(
            tools.link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name="status", service="ebms.status"
        )
    except TransportFailed as failed:
        return Status(items=(_unasked(Text(failed.stage, failed.stage)),))
    except Refused as refused:
        return Status(items=(_unasked(refused.text),))
    arrival = None if _speaks(reply) else await _awaited(tools, outgoing.message_id, inbox, before)
    return _told(tools, agreed, asked, Raw(outgoing.body, "status.xml"), reply, arrival)


def _speaks(reply: Reply) -> bool:
    return reply.status >= 300 or bool(reply.body.strip())


async def _awaited(tools: Tools, message_id: str, inbox: Inbox, before: int) -> Arrival | None:
    """Wait at our endpoint; a StatusResponse that refers to another question counts when no better one comes."""
    seconds = min(LONGEST, waiting_time(tools)[0])
    answer = await inbox.wait(lambda a: a.message.is_signal and a.message.ref_to == message_id, seconds)
    return answer or next((a for a in inbox.arrivals[before:] if a.message.kind == STATUS_RESPONSE), None)


def _told(tools: Tools, agreed: Agreed, asked: str, question: Raw, reply: Reply, arrival: Arrival | None) -> Status:
    raw = arrival.line.raw if arrival else reply.raw
    message = arrival.message if arrival else read_message(reply.body, reply.header("content-type"))
    items: list[Yield] = [*reply.evidence]
    if arrival is not None:
        items.append(tools.keep("status.answer.http", arrival.line.captured, "message/http"))
    if message.kind != STATUS_RESPONSE:
        return Status(items=(*items, *_silence(asked, message, reply)))
    items += tools.judge("ebms-message", raw, role=INCOMING, companions=(agreed.raw, question))
    block = message.block(STATUS_RESPONSE)
    word = attribute(block, "messageStatus") or ""
    status = Status(word, (), message.message_id, arrival is not None)
    items += _meaning(status, asked, element_text(block, "Timestamp"))
    return Status(word, tuple(items), message.message_id, arrival is not None)


def _silence(asked: str, message: Message, reply: Reply) -> Iterator[Finding]:
    said = message.summary if message.header is not None or message.fault is not None else f"HTTP {reply.status}"
    yield Finding("STAT-004", observed=said, expected=STATUS_RESPONSE, where=asked)


def _meaning(status: Status, asked: str, received: str) -> Iterator[Yield]:
    when = f" ({received})" if received else ""
    word = status.word or "–"
    yield Observation(
        Text(f"StatusResponse over {asked}: {word}{when}", f"StatusResponse about {asked}: {word}{when}"),
        (("MessageId", asked), ("MessageId antwoord", status.message_id), ("status", word)),
    )
    cause = status.cause
    if cause is not None:
        yield Finding("ERR-020", case=cause.key, observed=cause.cause, expected=cause.advice, where=asked)


def _unasked(why: Text) -> Observation:
    return Observation(Text(f"statusvraag niet gesteld: {why.nl}", f"status not asked: {why.en}"))
