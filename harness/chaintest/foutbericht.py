"""Read a foutbericht of the counterparty, whatever its standard, and say who must act on it."""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from harness.errors import DocumentUnreadable
from harness.lint.msg import kind_of, payload_of
from harness.model import Text
from harness.wire import xml
from harness.wire.xsd import without_digits

_NAMES: Final = {
    "code": ("foutcode", "code", "errorcode"),
    "text": ("foutomschrijving", "omschrijving", "foutbeschrijving", "description", "details"),
    "about": ("betreft", "crossrefnummer", "referentienummeroorspronkelijk", "reftomessageid"),
    "place": ("plek",),
}

#: Words in a foutbericht, in the order in which they are tried, and who must act.
CAUSES: Final = (
    (
        r"bsn|persoon|account|burger",
        Text(
            "u: registreer het test DigiD-account op het preproductieportaal (5.3.2) en controleer het test-BSN",
            "you: register the test DigiD account on the pre-production portal (5.3.2) and check the test BSN",
        ),
    ),
    (
        r"xsd|schema|valid|element|formaat|verplicht",
        Text("u: valideer het bericht tegen de XSD’s (msg.testset)", "you: validate the message against the XSDs (msg.testset)"),
    ),
    (
        r"autoris|rechten|niet toegestaan|not allowed",
        Text("Logius, via het Servicecentrum: vraag de autorisatie na", "Logius, through the Servicecentrum: ask about the authorisation"),
    ),
    (
        r"zaak|kenmerk|referentie|dubbel|duplicate|bestaat al",
        Text(
            "u: controleer het kenmerk en de volgorde van de berichten in uw zaaksysteem",
            "you: check the reference and the order of the messages in your case system",
        ),
    ),
)  # fmt: skip
SERVER: Final = Text("Logius, via het Servicecentrum", "Logius, through the Servicecentrum")
OTHERWISE: Final = Text(
    "u: lees de omschrijving; komt u er niet uit, geef het MessageId door aan het Servicecentrum",
    "you: read the description; otherwise give the MessageId to the Servicecentrum",
)


@dataclass(frozen=True)
class Foutbericht:
    """What a foutbericht says: its code, its words, what it is about; no long number is left in them."""

    code: str
    text: str
    about: str
    place: str = ""

    @property
    def summary(self) -> str:
        """Code and words in one line."""
        return ": ".join(word for word in (self.code, self.text) if word) or "foutbericht"

    @property
    def who(self) -> Text:
        """Who must act, from the words of the message; a likely reading, not a certainty."""
        if self.place.lower() == "server":
            return SERVER
        said = f"{self.code} {self.text}"
        return next((who for pattern, who in CAUSES if re.search(pattern, said, re.IGNORECASE)), OTHERWISE)


def read_foutbericht(data: bytes) -> Foutbericht | None:
    """Return what a message says when it is a foutbericht, else None."""
    if kind_of(data) != "foutbericht":
        return None
    try:
        message = payload_of(xml.parse(data, huge=True))
    except DocumentUnreadable:
        return None
    if message is None:
        return None
    found = {key: without_digits(_first(message, names))[:300] for key, names in _NAMES.items() if key != "about"}
    return Foutbericht(**found, about=_first(message, _NAMES["about"]))


def _first(message: etree._Element, names: tuple[str, ...]) -> str:
    leaves = [e for e in message.iter() if isinstance(e.tag, str) and not len(e) and (e.text or "").strip()]
    for name in names:
        for leaf in leaves:
            if etree.QName(leaf).localname.lower() == name:
                return (leaf.text or "").strip()
    return ""
