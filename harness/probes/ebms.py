"""Probes on an ebMS interface: the PingMMD, Ping and Pong, and business messages in the six profiles."""

import hashlib
from collections.abc import AsyncIterator

from harness.documents import ping_mmd
from harness.errors import UnusableInput
from harness.link import Link
from harness.model import Observation, Text
from harness.probes import ebms_dialogue as dialogue
from harness.probes.ebms_adapter import handed_over, through_adapter
from harness.probes.ebms_agreed import agreements, harmless
from harness.probes.ebms_ping import by_ourselves
from harness.probes.msg_ebms import business
from harness.probes.msg_log import from_log
from harness.probes.msg_log import handed_over as handed_over_log
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe

PROFILES = ("be", "rm", "be-s", "rm-s", "be-e", "rm-e")
WAYS = {"hand-over": handed_over, "adapter": through_adapter}


def _ebms_only(link: Link) -> None:
    if link.connection.ebms is None:
        raise NotApplicable("deze verbinding heeft geen ebMS-koppelvlak", "this connection has no ebMS interface")


@probe("ebms.mmd", title=("PingMMD geschreven en beoordeeld", "PingMMD written and judged"))
async def mmd(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The Axway pick-up file for a Ping is written from the CPA and judged against it (LZ 4.4.5)."""
    _ebms_only(link)
    try:
        data = ping_mmd(link)
    except UnusableInput as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from wrong
    name = "ping.mmd.xml"
    path = tools.save(name, data)
    for item in tools.judge("ping-mmd", data, name, companions=(agreements(link)[0].raw,)):
        yield item
    digest = hashlib.sha256(data).hexdigest()
    yield tools.keep(name, data)
    yield Observation(
        Text(f"{path} (alleen voor Axway-adapters)", f"{path} (for Axway adapters only)"), (("SHA-256", digest),)
    )


@probe(
    "ebms.ping",
    title=("ebMS Ping beantwoord met Pong", "ebMS Ping answered by Pong"),
    needs=("tls.mutual",),
    guard="message",
    side="ebms",
)
async def ping(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The counterparty's MSH answers an ebMS Ping with a Pong (LZ 4.3.9)."""
    _ebms_only(link)
    way = link.connection.ebms.way if link.connection.ebms else ""
    async for item in WAYS.get(way, by_ourselves)(link, tools):
        yield item


@probe(
    "ebms.send",
    title=("ebMS-bericht verstuurd in het profiel", "ebMS message sent in the profile"),
    needs=("tls.mutual",),
    guard="message",
    side="ebms",
    params=PROFILES,
    spared=handed_over_log,
)
async def send(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """A business message in this profile is accepted, acknowledged and recognised when it comes twice (DK-8).

    On Lopende Zaken: the prepared messages of the chain test, each sent once (LZ 5.3.3).
    """
    _ebms_only(link)
    if link.connection.system == "lopende-zaken":
        async for item in (from_log if handed_over_log(link) else business)(link, tools):
            yield item
        return
    _echoing(link)
    async for item in dialogue.judged(dialogue.sending(tools, await dialogue.hold(link, tools))):
        yield item


@probe(
    "ebms.receive",
    title=("ebMS-bericht ontvangen in het profiel", "ebMS message received in the profile"),
    needs=("tls.mutual",),
    guard="message",
    side="ebms",
    params=PROFILES,
)
async def receive(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """A business message of the counterparty reaches our endpoint and follows the CPA (DK-8)."""
    _ebms_only(link)
    _echoing(link)
    held = await dialogue.hold(link, tools)
    async for item in dialogue.judged(dialogue.receiving(link, tools, held)):
        yield item


def _echoing(link: Link) -> None:
    if not harmless(link):
        raise NotPossible(
            "zakelijke berichten gaan alleen naar het lab of de Compliancevoorziening; leg voor de ketentest het log van uw adapter vast",
            "business messages go to the lab or the compliance facility only; for the chain test record the log of your adapter",
        )
