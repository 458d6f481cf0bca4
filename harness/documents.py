"""Make the documents that a connection needs from its link: what goes to the CPA Creatievoorziening or Axway."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from harness.errors import UnusableInput
from harness.link import Link, Material
from harness.wire.cpa import Cpa, PartyInfo
from harness.wire.cpa_build import build_cpa
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ping_mmd import ping_mmd_of
from harness.wire.spec import (
    Party,
    ProviderSpecification,
    Service,
    build_consumer_spec,
    build_provider_spec,
)


def consumer_spec(link: Link) -> bytes:
    """Return the Consumerspecificatie of this connection (LZ 4.3.8, 4.4.4); raises UnusableInput without an endpoint."""
    return build_consumer_spec(own_party(link))


def own_party(link: Link) -> Party:
    """Return our own side of the ebMS connection as a specification describes it."""
    ebms = link.connection.ebms
    if ebms is None:
        raise UnusableInput(
            f"{link.name}: deze verbinding heeft geen ebMS-koppelvlak",
            f"{link.name}: this connection has no ebMS interface",
        )
    client, server = _der(link, "tls-client"), _der(link, "tls-server")
    signing, encryption = _der(link, "message-signing"), _der(link, "encryption")
    return Party(
        "SR",
        link.party.name,
        link.party.oin,
        ebms.own_endpoint,
        client,
        server,
        signing_cert=signing,
        encryption_cert=encryption,
    )


def provider_spec(link: Link, services: Sequence[Service]) -> bytes:
    """Return a provider specification with our own side as the service provider (SP) of these services."""
    return build_provider_spec(replace(own_party(link), role="SP"), services)


def peer_spec(link: Link, services: Sequence[Service]) -> bytes:
    """Return a provider specification of the counterparty as its CPA describes it: to rehearse with, not to hand in."""
    cpa, mine = _own_cpa(link)
    peer = cpa.other(mine)
    endpoint, client, server = (
        (peer.endpoint(), peer.client_certificate(), peer.server_certificate()) if peer else (None, None, None)
    )
    if peer is None or endpoint is None or client is None or server is None:
        raise UnusableInput(
            f"{link.name}: het CPA noemt van de ketenpartner geen endpoint of certificaten",
            f"{link.name}: the CPA names no endpoint or certificates of the counterparty",
        )
    party = Party("SP", peer.name, peer.party_id, endpoint.uri, client.der, server.der)
    return build_provider_spec(party, services)


def _der(link: Link, role: str) -> bytes:
    return _needed(link, role).leaf.public_bytes(Encoding.DER)


def _needed(link: Link, role: str) -> Material:
    material = link.material(role)
    if material is None:
        raise UnusableInput(
            f"{link.name}: er is geen certificaat voor {role}; voeg het toe onder certificates = {{ {role} = … }}",
            f"{link.name}: there is no certificate for {role}; add it under certificates = {{ {role} = … }}",
        )
    return material


def ping_mmd(link: Link) -> bytes:
    """Return the PingMMD for the CPA of this connection (LZ 4.4.5); raises UnusableInput without a CPA."""
    return ping_mmd_of(*_own_cpa(link))


def _own_cpa(link: Link) -> tuple[Cpa, PartyInfo]:
    """Return the CPA of this connection and our party in it."""
    data = link.documents.get("cpa")
    if not data:
        raise UnusableInput(
            f"{link.name}: er is nog geen CPA; vul ebms.cpa in zodra u het heeft ontvangen",
            f"{link.name}: there is no CPA yet; fill in ebms.cpa when you have received it",
        )
    cpa = parse_cpa(data)
    mine = next((p for p in cpa.parties if any(i.value.partition("_")[0] == link.party.oin for i in p.ids)), None)
    if mine is None:
        raise UnusableInput(
            f"{link.name}: geen partij in het CPA heeft OIN {link.party.oin}; controleer of dit het juiste CPA is",
            f"{link.name}: no party in the CPA has OIN {link.party.oin}; check that this is the right CPA",
        )
    return cpa, mine


def rehearsal_cpa(consumer: Party, provider: ProviderSpecification, profile: str, start: datetime) -> bytes:
    """Return a CPA for lab and rehearsal, marked as not coming from the CPA Creatievoorziening."""
    return build_cpa(consumer, provider, profile, start=start)
