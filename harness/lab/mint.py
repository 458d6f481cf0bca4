"""Make the certificates of the lab: what a profile describes becomes a key and a signed certificate."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from harness.errors import OwnFailure

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

HOST: Final = "ketentest.test"
CRL_HOST: Final = f"crl.{HOST}"
CA_HOST: Final = f"cert.{HOST}"
OCSP_HOST: Final = f"ocsp.{HOST}"

_PURPOSES: Final = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
_BITS: Final = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
_NO_BITS: Final = dict.fromkeys([*_BITS.values(), "encipher_only", "decipher_only"], False)
_UZI_NAME: Final = ObjectIdentifier("2.5.5.5")
_UZI_ACCEPTANCE: Final = "2.16.528.1.1007.99.2110"


@dataclass(frozen=True, slots=True)
class Spec:
    """What one certificate must look like; the words are those of `profiles.toml`."""

    name: str
    cn: str = ""
    country: str = "NL"
    organisation: str = ""
    organisation_identifier: str = ""
    oin: str = ""
    ura: str = ""
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    san: bool = True
    wildcard: bool = False
    key: str = "rsa-3072"
    signature: str = "sha256"
    start: int = -1
    days: int = 365
    key_usage: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    crl: bool = True
    ocsp: bool = False
    ca: bool = False
    path_length: int | None = None
    self_signed: bool = False
    role: str = ""
    hierarchy: str = ""
    status: str = "good"
    fixed_hosts: bool = False
    fixed_oin: bool = False

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any]) -> "Spec":
        """Return the spec that `table` describes; an unknown word is named."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(table) - known)
        if unknown:
            raise OwnFailure(
                f"profiles.toml: {name}: onbekend: {', '.join(unknown)}; gebruik {', '.join(sorted(known))}",
                f"profiles.toml: {name}: unknown: {', '.join(unknown)}; use {', '.join(sorted(known))}",
            )
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        return cls(name, **values)

    @property
    def common_name(self) -> str:
        """The CN: as given, else the host (G1 and web), else the organisation (G4)."""
        return self.cn or (self.organisation if self.hierarchy.startswith("g4") else next(iter(self.hosts), ""))


@dataclass(frozen=True, slots=True)
class Issuer:
    """The CA that signs: its name in the profiles, its certificate and its key."""

    name: str
    certificate: x509.Certificate
    key: PrivateKey
    signature: str = "sha256"


def new_key(kind: str) -> PrivateKey:
    """Return a new key: `rsa-3072`, `ec-p256`, `ed25519`."""
    family, _, size = kind.partition("-")
    if family == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=int(size))
    if family == "ec":
        return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}[size])
    return ed25519.Ed25519PrivateKey.generate()


def key_pem(key: PrivateKey) -> bytes:
    """Return the private key as unencrypted PKCS#8, for a file with mode 0600 only."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Return the certificates one after another in PEM."""
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def mint(spec: Spec, key: PrivateKey, issuer: Issuer | None, now: datetime) -> x509.Certificate:
    """Sign a certificate for `key` that looks like `spec`; without an issuer it signs itself."""
    start = now.replace(microsecond=0) + timedelta(days=spec.start)
    signer = issuer or Issuer(spec.name, _EMPTY, key, spec.signature)
    name = subject(spec)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=spec.days))
    )
    for extension, critical in _extensions(spec, key, issuer):
        builder = builder.add_extension(extension, critical=critical)
    return sign(builder, signer.key, spec.signature)


def subject(spec: Spec) -> x509.Name:
    """Return the subject in the order TSPs use: C O organizationIdentifier serialNumber CN."""
    pairs = (
        (NameOID.COUNTRY_NAME, spec.country),
        (NameOID.ORGANIZATION_NAME, spec.organisation),
        (NameOID.ORGANIZATION_IDENTIFIER, spec.organisation_identifier),
        (NameOID.SERIAL_NUMBER, spec.oin),
        (NameOID.COMMON_NAME, spec.common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs if value])


def _extensions(spec: Spec, key: PrivateKey, issuer: Issuer | None) -> Iterable[tuple[x509.ExtensionType, bool]]:
    yield x509.BasicConstraints(ca=spec.ca, path_length=spec.path_length), True
    if spec.key_usage:
        bits = _NO_BITS | {_BITS[word]: True for word in spec.key_usage}
        yield x509.KeyUsage(**bits), True
    if spec.extended:
        yield x509.ExtendedKeyUsage([_PURPOSES.get(w) or ObjectIdentifier(w) for w in spec.extended]), False
    names = list(_names(spec))
    if names:
        yield x509.SubjectAlternativeName(names), False
    if spec.policies:
        yield (
            x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(p), None) for p in spec.policies]),
            False,
        )
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    if issuer:
        yield _authority_key(issuer), False
        yield from _addresses(spec, issuer)


def _names(spec: Spec) -> Iterable[x509.GeneralName]:
    if not spec.san:
        return
    for host in spec.hosts:
        yield x509.DNSName("*." + host.partition(".")[2] if spec.wildcard else host)
    for address in spec.addresses:
        yield x509.IPAddress(ipaddress.ip_address(address))
    if spec.ura:
        number = f"{_UZI_ACCEPTANCE}-1-9{spec.ura}-S-{spec.ura}-00.000-00000000"
        yield x509.OtherName(_UZI_NAME, b"\x16" + bytes([len(number)]) + number.encode())


def _authority_key(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _addresses(spec: Spec, issuer: Issuer) -> Iterable[tuple[x509.ExtensionType, bool]]:
    if spec.crl:
        where = x509.UniformResourceIdentifier(f"http://{CRL_HOST}/{issuer.name}.crl")
        yield x509.CRLDistributionPoints([x509.DistributionPoint([where], None, None, None)]), False
    links = [(AuthorityInformationAccessOID.CA_ISSUERS, f"http://{CA_HOST}/{issuer.name}.cer")]
    if spec.ocsp:
        links.append((AuthorityInformationAccessOID.OCSP, f"http://{OCSP_HOST}/{issuer.name}"))
    yield (
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in links]
        ),
        False,
    )


def sign(builder: x509.CertificateBuilder, key: PrivateKey, signature: str) -> x509.Certificate:
    """Sign with `sha256`, `sha384`, `sha512`, `pss-sha512`, or a forbidden `sha1` or `md5`."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    if signature in _FORBIDDEN:
        return _weakly_signed(builder.sign(key, hashes.SHA256()), key, signature)
    algorithm, scheme = signing(key, signature)
    return builder.sign(key, algorithm, rsa_padding=scheme)


def signing(key: PrivateKey, signature: str) -> tuple[Any, padding.PSS | None]:
    """Return the hash and, for G4, the RSASSA-PSS padding (SHA-512, MGF1-SHA-512, salt 64)."""
    algorithm = {"sha256": hashes.SHA256, "sha384": hashes.SHA384}.get(signature, hashes.SHA512)()
    if signature.startswith("pss") and isinstance(key, rsa.RSAPrivateKey):
        return algorithm, padding.PSS(padding.MGF1(hashes.SHA512()), 64)
    return algorithm, None


_SHA256_RSA: Final = bytes.fromhex("2a864886f70d01010b")
_FORBIDDEN: Final = {
    "sha1": (bytes.fromhex("2a864886f70d010105"), hashes.SHA1),
    "md5": (bytes.fromhex("2a864886f70d010104"), hashes.MD5),
}


def _weakly_signed(certificate: x509.Certificate, key: PrivateKey, signature: str) -> x509.Certificate:
    # cryptography no longer signs certificates with SHA-1 or MD5; the identifiers have equal length, so swap and re-sign.
    if not isinstance(key, rsa.RSAPrivateKey):
        raise OwnFailure(
            "profiles.toml: sha1 en md5 alleen met een RSA-CA", "profiles.toml: sha1 and md5 need an RSA CA"
        )
    identifier, algorithm = _FORBIDDEN[signature]
    body = certificate.tbs_certificate_bytes.replace(_SHA256_RSA, identifier, 1)
    value = key.sign(body, padding.PKCS1v15(), algorithm())
    name = tlv(0x30, tlv(0x06, identifier) + b"\x05\x00")
    return x509.load_der_x509_certificate(tlv(0x30, body + name + tlv(0x03, b"\x00" + value)))


def tlv(tag: int, value: bytes) -> bytes:
    """Return one DER element."""
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


_EMPTY: Any = None
