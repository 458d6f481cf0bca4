"""The sentences of the page: both languages, all used, none missing, in the house's tone."""

import re
from string import Formatter

import pytest
from visiting import ROOT

from harness.report import wording
from harness.testers.pages import texts
from harness.testers.roles import ROLES, concerns, roles_of

FOLDER = ROOT / "harness" / "testers"
CODE = "".join(path.read_text(encoding="utf-8") for path in (*FOLDER.glob("*.py"), *FOLDER.glob("html/*.jinja")))


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", sorted(texts()))
def test_a_sentence_has_both_languages_with_the_same_places(key):
    nl, en = texts()[key]
    assert nl
    assert en
    assert placeholders(nl) == placeholders(en)
    assert "!" not in nl + en
    assert not re.search(r"\b(je|jij|jouw)\b", nl)


@pytest.mark.parametrize("key", sorted(key for key in texts() if not key.startswith("result_")))
def test_no_sentence_is_unused(key):
    plain = re.escape(key.removesuffix("_one"))
    assert re.search(rf"""['"]{plain}['"]""", CODE)


def test_the_wording_of_the_report_is_not_said_twice():
    same = {key for key, text in texts().items() if wording.texts()["words"].get(key) == text}
    assert same == set()


@pytest.mark.parametrize(
    ("actor", "roles"),
    [
        (
            "technisch specialist & projectleider; tekenbevoegde; TSP",
            {"technisch specialist", "projectleider", "tekenbevoegde"},
        ),
        ("leverancier (na akkoord DICTU)", {"leverancier"}),
        ("lev (+afnemer), Logius", {"leverancier", "afnemer"}),
        ("bedrijf (accountant)", {"bedrijf", "auditor"}),
        ("Logius", set()),
    ],
)
def test_a_step_belongs_to_the_roles_that_its_actor_names(actor, roles):
    assert roles_of(actor) == roles
    assert concerns(actor, frozenset())
    assert concerns(actor, frozenset({"tester"})) is (not roles)


def test_every_actor_of_the_catalogue_has_a_role_or_is_a_counterparty():
    from harness.checklist import catalogue

    others = {row.actor for row in catalogue().values() if not roles_of(row.actor)}
    assert all("Logius" in actor or "DICTU" in actor for actor in others), others
    assert ROLES
