"""Say who answers for the report, and why nobody does yet."""

from harness.attestations import Declaration as Declared
from harness.report.desk import Desk
from harness.report.model import Declaration
from harness.workdays import day_of


def declarations(desk: Desk) -> tuple[Declaration, ...]:
    """Return who declared for every chosen connection; one silent connection keeps the report a draft."""
    said = [(info.name, desk.ledger.declared(info.name, desk.reader)) for info in desk.infos]
    if not said or any(declared is None or _outdated(desk, declared) for _, declared in said) or desk.exercise:
        return ()
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, declared in said:
        if declared is not None:
            who = (_declarant(desk, declared), desk.clean(declared.function, 80), desk.say.day(declared.date))
            found.setdefault(who, []).append(name)
    several = len(found) > 1
    return tuple(
        Declaration(*who, connection=desk.clean(desk.say.listed(names)) if several else "")
        for who, names in found.items()
    )


def _outdated(desk: Desk, declared: Declared) -> bool:
    """Whether somebody declared before there was anything to declare about."""
    return declared.date < day_of(desk.run.info.started)


def _declarant(desk: Desk, declared: Declared) -> str:
    return desk.say("name_withheld") if desk.detail == "technisch" else desk.clean(declared.by, 80)


def undeclared(desk: Desk) -> str:
    """Say what the declaration still lacks."""
    for info in desk.infos:
        declared = desk.ledger.declared(info.name, desk.reader)
        if declared is not None and _outdated(desk, declared):
            return desk.say("declaration_outdated", by=_declarant(desk, declared), date=desk.say.day(declared.date))
    return desk.say("declaration_missing")
