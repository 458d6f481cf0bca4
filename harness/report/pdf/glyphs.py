"""Keep the PDF to the marks that typst's own fonts can draw; what they cannot is written out, never left blank."""

import re
import unicodedata
from typing import Any, Final

_DRAWN: Final = (
    " -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff"
    "\u1e00-\u1eff\u2010-\u2027\u202f-\u205e\u2070\u2071\u2074-\u208e\u20a0-\u20bf\u2100-\u214f\u2190-\u23ff"
    "\u25a0-\u25ff\u2713\u2717\u27e8\u27e9\ufb00-\ufb06\n"
)
_MISSING: Final = re.compile(f"[^{_DRAWN}]")
LONGEST: Final = 24
"""From this length on, a word may be broken: a digest, a URL, a URN."""
PIECE: Final = 8
_LONG: Final = re.compile(rf"\S{{{LONGEST},}}")
_WORD: Final = re.compile(r"[(‘]?[^\W\d_]{1,45}[)’.,;:]*")


def drawable(text: str) -> str:
    """Return `text` in marks that the fonts have; another mark is named by its code.

    >>> drawable("漢 e\u0301")
    '⟨U+6F22⟩ é'
    """
    if text.isascii() and text.isprintable():
        return text
    return _MISSING.sub(lambda mark: f"⟨U+{ord(mark[0]):04X}⟩", unicodedata.normalize("NFC", text))


def pieces(text: str) -> Any:
    """Return `text`, or where it has long words the parts between which a line may break; joined they are the text.

    A long word of letters alone is Dutch and breaks at a syllable (`{"h": …}`); a digest, URL or URN breaks anywhere.

    >>> pieces("kort"), pieces("het berichtverwerkingsproces")
    ('kort', {'parts': ['het ', {'h': 'berichtverwerkingsproces'}]})
    """
    text = drawable(text)
    if not _LONG.search(text):
        return text
    parts: list[Any] = []
    end = 0
    for word in _LONG.finditer(text):
        parts += [text[end : word.start()]] if word.start() > end else []
        parts += [{"h": word[0]}] if _WORD.fullmatch(word[0]) else _cut(word[0])
        end = word.end()
    return {"parts": [*parts, text[end:]] if end < len(text) else parts}


def _cut(word: str) -> list[str]:
    return [word[n : n + PIECE] for n in range(0, len(word), PIECE)]
