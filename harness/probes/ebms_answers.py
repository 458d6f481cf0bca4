"""What our own endpoint answers: an acknowledgement to a message that asks for it, a Pong to a Ping of the counterparty."""

from collections.abc import Iterator, Sequence

from aiohttp import web

from harness.errors import Refused
from harness.exchange import TransportFailed
from harness.guard import Reach
from harness.link import Link
from harness.lint.ebms.received import INCOMING, Received
from harness.lint.ebms.rejection import ERROR, Rejection, rejection
from harness.model import Observation, Text
from harness.probes.ebms_agreed import Agreed, Way, harmless, signer_of
from harness.probes.ebms_inbox import Answer, Arrival, Inbox, Pinged, spoken
from harness.probes.probe import Tools, Yield
from harness.wire import ebms_build as build
from harness.wire.ebms import PING, attribute
from harness.wire.ebms_build import Outgoing
from harness.wire.ebms_signature import sign
from harness.wire.hostname import host_of


def own_domain(agreed: Agreed) -> str:
    """Return the domain of our MessageIds: the host of our endpoint in the CPA."""
    point = agreed.us.endpoint()
    return host_of(point.uri) if point else "ketentest.test"


def answering(link: Link, tools: Tools, agreed: Sequence[Agreed], inbox: Inbox, way: Way | None = None) -> Answer:
    """Return what answers every arrival: a Ping gets its Pong, and in the dialogue of `way` a message its acknowledgement."""

    async def answer(arrival: Arrival) -> web.Response | None:
        if arrival.message.kind == PING:
            return await _ponged(link, tools, agreed, inbox, arrival)
        return await _acknowledged(link, tools, way, arrival) if way is not None else None

    return answer


# --- acknowledgements -------------------------------------------------------------------------------------------------


async def _acknowledged(link: Link, tools: Tools, way: Way, arrival: Arrival) -> web.Response | None:
    """Acknowledge a business message that asks for it, where the CPA says (EBMS 6.3.2)."""
    message = arrival.message
    block = message.block("AckRequested")
    if message.kind != "message" or block is None:
        return None
    signed = attribute(block, "signed") in ("true", "1")
    references = build.ds_references(message) if signed else []
    draft = build.acknowledgment(message, tools.now(), own_domain(way.agreed), references)
    envelope = sign(draft.envelope(), (), signer_of(link)) if signed else None
    outgoing = build.pack(draft, envelope)
    if way.channel.synchronous:
        return spoken(outgoing)
    await tools.exchange.post(
        link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name="acknowledgment", service="ebms.ack",
        reach=Reach.MESSAGE if harmless(link) else Reach.WRITE,
    )  # fmt: skip
    return None


# --- Pings of the counterparty ----------------------------------------------------------------------------------------


async def _ponged(
    link: Link, tools: Tools, agreed: Sequence[Agreed], inbox: Inbox, arrival: Arrival
) -> web.Response | None:
    """Answer a Ping with a Pong, after its CPA and parties were looked at (EBMS 8.3, PING-014)."""
    message = arrival.message
    mine = next((a for a in agreed if a.cpa.cpaid.strip() == message.cpa_id), None)
    pinged = Pinged(arrival, (mine or agreed[0]).raw)
    inbox.pings.append(pinged)
    case = Received(message, arrival.line.raw.http, mine.cpa if mine else None)
    refused = rejection(case, tools.context(role=INCOMING))
    if mine is None or (refused is not None and refused.way != ERROR):
        pinged.outcome = Text("geweigerd met een SOAP Fault", "refused with a SOAP Fault")
        text = refused.text if refused and refused.text else f"CPA {message.cpa_id} not found!"
        return web.Response(status=500, body=build.soap_fault("Client", text), content_type="text/xml", charset="UTF-8")
    outgoing = _reply(tools, mine, arrival, refused)
    pinged.outcome = _pong_said(refused)
    channel = mine.them.msh_channel(PING)
    if channel is not None and channel.synchronous:
        return spoken(outgoing)
    inbox.later(_post(link, tools, outgoing, pinged))
    return None


def _reply(tools: Tools, agreed: Agreed, arrival: Arrival, refused: Rejection | None) -> Outgoing:
    message, domain = arrival.message, own_domain(agreed)
    if refused is None:
        return build.pack(build.pong(message, tools.now(), domain))
    return build.pack(build.message_error(message, refused.errors, tools.now(), domain))


def _pong_said(refused: Rejection | None) -> Text:
    if refused is None:
        return Text("beantwoord met een Pong", "answered with a Pong")
    return Text(f"geweigerd met een MessageError ({refused.rule})", f"refused with a MessageError ({refused.rule})")


async def _post(link: Link, tools: Tools, outgoing: Outgoing, pinged: Pinged) -> None:
    """Send the Pong to the endpoint of the counterparty, and note how far it came."""
    try:
        reply = await tools.exchange.post(
            link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name="pong", service="ebms.pong"
        )
    except TransportFailed as failed:
        said = Text(f" die niet aankwam ({failed.stage})", f" that did not arrive ({failed.stage})")
    except Refused as refused:
        said = Text(f" die niet is verstuurd: {refused.text.nl}", f" that was not sent: {refused.text.en}")
    else:
        pinged.evidence = reply.evidence
        said = Text(f", HTTP {reply.status}", f", HTTP {reply.status}")
    pinged.outcome = Text(pinged.outcome.nl + said.nl, pinged.outcome.en + said.en)


def pinged_us(tools: Tools, inbox: Inbox) -> Iterator[Yield]:
    """Report every Ping of the counterparty that came in, judged as any message, and what we answered."""
    for pinged in inbox.pings:
        line, message = pinged.arrival.line, pinged.arrival.message
        yield tools.keep("their-ping.http", line.captured, "message/http")
        yield from pinged.evidence
        yield from tools.judge("ebms-message", line.raw, role=INCOMING, companions=(pinged.cpa,))
        seconds = f"{pinged.arrival.seconds:.1f} s"
        yield Observation(
            Text(
                f"de ketenpartner stuurde een Ping naar ons endpoint (na {seconds.replace('.', ',')}), {pinged.outcome.nl}",
                f"the counterparty sent a Ping to our endpoint (after {seconds}), {pinged.outcome.en}",
            ),
            (("MessageId Ping", message.message_id), ("CPAId", message.cpa_id)),
        )
