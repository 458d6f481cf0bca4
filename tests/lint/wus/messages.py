"""One healthy exchange to deviate from: each test changes one thing and says which rule that must give."""

from functools import cache

from lxml import etree

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.lint.kinds import split_http
from harness.model import Environment
from harness.wire import soap, wss
from tests.wus_keys import NOW, OWN_OIN, THEIR_OIN, holders

T = "urn:ketentest:stub:profielservice:types:v1"
W = "urn:ketentest:stub:profielservice:wsdl:v1:controleerAccount"
REQUEST_ID = "urn:uuid:6f1d9c52-8a8b-4c5e-9d0e-0a6f3f1c2b11"
S = f"{{{soap.SOAP}}}"
WSA = f"{{{soap.WSA}}}"
WSSE = f"{{{soap.WSSE}}}"
WSU = f"{{{soap.WSU}}}"
DS = f"{{{soap.DS}}}"


def payload(text):
    return etree.fromstring(text)


def ask(before=None, *, recipe=wss.DIGIKOPPELING, signer="own", signed=True, at=NOW):
    """The signed request; `before` changes the envelope before signing."""
    body = payload(f'<controleerAccount xmlns="{T}"><bsn>999990019</bsn></controleerAccount>')
    envelope = soap.build(
        body,
        soap.Addressing(
            to=f"https://lab.ketentest.invalid/wus/profiel?OIN={THEIR_OIN}",
            action=W + "Request",
            message_id=REQUEST_ID,
            sender=f"https://gemeente.example.nl?OIN={OWN_OIN}",
            reply_to=soap.ANONYMOUS,
        ),
    )
    if before:
        before(envelope)
    if signed:
        wss.sign(envelope, holders()[signer].signer, at=at, recipe=recipe)
    return envelope


@cache
def asked():
    """The one request that every answer belongs to."""
    return soap.to_bytes(ask())


def answer(before=None, *, recipe=wss.DIGIKOPPELING, signer="theirs", signed=True, at=NOW, confirm=None, body=None):
    """The signed answer; `before` changes the envelope before signing."""
    text = body or (
        f'<controleerAccountResponse xmlns="{T}"><bsn>999990019</bsn><heeftAccount>true</heeftAccount>'
        "</controleerAccountResponse>"
    )
    envelope = soap.build(payload(text), soap.Addressing(action=W + "Response", relates_to=REQUEST_ID))
    if before:
        before(envelope)
    if signed:
        value = soap.read(asked()).signature_value if confirm is None else confirm
        wss.sign(envelope, holders()[signer].signer, at=at, confirm=value or None, recipe=recipe)
    return envelope


def fault(code="Client", *, qualified=False, detail=True, **kwargs):
    """The signed fault."""
    inner = payload(
        f'<t:stubFout xmlns:t="{T}"><t:code>0004</t:code><t:omschrijving>fout</t:omschrijving></t:stubFout>'
    )

    def swap(envelope):
        body = envelope.find(S + "Body")
        body.remove(body[0])
        body.append(soap.fault(code, "Algemene fout", detail=inner if detail else None))
        if qualified:
            for child in body[0]:
                child.tag = S + child.tag

    return answer(swap, **kwargs)


def request_head(length, *, content_type=soap.MEDIA_TYPE, action='""', start="POST /wus/profiel HTTP/1.1", more=""):
    lines = f"{start}\r\nHost: lab.ketentest.invalid\r\nContent-Type: {content_type}\r\n"
    lines += f"SOAPAction: {action}\r\n" if action is not None else ""
    return f"{lines}{more}Content-Length: {length}\r\n\r\n".encode()


def answer_head(length, *, status="200 OK", content_type=soap.MEDIA_TYPE, more=""):
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"HTTP/1.1 {status}\r\n{kind}{more}Content-Length: {length}\r\n\r\n".encode()


def raw_of(envelope):
    return envelope if isinstance(envelope, bytes) else soap.to_bytes(envelope)


def judged(envelope, role, *, head=None, profile="2W-be-S", companions=(), service="", settings=None, **options):
    """Judge the message and return {(rule, severity)}, with the reasons for what did not run."""
    data = raw_of(envelope)
    if head is None:
        head = (
            request_head(len(data))
            if role == "request"
            else answer_head(len(data), status="500 X" if role == "fault" else "200 OK")
        )
    beside = [Raw(holders()["tsp"].pem, "tsp.pem")]
    if role != "request":
        beside.append(Raw(asked(), "vraag.xml"))
    beside += [Raw(split_http(c)[1], name, split_http(c)[0]) for name, c in companions]
    ctx = Context(
        at=options.pop("at", NOW),
        environment=options.pop("environment", Environment.PREPROD),
        role=role,
        profile=profile,
        service=service,
        trust=(holders()["root"].pem,),
        companions=tuple(beside),
        settings={k: (v,) for k, v in (settings or {}).items()},
    )
    return judge_bytes(head + data, "bericht.http", ctx, "soap-message")


def rules(document):
    """Return the rules that were found, with their severity."""
    return {g.finding.rule: str(g.severity) for g in reversed(document.findings)}


def loud(document):
    """Return the rules above information."""
    return {g.finding.rule for g in document.findings if str(g.severity) != "info"}
