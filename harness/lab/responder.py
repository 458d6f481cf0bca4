"""Publish the CRLs, CA certificates and OCSP answers of the lab over plain HTTP, where its certificates say they are."""

from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from harness.lab import revocation
from harness.lab.ca import Identity, Pki
from harness.lab.mint import CA_HOST, CRL_HOST, OCSP_HOST
from harness.lab.server import Reply, Request
from harness.model import Text

HOSTS: Final = (CRL_HOST, CA_HOST, OCSP_HOST)

FAULTS: Final = {
    "crl-stale": Text("de CRL is verlopen", "the CRL is stale"),
    "crl-future": Text("de CRL is van morgen", "the CRL is of tomorrow"),
    "crl-wrong-signer": Text("de CRL is door een ander ondertekend", "the CRL is signed by another"),
    "crl-absent": Text("de CRL is niet op te halen", "the CRL cannot be fetched"),
    "crl-html": Text("in plaats van de CRL komt een webpagina", "a web page comes instead of the CRL"),
    "ocsp-revoked": Text("OCSP antwoordt 'ingetrokken'", "OCSP answers 'revoked'"),
    "ocsp-hold": Text("OCSP antwoordt 'opgeschort'", "OCSP answers 'on hold'"),
    "ocsp-stale": Text("het OCSP-antwoord is verlopen", "the OCSP answer is stale"),
    "ocsp-future": Text("het OCSP-antwoord is van morgen", "the OCSP answer is of tomorrow"),
    "ocsp-wrong-signer": Text("het OCSP-antwoord is door een ander ondertekend", "the OCSP answer is signed by another"),
    "ocsp-try-later": Text("OCSP antwoordt 'later proberen'", "OCSP answers 'try later'"),
}  # fmt: skip


class Responder:
    """Answers for every CA of the lab; `faults` spoil the lists or the answers."""

    def __init__(self, pki: Pki) -> None:
        self.pki = pki
        self.faults: set[str] = set()

    async def handle(self, request: Request) -> Reply:
        """Answer `/<ca>.crl`, `/<ca>.cer`, or an OCSP request to `/<ca>`."""
        name, dot, kind = urlsplit(request.path).path.strip("/").rpartition(".")
        name = name if dot else kind
        if name not in self.pki.profiles.tables["ca"]:
            return Reply(404)
        if not dot:
            return self._status(name, request.body)
        if kind == "cer":
            data = self.pki.authority(name).certificate.public_bytes(Encoding.DER)
            return Reply(200, (("content-type", "application/pkix-cert"),), data)
        return self._list(name)

    def _list(self, name: str) -> Reply:
        if "crl-absent" in self.faults:
            return Reply(404)
        if "crl-html" in self.faults:
            return Reply(200, (("content-type", "text/html"),), b"<html><title>Aanmelden</title></html>")
        kind = next((fault.removeprefix("crl-") for fault in sorted(self.faults) if fault.startswith("crl-")), "good")
        data = revocation.crls(self.pki)[name] if kind == "good" else revocation.crl(self.pki, name, kind)
        return Reply(200, (("content-type", "application/pkix-crl"),), data)

    def _status(self, name: str, body: bytes) -> Reply:
        try:
            serial = ocsp.load_der_ocsp_request(body).serial_number
        except ValueError:
            return Reply(400)
        headers = (("content-type", "application/ocsp-response"),)
        identity = self._holder(serial)
        if identity is None:
            unknown = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
            return Reply(200, headers, unknown.public_bytes(Encoding.DER))
        kinds = (fault.removeprefix("ocsp-") for fault in sorted(self.faults) if fault.startswith("ocsp-"))
        kind = next(kinds, identity.spec.status)
        return Reply(200, headers, revocation.ocsp_answer(self.pki, identity, kind))

    def _holder(self, serial: int) -> Identity | None:
        return next((one for one in self.pki.issued if one.certificate.serial_number == serial), None)
