"""The metadata file as a document: its XML, its root, its attributes and its period of validity (A and B)."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from harness.lint.judge import Context, RuleTable
from harness.lint.saml.delivered import Delivered, saw
from harness.model import Finding, Text
from harness.wire.saml import DS, DURATION, MD, NCNAME, SAML, Element, Moment, local_name, q
from harness.wire.saml_schema import schema_errors
from harness.wire.saml_signature import State

table: RuleTable[Delivered] = RuleTable()

FAR: Final = timedelta(days=3 * 366)
PROCESSING: Final = timedelta(days=14)
PLACEHOLDER_HOST: Final = re.compile(
    r"(?:.*\.)?(?:localhost|localdomain|invalid|example|example\.(?:com|org|net|nl))"
    r"|127\..*|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+|0\.0\.0\.0|169\.254\.\d+\.\d+"
    r"|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+|::1|f[cd][0-9a-f]{2}:.*|fe80:.*"
)
RESERVED_HOST: Final = re.compile(r"(?:.*\.)?(?:test|local|internal|intern|lan|home\.arpa)|[^.:]+")
"""Names that mean nothing outside one network: reserved suffixes, and a name without a dot."""


@table.rule("SAML-MD-002")
def schema_valid(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Valid against the published schemas (eID SAML 8.2)."""
    for line, message in schema_errors(doc.root):
        yield Finding("SAML-MD-002", observed=message, line=line)


@table.rule("SAML-MD-003")
def root_fits_connection(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A direct connection delivers one entity, a cluster one list of entities (8.3, 8.4.1)."""
    found = local_name(doc.root)
    expected = {"dv": "md:EntityDescriptor", "lc": "md:EntitiesDescriptor"}.get(ctx.role)
    if not doc.metadata.is_metadata:
        yield saw("SAML-MD-003", doc.root, found, expected or "md:EntityDescriptor, md:EntitiesDescriptor")
    elif expected and not expected.endswith(found):
        yield saw("SAML-MD-003", doc.root, f"md:{found}", expected)


@table.rule("SAML-MD-004")
def flat(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """All dienstverleners stand in one list (8.4)."""
    for nested in doc.root.iterdescendants(q(MD, "EntitiesDescriptor")):
        yield saw("SAML-MD-004", nested, nested.get("Name") or "md:EntitiesDescriptor")


_VALUES: Final = frozenset(
    {q(SAML, "AttributeValue"), q(DS, "KeyName"), q(DS, "X509Certificate"), q(SAML, "Audience"), q(SAML, "Issuer")}
)


@table.rule("SAML-MD-006")
def no_comment_in_value(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A comment inside a value leaves the signature intact but cuts the value short for many readers."""
    inside = (node.getparent() for node in doc.root.iter(etree.Comment, etree.ProcessingInstruction))
    parents = dict.fromkeys(parent for parent in inside if parent is not None)
    for parent in filter(_is_value, parents):
        yield saw("SAML-MD-006", parent, local_name(parent))


def _is_value(element: Element) -> bool:
    if element.tag in _VALUES:
        return True
    if any(isinstance(child.tag, str) for child in element):
        return False
    pieces = (element.text, *(child.tail for child in element))
    return any(piece and piece.strip() for piece in pieces)


@table.rule("SAML-MD-007")
def values_without_blanks(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """ServiceUUID, KeyName, entityID and Location carry no white space around or inside the value."""
    for entity in doc.metadata.entities:
        if entity.entity_id != entity.entity_id.strip():
            yield saw("SAML-MD-007", entity.element, repr(entity.entity_id), case="entityID")
    for _, _, key in doc.keyed:
        for name in key.names:
            if name != name.strip():
                yield saw("SAML-MD-007", key.element, repr(name), name.strip(), case="KeyName")
    for entity in doc.metadata.entities:
        for role in entity.roles:
            for endpoint in role.endpoints:
                if endpoint.location != endpoint.location.strip():
                    yield saw("SAML-MD-007", endpoint.element, repr(endpoint.location), case="Location")
            for service in role.services:
                for value, uuid in zip(service.values, service.uuids, strict=True):
                    if re.search(r"\s", uuid):
                        yield saw("SAML-MD-007", value, repr(uuid), "".join(uuid.split()), case="ServiceUUID")


@table.rule("SAML-MD-008")
def no_placeholders(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Hosts and numbers that stand for something still to be filled in."""
    for entity in doc.metadata.entities:
        if entity.name and not entity.name.oin.strip("0"):
            yield saw("SAML-MD-008", entity.element, entity.name.oin)
        for role in entity.roles:
            for endpoint in role.endpoints:
                host = _host(endpoint.location)
                if PLACEHOLDER_HOST.fullmatch(host):
                    yield saw("SAML-MD-008", endpoint.element, host)
                elif RESERVED_HOST.fullmatch(host):
                    yield saw("SAML-MD-008", endpoint.element, host, case="reserved")


def _host(location: str) -> str:
    try:
        return (urlsplit(location).hostname or "").lower()
    except ValueError:
        return ""


@table.rule("SAML-MD-009")
def not_reformatted(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The file was opened and saved in an editor after it was signed."""
    if doc.signature.state is State.REFORMATTED:
        yield saw("SAML-MD-009", doc.root, related=("SAML-MD-310",))


@table.rule("SAML-MD-010")
def encoding_agrees(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Declared encoding, bytes and line ends agree."""
    if doc.raw.data.startswith(b"\xef\xbb\xbf"):
        yield Finding("SAML-MD-010", "bom", "EF BB BF", line=1)
    if b"&#13;" in doc.raw.data or b"&#xD;" in doc.raw.data or b"&#xd;" in doc.raw.data:
        for element in doc.root.iter(q(DS, "X509Certificate"), q(DS, "SignatureValue"), q(DS, "DigestValue")):
            if "\r" in (element.text or ""):
                yield saw("SAML-MD-010", element, "&#13;", case="return")
                break


# --- B. attributes of the root -----------------------------------------------------------------------------------


@table.rule("SAML-MD-101")
def has_id(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The root and every entity carry an @ID (8.3, 8.4.1)."""
    if not doc.root.get("ID"):
        yield saw("SAML-MD-101", doc.root, expected="ID")
    for entity in doc.metadata.entities:
        if entity.element is not doc.root and not entity.element.get("ID"):
            yield saw("SAML-MD-101", entity.element, expected="ID")


_IDS: Final = etree.XPath("//@ID", smart_strings=False)


@table.rule("SAML-MD-102")
def ids_unique(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Every @ID is an NCName and occurs once."""
    found = [str(value) for value in _IDS(doc.root)]
    for value, times in Counter(found).items():
        if times > 1:
            yield saw("SAML-MD-102", doc.root, f"{value[:60]} ×{times}", case="twice")
    for element in _identified(doc):
        identifier = element.get("ID")
        if identifier and not NCNAME.fullmatch(identifier):
            yield saw("SAML-MD-102", element, identifier[:60], case="name")


def _identified(doc: Delivered) -> list[Element]:
    """Return the root and every entity, each once."""
    return [doc.root, *(e.element for e in doc.metadata.entities if e.element is not doc.root)]


@table.rule("SAML-MD-103")
def has_validity(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The root says how long it may be used: validUntil, cacheDuration or both."""
    if not (doc.root.get("validUntil") or doc.root.get("cacheDuration")):
        yield saw("SAML-MD-103", doc.root, expected="validUntil, cacheDuration")


def _dated(doc: Delivered) -> Iterator[tuple[Element, str]]:
    for element in _identified(doc):
        value = element.get("validUntil")
        if value:
            yield element, value


@table.rule("SAML-MD-104")
def not_expired(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Metadata whose validUntil has passed is invalid (8.3)."""
    for element, value in _dated(doc):
        moment = Moment.read(value)
        if moment and moment.at <= ctx.at:
            yield saw("SAML-MD-104", element, value, f"> {ctx.at:%Y-%m-%dT%H:%M:%SZ}")


@table.rule("SAML-MD-105")
def zoned(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """ValidUntil is a moment in UTC, not local time."""
    for element, value in _dated(doc):
        moment = Moment.read(value)
        if moment is None:
            yield saw("SAML-MD-105", element, value, "2027-01-01T00:00:00Z", case="unreadable")
        elif not moment.zoned:
            yield saw("SAML-MD-105", element, value, f"{value}Z")
        elif not value.strip().endswith(("Z", "00:00")):
            yield saw("SAML-MD-105", element, value, f"{moment.at:%Y-%m-%dT%H:%M:%SZ}")
        elif value.endswith("Z") and (twin := _local_twin(doc, moment.at)):
            yield saw("SAML-MD-105", element, value, f"{twin:%Y-%m-%dT%H:%M:%SZ}", case="local-time")


def _local_twin(doc: Delivered, at: datetime) -> datetime | None:
    """Return the end of a certificate that lies exactly the Dutch offset before `at`."""
    offsets = (timedelta(hours=1), timedelta(hours=2))
    return next((c.not_after for _, _, c in doc.certified if at - c.not_after in offsets), None)


@table.rule("SAML-MD-106")
def not_beyond_certificates(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The file is not valid longer than the first of its certificates."""
    moment = Moment.read(doc.root.get("validUntil"))
    ends = [(c.not_after, key, e) for e, key, c in doc.certified if moment and c.not_after < moment.at]
    if ends and moment:
        end, key, _ = min(ends, key=lambda entry: entry[0])
        yield saw("SAML-MD-106", key.element, f"{moment.at:%Y-%m-%d}", f"≤ {end:%Y-%m-%d}")


@table.rule("SAML-MD-107")
def cache_duration(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """CacheDuration is a positive duration of a sensible length."""
    value = doc.root.get("cacheDuration")
    if value is None:
        return
    match = DURATION.fullmatch(value.strip())
    if match is None or value.strip().startswith("-"):
        yield saw("SAML-MD-107", doc.root, value, "PT24H")
        return
    years, months, days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = timedelta(
        days=min(years * 365 + months * 30 + days, 10**6), hours=min(hours, 10**6), minutes=min(minutes, 10**6)
    ) + timedelta(seconds=min(seconds, 10**8))
    if not total:
        yield saw("SAML-MD-107", doc.root, value, "PT24H", case="zero")
    elif total > timedelta(days=31):
        yield saw("SAML-MD-107", doc.root, value, "≤ P1M", case="long")


@table.rule("SAML-MD-108")
def validity_on_root_only(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """In a cluster file the period of validity stands on the root only."""
    if not doc.clustered:
        return
    for entity in doc.metadata.entities:
        for name in ("validUntil", "cacheDuration"):
            if entity.element.get(name):
                yield saw("SAML-MD-108", entity.element, f'{name}="{entity.element.get(name)}"')


@table.rule("SAML-MD-110", "SAML-MD-111")
def sensible_period(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """ValidUntil lies neither absurdly far ahead nor before the file can be processed."""
    moment = Moment.read(doc.root.get("validUntil"))
    if moment is None or moment.at <= ctx.at:
        return
    if moment.at - ctx.at > FAR:
        yield saw("SAML-MD-110", doc.root, f"{moment.at:%Y-%m-%d}", f"≤ {_later(ctx.at, FAR):%Y-%m-%d}")
    elif moment.at - ctx.at < PROCESSING:
        days = (moment.at - ctx.at).days
        yield saw("SAML-MD-111", doc.root, Text(f"nog {days} dagen", f"{days} days left"), "≥ 14")


def _later(at: datetime, period: timedelta) -> datetime:
    return at + period


# --- J. other -------------------------------------------------------------------------------------------------


_OUTSIDE: Final = tuple(q(MD, name) for name in ("Organization", "ContactPerson", "Extensions"))


@table.rule("SAML-MD-901")
def outside_the_interface(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Elements that the interface has no row for; the routing service ignores them."""
    strange: dict[Element, list[str]] = {}
    for element in doc.root.iter(*_OUTSIDE):
        parent = element.getparent()
        if parent is not None:
            strange.setdefault(parent, []).append(f"md:{local_name(element)}")
    for parent, names in strange.items():
        yield saw("SAML-MD-901", parent, ", ".join(dict.fromkeys(names)))


@table.rule("SAML-MD-902")
def size(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Size and number of entities, for the delivery note."""
    count = len(doc.metadata.entities)
    kilobytes = max(1, len(doc.raw.data) // 1024)
    nl, en = ("entiteit", "entity") if count == 1 else ("entiteiten", "entities")
    yield Finding("SAML-MD-902", observed=Text(f"{count} {nl}, {kilobytes} kB", f"{count} {en}, {kilobytes} kB"))
