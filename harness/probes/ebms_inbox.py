"""Our own ebMS endpoint during a probe: take what comes in, answer what asks for it, and hand it to the probe."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from harness.exchange import Message as Line
from harness.lint.judge import Raw
from harness.model import NOTHING, Environment, Evidence, Text
from harness.patience import TICK, WakingClock
from harness.probes.probe import Tools
from harness.wire.ebms import Message, read_message
from harness.wire.ebms_build import Outgoing

LAB_WAIT: Final = 5.0
"""The lab answers within milliseconds; a busy machine is forgiven this many seconds."""
LIMIT: Final = 4
"""An answer that comes within this many times the waiting time is late; after it, it never came."""

PATIENCE: Final = 10.0
"""How long an answer of ours that is on its way may still take when the probe is done."""


@dataclass(frozen=True)
class Arrival:
    """One message at our endpoint: the line, the message, how long after the start it came, and how long we waited.

    `seconds` is what a stopwatch says; `waited` leaves out the time in which this machine was too busy to look.
    """

    line: Line
    message: Message
    seconds: float
    waited: float


@dataclass
class Pinged:
    """A Ping of the counterparty, the CPA to judge it with, and what became of our answer."""

    arrival: Arrival
    cpa: Raw
    outcome: Text = NOTHING
    evidence: tuple[Evidence, ...] = ()


Answer = Callable[[Arrival], Awaitable[web.Response | None]]


async def silent(arrival: Arrival) -> web.Response | None:
    """Answer nothing in the HTTP response."""
    return None


def spoken(outgoing: Outgoing) -> web.Response:
    """Return a message of ours as an HTTP response."""
    return web.Response(status=200, body=outgoing.body, headers=dict(outgoing.headers))


@dataclass
class Inbox:
    """Collects what arrives; `answer` may return what the HTTP response says. Pings stand in `pings` too."""

    answer: Answer = silent
    arrivals: list[Arrival] = field(default_factory=list)
    pings: list[Pinged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.clock = WakingClock()
        self._came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, line: Line) -> web.Response:
        """Handle one HTTP request at our endpoint."""
        message = read_message(line.body, line.header("content-type"))
        arrival = Arrival(line, message, time.perf_counter() - self.started, self.clock.seconds)
        self.arrivals.append(arrival)
        self._came.set()
        response = await self.answer(arrival) if message.header is not None else None
        return response if response is not None else web.Response(status=204)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this after the HTTP response was given."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until our own answers have left, and not for ever."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()

    def took(self, header: str, value: str) -> bool:
        """Whether a request with this header arrived here."""
        return any(arrival.line.header(header) == value for arrival in self.arrivals)

    async def wait(self, wanted: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """Return the first arrival that is wanted, or None when the time is over."""
        until = self.clock.seconds + seconds
        while True:
            found = next((a for a in self.arrivals if wanted(a)), None)
            left = until - self.clock.seconds
            if found is not None or left <= 0:
                return found
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), max(left, TICK))
            except TimeoutError:
                continue


def waiting_time(tools: Tools) -> tuple[float, float]:
    """Return how long an answer may take, and after how long it counts as never come; the lab is quick."""
    wanted = tools.link.limits.pong_timeout
    if tools.link.environment is Environment.LAB:
        wanted = min(wanted, LAB_WAIT)
        return wanted, wanted * 2
    return wanted, min(wanted * LIMIT, max(wanted, 120.0))
