"""Ping through the user's own adapter, or read the Pong from what that adapter captured: its keys stay where they are."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Final
from urllib.parse import quote

import httpx

from harness.check import read
from harness.guard import Reach, host_of
from harness.link import Link
from harness.lint.ebms import diagnosis
from harness.lint.judge import Raw
from harness.lint.kinds import split_http
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import agreements
from harness.probes.ebms_ping import NOT_PROVEN, letter, state, translated
from harness.probes.probe import NotPossible, Tools, Yield
from harness.wire.ebms import PING, PONG, Party, read_message

ONE_WAY_ADAPTER = Text(
    "uw adapter verstuurde de Ping; een Ping van de ketenpartner naar u is niet gezien",
    "your adapter sent the Ping; no Ping from the counterparty to you was seen",
)


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
    data = read(path)
    agreed = agreements(link)[0]
    ping_sent, raw = _captured(data, path.name)
    message = read_message(raw.data, raw.http.get("content-type") if raw.http else "")
    yield tools.keep(path.name, data, "message/http")
    if not raw.data.strip():
        raise NotPossible(
            f"{path.name} bevat alleen een leeg antwoord: de Ping is aangenomen, de Pong komt als apart bericht op uw endpoint; leg dat vast",
            f"{path.name} holds an empty answer only: the Ping was accepted, the Pong comes as a message of its own to your endpoint; capture that",
        )
    for item in tools.judge("ebms-message", raw, companions=(agreed.raw, *ping_sent)):
        yield item
    yield Finding("PONG-017", observed=path.name)
    if message.kind != PONG:
        yield state("error" if message.fault is not None or message.errors else "foreign")
        yield Finding("PONG-001", observed=message.summary or "-", expected=PONG, where=path.name)
        for found in diagnosis.of_message(message, raw.http.status if raw.http else None):
            yield letter(found, message.ref_to, message.cpa_id)
        return
    yield Observation(
        Text(
            "Pong gelezen uit een vastgelegd bericht van uw adapter",
            "Pong read from a captured message of your adapter",
        ),
        (
            ("MessageId Pong", message.message_id),
            ("RefToMessageId", message.ref_to),
            ("CPAId", message.cpa_id),
            ("Timestamp", message.timestamp),
        ),
    )
    yield Finding("PONG-016", observed=NOT_PROVEN)


_START: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?Envelope[\s>]")
_END: Final = re.compile(rb"</(?:[\w.-]{1,40}:)?Envelope\s*>")


def envelopes(log: bytes) -> Iterator[bytes]:
    """Yield the SOAP envelopes in the log of an adapter, in their order."""
    place = 0
    while (start := _START.search(log, place)) and (end := _END.search(log, start.end())):
        yield log[start.start() : end.end()]
        place = end.end()


def _captured(data: bytes, name: str) -> tuple[tuple[Raw, ...], Raw]:
    """Return the Ping, when it is there too, and the answer: from one captured message, or from the log of an adapter."""
    http, body = split_http(data)
    whole = Raw(body, name, http)
    if http is not None or (body.lstrip()[:1] == b"<" and read_message(body).header is not None):
        return (), whole
    found = [Raw(m, name) for m in envelopes(body)]
    kinds = [(read_message(r.data), r) for r in found]
    pong = next((r for m, r in reversed(kinds) if m.kind == PONG), None) or next((r for _, r in reversed(kinds)), whole)
    asked = read_message(pong.data).ref_to
    ping_sent = tuple(r for m, r in kinds if m.kind == PING and m.message_id == asked)
    return ping_sent[:1], pong


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
    async for item in _through_api(url, tools, agreed.cpa.cpaid.strip()):
        yield item


async def _through_api(url: str, tools: Tools, cpa_id: str) -> AsyncIterator[Yield]:
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
        yield Finding("PING-012", observed=ONE_WAY_ADAPTER)
        yield Finding("PONG-016", observed=NOT_PROVEN)
        return
    yield Finding("PONG-014", observed=reply.text[:300] or f"HTTP {reply.status_code}", expected=PONG)
    found = diagnosis.CAUSES["network-back" if "response" in reply.text.lower() else "unknown"]
    yield state("error")
    yield translated(found)
    yield letter(found, "-", cpa_id)
