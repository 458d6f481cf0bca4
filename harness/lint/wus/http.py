"""WUS-HTTP: what SOAP 1.1 over HTTP asks of the request line, the status and the headers."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context
from harness.lint.wus.message import Message, declared_encoding, found
from harness.lint.wus.table import ABSENT, rule
from harness.model import Finding, NotRun, Text
from harness.wire import mtom
from harness.wire.soap import SOAP12

Verdicts = Iterator[Finding | NotRun]
SHOWN = 300
LAST = 2048
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]*)?\r\n")
_LAST_CHUNK = re.compile(rb"(?:\A|\r\n)0+[ \t]*(?:;[^\r\n]*)?(?:\r\n|\Z)")


@rule("WUS-HTTP-001")
def posted_without_redirect(msg: Message, ctx: Context) -> Verdicts:
    """A request is a POST over HTTP/1.1, and nobody sends it elsewhere (BP R1132, R1130)."""
    if msg.http is None:
        return
    start = msg.http.start
    status = msg.http.status
    if status is None:
        method, _, version = start.partition(" ")[0], None, start.rpartition(" ")[2]
        if method != "POST":
            yield found("WUS-HTTP-001", observed=method, expected="POST", place="HTTP")
        elif version != "HTTP/1.1":
            yield found("WUS-HTTP-001", observed=version, expected="HTTP/1.1", place="HTTP")
    elif _redirects(status):
        to = msg.http.get("location")
        yield found("WUS-HTTP-001", observed=f"HTTP {status} → {to}" if to else f"HTTP {status}", place="HTTP")


def _redirects(status: int) -> bool:
    return 300 <= status < 400 and status != 304


@rule("WUS-HTTP-002")
def content_type_is_text_xml(msg: Message, ctx: Context) -> Verdicts:
    """The Content-Type is text/xml, or multipart/related for MTOM (SOAP 1.1 §6, BP R1012)."""
    if msg.http is None or (not msg.body and msg.http.status is not None):
        return
    value = msg.http.get("content-type")
    media = mtom.content_type(value)[0]
    if media in ("text/xml", "multipart/related"):
        return
    observed = Text(f"{value} (hoort bij SOAP 1.2)", f"{value} (belongs to SOAP 1.2)")
    yield found(
        "WUS-HTTP-002",
        observed=observed if media == "application/soap+xml" else value or ABSENT,
        expected="text/xml; charset=utf-8",
        place="HTTP Content-Type",
    )


@rule("WUS-HTTP-003", "WUS-HTTP-010")
def charset_is_given_and_true(msg: Message, ctx: Context) -> Verdicts:
    """The charset parameter stands in the header and equals the XML declaration (RFC 3023)."""
    if msg.http is None:
        return
    value = msg.http.get("content-type")
    media, parameters = mtom.content_type(value)
    if media != "text/xml":
        return
    charset = parameters.get("charset", "").strip().lower()
    if not charset:
        yield found("WUS-HTTP-003", observed=value, expected="text/xml; charset=utf-8", place="HTTP Content-Type")
        return
    declared = declared_encoding(msg.xml_bytes)
    if declared and _same(declared) != _same(charset):
        yield found("WUS-HTTP-010", observed=f"charset={charset}, encoding={declared}", place="HTTP Content-Type")


def _same(name: str) -> str:
    return name.lower().replace("_", "-").replace("utf8", "utf-8")


@rule("WUS-HTTP-004", "WUS-HTTP-005")
def soap_action_is_quoted_and_equal(msg: Message, ctx: Context) -> Verdicts:
    """SOAPAction is quoted, and empty or exactly wsa:Action (KWUS WS002, BP R1109)."""
    if msg.http is None or msg.http.status is not None or not msg.is_request:
        return
    names = [name for name, _ in msg.http.headers]
    if "soapaction" not in names:
        yield found("WUS-HTTP-004", observed=ABSENT, expected='"" of "<wsa:Action>"', place="HTTP SOAPAction")
        return
    value = msg.http.get("soapaction")
    if not (len(value) >= 2 and value[0] == value[-1] == '"'):
        yield found("WUS-HTTP-004", observed=value or "(leeg)", expected=f'"{value}"', place="HTTP SOAPAction")
    elif value == '"None"':
        yield found("WUS-HTTP-004", observed=value, expected='""', place="HTTP SOAPAction")
    plain = value.strip('"')
    action = msg.envelope.action if msg.envelope is not None else ""
    if plain and plain != "None" and action and plain != action:
        yield found("WUS-HTTP-005", observed=plain, expected=action, place="HTTP SOAPAction")


@rule("WUS-HTTP-006", "WUS-HTTP-007")
def status_fits_the_answer(msg: Message, ctx: Context) -> Verdicts:
    """A normal answer has status 200, a fault 500 (BP R1124, R1126); the status alone never decides."""
    if msg.http is None or msg.http.status is None:
        return
    status = msg.http.status
    if msg.envelope is None:
        if status in (202, 204) or (status == 200 and not msg.body.strip()):
            observed = Text(f"HTTP {status} zonder antwoordbericht", f"HTTP {status} without an answer")
            yield found("WUS-HTTP-006", observed=observed, expected="HTTP 200", place="HTTP")
        return
    if msg.is_fault:
        if status != 500:
            yield found("WUS-HTTP-007", observed=f"HTTP {status} + soap:Fault", expected="HTTP 500", place="HTTP")
    elif status != 200 and not 300 <= status < 400:
        yield found("WUS-HTTP-006", observed=f"HTTP {status}", expected="HTTP 200", place="HTTP")


@rule("WUS-HTTP-008")
def the_answer_is_a_soap_message(msg: Message, ctx: Context) -> Verdicts:
    """An answer without an envelope is of the transport: a proxy, a web server, another service (BP R1113)."""
    if msg.http is None or msg.http.status is None or msg.envelope is not None:
        return
    if (
        msg.broken is not None
        and msg.broken.case != "empty"
        and not msg.is_html
        and b"Envelope" in msg.xml_bytes[:4096]
    ):
        return
    if msg.root is not None and msg.root.tag == f"{{{SOAP12}}}Envelope":
        return
    if (msg.http.status in (202, 204) or _redirects(msg.http.status)) and not msg.body.strip():
        return
    yield found(
        "WUS-HTTP-008",
        observed=_what(msg),
        expected=Text("een SOAP-bericht of een soap:Fault", "a SOAP message or a soap:Fault"),
        place="HTTP",
    )


def _what(msg: Message) -> str:
    status = msg.http.status if msg.http else None
    begin = re.sub(r"\s+", " ", msg.body[:SHOWN].decode("utf-8", "replace")).strip()
    return f"HTTP {status}: {begin}" if begin else f"HTTP {status}"


@rule("WUS-HTTP-009")
def no_session_is_needed(msg: Message, ctx: Context) -> Verdicts:
    """The service sets no cookie (BP R1121)."""
    if msg.http is not None and msg.http.status is not None and msg.http.get("set-cookie"):
        name = msg.http.get("set-cookie").partition("=")[0]
        yield found("WUS-HTTP-009", observed=f"Set-Cookie: {name}=…", place="HTTP Set-Cookie")


@rule("WUS-HTTP-011")
def the_body_is_complete(msg: Message, ctx: Context) -> Verdicts:
    """The body is as long as the header says, and no 100-continue is leaned on."""
    if msg.http is None:
        return
    length = msg.http.get("content-length")
    if _LENGTH.fullmatch(length) and int(length) != len(msg.raw.data) and not msg.http.get("transfer-encoding"):
        yield found("WUS-HTTP-011", observed=str(len(msg.raw.data)), expected=f"Content-Length: {length}", place="HTTP")
    if "chunked" in msg.http.get("transfer-encoding").lower() and _breaks_off(msg.raw.data):
        observed = Text("het laatste blok ontbreekt", "the last chunk is absent")
        yield found("WUS-HTTP-011", observed=observed, expected="0", place="HTTP Transfer-Encoding")
    version = msg.http.start.partition(" ")[0]
    if msg.http.status is not None and version != "HTTP/1.1":
        yield found("WUS-HTTP-011", observed=version, expected="HTTP/1.1", place="HTTP")
    if msg.http.get("expect").lower() == "100-continue":
        yield found("WUS-HTTP-011", observed="Expect: 100-continue", place="HTTP Expect")


def _breaks_off(data: bytes) -> bool:
    """Whether chunked coding begins and does not end; a capture may have been put together already."""
    return bool(_CHUNK.match(data)) and not _LAST_CHUNK.search(data[-LAST:])
