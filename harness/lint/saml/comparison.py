"""Compare a delivery with the one before it, with the other environment and with the aansluitbestand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from harness.lint.judge import Context, Raw, RuleTable, not_run
from harness.lint.kinds import guess
from harness.lint.saml.delivered import Delivered, saw
from harness.lint.saml.sheet import sheet_of
from harness.model import Finding, NotRun, Text
from harness.wire.saml import Moment
from harness.wire.saml_metadata import Entity, Key, Metadata
from harness.wire.saml_signature import read_signature, signatures_of

table: RuleTable[Delivered] = RuleTable()

BATCH: Final = 150


@dataclass(frozen=True, slots=True)
class Difference:
    """What one delivery changes with respect to another."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    rekeyed: tuple[str, ...]
    moved: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether both say the same of every entity."""
        return not (self.added or self.removed or self.rekeyed or self.moved)

    @property
    def told(self) -> Text:
        """The changes in words: how many of each sort, and the first names."""
        sorts = (
            ("erbij", "added", self.added),
            ("weg", "removed", self.removed),
            ("met andere sleutels", "with other keys", self.rekeyed),
            ("met andere adressen", "with other addresses", self.moved),
        )
        named = [(nl, en, f"{len(ids)} ", f" ({_few(ids)})" if ids else "") for nl, en, ids in sorts]
        return Text(
            "; ".join(f"{count}{nl}{names}" for nl, _, count, names in named),
            "; ".join(f"{count}{en}{names}" for _, en, count, names in named),
        )


def compare(before: Metadata, after: Metadata) -> Difference:
    """Return which entities were added or removed, and which changed keys or endpoints."""
    old, new = before.by_id, after.by_id
    both = [i for i in new if i in old]
    return Difference(
        tuple(i for i in new if i not in old),
        tuple(i for i in old if i not in new),
        tuple(i for i in both if _keys(old[i].keys) != _keys(new[i].keys)),
        tuple(i for i in both if _places(old[i]) != _places(new[i])),
    )


def _keys(keys: Iterable[Key]) -> frozenset[tuple[str, str]]:
    return frozenset((k.use, k.certificate.sha1) for k in keys if k.certificate)


def _places(entity: Entity) -> frozenset[tuple[str, str, str]]:
    return frozenset((p.kind, p.binding, p.location) for role in entity.roles for p in role.endpoints)


def _few(values: Iterable[str], limit: int = 5) -> str:
    listed = sorted(values)
    return ", ".join(listed[:limit]) + (f" … (+{len(listed) - limit})" if len(listed) > limit else "")


@table.rule("SAML-MD-005", "SAML-MD-806", "SAML-MD-807")
def follows_previous(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """A delivery holds every DV of the one before, adds at most a batch, and is really new (TVS stap 15 en 19)."""
    previous = doc.others.get("previous")
    if not doc.clustered:
        if previous is not None:
            yield saw("SAML-MD-902", doc.root, compare(previous, doc.metadata).told, case="changes")
        return
    if previous is None:
        yield from not_run(
            ("SAML-MD-005", "SAML-MD-806", "SAML-MD-807"),
            Text(
                "geen vorige levering opgegeven (--with previous:BESTAND); bij een eerste levering is die er niet",
                "no previous delivery given (--with previous:FILE); a first delivery has none",
            ),
        )
        return
    difference = compare(previous, doc.metadata)
    yield saw("SAML-MD-902", doc.root, difference.told, case="changes")
    if difference.removed:
        yield saw("SAML-MD-806", doc.root, _few(difference.removed))
    if len(difference.added) > BATCH:
        yield saw("SAML-MD-005", doc.root, str(len(difference.added)), "100-150")
    yield from _really_new(previous, doc)


def _really_new(previous: Metadata, doc: Delivered) -> Iterator[Finding]:
    if _digest(previous) == _digest(doc.metadata):
        yield saw("SAML-MD-807", doc.root, "ds:DigestValue", case="same")
        return
    if previous.root.get("ID") == doc.root.get("ID"):
        yield saw("SAML-MD-807", doc.root, f"ID={doc.root.get('ID')}", case="id")
    before, now = Moment.read(previous.root.get("validUntil")), Moment.read(doc.root.get("validUntil"))
    if before and now and now.at < before.at:
        yield saw("SAML-MD-807", doc.root, f"{now.at:%Y-%m-%d}", f"≥ {before.at:%Y-%m-%d}", case="earlier")


def _digest(metadata: Metadata) -> bytes:
    found = signatures_of(metadata.root)
    references = read_signature(found[0]).references if found else ()
    return (references[0].digest if references else None) or id(metadata).to_bytes(8, "big")


@table.rule("SAML-MD-522", "SAML-MD-711")
def sets_are_separate(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """Pre-production and production share no certificate, no index and no ServiceUUID (TVS stap 10)."""
    other = next((doc.others[r] for r in ("preprod", "prod") if r in doc.others), None)
    if other is None:
        if str(ctx.environment) == "prod":
            yield from not_run(
                ("SAML-MD-522", "SAML-MD-711"),
                Text(
                    "geen metadata van preproductie opgegeven (--with preprod:BESTAND)",
                    "no pre-production metadata given (--with preprod:FILE)",
                ),
            )
        return
    shared = doc.metadata.fingerprints().keys() & other.fingerprints().keys()
    if shared:
        yield saw("SAML-MD-522", doc.root, _few(shared, 3))
    same = doc.metadata.ids & other.ids
    if same:
        yield saw("SAML-MD-522", doc.root, _few(same, 3), case="index")
    uuids = _uuids(doc.metadata) & _uuids(other)
    if uuids:
        yield saw("SAML-MD-711", doc.root, _few(uuids, 3))


def _uuids(metadata: Metadata) -> frozenset[str]:
    services = (s for e in metadata.entities for role in e.roles for s in role.services)
    return frozenset(uuid.strip().lower() for s in services for uuid in s.uuids)


@table.rule("SAML-MD-523")
def dedicated_certificates(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """Signing and TLS certificates were bought for TVS alone (TVS stap 5)."""
    if not doc.beside:
        yield from not_run(
            ("SAML-MD-523",),
            Text(
                "geen andere metadata van de organisatie opgegeven (--with BESTAND)",
                "no other metadata of the organisation given (--with FILE)",
            ),
        )
        return
    elsewhere = {sha1 for other in doc.beside for sha1 in other.fingerprints()}
    for _, key, certificate in doc.certified:
        if key.use == "signing" and certificate.sha1 in elsewhere:
            yield saw("SAML-MD-523", key.element, certificate.sha1)


def _active(companion: Raw) -> Iterator[str]:
    """Yield the dienstverleners that are active in an aansluitbestand that was given along."""
    if companion.relation or guess(companion) != "aansluitbestand":
        return
    sheet = sheet_of(companion.data, companion.name)
    yield from (name for row in sheet.active() if (name := sheet.value(row, "entityid")))


@table.rule("SAML-MD-804")
def as_in_connection_file(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """The DVs are those of the aansluitbestand, no more and no fewer (TVS stap 6 en 19)."""
    if not doc.clustered:
        return
    active = frozenset(part for value in ctx.settings.get("active-entityids", ()) for part in value.split(",") if part)
    active |= frozenset(name for companion in ctx.companions for name in _active(companion))
    if not active:
        yield from not_run(
            ("SAML-MD-804",),
            Text(
                "geen aansluitbestand opgegeven (--with BESTAND)",
                "no aansluitbestand (connection file) given (--with FILE)",
            ),
        )
        return
    own = frozenset(e.entity_id for e in doc.metadata.entities if e.name and e.name.role == "DV")
    if active - own:
        yield saw("SAML-MD-804", doc.root, _few(active - own), case="missing")
    if own - active:
        yield saw("SAML-MD-804", doc.root, _few(own - active), case="extra")
