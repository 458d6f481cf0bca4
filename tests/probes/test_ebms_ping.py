"""Ping in four ways, and rehearsals that nobody offers: a certificate swap and PKIoverheid G4."""

from dataclasses import replace

import pytest
from aiohttp import web
from ebms_chain import chain, rules

from harness.lab.ca import Pki
from harness.model import Verdict
from harness.scenario import Adapter


@pytest.fixture(scope="module")
def pki():
    return Pki()


def with_ebms(engine, adapter=None, **changes):
    """Replace words of the connection, as another scenario would say them."""
    link = engine.links["lz"]
    ebms = link.connection.ebms.model_copy(update=changes)
    connection = link.connection.model_copy(update={"ebms": ebms, "adapter": adapter or link.connection.adapter})
    engine.links["lz"] = replace(link, connection=connection)


async def test_the_hand_over_way_says_what_it_needs_and_judges_the_captured_pong(tmp_path, pki, shared):
    async with chain(tmp_path, pki=pki) as engine:
        with_ebms(engine, way="hand-over")
        result = await engine.result("lz", "ebms.ping")
        assert result.verdict is Verdict.NOT_RUN
        assert "ebms.captured" in result.cause.nl
    (tmp_path / "pong.http").write_bytes((shared / "corpus/ebms/bases/base-pong-async.http").read_bytes())
    async with chain(tmp_path, pki=pki) as engine:
        link = engine.links["lz"]
        cpa = (shared / "corpus/ebms/bases/base-cpa-osb-rm.xml").read_bytes()
        engine.links["lz"] = replace(link, documents={"cpa": cpa})
        with_ebms(engine, way="hand-over", captured="pong.http")
        result = await engine.result("lz", "ebms.ping")
    assert ("PONG-017", "warning") in rules(result)
    assert result.verdict is Verdict.WARN, rules(result)


async def test_a_captured_message_that_is_no_pong_never_passes(tmp_path, pki, shared):
    (tmp_path / "ack.xml").write_bytes((shared / "corpus/ebms/bases/base-ack.xml").read_bytes())
    async with chain(tmp_path, pki=pki) as engine:
        with_ebms(engine, way="hand-over", captured="ack.xml")
        result = await engine.result("lz", "ebms.ping")
    assert result.verdict is Verdict.FAIL
    assert ("PONG-001", "error") in rules(result)


@pytest.mark.parametrize(
    ("status", "text", "verdict"), [(204, "", Verdict.WARN), (500, "No response received!", Verdict.FAIL)]
)
async def test_the_api_of_the_java_adapter_sends_the_ping(tmp_path, pki, status, text, verdict, monkeypatch):
    asked = []

    async def api(request):
        asked.append(request.path_qs)
        return web.Response(status=status, text=text)

    runner = web.ServerRunner(web.Server(api))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with chain(tmp_path, pki=pki) as engine:
            guard = next(iter(engine.guards.values()))
            monkeypatch.setattr(type(guard), "check", lambda *args, **options: None)
            with_ebms(engine, Adapter(api=f"http://127.0.0.1:{port}/service/rest/v19"), way="adapter")
            result = await engine.result("lz", "ebms.ping")
    finally:
        await runner.cleanup()
    assert result.verdict is verdict, rules(result)
    assert asked[0].startswith("/service/rest/v19/ebms/ping/ketentest-echo")
    assert "/from/urn%3Aosb%3Aoin%3A00000099000000001000/to/" in asked[0]


async def test_an_axway_folder_gets_the_mmd_and_the_pong_is_read_from_a_capture(tmp_path, pki):
    (tmp_path / "pickup").mkdir()
    async with chain(tmp_path, pki=pki) as engine:
        with_ebms(engine, Adapter(pickup="pickup"), way="adapter")
        result = await engine.result("lz", "ebms.ping")
    assert result.verdict is Verdict.NOT_RUN
    assert b"MessageMetadataDocument" in (tmp_path / "pickup/ping.mmd.xml").read_bytes()


async def test_a_certificate_swap_at_the_other_side_is_seen_against_the_cpa(tmp_path, pki):
    async with chain(tmp_path, "expires-soon", pki=pki) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert ("XCHK-003", "warning") in rules(result)


async def test_a_certificate_swap_at_our_side_is_seen_before_anything_is_sent(tmp_path, pki):
    async with chain(tmp_path, pki=pki) as engine:
        link = engine.links["lz"]
        renewed = pki.issue("own-tls", oin=link.party.oin, hosts=("ebms.lz-001000.ketentest.test",), days=200)
        material = replace(
            link.materials["tls-client"], certificate=renewed.cert_path.read_bytes(), key=renewed.key_path.read_bytes()
        )
        engine.links["lz"] = replace(link, materials={**link.materials, "tls-client": material})
        result = await engine.result("lz", "cpa.agreement")
    assert ("XCHK-001", "warning") in rules(result)


@pytest.mark.parametrize("mode", ["async", "sync"])
async def test_pkioverheid_g4_is_rehearsed_with_a_ping_and_a_signed_message(tmp_path, pki, mode):
    async with chain(tmp_path, pki=pki, generation="g4", mode=mode, profiles=("osb-rm-s",)) as engine:
        ping = await engine.result("lz", "ebms.ping")
        message = await engine.result("lz", "ebms.send[rm-s]")
    assert ping.verdict is Verdict.PASS, rules(ping)
    assert message.verdict is Verdict.PASS, rules(message)


def states(result):
    """Return the words of the states that the result went through."""
    return [dict(o.data).get("Toestand") for o in result.observed if "Toestand" in o.text.nl]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("", ["accepted-waiting", "pong"]),
        ("no-pong", ["accepted-waiting", "nothing"]),
        ("wrong-ref", ["accepted-waiting", "foreign"]),
        ("cpa-not-found", ["error"]),
        ("late-pong", ["accepted-waiting", "late"]),
    ],
)
async def test_a_ping_says_in_one_word_how_it_ended(tmp_path, pki, fault, expected):
    patience = 0.8 if fault != "late-pong" else 30
    async with chain(tmp_path, *[fault][: bool(fault)], pki=pki, pong_timeout=patience) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert states(result) == expected
    assert (result.verdict is Verdict.PASS) == (fault == "")


async def test_an_endpoint_that_leads_to_another_adapter_is_told_from_a_closed_firewall(tmp_path, pki, monkeypatch):
    from harness.probes import ebms_selftest

    async with chain(tmp_path, "no-pong", pki=pki, pong_timeout=0.4) as engine:
        here = await engine.result("lz", "ebms.ping")
    assert not [r for r, _ in rules(here) if r == "XCHK-011"]
    assert any("leidt vanaf hier naar deze luisteraar" in o.text.nl for o in here.observed)
    monkeypatch.setattr(ebms_selftest.Inbox, "took", lambda self, *nonce: False)
    async with chain(tmp_path, "no-pong", pki=pki, pong_timeout=0.4) as engine:
        elsewhere = await engine.result("lz", "ebms.ping")
    assert ("XCHK-011", "error") in rules(elsewhere)


async def test_the_pong_is_found_in_the_log_of_an_adapter(tmp_path, pki, shared):
    bases = shared / "corpus/ebms/bases"
    log = b"12:00:00 INFO sending\n%s\n12:00:01 INFO received %s\n12:00:02 INFO done\n"
    (tmp_path / "adapter.log").write_bytes(
        log % ((bases / "base-ping.xml").read_bytes(), (bases / "base-pong.xml").read_bytes())
    )
    async with chain(tmp_path, pki=pki) as engine:
        link = engine.links["lz"]
        engine.links["lz"] = replace(link, documents={"cpa": (bases / "base-cpa-osb-rm.xml").read_bytes()})
        with_ebms(engine, way="hand-over", captured="adapter.log")
        result = await engine.result("lz", "ebms.ping")
    assert result.verdict is Verdict.WARN, rules(result)
    assert ("PONG-017", "warning") in rules(result)


async def test_a_captured_empty_answer_is_no_pong_and_no_failure(tmp_path, pki):
    (tmp_path / "empty.http").write_bytes(b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n")
    async with chain(tmp_path, pki=pki) as engine:
        with_ebms(engine, way="hand-over", captured="empty.http")
        result = await engine.result("lz", "ebms.ping")
    assert result.verdict is Verdict.NOT_RUN
    assert "leeg antwoord" in result.cause.nl
