"""What the pages work with: the board of the newest run, the drafts, the evidence on disk, and the pen that records."""

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from harness.attestations import READERS, VERDICTS, Attestation, Declaration, Proof, fingerprint
from harness.attestations import read as read_ledger
from harness.attesting import attest, declare, keep, mark
from harness.chain import Loaded
from harness.chain_mistakes import nearest
from harness.choice import newest_run
from harness.errors import UnusableInput
from harness.masking import Masker
from harness.model import Text, Verdict
from harness.pdfdata import told
from harness.report import html
from harness.report.build import build
from harness.rulebook import rulebook
from harness.run import find, utc_now
from harness.testers.board import Ask, Board
from harness.testers.drafts import FILE, Draft, Drafts
from harness.testers.receiving import Arrived, Form
from harness.workdays import day_of

LONGEST: Final = 4000
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class UnknownStep(UnusableInput):
    """A step or connection that the scenario does not have, or that asks nothing of a person."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field of the form that cannot be recorded yet, and why."""

    field: str
    text: Text


@dataclass
class Workplace:
    """One scenario folder, for as many testers as look at it."""

    loaded: Loaded
    runs: Path
    clock: Callable[[], datetime] = utc_now
    _board: Board | None = None
    _seen: object = None
    _reports: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def path(self) -> Path:
        """The file in which statements are recorded."""
        return self.loaded.folder / "attestations.toml"

    @property
    def drafts(self) -> Drafts:
        """The drafts beside it."""
        return Drafts(self.loaded.folder / FILE)

    @property
    def today(self) -> date:
        """The day on which a statement is made."""
        return day_of(self.clock())

    # ---- what stands -------------------------------------------------------------------------------------------

    def board(self) -> Board:
        """Return how every step stands; computed again when a statement, the run or the day changed."""
        with self._lock:
            state = (_stamp(self.path), self._run_stamp(), self.today)
            if self._board is None or state != self._seen:
                run = newest_run(self.loaded, self.runs)
                ledger = read_ledger(self.path, tuple(self.loaded.scenario.connections), tuple(rulebook().rules))
                board = Board(run, ledger, self.clock(), tuple(self.loaded.scenario.connections))
                assert board.asks is not None  # computed here, outside the event loop
                self._board, self._seen = board, state
                self._reports.clear()
            return self._board

    def _run_stamp(self) -> object:
        try:
            path = find(self.runs)
        except UnusableInput:
            return None
        return path, _stamp(path)

    def report(self, lang: str) -> str:
        """Return the report as it stands at this moment."""
        board = self.board()
        with self._lock:
            if lang not in self._reports:
                made = build(board.run, now=self.clock(), lang=lang, attestations=board.ledger)
                self._reports[lang] = "".join(html.render(made))
            return self._reports[lang]

    def ask(self, connection: str, row: str) -> Ask:
        """Return a step; raises UnknownStep with the nearest one when a person cannot record it."""
        asks = self.board().asks
        if connection not in asks:
            near = nearest(connection, list(asks))
            raise UnknownStep(
                f"De verbinding {connection} staat niet in het scenario{_hint(near).nl}.",
                f"The scenario has no connection {connection}{_hint(near).en}.",
            )
        if row not in asks[connection]:
            near = nearest(row, list(asks[connection]))
            raise UnknownStep(
                f"Stap {row} vraagt op {connection} geen bewijs van een mens of bestaat niet{_hint(near).nl}.",
                f"Step {row} asks no evidence of a person on {connection}, or does not exist{_hint(near).en}.",
            )
        return asks[connection][row]

    # ---- what is typed -----------------------------------------------------------------------------------------

    def fresh(self, ask: Ask, author: str, function: str) -> Draft:
        """Return the draft of a tester about a step, or an empty one."""
        kept = self.drafts.of(ask.connection, ask.row.id, author)
        seen = tuple(mark(said) for said in ask.said)
        plain = Draft(ask.connection, ask.row.id, author, author, function, self.today.isoformat(), seen=seen)
        return kept or plain

    def typed(self, ask: Ask, author: str, form: Form) -> Draft:
        """Return a form as a draft; what may be a BSN or a key does not reach the disk."""
        cells = {key: _masked(form.fields.get(key, "")) for key in ("by", "function", "statement", "item")}
        verdict = form.fields.get("verdict", "")
        provider = form.fields.get("provider", "")
        revision = form.fields.get("revision", "0")
        return Draft(
            ask.connection,
            ask.row.id,
            author,
            **cells,
            date=_day_typed(form.fields.get("date", "")),
            expires=_day_typed(form.fields.get("expires", "")),
            verdict=verdict if verdict in VERDICTS else "",
            provider=provider if provider in self.providers(ask) else "",
            files=tuple(self._kept(ask, arrived, form) for arrived in form.files),
            seen=tuple(m for m in form.fields.get("seen", "").split(",") if re.fullmatch(r"[0-9a-f]{12}", m)),
            revision=int(revision) if revision.isdigit() and len(revision) < 9 else 0,
        )

    def providers(self, ask: Ask) -> tuple[str, ...]:
        """Return the care providers that the step wants evidence for, each apart."""
        return self.board().facts[ask.connection].providers if ask.row.per_provider else ()

    def faster(self, ask: Ask, seen: Collection[str]) -> tuple[Attestation, ...]:
        """Return the statements about a step that somebody recorded after `seen`."""
        return tuple(said for said in ask.said if mark(said) not in seen)

    def having_seen(self, ask: Ask, draft: Draft) -> Draft:
        """Return a draft whose writer has now seen everything that was said about the step."""
        return replace(draft, seen=tuple(mark(said) for said in ask.said))

    def brought_up(self, draft: Draft) -> Draft:
        """Return what was typed in this window upon the draft that another window saved."""
        kept = self.drafts.of(draft.connection, draft.row, draft.author) or draft
        return replace(draft, revision=kept.revision, files=(*kept.files, *draft.files), saved=kept.saved)

    def _kept(self, ask: Ask, arrived: Arrived, form: Form) -> Proof:
        if arrived.path is None:
            return Proof("", arrived.sha256, arrived.name, "elsewhere", arrived.size)
        data = arrived.path.read_bytes()
        if noted := told(arrived.name, data):
            form.noted.append(noted)
        try:
            file = keep(self.path, arrived.name, data)
        except UnusableInput as wrong:
            form.refused.append(Text(f"Geweigerd: {wrong.text.nl}.", f"Refused: {wrong.text.en}."))
            return Proof()
        kept = self.path.parent / file
        return Proof(file, fingerprint(kept), arrived.name, "same", kept.stat().st_size)

    def save(self, draft: Draft) -> Draft:
        """Keep a draft."""
        files = tuple(proof for proof in draft.files if proof.sha256)
        return self.drafts.save(replace(draft, files=files), self.clock())

    def take_out(self, draft: Draft, sha256: str) -> Draft:
        """Take a file out of a draft, and off the disk when nothing else names it."""
        left = self.drafts.without(draft, sha256) or draft
        self._forget(proof for proof in draft.files if proof.sha256 == sha256)
        return left

    def throw_away(self, draft: Draft) -> None:
        """Forget a draft with its files."""
        if dropped := self.drafts.drop(draft.connection, draft.row, draft.author):
            self._forget(dropped.files)

    def _forget(self, proofs: Iterable[Proof]) -> None:
        used = {proof.file for said in self.board().ledger.attestations for proof in said.proofs}
        used |= {proof.file for draft in self.drafts.all() for proof in draft.files}
        room = (self.path.parent / "bewijs").resolve()
        for proof in proofs:
            file = (self.path.parent / proof.file).resolve()
            if proof.file and proof.file not in used and file.parent == room:
                file.unlink(missing_ok=True)

    # ---- what is recorded --------------------------------------------------------------------------------------

    def mistakes(self, ask: Ask, draft: Draft, form: Form) -> list[Wrong]:
        """Return everything that keeps a draft from being recorded, in the order of the form."""
        found = []
        if not draft.verdict or (draft.verdict == Verdict.SKIP and not ask.row.optional):
            found.append(Wrong("verdict", Text("Kies het resultaat.", "Choose the result.")))
        found += _statement_mistakes(form.fields.get("statement", ""))
        for key, text in _WHO.items():
            if not getattr(draft, key).strip():
                found.append(Wrong(key, text))
        return found + self._day_mistakes(draft)

    def _day_mistakes(self, draft: Draft) -> list[Wrong]:
        found = []
        if not (_is_day(draft.date) and date.fromisoformat(draft.date) <= self.today):
            found.append(Wrong("date", _NO_DAY))
        if draft.expires and not (_is_day(draft.expires) and date.fromisoformat(draft.expires) >= self.today):
            found.append(
                Wrong(
                    "expires",
                    Text(
                        "Kies een vervaldatum die nog moet komen, of laat het veld leeg.",
                        "Choose an expiry date still to come, or leave the field empty.",
                    ),
                )
            )
        return found

    def record(self, ask: Ask, draft: Draft) -> Attestation:
        """Append a draft to attestations.toml; raises Overtaken when somebody else was faster."""
        kept = [proof for proof in draft.files if proof.file]
        elsewhere = [Proof(sha256=p.sha256, name=p.name) for p in draft.files if not p.file]
        said = Attestation(
            step=ask.row.id,
            connection=ask.connection,
            item=draft.item.strip(),
            provider=draft.provider,
            verdict=Verdict(draft.verdict),
            by=draft.by.strip(),
            function=draft.function.strip(),
            date=date.fromisoformat(draft.date),
            statement=" ".join(draft.statement.split()),
            file=kept[0].file if kept else "",
            also=(*(Proof(proof.file) for proof in kept[1:]), *elsewhere),
            expires=date.fromisoformat(draft.expires) if draft.expires else None,
        )
        sealed = attest(self.path, said, tuple(self.loaded.scenario.connections), seen=draft.seen)
        self.drafts.drop(draft.connection, draft.row, draft.author)
        return sealed

    def declaring(self, given: Mapping[str, str]) -> tuple[Declaration, list[Wrong]]:
        """Return the declaration that a form makes, and everything that keeps it from being recorded."""
        by, function = (_masked(given.get(key, "")).strip() for key in ("by", "function"))
        reader, connection = given.get("reader", ""), given.get("connection", "")
        day = given.get("date", "")
        found = [Wrong(key, text) for key, text in _WHO.items() if not {"by": by, "function": function}[key]]
        if not (_is_day(day) and date.fromisoformat(day) <= self.today):
            found.append(Wrong("date", _NO_DAY))
        return Declaration(
            by,
            function,
            date.fromisoformat(day) if _is_day(day) else self.today,
            connection if connection in self.loaded.scenario.connections else "",
            reader if reader in READERS else "",
        ), found

    def declare(self, said: Declaration) -> None:
        """Append who answers for the report to attestations.toml."""
        declare(self.path, said, self.today, tuple(self.loaded.scenario.connections))

    def picture(self, ask: Ask, sha256: str) -> Path | None:
        """Return a picture that a draft or a statement about a step rests on; none of production."""
        proofs = [p for draft in self.drafts.all() if draft.row == ask.row.id for p in draft.files]
        proofs += [proof for said in ask.said for proof in said.proofs]
        found = next((p for p in proofs if p.sha256 == sha256 and p.file), None)
        return self.path.parent / found.file if found and not ask.production else None


_NO_DAY: Final = Text(
    "Vul de datum in waarop dit is vastgesteld; niet later dan vandaag.",
    "Fill in the date on which this was established; no later than today.",
)
_WHO: Final[Mapping[str, Text]] = {
    "by": Text("Vul in wie verklaart.", "Fill in who declares."),
    "function": Text("Vul de functie in.", "Fill in the function."),
}


def _statement_mistakes(typed: str) -> list[Wrong]:
    def wrong(nl: str, en: str) -> list[Wrong]:
        return [Wrong("statement", Text(nl, en))]

    if not typed.strip():
        return wrong("Schrijf wat u hebt vastgesteld.", "Write what you established.")
    if len(typed) > LONGEST:
        return wrong(
            f"Houd de verklaring onder {LONGEST} tekens; voeg een langer verslag toe als bestand.",
            f"Keep the statement below {LONGEST} characters; add a longer report as a file.",
        )
    if _masked(typed) != _lines(typed):
        return wrong(
            "Laat nummers die een BSN kunnen zijn, wachtwoorden en sleutels weg; in het concept zijn ze vervangen.",
            "Leave out numbers that may be a BSN, passwords and keys; in the draft they are replaced.",
        )
    return []


def _masked(text: str) -> str:
    return Masker().text(_lines(text))


def _lines(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n")


def _day_typed(text: str) -> str:
    return text if _DAY.fullmatch(text) else ""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(_DAY.fullmatch(text))


def _hint(near: str) -> Text:
    return Text(f"; bedoelt u {near}?", f"; do you mean {near}?") if near else Text("", "")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
