"""Build SAML messages: what a DV or LC sends, and what the routing service answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from harness.wire.saml import (
    ACTING_SUBJECT,
    BEARER,
    DS,
    INTENDED_AUDIENCE,
    LEGAL_SUBJECT,
    LOA_SUBSTANTIAL,
    REPRESENTATION,
    SAML,
    SAMLP,
    SERVICE_UUID,
    SOAP,
    STATUS,
    TRANSIENT,
    Element,
    new_id,
    q,
    stamp,
)

NAMESPACES: Final = {"samlp": SAMLP, "saml": SAML, "ds": DS}
CONFIRMED_FOR: Final = timedelta(minutes=2)


def _message(name: str, issuer: str, at: datetime, identifier: str = "", **attributes: str) -> Element:
    element = etree.Element(q(SAMLP, name), nsmap=NAMESPACES)
    element.set("ID", identifier or new_id())
    element.set("Version", "2.0")
    element.set("IssueInstant", stamp(at))
    for key, value in attributes.items():
        element.set(key, value)
    etree.SubElement(element, q(SAML, "Issuer")).text = issuer
    return element


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an AuthnRequest asks: a service of a dienstverlener, or the index of a service in the metadata."""

    audience: str = ""
    service_uuid: str = ""
    service_index: str = ""
    acs_index: str = "0"
    force: bool = False


def authn_request(issuer: str, destination: str, wanted: Wanted, at: datetime) -> Element:
    """Return an unsigned AuthnRequest; sign it at position 1, behind the Issuer."""
    request = _message("AuthnRequest", issuer, at, Destination=destination)
    if wanted.force:
        request.set("ForceAuthn", "true")
    request.set("AssertionConsumerServiceIndex", wanted.acs_index)
    if wanted.service_index:
        request.set("AttributeConsumingServiceIndex", wanted.service_index)
    else:
        extensions = etree.SubElement(request, q(SAMLP, "Extensions"))
        _attribute(extensions, SERVICE_UUID, wanted.service_uuid)
        _attribute(extensions, INTENDED_AUDIENCE, wanted.audience)
    return request


def _attribute(parent: Element, name: str, value: str | Element) -> Element:
    attribute = etree.SubElement(parent, q(SAML, "Attribute"), Name=name)
    holder = etree.SubElement(attribute, q(SAML, "AttributeValue"))
    if isinstance(value, str):
        holder.text = value
    else:
        holder.append(value)
    return attribute


def artifact_resolve(issuer: str, destination: str, artifact: str, at: datetime) -> Element:
    """Return an unsigned ArtifactResolve."""
    resolve = _message("ArtifactResolve", issuer, at, Destination=destination)
    etree.SubElement(resolve, q(SAMLP, "Artifact")).text = artifact
    return resolve


def logout_request(issuer: str, destination: str, transient: str, at: datetime, session_index: str = "") -> Element:
    """Return an unsigned LogoutRequest for the transient name that the assertion gave."""
    request = _message("LogoutRequest", issuer, at, Destination=destination)
    name = etree.SubElement(request, q(SAML, "NameID"))
    name.text = transient
    if session_index:
        etree.SubElement(request, q(SAMLP, "SessionIndex")).text = session_index
    return request


def logout_response(issuer: str, destination: str, in_response_to: str, at: datetime, status: Sequence[str]) -> Element:
    """Return an unsigned LogoutResponse."""
    response = _message("LogoutResponse", issuer, at, Destination=destination, InResponseTo=in_response_to)
    return set_status(response, status)


def set_status(message: Element, codes: Iterable[str], text: str = "") -> Element:
    """Append a Status with nested codes (`Responder`, `AuthnFailed`) and an optional message."""
    status = etree.SubElement(message, q(SAMLP, "Status"))
    parent = status
    for code in codes:
        parent = etree.SubElement(parent, q(SAMLP, "StatusCode"), Value=STATUS + code)
    if text:
        etree.SubElement(status, q(SAMLP, "StatusMessage")).text = text
    return message


def artifact_response(issuer: str, in_response_to: str, at: datetime, status: Sequence[str] = ("Success",)) -> Element:
    """Return an unsigned ArtifactResponse; append the Response, then sign at position 1."""
    return set_status(_message("ArtifactResponse", issuer, at, InResponseTo=in_response_to), status)


def response(
    issuer: str, destination: str, in_response_to: str, at: datetime, status: Sequence[str], text: str = ""
) -> Element:
    """Return an unsigned Response; it travels inside a signed ArtifactResponse."""
    element = _message("Response", issuer, at, Destination=destination, InResponseTo=in_response_to)
    return set_status(element, status, text)


@dataclass(frozen=True, slots=True)
class Claims:
    """What an assertion says: to whom, in answer to what, about whom and how sure."""

    issuer: str
    recipient: str
    in_response_to: str
    audience: tuple[str, ...]
    transient: str
    service_uuid: str
    acting: Element | None = None
    legal: Element | None = None
    representation: str = ""
    level: str = LOA_SUBSTANTIAL
    authorities: tuple[str, ...] = ()
    advice: tuple[Element, ...] = field(default=())


def assertion(claims: Claims, at: datetime) -> Element:
    """Return an unsigned Assertion; sign it at position 1, behind the Issuer."""
    element = etree.Element(q(SAML, "Assertion"), nsmap={"saml": SAML, "ds": DS})
    element.set("ID", new_id())
    element.set("Version", "2.0")
    element.set("IssueInstant", stamp(at))
    etree.SubElement(element, q(SAML, "Issuer")).text = claims.issuer
    _subject(element, claims, at)
    _conditions(element, claims, at)
    if claims.advice:
        advice = etree.SubElement(element, q(SAML, "Advice"))
        for inner in claims.advice:
            advice.append(inner)
    _authentication(element, claims, at)
    statement = etree.SubElement(element, q(SAML, "AttributeStatement"))
    _attribute(statement, SERVICE_UUID, claims.service_uuid)
    for name, value in ((LEGAL_SUBJECT, claims.legal), (ACTING_SUBJECT, claims.acting)):
        if value is not None:
            _attribute(statement, name, value)
    if claims.representation:
        _attribute(statement, REPRESENTATION, claims.representation)
    return element


def _subject(parent: Element, claims: Claims, at: datetime) -> None:
    subject = etree.SubElement(parent, q(SAML, "Subject"))
    etree.SubElement(subject, q(SAML, "NameID"), Format=TRANSIENT).text = claims.transient
    confirmation = etree.SubElement(subject, q(SAML, "SubjectConfirmation"), Method=BEARER)
    data = etree.SubElement(confirmation, q(SAML, "SubjectConfirmationData"))
    data.set("NotOnOrAfter", stamp(at + CONFIRMED_FOR))
    data.set("Recipient", claims.recipient)
    data.set("InResponseTo", claims.in_response_to)


def _conditions(parent: Element, claims: Claims, at: datetime) -> None:
    conditions = etree.SubElement(parent, q(SAML, "Conditions"))
    conditions.set("NotBefore", stamp(at - CONFIRMED_FOR))
    conditions.set("NotOnOrAfter", stamp(at + CONFIRMED_FOR))
    restriction = etree.SubElement(conditions, q(SAML, "AudienceRestriction"))
    for audience in claims.audience:
        etree.SubElement(restriction, q(SAML, "Audience")).text = audience


def _authentication(parent: Element, claims: Claims, at: datetime) -> None:
    statement = etree.SubElement(parent, q(SAML, "AuthnStatement"))
    statement.set("AuthnInstant", stamp(at))
    statement.set("SessionIndex", claims.transient)
    context = etree.SubElement(statement, q(SAML, "AuthnContext"))
    etree.SubElement(context, q(SAML, "AuthnContextClassRef")).text = claims.level
    for authority in claims.authorities:
        etree.SubElement(context, q(SAML, "AuthenticatingAuthority")).text = authority


def in_soap(message: Element) -> bytes:
    """Return the message in a SOAP 1.1 envelope, without touching what was signed."""
    envelope = etree.Element(q(SOAP, "Envelope"), nsmap={"soapenv": SOAP})
    etree.SubElement(envelope, q(SOAP, "Body")).append(message)
    return etree.tostring(envelope)
