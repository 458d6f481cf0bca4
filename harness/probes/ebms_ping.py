"""Ping for real: by ourselves over mutual TLS, through the user's own adapter, or from what was captured."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext

from harness.exchange import Reply, TransportFailed
from harness.link import Link
from harness.lint.ebms import diagnosis
from harness.lint.ebms.causes import Diagnosis
from harness.lint.ebms.received import INCOMING
from harness.lint.judge import Raw
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import Agreed, agreements
from harness.probes.ebms_answers import answering, own_domain, pinged_us
from harness.probes.ebms_inbox import Arrival, Inbox, waiting_time
from harness.probes.ebms_selftest import selftest
from harness.probes.ebms_status import status_of
from harness.probes.probe import Tools, Yield
from harness.wire import keyinfo
from harness.wire.ebms import PING, PONG, Message, read_message
from harness.wire.ebms_build import Outgoing, pack
from harness.wire.ebms_build import ping as build_ping

AFTERWARDS = 0.3
STATES = {
    "accepted-waiting": Text(
        "aangenomen, wachtend: een lege 2xx is nog geen Pong", "accepted, waiting: an empty 2xx is no Pong yet"
    ),
    "pong": Text("Pong op deze Ping ontvangen", "Pong to this Ping received"),
    "late": Text("Pong op deze Ping ontvangen, te laat", "Pong to this Ping received, too late"),
    "foreign": Text(
        "er kwam een bericht binnen dat geen antwoord op deze Ping is",
        "a message came in that does not answer this Ping",
    ),
    "error": Text("de Ping is geweigerd", "the Ping was refused"),
    "nothing": Text("er kwam geen Pong", "no Pong came"),
}
"""How a Ping ends; only `pong` can pass, and no empty 2xx does."""
ONE_WAY = Text(
    "de Pong kwam langs dezelfde verbinding terug; de weg van de ketenpartner naar uw endpoint is niet gebruikt",
    "the Pong came back over the same connection; the way from the counterparty to your endpoint was not used",
)
NOT_PROVEN = Text(
    "geldigheid van het CPA, zakelijke services, handtekeningen en herhaalpogingen zijn hiermee niet beproefd",
    "validity of the CPA, business services, signatures and retries are not tested by this",
)


def made_ping(agreed: Agreed, tools: Tools) -> Outgoing:
    """Return a fresh Ping, with SyncReply exactly when our default channel is synchronous (PING-006)."""
    channel = agreed.us.msh_channel(PING)
    sync = channel is not None and channel.synchronous
    draft = build_ping(
        agreed.our_id, agreed.their_id, agreed.cpa.cpaid.strip(), tools.now(), own_domain(agreed), sync_reply=sync
    )
    return pack(draft)


def state(word: str) -> Observation:
    """Return how the Ping stands, as one line of the report."""
    said = STATES[word]
    return Observation(Text(f"Toestand: {said.nl}", f"State: {said.en}"), (("Toestand", word),))


def translated(found: Diagnosis, detail: str = "") -> Finding:
    """Return the ERR-020 finding of a diagnosis."""
    cause = Text(f"{found.cause.nl}{detail}", f"{found.cause.en}{detail}")
    return Finding("ERR-020", case=found.key, observed=cause, expected=found.advice)


def letter(found: Diagnosis, message_id: str, cpa_id: str) -> Observation:
    """Return the likely cause, who must act, and what to write with the numbers that the other side needs."""
    numbers = f" (CPAId {cpa_id}, MessageId {message_id})" if found.letter.nl else ""
    cause, advice = found.cause, found.advice
    return Observation(Text(f"Oorzaak: {cause.nl}. {advice.nl}{numbers}", f"Cause: {cause.en}. {advice.en}{numbers}"))


async def by_ourselves(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Send a Ping and wait for its Pong, in the HTTP response or at our own endpoint."""
    agreed = agreements(link)[0]
    outgoing = made_ping(agreed, tools)
    sent = read_message(outgoing.body, "text/xml")
    inbox = Inbox()
    inbox.answer = answering(link, tools, agreements(link), inbox)
    way = link.connection.ebms.way if link.connection.ebms else "listener"
    async with _listening(tools, inbox, way):
        try:
            reply = await tools.exchange.post(
                link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name="ping", service="ping"
            )
        except TransportFailed as failed:
            found = diagnosis.of_stage(failed.stage)
            yield translated(found)
            yield letter(found, outgoing.message_id, agreed.cpa.cpaid.strip())
            raise
        for evidence in reply.evidence:
            yield evidence
        answer = read_message(reply.body, reply.header("content-type"))
        async for item in _answered(tools, agreed, sent, reply, answer, inbox):
            yield item
        await inbox.settled()
        for item in pinged_us(tools, inbox):
            yield item


def _listening(tools: Tools, inbox: Inbox, way: str) -> AbstractAsyncContextManager[None]:
    return nullcontext() if way == "sync" else tools.listen(inbox.take)


async def _answered(
    tools: Tools, agreed: Agreed, sent: Message, reply: Reply, answer: Message, inbox: Inbox
) -> AsyncIterator[Yield]:
    companions = (agreed.raw, Raw(sent.raw, "ping.xml"))
    for item in tools.judge("ebms-message", reply.raw, role=INCOMING, companions=companions):
        yield item
    for difference in _server_certificate(agreed, reply):
        yield difference
    yield _line(reply, answer)
    if answer.kind == PONG or reply.status >= 300 or answer.header is not None or answer.fault is not None:
        for concluded in _outcome(sent, answer, reply.seconds, "sync"):
            yield concluded
        if answer.kind == PONG and not inbox.pings:
            yield Finding("PING-012", observed=ONE_WAY)
        return
    if reply.body.strip():
        yield state("error")
        yield translated(diagnosis.CAUSES["not-ebms"])
        yield letter(diagnosis.CAUSES["not-ebms"], sent.message_id, sent.cpa_id)
        return
    yield state("accepted-waiting")
    async for waited in _awaited(tools, agreed, sent, inbox):
        yield waited


def _line(reply: Reply, answer: Message) -> Observation:
    product = diagnosis.adapter(reply.body, reply.status)
    seen = f", {product}" if product else ""
    milliseconds = round(reply.seconds * 1000)
    return Observation(
        Text(
            f"Ping verstuurd: HTTP {reply.status} na {milliseconds} ms over {reply.tls or 'TLS'}{seen}",
            f"Ping sent: HTTP {reply.status} after {milliseconds} ms over {reply.tls or 'TLS'}{seen}",
        )
    )


def _server_certificate(agreed: Agreed, reply: Reply) -> Iterator[Finding]:
    """XCHK-003: what the server showed is what the CPA says."""
    named = agreed.them.server_certificate()
    if named is None or not named.der or not reply.server_certificate or named.der == reply.server_certificate:
        return
    facts = keyinfo.facts_of(reply.server_certificate)
    yield Finding(
        "XCHK-003",
        observed=f"{facts.subject} ({facts.serial:x})" if facts else "-",
        expected=f"{named.facts.subject} ({named.facts.serial:x})" if named.facts else "-",
        where=f"CPA/{named.id}",
    )


async def _awaited(tools: Tools, agreed: Agreed, sent: Message, inbox: Inbox) -> AsyncIterator[Yield]:
    """Wait at our own endpoint; a Pong to another Ping does not count, and does not end the waiting."""
    in_time, limit = waiting_time(tools)
    ours = await inbox.wait(lambda a: a.message.ref_to == sent.message_id and bool(sent.message_id), limit)
    if ours is not None:
        await inbox.wait(lambda a: a.message.kind == PONG and a is not ours, AFTERWARDS)
    arrivals = [a for a in inbox.arrivals if a.message.kind != PING]
    chosen = ours or (arrivals[0] if arrivals else None)
    if chosen is None:
        async for absent in _nothing(tools, agreed, sent, inbox, limit):
            yield absent
        return
    for item in _arrived(tools, agreed, sent, chosen, arrivals):
        yield item
    late = list(_in_time(agreed, chosen, in_time))
    for item in late:
        yield item
    for item in _outcome(sent, chosen.message, chosen.seconds, "async", late=chosen.waited > in_time):
        yield item


async def _nothing(tools: Tools, agreed: Agreed, sent: Message, inbox: Inbox, limit: float) -> AsyncIterator[Yield]:
    """No Pong came: find out where the endpoint in the CPA leads to, and say who must look where."""
    yield state("nothing")
    yield Finding(
        "PONG-012",
        case="none",
        observed=Text(f"geen Pong binnen {limit:g} s", f"no Pong within {limit:g} s"),
        expected=PONG,
        where=tools.link.endpoint("ebms"),
    )
    elsewhere = False
    async for item in selftest(tools, inbox):
        elsewhere = elsewhere or (isinstance(item, Finding) and item.rule == "XCHK-011")
        yield item
    status = await status_of(tools, agreed, sent.message_id, inbox)
    for item in status.items:
        if not (isinstance(item, Finding) and item.rule == "ERR-020"):  # a Ping need not be remembered
            yield item
    reached = status.came_back or bool(inbox.pings)
    found = diagnosis.CAUSES["our-listener" if elsewhere else "no-ping" if reached else "network-back"]
    yield translated(found)
    yield letter(found, sent.message_id, sent.cpa_id)


def _arrived(tools: Tools, agreed: Agreed, sent: Message, chosen: Arrival, arrivals: list[Arrival]) -> Iterator[Yield]:
    for arrival in arrivals:
        yield tools.keep("pong.http", arrival.line.captured, "message/http")
    others = [Raw(a.message.raw, "pong.xml") for a in arrivals if a is not chosen]
    companions = (agreed.raw, Raw(sent.raw, "ping.xml"), *others)
    yield from tools.judge("ebms-message", chosen.line.raw, role=INCOMING, companions=companions)
    if (
        chosen.message.header is not None
        and chosen.message.kind not in (PONG, "MessageError")
        and chosen.message.action.lower() != "pong"
    ):
        yield Finding("PONG-001", observed=chosen.message.action or "-", expected=PONG)


def _in_time(agreed: Agreed, arrival: Arrival, in_time: float) -> Iterator[Finding]:
    if arrival.waited > in_time:
        yield Finding("PONG-011", case="late", observed=f"{arrival.seconds:.1f} s", expected=f"≤ {in_time:g} s")
    facts = keyinfo.facts_of(arrival.line.client_certificate) if arrival.line.client_certificate else None
    wanted = agreed.them.party_id.partition("_")[0]
    if facts is not None and wanted and facts.oin != wanted:
        yield Finding("PONG-011", case="foreign", observed=facts.oin or facts.subject, expected=wanted, where="TLS")


def _outcome(sent: Message, answer: Message, seconds: float, way: str, *, late: bool = False) -> Iterator[Yield]:
    foreign = answer.ref_to != sent.message_id
    if answer.kind == PONG:
        yield state("foreign" if foreign else "late" if late else "pong")
        shown = f"{round(seconds * 1000)} ms"
        route = (
            Text("in het HTTP-antwoord", "in the HTTP response")
            if way == "sync"
            else Text("op ons endpoint", "at our endpoint")
        )
        yield Observation(
            Text(f"Pong {route.nl} na {shown}", f"Pong {route.en} after {shown}"),
            (
                ("MessageId Ping", sent.message_id),
                ("MessageId Pong", answer.message_id),
                ("RefToMessageId", answer.ref_to),
                ("CPAId", answer.cpa_id),
            ),
        )
        yield Finding("PONG-016", observed=NOT_PROVEN)
        return
    refusal = answer.fault is not None or bool(answer.errors) or answer.header is None
    yield state("error" if refusal else "foreign")
    for found in diagnosis.of_message(answer):
        yield letter(found, sent.message_id, sent.cpa_id)
