"""Say in one sentence what a value in chain.toml does wrong: what is expected, the nearest valid word, the remedy."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from harness.model import Text
from harness.scenario import Connection, Scenario


def nearest(word: str, words: Sequence[str]) -> str:
    """Return the valid word nearest to `word`, or an empty string."""
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.5)), "")


def told_once(errors: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield the errors, without the key that is missing only because it was misspelt: one cause is told once."""
    meant = {(*e["loc"][:-1], nearest(str(e["loc"][-1]), keys_at(e["loc"][:-1]))) for e in errors if _misspelt(e)}
    yield from (e for e in errors if e["type"] != "missing" or e["loc"] not in meant)


def _misspelt(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden"


def sentence(error: ErrorDetails, place: tuple[str | int, ...]) -> Text:
    """Return what is wrong with the value at `place`; a secret is not repeated."""
    context = error.get("ctx", {})
    value = error.get("input")
    kind = error["type"]
    if "nl" in context:
        return Text(str(context["nl"]), str(context["en"]))
    if kind == "extra_forbidden":
        near = nearest(str(place[-1]), keys_at(place[:-1]))
        hint = Text(f"; bedoelt u {near!r}?", f"; did you mean {near!r}?") if near else Text("", "")
        known = ", ".join(keys_at(place[:-1]))
        return Text(
            f"onbekende sleutel{hint.nl} (geldig: {known}). Verbeter of verwijder de sleutel",
            f"unknown key{hint.en} (valid: {known}). Correct or remove the key",
        )
    if kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        near = nearest(str(value), re.findall(r"'([^']*)'", expected))
        hint = Text(f". Schrijf {near!r}", f". Write {near!r}") if near else Text("", "")
        return Text(
            f"verwacht {expected.replace(' or ', ' of ')}, gevonden {value!r}{hint.nl}",
            f"expected {expected}, found {value!r}{hint.en}",
        )
    if kind == "missing":
        return Text("ontbreekt; voeg deze sleutel toe", "is missing; add this key")
    shown = "…" if place[-1:] in (("key",), ("password",)) else _short(repr(value))
    if kind in _TYPES:
        wanted = _TYPES[kind]
        return Text(f"verwacht {wanted.nl}, gevonden {shown}", f"expected {wanted.en}, found {shown}")
    if bound := next((word for word in _BOUNDS if word in context), ""):
        wanted, limit = _BOUNDS[bound], context[bound]
        return Text(f"verwacht {wanted.nl} {limit}, gevonden {shown}", f"expected {wanted.en} {limit}, found {shown}")
    message = error["msg"]
    return Text(f"ongeldige waarde {shown} ({message})", f"invalid value {shown} ({message})")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


EMPTY_CELL: Final = Text("deze cel is leeg; vul haar in", "this cell is empty; fill it in")
_LIST: Final = Text('een lijst zoals ["…", "…"]', 'a list such as ["…", "…"]')
_TABLE: Final = Text("een tabel met sleutels", "a table with keys")
_NUMBER: Final = Text("een getal zonder aanhalingstekens", "a number without quotes")
_TYPES: Final[Mapping[str, Text]] = {
    "string_type": Text("tekst tussen aanhalingstekens", "text between quotes"),
    "bool_type": Text("true of false", "true or false"),
    "bool_parsing": Text("true of false", "true or false"),
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _TABLE,
    "mapping_type": _TABLE,
    "model_type": _TABLE,
}
_BOUNDS: Final[Mapping[str, Text]] = {
    "ge": Text("ten minste", "at least"),
    "gt": Text("meer dan", "more than"),
    "le": Text("ten hoogste", "at most"),
    "lt": Text("minder dan", "less than"),
}


def keys_at(place: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that the scenario knows at `place`."""
    kind: Any = Scenario
    for part in place:
        kind = _inside(kind, part)
    fields = getattr(kind, "model_fields", {})
    return tuple(field.alias or name for name, field in fields.items() if name != "name" or kind is not Connection)


def _inside(kind: Any, part: str | int) -> Any:
    """Return the type of `part` within a model, a mapping, a tuple or an optional one of these."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = next((f for name, f in kind.model_fields.items() if part in (name, f.alias)), None)
        return _plain(field.annotation) if field is not None else None
    arguments = getattr(kind, "__args__", ())
    return _plain(arguments[1] if isinstance(part, str) and len(arguments) > 1 else arguments[0]) if arguments else None


def _plain(kind: Any) -> Any:
    """Return an optional type without its None."""
    kinds = [a for a in getattr(kind, "__args__", ()) if a is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in kind.__args__ else kind
