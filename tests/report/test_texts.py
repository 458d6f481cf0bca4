"""The sentences: none missing, none untranslated, none unused."""

import re
from pathlib import Path
from string import Formatter

import pytest

import harness.report
from harness.checklist import catalogue
from harness.report.wording import Wording, texts

FOLDER = Path(harness.report.__file__).parent
SAME_IN_BOTH = {
    "probe", "oin", "run", "python", "digest", "tls_library", "tool_version", "adapter", "footer", "bytes",
    "system_lopende-zaken", "system_digikoppeling", "system_digipoort", "system_digimelding", "stage_server",
    "scenario", "contact", "system", "results_caption", "document", "stage_route", "run_moment", "listed_sheet",
}  # fmt: skip
BUILT = re.compile(
    r"^(n_|environment_|kind_|system_|lab_|compared_|reader_|conclude_|stage_|path_)|_one$|"
    r"^(pass|warn|fail|manual|waiting|blocked|not-run|skip|own|error|info|interrupted)$"
)


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def used_keys():
    code = "\n".join(p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.suffix in (".py", ".jinja"))
    return set(re.findall(r"[\"']([a-z][a-z_-]*[a-z])[\"']", code))


@pytest.mark.parametrize("table", ["words", "phases", "actors"])
def test_every_sentence_has_both_languages_and_the_same_placeholders(table):
    for key, text in texts()[table].items():
        assert text.nl, key
        assert text.en, key
        assert placeholders(text.nl) == placeholders(text.en), key


def test_no_sentence_is_left_untranslated():
    same = {key for key, text in texts()["words"].items() if text.nl == text.en and len(text.nl) > 2}
    assert same <= SAME_IN_BOTH, same - SAME_IN_BOTH


def test_every_key_that_is_used_exists():
    code = "\n".join(p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.suffix in (".py", ".jinja"))
    asked = set(re.findall(r"\bsay\(\s*[\"']([a-z_-]+)[\"']", code))
    counted = set(re.findall(r"\bsay\.count\(\s*[\"']([a-z_-]+)[\"']", code))
    known = set(texts()["words"])
    assert asked <= known, asked - known
    assert {f"{key}_one" for key in counted} | counted <= known


def test_no_sentence_is_unused():
    unused = {key for key in texts()["words"] if not BUILT.search(key)} - used_keys()
    assert not unused


def test_every_phase_and_actor_of_the_catalogue_has_an_english_twin():
    say = Wording("en")
    dutch = re.compile(
        r"\b(afnemer|leverancier|zorgaanbieder|projectleider|bedrijf|gebruiker|tekenbevoegde|lev|beheer|en)\b"
    )
    for row in catalogue().values():
        assert say.phase(row.system, row.phase) != row.phase or row.phase == "4 compliance", row.phase
        assert not dutch.search(say.actor(row.actor)), row.actor


def test_numbers_dates_and_times_are_written_as_the_language_does():
    assert Wording("nl").number(1234.5, 1) == "1.234,5"
    assert Wording("en").number(1234.5, 1) == "1,234.5"
    assert Wording("nl").seconds(0.6) == "0,6 s"
    assert Wording("nl").seconds(0.011) == "11 ms"


def test_dutch_sentences_neither_blame_nor_shout():
    for key, text in texts()["words"].items():
        assert "!" not in text.nl + text.en, key
        assert not re.search(r"\b(akkoord|oordeel)\b", text.nl), key
