"""Remove runs that have been kept long enough, and nothing else (`ketentest clean --older 90d`)."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from harness.errors import KetentestError, UnusableInput, reason_of
from harness.model import NOTHING, Text
from harness.run import FILE, read

_AGE: Final = re.compile(r"(\d{1,5})\s*([dwmy]?)", re.IGNORECASE)
_DAYS: Final = {"d": 1, "": 1, "w": 7, "m": 30, "y": 365}
_RUN_ID: Final = re.compile(r"\d{8}-\d{4}-[0-9a-f]{4}")
_BUSY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of the folder with runs: when it started and how large it is, or why it stays."""

    folder: Path
    started: datetime | None = None
    octets: int = 0
    stays: Text = NOTHING


def age(text: str) -> timedelta:
    """Return the age that the user wrote: 90d, 12w, 6m (of 30 days), 1y.

    >>> age("90d").days
    90
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UnusableInput(
            f"--older {text}: schrijf een getal met d, w, m of y, bijvoorbeeld 90d",
            f"--older {text}: write a number with d, w, m or y, such as 90d",
        )
    return timedelta(days=int(found[1]) * _DAYS[found[2].lower()])


def candidates(root: Path, older: timedelta, now: datetime) -> list[Candidate]:
    """Return what stands below `root`, in order of name; what is no run folder, or younger than `older`, stays."""
    if not root.is_dir():
        raise UnusableInput(f"{root}: geen map met runs", f"{root}: no folder with runs")
    if (root / FILE).exists():
        raise UnusableInput(
            f"{root}: dit is zelf een run; geef de map waar de runs in staan",
            f"{root}: this is a run itself; give the folder that holds the runs",
        )
    return [_candidate(entry, older, now) for entry in sorted(root.iterdir())]


def _candidate(entry: Path, older: timedelta, now: datetime) -> Candidate:
    if entry.is_symlink():
        return Candidate(entry, stays=Text("een verwijzing; wordt niet gevolgd", "a link; is not followed"))
    if not entry.is_dir() or not _RUN_ID.fullmatch(entry.name) or not (entry / FILE).is_file():
        return Candidate(entry, stays=_NO_RUN)
    try:
        run = read(entry / FILE)
    except (KetentestError, OSError):
        return Candidate(entry, stays=_NO_RUN)
    if run.info.id != entry.name:
        return Candidate(entry, stays=_NO_RUN)
    started = run.info.started
    if now - started < older:
        return Candidate(entry, started, stays=Text("nog niet oud genoeg", "not old enough yet"))
    if run.ended is None and now - started < _BUSY:
        return Candidate(entry, started, stays=Text("nog niet beëindigd", "not ended yet"))
    return Candidate(entry, started, sum(_sizes(entry)))


def _sizes(folder: Path) -> Iterator[int]:
    return (file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def remove(candidate: Candidate) -> None:
    """Remove one run folder; links inside it are removed, not followed."""
    if candidate.stays.nl:
        raise UnusableInput(f"{candidate.folder}: {candidate.stays.nl}", f"{candidate.folder}: {candidate.stays.en}")
    try:
        shutil.rmtree(candidate.folder)
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(
            f"{candidate.folder}: niet te verwijderen ({reason.nl})",
            f"{candidate.folder}: cannot be removed ({reason.en})",
        ) from None


def clean(root: Path, older: str, now: datetime, lang: str, *, dry: bool = False) -> Iterator[str]:
    """Remove what is old enough and yield a line for each, then what stays that is no run."""
    found = candidates(root, age(older), now)
    going = [c for c in found if not c.stays.nl]
    verb = Text("zou verwijderen", "would remove") if dry else Text("verwijderd", "removed")
    for candidate in going:
        if not dry:
            remove(candidate)
        day = f"{candidate.started:%Y-%m-%d}" if candidate.started else ""
        yield f"{verb.of(lang)}  {candidate.folder}  {day}  {candidate.octets / 1_000_000:.1f} MB"
    for candidate in found:
        if candidate.stays.nl and candidate.started is None:
            yield f"{Text('blijft', 'stays').of(lang)}  {candidate.folder}  {candidate.stays.of(lang)}"
    total = sum(c.octets for c in going) / 1_000_000
    kept = sum(1 for c in found if c.started and c.stays.nl)
    yield Text(
        f"{len(going)} runs ouder dan {older} ({total:.1f} MB), {kept} jonger",
        f"{len(going)} runs older than {older} ({total:.1f} MB), {kept} younger",
    ).of(lang)


_NO_RUN: Final = Text("geen runmap; wordt niet aangeraakt", "not a run folder; is not touched")
