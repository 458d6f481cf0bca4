"""Tell which roles a step asks for, from the words its procedure uses for who acts."""

import re
from functools import cache
from typing import Final

ROLES: Final = {
    "tester": r"\btester\b",
    "technisch specialist": r"technisch specialist",
    "projectleider": r"projectleider",
    "tekenbevoegde": r"tekenbevoegde",
    "gebruiker": r"\bgebruiker\b",
    "afnemer": r"\bafnemers?\b",
    "leverancier": r"leverancier|\blev\b",
    "zorgaanbieder": r"zorgaanbieder",
    "bedrijf": r"\bbedrijf\b",
    "Rijksorganisatie": r"Rijksorganisatie",
    "IT-beheer": r"IT-beheer",
    "auditor": r"auditor|accountant",
}
"""The roles on our own side; a step of Logius or DICTU alone has none, and whoever follows it up may record it."""


@cache
def roles_of(actor: str) -> frozenset[str]:
    """Return the roles that a step's actor names.

    >>> sorted(roles_of("lev (+afnemer), Logius"))
    ['afnemer', 'leverancier']
    """
    return frozenset(role for role, pattern in ROLES.items() if re.search(pattern, actor))


def concerns(actor: str, roles: frozenset[str]) -> bool:
    """Whether a step belongs to one of `roles`; no roles means all, and a step without a role is everybody's."""
    own = roles_of(actor)
    return not roles or not own or bool(own & roles)
