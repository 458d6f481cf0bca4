"""Make one WUS message from an element: address it, sign it, encrypt it, pack it; what comes out is what is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cryptography import x509
from lxml import etree

from harness.wire import mtom, soap, wss, wss_encrypt
from harness.wire.soap import Addressing
from harness.wire.wss import Recipe, Signer
from harness.wire.wss_encrypt import Encryption

SIGNED: Final = ("2W-be-S", "2W-be-SE")


class Change(Protocol):
    """Changes an envelope in place."""

    def __call__(self, envelope: etree._Element, /) -> None:
        """Change `envelope`."""


def unchanged(envelope: etree._Element) -> None:
    """Leave the envelope as it is."""


@dataclass(frozen=True, slots=True)
class Security:
    """How a message is secured: profile, who signs, for whom it is encrypted, which signature it confirms.

    `before` and `after` change the envelope before and after signing: that is what a fault of the lab does.
    """

    profile: str = "2W-be"
    signer: Signer | None = None
    receiver: x509.Certificate | None = None
    confirm: str | None = None
    recipe: Recipe = wss.DIGIKOPPELING
    encryption: Encryption = Encryption()
    before: Change = unchanged
    after: Change = unchanged


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A finished message: its bytes, its Content-Type, and what its answer must refer to."""

    body: bytes
    content_type: str
    action: str
    message_id: str
    signature_value: str = ""

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers of a request (KWUS WS002)."""
        return soap.http_headers(self.action, content_type=self.content_type)


def make(
    payload: etree._Element | None,
    addressing: Addressing,
    security: Security = Security(),
    *,
    at: datetime,
    attachments: Sequence[str] = (),
    packed: bool = False,
) -> Outgoing:
    """Return the message; `attachments` are Clark names of elements that travel beside it with MTOM.

    `packed` makes it a package also when no element travels beside it.

    >>> from datetime import UTC, datetime
    >>> make(None, Addressing(action="urn:x", message_id="urn:uuid:1"), at=datetime.now(UTC)).action
    'urn:x'
    """
    envelope = soap.build(payload, addressing)
    security.before(envelope)
    held = [mtom.hold(e) for name in attachments for e in envelope.iter(name) if len(e) == 0]
    value = ""
    if security.profile in SIGNED and security.signer is not None:
        value = wss.sign(envelope, security.signer, at=at, confirm=security.confirm, recipe=security.recipe)
    if security.profile == "2W-be-SE" and security.receiver is not None:
        wss_encrypt.encrypt(envelope, security.receiver, security.encryption)
    security.after(envelope)
    beside = [h for h in held if h.element.getroottree().getroot() is envelope]  # what was encrypted stays inside
    body, content_type = mtom.pack(envelope, beside) if beside or packed else (soap.to_bytes(envelope), soap.MEDIA_TYPE)
    return Outgoing(body, content_type, addressing.action, addressing.message_id, value)
