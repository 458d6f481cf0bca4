"""Our own side of TVS as the probes use it: numbers, certificates, signer, and the metadata made from them."""

from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from harness.link import Link
from harness.lint.judge import Raw
from harness.model import Environment
from harness.probes.probe import NotApplicable, NotPossible
from harness.scenario import Provider, Saml
from harness.wire.saml_generate import metadata
from harness.wire.saml_own import Care, Ours, described, index_for, leaf
from harness.wire.saml_signature import Signer

VALID_FOR: Final = timedelta(days=90)
NO_SAML: Final = ("deze verbinding heeft geen deel saml", "this connection has no saml part")


def saml_of(link: Link) -> Saml:
    """Return the saml part of the connection; without one there is nothing to probe."""
    if link.connection.saml is None:
        raise NotApplicable(*NO_SAML)
    return link.connection.saml


def ours_of(link: Link) -> Ours:
    """Describe our side from the scenario; NotPossible names the certificate that is missing."""
    saml = saml_of(link)
    signing = [material.certificate for role in ("message-signing", "tls-client") if (material := link.material(role))]
    if not signing:
        raise NotPossible(
            "geen certificaat om mee te ondertekenen; noem message-signing bij certificates",
            "no certificate to sign with; name message-signing under certificates",
        )
    return Ours(
        oin=link.party.oin,
        endpoint=saml.own_endpoint,
        signing=tuple(signing),
        providers=tuple(_care(link, provider) for provider in saml.providers),
        clustered=link.connection.system == "tvs-cluster",
        index=index_for(saml.index, production=link.environment is Environment.PROD),
    )


def _care(link: Link, provider: Provider) -> Care:
    material = link.materials.get(f"bsn-encryption:{provider.oin}")
    if material is None and len(saml_of(link).providers) == 1:
        material = link.materials.get("bsn-encryption")
    if material is None:
        raise NotPossible(
            f"geen certificaat voor het BSN van {provider.name}; vul bsn_certificate in",
            f"no BSN certificate for {provider.name}; fill in bsn_certificate",
        )
    return Care(provider.name, provider.oin, provider.service_uuid, (material.certificate,))


def signer_for(link: Link) -> Signer:
    """Return the key that signs metadata and messages."""
    material = link.material("message-signing")
    if material is None or not material.key:
        raise NotPossible(
            "de privésleutel om mee te ondertekenen ontbreekt; noem key bij het certificaat",
            "the private key to sign with is missing; name key under the certificate",
        )
    key = material.private_key
    if not isinstance(key, RSAPrivateKey):
        raise NotPossible("de ondertekeningssleutel is geen RSA-sleutel", "the signing key is no RSA key")
    return Signer(key, leaf(material.certificate))


def own_metadata(link: Link, valid_until: datetime) -> bytes:
    """Return our signed metadata, made from the scenario; it never outlives the first of its certificates."""
    ours = ours_of(link)
    pems = (*ours.signing, *(c for p in ours.providers for c in p.certificates))
    first_end = min(leaf(pem).not_after for pem in pems)
    return metadata(described(ours), signer_for(link), min(valid_until, first_end - timedelta(minutes=1)))


def chains(link: Link) -> tuple[Raw, ...]:
    """Return the intermediates of our certificates, as companions of a judgement."""
    from cryptography.hazmat.primitives.serialization import Encoding

    unique = {
        certificate.public_bytes(Encoding.PEM): None
        for material in link.materials.values()
        for certificate in material.chain[1:]
    }
    return tuple(Raw(pem, "intermediate.pem") for pem in unique)


def settings_of(link: Link, ours: Ours) -> dict[str, tuple[str, ...]]:
    """Return what the scenario registers of us, for the judges."""
    return {
        "oin": (link.party.oin,),
        "entityid": (str(ours.entity_id),),
        "service-uuids": tuple(p.service_uuid for p in ours.providers),
        "active-entityids": tuple(str(ours.provider_id(p)) for p in ours.providers),
    }
