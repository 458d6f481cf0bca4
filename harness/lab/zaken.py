"""The lab behind Lopende Zaken: it takes zaakberichten and vraagberichten, and answers what it cannot use with a foutbericht."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import ClassVar, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from lxml import etree

from harness.errors import KetentestError
from harness.lab.faults import chain, ebms
from harness.lab.msh import Msh
from harness.lab.msh_agreements import LAB_ROLE, OWN_ROLE, Agreement
from harness.lint.ebms.received import Received
from harness.model import Text
from harness.wire import xml
from harness.wire.ebms_mime import Attachment
from harness.wire.spec import Action, Service
from harness.wire.xsd import SchemaSet

SERVICE: Final = "ketentest:lopende-zaken:1.0"
CASE_ACTIONS: Final = ("VerstuurZaakbericht", "VerstuurVraagbericht")
ERROR_ACTION: Final = "VerstuurFoutbericht"
SPACE: Final = "urn:ketentest:lab:zaak:1"
_COMMON: Final = "urn:ketentest:lab:gemeenschappelijk:1"


class ZakenMsh(Msh):
    """The MSH of the lab with a case file behind it; every payload is judged against the lab's own XSDs."""

    TABLE: ClassVar[Mapping[str, ebms.Fault]] = {**ebms.FAULTS, **chain.CASES}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: fault.text for name, fault in TABLE.items()}

    async def start(self) -> None:
        """Make the CPAs, load the keys and the XSDs, and begin with an empty case file."""
        folder = files("harness").joinpath("schemas", "lab-messages", "xsd")
        self.schemas = SchemaSet({e.name: e.read_bytes() for e in folder.iterdir() if e.name.endswith(".xsd")})
        self.cases: set[str] = set()
        await super().start()

    def services(self, profile: str) -> tuple[Service, ...]:
        """Return the service that takes messages about cases."""
        taking = (Action(name, OWN_ROLE, LAB_ROLE, profile) for name in CASE_ACTIONS)
        return (Service(SERVICE, (*taking, Action(ERROR_ACTION, LAB_ROLE, OWN_ROLE, profile))),)

    def process(self, case: Received, agreement: Agreement) -> None:
        """File the message, or send a foutbericht that says why not."""
        if case.message.action not in CASE_ACTIONS:
            return
        data = case.message.package.attachments[0].data if case.message.package.attachments else b""
        reference, code, text = self._filed(data)
        if code and not self._behaves("no-errors", ebms.MESSAGE):
            sent = foutbericht(reference, code, text, self._own_oin(), self.place.now())
            part = Attachment(f"foutbericht-{uuid4()}@{self.domain}", sent)
            self._later(self.send_back(case, agreement, ERROR_ACTION, [part], 0.02))

    def _own_oin(self) -> str:
        return str(self.place.settings.get("peer_oin") or "00000099000000002000")

    def _filed(self, data: bytes) -> tuple[str, str, str]:
        """Return the reference of a message, and the code and words of what is wrong with it (or nothing)."""
        try:
            root = xml.parse(data, huge=True)
        except KetentestError as wrong:
            return "onbekend", "XML", wrong.text.nl
        reference = _text(root, "referentie") or "onbekend"
        if self._behaves("unknown-bsn", ebms.MESSAGE):
            return reference, "BSN-ONBEKEND", "De persoon heeft geen account in deze omgeving."
        if self._behaves("refuses-content", ebms.MESSAGE):
            return reference, "INHOUD", "Het bericht kan niet worden verwerkt."
        entry = self.schemas.entry_for(root)
        wrong_places = self.schemas.violations(root, entry) if entry else []
        if wrong_places or (not entry and str(root.tag).startswith(f"{{{SPACE}}}")):
            first = wrong_places[0].text.nl if wrong_places else "onbekend bericht"
            return reference, "XSD", first[:200]
        return self._matched(root, reference)

    def _matched(self, root: etree._Element, reference: str) -> tuple[str, str, str]:
        if etree.QName(root).localname == "zaakbericht":
            self.cases.add(_text(root, "kenmerk"))
        elif etree.QName(root).localname == "vraagbericht" and _text(root, "zaakkenmerk") not in self.cases:
            return reference, "ZAAK-ONBEKEND", "De zaak van deze vraag is niet bekend."
        return reference, "", ""


def _text(root: etree._Element, name: str) -> str:
    found = next(root.iter(f"{{*}}{name}"), None)
    return "" if found is None else (found.text or "").strip()


def foutbericht(about: str, code: str, text: str, sender: str, at: datetime) -> bytes:
    """Return a foutbericht about the message with reference `about`, in the lab's own namespace."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<foutbericht xmlns="{SPACE}" xmlns:g="{_COMMON}"><kop><g:referentie>FB-{uuid4().hex[:8]}</g:referentie>'
        f"<g:tijdstip>{at:%Y-%m-%dT%H:%M:%SZ}</g:tijdstip><g:afzender>{escape(sender)}</g:afzender></kop>"
        f"<betreft>{escape(about)}</betreft><foutcode>{escape(code)}</foutcode>"
        f"<foutomschrijving>{escape(text)}</foutomschrijving></foutbericht>"
    ).encode()
