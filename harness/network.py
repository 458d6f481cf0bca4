"""Draw up the network overview of a connection (LZ 4.4.2): flows, hosts, addresses in and out, ports, certificates."""

import csv
import io
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import urlsplit

from harness.guard import host_of, port_of
from harness.link import Link
from harness.model import Text
from harness.probes.sets import scenario_beside
from harness.run import Run
from harness.wire import certfile

UNKNOWN: Final = "-"


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow: who calls whom, from which address to which, over what, with which certificates."""

    flow: str
    direction: str
    source: str = UNKNOWN
    host: str = UNKNOWN
    address: str = UNKNOWN
    port: str = UNKNOWN
    network: str = UNKNOWN
    tls: str = UNKNOWN
    client_certificate: str = UNKNOWN
    server_certificate: str = UNKNOWN
    origin: str = "scenario"


HEADINGS: Final = {
    "flow": Text("Stroom", "Flow"),
    "direction": Text("Richting", "Direction"),
    "source": Text("Van (bronadres)", "From (source address)"),
    "host": Text("Naar (host)", "To (host)"),
    "address": Text("Adres", "Address"),
    "port": Text("Poort", "Port"),
    "network": Text("Netwerk", "Network"),
    "tls": Text("TLS", "TLS"),
    "client_certificate": Text("Clientcertificaat", "Client certificate"),
    "server_certificate": Text("Servercertificaat", "Server certificate"),
    "origin": Text("Herkomst", "Origin"),
}
WORDS: Final = {
    "out": Text("uitgaand", "out"),
    "in": Text("inkomend", "in"),
    "scenario": Text("scenario", "scenario"),
    "certificate": Text("certificaat", "certificate"),
    "productie": Text("scenario productie", "production scenario"),
    "revocation": Text("CRL/OCSP", "CRL/OCSP"),
    "production": Text("productie (DNS en TCP)", "production (DNS and TCP)"),
}


def flows(link: Link, run: Run) -> list[Flow]:
    """Return every flow: as seen in the run, else as the scenario has it; CRL and OCSP; production, when it is declared."""
    seen = list(_seen(link, run))
    known = {(one.flow, one.direction) for one in seen}
    planned = [one for one in _planned(link) if (one.flow, one.direction) not in known]
    return [*seen, *planned, *_revocation(link), *_production(link)]


def _seen(link: Link, run: Run) -> Iterator[Flow]:
    for result in run.results:
        if result.connection != link.name or result.probe != "net.path":
            continue
        for one in result.observed:
            data = {key.replace(" ", "_"): value for key, value in one.data}
            if "flow" in data and "direction" in data:
                kept = {field.name: data[field.name] for field in fields(Flow) if field.name in data}
                yield Flow(**kept, **({} if "origin" in kept else {"origin": f"run {run.info.id}"}))


def _planned(link: Link) -> Iterator[Flow]:
    network = link.connection.network
    client, server = _subject(link, "tls-client"), _subject(link, "tls-server")
    for side, url in link.connection.endpoints.items():
        if "://" in url:
            host, port = host_of(url), str(port_of(url))
            yield Flow(side, "out", host=host, port=port, network=network, client_certificate=client)
        own = getattr(getattr(link.connection, side), "own_endpoint", "")
        if "://" in own:
            host, port = host_of(own), str(port_of(own))
            peer = link.connection.peer.name or UNKNOWN
            yield Flow(side, "in", peer, host, port=port, network=network, server_certificate=server)


def _subject(link: Link, role: str) -> str:
    material = link.material(role)
    return material.leaf.subject.rfc4514_string() if material else UNKNOWN


def _revocation(link: Link) -> Iterator[Flow]:
    """The hosts that publish the CRLs and OCSP answers: the machine that checks certificates must reach them (PKI004)."""
    urls: dict[str, None] = {}
    for material in link.materials.values():
        for certificate in certfile.opened(material.certificate, material.password).certificates:
            urls |= dict.fromkeys((*certificate.crl_urls, *certificate.ocsp_urls))
    places = dict.fromkeys((parts.hostname or "", parts.port or 80) for parts in map(urlsplit, urls) if parts.hostname)
    for host, port in places:
        yield Flow("revocation", "out", host=host, port=str(port), network="internet", tls="http", origin="certificate")


def _production(link: Link) -> Iterator[Flow]:
    """The same connection in the scenario of production: its path is best laid at the same time (LZ 4.4.2, note)."""
    file = scenario_beside(link)
    if file is None or str(link.connection.environment) == "prod":
        return
    try:
        connections = tomllib.loads(file.read_text(encoding="utf-8")).get("connections", {})
    except (OSError, ValueError):
        return
    for table in connections.values():
        if table.get("system") == link.connection.system:
            for side in ("ebms", "wus", "saml"):
                yield from _declared(side, table)


def _declared(side: str, table: dict[str, object]) -> Iterator[Flow]:
    declared = table.get(side)
    for key, direction in (("endpoint", "out"), ("own_endpoint", "in")):
        url = str(declared.get(key, "")) if isinstance(declared, dict) else ""
        if "://" in url:
            network = str(table.get("network", "internet"))
            yield Flow(side, direction, host=host_of(url), port=str(port_of(url)), network=network, origin="productie")


def as_csv(rows: Iterable[Flow], lang: str) -> str:
    """Return the flows as CSV with a semicolon, as spreadsheets in the Netherlands open it."""
    out = io.StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow([heading.of(lang) for heading in HEADINGS.values()])
    for row in rows:
        table.writerow([_inert(_shown(row, name, lang)) for name in HEADINGS])
    return out.getvalue()


def _shown(row: Flow, name: str, lang: str) -> str:
    value = str(getattr(row, name))
    return WORDS[value].of(lang) if value in WORDS else value


def _inert(value: str) -> str:
    """Return `value` so that a spreadsheet takes it for text, never for a formula."""
    return f"'{value}" if value[:1] in {"=", "+", "@", "\t"} or (value[:1] == "-" and value != UNKNOWN) else value


def as_markdown(rows: Iterable[Flow], link: Link, lang: str) -> str:
    """Return the overview as Markdown: what was seen, and the tables that only people can fill in."""
    nl = lang == "nl"
    connection = link.connection
    head = f"# {'Netwerkoverzicht' if nl else 'Network overview'} {link.name}"
    about = f"{link.party.name} ({link.party.oin}) – {connection.peer.name or connection.system}, {connection.environment}, {connection.network}"
    parts = [head, about, _INTRO.of(lang), _table(rows, lang), _PEOPLE.of(lang)]
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[Flow], lang: str) -> str:
    lines = [_line(heading.of(lang) for heading in HEADINGS.values()), _line("---" for _ in HEADINGS)]
    return "\n".join([*lines, *(_line(_shown(row, name, lang) for name in HEADINGS) for row in rows)])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_INTRO: Final = Text(
    "Alle berichtenstromen van deze aansluiting (handleiding Lopende Zaken 4.4.2). In- en uitgaande adressen verschillen vaak: "
    "het bronadres is het adres van deze machine, niet per se het adres dat de ketenpartner ziet. "
    "Alle componenten moeten tweezijdig TLS met PKIoverheid-certificaten doorlaten.",
    "Every message flow of this connection (Lopende Zaken manual 4.4.2). Incoming and outgoing addresses often differ: "
    "the source address is that of this machine, not necessarily the one that the counterparty sees. "
    "Every component must let mutual TLS with PKIoverheid certificates through.",
)
_PEOPLE: Final = Text(
    """## Zelf in te vullen

| Component (firewall, loadbalancer, proxy, DNS) | Stroom | Adres in | Adres uit | Laat tweezijdig TLS door | Geregeld op |
| --- | --- | --- | --- | --- | --- |
| | | | | | |

| Beheerorganisatie | Waarvoor | Functie | Telefoon | E-mail | Bereikbaar |
| --- | --- | --- | --- | --- | --- |
| | | | | | |""",
    """## To fill in

| Component (firewall, load balancer, proxy, DNS) | Flow | Address in | Address out | Lets mutual TLS through | Arranged on |
| --- | --- | --- | --- | --- | --- |
| | | | | | |

| Administrating organisation | For what | Function | Telephone | E-mail | Available |
| --- | --- | --- | --- | --- | --- |
| | | | | | |""",
)
