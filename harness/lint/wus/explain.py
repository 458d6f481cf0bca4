"""From a fault to a sentence that a specialist can use: what it likely means and what to look at first."""

import re
from typing import Final

from harness.lint.wus.service import Code, ServiceProfile
from harness.model import Text
from harness.wire.soap import Envelope, elements, local, text

_SERVICE_CODE: Final = re.compile(r"\b(?:ALS|STS|VAS|AFS|AFO|OPS|DK)\d{3,4}\b")
_BPW_CODE: Final = re.compile(r"(?<![\d.])(?:00(?:0[1-9]|1[01])|0051)(?!\d)")


def _code(code: str, nl: str, en: str, who_nl: str, who_en: str) -> Code:
    works = nl.startswith("de koppeling werkt")
    kind = "refused"
    if works:
        kind = "authorisation" if "geautoriseerd" in nl else "unavailable"
    return Code(code, Text(nl, en), Text(who_nl, who_en), works, kind=kind)


#: The codes of Best Practices WUS 1.10 chapter 3.
BPW: Final = {
    code.code: code
    for code in (
        _code("0001", "de envelop is ongeldig", "the envelope is invalid", "u: laat uw bericht beoordelen met ketentest check", "you: judge your message with ketentest check"),
        _code("0002", "de koppeling werkt; uw OIN is niet geautoriseerd voor de dienst", "the link works; your OIN is not authorised for the service", "de dienstaanbieder: vraag de autorisatie aan", "the service provider: ask for authorisation"),
        _code("0003", "de SOAPAction is ongeldig", "the SOAPAction is invalid", "u: neem de Action over uit de WSDL", "you: take the Action from the WSDL"),
        _code("0004", "de Body voldoet niet aan de XSD", "the Body is not valid against the XSD", "u: valideer het bericht eerst zelf tegen de XSD", "you: validate the message against the XSD first"),
        _code("0005", "wsa:To ontbreekt", "wsa:To is absent", "u: voeg de header toe", "you: add the header"),
        _code("0006", "wsa:Action ontbreekt", "wsa:Action is absent", "u: voeg de header toe", "you: add the header"),
        _code("0007", "wsa:MessageID ontbreekt", "wsa:MessageID is absent", "u: voeg de header toe", "you: add the header"),
        _code("0008", "wsa:RelatesTo ontbreekt", "wsa:RelatesTo is absent", "de dienstaanbieder", "the service provider"),
        _code("0009", "het bericht is niet in UTF-8", "the message is not in UTF-8", "u: codeer het bericht in UTF-8", "you: encode the message in UTF-8"),
        _code("0010", "het bericht heeft headers die niet van WS-Addressing zijn", "the message has headers that are not of WS-Addressing", "u: verwijder eigen headers", "you: remove own headers"),
        _code("0011", "een header heeft een andere waarde dan voorgeschreven", "a header has another value than prescribed", "u: controleer de wsa-headers", "you: check the wsa headers"),
        _code("0051", "de koppeling werkt; de dienst erachter is niet beschikbaar", "the link works; the service behind it is unavailable", "de dienstaanbieder: probeer het later opnieuw", "the service provider: try again later"),
    )
}  # fmt: skip

#: Words in a faultcode or faultstring, in the order in which they are tried.
WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"MessageExpired|message (?:has )?expired|created in the future|timestamp (?:is )?(?:invalid|expired)|invalid timestamp|timestamp .*out of range",
         _code("wsu:MessageExpired", "de klokken lopen uiteen, of het bericht was te lang onderweg", "the clocks differ, or the message was too long on its way", "u: vergelijk uw klok met de HTTP-header Date en gebruik NTP", "you: compare your clock with the HTTP Date header and use NTP")),
        (r"UnsupportedAlgorithm|unsupported (?:signature|encryption|digest)|algorithm .*not (?:allowed|supported)",
         _code("wsse:UnsupportedAlgorithm", "het algoritme wordt niet aanvaard (SHA-1 tegenover SHA-256)", "the algorithm is not accepted (SHA-1 against SHA-256)", "u: kies het algoritme dat het dienstprofiel noemt", "you: take the algorithm that the service profile names")),
        (r"SecurityTokenUnavailable|FailedAuthentication|InvalidSecurityToken|untrusted|certificate.*not (?:trusted|known)|unknown certificate",
         _code("wsse:FailedAuthentication", "het certificaat van de ondertekenaar is niet bekend of niet vertrouwd", "the certificate of the signer is not known or not trusted", "u: laat ook het certificaat waarmee u ondertekent registreren", "you: have the signing certificate registered as well")),
        (r"FailedCheck|InvalidSecurity|signature (?:verification )?(?:failed|invalid|is not valid)|digest mismatch|handtekening",
         _code("wsse:FailedCheck", "de handtekening is niet aanvaard: waarschijnlijk veranderd na het ondertekenen, of niet alle onderdelen ondertekend", "the signature was not accepted: probably changed after signing, or not every part signed", "u: beoordeel het verzonden bericht met ketentest check", "you: judge the sent message with ketentest check")),
        (r"policy alternatives can ?not be satisfied|policy (?:falsified|violation)",
         _code("beleid", "het bericht voldoet niet aan het beveiligingsbeleid van de dienst: een onderdeel is niet ondertekend of versleuteld, of het algoritme is een ander", "the message does not meet the security policy of the service: a part is not signed or encrypted, or the algorithm is another", "u: vergelijk het verzonden bericht met het beleid in de WSDL", "you: compare the sent message with the policy in the WSDL")),
        (r"verifying security for the message",
         _code("beveiliging", "de dienst aanvaardt de beveiliging niet en zegt niet waarom (vaak: klok, certificaat of handtekening)", "the service does not accept the security and does not say why (often: clock, certificate or signature)", "u: vergelijk de klok, laat het certificaat registreren en beoordeel het bericht met ketentest check", "you: compare the clock, have the certificate registered and judge the message with ketentest check")),
        (r"PKIX path|unable to find valid certification path|certificate (?:chain|path) .*(?:invalid|not valid)",
         _code("PKIX", "een certificaat leidt aan de kant van de dienst niet naar een vertrouwde root", "on the side of the service a certificate does not lead to a trusted root", "de dienstaanbieder: controleer welke roots en intermediates vertrouwd zijn", "the service provider: check which roots and intermediates are trusted")),
        (r"DuplicateMessageID|duplicate message|dubbel bericht|message ?id .*already",
         _code("wsa:DuplicateMessageID", "het MessageID is eerder gebruikt", "the MessageID was used before", "u: maak voor elk bericht een nieuw MessageID", "you: make a new MessageID for every message")),
        (r"unmarshalling error|unexpected element|cvc-[a-z]|schema validation|(?:invalid|not valid) (?:according to|against) .*(?:schema|xsd)|voldoet niet aan .*(?:xsd|schema)|niet (?:valide|conform) .*(?:xsd|schema)",
         BPW["0004"]),
        (r"ActionNotSupported|ActionMismatch|no such operation|SOAPAction|ContractFilter mismatch|no binding operation|unknown operation|onbekende (?:operatie|bewerking)",
         _code("wsa:ActionNotSupported", "Action of SOAPAction is onbekend bij de dienst", "the service does not know the Action or SOAPAction", "u: neem de Action over uit de WSDL", "you: take the Action from the WSDL")),
        (r"MessageAddressingHeaderRequired|Message Addressing Property is not present",
         _code("wsa:MessageAddressingHeaderRequired", "een wsa-header ontbreekt", "a wsa header is absent", "u: vul de wsa-headers aan", "you: complete the wsa headers")),
        (r"InvalidAddressingHeader|InvalidMessageInformationHeader|InvalidCardinality|Message Addressing Property is not valid",
         _code("wsa:InvalidAddressingHeader", "een wsa-header staat er dubbel of is ongeldig", "a wsa header stands there twice or is invalid", "u: tel de wsa-headers; sommige bibliotheken voegen ze dubbel toe", "you: count the wsa headers; some libraries add them twice")),
        (r"DestinationUnreachable|EndpointUnavailable|service unavailable|niet beschikbaar|time-?out|timed out|connection refused|overbelast|overloaded|temporarily",
         _code("wsa:EndpointUnavailable", "de koppeling werkt; de dienst erachter is niet beschikbaar", "the link works; the service behind it is unavailable", "de dienstaanbieder: probeer het later opnieuw", "the service provider: try again later")),
        (r"not authori[sz]ed|niet geautoriseerd|access denied|permission denied",
         _code("niet geautoriseerd", "de koppeling werkt; uw OIN is niet geautoriseerd", "the link works; your OIN is not authorised", "de dienstaanbieder: vraag de autorisatie aan", "the service provider: ask for authorisation")),
        (r"MustUnderstand",
         _code("soapenv:MustUnderstand", "de dienst begrijpt een verplichte header niet (vaak: wsse:Security bij een 2W-be-dienst)", "the service does not understand a mandatory header (often: wsse:Security on a 2W-be service)", "u: controleer het profiel van de dienst", "you: check the profile of the service")),
        (r"\(from client\)|rejected by policy",
         Code("gateway", Text("een gateway voor de dienst weigert het bericht en zegt niet waarom", "a gateway in front of the service refuses the message and does not say why"), Text("de dienstaanbieder: vraag naar de logregel bij dit MessageID", "the service provider: ask for the log line of this MessageID"), link_works=False)),
        (r"VersionMismatch",
         _code("soapenv:VersionMismatch", "de dienst verwacht een andere SOAP-versie", "the service expects another version of SOAP", "u: verstuur SOAP 1.1", "you: send SOAP 1.1")),
    )
)  # fmt: skip


def explain(envelope: Envelope, service: ServiceProfile) -> Code | None:
    """Return the likely meaning of the fault in `envelope`, or None when nothing in it is recognised."""
    fault = envelope.fault
    if fault is None:
        return None
    details = [d for child in elements(fault) if local(child) == "detail" for d in child.iter()]
    codes = [
        text(d) for d in details if isinstance(d.tag, str) and local(d).lower() in ("foutcode", "code", "faultcode")
    ]
    heads = [text(child) for child in elements(fault) if local(child) in ("faultcode", "faultstring")]
    for words in (*codes, *heads):
        known = _known(words, service)
        if known is not None:
            return known
    for pattern, code in WORDS:
        if any(pattern.search(words) for words in (*heads, *codes)):
            return code
    return None


def _known(words: str, service: ServiceProfile) -> Code | None:
    match = _SERVICE_CODE.search(words)
    if match:
        stands_for = "de code staat in de documentatie van de dienst; lees de beschrijving in het bericht"
        in_english = "the code stands in the documentation of the service; read the description in the message"
        return service.codes.get(match[0]) or Code(match[0], Text(stands_for, in_english))
    match = _BPW_CODE.search(words)
    return BPW.get(match[0]) if match else None
