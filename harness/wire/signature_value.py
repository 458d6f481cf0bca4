"""Compute and check the value of an XML signature: RSA with PKCS #1 v1.5, RSA-PSS and ECDSA."""

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_LATER: Final = "http://www.w3.org/2007/05/xmldsig-more#"

RSA_SHA1: Final = _DSIG + "rsa-sha1"
RSA_SHA256: Final = _MORE + "rsa-sha256"
PSS_SHA256: Final = _LATER + "sha256-rsa-MGF1"
ECDSA_SHA256: Final = _MORE + "ecdsa-sha256"

Sha2 = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_SHA2: Final[dict[str, type[Sha2]]] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
RSA: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    **{f"{_MORE}rsa-sha{size}": algorithm for size, algorithm in _SHA2.items()},
    RSA_SHA1: hashes.SHA1,
}
PSS: Final[dict[str, type[Sha2]]] = {f"{_LATER}sha{size}-rsa-MGF1": algorithm for size, algorithm in _SHA2.items()}
ECDSA: Final[dict[str, type[Sha2]]] = {f"{_MORE}ecdsa-sha{size}": algorithm for size, algorithm in _SHA2.items()}


def method_for(key: SigningKey, wanted: str) -> str:
    """Return `wanted`, or ECDSA with SHA-256 when an elliptic curve key cannot make a signature of that method."""
    return ECDSA_SHA256 if isinstance(key, ec.EllipticCurvePrivateKey) and wanted not in ECDSA else wanted


def sign(key: SigningKey, method: str, data: bytes) -> bytes:
    """Return the signature value over `data`: for ECDSA the numbers r and s beside each other (RFC 6931 §2.3.6)."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = decode_dss_signature(key.sign(data, ec.ECDSA(ECDSA[method]())))
        size = _size(key)
        return b"".join(number.to_bytes(size, "big") for number in numbers)
    if method in PSS:
        algorithm = PSS[method]()
        return key.sign(data, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
    return key.sign(data, padding.PKCS1v15(), RSA[method]())


def holds(key: object, method: str, value: bytes, data: bytes) -> bool | None:
    """Return whether `value` is of `key` over `data`; None when the method or kind of key is unknown."""
    try:
        if isinstance(key, rsa.RSAPublicKey) and method in PSS:
            algorithm = PSS[method]()
            key.verify(value, data, padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO), algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and method in RSA:
            key.verify(value, data, padding.PKCS1v15(), RSA[method]())
        elif isinstance(key, ec.EllipticCurvePublicKey) and method in ECDSA:
            if len(value) != 2 * _size(key):
                return False
            half = len(value) // 2
            numbers = (int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
            key.verify(encode_dss_signature(*numbers), data, ec.ECDSA(ECDSA[method]()))
        else:
            known = isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and method in {**RSA, **PSS, **ECDSA}
            return False if known else None
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm:
        return None
    return True


def _size(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> int:
    return (key.curve.key_size + 7) // 8
