"""Probes on who we are: the OIN or HRN and the name, equal in scenario, certificates, CPA and metadata."""

from collections.abc import AsyncIterator

from harness.link import Link
from harness.model import Graded, NotRun, Observation, Text
from harness.probes.pki import judged
from harness.probes.probe import Tools, Yield, probe

NUMBERS = ("PKIO-OIN-",)
NAMES = ("PKIO-NAME-",)


@probe("identity.oin", title=("OIN/HRN juist van vorm en overal gelijk", "OIN/HRN well-formed and the same everywhere"))
async def oin(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The OIN or HRN has its form, and is the same in scenario and certificates (LZ 3.5); registration is attested."""
    for role in link.materials:
        for item in _of(judged(link, tools, role), NUMBERS):
            yield item
    kind = "HRN/OIN" if link.party.oin.startswith("00000003") else "OIN"
    yield Observation(
        Text(
            f"{kind} {link.party.oin}; inschrijving: zie verklaring",
            f"{kind} {link.party.oin}; registration: see statement",
        )
    )


@probe("identity.name", title=("Naam gelijk in scenario en certificaten", "Name the same in scenario and certificates"))
async def name(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The name of the organisation is in its certificates as the scenario has it (TVS step 2)."""
    for role in link.materials:
        for item in _of(judged(link, tools, role), NAMES):
            yield item
    yield Observation(link.party.name)


def _of(items: list[Graded | NotRun], prefixes: tuple[str, ...]) -> list[Graded]:
    return [i for i in items if isinstance(i, Graded) and i.finding.rule.startswith(prefixes)]
