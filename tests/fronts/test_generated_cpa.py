"""The CPA that `generate cpa --signing --encryption` makes is valid, and carries a real exchange with the lab."""

import asyncio
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from ebms_chain import chain, rules
from lxml import etree

from harness.generating import Request, generate
from harness.lab.ca import Pki
from harness.lab.msh_agreements import Agreement
from harness.model import Verdict
from harness.wire.cpa_reading import parse_cpa

ECHO = ("EchoRequest:SR>SP", "EchoResponse:SP>SR")


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture
def msh(counterparties):
    """The MSH of the lab, so that a test can load another CPA into it."""
    return lambda: counterparties[0]


def files_of(folder, msh):
    """Write the certificates with which the lab signs and decrypts."""
    labs = [agreement.lab for agreement in msh.agreements.values()]
    sealing = next(c.der for lab in labs for ch in lab.channels if (c := lab.encryption_certificate(ch)))
    given = {"signing": msh.keys.signer.certificate, "encryption": x509.load_der_x509_certificate(sealing)}
    for name, certificate in given.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return sealing, {name: folder / f"{name}.pem" for name in given}


def made(folder, profile, files):
    """Make the specification of the provider and the CPA, as a user does with two commands."""
    request = Request("provider-spec", "lz", profile=profile, service="ketentest:echo:1.0", messages=ECHO, peer=True)
    (folder / "provider.xml").write_bytes(generate(folder, request)[0])
    return generate(folder, Request("cpa", "lz", profile=profile, provider=folder / "provider.xml", **files))[0]


@pytest.mark.parametrize("profile", ["osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e"])
async def test_a_generated_cpa_is_valid_and_carries_messages_both_ways(tmp_path, pki, msh, shared, profile):
    word = profile.removeprefix("osb-")
    async with chain(tmp_path, pki=pki, profiles=(profile, "osb-rm-e")) as engine:
        sealing, files = files_of(tmp_path, msh())
        data = await asyncio.to_thread(made, tmp_path, profile, files)
        etree.XMLSchema(etree.parse(shared / "corpus/ebms/xsd/cpp-cpa-2_0.xsd")).assertValid(etree.fromstring(data))
        cpa = parse_cpa(data)
        msh().agreements = {cpa.cpaid: Agreement(profile, data, cpa, *cpa.parties)}
        engine.links["lz"] = replace(engine.links["lz"], documents={"cpa": data})
        sent = await engine.result("lz", f"ebms.send[{word}]")
        received = await engine.result("lz", f"ebms.receive[{word}]")
    assert (sent.verdict, received.verdict) == (Verdict.PASS, Verdict.PASS), (rules(sent), rules(received), sent.cause)
    if word.endswith("-e"):
        provider = cpa.parties[0]
        assert {c.der for ch in provider.channels if (c := provider.encryption_certificate(ch))} == {sealing}
        assert any("versleuteld" in o.text.nl for o in received.observed)
