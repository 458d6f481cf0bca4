"""Choose, from the CRLs that a connection has, those of the CAs in one chain."""

from collections.abc import Iterable

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.judge import Raw
from harness.wire.crl import read_crl
from harness.wire.der import DerBroken
from harness.wire.survey import readable


def lists_for(link: Link, chain: Iterable[bytes]) -> tuple[Raw, ...]:
    """Return the CRLs (documents called `crl…`) whose issuer stands in `chain` (DER) as a subject or an issuer."""
    certificates = readable(chain)
    wanted = {name.key for one in certificates for name in (one.subject, one.issuer)}
    found = []
    for name, data in link.documents.items():
        if name.startswith("crl") and _issuer(data) in wanted:
            found.append(Raw(data, name))
    return tuple(found)


def _issuer(data: bytes) -> object:
    try:
        found = read_crl(data)
    except (KetentestError, DerBroken, ValueError):
        return None
    return found.issuer.key if found else None
