"""Metadata is made and judged by eID SAML 4.4 and by ST-SAML 1.0, and what we make ourselves passes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli

SCENARIO = Path(__file__).parents[2] / "scenarios" / "preprod" / "chain.toml"


def ketentest(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.mark.parametrize("spec", ["4.4", "st-1.0"])
@pytest.mark.parametrize(("connection", "role"), [("tvs-cluster", "lc"), ("tvs-direct", "dv")])
def test_metadata_that_we_make_passes_at_once_and_by_itself(tmp_path, spec, connection, role):
    (tmp_path / "chain.toml").write_text(SCENARIO.read_text().replace('spec = "4.4"', f'spec = "{spec}"'))
    file = tmp_path / "metadata.xml"
    made = ketentest("generate", "saml-metadata", connection, "--scenario", tmp_path, "--out", file)
    assert made.exit_code == 0, made.output
    assert "saml-metadata  geslaagd" in made.output
    judged = ketentest("check", "--role", role, "--spec", spec, file)
    assert judged.exit_code in (0, 3), judged.output
    assert "  fout " not in judged.output


def test_another_specification_is_refused_by_name(tmp_path):
    (tmp_path / "m.xml").write_text("<a/>")
    assert "st-1.0" in ketentest("check", "--spec", "5", tmp_path / "m.xml").output
