"""Two sample applications behind the routing service: one that checks everything, one that accepts everything."""

import base64
import re
import secrets
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from lxml import etree

from harness.lab.server import Request
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
from harness.wire.saml_metadata import read_metadata
from harness.wire.saml_signature import sign

MARKER = "Uw dossier"


class Application:
    """A dienstverlener behind an LC: login page, ACS, protected page."""

    secure = "; Secure; HttpOnly; SameSite=Lax"

    def __init__(self, service, entities, signer, client_certificate, key, issuer, audience, uuid):
        self.service, self.entities, self.signer = service, entities, signer
        self.client_certificate, self.key = client_certificate, key
        self.issuer, self.audience, self.uuid = issuer, audience, uuid
        self.pending, self.sessions, self.written, self.transient = {}, {}, [], "_x"

    async def __call__(self, request):
        url = urlsplit(str(request.url))
        if url.netloc != urlsplit(self.entities[self.issuer].sp.endpoints[0].location).netloc:
            return await self.at_the_rd(request, url)
        cookies = dict(re.findall(r"(\w+)=([^;,\s]+)", request.headers.get("cookie", "")))
        if url.path == "/login":
            return self.login(cookies)
        if url.path == "/saml/acs":
            return await self.consume(parse_qs(url.query), cookies)
        if url.path == "/refresh":
            return self.read_again()
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

    rd = None

    def read_again(self):
        self.rd = read_metadata(self.service.metadata)
        return httpx.Response(200, text="ververst")

    def leave(self, cookies):
        self.sessions.pop(cookies.get("session"), None)
        url = self.service.service.logout
        request = sign(logout_request(self.issuer, url, self.transient, datetime.now(UTC)), self.signer, position=1)
        value = base64.b64encode(etree.tostring(request)).decode()
        return httpx.Response(
            200, html=f"<form method='post' action='{url}'><input name='SAMLRequest' value='{value}'></form>"
        )

    def left(self, request):
        return httpx.Response(200, text="U bent uitgelogd")

    def login(self, cookies):
        wanted = Wanted(self.audience, self.uuid)
        request = sign(
            authn_request(self.issuer, self.service.endpoint, wanted, datetime.now(UTC)), self.signer, position=1
        )
        browser = secrets.token_hex(8)
        self.pending[browser] = request
        self.sessions.pop(cookies.get("session"), None) if self.secure else None
        value = base64.b64encode(etree.tostring(request)).decode()
        page = (
            f"<form method='post' action='{self.service.endpoint}'><input type='hidden' name='SAMLRequest' value='{value}'>"
            f"<input type='hidden' name='RelayState' value='{browser}'><button>Verder</button></form>"
        )
        headers = [("Set-Cookie", f"browser={browser}; Path=/{self.secure}"), ("Cache-Control", "no-store")]
        return httpx.Response(200, html=page, headers=headers)

    async def resolve(self, artifact):
        url = f"https://{self.service.hosts[1]}/kvs/rd/resolve_artifact"
        self.asked = sign(artifact_resolve(self.issuer, url, artifact, datetime.now(UTC)), self.signer, position=1)
        headers = (("content-type", "text/xml"),)
        request = Request("POST", "/kvs/rd/resolve_artifact", headers, in_soap(self.asked), self.client_certificate)
        answer = await self.service.handle(request)
        if answer.abort:
            raise httpx.ReadError("connection reset")
        return answer.body

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

    async def consume(self, query, cookies):
        request = self.pending.pop(cookies.get("browser"), None)
        if request is None:
            return httpx.Response(400, text="Begin opnieuw met inloggen")
        try:
            self.check(await self.resolve(query["SAMLart"][0]), request)
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


class Careless(Application):
    """Logs everybody in who brings anything with the word Assertion in it, and talks too much."""

    secure = ""
    rd = None

    def leave(self, cookies):
        return httpx.Response(200, text="Tot ziens")

    def left(self, request):
        return httpx.Response(500, text="NullPointerException")

    async def resolve(self, artifact):
        if self.rd and b"/resolve_artifact" not in etree.tostring(self.rd.root):
            raise httpx.ConnectError("no such address")
        return await super().resolve(artifact)

    async def consume(self, query, cookies):
        try:
            body = await self.resolve(query["SAMLart"][0])
            if b"Assertion" not in body:
                raise ValueError(body[:80])  # noqa: TRY301 - its trace is shown to the visitor
            advice = next(etree.fromstring(body, etree.XMLParser(huge_tree=True)).iter(q(SAML, "Advice")), None)
            who = self.decrypted(advice[0]).text if advice is not None else ""
        except httpx.HTTPError:
            raise
        except Exception:  # noqa: BLE001 - carelessness is the point
            who = ""
            if b"Assertion" not in body:
                return httpx.Response(500, text=traceback.format_exc())
        self.written.append(f"ingelogd: {who}")
        relay = query.get("RelayState", [""])[0]
        return self.opened(who, relay if relay.startswith("http") else "/home")
