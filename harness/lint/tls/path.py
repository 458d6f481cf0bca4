"""The network path: DNS, TCP, what answers on the port, clocks, and whether every address behaves alike (NET-)."""

import hashlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from harness.lint.judge import Context, RuleTable
from harness.lint.tls.words import address, versions
from harness.model import Finding, NotRun, Text
from harness.wire import hostname
from harness.wire.survey import Survey, readable
from harness.wire.tls import Handshake
from harness.wire.x509 import Certificate

DNS = RuleTable[Survey]()
TCP = RuleTable[Survey]()
PORT = RuleTable[Survey]()
NETWORK = RuleTable[Survey]()

SLOW_SECONDS = 2.0
MOST_HANDSHAKES = 8
"""Per address of others: one without and one with our certificate for TLS 1.2 and 1.3, one each for 1.0 and 1.1."""

_CLASSES = {
    "connect-refused": Text("verbinding geweigerd: de poort is dicht", "connection refused: the port is closed"),
    "connect-timeout": Text("geen antwoord: waarschijnlijk een firewall", "no answer: probably a firewall"),
    "unreachable": Text("netwerk of host onbereikbaar", "network or host unreachable"),
    "reset": Text("verbinding afgebroken (RST)", "connection reset (RST)"),
    "closed": Text("verbinding meteen gesloten", "connection closed at once"),
}
_ANSWER = Text("een verbinding", "a connection")


@DNS.rule("NET-001")
def resolves(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The host name has an address (LZ 4.4.2)."""
    lookup = survey.lookup
    if lookup and not lookup.addresses:
        reason = lookup.error or "-"
        yield Finding(
            "NET-001",
            observed=Text(f"geen adres ({reason})", f"no address ({reason})"),
            expected=Text("een A- of AAAA-record", "an A or AAAA record"),
            where=survey.host,
        )


@TCP.rule("NET-002")
def every_address_answers(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """Each address of the host accepts a TCP connection; a dead one hides behind a good one (LZ 4.3.5)."""
    alive = any(one.reached for one in survey.connected)
    for one in survey.connected:
        if not one.reached:
            case = "ipv6" if alive and ":" in one.address[0] else one.outcome.removeprefix("connect-")
            yield Finding("NET-002", case, _CLASSES[one.outcome], _ANSWER, address(one.address))
    for attempt in _first_attempts(survey):
        if attempt.outcome in ("reset", "closed") and not _speaks(survey, attempt.address):
            yield Finding("NET-002", "reset", _CLASSES[attempt.outcome], _ANSWER, address(attempt.address))


def _first_attempts(survey: Survey) -> list[Handshake]:
    first: dict[tuple[str, int], Handshake] = {}
    for attempt in survey.handshakes:
        first.setdefault(attempt.address, attempt)
    return list(first.values())


def _speaks(survey: Survey, where: tuple[str, int]) -> bool:
    return any(one.hello is not None or one.alert is not None for one in survey.handshakes if one.address == where)


@NETWORK.rule("NET-004")
def nobody_in_between(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """No proxy opens the TLS on its way: through one, mutual TLS cannot work."""
    if survey.proxy:
        yield Finding(
            "NET-004",
            "proxy",
            survey.proxy,
            Text("een rechtstreekse verbinding", "a direct connection"),
            survey.host,
        )
    yield from _tunnel(survey)
    chain = readable(survey.chain)
    if chain and _looks_inspected(survey, chain, ctx):
        issuer = chain[0].issuer.short
        yield Finding(
            "NET-004",
            "inspected",
            Text(
                f"certificaat voor {survey.host} uitgegeven door {issuer}, geen PKIoverheid en geen publieke CA",
                f"certificate for {survey.host} issued by {issuer}, neither PKIoverheid nor a public CA",
            ),
            Text("het certificaat van de ketenpartner zelf", "the certificate of the counterparty itself"),
            f"{survey.host}:{survey.port}",
        )


def _tunnel(survey: Survey) -> Iterator[Finding]:
    through = survey.tunnelled
    if through is None:
        return
    if not through.connected:
        said = f"HTTP {through.status}" if through.status else _CLASSES.get(through.outcome, through.outcome)
        yield Finding("NET-004", "no-tunnel", said, "CONNECT: 200", survey.proxy)
    elif through.chain and survey.chain and through.chain[0] != survey.chain[0]:
        shown = next((one.issuer.short for one in readable(through.chain[:1])), "?")
        yield Finding(
            "NET-004",
            "inspected",
            Text(f"door de proxy: certificaat van {shown}", f"through the proxy: certificate of {shown}"),
            Text("hetzelfde certificaat als rechtstreeks", "the same certificate as directly"),
            survey.proxy,
        )


def _looks_inspected(survey: Survey, chain: list[Certificate], ctx: Context) -> bool:
    leaf = chain[0]
    covered = any(hostname.matches(name, survey.host) for name in leaf.dns_names)
    known = {c.subject.key for c in _trusted(ctx)}
    linked = any(c.issuer.key in known for c in chain)
    nobody_asks = not any(one.asked for one in survey.handshakes)
    return covered and nobody_asks and not leaf.policies and not leaf.self_issued and not linked


def _trusted(ctx: Context) -> list[Certificate]:
    from harness.wire import certfile

    return [c for data in ctx.trust for c in certfile.opened(data, None).certificates]


@PORT.rule("NET-005")
def tls_on_the_port(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """What answers on the port speaks TLS."""
    for attempt in _first_attempts(survey):
        if attempt.outcome == "not-tls":
            said = attempt.first_bytes[:40].decode("ascii", "replace").strip().splitlines()
            yield Finding(
                "NET-005",
                "http" if attempt.first_bytes.startswith((b"HTTP/", b"<")) else "other",
                Text(f"geen TLS; de server zegt: {said[:1]}", f"no TLS; the server says: {said[:1]}"),
                "TLS",
                address(attempt.address),
            )


@PORT.rule("TLS-011")
def handshake_in_time(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The handshake ends, and soon."""
    silent = {one.address for one in survey.handshakes if one.outcome == "tls-timeout"}
    for where in silent:
        yield Finding(
            "TLS-011",
            "no-answer",
            Text("geen antwoord op de handshake", "no answer to the handshake"),
            Text("een handshake binnen de tijd", "a handshake in time"),
            address(where),
        )
    times = sorted(one.tls_seconds for one in survey.handshakes if one.complete)
    if times and times[len(times) // 2] > SLOW_SECONDS:
        middle = times[len(times) // 2]
        yield Finding("TLS-011", "slow", f"{middle:.1f} s", f"≤ {SLOW_SECONDS:.0f} s", f"{survey.host}:{survey.port}")


@NETWORK.rule("NET-006")
def clocks_agree(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """Our clock and the server's agree: SAML and WS-Security time stamps expire within minutes."""
    skews = [skew for skew in (_skew(one) for one in survey.handshakes) if skew is not None]
    if not skews:
        return
    skew = min(skews, key=abs)
    case = "far" if abs(skew) > 300 else "off" if abs(skew) > 60 else "seconds" if abs(skew) > 2 else ""
    if case:
        yield Finding("NET-006", case, f"{skew:+.0f} s", "≤ 2 s", survey.host)


def _skew(attempt: Handshake) -> float | None:
    try:
        theirs = parsedate_to_datetime(attempt.date).timestamp() if attempt.date else None
    except (ValueError, OverflowError):
        return None
    # The header has whole seconds, cut off: half a second is the best guess.
    return None if theirs is None else theirs + 0.5 - attempt.clock


@NETWORK.rule("NET-007")
def large_messages_pass(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """A request over 16 kB passes: tunnels and load balancers with a small MTU lose those."""
    small = any(one.served for one in survey.attempts(presented="own"))
    if survey.large is not None and small and not survey.large.served:
        yield Finding(
            "NET-007",
            observed=Text("een verzoek van 24 kB blijft zonder antwoord", "a request of 24 kB gets no answer"),
            expected=Text("een antwoord, zoals op een klein verzoek", "an answer, as to a small request"),
            where=address(survey.large.address),
        )


@NETWORK.rule("NET-008")
def connection_stays_open(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The server keeps a connection open for the next request."""
    if any(one.served and one.closes for one in survey.attempts(presented="own")):
        yield Finding("NET-008", observed="Connection: close", expected="keep-alive", where=survey.host)


@NETWORK.rule("NET-010")
def addresses_alike(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """Behind a load balancer every address shows the same certificate, versions and demand for ours."""
    behaviours = {one.address: _behaviour(survey, one.address) for one in survey.handshakes}
    if len(set(behaviours.values())) > 1:
        pairs = [f"{address(where)}: {what}" for where, what in behaviours.items()]
        same = Text("op elk adres hetzelfde", "the same at every address")
        yield Finding("NET-010", observed="; ".join(pairs), expected=same, where=survey.host)


def _behaviour(survey: Survey, where: tuple[str, int]) -> str:
    attempts = [one for one in survey.attempts() if one.address == where]
    leaf = next((hashlib.sha256(one.chain[0]).hexdigest()[:12] for one in attempts if one.chain), "-")
    spoken = {one.offered for one in attempts if one.offered_by_server}
    asks = any(one.asked for one in attempts)
    return f"{leaf}, {versions(spoken)}, mTLS {'+' if asks else '-'}"


@NETWORK.rule("NET-011")
def polite(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """Our own limit: no more handshakes with a host of others than the cap table allows (LZ 4.4.4)."""
    if survey.thorough or survey.ours:
        return
    for attempt in _first_attempts(survey):
        count = sum(one.address == attempt.address for one in survey.handshakes)
        if count > MOST_HANDSHAKES:
            yield Finding(
                "NET-011", observed=str(count), expected=f"≤ {MOST_HANDSHAKES}", where=address(attempt.address)
            )
