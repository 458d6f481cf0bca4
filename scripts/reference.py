"""Write the reference pages, from the same words as `ketentest explain`: rules by family, steps by procedure, probes."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

from harness.explaining import HEADINGS, WORDED, listing, word

Entry = Mapping[str, Any]
LANGS = ("nl", "en")
TITLES = {
    "rule": {"nl": "Toetsregels", "en": "Rules"},
    "step": {"nl": "Stappen", "en": "Steps"},
    "probe": {"nl": "Probes", "en": "Probes"},
}
PROCEDURES = {
    "LZ": "MijnOverheid Lopende Zaken", "DK": "Digikoppeling", "DP": "Digipoort", "DM": "Digimelding",
    "TC": "TVS, cluster", "TD": "TVS, direct",
}  # fmt: skip
_LINKED = ("probes", "alias", "same_as", "needs", "rows")


class Page(NamedTuple):
    """One page of the site: where it stands, its title, language and body, and the same page in the other language."""

    path: str
    title: str
    lang: str
    body: str
    twin: str = ""


class Catalogue:
    """Every entry that `ketentest explain` knows, and the page on which each stands."""

    def __init__(self) -> None:
        self.entries: list[Entry] = json.loads(listing("json", "nl"))
        self.groups: dict[tuple[str, str], list[Entry]] = {}
        for entry in self.entries:
            self.groups.setdefault((entry["kind"], group_of(entry)), []).append(entry)
        self.place = {entry["id"]: (entry["kind"], group_of(entry)) for entry in self.entries}

    def href(self, ident: str, lang: str = "en") -> str:
        """Return where `ident` stands below the site, or an empty string when nobody knows it."""
        base = ident.partition("[")[0].removesuffix("*")
        found = self.place.get(ident) or self.place.get(base)
        return f"reference/{_file(*found, lang)}#{base}" if found else ""

    def covers(self, pattern: str) -> bool:
        """Whether `LZ-5.3.*` takes any step."""
        return any(known.startswith(pattern.removesuffix("*")) for known in self.place)

    def pages(self) -> Iterator[Page]:
        """Yield an index and the pages of every group, in both languages."""
        for lang in LANGS:
            other = "en" if lang == "nl" else "nl"
            name = "index.html" if lang == "en" else "index.nl.html"
            twin = "index.nl.html" if lang == "en" else "index.html"
            yield Page(f"reference/{name}", {"nl": "Naslag", "en": "Reference"}[lang], lang, self._index(lang), twin)
            for (kind, group), entries in self.groups.items():
                title = f"{TITLES[kind][lang]}: {_group_title(kind, group)}".removesuffix(": ")
                body = f"<h1>{escape(title)}</h1>" + "".join(self._entry(entry, lang) for entry in entries)
                yield Page(f"reference/{_file(kind, group, lang)}", title, lang, body, _file(kind, group, other))

    def _index(self, lang: str) -> str:
        parts = [f"<h1>{'Naslag' if lang == 'nl' else 'Reference'}</h1>"]
        for kind, titles in TITLES.items():
            parts.append(f"<h2>{titles[lang]}</h2>")
            for (of, group), entries in self.groups.items():
                if of == kind:
                    head = (
                        f'<a href="{_file(kind, group, lang)}">{escape(_group_title(kind, group) or titles[lang])}</a>'
                    )
                    parts.append(f"<details><summary>{head} ({len(entries)})</summary><ul>")
                    parts += (
                        f'<li><a href="{_file(kind, group, lang)}#{e["id"]}"><code>{e["id"]}</code></a> {escape(e["title"][lang])}</li>'
                        for e in entries
                    )
                    parts.append("</ul></details>")
        return "".join(parts)

    def _entry(self, entry: Entry, lang: str) -> str:
        facts = (
            (HEADINGS[key].of(lang), self._value(key, value, lang)) for key, value in entry.items() if key in HEADINGS
        )
        rows = "".join(f"<dt>{escape(label)}</dt><dd>{said}</dd>" for label, said in facts if said)
        title = escape(entry["title"][lang])
        return f'<article id="{entry["id"]}"><h2><a href="#{entry["id"]}"><code>{entry["id"]}</code></a> {title}</h2><dl>{rows}</dl></article>'

    def _value(self, key: str, value: Any, lang: str) -> str:
        if isinstance(value, dict) and set(value) == set(LANGS):
            return escape(value[lang])
        if isinstance(value, dict):
            return "; ".join(f"{escape(word(k, lang))}: {self._value('severity', v, lang)}" for k, v in value.items())
        if isinstance(value, list):
            return ", ".join(self._linked(str(v), lang) if key in _LINKED else escape(str(v)) for v in value)
        return escape(word(str(value), lang)) if key in WORDED else escape(str(value))

    def _linked(self, ident: str, lang: str) -> str:
        href = self.href(ident, lang).removeprefix("reference/")
        return f'<a href="{href}"><code>{escape(ident)}</code></a>' if href else f"<code>{escape(ident)}</code>"


def group_of(entry: Entry) -> str:
    """Return the family of a rule, the procedure of a step; probes share one page."""
    return "" if entry["kind"] == "probe" else entry["id"].partition("-")[0]


def _group_title(kind: str, group: str) -> str:
    return PROCEDURES.get(group, group) if kind == "step" else group


def _file(kind: str, group: str, lang: str) -> str:
    name = f"{kind}s-{group}".rstrip("-").lower()
    return f"{name}.html" if lang == "en" else f"{name}.{lang}.html"
