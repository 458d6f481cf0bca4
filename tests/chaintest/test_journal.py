"""The sending journal survives a crash, two processes at once, and damage."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from harness.chaintest.journal import BEGUN, Journal
from harness.errors import UnusableInput
from tests.conftest import ROOT


def test_a_message_is_claimed_once(tmp_path):
    journal = Journal(tmp_path / "j.jsonl")
    assert journal.begin("a", "1@x")
    assert not journal.begin("a", "2@x")
    assert not Journal(tmp_path / "j.jsonl").begin("a", "3@x")
    assert journal.of("a").message_id == "1@x"


def test_what_never_left_may_go_later(tmp_path):
    journal = Journal(tmp_path / "j.jsonl")
    journal.begin("a", "1@x")
    journal.end("a", "not-sent", "1@x")
    assert journal.begin("a", "2@x")


def test_the_outcome_of_an_earlier_run_is_read_back(tmp_path):
    Journal(tmp_path / "j.jsonl", "run-1").begin("a", "1@x", name="nieuwe-zaak")
    Journal(tmp_path / "j.jsonl", "run-1").end("a", "acknowledged", "1@x", ack="9@y")
    entry = Journal(tmp_path / "j.jsonl").of("a")
    assert (entry.state, entry.run, entry.words["ack"], entry.open) == ("acknowledged", "run-1", "9@y", False)


def claim(path, number, done):
    done.put((number, Journal(path).begin("a", f"{number}@x")))


def test_of_many_processes_one_may_send(tmp_path):
    done = multiprocessing.get_context("fork").Queue()
    crowd = [
        multiprocessing.get_context("fork").Process(target=claim, args=(tmp_path / "j.jsonl", n, done))
        for n in range(8)
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert sum(done.get()[1] for _ in crowd) == 1


def test_a_killed_process_leaves_its_claim(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from harness.chaintest.journal import Journal\n"
        f"Journal(Path({str(tmp_path / 'j.jsonl')!r})).begin('a', '1@x'); print('begun', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGKILL)
    journal = Journal(tmp_path / "j.jsonl")
    assert journal.of("a").open
    assert not journal.begin("a", "2@x")


def test_a_line_that_was_cut_off_while_writing_does_not_count(tmp_path):
    file = tmp_path / "j.jsonl"
    Journal(file).begin("a", "1@x")
    whole = file.read_text()
    for length in range(1, len(whole) - 1):
        file.write_text(whole + whole[:length])
        assert list(Journal(file).entries()) == ["a"]
        assert Journal(file).begin("b", "2@x")
        assert set(Journal(file).entries()) == {"a", "b"}


@pytest.mark.parametrize("damage", ["rommel\n", "[]\n", '{"key":"a"}\n', "\x00\x00\n"])
def test_a_damaged_journal_stops_the_sending(tmp_path, damage):
    file = tmp_path / "j.jsonl"
    file.write_text(damage + json.dumps({"key": "b", "state": BEGUN}) + "\n")
    with pytest.raises(UnusableInput, match="beschadigd"):
        Journal(file).begin("c", "1@x")


def test_a_journal_that_cannot_be_written_stops_the_sending(tmp_path):
    (tmp_path / "map").write_text("")
    with pytest.raises(UnusableInput, match="niet te schrijven"):
        Journal(tmp_path / "map" / "j.jsonl").begin("a", "1@x")


def test_the_journal_holds_no_content_and_is_private(tmp_path):
    file = tmp_path / "j.jsonl"
    Journal(file).begin("sha", "1@x", name="nieuwe-zaak-1-p1")
    assert file.stat().st_mode & 0o077 == 0


def test_a_thousand_claims_are_quick_to_read_back(tmp_path):
    file = tmp_path / "j.jsonl"
    line = json.dumps({"key": "%d", "state": "acknowledged"})
    file.write_text("".join(line.replace("%d", str(n)) + "\n" for n in range(10_000)))
    began = time.perf_counter()
    assert Journal(file).of("9999")
    assert time.perf_counter() - began < 1
