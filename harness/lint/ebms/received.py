"""An ebMS message as a judge sees it: the message, its HTTP head, its CPA, and the message that it answers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harness.errors import KetentestError
from harness.lint.judge import Context, HttpHead, Raw
from harness.lint.kinds import split_http
from harness.model import Text
from harness.wire.cpa import RECEIVE, SEND, Binding, Channel, Cpa, PartyInfo
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ebms import Message, Party, read_message
from harness.wire.ebms_signature import Examination, examine

INCOMING = "incoming"
"""The context role of a message that comes in now, on the wire; a file has no such role."""
LARGE = 256 * 1024
"""A CPA of this many bytes is no ordinary one, and is not kept in memory."""


@dataclass(frozen=True)
class Received:
    """One message with everything that a rule about it may need.

    `known` holds the MessageIds that we sent, when that is known. `way` says how an answer came: `sync` or `async`.
    """

    message: Message
    http: HttpHead | None = None
    cpa: Cpa | None = None
    cpa_problem: Text | None = None
    request: Message | None = None
    others: tuple[Message, ...] = ()
    known: frozenset[str] | None = None
    way: str = ""

    @property
    def is_request(self) -> bool:
        """Whether this travelled as an HTTP request (or says nothing about it)."""
        return self.http is None or self.http.status is None

    @property
    def is_answer(self) -> bool:
        """Whether this travelled as an HTTP response."""
        return self.http is not None and self.http.status is not None

    @property
    def readable(self) -> bool:
        """Whether there is a MessageHeader to judge."""
        return self.message.header is not None and self.message.fault is None

    @cached_property
    def sender(self) -> PartyInfo | None:
        """The party of the CPA that sent this message."""
        return self._party(self.message.from_parties)

    @cached_property
    def receiver(self) -> PartyInfo | None:
        """The party of the CPA that this message is for."""
        return self._party(self.message.to_parties)

    def _party(self, parties: Sequence[Party]) -> PartyInfo | None:
        if self.cpa is None:
            return None
        return next((found for p in parties if (found := _find(self.cpa, p))), None)

    @cached_property
    def unrelated(self) -> bool:
        """Whether the CPA that was given is about other parties: then it says nothing about this message."""
        if self.cpa is None or self.cpa.cpaid.strip() == self.message.cpa_id:
            return False
        values = {p.value.strip() for p in (*self.message.from_parties, *self.message.to_parties)}
        agreed = {i.value.strip() for party in self.cpa.parties for i in party.ids}
        return not (values & agreed)

    @property
    def agreement(self) -> Cpa | None:
        """The CPA, when it is the one of this message's parties."""
        return None if self.unrelated else self.cpa

    @cached_property
    def channel(self) -> Channel | None:
        """The delivery channel of the business action, at the side of the sender (else of the receiver)."""
        message = self.message
        if self.agreement is None:
            return None
        for party, direction, role in (
            (self.sender, SEND, message.from_role),
            (self.receiver, RECEIVE, message.to_role),
        ):
            if party is None:
                continue
            found = agreed_binding(party, direction, role, message)
            if found and found.channel_ids:
                return party.channel(found.channel_ids[0])
        return None

    @cached_property
    def examination(self) -> Examination | None:
        """What can be said of the signature, or None when there is none."""
        return examine(self.message)

    @property
    def asked_ping(self) -> bool:
        """Whether the message that this answers is a Ping."""
        return self.request is not None and self.request.kind == "Ping"


def _find(cpa: Cpa, party: Party) -> PartyInfo | None:
    exact = cpa.party(party.value, party.type or None)
    return exact or cpa.party(party.value.strip(), party.type.strip() or None)


def agreed_binding(party: PartyInfo, direction: str, role: str, message: Message) -> Binding | None:
    """Return what the CPA says of this message's role, service, type and action; an absent type fits any.

    One CPA may hold the same service and action several times, apart by type only (Logius' compliance facility).
    """
    found = list(party.matching(direction, role, message.service, message.action))
    exact = [b for r, b in found if (r.service_type or "").strip() == message.service_type]
    loose = [b for r, b in found if not (r.service_type and message.service_type)]
    return next(iter((*exact, *loose)), None)


def receive(raw: Raw, ctx: Context) -> Received:
    """Return `raw` with what the context says about it: the CPA and the messages among the companions."""
    message = read_message(_body(raw), raw.http.get("content-type") if raw.http else "")
    cpa, problem = _cpa(ctx.companions)
    others = tuple(_messages(ctx.companions))
    return Received(message, raw.http, cpa, problem, _request(message, others), others)


def _body(raw: Raw) -> bytes:
    if raw.http and raw.http.get("transfer-encoding").lower() == "chunked":
        return _dechunked(raw.data)
    return raw.data


def _dechunked(data: bytes) -> bytes:
    """Return the content of a captured chunked body; a capture that was already joined comes back as it is."""
    pieces: list[bytes] = []
    at = 0
    while found := re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r?\n").match(data, at):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(data[found.end() : found.end() + size])
        at = found.end() + size
        at += 2 if data[at : at + 2] == b"\r\n" else 1 if data[at : at + 1] == b"\n" else 0
    return data


def _cpa(companions: Sequence[Raw]) -> tuple[Cpa | None, Text | None]:
    for raw in companions:
        if b"CollaborationProtocolAgreement" not in raw.data[:65536]:
            continue
        try:
            return (_read_once if len(raw.data) < LARGE else parse_cpa)(raw.data), None
        except KetentestError as wrong:
            return None, Text(f"het CPA is niet te lezen: {wrong.text.nl}", f"the CPA cannot be read: {wrong.text.en}")
    return None, None


@lru_cache(maxsize=8)
def _read_once(data: bytes) -> Cpa:
    """Read the CPA of a conversation once, however many of its messages are judged."""
    return parse_cpa(data)


def _messages(companions: Sequence[Raw]) -> Iterator[Message]:
    for raw in companions:
        http, body = (raw.http, raw.data) if raw.http else split_http(raw.data)
        if b"ebxml-msg" in body:
            message = read_message(body, http.get("content-type") if http else "")
            if message.header is not None:
                yield message


def _request(message: Message, others: Sequence[Message]) -> Message | None:
    """Return the message that this one answers: the one it refers to, else the only one that cannot be an answer."""
    referred = next((o for o in others if message.ref_to and o.message_id == message.ref_to), None)
    if referred is not None:
        return referred
    if message.header is not None and message.kind in ("Ping", "StatusRequest", "message") and not message.ref_to:
        return None
    asking = [o for o in others if o.kind in ("Ping", "StatusRequest", "message")]
    return asking[0] if len(asking) == 1 else None
