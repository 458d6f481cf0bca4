"""Who calls, and what is offered: contexts that speak one version of TLS and trust nobody, for we look and do not judge."""

import os
import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
EVERYTHING: Final = "ALL:COMPLEMENTOFALL:!eNULL:!aNULL:!PSK:!SRP:@SECLEVEL=0"

_LEGACY_SERVER: Final = 0x4


@dataclass
class Caller:
    """Who calls: with a certificate (`load` puts it into a context) or without; contexts are made once."""

    name: str = ""
    load: Callable[[ssl.SSLContext], object] | None = None
    _contexts: dict[tuple[str, str, str], ssl.SSLContext] = field(default_factory=dict, repr=False)

    def context(self, version: str, ciphers: str = EVERYTHING, curve: str = "") -> ssl.SSLContext:
        """Return a context that offers exactly one version and trusts nobody: we look, we do not judge."""
        key = (version, ciphers, curve)
        if key not in self._contexts:
            self._contexts[key] = self._make(version, ciphers, curve)
        return self._contexts[key]

    def _make(self, version: str, ciphers: str, curve: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with warnings.catch_warnings():
            # TLS 1.0 and 1.1 are offered on purpose, to see them refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = VERSIONS.get(version, ssl.TLSVersion.TLSv1_2)
            context.maximum_version = VERSIONS.get(version, ssl.TLSVersion.TLSv1_3)
        context.set_ciphers(ciphers)
        if curve:
            context.set_ecdh_curve(curve)
        context.options |= _LEGACY_SERVER
        if self.load:
            self.load(context)
        context._msg_callback = _note  # type: ignore[attr-defined] # noqa: SLF001 - the only sight of CertificateRequest
        return context


NOBODY: Final = Caller()


def from_files(name: str, cert: Path, key: Path) -> Caller:
    """Return a caller whose certificate chain and key stand in PEM files."""
    return Caller(name, lambda context: context.load_cert_chain(cert, key))


@cache
def stranger() -> Caller:
    """Return a caller with a self-signed certificate that no server can trust; its key never leaves this process."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ketentest: onbekende client")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def load(context: ssl.SSLContext) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "both.pem")
            handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secret + certificate.public_bytes(form))
            context.load_cert_chain(path)

    return Caller("stranger", load)


def _note(conn: Any, direction: str, version: Any, content: Any, kind: Any, data: bytes) -> None:
    if direction == "read" and int(content) in (21, 22):
        conn.heard.append((int(content), int(kind), bytes(data)))
