"""Fetch the CRLs and OCSP answers that certificates point to, and judge every certificate with them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from harness.errors import Refused
from harness.link import Link
from harness.lint.judge import Raw
from harness.model import Environment, Finding, Graded, Observation, Text
from harness.probes.crls import fitting, lists_for
from harness.probes.probe import Tools, Yield, probe
from harness.wire.crl import read_crl
from harness.wire.der import DerBroken
from harness.wire.survey import Survey, readable

MOST: Final = 64 * 1024 * 1024
REVOCATION: Final = "PKIO-REV-"


@dataclass(frozen=True)
class Fetched:
    """What came from one address, or why nothing usable came."""

    url: str
    data: bytes = b""
    problem: Text | None = None


@probe(
    "pki.revocation",
    title=("CRL's en OCSP op te halen en in orde", "CRLs and OCSP fetched and in order"),
    guard="connect",
    after=("tls.server", "tls.mutual"),
    beyond=True,
)
async def revocation(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """The CRLs of both sides can be fetched from this machine and nobody in the chains stands on them (DKB PKI004)."""
    chains = dict(_chains(link, tools))
    folder = link.connection.crls
    if folder:
        yield Observation(Text(f"uit map {folder}, niets opgehaald", f"from folder {folder}, nothing fetched"))
    lists = [] if folder else [await _list(link, tools, url) for url in _urls(chains.values())]
    for one in lists:
        if one.problem:
            yield Finding("PKIO-REV-007", observed=one.problem, expected="200, CRL (DER)", where=one.url)
        else:
            yield Observation(_age(one), (("url", one.url), ("bytes", str(len(one.data)))))
    usable = [Raw(one.data, one.url) for one in lists if not one.problem]
    for name, chain in chains.items():
        pairs = () if folder else pairwise(chain)
        answers = [data for data in [await _status(link, tools, pair) for pair in pairs] if data]
        fetched = [*usable, *(Raw(data, "OCSP") for data in answers)]
        for item in _judged(link, tools, name, chain, fetched):
            yield item


def _chains(link: Link, tools: Tools) -> Iterable[tuple[str, tuple[bytes, ...]]]:
    """Yield our own chains, and those that the endpoints served when they were looked at before."""
    for role, material in link.materials.items():
        yield role, tuple(c.public_bytes(Encoding.DER) for c in material.chain)
    for key, seen in tools.shared.items():
        if key.startswith("survey:") and isinstance(seen, Survey) and seen.chain:
            yield f"{seen.host}:{seen.port}", seen.chain


def _urls(chains: Iterable[tuple[bytes, ...]]) -> list[str]:
    urls = (url for chain in chains for one in readable(chain) if not one.self_issued for url in one.crl_urls)
    return [url for url in dict.fromkeys(urls) if url.startswith("http://")]


async def _list(link: Link, tools: Tools, url: str) -> Fetched:
    try:
        data = await _fetch(link, tools, url)
    except Refused as refused:
        return Fetched(url, problem=refused.text)
    except (httpx.HTTPError, OSError) as wrong:
        reason = str(wrong) or type(wrong).__name__
        return Fetched(url, problem=Text(f"niet op te halen: {reason}", f"cannot be fetched: {reason}"))
    try:
        known = read_crl(data)
    except DerBroken:
        known = None
    if known is None:
        return Fetched(url, problem=Text(f"{len(data)} bytes, maar geen CRL", f"{len(data)} bytes, but no CRL"))
    return Fetched(url, data)


@cache
def _roots() -> ssl.SSLContext:
    """The roots of the system, read once: only a proxy of the environment needs them, the addresses are plain HTTP."""
    return ssl.create_default_context()


async def _fetch(link: Link, tools: Tools, url: str, body: bytes = b"") -> bytes:
    """GET (or POST, for OCSP) over plain HTTP; a redirect is not followed, a proxy of the environment is used."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").lower(), parts.port or 80
    tools.exchange.guard.check_published(host)
    ip, mapped = link.directory.locate(host, port)
    target = f"http://{f'[{ip}]' if ':' in ip else ip}:{mapped}{parts.path or '/'}"
    headers = {"Host": host} | ({"Content-Type": "application/ocsp-request"} if body else {})
    limits = link.limits
    patience = httpx.Timeout(limits.read_timeout, connect=limits.connect_timeout)
    lab = link.environment is Environment.LAB
    async with (
        tools.exchange.guard.turn(host, f"crl {parts.path}"),
        asyncio.timeout(limits.read_timeout + limits.connect_timeout),
        httpx.AsyncClient(verify=_roots(), timeout=patience, trust_env=not lab) as client,
        client.stream("POST" if body else "GET", target, content=body or None, headers=headers) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"HTTP {answer.status_code}")
        data = bytearray()
        async for piece in answer.aiter_raw():
            data += piece
            if len(data) > MOST:
                raise httpx.HTTPError(f"> {MOST // 1024 // 1024} MB")
        return bytes(data)


async def _status(link: Link, tools: Tools, pair: tuple[bytes, bytes]) -> bytes:
    """Ask the responder that a certificate names for its status; `pair` is the certificate and its issuer."""
    certificates = readable(pair)
    places = [url for url in certificates[0].ocsp_urls if url.startswith("http://")] if len(certificates) == 2 else []
    if not places:
        return b""
    try:
        child, issuer = (x509.load_der_x509_certificate(data) for data in pair)
        asked = ocsp.OCSPRequestBuilder().add_certificate(child, issuer, hashes.SHA256()).build()
        return await _fetch(link, tools, places[0], asked.public_bytes(Encoding.DER))
    except (Refused, httpx.HTTPError, OSError, ValueError):
        # OCSP is optional: without an answer the CRL decides (PKIO-REV-006).
        return b""


def _judged(link: Link, tools: Tools, name: str, chain: tuple[bytes, ...], fetched: list[Raw]) -> list[Graded]:
    companions = lists_for(link, chain) if link.connection.crls else fitting(fetched, chain)
    pem = "".join(ssl.DER_cert_to_PEM_cert(data) for data in chain).encode()
    role = name.partition(":")[0] if name in link.materials else "tls-server"
    found = tools.judge("certificate-chain", Raw(pem, name), role=role, companions=companions)
    return [item for item in found if isinstance(item, Graded) and item.finding.rule.startswith(REVOCATION)]


def _age(one: Fetched) -> Text:
    known = read_crl(one.data)
    assert known is not None
    until = f"{known.next_update:%Y-%m-%d %H:%M}" if known.next_update else "-"
    size = f"{len(one.data) / 1024:.0f} kB"
    return Text(f"{one.url}: {size}, geldig tot {until}", f"{one.url}: {size}, valid until {until}")
