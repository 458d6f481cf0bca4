"""2W-be-SE: what is signed and then encrypted comes back exactly, and a wrong key learns nothing."""

import pytest
from lxml import etree

from harness.wire import soap, wss, wss_encrypt, wss_verify
from tests.wus_keys import NOW, holders

PAYLOAD = '<v:vraag xmlns:v="urn:test:dienst">é&amp;&lt;<v:leeg/>staart</v:vraag>'


def sealed(how=wss_encrypt.Encryption()):  # noqa: B008
    envelope = soap.build(etree.fromstring(PAYLOAD), soap.Addressing(to="urn:x", action="urn:y"))
    wss.sign(envelope, holders()["own"].signer, at=NOW)
    wss_encrypt.encrypt(envelope, holders()["theirs"].certificate, how)
    return soap.to_bytes(envelope)


HOWS = [
    wss_encrypt.Encryption(data=data, transport=transport)
    for data in (*wss_encrypt.GCM, *wss_encrypt.CBC)
    for transport in (wss_encrypt.OAEP_MGF1P, wss_encrypt.OAEP11)
]


@pytest.mark.parametrize("how", HOWS, ids=lambda how: f"{how.data[-10:]} {how.transport[-10:]}")
def test_a_sealed_body_opens_and_its_signature_holds(how):
    envelope = soap.read(sealed(how))
    assert wss_encrypt.is_encrypted(envelope)
    assert wss_encrypt.decrypt(envelope, holders()["theirs"].key) == (how.transport, how.data)
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    assert wss_verify.examine(envelope, envelope.signatures[0], token.certificate).holds
    assert envelope.payload.text == "é&<"


def test_an_encrypted_body_leaves_its_digest_open():
    envelope = soap.read(sealed())
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    found = wss_verify.examine(envelope, envelope.signatures[0], token.certificate)
    assert found.value_holds
    assert [part.name for part in found.parts if part.intact is None] == ["soapenv:Body"]


def test_a_wrong_key_gives_one_sentence_and_no_detail():
    with pytest.raises(wss_encrypt.CannotDecrypt) as wrong:
        wss_encrypt.decrypt(soap.read(sealed()), holders()["own"].key)
    assert "niet te ontsleutelen" in wrong.value.text.nl


@pytest.mark.parametrize("place", [5, 20, -3])
def test_a_changed_byte_in_the_cipher_text_is_noticed(place):
    envelope = soap.read(sealed())
    value = envelope.body.find(".//{*}CipherValue")
    data = bytearray(wss_verify.decode(value.text))
    data[place] ^= 1
    import base64

    value.text = base64.b64encode(bytes(data)).decode()
    with pytest.raises(wss_encrypt.CannotDecrypt):
        wss_encrypt.decrypt(envelope, holders()["theirs"].key)


def test_xmlsec_opens_what_we_seal():
    import xmlsec

    root = etree.fromstring(sealed(wss_encrypt.Encryption(data=wss_encrypt.XENC + "aes256-cbc")))
    encrypted = root.find(".//{*}EncryptedKey")
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(holders()["theirs"].key_pem, xmlsec.KeyFormat.PEM))
    opener = xmlsec.EncryptionContext(manager)
    secret = opener.decrypt(encrypted)
    data = root.find(".//{*}EncryptedData")
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.AES, secret)
    context.decrypt(data)
    assert root.find(".//{urn:test:dienst}vraag").text == "é&<"
