"""What a server chooses from what is offered: its suites one by one, and whether it goes along with a weak curve."""

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Final

from harness.wire.tls import PATIENCE, Address, Handshake, Patience, shake_hands
from harness.wire.tls_caller import EVERYTHING, Caller


@cache
def suites() -> dict[int, str]:
    """Return the name that OpenSSL gives each suite it knows, by its IANA number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {int(entry["id"]) & 0xFFFF: str(entry["name"]) for entry in context.get_ciphers()}


def suite_of(attempt: Handshake) -> str:
    """Return the suite that the server chose, also when it went on to refuse us."""
    if attempt.cipher:
        return attempt.cipher
    return suites().get(attempt.hello.suite, hex(attempt.hello.suite)) if attempt.hello else ""


def enumerate_suites(address: Address, host: str, version: str, *, patience: Patience = PATIENCE) -> list[Handshake]:
    """Offer everything, take away what was chosen, and repeat: one attempt per accepted suite, and one more.

    Only for own hosts and the lab. TLS 1.3 suites cannot be taken away through `ssl`; for 1.3 there is one attempt.
    """
    found: list[Handshake] = []
    without = ""
    while len(found) < 100:
        attempt = shake_hands(
            address, host, Caller(), version, patience=patience, ask="nothing", ciphers=EVERYTHING + without
        )
        name = suite_of(attempt) if attempt.offered_by_server else ""
        if not name or name in without.split(":!"):
            break
        found.append(attempt)
        without += f":!{name}"
        if version == "1.3":
            break
    return found


WEAK_CURVES: Final = ("secp224r1", "secp192r1", "secp160r1")
RARE_CURVES: Final = ("brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1")
"""Good curves that our own OpenSSL does not offer by itself: a server that has no others would seem not to speak TLS 1.2."""


def curves_alone(
    address: Address, host: str, curves: Iterable[str] = WEAK_CURVES, *, patience: Patience = PATIENCE
) -> list[Handshake]:
    """Offer each of the curves alone in TLS 1.2; the attempts that the server went along with. Own hosts and the lab only."""
    attempts = [
        shake_hands(
            address,
            host,
            Caller(),
            "1.2",
            patience=patience,
            ask="nothing",
            ciphers="ECDHE+AESGCM:@SECLEVEL=0",
            curve=curve,
        )
        for curve in curves
    ]
    return [attempt for attempt in attempts if attempt.hello is not None and attempt.seen.group]
