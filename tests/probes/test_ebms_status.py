"""When no answer came: ask once for the status, and answer the counterparty that pings us."""

import pytest
from ebms_chain import ALL, chain, rules

from harness.errors import Refused
from harness.exchange import Exchange
from harness.lab.ca import Pki
from harness.model import Verdict

QUICK = {"read_timeout": 2, "pong_timeout": 0.8}


@pytest.fixture(scope="module")
def pki():
    return Pki()


def said(result):
    return " ".join(o.text.nl for o in result.observed)


def advice(result):
    return {g.finding.case for g in result.findings if g.finding.rule == "ERR-020"}


@pytest.mark.parametrize(
    ("fault", "word", "cause"),
    [
        ("no-ack", "Received", "status-arrived"),
        ("status-unknown", "NotRecognized", "status-unknown"),
        ("status-unauthorised", "UnAuthorized", "status-unauthorised"),
    ],
)
async def test_a_silent_delivery_is_asked_about_once_and_the_answer_says_who_must_act(
    tmp_path, pki, fault, word, cause
):
    async with chain(tmp_path, fault, pki=pki, profiles=ALL, **QUICK) as engine:
        result = await engine.result("lz", "ebms.send[rm]")
    assert ("ACK-008", "error") in rules(result)
    assert said(result).count("StatusResponse over") == 1
    assert f": {word}" in said(result)
    assert advice(result) == {cause}
    assert result.verdict is Verdict.FAIL


async def test_no_answer_to_the_status_request_is_allowed_and_said(tmp_path, pki):
    async with chain(tmp_path, "status-silent", pki=pki, profiles=ALL, **QUICK) as engine:
        result = await engine.result("lz", "ebms.send[rm]")
    assert ("STAT-004", "info") in rules(result)
    assert advice(result) == set()


async def test_an_acknowledged_delivery_is_not_asked_about(tmp_path, pki, counterparties):
    async with chain(tmp_path, pki=pki) as engine:
        result = await engine.result("lz", "ebms.send[rm]")
    assert result.verdict is Verdict.PASS
    assert "StatusResponse" not in said(result)


async def test_a_status_response_shows_that_the_way_back_works_when_no_pong_comes(tmp_path, pki):
    async with chain(tmp_path, "no-pong", pki=pki, **QUICK) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert "StatusResponse over" in said(result)
    assert advice(result) == {"no-ping"}


async def test_a_synchronous_status_response_is_read_too(tmp_path, pki):
    async with chain(tmp_path, "no-ack", pki=pki, mode="sync", **QUICK) as engine:
        result = await engine.result("lz", "ebms.send[rm]")
    assert advice(result) == {"status-arrived"}


async def test_a_ping_of_the_counterparty_gets_its_pong_and_is_reported(tmp_path, pki, counterparties):
    async with chain(tmp_path, "pings-back", pki=pki, **QUICK) as engine:
        result = await engine.result("lz", "ebms.ping")
    pongs = [m for m in counterparties[0].memory.signals if m.kind == "Pong"]
    assert len(pongs) == 1
    assert "de ketenpartner stuurde een Ping naar ons endpoint" in said(result)
    assert "beantwoord met een Pong, HTTP 204" in said(result)
    ping_id = next(dict(o.data)["MessageId Ping"] for o in result.observed if "stuurde een Ping" in o.text.nl)
    assert pongs[0].ref_to == ping_id
    assert advice(result) == {"no-ping"}


async def test_a_ping_with_an_unknown_cpa_gets_a_fault_and_no_pong(tmp_path, pki, counterparties):
    async with chain(tmp_path, "pings-unknown-cpa", pki=pki, **QUICK) as engine:
        result = await engine.result("lz", "ebms.ping")
    assert [m for m in counterparties[0].memory.signals if m.kind == "Pong"] == []
    assert "geweigerd met een SOAP Fault" in said(result)
    assert ("XCHK-007", "error") in rules(result)


async def test_a_status_request_that_may_not_leave_is_said_and_changes_no_verdict(tmp_path, pki, monkeypatch):
    post = Exchange.post

    async def capped(self, url, body, headers, *, service="", **words):
        if service == "ebms.status":
            raise Refused("dat is de grens", "that is the cap")
        return await post(self, url, body, headers, service=service, **words)

    monkeypatch.setattr(Exchange, "post", capped)
    async with chain(tmp_path, "no-ack", pki=pki, **QUICK) as engine:
        result = await engine.result("lz", "ebms.send[rm]")
    assert "statusvraag niet gesteld: dat is de grens" in said(result)
    assert result.verdict is Verdict.FAIL
