"""Build the path from a certificate to an anchor, and name the issuer that is missing when it stops short."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from harness.wire.distinguished import Name
from harness.wire.extensions import NAME_CONSTRAINTS
from harness.wire.lazy import lazy
from harness.wire.name_constraints import forbidden
from harness.wire.x509 import Certificate, signed_by

MAX_DEPTH: Final = 12
MAX_STEPS: Final = 500
MAX_WAYS: Final = 256


@dataclass(frozen=True)
class Path:
    """A path, leaf first; `complete` when the last certificate is an anchor.

    `missing` is the issuer that was looked for in vain; `impostors` are certificates that carry the issuer's name
    but whose key did not make the signature.
    """

    certificates: tuple[Certificate, ...]
    complete: bool
    missing: Name | None = None
    impostors: tuple[Certificate, ...] = ()

    @property
    def leaf(self) -> Certificate:
        """The certificate that the path starts with."""
        return self.certificates[0]

    @property
    def anchor(self) -> Certificate | None:
        """The anchor that the path ends in, or None."""
        return self.certificates[-1] if self.complete else None

    @lazy
    def authorities(self) -> tuple[Certificate, ...]:
        """The certificates above the leaf."""
        return self.certificates[1:]

    @property
    def issuer(self) -> Certificate | None:
        """The certificate that signed the leaf, when it was found."""
        return self.certificates[1] if len(self.certificates) > 1 else None

    def __str__(self) -> str:
        names = [c.subject.short for c in self.certificates]
        return " > ".join([*names, f"({self.missing.short}?)"] if self.missing else names)


class Store:
    """Anchors and intermediates, ready for many path searches; signatures between authorities are checked once."""

    def __init__(self, anchors: Iterable[Certificate], intermediates: Iterable[Certificate] = ()) -> None:
        self.anchors = frozenset(anchors)
        self.by_subject: dict[bytes, list[Certificate]] = {}
        self.by_key: dict[tuple[tuple[str, str], ...], list[Certificate]] = {}
        for certificate in dict.fromkeys((*self.anchors, *intermediates)):
            self.by_subject.setdefault(certificate.subject.der, []).append(certificate)
            self.by_key.setdefault(certificate.subject.key, []).append(certificate)
        self._signed: dict[tuple[bytes, bytes], bool] = {}
        self.ways: dict[tuple[bytes, datetime], tuple[Certificate, ...]] = {}
        """From an authority upwards at a moment, where there is one way that raises no question."""

    def called(self, name: Name) -> Sequence[Certificate]:
        """Return the certificates whose subject is `name`."""
        return self.by_subject.get(name.der, []) or self.by_key.get(name.key, [])

    def signed(self, child: Certificate, issuer: Certificate) -> bool:
        """Whether `issuer` signed `child`; remembered for authorities."""
        if not child.is_ca:
            return signed_by(child, issuer)
        pair = (child.der, issuer.spki)
        if pair not in self._signed:
            self._signed[pair] = signed_by(child, issuer)
        return self._signed[pair]


Acceptance = Callable[[Certificate, Certificate, int], bool]


def may_issue(child: Certificate, issuer: Certificate, below: int) -> bool:
    """Whether `issuer` may issue `child` with `below` authorities between it and the leaf (RFC 5280 6.1.4)."""
    constraints = issuer.basic_constraints
    if constraints is None or not constraints[0]:
        return False
    if constraints[1] is not None and constraints[1] < below:
        return False
    usage = issuer.key_usage
    return usage is None or "keyCertSign" in usage


def build_path(
    leaf: Certificate,
    intermediates: Iterable[Certificate],
    anchors: Iterable[Certificate],
    at: datetime | None = None,
) -> Path:
    """Return the best path from `leaf` to one of `anchors`, or the longest one with the missing issuer named."""
    return find_path(leaf, Store(anchors, intermediates), at)


def find_path(leaf: Certificate, store: Store, at: datetime | None = None, accept: Acceptance = may_issue) -> Path:
    """Search `store` for a path from `leaf`; a path that is valid at `at` goes before one that is not."""
    if at is None or accept is not may_issue or leaf.is_ca:
        return _Search(store, at, accept).from_leaf(leaf)
    named = store.called(leaf.issuer)
    way = store.ways.get((named[0].der, at)) if len(named) == 1 else None
    if way is not None and leaf not in store.anchors and signed_by(leaf, way[0]):
        return Path((leaf, *way), complete=True)
    path = _Search(store, at, accept).from_leaf(leaf)
    if path.complete and len(named) == 1 and len(path.certificates) > 1 and _unquestioned(path.authorities, at):
        if len(store.ways) >= MAX_WAYS:
            store.ways.clear()
        store.ways[named[0].der, at] = path.authorities
    return path


def _unquestioned(authorities: Sequence[Certificate], at: datetime) -> bool:
    """Whether every leaf of the first authority takes this way: all valid, and no names forbidden to anyone."""
    return all(c.valid_at(at) and NAME_CONSTRAINTS not in c.extensions.by_oid for c in authorities)


class _Search:
    def __init__(self, store: Store, at: datetime | None, accept: Acceptance) -> None:
        self.store = store
        self.at = at
        self.accept = accept
        self.steps = 0
        self.complete: list[Path] = []
        self.partial: Path | None = None

    def from_leaf(self, leaf: Certificate) -> Path:
        if leaf in self.store.anchors:
            return Path((leaf,), complete=True)
        self._extend((leaf,), 0)
        if self.complete:
            return min(self.complete, key=self._rank) if len(self.complete) > 1 else self.complete[0]
        return self.partial or Path((leaf,), complete=False, missing=leaf.issuer)

    def _rank(self, path: Path) -> tuple[int, int]:
        outside = sum(not c.valid_at(self.at) for c in path.certificates) if self.at else 0
        return outside + len(forbidden(path.certificates)), len(path.certificates)

    def _extend(self, so_far: tuple[Certificate, ...], below: int) -> None:
        child = so_far[-1]
        self.steps += 1
        if len(so_far) >= MAX_DEPTH or self.steps > MAX_STEPS or (self.complete and self._satisfied()):
            return
        impostors = []
        grown = False
        for issuer in self._candidates(child):
            if issuer in so_far or not self.accept(child, issuer, below):
                continue
            if not self.store.signed(child, issuer):
                impostors.append(issuer)
                continue
            grown = True
            path = (*so_far, issuer)
            if issuer in self.store.anchors:
                self.complete.append(Path(path, complete=True))
            else:
                self._extend(path, below + (not issuer.self_issued))
        if not grown:
            self._stopped(so_far, tuple(impostors))

    def _satisfied(self) -> bool:
        return self._rank(self.complete[-1])[0] == 0

    def _candidates(self, child: Certificate) -> list[Certificate]:
        wanted = child.aki.key_id if child.aki else None
        named = self.store.called(child.issuer)
        if len(named) < 2 or wanted is None:
            return list(named)
        return sorted(named, key=lambda c: (c.ski != wanted, c not in self.store.anchors))

    def _stopped(self, path: tuple[Certificate, ...], impostors: tuple[Certificate, ...]) -> None:
        if self.partial is None or len(path) > len(self.partial.certificates):
            self.partial = Path(path, complete=False, missing=path[-1].issuer, impostors=impostors)


@lru_cache(maxsize=8)
def store_of(anchors: tuple[Certificate, ...], intermediates: tuple[Certificate, ...]) -> Store:
    """Return the store of these certificates, the same one while they are in use."""
    return Store(anchors, intermediates)
