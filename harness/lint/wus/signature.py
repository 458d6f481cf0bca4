"""WUS-SEC-030 to 051: what the signature covers, whether it holds, which part changed, and its clock."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.security import weak_algorithms
from harness.lint.wus.table import ABSENT, ENCRYPTED, GATEWAY, NO_REQUEST, rule
from harness.model import Finding, NotRun, Text
from harness.wire.soap import WSSE11, WSU, display, elements, local, text
from harness.wire.wss_verify import Part

Verdicts = Iterator[Finding | NotRun]
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_NO_KEY: Final = Text(
    "het certificaat van de ondertekenaar is niet te lezen", "the certificate of the signer cannot be read"
)


@rule("WUS-SEC-030", "WUS-SEC-035")
def the_signature_holds(msg: Message, ctx: Context) -> Verdicts:
    """Every digest and the signature value verify with the key of the token (KWUS WB013); what changed is named."""
    seen = msg.examination
    if seen is None or msg.signature is None:
        return
    if not seen.signs:
        if elements(msg.signature):  # an empty ds:Signature is said by WUS-SEC-010
            yield found("WUS-SEC-030", msg.signature, observed=ABSENT, expected="ds:SignedInfo")
        return
    changed = seen.changed
    for part in changed:
        yield found("WUS-SEC-035", part.node, observed=_changed(part), expected=Text("ongewijzigd", "unchanged"))
    if weak_algorithms(msg) and not _weak_is_tolerated(msg):
        observed = Text("niet aanvaard: zwak algoritme", "not accepted: weak algorithm")
        yield found("WUS-SEC-030", msg.signature, observed=observed, case="weak", related=("WUS-SEC-020",))
    if changed:
        names = ", ".join(part.name for part in changed)
        intact = len(seen.parts) - len(changed)
        observed = Text(
            f"gewijzigd na het ondertekenen: {names} ({intact} van {len(seen.parts)} onderdelen kloppen)",
            f"changed after signing: {names} ({intact} of {len(seen.parts)} parts fit)",
        )
        yield found("WUS-SEC-030", changed[0].element, observed=observed, related=("WUS-SEC-035",))
    if seen.value_holds is False:
        observed = Text(
            "SignatureValue past niet bij SignedInfo en het certificaat",
            "SignatureValue does not fit SignedInfo and the certificate",
        )
        yield found("WUS-SEC-030", msg.signature, observed=observed)
    elif seen.value_holds is None:
        readable = msg.token is not None and msg.token.certificate is not None
        yield NotRun("WUS-SEC-030", _unsupported(seen.method) if readable else _NO_KEY)
    elif not changed and any(part.intact is None and len(part.nodes) == 1 for part in seen.parts):
        yield NotRun("WUS-SEC-030", ENCRYPTED if msg.encrypted else _unknown(seen.parts))


def _unsupported(method: str) -> Text:
    return Text(f"algoritme {method} wordt niet nagerekend", f"algorithm {method} is not computed")


def _weak_is_tolerated(msg: Message) -> bool:
    return msg.service.sha1 == "tolerated" and all(name in ("rsa-sha1", "sha1") for name in weak_algorithms(msg))


def _unknown(parts: tuple[Part, ...]) -> Text:
    names = ", ".join(part.name for part in parts if part.intact is None)
    return Text(f"niet te berekenen: {names}", f"cannot be computed: {names}")


def _changed(part: Part) -> Text:
    cause = part.cause
    return Text(
        f"{part.name}; {cause.nl}" if cause.nl else part.name, f"{part.name}; {cause.en}" if cause.en else part.name
    )


@rule("WUS-SEC-031")
def every_reference_leads_to_one_element(msg: Message, ctx: Context) -> Verdicts:
    """Every reference leads to exactly one element: two under one Id is signature wrapping."""
    for part in msg.examination.parts if msg.examination is not None else ():
        if part.uri.startswith("#") and len(part.uri) > 1 and len(part.nodes) != 1:
            observed = f"{part.uri}: {len(part.nodes)}"
            yield found("WUS-SEC-031", part.element, observed=observed, expected="1")


@rule("WUS-SEC-032")
def the_body_in_use_is_signed(msg: Message, ctx: Context) -> Verdicts:
    """The Body at its own position is among the signed nodes, not a Body elsewhere (KWUS WB004)."""
    seen = msg.examination
    if seen is None or msg.envelope is None or not seen.signs or not msg.signed:
        return
    body = msg.envelope.body
    if body is None or seen.covers(body):
        return
    elsewhere = [node for node in seen.covered if node is not body and node.tag == body.tag]
    observed = Text("niet ondertekend", "not signed")
    if elsewhere:
        observed = Text(
            "ondertekend is een andere Body, op een andere plaats (signature wrapping)",
            "another Body in another place is signed (signature wrapping)",
        )
    yield found("WUS-SEC-032", body, observed=observed, expected="/soapenv:Envelope/soapenv:Body")


@rule("WUS-SEC-033")
def the_timestamp_is_signed(msg: Message, ctx: Context) -> Verdicts:
    """The Security header has a Timestamp and it is signed (KWUS WB002, WB004)."""
    seen = msg.examination
    if seen is None or msg.envelope is None or not seen.signs or not msg.signed:
        return
    stamps = msg.envelope.security[0].findall(f"{{{WSU}}}Timestamp")
    if not stamps:
        yield found("WUS-SEC-033", msg.envelope.security[0], observed=ABSENT, expected="wsu:Timestamp")
    elif not seen.covers(stamps[0]):
        yield found("WUS-SEC-033", stamps[0], observed=Text("niet ondertekend", "not signed"))


@rule("WUS-SEC-034")
def every_addressing_header_is_signed(msg: Message, ctx: Context) -> Verdicts:
    """Every wsa header has its own reference (KWUS WB004)."""
    seen = msg.examination
    if seen is None or msg.envelope is None or not seen.signs or not msg.signed:
        return
    bare = [block for blocks in msg.envelope.addressing.values() for block in blocks if not seen.covers(block)]
    if bare:
        names = ", ".join(display(block) for block in bare)
        observed = Text(f"niet ondertekend: {names}", f"not signed: {names}")
        yield found("WUS-SEC-034", bare[0], observed=observed)


@rule("WUS-SEC-036")
def the_signature_does_not_cover_itself(msg: Message, ctx: Context) -> Verdicts:
    """No reference leads to the signature or to something around it."""
    if msg.examination is None or msg.signature is None:
        return
    around = [msg.signature, *msg.signature.iterancestors()]
    for part in msg.examination.parts:
        if part.node is not None and any(part.node is node for node in around):
            yield found("WUS-SEC-036", part.element, observed=part.name)


def moment(value: str) -> datetime | None:
    """Return the instant in a wsu:Created or wsu:Expires, or None."""
    match = _INSTANT.fullmatch(value)
    if match is None:
        return None
    try:
        fraction = (match[2] or "")[:7]
        return datetime.fromisoformat(match[1] + fraction + (match[3] or "+00:00").replace("Z", "+00:00"))
    except ValueError:
        return None


def _stamps(msg: Message) -> list[etree._Element]:
    if msg.envelope is None:
        return []
    return [stamp for header in msg.envelope.security for stamp in header.findall(f"{{{WSU}}}Timestamp")]


@rule("WUS-SEC-040", "WUS-SEC-041", "WUS-SEC-042")
def the_clock_is_right(msg: Message, ctx: Context) -> Verdicts:
    """Created is there, in UTC, and not in the future; Expires is not in the past (KWUS WB002; BSP R3203, R3217)."""
    stamps = _stamps(msg)
    if not stamps:
        return
    created, expires = stamps[0].find(f"{{{WSU}}}Created"), stamps[0].find(f"{{{WSU}}}Expires")
    yield from _utc(stamps[0], created, needed=True)
    yield from _utc(stamps[0], expires, needed=False)
    skew = timedelta(seconds=msg.skew)
    since, until = moment(text(created)), moment(text(expires))
    if since is not None and since > ctx.at + skew:
        yield found(
            "WUS-SEC-041",
            created,
            observed=_difference(text(created), since, ctx.at),
            expected=f"≤ {ctx.at:%Y-%m-%dT%H:%M:%SZ}",
        )
    if until is not None and until < ctx.at - skew:
        yield found(
            "WUS-SEC-042",
            expires,
            observed=_difference(text(expires), until, ctx.at),
            expected=f"≥ {ctx.at:%Y-%m-%dT%H:%M:%SZ}",
        )
    elif since is not None and until is not None and until < since:
        yield found("WUS-SEC-042", expires, observed=text(expires), expected=f"> {text(created)}")


def _utc(stamp: etree._Element, element: etree._Element | None, *, needed: bool) -> Verdicts:
    if element is None:
        if needed:
            yield found("WUS-SEC-040", stamp, observed=ABSENT, expected="wsu:Created")
        return
    value = text(element)
    if moment(value) is None or not value.endswith("Z"):
        yield found(
            "WUS-SEC-040", element, observed=value or Text("leeg", "empty"), expected="2026-11-21T20:00:00.000Z"
        )


def _difference(value: str, when: datetime, now: datetime) -> Text:
    seconds = abs(int((when - now).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    span = f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
    if when > now:
        return Text(f"{value} ({span} in de toekomst)", f"{value} ({span} in the future)")
    return Text(f"{value} ({span} geleden)", f"{value} ({span} ago)")


@rule("WUS-SEC-043")
def the_timestamp_has_its_form(msg: Message, ctx: Context) -> Verdicts:
    """One Timestamp with one Created and then at most one Expires, at most three decimals (BSP R3227, R3221, R3220)."""
    stamps = _stamps(msg)
    if len(stamps) > 1:
        yield found("WUS-SEC-043", stamps[1], observed=f"{len(stamps)} × wsu:Timestamp", expected="1")
    for stamp in stamps:
        names = [local(child) for child in elements(stamp)]
        if names not in (["Created"], ["Created", "Expires"], []) and "Created" in names:
            yield found("WUS-SEC-043", stamp, observed=", ".join(names), expected="Created, Expires?")
        for child in elements(stamp):
            match = _INSTANT.fullmatch(text(child))
            if match and match[2] and len(match[2]) > 4:
                yield found(
                    "WUS-SEC-043",
                    child,
                    observed=text(child),
                    expected=Text("hoogstens 3 decimalen", "3 decimals at most"),
                )


@rule("WUS-SEC-050", "WUS-SEC-051")
def the_answer_confirms_the_signature(msg: Message, ctx: Context) -> Verdicts:
    """The answer repeats our SignatureValue in a signed SignatureConfirmation (KWUS WB014, WSS 1.1 §8.5)."""
    if msg.envelope is None or msg.is_request or not msg.signed or not msg.envelope.signatures:
        return
    security = msg.envelope.security[0]
    confirmations = security.findall(f"{{{WSSE11}}}SignatureConfirmation")
    yield from _confirmed_safely(msg, confirmations)
    request = msg.companions.request
    if request is None or msg.behind_gateway:
        yield NotRun("WUS-SEC-050", GATEWAY if msg.behind_gateway else NO_REQUEST)
        return
    own = request.signature_value
    values = ["".join((c.get("Value") or "").split()) for c in confirmations]
    if not confirmations:
        case = "fault" if msg.is_fault else ""
        yield found("WUS-SEC-050", security, observed=ABSENT, expected="wsse11:SignatureConfirmation", case=case)
    elif own and own not in values:
        observed = Text(f"van een ander bericht: {values[0][:24]}…", f"of another message: {values[0][:24]}…")
        yield found("WUS-SEC-050", confirmations[0], observed=observed, expected=f"{own[:24]}…")


def _confirmed_safely(msg: Message, confirmations: list[etree._Element]) -> Verdicts:
    seen = msg.examination
    if seen is None or msg.signature is None or msg.envelope is None or not seen.signs:
        return
    order = elements(msg.envelope.security[0])
    for confirmation in confirmations:
        if not seen.covers(confirmation):
            yield found("WUS-SEC-051", confirmation, observed=Text("niet ondertekend", "not signed"))
        elif order.index(confirmation) > order.index(msg.signature):
            observed = Text("staat na de handtekening", "stands after the signature")
            yield found("WUS-SEC-051", confirmation, observed=observed, case="order")
