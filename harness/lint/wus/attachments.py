"""WUS-MTOM: attachments beside the envelope, and whether they come back byte for byte."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.table import ABSENT, NO_WSDL, rule
from harness.model import Finding, NotRun, Text
from harness.wire import mtom, wss_verify, xml
from harness.wire.soap import Envelope

Verdicts = Iterator[Finding | NotRun]
PLACE = "HTTP Content-Type"
_LENGTH = re.compile(r"[0-9]{1,15}")


def _multipart(msg: Message) -> dict[str, str] | None:
    if msg.http is None:
        return None
    media, parameters = mtom.content_type(msg.http.get("content-type"))
    return parameters if media == "multipart/related" else None


@rule("WUS-MTOM-001")
def the_content_type_is_of_mtom(msg: Message, ctx: Context) -> Verdicts:
    """multipart/related with type application/xop+xml, start, start-info text/xml and boundary (XOP, MTOM for SOAP 1.1)."""
    parameters = _multipart(msg)
    if parameters is None:
        if msg.http is not None and msg.root is not None and next(msg.root.iter(mtom.INCLUDE), None) is not None:
            yield found(
                "WUS-MTOM-001",
                next(msg.root.iter(mtom.INCLUDE)),
                observed=msg.http.get("content-type"),
                expected="multipart/related",
            )
        return
    if msg.package_broken is not None:
        yield found("WUS-MTOM-001", observed=msg.package_broken.text, place=PLACE)
        return
    kind = parameters.get("type", "")
    if kind.lower() != "application/xop+xml":
        yield found("WUS-MTOM-001", observed=f"type={kind or '–'}", expected='type="application/xop+xml"', place=PLACE)
    start = parameters.get("start", "").strip("<>")
    if start and msg.package is not None and msg.package.root.content_id != start:
        yield found(
            "WUS-MTOM-001", observed=f"start=<{start}>", expected=f"<{msg.package.root.content_id}>", place=PLACE
        )
    elif not start:
        yield found(
            "WUS-MTOM-001",
            observed=Text("geen start", "no start"),
            expected='start="<…>"',
            place=PLACE,
            case="optional",
        )
    info = parameters.get("start-info", "")
    if mtom.content_type(info)[0] != "text/xml":
        case = "" if info else "optional"
        yield found(
            "WUS-MTOM-001",
            observed=f"start-info={info or '–'}",
            expected='start-info="text/xml"',
            place=PLACE,
            case=case,
        )


@rule("WUS-MTOM-002")
def the_root_part_is_xop(msg: Message, ctx: Context) -> Verdicts:
    """The root part is application/xop+xml with charset utf-8 and type text/xml."""
    if msg.package is None:
        return
    value = msg.package.root.get("content-type")
    media, parameters = mtom.content_type(value)
    kind = mtom.content_type(parameters.get("type", ""))[0]
    charset = parameters.get("charset", "utf-8").lower()
    if media != "application/xop+xml" or kind != "text/xml" or charset not in ("utf-8", "utf8"):
        yield found("WUS-MTOM-002", observed=value or ABSENT, expected=mtom.ROOT_TYPE, place="MIME Content-Type")


@rule("WUS-MTOM-003", "WUS-MTOM-004")
def every_include_has_its_part(msg: Message, ctx: Context) -> Verdicts:
    """Every xop:Include leads to exactly one part, no part is left over, and Include is the only child (XOP §3, §4)."""
    outcome = msg.inlined
    if outcome is None:
        return
    for href in outcome.missing:
        yield found(
            "WUS-MTOM-003",
            observed=href or ABSENT,
            expected=Text("een deel met deze Content-ID", "a part with this Content-ID"),
        )
    for href in outcome.doubled:
        yield found("WUS-MTOM-003", observed=Text(f"{href}: meer dan één deel", f"{href}: more than one part"))
    for name in outcome.orphans:
        observed = Text(f"deel zonder verwijzing: {name}", f"part that nothing refers to: {name}")
        yield found("WUS-MTOM-003", observed=observed, case="orphan")
    for name in outcome.misplaced:
        observed = Text(f"<{name}> heeft meer inhoud dan xop:Include", f"<{name}> holds more than xop:Include")
        yield found("WUS-MTOM-004", observed=observed)


@rule("WUS-MTOM-005")
def signed_over_the_base64(msg: Message, ctx: Context) -> Verdicts:
    """The digest is over the base64 text, not over the message with xop:Include (MTOM §2)."""
    if msg.package is None or msg.examination is None or not msg.examination.changed:
        return
    try:
        bare = Envelope(xml.parse(msg.package.root.data, huge=True))
    except xml.XmlBroken:
        return
    if len(bare.signatures) != 1 or msg.token is None:
        return
    as_sent = wss_verify.examine(bare, bare.signatures[0], msg.token.certificate)
    before = {part.uri for part in as_sent.parts if part.intact}
    for part in msg.examination.changed:
        if part.uri in before:
            observed = Text(
                f"{part.name} is ondertekend met xop:Include erin", f"{part.name} was signed with xop:Include inside"
            )
            yield found("WUS-MTOM-005", part.node, observed=observed)


@rule("WUS-MTOM-006")
def the_parts_are_whole(msg: Message, ctx: Context) -> Verdicts:
    """Every part arrived whole: the closing boundary is there and lengths fit."""
    if msg.package is None:
        return
    if not msg.package.closed:
        yield found(
            "WUS-MTOM-006",
            observed=Text("de afsluitende boundary ontbreekt", "the closing boundary is absent"),
            place="MIME",
        )
    for part in msg.package.parts:
        length = part.get("content-length")
        if _LENGTH.fullmatch(length) and int(length) != len(part.view):
            yield found("WUS-MTOM-006", observed=f"{part.content_id}: {len(part.view)}", expected=length, place="MIME")
        if (
            part.get("content-transfer-encoding").lower() == "base64"
            and re.fullmatch(rb"[\sA-Za-z0-9+/=]*", part.data)
            and part.view[:4]
            and len(part.view) % 4
        ):
            yield found("WUS-MTOM-006", observed=f"{part.content_id}: base64", place="MIME")


@rule("WUS-MTOM-007")
def mtom_only_where_offered(msg: Message, ctx: Context) -> Verdicts:
    """MTOM is used only when the provider offers it in its policy (KWUS WM001)."""
    if msg.package is None or not msg.is_request:
        return
    if msg.companions.wsdls:
        if not any(wsdl.offers_mtom for wsdl in msg.companions.wsdls):
            yield found("WUS-MTOM-007", observed="MTOM", expected="wsp: OptimizedMimeSerialization", place=PLACE)
    elif msg.service.known and msg.service.mtom == "no":
        yield found("WUS-MTOM-007", observed="MTOM", expected=msg.service.title, place=PLACE)
    elif not msg.service.known:
        yield NotRun("WUS-MTOM-007", NO_WSDL)
