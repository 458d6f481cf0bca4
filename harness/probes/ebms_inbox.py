"""Our own ebMS endpoint during a probe: take what comes in, acknowledge what asks for it, and hand it to the probe."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from harness.exchange import Message as Line
from harness.model import Environment
from harness.probes.probe import Tools
from harness.wire.ebms import Message, read_message
from harness.wire.ebms_build import Outgoing

LAB_WAIT: Final = 5.0
"""The lab answers within milliseconds; a busy machine is forgiven this many seconds."""
LIMIT: Final = 4
"""An answer that comes within this many times the waiting time is late; after it, it never came."""

Answer = Callable[[Message], Awaitable[Outgoing | None]]


@dataclass(frozen=True)
class Arrival:
    """One message at our endpoint: the line, the message, and how long after the start it came."""

    line: Line
    message: Message
    seconds: float


async def silent(message: Message) -> Outgoing | None:
    """Answer nothing in the HTTP response."""
    return None


@dataclass
class Inbox:
    """Collects what arrives; `answer` may return a synchronous answer."""

    answer: Answer = silent
    arrivals: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self._came = asyncio.Event()

    async def take(self, line: Line) -> web.Response:
        """Handle one HTTP request at our endpoint."""
        message = read_message(line.body, line.header("content-type"))
        self.arrivals.append(Arrival(line, message, time.perf_counter() - self.started))
        self._came.set()
        outgoing = await self.answer(message) if message.header is not None else None
        if outgoing is None:
            return web.Response(status=204)
        return web.Response(status=200, body=outgoing.body, headers=dict(outgoing.headers))

    def took(self, header: str, value: str) -> bool:
        """Whether a request with this header arrived here."""
        return any(arrival.line.header(header) == value for arrival in self.arrivals)

    async def wait(self, wanted: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """Return the first arrival that is wanted, or None when the time is over."""
        until = time.perf_counter() + seconds
        while True:
            found = next((a for a in self.arrivals if wanted(a)), None)
            left = until - time.perf_counter()
            if found is not None or left <= 0:
                return found
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), left)
            except TimeoutError:
                continue


def waiting_time(tools: Tools) -> tuple[float, float]:
    """Return how long an answer may take, and after how long it counts as never come; the lab is quick."""
    wanted = tools.link.limits.pong_timeout
    if tools.link.environment is Environment.LAB:
        wanted = min(wanted, LAB_WAIT)
        return wanted, wanted * 2
    return wanted, min(wanted * LIMIT, max(wanted, 120.0))
