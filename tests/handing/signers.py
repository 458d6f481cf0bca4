"""Certificates that sign in these tests: a root, an issuing CA below it, and a leaf with one deviation."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
SERVER = (Usage.SERVER_AUTH, Usage.CLIENT_AUTH)
USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def name(common):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Gemeente Voorbeeldstad"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def usage(*named):
    return x509.KeyUsage(**{word: word in named for word in USAGES})


def issue(common, key, issuer, issuer_key, *, days=(-1, 300), extended=(), named=("digital_signature",), ca=False):
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign") if ca else usage(*named), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def new_key():
    return rsa.generate_private_key(65537, 2048)


class Authority:
    """A root and an issuing CA."""

    def __init__(self):
        self.root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = issue("Stam CA", self.root_key, name("Stam CA"), self.root_key, ca=True)
        self.issuing = issue("TSP CA", self.key, self.root.subject, self.root_key, ca=True)

    def leaf(self, key, **changes):
        return issue("Ondertekening", key, self.issuing.subject, self.key, **changes)

    def chain(self, leaf, *, root=True):
        return [leaf, self.issuing, *([self.root] if root else [])]


def pem(certificates, key=None):
    text = b"".join(c.public_bytes(Encoding.PEM) for c in certificates)
    return text + key_pem(key) if key else text


def key_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def p12(certificates, key, password):
    return pkcs12.serialize_key_and_certificates(
        b"ketentest", key, certificates[0], certificates[1:], BestAvailableEncryption(password)
    )
