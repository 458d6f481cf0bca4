"""Test a user's own application against the routing service of the lab: what it must accept and what it must refuse.

The oracle is what a person would see: after the login, is the protected page open? A status code decides nothing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from harness.lab.tvs import RoutingService
from harness.lab.tvs_answers import OTHER_BSN
from harness.lab.tvs_cases import BACK, LATER, Case, case_of, cases
from harness.lab.tvs_forgeries import TEST_BSN
from harness.lab.tvs_visitor import Page, Stuck, Visitor, Visitors
from harness.model import Finding, NotRun, Text

ARTIFACT: Final = "*SAMLart=*"
ELSEWHERE: Final = "https://elders.ketentest.test/"
OPEN: Final = Text("ingelogd", "logged in")
HANGS: Final = Text("geen pagina binnen de tijd", "no page in time")
ALIVE: Final = Text("sessie bestaat nog", "session still alive")
UNREAD: Final = (
    "de toepassing haalt de metadata niet op na --refresh",
    "the application does not fetch the metadata after --refresh",
)
CONTROLLED: Final = ("SAML-NEG-20", "SAML-NEG-21", "SAML-NEG-22", "SAML-NEG-23")
"""Rules that ask for a proper page; falling over on another forged answer is told as SAML-NEG-21."""

Outcome = AsyncIterator[Finding | NotRun]


@dataclass(frozen=True, slots=True)
class Application:
    """The application under test: where a login starts, which page is protected, how to see that it is open.

    `logout` is where a user logs out, `refresh` an address that makes it read the metadata of the RD again.
    `patience` is how many seconds a visitor waits for a page when the back channel keeps silent.
    """

    login: str
    protected: str
    marker: str
    log: Callable[[], str] = lambda: ""
    logout: str = ""
    refresh: str = ""
    patience: float = 40.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one visitor saw during one login: the last page, the protected page, or why there was none."""

    last: Page | None = None
    inside: str = ""
    logged_in: bool = False
    problem: str | Text = ""

    @property
    def crashed(self) -> str | Text:
        """What shows that the application fell over instead of refusing, or an empty string."""
        return self.problem or (self.last.crash if self.last else "")


class Battery:
    """Plays every case against the application, each with a fresh visitor."""

    def __init__(self, service: RoutingService, application: Application, visitors: Visitors) -> None:
        """Play with the visitors that `visitors` makes: plain HTTP, or tabs of a real browser."""
        self.service, self.app, self.visitors = service, application, visitors
        service.late = application.patience + 5

    async def run(self, chosen: Iterable[Case] | None = None) -> Outcome:
        """Yield a finding for every case that the application judges wrongly; nothing else runs without a sound login."""
        first = await self._login()
        if not first.logged_in:
            yield Finding("SAML-NEG-27", "sound", _shown(first), self.app.marker)
            yield NotRun("SAML-NEG-01", Text("een gewone login lukt niet", "an ordinary login does not succeed"))
            return
        for finding in self._sent():
            yield finding
        for case in chosen if chosen is not None else cases():
            async for finding in self.play(case):
                yield finding
        for rule, check in (
            ("SAML-DV-002", self._cookies),
            ("SAML-DV-004", self._other_browser),
            ("SAML-DV-005", self._failed_ends_session),
            ("SAML-NEG-08", self._artifact_again),
            ("SAML-NEG-25", self._relay_state),
            ("SAML-SLO-003", self._log_out),
            ("SAML-NEG-24", self._back_channel),
            ("SAML-NEG-30", self._refreshed),
        ):
            self.service.play(frozenset())
            async for item in _ended(rule, check()):
                yield item
        self.service.play(frozenset())
        for told in self._told():
            yield told

    def _sent(self) -> Iterator[Finding]:
        """What the routing service has against the messages of the application."""
        for judged in self.service.heard:
            yield from (graded.finding for graded in judged.findings)

    async def play(self, case: Case) -> AsyncIterator[Finding]:
        """Play one case and yield what the application did wrong."""
        if "replay" in case.faults:
            await self._login()
        for finding in _weighed(case, await self._login(case.faults)):
            yield finding

    # --- one login ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _visitor(self) -> AsyncIterator[Visitor]:
        """Give a fresh visitor; what is done with it ends when patience does."""
        async with self.visitors() as visitor, asyncio.timeout(4 * self.app.patience):
            yield visitor

    async def _login(self, faults: frozenset[str] = frozenset()) -> Attempt:
        """Log in with a fresh visitor while these faults are played."""
        self.service.play(faults)
        async with self._visitor() as visitor:
            return await self._attempt(visitor)

    async def _attempt(self, visitor: Visitor) -> Attempt:
        """Log in as a person does, and look whether the protected page is open."""
        try:
            async with asyncio.timeout(self.app.patience):
                asked, page = await visitor.walk(self.app.login)
        except TimeoutError:
            return Attempt(problem=HANGS)
        except Stuck as wrong:
            return Attempt(problem=wrong.text)
        if not asked:
            return Attempt(
                page, problem=Text(f"HTTP {page.status}, geen SAMLRequest", f"HTTP {page.status}, no SAMLRequest")
            )
        if page.host in self.service.hosts:
            refused = self.service.heard[-1].told if self.service.heard else ""
            return Attempt(page, problem=f"RD: HTTP {page.status} {refused}".rstrip())
        inside = await self._inside(visitor)
        return Attempt(page, inside, logged_in=self.app.marker in inside)

    async def _inside(self, visitor: Visitor) -> str:
        """Return the protected page as this visitor sees it."""
        page = await visitor.open(self.app.protected)
        return page.text if page.status == 200 else ""

    async def _halfway(self, visitor: Visitor) -> str:
        """Log in up to the address with the artifact, and return that unvisited."""
        address = await visitor.until(self.app.login, ARTIFACT)
        if not address:
            raise Stuck("geen SAMLart", "no SAMLart")
        return address

    async def _is_open(self, visitor: Visitor) -> bool:
        return self.app.marker in await self._inside(visitor)

    # --- session ------------------------------------------------------------------------------------------------

    async def _cookies(self) -> AsyncIterator[Finding]:
        """Session cookies are Secure and HttpOnly, and change at login (9.7)."""
        async with self._visitor() as visitor:
            address = await self._halfway(visitor)
            before = {c.name: c.value for c in await visitor.cookies()}
            await visitor.open(address)
            held = await visitor.cookies()
            logged_in = await self._is_open(visitor)
        for cookie in held:
            marks = {"secure": cookie.secure, "httponly": cookie.http_only}
            absent = [mark for mark, present in marks.items() if not present]
            if absent:
                yield Finding("SAML-DV-002", observed=", ".join(absent), where=cookie.name)
        kept = [c.name for c in held if before.get(c.name) == c.value]
        if logged_in and held and len(kept) == len(held):
            yield Finding("SAML-DV-003", observed=", ".join(kept))

    async def _other_browser(self) -> AsyncIterator[Finding]:
        """An answer that was meant for one browser opens nothing in another."""
        async with self._visitor() as visitor, self._visitor() as victim:
            await victim.open(await self._halfway(visitor))
            if await self._is_open(victim):
                yield Finding("SAML-DV-004", observed=OPEN)

    async def _failed_ends_session(self) -> AsyncIterator[Finding]:
        """A login that fails ends the session that was running (9.9)."""
        async with self._visitor() as visitor:
            await self._attempt(visitor)
            self.service.play(frozenset({"cancel"}))
            if (await self._attempt(visitor)).logged_in:
                yield Finding("SAML-DV-005", observed=ALIVE)

    async def _artifact_again(self) -> AsyncIterator[Finding]:
        """An artifact that was used opens nothing, and is no reason to fall over (9.7)."""
        async with self._visitor() as visitor, self._visitor() as other:
            address = await self._halfway(visitor)
            await visitor.open(address)
            again = await visitor.open(address)
            if again.crash:
                yield Finding("SAML-NEG-08", "crash", again.crash, where="artifact")
            await other.open(address)
            if await self._is_open(other):
                yield Finding("SAML-NEG-08", "accepted", OPEN, where="artifact")

    async def _relay_state(self) -> AsyncIterator[Finding]:
        """An altered RelayState leads nowhere else, and one that is absent or unknown is no reason to fall over (9.8)."""
        for value in (ELSEWHERE, "onbekend", None):
            async with self._visitor() as visitor:
                address = _with_relay_state(await self._halfway(visitor), value)
                if value == ELSEWHERE and await visitor.until(address, f"{ELSEWHERE}*"):
                    yield Finding("SAML-NEG-25", observed=ELSEWHERE)
                elif value != ELSEWHERE and (crash := (await visitor.open(address)).crash):
                    yield Finding("SAML-NEG-25", "crash", crash, where=value or "—")

    # --- logout, back channel, metadata ---------------------------------------------------------------------------

    async def _log_out(self) -> Outcome:
        """Logging out tells the RD and ends the own session, also when the RD refuses (3.1.1.1, 7.7)."""
        if not self.app.logout:
            reason = Text("geen uitlogadres opgegeven (--logout)", "no logout address given (--logout)")
            for rule in ("SAML-SLO-001", "SAML-SLO-003", "SAML-SLO-004"):
                yield NotRun(rule, reason)
            return
        for fault in ("", "logout-denied", "logout-unsigned"):
            self.service.play(frozenset({fault} - {""}))
            heard = len(self.service.heard)
            async with self._visitor() as visitor:
                await self._attempt(visitor)
                asked, page = await visitor.walk(self.app.logout)
                still_open = await self._is_open(visitor)
            crashed = page.crash if page.host not in self.service.hosts else ""
            if not fault and not asked:
                yield Finding("SAML-SLO-001", where="logout")
            if still_open or crashed:
                yield Finding("SAML-SLO-003", observed=crashed or ALIVE, where=fault or "logout")
            if not fault:
                for judged in self.service.heard[heard:]:
                    for graded in judged.findings if judged.message.kind == "LogoutRequest" else ():
                        yield graded.finding
        self.service.play(frozenset())
        async for finding in self._unasked():
            yield finding

    async def _unasked(self) -> AsyncIterator[Finding]:
        """A request at the logout address that nobody expects gives a proper answer."""
        ours = [e.sp for e in self.service.entities.values() if e.sp]
        places = [place for role in ours for place in role.of("SingleLogoutService")]
        for place in places[:1]:
            async with self._visitor() as visitor:
                page = await visitor.post(place.location, {"SAMLRequest": "PHg+"})
            if page.crash:
                yield Finding("SAML-SLO-004", observed=page.crash, where=place.location)

    async def _back_channel(self) -> Outcome:
        """The application looks at the certificate of the back channel: its chain and its host (9.4)."""
        if self.service.served is None:
            reason = Text("het achterkanaal loopt niet over TLS", "the back channel does not run over TLS")
            yield NotRun("SAML-NEG-24", reason)
            return
        for name in BACK:
            found = [finding async for finding in self.play(case_of(name))]
            if found and self.service.resumed:
                reason = Text("de toepassing hervat een eerdere TLS-sessie", "the application resumes a TLS session")
                yield NotRun("SAML-NEG-24", reason)
                continue
            for finding in found:
                yield finding

    async def _refreshed(self) -> Outcome:
        """Metadata that is expired, broken or of another OIN does not replace what the application had (8.2)."""
        if not self.app.refresh:
            reason = Text(
                "geen adres opgegeven dat de metadata van de RD ververst (--refresh)",
                "no address given that refreshes the metadata of the RD (--refresh)",
            )
            yield NotRun("SAML-NEG-30", reason)
            return
        anyone = (await self._login(frozenset({"unknown-key"}))).logged_in
        for name in LATER:
            crashed = await self._refresh(frozenset({name}))
            seen = crashed or await self._taken_over(anyone=anyone)
            await self._refresh(frozenset())
            if seen:
                yield Finding("SAML-NEG-30", observed=seen, where=name)

    async def _refresh(self, faults: frozenset[str]) -> str:
        """Let the application read the metadata, and return once it has; returns what shows a crash."""
        self.service.play(faults)
        async with self._visitor() as visitor:
            page = await visitor.open(self.app.refresh)
        try:
            async with asyncio.timeout(self.app.patience):
                await self.service.metadata_read.wait()
        except TimeoutError:
            raise Stuck(*UNREAD) from None
        return page.crash

    async def _taken_over(self, *, anyone: bool) -> str | Text:
        """Return what shows that the wrong metadata is in use: an address or a key that no other metadata names."""
        self.service.strayed.clear()
        after = await self._login()
        if self.service.strayed:
            return Text(f"overgenomen: {self.service.strayed[0]}", f"taken over: {self.service.strayed[0]}")
        if not after.logged_in:
            return Text("inloggen lukt daarna niet meer", "logging in fails from then on")
        if not anyone and (await self._login(frozenset({"unknown-key"}))).logged_in:
            return Text("sleutel overgenomen", "key taken over")
        return ""

    def _told(self) -> Iterator[Finding]:
        """No test BSN in what the application logged (7.1)."""
        log = self.app.log()
        if TEST_BSN in log or OTHER_BSN in log:
            yield Finding("SAML-AS-057", observed=Text("test-BSN in het logbestand", "test BSN in the log"))


async def _ended(rule: str, check: AsyncIterator[Finding] | Outcome) -> Outcome:
    """Yield what a check finds; where its visit gets nowhere, the rule did not run."""
    try:
        async for item in check:
            yield item
    except Stuck as wrong:
        yield NotRun(rule, wrong.text)
    except TimeoutError:
        yield NotRun(rule, HANGS)


def _with_relay_state(address: str, value: str | None) -> str:
    parts = urlsplit(address)
    query = re.sub(r"&RelayState=[^&]*", "", parts.query)
    return urlunsplit(parts._replace(query=query if value is None else f"{query}&RelayState={value}"))


def _weighed(case: Case, attempt: Attempt) -> Iterator[Finding]:
    if "advice-other-bsn" in case.faults and OTHER_BSN in attempt.inside:
        yield Finding("SAML-NEG-19", "advice", Text("BSN uit Advice", "BSN from Advice"), where=case.name)
    if attempt.logged_in is case.refuse:
        seen = OPEN if case.refuse else attempt.crashed or Text("geweigerd", "refused")
        yield Finding(case.rule, "accepted" if case.refuse else "refused", seen, where=case.name)
    elif attempt.crashed:
        rule = "SAML-NEG-21" if case.rule.startswith("SAML-NEG") and case.rule not in CONTROLLED else case.rule
        yield Finding(rule, "crash", attempt.crashed, where=case.name)


def _shown(attempt: Attempt) -> str | Text:
    if attempt.crashed:
        return attempt.crashed
    return f"HTTP {attempt.last.status}" if attempt.last is not None else "—"
