"""Any WUS service in the three profiles, and a caller of our own service: the compliance facility of the lab."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from cryptography import x509
from lxml import etree

from harness.lab.faults import wus as faults
from harness.lab.faults.wus import Fault
from harness.lab.mint import pem
from harness.lab.server import Reply, Request
from harness.lab.services import WusService, element, find
from harness.lint.wus.service import PROFILES
from harness.model import Text
from harness.wire import soap
from harness.wire.soap import Addressing
from harness.wire.soap_call import Outgoing, Security, make
from harness.wire.soap_wsdl import Operation
from harness.wire.wss import Recipe


class Generic(WusService):
    """Any 2W-be, 2W-be-S and 2W-be-SE service, and a caller of our own: the compliance facility of the lab."""

    NAME: ClassVar[str] = "digikoppeling"
    DOCUMENTS: ClassVar[tuple[str, ...]] = (
        "stub-dienst-be-s-v1.wsdl",
        "stub-dienst-be-v1.wsdl",
        "stub-dienst-be-se-v1.wsdl",
        "stub-dienst-v1.xsd",
    )
    TABLE: ClassVar[Mapping[str, Fault]] = {**WusService.TABLE, **faults.CALLING}
    FAULTS: ClassVar[Mapping[str, Text]] = {name: f.text for name, f in TABLE.items()}
    SPACE: ClassVar[str] = "urn:ketentest:stub:dienst:types:v1"
    CALL: ClassVar[str] = "/wus/bel-mij"

    async def handle(self, request: Request) -> Reply:
        """Answer one HTTP request; on the call path, call our service in the profile that the query names."""
        path, _, profile = request.path.partition("?")
        if path == self.CALL and request.method == "POST":
            task = asyncio.create_task(self._call(profile))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return Reply(202)
        return await super().handle(request)

    def documents(self) -> Mapping[str, bytes]:
        """Return the WSDL of each profile under `wsdl-name[…]`, and the rest as every service does."""
        names = ("stub-dienst-be-v1.wsdl", "stub-dienst-be-s-v1.wsdl", "stub-dienst-be-se-v1.wsdl")
        per_profile = dict(zip(PROFILES, (name.encode() for name in names), strict=True))
        return {**super().documents(), **{f"wsdl-name[{profile}]": name for profile, name in per_profile.items()}}

    def answer(self, operation: Operation, asked: etree._Element) -> etree._Element:
        """Give the status of the reference."""
        return element(self.SPACE, "geefStatusResponse", kenmerk=find(asked, "kenmerk"), status="gereed é&<")

    def detail(self, code: str) -> etree._Element:
        """Return stubFout with the code."""
        return element(self.SPACE, "stubFout", code=code, omschrijving="verzoek niet verwerkt")

    async def _call(self, profile: str) -> None:
        url = urlsplit(str(self.place.settings.get("own_wus_endpoint", "")))
        host, port = url.hostname or "", url.port or 443
        address, mapped = self.place.resolve(host, port)
        sent = self.request(profile, url.geturl())
        target = f"https://{address}:{mapped}{url.path or '/'}"
        headers = {**sent.headers(), "Host": host}
        with contextlib.suppress(httpx.HTTPError, OSError):
            async with self._client() as client:
                await client.post(target, content=sent.body, headers=headers, extensions={"sni_hostname": host})

    def request(self, profile: str, to: str) -> Outgoing:
        """Return a request of the lab to our service; a fault of the lab changes it too."""
        operation = self.operation("geefStatus")
        theirs = self._own_certificate()
        security = replace(
            Security(profile, self.keys.own, theirs, recipe=self.fault.recipe or Recipe()),
            before=self.fault.before,
            after=self.fault.after,
        )
        if not self.fault.signed:
            security = replace(security, profile="2W-be")
        payload = element(self.SPACE, "geefStatus", kenmerk=str(uuid4()))
        addressing = Addressing(to=to, action=operation.action.value, sender=self.endpoint, reply_to=soap.ANONYMOUS)
        return make(payload, addressing, security, at=self.place.now() + self.fault.shift)

    def _own_certificate(self) -> x509.Certificate | None:
        given: Mapping[str, bytes] = self.place.settings.get("own_certificates", {})
        data = given.get("encryption") or given.get("message-signing") or given.get("tls-client")
        return x509.load_pem_x509_certificates(data)[0] if data else None

    def _client(self) -> httpx.AsyncClient:
        place = self.place
        identity = place.pki.issue(
            "counterparty", oin=place.settings.get("peer_oin"), organisation=self._organisation(), hosts=self.hosts
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=pem(place.pki.anchors()).decode())
        context.load_cert_chain(identity.cert_path, identity.key_path)
        return httpx.AsyncClient(verify=context, trust_env=False, timeout=10.0)
