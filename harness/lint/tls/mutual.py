"""Mutual TLS: is our certificate asked for, is it needed, is another refused, is ours accepted (MTLS-)."""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import ocsp

from harness.lint.judge import Context, RuleTable
from harness.lint.tls.words import address, both, ending, versions
from harness.model import Finding, NotRun, Text
from harness.wire.der import DerBroken
from harness.wire.distinguished import Name
from harness.wire.handshake import RSA_PSS_SHA512
from harness.wire.survey import Survey, readable
from harness.wire.tls import Handshake

MUTUAL = RuleTable[Survey]()

HTTP_REFUSALS = frozenset({400, 401, 403, 495, 496})
"""Statuses with which a server refuses a client without certificate after the handshake (nginx: 400, 495, 496)."""

_RSA_PSS = frozenset({0x0804, 0x0805, 0x0806})
_RSA_PKCS1 = frozenset({0x0401, 0x0501, 0x0601})
_PSS_OID = "1.2.840.113549.1.1.10"
UNKNOWN_CA = 48

_REFUSED = Text("weigering in de handshake of bij het eerste lezen", "refusal in the handshake or at the first read")
_NO_HANDSHAKE = Text(
    "de handshake komt niet tot de vraag om een certificaat",
    "the handshake does not get to the question of a certificate",
)
_NO_OWN = Text("geen clientcertificaat opgegeven", "no client certificate given")
_CAP = Text(
    "een vreemd certificaat aanbieden mag alleen op eigen hosts, het lab of met toestemming",
    "presenting a foreign certificate is for own hosts, the lab or with permission only",
)


def _id(survey: Survey, rule: str, case: str) -> tuple[str, str]:
    """Return rule and case: on our own listener the four questions are one rule (MTLS-006)."""
    ours = {"MTLS-001": "requested", "MTLS-002": "required", "MTLS-003": "stranger", "MTLS-004": "accepts"}
    return ("MTLS-006", ours[rule]) if survey.ours else (rule, case)


def _modern(survey: Survey, presented: str) -> list[Handshake]:
    """The attempts of one caller in TLS 1.2 and 1.3 that got as far as the server's hello."""
    return [
        one for one in survey.attempts(presented=presented) if one.offered in ("1.2", "1.3") and one.offered_by_server
    ]


@MUTUAL.rule("MTLS-001", "MTLS-006")
def certificate_requested(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """The server asks for a client certificate; a call that succeeds with ours proves nothing (TLS002)."""
    attempts = _modern(survey, "") + _modern(survey, "own")
    if not attempts:
        yield NotRun(*_id(survey, "MTLS-001", "")[:1], _NO_HANDSHAKE)
        return
    silent = [one for one in attempts if not one.asked]
    for where in dict.fromkeys(one.address for one in silent):
        seen = versions({one.offered for one in silent if one.address == where})
        served = any(one.served and one.presented == "own" for one in silent if one.address == where)
        nl = f"{seen}: geen CertificateRequest" + ("; ons certificaat is genegeerd, de aanroep lukt" if served else "")
        en = f"{seen}: no CertificateRequest" + ("; our certificate was ignored, the call succeeds" if served else "")
        rule, case = _id(survey, "MTLS-001", "")
        yield Finding(rule, case, Text(nl, en), "CertificateRequest", address(where))


@MUTUAL.rule("MTLS-002")
def certificate_required(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """Without a client certificate nobody is served, in TLS 1.2 and in TLS 1.3 (TLS002)."""
    attempts = _modern(survey, "")
    if not attempts:
        yield NotRun(*_id(survey, "MTLS-002", "")[:1], _NO_HANDSHAKE)
    # A server that never asks is MTLS-001: one cause, one finding.
    yield from _admitted(survey, attempts, "MTLS-002", "served")


@MUTUAL.rule("MTLS-003")
def stranger_refused(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """A client with a self-signed certificate is not served."""
    attempts = _modern(survey, "stranger")
    if not attempts:
        yield NotRun(*_id(survey, "MTLS-003", "")[:1], _NO_HANDSHAKE if survey.thorough else _CAP)
    yield from _admitted(survey, attempts, "MTLS-003", "accepted")


def _admitted(survey: Survey, attempts: list[Handshake], rule: str, case: str) -> Iterator[Finding]:
    served = [one for one in attempts if one.asked and one.served]
    kinds = [(one, *_id(survey, rule, _weakened(one, case))) for one in served]
    yield from _together(kinds, _REFUSED)


def _weakened(attempt: Handshake, case: str) -> str:
    if attempt.status in HTTP_REFUSALS:
        return "http"
    # Where nothing may be asked (production), TLS 1.3 leaves some doubt: the refusal may come with the first request.
    return "unasked" if attempt.outcome == "accepted" and attempt.version == "1.3" else case


def _together(kinds: list[tuple[Handshake, str, str]], expected: Text) -> Iterator[Finding]:
    """Yield one finding per address, rule, case and ending; the versions are named in it."""
    groups: dict[tuple[str, str, str, Text], list[Handshake]] = {}
    for one, rule, case in kinds:
        groups.setdefault((rule, case, address(one.address), ending(one)), []).append(one)
    for (rule, case, where, how), members in groups.items():
        yield Finding(rule, case, both(versions({one.offered for one in members}), how), expected, where)


@MUTUAL.rule("MTLS-004")
def ours_accepted(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """With our certificate we are served, over each version that the server speaks."""
    attempts = _modern(survey, "own")
    if not survey.attempts(presented="own"):
        yield NotRun(*_id(survey, "MTLS-004", "")[:1], _NO_OWN)
    elif not attempts:
        yield NotRun(*_id(survey, "MTLS-004", "")[:1], _NO_HANDSHAKE)
    refused = [one for one in attempts if not one.served or one.status in (495, 496)]
    kinds = [(one, *_id(survey, "MTLS-004", _kind(one))) for one in refused]
    yield from _together(kinds, Text("ten minste één byte HTTP", "at least one byte of HTTP"))


def _kind(attempt: Handshake) -> str:
    if attempt.alert == UNKNOWN_CA:
        return "unknown-ca"
    return "no-answer" if "timeout" in attempt.outcome else "refused"


@MUTUAL.rule("MTLS-005")
def no_longer_valid_refused(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """An expired or revoked client certificate is refused; tried on own servers and in the lab only."""
    for presented in ("expired", "revoked"):
        served = [one for one in _modern(survey, presented) if one.asked and one.served]
        yield from _together([(one, "MTLS-005", presented) for one in served], _REFUSED)


@MUTUAL.rule("MTLS-007")
def our_signature_fits(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The signature algorithms of the CertificateRequest allow our key and, for G4, RSASSA-PSS with SHA-512."""
    own = readable(survey.own_chain)
    if not own:
        return
    for attempt in _modern(survey, "own"):
        request = attempt.request
        if request is None or not request.signatures:
            continue
        usable = _RSA_PSS if attempt.offered == "1.3" else _RSA_PSS | _RSA_PKCS1
        if own[0].key.is_rsa and not usable & set(request.signatures):
            yield _signature(attempt, "key", request.signatures, "rsa_pss_rsae_*")
        pss = any(certificate.algorithm.oid == _PSS_OID for certificate in own)
        if pss and RSA_PSS_SHA512 not in request.certificate_signatures:
            yield _signature(attempt, "chain", request.certificate_signatures, "rsa_pss_rsae_sha512")


def _signature(attempt: Handshake, case: str, offered: tuple[int, ...], needed: str) -> Finding:
    listed = ", ".join(f"0x{number:04x}" for number in offered)
    return Finding("MTLS-007", case, f"TLS {attempt.offered}: {listed}", needed, address(attempt.address))


@MUTUAL.rule("PKIO-CHAIN-010")
def our_issuer_named(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """When the server names the CAs that it accepts, one of ours is among them."""
    own = readable(survey.own_chain)
    issuers = {certificate.issuer.key for certificate in own}
    for attempt in _modern(survey, "own"):
        names = _names(attempt)
        if own and names and not issuers & {name.key for name in names}:
            listed = "; ".join(name.short for name in names[:5])
            yield Finding("PKIO-CHAIN-010", "names", listed, own[-1].issuer.short, address(attempt.address))
            return


def _names(attempt: Handshake) -> list[Name]:
    found = []
    for data in attempt.request.authorities if attempt.request else ():
        name = Name(data)
        try:
            _ = name.key
        except (DerBroken, ValueError, IndexError):
            continue
        found.append(name)
    return found


@MUTUAL.rule("PKIO-REV-009")
def stapled_answer_agrees(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """An OCSP answer that the server staples is good, of the right signer and of today."""
    if not survey.stapled or len(survey.chain) < 2:
        return
    where = f"{survey.host}:{survey.port}"
    expected = Text("een geldig antwoord 'good'", "a valid answer 'good'")
    try:
        answer = ocsp.load_der_ocsp_response(survey.stapled)
        wrong = _wrong_with(answer, survey.chain, ctx.at)
    except (ValueError, x509.UnsupportedGeneralNameType):
        wrong = ("broken", Text("onleesbaar antwoord", "unreadable answer"))
    if wrong:
        yield Finding("PKIO-REV-009", wrong[0], wrong[1], expected, where)


def _wrong_with(answer: ocsp.OCSPResponse, chain: tuple[bytes, ...], at: datetime) -> tuple[str, Text] | None:
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        name = answer.response_status.name.lower()
        return "unknown", Text(name, name)
    leaf, issuer = (x509.load_der_x509_certificate(data) for data in chain[:2])
    if answer.serial_number != leaf.serial_number:
        return "other", Text("gaat over een ander certificaat", "is about another certificate")
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return "revoked", Text("status: ingetrokken", "status: revoked")
    if answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return "unknown", Text("status: onbekend", "status: unknown")
    if at < answer.this_update_utc or (answer.next_update_utc and at > answer.next_update_utc):
        shown = f"{answer.this_update_utc:%Y-%m-%d %H:%M} – {answer.next_update_utc or '-'}"
        return "stale", Text(f"geldig {shown}", f"valid {shown}")
    return None if _signed(answer, issuer) else ("signer", Text("handtekening van een ander", "signed by another"))


def _signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    signer = next(iter(answer.certificates), issuer)
    try:
        if signer != issuer:
            signer.verify_directly_issued_by(issuer)
        key, algorithm = signer.public_key(), answer.signature_hash_algorithm
        if not isinstance(key, rsa.RSAPublicKey) or algorithm is None:
            return True  # other keys are judged by PKIO-REV-006 on the answer itself
        scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        pss = answer.signature_algorithm_oid.dotted_string == _PSS_OID
        key.verify(answer.signature, answer.tbs_response_bytes, scheme if pss else padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
