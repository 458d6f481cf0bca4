"""Serve one counterparty over real mutual TLS on loopback, well or badly."""

import asyncio
import contextlib
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography import x509

from harness.lab import revocation
from harness.lab.ca import Identity, Pki
from harness.lab.faults.tls import CONFIGURATIONS, GOOD, TlsConfig
from harness.lab.mint import pem
from harness.lab.transport import OpenSslTls, Rude
from harness.lint.judge import HttpHead
from harness.wire.alerting import alerting

MAX_BODY: Final = 64 * 1024 * 1024
HTTP_REFUSAL: Final = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"

VERSIONS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_NO_EXTENDED_MASTER_SECRET: Final = 0x1
_ALLOW_CLIENT_RENEGOTIATION: Final = 0x100


@dataclass(frozen=True)
class Request:
    """One HTTP request as the counterparty sees it; header names are in lower case and keep their order."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client_certificate: bytes | None = None
    http_version: str = "1.1"
    resumed: bool = False
    """Whether the client continued an earlier TLS session, without looking at the certificate again."""

    def header(self, name: str, default: str = "") -> str:
        """Return the first header called `name` (any case)."""
        return next((value for key, value in self.headers if key == name.lower()), default)

    @property
    def head(self) -> HttpHead:
        """The head as the judges take it."""
        return HttpHead(f"{self.method} {self.path} HTTP/{self.http_version}", self.headers)


@dataclass(frozen=True)
class Reply:
    """What the counterparty answers, and how: late (`delay`), in drips (`chunk_delay`), or not at all (`abort`)."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    reason: str = ""
    delay: float = 0.0
    chunk_delay: float = 0.0
    abort: bool = False
    close: bool = False


Handler = Callable[[Request], Awaitable[Reply]]


@dataclass
class Served:
    """A running listener: where it can be reached, and which requests it has had."""

    identity: Identity
    tls: TlsConfig
    host: str = "127.0.0.1"
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    others: list["Served"] = field(default_factory=list)
    instead: dict[str, ssl.SSLContext | None] = field(default_factory=dict)
    """Per host name the context that answers in place of our own from the next connection on; None is a TLS alert."""

    @property
    def address(self) -> tuple[str, int]:
        """The first address."""
        return self.host, self.port

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Every address of this host, as DNS would give them."""
        return (self.address, *(other.address for other in self.others))


@contextlib.asynccontextmanager
async def serve(
    handler: Handler,
    identity: Identity,
    *,
    pki: Pki,
    client_anchors: Sequence[x509.Certificate] | None = None,
    tls: TlsConfig = GOOD,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Served]:
    """Serve `handler` with `identity` on a port of the operating system: no client certificate, no service.

    >>> async with serve(handler, pki.identity("counterparty"), pki=pki) as served:  # doctest: +SKIP
    ...     print(served.port)
    """
    served = Served(_worn(identity, tls.profile, pki), tls, host, port)
    async with contextlib.AsyncExitStack() as stack:
        await _open(served, handler, pki, client_anchors, stack)
        if tls.second:
            deviation = CONFIGURATIONS[tls.second]
            other = Served(_worn(identity, deviation.profile, pki), deviation, host)
            await _open(other, handler, pki, client_anchors, stack)
            served.others.append(other)
        yield served


def _worn(identity: Identity, profile: str, pki: Pki) -> Identity:
    spec = identity.spec
    return pki.issue(profile, oin=spec.oin, organisation=spec.organisation, hosts=spec.hosts) if profile else identity


async def _open(
    served: Served,
    handler: Handler,
    pki: Pki,
    client_anchors: Sequence[x509.Certificate] | None,
    stack: contextlib.AsyncExitStack,
) -> None:
    loop, tls = asyncio.get_running_loop(), served.tls
    application = web.Server(_answering(served, handler), access_log=None, lingering_time=0.0)
    factory: Callable[[], Any]
    if tls.behaviour == "plaintext":
        factory = application
    elif tls.behaviour in ("tls", "down"):
        anchors = (
            client_anchors if client_anchors is not None and tls.trusts == GOOD.trusts else pki.anchors(*tls.trusts)
        )
        if tls.needs_openssl:
            context = _openssl_context(served.identity, tls, anchors, pki)
            factory = lambda: OpenSslTls(context, application())  # noqa: E731 - one of four factories
        else:
            plain = _context(served.identity, tls, anchors, pki)
            if plain.sni_callback is None:
                plain.sni_callback = _dressing(served)
            factory = lambda: alerting(loop, application, plain)  # noqa: E731
    else:
        factory = lambda: Rude(tls.behaviour)  # noqa: E731
    listener = await loop.create_server(factory, served.host, served.port, backlog=1024)
    served.port = listener.sockets[0].getsockname()[1]
    if tls.behaviour == "down":
        # The port stays known but nobody answers: the kernel refuses.
        listener.close()
        return
    stack.push_async_callback(application.shutdown, 0.05)
    stack.callback(listener.close)


def _dressing(served: Served) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if name is None or name not in served.instead:
            return None
        context = served.instead[name]
        if context is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        connection.context = context
        return None

    return choose


def worn_by(identity: Identity, pki: Pki) -> ssl.SSLContext:
    """Return a context with another certificate, for `Served.instead`."""
    tls = replace(GOOD, client_certificate="optional")
    return _context(identity, tls, pki.anchors(*tls.trusts), pki)


def _answering(served: Served, handler: Handler) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen = await _read(request, served.tls.largest_record)
        if seen is None:
            return _gone(request)
        reply = await _reply(served, handler, seen)
        await asyncio.sleep(reply.delay + served.tls.delay)
        if reply.abort:
            return _gone(request)
        try:
            return await _send(request, reply, served.tls)
        except ConnectionResetError:
            # Who asked has hung up: a browser that was closed, a client that waited no longer.
            return _gone(request)

    return answer


async def _reply(served: Served, handler: Handler, seen: Request) -> Reply:
    if served.tls.client_certificate == "http" and seen.client_certificate is None:
        return Reply(400, (("content-type", "text/html"),), HTTP_REFUSAL)
    if len(seen.body) > MAX_BODY:
        return Reply(413)
    if seen.method == "HEAD":
        # A probe that looks at the line only: it is no message and reaches no counterparty.
        return Reply(405, (("allow", "POST"),))
    served.requests.append(seen)
    return await handler(seen)


async def _read(request: web.BaseRequest, largest: int) -> Request | None:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if largest and len(body) > largest:
            return None
        if len(body) > MAX_BODY:
            break
    transport = request.transport
    tls = transport.get_extra_info("ssl_object") if transport else None
    return Request(
        request.method,
        request.raw_path if hasattr(request, "raw_path") else request.path_qs,
        tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.raw_headers),
        bytes(body),
        tls.getpeercert(True) if tls else None,
        f"{request.version.major}.{request.version.minor}",
        bool(getattr(tls, "session_reused", False)),
    )


def _gone(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)


async def _send(request: web.BaseRequest, reply: Reply, tls: TlsConfig) -> web.StreamResponse:
    date = datetime.now(UTC) + timedelta(seconds=tls.clock)
    names = {name.lower() for name, _ in reply.headers}
    response = web.StreamResponse(status=reply.status, reason=reply.reason or None)
    for name, value in reply.headers:
        response.headers.add(name, value)
    if "date" not in names:
        response.headers["Date"] = format_datetime(date, usegmt=True)
    if "content-type" not in names:
        response.content_type = "application/octet-stream"
    if reply.close or tls.close:
        response.force_close()
    if "transfer-encoding" not in names and "content-length" not in names:
        response.content_length = len(reply.body)
    await response.prepare(request)
    if request.method != "HEAD":
        await _write(response, reply)
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, reply: Reply) -> None:
    if not reply.chunk_delay:
        await response.write(reply.body)
        return
    for start in range(0, len(reply.body), 64):
        await response.write(reply.body[start : start + 64])
        await asyncio.sleep(reply.chunk_delay)


def _context(identity: Identity, tls: TlsConfig, anchors: Iterable[x509.Certificate], pki: Pki) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _limit(context, tls)
    context.load_cert_chain(*_files(identity, tls, pki))
    context.load_verify_locations(cadata=pem(anchors).decode())
    context.verify_mode = {"ignored": ssl.CERT_NONE, "required": ssl.CERT_REQUIRED}.get(
        tls.client_certificate, ssl.CERT_OPTIONAL
    )
    if not tls.resumption:
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
    if tls.check_crl:
        _load_crls(context, pki)
    if tls.without_sni:
        _sni(context, _context(identity, replace(tls, without_sni=""), anchors, pki), pki.identity(tls.without_sni))
    if tls.refuse_sni:
        context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


def _limit(context: ssl.SSLContext, tls: TlsConfig) -> None:
    import warnings

    with warnings.catch_warnings():
        # TLS 1.0 and 1.1 are served on purpose, to see whether they are noticed.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = VERSIONS[tls.minimum]
        context.maximum_version = VERSIONS[tls.maximum]
    weak = tls.profile in ("rsa-1024", "sha1", "md5") or tls.curve
    context.set_ciphers(tls.ciphers + (":@SECLEVEL=0" if weak else ""))
    if tls.curve:
        context.set_ecdh_curve(tls.curve)
    if tls.renegotiation:
        context.options |= _ALLOW_CLIENT_RENEGOTIATION
    if not tls.extended_master_secret:
        context.options |= _NO_EXTENDED_MASTER_SECRET


def _sni(context: ssl.SSLContext, named: ssl.SSLContext, other: Identity) -> None:
    # Without a name the client gets another certificate; with a name the right one.
    context.load_cert_chain(other.cert_path, other.key_path)

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        if name:
            connection.context = named

    context.sni_callback = choose


def _load_crls(context: ssl.SSLContext, pki: Pki) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    lists = revocation.crls(pki).values()
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(b"".join(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in lists))
        file.flush()
        context.load_verify_locations(cafile=file.name)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _files(identity: Identity, tls: TlsConfig, pki: Pki) -> tuple[Path, Path]:
    if tls.chain == "complete":
        return identity.cert_path, identity.key_path
    data = pem([identity.certificate, *_chain(identity, tls.chain, pki)])
    path = identity.folder / f"served-{tls.chain}.pem"
    if not path.is_file() or path.read_bytes() != data:
        draft = path.with_suffix(f".{time.monotonic_ns()}")
        draft.write_bytes(data)
        draft.replace(path)
    return path, identity.key_path


def _chain(identity: Identity, chain: str, pki: Pki) -> list[x509.Certificate]:
    issuers = list(identity.chain)
    stranger = pki.authority("web-ca").certificate
    return {
        "leaf-only": [],
        "no-domain-ca": issuers[:1],
        "no-tsp-ca": issuers[1:],
        "wrong-order": issuers[::-1],
        "with-root": [*issuers, identity.anchor],
        "duplicate": [*issuers, *issuers[:1]],
        "with-stranger": [*issuers, stranger],
    }[chain]


def _openssl_context(identity: Identity, tls: TlsConfig, anchors: Iterable[x509.Certificate], pki: Pki) -> Any:
    from OpenSSL import SSL, crypto

    from harness.lab.dh import parameters

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version({"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[tls.minimum])
    context.set_max_proto_version({"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[tls.maximum])
    context.set_cipher_list(tls.ciphers.encode())
    context.use_certificate_chain_file(str(_files(identity, tls, pki)[0]))
    context.use_privatekey_file(str(identity.key_path))
    store = context.get_cert_store()
    assert store is not None
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    required = tls.client_certificate in ("required", "any")
    modes = (SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT) if required else SSL.VERIFY_PEER
    anyone = tls.client_certificate == "any"
    context.set_verify(modes, lambda *args: anyone or bool(args[-1]))
    context.set_session_id(b"lab")
    if tls.ca_names:
        context.load_client_ca(str(pki.bundle(*tls.ca_names)).encode())
    if tls.stapled:
        answer = revocation.ocsp_answer(pki, identity, tls.stapled)
        context.set_ocsp_server_callback(lambda *_: answer)
    if tls.dh_bits:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(parameters(tls.dh_bits))
            file.flush()
            context.load_tmp_dh(file.name.encode())
    return context
