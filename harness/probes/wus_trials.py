"""Calls that a user asks for on top of the ordinary one: a changed byte, two test persons, waiting for an end state."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.errors import KetentestError, UnusableInput
from harness.exchange import Reply, TransportFailed
from harness.link import Link
from harness.lint.wus.message import Message, read
from harness.lint.wus.table import ENCRYPTED
from harness.model import Environment, Finding, NotRun, Observation, Text, Words, say
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield
from harness.probes.wus_answer import context_of_answer
from harness.probes.wus_input import test_bsns
from harness.probes.wus_request import Call, prepared
from harness.wire import soap

NO_BSN: Final = "123456789"
"""Nine digits that fail the 11-proef: nobody has this number."""
LAB_HASTE: Final = 300.0


@dataclass(frozen=True)
class Asked:
    """A call that was made, with its answer."""

    call: Call
    reply: Reply
    answer: Message


async def tried(link: Link, tools: Tools, first: Asked) -> AsyncIterator[Yield]:
    """Run the trials of `wus.trials`, after the ordinary call `first`; none of them goes to production.

    Each was asked for by name, so one that cannot run leaves the call not-run: what was asked is never green unseen.
    """
    wanted = link.connection.wus.trials if link.connection.wus else ()
    for name in wanted:
        if link.environment is Environment.PROD:
            yield _left(name, Text("alleen op een testomgeving", "on a test environment only"))
            continue
        try:
            async for item in TRIALS[name](link, tools, first):
                yield _left(name, item.reason) if isinstance(item, NotRun) and item.rule == RULES[name] else item
        except NotApplicable as elsewhere:
            yield NotRun(RULES[name], elsewhere.text)
        except (NotPossible, UnusableInput, TransportFailed) as missing:
            yield _left(name, missing.text if not isinstance(missing, TransportFailed) else _broken(missing))


def _left(name: str, reason: Words) -> NotRun:
    nl, en = say(reason, "nl"), say(reason, "en")
    return NotRun(RULES[name], Text(f"trials = [{name}]: {nl}", f"trials = [{name}]: {en}"), asked=True)


def _broken(failed: TransportFailed) -> Text:
    return Text(f"geen antwoord ({failed.stage}: {failed.reason})", f"no answer ({failed.stage}: {failed.reason})")


async def _ask(link: Link, tools: Tools, call: Call, name: str) -> Asked:
    url, sent = link.endpoint("wus"), call.sent
    reply = await tools.exchange.post(url, sent.body, sent.headers(), name=name, service=call.operation.name)
    return Asked(call, reply, read(reply.raw, tools.context(**context_of_answer(link, tools, call))))


# --- WUS-SEC-061 -----------------------------------------------------------------------------------------------------


async def tampered(link: Link, tools: Tools, first: Asked) -> AsyncIterator[Yield]:
    """A request whose signed MessageID changed by one byte gets a fault: the service really verifies (KWUS WB013)."""
    if first.call.profile == "2W-be":
        unsigned = ("2W-be kent geen handtekening", "2W-be has no signature")
        wus = link.connection.wus
        raise NotApplicable(*unsigned) if wus and set(wus.profiles) - {"2W-be"} else NotPossible(*unsigned)
    if first.answer.envelope is None or first.answer.is_fault:
        yield NotRun(
            "WUS-SEC-061",
            Text(
                "ook de ongewijzigde vraag kreeg geen gewoon antwoord, dus een weigering bewijst niets",
                "the unchanged request got no normal answer either, so a refusal proves nothing",
            ),
        )
        return
    call = await prepared(link, tools, first.call.profile)
    identifier = call.sent.message_id
    body = call.sent.body.replace(identifier.encode(), other_end(identifier).encode())
    changed = replace(call, sent=replace(call.sent, body=body))
    asked = await _ask(link, tools, changed, "wus-gewijzigd")
    for evidence in asked.reply.evidence:
        yield evidence
    if asked.answer.encrypted:
        yield NotRun("WUS-SEC-061", ENCRYPTED)
        return
    if asked.answer.envelope is not None and not asked.answer.is_fault:
        observed = Text("gewoon antwoord op een gewijzigde wsa:MessageID", "normal answer to a changed wsa:MessageID")
        yield Finding("WUS-SEC-061", observed=observed, expected="soap:Fault", where="wsa:MessageID")
        return
    fault = asked.answer.envelope.fault if asked.answer.envelope is not None else None
    code = "" if fault is None else soap.text(next(fault.iter("faultcode"), None))
    how = code or f"HTTP {asked.reply.status}"
    yield Observation(
        Text(
            f"één gewijzigde byte in wsa:MessageID geweigerd: {how}",
            f"one changed byte in wsa:MessageID refused: {how}",
        )
    )


def other_end(identifier: str) -> str:
    """Return the identifier with another last hexadecimal digit.

    >>> other_end("urn:uuid:00a0")
    'urn:uuid:00a1'
    """
    return identifier[:-1] + ("0" if identifier.endswith("1") else "1")


# --- PROFIEL-LINK-003 ------------------------------------------------------------------------------------------------


async def persons(link: Link, tools: Tools, first: Asked) -> AsyncIterator[Yield]:
    """A test person with an account gives yes, one without gives no, and a malformed BSN gives a fault."""
    settings = link.connection.wus.persons if link.connection.wus else None
    known = test_bsns(link)
    chosen = (settings.with_account, settings.without_account) if settings else (1, 2)
    if max(chosen) > len(known):
        raise NotPossible(
            f"test_bsns noemt {len(known)} testpersonen; voor wus.persons zijn de nummers {chosen[0]} en {chosen[1]} nodig",
            f"test_bsns lists {len(known)} test persons; wus.persons needs numbers {chosen[0]} and {chosen[1]}",
        )
    field = settings.field if settings else ""
    for number, expected in zip(chosen, (True, False), strict=True):
        asked = await _person(link, tools, first, known[number - 1])
        yield _as_expected(asked, field, number, expected=expected)
    yield _malformed(await _person(link, tools, first, NO_BSN))


async def _person(link: Link, tools: Tools, first: Asked, bsn: str) -> Asked:
    call = await prepared(link, tools, first.call.profile, bsn=bsn)
    if call.profile != "2W-be-SE" and bsn.encode() not in call.sent.body:
        raise NotPossible(
            "de invoer (wus.input) gebruikt {bsn} niet; dan vragen we steeds naar dezelfde persoon",
            "the input (wus.input) does not use {bsn}; we would ask about the same person each time",
        )
    return await _ask(link, tools, call, "wus-testpersoon")


def _as_expected(asked: Asked, field: str, number: int, *, expected: bool) -> Yield:
    who = Text(
        f"testpersoon {number} ({'met' if expected else 'zonder'} account)",
        f"test person {number} ({'with' if expected else 'without'} an account)",
    )
    wanted = Text("ja" if expected else "nee", "yes" if expected else "no")
    if asked.answer.envelope is None or asked.answer.is_fault:
        observed = Text(f"{who.nl}: een fout", f"{who.en}: a fault")
        return Finding("PROFIEL-LINK-003", observed=observed, expected=wanted)
    try:
        values = asked.call.contract.values(asked.call.operation.name, asked.answer.envelope.root)
    except KetentestError as wrong:
        return NotRun("PROFIEL-LINK-003", wrong.text)
    said = [value for name, value in leaves(values) if (name == field if field else isinstance(value, bool))]
    if len(said) != 1:
        return NotRun(
            "PROFIEL-LINK-003",
            Text(
                "onduidelijk welk veld van het antwoord ja of nee zegt: zet wus.persons.field",
                "it is unclear which field of the answer says yes or no: set wus.persons.field",
            ),
        )
    answered = says_yes(said[0])
    if answered is not expected:
        heard = Text("ja" if answered else "nee", "yes" if answered else "no")
        observed = Text(f"{who.nl}: {heard.nl}", f"{who.en}: {heard.en}")
        return Finding("PROFIEL-LINK-003", observed=observed, expected=wanted)
    return Observation(Text(f"{who.nl}: {wanted.nl}", f"{who.en}: {wanted.en}"))


def _malformed(asked: Asked) -> Yield:
    if asked.answer.is_fault:
        return Observation(Text("onjuist BSN: een fout, zoals verwacht", "wrong BSN: a fault, as expected"))
    observed = Text("onjuist BSN: geen fout", "wrong BSN: no fault")
    return Finding("PROFIEL-LINK-003", observed=observed, expected="soap:Fault")


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of an answer that hold no others, with the name of their element.

    >>> list(leaves({"a": {"b": True}, "c": [1, 2]}))
    [('b', True), ('c', 1), ('c', 2)]
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def says_yes(value: object) -> bool:
    """Whether an answer means yes: a true boolean, or a word for it.

    >>> says_yes("Ja"), says_yes("N"), says_yes(True)
    (True, False, True)
    """
    return value is True or str(value).strip().lower() in ("true", "1", "ja", "j", "yes", "y")


# --- DIGIPOORT-FLOW-003 ----------------------------------------------------------------------------------------------


async def statuses(link: Link, tools: Tools, first: Asked) -> AsyncIterator[Yield]:
    """Ask for the statuses until an end state, with growing pauses and an end (DIGIPOORT-FLOW-003)."""
    if not codes_in(first.answer):
        reason = Text("het antwoord bevat geen statussen", "the answer holds no statuses")
        yield NotRun("DIGIPOORT-FLOW-003", reason)
        return
    haste = LAB_HASTE if link.environment is Environment.LAB else 1.0
    pauses = [float(pause) / haste for pause in first.call.service.settings.get("pauses", ())]
    asked, count = first, 1
    for pause in pauses:
        if ended(asked):
            break
        await asyncio.sleep(pause)
        asked = await _ask(link, tools, await prepared(link, tools, first.call.profile), "wus-statussen")
        count += 1
    last = ", ".join(codes_in(asked.answer)) or "–"
    if ended(asked):
        line = f"{last} ({count}×)"
        yield Observation(Text(f"eindstatus bereikt: {line}", f"end state reached: {line}"))
    else:
        observed = Text(f"{count} vragen: {last}", f"{count} requests: {last}")
        yield Finding("DIGIPOORT-FLOW-003", observed=observed, expected=Text("een eindstatus", "an end state"))


def codes_in(answer: Message) -> list[str]:
    """Return the status codes of an answer, in order."""
    if answer.envelope is None or answer.envelope.payload is None or answer.is_fault:
        return []
    return [soap.text(element) for element in answer.envelope.payload.iter("{*}statuscode")]


def ended(asked: Asked) -> bool:
    """Whether a status is reached after which no other comes, good or bad."""
    known = asked.call.service.statuses
    return any(code in known and known[code].final for code in codes_in(asked.answer))


Trial = Callable[[Link, Tools, Asked], AsyncIterator[Yield]]
TRIALS: Final[Mapping[str, Trial]] = {"tampered": tampered, "persons": persons, "statuses": statuses}
RULES: Final = {"tampered": "WUS-SEC-061", "persons": "PROFIEL-LINK-003", "statuses": "DIGIPOORT-FLOW-003"}
