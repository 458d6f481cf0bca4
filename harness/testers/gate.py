"""Let in who holds the link: one host, one origin, a token that works once, then a cookie; everybody else gets a sentence."""

import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from harness.errors import KetentestError

LIFE: Final = 12 * 3600
PUBLIC: Final = frozenset({"/enter", "/page.css", "/page.js", "/icon.svg"})
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class NoEntry(KetentestError):
    """The request does not come from our own page in a browser that was let in."""


@dataclass
class Session:
    """One browser that was let in: who works there, on which roles, and what to tell on the next page."""

    ident: str
    by: str = ""
    function: str = ""
    roles: frozenset[str] = frozenset()
    lang: str = "nl"
    told: list[str] = field(default_factory=list)
    grown: list[tuple[str, int, int]] = field(default_factory=list)
    until: float = 0.0


@dataclass
class Gate:
    """The one way in; `port` is known once the page listens."""

    lang: str = "nl"
    port: int = 0
    tokens: set[str] = field(default_factory=set)
    sessions: dict[str, Session] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The only name under which the page answers."""
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        """The only origin from which forms are taken."""
        return f"http://{self.host}"

    @property
    def cookie(self) -> str:
        """The name of the cookie; browsers share cookies over the ports of a host."""
        return f"ketentest-{self.port}"

    def link(self) -> str:
        """Return a new link that lets one browser in, once."""
        token = secrets.token_urlsafe(32)
        self.tokens.add(token)
        return f"{self.origin}/enter?token={token}"

    def enter(self, request: web.Request) -> Session:
        """Return the session of a browser that brings an unused token, or that was let in before."""
        if known := self._known(request):
            return known
        given = request.query.get("token", "").encode()
        token = next((t for t in self.tokens if hmac.compare_digest(t.encode(), given)), None)
        if token is None:
            raise NoEntry(
                "Geen toegang: deze link klopt niet of is al gebruikt. Druk op Enter in het venster van `ketentest attest --serve` voor een nieuwe, of vraag er een aan wie de pagina open heeft.",
                "No entry: this link is wrong or was used already. Press Enter in the window of `ketentest attest --serve` for a new one, or ask whoever has the page open.",
            )
        self.tokens.discard(token)
        session = Session(secrets.token_urlsafe(32), lang=self.lang, until=time.monotonic() + LIFE)
        self.sessions[session.ident] = session
        return session

    def session(self, request: web.Request) -> Session:
        """Return the session of a request; raises NoEntry when there is none."""
        if known := self._known(request):
            return known
        raise NoEntry(
            "Geen toegang: open eerst de link die `ketentest attest --serve` toont.",
            "No entry: first open the link that `ketentest attest --serve` shows.",
        )

    def check(self, request: web.Request) -> None:
        """Raise NoEntry for another host, another origin, or a browser that was not let in."""
        if request.headers.get("Host") != self.host:
            raise NoEntry(
                f"Geen toegang onder deze naam: deze pagina is alleen te openen als {self.origin}.",
                f"No entry under this name: this page opens as {self.origin} only.",
            )
        entering = request.method == "GET" and request.path == "/enter"
        if not self._same_origin(request) and not entering:
            raise NoEntry(
                "Geen toegang: dit verzoek komt van een andere pagina. Werk alleen in de pagina zelf.",
                "No entry: this request comes from another page. Work in the page itself only.",
            )
        if request.path not in PUBLIC:
            self.session(request)

    def _same_origin(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return False
        return origin == self.origin or (origin is None and request.method in ("GET", "HEAD"))

    def _known(self, request: web.Request) -> Session | None:
        given = request.cookies.get(self.cookie, "").encode()
        now = time.monotonic()
        alive = (s for s in self.sessions.values() if s.until > now)
        return next((s for s in alive if hmac.compare_digest(s.ident.encode(), given)), None)
