"""Sound metadata and messages of our own, made with lab certificates: every test changes one thing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from harness.lab.ca import Pki
from harness.lab.mint import pem
from harness.lab.tvs import signer_of
from harness.lab.tvs_answers import Keys, Service
from harness.lab.tvs_answers import metadata as rd_metadata
from harness.lint.judge import Context, Raw
from harness.lint.saml import judge_message, judge_metadata
from harness.model import Environment, Finding, NotRun
from harness.rulebook import rulebook
from harness.wire import saml_generate as generate
from harness.wire.saml import EntityId
from harness.wire.saml_keys import read_certificate
from harness.wire.saml_signature import SIGNATURE, sign

DV_OIN, LC_OIN = "00000099000000005000", "00000099000000004000"
UUIDS = ("6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e51", "6f1c2a3e-5b7d-4c1a-9e2f-0a1b2c3d4e52")


@dataclass
class Kit:
    """Certificates, sound files, and a judge that says which rules fired."""

    pki: Pki
    now: datetime

    def identity(self, profile, **changes):
        return self.pki.issue(profile, **changes)

    def certificate(self, profile, **changes):
        return read_certificate(self.identity(profile, **changes).der)

    def signer(self, profile, **changes):
        return signer_of(self.identity(profile, **changes))

    @property
    def trust(self):
        return tuple(pem([anchor]) for anchor in self.pki.anchors("g1"))

    @property
    def between(self):
        return tuple(Raw(pem([c]), "ca.pem") for c in self.pki.intermediates("g1", "uzi"))

    def dv(self, **changes):
        """A direct dienstverlener with one service."""
        parts = {
            "entity_id": EntityId("DV", DV_OIN, "9001"),
            "signing": (self.certificate("own-signing", oin=DV_OIN), self.certificate("own-tls", oin=DV_OIN)),
            "encryption": (self.certificate("own-encryption", oin=DV_OIN),),
            "consumer": generate.Consumer(
                ("https://zorg.voorbeeld.nl/saml/acs",), "https://zorg.voorbeeld.nl/saml/logout"
            ),
            "services": (generate.OfferedService(UUIDS[0]),),
        }
        return generate.DirectConnection(**parts | changes)

    def lc(self, **changes):
        """An LC with two dienstverleners, one of them with a UZI certificate."""
        parts = {
            "entity_id": EntityId("LC", LC_OIN, "9001"),
            "signing": (self.certificate("own-signing", oin=LC_OIN), self.certificate("own-tls", oin=LC_OIN)),
            "consumer": generate.Consumer(("https://lc.voorbeeld.nl/saml/acs",), "https://lc.voorbeeld.nl/saml/logout"),
            "providers": (
                generate.Provider(EntityId("DV", DV_OIN, "9001"), (self.certificate("own-encryption", oin=DV_OIN),)),
                generate.Provider(
                    EntityId("DV", "00000009900000010000", "9001"), (self.certificate("care-north-bsn"),)
                ),
            ),
        }
        return generate.Cluster(**parts | changes)

    def own_signer(self, connection):
        oin = connection.entity_id.oin
        return self.signer("own-signing", oin=oin)

    def tree(self, connection, **changes):
        first = connection.signing[0]
        return generate.unsigned(connection, first, changes.get("until", self.now + timedelta(days=90)))

    def signed(self, root, connection, **how):
        return etree.tostring(sign(root, self.own_signer(connection), **how))

    def file(self, connection, change=None, after=None, **how):
        """A signed file; `change` touches the tree before signing, `after` the bytes behind it."""
        root = self.tree(connection)
        if change:
            change(root)
        data = self.signed(root, connection, **how)
        return after(data) if after else data

    def context(self, role, **changes):
        settings = {"service-uuids": UUIDS, **changes.pop("settings", {})}
        parts = {
            "at": self.now, "environment": Environment.PREPROD, "role": role, "trust": self.trust,
            "companions": (*self.between, *changes.pop("companions", ())), "settings": settings,
        }  # fmt: skip
        return Context(**parts | changes)

    def judge(self, data, role="dv", **changes):
        """Rule → severity of everything that fired (the heaviest per rule), and what did not run."""
        ctx = self.context(role, **changes)
        return weighed(judge_metadata(Raw(data, "metadata.xml"), ctx), ctx)

    def judge_message(self, data, role="dv", http=None, **changes):
        ctx = self.context(role, **changes)
        return weighed(judge_message(Raw(data, "message.xml", http), ctx), ctx)


def weighed(outcome, ctx):
    outcome = list(outcome)
    order = {"error": 2, "warning": 1, "info": 0}
    fired = {}
    for graded in rulebook().grade((f for f in outcome if isinstance(f, Finding)), ctx.words):
        rule, severity = graded.finding.rule, str(graded.severity)
        fired[rule] = max(severity, fired.get(rule, "info"), key=order.__getitem__)
    fired["not run"] = {n.rule for n in outcome if isinstance(n, NotRun)}
    return fired


def loud(fired):
    return {rule for rule, severity in fired.items() if severity in ("error", "warning")}


@pytest.fixture(scope="session")
def kit():
    now = datetime.now(UTC).replace(microsecond=0)
    return Kit(Pki(now=now), now)


@pytest.fixture(scope="session")
def signature_tag():
    return SIGNATURE


@pytest.fixture(scope="session")
def rd(kit):
    """The keys and the addresses of the routing service of the lab."""
    oin = "00000099000000009000"
    keys = Keys(
        *(
            kit.signer("counterparty-signing", oin=oin, hosts=(f"{n}.ketentest.test",))
            for n in ("rd", "rd2", "ad", "niemand")
        )
    )
    service = Service(
        f"urn:nl-eid-gdi:1.0:RD:{oin}:entities:9000",
        "urn:nl-eid-gdi:1.0:AD:00000099000000009500:entities:9000",
        "https://rd.voorbeeld.nl/sso",
        "https://ars.rd.voorbeeld.nl/ars",
        "https://rd.voorbeeld.nl/slo",
    )
    return service, keys


@pytest.fixture(scope="session")
def rd_file(kit, rd):
    return rd_metadata(*rd, kit.now)


@pytest.fixture
def rd_resigned(kit, rd):
    """RD metadata with one change, signed anew."""

    def made(change):
        root = etree.fromstring(rd_metadata(*rd, kit.now))
        root.remove(root.find(SIGNATURE))
        change(root)
        return etree.tostring(sign(root, rd[1].first))

    return made
