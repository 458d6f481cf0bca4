"""Every rule on metadata is provoked by one deviation from a sound file, and sound files are silent."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from harness.lint.judge import Raw
from harness.model import Environment
from harness.wire import saml_generate as generate
from harness.wire.saml import DS, HTTP_POST, MD, SAML, XENC, XML, XSI, EntityId, q
from harness.wire.saml_signature import sign
from tests.lint.saml.conftest import DV_OIN, LC_OIN, UUIDS, loud


def one(root, name, namespace=MD):
    return next(root.iter(q(namespace, name)))


def every(root, name, namespace=MD):
    return list(root.iter(q(namespace, name)))


@pytest.mark.parametrize("prefix", ["ds", "dsig"])
@pytest.mark.parametrize("with_certificate", [False, True])
def test_a_sound_direct_file_is_silent(kit, prefix, with_certificate):
    assert not loud(kit.judge(kit.file(kit.dv(), prefix=prefix, with_certificate=with_certificate)))


def test_a_sound_cluster_file_is_silent(kit):
    assert not loud(kit.judge(kit.file(kit.lc()), "lc"))


def test_a_rollover_pair_is_silent_and_reported(kit):
    pair = (
        kit.certificate("own-encryption", oin=DV_OIN),
        kit.certificate("own-encryption", oin=DV_OIN, hosts=("n.test",)),
    )
    fired = kit.judge(kit.file(kit.dv(encryption=pair)))
    assert not loud(fired)
    assert fired["SAML-MD-524"] == "info"


def setting(name, attribute, value, nth=0):
    def change(root):
        element = root if name == "" else every(root, name)[nth]
        if value is None:
            element.attrib.pop(attribute, None)
        else:
            element.set(attribute, value)

    return change


def text(name, namespace, value, nth=0):
    def change(root):
        element = every(root, name, namespace)[nth]
        element.text = value(element.text) if callable(value) else value

    return change


def removing(name, namespace=MD, nth=0):
    def change(root):
        element = every(root, name, namespace)[nth]
        element.getparent().remove(element)

    return change


def twice(name, namespace=MD, nth=0, **attributes):
    def change(root):
        element = every(root, name, namespace)[nth]
        copy = etree.fromstring(etree.tostring(element))
        for key, value in attributes.items():
            copy.set(key, value)
        element.addnext(copy)

    return change


def adding(parent, name, namespace=MD, at=0, **attributes):
    def change(root):
        element = etree.Element(q(namespace, name), **attributes)
        (root if parent == "" else one(root, parent)).insert(at, element)

    return change


def both(*changes):
    def change(root):
        for each in changes:
            each(root)

    return change


DIRECT = [
    ("SAML-MD-002", "error", adding("SPSSODescriptor", "Nonsense")),
    ("SAML-MD-006", "error", lambda root: one(root, "AttributeValue", SAML).append(etree.Comment("x"))),
    ("SAML-MD-006", "error", lambda root: one(root, "KeyName", DS).append(etree.ProcessingInstruction("x"))),
    ("SAML-MD-007", "error", text("AttributeValue", SAML, lambda t: f"\n  {t}\n")),
    ("SAML-MD-007", "error", text("KeyName", DS, lambda t: f" {t}")),
    ("SAML-MD-007", "error", setting("AssertionConsumerService", "Location", " https://zorg.voorbeeld.nl/saml/acs")),
    ("SAML-MD-008", "warning", setting("AssertionConsumerService", "Location", "https://localhost:8006/acs")),
    ("SAML-MD-008", "warning", setting("SingleLogoutService", "Location", "https://10.1.2.3/slo")),
    ("SAML-MD-010", "warning", text("X509Certificate", DS, lambda t: t[:76] + "\r\n" + t[76:])),
    ("SAML-MD-102", "error", setting("", "ID", "5d9c")),
    ("SAML-MD-103", "error", setting("", "validUntil", None)),
    ("SAML-MD-104", "error", setting("", "validUntil", "2021-03-03T10:00:00Z")),
    ("SAML-MD-105", "warning", setting("", "validUntil", "2099-01-01T00:00:00")),
    ("SAML-MD-105", "error", setting("", "validUntil", "morgen")),
    ("SAML-MD-106", "warning", setting("", "validUntil", "2035-01-01T00:00:00Z")),
    ("SAML-MD-107", "error", setting("", "cacheDuration", "24h")),
    ("SAML-MD-107", "warning", setting("", "cacheDuration", "PT0S")),
    ("SAML-MD-107", "info", setting("", "cacheDuration", "P2M")),
    ("SAML-MD-110", "warning", setting("", "validUntil", "2045-01-01T00:00:00Z")),
    ("SAML-MD-201", "error", setting("", "entityID", "https://dv.nl/metadata")),
    ("SAML-MD-201", "error", setting("", "entityID", f"urn:nl-eid-gdi:1:0:DV:{DV_OIN}:entities:9001")),
    ("SAML-MD-201", "error", setting("", "entityID", f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9001\n")),
    ("SAML-MD-202", "error", setting("", "entityID", f"urn:nl-eid-gdi:1.0:LC:{DV_OIN}:entities:9001")),
    ("SAML-MD-203", "warning", setting("", "entityID", f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:0001")),
    ("SAML-MD-204", "warning", setting("", "entityID", "urn:nl-eid-gdi:1.0:DV:00000042000000005000:entities:9001")),
    ("SAML-MD-401", "error", lambda root: root.append(etree.Element(q(MD, "IDPSSODescriptor")))),
    ("SAML-MD-402", "error", setting("SPSSODescriptor", "AuthnRequestsSigned", "false")),
    ("SAML-MD-403", "error", setting("SPSSODescriptor", "WantAssertionsSigned", None)),
    ("SAML-MD-404", "error", setting("SPSSODescriptor", "protocolSupportEnumeration", "urn:x urn:y")),
    ("SAML-MD-406", "info", setting("SPSSODescriptor", "errorURL", "https://zorg.voorbeeld.nl/fout")),
    ("SAML-MD-501", "error", setting("KeyDescriptor", "use", None, 2)),
    ("SAML-MD-502", "error", removing("KeyDescriptor", nth=2)),
    ("SAML-MD-505", "warning", both(twice("KeyDescriptor", nth=2), twice("KeyDescriptor", nth=2))),
    ("SAML-MD-506", "error", removing("KeyName", DS, 2)),
    ("SAML-MD-506", "error", text("KeyName", DS, "", 2)),
    ("SAML-MD-506", "error", twice("KeyName", DS, 2)),
    ("SAML-MD-507", "error", both(text("KeyName", DS, "een", 1), text("KeyName", DS, "een", 2))),
    ("SAML-MD-508", "info", text("KeyName", DS, "versleuteling", 2)),
    ("SAML-MD-508", "warning", text("KeyName", DS, "a" * 40, 2)),
    ("SAML-MD-509", "error", text("X509Certificate", DS, "...", 2)),
    ("SAML-MD-509", "error", text("X509Certificate", DS, "AAAA", 2)),
    ("SAML-MD-509", "error", twice("X509Certificate", DS, 2)),
    ("SAML-MD-517", "warning", twice("KeyDescriptor", nth=2)),
    ("SAML-MD-520", "error", text("X509Certificate", DS, lambda t: f"-----BEGIN CERTIFICATE-----\n{t}\n-----END CERTIFICATE-----", 2)),
    ("SAML-MD-520", "error", text("X509Certificate", DS, "-----BEGIN PRIVATE KEY-----", 2)),
    ("SAML-MD-521", "warning", lambda root: every(root, "KeyDescriptor")[2].append(etree.Element(q(MD, "EncryptionMethod"), Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"))),
    ("SAML-MD-601", "error", removing("AssertionConsumerService")),
    ("SAML-MD-602", "error", setting("AssertionConsumerService", "Binding", HTTP_POST)),
    ("SAML-MD-603", "error", setting("AssertionConsumerService", "Location", "/saml/acs")),
    ("SAML-MD-603", "error", setting("AssertionConsumerService", "Location", "http://zorg.voorbeeld.nl/acs")),
    ("SAML-MD-603", "error", setting("AssertionConsumerService", "Location", "https://ik@zorg.voorbeeld.nl/acs")),
    ("SAML-MD-603", "error", setting("AssertionConsumerService", "Location", "https://zorg.voorbeeld.nl/acs#hier")),
    ("SAML-MD-603", "error", setting("AssertionConsumerService", "Location", "https://[zorg/acs")),
    ("SAML-MD-604", "error", setting("AssertionConsumerService", "index", None)),
    ("SAML-MD-604", "error", twice("AssertionConsumerService", isDefault="false")),
    ("SAML-MD-604", "error", setting("AssertionConsumerService", "index", "70000")),
    ("SAML-MD-605", "error", twice("AssertionConsumerService", index="1")),
    ("SAML-MD-606", "warning", setting("AssertionConsumerService", "index", "1")),
    ("SAML-MD-608", "error", setting("SingleLogoutService", "Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")),
    ("SAML-MD-608", "info", removing("SingleLogoutService")),
    ("SAML-MD-609", "warning", setting("SingleLogoutService", "ResponseLocation", "https://zorg.voorbeeld.nl/x")),
    ("SAML-MD-610", "warning", adding("SPSSODescriptor", "ArtifactResolutionService", at=3, Location="https://zorg.voorbeeld.nl/ars")),
    ("SAML-MD-612", "info", setting("AssertionConsumerService", "Location", "https://zorg.voorbeeld.nl/acs?tenant=7")),
    ("SAML-MD-701", "info", removing("AttributeConsumingService")),
    ("SAML-MD-703", "error", twice("AttributeConsumingService", isDefault="false")),
    ("SAML-MD-704", "error", twice("AttributeConsumingService", index="1")),
    ("SAML-MD-705", "error", twice("ServiceName")),
    ("SAML-MD-705", "error", removing("ServiceName")),
    ("SAML-MD-705", "error", both(twice("ServiceName"), lambda root: every(root, "ServiceName")[1].set(q(XML, "lang"), "NL"))),
    ("SAML-MD-706", "error", setting("RequestedAttribute", "Name", "urn:nl-eid-gdi:1:0:ServiceUUID")),
    ("SAML-MD-707", "error", text("AttributeValue", SAML, "336fa5edb569-13fb-b3e4-8968-86c62aea")),
    ("SAML-MD-707", "error", twice("AttributeValue", SAML)),
    ("SAML-MD-708", "error", twice("AttributeConsumingService", index="1", isDefault="false")),
    ("SAML-MD-709", "info", lambda root: one(root, "AttributeValue", SAML).set(q(XSI, "type"), "xs:string")),
    ("SAML-MD-710", "error", text("AttributeValue", SAML, "37c03557-6a39-492f-a56e-3f9555955d02")),
    ("SAML-MD-901", "info", lambda root: root.append(etree.Element(q(MD, "Organization")))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "severity", "change"), DIRECT, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(DIRECT)])
def test_one_deviation_in_a_direct_file_fires(kit, rule, severity, change):
    assert kit.judge(kit.file(kit.dv(), change)).get(rule) == severity


def entity(nth):
    return lambda root: every(root, "EntityDescriptor")[nth]


def inside(nth, change):
    """Apply `change` to the nth entity of a cluster."""

    def apply(root):
        change(every(root, "EntityDescriptor")[nth])

    return apply


def moved_last(root):
    root.append(root[0])


def nested(root):
    group = etree.Element(q(MD, "EntitiesDescriptor"))
    root.append(group)
    group.append(root[1])


CLUSTER = [
    ("SAML-MD-004", "error", nested),
    ("SAML-MD-101", "error", inside(1, setting("", "ID", None))),
    ("SAML-MD-102", "error", lambda root: every(root, "EntityDescriptor")[1].set("ID", every(root, "EntityDescriptor")[2].get("ID"))),
    ("SAML-MD-108", "warning", inside(1, setting("", "validUntil", "2099-01-01T00:00:00Z"))),
    ("SAML-MD-205", "error", inside(2, setting("", "entityID", f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9001"))),
    ("SAML-MD-206", "error", inside(2, setting("", "entityID", "urn:nl-eid-gdi:1.0:DV:00000009123456780000:entities:9001"))),
    ("SAML-MD-208", "warning", inside(2, setting("", "entityID", f"urn:nl-eid-gdi:1.0:DV:{DV_OIN}:entities:9002"))),
    ("SAML-MD-405", "info", inside(1, setting("SPSSODescriptor", "AuthnRequestsSigned", "true"))),
    ("SAML-MD-504", "error", inside(1, removing("KeyDescriptor"))),
    ("SAML-MD-504", "error", inside(1, both(twice("KeyDescriptor"), twice("KeyDescriptor")))),
    ("SAML-MD-504", "warning", inside(1, twice("KeyDescriptor", use="signing"))),
    ("SAML-MD-512", "error", inside(1, setting("", "entityID", "urn:nl-eid-gdi:1.0:DV:00000099000000007000:entities:9001"))),
    ("SAML-MD-607", "error", inside(1, setting("AssertionConsumerService", "Location", "https://eigen.voorbeeld.nl/acs"))),
    ("SAML-MD-607", "error", inside(1, setting("AssertionConsumerService", "index", "1"))),
    ("SAML-MD-607", "error", inside(1, twice("AssertionConsumerService", index="1", isDefault="false"))),
    ("SAML-MD-702", "error", inside(1, adding("SPSSODescriptor", "AttributeConsumingService", at=2, index="0"))),
    ("SAML-MD-801", "error", inside(0, setting("", "entityID", f"urn:nl-eid-gdi:1.0:DV:{LC_OIN}:entities:9001"))),
    ("SAML-MD-801", "error", lambda root: [root.remove(e) for e in list(root)[1:]]),
    ("SAML-MD-802", "warning", moved_last),
    ("SAML-MD-803", "error", inside(2, setting("", "entityID", "urn:nl-eid-gdi:1.0:RD:00000009900000010000:entities:9001"))),
    ("SAML-MD-805", "warning", lambda root: root.remove(root[2])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "severity", "change"), CLUSTER, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(CLUSTER)]
)
def test_one_deviation_in_a_cluster_file_fires(kit, rule, severity, change):
    assert kit.judge(kit.file(kit.lc(), change), "lc").get(rule) == severity


# --- certificates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "severity", "spec"),
    [
        ("SAML-MD-510", "error", {"start": -400, "days": 365}),
        ("SAML-MD-510", "error", {"start": 20}),
        ("SAML-MD-511", "error", {"key": "rsa-1024"}),
        ("SAML-MD-511", "error", {"key": "ec-p256"}),
        ("SAML-MD-512", "error", {"oin": "00000099000000007000"}),
        ("SAML-MD-513", "error", {"hierarchy": "stranger"}),
        ("SAML-MD-514", "error", {"key_usage": ("digitalSignature",)}),
        ("SAML-MD-518", "warning", {"start": -340, "days": 355}),
        ("SAML-MD-526", "info", {"policies": ("1.2.3.4",)}),
    ],
)
def test_an_unfit_encryption_certificate_fires(kit, rule, severity, spec):
    found = kit.certificate("own-encryption", **{"oin": DV_OIN} | spec)
    assert kit.judge(kit.file(kit.dv(encryption=(found,)))).get(rule) == severity


def test_a_soon_ending_certificate_with_a_successor_is_silent(kit):
    old = kit.certificate("own-encryption", oin=DV_OIN, start=-340, days=355)
    fired = kit.judge(kit.file(kit.dv(encryption=(old, kit.certificate("own-encryption", oin=DV_OIN)))))
    assert "SAML-MD-518" not in fired


def test_the_tls_client_certificate_must_be_among_the_signing_keys(kit):
    server_only = kit.certificate("own-tls", oin=DV_OIN, extended=("serverAuth",))
    signing = kit.certificate("own-signing", oin=DV_OIN, extended=("serverAuth",))
    connection = kit.dv(signing=(signing, server_only))
    root = kit.tree(connection)
    data = etree.tostring(sign(root, kit.signer("own-signing", oin=DV_OIN, extended=("serverAuth",))))
    assert kit.judge(data)["SAML-MD-515"] == "error"


def test_one_certificate_for_signing_and_encryption_is_advised_against(kit):
    assert (
        kit.judge(kit.file(kit.dv(encryption=(kit.certificate("own-signing", oin=DV_OIN),))))["SAML-MD-516"]
        == "warning"
    )


def test_a_provider_key_that_is_also_the_lc_key_or_a_neighbours_is_an_error(kit):
    sound = kit.lc()
    shared = replace(
        sound, providers=(sound.providers[0], replace(sound.providers[1], encryption=sound.providers[0].encryption))
    )
    assert kit.judge(kit.file(shared), "lc")["SAML-MD-519"] == "error"
    of_lc = replace(sound, providers=(replace(sound.providers[0], encryption=(sound.signing[1],)), sound.providers[1]))
    assert kit.judge(kit.file(of_lc), "lc")["SAML-MD-519"] == "error"


def test_an_lc_with_five_keys_or_an_encryption_key_fires(kit):
    many = tuple(kit.certificate("own-signing", oin=LC_OIN, hosts=(f"s{n}.test",)) for n in range(4))
    assert kit.judge(kit.file(kit.lc(signing=(*kit.lc().signing, *many[:3]))), "lc")["SAML-MD-503"] == "error"
    fired = kit.judge(kit.file(kit.lc(), inside(0, setting("KeyDescriptor", "use", "encryption", 1))), "lc")
    assert fired["SAML-MD-503"] == "warning"


def test_a_future_key_in_front_is_named(kit):
    coming = kit.certificate("own-encryption", oin=DV_OIN, start=20)
    pair = (coming, kit.certificate("own-encryption", oin=DV_OIN))
    sound = kit.lc()
    provider = replace(sound.providers[0], encryption=pair)
    fired = kit.judge(kit.file(replace(sound, providers=(provider, sound.providers[1]))), "lc")
    assert fired["SAML-MD-525"] == "warning"


# --- context ----------------------------------------------------------------------------------------------------------


def test_production_refuses_test_indexes_test_numbers_and_reserved_hosts(kit):
    connection = kit.dv(consumer=generate.Consumer(("https://zorg.test/acs",)))
    fired = kit.judge(kit.file(connection), environment=Environment.PROD)
    assert fired["SAML-MD-203"] == fired["SAML-MD-204"] == fired["SAML-MD-008"] == "error"
    assert {"SAML-MD-522", "SAML-MD-711"} <= fired["not run"]


@pytest.mark.parametrize(
    "host", ["inloggen", "acs.internal", "169.254.1.1", "100.64.1.1", "[fd00::1]", "172.20.0.2", "login.example.nl"]
)
def test_a_host_that_nobody_else_can_reach_is_refused_in_production(kit, host):
    connection = kit.dv(consumer=generate.Consumer((f"https://{host}/acs",)))
    assert kit.judge(kit.file(connection), environment=Environment.PROD)["SAML-MD-008"] == "error"


CBC, OAEP, GCM = f"{XENC}aes256-cbc", f"{XENC}rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#aes256-gcm"


@pytest.mark.parametrize(
    ("offered", "fires"), [((CBC, OAEP), False), ((GCM, CBC, OAEP), False), ((CBC, f"{XENC}rsa-1_5"), True), ((GCM, OAEP), True)]
)  # fmt: skip
def test_what_is_offered_beside_the_two_that_are_used_is_harmless(kit, offered, fires):
    def change(root):
        for method in offered:
            every(root, "KeyDescriptor")[2].append(etree.Element(q(MD, "EncryptionMethod"), Algorithm=method))

    assert ("SAML-MD-521" in kit.judge(kit.file(kit.dv(), change))) is fires


def test_a_wrong_root_for_the_role_fires(kit):
    assert kit.judge(kit.file(kit.dv()), "lc")["SAML-MD-003"] == "error"
    assert kit.judge(kit.file(kit.lc()), "dv")["SAML-MD-003"] == "error"
    assert kit.judge(b"<md:Other xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'/>")["SAML-MD-003"] == "error"


def test_an_expiring_file_is_named_before_delivery(kit):
    near = kit.tree(kit.dv(), until=kit.now + timedelta(days=3))
    assert kit.judge(kit.signed(near, kit.dv()))["SAML-MD-111"] == "warning"


def test_the_registered_entity_id_is_compared(kit):
    data = kit.file(kit.dv())
    assert "SAML-MD-207" in kit.judge(data)["not run"]
    assert kit.judge(data, settings={"entityid": ("urn:x",)})["SAML-MD-207"] == "error"
    other = kit.file(kit.dv(entity_id=EntityId("DV", DV_OIN, "9002")))
    assert kit.judge(data, companions=(Raw(other, "old.xml", None, "previous"),))["SAML-MD-207"] == "error"


def test_a_delivery_is_compared_with_the_one_before(kit):
    sound = kit.lc()
    before = Raw(kit.file(sound), "old.xml", None, "previous")
    fewer = kit.file(replace(sound, providers=sound.providers[:1]))
    assert kit.judge(fewer, "lc", companions=(before,))["SAML-MD-806"] == "error"
    assert kit.judge(before.data, "lc", companions=(before,))["SAML-MD-807"] == "warning"
    assert not loud(kit.judge(kit.file(sound), "lc", companions=(before,)))


def test_a_batch_that_is_too_large_is_told(kit):
    sound = kit.lc()
    certificate = sound.providers[0].encryption
    many = tuple(generate.Provider(EntityId("DV", f"00000099{n:09d}000", "9001"), certificate) for n in range(1, 160))
    before = Raw(kit.file(sound), "old.xml", None, "previous")
    assert (
        kit.judge(kit.file(replace(sound, providers=(*sound.providers, *many))), "lc", companions=(before,))[
            "SAML-MD-005"
        ]
        == "info"
    )


def test_the_sets_of_two_environments_are_separate(kit):
    same = Raw(kit.file(kit.dv()), "preprod.xml", None, "preprod")
    fired = kit.judge(kit.file(kit.dv()), environment=Environment.PROD, companions=(same,))
    assert fired["SAML-MD-522"] == fired["SAML-MD-711"] == "error"


def test_a_certificate_used_elsewhere_is_advised_against(kit):
    elsewhere = Raw(kit.file(kit.dv(entity_id=EntityId("DV", DV_OIN, "9009"))), "other.xml")
    assert kit.judge(kit.file(kit.dv()), companions=(elsewhere,))["SAML-MD-523"] == "warning"


def test_the_metadata_names_the_active_providers_of_the_connection_file(kit):
    listed = tuple(str(p.entity_id) for p in kit.lc().providers)
    assert "SAML-MD-804" not in kit.judge(kit.file(kit.lc()), "lc", settings={"active-entityids": listed})
    assert kit.judge(kit.file(kit.lc()), "lc", settings={"active-entityids": listed[:1]})["SAML-MD-804"] == "error"


def test_the_lc_may_be_its_own_test_provider(kit):
    own = generate.Provider(EntityId("DV", LC_OIN, "9001"), (kit.certificate("own-encryption", oin=LC_OIN),))
    sound = kit.lc()
    assert kit.judge(kit.file(replace(sound, providers=(*sound.providers, own))), "lc")["SAML-MD-808"] == "info"


def test_a_file_of_another_federation_by_generic_rules_only(kit):
    foreign = kit.file(kit.dv(), setting("", "entityID", "https://idp.example.org/idp"))
    fired = kit.judge(foreign, profile="generic")
    assert not loud(fired)


def test_the_rd_file_given_as_our_own_gets_one_sentence(kit, rd_file):
    assert loud(kit.judge(rd_file, "dv")) == {"SAML-MD-202"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<md:EntityDescriptor",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
        b"<a>" * 300 + b"</a>" * 300,
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>".encode("latin-1"),
    ],
)
def test_broken_documents_are_findings(kit, data):
    assert kit.judge(data)["SAML-MD-001"] == "error"


def test_a_byte_order_mark_is_named(kit):
    assert kit.judge(b"\xef\xbb\xbf" + kit.file(kit.dv()))["SAML-MD-010"] == "warning"


def test_nothing_of_a_private_key_is_repeated(kit):
    from harness.lint.saml import judge_metadata

    secret = (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC\n-----END PRIVATE KEY-----"
    )
    data = kit.file(kit.dv(), text("X509Certificate", DS, secret, 2))
    said = str(list(judge_metadata(Raw(data), kit.context("dv"))))
    assert "MIIEvQIB" not in said


def test_languages_of_a_service_may_differ(kit):
    def english(root):
        name = etree.Element(q(MD, "ServiceName"))
        name.set(q(XML, "lang"), "en")
        name.text = "Service"
        one(root, "ServiceName").addnext(name)

    assert not loud(kit.judge(kit.file(kit.dv(), english)))
    assert UUIDS


# --- the routing service ----------------------------------------------------------------------------------------------


RD = [
    ("SAML-RD-001", "error", lambda root: root.append(etree.fromstring(etree.tostring(one(root, "IDPSSODescriptor"))))),
    ("SAML-RD-001", "error", setting("IDPSSODescriptor", "WantAuthnRequestsSigned", None)),
    ("SAML-RD-002", "error", setting("", "entityID", "urn:nl-eid-gdi:1.0:RD:00000099000000009999:entities:9000")),
    ("SAML-RD-004", "error", setting("", "entityID", "urn:nl-eid-gdi:1.0:RD:00000099000000009999:entities:9000")),
    ("SAML-RD-005", "error", setting("", "validUntil", None)),
    ("SAML-RD-005", "error", setting("", "validUntil", "2021-01-01T00:00:00Z")),
    ("SAML-RD-006", "error", removing("SingleLogoutService")),
    ("SAML-RD-006", "error", setting("ArtifactResolutionService", "index", None)),
    ("SAML-RD-006", "error", setting("SingleSignOnService", "Binding", "urn:x")),
    ("SAML-RD-008", "info", setting("", "ID", "_da39a3ee5e6b4b0d3255bfef95601890afd80709")),
    ("SAML-RD-009", "error", setting("SingleSignOnService", "Location", "http://rd.test/x")),
]  # fmt: skip


def judge_rd(kit, data):
    return kit.judge(
        data, "rd", settings={"rd-entityid": ("urn:nl-eid-gdi:1.0:RD:00000099000000009000:entities:9000",)}
    )


@pytest.mark.parametrize(("rule", "severity", "change"), RD, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(RD)])
def test_one_deviation_in_rd_metadata_fires(kit, rd_resigned, rule, severity, change):
    assert judge_rd(kit, rd_resigned(change)).get(rule) == severity


def test_sound_rd_metadata_is_silent(kit, rd_file):
    assert not loud(judge_rd(kit, rd_file))


def test_rd_metadata_that_was_changed_or_ends_soon_is_named(kit, rd_file, rd_resigned):
    assert (
        judge_rd(kit, rd_file.replace(b"ars.rd.voorbeeld.nl/ars", b"ars.rd.voorbeeld.nl/xxx"))["SAML-RD-003"] == "error"
    )
    soon = (kit.now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert judge_rd(kit, rd_resigned(setting("", "validUntil", soon)))["SAML-RD-007"] == "warning"
