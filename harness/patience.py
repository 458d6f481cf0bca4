"""Time that counts only while we are awake: when this machine is too busy to look, nobody else is late."""

import asyncio
import time
import weakref
from typing import Final

TICK: Final = 0.05
"""How often the clock looks, in seconds."""
SLACK: Final = 1.3
"""A tick that comes at most this much later than agreed counts in full; of a longer one only this much counts."""


class WakingClock:
    """A clock that stands still while our own event loop does.

    It starts with the loop that is running when it is made, and ends when nobody holds it any more.
    """

    def __init__(self) -> None:
        self._counted = 0.0
        self._last = time.perf_counter()
        _tick(weakref.ref(self))

    @property
    def seconds(self) -> float:
        """How long we have been awake since the start."""
        return self._counted + min(time.perf_counter() - self._last, TICK * SLACK)

    def look(self) -> None:
        """Count the time since the last look, as far as it was not slept through."""
        self._counted = self.seconds
        self._last = time.perf_counter()


def _tick(held: weakref.ref[WakingClock]) -> None:
    clock = held()
    if clock is not None:
        clock.look()
        asyncio.get_running_loop().call_later(TICK, _tick, held)


async def dawdle(seconds: float) -> None:
    """Wait as long as a WakingClock would count `seconds`, at least."""
    clock = WakingClock()
    while (left := seconds - clock.seconds) > 0:  # noqa: ASYNC110 - no event tells how long we were awake
        await asyncio.sleep(max(left, TICK))
