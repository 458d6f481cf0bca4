"""The colours and shapes of the results: each is told by word, shape and colour, so that none has to be seen alone."""

from typing import Final, NamedTuple


class Tone(NamedTuple):
    """The ink of a result (text and shape) and the wash behind it."""

    ink: str
    wash: str


PAPER: Final = "#ffffff"
INK: Final = "#1b1f24"
SOFT: Final = "#505a65"
LINE: Final = "#d5dbe1"
WASH: Final = "#f4f6f8"
ACCENT: Final = "#1d4b75"

TONES: Final = {
    "pass": Tone("#1b6b3f", "#e6f2eb"),
    "lab": Tone("#0f6470", "#e3f1f3"),
    "warn": Tone("#7a4f00", "#fcf1d9"),
    "fail": Tone("#a3141a", "#fbe8e8"),
    "error": Tone("#8a1a5c", "#f8e6f0"),
    "manual": Tone("#2f5377", "#e6edf5"),
    "waiting": Tone("#5c4a12", "#f3eedd"),
    "blocked": Tone("#56457a", "#eeeaf6"),
    "not-run": Tone("#4f5963", "#eceff2"),
    "skip": Tone("#5a626b", "#f0f2f4"),
    "own": Tone("#5a626b", "#e2e5e9"),
    "info": Tone("#505a65", "#f4f6f8"),
    "uncovered": Tone("#6b3a1e", "#f7ece4"),
    "new": Tone("#a3141a", "#fbe8e8"),
    "fixed": Tone("#1b6b3f", "#e6f2eb"),
    "same": Tone("#4f5963", "#eceff2"),
    "gone": Tone("#56457a", "#eeeaf6"),
}

SHAPES: Final = {
    "pass": '<circle cx="8" cy="8" r="7" fill="currentColor"/><path d="M4.6 8.3l2.4 2.4 4.5-5" fill="none" stroke="#fff" stroke-width="1.9"/>',
    "lab": '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.6 1.6"/><path d="M4.9 8.3l2.1 2.1 4.1-4.5" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "warn": '<path d="M8 1L15.4 14.6H.6z" fill="currentColor"/><path d="M8 5.6v4.6M8 11.4v1.8" stroke="#fff" stroke-width="1.7"/>',
    "fail": '<path d="M4.9 1h6.2L15 4.9v6.2L11.1 15H4.9L1 11.1V4.9z" fill="currentColor"/><path d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" stroke="#fff" stroke-width="1.9"/>',
    "error": '<path d="M8 .6L15.4 8 8 15.4.6 8z" fill="currentColor"/><path d="M8 4.2v4.6M8 10.2v1.9" stroke="#fff" stroke-width="1.8"/>',
    "manual": '<path d="M2.6 1h7.6l3.2 3.3V15H2.6z" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M5 7h6M5 9.6h6M5 12.2h3.5" stroke="currentColor" stroke-width="1.3"/>',
    "waiting": '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 4.2V8l2.8 1.9" fill="none" stroke="currentColor" stroke-width="1.5"/>',
    "blocked": '<rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor"/><path d="M4 8h8" stroke="#fff" stroke-width="2.2"/>',
    "not-run": '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="1.6 2.1"/>',
    "skip": '<path d="M2 8h12" stroke="currentColor" stroke-width="1.8"/>',
    "own": '<rect x="1.8" y="1.8" width="12.4" height="12.4" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M5 8h6" stroke="currentColor" stroke-width="1.4"/>',
    "info": '<circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.4"/><path d="M8 7.2v4.4M8 4.3v1.6" stroke="currentColor" stroke-width="1.5"/>',
    "uncovered": '<rect x="1.8" y="1.8" width="12.4" height="12.4" fill="none" stroke="currentColor" stroke-width="1.4" stroke-dasharray="2.2 1.7"/>',
    "new": '<path d="M8 2v12M2 8h12" stroke="currentColor" stroke-width="2.2"/>',
    "fixed": '<path d="M2.6 8.6l3.6 3.6 7.2-8" fill="none" stroke="currentColor" stroke-width="2.2"/>',
    "same": '<path d="M2 5.6h12M2 10.4h12" stroke="currentColor" stroke-width="1.8"/>',
    "gone": '<path d="M3 13L13 3" stroke="currentColor" stroke-width="1.8"/>',
}


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 computes it.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
