"""What a WUS call needs before it can be made: the contract, a permitted operation, its values, and who signs."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from harness.chain import secret
from harness.errors import Refused, UnusableInput
from harness.link import Link
from harness.lint.judge import HttpHead, Raw
from harness.lint.wus.ledger import Uses, note
from harness.lint.wus.service import ServiceProfile, service
from harness.masking import possible_bsns
from harness.model import Environment, Graded, NotRun
from harness.probes.probe import NotApplicable, NotPossible, Tools
from harness.wire import soap, soap_wsdl, soap_zeep, wss_verify
from harness.wire.signature_value import SigningKey
from harness.wire.soap import Addressing
from harness.wire.soap_call import Outgoing, Security, make
from harness.wire.soap_wsdl import Operation
from harness.wire.soap_zeep import Contract
from harness.wire.wss import Signer

PROFILES: Final = {"be": "2W-be", "be-s": "2W-be-S", "be-se": "2W-be-SE"}
SERVICES: Final = {"lopende-zaken": "profielservice", "digipoort": "digipoort", "digimelding": "digimelding"}
DEFAULT_OPERATION: Final = {"digipoort": "getBerichtsoorten", "digimelding": "Echo"}
LAB_BSNS: Final = ("999990019", "999990020")
LAB_FISCAL: Final = "001000044"
"""The company of the published examples of Digipoort; its fiscal number begins like a BSN."""
_WRITES: Final = re.compile(
    r"toevoeg|wijzig|verwijder|aanlever|registre|intrek|opvoer|bijwerk|stuur|verzend|nieuw|muteer|beeindig|annuleer"
    r"|create|update|delete|insert|write|send|submit|store|save|remove|modify|set[A-Z]|post",
    re.IGNORECASE,
)
SHORT: Final = 64


@dataclass(frozen=True)
class Call:
    """One request, ready to be judged and sent."""

    contract: Contract
    service: ServiceProfile
    operation: Operation
    profile: str
    sent: Outgoing
    http: HttpHead

    @property
    def raw(self) -> Raw:
        """The request as a captured document."""
        return Raw(self.sent.body, "vraag", self.http)

    def companions(self) -> tuple[Raw, ...]:
        """Return the WSDL and the schemas, which the judges hold the answer against."""
        return tuple(Raw(data, name) for name, data in self.contract.files.items())


def service_of(link: Link) -> ServiceProfile:
    """Return what is known of the service: the name in the scenario, or the one of the system."""
    given = link.connection.wus.service if link.connection.wus else ""
    return service(given or SERVICES.get(link.connection.system, ""))


def profile_of(link: Link, word: str) -> str:
    """Return the profile for the word between brackets; raises NotApplicable for one that the scenario does not have."""
    wus = link.connection.wus
    if wus is None:
        raise NotApplicable("deze koppeling heeft geen WUS-kant", "this connection has no WUS side")
    if not word:
        return wus.profile if not wus.profiles or wus.profile in wus.profiles else wus.profiles[0]
    wanted = PROFILES.get(word, word)
    agreed = wus.profiles or (wus.profile,)
    if wanted not in agreed:
        listed = ", ".join(agreed)
        raise NotApplicable(
            f"profiel {wanted} staat niet in het scenario ({listed})",
            f"profile {wanted} is not in the scenario ({listed})",
        )
    return wanted


async def contract_of(link: Link, profile: str) -> Contract:
    """Return the contract from the WSDL that the user got; raises NotPossible without one."""
    documents = link.documents
    name, files = _named(link, profile), {}
    if not name:
        missing = "profielservice" in service_of(link).name
        where = " (Handreiking Connectiviteit MijnOverheid)" if missing else ""
        raise NotPossible(
            f"geen WSDL in het scenario: zet wus.wsdl zodra u haar heeft ontvangen{where}",
            f"no WSDL in the scenario: set wus.wsdl as soon as you have received it{where}",
        )
    files = {n: data for n, data in documents.items() if n.endswith((".wsdl", ".xsd"))}
    if name not in files:
        files = await asyncio.to_thread(beside, link.folder / (link.connection.wus.wsdl if link.connection.wus else ""))
        name = next(iter(files))
    port = link.connection.wus.port if link.connection.wus else ""
    wanted = _needed(name, files)
    return await asyncio.to_thread(soap_zeep.load, name, wanted, port)


def _named(link: Link, profile: str) -> str:
    documents = link.documents
    for key in (f"wsdl-name[{profile}]", "wsdl-name"):
        if key in documents:
            return documents[key].decode()
    given = link.connection.wus.wsdl if link.connection.wus else ""
    return Path(given).name if "wsdl" in documents and given else ""


def _needed(name: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the WSDL and what it imports, so that the digest is of this contract and no other."""
    found = {name: files[name]}
    queue = [name]
    while queue:
        for location in _locations(found[queue.pop()]):
            base = location.replace("\\", "/").rpartition("/")[2]
            for known in (location, base):
                if known in files and known not in found:
                    found[known] = files[known]
                    queue.append(known)
    return found


def _locations(data: bytes) -> list[str]:
    attribute = re.compile(rb"""(?:schemaLocation|location)\s*=\s*["']([^"']+\.(?:xsd|wsdl))["']""", re.IGNORECASE)
    return [m.decode("utf-8", "replace") for m in attribute.findall(data)]


def beside(path: Path) -> dict[str, bytes]:
    """Return the WSDL at `path` and the relative imports that lie beside it, by their relative name, the WSDL first."""
    found = {path.name: path.read_bytes()}
    room = path.parent.resolve()
    queue = [path]
    while queue:
        here = queue.pop()
        for location in _locations(here.read_bytes()):
            target = (here.parent / location).resolve()
            if soap_wsdl.is_remote(location) or not target.is_file():
                continue
            name = target.relative_to(room).as_posix() if target.is_relative_to(room) else target.name
            if name not in found:
                found[name] = target.read_bytes()
                queue.append(target)
    return found


def operation_of(link: Link, contract: Contract) -> Operation:
    """Return the operation to call: of the scenario, of the service, or the only one; raises Refused when it may write."""
    wus, known = link.connection.wus, service_of(link)
    name = (wus.operation if wus else "") or DEFAULT_OPERATION.get(known.name, "")
    if not name or name not in contract.operations:
        readable = [o for o in contract.operations if o in known.allowed]
        only = contract.operations if len(contract.operations) == 1 else readable
        if not (wus and wus.operation) and len(only) == 1:
            name = only[0]
    if not name:
        listed = ", ".join(contract.operations)
        raise NotPossible(
            f"kies een leesbewerking: wus.operation = … (de WSDL kent {listed})",
            f"choose a read operation: wus.operation = … (the WSDL has {listed})",
        )
    operation = contract.operation(name)
    _permitted(known, operation)
    return operation


def _permitted(known: ServiceProfile, operation: Operation) -> None:
    listed = known.operation(operation.name)
    if listed is not None and operation.name not in known.allowed:
        allowed = ", ".join(sorted(known.allowed))
        raise Refused(
            f"{operation.name} verandert iets bij {known.title.nl} of geeft zaakgegevens; een proef gebruikt alleen {allowed}",
            f"{operation.name} changes something at {known.title.en} or returns case data; a trial uses only {allowed}",
        )
    if listed is None and _WRITES.search(operation.name):
        raise Refused(
            f"{operation.name} lijkt een bewerking die iets verandert; een proef leest alleen",
            f"{operation.name} looks like an operation that changes something; a trial only reads",
        )


def values_of(link: Link, tools: Tools, operation: Operation, bsn: str = "") -> dict[str, Any]:
    """Return the input: the user's file, or the sample of the service, filled in; raises NotPossible without any."""
    wus, known = link.connection.wus, service_of(link)
    lab = link.environment is Environment.LAB
    given: Mapping[str, Any] | None = None
    if wus and wus.input:
        given = _read_input(link.folder / wus.input)
        given = given.get(operation.name, given)
    elif operation.name in known.samples:
        given = known.samples[operation.name]
    elif lab:
        given = known.lab_samples.get(operation.name)
    if given is None:
        raise NotPossible(
            f"geen invoer voor {operation.name}: zet wus.input naar een TOML-bestand met de waarden van een leesvraag",
            f"no input for {operation.name}: point wus.input to a TOML file with the values of a read request",
        )
    words = _words(link, tools)
    words["bsn"] = bsn or words["bsn"]
    return {name: _filled(value, words) for name, value in given.items()}


def _read_input(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise NotPossible(
            f"{path.name}: geen geldige TOML ({wrong})", f"{path.name}: not valid TOML ({wrong})"
        ) from None


def _words(link: Link, tools: Tools) -> dict[str, str]:
    unique = tools.new_id()
    bsns = test_bsns(link)
    return {
        "oin": link.party.oin,
        "peer_oin": link.connection.peer.oin or "",
        "uuid": unique,
        "echo": f"ketentest é&< {unique[:8]}",
        "bsn": bsns[0] if bsns else "",
        "now": tools.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, word in words.items():
            if "{" + name + "}" in value and not word:
                raise NotPossible(
                    f"de invoer vraagt {{{name}}}, maar het scenario geeft die niet (peer.oin, test_bsns)",
                    f"the input asks for {{{name}}}, but the scenario does not give it (peer.oin, test_bsns)",
                )
            value = value.replace("{" + name + "}", word)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, words) for key, inner in value.items()}
    return [_filled(inner, words) for inner in value] if isinstance(value, list) else value


def test_bsns(link: Link) -> list[str]:
    """Return the test BSNs of the scenario, or those of the stub in the lab."""
    given = link.connection.test_bsns
    if not given:
        return list(LAB_BSNS) if link.environment is Environment.LAB else []
    text = secret(given, link.folder).decode("utf-8", "replace")
    return [word for word in text.replace(",", " ").split() if word.isdigit()]


def refuse_other_bsns(link: Link, payload: etree._Element) -> None:
    """Raise Refused when the message holds a BSN that is not on the list of test persons."""
    allowed = set(test_bsns(link))
    if link.environment is Environment.LAB:
        allowed.add(LAB_FISCAL)
    texts = [*payload.itertext(), *(value for element in payload.iter() for value in element.attrib.values())]
    if any(possible_bsns(shown) - allowed for text in texts for shown in _readings(str(text))):
        raise Refused(
            "het bericht bevat een BSN dat niet op de lijst met test-BSN's staat (test_bsns); er is niets verstuurd."
            " Is het een RSIN of fiscaal nummer van een testbedrijf, zet de negen cijfers dan op die lijst",
            "the message holds a BSN that is not on the list of test BSNs (test_bsns); nothing was sent."
            " When it is the RSIN or fiscal number of a test company, put its nine digits on that list",
        )


def _readings(text: str) -> Iterator[bytes]:
    """Yield the text, or what an attachment in base64 holds: chance digits in base64 are no number."""
    data = wss_verify.decode(text) if len(text) > SHORT else b""
    yield data or text.encode()


def signer_of(link: Link) -> Signer:
    """Return our signing key with its certificate; raises NotPossible when there is none that can sign."""
    material = link.material("message-signing")
    key = material.private_key if material else None
    if material is None or not isinstance(key, SigningKey):
        raise NotPossible(
            "geen certificaat met een RSA- of EC-sleutel om mee te ondertekenen (certificates.message-signing)",
            "no certificate with an RSA or EC key to sign with (certificates.message-signing)",
        )
    return Signer(key, material.leaf)


def _can_be_encrypted_for(signer: Signer | None) -> None:
    if signer is None or not isinstance(signer.key, rsa.RSAPrivateKey):
        raise NotPossible(
            "2W-be-SE vraagt een RSA-certificaat: de dienst versleutelt haar antwoord voor het certificaat waarmee u ondertekent",
            "2W-be-SE asks for an RSA certificate: the service encrypts its answer for the certificate that you sign with",
        )


def receiver_of(link: Link) -> x509.Certificate:
    """Return the certificate to encrypt for; raises NotPossible without one."""
    data = link.documents.get("receiver")
    if not data:
        raise NotPossible(
            "geen certificaat om voor te versleutelen: zet wus.receiver naar het certificaat van de ketenpartner",
            "no certificate to encrypt for: point wus.receiver to the certificate of the counterparty",
        )
    try:
        return x509.load_pem_x509_certificates(data)[0]
    except (ValueError, IndexError):
        raise NotPossible("wus.receiver is geen PEM-certificaat", "wus.receiver is no PEM certificate") from None


async def prepared(link: Link, tools: Tools, profile: str, *, bsn: str = "") -> Call:
    """Return the request in `profile`: serialised by zeep, addressed, signed and encrypted by us.

    `bsn` is the test person to ask about, when that is not the first of the list.
    """
    contract = await contract_of(link, profile)
    operation = operation_of(link, contract)
    payload = contract.payload(operation.name, values_of(link, tools, operation, bsn))
    refuse_other_bsns(link, payload)
    known = service_of(link)
    endpoint = link.endpoint("wus")
    address = Addressing(
        to=endpoint,
        action=operation.action.value,
        message_id=soap.new_message_id(known.message_id if known.message_id in ("uuid", "bare") else "urn:uuid"),
        sender=f"{soap.ANONYMOUS}?OIN={link.party.oin}" if known.sender else "",
        reply_to=soap.ANONYMOUS,
    )
    security = Security(profile)
    if profile != "2W-be":
        security = replace(security, signer=signer_of(link))
    if profile == "2W-be-SE":
        _can_be_encrypted_for(security.signer)
        security = replace(security, receiver=receiver_of(link))
    sent = make(payload, address, security, at=tools.now())
    return Call(contract, known, operation, profile, sent, _head(endpoint, sent))


def _head(endpoint: str, sent: Outgoing) -> HttpHead:
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = {"Host": parts.netloc, **sent.headers(), "Content-Length": str(len(sent.body))}
    return HttpHead(f"POST {path} HTTP/1.1", tuple((k.lower(), v) for k, v in named.items()))


def judged_request(tools: Tools, call: Call) -> list[Graded | NotRun]:
    """Judge our own request before it leaves, and note its MessageID."""
    chain, earlier = tools.chain_pem("message-signing"), message_ids(tools)
    items = tools.judge(
        "soap-message",
        call.raw,
        role="request",
        profile=call.profile,
        service=call.service.name,
        companions=(*call.companions(), Raw(chain, "keten.pem")),
        settings={"oin": (tools.link.party.oin,), **_keys_of(tools.link)},
        earlier=earlier,
    )
    note(earlier, call.raw, tools.context(role="request"))
    return items


def message_ids(tools: Tools) -> Uses:
    """Return the MessageIDs of the requests that this connection saw in this run, in both directions."""
    uses: Uses = tools.shared.setdefault("wus-message-ids", {})
    return uses


def _keys_of(link: Link) -> dict[str, tuple[str, ...]]:
    return {"receiver-oin": (link.connection.peer.oin,)} if link.connection.peer.oin else {}


def own_key(link: Link, *, asked: bool = False) -> Raw | None:
    """Return our private key as a companion, to open what was encrypted for us; it never leaves the process.

    An answer is encrypted for the certificate that signed the question; who `asked` us knows our encryption certificate.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    material = (link.materials.get("encryption") if asked else None) or link.material("message-signing")
    if material is None:
        return None
    plain = material.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Raw(plain, "sleutel")


def context_of_answer(link: Link, tools: Tools, call: Call) -> dict[str, Any]:
    """Return what the judges of an answer to `call` need to know: the request, the contract, who should have signed."""
    peer = link.connection.peer.oin
    key = own_key(link) if call.profile == "2W-be-SE" else None
    beside_it = [Raw(call.sent.body, "vraag", call.http), *call.companions(), *crls(link)]
    beside_it += [Raw(data, name) for name, data in link.documents.items() if name == "intermediates"]
    if key is not None:
        beside_it.append(key)
    return {
        "role": "response",
        "profile": call.profile,
        "service": call.service.name,
        "companions": (*beside_it, *chain_of_server(tools)),
        "settings": {**({"oin": (peer,)} if peer else {}), **_scenario_of(link, tools, call)},
    }


def _scenario_of(link: Link, tools: Tools, call: Call) -> dict[str, tuple[str, ...]]:
    """Return which scenario of the test stub a delivery was, when the statuses of one that we made are asked."""
    from harness.probes.msg_sending import journal_of

    if not call.operation.name.endswith("StatussenProces"):
        return {}
    payload = soap.read(call.sent.body).payload
    mark = "" if payload is None else soap.text(payload.find("{*}kenmerk"))
    try:
        ours = [entry.words for entry in journal_of(link, tools).entries().values() if mark]
    except UnusableInput:  # a damaged journal keeps us from sending, not from asking
        ours = []
    known = next((words for words in ours if words.get("kenmerk") == mark), {})
    return {"aanleverkenmerk": (known["aanleverkenmerk"],)} if known.get("aanleverkenmerk") else {}


def crls(link: Link) -> Iterable[Raw]:
    """Yield the CRLs at hand."""
    return (Raw(data, f"{name}.crl") for name, data in link.documents.items() if name.startswith("crl-"))


def chain_of_server(tools: Tools) -> Iterable[Raw]:
    """Yield the intermediates that the server showed: a signing certificate often hangs under the same ones."""
    from cryptography.hazmat.primitives.serialization import Encoding

    survey = tools.shared.get("survey:wus")
    shown: tuple[bytes, ...] = getattr(survey, "chain", ())[1:]
    yield from (Raw(data, "keten.der") for data in shown)
    for role in ("message-signing", "tls-client"):
        material = tools.link.material(role)
        for certificate in material.chain[1:] if material else ():
            yield Raw(certificate.public_bytes(Encoding.PEM), "keten.pem")
