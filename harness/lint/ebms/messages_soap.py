"""Judge the SOAP envelope of an ebMS message (SOAP)."""

from collections.abc import Iterator

from lxml import etree

from harness.lint.ebms import reading
from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, Text
from harness.wire.ebms import DS, EB, SOAP, SOAP12, XML, is_eb, soap_attribute
from harness.wire.ebms_mime import read_media_type
from harness.wire.grammar import EBMS_HEADER, Violation, violations
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
EBMS3 = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/core/200704/"
MUST_UNDERSTAND = ("MessageHeader", "SyncReply", "MessageOrder", "AckRequested", "Acknowledgment", "ErrorList")


def _line(node: etree._Element | None) -> int | None:
    return None if node is None else node.sourceline


@TABLE.rule("SOAP-001")
def soap_11(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.3: the envelope is SOAP 1.1."""
    root = case.message.envelope
    if root is None or case.message.soap == SOAP:
        return
    name = etree.QName(root)
    variant = "soap12" if case.message.soap == SOAP12 else ""
    yield Finding(
        "SOAP-001",
        case=variant,
        observed=f"{name.localname} {name.namespace or ''}".strip(),
        expected=f"Envelope {SOAP}",
        where="/",
        line=root.sourceline,
    )


@TABLE.rule("SOAP-002")
def header_and_body(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.3: Header and Body are both there."""
    message = case.message
    if message.envelope is None or not message.soap:
        return
    needed = ("Body",) if message.fault else ("Header", "Body")
    found = {"Header": message.soap_header, "Body": message.soap_body}
    for name in needed:
        if found[name] is None:
            yield Finding(
                "SOAP-002",
                observed=Text(f"{name} ontbreekt", f"{name} is missing"),
                expected="Header, Body",
                where="/Envelope",
                line=_line(message.envelope),
            )


@TABLE.rule("SOAP-003")
def safe_xml(case: Received, ctx: Context) -> Verdicts:
    """Demand well-formed XML without DOCTYPE: an adapter answers anything else with 500 and an empty body."""
    broken = case.message.broken
    if broken is None or (case.is_answer and not case.message.raw.strip()):
        return
    if case.http is not None and case.http.status is not None and "html" in case.http.get("content-type"):
        return
    misread = reading.wrong_encoding(case.message.raw) if broken.case == "syntax" and case.http is None else None
    yield Finding(
        "SOAP-003",
        case=broken.case,
        observed=misread.observed if misread and misread.recoded else broken.text,
        expected=Text("welgevormde XML zonder DOCTYPE", "well-formed XML without DOCTYPE"),
        line=broken.line,
    )


@TABLE.rule("SOAP-004")
def grammar(case: Received, ctx: Context) -> Verdicts:
    """EBMS: every block follows msg-header-2_0.xsd, the order of elements included."""
    message = case.message
    if message.soap != SOAP:
        return
    shown = 0
    for block in (*message.header_blocks, *message.body_blocks):
        if etree.QName(block).namespace != EB:
            continue
        owned = (v for v in violations(EBMS_HEADER, block)[:3] if (v.element, v.attribute) != ("PartyId", "type"))
        for violation in owned:  # a type without prefix is HDR-003
            shown += 1
            if shown <= 5:
                yield Finding(
                    "SOAP-004",
                    case=_weight(case, violation),
                    observed=violation.text,
                    expected="msg-header-2_0.xsd",
                    where=f"{where(block)}",
                    line=violation.line,
                )


def _weight(case: Received, violation: Violation) -> str:
    """Tell a departure that leaves action and reference readable from one that does not."""
    readable = bool(case.message.action and case.message.service and (case.message.ref_to or not case.is_answer))
    return "readable" if readable else ""


@TABLE.rule("SOAP-005")
def namespace(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.3.1: the namespace of the blocks is exactly that of ebMS 2.0."""
    blocks = (*case.message.header_blocks, *case.message.body_blocks)
    for block in blocks:
        name = etree.QName(block)
        if name.namespace == EB or not (is_eb(block) or name.localname in ("MessageHeader", "Messaging")):
            continue
        variant = "ebms3" if name.namespace == EBMS3 else ""
        yield Finding(
            "SOAP-005",
            case=variant,
            observed=f"{name.localname}: {name.namespace or '-'}",
            expected=EB,
            where=where(block),
            line=block.sourceline,
        )
        return


@TABLE.rule("SOAP-006")
def one_header(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1: one MessageHeader, in the SOAP Header."""
    message = case.message
    if message.soap != SOAP or message.soap_header is None or message.fault is not None:
        return
    placed = [b for b in message.header_blocks if etree.QName(b).localname == "MessageHeader"]
    foreign = any(etree.QName(b).localname == "Messaging" for b in message.header_blocks)
    if len(placed) != 1 and not foreign:
        yield Finding(
            "SOAP-006",
            observed=f"{len(placed)} × MessageHeader",
            expected="1 × MessageHeader",
            where="/Envelope/Header",
            line=_line(message.soap_header),
        )


@TABLE.rule("SOAP-007")
def must_understand(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.3.9: the header blocks say mustUnderstand="1"."""
    if case.message.soap != SOAP:
        return
    for block in case.message.header_blocks:
        name = etree.QName(block).localname
        if not is_eb(block) or name not in MUST_UNDERSTAND:
            continue
        value = soap_attribute(block, "mustUnderstand")
        if value != "1":
            yield Finding(
                "SOAP-007",
                observed=f'{name} soap:mustUnderstand="{value}"' if value else f"{name} -",
                expected='soap:mustUnderstand="1"',
                where=where(block),
                line=block.sourceline,
            )


@TABLE.rule("SOAP-008")
def unknown_block(case: Received, ctx: Context) -> Verdicts:
    """SOAP 1.1 §4.2.3: a block that must be understood and is not gets a Fault MustUnderstand."""
    if case.message.soap != SOAP or not case.readable:
        return
    for block in case.message.header_blocks:
        name = etree.QName(block)
        known = is_eb(block) or name.namespace == DS or name.localname in ("MessageHeader", "Messaging")
        if not known and soap_attribute(block, "mustUnderstand") in ("1", "true"):
            yield Finding(
                "SOAP-008",
                observed=f"{name.localname} {name.namespace or ''}".strip(),
                expected="eb:*, ds:Signature",
                where=where(block),
                line=block.sourceline,
            )


@TABLE.rule("SOAP-009")
def encoding(case: Received, ctx: Context) -> Verdicts:
    """KVS charset: the XML declaration and the Content-Type both say UTF-8."""
    root = case.message.envelope
    if root is None:
        return
    declared = root.getroottree().docinfo.encoding or "UTF-8"
    if declared.upper() in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
        return
    media = read_media_type(case.http.get("content-type") if case.http else "")
    stated = media.get("charset") or "-"
    yield Finding(
        "SOAP-009", observed=f'encoding="{declared}", charset={stated}', expected='encoding="UTF-8"', where="/", line=1
    )


@TABLE.rule("SOAP-010")
def signal_body(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.4: a signal has nothing in its Body but a StatusRequest or StatusResponse."""
    message = case.message
    if not case.readable or not message.is_signal:
        return
    has_own_rule = message.kind in ("Ping", "Pong", "Acknowledgment")  # for what ebMS itself puts in a Body
    for block in message.body_blocks:
        if not is_eb(block) if has_own_rule else not (is_eb(block, "StatusRequest") or is_eb(block, "StatusResponse")):
            yield Finding(
                "SOAP-010",
                observed=etree.QName(block).localname,
                expected=Text("een lege Body", "an empty Body"),
                where=where(block),
                line=block.sourceline,
            )


def descriptions(root: etree._Element | None) -> Iterator[etree._Element]:
    """Yield the eb:Descriptions without xml:lang under `root`."""
    for element in () if root is None else root.iter(f"{{{EB}}}Description"):
        if not element.get(f"{{{XML}}}lang"):
            yield element
