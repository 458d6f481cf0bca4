"""What the routing service of the lab answers: metadata, assertion and ArtifactResponse, sound or with one fault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from harness.lab.tvs_forgeries import (
    CHANGES,
    TEST_BSN,
    around,
    beside,
    child_of_forged,
    forged,
    in_extensions,
    in_object,
    in_own_signature,
    key_value,
    unreadable,
    weaken,
)
from harness.wire import saml_build as build
from harness.wire.saml import (
    CANCELLED,
    DS,
    FULL_AUTHORITY,
    HTTP_POST,
    LOA_BASIC,
    LOA_HIGH,
    LOA_SUBSTANTIAL,
    MD,
    SAML,
    SAMLP,
    SOAP_BINDING,
    XENC,
    Element,
    EntityId,
    new_id,
    q,
    stamp,
)
from harness.wire.saml_encrypted import Form, Recipient, encrypt, name_id
from harness.wire.saml_generate import NAMESPACES, key_descriptor, serialise
from harness.wire.saml_metadata import Entity, key_certificates
from harness.wire.saml_signature import SIGNATURE, Signer, sign

OTHER_BSN: Final = "999990019"
WHILE: Final = timedelta(days=30)
WRONG_METADATA: Final = frozenset({"metadata-expired", "metadata-broken", "metadata-other-oin"})
HERE: Final = "/kvs/rd/"
STRAY: Final = "/kvs/elders/"
"""The folder of addresses that only wrong metadata names, besides a key that only wrong metadata lists."""
HUGE: Final = 50_000_000
SUCCESS: Final = ("Success",)

STATUSES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "cancel": (("Responder", "AuthnFailed"), CANCELLED),
    "failed": (("Responder", "AuthnFailed"), ""),
    "no-authn-context": (("Responder", "NoAuthnContext"), ""),
    "request-denied": (("Requester", "RequestDenied"), ""),
    "request-unsupported": (("Requester", "RequestUnsupported"), ""),
    "no-supported-idp": (("Requester", "NoSupportedIDP"), ""),
    "requester": (("Requester",), ""),
}
LEVELS: Final = {
    "low-level": LOA_BASIC,
    "high-level": LOA_HIGH,
    "unknown-level": "http://eid.logius.nl/LoA/unknown",
    "eidas": LOA_HIGH,
    "digid-3-level": "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
}
EIDAS_NODE: Final = "urn:nl-eid-gdi:1.0:AD:00000099000000009600:entities:9000"
ELSEWHERE: Final = "https://elders.ketentest.test/saml/acs"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the lab's services: two of the RD (rollover), one of the AD, one that belongs to nobody."""

    first: Signer
    second: Signer
    authority: Signer
    stranger: Signer


@dataclass(frozen=True, slots=True)
class Service:
    """The routing service: its name, the authentication service behind it, and its addresses."""

    entity_id: str
    authority_id: str
    login: str
    resolve: str
    logout: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who logs in, how sure we are, and whom this person represents."""

    bsn: str = TEST_BSN
    level: str = LOA_SUBSTANTIAL
    represents: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """One login that waits for its artifact to be resolved."""

    issuer: str
    audience: str
    service_uuid: str
    request_id: str
    acs: str
    at: datetime
    person: Person = Person()


def metadata(service: Service, keys: Keys, at: datetime, faults: frozenset[str] = frozenset()) -> bytes:
    """Return the signed metadata of the RD."""
    root = etree.Element(q(MD, "EntityDescriptor"), nsmap=NAMESPACES)
    root.set("ID", new_id())
    root.set("entityID", _other_oin(service.entity_id) if "metadata-other-oin" in faults else service.entity_id)
    root.set("validUntil", stamp(at - WHILE if "metadata-expired" in faults else at + WHILE))
    role = etree.SubElement(root, q(MD, "IDPSSODescriptor"), WantAuthnRequestsSigned="true")
    role.set("protocolSupportEnumeration", SAMLP)
    wrong = faults & WRONG_METADATA
    for signer in (keys.first, keys.stranger) if wrong else (keys.first, keys.second):
        key_descriptor(role, "signing", signer.certificate)
    resolution = etree.SubElement(role, q(MD, "ArtifactResolutionService"), Binding=SOAP_BINDING)
    resolution.set("Location", service.resolve)
    resolution.set("index", "0")
    etree.SubElement(role, q(MD, "SingleLogoutService"), Binding=HTTP_POST, Location=service.logout)
    etree.SubElement(role, q(MD, "SingleSignOnService"), Binding=HTTP_POST, Location=service.login)
    if wrong - {"metadata-broken"}:
        _lead_elsewhere(root)
    document = serialise(sign(root, keys.first))
    return document.replace(HERE.encode(), STRAY.encode()) if "metadata-broken" in faults else document


def _lead_elsewhere(root: Element) -> None:
    """Name addresses that no sound metadata names: who comes there has taken these over."""
    for element in root.iter(
        q(MD, "SingleSignOnService"), q(MD, "SingleLogoutService"), q(MD, "ArtifactResolutionService")
    ):
        element.set("Location", (element.get("Location") or "").replace(HERE, STRAY))


def _other_oin(entity_id: str) -> str:
    name = EntityId.read(entity_id)
    return str(replace(name, oin="00000099000000009999")) if name else entity_id


class Answers:
    """Builds the answer to one ArtifactResolve, with the faults that were asked for."""

    def __init__(
        self,
        service: Service,
        keys: Keys,
        entities: Mapping[str, Entity],
        faults: frozenset[str] = frozenset(),
        spec: str = "4.4",
    ) -> None:
        self.service, self.keys, self.entities, self.faults, self.spec = service, keys, entities, faults, spec

    def nothing(self, resolve_id: str, at: datetime) -> bytes:
        """Return what an unknown artifact gives: Success, and no Response."""
        return build.in_soap(self._signed(build.artifact_response(self.service.entity_id, resolve_id, at)))

    def denied(self, resolve_id: str, at: datetime) -> bytes:
        """Return the refusal to resolve."""
        status = ("Requester", "RequestDenied")
        return build.in_soap(self._signed(build.artifact_response(self.service.entity_id, resolve_id, at, status)))

    def answer(self, login: Login, resolve_id: str, at: datetime) -> bytes:
        """Return the ArtifactResponse in its SOAP envelope."""
        if "no-response" in self.faults:
            return self.nothing(resolve_id, at)
        if "resolve-denied" in self.faults:
            return self.denied(resolve_id, at)
        issuer = _other_oin(self.service.entity_id) if "other-issuer" in self.faults else self.service.entity_id
        outer = build.artifact_response(issuer, new_id() if "other-resolve" in self.faults else resolve_id, at)
        outer.append(self._response(login, at))
        message = self._wrapped(self._signed(outer))
        return self._written(build.in_soap(message))

    # --- Response -----------------------------------------------------------------------------------------------

    def _response(self, login: Login, at: datetime) -> Element:
        destination = ELSEWHERE if "other-destination" in self.faults else login.acs
        answered = new_id() if "other-request" in self.faults else login.request_id
        outcome = next((name for name in STATUSES if name in self.faults), login.person.outcome)
        codes, text = STATUSES.get(outcome, (SUCCESS, ""))
        response = build.response(self.service.entity_id, destination, answered, at, codes, text)
        if codes != SUCCESS:
            return response
        assertion = self._assertion(login, at)
        if "encrypted-assertion" in self.faults:
            response.append(self._hidden(assertion, login))
            return response
        if "xsw-sibling" in self.faults:
            response.append(forged(assertion))
        for name, wrap in (("xsw-advice", around), ("xsw-child", child_of_forged), ("xsw-signature", in_own_signature)):
            if name in self.faults:
                assertion = wrap(assertion)
        response.append(assertion)
        if "two-assertions" in self.faults:
            response.append(self._assertion(login, at))
        return response

    def _hidden(self, assertion: Element, login: Login) -> Element:
        hidden = encrypt(assertion, self._recipients(login.audience))
        hidden.tag = q(SAML, "EncryptedAssertion")
        return hidden

    # --- Assertion ----------------------------------------------------------------------------------------------

    def _assertion(self, login: Login, at: datetime) -> Element:
        claims = self._claims(login, at)
        assertion = build.assertion(claims, at)
        for name, change in CHANGES.items():
            if name in self.faults:
                change(assertion, at)
        if "unsigned-assertion" in self.faults:
            return assertion
        return sign(assertion, self._signer(), position=1)

    def _claims(self, login: Login, at: datetime) -> build.Claims:
        audience = self._audience(login)
        level = next((LEVELS[name] for name in LEVELS if name in self.faults), login.person.level)
        represented = login.person.represents or (OTHER_BSN if "represented" in self.faults else "")
        transient = new_id()[1:33]
        return build.Claims(
            issuer=self.service.entity_id,
            recipient=ELSEWHERE if "other-recipient" in self.faults else login.acs,
            in_response_to=new_id() if "other-confirmation" in self.faults else login.request_id,
            audience=audience,
            transient=transient,
            service_uuid="00000000-0000-4000-8000-000000000000"
            if "other-service" in self.faults
            else login.service_uuid,
            acting=None if "no-name" in self.faults else self._name(login.person.bsn, login.audience),
            legal=self._name(represented, login.audience) if represented else None,
            # What kind of representation it is, ST-SAML 1.0 says and eID SAML 4.4 does not.
            representation=FULL_AUTHORITY if represented and self.spec == "st-1.0" else "",
            level=level,
            authorities=(self._authority(),),
            advice=(self._advice(login, at),),
        )

    def _audience(self, login: Login) -> tuple[str, ...]:
        """The DV, behind its LC in a cluster."""
        behind = (login.issuer,) if login.issuer != login.audience else ()
        if "lc-audience" in self.faults:
            return behind or (_other_oin(login.audience),)
        return (*behind, _other_oin(login.audience) if "other-audience" in self.faults else login.audience)

    def _authority(self) -> str:
        """The authentication service: DigiD, or the national eIDAS node for a means from another member state."""
        return EIDAS_NODE if "eidas" in self.faults else self.service.authority_id

    def _advice(self, login: Login, at: datetime) -> Element:
        """The assertion that the AD gave the RD: another issuer, recipient and request; no business of the DV."""
        bsn = OTHER_BSN if "advice-other-bsn" in self.faults else login.person.bsn
        claims = build.Claims(
            issuer=self._authority(),
            recipient=self.service.login,
            in_response_to=new_id(),
            audience=(self.service.entity_id,),
            transient=new_id()[1:33],
            service_uuid=login.service_uuid,
            acting=self._name(bsn, login.audience),
            level=login.person.level,
        )
        return sign(build.assertion(claims, at), self.keys.authority, position=1)

    def _name(self, bsn: str, audience: str) -> Element:
        if "plain-name" in self.faults:
            return name_id(bsn)
        value = {"short-bsn": bsn[:8], "bad-bsn": bsn[:8] + str((int(bsn[8]) + 1) % 10)}
        text = next((value[name] for name in value if name in self.faults), bsn)
        name = name_id(text, "urn:nl-eid-gdi:1.0:id:unknown") if "wrong-qualifier" in self.faults else name_id(text)
        encrypted = encrypt(name, self._recipients(audience), self._form())
        if "unreadable-first-key" in self.faults:
            unreadable(encrypted)
        return encrypted

    def _form(self) -> Form:
        form = Form(peer="inline-keys" not in self.faults, sound_padding="bad-padding" not in self.faults)
        if "aes-128" in self.faults:
            form = replace(form, data=f"{XENC}aes128-cbc")
        return replace(form, transport=f"{XENC}rsa-1_5") if "rsa-15" in self.faults else form

    def _recipients(self, audience: str) -> list[Recipient]:
        provider = self.entities.get(audience)
        keys = list(key_certificates(provider, "encryption")) if provider else []
        name = _other_oin(audience) if "other-recipient-key" in self.faults else audience
        recipients = [Recipient(name, certificate, key_name) for key_name, certificate in keys]
        if "lc-recipient" in self.faults:
            lc = next((e for e in self.entities.values() if e.name and e.name.role == "LC"), None)
            signing = list(key_certificates(lc, "signing")) if lc else []
            recipients += [Recipient(lc.entity_id, certificate) for _, certificate in signing[:1] if lc]
        if "unreadable-first-key" in self.faults:
            recipients = [*recipients[:1], *recipients]
        return recipients

    # --- signature ----------------------------------------------------------------------------------------------

    def _signer(self) -> Signer:
        if "unknown-key" in self.faults:
            return self.keys.stranger
        return self.keys.second if "second-key" in self.faults else self.keys.first

    def _signed(self, message: Element) -> Element:
        faults = self.faults
        if "unsigned" in faults:
            return message
        if faults & {"forged-key", "forged-certificate", "forged-key-value"}:
            return self._forged_signature(message)
        signed = sign(message, self._signer(), position=1)
        if faults & {"sha1-signature", "sha1-digest"}:
            weaken(signed, self._signer(), method="sha1-signature" in faults, digest="sha1-digest" in faults)
        if "tampered" in faults:
            signed.set(
                "IssueInstant", stamp(datetime.fromisoformat(signed.get("IssueInstant") or "") + timedelta(seconds=1))
            )
        return signed

    def _forged_signature(self, message: Element) -> Element:
        stranger = self.keys.stranger
        with_certificate = "forged-certificate" in self.faults
        signed = sign(message, stranger, position=1, with_certificate=with_certificate, with_name=not with_certificate)
        info = signed.find(f"{SIGNATURE}/{q(DS, 'KeyInfo')}")
        name = info.find(q(DS, "KeyName")) if info is not None else None
        if name is not None:
            name.text = self.keys.first.key_name
        if "forged-key-value" in self.faults and info is not None:
            key_value(info, stranger)
        return signed

    # --- what is done after signing -----------------------------------------------------------------------------

    def _wrapped(self, message: Element) -> Element:
        if "xsw-extensions" in self.faults:
            return in_extensions(message)
        return in_object(message) if "xsw-object" in self.faults else message

    def _written(self, body: bytes) -> bytes:
        if "other-prefixes" in self.faults:
            # The protocol prefix does not occur inside the signed assertion; the outer message is signed anew.
            return self._with_other_prefix(body)
        if "xsw-beside" in self.faults:
            return beside(body)
        if "huge" in self.faults:
            return body.replace(b"<soapenv:Body>", b"<soapenv:Body><!--" + b"x" * HUGE + b"-->", 1)
        if "doctype" in self.faults:
            return b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + body
        if "deep" in self.faults:
            return body.replace(b"<soapenv:Body>", b"<soapenv:Body>" + b"<a>" * 100_000 + b"</a>" * 100_000, 1)
        return body

    def _with_other_prefix(self, body: bytes) -> bytes:
        renamed = body.replace(b"samlp:", b"p2:").replace(b"xmlns:samlp=", b"xmlns:p2=")
        envelope = etree.fromstring(renamed)
        message = envelope[0][0]
        old = message.find(SIGNATURE)
        if old is not None:
            message.remove(old)
        return build.in_soap(sign(etree.fromstring(etree.tostring(message)), self._signer(), position=1, prefix="dsig"))


def logout_answer(
    service: Service, keys: Keys, destination: str, asked: str, at: datetime, faults: Sequence[str] | frozenset[str]
) -> Element:
    """Return the LogoutResponse to a request."""
    status = ("Responder", "RequestDenied") if "logout-denied" in faults else SUCCESS
    response = build.logout_response(service.entity_id, destination, asked, at, status)
    return response if "logout-unsigned" in faults else sign(response, keys.first, position=1)
