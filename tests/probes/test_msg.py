"""Messages of the user's own: the XSDs he received, his samples, his test set, and the round trip."""

import pytest

from harness.model import Verdict
from harness.probes.msg import CARRIED
from harness.wire import mtom
from tests.conftest import ROOT
from tests.probes.test_wus import found, session, told

SCHEMA = (ROOT / "harness/lab/wsdl/stub-profielservice-v1.xsd").read_bytes()
SPACE = "urn:ketentest:stub:profielservice:types:v1"
SIDE = 'service = "profielservice"\nschemas = "xsd"\nsamples = ["berichten/*.xml"]'
GOOD = f'<controleerAccount xmlns="{SPACE}"><bsn>999990019</bsn></controleerAccount>'


def prepare(tmp_path, body):
    (tmp_path / "xsd").mkdir()
    (tmp_path / "xsd" / "profiel.xsd").write_bytes(SCHEMA)
    (tmp_path / "berichten").mkdir()
    (tmp_path / "berichten" / "een.xml").write_text(body)


async def judged(tmp_path, probe, side=SIDE, system="lopende-zaken"):
    async with session(tmp_path, system, side=side) as engine:
        return await engine.result("dut", probe)


@pytest.mark.parametrize("system", ["lopende-zaken", "digipoort", "digimelding"])
@pytest.mark.parametrize("probe", ["msg.schema", "msg.samples", "msg.testset", "msg.roundtrip"])
async def test_as_cloned_the_lab_gives_real_results(tmp_path, system, probe):
    result = await judged(tmp_path, probe, side="", system=system)
    assert result.verdict is Verdict.PASS, result.findings
    assert "999990019" not in repr(result)


async def test_the_digest_of_the_set_is_recorded(tmp_path):
    prepare(tmp_path, GOOD)
    result = await judged(tmp_path, "msg.schema")
    assert result.verdict is Verdict.PASS
    assert len(dict(result.observed[0].data)["SHA-256"]) == 64


async def test_a_valid_sample_passes_but_the_error_message_is_missed(tmp_path):
    prepare(tmp_path, GOOD)
    result = await judged(tmp_path, "msg.samples")
    assert found(result) == {"MSG-008": "warning"}
    assert "1 voorbeeldberichten gevalideerd" in told(result)


async def test_a_sample_that_is_not_valid_is_named_with_its_line(tmp_path):
    prepare(tmp_path, f'<controleerAccount xmlns="{SPACE}">\n<bsn>12</bsn></controleerAccount>')
    finding = (await judged(tmp_path, "msg.samples")).findings[0].finding
    assert (finding.rule, finding.line) == ("MSG-005", 2)
    assert finding.where.startswith("een.xml")


async def test_a_broken_sample_is_a_finding(tmp_path):
    prepare(tmp_path, "<controleerAccount>")
    assert found(await judged(tmp_path, "msg.samples"))["MSG-003"] == "error"


async def test_a_bsn_that_is_not_on_the_list_is_a_finding_without_its_digits(tmp_path):
    prepare(tmp_path, GOOD.replace("999990019", "&#49;11222333"))
    result = await judged(tmp_path, "msg.samples")
    assert found(result)["MSG-007"] == "error"
    assert "111222333" not in repr(result)


async def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    result = await judged(tmp_path, "msg.schema", 'service = "digipoort"\nschemas = "weg"', "digipoort")
    assert result.verdict is Verdict.NOT_RUN
    assert "geen map met XSD's" in result.cause.nl


async def test_a_list_of_test_bsns_with_a_wrong_number_names_its_place_only(tmp_path):
    (tmp_path / "bsns.txt").write_text("999990019\n123456789\n")
    async with session(
        tmp_path, "lopende-zaken", more='\n[connections.dut2]\nsystem = "digipoort"\n[connections.dut2.wus]\n'
    ) as engine:
        link = engine.links["dut"]
        changed = link.connection.model_copy(update={"test_bsns": "file:bsns.txt"})
        object.__setattr__(link, "connection", changed)
        result = await engine.result("dut", "msg.samples")
    assert result.verdict is Verdict.NOT_RUN
    assert "nummer 2" in result.cause.nl
    assert "123456789" not in result.cause.nl


def test_the_lab_set_says_that_it_is_for_the_lab_only():
    folder = ROOT / "harness/schemas/lab-messages"
    for file in [*folder.glob("*.toml"), *folder.glob("xsd/*.xsd")]:
        text = file.read_text()
        assert "LAB ONLY" in text
        assert "logius.nl" not in text
        assert all(line.count("urn:ketentest:lab:") for line in text.splitlines() if "targetNamespace" in line)
    assert len(list((folder / "templates").iterdir())) == 5


def write_set(tmp_path, *bodies):
    rows = []
    (tmp_path / "set").mkdir()
    for number, body in enumerate(bodies):
        (tmp_path / "set" / f"{number}.xml").write_text(body)
        rows.append(f'[[message]]\nid = "m{number}"\nfile = "{number}.xml"\n')
    (tmp_path / "set" / "testset.toml").write_text("".join(rows))


async def test_a_prepared_message_without_a_test_person_is_a_finding(tmp_path):
    prepare(tmp_path, GOOD)
    write_set(tmp_path, GOOD, f'<controleerAccount xmlns="{SPACE}"><bsn>000000000</bsn></controleerAccount>')
    result = await judged(tmp_path, "msg.testset", SIDE + '\nmessages = "set"')
    assert found(result)["MSG-009"] == "error"
    assert [g.finding.where for g in result.findings if g.finding.rule == "MSG-009"] == ["1.xml"]


async def test_two_prepared_messages_with_one_content_are_a_finding(tmp_path):
    prepare(tmp_path, GOOD)
    write_set(tmp_path, GOOD, f'<?xml version="1.0"?>\n{GOOD}')
    result = await judged(tmp_path, "msg.testset", SIDE + '\nmessages = "set"')
    assert found(result) == {"MSG-010": "error"}


async def test_a_message_that_comes_back_changed_is_a_finding(tmp_path, monkeypatch):
    unpack = mtom.inline

    def careless(root, package):
        unpack(root, package)
        next(root.iter(CARRIED)).text = "YW5kZXJz"

    monkeypatch.setattr("harness.probes.msg.mtom.inline", careless)
    result = await judged(tmp_path, "msg.roundtrip", side="", system="digipoort")
    assert found(result)["MSG-013"] == "error"
