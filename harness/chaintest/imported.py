"""Read the message log of the user's own adapter: JSON, CSV, lines of key=value, or the captured messages themselves."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from harness.chaintest.testset import content_digest
from harness.errors import UnusableInput
from harness.lint.kinds import split_http
from harness.lint.msg import kind_of
from harness.wire.ebms import read_message

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_RECORDS: Final = 1_000_000
SIGNALS: Final = {"acknowledgment", "messageerror", "ping", "pong", "statusrequest", "statusresponse"}
DONE: Final = {
    "processed", "delivered", "acknowledged", "ok", "success", "successful", "completed", "complete", "verwerkt",
    "afgeleverd", "bevestigd", "acked", "sent and acknowledged",
}  # fmt: skip
FAILED: Final = {
    "failed", "delivery_failed", "delivery failed", "expired", "rejected", "error", "not_recognized", "unauthorized",
    "mislukt", "fout", "verlopen", "geweigerd",
}  # fmt: skip
#: How exports call the same thing; compared without case, spaces, dots, hyphens and underscores.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "message_id": ("messageid", "ebmsmessageid", "msgid", "berichtid", "berichtnummer", "wsamessageid", "messageidentifier"),
    "ref_to": ("reftomessageid", "reftoid", "refto", "relatesto", "reftomessage"),
    "conversation_id": ("conversationid", "conversatieid"),
    "cpa_id": ("cpaid", "cpa"),
    "action": ("action", "actie", "messagetype", "documenttype", "doctype"),
    "status": ("status", "messagestatus", "state", "eventtype", "deliverystate", "berichtstatus", "result"),
    "time": ("timestamp", "time", "statustime", "datetime", "tijdstip", "date", "tijd", "created", "eventtime"),
    "direction": ("direction", "richting", "inout", "flow"),
    "reference": ("referentie", "reference", "referentienummer", "businessid", "kenmerk", "aanleverkenmerk", "filename"),
}  # fmt: skip
_BY_NAME: Final = {name: key for key, names in NAMES.items() for name in names}
_PAIR: Final = re.compile(r"""([A-Za-z][\w.\- ]{1,40}?)\s*[=:]\s*("[^"]*"|'[^']*'|[^\s;,|\]]+)""")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a log, or one captured message; `text` is what a reference may be looked for in."""

    message_id: str = ""
    ref_to: str = ""
    conversation_id: str = ""
    cpa_id: str = ""
    action: str = ""
    status: str = ""
    time: str = ""
    direction: str = ""
    reference: str = ""
    digests: tuple[str, ...] = ()
    kind: str = ""
    where: str = ""
    text: str = ""

    @property
    def is_signal(self) -> bool:
        """Whether this is about a signal: an acknowledgement, an error, a Ping."""
        return self.action.lower() in SIGNALS

    @property
    def done(self) -> bool:
        """Whether the adapter says that the message arrived and was acknowledged."""
        return self.status.strip().lower() in DONE

    @property
    def failed(self) -> bool:
        """Whether the adapter says that the message did not arrive."""
        return self.status.strip().lower() in FAILED


@dataclass(frozen=True)
class Log:
    """Everything the logs say, and the places that could not be read."""

    records: tuple[Record, ...]
    unreadable: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


def read_logs(folder: Path, names: Iterable[str]) -> Log:
    """Return what the logs say; a name may be a file, a folder or a pattern. Raises UnusableInput with one sentence."""
    records: list[Record] = []
    unreadable: list[str] = []
    files: list[tuple[str, bytes]] = []
    for path in _files(folder, names):
        data = path.read_bytes()
        files.append((path.name, data))
        found, wrong = read_log(data, path.name)
        records += found
        unreadable += wrong
        if len(records) > MAX_RECORDS:
            raise UnusableInput(
                "het log heeft meer dan een miljoen regels; exporteer alleen de testperiode",
                "the log has more than a million lines; export the test period only",
            )
    return Log(tuple(records), tuple(unreadable), tuple(files))


def _files(folder: Path, names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = folder / name
        matched = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else sorted(folder.glob(name))
        kept = [file for file in matched if file.is_file() and not file.name.startswith(".")]
        if not kept:
            raise UnusableInput(f"adapter.log: {name} is er niet", f"adapter.log: {name} is not there")
        found += kept
    if sum(file.stat().st_size for file in found) > MAX_BYTES:
        raise UnusableInput(
            "adapter.log: samen groter dan 256 MB; exporteer alleen de testperiode",
            "adapter.log: larger than 256 MB together; export the test period only",
        )
    return found


def read_log(data: bytes, name: str) -> tuple[list[Record], list[str]]:
    """Return the records of one file and the places that could not be read; raises UnusableInput for a foreign file."""
    if not data.strip():
        raise UnusableInput(f"{name}: het log is leeg", f"{name}: the log is empty")
    if _is_message(data):
        return [_captured(data, name)], []
    if b"\0" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise _foreign(name)
    text = _decoded(data)
    for reader in (_json, _csv, _lines):
        found = reader(text, name)
        if found is not None:
            return found
    raise _foreign(name)


def _foreign(name: str) -> UnusableInput:
    return UnusableInput(
        f"{name}: dit is geen log van berichten; exporteer de berichten met MessageId en status als CSV of JSON",
        f"{name}: this is no log of messages; export the messages with MessageId and status as CSV or JSON",
    )


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


# --- captured messages -----------------------------------------------------------------------------------------------


def _is_message(data: bytes) -> bool:
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    begins = (b"POST ", b"HTTP/", b"<?xml", b"<", b"--", b"Content-Type:", b"MIME-Version:", b"content-type:")
    return head.startswith(begins) and (b"nvelope" in data or b"MessageHeader" in data)


def _captured(data: bytes, name: str) -> Record:
    http, body = split_http(data)
    message = read_message(body, http.get("content-type") if http else "")
    if message.header is None:
        raise UnusableInput(
            f"{name}: geen ebMS-bericht te lezen; leg het bericht met zijn HTTP-headers vast",
            f"{name}: no ebMS message can be read; capture the message with its HTTP headers",
        )
    parts = [part.data for part in message.package.attachments]
    kinds = [kind_of(part) for part in parts]
    direction = "received" if http is not None and http.status is not None else ""
    return Record(
        message_id=message.message_id, ref_to=message.ref_to, conversation_id=message.conversation_id,
        cpa_id=message.cpa_id, action=message.action, direction=direction,
        digests=tuple(content_digest(part) for part in parts), kind="foutbericht" if "foutbericht" in kinds else "",
        where=name, text=b" ".join(parts)[:65536].decode("utf-8", "replace"),
    )  # fmt: skip


# --- exports ---------------------------------------------------------------------------------------------------------

Read = tuple[list[Record], list[str]]


def _json(text: str, name: str) -> Read | None:
    """A list of messages, an object that holds one, or one object per line (the REST API of the Java adapter)."""
    head = text.lstrip()[:1]
    if head not in "[{":
        return None
    try:
        rows = _listed(json.loads(text))
    except json.JSONDecodeError as wrong:
        return _json_lines(text, name, wrong)
    if rows is None:
        raise _foreign(name)
    return _made(((f"{name}:{number}", row) for number, row in enumerate(rows, 1)), name)


def _json_lines(text: str, name: str, wrong: json.JSONDecodeError) -> Read:
    rows: list[tuple[str, Any]] = []
    broken: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append((f"{name}:{number}", json.loads(line)))
            except json.JSONDecodeError:
                broken.append(f"{name}:{number}")
    if not any(isinstance(row, dict) for _, row in rows) or len(broken) > len(rows):
        raise UnusableInput(
            f"{name}:{wrong.lineno}: geen geldige JSON ({wrong.msg}); exporteer het log opnieuw",
            f"{name}:{wrong.lineno}: not valid JSON ({wrong.msg}); export the log again",
        )
    found, more = _made(rows, name)
    return found, broken + more


def _listed(raw: Any) -> list[Any] | None:
    if isinstance(raw, list):
        return raw
    if isinstance(raw, dict):
        inner = [value for value in raw.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        return inner[0] if inner else [raw]
    return None


def _made(rows: Iterable[tuple[str, Any]], name: str) -> Read:
    records: list[Record] = []
    broken: list[str] = []
    for where, row in rows:
        record = _record(_flat(row), where) if isinstance(row, dict) else None
        if record is None:
            broken.append(where)
        else:
            records.append(record)
    if not records:
        raise _foreign(name)
    return records, broken


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the cells of an object; those of an inner object (`properties`, `messageProperties`) count as its own."""
    for key, value in row.items():
        if isinstance(value, dict):
            yield from ((k, v) for k, v in _flat(value) if key.lower() not in ("fromparty", "toparty"))
        elif value is not None and not isinstance(value, list):
            yield str(key), str(value)


def _csv(text: str, name: str) -> Read | None:
    """A table with a heading that names a MessageId, whatever stands between the cells."""
    lines = text.splitlines()
    first = next(
        (number for number, line in enumerate(lines[:20]) if "message" in line.lower() or "bericht" in line.lower()), -1
    )
    if first < 0:
        return None
    mark = max(";,\t|", key=lines[first].count)
    heading = next(csv.reader([lines[first]], delimiter=mark))
    if len(heading) < 2 or "message_id" not in [_key(cell) for cell in heading]:
        return None
    rows: list[tuple[str, Any]] = []
    broken: list[str] = []
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO("\n".join(lines[first + 1 :])), delimiter=mark), first + 2
        ):
            if not cells:
                continue
            if len(cells) < len(heading):
                broken.append(f"{name}:{number}")
            else:
                rows.append((f"{name}:{number}", dict(zip(heading, cells, strict=False))))
    except csv.Error as wrong:
        raise UnusableInput(f"{name}: geen leesbare CSV ({wrong})", f"{name}: not readable CSV ({wrong})") from None
    if not rows:
        raise UnusableInput(f"{name}: er staat geen bericht in dit log", f"{name}: no message stands in this log")
    found, more = _made(rows, name)
    return found, broken + more


def _lines(text: str, name: str) -> Read | None:
    """Lines of a log with key=value or key: value, as Axway and others write them; other lines are of no concern."""
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        pairs = [(key, value.strip("\"'")) for key, value in _PAIR.findall(line) if _key(_last_word(key))]
        record = (
            _record(((_last_word(key), value) for key, value in pairs), f"{name}:{number}", line) if pairs else None
        )
        if record is not None:
            records.append(record)
    return (records, []) if records else None


@lru_cache(maxsize=4096)
def _last_word(key: str) -> str:
    """Return the part of a key that we know: a word of the sentence before it may stick to it."""
    words = key.split()
    return next((" ".join(words[i:]) for i in range(len(words)) if _key(" ".join(words[i:]))), key)


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return _BY_NAME.get(re.sub(r"[\s._\-:]", "", name).lower(), "")


def _record(pairs: Iterable[tuple[str, str]], where: str, line: str = "") -> Record | None:
    cells: dict[str, str] = {}
    texts = [line] if line else []
    for name, value in pairs:
        key = _key(name)
        if key and value.strip():
            cells.setdefault(key, value.strip().strip("<>"))
        texts.append(value)
    if not cells.get("message_id") or len(cells["message_id"]) > 300:
        return None
    if not cells.get("time") and line and (moment := _TIME.search(line)):
        cells["time"] = moment[0]
    values: dict[str, Any] = dict(cells)
    return Record(**values, where=where, text=" ".join(texts)[:4000])
