"""Read a certificate revocation list: who made it, how long it holds, what it covers and who is on it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from harness.wire import der
from harness.wire.der import DerBroken
from harness.wire.distinguished import Name
from harness.wire.extensions import AKI, AuthorityKey, Extensions, read_authority_key
from harness.wire.keys import Algorithm, read_algorithm, signature_holds
from harness.wire.lazy import lazy
from harness.wire.x509 import Certificate, moment

CRL_NUMBER: Final = "2.5.29.20"
DELTA: Final = "2.5.29.27"
ISSUING_POINT: Final = "2.5.29.28"
_KNOWN_CRITICAL: Final = {DELTA, ISSUING_POINT}


@dataclass(frozen=True, slots=True)
class Revoked:
    """One entry of a CRL: when, and why (`keyCompromise`, `certificateHold` …)."""

    on: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a CRL is about, as its issuingDistributionPoint says."""

    only_users: bool = False
    only_authorities: bool = False
    only_attributes: bool = False
    indirect: bool = False
    some_reasons: bool = False


class Crl:
    """One CRL; raises DerBroken when the outline cannot be read."""

    def __init__(self, data: bytes) -> None:
        self.der = data
        parts = der.inside(data, der.one(data), der.SEQUENCE)
        if [p.tag for p in parts] != [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
            raise DerBroken("CRL")
        fields = der.inside(data, parts[0])
        if fields and fields[0].tag == der.INTEGER:
            fields = fields[1:]
        if len(fields) < 3:
            raise DerBroken("CRL")
        self._outer = parts[1]
        self.issuer = Name(der.raw(data, fields[1]))
        self.this_update = moment(fields[2].tag, der.content(data, fields[2]))
        rest = fields[3:]
        self.next_update: datetime | None = None
        if rest and rest[0].tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
            self.next_update = moment(rest[0].tag, der.content(data, rest[0]))
            rest = rest[1:]
        wrapped = next((f for f in rest if f.tag == 0xA0), None)
        self.extensions = Extensions(data, der.one(data, wrapped.body, wrapped.end) if wrapped else None)
        self.tbs = der.raw(data, parts[0])
        self.signature = der.bits(data, parts[2])
        _ = self.issuer.attributes, self.algorithm

    @lazy
    def algorithm(self) -> Algorithm:
        """The algorithm of the signature."""
        return read_algorithm(der.raw(self.der, self._outer))

    @lazy
    def aki(self) -> AuthorityKey | None:
        """Whose key signed."""
        return self.extensions.decode(AKI, read_authority_key)

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether the key of `issuer` made the signature."""
        return signature_holds(issuer.key, self.algorithm, self.signature, self.tbs)

    @property
    def unknown_critical(self) -> list[str]:
        """The critical extensions that this reader does not understand."""
        return [e.oid for e in self.extensions.all if e.critical and e.oid not in _KNOWN_CRITICAL]

    @lazy
    def scope(self) -> Scope:
        """What the CRL is about."""
        return self.extensions.decode(ISSUING_POINT, _scope) or Scope()

    @property
    def is_delta(self) -> bool:
        """Whether this list only holds changes."""
        return DELTA in self.extensions.by_oid

    @lazy
    def _library(self) -> x509.CertificateRevocationList:
        return x509.load_der_x509_crl(self.der)

    def find(self, serial: int) -> Revoked | None:
        """Return the entry of this serial number, or None; raises DerBroken when the entries cannot be read."""
        try:
            entry = self._library.get_revoked_certificate_by_serial_number(serial)
            if entry is None:
                return None
            reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            reason = ""
        except (ValueError, TypeError) as wrong:
            raise DerBroken("CRL") from wrong
        assert entry is not None
        return Revoked(entry.revocation_date_utc.astimezone(UTC), str(reason))


def _scope(value: bytes) -> Scope:
    names = {1: "only_users", 2: "only_authorities", 4: "indirect", 5: "only_attributes"}
    said: dict[str, bool] = {}
    for field in der.inside(value, der.one(value), der.SEQUENCE):
        number = field.tag & 0x1F
        if number == 3:
            said["some_reasons"] = True
        elif number in names:
            said[names[number]] = value[field.body : field.end] not in {b"", b"\0"}
    return Scope(**said)


def read_crl(data: bytes) -> Crl | None:
    """Return the CRL in `data`, or None when it cannot be read."""
    try:
        return Crl(data)
    except DerBroken:
        return None
