"""Say, before anything is ordered, what a scenario asks for: requests, certificates with their fields, lead times."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.agenda import Agenda
from harness.guard import host_of
from harness.model import Text
from harness.ordering import ROLE_TEXTS, ROLES, Order, policies
from harness.scenario import LAB, Connection, Party, Scenario
from harness.starting import requests

_WIDTH = 14
_DETAIL = 13
_WEB = Text(
    "website: DV of OV van een publieke CA, niet van PKIoverheid",
    "web site: DV or OV from a public CA, not PKIoverheid",
)
_PROFESSION = Text("beroepscertificaat van PKIoverheid", "PKIoverheid certificate of a profession")
_ROLE_TEXTS = ROLE_TEXTS | {"web": _WEB, "beroep": _PROFESSION}


@dataclass
class Wanted:
    """A certificate that is still to come: whose, in which roles, for which connections, with which host names."""

    name: str
    party: Party
    roles: dict[str, None] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of our own addresses that it must carry; what still says `lab` has none."""
        sides = (side for c in self.connections.values() for side in (c.ebms, c.wus, c.saml) if side)
        return tuple(dict.fromkeys(host_of(s.own_endpoint) for s in sides if s.own_endpoint != LAB))

    @property
    def shared_with_tvs(self) -> bool:
        """Whether one certificate is meant for TVS and for something else, which DICTU does not accept."""
        return len({c.system.startswith("tvs") for c in self.connections.values()}) > 1


def wanted(scenario: Scenario) -> list[Wanted]:
    """Return each certificate of the scenario that still says `lab`, one for each party that uses it."""
    found: dict[tuple[str, str], Wanted] = {}
    for connection in scenario.connections.values():
        party = scenario.party_of(connection)
        for role, name in connection.certificates.items():
            entry = scenario.certificates.get(name)
            if entry is None or entry.cert != LAB:
                continue
            one = found.setdefault((name, party.oin), Wanted(name, party))
            one.roles[role] = None
            one.connections[connection.name] = connection
    return list(found.values())


def beforehand(scenario: Scenario, agendas: Iterable[Agenda], lang: str) -> Iterator[str]:
    """Yield the lines that come before the first run."""
    systems = tuple(dict.fromkeys(c.system for c in scenario.connections.values()))
    yield from ("", Text("aan te vragen", "to request").of(lang))
    yield from (f"  {line}" for line in requests(systems, lang))
    if coming := wanted(scenario):
        number = len(coming)
        yield from (
            "",
            Text(f"certificaten, nog te komen ({number})", f"certificates still to come ({number})").of(lang),
        )
        for one in coming:
            yield from _certificate(one, lang)
    yield from _of_providers(scenario, lang)
    waits = [t for a in agendas for t in (*a.now, *a.waiting, *a.blocked, *a.later) if t.lead_time.nl]
    if waits:
        yield from ("", Text("doorlooptijden", "lead times").of(lang))
        lines = (f"  {t.row:<{_WIDTH}} {t.title.of(lang)}: {t.lead_time.of(lang)}" for t in waits)
        yield from dict.fromkeys(lines)


def _certificate(one: Wanted, lang: str) -> Iterator[str]:
    roles = "; ".join(_ROLE_TEXTS[role].of(lang) for role in one.roles)
    yield f"  {one.name:<{_WIDTH}} {roles}"
    ordered = [role for role in ROLES if role in one.roles]
    lines = [(Text("voor", "for"), f"{one.party.name} ({', '.join(one.connections)})")]
    if ordered:
        lines.append((Text("serialNumber", "serialNumber"), f"{one.party.oin}{_IN_SUBJECT.of(lang)}"))
    if {"tls-server", "tls-client"} & one.roles.keys():
        lines.append((Text("hostnamen", "host names"), _names(one, lang)))
    lines += [(Text("generatie", "generation"), text) for text in _generations(ordered, one, lang)]
    if ordered:
        command = f"ketentest generate csr {next(iter(one.connections))} --role {ordered[0]} --out {one.name}.csr"
        lines.append((Text("bestellen", "order"), command))
    if one.shared_with_tvs:
        lines.append((Text("let op", "note"), _FOR_TVS_ONLY.of(lang)))
    yield from (f"    {label.of(lang):<{_DETAIL}} {value}" for label, value in lines)


_IN_SUBJECT = Text(" (OIN of HRN, in het subject)", " (OIN or HRN, in the subject)")
_FOR_TVS_ONLY = Text(
    "TVS vraagt certificaten die alleen voor TVS zijn; noem voor TVS een eigen [certificates.…]",
    "TVS asks for certificates that are for TVS only; name [certificates.…] of its own for TVS",
)


def _names(one: Wanted, lang: str) -> str:
    fixed = Text("later niet te wijzigen", "cannot be changed later").of(lang)
    if one.hosts:
        return f"{', '.join(one.hosts)} ({fixed})"
    return Text(
        f"nog niet bekend: vul own_endpoint in, want namen zijn {fixed}",
        f"not known yet: fill in own_endpoint, for names {fixed}",
    ).of(lang)


def _generations(roles: Iterable[str], one: Wanted, lang: str) -> Iterator[str]:
    found: dict[tuple[str, str], str] = {}
    for role in roles:
        for label, number, ends in policies(Order(one.party.name, one.party.oin, role, (), 3072)):
            last = Text(f", tot {ends:%d-%m-%Y}", f", until {ends}").of(lang) if ends else ""
            found[(label, number)] = f"{label} ({number}{last})"
    if found:
        yield Text(" of ", " or ").of(lang).join(found.values())


def _of_providers(scenario: Scenario, lang: str) -> Iterator[str]:
    """Yield how many care providers of each cluster still lack a certificate for their BSNs."""
    for connection in scenario.connections.values():
        providers = connection.saml.providers if connection.saml else ()
        lacking = [p.name for p in providers if not p.bsn_certificate]
        if connection.system == "tvs-cluster" and lacking:
            yield Text(
                f"  {connection.name}: van {len(lacking)} van de {len(providers)} zorgaanbieders is er nog geen certificaat voor het BSN; wie wat mist: ketentest plan --batches",
                f"  {connection.name}: {len(lacking)} of {len(providers)} care providers have no certificate for the BSN yet; who lacks what: ketentest plan --batches",
            ).of(lang)
