"""What PKIoverheid publishes, as data: pins, policies, roles, dates, and the conflicts between the sources."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

from harness.model import Text

ARC: Final = "2.16.528.1.1003.1.2."
ACCEPTANCE_ARC: Final = "2.16.528.1.1007.99."
ANY_POLICY: Final = "2.5.29.32.0"
DOMAIN_VALIDATED: Final = "2.23.140.1.2.1"
ORGANIZATION_VALIDATED: Final = "2.23.140.1.2.2"
PRODUCTION, TRIAL, ACCEPTANCE = "production", "trial", "acceptance"

_G4 = re.compile(r"(44|41)[.]([0-9]+[.][0-9]+[.][0-9]+)")
_OLD_GENERATIONS: Final = {"8": "g1", "5": "g3", "2": "g2"}
_PUBLIC_SERVER: Final = ("5.6", "5.8", "5.9", "2.5.6", "2.6")
_PERSONS: Final = ("8.1", "8.2", "8.3", "5.1", "5.2", "5.3", "2.1", "2.2", "2.3")
_HIERARCHIES: Final = {"14": "g4-eutl", "15": "g4-tls", "16": "g4-other"}


@dataclass(frozen=True, slots=True)
class Authority:
    """A published CA: its name, digest, key identifier, generation and level (1 is a root)."""

    name: str
    generation: str
    level: int
    sha256: str
    ski: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """What a role asks of a certificate."""

    groups: frozenset[str]
    g1: tuple[str, ...]
    g4: tuple[str, ...]
    generations: frozenset[str]


@dataclass(frozen=True, slots=True)
class PkiPolicy:
    """One PKIoverheid policy number, taken apart."""

    oid: str
    tail: str
    stage: str
    generation: str

    @property
    def is_g4(self) -> bool:
        """Whether the number is of the fourth generation."""
        return self.generation.startswith("g4")

    @property
    def is_person(self) -> bool:
        """Whether certificates under it belong to a natural person."""
        return self.tail.split(".")[1][:1] == "1" if self.is_g4 else self.tail in _PERSONS

    @property
    def is_public_server(self) -> bool:
        """Whether it is a server policy of a public hierarchy, not of the private root."""
        return self.tail in _PUBLIC_SERVER


@dataclass(frozen=True)
class Policy:
    """Everything of policy.toml."""

    by_digest: dict[str, Authority]
    by_name: dict[str, Authority]
    revoked: tuple[tuple[str, date], ...]
    generations: dict[str, dict[str, Any]]
    roles: dict[str, Role]
    services: dict[str, tuple[str, ...]]
    validity: dict[str, Any]
    conflicts: dict[str, Text]

    def label(self, generation: str) -> str:
        """Return the name of a generation as it is printed."""
        return str(self.generations.get(generation, {}).get("label", generation or "?"))

    def vouches(self, authority: Authority | None) -> bool:
        """Whether the pin of this CA is enough without the certificates above it: its whole generation is listed."""
        return authority is not None and bool(self.generations[authority.generation].get("pinned"))

    def layers(self, generation: str) -> int | None:
        """Return how many layers the hierarchy has, or None when nothing is published."""
        return self.generations.get(generation, {}).get("layers")

    def web_days(self, issued: date) -> int | None:
        """Return the longest life of a public certificate issued on that day."""
        return next((row["days"] for row in reversed(self.validity["web"]) if issued >= row["since"]), None)


@cache
def policy() -> Policy:
    """Return the policy data that comes with the product."""
    raw = tomllib.loads(files("harness.lint.pki").joinpath("policy.toml").read_text(encoding="utf-8"))
    authorities = [Authority(**row) for row in raw["authority"]]
    roles = {
        name: Role(frozenset(r["groups"]), tuple(r["g1"]), tuple(r["g4"]), frozenset(r["generations"]))
        for name, r in raw["roles"].items()
    }
    return Policy(
        by_digest={a.sha256: a for a in authorities},
        by_name={a.name: a for a in authorities},
        revoked=tuple((row["name"], row["on"]) for row in raw["revoked"]),
        generations=raw["generations"],
        roles=roles,
        services={name: tuple(needed) for name, needed in raw["services"].items()},
        validity=raw["validity"],
        conflicts={name: Text(row["nl"], row["en"]) for name, row in raw["conflicts"].items()},
    )


@cache
def read_policy(oid: str) -> PkiPolicy | None:
    """Take a policy number apart; None when it is not one of PKIoverheid or of the CIBG acceptance range.

    >>> read_policy("2.16.528.1.1003.1.2.41.15.35.11").stage
    'trial'
    """
    stage, tail = PRODUCTION, oid.removeprefix(ARC)
    if oid.startswith(ACCEPTANCE_ARC):
        stage, tail = ACCEPTANCE, oid.removeprefix(ACCEPTANCE_ARC)
        if not tail.startswith("44."):
            return PkiPolicy(oid, "8.6", stage, "g1")
    elif tail == oid:
        return None
    g4 = _G4.fullmatch(tail)
    if g4:
        hierarchy = _HIERARCHIES.get(g4[2].split(".")[0], "g4-other")
        return PkiPolicy(oid, g4[2], TRIAL if g4[1] == "41" else stage, hierarchy)
    generation = "ev" if tail == "5.9" else _OLD_GENERATIONS.get(tail.split(".")[0], "")
    return PkiPolicy(oid, tail, stage, generation) if generation else None
