"""Judge the MessageHeader and the blocks beside it (HDR)."""

import re
from datetime import timedelta

from lxml import etree

from harness.lint.ebms.messages_soap import descriptions
from harness.lint.ebms.received import INCOMING, Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, NotRun, Text
from harness.wire.ebms import (
    EB,
    MSH_SERVICE,
    OIN_TYPE,
    SIGNALS,
    attribute,
    child,
    eb,
    is_eb,
    moment,
)
from harness.wire.ebms_mime import bare_cid
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()
SKEW = timedelta(minutes=5)
KNOWN_TYPES = (OIN_TYPE, "urn:cv:oin")
_MESSAGE_ID = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_OIN = re.compile(r"[0-9]{8}[0-9A-Z]{12}(?:_[OTA]{1,3})?")
NO_CPA = Text("geen CPA opgegeven (--with CPA)", "no CPA was given (--with CPA)")


def place_of(node: etree._Element | None) -> tuple[str, int | None]:
    """Return the path and the line of an element, or nothing."""
    return ("", None) if node is None else (where(node), node.sourceline)


def no_agreement(case: Received) -> Text:
    """Return why nothing can be compared with a CPA."""
    return case.cpa_problem or NO_CPA


@TABLE.rule("HDR-001")
def version(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.3.8: eb:version is 2.0 on every block."""
    for block in (*case.message.header_blocks, *case.message.body_blocks):
        name = etree.QName(block)
        if name.namespace != EB:
            continue
        value = attribute(block, "version")
        if value != "2.0":
            place, line = place_of(block)
            yield Finding(
                "HDR-001",
                observed=f'{name.localname} eb:version="{value}"',
                expected='eb:version="2.0"',
                where=f"{place}/@version",
                line=line,
            )


@TABLE.rule("HDR-002")
def party_ids(case: Received, ctx: Context) -> Verdicts:
    """XSD: From and To each name at least one PartyId."""
    for name, parties in (("From", case.message.from_parties), ("To", case.message.to_parties)):
        if not parties:
            node = child(case.message.header, name)
            place, line = place_of(case.message.header if node is None else node)
            yield Finding(
                "HDR-002",
                observed=Text(f"{name} zonder PartyId", f"{name} without PartyId"),
                expected="PartyId",
                where=place,
                line=line,
            )


@TABLE.rule("HDR-003", "HDR-004")
def party_id(case: Received, ctx: Context) -> Verdicts:
    """KVS PartyId: a qualified type, a value in the form of that type, no white space."""
    for name in ("From", "To"):
        parent = child(case.message.header, name)
        for node in () if parent is None else parent:
            if is_eb(node, "PartyId"):
                yield from _party_id(node, name)


def _party_id(node: etree._Element, name: str) -> Verdicts:
    place, line = place_of(node)
    kind, text = (node.get(eb("type")) or "").strip(), node.text or ""
    value = text.strip()
    if not kind:
        plain = node.get("type")
        variant = "unqualified" if plain else ""
        shown = f'{name}: type="{plain}"' if plain else f"{name}: {value}"
        yield Finding("HDR-003", case=variant, observed=shown, expected=f'eb:type="{OIN_TYPE}"', where=place, line=line)
    elif kind not in KNOWN_TYPES:
        yield Finding(
            "HDR-003",
            case="scheme",
            observed=f'{name}: eb:type="{kind}"',
            expected=f'eb:type="{OIN_TYPE}"',
            where=place,
            line=line,
        )
    elif kind == OIN_TYPE and value and not _OIN.fullmatch(value):
        yield Finding(
            "HDR-003",
            case="value",
            observed=f"{name}: {value}",
            expected=Text("een OIN van 20 posities", "an OIN of 20 positions"),
            where=place,
            line=line,
        )
    if text != value or re.search(r"\s", value):
        yield Finding("HDR-004", observed=f"{name}: {text!r}", expected=value, where=place, line=line)


@TABLE.rule("HDR-005")
def cpa_id(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.2: the CPAId is filled in; the CPA that was given is that of these parties."""
    node = child(case.message.header, "CPAId")
    place, line = place_of(node)
    text = (node.text or "") if node is not None else ""
    if node is not None and not text.strip():
        yield Finding("HDR-005", observed=Text("leeg", "empty"), expected="CPAId", where=place, line=line)
    elif text != text.strip():
        yield Finding("HDR-005", case="blank", observed=repr(text), expected=text.strip(), where=place, line=line)
    if case.unrelated and case.cpa:
        yield Finding(
            "HDR-005",
            case="other-agreement",
            observed=case.message.cpa_id,
            expected=case.cpa.cpaid,
            where=place,
            line=line,
        )


@TABLE.rule("HDR-006")
def conversation(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.3: the ConversationId is filled in, and an answer repeats it."""
    message, request = case.message, case.request
    node = child(message.header, "ConversationId")
    place, line = place_of(node)
    if node is not None and not message.conversation_id:
        yield Finding("HDR-006", observed=Text("leeg", "empty"), expected="ConversationId", where=place, line=line)
    elif (
        request is not None
        and message.kind != "Pong"
        and _answers(case)
        and message.conversation_id != request.conversation_id
    ):
        yield Finding(
            "HDR-006",
            case="other",
            observed=message.conversation_id,
            expected=request.conversation_id,
            where=place,
            line=line,
        )


def _answers(case: Received) -> bool:
    return (
        case.message.kind in ("Acknowledgment", "MessageError", "StatusResponse")
        and case.request is not None
        and case.message.ref_to == case.request.message_id
    )


@TABLE.rule("HDR-007", "HDR-008")
def service_and_action(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.4: a Service without type is a URI; neither Service nor Action holds white space."""
    node = child(case.message.header, "Service")
    place, line = place_of(node)
    if case.message.service and not case.message.service_type and not _URI.fullmatch(case.message.service):
        yield Finding(
            "HDR-007",
            observed=case.message.service,
            expected=Text("een URI, of eb:type", "a URI, or eb:type"),
            where=place,
            line=line,
        )
    for name in ("Service", "Action"):
        element = child(case.message.header, name)
        text = "" if element is None else element.text or ""
        if re.search(r"\s", text):
            place, line = place_of(element)
            yield Finding(
                "HDR-008", observed=f"{name}: {text!r}", expected="".join(text.split()), where=place, line=line
            )


@TABLE.rule("HDR-009")
def message_id(case: Received, ctx: Context) -> Verdicts:
    """EB013: a MessageId is UUID@domain."""
    node = child(case.message.header, "MessageData", "MessageId")
    value = case.message.message_id
    if value and not _MESSAGE_ID.fullmatch(value):
        place, line = place_of(node)
        yield Finding("HDR-009", observed=value, expected=Text("UUID@domein", "UUID@domain"), where=place, line=line)


@TABLE.rule("HDR-010")
def timestamp(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.6.2: the Timestamp is in UTC, and the clocks agree."""
    when = moment(case.message.timestamp)
    place, line = place_of(child(case.message.header, "MessageData", "Timestamp"))
    if when is None:
        return
    if not when.zoned:
        yield Finding(
            "HDR-010", observed=case.message.timestamp, expected=f"{case.message.timestamp}Z", where=place, line=line
        )
    elif not when.utc:
        yield Finding("HDR-010", case="offset", observed=case.message.timestamp, expected="…Z", where=place, line=line)
    ahead = when.at - ctx.at
    if ahead > SKEW or (ctx.role == INCOMING and -ahead > SKEW):
        minutes = round(ahead.total_seconds() / 60)
        words = Text(
            f"{case.message.timestamp}: {minutes:+d} minuten ten opzichte van de klok",
            f"{case.message.timestamp}: {minutes:+d} minutes against the clock",
        )
        yield Finding(
            "HDR-010",
            case="skew",
            observed=words,
            expected=Text("binnen 5 minuten", "within 5 minutes"),
            where=place,
            line=line,
        )


@TABLE.rule("HDR-011")
def time_to_live(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.6.4: TimeToLive lies after Timestamp, and ahead when the message arrives."""
    until, sent = moment(case.message.time_to_live), moment(case.message.timestamp)
    if until is None:
        return
    place, line = place_of(child(case.message.header, "MessageData", "TimeToLive"))
    if sent is not None and until.at <= sent.at:
        yield Finding(
            "HDR-011",
            observed=f"TimeToLive {case.message.time_to_live}",
            expected=f"> {case.message.timestamp}",
            where=place,
            line=line,
        )
    elif until.at <= ctx.at:
        variant = "" if ctx.role == INCOMING else "passed"
        yield Finding(
            "HDR-011",
            case=variant,
            observed=f"TimeToLive {case.message.time_to_live}",
            expected=f"> {ctx.at:%Y-%m-%dT%H:%M:%SZ}",
            where=place,
            line=line,
        )


@TABLE.rule("HDR-012")
def reference(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1.6.3: RefToMessageId names a message that we know."""
    ref = case.message.ref_to
    if not ref or case.message.kind in ("Ping", "Pong", "Acknowledgment", "StatusResponse"):
        return
    place, line = place_of(child(case.message.header, "MessageData", "RefToMessageId"))
    if case.known is not None:
        if ref not in case.known:
            yield Finding(
                "HDR-012",
                observed=ref,
                expected=Text("een bericht dat wij stuurden", "a message that we sent"),
                where=place,
                line=line,
            )
    elif case.request is not None:
        if ref != case.request.message_id and all(ref != o.message_id for o in case.others):
            yield Finding("HDR-012", observed=ref, expected=case.request.message_id, where=place, line=line)
    elif case.message.kind == "message":
        yield NotRun(
            "HDR-012",
            Text("welke berichten verstuurd zijn, is hier niet bekend", "which messages were sent is not known here"),
        )


@TABLE.rule("HDR-017")
def roles(case: Received, ctx: Context) -> Verdicts:
    """KVS Role: From and To of a business message name their role."""
    if case.message.kind != "message":
        return
    for name, value in (("From", case.message.from_role), ("To", case.message.to_role)):
        node = child(case.message.header, name)
        if not value and node is not None:
            place, line = place_of(node)
            variant = "" if case.agreement is not None else "no-agreement"
            yield Finding(
                "HDR-017",
                case=variant,
                observed=Text(f"{name} zonder Role", f"{name} without Role"),
                expected="Role",
                where=place,
                line=line,
            )


@TABLE.rule("HDR-018")
def manifest(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.2: every reference of the Manifest is a cid: that leads to a MIME part, and every part is listed."""
    message = case.message
    block = message.block("Manifest")
    place, line = place_of(block)
    listed = {bare_cid(r) for r in message.references}
    alone = case.http is None and not message.package.media_type.is_multipart and ctx.role != INCOMING
    for ref in message.references:
        if not ref.lower().startswith("cid:"):
            yield Finding("HDR-018", case="scheme", observed=ref, expected="cid:…", where=place, line=line)
        elif message.package.part(ref) is None and not alone:
            yield Finding(
                "HDR-018",
                observed=ref,
                expected=Text("een MIME-onderdeel met deze Content-ID", "a MIME part with this Content-ID"),
                where=place,
                line=line,
            )
    if alone and message.references:
        yield NotRun(
            "HDR-018",
            Text("alleen de envelop is opgegeven, zonder bijlagen", "only the envelope was given, without attachments"),
        )
    for part in message.package.attachments:
        if part.content_id and part.content_id not in listed and message.kind == "message":
            yield Finding(
                "HDR-018",
                case="unlisted",
                observed=f"<{part.content_id}>",
                expected="Manifest/Reference",
                where=place,
                line=line,
            )


@TABLE.rule("HDR-019")
def two_parties(case: Received, ctx: Context) -> Verdicts:
    """A message goes from one party to another."""
    sent = {p.trimmed for p in case.message.from_parties}
    if sent and sent & {p.trimmed for p in case.message.to_parties}:
        place, line = place_of(child(case.message.header, "To"))
        yield Finding(
            "HDR-019",
            observed=case.message.to_parties[0].value.strip(),
            expected=Text("een andere partij dan From", "another party than From"),
            where=place,
            line=line,
        )


@TABLE.rule("HDR-020")
def description_language(case: Received, ctx: Context) -> Verdicts:
    """XSD: a Description says its language; inside an ErrorList ERR-008 owns it."""
    for node in descriptions(case.message.envelope):
        if any(is_eb(a, "ErrorList") for a in node.iterancestors()):
            continue
        place, line = place_of(node)
        yield Finding("HDR-020", observed="Description", expected='xml:lang="…"', where=place, line=line)


def nearest_signal(case: Received) -> str:
    """Return the MSH action that an unknown action of the MSH service most likely means, or an empty string."""
    import difflib

    action = case.message.action
    if case.message.service != MSH_SERVICE or action in SIGNALS or not action:
        return ""
    lower = {s.lower(): s for s in SIGNALS}
    found = difflib.get_close_matches(action.strip().lower(), list(lower), 1, 0.6)
    return lower[found[0]] if found else ""
