"""Join what was prepared with what the adapter's log says, by MessageId, by content or by reference."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.chaintest.imported import Record
from harness.chaintest.testset import Prepared

_WORD: Final = re.compile(r"[\w\-]+")


@dataclass(frozen=True)
class Trace:
    """One message in the log: its own lines, what answers it, and the prepared message that it is."""

    message_id: str
    records: tuple[Record, ...] = ()
    answers: tuple[Record, ...] = ()
    message: Prepared | None = None
    others: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """What became of it: `failed`, `foutbericht`, `acknowledged`, `unacknowledged` or `absent`."""
        if not self.records:
            return "absent"
        if any(r.action.lower() == "messageerror" for r in self.answers) or any(r.failed for r in self.records):
            return "failed"
        if any(not r.is_signal for r in self.answers):
            return "foutbericht"
        acknowledged = any(r.action.lower() == "acknowledgment" for r in self.answers) or any(
            r.done for r in self.records
        )
        return "acknowledged" if acknowledged else "unacknowledged"

    @property
    def first(self) -> Record:
        """Its first line in the log."""
        return self.records[0] if self.records else Record()

    @property
    def answer_id(self) -> str:
        """The MessageId of what answers it."""
        return next((r.message_id for r in self.answers), "")

    @property
    def said(self) -> str:
        """The status in the words of the log."""
        words = [r.status for r in self.records if r.status] + [r.action for r in self.answers]
        return ", ".join(dict.fromkeys(words)) or self.state


@dataclass
class Index:
    """The records of a log by what they can be found with; each is looked at once."""

    sent: dict[str, list[Record]] = field(default_factory=dict)
    answers: dict[str, list[Record]] = field(default_factory=dict)
    by_digest: dict[str, list[str]] = field(default_factory=dict)
    texts: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Index":
        """Build the index."""
        index = cls()
        for record in records:
            if record.ref_to:
                index.answers.setdefault(record.ref_to, []).append(record)
            if (
                record.is_signal
                or record.kind == "foutbericht"
                or record.direction.lower() in ("received", "in", "inbound")
            ):
                continue
            index.sent.setdefault(record.message_id, []).append(record)
            for digest in record.digests:
                index.by_digest.setdefault(digest, []).append(record.message_id)
            if record.text or record.reference:
                index.texts.append((f"{record.reference} {record.text}", record.message_id))
        return index

    def found_by_reference(self, references: Iterable[str]) -> dict[str, list[str]]:
        """Return the MessageIds of the lines in which each reference stands."""
        wanted = {r for r in references if len(r) >= 6}
        plain = {r for r in wanted if _WORD.fullmatch(r)}
        odd = wanted - plain
        found: dict[str, list[str]] = {}
        for text, message_id in self.texts if wanted else ():
            for match in {*(plain.intersection(_WORD.findall(text))), *(r for r in odd if r in text)}:
                if message_id not in found.setdefault(match, []):
                    found[match].append(message_id)
        return found

    def trace(self, message_id: str, message: Prepared | None = None, others: Iterable[str] = ()) -> Trace:
        """Return everything about one message."""
        records, answers = self.sent.get(message_id, ()), self.answers.get(message_id, ())
        return Trace(message_id, tuple(records), tuple(answers), message, tuple(others))


def join(messages: Iterable[Prepared], records: Iterable[Record], journal: Mapping[str, str]) -> list[Trace]:
    """Return a trace per prepared message: by its MessageId (index or journal), else by content, else by reference."""
    listed, index = list(messages), Index.of(records)
    by_reference = index.found_by_reference(message.reference for message in listed)
    traces = []
    for message in listed:
        known = message.message_id or journal.get(message.digest, "")
        named = [known] if known in index.sent else []
        found = list(
            dict.fromkeys([*named, *index.by_digest.get(message.digest, ()), *by_reference.get(message.reference, ())])
        )
        traces.append(index.trace(found[0], message, found[1:]) if found else Trace(known, message=message))
    return traces


def all_sent(records: Iterable[Record]) -> list[Trace]:
    """Return a trace of every business message in the log, when nothing was prepared to compare with."""
    index = Index.of(records)
    ours = [i for i, own in index.sent.items() if not any(record.ref_to in index.sent for record in own)]
    return [index.trace(message_id) for message_id in ours]
