"""The lab's Digipoort 1.2: deliveries to a test stub, kinds of message, processes and statuses."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import uuid4

from lxml import etree

from harness.lab.faults import wus as faults
from harness.lab.faults.wus import Fault
from harness.lab.services import WusService, element, find
from harness.model import Text
from harness.wire.soap_wsdl import Operation


class Digipoort(WusService):
    """Digipoort 1.2: aanleveren on a teststub, kinds of message, processes and statuses."""

    NAME: ClassVar[str] = "digipoort"
    PATH: ClassVar[str] = "/wus/2.0/statusinformatieservice/1.2"
    DOCUMENTS: ClassVar[tuple[str, ...]] = (
        "digipoort-statusinformatieservice-1.2.wsdl",
        "digipoort-aanleverservice-1.2.wsdl",
        "digipoort-koppelvlakservices-1.2.xsd",
    )
    TABLE: ClassVar[Mapping[str, Fault]] = {**faults.COMMON, **faults.TRIED, **faults.DIGIPOORT}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}
    SPACE: ClassVar[str] = "http://logius.nl/digipoort/koppelvlakservices/1.2/"
    UNKNOWN: ClassVar[str] = "onbekend"

    def refuses(self, operation: Operation, payload: etree._Element) -> str:
        """Refuse an unknown reference, and what the teststub is asked to refuse."""
        if find(payload, "aanleverkenmerk") == "AanleverFault":
            return "ALS100"
        if find(payload, "kenmerk") == self.UNKNOWN or find(payload, "aanleverkenmerk") == "StatusInformatieFault":
            return "STS100"
        return ""

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Answer as the teststub does."""
        makers: Mapping[str, Callable[[etree._Element, str], etree._Element]] = {
            "aanleveren": self._delivered,
            "getBerichtsoorten": self._kinds,
            "getProcessen": self._processes,
        }
        return makers.get(operation.name, self._statuses)(asked, operation.name)

    def _identity(self, parent: etree._Element, asked: etree._Element) -> None:
        identity = etree.SubElement(parent, f"{{{self.SPACE}}}identiteitBelanghebbende")
        for name, default in (("nummer", "001000044B37"), ("type", "Fi")):
            etree.SubElement(identity, f"{{{self.SPACE}}}{name}").text = find(asked, name) or default

    def _add(self, parent: etree._Element, **children: str) -> None:
        for name, value in children.items():
            etree.SubElement(parent, f"{{{self.SPACE}}}{name}").text = value

    def _delivered(self, asked: etree._Element, name: str) -> etree._Element:
        made = element(self.SPACE, "aanleverResponse", kenmerk=str(uuid4()), berichtsoort=find(asked, "berichtsoort"))
        if find(asked, "aanleverkenmerk"):
            self._add(made, aanleverkenmerk=find(asked, "aanleverkenmerk"))
        self._add(made, tijdstempelAangeleverd=self._moment(0))
        self._identity(made, asked)
        self._add(made, rolBelanghebbende=find(asked, "rolBelanghebbende"))
        return made

    def _kinds(self, asked: etree._Element, name: str) -> etree._Element:
        made = element(self.SPACE, "getBerichtsoortenResponse")
        self._add(etree.SubElement(made, f"{{{self.SPACE}}}getBerichtsoortenReturn"), berichtsoort="Omzetbelasting")
        return made

    def _processes(self, asked: etree._Element, name: str) -> etree._Element:
        made = element(self.SPACE, "getProcessenResponse")
        listed = etree.SubElement(made, f"{{{self.SPACE}}}getProcessenReturn")
        process = etree.SubElement(listed, f"{{{self.SPACE}}}ProcesResultaat")
        self._add(process, kenmerk=str(uuid4()), berichtsoort=find(asked, "berichtsoort"))
        self._identity(process, asked)
        return made

    def _statuses(self, asked: etree._Element, name: str) -> etree._Element:
        made = element(self.SPACE, f"{name}Response")
        listed = etree.SubElement(made, f"{{{self.SPACE}}}{name}Return")
        codes: Sequence[str] = self.service.settings.get("sequence", ())
        if self.fault.growing:
            codes = codes[: 3 * len(self.asked)]
        for number, code in enumerate(codes):
            status = etree.SubElement(listed, f"{{{self.SPACE}}}StatusResultaat")
            self._add(status, kenmerk=find(asked, "kenmerk"))
            self._identity(status, asked)
            words = self.service.statuses[code].meaning.nl
            self._add(status, statuscode=code, tijdstempelStatus=self._moment(number), statusomschrijving=words)
        return made

    def _moment(self, number: int) -> str:
        return (self.place.now() - timedelta(minutes=10 - number)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def detail(self, code: str) -> etree._Element:
        """Return the fault element of the service that was asked."""
        name = "aanleverFault" if code.startswith("ALS") else "statusinformatieFault"
        shown = {"0004": "STS100", "0051": "ALS400"}.get(code, code)
        return element(self.SPACE, name, foutcode=shown, foutbeschrijving="Het verzoek kan niet worden verwerkt.")
