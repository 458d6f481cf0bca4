"""Turn the board, a step and what was said about it into what the templates show, in the tester's language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.attestations import Attestation, Declaration, Proof
from harness.checklist import catalogue
from harness.model import Environment, Verdict
from harness.report.desk import counted, mark_of, plain_mark
from harness.report.model import Count, Mark
from harness.report.safe import Cleaner
from harness.testers.board import Ask, Board, Place
from harness.testers.drafts import Draft
from harness.testers.gate import Session
from harness.testers.kinds import PDF, PICTURES, TEXT
from harness.testers.pages import PageWording
from harness.testers.roles import ROLES, roles_of
from harness.workdays import day_of

MANY = 8
"""From this many connections on, the board lists connections first."""

CLEAN = Cleaner()
ACCEPT = ",".join((*(e for kind in (*PICTURES.values(), PDF, TEXT) for e in kind.endings),))
_RESULTS = (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.WAITING, Verdict.SKIP)


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks, at which board, in which language."""

    board: Board
    session: Session
    say: PageWording
    drafts: tuple[Draft, ...] = ()


def href(connection: str, row: str) -> str:
    """Return the address of a step."""
    return f"/step/{quote(connection, safe='')}/{quote(row, safe='')}"


def run_line(look: Looking) -> str:
    """Return the run that the page shows, in a few words."""
    run = look.board.run
    return f"{look.say('run')} {run.info.id}" if run.path else ""


def counts(board: Board, say: PageWording) -> tuple[Count, ...]:
    """Return the counts of the whole report."""
    return counted((mark_of(found, say) for _, found in board.scored()), say)


def grown(before: Sequence[Count], after: Sequence[Count]) -> list[tuple[str, int, int]]:
    """Return which counts changed: (key, old, new)."""
    old, new = ({c.key: c.number for c in found} for found in (before, after))
    return [(key, old.get(key, 0), new.get(key, 0)) for key in {**new, **old} if old.get(key, 0) != new.get(key, 0)]


def part(board: Board, roles: frozenset[str]) -> tuple[int, int]:
    """Return how many of the steps of these roles are recorded, and how many there are in this phase."""
    mine = [ask for ask in board.of(roles) if ask.place is not Place.LATER]
    return sum(ask.place is Place.DONE for ask in mine), len(mine)


def common(look: Looking) -> dict[str, Any]:
    """Return what every page shows; what was to be told is told once."""
    done, total = part(look.board, look.session.roles)
    words = {c.key: c.word for c in counts(look.board, look.say)}
    told, more = list(look.session.told), list(look.session.grown)
    look.session.told.clear()
    look.session.grown.clear()
    return {
        "session": look.session,
        "run": run_line(look),
        "counts": counts(look.board, look.say),
        "done": done,
        "total": total,
        "told_lines": told,
        "grown": [
            {"key": key, "word": words.get(key) or look.say.verdict(key), "old": old, "new": new}
            for key, old, new in more
        ],
    }


def roles(look: Looking) -> list[dict[str, Any]]:
    """Return the roles that this scenario knows, with the number of steps to do for each."""
    asks = [ask for ask in look.board.of(frozenset()) if ask.place is not Place.LATER]
    present = {role for ask in asks for role in roles_of(ask.row.actor)}
    open_now = [ask for ask in asks if ask.place is Place.NOW]
    return [
        {
            "key": role,
            "word": look.say.actor(role),
            "open": sum(role in roles_of(ask.row.actor) for ask in open_now),
        }
        for role in ROLES
        if role in present
    ]


# ---- the board -----------------------------------------------------------------------------------------------------


def board(look: Looking, only: str) -> dict[str, Any]:
    """Return the page of open steps, of one connection or of all."""
    mine = look.board.of(look.session.roles, only)
    now = [ask for ask in mine if ask.place is Place.NOW]
    names = list(look.board.asks)
    folded = len(names) >= MANY and not only
    lone = len(names) == 1 or bool(only)
    piles = (
        ("waiting_title", Place.WAITING),
        ("blocked_title", Place.BLOCKED),
        ("done_title", Place.DONE),
        ("later_title", Place.LATER),
    )
    return common(look) | {
        "only": CLEAN(only),
        "several": len(names) > 1,
        "folded": folded,
        "open_count": len(now),
        "role_words": [look.say.actor(role) for role in ROLES if role in look.session.roles],
        "first": [] if folded else [_line(look, ask, alone=lone) for ask in _pressing(look, now)],
        "chapters": [_chapter(look, name, now, folded=folded) for name in ([only] if only else names)],
        "piles": []
        if folded
        else [
            {
                "title": look.say(title),
                "steps": [_line(look, ask, alone=lone) for ask in mine if ask.place is place],
            }
            for title, place in piles
        ],
    }


def _pressing(look: Looking, now: Sequence[Ask]) -> list[Ask]:
    """The steps after which most continues, when something does."""
    if len(now) < 4:
        return []
    weight = {id(ask): len(_unblocks(look.board, ask)) for ask in now}
    return [ask for ask in sorted(now, key=lambda ask: -weight[id(ask)])[:3] if weight[id(ask)]]


def _chapter(look: Looking, name: str, now: Sequence[Ask], *, folded: bool) -> dict[str, Any]:
    info = look.board.info(name)
    mine = [ask for ask in now if ask.connection == name]
    phases: dict[tuple[str, str], list[Ask]] = {}
    for ask in () if folded else mine:
        phases.setdefault((ask.row.system, ask.row.phase), []).append(ask)
    return {
        "name": CLEAN(name),
        "title": f"{CLEAN(info.party, 80)} → {look.say(f'system_{info.system}')}",
        "href": f"/?connection={quote(name, safe='')}",
        "open": len(mine),
        "phases": [
            {"name": look.say.phase(*phase), "steps": [_line(look, ask, alone=True) for ask in asks]}
            for phase, asks in phases.items()
        ],
    }


def _line(look: Looking, ask: Ask, *, alone: bool) -> dict[str, Any]:
    return {
        "id": ask.row.id,
        "href": href(ask.connection, ask.row.id),
        "title": ask.row.heading.of(look.say.lang),
        "actor": look.say.actor(ask.row.actor),
        "asked": ask.row.evidence.of(look.say.lang),
        "connection": "" if alone else CLEAN(ask.connection),
        "unblocks": _unblocks(look.board, ask),
        "needs": ask.found.because if ask.place is Place.BLOCKED else (),
        "mark": mark_of(ask.found, look.say, ask.row.actor),
        "drafts": list(_draft_words(look, ask)),
    }


def _draft_words(look: Looking, ask: Ask) -> Iterable[str]:
    for draft in look.drafts:
        if (draft.connection, draft.row) == (ask.connection, ask.row.id):
            mine = draft.author.casefold() == look.session.by.casefold()
            yield look.say("draft_mine" if mine else "draft_other", by=CLEAN(draft.author, 60), time=_time(look, draft))


def _time(look: Looking, draft: Draft) -> str:
    return look.say.time(draft.moment)


def _unblocks(found: Board, ask: Ask) -> tuple[str, ...]:
    todo = found.todo(ask.connection).get(ask.row.id)
    return todo.unblocks if todo else ()


# ---- the declaration -----------------------------------------------------------------------------------------------


def declaration(look: Looking, said: Declaration) -> dict[str, Any]:
    """Return the page on which somebody declares to answer for the report."""
    open_now = [ask for ask in look.board.of(frozenset()) if ask.place is not Place.DONE]
    return common(look) | {
        "said": said,
        "readers": [(reader, look.say(word)) for reader, word in _READERS.items()],
        "connections": [CLEAN(name) for name in look.board.facts],
        "open_count": len(open_now),
        "exercise": all(info.environment is Environment.LAB for info in look.board.run.info.connections),
        "earlier": [_declared(look, earlier) for earlier in reversed(look.board.ledger.declarations)],
    }


_READERS: Mapping[str, str] = {
    "": "reader_any",
    "logius": "declare_logius",
    "dictu": "declare_dictu",
    "own": "declare_own",
}


def _declared(look: Looking, said: Declaration) -> dict[str, Any]:
    about = (look.say(_READERS[said.reader]) if said.reader else "", said.connection)
    return {
        "by": CLEAN(said.by, 80),
        "function": CLEAN(said.function, 80),
        "day": look.say.day(said.date),
        "about": CLEAN(", ".join(word for word in about if word), 120),
        "old": bool(look.board.run.path) and said.date < day_of(look.board.run.info.started),
    }


# ---- a step --------------------------------------------------------------------------------------------------------


def step(look: Looking, ask: Ask, draft: Draft, faster: Sequence[Attestation] = ()) -> dict[str, Any]:
    """Return the page of one step with its form."""
    others = [d for d in look.drafts if (d.connection, d.row) == (ask.connection, ask.row.id) and d.key != draft.key]
    optional = _RESULTS if ask.row.optional else _RESULTS[:-1]
    return common(look) | {
        "s": _step(look, ask, faster) | {"others": [_other(look, other) for other in others]},
        "draft": draft,
        "proofs": shown(look, ask, draft.files),
        "faster": [_said(look, said) for said in faster],
        "verdicts": [{"key": str(v), "mark": plain_mark(v, look.say)} for v in optional],
        "saved_time": _time(look, draft),
        "accept": ACCEPT,
    }


def _step(look: Looking, ask: Ask, faster: Sequence[Attestation]) -> dict[str, Any]:
    row, say = ask.row, look.say
    order = look.board.of(look.session.roles)
    at = next((n for n, a in enumerate(order) if (a.connection, a.row.id) == (ask.connection, row.id)), None)
    number = 1 + list(look.board.facts).index(ask.connection)
    return {
        "id": row.id,
        "href": href(ask.connection, row.id),
        "back": "/" if len(look.board.asks) < MANY else f"/?connection={quote(ask.connection, safe='')}",
        "report": f"/report#c{number}-{row.id}",
        "connection": CLEAN(ask.connection),
        "phase": say.phase(row.system, row.phase),
        "title": row.heading.of(say.lang),
        "mark": mark_of(ask.found, say, row.actor),
        "evidence": row.evidence.of(say.lang),
        "source": str(row.source),
        "actor": say.actor(row.actor),
        "needs": [_named(look, ask, name) for name in ask.found.because if name != row.id],
        "unblocks": [_named(look, ask, name) for name in _unblocks(look.board, ask)],
        "facts": [(label, value) for label, value in _facts(look, ask) if value],
        "hybrid": bool(row.probes or row.like),
        "probes": _probes(look, ask),
        "said": [_said(look, said) for said in reversed(ask.said) if said not in faster],
        "production": ask.production,
        "before": _beside(order, at, -1),
        "after": _beside(order, at, 1),
    }


def _beside(order: Sequence[Ask], at: int | None, step: int) -> dict[str, str] | None:
    place = None if at is None else at + step
    if place is None or not 0 <= place < len(order):
        return None
    return {"id": order[place].row.id, "href": href(order[place].connection, order[place].row.id)}


def _named(look: Looking, ask: Ask, name: str) -> dict[str, str]:
    row = catalogue().get(name)
    mine = name in look.board.asks[ask.connection]
    return {
        "id": name,
        "title": row.heading.of(look.say.lang) if row else "",
        "href": href(ask.connection, name) if mine else "",
    }


def _facts(look: Looking, ask: Ask) -> Iterable[tuple[str, str]]:
    say, todo = look.say, look.board.todo(ask.connection).get(ask.row.id)
    if todo and todo.due:
        late = f" ({say('overdue')})" if todo.overdue else ""
        yield say("term"), f"{say.day(todo.due)}{late}"
    if todo and todo.since:
        yield say("since"), say("since_days", date=say.day(todo.since), n=todo.workdays_waited)
    if todo:
        yield say("lead_time"), todo.lead_time.of(say.lang)
    yield say("in_report"), ask.row.shows.of(say.lang)
    yield say("note"), ask.row.note.of(say.lang).replace("`", "")


def _probes(look: Looking, ask: Ask) -> list[dict[str, Any]]:
    say = look.say
    return [
        {
            "name": result.probe,
            "mark": plain_mark(result.verdict, say, lab=result.environment == "lab"),
            "seen": CLEAN("; ".join(say.words(o.text) for o in result.observed) or say.words(result.cause), 220),
        }
        for result in ask.found.results
    ]


def _said(look: Looking, said: Attestation) -> dict[str, Any]:
    say = look.say
    over = said.expires is not None and said.expired(day_of(look.board.now))
    return {
        "day": say.day(said.date),
        "by": CLEAN(said.by, 80),
        "function": CLEAN(said.function, 80),
        "about": CLEAN(", ".join(word for word in (said.item, said.provider) if word), 120),
        "text": CLEAN(said.statement, 1200),
        "mark": _result(look, said.verdict),
        "expired": say("said_expired", date=say.day(said.expires)) if over and said.expires else "",
        "proofs": [{"label": CLEAN(p.label, 120), "sha256": p.sha256, "state": _state(look, p)} for p in said.proofs],
    }


def _result(look: Looking, verdict: Verdict) -> Mark:
    return plain_mark(verdict, look.say)


_STATES: Mapping[str, str] = {"changed": "file_changed", "missing": "file_missing", "elsewhere": "file_elsewhere"}


def _state(look: Looking, proof: Proof) -> str:
    return look.say(_STATES[proof.state]) if proof.state in _STATES else ""


def _other(look: Looking, draft: Draft) -> dict[str, str]:
    return {"by": CLEAN(draft.author, 80), "time": _time(look, draft), "text": CLEAN(draft.statement, 600)}


def shown(look: Looking, ask: Ask, proofs: Iterable[Proof]) -> list[dict[str, Any]]:
    """Return the files of a draft; a picture with its address, none of production."""
    base = f"/file/{quote(ask.connection, safe='')}/{quote(ask.row.id, safe='')}"
    endings = tuple(ending for kind in PICTURES.values() for ending in kind.endings)
    return [
        {
            "name": CLEAN(p.name or p.label, 100),
            "sha256": p.sha256,
            "size": look.say.size(p.size),
            "elsewhere": not p.file,
            "src": f"{base}/{p.sha256}" if p.file.lower().endswith(endings) and not ask.production else "",
        }
        for p in proofs
    ]
