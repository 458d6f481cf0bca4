"""What the rules on messages judge: the message, who sent it, and the exchange it belongs to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from harness.errors import KetentestError
from harness.lint.judge import Context, Raw
from harness.lint.kinds import guess
from harness.lint.saml.delivered import SignatureFacts, signature_facts
from harness.model import Text
from harness.wire.saml import SAML, Element, Moment, children, q, text_of
from harness.wire.saml_message import Message, read_message
from harness.wire.saml_metadata import Entity, key_certificates, read_metadata

REQUESTS: Final = ("AuthnRequest", "ArtifactResolve", "LogoutRequest")
OLD: Final = timedelta(minutes=5)
NO_METADATA: Final = Text(
    "geen metadata van de afzender opgegeven (--with BESTAND)", "no metadata of the sender given (--with FILE)"
)
NO_RD: Final = Text(
    "geen metadata van de routeringsvoorziening opgegeven (--with BESTAND)",
    "no metadata of the routing service given (--with FILE)",
)
NO_REQUEST: Final = Text(
    "het bericht waarop dit een antwoord is, is niet opgegeven (--with BESTAND)",
    "the message that this answers was not given (--with FILE)",
)
NOT_CAPTURED: Final = Text(
    "alleen het document is opgegeven, niet de HTTP-uitwisseling", "only the document was given, not the HTTP exchange"
)
ALGORITHM: Final = Text(
    "de ondertekening wijkt af van het profiel en is daarom niet nagerekend",
    "the signature departs from the profile and was therefore not computed",
)


@dataclass(frozen=True)
class Heard:
    """One message with the metadata and the earlier messages that it is judged against."""

    raw: Raw
    message: Message
    entities: Mapping[str, Entity] = field(default_factory=dict)
    earlier: tuple[Message, ...] = ()

    @property
    def element(self) -> Element:
        """The message itself."""
        return self.message.element

    @cached_property
    def rd(self) -> Entity | None:
        """The routing service, when its metadata was given."""
        return next((e for e in self.entities.values() if e.idp), None)

    @cached_property
    def ours(self) -> Mapping[str, Entity]:
        """The entities of our own side, when their metadata was given."""
        return {name: entity for name, entity in self.entities.items() if entity.sp}

    @cached_property
    def sender(self) -> Entity | None:
        """The entity whose name the Issuer carries."""
        return self.entities.get(self.message.issuer)

    @cached_property
    def signature(self) -> SignatureFacts:
        """The signature on the message, to be checked with the sender's listed keys."""
        return self.facts(self.element, self.message.issuer)

    def facts(self, signed: Element, issuer: str) -> SignatureFacts:
        """Read the signature on `signed` as one of `issuer`."""
        entity = self.entities.get(issuer)
        return signature_facts(signed, tuple(key_certificates(entity, "signing")) if entity else ())

    def first(self, kind: str) -> Message | None:
        """Return the earlier message of this kind, if it was given."""
        return next((m for m in self.earlier if m.kind == kind), None)

    @cached_property
    def response(self) -> Element | None:
        """The samlp:Response in an ArtifactResponse, or the message itself."""
        if self.message.kind == "Response":
            return self.element
        return self.element.find(q("urn:oasis:names:tc:SAML:2.0:protocol", "Response"))

    @cached_property
    def assertion(self) -> Element | None:
        """The outer assertion: that in the Response, never one in its Advice."""
        if self.message.kind == "Assertion":
            return self.element
        return self.response.find(q(SAML, "Assertion")) if self.response is not None else None


def heard(raw: Raw, message: Message, ctx: Context) -> Heard:
    """Gather the message and its companions for judgement."""
    entities: dict[str, Entity] = {}
    earlier: list[Message] = []
    for companion in ctx.companions:
        kind = guess(companion)
        try:
            if kind == "saml-metadata":
                entities |= read_metadata(companion.data).by_id
            elif kind == "saml-message":
                earlier.append(read_raw(companion))
        except KetentestError:
            continue
    return Heard(raw, message, entities, tuple(earlier))


def read_raw(raw: Raw) -> Message:
    """Read the message in a document or in a captured HTTP message."""
    head = raw.http
    return read_message(raw.data, head.start if head else "", head.get("content-type") if head else "")


def child(element: Element, namespace: str, *names: str) -> Element | None:
    """Return the element at the end of a path of child names, all in one namespace."""
    return element.find("/".join(q(namespace, name) for name in names))


def named(element: Element, namespace: str, name: str) -> Iterator[Element]:
    """Yield the direct children with this name."""
    return (c for c in children(element) if c.tag == q(namespace, name))


def issuer_of(element: Element) -> str:
    """Return the Issuer of a message or assertion without surrounding white space."""
    return text_of(element.find(q(SAML, "Issuer"))).strip()


def instant(element: Element) -> Moment | None:
    """Return the IssueInstant."""
    return Moment.read(element.get("IssueInstant"))


def shown(moment: datetime) -> str:
    """Return a moment for the reader, in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
