"""The paper a report is laid out on: what is linked and placed, and the blocks that every chapter uses."""

from collections.abc import Iterable, Sequence
from typing import Final

from harness.report.model import Count, Mark, Report
from harness.report.pdf.blocks import Block, Rich
from harness.report.pdf.glyphs import drawable
from harness.report.wording import Wording

MANY: Final = 8
"""From this many connections on, only broken paths are drawn and references between steps are left out."""
DENSE: Final = 1000
"""From this many steps on, steps are listed by result, and only those that ask for attention have a row of their own."""
MOST_LINES: Final = 150


class Paper:
    """One report on its way to paper; remembers which places are linked to, so that no link leads nowhere."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.say = Wording(report.lang)
        self.many = len(report.connections) > MANY
        self.dense = sum(len(p.steps) for c in report.connections for p in c.phases) > DENSE
        self.rows = 0
        self.linked: set[str] = set()
        self.placed: set[str] = set()

    def place(self, anchor: str) -> str:
        """Return `anchor` the first time it is placed; a second place of the same name gets none."""
        if anchor in self.placed:
            return ""
        self.placed.add(anchor)
        return anchor

    def link(self, anchor: str, words: str) -> Rich:
        """Return a link to a place in this report; thousands of links would be laid out twice, so then only words."""
        if self.dense:
            return drawable(words)
        self.linked.add(anchor)
        return {"to": anchor, "t": drawable(words)}

    def mark(self, mark: Mark) -> Rich:
        """Return a result with its sign."""
        return {"k": mark.key, "w": drawable(mark.word), "n": drawable(mark.note)}

    def word(self, mark: Mark) -> Rich:
        """Return a result with its sign and without its note."""
        return self.mark(Mark(mark.key, mark.word))

    def tally(self, counts: Iterable[Count]) -> Block:
        """Return how many steps have each result."""
        return {"b": "tally", "counts": [{"k": c.key, "t": f"{c.number} {c.word}"} for c in counts]}

    def chapter(self, anchor: str, key: str = "") -> Block:
        """Return the heading of a chapter, which the contents name."""
        self.linked.add(anchor)
        return {"b": "h", "level": 2, "t": self.say(key or anchor), "id": self.place(anchor)}

    def table(
        self,
        caption: str,
        head: Sequence[str],
        widths: Sequence[int],
        rows: Sequence[Sequence[Rich]],
        places: Sequence[str] = (),
    ) -> Block:
        """Return a table; of a very long one in a dense report the first lines."""
        names = [self.say(key) for key in head]
        most = MOST_LINES if self.dense else len(rows)
        rest = self.say("pdf_rest", n=self.say.number(len(rows) - most)) if len(rows) > most else ""
        return {
            "b": "table", "caption": drawable(caption), "head": names, "widths": widths, "rows": rows[:most], "ids": places,
            "rest": rest,
        }  # fmt: skip
