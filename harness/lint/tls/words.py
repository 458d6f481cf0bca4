"""The words that findings on the wire share: addresses, versions, alerts and what an alert probably means."""

from collections.abc import Iterable
from typing import Final

from harness.model import Text
from harness.wire.handshake import ALERTS
from harness.wire.tls import Handshake


def address(where: tuple[str, int]) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    host, port = where
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def versions(spoken: Iterable[str]) -> str:
    """Return `TLS 1.2, 1.3`."""
    names = sorted(spoken)
    return f"TLS {', '.join(names)}" if names else "-"


HANDSHAKE_FAILURE: Final = 40

_MEANING: Final = {
    40: Text("geen gemeenschappelijke suite, of er is een clientcertificaat nodig", "no common suite, or a client certificate is needed"),
    42: Text("het certificaat wordt afgekeurd", "the certificate is rejected"),
    43: Text("dit soort certificaat wordt niet ondersteund", "this kind of certificate is not supported"),
    44: Text("het certificaat is ingetrokken", "the certificate is revoked"),
    45: Text("het certificaat is verlopen", "the certificate has expired"),
    46: Text("het certificaat wordt niet geaccepteerd", "the certificate is not accepted"),
    48: Text("de server vertrouwt de uitgever niet, of krijgt de tussenliggende CA's niet", "the server does not trust the issuer, or does not get the intermediate CAs"),
    49: Text("geen toegang voor deze houder", "no access for this holder"),
    51: Text("de handtekening van de client klopt niet", "the client's signature is wrong"),
    70: Text("deze TLS-versie wordt niet gesproken", "this TLS version is not spoken"),
    71: Text("de server vindt het aanbod te zwak", "the server finds the offer too weak"),
    80: Text("interne fout van de server", "internal error of the server"),
    112: Text("de server kent deze hostnaam niet", "the server does not know this host name"),
    116: Text("er is een clientcertificaat nodig", "a client certificate is needed"),
}  # fmt: skip


def alert(number: int) -> Text:
    """Return an alert with its probable meaning: `alert 48 unknown_ca: de server vertrouwt …`."""
    name = f"alert {number} {ALERTS.get(number, '')}".strip()
    meaning = _MEANING.get(number)
    return Text(f"{name}: {meaning.nl}", f"{name}: {meaning.en}") if meaning else Text(name, name)


_ENDS: Final = {
    "dropped": Text("de server verbreekt de verbinding na de handshake", "the server drops the connection after the handshake"),
    "closed": Text("de server verbreekt de verbinding in de handshake", "the server drops the connection in the handshake"),
    "reset": Text("de verbinding wordt afgebroken (RST)", "the connection is reset (RST)"),
    "read-timeout": Text("geen antwoord na de handshake", "no answer after the handshake"),
    "tls-timeout": Text("geen antwoord op de handshake", "no answer to the handshake"),
}  # fmt: skip


def ending(attempt: Handshake) -> Text:
    """Return how an attempt ended, in words."""
    if attempt.outcome == "accepted":
        return Text("de handshake slaagt; er is niets gevraagd", "the handshake succeeds; nothing was asked")
    if attempt.served:
        return Text(f"HTTP {attempt.status}", f"HTTP {attempt.status}")
    if attempt.alert == HANDSHAKE_FAILURE and attempt.asked and not attempt.presented:
        # In TLS 1.2 this is how a server says that a certificate is missing.
        return Text(
            f"alert 40 handshake_failure: {_MEANING[116].nl}", f"alert 40 handshake_failure: {_MEANING[116].en}"
        )
    if attempt.alert is not None:
        return alert(attempt.alert)
    return _ENDS.get(attempt.outcome) or Text(attempt.detail or attempt.outcome, attempt.detail or attempt.outcome)


def both(prefix: str, text: Text) -> Text:
    """Return `prefix: text` in both languages."""
    return Text(f"{prefix}: {text.nl}", f"{prefix}: {text.en}")
