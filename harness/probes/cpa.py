"""Probes on CPA documents: the consumer specification that we make, and the CPA that we received."""

import hashlib
from collections.abc import AsyncIterator, Iterator

from cryptography.hazmat.primitives.serialization import Encoding

from harness.documents import consumer_spec
from harness.errors import KetentestError, UnusableInput
from harness.link import Link
from harness.lint.judge import Raw
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import Agreed, agreements
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.wire import keyinfo
from harness.wire.cpa import Cpa


def _ebms_only(link: Link) -> None:
    if link.connection.ebms is None:
        raise NotApplicable("deze verbinding heeft geen ebMS-koppelvlak", "this connection has no ebMS interface")


@probe("cpa.spec", title=("Consumerspecificatie geschreven en beoordeeld", "Consumer specification written and judged"))
async def spec(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The consumer specification is written from the scenario and judged (LZ 4.3.8, 4.4.4)."""
    _ebms_only(link)
    try:
        data = consumer_spec(link)
    except UnusableInput as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from wrong
    name = f"{link.name}.cpa.SR.parameters.xml"
    path = tools.save(name, data)
    for item in tools.judge("consumer-spec", data, name):
        yield item
    yield tools.keep(name, data)
    yield Observation(Text(path, path), (("SHA-256", hashlib.sha256(data).hexdigest()),))


@probe("cpa.agreement", title=("CPA past bij scenario en certificaten", "CPA fits scenario and certificates"))
async def agreement(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The CPA says what the scenario, the consumer specification and the certificates say (LZ 4.3.8e)."""
    _ebms_only(link)
    companions = _specification(link)
    for agreed in agreements(link):
        for item in tools.judge("cpa", agreed.data, "cpa.xml", companions=companions):
            yield item
        for difference in _differences(link, agreed):
            yield difference
        yield tools.keep("cpa.xml", agreed.data)
        yield _described(agreed.cpa, agreed)


def _specification(link: Link) -> tuple[Raw, ...]:
    try:
        return (Raw(consumer_spec(link), "consumer-spec.xml"),)
    except KetentestError:
        return ()


def _differences(link: Link, agreed: Agreed) -> Iterator[Finding]:
    """XCHK-001: the certificate that we present is the one in the CPA."""
    material, named = link.material("tls-client"), agreed.us.client_certificate()
    if material is None or named is None or named.facts is None:
        return
    ours = keyinfo.facts_of(material.leaf.public_bytes(Encoding.DER))
    if ours is not None and ours.der != named.der:
        yield Finding(
            "XCHK-001",
            observed=f"{ours.subject} ({ours.serial:x})",
            expected=f"{named.facts.subject} ({named.facts.serial:x})",
            where=f"CPA/{named.id}",
        )


def _described(cpa: Cpa, agreed: Agreed) -> Observation:
    ours, theirs = agreed.us.endpoint(), agreed.them.endpoint()
    return Observation(
        Text(f"CPA {cpa.cpaid}, geldig tot {cpa.end_text}", f"CPA {cpa.cpaid}, valid until {cpa.end_text}"),
        (
            ("CPAId", cpa.cpaid),
            ("Start", cpa.start_text),
            ("End", cpa.end_text),
            ("PartyId", agreed.our_id.value),
            ("PartyId ketenpartner", agreed.their_id.value),
            ("Endpoint", ours.uri if ours else ""),
            ("Endpoint ketenpartner", theirs.uri if theirs else ""),
            ("SHA-256", hashlib.sha256(agreed.data).hexdigest()),
        ),
    )
