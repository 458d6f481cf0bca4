"""Which rules can speak at all of a certificate in this role, and of one that stands alone: the others are not called."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from harness.lint.judge import RuleTable
from harness.lint.pki.judged import Judged

F = TypeVar("F", bound=Callable[..., object])

_BESIDE: Final[set[object]] = set()
_ROLES: Final[dict[object, frozenset[str]]] = {}


def beside(function: F) -> F:
    """Mark a rule that compares: silent without settings, a service, a key, other certificates or documents beside it."""
    _BESIDE.add(function)
    return function


def in_roles(*roles: str) -> Callable[[F], F]:
    """Mark a rule that is silent in every other role."""

    def mark(function: F) -> F:
        _ROLES[function] = frozenset(roles)
        return function

    return mark


def stands_alone(doc: Judged) -> bool:
    """Whether there is nothing to compare the certificate with."""
    return not (doc.ctx.settings or doc.ctx.service or doc.content.keys) and doc.companions.only_authorities


def table_of(tables: Iterable[RuleTable[Judged]], role: str, *, alone: bool) -> RuleTable[Judged]:
    """Return one table with the functions that can speak; its ids are those of all, as all of them are evaluated."""
    whole = RuleTable[Judged].of(*tables)
    whole.functions = [
        f for f in whole.functions if role in _ROLES.get(f, frozenset({role})) and not (alone and f in _BESIDE)
    ]
    return whole
