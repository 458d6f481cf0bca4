"""The ways in which the routing service of the lab can misbehave: each names the rule of the battery it provokes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.model import Text


@dataclass(frozen=True, slots=True)
class Fault:
    """One deviation: the rule that an application must hold it against, what it is, and whether it is really a fault.

    With `refuse` false the answer is valid and the application must accept it (another layout, a rollover).
    """

    rule: str
    text: Text
    refuse: bool = True


def _fault(rule: str, nl: str, en: str, *, refuse: bool = True) -> Fault:
    return Fault(f"SAML-{rule}", Text(nl, en), refuse)


FAULTS: Final[Mapping[str, Fault]] = {
    "unsigned": _fault("NEG-01", "ArtifactResponse zonder ondertekening", "ArtifactResponse without a signature"),
    "unsigned-assertion": _fault("AS-001", "assertion zonder ondertekening", "assertion without a signature"),
    "forged-key": _fault("NEG-02", "vreemde sleutel onder de KeyName van de RD", "foreign key under the RD's KeyName"),
    "unknown-key": _fault("NEG-02", "sleutel die in geen metadata staat", "key that no metadata lists"),
    "forged-certificate": _fault("NEG-03", "vreemd certificaat in het bericht", "foreign certificate in the message"),
    "forged-key-value": _fault("NEG-03", "vreemde sleutel als KeyValue", "foreign key as KeyValue"),
    "sha1-signature": _fault("NEG-04", "ondertekend met rsa-sha1", "signed with rsa-sha1"),
    "sha1-digest": _fault("NEG-04", "digest met SHA-1", "SHA-1 digest"),
    "xsw-extensions": _fault("NEG-05", "origineel verplaatst naar Extensions", "original moved to Extensions"),
    "xsw-object": _fault("NEG-05", "origineel verplaatst naar ds:Object", "original moved to ds:Object"),
    "xsw-sibling": _fault("NEG-05", "vervalste assertion naast de echte", "forged assertion beside the real one"),
    "xsw-advice": _fault(
        "NEG-05", "vervalste assertion met de echte in Advice", "forged assertion, real one in Advice"
    ),
    "xsw-child": _fault("NEG-05", "vervalste assertion rond de echte", "forged assertion around the real one"),
    "xsw-signature": _fault(
        "NEG-05",
        "de echte assertion in de ondertekening van een vervalste",
        "real assertion in a forged one's signature",
    ),
    "xsw-beside": _fault("NEG-05", "vervalst bericht vóór het echte", "forged message in front of the real one"),
    "tampered": _fault("ART-020", "gewijzigd na het ondertekenen", "changed after signing"),
    "comment-in-audience": _fault("NEG-06", "commentaar in Audience", "comment inside Audience"),
    "comment-in-service": _fault("NEG-06", "commentaar in ServiceUUID", "comment inside ServiceUUID"),
    "other-resolve": _fault("NEG-07", "antwoord op een ander ArtifactResolve", "answer to another ArtifactResolve"),
    "other-request": _fault("NEG-07", "Response op een ander verzoek", "Response to another request"),
    "other-confirmation": _fault("NEG-07", "bevestiging van een ander verzoek", "confirmation of another request"),
    "replay": _fault("NEG-08", "antwoord van een eerdere login", "answer of an earlier login"),
    "expired": _fault("NEG-09", "bevestiging vijf minuten verlopen", "confirmation expired five minutes ago"),
    "early": _fault("NEG-09", "assertion nog niet geldig", "assertion not valid yet"),
    "other-recipient": _fault("NEG-10", "Recipient is een ander adres", "Recipient is another address"),
    "other-destination": _fault("NEG-10", "Destination is een ander adres", "Destination is another address"),
    "other-audience": _fault("NEG-11", "doelgroep is een andere DV", "audience is another DV"),
    "lc-audience": _fault("NEG-11", "doelgroep zonder de DV", "audience without the DV"),
    "low-level": _fault("NEG-12", "niveau onder het minimum", "level below the minimum"),
    "unknown-level": _fault("NEG-12", "onbekend niveau", "unknown level"),
    "digid-3-level": _fault("NEG-12", "klasse van DigiD 3", "class of DigiD 3"),
    "high-level": _fault("NEG-13", "niveau boven het minimum", "level above the minimum", refuse=False),
    "other-service": _fault("NEG-14", "ServiceUUID van een andere dienst", "ServiceUUID of another service"),
    "other-recipient-key": _fault("NEG-15", "versleuteld voor een andere DV", "encrypted for another DV"),
    "plain-name": _fault("NEG-15", "onversleutelde naam", "plain name"),
    "no-name": _fault("NEG-15", "geen ActingSubjectID", "no ActingSubjectID"),
    "rsa-15": _fault("NEG-16", "sleuteltransport rsa-1_5", "key transport rsa-1_5"),
    "aes-128": _fault("NEG-16", "versleuteld met aes128-cbc", "encrypted with aes128-cbc"),
    "bad-padding": _fault("NEG-16", "onjuiste opvulling", "wrong padding"),
    "wrong-qualifier": _fault("NEG-17", "andere soort naam", "another kind of name"),
    "short-bsn": _fault("NEG-17", "BSN van acht cijfers", "BSN of eight digits"),
    "bad-bsn": _fault("NEG-17", "BSN dat niet aan de elfproef voldoet", "BSN that fails the 11-test"),
    "two-assertions": _fault("NEG-18", "twee assertions", "two assertions"),
    "encrypted-assertion": _fault("NEG-18", "EncryptedAssertion", "EncryptedAssertion"),
    "advice-other-bsn": _fault("NEG-19", "ander BSN in Advice", "another BSN in Advice", refuse=False),
    "no-response": _fault("NEG-20", "Success zonder Response", "Success without a Response"),
    "cancel": _fault("NEG-21", "gebruiker annuleert", "user cancels"),
    "failed": _fault("NEG-21", "AuthnFailed", "AuthnFailed"),
    "no-authn-context": _fault("NEG-21", "NoAuthnContext", "NoAuthnContext"),
    "request-denied": _fault("NEG-21", "RequestDenied", "RequestDenied"),
    "request-unsupported": _fault("NEG-21", "RequestUnsupported", "RequestUnsupported"),
    "no-supported-idp": _fault("NEG-21", "NoSupportedIDP", "NoSupportedIDP"),
    "requester": _fault("NEG-21", "Requester zonder nadere code", "Requester without a further code"),
    "resolve-denied": _fault(
        "ART-024", "ArtifactResponse met Requester/RequestDenied", "ArtifactResponse says Requester/RequestDenied"
    ),
    "soap-fault": _fault("NEG-22", "SOAP Fault", "SOAP Fault"),
    "http-500": _fault("NEG-22", "HTTP 500", "HTTP 500"),
    "html": _fault("NEG-22", "HTML in plaats van XML", "HTML instead of XML"),
    "slow": _fault("NEG-22", "geen antwoord binnen de tijd", "no answer in time"),
    "reset": _fault("NEG-22", "verbinding verbroken", "connection reset"),
    "tls-alert": _fault("NEG-22", "TLS-alert op het achterkanaal", "TLS alert on the back channel"),
    "doctype": _fault("NEG-23", "DOCTYPE met entiteiten", "DOCTYPE with entities"),
    "deep": _fault("NEG-23", "100.000 geneste elementen", "100,000 nested elements"),
    "huge": _fault("NEG-23", "bericht van 50 MB", "message of 50 MB"),
    "digid-3": _fault("NEG-26", "antwoord in de vorm van DigiD 3", "answer in the form of DigiD 3"),
    "pretty-values": _fault("NEG-27", "witruimte rond waarden", "white space around values", refuse=False),
    "other-prefixes": _fault("NEG-27", "andere prefixen", "other prefixes", refuse=False),
    "second-key": _fault(
        "NEG-28", "ondertekend met de tweede sleutel van de RD", "signed with the RD's second key", refuse=False
    ),
    "unreadable-first-key": _fault(
        "NEG-29", "eerste EncryptedKey is onleesbaar", "first EncryptedKey is unreadable", refuse=False
    ),
    "inline-keys": _fault("AS-052", "EncryptedKey binnen KeyInfo", "EncryptedKey inside KeyInfo", refuse=False),
    "represented": _fault(
        "AS-041", "vertegenwoordiging van een ander", "representation of somebody else", refuse=False
    ),
    "other-issuer": _fault("ART-022", "Issuer is een andere RD", "Issuer is another RD"),
    "lc-recipient": _fault("AS-056", "ook versleuteld voor de LC", "encrypted for the LC as well"),
    "eidas": _fault(
        "AS-030", "Europees middel (eIDAS), niveau hoog", "European means (eIDAS), level high", refuse=False
    ),
    "resolve-other-ca": _fault(
        "NEG-24",
        "achterkanaal met een certificaat buiten PKIoverheid",
        "back channel with a certificate outside PKIoverheid",
    ),
    "resolve-other-host": _fault(
        "NEG-24",
        "achterkanaal met het certificaat van een andere host",
        "back channel with the certificate of another host",
    ),
    "metadata-expired": _fault("NEG-30", "verlopen metadata", "expired metadata"),
    "metadata-broken": _fault("NEG-30", "metadata gewijzigd na ondertekenen", "metadata changed after signing"),
    "metadata-other-oin": _fault("NEG-30", "metadata met een ander OIN", "metadata with another OIN"),
    "sso-error": _fault("NEG-22", "foutpagina bij het inloggen", "error page at login"),
    "bad-artifact": _fault("ART-003", "artefact van de verkeerde vorm", "artifact of the wrong form"),
    "logout-denied": _fault("SLO-003", "uitloggen geweigerd", "logout denied"),
    "logout-unsigned": _fault("SLO-003", "LogoutResponse zonder ondertekening", "LogoutResponse without a signature"),
}
