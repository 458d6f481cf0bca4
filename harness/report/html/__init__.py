"""Render the report as one self-contained HTML file: no script, no request, readable from disk and on paper."""

from collections.abc import Iterator, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.report import palette, pictures
from harness.report.model import Connection, Count, Report
from harness.report.wording import Wording

MANY = 8
"""From this many connections on, each chapter is folded and only broken paths are drawn."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report", "html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["digest"] = _digest
    environment.globals["tones"] = palette.TONES
    environment.globals["shapes"] = {key: Markup(shape) for key, shape in palette.SHAPES.items()}  # noqa: S704 - our own drawings
    environment.globals["palette"] = palette
    return environment


def _digest(sha256: str) -> Markup:
    """Let a digest break over lines; a copy of it stays whole."""
    return Markup("<wbr>").join(escape(sha256[n : n + 8]) for n in range(0, len(sha256), 8))


def render(report: Report) -> Iterator[str]:
    """Yield the file in pieces."""
    say = Wording(report.lang)
    template = _environment().get_template("report.html.jinja")
    yield from template.stream(
        r=report,
        say=say,
        css=_css_string,
        many=len(report.connections) > MANY,
        drawn=[c for c in report.connections if c.lanes and _drawn(report, c)],
        path=lambda c, tall: Markup(pictures.path(c, say, tall=tall)),  # noqa: S704 - escaped piece by piece
        bar=lambda counts, total: Markup(pictures.bar(counts, total, _spoken(counts))),  # noqa: S704
        timeline=Markup(pictures.timeline(report.timeline, report.today, say)),  # noqa: S704
        certificates=Markup(pictures.certificates(report.validities, report.today, say)),  # noqa: S704
    )


def _css_string(words: str) -> Markup:
    """Return `words` as a CSS string; every mark but letters, digits and blanks is written as its code."""
    return Markup('"%s"') % Markup("".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in words))  # noqa: S704


def _drawn(report: Report, connection: Connection) -> bool:
    return len(report.connections) <= MANY or any(lane.broken for lane in connection.lanes)


def _spoken(counts: Sequence[Count]) -> str:
    return ", ".join(f"{count.number} {count.word}" for count in counts)
