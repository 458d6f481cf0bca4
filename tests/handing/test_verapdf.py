"""The reference validator agrees: PDF/A-3b and PDF/UA-1, unsigned and signed. `scripts/verapdf/fetch` gets it."""

import os
from pathlib import Path

import pytest

from harness.report import pdf

JARS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ketentest" / "verapdf"
CHECK = Path(__file__).parents[2] / "scripts" / "verapdf" / "Check.java"


@pytest.fixture
def verapdf(tool):
    """Run veraPDF over files; each line says file, flavour and verdict."""
    if not list(JARS.glob("validation-model-*.jar")):
        pytest.skip(f"veraPDF is not in {JARS}; run scripts/verapdf/fetch")

    def check(*files):
        lines = tool("java", "-cp", f"{JARS}/*", CHECK, *files).stdout.splitlines()
        return lines, {tuple(line.split(" ")[1:]) for line in lines if not line.startswith("  ")}

    return check


@pytest.mark.slow
def test_verapdf_finds_the_report_compliant_before_and_after_signing(folder, ketentest, seal_pem, verapdf, tmp_path):
    assert ketentest("report", "--runs", folder.parent, "--format", "json,pdf").code == 0
    plain = tmp_path / "plain.pdf"
    plain.write_bytes((folder / "report.nl.pdf").read_bytes())
    assert ketentest("report", "--runs", folder.parent, "--sign", seal_pem).code == 0
    lines, verdicts = verapdf(plain, folder / "report.nl.pdf", folder / "report.en.pdf")
    assert verdicts == {("3b", "compliant"), ("ua1", "compliant")}, lines


@pytest.mark.slow
def test_verapdf_sees_a_pdf_that_is_not_pdf_a(tmp_path, verapdf):
    import typst

    file = tmp_path / "x.pdf"
    file.write_bytes(typst.compile(b"x", font_paths=pdf._fonts(), pdf_tags=False))
    assert verapdf(file)[1] == {("3b", "broken"), ("ua1", "broken")}
