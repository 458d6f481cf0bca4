"""The login over the routing service, played as DV or LC, and the judgement of every answer."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree

from harness.errors import KetentestError
from harness.exchange import Message as HttpMessage
from harness.exchange import Reply
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.saml.assertion import encrypted_ids, judge_name_id
from harness.model import Environment, Finding, Graded, NotRun, Observation, Severity, Text
from harness.probes.probe import NotPossible, Tools, Yield, probe
from harness.probes.saml_own import VALID_FOR, chains, ours_of, own_metadata, saml_of, signer_for
from harness.scenario import Provider
from harness.wire import saml_build as build
from harness.wire.saml import SAML, SAMLP, Element, EntityId, q, read_xml, text_of
from harness.wire.saml_encrypted import CannotDecrypt, decrypt
from harness.wire.saml_message import Artifact, read_message, status_of
from harness.wire.saml_metadata import Metadata, key_certificates, metadata_of, read_metadata
from harness.wire.saml_own import Care, leaf
from harness.wire.saml_signature import NotTrusted, require_trusted, sign

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
SOAP_HEADERS: Final = {
    "Content-Type": "text/xml; charset=utf-8",
    "SOAPAction": '"http://www.oasis-open.org/committees/security"',
}
NEEDS_PERSON: Final = Text(
    "inloggen bij deze omgeving doet een persoon met een test DigiD-account; daarna beoordeelt `ketentest check` het bericht",
    "a person logs in to this environment with a test DigiD account; `ketentest check` then judges the message",
)


@probe(
    "saml.authn",
    title=("Inloggen via de routeringsvoorziening", "Login by the routing service"),
    guard="message",
    side="saml",
)
async def authn(link: Link, tools: Tools) -> AsyncIterator[Yield]:
    """A login goes all the way: request, artifact, assertion with the BSN for the test provider, logout (TC-7)."""
    login = Login(link, tools)
    async for item in login.run():
        yield item


class Login:
    """One login that we play as DV or LC, and what is found on the way."""

    def __init__(self, link: Link, tools: Tools) -> None:
        self.link, self.tools = link, tools
        self.saml = saml_of(link)
        self.ours = ours_of(link)
        self.signer = signer_for(link)
        self.own = link.documents.get("own-metadata") or own_metadata(link, tools.now() + VALID_FOR)
        self.exchanged: list[Raw] = []

    async def run(self) -> AsyncIterator[Yield]:
        """Log in, and yield what is found at each step; a step that fails ends the login."""
        rd_bytes = await self._rd_metadata()
        for item in self._judge_rd(rd_bytes):
            yield item
        rd = self._trusted(rd_bytes)
        if rd is None:
            return
        provider = self._test_provider()
        request = self._request(rd, provider)
        for item in self._judge(request, "AuthnRequest"):
            yield item
        self.exchanged.append(Raw(etree.tostring(request), "AuthnRequest"))
        relay = self.tools.new_id()
        reply = await self._post(
            request.get("Destination") or "", {"SAMLRequest": _packed(request), "RelayState": relay}
        )
        for evidence in reply.evidence:
            yield evidence
        artifact = _artifact_in(reply)
        if artifact is None:
            for refused in self._no_artifact(reply):
                yield refused
            return
        for finding in self._judge_artifact(artifact, reply, rd, relay):
            yield finding
        async for answered in self._resolve(rd, artifact, provider):
            yield answered

    # --- the routing service ----------------------------------------------------------------------------------------

    async def _rd_metadata(self) -> bytes:
        found = self.link.documents.get("metadata")
        if found is not None:
            return found
        if "://" not in self.saml.metadata:
            raise NotPossible(
                "geen metadata van de RD; noem een bestand of adres bij saml.metadata",
                "no metadata of the RD; name a file or address under saml.metadata",
            )
        reply = await self.tools.exchange.get(self.saml.metadata, name="rd-metadata")
        return reply.body

    def _judge_rd(self, document: bytes) -> list[Graded | NotRun]:
        settings = {}
        if self.link.environment is Environment.LAB:
            settings["rd-entityid"] = (f"urn:nl-eid-gdi:1.0:RD:{self.link.connection.peer.oin}:entities:9000",)
        return self.tools.judge(
            "saml-metadata", document, "rd-metadata.xml", role="rd", settings=settings, companions=self._between()
        )

    def _between(self) -> tuple[Raw, ...]:
        return chains(self.link)

    def _trusted(self, document: bytes) -> Metadata | None:
        """Return the RD's metadata when its own signature holds; nothing else in it is used otherwise."""
        try:
            parsed = metadata_of(read_xml(document), len(document))
            rd = next(e for e in parsed.entities if e.idp)
            require_trusted(parsed.root, key_certificates(rd, "signing"))
        except (KetentestError, NotTrusted, StopIteration):
            return None
        self.rd_bytes = document
        self.rd = rd
        return parsed

    def _place(self, kind: str) -> str:
        endpoints = self.rd.idp.of(kind) if self.rd.idp else ()
        return next((e.location for e in endpoints), "")

    # --- our messages -----------------------------------------------------------------------------------------------

    def _test_provider(self) -> Provider:
        providers = self.saml.providers
        chosen = next((p for p in providers if p.test_provider), None)
        if chosen is None and len(providers) == 1:
            chosen = providers[0]
        if chosen is None:
            raise NotPossible(
                "geen testdienstverlener; zet test_provider = true bij één van de providers",
                "no test provider; set test_provider = true on one of the providers",
            )
        return chosen

    def _entity_of(self, provider: Provider) -> EntityId:
        return self.ours.provider_id(Care(provider.name, provider.oin, provider.service_uuid, ()))

    def _request(self, rd: Metadata, provider: Provider) -> Element:
        wanted = build.Wanted(str(self._entity_of(provider)), provider.service_uuid)
        request = build.authn_request(
            str(self.ours.entity_id), self._place("SingleSignOnService"), wanted, self.tools.now()
        )
        return sign(request, self.signer, position=1)

    def _companions(self) -> tuple[Raw, ...]:
        return (Raw(self.rd_bytes, "rd-metadata.xml"), Raw(self.own, "saml-metadata.xml"), *self.exchanged)

    def _judge(self, message: Element | bytes | Raw, name: str) -> list[Graded | NotRun]:
        """Judge a message of this login; what a bare document cannot show is left to the other side."""
        document = etree.tostring(message) if isinstance(message, etree._Element) else message  # noqa: SLF001
        uuids = {"service-uuids": tuple(p.service_uuid for p in self.ours.providers)}
        judged = self.tools.judge(
            "saml-message",
            document,
            name,
            companions=self._companions(),
            spec=self.saml.spec,
            role="lc" if self.ours.clustered else "dv",
            at=self.tools.now() + timedelta(seconds=1),
            settings=uuids,
        )
        return [item for item in judged if not (isinstance(item, NotRun) and item.rule in LEFT_TO_OTHERS)]

    async def _post(self, url: str, fields: Mapping[str, str]) -> Reply:
        body = urlencode(fields).encode()
        return await self.tools.exchange.post(url, body, FORM, name="authn-request", service="saml")

    def _no_artifact(self, reply: Reply) -> Iterator[Yield]:
        page = "html" in reply.header("content-type")
        if self.link.environment is not Environment.LAB and reply.status in (200, 302, 303) and page:
            yield Observation(Text("de RD toont de inlogpagina", "the RD shows its login page"))
            yield NotRun("SAML-AS-001", NEEDS_PERSON)
            return
        shown = f"HTTP {reply.status} {reply.header('content-type')}".strip()
        yield Finding(
            "SAML-ART-028", observed=shown, expected="302 …SAMLart=", where=self._place("SingleSignOnService")
        )

    def _judge_artifact(self, artifact: str, reply: Reply, rd: Metadata, relay: str) -> Iterator[Finding]:
        parts = Artifact.read(artifact)
        where = urlsplit(reply.header("location"))
        target = f"{where.scheme}://{where.netloc}{where.path}"
        if parts is None:
            yield Finding("SAML-ART-003", observed=Text(f"{len(artifact)} tekens", f"{len(artifact)} characters"))
        elif not parts.of(self.rd.entity_id):
            yield Finding("SAML-ART-004", observed=parts.source_id.hex(), expected=self.rd.entity_id)
        own = read_metadata(self.own).by_id[str(self.ours.entity_id)]
        places = [e.location for e in own.sp.of("AssertionConsumerService")] if own.sp else []
        if target not in places:
            yield Finding("SAML-AS-011", observed=target, expected=", ".join(places), where="Location")
        if parse_qs(where.query).get("RelayState") != [relay]:
            yield Finding("SAML-NEG-25", observed="RelayState", where="Location", case="changed")

    # --- the answer -------------------------------------------------------------------------------------------------

    async def _resolve(self, rd: Metadata, artifact: str, provider: Provider) -> AsyncIterator[Yield]:
        url = self._place("ArtifactResolutionService")
        resolve = build.artifact_resolve(str(self.ours.entity_id), url, artifact, self.tools.now())
        sign(resolve, self.signer, position=1)
        sent = build.in_soap(resolve)
        self.exchanged.append(Raw(sent, "ArtifactResolve"))
        reply = await self.tools.exchange.post(url, sent, SOAP_HEADERS, name="artifact-resolve", service="saml")
        for evidence in reply.evidence:
            yield evidence
        try:
            message = read_message(reply.body, reply.start, reply.header("content-type"))
        except KetentestError as wrong:
            shown = Text(f"HTTP {reply.status}: {wrong.text.nl}", f"HTTP {reply.status}: {wrong.text.en}")
            yield Finding("SAML-ART-024", observed=shown, expected="samlp:ArtifactResponse", where=url)
            return
        judged = self._judge(Raw(reply.body, "ArtifactResponse"), "ArtifactResponse")
        for item in judged:
            yield item
        response = message.element.find(q(SAMLP, "Response"))
        if response is None or status_of(response)[:1] != ("Success",):
            yield self._ended(response)
            return
        if any(isinstance(item, Graded) and item.severity is Severity.ERROR for item in judged):
            return
        assertion = response.find(q(SAML, "Assertion"))
        if assertion is not None:
            for known in self._identity(assertion, provider):
                yield known
            yield Observation(
                Text(
                    f"ingelogd, antwoord in {reply.seconds:.1f} s".replace(".", ","),
                    f"logged in, answer in {reply.seconds:.1f} s",
                )
            )
            async for left in self._log_out(assertion):
                yield left

    def _ended(self, response: Element | None) -> Finding:
        if response is None:
            return Finding("SAML-ART-023", observed=Text("geen Response", "no Response"))
        return Finding("SAML-ART-028", observed="/".join(status_of(response)), expected="Success")

    def _identity(self, assertion: Element, provider: Provider) -> Iterator[Yield]:
        """Decrypt with the key of the test provider only, and judge the form of the identifier."""
        material = self.link.materials.get(f"bsn-encryption:{provider.oin}")
        key = material.private_key if material and material.key else None
        certificate = leaf(material.certificate) if material else None
        if certificate is None or not isinstance(key, RSAPrivateKey):
            reason = Text(
                "geen privésleutel van de testdienstverlener opgegeven", "no private key of the test provider given"
            )
            yield NotRun("SAML-AS-054", reason)
            yield NotRun("SAML-AS-055", reason)
            return
        for name, encrypted in encrypted_ids(assertion):
            if encrypted is None:
                continue
            try:
                found = decrypt(encrypted, str(self._entity_of(provider)), {certificate.sha1: key})
            except CannotDecrypt as wrong:
                rule = "SAML-AS-053" if wrong.case in ("data-algorithm", "key-transport") else "SAML-AS-050"
                yield Finding(rule, observed=wrong.detail or wrong.case, where=name.rsplit(":", 1)[-1])
                continue
            yield from judge_name_id(found)

    async def _log_out(self, assertion: Element) -> AsyncIterator[Yield]:
        url = self._place("SingleLogoutService")
        if not url:
            return
        transient = text_of(assertion.find("/".join(q(SAML, n) for n in ("Subject", "NameID")))).strip()
        request = build.logout_request(str(self.ours.entity_id), url, transient, self.tools.now())
        sign(request, self.signer, position=1)
        self.exchanged.append(Raw(etree.tostring(request), "LogoutRequest"))
        fields = {"SAMLRequest": _packed(request)}
        reply = await self.tools.exchange.post(url, urlencode(fields).encode(), FORM, name="logout", service="saml")
        for evidence in reply.evidence:
            yield evidence
        for item in self._judge(reply.raw, "LogoutResponse"):
            yield item
        if reply.status == 200:
            yield Observation(Text("uitgelogd", "logged out"))


LEFT_TO_OTHERS: Final = frozenset(
    {"SAML-AR-001", "SAML-AR-052", "SAML-AR-053", "SAML-ART-010", "SAML-AS-031", "SAML-ART-014"}
)
"""Rules on the exchange as the other side sees it, and on a minimum level that the scenario does not name."""


def _packed(message: Element) -> str:
    import base64

    return base64.b64encode(etree.tostring(message)).decode()


def _artifact_in(reply: HttpMessage) -> str | None:
    """Return the artifact in the redirect to our ACS, decoded once."""
    query = parse_qs(urlsplit(reply.header("location")).query)
    return next(iter(query.get("SAMLart", ())), None)
