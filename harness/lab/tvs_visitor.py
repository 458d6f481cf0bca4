"""Visit an application as a person would, by plain HTTP: pages, redirects, forms that carry SAML, cookies."""

import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.cookiejar import Cookie as JarCookie
from typing import Final, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from harness.model import Text
from harness.wire.saml_message import attributes

HOPS: Final = 8
FORMS: Final = 4
"""Forms with SAML in them that one visit sends: a logout has two, a login one."""
TRACE: Final = re.compile(
    r"Traceback \(most recent call last\)|\bat [\w$.]+\([\w$]+\.java:\d+\)|Stack trace|Unhandled exception|\bat .+\.cs:line \d+",
    re.IGNORECASE,
)


class Stuck(Exception):
    """A visit that did not get to a page, in a few words."""

    def __init__(self, nl: str, en: str = "") -> None:
        super().__init__(nl)
        self.text = Text(nl, en or nl)


@dataclass(frozen=True, slots=True)
class Page:
    """Where a visit ended."""

    status: int
    text: str
    url: str

    @property
    def host(self) -> str:
        """The host that showed this page."""
        return urlsplit(self.url).hostname or ""

    @property
    def crash(self) -> str:
        """What shows that an application fell over, or an empty string."""
        if self.status >= 500:
            return f"HTTP {self.status}"
        return "stack trace" if TRACE.search(self.text) else ""


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie that the visitor holds."""

    name: str
    value: str
    secure: bool
    http_only: bool


class Visitor(Protocol):
    """One browser with cookies of its own. Every visit raises Stuck when it gets to no page."""

    async def open(self, url: str) -> Page:
        """Open an address and follow where it leads, without pressing anything."""

    async def walk(self, url: str) -> tuple[bool, Page]:
        """Open an address and send every form with SAML; returns whether there was a SAMLRequest, and the last page."""

    async def until(self, url: str, pattern: str) -> str:
        """Walk from an address until one that fits `pattern` would be asked for; returns it unvisited, or nothing."""

    async def post(self, url: str, fields: dict[str, str]) -> Page:
        """Send a form."""

    async def cookies(self) -> tuple[Cookie, ...]:
        """Return the cookies held now."""


Visitors = Callable[[], AbstractAsyncContextManager[Visitor]]


class PlainVisitor:
    """A visitor that runs no scripts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def open(self, url: str) -> Page:
        """Open an address and follow where it leads."""
        return await self._follow("GET", url)

    async def walk(self, url: str) -> tuple[bool, Page]:
        """Open an address and send every form with SAML."""
        page = await self.open(url)
        asked = False
        for _ in range(FORMS):
            action, fields = form_of(page)
            if not {"SAMLRequest", "SAMLResponse"} & set(fields):
                break
            asked |= "SAMLRequest" in fields
            page = await self.post(action, fields)
        return asked, page

    async def until(self, url: str, pattern: str) -> str:
        """Walk until an address that fits `pattern` would be asked for."""
        page = await self._follow("GET", url, pattern=pattern)
        for _ in range(FORMS):
            action, fields = form_of(page)
            if not {"SAMLRequest", "SAMLResponse"} & set(fields):
                break
            page = await self._follow("POST", action, fields, pattern)
        return page.url if fnmatchcase(page.url, pattern) else ""

    async def post(self, url: str, fields: dict[str, str]) -> Page:
        """Send a form and follow where it leads."""
        return await self._follow("POST", url, fields)

    async def cookies(self) -> tuple[Cookie, ...]:
        """Return the cookies held now."""
        return tuple(_cookie(c) for c in self.client.cookies.jar)

    async def _follow(self, method: str, url: str, fields: dict[str, str] | None = None, pattern: str = "") -> Page:
        try:
            answer = await self.client.request(method, url, data=fields)
            for _ in range(HOPS):
                if answer.status_code not in (301, 302, 303, 307, 308) or "location" not in answer.headers:
                    break
                url = urljoin(str(answer.url), answer.headers["location"])
                if pattern and fnmatchcase(url, pattern):
                    return Page(answer.status_code, "", url)
                answer = await self.client.get(url)
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            raise Stuck(type(wrong).__name__) from wrong
        return Page(answer.status_code, answer.text, str(answer.url))


def _cookie(cookie: JarCookie) -> Cookie:
    return Cookie(cookie.name, cookie.value or "", cookie.secure, cookie.has_nonstandard_attr("HttpOnly"))


def form_of(page: Page) -> tuple[str, dict[str, str]]:
    """Return the address and the fields of the first form on a page."""
    tags = re.findall(r"<form\b[^>]*>", page.text, re.IGNORECASE)
    action = attributes(tags[0]).get("action", "") if tags else ""
    fields = {}
    for tag in re.findall(r"<input\b[^>]*>", page.text, re.IGNORECASE) if tags else ():
        found = attributes(tag)
        if found.get("name"):
            fields[found["name"]] = found.get("value", "")
    return urljoin(page.url, action), fields


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


def client_to(locate: Callable[[str, int], tuple[str, int]], context: ssl.SSLContext) -> httpx.AsyncClient:
    """Return a client that knows where the lab is; how long it waits is up to who uses it."""
    return httpx.AsyncClient(transport=_Located(locate, context), timeout=None, trust_env=False)  # noqa: S113 - the visit has a deadline


def plain_visitors(locate: Callable[[str, int], tuple[str, int]], anchors: Iterable[bytes]) -> Visitors:
    """Return a maker of visitors that trust `anchors` and the system, and know where the lab is."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=b"\n".join(anchors).decode("ascii", "replace"))

    @asynccontextmanager
    async def visitor() -> AsyncIterator[Visitor]:
        async with client_to(locate, context) as client:
            yield PlainVisitor(client)

    return visitor
