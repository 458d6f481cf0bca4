"""Human evidence: who declared what and when (`attestations.toml`), its files by SHA-256, and the agreed deviations.

The file holds blocks of four kinds; every mistake in it is reported at once::

    [[attest]]
    step = "LZ-5.3.3c"
    connection = "lopende-zaken"          # optional: without it, every connection that has the step
    item = "2.4"                          # optional: the number in somebody else's checklist that it is about
    provider = "Ziekenhuis Voorbeeld"     # optional: the care provider of a cluster that it is about
    verdict = "pass"                      # pass (default) | warn | fail | waiting | skip (only optional steps)
    by = "A. Jansen"
    function = "tester"
    date = 2026-11-20
    statement = "De zaak is zichtbaar voor beide testaccounts."
    file = "bewijs/scherm.png"            # optional, relative to this file
    sha256 = "…"                          # written by `ketentest attest`
    also = [{ file = "bewijs/2.png", sha256 = "…" }]    # optional: more files
    # a file of production stays with its maker: also = [{ name = "afdruk.png", sha256 = "…" }]
    expires = 2027-05-20                  # optional: then the step waits for evidence again

    [[waiver]]
    rule = "PKIO-VAL-002"
    connection = "digipoort"              # optional
    reason = "De vervanging is besteld."
    owner = "projectleider"
    until = 2027-01-31

    [[declaration]]
    by = "B. de Wit"
    function = "projectleider"
    date = 2026-11-21
    connection = "lopende-zaken"          # optional
    reader = "logius"                     # optional: logius | dictu | own
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from harness.checklist import catalogue, resolve_alias
from harness.errors import Mistake, ScenarioInvalid, UnusableInput, reason_of
from harness.model import Finding, Text, Verdict
from harness.positions import line_of, positions

MAX_BYTES: Final = 4 * 1024 * 1024
VERDICTS: Final = ("pass", "warn", "fail", "waiting", "skip")
READERS: Final = ("logius", "dictu", "own")


@dataclass(frozen=True, slots=True)
class Proof:
    """One file behind a statement; without `file` it stays with its maker, and only name and digest are kept."""

    file: str = ""
    sha256: str = ""
    name: str = ""
    state: str = ""
    size: int = 0

    @property
    def label(self) -> str:
        """What the file is called."""
        return self.file or self.name


@dataclass(frozen=True, slots=True)
class Attestation:
    """One statement of a named person about one step; `state` tells what became of its file since."""

    step: str
    by: str
    function: str
    date: dt.date
    statement: str
    verdict: Verdict = Verdict.PASS
    connection: str = ""
    item: str = ""
    provider: str = ""
    file: str = ""
    sha256: str = ""
    expires: dt.date | None = None
    line: int | None = None
    state: str = ""
    size: int = 0
    also: tuple[Proof, ...] = ()

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """Every file behind the statement."""
        own = (Proof(self.file, self.sha256, state=self.state, size=self.size),) if self.file else ()
        return (*own, *self.also)

    @property
    def spoilt(self) -> str:
        """What became of its files that undoes the statement: `missing`, `changed` or nothing."""
        states = {self.state, *(proof.state for proof in self.also)}
        return next((state for state in ("changed", "missing") if state in states), "")

    def expired(self, today: dt.date) -> bool:
        """Whether the statement no longer counts on `today`."""
        return self.expires is not None and self.expires < today

    @property
    def embeddable(self) -> bool:
        """Whether its file may go into the report: evidence of a production step is hashed, never embedded."""
        return bool(self.file) and all(catalogue()[row].phase_env != "prod" for row in resolve_alias(self.step))


@dataclass(frozen=True, slots=True)
class Waiver:
    """A deviation somebody answers for: it turns a failing rule into a remark until its end date."""

    rule: str
    reason: str
    owner: str
    until: dt.date
    connection: str = ""
    line: int | None = None

    def covers(self, rule: str, connection: str, today: dt.date) -> bool:
        """Whether the waiver holds for `rule` on `connection` today."""
        return self.rule == rule and self.connection in ("", connection) and today <= self.until


@dataclass(frozen=True, slots=True)
class Declaration:
    """The signature of a report: until a named person has declared, it is a draft."""

    by: str
    function: str
    date: dt.date
    connection: str = ""
    reader: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything people declared, as one attestations.toml says it."""

    attestations: tuple[Attestation, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    path: str = ""

    def of(self, row_id: str, connection: str) -> tuple[Attestation, ...]:
        """Return the statements about a row (by chapter or annex id), oldest first."""
        return self.by_row(connection).get(row_id, ())

    def by_row(self, connection: str) -> dict[str, tuple[Attestation, ...]]:
        """Return the statements that count for a connection by row, each row's oldest first."""
        found: dict[str, tuple[Attestation, ...]] = {}
        for said in sorted(self.attestations, key=lambda a: (a.date, a.line or 0)):
            for row in resolve_alias(said.step) if said.connection in ("", connection) else ():
                found[row] = (*found.get(row, ()), said)
        return found

    def for_item(self, number: str) -> "Ledger":
        """Return what counts for one item of a checklist: its own statements, else those about the whole step."""
        own = {(a.step, a.connection) for a in self.attestations if a.item == number}
        about = (a for a in self.attestations if a.item == number or (not a.item and (a.step, a.connection) not in own))
        return replace(self, attestations=tuple(about))

    def waived(self, rule: str, connection: str, today: dt.date) -> Waiver | None:
        """Return the waiver that covers `rule` on `connection`, if one does."""
        return next((w for w in self.waivers if w.covers(rule, connection, today)), None)

    def declared(self, connection: str, reader: str) -> Declaration | None:
        """Return the latest declaration for this connection and reader, if somebody declared."""
        fits = [d for d in self.declarations if d.connection in ("", connection) and d.reader in ("", reader)]
        return max(fits, key=lambda d: d.date, default=None)


@dataclass(frozen=True, slots=True)
class _Key:
    kind: type
    required: bool = False
    words: tuple[str, ...] = ()


_WHO: Final = {
    "by": _Key(str, required=True),
    "function": _Key(str, required=True),
    "date": _Key(dt.date, required=True),
}
_BLOCKS: Final[Mapping[str, Mapping[str, _Key]]] = {
    "attest": {
        "step": _Key(str, required=True),
        "connection": _Key(str),
        "item": _Key(str),
        "provider": _Key(str),
        "verdict": _Key(str, words=VERDICTS),
        **_WHO,
        "statement": _Key(str, required=True),
        "file": _Key(str),
        "sha256": _Key(str),
        "also": _Key(list),
        "expires": _Key(dt.date),
    },
    "waiver": {
        "rule": _Key(str, required=True),
        "connection": _Key(str),
        "reason": _Key(str, required=True),
        "owner": _Key(str, required=True),
        "until": _Key(dt.date, required=True),
    },
    "declaration": {**_WHO, "connection": _Key(str), "reader": _Key(str, words=READERS)},
}
_ALSO: Final = '[{ file = "…", sha256 = "…" }]'
_KINDS: Final = {
    str: Text("tekst tussen aanhalingstekens", "text between quotes"),
    list: Text(_ALSO, _ALSO),
    dt.date: Text("een datum zonder aanhalingstekens, zoals 2026-11-21", "a date without quotes, such as 2026-11-21"),
}


def read(path: Path, connections: Collection[str] = (), rules: Collection[str] = ()) -> Ledger:
    """Read one attestations.toml; a missing file is an empty ledger.

    `connections` and `rules` are the known names; empty means that they are not checked. Raises ScenarioInvalid with
    every mistake of the file, each with its line.
    """
    if not path.exists():
        return Ledger(path=str(path))
    text = _text(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise ScenarioInvalid((_not_toml(path, wrong),)) from None
    mistakes = sorted(_mistakes(raw, text, str(path), connections, rules), key=lambda m: m.line or 0)
    if mistakes:
        raise ScenarioInvalid(tuple(mistakes))
    return _ledger(raw, positions(text), path)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnusableInput(
                f"{path}: te groot voor een bestand met verklaringen", f"{path}: too large for a file with statements"
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UnusableInput(
            f"{path}: geen tekst in UTF-8; sla het bestand als UTF-8 op",
            f"{path}: not text in UTF-8; save the file as UTF-8",
        ) from None
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(f"{path}: niet te lezen ({reason.nl})", f"{path}: cannot be read ({reason.en})") from None


def _not_toml(path: Path, wrong: tomllib.TOMLDecodeError) -> Mistake:
    place = str(wrong).partition("(at line ")[2].partition(",")[0]
    return Mistake(
        str(path),
        int(place) if place.isdigit() else None,
        "",
        Text(
            f"geen geldige TOML ({wrong}); zet tekst tussen aanhalingstekens en datums zonder",
            f"not valid TOML ({wrong}); put text between quotes and dates without them",
        ),
    )


def _nearest(word: str, known: Collection[str]) -> Text:
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return Text(f"; bedoelt u {close[0]}?", f"; do you mean {close[0]}?") if close else Text("", "")


def _choice(word: str, known: Collection[str]) -> Text:
    near, listed = _nearest(word, known), ", ".join(known)
    return Text(
        f"{word!r} is onbekend{near.nl or '.'} Kies uit: {listed}",
        f"{word!r} is unknown{near.en or '.'} Choose from: {listed}",
    )


def _mistakes(
    raw: Mapping[str, Any], text: str, file: str, connections: Collection[str], rules: Collection[str]
) -> Iterator[Mistake]:
    lines = positions(text)
    for name, blocks in raw.items():
        if name not in _BLOCKS or not isinstance(blocks, list):
            yield Mistake(file, line_of(lines, (name, 0)), name, _choice(name, tuple(f"[[{b}]]" for b in _BLOCKS)))
            continue
        for index, block in enumerate(blocks):
            if not isinstance(block, dict):
                yield Mistake(file, line_of(lines, (name, 0)), name, _choice(name, tuple(f"[[{b}]]" for b in _BLOCKS)))
                continue
            for key, sentence in block_mistakes(name, block, connections, rules):
                yield Mistake(file, line_of(lines, (name, index, key)), f"{name}.{key}", sentence)


def block_mistakes(
    name: str, block: Mapping[str, Any], connections: Collection[str], rules: Collection[str]
) -> Iterator[tuple[str, Text]]:
    """Yield the mistakes of one block by key: unknown, missing, of the wrong kind, or naming what does not exist."""
    keys = _BLOCKS[name]
    for key in block.keys() - keys.keys():
        yield key, _choice(key, tuple(keys))
    for key, wanted in keys.items():
        if key not in block:
            if wanted.required:
                yield key, Text("ontbreekt; voeg deze sleutel toe", "is missing; add this key")
        elif not isinstance(block[key], wanted.kind) or isinstance(block[key], dt.datetime):
            kind = _KINDS[wanted.kind]
            yield key, Text(f"verwacht {kind.nl}", f"expected {kind.en}")
        elif block[key] == "" and wanted.required:
            yield key, Text("is leeg; vul een waarde in", "is empty; fill in a value")
        elif wanted.words and block[key] not in wanted.words:
            yield key, _choice(block[key], wanted.words)
        elif wanted.kind is list:
            yield from ((key, Text(f"verwacht {_ALSO}", f"expected {_ALSO}")) for p in block[key] if not _is_proof(p))
        else:
            yield from _unknown(key, block[key], connections, rules)


def _is_proof(raw: Any) -> bool:
    texts = isinstance(raw, dict) and all(isinstance(value, str) and value for value in raw.values())
    return texts and raw.keys() <= {"file", "name", "sha256"} and ("file" in raw or {"name", "sha256"} <= raw.keys())


def _unknown(key: str, value: Any, connections: Collection[str], rules: Collection[str]) -> Iterator[tuple[str, Text]]:
    known = {"step": catalogue(), "connection": connections, "rule": rules}.get(key)
    if not known or value in known:
        return
    near = _nearest(value, known)
    hint = Text("; zie `ketentest explain --list`", "; see `ketentest explain --list`")
    end = near if near.nl else hint
    yield key, Text(f"{value!r} is onbekend{end.nl}", f"{value!r} is unknown{end.en}")


def _ledger(raw: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int], path: Path) -> Ledger:
    def line(name: str, index: int) -> int | None:
        return line_of(lines, (name, index))

    attestations = (
        Attestation(
            **block
            | {
                "verdict": Verdict(block.get("verdict", "pass")),
                "also": tuple(Proof(**proof) for proof in block.get("also", ())),
                "line": line("attest", n),
            }
        )
        for n, block in enumerate(raw.get("attest", ()))
    )
    return Ledger(
        tuple(_with_file(a, path.parent) for a in attestations),
        tuple(Waiver(**block, line=line("waiver", n)) for n, block in enumerate(raw.get("waiver", ()))),
        tuple(Declaration(**block, line=line("declaration", n)) for n, block in enumerate(raw.get("declaration", ()))),
        str(path),
    )


def _with_file(attestation: Attestation, folder: Path) -> Attestation:
    also = tuple(_looked_at(proof, folder) for proof in attestation.also)
    if not attestation.file:
        return replace(attestation, also=also) if also else attestation
    own = _looked_at(Proof(attestation.file, attestation.sha256), folder)
    return replace(attestation, state=own.state, size=own.size, also=also)


def _looked_at(proof: Proof, folder: Path) -> Proof:
    """Say what became of a file; one that stays with its maker cannot be looked at."""
    if not proof.file:
        return replace(proof, state="elsewhere")
    file = folder / proof.file
    try:
        digest = fingerprint(file)
    except OSError:
        return replace(proof, state="missing")
    state = "same" if digest == proof.sha256.lower() else "changed" if proof.sha256 else "unsealed"
    return replace(proof, state=state, size=file.stat().st_size)


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def review(ledger: Ledger, today: dt.date, failing: Collection[tuple[str, str]] | None = None) -> Iterator[Finding]:
    """Judge the ledger itself: changed, missing and expired evidence, and waivers that are past or unused.

    `failing` holds the (connection, rule) pairs that a run found; None leaves unused waivers unjudged.
    """
    for attestation in ledger.attestations:
        yield from _review_attestation(attestation, ledger, today)
    for waiver in ledger.waivers:
        yield from _review_waiver(waiver, ledger, today, failing)


def _review_attestation(a: Attestation, ledger: Ledger, today: dt.date) -> Iterator[Finding]:
    def finding(rule: str, observed: str, expected: str) -> Finding:
        where = f"{Path(ledger.path).name}: {a.step}"
        return Finding(rule, observed=observed, expected=expected, where=where, line=a.line)

    for proof in a.proofs:
        if proof.state in _BY_STATE:
            yield finding(_BY_STATE[proof.state], proof.file, f"sha256 {proof.sha256}" if proof.sha256 else "sha256")
    if a.expires and a.expires < today:
        yield finding("ATT-004", a.expires.isoformat(), f"≥ {today.isoformat()}")
    if a.date > today:
        yield finding("ATT-005", a.date.isoformat(), f"≤ {today.isoformat()}")
    if a.verdict is Verdict.SKIP and not all(catalogue()[row].optional for row in resolve_alias(a.step)):
        yield finding("ATT-006", "skip", "pass, warn, fail, waiting")


_BY_STATE: Final = {"changed": "ATT-001", "missing": "ATT-002", "unsealed": "ATT-003"}


def _review_waiver(
    w: Waiver, ledger: Ledger, today: dt.date, failing: Collection[tuple[str, str]] | None
) -> Iterator[Finding]:
    where = f"{Path(ledger.path).name}: {w.rule}"
    if w.until < today:
        yield Finding(
            "WVR-001", observed=w.until.isoformat(), expected=f"≥ {today.isoformat()}", where=where, line=w.line
        )
    elif failing is not None and not any(r == w.rule and w.connection in ("", c) for c, r in failing):
        yield Finding("WVR-002", observed=w.rule, where=where, line=w.line)
