"""Ask a TSP for a certificate: the request (CSR) with its key, and the order sheet that goes with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jinja2 import Environment, StrictUndefined

from harness.errors import UnusableInput
from harness.guard import host_of
from harness.link import Link
from harness.lint.pki.policy import ARC, policy
from harness.model import Text
from harness.scenario import LAB, Connection
from harness.wire.oin import Oin, fault

ROLES: Final = ("tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption")
ROLE_TEXTS: Final = {
    "tls-server": Text("TLS-server: ons eigen endpoint", "TLS server: our own endpoint"),
    "tls-client": Text("TLS-client: onze aanroepen", "TLS client: our calls"),
    "message-signing": Text("ondertekening van berichten", "signing of messages"),
    "encryption": Text("versleuteling van berichten", "encryption of messages"),
    "bsn-encryption": Text("versleuteling van het BSN", "encryption of the BSN"),
}
DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
_ATTRIBUTES: Final = {
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
}
_TLS: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_PURPOSE_NAMES: Final = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    DOCUMENT_SIGNING: "documentSigning",
}


@dataclass(frozen=True)
class Order:
    """What is asked of the TSP: for whom, for which role, with which names and which key."""

    organisation: str
    oin: str
    role: str
    hosts: tuple[str, ...]
    bits: int
    generation: str = ""

    @property
    def separate(self) -> bool:
        """Whether this is one of the single-purpose certificates of G4 for an organisation (no host names)."""
        return self.generation == "g4" and self.role in {"message-signing", "encryption", "bsn-encryption"}

    @property
    def usages(self) -> tuple[str, ...]:
        """The key usages that this role has under this generation."""
        if not self.separate:
            return ("digitalSignature", "keyEncipherment")
        return ("digitalSignature",) if self.role == "message-signing" else ("keyEncipherment",)

    @property
    def purposes(self) -> tuple[x509.ObjectIdentifier, ...]:
        """The extended key usages."""
        if not self.separate:
            return _TLS
        return (DOCUMENT_SIGNING,) if self.role == "message-signing" else ()

    @property
    def identifier(self) -> str:
        """The organizationIdentifier that G4 asks, when the number is built on one of the KvK."""
        kvk = "" if fault(self.oin) else Oin(self.oin).kvk
        return f"NTRNL-{kvk}" if kvk and self.generation == "g4" else ""


def order(link: Link, role: str, hosts: Iterable[str], bits: int, generation: str = "") -> Order:
    """Return the order for `role`; without `hosts` it carries every host of the scenario that this certificate serves."""
    if role not in ROLES:
        raise UnusableInput(
            f"{role}: hiervoor geen CSR; kies uit {', '.join(ROLES)} (een webcertificaat komt van een publieke CA)",
            f"{role}: no CSR for this; choose from {', '.join(ROLES)} (a web certificate comes from a public CA)",
        )
    names = tuple(dict.fromkeys(hosts)) or needed_hosts(link, role)
    wanted = Order(link.party.name, link.party.oin, role, names, bits, generation)
    if not names and role == "tls-server":
        raise UnusableInput(
            f"{link.name}: geen hostnaam bekend; vul own_endpoint in of geef --host, want namen zijn later niet te wijzigen",
            f"{link.name}: no host name known; fill in own_endpoint or give --host, since names cannot be changed later",
        )
    return Order(**(vars(wanted) | {"hosts": ()})) if wanted.separate else wanted


def needed_hosts(link: Link, role: str) -> tuple[str, ...]:
    """Return every host of ours that the certificate must carry: of all connections that share it (handleiding 3.3.8)."""
    mine = _certificate(link.connection, role)
    sharing = (c for c in link.others if mine and _certificate(c, role) == mine)
    urls = (url for connection in (link.connection, *sharing) for url in _own_addresses(connection))
    return tuple(dict.fromkeys(host_of(url) for url in urls))


def _certificate(connection: Connection, role: str) -> str:
    named = connection.certificates
    return next((named[r] for r in (role, "tls-server", "tls-client") if r in named), "")  # type: ignore[index]


def _own_addresses(connection: Connection) -> Iterator[str]:
    for side in (connection.ebms, connection.wus, connection.saml):
        if side is not None and side.own_endpoint != LAB:
            yield side.own_endpoint


def certificate_request(wanted: Order) -> tuple[bytes, bytes]:
    """Return a CSR and its new private key (PEM): the OIN or HRN in the subject serialNumber, every host as dNSName."""
    key = rsa.generate_private_key(65537, wanted.bits)
    usage = x509.KeyUsage(
        digital_signature="digitalSignature" in wanted.usages,
        content_commitment=False,
        key_encipherment="keyEncipherment" in wanted.usages,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(_subject(wanted)).add_extension(usage, critical=True)
    if wanted.purposes:
        request = request.add_extension(x509.ExtendedKeyUsage(wanted.purposes), critical=False)
    if wanted.hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in wanted.hosts])
        request = request.add_extension(names, critical=False)
    if wanted.generation == "g4":
        scheme = padding.PSS(padding.MGF1(hashes.SHA512()), 64)
        signed = request.sign(key, hashes.SHA512(), rsa_padding=scheme)
    else:
        signed = request.sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    return signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, form, serialization.NoEncryption())


def _subject(wanted: Order) -> x509.Name:
    identifier = [(NameOID.ORGANIZATION_IDENTIFIER, wanted.identifier)] if wanted.identifier else []
    pairs = [
        (NameOID.COUNTRY_NAME, "NL"),
        (NameOID.ORGANIZATION_NAME, wanted.organisation),
        *identifier,
        (NameOID.SERIAL_NUMBER, wanted.oin),
        (NameOID.COMMON_NAME, wanted.hosts[0] if wanted.hosts else wanted.organisation[:64]),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def policies(wanted: Order) -> list[tuple[str, str, date | None]]:
    """Return the policies that fit this role: label, number, and the day on which the generation ends."""
    data = policy()
    role = data.roles[wanted.role]
    old = [] if wanted.generation == "g4" else [("g1", tail, tail) for tail in role.g1[:1]]
    new = (
        []
        if wanted.generation == "g1"
        else [("g4-tls" if t.startswith("15") else "g4-other", t, f"44.{t}") for t in role.g4]
    )
    return [(data.label(name), f"{ARC}{tail}", data.generations[name].get("ends")) for name, _, tail in [*old, *new]]


def order_sheet(wanted: Order, request: bytes, link: Link, file: Path, lang: str) -> str:
    """Return what to send to the TSP with the request, as Markdown: what is asked, what must be in it, what to ask."""
    csr = x509.load_pem_x509_csr(request)
    key = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = files("harness").joinpath(f"templates/order.{lang}.md.j2").read_text(encoding="utf-8")
    jinja = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
    )
    needed = needed_hosts(link, wanted.role)
    return jinja.from_string(text).render(
        order=wanted,
        role=ROLE_TEXTS[wanted.role].of(lang),
        subject=csr.subject.rfc4514_string(_ATTRIBUTES),
        purposes=[_PURPOSE_NAMES[oid] for oid in wanted.purposes],
        policies=policies(wanted),
        key_sha256=_digest(key),
        request_sha256=_digest(csr.public_bytes(Encoding.DER)),
        connection=link.name,
        system=link.connection.system,
        environment=str(link.connection.environment),
        contact=link.party.contact,
        missing=[] if wanted.separate else [host for host in needed if host not in wanted.hosts],
        file=file.name,
        certificate=file.with_suffix(".pem").name,
        tvs=link.connection.saml is not None,
    )


def _digest(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()
