"""The words of eID SAML 4.4: namespaces, identifiers, algorithms, times and the parser for SAML bytes."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from harness.wire.xml import parse

Element = etree._Element  # noqa: SLF001 - lxml gives its element class no public name

MD: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XML: Final = "http://www.w3.org/XML/1998/namespace"

HTTP_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
HTTP_ARTIFACT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
SOAP_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"

SERVICE_UUID: Final = "urn:nl-eid-gdi:1.0:ServiceUUID"
INTENDED_AUDIENCE: Final = "urn:nl-eid-gdi:1.0:IntendedAudience"
IDP_ASSERTION: Final = "urn:nl-eid-gdi:1.0:IdpAssertion"
ACTING_SUBJECT: Final = "urn:nl-eid-gdi:1.0:ActingSubjectID"
LEGAL_SUBJECT: Final = "urn:nl-eid-gdi:1.0:LegalSubjectID"
REPRESENTATION: Final = "urn:nl-eid-gdi:1.1:RepresentationType"
FULL_AUTHORITY: Final = "urn:nl-eid-gdi:1.1:RT:Zorg_Volledig_Gezag_Kind"

LEGACY_BSN: Final = "urn:nl-eid-gdi:1.0:id:legacy-BSN"
BSNK_TYPES: Final = frozenset({"urn:nl-eid-gdi:1.0:id:BSN", "urn:nl-eid-gdi:1.0:id:Pseudonym"})
TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
ENTITY_FORMAT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
STATUS: Final = "urn:oasis:names:tc:SAML:2.0:status:"
CANCELLED: Final = "Authentication cancelled"

LOA_BASIC: Final = "http://eID.logius.nl/LoA/basic"
LOA_LOW: Final = "http://eidas.europa.eu/LoA/low"
LOA_SUBSTANTIAL: Final = "http://eidas.europa.eu/LoA/substantial"
LOA_HIGH: Final = "http://eidas.europa.eu/LoA/high"
LOA_RANK: Final = {
    LOA_BASIC: 0,
    "http://eid.logius.nl/LoA/basic": 0,  # the spelling of every published example
    LOA_LOW: 1,
    LOA_SUBSTANTIAL: 2,
    LOA_HIGH: 3,
}

RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNATURE_METHODS: Final = frozenset(f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{n}" for n in (256, 384, 512))
DIGEST_METHODS: Final = frozenset({SHA256, "http://www.w3.org/2001/04/xmldsig-more#sha384", f"{XENC}sha512"})
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
AES256_CBC: Final = f"{XENC}aes256-cbc"
RSA_OAEP: Final = f"{XENC}rsa-oaep-mgf1p"

RD_PREPROD: Final = "urn:nl-eid-gdi:1.0:RD:00000004000000149000:entities:9002"
"""The routing service as it names itself in the published pre-production metadata."""

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NCNAME: Final = re.compile(r"[^\W\d][\w.\-]*")
DURATION: Final = re.compile(
    r"-?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_ENTITY_ID: Final = re.compile(r"urn:nl-eid-gdi:1\.0:(AD|DV|BVD|LC|RD):([0-9]{8}[0-9A-Z]{12}):entities:([0-9]{4})")
_DATE_TIME: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")


def q(namespace: str, name: str) -> str:
    """Return the qualified name as lxml writes it."""
    return f"{{{namespace}}}{name}"


@dataclass(frozen=True, slots=True)
class EntityId:
    """An entityID taken apart: `urn:nl-eid-gdi:1.0:<role>:<oin>:entities:<index>`.

    >>> EntityId.read("urn:nl-eid-gdi:1.0:DV:00000001800866472000:entities:9001").role
    'DV'
    """

    role: str
    oin: str
    index: str

    @classmethod
    def read(cls, text: str) -> "EntityId | None":
        """Return the parts of `text`, or None when it does not follow the naming scheme."""
        match = _ENTITY_ID.fullmatch(text)
        return cls(*match.groups()) if match else None

    def __str__(self) -> str:
        return f"urn:nl-eid-gdi:1.0:{self.role}:{self.oin}:entities:{self.index}"


@dataclass(frozen=True, slots=True)
class Moment:
    """An xs:dateTime as it was written: the instant (UTC when no zone is given) and whether it names its zone."""

    at: datetime
    zoned: bool

    @classmethod
    def read(cls, text: str | None) -> "Moment | None":
        """Return the moment that `text` means, or None when it is no xs:dateTime."""
        match = _DATE_TIME.fullmatch((text or "").strip())
        if not match:
            return None
        try:
            value = datetime.fromisoformat(match[0])
        except ValueError:
            return None
        return cls(value if value.tzinfo else value.replace(tzinfo=UTC), match[1] is not None)


def new_id() -> str:
    """Return an unguessable @ID (160 random bits) that is an NCName."""
    return "_" + secrets.token_hex(20)


def stamp(at: datetime) -> str:
    """Return `at` as an xs:dateTime in UTC, in whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of(element: Element | None) -> str:
    """Return the whole text of `element`: a comment inside it does not cut the value short."""
    if element is None:
        return ""
    return "".join(str(piece) for piece in element.itertext()) if len(element) else element.text or ""


def children(element: Element) -> Iterator[Element]:
    """Yield the child elements, without comments and processing instructions."""
    return (child for child in element if isinstance(child.tag, str))


def local_name(element: Element) -> str:
    """Return the name of `element` without its namespace."""
    return etree.QName(element).localname


def is_true(value: str | None) -> bool:
    """Whether an xs:boolean attribute says true."""
    return (value or "").strip() in ("true", "1")


def read_xml(data: bytes) -> Element:
    """Parse SAML bytes from outside; raises XmlBroken (no DTD, no entities, no network)."""
    return parse(data)
