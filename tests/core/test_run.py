"""The run file: appended, read back, merged and compared."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UnusableInput
from harness.model import (
    Environment,
    Evidence,
    Finding,
    Graded,
    NotRun,
    Observation,
    Result,
    Severity,
    Text,
    Verdict,
    roll_up,
)
from harness.run import ConnectionInfo, Run, RunInfo, compare, create, merge, read

NOW = datetime(2026, 11, 21, 20, 42, tzinfo=UTC)


def info(**changes):
    connection = ConnectionInfo("lz", "lopende-zaken", Environment.LAB, "Gemeente", "00000099000000001000", "overheid")
    base = {"id": "20261121-2042-7f3a", "started": NOW, "version": "1", "rules_version": "r", "checklists_version": "c"}
    return RunInfo(**base, scenario="chain.toml", scenario_sha256="ab", connections=(connection,), **changes)


def result(verdict=Verdict.PASS, probe="ebms.ping", rules=(), **changes):
    findings = tuple(Graded(Finding(r, observed=Text("x", "y"), line=3), Severity.ERROR) for r in rules)
    base = {"connection": "lz", "environment": Environment.PREPROD, "findings": findings}
    return Result(probe=probe, verdict=verdict, **(base | changes))


def test_what_is_written_is_read_back(tmp_path):
    full = result(
        Verdict.FAIL, rules=("PONG-001",), not_run=(NotRun("PKIO-REV-004", Text("geen CRL", "no CRL")),),
        observed=(Observation(Text("0,6 s", "0.6 s"), (("ms", "600"),)),), cause="x", endpoint="https://a", certificate="ff",
        evidence=(Evidence("ab", "ab.http", "message/http", 3),), started=NOW, seconds=0.6, subject="ebms", data=(("why", "x"),),
    )  # fmt: skip
    writer = create(tmp_path, info())
    writer.result(full)
    writer.end(NOW, masked=4)
    run = read(tmp_path)
    assert run.results == (full,)
    assert run.info == info()
    assert (run.masked, run.interrupted, run.ended) == (4, False, NOW)


def test_a_crash_loses_one_line_and_the_run_is_interrupted(tmp_path):
    writer = create(tmp_path, info())
    writer.result(result())
    with (writer.folder / "run.jsonl").open("a") as file:
        file.write('{"event": "result", "probe": "x')
    run = read(writer.folder)
    assert len(run.results) == 1
    assert run.interrupted
    assert run.unreadable_lines == 1


def test_a_file_that_is_no_run_gets_one_sentence(tmp_path):
    (tmp_path / "x.jsonl").write_text("{}")
    with pytest.raises(UnusableInput, match="geen runbestand"):
        read(tmp_path / "x.jsonl")
    with pytest.raises(UnusableInput, match="geen run gevonden"):
        read(tmp_path)


def test_what_another_version_wrote_is_read_without_the_words_this_one_does_not_know(tmp_path):
    file = create(tmp_path, info()).folder / "run.jsonl"
    first = json.loads(file.read_text())
    first["weather"] = "dry"
    first["connections"][0]["colour"] = "blue"
    file.write_text(json.dumps(first))
    assert read(file).info == info()


def test_a_damaged_end_is_a_run_that_broke_off(tmp_path):
    file = create(tmp_path, info()).folder / "run.jsonl"
    with file.open("a") as stream:
        stream.write('{"event": "end", "ended": 5}')
    found = read(file)
    assert found.interrupted
    assert found.unreadable_lines == 1


def at(hours, *results, **changes):
    return Run(info(**changes), tuple(results)) if not hours else Run(
        RunInfo(**{**info(**changes).__dict__, "started": NOW + timedelta(hours=hours)}), tuple(results)
    )  # fmt: skip


def test_the_newest_settled_result_wins_and_not_run_never_replaces_it():
    merged = merge([at(0, result(Verdict.FAIL)), at(1, result(Verdict.PASS)), at(2, result(Verdict.NOT_RUN))])
    assert [r.verdict for r in merged.run.results] == [Verdict.PASS]


def test_a_lab_result_never_replaces_one_from_preproduction():
    merged = merge([at(0, result(Verdict.FAIL)), at(1, result(Verdict.PASS, environment=Environment.LAB))])
    assert [r.verdict for r in merged.run.results] == [Verdict.FAIL]
    assert len(merged.apart) == 1


def test_comparing_tells_new_fixed_same_and_gone_apart():
    old = at(0, result(Verdict.FAIL, rules=("A-1", "B-1")), result(Verdict.FAIL, "net.tcp", rules=("C-1",)))
    new = at(1, result(Verdict.FAIL, rules=("B-1", "D-1")))
    found = compare(old, new)
    assert [f[2] for f in found.new] == ["D-1"]
    assert [f[2] for f in found.fixed] == ["A-1"]
    assert [f[2] for f in found.same] == ["B-1"]
    assert [f[2] for f in found.gone] == ["C-1"]


@given(st.lists(st.sampled_from(list(Verdict))))
def test_rolling_up_does_not_depend_on_order(verdicts):
    assert roll_up(verdicts) == roll_up(sorted(verdicts))
    assert roll_up([]) is Verdict.SKIP


def test_sides_of_one_probe_roll_up_to_the_worst():
    run = at(
        0, result(subject="ebms", probe="net.tcp"), result(Verdict.FAIL, "net.tcp", subject="wus", rules=("NET-002",))
    )
    rolled = run.by_probe[("lz", "net.tcp")]
    assert rolled.verdict is Verdict.FAIL
    assert len(rolled.findings) == 1


def test_a_place_where_no_run_can_be_kept_is_one_sentence(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UnusableInput, match="een deel van het pad is geen map"):
        create(tmp_path / "runs", info())
