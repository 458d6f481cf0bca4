"""The usual ways in which a file is laid out anew after signing: indented, squeezed, wrapped, with other line ends."""

from collections.abc import Callable
from typing import Final

from lxml import etree

from harness.wire.saml import Element


def _without_blanks(root: Element) -> None:
    for element in root.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None


def _trimmed(root: Element) -> None:
    _without_blanks(root)
    for element in root.iter():
        if not len(element) and element.text:
            element.text = element.text.strip()


def _without_breaks_in_values(root: Element) -> None:
    _without_blanks(root)
    for element in root.iter():
        if not len(element) and element.text:
            element.text = "".join(element.text.split())


def _without_returns(root: Element) -> None:
    for element in root.iter():
        element.text = (element.text or "").replace("\r", "") or None
        element.tail = (element.tail or "").replace("\r", "") or None


def _indented(space: str) -> Callable[[Element], None]:
    def layout(root: Element) -> None:
        _without_blanks(root)
        etree.indent(root, space=space)
        root.tail = None

    return layout


LAYOUTS: Final[tuple[Callable[[Element], None], ...]] = (
    _without_blanks,
    _trimmed,
    _without_breaks_in_values,
    _without_returns,
    _indented("  "),
    _indented("    "),
    _indented("\t"),
)
