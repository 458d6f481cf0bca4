"""Dated items: what the day of activation sets in motion (TVS steps 9 and 13, direct steps 9 and 12)."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Final

from harness.link import Link
from harness.model import Observation, Text
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.window import AMSTERDAM
from harness.workdays import add_months

REPORT_MONTHS: Final = 2
WINDOW: Final = (1, 5)


@probe("plan.deadline", title=("Termijnen na activatie", "Terms after activation"))
async def deadline(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The day of activation, the last day for the audit report, and the months of the yearly assessment."""
    if not link.connection.system.startswith("tvs-"):
        raise NotApplicable("deze aansluiting kent geen assessment", "this connection has no assessment")
    activated = link.connection.activated
    if activated is None:
        raise NotPossible(
            "de datum van activatie ontbreekt; vul `activated` in bij de aansluiting",
            "the day of activation is missing; fill in `activated` at the connection",
        )
    ends, today = add_months(activated, REPORT_MONTHS), tools.now().astimezone(AMSTERDAM).date()
    left = _left((ends - today).days)
    yearly = _yearly(activated, today)
    yield Observation(
        Text(
            f"actief per {activated}; auditrapport uiterlijk {ends} ({left.nl}); jaarlijks tussen januari en mei, eerstvolgend {yearly}",
            f"active since {activated}; audit report by {ends} ({left.en}); yearly between January and May, next in {yearly}",
        ),
        (("activated", activated.isoformat()), ("report", ends.isoformat())),
    )


def _left(days: int) -> Text:
    nl, en = ("dag", "day") if abs(days) == 1 else ("dagen", "days")
    if days < 0:
        return Text(f"{-days} {nl} geleden", f"{-days} {en} ago")
    return Text(f"nog {days} {nl}", f"{days} {en} left")


def _yearly(activated: date, today: date) -> int:
    """Return the year of the next assessment: after the year of activation, and not in months that have passed."""
    return max(activated.year + 1, today.year + (today.month > WINDOW[1]))
