"""Sample applications behind the routing service: one that checks everything, one that accepts everything, and one with a single hole."""

import asyncio
import base64
import re
import secrets
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from lxml import etree

from harness.lab.server import Request
from harness.lab.tvs_visitor import client_to
from harness.lint.judge import Context, Raw
from harness.lint.saml import judge_heard
from harness.lint.saml.assertion import encrypted_ids, judge_name_id
from harness.lint.saml.heard import Heard
from harness.model import Environment, Finding, Severity
from harness.rulebook import rulebook
from harness.wire.saml import SAML, SAMLP, q
from harness.wire.saml_build import Wanted, artifact_resolve, authn_request, in_soap, logout_request
from harness.wire.saml_encrypted import decrypt
from harness.wire.saml_message import read_message, status_of
from harness.wire.saml_metadata import key_certificates, read_metadata
from harness.wire.saml_signature import require_trusted, sign

MARKER = "Uw dossier"
TIMEOUT = 3.0


class Straight:
    """The back channel without a network: every request goes straight to the routing service."""

    def __init__(self, service, client_certificate):
        self.service, self.client_certificate = service, client_certificate

    async def ask(self, method, url, body=b""):
        certificate = self.client_certificate if body else None
        answer = await self.service.handle(Request(method, urlsplit(url).path, (XML,), body, certificate))
        if answer.abort:
            raise httpx.ReadError("connection reset")
        if answer.delay:
            raise httpx.ReadTimeout("no answer")
        return answer.body


class OverTls:
    """The back channel over mutual TLS; whether it looks at the certificate and the clock is up to the application."""

    def __init__(self, context, locate):
        self.context, self.locate = context, locate

    async def ask(self, method, url, body=b""):
        async with client_to(self.locate, self.context) as client:
            return (await client.request(method, url, content=body, headers=[XML])).content


XML = ("content-type", "text/xml")


class Application:
    """A dienstverlener behind an LC: login page, ACS, protected page."""

    secure = "; Secure; HttpOnly; SameSite=Lax"

    def __init__(self, service, line, signer, key, issuer, audience, uuid):
        self.service, self.line, self.signer, self.key = service, line, signer, key
        self.entities = dict(service.entities)
        self.rd = service.entities[service.service.entity_id]
        self.own_host = urlsplit(self.entities[issuer].sp.endpoints[0].location).netloc
        self.issuer, self.audience, self.uuid = issuer, audience, uuid
        self.pending, self.sessions, self.written, self.transient = {}, {}, [], "_x"

    async def __call__(self, request):
        url = urlsplit(str(request.url))
        if url.netloc != self.own_host:
            return await self.at_the_rd(request, url)
        cookies = dict(re.findall(r"(\w+)=([^;,\s]+)", request.headers.get("cookie", "")))
        if url.path == "/login":
            return self.login(cookies)
        if url.path == "/saml/acs":
            return await self.consume(parse_qs(url.query), cookies)
        if url.path == "/refresh":
            return self.read_again(await self.line.ask("GET", self.metadata))
        if url.path == "/logout":
            return self.leave(cookies)
        if url.path == "/saml/logout":
            return self.left(request)
        if url.path == "/home" and cookies.get("session") in self.sessions:
            return httpx.Response(200, text=MARKER + self.sessions[cookies["session"]])
        return httpx.Response(403, text="Niet ingelogd")

    async def at_the_rd(self, request, url):
        headers = tuple((k.lower(), v) for k, v in request.headers.items())
        path = url.path + (f"?{url.query}" if url.query else "")
        answer = await self.service.handle(Request(request.method, path, headers, request.content))
        return httpx.Response(answer.status, headers=list(answer.headers), content=answer.body)

    @property
    def metadata(self):
        return f"https://{self.service.hosts[0]}/kvs/rd/metadata"

    def address(self, kind):
        return self.rd.idp.of(kind)[0].location

    def read_again(self, data):
        """Take over whatever comes."""
        found = read_metadata(data).entities[0]
        self.entities = {**self.entities, found.entity_id: found}
        self.rd = found
        return httpx.Response(200, text="ververst")

    def leave(self, cookies):
        self.sessions.pop(cookies.get("session"), None)
        url = self.address("SingleLogoutService")
        request = sign(logout_request(self.issuer, url, self.transient, datetime.now(UTC)), self.signer, position=1)
        value = base64.b64encode(etree.tostring(request)).decode()
        return httpx.Response(
            200, html=f"<form method='post' action='{url}'><input name='SAMLRequest' value='{value}'></form>"
        )

    def left(self, request):
        return httpx.Response(200, text="U bent uitgelogd")

    def login(self, cookies):
        wanted = Wanted(self.audience, self.uuid)
        url = self.address("SingleSignOnService")
        request = sign(authn_request(self.issuer, url, wanted, datetime.now(UTC)), self.signer, position=1)
        browser = secrets.token_hex(8)
        self.pending[browser] = request
        self.sessions.pop(cookies.get("session"), None) if self.secure else None
        value = base64.b64encode(etree.tostring(request)).decode()
        page = (
            f"<form method='post' action='{url}'><input type='hidden' name='SAMLRequest' value='{value}'>"
            f"<input type='hidden' name='RelayState' value='{browser}'><button>Verder</button></form>"
        )
        headers = [("Set-Cookie", f"browser={browser}; Path=/{self.secure}"), ("Cache-Control", "no-store")]
        return httpx.Response(200, html=page, headers=headers)

    async def resolve(self, artifact):
        url = self.address("ArtifactResolutionService")
        self.asked = sign(artifact_resolve(self.issuer, url, artifact, datetime.now(UTC)), self.signer, position=1)
        return await self.line.ask("POST", url, in_soap(self.asked))

    def opened(self, who, location="/home"):
        session = secrets.token_hex(8)
        self.sessions[session] = who
        return httpx.Response(
            302, headers=[("Location", location), ("Set-Cookie", f"session={session}; Path=/{self.secure}")]
        )

    def decrypted(self, assertion):
        (_, encrypted), *_ = encrypted_ids(assertion)
        return decrypt(encrypted, self.audience, self.key)


class Careful(Application):
    """Holds every answer to the rules and shows a plain page when one is broken."""

    def read_again(self, data):
        """Take over what the RD signed, that is valid, and that is of the same RD."""
        try:
            document = read_metadata(data)
            found = document.entities[0]
            require_trusted(document.root, key_certificates(self.rd, "signing"))
            until = datetime.fromisoformat(document.root.get("validUntil"))
            if found.entity_id != self.rd.entity_id or until < datetime.now(UTC):
                raise ValueError(until)  # noqa: TRY301 - told below
        except Exception:  # noqa: BLE001 - whatever is wrong, the metadata of before stays
            return httpx.Response(200, text="De metadata van de RD is niet ververst")
        return super().read_again(data)

    async def consume(self, query, cookies):
        request = self.pending.pop(cookies.get("browser"), None)
        if request is None:
            return httpx.Response(400, text="Begin opnieuw met inloggen")
        try:
            async with asyncio.timeout(TIMEOUT):
                body = await self.resolve(query["SAMLart"][0])
            self.check(body, request)
        except Exception:  # noqa: BLE001 - whatever is wrong, the visitor sees one page
            return httpx.Response(200, text="Inloggen is niet gelukt")
        return self.opened("")

    def check(self, body, request):
        message = read_message(body)
        earlier = (read_message(etree.tostring(request)), read_message(etree.tostring(self.asked)))
        now = datetime.now(UTC) + timedelta(seconds=1)
        ctx = Context(at=now, environment=Environment.LAB, role="lc", settings={"loa": ("substantial",)})
        found = [
            f for f in judge_heard(Heard(Raw(body), message, self.entities, earlier), ctx) if isinstance(f, Finding)
        ]
        response = message.element.find(q(SAMLP, "Response"))
        assertion = response.find(q(SAML, "Assertion"))
        found += judge_name_id(self.decrypted(assertion))
        heavy = [g for g in rulebook().grade(found, ctx.words) if g.severity is Severity.ERROR]
        if heavy or status_of(response) != ("Success",):
            raise ValueError(heavy)


class Credulous(Careful):
    """Careful with every answer, but takes over whatever metadata it reads."""

    def read_again(self, data):
        return Application.read_again(self, data)


class Careless(Application):
    """Logs everybody in who brings anything with the word Assertion in it, and talks too much."""

    secure = ""

    def leave(self, cookies):
        return httpx.Response(200, text="Tot ziens")

    def left(self, request):
        return httpx.Response(500, text="NullPointerException")

    async def consume(self, query, cookies):
        body = b""
        try:
            body = await self.resolve(query["SAMLart"][0])
            if b"Assertion" not in body:
                raise ValueError(body[:80])  # noqa: TRY301 - its trace is shown to the visitor
            advice = next(etree.fromstring(body, etree.XMLParser(huge_tree=True)).iter(q(SAML, "Advice")), None)
            who = self.decrypted(advice[0]).text if advice is not None else ""
        except Exception:  # noqa: BLE001 - carelessness is the point
            who = ""
            if b"Assertion" not in body:
                return httpx.Response(500, text=traceback.format_exc())
        self.written.append(f"ingelogd: {who}")
        relay = query.get("RelayState", [""])[0]
        return self.opened(who, relay if relay.startswith("http") else "/home")
