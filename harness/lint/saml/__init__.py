"""Judge eID SAML metadata and messages: pure functions from bytes and context to findings."""

import gc
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from harness.lint.judge import Context, Raw, RuleTable
from harness.lint.saml import (
    artifact,
    assertion,
    comparison,
    descriptor,
    document,
    keys,
    logout,
    names,
    request,
    routing,
    services,
    signature,
)
from harness.lint.saml.delivered import Delivered, delivered, saw
from harness.lint.saml.heard import Heard, heard, read_raw
from harness.model import Finding, Graded, NotRun, Text
from harness.wire.saml import read_xml
from harness.wire.saml_message import NoSamlMessage
from harness.wire.saml_metadata import Metadata, metadata_of
from harness.wire.xml import XmlBroken

LARGE: Final = 1_000_000
GENERIC: Final = frozenset(
    f"SAML-MD-{n}" for n in ("002", "006", "102", "104", "310", "314", "501", "509", "510", "511", "520", "603", "902")
)
"""What holds for any SAML metadata (`--profile generic`), for instance that of an SSOn identity provider."""
_DOCUMENT: Final = frozenset(f"SAML-MD-{n}" for n in ("002", "006", "010", "101", "102", "902"))
_TABLES: Final = (
    document.table,
    names.table,
    signature.table,
    descriptor.table,
    keys.table,
    services.table,
    comparison.table,
)


def judge_metadata(raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a metadata file of a DV, an LC (cluster) or the RD; broken XML is a finding."""
    try:
        root = read_xml(raw.data)
    except XmlBroken as wrong:
        yield Finding("SAML-MD-001", wrong.case, wrong.text, line=wrong.line)
        return
    encoding = (root.getroottree().docinfo.encoding or "UTF-8").upper()
    if raw.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "UTF-16"
    if encoding not in ("UTF-8", "US-ASCII", "ASCII"):
        yield Finding("SAML-MD-001", "encoding", encoding, "UTF-8", line=1)
    with _uncollected(len(raw.data)):
        metadata = metadata_of(root, len(raw.data))
        yield from judge_delivered(delivered(raw, metadata, ctx), ctx)


@contextmanager
def _uncollected(size: int) -> Iterator[None]:
    """Pause the search for cycles while a large file is judged: all that is read stays until the end anyway."""
    pause = size > LARGE and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


def judge_delivered(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge metadata that was read before."""
    if not doc.metadata.is_metadata:
        yield from (f for f in document.table.judge(doc, ctx) if f.rule in ("SAML-MD-002", "SAML-MD-003"))
    elif ctx.profile == "generic":
        yield from (f for table in _TABLES for f in table.judge(doc, ctx) if f.rule in GENERIC)
    elif ctx.role == "rd" or (not ctx.role and _is_routing(doc.metadata)):
        yield from (f for f in document.table.judge(doc, ctx) if f.rule in _DOCUMENT)
        yield from routing.table.judge(doc, ctx)
    elif _is_routing(doc.metadata):
        yield saw("SAML-MD-202", doc.root, _RD_FILE, ctx.role.upper(), case="rd-file")
    elif _is_elsewhere(doc.metadata):
        yield saw("SAML-MD-201", doc.root, _OTHER_FEDERATION, "urn:nl-eid-gdi:1.0:…")
        yield from _once(item for table in _TABLES for item in table.judge(doc, ctx))
    else:
        for table in _TABLES:
            yield from table.judge(doc, ctx)


def rows(metadata: Metadata, graded: Iterable[Graded]) -> dict[str, list[Graded]]:
    """Return the findings per entity, so that a cluster gets a row for each dienstverlener; "" holds the rest."""
    found: dict[str, list[Graded]] = {entity.entity_id: [] for entity in metadata.entities}
    for item in graded:
        match = _ENTITY.search(item.finding.where)
        found.setdefault(match[1] if match else "", []).append(item)
    return found


_ENTITY: Final = re.compile(r"EntityDescriptor\[@entityID='([^']*)'\]")


def _is_routing(metadata: Metadata) -> bool:
    """Whether this is the file that the RD itself publishes."""
    if len(metadata.entities) != 1:
        return False
    entity = metadata.entities[0]
    return bool(entity.name and entity.name.role == "RD" and entity.idp and not entity.sp)


def _is_elsewhere(metadata: Metadata) -> bool:
    """Whether this is the file of another federation: several entities, none named as eID SAML names them."""
    return len(metadata.entities) > 1 and not any(entity.name for entity in metadata.entities)


def _once(items: Iterable[Finding | NotRun]) -> Iterator[Finding | NotRun]:
    """Yield the first of each rule: hundreds of repetitions say nothing about a file that does not belong here."""
    seen = {"SAML-MD-201"}
    for item in items:
        if item.rule not in seen:
            seen.add(item.rule)
            yield item


def judge_message(raw: Raw, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a SAML message: a bare document or a captured HTTP message, with its companions."""
    try:
        message = read_raw(raw)
    except (XmlBroken, NoSamlMessage) as wrong:
        yield Finding("SAML-AR-002", "unreadable", wrong.text, line=getattr(wrong, "line", None))
        return
    yield from judge_heard(heard(raw, message, ctx), ctx)


def judge_heard(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a message that was read before, in the exchange it belongs to."""
    for table in MESSAGES[doc.message.kind]:
        yield from table.judge(doc, ctx)


_RD_FILE: Final = Text(
    "dit is de metadata van de routeringsvoorziening (RD), niet die van uw eigen aansluiting",
    "this is the metadata of the routing service (RD), not that of your own connection",
)
_OTHER_FEDERATION: Final = Text(
    "dit is de metadata van een andere federatie: geen enkel entityID volgt het naamschema van eID SAML",
    "this is the metadata of another federation: no entityID follows the naming of eID SAML",
)
METADATA_TABLES: Final = (*_TABLES, routing.table)
MESSAGES: Final[Mapping[str, tuple[RuleTable[Heard], ...]]] = {
    "AuthnRequest": (request.table,),
    "ArtifactResolve": (artifact.resolve,),
    "ArtifactResponse": (artifact.answer, assertion.table),
    "Response": (artifact.answer, assertion.table),
    "Assertion": (assertion.table,),
    "LogoutRequest": (logout.request,),
    "LogoutResponse": (logout.response,),
}
