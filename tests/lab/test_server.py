"""The lab serves over real mutual TLS, well or as badly as asked."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import ClassVar

import httpx
import pytest

from harness.errors import UnusableInput
from harness.lab import COUNTERPARTIES, Lab, Place, check_fault, known_faults
from harness.lab.ca import Pki
from harness.lab.faults.tls import CONFIGURATIONS, GOOD, TlsConfig
from harness.lab.server import Reply, serve
from harness.model import Text

HOST = "lab-ketenpartner.ketentest.test"


@pytest.fixture(scope="module")
def pki():
    return Pki()


async def echo(request):
    return Reply(200, (("content-type", "text/plain"), ("x-twice", "a"), ("x-twice", "b")), request.body)


def client(pki, name="own-tls", version=None, anchors="g1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki.bundle(anchors))
    if name:
        context.load_cert_chain(pki.identity(name).cert_path, pki.identity(name).key_path)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


async def post(served, context, body=b"hallo", **options):
    extensions = {"sni_hostname": HOST}
    async with httpx.AsyncClient(verify=context, timeout=5) as http:
        url = f"https://{served.host}:{served.port}/pad?vraag=1"
        return await http.post(url, content=body, extensions=extensions, headers={"host": HOST}, **options)


def say(served, context, line=b"GET / HTTP/1.0\r\n\r\n"):
    with socket.create_connection(served.address, 2) as wire, context.wrap_socket(wire, server_hostname=HOST) as tls:
        tls.sendall(line)
        return tls.recv(100)


async def test_a_client_with_its_certificate_is_served(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        answer = await post(served, client(pki))
    assert (answer.status_code, answer.content) == (200, b"hallo")
    assert answer.headers.get_list("x-twice") == ["a", "b"]


async def test_the_handler_sees_the_client_certificate_and_the_request(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        await post(served, client(pki, "own-client-g4"))
    request = served.requests[0]
    assert request.client_certificate == pki.identity("own-client-g4").der
    assert (request.method, request.path, request.header("Host")) == ("POST", "/pad?vraag=1", HOST)
    assert request.head.start == "POST /pad?vraag=1 HTTP/1.1"


async def test_without_a_client_certificate_tls12_is_refused_in_the_handshake(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        context = client(pki, None, ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            await asyncio.to_thread(say, served, context)
    assert not served.requests


async def test_without_a_client_certificate_tls13_is_refused_at_the_first_read(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        context = client(pki, None, ssl.TLSVersion.TLSv1_3)
        for _ in range(20):
            with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
                await asyncio.to_thread(say, served, context)
    assert not served.requests


async def test_a_stranger_hears_that_his_ca_is_unknown(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
            await asyncio.to_thread(say, served, client(pki, "stranger"))


@pytest.mark.parametrize("name", ["expired-client", "revoked-client"])
async def test_a_client_whose_certificate_is_no_longer_good_is_refused(pki, name):
    config = CONFIGURATIONS["checks-crl"]
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=config) as served:
        with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_(EXPIRED|REVOKED)"):
            await asyncio.to_thread(say, served, client(pki, name))
        assert await asyncio.to_thread(say, served, client(pki))


async def test_a_large_message_comes_through(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        answer = await post(served, client(pki), b"z" * 3_000_000)
    assert len(answer.content) == 3_000_000


async def test_a_handler_can_hang_up(pki):
    async def hang_up(request):
        return Reply(abort=True)

    async with serve(hang_up, pki.identity("counterparty"), pki=pki) as served:
        with pytest.raises(httpx.TransportError):
            await post(served, client(pki))


async def test_a_head_request_reaches_no_counterparty(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki) as served:
        answer = await asyncio.to_thread(say, served, client(pki), b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405")
    assert not served.requests


def test_there_are_at_least_thirty_named_configurations():
    assert len(CONFIGURATIONS) >= 30
    assert all(config.text.nl and config.text.en for config in CONFIGURATIONS.values())


def test_each_configuration_is_one_deviation():
    for name, config in CONFIGURATIONS.items():
        changed = [f for f in TlsConfig.__dataclass_fields__ if getattr(config, f) != getattr(GOOD, f)]
        assert (
            set(changed) - {"rule", "text", "maximum", "minimum", "ciphers"}
            or "tls" in name
            or "suites" in name
            or name == "static-rsa"
        )


@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_every_configuration_starts_and_stops(pki, name):
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=CONFIGURATIONS[name]) as served:
        assert served.port


@pytest.mark.parametrize(
    "name", ["pss", "ec", "dhe", "stapled-good", "foreign-ca-names", "any-client", "with-root", "certificate-optional"]
)
async def test_a_client_is_served_by(pki, name):
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=CONFIGURATIONS[name]) as served:
        answer = await post(served, client(pki, anchors="g4" if name == "pss" else "g1"), b"x" * 100_000)
    assert len(answer.content) == 100_000
    assert served.requests[0].client_certificate == pki.identity("own-tls").der


async def test_any_client_is_served_to_a_stranger(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=CONFIGURATIONS["any-client"]) as served:
        assert (await post(served, client(pki, "stranger"))).status_code == 200


def certificate_without_sni(served, context):
    with socket.create_connection(served.address, 2) as wire, context.wrap_socket(wire) as tls:
        return tls.getpeercert(binary_form=True)


async def test_another_certificate_is_shown_without_sni(pki):
    config = CONFIGURATIONS["other-certificate-without-sni"]
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=config) as served:
        assert (await post(served, client(pki))).status_code == 200
        shown = await asyncio.to_thread(certificate_without_sni, served, trusting(pki))
    assert shown == pki.identity("wrong-host").der


async def test_the_clock_of_the_server_can_be_wrong(pki):
    async with serve(echo, pki.identity("counterparty"), pki=pki, tls=CONFIGURATIONS["clock-skew"]) as served:
        answer = await post(served, client(pki))
    assert datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"]) > timedelta(minutes=9)


class Parrot:
    FAULTS: ClassVar = {"speechless": Text("zegt niets", "says nothing")}

    def __init__(self, place):
        self.place = place
        self.hosts = (place.host,)
        self.endpoint = f"https://{place.host}/papegaai"
        self.running = False

    async def start(self):
        self.running = True

    async def stop(self):
        self.running = False

    async def handle(self, request):
        return Reply(503 if "speechless" in self.place.faults else 200, body=self.place.name.encode())

    def documents(self):
        return {"wsdl": b"<definitions/>"}


@pytest.fixture
def parrots(monkeypatch):
    monkeypatch.setitem(COUNTERPARTIES, ("papegaai", "ebms"), f"{__name__}:Parrot")


def place(pki, name, *faults):
    return Place(name, "papegaai", "ebms", pki, frozenset(faults), {}, lambda: datetime.now(UTC), lambda h, p: (h, p))


def trusting(pki):
    context = client(pki)
    context.check_hostname = False
    return context


async def test_every_connection_has_a_counterparty_of_its_own(pki, parrots):
    async with Lab(pki) as lab:
        one = await lab.start(place(pki, "een"))
        two = await lab.start(place(pki, "twee", "speechless"))
        assert one.addresses["lab-ebms.een.ketentest.test"] != two.addresses["lab-ebms.twee.ketentest.test"]
        assert (await post(one.served, trusting(pki))).status_code == 200
        assert (await post(two.served, trusting(pki))).status_code == 503
        assert one.counterparty.running
    assert not one.counterparty.running


@pytest.mark.parametrize("fault", ["down", "ebms-down", "msh-down"])
async def test_a_counterparty_that_is_down_refuses_connections(pki, parrots, fault):
    async with Lab(pki) as lab:
        running = await lab.start(place(pki, "een", fault))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*running.served.address)


def test_an_unknown_fault_names_the_nearest_one(parrots):
    with pytest.raises(UnusableInput, match="speechless"):
        check_fault("papegaai", "een", "speechles")


def test_tls_configurations_are_faults_of_every_counterparty(parrots):
    assert {"expired", "ebms-down", "speechless"} <= set(known_faults("papegaai"))
