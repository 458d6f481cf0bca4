"""Messages of the user's own: valid against the schemas that came after applying, and the same after a round trip."""

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from harness.link import Link
from harness.lint.wus.schema import complaint_text
from harness.model import Finding, NotRun, Observation, Text
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.probes.wus_contract import contract_of, operation_of, profile_of, refuse_other_bsns, signer_of, values_of
from harness.wire import mtom, soap, soap_schema, soap_zeep, wss_verify, xml
from harness.wire.soap import Addressing
from harness.wire.soap_call import Outgoing, Security, make

MOST_FILES: Final = 200
CARRIED: Final = "{urn:ketentest:bijlage}bijlage"
LINE_END: Final = "cmVnZWxlaW5kZQ0K"  # ends in CR LF, which careless unpacking loses
NO_SCHEMAS: Final = (
    "geen XSD's in het scenario: zet wus.schemas naar de map met de ontvangen XSD's en wus.samples naar uw voorbeeldberichten",
    "no XSDs in the scenario: point wus.schemas to the folder with the XSDs received and wus.samples to your sample messages",
)


def schemas_of(link: Link) -> dict[str, bytes]:
    """Return the XSDs in the folder that the scenario names, by relative name; an empty result when it names none."""
    given = link.connection.wus.schemas if link.connection.wus else ""
    if not given:
        return {}
    folder = link.folder / given
    if not folder.is_dir():
        raise NotPossible(f"{given}: geen map met XSD's", f"{given}: no folder with XSDs")
    found = sorted(folder.rglob("*.xsd"))[:MOST_FILES]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def samples_of(link: Link) -> Iterator[Path]:
    """Yield the sample messages that the scenario names; a pattern such as `berichten/*.xml` may match several."""
    for given in link.connection.wus.samples if link.connection.wus else ():
        matched = sorted(link.folder.glob(given))
        if not matched:
            raise NotPossible(f"{given}: geen voorbeeldbericht gevonden", f"{given}: no sample message found")
        yield from matched


@probe("msg.schema", title=("Berichten valide tegen de XSD's", "Messages valid against the XSDs"), side="wus")
async def schema(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The user's sample messages, or else our own request, are valid against the schemas at hand (KWUS WW002)."""
    if link.connection.wus is None:
        raise NotApplicable("deze koppeling heeft geen WUS-kant", "this connection has no WUS side")
    files = schemas_of(link)
    if files:
        async for item in _samples(link, tools, files):
            yield item
        return
    try:
        contract = await contract_of(link, profile_of(link, ""))
    except NotPossible:
        raise NotPossible(*NO_SCHEMAS) from None
    if not any(name.endswith(".xsd") for name in contract.files):
        raise NotPossible(*NO_SCHEMAS)
    async for item in _own(link, tools, contract):
        yield item


async def _samples(link: Link, tools: Tools, files: Mapping[str, bytes]) -> AsyncIterator[Yield]:
    compiled = await asyncio.to_thread(soap_schema.compile_schemas, files)
    yield Observation(
        Text(
            f"{len(files)} XSD's geladen, SHA-256 {soap_zeep.digest_of(files)[:16]}…",
            f"{len(files)} XSDs loaded, SHA-256 {soap_zeep.digest_of(files)[:16]}…",
        ),
        (("sha256", soap_zeep.digest_of(files)),),
    )
    count = 0
    for path in samples_of(link):
        count += 1
        for item in judged_sample(compiled, path.name, path.read_bytes()):
            yield item
    if not count:
        yield NotRun(
            "WUS-SOAP-012",
            Text(
                "geen voorbeeldberichten in het scenario (wus.samples)",
                "no sample messages in the scenario (wus.samples)",
            ),
        )
        return
    yield Observation(Text(f"{count} voorbeeldberichten gevalideerd", f"{count} sample messages validated"))


def judged_sample(compiled: etree.XMLSchema, name: str, data: bytes) -> Iterator[Finding]:
    """Yield what the schemas have against one sample: a bare message, or one inside a SOAP envelope."""
    try:
        root = xml.parse(data, huge=True)
    except xml.XmlBroken as broken:
        yield Finding("WUS-SOAP-001", case=broken.case, observed=broken.text, where=name, line=broken.line)
        return
    envelope = soap.Envelope(root) if root.tag == f"{{{soap.SOAP}}}Envelope" else None
    element = root if envelope is None else envelope.payload
    if element is None:
        yield Finding("WUS-SOAP-005", observed="0", expected="1", where=name)
        return
    for entry in soap_schema.complaints(compiled, element)[:5]:
        yield Finding("WUS-SOAP-012", observed=complaint_text(entry), where=name, line=element.sourceline)


async def _own(link: Link, tools: Tools, contract: soap_zeep.Contract) -> AsyncIterator[Yield]:
    operation = operation_of(link, contract)
    payload = contract.payload(operation.name, values_of(link, tools, operation))
    refuse_other_bsns(link, payload)
    companions = {name: data for name, data in contract.files.items() if name.endswith(".xsd")}
    compiled = await asyncio.to_thread(soap_schema.compile_schemas, companions)
    for entry in soap_schema.complaints(compiled, payload)[:5]:
        yield Finding("WUS-SOAP-012", observed=complaint_text(entry), where=operation.name)
    yield Observation(
        Text(
            f"eigen vraag {operation.name} is valide; eigen voorbeeldberichten zijn niet opgegeven (wus.samples)",
            f"own request {operation.name} is valid; own sample messages were not given (wus.samples)",
        )
    )


@probe(
    "msg.roundtrip",
    title=("Bericht gelijk na verzenden en lezen", "Message the same after sending and reading"),
    side="wus",
)
async def roundtrip(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """A message is the same after serialising, signing, packing with MTOM, unpacking, verifying and reading back."""
    if link.connection.wus is None:
        raise NotApplicable("deze koppeling heeft geen WUS-kant", "this connection has no WUS side")
    profile = profile_of(link, "")
    contract = await contract_of(link, profile)
    operation = operation_of(link, contract)
    payload = contract.payload(operation.name, values_of(link, tools, operation))
    refuse_other_bsns(link, payload)
    before = contract.values(operation.name, soap.build(copy.deepcopy(payload), Addressing()), answer=False)
    carried = etree.SubElement(payload, CARRIED)
    carried.text = LINE_END
    security = Security("2W-be") if profile == "2W-be" else Security("2W-be-S", signer_of(link))
    address = Addressing(to=link.endpoint("wus"), action=operation.action.value)
    packed = make(payload, address, security, at=tools.now(), attachments=(CARRIED,))
    for finding in returned(packed, contract, operation.name, before):
        yield finding
    signed = "" if profile == "2W-be" else "ondertekend, "
    yield Observation(
        Text(
            f"{operation.name}: geserialiseerd, {signed}met MTOM ingepakt, uitgepakt en gelijk teruggelezen",
            f"{operation.name}: serialised, {'signed, ' if signed else ''}packed with MTOM, unpacked and read back the same",
        )
    )


def returned(sent: Outgoing, contract: soap_zeep.Contract, operation: str, before: object) -> Iterator[Finding]:
    """Yield what is not the same after unpacking, verifying and reading back."""
    package = mtom.unpack(sent.body, sent.content_type)
    root = xml.parse(package.root.data, huge=True)
    mtom.inline(root, package)
    envelope = soap.Envelope(root)
    for signature in envelope.signatures:
        token = wss_verify.token_of(envelope.security[0], signature)
        seen = wss_verify.examine(envelope, signature, token.certificate)
        if not seen.holds:
            yield Finding("WUS-SEC-060", observed=", ".join(part.name for part in seen.changed) or "SignatureValue")
    carried = None if envelope.payload is None else envelope.payload.find(CARRIED)
    if envelope.payload is None or carried is None or carried.text != LINE_END:
        yield Finding("WUS-MTOM-006", observed=Text("de bijlage kwam anders terug", "the attachment came back changed"))
        return
    envelope.payload.remove(carried)
    if contract.values(operation, root, answer=False) != before:
        yield Finding("WUS-SOAP-012", observed=Text("de waarden kwamen anders terug", "the values came back changed"))
