"""Pack the report, the run file and the masked evidence in one zip with a manifest that `sha256sum -c` understands."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness import __version__
from harness.attestations import Ledger
from harness.errors import UnusableInput
from harness.handing.keys import SigningKey, extended_usage
from harness.handing.seal import Seal, above
from harness.model import Text
from harness.run import Run

MANIFEST: Final = "manifest.txt"
SIGNATURE: Final = "manifest.p7s"
CHAIN: Final = "certificates.pem"
README: Final = "LEESMIJ.txt"
EXPECTED: Final = "CMS Verification successful"
"""What openssl says when the manifest is what was signed; version 1.1 leaves out the first word."""
MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""The date of every entry, so that the same files give the same zip."""


@dataclass(frozen=True)
class Load:
    """What goes into a bundle: the written reports, the runs they are about, and what people attested."""

    reports: tuple[Path, ...]
    runs: tuple[Run, ...]
    ledger: Ledger
    connections: tuple[str, ...] = ()
    attested: Path = Path()
    lang: str = "nl"


def pack(folder: Path, load: Load, seal: Seal | None = None) -> Path:
    """Write `ketentest-RUN.zip` in `folder` and return its path."""
    newest = max(load.runs, key=lambda run: run.info.started)
    files = dict(_files(load))
    if seal:
        files[CHAIN] = b"".join(c.public_bytes(Encoding.PEM) for c in above(seal.key))
    files[README] = _readme(newest, seal).encode()
    manifest = manifest_of(files, newest.info.id)
    files[MANIFEST] = manifest
    if seal:
        files[SIGNATURE] = seal.detached(manifest)
    path = folder / f"ketentest-{newest.info.id}.zip"
    part = path.with_name(f".{path.name}")
    part.write_bytes(zipped(files))
    part.replace(path)
    return path


def manifest_of(files: dict[str, bytes], run: str) -> bytes:
    """Return the manifest: a line of origin, then a SHA-256 and a name per file, in the order of the names."""
    lines = [f"# ketentest {__version__}, run {run}"]
    lines += [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(files.items())]
    return ("\n".join(lines) + "\n").encode()


def zipped(files: dict[str, bytes]) -> bytes:
    """Return the zip: manifest and signature last, every entry with the same date and rights."""
    stream = BytesIO()
    last = {MANIFEST: 1, SIGNATURE: 2}
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files, key=lambda n: (last.get(n, 0), n)):
            archive.writestr(entry(name), files[name])
    return stream.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    """Return the entry of a file as every bundle writes it."""
    info = zipfile.ZipInfo(name, MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return info


def _files(load: Load) -> Iterator[tuple[str, bytes]]:
    for path in load.reports:
        yield path.name, path.read_bytes()
    several = len(load.runs) > 1
    for run in load.runs:
        name = f"runs/{run.info.id}.jsonl" if several else "run.jsonl"
        yield name, _run_file(run, load.connections)
        yield from _evidence(run, load.connections)
    yield from _attested(load)


def _run_file(run: Run, connections: Sequence[str]) -> bytes:
    """Return the run file; for a reader of some connections without the lines of the others."""
    assert run.path is not None
    data = run.path.read_bytes()
    if not connections or {info.name for info in run.info.connections} <= set(connections):
        return data
    return b"".join(_kept(data.splitlines(keepends=True), connections))


def _kept(lines: Iterable[bytes], connections: Sequence[str]) -> Iterator[bytes]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "run":
            event["connections"] = [c for c in event.get("connections", ()) if c.get("name") in connections]
            yield json.dumps(event, ensure_ascii=False).encode() + b"\n"
        elif event.get("connection", connections[0]) in connections:
            yield line


def _evidence(run: Run, connections: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    assert run.path is not None
    for result in run.results:
        if connections and result.connection not in connections:
            continue
        for evidence in result.evidence:
            file = run.path.parent / "evidence" / evidence.name
            yield f"evidence/{evidence.name}", _intact(file, evidence.sha256)


def _attested(load: Load) -> Iterator[tuple[str, bytes]]:
    for said in load.ledger.attestations:
        if load.connections and said.connection and said.connection not in load.connections:
            continue
        for proof in said.proofs:
            yield f"attested/{Path(proof.file).name}", _intact(load.attested / proof.file, proof.sha256)


def _intact(file: Path, sha256: str) -> bytes:
    """Return the file if it is still what was recorded."""
    try:
        data = file.read_bytes()
    except OSError:
        raise UnusableInput(
            f"--bundle: {file} ontbreekt; zonder het vastgelegde bewijs is er geen bundel",
            f"--bundle: {file} is missing; without the recorded evidence there is no bundle",
        ) from None
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise UnusableInput(
            f"--bundle: {file} is gewijzigd nadat het is vastgelegd; herstel het of leg het opnieuw vast",
            f"--bundle: {file} changed after it was recorded; restore it or record it again",
        )
    return data


def command(key: SigningKey) -> str:
    """Return the openssl command that verifies the signature over the manifest, from inside the unpacked bundle."""
    words = ["openssl cms -verify -binary -inform DER", f"-in {SIGNATURE} -content {MANIFEST} -CAfile {CHAIN}"]
    top = above(key)[-1]
    if top.subject != top.issuer:
        words.append("-partial_chain")
    usage = extended_usage(key.certificate)
    if usage and ExtendedKeyUsageOID.EMAIL_PROTECTION not in usage:
        words.append("-purpose any")
    return " ".join([*words, "-out /dev/null"])


def how_to_verify(key: SigningKey) -> Text:
    """Say with which commands anybody verifies the bundle, what they answer, and what to compare."""
    top = above(key)[-1]
    print_ = top.fingerprint(hashes.SHA256()).hex()
    commands = f"  sha256sum -c --quiet {MANIFEST}\n  {command(key)}"
    return Text(
        f"{commands}\nVerwachte regel van openssl: {EXPECTED}\n"
        f"Vergelijk het bovenste certificaat van {CHAIN} met wat de uitgever bekendmaakt: SHA-256 {print_}",
        f"{commands}\nExpected line of openssl: {EXPECTED}\n"
        f"Compare the topmost certificate of {CHAIN} with what its issuer publishes: SHA-256 {print_}",
    )


def _readme(run: Run, seal: Seal | None) -> str:
    plain = Text(f"  sha256sum -c --quiet {MANIFEST}", f"  sha256sum -c --quiet {MANIFEST}")
    how = how_to_verify(seal.key) if seal else plain
    kind = seal.words("nl") if seal else "Deze bundel is niet ondertekend."
    kind_en = seal.words("en") if seal else "This bundle is not signed."
    return (
        f"Bundel van run {run.info.id}, gemaakt met ketentest {__version__}.\n\n"
        f"{kind}\n\nZo gaat u na dat er niets is gewijzigd, in de map waarin dit bestand is uitgepakt:\n{how.nl}\n"
        f"Of zonder uitpakken: ketentest verify ketentest-{run.info.id}.zip\n\n---\n\n"
        f"Bundle of run {run.info.id}, made with ketentest {__version__}.\n\n"
        f"{kind_en}\n\nTo verify that nothing changed, in the folder where this file was unpacked:\n{how.en}\n"
        f"Or without unpacking: ketentest verify ketentest-{run.info.id}.zip\n"
    )
