"""Build ebMS 2.0 messages: Ping, Pong, acknowledgement, error, status and business messages."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    DS,
    EB,
    MESSAGE_ERROR,
    MSH_SERVICE,
    NEXT_ACTOR,
    PING,
    PONG,
    SERVICE_TYPE,
    SOAP,
    SOAP_ACTION,
    STATUS_REQUEST,
    STATUS_RESPONSE,
    TO_PARTY_MSH,
    XLINK,
    EbmsError,
    Message,
    Party,
    stamp,
)
from harness.wire.ebms_mime import Attachment, write_package

_OPEN: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:eb="{EB}" xmlns:xlink="{XLINK}"><soap:Header>'
)
_MUST: Final = 'eb:version="2.0" soap:mustUnderstand="1"'


@dataclass(frozen=True, slots=True)
class Header:
    """The values of an eb:MessageHeader."""

    sender: tuple[Party, ...]
    receiver: tuple[Party, ...]
    cpa_id: str
    conversation_id: str
    action: str
    message_id: str
    timestamp: datetime
    service: str = MSH_SERVICE
    service_type: str = ""
    from_role: str = ""
    to_role: str = ""
    ref_to: str = ""
    time_to_live: datetime | None = None
    duplicate_elimination: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to send: header values, the blocks beside it, and the attachments."""

    header: Header
    blocks: str = ""
    body: str = ""
    sync_reply: bool = False
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(("SOAPAction", SOAP_ACTION),))

    def envelope(self) -> bytes:
        """Return the SOAP envelope."""
        sync = f'<eb:SyncReply {_MUST} soap:actor="{NEXT_ACTOR}"/>' if self.sync_reply else ""
        head = _message_header(self.header) + sync + self.blocks
        return f"{_OPEN}{head}</soap:Header><soap:Body>{self.body}</soap:Body></soap:Envelope>".encode()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Bytes ready for an HTTP request or response."""

    message_id: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    envelope: bytes
    attachments: tuple[Attachment, ...] = ()


def pack(draft: Draft, envelope: bytes | None = None, attachments: Sequence[Attachment] | None = None) -> Outgoing:
    """Return the HTTP headers and body of a draft; `envelope` and `attachments` replace its own when it was signed."""
    envelope = draft.envelope() if envelope is None else envelope
    parts = tuple(draft.attachments if attachments is None else attachments)
    content_type, body = write_package(envelope, parts)
    return Outgoing(draft.header.message_id, (("Content-Type", content_type), *draft.headers), body, envelope, parts)


def new_id(domain: str) -> str:
    """Return a new MessageId: `UUID@domain` (EB013)."""
    return f"{uuid.uuid4()}@{domain}"


def ping(sender: Party, receiver: Party, cpa_id: str, at: datetime, domain: str, *, sync_reply: bool = False) -> Draft:
    """Build a Ping: a new MessageId and ConversationId every time (EBMS 8.1)."""
    header = Header((sender,), (receiver,), cpa_id, str(uuid.uuid4()), PING, new_id(domain), at)
    return Draft(header, sync_reply=sync_reply)


def reply_header(request: Message, action: str, at: datetime, domain: str) -> Header:
    """Return the header of a signal that answers `request`: parties swapped, same CPA and conversation."""
    return Header(
        sender=tuple(p.trimmed for p in request.to_parties),
        receiver=tuple(p.trimmed for p in request.from_parties),
        cpa_id=request.cpa_id,
        conversation_id=request.conversation_id,
        action=action,
        message_id=new_id(domain),
        timestamp=at,
        ref_to=request.message_id,
    )


def pong(request: Message, at: datetime, domain: str) -> Draft:
    """Build the Pong to a Ping (EBMS 8.2)."""
    return Draft(reply_header(request, PONG, at, domain))


def acknowledgment(request: Message, at: datetime, domain: str, references: Sequence[etree._Element] = ()) -> Draft:
    """Build an acknowledgement; `references` are the ds:References of the acknowledged message (signed receipts)."""
    digests = "".join(etree.tostring(r, encoding="unicode", with_tail=False) for r in references)
    block = (
        f'<eb:Acknowledgment {_MUST} soap:actor="{TO_PARTY_MSH}"><eb:Timestamp>{stamp(at)}</eb:Timestamp>'
        f"<eb:RefToMessageId>{escape(request.message_id)}</eb:RefToMessageId>{digests}</eb:Acknowledgment>"
    )
    return Draft(reply_header(request, ACKNOWLEDGMENT, at, domain), block)


def message_error(request: Message, errors: Sequence[EbmsError], at: datetime, domain: str) -> Draft:
    """Build a stand-alone MessageError (EBMS 4.2.4.3)."""
    return Draft(reply_header(request, MESSAGE_ERROR, at, domain), error_list(errors))


def error_list(errors: Sequence[EbmsError]) -> str:
    """Return an eb:ErrorList."""
    highest = "Error" if any(e.severity == "Error" for e in errors) else "Warning"
    return f'<eb:ErrorList {_MUST} eb:highestSeverity="{highest}">{"".join(map(_error, errors))}</eb:ErrorList>'


def _error(error: EbmsError) -> str:
    location = f" eb:location={quoteattr(error.location)}" if error.location else ""
    text = error.description
    words = f'<eb:Description xml:lang="en">{escape(text)}</eb:Description>' if text else ""
    return (
        f"<eb:Error eb:codeContext={quoteattr(error.context)} eb:errorCode={quoteattr(error.code)}"
        f" eb:severity={quoteattr(error.severity)}{location}>{words}</eb:Error>"
    )


def status_request(
    sender: Party, receiver: Party, cpa_id: str, asked: str, at: datetime, domain: str, *, sync_reply: bool = False
) -> Draft:
    """Build a StatusRequest about the message `asked` (EBMS 7.1.1)."""
    header = Header((sender,), (receiver,), cpa_id, str(uuid.uuid4()), STATUS_REQUEST, new_id(domain), at)
    body = (
        f'<eb:StatusRequest eb:version="2.0"><eb:RefToMessageId>{escape(asked)}</eb:RefToMessageId></eb:StatusRequest>'
    )
    return Draft(header, body=body, sync_reply=sync_reply)


def status_response(
    request: Message, asked: str, status: str, at: datetime, domain: str, received: datetime | None = None
) -> Draft:
    """Build a StatusResponse; `received` is when the message that was asked about came in (EBMS 7.1.2)."""
    when = f"<eb:Timestamp>{stamp(received)}</eb:Timestamp>" if received else ""
    body = (
        f'<eb:StatusResponse eb:version="2.0" eb:messageStatus={quoteattr(status)}>'
        f"<eb:RefToMessageId>{escape(asked)}</eb:RefToMessageId>{when}</eb:StatusResponse>"
    )
    return Draft(reply_header(request, STATUS_RESPONSE, at, domain), body=body)


def business(
    header: Header,
    attachments: Sequence[Attachment],
    *,
    ack_requested: bool = False,
    ack_signed: bool = False,
    sync_reply: bool = False,
) -> Draft:
    """Build a business message with its Manifest."""
    if not header.service_type and ":" not in header.service:
        header = replace(header, service_type=SERVICE_TYPE)
    signed = "true" if ack_signed else "false"
    block = f'<eb:AckRequested {_MUST} soap:actor="{TO_PARTY_MSH}" eb:signed="{signed}"/>' if ack_requested else ""
    references = "".join(
        f'<eb:Reference xlink:type="simple" xlink:href={quoteattr("cid:" + a.cid)}/>' for a in attachments
    )
    body = f'<eb:Manifest eb:version="2.0">{references}</eb:Manifest>' if attachments else ""
    return Draft(header, block, body, sync_reply, tuple(attachments))


def soap_fault(code: str, text: str) -> bytes:
    """Return an envelope with a SOAP 1.1 Fault."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><soap:Fault>'
        f"<faultcode>soap:{escape(code)}</faultcode><faultstring>{escape(text)}</faultstring>"
        "</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def _message_header(h: Header) -> str:
    service_type = f" eb:type={quoteattr(h.service_type)}" if h.service_type else ""
    ref = f"<eb:RefToMessageId>{escape(h.ref_to)}</eb:RefToMessageId>" if h.ref_to else ""
    ttl = f"<eb:TimeToLive>{stamp(h.time_to_live)}</eb:TimeToLive>" if h.time_to_live else ""
    return (
        f"<eb:MessageHeader {_MUST}>"
        f"<eb:From>{_party_ids(h.sender)}{_role(h.from_role)}</eb:From>"
        f"<eb:To>{_party_ids(h.receiver)}{_role(h.to_role)}</eb:To>"
        f"<eb:CPAId>{escape(h.cpa_id)}</eb:CPAId>"
        f"<eb:ConversationId>{escape(h.conversation_id)}</eb:ConversationId>"
        f"<eb:Service{service_type}>{escape(h.service)}</eb:Service>"
        f"<eb:Action>{escape(h.action)}</eb:Action>"
        f"<eb:MessageData><eb:MessageId>{escape(h.message_id)}</eb:MessageId>"
        f"<eb:Timestamp>{stamp(h.timestamp)}</eb:Timestamp>{ref}{ttl}</eb:MessageData>"
        f"{'<eb:DuplicateElimination/>' if h.duplicate_elimination else ''}</eb:MessageHeader>"
    )


def _party_ids(parties: Sequence[Party]) -> str:
    return "".join(_party_id(p) for p in parties)


def _party_id(party: Party) -> str:
    kind = f" eb:type={quoteattr(party.type)}" if party.type else ""
    return f"<eb:PartyId{kind}>{escape(party.value)}</eb:PartyId>"


def _role(role: str) -> str:
    return f"<eb:Role>{escape(role)}</eb:Role>" if role else ""


def ds_references(message: Message) -> list[etree._Element]:
    """Return the ds:References of a signed message, to be repeated in a signed receipt (EBMS 6.3.2.5)."""
    signature = message.signature
    return [] if signature is None else signature.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
