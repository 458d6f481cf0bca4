"""CRLs and OCSP answers are fetched where the certificates point, and a wrong one is told."""

import pytest

from harness import chain
from harness.binding import Binder
from harness.choice import BEYOND
from harness.engine import Engine
from harness.errors import Refused
from harness.guard import Guard
from harness.lab import COUNTERPARTIES, Lab, revocation
from harness.lab.ca import Pki
from harness.lab.responder import FAULTS
from harness.model import Environment, Severity, Verdict
from harness.probes import probe
from harness.rulebook import rulebook

CHAIN = """
schema = 1
environment = "preprod"
[party]
name = "Gemeente Voorbeeldstad"
oin = "00000099000000001000"
kind = "overheid"
[certificates.tls]
cert = "lab"
key = "lab"
[connections.digimelding]
system = "digimelding"
certificates = { tls-client = "tls" }
anchors = ["lab"]
[connections.digimelding.wus]
endpoint = "lab"
wsdl = "lab"
"""


@pytest.fixture
def look(monkeypatch, tmp_path):
    monkeypatch.setitem(COUNTERPARTIES, ("digimelding", "wus"), "fault_runs:Desk")

    async def run(fault="", first=(), crls=""):
        (tmp_path / "chain.toml").write_text(CHAIN.replace('anchors = ["lab"]', f'anchors = ["lab"]\ncrls = "{crls}"'))
        loaded = chain.load(tmp_path / "chain.toml")
        async with Lab(Pki()) as lab:
            link = await Binder(loaded, lab, [f"digimelding:{fault}"] if fault else []).bind(
                loaded.scenario.connections["digimelding"]
            )
            engine = Engine({"digimelding": link}, {Environment.LAB: Guard(Environment.LAB)}, probe.load(), rulebook())
            for name in first:
                await engine.result("digimelding", name)
            result = await engine.result("digimelding", "pki.revocation")
            await engine.close()
        return result

    return run


def rules(result):
    return {(g.finding.rule, g.finding.case) for g in result.findings if g.severity is not Severity.INFO}


async def test_every_list_of_our_chain_is_fetched_and_nobody_is_on_it(look):
    result = await look()
    assert (result.verdict, rules(result)) == (Verdict.PASS, set())
    assert {dict(o.data)["url"] for o in result.observed} == {
        "http://crl.ketentest.test/g1-root.crl",
        "http://crl.ketentest.test/g1-domain.crl",
        "http://crl.ketentest.test/g1-tsp.crl",
    }


EXPECTED = {
    "crl-stale": "PKIO-REV-003",
    "crl-future": "PKIO-REV-003",
    "crl-wrong-signer": "PKIO-REV-003",
    "crl-absent": "PKIO-REV-007",
    "crl-html": "PKIO-REV-007",
    "ocsp-revoked": "PKIO-REV-006",
    "ocsp-hold": "PKIO-REV-006",
    "ocsp-stale": "PKIO-REV-006",
    "ocsp-future": "PKIO-REV-006",
    "ocsp-wrong-signer": "PKIO-REV-006",
}


@pytest.mark.parametrize("fault", EXPECTED)
async def test_each_fault_of_the_publication_has_its_rule(look, fault):
    assert EXPECTED[fault] in {rule for rule, _ in rules(await look(fault))}


async def test_a_responder_that_is_busy_leaves_the_verdict_to_the_crl(look):
    assert rules(await look("ocsp-try-later")) == set()


async def test_the_chain_that_a_server_showed_is_looked_up_too(look):
    result = await look("revoked", first=("tls.server",))
    assert "PKIO-REV-004" in {rule for rule, _ in rules(result)}


def test_every_fault_of_the_publication_is_provoked():
    assert set(EXPECTED) | {"ocsp-try-later"} == set(FAULTS)


def test_lists_are_fetched_from_known_places_only():
    guard = Guard(Environment.PREPROD, allowed=("crl.eigen-tsp.voorbeeld",))
    guard.check_published("crl.pkioverheid.nl")
    guard.check_published("crl.eigen-tsp.voorbeeld")
    with pytest.raises(Refused, match=r"\[hosts\] preprod"):
        guard.check_published("crl.elders.voorbeeld")
    with pytest.raises(Refused):
        Guard(Environment.LAB).check_published("crl.pkioverheid.nl")


async def test_lists_from_a_folder_are_used_and_nothing_is_fetched(look, tmp_path):
    folder = tmp_path / "lijsten"
    folder.mkdir()
    pki = Pki()
    for name in ("g1-root", "g1-domain", "g1-tsp", "g4-tsp"):
        (folder / f"{name}.crl").write_bytes(revocation.crl(pki, name, "stale" if name == "g1-domain" else "good"))
    result = await look(crls="lijsten")
    assert rules(result) == {("PKIO-REV-003", "stale")}
    assert "niets opgehaald" in str(result.observed[0].text)


async def test_an_own_certificate_that_is_revoked_is_found_in_a_folder_too(look, tmp_path):
    folder = tmp_path / "lijsten"
    folder.mkdir()
    pki = Pki()
    mine = pki.issue(
        "own-tls",
        oin="00000099000000001000",
        organisation="TEST Gemeente Voorbeeldstad",
        hosts=["adapter.001000.ketentest.test"],
    )
    (folder / "tsp.crl").write_bytes(revocation.crl(pki, "g1-tsp", "hold", [mine.certificate]))
    (folder / "antwoord.ors").write_bytes(revocation.ocsp_answer(pki, mine, "revoked"))
    (folder / "ruis").write_bytes(b"\x30\x03noise")
    found = rules(await look(crls="lijsten"))
    assert ("PKIO-REV-004", "hold") in found
    assert ("PKIO-REV-006", "revoked") in found


def test_the_probe_runs_on_every_connection_although_no_row_names_it():
    assert "pki.revocation" in probe.unnamed(probe.load())
    assert tuple(p.id for p in probe.load().values() if p.beyond) == BEYOND
