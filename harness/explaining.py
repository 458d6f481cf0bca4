"""Explain a rule, a step or a probe: what it is, why it matters, what to do, and where it comes from."""

import json
from collections.abc import Iterator
from typing import Any

from harness.chain_mistakes import nearest
from harness.checklist import Row, catalogue, rows_naming
from harness.errors import UnusableInput
from harness.model import Rule, Severity, Text
from harness.probes.probe import Probe, load, split
from harness.rulebook import rulebook
from harness.show import LABELS

KINDS = {"rule": Text("regel", "rule"), "step": Text("stap", "step"), "probe": Text("probe", "probe")}


def explain(ident: str, form: str, lang: str) -> str:
    """Return the explanation of one id; raises UnusableInput with the nearest id when it is unknown."""
    found = _find(ident)
    if form == "json":
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    return "\n".join(_lines(found, lang)) + "\n"


def listing(form: str, lang: str) -> str:
    """Return the whole catalogue: rules, steps and probes."""
    entries = [*map(_rule, rulebook().rules.values()), *map(_row, catalogue().values()), *map(_probe, load().values())]
    if form == "json":
        return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
    return "".join(f"{KINDS[e['kind']].of(lang):<6} {e['id']:<24} {e['title'][lang]}\n" for e in entries)


def _find(ident: str) -> dict[str, Any]:
    rules, rows, probes = rulebook().rules, catalogue(), load()
    upper = ident.upper()
    if upper in rules:
        return _rule(rules[upper])
    row = next((r for key, r in rows.items() if key.upper() == upper), None)
    if row is not None:
        return _row(row)
    if split(ident)[0] in probes:
        return _probe(probes[split(ident)[0]])
    near = nearest(ident, [*rules, *rows, *probes])
    hint = Text(f"; bedoelt u {near}?", f"; did you mean {near}?") if near else Text(".", ".")
    raise UnusableInput(
        f"{ident}: geen regel, stap of probe met dit id{hint.nl} De lijst: `ketentest explain --list`",
        f"{ident}: no rule, step or probe has this id{hint.en} The list: `ketentest explain --list`",
    )


def _both(text: Text) -> dict[str, str]:
    return {"nl": text.nl, "en": text.en}


def _severities(weights: tuple[tuple[frozenset[str], Severity | None], ...]) -> dict[str, str]:
    return {"+".join(sorted(words)) or "default": str(severity or "off") for words, severity in weights}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "kind": "rule",
        "id": rule.id,
        "title": _both(rule.title),
        "severity": _severities(rule.severity),
        "cases": {case: _severities(weights) for case, weights in rule.cases},
        "why": _both(rule.why),
        "remedy": _both(rule.remedy),
        "who": _both(rule.who),
        "source": str(rule.source),
        "settled_by": rule.settled_by,
        "same_as": list(rule.same_as),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": "step",
        "id": row.id,
        "title": {"nl": row.title, "en": row.title_en},
        "system": row.system,
        "phase": row.phase,
        "actor": row.actor,
        "mode": str(row.mode),
        "probes": list(row.probes),
        "alias": list(row.alias),
        "evidence": _both(row.evidence),
        "shows": _both(row.shows),
        "proves": _both(row.proves),
        "proves_not": _both(row.proves_not),
        "source": str(row.source),
    }


def _probe(probe: Probe) -> dict[str, Any]:
    rows = [row.id for row in rows_naming(probe.id, catalogue().values())]
    what = (probe.run.__doc__ or "").strip().partition("\n")[0]
    return {
        "kind": "probe",
        "id": probe.id,
        "title": _both(probe.title),
        "needs": list(probe.needs),
        "guard": probe.guard,
        "scope": probe.scope,
        "rows": rows,
        "what": what,
    }


HEADINGS = {
    "severity": Text("zwaarte", "severity"),
    "cases": Text("gevallen", "cases"),
    "settled_by": Text("vastgesteld door", "settled by"),
    "same_as": Text("zie ook", "see also"),
    "system": Text("systeem", "system"),
    "phase": Text("fase", "phase"),
    "actor": Text("wie", "who"),
    "mode": Text("soort", "mode"),
    "probes": Text("probes", "probes"),
    "alias": Text("gelijk aan", "same as"),
    "evidence": Text("bewijs nodig", "evidence asked"),
    "shows": Text("rapport toont", "report shows"),
    "proves": Text("bewijst", "proves"),
    "proves_not": Text("bewijst niet", "proves not"),
    "needs": Text("eerst", "first"),
    "guard": Text("reikwijdte", "reach"),
    "scope": Text("per", "per"),
    "rows": Text("stappen", "steps"),
    "what": Text("doet", "does"),
    **LABELS,
}


WORDED = ("severity", "cases", "settled_by", "guard", "scope", "mode")
"""What holds words of ours, and no sentence of either language."""
WORDS = {
    "error": Text("niet geslaagd", "error"),
    "warning": Text("aandachtspunt", "warning"),
    "info": Text("ter informatie", "info"),
    "off": Text("telt niet", "off"),
    "default": Text("standaard", "default"),
    "file": Text("een bestand", "a file"),
    "wire": Text("de koppeling", "the wire"),
    "person": Text("een mens", "a person"),
    "offline": Text("alleen bestanden", "files only"),
    "connect": Text("verbinding, geen bericht", "connection, no message"),
    "message": Text("bericht zonder gevolg", "message that changes nothing"),
    "write": Text("bericht met gevolg (twee toestemmingen)", "message that changes something (two consents)"),
    "connection": Text("aansluiting", "connection"),
    "endpoint": Text("adres", "endpoint"),
    "A": Text("A, een probe stelt het vast", "A, settled by a probe"),
    "G": Text("G, ketentest maakt het en een probe toetst het", "G, made by ketentest and judged by a probe"),
    "H": Text("H, een probe en een mens", "H, a probe and a person"),
    "M": Text("M, een mens", "M, a person"),
    "W": Text("W, een ander is aan zet", "W, somebody else has the turn"),
    "I": Text("I, ter informatie", "I, for information"),
    "→": Text("→, gelijk aan een andere stap", "→, same as another step"),
}


def word(raw: str, lang: str) -> str:
    """Return a word of the catalogue as it is said in a language."""
    return WORDS[raw].of(lang) if raw in WORDS else raw


def _lines(entry: dict[str, Any], lang: str) -> Iterator[str]:
    yield f"{entry['id']}  {entry['title'][lang]}"
    for key, value in entry.items():
        said = "" if key == "what" and lang == "nl" else _said(value, lang, worded=key in WORDED)
        if key in HEADINGS and said:
            yield f"  {HEADINGS[key].of(lang):<16} {said}"


def _said(value: Any, lang: str, *, worded: bool) -> str:
    if isinstance(value, dict) and set(value) == {"nl", "en"}:
        return str(value[lang])
    if isinstance(value, dict):
        return ", ".join(f"{word(k, lang)}: {_said(v, lang, worded=worded)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return word(str(value), lang) if worded else str(value)
