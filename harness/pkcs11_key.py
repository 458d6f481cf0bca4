"""Let a key on a PKCS#11 token prove itself: it signs a challenge, and the certificate beside it verifies that (DKC 7)."""

import json
import os
from typing import Any
from urllib.parse import parse_qsl, unquote

from harness.errors import DocumentUnreadable, KetentestError
from harness.lint.judge import Raw

SCHEME = "pkcs11:"


def prove(uri: str) -> Raw:
    """Return a companion with a challenge and its signature by the key at `uri`; the key itself stays on the token.

    `pkcs11:token=NAME;object=LABEL?module-path=/path/module.so&pin-source=env:NAME` (RFC 7512; the PIN by reference only).
    """
    said = _said(uri)
    challenge = os.urandom(32)
    try:
        signature, scheme = _sign(said, challenge)
    except KetentestError:
        raise
    except ImportError:
        raise DocumentUnreadable(
            "voor een sleutel op een token is python-pkcs11 nodig (pip install python-pkcs11)",
            "a key on a token needs python-pkcs11 (pip install python-pkcs11)",
        ) from None
    except Exception as wrong:  # noqa: BLE001 - each module has errors of its own; the user needs one sentence
        raise DocumentUnreadable(
            f"de PKCS#11-sleutel is niet te gebruiken ({type(wrong).__name__}); controleer module, token, object en pin-source",
            f"the PKCS#11 key cannot be used ({type(wrong).__name__}); check module, token, object and pin-source",
        ) from None
    proof = {"pkcs11": said["object"], "scheme": scheme, "challenge": challenge.hex(), "signature": signature.hex()}
    return Raw(json.dumps(proof).encode(), f"{SCHEME}object={said['object']}")


def _said(uri: str) -> dict[str, str]:
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    pairs = (part.partition("=") for part in path.split(";"))
    said = {key: unquote(value) for key, _, value in pairs} | dict(parse_qsl(query))
    if not {"object", "module-path"} <= said.keys():
        raise DocumentUnreadable(
            "schrijf een sleutel op een token als pkcs11:token=NAAM;object=LABEL?module-path=/pad/module.so&pin-source=env:NAAM",
            "write a key on a token as pkcs11:token=NAME;object=LABEL?module-path=/path/module.so&pin-source=env:NAME",
        )
    return said


def _session(token: Any, pin: str | None) -> Any:
    """Open a session; PKCS#11 logs a whole process in at once, so somebody else here may have done it."""
    import pkcs11

    try:
        return token.open(user_pin=pin)
    except pkcs11.exceptions.UserAlreadyLoggedIn:
        return token.open()


def _sign(said: dict[str, str], challenge: bytes) -> tuple[bytes, str]:
    import pkcs11
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    from harness.check import secret

    token = _token(pkcs11.lib(said["module-path"]), said.get("token", ""))
    pin = secret(said["pin-source"]) if "pin-source" in said else None
    with _session(token, pin) as session:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=said["object"])
        if key.key_type is pkcs11.KeyType.RSA:
            return key.sign(challenge, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS), "RSA"
        # Not every module hashes for ECDSA, so the digest is made here.
        import hashlib

        pair = key.sign(hashlib.sha256(challenge).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        half = len(pair) // 2
        return encode_dss_signature(int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big")), "EC"


def _token(module: Any, label: str) -> Any:
    return module.get_token(token_label=label) if label else next(iter(module.get_tokens()))
