"""The lab's Digimelding: Echo and Statusoverzicht, with the names of DMKS 1.3."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import uuid4

from lxml import etree

from harness.lab.faults import wus as faults
from harness.lab.faults.wus import Fault
from harness.lab.services import WusService, element, find
from harness.model import Text
from harness.wire.soap_wsdl import Operation


class Digimelding(WusService):
    """Digimelding: Echo and Statusoverzicht, names from DMKS 1.3."""

    NAME: ClassVar[str] = "digimelding"
    PATH: ClassVar[str] = "/wus/digimelding"
    DOCUMENTS: ClassVar[tuple[str, ...]] = ("digimelding-dmks-1.3.wsdl", "digimelding-dmks-1.3.xsd")
    TABLE: ClassVar[Mapping[str, Fault]] = {**faults.COMMON, **faults.TRIED, **faults.DIGIMELDING}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}
    SPACE: ClassVar[str] = "http://webservices.digimelding.nl/dmks/cookiebox/"

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Echo the text, or give an overview of one report."""
        if operation.name == "Echo":
            return element(self.SPACE, "EchoResponse", Echo=find(asked, "Echo"))
        made = element(self.SPACE, "StatusoverzichtResponse")
        status = etree.SubElement(made, f"{{{self.SPACE}}}Status")
        for name, value in (("Annotatie", str(uuid4())), ("Referentiekenmerk", "KT20261121"), ("Status", "NIEUW")):
            etree.SubElement(status, f"{{{self.SPACE}}}{name}").text = value
        return made

    def detail(self, code: str) -> etree._Element:
        """Return DigimeldingSynchroonFault with the DK code."""
        known = {"0002": "DK0002.NietGeautoriseerd", "0051": "DK0051.TimeOut"}
        blame = "Server" if code == "0051" else "Client"
        full = f"{blame}.{known.get(code, 'DK0004.ElementNietConformXSD')}"
        return element(
            self.SPACE, "DigimeldingSynchroonFault", faultcode=full, faultstring="Fout", faultactor=self.endpoint
        )
