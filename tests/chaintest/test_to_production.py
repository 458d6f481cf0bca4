"""The way to production: what must differ does, the log of the limited production run is counted and not kept."""

import contextlib
import json

from harness.binding import Binder
from harness.chain import load
from harness.engine import Engine
from harness.guard import Guard
from harness.model import Environment, Verdict
from harness.probes import probe as probes
from harness.rulebook import rulebook

HEAD = """schema = 1
environment = "{environment}"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
{certificates}
[connections.dut]
system = "{system}"
anchors = ["system"]
{extra}
"""
LZ = """[connections.dut.ebms]
endpoint = "{ebms}"
own_endpoint = "https://adapter.example.nl/ebms"
cpa = ""
way = "hand-over"
[connections.dut.wus]
endpoint = "https://profiel.{environment}.example.nl/wus"
wsdl = ""
{more}
"""
TVS = """[connections.dut.saml]
endpoint = "https://tvs.{environment}.example.nl/saml"
own_endpoint = "https://login.example.nl/saml"
metadata = ""
[[connections.dut.saml.providers]]
name = "Praktijk"
oin = "00000099000000005000"
service_uuid = "{uuid}"
"""


def scenario(tmp_path, folder, environment, system, sides, certificates="", extra=""):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    head = HEAD.format(environment=environment, system=system, certificates=certificates, extra=extra)
    (place / "chain.toml").write_text(head + sides)
    return place


@contextlib.asynccontextmanager
async def opened(place, runs=None):
    loaded = load(place)
    link = await Binder(loaded, None).bind(loaded.connections[0])
    if runs is not None:
        (runs / "evidence").mkdir(parents=True)
    engine = Engine({"dut": link}, {e: Guard(e) for e in Environment}, probes.load(), rulebook(), folder=runs)
    try:
        yield engine
    finally:
        await engine.close()


def rules(result):
    return {g.finding.rule for g in result.findings} | {n.rule for n in result.not_run}


async def compared(tmp_path, environment="prod"):
    async with opened(tmp_path / {"prod": "productie", "preprod": "preprod"}[environment]) as engine:
        return await engine.result("dut", "config.diff")


async def test_the_same_address_in_both_environments_is_a_finding_seen_from_either_side(tmp_path):
    for folder, environment in (("preprod", "preprod"), ("productie", "prod")):
        sides = LZ.format(ebms="https://msh.example.nl/ebms", environment=environment, more="")
        scenario(tmp_path, folder, environment, "lopende-zaken", sides)
    for environment in ("prod", "preprod"):
        result = await compared(tmp_path, environment)
        assert {g.finding.where for g in result.findings} == {"ebms.endpoint"}
        assert any("wus.endpoint" in str(o.text) for o in result.observed)


async def test_what_changed_is_listed_when_nothing_is_wrong(tmp_path):
    for folder, environment in (("preprod", "preprod"), ("productie", "prod")):
        sides = LZ.format(ebms=f"https://msh.{environment}.example.nl/ebms", environment=environment, more="")
        scenario(tmp_path, folder, environment, "lopende-zaken", sides)
    result = await compared(tmp_path)
    assert result.verdict is Verdict.PASS
    assert "https://msh.prod.example.nl/ebms ↔ https://msh.preprod.example.nl/ebms" in " ".join(
        str(o.text) for o in result.observed
    )


async def test_a_service_uuid_and_an_index_of_preproduction_are_findings_in_production(tmp_path):
    uuid = "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e51"
    for folder, environment in (("preprod", "preprod"), ("productie", "prod")):
        sides = (
            TVS.format(environment=environment, uuid=uuid)
            .replace("spec", "spec")
            .replace('metadata = ""', 'metadata = ""\nindex = 7')
        )
        scenario(tmp_path, folder, environment, "tvs-direct", sides)
    result = await compared(tmp_path)
    assert {g.finding.where for g in result.findings} == {"saml.index", "saml.providers"}


async def test_the_same_certificate_in_both_environments_is_a_finding(tmp_path, pki):
    identity = pki.identity("own-tls")
    (tmp_path / "tls.pem").write_bytes(identity.cert_path.read_bytes())
    (tmp_path / "tls.key").write_bytes(identity.key_path.read_bytes())
    certificates = '[certificates.tls]\ncert = "../tls.pem"\nkey = "file:../tls.key"\n'
    for folder, environment in (("preprod", "preprod"), ("productie", "prod")):
        sides = LZ.format(ebms=f"https://msh.{environment}.example.nl/ebms", environment=environment, more="")
        scenario(
            tmp_path, folder, environment, "lopende-zaken", sides, certificates, 'certificates = { tls-client = "tls" }'
        )
    result = await compared(tmp_path)
    assert {g.finding.where for g in result.findings} == {"certificates.tls-client"}


async def test_without_the_other_scenario_it_says_so(tmp_path):
    sides = LZ.format(ebms="https://msh.example.nl/ebms", environment="prod", more="")
    scenario(tmp_path, "productie", "prod", "lopende-zaken", sides)
    result = await compared(tmp_path)
    assert result.verdict is Verdict.NOT_RUN
    assert "../preprod/chain.toml" in result.cause.nl


async def test_the_log_of_the_production_run_is_counted_and_not_kept(tmp_path):
    more = '[connections.dut.adapter]\nlog = ["lpr.json"]\n'
    sides = LZ.format(ebms="https://msh.example.nl/ebms", environment="prod", more=more)
    place = scenario(tmp_path, "productie", "prod", "lopende-zaken", sides)
    rows = [
        {"messageId": f"{n}@wij", "action": "Zaak", "messageStatus": "PROCESSED", "burger": "Anna 999990019"}
        for n in range(3)
    ]
    (place / "lpr.json").write_text(json.dumps(rows))
    async with opened(place, tmp_path / "run") as engine:
        result = await engine.result("dut", "msg.log")
    assert result.verdict is Verdict.PASS
    assert any("3 verzonden en bevestigd" in str(o.text) for o in result.observed)
    assert list((tmp_path / "run" / "evidence").iterdir()) == []
    assert "Anna" not in repr(result)


async def test_a_production_run_without_a_log_stays_open(tmp_path):
    sides = LZ.format(ebms="https://msh.example.nl/ebms", environment="prod", more="")
    place = scenario(tmp_path, "productie", "prod", "lopende-zaken", sides)
    async with opened(place) as engine:
        result = await engine.result("dut", "msg.log")
    assert result.verdict is Verdict.NOT_RUN


async def test_the_test_persons_are_counted_and_a_wrong_number_is_named_by_its_place(tmp_path):
    sides = LZ.format(ebms="https://msh.example.nl/ebms", environment="preprod", more="")
    place = scenario(tmp_path, "preprod", "preprod", "lopende-zaken", sides, extra='test_bsns = "file:bsns.txt"')
    for text, said in (("999990019 999990020", "2 test-BSN"), ("999990019 123456789", "nummer 2")):
        (place / "bsns.txt").write_text(text)
        async with opened(place) as engine:
            result = await engine.result("dut", "config.lint")
        assert said in repr(result)
        assert "99999" not in repr(result)
        assert ("MSG-014" in rules(result)) == ("nummer" in said)
