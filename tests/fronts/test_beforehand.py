"""Before anything is ordered, the plan says which certificates with which fields, which forms and which lead times."""

import pytest
from click.testing import CliRunner

from harness import starting
from harness.beforehand import wanted
from harness.chain import load
from harness.cli import cli


def planned(folder, lang="nl"):
    said = CliRunner().invoke(cli, ["plan", str(folder), "--runs", str(folder / "runs"), "--lang", lang])
    assert said.exit_code == 0, said.output
    return said.output


@pytest.fixture
def folder(tmp_path):
    systems = ("lopende-zaken", "tvs-cluster")
    starting.write(tmp_path / "here", starting.Answers(systems, "Zorg B.V.", "00000099000000004000", "leverancier"))
    return tmp_path / "here"


def changed(folder, old, new):
    file = folder / "chain.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_each_certificate_is_named_with_subject_role_generation_and_the_command_that_orders_it(folder):
    said = planned(folder)
    assert "certificaten, nog te komen (6)" in said
    assert "serialNumber  00000099000000004000 (OIN of HRN, in het subject)" in said
    assert "Private Root G1 (2.16.528.1.1003.1.2.8.6, tot 12-11-2028) of G4 Priv G-TLS" in said
    assert "ketentest generate csr lopende-zaken --role tls-server --out tls.csr" in said
    assert "website: DV of OV van een publieke CA" in said


def test_host_names_are_told_before_they_can_never_change(folder):
    assert "nog niet bekend: vul own_endpoint in, want namen zijn later niet te wijzigen" in planned(folder)
    changed(folder, 'own_endpoint = "lab"', 'own_endpoint = "https://ebms.zorg.example/in"')
    assert "hostnamen     ebms.zorg.example (later niet te wijzigen)" in planned(folder)


def test_a_scenario_of_init_keeps_tvs_apart_and_sharing_is_told(folder):
    assert not any(one.shared_with_tvs for one in wanted(load(folder).scenario))
    changed(folder, '"tvs-sign"', '"sign"')
    assert "TVS vraagt certificaten die alleen voor TVS zijn" in planned(folder)


def test_a_certificate_that_has_come_is_not_asked_for_again(folder):
    changed(
        folder, '[certificates.sign]\ncert = "lab"\nkey = "lab"', '[certificates.sign]\ncert = "s.pem"\nkey = "lab"'
    )
    (folder / "s.pem").write_text("a certificate")
    assert "sign" not in {one.name for one in wanted(load(folder).scenario)}


def test_forms_lead_times_and_care_providers_without_a_certificate_come_first(folder):
    said = planned(folder, "en")
    assert said.index("to request") < said.index("certificates still to come") < said.index("lead times")
    assert "2 of 2 care providers have no certificate for the BSN yet" in said
    assert said.index("lead times") < said.index("to do now")


def test_steps_come_in_the_order_of_the_procedure_and_nothing_is_called_not_selected(folder):
    said = planned(folder)
    assert said.index("    LZ-3.3.1 ") < said.index("    LZ-3.3.2a")
    assert "niet gekozen in deze run" not in said
