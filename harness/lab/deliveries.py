"""The lab behind Digipoort and Digimelding: what is delivered is followed and given back, what is reported is found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import uuid4

from lxml import etree

from harness.lab import Place
from harness.lab.digimelding import Digimelding
from harness.lab.digipoort import Digipoort
from harness.lab.faults import chain
from harness.lab.faults.wus import Fault
from harness.lab.services import find
from harness.model import Text
from harness.wire.soap_wsdl import Operation

START: Final = ("105", "100", "110", "200", "301", "405")
ENDINGS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "Afleverfout": ((*START, "410"), "AFS400"),
    "Foutuitvragendepartij": ((*START, "410"), "AFO100"),
    "MaximaalAantalAfleverpogingen": ((*START, "410"), "AFS600"),
    "TechnischProbleemAfleveren": ((*START, "420"), "AFS400"),
    "status-410": ((*START, "410"), "AFS400"),
    "status-311": ((*START[:4], "311"), "VAS500"),
    "status-unfinished": (START, ""),
}
"""The statuses of a delivery by its aanleverkenmerk or by the fault of the lab, and the code of the last one."""
REFUSING: Final[Mapping[str, str]] = {"AanleverFault": "ALS100", "OverbelastAanleveren": "0051"}


@dataclass(frozen=True)
class Delivery:
    """One message that was delivered."""

    mark: str
    sort: str
    media_type: str
    name: str
    content: str


class DeliveringDigipoort(Digipoort):
    """Digipoort with a memory: the aanleverkenmerk decides what becomes of a delivery."""

    DOCUMENTS: ClassVar[tuple[str, ...]] = (*Digipoort.DOCUMENTS, "digipoort-ophaalservice-1.2.wsdl")
    TABLE: ClassVar[Mapping[str, Fault]] = {**Digipoort.TABLE, **chain.DELIVERIES}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.deliveries: dict[str, Delivery] = {}

    def refuses(self, operation: Operation, payload: etree._Element) -> str:
        """Refuse what the aanleverkenmerk or a fault of the lab asks to refuse."""
        if operation.name == "aanleveren":
            if "always-delivered" in self.place.faults:
                return ""
            if "delivery-refused" in self.place.faults:
                return "ALS100"
            if "delivery-overloaded" in self.place.faults:
                return "0051"
            return REFUSING.get(find(payload, "aanleverkenmerk"), "")
        known = self.deliveries.get(find(payload, "kenmerk"))
        if operation.name == "getStatussenProces" and known and known.mark == "StatusInformatieFault":
            return "STS100"
        return super().refuses(operation, payload)

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Remember a delivery, tell its statuses, or give it back."""
        if operation.name == "getBerichtenKenmerk":
            return self._collected(asked)
        made = super().answer(operation, asked)
        if operation.name == "aanleveren":
            inner = asked.find("{*}berichtInhoud/{*}inhoud")
            self.deliveries[find(made, "kenmerk")] = Delivery(
                mark=find(asked, "aanleverkenmerk"),
                sort=find(asked, "berichtsoort"),
                media_type=find(asked, "mimeType"),
                name=find(asked, "bestandsnaam"),
                content=(inner.text or "") if inner is not None else "",
            )
        elif operation.name == "getStatussenProces":
            self._ended(made, self.deliveries.get(find(asked, "kenmerk")))
        return made

    def _ended(self, made: etree._Element, delivery: Delivery | None) -> None:
        faults = [name for name in ENDINGS if name in self.place.faults]
        ending = ENDINGS.get(faults[0] if faults else delivery.mark if delivery else "")
        if ending is None:
            return
        codes, reason = ending
        results = list(made.iter("{*}StatusResultaat"))
        for result in results[len(codes) :]:
            parent = result.getparent()
            if parent is not None:
                parent.remove(result)
        for code, result in zip(codes, results, strict=False):
            self._restate(result, code, reason if code == codes[-1] else "")

    def _restate(self, result: etree._Element, code: str, reason: str) -> None:
        known = self.service.statuses.get(code)
        for child in result:
            if etree.QName(child).localname == "statuscode":
                child.text = code
            elif etree.QName(child).localname == "statusomschrijving":
                child.text = known.meaning.nl[:80] if known else code
        if reason:
            detail = etree.SubElement(result, f"{{{self.SPACE}}}statusFoutcode")
            self._add(detail, foutcode=reason, foutbeschrijving="Zie de statusdetails.")
            self._add(result, statusdetails="Opgeroepen door het aanleverkenmerk van de teststub.")

    def _collected(self, asked: etree._Element) -> etree._Element:
        element = etree.Element(f"{{{self.SPACE}}}getBerichtenKenmerkResponse", nsmap={None: self.SPACE})
        listed = etree.SubElement(element, f"{{{self.SPACE}}}getBerichtenKenmerkReturn")
        mark = find(asked, "kenmerk")
        delivery = self.deliveries.get(mark)
        if delivery is None or "nothing-to-collect" in self.place.faults:
            return element
        content = "YW5kZXJz" if "other-message-back" in self.place.faults else delivery.content
        found = etree.SubElement(listed, f"{{{self.SPACE}}}BerichtResultaat")
        self._add(found, kenmerk=mark, berichtsoort=delivery.sort, berichtkenmerk=str(uuid4()))
        self._add(found, tijdstempelAangeleverd=self._moment(0))
        self._identity(found, asked)
        self._add(found, rolBelanghebbende="Bedrijf")
        inside = etree.SubElement(found, f"{{{self.SPACE}}}berichtInhoud")
        self._add(inside, mimeType=delivery.media_type, bestandsnaam=delivery.name, inhoud=content)
        return element


class ReportingDigimelding(Digimelding):
    """Digimelding with a memory: a report that was taken stands in the status overview."""

    TABLE: ClassVar[Mapping[str, Fault]] = {**Digimelding.TABLE, **chain.REPORTS}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}
    CODES: ClassVar[Mapping[str, str]] = {
        "report-not-authorised": "0002",
        "report-invalid": "0004",
        "report-against-agreement": "0050",
        "report-timeout": "0051",
    }

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.reports: dict[str, str] = {}

    def refuses(self, operation: Operation, payload: etree._Element) -> str:
        """Refuse a report as a fault of the lab asks."""
        if operation.name != "AnnotatieToevoegen":
            return super().refuses(operation, payload)
        return next((code for name, code in self.CODES.items() if name in self.place.faults), "")

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Take a report, or tell which were taken."""
        if operation.name == "AnnotatieToevoegen":
            return self._taken(asked)
        made = super().answer(operation, asked)
        if operation.name == "Statusoverzicht" and "report-lost" not in self.place.faults:
            for reference, about in self.reports.items():
                status = etree.SubElement(made, f"{{{self.SPACE}}}Status")
                for name, value in (("Annotatie", reference), ("Referentiekenmerk", about), ("Status", "NIEUW")):
                    etree.SubElement(status, f"{{{self.SPACE}}}{name}").text = value
        return made

    def _taken(self, asked: etree._Element) -> etree._Element:
        reference = f"DM-{uuid4()}"
        self.reports[reference] = find(asked, "referentie")
        element = etree.Element(f"{{{self.SPACE}}}AnnotatieToevoegenResponse", nsmap={None: self.SPACE})
        words = {"Tijdstempel": self.place.now().strftime("%Y-%m-%dT%H:%M:%SZ"), "AnnotatieVerwijzing": reference}
        if "report-without-reference" in self.place.faults:
            words["AnnotatieVerwijzing"] = ""
        for name, value in words.items():
            etree.SubElement(element, f"{{{self.SPACE}}}{name}").text = value
        return element

    def detail(self, code: str) -> etree._Element:
        """Return DigimeldingSynchroonFault with the DK code, also for a broken agreement."""
        element = super().detail(code)
        if code == "0050":
            element[0].text = "Client.DK0050.AfspraakNietGevolgd"
        return element
