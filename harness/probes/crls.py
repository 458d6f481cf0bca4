"""Choose, from the CRLs and OCSP answers at hand, those about one chain."""

from collections.abc import Iterable
from functools import lru_cache

from cryptography.x509 import ocsp

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.judge import Raw
from harness.wire import certfile
from harness.wire.crl import read_crl
from harness.wire.survey import readable


def lists_for(link: Link, chain: Iterable[bytes]) -> tuple[Raw, ...]:
    """Return what is about `chain` among the documents called `crl…`: of the folder that the scenario names, or the lab."""
    return fitting((Raw(data, name) for name, data in link.documents.items() if name.startswith("crl")), chain)


def fitting(files: Iterable[Raw], chain: Iterable[bytes]) -> tuple[Raw, ...]:
    """Return the CRLs of the CAs in `chain` (DER) and the OCSP answers about its certificates."""
    certificates = readable(chain)
    issuers = {name.key for one in certificates for name in (one.subject, one.issuer)}
    serials = {one.serial for one in certificates}
    return tuple(raw for raw in files if _fits(raw.data, issuers, serials))


def _fits(data: bytes, issuers: set[tuple[tuple[str, str], ...]], serials: set[int]) -> bool:
    lists, answers = _contents(data)
    return bool(issuers & lists or serials & answers)


@lru_cache(maxsize=64)
def _contents(data: bytes) -> tuple[frozenset[tuple[tuple[str, str], ...]], frozenset[int]]:
    """Return the issuers of the CRLs in a file, and the serials that its OCSP answers are about."""
    try:
        found = certfile.opened(data)
        lists = [read_crl(one) for one in found.crls]
        issuers = frozenset(one.issuer.key for one in lists if one)
        return issuers, frozenset(serial for one in found.ocsp for serial in _serials(one))
    except (KetentestError, ValueError, IndexError):
        return frozenset(), frozenset()


def _serials(data: bytes) -> list[int]:
    try:
        return [single.serial_number for single in ocsp.load_der_ocsp_response(data).responses]
    except ValueError:
        return []
