"""Make the documents that a connection needs from its link: what goes to the CPA Creatievoorziening, Axway or a TSP."""

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from harness.errors import UnusableInput
from harness.guard import host_of
from harness.link import Link, Material
from harness.wire.cpa import parse_cpa
from harness.wire.cpa_build import build_cpa
from harness.wire.ping_mmd import ping_mmd_of
from harness.wire.spec import Party, build_consumer_spec, parse_provider_spec, parse_specification


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
    return ping_mmd_of(cpa, mine)


def rehearsal_cpa(consumer: bytes, provider: bytes, profile: str, start: datetime) -> bytes:
    """Return a CPA for lab and rehearsal, marked as not coming from the CPA Creatievoorziening."""
    return build_cpa(parse_specification(consumer).party, parse_provider_spec(provider), profile, start=start)


def own_hosts(link: Link) -> list[str]:
    """Return every host name of ours that the scenario names: they must all be in the certificate (handleiding 3.3.8)."""
    sides = (link.connection.ebms, link.connection.saml)
    urls = [side.own_endpoint for side in sides if side and side.own_endpoint != "lab"]
    return list(dict.fromkeys(host_of(url) for url in urls))


def certificate_request(link: Link, hosts: Iterable[str], bits: int) -> tuple[bytes, bytes]:
    """Return a CSR and its new private key (PEM): the OIN or HRN in the subject serialNumber, every host as dNSName."""
    names = list(dict.fromkeys(hosts)) or own_hosts(link)
    if not names:
        raise UnusableInput(
            f"{link.name}: geen hostnaam bekend; vul own_endpoint in of geef --host, want namen zijn later niet te wijzigen",
            f"{link.name}: no host name known; fill in own_endpoint or give --host, since names cannot be changed later",
        )
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, link.party.name),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, link.party.oin),
        x509.NameAttribute(NameOID.COMMON_NAME, names[0]),
    ])  # fmt: skip
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(alternatives, critical=False)
    usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
    both = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH, x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    signed = request.add_extension(usage, critical=True).add_extension(both, critical=False).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    return signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, form, serialization.NoEncryption())


def order_sheet(link: Link, hosts: list[str], lang: str) -> str:
    """Return what to send to the TSP with the request, as Markdown."""
    nl = lang == "nl"
    rows = [
        ("Organisatie" if nl else "Organisation", link.party.name),
        ("OIN/HRN (subject serialNumber)", link.party.oin),
        ("Hostnamen (SAN dNSName)" if nl else "Host names (SAN dNSName)", ", ".join(hosts)),
        ("Gebruik" if nl else "Use", "serverAuth, clientAuth; digitalSignature, keyEncipherment"),
        ("Sleutel" if nl else "Key", "RSA"),
    ]
    head = "# Bestelblad certificaat\n" if nl else "# Certificate order sheet\n"
    tail = (
        "\nHostnamen zijn na uitgifte niet te wijzigen (handleiding 3.3.8).\n"
        if nl
        else "\nHost names cannot be changed after issuance (manual 3.3.8).\n"
    )
    return head + "\n| | |\n| --- | --- |\n" + "".join(f"| {a} | {b} |\n" for a, b in rows) + tail
