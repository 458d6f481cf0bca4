"""LogoutRequest and LogoutResponse (O)."""

from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import saw
from harness.lint.saml.heard import NO_METADATA, NO_RD, NO_REQUEST, Heard, shown
from harness.lint.saml.request import personal
from harness.lint.saml.signed_message import (
    crypto_findings,
    id_findings,
    instant_findings,
    issuer_findings,
    key_findings,
    known_issuer_findings,
    profile_findings,
    version_findings,
)
from harness.model import Finding, NotRun, Text
from harness.wire.saml import SAML, SAMLP, TRANSIENT, EntityId, Moment, q, text_of
from harness.wire.saml_message import status_of
from harness.wire.saml_schema import schema_errors

UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

request: RuleTable[Heard] = RuleTable()
response: RuleTable[Heard] = RuleTable()


@request.rule("SAML-SLO-002")
def sound_request(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """A LogoutRequest is signed, on time, to the RD, and names the transient subject (7.7.1)."""
    rule = "SAML-SLO-002"
    misplaced = doc.element.find(q(SAML, "SessionIndex")) is not None
    for line, message in schema_errors(doc.message.root):
        yield Finding(rule, "erratum" if misplaced else "schema", message, line=line)
    yield from id_findings(rule, doc.element)
    yield from version_findings(rule, doc.element)
    yield from instant_findings(rule, doc.element, ctx)
    yield from issuer_findings(rule, doc.element)
    yield from known_issuer_findings(rule, doc)
    yield from profile_findings(rule, doc)
    yield from key_findings(rule, doc)
    yield from crypto_findings(rule, doc)
    yield from _subject(rule, doc)
    until = Moment.read(doc.element.get("NotOnOrAfter"))
    if until is not None and until.at <= ctx.at:
        yield saw(rule, doc.element, shown(until.at), f"> {shown(ctx.at)}", case="expired")
    yield from _destination(rule, doc)


def _subject(rule: str, doc: Heard) -> Iterator[Finding]:
    """The NameID is the transient one of the assertion, and each SessionIndex is the same."""
    name = doc.element.find(q(SAML, "NameID"))
    value = text_of(name)
    if name is None or not value.strip():
        yield saw(rule, doc.element, "—", "saml:NameID", case="name-id")
        return
    if value != value.strip():
        yield saw(rule, name, Text("witruimte in de waarde", "white space in the value"), case="name-id")
    if name.get("Format", TRANSIENT) not in (TRANSIENT, UNSPECIFIED):
        yield saw(rule, name, name.get("Format") or "", TRANSIENT, case="format")
    if personal(value):
        yield saw(rule, name, personal(value), TRANSIENT, case="personal")
    sessions = [text_of(found).strip() for found in doc.element.findall(q(SAMLP, "SessionIndex"))]
    if any(session and session != value.strip() for session in sessions):
        yield saw(rule, doc.element, "SessionIndex", "NameID", case="session")


def _destination(rule: str, doc: Heard) -> Iterator[Finding | NotRun]:
    value = doc.element.get("Destination")
    if not value:
        yield saw(rule, doc.element, "—", "Destination", case="destination")
    elif doc.rd is None or doc.rd.idp is None:
        yield from not_run((rule,), NO_RD)
    else:
        places = [e.location for e in doc.rd.idp.of("SingleLogoutService")]
        if value not in places:
            yield saw(rule, doc.element, value[:200], ", ".join(places), case="destination")


@response.rule("SAML-SLO-003")
def sound_response(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """A LogoutResponse is signed by the RD, answers our request, and tells how it went (7.7.2)."""
    rule = "SAML-SLO-003"
    for line, message in schema_errors(doc.message.root):
        yield Finding(rule, "schema", message, line=line)
    name = EntityId.read(doc.message.issuer)
    if name is None or name.role != "RD" or (doc.rd is not None and doc.rd.entity_id != doc.message.issuer):
        expected = doc.rd.entity_id if doc.rd else "urn:nl-eid-gdi:1.0:RD:…"
        yield saw(rule, doc.element, doc.message.issuer[:160] or "—", expected, case="issuer")
    yield from version_findings(rule, doc.element)
    yield from profile_findings(rule, doc)
    yield from key_findings(rule, doc)
    yield from crypto_findings(rule, doc)
    asked = doc.first("LogoutRequest")
    if asked is None:
        yield from not_run((rule,), NO_REQUEST)
    elif doc.element.get("InResponseTo") != asked.identifier:
        yield saw(rule, doc.element, doc.element.get("InResponseTo") or "—", asked.identifier, case="in-response-to")
    places = {
        slo.response_location or slo.location
        for e in doc.entities.values()
        if e.sp
        for slo in e.sp.of("SingleLogoutService")
    }
    if places and doc.element.get("Destination") not in places:
        yield saw(
            rule, doc.element, doc.element.get("Destination") or "—", ", ".join(sorted(places)), case="destination"
        )
    elif not places:
        yield from not_run((rule,), NO_METADATA)
    status = status_of(doc.element)
    if status[:1] != ("Success",):
        yield saw(rule, doc.element, "/".join(status) or "—", "Success", case="status")
