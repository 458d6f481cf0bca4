"""The login over the routing service of the lab: sound answers pass, every fault is named by the rule it breaks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from harness.exchange import Message, Recorder, Reply
from harness.lab import Place
from harness.lab.ca import Pki
from harness.lab.faults.saml import FAULTS
from harness.lab.mint import pem
from harness.lab.server import Request
from harness.lab.tvs import RoutingService
from harness.link import Link, Material
from harness.masking import Masker
from harness.model import Environment, Finding, Graded, NotRun, Severity
from harness.probes.probe import NotPossible, Tools
from harness.probes.saml import aansluitbestand, authn, own_metadata, own_view, pysaml2_view, saml_metadata
from harness.rulebook import rulebook
from harness.scenario import Connection, Limits, Party, Peer, Provider, Saml
from harness.sheets import to_xlsx

LC_OIN, DV_OIN, UZI_OIN = "00000099000000004000", "00000099000000005000", "00000009900000020000"
UUID = "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e51"
OTHER_UUID = "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e52"
OWN = "https://login.tvs.ketentest.test/saml"


@pytest.fixture(scope="session")
def pki():
    return Pki()


@dataclass
class DirectLine:
    """An exchange without a network: every request goes straight to the routing service."""

    service: RoutingService
    client_certificate: bytes

    async def post(self, url, body, headers, **_):
        return await self._send("POST", url, body, headers)

    async def get(self, url, headers=None, **_):
        return await self._send("GET", url, b"", headers or {})

    async def _send(self, method, url, body, headers):
        path = "/" + url.split("/", 3)[3]
        listed = tuple((k.lower(), v) for k, v in headers.items())
        answer = await self.service.handle(Request(method, path, listed, body, self.client_certificate))
        shown = tuple((k.lower(), v) for k, v in answer.headers)
        start = f"HTTP/1.1 {answer.status} X"
        return Reply(start=start, headers=shown, body=answer.body, status=answer.status, request=Message("", (), b""))


@dataclass
class Bench:
    """Our side, the lab's side, and a way to run a probe between them."""

    link: Link
    service: RoutingService
    tools: Tools

    async def run(self, probe=authn):
        return [item async for item in probe(self.link, self.tools)]


@cache
def material(role, folder):
    """One Material per key for the whole session: loading an RSA key takes longer than a login."""
    return Material(role, role, (folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())


async def bench(pki, *faults, clustered=True, test_provider=DV_OIN, second_certificate=False, mode="", spec="4.4"):
    own = LC_OIN if clustered else DV_OIN
    identities = {
        "tls-client": pki.issue("own-tls", oin=own),
        "message-signing": pki.issue("own-signing", oin=own),
        f"bsn-encryption:{DV_OIN}": pki.issue("own-encryption", oin=DV_OIN),
    }
    providers = [Provider(name="Noord", oin=DV_OIN, service_uuid=UUID, test_provider=test_provider == DV_OIN)]
    if clustered:
        identities[f"bsn-encryption:{UZI_OIN}"] = pki.issue("care-south-bsn")
        uzi = Provider(name="Zuid", oin=UZI_OIN, service_uuid=OTHER_UUID, test_provider=test_provider == UZI_OIN)
        providers.append(uzi)
    materials = {role: material(role, identity.folder) for role, identity in identities.items()}
    system = "tvs-cluster" if clustered else "tvs-direct"
    settings = {
        "own_name": "Test", "own_oin": own, "own_endpoint": OWN, "peer_oin": "00000099000000009000", "mode": mode, "spec": spec,
        "own_certificates": {role: m.certificate for role, m in materials.items()},
        "providers": tuple(
            p.model_dump() | {"encryption_certificate": materials[f"bsn-encryption:{p.oin}"].certificate} for p in providers
        ),
    }  # fmt: skip
    place = Place(
        system, system, "saml", pki, frozenset(faults), settings, lambda: datetime.now(UTC), lambda h, p: (h, p)
    )
    service = RoutingService(place)
    await service.start()
    connection = Connection(
        name=system,
        system=system,
        peer=Peer(name="TVS", oin="00000099000000009000"),
        saml=Saml(endpoint=service.endpoint, own_endpoint=OWN, spec=spec, providers=tuple(providers)),
    )
    link = Link(
        connection=connection,
        party=Party(name="Test", oin=own, kind="leverancier"),
        environment=Environment.LAB,
        limits=Limits(),
        materials=materials,
        anchors=tuple(pem([a]) for a in pki.anchors()),
        documents=service.documents(),
    )
    line = DirectLine(service, identities["tls-client"].der)
    recorder = Recorder(None, Masker())
    return Bench(link, service, Tools(link, line, recorder, rulebook(), param="lc" if clustered else "dv"))


def errors(items):
    """The rules of error level among what a probe yielded."""
    book = rulebook()
    graded = [item for item in items if isinstance(item, Graded)]
    plain = book.grade((i for i in items if isinstance(i, Finding)), {"lab"})
    return {g.finding.rule for g in (*graded, *plain) if g.severity is Severity.ERROR}


@pytest.mark.parametrize("clustered", [True, False])
async def test_a_sound_login_passes_to_the_end(pki, clustered):
    ours = await bench(pki, clustered=clustered)
    items = await ours.run()
    assert not errors(items)
    assert not [i for i in items if isinstance(i, NotRun)]
    assert any("uitgelogd" in str(i) for i in items)
    assert [j.message.kind for j in ours.service.heard] == ["AuthnRequest", "ArtifactResolve", "LogoutRequest"]
    assert not any(j.refused for j in ours.service.heard)


async def test_a_login_for_the_provider_with_a_uzi_certificate_passes(pki):
    assert not errors(await (await bench(pki, test_provider=UZI_OIN)).run())


EXPECTED = {
    "unsigned": "SAML-ART-020", "unsigned-assertion": "SAML-AS-001", "forged-key": "SAML-ART-020",
    "forged-certificate": "SAML-ART-020", "forged-key-value": "SAML-ART-020", "sha1-signature": "SAML-ART-020",
    "sha1-digest": "SAML-ART-020", "xsw-extensions": "SAML-ART-020", "xsw-object": "SAML-ART-020",
    "xsw-sibling": "SAML-ART-026", "xsw-advice": "SAML-AS-001", "tampered": "SAML-ART-020",
    "other-resolve": "SAML-ART-021", "other-request": "SAML-ART-025", "other-confirmation": "SAML-AS-013",
    "expired": "SAML-AS-012", "early": "SAML-AS-020", "other-recipient": "SAML-AS-011",
    "other-destination": "SAML-ART-025", "other-audience": "SAML-AS-021", "unknown-level": "SAML-AS-030",
    "digid-3-level": "SAML-AS-030", "other-service": "SAML-AS-040", "other-recipient-key": "SAML-AS-050",
    "plain-name": "SAML-AS-050", "no-name": "SAML-AS-041", "rsa-15": "SAML-AS-053", "aes-128": "SAML-AS-053",
    "bad-padding": "SAML-AS-050", "wrong-qualifier": "SAML-AS-054", "short-bsn": "SAML-AS-055",
    "bad-bsn": "SAML-AS-055", "two-assertions": "SAML-ART-026", "encrypted-assertion": "SAML-ART-026",
    "no-response": "SAML-ART-023", "cancel": "SAML-ART-028", "failed": "SAML-ART-028",
    "no-authn-context": "SAML-ART-028", "request-denied": "SAML-ART-028", "request-unsupported": "SAML-ART-028",
    "no-supported-idp": "SAML-ART-028", "resolve-denied": "SAML-ART-024", "soap-fault": "SAML-ART-024",
    "http-500": "SAML-ART-024", "html": "SAML-ART-024", "doctype": "SAML-ART-024", "deep": "SAML-ART-024",
    "digid-3": "SAML-AS-041", "other-issuer": "SAML-ART-022", "lc-recipient": "SAML-AS-056",
    "metadata-expired": "SAML-RD-005", "metadata-broken": "SAML-RD-003", "metadata-other-oin": "SAML-RD-002",
    "sso-error": "SAML-ART-028", "bad-artifact": "SAML-ART-003", "logout-denied": "SAML-SLO-003",
    "logout-unsigned": "SAML-SLO-003", "comment-in-audience": "SAML-AS-021",
    "comment-in-service": "SAML-AS-040", "unknown-key": "SAML-ART-020", "xsw-child": "SAML-AS-001",
    "xsw-signature": "SAML-AS-001", "xsw-beside": "SAML-ART-020", "huge": "SAML-ART-024",
    "lc-audience": "SAML-AS-021", "requester": "SAML-ART-028",
}  # fmt: skip


@pytest.mark.parametrize(("fault", "rule"), EXPECTED.items())
async def test_a_fault_of_the_routing_service_is_named(pki, fault, rule):
    assert rule in errors(await (await bench(pki, fault)).run())


VALID = (
    "high-level", "pretty-values", "other-prefixes", "second-key", "unreadable-first-key", "inline-keys", "represented",
    "advice-other-bsn", "low-level", "eidas",
)  # fmt: skip


@pytest.mark.parametrize("variant", VALID)
async def test_an_unusual_but_valid_answer_is_accepted(pki, variant):
    assert not errors(await (await bench(pki, variant)).run())


ON_THE_LINE = {"slow", "reset", "replay", "resolve-other-ca", "resolve-other-host", "tls-alert"}


def test_every_fault_is_provoked_here_or_breaks_the_line_itself():
    assert set(FAULTS) == {*EXPECTED, *VALID, *ON_THE_LINE}


async def test_the_lab_names_a_client_certificate_that_the_metadata_does_not_list(pki):
    ours = await bench(pki)
    ours.tools.exchange.client_certificate = pki.issue("counterparty").der
    found = errors(await ours.run())
    assert "SAML-ART-024" in found
    heard = next(j for j in ours.service.heard if j.message.kind == "ArtifactResolve")
    assert "SAML-ART-011" in {g.finding.rule for g in heard.findings}


async def test_the_lab_gives_an_artifact_away_only_once(pki):
    ours = await bench(pki)
    await ours.run()
    assert all(waiting.resolved == 1 for waiting in ours.service.waiting.values())


@pytest.mark.parametrize(("spec", "told"), [("st-1.0", True), ("4.4", False)])
async def test_the_kind_of_representation_is_told_in_st_saml_and_not_in_4_4(pki, spec, told):
    ours = await bench(pki, "represented", spec=spec)
    items = await ours.run()
    assert not errors(items)
    assert ("SAML-AS-042" in {i.finding.rule for i in items if isinstance(i, Graded)}) is told


async def test_each_dienstverlener_of_a_cluster_has_a_verdict_of_its_own(pki):
    ours = await bench(pki)
    old = pki.issue("own-encryption", oin=DV_OIN, start=-400, days=365)
    role = f"bsn-encryption:{DV_OIN}"
    materials = {**ours.link.materials, role: replace(ours.link.materials[role], certificate=pem([old.certificate]))}
    ours.link = replace(ours.link, materials=materials)
    told = [dict(item.data) for item in await ours.run(saml_metadata) if getattr(item, "data", ())]
    verdicts = {data["dienstverlener"]: data["oordeel"] for data in told if "oordeel" in data}
    assert verdicts == {"Noord": "fail", "Zuid": "pass"}


async def test_generated_metadata_passes_and_pysaml2_reads_the_same(pki):
    for clustered in (True, False):
        ours = await bench(pki, clustered=clustered)
        items = await ours.run(saml_metadata)
        assert not errors(items)
        document = own_metadata(ours.link, datetime.now(UTC) + timedelta(days=30))
        assert pysaml2_view(document) == own_view(document)


async def test_a_cluster_gets_a_line_for_each_dienstverlener(pki):
    items = await (await bench(pki)).run(saml_metadata)
    told = " ".join(str(i) for i in items)
    assert f"DV:{DV_OIN}:entities:9001: geslaagd" in told
    assert f"DV:{UZI_OIN}:entities:9001: geslaagd" in told


async def test_metadata_never_outlives_its_certificates(pki):
    ours = await bench(pki)
    document = own_metadata(ours.link, datetime.now(UTC) + timedelta(days=5000))
    judged = ours.tools.judge("saml-metadata", document, role="lc")
    assert not {g.finding.rule for g in judged if isinstance(g, Graded)} & {"SAML-MD-106", "SAML-MD-110"}


async def test_no_digit_of_the_test_bsn_is_told(pki):
    for fault in ("bad-bsn", "short-bsn", "plain-name"):
        assert "99999904" not in str(
            [i for i in await (await bench(pki, fault)).run() if isinstance(i, (Finding, Graded))]
        )


async def test_a_tester_chooses_how_the_login_ends(pki):
    ours = await bench(pki, mode="interactive")
    items = await ours.run()
    assert "SAML-ART-028" in errors(items)
    (token,) = ours.service.choosing
    body = f"token={token}&outcome=cancel".encode()
    answer = await ours.service.handle(Request("POST", "/kvs/rd/choose", (), body))
    assert answer.status == 302
    assert not ours.service.choosing


async def test_metadata_of_an_identity_provider_is_judged_by_what_holds_for_any_saml(pki):
    """DM-2.2c.3: the SSOn identity provider is no part of eID SAML."""
    ours = await bench(pki)
    ours.tools = replace(ours.tools, param="")
    with pytest.raises(NotPossible, match="idp_metadata"):
        await ours.run(saml_metadata)
    provider = ours.service.metadata.replace(b"urn:nl-eid-gdi:1.0:RD:", b"https://idp.example/")
    ours.link = replace(ours.link, documents={"idp-metadata": provider})
    items = await ours.run(saml_metadata)
    assert errors(items) == {"SAML-MD-310"}


async def test_the_aansluitbestand_is_read_from_a_spreadsheet(pki, tmp_path):
    ours = await bench(pki)
    headings = ["EntityID", "OIN", "ServiceUUID", "Naam"]
    rows = [
        [f"urn:nl-eid-gdi:1.0:DV:{oin}:entities:9001", oin, uuid, name]
        for oin, uuid, name in ((DV_OIN, UUID, "Noord"), (UZI_OIN, OTHER_UUID, "Zuid"))
    ]
    (tmp_path / "a.xlsx").write_bytes(to_xlsx([("Dienstverleners", [headings, *rows], [30])], tmp_path))
    connection = ours.link.connection
    changes = {"aansluitbestand": "a.xlsx", "aansluitbestand_template": "a.xlsx", "previous_aansluitbestand": "a.xlsx"}
    saml = connection.saml.model_copy(update=changes)
    ours.link = replace(ours.link, folder=tmp_path, connection=connection.model_copy(update={"saml": saml}))
    items = await ours.run(aansluitbestand)
    assert not errors(items)
    assert not [i for i in items if isinstance(i, NotRun)]
    assert any("2 actieve" in str(i) for i in items)


async def test_without_an_aansluitbestand_the_probe_says_what_to_do(pki):
    with pytest.raises(NotPossible, match="no aansluitbestand"):
        await (await bench(pki)).run(aansluitbestand)


async def test_a_new_delivery_is_compared_with_the_one_before(pki):
    ours = await bench(pki)
    before = own_metadata(ours.link, datetime.now(UTC) + timedelta(days=9))
    ours.link = replace(ours.link, documents={**ours.link.documents, "previous-metadata": before})
    items = await ours.run(saml_metadata)
    assert not errors(items)
    assert any("0 added; 0 removed" in str(i) for i in items)
