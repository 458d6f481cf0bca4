"""Render the report as PDF/A-3b, tagged, with report.json inside; typst and its own fonts do the work."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from harness.errors import OwnFailure, UnusableInput
from harness.report import palette, pictures
from harness.report.model import Report
from harness.report.pdf.pages import lay_out
from harness.report.pdf.parts import with_parts

STANDARDS: Final = ("a-3b", "ua-1")
_SERIF: Final = 'font-family="Libertinus Serif,DejaVu Sans Mono"'
_WIDER: Final = 1.14
"""The pictures are drawn for a sans serif; the book face of the PDF is that much narrower."""
_SUSPECTS: Final = b"/Suspects false"
_SIZE: Final = re.compile(r'font-size="([\d.]+)"')


def render(report: Report, attached: Path) -> Iterator[bytes]:
    """Yield the file; `attached` is the report.json to embed."""
    if find_spec("typst") is None:
        raise UnusableInput(
            "voor een PDF is de uitbreiding [pdf] nodig: installeer ketentest[pdf]",
            "a PDF needs the extra [pdf]: install ketentest[pdf]",
        )
    import typst

    data = lay_out(report)
    for block in data["blocks"]:
        if block["b"] == "picture":
            block["svg"] = _drawing(block["svg"])
    inputs = {
        "data": json.dumps(data, ensure_ascii=False),
        "look": _look(),
        "attached": f"/{attached.name}",
    }
    del data
    try:
        pdf = typst.compile(
            files("harness.report.pdf").joinpath("report.typ").read_bytes(),
            root=str(attached.parent.resolve()),
            font_paths=_fonts(),
            sys_inputs=inputs,
            pdf_standards=list(STANDARDS),
            timestamp=int(report.started.timestamp()),
        )
    except typst.TypstError as wrong:
        raise OwnFailure(
            f"de PDF is niet te maken: {wrong.message}; het rapport in HTML is er wel",
            f"the PDF cannot be made: {wrong.message}; the report in HTML is there",
        ) from None
    # poppler takes this default value for a syntax error; blanks of the same length leave every offset as it is
    yield with_parts(pdf.replace(_SUSPECTS, b" " * len(_SUSPECTS), 1))


@cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False)


def _look() -> str:
    tones = {key: {"ink": tone.ink, "wash": tone.wash} for key, tone in palette.TONES.items()}
    shapes = {key: _sign(shape, palette.TONES[key].ink) for key, shape in palette.SHAPES.items()}
    colours = {
        "ink": palette.INK,
        "soft": palette.SOFT,
        "line": palette.LINE,
        "accent": palette.ACCENT,
        "wash": palette.WASH,
    }
    return json.dumps({**colours, "tones": tones, "shapes": shapes})


def _sign(shape: str, ink: str) -> str:
    body = shape.replace("currentColor", ink)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">{body}</svg>'


def _drawing(svg: str) -> str:
    """Return a picture of the HTML as a file of its own, in the face of the PDF."""
    size = lambda found: f'font-size="{float(found[1]) * _WIDER:.1f}"'  # noqa: E731
    svg = _SIZE.sub(size, svg.replace(pictures.FONT, _SERIF))
    return svg.replace('width="100%"', 'width="840"', 1).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
