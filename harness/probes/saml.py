"""Probes on our SAML metadata; the login and the aansluitbestand have modules of their own."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.saml import rows
from harness.lint.saml.comparison import compare
from harness.model import Graded, NotRun, Observation, Severity, Text, Verdict
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.probes.saml_login import authn
from harness.probes.saml_onboarding import aansluitbestand
from harness.probes.saml_own import VALID_FOR, chains, ours_of, own_metadata, saml_of, settings_of
from harness.wire.saml_metadata import read_metadata

__all__ = ["aansluitbestand", "authn", "own_metadata", "own_view", "pysaml2_view", "saml_metadata", "second_reader"]


@probe("saml.metadata", title=("Metadata volgens eID SAML 4.4", "Metadata by eID SAML 4.4"), params=("lc", "dv"))
async def saml_metadata(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """Our metadata follows eID SAML: made from the scenario, or the file that will be delivered (TC-6b, TD-6b)."""
    if not tools.param:
        async for item in _generic(link, tools):
            yield item
        return
    saml = saml_of(link)
    ours = ours_of(link)
    document = link.documents.get("own-metadata")
    if document is None:
        document = await asyncio.to_thread(own_metadata, link, tools.now() + VALID_FOR)
        path = tools.save("saml-metadata.xml", document)
        yield Observation(Text(f"metadata gemaakt: {path}", f"metadata made: {path}"))
    yield tools.keep("saml-metadata.xml", document)
    before = link.documents.get("previous-metadata")
    companions = (*chains(link), *((Raw(before, "previous.xml", None, "previous"),) if before else ()))
    changes = {"role": tools.param, "spec": saml.spec, "settings": settings_of(link, ours), "companions": companions}
    judged = await asyncio.to_thread(tools.judge, "saml-metadata", document, "saml-metadata.xml", **changes)
    for item in judged:
        yield item
    yield Observation(f"SHA-256 {hashlib.sha256(document).hexdigest()}")
    names = {str(ours.provider_id(provider)): provider.name for provider in ours.providers}
    for row in _per_provider(document, judged, names):
        yield row
    yield await asyncio.to_thread(second_reader, document)
    if before is not None:
        yield _changes(before, document)


def _changes(before: bytes, after: bytes) -> Observation:
    """Say what this delivery changes with respect to the previous one."""
    told = compare(read_metadata(before), read_metadata(after)).told
    return Observation(
        Text(f"ten opzichte van de vorige levering: {told.nl}", f"against the previous delivery: {told.en}")
    )


def _per_provider(document: bytes, judged: list[Graded | NotRun], names: Mapping[str, str]) -> Iterator[Observation]:
    """One line per dienstverlener: passed, or the rules it departs from; `names` are those of the scenario."""
    try:
        parsed = read_metadata(document)
    except KetentestError:
        return
    graded = [item for item in judged if isinstance(item, Graded)]
    for entity_id, findings in rows(parsed, graded).items():
        loud = sorted({g.finding.rule for g in findings if g.severity is not Severity.INFO})
        if not entity_id and not loud:
            continue
        told = ", ".join(loud)
        named = entity_id or "—"
        heavy = any(g.severity is Severity.ERROR for g in findings)
        verdict = Verdict.FAIL if heavy else Verdict.WARN if loud else Verdict.PASS
        data = (("dienstverlener", names[entity_id]), ("oordeel", str(verdict))) if entity_id in names else ()
        yield Observation(Text(f"{named}: {told or 'geslaagd'}", f"{named}: {told or 'passed'}"), data)


def second_reader(document: bytes) -> Observation:
    """Compare our reading of a metadata file with that of pysaml2: the entities and their certificates."""
    theirs, ours = pysaml2_view(document), own_view(document)
    if theirs == ours:
        count = len(ours)
        return Observation(
            Text(f"pysaml2 leest hetzelfde: {count} entiteiten", f"pysaml2 reads the same: {count} entities")
        )
    different = ", ".join(
        sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))[:3]
    )
    return Observation(Text(f"pysaml2 leest iets anders: {different}", f"pysaml2 reads something else: {different}"))


def pysaml2_view(document: bytes) -> dict[str, tuple[int, int]]:
    """Return entityID → number of signing and encryption keys, as pysaml2 reads it."""
    from saml2 import md

    text = document.decode("utf-8", "replace")
    many = md.entities_descriptor_from_string(text)
    one = md.entity_descriptor_from_string(text) if many is None else None
    entities = many.entity_descriptor if many is not None else [one] if one is not None else []
    view = {}
    for entity in entities:
        keys = [key for role in entity.spsso_descriptor for key in role.key_descriptor]
        uses = [key.use for key in keys]
        view[str(entity.entity_id)] = (uses.count("signing"), uses.count("encryption"))
    return view


def own_view(document: bytes) -> dict[str, tuple[int, int]]:
    """Return entityID → number of signing and encryption keys, as we read it."""
    return {
        e.entity_id: (len(e.sp.used_for("signing")), len(e.sp.used_for("encryption")))
        for e in read_metadata(document).entities
        if e.sp
    }


async def _generic(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The metadata of an SSOn identity provider, by the rules that hold for any SAML metadata (DM-2.2c.3)."""
    document = link.documents.get("idp-metadata")
    if document is None:
        raise NotPossible(
            "geen metadata van de identity provider opgegeven; noem het bestand bij idp_metadata of leg het wijzigingsverzoek vast als bewijs",
            "no metadata of the identity provider given; name the file under idp_metadata or record the change request as evidence",
        )
    yield tools.keep("idp-metadata.xml", document)
    for item in tools.judge("saml-metadata", document, "idp-metadata.xml", profile="generic"):
        yield item
