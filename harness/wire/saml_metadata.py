"""Read SAML metadata leniently into typed values that remember where they stand in the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from harness.wire.saml import (
    DS,
    MD,
    SAML,
    SERVICE_UUID,
    XML,
    Element,
    EntityId,
    children,
    is_true,
    local_name,
    q,
    read_xml,
    text_of,
)
from harness.wire.saml_keys import KeyCertificate, decode_base64, read_certificate

_KEY_INFO: Final = q(DS, "KeyInfo")
_KEY_NAME: Final = q(DS, "KeyName")
_CERTIFICATE: Final = q(DS, "X509Certificate")
_X509_DATA: Final = q(DS, "X509Data")
_METHOD: Final = q(MD, "EncryptionMethod")
ENDPOINTS: Final = frozenset(
    {
        "ArtifactResolutionService",
        "AssertionConsumerService",
        "AssertionIDRequestService",
        "ManageNameIDService",
        "NameIDMappingService",
        "SingleLogoutService",
        "SingleSignOnService",
    }
)


@dataclass(frozen=True, slots=True)
class Key:
    """One md:KeyDescriptor: its use, names and certificate, complete or not."""

    element: Element
    use: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    blocks: int
    certificate: KeyCertificate | None
    methods: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first KeyName without surrounding whitespace."""
        return self.names[0].strip() if self.names else ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a role: what it is called, its binding, Location, index and default mark."""

    element: Element
    kind: str
    binding: str
    location: str
    response_location: str | None
    index: str | None
    default: bool

    @property
    def same_as(self) -> tuple[str, str, str | None]:
        """What must be equal when a dienstverlener copies the endpoint of the LC."""
        return self.binding, self.location, self.index


@dataclass(frozen=True, slots=True)
class Service:
    """One md:AttributeConsumingService: index, names per language and the ServiceUUID values in it."""

    element: Element
    index: str | None
    default: bool
    languages: tuple[str, ...]
    attribute_names: tuple[str, ...]
    values: tuple[Element, ...]

    @property
    def uuids(self) -> tuple[str, ...]:
        """The ServiceUUID values as they are written, whitespace included."""
        return tuple(text_of(value) for value in self.values)


@dataclass(frozen=True)
class Role:
    """One role descriptor (SPSSODescriptor, IDPSSODescriptor) of an entity."""

    element: Element
    kind: str

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The KeyDescriptors in document order."""
        return tuple(_key(found) for found in self.element.findall(q(MD, "KeyDescriptor")))

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint in document order."""
        return tuple(_endpoint(child) for child in children(self.element) if local_name(child) in ENDPOINTS)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The AttributeConsumingServices in document order."""
        return tuple(_service(found) for found in self.element.findall(q(MD, "AttributeConsumingService")))

    def of(self, kind: str) -> tuple[Endpoint, ...]:
        """Return the endpoints called `kind`, for instance AssertionConsumerService."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Endpoint, ...]]:
        found: dict[str, tuple[Endpoint, ...]] = {}
        for endpoint in self.endpoints:
            found[endpoint.kind] = (*found.get(endpoint.kind, ()), endpoint)
        return found

    def used_for(self, use: str) -> tuple[Key, ...]:
        """Return the keys with this use."""
        return tuple(key for key in self.keys if key.use == use)


@dataclass(frozen=True)
class Entity:
    """One md:EntityDescriptor: identifier, its parts when it follows the scheme, and its roles."""

    element: Element
    entity_id: str
    name: EntityId | None
    roles: tuple[Role, ...]

    @property
    def sp(self) -> Role | None:
        """The (first) service provider role."""
        return next((r for r in self.roles if r.kind == "SPSSODescriptor"), None)

    @property
    def idp(self) -> Role | None:
        """The (first) identity provider role: that of the routing service."""
        return next((r for r in self.roles if r.kind == "IDPSSODescriptor"), None)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of all roles."""
        return tuple(key for role in self.roles for key in role.keys)

    def used_for(self, use: str) -> tuple[Key, ...]:
        """Return the keys of all roles with this use."""
        return tuple(key for key in self.keys if key.use == use)


@dataclass(frozen=True)
class Metadata:
    """A metadata document: its root and every entity in it, in document order."""

    root: Element
    size: int
    entities: tuple[Entity, ...]

    @property
    def plural(self) -> bool:
        """Whether the root holds many entities (a cluster) instead of being one."""
        return bool(self.root.tag == q(MD, "EntitiesDescriptor"))

    @property
    def is_metadata(self) -> bool:
        """Whether the root is one of the two that metadata may have."""
        return self.root.tag in (q(MD, "EntityDescriptor"), q(MD, "EntitiesDescriptor"))

    @property
    def lc(self) -> Entity | None:
        """The LC entity of a cluster file."""
        return next((e for e in self.entities if e.name and e.name.role == "LC"), None)

    @cached_property
    def by_id(self) -> dict[str, Entity]:
        """Entities by entityID; of two with one name the first."""
        return {e.entity_id: e for e in reversed(self.entities)}

    @property
    def ids(self) -> frozenset[str]:
        """Every entityID in the file."""
        return frozenset(self.by_id)

    def fingerprints(self) -> dict[str, str]:
        """Return SHA-1 of every readable certificate → the entityID that lists it first."""
        found: dict[str, str] = {}
        for entity in self.entities:
            for key in entity.keys:
                if key.certificate:
                    found.setdefault(key.certificate.sha1, entity.entity_id)
        return found


def read_metadata(data: bytes) -> Metadata:
    """Read the bytes of a metadata file; raises XmlBroken when they are no XML."""
    return metadata_of(read_xml(data), len(data))


def metadata_of(root: Element, size: int = 0) -> Metadata:
    """Read parsed metadata; anything that is missing stays empty."""
    tag = q(MD, "EntityDescriptor")
    found = [root] if root.tag == tag else root.findall(tag) or list(root.iter(tag))
    return Metadata(root, size, tuple(_entity(element) for element in found))


def _entity(element: Element) -> Entity:
    identifier = element.get("entityID") or ""
    roles = tuple(Role(c, local_name(c)) for c in children(element) if local_name(c).endswith("Descriptor"))
    return Entity(element, identifier, EntityId.read(identifier), roles)


def _key(element: Element) -> Key:
    info = element.find(_KEY_INFO)
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    blocks = 0
    if info is not None:
        names = tuple(text_of(name) for name in info.findall(_KEY_NAME))
        texts = tuple(text_of(found) for found in info.iter(_CERTIFICATE))
        blocks = len(info.findall(_X509_DATA))
    der = decode_base64(texts[0]) if texts else None
    return Key(
        element,
        element.get("use") or "",
        names,
        texts,
        blocks,
        read_certificate(der) if der else None,
        tuple(method.get("Algorithm") or "" for method in element.findall(_METHOD)),
    )


def _endpoint(element: Element) -> Endpoint:
    return Endpoint(
        element,
        local_name(element),
        element.get("Binding") or "",
        element.get("Location") or "",
        element.get("ResponseLocation"),
        element.get("index"),
        is_true(element.get("isDefault")),
    )


def _service(element: Element) -> Service:
    requested = element.findall(q(MD, "RequestedAttribute"))
    values = [v for r in requested if r.get("Name") == SERVICE_UUID for v in r.findall(q(SAML, "AttributeValue"))]
    return Service(
        element,
        element.get("index"),
        is_true(element.get("isDefault")),
        tuple(name.get(q(XML, "lang")) or "" for name in element.findall(q(MD, "ServiceName"))),
        tuple(r.get("Name") or "" for r in requested),
        tuple(values),
    )


def key_certificates(entity: Entity, use: str) -> Iterator[tuple[str, KeyCertificate]]:
    """Yield KeyName and certificate of every readable key with this use."""
    for key in entity.used_for(use):
        if key.certificate:
            yield key.name, key.certificate
