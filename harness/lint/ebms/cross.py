"""Check a CPA against its certificates, its specification, another edition and the configuration (XCHK)."""

from collections.abc import Iterator

from lxml import etree

from harness.errors import KetentestError
from harness.lint.ebms import endpoint, party_id
from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.model import Finding, Text
from harness.wire import hostname, keyinfo, spec, xml
from harness.wire.cpa import Cpa, PartyInfo
from harness.wire.cpa_reading import parse_cpa
from harness.wire.spec import Specification


@table.rule("XCHK-002")
def oin_in_client_certificate(doc: Doc, ctx: Context) -> Outcome:
    """The subject of the client certificate carries the OIN of the PartyId."""
    seen = set()
    for party, sender, _ in doc.transports:
        certificate = party.certificate(sender.certificate_id or "") if sender else None
        ids = [party_id.bare(i.value) for i in party.ids if i.type == "urn:osb:oin" and not party_id.fault(i.value)]
        if certificate is None or certificate.facts is None or not ids or certificate.der in seen:
            continue
        seen.add(certificate.der)
        if certificate.facts.oin not in ids:
            shown = certificate.facts.oin or Text("geen serialNumber in het subject", "no serialNumber in the subject")
            yield at(certificate, "XCHK-002", shown, ids[0])


@table.rule("XCHK-004")
def host_in_server_certificate(doc: Doc, ctx: Context) -> Outcome:
    """The server certificate names the host of the endpoint."""
    for party, receiver, found in doc.endpoints:
        parts = endpoint.read(found.uri)
        certificate = party.certificate(receiver.certificate_id or "")
        facts = certificate.facts if certificate else None
        if facts is None or parts.scheme != "https" or not parts.host or parts.is_ip:
            continue
        if hostname.covered(parts.host, facts.names):
            continue
        by_name = not facts.names and facts.common_name.lower() == parts.host
        shown = ", ".join(facts.names) or Text(
            f"geen; alleen CN={facts.common_name}", f"none; only CN={facts.common_name}"
        )
        yield at(found, "XCHK-004", shown, parts.host, "cn" if by_name else "")


@table.rule("XCHK-005")
def as_specified(doc: Doc, ctx: Context) -> Outcome:
    """The CPA says what the consumer specification said."""
    for companion in ctx.companions:
        if b"osb-ebms-service-specificatie" not in companion.data[:65536]:
            continue
        try:
            specification = spec.parse_specification(companion.data)
        except KetentestError:
            continue
        party = next(
            (p for p in doc.cpa.parties if specification.text("PartyId") in (i.value.strip() for i in p.ids)), None
        )
        if party is None:
            ids = ", ".join(i.value.strip() for p in doc.cpa.parties for i in p.ids)
            yield at(doc.cpa, "XCHK-005", ids, f"PartyId {specification.text('PartyId')}")
            continue
        for name, mine, theirs in _differences(party, specification):
            yield at(party, "XCHK-005", f"{name}: {mine}", theirs)


def _differences(party: PartyInfo, specification: Specification) -> Iterator[tuple[str, str, str]]:
    found = party.endpoint()
    client, server = party.client_certificate(), party.server_certificate()
    pairs = (
        ("PartyName", party.name.strip(), specification.text("PartyName")),
        ("EndpointUri", found.uri.strip() if found else "–", specification.text("EndpointUri")),
        ("ClientCert", _subject(client.der if client else b""), _subject(_der(specification, "ClientCert"))),
        ("ServerCert", _subject(server.der if server else b""), _subject(_der(specification, "ServerCert"))),
    )
    return (pair for pair in pairs if pair[2] and pair[1] != pair[2])


def _der(specification: Specification, name: str) -> bytes:
    parameter = specification.get(name)
    return parameter.key_info.der if parameter and parameter.key_info else b""


def _subject(der: bytes) -> str:
    facts = keyinfo.facts_of(der) if der else None
    return f"{facts.common_name} (serial {facts.serial:x})" if facts else ""


@table.rule("XCHK-010")
def one_edition(doc: Doc, ctx: Context) -> Outcome:
    """Two files with one cpaid are one CPA."""
    for companion in ctx.companions:
        other = _other_edition(doc, companion.data)
        if other is not None and _canonical(other) != _canonical(doc.cpa):
            name = companion.name or "–"
            yield at(
                doc.cpa,
                "XCHK-010",
                Text(
                    f"{name} heeft dezelfde cpaid en een andere inhoud",
                    f"{name} has the same cpaid and another content",
                ),
            )


def _other_edition(doc: Doc, data: bytes) -> Cpa | None:
    if b"CollaborationProtocolAgreement" not in data[:65536]:
        return None
    try:
        other = parse_cpa(data)
    except KetentestError:
        return None
    return other if other.cpaid.strip() == doc.cpa.cpaid.strip() else None


def _canonical(cpa: Cpa) -> bytes:
    copy = etree.fromstring(
        etree.tostring(cpa.node), etree.XMLParser(remove_blank_text=True, remove_comments=True, resolve_entities=False)
    )
    return etree.tostring(copy, method="c14n")


@table.rule("XCHK-013")
def configured_counterparty(doc: Doc, ctx: Context) -> Outcome:
    """The parties of the CPA are those of the configuration: our own PartyId, and theirs when it is known."""
    ids = [i for p in doc.cpa.parties for i in p.ids]
    for setting in ("partyid", "counterparty"):
        wanted = ctx.setting(setting).rpartition(":")[2].strip()
        if wanted and wanted not in (i.value.strip() for i in ids):
            shown = ", ".join(i.value.strip() for i in ids)
            yield Finding("XCHK-013", "", shown, wanted, xml.where(doc.cpa.node), doc.cpa.line)
