"""`ketentest check`: one sentence for what cannot be judged, JSON with stable keys, exit codes by the contract."""

import json
import os

import pytest

from harness.check import judge_bytes
from harness.lint.judge import Context
from harness.lint.kinds import KINDS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "leeg"),
        (os.urandom(5000), "niet herkend"),
        (b"\x1f\x8b\x08" + b"\0" * 50, "pak het eerst uit"),
    ],
)
def test_a_file_that_cannot_be_told_gets_one_sentence_and_exit_2(terminal, content, said):
    file = terminal.folder / "file.bin"
    file.write_bytes(content)
    done = terminal.ketentest("check", file)
    assert done.returncode == 2
    assert said in done.text
    assert len(done.text.splitlines()) == 1


def test_a_huge_file_is_refused_unread(terminal):
    file = terminal.folder / "huge.xml"
    with file.open("wb") as out:
        out.write(b"<EntityDescriptor>")
        out.truncate(200_000_000)
    done = terminal.ketentest("check", file)
    assert done.returncode == 2
    assert "te groot" in done.text
    assert "Traceback" not in done.text


def test_a_file_that_is_not_there_gets_one_sentence(terminal):
    done = terminal.ketentest("check", "nothing.pem")
    assert done.returncode == 2
    assert len(done.text.splitlines()) == 1


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if "lint.pki" not in kind.judge])
def test_a_doctype_is_a_finding_of_the_kind_and_nothing_is_expanded(kind):
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    document = judge_bytes(bomb, "bomb.xml", Context(), kind)
    assert document.verdict in {"fail", "unusable"}
    assert "root:" not in repr(document)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "content", [b"", b"<", b"<a>" * 100_000, os.urandom(2000), b"\xff\xfe<\0a\0/\0>\0", b"0\x82\xff\xff"]
)
def test_no_kind_ever_raises_on_hostile_bytes(kind, content):
    assert judge_bytes(content, "x", Context(), kind).verdict in {"fail", "unusable", "warn", "pass", "incomplete"}


def test_json_has_the_keys_of_the_contract(terminal, shared):
    file = shared / "corpus/ebms/bases/base-consumer-spec.xml"
    done = terminal.ketentest("check", "--format", "json", "--at", "2026-11-21T12:00:30Z", file)
    found = json.loads(done.stdout)
    assert set(found) == {"tool", "version", "rules_version", "documents"}
    [document] = found["documents"]
    assert {"path", "kind", "sha256", "verdict", "findings", "not_run"} <= set(document)
    assert document["kind"] == "consumer-spec"
    for finding in document["findings"]:
        wanted = {"rule", "severity", "title", "observed", "expected", "line", "where", "source", "remedy"}
        assert wanted <= set(finding)


def test_the_language_changes_the_words_and_nothing_else(terminal, shared):
    file = shared / "corpus/pki/mutants/baseline/g1_server.pem"
    answers = {}
    for lang in ("nl", "en"):
        done = terminal.ketentest("check", "--format", "json", "--lang", lang, "--at", "2026-11-21T21:03:00Z", file)
        answers[lang] = json.loads(done.stdout)["documents"][0]
    ids = {lang: [(f["rule"], f["severity"]) for f in answer["findings"]] for lang, answer in answers.items()}
    assert ids["nl"] == ids["en"]
    assert answers["nl"]["findings"][0]["title"] != answers["en"]["findings"][0]["title"]
