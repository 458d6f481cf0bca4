"""A throw-away hierarchy shaped like PKIoverheid private services, made once per test run."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.wire.wss import Signer

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
OWN_OIN = "00000001001234567000"
THEIR_OIN = "00000004003214345001"


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def signer(self):
        return Signer(self.key, self.certificate)

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self):
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issue(cn, issuer=None, *, ca=False, oin="", days=365, uses=(ExtendedKeyUsageOID.CLIENT_AUTH,), curve=None):
    key = ec.generate_private_key(curve) if curve else rsa.generate_private_key(65537, 2048)
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"), x509.NameAttribute(NameOID.COMMON_NAME, cn)]
    if oin:
        names.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, oin))
    subject = x509.Name(names)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(
            x509.KeyUsage(not ca, False, not ca, False, False, ca, ca, False, False),
            True,
        )
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), True)
    return Holder(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


@cache
def holders():
    root = issue("Test Root CA", ca=True)
    tsp = issue("Test TSP CA", root, ca=True)
    return {
        "root": root,
        "tsp": tsp,
        "own": issue("gemeente.example.nl", tsp, oin=OWN_OIN),
        "theirs": issue("dienst.example.nl", tsp, oin=THEIR_OIN),
        "curve": issue("gemeente.example.nl", tsp, oin=OWN_OIN, curve=ec.SECP384R1()),
        "rogue": issue("dienst.example.nl", issue("Rogue Root", ca=True), oin=THEIR_OIN),
    }
