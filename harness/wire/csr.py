"""Read a certificate request (PKCS#10): subject, key and the extensions that are asked for."""

from typing import Final

from harness.wire import der
from harness.wire.der import DerBroken
from harness.wire.distinguished import Name
from harness.wire.extensions import Extensions
from harness.wire.keys import Algorithm, read_algorithm, signature_holds
from harness.wire.lazy import lazy
from harness.wire.x509 import Described

EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"


class Request(Described):
    """One certificate request; raises DerBroken when the outline cannot be read."""

    def __init__(self, data: bytes) -> None:
        self.der = data
        parts = der.inside(data, der.one(data), der.SEQUENCE)
        if [p.tag for p in parts] != [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
            raise DerBroken("certificate request")
        fields = der.inside(data, parts[0])
        if len(fields) < 3:
            raise DerBroken("certificate request")
        self._outer = parts[1]
        self.subject = Name(der.raw(data, fields[1]))
        self.spki = der.raw(data, fields[2])
        self.tbs = der.raw(data, parts[0])
        self.signature = der.bits(data, parts[2])
        attributes = next((f for f in fields[3:] if f.tag == 0xA0), None)
        self.extensions = Extensions(data, self._asked(attributes))
        _ = self.subject.attributes, self.key, self.algorithm

    def _asked(self, attributes: der.Item | None) -> der.Item | None:
        for one in der.inside(self.der, attributes) if attributes else ():
            kind, values = der.inside(self.der, one, der.SEQUENCE, 2)[:2]
            if der.read_oid(self.der, kind) == EXTENSION_REQUEST:
                return der.one(self.der, values.body, values.end)
        return None

    @lazy
    def algorithm(self) -> Algorithm:
        """The algorithm of the signature."""
        return read_algorithm(der.raw(self.der, self._outer))

    @lazy
    def self_signed(self) -> bool:
        """Whether the key in the request made its signature: the proof that its owner holds the private key."""
        return signature_holds(self.key, self.algorithm, self.signature, self.tbs)
