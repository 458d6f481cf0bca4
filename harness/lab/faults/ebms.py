"""The faults of the lab's MSH: each is a healthy answer with one deviation, and names the rule that it provokes."""

from collections.abc import Mapping
from typing import Final

from harness.lab.faults.ebms_answers import ANSWERS
from harness.lab.faults.ebms_deliveries import DELIVERIES
from harness.lab.faults.ebms_fault import MESSAGE, Fault

__all__ = ["ANSWERS", "DELIVERIES", "FAULTS", "MESSAGE", "Fault"]

FAULTS: Final[Mapping[str, Fault]] = {**ANSWERS, **DELIVERIES}
