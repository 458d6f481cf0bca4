"""The cases of the battery: those that come with the product, and those that a user adds."""

import tomllib
from dataclasses import dataclass
from typing import Final

from harness.errors import UnusableInput
from harness.lab.faults.saml import FAULTS

LATER: Final = ("metadata-expired", "metadata-broken", "metadata-other-oin")
BACK: Final = ("resolve-other-ca", "resolve-other-host", "tls-alert")
OTHERS: Final = frozenset({"sso-error", "bad-artifact", "represented", "logout-denied", "logout-unsigned"})
"""Faults of the front channel and of logout, and representation: a service may support it or not."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the battery: the faults that are played, the rule, and whether the application must refuse."""

    name: str
    rule: str
    faults: frozenset[str]
    refuse: bool = True


def cases() -> tuple[Case, ...]:
    """Return the cases that come with the product and need no more than the login page."""
    return tuple(case_of(name) for name in FAULTS if name not in {*LATER, *BACK, *OTHERS})


def case_of(name: str) -> Case:
    """Return the case that plays one fault."""
    return Case(name, FAULTS[name].rule, frozenset({name}), FAULTS[name].refuse)


def read_cases(text: str, name: str) -> tuple[Case, ...]:
    """Read a user's own cases: a table per case with `rule`, `faults` and `refuse`; raises UnusableInput."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise UnusableInput(f"{name}: geen TOML: {wrong}", f"{name}: no TOML: {wrong}") from None
    return tuple(_case(name, key, table) for key, table in tables.items())


def _case(file: str, name: str, table: object) -> Case:
    faults = frozenset(table.get("faults", ())) if isinstance(table, dict) else frozenset()
    unknown = sorted(faults - set(FAULTS))
    if not isinstance(table, dict) or not faults or unknown:
        raise UnusableInput(
            f"{file}: {name}: noem bij faults bekende fouten ({', '.join(unknown) or 'geen genoemd'}); bekend: {', '.join(FAULTS)}",
            f"{file}: {name}: name known faults under faults ({', '.join(unknown) or 'none named'}); known: {', '.join(FAULTS)}",
        )
    rule = str(table.get("rule") or FAULTS[min(faults)].rule)
    return Case(name, rule, faults, bool(table.get("refuse", True)))
