"""Send and receive for real, keep what was seen (masked), and name the stage at which it went wrong."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx
from aiohttp import web

from harness.guard import Guard, Reach, host_of, port_of
from harness.link import Link
from harness.lint.judge import HttpHead, Raw
from harness.masking import Masker
from harness.model import Evidence, Text
from harness.wire.alerting import alerting

MAX_BODY: Final = 64 * 1024 * 1024
MAX_EVIDENCE: Final = 1024 * 1024
GRACE: Final = 5.0
"""How long an answer that is being given may still take when our listener closes, in seconds."""

Stage = Literal[
    "dns", "connect", "connect-timeout", "tls", "tls-timeout", "read", "read-timeout", "too-large", "protocol"
]


class TransportFailed(Exception):
    """No answer came: the stage says where it stopped. Not a verdict; the engine turns it into a finding."""

    def __init__(self, stage: Stage, where: str, reason: str) -> None:
        self.stage, self.where, self.reason = stage, where, reason
        super().__init__(f"{where}: {stage}: {reason}")


@dataclass(frozen=True)
class Message:
    """One HTTP message as it went over the line; `raw` is what the judges take."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    name: str = ""
    client_certificate: bytes | None = None

    @property
    def raw(self) -> Raw:
        """The message as a captured document."""
        return Raw(self.body, self.name, HttpHead(self.start, self.headers))

    @property
    def captured(self) -> bytes:
        """The message as bytes: start line, headers, blank line, body."""
        head = "\r\n".join([self.start, *(f"{k}: {v}" for k, v in self.headers)])
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + self.body

    def header(self, name: str, default: str = "") -> str:
        """Return the first header called `name`."""
        return next((v for k, v in self.headers if k == name.lower()), default)


@dataclass(frozen=True)
class Reply(Message):
    """An answer, with the request it belongs to and what the line looked like."""

    status: int = 0
    request: Message | None = None
    evidence: tuple[Evidence, ...] = ()
    seconds: float = 0.0
    tls: str = ""
    server_certificate: bytes | None = None


class Recorder:
    """Keep masked evidence, named by its digest, in the folder of the run; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, masker: Masker) -> None:
        self.folder, self.masker = folder, masker

    def keep(self, name: str, media_type: str, data: bytes) -> Evidence:
        """Mask and store `data`; returns what the report needs to refer to it."""
        shown = data if len(data) <= MAX_EVIDENCE else data[:MAX_EVIDENCE] + b"\n[...]"
        masked = self.masker.mask(shown)
        digest = hashlib.sha256(masked).hexdigest()
        file = f"{digest[:16]}.{name}"
        if self.folder is not None:
            target = self.folder / "evidence" / file
            if not target.exists():
                target.write_bytes(masked)
        return Evidence(digest, file, media_type, len(masked))


@dataclass
class Exchange:
    """One connection's way over the line: one HTTP client over one TLS context, guard and recorder."""

    link: Link
    guard: Guard
    recorder: Recorder
    allow_write: bool = False
    _client: httpx.AsyncClient | None = field(default=None, init=False)

    @cached_property
    def context(self) -> ssl.SSLContext:
        """The TLS context of this connection, made once."""
        return self.link.client_context()

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        name: str = "message",
        service: str = "",
        reach: Reach = Reach.MESSAGE,
    ) -> Reply:
        """POST `body` and return the answer, whatever its status; raises TransportFailed or Refused."""
        return await self._send("POST", url, body, headers, name, service, reach)

    async def get(self, url: str, headers: Mapping[str, str] | None = None, *, name: str = "document") -> Reply:
        """GET a document (metadata, WSDL) and return the answer; raises TransportFailed or Refused."""
        return await self._send("GET", url, b"", headers or {}, name, "get", Reach.CONNECT)

    async def _send(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], name: str, service: str, reach: Reach
    ) -> Reply:
        host, port = host_of(url), port_of(url)
        self.guard.check(host, reach, permission=self.link.connection.allow_write)
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        shown_host = host if port == 443 else f"{host}:{port}"
        sent_headers = {"Host": shown_host, "Accept-Encoding": "identity", "Connection": "keep-alive", **headers}
        request = Message(
            f"{method} {path} HTTP/1.1",
            (*((k.lower(), v) for k, v in sent_headers.items()), ("content-length", str(len(body)))),
            body,
            f"{name}.request",
        )
        async with self.guard.turn(host, service):
            started = time.perf_counter()
            reply = await self._roundtrip(method, host, port, path, body, sent_headers)
        seconds = time.perf_counter() - started
        return self._answer(request, reply, name, seconds)

    async def _roundtrip(
        self, method: str, host: str, port: int, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[httpx.Response, bytes]:
        ip, mapped = self.link.directory.locate(host, port)
        where = f"{host}:{port}"
        request = self._http().build_request(
            method,
            f"https://{f'[{ip}]' if ':' in ip else ip}:{mapped}{path}",
            content=body,
            headers=dict(headers),
            extensions={"sni_hostname": host},
        )
        try:
            async with asyncio.timeout(self.link.limits.read_timeout + self.link.limits.connect_timeout):
                response = await self._http().send(request, stream=True)
                try:
                    return response, await _limited(response, where)
                finally:
                    await response.aclose()
        except httpx.ConnectTimeout:
            raise TransportFailed("connect-timeout", where, "time-out") from None
        except httpx.ConnectError as wrong:
            raise _connect_failure(where, wrong) from None
        except (httpx.ReadTimeout, TimeoutError):
            raise TransportFailed("read-timeout", where, "time-out") from None
        except httpx.HTTPError as wrong:
            raise _read_failure(where, wrong) from None

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = self.link.limits
            self._client = httpx.AsyncClient(
                verify=self.context,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(limits.read_timeout, connect=limits.connect_timeout),
                limits=httpx.Limits(max_connections=4),
            )
        return self._client

    def _answer(self, request: Message, reply: tuple[httpx.Response, bytes], name: str, seconds: float) -> Reply:
        response, body = reply
        headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in response.headers.raw)
        start = f"{response.http_version} {response.status_code} {response.reason_phrase}"
        stream = response.extensions.get("network_stream")
        session = stream.get_extra_info("ssl_object") if stream else None
        answer = Message(start, headers, body, f"{name}.reply")
        evidence = (
            self.recorder.keep(f"{name}.request.http", "message/http", request.captured),
            self.recorder.keep(f"{name}.reply.http", "message/http", answer.captured),
        )
        return Reply(
            start=start,
            headers=headers,
            body=body,
            name=f"{name}.reply",
            status=response.status_code,
            request=request,
            evidence=evidence,
            seconds=seconds,
            tls=f"{session.version()} {session.cipher()[0]}" if session else "",
            server_certificate=session.getpeercert(binary_form=True) if session else None,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def _limited(response: httpx.Response, where: str) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_BODY:
            raise TransportFailed("too-large", where, f"> {MAX_BODY // 1024 // 1024} MB")
    return bytes(body)


def _connect_failure(where: str, wrong: httpx.ConnectError) -> TransportFailed:
    reason = str(wrong) or type(wrong).__name__
    cause: BaseException | None = wrong
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return TransportFailed("tls", where, cause.reason or str(cause))
        cause = cause.__cause__ or cause.__context__
    if "Name or service" in reason or "getaddrinfo" in reason or "nodename" in reason:
        return TransportFailed("dns", where, reason)
    if "SSL" in reason or "certificate" in reason.lower() or "TLS" in reason:
        return TransportFailed("tls", where, reason)
    return TransportFailed("connect", where, reason)


def _read_failure(where: str, wrong: httpx.HTTPError) -> TransportFailed:
    reason = str(wrong) or type(wrong).__name__
    if "alert" in reason.lower() or "SSL" in reason:
        return TransportFailed("tls", where, reason)
    stage: Stage = "protocol" if isinstance(wrong, httpx.RemoteProtocolError) else "read"
    return TransportFailed(stage, where, reason)


Handler = Callable[[Message], Awaitable[web.Response]]


@asynccontextmanager
async def listening(link: Link, handler: Handler, own_url: str, listen: str) -> AsyncIterator[None]:
    """Serve our own endpoint with mutual TLS while the block runs (the Digikoppeling default for a Pong).

    `listen` is `lab` (a loopback port that the directory leads to) or `address:port`.
    """

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        session = transport.get_extra_info("ssl_object") if transport else None
        headers = tuple((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in request.raw_headers)
        certificate = session.getpeercert(binary_form=True) if session else None
        start = f"{request.method} {request.path_qs} HTTP/1.1"
        return await handler(Message(start, headers, await request.read(), "received", certificate))

    server = web.Server(serve)
    loop, context = asyncio.get_running_loop(), link.server_context()
    host, port = ("127.0.0.1", 0) if listen == "lab" else _listen_address(listen)
    listener = await loop.create_server(lambda: alerting(loop, server, context), host, port)
    try:
        if listen == "lab":
            bound = listener.sockets[0].getsockname()
            link.directory.add(host_of(own_url), port_of(own_url), (bound[0], bound[1]))
        yield
    finally:
        listener.close()
        server.pre_shutdown()
        await server.shutdown(GRACE)


def _listen_address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - the user names the address to listen on


STAGES: Final[Mapping[str, Text]] = {
    "dns": Text("de naam is niet gevonden", "the name was not found"),
    "connect": Text("er komt geen verbinding tot stand", "no connection was made"),
    "connect-timeout": Text("geen verbinding binnen de tijd (firewall?)", "no connection in time (firewall?)"),
    "tls": Text("de TLS-handshake mislukt", "the TLS handshake failed"),
    "tls-timeout": Text("de TLS-handshake komt niet af binnen de tijd", "the TLS handshake did not finish in time"),
    "read": Text("de verbinding is verbroken voor het antwoord", "the connection broke before the answer"),
    "read-timeout": Text("geen antwoord binnen de tijd", "no answer in time"),
    "too-large": Text("het antwoord is te groot", "the answer is too large"),
    "protocol": Text("het antwoord is geen HTTP", "the answer is not HTTP"),
}
