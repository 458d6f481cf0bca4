"""`ketentest init` explains which roots to trust and how to recognise them."""

from harness.chain import load
from harness.lint.pki.policy import policy
from harness.starting import Answers, write


def test_a_new_scenario_names_every_root_with_its_digest(tmp_path):
    written = write(tmp_path / "keten", Answers(("digimelding",)))
    text = (tmp_path / "keten" / "anchors" / "README.md").read_text()
    for root in (a for a in policy().by_digest.values() if a.level == 1):
        assert root.sha256 in text
        assert root.name in text
    assert tmp_path / "keten" / "anchors" / "README.md" in written
    assert load(tmp_path / "keten").scenario.connections
