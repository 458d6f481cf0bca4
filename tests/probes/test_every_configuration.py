"""Every TLS configuration of the lab yields its own rule with all the others at once; the benchmark does it 100 times."""

from fault_runs import LOUD, missed

from harness import chain
from harness.binding import Binder
from harness.engine import Engine
from harness.guard import Guard
from harness.lab import Lab
from harness.lab.ca import Pki
from harness.model import Environment
from harness.probes import probe
from harness.rulebook import rulebook


def test_every_configuration_yields_its_own_rule_beside_all_the_others():
    assert len(LOUD) >= 30
    assert not missed(times=2)


CPA = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
kind = "overheid"
[certificates.tls]
cert = "lab"
key = "lab"
[connections.lz]
system = "lopende-zaken"
certificates = { tls-client = "tls", tls-server = "tls", message-signing = "tls" }
anchors = ["lab"]
peer = { name = "MijnOverheid", oin = "00000099000000002000" }
[connections.lz.ebms]
endpoint = "lab"
[connections.lz.wus]
endpoint = "lab"
wsdl = "lab"
"""


async def test_a_certificate_that_the_cpa_does_not_promise_is_told(tmp_path):
    (tmp_path / "chain.toml").write_text(CPA)
    loaded = chain.load(tmp_path / "chain.toml")
    found = {}
    for faults in ([], ["lz:other-certificate"]):
        async with Lab(Pki()) as lab:
            link = await Binder(loaded, lab, faults).bind(loaded.connections[0])
            engine = Engine({"lz": link}, {Environment.LAB: Guard(Environment.LAB)}, probe.load(), rulebook())
            result = await engine.result("lz", "tls.server")
            found[bool(faults)] = {g.finding.rule for g in result.findings}
            await engine.close()
    assert "TLS-012" not in found[False]
    assert "TLS-012" in found[True]
