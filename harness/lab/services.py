"""What every WUS service of the lab does with a request: read it, judge it, refuse it or answer it.

A service judges what it receives with the rules of `ketentest check`, refuses what is wrong with a fault that says why,
and answers signed and encrypted as the request was. A fault of the lab changes one thing.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import ClassVar, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from harness.lab import Place
from harness.lab.faults import wus as faults
from harness.lab.faults.wus import Fault
from harness.lab.server import Reply, Request
from harness.lint.judge import Context, Raw
from harness.lint.wus import judge_read
from harness.lint.wus.message import Message, read
from harness.lint.wus.service import ServiceProfile, service
from harness.model import Environment, Finding, Severity, Text
from harness.rulebook import rulebook
from harness.wire import soap
from harness.wire.soap import Addressing, local
from harness.wire.soap_call import Outgoing, Security, make
from harness.wire.soap_wsdl import Operation
from harness.wire.soap_wsdl import read as read_wsdl
from harness.wire.wss import Recipe, Signer

ATTACHMENT: Final = b"bijlage\r\n"
OTHER_OIN: Final = "00000099000000777000"
FOLDER: Final = files("harness").joinpath("lab/wsdl")

#: Which code of Best Practices WUS a broken rule leads to; the first match counts.
REFUSALS: Final = (
    ("WUS-SEC-041", "wsu:MessageExpired"), ("WUS-SEC-042", "wsu:MessageExpired"),
    ("WUS-SEC-017", "wsse:FailedAuthentication"), ("WUS-SEC-016", "wsse:FailedAuthentication"),
    ("WUS-SEC-020", "wsse:UnsupportedAlgorithm"), ("WUS-SEC", "wsse:FailedCheck"), ("WUS-ENC", "wsse:FailedCheck"),
    ("WUS-ADDR-003", "0005"), ("WUS-ADDR-004", "0006"), ("WUS-ADDR-005", "0007"), ("WUS-ADDR", "0011"),
    ("WUS-HTTP-004", "0003"), ("WUS-HTTP-005", "0003"), ("WUS-HTTP-010", "0009"), ("WUS-SOAP-003", "0009"),
    ("WUS-SOAP-012", "0004"), ("WUS-SOAP-011", "0003"), ("", "0001"),
)  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """The signing keys of the service, of a stranger and of another organisation, and the one to decrypt with."""

    own: Signer
    stranger: Signer
    other: Signer
    decryption: rsa.RSAPrivateKey
    decryption_certificate: x509.Certificate


def _signer(key: object, certificate: x509.Certificate) -> Signer:
    assert isinstance(key, rsa.RSAPrivateKey)  # the profiles of the lab sign with RSA
    return Signer(key, certificate)


class WusService:
    """One WUS service of the lab; subclasses say which documents it hands out and what it answers."""

    NAME: ClassVar[str] = "digikoppeling"
    PATH: ClassVar[str] = "/wus"
    DOCUMENTS: ClassVar[tuple[str, ...]] = ()
    TABLE: ClassVar[Mapping[str, Fault]] = {**faults.GENERIC, **faults.TRIED}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}

    def __init__(self, place: Place) -> None:
        self.place = place
        chosen = [self.TABLE[name] for name in sorted(place.faults) if name in self.TABLE]
        self.fault = chosen[0] if chosen else Fault("", Text("", ""))
        self.asked: list[Message] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the counterparty -------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> tuple[str, ...]:
        """The one host name of the service."""
        return (self.place.host,)

    @property
    def endpoint(self) -> str:
        """The address that the scenario's `lab` stands for."""
        return f"https://{self.place.host}{self.PATH}"

    async def start(self) -> None:
        """Load the keys and the WSDLs."""
        self.keys = self._keys()
        self.wsdls = [read_wsdl(data) for name, data in self._files().items() if name.endswith(".wsdl")]

    async def stop(self) -> None:
        """Wait shortly for calls on their way, then stop."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=0.2)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def documents(self) -> Mapping[str, bytes]:
        """Return the WSDL under `wsdl`, every file under its own name, and our certificate to encrypt for."""
        found = self._files()
        receiver = self.keys.decryption_certificate.public_bytes(Encoding.PEM)
        return {
            "wsdl": found[self.DOCUMENTS[0]],
            "wsdl-name": self.DOCUMENTS[0].encode(),
            "receiver": receiver,
            **found,
        }

    def _files(self) -> dict[str, bytes]:
        return {name: FOLDER.joinpath(name).read_bytes() for name in self.DOCUMENTS}

    @property
    def service(self) -> ServiceProfile:
        """What the product knows of the service that is played."""
        return service(self.NAME)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The WUS profiles that the scenario asks of this service."""
        return tuple(p for p in self.place.settings.get("profiles", ()) if p.startswith("2W-")) or ("2W-be-S",)

    # --- one request ------------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Reply:
        """Answer one HTTP request."""
        if self.fault.reply is not None and request.method == "POST":
            return self.fault.reply
        if request.method == "GET":
            return self._wsdl(request)
        if request.method != "POST":
            return Reply(405, (("allow", "GET, POST"),))
        message = read(Raw(request.body, "vraag", request.head), self._context(request))
        self.asked.append(message)
        return self._answered(message)

    def _wsdl(self, request: Request) -> Reply:
        if request.path.partition("?")[2].lower() not in ("wsdl", "singlewsdl"):
            return Reply(405, (("allow", "POST"),))
        return Reply(200, (("content-type", soap.MEDIA_TYPE),), self._files()[self.DOCUMENTS[0]])

    def _context(self, request: Request) -> Context:
        profile = self.profile_of(request)
        beside = [*self._beside, self._decryption_key] if profile == "2W-be-SE" else self._beside
        return Context(
            at=self.place.now(),
            environment=Environment.LAB,
            role="request",
            profile=profile,
            service=self.NAME,
            trust=self._trust,
            companions=tuple(beside),
        )

    @cached_property
    def _beside(self) -> list[Raw]:
        intermediates = [Raw(c.public_bytes(Encoding.PEM), "c") for c in self.place.pki.intermediates()]
        return intermediates + [Raw(data, name) for name, data in self._files().items()]

    @cached_property
    def _decryption_key(self) -> Raw:
        return Raw(self.keys.decryption.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "sleutel")

    @cached_property
    def _trust(self) -> tuple[bytes, ...]:
        return tuple(c.public_bytes(Encoding.PEM) for c in self.place.pki.anchors())

    def profile_of(self, request: Request) -> str:
        """Return the profile of a request: the only one, or the one that the message looks like."""
        if len(self.profiles) == 1:
            return self.profiles[0]
        return looks_like(request.body)

    def _answered(self, message: Message) -> Reply:
        refused = self._refusal(message)
        operation = message.operation
        if refused:
            return self._send(message, None, refused)
        if operation is None or message.envelope is None or message.envelope.payload is None:
            return self._send(message, None, "0003")
        if self.fault.code:
            return self._send(message, operation, self.fault.code)
        code = self.refuses(operation, message.envelope.payload)
        return self._send(message, operation, code)

    def _refusal(self, message: Message) -> str:
        if self.fault.lenient:
            return ""
        words = {*message.ctx.words, "lab"}
        found = [o for o in judge_read(message) if isinstance(o, Finding)]
        broken = [g.finding.rule for g in rulebook().grade(found, words) if g.severity is Severity.ERROR]
        return next((code for rule in broken for start, code in REFUSALS if rule.startswith(start)), "")

    def refuses(self, operation: Operation, payload: etree._Element) -> str:
        """Return the code with which the service itself refuses this request, or an empty string."""
        return ""

    # --- the answer -------------------------------------------------------------------------------------------------

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Return the element that answers `asked`."""
        raise NotImplementedError

    def _send(self, message: Message, operation: Operation | None, code: str) -> Reply:
        fault, envelope = self.fault, message.envelope
        asked = None if envelope is None else envelope.payload
        if code or operation is None or asked is None:
            payload, action = self.fault_element(code or "0001"), self._fault_action(operation)
        else:
            payload, action = self.answer(operation, asked), operation.response_action.value
            if fault.mtom or message.package is not None:
                self._attach(payload)
        relates_to = envelope.message_id if envelope is not None else ""
        security = self._security(message)
        attachments = [
            str(e.tag) for e in payload.iter() if isinstance(e.tag, str) and local(e) in ("bijlage", "inhoud")
        ]
        sent = make(
            payload,
            Addressing(action=action, relates_to=relates_to),
            security,
            at=self.place.now() + fault.shift,
            attachments=attachments if fault.mtom or message.package is not None else (),
            packed=fault.mtom,
        )
        return self._reply(sent, is_fault=bool(code) or operation is None)

    def _security(self, message: Message) -> Security:
        fault = self.fault
        profile = message.profile
        asker = message.token.certificate if message.token is not None else None
        confirm = message.envelope.signature_value if message.envelope is not None else ""
        value = {"request": confirm or None, "none": None, "other": base64.b64encode(b"x" * 256).decode()}[
            fault.confirm
        ]
        signed = fault.signed and profile != "2W-be"
        stranger = self.keys.stranger.certificate
        wanted = "2W-be-SE" if profile == "2W-be-SE" and fault.encrypted else "2W-be-S"
        if profile == "2W-be" and fault.rule == "WUS-SEC-003":
            signed, wanted = True, "2W-be-S"
        return Security(
            profile=wanted if signed else "2W-be",
            signer={"own": self.keys.own, "stranger": self.keys.stranger, "other-oin": self.keys.other}[fault.who],
            receiver=stranger if fault.receiver == "stranger" else asker,
            confirm=value,
            recipe=fault.recipe or Recipe(),
            encryption=fault.encryption or Security().encryption,
            before=fault.before,
            after=fault.after,
        )

    def _reply(self, sent: Outgoing, *, is_fault: bool) -> Reply:
        fault = self.fault
        body = fault.data(sent.body) if fault.data else sent.body
        kind = fault.content_type or sent.content_type
        kind = fault.head(kind) if fault.head else kind
        status = fault.status or (500 if is_fault else 200)
        headers = (("content-type", kind), *fault.headers)
        return Reply(status, headers, body, delay=fault.delay, chunk_delay=fault.chunk_delay, abort=fault.abort)

    def _attach(self, payload: etree._Element) -> None:
        schema = {"getStatus": "inhoud"}.get(local(payload), "inhoud" if self.NAME == "digikoppeling" else "bijlage")
        space = etree.QName(payload).namespace
        if self.NAME in ("digikoppeling", "profielservice"):
            etree.SubElement(payload, f"{{{space}}}{schema}").text = base64.b64encode(ATTACHMENT).decode()

    def _fault_action(self, operation: Operation | None) -> str:
        known = operation.fault_actions if operation is not None else ()
        return known[0] if known else soap.WSA + "/soap/fault"

    def fault_element(self, code: str) -> etree._Element:
        """Return the soap:Fault for a code of Best Practices, of WS-Security or of the service."""
        if ":" in code:
            prefix, _, name = code.partition(":")
            element = soap.fault("Client", f"{name}: het bericht is niet aanvaard")
            uri = {"wsse": soap.WSSE, "wsu": soap.WSU, "wsa": soap.WSA}[prefix]
            element[0].text = None
            replaced = etree.Element("faultcode", nsmap={prefix: uri})
            replaced.text = code
            element.replace(element[0], replaced)
            return element
        blame = "Server" if code == "0051" else "Client"
        return soap.fault(blame, "Algemene fout", actor=self.endpoint, detail=self.detail(code))

    def detail(self, code: str) -> etree._Element:
        """Return the element in detail that names the code."""
        raise NotImplementedError

    # --- certificates -----------------------------------------------------------------------------------------------

    def _organisation(self) -> str:
        return f"TEST {self.place.settings.get('peer_name') or self.place.system}"

    def _keys(self) -> Keys:
        pki, oin = self.place.pki, self.place.settings.get("peer_oin")
        own = pki.issue("counterparty-signing", oin=oin, organisation=self._organisation())
        sealed = pki.issue("counterparty-encryption", oin=oin, organisation=self._organisation())
        other, stranger = pki.issue("counterparty-signing", oin=OTHER_OIN), pki.issue("look-alike", oin=oin)
        decryption = sealed.key
        assert isinstance(decryption, rsa.RSAPrivateKey)  # the profile says so
        return Keys(
            _signer(own.key, own.certificate),
            _signer(stranger.key, stranger.certificate),
            _signer(other.key, other.certificate),
            decryption,
            sealed.certificate,
        )

    def operation(self, name: str) -> Operation:
        """Return an operation of our own WSDLs by name."""
        return next(o for wsdl in self.wsdls for o in wsdl.operations if o.name == name)


def looks_like(body: bytes) -> str:
    """Return the profile that a message looks like."""
    if b"EncryptedData" in body:
        return "2W-be-SE"
    return "2W-be-S" if b"BinarySecurityToken" in body or b"SignedInfo" in body else "2W-be"


def element(space: str, name: str, **children: str) -> etree._Element:
    """Return an element of namespace `space` with children that hold text."""
    made = etree.Element(f"{{{space}}}{name}", nsmap={None: space})
    for child, value in children.items():
        etree.SubElement(made, f"{{{space}}}{child}").text = value
    return made


def find(payload: etree._Element, name: str) -> str:
    """Return the text of the first element called `name`, in any namespace."""
    found = next(payload.iter(f"{{*}}{name}"), None)
    return "" if found is None else found.text or ""
