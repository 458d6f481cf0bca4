"""Find out, when no Pong came, where the endpoint in the CPA leads to: to our listener or elsewhere (XCHK-011).

One GET with a nonce goes to our own public address; it is only of use after the counterparty accepted a Ping.
"""

from collections.abc import AsyncIterator
from typing import Final

from harness.errors import KetentestError
from harness.exchange import TransportFailed
from harness.model import Finding, Observation, Text
from harness.probes.ebms_inbox import Inbox
from harness.probes.probe import Tools, Yield

NONCE: Final = "x-ketentest-nonce"


async def selftest(tools: Tools, inbox: Inbox) -> AsyncIterator[Yield]:
    """Yield where our own endpoint leads to; only an answer from somebody else is a finding."""
    ebms = tools.link.connection.ebms
    if ebms is None or ebms.own_endpoint == "lab":
        return
    nonce = tools.new_id()
    try:
        reply = await tools.exchange.get(ebms.own_endpoint, {NONCE: nonce}, name="self-test")
    except TransportFailed as failed:
        yield _said(
            f"zelftest: uw endpoint {ebms.own_endpoint} is vanaf hier niet bereikbaar ({failed.stage}); dat bewijst nog niets over buiten",
            f"self-test: your endpoint {ebms.own_endpoint} cannot be reached from here ({failed.stage}); that proves nothing about outside",
        )
        return
    except KetentestError as refused:
        yield _said(f"zelftest niet gedaan: {refused.text.nl}", f"self-test not done: {refused.text.en}")
        return
    if inbox.took(NONCE, nonce):
        yield _said(
            "zelftest: het endpoint uit het CPA leidt vanaf hier naar deze luisteraar",
            "self-test: the endpoint in the CPA leads to this listener from here",
        )
        return
    yield Finding("XCHK-011", observed=f"HTTP {reply.status}", expected=NONCE, where=ebms.own_endpoint)


def _said(nl: str, en: str) -> Observation:
    return Observation(Text(nl, en))
