"""A clock that counts only the time in which we were awake."""

import asyncio
import gc
import time

from harness.patience import WakingClock, dawdle


async def test_the_clock_runs_as_any_clock_while_nothing_keeps_us_busy():
    clock, began = WakingClock(), time.perf_counter()
    await asyncio.sleep(0.3)
    assert abs(clock.seconds - (time.perf_counter() - began)) < 0.1


async def test_the_clock_stands_still_while_something_else_holds_the_loop():
    clock = WakingClock()
    await asyncio.sleep(0.1)
    time.sleep(0.6)  # noqa: ASYNC251 - this is what a busy machine looks like from inside
    assert clock.seconds < 0.3
    await asyncio.sleep(0.1)
    assert clock.seconds < 0.4


async def test_who_dawdles_is_late_by_that_clock_however_busy_the_machine():
    clock, busy = WakingClock(), asyncio.create_task(_hog())
    await dawdle(0.4)
    busy.cancel()
    assert clock.seconds >= 0.35


async def test_a_clock_that_nobody_holds_stops():
    clock = WakingClock()
    del clock
    gc.collect()
    await asyncio.sleep(0.12)
    timers = [h for h in asyncio.get_running_loop()._scheduled if not h.cancelled()]
    assert all("_tick" not in repr(handle) for handle in timers)


async def _hog():
    while True:
        time.sleep(0.15)  # noqa: ASYNC251
        await asyncio.sleep(0)
