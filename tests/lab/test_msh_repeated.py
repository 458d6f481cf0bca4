"""Healthy exchanges pass and faults do not, again and again and at the same time.

`KETENTEST_REPETITIONS` says how often each is done (default 3; `bench/repeated.py` does it 200 times).
"""

import asyncio
import os

import pytest
from ebms_chain import chain, rules

from harness.lab.ca import Pki
from harness.lab.faults.ebms import ANSWERS
from harness.model import Verdict

REPETITIONS = int(os.environ.get("KETENTEST_REPETITIONS", "3"))
AT_ONCE = 8
SLOW = {"late-pong"}


async def ping(folder, pki, gate, name):
    """Ping once, with the fault `name` or none; returns what is wrong with the verdict, or an empty string."""
    async with gate:
        folder.mkdir(exist_ok=True)
        mode = "sync" if name == "stripped-syncreply" else "async"
        faults = (name,) if name else ()
        async with chain(folder, *faults, pki=pki, mode=mode, read_timeout=2, pong_timeout=1 if name else 30) as engine:
            result = await engine.result("lz", "ebms.ping")
    found = {rule for rule, _ in rules(result)}
    if not name:
        return "" if result.verdict is Verdict.PASS else f"healthy: {result.verdict} {found} {result.cause}"
    expected = result.verdict in (Verdict.WARN, Verdict.FAIL) and ANSWERS[name].rule in found
    return "" if expected else f"{name}: {result.verdict} {found} {result.cause}"


@pytest.mark.slow
async def test_no_fault_passes_and_nothing_healthy_fails_however_often(tmp_path):
    pki, gate = Pki(), asyncio.Semaphore(AT_ONCE)
    names = ["", "", "", *sorted(set(ANSWERS) - SLOW)] * REPETITIONS
    work = (ping(tmp_path / str(number), pki, gate, name) for number, name in enumerate(names))
    wrong = [said for said in await asyncio.gather(*work) if said]
    assert wrong == []
