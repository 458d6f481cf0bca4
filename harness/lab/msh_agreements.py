"""The CPAs of the lab's MSH, one per profile, and the keys that it signs and decrypts with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from harness.lab import Place
from harness.wire.cpa import Cpa, PartyInfo
from harness.wire.cpa_build import build_cpa
from harness.wire.cpa_reading import parse_cpa
from harness.wire.spec import Action, ProviderSpecification, Service
from harness.wire.spec import Party as SpecParty
from harness.wire.wss import Signer

SERVICE: Final = "ketentest:echo:1.0"
ECHO_REQUEST: Final = "EchoRequest"
ECHO_RESPONSE: Final = "EchoResponse"
OWN_ROLE: Final = "SR"
LAB_ROLE: Final = "SP"


@dataclass(frozen=True)
class Agreement:
    """One CPA of the lab, with both parties."""

    profile: str
    data: bytes
    cpa: Cpa
    lab: PartyInfo
    user: PartyInfo


@dataclass(frozen=True)
class Keys:
    """The lab's own certificates and keys; `other_signer` is of an organisation that no CPA names."""

    signer: Signer
    other_signer: Signer
    decryption: rsa.RSAPrivateKey


def organisation(place: Place) -> str:
    """Return the organisation in the certificates of the lab."""
    return f"TEST {place.settings.get('peer_name') or place.system}"


def load_keys(place: Place) -> Keys:
    """Return the keys for this counterparty's OIN."""
    oin, pki = place.settings.get("peer_oin"), place.pki
    signing = pki.issue("counterparty-signing", oin=oin, organisation=organisation(place))
    encryption = pki.issue("counterparty-encryption", oin=oin, organisation=organisation(place))
    other = pki.identity("supplier-signing")
    return Keys(
        Signer(_rsa(signing.key), signing.certificate), Signer(_rsa(other.key), other.certificate), _rsa(encryption.key)
    )


def agree(place: Place, profile: str, endpoint: str, keys: Keys, more: Sequence[Service] = ()) -> Agreement:
    """Return the CPA between us and the lab in one profile, as the CPA Creatievoorziening would have made it.

    `more` are the services that it names besides the echo.
    """
    actions = (
        Action(ECHO_REQUEST, OWN_ROLE, LAB_ROLE, profile),
        Action(ECHO_RESPONSE, LAB_ROLE, OWN_ROLE, profile),
    )
    data = build_cpa(
        _user_party(place.settings),
        ProviderSpecification(_lab_party(place, endpoint, keys), (Service(SERVICE, actions), *more)),
        profile,
        start=place.now() - timedelta(days=1),
        version=f"{profile}-lab",
        sync=place.settings.get("mode") == "sync" and profile.startswith("osb-rm"),
    )
    cpa = parse_cpa(data)
    lab, user = cpa.parties
    return Agreement(profile, data, cpa, lab, user)


def _user_party(settings: Mapping[str, object]) -> SpecParty:
    tls = _der(settings, "tls-client")
    return SpecParty(
        OWN_ROLE,
        str(settings.get("own_name") or "TEST"),
        str(settings["own_oin"]),
        str(settings["own_endpoint"]),
        tls,
        _der(settings, "tls-server") or tls,
        signing_cert=_der(settings, "message-signing") or tls,
        encryption_cert=_der(settings, "encryption") or tls,
    )


def _lab_party(place: Place, endpoint: str, keys: Keys) -> SpecParty:
    oin, pki = place.settings.get("peer_oin"), place.pki
    tls = pki.issue("counterparty", oin=oin, organisation=organisation(place), hosts=(place.host,))
    encryption = pki.issue("counterparty-encryption", oin=oin, organisation=organisation(place))
    return SpecParty(
        LAB_ROLE,
        place.settings.get("peer_name") or organisation(place),
        oin or tls.oin,
        endpoint,
        tls.der,
        tls.der,
        signing_cert=keys.signer.certificate.public_bytes(Encoding.DER),
        encryption_cert=encryption.der,
    )


def _der(settings: Mapping[str, object], role: str) -> bytes:
    certificates = settings.get("own_certificates")
    data = certificates.get(role) if isinstance(certificates, Mapping) else None
    return x509.load_pem_x509_certificates(data)[0].public_bytes(Encoding.DER) if data else b""


def _rsa(key: object) -> rsa.RSAPrivateKey:
    assert isinstance(key, rsa.RSAPrivateKey)  # the lab's ebMS profiles are RSA
    return key
