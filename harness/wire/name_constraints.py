"""Tell which names of a certificate the CAs above it do not allow (name constraints, RFC 5280 4.2.1.10)."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from harness.wire import der
from harness.wire.der import DerBroken, Item
from harness.wire.distinguished import Name
from harness.wire.extensions import NAME_CONSTRAINTS, GeneralName, general_name

if TYPE_CHECKING:
    from harness.wire.x509 import Certificate

EMAIL: Final = "1.2.840.113549.1.9.1"
_PERMITTED, _EXCLUDED = 0xA0, 0xA1
_IP: Final = 7


@dataclass(frozen=True, slots=True)
class Constraints:
    """The subtrees in which the names of everything below a CA must and must not lie."""

    permitted: tuple[GeneralName, ...] = ()
    excluded: tuple[GeneralName, ...] = ()

    def forbids(self, name: GeneralName) -> bool:
        """Whether a certificate below may not carry `name`."""
        if any(_within(name, tree) or _reaches(name, tree) for tree in self.excluded if tree.kind == name.kind):
            return True
        trees = [tree for tree in self.permitted if tree.kind == name.kind]
        return bool(trees) and not any(_within(name, tree) for tree in trees)


@lru_cache(maxsize=64)
def read_constraints(value: bytes) -> Constraints:
    """Return the constraints; raises DerBroken when they are empty or no constraints."""
    parts = der.inside(value, der.one(value), der.SEQUENCE, 1)
    by_tag = {part.tag: part for part in parts}
    if len(by_tag) != len(parts) or by_tag.keys() - {_PERMITTED, _EXCLUDED}:
        raise DerBroken("name constraints")
    return Constraints(_trees(value, by_tag.get(_PERMITTED)), _trees(value, by_tag.get(_EXCLUDED)))


def _trees(value: bytes, part: Item | None) -> tuple[GeneralName, ...]:
    if part is None:
        return ()
    trees = (der.inside(value, tree, der.SEQUENCE, 1)[0] for tree in der.inside(value, part, least=1))
    return tuple(_tree(value, item) for item in trees)


def _tree(value: bytes, item: Item) -> GeneralName:
    octets = der.content(value, item)
    if item.tag & 0x1F == _IP:
        return GeneralName("ip", octets, str(_network(octets)))
    return general_name(value, item)


def _network(octets: bytes) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    half = len(octets) // 2
    mask = f"{int.from_bytes(octets[half:], 'big'):0{8 * half}b}"
    if len(octets) not in {8, 32} or "01" in mask:
        raise DerBroken("address and mask")
    return ipaddress.ip_network((octets[:half], mask.count("1")), strict=False)


def _within(name: GeneralName, tree: GeneralName) -> bool:
    if name.kind == "dns":
        return _host_within(name.text, tree.text.removeprefix("."))
    if name.kind == "email":
        return _mailbox_within(name.text, tree.text)
    if name.kind == "uri":
        return _uri_within(name.text, tree.text)
    if name.kind == "ip":
        return _address_within(name.value, tree.value)
    if name.kind == "dir":
        return _name_within(Name(name.value), Name(tree.value))
    return name.value == tree.value


def _host_within(host: str, tree: str) -> bool:
    host, tree = host.lower().rstrip("."), tree.lower().rstrip(".")
    return tree in {"", host} or host.endswith(f".{tree}")


def _reaches(name: GeneralName, tree: GeneralName) -> bool:
    """Whether the wildcard `name` may stand for a host in `tree`."""
    return name.kind == "dns" and name.text.startswith("*.") and tree.text.lower().endswith(name.text[1:].lower())


def _mailbox_within(mailbox: str, tree: str) -> bool:
    host = mailbox.rpartition("@")[2].lower()
    if "@" in tree:
        local, _, domain = tree.rpartition("@")
        return mailbox.rpartition("@")[0] == local and host == domain.lower()
    return host.endswith(tree.lower()) if tree.startswith(".") else host == tree.lower()


def _uri_within(uri: str, tree: str) -> bool:
    from urllib.parse import urlsplit

    try:
        host = (urlsplit(uri).hostname or "").lower()
    except ValueError:
        return False
    return host.endswith(tree.lower()) if tree.startswith(".") else host == tree.lower()


def _address_within(address: bytes, tree: bytes) -> bool:
    return len(address) * 2 == len(tree) and ipaddress.ip_address(address) in _network(tree)


def _name_within(name: Name, tree: Name) -> bool:
    """Whether `name` begins with every RDN of `tree`."""
    wanted, found = _rdns(tree), _rdns(name)
    return found[: len(wanted)] == wanted


def _rdns(name: Name) -> list[frozenset[tuple[str, str]]]:
    rdns: dict[int, set[tuple[str, str]]] = {}
    for attribute in name.attributes:
        rdns.setdefault(attribute.rdn, set()).add((attribute.oid, " ".join(attribute.value.casefold().split())))
    return [frozenset(rdns[number]) for number in sorted(rdns)]


def _names(certificate: "Certificate") -> Iterator[GeneralName]:
    """Yield every name that a constraint is about: subjectAltName, the subject, and e-mail addresses inside it."""
    yield from certificate.names
    if certificate.subject.attributes:
        yield GeneralName("dir", certificate.subject.der, str(certificate.subject))
    if not any(name.kind == "email" for name in certificate.names):
        for attribute in certificate.subject.all(EMAIL):
            yield GeneralName("email", attribute.value.encode(), attribute.value)


def forbidden(path: Sequence["Certificate"]) -> list[tuple["Certificate", "Certificate", str]]:
    """Return (certificate, CA, name) for every name in `path` (leaf first) that a CA above it does not allow."""
    if not any(NAME_CONSTRAINTS in certificate.extensions.by_oid for certificate in path[1:]):
        return []
    found = []
    for height, authority in enumerate(path[1:], 1):
        constraints = authority.extensions.decode(NAME_CONSTRAINTS, read_constraints)
        if constraints is None:
            continue
        for place, below in enumerate(path[:height]):
            # A CA may issue a new certificate to itself: such a step is exempt, the leaf never is.
            if place and below.self_issued:
                continue
            found += [(below, authority, name.text) for name in _names(below) if constraints.forbids(name)]
    return found
