"""Who gets which rows: each answer of the procedures, with the paragraph it comes from in its name."""

import pytest

from harness.checklist import ConnectionFacts, catalogue, rows_for


def answers(system, **facts):
    facts = {key: frozenset(value) if isinstance(value, set) else value for key, value in facts.items()}
    return {row.id: answer for row, answer in rows_for(ConnectionFacts("c", system, **facts))}


def skipped(system, **facts):
    return {row for row, answer in answers(system, **facts).items() if not answer.applies}


def starting(system, *prefixes):
    rows = answers(system)
    return {row for row in rows if row.startswith(prefixes) and not catalogue()[row].alias}


def test_digimelding_phase_3_portal_only_leaves_out_the_web_service():
    out = skipped("digimelding", kind="overheid", channels={"portaal"})
    assert out == starting("digimelding", "DM-2.2b", "DM-2.2c", "DM-3W") | {"DM-1.4c"}


def test_digimelding_phase_3_web_service_only_leaves_out_the_portal():
    out = skipped("digimelding", kind="overheid", channels={"webservice"})
    assert out == starting("digimelding", "DM-2.2a", "DM-2.2c", "DM-3P")


def test_digimelding_phase_3_both_channels_keep_both_tables():
    assert skipped("digimelding", kind="overheid", channels={"portaal", "webservice"}) == starting(
        "digimelding", "DM-2.2c"
    )


def test_digimelding_step_2c_sson_is_for_a_rijksorganisatie_whatever_the_channel():
    for channels in ({"portaal"}, {"webservice"}):
        assert "DM-2.2c.3" not in skipped("digimelding", kind="rijksorganisatie", channels=channels)


@pytest.mark.parametrize("kind", ["overheid", "leverancier", "zorgaanbieder", "bedrijf"])
def test_digimelding_step_2c_sson_is_for_nobody_else(kind):
    answer = answers("digimelding", kind=kind)["DM-2.2c"]
    assert not answer.applies
    assert answer.reason.nl == "SSOn is er alleen voor rijksmedewerkers."
    assert answer.source.section == "Fase 2 Inrichten, stap 2c"


def test_digimelding_phase_1_introduction_a_supplier_cannot_apply_for_the_portal():
    out = skipped("digimelding", kind="leverancier", channels={"portaal", "webservice"})
    assert starting("digimelding", "DM-2.2a", "DM-3P") <= out
    assert not starting("digimelding", "DM-2.2b", "DM-3W") & out


def test_digipoort_hubgebruiker_leaves_steps_3_to_8_to_the_intermediary():
    out = skipped("digipoort", kind="bedrijf", digipoort_role="hubgebruiker")
    assert starting("digipoort", "DP-3", "DP-4", "DP-5", "DP-6", "DP-7", "DP-8") <= out
    assert {"DP-0b", "DP-0c", "DP-1e", "DP-C.1", *starting("digipoort", "DP-Z")} <= out
    assert not {"DP-0a", "DP-0d", "DP-1", "DP-1a", "DP-2", "DP-C.2"} & out
    assert "intermediair" in answers("digipoort", digipoort_role="hubgebruiker")["DP-6"].reason.nl


def test_digipoort_softwaregebruiker_connects_himself_and_builds_nothing():
    out = skipped("digipoort", kind="bedrijf", digipoort_role="softwaregebruiker")
    assert out == {"DP-0a", "DP-0c", *starting("digipoort", "DP-Z")}


def test_digipoort_zelfbouwer_answers_for_his_own_knowledge():
    assert skipped("digipoort", kind="bedrijf", digipoort_role="zelfbouwer") == {"DP-0a", "DP-0b"}


def test_digipoort_a_flow_without_a_chain_test_on_preproduction_leaves_out_dp_7():
    assert "DP-7" in skipped("digipoort", digipoort_role="zelfbouwer", chain_test=False)


def test_digikoppeling_compliance_asks_only_for_the_profiles_in_use():
    out = skipped("digikoppeling", profiles={"osb-rm", "2W-be-S"})
    kept = {row for row in starting("digikoppeling", "DK-8.") if row not in out}
    assert kept == {"DK-8.P", "DK-8.E.rm.T", "DK-8.E.rm.F", "DK-8.W.be-s.T", "DK-8.W.be-s.F"}


def test_digikoppeling_profiles_not_said_exclude_nothing():
    assert not skipped("digikoppeling")


def test_lopende_zaken_4_3_an_adapter_in_use_skips_the_compliance_steps():
    out = skipped("lopende-zaken", kind="overheid", reuse_adapter=True)
    aliases = {"LZ-B2.i", "LZ-B2.ii", "LZ-B2.iii"}
    assert out == {"LZ-3.3.7", "LZ-4.3.1", "LZ-4.3.2", "LZ-4.3.3", "LZ-5.3.4b", *aliases}


def test_lopende_zaken_3_3_7_digikoppeling_in_use_needs_no_registration():
    answer = answers("lopende-zaken", reuse_adapter=True)["LZ-3.3.7"]
    assert (answer.applies, answer.source.section) == (False, "§ 3.3.7")


def test_lopende_zaken_3_3_7_a_supplier_connection_has_an_hrn_and_no_oin():
    answer = answers("lopende-zaken", kind="leverancier", supplier_connection=True)["LZ-3.3.7"]
    assert not answer.applies
    assert "HRN" in answer.reason.nl


def test_lopende_zaken_3_3_1_grey_box_leaves_the_preparation_to_the_supplier():
    found = answers("lopende-zaken", kind="leverancier", supplier_connection=True)
    own = {row for row, answer in found.items() if answer.own_consideration and not catalogue()[row].alias}
    assert own == starting("lopende-zaken", "LZ-3.3.1", "LZ-3.3.2", "LZ-3.3.3", "LZ-3.3.4", "LZ-3.3.6")
    assert all(found[row].reason.nl.startswith("Eigen afweging") for row in own)


def test_lopende_zaken_6_grey_box_a_supplier_connection_never_reaches_production():
    out = skipped("lopende-zaken", kind="leverancier", supplier_connection=True)
    assert starting("lopende-zaken", "LZ-6.", "LZ-B4.", "LZ-B5.") <= out
    assert not {"LZ-3.3.5", "LZ-3.3.8", "LZ-4.3.4", "LZ-4.3.9a", "LZ-5.3.4", "LZ-5.3.4a", "LZ-5.3.4b"} & out


def test_lopende_zaken_5_3_4_the_software_catalogue_is_for_suppliers_only():
    assert "LZ-5.3.4b" in skipped("lopende-zaken", kind="overheid")


@pytest.mark.parametrize("network", ["internet", "diginetwerk"])
def test_lopende_zaken_3_3_3_either_network_keeps_every_row(network):
    assert skipped("lopende-zaken", kind="overheid", network=network) == {"LZ-5.3.4b"}


def test_lopende_zaken_2_2_a_municipality_behind_an_operator_keeps_every_row_of_its_own():
    assert skipped("lopende-zaken", kind="overheid") == {"LZ-5.3.4b"}


def test_tvs_variants_a_care_provider_in_a_cluster_keeps_his_own_steps():
    found = answers("tvs-cluster", kind="zorgaanbieder")
    kept = {row for row, answer in found.items() if answer.applies}
    own = {row for row in found if catalogue()[row].actor.startswith("zorgaanbieder")}
    assert own <= kept
    assert {catalogue()[row].actor for row in kept} == {
        "zorgaanbieder",
        "zorgaanbieder / leverancier",
        "zorgaanbieder + leverancier",
        "leverancier + zorgaanbieder",
    }


def test_tvs_variants_the_supplier_of_a_cluster_sees_every_step():
    assert not skipped("tvs-cluster", kind="leverancier")


def test_tvs_variants_a_direct_connection_has_its_own_twelve_steps():
    assert all(row.startswith("TD-") for row in answers("tvs-direct", kind="zorgaanbieder"))
    assert not skipped("tvs-direct", kind="zorgaanbieder")


def test_tvs_direct_step_12_a_current_digid_assessment_makes_a_new_one_unnecessary():
    assert skipped("tvs-direct", digid_assessment=True) == {"TD-3", "TD-3a", "TD-8d", "TD-12", "TD-12a"}


def test_an_alias_applies_as_long_as_one_of_its_chapters_applies():
    found = answers("lopende-zaken", kind="leverancier", supplier_connection=True)
    assert found["LZ-B1.viii"].applies
    assert not found["LZ-B4.iii"].applies
