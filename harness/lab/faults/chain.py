"""What can go wrong in the chain test itself: messages that are taken and then answered otherwise than hoped."""

from collections.abc import Mapping
from typing import Final

from harness.lab.faults.ebms import MESSAGE, Fault
from harness.lab.faults.wus import Fault as WusFault
from harness.model import Text
from harness.wire.ebms import ACKNOWLEDGMENT

CASES: Final[Mapping[str, Fault]] = {
    "foutbericht": Fault(
        "MSG-022",
        Text("neemt elk bericht aan en stuurt er een foutbericht op", "takes each message and sends an error message"),
        MESSAGE,
        behaviour="refuses-content",
    ),
    "unknown-bsn": Fault(
        "MSG-022",
        Text("kent de persoon niet: het account is niet geregistreerd", "does not know the person: no account registered"),
        MESSAGE,
        behaviour="unknown-bsn",
    ),
    "no-foutbericht": Fault(
        "MSG-023",
        Text("stuurt nooit een foutbericht", "never sends an error message"),
        MESSAGE,
        behaviour="no-errors",
    ),
    "double-ack": Fault(
        "MSG-027",
        Text("bevestigt elk bericht twee keer", "acknowledges each message twice"),
        ACKNOWLEDGMENT,
        behaviour="twice",
    ),
    "late-ack": Fault(
        "MSG-021",
        Text("bevestigt pas nadat het bericht is herhaald", "acknowledges only after the message was repeated"),
        ACKNOWLEDGMENT,
        delay=2.0,
    ),
}  # fmt: skip

DELIVERIES: Final[Mapping[str, WusFault]] = {
    "status-410": WusFault("MSG-031", Text("kan niet afleveren: status 410", "cannot deliver: status 410")),
    "status-311": WusFault("MSG-031", Text("keurt de inhoud af: status 311", "rejects the content: status 311")),
    "status-unfinished": WusFault("MSG-032", Text("komt niet verder dan status 405", "gets no further than status 405")),
    "delivery-refused": WusFault("MSG-030", Text("weigert elke aanlevering (ALS100)", "refuses each delivery (ALS100)")),
    "delivery-overloaded": WusFault("MSG-030", Text("is overbelast bij het aanleveren (ALS400)", "is overloaded when delivering (ALS400)")),
    "always-delivered": WusFault("MSG-033", Text("neemt elke aanlevering aan, wat het kenmerk ook vraagt", "takes each delivery, whatever its mark asks")),
    "other-message-back": WusFault("MSG-034", Text("geeft een ander bericht terug", "gives another message back")),
    "nothing-to-collect": WusFault("MSG-034", Text("heeft niets op te halen", "has nothing to collect")),
}  # fmt: skip

REPORTS: Final[Mapping[str, WusFault]] = {
    "report-not-authorised": WusFault("MSG-030", Text("staat terugmelden niet toe (DK0002)", "does not allow reporting (DK0002)")),
    "report-invalid": WusFault("MSG-030", Text("vindt de melding niet volgens de XSD (DK0004)", "finds the report not after the XSD (DK0004)")),
    "report-against-agreement": WusFault("MSG-030", Text("vindt de melding niet volgens de afspraak (DK0050)", "finds the report not as agreed (DK0050)")),
    "report-timeout": WusFault("MSG-030", Text("krijgt geen antwoord van de basisregistratie (DK0051)", "gets no answer of the base registry (DK0051)")),
    "report-lost": WusFault("MSG-035", Text("noemt de melding niet in het statusoverzicht", "does not name the report in the status overview")),
    "report-without-reference": WusFault("MSG-036", Text("geeft geen verwijzing naar de melding", "gives no reference to the report")),
}  # fmt: skip
