"""What goes over the line: no packet for a refused host, and a redirect is an answer that is never followed."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from harness.errors import Refused
from harness.exchange import Exchange, Recorder
from harness.guard import Guard, Reach
from harness.masking import Masker
from harness.model import Environment

KNOWN = "wus.preproductie.digipoort.logius.nl"
PRODUCTION = "wus.digipoort.logius.nl"


class Directory:
    def locate(self, host, port):
        return "203.0.113.7", port


def exchange(environment=Environment.PREPROD):
    link = SimpleNamespace(
        connection=SimpleNamespace(allow_write=False),
        directory=Directory(),
        limits=SimpleNamespace(connect_timeout=1.0, read_timeout=1.0),
    )
    return Exchange(link, Guard(environment), Recorder(None, Masker()))


@pytest.fixture
def packets(monkeypatch):
    """Whatever opens a connection or looks a name up is written down and stopped."""
    seen = []

    async def stopped(self, *given, **more):
        seen.append(given)
        raise AssertionError(f"a packet would leave: {given}")

    loop = asyncio.SelectorEventLoop
    for name in ("create_connection", "getaddrinfo", "sock_connect"):
        monkeypatch.setattr(loop, name, stopped)
    monkeypatch.setattr("socket.socket.connect", lambda *given: seen.append(given))
    return seen


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://evil.example/x", Environment.PREPROD),
        (f"https://{PRODUCTION}/wus/2.0", Environment.PREPROD),
        (f"https://{KNOWN}/wus/2.0", Environment.LAB),
        (f"https://{PRODUCTION}/wus/2.0", Environment.PROD),
    ],
    ids=["not on the list", "production in preprod", "anything real from the lab", "production without consent"],
)
async def test_no_packet_leaves_for_a_host_that_is_refused(packets, url, environment):
    for call in (lambda e: e.post(url, b"<x/>", {}), lambda e: e.get(url)):
        with pytest.raises(Refused) as refused:
            await call(exchange(environment))
        assert url.split("/")[2] in refused.value.text.nl
    assert packets == []


async def test_a_message_that_changes_something_does_not_leave_without_both_consents(packets):
    with pytest.raises(Refused, match="twee toestemmingen"):
        await exchange().post(f"https://{KNOWN}/x", b"<x/>", {}, reach=Reach.WRITE)
    assert packets == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_never_followed(monkeypatch, tmp_path, status):
    asked = []

    async def nothing():
        yield b""

    def answer(request):
        asked.append(request.url)
        return httpx.Response(status, headers={"location": f"https://{PRODUCTION}/wus/2.0"}, content=nothing())

    monkeypatch.setattr("harness.guard._slot", lambda host: tmp_path / host)
    open_exchange = exchange()
    plain = httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=False)
    monkeypatch.setattr(open_exchange, "_client", plain)
    reply = await open_exchange.post(f"https://{KNOWN}/wus/2.0", b"<x/>", {})
    assert reply.status == status
    assert reply.header("location") == f"https://{PRODUCTION}/wus/2.0"
    assert len(asked) == 1
    await open_exchange.close()


def test_the_client_of_a_connection_follows_nothing_and_reads_no_proxy(monkeypatch):
    made = {}
    monkeypatch.setattr("harness.exchange.httpx.AsyncClient", lambda **given: made.update(given))
    open_exchange = exchange()
    monkeypatch.setattr(type(open_exchange), "context", None)
    open_exchange._http()
    assert made["follow_redirects"] is False
    assert made["trust_env"] is False
