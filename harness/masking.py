"""Take from bytes what must never reach a disk: BSNs, private keys, passwords, artifacts."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

_NINE: Final = re.compile(rb"(?<![0-9])[0-9]{9}(?![0-9])")
_UUID: Final = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_DIGEST: Final = re.compile(rb"(?<![0-9A-Za-z])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![0-9A-Za-z])")
_KEY: Final = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|\Z)", re.DOTALL
)
_PASSWORD: Final = re.compile(
    rb"(<(?:[\w.-]+:)?(?:password|wachtwoord|passwordtext|pincode)\b[^>]*>)[^<]+(<)", re.IGNORECASE
)
_ARTIFACT: Final = re.compile(rb"(<(?:[\w.-]+:)?Artifact\b[^>]*>)[^<]+(<)|(\bSAMLart=)[^&\s\"'<]+")
_AUTHORIZATION: Final = re.compile(rb"(?im)^((?:proxy-)?authorization|cookie|set-cookie):.*$")


def elfproef(digits: bytes) -> bool:
    """Whether nine digits pass the 11-proef of the BSN: weights 9…2 and −1, sum divisible by eleven."""
    values = [d - 48 for d in digits]
    return any(values) and (sum(w * v for w, v in zip(range(9, 1, -1), values, strict=False)) - values[8]) % 11 == 0


def possible_bsns(data: bytes) -> set[str]:
    """Return the nine-digit numbers that pass the 11-proef; chance digits inside a UUID are none.

    >>> possible_bsns(b"<bsn>999990019</bsn> 3f0a999990019-1")
    {'999990019'}
    >>> possible_bsns(b"urn:uuid:6f1d9c52-8a8b-4c5e-9d0e-a999990019bc")
    set()
    """
    return {digits.decode() for digits in _NINE.findall(_UUID.sub(b"", data)) if elfproef(digits)}


@dataclass
class Masker:
    """Masks bytes; one BSN keeps one number for the whole run, so that messages can still be joined.

    >>> Masker().mask(b"<bsn>999990019</bsn>")
    b'<bsn>[BSN-1]</bsn>'
    """

    known: tuple[str, ...] = ()
    numbers: dict[bytes, int] = field(default_factory=dict)
    count: int = 0

    def mask(self, data: bytes) -> bytes:
        """Return `data` with every BSN, key, password and artifact replaced. Masking twice changes nothing."""
        data = _KEY.sub(self._replace(b"[PRIVATE KEY]"), data)
        data = _PASSWORD.sub(self._wrapped, data)
        data = _ARTIFACT.sub(self._artifact, data)
        data = _AUTHORIZATION.sub(self._header, data)
        for bsn in self.known:
            for form in encodings(bsn):
                data = data.replace(form, self._number(bsn.encode())) if form in data else data
        return self._outside_digests(data)

    def text(self, words: str) -> str:
        """Return a sentence masked as bytes are."""
        return self.mask(words.encode()).decode("utf-8", "replace")

    def _number(self, bsn: bytes) -> bytes:
        self.count += 1
        return b"[BSN-%d]" % self.numbers.setdefault(bsn, len(self.numbers) + 1)

    def _outside_digests(self, data: bytes) -> bytes:
        """Mask nine digits, but for those inside a digest: a changed digest proves nothing any more."""
        parts, done = [], 0
        for digest in _DIGEST.finditer(data):
            if not digest[0].isdigit():
                parts += [_NINE.sub(self._nine, data[done : digest.start()]), digest[0]]
                done = digest.end()
        return b"".join([*parts, _NINE.sub(self._nine, data[done:])])

    def _nine(self, match: re.Match[bytes]) -> bytes:
        return self._number(match[0]) if elfproef(match[0]) else match[0]

    def _replace(self, mark: bytes) -> "_Mark":
        return _Mark(self, mark)

    def _wrapped(self, match: re.Match[bytes]) -> bytes:
        self.count += 1
        return match[1] + b"[***]" + match[2]

    def _artifact(self, match: re.Match[bytes]) -> bytes:
        self.count += 1
        return match[3] + b"[***]" if match[3] else match[1] + b"[***]" + match[2]

    def _header(self, match: re.Match[bytes]) -> bytes:
        return match[1] + b": [***]"


class _Mark:
    def __init__(self, masker: Masker, mark: bytes) -> None:
        self.masker, self.mark = masker, mark

    def __call__(self, match: re.Match[bytes]) -> bytes:
        self.masker.count += 1
        return self.mark


def encodings(bsn: str) -> Iterable[bytes]:
    """Yield the forms in which a BSN can stand in a message: base64 at each offset, UTF-16, URL and entities."""
    raw = bsn.encode()
    yield "".join(f"&#{d};" for d in raw).encode()
    yield "".join(f"&#x{d:x};" for d in raw).encode()
    yield "".join(f"&#x{d:X};" for d in raw).encode()
    yield "".join(f"%{d:02x}" for d in raw).encode()
    yield quote(bsn).encode()
    yield bsn.encode("utf-16-le")
    yield bsn.encode("utf-16-be")
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + raw)
        start = (0, 2, 3)[lead]
        whole = (lead + len(raw)) // 3 * 4
        yield coded[start:whole]
