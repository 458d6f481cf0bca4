"""One WUS request: made, signed and encrypted, and judged before it leaves."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from harness.link import Link
from harness.lint.judge import HttpHead, Raw
from harness.lint.wus.ledger import Uses, note
from harness.lint.wus.service import ServiceProfile
from harness.model import Graded, NotRun
from harness.probes.probe import NotPossible, Tools
from harness.probes.wus_contract import contract_of, operation_of, service_of
from harness.probes.wus_input import refuse_other_bsns, values_of
from harness.wire import soap
from harness.wire.signature_value import SigningKey
from harness.wire.soap import Addressing
from harness.wire.soap_call import Outgoing, Security, make
from harness.wire.soap_wsdl import Operation
from harness.wire.soap_zeep import Contract
from harness.wire.wss import Signer


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
    return addressed(link, tools, contract, operation, profile, link.endpoint("wus"), payload)


def addressed(
    link: Link, tools: Tools, contract: Contract, operation: Operation, profile: str, url: str, payload: etree._Element
) -> Call:
    """Return the request with this payload to `url`: addressed, signed and encrypted as the profile says."""
    known = service_of(link)
    address = Addressing(
        to=url,
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
    return Call(contract, known, operation, profile, sent, _head(url, sent))


def _head(endpoint: str, sent: Outgoing) -> HttpHead:
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
