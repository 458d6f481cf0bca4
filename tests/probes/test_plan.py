"""Terms that start on the day of activation."""

from datetime import UTC, date, datetime

import pytest

from harness.link import Link
from harness.model import Environment
from harness.probes.plan import deadline
from harness.probes.probe import NotApplicable, NotPossible
from harness.scenario import Connection, Limits, Party, Saml


class Clock:
    def __init__(self, *day):
        self.day = day

    def now(self):
        return datetime(*self.day, 12, tzinfo=UTC)


async def said(activated, *day, system="tvs-cluster"):
    connection = Connection(name="tvs", system=system, saml=Saml(), activated=activated)
    link = Link(connection, Party(name="P", oin="00000099000000001000"), Environment.LAB, Limits())
    return [item async for item in deadline(link, Clock(*day))]


@pytest.mark.parametrize(
    ("activated", "day", "words"),
    [
        (
            date(2026, 9, 1),
            (2026, 10, 1),
            "uiterlijk 2026-11-01 (nog 31 dagen); jaarlijks tussen januari en mei, eerstvolgend 2027",
        ),
        (
            date(2025, 12, 31),
            (2026, 3, 1),
            "uiterlijk 2026-02-28 (1 dag geleden); jaarlijks tussen januari en mei, eerstvolgend 2026",
        ),
        (date(2024, 1, 15), (2026, 6, 1), "eerstvolgend 2027"),
    ],
)
async def test_the_day_of_activation_sets_the_terms(activated, day, words):
    (seen,) = await said(activated, *day)
    assert words in seen.text.nl


async def test_without_a_day_of_activation_the_terms_are_unknown():
    with pytest.raises(NotPossible) as caught:
        await said(None, 2026, 10, 1)
    assert "activated" in caught.value.text.nl


async def test_only_tvs_knows_an_assessment():
    with pytest.raises(NotApplicable):
        await said(date(2026, 9, 1), 2026, 10, 1, system="digipoort")
