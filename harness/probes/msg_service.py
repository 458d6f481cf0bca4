"""Call one operation of Digipoort or Digimelding with a message of the chain test, and read what it answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from harness.exchange import Reply
from harness.guard import Reach
from harness.link import Link
from harness.lint.wus.explain import explain
from harness.lint.wus.message import Message, read
from harness.model import Environment, Finding, Graded, Severity, Text
from harness.probes.probe import NotPossible, Tools, Yield
from harness.probes.wus_answer import context_of_answer
from harness.probes.wus_contract import beside, contract_of, profile_of
from harness.probes.wus_request import Call, addressed, judged_request
from harness.scenario import WusService
from harness.wire import soap, soap_zeep
from harness.wire.soap_zeep import Contract

LAB_FILES: Final = {
    "submit": "digipoort-aanleverservice-1.2.wsdl",
    "collect": "digipoort-ophaalservice-1.2.wsdl",
}
LAB_PATHS: Final = {"submit": "aanleverservice", "collect": "ophaalservice"}
TITLES: Final = {
    "submit": Text("de aanleverservice", "the aanleverservice"),
    "collect": Text("de ophaalservice", "the ophaalservice"),
}
OURS: Final = ("WUS-FAULT-007", "DIGIPOORT-FLOW-")
"""What a fault or a status means is said by the chain test itself, which knows what the scenario expects."""


@dataclass(frozen=True)
class Service:
    """One service of the counterparty: its contract and its address."""

    contract: Contract
    url: str


@dataclass
class Answered:
    """An operation that was called: what was sent, what came back, and what the judges say of it."""

    call: Call
    reply: Reply
    message: Message
    items: list[Yield]

    @property
    def payload(self) -> etree._Element | None:
        """The element that answers, or None for a fault or an unreadable answer."""
        envelope = self.message.envelope
        return None if envelope is None or self.message.is_fault else envelope.payload

    def text(self, name: str) -> str:
        """Return the first value called `name` in the answer."""
        found = next(self.payload.iter(f"{{*}}{name}"), None) if self.payload is not None else None
        return "" if found is None else (found.text or "").strip()

    def texts(self, name: str) -> list[str]:
        """Return every value called `name` in the answer."""
        return [] if self.payload is None else [(e.text or "").strip() for e in self.payload.iter(f"{{*}}{name}")]


async def main_service(link: Link) -> Service:
    """Return the service at `wus.endpoint`."""
    return Service(await contract_of(link, profile_of(link, "")), link.endpoint("wus"))


async def other_service(link: Link, name: str) -> Service:
    """Return the service that takes messages (`submit`) or gives them back (`collect`); raises NotPossible without it."""
    wus = link.connection.wus
    given: WusService | None = getattr(wus, name, None) if wus else None
    if link.environment is Environment.LAB and (given is None or given.endpoint == "lab"):
        return _of_the_lab(link, name)
    if given is None:
        title = TITLES[name]
        raise NotPossible(
            f"{title.nl} staat niet in het scenario: zet [connections.{link.name}.wus.{name}] met endpoint en wsdl",
            f"{title.en} is not in the scenario: set [connections.{link.name}.wus.{name}] with endpoint and wsdl",
        )
    path = link.folder / given.wsdl
    if not path.is_file():
        raise NotPossible(f"{given.wsdl}: geen WSDL gevonden", f"{given.wsdl}: no WSDL found")
    files = await asyncio.to_thread(beside, path)
    return Service(await asyncio.to_thread(soap_zeep.load, path.name, files, ""), given.endpoint)


def _of_the_lab(link: Link, name: str) -> Service:
    file = LAB_FILES[name]
    files = {n: data for n, data in link.documents.items() if n == file or n.endswith(".xsd")}
    url = link.endpoint("wus").replace("statusinformatieservice", LAB_PATHS[name])
    return Service(soap_zeep.load(file, files, ""), url)


def values_payload(service: Service, operation: str, values: Mapping[str, Any]) -> etree._Element:
    """Return the element for an operation from plain values."""
    return service.contract.payload(operation, values)


def request_to(link: Link, tools: Tools, service: Service, operation: str, payload: etree._Element) -> Call:
    """Return the request to this service, in the profile of the connection."""
    found = service.contract.operation(operation)
    return addressed(link, tools, service.contract, found, profile_of(link, ""), service.url, payload)


def objections(tools: Tools, call: Call) -> list[Graded]:
    """Return what is wrong with our own request: such a request does not leave."""
    items = judged_request(tools, call)
    return [item for item in items if isinstance(item, Graded) and item.severity is Severity.ERROR]


async def ask(link: Link, tools: Tools, service: Service, call: Call, name: str, reach: Reach) -> Answered:
    """Send the request and judge the answer; raises TransportFailed or Refused."""
    sent = call.sent
    reply = await tools.exchange.post(
        service.url, sent.body, sent.headers(), name=name, service=call.operation.name, reach=reach
    )
    changes = context_of_answer(link, tools, call)
    judged = tools.judge("soap-message", reply.raw, **changes)
    message = read(reply.raw, tools.context(**changes))
    said = [i for i in judged if not (isinstance(i, Graded) and i.finding.rule.startswith(OURS))]
    return Answered(call, reply, message, [*reply.evidence, *said])


def refusal(answered: Answered, where: str) -> Finding:
    """Return what a fault means and who must act on it."""
    envelope = answered.message.envelope
    meaning = explain(envelope, answered.call.service) if envelope is not None else None
    if meaning is None:
        fault = None if envelope is None else next(envelope.root.iter("faultstring"), None)
        words = soap.text(fault) if fault is not None else f"HTTP {answered.reply.status}"
        who = Text(
            f"{answered.call.service.title.nl}: lees de tekst", f"{answered.call.service.title.en}: read the text"
        )
        return Finding("MSG-030", case="unknown", observed=words[:300], expected=who, where=where)
    said = _description(answered)
    nl, en = f"{meaning.code}: {meaning.meaning.nl}{said}", f"{meaning.code}: {meaning.meaning.en}{said}"
    return Finding("MSG-030", case=meaning.kind or "unknown", observed=Text(nl, en), expected=meaning.who, where=where)


def _description(answered: Answered) -> str:
    envelope = answered.message.envelope
    if envelope is None:
        return ""
    for name in ("foutbeschrijving", "faultdetail", "omschrijving"):
        found = next(envelope.root.iter(f"{{*}}{name}"), None)
        if found is not None and (found.text or "").strip():
            return f" (“{(found.text or '').strip()[:160]}”)"
    return ""
