"""Judge how an ebMS message travels over HTTP: method, Content-Type, SOAPAction, MIME package, status (HTTP)."""

from collections import Counter

from harness.lint.ebms.received import INCOMING, Received
from harness.lint.judge import Context, HttpHead, RuleTable, Verdicts
from harness.model import Finding, NotRun, Text
from harness.wire.ebms import SOAP_ACTION
from harness.wire.ebms_mime import read_media_type

TABLE: RuleTable[Received] = RuleTable()
NO_HEAD = Text("het bericht is zonder HTTP-kop vastgelegd", "the message was captured without its HTTP head")
_RETRY = (408, 429, 503)
_WRONG_PACKAGE = {
    "no-boundary": Text("multipart zonder boundary in Content-Type", "multipart without a boundary in Content-Type"),
    "boundary-unused": Text("de boundary komt in de body niet voor", "the boundary does not occur in the body"),
    "not-multipart": Text(
        "multipart/related aangekondigd, de body is één XML-document",
        "multipart/related announced, the body is one XML document",
    ),
    "not-closed": Text(
        "de laatste boundary ontbreekt; het bericht is afgekapt",
        "the closing boundary is missing; the message is cut off",
    ),
    "start-unknown": Text("start wijst naar een onderdeel dat er niet is", "start names a part that is not there"),
    "root-not-xml": Text("het eerste onderdeel is geen XML", "the first part is not XML"),
    "other-type": Text("type is niet text/xml", "type is not text/xml"),
    "no-type": Text("parameter type ontbreekt", "parameter type is missing"),
    "too-many-parts": Text("meer dan 1.000 onderdelen", "more than 1,000 parts"),
}


@TABLE.rule("HTTP-001")
def posted(case: Received, ctx: Context) -> Verdicts:
    """EBMS B.2.2: an ebMS message is sent with POST."""
    if case.http is None:
        yield NotRun("HTTP-001", NO_HEAD)
        return
    method = case.http.start.partition(" ")[0]
    if case.http.status is None and method != "POST":
        yield Finding("HTTP-001", observed=method, expected="POST", where="HTTP")


@TABLE.rule("HTTP-002")
def content_type(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.1.2 and B.2.2: text/xml without payload, multipart/related with one."""
    if case.http is None:
        yield NotRun("HTTP-002", NO_HEAD)
        return
    if not case.message.raw.strip() or _failed(case.http):
        return
    value = case.http.get("content-type")
    name = read_media_type(value).name
    if name not in ("text/xml", "multipart/related"):
        yield Finding(
            "HTTP-002",
            observed=value or "-",
            expected='text/xml, multipart/related; type="text/xml"',
            where="Content-Type",
        )
    elif name == "text/xml" and case.message.references:
        yield Finding("HTTP-002", case="payload", observed=value, expected="multipart/related", where="Content-Type")


def _failed(head: HttpHead) -> bool:
    return head.status is not None and head.status >= 300


@TABLE.rule("HTTP-003")
def charset(case: Received, ctx: Context) -> Verdicts:
    """KVS charset: UTF-8."""
    if case.http is None:
        yield NotRun("HTTP-003", NO_HEAD)
        return
    media = read_media_type(case.http.get("content-type"))
    root = case.message.package.root
    stated = media.get("charset") if not media.is_multipart or root is None else root.media_type.get("charset")
    if stated and stated.lower() not in ("utf-8", "utf8"):
        yield Finding("HTTP-003", observed=f"charset={stated}", expected="charset=UTF-8", where="Content-Type")
    elif stated.lower() == "utf8":
        yield Finding(
            "HTTP-003", case="alias", observed=f"charset={stated}", expected="charset=UTF-8", where="Content-Type"
        )
    elif not stated and case.is_request and case.message.envelope is not None:
        yield Finding(
            "HTTP-003",
            case="absent",
            observed=case.http.get("content-type"),
            expected="charset=UTF-8",
            where="Content-Type",
        )


@TABLE.rule("HTTP-004")
def soap_action(case: Received, ctx: Context) -> Verdicts:
    """KVS HTTP headers: SOAPAction is "ebXML", the quotes are part of it."""
    if case.http is None:
        yield NotRun("HTTP-004", NO_HEAD)
        return
    if case.http.status is not None:
        return
    values = [value for name, value in case.http.headers if name == "soapaction"]
    if values == [SOAP_ACTION]:
        return
    variant = "absent" if not values else "unquoted" if values[0].strip("'\"") == "ebXML" else ""
    yield Finding("HTTP-004", case=variant, observed=", ".join(values) or "-", expected=SOAP_ACTION, where="SOAPAction")


@TABLE.rule("HTTP-005")
def package(case: Received, ctx: Context) -> Verdicts:
    """EBMS 2.1.2: the MIME package can be taken apart, and its root is the SOAP part."""
    found = case.message.package
    if not found.media_type.is_multipart:
        return
    for oddity in found.oddities:
        if oddity in _WRONG_PACKAGE:
            yield Finding(
                "HTTP-005",
                case=oddity,
                observed=_WRONG_PACKAGE[oddity],
                expected='multipart/related; type="text/xml"; boundary; start',
                where="Content-Type",
            )
    root = found.root
    name = root.media_type.name if root is not None else ""
    if name not in ("", "text/xml") and "root-not-xml" not in found.oddities:
        yield Finding("HTTP-005", case="root-type", observed=name, expected="text/xml", where="Content-Type")
    stated = found.media_type.get("type").lower()
    if stated not in ("", "text/xml"):
        yield Finding(
            "HTTP-005", case="other-type", observed=f'type="{stated}"', expected='type="text/xml"', where="Content-Type"
        )


@TABLE.rule("HTTP-006")
def transfer_encoding(case: Received, ctx: Context) -> Verdicts:
    """KVS B.2.2: parts travel as they are, not as base64 or quoted-printable."""
    found = case.message.package
    for part in () if found.root is None else (found.root, *found.attachments):
        if part.transfer_encoding in ("base64", "quoted-printable"):
            yield Finding(
                "HTTP-006", observed=part.transfer_encoding, expected="binary, 8bit, 7bit", where=f"<{part.content_id}>"
            )
        elif part.transfer_encoding not in ("", "binary", "8bit", "7bit"):
            yield Finding(
                "HTTP-006",
                case="unknown",
                observed=part.transfer_encoding,
                expected="binary, 8bit, 7bit",
                where=f"<{part.content_id}>",
            )
    if "cte" in found.oddities:
        yield Finding(
            "HTTP-006",
            case="broken",
            observed=Text("base64 is niet te lezen", "the base64 cannot be read"),
            expected="binary",
        )


@TABLE.rule("HTTP-007")
def content_ids(case: Received, ctx: Context) -> Verdicts:
    """RFC 2392: every part has its own Content-ID, in angle brackets."""
    found = case.message.package
    if not found.media_type.is_multipart or found.root is None:
        return
    parts = (found.root, *found.attachments)
    counted = Counter(p.content_id for p in parts if p.content_id)
    for cid in (c for c, n in counted.items() if n > 1):
        yield Finding(
            "HTTP-007",
            case="double",
            observed=f"{counted[cid]} × <{cid}>",
            expected=Text("elk onderdeel een eigen Content-ID", "a Content-ID of its own on every part"),
        )
    for number, part in enumerate(found.attachments, 2):
        if not part.content_id:
            yield Finding(
                "HTTP-007",
                observed=Text(f"onderdeel {number} heeft geen Content-ID", f"part {number} has no Content-ID"),
                expected="Content-ID: <…@…>",
            )
    for part in parts:
        written = part.get("content-id")
        if written and not (written.startswith("<") and written.endswith(">")):
            yield Finding("HTTP-007", case="brackets", observed=written, expected=f"<{part.content_id}>")


@TABLE.rule("HTTP-008")
def refused(case: Received, ctx: Context) -> Verdicts:
    """KVS HTTP response codes: 3xx and 4xx are errors; a redirect is never followed."""
    status = _status(case)
    if status is None or not 300 <= status < 500 or status in _RETRY:
        return
    head = case.http
    target = head.get("location") if head and 300 <= status < 400 else ""
    variant = "redirect" if status < 400 else "refused" if status in (401, 403) else ""
    observed = f"HTTP {status}" + (f" → {target}" if target else "")
    yield Finding("HTTP-008", case=variant, observed=observed, expected="HTTP 2xx", where="HTTP")


@TABLE.rule("HTTP-009")
def server_error(case: Received, ctx: Context) -> Verdicts:
    """EBMS B.2.3: an HTTP 5xx carries a SOAP Fault."""
    status = _status(case)
    if status is None or status < 500 or status == 503 or case.message.fault or case.message.errors:
        return
    body = case.message.raw.strip()
    variant = "gateway" if status in (502, 504) else "empty" if not body else "other"
    shown = Text("lege body", "empty body") if not body else case.http.get("content-type") if case.http else ""
    text = (
        Text(f"HTTP {status}, {shown.nl}", f"HTTP {status}, {shown.en}")
        if isinstance(shown, Text)
        else f"HTTP {status}, {shown}"
    )
    yield Finding("HTTP-009", case=variant, observed=text, expected="SOAP Fault", where="HTTP")


@TABLE.rule("HTTP-010")
def access_control(case: Received, ctx: Context) -> Verdicts:
    """KVS: access is by the client certificate; no Basic or Digest."""
    if case.http is None:
        return
    asked = case.http.get("www-authenticate")
    given = case.http.get("authorization")
    if asked:
        yield Finding(
            "HTTP-010",
            observed=f"WWW-Authenticate: {asked.split()[0]}",
            expected=Text("alleen tweezijdig TLS", "mutual TLS only"),
            where="HTTP",
        )
    if given.lower().startswith(("basic", "digest")):
        yield Finding(
            "HTTP-010",
            observed=f"Authorization: {given.split()[0]} …",
            expected=Text("alleen tweezijdig TLS", "mutual TLS only"),
            where="HTTP",
        )


@TABLE.rule("HTTP-011")
def retry_later(case: Received, ctx: Context) -> Verdicts:
    """KVS: 503 (and 408, 429) is recoverable: try again later."""
    status = _status(case)
    if status in _RETRY:
        after = case.http.get("retry-after") if case.http else ""
        yield Finding(
            "HTTP-011",
            observed=f"HTTP {status}" + (f", Retry-After: {after}" if after else ""),
            expected="HTTP 2xx",
            where="HTTP",
        )


@TABLE.rule("HTTP-012")
def accepted(case: Received, ctx: Context) -> Verdicts:
    """EBMS B.2.3: an empty 2xx accepts a message and decides nothing; for a Ping PONG-012 says so."""
    if empty_success(case) and case.request is not None and not case.asked_ping:
        yield Finding(
            "HTTP-012",
            observed=f"HTTP {_status(case)}",
            expected=Text("het antwoord volgt later", "the answer comes later"),
            where="HTTP",
        )


@TABLE.rule("HTTP-013")
def extra_headers(case: Received, ctx: Context) -> Verdicts:
    """KVS B.2.2: additional MIME headers are ignored."""
    version = case.http.get("mime-version") if case.http and case.is_request else ""
    if version:
        yield Finding("HTTP-013", observed=f"MIME-Version: {version}", where="HTTP")


@TABLE.rule("HTTP-014")
def upgrade(case: Received, ctx: Context) -> Verdicts:
    """Report an offer of HTTP/2 on clear text, as the Java client makes it; a listener ignores it."""
    offered = case.http.get("upgrade") if case.http else ""
    if offered:
        yield Finding("HTTP-014", observed=f"Upgrade: {offered}", where="HTTP")


@TABLE.rule("HTTP-015")
def length(case: Received, ctx: Context) -> Verdicts:
    """HTTP/1.1: Content-Length is the length of the body; a captured file shows it when a message was cut off."""
    stated = case.http.get("content-length") if case.http else ""
    got = len(case.message.raw)
    if ctx.role == INCOMING or not stated.isascii() or not stated.isdigit() or not got:
        return
    if got < int(stated) and "not-closed" in case.message.package.oddities:
        yield Finding(
            "HTTP-015", case="cut-off", observed=f"{got} bytes", expected=f"Content-Length: {stated}", where="HTTP"
        )


def empty_success(case: Received) -> bool:
    """Whether this is an HTTP 2xx without a body."""
    status = _status(case)
    return status is not None and 200 <= status < 300 and not case.message.raw.strip()


def _status(case: Received) -> int | None:
    return case.http.status if case.http else None
