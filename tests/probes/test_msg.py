"""Messages of the user's own against the schemas he received, and the round trip."""

from harness.model import Verdict
from tests.conftest import ROOT
from tests.probes.test_wus import found, session, told

SCHEMA = (ROOT / "harness/lab/wsdl/stub-profielservice-v1.xsd").read_bytes()
SPACE = "urn:ketentest:stub:profielservice:types:v1"
SIDE = 'service = "profielservice"\nschemas = "xsd"\nsamples = ["berichten/*.xml"]'


def prepare(tmp_path, body):
    (tmp_path / "xsd").mkdir()
    (tmp_path / "xsd" / "profiel.xsd").write_bytes(SCHEMA)
    (tmp_path / "berichten").mkdir()
    (tmp_path / "berichten" / "een.xml").write_text(body)


async def test_a_valid_sample_passes(tmp_path):
    prepare(tmp_path, f'<controleerAccount xmlns="{SPACE}"><bsn>999990019</bsn></controleerAccount>')
    async with session(tmp_path, "lopende-zaken", side=SIDE) as engine:
        result = await engine.result("dut", "msg.schema")
    assert result.verdict is Verdict.PASS
    assert "1 voorbeeldberichten gevalideerd" in told(result)


async def test_a_sample_that_is_not_valid_is_named(tmp_path):
    prepare(tmp_path, f'<controleerAccount xmlns="{SPACE}"><bsn>12</bsn></controleerAccount>')
    async with session(tmp_path, "lopende-zaken", side=SIDE) as engine:
        result = await engine.result("dut", "msg.schema")
    assert found(result) == {"WUS-SOAP-012": "error"}
    assert result.findings[0].finding.where == "een.xml"


async def test_a_broken_sample_is_a_finding(tmp_path):
    prepare(tmp_path, "<controleerAccount>")
    async with session(tmp_path, "lopende-zaken", side=SIDE) as engine:
        result = await engine.result("dut", "msg.schema")
    assert found(result) == {"WUS-SOAP-001": "error"}


async def test_without_schemas_the_own_request_is_validated(tmp_path):
    async with session(tmp_path, "digipoort") as engine:
        result = await engine.result("dut", "msg.schema")
    assert result.verdict is Verdict.PASS


async def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    async with session(tmp_path, "digipoort", side='service = "digipoort"\nschemas = "weg"') as engine:
        result = await engine.result("dut", "msg.schema")
    assert result.verdict is Verdict.NOT_RUN
    assert "geen map met XSD's" in result.cause.nl


async def test_a_message_is_the_same_after_a_round_trip(tmp_path):
    for system in ("digipoort", "digimelding", "lopende-zaken"):
        async with session(tmp_path, system) as engine:
            result = await engine.result("dut", "msg.roundtrip")
        assert result.verdict is Verdict.PASS, result.findings
