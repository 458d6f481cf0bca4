"""DIGIMELDING: echo, identities, faults and the shape of an annotation (DMKS 1.3)."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.addressing import oins
from harness.lint.wus.message import Message, found
from harness.lint.wus.table import NO_REQUEST, rule
from harness.model import Finding, NotRun, Text
from harness.wire.soap import display, elements, local, text

Verdicts = Iterator[Finding | NotRun]
NAME: Final = "digimelding"
_MOST_ATTACHMENTS: Final = 5
_LONGEST_REFERENCE: Final = 12
_LONGEST_REGISTRY: Final = 3


def _payload(msg: Message) -> etree._Element | None:
    if msg.service.name != NAME or msg.envelope is None or msg.encrypted:
        return None
    return msg.envelope.payload


def _all(payload: etree._Element, name: str) -> list[etree._Element]:
    return [e for e in payload.iter() if isinstance(e.tag, str) and local(e) == name]


@rule("DIGIMELDING-PROF-001")
def the_profile_is_be_or_be_s(msg: Message, ctx: Context) -> Verdicts:
    """Digimelding is 2W-be, or 2W-be-S when the base registry asks for it (DMKS ch. 3)."""
    if _payload(msg) is not None and msg.envelope is not None and (msg.profile == "2W-be-SE" or msg.encrypted):
        yield found("DIGIMELDING-PROF-001", msg.envelope.body, observed="2W-be-SE", expected="2W-be, 2W-be-S")


@rule("DIGIMELDING-ECHO-001")
def the_echo_comes_back(msg: Message, ctx: Context) -> Verdicts:
    """The text of Echo comes back unchanged (DMKS ch. 4)."""
    payload = _payload(msg)
    if payload is not None and local(payload) == "EchoRequest":
        yield from _echo_asked(payload)
    if payload is None or local(payload) != "EchoResponse":
        return
    request = msg.companions.request
    if request is None or request.payload is None:
        yield NotRun("DIGIMELDING-ECHO-001", NO_REQUEST)
        return
    asked = "".join(e.text or "" for e in _all(request.payload, "Echo")[:1])
    answered = _all(payload, "Echo")
    got = "".join(e.text or "" for e in answered[:1])
    if got != asked:
        yield found("DIGIMELDING-ECHO-001", answered[0] if answered else payload, observed=got or "–", expected=asked)


def _echo_asked(payload: etree._Element) -> Verdicts:
    """A question for an echo: OinBasisregistratie, a Registratie of at most three letters if any, and Echo."""
    names = [local(child) for child in elements(payload)]
    if [name for name in names if name != "Registratie"] != ["OinBasisregistratie", "Echo"] or len(names) > 3:
        expected = "OinBasisregistratie, Registratie?, Echo"
        yield found(
            "DIGIMELDING-ECHO-001", payload, observed=", ".join(names) or "–", expected=expected, case="request"
        )
    for registry in _all(payload, "Registratie"):
        if not 1 <= len(text(registry)) <= _LONGEST_REGISTRY:
            yield found("DIGIMELDING-ECHO-001", registry, observed=text(registry), expected="BAG", case="request")


@rule("DIGIMELDING-ID-001", "DIGIMELDING-ID-002")
def the_identities_in_the_message(msg: Message, ctx: Context) -> Verdicts:
    """The OIN in the message may differ from the sender's; prefix 00000003 comes from eHerkenning (DMKS ch. 3)."""
    payload = _payload(msg)
    if payload is None or msg.envelope is None or not msg.is_request:
        return
    sender = [value for _, value in oins(msg.envelope.address("From"))]
    own = [e for name in ("Oin", "OinVragendeOrganisatie") for e in _all(payload, name)]
    for element in own[:1]:
        if sender and text(element) not in sender:
            yield found("DIGIMELDING-ID-001", element, observed=text(element), expected=sender[0])
    for element in [*own, *_all(payload, "OinBasisregistratie")]:
        if text(element).startswith("00000003"):
            yield found("DIGIMELDING-ID-002", element, observed=text(element))
            return


@rule("DIGIMELDING-ID-003")
def persons_stay_anonymous(msg: Message, ctx: Context) -> Verdicts:
    """Persoonsaanduiding is "anoniem" unless agreed otherwise (DMKS ch. 4)."""
    payload = _payload(msg)
    for element in _all(payload, "Persoonsaanduiding") if payload is not None else ():
        if text(element).lower() != "anoniem":
            observed = Text("een andere waarde", "another value")
            yield found("DIGIMELDING-ID-003", element, observed=observed, expected="anoniem")
            return


@rule("DIGIMELDING-FAULT-001", "DIGIMELDING-FAULT-002")
def the_fault_has_its_detail(msg: Message, ctx: Context) -> Verdicts:
    """The detail of a fault is DigimeldingSynchroonFault with a DK code or a code of the registry (DMKS ch. 5)."""
    payload = _payload(msg)
    if payload is None or msg.envelope is None or msg.envelope.fault is None:
        return
    details = [d for child in elements(msg.envelope.fault) if local(child) == "detail" for d in elements(child)]
    wanted = f"{{{msg.service.body_namespace}}}DigimeldingSynchroonFault"
    if not any(str(d.tag) == wanted for d in details):
        observed = ", ".join(display(d) for d in details) or Text("geen detail", "no detail")
        yield found("DIGIMELDING-FAULT-001", msg.envelope.fault, observed=observed, expected=wanted)
        return
    code = next((text(e) for d in details for e in _all(d, "faultcode")), "")
    parts = code.split(".")
    name = parts[1] if len(parts) > 1 else ""
    known = msg.service.codes.get(name)
    if known is not None:
        observed = Text(f"{code}: {known.meaning.nl}", f"{code}: {known.meaning.en}")
        yield found("DIGIMELDING-FAULT-002", details[0], observed=observed, expected=known.who)
    else:
        observed = Text(f"{code or '–'}: code van de basisregistratie", f"{code or '–'}: code of the base registry")
        yield found("DIGIMELDING-FAULT-002", details[0], observed=observed)


@rule("DIGIMELDING-SYNTAX-001")
def the_annotation_has_its_shape(msg: Message, ctx: Context) -> Verdicts:
    """Referentiekenmerk at most 12, ContactType Melder or Behandelaar, at most 5 attachments, one tree or one annotation (DMKS ch. 4)."""
    payload = _payload(msg)
    if payload is None or local(payload) != "AnnotatieToevoegenRequest":
        return
    for reference in _all(payload, "Referentiekenmerk"):
        value = text(reference) or next(
            (text(e) for e in reference.iter() if isinstance(e.tag, str) and local(e) == "Kenmerk"), ""
        )
        if len(value) > _LONGEST_REFERENCE:
            yield found("DIGIMELDING-SYNTAX-001", reference, observed=f"{value} ({len(value)})", expected="≤ 12")
    for contact in payload.iter():
        kind = contact.get("ContactType") if isinstance(contact.tag, str) else None
        if kind is not None and kind not in ("Melder", "Behandelaar"):
            yield found(
                "DIGIMELDING-SYNTAX-001", contact, observed=f"ContactType={kind}", expected="Melder, Behandelaar"
            )
    attachments = _all(payload, "Bijlage")
    if len(attachments) > _MOST_ATTACHMENTS:
        yield found("DIGIMELDING-SYNTAX-001", attachments[5], observed=f"{len(attachments)} × Bijlage", expected="≤ 5")
    trees = [local(e) for e in elements(payload) if local(e) in ("Annotatie", "AnnotatieBoom")]
    if len(trees) != 1:
        observed = ", ".join(trees) or Text("geen", "none")
        yield found("DIGIMELDING-SYNTAX-001", payload, observed=observed, expected="Annotatie | AnnotatieBoom")
