"""Judge the XML signature of an ebMS message: algorithms first, then what it covers, then whose it is (SIG)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from harness.lint.ebms.received import Received
from harness.lint.judge import Context, RuleTable, Verdicts
from harness.model import Finding, NotRun, Text
from harness.wire import keyinfo, oin
from harness.wire.cpa import PartyInfo
from harness.wire.ebms import DS, PING, PONG, SOAP
from harness.wire.ebms_mime import bare_cid
from harness.wire.ebms_signature import (
    ENCRYPTED,
    ENVELOPED,
    MALFORMED,
    MISMATCH,
    MISSING,
    NO_KEY,
    UNSUPPORTED,
    XPATH,
    Examination,
)
from harness.wire.signature_value import ECDSA, PSS
from harness.wire.wss import C14N, INC_C14N

TABLE: RuleTable[Received] = RuleTable()
WHERE = "/Envelope/Header/Signature"
_STRONG = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    *PSS,
    *ECDSA,
}
_STRONG_DIGEST = {
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
}


@TABLE.rule("SIG-001")
def structure(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.1.3: the first Reference is the whole document, with the prescribed transforms; then the attachments."""
    found = case.examination
    if found is None:
        return
    if not found.references or found.references[0].uri != "":
        first = found.references[0].uri if found.references else "-"
        yield Finding("SIG-001", observed=f'URI="{first}"', expected='URI=""', where=f"{WHERE}/SignedInfo/Reference")
    document = found.document
    if document is not None and ENVELOPED not in document.transforms:
        yield Finding(
            "SIG-001",
            case="enveloped",
            observed=", ".join(document.transforms) or "-",
            expected=ENVELOPED,
            where=f"{WHERE}/SignedInfo/Reference/Transforms",
        )
    if document is not None and XPATH not in document.transforms:
        yield Finding(
            "SIG-001",
            case="filter",
            observed=", ".join(document.transforms) or "-",
            expected=XPATH,
            where=f"{WHERE}/SignedInfo/Reference/Transforms",
        )
    for reference in found.references:
        if reference.uri and not reference.uri.lower().startswith("cid:"):
            yield Finding(
                "SIG-001",
                case="uri",
                observed=f'URI="{reference.uri}"',
                expected='URI="", cid:…',
                where=f"{WHERE}/SignedInfo/Reference",
            )


@TABLE.rule("SIG-002")
def algorithms(case: Received, ctx: Context) -> Verdicts:
    """DKB SIGN001, SIGN003: SHA-256 or stronger."""
    found = case.examination
    if found is None:
        return
    if found.signature_method not in _STRONG:
        yield Finding(
            "SIG-002",
            observed=found.signature_method or "-",
            expected="rsa-sha256, rsa-sha384, rsa-sha512",
            where=f"{WHERE}/SignedInfo/SignatureMethod",
        )
    for method in dict.fromkeys(r.digest_method for r in found.references):
        if method not in _STRONG_DIGEST:
            yield Finding(
                "SIG-002",
                case="digest",
                observed=method or "-",
                expected="sha256, sha384, sha512",
                where=f"{WHERE}/SignedInfo/Reference/DigestMethod",
            )


def strong(found: Examination) -> bool:
    """Whether every algorithm is allowed; a signature with a forbidden one is not verified at all."""
    return found.signature_method in _STRONG and all(r.digest_method in _STRONG_DIGEST for r in found.references)


@TABLE.rule("SIG-003")
def canonicalization(case: Received, ctx: Context) -> Verdicts:
    """KVS 4.1.4.1 asks exclusive, ebms-core signs inclusive: both are accepted, anything else is not."""
    found = case.examination
    if found is None:
        return
    if found.canonicalization not in C14N:
        yield Finding(
            "SIG-003",
            case="unknown",
            observed=found.canonicalization or "-",
            expected=INC_C14N,
            where=f"{WHERE}/SignedInfo/CanonicalizationMethod",
        )
    elif found.canonicalization != INC_C14N:
        yield Finding("SIG-003", observed=found.canonicalization, where=f"{WHERE}/SignedInfo/CanonicalizationMethod")


@TABLE.rule("SIG-004", "PING-009", "PONG-013")
def verified(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.1.3: digests and value are right, the actor filter carried out; on Ping and Pong a weaker matter."""
    found = case.examination
    if found is None or not strong(found):
        return
    rule = {PING: "PING-009", PONG: "PONG-013"}.get(case.message.kind, "SIG-004")
    for reference in found.references:
        name = reference.uri or 'URI=""'
        if reference.outcome == MISMATCH:
            yield Finding(
                rule,
                case="digest",
                observed=Text(f"{name}: de digest klopt niet", f"{name}: the digest is wrong"),
                expected=Text("het bericht zoals het ondertekend is", "the message as it was signed"),
                where=f"{WHERE}/SignedInfo/Reference",
            )
        elif reference.outcome == MISSING and _alone(case):
            yield NotRun(
                "SIG-006",
                Text(
                    "alleen de envelop is opgegeven, zonder bijlagen",
                    "only the envelope was given, without attachments",
                ),
            )
        elif reference.outcome == MISSING:
            yield Finding(
                rule,
                case="missing",
                observed=Text(f"{name}: dit onderdeel is er niet", f"{name}: this part is not there"),
                expected=name,
                where=f"{WHERE}/SignedInfo/Reference",
            )
        elif reference.outcome == ENCRYPTED:
            yield NotRun(
                "SIG-006",
                Text(
                    f"{name} is versleuteld; de handtekening gaat over de inhoud",
                    f"{name} is encrypted; the signature is over its content",
                ),
            )
        elif reference.outcome == UNSUPPORTED:
            yield NotRun(
                rule,
                Text(f"{name}: deze transformatie wordt niet uitgevoerd", f"{name}: this transform is not carried out"),
            )
    if found.value == MISMATCH:
        yield Finding(
            rule,
            case="value",
            observed=Text(
                "SignatureValue klopt niet bij dit certificaat", "SignatureValue does not fit this certificate"
            ),
            expected=Text("een geldige handtekening", "a valid signature"),
            where=f"{WHERE}/SignatureValue",
        )
    elif found.value in (MALFORMED, NO_KEY) or any(r.outcome == MALFORMED for r in found.references):
        yield Finding(
            rule,
            case="unreadable",
            observed=Text(
                "handtekening, digest of certificaat is niet te lezen",
                "signature, digest or certificate cannot be read",
            ),
            expected=Text("een volledige handtekening", "a complete signature"),
            where=WHERE,
        )


def _alone(case: Received) -> bool:
    return case.http is None and not case.message.package.media_type.is_multipart


@TABLE.rule("SIG-005")
def signer(case: Received, ctx: Context) -> Verdicts:
    """KVS 4.1.4.1: the certificate of the CPA, valid, with the OIN of the sender."""
    found = case.examination
    facts = keyinfo.facts_of(found.certificate) if found is not None and found.certificate else None
    if found is None or facts is None:
        return
    now = ctx.at.timestamp()
    if now > facts.not_after:
        yield _of_certificate("expired", _date(facts.not_after), f"> {ctx.at:%Y-%m-%d}")
    elif now < facts.not_before:
        yield _of_certificate("early", _date(facts.not_before), f"< {ctx.at:%Y-%m-%d}")
    if oin.length_fault(facts.oin):
        yield _of_certificate(
            "no-oin",
            facts.oin or facts.subject,
            Text("een OIN in subject serialNumber", "an OIN in subject serialNumber"),
        )
    yield from _against_agreement(case, found.certificate, facts)
    yield from _trusted(found.certificate, ctx.trust)


def _of_certificate(variant: str, observed: Text | str, expected: Text | str) -> Finding:
    return Finding("SIG-005", case=variant, observed=observed, expected=expected, where=f"{WHERE}/KeyInfo")


def _date(stamp: float) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}"


def _against_agreement(case: Received, der: bytes, facts: keyinfo.CertificateFacts) -> Verdicts:
    party = case.sender if case.agreement is not None else None
    if party is None:
        return
    agreed = _signing_certificates(party)
    if agreed and der not in agreed:
        yield _of_certificate(
            "other",
            f"{facts.subject} ({facts.serial:x})",
            Text("het SigningCertificateRef van het CPA", "the SigningCertificateRef of the CPA"),
        )
    number = "" if oin.length_fault(facts.oin) else facts.oin
    party_number = party.party_id.partition("_")[0]
    if number and party_number and number != party_number:
        yield _of_certificate("oin", number, party_number)


def _signing_certificates(party: PartyInfo) -> list[bytes]:
    """Return the signing certificates that the CPA refers to, else every certificate of the party."""
    named = [c.der for channel in party.channels if (c := party.signing_certificate(channel)) and c.der]
    return named or [c.der for c in party.certificates if c.der]


def _trusted(der: bytes, anchors: Sequence[bytes]) -> Verdicts:
    """Report a certificate that no given anchor issued, when the anchors are the direct issuers of it."""
    certificates = [c for pem in anchors for c in _certificates(pem)]
    if not certificates:
        return
    leaf = x509.load_der_x509_certificate(der)
    named = [c for c in certificates if c.subject == leaf.issuer]
    if named and not any(_issued(leaf, c) for c in named):
        yield _of_certificate(
            "untrusted",
            leaf.issuer.rfc4514_string(),
            Text("een handtekening van deze uitgever", "a signature of this issuer"),
        )


def _certificates(data: bytes) -> list[x509.Certificate]:
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_certificates(data)
        return [x509.load_der_x509_certificate(data)]
    except ValueError:
        return []


def _issued(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


@TABLE.rule("SIG-006")
def coverage(case: Received, ctx: Context) -> Verdicts:
    """EBMS 4.1.3: every MIME part is covered by a Reference."""
    found = case.examination
    if found is None:
        return
    covered = {bare_cid(r.uri) for r in found.references if r.uri}
    for part in case.message.package.attachments:
        if part.content_id not in covered:
            yield Finding(
                "SIG-006",
                observed=f"<{part.content_id}>",
                expected=f'Reference URI="cid:{part.content_id}"',
                where=f"{WHERE}/SignedInfo",
            )


@TABLE.rule("SIG-007")
def one_of_each(case: Received, ctx: Context) -> Verdicts:
    """Only the signed document is read: one Envelope, one MessageHeader, one Signature, in the Header."""
    root = case.message.envelope
    if root is None:
        return
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if not signatures:
        return
    header = case.message.soap_header
    outside = [s for s in signatures if s.getparent() is not header]
    if outside:
        yield Finding(
            "SIG-007",
            case="place",
            observed=Text("ds:Signature buiten de Header", "ds:Signature outside the Header"),
            expected=WHERE,
            where="/Envelope",
            line=outside[0].sourceline,
        )
    if len(signatures) - len(outside) > 1:
        yield Finding(
            "SIG-007",
            case="many",
            observed=f"{len(signatures)} × ds:Signature",
            expected="1 × ds:Signature",
            where="/Envelope/Header",
        )
    for tag, name in ((f"{{{SOAP}}}Envelope", "Envelope"), ("{*}MessageHeader", "MessageHeader")):
        count = sum(1 for _ in root.iter(tag))
        if count > 1:
            yield Finding("SIG-007", observed=f"{count} × {name}", expected=f"1 × {name}", where="/Envelope")


@TABLE.rule("SIG-008")
def pss(case: Received, ctx: Context) -> Verdicts:
    """PKIo G4: RSASSA-PSS is recognised; adapters of today do not make it."""
    found = case.examination
    if found is not None and found.signature_method in PSS:
        yield Finding("SIG-008", observed=found.signature_method, where=f"{WHERE}/SignedInfo/SignatureMethod")
