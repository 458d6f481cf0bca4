"""The catalogue says what the published procedures say, in both languages."""

import csv
import re

import pytest

from harness.checklist import (
    SYSTEMS,
    ConnectionFacts,
    Mode,
    catalogue,
    conditions,
    probes_of,
    procedure_of,
    resolve_alias,
    rows_for,
)
from harness.model import Environment

PROBE = re.compile(r"^(config|secrets|identity|pki|net|tls|cpa|ebms|wus|msg|saml|tvs|plan)\.")


@pytest.fixture(scope="module")
def steps(shared):
    with (shared / "checklist" / "steps.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def written_probes(step):
    return tuple(word for word in re.findall("`([^`]+)`", step["probe"]) if PROBE.match(word))


def written_alias(step):
    found = re.match("alias of (.*)", step["report"])
    words = re.findall(r"LZ-[\d.]+[a-z]?(?:–[a-z])?", found[1]) if found else []
    return tuple(one for word in words for one in spread(word))


def spread(word):
    start, dash, end = word.partition("–")
    return [start[:-1] + chr(c) for c in range(ord(start[-1]), ord(end) + 1)] if dash else [word]


@pytest.mark.parametrize("column", ["id", "system", "title", "phase", "actor", "mode"])
def test_every_row_has_the_words_of_the_published_step(steps, column):
    assert [str(getattr(row, column)) for row in catalogue().values()] == [
        step[column] for step in sorted(steps, key=lambda s: list(catalogue()).index(s["id"]))
    ]
    assert len(steps) == len(catalogue()) == 383


def test_every_row_names_the_probes_that_the_step_names(steps):
    assert {i: row.probes for i, row in catalogue().items()} == {step["id"]: written_probes(step) for step in steps}


def test_every_alias_leads_to_the_chapters_that_the_step_names(steps):
    assert {i: row.alias for i, row in catalogue().items()} == {step["id"]: written_alias(step) for step in steps}


def test_modes_are_counted_as_published():
    counts = {mode: sum(row.mode is mode for row in catalogue().values()) for mode in Mode}
    assert [counts[m] for m in "AGHMWI→"] == [67, 13, 56, 182, 12, 16, 37]


def test_the_annex_step_of_five_answers_leads_to_five_chapters():
    assert resolve_alias("LZ-B2.v") == tuple(f"LZ-4.3.4{letter}" for letter in "abcde")
    assert resolve_alias("LZ-4.3.9a") == ("LZ-4.3.9a",)


@pytest.mark.parametrize("row", catalogue().values(), ids=lambda row: row.id)
def test_a_row_speaks_both_languages(row):
    assert row.title != row.title_en
    assert row.alias or row.shows.nl
    for text in (row.evidence, row.shows, row.lead_time, row.note):
        assert bool(text.nl) == bool(text.en)
        assert not text.nl or text.nl != text.en


@pytest.mark.parametrize("row", catalogue().values(), ids=lambda row: row.id)
def test_a_row_has_something_that_settles_it(row):
    settled_by = (*probes_of(row), *row.roll_up, *row.complete, row.evidence.nl, row.guarded)
    assert not row.scored or any(settled_by)
    assert row.mode not in (Mode.PERSON, Mode.HYBRID, Mode.WAITING) or row.evidence.nl or row.roll_up


@pytest.mark.parametrize("row", catalogue().values(), ids=lambda row: row.id)
def test_a_row_refers_only_to_what_exists(row):
    rows = (*row.alias, *row.like, *row.complete, *row.roll_up, *row.needs, *row.needs_green)
    named = [name for name in rows if not name.endswith("*") and not PROBE.match(name)]
    assert all(name in catalogue() for name in named)
    assert all(name in conditions() for name in row.when)
    assert not row.deadline or row.deadline.after in {"", "activation", *catalogue()}


@pytest.mark.parametrize("condition", conditions().values(), ids=lambda c: c.name)
def test_a_condition_gives_its_reason_in_both_languages_and_is_used(condition):
    assert condition.reason.nl != condition.reason.en
    assert condition.source.document
    assert any(condition.name in row.when for row in catalogue().values())


@pytest.mark.parametrize("row", catalogue().values(), ids=lambda row: row.id)
def test_a_text_never_speaks_the_verdict_of_the_counterparty(row):
    said = f"{row.evidence.nl} {row.shows.nl}"
    assert not re.search(r"\boordeel\b", said)
    assert "!" not in said


def test_a_connection_sees_only_the_rows_of_its_own_procedure():
    counts = {s: len(rows_for(ConnectionFacts(s, s, Environment.LAB))) for s in SYSTEMS}
    assert counts == {
        "digimelding": 58,
        "digipoort": 31,
        "digikoppeling": 34,
        "lopende-zaken": 130,
        "tvs-cluster": 87,
        "tvs-direct": 43,
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_procedure_names_the_documents_its_rows_come_from(system):
    named = {(r.document, r.version) for r in procedure_of(system).references}
    assert {(row.source.document, row.source.version) for row in procedure_of(system).rows} == named
    assert all(
        row.source.section or row.source.document.startswith("Aansluit Suite") for row in procedure_of(system).rows
    )


def test_a_standard_carries_the_day_from_which_it_holds():
    held = {r.document: r.valid_from for r in procedure_of("digikoppeling").references}
    assert held["Digikoppeling Koppelvlakstandaard ebMS2"] == "2019-05-16"
