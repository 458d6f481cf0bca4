"""Build site/ from docs/ and the catalogues, and refuse it when a link, an id or a command in it does not exist."""

import re
import shutil
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
from lxml import html
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reference import Catalogue, Page

from harness import __version__
from harness.cli import cli
from harness.report import palette

DOCS, SITE = Path("docs"), Path("site")
NAVIGATION = {
    "index.html": "Start", "triage.html": "Triage", "lopende-zaken.html": "Lopende Zaken",
    "digikoppeling.html": "Digikoppeling", "digipoort.html": "Digipoort", "digimelding.html": "Digimelding",
    "tvs.html": "TVS", "certificates.html": "Certificates", "evidence.html": "Evidence", "handing-in.html": "Handing in", "checklists.html": "Checklists", "ci.html": "CI",
    "decisions.html": "Decisions", "reference/index.html": "Reference",
}  # fmt: skip
STYLE = f"""
:root {{ color: {palette.INK}; background: {palette.PAPER}; font: 17px/1.55 system-ui, sans-serif }}
body {{ margin: 0 auto; max-width: 54rem; padding: 0 1.2rem 4rem }}
a {{ color: {palette.ACCENT} }} a:focus-visible, summary:focus-visible {{ outline: 3px solid {palette.ACCENT}; outline-offset: 2px }}
nav ul {{ display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; padding: .8rem 0; border-bottom: 1px solid {palette.LINE} }}
h1 {{ font-size: 1.9rem; line-height: 1.2 }} h2 {{ font-size: 1.25rem; margin-top: 2rem }}
code, pre {{ font: .88em/1.45 ui-monospace, monospace; background: {palette.WASH} }} pre {{ padding: .8rem 1rem; overflow-x: auto }}
.wide {{ overflow-x: auto }} table {{ border-collapse: collapse; width: 100% }} th, td {{ text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid {palette.LINE} }}
dl {{ display: grid; grid-template-columns: minmax(7rem, 11rem) 1fr; gap: .2rem 1rem }} dt {{ color: {palette.SOFT} }} dd {{ margin: 0; overflow-wrap: anywhere }}
article {{ border-top: 1px solid {palette.LINE} }} footer {{ color: {palette.SOFT}; margin-top: 3rem; font-size: .85rem }}
@media (max-width: 40rem) {{ dl {{ grid-template-columns: 1fr }} dt {{ margin-top: .4rem }} }}
"""
_ROW = re.compile(r"(?:LZ|DM|DP|DK|TC|TD)-[\w.-]+\*?")
_RULE = re.compile(r"[A-Z]{2,}(?:-[A-Z]+)?-\d{3}")


class Site:
    """The pages while they are made, and everything that is wrong with them."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.wrong: list[str] = []
        self.markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def pages(self) -> Iterator[Page]:
        """Yield every page: the written ones, then the generated reference."""
        for source in sorted(DOCS.rglob("*.md")):
            yield self.written(source)
        yield from self.catalogue.pages()

    def written(self, source: Path) -> Page:
        """Return a page of docs/; ids in it become links to the reference."""
        up = "../" * (len(source.relative_to(DOCS).parts) - 1)
        tokens = self.markdown.parse(source.read_text(encoding="utf-8"))
        for token in tokens:
            if token.type == "fence":
                self.check_commands(source, token.content.replace("\\\n", " "))
            if token.type == "heading_open":
                token.attrSet("id", _slug(tokens[tokens.index(token) + 1].content))
            for child in token.children or ():
                self.inline(source, child, up)
        body = self.markdown.renderer.render(tokens, self.markdown.options, {})
        body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
        body = body.replace("<pre>", '<pre tabindex="0">')
        title = next((t.content for t in tokens if t.type == "inline"), source.stem)
        return Page(str(source.relative_to(DOCS).with_suffix(".html")), title.replace("*", ""), "en", body)

    def inline(self, source: Path, token: Token, up: str) -> None:
        """Lead links to pages instead of sources, and ids to the reference."""
        href = str(token.attrs.get("href", ""))
        if token.type == "link_open" and not urlsplit(href).scheme:
            token.attrSet("href", re.sub(r"\.md(?=#|$)", ".html", href))
        if token.type != "code_inline":
            return
        self.check_commands(source, token.content)
        known = self.catalogue.href(token.content)
        if known and not token.content.endswith("*"):
            token.type, content = "html_inline", escape(token.content)
            token.content = f'<a href="{up}{known}"><code>{content}</code></a>'
        elif (_ROW.fullmatch(token.content) or _RULE.fullmatch(token.content)) and not self.known(token.content):
            self.wrong.append(f"{source}: `{token.content}` is no step or rule")

    def known(self, word: str) -> bool:
        """Whether a pattern such as `DM-2.2b*` takes any step."""
        return self.catalogue.covers(word) if word.endswith("*") else bool(self.catalogue.href(word))

    def check_commands(self, source: Path, text: str) -> None:
        """Every `ketentest VERB --option` in the pages exists."""
        for line in text.splitlines():
            words = re.split(r"\s+#", line)[0].split()
            if words[:1] != ["ketentest"] or len(words) < 2 or not words[1].isalpha() or words[1].isupper():
                continue
            verb = cli.commands.get(words[1])
            if verb is None:
                self.wrong.append(f"{source}: ketentest {words[1]} is no command")
                continue
            options = {name for p in verb.params if isinstance(p, click.Option) for name in p.opts} | {"--help"}
            for word in words[2:]:
                if word.startswith("--") and word.partition("=")[0] not in options:
                    self.wrong.append(f"{source}: ketentest {words[1]} has no option {word}")


def _slug(words: str) -> str:
    return re.sub(r"[^\w]+", "-", words.lower()).strip("-")


def _item(up: str, path: str, title: str, here: str) -> str:
    current = ' aria-current="page"' if path == here else ""
    return f'<li><a href="{up}{path}"{current}>{title}</a></li>'


def frame(page: Page) -> str:
    """Return the whole HTML of a page, with navigation."""
    up = "../" * page.path.count("/")
    links = "".join(_item(up, path, title, page.path) for path, title in NAVIGATION.items())
    other = {"nl": "In English", "en": "Nederlands"}[page.lang]
    twin = (
        f'<p><a href="{page.twin}" hreflang="{"en" if page.lang == "nl" else "nl"}">{other}</a></p>'
        if page.twin
        else ""
    )
    return (
        f'<!doctype html>\n<html lang="{page.lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(page.title)} – ketentest</title><link rel="stylesheet" href="{up}site.css"></head><body>'
        f'<nav aria-label="ketentest" lang="en"><ul>{links}</ul></nav><main>{twin}{page.body}</main>'
        f"<footer>ketentest {__version__} · EUPL-1.2</footer></body></html>\n"
    )


def broken_links(site: Path) -> Iterator[str]:
    """Yield every link inside the site that leads nowhere: a missing file, or a missing place in it."""
    trees = {path.resolve(): html.parse(str(path)) for path in site.rglob("*.html")}
    places = {path: set(tree.xpath("//@id")) for path, tree in trees.items()}
    for path, tree in trees.items():
        for link in tree.xpath("//@href | //@src"):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{path.relative_to(site.resolve())}: {link} does not exist"
            elif parts.fragment and unquote(parts.fragment) not in places.get(target, ()):
                yield f"{path.relative_to(site.resolve())}: {link} has no such place"


def build(site: Path = SITE) -> list[str]:
    """Write the site and return everything that is wrong with it."""
    shutil.rmtree(site, ignore_errors=True)
    made = Site()
    for page in made.pages():
        target = site / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(frame(page), encoding="utf-8")
    for asset in (f for f in DOCS.rglob("*") if f.is_file() and f.suffix != ".md"):
        copy = site / asset.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(asset, copy)
    (site / "site.css").write_text(STYLE, encoding="utf-8")
    return [*made.wrong, *broken_links(site)]


if __name__ == "__main__":
    if mistakes := build():
        sys.exit("\n".join(mistakes))
    sys.stdout.write(f"{SITE / 'index.html'}: {sum(1 for _ in SITE.rglob('*.html'))} pages\n")
