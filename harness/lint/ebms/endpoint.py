"""Say what is wrong with the URL of an ebMS endpoint."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.wire import hostname


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of an endpoint URL that rules ask for; `port` is None when absent, -1 when it is no number."""

    text: str
    scheme: str
    host: str
    port: int | None
    blank: bool
    userinfo: bool
    fragment: bool
    query: bool

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP address, in any notation that systems accept."""
        return hostname.address(self.host) is not None or bool(re.fullmatch(r"[0-9.]+|0x[0-9a-f]+", self.host))

    @property
    def public(self) -> bool:
        """Whether the host has the form of a public host name."""
        host = hostname.ascii_host(self.host)
        return bool(host) and not self.is_ip and hostname.looks_like_host(host) and not hostname.is_private_name(host)


def read(text: str) -> Endpoint:
    """Return the parts of `text`; what cannot be read is an empty host."""
    stripped = "".join(text.split())
    try:
        parts = urlsplit(stripped)
        host = (parts.hostname or "").rstrip(".")
        user = "@" in parts.netloc
        fragment, query, scheme = "#" in stripped, bool(parts.query), parts.scheme
    except ValueError:
        return Endpoint(text, stripped.partition(":")[0].lower(), "", None, _blank(text), False, "#" in stripped, False)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return Endpoint(text, scheme, host, port, _blank(text), user, fragment, query)


def _blank(text: str) -> bool:
    return re.search(r"\s", text) is not None


def is_private_address(host: str) -> bool:
    """Whether `host` is an IP address of a private network."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return False
