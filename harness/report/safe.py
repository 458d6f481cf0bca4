"""Make text from outside harmless before it is printed: masked, its control marks visible, shortened."""

import dataclasses
import ipaddress
import re
from typing import Final

from harness.masking import Masker

MOST: Final = 600
_AHEAD: Final = 4096
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
_ADDRESS: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|(?<![\w:])(?:f[cde][0-9a-f]{2}:[0-9a-f:]+)", re.IGNORECASE
)
_INNER_NAME: Final = re.compile(r"(?i)\b(?:[a-z0-9-]+\.)+(?:local|lan|intern|internal|corp|home|localdomain)\b")


def visible(text: str) -> str:
    r"""Return `text` with control, direction and invisible marks written out as ⟨U+202E⟩.

    >>> visible("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _STEERING.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", text)


def is_internal(address: str) -> bool:
    """Whether an IP address belongs to an internal network; loopback tells nothing and stays."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (found.is_private and not found.is_loopback and not found.is_unspecified) or found.is_link_local


@dataclasses.dataclass
class Cleaner:
    """Cleans the words of one report; without `internal`, addresses and names inside the organisation go too."""

    internal: str = ""
    people: tuple[str, ...] = ()
    withheld: str = ""
    shortened: str = "… [{n}]"
    masker: Masker = dataclasses.field(default_factory=Masker)
    known: dict[str, str] = dataclasses.field(default_factory=dict)

    def __call__(self, text: str, most: int = MOST) -> str:
        """Return `text` fit to print, at most about `most` characters long."""
        if not text:
            return text
        if len(text) > most:
            return self._cleaned(text, most)
        if text not in self.known:
            self.known[text] = self._cleaned(text, most)
        return self.known[text]

    def _cleaned(self, text: str, most: int) -> str:
        whole = len(text)
        text = self.masker.text(text[: max(_AHEAD, most * 2)].encode("utf-8", "replace").decode())
        if self.internal:
            text = self._outside(text)
        if whole > most:
            text = text[:most] + self.shortened.format(n=whole)
        return visible(text).strip()

    def _outside(self, text: str) -> str:
        text = _ADDRESS.sub(lambda found: self.internal if is_internal(found[0]) else found[0], text)
        text = _INNER_NAME.sub(self.internal, text)
        for person in self.people:
            text = text.replace(person, f"[{self.withheld}]")
        return text
