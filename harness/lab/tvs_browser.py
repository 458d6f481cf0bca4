"""Let a real, headless browser visit for the battery: scripts run, forms post themselves, cookies are its own.

What a page does is followed by the events of the DevTools protocol, so that a slow machine is waited for and no longer.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any, Final

import aiohttp

from harness.errors import UnusableInput
from harness.lab.tvs_visitor import FORMS, Cookie, Page, Stuck, Visitor, Visitors

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
    "--disable-background-networking", "--ignore-certificate-errors", "about:blank",
)  # fmt: skip
FRAME: Final = 64 * 1024 * 1024
AFTERWARDS: Final = "new Promise(done => setTimeout(done, 50))"
"""Runs behind everything that a page does when it is loaded: a script that sends it on has done so by then."""
SHOWN: Final = """({
    url: location.href, text: document.documentElement ? document.documentElement.outerHTML : '',
    status: (performance.getEntriesByType('navigation')[0] || {}).responseStatus || 0
})"""
CARRIES: Final = "!!document.querySelector('form [name=SAMLRequest],form [name=SAMLResponse]')"
PRESS: Final = "document.querySelector('form [name=SAMLRequest],form [name=SAMLResponse]').form.submit()"
MEANS: Final = {
    "Page.frameRequestedNavigation": {"wanted": True},
    "Page.frameScheduledNavigation": {"wanted": True},
    "Page.frameClearedScheduledNavigation": {"wanted": False},
    "Page.frameStartedLoading": {"wanted": False, "loading": True},
    "Page.frameStoppedLoading": {"loading": False},
}
"""What an event of the page tells: whether it wants to go somewhere, whether it is on its way."""


class Tab:
    """One tab with a cookie jar of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.numbers = socket, count(1)
        self.frame, self.wanted, self.loading = "", False, False
        self.asked = False
        """Whether this visit sent a SAMLRequest, pressed by us or by a script of the page."""
        self.caught, self.caught_as = "", ""

    # --- the protocol -------------------------------------------------------------------------------------------

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; what happens in between is noted."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        # The browser answers to a navigation once it has a page: never, when its request is held.
        while not (self.caught and method == "Page.navigate"):
            message = await self._next()
            if message.get("id") == number:
                return dict(message.get("result", {}))
        return {}

    async def _next(self) -> dict[str, Any]:
        message = dict(json.loads((await self.socket.receive()).data))
        self._note(str(message.get("method", "")), message.get("params", {}))
        return message

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Fetch.requestPaused":
            self.caught, self.caught_as = str(params["request"]["url"]), str(params["requestId"])
        elif method == "Network.requestWillBeSent":
            sent = params["request"]
            self.asked |= "SAMLRequest=" in str(sent["url"]) + str(sent.get("postData", ""))
        elif params.get("frameId") == self.frame and method in MEANS:
            for name, value in MEANS[method].items():
                setattr(self, name, value)

    async def prepare(self) -> None:
        """Be told what happens in this tab."""
        await self.ask("Page.enable")
        await self.ask("Network.enable", maxPostDataSize=FRAME)
        tree = await self.ask("Page.getFrameTree")
        self.frame = str(tree["frameTree"]["frame"]["id"])

    async def evaluate(self, script: str) -> Any:
        """Return what a script in the page gives; nothing when the page went away meanwhile."""
        found = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return found.get("result", {}).get("value")

    # --- a visit ------------------------------------------------------------------------------------------------

    async def open(self, url: str) -> Page:
        """Go to an address, follow whatever it leads to, and return the page where that ends."""
        await self._go(url)
        return await self._page()

    async def walk(self, url: str) -> tuple[bool, Page]:
        """Open an address and send every form with SAML that does not send itself."""
        self.asked = False
        await self._pressing(url)
        page = await self._page()
        return self.asked, page

    async def until(self, url: str, pattern: str) -> str:
        """Walk until an address that fits `pattern` would be asked for."""
        self.caught = ""
        await self.ask("Fetch.enable", patterns=[{"urlPattern": pattern, "requestStage": "Request"}])
        try:
            await self._pressing(url)
        finally:
            found, self.caught = self.caught, ""
            if found:
                await self.ask("Fetch.failRequest", requestId=self.caught_as, errorReason="Aborted")
            await self.ask("Fetch.disable")
        await self._settle()
        return found

    async def post(self, url: str, fields: dict[str, str]) -> Page:
        """Send a form from an empty page."""
        await self._go("about:blank")
        script = (
            f"const f = document.createElement('form'); f.method = 'post'; f.action = {json.dumps(url)};"
            f"for (const [n, v] of Object.entries({json.dumps(fields)})) {{ const i = document.createElement('input');"
            "i.name = n; i.value = v; f.append(i) }; document.body.append(f); f.submit()"
        )
        await self.evaluate(script)
        await self._settle()
        return await self._page()

    async def cookies(self) -> tuple[Cookie, ...]:
        """Return the cookies of this tab."""
        found = await self.ask("Network.getAllCookies")
        return tuple(
            Cookie(str(c["name"]), str(c["value"]), bool(c["secure"]), bool(c["httpOnly"])) for c in found["cookies"]
        )

    async def _go(self, url: str) -> None:
        self.wanted, self.loading = False, True
        answer = await self.ask("Page.navigate", url=url)
        if answer.get("errorText") and not self.caught:
            raise Stuck(str(answer["errorText"]))
        await self._settle()

    async def _pressing(self, url: str) -> None:
        await self._go(url)
        for _ in range(FORMS):
            if self.caught or not await self.evaluate(CARRIES):
                return
            await self.evaluate(PRESS)
            await self._settle()

    async def _settle(self) -> None:
        """Wait until nothing loads and the page has had its say, or until the request is caught."""
        while not self.caught:
            if self.wanted or self.loading:
                await self._next()
                continue
            await self.evaluate(AFTERWARDS)
            if not (self.wanted or self.loading):
                return

    async def _page(self) -> Page:
        shown = await self.evaluate(SHOWN) or {}
        url = str(shown.get("url", ""))
        if url.startswith("chrome-error:"):
            raise Stuck("ERR_CONNECTION")
        return Page(int(shown.get("status") or 200), str(shown.get("text", "")), url)


@asynccontextmanager
async def browser(hosts: dict[str, tuple[str, int]], program: str = "") -> AsyncIterator[Visitors]:
    """Start a browser that finds `hosts` at the addresses of the lab; yields a maker of visitors, a fresh tab each."""
    found = program or next((path for name in NAMES if (path := which(name))), "")
    if not found:
        raise UnusableInput(
            "geen Chromium gevonden; installeer het of laat --browser weg",
            "no Chromium found; install it or leave out --browser",
        )
    rules = ",".join(f"MAP {host} {address}:{port}" for host, (address, port) in hosts.items())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            found, f"--user-data-dir={folder}", f"--host-resolver-rules={rules}", *FLAGS,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port, path = await _announced(Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}{path}") as main:
                yield lambda: _tab(session, port, Tab(main))
        finally:
            process.kill()
            await process.wait()


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.is_file() else []


async def _announced(file: Path) -> tuple[str, str]:
    for _ in range(200):
        lines = await asyncio.to_thread(_lines, file)
        if len(lines) == 2:
            return lines[0], lines[1]
        await asyncio.sleep(0.1)
    raise UnusableInput("de browser start niet", "the browser does not start")


@asynccontextmanager
async def _tab(session: aiohttp.ClientSession, port: str, main: Tab) -> AsyncIterator[Visitor]:
    context = (await main.ask("Target.createBrowserContext"))["browserContextId"]
    target = (await main.ask("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
    try:
        url = f"ws://127.0.0.1:{port}/devtools/page/{target}"
        async with session.ws_connect(url, max_msg_size=FRAME) as socket:
            tab = Tab(socket)
            await tab.prepare()
            yield tab
    finally:
        await main.ask("Target.disposeBrowserContext", browserContextId=context)
