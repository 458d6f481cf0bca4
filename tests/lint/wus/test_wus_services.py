"""Known services: their own rules, their tolerated deviations, and the three results on a call."""

from pathlib import Path

import pytest
from lxml import etree

from harness.lint.judge import Context, Raw
from harness.lint.kinds import split_http
from harness.lint.wus import judge_message, three_results
from harness.lint.wus.message import read
from harness.lint.wus.service import service, services
from harness.model import Environment, Finding, Graded, Verdict
from harness.rulebook import rulebook
from harness.wire import soap, wss, xml
from tests.lint.wus.messages import NOW, REQUEST_ID, answer, answer_head, asked, judged, loud, raw_of, rules
from tests.wus_keys import holders

LAB = Path(__file__).resolve().parents[3] / "harness/lab/wsdl"

KV = "http://logius.nl/digipoort/koppelvlakservices/1.2/"
BASE = "http://logius.nl/digipoort/wus/2.0/"
STATUS = BASE + "statusinformatieservice/1.2/StatusinformatieService/"
DELIVER = BASE + "aanleverservice/1.2/AanleverService/"
DM = "http://webservices.digimelding.nl/dmks/cookiebox/"
IDENTITY = "<identiteitBelanghebbende><nummer>001000044B37</nummer><type>Fi</type></identiteitBelanghebbende>"


def digipoort(
    body, action, *, role="request", to="https://cs-bedrijven.procesinfrastructuur.nl/cpl/x", recipe=wss.DIGIKOPPELING
):
    addressing = (
        soap.Addressing(to=to, action=action, message_id=REQUEST_ID)
        if role == "request"
        else soap.Addressing(to=soap.ANONYMOUS, action=action, relates_to=REQUEST_ID)
    )
    envelope = soap.build(xml.parse(body.replace(">", f' xmlns="{KV}">', 1).encode(), huge=True), addressing)
    wss.sign(envelope, holders()["own" if role == "request" else "theirs"].signer, at=NOW, recipe=recipe)
    return envelope


def sorts(extra=""):
    return digipoort(
        f"<getBerichtsoortenRequest>{IDENTITY}{extra}</getBerichtsoortenRequest>", STATUS + "getBerichtsoortenRequest"
    )


def deliver(inside, action=DELIVER + "aanleverenRequest"):
    return digipoort(f"<aanleverRequest>{inside}</aanleverRequest>", action)


CONTENT = "<berichtInhoud><mimeType>text/xml</mimeType><bestandsnaam>a.xbrl</bestandsnaam><inhoud>QUJD</inhoud></berichtInhoud>"
WHOLE = f"<berichtsoort>Omzetbelasting</berichtsoort>{IDENTITY}<rolBelanghebbende>Bedrijf</rolBelanghebbende>{CONTENT}"


def test_healthy_digipoort_requests_are_silent():
    assert loud(judged(sorts(), "request")) == set()
    assert loud(judged(deliver(WHOLE), "request")) == set()


@pytest.mark.parametrize(
    ("envelope", "rule"),
    [
        (lambda: digipoort(f"<aanleveren>{WHOLE}</aanleveren>", DELIVER + "aanleverenRequest"), "DIGIPOORT-BODY-001"),
        (lambda: deliver(WHOLE.replace("<rolBelanghebbende>Bedrijf</rolBelanghebbende>", "")), "DIGIPOORT-BODY-002"),
        (lambda: deliver(WHOLE + "<berichtBijlagen/>"), "DIGIPOORT-BODY-002"),
        (lambda: deliver(CONTENT + WHOLE.replace(CONTENT, "")), "DIGIPOORT-BODY-002"),
        (lambda: deliver(WHOLE.replace("<type>Fi", "<type>MSIdentificatie")), "DIGIPOORT-BODY-003"),
        (lambda: deliver(WHOLE.replace("a.xbrl", "a" * 90)), "DIGIPOORT-BODY-004"),
        (lambda: deliver(WHOLE.replace("Bedrijf", "B" * 41)), "DIGIPOORT-BODY-004"),
        (lambda: deliver(WHOLE.replace("QUJD", "QUJD" * 7_200_000)), "DIGIPOORT-BODY-005"),
        (lambda: deliver(WHOLE.replace("QUJD", "geen base64!")), "DIGIPOORT-BODY-002"),
        (lambda: deliver(WHOLE, DELIVER + "aanleveren"), "DIGIPOORT-ACT-001"),
        (sorts, "DIGIPOORT-SEC-001"),
    ],
)
def test_a_digipoort_request_with_one_deviation(envelope, rule):
    assert rule in rules(judged(envelope(), "request"))


def statuses(*codes):
    results = "".join(
        f"<StatusResultaat><kenmerk>k</kenmerk>{IDENTITY}<statuscode>{code}</statuscode>"
        f"<tijdstempelStatus>2026-11-21T20:0{number}:00Z</tijdstempelStatus><statusomschrijving>x</statusomschrijving></StatusResultaat>"
        for number, code in enumerate(codes)
    )
    body = f"<getStatussenProcesResponse><getStatussenProcesReturn>{results}</getStatussenProcesReturn></getStatussenProcesResponse>"
    return digipoort(body, STATUS + "getStatussenProcesResponse", role="response")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [(("105", "100", "400", "500"), False), (("105", "999"), True), (("311",), True), (("500", "105"), True)],
)
def test_status_sequences_are_followed(codes, expected):
    found = loud(judged(statuses(*codes), "response", companions=(("v.xml", raw_of(sorts())),)))
    assert ("DIGIPOORT-FLOW-002" in found) is expected


def test_what_digipoort_leaves_out_is_theirs_and_stays_visible():
    document = judged(statuses("105"), "response")
    found = {g.finding.rule: g.finding for g in document.findings}
    assert found["WUS-SEC-050"].case == "theirs"
    assert "niet bij u" in found["WUS-SEC-050"].observed.nl
    assert "DIGIPOORT-SEC-003" in found


def test_an_unsigned_normal_answer_of_digipoort_is_not_tolerated():
    envelope = statuses("105")
    envelope[0].remove(envelope.find(f".//{{{soap.WSSE}}}Security"))
    assert rules(judged(envelope, "response"))["WUS-SEC-001"] == "error"


def test_another_action_in_the_answer_of_digipoort():
    body = "<getBerichtsoortenResponse><getBerichtsoortenReturn/></getBerichtsoortenResponse>"
    envelope = digipoort(body, STATUS + "getBerichtsoortenRequest", role="response")
    assert "DIGIPOORT-ACT-002" in loud(judged(envelope, "response"))


def test_an_answer_signed_by_somebody_else_than_logius():
    body = "<getBerichtsoortenResponse><getBerichtsoortenReturn/></getBerichtsoortenResponse>"
    envelope = digipoort(body, STATUS + "getBerichtsoortenResponse", role="request")
    assert "DIGIPOORT-SEC-002" in loud(judged(envelope, "response"))


def test_a_production_host_in_a_test_run():
    envelope = digipoort(
        f"<getBerichtsoortenRequest>{IDENTITY}</getBerichtsoortenRequest>",
        STATUS + "getBerichtsoortenRequest",
        to="https://wus.digipoort.logius.nl/wus/2.0/x",
    )
    assert "DIGIPOORT-ENV-001" in loud(judged(envelope, "request"))
    assert "DIGIPOORT-ENV-001" not in loud(judged(envelope, "request", environment=Environment.PROD))


def dm(body, action="EchoRequest", **addressing):
    given = {
        "to": "https://x.nl",
        "action": DM + action,
        "sender": "https://g.nl?OIN=00000001001234567000",
    } | addressing
    return soap.build(etree.fromstring(body.replace(">", f' xmlns="{DM}">', 1)), soap.Addressing(**given))


ECHO = "<EchoRequest><OinBasisregistratie>00000001812345678000</OinBasisregistratie><Echo>é&amp;&lt; 7f</Echo></EchoRequest>"


def test_the_echo_comes_back_or_not():
    request = raw_of(dm(ECHO))
    for text, found in (("é&amp;&lt; 7f", False), ("e&amp;&lt; 7f", True)):
        response = dm(
            f"<EchoResponse><Echo>{text}</Echo></EchoResponse>", "EchoResponse", to="", sender="", relates_to="x"
        )
        document = judged(response, "response", profile="", companions=(("echo.xml", request),))
        assert ("DIGIMELDING-ECHO-001" in loud(document)) is found


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<AnnotatieToevoegenRequest><Referentiekenmerk>1234567890123</Referentiekenmerk><Annotatie/></AnnotatieToevoegenRequest>", "DIGIMELDING-SYNTAX-001"),
        ("<AnnotatieToevoegenRequest></AnnotatieToevoegenRequest>", "DIGIMELDING-SYNTAX-001"),
        ('<AnnotatieToevoegenRequest><Annotatie><Contact ContactType="Ander"/></Annotatie></AnnotatieToevoegenRequest>', "DIGIMELDING-SYNTAX-001"),
        (f"<AnnotatieToevoegenRequest><Annotatie>{'<Bijlage/>' * 6}</Annotatie></AnnotatieToevoegenRequest>", "DIGIMELDING-SYNTAX-001"),
        ("<AnnotatieToevoegenRequest><Annotatie><Persoonsaanduiding>Jansen</Persoonsaanduiding></Annotatie></AnnotatieToevoegenRequest>", "DIGIMELDING-ID-003"),
        ("<AnnotatieToevoegenRequest><Annotatie><Oin>00000003273229750000</Oin></Annotatie></AnnotatieToevoegenRequest>", "DIGIMELDING-ID-002"),
        ("<AnnotatieToevoegenRequest><Annotatie><Oin>00000003273229750000</Oin></Annotatie></AnnotatieToevoegenRequest>", "DIGIMELDING-ID-001"),
    ],
)  # fmt: skip
def test_a_digimelding_request_with_one_deviation(body, rule):
    assert rule in rules(judged(dm(body, "AnnotatieToevoegenRequest"), "request", profile=""))


def test_digimelding_is_not_2w_be_se():
    assert "DIGIMELDING-PROF-001" in loud(judged(dm(ECHO), "request", profile="2W-be-SE"))


@pytest.mark.parametrize(
    ("detail", "rule"),
    [
        (f'<x xmlns="{DM}"/>', "DIGIMELDING-FAULT-001"),
        (
            f'<DigimeldingSynchroonFault xmlns="{DM}"><faultcode>Server.DK0051.X</faultcode></DigimeldingSynchroonFault>',
            "DIGIMELDING-FAULT-002",
        ),
    ],
)
def test_a_digimelding_fault(detail, rule):
    envelope = soap.build(
        soap.fault("Client", "Fout", detail=etree.fromstring(detail)),
        soap.Addressing(action=DM + "Fault", relates_to=REQUEST_ID),
    )
    assert rule in rules(judged(envelope, "fault", profile="2W-be"))


def test_the_profile_is_held_against_the_policy():
    wsdl = (("d.wsdl", (LAB / "stub-profielservice-v1.wsdl").read_bytes()),)
    assert "PROFIEL-CFG-002" in loud(judged(raw_of(answer(signed=False)), "response", profile="2W-be", companions=wsdl))


def test_every_service_profile_names_only_rules_and_operations_that_exist():
    for profile in services().values():
        assert set(profile.tolerated) <= set(rulebook().rules)
        assert all(o.input and o.output for o in profile.operations)
    assert service("digipoort").allowed == {"getBerichtsoorten", "getProcessen", "getStatussenProces"}
    assert "AnnotatieToevoegen" not in service("digimelding").allowed


def called(envelope, status="200 OK", content_type=soap.MEDIA_TYPE):
    data = raw_of(envelope)
    http, body = split_http(answer_head(len(data), status=status, content_type=content_type) + data)
    ctx = Context(
        at=NOW, role="response", profile="2W-be-S", companions=(Raw(asked(), "v.xml"),), trust=(holders()["root"].pem,)
    )
    raw = Raw(body, "antwoord", http)
    findings = [o for o in judge_message(raw, ctx) if isinstance(o, Finding)]
    return three_results(answer=read(raw, ctx), findings=rulebook().grade(findings, ctx.words))


def test_three_results_of_a_healthy_call_a_fault_and_a_web_page():
    from tests.lint.wus.messages import fault

    assert called(fault(signed=False), "500 X").antwoordt is Verdict.PASS
    page = called(b"<html/>", "502 X", "text/html")
    assert (page.bereikbaar, page.antwoordt, page.conform) == (Verdict.PASS, Verdict.FAIL, Verdict.BLOCKED)
    assert three_results(failure="connect").bereikbaar is Verdict.FAIL
    slow = three_results(failure="read-timeout")
    assert (slow.bereikbaar, slow.antwoordt) == (Verdict.PASS, Verdict.FAIL)
    stray = answer(lambda e: e[0].find(f"{{{soap.WSA}}}RelatesTo").__setattr__("text", "urn:x"))
    assert called(stray).antwoordt is Verdict.FAIL


def test_a_known_deviation_keeps_the_link_conform_with_a_remark():
    graded = [Graded(Finding("WUS-SEC-020", case="theirs"), rulebook().weigh("WUS-SEC-020", "theirs", ()))]
    http, body = split_http(answer_head(1) + raw_of(answer()))
    message = read(Raw(body, "a", http), Context(at=NOW, role="response"))
    assert three_results(answer=message, findings=graded).conform is Verdict.WARN


def delivered(outcome, scenario, shown="vraag"):
    """The answer to a delivery on the test stub, with that delivery beside it."""
    role = f"<aanleverkenmerk>{scenario}</aanleverkenmerk>"
    asked = deliver(WHOLE.replace(IDENTITY, role + IDENTITY))
    if outcome == "fault":
        body = f'<x:Fault xmlns:x="{soap.SOAP}"><faultcode>x:Client</faultcode><faultstring>f</faultstring></x:Fault>'
        envelope = digipoort("<aanleverResponse></aanleverResponse>", DELIVER + "aanleveren/Fault/", role="response")
        envelope[1].remove(envelope[1][0])
        envelope[1].append(xml.parse(body.encode()))
    else:
        inside = f"<kenmerk>k</kenmerk><berichtsoort>O</berichtsoort>{role}<tijdstempelAangeleverd>2026-11-21T20:00:00Z</tijdstempelAangeleverd>{IDENTITY}<rolBelanghebbende>B</rolBelanghebbende>"
        envelope = digipoort(
            f"<aanleverResponse>{inside}</aanleverResponse>", DELIVER + "aanleverenResponse", role="response"
        )
    return rules(judged(envelope, "response", service="digipoort", companions=((shown, raw_of(asked)),)))


@pytest.mark.parametrize(
    ("scenario", "outcome", "expected"),
    [
        ("Happyflow", "answer", False),
        ("Happyflow", "fault", True),
        ("AanleverFault", "fault", False),
        ("AanleverFault", "answer", True),
        ("Afleverfout", "fault", True),
        ("eigen-kenmerk-1", "fault", False),
    ],
)
def test_the_scenario_of_the_test_stub_has_its_outcome(scenario, outcome, expected):
    assert ("DIGIPOORT-FLOW-001" in delivered(outcome, scenario)) is expected
