"""WUS-FAULT: a fault is an answer; its shape, its meaning, and what to do about it."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context
from harness.lint.wus.explain import explain
from harness.lint.wus.message import Message, found
from harness.lint.wus.schema import complaint_text, own_schema, schema_of
from harness.lint.wus.table import ABSENT, rule
from harness.model import Finding, NotRun, Text
from harness.wire import soap_schema
from harness.wire.soap import SOAP, WSA, WSSE, WSU, display, elements, local, namespace, text

Verdicts = Iterator[Finding | NotRun]
CHILDREN = ("faultcode", "faultstring", "faultactor", "detail")
SOAP_CODES = ("Client", "Server", "VersionMismatch", "MustUnderstand")
_LEAK = re.compile(
    r"\bat [\w$.]+\([\w$]+\.(?:java|kt|cs):\d+\)|\bat (?:java|javax|org|com|nl|System)\.[\w$.]+\(|Traceback \(most recent"
    r"|Caused by: [\w.]+Exception|\b(?:[a-z]\w*\.){2,}[A-Z]\w*(?:Exception|Error)\b|\bSystem\.(?:\w+\.)*\w+Exception\b"
    r"|\bORA-\d{5}\b|\bSQLSTATE\b|\bat Object\.<anonymous>|\bon line \d+ of /\S+|[A-Z]:\\[\w\\.]+|/(?:usr|opt|home|var|etc|srv|app)/[\w/.-]+\.(?:java|xml|jar|py|cs|properties|php|js|ini|conf)\b"
)


@rule("WUS-FAULT-001")
def children_have_no_namespace(msg: Message, ctx: Context) -> Verdicts:
    """The children of a Fault are faultcode, faultstring, faultactor and detail, without a namespace (BP R1000, R1001)."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    for child in elements(msg.envelope.fault):
        if namespace(child) or local(child) not in CHILDREN:
            yield found("WUS-FAULT-001", child, observed=f"<{display(child)}>", expected=f"<{local(child)}>")


def _child(msg: Message, name: str) -> list[str]:
    fault = msg.envelope.fault if msg.envelope is not None else None
    return [text(child) for child in elements(fault) if local(child) == name]


@rule("WUS-FAULT-002", "WUS-FAULT-003", "WUS-FAULT-004")
def the_code_is_a_soap_code(msg: Message, ctx: Context) -> Verdicts:
    """The faultcode is a QName of SOAP, WS-Addressing or WS-Security, without dots (SOAP 1.1 §4.4, BP R1004, R1031)."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    codes = [child for child in elements(msg.envelope.fault) if local(child) == "faultcode"]
    value = text(codes[0]) if codes else ""
    if not value:
        yield found("WUS-FAULT-002", msg.envelope.fault, observed=ABSENT)
        return
    prefix, _, name = value.rpartition(":")
    uri = codes[0].nsmap.get(prefix or None)
    if prefix and uri is None:
        observed = Text(f"{value} (prefix {prefix} is niet gedeclareerd)", f"{value} (prefix {prefix} is not declared)")
        yield found("WUS-FAULT-003", codes[0], observed=observed)
    elif "." in name:
        yield found(
            "WUS-FAULT-004", codes[0], observed=value, expected=f"{prefix or 'soapenv'}:{name.partition('.')[0]}"
        )
    elif uri == SOAP and name not in SOAP_CODES:
        yield found("WUS-FAULT-003", codes[0], observed=value, expected=", ".join(SOAP_CODES))
    elif uri not in (SOAP, WSA, WSSE, WSU):
        expected = "soapenv:Client, soapenv:Server"
        yield found("WUS-FAULT-003", codes[0], observed=value, expected=expected, case="other" if prefix else "")


@rule("WUS-FAULT-005")
def the_reason_says_something(msg: Message, ctx: Context) -> Verdicts:
    """The faultstring is not empty (SOAP 1.1 §4.4)."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    reasons = _child(msg, "faultstring")
    if not any(reasons):
        yield found("WUS-FAULT-005", msg.envelope.fault, observed=Text("leeg", "empty") if reasons else ABSENT)


@rule("WUS-FAULT-006")
def the_detail_is_valid(msg: Message, ctx: Context) -> Verdicts:
    """The element in detail is valid against the fault element that the WSDL declares (BP R2742)."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    details = [d for child in elements(msg.envelope.fault) if local(child) == "detail" for d in elements(child)]
    if not details:
        return
    schema, _ = schema_of(msg)
    own = own_schema(msg.service.name) if schema is None else None
    judge = schema or own
    if judge is None:
        return
    for detail in details:
        if own is not None and not msg.service.owns(namespace(detail)):
            continue
        for entry in soap_schema.complaints(judge, detail)[:3]:
            yield found("WUS-FAULT-006", detail, observed=complaint_text(entry))


@rule("WUS-FAULT-007")
def the_fault_is_explained(msg: Message, ctx: Context) -> Verdicts:
    """A fault is led back to its likely meaning and the first thing to check."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    meaning = explain(msg.envelope, msg.service)
    if meaning is not None:
        observed = Text(f"{meaning.code}: {meaning.meaning.nl}", f"{meaning.code}: {meaning.meaning.en}")
        yield found("WUS-FAULT-007", msg.envelope.fault, observed=observed, expected=meaning.who)


@rule("WUS-FAULT-008")
def an_unsigned_fault(msg: Message, ctx: Context) -> Verdicts:
    """A fault need only be signed when the policy covers fault messages."""
    if msg.envelope is None or not msg.is_fault or not msg.signed or msg.envelope.signatures:
        return
    covered = any(wsdl.signs_faults for wsdl in msg.companions.wsdls)
    observed = Text("de fout is niet ondertekend", "the fault is not signed")
    yield found("WUS-FAULT-008", msg.envelope.fault, observed=observed, case="policy" if covered else "")


@rule("WUS-FAULT-010")
def no_insides_are_shown(msg: Message, ctx: Context) -> Verdicts:
    """A fault shows no stack traces or file paths."""
    if msg.envelope is None or msg.envelope.fault is None:
        return
    words = " ".join(str(t) for t in msg.envelope.fault.itertext())
    leak = _LEAK.search(words[:100_000])
    if leak:
        yield found("WUS-FAULT-010", msg.envelope.fault, observed=leak[0][:120])
