"""The guard refuses before a packet leaves, and keeps every process of the machine polite."""

import asyncio
import itertools

import pytest

from harness import guard as guard_module
from harness.errors import Refused
from harness.guard import Guard, Reach
from harness.model import Environment

PREPROD = Environment.PREPROD


def test_a_lab_run_reaches_the_lab_only():
    guard = Guard(Environment.LAB)
    guard.check("lab-wus.digipoort.ketentest.test", Reach.WRITE)
    with pytest.raises(Refused, match="alleen het lab"):
        guard.check("wus.preproductie.digipoort.logius.nl", Reach.CONNECT)


def test_an_unknown_host_is_refused_with_the_remedy():
    with pytest.raises(Refused, match=r"\[hosts\] preprod"):
        Guard(PREPROD).check("evil.example", Reach.CONNECT)
    Guard(PREPROD, allowed=("ebms.voorbeeld.nl",)).check("ebms.voorbeeld.nl.", Reach.MESSAGE)


def test_a_production_host_in_a_preproduction_scenario_is_refused():
    with pytest.raises(Refused, match="host van prod"):
        Guard(PREPROD).check("wus.digipoort.logius.nl", Reach.CONNECT)


def test_production_needs_a_consent_and_never_takes_a_message():
    host = "wus.digipoort.logius.nl"
    with pytest.raises(Refused, match="--allow-production"):
        Guard(Environment.PROD).check(host, Reach.CONNECT)
    consented = Guard(Environment.PROD, allow_production=True, allow_write=True)
    consented.check(host, Reach.CONNECT)
    for reach in (Reach.MESSAGE, Reach.WRITE):
        with pytest.raises(Refused, match="nooit een bericht"):
            consented.check(host, reach, permission=True)


@pytest.mark.parametrize(("flag", "permission"), [(False, False), (True, False), (False, True)])
def test_a_write_needs_both_consents(flag, permission):
    guard = Guard(PREPROD, allowed=("a.nl",), allow_write=flag)
    with pytest.raises(Refused, match="twee toestemmingen"):
        guard.check("a.nl", Reach.WRITE, permission=permission)
    Guard(PREPROD, allowed=("a.nl",), allow_write=True).check("a.nl", Reach.WRITE, permission=True)


def test_a_second_ping_in_one_run_is_refused():
    guard = Guard(PREPROD)
    guard.count("a.nl", "ping")
    with pytest.raises(Refused, match="grens"):
        guard.count("a.nl", "ping")


async def test_requests_to_one_host_are_spaced_over_all_guards(monkeypatch, tmp_path):
    monkeypatch.setattr(guard_module, "_slot", lambda host: tmp_path / host)
    monkeypatch.setattr(guard_module, "CAP", guard_module.Cap(spacing=0.2))
    loop, moments = asyncio.get_running_loop(), []

    async def ask(guard):
        async with guard.turn("a.nl"):
            moments.append(loop.time())

    await asyncio.gather(*(ask(Guard(PREPROD)) for _ in range(3)))
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    assert all(gap >= 0.19 for gap in gaps)
