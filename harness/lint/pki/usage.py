"""What a key may be used for, and the constraints around it (DKC 4; G4 profiles; RFC 5280)."""

from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.above import Above, remembered
from harness.lint.pki.judged import Judged, listed
from harness.lint.pki.reach import in_roles
from harness.lint.pki.subject import ABSENT
from harness.model import Finding, Text
from harness.wire.extensions import (
    BASIC_CONSTRAINTS,
    CRL_POINTS,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    NAME_CONSTRAINTS,
    POLICIES,
    POLICY_CONSTRAINTS,
    SAN,
)
from harness.wire.x509 import ANY_USAGE, CLIENT_AUTH, SERVER_AUTH, Certificate

USAGE = RuleTable[Judged]()
CONSTRAINTS = RuleTable[Judged]()
rule = USAGE.rule
TLS = {"tls-server", "tls-client", "web"}
_LABELS = {
    SERVER_AUTH: "serverAuth",
    CLIENT_AUTH: "clientAuth",
    ANY_USAGE: "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.311.10.3.12": "msDocumentSigning",
    "1.3.6.1.4.1.311.10.3.4": "msEncryptedFileSystem",
}
_QC_COMPLIANCE, _QC_SSCD = "0.4.0.1862.1.1", "0.4.0.1862.1.4"
_KNOWN_CRITICAL = {
    KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, SAN, POLICIES, NAME_CONSTRAINTS,
    POLICY_CONSTRAINTS, "2.5.29.54", "2.5.29.33", CRL_POINTS,
}  # fmt: skip


def bits_of(doc: Judged) -> frozenset[str]:
    """Return the key usages; empty when the extension is absent."""
    return doc.subject.key_usage or frozenset()


def purposes(doc: Judged) -> str:
    """Return the extended key usages by name."""
    return listed(_LABELS.get(u, u) for u in doc.subject.extended_usage or ())


@rule("PKIO-KU-001")
def key_usage_present(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """KeyUsage is there and critical (DKC 4)."""
    if doc.subject.key_usage is None:
        yield Finding("PKIO-KU-001", "", ABSENT, "keyUsage, critical", "keyUsage")
    elif not doc.subject.extensions.critical(KEY_USAGE):
        yield Finding("PKIO-KU-001", "critical", Text("niet critical", "not critical"), "critical", "keyUsage")


@rule("PKIO-KU-002")
def key_usage_for_tls(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """TLS needs digitalSignature; the server profiles of G1 and G4 have keyEncipherment too."""
    if doc.role_name not in TLS or doc.subject.key_usage is None or doc.looks_like_authority:
        return
    needed = {"digitalSignature"}
    server = any(p.tail in {"8.6", "5.6", "5.9", "15.35.11"} for p in doc.policies)
    if server and doc.subject.key.is_rsa:
        needed.add("keyEncipherment")
    missing = needed - bits_of(doc)
    if missing:
        yield Finding("PKIO-KU-002", "", listed(sorted(bits_of(doc))) or "-", listed(sorted(needed)), "keyUsage")


@rule("PKIO-KU-003")
def no_foreign_bits(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A leaf signs no certificates; a server key signs no documents and RSA agrees no keys (DKC 4)."""
    ca_bits = bits_of(doc) & {"keyCertSign", "cRLSign"}
    if ca_bits and not doc.looks_like_authority:
        yield Finding("PKIO-KU-003", "ca", listed(sorted(ca_bits)), Text("geen", "none"), "keyUsage")
    odd = bits_of(doc) & ({"nonRepudiation", "keyAgreement"} if doc.subject.key.is_rsa else {"nonRepudiation"})
    if odd and doc.role_name in TLS:
        yield Finding("PKIO-KU-003", "extra", listed(sorted(odd)), "digitalSignature, keyEncipherment", "keyUsage")


def _lacks(doc: Judged, purpose: str) -> bool:
    usage = doc.subject.extended_usage
    if usage is None:
        return EXTENDED_KEY_USAGE in doc.subject.extensions.malformed
    return purpose not in usage and ANY_USAGE not in usage


@rule("PKIO-KU-004")
@in_roles("tls-server", "web")
def server_purpose(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A server certificate has no extendedKeyUsage, or one with serverAuth."""
    if doc.role_name in {"tls-server", "web"} and _lacks(doc, SERVER_AUTH):
        yield Finding("PKIO-KU-004", "", purposes(doc) or "-", "serverAuth", "extendedKeyUsage")


@rule("PKIO-KU-005")
@in_roles("tls-client")
def client_purpose(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A client certificate has no extendedKeyUsage, or one with clientAuth; public certificates lose it in 2026."""
    if doc.role_name == "tls-client" and _lacks(doc, CLIENT_AUTH):
        yield Finding("PKIO-KU-005", "", purposes(doc) or "-", "clientAuth", "extendedKeyUsage")


@rule("PKIO-KU-006")
def purpose_absent(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No extendedKeyUsage: allowed, and said."""
    if doc.subject.extended_usage is None and EXTENDED_KEY_USAGE not in doc.subject.extensions.by_oid:
        yield Finding("PKIO-KU-006", "", ABSENT, doc.policy.conflicts["eku"], "extendedKeyUsage")


@rule("PKIO-KU-007")
def purpose_critical(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A critical extendedKeyUsage is legal, and refused by some verifiers."""
    if doc.role_name in TLS and doc.subject.extensions.critical(EXTENDED_KEY_USAGE):
        yield Finding("PKIO-KU-007", "", "critical", Text("niet critical", "not critical"), "extendedKeyUsage")


@rule("PKIO-KU-008")
def any_purpose(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No anyExtendedKeyUsage: it is no substitute for the purposes themselves."""
    if ANY_USAGE in (doc.subject.extended_usage or ()):
        yield Finding("PKIO-KU-008", "", purposes(doc), "serverAuth, clientAuth", "extendedKeyUsage")


@rule("PKIO-KU-009")
@in_roles("message-signing")
def signing_usage(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Signing a message needs digitalSignature or nonRepudiation; serverAuth beside it is normal."""
    if doc.role_name != "message-signing" or doc.subject.key_usage is None:
        return
    if not bits_of(doc) & {"digitalSignature", "nonRepudiation"}:
        observed = listed(sorted(bits_of(doc))) or "-"
        yield Finding("PKIO-KU-009", "", observed, "digitalSignature | nonRepudiation", "keyUsage")


@rule("PKIO-KU-010")
@in_roles("encryption", "bsn-encryption")
def encryption_usage(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Encryption needs an RSA key with keyEncipherment, or an EC key with keyAgreement (DKB ENC004)."""
    if doc.role_name not in {"encryption", "bsn-encryption"}:
        return
    needed = "keyEncipherment" if doc.subject.key.is_rsa else "keyAgreement"
    usable = doc.subject.key.is_rsa or doc.subject.key.kind == "EC"
    if not usable:
        yield Finding("PKIO-KU-010", "key", str(doc.subject.key), "RSA, EC", "subjectPublicKeyInfo")
    elif doc.subject.key_usage is not None and needed not in bits_of(doc):
        yield Finding("PKIO-KU-010", "", listed(sorted(bits_of(doc))) or "-", needed, "keyUsage")


@rule("PKIO-KU-011")
@in_roles("beroep")
def professional_usage(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A professional's signature certificate: nonRepudiation alone, QcCompliance, QcSSCD and a title (S2)."""
    if doc.role_name != "beroep":
        return
    bits = bits_of(doc)
    authentication = any(p.tail.endswith((".8", "5.1", "8.1")) for p in doc.policies)
    if authentication:
        if "digitalSignature" not in bits or _lacks(doc, CLIENT_AUTH):
            yield Finding(
                "PKIO-KU-011",
                "",
                f"{listed(sorted(bits))}; {purposes(doc)}",
                "digitalSignature; clientAuth",
                "keyUsage",
            )
        return
    if doc.subject.key_usage is not None and bits != {"nonRepudiation"}:
        yield Finding("PKIO-KU-011", "", listed(sorted(bits)) or "-", "nonRepudiation", "keyUsage")
    missing = [
        n for n, oid in (("QcCompliance", _QC_COMPLIANCE), ("QcSSCD", _QC_SSCD)) if oid not in doc.cert.statements
    ]
    if missing:
        yield Finding("PKIO-KU-011", "qc", listed(missing), "QcCompliance, QcSSCD", "qcStatements")
    if not doc.subject.subject.first("2.5.4.12"):
        yield Finding("PKIO-KU-011", "title", ABSENT, Text("titel of beroep", "title or profession"), "subject.title")


@CONSTRAINTS.rule("PKIO-BC-001")
def leaf_is_no_ca(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The leaf is not a CA (RFC 5280 4.2.1.9)."""
    if doc.cert.is_ca and not doc.looks_like_authority:
        yield Finding("PKIO-BC-001", "", "CA:TRUE", "CA:FALSE", "basicConstraints")


@CONSTRAINTS.rule("PKIO-BC-002")
def constraints_in_g4(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """G4 has basicConstraints, critical; G1 certificates of QuoVadis and DigiCert have none, and that is normal."""
    if not doc.is_g4:
        return
    if doc.cert.basic_constraints is None:
        yield Finding("PKIO-BC-002", "", ABSENT, "CA:FALSE, critical", "basicConstraints")
    elif not doc.cert.extensions.critical(BASIC_CONSTRAINTS):
        yield Finding(
            "PKIO-BC-002", "", Text("niet critical", "not critical"), "CA:FALSE, critical", "basicConstraints"
        )


@CONSTRAINTS.rule("PKIO-BC-003")
def version_three(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The certificate is of version 3 (DKC annex 3)."""
    if doc.cert.version != 3:
        yield Finding("PKIO-BC-003", "", f"v{doc.cert.version}", "v3", "version")
    if not doc.cert.issuer.attributes:
        yield Finding("PKIO-BC-003", "issuer", Text("lege issuer", "empty issuer"), Text("gevuld", "filled"), "issuer")


def _odd_extensions(certificate: Certificate) -> bool:
    extensions = certificate.extensions
    return bool(extensions.critical_oids - _KNOWN_CRITICAL or extensions.repeated or certificate.unreadable)


@remembered
def _odd_above(above: Above) -> bool:
    return any(map(_odd_extensions, above.authorities))


@CONSTRAINTS.rule("PKIO-BC-004")
def extensions_known(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No unknown critical extension, no repeated and no unreadable one, in the leaf and in every CA above it."""
    if not (_odd_extensions(doc.cert) or _odd_above(doc.above)):
        return
    for certificate in doc.path.certificates or (doc.cert,):
        if not _odd_extensions(certificate):
            continue
        extensions = certificate.extensions
        unknown = extensions.critical_oids - _KNOWN_CRITICAL
        where = "" if certificate is doc.cert else f" ({certificate.subject.short})"
        for oid in sorted(unknown):
            expected = Text("bekend, of niet critical", "known, or not critical")
            yield Finding("PKIO-BC-004", "", f"{oid}{where}", expected, "extensions")
        for oid in extensions.repeated:
            yield Finding("PKIO-BC-004", "repeated", f"{oid}{where}", "1", "extensions")
        for oid in certificate.unreadable:
            yield Finding("PKIO-BC-004", "unreadable", f"{oid}{where}", Text("leesbaar", "readable"), "extensions")
