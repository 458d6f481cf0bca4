"""The test persons of a connection: their BSNs are read, checked and compared, and never shown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lxml import etree

from harness.chain import secret
from harness.errors import DocumentUnreadable, Refused, UnusableInput
from harness.link import Link
from harness.masking import elfproef, possible_bsns
from harness.model import Environment
from harness.scenario import Connection
from harness.wire import xml

LAB_PERSONS: Final = ("999990019", "999990020")


@dataclass(frozen=True)
class Person:
    """One test person: a number to speak of, and a BSN that no representation shows."""

    number: int
    bsn: str = field(repr=False)


NOBODY: Final = Person(1, "")
"""Who a message is about that is about no citizen, such as a company's return."""


def read_persons(text: str, source: str = "test_bsns") -> tuple[Person, ...]:
    """Return the test persons of a list (white space, commas or semicolons between; `#` begins a comment).

    Raises UnusableInput naming the position of a number that cannot be a BSN, never its digits.
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    words = [word for line in lines for word in re.split(r"[\s,;]+", line) if word]
    for number, word in enumerate(words, 1):
        if not re.fullmatch(r"\d{9}", word):
            raise UnusableInput(
                f"{source}: nummer {number} heeft geen 9 cijfers (voorloopnul verdwenen?); verbeter de lijst",
                f"{source}: number {number} does not have 9 digits (leading zero lost?); correct the list",
            )
        if not elfproef(word.encode()):
            raise UnusableInput(
                f"{source}: nummer {number} voldoet niet aan de 11-proef; neem de test-BSN's over van Logius",
                f"{source}: number {number} does not pass the 11-proef; take the test BSNs from Logius",
            )
    return tuple(Person(number, word) for number, word in enumerate(dict.fromkeys(words), 1))


def persons_of(link: Link) -> tuple[Person, ...]:
    """Return the test persons of a link; see `persons_for`."""
    return persons_for(link.connection, link.folder, link.environment)


def persons_for(connection: Connection, folder: Path, environment: Environment) -> tuple[Person, ...]:
    """Return the test persons of a connection; the lab has its own when the scenario names none."""
    if not connection.test_bsns:
        lab = environment is Environment.LAB
        return tuple(Person(number, bsn) for number, bsn in enumerate(LAB_PERSONS, 1)) if lab else ()
    return read_persons(secret(connection.test_bsns, folder).decode("utf-8", "replace"))


def bsns_in(data: bytes) -> set[str]:
    """Return every nine-digit number in a message that passes the 11-proef, however its digits are written."""
    try:
        whole = etree.tostring(xml.parse(data, huge=True), encoding="utf-8")
    except DocumentUnreadable:
        whole = data
    return possible_bsns(data) | possible_bsns(whole)


def strangers(data: bytes, persons: tuple[Person, ...]) -> int:
    """Return how many BSNs in a message are on no list of test persons."""
    return len(bsns_in(data) - {person.bsn for person in persons})


def refuse_strangers(data: bytes, persons: tuple[Person, ...], name: str) -> None:
    """Raise Refused when a message holds a BSN that is not on the list; nothing has been sent then."""
    count = strangers(data, persons)
    if count:
        raise Refused(
            f"{name}: {count} BSN(’s) in het bericht staan niet op de lijst met test-BSN’s (test_bsns); er is niets verstuurd",
            f"{name}: {count} BSN(s) in the message are not on the list of test BSNs (test_bsns); nothing was sent",
        )


def persons_in(data: bytes, persons: tuple[Person, ...]) -> Iterator[Person]:
    """Yield the test persons that a message is about."""
    found = bsns_in(data)
    return (person for person in persons if person.bsn in found)
