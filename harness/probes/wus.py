"""WUS: the contract, our own message, a call in each profile, the Profielservice, and serving a caller."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import web

from harness.errors import UnusableInput
from harness.exchange import Message, Reply, TransportFailed
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.wus import judge_read, judge_wsdl, three_results
from harness.lint.wus.explain import explain
from harness.lint.wus.ledger import note
from harness.lint.wus.message import Message as SoapMessage
from harness.lint.wus.message import read
from harness.lint.wus.results import ThreeResults
from harness.lint.wus.service import GENERIC
from harness.model import Environment, Finding, Graded, NotRun, Observation, Severity, Text, Verdict
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.probes.wus_answer import chain_of_server, context_of_answer, crls, own_key
from harness.probes.wus_contract import PROFILES, contract_of, files_of, profile_of, service_of
from harness.probes.wus_request import Call, judged_request, message_ids, prepared
from harness.probes.wus_serve import served
from harness.probes.wus_trials import Asked, tried
from harness.wire import soap, soap_zeep, wss_verify
from harness.wire.wss_opinion import second_opinion

#: A break after the request was sent is said by WUS-HTTP-012; before that NET- and MTLS- own the fact.
AFTER_SENDING: Final = {"read": "reset", "read-timeout": "read-timeout", "too-large": "too-large", "protocol": "reset"}
CLOCK_LIMIT: Final = 5.0
PROFIEL: Final = {"WUS-HTTP-008": "PROFIEL-LINK-001", "WUS-SOAP-012": "PROFIEL-LINK-002"}
SAID: Final = {
    Verdict.PASS: Text("ja", "yes"),
    Verdict.WARN: Text("ja, met aandachtspunt", "yes, with remark"),
    Verdict.FAIL: Text("nee", "no"),
    Verdict.BLOCKED: Text("niet te zeggen", "cannot be said"),
    Verdict.NOT_RUN: Text("onvolledig getoetst", "judged incompletely"),
}


# --- offline ---------------------------------------------------------------------------------------------------------


@probe("wus.wsdl", title=("WSDL geladen en beoordeeld", "WSDL loaded and judged"), side="wus")
async def wsdl(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The WSDL follows the Koppelvlakstandaard, its schemas are at hand, and zeep makes a client of it."""
    name, files = await files_of(link, profile_of(link, ""))
    companions = tuple(Raw(data, n) for n, data in files.items() if n != name)
    chosen = link.connection.wus.port if link.connection.wus else ""
    ctx = tools.context(service=service_of(link).name, companions=companions, settings={"port": (chosen,)})
    found = [item for item in judge_wsdl(Raw(files[name], name), ctx) if isinstance(item, Finding)]
    for graded in tools.book.grade(found, ctx.words):
        yield graded
    contract = await contract_of(link, profile_of(link, ""))
    if service_of(link).name == "digimelding":
        yield Finding("DIGIMELDING-LIFE-001", observed="DMKS 1.3 (WUS)", expected="Terugmelding (REST)")
    yield tools.keep(name, files[name])
    operations = ", ".join(contract.operations)
    yield Observation(
        Text(
            f"{name}: {len(contract.files)} bestanden, SHA-256 {contract.digest[:16]}…, bewerkingen: {operations}",
            f"{name}: {len(contract.files)} files, SHA-256 {contract.digest[:16]}…, operations: {operations}",
        ),
        (("sha256", contract.digest),),
    )


@probe("wus.headers", title=("Eigen bericht volgens WS-Addressing", "Own message follows WS-Addressing"), side="wus")
async def headers(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Our own request has the HTTP headers, the envelope and the addressing that the standard asks (KWUS WA001, WS002)."""
    call = await prepared(link, tools, profile_of(link, ""))
    for item in judged_request(tools, call):
        rule = item.finding.rule if isinstance(item, Graded) else item.rule
        if rule.startswith(("WUS-HTTP", "WUS-SOAP", "WUS-ADDR", "DIGI")):
            yield item
    yield tools.keep("eigen-vraag.xml", call.sent.body)
    yield Observation(
        Text(
            f"{call.operation.name}: {call.sent.action}, MessageID {call.sent.message_id}",
            f"{call.operation.name}: {call.sent.action}, MessageID {call.sent.message_id}",
        )
    )


@probe(
    "wus.signature", title=("Eigen bericht ondertekend en nagerekend", "Own message signed and verified"), side="wus"
)
async def signature(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """We sign, serialise, read back and verify our own message; signxml gives a second opinion (WUS-SEC-060)."""
    profile = profile_of(link, "")
    if profile == "2W-be":
        raise NotApplicable("2W-be kent geen handtekening", "2W-be has no signature")
    call = await prepared(link, tools, "2W-be-S")
    for item in judged_request(tools, call):
        rule = item.finding.rule if isinstance(item, Graded) else item.rule
        if rule.startswith("WUS-SEC"):
            yield item
    envelope = soap.read(call.sent.body)
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    seen = wss_verify.examine(envelope, envelope.signatures[0], token.certificate)
    objection = (
        ""
        if token.certificate is None
        else second_opinion(call.sent.body, token.certificate, len(seen.parts), tools.now())
    )
    if objection or not seen.holds:
        yield Finding("WUS-SEC-060", observed=objection or "digest", expected=Text("ongewijzigd", "unchanged"))
    names = ", ".join(part.name for part in seen.parts)
    yield Observation(
        Text(f"ondertekend: {names}; signxml is het ermee eens", f"signed: {names}; signxml agrees")
        if not objection
        else Text(
            f"ondertekend: {names}; signxml weigert: {objection}", f"signed: {names}; signxml refuses: {objection}"
        )
    )


# --- a call ----------------------------------------------------------------------------------------------------------


@probe(
    "wus.call",
    title=("WUS-dienst bevraagd: bereikbaar, antwoordt, conform", "WUS service queried: reachable, answers, conforms"),
    needs=("tls.mutual",),
    guard="message",
    side="wus",
    params=tuple(PROFILES),
)
async def call(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """One read-only call; three results, and a fault is led back to who must act."""
    async for item in _called(link, tools, profile_of(link, tools.param)):
        yield item


@probe(
    "wus.profile",
    title=("Profielservice bevraagd", "Profielservice queried"),
    needs=("tls.mutual",),
    guard="message",
    side="wus",
    systems=("lopende-zaken",),
)
async def profile(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The endpoint of the Profielservice can be queried and gives an answer; a fault counts too (LZ 4.3.9)."""
    try:
        async for item in _called(link, tools, profile_of(link, ""), any_answer=True):
            yield _renamed(item)
    except (NotPossible, UnusableInput) as missing:
        text = missing.text
        yield NotRun("PROFIEL-CFG-001", text)


def _renamed(item: Yield) -> Yield:
    if isinstance(item, Graded) and item.finding.rule in PROFIEL:
        rule = item.finding.rule
        finding = replace(item.finding, rule=PROFIEL[rule], case="", related=(*item.finding.related, rule))
        return replace(item, finding=finding)
    return item


async def _called(link: Link, tools: Tools, wanted: str, *, any_answer: bool = False) -> AsyncIterator[Yield]:
    call = await prepared(link, tools, wanted)
    own = list(judged_request(tools, call))
    wrong = [item for item in own if isinstance(item, Graded) and item.severity is Severity.ERROR]
    if wrong:  # our own message is not good enough to send
        for broken in wrong:
            yield broken
        return
    async for item in _sent(link, tools, call, any_answer=any_answer):
        yield item


async def _sent(link: Link, tools: Tools, call: Call, *, any_answer: bool = False) -> AsyncIterator[Yield]:
    name = f"wus-{call.operation.name}-{call.profile}"
    try:
        reply = await tools.exchange.post(
            link.endpoint("wus"), call.sent.body, call.sent.headers(), name=name, service=call.operation.name
        )
    except TransportFailed as failed:
        for observation in _three(three_results(failure=AFTER_SENDING.get(failed.stage, failed.stage))):
            yield observation
        if failed.stage not in AFTER_SENDING:
            raise
        observed = Text(f"{failed.stage}: {failed.reason}", f"{failed.stage}: {failed.reason}")
        yield Finding("WUS-HTTP-012", case=failed.stage, observed=observed, where=failed.where)
        return
    for evidence in reply.evidence:
        yield evidence
    answer = read(reply.raw, tools.context(**context_of_answer(link, tools, call)))
    for item in _answered(tools, call, reply, answer, any_answer=any_answer):
        yield item
    async for item in tried(link, tools, Asked(call, reply, answer)):
        yield item


def _answered(tools: Tools, call: Call, reply: Reply, answer: SoapMessage, *, any_answer: bool) -> Iterator[Yield]:
    words = {*answer.ctx.words}
    outcome = list(judge_read(answer))
    graded = tools.book.grade([item for item in outcome if isinstance(item, Finding)], words)
    items: list[Graded | NotRun] = [*graded, *(item for item in outcome if isinstance(item, NotRun))]
    open_rules = [item for item in items if isinstance(item, NotRun) and item.rule != "WUS-SEC-019"]
    results = three_results(answer=answer, findings=graded, incomplete=tools.book.incomplete(open_rules, words))
    yield from _three(results)
    yield Observation(_line(reply, answer))
    yield from _clock(tools, reply)
    yield from _content(call, answer)
    for item in items:
        if not (isinstance(item, Graded) and item.finding.rule == "WUS-FAULT-007" and not any_answer):
            yield item
    if answer.is_fault and not any_answer:
        yield _refused(call, answer)


def _three(results: ThreeResults) -> Iterator[Observation]:
    rows = (
        (Text("bereikbaar", "reachable"), results.bereikbaar, results.reached),
        (Text("antwoordt", "answers"), results.antwoordt, results.answered),
        (Text("conform", "conforms"), results.conform, results.conforms),
    )
    for name, verdict, why in rows:
        said = SAID.get(verdict, Text(str(verdict), str(verdict)))
        nl, en = (f" – {why.nl}", f" – {why.en}") if why.nl else ("", "")
        yield Observation(Text(f"{name.nl}: {said.nl}{nl}", f"{name.en}: {said.en}{en}"), ((name.nl, str(verdict)),))


def _line(reply: Reply, answer: SoapMessage) -> Text:
    milliseconds = round(reply.seconds * 1000)
    signer = answer.token.certificate if answer.token is not None else None
    by = ""
    if signer is not None:
        from harness.wire.wss_trust import name_of, oin_of

        by = f", {name_of(signer)} ({oin_of(signer)})"
    line = f"HTTP {reply.status}, {milliseconds} ms, {reply.tls or 'TLS'}{by}"
    return Text(line, line)


def _clock(tools: Tools, reply: Reply) -> Iterator[Observation]:
    """Say how far the clocks differ, when they do: it explains most refused timestamps."""
    try:
        theirs = parsedate_to_datetime(reply.header("date"))
    except (TypeError, ValueError):
        return
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    difference = (theirs - datetime.now(UTC)).total_seconds()
    if abs(difference) > CLOCK_LIMIT:
        yield Observation(
            Text(
                f"de klok van de dienst verschilt {difference:+.0f} s",
                f"the clock of the service differs {difference:+.0f} s",
            )
        )


def _content(call: Call, answer: SoapMessage) -> Iterator[Observation]:
    """Say what came back: the names of the fields, and the statuses of Digipoort in words; no values of persons."""
    if answer.envelope is None or answer.is_fault or answer.envelope.payload is None or answer.encrypted:
        return
    codes = [soap.text(e) for e in answer.envelope.payload.iter("{*}statuscode")]
    if codes:
        known = call.service.statuses
        told = ", ".join(f"{code} {known[code].meaning.nl}" if code in known else code for code in codes)
        english = ", ".join(f"{code} {known[code].meaning.en}" if code in known else code for code in codes)
        yield Observation(Text(f"statussen: {told}", f"statuses: {english}"))
        return
    try:
        fields = ", ".join(call.contract.values(call.operation.name, answer.envelope.root))
    except soap_zeep.ContractUnusable as wrong:
        yield Observation(wrong.text)
        return
    yield Observation(Text(f"antwoord gelezen: {fields or 'leeg'}", f"answer read: {fields or 'empty'}"))


def _refused(call: Call, answer: SoapMessage) -> Finding:
    meaning = explain(answer.envelope, call.service) if answer.envelope is not None else None
    if meaning is None:
        reason = "" if answer.envelope is None else soap.text(next(answer.envelope.root.iter("faultstring"), None))
        return Finding("WUS-FAULT-007", case="unknown", observed=reason or "soap:Fault")
    observed = Text(f"{meaning.code}: {meaning.meaning.nl}", f"{meaning.code}: {meaning.meaning.en}")
    return Finding("WUS-FAULT-007", case=meaning.kind or "unknown", observed=observed, expected=meaning.who)


# --- being called ----------------------------------------------------------------------------------------------------


@probe(
    "wus.serve",
    title=("WUS-dienst zelf aangeboden", "WUS service offered by ourselves"),
    needs=("tls.mutual",),
    guard="message",
    side="wus",
    params=tuple(PROFILES),
)
async def serve(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The other side calls our service in this profile; we judge its request and answer by the standard."""
    wanted = profile_of(link, tools.param)
    wus = link.connection.wus
    if wus is None or wus.own_endpoint == "lab":
        raise NotPossible(
            "geen eigen WUS-adres in het scenario (wus.own_endpoint en wus.listen): de andere kant kan ons niet bereiken",
            "no own WUS address in the scenario (wus.own_endpoint and wus.listen): the other side cannot reach us",
        )
    contract = await contract_of(link, wanted)
    arrivals: asyncio.Queue[tuple[Message, bytes]] = asyncio.Queue()

    async def take(message: Message) -> web.Response:
        body, content_type, status = served(link, tools, contract, wanted, message)
        arrivals.put_nowait((message, body))
        return web.Response(body=body, status=status, headers={"Content-Type": content_type})

    async with tools.listen(take, "wus"):
        if link.environment is Environment.LAB:
            await tools.exchange.post(
                f"{link.endpoint('wus')}/bel-mij?{wanted}", b"", {}, name="bel-mij", service="bel-mij"
            )
        try:
            message, body = await asyncio.wait_for(arrivals.get(), link.limits.pong_timeout)
        except TimeoutError:
            seconds = link.limits.pong_timeout
            raise NotPossible(
                f"er kwam binnen {seconds:g} s geen vraag op {wus.own_endpoint}; start de test bij de voorziening terwijl dit loopt",
                f"no request came to {wus.own_endpoint} within {seconds:g} s; start the test at the facility while this runs",
            ) from None
    yield tools.keep(f"wus-serve-{wanted}.request.http", message.captured, "message/http")
    yield tools.keep(f"wus-serve-{wanted}.reply.xml", body)
    for item in _judged_arrival(link, tools, contract, wanted, message):
        yield item
    yield Observation(Text(f"vraag ontvangen en beantwoord in {wanted}", f"request received and answered in {wanted}"))


def _judged_arrival(
    link: Link, tools: Tools, contract: soap_zeep.Contract, wanted: str, message: Message
) -> list[Graded | NotRun]:
    peer = link.connection.peer.oin
    key = own_key(link, asked=True) if wanted == "2W-be-SE" else None
    companions = [Raw(data, name) for name, data in contract.files.items()]
    companions += [*crls(link), *chain_of_server(tools), *([key] if key else [])]
    earlier = message_ids(tools)
    items = tools.judge(
        "soap-message",
        message.raw,
        role="request",
        profile=wanted,
        service=service_of(link).name or GENERIC,
        companions=tuple(companions),
        settings={"oin": (peer,)} if peer else {},
        earlier=earlier,
    )
    note(earlier, replace(message.raw, name=f"wus.serve {wanted}"), tools.context(role="request"))
    return items
