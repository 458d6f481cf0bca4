"""Gather the days on which something in the chain ends, and write them as a calendar (RFC 5545)."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from harness.lint.judge import Raw
from harness.lint.pki.agreed import holders
from harness.lint.pki.policy import policy, read_policy
from harness.model import Environment, Text, say
from harness.outlook import ORDERING_DAYS
from harness.run import Run
from harness.wire import certfile
from harness.wire.x509 import Certificate

if TYPE_CHECKING:  # a report has a calendar too, and needs none of what sends
    from harness.agenda import Agenda
    from harness.link import Link
    from harness.report.model import Report

LATER_DAYS: Final = 180


@dataclass(frozen=True, slots=True)
class Day:
    """One day to keep in mind: what ends or is due, what that means, and how many days before to warn."""

    on: date
    title: Text
    details: Text
    warn: int = ORDERING_DAYS
    key: str = ""


def of_link(link: "Link") -> Iterator[Day]:
    """Yield the ends of every certificate of ours in every role, of the CAs above it, and of the agreements."""
    for role, material in link.materials.items():
        found = certfile.opened(material.certificate, material.password).certificates
        yield from of_chain(found, Text(f"ons {role}", f"our {role}"), link.name)
    for name in ("cpa", "own-metadata", "metadata"):
        data = link.documents.get(name)
        for one in holders(Raw(data)) if data else ():
            if one.end:
                title = Text(f"{one.document} van {link.name} eindigt", f"{one.document} of {link.name} ends")
                details = Text("Spreek op tijd een nieuwe versie af.", "Agree on a new version in time.")
                yield Day(one.end.date(), title, details, key=f"{link.name} {name}")


def of_chain(chain: Iterable[Certificate], whose: Text, connection: str, *, theirs: bool = False) -> Iterator[Day]:
    """Yield the end of a leaf, of each CA above it, and of its generation when that has an end."""
    for certificate in chain:
        if certificate.not_after is None:
            continue
        name = certificate.subject.short
        kind = Text("CA", "CA") if certificate.is_ca else whose
        title = Text(f"{kind.nl}-certificaat verloopt: {name}", f"{kind.en} certificate expires: {name}")
        act = _CA_ENDS if certificate.is_ca else _THEIRS_ENDS if theirs else _LEAF_ENDS
        about = f"{connection}; {certificate.subject}; SHA-256 {certificate.sha256}"
        yield Day(
            certificate.not_after.date(),
            title,
            Text(f"{act.nl} {about}", f"{act.en} {about}"),
            LATER_DAYS if certificate.is_ca else ORDERING_DAYS,
            certificate.sha256,
        )
        yield from _generation(certificate)


_LEAF_ENDS: Final = Text(
    "Vraag een nieuw certificaat aan (ketentest generate csr) en spreek de wissel af met de ketenpartner.",
    "Order a new certificate (ketentest generate csr) and agree on the swap with the counterparty.",
)
_THEIRS_ENDS: Final = Text(
    "Vraag de ketenpartner wanneer die wisselt, en onder welke generatie; vertrouw de nieuwe uitgever op tijd.",
    "Ask the counterparty when it swaps and under which generation; trust the new issuer in time.",
)
_CA_ENDS: Final = Text(
    "Na deze dag is geen certificaat eronder nog geldig.", "After this day no certificate below it is valid."
)


def _generation(certificate: Certificate) -> Iterator[Day]:
    generations = {p.generation for p in map(read_policy, certificate.policies) if p}
    for name in sorted(generations):
        ends = policy().generations.get(name, {}).get("ends")
        if ends:
            label = policy().label(name)
            title = Text(f"{label} eindigt", f"{label} ends")
            details = Text(
                "Alle certificaten eronder zijn dan vervangen door G4, ook bij ketenpartners.",
                "By then every certificate below it has been replaced by G4, with counterparties too.",
            )
            yield Day(ends, title, details, 365, f"generation {name}")


def of_report(report: "Report") -> Iterator[Day]:
    """Yield the ends of our own certificates and the terms that run, as the report has them."""
    lab = Text(" (lab)", " (lab)") if report.exercise else Text("", "")
    for bar in report.validities:
        title = Text(f"Certificaat verloopt: {bar.label}{lab.nl}", f"Certificate expires: {bar.label}{lab.en}")
        yield Day(bar.end, title, _LEAF_ENDS, key=f"own {bar.label}")
    for moment in report.timeline:
        if moment.due:
            yield Day(moment.due, Text(moment.label, moment.label), Text(moment.text, moment.text), 7, moment.label)


def of_run(run: Run, connections: Collection[str] = (), *, lab: bool = True) -> Iterator[Day]:
    """Yield the ends of the chains that the counterparties served in this run, from its evidence."""
    for result in run.results:
        if (connections and result.connection not in connections) or (
            result.environment is Environment.LAB and not lab
        ):
            continue
        for kept in result.evidence:
            file = run.path.parent / "evidence" / kept.name if run.path else None
            if kept.name.endswith("served-chain.pem") and file and file.is_file():
                found = certfile.opened(file.read_bytes()).certificates
                suffix = ", lab" if result.environment is Environment.LAB else ""
                whose = Text(
                    f"{result.connection} (ketenpartner{suffix})", f"{result.connection} (counterparty{suffix})"
                )
                yield from of_chain(found, whose, result.endpoint or result.connection, theirs=True)


def of_agenda(connection: str, agenda: "Agenda") -> Iterator[Day]:
    """Yield the steps of the procedure that have a term."""
    for todo in agenda.deadlines:
        if todo.due:
            title = Text(f"{connection}: {todo.row} {todo.title.nl}", f"{connection}: {todo.row} {todo.title.en}")
            details = Text(f"{todo.who}: {say(todo.what, 'nl')}", f"{todo.who}: {say(todo.what, 'en')}")
            yield Day(todo.due, title, details, 7, f"{connection} {todo.row}")


def in_order(days: Iterable[Day]) -> list[Day]:
    """Return the days in order, each thing once."""
    once = {(day.key, day.on): day for day in reversed(list(days))}
    return sorted(once.values(), key=lambda day: (day.on, day.key))


def as_ics(days: Iterable[Day], now: datetime, lang: str) -> bytes:
    """Return an iCalendar file: whole-day events that do not block the day, each with a warning in advance."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ketentest//horizon//NL", "CALSCALE:GREGORIAN"]
    for day in days:
        lines += _event(day, now, lang)
    folded = (piece for line in [*lines, "END:VCALENDAR"] for piece in _folded(line))
    return "".join(f"{line}\r\n" for line in folded).encode()


def _event(day: Day, now: datetime, lang: str) -> Iterator[str]:
    uid = hashlib.sha256(f"{day.key} {day.on}".encode()).hexdigest()[:32]
    title, details = day.title.of(lang), day.details.of(lang)
    yield from (
        "BEGIN:VEVENT",
        f"UID:{uid}@ketentest",
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day.on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day.on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(title)}",
        f"DESCRIPTION:{_escaped(details)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escaped(title)}",
        f"TRIGGER:-P{day.warn}D",
        "END:VALARM",
        "END:VEVENT",
    )


def _escaped(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return "".join(c if c.isprintable() else " " for c in text.replace("\n", "\\n"))


def _folded(line: str) -> Iterator[str]:
    """Yield a line in pieces of at most 75 octets, never cutting a character."""
    piece, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > 75:
            yield piece
            piece, size = " ", 1
        piece += character
        size += octets
    yield piece
