"""The log of the user's own adapter: every shape of it joins by MessageId, foreign and damaged ones are one sentence."""

import csv
import io
import json
import time

import pytest

from harness.chaintest.imported import read_log, read_logs
from harness.chaintest.joined import all_sent, join
from harness.errors import UnusableInput
from harness.model import Verdict
from harness.run import utc_now
from harness.wire import ebms_build as build
from harness.wire.ebms import Party
from harness.wire.ebms_mime import Attachment

LOG = '\n[connections.dut.adapter]\nproduct = "eigen"\nlog = ["log/*"]\n'


def rows_of(messages, *, acknowledged=True, status="PROCESSED", start=0):
    """What the REST API of the Java adapter lists: messages and signals, each with its properties."""
    rows = []
    for number, message in enumerate(messages, start):
        sent = f"{number}@ons.example"
        rows.append(
            {
                "messageId": sent,
                "conversationId": str(number),
                "action": message.action,
                "timestamp": "2026-11-23T09:00:00Z",
                "messageStatus": status,
                "payload": message.reference,
            }
        )
        if acknowledged:
            rows.append(
                {
                    "messageId": f"a{number}@zij.example",
                    "refToMessageId": sent,
                    "action": "Acknowledgment",
                    "timestamp": "2026-11-23T09:00:01Z",
                }
            )
    return rows


def foutbericht(about):
    return {
        "messageId": "f1@zij.example",
        "refToMessageId": about,
        "action": "VerstuurFoutbericht",
        "timestamp": "2026-11-23T09:00:02Z",
        "direction": "received",
    }


def as_csv(rows, mark=";", encoding="utf-8"):
    out = io.StringIO()
    keys = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(out, keys, delimiter=mark, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def as_axway(rows):
    lines = ["2026-11-23 09:00:00,001 INFO  Trading engine started"]
    for row in rows:
        more = f" RefToMessageId={row['refToMessageId']}" if "refToMessageId" in row else ""
        lines.append(
            f'2026-11-23 09:00:00,001 INFO  Message tracker MessageId={row["messageId"]}{more} Action="{row["action"]}" Status={row.get("messageStatus", "-")} file={row.get("payload", "-")}.xml'
        )
    return "\n".join(lines).encode()


SHAPES = {
    "lijst.json": lambda rows: json.dumps(rows).encode(),
    "object.json": lambda rows: json.dumps(
        {"total": len(rows), "messages": [{"properties": row} for row in rows]}
    ).encode(),
    "regels.jsonl": lambda rows: "\n".join(map(json.dumps, rows)).encode(),
    "puntkomma.csv": as_csv,
    "komma.csv": lambda rows: as_csv(rows, ","),
    "excel.csv": lambda rows: as_csv(rows, "\t", "utf-16"),
    "axway.log": as_axway,
}


def write_log(tmp_path, name, data):
    (tmp_path / "log").mkdir(exist_ok=True)
    (tmp_path / "log" / name).write_bytes(data)


def rules(result):
    return {g.finding.rule for g in result.findings} | {n.rule for n in result.not_run}


@pytest.mark.parametrize("name", SHAPES)
async def test_a_log_of_any_shape_settles_the_sending(chain, prepared, tmp_path, name):
    messages = prepared()
    rows = rows_of(messages)
    fout = next(r["messageId"] for r, m in zip(rows[::2], messages, strict=True) if m.expect == "foutbericht")
    write_log(tmp_path, name, SHAPES[name]([*rows, foutbericht(fout)]))
    async with chain("lopende-zaken", sides='messages = "set"\n' + LOG) as dut:
        result = await dut.run("ebms.send")
        assert dut.lab.parties["ebms"].memory.answers == {}
    assert result.verdict is Verdict.PASS, (rules(result), result.cause)
    assert rules(result) == {"MSG-040"}
    lines = {dict(o.data)["bericht"]: dict(o.data) for o in result.observed if "bericht" in dict(o.data)}
    assert lines["nieuwe-zaak-1-p1"]["MessageId"] == "0@ons.example"
    assert lines["nieuwe-zaak-1-p1"]["MessageId antwoord"] == "a0@zij.example"


@pytest.mark.parametrize(
    ("change", "rule", "verdict"),
    [
        (lambda rows: rows[2:], "MSG-041", Verdict.NOT_RUN),
        (lambda rows: [r | {"messageStatus": "SENT"} for r in rows if r["action"] != "Acknowledgment"], "MSG-042", Verdict.FAIL),
        (lambda rows: [r | {"messageStatus": "EXPIRED"} if i == 0 else r for i, r in enumerate(rows)], "MSG-043", Verdict.FAIL),
        (lambda rows: [*rows, rows[0] | {"messageId": "weer@ons.example"}], "MSG-044", Verdict.FAIL),
        (lambda rows: [*rows, foutbericht("0@ons.example")], "MSG-022", Verdict.FAIL),
        (lambda rows: rows, "MSG-023", Verdict.FAIL),
        (lambda rows: [*rows, {"messageId": "e@zij", "refToMessageId": "0@ons.example", "action": "MessageError"}], "MSG-043", Verdict.FAIL),
    ],
)  # fmt: skip
async def test_what_the_log_says_otherwise_has_its_own_rule(chain, prepared, tmp_path, change, rule, verdict):
    write_log(tmp_path, "log.json", json.dumps(change(rows_of(prepared()))).encode())
    async with chain("lopende-zaken", sides='messages = "set"\n' + LOG) as dut:
        result = await dut.run("ebms.send")
    assert rule in rules(result)
    assert result.verdict in (verdict, Verdict.FAIL)


def captured(message, number):
    us, them = Party("00000099000000001000", "urn:osb:oin"), Party("00000099000000002000", "urn:osb:oin")
    header = build.Header(
        sender=(us,), receiver=(them,), cpa_id="cpa", conversation_id=str(number), action=message.action,
        message_id=f"{number}@ons.example", timestamp=utc_now(), service="zaken",
    )  # fmt: skip
    sent = build.pack(build.business(header, (Attachment(f"p{number}@ons.example", message.data),)))
    head = "\r\n".join(["POST /ebms HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)])
    return head.encode() + b"\r\n\r\n" + sent.body


def test_captured_messages_join_by_their_content(prepared, tmp_path):
    messages = prepared()
    for number, message in enumerate(messages):
        write_log(tmp_path, f"{number}.http", captured(message, number))
    traces = join(messages, read_logs(tmp_path, ["log"]).records, {})
    assert [trace.message_id for trace in traces] == [f"{n}@ons.example" for n in range(6)]
    assert {trace.state for trace in traces} == {"unacknowledged"}


async def test_a_captured_message_about_a_stranger_is_a_finding(chain, prepared, tmp_path):
    write_log(tmp_path, "0.http", captured(prepared(bsn="111222333")[0], 0))
    async with chain("lopende-zaken", sides='messages = "set"\n' + LOG) as dut:
        result = await dut.run("ebms.send")
    assert "MSG-007" in rules(result)
    assert "111222333" not in repr(result)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "leeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "geen log"),
        (b"beste collega, hierbij het log", "geen log"),
        (b"naam;plaats\nAnna;Utrecht\n", "geen log"),
        (b"[1, 2, 3]", "geen log"),
        (b'{"a": "b"}', "geen log"),
        (b'[{"messageId": "1@x"', "geen geldige JSON"),
        (b"MessageId;Status\n", "geen bericht"),
        (b"<?xml version='1.0'?><soap:Envelope/>", "geen ebMS-bericht"),
        (b"PK\x03\x04\0\0", "geen log"),
    ],
)  # fmt: skip
def test_a_foreign_or_damaged_log_is_one_sentence(data, said):
    with pytest.raises(UnusableInput, match=said) as told:
        read_log(data, "export")
    assert "\n" not in told.value.text.nl
    assert told.value.text.nl.startswith("export")


def test_damaged_lines_are_counted_and_the_rest_is_read():
    records, broken = read_log(b"MessageId;Action;Status\n1@x;Zaak;PROCESSED\n2@x;Za\n3@x;Zaak;PROCESSED\n", "l.csv")
    assert [r.message_id for r in records] == ["1@x", "3@x"]
    assert broken == ["l.csv:3"]


@pytest.mark.parametrize("shape", ["lijst.json", "puntkomma.csv", "axway.log"])
def test_ten_thousand_messages_join_within_two_seconds(prepared, shape):
    from dataclasses import replace

    first = prepared()[0]
    messages = [replace(first, id=f"m{n}", reference=f"KT-0123abcd-zaak-{n}-p1") for n in range(10_000)]
    data = SHAPES[shape](rows_of(messages))
    began = time.process_time()  # what it costs, whatever else the machine does
    records, broken = read_log(data, shape)
    traces = join(messages, records, {})
    seconds = time.process_time() - began
    assert not broken
    assert {trace.state for trace in traces} == {"acknowledged"}
    assert seconds <= 2.0, seconds


def test_without_a_test_set_every_message_in_the_log_counts(prepared):
    records, _ = read_log(json.dumps(rows_of(prepared())).encode(), "l.json")
    assert len(all_sent(records)) == 6


async def test_no_bsn_of_a_log_reaches_the_disk(chain, prepared, tmp_path):
    rows = [row | {"subject": "burger 999990019"} for row in rows_of(prepared())]
    write_log(tmp_path, "log.json", json.dumps(rows).encode())
    async with chain("lopende-zaken", sides='messages = "set"\n' + LOG) as dut:
        result = await dut.run("ebms.send")
    kept = b"".join(file.read_bytes() for file in dut.folder.rglob("*") if file.is_file())
    assert b"burger" in kept
    assert b"999990019" not in kept
    assert "999990019" not in repr(result)


async def test_hand_over_needs_no_handshake_and_opens_no_socket(chain, prepared, tmp_path):
    write_log(tmp_path, "log.json", json.dumps(rows_of(prepared())).encode())
    async with chain("lopende-zaken", "ebms-down", sides='messages = "set"\n' + LOG) as dut:
        dut.engine.offline = True
        result = await dut.run("ebms.send")
        assert list(dut.engine.results) == [next(iter(dut.engine.results))]
    assert "MSG-040" in rules(result)


async def test_lines_that_cannot_be_read_are_told_and_the_rest_counts(chain, prepared, tmp_path):
    rows = rows_of(prepared())
    write_log(tmp_path, "log.csv", as_csv(rows) + b"half;een\n")
    async with chain("lopende-zaken", sides='messages = "set"\n' + LOG) as dut:
        result = await dut.run("ebms.send")
    unread = next(g.finding for g in result.findings if g.finding.rule == "MSG-045")
    assert unread.observed == f"1: log.csv:{len(rows) + 2}"
