"""Statements of people: read with every mistake at once, sealed by SHA-256, reviewed against the clock."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attestations import Attestation, Ledger, Proof, Waiver, fingerprint, read, review
from harness.attesting import Overtaken, attest, block, mark
from harness.errors import ScenarioInvalid, UnusableInput
from harness.model import Verdict
from harness.rulebook import rulebook

TODAY = date(2026, 11, 21)
GOOD = """
[[attest]]
step = "LZ-5.3.3c"
by = "A. Jansen"
function = "tester"
date = 2026-11-20
statement = "Zichtbaar voor beide testaccounts"
"""


def written(tmp_path, text):
    path = tmp_path / "attestations.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(tmp_path, text, **known):
    with pytest.raises(ScenarioInvalid) as wrong:
        read(written(tmp_path, text), **known)
    return wrong.value.mistakes


def rules(ledger, failing=None):
    return [finding.rule for finding in review(ledger, TODAY, failing)]


def test_a_statement_is_read_with_its_line(tmp_path):
    (found,) = read(written(tmp_path, GOOD)).attestations
    assert (found.step, found.verdict, found.line, found.date) == ("LZ-5.3.3c", Verdict.PASS, 2, date(2026, 11, 20))


def test_no_file_is_no_statements(tmp_path):
    assert read(tmp_path / "attestations.toml") == Ledger(path=str(tmp_path / "attestations.toml"))


def test_an_unknown_step_names_the_nearest_one(tmp_path):
    (found,) = mistakes(tmp_path, GOOD.replace("LZ-5.3.3c", "LZ-5.33c"))
    assert (found.line, found.key) == (3, "attest.step")
    assert "bedoelt u LZ-5.3.3" in found.text.nl
    assert "do you mean LZ-5.3.3" in found.text.en


def test_every_mistake_of_a_file_is_reported_at_once_in_its_order(tmp_path):
    text = GOOD.replace('by = "A. Jansen"', 'bij = "A. Jansen"').replace("2026-11-20", '"gisteren"')
    text += '\n[[waiver]]\nrule = "CPA-999"\nreason = ""\nowner = "x"\nuntil = 2026-12-01\n[[afwijking]]\nx = 1\n'
    found = mistakes(tmp_path, text, rules={"CPA-012"})
    assert [m.key for m in found] == [
        "attest.by",
        "attest.bij",
        "attest.date",
        "waiver.rule",
        "waiver.reason",
        "afwijking",
    ]
    assert all(m.line for m in found)
    assert "2026-11-21" in found[2].text.nl


def test_a_connection_that_the_scenario_lacks_is_a_mistake(tmp_path):
    text = GOOD + 'connection = "lopende-zake"\n'
    (found,) = mistakes(tmp_path, text, connections=("lopende-zaken",))
    assert "bedoelt u lopende-zaken?" in found.text.nl


@pytest.mark.parametrize("verdict", ["geslaagd", "blocked", ""])
def test_a_verdict_outside_the_list_is_a_mistake(tmp_path, verdict):
    (found,) = mistakes(tmp_path, GOOD + f'verdict = "{verdict}"\n')
    assert "pass, warn, fail, waiting, skip" in found.text.nl


@pytest.mark.parametrize("text", ["[[attest]\n", "step = ", 'attest = "x"', "attest = [1]", "[attest]\nstep = 'DK-1'"])
def test_text_that_is_not_a_list_of_statements_is_a_mistake_and_no_traceback(tmp_path, text):
    assert mistakes(tmp_path, text)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 100])
def test_bytes_that_are_no_text_are_one_sentence(tmp_path, data):
    path = tmp_path / "attestations.toml"
    path.write_bytes(data)
    with pytest.raises(UnusableInput):
        read(path)


def test_attest_appends_a_block_and_leaves_the_rest_alone(tmp_path):
    path = written(tmp_path, "# met de hand\n" + GOOD)
    (tmp_path / "scherm.png").write_bytes(b"beeld")
    sealed = attest(
        path, Attestation("LZ-5.4", "B. de Wit", "projectleider", TODAY, 'Alles "gezien"', file="scherm.png")
    )
    assert path.read_text(encoding="utf-8").startswith("# met de hand\n" + GOOD)
    assert read(path).attestations[1] == replace(sealed, line=10, size=5)
    assert sealed.sha256 == fingerprint(tmp_path / "scherm.png")


def test_attest_refuses_a_step_that_does_not_exist_and_writes_nothing(tmp_path):
    path = written(tmp_path, GOOD)
    with pytest.raises(ScenarioInvalid) as wrong:
        attest(path, Attestation("LZ-5.5.5", "B. de Wit", "projectleider", TODAY, "gezien"))
    assert "LZ-5.5" in str(wrong.value)
    assert path.read_text(encoding="utf-8") == GOOD


def test_attest_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnusableInput, match="niet te lezen"):
        attest(tmp_path / "a.toml", Attestation("LZ-5.4", "B", "tester", TODAY, "gezien", file="weg.png"))


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_statement_survives_writing_and_reading(statement, by):
    said = Attestation("DK-4", by or "x", "tester", TODAY, statement or "x")
    (raw,) = tomllib.loads(block(said))["attest"]
    assert (raw["statement"], raw["by"]) == (said.statement, said.by)


def test_a_file_that_changed_after_the_statement_is_found(tmp_path):
    path = written(tmp_path, GOOD + f'file = "scherm.png"\nsha256 = "{"0" * 64}"\n')
    (tmp_path / "scherm.png").write_bytes(b"anders")
    assert rules(read(path)) == ["ATT-001"]


def test_a_file_that_vanished_is_found(tmp_path):
    assert rules(read(written(tmp_path, GOOD + 'file = "weg.png"\n'))) == ["ATT-002"]


def test_a_file_without_a_seal_is_found(tmp_path):
    (tmp_path / "scherm.png").write_bytes(b"beeld")
    assert rules(read(written(tmp_path, GOOD + 'file = "scherm.png"\n'))) == ["ATT-003"]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"expires": date(2026, 11, 20)}, "ATT-004"),
        ({"date": date(2026, 11, 22)}, "ATT-005"),
        ({"verdict": Verdict.SKIP}, "ATT-006"),
    ],
)
def test_a_statement_that_cannot_count_is_found(more, rule):
    said = replace(Attestation("LZ-5.4", "A", "tester", date(2026, 11, 20), "gezien"), **more)
    assert rules(Ledger((said,))) == [rule]


def test_an_expired_waiver_is_found_and_an_unused_one_too():
    past = Waiver("CPA-012", "x", "y", date(2026, 11, 20))
    idle = Waiver("CPA-013", "x", "y", TODAY, connection="lz")
    assert rules(Ledger(waivers=(past, idle)), {("dk", "CPA-013")}) == ["WVR-001", "WVR-002"]
    assert rules(Ledger(waivers=(idle,)), {("lz", "CPA-013")}) == []
    assert rules(Ledger(waivers=(idle,))) == []


def test_every_finding_about_a_statement_has_its_rule():
    assert {"ATT-001", "ATT-002", "ATT-003", "ATT-004", "ATT-005", "ATT-006", "WVR-001", "WVR-002"} <= set(
        rulebook().rules
    )


def test_evidence_of_a_production_step_is_never_embedded():
    def embeds(step):
        return Attestation(step, "A", "tester", TODAY, "gezien", file="scherm.png").embeddable

    assert embeds("LZ-5.3.3c")
    assert not embeds("LZ-6.3.3")
    assert not embeds("LZ-B4.vi")


def test_a_report_is_a_draft_until_somebody_declared_for_its_reader(tmp_path):
    text = '[[declaration]]\nby = "B. de Wit"\nfunction = "projectleider"\ndate = 2026-11-21\nreader = "logius"\n'
    ledger = read(written(tmp_path, text))
    assert ledger.declared("lopende-zaken", "logius").by == "B. de Wit"
    assert ledger.declared("tvs", "dictu") is None


def test_a_statement_may_rest_on_several_files_and_each_is_sealed(tmp_path):
    (tmp_path / "een.png").write_bytes(b"1")
    (tmp_path / "twee.png").write_bytes(b"2")
    path = tmp_path / "attestations.toml"
    said = Attestation("LZ-5.4", "B", "tester", TODAY, "gezien", file="een.png", also=(Proof("twee.png"),))
    attest(path, said)
    assert [(p.file, p.state) for p in read(path).attestations[0].proofs] == [("een.png", "same"), ("twee.png", "same")]
    (tmp_path / "twee.png").write_bytes(b"3")
    ledger = read(path)
    assert ledger.attestations[0].spoilt == "changed"
    assert [(f.rule, f.observed) for f in review(ledger, TODAY)] == [("ATT-001", "twee.png")]


def test_of_a_file_that_stays_with_its_maker_only_name_and_digest_are_kept(tmp_path):
    path = tmp_path / "attestations.toml"
    attest(path, Attestation("TC-9d", "B", "tester", TODAY, "gezien", also=(Proof("", "ab" * 32, "lpr.png"),)))
    (said,) = read(path).attestations
    assert (said.proofs[0].label, said.proofs[0].state, said.spoilt) == ("lpr.png", "elsewhere", "")
    assert list(review(read(path), TODAY)) == []


@pytest.mark.parametrize("also", ['"een.png"', "[1]", '[{ name = "x" }]', '[{ file = "x", by = "y" }]', "[{}]"])
def test_files_written_otherwise_are_a_mistake(tmp_path, also):
    path = written(
        tmp_path,
        f"""
[[attest]]
step = "LZ-5.4"
by = "B"
function = "tester"
date = 2026-11-20
statement = "gezien"
also = {also}
""",
    )
    with pytest.raises(ScenarioInvalid, match="also"):
        read(path)


def test_who_writes_second_about_the_same_step_is_told_who_was_faster(tmp_path):
    path = tmp_path / "attestations.toml"
    attest(path, Attestation("LZ-5.4", "B. de Wit", "projectleider", TODAY, "gezien"), seen=())
    with pytest.raises(Overtaken, match="de Wit") as told:
        attest(path, Attestation("LZ-5.4", "A. Jansen", "tester", TODAY, "ook gezien"), seen=())
    assert told.value.by.statement == "gezien"
    attest(path, Attestation("LZ-5.4", "A. Jansen", "tester", TODAY, "ook gezien"), seen=[mark(told.value.by)])
    attest(path, Attestation("LZ-5.4", "A. Jansen", "tester", TODAY, "over 2.4", item="2.4"), seen=())
    assert [a.by for a in read(path).attestations] == ["B. de Wit", "A. Jansen", "A. Jansen"]


def test_eight_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "attestations.toml"

    def write(n):
        for m in range(10):
            attest(path, Attestation("LZ-5.4", f"tester {n}", "tester", TODAY, f"nummer {m}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(read(path).attestations) == 80
