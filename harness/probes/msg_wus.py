"""Deliver to Digipoort and report to Digimelding, once each, and follow what becomes of it."""

import asyncio
import base64
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from harness.chaintest.journal import NOT_SENT, Journal
from harness.chaintest.testset import Prepared
from harness.errors import KetentestError, Refused
from harness.exchange import TransportFailed
from harness.guard import Reach
from harness.link import Link
from harness.lint.wus.digipoort import outcome_of_statuses
from harness.lint.wus.service import Code
from harness.model import Environment, Finding, NotRun, Text
from harness.probes.msg_sending import (
    BEFORE_SENDING,
    REFUSED,
    Outcome,
    confirmations,
    invalid,
    journal_of,
    kept,
    key_of,
    left_over,
    permitted,
    told_before,
    went,
)
from harness.probes.msg_service import (
    Answered,
    Service,
    ask,
    main_service,
    objections,
    other_service,
    refusal,
    request_to,
)
from harness.probes.probe import NotPossible, Tools, Yield
from harness.probes.wus_contract import service_of
from harness.window import AMSTERDAM
from harness.wire import xml

DELIVERED: Final = "delivered"
REGISTERED: Final = "registered"
NO_AUSP: Final = "http://geenausp.nl"
LAB_VALUES: Final[Mapping[str, Any]] = {
    "identiteitBelanghebbende": {"nummer": "001000044B37", "type": "Fi"},
    "rolBelanghebbende": "Bedrijf",
    "autorisatieAdres": NO_AUSP,
}
POLLS: Final = 3
PAUSE: Final = 20.0
LAB_PAUSE: Final = 0.05


@dataclass
class Chain:
    """The messages on their way in this run, and the services they go through."""

    link: Link
    tools: Tools
    journal: Journal
    submit: Service
    follow: Service
    collect: Service | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: TransportFailed | Refused | None = None


async def sent(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Deliver or report every prepared message that no earlier run sent, and follow each to its end."""
    digipoort = link.connection.system == "digipoort"
    follow = await main_service(link)
    submit = await other_service(link, "submit") if digipoort else follow
    messages = permitted(link, tools, submit.url)
    wrong = await invalid(link, tools, messages)
    if wrong:
        for finding in wrong:
            yield finding
        return
    chain = Chain(link, tools, journal_of(link, tools), submit, follow, await _collecting(link) if digipoort else None)
    for message in messages:
        await (_delivered if digipoort else _reported)(chain, message)
        if chain.stopped is not None:
            break
    for outcome in chain.outcomes:
        for item in outcome.items:
            yield item
        yield outcome.observation
    for form in confirmations(link, tools, went(chain.outcomes)):
        yield form
    for item in _rest(chain, messages):
        yield item
    if isinstance(chain.stopped, TransportFailed):
        raise chain.stopped


async def _collecting(link: Link) -> Service | None:
    try:
        return await other_service(link, "collect")
    except NotPossible:
        return None


def _rest(chain: Chain, messages: list[Prepared]) -> Iterator[Yield]:
    if isinstance(chain.stopped, Refused):
        why = chain.stopped.text
        again = Text(f"{why.nl}. Herhaal de run voor de rest", f"{why.en}. Repeat the run for the rest")
        yield from left_over(messages, chain.outcomes, again)
    elif chain.stopped is not None:
        yield from left_over(messages, chain.outcomes, Text("de verbinding faalde", "the connection failed"))


async def _once(
    chain: Chain, message: Prepared, operation: str, payload: etree._Element
) -> tuple[Outcome, Answered | None]:
    """Send a message when no run did before; the journal knows it before a byte leaves."""
    outcome = Outcome(message)
    chain.outcomes.append(outcome)
    key = key_of(chain.link, chain.submit.url, message)
    call = request_to(chain.link, chain.tools, chain.submit, operation, payload)
    broken = objections(chain.tools, call)
    if broken:
        outcome.state = NOT_SENT
        outcome.items += broken
        return outcome, None
    if not chain.journal.begin(key, call.sent.message_id, name=message.id, reference=message.reference):
        _earlier(chain, key, outcome)
        return outcome, None
    outcome.message_id = call.sent.message_id
    outcome.at = f"{chain.tools.now().astimezone(AMSTERDAM):%H:%M:%S}"
    try:
        answered = await ask(chain.link, chain.tools, chain.submit, call, message.id, Reach.WRITE)
    except Refused as refused:
        _not_sent(chain, key, outcome, refused)
    except TransportFailed as failed:
        if failed.stage in BEFORE_SENDING:
            _not_sent(chain, key, outcome, failed)
        else:
            outcome.state, chain.stopped = "begun", failed
            outcome.items.append(NotRun("MSG-024", _unknown(outcome)))
    else:
        outcome.items += answered.items
        return outcome, answered
    return outcome, None


def _earlier(chain: Chain, key: str, outcome: Outcome) -> None:
    entry = chain.journal.of(key)
    outcome.earlier = entry
    if entry is not None:
        outcome.state, outcome.message_id = entry.state, entry.message_id
        outcome.answer_id = dict(entry.words).get("kenmerk", "")
        outcome.at = f"{entry.when.astimezone(AMSTERDAM):%Y-%m-%d %H:%M:%S}"
    outcome.items += told_before(outcome)


def _not_sent(chain: Chain, key: str, outcome: Outcome, why: TransportFailed | Refused) -> None:
    chain.journal.end(key, NOT_SENT, outcome.message_id)
    outcome.state, chain.stopped = NOT_SENT, why


def _unknown(outcome: Outcome) -> Text:
    return Text(
        f"{outcome.message.id}: de verbinding brak tijdens het verzenden (MessageID {outcome.message_id}); het gaat niet nog eens uit",
        f"{outcome.message.id}: the connection broke while sending (MessageID {outcome.message_id}); it is not sent again",
    )


def _ended(chain: Chain, outcome: Outcome, state: str, finding: Finding | None = None, **words: str) -> None:
    outcome.state = state
    outcome.answer_id = words.get("kenmerk", outcome.answer_id)
    if finding is not None:
        outcome.items.append(finding)
        words |= kept(finding)
    key = key_of(chain.link, chain.submit.url, outcome.message)
    chain.journal.end(key, state, outcome.message_id, **words)


def _refused(chain: Chain, outcome: Outcome, answered: Answered) -> None:
    """A fault is what some scenarios ask for; otherwise it says who must act."""
    finding = refusal(answered, outcome.message.id)
    if outcome.message.expect == "fault" and finding.case in ("refused", "unknown"):
        _ended(chain, outcome, REFUSED)
    else:
        _ended(chain, outcome, REFUSED, finding)


# --- Digipoort -------------------------------------------------------------------------------------------------------


async def _delivered(chain: Chain, message: Prepared) -> None:
    outcome, answered = await _once(chain, message, "aanleveren", delivery(chain, message))
    if answered is not None:
        mark = answered.text("kenmerk")
        if answered.message.is_fault or answered.payload is None:
            _refused(chain, outcome, answered)
            return
        if not mark:
            observed = Text("geen kenmerk in het antwoord", "no kenmerk in the answer")
            _ended(chain, outcome, DELIVERED, Finding("MSG-036", observed=observed, where=message.id))
            return
        scenario = {"aanleverkenmerk": message.mark} if message.mark else {}
        _ended(chain, outcome, DELIVERED, None, kenmerk=mark, **scenario)
    if outcome.state == DELIVERED and outcome.answer_id and chain.stopped is None:
        await _followed(chain, outcome)


def delivery(chain: Chain, message: Prepared) -> etree._Element:
    """Return the aanleverRequest: the user's own when the message is one, or the message as its content."""
    root = xml.parse(message.data, huge=True)
    if etree.QName(root).localname == "aanleverRequest":
        return root
    content = {
        "mimeType": "application/xml",
        "bestandsnaam": (message.file or f"{message.id}.xml")[-80:],
        "inhoud": message.data,
    }
    values = {
        "berichtsoort": message.sort or message.kind,
        **({"aanleverkenmerk": message.mark} if message.mark else {}),
        **_identity(chain.link),
        "berichtInhoud": content,
    }
    return chain.submit.contract.payload("aanleveren", values)


def _identity(link: Link) -> Mapping[str, Any]:
    """Return who delivers, from `[aanleveren]` in the file that `wus.input` names; the lab has its own."""
    given = link.connection.wus.input if link.connection.wus else ""
    found: Mapping[str, Any] = {}
    if given:
        try:
            found = tomllib.loads((link.folder / given).read_text(encoding="utf-8")).get("aanleveren", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            raise NotPossible(f"{given}: geen geldige TOML ({wrong})", f"{given}: not valid TOML ({wrong})") from None
    if not found and link.environment is Environment.LAB:
        found = LAB_VALUES
    if not found:
        raise NotPossible(
            "zet in wus.input een tabel [aanleveren] met identiteitBelanghebbende, rolBelanghebbende en autorisatieAdres",
            "put a table [aanleveren] with identiteitBelanghebbende, rolBelanghebbende and autorisatieAdres in wus.input",
        )
    return found


async def _followed(chain: Chain, outcome: Outcome) -> None:
    """Ask the statuses of one delivery until its end, and collect it when it arrived."""
    lab = chain.link.environment is Environment.LAB
    codes: list[str] = []
    for number in range(POLLS):
        if number:
            await asyncio.sleep(LAB_PAUSE if lab else PAUSE)
        answered = await _read(chain, outcome, chain.follow, "getStatussenProces", "status")
        if answered is None:
            return
        if answered.message.is_fault or answered.payload is None:
            _status_refused(outcome, answered)
            return
        codes = answered.texts("statuscode")
        if _end_of(chain, codes) is not None:
            told = _in_words(chain, codes)
            outcome.note = Text(f"; {told.nl}", f"; {told.en}")
            _judge_statuses(chain, outcome, answered, codes)
            if not any(isinstance(i, Finding) and i.rule in ("MSG-031", "MSG-033") for i in outcome.items):
                outcome.items += outcome_of_statuses(answered.message, outcome.message.mark)
            break
    else:
        told = _in_words(chain, codes)
        outcome.items.append(
            NotRun("MSG-032", Text(f"{outcome.message.id}: {told.nl}", f"{outcome.message.id}: {told.en}"))
        )
        return
    if outcome.message.expect in ("ack", "status:400", "status:500"):
        await _collected(chain, outcome)


async def _read(chain: Chain, outcome: Outcome, service: Service, operation: str, what: str) -> Answered | None:
    """Call a read operation about one delivery; what keeps it from answering is said, and does not stop the rest."""
    values: dict[str, Any] = {"kenmerk": outcome.answer_id}
    if "autorisatieAdres" in _identity(chain.link):
        values["autorisatieAdres"] = _identity(chain.link)["autorisatieAdres"]
    try:
        payload = service.contract.payload(operation, values)
        call = request_to(chain.link, chain.tools, service, operation, payload)
        answered = await ask(chain.link, chain.tools, service, call, f"{outcome.message.id}-{what}", Reach.MESSAGE)
    except (TransportFailed, KetentestError) as wrong:
        said = wrong.text if isinstance(wrong, KetentestError) else Text(str(wrong), str(wrong))
        name = outcome.message.id
        outcome.items.append(NotRun("MSG-032", Text(f"{name}: {said.nl}", f"{name}: {said.en}")))
        return None
    outcome.items += answered.items
    return answered


def _status_refused(outcome: Outcome, answered: Answered) -> None:
    if outcome.message.expect != "status-fault":
        outcome.items.append(refusal(answered, outcome.message.id))


def _end_of(chain: Chain, codes: list[str]) -> Code | None:
    """Return the status at which a delivery ends: a final one, or one at which somebody must act."""
    known = service_of(chain.link).statuses
    ends = [known[code] for code in codes if code in known and (known[code].final or known[code].who.nl)]
    return ends[-1] if ends else None


def _in_words(chain: Chain, codes: list[str]) -> Text:
    known = service_of(chain.link).statuses
    said = [(code, known[code].meaning if code in known else Text(code, code)) for code in codes[-1:]]
    nl = ", ".join(f"{code} {text.nl}" for code, text in said) or "nog geen status"
    en = ", ".join(f"{code} {text.en}" for code, text in said) or "no status yet"
    return Text(f"laatste status {nl} ({' '.join(codes)})", f"last status {en} ({' '.join(codes)})")


def _judge_statuses(chain: Chain, outcome: Outcome, answered: Answered, codes: list[str]) -> None:
    end = _end_of(chain, codes)
    wanted = outcome.message.expect.removeprefix("status:") if outcome.message.expect.startswith("status:") else ""
    name, told = outcome.message.id, _in_words(chain, codes)
    if end is None or (wanted and wanted in codes):
        return
    if end.who.nl:
        detail = next(iter(answered.texts("foutcode")), "")
        more = f", {detail}" if detail else ""
        observed = Text(f"{told.nl}{more}", f"{told.en}{more}")
        outcome.items.append(Finding("MSG-031", case=end.code, observed=observed, expected=end.who, where=name))
    elif wanted or outcome.message.expect in ("fault", "status-fault"):
        expected = f"status {wanted}" if wanted else "fault"
        if not (wanted == "500" and end.code == "400"):
            outcome.items.append(Finding("MSG-033", observed=told, expected=expected, where=name))


async def _collected(chain: Chain, outcome: Outcome) -> None:
    """Collect a delivery by its reference: it must be what was delivered."""
    if chain.collect is None:
        return
    answered = await _read(chain, outcome, chain.collect, "getBerichtenKenmerk", "ophalen")
    if answered is None:
        return
    name = outcome.message.id
    if answered.message.is_fault or answered.payload is None:
        outcome.items.append(refusal(answered, name))
        return
    contents = [_decoded(text) for text in answered.texts("inhoud") if text]
    if outcome.message.data not in contents:
        observed = Text(
            f"{len(contents)} berichten, geen ervan het aangeleverde",
            f"{len(contents)} messages, none the one delivered",
        )
        expected = f"SHA-256 {outcome.message.digest[:16]}…"
        outcome.items.append(Finding("MSG-034", observed=observed, expected=expected, where=name))
    else:
        nl, en = outcome.note
        outcome.note = Text(f"{nl}; gelijk opgehaald", f"{en}; collected unchanged")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


# --- Digimelding -----------------------------------------------------------------------------------------------------


async def _reported(chain: Chain, message: Prepared) -> None:
    outcome, answered = await _once(chain, message, "AnnotatieToevoegen", report(chain, message))
    if answered is not None:
        if answered.message.is_fault or answered.payload is None:
            _refused(chain, outcome, answered)
            return
        mark = answered.text("AnnotatieVerwijzing")
        if not mark:
            observed = Text("geen AnnotatieVerwijzing in het antwoord", "no AnnotatieVerwijzing in the answer")
            _ended(chain, outcome, REGISTERED, Finding("MSG-036", observed=observed, where=message.id))
            return
        _ended(chain, outcome, REGISTERED, kenmerk=mark)
    if outcome.state == REGISTERED and outcome.answer_id and chain.stopped is None:
        await _found_again(chain, outcome)


def report(chain: Chain, message: Prepared) -> etree._Element:
    """Return the AnnotatieToevoegenRequest: the user's own, or for the lab the annotation in one."""
    root = xml.parse(message.data, huge=True)
    wanted = etree.QName(chain.submit.contract.operation("AnnotatieToevoegen").input)
    if etree.QName(root).localname == wanted.localname:
        return root
    if chain.link.environment is not Environment.LAB:
        raise NotPossible(
            f"{message.id}: het bericht begint met {etree.QName(root).localname}; maak er een {wanted.localname} van, zoals de WSDL vraagt",
            f"{message.id}: the message begins with {etree.QName(root).localname}; make it a {wanted.localname}, as the WSDL asks",
        )
    made = etree.Element(wanted, nsmap={None: wanted.namespace or ""})
    space = f"{{{wanted.namespace}}}"
    etree.SubElement(made, f"{space}OinBasisregistratie").text = chain.link.connection.peer.oin or chain.link.party.oin
    etree.SubElement(made, f"{space}Registratie").text = next(iter(chain.link.connection.registries), "BAG")
    etree.SubElement(made, f"{space}Annotatie").append(root)
    return made


async def _found_again(chain: Chain, outcome: Outcome) -> None:
    """The report stands in the status overview under the reference that was given."""
    link, name = chain.link, outcome.message.id
    values = {
        "OinVragendeOrganisatie": link.party.oin,
        "OinBasisregistratie": link.connection.peer.oin or link.party.oin,
    }
    try:
        payload = chain.follow.contract.payload("Statusoverzicht", values)
        call = request_to(link, chain.tools, chain.follow, "Statusoverzicht", payload)
        answered = await ask(link, chain.tools, chain.follow, call, f"{name}-statusoverzicht", Reach.MESSAGE)
    except (TransportFailed, KetentestError) as wrong:
        said = wrong.text if isinstance(wrong, KetentestError) else Text(str(wrong), str(wrong))
        outcome.items.append(NotRun("MSG-032", Text(f"{name}: {said.nl}", f"{name}: {said.en}")))
        return
    outcome.items += answered.items
    if answered.message.is_fault or answered.payload is None:
        outcome.items.append(refusal(answered, name))
    elif outcome.answer_id not in answered.texts("Annotatie"):
        observed = Text("niet in het statusoverzicht", "not in the status overview")
        outcome.items.append(Finding("MSG-035", observed=observed, expected=outcome.answer_id, where=name))
    else:
        outcome.note = Text("; staat in het statusoverzicht", "; stands in the status overview")
