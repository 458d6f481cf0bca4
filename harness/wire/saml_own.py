"""Describe our own side of TVS, as a direct dienstverlener or as LC with its dienstverleners."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.errors import DocumentUnreadable
from harness.wire.saml import EntityId
from harness.wire.saml_generate import Cluster, Consumer, DirectConnection, OfferedService, Provider
from harness.wire.saml_keys import KeyCertificate, der_of, load_certificates, read_certificate

TEST_INDEX: Final = 9001


@dataclass(frozen=True, slots=True)
class Care:
    """A dienstverlener as the scenario names it, with its BSN certificates (PEM, leaf first), the active one first."""

    name: str
    oin: str
    service_uuid: str
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ours:
    """What is known of our side: number, index, address, the certificates that sign and that open the back channel."""

    oin: str
    endpoint: str
    signing: tuple[bytes, ...]
    providers: tuple[Care, ...]
    clustered: bool
    index: int = TEST_INDEX

    @property
    def entity_id(self) -> EntityId:
        """The name of the connection: the LC, or the DV itself."""
        return EntityId("LC" if self.clustered else "DV", self.oin, f"{self.index:04d}")

    def provider_id(self, provider: Care) -> EntityId:
        """The name of one dienstverlener."""
        return EntityId("DV", provider.oin, f"{self.index:04d}") if self.clustered else self.entity_id


def index_for(chosen: int, *, production: bool) -> int:
    """Return the index of the entityID: the one chosen, else 1 in production and 9001 elsewhere."""
    return chosen or (1 if production else TEST_INDEX)


def described(ours: Ours) -> DirectConnection | Cluster:
    """Return what `saml_generate.metadata` takes; raises DocumentUnreadable when a certificate cannot be read."""
    signing = _unique(leaf(pem) for pem in ours.signing)
    base = ours.endpoint.rstrip("/")
    consumer = Consumer((f"{base}/acs",), f"{base}/logout")
    if ours.clustered:
        providers = tuple(
            Provider(ours.provider_id(p), _unique(leaf(c) for c in p.certificates)) for p in ours.providers
        )
        return Cluster(ours.entity_id, signing, consumer, providers)
    encryption = _unique(leaf(c) for p in ours.providers for c in p.certificates)
    services = tuple(OfferedService(p.service_uuid, (("nl", p.name),)) for p in ours.providers)
    return DirectConnection(ours.entity_id, signing, encryption, consumer, services)


def _unique(certificates: Iterable[KeyCertificate]) -> tuple[KeyCertificate, ...]:
    return tuple({c.der: c for c in certificates}.values())


def leaf(pem: bytes) -> KeyCertificate:
    """Return the facts of the first certificate in `pem`."""
    found = load_certificates(pem)
    facts = read_certificate(der_of(found[0])) if found else None
    if facts is None:
        raise DocumentUnreadable(
            "een certificaat voor de metadata is niet te lezen; geef een PEM-bestand met het eindcertificaat vooraan",
            "a certificate for the metadata cannot be read; give a PEM file with the end certificate first",
        )
    return facts
