"""Hostile and broken bytes become findings, never a traceback, and never echo a key."""

import random

import pytest

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw

BODIES = [
    b"",
    b"<",
    b"\xff\xfe<\x00a\x00>",
    b"<?xml version='1.0' encoding='UTF-16'?><a/>",
    b"<a>" * 300 + b"</a>" * 300,
    b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;&b;'>]><a>&d;</a>",
    b"<a xmlns='http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd'/>",
    b"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b'POST /ebms HTTP/1.1\r\nSOAPAction: "ebXML"\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related\r\n\r\n",
    ],
)
def test_broken_bytes_are_judged_without_a_traceback(head, body):
    document = judge_bytes(head + body, "x", Context(), "ebms-message")
    assert document.verdict in ("pass", "fail", "warn", "incomplete")
    assert "MIIEow" not in str(document.findings)


@pytest.fixture(scope="module")
def bases(shared):
    folder = shared / "corpus/ebms/bases"
    return [p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix in (".xml", ".http") and "cpa" not in p.name]


@pytest.fixture(scope="module")
def companions(shared):
    folder = shared / "corpus/ebms/bases"
    return tuple(Raw((folder / n).read_bytes()) for n in ("base-cpa-osb-rm.xml", "base-ping.xml"))


@pytest.mark.parametrize("seed", range(300))
def test_damaged_messages_are_judged_without_a_traceback(bases, companions, seed):
    dice = random.Random(seed)
    data = bytearray(dice.choice(bases))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data))
        if dice.random() < 0.5:
            data[at : at + dice.randint(0, 40)] = dice.randbytes(dice.randint(0, 8))
        else:
            piece = dice.choice(bases)
            start = dice.randrange(len(piece))
            data[at:at] = piece[start : start + dice.randint(1, 200)]
    judge_bytes(bytes(data), "x", Context(companions=companions), "ebms-message")
