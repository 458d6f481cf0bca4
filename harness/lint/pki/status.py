"""OCSP answers: about this certificate, fresh, and from a responder that may speak (RFC 6960)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509 as library
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged
from harness.lint.pki.revocation import SKEW
from harness.lint.pki.validity import stamp
from harness.model import Finding, NotRun, Text
from harness.wire import der
from harness.wire.keys import Algorithm, read_algorithm, signature_holds
from harness.wire.x509 import OCSP_SIGNING, Certificate, signed_by

STATUS = RuleTable[Judged]()
rule = STATUS.rule


@rule("PKIO-REV-006")
def status_answers(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """An OCSP answer is about a certificate of this path, fresh, and signed by its issuer or by its responder."""
    if not doc.companions.ocsp or doc.path.issuer is None:
        if doc.cert.ocsp_urls and not doc.is_authority:
            yield NotRun("PKIO-REV-006", Text("geen OCSP-antwoord opgegeven", "no OCSP answer was given"))
        return
    for data in doc.companions.ocsp:
        yield from _answer(data, doc, ctx.at)


def _answer(data: bytes, doc: Judged, at: datetime) -> Iterator[Finding | NotRun]:
    try:
        answer = ocsp.load_der_ocsp_response(data)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            said = answer.response_status.name.lower()
            yield NotRun("PKIO-REV-006", Text(f"de responder antwoordde {said}", f"the responder answered {said}"))
            return
        yield from _judge_answer(answer, doc, at)
    except (ValueError, TypeError, NotImplementedError, library.UnsupportedGeneralNameType):
        yield Finding(
            "PKIO-REV-006", "unreadable", Text("onleesbaar OCSP-antwoord", "unreadable OCSP answer"), "RFC 6960", "ocsp"
        )


def _judge_answer(answer: ocsp.OCSPResponse, doc: Judged, at: datetime) -> Iterator[Finding]:
    serials = {single.serial_number for single in answer.responses}
    steps = list(pairwise(doc.path.certificates))
    child, issuer = next((step for step in steps if step[0].serial in serials), steps[0])
    if not _authorised(answer, issuer):
        observed = Text("ondertekenaar hoort niet bij de uitgever", "the signer does not belong to the issuer")
        yield Finding("PKIO-REV-006", "signer", observed, issuer.subject.short, "ocsp")
        return
    single = next((r for r in answer.responses if r.serial_number == child.serial), None)
    if single is None:
        about = Text("over een ander certificaat", "about another certificate")
        yield Finding("PKIO-REV-006", "serial", about, f"{doc.cert.serial:x}", "ocsp")
        return
    whose = "" if child is doc.cert else f"{child.subject.short}: "
    last = single.next_update_utc
    if single.this_update_utc > at + SKEW or (last is not None and last < at):
        dates = f"{whose}{stamp(single.this_update_utc)} – {stamp(last)}"
        yield Finding("PKIO-REV-006", "stale", dates, stamp(at), "ocsp")
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        on = single.revocation_time_utc or datetime.fromtimestamp(0, UTC)
        expected = Text("niet ingetrokken", "not revoked")
        yield Finding("PKIO-REV-006", "revoked", f"{whose}{stamp(on)}", expected, "ocsp")
    elif single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        yield Finding("PKIO-REV-006", "unknown", f"{whose}unknown", "good", "ocsp")


def _authorised(answer: ocsp.OCSPResponse, issuer: Certificate) -> bool:
    algorithm = _algorithm_of(answer.public_bytes(Encoding.DER))
    if signature_holds(issuer.key, algorithm, answer.signature, answer.tbs_response_bytes):
        return True
    for delegate in answer.certificates:
        responder = Certificate(delegate.public_bytes(Encoding.DER))
        if OCSP_SIGNING in (responder.extended_usage or ()) and signed_by(responder, issuer):
            return signature_holds(responder.key, algorithm, answer.signature, answer.tbs_response_bytes)
    return False


def _algorithm_of(answer: bytes) -> Algorithm:
    """Return the signature algorithm inside an OCSPResponse, PSS parameters included."""
    wrapped = der.inside(answer, der.one(answer), der.SEQUENCE, 2)[1]
    octets = der.inside(answer, der.one(answer, wrapped.body, wrapped.end), der.SEQUENCE, 2)[1]
    basic = der.content(answer, octets)
    return read_algorithm(der.raw(basic, der.inside(basic, der.one(basic), der.SEQUENCE, 2)[1]))
