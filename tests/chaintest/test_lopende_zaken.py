"""The chain test of Lopende Zaken against the lab: sent once, acknowledged, refused, answered with a foutbericht."""

import pytest

from harness.chaintest.journal import Journal
from harness.model import Verdict
from harness.probes.msg_sending import JOURNAL, key_of
from harness.rulebook import rulebook
from harness.run import utc_now

SET = 'messages = "set"\n'


def rules(result):
    return {g.finding.rule: str(g.severity) for g in result.findings}


def told(result):
    return {dict(o.data)["bericht"]: o.text.nl for o in result.observed if "bericht" in dict(o.data)}


def delivered(dut):
    return [m for m in dut.lab.parties["ebms"].memory.delivered if m.action != "EchoRequest"]


async def test_every_prepared_message_is_sent_once_and_acknowledged(chain):
    async with chain("lopende-zaken") as dut:
        result = await dut.run("ebms.send")
        count = len(delivered(dut))
    assert result.verdict is Verdict.PASS, rules(result)
    assert len(told(result)) == count == 6
    assert "foutbericht" in told(result)["foutbericht-1-p1"]
    assert sum("verzonden en bevestigd" in line for line in told(result).values()) == 5


async def test_no_digit_of_a_bsn_reaches_the_disk(chain):
    async with chain("lopende-zaken") as dut:
        result = await dut.run("ebms.send")
    kept = b"".join(file.read_bytes() for file in dut.folder.parent.rglob("*") if file.is_file())
    assert b"nieuwe-zaak-1-p1" in kept
    assert b"999990019" not in kept
    assert "999990019" not in repr(result)


@pytest.mark.parametrize(
    ("fault", "rule", "who"),
    [
        ("unknown-bsn", "MSG-022", "registreer het test DigiD-account"),
        ("foutbericht", "MSG-022", "u: "),
        ("no-foutbericht", "MSG-023", ""),
        ("no-ack", "MSG-021", ""),
        ("late-ack", "MSG-021", ""),
        ("double-ack", "MSG-027", ""),
        ("security-failure", "MSG-020", ": "),
        ("unknown-action", "MSG-020", ": "),
    ],
)
async def test_every_fault_has_its_rule_and_who_must_act(chain, fault, rule, who):
    async with chain("lopende-zaken", fault, pong=0.4 if fault == "no-ack" else 1.2) as dut:
        result = await dut.run("ebms.send")
    assert rule in rules(result), (rules(result), result.cause)
    assert result.verdict is (Verdict.WARN if fault in ("late-ack", "double-ack") else Verdict.FAIL)
    finding = next(g.finding for g in result.findings if g.finding.rule == rule)
    acts = rulebook()[rule].who.nl or getattr(finding.expected, "nl", "")
    assert acts
    assert who in f"{getattr(finding.expected, 'nl', '')}"


async def test_after_two_silences_the_rest_stays_home(chain):
    async with chain("lopende-zaken", "no-ack", pong=0.4) as dut:
        result = await dut.run("ebms.send")
        assert len(delivered(dut)) == 2
    assert any("4 berichten" in n.reason.nl for n in result.not_run if n.rule == "MSG-028")


async def test_a_message_is_repeated_with_its_own_id_and_delivered_once(chain):
    async with chain("lopende-zaken", "late-ack") as dut:
        result = await dut.run("ebms.send")
        ids = [m.message_id for m in delivered(dut)]
    assert "MSG-026" in rules(result)
    assert len(ids) == len(set(ids)) == 6


async def test_a_second_run_sends_nothing_and_tells_what_the_first_knew(chain, prepared):
    prepared()
    async with chain("lopende-zaken", sides=SET) as dut:
        first = await dut.run("ebms.send")
    async with chain("lopende-zaken", sides=SET, run="run-2") as dut:
        again = await dut.run("ebms.send")
        assert delivered(dut) == []
    assert first.verdict is again.verdict is Verdict.PASS
    assert rules(again) == {"MSG-025": "info"}
    assert all("niet opnieuw verzonden" in line for line in told(again).values())


async def test_a_failure_is_told_again_by_the_next_run_without_sending(chain, prepared):
    prepared()
    async with chain("lopende-zaken", "security-failure", sides=SET) as dut:
        first = await dut.run("ebms.send")
    async with chain("lopende-zaken", sides=SET, run="run-2") as dut:
        again = await dut.run("ebms.send")
        assert delivered(dut) == []
    assert rules(first)["MSG-020"] == rules(again)["MSG-020"] == "error"


async def test_a_bsn_that_is_not_on_the_list_keeps_every_message_back(chain, prepared):
    prepared(bsn="111222333")
    async with chain("lopende-zaken", sides=SET) as dut:
        result = await dut.run("ebms.send")
        assert dut.lab.parties["ebms"].memory.answers == {}
    assert result.verdict is Verdict.NOT_RUN
    assert "staan niet op de lijst" in result.cause.nl
    assert "111222333" not in repr(result)


async def test_an_invalid_message_keeps_every_message_back(chain, prepared, tmp_path):
    message = prepared()[0]
    file = tmp_path / "set" / message.file
    file.write_text(file.read_text().replace("<status>ontvangen</status>", "<status>kwijt</status>"))
    async with chain("lopende-zaken", sides=SET) as dut:
        result = await dut.run("ebms.send")
        assert delivered(dut) == []
    assert rules(result) == {"MSG-005": "error"}


async def test_when_the_line_breaks_the_outcome_is_open_and_the_message_does_not_go_again(chain, prepared):
    prepared()
    async with chain("lopende-zaken", "reset-after-request", sides=SET) as dut:
        link, engine = dut.link, dut.engine
        engine.probes = {**engine.probes, "ebms.send": _without_needs(engine.probes["ebms.send"])}
        first = await dut.run("ebms.send")
    async with chain("lopende-zaken", sides=SET, run="run-2") as dut:
        again = await dut.run("ebms.send")
        sent = len(delivered(dut))
    assert link.name == "dut"
    assert {n.rule for n in first.not_run} == {"MSG-024", "MSG-028"}
    assert "MSG-024" in {n.rule for n in again.not_run}
    assert again.verdict is Verdict.NOT_RUN
    assert sent == 5


@pytest.mark.parametrize(("known", "state"), [(True, "ontvangen"), (False, "uitkomst niet bekend")])
async def test_an_open_outcome_of_an_earlier_run_is_asked_about_and_closed_when_it_arrived(
    chain, prepared, known, state
):
    message = prepared()[0]
    for run in ("run-1", "run-2"):
        async with chain("lopende-zaken", sides=SET, run=run) as dut:
            journal = Journal(dut.folder.parent / JOURNAL, run)
            key = key_of(dut.link, dut.link.endpoint("ebms"), message)
            if run == "run-1":
                journal.begin(key, "1@ketentest.test", name=message.id)
                if known:
                    dut.lab.parties["ebms"].memory.answers["1@ketentest.test"] = (utc_now(), None)
            result = await dut.run("ebms.send")
            assert message.id not in {m.message_id for m in delivered(dut)}
        assert state in told(result)[message.id]
        assert journal.of(key).open is not known
        assert ("MSG-024" in {n.rule for n in result.not_run}) is not known
        assert result.verdict is (Verdict.PASS if known else Verdict.NOT_RUN)


def _without_needs(probe):
    from dataclasses import replace

    return replace(probe, needs=())


async def test_an_action_that_the_cpa_lacks_names_those_it_has(chain, prepared, tmp_path):
    prepared()
    index = tmp_path / "set" / "testset.toml"
    index.write_text(index.read_text().replace("VerstuurZaakbericht", "StuurZaak"))
    async with chain("lopende-zaken", sides=SET) as dut:
        result = await dut.run("ebms.send")
    assert result.verdict is Verdict.NOT_RUN
    assert "VerstuurZaakbericht" in result.cause.nl


async def test_a_form_asks_a_person_to_confirm_each_message(chain):
    import tomllib

    async with chain("lopende-zaken") as dut:
        result = await dut.run("ebms.send")
    form = tomllib.loads((dut.folder / "documents" / "dut" / "bevestigingen.toml").read_text())
    sent = {dict(o.data)["bericht"]: dict(o.data)["MessageId"] for o in result.observed if "bericht" in dict(o.data)}
    assert {block["item"]: block["step"] for block in form["attest"]} == dict.fromkeys(sent, "LZ-5.3.3c")
    assert all(sent[block["item"]] in block["statement"] for block in form["attest"])
    assert "999990019" not in str(form)
