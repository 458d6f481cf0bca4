"""Test a user's own application against the routing service of the lab: what it must accept and what it must refuse.

The oracle is what a person would see: after the login, is the protected page open? A status code decides nothing.
"""

import re
import ssl
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpx

from harness.errors import UnusableInput
from harness.lab.faults.saml import FAULTS
from harness.lab.tvs import RoutingService
from harness.lab.tvs_answers import OTHER_BSN
from harness.lab.tvs_forgeries import TEST_BSN
from harness.model import Finding, NotRun, Text
from harness.wire.saml_message import attributes

HOPS: Final = 6
TRACE: Final = re.compile(
    r"Traceback \(most recent call last\)|\bat [\w$.]+\([\w$]+\.java:\d+\)|Stack trace|Unhandled exception|\bat .+\.cs:line \d+",
    re.IGNORECASE,
)
LATER: Final = ("metadata-expired", "metadata-broken", "metadata-other-oin")
BACK: Final = ("resolve-other-ca", "resolve-other-host")
SLOW: Final = frozenset({"slow"})
OTHERS: Final = frozenset({"sso-error", "bad-artifact", "represented", "logout-denied", "logout-unsigned"})
"""Faults of the front channel and of logout, and representation: a service may support it or not."""


@dataclass(frozen=True, slots=True)
class Application:
    """The application under test: where a login starts, which page is protected, how to see that it is open.

    `logout` is where a user logs out, `refresh` an address that makes it read the metadata of the RD again.
    """

    login: str
    protected: str
    marker: str
    log: Callable[[], str] = lambda: ""
    logout: str = ""
    refresh: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the battery: the faults that are played, the rule, and whether the application must refuse."""

    name: str
    rule: str
    faults: frozenset[str]
    refuse: bool = True


def crash_of(page: httpx.Response) -> str:
    """Return what shows that an application fell over, or an empty string."""
    if page.status_code >= 500:
        return f"HTTP {page.status_code}"
    return "stack trace" if TRACE.search(page.text) else ""


@dataclass
class Attempt:
    """What one browser saw during one login."""

    logged_in: bool = False
    pages: list[httpx.Response] = field(default_factory=list)
    landing: str = ""
    problem: str = ""

    @property
    def last(self) -> httpx.Response | None:
        """The page on which the login ended."""
        return self.pages[-1] if self.pages else None

    @property
    def crashed(self) -> str:
        """What shows that the application fell over instead of refusing, or an empty string."""
        return self.problem if self.last is None else crash_of(self.last)


Browser = Callable[[], httpx.AsyncClient]


def cases() -> tuple[Case, ...]:
    """Return the cases that come with the product."""
    names = (n for n in FAULTS if n not in {*LATER, *BACK, *SLOW, *OTHERS})
    return tuple(Case(name, FAULTS[name].rule, frozenset({name}), FAULTS[name].refuse) for name in names)


def read_cases(text: str, name: str) -> tuple[Case, ...]:
    """Read a user's own cases: a table per case with `rule`, `faults` and `refuse`; raises UnusableInput."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise UnusableInput(f"{name}: geen TOML: {wrong}", f"{name}: no TOML: {wrong}") from None
    return tuple(_case(name, key, table) for key, table in tables.items())


def _case(file: str, name: str, table: object) -> Case:
    faults = frozenset(table.get("faults", ())) if isinstance(table, dict) else frozenset()
    unknown = sorted(faults - set(FAULTS))
    if not isinstance(table, dict) or not faults or unknown:
        raise UnusableInput(
            f"{file}: {name}: noem bij faults bekende fouten ({', '.join(unknown) or 'geen genoemd'}); bekend: {', '.join(FAULTS)}",
            f"{file}: {name}: name known faults under faults ({', '.join(unknown) or 'none named'}); known: {', '.join(FAULTS)}",
        )
    rule = str(table.get("rule") or FAULTS[min(faults)].rule)
    return Case(name, rule, faults, bool(table.get("refuse", True)))


class Battery:
    """Plays every case against the application, each in a fresh browser."""

    def __init__(
        self, service: RoutingService, application: Application, browser: Browser, tabs: Callable[[], Any] | None = None
    ) -> None:
        """Play by plain HTTP with `browser`, or the cases in the `tabs` of a real one."""
        self.service, self.app, self.browser, self.tabs = service, application, browser, tabs
        self.seen: list[httpx.Response] = []

    async def run(self, chosen: Iterable[Case] | None = None) -> AsyncIterator[Finding | NotRun]:
        """Yield a finding for every case that the application judges wrongly; nothing else runs without a sound login."""
        self.service.play(frozenset())
        async with self.browser() as client:
            first = await self.log_in(client)
        if not first.logged_in:
            yield Finding("SAML-NEG-27", "sound", first.crashed or first.problem or _shown(first), self.app.marker)
            yield NotRun("SAML-NEG-01", Text("een gewone login lukt niet", "an ordinary login does not succeed"))
            return
        for finding in self._sent():
            yield finding
        for case in chosen if chosen is not None else cases():
            async for finding in self._play(case):
                yield finding
        for check in (self._cookies, self._other_browser, self._failed_ends_session, self._relay_state):
            self.service.play(frozenset())
            async for finding in check():
                yield finding
        self.service.play(frozenset())
        async for item in self._log_out():
            yield item
        for group in (self._back_channel, self._refreshed):
            async for item in group():
                yield item
        self.service.play(frozenset())
        for told in self._told():
            yield told

    def _sent(self) -> Iterator[Finding]:
        """What the routing service has against the messages of the application."""
        for judged in self.service.heard:
            yield from (graded.finding for graded in judged.findings)

    async def _play(self, case: Case) -> AsyncIterator[Finding]:
        if self.tabs is not None:
            attempt, body = await self._in_tab(case)
            for finding in _weighed(case, attempt, body):
                yield finding
            return
        async with self.browser() as client:
            if "replay" in case.faults:
                self.service.play(frozenset())
                await self.log_in(client)
                client.cookies.clear()
            self.service.play(case.faults)
            attempt = await self.log_in(client)
            body = await self._protected(client) if "advice-other-bsn" in case.faults else ""
        for finding in _weighed(case, attempt, body):
            yield finding

    async def _in_tab(self, case: Case) -> tuple[Attempt, str]:
        """Play one case in a tab of a real browser; returns what was seen, and the protected page."""
        assert self.tabs is not None  # asked for by the caller
        if "replay" in case.faults:
            self.service.play(frozenset())
            async with self.tabs() as tab:
                await tab.log_in(self.app.login)
        self.service.play(case.faults)
        async with self.tabs() as tab:
            text = await tab.log_in(self.app.login)
            status = await tab.status()
            page = httpx.Response(status if status >= 100 else 200, text=text)
            body = await tab.open(self.app.protected)
        return Attempt(logged_in=self.app.marker in body, pages=[page]), body

    # --- one login ----------------------------------------------------------------------------------------------

    async def log_in(self, client: httpx.AsyncClient) -> Attempt:
        """Log in as a browser does, and look whether the protected page is open."""
        attempt = Attempt()
        try:
            page = await self._follow(client, "GET", self.app.login)
            answer = await self._submit(client, page, attempt)
            if answer is not None:
                attempt.landing = urljoin(str(answer.url), answer.headers.get("location", ""))
                attempt.pages.append(await self._follow(client, "GET", attempt.landing))
            attempt.logged_in = await self.is_open(client)
        except httpx.HTTPError as wrong:
            attempt.problem = type(wrong).__name__
        return attempt

    async def _submit(self, client: httpx.AsyncClient, page: httpx.Response, attempt: Attempt) -> httpx.Response | None:
        action, fields = _form(page)
        if "SAMLRequest" not in fields:
            attempt.problem = f"HTTP {page.status_code}, geen SAMLRequest"
            attempt.pages.append(page)
            return None
        answer = await client.post(action, data=fields)
        if answer.status_code not in (302, 303):
            attempt.problem = f"RD: HTTP {answer.status_code}"
            return None
        return answer

    async def _follow(self, client: httpx.AsyncClient, method: str, url: str) -> httpx.Response:
        page = await client.request(method, url)
        for _ in range(HOPS):
            self.seen.append(page)
            if page.status_code not in (301, 302, 303, 307) or "location" not in page.headers:
                return page
            page = await client.get(urljoin(str(page.url), page.headers["location"]))
        return page

    async def is_open(self, client: httpx.AsyncClient) -> bool:
        """Whether this browser sees the protected page."""
        return self.app.marker in await self._protected(client)

    async def _protected(self, client: httpx.AsyncClient) -> str:
        page = await client.get(self.app.protected)
        return page.text if page.status_code == 200 else ""

    # --- session ------------------------------------------------------------------------------------------------

    async def _cookies(self) -> AsyncIterator[Finding]:
        """Session cookies are Secure and HttpOnly, and change at login (9.7)."""
        self.seen.clear()
        async with self.browser() as client:
            await self._follow(client, "GET", self.app.login)
            before = {c.name: c.value for c in client.cookies.jar}
            attempt = await self.log_in(client)
            after = {c.name: c.value for c in client.cookies.jar}
        lines = {
            line.split("=")[0]: line for page in self.seen for line in page.headers.get_list("set-cookie")
        }.values()
        for line in lines:
            absent = [mark for mark in ("secure", "httponly") if mark not in line.lower()]
            if absent:
                yield Finding("SAML-DV-002", observed=", ".join(absent), where=line.split("=")[0])
        kept = [name for name, value in before.items() if after.get(name) == value]
        if attempt.logged_in and after and len(kept) == len(after):
            yield Finding("SAML-DV-003", observed=", ".join(kept))

    async def _other_browser(self) -> AsyncIterator[Finding]:
        """An answer that was meant for one browser opens nothing in another."""
        async with self.browser() as victim, self.browser() as client:
            page = await self._follow(client, "GET", self.app.login)
            answer = await self._submit(client, page, Attempt())
            if answer is not None:
                await self._follow(victim, "GET", answer.headers.get("location", ""))
                if await self.is_open(victim):
                    yield Finding("SAML-DV-004", observed=Text("ingelogd", "logged in"))

    async def _failed_ends_session(self) -> AsyncIterator[Finding]:
        """A login that fails ends the session that was running (9.9)."""
        async with self.browser() as client:
            await self.log_in(client)
            self.service.play(frozenset({"cancel"}))
            attempt = await self.log_in(client)
            if attempt.logged_in:
                yield Finding("SAML-DV-005", observed=Text("sessie bestaat nog", "session still alive"))

    async def _relay_state(self) -> AsyncIterator[Finding]:
        """An altered RelayState leads nowhere else (9.8)."""
        elsewhere = "https://elders.ketentest.test/"
        async with self.browser() as client:
            page = await self._follow(client, "GET", self.app.login)
            answer = await self._submit(client, page, Attempt())
            if answer is None:
                return
            parts = urlsplit(answer.headers.get("location", ""))
            query = re.sub(r"&RelayState=[^&]*", "", parts.query) + f"&RelayState={elsewhere}"
            landed = await client.get(urlunsplit(parts._replace(query=query)))
            if landed.headers.get("location", "").startswith(elsewhere):
                yield Finding("SAML-NEG-25", observed=elsewhere)

    # --- logout, back channel, metadata ---------------------------------------------------------------------------

    async def _log_out(self) -> AsyncIterator[Finding | NotRun]:
        """Logging out tells the RD and ends the own session, also when the RD refuses (3.1.1.1, 7.7)."""
        if not self.app.logout:
            reason = Text("geen uitlogadres opgegeven (--logout)", "no logout address given (--logout)")
            for rule in ("SAML-SLO-001", "SAML-SLO-003", "SAML-SLO-004"):
                yield NotRun(rule, reason)
            return
        for fault in ("", "logout-denied", "logout-unsigned"):
            self.service.play(frozenset({fault} - {""}))
            heard = len(self.service.heard)
            async with self.browser() as client:
                await self.log_in(client)
                sent, crashed = await self._leave(client)
                still_open = await self.is_open(client)
            if not fault and not sent:
                yield Finding("SAML-SLO-001", where="logout")
            if still_open or crashed:
                seen = crashed or Text("sessie bestaat nog", "session still alive")
                yield Finding("SAML-SLO-003", observed=seen, where=fault or "logout")
            if not fault:
                for judged in self.service.heard[heard:]:
                    for graded in judged.findings if judged.message.kind == "LogoutRequest" else ():
                        yield graded.finding
        self.service.play(frozenset())
        async for finding in self._unasked():
            yield finding

    async def _leave(self, client: httpx.AsyncClient) -> tuple[bool, str]:
        """Log out as a browser does; returns whether a LogoutRequest was sent, and what shows a crash."""
        page = await self._follow(client, "GET", self.app.logout)
        action, fields = _form(page)
        if "SAMLRequest" not in fields:
            return False, crash_of(page)
        answer = await client.post(action, data=fields)
        action, fields = _form(answer)
        if "SAMLResponse" not in fields:
            return True, ""
        return True, crash_of(await client.post(action, data=fields))

    async def _unasked(self) -> AsyncIterator[Finding]:
        """A request at the logout address that nobody expects gives a proper answer."""
        sender = next(iter(e for e in self.service.entities.values() if e.sp), None)
        places = sender.sp.of("SingleLogoutService") if sender and sender.sp else ()
        for place in places[:1]:
            async with self.browser() as client:
                page = await client.post(place.location, data={"SAMLRequest": "PHg+"})
            if crash_of(page):
                yield Finding("SAML-SLO-004", observed=crash_of(page), where=place.location)

    async def _back_channel(self) -> AsyncIterator[Finding | NotRun]:
        """The application looks at the certificate of the back channel: its chain and its host (9.4)."""
        if self.service.served is None:
            reason = Text("het achterkanaal loopt niet over TLS", "the back channel does not run over TLS")
            yield NotRun("SAML-NEG-24", reason)
            return
        for name in BACK:
            async for finding in self._play(Case(name, FAULTS[name].rule, frozenset({name}))):
                yield finding

    async def _refreshed(self) -> AsyncIterator[Finding | NotRun]:
        """Metadata that is expired, broken or of another OIN does not replace what the application had (8.2)."""
        if not self.app.refresh:
            reason = Text(
                "geen adres opgegeven dat de metadata van de RD ververst (--refresh)",
                "no address given that refreshes the metadata of the RD (--refresh)",
            )
            yield NotRun("SAML-NEG-30", reason)
            return
        for name in LATER:
            self.service.play(frozenset({name}))
            async with self.browser() as client:
                page = await client.get(self.app.refresh)
            self.service.play(frozenset())
            async with self.browser() as client:
                attempt = await self.log_in(client)
            if crash_of(page) or not attempt.logged_in:
                seen = crash_of(page) or Text("inloggen lukt daarna niet meer", "logging in fails from then on")
                yield Finding("SAML-NEG-30", observed=seen, where=name)
            async with self.browser() as client:
                await client.get(self.app.refresh)

    def _told(self) -> Iterator[Finding]:
        """No test BSN in what the application logged (7.1)."""
        log = self.app.log()
        if TEST_BSN in log or OTHER_BSN in log:
            yield Finding("SAML-AS-057", observed=Text("test-BSN in het logbestand", "test BSN in the log"))


class _Located(httpx.AsyncHTTPTransport):
    """Leads host names to the addresses that the lab gave them, as curl's `--resolve` does."""

    def __init__(self, locate: Callable[[str, int], tuple[str, int]], context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        self.locate = locate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that its host is led to, under its own name."""
        host = request.url.host
        address, port = self.locate(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        named = request.url
        request.url = named.copy_with(host=address, port=port)
        try:
            return await super().handle_async_request(request)
        finally:
            request.url = named


def browser_to(locate: Callable[[str, int], tuple[str, int]], anchors: Iterable[bytes]) -> Browser:
    """Return a maker of browsers that trust `anchors` and the system, and know where the lab is."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=b"\n".join(anchors).decode("ascii", "replace"))
    return lambda: httpx.AsyncClient(transport=_Located(locate, context), timeout=40, trust_env=False)


def _weighed(case: Case, attempt: Attempt, body: str) -> Iterator[Finding]:
    if "advice-other-bsn" in case.faults and OTHER_BSN in body:
        yield Finding("SAML-NEG-19", "advice", Text("BSN uit Advice", "BSN from Advice"), where=case.name)
    if attempt.logged_in is case.refuse:
        seen = Text("ingelogd", "logged in") if case.refuse else Text("geweigerd", "refused")
        yield Finding(case.rule, "accepted" if case.refuse else "refused", seen, where=case.name)
    elif attempt.crashed:
        rule = "SAML-NEG-21" if case.rule.startswith("SAML-NEG") else case.rule
        yield Finding(rule, "crash", attempt.crashed, where=case.name)


def _shown(attempt: Attempt) -> str:
    page = attempt.last
    return f"HTTP {page.status_code}" if page is not None else "—"


def _form(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return the address and the fields of the first form on a page."""
    tags = re.findall(r"<form\b[^>]*>", page.text, re.IGNORECASE)
    action = attributes(tags[0]).get("action", "") if tags else ""
    fields = {}
    for tag in re.findall(r"<input\b[^>]*>", page.text, re.IGNORECASE):
        found = attributes(tag)
        if found.get("name"):
            fields[found["name"]] = found.get("value", "")
    return urljoin(str(page.url), action), fields
