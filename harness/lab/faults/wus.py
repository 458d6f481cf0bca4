"""The faults of the lab's WUS services: each is a healthy answer with one deviation, and names the rule it provokes."""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from lxml import etree

from harness.lab.server import Reply
from harness.model import Text
from harness.wire import soap, wss, wss_encrypt
from harness.wire.soap import DS, SOAP, WSA, WSSE, XENC
from harness.wire.soap_call import Change, unchanged
from harness.wire.wss import WSU_ID, Recipe
from harness.wire.wss_encrypt import Encryption

Bytes = Callable[[bytes], bytes]
Confirm = Literal["request", "none", "other"]
Who = Literal["own", "stranger", "other-oin"]
S: Final = f"{{{SOAP}}}"


@dataclass(frozen=True)
class Fault:
    """One deviation of a healthy answer.

    `before` and `after` change the envelope before and after signing, `data` the bytes; `reply` comes instead of an
    answer; `code` makes the service answer with a fault. `needs` says in which profile it shows (any when empty).
    """

    rule: str
    text: Text
    needs: str = ""
    before: Change = unchanged
    after: Change = unchanged
    data: Bytes | None = None
    recipe: Recipe | None = None
    encryption: Encryption | None = None
    shift: timedelta = timedelta(0)
    signed: bool = True
    encrypted: bool = True
    confirm: Confirm = "request"
    who: Who = "own"
    receiver: Literal["asker", "stranger"] = "asker"
    status: int = 0
    content_type: str = ""
    head: Callable[[str], str] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    reply: Reply | None = None
    code: str = ""
    mtom: bool = False
    delay: float = 0.0
    chunk_delay: float = 0.0
    abort: bool = False
    lenient: bool = False
    growing: bool = False


def _fault(rule: str, nl: str, en: str, before: Change = unchanged, **more: object) -> Fault:
    return Fault(rule, Text(nl, en), before=before, **more)  # type: ignore[arg-type]


def _after(rule: str, nl: str, en: str, after: Change, needs: str = "2W-be-S", **more: object) -> Fault:
    return Fault(rule, Text(nl, en), needs, after=after, **more)  # type: ignore[arg-type]


def _recipe(rule: str, nl: str, en: str, **changes: object) -> Fault:
    return Fault(rule, Text(nl, en), "2W-be-S", recipe=Recipe(**changes))  # type: ignore[arg-type]


def _swapped(envelope: etree._Element) -> None:
    for element in envelope.iter("{*}heeftAccount"):
        element.text = {"true": "false", "false": "true"}.get(element.text or "", element.text)


def _head(envelope: etree._Element) -> etree._Element:
    return envelope[0]


def _body(envelope: etree._Element) -> etree._Element:
    found = envelope.find(S + "Body")
    assert found is not None  # soap.build made one
    return found


def _security(envelope: etree._Element) -> etree._Element | None:
    return envelope.find(f"{S}Header/{{{WSSE}}}Security")


def _wsa(envelope: etree._Element, name: str) -> etree._Element | None:
    return envelope.find(f"{S}Header/{{{WSA}}}{name}")


def _set(name: str, value: str) -> Change:
    def change(envelope: etree._Element) -> None:
        block = _wsa(envelope, name)
        if block is not None:
            block.text = value

    return change


def _drop(name: str) -> Change:
    def change(envelope: etree._Element) -> None:
        block = _wsa(envelope, name)
        if block is not None:
            _head(envelope).remove(block)

    return change


def _add(xml_text: str) -> Change:
    return lambda envelope: _head(envelope).append(etree.fromstring(xml_text))


def _leaf(envelope: etree._Element) -> etree._Element:
    leaves = [e for e in _body(envelope).iter() if isinstance(e.tag, str) and not len(e)]
    return leaves[-1]


def _other_text(envelope: etree._Element) -> None:
    leaf = _leaf(envelope)
    leaf.text = (leaf.text or "") + "x"


def _double_action(envelope: etree._Element) -> None:
    action = _wsa(envelope, "Action")
    if action is not None:
        _head(envelope).append(copy.deepcopy(action))


def _request_action(envelope: etree._Element) -> None:
    action = _wsa(envelope, "Action")
    if action is not None and action.text:
        action.text = action.text.removesuffix("Response") + "Request"


def _same_id(envelope: etree._Element) -> None:
    own, asked = _wsa(envelope, "MessageID"), _wsa(envelope, "RelatesTo")
    if own is not None and asked is not None:
        own.text = asked.text


def _relation(envelope: etree._Element) -> None:
    block = _wsa(envelope, "RelatesTo")
    if block is not None:
        block.set("RelationshipType", "urn:ketentest:iets-anders")


def _wrapped(envelope: etree._Element) -> None:
    body = _body(envelope)
    forged = copy.deepcopy(body)
    del forged.attrib[WSU_ID]
    wrapper = etree.SubElement(_head(envelope), "{urn:ketentest:wrapper}Wrapper")
    wrapper.append(body)
    envelope.append(forged)
    _other_text(envelope)


def _double_id(envelope: etree._Element) -> None:
    wrapper = etree.SubElement(_head(envelope), f"{{{WSA}}}ProblemHeaderQName")
    wrapper.text = soap.NONE
    wrapper.set("Id", _body(envelope).get(WSU_ID) or "")


def _two_signatures(envelope: etree._Element) -> None:
    security = _security(envelope)
    signature = None if security is None else security.find(f"{{{DS}}}Signature")
    if security is not None and signature is not None:
        security.append(copy.deepcopy(signature))


def _token(change: Callable[[etree._Element], None]) -> Change:
    def after(envelope: etree._Element) -> None:
        security = _security(envelope)
        token = None if security is None else security.find(f"{{{WSSE}}}BinarySecurityToken")
        if token is not None:
            change(token)

    return after


def _as_pem(token: etree._Element) -> None:
    import base64

    lines = f"-----BEGIN CERTIFICATE-----\n{token.text}\n-----END CERTIFICATE-----\n"
    token.text = base64.b64encode(lines.encode()).decode()


def _empty_reference(envelope: etree._Element) -> None:
    reference = next(envelope.iter(f"{{{DS}}}Reference"), None)
    if reference is not None:
        reference.set("URI", "")


def _unqualified(envelope: etree._Element) -> None:
    payload = _body(envelope)[0]
    bare = etree.Element(etree.QName(payload).localname)
    bare.extend(list(payload))
    _body(envelope).replace(payload, bare)


def _other_element(envelope: etree._Element) -> None:
    payload = _body(envelope)[0]
    name = etree.QName(payload)
    payload.tag = f"{{{name.namespace}}}ietsAnders"


def _unknown_child(envelope: etree._Element) -> None:
    payload = _body(envelope)[0]
    etree.SubElement(payload, f"{{{etree.QName(payload).namespace}}}nietInDeXsd")


def _old_addressing(data: bytes) -> bytes:
    return data.replace(WSA.encode(), soap.WSA_OLD[0].encode())


def _fault_child(name: str, change: Callable[[etree._Element], None]) -> Change:
    def before(envelope: etree._Element) -> None:
        fault = _body(envelope)[0]
        child = fault.find(name)
        if child is not None:
            change(child)

    return before


def _qualified(envelope: etree._Element) -> None:
    for child in _body(envelope)[0]:
        child.tag = S + str(child.tag)


def _away(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _text(value: str) -> Callable[[etree._Element], None]:
    def change(element: etree._Element) -> None:
        element.text = value

    return change


def _cipher(envelope: etree._Element) -> None:
    value = envelope.find(f"{S}Body/{{{XENC}}}EncryptedData/{{{XENC}}}CipherData/{{{XENC}}}CipherValue")
    if value is not None and value.text:
        value.text = ("B" if value.text[0] == "A" else "A") + value.text[1:]


def _statuses(*codes: str) -> Change:
    def before(envelope: etree._Element) -> None:
        for code, element in zip(codes, envelope.iter("{*}statuscode"), strict=False):
            element.text = code

    return before


def _unfinished(envelope: etree._Element) -> None:
    for result in list(envelope.iter("{*}StatusResultaat"))[3:]:
        parent = result.getparent()
        if parent is not None:
            parent.remove(result)


def _reply(rule: str, nl: str, en: str, reply: Reply) -> Fault:
    return Fault(rule, Text(nl, en), reply=reply)


_HTML: Final = (("content-type", "text/html; charset=utf-8"),)
_PAGE: Final = b"<html><head><title>Aanmelden</title></head><body><h1>Aanmelden</h1></body></html>"
_PROXY: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_XML: Final = (("content-type", soap.MEDIA_TYPE),)
_ENDLESS: Final = b"<?xml version='1.0'?><soapenv:Envelope xmlns:soapenv='" + SOAP.encode() + b"'>" + b" " * 2_000_000

LINE: Final[Mapping[str, Fault]] = {
    "html-502": _reply("WUS-HTTP-008", "een webpagina met status 502", "a web page with status 502", Reply(502, _HTML, _PROXY)),
    "wus-html-200": _reply("WUS-HTTP-008", "een aanmeldpagina met status 200", "a login page with status 200", Reply(200, _HTML, _PAGE)),
    "wus-html-403": _reply("WUS-HTTP-008", "de proxy weigert het OIN (403)", "the proxy refuses the OIN (403)", Reply(403, _HTML, _PROXY)),
    "json-answer": _reply("WUS-HTTP-002", "een antwoord in JSON", "an answer in JSON", Reply(200, (("content-type", "application/json"),), b'{"heeftAccount": true}')),
    "accepted-202": _reply("WUS-HTTP-006", "status 202 zonder antwoord", "status 202 without an answer", Reply(202)),
    "redirected": _reply("WUS-HTTP-001", "een omleiding naar een ander adres", "a redirect to another address", Reply(302, (("location", "https://elders.ketentest.test/"),))),
    "empty-200": _reply("WUS-HTTP-006", "status 200 zonder inhoud", "status 200 without a body", Reply(200, _XML)),
    "wus-slow-answer": Fault("WUS-HTTP-012", Text("antwoordt niet binnen de tijd", "does not answer in time"), delay=3600),
    "endless-body": Fault("WUS-HTTP-012", Text("een antwoord waar geen eind aan komt", "an answer without an end"), reply=Reply(200, _XML, _ENDLESS, chunk_delay=0.2)),
    "hang-up-after-request": Fault("WUS-HTTP-012", Text("verbreekt de verbinding na de vraag", "breaks the connection after the request"), abort=True),
    "soap12-content-type": _fault("WUS-HTTP-002", "Content-Type van SOAP 1.2", "Content-Type of SOAP 1.2", content_type="application/soap+xml; charset=utf-8"),
    "no-charset": _fault("WUS-HTTP-003", "Content-Type zonder charset", "Content-Type without charset", content_type="text/xml"),
    "other-charset": _fault("WUS-HTTP-010", "charset in de header past niet bij de XML", "charset in the header does not fit the XML", content_type="text/xml; charset=us-ascii"),
    "answer-with-500": _fault("WUS-HTTP-006", "een gewoon antwoord met status 500", "a normal answer with status 500", status=500),
    "with-cookie": _fault("WUS-HTTP-009", "zet een cookie", "sets a cookie", headers=(("set-cookie", "sessie=1"),)),
}  # fmt: skip

ENVELOPE: Final[Mapping[str, Fault]] = {
    "soap12-envelope": _fault("WUS-SOAP-002", "een envelop van SOAP 1.2", "an envelope of SOAP 1.2", data=lambda d: d.replace(SOAP.encode(), soap.SOAP12.encode())),
    "with-dtd": _fault("WUS-SOAP-001", "een DTD voor de envelop", "a DTD before the envelope", data=lambda d: d.replace(b"<soapenv:Envelope", b'<!DOCTYPE x [<!ENTITY a "b">]><soapenv:Envelope', 1)),
    "cut-off": _fault("WUS-SOAP-001", "een afgekapt bericht", "a message that is cut off", data=lambda d: d[: len(d) * 2 // 3]),
    "utf-16": _fault("WUS-SOAP-003", "codering UTF-16", "encoding UTF-16", data=lambda d: d.decode().replace("utf-8", "utf-16", 1).encode("utf-16")),
    "latin-1": _fault("WUS-SOAP-003", "codering ISO-8859-1", "encoding ISO-8859-1", data=lambda d: d.replace(b"utf-8", b"iso-8859-1", 1)),
    "two-bodies": _after("WUS-SOAP-004", "twee Body's", "two Bodies", lambda e: e.append(copy.deepcopy(_body(e))), ""),
    "two-children": _fault("WUS-SOAP-005", "twee elementen in de Body", "two elements in the Body", lambda e: _body(e).append(copy.deepcopy(_body(e)[0]))),
    "no-namespace": _fault("WUS-SOAP-006", "een element zonder namespace in de Body", "an element without a namespace in the Body", _unqualified),
    "processing-instruction": _fault("WUS-SOAP-007", "een processing instruction", "a processing instruction", lambda e: _body(e).insert(0, etree.ProcessingInstruction("weg", "x"))),
    "encoding-style": _fault("WUS-SOAP-008", "soap:encodingStyle", "soap:encodingStyle", lambda e: _body(e).set(S + "encodingStyle", "x")),
    "own-header": _fault("WUS-SOAP-009", "een eigen headerblok", "a header block of its own", _add('<x:Spoor xmlns:x="urn:ketentest:spoor">1</x:Spoor>')),
    "wus-must-understand-true": _fault("WUS-SOAP-010", 'mustUnderstand="true"', 'mustUnderstand="true"', lambda e: _head(e)[0].set(S + "mustUnderstand", "true")),
    "other-element": _fault("WUS-SOAP-011", "een ander element in de Body", "another element in the Body", _other_element),
    "invalid-body": _fault("WUS-SOAP-012", "een Body die niet aan de XSD voldoet", "a Body that is not valid", _unknown_child),
}  # fmt: skip

FAULTY: Final[Mapping[str, Fault]] = {
    "functional-fault": _fault("WUS-FAULT-007", "een functionele fout van de dienst", "a functional fault of the service", code="0004"),
    "not-authorised": _fault("WUS-FAULT-007", "de OIN is niet geautoriseerd", "the OIN is not authorised", code="0002"),
    "service-unavailable": _fault("WUS-FAULT-007", "de dienst erachter is niet beschikbaar", "the service behind it is unavailable", code="0051"),
    "fault-with-200": _fault("WUS-HTTP-007", "een fout met status 200", "a fault with status 200", code="0004", status=200),
    "qualified-fault": _fault("WUS-FAULT-001", "kinderen van de fout in de SOAP-namespace", "children of the fault in the SOAP namespace", _qualified, code="0004"),
    "fault-without-code": _fault("WUS-FAULT-002", "een fout zonder faultcode", "a fault without faultcode", _fault_child("faultcode", _away), code="0004"),
    "fault-unknown-code": _fault("WUS-FAULT-003", "een onbekende faultcode", "an unknown faultcode", _fault_child("faultcode", _text("soapenv:Onbekend")), code="0004"),
    "dotted-fault": _fault("WUS-FAULT-004", "een faultcode met punten", "a faultcode with dots", _fault_child("faultcode", _text("soapenv:Client.0004.Xsd")), code="0004"),
    "silent-fault": _fault("WUS-FAULT-005", "een fout zonder tekst", "a fault without text", _fault_child("faultstring", _text("")), code="0004"),
    "fault-invalid-detail": _fault("WUS-FAULT-006", "een detail die niet aan de XSD voldoet", "a detail that is not valid", _fault_child("detail", lambda d: d[0].remove(d[0][0])), code="0004"),
    "unsigned-fault": _fault("WUS-FAULT-008", "een fout zonder handtekening", "a fault without a signature", code="0004", signed=False, needs="2W-be-S"),
    "fault-other-relates-to": _fault("WUS-FAULT-009", "een fout op een ander bericht", "a fault on another message", _set("RelatesTo", "urn:uuid:00000000-0000-4000-8000-00000000beef"), code="0004"),
    "fault-stack-trace": _fault("WUS-FAULT-010", "een fout met een stacktrace", "a fault with a stack trace", _fault_child("faultstring", _text("at nl.dienst.Foo.bar(Foo.java:12)")), code="0004"),
}  # fmt: skip

ADDRESSING: Final[Mapping[str, Fault]] = {
    "old-addressing": _fault("WUS-ADDR-001", "WS-Addressing van 2004", "WS-Addressing of 2004", data=_old_addressing),
    "double-action": _fault("WUS-ADDR-002", "twee keer wsa:Action", "wsa:Action twice", _double_action),
    "no-action": _fault("WUS-ADDR-004", "zonder wsa:Action", "without wsa:Action", _drop("Action")),
    "no-message-id": _fault("WUS-ADDR-005", "zonder wsa:MessageID", "without wsa:MessageID", _drop("MessageID")),
    "wus-bare-message-id": _fault("WUS-ADDR-006", "een kale UUID als MessageID", "a bare UUID as MessageID", _set("MessageID", "6f1d9c52-8a8b-4c5e-9d0e-0a6f3f1c2b11")),
    "request-action": _fault("WUS-ADDR-010", "herhaalt de Action van de vraag", "repeats the Action of the request", _request_action),
    "other-relates-to": _fault("WUS-ADDR-011", "antwoordt op een ander bericht", "answers another message", _set("RelatesTo", "urn:uuid:00000000-0000-4000-8000-00000000beef")),
    "no-relates-to": _fault("WUS-ADDR-011", "zonder RelatesTo", "without RelatesTo", _drop("RelatesTo")),
    "relationship-type": _fault("WUS-ADDR-012", "een andere relatie in RelatesTo", "another relation in RelatesTo", _relation),
    "same-message-id": _fault("WUS-ADDR-013", "hergebruikt het MessageID van de vraag", "re-uses the MessageID of the request", _same_id),
    "fault-to": _fault("WUS-ADDR-014", "een FaultTo met een adres", "a FaultTo with an address", _add(f'<wsa:FaultTo xmlns:wsa="{WSA}"><wsa:Address>https://elders.ketentest.test</wsa:Address></wsa:FaultTo>')),
    "from-with-metadata": _fault("WUS-ADDR-015", "een From met Metadata", "a From with Metadata", _add(f'<wsa:From xmlns:wsa="{WSA}"><wsa:Address>urn:x</wsa:Address><wsa:Metadata/></wsa:From>')),
    "short-oin": _fault("WUS-ADDR-016", "een OIN van 19 posities", "an OIN of 19 positions", _add(f'<wsa:From xmlns:wsa="{WSA}"><wsa:Address>https://x.ketentest.test?OIN=0000009900000000200</wsa:Address></wsa:From>')),
}  # fmt: skip

SIGNATURE: Final[Mapping[str, Fault]] = {
    "unsigned": _fault("WUS-SEC-001", "een antwoord zonder handtekening", "an answer without a signature", signed=False, needs="2W-be-S"),
    "two-signatures": _after("WUS-SEC-002", "twee handtekeningen", "two signatures", _two_signatures),
    "signed-be": _fault("WUS-SEC-003", "een ondertekend antwoord van een 2W-be-dienst", "a signed answer of a 2W-be service", needs="2W-be"),
    "x509data": _recipe("WUS-SEC-010", "het certificaat in X509Data", "the certificate in X509Data", key_reference="x509data"),
    "issuer-serial": _recipe("WUS-SEC-010", "een verwijzing met IssuerSerial", "a reference with IssuerSerial", key_reference="issuer-serial"),
    "other-token": _after("WUS-SEC-011", "een verwijzing naar een token dat er niet is", "a reference to a token that is not there", _token(lambda t: t.set(WSU_ID, "ander"))),
    "misprinted-value-type": _recipe("WUS-SEC-012", "een ValueType met drukfout", "a misprinted ValueType", value_type=wss.X509V3.replace("token-profile", "tokenprofile")),
    "misprinted-encoding": _recipe("WUS-SEC-013", "een EncodingType met drukfout", "a misprinted EncodingType", encoding_type=wss.BASE64.replace("soap-message", "soapmessage")),
    "token-after-signature": _recipe("WUS-SEC-014", "het token na de handtekening", "the token after the signature", token_first=False),
    "pem-token": _after("WUS-SEC-015", "een token in PEM", "a token in PEM", _token(_as_pem)),
    "signer-other-oin": Fault("WUS-SEC-016", Text("ondertekend door een andere organisatie", "signed by another organisation"), "2W-be-S", who="other-oin"),
    "untrusted-signer": Fault("WUS-SEC-017", Text("ondertekend onder een vreemde root", "signed under a foreign root"), "2W-be-S", who="stranger"),
    "wus-sha1-signature": _recipe("WUS-SEC-020", "een handtekening met SHA-1", "a signature with SHA-1", signature=wss.RSA_SHA1, digest=wss.SHA1),
    "inclusive-c14n": _recipe("WUS-SEC-021", "inclusieve canonicalisatie", "inclusive canonicalisation", c14n=wss.INC_C14N),
    "empty-reference": _after("WUS-SEC-022", "een lege verwijzing in de handtekening", "an empty reference in the signature", _empty_reference),
    "changed-body": _after("WUS-SEC-030", "de Body gewijzigd na het ondertekenen", "the Body changed after signing", _other_text),
    "changed-header": _after("WUS-SEC-030", "wsa:Action gewijzigd na het ondertekenen", "wsa:Action changed after signing", _set("Action", "urn:ketentest:onderweg:gewijzigd")),
    "pretty-printed": _after("WUS-SEC-030", "opgemaakt na het ondertekenen", "pretty-printed after signing", lambda e: etree.indent(_body(e))),
    "double-id": _after("WUS-SEC-031", "twee elementen met hetzelfde Id", "two elements with the same Id", _double_id),
    "wrapped-body": _after("WUS-SEC-032", "een verplaatste, ondertekende Body (signature wrapping)", "a moved, signed Body (signature wrapping)", _wrapped),
    "unsigned-body": _recipe("WUS-SEC-032", "de Body is niet ondertekend", "the Body is not signed", unsigned=frozenset({"Body"})),
    "no-timestamp": _recipe("WUS-SEC-033", "zonder Timestamp", "without Timestamp", timestamp=False),
    "unsigned-timestamp": _recipe("WUS-SEC-033", "de Timestamp is niet ondertekend", "the Timestamp is not signed", unsigned=frozenset({"Timestamp"})),
    "unsigned-header": _recipe("WUS-SEC-034", "RelatesTo is niet ondertekend", "RelatesTo is not signed", unsigned=frozenset({"RelatesTo"})),
    "local-time": _recipe("WUS-SEC-040", "tijd met een zone in plaats van UTC", "time with a zone instead of UTC", created="%Y-%m-%dT%H:%M:%S+00:00"),
    "from-the-future": Fault("WUS-SEC-041", Text("gemaakt in de toekomst", "made in the future"), "2W-be-S", shift=timedelta(hours=2)),
    "out-of-date": Fault("WUS-SEC-042", Text("een verlopen bericht", "an expired message"), "2W-be-S", shift=timedelta(hours=-2)),
    "six-decimals": _recipe("WUS-SEC-043", "een tijd met zes decimalen", "a time with six decimals", created="%Y-%m-%dT%H:%M:%S.123456Z"),
    "no-confirmation": Fault("WUS-SEC-050", Text("zonder SignatureConfirmation", "without SignatureConfirmation"), "2W-be-S", confirm="none"),
    "other-confirmation": Fault("WUS-SEC-050", Text("bevestigt een ander bericht", "confirms another message"), "2W-be-S", confirm="other"),
    "unsigned-confirmation": _recipe("WUS-SEC-051", "SignatureConfirmation niet ondertekend", "SignatureConfirmation not signed", unsigned=frozenset({"SignatureConfirmation"})),
}  # fmt: skip

SEALED: Final[Mapping[str, Fault]] = {
    "not-encrypted": _fault("WUS-ENC-001", "een leesbare Body in 2W-be-SE", "a readable Body in 2W-be-SE", encrypted=False, needs="2W-be-SE"),
    "no-reference-list": Fault("WUS-ENC-003", Text("zonder ReferenceList", "without ReferenceList"), "2W-be-SE", encryption=Encryption(reference_list=False)),
    "aes-cbc": Fault("WUS-ENC-004", Text("AES in CBC", "AES in CBC"), "2W-be-SE", encryption=Encryption(data=XENC + "aes256-cbc")),
    "rsa-1_5": Fault("WUS-ENC-005", Text("sleutel met RSA 1.5", "key with RSA 1.5"), "2W-be-SE", encryption=Encryption(transport=wss_encrypt.RSA15)),
    "other-receiver": Fault("WUS-ENC-007", Text("versleuteld voor een ander", "encrypted for another"), "2W-be-SE", receiver="stranger"),
    "damaged-cipher": _after("WUS-ENC-008", "een beschadigde cijfertekst", "a damaged cipher text", _cipher, "2W-be-SE"),
}  # fmt: skip

PACKED: Final[Mapping[str, Fault]] = {
    "mtom-answer": _fault("", "een antwoord met MTOM", "an answer with MTOM", mtom=True),
    "mtom-no-type": _fault("WUS-MTOM-001", "multipart zonder type", "multipart without type", mtom=True, head=lambda h: h.replace('type="application/xop+xml"; ', "")),
    "mtom-other-root": _fault("WUS-MTOM-002", "het eerste deel is text/plain", "the first part is text/plain", mtom=True, data=lambda d: d.replace(b"application/xop+xml; charset", b"text/plain; charset", 1)),
    "mtom-cut-off": _fault("WUS-MTOM-006", "zonder afsluitende boundary", "without the closing boundary", mtom=True, data=lambda d: d[:-50]),
}  # fmt: skip

#: Only where an answer that one may ask for carries an attachment.
ATTACHED: Final[Mapping[str, Fault]] = {
    "mtom-missing-part": _fault("WUS-MTOM-003", "een verwijzing zonder bijlage", "a reference without attachment", mtom=True, data=lambda d: d.replace(b'href="cid:', b'href="cid:x')),
    "mtom-damaged-part": _fault("WUS-SEC-030", "een bijlage met een gewijzigd regeleinde", "an attachment with a changed line end", mtom=True, needs="2W-be-S", data=lambda d: re.sub(rb"bijlage\r\n\r\n--", b"bijlage\r\n--", d)),
}  # fmt: skip

#: What only a trial shows (`wus.trials`): the ordinary call is healthy.
TRIED: Final[Mapping[str, Fault]] = {
    "verifies-nothing": _fault("WUS-SEC-061", "rekent handtekeningen niet na", "does not verify signatures", lenient=True),
}  # fmt: skip

#: What only a call of the lab to us shows (`wus.serve`).
CALLING: Final[Mapping[str, Fault]] = {
    "repeated-message-id": _fault("WUS-ADDR-021", "gebruikt voor elke vraag hetzelfde MessageID", "uses one MessageID for all its requests", _set("MessageID", "urn:uuid:00000000-0000-4000-8000-0000000000aa")),
}  # fmt: skip

COMMON: Final[Mapping[str, Fault]] = {**LINE, **ENVELOPE, **FAULTY, **ADDRESSING, **SIGNATURE, **SEALED, **PACKED}
GENERIC: Final[Mapping[str, Fault]] = {**COMMON, **ATTACHED}

DIGIPOORT: Final[Mapping[str, Fault]] = {
    "as-measured": Fault("WUS-SEC-020", Text("zoals gemeten in 2021: SHA-1, zonder SignatureConfirmation", "as measured in 2021: SHA-1, without SignatureConfirmation"), "2W-be-S", recipe=wss.DIGIPOORT_SHA1, confirm="none"),
    "no-end-state": _fault("DIGIPOORT-FLOW-003", "een proces zonder eindstatus", "a process without an end state", _unfinished),
    "slow-process": _fault("", "een proces dat stap voor stap verder komt", "a process that proceeds step by step", growing=True),
    "unknown-status": _fault("DIGIPOORT-FLOW-002", "een onbekende statuscode", "an unknown status code", _statuses("105", "999")),
    "rejected-status": _fault("DIGIPOORT-FLOW-002", "validatie niet gelukt (311)", "validation failed (311)", _statuses("105", "100", "110", "200", "311")),
    "other-element": _fault("DIGIPOORT-BODY-001", "een ander element in de Body", "another element in the Body", _other_element),
    "digipoort-other-action": _fault("DIGIPOORT-ACT-002", "een Action die niet in de WSDL staat", "an Action that is not in the WSDL", _set("Action", "http://logius.nl/digipoort/wus/2.0/iets/anders")),
}  # fmt: skip

DIGIMELDING: Final[Mapping[str, Fault]] = {
    "echo-changed": _fault("DIGIMELDING-ECHO-001", "een echo zonder diakrieten", "an echo without diacritics", lambda e: _text("ketentest e")(_leaf(e))),
    "odd-fault-detail": _fault("DIGIMELDING-FAULT-001", "een fout zonder DigimeldingSynchroonFault", "a fault without DigimeldingSynchroonFault", _fault_child("detail", lambda d: d.remove(d[0])), code="0004"),
}  # fmt: skip

PROFIELSERVICE: Final[Mapping[str, Fault]] = {
    "persons-swapped": _fault("PROFIEL-LINK-003", "ja en nee zijn verwisseld", "yes and no are swapped", _swapped),
    "any-bsn": _fault("PROFIEL-LINK-003", "geeft geen fout op een onjuist BSN", "gives no fault for a wrong BSN", lenient=True),
}  # fmt: skip
