"""Say which lab certificates are revoked: CRLs and OCSP answers, the right ones and the wrong ones."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from harness.lab.ca import Identity, Pki
from harness.lab.mint import Issuer, signing

CRL_KINDS: Final = ("good", "revoked", "hold", "stale", "future", "wrong-signer")
OCSP_KINDS: Final = ("good", "revoked", "hold", "stale", "future", "wrong-signer", "unknown", "try-later")

_DER: Final = serialization.Encoding.DER


def crl(pki: Pki, authority: str, kind: str = "good", revoked: Iterable[x509.Certificate] = ()) -> bytes:
    """Return the CRL (DER) of a CA; the given certificates stand on it as revoked, or on hold for `hold`."""
    return _crl(pki, authority, kind, [(certificate, kind) for certificate in revoked])


def crls(pki: Pki) -> dict[str, bytes]:
    """Return the CRL of every CA; every certificate made from a profile with a `status` stands on its issuer's."""
    listed: dict[str, list[tuple[x509.Certificate, str]]] = {name: [] for name in pki.profiles.tables["ca"]}
    for name in pki.names:
        spec = pki.profiles.leaf(name)
        if spec.status != "good":
            made = {pki.identity(name).certificate, *pki.vault.made(name)}
            listed[pki.profiles.chain(spec.hierarchy)[-1]] += [(certificate, spec.status) for certificate in made]
    return {authority: _known(pki, authority, entries) for authority, entries in listed.items()}


def _known(pki: Pki, authority: str, entries: list[tuple[x509.Certificate, str]]) -> bytes:
    ordered = sorted(entries, key=lambda entry: entry[0].serial_number)
    key = (authority, tuple(certificate.serial_number for certificate, _ in ordered))
    if key not in pki.lists:
        pki.lists[key] = _crl(pki, authority, "good", ordered)
    return pki.lists[key]


def _crl(pki: Pki, authority: str, kind: str, entries: Iterable[tuple[x509.Certificate, str]]) -> bytes:
    issuer = pki.authority(authority)
    signer = pki.authority("stranger-root") if kind == "wrong-signer" else issuer
    start = pki.now.replace(microsecond=0) + timedelta(days=_SHIFT.get(kind, 0), hours=-1)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(start)
        .next_update(start + timedelta(days=7))
        .add_extension(x509.CRLNumber(int(start.timestamp())), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    for certificate, status in entries:
        builder = builder.add_revoked_certificate(_entry(certificate, status, pki))
    algorithm, scheme = signing(signer.key, signer.signature)
    return builder.sign(signer.key, algorithm, rsa_padding=scheme).public_bytes(_DER)


_SHIFT: Final = {"stale": -30, "future": 3}


def _entry(certificate: x509.Certificate, kind: str, pki: Pki) -> x509.RevokedCertificate:
    reason = x509.ReasonFlags.certificate_hold if kind == "hold" else x509.ReasonFlags.key_compromise
    return (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(pki.now.replace(microsecond=0) - timedelta(hours=2))
        .add_extension(x509.CRLReason(reason), critical=False)
        .build()
    )


def _authority_key(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def ocsp_answer(pki: Pki, identity: Identity, kind: str = "good") -> bytes:
    """Return an OCSP answer (DER) about `identity`, signed by its issuer itself."""
    if kind == "try-later":
        return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(_DER)
    authority = pki.profiles.chain(identity.spec.hierarchy)[-1]
    issuer = pki.authority(authority)
    signer = pki.authority("stranger-root") if kind == "wrong-signer" else issuer
    revoked = kind in ("revoked", "hold")
    start = pki.now.replace(microsecond=0) + timedelta(days=_SHIFT.get(kind, 0), hours=-1)
    reason = x509.ReasonFlags.certificate_hold if kind == "hold" else x509.ReasonFlags.key_compromise
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=identity.certificate,
            issuer=issuer.certificate,
            algorithm=hashes.SHA256(),
            cert_status=_STATUS.get(kind, ocsp.OCSPCertStatus.GOOD),
            this_update=start,
            next_update=start + timedelta(days=2),
            revocation_time=start - timedelta(hours=1) if revoked else None,
            revocation_reason=reason if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    )
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(_DER)


_STATUS: Final = {
    "revoked": ocsp.OCSPCertStatus.REVOKED,
    "hold": ocsp.OCSPCertStatus.REVOKED,
    "unknown": ocsp.OCSPCertStatus.UNKNOWN,
}
