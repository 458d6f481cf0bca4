"""Ping for real: by ourselves over mutual TLS, through the user's own adapter, or from what was captured."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from urllib.parse import quote

import httpx

from harness.exchange import Reply, TransportFailed
from harness.guard import Reach, host_of
from harness.link import Link
from harness.lint.ebms import diagnosis
from harness.lint.ebms.diagnosis import Diagnosis
from harness.lint.ebms.received import INCOMING
from harness.lint.judge import Raw
from harness.lint.kinds import split_http
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import Agreed, agreements
from harness.probes.ebms_inbox import Arrival, Inbox, waiting_time
from harness.probes.probe import NotPossible, Tools, Yield
from harness.wire import keyinfo
from harness.wire.ebms import PING, PONG, Message, Party, read_message
from harness.wire.ebms_build import Outgoing, pack
from harness.wire.ebms_build import ping as build_ping
from harness.wire.hostname import host_of as name_of

AFTERWARDS = 0.3
NOT_PROVEN = Text(
    "geldigheid van het CPA, zakelijke services, handtekeningen en herhaalpogingen zijn hiermee niet beproefd",
    "validity of the CPA, business services, signatures and retries are not tested by this",
)


def own_domain(agreed: Agreed) -> str:
    """Return the domain of our MessageIds: the host of our endpoint in the CPA."""
    point = agreed.us.endpoint()
    return name_of(point.uri) if point else "ketentest.test"


def made_ping(agreed: Agreed, tools: Tools) -> Outgoing:
    """Return a fresh Ping, with SyncReply exactly when our default channel is synchronous (PING-006)."""
    channel = agreed.us.msh_channel(PING)
    sync = channel is not None and channel.synchronous
    draft = build_ping(
        agreed.our_id, agreed.their_id, agreed.cpa.cpaid.strip(), tools.now(), own_domain(agreed), sync_reply=sync
    )
    return pack(draft)


def translated(found: Diagnosis, detail: str = "") -> Finding:
    """Return the ERR-020 finding of a diagnosis."""
    cause = Text(f"{found.cause.nl}{detail}", f"{found.cause.en}{detail}")
    return Finding("ERR-020", case=found.key, observed=cause, expected=found.act)


def letter(found: Diagnosis, message_id: str, cpa_id: str) -> Observation | None:
    """Return what to write to the counterparty, with the numbers it needs."""
    if not found.letter.nl:
        return None
    numbers = f" (CPAId {cpa_id}, MessageId {message_id})"
    return Observation(
        Text(f"Voor {found.who.nl}: “{found.letter.nl}”{numbers}", f"For {found.who.en}: “{found.letter.en}”{numbers}")
    )


async def by_ourselves(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Send a Ping and wait for its Pong, in the HTTP response or at our own endpoint."""
    agreed = agreements(link)[0]
    outgoing = made_ping(agreed, tools)
    sent = read_message(outgoing.body, "text/xml")
    inbox = Inbox()
    way = link.connection.ebms.way if link.connection.ebms else "listener"
    async with _listening(tools, inbox, way):
        try:
            reply = await tools.exchange.post(
                link.endpoint("ebms"), outgoing.body, dict(outgoing.headers), name="ping", service="ping"
            )
        except TransportFailed as failed:
            found = diagnosis.of_stage(failed.stage)
            yield translated(found)
            raise
        for evidence in reply.evidence:
            yield evidence
        answer = read_message(reply.body, reply.header("content-type"))
        async for item in _answered(tools, agreed, sent, reply, answer, inbox):
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
        return
    if reply.body.strip():
        yield translated(diagnosis.CAUSES["not-ebms"])
        return
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
    arrivals = list(inbox.arrivals)
    chosen = ours or (arrivals[0] if arrivals else None)
    if chosen is None:
        found = diagnosis.CAUSES["network-back"]
        yield Finding(
            "PONG-012",
            case="none",
            observed=Text(f"geen Pong binnen {limit:g} s", f"no Pong within {limit:g} s"),
            expected=PONG,
            where=tools.link.endpoint("ebms"),
        )
        yield translated(found)
        mail = letter(found, sent.message_id, sent.cpa_id)
        if mail is not None:
            yield mail
        return
    for item in _arrived(tools, agreed, sent, chosen, arrivals):
        yield item
    for item in _in_time(agreed, chosen, in_time):
        yield item
    for item in _outcome(sent, chosen.message, chosen.seconds, "async"):
        yield item


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
    if arrival.seconds > in_time:
        yield Finding("PONG-011", case="late", observed=f"{arrival.seconds:.1f} s", expected=f"≤ {in_time:g} s")
    facts = keyinfo.facts_of(arrival.line.client_certificate) if arrival.line.client_certificate else None
    wanted = agreed.them.party_id.partition("_")[0]
    if facts is not None and wanted and facts.oin != wanted:
        yield Finding("PONG-011", case="foreign", observed=facts.oin or facts.subject, expected=wanted, where="TLS")


def _outcome(sent: Message, answer: Message, seconds: float, way: str) -> Iterator[Yield]:
    if answer.kind == PONG:
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
    for found in diagnosis.of_message(answer):
        mail = letter(found, sent.message_id, sent.cpa_id)
        if mail is not None:
            yield mail


async def handed_over(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Judge a Pong that the user's adapter received and that was captured (PONG-017)."""
    ebms = link.connection.ebms
    if ebms is None or not ebms.captured:
        raise NotPossible(
            "plaats het PingMMD of verstuur de Ping met uw adapter, en noem het vastgelegde antwoord in ebms.captured",
            "place the PingMMD or send the Ping with your adapter, and name the captured answer in ebms.captured",
        )
    path = link.folder / ebms.captured
    if not path.is_file():
        raise NotPossible(f"{path} is er niet", f"{path} is not there")
    data = path.read_bytes()
    agreed = agreements(link)[0]
    http, body = split_http(data)
    message = read_message(body, http.get("content-type") if http else "")
    yield tools.keep(path.name, data, "message/http")
    for item in tools.judge("ebms-message", Raw(body, path.name, http), companions=(agreed.raw,)):
        yield item
    yield Finding("PONG-017", observed=path.name)
    if message.kind != PONG:
        yield Finding("PONG-001", observed=message.summary or "-", expected=PONG, where=path.name)
        return
    yield Observation(
        Text(
            "Pong gelezen uit een vastgelegd bericht van uw adapter",
            "Pong read from a captured message of your adapter",
        ),
        (("MessageId Pong", message.message_id), ("RefToMessageId", message.ref_to), ("CPAId", message.cpa_id)),
    )


def notation(party: Party) -> str:
    """Return a party as the API of the Java adapter writes it: `type:value`."""
    return f"{party.type}:{party.value}" if party.type else party.value


async def through_adapter(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Let the user's own adapter send the Ping: the REST API of the Java adapter, or an Axway pick-up folder."""
    adapter, agreed = link.connection.adapter, agreements(link)[0]
    if adapter.pickup:
        from harness.documents import ping_mmd

        target = link.folder / adapter.pickup / "ping.mmd.xml"
        if not target.parent.is_dir():
            raise NotPossible(f"{target.parent} is er niet", f"{target.parent} is not there")
        target.write_bytes(ping_mmd(link))
        yield Observation(Text(f"PingMMD geplaatst: {target}", f"PingMMD placed: {target}"))
        async for item in handed_over(link, tools):
            yield item
        return
    if not adapter.api:
        raise NotPossible(
            "vul adapter.api in (REST-API van de Java-adapter) of adapter.pickup (Axway-map)",
            "fill in adapter.api (REST API of the Java adapter) or adapter.pickup (Axway folder)",
        )
    tools.exchange.guard.check(host_of(adapter.api), Reach.MESSAGE)
    url = f"{adapter.api.rstrip('/')}/ebms/ping/{quote(agreed.cpa.cpaid.strip(), safe='')}/from/{quote(notation(agreed.our_id), safe='')}/to/{quote(notation(agreed.their_id), safe='')}"
    async for item in _through_api(url, tools):
        yield item


async def _through_api(url: str, tools: Tools) -> AsyncIterator[Yield]:
    try:
        async with httpx.AsyncClient(timeout=tools.link.limits.read_timeout + 30, trust_env=False) as client:
            reply = await client.post(url)
    except httpx.HTTPError as wrong:
        raise NotPossible(
            f"de API van uw adapter antwoordt niet ({type(wrong).__name__}); controleer adapter.api",
            f"the API of your adapter does not answer ({type(wrong).__name__}); check adapter.api",
        ) from wrong
    yield tools.keep("adapter-ping.txt", reply.content, "text/plain")
    if reply.is_success:
        yield Observation(
            Text("uw adapter meldt dat de Pong is ontvangen", "your adapter reports that the Pong was received")
        )
        yield Finding("PONG-017", observed=f"HTTP {reply.status_code}")
        yield Finding("PONG-016", observed=NOT_PROVEN)
        return
    yield Finding("PONG-014", observed=reply.text[:300] or f"HTTP {reply.status_code}", expected=PONG)
    key = "network-back" if "response" in reply.text.lower() else "unknown"
    yield translated(diagnosis.CAUSES[key])
