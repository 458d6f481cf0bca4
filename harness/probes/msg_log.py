"""Take the outcome of the chain test from the log of the user's own adapter (hand-over), joined by MessageId."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

from harness.chaintest.imported import Log, read_logs
from harness.chaintest.joined import Trace, all_sent, join
from harness.chaintest.persons import strangers
from harness.chaintest.testset import Prepared
from harness.errors import KetentestError
from harness.link import Link
from harness.model import Environment, Finding, NotRun, Observation, Text
from harness.probes.msg_material import messages_of, test_persons
from harness.probes.msg_sending import confirmations, journal_of
from harness.probes.probe import NotPossible, Tools, Yield

SHOWN = 200
"""So many messages get a line of their own; of more, the counts are told."""
SAID = {
    "acknowledged": Text("verzonden en bevestigd", "sent and acknowledged"),
    "unacknowledged": Text("verzonden, niet bevestigd", "sent, not acknowledged"),
    "failed": Text("mislukt", "failed"),
    "foutbericht": Text("beantwoord met een foutbericht", "answered with an error message"),
    "absent": Text("niet in het log", "not in the log"),
}


def handed_over(link: Link) -> bool:
    """Whether the user's own adapter sends the chain test: its log is joined instead of sending."""
    return bool(link.connection.adapter.log)


async def from_log(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Join the prepared messages with the log: each has been sent, acknowledged, refused, or cannot be found."""
    names = link.connection.adapter.log
    if not names:
        raise NotPossible(
            "geen log in het scenario: zet adapter.log naar de export van uw adapter",
            "no log in the scenario: point adapter.log to the export of your adapter",
        )
    try:
        log = await asyncio.to_thread(read_logs, link.folder, names)
    except KetentestError as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from None
    for name, data in log.files[:20]:
        yield _kept(link, tools, name, data)
    messages = _prepared(link, tools)
    journal = {e.words.get("digest", ""): e.message_id for e in journal_of(link, tools).entries().values()}
    traces = await asyncio.to_thread(
        lambda: join(messages, log.records, journal) if messages else all_sent(log.records)
    )
    for item in _told(link, traces, log):
        yield item
    taken = [t for t in traces[:SHOWN] if t.message and t.state in ("acknowledged", "foutbericht")]
    sent = [(t.message.id, t.message.scenario, t.message_id) for t in taken if t.message]
    for form in confirmations(link, tools, sent):
        yield form


def _kept(link: Link, tools: Tools, name: str, data: bytes) -> Yield:
    """Keep the log, masked; of production only its digest, because it is about real people (LZ 6.3.3)."""
    if link.environment is not Environment.PROD:
        return tools.keep(f"log-{name}"[-60:], data, "text/plain")
    digest = hashlib.sha256(data).hexdigest()
    return Observation(
        Text(f"{name}: SHA-256 {digest[:16]}…, niet bewaard", f"{name}: SHA-256 {digest[:16]}…, not kept"),
        (("SHA-256", digest),),
    )


def _prepared(link: Link, tools: Tools) -> list[Prepared]:
    """Return the test set; without one every message in the log counts. In production nothing was prepared by us."""
    if link.environment is Environment.PROD:
        return []
    try:
        return messages_of(link, tools)
    except NotPossible:
        return []


def _told(link: Link, traces: list[Trace], log: Log) -> Iterator[Yield]:
    yield Finding("MSG-040", observed=", ".join(name for name, _ in log.files[:5]))
    if log.unreadable:
        places = ", ".join(log.unreadable[:5])
        yield Finding("MSG-045", observed=f"{len(log.unreadable)}: {places}", where=log.files[0][0])
    for trace in traces:
        yield from _weighed(trace)
    if link.environment is not Environment.PROD:
        yield from _foreign(link, log)
    for trace in traces[:SHOWN]:
        yield _line(trace)
    counts = {state: sum(trace.state == state for trace in traces) for state in SAID}
    nl = ", ".join(f"{count} {SAID[state].nl}" for state, count in counts.items() if count)
    en = ", ".join(f"{count} {SAID[state].en}" for state, count in counts.items() if count)
    total, lines = len(traces), len(log.records)
    yield Observation(
        Text(
            f"{total} berichten uit {lines} regels: {nl or 'geen'}",
            f"{total} messages from {lines} lines: {en or 'none'}",
        )
    )
    if not traces:
        yield NotRun("MSG-041", Text("er staat geen verzonden bericht in het log", "no sent message stands in the log"))


def _weighed(trace: Trace) -> Iterator[Finding | NotRun]:
    message, where = trace.message, trace.message.id if trace.message else trace.message_id
    expected = message.expect if message else "ack"
    if trace.others:
        yield Finding("MSG-044", observed=", ".join((trace.message_id, *trace.others)), where=where)
    if trace.state == "absent":
        yield NotRun("MSG-041", Text(f"{where} staat niet in het log", f"{where} is not in the log"))
    elif trace.state == "failed" and expected != "fault":
        yield Finding("MSG-043", observed=trace.said[:200], where=where)
    elif trace.state == "unacknowledged":
        yield Finding("MSG-042", observed=trace.said[:200], expected="Acknowledgment", where=where)
    elif trace.state == "foutbericht" and message is not None and expected != "foutbericht":
        yield Finding("MSG-022", observed=trace.said[:200], where=where)
    elif trace.state == "acknowledged" and expected == "foutbericht":
        yield Finding("MSG-023", observed=trace.said[:200], expected="foutbericht", where=where)


def _foreign(link: Link, log: Log) -> Iterator[Finding]:
    """A captured message about somebody who is no test person: it should not have been sent to a test environment."""
    persons = test_persons(link)
    captured = {record.where for record in log.records if record.digests}
    for name, data in log.files:
        count = strangers(data, persons) if name in captured else 0
        if count:
            yield Finding("MSG-007", observed=str(count), expected="0", where=name)


def _line(trace: Trace) -> Observation:
    name = trace.message.id if trace.message else trace.message_id
    said = SAID[trace.state]
    return Observation(
        Text(f"{name}: {trace.first.time} {said.nl}", f"{name}: {trace.first.time} {said.en}"),
        (
            ("bericht", name),
            ("scenario", trace.message.scenario if trace.message else ""),
            ("MessageId", trace.message_id),
            ("MessageId antwoord", trace.answer_id),
        ),
    )
