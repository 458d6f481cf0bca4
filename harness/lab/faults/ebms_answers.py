"""What can go wrong with the answer to a Ping: the Pong, a refusal, the HTTP answer."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from harness.lab.faults.ebms_fault import Edit, Fault, refusing, substituted, swapped
from harness.lab.server import Reply
from harness.lint.ebms.rejection import EMPTY, ERROR, FAULT, Rejection
from harness.model import Text
from harness.wire.ebms import (
    ACKNOWLEDGMENT,
    MESSAGE_ERROR,
    PING,
    PONG,
    SOAP12,
    TO_PARTY_MSH,
    EbmsError,
    moment,
    stamp,
)
from harness.wire.ebms_signature import Recipe
from harness.wire.wss import RSA_SHA1, SHA1


def _pong(rule: str, nl: str, en: str, edit: Edit) -> Fault:
    return Fault(rule, Text(nl, en), PONG, edit)


def _http(
    rule: str, nl: str, en: str, status: int, *headers: tuple[str, str], body: bytes = b"", delay: float = 0.0
) -> Fault:
    return Fault(rule, Text(nl, en), reply=Reply(status, headers, body, delay=delay))


def _error(rule: str, nl: str, en: str, edit: Edit) -> Fault:
    error = EbmsError("ValueNotRecognized", "Error", "//Header/MessageHeader/CPAId", "CPA not found.")
    return Fault(rule, Text(nl, en), MESSAGE_ERROR, edit, refusal=Rejection(ERROR, errors=(error,)))


def _found(envelope: str, name: str) -> str:
    found = re.search(rf"<eb:{name}>([^<]*)<", envelope)
    return found[1] if found else ""


def _older(envelope: str) -> str:
    def earlier(found: re.Match[str]) -> str:
        when = moment(found[1])
        return f"<eb:Timestamp>{stamp((when.at if when else datetime.now(UTC)) - timedelta(hours=2))}<"

    return re.sub(r"<eb:Timestamp>([^<]*)<", earlier, envelope, count=1)


def _as_ack(envelope: str) -> str:
    block = (
        f'<eb:Acknowledgment eb:version="2.0" soap:mustUnderstand="1" soap:actor="{TO_PARTY_MSH}">'
        f"<eb:Timestamp>{_found(envelope, 'Timestamp')}</eb:Timestamp>"
        f"<eb:RefToMessageId>{_found(envelope, 'RefToMessageId')}</eb:RefToMessageId></eb:Acknowledgment>"
    )
    changed = envelope.replace("<eb:Action>Pong<", f"<eb:Action>{ACKNOWLEDGMENT}<", 1)
    return changed.replace("</soap:Header>", f"{block}</soap:Header>", 1)


_HTML: Final = ("content-type", "text/html; charset=utf-8")
_PAGE: Final = b"<html><body><h1>Inloggen</h1></body></html>"
_ID: Final = r"<eb:MessageId>[^<]*</eb:MessageId>"
_INNER_FAULT: Final = (
    '<Error xmlns="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd" errorCode="Inconsistent"'
    ' location="//Header/MessageHeader/From/PartyId" severity="Error"><Description>Value not found.</Description></Error>'
)

ANSWERS: Final[Mapping[str, Fault]] = {
    "no-pong": Fault(
        "PONG-012",
        Text("neemt de Ping aan en stuurt nooit een Pong", "accepts the Ping and never sends a Pong"),
        behaviour="silent",
    ),
    "pings-back": Fault(
        "PONG-012",
        Text("stuurt geen Pong maar zelf een Ping", "sends no Pong but a Ping of its own"),
        PING,
        behaviour="pings",
    ),
    "pings-unknown-cpa": Fault(
        "XCHK-007",
        Text("stuurt zelf een Ping met een ander CPAId", "sends a Ping of its own with another CPAId"),
        PING,
        substituted(r"<eb:CPAId>[^<]*<", "<eb:CPAId>een_ander_cpa<"),
        behaviour="pings",
    ),
    "late-pong": Fault("PONG-011", Text("stuurt de Pong te laat", "sends the Pong too late"), PONG, delay=6.5),
    "foreign-pong": Fault(
        "PONG-011",
        Text(
            "stuurt de Pong met het certificaat van een andere organisatie",
            "sends the Pong with the certificate of another organisation",
        ),
        PONG,
        behaviour="foreign",
    ),
    "duplicate": Fault("PONG-015", Text("stuurt twee Pongs", "sends two Pongs"), PONG, behaviour="twice"),
    "sync-pong": Fault(
        "PONG-010",
        Text("antwoordt synchroon, terwijl het CPA none zegt", "answers synchronously although the CPA says none"),
        behaviour="other-way",
    ),
    "stripped-syncreply": Fault(
        "PONG-010",
        Text("ziet SyncReply niet en antwoordt asynchroon", "does not see SyncReply and answers asynchronously"),
        behaviour="always-async",
    ),
    "wrong-ref": _pong(
        "PONG-003",
        "verwijst naar een andere Ping",
        "refers to another Ping",
        substituted(
            r"<eb:RefToMessageId>[^<]*<", "<eb:RefToMessageId>00000000-0000-4000-8000-00000000dead@ketentest.test<"
        ),
    ),
    "no-ref": _pong(
        "PONG-003",
        "laat RefToMessageId weg",
        "leaves out RefToMessageId",
        substituted(r"<eb:RefToMessageId>[^<]*</eb:RefToMessageId>", ""),
    ),
    "wrong-cpaid": _pong(
        "PONG-005",
        "noemt een ander CPAId",
        "names another CPAId",
        substituted(r"<eb:CPAId>[^<]*<", "<eb:CPAId>een_ander_cpa<"),
    ),
    "wrong-conversation": _pong(
        "PONG-006",
        "begint een nieuw gesprek",
        "starts a new conversation",
        substituted(r"<eb:ConversationId>[^<]*<", "<eb:ConversationId>00000000-0000-4000-8000-00000000beef<"),
    ),
    "echoed-message-id": _pong(
        "PONG-007",
        "herhaalt het MessageId van de Ping",
        "repeats the MessageId of the Ping",
        lambda s: re.sub(_ID, f"<eb:MessageId>{_found(s, 'RefToMessageId')}</eb:MessageId>", s, count=1),
    ),
    "not-swapped": _pong(
        "PONG-004",
        "wisselt From en To niet om",
        "does not swap From and To",
        substituted(r"<eb:From>(.*?)</eb:From><eb:To>(.*?)</eb:To>", r"<eb:From>\2</eb:From><eb:To>\1</eb:To>"),
    ),
    "other-party-type": _pong(
        "PONG-004",
        "gebruikt een ander type bij zijn PartyId",
        "uses another type with its PartyId",
        swapped('eb:type="urn:osb:oin"', 'eb:type="urn:oasis:names:tc:ebxml-cppa:partyid-type:duns"'),
    ),
    "old-clock": _pong("PONG-008", "heeft een klok die twee uur achterloopt", "has a clock two hours behind", _older),
    "pong-with-payload": _pong(
        "PONG-009",
        "stopt inhoud in de Pong",
        "puts content in the Pong",
        swapped(
            "<soap:Body></soap:Body>",
            '<soap:Body><eb:Manifest eb:version="2.0"><eb:Reference xlink:type="simple" xlink:href="cid:pong"/></eb:Manifest></soap:Body>',
        ),
    ),
    "lower-case-pong": _pong(
        "PONG-001",
        "schrijft de actie als pong",
        "writes the action as pong",
        swapped("<eb:Action>Pong<", "<eb:Action>pong<"),
    ),
    "other-msh-service": _pong(
        "PONG-002",
        "noemt een andere Service",
        "names another Service",
        swapped("ebxml-msg:service<", "ebxml-msg:service:ping<"),
    ),
    "ack-instead-of-pong": _pong(
        "PONG-001", "antwoordt met een ontvangstbevestiging", "answers with an acknowledgement", _as_ack
    ),
    "bad-digest": Fault(
        "PONG-013",
        Text("ondertekent de Pong met een verkeerde digest", "signs the Pong with a wrong digest"),
        PONG,
        recipe=Recipe(break_digest=True),
    ),
    "changed-after-signing": Fault(
        "PONG-013",
        Text("laat de Pong na ondertekening wijzigen", "has the Pong changed after signing"),
        PONG,
        after=swapped("</soap:Header>", " </soap:Header>"),
        recipe=Recipe(),
    ),
    "sha1-signature": Fault(
        "SIG-002",
        Text("ondertekent met SHA-1", "signs with SHA-1"),
        PONG,
        recipe=Recipe(signature=RSA_SHA1, digest=SHA1),
    ),
    "soap12": _pong(
        "SOAP-001", "gebruikt SOAP 1.2", "uses SOAP 1.2", swapped("http://schemas.xmlsoap.org/soap/envelope/", SOAP12)
    ),
    "no-body": _pong("SOAP-002", "laat de Body weg", "leaves out the Body", swapped("<soap:Body></soap:Body>", "")),
    "doctype": _pong(
        "SOAP-003",
        "stuurt een DOCTYPE mee",
        "sends a DOCTYPE",
        swapped("<soap:Envelope", '<!DOCTYPE a [<!ENTITY x "y">]><soap:Envelope'),
    ),
    "truncated": _pong("SOAP-003", "kapt het bericht af", "cuts the message off", lambda s: s[: len(s) // 2]),
    "header-wrong-order": _pong(
        "SOAP-004",
        "zet ConversationId vóór CPAId",
        "puts ConversationId before CPAId",
        substituted(r"(<eb:CPAId>[^<]*</eb:CPAId>)(<eb:ConversationId>[^<]*</eb:ConversationId>)", r"\2\1"),
    ),
    "wrong-namespace": _pong(
        "SOAP-005",
        "gebruikt een naamruimte zonder .xsd",
        "uses a namespace without .xsd",
        swapped("msg-header-2_0.xsd", "msg-header-2_0"),
    ),
    "no-header": _pong(
        "SOAP-006",
        "laat de MessageHeader weg",
        "leaves out the MessageHeader",
        substituted(r"<eb:MessageHeader .*</eb:MessageHeader>", ""),
    ),
    "must-understand-true": _pong(
        "SOAP-007",
        "schrijft mustUnderstand als true",
        "writes mustUnderstand as true",
        swapped('soap:mustUnderstand="1"', 'soap:mustUnderstand="true"'),
    ),
    "unknown-block": _pong(
        "SOAP-008",
        "voegt een blok van WS-Security toe",
        "adds a block of WS-Security",
        swapped(
            "</soap:Header>",
            '<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" soap:mustUnderstand="1"/></soap:Header>',
        ),
    ),
    "version-3": _pong(
        "HDR-001", "zegt versie 3.0", "says version 3.0", swapped('eb:version="2.0"', 'eb:version="3.0"')
    ),
    "unqualified-type": _pong(
        "HDR-003", "schrijft type zonder naamruimte", "writes type without its namespace", swapped("eb:type=", "type=")
    ),
    "white-space": _pong(
        "HDR-004",
        "springt het PartyId in",
        "indents the PartyId",
        substituted(r"(<eb:PartyId [^>]*>)([^<]*)<", r"\1\n      \2\n    <"),
    ),
    "bare-message-id": _pong(
        "HDR-009",
        "gebruikt een MessageId zonder domein",
        "uses a MessageId without domain",
        substituted(r"(<eb:MessageId>[^@<]*)@[^<]*<", r"\1<"),
    ),
    "no-time-zone": _pong(
        "HDR-010", "laat de tijdzone weg", "leaves out the time zone", substituted(r"(<eb:Timestamp>[^Z<]*)Z<", r"\1<")
    ),
    "wrong-charset": Fault(
        "HTTP-003",
        Text("kondigt ISO-8859-1 aan", "announces ISO-8859-1"),
        PONG,
        headers=(("Content-Type", "text/xml; charset=ISO-8859-1"),),
    ),
    "soap12-type": Fault(
        "HTTP-002",
        Text("kondigt application/soap+xml aan", "announces application/soap+xml"),
        PONG,
        headers=(("Content-Type", "application/soap+xml; charset=UTF-8"),),
    ),
    "unquoted-soapaction": Fault(
        "HTTP-004",
        Text("stuurt SOAPAction zonder aanhalingstekens", "sends SOAPAction without quotes"),
        PONG,
        headers=(("SOAPAction", "ebXML"),),
    ),
    "empty-500": Fault(
        "HTTP-009", Text("antwoordt met een lege HTTP 500", "answers an empty HTTP 500"), refusal=Rejection(EMPTY)
    ),
    "cpa-not-found": Fault(
        "ERR-010",
        Text("kent het CPA niet (SOAP Fault)", "does not know the CPA (SOAP Fault)"),
        refusal=Rejection(FAULT, "CPA {cpaid} not found!"),
    ),
    "error-in-faultstring": Fault(
        "ERR-011",
        Text("zet een ebMS-fout in faultstring", "puts an ebMS error in faultstring"),
        refusal=Rejection(FAULT, _INNER_FAULT),
    ),
    "message-error": refusing(
        "kent het CPA niet (MessageError)",
        "does not know the CPA (MessageError)",
        "ValueNotRecognized",
        "//Header/MessageHeader/CPAId",
        "CPA not found.",
        "PONG-014",
    ),
    "ping-not-supported": refusing(
        "ondersteunt geen Ping",
        "does not support Ping",
        "NotSupported",
        "//Header/MessageHeader/Action",
        "Service does not support action Ping",
        "PONG-014",
    ),
    "error-empty": _error(
        "ERR-001",
        "stuurt een MessageError zonder fouten",
        "sends a MessageError without errors",
        substituted(r"<eb:ErrorList .*</eb:ErrorList>", ""),
    ),
    "error-without-ref": _error(
        "ERR-002",
        "stuurt een MessageError zonder RefToMessageId",
        "sends a MessageError without RefToMessageId",
        substituted(r"<eb:RefToMessageId>[^<]*</eb:RefToMessageId>", ""),
    ),
    "error-low-severity": _error(
        "ERR-003",
        "noemt highestSeverity Warning",
        "names highestSeverity Warning",
        swapped('highestSeverity="Error"', 'highestSeverity="Warning"'),
    ),
    "error-ebms3-code": _error(
        "ERR-004",
        "gebruikt een foutcode van ebMS 3.0",
        "uses an error code of ebMS 3.0",
        swapped('errorCode="ValueNotRecognized"', 'errorCode="EBMS:0001"'),
    ),
    "error-without-language": _error(
        "ERR-008",
        "laat xml:lang weg bij de omschrijving",
        "leaves out xml:lang on the description",
        swapped(' xml:lang="en"', ""),
    ),
    "html-403": _http(
        "HTTP-008",
        "weigert in de offloader (HTML, 403)",
        "refuses in the offloader (HTML, 403)",
        403,
        _HTML,
        body=_PAGE,
    ),
    "redirect": _http(
        "HTTP-008",
        "leidt om naar een inlogpagina",
        "redirects to a log-in page",
        302,
        ("location", "https://login.ketentest.test/"),
    ),
    "html-200": _http("HTTP-002", "antwoordt met een webpagina", "answers with a web page", 200, _HTML, body=_PAGE),
    "basic-auth": _http(
        "HTTP-010",
        "vraagt om een wachtwoord",
        "asks for a password",
        401,
        ("www-authenticate", 'Basic realm="ebms"'),
        _HTML,
        body=_PAGE,
    ),
    "unavailable": _http(
        "HTTP-011",
        "is tijdelijk niet beschikbaar (503)",
        "is temporarily unavailable (503)",
        503,
        ("retry-after", "120"),
    ),
    "bad-gateway": _http(
        "HTTP-009", "bereikt zijn adapter niet (502)", "does not reach its adapter (502)", 502, _HTML, body=_PAGE
    ),
    "plain-500": _http(
        "HTTP-009",
        "antwoordt met 500 en platte tekst",
        "answers 500 with plain text",
        500,
        ("content-type", "text/plain"),
        body=b"Internal Server Error",
    ),
    "slow": Fault(
        "RUN-001", Text("antwoordt niet binnen de tijd", "does not answer in time"), reply=Reply(204, delay=3600.0)
    ),
    "reset-after-request": Fault(
        "RUN-001", Text("verbreekt de verbinding", "breaks the connection"), reply=Reply(abort=True)
    ),
}
