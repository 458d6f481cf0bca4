"""The lab's WUS services, asked directly: healthy is silent, and every fault gives its own rule."""

from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.check import judge_bytes
from harness.lab import Place
from harness.lab.ca import Pki
from harness.lab.digimelding import Digimelding
from harness.lab.digipoort import Digipoort
from harness.lab.facility import Generic
from harness.lab.faults import wus as faults
from harness.lab.profielservice import Profielservice
from harness.lab.server import Request
from harness.lint.judge import Context, Raw
from harness.model import Environment, Text
from harness.wire import soap
from harness.wire.soap import Addressing
from harness.wire.soap_call import Security, make
from harness.wire.wss import Signer

PEER = "00000099000000009000"
KV = Digipoort.SPACE
PAYLOADS = {
    Profielservice: (f'<controleerAccount xmlns="{Profielservice.SPACE}"><bsn>999990019</bsn></controleerAccount>', "controleerAccount"),
    Generic: (f'<geefStatus xmlns="{Generic.SPACE}"><kenmerk>é</kenmerk></geefStatus>', "geefStatus"),
    Digipoort: (f'<getStatussenProcesRequest xmlns="{KV}"><kenmerk>k-1</kenmerk></getStatussenProcesRequest>', "getStatussenProces"),
    Digimelding: (f'<EchoRequest xmlns="{Digimelding.SPACE}"><OinBasisregistratie>{PEER}</OinBasisregistratie><Echo>é&amp;&lt; 7f</Echo></EchoRequest>', "Echo"),
}  # fmt: skip


@pytest.fixture(scope="module")
def pki():
    return Pki()


def now():
    return datetime.now(UTC)


def place(pki, system, profile, *fault):
    settings = {"peer_oin": PEER, "peer_name": "Dienst", "profiles": (profile,), "own_certificates": {}}
    return Place("test", system, "wus", pki, frozenset(fault), settings, now, lambda host, port: (host, port))


@cache
def signer(pki):
    identity = pki.identity("own-signing")
    return Signer(identity.key, identity.certificate)


READY = {}


async def ready(pki, kind, profile):
    """A service with its keys loaded once: each test plays its own fault on it."""
    if (kind, profile) not in READY:
        READY[kind, profile] = kind(place(pki, kind.NAME, profile))
        await READY[kind, profile].start()
    return READY[kind, profile]


async def call(pki, kind, profile, *fault, change=None, path=None):
    service = await ready(pki, kind, profile)
    service.fault = kind.TABLE[fault[0]] if fault else faults.Fault("", Text("", ""))
    text, name = PAYLOADS[kind]
    operation = service.operation(name)
    sent = make(
        etree.fromstring(text),
        Addressing(to=service.endpoint, action=operation.action.value, sender="https://x.nl", reply_to=soap.ANONYMOUS),
        Security(profile, signer(pki), service.keys.decryption_certificate),
        at=now(),
    )
    body = change(sent.body) if change else sent.body
    headers = tuple((k.lower(), v) for k, v in sent.headers().items())
    request = Request("POST", path or Generic.PATH, headers, body)
    return service, request, await service.handle(request)


def judged(pki, service, request, reply, profile):
    head = "".join(f"{k}: {v}\r\n" for k, v in reply.headers)
    data = f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode() + reply.body
    beside = [Raw(request.body, "vraag.xml", request.head)]
    beside += [Raw(c.public_bytes(Encoding.PEM), "c.pem") for c in pki.intermediates()]
    beside += [Raw(d, n) for n, d in service.documents().items() if n not in ("wsdl", "wsdl-name", "receiver")]
    beside.append(Raw(pki.identity("own-signing").key_path.read_bytes(), "sleutel.pem"))
    ctx = Context(
        at=now(),
        environment=Environment.LAB,
        role="response",
        profile=profile,
        service=service.NAME,
        trust=tuple(c.public_bytes(Encoding.PEM) for c in pki.anchors()),
        companions=tuple(beside),
        settings={"oin": (PEER,)},
    )
    return judge_bytes(data, "antwoord", ctx, "soap-message")


HEALTHY = [
    (Profielservice, "2W-be-S"),
    (Digipoort, "2W-be-S"),
    (Digimelding, "2W-be"),
    (Digimelding, "2W-be-S"),
    (Generic, "2W-be"),
    (Generic, "2W-be-S"),
    (Generic, "2W-be-SE"),
]


@pytest.mark.parametrize(("kind", "profile"), HEALTHY)
async def test_a_healthy_service_answers_and_is_silent(pki, kind, profile):
    service, request, reply = await call(pki, kind, profile)
    document = judged(pki, service, request, reply, profile)
    assert reply.status == 200
    assert [g.finding for g in document.findings if str(g.severity) != "info"] == []
    assert document.verdict == "pass"


SPECIFIC = {"WUS-HTTP-012"}
BY_TRIAL = {"no-end-state", "slow-process"}


# The others show on the line: tests/probes/test_wus.py plays them over mutual TLS.
IN_THE_MESSAGE = [name for name, fault in faults.GENERIC.items() if fault.rule and fault.rule not in SPECIFIC]


@pytest.mark.parametrize("name", IN_THE_MESSAGE)
async def test_every_fault_gives_its_own_rule(pki, name):
    fault = faults.GENERIC[name]
    profile = fault.needs or "2W-be-S"
    service, request, reply = await call(pki, Generic, profile, name)
    document = judged(pki, service, request, reply, profile)
    assert fault.rule in {g.finding.rule for g in document.findings}


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((Digipoort, n) for n in faults.DIGIPOORT if n not in BY_TRIAL), *((Digimelding, n) for n in faults.DIGIMELDING)],
)
async def test_every_fault_of_a_known_service_gives_its_own_rule(pki, kind, name):
    service, request, reply = await call(pki, kind, "2W-be-S", name)
    document = judged(pki, service, request, reply, "2W-be-S")
    assert kind.TABLE[name].rule in {g.finding.rule for g in document.findings}


async def test_an_answer_with_mtom_is_silent(pki):
    service, request, reply = await call(pki, Generic, "2W-be-S", "mtom-answer")
    assert dict(reply.headers)["content-type"].startswith("multipart/related")
    document = judged(pki, service, request, reply, "2W-be-S")
    assert document.verdict == "pass"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda b: b.replace(b"\xc3\xa9", b"e"), "wsse:FailedCheck"),
        (lambda b: b.replace(soap.WSA.encode(), soap.WSA_OLD[0].encode()), "0011"),
        (lambda b: b[:-40], "0001"),
        (lambda b: b"<html/>", "0001"),
    ],
)
async def test_a_wrong_request_is_refused_with_a_reason(pki, change, code):
    _, _, reply = await call(pki, Generic, "2W-be-S", change=change)
    assert reply.status == 500
    assert code.encode() in reply.body


def test_there_are_at_least_forty_named_faults():
    assert len(faults.GENERIC) >= 80
    assert all(f.text.nl and f.text.en for f in faults.GENERIC.values())


async def test_an_unknown_reference_gives_the_fault_of_digipoort(pki):
    _, _, reply = await call(pki, Digipoort, "2W-be", change=lambda b: b.replace(b"k-1", b"onbekend"))
    assert b"STS100" in reply.body
