"""Probes on certificate files: fields, chain, validity, key pair, separation, stores, the public web certificate."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.link import Link, Material
from harness.lint.judge import Raw
from harness.lint.pki import generation
from harness.lint.pki.policy import policy
from harness.model import Environment, Finding, Graded, NotRun, Observation, Text
from harness.probes.crls import lists_for
from harness.probes.keyfiles import exposed
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.probes.sets import other_environment, scenario_beside, shared_with
from harness.wire import certfile
from harness.wire.distinguished import COMMON_NAME

FIELDS: Final = (
    "PKIO-OIN-",
    "PKIO-NAME-",
    "PKIO-SER-",
    "PKIO-SAN-",
    "PKIO-KU-",
    "PKIO-POL-",
    "PKIO-KEY-",
    "PKIO-SIG-",
    "PKIO-BC-",
    "PKIO-UZI-",
)
CHAIN: Final = ("PKIO-CHAIN-", "PKIO-REV-")
VALIDITY: Final = ("PKIO-VAL-",)
SEPARATION: Final = ("PKIO-ENV-",)
WEB: Final = ("WEB-", "PKIO-SAN-", "PKIO-VAL-", "PKIO-KEY-")

SAME_ROLE: Final = {"signing": "message-signing"}


def roles(link: Link, param: str) -> list[str]:
    """Return the roles that a probe looks at: the one between brackets, or every role of the connection."""
    wanted = SAME_ROLE.get(param, param)
    if not wanted:
        return [role for role in link.materials if role != "web"]
    found = [role for role in link.materials if role.partition(":")[0] == wanted]
    if not found:
        raise NotPossible(
            f"er is geen certificaat voor {wanted}; voeg het toe onder certificates = {{ {wanted} = … }}",
            f"there is no certificate for {wanted}; add it under certificates = {{ {wanted} = … }}",
        )
    return found


def _unused(link: Link, rule: str) -> Iterable[NotRun]:
    """Yield the files that the scenario names and that are not judged: a green row must not seem to be about them."""
    for material in link.materials.values():
        if material.instead_of:
            yield NotRun(
                rule,
                Text(
                    f"{material.name} ({material.instead_of}) is niet getoetst: deze verbinding zegt nog lab en gebruikt een "
                    f"labcertificaat. Zet het adres in chain.toml, of voer uit: ketentest check {material.instead_of}",
                    f"{material.name} ({material.instead_of}) was not judged: this connection still says lab and uses a lab "
                    f"certificate. Set the address in chain.toml, or run: ketentest check {material.instead_of}",
                ),
                asked=True,
            )


def judged(link: Link, tools: Tools, role: str) -> list[Graded | NotRun]:
    """Return what the judge of certificates says of one role, judged once per connection."""
    key = f"pki:{role}"
    if key not in tools.shared:
        tools.shared[key] = _judge(link, tools, role)
    found: list[Graded | NotRun] = tools.shared[key]
    return found


def _judge(link: Link, tools: Tools, role: str) -> list[Graded | NotRun]:
    material = link.materials[role]
    plain, _, owner = role.partition(":")
    settings = dict(tools.context().settings)
    if owner:
        settings["oin"] = (owner,)
    if plain == "tls-server":
        settings["endpoint"] = tuple(_own_addresses(link))
    if link.connection.system == "tvs-cluster":
        settings["cluster"] = ("yes",)
    leaf = Raw(material.leaf.public_bytes(Encoding.PEM), material.name)
    beside = (*_around(link, material), *_set(link, role), *_agreed(link), *other_environment(link))
    return tools.judge("certificate", leaf, role=plain, service=service_of(link), settings=settings, companions=beside)


def service_of(link: Link) -> str:
    """Return the service by the name that the rules on certificate sets know."""
    return "tvs" if link.connection.saml else link.connection.system


def _around(link: Link, material: Material) -> Iterable[Raw]:
    for certificate in material.chain[1:]:
        yield Raw(certificate.public_bytes(Encoding.PEM), f"{material.name} (chain)")
    yield from lists_for(link, [certificate.public_bytes(Encoding.DER) for certificate in material.chain])


def _set(link: Link, role: str) -> Iterable[Raw]:
    """Yield the certificates of the other roles, so that one key in two roles and an absent role are seen."""
    held = dict(link.materials)
    fallback = link.material("tls-server")
    if fallback:
        held.setdefault("tls-server", fallback)
    for other, material in held.items():
        if other != role:
            yield Raw(material.leaf.public_bytes(Encoding.PEM), material.name, relation=other.partition(":")[0])


def _agreed(link: Link) -> Iterable[Raw]:
    """Yield the documents that name our party: its number, its hosts, its end date."""
    for name in ("cpa", "own-metadata"):
        if data := link.documents.get(name):
            yield Raw(data, name)


def _own_addresses(link: Link) -> Iterable[str]:
    for side in (link.connection.ebms, link.connection.saml):
        if side is not None and side.own_endpoint != "lab":
            yield side.own_endpoint


def _some(items: list[Graded | NotRun], prefixes: tuple[str, ...]) -> Iterable[Yield]:
    return (item for item in items if isinstance(item, Graded) and item.finding.rule.startswith(prefixes))


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


@probe(
    "pki.fields",
    title=("Certificaatvelden volgens PKIoverheid", "Certificate fields by PKIoverheid"),
    params=("tls-client", "tls-server", "signing", "encryption", "bsn-encryption", "web", "beroep"),
)
async def fields(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Subject, OIN/HRN, host names, usage, policy, key and signature fit the role (handleiding 3.3.8, 3.5)."""
    for one in _unused(link, "PKIO-OIN-001"):
        yield one
    for role in roles(link, tools.param):
        for item in _some(judged(link, tools, role), FIELDS):
            yield item
        leaf = link.materials[role].leaf
        yield Observation(
            f"{role}: {leaf.subject.rfc4514_string()}", (("role", role), ("sha256", link.materials[role].fingerprint))
        )


@probe("pki.chain", title=("Keten tot een vertrouwd stamcertificaat", "Chain to a trusted root"))
async def chain(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """From every certificate there is a valid path to a PKIoverheid root, not revoked as far as a CRL says."""
    for about in _anchors(link):
        yield about
    unread: dict[str, None] = {}
    for role in roles(link, tools.param):
        items = judged(link, tools, role)
        for item in _some(items, CHAIN):
            yield item
        unread |= dict.fromkeys(i.rule for i in items if isinstance(i, NotRun) and i.rule.startswith("PKIO-REV-"))
        names = [c.subject.rfc4514_string().rpartition("CN=")[2].partition(",")[0] for c in link.materials[role].chain]
        under, ends = generation(Raw(link.materials[role].certificate), tools.context(role=role.partition(":")[0]))
        whole = f" ({under}{f' ≤ {ends:%Y-%m-%d}' if ends else ''})" if under else ""
        yield Observation(f"{role}{whole}: " + " < ".join(names), (("role", role), ("generation", under)))
    if unread:
        ids = ", ".join(unread)
        yield Observation(
            Text(
                f"intrekking zonder netwerk niet volledig te toetsen ({ids}); zie pki.revocation",
                f"revocation cannot be judged in full without a network ({ids}); see pki.revocation",
            )
        )


def _anchors(link: Link) -> Iterable[Yield]:
    """Say which anchors are trusted: those that are pinned by their digest, and those that are somebody's own."""
    data = policy()
    pinned: list[str] = []
    own: list[str] = []
    for anchor in (c for pem in link.anchors for c in certfile.opened(pem).certificates):
        known = data.by_digest.get(anchor.sha256)
        name = anchor.subject.short
        (pinned if known else own).append(data.label(known.generation) if known else name)
        published = data.by_name.get(anchor.subject.first(COMMON_NAME))
        if published and not known:
            yield Finding(
                "PKIO-CHAIN-002",
                observed=Text(
                    f"anker {name} met SHA-256 {anchor.sha256}", f"anchor {name} with SHA-256 {anchor.sha256}"
                ),
                expected=published.sha256,
                where="anchors",
            )
    if "system" in link.connection.anchors:
        own.append("system")
    if link.environment is not Environment.LAB:
        nl = f"ankers: {', '.join(pinned) or 'geen'} (gepind)" + (f"; niet gepind: {', '.join(own)}" if own else "")
        en = f"anchors: {', '.join(pinned) or 'none'} (pinned)" + (f"; not pinned: {', '.join(own)}" if own else "")
        yield Observation(Text(nl, en))


@probe("pki.validity", title=("Certificaten geldig", "Certificates valid"))
async def validity(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Every certificate is valid now and stays so for the time the chain test takes."""
    for role in roles(link, tools.param):
        for item in _some(judged(link, tools, role), VALIDITY):
            yield item
        leaf = link.materials[role].leaf
        until = _day(leaf.not_valid_after_utc)
        days = (leaf.not_valid_after_utc - tools.now()).days
        yield Observation(
            Text(f"{role} geldig tot {until} ({days} dagen)", f"{role} valid until {until} ({days} days)"),
            (
                ("role", role),
                ("from", _day(leaf.not_valid_before_utc)),
                ("until", until),
                ("name", link.materials[role].name),
            ),
        )


@probe("pki.keypair", title=("Sleutel hoort bij certificaat", "Key belongs to certificate"))
async def keypair(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The private key that we hold is the one of the certificate."""
    held = [m for m in link.materials.values() if m.key]
    if not held:
        raise NotPossible("er is geen privésleutel bij dit scenario", "there is no private key with this scenario")
    for one in _unused(link, "CONF-030"):
        yield one
    for material in held:
        ours = material.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        theirs = material.leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if ours != theirs:
            yield Finding(
                "CONF-030",
                observed=Text("een andere sleutel", "another key"),
                expected=Text("de sleutel van dit certificaat", "the key of this certificate"),
                where=material.name,
            )
        for finding in exposed(material):
            yield finding
    yield Observation(Text(f"{len(held)} sleutelparen", f"{len(held)} key pairs"))


@probe(
    "pki.separation",
    title=("Certificaten gescheiden per omgeving en gebruik", "Certificates separate per environment and use"),
)
async def separation(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """No certificate or key serves where it may not: test in production, one key in two roles, TVS beside others."""
    for role in roles(link, tools.param):
        for item in _some(judged(link, tools, role), SEPARATION):
            yield item
    prints = {role: link.materials[role].fingerprint for role in link.materials}
    yield Observation(
        Text(
            f"{len(set(prints.values()))} verschillende certificaten in {len(prints)} rollen",
            f"{len(set(prints.values()))} different certificates in {len(prints)} roles",
        )
    )
    for role in roles(link, tools.param):
        for other in shared_with(link, role):
            observed = Text(f"ook gebruikt voor {other}", f"used for {other} as well")
            alone = Text("alleen voor TVS", "for TVS only")
            yield Finding("PKIO-ENV-007", observed=observed, expected=alone, where=link.materials[role].name)
    yield _compared(link)


def _compared(link: Link) -> Observation:
    """Say with which set of the other environment ours was compared."""
    file, others = scenario_beside(link), list(other_environment(link))
    if file is None or not others:
        where = file or "../productie/chain.toml"
        return Observation(
            Text(
                f"niet vergeleken met een andere omgeving: geen certificaten in {where}",
                f"not compared with another environment: no certificates in {where}",
            )
        )
    names = ", ".join(raw.name for raw in others)
    return Observation(Text(f"vergeleken met {names}", f"compared with {names}"))


@probe("pki.store", title=("Certificaatopslag volledig en op volgorde", "Certificate store complete and in order"))
async def store(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The file holds leaf and intermediates in order, and the anchors of the counterparty are trusted (DP-4b)."""
    material = link.material("tls-client")
    if material is None:
        raise NotPossible("er is geen TLS-certificaat", "there is no TLS certificate")
    whole = Raw(material.certificate, material.name)
    for item in tools.judge("certificate-chain", whole, role="tls-client"):
        if isinstance(item, Graded) and item.finding.rule.startswith("PKIO-CHAIN-"):
            yield item
    yield Observation(
        Text(
            f"{len(material.chain)} certificaten, {len(link.anchors)} ankers",
            f"{len(material.chain)} certificates, {len(link.anchors)} anchors",
        )
    )


@probe(
    "pki.public-web",
    title=("Publiek webcertificaat", "Public web certificate"),
    systems=("tvs-cluster", "tvs-direct", "digimelding"),
)
async def public_web(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The site that people see has a public DV or OV certificate (TVS step 5)."""
    if "web" not in link.materials:
        raise NotPossible(
            "er is geen webcertificaat opgegeven (certificates = { web = … })",
            "no web certificate was given (certificates = { web = … })",
        )
    for item in _some(judged(link, tools, "web"), WEB):
        yield item
    yield Observation(link.materials["web"].leaf.subject.rfc4514_string())
