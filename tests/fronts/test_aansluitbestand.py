"""The aansluitbestand by the command: filled in by a template, judged in sentences, and who lacks what."""

import openpyxl
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.lab.ca import Pki
from harness.lab.mint import pem

HEADINGS = ("EntityID", "OIN", "ServiceUUID", "Naam organisatie", "Status", "Akkoordverklaring", "Contactpersoon")
CONSENT = """
[[attest]]
step = "TC-11.Za"
by = "A. Jansen"
function = "projectleider"
date = 2026-11-20
statement = "Akkoordverklaring getekend."
connection = "tvs-cluster"
provider = "Zorgaanbieder 003"
"""


@pytest.fixture
def folder(tmp_path):
    """A cluster of 120 care providers in a spreadsheet, and the template with a title above its headings."""
    providers = openpyxl.Workbook()
    providers.active.append(["Naam", "OIN", "ServiceUUID"])
    for n in range(1, 121):
        uuid = f"6f1c2a3e-5b7d-4c1a-9e2f-{n:012d}"
        providers.active.append([f"Zorgaanbieder {n:03d}", f"0000009900{n:07d}000", uuid])
    providers.save(tmp_path / "zorgaanbieders.xlsx")
    template = openpyxl.Workbook()
    template.active.title = "Dienstverleners"
    template.active.append(["Aansluitbestand TVS"])
    template.active.append(HEADINGS)
    template.save(tmp_path / "sjabloon.xlsx")
    (tmp_path / "chain.toml").write_text(
        """
schema = 1
[party]
name = "Voorbeeld Zorgportaal B.V."
oin = "00000099000000004000"
kind = "leverancier"
[connections.tvs-cluster]
system = "tvs-cluster"
peer = { name = "TVS", oin = "00000099000000009000" }
[connections.tvs-cluster.saml]
endpoint = "https://rd.voorbeeld.test/sso"
own_endpoint = "https://login.voorbeeld.test/saml"
providers_file = "zorgaanbieders.xlsx"
"""
    )
    return tmp_path


def ketentest(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def filled_in(folder):
    given = ("--scenario", folder, "--template", folder / "sjabloon.xlsx", "--out", folder / "aansluitbestand.xlsx")
    outcome = ketentest("generate", "aansluitbestand", "tvs-cluster", *given)
    assert outcome.exit_code == 0, outcome.output
    return outcome


def test_a_hundred_and_twenty_providers_go_into_the_template_as_it_is(folder):
    outcome = filled_in(folder)
    sheet = openpyxl.load_workbook(folder / "aansluitbestand.xlsx").active
    assert [cell.value for cell in sheet[2]] == list(HEADINGS)
    assert sheet.max_row == 122
    assert sheet["A3"].value == "urn:nl-eid-gdi:1.0:DV:00000099000000001000:entities:9001"
    assert sheet["B122"].value == "00000099000000120000"
    assert "vul zelf in: Akkoordverklaring, Contactpersoon" in outcome.output


def test_who_lacks_what_stands_in_the_plan(folder):
    (folder / "attestations.toml").write_text(CONSENT)
    outcome = ketentest("plan", folder, "--batches")
    assert outcome.exit_code == 0, outcome.output
    assert "120 dienstverleners, 0 compleet" in outcome.output
    lines = {line.split("  ")[1]: line for line in outcome.output.splitlines()[1:-1]}
    assert "mist: BSN-certificaat, akkoordverklaring" in lines["Zorgaanbieder 002"]
    assert lines["Zorgaanbieder 003"].endswith("mist: BSN-certificaat")


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        (lambda pki: issued(pki, "own-encryption", start=-400, days=365), "verlopen op"),
        (lambda pki: issued(pki, "own-encryption", start=5), "geldt pas vanaf"),
        (lambda pki: issued(pki, "own-encryption", oin="00000099000000077000"), "is van OIN 00000099000000077000"),
        (lambda pki: issued(pki, "own-encryption", key_usage=("digitalSignature",)), "mag niet versleutelen"),
        (lambda pki: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "onleesbaar"),
        (lambda pki: issued(pki, "own-encryption"), ""),
    ],
)
def test_a_certificate_counts_only_when_it_is_the_one(folder, pki, certificate, told):
    (folder / "bsn.pem").write_bytes(certificate(pki))
    chain = (folder / "chain.toml").read_text()
    (folder / "chain.toml").write_text(chain.replace("zorgaanbieders.xlsx", "zorgaanbieders.csv"))
    row = "Noord;00000099000000001000;6f1c2a3e-5b7d-4c1a-9e2f-000000000001;bsn.pem"
    (folder / "zorgaanbieders.csv").write_text(f"Naam;OIN;ServiceUUID;BSN-certificaat\n{row}\n")
    outcome = ketentest("plan", folder, "--batches")
    assert outcome.exit_code == 0, outcome.output
    assert ("BSN-certificaat" in outcome.output) is bool(told), outcome.output
    assert told in outcome.output


def issued(pki, profile, oin="00000099000000001000", **changes):
    return pem([pki.issue(profile, oin=oin, **changes).certificate])


@pytest.mark.parametrize("what", ["renamed", "formula", "extra"])
def test_a_spoiled_spreadsheet_is_told_in_one_sentence(folder, what):
    filled_in(folder)
    book = openpyxl.load_workbook(folder / "aansluitbestand.xlsx")
    for line in range(3, 123):
        book.active.cell(line, 6).value = "ja"
        book.active.cell(line, 7).value = "A. Jansen"
    if what == "renamed":
        book.active["D2"] = "Zorginstelling"
    elif what == "formula":
        for line in range(3, 123):
            book.active.cell(line, 4).value = f'="Zorgaanbieder "&{line}'
    else:
        book.create_sheet("Notities")
    book.save(folder / "aansluitbestand.xlsx")
    checked = ketentest(
        "check", "--role", "lc", "--with", f"template:{folder / 'sjabloon.xlsx'}", folder / "aansluitbestand.xlsx"
    )
    assert checked.exit_code == 1, checked.output
    lines = [line for line in checked.output.splitlines() if line.startswith("  fout") and "ONB-001" in line]
    assert len(lines) == 1
    assert {"renamed": "Zorginstelling", "formula": "formule in 3, 4", "extra": "Notities"}[what] in checked.output


def test_without_a_template_the_command_says_where_it_comes_from(folder):
    outcome = ketentest("generate", "aansluitbestand", "tvs-cluster", "--scenario", folder, "--out", folder / "a.xlsx")
    assert "sjabloon van DICTU" in str(outcome.exception)


def test_registered_names_are_held_against_the_rows_by_check(folder):
    filled_in(folder)
    names = folder / "handelsregister.csv"
    names.write_text("OIN;Naam\n00000099000000001000;Huisartsenpraktijk De Linde\n")
    beside = ("--with", f"template:{folder / 'sjabloon.xlsx'}", "--with", f"names:{names}")
    checked = ketentest("check", "--role", "lc", *beside, folder / "aansluitbestand.xlsx")
    assert "SAML-ONB-006" in checked.output
    assert "Huisartsenpraktijk De Linde" in checked.output
    names.write_text("Nummer;Organisatie x\n1;2\n")
    broken = ketentest("check", "--role", "lc", *beside, folder / "aansluitbestand.xlsx")
    assert "geen kolommen OIN en naam" in broken.output
    assert "Traceback" not in broken.output
