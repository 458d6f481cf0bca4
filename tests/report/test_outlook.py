"""What a run says of the generations of PKIoverheid: per side, and what to do before one ends; it changes no verdict."""

import re
from dataclasses import replace

import dossier
import pytest

from harness.model import Environment, Observation, Result, Verdict
from harness.outlook import Sides, outlook, sides
from harness.report import html, jsonfile, markdown
from harness.report.build import build

G1, G4 = "Private Root G1", "G4 Priv G-TLS"


def result(connection, own, peer, environment=Environment.PREPROD):
    data = (("own generation", own), ("peer generation", peer))
    return Result("tls.server", connection, Verdict.PASS, environment, observed=(Observation("x", data),))


def said(*results, lang="nl"):
    return [text.of(lang) for text in outlook(results)]


def test_each_side_is_named_once_for_the_connections_that_share_it():
    lines = said(result("a", G4, G4), result("b", G4, G4), result("c", G4, ""))
    assert lines == [
        f"Generatie: wij {G4}, ketenpartner {G4} (a, b).",
        f"Generatie: wij {G4}, ketenpartner niet waargenomen (c).",
    ]


@pytest.mark.parametrize(
    ("own", "peer", "who", "order", "trust"),
    [
        (G1, G1, "wij en de ketenpartner gebruiken G1 nog", True, True),
        (G1, G4, "wij gebruiken G1 nog", True, False),
        (G4, G1, "de ketenpartner gebruikt G1 nog", False, True),
    ],
)
def test_a_side_under_g1_is_warned_of_november_2028_with_what_to_do_and_by_when(own, peer, who, order, trust):
    text = " ".join(said(result("a", own, peer)))
    assert "G1 eindigt in november 2028" in text
    assert who in text
    assert ("uiterlijk op 13-09-2028" in text) is order
    assert ("stamcertificaten van G4" in text) is trust
    assert "G1 ends in November 2028" in " ".join(said(result("a", own, peer), lang="en"))


def test_files_alone_say_our_side_and_a_web_certificate_says_nothing():
    roles = (("tls-client", G1), ("web", "publiek / public"))
    seen = tuple(Observation("x", (("role", role), ("generation", under))) for role, under in roles)
    found = Result("pki.chain", "a", Verdict.PASS, Environment.PREPROD, observed=seen)
    assert sides([found]) == (Sides("a", own=(G1,)),)
    assert outlook([]) == ()


def test_lab_certificates_are_called_so():
    [line, *_] = said(result("a", G1, G1, Environment.LAB))
    assert "labcertificaten" in line


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_first_page_says_it_in_every_form_and_no_count_changes(lang):
    plain = dossier.red()
    name = plain.info.connections[0].name

    def report(*more):
        return build(replace(plain, results=(*plain.results, *more)), now=dossier.NOW, book=dossier.BOOK, lang=lang)

    before, after = report(), report(result(name, G1, G1))
    assert after.counts == report(result(name, G4, G4)).counts
    assert len(after.conclusion.explanation) == len(before.conclusion.explanation) + 1
    wanted = {"nl": "G1 eindigt in november 2028", "en": "G1 ends in November 2028"}[lang]
    for form in (html, markdown, jsonfile):
        text = "".join(form.render(after))
        assert wanted in text
        assert re.search(r"13-09-2028|2028-09-13", text)


def test_the_first_page_has_one_sentence_and_the_rest_stands_beside_the_certificates():
    plain = dossier.red()
    more = result(plain.info.connections[0].name, G1, G1)
    made = build(replace(plain, results=(*plain.results, more)), now=dossier.NOW, book=dossier.BOOK)
    first = " ".join(made.conclusion.explanation)
    assert "G1 eindigt in november 2028" in first
    assert "Vraag bij de eerstvolgende vervanging" not in first
    assert [line.partition(" ")[0] for line in made.outlook] == ["Generatie:", "G1", "Vraag", "Vertrouw"]
    assert not any("ingekort" in line for line in made.outlook)
