"""Record what people say in attestations.toml: a statement with its sealed files, or who answers for the report."""

import datetime as dt
import fcntl
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.attestations import Attestation, Declaration, Proof, block_mistakes, fingerprint, read
from harness.chain import Loaded
from harness.chain_mistakes import nearest
from harness.checklist import catalogue, resolve_alias
from harness.errors import Mistake, ScenarioInvalid, UnusableInput, reason_of
from harness.images import is_picture, stripped
from harness.masking import Masker
from harness.model import Text

MAX_EVIDENCE: Final = 64 * 1024 * 1024


class Overtaken(UnusableInput):
    """Somebody else stated something about the same step in the meantime; nothing was written."""

    def __init__(self, by: Attestation) -> None:
        self.by = by
        super().__init__(
            f"{by.by} ({by.function}) legde {by.step} zojuist vast; lees dat eerst",
            f"{by.by} ({by.function}) just recorded {by.step}; read that first",
        )


def block(attestation: Attestation) -> str:
    """Return the TOML block of one statement, as `attest` appends it."""
    values = {
        "step": attestation.step,
        "connection": attestation.connection,
        "item": attestation.item,
        "provider": attestation.provider,
        "verdict": attestation.verdict.value,
        "by": attestation.by,
        "function": attestation.function,
        "date": attestation.date,
        "statement": attestation.statement,
        "file": attestation.file,
        "sha256": attestation.sha256,
        "also": attestation.also,
        "expires": attestation.expires,
    }
    return _block("attest", values)


def _block(name: str, values: Mapping[str, str | dt.date | tuple[Proof, ...] | None]) -> str:
    lines = (f"{key} = {_toml(value)}" for key, value in values.items() if value)
    return f"\n[[{name}]]\n" + "\n".join(lines) + "\n"


def _toml(value: str | dt.date | tuple[Proof, ...]) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(_inline(proof) for proof in value)}]"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _inline(proof: Proof) -> str:
    cells = {"file": proof.file, "name": proof.name, "sha256": proof.sha256}
    return "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in cells.items() if value) + " }"


def mark(said: Attestation) -> str:
    """Return a short digest of a statement, by which a writer tells which statements he has seen."""
    return hashlib.sha256(block(said).encode()).hexdigest()[:12]


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the one pen of a file: other processes wait; an editor that replaced the file meanwhile is noticed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def attest(
    path: Path, attestation: Attestation, connections: Collection[str] = (), seen: Collection[str] | None = None
) -> Attestation:
    """Append a statement to attestations.toml, sealing its files by SHA-256; the rest of the file is not touched.

    `seen` holds the marks of the statements about this step that the writer knows; a newer one of somebody else about
    the same item and provider raises Overtaken.
    """
    spoken = _spoken(attestation)
    _check(path, spoken | {"item": attestation.item}, block_mistakes("attest", spoken, connections, ()))
    sealed = attestation
    if attestation.file:
        sealed = replace(attestation, sha256=_digest(path, attestation.file), state="same")
    also = (replace(p, sha256=_digest(path, p.file), state="same") if p.file else p for p in attestation.also)
    sealed = replace(sealed, also=tuple(also))
    with locked(path) as descriptor:
        newer = _newer(read(path).attestations, sealed, seen)
        if newer is not None:
            raise Overtaken(newer)
        os.write(descriptor, block(sealed).encode())
    return sealed


def declare(path: Path, said: Declaration, today: dt.date, connections: Collection[str] = ()) -> str:
    """Append to attestations.toml who answers for the report; returns the block as written.

    Raises ScenarioInvalid with every mistake, and UnusableInput for a day that is still to come.
    """
    given: dict[str, Any] = {"by": said.by, "function": said.function, "date": said.date}
    given |= {key: value for key in ("connection", "reader") if (value := getattr(said, key))}
    _check(path, given, block_mistakes("declaration", given, connections, ()))
    if said.date > today:
        raise UnusableInput(
            f"{said.date.isoformat()} is later dan vandaag; verklaar op de dag zelf",
            f"{said.date.isoformat()} is later than today; declare on the day itself",
        )
    written = _block("declaration", given)
    with locked(path) as descriptor:
        os.write(descriptor, written.encode())
    return written


_SECRET: Final = Text(
    "bevat een nummer dat een BSN kan zijn, een wachtwoord of een sleutel; laat dat weg, er is niets vastgelegd",
    "holds a number that may be a BSN, a password or a key; leave it out, nothing was recorded",
)


def _check(path: Path, given: Mapping[str, Any], mistakes: Iterable[tuple[str, Text]]) -> None:
    """Raise ScenarioInvalid with every mistake; what may be a BSN or a key is one, for it never reaches the disk."""
    texts = {key: value for key, value in given.items() if isinstance(value, str)}
    secrets = ((key, _SECRET) for key, value in texts.items() if Masker().text(value) != value)
    found = [*secrets, *mistakes]
    if found:
        raise ScenarioInvalid(tuple(Mistake(str(path), None, key, sentence) for key, sentence in found))


def _digest(path: Path, file: str) -> str:
    try:
        return fingerprint(path.parent / file)
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(
            f"{file}: niet te lezen ({reason.nl}); geef het pad op ten opzichte van {path.parent}",
            f"{file}: cannot be read ({reason.en}); give the path relative to {path.parent}",
        ) from None


def _newer(said: Collection[Attestation], mine: Attestation, seen: Collection[str] | None) -> Attestation | None:
    if seen is None:
        return None
    steps = set(resolve_alias(mine.step))
    about = (
        a
        for a in said
        if steps & set(resolve_alias(a.step))
        and a.connection in ("", mine.connection)
        and (a.item, a.provider) == (mine.item, mine.provider)
    )
    return next((a for a in reversed(list(about)) if mark(a) not in seen), None)


def take_in(path: Path, step: str, source: Path) -> str:
    """Bring a file of evidence under `bewijs/` beside attestations.toml, and return its name for a statement.

    A picture loses its metadata; the file the user gave is not touched. Evidence of a production step stays where it
    is: it shows real people, so that only its SHA-256 is kept.
    """
    folder = path.parent
    if step not in catalogue():
        return str(source)
    try:
        if any(catalogue()[row].phase_env == "prod" for row in resolve_alias(step)):
            fingerprint(source)
            return os.path.relpath(source, folder)
        data = _evidence(source)
        if without_metadata(str(source), data) == data and folder.resolve() in source.resolve().parents:
            return os.path.relpath(source, folder)
        return keep(path, source.name, data)
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(
            f"{source}: niet te lezen of op te slaan ({reason.nl})", f"{source}: cannot be read or kept ({reason.en})"
        ) from None


def keep(path: Path, name: str, data: bytes) -> str:
    """Write a file of evidence under `bewijs/` beside attestations.toml, and return its name for a statement."""
    clean = without_metadata(name, data)
    kept = path.parent / "bewijs" / f"{hashlib.sha256(clean).hexdigest()[:8]}-{name}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(clean)
    return f"bewijs/{kept.name}"


def without_metadata(name: str, data: bytes) -> bytes:
    """Return a picture without its metadata, anything else as it is; raises UnusableInput for a damaged picture."""
    clean = stripped(data) if is_picture(data) else data
    if clean is None:
        raise UnusableInput(
            f"{name}: de afbeelding is beschadigd; maak de afdruk opnieuw",
            f"{name}: the picture is damaged; take it again",
        )
    return clean


def find(path: Path, name: str) -> Path:
    """Return the file the user means: as seen from where he works, or else from the folder of attestations.toml."""
    return Path(name) if Path(name).exists() else path.parent / name


def check_provider(loaded: Loaded, name: str) -> None:
    """Raise UnusableInput with the nearest name when no connection has this care provider."""
    known = [p.name for c in loaded.connections if c.saml for p in c.saml.providers]
    if not name or name in known:
        return
    near = nearest(name, known)
    hint = Text(f"; bedoelt u {near!r}?", f"; do you mean {near!r}?") if near else Text("", "")
    raise UnusableInput(
        f"--provider {name}: deze zorgaanbieder staat niet in het scenario{hint.nl}",
        f"--provider {name}: the scenario has no such care provider{hint.en}",
    )


def _evidence(source: Path) -> bytes:
    if source.stat().st_size > MAX_EVIDENCE:
        raise UnusableInput(
            f"{source}: groter dan {MAX_EVIDENCE >> 20} MB; lever een kleiner bestand of een uitsnede",
            f"{source}: larger than {MAX_EVIDENCE >> 20} MB; give a smaller file or a part of it",
        )
    return source.read_bytes()


def _spoken(a: Attestation) -> dict[str, Any]:
    said = {"step": a.step, "by": a.by, "function": a.function, "date": a.date, "statement": a.statement}
    return said | {"verdict": a.verdict.value} | ({"connection": a.connection} if a.connection else {})
