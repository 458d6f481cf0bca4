"""Probes on TLS: the server and its certificate, mutual TLS, and our own listener."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import KetentestError
from harness.exchange import Message
from harness.guard import Reach, host_of, port_of
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.tls import MUTUAL, SERVER, TCP, judge_survey
from harness.lint.tls.words import ending, versions
from harness.model import Graded, NotRun, Observation, Severity, Text
from harness.probes.crls import lists_for
from harness.probes.net import plan_of, surveyed
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.probes.scans import scanned
from harness.wire.cpa_reading import parse_cpa
from harness.wire.survey import Survey, as_pem, readable, survey
from harness.wire.tls_offers import suite_of

UNTRUSTED: Final = frozenset({
    "PKIO-CHAIN-001", "PKIO-CHAIN-002", "PKIO-CHAIN-006", "PKIO-VAL-001", "PKIO-SAN-002", "PKIO-KU-004", "PKIO-SIG-001",
    "PKIO-KEY-001",
})  # fmt: skip
"""Findings on a server certificate with which no message can be sent: our own client would refuse it."""


@probe(
    "tls.server",
    title=("TLS-server en zijn certificaat", "TLS server and its certificate"),
    needs=("net.tls",),
    guard="connect",
    scope="endpoint",
)
async def server(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The server speaks the right versions and suites and shows a good certificate, complete and in order."""
    seen = _agreed(await surveyed(link, tools, tools.side), link, tools)
    own = list(judge_survey(seen, tools.context(role="tls-server"), SERVER))
    for item in own:
        yield item
    for extra in scanned(link, tools, seen.host, seen.port, own):
        yield extra
    if seen.chain:
        yield tools.keep(f"{tools.side}.served-chain.pem", as_pem(seen.chain), "application/x-pem-file")
        yield _shown(seen)
    unread: dict[str, None] = {}
    for judged in _judged_chain(link, tools, seen):
        if isinstance(judged, NotRun):
            unread[judged.rule] = None
        else:
            yield judged
    if unread:
        ids = ", ".join(unread)
        yield Observation(Text(f"niet getoetst: {ids}", f"not judged: {ids}"))


def _shown(seen: Survey) -> Observation:
    leaf = next(iter(readable(seen.chain[:1])), None)
    name = f"{leaf.subject.short} ({leaf.sha256[:8]})" if leaf else "?"
    suites = ", ".join(dict.fromkeys(suite_of(one) for one in seen.attempts() if one.offered_by_server))
    data = (("sha256", leaf.sha256 if leaf else ""), ("suites", suites), ("sent", str(len(seen.chain))))
    return Observation(f"{name}, {versions(seen.spoken)}, {suites}", data)


def _judged_chain(link: Link, tools: Tools, seen: Survey) -> list[Graded | NotRun]:
    key = f"served:{tools.side}"
    if key not in tools.shared:
        tools.shared[key] = _judge_chain(link, tools, seen)
    found: list[Graded | NotRun] = tools.shared[key]
    return found


def _judge_chain(link: Link, tools: Tools, seen: Survey) -> list[Graded | NotRun]:
    if not seen.chain:
        return []
    peer = link.connection.peer.oin
    settings = {"endpoint": (link.endpoint(tools.side),)} | ({"oin": (peer,)} if peer else {})
    chain = Raw(as_pem(seen.chain), f"{seen.host}:{seen.port}")
    return tools.judge(
        "certificate-chain", chain, role="tls-server", settings=settings, companions=lists_for(link, seen.chain)
    )


def _agreed(seen: Survey, link: Link, tools: Tools) -> Survey:
    """Add the server certificate that the CPA promises for this endpoint, when there is one (TLS-012)."""
    data = link.documents.get("cpa")
    if tools.side != "ebms" or not data:
        return seen
    try:
        parties = parse_cpa(data).parties
    except KetentestError:
        return seen
    promised = [
        certificate.der
        for party in parties
        if (endpoint := party.endpoint()) is not None and host_of(endpoint.uri) == seen.host
        if (certificate := party.server_certificate()) is not None and certificate.der
    ]
    return replace(seen, expected=tuple(promised))


@probe(
    "tls.mutual",
    title=("Tweezijdig TLS verplicht en geslaagd", "Mutual TLS required and successful"),
    needs=("net.tls",),
    guard="connect",
    scope="endpoint",
)
async def mutual(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The server asks for our certificate, requires it, refuses strangers and accepts ours, in each TLS version."""
    seen = await surveyed(link, tools, tools.side)
    for item in judge_survey(seen, tools.context(role="tls-client"), MUTUAL):
        if isinstance(item, NotRun) and item.rule == "MTLS-003":
            yield Observation(item.reason)
        else:
            yield item
    yield _summary(seen)
    for row in _ladder(seen):
        yield row
    _trusted(_judged_chain(link, tools, seen))


def _trusted(judged: list[Graded | NotRun]) -> None:
    """Stop when our own client would refuse the server: no message can be sent then, and tls.server says why."""
    errors = [item for item in judged if isinstance(item, Graded) and item.severity is Severity.ERROR]
    found = [item.finding.rule for item in errors if item.finding.rule in UNTRUSTED]
    if found:
        raise NotPossible(
            f"het certificaat van de server is niet te vertrouwen ({', '.join(dict.fromkeys(found))}; zie tls.server)",
            f"the server's certificate cannot be trusted ({', '.join(dict.fromkeys(found))}; see tls.server)",
        )


def _summary(seen: Survey) -> Observation:
    """Say in one line what the server does with a client certificate."""
    attempts = [one for one in seen.attempts() if one.offered in ("1.2", "1.3") and one.offered_by_server]
    spoken = versions({one.offered for one in attempts})
    asked = all(one.asked for one in attempts)
    needed = asked and not any(one.served for one in attempts if one.presented == "")
    admitted = [one.served for one in attempts if one.presented == "own"]
    nl = ["gevraagd" if asked else "niet gevraagd", "verplicht" if needed else "niet verplicht"]
    en = ["asked for" if asked else "not asked for", "required" if needed else "not required"]
    if admitted:
        nl.append(
            ("het onze geaccepteerd" if asked else "het onze genegeerd") if all(admitted) else "het onze geweigerd"
        )
        en.append(("ours accepted" if asked else "ours ignored") if all(admitted) else "ours refused")
    return Observation(
        Text(f"{spoken}: clientcertificaat {', '.join(nl)}", f"{spoken}: client certificate {', '.join(en)}")
    )


_CALLERS: Final = {
    "": Text("zonder certificaat", "without certificate"),
    "own": Text("met ons certificaat", "with our certificate"),
    "stranger": Text("met een onbekend certificaat", "with an unknown certificate"),
}


def _ladder(seen: Survey) -> list[Observation]:
    """Say per version and caller what came of it: asked or not, refused or served."""
    rows = []
    for one in seen.attempts():
        if one.offered in ("1.2", "1.3") and one.offered_by_server:
            who, how = _CALLERS.get(one.presented, Text(one.presented, one.presented)), ending(one)
            asked = Text("gevraagd", "asked for") if one.asked else Text("niet gevraagd", "not asked for")
            head = f"TLS {one.offered}"
            rows.append(
                Observation(Text(f"{head} {who.nl}: {asked.nl}; {how.nl}", f"{head} {who.en}: {asked.en}; {how.en}"))
            )
    return rows


@probe(
    "tls.own",
    title=("Eigen server vraagt en controleert het certificaat", "Own server asks for and checks the certificate"),
    guard="connect",
    side="ebms",
)
async def own(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Our own listener asks for a certificate, requires it, refuses a stranger and admits a good one (MTLS-006)."""
    side = link.connection.ebms
    if side is None:
        raise NotApplicable("deze verbinding ontvangt niets", "this connection receives nothing")
    host, port = host_of(side.own_endpoint), port_of(side.own_endpoint)
    tools.exchange.guard.check(host, Reach.CONNECT)
    if side.way == "adapter":
        seen = await _look_at_own(link, host, port)
    else:
        async with tools.listen(_nothing_here):
            seen = await _look_at_own(link, host, port)
    ctx = tools.context(role="tls-server")
    for item in judge_survey(seen, ctx, TCP, MUTUAL):
        yield item
    if not seen.is_tls:
        raise NotPossible(f"{host}:{port}: geen TLS-server gezien", f"{host}:{port}: no TLS server was seen")
    yield _summary(seen)
    for row in _ladder(seen):
        yield row
    for extra in scanned(link, tools, host, port):
        yield extra


async def _look_at_own(link: Link, host: str, port: int) -> Survey:
    addresses = await link.directory.addresses(host, port)
    plan = plan_of(link, everything=True)
    # One handshake per question is enough: this is about who is let in, not about suites.
    seen = await asyncio.to_thread(survey, host, port, addresses, replace(plan, presented=None, quick=True))
    material = link.material("tls-client")
    chain = tuple(c.public_bytes(Encoding.DER) for c in material.chain) if material else ()
    return replace(seen, ours=True, own_chain=chain)


async def _nothing_here(message: Message) -> web.Response:
    return web.Response(status=405, headers={"Allow": "POST"})
