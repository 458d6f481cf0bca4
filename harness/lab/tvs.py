"""Play TVS, the routing service (RD): metadata, login, artifact resolution over mutual TLS, and logout."""

import asyncio
import base64
import html
import secrets
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar, Final
from urllib.parse import parse_qs, quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from harness.errors import KetentestError, OwnFailure
from harness.lab import Place
from harness.lab.ca import Identity
from harness.lab.faults.saml import FAULTS
from harness.lab.faults.tls import GOOD, TlsConfig
from harness.lab.server import Reply, Request, Served, worn_by
from harness.lab.tvs_answers import HERE, STRAY, Answers, Keys, Login, Person, Service, logout_answer, metadata
from harness.lab.tvs_forgeries import TEST_BSN
from harness.lab.tvs_pages import HTML, choices, encoded, form, page, soap_fault
from harness.lint.judge import Context, Raw
from harness.lint.saml import judge_heard
from harness.lint.saml.heard import Heard
from harness.model import Environment, Finding, Graded, Severity, Text, say
from harness.rulebook import rulebook
from harness.wire.saml import (
    INTENDED_AUDIENCE,
    LOA_SUBSTANTIAL,
    SAMLP,
    SERVICE_UUID,
    q,
    text_of,
)
from harness.wire.saml_generate import unsigned
from harness.wire.saml_keys import read_certificate
from harness.wire.saml_message import Artifact, Message, extension_values, read_message
from harness.wire.saml_metadata import Entity, metadata_of, read_metadata
from harness.wire.saml_own import TEST_INDEX, Care, Ours, described
from harness.wire.saml_signature import Signer

KEPT: Final = timedelta(minutes=15)
XML: Final = (("Content-Type", "text/xml; charset=utf-8"),)
AUTHORITY_OIN: Final = "00000099000000009500"


@dataclass(frozen=True, slots=True)
class Judged:
    """One message that our side sent, and what the judges had to say of it."""

    message: Message
    findings: tuple[Graded, ...]

    @property
    def refused(self) -> bool:
        """Whether the real RD would refuse this message."""
        return any(f.severity is Severity.ERROR for f in self.findings)

    @property
    def told(self) -> str:
        """The rules for which the real RD would refuse this message."""
        return ", ".join(sorted({f.finding.rule for f in self.findings if f.severity is Severity.ERROR}))


@dataclass
class Waiting:
    """A login whose artifact was handed out; the choice is made at once, or by a person on the page."""

    login: Login
    message: Message
    relay_state: str | None
    resolved: int = field(default=0)


class RoutingService:
    """The RD of one connection, with the authentication service behind it."""

    FAULTS: ClassVar[Mapping[str, Text]] = {name: fault.text for name, fault in FAULTS.items()}
    TLS: ClassVar[TlsConfig] = replace(GOOD, client_certificate="optional", resumption=False)
    """A browser comes to the front channel without a certificate; the back channel asks for one itself.

    No session is resumed, so that a client looks at the certificate of each connection.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.heard: list[Judged] = []
        self.waiting: dict[str, Waiting] = {}
        self.choosing: dict[str, Waiting] = {}
        self.person = Person()
        self.faults = place.faults
        self.last_answer = b""
        self.late = 30.0
        """Seconds that a silent back channel keeps silent."""
        self.strayed: list[str] = []
        """Addresses that were asked for and that only wrong metadata names."""
        self.metadata_read = asyncio.Event()
        """Set when somebody reads the metadata that is played."""
        self.resumed = False
        """Whether the back channel was asked over a TLS session of before."""
        self.served: Served | None = None
        self.interactive = place.settings.get("mode") == "interactive"

    # --- what the lab asks ----------------------------------------------------------------------------------------

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host of the front channel and that of the back channel."""
        return self.place.host, f"artifact.{self.place.host}"

    @property
    def endpoint(self) -> str:
        """The address that login requests go to."""
        return f"https://{self.hosts[0]}/kvs/rd/request_authentication"

    @property
    def oin(self) -> str:
        """The number of the RD."""
        return str(self.place.settings.get("peer_oin") or "00000099000000009000")

    @property
    def spec(self) -> str:
        """The specification that is played: 4.4, or st-1.0."""
        return str(self.place.settings.get("spec") or "4.4")

    async def start(self) -> None:
        """Make the keys and read what our own side looks like."""
        base = f"https://{self.hosts[0]}/kvs/rd"
        self.service = Service(
            entity_id=f"urn:nl-eid-gdi:1.0:RD:{self.oin}:entities:9000",
            authority_id=f"urn:nl-eid-gdi:1.0:AD:{AUTHORITY_OIN}:entities:9000",
            login=self.endpoint,
            resolve=f"https://{self.hosts[1]}/kvs/rd/resolve_artifact",
            logout=f"{base}/request_logout",
        )
        self.keys = self._keys()
        self.metadata = metadata(self.service, self.keys, self.place.now(), self.place.faults)
        sound = metadata(self.service, self.keys, self.place.now())
        self.entities: dict[str, Entity] = own_entities(self.place) | read_metadata(sound).by_id
        self.play(self.place.faults)

    def play(self, faults: frozenset[str]) -> None:
        """Answer with these faults from now on."""
        self.faults = faults
        self.metadata_read = asyncio.Event()
        self.resumed = False
        self.metadata = metadata(self.service, self.keys, self.place.now(), faults)
        if self.served is not None:
            self.served.instead = dict(self._dressed(faults))
        self.answers = Answers(self.service, self.keys, self.entities, faults, self.spec)

    def _dressed(self, faults: frozenset[str]) -> Iterator[tuple[str, ssl.SSLContext | None]]:
        """Yield the back channel's host with a certificate that an application must refuse, or with an alert."""
        pki, back = self.place.pki, self.hosts[1]
        if "resolve-other-ca" in faults:
            yield back, worn_by(pki.issue("own-web", oin=self.oin, hosts=(back,)), pki)
        if "tls-alert" in faults:
            yield back, None
        if "resolve-other-host" in faults:
            yield back, worn_by(pki.issue("counterparty", oin=self.oin, hosts=("elders.ketentest.test",)), pki)

    async def stop(self) -> None:
        """Nothing runs on."""

    def documents(self) -> Mapping[str, bytes]:
        """Return the metadata of the RD."""
        return {"metadata": self.metadata}

    def _keys(self) -> Keys:
        pki = self.place.pki
        first = pki.issue("counterparty-signing", oin=self.oin, hosts=("rd.ketentest.test",))
        second = pki.issue("counterparty-signing", oin=self.oin, hosts=("rd2.ketentest.test",))
        authority = pki.issue("counterparty-signing", oin=AUTHORITY_OIN, hosts=("ad.ketentest.test",))
        stranger = pki.issue("counterparty-signing", oin=self.oin, hosts=("niemand.ketentest.test",))
        return Keys(signer_of(first), signer_of(second), signer_of(authority), signer_of(stranger))

    # --- requests -------------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Reply:
        """Answer one request."""
        path = urlsplit(request.path).path
        if path.startswith(STRAY):
            self.strayed.append(path)
            path = path.replace(STRAY, HERE, 1)
        if request.method == "GET" and path == "/kvs/rd/metadata":
            self.metadata_read.set()
            return Reply(200, (("Content-Type", "application/samlmetadata+xml"),), self.metadata)
        if path == "/kvs/rd/request_authentication":
            return self._login(request)
        if path == "/kvs/rd/choose" and request.method == "POST":
            return self._chosen(request)
        if path == "/kvs/rd/resolve_artifact":
            self.resumed |= request.resumed
            return replace(self._resolve(request), close=True)
        if path == "/kvs/rd/request_logout":
            return self._logout(request)
        return page(404, Text("Deze pagina bestaat niet in het lab.", "This page does not exist in the lab."))

    def _read(self, request: Request) -> Message | None:
        try:
            return read_message(request.body, request.head.start, request.header("content-type"))
        except KetentestError:
            return None

    def _judge(self, request: Request, message: Message, *earlier: Message, extra: tuple[Finding, ...] = ()) -> Judged:
        doc = Heard(Raw(request.body, message.kind, request.head), message, self.entities, earlier)
        ctx = Context(
            at=self.place.now() + timedelta(seconds=1),
            environment=Environment.LAB,
            role="lc" if self.place.system == "tvs-cluster" else "dv",
            spec=self.spec,
            settings={"service-uuids": tuple(str(p["service_uuid"]) for p in self.place.settings.get("providers", ()))},
        )
        found = [*(f for f in judge_heard(doc, ctx) if isinstance(f, Finding)), *extra]
        judged = Judged(message, tuple(rulebook().grade(found, ctx.words)))
        self.heard.append(judged)
        return judged

    # --- front channel --------------------------------------------------------------------------------------------

    def _login(self, request: Request) -> Reply:
        if "sso-error" in self.faults:
            return page(500, Text("Er is een storing.", "There is a failure."))
        message = self._read(request)
        if message is None or message.kind != "AuthnRequest":
            return page(400, Text("Dit is geen AuthnRequest.", "This is no AuthnRequest."))
        judged = self._judge(request, message)
        if judged.refused:
            return _refusal(judged)
        waiting = self._waiting(message)
        if self.interactive:
            token = secrets.token_urlsafe(16)
            self.choosing[token] = waiting
            return choices(token)
        return self._back(waiting)

    def _waiting(self, message: Message) -> Waiting:
        values = extension_values(message.element)
        sender = self.entities[message.issuer]
        index = message.element.get("AssertionConsumerServiceIndex")
        consumers = sender.sp.of("AssertionConsumerService") if sender.sp else ()
        acs = next((a.location for a in consumers if a.index == index), "")
        service = next(iter(values.get(SERVICE_UUID, ())), "") or self._by_index(sender, message)
        login = Login(
            issuer=message.issuer,
            audience=next(iter(values.get(INTENDED_AUDIENCE, ())), message.issuer),
            service_uuid=service,
            request_id=message.identifier,
            acs=acs,
            at=self.place.now(),
            person=self.person,
        )
        return Waiting(login, message, message.carried.relay_state)

    def _by_index(self, sender: Entity, message: Message) -> str:
        index = message.element.get("AttributeConsumingServiceIndex")
        services = sender.sp.services if sender.sp else ()
        return next((s.uuids[0] for s in services if s.index == index and s.uuids), "")

    def _chosen(self, request: Request) -> Reply:
        """Take the choice that a tester made on the page."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        waiting = self.choosing.pop(form.get("token", ""), None)
        if waiting is None:
            return page(400, Text("Deze keuze is al gemaakt.", "This choice was already made."))
        person = Person(
            bsn=form.get("bsn") or TEST_BSN,
            level=form.get("level", LOA_SUBSTANTIAL),
            represents=form.get("represents", ""),
            outcome=form.get("outcome", ""),
        )
        waiting.login = replace(waiting.login, person=person)
        return self._back(waiting)

    def _back(self, waiting: Waiting) -> Reply:
        artifact = str(Artifact.new(self.service.entity_id))
        if "bad-artifact" in self.faults:
            artifact = base64.b64encode(b"\x00\x0400" + secrets.token_bytes(30)).decode()
        self.waiting[artifact] = waiting
        joint = "&" if "?" in waiting.login.acs else "?"
        location = f"{waiting.login.acs}{joint}SAMLart={quote(artifact, safe='')}"
        if waiting.relay_state is not None:
            location += f"&RelayState={quote(waiting.relay_state, safe='')}"
        return Reply(302, (("Location", location), ("Cache-Control", "no-store")))

    # --- back channel ---------------------------------------------------------------------------------------------

    def _resolve(self, request: Request) -> Reply:
        hindered = self._hindered()
        if hindered is not None:
            return hindered
        message = self._read(request)
        if message is None or message.kind != "ArtifactResolve":
            return Reply(500, XML, soap_fault("no ArtifactResolve"))
        artifact = text_of(message.element.find(q(SAMLP, "Artifact"))).strip()
        waiting = self.waiting.get(artifact)
        earlier = (waiting.message,) if waiting else ()
        judged = self._judge(request, message, *earlier, extra=tuple(self._on_the_wire(request, message, waiting)))
        now = self.place.now()
        if judged.refused:
            return Reply(200, XML, self.answers.denied(message.identifier, now))
        if waiting is None or waiting.resolved or now - waiting.login.at > KEPT:
            return Reply(200, XML, self.answers.nothing(message.identifier, now))
        waiting.resolved += 1
        if "replay" not in self.faults:
            self.last_answer = self.answers.answer(waiting.login, message.identifier, now)
        return Reply(200, XML, self.last_answer)

    def _hindered(self) -> Reply | None:
        faults = self.faults
        if "soap-fault" in faults:
            return Reply(500, XML, soap_fault("busy"))
        if "http-500" in faults:
            return Reply(500, (), b"")
        if "html" in faults:
            return page(200, Text("Er is onderhoud.", "Maintenance is going on."))
        if "slow" in faults:
            return Reply(200, XML, soap_fault("late"), delay=self.late)
        return Reply(abort=True) if "reset" in faults else None

    def _on_the_wire(self, request: Request, message: Message, waiting: Waiting | None) -> list[Finding]:
        """What only the receiver sees: the client certificate, and that the artifact comes once."""
        found = []
        sender = self.entities.get(message.issuer)
        listed = [k.certificate.der for k in sender.used_for("signing") if k.certificate] if sender else []
        if request.client_certificate not in listed:
            shown = read_certificate(request.client_certificate) if request.client_certificate else None
            found.append(Finding("SAML-ART-011", observed=shown.sha1 if shown else "—", where="TLS"))
        if waiting is not None and waiting.resolved:
            found.append(Finding("SAML-ART-016", observed=f"{waiting.resolved + 1} ×", expected="1 ×", case="again"))
        return found

    def _logout(self, request: Request) -> Reply:
        message = self._read(request)
        if message is None or message.kind != "LogoutRequest":
            return page(400, Text("Dit is geen LogoutRequest.", "This is no LogoutRequest."))
        judged = self._judge(request, message)
        if judged.refused:
            return _refusal(judged)
        sender = self.entities[message.issuer]
        places = [e.location for e in sender.sp.of("SingleLogoutService")] if sender.sp else []
        destination = next(iter(places), "")
        response = logout_answer(
            self.service, self.keys, destination, message.identifier, self.place.now(), self.faults
        )
        return Reply(200, HTML, form(destination, "SAMLResponse", encoded(response), message.carried.relay_state))


# --- our own side, as DICTU would have it from the delivered metadata ----------------------------------------------


def own_entities(place: Place) -> dict[str, Entity]:
    """Return the entities of our own side: from the metadata that will be delivered, else from the scenario."""
    settings = place.settings
    delivered = settings.get("own_metadata")
    if delivered:
        return dict(read_metadata(delivered).by_id)
    certificates: Mapping[str, bytes] = settings.get("own_certificates", {})
    signing = tuple(certificates[r] for r in ("message-signing", "tls-client") if r in certificates)
    ours = Ours(
        oin=str(settings.get("own_oin", "")),
        endpoint=str(settings.get("own_endpoint", "")),
        signing=signing,
        providers=tuple(
            Care(str(p["name"]), str(p["oin"]), str(p["service_uuid"]), (p["encryption_certificate"],))
            for p in settings.get("providers", ())
        ),
        clustered=place.system == "tvs-cluster",
        index=int(settings.get("index") or TEST_INDEX),
    )
    if not signing:
        return {}
    connection = described(ours)
    root = unsigned(connection, connection.signing[0], place.now() + timedelta(days=1))
    return dict(metadata_of(root).by_id)


def signer_of(identity: Identity) -> Signer:
    """Return the signer that a lab identity is."""
    certificate = read_certificate(identity.der)
    if certificate is None or not isinstance(identity.key, RSAPrivateKey):
        raise OwnFailure(f"{identity.name}: geen RSA-sleutel", f"{identity.name}: no RSA key")
    return Signer(identity.key, certificate)


def _refusal(judged: Judged) -> Reply:
    """Return a page that names every finding, so that a developer sees them all at once."""
    book = rulebook()
    rows = "".join(
        f"<li><strong>{g.finding.rule}</strong> {html.escape(book[g.finding.rule].title.nl)}: "
        f"{html.escape(say(g.finding.observed, 'nl'))}</li>"
        for g in judged.findings
        if g.severity is not Severity.INFO
    )
    text = Text(
        f"De routeringsvoorziening weigert dit bericht ({judged.message.kind}).",
        f"The routing service refuses this message ({judged.message.kind}).",
    )
    return page(400, text, f"<ul>{rows}</ul>")
