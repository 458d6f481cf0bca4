"""Read what CPA, metadata and WSDL beside a certificate say of its holder: numbers, certificates, hosts, end dates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from harness.errors import KetentestError
from harness.lint.judge import Raw
from harness.lint.kinds import guess
from harness.wire.hostname import host_of, is_private_name
from harness.wire.oin import of_entity_id, of_party_id

SOAP: Final = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
BROWSER: Final = frozenset({"HTTP-POST", "HTTP-Redirect", "HTTP-Artifact"})


@dataclass(frozen=True, slots=True)
class Holder:
    """One party as a document describes it; `machine` hosts are called by systems, `browser` hosts by people."""

    document: str
    numbers: tuple[str, ...] = ()
    certificates: frozenset[bytes] = frozenset()
    machine: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    end: datetime | None = None


def holders(raw: Raw) -> tuple[Holder, ...]:
    """Return the parties of a CPA, of SAML metadata or of a WSDL; of anything else, or of what cannot be read, none."""
    readers = {"cpa": _of_cpa, "saml-metadata": _of_metadata, "wsdl": _of_wsdl}
    reader = readers.get(guess(raw) or "")
    try:
        return tuple(reader(raw.data)) if reader else ()
    except (KetentestError, ValueError):
        return ()


def _of_cpa(data: bytes) -> Iterator[Holder]:
    from harness.wire.cpa_reading import parse_cpa

    cpa = parse_cpa(data)
    for party in cpa.parties:
        sides = (transport.receiver for transport in party.transports)
        urls = [endpoint.uri for side in sides if side for endpoint in side.endpoints]
        yield Holder(
            "CPA",
            _given(of_party_id(one.value).partition("_")[0] for one in party.ids),
            frozenset(one.der for one in party.certificates if one.der),
            _hosts(urls),
            end=cpa.end,
        )


def _of_metadata(data: bytes) -> Iterator[Holder]:
    from harness.wire.saml import Moment
    from harness.wire.saml_metadata import read_metadata

    for entity in read_metadata(data).entities:
        endpoints = [endpoint for role in entity.roles for endpoint in role.endpoints]
        shown = [e.location for e in endpoints if e.binding.rpartition(":")[2] in BROWSER]
        until = Moment.read(entity.element.get("validUntil"))
        yield Holder(
            "metadata",
            _given([of_entity_id(entity.entity_id)]),
            frozenset(key.certificate.der for key in entity.keys if key.certificate),
            _hosts(e.location for e in endpoints if e.binding == SOAP),
            _hosts(shown),
            until.at if until else None,
        )


def _of_wsdl(data: bytes) -> Iterator[Holder]:
    from harness.wire.soap_wsdl import read

    # A WSDL is published with an example address: only real host names say something.
    yield Holder("WSDL", machine=tuple(h for h in _hosts(p.address for p in read(data).ports) if _is_real(h)))


def _is_real(host: str) -> bool:
    return not (is_private_name(host) or host.startswith(("example.", "www.example.")))


def _given(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _hosts(urls: Iterable[str]) -> tuple[str, ...]:
    return _given(host_of(url) for url in urls if url.lower().startswith(("http://", "https://")))
