"""Documents of two fictitious parties, without a defect, and their certificates from a small CA of our own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zlib import crc32

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.check import judge_bytes
from harness.lint.judge import Context
from harness.model import Environment
from harness.wire.cpa_build import build_cpa
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ping_mmd import build_ping_mmd
from harness.wire.spec import Action, Party, ProviderSpecification, Service, build_consumer_spec, build_provider_spec

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
OIN_A, OIN_B = "00000099000000001000", "00000099000000002000"
HOST_A, HOST_B = "ebms.gemeente-a.example", "ebms.voorziening-b.example"
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@cache
def key(bits=2048, which=0):
    return rsa.generate_private_key(65537, bits)


def name(common, oin=""):
    parts = [(NameOID.COUNTRY_NAME, "NL"), (NameOID.COMMON_NAME, common)]
    parts += [(NameOID.SERIAL_NUMBER, oin)] if oin else []
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


CA_NAME = name("ketentest PKIoverheid test CA")


@cache
def certificate(
    host=HOST_A,
    oin=OIN_A,
    *,
    begin="2026-01-02",
    end="2028-12-31",
    usages=BOTH,
    ca=False,
    sans=True,
    issuer=CA_NAME,
    digest="SHA256",
    bits=2048,
    which=0,
    pss=False,
):
    """Return the DER of a certificate; each test shows only its deviation."""
    from cryptography.hazmat.primitives.asymmetric import padding

    algorithm = getattr(hashes, digest)()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(host, oin))
        .issuer_name(issuer)
        .public_key(key(bits, which).public_key())
        .serial_number(1000 + crc32(repr((host, oin, begin, end, ca, bits)).encode()))
        .not_valid_before(datetime.fromisoformat(begin).replace(tzinfo=UTC))
        .not_valid_after(datetime.fromisoformat(end).replace(tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    )
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    rsa_padding = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH) if pss else None
    return builder.sign(key(), algorithm, rsa_padding=rsa_padding).public_bytes(Encoding.DER)


@cache
def anchor():
    builder = (
        x509.CertificateBuilder()
        .subject_name(CA_NAME)
        .issuer_name(CA_NAME)
        .public_key(key().public_key())
        .serial_number(1)
        .not_valid_before(START - timedelta(days=365))
        .not_valid_after(START + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
    )
    return builder.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM)


def private_pem():
    return key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def gemeente(**changes):
    client = certificate(begin="2026-01-03")
    return replace(Party("SR", "Gemeente A", OIN_A, f"https://{HOST_A}/ebms", client, certificate()), **changes)


def voorziening(**changes):
    cert = certificate(HOST_B, OIN_B)
    return replace(Party("SP", "Voorziening B", OIN_B, f"https://{HOST_B}/ebms", cert, cert), **changes)


SERVICE = Service(
    "OSB:LopendeZaken:1:0",
    (Action("afleveren", "SP", "SR", "osb-rm"), Action("bevestigen", "SR", "SP", "osb-rm")),
)


def consumer_spec(**changes):
    return build_consumer_spec(gemeente(**changes))


def provider_spec(**changes):
    return build_provider_spec(voorziening(**changes), (SERVICE,))


def cpa(profile="osb-rm", consumer=None, provider=None, **options):
    specification = ProviderSpecification(provider or voorziening(), (SERVICE,))
    return build_cpa(consumer or gemeente(), specification, profile, **{"start": START, **options})


def ping_mmd():
    return build_ping_mmd(OIN_A, OIN_B, parse_cpa(cpa()).cpaid)


def context(environment=Environment.PREPROD, **options):
    return Context(at=NOW, environment=environment, trust=(anchor(),), **options)


def judged(data, name="LZ.cpa.SR.parameters.xml", kind="", **options):
    """Return the judgement of `data` as `ketentest check` gives it."""
    return judge_bytes(data, name, context(**options), kind)
