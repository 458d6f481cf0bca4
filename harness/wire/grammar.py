"""Validate XML against the grammars that come with the product (`harness/schemas`)."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from threading import Lock
from typing import Final

from lxml import etree

from harness.errors import OwnFailure
from harness.model import Text

CPA: Final = "cpa"
EBMS_HEADER: Final = "ebms-header"
CONSUMER_SPEC: Final = "consumer-spec"
PING_MMD: Final = "ping-mmd"

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_LOCK = Lock()  # a schema keeps the errors of its last document


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a document departs from its grammar."""

    line: int | None
    path: str
    element: str
    attribute: str
    text: Text


@cache
def grammar(name: str) -> etree.XMLSchema:
    """Return the compiled grammar `name` (`cpa`, `ebms-header`, `consumer-spec`, `ping-mmd`)."""
    schemas = files("harness").joinpath("schemas")
    with as_file(schemas) as folder, as_file(files("signxml").joinpath("schemas")) as signxml:
        tree = etree.parse(folder / f"{name}.xsd")
        for link in tree.iter(f"{_XS}import"):
            if link.get("schemaLocation") == "xmldsig":  # W3C's own file comes with signxml
                link.set("schemaLocation", str(signxml / "xmldsig-core-schema.xsd"))
        try:
            return etree.XMLSchema(tree)
        except etree.XMLSchemaParseError as wrong:
            raise OwnFailure(
                f"grammatica {name} is niet te laden: {wrong}", f"grammar {name} cannot be loaded: {wrong}"
            ) from wrong


def valid(name: str, element: etree._Element) -> bool:
    """Whether `element` (and everything in it) follows grammar `name`."""
    with _LOCK:
        return bool(grammar(name).validate(element))


def violations(name: str, element: etree._Element) -> list[Violation]:
    """Return where `element` departs from grammar `name`, in the order of the document."""
    schema = grammar(name)
    with _LOCK:
        if schema.validate(element):
            return []
        entries = [(e.line, re.sub(r"(?<=/)[\w.-]+:", "", e.path or ""), e.message) for e in schema.error_log]
    return [violation(*entry) for entry in entries if not _only_white_space(entry[2])]


_UNCOLLAPSED: Final = re.compile(
    r"'(\s[^']*|[^']*\s)' is not a valid value of the atomic type 'xs:(dateTime|duration)'"
)
_LEXICAL: Final = {
    "dateTime": re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII),
    "duration": re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII),
}


def _only_white_space(message: str) -> bool:
    """Whether libxml2 complains of white space around a moment or a duration, which XML Schema tells it to collapse."""
    found = _UNCOLLAPSED.search(message)
    return found is not None and _LEXICAL[found[2]].fullmatch(found[1].strip()) is not None


_PATTERNS: Final = (
    (r"The attribute '([^']*)' is required but missing", "attribuut {0} ontbreekt", "attribute {0} is missing"),
    (r"The attribute '([^']*)' is not allowed", "attribuut {0} hoort hier niet", "attribute {0} does not belong here"),
    (
        r"This element is not expected\. Expected is (?:one of )?\( ([^)]*) \)",
        "staat hier niet goed; verwacht {0}",
        "is not in place here; expected {0}",
    ),
    (r"This element is not expected", "hoort hier niet", "does not belong here"),
    (
        r"Missing child element\(s\)\. Expected is (?:one of )?\( ([^)]*) \)",
        "mist {0}",
        "lacks {0}",
    ),
    (
        r"'(.*)' is not a valid value of the (?:atomic|local|union) .*",
        "waarde ‘{0}’ kan niet",
        "value ‘{0}’ is not possible",
    ),
    (r"'(.*)' is not a valid value of .*", "waarde ‘{0}’ kan niet", "value ‘{0}’ is not possible"),
    (r"The value '(.*)' is not accepted by the pattern.*", "waarde ‘{0}’ kan niet", "value ‘{0}’ is not possible"),
    (
        r"The value '(.*)' is not an element of the set.*",
        "waarde ‘{0}’ staat niet op de lijst",
        "value ‘{0}’ is not on the list",
    ),
    (r"The value has a length of '0'.*", "is leeg", "is empty"),
    (r"The value has a length of '(\d+)'; this exceeds.*", "is te lang ({0} tekens)", "is too long ({0} characters)"),
    (
        r"The value has a length of '(\d+)'; this (?:underruns|differs).*",
        "heeft niet de goede lengte ({0} tekens)",
        "does not have the right length ({0} characters)",
    ),
    (r"No matching global declaration available", "is hier niet bekend", "is not known here"),
    (r"Duplicate key-sequence \['([^']*)'\]", "naam {0} komt twee keer voor", "name {0} occurs twice"),
    (r"Character content .*not allowed.*", "mag geen tekst bevatten", "must not contain text"),
)


def violation(line: int, path: str, message: str) -> Violation:
    """Return a complaint of libxml2 in words: which element or attribute, and what is wrong with it."""
    message = re.sub(r"\{[^}]*\}", "", message)
    head = re.match(r"Element '([^']*)'(?:, attribute '([^']*)')?: (?:\[[^\]]*\] )?", message)
    element, attribute = (head[1], head[2] or "") if head else ("", "")
    rest = message[head.end() :].strip() if head else message
    subject = f"{element}/@{attribute}" if attribute else element
    for pattern, nl, en in _PATTERNS:
        found = re.match(pattern, rest, re.DOTALL)
        if found:
            value = found[1][:80] if found.groups() else ""
            named = value if "attribut" in nl else attribute
            return Violation(
                line, path, element, named, Text(f"{subject} {nl.format(value)}", f"{subject} {en.format(value)}")
            )
    return Violation(line, path, element, attribute, Text(f"{subject}: {rest}", f"{subject}: {rest}"))
