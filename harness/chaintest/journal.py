"""The sending journal: written before a message leaves, so that no message is ever sent twice, also after a crash."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from harness.errors import UnusableInput

BEGUN: Final = "begun"
NOT_SENT: Final = "not-sent"
_HEAD: Final = '{"key":"'
MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """What the journal knows of one message: its last state, its MessageId and the words of the answer; no content."""

    key: str
    state: str
    message_id: str = ""
    at: str = ""
    run: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether it may have left while nobody knows what became of it."""
        return self.state == BEGUN

    @property
    def when(self) -> datetime:
        """The moment of the last line about it."""
        return datetime.fromisoformat(self.at) if self.at else datetime.now(UTC)


class Journal:
    """The journal of one scenario: an append-only file of JSON lines, each on the disk before the next step.

    >>> journal = Journal(None)
    >>> journal.begin("a", "1@ketentest.test"), journal.begin("a", "2@ketentest.test")
    (True, False)
    """

    def __init__(self, path: Path | None, run: str = "") -> None:
        self.path, self.run = path, run
        self._memory: list[str] = []

    def of(self, key: str) -> Entry | None:
        """Return the last state of the message with this key."""
        return self.entries().get(key)

    def entries(self) -> dict[str, Entry]:
        """Return the last state of every message; raises UnusableInput when the file is damaged before its last line."""
        if self.path is None:
            return _read(self._memory, "journal")
        if not self.path.is_file():
            return {}
        if self.path.stat().st_size > MAX_BYTES:
            raise UnusableInput(f"{self.path}: groter dan 64 MB", f"{self.path}: larger than 64 MB")
        return _read(self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True), str(self.path))

    def begin(self, key: str, message_id: str, **words: str) -> bool:
        """Claim the sending of a message; False when it was claimed before. On the disk before this returns True."""
        with self._locked() as file:
            known = self.of(key)
            if known is not None and known.state != NOT_SENT:
                return False
            self._append(file, key, BEGUN, message_id, words)
        return True

    def end(self, key: str, state: str, message_id: str, **words: str) -> None:
        """Record what became of a message; `not-sent` frees it for a next run."""
        with self._locked() as file:
            self._append(file, key, state, message_id, words)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes] | None]:
        if self.path is None:
            yield None
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as wrong:
            raise UnusableInput(
                f"{self.path}: het verzendjournaal is niet te schrijven ({wrong.strerror}); zonder journaal wordt niets verstuurd",
                f"{self.path}: the sending journal cannot be written ({wrong.strerror}); without it nothing is sent",
            ) from None
        with os.fdopen(descriptor, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if fresh:
                _sync_folder(self.path.parent)
            yield file

    def _append(self, file: IO[bytes] | None, key: str, state: str, message_id: str, words: Mapping[str, str]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"key": key, "state": state, "message_id": message_id, "at": at, "run": self.run, "words": dict(words)}
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        if file is None:
            self._memory.append(text)
            return
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            text = text if file.read(1) == b"\n" else "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(lines: list[str], name: str) -> dict[str, Entry]:
    """Read the lines; a line without its end was cut off while it was written, before anything was sent."""
    found: dict[str, Entry] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            entry = Entry(
                raw["key"], raw["state"], raw.get("message_id", ""), raw.get("at", ""), raw.get("run", ""),
                raw.get("words", {}),
            )  # fmt: skip
        except json.JSONDecodeError:
            if line.rstrip("\n").startswith(_HEAD[: len(line.rstrip("\n"))]):
                continue
            raise _damaged(name, number) from None
        except (KeyError, TypeError, AttributeError):
            raise _damaged(name, number) from None
        found[entry.key] = entry
    return found


def _damaged(name: str, number: int) -> UnusableInput:
    return UnusableInput(
        f"{name}:{number}: het verzendjournaal is beschadigd; herstel het uit een reservekopie, er wordt niets verstuurd",
        f"{name}:{number}: the sending journal is damaged; restore it from a backup, nothing is sent",
    )
