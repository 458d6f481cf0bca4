"""Serve TLS to an asyncio protocol so that a refused client hears why: asyncio itself drops the alert."""

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Any, Final

LINGER: Final = 0.3
"""How long a refused connection stays half open, in seconds, so that the alert arrives before the hang-up."""


class AlertingTls(sslproto.SSLProtocol):
    """asyncio's own TLS, but a failed handshake still sends its alert, as every real server does.

    asyncio drops the alert with the connection; the peer then sees a hang-up and cannot know why it was refused.
    """

    def _fatal_error(self, exc: BaseException, message: str = "") -> None:
        transport: Any = self._transport
        if transport is None or transport.is_closing() or not isinstance(exc, ssl.SSLError):
            super()._fatal_error(exc, message)
            return
        self._process_outgoing()  # type: ignore[attr-defined]
        # Closing with unread bytes makes the kernel send RST, which overtakes the alert: linger, as nginx does.
        if transport.can_write_eof():
            transport.write_eof()
        self._loop.call_later(LINGER, transport.abort)


def alerting(loop: asyncio.AbstractEventLoop, make: Callable[[], asyncio.Protocol], context: ssl.SSLContext) -> Any:
    """Return a protocol that speaks server-side TLS and hands the plain bytes to `make()`."""
    no_waiter: Any = None
    return AlertingTls(loop, make(), context, no_waiter, server_side=True, ssl_shutdown_timeout=0.5)
