"""Sign: PAdES in a PDF, and a detached CMS signature over a manifest."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from harness.errors import OwnFailure, UnusableInput
from harness.handing.keys import SigningKey, refuse
from harness.model import Text
from harness.run import Run

REPLACES_NOTHING = Text(
    "Een originele handtekening die de procedure per post vraagt (handleiding 4.4.1), wordt hiermee niet vervangen.",
    "An original signature that the procedure asks for by post (handleiding 4.4.1) is not replaced by this.",
)
NEEDS_EXTRA = Text(
    "voor een PAdES-handtekening is de uitbreiding [sign] nodig: installeer ketentest[sign]",
    "a PAdES signature needs the extra [sign]: install ketentest[sign]",
)


@dataclass(frozen=True)
class Seal:
    """The key that signs, where its time stamp comes from, and the time of signing."""

    key: SigningKey
    now: datetime
    timestamp: str = ""

    def words(self, lang: str) -> str:
        """Say in the report who signs it and what that means."""
        return f"{self.kind.of(lang)} {REPLACES_NOTHING.of(lang)}"

    @property
    def kind(self) -> Text:
        """What the signature is worth, in one sentence."""
        who, issuer = self.key.subject, self.key.issuer
        if self.key.is_signature:
            return Text(
                f"PAdES-handtekening in de PDF, van {who}, certificaat van {issuer}.",
                f"PAdES signature in the PDF, of {who}, certificate by {issuer}.",
            )
        return Text(
            f"Integriteit, geen handtekening: de PDF is verzegeld met het servercertificaat van {who}, uitgegeven door {issuer}.",
            f"Integrity, no signature: the PDF is sealed with the server certificate of {who}, issued by {issuer}.",
        )

    def check(self, runs: tuple[Run, ...], *, exercise: bool) -> None:
        """Raise UnusableInput when these results or this key may not be signed."""
        if exercise:
            raise UnusableInput(
                "een oefenrapport wordt niet ondertekend: uitkomsten tegen het ingebouwde lab zijn geen bewijs voor Logius of DICTU",
                "an exercise report is not signed: results against the embedded lab are no evidence for Logius or DICTU",
            )
        refuse(self.key, runs, self.now)

    def pdf(self, data: bytes) -> bytes:
        """Return the PDF with a PAdES signature over all of it."""
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import fields, signers
        from pyhanko.sign.signers.pdf_byterange import BuildProps

        meta = signers.PdfSignatureMetadata(
            field_name="ketentest",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            reason=self.kind.nl,
            app_build_props=BuildProps(name="ketentest", revision=prints(self._certificates())),
            name=self.key.subject,
        )
        with _one_sentence():
            writer = IncrementalPdfFileWriter(BytesIO(data))
            signed = signers.sign_pdf(writer, meta, signer=self._signer(), timestamper=self._timestamper())
            return signed.getvalue()  # type: ignore[no-any-return]

    def detached(self, data: bytes) -> bytes:
        """Return a detached CMS signature over `data`, in DER."""
        if self.key.key is None or self.timestamp:
            with _one_sentence():
                return self._signed_by_pyhanko(data)
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(self.key.certificate, self.key.key, hashes.SHA256())
        for certificate in self.key.chain:
            builder = builder.add_certificate(certificate)
        return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])

    def _signed_by_pyhanko(self, data: bytes) -> bytes:
        signing = self._signer().async_sign_general_data(data, "sha256", timestamper=self._timestamper())
        return asyncio.run(signing).dump()  # type: ignore[no-any-return]

    def _signer(self) -> Any:
        _need_pyhanko()
        if self.key.device is not None:
            return self.key.device
        from asn1crypto import keys as asn1_keys
        from asn1crypto import x509 as asn1_x509
        from pyhanko.sign.signers import SimpleSigner
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        assert self.key.key is not None
        plain = self.key.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        chain = [asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in self.key.chain]
        return SimpleSigner(
            signing_cert=asn1_x509.Certificate.load(self.key.certificate.public_bytes(Encoding.DER)),
            signing_key=asn1_keys.PrivateKeyInfo.load(plain),
            cert_registry=SimpleCertificateStore.from_certs(chain),  # type: ignore[no-untyped-call]
        )

    def _certificates(self) -> list[bytes]:
        return [c.public_bytes(Encoding.DER) for c in (self.key.certificate, *self.key.chain)]

    def _timestamper(self) -> Any:
        if not self.timestamp:
            return None
        _need_pyhanko()
        from pyhanko.sign.timestamps import HTTPTimeStamper

        return HTTPTimeStamper(self.timestamp, timeout=20)


def prints(certificates: Iterable[bytes]) -> str:
    """Return one SHA-256 over the certificates of a signature; it stands in the signed part, they themselves do not."""
    return hashlib.sha256(b"".join(sorted(hashlib.sha256(der).digest() for der in set(certificates)))).hexdigest()


def _need_pyhanko() -> None:
    if find_spec("pyhanko") is None:
        raise UnusableInput(f"--sign: {NEEDS_EXTRA.nl}", f"--sign: {NEEDS_EXTRA.en}")


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn whatever pyHanko or the time stamp server raises into one sentence."""
    _need_pyhanko()
    try:
        yield
    except (UnusableInput, OwnFailure):
        raise
    except Exception as wrong:
        cause = f"{type(wrong).__name__}: {wrong}"[:200]
        raise OwnFailure(f"het ondertekenen mislukte ({cause})", f"signing failed ({cause})") from wrong


def above(key: SigningKey) -> tuple[x509.Certificate, ...]:
    """Return the certificates above the signer, lowest first; without any, the signer itself."""
    found: list[x509.Certificate] = []
    current = key.certificate
    while parent := next((c for c in key.chain if c.subject == current.issuer and c != current), None):
        if parent in found:
            break
        found.append(parent)
        current = parent
    return tuple(found) or (key.certificate,)
