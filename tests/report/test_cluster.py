"""A supplier with many care providers sees in one table who is how far: a line per care provider, a column per step."""

from datetime import date

import dossier

from harness.attestations import Attestation, Ledger
from harness.model import Environment, Observation, Verdict
from harness.report import html, markdown
from harness.report.build import build

NAMES = tuple(f"Huisarts {n}" for n in range(1, 121))


def report(*said, names=NAMES):
    cluster = dossier.connection("tvs", "tvs-cluster", Environment.PROD, providers=names, kind="leverancier")
    return build(dossier.run([cluster], []), attestations=Ledger(said), now=dossier.NOW, book=dossier.BOOK)


def large_scale(found):
    return next(p for p in found.connections[0].phases if p.name == "Grootschalig aansluiten")


def said(step, provider, verdict=Verdict.PASS, **more):
    return Attestation(step, "A. Jansen", "tester", date(2026, 11, 20), "Gedaan.", verdict, provider=provider, **more)


def mark(found, provider, step):
    phase = large_scale(found)
    line = next(line for line in phase.providers if line.name == provider)
    return line.marks[phase.provider_steps.index(step)].key


def test_steps_16_to_18_stand_beside_every_care_provider():
    phase = large_scale(report())
    assert phase.provider_steps == ("TC-16a", "TC-16c", "TC-16d", "TC-17b", "TC-17c", "TC-18.Lc", "TC-18.Za")
    assert [line.name for line in phase.providers] == list(NAMES)


def test_each_cell_is_the_statement_about_that_care_provider():
    found = report(said("TC-16a", "Huisarts 1"), said("TC-16a", "Huisarts 2", Verdict.FAIL))
    assert mark(found, "Huisarts 1", "TC-16a") == "pass"
    assert mark(found, "Huisarts 2", "TC-16a") == "fail"
    assert mark(found, "Huisarts 3", "TC-16a") != "pass"


def test_a_statement_that_expired_counts_no_more():
    assert mark(report(said("TC-16a", "Huisarts 1", expires=date(2026, 11, 20))), "Huisarts 1", "TC-16a") != "pass"


def test_the_table_is_in_the_page_and_in_markdown():
    found = report(said("TC-16a", "Huisarts 1"), names=("Huisarts 1", "Huisarts <2>"))
    page = "".join(html.render(found))
    assert "Grootschalig aansluiten, per zorgaanbieder (2)" in page
    assert "Huisarts &lt;2&gt;" in page
    assert "| Huisarts 1 | " in "".join(markdown.render(found))


def test_without_care_providers_there_is_no_table():
    assert not large_scale(report(names=())).providers


def test_what_a_probe_judged_of_each_care_provider_is_a_column_too():
    seen = tuple(
        Observation(f"urn:{name}", (("dienstverlener", name), ("oordeel", str(verdict))))
        for name, verdict in (("Huisarts 1", Verdict.FAIL), ("Huisarts 2", Verdict.PASS))
    )
    names = ("Huisarts 1", "Huisarts 2", "Huisarts 3")
    cluster = dossier.connection("tvs", "tvs-cluster", Environment.PREPROD, providers=names, kind="leverancier")
    result = dossier.result("saml.metadata[lc]", Verdict.FAIL, name="tvs", observed=seen)
    found = build(dossier.run([cluster], [result]), attestations=Ledger(()), now=dossier.NOW, book=dossier.BOOK)
    phase = next(p for p in found.connections[0].phases if "TC-6b" in p.provider_steps)
    at = phase.provider_steps.index("TC-6b")
    assert [line.marks[at].key for line in phase.providers] == ["fail", "pass", "not-run"]
    assert "urn:Huisarts" not in "".join(html.render(found))
