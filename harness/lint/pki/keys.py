"""Keys and signatures: size, kind, digest, and whether a key is used again (NCSC 2025-05; DKC 5, 7)."""

from collections.abc import Iterator
from functools import cache
from math import gcd, prod

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.above import Above, remembered
from harness.lint.pki.judged import Judged, JudgedRequest
from harness.lint.pki.policy import policy
from harness.lint.pki.reach import beside
from harness.model import Finding, Text
from harness.wire.keys import PublicKey

KEYS = RuleTable[Judged]()
SIGNATURE = RuleTable[Judged]()
rule = KEYS.rule
WHERE = "subjectPublicKeyInfo"
_GOOD_CURVES = {"P-256", "P-384", "P-521", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"}
_GOOD = {"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512", ""}
_PHASE_OUT = {"sha224", "sha3-224"}


@rule("PKIO-KEY-001")
def rsa_size(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """RSA of 3072 bits or more is good, 2048 to 3071 is being phased out, less is insufficient."""
    yield from _sizes_above(doc.above)
    if doc.subject.key.is_rsa:
        yield from _size(doc.subject.key, "", leaf=True)


@remembered
def _sizes_above(above: Above) -> tuple[Finding, ...]:
    return tuple(
        finding
        for certificate in above.authorities
        if certificate.key.is_rsa
        for finding in _size(certificate.key, f" ({certificate.subject.short})", leaf=False)
    )


def _size(key: PublicKey, whose: str, *, leaf: bool) -> Iterator[Finding]:
    if key.bits < 2048:
        yield Finding("PKIO-KEY-001", "small", f"{key}{whose}", "RSA ≥ 3072", WHERE)
    elif key.bits < 3072 and leaf:
        conflict = policy().conflicts["rsa-2048"]
        observed = Text(f"{key} ({conflict.nl})", f"{key} ({conflict.en})")
        yield Finding("PKIO-KEY-001", "phase-out", observed, "RSA ≥ 3072", WHERE)
    if key.bits % 8:
        expected = Text("veelvoud van 8 bits", "a multiple of 8 bits")
        yield Finding("PKIO-KEY-001", "odd-size", f"{key}{whose}", expected, WHERE)


@rule("PKIO-KEY-002")
def rsa_numbers(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The exponent is 65537, and the modulus is odd, without small factors and not of the ROCA family."""
    key = doc.subject.key
    if not key.is_rsa:
        return
    if key.exponent < 3 or key.exponent % 2 == 0:
        yield Finding("PKIO-KEY-002", "broken", f"e = {key.exponent}", "e = 65537", WHERE)
    elif key.exponent != 65537:
        yield Finding("PKIO-KEY-002", "exponent", f"e = {key.exponent}", "e = 65537", WHERE)
    product = _small_primes_product()
    if key.modulus <= 0 or gcd(product, key.modulus % product) != 1:
        yield Finding(
            "PKIO-KEY-002",
            "broken",
            Text("modulus met een kleine factor", "modulus with a small factor"),
            Text("twee grote priemgetallen", "two large primes"),
            WHERE,
        )
    elif is_roca(key):
        yield Finding("PKIO-KEY-002", "broken", "ROCA (CVE-2017-15361)", Text("een nieuwe sleutel", "a new key"), WHERE)


@cache
def _primes(below: int) -> tuple[int, ...]:
    return tuple(n for n in range(2, below) if all(n % d for d in range(2, int(n**0.5) + 1)))


@cache
def _small_primes_product() -> int:
    return prod(_primes(752))


@cache
def _roca_sets() -> tuple[tuple[int, frozenset[int]], ...]:
    """The primes for which the powers of 65537 do not reach every residue, the telling ones first."""
    found = []
    for prime in _primes(168)[1:]:
        reached = frozenset(pow(65537, n, prime) for n in range(prime))
        if len(reached) < prime - 1:
            found.append((prime, reached))
    return tuple(sorted(found, key=lambda pair: len(pair[1]) / pair[0]))


def is_roca(key: PublicKey) -> bool:
    """Whether the modulus has the fingerprint of keys that Infineon chips generated (CVE-2017-15361)."""
    return all(key.modulus % prime in reached for prime, reached in _roca_sets())


@rule("PKIO-KEY-003")
def key_kind(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The kind of key fits the role: RSA always, EC on the listed curves, EdDSA for TLS only."""
    key = doc.subject.key
    if key.is_rsa:
        if key.kind == "RSA-PSS":
            yield Finding("PKIO-KEY-003", "pss-only", key.kind, "rsaEncryption", WHERE)
    elif key.kind == "EC":
        if key.curve == "P-224":
            yield Finding("PKIO-KEY-003", "phase-out", key.curve, "P-256, P-384, P-521", WHERE)
        elif key.curve not in _GOOD_CURVES:
            yield Finding("PKIO-KEY-003", "", key.curve, "P-256, P-384, P-521", WHERE)
    elif key.kind in {"Ed25519", "Ed448"}:
        case = "eddsa-tls" if doc.role_name in {"web", "tls-client", "tls-server"} else "eddsa-xml"
        yield Finding("PKIO-KEY-003", case, key.kind, "RSA, EC", WHERE)
    else:
        yield Finding("PKIO-KEY-003", "", str(key), "RSA, EC", WHERE)
    yield from _kinds_above(doc.above)


@remembered
def _kinds_above(above: Above) -> tuple[Finding, ...]:
    return tuple(
        Finding("PKIO-KEY-003", "", f"{certificate.key} ({certificate.subject.short})", "RSA, EC", WHERE)
        for certificate in above.authorities
        if certificate.key.kind == "DSA" or (certificate.key.kind == "EC" and certificate.key.curve not in _GOOD_CURVES)
    )


@rule("PKIO-KEY-004")
@beside
def private_key_fits(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The private key beside the certificate is its key; a request is signed with its own key (DKC 7)."""
    if isinstance(doc, JudgedRequest):
        if not doc.request.self_signed:
            observed = Text("de handtekening klopt niet", "the signature does not hold")
            yield Finding(
                "PKIO-KEY-004",
                "request",
                observed,
                Text("ondertekend met de eigen sleutel", "signed with its own key"),
                "signature",
            )
        return
    for proof in doc.companions.proofs:
        if not proof.of(doc.cert.key):
            observed = Text(
                f"sleutel {proof.name} op het token ondertekent niet voor dit certificaat",
                f"key {proof.name} on the token does not sign for this certificate",
            )
            yield Finding("PKIO-KEY-004", "", observed, doc.cert.spki_sha256, WHERE)
    keys = [k for k in doc.content.keys if k.spki_sha256] + [
        k for r, k in doc.companions.keys if not r and k.spki_sha256
    ]
    if keys and all(k.spki_sha256 != doc.cert.spki_sha256 for k in keys):
        observed = Text(
            "de privésleutel hoort bij een ander certificaat", "the private key belongs to another certificate"
        )
        yield Finding("PKIO-KEY-004", "", observed, doc.cert.spki_sha256, WHERE)


@rule("PKIO-KEY-005")
@beside
def renewed_key(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A renewal has a new key pair (DKC 7)."""
    for previous in doc.companions.related("previous"):
        same = not doc.is_request and previous.der == doc.cert.der
        if previous.spki_sha256 == doc.subject.spki_sha256 and not same:
            yield Finding(
                "PKIO-KEY-005", "", doc.subject.spki_sha256, Text("een nieuw sleutelpaar", "a new key pair"), WHERE
            )


@rule("PKIO-KEY-006")
@beside
def key_in_the_clear(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A private key does not lie about unprotected: encrypted, or in a file that only its owner can read (DKC 5)."""
    if any(not k.encrypted for k in doc.content.keys):
        observed = Text(
            "privésleutel zonder wachtwoord in hetzelfde bestand", "a private key without a password in the same file"
        )
        case = "guarded" if doc.mode is not None and not open_to_others(doc.mode) else ""
        yield Finding("PKIO-KEY-006", case, _with_mode(observed, doc.mode), _GUARDED, doc.content.form)
    for relation, key in doc.companions.keys:
        if not key.encrypted and key.mode is not None and open_to_others(key.mode):
            observed = Text("sleutelbestand zonder wachtwoord", "key file without a password")
            yield Finding("PKIO-KEY-006", "", _with_mode(observed, key.mode), _GUARDED, relation or "key")


_GUARDED = Text("versleuteld, of rechten 0600", "encrypted, or mode 0600")


def open_to_others(mode: int) -> bool:
    """Whether a file with these permissions can be used by anyone but its owner."""
    return bool(mode & 0o077)


def _with_mode(text: Text, mode: int | None) -> Text:
    return text if mode is None else Text(f"{text.nl}, rechten {mode:04o}", f"{text.en}, mode {mode:04o}")


@SIGNATURE.rule("PKIO-SIG-001")
def digest(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Signed with SHA-256, SHA-384 or SHA-512; SHA-224 is phased out, SHA-1 and MD5 are out (DKB SIGN001)."""
    algorithm = doc.request.algorithm if isinstance(doc, JudgedRequest) else doc.cert.outer_algorithm
    where = "signatureAlgorithm"
    if not algorithm.scheme:
        yield Finding("PKIO-SIG-001", "unknown", algorithm.oid, "SHA-256, SHA-384, SHA-512", where)
    elif algorithm.digest in _PHASE_OUT:
        yield Finding("PKIO-SIG-001", "phase-out", str(algorithm), "SHA-256, SHA-384, SHA-512", where)
    elif algorithm.digest not in _GOOD:
        yield Finding("PKIO-SIG-001", "", str(algorithm), "SHA-256, SHA-384, SHA-512", where)
    yield from _digests_above(doc.above)


@remembered
def _digests_above(above: Above) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "PKIO-SIG-001",
            "",
            f"{certificate.outer_algorithm} ({certificate.subject.short})",
            "SHA-256, SHA-384, SHA-512",
            "signatureAlgorithm",
        )
        for certificate in above.authorities[:-1]
        if certificate.outer_algorithm.digest not in _GOOD
    )


@SIGNATURE.rule("PKIO-SIG-002")
def algorithms_agree(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The algorithm inside the signed part is the one outside (RFC 5280 4.1.1.2)."""
    if doc.is_request or doc.cert.algorithms_agree:
        return
    outer, inner = str(doc.cert.outer_algorithm), str(doc.cert.algorithm)
    if outer == inner:
        outer = f"{outer} (parameters)"
    yield Finding("PKIO-SIG-002", "", outer, inner, "signatureAlgorithm")


@SIGNATURE.rule("PKIO-SIG-003")
def scheme_of_the_generation(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """G4 signs with RSASSA-PSS, SHA-512 and a salt of 64; that is right, whatever older lists say."""
    algorithm = doc.request.algorithm if isinstance(doc, JudgedRequest) else doc.cert.outer_algorithm
    if not doc.is_g4 or algorithm.scheme not in {"RSA", "PSS"}:
        return
    wanted = (algorithm.digest, algorithm.mask_digest, algorithm.salt) == ("sha512", "sha512", 64)
    if algorithm.scheme == "RSA" or not wanted:
        yield Finding(
            "PKIO-SIG-003", "", str(algorithm), "RSASSA-PSS sha512, MGF1 sha512, salt 64", "signatureAlgorithm"
        )
