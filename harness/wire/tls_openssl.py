"""Ask a server what Python's `ssl` cannot ask: a stapled OCSP answer, TLS 1.3 suites, renegotiation."""

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from OpenSSL import SSL

from harness.wire.tls import PATIENCE, Address, Patience

TLS13_SUITES: Final = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
RENEGOTIATIONS: Final = 11
"""NCSC allows a client ten renegotiations: one more shows whether there is a limit."""

_LEGACY_SERVER: Final = 0x4


@dataclass(frozen=True, slots=True)
class Presented:
    """A certificate to present: chain (leaf first) and key, as `cryptography` objects."""

    chain: tuple[Any, ...]
    key: Any


class _Gone(Exception):
    """The line is dead, or too slow."""


class _Talk:
    def __init__(self, address: Address, host: str, context: SSL.Context, patience: Patience) -> None:
        self.deadline = time.monotonic() + patience.connect + patience.tls
        try:
            self.wire = socket.create_connection(address, patience.connect)
        except OSError as wrong:
            raise _Gone from wrong
        self.tls = SSL.Connection(context, None)
        self.tls.set_tlsext_host_name(host.encode("ascii", "replace"))
        self.tls.set_connect_state()

    def pump(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                done = step()
            except SSL.WantReadError:
                self.flush()
                self.receive()
            except SSL.Error:
                self.flush()
                raise
            else:
                self.flush()
                return done

    def flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError, OSError):
            while True:
                self.wire.sendall(self.tls.bio_read(65536))

    def receive(self) -> None:
        self.wire.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            data = self.wire.recv(65536)
        except OSError as wrong:
            raise _Gone from wrong
        if not data:
            raise _Gone
        self.tls.bio_write(data)


def _context(version: str = "", presented: Presented | None = None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:COMPLEMENTOFALL:!eNULL:!aNULL:@SECLEVEL=0")
    context.set_options(_LEGACY_SERVER)
    if version:
        number = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[version]
        context.set_min_proto_version(number)
        context.set_max_proto_version(number)
    if presented:
        context.use_certificate(presented.chain[0])
        for certificate in presented.chain[1:]:
            context.add_extra_chain_cert(certificate)
        context.use_privatekey(presented.key)
    return context


def stapled(address: Address, host: str, *, patience: Patience = PATIENCE) -> bytes | None:
    """Return the OCSP answer that the server staples, or None; a refusal afterwards does not matter."""
    heard: list[bytes] = []
    context = _context()

    def note(_connection: SSL.Connection, answer: bytes, _data: object) -> bool:
        heard.append(answer)
        return True

    context.set_ocsp_client_callback(note)
    with contextlib.suppress(_Gone, SSL.Error):
        talk = _Talk(address, host, context, patience)
        with talk.wire:
            talk.tls.request_ocsp()
            talk.pump(talk.tls.do_handshake)
    return heard[0] if heard and heard[0] else None


def tls13_suites(address: Address, host: str, *, patience: Patience = PATIENCE) -> tuple[str, ...]:
    """Return the TLS 1.3 suites that the server accepts, each offered alone. Own hosts and the lab only."""
    found = []
    for suite in TLS13_SUITES:
        context = _context("1.3")
        context.set_tls13_ciphersuites(suite.encode())
        with contextlib.suppress(_Gone, SSL.Error):
            talk = _Talk(address, host, context, patience)
            with talk.wire:
                talk.pump(talk.tls.do_handshake)
                found.append(suite)
    return tuple(found)


def renegotiations(
    address: Address, host: str, presented: Presented | None, *, patience: Patience = PATIENCE
) -> int | None:
    """Return how often the server lets us renegotiate in TLS 1.2, eleven at most. Own hosts and the lab only.

    None when there was no TLS 1.2 connection on which to try.
    """
    try:
        talk = _Talk(address, host, _context("1.2", presented), patience)
    except _Gone:
        return None
    with talk.wire:
        try:
            talk.pump(talk.tls.do_handshake)
        except (_Gone, SSL.Error):
            return None
        done = 0
        with contextlib.suppress(_Gone, SSL.Error):
            while done < RENEGOTIATIONS:
                talk.deadline = time.monotonic() + patience.tls
                talk.tls.renegotiate()
                talk.pump(talk.tls.do_handshake)
                done += 1
        return done
