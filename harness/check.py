"""Judge documents offline: read, recognise, judge, weigh (`ketentest check`, design §5)."""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from harness import __version__
from harness.errors import DocumentUnreadable, KetentestError, reason_of
from harness.lint.judge import Context, Raw
from harness.lint.kinds import KINDS, guess, split_http
from harness.model import Finding, Graded, NotRun, Severity, Text, say
from harness.rulebook import Rulebook, rulebook

RELATIONS: Final = (
    "preprod", "prod", "previous", "template", "names",
    "tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption", "web", "beroep",
)  # fmt: skip
MOST_COMPANIONS: Final = 500
LARGEST: Final = max(kind.max_bytes for kind in KINDS.values())


@dataclass(frozen=True, slots=True)
class Document:
    """One judged document: what it is, its digest, and what was found and not run."""

    path: str
    kind: str
    sha256: str
    findings: tuple[Graded, ...] = ()
    not_run: tuple[NotRun, ...] = ()
    incomplete: bool = False
    unusable: Text | None = None
    note: Text | None = None

    @property
    def verdict(self) -> str:
        """The word of the contract: pass, warn, fail, incomplete or unusable."""
        severities = {f.severity for f in self.findings}
        if self.unusable:
            return "unusable"
        if Severity.ERROR in severities:
            return "fail"
        if self.incomplete:
            return "incomplete"
        return "warn" if Severity.WARNING in severities else "pass"


def read(path: Path, cap: int = LARGEST) -> bytes:
    """Return the bytes of `path`; raises DocumentUnreadable with one sentence when it is absent or too large."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise DocumentUnreadable(
                f"{path}: dit is een map; geef de bestanden erin op", f"{path}: this is a folder; name the files in it"
            )
        if size > cap:
            raise _too_large(str(path), size, cap)
        with path.open("rb") as file:  # a pipe or a device does not say how much it holds
            data = file.read(cap + 1)
    except OSError as wrong:
        reason = reason_of(wrong)
        raise DocumentUnreadable(
            f"{path}: niet te lezen ({reason.nl}); controleer de naam en de rechten",
            f"{path}: cannot be read ({reason.en}); check the name and the permissions",
        ) from None
    if len(data) > cap:
        raise _too_large(str(path), len(data), cap)
    return data


def _too_large(name: str, size: int, cap: int) -> DocumentUnreadable:
    mega = 1024 * 1024
    return DocumentUnreadable(
        f"{name}: {size / mega:.0f} MB is te groot; de grens voor deze soort is {cap // mega} MB. Knip het bestand of controleer of dit het juiste bestand is",
        f"{name}: {size / mega:.0f} MB is too large; the cap for this kind is {cap // mega} MB. Split the file or check that it is the right one",
    )


def companion(argument: str) -> Raw:
    """Read one `--with` argument: `FILE`, or `preprod:FILE`, `prod:FILE`, `previous:FILE`, `names:FILE`, or a role (`web:FILE`)."""
    relation, colon, rest = argument.partition(":")
    if not (colon and relation in RELATIONS):
        relation, rest = "", argument
    http, body = split_http(read(Path(rest)))
    return Raw(body, rest, http, relation, mode_of(Path(rest)))


def companions(argument: str) -> list[Raw]:
    """Read one `--with` argument that may name a folder: every file in it, such as the CRLs of all CAs in a path.

    A key on a token (`pkcs11:…`) comes as the proof that it gives of itself.
    """
    if argument.startswith("pkcs11:"):
        from harness.pkcs11_key import prove

        return [prove(argument)]
    relation, colon, rest = argument.partition(":")
    prefix = f"{relation}:" if colon and relation in RELATIONS else ""
    folder = Path(rest if prefix else argument)
    if not folder.is_dir():
        return [companion(argument)]
    files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    if len(files) > MOST_COMPANIONS:
        raise DocumentUnreadable(
            f"{folder}: meer dan {MOST_COMPANIONS} bestanden; geef een map met alleen de begeleidende documenten",
            f"{folder}: more than {MOST_COMPANIONS} files; give a folder with the companions only",
        )
    return [companion(f"{prefix}{file}") for file in files]


def mode_of(path: Path) -> int | None:
    """Return the permissions of a file, or None where the system has none."""
    return None if os.name == "nt" else stat.S_IMODE(path.stat().st_mode)


def secret(reference: str) -> str:
    """Return the secret behind `env:NAME` or `file:PATH`; a secret is never typed on the command line."""
    scheme, colon, place = reference.partition(":")
    if colon and scheme == "env" and place in os.environ:
        return os.environ[place]
    if colon and scheme == "file":
        return read(Path(place)).decode("utf-8", "replace").rstrip("\r\n")
    raise DocumentUnreadable(
        "geef een wachtwoord als env:NAAM (een omgevingsvariabele die bestaat) of file:BESTAND",
        "give a password as env:NAME (an environment variable that exists) or file:FILE",
    )


def judge_file(path: Path, ctx: Context, kind: str = "", book: Rulebook | None = None) -> Document:
    """Judge the file at `path`; what cannot be read or recognised comes back as `unusable`."""
    try:
        data = read(path)
    except KetentestError as wrong:
        return Document(str(path), kind, "", unusable=wrong.text)
    beside = _beside(path, data, ctx)
    if beside is None:
        return judge_bytes(data, str(path), ctx, kind, book, mode=mode_of(path))
    ping, note = beside
    whole = replace(ctx, companions=(*ctx.companions, ping))
    return replace(judge_bytes(data, str(path), whole, kind, book, mode=mode_of(path)), note=note)


def _beside(path: Path, data: bytes, ctx: Context) -> tuple[Raw, Text] | None:
    """Return the Ping beside a Pong; no other document looks at its neighbours."""
    if b"ebxml-msg" not in data or b"Pong" not in data:
        return None
    from harness.beside import ping_beside

    http, body = split_http(data)
    return ping_beside(path, Raw(body, str(path), http), ctx.companions)


def judge_bytes(
    data: bytes, name: str, ctx: Context, kind: str = "", book: Rulebook | None = None, *, mode: int | None = None
) -> Document:
    """Judge `data` as `kind`, or as what it looks like."""
    book = book or rulebook()
    digest = hashlib.sha256(data).hexdigest()
    http, body = split_http(data)
    raw = Raw(body, name, http, mode=mode)
    kind = kind or guess(raw, ctx.companions) or ""
    if not kind:
        return Document(name, "", digest, unusable=_unknown(name, data))
    cap = KINDS[kind].max_bytes
    if len(data) > cap:
        return Document(name, kind, digest, unusable=_too_large(name, len(data), cap).text)
    try:
        outcome = list(KINDS[kind].findings(raw, ctx))
    except KetentestError as wrong:
        return Document(name, kind, digest, unusable=wrong.text)
    if kind == "soap-message" and ctx.earlier is not None:
        _remember(raw, ctx)
    findings = [f for f in outcome if isinstance(f, Finding)]
    not_run = tuple(n for n in outcome if isinstance(n, NotRun))
    graded = in_order(book.grade(findings, ctx.words))
    return Document(name, kind, digest, graded, not_run, book.incomplete(not_run, ctx.words))


def _remember(raw: Raw, ctx: Context) -> None:
    from harness.lint.wus.ledger import note

    if ctx.earlier is not None:
        note(ctx.earlier, raw, ctx)


def in_order(graded: Iterable[Graded]) -> tuple[Graded, ...]:
    """Return findings worst first, then by line, then by rule."""
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(graded, key=lambda g: (order[g.severity], g.finding.line or 0, g.finding.rule)))


_MAIL: Final = re.compile(
    rb"(?:(?:From|To|Received|Return-Path|Subject|Date|Message-ID|MIME-Version|Delivered-To|X-[\w-]{1,60}):[^\n]{0,1000}\r?\n(?:[ \t][^\n]{0,1000}\r?\n){0,50}){2,}",
    re.IGNORECASE,
)
_ENCODED_XML: Final = re.compile(rb"\s*(?:PD94bWwg|PD9[0-9A-Za-z+/]{5}|77u/PD)[A-Za-z0-9+/=\s]{40}")
"""The letters that `<?xml` becomes in base64, with and without a byte order mark."""


def _unknown(name: str, data: bytes) -> Text:
    if not data.strip():
        return Text(f"{name}: het bestand is leeg", f"{name}: the file is empty")
    if data[:2] == b"\x1f\x8b":
        return Text(f"{name}: gecomprimeerd bestand; pak het eerst uit", f"{name}: compressed file; unpack it first")
    if _MAIL.match(data):
        return Text(
            f"{name}: dit is een e-mailbericht; sla de bijlage op en geef die op",
            f"{name}: this is a mail message; save the attachment and give that",
        )
    if _ENCODED_XML.match(data):
        return Text(
            f"{name}: dit is XML in base64, zoals een mailprogramma die verstuurt; decodeer het bestand eerst (base64 -d)",
            f"{name}: this is XML in base64, as a mail program sends it; decode the file first (base64 -d)",
        )
    if data.lstrip()[:4] == b"&lt;":
        return Text(
            f"{name}: de tekens < en > staan er als &lt; en &gt; in, zoals bij kopiëren uit een webpagina; vraag het bestand zelf op",
            f"{name}: the characters < and > stand in it as &lt; and &gt;, as when copied from a web page; ask for the file itself",
        )
    kinds = ", ".join(KINDS)
    return Text(
        f"{name}: de soort van dit bestand wordt niet herkend; geef die op met --as ({kinds})",
        f"{name}: the kind of this file is not recognised; name it with --as ({kinds})",
    )


def as_json(documents: Iterable[Document], lang: str, book: Rulebook | None = None) -> Iterator[str]:
    """Yield the JSON of the contract in pieces, so that thousands of files stream at constant memory."""
    import json

    book = book or rulebook()
    head = {"tool": "ketentest", "version": __version__, "rules_version": book.version}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "documents": ['
    for index, document in enumerate(documents):
        yield (",\n" if index else "\n") + json.dumps(_plain(document, lang, book), ensure_ascii=False)
    yield "\n]}\n"


def _plain(document: Document, lang: str, book: Rulebook) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "path": document.path,
        "kind": document.kind,
        "sha256": document.sha256,
        "verdict": document.verdict,
        "findings": [_plain_finding(g, lang, book) for g in document.findings],
        "not_run": [{"rule": n.rule, "reason": say(n.reason, lang)} for n in document.not_run],
    }
    if document.unusable:
        plain["reason"] = document.unusable.of(lang)
    if document.note:
        plain["note"] = document.note.of(lang)
    return plain


def _plain_finding(graded: Graded, lang: str, book: Rulebook) -> dict[str, Any]:
    finding, rule = graded.finding, book[graded.finding.rule]
    plain: dict[str, Any] = {
        "rule": finding.rule,
        "severity": str(graded.severity),
        "title": rule.title.of(lang),
        "observed": say(finding.observed, lang),
        "expected": say(finding.expected, lang),
        "line": finding.line,
        "where": finding.where,
        "source": str(rule.source),
        "remedy": rule.remedy.of(lang),
    }
    if finding.case:
        plain["case"] = finding.case
    return plain


WORDS: Final = {
    "pass": Text("geslaagd", "passed"),
    "warn": Text("geslaagd met aandachtspunt", "passed with remark"),
    "fail": Text("niet geslaagd", "failed"),
    "incomplete": Text("onvolledig", "incomplete"),
    "unusable": Text("onbruikbaar", "unusable"),
    "error": Text("fout", "error"),
    "warning": Text("waarschuwing", "warning"),
    "info": Text("informatie", "information"),
    "line": Text("regel", "line"),
    "observed": Text("waargenomen", "observed"),
    "expected": Text("verwacht", "expected"),
    "remedy": Text("herstel", "remedy"),
    "source": Text("bron", "source"),
    "not_run": Text("niet uitgevoerd", "not run"),
}


def as_text(document: Document, lang: str, book: Rulebook | None = None) -> str:
    """Return the judgement of one document for a reader at a terminal."""
    book = book or rulebook()
    lines = [f"{document.path}  {document.kind}  {WORDS[document.verdict].of(lang)}"]
    if document.unusable:
        lines[0] = f"{document.unusable.of(lang)}"
    if document.note:
        lines.append(f"  {document.note.of(lang)}")
    for graded in document.findings:
        lines += _text_finding(graded, lang, book)
    for reason, ids in _grouped(document.not_run, lang):
        lines.append(f"  {WORDS['not_run'].of(lang)}: {reason} ({', '.join(ids)})")
    return "\n".join(_printable(line) for line in lines) + "\n"


def _text_finding(graded: Graded, lang: str, book: Rulebook) -> list[str]:
    finding, rule = graded.finding, book[graded.finding.rule]
    line = f"{WORDS['line'].of(lang)} {finding.line}" if finding.line else ""
    place = ", ".join(part for part in (line, finding.where) if part)
    lines = [f"  {WORDS[str(graded.severity)].of(lang):<13} {finding.rule:<15} {rule.title.of(lang)}"]
    rows = (
        ("observed", say(finding.observed, lang) + (f"  ({place})" if place else "")),
        ("expected", say(finding.expected, lang)),
        ("remedy", rule.remedy.of(lang)),
        ("source", str(rule.source)),
    )
    return lines + [f"    {WORDS[key].of(lang):<12} {value}" for key, value in rows if value]


def _grouped(not_run: Sequence[NotRun], lang: str) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for entry in not_run:
        groups.setdefault(say(entry.reason, lang), []).append(entry.rule)
    return list(groups.items())


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _printable(line: str) -> str:
    """Return `line` without control and direction marks: what a file says must not steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line)
