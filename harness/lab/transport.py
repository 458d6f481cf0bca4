"""Carry TLS to an asyncio protocol through pyOpenSSL, and play the ports that are no TLS server."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import Any

from OpenSSL import SSL

from harness.wire.alerting import LINGER


class OpenSslTls(asyncio.Protocol):
    """Server-side TLS through pyOpenSSL, for stapling, CA names and FFDHE parameters."""

    def __init__(self, context: SSL.Context, app: asyncio.Protocol) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.app = app
        self.ready = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the wire."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Feed the handshake, then the application."""
        try:
            self.connection.bio_write(data)
            if not self.ready and not self._handshake():
                return
            while True:
                self.app.data_received(self.connection.recv(65536))
        except SSL.WantReadError:
            self._flush()
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error:
            self._refuse()

    def _handshake(self) -> bool:
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return False
        self.ready = True
        self._flush()
        self.app.connection_made(_PlainSide(self))
        return True

    def _refuse(self) -> None:
        self._flush()
        if self.transport and self.transport.can_write_eof():
            self.transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def _flush(self) -> None:
        try:
            while self.transport and not self.transport.is_closing():
                self.transport.write(self.connection.bio_read(65536))
        except SSL.WantReadError:
            pass

    def write(self, data: bytes) -> None:
        """Encrypt and send."""
        view = memoryview(bytes(data))
        while view:
            view = view[self.connection.send(bytes(view[:16384])) :]
            self._flush()

    def close(self) -> None:
        """Say goodbye and hang up."""
        if self.transport and not self.transport.is_closing():
            with contextlib.suppress(SSL.Error):
                self.connection.shutdown()
            self._flush()
            self.transport.close()

    def eof_received(self) -> bool:
        """Hang up when the peer sends no more."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application that the wire is gone."""
        if self.ready:
            self.app.connection_lost(exc)


class PeerCertificate:
    """What a handler asks of `ssl_object`: the certificate of the client."""

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection

    def getpeercert(self, binary_form: bool = False) -> bytes | None:
        """Return the client certificate in DER, or None."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            return None
        from cryptography.hazmat.primitives.serialization import Encoding

        return certificate.public_bytes(Encoding.DER)


class _PlainSide(asyncio.Transport):
    """The transport that the application sees."""

    def __init__(self, tls: OpenSslTls) -> None:
        assert tls.transport is not None
        self._tls, self._wire = tls, tls.transport
        super().__init__()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return PeerCertificate(self._tls.connection)
        return self._wire.get_extra_info(name, default)

    def write(self, data: Any) -> None:
        self._tls.write(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self._tls.write(b"".join(list_of_data))

    def close(self) -> None:
        self._tls.close()

    def abort(self) -> None:
        self._wire.abort()

    def is_closing(self) -> bool:
        return self._wire.is_closing()

    def pause_reading(self) -> None:
        self._wire.pause_reading()

    def resume_reading(self) -> None:
        self._wire.resume_reading()

    def is_reading(self) -> bool:
        return self._wire.is_reading()

    def can_write_eof(self) -> bool:
        return False

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._tls.app

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self._tls.app = protocol


class Rude(asyncio.Protocol):
    """A port that is no TLS server: it says `banner`, resets, hangs up, or stays silent."""

    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Do at once what this port does at once."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.behaviour == "other-service":
            transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif self.behaviour == "hang-up":
            transport.close()
        elif self.behaviour == "reset":
            reset(transport)

    def data_received(self, data: bytes) -> None:
        """Listen, and say nothing."""


def reset(transport: asyncio.Transport) -> None:
    """Drop the connection with an RST."""
    wire = transport.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
