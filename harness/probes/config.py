"""Probes on the scenario alone: declared values, the difference with production, secrets beside it."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from harness.errors import KetentestError
from harness.link import Link
from harness.model import Environment, Finding, Observation, Text
from harness.probes.probe import NotApplicable, NotPossible, Tools, Yield, probe
from harness.scenario import Connection, load

REGISTRIES: Final = ("BAG", "BGT", "BRI", "BRK", "BRO", "BRP", "BRT", "BRV", "HR", "WOZ")
SECRET_FILES: Final = ("*.pem", "*.key", "*.p12", "*.pfx")
MAX_FILES: Final = 2000
CLUSTER_PROVIDERS: Final = 2


@probe("config.lint", title=("Scenario volledig en consistent", "Scenario complete and consistent"))
async def lint(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """What the scenario declares of this connection holds together (registries, OINs, ServiceUUIDs)."""
    connection = link.connection
    for registry in connection.registries:
        if registry not in REGISTRIES:
            yield Finding("CONF-001", observed=registry, expected=", ".join(REGISTRIES), where="registries")
    if link.party.oin.startswith("00000099"):
        yield Finding("CONF-002", observed=link.party.oin, expected="OIN/HRN", where="party.oin")
    providers = connection.saml.providers if connection.saml else ()
    for uuid in _doubles(p.service_uuid.lower() for p in providers):
        yield Finding("CONF-003", observed=uuid, expected=Text("één keer", "once"), where="saml.providers")
    for oin in _doubles(p.oin for p in providers):
        yield Finding("CONF-004", observed=oin, expected=Text("één keer", "once"), where="saml.providers")
    if connection.system == "tvs-cluster" and len(providers) < CLUSTER_PROVIDERS:
        yield Finding(
            "CONF-005", observed=str(len(providers)), expected=f"≥ {CLUSTER_PROVIDERS}", where="saml.providers"
        )
    yield Observation(
        Text(
            f"{connection.system}, {link.party.kind}, {connection.network}",
            f"{connection.system}, {link.party.kind}, {connection.network}",
        )
    )


def _doubles(values: object) -> list[str]:
    counted = Counter(values)  # type: ignore[call-overload]
    return [value for value, number in counted.items() if number > 1]


@probe("config.diff", title=("Preproductie en productie vergeleken", "Pre-production and production compared"))
async def diff(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """What must differ between the pre-production and the production scenario does differ (TVS step 10, LZ 6.3.2)."""
    other = _production(link)
    same = 0
    for side in ("ebms", "wus", "saml"):
        ours, theirs = getattr(link.connection, side), getattr(other, side)
        if ours and theirs and theirs.endpoint != "lab" and ours.endpoint == theirs.endpoint:
            same += 1
            yield Finding(
                "CONF-010",
                observed=ours.endpoint,
                expected=Text("een ander adres", "another address"),
                where=f"{side}.endpoint",
            )
    for uuid in sorted(_uuids(link.connection) & _uuids(other)):
        yield Finding(
            "CONF-010",
            observed=uuid,
            expected=Text("een andere ServiceUUID", "another ServiceUUID"),
            where="saml.providers",
        )
    yield Observation(Text("vergeleken met scenarios/productie", "compared with scenarios/productie"))


def _production(link: Link) -> Connection:
    if link.environment is Environment.PROD:
        raise NotApplicable("dit is het productiescenario", "this is the production scenario")
    file = link.folder.parent / "productie" / "chain.toml"
    if not file.is_file():
        raise NotPossible(
            "er is geen productiescenario naast dit scenario (../productie/chain.toml)",
            "there is no production scenario beside this one (../productie/chain.toml)",
        )
    try:
        found = load(file).scenario.connections.get(link.name)
    except KetentestError as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from wrong
    if found is None:
        raise NotPossible(
            f"het productiescenario heeft geen verbinding {link.name}",
            f"the production scenario has no connection {link.name}",
        )
    return found


def _uuids(connection: Connection) -> set[str]:
    return {p.service_uuid.lower() for p in connection.saml.providers} if connection.saml else set()


@probe("secrets.scan", title=("Geen leesbare sleutels bij het scenario", "No readable keys beside the scenario"))
async def secrets(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """No private key beside the scenario can be read by other users of this machine."""
    files = [f for pattern in SECRET_FILES for f in sorted(link.folder.rglob(pattern))][:MAX_FILES]
    for file in files:
        if file.stat().st_mode & 0o077 and b"PRIVATE KEY-----" in file.read_bytes()[:65536]:
            yield Finding(
                "CONF-020",
                observed=f"{file.stat().st_mode & 0o777:o}",
                expected="600",
                where=str(file.relative_to(link.folder)),
            )
    yield Observation(Text(f"{len(files)} bestanden bekeken", f"{len(files)} files looked at"))
