"""Find the Ping that lies beside a captured Pong, so that the answer is judged with its question."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from harness.lint.judge import Raw
from harness.lint.kinds import split_http
from harness.model import Text
from harness.wire.ebms import PING, PONG, Message, moment, read_message

SUFFIXES: Final = (".xml", ".http", ".txt", ".msg")
MOST_FILES: Final = 200
LARGEST: Final = 1024 * 1024
AFTERWARDS: Final = timedelta(minutes=5)


def ping_beside(path: Path, pong: Raw, companions: Sequence[Raw]) -> tuple[Raw, Text] | None:
    """Return the Ping in the folder of `path` that this Pong answers, and a note that says so.

    It is the Ping that the Pong refers to; when no file has that MessageId, the only Ping between the same parties under
    the same CPA in the five minutes before. Of several captures of one Ping the most alike is taken. A message among the
    companions goes before every neighbour.
    """
    message = _message(pong)
    if message is None or message.kind != PONG or any(_message(c) for c in companions):
        return None
    pings = [ping for ping in _neighbours(path.parent) if Path(ping[0].name) != path]
    asked = [ping for ping in pings if ping[1].message_id == message.ref_to]
    chosen = asked or [ping for ping in pings if _could_be_asked(ping[1], message)]
    if len({ping.message_id for _, ping in chosen}) != 1:
        return None
    raw, _ = max(chosen, key=lambda ping: _likeness(ping[1], message))
    name = Path(raw.name).name
    return raw, Text(f"Ping gelezen uit {name} (in dezelfde map)", f"Ping read from {name} (in the same folder)")


def _message(raw: Raw) -> Message | None:
    if b"ebxml-msg" not in raw.data:
        return None
    message = read_message(raw.data, raw.http.get("content-type") if raw.http else "")
    return message if message.header is not None else None


def _neighbours(folder: Path) -> tuple[tuple[Raw, Message], ...]:
    try:
        return _read(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=4)
def _read(folder: Path, changed: int) -> tuple[tuple[Raw, Message], ...]:
    """Return the Pings in a folder, once for all Pongs that are judged in it while it does not change."""
    return tuple(_pings(folder))


def _pings(folder: Path) -> Iterator[tuple[Raw, Message]]:
    """Yield the Pings in a folder, by name; a folder with very many files is no folder of captures."""
    try:
        files = [f for f in sorted(folder.iterdir()) if f.suffix.lower() in SUFFIXES]
        found = [(f, f.read_bytes()) for f in files[:MOST_FILES] if f.is_file() and f.stat().st_size <= LARGEST]
    except OSError:
        return
    for file, data in found:
        http, body = split_http(data)
        raw = Raw(body, str(file), http)
        message = _message(raw) if b"Ping" in body else None
        if message is not None and message.kind == PING and message.message_id:
            yield raw, message


def _likeness(ping: Message, pong: Message) -> int:
    """Return how many of the things that a Pong copies from its Ping are the same."""
    pairs = (
        (ping.cpa_id, pong.cpa_id),
        (ping.conversation_id, pong.conversation_id),
        (set(ping.from_parties), set(pong.to_parties)),
        (set(ping.to_parties), set(pong.from_parties)),
    )
    return sum(one == other for one, other in pairs)


def _could_be_asked(ping: Message, pong: Message) -> bool:
    sent, answered = moment(ping.timestamp), moment(pong.timestamp)
    if sent is None or answered is None or ping.cpa_id != pong.cpa_id:
        return False
    swapped = {p.value.strip() for p in ping.from_parties} == {p.value.strip() for p in pong.to_parties}
    return swapped and timedelta(0) <= answered.at - sent.at <= AFTERWARDS
