"""What the CPAs of a connection agree for one exchange: the parties, the channel, the action of a profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.ebms.cpa_document import profile_of
from harness.lint.judge import Raw
from harness.model import Environment
from harness.probes.probe import NotApplicable, NotPossible
from harness.wire.cpa import RECEIVE, SEND, Binding, Channel, CollaborationRole, Cpa, PartyInfo
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ebms import Party
from harness.wire.wss import Signer

ECHO = "EchoRequest"
FACILITY_TYPE = "urn:cv:oin"
FACILITY_ROLE = "ComplianceVoorziening"


@dataclass(frozen=True)
class Agreed:
    """One CPA, seen from our side."""

    data: bytes
    cpa: Cpa
    us: PartyInfo
    them: PartyInfo

    @property
    def raw(self) -> Raw:
        """The CPA as a companion of a judgement."""
        return Raw(self.data, "cpa.xml")

    @property
    def our_id(self) -> Party:
        """Our PartyId."""
        return _party(self.us)

    @property
    def their_id(self) -> Party:
        """The PartyId of the counterparty."""
        return _party(self.them)


@dataclass(frozen=True)
class Way:
    """An action that we may send in a profile: its role, binding and channel, and the role at the other side."""

    agreed: Agreed
    role: CollaborationRole
    binding: Binding
    channel: Channel
    to_role: str


def _party(info: PartyInfo) -> Party:
    first = info.ids[0]
    return Party(first.value.strip(), (first.type or "").strip())


def agreements(link: Link) -> list[Agreed]:
    """Return every CPA of this connection in which we are a party; raises NotPossible when there is none."""
    files = [data for name, data in link.documents.items() if name == "cpa" or name.startswith("cpa[")]
    if not files:
        raise NotPossible(
            "er is nog geen CPA; vul ebms.cpa in zodra u het hebt ontvangen",
            "there is no CPA yet; fill in ebms.cpa when you have received it",
        )
    found = [agreed for data in dict.fromkeys(files) if (agreed := _agreed(data, link.party.oin))]
    if not found:
        raise NotPossible(
            f"geen partij in het CPA heeft OIN {link.party.oin}; controleer of dit het juiste CPA is",
            f"no party in the CPA has OIN {link.party.oin}; check that this is the right CPA",
        )
    return found


@lru_cache(maxsize=32)
def _agreed(data: bytes, oin: str) -> Agreed | None:
    try:
        cpa = parse_cpa(data)
    except KetentestError as wrong:
        raise NotPossible(wrong.text.nl, wrong.text.en) from wrong
    us = next((p for p in cpa.parties if any(i.value.strip().partition("_")[0] == oin for i in p.ids)), None)
    us = us or _consumer_of_the_facility(cpa)
    them = cpa.other(us) if us else None
    return Agreed(data, cpa, us, them) if us and them and us.ids and them.ids else None


def _consumer_of_the_facility(cpa: Cpa) -> PartyInfo | None:
    """Return the other party of the fixed CPA of Logius' compliance facility: whoever uses it plays that consumer."""
    facility = [p for p in cpa.parties if any((i.type or "").strip() == FACILITY_TYPE for i in p.ids)]
    return next((p for p in facility if all(r.role != FACILITY_ROLE for r in p.roles)), None)


def way_of(link: Link, word: str) -> Way:
    """Return the action to send for the profile `word` (`rm`, `be-s`, …); an empty word takes the first profile."""
    ebms = link.connection.ebms
    profiles = ebms.profiles if ebms else ()
    profile = f"osb-{word}" if word else next(iter(profiles), "osb-rm")
    if word and profile not in profiles:
        raise NotApplicable(
            f"profiel {profile} staat niet in ebms.profiles van deze verbinding",
            f"profile {profile} is not in ebms.profiles of this connection",
        )
    ways = [way for agreed in agreements(link) for way in ways_of(agreed, profile)]
    if not ways:
        raise NotPossible(
            f"het CPA heeft geen actie die wij in profiel {profile} versturen",
            f"the CPA has no action that we send in profile {profile}",
        )
    return next((w for w in ways if w.binding.action == ECHO), ways[0])


def ways_of(agreed: Agreed, profile: str) -> Iterator[Way]:
    """Yield every action that we may send in a profile."""
    for role, binding in agreed.us.bindings:
        channel = agreed.us.channel(binding.channel_ids[0]) if binding.channel_ids else None
        if binding.direction != SEND or channel is None or profile_of(agreed.us, channel) != profile:
            continue
        mirrored = next(agreed.them.matching(RECEIVE, "", role.service, binding.action), None)
        yield Way(agreed, role, binding, channel, mirrored[0].role if mirrored else "")


def signer_of(link: Link) -> Signer:
    """Return our signing key with its certificate; raises NotPossible when it is not ours to use."""
    material = link.material("message-signing")
    if material is None or not material.key:
        raise NotPossible(
            "er is geen sleutel om mee te ondertekenen; ketentest vraagt nooit een sleutel uit een HSM of adapter",
            "there is no key to sign with; ketentest never asks for a key from an HSM or adapter",
        )
    return Signer(_rsa(material.private_key), material.leaf)


def decryption_key(link: Link) -> rsa.RSAPrivateKey | None:
    """Return our decryption key when the scenario has one."""
    material = link.material("encryption")
    return _rsa(material.private_key) if material is not None and material.key else None


def _rsa(key: object) -> rsa.RSAPrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NotPossible("de sleutel is geen RSA-sleutel", "the key is no RSA key")
    return key


def encryption_target(way: Way) -> x509.Certificate | None:
    """Return the certificate to encrypt to, when the channel of the counterparty asks for encryption."""
    channels = [c for c in way.agreed.them.channels if profile_of(way.agreed.them, c).endswith("-e")]
    if not profile_of(way.agreed.us, way.channel).endswith("-e"):
        return None
    found = (way.agreed.them.encryption_certificate(c) for c in channels)
    der = next((c.der for c in found if c and c.der), b"")
    return x509.load_der_x509_certificate(der) if der else None


def harmless(link: Link) -> bool:
    """Whether a business message changes nothing there: the lab and the compliance facility only echo."""
    return link.environment in (Environment.LAB, Environment.COMPLIANCE)
