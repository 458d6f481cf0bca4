"""Shake hands with one address and write down what happened: no trust decided, nothing retried, no time-out unnamed."""

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from harness.wire import handshake as messages
from harness.wire.handshake import CertificateRequest, Messages, ServerHello
from harness.wire.tls_caller import EVERYTHING, NOBODY, Caller

Address = tuple[str, int]
Outcome = Literal[
    "answered",  # HTTP came back
    "accepted",  # the handshake is complete and nothing was asked
    "refused",  # an alert in the handshake (TLS 1.2 without a certificate)
    "refused-late",  # an alert after the handshake (TLS 1.3 without a certificate)
    "dropped",  # hang-up after the handshake, without a byte of HTTP
    "closed",  # hang-up in the handshake
    "reset",  # RST in the handshake
    "not-tls",  # something else than TLS came back
    "connect-refused",
    "connect-timeout",
    "unreachable",
    "proxy-refused",  # the proxy opens no tunnel
    "tls-timeout",
    "read-timeout",
    "failed",  # the handshake cannot be completed by us
    "unsupported",  # our own OpenSSL cannot offer this
]

Ask = Literal["head", "listen", "nothing"]

NO_CONNECTION: Final = frozenset({"connect-refused", "connect-timeout", "unreachable", "proxy-refused"})

_MOST: Final = 16 * 1024
_STATUS = re.compile(rb"\AHTTP/\d(?:\.\d)? (\d{3})")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait at each stage, in seconds: a time-out at each is its own outcome."""

    connect: float = 5.0
    tls: float = 10.0
    read: float = 10.0


PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class Handshake:
    """One attempt at one address: what was offered and presented, how it ended, and all that the server showed."""

    address: Address
    host: str
    offered: str
    presented: str = ""
    sni: bool = True
    outcome: Outcome = "failed"
    detail: str = ""
    version: str = ""
    cipher: str = ""
    seen: Messages = field(default_factory=Messages)
    status: int | None = None
    date: str = ""
    closes: bool = False
    first_bytes: bytes = b""
    connect_seconds: float = 0.0
    tls_seconds: float = 0.0
    clock: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the handshake itself came to an end."""
        return self.outcome in ("answered", "accepted", "refused-late", "dropped", "read-timeout")

    @property
    def connected(self) -> bool:
        """Whether there was a TCP connection."""
        return self.outcome not in NO_CONNECTION and self.outcome != "unsupported"

    @property
    def served(self) -> bool:
        """Whether the server admitted this caller: HTTP came back, or nothing was asked and nothing refused."""
        return self.outcome in ("answered", "accepted")

    @property
    def turned_away(self) -> bool:
        """Whether the server refused this caller after asking for a certificate, in either shape."""
        late = self.outcome in ("refused-late", "dropped")
        return (late and self.request is not None) or (self.outcome in ("refused", "closed", "reset") and self.asked)

    @property
    def asked(self) -> bool:
        """Whether the server asked for a client certificate."""
        return self.request is not None

    @property
    def offered_by_server(self) -> bool:
        """Whether the server speaks the offered version: it answered with a ServerHello of that version."""
        return self.hello is not None and self.hello.version == self.offered

    @property
    def hello(self) -> ServerHello | None:
        """The ServerHello."""
        return self.seen.hello

    @property
    def request(self) -> CertificateRequest | None:
        """The CertificateRequest."""
        return self.seen.request

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates as the server sent them, in DER, in its order."""
        return self.seen.chain

    @property
    def alert(self) -> int | None:
        """The last alert of the server that was not a goodbye."""
        return next((a for a in reversed(self.seen.alerts) if a), None)


class _Ended(Exception):
    """The line ended: `closed`, `reset` or `timeout`."""


class _Line:
    """A socket with TLS on top that keeps the raw first bytes, so that nothing the server said is lost."""

    def __init__(self, wire: socket.socket, context: ssl.SSLContext, name: str | None) -> None:
        self.wire = wire
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.tls.heard = []  # type: ignore[attr-defined]
        self.first = b""

    def pump(self, step: Callable[[], Any], deadline: float) -> Any:
        """Repeat `step` until it is done, feeding it from the wire."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self.flush(deadline)
                self.receive(deadline)
            except ssl.SSLError:
                self.flush(deadline)
                raise
            else:
                self.flush(deadline)
                return done

    def flush(self, deadline: float) -> None:
        data = self.outgoing.read()
        if data:
            self.wire.settimeout(max(deadline - time.monotonic(), 0.001))
            # A peer that already hung up may still have said why: reading tells.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
                self.wire.sendall(data)

    def receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _Ended("timeout")
        self.wire.settimeout(left)
        try:
            data = self.wire.recv(65536)
        except TimeoutError:
            raise _Ended("timeout") from None
        except OSError:
            raise _Ended("reset") from None
        if not data:
            raise _Ended("closed")
        if len(self.first) < 64:
            self.first += data[:64]
        self.incoming.write(data)

    def readable(self, seconds: float) -> bool:
        """Whether the server says something within `seconds`."""
        import select

        return bool(select.select([self.wire], [], [], seconds)[0])


def shake_hands(
    address: Address,
    host: str,
    caller: Caller = NOBODY,
    version: str = "1.3",
    *,
    patience: Patience = PATIENCE,
    sni: bool = True,
    ask: Ask = "head",
    ciphers: str = EVERYTHING,
    curve: str = "",
    body: bytes = b"",
    tunnel: str = "",
) -> Handshake:
    """Connect to one address, offer one TLS version, and see who is served.

    `ask` says what follows the handshake: a harmless HEAD, only listening (production), or nothing at all.
    With `tunnel` (`host:port`) the address is a proxy, which is asked to open a tunnel first.
    """
    start = Handshake(address, host, version, caller.name, sni)
    try:
        context = caller.context(version, ciphers, curve)
    except (ssl.SSLError, ValueError) as wrong:
        return replace(start, outcome="unsupported", detail=_reason(wrong))
    began = time.monotonic()
    try:
        wire = socket.create_connection(address, patience.connect)
    except TimeoutError:
        return replace(start, outcome="connect-timeout", connect_seconds=time.monotonic() - began)
    except ConnectionRefusedError:
        return replace(start, outcome="connect-refused", connect_seconds=time.monotonic() - began)
    except ConnectionResetError:
        return replace(start, outcome="reset", connect_seconds=time.monotonic() - began)
    except OSError as wrong:
        return replace(
            start, outcome="unreachable", detail=wrong.strerror or "", connect_seconds=time.monotonic() - began
        )
    connected = replace(start, connect_seconds=time.monotonic() - began)
    with wire:
        # Without TCP_NODELAY a delayed acknowledgement of 40 ms is measured instead of the server.
        with contextlib.suppress(OSError):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tunnel and (status := _open_tunnel(wire, tunnel, patience)) != _OK:
            return replace(connected, outcome="proxy-refused", status=status)
        line = _Line(wire, context, host if sni else None)
        return _converse(connected, line, patience, ask=ask, body=body)


_OK: Final = 200


def _open_tunnel(wire: socket.socket, target: str, patience: Patience) -> int | None:
    """Ask a proxy for a tunnel to `host:port`; returns its status, or None when it gives none."""
    answer = b""
    wire.settimeout(patience.connect)
    try:
        wire.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii", "replace"))
        # Byte by byte: what follows the blank line belongs to TLS.
        while not answer.endswith(b"\r\n\r\n") and len(answer) < _MOST and (piece := wire.recv(1)):
            answer += piece
    except OSError:
        return None
    status = _STATUS.match(answer)
    return int(status[1]) if status else None


def _converse(start: Handshake, line: _Line, patience: Patience, *, ask: Ask, body: bytes) -> Handshake:
    began = time.monotonic()
    deadline = began + patience.tls
    try:
        line.pump(line.tls.do_handshake, deadline)
    except ssl.SSLError as wrong:
        return _broken(start, line, wrong, time.monotonic() - began)
    except _Ended as ended:
        outcome: dict[str, Outcome] = {"timeout": "tls-timeout", "closed": "closed", "reset": "reset"}
        late = replace(start, tls_seconds=time.monotonic() - began, outcome=outcome[str(ended)])
        return _plain(late, line) or _seen(late, line)
    cipher = line.tls.cipher()
    done = replace(
        start,
        tls_seconds=time.monotonic() - began,
        outcome="accepted",
        version=(line.tls.version() or "").removeprefix("TLSv"),
        cipher=cipher[0] if cipher else "",
    )
    if ask == "head":
        return _ask(done, line, patience, body)
    return _overhear(done, line, patience) if ask == "listen" else _seen(done, line)


def _overhear(done: Handshake, line: _Line, patience: Patience) -> Handshake:
    try:
        if done.version == "1.3":
            _listen(line, min(1.0, patience.read), time.monotonic() + patience.read)
    except ssl.SSLError as wrong:
        return _seen(replace(done, outcome="refused-late", detail=_reason(wrong)), line)
    except _Ended:
        return _seen(replace(done, outcome="dropped"), line)
    return _seen(done, line)


def _ask(done: Handshake, line: _Line, patience: Patience, body: bytes) -> Handshake:
    request = (
        f"HEAD / HTTP/1.1\r\nHost: {done.host}\r\nUser-Agent: ketentest\r\nAccept: */*\r\n"
        + (f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n" if body else "")
        + "\r\n"
    ).encode("ascii", "replace") + body
    deadline = time.monotonic() + patience.read
    answer = b""
    try:
        if done.version == "1.3":
            # TLS 1.3 refuses after the handshake; a request on its way would turn that alert into a bare RST.
            _listen(line, min(1.0, 0.02 + 4 * done.connect_seconds), deadline)
        line.pump(lambda: line.tls.write(request[:_MOST]), deadline)
        if len(request) > _MOST:
            line.pump(lambda: line.tls.write(request[_MOST:]), deadline)
        while b"\r\n\r\n" not in answer and len(answer) < _MOST:
            piece = line.pump(lambda: line.tls.read(4096), deadline)
            if not piece:
                break
            answer += piece
    except ssl.SSLZeroReturnError:
        pass
    except ssl.SSLError as wrong:
        return _seen(replace(done, outcome="refused-late", detail=_reason(wrong)), line)
    except _Ended as ended:
        if not answer:
            return _seen(replace(done, outcome="read-timeout" if str(ended) == "timeout" else "dropped"), line)
    return _seen(_answered(done, answer), line)


def _listen(line: _Line, seconds: float, deadline: float) -> None:
    if line.readable(seconds):
        line.receive(deadline)
        with contextlib.suppress(ssl.SSLWantReadError):
            line.tls.read(1)


def _answered(done: Handshake, answer: bytes) -> Handshake:
    if not answer:
        return replace(done, outcome="dropped")
    status = _STATUS.match(answer)
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in head[1:])}
    return replace(
        done,
        outcome="answered",
        status=int(status[1]) if status else None,
        date=fields.get("date", ""),
        clock=time.time(),
        closes=fields.get("connection", "").lower() == "close" or answer.startswith(b"HTTP/1.0"),
        first_bytes=answer[:64],
    )


def _broken(start: Handshake, line: _Line, wrong: ssl.SSLError, seconds: float) -> Handshake:
    attempt = _seen(replace(start, outcome="failed", detail=_reason(wrong), tls_seconds=seconds), line)
    if attempt.alert is not None:
        return replace(attempt, outcome="refused")
    if attempt.detail in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"):
        return replace(attempt, outcome="unsupported")
    if attempt.detail in ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION") and line.first[:1] == b"\x16":
        return replace(attempt, outcome="refused")
    return _plain(attempt, line) or attempt


def _plain(attempt: Handshake, line: _Line) -> Handshake | None:
    # 0x14-0x17 are the record types of TLS; anything else is another protocol.
    if line.first and line.first[0] not in (0x14, 0x15, 0x16, 0x17):
        return replace(attempt, outcome="not-tls", first_bytes=line.first[:64])
    return None


def _seen(attempt: Handshake, line: _Line) -> Handshake:
    heard: list[tuple[int, int, bytes]] = line.tls.heard  # type: ignore[attr-defined]
    alerts = tuple(data[1] for content, _, data in heard if content == 21 and len(data) == 2)
    return replace(
        attempt, seen=messages.read([(kind, data) for content, kind, data in heard if content == 22], alerts)
    )


def _reason(wrong: Exception) -> str:
    return getattr(wrong, "reason", None) or type(wrong).__name__
