"""Probes on the network path: DNS, TCP, whether TLS answers on the port, and what lies in between."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import Refused
from harness.guard import host_of, port_of
from harness.link import Link
from harness.lint.tls import DNS, NETWORK, PORT, TCP, judge_survey
from harness.lint.tls.words import address, versions
from harness.model import Environment, Finding, Observation, Text
from harness.probes.hierarchies import generations
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.wire.survey import Lookup, Plan, Survey, connect, look_up, proxy_of, readable, survey, through_proxy
from harness.wire.tls import Patience
from harness.wire.tls_caller import Caller
from harness.wire.tls_openssl import Presented

SPACING = 1.0
"""Seconds between two handshakes with a host of others (cap table)."""


@probe(
    "net.dns",
    title=("Hostnaam heeft een adres", "Host name has an address"),
    guard="connect",
    scope="endpoint",
)
async def dns(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The host of the endpoint resolves from this machine (LZ 4.4.2)."""
    host, port = link.address(tools.side)
    lookup = await _lookup(link, host, port)
    tools.shared[f"dns:{tools.side}"] = lookup
    for item in judge_survey(Survey(host, port, lookup), tools.context(), DNS):
        yield item
    if lookup.addresses:
        found = ", ".join(address(one) for one in lookup.addresses)
        alias = f" ({lookup.canonical})" if lookup.canonical else ""
        yield Observation(f"{host}{alias}: {found}", (("host", host), ("addresses", found)))


async def _lookup(link: Link, host: str, port: int) -> Lookup:
    mapped = await link.directory.addresses(host, port) if (host, port) in link.directory.entries else None
    return Lookup(host, tuple(mapped)) if mapped else await asyncio.to_thread(look_up, host, port)


@probe(
    "net.tcp",
    title=("Elk adres neemt een verbinding aan", "Every address accepts a connection"),
    needs=("net.dns",),
    guard="connect",
    scope="endpoint",
)
async def tcp(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Every address of the host accepts a TCP connection, each tried by itself (LZ 4.3.5)."""
    host, port = link.address(tools.side)
    lookup: Lookup = tools.shared.get(f"dns:{tools.side}") or await _lookup(link, host, port)
    tries = []
    for one in lookup.addresses:
        async with tools.exchange.guard.turn(host, f"tcp {one[0]}"):
            tries.append(await asyncio.to_thread(connect, one, link.limits.connect_timeout))
    seen = Survey(host, port, lookup, tuple(tries))
    tools.shared[f"tcp:{tools.side}"] = seen
    for item in judge_survey(seen, tools.context(), TCP):
        yield item
    for attempt in seen.connected:
        if attempt.reached:
            shown = f"{address(attempt.address)}: {attempt.seconds * 1000:.0f} ms"
            source = Text(f"{shown}, bronadres {attempt.source}", f"{shown}, source address {attempt.source}")
            yield Observation(source, (("address", address(attempt.address)), ("source", attempt.source)))


@probe(
    "net.tls",
    title=("Op de poort antwoordt een TLS-server", "A TLS server answers on the port"),
    needs=("net.tcp",),
    guard="connect",
    scope="endpoint",
)
async def tls(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """What answers speaks TLS, and in time."""
    seen = await surveyed(link, tools, tools.side)
    for item in judge_survey(replace(seen, connected=()), tools.context(), TCP, PORT):
        yield item
    if seen.spoken:
        times = sorted(one.tls_seconds for one in seen.handshakes if one.complete)
        middle = f", {times[len(times) // 2] * 1000:.0f} ms" if times else ""
        count = len(seen.handshakes)
        yield Observation(
            Text(
                f"{versions(seen.spoken)}{middle} ({count} handshakes)",
                f"{versions(seen.spoken)}{middle} ({count} handshakes)",
            )
        )
    if seen.chain:
        yield generations(link, tools, seen)


@probe(
    "net.path",
    title=("Netwerkpad zonder hindernissen", "Network path without obstacles"),
    needs=("net.tls",),
    guard="connect",
    scope="endpoint",
)
async def path(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """No proxy opens the TLS, the clocks agree, large messages pass, every address behaves alike (LZ 4.4.2)."""
    seen = await surveyed(link, tools, tools.side)
    for item in judge_survey(seen, tools.context(), NETWORK):
        yield item
    for row in overview(link, tools, seen):
        yield row
    if tools.side == link.sides[0]:
        async for extra in early(link, tools):
            yield extra


async def early(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Try DNS and TCP, and no more, of the production addresses that are declared: that path is best laid now (LZ 4.4.2)."""
    for url in link.connection.production:
        host, port = host_of(url), port_of(url)
        try:
            tools.exchange.guard.check_early(host)
        except Refused as refused:
            yield Observation(refused.text)
            continue
        lookup = await asyncio.to_thread(look_up, host, port)
        tries = []
        for one in lookup.addresses:
            async with tools.exchange.guard.turn(host, f"tcp {one[0]}"):
                tries.append(await asyncio.to_thread(connect, one, link.limits.connect_timeout))
        for item in judge_survey(Survey(host, port, lookup, tuple(tries)), tools.context(), DNS, TCP):
            yield replace(item, case="early") if isinstance(item, Finding) else item
        for attempt in tries:
            if attempt.reached:
                shown = f"{host} ({attempt.address[0]}):{port}"
                flow = ("flow", "production"), ("direction", "out"), ("source", attempt.source), ("host", host)
                rest = ("address", attempt.address[0]), ("port", str(port)), ("network", link.connection.network)
                yield Observation(Text(f"productie: TCP naar {shown}", f"production: TCP to {shown}"), (*flow, *rest))


def overview(link: Link, tools: Tools, seen: Survey) -> list[Observation]:
    """Return a row of the network overview per address, and one for the way in (LZ 4.4.2)."""
    material = link.material("tls-client")
    ours = material.leaf.subject.rfc4514_string() if material else "-"
    theirs = next((one.subject.short for one in readable(seen.chain[:1])), "-")
    network, spoken = link.connection.network, versions(seen.spoken)
    rows = []
    for one in seen.connected:
        flow = {
            "flow": tools.side,
            "direction": "out",
            "source": one.source or "-",
            "host": seen.host,
            "address": one.address[0],
            "port": str(seen.port),
            "network": network,
            "tls": spoken,
            "client certificate": ours,
            "server certificate": theirs,
        }
        shown = f"{one.source or '-'} → {seen.host} ({one.address[0]}):{seen.port}, {network}, {spoken}"
        rows.append(Observation(shown, tuple(flow.items())))
    return rows + _way_in(link, tools.side, theirs)


def _way_in(link: Link, side: str, theirs: str) -> list[Observation]:
    own = getattr(getattr(link.connection, side), "own_endpoint", "")
    material = link.material("tls-server")
    if "://" not in own:
        return []
    host, port = host_of(own), port_of(own)
    flow = {
        "flow": side,
        "direction": "in",
        "source": link.connection.peer.name or "-",
        "host": host,
        "address": "-",
        "port": str(port),
        "network": link.connection.network,
        "tls": "-",
        "client certificate": theirs,
        "server certificate": material.leaf.subject.rfc4514_string() if material else "-",
    }
    shown = f"{flow['source']} → {host}:{port}, {flow['network']}"
    return [Observation(shown, tuple(flow.items()))]


def thorough(link: Link) -> bool:
    """Whether everything may be tried: the lab, or a permission that the report prints (LZ 4.4.4)."""
    return link.environment is Environment.LAB or bool(link.connection.permission)


def plan_of(link: Link, *, everything: bool) -> Plan:
    """Return how to look at an endpoint of this connection."""
    material = link.material("tls-client")
    limits = link.limits
    polite = link.environment is not Environment.LAB
    return Plan(
        own=Caller("own", material.load_into) if material else None,
        presented=Presented(tuple(material.chain), material.private_key) if material and everything else None,
        thorough=everything,
        patience=Patience(limits.connect_timeout, limits.connect_timeout, limits.read_timeout),
        pause=(lambda: time.sleep(SPACING)) if polite else (lambda: None),
        # Towards production there is the handshake and nothing else: not even a HEAD.
        ask="listen" if link.environment is Environment.PROD else "head",
    )


async def surveyed(link: Link, tools: Tools, side: str) -> Survey:
    """Return what was seen of one endpoint: looked at once per connection, kept for the other probes."""
    key = f"survey:{side}"
    if key not in tools.shared:
        before: Survey | None = tools.shared.get(f"tcp:{side}")
        if before is None:
            raise NotPossible("net.tcp is niet uitgevoerd", "net.tcp did not run")
        live = [one.address for one in before.connected if one.reached]
        plan = plan_of(link, everything=thorough(link))
        # One turn for the whole look: the pauses inside keep the pace, the turn keeps everyone else away.
        async with tools.exchange.guard.turn(before.host, "tls"):
            seen = await asyncio.to_thread(survey, before.host, before.port, live, plan)
        material = link.material("tls-client")
        own = tuple(c.public_bytes(Encoding.DER) for c in material.chain) if material else ()
        proxy = "" if link.environment is Environment.LAB else proxy_of(before.host)
        tunnelled = None
        if proxy and link.environment is not Environment.PROD:
            async with tools.exchange.guard.turn(before.host, "tunnel"):
                tunnelled = await asyncio.to_thread(through_proxy, proxy, before.host, before.port, plan.patience)
        tools.shared[key] = replace(
            seen,
            lookup=before.lookup,
            connected=before.connected,
            own_chain=own,
            proxy=proxy,
            tunnelled=tunnelled,
        )
    found: Survey = tools.shared[key]
    return found
