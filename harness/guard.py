"""Refuse what could do harm, before a packet leaves: unknown hosts, production messages, too many requests."""

import asyncio
import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from harness.errors import Refused
from harness.model import Environment


class Reach(IntEnum):
    """How far a probe goes: files only, a connection, a message that changes nothing, a message that does."""

    OFFLINE = 0
    CONNECT = 1
    MESSAGE = 2
    WRITE = 3


REACH: Final = {"offline": Reach.OFFLINE, "connect": Reach.CONNECT, "message": Reach.MESSAGE, "write": Reach.WRITE}

LAB_DOMAIN: Final = ".ketentest.test"

KNOWN_HOSTS: Final[Mapping[Environment, tuple[str, ...]]] = {
    Environment.PREPROD: (
        "cs-bedrijven.procesinfrastructuur.nl",
        "preprod-dgp2.procesinfrastructuur.nl",
        "wus.preproductie.digipoort.logius.nl",
        "preprod.mijnoverheid.nl",
        "pp2.toegang.overheid.nl",
    ),
    Environment.COMPLIANCE: (),
    Environment.PROD: (
        "dgp2.procesinfrastructuur.nl",
        "wus.digipoort.logius.nl",
        "www.digimelding.nl",
        "mijn.overheid.nl",
    ),
}


REVOCATION_HOSTS: Final = frozenset({
    "cert.pkioverheid.nl",
    "crl.digicert.eu",
    "crl.managedpki.com",
    "crl.pkioverheid.nl",
    "crl.quovadisglobal.com",
    "ocsp.digicert.eu",
    "procsp.managedpki.com",
})  # fmt: skip
"""Where PKIoverheid and its TSPs publish CRLs and OCSP answers: public, for everyone, in every environment."""


@dataclass(frozen=True)
class Cap:
    """How often one host may be asked, over all processes of this machine."""

    spacing: float = 1.0
    ping_spacing: float = 10.0
    calls_per_run: int = 10
    pings_per_run: int = 1

    def as_text(self) -> tuple[tuple[str, str], ...]:
        """Return the caps as the report prints them."""
        return (
            ("één verzoek tegelijk per host / one request at a time per host", "1"),
            ("seconden tussen verzoeken / seconds between requests", f"{self.spacing:g}"),
            ("seconden tussen Pings / seconds between Pings", f"{self.ping_spacing:g}"),
            ("Pings per verbinding en run / Pings per connection and run", f"{self.pings_per_run}"),
            ("aanroepen per dienst en run / calls per service and run", f"{self.calls_per_run}"),
        )


CAP: Final = Cap()


@dataclass
class Guard:
    """What this run may reach; `write` and `production` need a consent in the scenario and on the command line."""

    environment: Environment
    allowed: tuple[str, ...] = ()
    allow_production: bool = False
    allow_write: bool = False
    run_id: str = ""
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def check(self, host: str, reach: Reach, *, permission: bool = False) -> None:
        """Raise Refused when a probe of `reach` may not go to `host` in this environment."""
        host = host.lower().rstrip(".")
        if self.environment is Environment.LAB:
            if not host.endswith(LAB_DOMAIN):
                raise _refuse(
                    f"{host}: een run tegen het lab bereikt alleen het lab",
                    f"{host}: a run against the lab reaches the lab only",
                )
            return
        if self.environment is Environment.PROD:
            self._production(host, reach)
        self._known(host)
        if reach is Reach.WRITE and not (self.allow_write and permission):
            raise _refuse(
                f"{host}: een bericht dat iets wijzigt vraagt twee toestemmingen: allow_write = true in het scenario en --allow-write",
                f"{host}: a message that changes something needs two consents: allow_write = true in the scenario and --allow-write",
            )

    def check_published(self, host: str) -> None:
        """Raise Refused when `host` is no known place of CRLs and OCSP answers, nor one of the scenario."""
        host = host.lower().rstrip(".")
        if self.environment is Environment.LAB:
            self.check(host, Reach.CONNECT)
        elif host not in REVOCATION_HOSTS and host not in self.allowed:
            raise _refuse(
                f"{host}: geen bekende plaats van CRL's; voeg de host toe aan [hosts] {self.environment} = [...] als hij klopt. Er is niets opgehaald",
                f"{host}: no known place of CRLs; add the host to [hosts] {self.environment} = [...] if it is right. Nothing was fetched",
            )

    def check_early(self, host: str) -> None:
        """Raise Refused when DNS and TCP of a declared production host may not be tried from this run (LZ 4.4.2)."""
        if self.environment is Environment.LAB:
            raise _refuse(
                f"{host}: een run tegen het lab bereikt alleen het lab",
                f"{host}: a run against the lab reaches the lab only",
            )

    def _known(self, host: str) -> None:
        elsewhere = [env for env, hosts in KNOWN_HOSTS.items() if env is not self.environment and host in hosts]
        if elsewhere and host not in self.allowed:
            raise _refuse(
                f"{host}: dit is een host van {elsewhere[0]}, het scenario zegt {self.environment}; er is niets verstuurd",
                f"{host}: this is a host of {elsewhere[0]}, the scenario says {self.environment}; nothing was sent",
            )
        if host not in self.allowed and host not in KNOWN_HOSTS.get(self.environment, ()):
            raise _refuse(
                f"{host}: staat niet op de lijst van {self.environment}; voeg de host toe aan [hosts] {self.environment} = [...] als hij klopt. Er is niets verstuurd",
                f"{host}: is not on the list of {self.environment}; add the host to [hosts] {self.environment} = [...] if it is right. Nothing was sent",
            )

    def _production(self, host: str, reach: Reach) -> None:
        if not self.allow_production:
            raise _refuse(
                f'{host}: productie vraagt --allow-production naast environment = "prod"; er is niets verstuurd',
                f'{host}: production needs --allow-production besides environment = "prod"; nothing was sent',
            )
        if reach >= Reach.MESSAGE:
            raise _refuse(
                f"{host}: naar productie gaat nooit een bericht; alleen bestanden, DNS, TCP en de handshake",
                f"{host}: no message ever goes to production; only files, DNS, TCP and the handshake",
            )

    def count(self, host: str, service: str) -> None:
        """Count one call of `service`; raises Refused above the cap of the run. The lab has no cap."""
        if self.environment is Environment.LAB:
            return
        limit = CAP.pings_per_run if service == "ping" else CAP.calls_per_run
        key = (host, service)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] > limit:
            raise _refuse(
                f"{host}: {service} is in deze run al {limit} keer aangeroepen; dat is de grens",
                f"{host}: {service} was already called {limit} times in this run; that is the cap",
            )

    @asynccontextmanager
    async def turn(self, host: str, service: str = "") -> AsyncIterator[None]:
        """Wait for this host's turn: one request at a time, spaced, over all processes. The lab does not wait."""
        if self.environment is Environment.LAB:
            yield
            return
        self.count(host, service)
        spacing = CAP.ping_spacing if service == "ping" else CAP.spacing
        with _slot(host).open("a+") as slot:
            await _lock(slot)
            try:
                await asyncio.sleep(max(0.0, _next_turn(slot, spacing) - time.time()))
                yield
            finally:
                _stamp(slot, service)
                fcntl.flock(slot, fcntl.LOCK_UN)


def _refuse(nl: str, en: str) -> Refused:
    return Refused(nl, en)


def host_of(url: str) -> str:
    """Return the host of `url` in lower case."""
    return (urlsplit(url).hostname or "").lower()


def port_of(url: str) -> int:
    """Return the port of `url`; https means 443."""
    return urlsplit(url).port or 443


def _slot(host: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"ketentest-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / hashlib.sha256(host.encode()).hexdigest()[:24]


async def _lock(slot: IO[str]) -> None:
    while True:
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)
        else:
            return


def _next_turn(slot: IO[str], spacing: float) -> float:
    slot.seek(0)
    try:
        return float(json.loads(slot.read() or "{}").get("last", 0)) + spacing
    except (ValueError, AttributeError):
        return 0.0


def _stamp(slot: IO[str], service: str) -> None:
    slot.seek(0)
    slot.truncate()
    json.dump({"last": time.time(), "service": service}, slot)
    slot.flush()
