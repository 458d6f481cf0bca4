"""In a cluster some steps want evidence for every care provider; who lacks it is named, and holds up only his own part."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from harness.attestations import Attestation, Ledger
from harness.chain import load
from harness.checklist import ConnectionFacts, catalogue, rows_for
from harness.cli import cli
from harness.errors import ScenarioInvalid
from harness.model import Environment, Verdict
from harness.sheets import to_xlsx
from harness.verdicts import row_verdicts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLUSTER = ConnectionFacts("tvs", "tvs-cluster", Environment.PROD, "leverancier", providers=("Huisarts", "Ziekenhuis"))


def signed(provider="", step="TC-11.Za", verdict=Verdict.PASS, **more):
    return Attestation(step, "A. Jansen", "tester", date(2026, 11, 20), "Getekend.", verdict, provider=provider, **more)


def verdicts(*said, facts=CLUSTER):
    return row_verdicts(rows_for(facts), {}, Ledger(said), facts, NOW)


def test_a_step_passes_when_every_care_provider_has_a_statement():
    assert verdicts(signed("Huisarts"), signed("Ziekenhuis"))["TC-11.Za"].verdict is Verdict.PASS


def test_who_has_none_is_named():
    found = verdicts(signed("Huisarts"))["TC-11.Za"]
    assert found.verdict is Verdict.MANUAL
    assert found.cause.nl == "nog zonder bewijs: Ziekenhuis"


def test_the_production_data_wait_for_the_consent_of_each_by_name():
    blocked = verdicts(signed("Huisarts"), replace(signed(), step="TC-1c"))["TC-12d"]
    assert blocked.verdict is Verdict.BLOCKED
    assert "TC-11.Za (nog zonder bewijs: Ziekenhuis)" in blocked.cause.nl


def test_one_statement_without_a_name_counts_for_all():
    assert verdicts(signed())["TC-11.Za"].verdict is Verdict.PASS
    assert verdicts(signed(), signed("Ziekenhuis", verdict=Verdict.WARN))["TC-11.Za"].verdict is Verdict.WARN


def test_the_worst_of_the_care_providers_is_the_step():
    found = verdicts(signed("Huisarts"), signed("Ziekenhuis", verdict=Verdict.FAIL))["TC-11.Za"]
    assert found.verdict is Verdict.FAIL


def test_an_expired_statement_is_none():
    gone = signed("Ziekenhuis", expires=date(2026, 11, 20))
    assert "Ziekenhuis" in verdicts(signed("Huisarts"), gone)["TC-11.Za"].cause.nl


def test_of_a_hundred_and_twenty_the_first_twelve_are_named():
    many = replace(CLUSTER, providers=tuple(f"Praktijk {n}" for n in range(120)))
    found = verdicts(signed("Praktijk 0"), facts=many)["TC-11.Za"]
    assert found.cause.nl.startswith("nog zonder bewijs: Praktijk 1, Praktijk 2")
    assert found.cause.nl.endswith("en nog 107")


@pytest.mark.parametrize("step", ["TC-2a", "TC-5.Zc", "TC-11.Za", "TC-16a", "TC-16c", "TC-16d", "TC-17c", "TC-18.Za"])
def test_the_rows_of_a_care_provider_ask_for_each(step):
    assert catalogue()[step].per_provider


def test_a_name_that_the_scenario_does_not_have_gets_the_nearest(tmp_path):
    from harness import starting
    from harness.chain import load

    starting.write(tmp_path, starting.Answers(("tvs-cluster",)))
    known = load(tmp_path).connections[0].saml.providers[0].name
    arguments = ["attest", "TC-11.Za", "--scenario", str(tmp_path), "--by", "A", "--function", "B", "--statement", "C"]
    wrong = CliRunner().invoke(cli, [*arguments, "--provider", "Zrgaanbieder 1"])
    assert f"bedoelt u {known!r}" in str(wrong.exception)
    assert CliRunner().invoke(cli, [*arguments, "--provider", known]).exit_code == 0
    assert f'provider = "{known}"' in (tmp_path / "attestations.toml").read_text()


def test_a_step_whose_only_statement_expired_waits_for_evidence_again():
    assert verdicts(signed("Huisarts", expires=date(2026, 11, 20)))["TC-11.Za"].verdict is Verdict.MANUAL


HEADING = "Naam;Contact;OIN/HRN;ServiceUUID;BSN-certificaat;Test\r\n"
GOOD = "Huisarts {n};a@b.nl;000000990000000{n:05d};{n:08d}-1111-4111-8111-111111111111;;ja\r\n"


def cluster(tmp_path, table, name="zorgaanbieders.csv"):
    (tmp_path / name).write_text(table, encoding="utf-8")
    (tmp_path / "chain.toml").write_text(
        'schema = 1\n[party]\nname = "Zorgportaal"\noin = "00000099000000004000"\nkind = "leverancier"\n'
        f'[connections.tvs]\nsystem = "tvs-cluster"\n[connections.tvs.saml]\nproviders_file = "{name}"\n'
    )
    return tmp_path


def test_a_cluster_of_a_hundred_and_twenty_comes_from_a_spreadsheet(tmp_path):
    table = HEADING + "".join(GOOD.format(n=n) for n in range(1, 121))
    [connection] = load(cluster(tmp_path, table)).connections
    assert len(connection.saml.providers) == 120
    assert connection.saml.providers[0].name == "Huisarts 1"
    assert connection.saml.providers[0].test_provider


def test_an_xlsx_gives_the_same_care_providers_as_a_csv(tmp_path):
    table = HEADING + GOOD.format(n=1)
    rows = [line.split(";") for line in table.splitlines()]
    folder = cluster(tmp_path, table)
    [from_csv] = load(folder).connections
    (folder / "lijst.xlsx").write_bytes(to_xlsx([("Cluster", rows, ())], folder / "lijst.xlsx"))
    file = folder / "chain.toml"
    file.write_text(file.read_text().replace("zorgaanbieders.csv", "lijst.xlsx"))
    [from_xlsx] = load(folder).connections
    assert from_xlsx.saml.providers == from_csv.saml.providers


def test_every_care_provider_that_lacks_something_is_named_with_its_cell(tmp_path):
    table = (
        HEADING + "Huisarts;;99000000004000;;;\r\n" + GOOD.format(n=2) + "Ziekenhuis;;00000099000000007000;geen;;\r\n"
    )
    with pytest.raises(ScenarioInvalid) as wrong:
        load(cluster(tmp_path, table))
    said = wrong.value.text.nl.splitlines()
    assert len(said) == 3
    assert "zorgaanbieders.csv:2: C2 oin: Huisarts: OIN/HRN heeft 14 cijfers" in said[0] + said[1]
    assert "zorgaanbieders.csv:4: D4 service_uuid: Ziekenhuis" in said[2]


@pytest.mark.parametrize("table", ["", "a;b\r\n1;2\r\n", "\x00\x01"])
def test_a_file_that_is_no_such_table_is_one_sentence(tmp_path, table):
    with pytest.raises(ScenarioInvalid, match=r"chain.toml:\d+: connections.tvs.saml.providers_file"):
        load(cluster(tmp_path, table))


def test_another_table_is_another_scenario(tmp_path):
    before = load(cluster(tmp_path, HEADING + GOOD.format(n=1))).sha256
    assert load(cluster(tmp_path, HEADING + GOOD.format(n=2))).sha256 != before
