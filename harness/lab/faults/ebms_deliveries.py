"""What can go wrong with a business message: its acknowledgement, its refusal, its status, and the message that comes back."""

import re
from collections.abc import Mapping
from typing import Final

from harness.lab.faults.ebms_fault import MESSAGE, Edit, Fault, refusing, substituted, swapped
from harness.model import Text
from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    NEXT_ACTOR,
    NEXT_MSH,
    STATUS_RESPONSE,
    TO_PARTY_MSH,
)
from harness.wire.ebms_signature import Recipe


def _ack(rule: str, nl: str, en: str, edit: Edit | None = None, **more: object) -> Fault:
    return Fault(rule, Text(nl, en), ACKNOWLEDGMENT, edit, **more)  # type: ignore[arg-type]


def _echo(rule: str, nl: str, en: str, edit: Edit | None = None, **more: object) -> Fault:
    return Fault(rule, Text(nl, en), MESSAGE, edit, **more)  # type: ignore[arg-type]


def _status(rule: str, nl: str, en: str, edit: Edit | None = None, behaviour: str = "") -> Fault:
    return Fault(rule, Text(nl, en), STATUS_RESPONSE, edit, behaviour=behaviour, mute=(ACKNOWLEDGMENT,))


def _other_digest(envelope: str) -> str:
    return re.sub(r"<(ds:)?DigestValue>[^<]*<", rf"<\1DigestValue>{'A' * 43}=<", envelope, count=1)


def _toggled(envelope: str) -> str:
    if "<eb:DuplicateElimination/>" in envelope:
        return envelope.replace("<eb:DuplicateElimination/>", "", 1)
    return envelope.replace("</eb:MessageData>", "</eb:MessageData><eb:DuplicateElimination/>", 1)


def _next_msh(envelope: str) -> str:
    if "<eb:AckRequested " in envelope:
        return envelope.replace(TO_PARTY_MSH, NEXT_MSH, 1)
    block = f'<eb:AckRequested eb:version="2.0" soap:mustUnderstand="1" soap:actor="{NEXT_MSH}" eb:signed="false"/>'
    return envelope.replace("</soap:Header>", f"{block}</soap:Header>", 1)


DELIVERIES: Final[Mapping[str, Fault]] = {
    "no-ack": _ack("ACK-008", "stuurt geen ontvangstbevestiging", "sends no acknowledgement", behaviour="silent"),
    "unasked-ack": _ack("ACK-008", "bevestigt ook best effort", "acknowledges best effort too", behaviour="unasked"),
    "unsigned-ack": _ack(
        "ACK-007", "ondertekent de ontvangstbevestiging niet", "does not sign the acknowledgement", behaviour="unsigned"
    ),
    "ack-wrong-digest": _ack("ACK-007", "bevestigt andere digests", "acknowledges other digests", _other_digest),
    "ack-no-element": _ack(
        "ACK-001",
        "laat eb:Acknowledgment weg",
        "leaves out eb:Acknowledgment",
        substituted(r"<eb:Acknowledgment .*</eb:Acknowledgment>", ""),
    ),
    "ack-wrong-ref": _ack(
        "ACK-002",
        "bevestigt een ander bericht",
        "acknowledges another message",
        substituted(r"(<eb:Acknowledgment .*?<eb:RefToMessageId>)[^<]*<", r"\1another@ketentest.test<"),
    ),
    "ack-with-payload": _ack(
        "ACK-003",
        "bundelt de ontvangstbevestiging met inhoud",
        "bundles the acknowledgement with content",
        swapped(
            "<soap:Body></soap:Body>",
            '<soap:Body><eb:StatusRequest eb:version="2.0"><eb:RefToMessageId>x@ketentest.test</eb:RefToMessageId></eb:StatusRequest></soap:Body>',
        ),
    ),
    "ack-next-msh": _ack(
        "ACK-004", "bevestigt als nextMSH", "acknowledges as nextMSH", swapped(TO_PARTY_MSH, NEXT_MSH)
    ),
    "ack-duplicate-elimination": _ack(
        "ACK-005",
        "zet DuplicateElimination in de ontvangstbevestiging",
        "puts DuplicateElimination in the acknowledgement",
        swapped("</eb:MessageData>", "</eb:MessageData><eb:DuplicateElimination/>"),
    ),
    "ack-of-ack": _ack(
        "ACK-006",
        "vraagt om een bevestiging van de bevestiging",
        "asks for an acknowledgement of the acknowledgement",
        swapped(
            "</soap:Header>",
            f'<eb:AckRequested eb:version="2.0" soap:mustUnderstand="1" soap:actor="{TO_PARTY_MSH}" eb:signed="false"/></soap:Header>',
        ),
    ),
    "ack-bad-digest": _ack(
        "SIG-004",
        "ondertekent de ontvangstbevestiging met een verkeerde digest",
        "signs the acknowledgement with a wrong digest",
        recipe=Recipe(break_digest=True),
    ),
    "ack-other-certificate": _ack(
        "SIG-005",
        "ondertekent met een ander certificaat dan het CPA noemt",
        "signs with another certificate than the CPA names",
        recipe=Recipe(),
        behaviour="other-signer",
    ),
    "ack-without-filter": _ack(
        "SIG-001",
        "laat het actorfilter weg uit de handtekening",
        "leaves the actor filter out of the signature",
        recipe=Recipe(actor_filter=False),
    ),
    "new-ack-on-duplicate": _ack(
        "ACK-009",
        "maakt voor een dubbel bericht een nieuwe ontvangstbevestiging",
        "makes a new acknowledgement for a duplicate",
        behaviour="forgetful",
    ),
    "no-ack-on-duplicate": _ack(
        "ACK-009", "zwijgt bij een dubbel bericht", "keeps silent on a duplicate", behaviour="silent-duplicate"
    ),
    "security-failure": refusing(
        "weigert de handtekening",
        "refuses the signature",
        "SecurityFailure",
        "//Header/Signature",
        "Signature invalid.",
    ),
    "unknown-action": refusing(
        "kent de actie niet",
        "does not know the action",
        "ValueNotRecognized",
        "//Header/MessageHeader/Action",
        "Value not found.",
    ),
    "message-expired": refusing(
        "vindt het bericht verlopen",
        "finds the message expired",
        "TimeToLiveExpired",
        "//Header/MessageHeader/MessageData/TimeToLive",
        "",
    ),
    "mime-problem": refusing(
        "vindt de bijlage niet", "does not find the attachment", "MimeProblem", "cid:x", "MIME part not found."
    ),
    "party-mismatch": refusing(
        "herkent het PartyId niet",
        "does not recognise the PartyId",
        "Inconsistent",
        "//Header/MessageHeader/From/PartyId",
        "Value not found.",
    ),
    "status-unknown": _status(
        "ERR-020",
        "bevestigt niet en kent het bericht niet, als het daarnaar wordt gevraagd",
        "does not acknowledge, and does not know the message when asked",
        behaviour="forgets",
    ),
    "status-unauthorised": _status(
        "ERR-020",
        "bevestigt niet en geeft de status van het bericht niet",
        "does not acknowledge, and refuses to tell the status",
        behaviour="unauthorised",
    ),
    "status-silent": _status(
        "STAT-004",
        "bevestigt niet en beantwoordt ook geen statusvraag",
        "neither acknowledges nor answers a status request",
        behaviour="silent",
    ),
    "status-other-word": _status(
        "STAT-002",
        "noemt een status die niet bestaat",
        "names a status that does not exist",
        substituted(r'messageStatus="[^"]*"', 'messageStatus="Delivered"'),
    ),
    "status-without-time": _status(
        "STAT-003",
        "zegt niet wanneer het bericht is ontvangen",
        "does not say when the message was received",
        substituted(r"(<eb:StatusResponse .*?)<eb:Timestamp>[^<]*</eb:Timestamp>", r"\1"),
    ),
    "status-wrong-ref": _status(
        "STAT-005",
        "antwoordt over een ander bericht",
        "answers about another message",
        substituted(r"(<eb:StatusResponse .*?<eb:RefToMessageId>)[^<]*<", r"\1another@ketentest.test<"),
    ),
    "no-echo": _echo("ACK-008", "stuurt geen bericht terug", "sends no message back", behaviour="silent"),
    "echo-without-role": _echo(
        "HDR-017",
        "stuurt een bericht zonder Role",
        "sends a message without Role",
        substituted(r"<eb:Role>[^<]*</eb:Role>", ""),
    ),
    "echo-missing-part": _echo(
        "HDR-018",
        "verwijst naar een bijlage die er niet is",
        "refers to an attachment that is not there",
        substituted(r'xlink:href="cid:[^"]*"', 'xlink:href="cid:ontbreekt@ketentest.test"'),
    ),
    "echo-other-action": _echo(
        "XCHK-008",
        "stuurt een actie die niet is afgesproken",
        "sends an action that was not agreed",
        substituted(r"<eb:Action>[^<]*<", "<eb:Action>onbekend<"),
    ),
    "echo-other-version": _echo(
        "HDR-001", "stuurt versie 1.0", "sends version 1.0", swapped('eb:version="2.0"', 'eb:version="1.0"')
    ),
    "echo-elimination": _echo(
        "HDR-013",
        "laat DuplicateElimination weg of voegt het toe",
        "leaves out or adds DuplicateElimination",
        _toggled,
    ),
    "echo-ack-requested": _echo(
        "HDR-014",
        "vraagt bevestiging aan nextMSH, of ongevraagd",
        "asks nextMSH to acknowledge, or asks unasked",
        _next_msh,
    ),
    "echo-sync-reply": _echo(
        "HDR-015",
        "vraagt om een synchroon antwoord",
        "asks for a synchronous answer",
        swapped(
            "</eb:MessageHeader>",
            f'</eb:MessageHeader><eb:SyncReply eb:version="2.0" soap:mustUnderstand="1" soap:actor="{NEXT_ACTOR}"/>',
        ),
    ),
    "echo-order": _echo(
        "HDR-016",
        "gebruikt MessageOrder",
        "uses MessageOrder",
        swapped(
            "</soap:Header>",
            '<eb:MessageOrder eb:version="2.0" soap:mustUnderstand="1"><eb:SequenceNumber>0</eb:SequenceNumber></eb:MessageOrder></soap:Header>',
        ),
    ),
    "echo-expired": _echo(
        "HDR-011",
        "stuurt een verlopen bericht",
        "sends an expired message",
        swapped("</eb:MessageData>", "<eb:TimeToLive>2020-01-01T00:00:00Z</eb:TimeToLive></eb:MessageData>"),
    ),
    "echo-unsigned": _echo(
        "XCHK-009",
        "ondertekent niet, terwijl het CPA dat vraagt",
        "does not sign although the CPA asks for it",
        behaviour="unsigned",
    ),
    "echo-bad-digest": _echo(
        "SIG-004", "ondertekent met een verkeerde digest", "signs with a wrong digest", recipe=Recipe(break_digest=True)
    ),
    "echo-unsigned-part": _echo(
        "SIG-006",
        "laat de bijlage buiten de handtekening",
        "leaves the attachment out of the signature",
        recipe=Recipe(skip_attachments=True),
    ),
    "echo-plain": _echo(
        "XCHK-009",
        "versleutelt niet, terwijl het CPA dat vraagt",
        "does not encrypt although the CPA asks for it",
        behaviour="plain",
    ),
}
