"""Make look-alike certificates: a baseline that no rule minds, and one deviation per test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AT = datetime(2026, 11, 21, 21, 3, tzinfo=UTC)
HOST = "ebms.voorbeeldgemeente.test"
OIN = "00000099123456780000"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
ARC = "2.16.528.1.1003.1.2."
USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@cache
def rsa_key(name="leaf", bits=3072):
    """One key per name: making them is what takes time."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(name, curve=ec.SECP256R1):
    return ec.generate_private_key(curve())


def name(*pairs):
    return x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value, kind) for oid, value, kind in pairs])


def utf8(oid, value):
    return oid.dotted_string if isinstance(oid, x509.ObjectIdentifier) else oid, value, x509.name._ASN1Type.UTF8String


def printable(oid, value):
    return (
        oid.dotted_string if isinstance(oid, x509.ObjectIdentifier) else oid,
        value,
        x509.name._ASN1Type.PrintableString,
    )


C, ORG, OU, CN = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME
SERIAL, ORG_ID = NameOID.SERIAL_NUMBER, NameOID.ORGANIZATION_IDENTIFIER


def subject(oin=OIN, *, organization="Gemeente Voorbeeld", common=HOST, unit="", identifier="", country="NL", extra=()):
    pairs = []
    if country:
        pairs.append(printable(C, country))
    if organization:
        pairs.append(utf8(ORG, organization))
    if unit:
        pairs.append(utf8(OU, unit))
    if identifier:
        pairs.append(utf8(ORG_ID, identifier))
    if oin:
        pairs.append(printable(SERIAL, oin))
    if common:
        pairs.append(utf8(CN, common))
    return name(*pairs, *extra)


def usage(*names):
    return x509.KeyUsage(**{u: u in names for u in USAGES})


@dataclass
class Authority:
    """A CA of our own: its name, key and certificate."""

    name: x509.Name
    key: object
    certificate: x509.Certificate = None
    pss: bool = False

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM)


def _sign(builder, issuer):
    if issuer.pss:
        return builder.sign(issuer.key, hashes.SHA512(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA512()), 64))
    return builder.sign(issuer.key, hashes.SHA256())


@cache
def authority(common, parent="", policies=(), pss=False, generation="g1"):
    """A CA under `parent` (the common name of another one), or a root."""
    key = rsa_key("ca", 3072) if pss else ec_key(common)
    called = name(printable(C, "NL"), utf8(ORG, "TEST - niet voor productie"), utf8(CN, common))
    made = Authority(called, key, pss=pss)
    above = AUTHORITIES[parent]() if parent else made
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(above.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - timedelta(days=900))
        .not_valid_after(AT + timedelta(days=1200))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(_ski(called)), critical=False)
    )
    if parent:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(_ski(above.name), None, None), critical=False)
        builder = builder.add_extension(_points("http://crl.test.invalid/ca.crl"), critical=False)
    if policies:
        builder = builder.add_extension(_policies(policies), critical=False)
    made.certificate = _sign(builder, above)
    return made


def _ski(called):
    """An identifier per name, so that CAs on one key can be told apart."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(called.public_bytes())
    return digest.finalize()[:20]


AUTHORITIES = {
    "g1root": lambda: authority("TEST Private Root CA - G1"),
    "g1dom": lambda: authority("TEST Private Services CA - G1", "g1root", ("8.4", "8.5", "8.6")),
    "g1tsp": lambda: authority("TEST TSP Private Services CA - G1", "g1dom", ("8.4", "8.5", "8.6")),
    "g4root": lambda: authority("TEST G4 Root Priv G-TLS - 2024", pss=True),
    "g4int": lambda: authority("TEST G4 Intm Priv G-TLS SYS - 2024", "g4root", ("41.15.35.11",), pss=True),
    "g4tsp": lambda: authority("TEST G4 PKIo Priv G-TLS SYS - 2025", "g4int", ("41.15.35.11",), pss=True),
    "g4old": lambda: authority("TEST - G4 PKIo Priv G-TLS SYS - 2024", "g4int", ("41.15.35.11",), pss=True),
    "webroot": lambda: authority("TEST Web Root"),
    "webca": lambda: authority("TEST Web CA", "webroot"),
}
ROOTS = ("g1root", "g4root", "webroot")
BETWEEN = ("g1dom", "g1tsp", "g4int", "g4tsp", "g4old", "webca")


def _points(*urls):
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(u)], None, None, None) for u in urls]
    )


def _policies(numbers):
    full = [n if n.count(".") > 5 or n.startswith(("2.23", "0.4", "2.5")) else ARC + n for n in numbers]
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(n), None) for n in full])


def leaf(
    issuer="g1tsp", *, named=None, key=None, hosts=(HOST,), others=(), usages=("digital_signature", "key_encipherment"),
    usage_critical=True, purposes=(CLIENT, SERVER), purposes_critical=False, policies=("8.6",), constraints="critical",
    crl=("http://crl.test.invalid/tsp.crl",), start=AT - timedelta(days=30), days=730, aki="right", extra=(), ocsp=False,
):  # fmt: skip
    """One leaf; without arguments it is a G1 server certificate that no rule minds."""
    above = AUTHORITIES[issuer]()
    key = key or rsa_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(named or subject())
        .issuer_name(above.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() | 1 << 150)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )
    names = [x509.DNSName(h) for h in hosts] + list(others)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usages is not None:
        builder = builder.add_extension(usage(*usages), critical=usage_critical)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=purposes_critical)
    if policies:
        builder = builder.add_extension(_policies(policies), critical=False)
    if constraints:
        builder = builder.add_extension(x509.BasicConstraints(False, None), critical=constraints == "critical")
    if crl:
        builder = builder.add_extension(_points(*crl), critical=False)
    if aki:
        wrong = b"\x01" * 20
        identifier = x509.AuthorityKeyIdentifier(_ski(above.name) if aki == "right" else wrong, None, None)
        builder = builder.add_extension(identifier, critical=False)
    if ocsp:
        place = x509.AccessDescription(
            x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.test.invalid")
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return _sign(builder, above)


def g4_leaf(**deviation):
    """A G4 server certificate that no rule minds."""
    plain = {
        "issuer": "g4tsp",
        "named": subject(identifier="NTRNL-12345678"),
        "policies": ("0.4.0.2042.1.1", "41.15.35.11"),
        "days": 397,
    }
    return leaf(**{**plain, **deviation})


def web_leaf(**deviation):
    """A public OV certificate that no rule minds in the lab."""
    plain = {
        "issuer": "webca", "named": subject("", common="www.voorbeeldgemeente.test"), "hosts": ("www.voorbeeldgemeente.test",),
        "usages": ("digital_signature",), "purposes": (SERVER,), "policies": ("2.23.140.1.2.2",), "days": 190,
    }  # fmt: skip
    return leaf(**{**plain, **deviation})


def pem(certificate):
    return certificate.public_bytes(Encoding.PEM)


def key_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def crl(issuer="g1tsp", revoked=(), *, start=AT - timedelta(hours=2), hours=48, number=True, key=None):
    """A CRL of one of our CAs."""
    above = AUTHORITIES[issuer]()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(above.name)
        .last_update(start)
        .next_update(start + timedelta(hours=hours))
    )
    if number:
        builder = builder.add_extension(x509.CRLNumber(7), critical=False)
    for certificate in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(AT - timedelta(days=1))
        )
        builder = builder.add_revoked_certificate(entry.build())
    return _sign(builder, Authority(above.name, key or above.key, pss=above.pss)).public_bytes(Encoding.DER)


def request_der():
    """The same request in DER."""
    return x509.load_pem_x509_csr(request()).public_bytes(Encoding.DER)


def request(named=None, hosts=(HOST,), key=None, pss=False):
    """A certificate request."""
    key = key or rsa_key()
    builder = x509.CertificateSigningRequestBuilder().subject_name(named or subject())
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), critical=False)
    mode = padding.PSS(padding.MGF1(hashes.SHA512()), 64) if pss else None
    return builder.sign(key, hashes.SHA512() if pss else hashes.SHA256(), rsa_padding=mode).public_bytes(Encoding.PEM)
