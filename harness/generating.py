"""Write a document from the scenario, and judge it before it goes anywhere (`ketentest generate`)."""

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from harness import documents
from harness.check import as_text, judge_bytes
from harness.errors import UnusableInput
from harness.front import Options, Session
from harness.link import Link
from harness.lint.judge import Context
from harness.run import utc_now
from harness.scenario import load


@dataclass(frozen=True)
class Request:
    """What to generate, for which connection, and with what."""

    kind: str
    connection: str
    out: Path | None = None
    profile: str = "osb-rm"
    provider: Path | None = None
    consumer: Path | None = None
    hosts: tuple[str, ...] = ()
    bits: int = 3072


def generate(scenario: Path, request: Request) -> tuple[bytes, str]:
    """Return the document and its judgement as text; raises UnusableInput when something is missing."""
    loaded = load(scenario)
    if request.connection not in loaded.scenario.connections:
        known = ", ".join(loaded.scenario.connections)
        raise UnusableInput(
            f"{request.connection}: geen verbinding in het scenario; wel: {known}",
            f"{request.connection}: no connection in the scenario; it has: {known}",
        )
    return asyncio.run(_generate(scenario, request))


async def _generate(scenario: Path, request: Request) -> tuple[bytes, str]:
    loaded = load(scenario)
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        async with Session(loaded, Options(runs=Path(scratch), offline=True)) as session:
            link = await session.bind(request.connection)
            document = _make(link, request)
    kind = {
        "consumer-spec": "consumer-spec",
        "ping-mmd": "ping-mmd",
        "cpa": "cpa",
        "csr": "csr",
        "saml-metadata": "saml-metadata",
    }
    role = "lc" if link.connection.system == "tvs-cluster" else "dv" if link.connection.saml else ""
    settings = {"oin": (link.party.oin,), "endpoint": tuple(f"https://{h}" for h in request.hosts)}
    ctx = Context(at=utc_now(), environment=link.environment, role=role, trust=link.anchors, settings=settings)
    judged = judge_bytes(document, request.out.name if request.out else request.kind, ctx, kind[request.kind])
    return document, as_text(judged, loaded.scenario.language)


def _make(link: Link, request: Request) -> bytes:
    if request.kind == "consumer-spec":
        return documents.consumer_spec(link)
    if request.kind == "ping-mmd":
        return documents.ping_mmd(link)
    if request.kind == "cpa":
        return _cpa(link, request)
    if request.kind == "csr":
        return _csr(link, request)
    from harness.probes.saml import own_metadata

    return own_metadata(link, utc_now() + timedelta(days=365))


def _cpa(link: Link, request: Request) -> bytes:
    if request.provider is None:
        raise UnusableInput(
            "een CPA vraagt de specificatie van de aanbieder: geef --provider FILE",
            "a CPA needs the specification of the provider: give --provider FILE",
        )
    consumer = request.consumer.read_bytes() if request.consumer else documents.consumer_spec(link)
    return documents.rehearsal_cpa(consumer, request.provider.read_bytes(), request.profile, utc_now())


def _csr(link: Link, request: Request) -> bytes:
    if request.out is None:
        raise UnusableInput(
            "een CSR vraagt --out FILE: de sleutel komt ernaast", "a CSR needs --out FILE: the key goes beside it"
        )
    csr, key = documents.certificate_request(link, request.hosts, request.bits)
    key_file = request.out.with_suffix(".key")
    if key_file.exists():
        raise UnusableInput(
            f"{key_file} bestaat al; kies een andere naam, een sleutel wordt nooit overschreven",
            f"{key_file} exists already; choose another name, a key is never overwritten",
        )
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    hosts = list(request.hosts) or documents.own_hosts(link)
    request.out.with_suffix(".md").write_text(documents.order_sheet(link, hosts, "nl"), encoding="utf-8")
    return csr
