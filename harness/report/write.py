"""Write the report of a run in every asked form and language, and say whether it became worse."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

from harness.attestations import Ledger
from harness.attestations import read as read_ledger
from harness.crosswalk import Crosswalk
from harness.crosswalk import read as read_crosswalk
from harness.errors import UnusableInput, reason_of
from harness.report import crosswalk, html, jsonfile, junit, markdown, pdf
from harness.report.build import Detail, Reader, build
from harness.report.desk import reader_of
from harness.report.model import Report
from harness.report.wording import Wording
from harness.rulebook import rulebook
from harness.run import Merged, Run, merge, read, runs_below

Renderer = Callable[[Report], Iterator[str]]
PER_LANGUAGE: Final[Mapping[str, Renderer]] = {"html": html.render}
"""Forms of which there is one file per language: `report.nl.html`."""

PDF: Final = "pdf"
"""Also one file per language; it needs report.json, which is inside it, and may be signed."""

ONCE: Final[Mapping[str, tuple[str, Renderer]]] = {
    "md": ("report.md", markdown.render),
    "json": ("report.json", jsonfile.render),
    "junit": ("junit.xml", junit.render),
}
"""Forms of which there is one file, in the first language."""

ICS: Final = "ics"
"""The days on which something ends, for a calendar: of use to who answers for them, no part of what is handed in."""

FORMATS: Final = (*PER_LANGUAGE, *ONCE, ICS)
ALL_FORMATS: Final = (*FORMATS, PDF)
LAST: Final = "last"


class Seal(Protocol):
    """What signs a report: says what that is worth, refuses what may not be signed, signs a PDF."""

    def words(self, lang: str) -> str:
        """Say who signs and what that means."""

    def check(self, runs: tuple[Run, ...], *, exercise: bool) -> None:
        """Raise UnusableInput for results or a key that may not be signed."""

    def pdf(self, data: bytes) -> bytes:
        """Return the PDF with a signature."""


@dataclass(frozen=True)
class Parcel:
    """What was written in one folder, about which connections (empty: all), from which runs."""

    folder: Path
    connections: tuple[str, ...]
    files: tuple[Path, ...]
    runs: tuple[Run, ...]
    ledger: Ledger


@dataclass(frozen=True)
class Wish:
    """What the reader asked for."""

    reader: Reader = "own"
    connections: tuple[str, ...] = ()
    phase: str = ""
    detail: Detail = "volledig"
    formats: tuple[str, ...] = FORMATS
    languages: tuple[str, ...] = ("nl", "en")
    against: str = ""
    checklist: Path | None = None
    seal: Seal | None = None


@dataclass(frozen=True)
class Written:
    """The files that were written, the number of failures that an older run did not have, and what to say of it."""

    files: tuple[Path, ...]
    new_failures: int = 0
    parcels: tuple[Parcel, ...] = ()
    told: tuple[str, ...] = ()


def write(sources: Sequence[Path], wish: Wish, *, root: Path, now: datetime) -> Written:
    """Write the report of the runs at `sources` (default: the newest below `root`) into the folder of the newest."""
    runs = [read(path) for path in sources or (root,)]
    newest = max(runs, key=lambda run: run.info.started)
    folder = _folder(newest)
    merged = merge(runs) if len(runs) > 1 else Merged(runs[0])
    ledger = ledger_of(newest)
    against = _against(wish.against, newest, root)
    theirs = _theirs(wish, newest)
    names = [run.info.id for run in sorted(runs, key=lambda run: run.info.started)]

    def report(lang: str, connections: tuple[str, ...]) -> Report:
        made = build(
            merged, now=now, reader=wish.reader, connections=connections, phase=wish.phase, detail=wish.detail,
            lang=lang, attestations=ledger, against=against, sources=names, theirs=theirs,
        )  # fmt: skip
        if wish.seal is None:
            return made
        wish.seal.check(tuple(runs), exercise=made.exercise)
        return dataclasses.replace(made, seal=wish.seal.words(lang))

    parcels: list[Parcel] = []
    new_failures = 0
    told: dict[str, None] = {}
    for place, connections in _parcels(wish, newest, folder):
        files: list[Path] = []
        for lang in wish.languages:
            one = report(lang, connections)
            new_failures = max(new_failures, one.comparison.new_failures if one.comparison else 0)
            files += _render(one, place, wish, first=lang == wish.languages[0])
            told |= dict.fromkeys(_changed(one) if lang == wish.languages[0] else ())
            files += _export(one, place, theirs) if theirs and lang == wish.languages[0] else []
        chosen = connections or (() if wish.reader == "own" else tuple(c.name for c in one.connections))
        parcels.append(Parcel(place, chosen, tuple(files), tuple(runs), ledger))
    written = tuple(file for parcel in parcels for file in parcel.files)
    if ICS in wish.formats and wish.reader == "own":
        written += _calendar(report(wish.languages[0], wish.connections), runs, folder, now)
    return Written(written, new_failures, tuple(parcels), tuple(told))


def _changed(report: Report) -> Iterator[str]:
    """Say in a line what changed since the older run, and which certificates end soon."""
    if report.comparison is None:
        return
    head = Wording(report.lang)("compared", run=report.comparison.run)
    yield f"{head}: {', '.join(f'{c.number} {c.word}' for c in report.comparison.counts)}"
    yield from (f"{v.label}: {v.mark.word}, {v.text}" for v in report.validities if v.mark.key in ("warn", "fail"))


def _calendar(report: Report, runs: Iterable[Run], folder: Path, now: datetime) -> tuple[Path, ...]:
    """Write what ends as a calendar, when anything does."""
    from harness import horizon

    names = tuple(connection.name for connection in report.connections)
    served = (day for run in runs for day in horizon.of_run(run, names, lab=report.exercise))
    days = horizon.in_order([*horizon.of_report(report), *served])
    return (_save(folder / "report.ics", iter([horizon.as_ics(days, now, report.lang)])),) if days else ()


def _parcels(wish: Wish, run: Run, folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the report in the folder of the run; for another reader, also one per connection to hand in."""
    yield folder, wish.connections
    if wish.reader == "own":
        return
    mine = [
        info.name
        for info in run.info.connections
        if (info.name in wish.connections if wish.connections else reader_of(info.system) == wish.reader)
    ]
    if len(mine) > 1:
        for name in mine:
            yield folder / wish.reader / _file_name(name), (name,)


def _file_name(connection: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in connection).lstrip(".") or "_"


def _render(report: Report, folder: Path, wish: Wish, *, first: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for form in wish.formats:
        if form in PER_LANGUAGE:
            files.append(_save(folder / f"report.{report.lang}.{form}", PER_LANGUAGE[form](report)))
        elif first and form in ONCE:
            name, renderer = ONCE[form]
            files.append(_save(folder / name, renderer(report)))
    if PDF in wish.formats:
        name, renderer = ONCE["json"]
        if first and "json" not in wish.formats:
            files.append(_save(folder / name, renderer(report)))
        files.append(
            _save(folder / f"report.{report.lang}.{PDF}", _sealed(pdf.render(report, folder / name), wish.seal))
        )
    return files


def _sealed(pieces: Iterator[bytes], seal: Seal | None) -> Iterator[bytes]:
    """Sign the whole file when there is somebody to sign it."""
    if seal is None:
        yield from pieces
    else:
        yield seal.pdf(b"".join(pieces))


def _theirs(wish: Wish, run: Run) -> Crosswalk | None:
    if wish.checklist is None:
        return None
    return read_crosswalk(wish.checklist, [info.name for info in run.info.connections], tuple(rulebook().rules))


def _export(report: Report, folder: Path, theirs: Crosswalk) -> list[Path]:
    """Write the checklist of the reader beside the report: CSV always, XLSX where openpyxl is installed."""
    files = [_save(folder / "checklist.csv", iter([crosswalk.as_csv(report, theirs.delimiter)]))]
    target = folder / "checklist.xlsx"
    if find_spec("openpyxl") or theirs.path.endswith(".xlsx"):
        files.append(_save(target, iter([crosswalk.as_xlsx(report, target)])))
    return files


def _save(path: Path, pieces: Iterator[str | bytes]) -> Path:
    """Write a file beside its place and put it there whole, so that a reader never opens half a report."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as stream:
            stream.writelines(p if isinstance(p, bytes) else p.encode("utf-8", "replace") for p in pieces)
        part.replace(path)
    except OSError as wrong:
        part.unlink(missing_ok=True)
        reason = reason_of(wrong)
        raise UnusableInput(
            f"{path}: niet te schrijven ({reason.nl})", f"{path}: cannot be written ({reason.en})"
        ) from None
    return path


def _folder(run: Run) -> Path:
    return run.path.parent if run.path else Path.cwd()


def ledger_of(run: Run) -> Ledger:
    """Return what people declared beside the scenario of the run; the folder may have gone."""
    file = Path(run.info.scenario).parent / "attestations.toml"
    return read_ledger(file, [info.name for info in run.info.connections])


def _against(word: str, newest: Run, root: Path) -> Run | None:
    if not word:
        return None
    if word != LAST:
        path = Path(word)
        return read(path if path.exists() else root / word)
    older = [run for run in map(read, _others(newest, root)) if run.info.started < newest.info.started]
    if not older:
        raise UnusableInput(
            f"--against last: onder {root} staat geen oudere run om mee te vergelijken",
            f"--against last: there is no older run below {root} to compare with",
        )
    return max(older, key=lambda run: run.info.started)


def _others(newest: Run, root: Path) -> list[Path]:
    mine = _folder(newest).resolve()
    base = root if any(runs_below(root)) else mine.parent
    return [folder for folder in runs_below(base) if folder.resolve() != mine]
