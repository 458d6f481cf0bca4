"""The lab's MSH answers as the CPA says, in six profiles and both directions, again and again."""

import asyncio
from datetime import UTC, datetime

import pytest
from ebms_chain import ALL, chain, rules

from harness.lab import Place
from harness.lab.ca import Pki
from harness.lab.msh import Msh
from harness.lab.server import Request
from harness.model import Verdict
from harness.wire import ebms_build as build
from harness.wire.ebms import read_message


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture
async def msh(pki):
    """A counterparty without a network, with CPAs of which we are the other party."""
    own = pki.issue("own-tls", oin="00000099000000001000", hosts=("ebms.lz.ketentest.test",))
    settings = {
        "own_name": "Gemeente Voorbeeldstad",
        "own_oin": "00000099000000001000",
        "own_endpoint": "https://ebms.lz.ketentest.test/ebms",
        "peer_oin": "00000099000000002000",
        "own_certificates": {"tls-client": own.cert_path.read_bytes()},
        "profiles": ("osb-rm",),
        "mode": "sync",
    }
    place = Place(
        "lz", "digikoppeling", "ebms", pki, frozenset(), settings, lambda: datetime.now(UTC), lambda h, p: (h, p)
    )
    counterparty = Msh(place)
    await counterparty.start()
    return counterparty


def ping_of(msh):
    agreement = next(iter(msh.agreements.values()))
    us, them = (build.Party(p.party_id) for p in (agreement.user, agreement.lab))
    return build.pack(build.ping(us, them, agreement.cpa.cpaid, datetime.now(UTC), "x.ketentest.test", sync_reply=True))


def posted(outgoing, **headers):
    names = {name.lower(): value for name, value in (*outgoing.headers, *headers.items())}
    return Request("POST", "/ebms", tuple(names.items()), outgoing.body)


async def test_a_synchronous_ping_is_answered_in_the_response(msh):
    outgoing = ping_of(msh)
    pong = read_message((await msh.handle(posted(outgoing))).body, "text/xml")
    assert pong.kind == "Pong"
    assert pong.ref_to == outgoing.message_id


async def test_an_unquoted_soap_action_is_refused_as_the_java_adapter_does(msh):
    reply = await msh.handle(posted(ping_of(msh), soapaction="ebXML"))
    assert reply.status == 500
    assert b"SOAPAction=ebXML" in reply.body


async def test_a_ping_under_an_unknown_cpa_gets_a_fault(msh):
    outgoing = ping_of(msh)
    cpaid = next(iter(msh.agreements)).encode()
    changed = build.replace(outgoing, body=outgoing.body.replace(cpaid, b"een_ander_cpa"))
    reply = await msh.handle(posted(changed))
    assert reply.status == 500
    assert b"CPA een_ander_cpa not found!" in reply.body


async def test_a_status_request_about_an_unknown_message_is_answered_not_recognized(msh):
    agreement = next(iter(msh.agreements.values()))
    us, them = (build.Party(p.party_id) for p in (agreement.user, agreement.lab))
    draft = build.status_request(us, them, agreement.cpa.cpaid, "x@y", datetime.now(UTC), "x.ketentest.test")
    answer = read_message((await msh.handle(posted(build.pack(draft)))).body, "text/xml")
    assert answer.kind == "StatusResponse"
    assert b'messageStatus="NotRecognized"' in answer.raw


async def test_a_message_error_is_never_answered(msh):
    ping = read_message(ping_of(msh).body, "text/xml")
    error = build.message_error(ping, [build.EbmsError("Unknown")], datetime.now(UTC), "x.ketentest.test")
    reply = await msh.handle(posted(build.pack(error)))
    assert (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_a_healthy_ping_passes(mode, tmp_path, pki):
    async with chain(tmp_path, pki=pki, mode=mode) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert result.verdict is Verdict.PASS, rules(result)


async def test_a_healthy_exchange_passes_in_six_profiles_and_both_directions(tmp_path, pki):
    async with chain(tmp_path, pki=pki, profiles=ALL) as engine:
        for profile in ALL:
            for probe in ("send", "receive"):
                result = await engine.result("lz", f"ebms.{probe}[{profile.removeprefix('osb-')}]")
                assert result.verdict is Verdict.PASS, (profile, probe, rules(result), result.cause)


async def test_reliable_messages_are_acknowledged_in_the_response_of_a_synchronous_channel(tmp_path, pki):
    async with chain(tmp_path, pki=pki, mode="sync", profiles=("osb-rm",)) as engine:
        assert (await engine.result("lz", "ebms.send[rm]")).verdict is Verdict.PASS
        assert (await engine.result("lz", "ebms.receive[rm]")).verdict is Verdict.PASS


async def test_the_documents_of_a_healthy_connection_raise_nothing_above_information(tmp_path, pki):
    async with chain(tmp_path, pki=pki, profiles=ALL) as engine:
        for probe in ("ebms.mmd", "cpa.spec", "cpa.agreement"):
            result = await engine.result("lz", probe)
            loud = {r for r, severity in rules(result) if severity != "info"}
            assert loud <= {"CPA-056"}, (probe, rules(result))


async def test_two_hundred_pings_at_once_each_get_their_own_pong(msh):
    sent = [ping_of(msh) for _ in range(200)]
    replies = await asyncio.gather(*(msh.handle(posted(one)) for one in sent))
    pongs = [read_message(reply.body, "text/xml") for reply in replies]
    assert [p.ref_to for p in pongs] == [one.message_id for one in sent]
    assert len({p.message_id for p in pongs}) == 200
