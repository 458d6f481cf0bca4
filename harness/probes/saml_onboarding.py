"""The aansluitbestand beside metadata and certificates, and what each dienstverlener still lacks."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.saml.onboarding import ABSENT, Joined, Lack, Sheet, judge_onboarding, plan_batches, unfit
from harness.lint.saml.sheet import sheet_of
from harness.model import Observation, Text, say
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.probes.saml_own import VALID_FOR, own_metadata, saml_of
from harness.scenario import Provider, Saml
from harness.wire.saml_metadata import Metadata, read_metadata


@probe(
    "tvs.aansluitbestand",
    title=("Aansluitbestand volledig en in overeenstemming", "Connection file complete and in agreement"),
)
async def aansluitbestand(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The aansluitbestand follows its template and agrees with metadata and certificates (TC-6a, TC-19a)."""
    saml = saml_of(link)
    for row in _batches(link, saml, tools.now()):
        yield row
    if not saml.aansluitbestand:
        raise NotPossible(
            "geen aansluitbestand opgegeven; vul het sjabloon van DICTU in en noem het bij saml.aansluitbestand",
            "no aansluitbestand given; fill in DICTU's template and name it under saml.aansluitbestand",
        )
    path = link.folder / saml.aansluitbestand
    data = await asyncio.to_thread(path.read_bytes)
    yield Observation(f"SHA-256 {hashlib.sha256(data).hexdigest()}")
    doc = Joined(
        sheet=_sheet(path),
        template=_sheet(link.folder / saml.aansluitbestand_template) if saml.aansluitbestand_template else None,
        previous=_sheet(link.folder / saml.previous_aansluitbestand) if saml.previous_aansluitbestand else None,
        metadata=await asyncio.to_thread(_own_view, link, tools),
        names={provider.oin: provider.name for provider in saml.providers},
    )
    role = "lc" if link.connection.system == "tvs-cluster" else "dv"
    for item in judge_onboarding(doc, tools.context(role=role)):
        yield item
    count = len(doc.sheet.active())
    yield Observation(Text(f"{count} actieve dienstverleners", f"{count} active dienstverleners"))


def _own_view(link: Link, tools: Tools) -> Metadata | None:
    document = link.documents.get("own-metadata")
    try:
        return read_metadata(document or own_metadata(link, tools.now() + VALID_FOR))
    except (KetentestError, NotPossible):
        return None


def _sheet(path: Path) -> Sheet:
    return sheet_of(path.read_bytes(), str(path))


def _batches(link: Link, saml: Saml, at: datetime) -> Iterator[Observation]:
    """Say which dienstverleners still lack something, and how many batches the others make."""
    lacks = tuple(_lack(link, provider, at) for provider in saml.providers)
    for lack in lacks:
        if lack.lacking:
            nl, en = (", ".join(say(what, lang) for what in lack.lacking) for lang in ("nl", "en"))
            yield Observation(Text(f"{lack.name} mist: {nl}", f"{lack.name} lacks: {en}"))
    batches = plan_batches(lacks)
    if len(batches) > 1:
        sizes = ", ".join(str(len(batch)) for batch in batches)
        yield Observation(Text(f"{len(batches)} batches: {sizes}", f"{len(batches)} batches: {sizes}"))


def _lack(link: Link, provider: Provider, at: datetime) -> Lack:
    held = link.materials.get(f"bsn-encryption:{provider.oin}")
    lacking = tuple(unfit(held.certificate, provider.oin, at)) if held else (ABSENT,)
    return Lack(provider.name, provider.oin, lacking)
