"""Read the messages of a TLS handshake as the server sent them; broken ones give nothing, never an exception."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

SERVER_HELLO: Final = 2
NEW_SESSION_TICKET: Final = 4
CERTIFICATE: Final = 11
SERVER_KEY_EXCHANGE: Final = 12
CERTIFICATE_REQUEST: Final = 13

GROUPS: Final = {
    19: "secp192r1",
    21: "secp224r1",
    23: "P-256",
    24: "P-384",
    25: "P-521",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "X25519",
    30: "X448",
    31: "brainpoolP256r1",
    32: "brainpoolP384r1",
    33: "brainpoolP512r1",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}

ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}

RSA_PSS_SHA512: Final = 0x0806
_HELLO_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_VERSIONS: Final = {0x0300: "SSLv3", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chose: version, suite, compression and extensions."""

    version: str
    suite: int
    compression: int
    extensions: tuple[int, ...]
    group: int | None = None

    @property
    def extended_master_secret(self) -> bool:
        """Whether TLS 1.2 binds the master secret to the handshake (RFC 7627); TLS 1.3 always does."""
        return self.version == "1.3" or 23 in self.extensions

    @property
    def secure_renegotiation(self) -> bool:
        """Whether renegotiation is protected (RFC 5746); TLS 1.3 has none."""
        return self.version == "1.3" or 0xFF01 in self.extensions


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """The server asks for a client certificate: with these signature algorithms, from these CAs (empty: any)."""

    signatures: tuple[int, ...] = ()
    certificate_signatures: tuple[int, ...] = ()
    authorities: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Messages:
    """Everything the server said in the clear sense of the handshake."""

    hello: ServerHello | None = None
    chain: tuple[bytes, ...] = ()
    stapled: bytes | None = None
    request: CertificateRequest | None = None
    group: str = ""
    alerts: tuple[int, ...] = ()
    early_data: int = 0
    unread: tuple[int, ...] = field(default=())


class _Cut(Exception):
    """A message ended too early."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) < count:
            raise _Cut
        self.at += count
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> "_Reader":
        return _Reader(self.take(self.number(size)))

    @property
    def more(self) -> bool:
        return self.at < len(self.data)


def read(messages: list[tuple[int, bytes]], alerts: tuple[int, ...] = ()) -> Messages:
    """Read handshake messages (type, bytes with their header) in the order in which they came."""
    hello: ServerHello | None = None
    chain: tuple[bytes, ...] = ()
    stapled: bytes | None = None
    request: CertificateRequest | None = None
    group, early, unread = "", 0, []
    for kind, message in messages:
        body = _Reader(message[4:])
        new = hello is not None and hello.version == "1.3"
        try:
            if kind == SERVER_HELLO:
                found = _server_hello(body)
                hello = found or hello
                group = GROUPS.get(found.group, str(found.group)) if found and found.group else group
            elif kind == CERTIFICATE:
                chain, stapled = _chain(body, new=new)
            elif kind == CERTIFICATE_REQUEST:
                request = _request13(body) if new else _request12(body)
            elif kind == SERVER_KEY_EXCHANGE:
                group = _key_exchange(body)
            elif kind == NEW_SESSION_TICKET and new:
                early = max(early, _early_data(body))
        except _Cut:
            unread.append(kind)
    return Messages(hello, chain, stapled, request, group, alerts, early, tuple(unread))


def _server_hello(body: _Reader) -> ServerHello | None:
    legacy, random = body.number(2), body.take(32)
    body.vector(1)
    suite, compression = body.number(2), body.number(1)
    extensions = dict(_extensions(body.vector(2))) if body.more else {}
    version = int.from_bytes(extensions[43], "big") if 43 in extensions else legacy
    share = extensions.get(51)
    group = int.from_bytes(share[:2], "big") if share else None
    if random == _HELLO_RETRY:
        return None
    return ServerHello(_VERSIONS.get(version, hex(version)), suite, compression, tuple(extensions), group)


def _extensions(block: _Reader) -> Iterator[tuple[int, bytes]]:
    while block.more:
        number = block.number(2)
        yield number, block.vector(2).data


def _chain(body: _Reader, *, new: bool) -> tuple[tuple[bytes, ...], bytes | None]:
    if new:
        body.vector(1)
    entries = body.vector(3)
    chain: list[bytes] = []
    stapled = None
    while entries.more:
        chain.append(entries.vector(3).data)
        if new:
            extensions = dict(_extensions(entries.vector(2)))
            if 5 in extensions and len(chain) == 1:
                stapled = extensions[5][4:]
    return tuple(chain), stapled


def _request12(body: _Reader) -> CertificateRequest:
    body.vector(1)
    signatures = _numbers(body.vector(2))
    return CertificateRequest(signatures, signatures, _names(body.vector(2)) if body.more else ())


def _request13(body: _Reader) -> CertificateRequest:
    body.vector(1)
    extensions = dict(_extensions(body.vector(2)))
    signatures = _numbers(_Reader(extensions[13]).vector(2)) if 13 in extensions else ()
    for_chain = _numbers(_Reader(extensions[50]).vector(2)) if 50 in extensions else signatures
    names = _names(_Reader(extensions[47]).vector(2)) if 47 in extensions else ()
    return CertificateRequest(signatures, for_chain, names)


def _numbers(block: _Reader) -> tuple[int, ...]:
    found = []
    while block.more:
        found.append(block.number(2))
    return tuple(found)


def _names(block: _Reader) -> tuple[bytes, ...]:
    found = []
    while block.more:
        found.append(block.vector(2).data)
    return tuple(found)


def _key_exchange(body: _Reader) -> str:
    if body.data[:1] == b"\x03":
        body.take(1)
        number = body.number(2)
        return GROUPS.get(number, str(number))
    prime = body.vector(2).data.lstrip(b"\0")
    return f"dh-{len(prime) * 8}"


def _early_data(body: _Reader) -> int:
    body.take(8)
    body.vector(1)
    body.vector(2)
    extensions = dict(_extensions(body.vector(2)))
    return int.from_bytes(extensions.get(42, b""), "big")
