"""Render the pages for testers: the look of the report, plain forms, every sentence in the tester's language."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.model import Text
from harness.report import palette, pictures
from harness.report.model import Count
from harness.report.wording import AMSTERDAM, Wording


@cache
def texts() -> Mapping[str, Text]:
    """Return the sentences of `texts.toml` by key."""
    raw = tomllib.loads(files("harness.testers").joinpath("texts.toml").read_text(encoding="utf-8"))
    return {key: Text(pair["nl"], pair["en"]) for key, pair in raw["words"].items()}


class PageWording(Wording):
    """The page's own sentences, and behind them those of the report."""

    def __call__(self, key: str, **values: Any) -> str:
        """Return the sentence of `key`, with its placeholders filled in."""
        if key not in texts():
            return super().__call__(key, **values)
        sentence = texts()[key].of(self.lang)
        return sentence.format(**values) if values else sentence

    def time(self, moment: datetime | None) -> str:
        """Return the time of day in Amsterdam, to the minute."""
        return f"{moment.astimezone(AMSTERDAM):%H:%M}" if moment else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("harness.testers", "html"), PackageLoader("harness.report", "html")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["tones"] = palette.TONES
    environment.globals["shapes"] = {key: Markup(shape) for key, shape in palette.SHAPES.items()}  # noqa: S704 - our own drawings
    environment.globals["palette"] = palette
    environment.filters["part"] = lambda text: quote(text, safe="")
    return environment


def page(name: str, lang: str, **values: Any) -> str:
    """Return one page; `name` is that of its template."""
    say = PageWording(lang)

    def bar(counts: tuple[Count, ...]) -> Markup:
        spoken = ", ".join(f"{count.number} {count.word}" for count in counts)
        return Markup(pictures.bar(counts, sum(count.number for count in counts), spoken))  # noqa: S704 - escaped

    return _environment().get_template(f"{name}.html.jinja").render(say=say, lang=lang, bar=bar, **values)


@cache
def style() -> str:
    """Return the style sheet: that of the report, and what only a page with forms needs."""
    return _environment().get_template("desk.css.jinja").render()


@cache
def script() -> str:
    """Return the script: saving as one types, dragging and pasting. The page works without it."""
    return files("harness.testers").joinpath("html/page.js").read_text(encoding="utf-8")


ICON = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" color="{palette.ACCENT}">{palette.SHAPES["manual"]}</svg>'
