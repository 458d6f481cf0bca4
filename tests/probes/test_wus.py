"""The WUS probes against the lab, over real mutual TLS: healthy passes, and each fault gives its own rule."""

import asyncio
import base64
import contextlib
from dataclasses import replace

import pytest
from lxml import etree

from harness.binding import Binder
from harness.chain import load
from harness.chaintest.journal import Journal
from harness.engine import Engine, Step
from harness.errors import Refused
from harness.guard import Guard
from harness.lab import Lab
from harness.lab.ca import Pki
from harness.lab.faults import wus as faults
from harness.link import Material
from harness.lint.wus.message import read
from harness.model import Environment, Verdict, say
from harness.probes import probe as probes
from harness.probes import wus, wus_trials
from harness.probes.wus_answer import context_of_answer
from harness.probes.wus_input import refuse_other_bsns
from harness.probes.wus_request import prepared
from harness.rulebook import rulebook

SCENARIO = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
[limits]
connect_timeout = {connect}
read_timeout = {read}
pong_timeout = 30
[certificates.tls]
[certificates.sign]
[connections.dut]
system = "{system}"
certificates = {{ tls-client = "tls", tls-server = "tls", message-signing = "sign" }}
peer = {{ name = "Dienst", oin = "00000099000000002000" }}
[connections.dut.wus]
{wus}
{more}
"""
EBMS = '[connections.dut.ebms]\nprofiles = ["osb-rm"]\n'
WUS = {
    "lopende-zaken": ('service = "profielservice"', EBMS),
    "digikoppeling": ('service = "digikoppeling"\nprofiles = ["2W-be", "2W-be-S", "2W-be-SE"]', EBMS),
    "digipoort": ('service = "digipoort"\noperation = "getStatussenProces"', ""),
    "digimelding": ('service = "digimelding"\noperation = "Echo"', ""),
}
PKI = Pki()


@contextlib.asynccontextmanager
async def session(tmp_path, system, *fault, read=30, connect=10, side="", more=""):
    """An engine on one connection against the lab."""
    own, extra = WUS[system]
    file = tmp_path / "chain.toml"
    file.write_text(SCENARIO.format(system=system, wus=side or own, more=extra + more, read=read, connect=connect))
    loaded = load(file)
    async with Lab(PKI) as lab:
        link = await Binder(loaded, lab, [f"dut:{name}" for name in fault]).bind(loaded.connections[0])
        engine = Engine({"dut": link}, {e: Guard(e) for e in Environment}, probes.load(), rulebook(), folder=None)
        try:
            yield engine
        finally:
            await engine.close()


def found(result):
    return {g.finding.rule: str(g.severity) for g in result.findings}


def told(result):
    return " | ".join(o.text.nl if hasattr(o.text, "nl") else o.text for o in result.observed)


HEALTHY = [
    ("lopende-zaken", "wus.wsdl"), ("lopende-zaken", "wus.headers"), ("lopende-zaken", "wus.signature"),
    ("lopende-zaken", "wus.profile"), ("lopende-zaken", "wus.call"),
    ("digikoppeling", "wus.call[be]"), ("digikoppeling", "wus.call[be-s]"), ("digikoppeling", "wus.call[be-se]"),
    ("digikoppeling", "wus.serve[be]"), ("digikoppeling", "wus.serve[be-s]"), ("digikoppeling", "wus.serve[be-se]"),
    ("digikoppeling", "wus.wsdl"), ("digikoppeling", "wus.signature"),
    ("digipoort", "wus.call"), ("digipoort", "wus.headers"), ("digipoort", "wus.signature"),
    ("digimelding", "wus.call"), ("digimelding", "wus.wsdl"), ("digimelding", "wus.headers"),
]  # fmt: skip


@pytest.mark.parametrize(("system", "probe_id"), HEALTHY)
async def test_healthy_is_pass(tmp_path, system, probe_id):
    async with session(tmp_path, system) as engine:
        result = await engine.result("dut", probe_id)
    assert result.verdict is Verdict.PASS, (result.cause, result.findings, result.not_run)


async def test_a_healthy_call_says_three_times_yes(tmp_path):
    async with session(tmp_path, "digipoort") as engine:
        result = await engine.result("dut", "wus.call")
    said = told(result)
    assert "bereikbaar: ja" in said
    assert "antwoordt: ja" in said
    assert "conform: ja" in said
    assert "105 aanleverproces gestart" in said


READ = {"wus-slow-answer": 1, "endless-body": 1}
SHOWS_IN = {"2W-be": "wus.call[be]", "2W-be-S": "wus.call[be-s]", "2W-be-SE": "wus.call[be-se]"}
ON_THE_LINE = ("wus-slow-answer", "endless-body", "hang-up-after-request", "html-502", "redirected", "mtom-damaged-part",
               "wrapped-body", "two-bodies", "other-relates-to", "unsigned", "not-encrypted", "other-receiver", "utf-16")  # fmt: skip


@pytest.mark.parametrize("name", ON_THE_LINE)
async def test_a_fault_gives_its_own_rule(tmp_path, name):
    fault = faults.GENERIC[name]
    async with session(tmp_path, "digikoppeling", name, read=READ.get(name, 30)) as engine:
        result = await engine.result("dut", SHOWS_IN.get(fault.needs, "wus.call[be-s]"))
    assert fault.rule in found(result)
    assert result.verdict is Verdict.FAIL


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(faults.GENERIC) - set(ON_THE_LINE)))
async def test_every_other_fault_gives_its_own_rule(tmp_path, name):
    fault = faults.GENERIC[name]
    async with session(tmp_path, "digikoppeling", name, read=READ.get(name, 30)) as engine:
        result = await engine.result("dut", SHOWS_IN.get(fault.needs, "wus.call[be-s]"))
    assert not fault.rule or fault.rule in found(result)


OWN_FAULTS = [
    *(("digipoort", name) for name in faults.DIGIPOORT if name not in ("no-end-state", "slow-process")),
    *(("digimelding", name) for name in faults.DIGIMELDING),
]


@pytest.mark.parametrize(("system", "name"), OWN_FAULTS)
async def test_a_fault_of_a_known_service_gives_its_own_rule(tmp_path, system, name):
    fault = {**faults.DIGIPOORT, **faults.DIGIMELDING}[name]
    async with session(tmp_path, system, name) as engine:
        result = await engine.result("dut", "wus.call")
    assert fault.rule in found(result)


async def test_a_fault_of_the_profielservice_proves_the_link(tmp_path):
    async with session(tmp_path, "lopende-zaken", "not-authorised") as engine:
        result = await engine.result("dut", "wus.profile")
        refused = await engine.result("dut", "wus.call")
    assert result.verdict is Verdict.PASS
    assert "antwoordt: ja – met een fout" in told(result)
    assert found(refused)["WUS-FAULT-007"] == "warning"


async def test_a_web_page_is_no_answer_of_the_profielservice(tmp_path):
    async with session(tmp_path, "lopende-zaken", "wus-html-200") as engine:
        result = await engine.result("dut", "wus.profile")
    assert "PROFIEL-LINK-001" in found(result)
    assert "antwoordt: nee" in told(result)


async def test_what_digipoort_does_by_itself_is_theirs(tmp_path):
    async with session(tmp_path, "digipoort", "as-measured") as engine:
        result = await engine.result("dut", "wus.call")
    assert result.verdict is Verdict.WARN
    assert "bekende afwijkingen" in told(result)


@pytest.mark.parametrize("operation", ["aanleveren", "getNieuweStatussen", "getNieuweStatussenProces"])
async def test_an_operation_that_changes_something_is_refused(tmp_path, operation):
    side = f'service = "digipoort"\noperation = "{operation}"'
    async with session(tmp_path, "digipoort", side=side) as engine:
        result = await engine.result("dut", "wus.call")
    assert result.verdict is Verdict.NOT_RUN
    assert operation in result.cause.nl


async def test_an_operation_that_is_not_there_offers_the_nearest_name(tmp_path):
    async with session(tmp_path, "digipoort", side='service = "digipoort"\noperation = "getStatusenProces"') as engine:
        result = await engine.result("dut", "wus.headers")
    assert result.verdict is Verdict.NOT_RUN
    assert "'getStatussenProces'" in result.cause.nl


async def test_a_bsn_outside_the_list_is_refused_before_anything_is_sent(tmp_path):
    (tmp_path / "vraag.toml").write_text('[controleerAccount]\nbsn = "111222333"\n')
    side = 'service = "profielservice"\ninput = "vraag.toml"'
    async with session(tmp_path, "lopende-zaken", side=side) as engine:
        result = await engine.result("dut", "wus.headers")
    assert result.verdict is Verdict.NOT_RUN
    assert "test-BSN" in result.cause.nl


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("111222333", True),
        ("betreft 111222333, spoed", True),
        ("111222333B01", True),
        (base64.b64encode(b"<zaak>" + b" " * 60 + b"<bsn>111222333</bsn></zaak>").decode(), True),
        ("6f1d9c52-8a8b-4c5e-9d0e-a111222333bc", False),
        ("urn:uuid:6f1d9c52-8a8b-4c5e-9d0e-a111222333bc", False),
        ("A" * 70 + "/111222333/" + "A" * 15, False),
        ("123456789", False),
        ("999990019", False),
    ],
)
async def test_what_can_be_a_bsn_is_refused_and_chance_digits_are_not(tmp_path, value, refused):
    async with session(tmp_path, "lopende-zaken") as engine:
        element = etree.Element("vraag")
        element.text = value
        if refused:
            with pytest.raises(Refused):
                refuse_other_bsns(engine.links["dut"], element)
            with pytest.raises(Refused):
                refuse_other_bsns(engine.links["dut"], etree.Element("vraag", bsn=value))
        else:
            refuse_other_bsns(engine.links["dut"], element)


async def test_without_a_wsdl_the_profielservice_is_not_run(tmp_path):
    async with session(tmp_path, "lopende-zaken") as engine:
        link = engine.links["dut"]
        link.documents.pop("wsdl-name")
        link.documents.pop("wsdl")
        result = await engine.result("dut", "wus.profile")
    assert result.verdict is Verdict.NOT_RUN
    assert "PROFIEL-CFG-001" in {n.rule for n in result.not_run}


async def all_at_once(tmp_path, system, probe_id, profile, count):
    """Make `count` calls at the same time and return the three results of each, with what is above information."""
    async with session(tmp_path, system) as engine:
        await engine.result("dut", "tls.mutual")
        link = engine.links["dut"]
        tools = engine._tools(Step("dut", probe_id, "wus"), link, engine.guards[Environment.LAB], "wus")

        async def one():
            call = await prepared(link, tools, profile)
            reply = await tools.exchange.post(link.endpoint("wus"), call.sent.body, call.sent.headers())
            answer = read(reply.raw, tools.context(**context_of_answer(link, tools, call)))
            items = list(wus._answered(tools, call, reply, answer, any_answer=False))
            said = tuple(dict(i.data) for i in items[:3])
            return said, [i for i in items if getattr(i, "severity", "info") != "info"]

        return await asyncio.gather(*(one() for _ in range(count)))


@pytest.mark.parametrize(
    ("scenario", "fault", "observed"),
    [
        ("Happyflow", "", None),
        ("Happyflow", "rejected-status", "Happyflow: 311"),
        ("Afleverfout", "", "Afleverfout: 500"),
        ("StatusInformatieFault", "", "StatusInformatieFault: een gewoon antwoord"),
        ("", "rejected-status", None),
    ],
)
async def test_the_statuses_of_our_own_delivery_are_those_of_its_scenario(tmp_path, scenario, fault, observed):
    (tmp_path / "vraag.toml").write_text('[getStatussenProces]\nkenmerk = "k-1"\n')
    side = 'service = "digipoort"\noperation = "getStatussenProces"\ninput = "vraag.toml"'
    async with session(tmp_path, "digipoort", *filter(None, [fault]), side=side) as engine:
        journal = engine._shared.setdefault("dut", {}).setdefault("msg.journal", Journal(None))
        journal.end("a", "delivered", "urn:uuid:1", kenmerk="k-1", aanleverkenmerk=scenario)
        result = await engine.result("dut", "wus.call")
    seen = [say(g.finding.observed, "nl") for g in result.findings if g.finding.rule == "DIGIPOORT-FLOW-001"]
    assert seen == ([observed] if observed else [])


async def test_a_caller_that_repeats_its_message_id_is_told_so(tmp_path):
    async with session(tmp_path, "digikoppeling", "repeated-message-id") as engine:
        first = await engine.result("dut", "wus.serve[be]")
        second = await engine.result("dut", "wus.serve[be-s]")
    assert "WUS-ADDR-021" not in found(first)
    finding = next(g.finding for g in second.findings if g.finding.rule == "WUS-ADDR-021")
    assert "(wus.serve 2W-be)" in finding.observed


THREE_TIMES_PASS = ({"bereikbaar": "pass"}, {"antwoordt": "pass"}, {"conform": "pass"})
EVERY_SERVICE = [
    ("digikoppeling", "2W-be"), ("digikoppeling", "2W-be-S"), ("digikoppeling", "2W-be-SE"),
    ("lopende-zaken", "2W-be-S"), ("digipoort", "2W-be-S"), ("digimelding", "2W-be-S"),
]  # fmt: skip


@pytest.mark.parametrize(("system", "profile"), EVERY_SERVICE)
async def test_ten_calls_at_once_are_pass_three_times(tmp_path, system, profile):
    for said, loud in await all_at_once(tmp_path, system, "wus.call", profile, 10):
        assert (said, loud) == (THREE_TIMES_PASS, [])


@pytest.mark.slow
@pytest.mark.parametrize(("system", "profile"), EVERY_SERVICE)
async def test_two_hundred_calls_at_once_are_pass_three_times(tmp_path, system, profile):
    answers = await all_at_once(tmp_path, system, "wus.call", profile, 200)
    assert len(answers) == 200
    assert all(said == THREE_TIMES_PASS and not loud for said, loud in answers)


READ_CALLS = [
    ("digipoort", "getBerichtsoorten", "antwoord gelezen: getBerichtsoortenReturn"),
    ("digipoort", "getProcessen", "antwoord gelezen"),
    ("digipoort", "getStatussenProces", "105 aanleverproces gestart"),
    ("digimelding", "Echo", "antwoord gelezen: Echo"),
    ("digimelding", "Statusoverzicht", "antwoord gelezen"),
]


@pytest.mark.parametrize(("system", "operation", "sentence"), READ_CALLS)
async def test_every_read_operation_can_be_called(tmp_path, system, operation, sentence):
    side = f'service = "{system}"\noperation = "{operation}"'
    async with session(tmp_path, system, side=side) as engine:
        result = await engine.result("dut", "wus.call")
    assert result.verdict is Verdict.PASS, (result.cause, result.findings)
    assert sentence in told(result)


WHO_ACTS = [
    ("digimelding", "not-authorised", "de basisregistratie: vraag de autorisatie aan"),
    ("digimelding", "functional-fault", "u: valideer het bericht"),
    ("digimelding", "service-unavailable", "de basisregistratie: probeer het later opnieuw"),
    ("digipoort", "functional-fault", "u: controleer het kenmerk"),
    ("digipoort", "service-unavailable", "Logius: probeer het later opnieuw"),
    ("digikoppeling", "functional-fault", "u: valideer het bericht eerst zelf tegen de XSD"),
    ("digikoppeling", "service-unavailable", "de dienstaanbieder: probeer het later opnieuw"),
]


@pytest.mark.parametrize(("system", "fault", "who"), WHO_ACTS)
async def test_a_fault_says_who_must_act_and_that_the_link_works(tmp_path, system, fault, who):
    async with session(tmp_path, system, fault) as engine:
        result = await engine.result("dut", "wus.call[be-s]" if system == "digikoppeling" else "wus.call")
    finding = next(g.finding for g in result.findings if g.finding.rule == "WUS-FAULT-007")
    assert finding.expected.nl.startswith(who)
    assert "bereikbaar: ja" in told(result)
    assert "antwoordt: ja – met een fout: de koppeling werkt" in told(result) or "XSD" in told(result)


@pytest.mark.parametrize(
    ("side", "sentence"),
    [
        ('operation = "controleerAcount"', "bedoelt u 'controleerAccount'?"),
        ('operation = "wijzigAccount"', "wijzigAccount"),
    ],
)
async def test_the_profielservice_says_why_it_was_not_queried(tmp_path, side, sentence):
    async with session(tmp_path, "lopende-zaken", side=f'service = "profielservice"\n{side}') as engine:
        result = await engine.result("dut", "wus.profile")
    assert result.verdict is Verdict.NOT_RUN
    assert sentence in str(result.cause) + str(result.not_run)


TRIALS = [
    ("digikoppeling", "wus.call[be-s]", 'trials = ["tampered"]', "", "", "één gewijzigde byte in wsa:MessageID geweigerd: wsse:FailedCheck"),
    ("digikoppeling", "wus.call[be-se]", 'trials = ["tampered"]', "", "", "geweigerd: wsse:FailedCheck"),
    ("digikoppeling", "wus.call[be-s]", 'trials = ["tampered"]', "verifies-nothing", "WUS-SEC-061", ""),
    ("lopende-zaken", "wus.profile", 'trials = ["persons"]', "", "", "testpersoon 2 (zonder account): nee | onjuist BSN: een fout, zoals verwacht"),
    ("lopende-zaken", "wus.profile", 'trials = ["persons"]', "persons-swapped", "PROFIEL-LINK-003", ""),
    ("lopende-zaken", "wus.profile", 'trials = ["persons"]', "any-bsn", "PROFIEL-LINK-003", ""),
    ("digipoort", "wus.call", 'operation = "getStatussenProces"\ntrials = ["statuses"]', "", "", "eindstatus bereikt: 105, 100, 110, 200, 301, 405, 400, 500 (1×)"),
    ("digipoort", "wus.call", 'operation = "getStatussenProces"\ntrials = ["statuses"]', "slow-process", "", "(3×)"),
    ("digipoort", "wus.call", 'operation = "getStatussenProces"\ntrials = ["statuses"]', "no-end-state", "DIGIPOORT-FLOW-003", ""),
]  # fmt: skip


@pytest.mark.parametrize(("system", "probe_id", "asked", "fault", "rule", "sentence"), TRIALS)
async def test_a_trial_says_what_the_ordinary_call_cannot(tmp_path, system, probe_id, asked, fault, rule, sentence):
    side = WUS[system][0].partition("\noperation")[0] + "\n" + asked
    async with session(tmp_path, system, *filter(None, [fault]), side=side) as engine:
        result = await engine.result("dut", probe_id)
    ids = {g.finding.rule for g in result.findings}
    assert (rule in ids) if rule else result.verdict is Verdict.PASS, (result.cause, ids, result.not_run)
    assert sentence in told(result)
    if rule != "DIGIPOORT-FLOW-003":
        assert "DIGIPOORT-FLOW-003" not in ids


async def test_a_trial_stays_away_from_production(tmp_path):
    async with session(tmp_path, "digikoppeling", side='service = "digikoppeling"\ntrials = ["tampered"]') as engine:
        link = replace(engine.links["dut"], environment=Environment.PROD)
        told_off = [item async for item in wus_trials.tried(link, None, None)]
    assert [item.rule for item in told_off] == ["WUS-SEC-061"]


async def test_two_test_persons_are_needed(tmp_path):
    (tmp_path / "bsn").write_text("999990019\n")
    side = 'service = "profielservice"\ntrials = ["persons"]'
    async with session(tmp_path, "lopende-zaken", side=side) as engine:
        link = engine.links["dut"]
        connection = link.connection.model_copy(update={"test_bsns": "file:bsn"})
        engine.links["dut"] = replace(link, connection=connection)
        result = await engine.result("dut", "wus.profile")
    assert result.verdict is Verdict.NOT_RUN
    assert result.cause.nl.startswith("trials = [persons]: test_bsns noemt 1 testpersonen")
    assert "antwoordt: ja" in told(result)


@pytest.mark.parametrize(
    ("system", "probe_id", "side", "fault", "verdict", "sentence"),
    [
        ("digikoppeling", "wus.call[be]", 'profiles = ["2W-be"]\nprofile = "2W-be"\ntrials = ["tampered"]', "", "not-run", "2W-be kent geen handtekening"),
        ("digikoppeling", "wus.call[be]", 'profiles = ["2W-be", "2W-be-S"]\ntrials = ["tampered"]', "", "pass", ""),
        ("digikoppeling", "wus.call[be-s]", 'trials = ["tampered"]', "not-authorised", "not-run", "bewijst niets"),
        ("digikoppeling", "wus.call[be-s]", 'trials = ["tampered"]', "changed-body", "fail", ""),
        ("digipoort", "wus.call", 'operation = "getBerichtsoorten"\ntrials = ["statuses"]', "", "not-run", "geen statussen"),
        ("lopende-zaken", "wus.profile", 'input = "vast.toml"\ntrials = ["persons"]', "", "not-run", "gebruikt {bsn} niet"),
    ],
)  # fmt: skip
async def test_a_trial_that_was_asked_for_and_cannot_run_leaves_the_call_not_run(
    tmp_path, system, probe_id, side, fault, verdict, sentence
):
    (tmp_path / "vast.toml").write_text('[controleerAccount]\nbsn = "999990019"\n')
    service = WUS[system][0].partition("\n")[0] + "\n"
    async with session(tmp_path, system, *filter(None, [fault]), side=service + side) as engine:
        result = await engine.result("dut", probe_id)
    assert result.verdict == verdict, (result.cause, result.findings, result.not_run)
    assert sentence in say(result.cause, "nl")


@pytest.mark.parametrize("probe_id", ["wus.signature", "wus.call[be-s]", "wus.call[be-se]"])
async def test_a_certificate_with_an_elliptic_curve_signs(tmp_path, probe_id):
    own = PKI.issue("own-signing", key="ec-p256", oin="00000099000000001000")
    async with session(tmp_path, "digikoppeling") as engine:
        link = engine.links["dut"]
        material = Material("sign", "message-signing", own.cert_path.read_bytes(), own.key_path.read_bytes())
        engine.links["dut"] = replace(link, materials={**link.materials, "message-signing": material})
        result = await engine.result("dut", probe_id)
    if probe_id.endswith("[be-se]"):
        assert result.verdict is Verdict.NOT_RUN
        assert "vraagt een RSA-certificaat" in result.cause.nl
    else:
        assert result.verdict is Verdict.PASS, (result.cause, result.findings, result.not_run)
