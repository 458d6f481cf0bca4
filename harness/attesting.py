"""Record a statement: bring its file in, seal it by SHA-256, and append its block to attestations.toml."""

import datetime as dt
import hashlib
import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.attestations import Attestation, block_mistakes, fingerprint, read
from harness.checklist import catalogue, resolve_alias
from harness.errors import Mistake, ScenarioInvalid, UnusableInput
from harness.images import is_picture, stripped
from harness.model import Text
from harness.scenario import Loaded, nearest

MAX_EVIDENCE: Final = 64 * 1024 * 1024


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
        "expires": attestation.expires,
    }
    lines = (f"{key} = {_toml(value)}" for key, value in values.items() if value)
    return "\n[[attest]]\n" + "\n".join(lines) + "\n"


def _toml(value: str | dt.date) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def attest(path: Path, attestation: Attestation, connections: Collection[str] = ()) -> Attestation:
    """Append a statement to attestations.toml, sealing its file by SHA-256; the rest of the file is not touched."""
    if mistakes := list(block_mistakes("attest", _spoken(attestation), connections, ())):
        raise ScenarioInvalid(tuple(Mistake(str(path), None, key, sentence) for key, sentence in mistakes))
    sealed = attestation
    if attestation.file:
        try:
            sealed = replace(attestation, sha256=fingerprint(path.parent / attestation.file), state="same")
        except OSError as wrong:
            reason = wrong.strerror or type(wrong).__name__
            raise UnusableInput(
                f"{attestation.file}: niet te lezen ({reason}); geef het pad op ten opzichte van {path.parent}",
                f"{attestation.file}: cannot be read ({reason}); give the path relative to {path.parent}",
            ) from None
    read(path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(block(sealed))
    return sealed


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
        clean = stripped(data) if is_picture(data) else data
        if clean is None:
            raise UnusableInput(
                f"{source}: de afbeelding is beschadigd; maak de afdruk opnieuw",
                f"{source}: the picture is damaged; take it again",
            )
        if clean == data and folder.resolve() in source.resolve().parents:
            return os.path.relpath(source, folder)
        kept = folder / "bewijs" / f"{hashlib.sha256(clean).hexdigest()[:8]}-{source.name}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(clean)
        return os.path.relpath(kept, folder)
    except OSError as wrong:
        reason = wrong.strerror or type(wrong).__name__
        raise UnusableInput(
            f"{source}: niet te lezen of op te slaan ({reason})", f"{source}: cannot be read or kept ({reason})"
        ) from None


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
