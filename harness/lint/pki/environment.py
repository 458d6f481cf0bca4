"""Environments and sets: no test certificate in production, no shared keys, a complete set (S1 3.3.8; S4 5 to 10)."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged, listed, yes
from harness.lint.pki.policy import ACCEPTANCE_ARC, ANY_POLICY, DOMAIN_VALIDATED, ORGANIZATION_VALIDATED, PRODUCTION
from harness.lint.pki.reach import beside
from harness.lint.pki.validity import parse_day, stamp
from harness.model import Environment, Finding, NotRun, Text
from harness.wire.distinguished import ORGANIZATION, ORGANIZATIONAL_UNIT
from harness.wire.extensions import SCT_LIST
from harness.wire.hostname import host_of
from harness.wire.oin import TEST_PREFIX
from harness.wire.x509 import CLIENT_AUTH

ENVIRONMENT = RuleTable[Judged]()
SET = RuleTable[Judged]()
WEB = RuleTable[Judged]()
rule = ENVIRONMENT.rule
_TEST_WORD = re.compile(r"\b(?:TEST|TRIAL|DEMO|ACCEPTATIE|ACCEPTANCE)|\bACC\b|TestCA|TEST\b", re.IGNORECASE)


def _marks(doc: Judged) -> Iterator[str]:
    """Yield every sign that this is a test certificate."""
    cert = doc.cert
    if _TEST_WORD.search(str(cert.issuer)):
        yield str(cert.issuer)
    own = [cert.subject.first(oid) for oid in (ORGANIZATION, ORGANIZATIONAL_UNIT)]
    yield from (value for value in own if re.search(r"\b(?:TEST|TRIAL)\b", value))
    yield from (p.oid for p in doc.policies if p.stage != PRODUCTION)
    for name in doc.subject.names:
        if name.kind == "other" and name.string.startswith(ACCEPTANCE_ARC):
            yield name.string
    if ANY_POLICY in cert.policies:
        yield "anyPolicy"
    if cert.oin.startswith(TEST_PREFIX):
        yield cert.oin
    yield from (url for url in cert.crl_urls if re.search(r"[.-]test[.-]|^test[.-]|-test\.", host_of(url)))


@rule("PKIO-ENV-001")
def no_test_certificate_in_production(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No sign of a test certificate stands in what is used in production (S1 4.3.1)."""
    marks = list(dict.fromkeys(_marks(doc))) if ctx.environment is Environment.PROD else []
    if marks and not doc.is_authority:
        yield Finding(
            "PKIO-ENV-001",
            "",
            listed(marks),
            Text("een productiecertificaat", "a production certificate"),
            "certificate",
        )


@rule("PKIO-ENV-002")
def no_production_root_in_tests(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The compliance facility takes test certificates; for pre-production the sources disagree."""
    genuine = doc.known_issuer or (doc.path.complete and doc.pin(doc.path.certificates[-1]))
    if genuine and not doc.is_authority and ctx.environment in {Environment.COMPLIANCE, Environment.PREPROD}:
        expected = doc.policy.conflicts["preprod-real"]
        test = Text("een testcertificaat", "a test certificate")
        yield Finding(
            "PKIO-ENV-002",
            "",
            doc.policy.label(doc.generation),
            test if ctx.environment is Environment.COMPLIANCE else expected,
            "issuer",
        )


@SET.rule("PKIO-ENV-003")
@beside
def sets_are_apart(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No certificate and no key of pre-production is used in production (S4 5, 10; S1 3.3.8)."""
    relation = "preprod" if ctx.environment is Environment.PROD else "prod"
    for other in doc.companions.related(relation):
        if other.spki_sha256 == doc.subject.spki_sha256:
            same = not doc.is_request and other.der == doc.cert.der
            observed = (
                Text("hetzelfde certificaat", "the same certificate")
                if same
                else Text("dezelfde sleutel", "the same key")
            )
            yield Finding(
                "PKIO-ENV-003",
                "",
                observed,
                Text("eigen sleutels per omgeving", "keys of their own"),
                doc.subject.spki_sha256,
            )


@SET.rule("PKIO-ENV-004")
@beside
def no_production_key_in_tests(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A run in pre-production does not hold a private key of production."""
    held = {k.spki_sha256 for r, k in doc.companions.keys if r == "prod"} | {k.spki_sha256 for k in doc.content.keys}
    production = {c.spki_sha256 for c in doc.companions.related("prod")}
    loose = any(r == "prod" for r, _ in doc.companions.keys)
    if ctx.environment is not Environment.PROD and (loose or held & production):
        observed = Text("privésleutel van productie", "private key of production")
        yield Finding("PKIO-ENV-004", "", observed, Text("geen", "none"), "private key")


_SEPARATE = {"web", "bsn-encryption"}
_TLS = {"tls-server", "tls-client"}


@SET.rule("PKIO-ENV-005")
@beside
def one_role_per_key(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A key serves one role; for the web and for BSN it never serves another (S4; DKC 3)."""
    for relation, other in doc.companions.others:
        if relation in {"preprod", "prod", "previous"} or other.spki_sha256 != doc.subject.spki_sha256:
            continue
        same = not doc.is_request and other.der == doc.cert.der
        if same and (relation in {"", doc.role_name} or {relation, doc.role_name} == _TLS):
            continue
        case = "never" if {relation, doc.role_name} & _SEPARATE else ""
        observed = f"{relation or '?'}: {other.subject.short}"
        yield Finding(
            "PKIO-ENV-005", case, observed, Text("een eigen sleutel", "a key of its own"), doc.subject.spki_sha256
        )


@SET.rule("PKIO-ENV-006")
@beside
def set_is_complete(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """The set holds every role that the service needs (S1, S2, S4)."""
    service = "tvs-supplier" if ctx.service == "tvs" and yes(ctx, "cluster") else ctx.service
    needed = doc.policy.services.get(service, ())
    if not needed:
        return
    given = {relation for relation, _ in doc.companions.others} & doc.policy.roles.keys()
    if not given:
        yield NotRun(
            "PKIO-ENV-006",
            Text(
                "geen set met rollen opgegeven (--with ROL:BESTAND)", "no set with roles was given (--with ROLE:FILE)"
            ),
        )
        return
    missing = [role for role in needed if role not in {*given, doc.role_name}]
    if missing:
        observed = Text(f"ontbreekt: {listed(missing)}", f"absent: {listed(missing)}")
        yield Finding("PKIO-ENV-006", "", observed, listed(needed), "set")


@SET.rule("PKIO-ENV-007")
@beside
def bought_for_this_service(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """The certificate was issued after the application for this service (S4 5)."""
    applied = parse_day(ctx.setting("applied"))
    if doc.is_request or ctx.service != "tvs":
        return
    if applied is None:
        yield NotRun(
            "PKIO-ENV-007",
            Text(
                "de datum van de aanvraag is niet opgegeven (--set applied=)",
                "the date of the application was not given (--set applied=)",
            ),
        )
    elif doc.cert.not_before and doc.cert.not_before.date() < applied.date():
        yield Finding("PKIO-ENV-007", "", stamp(doc.cert.not_before), f"≥ {applied:%Y-%m-%d}", "validity.notBefore")


@SET.rule("PKIO-ENV-008")
@beside
def two_care_providers(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """A cluster connection shows two care providers with their own numbers and BSN certificates (S4 6)."""
    if not yes(ctx, "cluster"):
        return
    theirs = doc.companions.related("bsn-encryption")
    if doc.role_name == "bsn-encryption" and not doc.is_request:
        theirs = [doc.cert, *theirs]
    if not theirs:
        yield NotRun(
            "PKIO-ENV-008",
            Text(
                "geen BSN-certificaten opgegeven (--with bsn-encryption:BESTAND)",
                "no BSN certificates were given (--with bsn-encryption:FILE)",
            ),
        )
        return
    holders = {c.oin or c.subject.first(ORGANIZATION) for c in theirs}
    keys = {c.spki_sha256 for c in theirs}
    if len(holders) < 2 or len(keys) < 2:
        observed = Text(
            f"{len(holders)} zorgaanbieder(s), {len(keys)} sleutel(s)",
            f"{len(holders)} care provider(s), {len(keys)} key(s)",
        )
        yield Finding(
            "PKIO-ENV-008", "", observed, Text("2 zorgaanbieders, 2 sleutels", "2 care providers, 2 keys"), "set"
        )


@WEB.rule("WEB-001")
def public_and_validated(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A site for browsers has a DV or OV certificate of a public CA, not one of PKIoverheid (S4)."""
    if doc.policies:
        yield Finding(
            "WEB-001",
            "pkio",
            listed(p.oid for p in doc.policies),
            f"{DOMAIN_VALIDATED} | {ORGANIZATION_VALIDATED}",
            "certificatePolicies",
        )
    elif not set(doc.cert.policies) & {DOMAIN_VALIDATED, ORGANIZATION_VALIDATED, "2.23.140.1.1"}:
        observed = listed(doc.cert.policies) or "-"
        yield Finding("WEB-001", "", observed, f"{DOMAIN_VALIDATED} | {ORGANIZATION_VALIDATED}", "certificatePolicies")


@WEB.rule("WEB-002")
def for_browsers_only(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Two certificate timestamps, no client purpose, and no host shared with the mutual TLS endpoint."""
    if doc.cert.timestamps < 2 and SCT_LIST not in doc.cert.extensions.malformed:
        yield Finding(
            "WEB-002", "timestamps", f"{doc.cert.timestamps} SCT", "≥ 2 SCT", "signedCertificateTimestampList"
        )
    if CLIENT_AUTH in (doc.cert.extended_usage or ()):
        yield Finding("WEB-002", "client", "clientAuth", "serverAuth", "extendedKeyUsage")
    mutual = {n.lower() for c in doc.companions.related("tls-server") for n in c.dns_names}
    shared = sorted(mutual & {n.lower() for n in doc.cert.dns_names})
    if shared:
        yield Finding(
            "WEB-002", "shared", listed(shared), Text("een eigen host", "a host of its own"), "subjectAltName"
        )
