"""Open an ebMS document for its judge: bytes to XML, and one plain sentence when that fails."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeVar

from lxml import etree

from harness.lint.judge import Context, Raw, RuleTable
from harness.model import Finding, NotRun, Text, Words
from harness.wire import keyinfo, xml
from harness.wire.xml import XmlBroken

MOST: Final = 100
PLACEHOLDER: Final = re.compile(
    r"\[(?:uw|lz|bb|cpa|naam|oin)[^\[\]<>\n]{0,60}\]|\$\{[\w.-]{1,40}\}|\{\{[^{}<>\n]{1,40}\}\}", re.IGNORECASE
)
_DECLARED: Final = re.compile(rb"\A\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_PRIVATE: Final = re.compile(rb"PRIVATE KEY-----|BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")


Doc = TypeVar("Doc")


def judged(table: RuleTable[Doc], doc: Doc, ctx: Context) -> Iterator[Finding | NotRun]:
    """Apply every rule of `table`; what is the same in several places is one finding that names the lines."""
    table.begin()
    for rule in table.functions:
        yield from _together(list(islice(rule(doc, ctx), MOST + 1)))


def _together(outcome: list[Finding | NotRun]) -> Iterator[Finding | NotRun]:
    same: dict[tuple[str, str, Words, Words], list[Finding]] = {}
    for item in outcome[:MOST]:
        if isinstance(item, Finding):
            same.setdefault((item.rule, item.case, item.observed, item.expected), []).append(item)
        else:
            yield item
    for first, *rest in same.values():
        yield replace(first, observed=_also(first.observed, rest)) if rest else first
    if len(outcome) > MOST:
        yield NotRun(outcome[-1].rule, TOO_MANY)


TOO_MANY: Final = Text(
    f"meer dan {MOST} bevindingen; de rest is niet beoordeeld", f"more than {MOST} findings; the rest was not judged"
)


def _also(observed: Words, rest: list[Finding]) -> Words:
    lines = list(dict.fromkeys(str(f.line) for f in rest if f.line))
    shown = ", ".join(lines[:8]) + (" …" if len(lines) > 8 else "")
    if not shown:
        return observed
    nl, en = (observed.nl, observed.en) if isinstance(observed, Text) else (observed, observed)
    return Text(f"{nl} (ook in regel {shown})".strip(), f"{en} (also in line {shown})".strip())


LONGEST: Final = 300


def at(rule: str, node: etree._Element, case: str = "", observed: Words = "", expected: Words = "") -> Finding:
    """Return a finding that points at `node`; what a file says is cut off where nobody reads on."""
    return Finding(rule, case, clipped(observed), clipped(expected), xml.where(node), node.sourceline)


def clipped(words: Words) -> Words:
    """Return `words`, shortened when a file makes them endless."""
    if isinstance(words, Text):
        return Text(_clip(words.nl), _clip(words.en))
    return _clip(words)


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


@dataclass(frozen=True, slots=True)
class Ids:
    """The rule ids under which one kind of document reports what is wrong with its bytes."""

    broken: str
    encoding: str = ""
    placeholder: str = ""
    private: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A document with its root element, or without one when it cannot be parsed; with the findings so far."""

    root: etree._Element | None
    findings: tuple[Finding | NotRun, ...] = ()


def opened(raw: Raw, ids: Ids) -> Opened:
    """Parse `raw`; Windows-1252 under a UTF-8 flag is read all the same, so that the other rules can run."""
    misread = wrong_encoding(raw.data)
    findings: list[Finding | NotRun] = []
    if misread and ids.encoding:
        findings.append(Finding(ids.encoding, misread.case, misread.observed, "UTF-8", line=misread.line))
    data = misread.recoded if misread and misread.recoded and ids.encoding else raw.data
    try:
        return Opened(xml.parse(data), tuple(findings))
    except XmlBroken as wrong:
        if misread and misread.recoded and not ids.encoding:
            findings.append(Finding(ids.broken, wrong.case, misread.observed, "UTF-8", line=misread.line))
        else:
            findings.append(Finding(ids.broken, wrong.case, sentence(wrong, data), line=wrong.line or None))
        findings += _still_visible(raw.data, ids)
        findings += [NotRun(rule_id, UNREADABLE) for rule_id in ids.others]
        return Opened(None, tuple(findings))


UNREADABLE: Final = Text(
    "het document is geen leesbare XML; herstel dat eerst", "the document is no readable XML; repair that first"
)


def _still_visible(data: bytes, ids: Ids) -> Iterator[Finding]:
    """Yield what the bytes show even when the document cannot be parsed."""
    text = data.decode("utf-8", "replace")
    found = PLACEHOLDER.search(text)
    if ids.placeholder and found:
        yield Finding(ids.placeholder, observed=found[0], line=text.count("\n", 0, found.start()) + 1)
    private = _PRIVATE.search(data)
    if ids.private and private:
        yield Finding(ids.private, line=data.count(b"\n", 0, private.start()) + 1)


@dataclass(frozen=True, slots=True)
class Misread:
    """Bytes in another encoding than UTF-8; `case` is `mismatch` when the file does not say so itself."""

    case: str
    observed: Text
    line: int | None
    recoded: bytes = b""


def _is_binary(data: bytes) -> bool:
    """Whether zero bytes, or control characters by the dozen, show that this is no text."""
    head = data[:4096]
    return b"\x00" in head[:200] or len(_CONTROL.findall(head)) > 12


_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")


def wrong_encoding(data: bytes) -> Misread | None:
    """Return how the bytes depart from UTF-8, or None."""
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Misread("", Text("UTF-16", "UTF-16"), 1)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        if _is_binary(data):
            return None
        line = data.count(b"\n", 0, wrong.start) + 1
        if name not in ("utf-8", "utf8"):
            return Misread("", Text(f"aangekondigd als {name}", f"announced as {name}"), line)
        shown = _around(data, wrong.start)
        observed = Text(
            f"waarschijnlijk Windows-1252: ‘{shown}’, terwijl het bestand UTF-8 aankondigt",
            f"probably Windows-1252: ‘{shown}’, while the file announces UTF-8",
        )
        return Misread("mismatch", observed, line, data.decode("cp1252", "replace").encode())
    if name not in ("utf-8", "utf8", "us-ascii", "ascii"):
        return Misread("", Text(f"aangekondigd als {name}", f"announced as {name}"), 1)
    return None


def _around(data: bytes, place: int) -> str:
    """Return the words around a byte that is no UTF-8, read as Windows-1252: a text, or the value of an attribute."""
    before = re.split(rb"[<>\"'\r\n]", data[max(0, place - 40) : place])[-1]
    after = re.split(rb"[<>\"'\r\n]", data[place : place + 12])[0]
    return (before + after).decode("cp1252", "replace").strip()


_ROOT: Final = re.compile(rb"<(?![?!])([\w.:-]+)[^>]*[^/]>")
_UNCLOSED: Final = re.compile(r"Premature end of data in tag (\S+) line (\d+)")
_MISMATCH: Final = re.compile(r"Opening and ending tag mismatch: (\S+) line (\d+) and (\S+)")


def sentence(wrong: XmlBroken, data: bytes) -> Text:
    """Return in plain words why a document is no acceptable XML, and what probably happened to it."""
    what = wrong.text.en
    if b"=3D" in data[:200]:
        return Text(
            "de tekens =3D wijzen op quoted-printable: de ruwe tekst van een mailbijlage",
            "the characters =3D point to quoted-printable: the raw text of a mail attachment",
        )
    unclosed = _UNCLOSED.search(what)
    if unclosed:
        return Text(
            f"het bestand houdt op voordat {unclosed[1]} (regel {unclosed[2]}) is afgesloten; waarschijnlijk is het afgekapt bij het mailen of kopiëren",
            f"the file ends before {unclosed[1]} (line {unclosed[2]}) is closed; it was probably cut off while mailing or copying",
        )
    mismatch = _MISMATCH.search(what)
    if mismatch:
        return Text(
            f"{mismatch[1]} (regel {mismatch[2]}) wordt afgesloten met {mismatch[3]}",
            f"{mismatch[1]} (line {mismatch[2]}) is closed by {mismatch[3]}",
        )
    if _is_binary(data):
        return Text("het bestand bevat binaire gegevens in plaats van XML", "the file holds binary data instead of XML")
    root = _ROOT.search(data[:65536])
    if root and b"</" + root[1] not in data:
        name = root[1].decode("utf-8", "replace")
        return Text(
            f"het bestand houdt op zonder </{name}>; waarschijnlijk is het afgekapt bij het mailen of kopiëren",
            f"the file ends without </{name}>; it was probably cut off while mailing or copying",
        )
    return wrong.text


def placeholders(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Yield every element whose own text or attribute still holds a template's placeholder."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        words = [element.text or "", *(child.tail or "" for child in element), *map(str, element.attrib.values())]
        found = next((m for word in words if "[" in word or "{" in word for m in [PLACEHOLDER.search(word)] if m), None)
        if found:
            yield element, found[0]


def private_key(raw: Raw, root: etree._Element) -> tuple[int | None, str] | None:
    """Return line and path of private key material in the document, never the material."""
    element = keyinfo.key_material(root)
    if element is not None:
        return element.sourceline, xml.where(element)
    data = raw.data.replace(b"\x00", b"") if b"\x00" in raw.data else raw.data
    found = _PRIVATE.search(data) if b"PRIVATE KEY" in data else None
    return (data.count(b"\n", 0, found.start()) + 1, "") if found else None
