"""Probes on the scenario alone: declared values, the difference with production, secrets beside it."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from harness.chain import Loaded, load
from harness.chaintest.persons import persons_of
from harness.errors import KetentestError
from harness.link import Link
from harness.model import Environment, Finding, Observation, Text
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.scenario import Connection
from harness.wire.saml_own import index_for

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
    for item in _test_persons(link):
        yield item
    yield Observation(
        Text(
            f"{connection.system}, {link.party.kind}, {connection.network}",
            f"{connection.system}, {link.party.kind}, {connection.network}",
        )
    )


def _test_persons(link: Link) -> Iterator[Finding | Observation]:
    """The test persons are counted, and their numbers checked with the 11-proef; no digit is shown (LZ 5.3.1)."""
    if not link.connection.test_bsns:
        return
    try:
        count = len(persons_of(link))
    except KetentestError as wrong:
        yield Finding("MSG-014", observed=wrong.text, where="test_bsns")
        return
    yield Observation(
        Text(f"{count} test-BSN’s, elk met geldige 11-proef", f"{count} test BSNs, each passes the 11-proef")
    )


def _doubles(values: object) -> list[str]:
    counted = Counter(values)  # type: ignore[call-overload]
    return [value for value, number in counted.items() if number > 1]


@probe("config.diff", title=("Preproductie en productie vergeleken", "Pre-production and production compared"))
async def diff(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """What must differ between the pre-production and the production scenario does differ (TVS step 10, LZ 6.3.2)."""
    file, loaded, other = _other_environment(link)
    pairs = list(_pairs(link.connection, other))
    pairs += list(_certificates(link, loaded, other))
    for name, ours, theirs, apart in pairs:
        if apart and ours == theirs:
            yield Finding("CONF-010", observed=ours, expected=Text("een andere waarde", "another value"), where=name)
    for uuid in sorted(_uuids(link.connection) & _uuids(other)):
        yield Finding(
            "CONF-010",
            observed=uuid,
            expected=Text("een andere ServiceUUID", "another ServiceUUID"),
            where="saml.providers",
        )
    changed = [(name, ours, theirs) for name, ours, theirs, _ in pairs if ours != theirs]
    same = ", ".join(name for name, ours, theirs, _ in pairs if ours == theirs) or "–"
    count = len(changed)
    yield Observation(
        Text(
            f"vergeleken met {file}: {count} waarden verschillen; gelijk: {same}",
            f"compared with {file}: {count} values differ; the same: {same}",
        )
    )
    for name, ours, theirs in changed:
        yield Observation(f"{name}: {ours} ↔ {theirs}")


def _other_environment(link: Link) -> tuple[str, Loaded, Connection]:
    """Return the scenario of the other environment beside this one, and the same connection in it."""
    production = link.connection.environment is Environment.PROD
    name, nl, en = (
        ("preprod", "preproductie", "pre-production") if production else ("productie", "productie", "production")
    )
    file = link.folder.parent / name / "chain.toml"
    if not file.is_file():
        raise NotPossible(
            f"er is geen {nl}scenario naast dit scenario (../{name}/chain.toml)",
            f"there is no {en} scenario beside this one (../{name}/chain.toml)",
        )
    try:
        loaded = load(file)
    except KetentestError as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from wrong
    found = loaded.scenario.connections.get(link.name)
    if found is None:
        raise NotPossible(
            f"het {nl}scenario heeft geen verbinding {link.name}", f"the {en} scenario has no connection {link.name}"
        )
    return f"../{name}", loaded, found


def _pairs(ours: Connection, theirs: Connection) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what both environments say, and whether it must differ; a side that still says `lab` has nothing to say."""
    for side in ("ebms", "wus", "saml"):
        one, other = getattr(ours, side), getattr(theirs, side)
        if one is None or other is None or "lab" in (one.endpoint, other.endpoint) or "ketentest.test" in one.endpoint:
            continue
        for key, apart in (
            ("endpoint", True),
            ("own_endpoint", False),
            ("cpa", True),
            ("wsdl", False),
            ("metadata", True),
        ):
            values = getattr(one, key, ""), getattr(other, key, "")
            if all(values) and "lab" not in values:
                yield f"{side}.{key}", *values, apart
        if side == "saml":
            production = theirs.environment is Environment.PROD
            mine, yours = index_for(one.index, production=not production), index_for(other.index, production=production)
            yield "saml.index", str(mine), str(yours), True
    yield "peer.oin", ours.peer.oin or "–", theirs.peer.oin or "–", False
    yield "network", ours.network, theirs.network, False


def _certificates(link: Link, loaded: Loaded, other: Connection) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the fingerprint of the certificate in each role that both environments have."""
    for role, name in other.certificates.items():
        ours, given = link.materials.get(role), loaded.scenario.certificates.get(name)
        if ours is None or given is None or given.cert == "lab" or ours.from_lab:
            continue
        try:
            data = (loaded.folder / given.cert).read_bytes()
            theirs = x509.load_pem_x509_certificates(data)[0].fingerprint(hashes.SHA256()).hex()
        except (OSError, ValueError):
            continue  # a file that cannot be read is told by its own scenario
        yield f"certificates.{role}", ours.fingerprint, theirs, True


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
