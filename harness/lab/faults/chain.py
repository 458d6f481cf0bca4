"""What can go wrong in the chain test itself: messages that are taken and then answered otherwise than hoped."""

from collections.abc import Mapping
from typing import Final

from harness.lab.faults.ebms import MESSAGE, Fault
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
    "late-ack": Fault(
        "MSG-021",
        Text("bevestigt pas nadat het bericht is herhaald", "acknowledges only after the message was repeated"),
        ACKNOWLEDGMENT,
        delay=2.0,
    ),
}  # fmt: skip
