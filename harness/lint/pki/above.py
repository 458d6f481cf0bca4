"""The CAs above a certificate, and what is the same for every certificate below them, worked out once."""

from datetime import date, datetime
from functools import lru_cache

from harness.lint.pki.policy import Authority, policy, read_policy
from harness.wire.distinguished import COMMON_NAME, Name
from harness.wire.lazy import lazy
from harness.wire.x509 import Certificate

PLAIN = frozenset({"http"})


def revoked_as_a_group(name: Name) -> tuple[tuple[Name, date], ...]:
    """Return `name` with the day on which the CAs that are called so were withdrawn as a group."""
    return tuple((name, on) for ending, on in policy().revoked if name.first(COMMON_NAME).endswith(ending))


class Above:
    """The authorities of a path, the issuer of the leaf first; two of them are the same when they are one object."""

    def __init__(self, authorities: tuple[Certificate, ...]) -> None:
        self.authorities = authorities

    @lazy
    def _dates(self) -> tuple[datetime, datetime] | None:
        first = [c.not_before for c in self.authorities if c.not_before]
        last = [c.not_after for c in self.authorities if c.not_after]
        whole = len(first) == len(last) == len(self.authorities) > 0
        return (max(first), min(last)) if whole else None

    def valid_at(self, at: datetime) -> bool:
        """Whether `at` lies within the validity of all of them."""
        return not self.authorities or (self._dates is not None and self._dates[0] <= at <= self._dates[1])

    def valid_until(self, at: datetime) -> bool:
        """Whether all of them last until `at`."""
        return not self.authorities or (self._dates is not None and at <= self._dates[1])

    @lazy
    def plain(self) -> bool:
        """Whether all of them below a root have their CRL at http addresses only."""
        return all(c.crl_schemes == PLAIN or c.self_issued for c in self.authorities)

    @lazy
    def pin(self) -> Authority | None:
        """The highest of them that is a published CA."""
        found = (policy().by_digest.get(c.sha256) for c in reversed(self.authorities))
        return next((known for known in found if known), None)

    @lazy
    def generation(self) -> str:
        """The generation that the policies of the highest of them name."""
        found = (p.generation for c in reversed(self.authorities) for p in map(read_policy, c.policies) if p)
        return next(found, "")

    @lazy
    def revoked(self) -> tuple[tuple[Name, date], ...]:
        """Those that were withdrawn as a group, with the day."""
        return tuple(pair for c in self.authorities if c.is_ca for pair in revoked_as_a_group(c.subject))


@lru_cache(maxsize=64)
def above(authorities: tuple[Certificate, ...]) -> Above:
    """Return the facts of these authorities, the same object while they are in use."""
    return Above(authorities)


#: For what a rule has to say of the authorities alone: it is the same for every leaf below them.
remembered = lru_cache(maxsize=256)
