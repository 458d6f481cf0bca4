"""Messages of the user's own: valid against the XSDs received, linked to test persons, and the same after a round trip."""

import asyncio
import base64
import copy
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from lxml import etree

from harness.chaintest.persons import Person, persons_in, strangers
from harness.chaintest.testset import Prepared, content_digest
from harness.link import Link
from harness.lint import msg as judges
from harness.lint.judge import Raw
from harness.model import Finding, Observation, Text
from harness.probes.ebms_agreed import signer_of as ebms_signer
from harness.probes.msg_log import from_log, handed_over
from harness.probes.msg_material import messages_of, samples_of, schemas_of, test_persons
from harness.probes.msg_wus import sent
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.probes.wus_contract import contract_of, operation_of, profile_of
from harness.probes.wus_input import refuse_other_bsns, values_of
from harness.probes.wus_request import signer_of
from harness.wire import ebms_build, mtom, soap, soap_zeep, wss_verify, xml
from harness.wire.ebms import Party, read_message
from harness.wire.ebms_mime import Attachment
from harness.wire.ebms_signature import sign
from harness.wire.soap import Addressing
from harness.wire.soap_call import Outgoing, Security, make
from harness.wire.xsd import SchemaSet

CARRIED: Final = "{urn:ketentest:bijlage}bijlage"
LINE_END: Final = b"regeleinde\r\n"
"""Ends in CR LF, which careless unpacking loses."""


@probe("msg.schema", title=("XSD’s ontvangen en geladen", "XSDs received and loaded"))
async def schema(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The set of XSDs that came after applying is a whole, and its digest is recorded (LZ 4.3.4)."""
    schemas = schemas_of(link, tools)
    for finding in await asyncio.to_thread(lambda: list(judges.judge_set(schemas))):
        yield finding
    versions = ", ".join(schemas.versions[:5]) or "–"
    count, roots = len(schemas.files), len(schemas.elements)
    yield Observation(
        Text(
            f"{count} XSD’s uit {schemas.name}, versie {versions}, {roots} berichtelementen, SHA-256 {schemas.digest[:16]}…",
            f"{count} XSDs of {schemas.name}, version {versions}, {roots} message elements, SHA-256 {schemas.digest[:16]}…",
        ),
        (("SHA-256", schemas.digest),),
    )


@probe("msg.samples", title=("Voorbeeldberichten valide tegen de XSD’s", "Sample messages valid against the XSDs"))
async def samples(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The user's own samples follow the XSDs: what goes out, and the error message that comes in (LZ 4.3.6)."""
    schemas, found, persons = schemas_of(link, tools), samples_of(link, tools), test_persons(link)
    for raw in found:
        for finding in await asyncio.to_thread(_judged, raw, schemas):
            yield finding
        for finding in _foreign(raw.data, raw.name, persons):
            yield finding
        yield _digest(raw.name, raw.data)
    if link.connection.system == "lopende-zaken":
        for finding in judges.judge_kinds(judges.kind_of(raw.data) for raw in found):
            yield finding
    yield Observation(Text(f"{len(found)} voorbeeldberichten gevalideerd", f"{len(found)} sample messages validated"))


@probe(
    "msg.testset", title=("Testset klaargezet en gekoppeld aan test-BSN’s", "Test set prepared and linked to test BSNs")
)
async def prepared(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Every prepared message follows the XSDs and is about a test person, and no two are the same (LZ 5.3.2)."""
    schemas, messages, persons = schemas_of(link, tools), messages_of(link, tools), test_persons(link)
    for message in messages:
        raw = Raw(message.data, message.file or message.id)
        for finding in await asyncio.to_thread(_judged, raw, schemas):
            yield finding
        for finding in (*_foreign(message.data, raw.name, persons), *_linked(link, message, persons)):
            yield finding
    for finding in _doubles(messages):
        yield finding
    for observation in _overview(messages, persons):
        yield observation


def _judged(raw: Raw, schemas: SchemaSet) -> list[Finding]:
    return list(judges.judge_message(raw, schemas))


def _foreign(data: bytes, name: str, persons: tuple[Person, ...]) -> Iterator[Finding]:
    count = strangers(data, persons)
    if count:
        yield Finding("MSG-007", observed=str(count), expected="0", where=name)


def _linked(link: Link, message: Prepared, persons: tuple[Person, ...]) -> Iterator[Finding]:
    if link.connection.system == "lopende-zaken" and not list(persons_in(message.data, persons)):
        observed = Text("geen test-BSN in het bericht", "no test BSN in the message")
        yield Finding("MSG-009", observed=observed, where=message.file or message.id)


def _doubles(messages: Iterable[Prepared]) -> Iterator[Finding]:
    counted = Counter(message.digest for message in messages)
    for digest, count in counted.items():
        if count > 1:
            names = ", ".join(message.id for message in messages if message.digest == digest)
            yield Finding("MSG-010", observed=names, expected=Text("verschillende inhoud", "different content"))


def _overview(messages: list[Prepared], persons: tuple[Person, ...]) -> Iterator[Observation]:
    scenarios = len({message.scenario for message in messages})
    used = {person.number for message in messages for person in persons_in(message.data, persons)}
    yield Observation(
        Text(
            f"{len(messages)} berichten klaargezet voor {scenarios} scenario’s; {len(used)} van {len(persons)} testpersonen",
            f"{len(messages)} messages prepared for {scenarios} scenarios; {len(used)} of {len(persons)} test persons",
        )
    )
    for message in messages:
        yield _digest(message.id, message.data)


def _digest(name: str, data: bytes) -> Observation:
    digest = hashlib.sha256(data).hexdigest()
    return Observation(
        Text(f"{name}: SHA-256 {digest[:16]}…", f"{name}: SHA-256 {digest[:16]}…"), (("SHA-256", digest),)
    )


# --- sending ---------------------------------------------------------------------------------------------------------


@probe(
    "msg.send",
    title=("Testberichten aangeleverd of gemeld, en gevolgd", "Test messages delivered or reported, and followed"),
    needs=("tls.mutual",),
    guard="write",
    side="wus",
    systems=("digipoort", "digimelding"),
    spared=handed_over,
)
async def send(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Aanleveren, status and ophalen on the test stub (Digipoort step 6), or AnnotatieToevoegen and Statusoverzicht (DM 3.2)."""
    async for item in (from_log if handed_over(link) else sent)(link, tools):
        yield item


@probe("msg.log", title=("Log van de eigen adapter gelezen", "Log of your own adapter read"))
async def log(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The messages that the user's own adapter sent, from its log: the limited production run goes this way (LZ 6.3.3)."""
    async for item in from_log(link, tools):
        yield item


# --- round trip ------------------------------------------------------------------------------------------------------


@probe("msg.roundtrip", title=("Bericht gelijk na verzenden en lezen", "Message the same after sending and reading"))
async def roundtrip(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """A sample is the same after packing, signing, unpacking, verifying and reading back, as on its way to the other side."""
    if link.connection.ebms is None and link.connection.wus is None:
        raise NotApplicable(
            "deze koppeling draagt geen eigen berichten", "this connection carries no messages of its own"
        )
    data = _samples_or_nothing(link, tools)
    if link.connection.wus is not None:
        async for item in _through_soap(link, tools, data):
            yield item
    if link.connection.ebms is not None:
        for finding in await asyncio.to_thread(lambda: list(_through_ebms(link, tools, data))):
            yield finding
    yield Observation(
        Text(
            f"{len(data)} voorbeeldberichten ingepakt, ondertekend, uitgepakt en gelijk teruggelezen",
            f"{len(data)} sample messages packed, signed, unpacked and read back the same",
        )
    )


def _samples_or_nothing(link: Link, tools: Tools) -> list[Raw]:
    try:
        return samples_of(link, tools)
    except NotPossible:
        if link.connection.system in ("digipoort", "digimelding"):
            raise
        return []


async def _through_soap(link: Link, tools: Tools, data: list[Raw]) -> AsyncIterator[Yield]:
    profile = profile_of(link, "")
    contract = await contract_of(link, profile)
    operation = operation_of(link, contract)
    payload = contract.payload(operation.name, values_of(link, tools, operation))
    refuse_other_bsns(link, payload)
    before = contract.values(operation.name, soap.build(copy.deepcopy(payload), Addressing()), answer=False)
    security = Security("2W-be") if profile == "2W-be" else Security("2W-be-S", signer_of(link))
    address = Addressing(to=link.endpoint("wus"), action=operation.action.value)
    for raw in (Raw(LINE_END, operation.name), *data):
        whole = copy.deepcopy(payload)
        carried = etree.SubElement(whole, CARRIED)
        carried.text = base64.b64encode(raw.data).decode()
        packed = make(whole, address, security, at=tools.now(), attachments=(CARRIED,))
        for finding in returned(packed, contract, operation.name, before, raw):
            yield finding


def returned(
    sent: Outgoing, contract: soap_zeep.Contract, operation: str, before: object, carried_in: Raw
) -> Iterator[Finding]:
    """Yield what is not the same after unpacking, verifying and reading back."""
    package = mtom.unpack(sent.body, sent.content_type)
    root = xml.parse(package.root.data, huge=True)
    mtom.inline(root, package)
    envelope = soap.Envelope(root)
    for signature in envelope.signatures:
        token = wss_verify.token_of(envelope.security[0], signature)
        seen = wss_verify.examine(envelope, signature, token.certificate)
        if not seen.holds:
            observed = ", ".join(part.name for part in seen.changed) or "SignatureValue"
            yield Finding("WUS-SEC-060", observed=observed, where=carried_in.name)
    carried = None if envelope.payload is None else envelope.payload.find(CARRIED)
    back = base64.b64decode(carried.text or "") if carried is not None else b""
    if back != carried_in.data:
        yield _changed(carried_in, back)
    if envelope.payload is None or carried is None:
        return
    envelope.payload.remove(carried)
    if contract.values(operation, root, answer=False) != before:
        observed_values = Text("de waarden kwamen anders terug", "the values came back changed")
        yield Finding("MSG-013", observed=observed_values, where=operation)


def _through_ebms(link: Link, tools: Tools, data: list[Raw]) -> Iterator[Finding]:
    domain = "ketentest.test"
    for raw in data:
        party = Party(link.party.oin, "urn:osb:oin")
        header = ebms_build.Header(
            sender=(party,), receiver=(party,), cpa_id="rondreis", conversation_id=tools.new_id(), action="Rondreis",
            message_id=ebms_build.new_id(domain), timestamp=tools.now(), service="urn:ketentest:rondreis",
        )  # fmt: skip
        draft = ebms_build.business(header, (Attachment(f"payload@{domain}", raw.data),))
        envelope = sign(draft.envelope(), draft.attachments, ebms_signer(link))
        packed = ebms_build.pack(draft, envelope)
        message = read_message(packed.body, dict(packed.headers)["Content-Type"])
        back = message.package.attachments[0].data if message.package.attachments else b""
        if back != raw.data:
            yield _changed(raw, back)


def _changed(raw: Raw, back: bytes) -> Finding:
    return Finding("MSG-013", observed=content_digest(back), expected=content_digest(raw.data), where=raw.name)
