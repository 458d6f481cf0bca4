"""Read public keys and signature algorithms, and check signatures, without refusing what is old or odd."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from harness.wire import der
from harness.wire.lazy import lazy

_KEYS: Final = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.2.840.10040.4.1": "DSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
CURVES: Final = {
    "1.2.840.10045.3.1.1": ("P-192", 192),
    "1.3.132.0.33": ("P-224", 224),
    "1.2.840.10045.3.1.7": ("P-256", 256),
    "1.3.132.0.34": ("P-384", 384),
    "1.3.132.0.35": ("P-521", 521),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
}
#: OID → (scheme, digest)
_ALGORITHMS: Final = {
    "1.2.840.113549.1.1.2": ("RSA", "md2"),
    "1.2.840.113549.1.1.3": ("RSA", "md4"),
    "1.2.840.113549.1.1.4": ("RSA", "md5"),
    "1.2.840.113549.1.1.5": ("RSA", "sha1"),
    "1.3.14.3.2.29": ("RSA", "sha1"),
    "1.2.840.113549.1.1.14": ("RSA", "sha224"),
    "1.2.840.113549.1.1.11": ("RSA", "sha256"),
    "1.2.840.113549.1.1.12": ("RSA", "sha384"),
    "1.2.840.113549.1.1.13": ("RSA", "sha512"),
    "2.16.840.1.101.3.4.3.13": ("RSA", "sha3-224"),
    "2.16.840.1.101.3.4.3.14": ("RSA", "sha3-256"),
    "2.16.840.1.101.3.4.3.15": ("RSA", "sha3-384"),
    "2.16.840.1.101.3.4.3.16": ("RSA", "sha3-512"),
    "1.2.840.10045.4.1": ("EC", "sha1"),
    "1.2.840.10045.4.3.1": ("EC", "sha224"),
    "1.2.840.10045.4.3.2": ("EC", "sha256"),
    "1.2.840.10045.4.3.3": ("EC", "sha384"),
    "1.2.840.10045.4.3.4": ("EC", "sha512"),
    "1.2.840.10040.4.3": ("DSA", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("DSA", "sha256"),
    "1.3.101.112": ("Ed25519", ""),
    "1.3.101.113": ("Ed448", ""),
}
#: The AlgorithmIdentifier of nearly every key, as DER has it.
_RSA_ENCRYPTION: Final = bytes.fromhex("300d06092a864886f70d0101010500")
_PSS: Final = "1.2.840.113549.1.1.10"
_DIGESTS: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_HASHES: Final = {
    "md5": hashes.MD5(),  # noqa: S303 - to describe what an old CA signed
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm: scheme (`RSA`, `PSS`, `EC` …), digest, and for PSS the mask digest and salt."""

    oid: str
    scheme: str = ""
    digest: str = ""
    mask_digest: str = ""
    salt: int = 0

    def __str__(self) -> str:
        if self.scheme == "PSS":
            return f"RSASSA-PSS {self.digest}, MGF1 {self.mask_digest}, salt {self.salt}"
        return f"{self.scheme} {self.digest}".strip() or self.oid


@lru_cache(maxsize=256)
def read_algorithm(encoded: bytes) -> Algorithm:
    """Return the AlgorithmIdentifier of a signature; an unknown one has its number only."""
    parts = der.inside(encoded, der.one(encoded), der.SEQUENCE, 1)
    number = der.read_oid(encoded, parts[0])
    if number == _PSS:
        return _pss(encoded, parts[1:])
    return Algorithm(number, *_ALGORITHMS.get(number, ("", "")))


def _pss(encoded: bytes, rest: list[der.Item]) -> Algorithm:
    digest, mask, salt = "sha1", "sha1", 20
    for field in der.inside(encoded, rest[0]) if rest and rest[0].tag == der.SEQUENCE else ():
        inner = der.one(encoded, field.body, field.end)
        if field.tag == 0xA0:
            digest = _digest(encoded, inner)
        elif field.tag == 0xA1:
            mask = _digest(encoded, der.inside(encoded, inner, der.SEQUENCE, 1)[-1])
        elif field.tag == 0xA2:
            salt = der.integer(encoded, inner)
    return Algorithm(_PSS, "PSS", digest, mask, salt)


def _digest(encoded: bytes, item: der.Item) -> str:
    number = der.read_oid(encoded, der.inside(encoded, item, der.SEQUENCE, 1)[0])
    return _DIGESTS.get(number, number)


class PublicKey:
    """A public key: what kind, how strong, and the numbers that rules look at."""

    def __init__(
        self, spki: bytes, kind: str, bits: int = 0, curve: str = "", modulus: int = 0, exponent: int = 0
    ) -> None:
        self.spki = spki
        self.kind = kind
        self.bits = bits
        self.curve = curve
        self.modulus = modulus
        self.exponent = exponent

    def __str__(self) -> str:
        return self.curve or (f"{self.kind} {self.bits}" if self.bits else self.kind)

    @property
    def is_rsa(self) -> bool:
        """Whether this is an RSA key, PSS-only keys included."""
        return self.kind.startswith("RSA")

    @lazy
    def usable(self) -> object | None:
        """The key as the cryptography library knows it, or None when it refuses the key."""
        try:
            return load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm):
            return None


def read_public_key(spki: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo; an unknown kind carries its number."""
    outer = der.one(spki)
    if spki.startswith(_RSA_ENCRYPTION, outer.body):
        return _rsa(spki, "RSA", der.bits(spki, der.items(spki, outer.body + len(_RSA_ENCRYPTION), outer.end)[0]))
    algorithm, value = der.inside(spki, outer, der.SEQUENCE, 2)[:2]
    parts = der.inside(spki, algorithm, der.SEQUENCE, 1)
    number = der.read_oid(spki, parts[0])
    kind = _KEYS.get(number, number)
    if kind.startswith("RSA"):
        return _rsa(spki, kind, der.bits(spki, value))
    if kind == "EC":
        named = len(parts) > 1 and parts[1].tag == der.OID
        curve = der.read_oid(spki, parts[1]) if named else "explicit"
        name, bits = CURVES.get(curve, (curve, 0))
        return PublicKey(spki, kind, bits, name)
    if kind == "DSA" and len(parts) > 1:
        prime = der.inside(spki, parts[1], der.SEQUENCE, 1)[0]
        return PublicKey(spki, kind, der.integer(spki, prime).bit_length())
    return PublicKey(spki, kind)


def _rsa(spki: bytes, kind: str, key: bytes) -> PublicKey:
    modulus, exponent = der.inside(key, der.one(key), der.SEQUENCE, 2)[:2]
    n, e = der.integer(key, modulus), der.integer(key, exponent)
    return PublicKey(spki, kind, n.bit_length(), modulus=n, exponent=e)


@dataclass(frozen=True, slots=True)
class Proof:
    """A challenge that a key elsewhere (on a token) signed with SHA-256: what shows that a certificate is of that key."""

    name: str
    scheme: str
    challenge: bytes
    signature: bytes

    def of(self, key: PublicKey) -> bool:
        """Whether `key` is the public half of the key that signed."""
        return signature_holds(key, Algorithm("", self.scheme, "sha256"), self.signature, self.challenge)


def read_proof(data: bytes) -> Proof | None:
    """Return the proof that `data` is (JSON), or None for anything else."""
    try:
        said = json.loads(data)
        return Proof(
            str(said["pkcs11"]),
            str(said["scheme"]),
            bytes.fromhex(said["challenge"]),
            bytes.fromhex(said["signature"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def signature_holds(key: PublicKey, algorithm: Algorithm, signature: bytes, message: bytes) -> bool:
    """Whether `key` made `signature` over `message`; what the library cannot check does not hold."""
    digest = _HASHES.get(algorithm.digest)
    try:
        match key.usable:
            case rsa.RSAPublicKey() as usable if algorithm.scheme == "RSA" and digest:
                usable.verify(signature, message, padding.PKCS1v15(), digest)
            case rsa.RSAPublicKey() as usable if algorithm.scheme == "PSS" and digest:
                mask = padding.MGF1(_HASHES[algorithm.mask_digest])
                usable.verify(signature, message, padding.PSS(mask, algorithm.salt), digest)
            case ec.EllipticCurvePublicKey() as usable if algorithm.scheme == "EC" and digest:
                usable.verify(signature, message, ec.ECDSA(digest))
            case dsa.DSAPublicKey() as usable if algorithm.scheme == "DSA" and digest:
                usable.verify(signature, message, digest)
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() as usable if algorithm.scheme == key.kind:
                usable.verify(signature, message)
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError):
        return False
    return True
