"""A scenario whose WSDL is wrong: one sentence each, and no packet leaves the machine."""

import socket

import pytest

from harness.binding import Binder
from harness.chain import load
from harness.engine import Engine
from harness.errors import UnusableInput
from harness.guard import Guard
from harness.model import Environment, Verdict
from harness.probes import probe as probes
from harness.rulebook import rulebook
from tests.fronts.conftest import Terminal
from tests.wire.test_soap_zeep import NAME, SCHEMA, TWO_PORTS, WSDL, XSD
from tests.wus_keys import holders

HERE = "https://dienst.voorbeeldstad.test/wus"
SCENARIO = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
[hosts]
preprod = ["dienst.voorbeeldstad.test"]
[certificates.own]
cert = "own.pem"
key = "file:own.key"
[connections.dut]
system = "{system}"
permission = "toestemming.pdf"
certificates = {{ tls-client = "own", message-signing = "own" }}
anchors = []
peer = {{ name = "Dienst", oin = "00000099000000002000" }}
[connections.dut.wus]
endpoint = "{endpoint}"
wsdl = "{wsdl}"
{more}
"""
ELSEWHERE = WSDL.replace(XSD.encode(), b"https://schemas.elders.nl/" + XSD.encode())
DEEPER = SCHEMA.replace(b"<xs:element", b'<xs:import namespace="urn:x" schemaLocation="http://elders.nl/y.xsd"/><xs:element', 1)  # fmt: skip
INPUT = '[geefStatus]\nkenmerk = "1"\n'

WRONG = {
    "broken": (WSDL[:900], SCHEMA, "", "geen welgevormde XML"),
    "no WSDL but a page": (b"<html/>", SCHEMA, "", f"{NAME} is geen WSDL maar <html>"),
    "a missing relative import": (WSDL, b"", "", f"{NAME}:34: {XSD} ontbreekt"),
    "an import from the internet": (ELSEWHERE, SCHEMA, "", "van internet; dat wordt niet opgehaald"),
    "an import from the internet in a schema": (WSDL, DEEPER, "", "http://elders.nl/y.xsd van internet"),
    "a DTD with an address": (b'<!DOCTYPE x SYSTEM "http://elders.nl/x.dtd">' + WSDL.partition(b"?>")[2], SCHEMA, "", "DOCTYPE"),
    "two ports": (TWO_PORTS, SCHEMA, "", "meer dan één port (StubDienst_v1, Productie)"),
    "a port that is not there": (TWO_PORTS, SCHEMA, 'port = "Acceptatie"', "port 'Acceptatie' staat niet in de WSDL"),
    "an operation that is not there": (WSDL, SCHEMA, 'operation = "geefStatusen"', "bedoelt u 'geefStatus'?"),
}  # fmt: skip


@pytest.fixture
def no_packets(monkeypatch):
    """Every attempt to look up a name or to open a connection is written down and fails."""
    tried = []

    def refuse(*words, **more):
        tried.append(words)
        raise OSError("no packets in this test")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return tried


def written(folder, wsdl, schema, more, *, system="digikoppeling", endpoint=HERE):
    (folder / NAME).write_bytes(wsdl)
    if schema:
        (folder / XSD).write_bytes(schema)
    (folder / "vraag.toml").write_text(INPUT)
    (folder / "own.pem").write_bytes(holders()["own"].pem)
    (folder / "own.key").write_bytes(holders()["own"].key_pem)
    file = folder / "chain.toml"
    extra = f'service = "digikoppeling"\ninput = "vraag.toml"\n{more}'
    if system == "digikoppeling":
        extra += '\n[connections.dut.ebms]\nendpoint = "https://dienst.voorbeeldstad.test/ebms"\ncpa = ""\n'
    file.write_text(SCENARIO.format(system=system, endpoint=endpoint, wsdl=NAME, more=extra))
    return file


async def result_of(file, probe_id):
    loaded = load(file)
    link = await Binder(loaded, None).bind(loaded.connections[0])
    engine = Engine({"dut": link}, {e: Guard(e) for e in Environment}, probes.load(), rulebook(), folder=None)
    try:
        return await engine.result("dut", probe_id)
    finally:
        await engine.close()


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_wrong_with_a_wsdl_is_one_sentence_and_no_packet_leaves(tmp_path, no_packets, what):
    wsdl, schema, more, sentence = WRONG[what]
    result = await result_of(written(tmp_path, wsdl, schema, more), "wus.headers")
    assert result.verdict is Verdict.NOT_RUN
    assert sentence in result.cause.nl
    assert "\n" not in result.cause.nl
    assert result.cause.en != result.cause.nl
    assert no_packets == []


async def test_a_port_that_points_to_production_is_never_used(tmp_path, no_packets):
    file = written(tmp_path, TWO_PORTS, SCHEMA, 'port = "Productie"\nprofile = "2W-be"')
    result = await result_of(file, "wus.headers")
    assert "productie.nl" not in str(result.observed)
    assert not {g.finding.rule for g in result.findings if g.severity == "error"}, result
    assert no_packets == []


async def test_a_certificate_of_the_lab_at_a_real_address_is_one_sentence(tmp_path):
    file = written(tmp_path, WSDL, SCHEMA, "")
    file.write_text(file.read_text().replace('cert = "own.pem"\nkey = "file:own.key"\n', ""))
    with pytest.raises(UnusableInput, match="echt adres"):
        await result_of(file, "wus.headers")


def test_the_command_says_it_too(tmp_path):
    written(tmp_path, ELSEWHERE, SCHEMA, "", system="digipoort")
    terminal = Terminal(tmp_path)
    closed = "import socket\ndef refuse(*w, **m): print('PACKET', w); raise OSError\n"
    closed += "socket.socket.connect = socket.getaddrinfo = refuse\nfrom harness.cli import main; main()"
    done = terminal.python("-c", closed, "run", "chain.toml", "--only", "DP-4a", "--offline")
    assert "PACKET" not in done.text
    assert "van internet" in done.text, done.text
    assert "Traceback" not in done.text
