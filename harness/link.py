"""A connection as the probes see it: real addresses, loaded certificates, documents; no word `lab` is left."""

import asyncio
import os
import socket
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from harness.errors import DocumentUnreadable
from harness.guard import host_of, port_of
from harness.model import Environment
from harness.scenario import Connection, Limits, Operator, Party

Address = tuple[str, int]
PROTOCOLS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Directory:
    """Which address a host name leads to: as curl's `--resolve`, and the lab's loopback ports."""

    def __init__(self, entries: Mapping[Address, Address] | None = None) -> None:
        self.entries = dict(entries or {})
        self.more: dict[Address, tuple[Address, ...]] = {}

    def add(self, host: str, port: int, *addresses: Address) -> None:
        """Lead `host:port` to the first of `addresses` from now on; a probe that asks for all of them gets all."""
        self.entries[(host.lower(), port)] = addresses[0]
        self.more[(host.lower(), port)] = addresses[1:]

    def locate(self, host: str, port: int) -> Address:
        """Return the address that `host:port` is led to, or the name itself."""
        return self.entries.get((host.lower(), port), (host, port))

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Return every address of `host`; raises OSError when the name does not resolve."""
        mapped = self.entries.get((host.lower(), port))
        if mapped is not None:
            return [mapped, *self.more.get((host.lower(), port), ())]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys((str(entry[4][0]), int(entry[4][1])) for entry in found))


@dataclass(frozen=True)
class Material:
    """A certificate with its chain and its private key, in one role; the key is in no representation of it.

    `instead_of` is the file that the scenario names while the connection still says `lab`: that file is not used.
    """

    name: str
    role: str
    certificate: bytes
    key: bytes = field(repr=False)
    password: bytes | None = field(default=None, repr=False)
    from_lab: bool = False
    instead_of: str = ""
    key_file: Path | None = None

    @cached_property
    def chain(self) -> list[x509.Certificate]:
        """The certificates of the file, the leaf first."""
        try:
            return x509.load_pem_x509_certificates(self.certificate)
        except ValueError:
            raise DocumentUnreadable(
                f"certificaat {self.name}: geen PEM-certificaat; zet DER of PKCS#12 om naar PEM",
                f"certificate {self.name}: not a PEM certificate; convert DER or PKCS#12 to PEM",
            ) from None

    @property
    def leaf(self) -> x509.Certificate:
        """The end certificate."""
        return self.chain[0]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the end certificate, in hexadecimal."""
        return self.leaf.fingerprint(hashes.SHA256()).hex()

    @cached_property
    def private_key(self) -> PrivateKeyTypes:
        """The private key; raises DocumentUnreadable without echoing any of it."""
        try:
            # The lab made its keys itself; checking an RSA key costs 50 ms.
            load = serialization.load_pem_private_key
            return load(self.key, self.password, unsafe_skip_rsa_key_validation=self.from_lab)
        except (ValueError, TypeError):
            raise DocumentUnreadable(
                f"sleutel van {self.name}: niet te lezen; controleer het wachtwoord en of dit een PEM-sleutel is",
                f"key of {self.name}: cannot be read; check the password and that this is a PEM key",
            ) from None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Make `context` present this certificate; the temporary files are gone when this returns."""
        with tempfile.TemporaryDirectory() as folder:
            cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
            cert.write_bytes(self.certificate)
            descriptor = os.open(key, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.key)
            try:
                context.load_cert_chain(cert, key, self.password)
            except (ssl.SSLError, ValueError) as wrong:
                reason = getattr(wrong, "reason", None) or type(wrong).__name__
                raise DocumentUnreadable(
                    f"certificaat {self.name} en zijn sleutel zijn niet te laden ({reason}); controleer of ze bij elkaar horen",
                    f"certificate {self.name} and its key cannot be loaded ({reason}); check that they belong together",
                ) from None


def material_from_pkcs12(name: str, role: str, data: bytes, password: bytes | None) -> Material:
    """Read a PKCS#12 file; raises DocumentUnreadable for a wrong password, echoing nothing."""
    try:
        store = pkcs12.load_pkcs12(data, password)
        key, cert = store.key, store.cert
        if key is None or cert is None:
            raise ValueError  # noqa: TRY301 - one sentence for every way in which the file is unusable
    except ValueError:
        raise DocumentUnreadable(
            f'certificaat {name}: het PKCS#12-bestand is niet te openen; controleer het wachtwoord (password = "env:NAAM")',
            f'certificate {name}: the PKCS#12 file cannot be opened; check the password (password = "env:NAME")',
        ) from None
    form = serialization.Encoding.PEM
    chain = [cert.certificate, *(extra.certificate for extra in store.additional_certs)]
    plain = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Material(name, role, b"".join(c.public_bytes(form) for c in chain), plain)


@dataclass(frozen=True)
class Link:
    """One connection, ready to be probed."""

    connection: Connection
    party: Party
    environment: Environment
    limits: Limits
    operator: Operator | None = None
    materials: Mapping[str, Material] = field(default_factory=dict)
    anchors: tuple[bytes, ...] = ()
    documents: Mapping[str, bytes] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)
    folder: Path = Path()
    others: tuple[Connection, ...] = ()

    @property
    def name(self) -> str:
        """The name of the connection in the scenario."""
        return self.connection.name

    @property
    def sides(self) -> tuple[str, ...]:
        """The interfaces of this connection: `ebms`, `wus`, `saml`."""
        return tuple(self.connection.endpoints)

    def endpoint(self, side: str) -> str:
        """Return the address of one interface."""
        return self.connection.endpoints[side]

    def address(self, side: str) -> Address:
        """Return host and port of one interface, as names."""
        url = self.endpoint(side)
        return host_of(url), port_of(url)

    def material(self, role: str) -> Material | None:
        """Return the certificate for `role`; the TLS certificate signs when no other is named."""
        fallback = {"message-signing": "tls-client", "encryption": "tls-client", "tls-server": "tls-client"}
        found = self.materials.get(role)
        return found if found or role not in fallback else self.materials.get(fallback[role])

    def client_context(self, *, present: bool = True, version: str = "") -> ssl.SSLContext:
        """Return a TLS context that trusts the anchors of this connection and, if asked, presents our certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if version:
            context.minimum_version = context.maximum_version = PROTOCOLS[version]
        self._trust(context)
        material = self.material("tls-client")
        if present and material:
            material.load_into(context)
        return context

    def server_context(self) -> ssl.SSLContext:
        """Return a TLS context for our own listener: our server certificate, and a client certificate required."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        self._trust(context)
        material = self.material("tls-server")
        if material:
            material.load_into(context)
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        if self.anchors:
            context.load_verify_locations(cadata=b"\n".join(self.anchors).decode("ascii", "replace"))
        if "system" in self.connection.anchors:
            context.load_default_certs()
