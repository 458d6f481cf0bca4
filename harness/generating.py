"""Write a document from the scenario, and judge it before it goes anywhere (`ketentest generate`)."""

import asyncio
import os
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from harness import documents, network, ordering
from harness.chain import Loaded, load
from harness.check import as_text, judge_bytes, read
from harness.choice import Options, ledger_beside, newest_run
from harness.errors import KetentestError, UnusableInput
from harness.front import Session
from harness.link import Link
from harness.lint.judge import Context, Raw
from harness.model import Text
from harness.probes.probe import NotPossible
from harness.run import utc_now
from harness.wire import keyinfo
from harness.wire.certfile import opened
from harness.wire.spec import Action, Party, Service, parse_provider_spec, parse_specification

MESSAGES: Final = ("verzoek:SR>SP", "antwoord:SP>SR")
_MESSAGE: Final = re.compile(r"(?P<name>[^:>]+):(?P<sender>[A-Za-z0-9_.-]+)>(?P<receiver>[A-Za-z0-9_.-]+)")


@dataclass(frozen=True)
class Request:
    """What to generate, for which connection, and with what."""

    kind: str
    connection: str
    out: Path | None = None
    profile: str = "osb-rm"
    provider: Path | None = None
    consumer: Path | None = None
    service: str = ""
    messages: tuple[str, ...] = ()
    peer: bool = False
    signing: Path | None = None
    encryption: Path | None = None
    hosts: tuple[str, ...] = ()
    bits: int = 3072
    role: str = "tls-server"
    generation: str = ""


def generate(scenario: Path, request: Request) -> tuple[bytes, str]:
    """Return the document and its judgement as text; raises UnusableInput when something is missing."""
    _known(load(scenario), request.connection)
    return asyncio.run(_generate(scenario, request))


def _known(loaded: Loaded, connection: str) -> None:
    if connection not in loaded.scenario.connections:
        known = ", ".join(loaded.scenario.connections)
        raise UnusableInput(
            f"{connection}: geen verbinding in het scenario; wel: {known}",
            f"{connection}: no connection in the scenario; it has: {known}",
        )


async def _generate(scenario: Path, request: Request) -> tuple[bytes, str]:
    loaded = load(scenario)
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        async with Session(loaded, Options(runs=Path(scratch), offline=True)) as session:
            link = await session.bind(request.connection)
            document = _make(link, request)
    ctx = _context(link, request)
    judged = judge_bytes(document, request.out.name if request.out else request.kind, ctx, request.kind)
    return document, as_text(judged, loaded.scenario.language)


def _context(link: Link, request: Request) -> Context:
    role = "lc" if link.connection.system == "tvs-cluster" else "dv" if link.connection.saml else ""
    settings: dict[str, tuple[str, ...]] = {"oin": (link.party.oin,)}
    if request.kind == "csr":
        # Every host of the scenario, also one that was left out of the request: afterwards it cannot be added.
        role = request.role
        hosts = dict.fromkeys((*request.hosts, *ordering.needed_hosts(link, role)))
        settings["endpoint"] = tuple(f"https://{host}" for host in hosts)
        settings["generation"] = (request.generation,) if request.generation else ()
    if request.kind == "saml-metadata":
        return _saml_context(link, role)
    cpa = link.documents.get("cpa", b"") if request.kind == "ping-mmd" else b""
    return Context(
        at=utc_now(),
        environment=link.environment,
        role=role,
        trust=link.anchors,
        companions=(Raw(cpa, "cpa.xml"),) if cpa else (),
        settings=settings,
    )


def _saml_context(link: Link, role: str) -> Context:
    """Return what metadata is judged with: the chains of its certificates, what was registered, the previous delivery."""
    from harness.probes.saml_own import chains, ours_of, saml_of, settings_of

    before = link.documents.get("previous-metadata")
    previous = (Raw(before, "previous.xml", None, "previous"),) if before else ()
    return Context(
        at=utc_now(),
        environment=link.environment,
        role=role,
        spec=saml_of(link).spec,
        trust=link.anchors,
        companions=(*chains(link), *previous),
        settings=settings_of(link, ours_of(link)),
    )


def network_overview(scenario: Path, connection: str, runs: Path) -> tuple[str, str]:
    """Return the network overview of a connection as Markdown and as CSV: from its newest run, else from the scenario."""
    loaded = load(scenario)
    _known(loaded, connection)
    link = asyncio.run(_bound(loaded, connection))
    rows = network.flows(link, newest_run(loaded, runs))
    lang = loaded.scenario.language
    return network.as_markdown(rows, link, lang), network.as_csv(rows, lang)


async def _bound(loaded: Loaded, connection: str) -> Link:
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        async with Session(loaded, Options(runs=Path(scratch), offline=True)) as session:
            return await session.bind(connection)


def aansluitbestand(scenario: Path, connection: str, template: Path | None, name: str) -> tuple[bytes, str]:
    """Return the aansluitbestand of a cluster by DICTU's template, and its judgement beside metadata and template."""
    from harness.onboarding import fill_in, papers_of

    loaded = load(scenario)
    chosen = papers_of(loaded, ledger_beside(loaded), connection)
    named = chosen.connection.saml.aansluitbestand_template if chosen.connection.saml else ""
    if template is None and not named:
        raise UnusableInput(
            "een aansluitbestand vraagt het sjabloon van DICTU: geef --template FILE of noem saml.aansluitbestand_template",
            "an aansluitbestand needs DICTU's template: give --template FILE or name saml.aansluitbestand_template",
        )
    file = template or loaded.folder / named
    document, unknown = fill_in(chosen, file)
    lang = loaded.scenario.language
    ctx = Context(
        at=utc_now(),
        environment=chosen.connection.environment,
        role="lc" if chosen.connection.system == "tvs-cluster" else "dv",
        companions=(Raw(read(file), str(file), relation="template"), *_beside(loaded, connection)),
    )
    told = as_text(judge_bytes(document, name, ctx, "aansluitbestand"), lang)
    if unknown:
        nl, en = "vul zelf in", "fill in yourself"
        told += f"  {Text(nl, en).of(lang)}: {', '.join(unknown)}\n"
    return document, told


def _beside(loaded: Loaded, connection: str) -> tuple[Raw, ...]:
    """Return the previous aansluitbestand and our metadata, as far as they exist."""
    saml = loaded.scenario.connections[connection].saml
    previous = saml.previous_aansluitbestand if saml else ""
    files = (Raw(read(loaded.folder / previous), previous, relation="previous"),) if previous else ()
    try:
        metadata, _ = generate(loaded.path, Request("saml-metadata", connection))
    except (KetentestError, NotPossible):
        return files
    return (*files, Raw(metadata, "saml-metadata.xml"))


def _make(link: Link, request: Request) -> bytes:
    if request.kind == "consumer-spec":
        return documents.consumer_spec(link)
    if request.kind == "provider-spec":
        make = documents.peer_spec if request.peer else documents.provider_spec
        return make(link, (_service(link, request),))
    if request.kind == "ping-mmd":
        return documents.ping_mmd(link)
    if request.kind == "cpa":
        return _cpa(link, request)
    if request.kind == "csr":
        return _csr(link, request)
    from harness.probes.saml import own_metadata

    return own_metadata(link, utc_now() + timedelta(days=365))


def _service(link: Link, request: Request) -> Service:
    known = link.connection.ebms.service if link.connection.ebms else ""
    name = request.service or known or "ketentest:oefening:1.0"
    return Service(name, tuple(_message(text, request.profile) for text in request.messages or MESSAGES))


def _message(text: str, profile: str) -> Action:
    found = _MESSAGE.fullmatch(text.strip())
    if found is None:
        raise UnusableInput(
            f"--message {text}: schrijf NAAM:VAN>NAAR, bijvoorbeeld afleveren:SR>SP",
            f"--message {text}: write NAME:FROM>TO, for example afleveren:SR>SP",
        )
    return Action(found["name"], found["sender"], found["receiver"], profile)


def _cpa(link: Link, request: Request) -> bytes:
    if request.provider is None:
        raise UnusableInput(
            "een CPA vraagt de specificatie van de aanbieder: geef --provider FILE (zelf maken: generate provider-spec)",
            "a CPA needs the specification of the provider: give --provider FILE (make one: generate provider-spec)",
        )
    consumer = _party(request.consumer) if request.consumer else documents.own_party(link)
    provider = parse_provider_spec(read(request.provider))
    party = replace(
        provider.party,
        signing_cert=_certificate(request.signing),
        encryption_cert=_certificate(request.encryption),
    )
    return documents.rehearsal_cpa(consumer, replace(provider, party=party), request.profile, utc_now())


def _party(path: Path) -> Party:
    return parse_specification(read(path)).party


def _certificate(path: Path | None) -> bytes:
    """Return the certificate (DER) in a PEM or DER file: a specification only carries those for TLS."""
    if path is None:
        return b""
    found = next((c.der for c in opened(read(path)).certificates), b"")
    if keyinfo.facts_of(found) is None:
        raise UnusableInput(
            f"{path}: hier staat geen certificaat in; geef het certificaat als PEM of DER",
            f"{path}: there is no certificate in this file; give the certificate as PEM or DER",
        )
    return found


def _csr(link: Link, request: Request) -> bytes:
    if request.out is None:
        raise UnusableInput(
            "een CSR vraagt --out FILE: de sleutel komt ernaast", "a CSR needs --out FILE: the key goes beside it"
        )
    wanted = ordering.order(link, request.role, request.hosts, request.bits, request.generation)
    key_file = request.out.with_suffix(".key")
    if key_file.exists():
        raise UnusableInput(
            f"{key_file} bestaat al; kies een andere naam, een sleutel wordt nooit overschreven",
            f"{key_file} exists already; choose another name, a key is never overwritten",
        )
    csr, key = ordering.certificate_request(wanted)
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    for lang in ("nl", "en"):
        sheet = ordering.order_sheet(wanted, csr, link, request.out, lang)
        request.out.with_suffix(f".order.{lang}.md").write_text(sheet, encoding="utf-8")
    return csr
