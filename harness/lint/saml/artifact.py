"""ArtifactResolve and ArtifactResponse on the back channel (M)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import STATES, SignatureFacts, saw
from harness.lint.saml.heard import (
    NO_METADATA,
    NO_RD,
    NO_REQUEST,
    NOT_CAPTURED,
    Heard,
    instant,
    issuer_of,
    shown,
)
from harness.lint.saml.routing import PINNED
from harness.lint.saml.signed_message import (
    crypto_findings,
    id_findings,
    instant_findings,
    issuer_findings,
    key_findings,
    known_issuer_findings,
    profile_findings,
    schema_findings,
    version_findings,
)
from harness.model import Finding, NotRun, Text
from harness.wire.saml import CANCELLED, SAML, SAMLP, Element, children, q, text_of
from harness.wire.saml_message import Artifact, soap_children, status_message, status_of
from harness.wire.saml_signature import State

resolve: RuleTable[Heard] = RuleTable()
answer: RuleTable[Heard] = RuleTable()

SKEW: Final = timedelta(minutes=5)


@resolve.rule("SAML-ART-010")
def soap_post(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """SOAP 1.1 with one child, posted as text/xml (7.5)."""
    if doc.message.carried.soap != "1.1":
        found = f"SOAP {doc.message.carried.soap}" if doc.message.carried.soap else Text("geen SOAP", "no SOAP")
        yield saw("SAML-ART-010", doc.message.root, found, "SOAP 1.1")
    elif soap_children(doc.message.root) != 1:
        yield saw("SAML-ART-010", doc.message.root, f"{soap_children(doc.message.root)} × Body/*", "1", case="count")
    head = doc.raw.http
    if head is None:
        yield from not_run(("SAML-ART-010",), NOT_CAPTURED)
        return
    if not head.start.startswith("POST "):
        yield saw("SAML-ART-010", doc.message.root, head.start[:40], "POST", case="method")
    if not head.get("content-type").lower().startswith("text/xml"):
        yield saw("SAML-ART-010", doc.message.root, head.get("content-type")[:60] or "—", "text/xml", case="type")


@resolve.rule("SAML-ART-012")
def artifact_unchanged(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The Artifact is the value that was received: 44 bytes of type 4, no white space (7.5)."""
    holder = doc.element.find(q(SAMLP, "Artifact"))
    value = text_of(holder)
    if re.search(r"\s", value):
        yield saw(
            "SAML-ART-012",
            holder if holder is not None else doc.element,
            Text("witruimte in de waarde", "white space in the value"),
            case="blank",
        )
    elif Artifact.read(value) is None:
        yield saw(
            "SAML-ART-012",
            holder if holder is not None else doc.element,
            Text(f"{len(value)} tekens", f"{len(value)} characters"),
            "44 bytes, 00 04 …",
        )


@resolve.rule("SAML-ART-004")
def artifact_of_the_rd(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The SourceID is that of the RD, and its index is one of the RD's addresses (SAML bindings 3.6.4)."""
    artifact = Artifact.read(text_of(doc.element.find(q(SAMLP, "Artifact"))).strip())
    if artifact is None or doc.rd is None or doc.rd.idp is None:
        return
    places = [e.index or "0" for e in doc.rd.idp.of("ArtifactResolutionService")]
    if not artifact.of(doc.rd.entity_id):
        yield saw("SAML-ART-004", doc.element, artifact.source_id.hex(), doc.rd.entity_id)
    elif str(artifact.index) not in places:
        yield saw("SAML-ART-004", doc.element, str(artifact.index), ", ".join(places), case="index")


@resolve.rule("SAML-ART-013")
def sound_message(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """ID, Version, IssueInstant, Issuer and signature as for an AuthnRequest (7.5)."""
    rule = "SAML-ART-013"
    yield from schema_findings(rule, doc)
    yield from id_findings(rule, doc.element)
    yield from version_findings(rule, doc.element)
    yield from instant_findings(rule, doc.element, ctx)
    yield from issuer_findings(rule, doc.element)
    yield from known_issuer_findings(rule, doc)
    yield from profile_findings(rule, doc)
    yield from key_findings(rule, doc)
    yield from crypto_findings(rule, doc)


@resolve.rule("SAML-ART-014")
def same_issuer(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Who asked for the login resolves the artifact: the LC in a cluster."""
    request = doc.first("AuthnRequest")
    if request is None:
        yield from not_run(("SAML-ART-014",), NO_REQUEST)
    elif request.issuer != doc.message.issuer:
        yield saw("SAML-ART-014", doc.element, doc.message.issuer, request.issuer)


@resolve.rule("SAML-ART-015")
def resolve_destination(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Destination, if present, is the artifact resolution address of the RD (7.5)."""
    value = doc.element.get("Destination")
    if value is None:
        return
    if doc.rd is None or doc.rd.idp is None:
        yield from not_run(("SAML-ART-015",), NO_RD)
        return
    places = [e.location for e in doc.rd.idp.of("ArtifactResolutionService")]
    if value not in places:
        yield saw("SAML-ART-015", doc.element, value[:200], ", ".join(places))


@resolve.rule("SAML-ART-017")
def survives_envelope(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The signature is still intact inside the SOAP envelope."""
    facts = doc.signature
    if facts.state is State.REFORMATTED and facts.signature is not None:
        yield saw("SAML-ART-017", facts.signature.element)


# --- what the RD answers ----------------------------------------------------------------------------------------------


def expected_rd(doc: Heard, ctx: Context) -> str:
    """Return the entityID of the RD as it was agreed: from its metadata, a setting or the environment."""
    return (doc.rd.entity_id if doc.rd else "") or ctx.setting("rd-entityid") or PINNED.get(ctx.environment, "")


@answer.rule("SAML-ART-020")
def signed_by_rd(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The ArtifactResponse carries one signature of the RD, over the very message that is used (7.6.1)."""
    if doc.message.kind != "ArtifactResponse":
        return
    for line, message in ((f.line, f.observed) for f in schema_findings("SAML-ART-020", doc)):
        yield Finding("SAML-ART-020", "schema", message, line=line)
    yield from version_findings("SAML-ART-020", doc.element)
    yield from profile_findings("SAML-ART-020", doc)
    yield from _key_and_crypto("SAML-ART-020", doc, doc.signature)


def _key_and_crypto(rule: str, doc: Heard, facts: SignatureFacts) -> Iterator[Finding | NotRun]:
    if facts.signature is None:
        return
    if doc.rd is None:
        yield from not_run((rule,), NO_RD)
    elif facts.chosen is None:
        yield saw(rule, facts.signature.element, facts.signature.key_name or "—", case="key")
    elif facts.state is not None and facts.state not in (State.INTACT, State.UNSUPPORTED):
        yield saw(rule, facts.signature.element, STATES[facts.state], case=str(facts.state))


@answer.rule("SAML-ART-021")
def answers_our_resolve(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """InResponseTo is the ID of our ArtifactResolve (7.6.1)."""
    if doc.message.kind != "ArtifactResponse":
        return
    asked = doc.first("ArtifactResolve")
    if asked is None:
        yield from not_run(("SAML-ART-021",), NO_REQUEST)
    elif doc.element.get("InResponseTo") != asked.identifier:
        yield saw("SAML-ART-021", doc.element, doc.element.get("InResponseTo") or "—", asked.identifier)


@answer.rule("SAML-ART-022")
def issued_by_rd(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The Issuer is the RD that was agreed (7.6.1)."""
    if doc.message.kind != "ArtifactResponse":
        return
    expected = expected_rd(doc, ctx)
    if not expected:
        yield from not_run(("SAML-ART-022",), NO_RD)
    elif doc.message.issuer != expected:
        yield saw("SAML-ART-022", doc.element, doc.message.issuer or "—", expected)


@answer.rule("SAML-ART-023", "SAML-ART-024")
def resolved(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The artifact gave a Response; without one the login has ended (7.6.1)."""
    if doc.message.kind != "ArtifactResponse":
        return
    status = status_of(doc.element)
    if status[:1] != ("Success",):
        yield saw("SAML-ART-024", doc.element, "/".join(status) or "—", "Success")
    elif doc.response is None:
        yield saw("SAML-ART-023", doc.element, Text("geen Response", "no Response"), "samlp:Response")


@answer.rule("SAML-ART-025")
def response_fits(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The Response answers our AuthnRequest, at our ACS, by the RD (7.6.2)."""
    response = doc.response
    if response is None:
        return
    expected = expected_rd(doc, ctx)
    if expected and issuer_of(response) and issuer_of(response) != expected:
        yield saw("SAML-ART-025", response, issuer_of(response), expected, case="issuer")
    if response.get("Version") != "2.0":
        yield saw("SAML-ART-025", response, response.get("Version") or "—", "2.0", case="version")
    request = doc.first("AuthnRequest")
    if request is None:
        yield from not_run(("SAML-ART-025",), NO_REQUEST)
    elif response.get("InResponseTo") != request.identifier:
        yield saw(
            "SAML-ART-025", response, response.get("InResponseTo") or "—", request.identifier, case="in-response-to"
        )
    yield from _at_our_acs("SAML-ART-025", doc, response, "Destination")


def _at_our_acs(rule: str, doc: Heard, element: Element, attribute: str) -> Iterator[Finding | NotRun]:
    """The attribute names an ACS of the entity that asked."""
    value = element.get(attribute)
    places = own_places(doc)
    if places and value not in places:
        yield saw(rule, element, f"{attribute}: {value or '—'}", ", ".join(sorted(places)), case=attribute.lower())
    elif not places:
        yield from not_run((rule,), NO_METADATA)


def own_places(doc: Heard) -> frozenset[str]:
    """Return the ACS addresses of our side: that of the request's index, or all of them."""
    request = doc.first("AuthnRequest")
    own = [e for e in doc.entities.values() if e.sp and (request is None or e.entity_id == request.issuer)]
    index = request.element.get("AssertionConsumerServiceIndex") if request else None
    return frozenset(
        acs.location
        for e in own
        if e.sp
        for acs in e.sp.of("AssertionConsumerService")
        if index is None or acs.index == index
    )


@answer.rule("SAML-ART-026")
def one_assertion(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Success brings exactly one Assertion, another status none, and it is never encrypted as a whole (7.6.2)."""
    response = doc.response
    if response is None:
        return
    plain = sum(1 for c in children(response) if c.tag == q(SAML, "Assertion"))
    hidden = sum(1 for c in children(response) if c.tag == q(SAML, "EncryptedAssertion"))
    wanted = 1 if status_of(response)[:1] == ("Success",) else 0
    if hidden:
        yield saw("SAML-ART-026", response, f"{hidden} × EncryptedAssertion", "0", case="encrypted")
    if plain != wanted:
        yield saw("SAML-ART-026", response, f"{plain} × Assertion", str(wanted))


@answer.rule("SAML-ART-027", "SAML-ART-028")
def not_logged_in(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The person cancelled, or the login was refused: the application says so and ends its session (7.8)."""
    response = doc.response
    if response is None:
        return
    status = status_of(response)
    if status[:1] == ("Success",):
        return
    text = status_message(response)
    cancelled = "AuthnFailed" in status and text == CANCELLED
    rule = "SAML-ART-027" if cancelled else "SAML-ART-028"
    yield saw(rule, response, f"{'/'.join(status)} {text}".strip(), case="observed")


@answer.rule("SAML-ART-029")
def issued_in_time(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """IssueInstants lie within five minutes of the clock."""
    for element in (doc.element, doc.response, doc.assertion):
        moment = instant(element) if element is not None else None
        if element is not None and moment and abs(moment.at - ctx.at) > SKEW:
            yield saw("SAML-ART-029", element, shown(moment.at), shown(ctx.at))
            return
