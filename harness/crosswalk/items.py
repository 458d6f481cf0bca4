"""One item of somebody else's checklist, and what can be wrong with it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from harness.attestations import fingerprint
from harness.checklist import Mode, catalogue
from harness.errors import Mistake, ScenarioInvalid
from harness.model import Text
from harness.sheets import Cell

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("nummer", "nr", "number", "no", "volgnummer", "testnummer", "item", "id", "#"),
    "chapter": ("hoofdstuk", "chapter", "onderdeel", "rubriek", "section", "paragraaf"),
    "title": ("omschrijving", "title", "titel", "beschrijving", "description", "testgeval", "scenario", "controle"),
    "steps": ("stappen", "stap", "steps", "step", "rijen", "rows"),
    "rules": ("regels", "regel", "rules", "rule", "toetsregels", "toetsregel"),
    "connection": ("aansluiting", "connection", "verbinding"),
}
"""Our columns, and the headings (letters only, any case) under which each is known; the first is the one we print."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist: their number and words, our ids, and what else stood on its line."""

    number: str
    title: str
    chapter: str = ""
    steps: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    connection: str = ""
    extra: tuple[str, ...] = ()
    line: int | None = None

    @property
    def covered(self) -> bool:
        """Whether anything of ours answers this item."""
        return bool(self.steps or self.rules)


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A whole checklist of somebody else, with the headings of the columns that are not ours."""

    name: str
    items: tuple[Item, ...]
    version: str = ""
    path: str = ""
    sha256: str = ""
    extra: tuple[str, ...] = ()
    delimiter: str = ";"


@dataclass
class Reading:
    """One file while it is read: its mistakes so far, and where each number stood first."""

    path: Path
    connections: Collection[str]
    rules: Collection[str]
    mistakes: list[Mistake] = field(default_factory=list)
    numbers: dict[str, Cell] = field(default_factory=dict)

    def wrong(self, line: int | None, key: str, nl: str, en: str) -> None:
        """Put a mistake on the list."""
        self.mistakes.append(Mistake(str(self.path), line, key, Text(nl, en)))

    def done(
        self, name: str, items: Sequence[Item], version: str = "", extra: Sequence[str] = (), delimiter: str = ";"
    ) -> Crosswalk:
        """Return the checklist; raises ScenarioInvalid with every mistake that was found."""
        if not items and not self.mistakes:
            self.wrong(None, "", "geen enkel item gevonden", "no item found")
        if self.mistakes:
            raise ScenarioInvalid(tuple(sorted(self.mistakes, key=lambda m: m.line or 0)))
        return Crosswalk(name, tuple(items), version, str(self.path), fingerprint(self.path), tuple(extra), delimiter)

    def item(self, values: Mapping[str, Cell], chapter: str = "", extra: tuple[str, ...] = ()) -> Item:
        """Return the item of one line; what is wrong with it goes on the list."""
        line = next((cell.line for cell in values.values()), None)
        number, title = values.get("number"), values.get("title")
        if number is None or not number.text:
            self.wrong(number.line if number else line, number.name if number else "number", *_EMPTY)
        else:
            self._check_number(number)
        if title is None or not title.text:
            self.wrong(title.line if title else line, title.name if title else "title", *_EMPTY)
        return Item(
            _text(number),
            _text(title),
            _text(values.get("chapter")) or chapter,
            self._steps(values.get("steps")),
            self._rules(values.get("rules")),
            self._connection(values.get("connection")),
            extra,
            line,
        )

    def _check_number(self, cell: Cell) -> None:
        first = self.numbers.setdefault(cell.text, cell)
        if first is cell:
            return
        became = Text(
            "; een spreadsheet maakt van 5.10 het getal 5.1: maak de kolom tekst",
            "; a spreadsheet turns 5.10 into the number 5.1: make the column text",
        )
        hint = (
            became
            if re.fullmatch(r"\d+[.,]\d", cell.text)
            else Text("; geef elk item een eigen nummer", "; give each item a number of its own")
        )
        self.wrong(
            cell.line,
            cell.name,
            f"nummer {cell.text} staat ook op regel {first.line}{hint.nl}",
            f"number {cell.text} also stands on line {first.line}{hint.en}",
        )

    def _steps(self, cell: Cell | None) -> tuple[str, ...]:
        found: list[str] = []
        for word in _words(cell):
            rows = rows_named(word)
            scored = [row for row in rows if catalogue()[row].mode is not Mode.INFORMATIVE]
            if not rows:
                self._unknown(cell, word.upper(), catalogue(), Text("stap", "step"))
            elif not scored:
                self._wrong_in(
                    cell,
                    f"{word} is ter informatie en krijgt geen resultaat; noem een andere stap",
                    f"{word} is for information and has no result; name another step",
                )
            found += scored
        return tuple(dict.fromkeys(found))

    def _rules(self, cell: Cell | None) -> tuple[str, ...]:
        found = dict.fromkeys(word.upper() for word in _words(cell))
        for word in found:
            if self.rules and word not in self.rules:
                self._unknown(cell, word, self.rules, Text("regel", "rule"))
        return tuple(found)

    def _connection(self, cell: Cell | None) -> str:
        name = _text(cell)
        if name and self.connections and name not in self.connections:
            self._unknown(cell, name, self.connections, Text("aansluiting", "connection"))
        return name

    def _unknown(self, cell: Cell | None, word: str, known: Collection[str], kind: Text) -> None:
        near = get_close_matches(word, known, 1, 0.6)
        hint = Text(f"; bedoelt u {near[0]}?", f"; do you mean {near[0]}?") if near else _LIST
        self._wrong_in(cell, f"{kind.nl} {word!r} is onbekend{hint.nl}", f"{kind.en} {word!r} is unknown{hint.en}")

    def _wrong_in(self, cell: Cell | None, nl: str, en: str) -> None:
        self.wrong(cell.line if cell else None, cell.name if cell else "", nl, en)


_EMPTY: Final = ("is leeg; vul een waarde in", "is empty; fill in a value")
_LIST: Final = Text("; zie `ketentest explain --list`", "; see `ketentest explain --list`")


def _text(cell: Cell | None) -> str:
    return cell.text if cell else ""


def _words(cell: Cell | None) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", cell.text) if word] if cell and cell.kind == "text" else []


def rows_named(word: str) -> list[str]:
    """Return the rows that `word` names: one id in any case, or all that begin alike.

    >>> rows_named("lz-5.3.3*")
    ['LZ-5.3.3', 'LZ-5.3.3a', 'LZ-5.3.3b', 'LZ-5.3.3c']
    """
    upper = word.upper()
    if upper.endswith("*"):
        return [row for row in catalogue() if row.upper().startswith(upper[:-1])] if len(upper) > 3 else []
    return [row for row in catalogue() if row.upper() == upper]
