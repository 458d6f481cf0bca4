"""The likely causes of a failed ebMS exchange: what each means, who must act, what to do, what to write (ERR-020)."""

from dataclasses import dataclass
from typing import Final

from harness.model import NOTHING, Text

THEY: Final = Text("de ketenpartner", "the counterparty")
WE: Final = Text("u", "you")
BOTH: Final = Text("beide partijen", "both parties")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One likely cause: where it broke (`key`), what it means, who must act, what to do, what to write."""

    key: str
    cause: Text
    who: Text
    act: Text
    letter: Text = NOTHING
    where: str = ""

    @property
    def advice(self) -> Text:
        """Who must act, what to do, and what to write to the Servicecentrum or the counterparty."""
        nl, en = f"{self.act.nl}. Aan zet: {self.who.nl}.", f"{self.act.en}. To act: {self.who.en}."
        if self.letter.nl:
            nl += f" Schrijf aan het Servicecentrum of de ketenpartner: “{self.letter.nl}”"
            en += f" Write to the Servicecentrum or the counterparty: “{self.letter.en}”"
        return Text(nl, en)


CAUSES: Final = {
    d.key: d
    for d in (
        Diagnosis(
            "own-file",
            Text(
                "waarschijnlijke oorzaak: uw eigen bestand (CPA, consumerspecificatie of Ping) bevat een fout",
                "likely cause: a mistake in your own file (CPA, consumer specification or Ping)",
            ),
            WE,
            Text(
                "Herstel eerst de fouten die `ketentest check` in uw bestanden meldt",
                "First mend the errors that `ketentest check` reports in your files",
            ),
        ),
        Diagnosis(
            "own-adapter",
            Text(
                "waarschijnlijke oorzaak: uw adapter maakt een bericht dat de standaard niet volgt",
                "likely cause: your adapter makes a message that does not follow the standard",
            ),
            WE,
            Text(
                "Vergelijk het verzonden bericht met de bevindingen en pas de instellingen van uw adapter aan",
                "Compare the message that was sent with the findings and adjust your adapter",
            ),
        ),
        Diagnosis(
            "network-out",
            Text(
                "het endpoint van de ketenpartner is vanaf hier niet bereikbaar",
                "the endpoint of the counterparty cannot be reached from here",
            ),
            BOTH,
            Text(
                "Controleer de hostnaam in het CPA en uw uitgaande firewall; meld de ketenpartner uw uitgaande IP-adres",
                "Check the host name in the CPA and your outgoing firewall; tell the counterparty your outgoing IP address",
            ),
            Text(
                "Wij bereiken uw ebMS-endpoint niet. Is ons uitgaande IP-adres bij u toegelaten?",
                "We cannot reach your ebMS endpoint. Is our outgoing IP address admitted at your side?",
            ),
        ),
        Diagnosis(
            "tls",
            Text(
                "de tweezijdige TLS-verbinding is geweigerd of niet tot stand gekomen",
                "the mutual TLS connection was refused or not made",
            ),
            BOTH,
            Text(
                "Controleer of uw clientcertificaat met de tussenliggende certificaten wordt aangeboden, en of de ketenpartner dit certificaat kent",
                "Check that your client certificate is presented with its intermediates, and that the counterparty knows this certificate",
            ),
            Text(
                "De TLS-verbinding met uw ebMS-endpoint mislukt. Kent u ons clientcertificaat?",
                "The TLS connection to your ebMS endpoint fails. Do you know our client certificate?",
            ),
        ),
        Diagnosis(
            "offloader",
            Text(
                "een TLS-offloader of firewall vóór de adapter van de ketenpartner wees het verzoek af",
                "a TLS offloader or firewall in front of the counterparty's adapter refused the request",
            ),
            THEY,
            Text(
                "Vraag de ketenpartner of uw clientcertificaat en IP-adres zijn toegelaten",
                "Ask the counterparty whether your client certificate and IP address are admitted",
            ),
            Text(
                "Uw endpoint weigert ons verzoek voordat uw adapter antwoordt. Zijn ons clientcertificaat en ons IP-adres toegelaten?",
                "Your endpoint refuses our request before your adapter answers. Are our client certificate and IP address admitted?",
            ),
        ),
        Diagnosis(
            "cpa-not-loaded",
            Text(
                "de ketenpartner kent dit CPA niet: waarschijnlijk is het daar nog niet geladen",
                "the counterparty does not know this CPA: it has probably not been loaded there yet",
            ),
            THEY,
            Text(
                "Mail het Servicecentrum Logius met het CPAId en vraag wanneer het CPA is geladen",
                "Mail the Servicecentrum Logius with the CPAId and ask when the CPA was loaded",
            ),
            Text(
                "Uw MSH meldt dat het CPA niet bekend is. Wilt u het laden en ons dat bevestigen?",
                "Your MSH says that the CPA is not known. Would you load it and confirm?",
            ),
        ),
        Diagnosis(
            "party-id",
            Text(
                "het PartyId, het type of de suffix van een partij wijkt af van het CPA van de ketenpartner",
                "a PartyId, its type or its suffix differs from the CPA of the counterparty",
            ),
            BOTH,
            Text(
                "Vergelijk From en To letterlijk met het CPA (OIN, suffix zoals _T, type urn:osb:oin) en vraag de ketenpartner welk CPA daar is geladen",
                "Compare From and To letter by letter with the CPA (OIN, suffix such as _T, type urn:osb:oin) and ask the counterparty which CPA is loaded there",
            ),
            Text(
                "Uw MSH herkent een PartyId niet. Welke PartyIds staan in het CPA dat u hebt geladen?",
                "Your MSH does not recognise a PartyId. Which PartyIds are in the CPA that you loaded?",
            ),
        ),
        Diagnosis(
            "action",
            Text(
                "rol, service of action staat niet in het CPA van de ketenpartner voor deze richting",
                "role, service or action is not in the counterparty's CPA for this direction",
            ),
            BOTH,
            Text(
                "Vergelijk Role, Service (met type) en Action letterlijk met het CPA; beide partijen moeten hetzelfde CPA hebben",
                "Compare Role, Service (with type) and Action letter by letter with the CPA; both parties must have the same CPA",
            ),
            Text(
                "Uw MSH kent onze service of action niet. Is het CPA dat u hebt geladen hetzelfde als het onze?",
                "Your MSH does not know our service or action. Is the CPA that you loaded the same as ours?",
            ),
        ),
        Diagnosis(
            "reference",
            Text(
                "het bericht verwijst naar een bericht dat de ketenpartner niet kent",
                "the message refers to a message that the counterparty does not know",
            ),
            WE,
            Text(
                "Controleer RefToMessageId in het verzonden bericht",
                "Check RefToMessageId in the message that was sent",
            ),
        ),
        Diagnosis(
            "characteristics",
            Text(
                "het bericht volgt de afspraken van het CPA niet (SyncReply, AckRequested, DuplicateElimination of versie)",
                "the message does not follow the CPA (SyncReply, AckRequested, DuplicateElimination or version)",
            ),
            WE,
            Text(
                "Laad het CPA opnieuw in uw adapter en verstuur het bericht nogmaals; blijft het, vergelijk dan beide CPA's",
                "Load the CPA again in your adapter and send again; if it persists, compare both CPAs",
            ),
        ),
        Diagnosis(
            "signature",
            Text(
                "de handtekening, de ontsleuteling of het certificaat is geweigerd",
                "the signature, the decryption or the certificate was refused",
            ),
            BOTH,
            Text(
                "Controleer of het ondertekenings- en versleutelingscertificaat in het CPA de certificaten zijn die uw adapter gebruikt",
                "Check that the signing and encryption certificates in the CPA are those that your adapter uses",
            ),
            Text(
                "Uw MSH meldt SecurityFailure. Welk ondertekeningscertificaat verwacht u van ons?",
                "Your MSH reports SecurityFailure. Which signing certificate do you expect of us?",
            ),
        ),
        Diagnosis(
            "clock",
            Text(
                "het bericht kwam volgens de ketenpartner te laat aan: waarschijnlijk lopen de klokken uiteen of is TimeToLive te kort",
                "the counterparty says the message came too late: the clocks probably differ or TimeToLive is too short",
            ),
            BOTH,
            Text(
                "Controleer de tijdsynchronisatie (NTP) en TimeToLive",
                "Check time synchronisation (NTP) and TimeToLive",
            ),
        ),
        Diagnosis(
            "packaging",
            Text(
                "een bijlage waarnaar het bericht verwijst, is niet gevonden",
                "an attachment that the message refers to was not found",
            ),
            WE,
            Text(
                "Controleer of elke verwijzing cid:… in het Manifest bij de Content-ID van een MIME-onderdeel hoort",
                "Check that every cid:… in the Manifest belongs to the Content-ID of a MIME part",
            ),
        ),
        Diagnosis(
            "delivery",
            Text(
                "de ketenpartner kon een bericht niet bij u afleveren",
                "the counterparty could not deliver a message to you",
            ),
            WE,
            Text(
                "Controleer of uw endpoint uit het CPA van buiten bereikbaar is en welke fout uw adapter logt",
                "Check that your endpoint in the CPA can be reached from outside and which error your adapter logs",
            ),
        ),
        Diagnosis(
            "feature",
            Text(
                "de MSH van de ketenpartner ondersteunt dit onderdeel van ebMS niet",
                "the MSH of the counterparty does not support this part of ebMS",
            ),
            WE,
            Text(
                "Laat het onderdeel weg: Digikoppeling gebruikt geen nextMSH en geen MessageOrder",
                "Leave it out: Digikoppeling uses no nextMSH and no MessageOrder",
            ),
        ),
        Diagnosis(
            "no-ping",
            Text(
                "de MSH van de ketenpartner beantwoordt geen Ping", "the MSH of the counterparty does not answer a Ping"
            ),
            THEY,
            Text(
                "Vraag de ketenpartner hoe de verbinding getest kan worden; Digikoppeling verplicht Ping niet",
                "Ask the counterparty how the link can be tested; Digikoppeling does not demand Ping",
            ),
            Text(
                "Uw MSH weigert de actie Ping. Hoe kunnen wij de verbinding testen?",
                "Your MSH refuses the action Ping. How can we test the link?",
            ),
        ),
        Diagnosis(
            "soap-action",
            Text(
                'de ketenpartner verwerkt het verzoek niet vanwege de HTTP-header SOAPAction; die moet "ebXML" zijn, met aanhalingstekens',
                'the counterparty does not process the request because of the HTTP header SOAPAction; it must be "ebXML", with quotes',
            ),
            WE,
            Text(
                "Controleer of een proxy of uw adapter de aanhalingstekens van SOAPAction weglaat",
                "Check whether a proxy or your adapter drops the quotes of SOAPAction",
            ),
        ),
        Diagnosis(
            "schema",
            Text(
                "de ketenpartner weigerde het bericht vóór de verwerking: waarschijnlijk is het niet geldig volgens het schema",
                "the counterparty refused the message before processing it: it is probably not valid against the schema",
            ),
            WE,
            Text(
                "Controleer het verzonden bericht met `ketentest check`; is het foutloos, vraag de ketenpartner dan naar de melding in het log",
                "Check the sent message with `ketentest check`; if it is clean, ask the counterparty for the entry in its log",
            ),
            Text(
                "Uw MSH antwoordt met HTTP 500 zonder inhoud. Wat meldt uw log op dat moment?",
                "Your MSH answers HTTP 500 without content. What does your log say at that moment?",
            ),
        ),
        Diagnosis(
            "overload",
            Text("de ketenpartner is tijdelijk niet beschikbaar", "the counterparty is temporarily unavailable"),
            THEY,
            Text(
                "Probeer het later opnieuw; duurt het voort, meld het bij het Servicecentrum",
                "Try again later; if it persists, tell the Servicecentrum",
            ),
        ),
        Diagnosis(
            "gateway",
            Text(
                "een voorliggende server bereikt de adapter van de ketenpartner niet",
                "a server in front cannot reach the adapter of the counterparty",
            ),
            THEY,
            Text(
                "Meld de ketenpartner dat de adapter achter het endpoint niet antwoordt",
                "Tell the counterparty that the adapter behind the endpoint does not answer",
            ),
            Text(
                "Uw endpoint antwoordt met een gatewayfout. Draait de ebMS-adapter erachter?",
                "Your endpoint answers with a gateway error. Is the ebMS adapter behind it running?",
            ),
        ),
        Diagnosis(
            "not-ebms",
            Text(
                "op dit adres antwoordt geen ebMS-adapter (een webpagina of ander antwoord)",
                "no ebMS adapter answers at this address (a web page or another answer)",
            ),
            BOTH,
            Text("Controleer het pad van het endpoint in het CPA", "Check the path of the endpoint in the CPA"),
            Text(
                "Op het endpoint uit het CPA antwoordt geen ebMS-adapter. Klopt het pad?",
                "No ebMS adapter answers at the endpoint of the CPA. Is the path right?",
            ),
        ),
        Diagnosis(
            "network-back",
            Text(
                "de Ping is aangenomen en er kwam geen Pong terug: waarschijnlijk bereikt de ketenpartner het endpoint uit het CPA niet",
                "the Ping was accepted and no Pong came back: the counterparty probably cannot reach the endpoint in the CPA",
            ),
            BOTH,
            Text(
                "Controleer uw inkomende firewall en het endpoint van uw partij in het CPA; vraag de ketenpartner naar de melding in het log",
                "Check your incoming firewall and the endpoint of your party in the CPA; ask the counterparty for the entry in its log",
            ),
            Text(
                "Uw MSH nam onze Ping aan; de Pong bereikt ons niet. Welke fout meldt uw MSH bij het versturen naar ons endpoint?",
                "Your MSH accepted our Ping; the Pong does not reach us. Which error does your MSH log when it sends to our endpoint?",
            ),
        ),
        Diagnosis(
            "status-arrived",
            Text(
                "de ketenpartner heeft het bericht ontvangen; de ontvangstbevestiging kwam niet bij u aan",
                "the counterparty received the message; its acknowledgement did not reach you",
            ),
            BOTH,
            Text(
                "Verstuur het bericht niet opnieuw; controleer uw inkomende firewall en het endpoint van uw partij in het CPA",
                "Do not send the message again; check your incoming firewall and the endpoint of your party in the CPA",
            ),
            Text(
                "Uw MSH meldt ons bericht als ontvangen, maar de ontvangstbevestiging bereikt ons niet. Welke fout meldt uw MSH bij het versturen ervan?",
                "Your MSH reports our message as received, but the acknowledgement does not reach us. Which error does your MSH log when it sends it?",
            ),
        ),
        Diagnosis(
            "status-unknown",
            Text(
                "de MSH van de ketenpartner kent het bericht niet, ook al nam het endpoint het aan",
                "the MSH of the counterparty does not know the message, although the endpoint accepted it",
            ),
            THEY,
            Text(
                "Vraag de ketenpartner waar het bericht na het endpoint is gebleven; de statusdienst kan ook na enige tijd vergeten",
                "Ask the counterparty where the message went after the endpoint; the status service may also forget after a while",
            ),
            Text(
                "Uw endpoint nam ons bericht aan, maar uw MSH meldt NotRecognized. Waar is het gebleven?",
                "Your endpoint accepted our message, but your MSH reports NotRecognized. Where did it go?",
            ),
        ),
        Diagnosis(
            "status-unauthorised",
            Text(
                "de ketenpartner geeft ons de status van het bericht niet",
                "the counterparty does not tell us the status of the message",
            ),
            THEY,
            Text(
                "Vraag de ketenpartner de status na te zien bij dit MessageId",
                "Ask the counterparty to look up the status of this MessageId",
            ),
            Text(
                "Uw MSH meldt UnAuthorized op onze statusvraag. Is ons bericht bij u aangekomen?",
                "Your MSH reports UnAuthorized on our status request. Did our message arrive?",
            ),
        ),
        Diagnosis(
            "our-listener",
            Text(
                "er kwam een verbinding op ons endpoint binnen die geen Pong bracht",
                "a connection came in on our endpoint that brought no Pong",
            ),
            WE,
            Text(
                "Controleer of het endpoint uit het CPA naar deze luisteraar leidt en niet naar een andere adapter",
                "Check that the endpoint in the CPA leads to this listener and not to another adapter",
            ),
        ),
        Diagnosis(
            "unknown",
            Text(
                "de ketenpartner weigerde het bericht zonder dat de oorzaak uit het antwoord blijkt",
                "the counterparty refused the message and the answer does not tell why",
            ),
            THEY,
            Text(
                "Vraag de ketenpartner naar de melding in het log bij dit MessageId",
                "Ask the counterparty for the log entry of this MessageId",
            ),
            Text(
                "Uw MSH weigert ons bericht. Wat meldt uw log bij dit MessageId?",
                "Your MSH refuses our message. What does your log say for this MessageId?",
            ),
        ),
    )
}
