"""Verify a PDF or a bundle: name the first thing that changed, and say who signed."""

import asyncio
import hashlib
import json
import logging
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import KetentestError, UnusableInput, reason_of
from harness.handing.bundle import CHAIN, MANIFEST, SIGNATURE, entry, how_to_verify
from harness.handing.keys import SigningKey, made_for_signatures, name_of
from harness.handing.seal import NEEDS_EXTRA, prints
from harness.model import Text
from harness.report.pdf import parts

MOST_BYTES: Final = 500_000_000
MOST_ENTRIES: Final = 200_000

_PART: Final[Mapping[str, Text]] = {
    "json": Text("het ingesloten report.json", "the embedded report.json"),
    "metadata": Text("de metagegevens", "the metadata"),
    "font": Text("een lettertype", "a font"),
    "outline": Text("de inhoudsopgave", "the outline"),
    "picture": Text("een afbeelding", "a picture"),
    "structure": Text("de structuur voor hulpmiddelen", "the structure for assistive tools"),
    "table": Text("de tabel van onderdelen van de PDF", "the cross-reference table of the PDF"),
    "list": Text("de lijst van onderdelen", "the list of parts"),
    "head": Text("het begin van het bestand", "the beginning of the file"),
    "object": Text("een onderdeel van de opmaak", "a part of the layout"),
}


@dataclass(frozen=True)
class Outcome:
    """What verifying a file told: the first change, if any, and further sentences."""

    change: Text | None = None
    told: tuple[Text, ...] = ()


def verify(path: Path, trust: Sequence[bytes] = ()) -> Outcome:
    """Verify the PDF or bundle at `path`; `trust` holds root certificates in PEM."""
    try:
        data = path.read_bytes()
    except OSError as wrong:
        reason = reason_of(wrong)
        raise UnusableInput(f"{path}: niet te lezen ({reason.nl})", f"{path}: cannot be read ({reason.en})") from None
    beside = path.with_name("report.json")
    try:
        if data.startswith(b"%PDF-"):
            return verify_pdf(data, trust, beside.read_bytes() if beside.is_file() else None)
        if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return verify_bundle(data, trust)
    except UnusableInput as wrong:
        raise UnusableInput(f"{path}: {wrong.text.nl}", f"{path}: {wrong.text.en}") from None
    raise UnusableInput(
        f"{path}: geen PDF en geen zip; geef het rapport of de bundel",
        f"{path}: neither a PDF nor a zip; give the report or the bundle",
    )


# the PDF


def verify_pdf(data: bytes, trust: Sequence[bytes] = (), beside: bytes | None = None) -> Outcome:
    """Verify a PDF of ours: its parts, what was added after it, its signatures and the report.json inside."""
    found = parts.first_change(data)
    if found:
        return Outcome(_part(found))
    signed = b"/ByteRange" in data
    if not parts.known(data):
        if not signed:
            raise UnusableInput(
                "deze PDF heeft geen lijst van onderdelen en geen handtekening: niet door ketentest geschreven, of de lijst is verwijderd",
                "this PDF has no list of parts and no signature: not written by ketentest, or the list was removed",
            )
        change = Text("de lijst van onderdelen ontbreekt", "the list of parts is missing")
        return Outcome(change)
    end = parts.end_of(data)
    if not signed:
        if end != len(data):
            return Outcome(_added(len(data) - end))
        note = Text(
            "Niet ondertekend: dit toont dat niets per ongeluk is gewijzigd, niet wie het schreef.",
            "Not signed: this shows that nothing changed by accident, not who wrote it.",
        )
        return Outcome(None, (note, *_inside(data, beside)))
    change_, told = _signatures(data, trust)
    return Outcome(change_, told if change_ else (*told, *_inside(data, beside)))


def _part(change: parts.Change) -> Text:
    kind, _, number = change.kind.partition("-")
    name = Text(f"bladzijde {number}", f"page {number}") if kind == "page" else _PART.get(kind, _PART["object"])
    return Text(
        f"{name.nl} (vanaf byte {change.offset})",
        f"{name.en} (from byte {change.offset})",
    )


def _added(size: int) -> Text:
    return Text(f"na het rapport zijn {size} bytes toegevoegd", f"{size} bytes were added after the report")


def _inside(data: bytes, beside: bytes | None) -> Iterator[Text]:
    inner = parts.embedded(data)
    digest = hashlib.sha256(inner).hexdigest()
    yield Text(
        f"report.json in de PDF: run {_run_of(inner)}, SHA-256 {digest}",
        f"report.json in the PDF: run {_run_of(inner)}, SHA-256 {digest}",
    )
    if beside is not None and beside != inner:
        yield Text(
            "Het bestand report.json naast de PDF is een ander dan dat in de PDF.",
            "The file report.json beside the PDF differs from the one inside.",
        )


def _run_of(report: bytes) -> str:
    try:
        return str(json.loads(report)["run"])
    except (ValueError, KeyError, TypeError):
        return "?"


def _signatures(data: bytes, trust: Sequence[bytes]) -> tuple[Text | None, tuple[Text, ...]]:
    """Validate every signature with pyHanko; the last must cover the whole file."""
    if find_spec("pyhanko") is None:
        raise UnusableInput(NEEDS_EXTRA.nl, NEEDS_EXTRA.en)
    from pyhanko.pdf_utils.reader import PdfFileReader

    broken = Text("de handtekening zelf", "the signature itself")
    told: list[Text] = []
    with _quiet():
        try:
            signatures = PdfFileReader(BytesIO(data)).embedded_regular_signatures
            for number, one in enumerate(signatures, 1):
                status = _status(one, trust)
                if not _holds(status) or not _written_plainly(one) or not _whole_chain(one):
                    return broken, tuple(told)
                if number == len(signatures) and status.coverage.name != "ENTIRE_FILE":
                    where = one.byte_range[2] + one.byte_range[3]
                    return _after(len(data) - where), tuple(told)
                told += _signer(status, trusted=bool(trust))
        except Exception:  # noqa: BLE001 - hostile bytes: pyHanko has many errors, the reader needs one sentence
            return broken, tuple(told)
    return (None, tuple(told)) if told else (broken, ())


def _after(size: int) -> Text:
    return Text(f"na de ondertekening zijn {size} bytes toegevoegd", f"{size} bytes were added after signing")


def _status(signature: Any, trust: Sequence[bytes]) -> Any:
    from pyhanko.sign.validation import validate_pdf_signature

    return validate_pdf_signature(signature, **_settings(trust))


def _settings(trust: Sequence[bytes]) -> dict[str, Any]:
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    roots = [c.public_bytes(Encoding.DER) for pem in trust for c in x509.load_pem_x509_certificates(pem)]
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der) for der in roots],
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    usage = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
    return {"signer_validation_context": context, "key_usage_settings": usage}


def _holds(status: Any) -> bool:
    stamp = getattr(status, "timestamp_validity", None)
    return bool(status.intact and status.valid and (stamp is None or (stamp.intact and stamp.valid)))


def _whole_chain(signature: Any) -> bool:
    """Whether the certificates that came along are those of the signing; a signature of others may not say so."""
    said = signature.sig_object.get("/Prop_Build", {}).get("/App", {})
    if str(said.get("/Name", "")) != "/ketentest":
        return True
    return str(said.get("/REx", "")) == prints(c.chosen.dump() for c in signature.signed_data["certificates"])


def _written_plainly(signature: Any) -> bool:
    """Whether the signature stands in the file as it was written: no other spelling of it, nothing in its padding."""
    signature.reader.stream.seek(signature.byte_range[1])
    start, end = signature.byte_range[1], signature.byte_range[2]
    written = signature.reader.stream.read(end - start)
    body = written.strip(b"<>")
    der = signature.pkcs7_content[: _der_length(signature.pkcs7_content)]
    plain = der.hex().upper().encode().ljust(len(body), b"0")
    return len(body) + 2 == len(written) and body == plain and _as_encoded(der)


def _as_encoded(der: bytes) -> bool:
    """Whether a CMS signature is in the one form that DER has for it, in the fields that no signature covers."""
    from asn1crypto import cms

    content = cms.ContentInfo.load(der, strict=True)
    signed = content["content"]
    [signer] = signed["signer_infos"]
    versions = {signed["version"].native, signer["version"].native}
    algorithms = [a.dump() for a in signed["digest_algorithms"]] == [signer["digest_algorithm"].dump()]
    plain = signed["encap_content_info"]["content_type"].native == "data" and versions == {"v1"}
    return bool(content.native and algorithms and plain and content.dump(force=True) == der)


def _der_length(data: bytes) -> int:
    """Return the length of the outermost DER value."""
    if data[1] < 0x80:
        return 2 + data[1]
    size = data[1] & 0x7F
    return 2 + size + int.from_bytes(data[2 : 2 + size])


def _signer(status: Any, *, trusted: bool) -> Iterator[Text]:
    leaf = x509.load_der_x509_certificate(status.signing_cert.dump())
    who, issuer = name_of(leaf.subject), name_of(leaf.issuer)
    yield Text(f"Ondertekend door {who}, certificaat van {issuer}.", f"Signed by {who}, certificate by {issuer}.")
    if not made_for_signatures(leaf):
        yield Text("Servercertificaat: integriteit, geen handtekening.", "Server certificate: integrity, no signature.")
    when = getattr(status, "signer_reported_dt", None)
    stamped = getattr(status, "timestamp_validity", None)
    if stamped is not None:
        at = stamped.timestamp.isoformat()
        yield Text(f"Tijdstempel: {at}.", f"Time stamp: {at}.")
    elif when:
        yield Text(
            f"Tijd volgens de ondertekenaar: {when.isoformat()}.", f"Time according to the signer: {when.isoformat()}."
        )
    if status.trusted:
        yield Text(
            "De keten eindigt bij een vertrouwd stamcertificaat.", "The chain ends at a trusted root certificate."
        )
    elif trusted:
        yield Text(
            "De keten eindigt niet bij een van de stamcertificaten van --trust.",
            "The chain does not end at one of the root certificates of --trust.",
        )
    else:
        yield Text(
            "De uitgever is niet nagegaan; geef --trust STAMCERTIFICAAT.pem.",
            "The issuer was not checked; give --trust ROOT.pem.",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pyHanko's log to itself: every untrusted chain would be a warning on the screen."""
    loggers = [logging.getLogger(name) for name in ("pyhanko", "pyhanko_certvalidator")]
    before = [log.level for log in loggers]
    for log in loggers:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(loggers, before, strict=True):
            log.setLevel(level)


# the bundle


def verify_bundle(data: bytes, trust: Sequence[bytes] = ()) -> Outcome:
    """Verify a bundle: the signature over its manifest, every file against the manifest, and the zip around them."""
    try:
        files = _unpacked(data)
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError, OSError, EOFError) as wrong:
        return Outcome(Text(f"de zip zelf ({wrong})", f"the zip itself ({wrong})"))
    if isinstance(files, Text):
        return Outcome(files)
    if MANIFEST not in files:
        return Outcome(Text(f"{MANIFEST} ontbreekt", f"{MANIFEST} is missing"))
    change, told = _manifest_signature(files, trust)
    change = change or _first_file(files) or _frame(data, files)
    if change:
        return Outcome(change)
    inner = [line for name in sorted(files) if name.endswith(".pdf") for line in _report_inside(name, files, trust)]
    return Outcome(None, (*told, *inner))


def _unpacked(data: bytes) -> dict[str, bytes] | Text:
    """Return the files of the zip, or the first one that is damaged."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_ENTRIES or sum(info.file_size for info in infos) > MOST_BYTES:
            raise UnusableInput("de zip is te groot om na te gaan", "the zip is too large to verify")
        files: dict[str, bytes] = {}
        for info in infos:
            if info.filename in files:
                return Text(f"{info.filename} staat er tweemaal in", f"{info.filename} is in it twice")
            try:
                files[info.filename] = archive.read(info)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, OSError, ValueError):
                return Text(f"{info.filename} is beschadigd", f"{info.filename} is damaged")
    return files


def _listed(manifest: bytes) -> dict[str, str]:
    lines = manifest.decode("utf-8", "replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines if line[:1] not in ("#", ""))}


def _first_file(files: Mapping[str, bytes]) -> Text | None:
    listed = _listed(files[MANIFEST])
    for name, digest in listed.items():
        if name not in files:
            return Text(f"{name} ontbreekt", f"{name} is missing")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            return Text(f"{name} is gewijzigd", f"{name} changed")
    more = sorted(set(files) - set(listed) - {MANIFEST, SIGNATURE})
    return Text(f"{more[0]} is toegevoegd", f"{more[0]} was added") if more else None


def _frame(data: bytes, files: Mapping[str, bytes]) -> Text | None:
    """Return a change in the bytes between the files: headers, dates, rights, comments, padding."""
    place, expected = 0, []
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for info in archive.infolist():
            fresh = entry(info.filename)
            fresh.CRC, fresh.file_size, fresh.compress_size = info.CRC, info.file_size, info.compress_size
            header = fresh.FileHeader(zip64=False)
            body = data[place + len(header) : place + len(header) + info.compress_size]
            if data[place : place + len(header)] != header or not _same_deflate(body, files[info.filename]):
                name = info.filename
                return Text(f"de kop van {name} in de zip", f"the header of {name} in the zip")
            expected.append((fresh, place))
            place += len(header) + info.compress_size
    directory = b"".join(_central(info, offset) for info, offset in expected)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(expected), len(expected), len(directory), place, 0)
    return None if data[place:] == directory + end else Text("de inhoudsopgave van de zip", "the directory of the zip")


def _same_deflate(body: bytes, data: bytes) -> bool:
    """Whether the packed bytes are ours; another version of zlib may pack otherwise, the last bits may not differ."""
    opened = zlib.decompressobj(-15)
    opened.decompress(body)
    if not opened.eof or opened.unused_data:
        return False
    packer = zlib.compressobj(-1, zlib.DEFLATED, -15)
    again = packer.compress(data) + packer.flush()
    return body == again or len(body) != len(again) or body[:-1] != again[:-1]


def _central(info: zipfile.ZipInfo, offset: int) -> bytes:
    name = info.filename.encode("utf-8")
    flags = 0 if info.filename.isascii() else 0x800
    date = (info.date_time[0] - 1980) << 9 | info.date_time[1] << 5 | info.date_time[2]
    fields = (20, 3, 20, 0, flags, 8, 0, date, info.CRC, info.compress_size, info.file_size, len(name), 0, 0, 0, 0)
    return struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *fields, info.external_attr, offset) + name


def _manifest_signature(files: Mapping[str, bytes], trust: Sequence[bytes]) -> tuple[Text | None, tuple[Text, ...]]:
    if SIGNATURE not in files:
        unsigned = Text(
            "Niet ondertekend: dit toont dat niets per ongeluk is gewijzigd, niet wie de bundel maakte.",
            "Not signed: this shows that nothing changed by accident, not who made the bundle.",
        )
        return None, (unsigned,)
    if find_spec("pyhanko") is None:
        raise UnusableInput(NEEDS_EXTRA.nl, NEEDS_EXTRA.en)
    from asn1crypto import cms
    from pyhanko.sign.validation.generic_cms import async_validate_detached_cms

    broken = Text(f"{MANIFEST} of de handtekening erover", f"{MANIFEST} or the signature over it")
    with _quiet():
        try:
            signed = cms.ContentInfo.load(files[SIGNATURE], strict=True)["content"]
            status = asyncio.run(async_validate_detached_cms(files[MANIFEST], signed, **_settings(trust)))
        except Exception:  # noqa: BLE001 - hostile bytes: many errors, one sentence
            return broken, ()
        if not _holds(status):
            return broken, ()
        told = list(_signer(status, trusted=bool(trust)))
    leaf = x509.load_der_x509_certificate(status.signing_cert.dump())
    try:
        chain = tuple(x509.load_pem_x509_certificates(files.get(CHAIN, b"")))
    except ValueError:
        chain = ()
    how = how_to_verify(SigningKey(leaf, chain))
    head = Text("Met openssl, in de uitgepakte bundel:", "With openssl, inside the unpacked bundle:")
    return None, (*told, Text(f"{head.nl}\n{how.nl}", f"{head.en}\n{how.en}"))


def _report_inside(name: str, files: Mapping[str, bytes], trust: Sequence[bytes]) -> Iterator[Text]:
    try:
        found = verify_pdf(files[name], trust, files.get("report.json"))
    except KetentestError as wrong:
        yield Text(f"{name}: {wrong.text.nl}", f"{name}: {wrong.text.en}")
        return
    if found.change:
        yield Text(f"{name}: gewijzigd: {found.change.nl}", f"{name}: changed: {found.change.en}")
    elif found.told:
        yield Text(f"{name}: {found.told[0].nl}", f"{name}: {found.told[0].en}")


def sentence(path: Path, outcome: Outcome, lang: str) -> str:
    """Return what to print: the verdict on the first line, then what was told."""
    change = outcome.change
    verdict = Text("ongewijzigd", "unchanged")
    if change:
        verdict = Text(f"GEWIJZIGD: {change.nl}", f"CHANGED: {change.en}")
    lines = [f"{path}: {verdict.of(lang)}", *(told.of(lang) for told in outcome.told)]
    return "\n".join(lines) + "\n"
