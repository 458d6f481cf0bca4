"""The catalogue and the functions match one to one, in both languages, and something provokes each rule."""

import csv
import re
import tomllib
from importlib.resources import files

from test_pki_baselines import DEVIATIONS

from harness.lint.pki.judges import rule_ids
from harness.lint.pki.policy import policy
from harness.rulebook import rulebook

RAW = tomllib.loads(files("harness").joinpath("rules/pki.toml").read_text(encoding="utf-8"))
IDS = {rule_id for rule_id in RAW if rule_id != "meta"}
BY_HAND = {rule_id for rule_id in IDS if RAW[rule_id].get("settled_by", "file") != "file"}


def test_every_rule_has_one_function_and_every_function_has_its_rule():
    assert rule_ids().keys() == IDS - BY_HAND


def test_what_no_file_can_settle_says_who_does():
    assert {"PKIO-CHAIN-010", "PKIO-REV-007", "PKIO-REV-009"} == BY_HAND
    assert {RAW[rule_id]["settled_by"] for rule_id in BY_HAND} <= {"wire", "person"}


def test_the_ids_are_those_of_the_reference(shared):
    text = (shared / "rules/pki.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| ((?:PKIO|WEB)-[A-Z0-9-]+) \|", text, re.MULTILINE)) == IDS


def test_every_rule_speaks_both_languages_and_names_its_source():
    for rule_id in IDS:
        rule = rulebook()[rule_id]
        for text in (rule.title, rule.why, rule.remedy, rule.who):
            assert text.nl, rule_id
            assert text.en, rule_id
            assert text.nl != text.en, rule_id
            assert "!" not in text.nl + text.en
        assert not rule.title.nl.endswith(".")
        assert str(rule.source), rule_id


def test_every_weight_of_a_case_belongs_to_a_case_that_some_function_names():
    packages = ("harness.lint.pki", "harness.wire", "harness.probes")
    modules = [module for package in packages for module in files(package).iterdir()]
    source = "".join(m.read_text(encoding="utf-8") for m in modules if m.name.endswith(".py"))
    for rule_id in IDS - BY_HAND:
        for case in RAW[rule_id].get("cases", {}):
            assert f'"{case}"' in source, f"{rule_id} {case}"


def test_something_provokes_every_rule(shared):
    with (shared / "corpus/pki/mutants/manifest.csv").open(newline="") as file:
        by_corpus = {row["rule"] for row in csv.DictReader(file)}
    by_hand = {rule for rule, _, _ in DEVIATIONS}
    by_other_tests = {"PKIO-ENV-002"}
    assert not IDS - BY_HAND - by_corpus - by_hand - by_other_tests


def test_every_conflict_between_the_sources_names_rules_that_exist():
    raw = tomllib.loads(files("harness.lint.pki").joinpath("policy.toml").read_text(encoding="utf-8"))
    for conflict in raw["conflicts"].values():
        assert set(conflict["rules"]) <= IDS


def test_policy_data_is_whole():
    data = policy()
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in data.by_digest)
    assert {a.generation for a in data.by_digest.values()} <= data.generations.keys()
    assert all(c.nl and c.en for c in data.conflicts.values())
    assert {role for needed in data.services.values() for role in needed} <= data.roles.keys()
