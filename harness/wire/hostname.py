"""Match a host with the names in a certificate, as RFC 9525 says; the common name is never consulted."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?[.])*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII
)
_ADDRESS = re.compile(r"\[?(?:[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]?")
_LOCAL: Final = ("local", "localhost", "internal", "localdomain", "lan", "intranet", "corp", "home", "private")


def host_of(endpoint: str) -> str:
    """Return the host of a URL, of `host:port` or of a bare host, in lower case without a final dot.

    >>> host_of("https://ebms.Voorbeeld.nl:8443/msh")
    'ebms.voorbeeld.nl'
    """
    try:
        host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
    except ValueError:
        return ""
    return host.rstrip(".").lower()


def ascii_host(host: str) -> str:
    """Return the A-label form of `host` in lower case, or an empty string when it has none."""
    host = host.removesuffix(".").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def matches(pattern: str, host: str) -> bool:
    """Whether the dNSName `pattern` covers `host`: whole labels, a wildcard only as the complete first label.

    >>> matches("*.voorbeeld.nl", "ebms.voorbeeld.nl"), matches("*.voorbeeld.nl", "a.b.voorbeeld.nl")
    (True, False)
    """
    pattern = pattern.lower().removesuffix(".")
    host = ascii_host(host)
    if not host or not pattern or not pattern.isascii():
        return False
    if pattern == host:
        return "*" not in host
    first, _, rest = pattern.partition(".")
    label, _, parent = host.partition(".")
    return first == "*" and "*" not in rest and "." in rest and bool(label) and rest == parent


def address(host: str) -> bytes | None:
    """Return the packed IP address that `host` is, or None."""
    if not _ADDRESS.fullmatch(host):
        return None
    try:
        return ipaddress.ip_address(host.strip("[]")).packed
    except ValueError:
        return None


def covered(host: str, dns_names: Iterable[str], addresses: Iterable[bytes] = ()) -> bool:
    """Whether the names of a certificate cover `host`; an IP literal only matches an iPAddress."""
    packed = address(host)
    if packed is not None:
        return packed in set(addresses)
    return any(matches(pattern, host) for pattern in dns_names)


def looks_like_host(name: str) -> bool:
    """Whether a common name has the form of a public host name."""
    labels = name.lower().removesuffix(".").split(".")
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def is_private_name(name: str) -> bool:
    """Whether `name` cannot be a public host name: one label, or an ending for private use."""
    labels = name.lower().removesuffix(".").removeprefix("*.").split(".")
    return len(labels) == 1 or labels[-1] in _LOCAL or labels[-2:] == ["home", "arpa"]


def syntax_fault(name: str) -> str:
    """Return what is wrong with a dNSName: empty, url, blank, non-ascii, underscore, long, wildcard or label; or nothing."""
    if _PLAIN.fullmatch(name) and len(name) <= 253:
        return ""
    if not name:
        return "empty"
    if re.search(r"[/:@?#\[\]]", name):
        return "url"
    if re.search(r"[\s\x00-\x1f]", name):
        return "blank"
    if not name.isascii():
        return "non-ascii"
    labels = name.lower().split(".")
    if labels[0] == "*":
        labels = labels[1:]
    if any("*" in label for label in labels):
        return "wildcard"
    if len(name) > 253 or any(len(label) > 63 for label in labels):
        return "long"
    if not labels or not all(_LABEL.fullmatch(label.replace("_", "x")) for label in labels):
        return "label"
    return "underscore" if "_" in name else ""
