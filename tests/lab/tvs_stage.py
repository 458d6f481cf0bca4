"""Put a sample application and the routing service on stage: in one process, or each on its own TLS listener."""

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx

from harness.lab.faults.tls import GOOD
from harness.lab.mint import pem
from harness.lab.server import Reply, serve
from harness.lab.tvs import RoutingService, signer_of
from harness.lab.tvs_battery import Application, Battery
from harness.lab.tvs_visitor import PlainVisitor, plain_visitors
from harness.model import Finding, Severity
from harness.rulebook import rulebook
from tests.lab.tvs_apps import MARKER, OverTls, Straight
from tests.probes.test_saml import DV_OIN, LC_OIN, UUID, bench

LC = f"urn:nl-eid-gdi:1.0:LC:{LC_OIN}:entities:9001"
DV = f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9001"


@dataclass
class Stage:
    """The routing service, the application, and what the battery is told of the application."""

    pki: object
    service: RoutingService
    sample: object
    described: Application

    @classmethod
    async def of(cls, pki, kind, patience=40.0):
        service = (await bench(pki)).service
        signer = signer_of(pki.issue("own-signing", oin=LC_OIN))
        key = signer_of(pki.issue("own-encryption", oin=DV_OIN))
        line = Straight(service, pki.issue("own-tls", oin=LC_OIN).der)
        sample = kind(service, line, signer, {key.key_name: key.key}, LC, DV, UUID)
        base = f"https://{sample.own_host}"
        described = Application(
            f"{base}/login", f"{base}/home", MARKER, lambda: "\n".join(sample.written), f"{base}/logout", f"{base}/refresh", patience
        )  # fmt: skip
        return cls(pki, service, sample, described)

    def in_process(self):
        """The battery by plain HTTP, without a network."""

        @asynccontextmanager
        async def visitor():
            async with httpx.AsyncClient(transport=httpx.MockTransport(self.sample)) as client:
                yield PlainVisitor(client)

        return Battery(self.service, self.described, visitor)

    @asynccontextmanager
    async def over_tls(self, *, looks=True, tabs=None):
        """The battery over real TLS; `looks` is whether the application looks at the certificate of the back channel."""
        pki, service, host = self.pki, self.service, urlsplit(self.described.login).netloc
        own = pki.issue("own-tls", oin=LC_OIN, hosts=(host,))
        there = pki.issue("counterparty", hosts=service.hosts)
        open_to_all = replace(GOOD, client_certificate="ignored")
        async with (
            serve(self._answer, own, pki=pki, tls=open_to_all) as ours,
            serve(service.handle, there, pki=pki, tls=RoutingService.TLS) as rd,
        ):
            service.served = rd
            addresses = {host: ours.address} | dict.fromkeys(service.hosts, rd.address)
            context = ssl.create_default_context(cadata=pem(pki.anchors("g1", "g4")).decode())
            context.check_hostname = looks
            context.verify_mode = ssl.CERT_REQUIRED if looks else ssl.CERT_NONE
            mine = pki.issue("own-tls", oin=LC_OIN)
            context.load_cert_chain(mine.cert_path, mine.key_path)
            self.sample.line = OverTls(context, lambda name, _port: addresses[name])
            if tabs is None:
                anchors = [pem([a]) for a in pki.anchors()]
                yield Battery(
                    service, self.described, plain_visitors(lambda name, _: addresses.get(name, (name, 443)), anchors)
                )
                return
            async with tabs(addresses) as visitors:
                yield Battery(service, self.described, visitors)

    async def _answer(self, request):
        url = f"https://{urlsplit(self.described.login).netloc}{request.path}"
        asked = httpx.Request(request.method, url, headers=list(request.headers), content=request.body)
        answer = await self.sample(asked)
        kept = [(k, v) for k, v in answer.headers.multi_items() if k not in ("content-length", "transfer-encoding")]
        return Reply(answer.status_code, kept, answer.content)


def heavy(items):
    """Rule and place of every finding of error level."""
    graded = rulebook().grade((i for i in items if isinstance(i, Finding)), {"lab", "lc"})
    return {(g.finding.rule, g.finding.where) for g in graded if g.severity is Severity.ERROR}
