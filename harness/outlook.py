"""Say which generation of PKIoverheid each side of a run uses, and what to do before one of them ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Final

from harness.lint.pki.policy import policy
from harness.model import Environment, Result, Text

ORDERING_DAYS: Final = 60
"""How long before an end a new certificate is ordered: that takes weeks, and a new CPA needs the counterparty (DKC 7)."""
_NEXT: Final = {"g1": "G4"}
_MONTHS: Final = (
    Text("januari", "January"), Text("februari", "February"), Text("maart", "March"), Text("april", "April"),
    Text("mei", "May"), Text("juni", "June"), Text("juli", "July"), Text("augustus", "August"),
    Text("september", "September"), Text("oktober", "October"), Text("november", "November"),
    Text("december", "December"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """The generations that the two sides of one connection use, by the names in which they are printed."""

    connection: str
    own: tuple[str, ...] = ()
    peer: tuple[str, ...] = ()
    lab: bool = False


def sides(results: Iterable[Result]) -> tuple[Sides, ...]:
    """Return what the probes measured of each connection, in the order of the results; the web is no part of it."""
    own: dict[str, dict[str, None]] = {}
    peer: dict[str, dict[str, None]] = {}
    lab: dict[str, bool] = {}
    for result in results:
        for observation in result.observed:
            data = dict(observation.data)
            ours = data.get("own generation") or (data.get("generation") if data.get("role") != "web" else "")
            theirs = data.get("peer generation")
            if ours or theirs:
                lab[result.connection] = result.environment is Environment.LAB
            if ours:
                own.setdefault(result.connection, {})[ours] = None
            if theirs:
                peer.setdefault(result.connection, {})[theirs] = None
    return tuple(Sides(c, tuple(own.get(c, ())), tuple(peer.get(c, ())), lab[c]) for c in lab)


def outlook(results: Iterable[Result]) -> tuple[Text, ...]:
    """Return the sentences about generations: who uses which, and for one that ends, what to do by when."""
    found = sides(results)
    return (*_used(found), *(line for name in _ending() for line in _ends(name, found)))


def horizon(results: Iterable[Result]) -> tuple[Text, ...]:
    """Return for each generation that ends and is still used the one sentence that says so."""
    found = sides(results)
    return tuple(line for name in _ending() for line in islice(_ends(name, found), 1))


def _used(found: Iterable[Sides]) -> Iterable[Text]:
    """Yield a sentence for each pair of generations, with the connections of which it is true."""
    pairs: dict[tuple[str, str, bool], list[str]] = {}
    for one in found:
        pairs.setdefault((" + ".join(one.own), " + ".join(one.peer), one.lab), []).append(one.connection)
    for (own, peer, lab), names in pairs.items():
        where = ", ".join(names)
        nl = f"Generatie: wij {own or 'niet waargenomen'}, ketenpartner {peer or 'niet waargenomen'} ({where})"
        en = f"Generation: we {own or 'not seen'}, counterparty {peer or 'not seen'} ({where})"
        yield Text(f"{nl}{_LAB.nl if lab else ''}.", f"{en}{_LAB.en if lab else ''}.")


_LAB: Final = Text("; labcertificaten in die vorm", "; lab certificates in that shape")


def _ending() -> Mapping[str, date]:
    return {name: row["ends"] for name, row in policy().generations.items() if row.get("ends")}


def _ends(name: str, found: Sequence[Sides]) -> Iterable[Text]:
    label, ends = policy().label(name), _ending()[name]
    own = [one.connection for one in found if label in one.own]
    peer = [one.connection for one in found if label in one.peer]
    if not own and not peer:
        return
    short, after, month = name.upper(), _NEXT.get(name, "G4"), _MONTHS[ends.month - 1]
    who = [Text("wij", "we")] * bool(own) + [Text("de ketenpartner", "the counterparty")] * bool(peer)
    nl, en = " en ".join(w.nl for w in who), " and ".join(w.en for w in who)
    uses = Text("gebruiken" if own else "gebruikt", "use" if own else "uses")
    yield Text(
        f"{short} eindigt in {month.nl} {ends.year} ({label}, {ends:%d-%m-%Y}); {nl} {uses.nl} {short} nog.",
        f"{short} ends in {month.en} {ends.year} ({label}, {ends}); {en} still {uses.en} {short}.",
    )
    last = ends - timedelta(days=ORDERING_DAYS)
    if own:
        yield Text(
            f"Vraag bij de eerstvolgende vervanging {after} aan (ketentest generate csr --generation {after.lower()}), "
            f"uiterlijk op {last:%d-%m-%Y}; oefen de wissel eerst in het lab "
            f'(generation = "{after.lower()}" bij een labcertificaat in chain.toml).',
            f"Order {after} at the next replacement (ketentest generate csr --generation {after.lower()}), "
            f"on {last} at the latest; rehearse the swap in the lab first "
            f'(generation = "{after.lower()}" with a lab certificate in chain.toml).',
        )
    if peer:
        yield Text(
            f"Vertrouw nu al de stamcertificaten van {after}, zodat de ketenpartner kan wisselen wanneer die wil.",
            f"Trust the roots of {after} already, so that the counterparty can swap whenever it wants to.",
        )
