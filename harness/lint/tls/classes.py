"""The TLS classes of NCSC 2025-05 with the Digikoppeling overlay (TLSCIPH001): data, and how a name falls into them."""

import re
from enum import StrEnum
from typing import Final

EDITION: Final = "NCSC 2025-05"


class Class(StrEnum):
    """How good something is; Digikoppeling does not allow what is to be phased out."""

    GOOD = "good"
    SUFFICIENT = "sufficient"
    PHASE_OUT = "phase-out"
    INSUFFICIENT = "insufficient"


_GOOD13: Final = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
_SUFFICIENT13: Final = {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"}
_OLD: Final = re.compile(r"NULL|EXP|RC4|RC2|DES|SEED|IDEA|MD5|CCM[-_]?8|ADH|AECDH|anon|PSK|SRP|DSS|GOST|SM4")
_SHA1: Final = re.compile(r"[-_]SHA$")
_AEAD: Final = re.compile(r"GCM|CHACHA20|CCM")
_AGEING: Final = re.compile(r"CAMELLIA|ARIA")

_CURVES_GOOD: Final = frozenset({
    "P-256", "P-384", "P-521", "X25519", "X448", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
    "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
})  # fmt: skip
_GROUPS_AGEING: Final = frozenset({"secp224r1", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"})
DH_ENOUGH: Final = 3072


def cipher_class(suite: str) -> Class:
    """Return the class of a suite by its cipher and hash; the key exchange is judged apart.

    >>> cipher_class("ECDHE-RSA-AES256-SHA384")
    <Class.PHASE_OUT: 'phase-out'>
    """
    if suite in _GOOD13:
        return Class.GOOD
    if suite in _SUFFICIENT13:
        return Class.SUFFICIENT
    if _OLD.search(suite) or _SHA1.search(suite):
        return Class.INSUFFICIENT
    if _AGEING.search(suite):
        return Class.PHASE_OUT
    return Class.SUFFICIENT if _AEAD.search(suite) else Class.PHASE_OUT


def key_exchange(suite: str) -> str:
    """Return how a suite agrees on keys: `ecdhe`, `dhe`, or `rsa` for what has no forward secrecy.

    >>> key_exchange("AES256-GCM-SHA384"), key_exchange("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
    ('rsa', 'dhe')
    """
    if suite.startswith("TLS_") and "_WITH_" not in suite:
        return "ecdhe"
    name = suite.removeprefix("TLS_")
    if name.startswith("ECDHE"):
        return "ecdhe"
    return "dhe" if name.startswith(("DHE", "EDH", "ADH", "DH_anon")) else "rsa"


def group_class(group: str) -> Class:
    """Return the class of a curve (`X25519`), a named group (`ffdhe3072`) or an own prime (`dh-2048`)."""
    if group in _CURVES_GOOD:
        return Class.GOOD
    if group in _GROUPS_AGEING:
        return Class.PHASE_OUT
    # A prime of its own cannot be told from a named group by its size; the size decides what is certainly too small.
    size = group.removeprefix("dh-")
    return Class.PHASE_OUT if size.isdigit() and group != size and int(size) >= DH_ENOUGH else Class.INSUFFICIENT
