"""What is known of a service (`harness/services/*.toml`): profile, operations, hosts, codes, tolerated deviations."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from harness.errors import OwnFailure
from harness.model import NOTHING, Text
from harness.wire.soap_wsdl import Action, Operation

PROFILES: Final = ("2W-be", "2W-be-S", "2W-be-SE")


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the service: the environment it belongs to and whether a probe may send to it."""

    name: str
    environment: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A fault or status code: what it means, who must act, whether the link works.

    `kind` is refused (our message), authorisation, unavailable, or empty when it cannot be told.
    """

    code: str
    meaning: Text
    who: Text = NOTHING
    link_works: bool = True
    final: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A known deviation of a service: why, and on which role only (request, response or fault; empty is any)."""

    why: Text
    role: str = ""


@dataclass(frozen=True)
class ServiceProfile:
    """One service: severities of its known deviations come from here, never from code (META-02)."""

    name: str
    title: Text
    profile: str = ""
    namespaces: tuple[str, ...] = ()
    body_namespace: str = ""
    wsdl: tuple[str, ...] = ()
    schema: tuple[str, ...] = ()
    message_id: str = "urn:uuid"
    to: str = "endpoint"
    sha1: str = "forbidden"
    signed_faults: bool = True
    confirmation: bool = True
    sender: bool = True
    mtom: str = "no"
    skew: int = 300
    verified: bool = True
    tolerated: Mapping[str, Tolerance] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    allowed: frozenset[str] = frozenset()
    hosts: tuple[Host, ...] = ()
    codes: Mapping[str, Code] = field(default_factory=dict)
    statuses: Mapping[str, Code] = field(default_factory=dict)
    settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lab_samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether this is a named service rather than any Digikoppeling service."""
        return bool(self.namespaces)

    def owns(self, value: str) -> bool:
        """Whether a namespace or Action belongs to this service."""
        return any(value.startswith(start) for start in self.namespaces)

    def operation(self, name: str) -> Operation | None:
        """Return the operation called `name`."""
        return next((o for o in self.operations if o.name == name), None)

    def by_element(self, clark: str) -> Operation | None:
        """Return the operation whose request or answer is the element `{namespace}name`."""
        return next((o for o in self.operations if clark in (o.input, o.output)), None)

    def host(self, name: str) -> Host | None:
        """Return what is known of a host name."""
        return next((h for h in self.hosts if h.name == name.lower()), None)


GENERIC: Final = "digikoppeling"


@cache
def service(name: str) -> ServiceProfile:
    """Return the profile of a service by name; an unknown name is any Digikoppeling service."""
    return services().get(name) or services()[GENERIC]


@cache
def services() -> Mapping[str, ServiceProfile]:
    """Return the service profiles that come with the product."""
    found = {}
    for entry in sorted(files("harness").joinpath("services").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            profile = read_profile(entry.read_text(encoding="utf-8"), entry.name)
            found[profile.name] = profile
    return found


def read_profile(text: str, name: str) -> ServiceProfile:
    """Read one service profile; raises OwnFailure when it is not one."""
    try:
        return _profile(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise OwnFailure(
            f"dienstprofiel {name} is onbruikbaar ({wrong!r})", f"service profile {name} is unusable ({wrong!r})"
        ) from wrong


def _text(raw: Mapping[str, str] | None) -> Text:
    return Text(raw["nl"], raw["en"]) if raw else NOTHING


def _profile(raw: Mapping[str, Any]) -> ServiceProfile:
    head = raw["service"]
    if head.get("profile", "") not in ("", *PROFILES):
        raise ValueError(head["profile"])
    body = head.get("body_namespace", "")
    return ServiceProfile(
        name=head["name"],
        title=_text(head["title"]),
        profile=head.get("profile", ""),
        namespaces=tuple(head.get("namespaces", ())),
        body_namespace=body,
        wsdl=tuple(head.get("wsdl", ())),
        schema=tuple(head.get("schema", ())),
        message_id=head.get("message_id", "urn:uuid"),
        to=head.get("to", "endpoint"),
        sha1=head.get("sha1", "forbidden"),
        signed_faults=head.get("signed_faults", True),
        confirmation=head.get("confirmation", True),
        sender=head.get("sender", True),
        mtom=head.get("mtom", "no"),
        skew=head.get("skew", 300),
        verified=head.get("verified", True),
        tolerated={rule: Tolerance(_text(t), t.get("role", "")) for rule, t in raw.get("tolerated", {}).items()},
        operations=tuple(_operation(o, body) for o in raw.get("operation", ())),
        allowed=frozenset(o["name"] for o in raw.get("operation", ()) if not o.get("writes", True)),
        hosts=tuple(Host(h["name"], h["environment"], h.get("note", "")) for h in raw.get("host", ())),
        codes={code: _code(code, words) for code, words in raw.get("codes", {}).items()},
        statuses={code: _code(code, words) for code, words in raw.get("statuses", {}).items()},
        settings={key: tuple(values) for key, values in raw.get("known", {}).items()},
        samples=raw.get("sample", {}),
        lab_samples=raw.get("lab_sample", {}),
    )


def _code(code: str, raw: Mapping[str, Any]) -> Code:
    return Code(
        code,
        _text(raw),
        _text(raw.get("who")),
        raw.get("link_works", True),
        raw.get("final", False),
        raw.get("kind", ""),
    )


def _operation(raw: Mapping[str, Any], body: str) -> Operation:
    def clark(value: str) -> str:
        return value if value.startswith("{") or not value else f"{{{body}}}{value}"

    return Operation(
        name=raw["name"],
        input=clark(raw["request"]),
        output=clark(raw["response"]),
        faults=tuple(clark(f) for f in raw.get("faults", ())),
        action=Action(raw.get("action", ""), "soapAction"),
        response_action=Action(raw.get("response_action", ""), "wsaw"),
        fault_actions=tuple(raw.get("fault_actions", ())),
        writes=raw.get("writes", True),
    )
