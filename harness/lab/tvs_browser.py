"""Let a real, headless browser log in for the battery: scripts run, forms post themselves, cookies are its own."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any, Final

import aiohttp

from harness.errors import UnusableInput

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
    "--disable-background-networking", "--ignore-certificate-errors", "about:blank",
)  # fmt: skip
SETTLED: Final = 0.4
"""Seconds without a new page after which a login has come to its end."""
PRESS: Final = "document.forms.length && document.forms[0].submit(), document.forms.length"


class Tab:
    """One tab with a cookie jar of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.numbers = socket, count(1)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; events in between are passed over."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = json.loads((await self.socket.receive(timeout=40)).data)
            if message.get("id") == number:
                return dict(message.get("result", {}))

    async def evaluate(self, script: str) -> Any:
        """Return what a script in the page gives."""
        found = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return found.get("result", {}).get("value")

    async def open(self, url: str) -> str:
        """Go to an address, follow whatever it leads to, and return the text of the page where that ends."""
        await self.ask("Page.navigate", url=url)
        return await self.settle()

    async def settle(self) -> str:
        """Wait until the address stays the same and the page is complete; return its text."""
        before, calm = "", 0.0
        for _ in range(100):
            here = await self.evaluate("document.readyState + ' ' + location.href + document.title")
            calm = calm + 0.1 if here == before and str(here).startswith("complete") else 0.0
            if calm >= SETTLED:
                break
            before = str(here)
            await asyncio.sleep(0.1)
        return str(await self.evaluate("document.body ? document.body.innerText : ''") or "")

    async def status(self) -> int:
        """Return the HTTP status of the page in this tab."""
        return int(await self.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") or 0)

    async def log_in(self, login: str) -> str:
        """Open the login page; where its form does not post itself, press the button. Returns the last text."""
        await self.open(login)
        if await self.evaluate("!!document.querySelector('[name=SAMLRequest]')"):
            await self.evaluate(PRESS)
        return await self.settle()


@asynccontextmanager
async def browser(hosts: dict[str, tuple[str, int]], program: str = "") -> AsyncIterator[Callable[[], Any]]:
    """Start a browser that finds `hosts` at the addresses of the lab; yields a maker of fresh tabs."""
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
async def _tab(session: aiohttp.ClientSession, port: str, main: Tab) -> AsyncIterator[Tab]:
    context = (await main.ask("Target.createBrowserContext"))["browserContextId"]
    target = (await main.ask("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
    try:
        async with session.ws_connect(f"ws://127.0.0.1:{port}/devtools/page/{target}") as socket:
            yield Tab(socket)
    finally:
        await main.ask("Target.disposeBrowserContext", browserContextId=context)
