"""WUS-ADDR: WS-Addressing 1.0 as the Koppelvlakstandaard narrows it (KWUS WA001)."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from harness.lint.judge import Context
from harness.lint.wus.ledger import fingerprint
from harness.lint.wus.message import Message, found
from harness.lint.wus.table import ABSENT, GATEWAY, NO_REQUEST, rule
from harness.model import Finding, NotRun, Text
from harness.wire.soap import (
    ANONYMOUS,
    EPRS,
    NONE,
    REPLY,
    WSA,
    WSA_OLD,
    display,
    elements,
    local,
    namespace,
    text,
)

Verdicts = Iterator[Finding | NotRun]
SIX: Final = frozenset({"To", "Action", "MessageID", "RelatesTo", "From", "ReplyTo"})
ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
OIN: Final = re.compile(r"[0-9]{8}[0-9A-Z]{12}")


def is_absolute(value: str) -> bool:
    """Whether `value` is an absolute IRI.

    >>> is_absolute("urn:uuid:1"), is_absolute("6f1d9c52-8a8b-4c5e-9d0e-0a6f3f1c2b11")
    (True, False)
    """
    return bool(ABSOLUTE.fullmatch(value))


def case_of(msg: Message) -> str:
    """Nothing binding is written about headers on a fault, so a fault weighs less."""
    return "fault" if msg.is_fault else ""


@rule("WUS-ADDR-001")
def only_the_2005_namespace(msg: Message, ctx: Context) -> Verdicts:
    """Only WS-Addressing of 2005/08 (KWUS WA001)."""
    if msg.envelope is None:
        return
    old = [block for block in msg.envelope.blocks if namespace(block) in WSA_OLD]
    if old:
        yield found("WUS-ADDR-001", old[0], observed=namespace(old[0]), expected=WSA)


@rule("WUS-ADDR-002")
def each_header_once(msg: Message, ctx: Context) -> Verdicts:
    """Each wsa header stands there once; only RelatesTo may repeat (WSA-S §6.4.1.3)."""
    if msg.envelope is None:
        return
    for name, blocks in msg.envelope.addressing.items():
        if len(blocks) > 1 and name != "RelatesTo":
            yield found("WUS-ADDR-002", blocks[1], observed=f"{len(blocks)} × wsa:{name}", expected="1")


def _plain(msg: Message, rule_id: str, name: str, *, needed: bool) -> Verdicts:
    """A header that is a bare IRI: present, absolute, text without children."""
    if msg.envelope is None:
        return
    blocks = msg.envelope.addressing.get(name, [])
    if not blocks or (not text(blocks[0]) and not elements(blocks[0])):
        if needed or blocks:
            observed = ABSENT if not blocks else Text("leeg", "empty")
            place = blocks[0] if blocks else msg.envelope.header
            yield found(rule_id, place, observed=observed, expected=f"wsa:{name}", case=case_of(msg))
        return
    children = elements(blocks[0])
    if children:
        written = f"<wsa:{name}><{display(children[0])}>…"
        yield found(rule_id, blocks[0], observed=written, expected=f"<wsa:{name}>https://…</wsa:{name}>")
    elif not is_absolute(text(blocks[0])) and name != "MessageID":
        yield found(rule_id, blocks[0], observed=text(blocks[0]), expected=Text("een absolute IRI", "an absolute IRI"))


@rule("WUS-ADDR-003")
def to_is_a_bare_iri(msg: Message, ctx: Context) -> Verdicts:
    """A request has wsa:To: an absolute IRI as text, no Address child (KWUS WA001)."""
    yield from _plain(msg, "WUS-ADDR-003", "To", needed=msg.is_request)


@rule("WUS-ADDR-004")
def action_is_there(msg: Message, ctx: Context) -> Verdicts:
    """wsa:Action is there and an absolute IRI (KWUS WA001)."""
    yield from _plain(msg, "WUS-ADDR-004", "Action", needed=True)


@rule("WUS-ADDR-005", "WUS-ADDR-006")
def message_id_is_there(msg: Message, ctx: Context) -> Verdicts:
    """wsa:MessageID is there, in the answer too (KWUS WA001 note 4), and is an absolute IRI (WSA-C §3.2)."""
    yield from _plain(msg, "WUS-ADDR-005", "MessageID", needed=True)
    value = msg.envelope.message_id if msg.envelope is not None else ""
    if value and msg.envelope is not None:
        block = msg.envelope.addressing["MessageID"][0]
        form = msg.service.message_id
        if not is_absolute(value):
            yield found("WUS-ADDR-006", block, observed=value, expected="urn:uuid:…")
        elif msg.is_request and form == "uuid" and not value.startswith("uuid:"):
            yield found("WUS-ADDR-006", block, observed=value, expected="uuid:…")


@rule("WUS-ADDR-007")
def reply_to_is_anonymous(msg: Message, ctx: Context) -> Verdicts:
    """ReplyTo is absent or anonymous: the answer comes back on this connection (KWUS WA001, WS003)."""
    if msg.envelope is None or "ReplyTo" not in msg.envelope.addressing:
        return
    address = msg.envelope.address("ReplyTo")
    if address and address != ANONYMOUS and not _anonymous_with_oin(address):
        block = msg.envelope.addressing["ReplyTo"][0]
        case = "" if msg.is_request else "answer"
        yield found("WUS-ADDR-007", block, observed=address, expected=ANONYMOUS, case=case)


def _anonymous_with_oin(address: str) -> bool:
    return address.partition("?")[0] == ANONYMOUS


@rule("WUS-ADDR-008")
def no_relates_to_in_a_request(msg: Message, ctx: Context) -> Verdicts:
    """RelatesTo belongs to an answer (KWUS WA001)."""
    if msg.envelope is not None and msg.is_request and "RelatesTo" in msg.envelope.addressing:
        block = msg.envelope.addressing["RelatesTo"][0]
        yield found("WUS-ADDR-008", block, observed=text(block))


@rule("WUS-ADDR-009")
def a_request_says_from_whom(msg: Message, ctx: Context) -> Verdicts:
    """A request names its sender in wsa:From; a query (bevraging) may leave it out (KWUS WA001 note 1)."""
    if msg.envelope is None or not msg.is_request or "From" in msg.envelope.addressing:
        return
    writes = msg.operation is not None and msg.operation.writes is True and msg.service.sender
    yield found("WUS-ADDR-009", msg.envelope.header, observed=ABSENT, case="write" if writes else "query")


@rule("WUS-ADDR-010")
def the_answer_has_its_own_action(msg: Message, ctx: Context) -> Verdicts:
    """The Action of an answer is the one that the WSDL gives for the output (KWUS WS008)."""
    if msg.envelope is None or msg.role != "response" or not msg.envelope.action:
        return
    action = msg.envelope.action
    block = msg.envelope.addressing["Action"][0]
    known = msg.operation
    request = msg.companions.request
    if known is not None and known.response_action.value and known.response_action.given != "default":
        if action != known.response_action.value:
            yield found("WUS-ADDR-010", block, observed=action, expected=known.response_action.value)
    elif request is not None and action == request.action:
        observed = Text(f"{action} (de Action van de vraag)", f"{action} (the Action of the request)")
        yield found("WUS-ADDR-010", block, observed=observed, expected="…Response")
    elif request is not None and request.action.endswith("Request"):
        expected = request.action.removesuffix("Request") + "Response"
        if action != expected:
            yield found("WUS-ADDR-010", block, observed=action, expected=expected, case="pattern")
    elif known is None:
        yield NotRun("WUS-ADDR-010", Text("geen WSDL of vraagbericht meegegeven", "no WSDL or request given"))


@rule("WUS-ADDR-011", "WUS-ADDR-012", "WUS-ADDR-013", "WUS-FAULT-009")
def the_answer_belongs_to_the_request(msg: Message, ctx: Context) -> Verdicts:
    """RelatesTo is the MessageID of our request, of the reply kind; the answer has its own MessageID (KWUS WA001)."""
    if msg.envelope is None or msg.is_request:
        return
    blocks = msg.envelope.addressing.get("RelatesTo", [])
    for block in blocks:
        kind = block.get("RelationshipType")
        if kind not in (None, REPLY, "Reply"):
            yield found("WUS-ADDR-012", block, observed=kind or '""', expected=REPLY)
    if not any(text(block) for block in blocks):
        if not msg.is_fault:
            yield found("WUS-ADDR-011", msg.envelope.header, observed=ABSENT, expected="wsa:RelatesTo")
        elif msg.envelope.addressing:
            yield found("WUS-FAULT-009", msg.envelope.header, observed=ABSENT, expected="wsa:RelatesTo")
        return
    request = msg.companions.request
    rule_id = "WUS-FAULT-009" if msg.is_fault else "WUS-ADDR-011"
    if msg.behind_gateway or request is None:
        yield NotRun(rule_id, GATEWAY if msg.behind_gateway else NO_REQUEST)
        return
    if request.message_id and request.message_id not in [text(block) for block in blocks]:
        yield found(rule_id, blocks[0], observed=_maybe_gateway(msg, text(blocks[0])), expected=request.message_id)
    if msg.envelope.message_id and msg.envelope.message_id == request.message_id:
        block = msg.envelope.addressing["MessageID"][0]
        yield found("WUS-ADDR-013", block, observed=msg.envelope.message_id)


def _maybe_gateway(msg: Message, relates_to: str) -> str | Text:
    values = (
        []
        if msg.envelope is None
        else [
            e.get("Value") or ""
            for s in msg.envelope.security
            for e in s
            if str(e.tag).endswith("}SignatureConfirmation")
        ]
    )
    own = msg.companions.request.signature_value if msg.companions.request else ""
    if values and own not in values:
        return Text(
            f"{relates_to} (mogelijk het bericht van een gateway ertussen: ook SignatureConfirmation is niet van uw bericht)",
            f"{relates_to} (possibly the message of a gateway in between: SignatureConfirmation is not of your message either)",
        )
    return relates_to


@rule("WUS-ADDR-014")
def other_headers_are_harmless(msg: Message, ctx: Context) -> Verdicts:
    """Any other wsa header has the value anonymous or none (KWUS WA001, last paragraph)."""
    if msg.envelope is None:
        return
    for name, blocks in msg.envelope.addressing.items():
        if name in SIX:
            continue
        value = msg.envelope.address(name) or text(blocks[0])
        if value not in (ANONYMOUS, NONE):
            observed = f"wsa:{name} {value}".strip()
            yield found("WUS-ADDR-014", blocks[0], observed=observed, expected=f"{ANONYMOUS}, {NONE}")


@rule("WUS-ADDR-015")
def endpoint_references_hold_an_address_only(msg: Message, ctx: Context) -> Verdicts:
    """From, ReplyTo and FaultTo hold wsa:Address and nothing else (KWUS WA001)."""
    if msg.envelope is None:
        return
    for name in EPRS:
        for block in msg.envelope.addressing.get(name, []):
            names = [local(child) if namespace(child) == WSA else display(child) for child in elements(block)]
            if names != ["Address"] or not msg.envelope.address(name):
                observed = ", ".join(names) or text(block) or Text("leeg", "empty")
                yield found("WUS-ADDR-015", block, observed=observed, expected="wsa:Address")


def oins(address: str) -> list[tuple[str, str]]:
    """Return the OIN parameters in an address as (name as written, value).

    >>> oins("https://x.nl/?oin=00000001001234567000")
    [('oin', '00000001001234567000')]
    """
    try:
        query = urlsplit(address).query
    except ValueError:
        return []
    return [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key.lower() == "oin"]


def _addresses(msg: Message) -> list[tuple[str, str]]:
    if msg.envelope is None:
        return []
    return [("To", msg.envelope.wsa("To")), ("From", msg.envelope.address("From"))]


@rule("WUS-ADDR-016", "WUS-ADDR-017")
def oins_have_their_shape(msg: Message, ctx: Context) -> Verdicts:
    """An OIN in an address is 8 digits and 12 characters 0-9A-Z, under the name OIN (KWUS WA001, OIN-Stelsel §6)."""
    if msg.envelope is None:
        return
    agreed = {"From": ctx.setting("oin"), "To": ctx.setting("receiver-oin")}
    for name, address in _addresses(msg):
        for key, value in oins(address):
            block = msg.envelope.addressing[name][0]
            if not OIN.fullmatch(value):
                observed = Text(f"{value} ({len(value)} posities)", f"{value} ({len(value)} positions)")
                expected = Text("8 cijfers en 12 tekens 0-9A-Z", "8 digits and 12 characters 0-9A-Z")
                yield found("WUS-ADDR-016", block, observed=observed, expected=expected)
            elif agreed[name] and value != agreed[name]:
                yield found("WUS-ADDR-017", block, observed=f"wsa:{name} {value}", expected=agreed[name])
            if key != "OIN":
                yield found("WUS-ADDR-016", block, observed=f"?{key}=", expected="?OIN=", case="letters")


@rule("WUS-ADDR-018")
def to_is_what_the_service_wants(msg: Message, ctx: Context) -> Verdicts:
    """wsa:To is what the service wants; that need not be the address that is posted to."""
    if msg.envelope is None or not msg.is_request or msg.http is None or not msg.http.get("host"):
        return
    to = msg.envelope.wsa("To")
    try:
        parts = urlsplit(to)
    except ValueError:
        return
    path = msg.http.start.split(" ")[1] if msg.http.start.count(" ") == 2 else ""
    host = msg.http.get("host").removesuffix(":443").lower()
    if parts.netloc and (parts.netloc.removesuffix(":443").lower(), parts.path) != (host, path.partition("?")[0]):
        yield found("WUS-ADDR-018", msg.envelope.addressing["To"][0], observed=to, expected=f"https://{host}{path}")


@rule("WUS-ADDR-021")
def every_request_has_its_own_message_id(msg: Message, ctx: Context) -> Verdicts:
    """A request does not repeat the MessageID of another one, beside it or before it (WSA Core §3.2)."""
    if msg.envelope is None or not msg.is_request or not msg.envelope.message_id:
        return
    identifier, own = msg.envelope.message_id, fingerprint(msg.envelope)
    other = msg.companions.request
    first, name = (ctx.earlier or {}).get(identifier, ("", ""))
    if other is not None and other.message_id == identifier:
        first, name = fingerprint(other), ""
    if first and first != own:
        observed = f"{identifier} ({name})" if name else identifier
        expected = Text("een nieuw MessageID", "a new MessageID")
        yield found("WUS-ADDR-021", msg.envelope.addressing["MessageID"][0], observed=observed, expected=expected)


@rule("WUS-ADDR-019")
def to_of_an_answer_is_anonymous(msg: Message, ctx: Context) -> Verdicts:
    """wsa:To of an answer is absent, anonymous, or our own address (KWUS WA001 note 3)."""
    if msg.envelope is None or msg.is_request:
        return
    to = msg.envelope.wsa("To")
    request = msg.companions.request
    own = {request.address("From"), request.address("ReplyTo")} if request is not None else set()
    if to and not _anonymous_with_oin(to) and to not in own:
        yield found("WUS-ADDR-019", msg.envelope.addressing["To"][0], observed=to, expected=ANONYMOUS)


@rule("WUS-ADDR-020")
def the_action_of_a_fault(msg: Message, ctx: Context) -> Verdicts:
    """The Action of a fault is the one of the WSDL or the default fault action (WSA-M §4.4)."""
    if msg.envelope is None or not msg.is_fault or not msg.envelope.action:
        return
    action = msg.envelope.action
    known = msg.operation
    if action in (WSA + "/fault", WSA + "/soap/fault") or "fault" in action.lower():
        return
    if known is not None and action in known.fault_actions:
        return
    expected = ", ".join(known.fault_actions) if known is not None else WSA + "/soap/fault"
    yield found("WUS-ADDR-020", msg.envelope.addressing["Action"][0], observed=action, expected=expected)
