"""Certificate policies: whose hierarchy, which purpose, which register (PvE, G4 profiles, UZI register)."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import UZI_NAME, Judged, listed
from harness.model import Finding, Text
from harness.wire.distinguished import COMMON_NAME

POLICY = RuleTable[Judged]()
UZI = RuleTable[Judged]()
rule = POLICY.rule
WHERE = "certificatePolicies"
_UZI = re.compile(
    r"(?:2\.16\.528\.1\.1003\.1\.3\.5\.5\.5|2\.16\.528\.1\.1007\.99\.2110)-1-[0-9]{9}-S-[0-9]{8}-00\.000-[0-9]{8}"
)


def _mine(doc: Judged) -> tuple[str, ...]:
    return doc.role.g4 if any(p.is_g4 for p in doc.policies) else doc.role.g1


@rule("PKIO-POL-001")
def of_pkioverheid(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A PKIoverheid policy of the role's list is there; others may stand beside it."""
    if not doc.policies:
        observed = listed(doc.cert.policies) or Text("geen certificatePolicies", "no certificatePolicies")
        yield Finding("PKIO-POL-001", "", observed, _expected(doc), WHERE)
        return
    for p in doc.policies:
        if p.is_g4 or p.tail in doc.role.g1 or p.is_person or p.is_public_server:
            return
    if doc.policies:
        yield Finding("PKIO-POL-001", "role", listed(p.oid for p in doc.policies), _expected(doc), WHERE)


def _expected(doc: Judged) -> str:
    tails = [*doc.role.g1, *(f"44.{tail}" for tail in doc.role.g4)]
    return listed(f"2.16.528.1.1003.1.2.{tail}" for tail in tails)


@rule("PKIO-POL-002")
def fits_the_subject(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Policies of persons are not for systems, and the reverse (PvE 3i; DKC 7 note 18)."""
    persons = [p.oid for p in doc.policies if p.is_person]
    if doc.role_name == "beroep":
        if doc.policies and not persons:
            yield Finding("PKIO-POL-002", "", listed(p.oid for p in doc.policies), _expected(doc), WHERE)
    elif persons:
        yield Finding("PKIO-POL-002", "", listed(persons), _expected(doc), WHERE)


@rule("PKIO-POL-003")
def under_the_private_root(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Traffic between machines uses the private root, not a public server policy (DKB PKI005)."""
    public = [p.oid for p in doc.policies if p.is_public_server]
    if public and doc.role_name != "beroep":
        yield Finding("PKIO-POL-003", "", listed(public), _expected(doc), WHERE)


@rule("PKIO-POL-004")
def one_purpose_in_g4(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """G4 gives each purpose its own certificate: authentication, authenticity, confidentiality, TLS."""
    g4 = [p for p in doc.policies if p.is_g4 and not p.is_person]
    if g4 and not any(p.tail in _mine(doc) for p in g4):
        yield Finding("PKIO-POL-004", "", listed(p.oid for p in g4), _expected(doc), WHERE)


@UZI.rule("PKIO-UZI-001")
def uzi_profile(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """An UZI server certificate carries its seven fields in an otherName, RSA 4096 and one dNSName that is the CN."""
    names = [n.string for n in doc.subject.names if n.kind == "other" and n.text == UZI_NAME]
    if len(names) != 1 or not _UZI.fullmatch(names[0]):
        yield Finding(
            "PKIO-UZI-001", "", listed(names) or "-", "<oid>-1-<UZI 9>-S-<URA 8>-00.000-<AGB 8>", "subjectAltName"
        )
    if not doc.subject.key.is_rsa or doc.subject.key.bits < 4096:
        yield Finding("PKIO-UZI-001", "key", str(doc.subject.key), "RSA 4096", "subjectPublicKeyInfo")
    common = doc.subject.subject.first(COMMON_NAME)
    if len(doc.subject.dns_names) != 1 or doc.subject.dns_names[0].lower() != common.lower():
        yield Finding("PKIO-UZI-001", "host", listed(doc.subject.dns_names) or "-", common, "subjectAltName")
