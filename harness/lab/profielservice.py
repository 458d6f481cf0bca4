"""The lab's own labelled stub of the MijnOverheid Profielservice."""

from collections.abc import Mapping
from typing import ClassVar

from lxml import etree

from harness.lab.faults import wus as faults
from harness.lab.faults.wus import Fault
from harness.lab.services import WusService, element, find
from harness.masking import elfproef
from harness.model import Text
from harness.wire.soap_wsdl import Operation


class Profielservice(WusService):
    """Our own labelled stub of the MijnOverheid Profielservice: does this citizen have an account."""

    NAME: ClassVar[str] = "profielservice"
    PATH: ClassVar[str] = "/wus/profiel"
    DOCUMENTS: ClassVar[tuple[str, ...]] = ("stub-profielservice-v1.wsdl", "stub-profielservice-v1.xsd")
    TABLE: ClassVar[Mapping[str, Fault]] = {**faults.GENERIC, **faults.TRIED, **faults.PROFIELSERVICE}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}
    SPACE: ClassVar[str] = "urn:ketentest:stub:profielservice:types:v1"

    def refuses(self, operation: Operation, payload: etree._Element) -> str:
        """Refuse nine digits that are no BSN."""
        return "" if self.fault.lenient or elfproef(find(payload, "bsn").encode()) else "0004"

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Say yes for a BSN that ends in an odd digit."""
        bsn = find(asked, "bsn")
        yes = "true" if bsn[-1:] in "13579" else "false"
        return element(self.SPACE, "controleerAccountResponse", bsn=bsn, heeftAccount=yes)

    def detail(self, code: str) -> etree._Element:
        """Return stubFout with the code."""
        return element(self.SPACE, "stubFout", code=code, omschrijving="verzoek niet verwerkt")
