"""The entityID and the OIN in it (C)."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import CLUSTER, Delivered, saw
from harness.model import Finding, NotRun, Text
from harness.wire.oin import REGISTERS, TEST_PREFIX, fault
from harness.wire.saml_metadata import Entity

table: RuleTable[Delivered] = RuleTable()

SCHEME: Final = "urn:nl-eid-gdi:1.0:<AD|DV|BVD|LC|RD>:<OIN>:entities:<NNNN>"
UZI_PREFIX: Final = "00000009"


@table.rule("SAML-MD-201")
def follows_scheme(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The entityID follows the naming scheme to the letter (10.2)."""
    for entity in doc.metadata.entities:
        if entity.name is None:
            yield saw("SAML-MD-201", entity.element, _named(entity), SCHEME, case=_departure(entity.entity_id))


def _named(entity: Entity) -> str:
    return entity.entity_id[:160] or "—"


def _departure(entity_id: str) -> str:
    """Return the case that tells the reader what is meant: a URL, an older scheme, or one part that is off."""
    if entity_id.startswith("urn:nl-eid-gdi:1:0:"):
        return "older"
    if re.match(r"https?://", entity_id):
        return "url"
    parts = entity_id.split(":")
    if len(parts) != 7 or not entity_id.startswith("urn:nl-eid-gdi:1.0:"):
        return ""
    if parts[3] not in ("AD", "DV", "BVD", "LC", "RD"):
        return "role"
    return "oin" if not re.fullmatch(r"[0-9]{8}[0-9A-Z]{12}", parts[4]) else "index"


@table.rule("SAML-MD-202")
def role_fits_position(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A direct file names a DV; a cluster names one LC and otherwise DVs (8.3, 8.4)."""
    for entity in doc.metadata.entities:
        if entity.name is None:
            continue
        if not doc.clustered and entity.name.role != "DV":
            yield saw("SAML-MD-202", entity.element, entity.name.role, "DV")
        elif doc.clustered and entity.name.role == "LC" and entity is not doc.metadata.lc:
            yield saw("SAML-MD-202", entity.element, "LC", "DV")


@table.rule("SAML-MD-203")
def index_fits_environment(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Index 9000-9999 is for test systems, 0000-8999 for production (10.2)."""
    for entity in doc.metadata.entities:
        if entity.name is None:
            continue
        test = entity.name.index >= "9000"
        if test and str(ctx.environment) == "prod":
            yield saw("SAML-MD-203", entity.element, entity.name.index, "0000-8999", case="test-in-production")
        elif not test and str(ctx.environment) == "preprod":
            yield saw("SAML-MD-203", entity.element, entity.name.index, "9000-9999", case="production-in-test")


@table.rule("SAML-MD-204")
def known_register(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The OIN begins with the prefix of a register (OIN-Stelsel)."""
    for entity in doc.metadata.entities:
        if entity.name is None:
            continue
        prefix = entity.name.oin[:8]
        if prefix not in REGISTERS:
            yield saw("SAML-MD-204", entity.element, prefix, ", ".join(REGISTERS))
        elif prefix == TEST_PREFIX:
            yield saw("SAML-MD-204", entity.element, entity.name.oin, case="test")
        elif fault(entity.name.oin) == "shape" and prefix != UZI_PREFIX:
            yield saw("SAML-MD-204", entity.element, entity.name.oin, REGISTERS[prefix][0], case="shape")


@table.rule("SAML-MD-205")
def entity_ids_unique(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each entityID occurs once in the file."""
    first: dict[str, Entity] = {}
    for entity in doc.metadata.entities:
        if entity.entity_id in first:
            earlier = first[entity.entity_id].element.sourceline
            where = Text(f"ook op regel {earlier}", f"also on line {earlier}")
            yield saw(
                "SAML-MD-205", entity.element, Text(f"{_named(entity)} ({where.nl})", f"{_named(entity)} ({where.en})")
            )
        first.setdefault(entity.entity_id, entity)


@table.rule("SAML-MD-206")
def uzi_number(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """With a UZI certificate the OIN is 00000009, the URA and 0000."""
    for entity, key, certificate in doc.certified:
        if entity.name and certificate.uzi_register and entity.name.oin != certificate.oin:
            yield saw("SAML-MD-206", key.element, entity.name.oin, certificate.oin)


@table.rule("SAML-MD-207")
def as_registered(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """The entityID is the one on the aansluitformulier or of the previous delivery."""
    registered = ctx.settings.get("entityid", ())
    previous = doc.others.get("previous")
    own = doc.signer
    if own is None:
        return
    if registered:
        if own.entity_id not in registered:
            yield saw("SAML-MD-207", own.element, _named(own), ", ".join(registered))
    elif previous is not None:
        before = previous.lc or next(iter(previous.entities), None)
        if before and before.entity_id != own.entity_id:
            yield saw("SAML-MD-207", own.element, _named(own), before.entity_id, case="changed")
    else:
        yield from not_run(
            ("SAML-MD-207",),
            Text(
                "geen geregistreerd entityID en geen vorige levering opgegeven (--set entityid=… of --with previous:BESTAND)",
                "no registered entityID and no previous delivery given (--set entityid=… or --with previous:FILE)",
            ),
        )


@table.rule("SAML-MD-208")
def one_entity_per_oin(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Two indexes for one OIN are a choice, not a copying mistake."""
    groups: dict[str, dict[str, Entity]] = defaultdict(dict)
    for entity in doc.metadata.entities:
        if entity.name and entity.name.role == "DV":
            groups[entity.name.oin].setdefault(entity.entity_id, entity)
    for oin, entities in groups.items():
        if len(entities) > 1:
            indexes = ", ".join(e.name.index for e in entities.values() if e.name)
            yield saw("SAML-MD-208", list(entities.values())[1].element, f"{oin}: {indexes}")


# --- I. the cluster -----------------------------------------------------------------------------------------------


def _roles(doc: Delivered) -> Counter[str]:
    return Counter(e.name.role if e.name else "" for e in doc.metadata.entities)


@table.rule("SAML-MD-801", "SAML-MD-805")
def one_lc_and_its_providers(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A cluster file holds exactly one LC and at least one DV; the first one holds two DVs (TVS stap 1)."""
    if not doc.clustered:
        return
    roles = _roles(doc)
    if roles["LC"] != 1:
        yield saw("SAML-MD-801", doc.root, f"{roles['LC']} × LC", "1 × LC")
    if roles["DV"] < 1:
        yield saw("SAML-MD-801", doc.root, "0 × DV", "≥ 1 × DV")
    elif roles["DV"] == 1:
        yield saw("SAML-MD-805", doc.root, "1 × DV", "≥ 2 × DV")


@table.rule("SAML-MD-802")
def lc_first(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Some receivers take the first entity for the connection."""
    if not doc.clustered or not doc.metadata.entities:
        return
    first = doc.metadata.entities[0]
    if doc.position(first) != CLUSTER:
        yield saw("SAML-MD-802", first.element, _named(first), "LC")


@table.rule("SAML-MD-803")
def no_other_roles(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Only LC and DV belong in the file of a cluster (8.4)."""
    if not doc.clustered:
        return
    for entity in doc.metadata.entities:
        if entity.name is None or entity.name.role not in ("LC", "DV"):
            yield saw("SAML-MD-803", entity.element, entity.name.role if entity.name else _named(entity), "LC, DV")


@table.rule("SAML-MD-808")
def own_organisation_as_provider(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The LC's own organisation may serve as test provider (TVS stap 6)."""
    lc = doc.metadata.lc
    if lc is None or lc.name is None:
        return
    for entity in doc.metadata.entities:
        if entity.name and entity.name.role == "DV" and entity.name.oin == lc.name.oin:
            yield saw("SAML-MD-808", entity.element, entity.entity_id)
