"""The functional design of a chain test: which scenarios, which messages, which answer is expected (LZ 4.3.7)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from harness.chain_mistakes import nearest
from harness.errors import Mistake, ScenarioInvalid, UnusableInput
from harness.model import Text
from harness.positions import line_of, positions
from harness.wire.xsd import SchemaSet

KINDS: Final = ("zaakbericht", "vraagbericht", "foutbericht", "aanlevering", "annotatie", "bericht")
MESSAGE_KEYS: Final = ("id", "template", "kind", "action", "expect", "mark", "sort", "values", "title")
SCENARIO_KEYS: Final = ("id", "title", "process", "message")


@dataclass(frozen=True)
class Step:
    """One message of a scenario: its template and values, how it travels, and what must come back.

    `expect`: `ack`, `foutbericht`, `fault`, or `status:500` (the status that Digipoort must reach).
    """

    id: str
    template: str
    kind: str = "bericht"
    action: str = ""
    expect: str = "ack"
    mark: str = ""
    sort: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionalScenario:
    """One scenario of the functional design, with the internal process that it exercises."""

    id: str
    title: Text
    process: Text
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Design:
    """The scenarios of a system, the templates they use, and samples of what comes in."""

    system: str
    scenarios: tuple[FunctionalScenario, ...]
    templates: Mapping[str, str]
    samples: tuple[Step, ...] = ()
    schemas: SchemaSet | None = None
    lab: bool = False


def lab_design(system: str) -> Design | None:
    """Return the scenarios that the lab plays for `system`: labelled, in our own namespace, like no real message."""
    folder = files("harness").joinpath("schemas", "lab-messages")
    file = folder.joinpath(f"{system}.toml")
    if not file.is_file():
        return None
    templates = {e.name: e.read_text(encoding="utf-8") for e in folder.joinpath("templates").iterdir()}
    schemas = {e.name: e.read_bytes() for e in folder.joinpath("xsd").iterdir() if e.name.endswith(".xsd")}
    text = file.read_text(encoding="utf-8")
    return _design(text, file.name, templates, SchemaSet(schemas, "lab-messages"), lab=True)


def read_design(folder: Path) -> Design:
    """Return the design in `folder`: one TOML file with scenarios, and the templates beside it or in `templates`.

    Raises ScenarioInvalid with every mistake and its line.
    """
    found = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if len(found) != 1:
        raise UnusableInput(
            f"{folder}: verwacht één TOML-bestand met scenario’s en de sjablonen ernaast; gevonden: {len(found)}",
            f"{folder}: expected one TOML file with scenarios and the templates beside it; found: {len(found)}",
        )
    text = found[0].read_text(encoding="utf-8", errors="replace")
    places = [p for p in (folder, folder / "templates") if p.is_dir()]
    templates = {
        file.name: file.read_text(encoding="utf-8", errors="replace") for p in places for file in p.glob("*.xml")
    }
    return _design(text, str(found[0]), templates, None, lab=False)


def _design(text: str, name: str, templates: Mapping[str, str], schemas: SchemaSet | None, *, lab: bool) -> Design:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        said = Text(f"geen geldige TOML ({wrong})", f"not valid TOML ({wrong})")
        raise ScenarioInvalid((Mistake(name, None, "", said),)) from None
    mistakes = _mistakes(raw, name, text, templates)
    if mistakes:
        raise ScenarioInvalid(tuple(mistakes))
    scenarios = tuple(
        FunctionalScenario(
            str(one["id"]), _text(one.get("title", one["id"])), _text(one.get("process", "")),
            tuple(_step(step) for step in one["message"]),
        )
        for one in raw.get("scenario", ())
    )  # fmt: skip
    samples = tuple(_step({"id": str(number), **one}) for number, one in enumerate(raw.get("sample", ()), 1))
    return Design(str(raw.get("meta", {}).get("system", "")), scenarios, templates, samples, schemas, lab)


def _text(given: Any) -> Text:
    return (
        Text(str(given["nl"]), str(given.get("en", given["nl"]))) if isinstance(given, Mapping) else Text(given, given)
    )


def _step(raw: Mapping[str, Any]) -> Step:
    words = {key: str(raw[key]) for key in ("id", "template", "kind", "action", "expect", "mark", "sort") if key in raw}
    return Step(**words, values={key: str(value) for key, value in raw.get("values", {}).items()})


def _mistakes(raw: Mapping[str, Any], name: str, text: str, templates: Mapping[str, str]) -> list[Mistake]:
    found = positions(text)
    mistakes: list[Mistake] = []

    def mistake(place: tuple[str | int, ...], nl: str, en: str) -> None:
        mistakes.append(Mistake(name, line_of(found, place), ".".join(map(str, place)), Text(nl, en)))

    scenarios = raw.get("scenario", ())
    if not isinstance(scenarios, list) or not scenarios:
        mistake((), "er staat geen [[scenario]] in dit bestand", "this file holds no [[scenario]]")
        return mistakes
    for index, one in enumerate(scenarios):
        place: tuple[str | int, ...] = ("scenario", index)
        if not isinstance(one, Mapping) or not one.get("id") or not isinstance(one.get("message"), list):
            mistake(place, "een scenario heeft een id en een lijst message", "a scenario has an id and a list message")
            continue
        for key in set(one) - set(SCENARIO_KEYS):
            mistake((*place, key), *_unknown(key, SCENARIO_KEYS))
        for number, step in enumerate(one["message"]):
            for said in _step_mistakes(step, templates):
                mistake((*place, "message", number), *said)
    return mistakes


def _step_mistakes(step: Any, templates: Mapping[str, str]) -> list[tuple[str, str]]:
    if not isinstance(step, Mapping):
        return [("een bericht is een tabel", "a message is a table")]
    said = [_unknown(key, MESSAGE_KEYS) for key in set(step) - set(MESSAGE_KEYS)]
    template = str(step.get("template", ""))
    if template not in templates:
        near = nearest(template, tuple(templates))
        hint = (f"; bedoelt u {near}?", f"; did you mean {near}?") if near else ("", "")
        said.append((f"sjabloon {template!r} is er niet{hint[0]}", f"template {template!r} is not there{hint[1]}"))
    if step.get("kind", "bericht") not in KINDS:
        words = ", ".join(KINDS)
        said.append((f"kind is een van {words}", f"kind is one of {words}"))
    if not str(step.get("id", "")):
        said.append(("elk bericht heeft een id", "each message has an id"))
    return said


def _unknown(key: str, known: tuple[str, ...]) -> tuple[str, str]:
    near, words = nearest(key, known), ", ".join(known)
    hint = (f"; bedoelt u {near}?", f"; did you mean {near}?") if near else ("", "")
    return f"onbekende sleutel{hint[0]} (geldig: {words})", f"unknown key{hint[1]} (valid: {words})"
