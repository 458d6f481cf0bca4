"""Every rule on specifications, PingMMD and CPA is provoked by one deviation in a document without a defect."""

import base64
import re
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from ebms_documents import (
    HOST_A,
    OIN_A,
    OIN_B,
    certificate,
    consumer_spec,
    cpa,
    gemeente,
    judged,
    name,
    ping_mmd,
    private_pem,
    provider_spec,
    voorziening,
)
from lxml import etree

from harness.lint.ebms import consumer_spec as spec_rules
from harness.lint.ebms import cpa as cpa_rules
from harness.lint.ebms import ping_mmd as mmd_rules
from harness.lint.ebms import provider_spec as provider_rules
from harness.lint.judge import Raw
from harness.model import Environment
from harness.rulebook import rulebook
from harness.wire.cpa_build import Reliability
from harness.wire.spec import PROFILES

LATER = datetime(2028, 1, 1, tzinfo=UTC)
E, W, I = "error", "warning", "info"  # noqa: E741 - the letters of the rule catalogue


def swap(data, old, new, count=1):
    """Return `data` with `old` replaced; the deviation must really be there."""
    old, new = (x.encode() if isinstance(x, str) else x for x in (old, new))
    assert old in data, old
    return data.replace(old, new, count)


def sub(data, pattern, new, count=1):
    changed, times = re.subn(pattern.encode(), new.encode(), data, count=count, flags=re.DOTALL)
    assert times, pattern
    return changed


def spec(old, new, **changes):
    return lambda: swap(consumer_spec(**changes), old, new)


def mmd(old, new):
    return lambda: swap(ping_mmd(), old, new)


def provider(old, new):
    return lambda: swap(provider_spec(), old, new)


def agreement(old, new, profile="osb-rm", count=1):
    return lambda: swap(cpa(profile), old, new, count)


def pattern(expression, new, profile="osb-rm", count=1):
    return lambda: sub(cpa(profile), expression, new, count)


def default_reliable():
    """Best-effort actions, while signals go over a channel that asks for acknowledgement."""
    data = cpa().replace(b"<tns:ChannelId>SP_channel_business", b"<tns:ChannelId>SP_channel_msh")
    return swap(data, 'defaultMshChannelId="SP_channel_msh"', 'defaultMshChannelId="SP_channel_business"')


KEYINFO = '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">'
OTHER_KEY = "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>"
QUALIFIED = re.sub(r"<(/?)", r"<\1ds:", OTHER_KEY)
WITH_CPA = {"companions": (Raw(cpa(), "cpa.xml"),)}

PROVOKED = [
    # consumer specification
    ("SPEC-001", E, spec("</osb-ebms-service-specificatie>", ""), {}),
    ("SPEC-001", E, spec("<osb", "<!DOCTYPE x []><osb"), {}),
    ("SPEC-002", E, spec("<osb-ebms-service-specificatie>", '<osb-ebms-service-specificatie xmlns="urn:x">'), {}),
    (
        "SPEC-002",
        E,
        lambda: consumer_spec().replace(b"osb-ebms-service-specificatie", b"OSB-ebms-service-specificatie"),
        {},
    ),
    ("SPEC-003", E, spec(' name="SR"', ""), {}),
    ("SPEC-003", E, spec("</parameters>", '</parameters><parameters name="SP"/>'), {}),
    ("SPEC-003", W, spec('name="SR"', 'name="Serviceafnemer"'), {}),
    (
        "SPEC-004",
        E,
        spec('<parameter name="PartyRef"/>', '<parameter name="PartyRef"/><parameter name="PartyRef"/>'),
        {},
    ),
    ("SPEC-004", E, spec('<parameter name="PartyRef"/>', '<parameter name="PartyRef"/><param name="x"/>'), {}),
    ("SPEC-005", E, spec('name="ServerCert"', 'name="Servercert"'), {}),
    ("SPEC-005", W, spec('<parameter name="PartyRef"/>', ""), {}),
    (
        "SPEC-006",
        W,
        spec('<parameter name="PartyRef"/>', '<parameter name="PartyRef"/><parameter name="EndPointURI">x</parameter>'),
        {},
    ),
    ("SPEC-007", E, spec("Gemeente A", "[uw_organisatie_naam]"), {}),
    ("SPEC-007", E, spec(f"https://{HOST_A}/ebms", "[uw_endpoint_voor_lopendezaken_koppeling]"), {}),
    (
        "SPEC-008",
        W,
        lambda: swap(consumer_spec(), "UTF-8", "windows-1252").decode().replace("Gemeente A", "Één").encode("cp1252"),
        {},
    ),
    ("SPEC-010", E, spec("Gemeente A", " "), {}),
    ("SPEC-011", E, spec(OIN_A, "99000000001000"), {}),
    ("SPEC-011", E, spec(OIN_A, OIN_A + "_TEST"), {}),
    ("SPEC-011", E, spec(OIN_A, "9,9E+13"), {}),
    ("SPEC-011", E, spec(OIN_A, "urn:osb:oin:" + OIN_A), {}),
    ("SPEC-012", E, spec(OIN_A, f" {OIN_A}"), {}),
    ("SPEC-013", W, spec(OIN_A, "12345678000000001000"), {}),
    ("SPEC-014", I, spec(OIN_A, OIN_A + "_OTA"), {}),
    ("SPEC-015", W, consumer_spec, {"environment": Environment.PROD}),
    ("SPEC-016", I, spec(OIN_A, "00000003123456780000"), {}),
    ("SPEC-020", E, spec("https://", "http://"), {}),
    ("SPEC-020", E, spec(f"https://{HOST_A}/ebms", f"{HOST_A}/ebms"), {}),
    ("SPEC-021", E, spec(HOST_A, "10.1.2.3"), {}),
    ("SPEC-021", E, spec(HOST_A, "[::1]"), {}),
    ("SPEC-021", E, spec(HOST_A, "ebms"), {}),
    ("SPEC-021", E, spec(HOST_A, "2130706433"), {}),
    ("SPEC-022", W, spec(f"{HOST_A}/", f"{HOST_A}:8443/"), {}),
    ("SPEC-023", E, spec("https://", "\n https://"), {}),
    ("SPEC-023", E, spec("https://", "https://user@"), {}),
    ("SPEC-023", W, spec("/ebms<", "/ebms?x=1<"), {}),
    ("SPEC-024", E, spec(HOST_A, "andere.gemeente-a.example"), {}),
    ("SPEC-024", E, lambda: consumer_spec(server_cert=certificate(sans=False)), {}),
    ("SPEC-030", E, spec(KEYINFO, "<KeyInfo>"), {}),
    ("SPEC-030", E, lambda: sub(consumer_spec(), "<KeyInfo.*?</KeyInfo>", "MIIB"), {}),
    ("SPEC-031", E, lambda: sub(consumer_spec(), "<X509Data>.*?</X509Data>", "<KeyName>x</KeyName>"), {}),
    ("SPEC-031", E, spec("<X509Certificate>MII", "<X509Certificate>M!I"), {}),
    ("SPEC-031", E, spec("<X509Certificate>MII", "<X509Certificate>MIIA"), {}),
    ("SPEC-032", E, spec("<X509Certificate>", "<X509Certificate>-----BEGIN CERTIFICATE-----\n"), {}),
    (
        "SPEC-033",
        E,
        lambda: swap(
            consumer_spec(), '<parameter name="PartyRef"/>', f'<parameter name="PartyRef">{private_pem()}</parameter>'
        ),
        {},
    ),
    ("SPEC-033", E, spec(KEYINFO, KEYINFO + OTHER_KEY.replace("</Exponent>", "</Exponent><D>AQAB</D>")), {}),
    ("SPEC-034", E, lambda: consumer_spec(client_cert=certificate(ca=True)), {}),
    ("SPEC-035", E, lambda: consumer_spec(client_cert=certificate(end="2026-10-01")), {}),
    ("SPEC-035", W, lambda: consumer_spec(client_cert=certificate(end="2026-12-01")), {}),
    ("SPEC-036", W, lambda: consumer_spec(client_cert=certificate(oin=OIN_B)), {}),
    ("SPEC-036", E, lambda: consumer_spec(client_cert=certificate(oin="")), {}),
    ("SPEC-037", E, lambda: consumer_spec(client_cert=certificate(usages=(ExtendedKeyUsageOID.SERVER_AUTH,))), {}),
    ("SPEC-038", E, lambda: consumer_spec(client_cert=certificate(bits=1024)), {}),
    ("SPEC-039", W, lambda: consumer_spec(client_cert=certificate(issuer=name("Let's Encrypt R3"))), {}),
    ("SPEC-040", I, lambda: consumer_spec(client_cert=certificate()), {}),
    ("SPEC-041", E, spec(KEYINFO, KEYINFO + OTHER_KEY), {}),
    ("SPEC-042", W, lambda: consumer_spec(client_cert=certificate(pss=True)), {}),
    ("SPEC-050", I, consumer_spec, {"name": "consumer (2).xml"}),
    (
        "SPEC-051",
        W,
        consumer_spec,
        {"environment": Environment.PROD, "companions": (Raw(consumer_spec(), "p.xml", None, "preprod"),)},
    ),
    # provider specification
    ("PSPEC-001", E, provider("</services>", ""), {}),
    ("PSPEC-001", W, provider("<profiles>", "<extra/><profiles>"), {}),
    ("PSPEC-002", E, lambda: sub(provider_spec(), "<message.*?</service>", "</service>"), {}),
    ("PSPEC-003", W, provider("OSB:LopendeZaken:1:0", "Mijn Service"), {}),
    (
        "PSPEC-004",
        I,
        provider(
            '<service name="OSB:LopendeZaken:1:0"', '<service name="OSB:LopendeZaken:1:0" identifyingName="urn:x:y"'
        ),
        {},
    ),
    ("PSPEC-005", E, provider('from="SP"', 'from="XX"'), {}),
    ("PSPEC-006", E, provider('profile="osb-rm"', 'profile="osb-reliable"'), {}),
    ("PSPEC-007", E, provider('to="SR" profile="osb-rm"', 'to="SR" profile="osb-rm-e"'), {}),
    ("PSPEC-008", I, provider_spec, {}),
    # PingMMD
    ("MMD-001", E, mmd("</MessageMetadataDocument>", ""), WITH_CPA),
    (
        "MMD-002",
        E,
        lambda: ping_mmd().replace(b"DataDocument", b"DataDocoment").replace(b"dataDocument", b"dataDocoment"),
        WITH_CPA,
    ),
    ("MMD-003", W, mmd("documentId", "documentID"), WITH_CPA),
    ("MMD-004", E, mmd('protocolVersion="2.0"', 'protocolVersion="3.0"'), WITH_CPA),
    ("MMD-005", E, mmd('"CPAId"', '"CPAID"'), WITH_CPA),
    ("MMD-005", E, mmd('  <Metadata name="Action" type="string">Ping</Metadata>\n', ""), WITH_CPA),
    ("MMD-006", E, mmd("</MessageM", '<Metadata name="Action">Ping</Metadata></MessageM'), WITH_CPA),
    ("MMD-007", E, mmd("msg:service<", "msg:service:<"), WITH_CPA),
    ("MMD-008", E, mmd(">Ping<", ">ping<"), WITH_CPA),
    ("MMD-009", E, mmd(f">{OIN_A}<", f">urn:osb:oin:{OIN_A}<"), WITH_CPA),
    ("MMD-010", E, mmd(f">{OIN_B}<", f">{OIN_A}<"), WITH_CPA),
    ("MMD-011", E, mmd("</MessageM", '<MessagePayloads><Payload id="p"/></MessagePayloads></MessageM'), WITH_CPA),
    ("MMD-012", E, mmd(f">{OIN_A}<", ">[uw_oin/PartyID]<"), WITH_CPA),
    ("MMD-013", E, mmd(">Ping<", ">\n Ping<"), WITH_CPA),
    ("MMD-014", I, mmd('type="string"', 'type="urn:osb:oin"'), WITH_CPA),
    ("MMD-015", I, ping_mmd, WITH_CPA),
    ("MMD-016", I, ping_mmd, {"companions": (Raw(cpa(sync=True), "cpa.xml"),)}),
    ("XCHK-006", E, mmd("_v1<", "_v2<"), WITH_CPA),
    ("XCHK-006", E, mmd(f">{OIN_B}<", f">{OIN_B}_T<"), WITH_CPA),
    # CPA: the agreement
    ("CPA-001", E, lambda: cpa()[:5000], {}),
    ("CPA-002", E, pattern("<tns:Packaging.*</tns:Packaging>", ""), {}),
    ("CPA-002", E, agreement("2026-01-01T00:00:00Z", "1 januari 2026"), {}),
    ("CPA-003", E, lambda: cpa().replace(b"CollaborationProtocolAgreement", b"CollaborationProtocolProfile"), {}),
    ("CPA-004", I, agreement('tns:version="2_0b"', 'tns:version="3"'), {}),
    ("CPA-005", E, agreement('tns:cpaid="', 'tns:cpaid=" '), {}),
    ("CPA-006", W, lambda: cpa(cpaid=f"X:1.0_{OIN_A}_{OIN_B}"), {}),
    ("CPA-007", I, lambda: cpa(cpaid="cpa1"), {}),
    ("CPA-010", E, lambda: cpa(status="proposed"), {}),
    ("CPA-011", E, pattern("<tns:End>.*?<", "<tns:End>2025-01-01T00:00:00Z<"), {}),
    ("CPA-012", E, pattern("<tns:End>.*?<", "<tns:End>2026-11-01T00:00:00Z<"), {}),
    ("CPA-013", E, pattern("<tns:Start>.*?<", "<tns:Start>2027-01-01T00:00:00Z<"), {}),
    ("CPA-014", W, pattern("<tns:End>.*?<", "<tns:End>2026-12-01T00:00:00Z<"), {}),
    ("CPA-015", W, pattern("<tns:Start>.*?<", "<tns:Start>2016-01-01T00:00:00Z<"), {}),
    ("CPA-016", W, pattern("<tns:End>.*?<", "<tns:End>2029-06-01T00:00:00Z<"), {}),
    (
        "CPA-017",
        I,
        agreement("  <tns:PartyInfo", '  <tns:ConversationConstraints tns:invocationLimit="1"/><tns:PartyInfo'),
        {},
    ),
    ("CPA-018", W, agreement("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"), {}),
    # CPA: the parties
    ("CPA-020", E, agreement(f">{OIN_B}<", f">{OIN_A}<"), {}),
    ("CPA-021", E, agreement(' tns:type="urn:osb:oin"', ""), {}),
    ("CPA-021", E, agreement(' tns:type="urn:osb:oin"', ' type="urn:osb:oin"'), {}),
    ("CPA-022", W, agreement("urn:osb:oin", "urn:x:kvk"), {}),
    ("CPA-023", E, agreement(f">{OIN_B}<", ">99000000002000<"), {}),
    (
        "CPA-024",
        W,
        agreement("<tns:PartyRef", f'<tns:PartyId tns:type="urn:osb:oin">{OIN_B[:-4]}3000</tns:PartyId><tns:PartyRef'),
        {},
    ),
    ("CPA-025", W, agreement(f">{OIN_B}<", f">{OIN_B}_T<"), {}),
    ("CPA-030", E, agreement('defaultMshChannelId="SP_', 'defaultMshChannelId="SR_'), {}),
    ("CPA-030", E, agreement('tns:certId="SP_cert_client"/>', 'tns:certId="SP_trust_transport"/>'), {}),
    ("CPA-030", E, agreement('packageId="package_message"', 'packageId="weg"'), {}),
    ("CPA-030", E, agreement('idref="part_payload"', 'idref="package_signal"'), {}),
    (
        "CPA-030",
        E,
        agreement('DetailsRef tns:securityId="SP_trust', 'DetailsRef tns:securityId="SR_trust', "osb-rm-s"),
        {},
    ),
    ("CPA-031", E, agreement(">SR_R1_afleveren<", ">SP_S1_afleveren<"), {}),
    ("CPA-031", E, agreement(">SR_R1_afleveren<", ">SR_S1_bevestigen<"), {}),
    ("CPA-032", E, agreement('tns:action="afleveren"', 'tns:action="afgeven"'), {}),
    ("CPA-034", I, lambda: swap(cpa(), ' tns:type="urn:osb:services"', "", 9), {}),
    ("CPA-035", E, lambda: swap(cpa(), 'tns:action="afleveren"', 'tns:action="af leveren"', 9), {}),
    (
        "CPA-036",
        E,
        lambda: sub(cpa(), "(<tns:CollaborationRole>.*?</tns:CollaborationRole>)", r"\1\1").replace(
            b'name="SP"', b'name="XX"', 1
        ),
        {},
    ),
    ("CPA-037", W, agreement("</tns:ChannelId>", "</tns:ChannelId><tns:ChannelId>SP_channel_msh</tns:ChannelId>"), {}),
    ("CPA-038", W, agreement('timeToPerform="P2D"', 'timeToPerform="PT1H"'), {}),
    # CPA: the transport
    ("CPA-040", E, agreement(">HTTP<", ">SMTP<"), {}),
    ("CPA-041", E, agreement("https://ebms.v", "http://ebms.v"), {}),
    ("CPA-042", W, agreement('tns:version="1.2">TLS<', 'tns:version="3.0">\n  SSL  <'), {}),
    ("CPA-043", E, pattern("<tns:TransportServerSecurity>.*?</tns:TransportServerSecurity>", ""), {}),
    ("CPA-044", E, pattern(r"<tns:ClientCertificateRef[^>]*>", ""), {}),
    ("CPA-044", E, pattern("<tns:TransportClientSecurity>.*?</tns:TransportClientSecurity>", ""), {}),
    (
        "CPA-045",
        E,
        agreement(
            "<tns:TransportClientSecurity>",
            "<tns:AccessAuthentication>basic</tns:AccessAuthentication><tns:TransportClientSecurity>",
        ),
        {},
    ),
    ("CPA-046", W, agreement("ebms.voorziening-b.example", "10.1.2.3"), {}),
    ("CPA-047", W, agreement("ebms.voorziening-b.example/", "ebms.voorziening-b.example:4443/"), {}),
    ("CPA-048", W, agreement('"allPurpose"', '"request"'), {}),
    ("CPA-048", W, pattern(r"(<tns:Endpoint [^>]*>)", r"\1\1"), {}),
    ("CPA-049", E, agreement(".example/ebms", ".example/ebms#x"), {}),
    # CPA: messaging
    ("CPA-050", E, agreement(' tns:ackRequested="always"', ""), {}),
    ("CPA-050", E, agreement('tns:duplicateElimination="always"', 'tns:duplicateElimination="perMessage"'), {}),
    ("CPA-051", E, agreement('syncReplyMode="none"', 'syncReplyMode="signalsAndResponse"'), {}),
    ("CPA-052", W, lambda: cpa(sync=True), {}),
    ("CPA-053", E, agreement('syncReplyMode="none"', 'syncReplyMode="mshSignalsOnly"', "osb-be"), {}),
    ("CPA-054", E, agreement('duplicateElimination="always"', 'duplicateElimination="never"'), {}),
    ("CPA-055", E, agreement("actor:toPartyMSH", "actor:nextMSH"), {}),
    ("CPA-056", W, agreement('ackSignatureRequested="always"', 'ackSignatureRequested="never"', "osb-rm-s"), {}),
    ("CPA-060", E, pattern("<tns:ReliableMessaging>.*?</tns:ReliableMessaging>", ""), {}),
    ("CPA-061", E, agreement("<tns:Retries>8<", "<tns:Retries>0<"), {}),
    ("CPA-061", E, agreement(">PT3H<", ">PT0S<"), {}),
    ("CPA-062", W, lambda: cpa(reliability=Reliability(persist="P1D")), {}),
    ("CPA-063", I, lambda: cpa(reliability=Reliability(2, "PT1M", "PT1H")), {}),
    ("CPA-064", W, agreement("NotGuaranteed", "Guaranteed"), {}),
    (
        "CPA-065",
        W,
        lambda: (
            cpa()
            .replace(b'ackRequested="always"', b'ackRequested="never"')
            .replace(b'Elimination="always"', b'Elimination="never"')
        ),
        {},
    ),
    ("CPA-066", W, agreement("<tns:Retries>8<", "<tns:Retries>3<"), {}),
    # CPA: security
    ("CPA-070", W, agreement('isConfidential="transient"', 'isConfidential="none"'), {}),
    ("CPA-071", E, lambda: swap(cpa(), 'isNonRepudiationRequired="false"', 'isNonRepudiationRequired="true"', 9), {}),
    ("CPA-072", E, agreement("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", "osb-rm-s"), {}),
    ("CPA-073", E, agreement("2009/xmlenc11#aes256-gcm", "2001/04/xmlenc#tripledes-cbc", "osb-rm-e"), {}),
    ("CPA-073", W, agreement("2009/xmlenc11#aes256-gcm", "2001/04/xmlenc#aes256-cbc", "osb-rm-e"), {}),
    ("CPA-074", W, default_reliable, {}),
    ("CPA-080", E, pattern("<ds:X509Data>.*?</ds:X509Data>", "<ds:KeyName>x</ds:KeyName>"), {}),
    ("CPA-081", E, agreement("<ds:X509Certificate>MII", "<ds:X509Certificate>M!I"), {}),
    ("CPA-082", E, agreement("<ds:X509Certificate>", "<ds:X509Certificate>-----BEGIN CERTIFICATE-----\n"), {}),
    ("CPA-083", E, lambda: cpa(consumer=gemeente(client_cert=certificate(end="2026-10-01")), end=LATER), {}),
    ("CPA-084", W, lambda: cpa(consumer=gemeente(client_cert=certificate(bits=1024))), {}),
    ("CPA-085", E, agreement("<ds:KeyInfo>", "<ds:KeyInfo>" + QUALIFIED), {}),
    (
        "CPA-086",
        E,
        agreement(
            "<ds:KeyInfo>", "<ds:KeyInfo>" + QUALIFIED.replace("</ds:Exponent>", "</ds:Exponent><ds:D>AQAB</ds:D>")
        ),
        {},
    ),
    # CPA: for information
    ("CPA-090", I, agreement('mimetype="application/xml"', 'mimetype="type=text/xml"'), {}),
    (
        "CPA-091",
        I,
        agreement(
            "</tns:PartyInfo>",
            '<tns:OverrideMshActionBinding tns:action="Ping" tns:channelId="SP_channel_business"/></tns:PartyInfo>',
        ),
        {},
    ),
    ("CPA-092", I, lambda: cpa("osb-be"), {}),
    ("CPA-093", I, lambda: cpa(status="signed"), {}),
    # profiles and cross-checks
    *[
        (rule, I, agreement('isAuthorizationRequired="true"', 'isAuthorizationRequired="false"', profile), {})
        for profile, rule in zip(
            PROFILES, ("PROF-BE", "PROF-RM", "PROF-BES", "PROF-RMS", "PROF-BEE", "PROF-RME"), strict=True
        )
    ],
    (
        "PROF-DET",
        W,
        lambda: re.sub(
            b"<tns:SenderNonRepudiation>.*?</tns:SenderNonRepudiation>", b"", cpa("osb-rm-s"), flags=re.DOTALL
        ),
        {},
    ),
    ("XCHK-002", W, lambda: cpa(consumer=gemeente(client_cert=certificate(oin=OIN_B))), {}),
    ("XCHK-004", E, lambda: cpa(consumer=gemeente(server_cert=certificate("andere.gemeente-a.example"))), {}),
    ("XCHK-004", W, lambda: cpa(consumer=gemeente(server_cert=certificate(sans=False))), {}),
    ("XCHK-005", E, cpa, {"companions": (Raw(consumer_spec(endpoint=f"https://{HOST_A}/anders")),)}),
    ("XCHK-010", W, cpa, {"companions": (Raw(swap(cpa(), "Gemeente A", "Gemeente B")),)}),
    ("XCHK-013", W, cpa, {"settings": {"partyid": ("00000099000000009000",)}}),
]


MAY_COME_ALONG = {
    "SPEC-033": {"SPEC-041"},
    "CPA-086": {"CPA-085", "CPA-002"},
    "SPEC-011": {"SPEC-036"},
    "SPEC-013": {"SPEC-036"},
    "SPEC-016": {"SPEC-036"},
    "CPA-032": {"CPA-031"},
    "CPA-015": {"CPA-016"},
    "CPA-020": {"XCHK-002"},
    "CPA-061": {"CPA-066"},
    "CPA-040": {"CPA-041"},
    "CPA-060": {"CPA-066"},
    "CPA-082": {"CPA-080"},
    "CPA-036": {"CPA-002", "CPA-031"},
    "PROF-DET": {"CPA-071"},
}


@pytest.mark.parametrize(("rule", "severity", "make", "options"), PROVOKED, ids=[p[0] for p in PROVOKED])
def test_one_deviation_gives_its_own_finding(rule, severity, make, options):
    document = judged(make(), **options)
    found = {(g.finding.rule, str(g.severity)) for g in document.findings}
    assert (rule, severity) in found
    others = {(r, s) for r, s in found if s == E and r != rule and r not in MAY_COME_ALONG.get(rule, ())}
    assert not others


@pytest.mark.parametrize("profile", PROFILES)
def test_the_cpa_that_we_build_is_silent(profile):
    document = judged(cpa(profile), "cpa.xml")
    assert document.verdict == "pass"
    assert {g.finding.rule for g in document.findings} <= {"CPA-092"}


def test_the_specifications_and_ping_that_we_build_are_silent():
    assert judged(consumer_spec()).verdict == "pass"
    assert judged(provider_spec()).verdict == "pass"
    assert judged(ping_mmd(), **WITH_CPA).verdict == "pass"


def catalogue(*names):
    for file in names:
        text = files("harness").joinpath("rules").joinpath(file).read_text(encoding="utf-8")
        yield from (rule for rule in tomllib.loads(text) if rule != "meta")


IDS = list(catalogue("specification.toml", "cpa.toml"))
ELSEWHERE = {"XCHK-007", "XCHK-008", "XCHK-009"}  # judged with a message
ALL_TABLES = (spec_rules.table, provider_rules.table, mmd_rules.table, cpa_rules.table)


def test_every_rule_in_the_catalogue_has_one_function():
    functions = [rule for table in ALL_TABLES for rule in table.ids]
    assert len(functions) == len(set(functions))
    by_file = {rule for rule in IDS if rulebook()[rule].settled_by == "file"} - ELSEWHERE
    assert set(functions) == by_file


def test_every_rule_that_a_file_settles_is_provoked():
    by_file = {rule for rule in IDS if rulebook()[rule].settled_by == "file"} - ELSEWHERE
    assert by_file == {rule for rule, *_ in PROVOKED}


@pytest.mark.parametrize("rule", IDS)
def test_every_rule_speaks_both_languages(rule):
    texts = rulebook()[rule]
    for text in (texts.title, texts.why, texts.remedy):
        assert text.nl
        assert text.en
        assert text.nl != text.en


def test_a_finding_of_every_case_has_a_severity_of_its_own():
    for rule in IDS:
        for case, weights in rulebook()[rule].cases:
            assert weights, (rule, case)


def test_the_other_party_is_named_in_a_dangling_reference():
    document = judged(swap(cpa(), 'defaultMshChannelId="SP_', 'defaultMshChannelId="SR_'))
    finding = next(g.finding for g in document.findings if g.finding.rule == "CPA-030")
    assert "andere partij" in finding.observed.nl
    assert finding.line == 7


def test_our_own_party_may_supply_another_gateway_certificate():
    document = judged(cpa(provider=voorziening(client_cert=certificate("gateway.example", OIN_A))))
    assert document.verdict == "warn"


@pytest.mark.parametrize("declared", ['"1.2">TLS<', '"1.3">TLS<', '"1.2">TLSv1.2<', '"1">TLSv1.2<'])
def test_tls_is_written_in_more_than_one_way(declared):
    document = judged(swap(cpa(), '"1.2">TLS<', declared, 9))
    assert ("CPA-042" in {g.finding.rule for g in document.findings}) == (declared == '"1">TLSv1.2<')


def test_a_wildcard_in_the_certificate_covers_one_label():
    wild = certificate("*.gemeente-a.example")
    assert judged(consumer_spec(server_cert=wild)).verdict == "pass"
    assert judged(consumer_spec(server_cert=wild, endpoint="https://a.b.gemeente-a.example/ebms")).verdict == "fail"


def test_what_is_wrong_in_several_places_is_one_finding_with_its_lines():
    document = judged(swap(cpa("osb-rm-s"), "2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", 9))
    (finding,) = [g.finding for g in document.findings if g.finding.rule == "CPA-072"]
    assert "ook in regel" in finding.observed.nl


def test_a_production_specification_asks_for_a_root_that_is_not_for_trials():
    trial = certificate(issuer=name("TRIAL PKIoverheid Organisatie Server CA"))
    document = judged(consumer_spec(client_cert=trial), environment=Environment.PROD)
    assert "SPEC-039" in {g.finding.rule for g in document.findings}


def test_a_signed_cpa_is_checked_against_its_digest():
    data = cpa(status="signed")
    digest = sha256(
        etree.tostring(
            etree.fromstring(swap(data, "  <tns:Comment", "  <tns:Signature/><tns:Comment")),
            method="c14n",
            with_comments=False,
        )
    ).digest()
    signature = (
        '<ds:Signature><ds:SignedInfo><ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{base64.b64encode(digest).decode()}</ds:DigestValue></ds:Reference></ds:SignedInfo></ds:Signature>"
    )
    signed = swap(data, "  <tns:Comment", f"  <tns:Signature>{signature}</tns:Signature><tns:Comment")
    rules = {g.finding.rule for g in judged(signed).findings}
    assert "CPA-093" not in rules
    assert "CPA-093" in {g.finding.rule for g in judged(swap(signed, "Gemeente A", "Gemeente B")).findings}
