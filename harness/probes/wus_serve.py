"""Answer a caller as a WUS provider should: read and judge the request, answer signed and encrypted as it came."""

from dataclasses import replace

from cryptography import x509
from lxml import etree

from harness.errors import KetentestError
from harness.exchange import Message
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.wus.message import Message as SoapMessage
from harness.lint.wus.message import read
from harness.probes.probe import Tools
from harness.probes.wus_answer import own_key
from harness.probes.wus_request import signer_of
from harness.wire import soap
from harness.wire.soap import Addressing
from harness.wire.soap_call import Security, make
from harness.wire.soap_zeep import Contract


def served(link: Link, tools: Tools, contract: Contract, profile: str, message: Message) -> tuple[bytes, str, int]:
    """Return the body, the Content-Type and the status of our answer to `message`."""
    key = own_key(link, asked=True) if profile == "2W-be-SE" else None
    companions = tuple(Raw(data, name) for name, data in contract.files.items()) + ((key,) if key else ())
    asked = read(message.raw, tools.context(role="request", profile=profile, companions=companions))
    payload, action, status = _answer(contract, asked)
    security = Security(profile)
    if profile != "2W-be":
        confirm = asked.envelope.signature_value if asked.envelope is not None else ""
        security = replace(security, signer=signer_of(link), confirm=confirm or None)
    if profile == "2W-be-SE":
        security = replace(security, receiver=_asker(asked))
    relates_to = asked.envelope.message_id if asked.envelope is not None else ""
    sent = make(payload, Addressing(action=action, relates_to=relates_to), security, at=tools.now())
    return sent.body, sent.content_type, status


def _asker(asked: SoapMessage) -> x509.Certificate | None:
    return asked.token.certificate if asked.token is not None else None


def _answer(contract: Contract, asked: SoapMessage) -> tuple[etree._Element, str, int]:
    operation, envelope = asked.operation, asked.envelope
    if operation is None or envelope is None or envelope.payload is None:
        fault = soap.fault("Client", "het bericht is geen vraag van deze dienst")
        return fault, soap.WSA + "/soap/fault", 500
    try:
        given = contract.values(operation.name, envelope.root, answer=False)
    except KetentestError as wrong:
        return soap.fault("Client", wrong.text.nl), soap.WSA + "/soap/fault", 500
    return filled(contract, operation.output, given), operation.response_action.value, 200


def filled(contract: Contract, output: str, given: dict[str, object]) -> etree._Element:
    """Return the answer element: fields of the request that it asks back, a plain word for the other strings."""
    space = output[1:].partition("}")[0]
    element = etree.Element(output, nsmap={None: space})
    for name, required in contract.fields(output):
        if name in given and given[name] is not None:
            etree.SubElement(element, f"{{{space}}}{name}").text = str(given[name])
        elif required:
            etree.SubElement(element, f"{{{space}}}{name}").text = "ontvangen"
    return element
