"""The lab's ebMS counterparty: Ping and Pong, acknowledgements, errors, status and an echo, in all six profiles.

It judges what it receives with the rules of `ketentest check`, answers where the CPA says (in the HTTP response or at
our own endpoint, over mutual TLS), eliminates duplicates and repeats what is not acknowledged. A fault changes one thing.
"""

import asyncio
import logging
import ssl
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from harness.errors import KetentestError
from harness.lab import Place
from harness.lab.faults import ebms as faults
from harness.lab.mint import pem
from harness.lab.msh_agreements import ECHO_REQUEST, ECHO_RESPONSE, OWN_ROLE, Agreement, agree, load_keys, organisation
from harness.lab.server import Reply, Request
from harness.lint.ebms.received import INCOMING, Received
from harness.lint.ebms.rejection import EMPTY, FAULT, Rejection, rejection
from harness.lint.judge import Context
from harness.model import Environment, Text
from harness.patience import dawdle
from harness.wire import ebms_build as build
from harness.wire.cpa import Binding, Channel, CollaborationRole, PartyInfo
from harness.wire.cpa_build import Reliability
from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    MESSAGE_ERROR,
    PING,
    PONG,
    STATUS_REQUEST,
    STATUS_RESPONSE,
    EbmsError,
    Message,
    Party,
    attribute,
    element_text,
    read_message,
)
from harness.wire.ebms_build import Draft, Header, Outgoing
from harness.wire.ebms_encryption import decrypted_part, encrypt, is_encrypted
from harness.wire.ebms_mime import Attachment
from harness.wire.ebms_signature import Recipe, sign
from harness.wire.spec import PROFILES, Service

log = logging.getLogger(__name__)

LAB_RETRIES: Final = Reliability(retries=2, interval="PT2S", persist="PT1M")


@dataclass
class Memory:
    """What the MSH remembers: which messages it delivered with which answer, what it sent, what was acknowledged."""

    answers: dict[str, tuple[datetime, Outgoing | None]] = field(default_factory=dict)
    delivered: list[Message] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    signals: list[Message] = field(default_factory=list)


class Msh:
    """An ebMS message service handler that a scenario, or a user's own adapter, can talk to."""

    TABLE: ClassVar[Mapping[str, faults.Fault]] = faults.FAULTS
    FAULTS: ClassVar[Mapping[str, Text]] = {name: fault.text for name, fault in faults.FAULTS.items()}

    def __init__(self, place: Place) -> None:
        self.place = place
        self.faults = [self.TABLE[name] for name in sorted(place.faults) if name in self.TABLE]
        self.memory = Memory()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self.agreements: dict[str, Agreement] = {}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The one host name of the MSH."""
        return (self.place.host,)

    @property
    def endpoint(self) -> str:
        """The address in the CPA."""
        return f"https://{self.place.host}/ebms"

    @property
    def domain(self) -> str:
        """The domain of its MessageIds."""
        return self.place.host

    async def start(self) -> None:
        """Make the CPAs and load the keys."""
        self.keys = load_keys(self.place)
        self._trust = (pem(self.place.pki.anchors()),)
        wanted = [p for p in self.place.settings.get("profiles", ()) if p in PROFILES] or ["osb-rm"]
        for profile in dict.fromkeys(wanted):
            agreement = agree(self.place, profile, self.endpoint, self.keys, self.services(profile))
            self.agreements[agreement.cpa.cpaid] = agreement

    def services(self, profile: str) -> tuple[Service, ...]:
        """Return the services that its CPA names besides the echo."""
        return ()

    def process(self, case: Received, agreement: Agreement) -> None:
        """Do what the organisation behind the MSH does with a delivered message; the bare MSH only echoes."""

    async def stop(self) -> None:
        """Wait shortly for answers on their way, then stop."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=0.2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()

    def documents(self) -> Mapping[str, bytes]:
        """Return the CPA, and one per further profile (`cpa[osb-be-s]`)."""
        files = {f"cpa[{a.profile}]": a.data for a in self.agreements.values()}
        first = next(iter(self.agreements.values()))
        return {"cpa": first.data, **({} if len(files) == 1 else files)}

    async def handle(self, request: Request) -> Reply:
        """Answer one HTTP request."""
        instead = next((f.reply for f in self.faults if f.reply is not None), None)
        if instead is not None:
            return instead
        message = read_message(request.body, request.header("content-type"))
        agreement = self.agreements.get(message.cpa_id)
        message, unreadable = self._opened(message)
        case = Received(message, request.head, agreement.cpa if agreement else None, known=frozenset(self.memory.sent))
        refused = self._refusal(case) or unreadable or rejection(case, self._context())
        if refused is not None:
            log.info("← %s (%s): geweigerd / refused", message.summary or "geen ebMS", message.message_id)
            return self._refused(case, agreement, refused)
        assert agreement is not None  # without a CPA the message is refused
        log.info("← %s (%s)", message.summary, message.message_id)
        return self._accepted(case, agreement)

    def _accepted(self, case: Received, agreement: Agreement) -> Reply:
        message = case.message
        if message.kind == PING:
            return self._ping(message, agreement)
        if message.kind == STATUS_REQUEST:
            if self._behaves("silent", STATUS_RESPONSE):
                return Reply(204)
            return self._send_signal(message, agreement, self._status(message))
        if message.is_signal:
            self._note(message)
            return Reply(204)
        return self._deliver(case, agreement)

    def _note(self, message: Message) -> None:
        self.memory.signals.append(message)
        if message.kind in (ACKNOWLEDGMENT, MESSAGE_ERROR):
            self.memory.acknowledged.add(message.ref_to)

    def _context(self) -> Context:
        return Context(at=self.place.now(), environment=Environment.LAB, role=INCOMING, trust=self._trust)

    # --- refusing ---------------------------------------------------------------------------------------------------

    def _refusal(self, case: Received) -> Rejection | None:
        kind = case.message.kind
        if not kind or kind in (ACKNOWLEDGMENT, MESSAGE_ERROR, PONG, STATUS_RESPONSE):
            return None
        return next((f.refusal for f in self.faults if f.refusal and f.refuses in ("", kind)), None)

    def _refused(self, case: Received, agreement: Agreement | None, refused: Rejection) -> Reply:
        message = case.message
        if refused.way == EMPTY or message.kind == MESSAGE_ERROR:
            return Reply(500 if refused.way == EMPTY else 204)
        if refused.way == FAULT or agreement is None:
            text = refused.text.replace("{cpaid}", message.cpa_id)
            return Reply(500, (("content-type", "text/xml; charset=UTF-8"),), build.soap_fault("Client", text))
        draft = build.message_error(message, refused.errors, self.place.now(), self.domain)
        return self._send_signal(message, agreement, draft)

    def _opened(self, message: Message) -> tuple[Message, Rejection | None]:
        """Return the message with its payloads decrypted, or why that is refused."""
        parts = message.package.attachments
        if not any(is_encrypted(p.data) for p in parts):
            return message, self._plain_refused(message)
        try:
            opened = tuple(decrypted_part(p, self.keys.decryption) if is_encrypted(p.data) else p for p in parts)
        except KetentestError as wrong:
            error = EbmsError("SecurityFailure", "Error", "//Body/Manifest", wrong.text.en)
            return message, Rejection("error", errors=(error,))
        return replace(message, package=replace(message.package, attachments=opened)), None

    def _plain_refused(self, message: Message) -> Rejection | None:
        agreement = self.agreements.get(message.cpa_id)
        if agreement is None or not agreement.profile.endswith("-e") or not message.package.attachments:
            return None
        error = EbmsError("SecurityFailure", "Error", "//Body/Manifest", "The payload is not encrypted.")
        return Rejection("error", errors=(error,))

    # --- signals ----------------------------------------------------------------------------------------------------

    def _ping(self, message: Message, agreement: Agreement) -> Reply:
        if self._behaves("silent", ""):
            return Reply(204)
        if self._behaves("pings", PING):
            self._later(self._post(agreement.user, self._own_ping(agreement), PING))
            return Reply(204)
        return self._send_signal(message, agreement, build.pong(message, self.place.now(), self.domain))

    def _own_ping(self, agreement: Agreement) -> Outgoing:
        """Return a Ping of the lab itself, to the user's side."""
        ours, theirs = _ids(agreement.lab)[0], _ids(agreement.user)[0]
        channel = agreement.lab.msh_channel(PING)
        sync = channel is not None and channel.synchronous
        now = self.place.now()
        return self._sealed(build.ping(ours, theirs, agreement.cpa.cpaid, now, self.domain, sync_reply=sync))

    def _status(self, message: Message) -> Draft:
        asked = element_text(message.block(STATUS_REQUEST), "RefToMessageId")
        known = self.memory.answers.get(asked)
        status = "Received" if known else "NotRecognized"
        if self._behaves("forgets", STATUS_RESPONSE):
            known, status = None, "NotRecognized"
        elif self._behaves("unauthorised", STATUS_RESPONSE):
            known, status = None, "UnAuthorized"
        return build.status_response(message, asked, status, self.place.now(), self.domain, known[0] if known else None)

    def _send_signal(self, request: Message, agreement: Agreement, draft: Draft) -> Reply:
        """Send a signal where the CPA says: in this response, or at the endpoint of the sender."""
        outgoing = self._sealed(draft)
        return self._answer(request, agreement, outgoing, draft.header.action)

    def _answer(self, request: Message, agreement: Agreement, outgoing: Outgoing, action: str) -> Reply:
        if self._synchronous(request, agreement):
            return Reply(200, outgoing.headers, outgoing.body)
        times = 2 if self._behaves("twice", action) else 1
        for number in range(times):
            sent = outgoing if number == 0 else self._copied(outgoing)
            self._later(self._post(agreement.user, sent, action, self._delay(action) + 0.05 * number))
        return Reply(204)

    def _synchronous(self, request: Message, agreement: Agreement) -> bool:
        if self._behaves("always-async", ""):
            return False
        channel = agreement.user.msh_channel(PING)
        if request.kind == "message":
            case = Received(request, cpa=agreement.cpa)
            channel = case.channel or channel
        agreed = channel is not None and channel.synchronous
        return agreed != self._behaves("other-way", "")

    def _copied(self, outgoing: Outgoing) -> Outgoing:
        """Return the same message with another MessageId."""
        fresh = build.new_id(self.domain).encode()
        old = outgoing.message_id.encode()
        return replace(outgoing, message_id=fresh.decode(), body=outgoing.body.replace(old, fresh))

    # --- business messages ------------------------------------------------------------------------------------------

    def _deliver(self, case: Received, agreement: Agreement) -> Reply:
        message, channel = case.message, case.channel
        known = self.memory.answers.get(message.message_id)
        if known is not None and channel is not None and channel.duplicate_elimination == "always":
            return self._duplicate(case, agreement, known[1])
        self.memory.delivered.append(message)
        acknowledgment = self._acknowledgment(case)
        self.memory.answers[message.message_id] = (self.place.now(), acknowledgment)
        if message.action == ECHO_REQUEST and not self._behaves("silent", faults.MESSAGE):
            self._later(self._echo(case, agreement))
        self.process(case, agreement)
        if acknowledgment is None:
            return Reply(204)
        return self._answer(message, agreement, acknowledgment, ACKNOWLEDGMENT)

    def _duplicate(self, case: Received, agreement: Agreement, first: Outgoing | None) -> Reply:
        if first is None or self._behaves("silent-duplicate", ACKNOWLEDGMENT):
            return Reply(204)
        again = (self._acknowledgment(case) or first) if self._behaves("forgetful", ACKNOWLEDGMENT) else first
        return self._answer(case.message, agreement, again, ACKNOWLEDGMENT)

    def _acknowledgment(self, case: Received) -> Outgoing | None:
        message = case.message
        block = message.block("AckRequested")
        if (block is None and not self._behaves("unasked", ACKNOWLEDGMENT)) or self._behaves("silent", ACKNOWLEDGMENT):
            return None
        signed = attribute(block, "signed") in ("true", "1")
        references = build.ds_references(message) if signed else []
        draft = build.acknowledgment(message, self.place.now(), self.domain, references)
        return self._sealed(draft, signed=signed and not self._behaves("unsigned", ACKNOWLEDGMENT))

    async def _echo(self, case: Received, agreement: Agreement) -> None:
        """Send the payload back, signed and encrypted as agreed, and repeat it until it is acknowledged."""
        parts = [
            Attachment(p.content_id, p.data, p.media_type.name or "application/xml")
            for p in case.message.package.attachments
        ]
        await self.send_back(case, agreement, ECHO_RESPONSE, parts)

    async def send_back(
        self, case: Received, agreement: Agreement, action: str, parts: Sequence[Attachment], delay: float = 0.05
    ) -> None:
        """Send a business message about the one received, and repeat it until it is acknowledged."""
        binding = _binding(agreement.lab, case.message.service, action)
        channel = agreement.lab.channel(binding[1].channel_ids[0]) if binding else None
        if binding is None or channel is None:
            return
        outgoing = self._sealed(*self._answering(case.message, agreement, binding, channel, parts))
        self.memory.sent.add(outgoing.message_id)
        await asyncio.sleep(delay)
        for _ in range(1 + LAB_RETRIES.retries if channel.reliable else 1):
            await self._post(agreement.user, outgoing, faults.MESSAGE)
            await asyncio.sleep(2.0 if channel.reliable else 0)
            if outgoing.message_id in self.memory.acknowledged:
                return

    def _answering(
        self,
        message: Message,
        agreement: Agreement,
        binding: tuple[CollaborationRole, Binding],
        channel: Channel,
        parts: Sequence[Attachment],
    ) -> tuple[Draft, bool, x509.Certificate | None]:
        role = binding[0]
        header = Header(
            sender=_ids(agreement.lab),
            receiver=_ids(agreement.user),
            cpa_id=agreement.cpa.cpaid,
            conversation_id=message.conversation_id,
            action=binding[1].action,
            message_id=build.new_id(self.domain),
            timestamp=self.place.now(),
            service=role.service,
            service_type=role.service_type or "",
            from_role=role.role,
            to_role=OWN_ROLE,
            ref_to=message.message_id,
            duplicate_elimination=channel.duplicate_elimination == "always",
        )
        draft = build.business(
            header,
            parts,
            ack_requested=channel.reliable,
            ack_signed=channel.ack_signature_requested == "always",
            sync_reply=channel.synchronous,
        )
        signed = agreement.lab.signing_certificate(channel) is not None and not self._behaves(
            "unsigned", faults.MESSAGE
        )
        target = None if self._behaves("plain", faults.MESSAGE) else self._encryption_target(agreement)
        return draft, signed, target

    def _encryption_target(self, agreement: Agreement) -> x509.Certificate | None:
        channels = (agreement.user.encryption_certificate(c) for c in agreement.user.channels)
        der = next((c.der for c in channels if c and c.der), b"")
        return x509.load_der_x509_certificate(der) if der else None

    # --- making and sending -----------------------------------------------------------------------------------------

    def _sealed(self, draft: Draft, signed: bool = False, encrypt_to: x509.Certificate | None = None) -> Outgoing:
        """Return the bytes of a draft: changed by the faults, signed, encrypted."""
        on = faults.MESSAGE if draft.header.action == ECHO_RESPONSE else draft.header.action
        mine = [f for f in self.faults if f.on == on]
        envelope = draft.envelope().decode()
        for fault in mine:
            envelope = fault.edit(envelope) if fault.edit else envelope
        data = envelope.encode()
        recipe = next((f.recipe for f in mine if f.recipe), None)
        if signed or recipe is not None:
            signer = self.keys.other_signer if self._behaves("other-signer", on) else self.keys.signer
            data = sign(data, draft.attachments, signer, recipe or Recipe())
        for fault in mine:
            data = fault.after(data.decode()).encode() if fault.after else data
        attachments = [encrypt(a, encrypt_to) if encrypt_to else a for a in draft.attachments]
        outgoing = build.pack(draft, data, attachments)
        return replace(outgoing, headers=_headers(outgoing.headers, mine))

    def _behaves(self, word: str, on: str) -> bool:
        return any((f.behaviour == word and f.on == on) or (word == "silent" and on in f.mute) for f in self.faults)

    def _delay(self, action: str) -> float:
        return max((f.delay for f in self.faults if f.on == action), default=0.0)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, to: PartyInfo, outgoing: Outgoing, action: str, delay: float = 0.0) -> None:
        """POST a message to the endpoint of a party in the CPA, over mutual TLS, where the directory leads."""
        await dawdle(delay)
        point = to.endpoint()
        if point is None:
            return
        url = urlsplit(point.uri)
        host, port = url.hostname or "", url.port or 443
        address, mapped = self.place.resolve(host, port)
        target = f"https://{address}:{mapped}{url.path or '/'}"
        headers = {**dict(outgoing.headers), "Host": host}
        client = self._client(foreign=self._behaves("foreign", action))
        try:
            reply = await client.post(target, content=outgoing.body, headers=headers, extensions={"sni_hostname": host})
        except (httpx.HTTPError, OSError) as wrong:
            reason = str(wrong) or type(wrong).__name__
            log.info("→ %s: niet afgeleverd bij / not delivered to %s (%s)", action, point.uri, reason)
            return
        log.info("→ %s: HTTP %d van / from %s", action, reply.status_code, point.uri)
        self._synchronous_answer(reply)

    def _synchronous_answer(self, reply: httpx.Response) -> None:
        if reply.content:
            message = read_message(reply.content, reply.headers.get("content-type", ""))
            if message.header is not None:
                self._note(message)

    def _client(self, *, foreign: bool) -> httpx.AsyncClient:
        if foreign not in self._clients:
            place = self.place
            oin = "00000099000000003000" if foreign else place.settings.get("peer_oin")
            identity = place.pki.issue("counterparty", oin=oin, organisation=organisation(place), hosts=self.hosts)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(cadata=pem(place.pki.anchors()).decode())
            context.load_cert_chain(identity.cert_path, identity.key_path)
            self._clients[foreign] = httpx.AsyncClient(verify=context, trust_env=False, timeout=10.0)
        return self._clients[foreign]


def _binding(party: PartyInfo, service: str, action: str) -> tuple[CollaborationRole, Binding] | None:
    return next(party.matching("send", "", service, action), None)


def _ids(party: PartyInfo) -> tuple[Party, ...]:
    return tuple(Party(i.value, i.type or "") for i in party.ids)


def _headers(headers: Sequence[tuple[str, str]], changes: Sequence[faults.Fault]) -> tuple[tuple[str, str], ...]:
    replaced = {name.lower(): value for fault in changes for name, value in fault.headers}
    return tuple((name, replaced.get(name.lower(), value)) for name, value in headers)
