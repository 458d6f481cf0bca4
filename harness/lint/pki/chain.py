"""The path to the anchor: complete, genuine, of the right hierarchy (RFC 5280; DKB PKI005; DKC 7)."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.above import Above, remembered, revoked_as_a_group
from harness.lint.pki.judged import Judged, listed
from harness.model import Finding, NotRun, Text
from harness.wire.distinguished import COMMON_NAME
from harness.wire.extensions import AKI, BASIC_CONSTRAINTS, NAME_CONSTRAINTS, POLICY_CONSTRAINTS, SKI
from harness.wire.name_constraints import forbidden, read_constraints
from harness.wire.x509 import ANY_USAGE, CLIENT_AUTH, SERVER_AUTH, Certificate

CHAIN = RuleTable[Judged]()
rule = CHAIN.rule
_PURPOSES = {"tls-server": SERVER_AUTH, "web": SERVER_AUTH, "tls-client": CLIENT_AUTH}


@rule("PKIO-CHAIN-001")
def path_to_an_anchor(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """Valid signatures lead to a pinned anchor; otherwise the missing issuer is named (DKC 7)."""
    path = doc.path
    if path.complete:
        yield from _authorities(doc)
        return
    if doc.known_issuer:
        name = doc.known_issuer.name
        nl = f"het certificaat van uitgever {name} is niet opgegeven; voeg het toe met --with"
        yield NotRun("PKIO-CHAIN-001", Text(nl, f"the certificate of issuer {name} was not given; add it with --with"))
        return
    last, missing = path.certificates[-1], path.missing.short if path.missing else "?"
    if path.impostors and _same_key_id(last, path.impostors[0]):
        observed = Text(
            f"de handtekening van {last.subject.short} klopt niet met de sleutel van {missing}",
            f"the signature on {last.subject.short} does not hold with the key of {missing}",
        )
        yield Finding(
            "PKIO-CHAIN-001",
            "signature",
            observed,
            Text("een geldige handtekening", "a valid signature"),
            "signatureValue",
        )
    elif last.self_issued:
        observed = Text(f"{path}: zelfondertekend", f"{path}: self-signed")
        yield Finding("PKIO-CHAIN-001", "self-signed", observed, _anchors(doc), "issuer")
    elif not doc.sends:
        where = listed(last.issuer_urls)
        nl = f"{path}; uitgever niet gevonden: {last.issuer}" + (f" (op te halen: {where})" if where else "")
        en = f"{path}; issuer not found: {last.issuer}" + (f" (available at {where})" if where else "")
        yield Finding("PKIO-CHAIN-001", "missing", Text(nl, en), _anchors(doc), "issuer")


def _anchors(doc: Judged) -> Text:
    if doc.ctx.trust:
        return Text("een pad naar een opgegeven anker", "a path to a given anchor")
    return Text("een pad naar een stamcertificaat van PKIoverheid", "a path to a PKIoverheid root")


def _same_key_id(child: Certificate, issuer: Certificate) -> bool:
    key_id = child.aki.key_id if child.aki else None
    return key_id is None or key_id == issuer.ski


def _authorities(doc: Judged) -> Iterator[Finding]:
    yield from _faults_above(doc.above, _PURPOSES.get(doc.role_name, ""))
    yield from _outside_the_constraints(doc)


@remembered
def _faults_above(above: Above, purpose: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "PKIO-CHAIN-001",
            "authority",
            Text(f"{certificate.subject.short}: {nl}", f"{certificate.subject.short}: {en}"),
            "RFC 5280",
            "issuer",
        )
        for certificate in above.authorities
        for nl, en in authority_faults(certificate, purpose)
    )


def _outside_the_constraints(doc: Judged) -> Iterator[Finding]:
    """No name lies outside what a CA above it allows, and a leaf constrains nobody (RFC 5280 4.2.1.10)."""
    for below, authority, name in forbidden(doc.path.certificates):
        where = "" if below is doc.cert else f"{below.subject.short}: "
        expected = Text(
            f"een naam die {authority.subject.short} toestaat", f"a name that {authority.subject.short} allows"
        )
        yield Finding("PKIO-CHAIN-001", "constraint", f"{where}{name}", expected, "nameConstraints")
    if NAME_CONSTRAINTS in doc.cert.extensions.by_oid and not doc.cert.is_ca:
        expected = Text("alleen in een CA-certificaat", "in a CA certificate only")
        yield Finding("PKIO-CHAIN-001", "constraint", "nameConstraints", expected, "nameConstraints")


def authority_faults(ca: Certificate, purpose: str) -> Iterator[tuple[str, str]]:
    """Yield what RFC 5280 does not allow in a CA certificate, in Dutch and English."""
    if ca.version != 3:
        yield "geen versie 3", "not version 3"
    if not ca.subject.attributes:
        yield "leeg subject", "empty subject"
    if ca.basic_constraints and not ca.extensions.critical(BASIC_CONSTRAINTS):
        yield "basicConstraints niet critical", "basicConstraints not critical"
    for oid, name in ((NAME_CONSTRAINTS, "nameConstraints"), (POLICY_CONSTRAINTS, "policyConstraints")):
        if oid in ca.extensions.by_oid and not ca.extensions.critical(oid):
            yield f"{name} niet critical", f"{name} not critical"
    if NAME_CONSTRAINTS in ca.extensions.by_oid and ca.extensions.decode(NAME_CONSTRAINTS, read_constraints) is None:
        yield "nameConstraints onleesbaar", "nameConstraints unreadable"
    usage = ca.extended_usage
    if usage and ca.self_issued:
        yield "extendedKeyUsage in een stamcertificaat", "extendedKeyUsage in a root"
    elif usage and purpose and purpose not in usage and ANY_USAGE not in usage:
        yield f"extendedKeyUsage zonder {purpose}", f"extendedKeyUsage without {purpose}"


@rule("PKIO-CHAIN-002")
def no_look_alike(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No CA carries the name of an anchor or a published CA with another key."""
    path = doc.path
    if path.complete:
        return
    last = path.certificates[-1]
    for impostor in path.impostors[:1]:
        if not _same_key_id(last, impostor):
            key_id = last.aki.key_id.hex() if last.aki and last.aki.key_id else "-"
            yield _look_alike(impostor.subject.short, key_id, (impostor.ski or b"").hex())
            return
    if last.self_issued:
        yield from _root_with_a_known_name(doc, last)
    elif not ctx.trust and path.missing is not None:
        known = doc.policy.by_name.get(path.missing.first(COMMON_NAME))
        key_id = last.aki.key_id.hex() if last.aki and last.aki.key_id else ""
        if known and known.ski and key_id and key_id != known.ski:
            yield _look_alike(known.name, key_id, known.ski)


def _root_with_a_known_name(doc: Judged, root: Certificate) -> Iterator[Finding]:
    known = doc.policy.by_name.get(root.subject.first(COMMON_NAME))
    if known and not doc.ctx.trust:
        yield _look_alike(known.name, root.sha256, known.sha256)
    elif path_anchor := next((a for a in doc.anchors if a.subject.key == root.subject.key), None):
        yield _look_alike(path_anchor.subject.short, root.sha256, path_anchor.sha256)


def _look_alike(name: str, observed: str, expected: str) -> Finding:
    return Finding(
        "PKIO-CHAIN-002",
        "",
        Text(f"{name}, maar met sleutel {observed}", f"{name}, but with key {observed}"),
        expected,
        "issuer",
    )


@rule("PKIO-CHAIN-003")
def key_identifiers(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """AuthorityKeyIdentifier names the key of the issuer, in every step of the path (RFC 5280 4.2.1.1)."""
    authorities = doc.path.authorities
    if authorities:
        yield from _step(doc.cert, authorities[0])
        yield from _steps_above(doc.above)
        if doc.path.complete and authorities[-1].self_issued:
            yield from _root(authorities[-1])


@remembered
def _steps_above(above: Above) -> tuple[Finding, ...]:
    return tuple(finding for pair in pairwise(above.authorities) for finding in _step(*pair))


def _step(child: Certificate, issuer: Certificate) -> Iterator[Finding]:
    where = "authorityKeyIdentifier"
    key_id = child.aki.key_id if child.aki else None
    if key_id is None:
        yield _absent(child, where)
    elif issuer.ski is not None and key_id != issuer.ski:
        yield Finding("PKIO-CHAIN-003", "mismatch", key_id.hex(), issuer.ski.hex(), where)
    if issuer.ski is None:
        yield _absent(issuer, "subjectKeyIdentifier")
    if child.extensions.critical(AKI) or child.extensions.critical(SKI):
        yield Finding("PKIO-CHAIN-003", "critical", "critical", Text("niet critical", "not critical"), where)


def _absent(certificate: Certificate, where: str) -> Finding:
    name = certificate.subject.short
    return Finding("PKIO-CHAIN-003", "absent", Text(f"ontbreekt in {name}", f"absent in {name}"), where, where)


def _root(root: Certificate) -> Iterator[Finding]:
    aki = root.aki
    odd = aki is not None and (aki.issuer or aki.serial or aki.key_id is None or aki.key_id != root.ski)
    if odd or root.extensions.critical(AKI) or root.extensions.critical(SKI):
        yield Finding(
            "PKIO-CHAIN-003",
            "root",
            root.subject.short,
            "keyIdentifier = subjectKeyIdentifier",
            "authorityKeyIdentifier",
        )


@rule("PKIO-CHAIN-004")
def layers(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The hierarchy has four layers: root, domain or intermediate, TSP, leaf (DKC note 26)."""
    expected = doc.policy.layers(doc.generation)
    path = doc.path
    if not expected or doc.is_authority or not path.complete or not path.certificates[-1].self_issued:
        return
    if len(path.certificates) != expected and doc.cert not in doc.anchors:
        yield Finding("PKIO-CHAIN-004", "", f"{len(path.certificates)}: {path}", str(expected), "issuer")


@rule("PKIO-CHAIN-005")
def right_hierarchy(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Machine traffic hangs under the private root, the web under a public one (DKB PKI005; S4)."""
    settled = doc.path.complete or doc.known_issuer is not None
    if not settled or (doc.is_authority and not (doc.cert.self_issued and ctx.role)):
        return
    if doc.generation and doc.generation not in doc.role.generations:
        allowed = listed(doc.policy.label(g) for g in sorted(doc.role.generations))
        yield Finding("PKIO-CHAIN-005", "", doc.policy.label(doc.generation), allowed, "issuer")


@rule("PKIO-CHAIN-011")
def horizon_of_g1(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Nothing under G1 lives past November 2028; new certificates come from G4."""
    ends = doc.policy.generations.get(doc.generation, {}).get("ends")
    if ends:
        near = ctx.at.date() + timedelta(days=365) > ends
        observed: Text | str = doc.policy.label(doc.generation)
        if ctx.service == "tvs":
            conflict = doc.policy.conflicts["g1-for-tvs"]
            observed = Text(f"{observed} ({conflict.nl})", f"{observed} ({conflict.en})")
        yield Finding("PKIO-CHAIN-011", "near" if near else "", observed, f"G4 < {ends:%Y-%m-%d}", "issuer")


@rule("PKIO-CHAIN-012")
def no_revoked_authority(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No CA of the path was withdrawn as a group, such as the G4 TSP CAs of 2024."""
    found = doc.above.revoked
    if doc.cert.is_ca:
        found = (*revoked_as_a_group(doc.cert.subject), *found)
    if doc.path.missing:
        found = (*found, *revoked_as_a_group(doc.path.missing))
    for name, on in found:
        if ctx.at.date() >= on:
            expected = Text("een CA van 2025", "a CA of 2025")
            yield Finding("PKIO-CHAIN-012", "", f"{name.short}, {on:%Y-%m-%d}", expected, "issuer")
