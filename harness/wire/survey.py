"""Look at one endpoint from all sides, politely or thoroughly, and keep the attempts for the judges."""

import contextlib
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from harness.wire import tls, tls_caller, tls_offers, tls_openssl
from harness.wire.der import DerBroken
from harness.wire.tls import PATIENCE, Address, Ask, Handshake, Patience, shake_hands
from harness.wire.tls_caller import Caller
from harness.wire.tls_openssl import Presented
from harness.wire.x509 import Certificate

LARGE: Final = b"\0" * (24 * 1024)
"""More than one TLS record: load balancers and tunnels that break do so above 16 kB."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What DNS said of a host."""

    host: str
    addresses: tuple[Address, ...] = ()
    canonical: str = ""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Connected:
    """One TCP attempt at one address."""

    address: Address
    outcome: str
    seconds: float = 0.0
    source: str = ""
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the address accepted the connection."""
        return self.outcome == "connected"


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything seen of one endpoint. What was not tried is empty or None, so that a judge can say not-run.

    `thorough` says that this is our own host, the lab, or that there is a permission. `ours` marks our own listener.
    """

    host: str
    port: int
    lookup: Lookup | None = None
    connected: tuple[Connected, ...] = ()
    handshakes: tuple[Handshake, ...] = ()
    suites: tuple[tuple[str, tuple[str, ...]], ...] = ()
    curves: tuple[str, ...] | None = None
    renegotiations: int | None = None
    stapled: bytes | None = None
    asked_stapled: bool = False
    large: Handshake | None = None
    thorough: bool = False
    ours: bool = False
    own_chain: tuple[bytes, ...] = ()
    expected: tuple[bytes, ...] = ()
    proxy: str = ""
    tunnelled: Handshake | None = None

    def attempts(self, *, version: str = "", presented: str | None = None, sni: bool | None = True) -> list[Handshake]:
        """Return the handshakes with this version, caller and use of SNI."""
        return [
            one
            for one in self.handshakes
            if (not version or one.offered == version)
            and (presented is None or one.presented == presented)
            and (sni is None or one.sni is sni)
        ]

    @property
    def spoken(self) -> list[str]:
        """The TLS versions that the server was seen to speak."""
        return sorted({one.offered for one in self.handshakes if one.offered_by_server})

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates that the first address sent (with SNI)."""
        return next((one.chain for one in self.attempts() if one.chain), ())

    @property
    def is_tls(self) -> bool:
        """Whether any attempt saw a TLS server."""
        return any(one.hello is not None or one.alert is not None for one in self.handshakes)


def as_pem(chain: Iterable[bytes]) -> bytes:
    """Return a served chain as PEM."""
    return "".join(ssl.DER_cert_to_PEM_cert(data) for data in chain).encode()


def readable(chain: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates of a served chain that can be read; what a server sends may be anything."""
    found = []
    for data in chain:
        with contextlib.suppress(DerBroken, ValueError, IndexError):
            certificate = Certificate(data)
            _ = certificate.subject.key, certificate.issuer.key
            found.append(certificate)
    return found


def look_up(host: str, port: int) -> Lookup:
    """Ask the resolver of this machine for every address of `host`."""
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except (OSError, UnicodeError) as wrong:
        return Lookup(host, error=str(getattr(wrong, "strerror", None) or wrong), seconds=time.monotonic() - began)
    addresses = tuple(dict.fromkeys((str(entry[4][0]), int(entry[4][1])) for entry in found))
    canonical = next((entry[3] for entry in found if entry[3]), "")
    return Lookup(host, addresses, "" if canonical.lower() == host.lower() else canonical, "", time.monotonic() - began)


def connect(address: Address, timeout: float = PATIENCE.connect) -> Connected:
    """Open and close one TCP connection: a dead IPv6 address must not hide behind a good IPv4 one."""
    began = time.monotonic()
    try:
        with socket.create_connection(address, timeout) as wire:
            return Connected(address, "connected", time.monotonic() - began, str(wire.getsockname()[0]))
    except TimeoutError:
        outcome, detail = "connect-timeout", ""
    except ConnectionRefusedError:
        outcome, detail = "connect-refused", ""
    except ConnectionResetError:
        outcome, detail = "reset", ""
    except OSError as wrong:
        outcome, detail = "unreachable", wrong.strerror or ""
    return Connected(address, outcome, time.monotonic() - began, detail=detail)


def proxy_of(host: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the proxy that other programs on this machine would use for `https://host`, or an empty string."""
    import urllib.request

    if environ is not None:
        proxies = {k[: -len("_proxy")].lower(): v for k, v in environ.items() if k.lower().endswith("_proxy")}
        bypass = urllib.request.proxy_bypass_environment(host, proxies)  # type: ignore[attr-defined]
        return "" if bypass else _without_password(proxies.get("https", proxies.get("all", "")))
    return proxy_of(host, os.environ)


def _without_password(proxy: str) -> str:
    """Return the address of a proxy without the user and password that may stand in it."""
    return re.sub(r"(?<=//)[^/@]*@|^[^/@]*@", "", proxy)


def through_proxy(proxy: str, host: str, port: int, patience: Patience = PATIENCE) -> Handshake:
    """Shake hands with `host` through an HTTP proxy (`http://proxy:8080`), to compare with the direct way."""
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    address = (parts.hostname or "", parts.port or 8080)
    return shake_hands(address, host, version="1.2", patience=patience, ask="nothing", tunnel=f"{host}:{port}")


@dataclass(frozen=True)
class Plan:
    """How to survey: who calls, how thoroughly, how patiently, and what to do between two attempts.

    `quick` asks who is let in and nothing more: no stapling, no suites, no large request.
    """

    own: Caller | None = None
    presented: Presented | None = None
    thorough: bool = False
    patience: Patience = PATIENCE
    pause: Callable[[], object] = lambda: None
    ask: Ask = "head"
    quick: bool = False
    versions: tuple[str, ...] = ("1.2", "1.3", "1.0", "1.1")
    others: tuple[Caller, ...] = field(default=())

    def attempts(self) -> Iterator[tuple[Caller, str, bool]]:
        """Yield caller, version and use of SNI of each attempt at one address.

        Towards hosts of others: per version one handshake without and one with our certificate, no more.
        """
        modern = [version for version in self.versions if version in ("1.2", "1.3")]
        for version in self.versions:
            yield tls_caller.NOBODY, version, True
            if self.own and version in modern:
                yield self.own, version, True
        if self.thorough:
            for version in modern:
                yield tls_caller.stranger(), version, True
                for other in self.others:
                    yield other, version, True
                yield tls_caller.NOBODY, version, False


def survey(host: str, port: int, addresses: Iterable[Address], plan: Plan, **known: object) -> Survey:
    """Attempt every address separately; an address that gives no connection or no TLS gets one attempt only."""
    found = Survey(host, port, thorough=plan.thorough, **known)  # type: ignore[arg-type]
    handshakes: list[Handshake] = []
    for address in addresses:
        handshakes += _one_address(address, host, plan)
    found = replace(found, handshakes=tuple(handshakes))
    live = next((one.address for one in handshakes if one.hello is not None or one.alert is not None), None)
    if live is None or plan.quick:
        return found
    plan.pause()
    found = replace(found, stapled=tls_openssl.stapled(live, host, patience=plan.patience), asked_stapled=True)
    return _thorough(found, live, plan) if plan.thorough else found


def _one_address(address: Address, host: str, plan: Plan) -> Iterator[Handshake]:
    for index, (caller, version, sni) in enumerate(plan.attempts()):
        if index:
            plan.pause()
        attempt = shake_hands(address, host, caller, version, patience=plan.patience, sni=sni, ask=plan.ask)
        yield attempt
        if attempt.outcome in tls.NO_CONNECTION or attempt.outcome in ("not-tls", "tls-timeout"):
            return


def _thorough(found: Survey, live: Address, plan: Plan) -> Survey:
    host, patience = found.host, plan.patience
    suites = tuple(
        (
            version,
            tuple(
                tls_offers.suite_of(one) for one in tls_offers.enumerate_suites(live, host, version, patience=patience)
            ),
        )
        for version in ("1.0", "1.1", "1.2")
        if version == "1.2" or version in found.spoken
    )
    offered = tls_offers.WEAK_CURVES + (() if "1.2" in found.spoken else tls_offers.RARE_CURVES)
    curves = tuple(one.seen.group for one in tls_offers.curves_alone(live, host, offered, patience=patience))
    large = None
    if plan.own:
        version = "1.3" if "1.3" in found.spoken else "1.2"
        large = shake_hands(live, host, plan.own, version, patience=patience, body=LARGE)
    return replace(
        found,
        suites=(*suites, ("1.3", tls_openssl.tls13_suites(live, host, patience=patience))),
        curves=curves,
        renegotiations=tls_openssl.renegotiations(live, host, plan.presented, patience=patience),
        large=large,
    )


def survey_many(targets: Iterable[tuple[str, int, tuple[Address, ...]]], plan: Plan, workers: int = 16) -> list[Survey]:
    """Survey many endpoints at once, in threads: OpenSSL works outside the interpreter lock."""
    with ThreadPoolExecutor(workers, thread_name_prefix="survey") as pool:
        return list(pool.map(lambda t: survey(t[0], t[1], t[2], plan), targets))
