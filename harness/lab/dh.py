"""The finite-field groups of RFC 7919, computed from their definition instead of copied."""

import base64
from typing import Final

from harness.lab.mint import tlv

_OFFSETS: Final = {2048: 560316, 3072: 2625351, 4096: 5736041}


def parameters(bits: int) -> bytes:
    """Return ffdhe2048, ffdhe3072 or ffdhe4096 as PEM (RFC 7919, appendix A)."""
    prime = 2**bits - 2 ** (bits - 64) + (_e_shifted(bits - 130) + _OFFSETS[bits]) * 2**64 - 1
    body = tlv(0x30, tlv(0x02, b"\x00" + prime.to_bytes(bits // 8, "big")) + tlv(0x02, b"\x02"))
    return b"-----BEGIN DH PARAMETERS-----\n" + base64.encodebytes(body) + b"-----END DH PARAMETERS-----\n"


def _e_shifted(bits: int) -> int:
    """Return the floor of e times 2 to the power `bits`: the sum of 1/n!, with 64 bits to spare."""
    total, term, n = 0, 1 << (bits + 64), 0
    while term:
        total += term
        n += 1
        term //= n
    return total >> 64
