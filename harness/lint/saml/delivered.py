"""What the rules on metadata judge: the file, who delivers it, its signature, and what it is compared with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from harness.lint.judge import Context, Raw
from harness.lint.kinds import guess
from harness.model import Finding, Text, Words
from harness.wire.saml import Element, local_name
from harness.wire.saml_keys import KeyCertificate, Trust
from harness.wire.saml_metadata import Entity, Key, Metadata, Role, key_certificates, read_metadata
from harness.wire.saml_signature import (
    Breach,
    Signature,
    State,
    breaches,
    choose,
    examine,
    made_by,
    read_signature,
    signatures_of,
)
from harness.wire.xml import XmlBroken

DIRECT: Final = "dv"
CLUSTER: Final = "lc"
BEHIND: Final = "cdv"
ROUTING: Final = "rd"


@dataclass(frozen=True)
class SignatureFacts:
    """The signature on one element: how many there are, what departs from the profile, whose key, which state."""

    signed: Element
    count: int
    signature: Signature | None
    breaches: frozenset[Breach]
    keys: tuple[tuple[str, KeyCertificate], ...]
    chosen: KeyCertificate | None

    @cached_property
    def state(self) -> State | None:
        """What the signature is worth with the chosen certificate, or None when that cannot be asked."""
        if self.signature is None or self.chosen is None or self.chosen.public_key is None:
            return None
        return examine(self.signed, self.signature, self.chosen.public_key)

    def signed_by(self, certificates: Iterator[KeyCertificate]) -> KeyCertificate | None:
        """Return the first of `certificates` whose key made this signature."""
        return made_by(self.signature, certificates) if self.signature else None


def signature_facts(signed: Element, keys: tuple[tuple[str, KeyCertificate], ...]) -> SignatureFacts:
    """Read the signature on `signed`, to be checked with `keys` (KeyName and certificate)."""
    found = signatures_of(signed)
    if not found:
        return SignatureFacts(signed, 0, None, frozenset(), keys, None)
    signature = read_signature(found[0])
    return SignatureFacts(
        signed, len(found), signature, frozenset(breaches(signature, signed)), keys, choose(signature, keys)
    )


@dataclass(frozen=True)
class Delivered:
    """One metadata file under judgement, with everything that the rules compare it with."""

    raw: Raw
    metadata: Metadata
    trust: Trust | None
    others: Mapping[str, Metadata]
    beside: tuple[Metadata, ...]

    @property
    def root(self) -> Element:
        """The root element."""
        return self.metadata.root

    @property
    def clustered(self) -> bool:
        """Whether the file is that of a cluster."""
        return self.metadata.plural

    @cached_property
    def signer(self) -> Entity | None:
        """The entity that must have signed: the LC, or the only one."""
        return self.metadata.lc or next(iter(self.metadata.entities), None)

    @cached_property
    def signature(self) -> SignatureFacts:
        """The signature over the whole file."""
        keys = tuple(key_certificates(self.signer, "signing")) if self.signer else ()
        return signature_facts(self.root, keys)

    def position(self, entity: Entity) -> str:
        """Return dv (direct), lc, or cdv (a dienstverlener behind an LC)."""
        if not self.clustered:
            return DIRECT
        return CLUSTER if entity.name and entity.name.role == "LC" else BEHIND

    @cached_property
    def providers(self) -> tuple[tuple[Entity, Role, str], ...]:
        """Every entity that has a service provider role, with its position."""
        return tuple((e, e.sp, self.position(e)) for e in self.metadata.entities if e.sp)

    @cached_property
    def keyed(self) -> tuple[tuple[Entity, Role, Key], ...]:
        """Every key with its entity and role."""
        return tuple((e, role, key) for e in self.metadata.entities for role in e.roles for key in role.keys)

    @cached_property
    def certified(self) -> tuple[tuple[Entity, Key, KeyCertificate], ...]:
        """Every key whose certificate can be read."""
        return tuple((e, key, key.certificate) for e, _, key in self.keyed if key.certificate)


def delivered(raw: Raw, metadata: Metadata, ctx: Context) -> Delivered:
    """Gather the file and its companions for judgement."""
    related: dict[str, Metadata] = {}
    beside: list[Metadata] = []
    certificates: list[bytes] = []
    for companion in ctx.companions:
        kind = guess(companion)
        if kind in ("certificate", "certificate-chain"):
            certificates.append(companion.data)
        elif kind == "saml-metadata" and (other := _metadata(companion)):
            if companion.relation:
                related[companion.relation] = other
            else:
                beside.append(other)
    trust = Trust(ctx.trust, certificates) if ctx.trust else None
    return Delivered(raw, metadata, trust, related, tuple(beside))


def _metadata(raw: Raw) -> Metadata | None:
    try:
        return read_metadata(raw.data)
    except XmlBroken:
        return None


STATES: Final[Mapping[State, Text]] = {
    State.INTACT: Text("intact", "intact"),
    State.TAMPERED: Text(
        "gewijzigd na het ondertekenen; de ondertekening is met de genoemde sleutel gemaakt",
        "changed after signing; the signature was made with the key named",
    ),
    State.REFORMATTED: Text(
        "na het ondertekenen opnieuw opgemaakt; afgezien van witruimte klopt de ondertekening",
        "re-formatted after signing; apart from white space the signature fits",
    ),
    State.OTHER_KEY: Text(
        "ondertekend met een andere sleutel; de inhoud is ongewijzigd",
        "signed with another key; the content is unchanged",
    ),
    State.BROKEN: Text(
        "de inhoud is gewijzigd en de ondertekening past niet bij de genoemde sleutel",
        "the content was changed and the signature does not fit the key named",
    ),
    State.UNSUPPORTED: Text("niet nagerekend", "not computed"),
}
BREACHES: Final[Mapping[Breach, Text]] = {
    Breach.METHOD: Text("ondertekeningsalgoritme niet toegestaan", "signature algorithm not allowed"),
    Breach.DIGEST: Text("digestalgoritme niet toegestaan", "digest algorithm not allowed"),
    Breach.CANONICALIZATION: Text("canonicalisatie niet exclusief", "canonicalisation not exclusive"),
    Breach.TRANSFORMS: Text(
        "andere transformaties dan de twee voorgeschreven", "other transforms than the two prescribed"
    ),
    Breach.REFERENCE: Text(
        "de verwijzing is niet het ID van dit element", "the reference is not the ID of this element"
    ),
    Breach.KEY_INFO: Text("geen KeyName of certificaat", "no KeyName or certificate"),
    Breach.ODD: Text("een sleutel of object in de ondertekening", "a key or object inside the signature"),
}


def place(element: Element, entity: Entity | None = None) -> str:
    """Return where `element` stands, in a form that names the dienstverlener and stays short in a large file."""
    steps: list[str] = []
    node: Element | None = element
    while node is not None:
        name = local_name(node) if isinstance(node.tag, str) else "node()"
        identifier = node.get("entityID") if isinstance(node.tag, str) else None
        steps.append(f"{name}[@entityID='{identifier}']" if identifier else name)
        node = node.getparent()
    return "/" + "/".join(reversed(steps))


def saw(
    rule: str,
    element: Element | None,
    observed: Words = "",
    expected: Words = "",
    *,
    case: str = "",
    related: tuple[str, ...] = (),
) -> Finding:
    """Return a finding at `element`, with its line."""
    if element is None:
        return Finding(rule, case, observed, expected, related=related)
    line = element.sourceline if isinstance(element.sourceline, int) else None
    return Finding(rule, case, observed, expected, place(element), line, related=related)
