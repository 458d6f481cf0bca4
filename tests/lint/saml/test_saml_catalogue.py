"""The catalogue and the rule functions name the same rules."""

import tomllib
from importlib.resources import files

from harness.lint.saml import MESSAGES, METADATA_TABLES, onboarding
from harness.rulebook import rulebook


def catalogue():
    text = files("harness").joinpath("rules", "saml.toml").read_text(encoding="utf-8")
    return {name: table for name, table in tomllib.loads(text).items() if name != "meta"}


def functions():
    tables = {id(t): t for t in (*METADATA_TABLES, onboarding.table, *(t for many in MESSAGES.values() for t in many))}
    return {rule for table in tables.values() for rule in table.ids}


BESIDE = {"SAML-MD-001", "SAML-AS-054", "SAML-AS-055", "SAML-AS-058"}
"""Yielded before there is a document, or on a decrypted name."""


def test_every_rule_that_a_file_settles_has_a_function():
    by_file = {name for name, table in catalogue().items() if table.get("settled_by", "file") == "file"}
    assert by_file == functions() | BESIDE


def test_every_rule_speaks_both_languages():
    for name in catalogue():
        rule = rulebook()[name]
        for text in (rule.title, rule.why, rule.remedy):
            assert text.nl, name
            assert text.en, name
            assert text.nl != text.en or " " not in text.nl, name


def test_unconfirmed_paragraphs_are_not_printed():
    assert "9.1" not in str(rulebook()["SAML-MD-303"].source)
