"""Read the rule catalogues (`rules/*.toml`) and decide how much a finding weighs.

A catalogue file holds one table per rule::

    [meta]
    version = "2026-11"

    [CPA-012]
    severity = "error"
    title  = { nl = "Het CPA is verlopen", en = "The CPA has expired" }
    why    = { nl = "…", en = "…" }
    remedy = { nl = "…", en = "…" }
    source = { document = "CPPA", section = "8.2", version = "2.0" }
    who    = { nl = "…", en = "…" }              # optional: who must act
    same_as = ["XCHK-004"]                         # optional: related ids, one cause gives one finding
    settled_by = "file"                            # file (default) | wire | person
    cases.soon = "warning"                         # optional: severity of one case
    cases.not-run = "info"                         # optional: how much it weighs that the rule could not run

A severity is a word, or a table whose keys are context words (environment, profile, role, service; `a+b` needs both)
with `default`: `severity = { default = "error", lab = "info", "prod+web" = "off" }`. The key with most words wins,
then the first in the file; `off` drops the finding.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from harness.errors import OwnFailure
from harness.model import Finding, Graded, NotRun, Rule, Severity, Source, Text

Weights = tuple[tuple[frozenset[str], Severity | None], ...]


def _weights(raw: str | Mapping[str, str]) -> Weights:
    table = {"default": raw} if isinstance(raw, str) else raw
    pairs = [
        (frozenset(() if key == "default" else key.split("+")), None if word == "off" else Severity(word))
        for key, word in table.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def _text(raw: Mapping[str, str] | None) -> Text:
    return Text(raw["nl"], raw["en"]) if raw else Text("", "")


def _rule(rule_id: str, raw: Mapping[str, Any]) -> Rule:
    return Rule(
        id=rule_id,
        title=_text(raw["title"]),
        why=_text(raw.get("why")),
        remedy=_text(raw.get("remedy")),
        source=Source(**raw["source"]),
        severity=_weights(raw["severity"]),
        cases=tuple((case, _weights(word)) for case, word in raw.get("cases", {}).items()),
        same_as=tuple(raw.get("same_as", ())),
        settled_by=raw.get("settled_by", "file"),
        since=str(raw.get("since", "")),
        until=str(raw.get("until", "")),
        who=_text(raw.get("who")),
    )


def read_catalogue(text: str, name: str) -> dict[str, Rule]:
    """Read one catalogue; raises OwnFailure when a table is not a rule."""
    return _read(text, name)[1]


def _read(text: str, name: str) -> tuple[str, dict[str, Rule]]:
    rules = {}
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise OwnFailure(
            f"regelcatalogus {name} is geen TOML: {wrong}", f"rule catalogue {name} is not TOML: {wrong}"
        ) from wrong
    for rule_id, raw in tables.items():
        if rule_id == "meta":
            continue
        try:
            rules[rule_id] = _rule(rule_id, raw)
        except (KeyError, TypeError, ValueError) as wrong:
            raise OwnFailure(
                f"regelcatalogus {name}: {rule_id} is onvolledig ({wrong!r})",
                f"rule catalogue {name}: {rule_id} is incomplete ({wrong!r})",
            ) from wrong
    return str(tables.get("meta", {}).get("version", "")), rules


class Rulebook:
    """All rules by id, and the severity of a finding in a context."""

    def __init__(self, rules: Mapping[str, Rule], version: str = "") -> None:
        self.rules = dict(rules)
        self.version = version

    def __getitem__(self, rule_id: str) -> Rule:
        return self.rules[rule_id]

    def __contains__(self, rule_id: object) -> bool:
        return rule_id in self.rules

    def weigh(self, rule_id: str, case: str, context: Collection[str]) -> Severity | None:
        """Return the severity of `rule_id` (in `case`) for the context words, or None when it does not apply."""
        rule = self.rules.get(rule_id)
        if rule is None:
            raise OwnFailure(f"regel {rule_id} staat in geen catalogus", f"rule {rule_id} is in no catalogue")
        weights = dict(rule.cases).get(case, rule.severity) if case else rule.severity
        words = context if isinstance(context, frozenset) else frozenset(context)
        for needed, severity in weights:
            if needed <= words:
                return severity
        return None

    def grade(self, findings: Iterable[Finding], context: Collection[str]) -> list[Graded]:
        """Give every finding its severity; findings that do not apply in this context drop out."""
        words = frozenset(context)
        graded = ((f, self.weigh(f.rule, f.case, words)) for f in findings)
        return [Graded(f, severity) for f, severity in graded if severity is not None]

    def incomplete(self, not_run: Iterable[NotRun], context: Collection[str]) -> bool:
        """Whether a rule of error level, or one that was asked for, is among those that did not run."""
        return any(n.asked or self.weigh(n.rule, "not-run", context) is Severity.ERROR for n in not_run)


@cache
def rulebook() -> Rulebook:
    """Return the rules that come with the product."""
    rules: dict[str, Rule] = {}
    versions = {""}
    for entry in sorted(files("harness").joinpath("rules").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            text = entry.read_text(encoding="utf-8")
            version, found = _read(text, entry.name)
            rules |= found
            versions.add(version)
    return Rulebook(rules, max(versions))
