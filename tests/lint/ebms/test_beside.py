"""A Pong on disk is judged with the Ping that lies beside it, and the output says which file that was."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.check import as_json, as_text, judge_file
from harness.lint.judge import Context, Raw
from harness.wire import ebms_build as build
from harness.wire.ebms import Party, read_message

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
US, THEM = Party("00000099000000001000", "urn:osb:oin"), Party("00000099000000002000", "urn:osb:oin")


def ping(at=AT, cpa_id="cpa_1"):
    return build.pack(build.ping(US, THEM, cpa_id, at, "ebms.a.example")).body


def pong(asked, at=AT + timedelta(seconds=2)):
    return build.pack(build.pong(read_message(asked), at, "ebms.b.example")).body


def judged(folder, companions=()):
    return judge_file(folder / "pong.xml", Context(at=AT + timedelta(seconds=30), companions=companions))


def rules(document):
    return {g.finding.rule for g in document.findings if str(g.severity) == "error"}


def write(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.xml").write_bytes(data)


def test_the_ping_that_the_pong_refers_to_is_read_and_named(tmp_path):
    asked = ping()
    other = pong(asked).replace(b"<eb:ConversationId>", b"<eb:ConversationId>x")
    write(tmp_path, ping=asked, later=ping(), pong=other)
    document = judged(tmp_path)
    assert "PONG-006" in rules(document)
    assert "Ping gelezen uit ping.xml" in as_text(document, "nl")
    assert '"note": "Ping read from ping.xml (in the same folder)"' in "".join(as_json([document], "en"))


def test_a_reference_to_another_ping_is_seen_when_only_one_ping_can_be_meant(tmp_path):
    asked = ping()
    write(tmp_path, ping=asked, pong=pong(ping()).replace(b"cpa_2", b"cpa_1"))
    assert "PONG-003" in rules(judged(tmp_path))


@pytest.mark.parametrize(
    "neighbours",
    [
        {},
        {"a": ping(), "b": ping()},
        {"long_ago": ping(AT - timedelta(hours=3))},
        {"other_cpa": ping(cpa_id="cpa_9")},
        {"no_message": b"<a/>", "broken": b"<soap:Envelope ebxml-msg Ping"},
    ],
)
def test_a_ping_that_need_not_be_the_one_is_left_alone(tmp_path, neighbours):
    write(tmp_path, pong=pong(ping()), **neighbours)
    document = judged(tmp_path)
    assert document.note is None
    assert "PONG-003" not in rules(document)


def test_a_ping_that_was_given_goes_before_a_neighbour(tmp_path):
    asked = ping()
    write(tmp_path, ping=ping(), pong=pong(asked))
    assert judged(tmp_path, (Raw(asked, "given.xml"),)).note is None


def test_a_healthy_pong_beside_its_ping_stays_without_findings(tmp_path):
    asked = ping()
    write(tmp_path, ping=asked, pong=pong(asked))
    document = judged(tmp_path)
    assert document.note is not None
    assert rules(document) == set()
