"""The pieces of a page as the template draws them: paragraphs, facts, digests, pictures."""

from collections.abc import Iterable
from typing import Any

from harness.report.model import EvidenceFile, Fact, FindingView
from harness.report.pdf.glyphs import drawable, pieces
from harness.report.wording import Wording

Block = dict[str, Any]
Rich = Any
"""A string, a link, a mark, or a list of those: what the template's `rich` draws."""


def para(words: str) -> Block:
    """Return a paragraph."""
    return {"b": "p", "t": pieces(words)}


def facts(found: Iterable[Fact]) -> Block:
    """Return labels with their values."""
    return {"b": "facts", "facts": pairs(*found)}


def pairs(*found: Fact) -> list[tuple[str, Rich]]:
    """Return labels with their values, without the empty ones."""
    return [(drawable(fact.label), pieces(fact.value)) for fact in found if fact.value]


def strong(words: str) -> Rich:
    """Return words in bold."""
    return {"st": pieces(words)}


def soft(words: str) -> Rich:
    """Return words in the soft colour."""
    return {"s": pieces(words)} if words else ""


def digest(sha256: str) -> Rich:
    """Return a digest that may break over lines and is whole when copied."""
    return {"m": pieces(sha256)}


def named(e: EvidenceFile) -> Rich:
    """Return the name of a file and its kind."""
    return [strong(e.name), soft(f" {e.kind}" if e.kind else "")]


def observed(f: FindingView, say: Wording) -> str:
    """Return what was observed at a finding, wherever it was seen."""
    return say.listed(list(dict.fromkeys(s.observed for s in f.sightings)), 4) if f.sightings else f.observed


def picture(svg: str, words: str) -> Block:
    """Return a picture, and in words what it shows."""
    return {"b": "picture", "svg": svg, "alt": drawable(words)}
