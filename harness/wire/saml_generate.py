"""Generate eID SAML metadata: one direct dienstverlener, or an LC with its dienstverleners in one file."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from harness.wire.saml import (
    DS,
    HTTP_ARTIFACT,
    HTTP_POST,
    MD,
    SAML,
    SAMLP,
    SERVICE_UUID,
    XML,
    Element,
    EntityId,
    new_id,
    q,
    stamp,
)
from harness.wire.saml_keys import KeyCertificate
from harness.wire.saml_signature import Signer, sign

NAMESPACES: Final = {"md": MD, "ds": DS, "saml": SAML}


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A service with the ServiceUUID that DICTU registered for it."""

    uuid: str
    names: tuple[tuple[str, str], ...] = (("nl", "Dienst"),)


@dataclass(frozen=True, slots=True)
class Consumer:
    """Where the routing service sends people back to: ACS by artifact, logout by POST."""

    acs: tuple[str, ...]
    logout: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A dienstverlener behind an LC: who it is and the certificates that a BSN is encrypted to.

    Two encryption certificates make a rollover pair; the active one stands first.
    """

    entity_id: EntityId
    encryption: tuple[KeyCertificate, ...]


@dataclass(frozen=True, slots=True)
class DirectConnection:
    """A dienstverlener that connects by itself."""

    entity_id: EntityId
    signing: tuple[KeyCertificate, ...]
    encryption: tuple[KeyCertificate, ...]
    consumer: Consumer
    services: tuple[OfferedService, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """An LC and every dienstverlener it ever connected: each delivery carries them all."""

    entity_id: EntityId
    signing: tuple[KeyCertificate, ...]
    consumer: Consumer
    providers: tuple[Provider, ...] = field(default=())


def metadata(connection: DirectConnection | Cluster, signer: Signer, valid_until: datetime) -> bytes:
    """Return the signed metadata file of a connection.

    The signing certificates must hold the one of `signer` and the TLS client certificate of the back channel;
    `signer`'s own is put first, since some receivers try only the first.
    """
    return serialise(sign(unsigned(connection, signer.certificate, valid_until), signer))


def unsigned(connection: DirectConnection | Cluster, first: KeyCertificate, valid_until: datetime) -> Element:
    """Return the metadata before signing, with `first` in front of the signing keys."""
    if isinstance(connection, Cluster):
        return _cluster(connection, first, valid_until)
    return _direct(connection, first, valid_until)


def serialise(root: Element) -> bytes:
    """Return the bytes to deliver: nothing may be re-formatted after signing."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _in_front(first: KeyCertificate, certificates: Iterable[KeyCertificate]) -> tuple[KeyCertificate, ...]:
    return (first, *(c for c in certificates if c.der != first.der))


def _direct(connection: DirectConnection, first: KeyCertificate, valid_until: datetime) -> Element:
    root = etree.Element(q(MD, "EntityDescriptor"), nsmap=NAMESPACES)
    root.set("ID", new_id())
    root.set("entityID", str(connection.entity_id))
    root.set("validUntil", stamp(valid_until))
    role = _service_provider(root, wants_signatures=True)
    _keys(role, "signing", _in_front(first, connection.signing))
    _keys(role, "encryption", connection.encryption)
    _endpoints(role, connection.consumer, logout=True)
    for index, service in enumerate(connection.services):
        _service(role, index, service)
    return root


def _cluster(connection: Cluster, first: KeyCertificate, valid_until: datetime) -> Element:
    root = etree.Element(q(MD, "EntitiesDescriptor"), nsmap=NAMESPACES)
    root.set("ID", new_id())
    root.set("validUntil", stamp(valid_until))
    role = _service_provider(_entity(root, connection.entity_id), wants_signatures=True)
    _keys(role, "signing", _in_front(first, connection.signing))
    _endpoints(role, connection.consumer, logout=True)
    copied = Consumer(connection.consumer.acs[:1])
    for provider in connection.providers:
        role = _service_provider(_entity(root, provider.entity_id), wants_signatures=False)
        _keys(role, "encryption", provider.encryption)
        _endpoints(role, copied, logout=False)
    return root


def _entity(root: Element, entity_id: EntityId) -> Element:
    element = etree.SubElement(root, q(MD, "EntityDescriptor"))
    element.set("ID", new_id())
    element.set("entityID", str(entity_id))
    return element


def _service_provider(parent: Element, *, wants_signatures: bool) -> Element:
    role = etree.SubElement(parent, q(MD, "SPSSODescriptor"))
    if wants_signatures:
        role.set("AuthnRequestsSigned", "true")
        role.set("WantAssertionsSigned", "true")
    role.set("protocolSupportEnumeration", SAMLP)
    return role


def _keys(role: Element, use: str, certificates: Sequence[KeyCertificate]) -> None:
    for certificate in certificates:
        key_descriptor(role, use, certificate)


def key_descriptor(role: Element, use: str, certificate: KeyCertificate) -> Element:
    """Append a KeyDescriptor whose KeyName is the SHA-1 of the certificate."""
    key = etree.SubElement(role, q(MD, "KeyDescriptor"), use=use)
    info = etree.SubElement(key, q(DS, "KeyInfo"))
    etree.SubElement(info, q(DS, "KeyName")).text = certificate.sha1
    block = etree.SubElement(info, q(DS, "X509Data"))
    etree.SubElement(block, q(DS, "X509Certificate")).text = base64.b64encode(certificate.der).decode()
    return key


def _endpoints(role: Element, consumer: Consumer, *, logout: bool) -> None:
    if logout and consumer.logout:
        etree.SubElement(role, q(MD, "SingleLogoutService"), Binding=HTTP_POST, Location=consumer.logout)
    for index, location in enumerate(consumer.acs):
        acs = etree.SubElement(role, q(MD, "AssertionConsumerService"), Binding=HTTP_ARTIFACT, Location=location)
        acs.set("index", str(index))
        if index == 0:
            acs.set("isDefault", "true")


def _service(role: Element, index: int, service: OfferedService) -> None:
    consuming = etree.SubElement(role, q(MD, "AttributeConsumingService"), index=str(index))
    if index == 0:
        consuming.set("isDefault", "true")
    for language, name in service.names:
        title = etree.SubElement(consuming, q(MD, "ServiceName"))
        title.set(q(XML, "lang"), language)
        title.text = name
    requested = etree.SubElement(consuming, q(MD, "RequestedAttribute"), Name=SERVICE_UUID)
    etree.SubElement(requested, q(SAML, "AttributeValue")).text = service.uuid
