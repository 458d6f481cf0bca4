"""EncryptedIDs in both layouts: ours open elsewhere, algorithms are judged before a key is used."""

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from lxml import etree

from harness.lab.ca import Pki
from harness.lab.tvs import signer_of
from harness.wire.saml import AES256_CBC, XENC, q
from harness.wire.saml_encrypted import CannotDecrypt, Form, Recipient, algorithms_of, decrypt, encrypt, name_id

DV = "urn:nl-eid-gdi:1.0:DV:00000099000000005000:entities:9001"
BSN = "999999047"


@pytest.fixture(scope="module")
def pki():
    return Pki()


@pytest.fixture(scope="module")
def old(pki):
    return signer_of(pki.issue("own-encryption"))


@pytest.fixture(scope="module")
def new(pki):
    return signer_of(pki.issue("care-north-bsn"))


def to(*holders, entity_id=DV):
    return [Recipient(entity_id, h.certificate) for h in holders]


def opened_by_xmlsec(encrypted, holder):
    pem = holder.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    manager = xmlsec.KeysManager()
    key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)
    key.name = holder.key_name
    manager.add_key(key)
    root = etree.fromstring(etree.tostring(encrypted))
    xmlsec.tree.add_ids(root, ["Id"])
    return xmlsec.EncryptionContext(manager).decrypt(root.find(q(XENC, "EncryptedData")))


@pytest.mark.parametrize("peer", [True, False])
def test_xmlsec_opens_what_we_encrypt_in_both_layouts(old, peer):
    assert opened_by_xmlsec(encrypt(name_id(BSN), to(old), Form(peer=peer)), old).text == BSN


def test_xmlsec_opens_what_we_encrypt_for_two_certificates(old, new):
    encrypted = encrypt(name_id(BSN), to(old, new))
    assert opened_by_xmlsec(encrypted, old).text == BSN
    assert opened_by_xmlsec(encrypted, new).text == BSN


@pytest.mark.parametrize("peer", [True, False])
def test_either_key_of_a_rollover_opens_both_layouts(old, new, peer):
    encrypted = encrypt(name_id("012345672"), to(old, new), Form(peer=peer))
    for holder in (old, new):
        assert decrypt(encrypted, DV, {holder.key_name: holder.key}).text == "012345672"


@pytest.mark.parametrize(
    ("form", "case"),
    [
        (Form(data=f"{XENC}aes128-cbc"), "data-algorithm"),
        (Form(transport=f"{XENC}rsa-1_5"), "key-transport"),
        (Form(sound_padding=False), "failed"),
    ],
)
def test_other_algorithms_are_refused(old, form, case):
    with pytest.raises(CannotDecrypt) as refused:
        decrypt(encrypt(name_id(BSN), to(old), form), DV, {old.key_name: old.key})
    assert refused.value.case == case


def test_a_key_for_somebody_else_is_left_alone(old, new):
    with pytest.raises(CannotDecrypt) as refused:
        decrypt(encrypt(name_id(BSN), to(old, entity_id="urn:other")), DV, {old.key_name: old.key})
    assert refused.value.case == "recipient"
    with pytest.raises(CannotDecrypt) as refused:
        decrypt(encrypt(name_id(BSN), to(old)), DV, {new.key_name: new.key})
    assert refused.value.case == "key-name"


def test_the_refusal_tells_nothing_of_the_number(old):
    encrypted = encrypt(name_id(BSN), to(old))
    value = encrypted.find(f"{q(XENC, 'EncryptedData')}/{q(XENC, 'CipherData')}/{q(XENC, 'CipherValue')}")
    value.text = value.text[:40] + ("B" if value.text[40] == "A" else "A") + value.text[41:]
    with pytest.raises(CannotDecrypt) as refused:
        decrypt(encrypted, DV, {old.key_name: old.key})
    assert refused.value.case == "failed"
    assert BSN not in str(refused.value)


def test_the_algorithms_are_those_of_the_interface(old):
    data, transports = algorithms_of(encrypt(name_id(BSN), to(old)))
    assert data == AES256_CBC
    assert transports == [f"{XENC}rsa-oaep-mgf1p"]
