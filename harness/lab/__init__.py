"""The embedded lab: counterparties on loopback that behave, or misbehave as asked."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar, Final, Protocol, Self

from harness.errors import UnusableInput
from harness.lab.ca import Pki
from harness.lab.faults.tls import CONFIGURATIONS, GOOD, TlsConfig
from harness.lab.responder import FAULTS as PUBLISHED
from harness.lab.responder import HOSTS, Responder
from harness.lab.server import Reply, Request, Served, serve
from harness.model import Text

Address = tuple[str, int]


@dataclass(frozen=True)
class Place:
    """Where a counterparty stands: its connection and side, the certificates of the lab, its faults, our own side.

    `settings`: own_name, own_oin, own_endpoint, peer_name, peer_oin, own_certificates (role → PEM, leaf first),
    profiles, providers, service, mode. `resolve` says where our own listener can be reached.
    """

    name: str
    system: str
    side: str
    pki: Pki
    faults: frozenset[str]
    settings: Mapping[str, Any]
    now: Callable[[], datetime]
    resolve: Callable[[str, int], Address]

    @property
    def host(self) -> str:
        """The host name of this counterparty: real-looking, unique per connection and side."""
        return f"lab-{self.side}.{self.name}.ketentest.test"


class Counterparty(Protocol):
    """What every counterparty of the lab can do."""

    FAULTS: ClassVar[Mapping[str, Text]]

    def __init__(self, place: Place) -> None: ...

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that its certificate carries, the one of the endpoint first."""
        ...

    @property
    def endpoint(self) -> str:
        """The URL that the scenario's `lab` stands for."""
        ...

    async def start(self) -> None:
        """Make ready before the first request."""
        ...

    async def stop(self) -> None:
        """Finish what still runs, such as an answer on its way to our listener."""
        ...

    async def handle(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    def documents(self) -> Mapping[str, bytes]:
        """Return what Logius or DICTU would have sent: `cpa`, `wsdl`, `metadata`."""
        ...


COUNTERPARTIES: Final = {
    ("lopende-zaken", "ebms"): "harness.lab.zaken:ZakenMsh",
    ("lopende-zaken", "wus"): "harness.lab.profielservice:Profielservice",
    ("digikoppeling", "ebms"): "harness.lab.msh:Msh",
    ("digikoppeling", "wus"): "harness.lab.facility:Generic",
    ("digipoort", "wus"): "harness.lab.deliveries:DeliveringDigipoort",
    ("digimelding", "wus"): "harness.lab.deliveries:ReportingDigimelding",
    ("tvs-cluster", "saml"): "harness.lab.tvs:RoutingService",
    ("tvs-direct", "saml"): "harness.lab.tvs:RoutingService",
}


@dataclass(frozen=True)
class Running:
    """A counterparty that answers, and the loopback addresses behind each of its host names."""

    counterparty: Counterparty
    served: Served
    addresses: Mapping[str, tuple[Address, ...]]


class Lab:
    """The counterparties of one run; each has its own server, and all stop when the lab is left.

    >>> async with Lab(Pki()) as lab:                 # doctest: +SKIP
    ...     running = await lab.start(place)
    """

    def __init__(self, pki: Pki, listen: Address = ("127.0.0.1", 0)) -> None:
        self.pki = pki
        self.listen = listen
        self._open = contextlib.AsyncExitStack()
        self.running: list[Running] = []
        self.responder = Responder(pki)
        self.published: dict[str, Address] = {}
        """Where the CRLs, CA certificates and OCSP answers are: host (port 80) to loopback address."""

    async def __aenter__(self) -> Self:
        plain = TlsConfig(behaviour="plaintext")
        serving = serve(self.responder.handle, self.pki.identity("counterparty"), pki=self.pki, tls=plain)
        served = await self._open.enter_async_context(serving)
        self.published = dict.fromkeys(HOSTS, served.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def start(self, place: Place) -> Running:
        """Start the counterparty of `place`; raises UnusableInput for a fault that it does not know."""
        kind = counterparty_class(place.system, place.side)
        tls: TlsConfig = getattr(kind, "TLS", GOOD)
        self.responder.faults |= place.faults & set(PUBLISHED)
        for fault in place.faults - set(kind.FAULTS):
            tls = CONFIGURATIONS.get(_down(fault, place.side), tls)
        counterparty = kind(place)
        await counterparty.start()
        identity = self.pki.issue(
            "counterparty",
            oin=place.settings.get("peer_oin"),
            organisation=f"TEST {place.settings.get('peer_name') or place.system}",
            hosts=counterparty.hosts,
        )
        host, port = self.listen
        serving = serve(counterparty.handle, identity, pki=self.pki, tls=tls, host=host, port=port)
        served = await self._open.enter_async_context(serving)
        if hasattr(counterparty, "served"):
            counterparty.served = served
        self._open.push_async_callback(counterparty.stop)
        self.running.append(Running(counterparty, served, dict.fromkeys(counterparty.hosts, served.addresses)))
        return self.running[-1]


def counterparty_class(system: str, side: str) -> type[Counterparty]:
    """Return the class that plays `side` of `system`."""
    module, _, name = COUNTERPARTIES[(system, side)].partition(":")
    found: type[Counterparty] = getattr(import_module(module), name)
    return found


def known_faults(system: str) -> dict[str, Text]:
    """Return every fault that a connection of `system` can play, by name."""
    faults = {name: config.text for name, config in CONFIGURATIONS.items()} | PUBLISHED
    for owner, side in COUNTERPARTIES:
        if owner == system:
            faults |= counterparty_class(system, side).FAULTS
            faults[f"{side}-down"] = CONFIGURATIONS["down"].text
            if side == "ebms":
                faults["msh-down"] = CONFIGURATIONS["down"].text
    return faults


def check_fault(system: str, connection: str, fault: str) -> None:
    """Raise UnusableInput when `connection` does not know `fault`, with the nearest that it does know."""
    import difflib

    known = known_faults(system)
    if fault in known:
        return
    near = difflib.get_close_matches(fault, known, n=3, cutoff=0.4)
    names = ", ".join(sorted(known))
    hint = (
        Text(f"; bedoelt u {' of '.join(near)}?", f"; did you mean {' or '.join(near)}?")
        if near
        else Text(f". Bekend: {names}", f". Known: {names}")
    )
    raise UnusableInput(
        f"{connection}:{fault}: deze fout kent het lab niet{hint.nl}",
        f"{connection}:{fault}: the lab does not know this fault{hint.en}",
    )


def _down(fault: str, side: str) -> str:
    if fault == f"{side}-down" or (fault == "msh-down" and side == "ebms"):
        return "down"
    return "" if fault.endswith("-down") else fault
