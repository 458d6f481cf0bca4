"""Keep what a tester typed beside attestations.toml until it is recorded: a closed browser loses nothing."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.attestations import Proof
from harness.attesting import locked
from harness.errors import UnusableInput

FILE: Final = "attestations.drafts.json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draft:
    """What one tester typed about one step; `revision` grows with each save, `seen` marks the statements he saw."""

    connection: str
    row: str
    author: str
    by: str = ""
    function: str = ""
    date: str = ""
    verdict: str = ""
    statement: str = ""
    expires: str = ""
    item: str = ""
    provider: str = ""
    files: tuple[Proof, ...] = ()
    seen: tuple[str, ...] = ()
    revision: int = 0
    saved: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """One draft for each step and tester."""
        return self.connection, self.row, self.author.casefold()

    @property
    def moment(self) -> datetime | None:
        """When it was saved."""
        return datetime.fromisoformat(self.saved) if self.saved else None


class Overwritten(UnusableInput):
    """The same tester went on with this draft in another window; nothing was saved here."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of every tester in one file, written whole and under a lock."""

    path: Path

    def all(self) -> tuple[Draft, ...]:
        """Return every draft, in the order in which they were begun."""
        return tuple(self._read().values())

    def of(self, connection: str, row: str, author: str) -> Draft | None:
        """Return the draft of one tester about one step."""
        return self._read().get((connection, row, author.casefold()))

    def save(self, draft: Draft, now: datetime) -> Draft:
        """Save a draft over the revision it was made from; the files are added to those already kept."""

        def change(found: dict[tuple[str, str, str], Draft]) -> Draft:
            kept = found.get(draft.key, replace(draft, files=(), revision=draft.revision))
            if kept.revision != draft.revision:
                raise Overwritten(
                    "dit concept is in een ander venster verder bewerkt; laad de pagina opnieuw om dat te zien",
                    "this draft was edited further in another window; reload the page to see it",
                )
            files = {proof.sha256: proof for proof in (*kept.files, *draft.files)}
            saved = now.isoformat(timespec="seconds")
            found[draft.key] = replace(draft, files=tuple(files.values()), revision=kept.revision + 1, saved=saved)
            return found[draft.key]

        return self._change(change)

    def without(self, draft: Draft, sha256: str) -> Draft | None:
        """Take a file out of a draft; returns the draft as it is then."""

        def change(found: dict[tuple[str, str, str], Draft]) -> Draft | None:
            if kept := found.get(draft.key):
                files = tuple(p for p in kept.files if p.sha256 != sha256)
                found[draft.key] = replace(kept, files=files, revision=kept.revision + 1)
            return found.get(draft.key)

        return self._change(change)

    def drop(self, connection: str, row: str, author: str) -> Draft | None:
        """Forget a draft, because it was recorded or thrown away; returns it."""
        return self._change(lambda found: found.pop((connection, row, author.casefold()), None))

    def _change(self, change: Callable[[dict[tuple[str, str, str], Draft]], T]) -> T:
        with locked(self.path):
            found = self._read()
            result = change(found)
            part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            text = json.dumps([asdict(draft) for draft in found.values()], ensure_ascii=False, indent=1)
            part.write_text(text + "\n", encoding="utf-8")
            part.replace(self.path)
        return result

    def _read(self) -> dict[tuple[str, str, str], Draft]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as wrong:
            raise self._unreadable(type(wrong).__name__) from None
        try:
            drafts = [_draft(raw) for raw in json.loads(text)] if text else []
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise self._unreadable(type(wrong).__name__) from None
        return {draft.key: draft for draft in drafts}

    def _unreadable(self, reason: str) -> UnusableInput:
        return UnusableInput(
            f"{self.path}: geen leesbaar conceptenbestand ({reason}); zet het opzij en ga verder",
            f"{self.path}: not a readable file of drafts ({reason}); put it aside and go on",
        )


def _draft(raw: dict[str, Any]) -> Draft:
    known = {field.name for field in fields(Draft)}
    cells = {key: value for key, value in raw.items() if key in known}
    cells["files"] = tuple(Proof(**proof) for proof in raw.get("files", ()))
    cells["seen"] = tuple(raw.get("seen", ()))
    return Draft(**cells)
