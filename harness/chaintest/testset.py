"""A test set: one message per step of the functional design and test person, prepared before anything is sent."""

import contextlib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from lxml import etree

from harness.chain_mistakes import nearest
from harness.chaintest.design import Design, FunctionalScenario, Step
from harness.chaintest.persons import Person
from harness.errors import DocumentUnreadable, Mistake, ScenarioInvalid, UnusableInput
from harness.model import Text
from harness.positions import line_of, positions
from harness.wire import xml

INDEX: Final = "testset.toml"
KEYS: Final = (
    "id", "scenario", "title", "kind", "file", "action", "expect", "person", "reference", "mark", "sort", "message_id",
)  # fmt: skip
_PLACE: Final = re.compile(r"\{\{\s*([\w.]+)\s*([+-]\s*\d+)?\s*\}\}")


@dataclass(frozen=True)
class Prepared:
    """One message, ready to be sent; `person` is the number of the test person, never a BSN."""

    id: str
    scenario: str
    title: Text
    kind: str
    data: bytes = field(repr=False)
    file: str = ""
    action: str = ""
    expect: str = "ack"
    person: int = 0
    reference: str = ""
    mark: str = ""
    sort: str = ""
    message_id: str = ""

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the content: white space around the root and the encoding do not matter."""
        return content_digest(self.data)


def content_digest(data: bytes) -> str:
    """Return the SHA-256 over the canonical form of a message; of its bytes when it is no XML."""
    with contextlib.suppress(DocumentUnreadable):
        data = etree.tostring(xml.parse(data, huge=True), method="c14n")
    return hashlib.sha256(data).hexdigest()


def generate(design: Design, persons: Iterable[Person], words: Mapping[str, str], at: datetime) -> list[Prepared]:
    """Return a message for every step of every scenario and test person; each carries a reference of its own."""
    token = uuid4().hex[:8]
    return [
        _message(design, scenario, step, person, words, at, token)
        for scenario in design.scenarios
        for person in persons
        for step in scenario.steps
    ]


def samples(design: Design, person: Person, words: Mapping[str, str], at: datetime) -> list[Prepared]:
    """Return one example of each kind of message in the design, and the samples of what comes in."""
    first = {
        step.kind: (scenario, step) for scenario in reversed(design.scenarios) for step in reversed(scenario.steps)
    }
    made = [_message(design, *pair, person, words, at, "voorbeeld") for pair in first.values()]
    nowhere = FunctionalScenario("voorbeeld", Text("voorbeeld", "sample"), Text("", ""), ())
    return made + [_message(design, nowhere, step, person, words, at, "voorbeeld") for step in design.samples]


def _message(
    design: Design, scenario: FunctionalScenario, step: Step, person: Person, words: Mapping[str, str], at: datetime,
    token: str,
) -> Prepared:  # fmt: skip
    name = f"{scenario.id}-{step.id}-p{person.number}"
    reference = f"KT-{token}-{name}"
    known = {
        **words,
        **step.values,
        **({"bsn": person.bsn} if person.bsn else {}),
        "persoon": str(person.number),
        "referentie": reference,
        "zaak": f"KT-{token}-{scenario.id}-p{person.number}",
        "tijdstip": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "uuid": str(uuid4()),
    }
    data = render(design.templates[step.template], known, step.template, at).encode()
    return Prepared(
        name, scenario.id, scenario.title, step.kind, data, f"{name}.xml", step.action, step.expect, person.number,
        reference, step.mark, step.sort,
    )  # fmt: skip


def render(template: str, words: Mapping[str, str], name: str, at: datetime) -> str:
    """Return the template with every `{{word}}` filled in; `{{datum+14}}` is a day from today.

    Raises UnusableInput for a word that nobody gives, with its line and the nearest known word.
    """

    def fill(place: re.Match[str]) -> str:
        word = place[1]
        if word == "datum":
            return (at + timedelta(days=int((place[2] or "0").replace(" ", "")))).strftime("%Y-%m-%d")
        if word in words:
            return escape(words[word], {'"': "&quot;"})
        line = template.count("\n", 0, place.start()) + 1
        known = (*words, "datum")
        near = nearest(word, known)
        hint = (f"; bedoelt u {{{{{near}}}}}?", f"; did you mean {{{{{near}}}}}?") if near else ("", "")
        raise UnusableInput(
            f"{name}:{line}: {{{{{word}}}}} is onbekend{hint[0]} Bekend: {', '.join(sorted(known))}",
            f"{name}:{line}: {{{{{word}}}}} is unknown{hint[1]} Known: {', '.join(sorted(known))}",
        )

    return _PLACE.sub(fill, template)


# --- on disk ---------------------------------------------------------------------------------------------------------


def write(messages: Iterable[Prepared], out: Path, connection: str, at: datetime) -> list[str]:
    """Write the messages, readable by their owner only, and the index beside them; never over an existing set."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UnusableInput(
            f"{out} bestaat al en is niet leeg; kies een nieuwe map, een testset wordt nooit overschreven",
            f"{out} exists already and is not empty; choose a new folder, a test set is never overwritten",
        )
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    listed = list(messages)
    for message in listed:
        _private(out / message.file, message.data)
    _private(out / INDEX, _index(listed, connection, at).encode())
    return [message.file for message in listed]


def _private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _index(messages: Iterable[Prepared], connection: str, at: datetime) -> str:
    lines = [
        "# Made by `ketentest generate testset`. The messages hold test BSNs; this index does not.",
        "# When your own adapter sends them, fill in message_id per message, or let the log tell it (adapter.log).",
        "[testset]",
        f"connection = {_quoted(connection)}",
        f"made = {_quoted(at.strftime('%Y-%m-%dT%H:%M:%SZ'))}",
    ]
    for message in messages:
        lines += ["", "[[message]]"]
        lines += [f"{key} = {value}" for key, value in _cells(message)]
    return "\n".join(lines) + "\n"


def _cells(message: Prepared) -> Iterator[tuple[str, str]]:
    for key in KEYS:
        value: Any = getattr(message, key)
        if key == "title":
            yield key, f"{{ nl = {_quoted(value.nl)}, en = {_quoted(value.en)} }}"
        elif isinstance(value, int):
            yield key, str(value)
        elif value:
            yield key, _quoted(value)


def _quoted(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)


def read(path: Path) -> list[Prepared]:
    """Return the messages of a test set (its folder or `testset.toml`); raises ScenarioInvalid with every mistake."""
    index = path / INDEX if path.is_dir() else path
    if not index.is_file():
        raise UnusableInput(
            f"{path}: geen {INDEX} gevonden; maak een testset met `ketentest generate testset`",
            f"{path}: no {INDEX} found; make a test set with `ketentest generate testset`",
        )
    text = index.read_text(encoding="utf-8", errors="replace")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        said = Text(f"geen geldige TOML ({wrong})", f"not valid TOML ({wrong})")
        raise ScenarioInvalid((Mistake(str(index), None, "", said),)) from None
    found = positions(text)
    mistakes: list[Mistake] = []
    messages: list[Prepared] = []
    seen: set[str] = set()
    rows = raw.get("message", ())
    for number, one in enumerate(rows if isinstance(rows, list) else ()):
        wrong_here = list(_row_mistakes(one, index.parent, seen))
        place = ("message", number)
        mistakes += [Mistake(str(index), line_of(found, place), f"message.{number}", text) for text in wrong_here]
        if not wrong_here:
            messages.append(_prepared(one, index.parent))
            seen.add(messages[-1].id)
    if mistakes:
        raise ScenarioInvalid(tuple(mistakes))
    if not messages:
        raise UnusableInput(f"{index}: er staat geen [[message]] in", f"{index}: holds no [[message]]")
    return messages


def _row_mistakes(one: Any, folder: Path, seen: set[str]) -> Iterator[Text]:
    if not isinstance(one, Mapping) or not one.get("id") or not one.get("file"):
        yield Text("een bericht heeft een id en een file", "a message has an id and a file")
        return
    for key in set(one) - set(KEYS):
        near = nearest(key, KEYS)
        yield Text(f"onbekende sleutel {key}; bedoelt u {near}?", f"unknown key {key}; did you mean {near}?")
    file = folder / str(one["file"])
    if not file.resolve().is_relative_to(folder.resolve()):
        yield Text("file wijst buiten de map van de testset", "file points outside the folder of the test set")
    elif not file.is_file():
        yield Text(f"{one['file']} is er niet", f"{one['file']} is not there")
    if str(one["id"]) in seen:
        yield Text(f"id {one['id']} komt twee keer voor", f"id {one['id']} occurs twice")


def _prepared(one: Mapping[str, Any], folder: Path) -> Prepared:
    title = one.get("title", one.get("scenario", one["id"]))
    said = (
        Text(str(title["nl"]), str(title.get("en", title["nl"]))) if isinstance(title, Mapping) else Text(title, title)
    )
    words: dict[str, Any] = {key: str(one[key]) for key in KEYS if key in one and key not in ("title", "person")}
    person = one.get("person", 0)
    base = Prepared("", "", said, "bericht", (folder / str(one["file"])).read_bytes())
    return replace(base, **words, person=person if isinstance(person, int) else 0)
