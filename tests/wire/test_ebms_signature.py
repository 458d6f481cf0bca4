"""Signatures and encryption of ebMS messages agree with python-xmlsec, both ways."""

import hashlib
from datetime import UTC, datetime

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from harness.errors import KetentestError
from harness.wire import ebms_build as build
from harness.wire.ebms import DS, NEXT_ACTOR, SOAP, Party, read_message
from harness.wire.ebms_encryption import KEY_BYTES, decrypt, encrypt
from harness.wire.ebms_mime import Attachment, write_package
from harness.wire.ebms_signature import MISMATCH, MISSING, Recipe, examine, filtered_actors, receipt, sign
from harness.wire.signature_value import PSS_SHA256
from harness.wire.wss import EXC_C14N, INC_C14N, Signer

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(shared):
    return shared / "corpus/ebms/bases/pki"


@pytest.fixture(scope="module")
def signer(keys):
    key = load_pem_private_key((keys / "a.key").read_bytes(), None)
    return Signer(key, x509.load_pem_x509_certificate((keys / "a.pem").read_bytes()))


def ping(*, sync_reply=True):
    return build.ping(
        Party("00000099000000001000"), Party("00000099000000002000"), "cpa", AT, "a.example", sync_reply=sync_reply
    )


def message(signer, recipe=None):
    attachments = (
        Attachment("1@a.example", b"<x>\r\n \xc3\xa9</x>"),
        Attachment("2@a.example", b"\x00\x01", "image/png"),
    )
    header = build.replace(ping().header, action="afleveren", service="urn:x:service")
    draft = build.business(header, attachments, ack_requested=True, ack_signed=True)
    return draft, sign(draft.envelope(), attachments, signer, recipe)


def xmlsec_verifies(envelope, certificate):
    root = etree.fromstring(envelope)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(certificate), xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(root.find(f".//{{{DS}}}Signature"))
    except xmlsec.Error:
        return False
    return True


@pytest.mark.parametrize("c14n", [INC_C14N, EXC_C14N])
@pytest.mark.parametrize("sync_reply", [True, False])
def test_xmlsec_verifies_what_we_sign(signer, keys, c14n, sync_reply):
    envelope = sign(ping(sync_reply=sync_reply).envelope(), (), signer, Recipe(c14n=c14n))
    assert xmlsec_verifies(envelope, keys / "a.pem")
    assert examine(read_message(envelope)).holds


def test_a_signature_covers_every_attachment_by_the_digest_of_its_bytes(signer):
    """xmlsec refuses cid: references by default, so their digests are compared with hashlib."""
    draft, envelope = message(signer)
    content_type, body = write_package(envelope, draft.attachments)
    found = examine(read_message(body, content_type))
    assert found.holds
    assert {r.uri: r.digest for r in found.references if r.uri} == {
        f"cid:{a.cid}": hashlib.sha256(a.data).digest() for a in draft.attachments
    }


@pytest.mark.parametrize("name", ["signed-ping.xml", "signed-ping-syncreply.xml", "signed-pong.xml"])
def test_we_verify_what_xmlsec_signed(shared, name):
    assert examine(read_message((shared / "corpus/ebms/bases" / name).read_bytes())).holds


def test_the_sync_reply_is_outside_the_signature_and_the_rest_is_not(signer, keys):
    envelope = sign(ping().envelope(), (), signer)
    root = etree.fromstring(envelope)
    sync = next(e for e in root.iter() if e.get(f"{{{SOAP}}}actor") == NEXT_ACTOR)
    sync.getparent().remove(sync)
    stripped = etree.tostring(root)
    assert examine(read_message(stripped)).holds
    assert xmlsec_verifies(stripped, keys / "a.pem")
    changed = envelope.replace(b">cpa<", b">cpb<")
    assert examine(read_message(changed)).document.outcome == MISMATCH
    assert not xmlsec_verifies(changed, keys / "a.pem")


def test_white_space_after_signing_breaks_the_digest_for_both(signer, keys):
    envelope = sign(ping().envelope(), (), signer).replace(b"</eb:From>", b"</eb:From>\n")
    assert examine(read_message(envelope)).document.outcome == MISMATCH
    assert not xmlsec_verifies(envelope, keys / "a.pem")


def test_a_changed_or_missing_attachment_is_named(signer):
    _, envelope = message(signer)
    other = (Attachment("1@a.example", b"<other/>"),)
    content_type, body = write_package(envelope, other)
    outcomes = {r.uri: r.outcome for r in examine(read_message(body, content_type)).references}
    assert outcomes["cid:1@a.example"] == MISMATCH
    assert outcomes["cid:2@a.example"] == MISSING


def test_rsassa_pss_is_verified(signer):
    envelope = sign(ping().envelope(), (), signer, Recipe(signature=PSS_SHA256))
    assert examine(read_message(envelope)).holds


def test_a_receipt_repeats_the_digests_of_the_original(signer):
    draft, envelope = message(signer)
    content_type, body = write_package(envelope, draft.attachments)
    original = read_message(body, content_type)
    ack = build.acknowledgment(original, AT, "b.example", build.ds_references(original))
    digests = receipt(read_message(ack.envelope()))
    assert digests == {r.uri: r.digest for r in examine(original).references}


@pytest.mark.parametrize(
    ("expression", "actors"),
    [
        (
            'not(ancestor-or-self::node()[@SOAP:actor="urn:a"] | ancestor-or-self::node()[@SOAP:actor="urn:b"])',
            ["urn:a", "urn:b"],
        ),
        ("not(ancestor-or-self::node()[@s:actor='urn:a'])", ["urn:a"]),
        (
            '\n not( ancestor-or-self::()[@SOAP:actor="urn:a"]\n | ancestor-or-self::()[@SOAP:actor="urn:b"] ) ',
            ["urn:a", "urn:b"],
        ),
        ("true()", None),
        ("count(//*) > 0", None),
    ],
)
def test_only_the_filter_of_the_standard_is_carried_out(expression, actors):
    assert filtered_actors(expression) == actors


@pytest.mark.parametrize("algorithm", sorted(KEY_BYTES))
def test_xmlsec_decrypts_what_we_encrypt(signer, keys, algorithm):
    sealed = encrypt(Attachment("1@x", b"<geheim>\xc3\xa9</geheim>"), signer.certificate, algorithm)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_file(str(keys / "a.key"), xmlsec.constants.KeyDataFormatPem))
    assert xmlsec.EncryptionContext(manager).decrypt(etree.fromstring(sealed.data)) == b"<geheim>\xc3\xa9</geheim>"
    assert decrypt(sealed.data, signer.key).data == b"<geheim>\xc3\xa9</geheim>"


def test_we_decrypt_what_xmlsec_encrypts(signer, keys):
    template = xmlsec.template.encrypted_data_create(
        etree.fromstring("<x/>"), xmlsec.constants.TransformAes256Cbc, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, xmlsec.constants.TransformRsaOaep)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_file(str(keys / "a.pem"), xmlsec.constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.constants.KeyDataAes, 256, xmlsec.constants.KeyDataTypeSession)
    sealed = etree.tostring(context.encrypt_binary(template, b"geheim"))
    assert decrypt(sealed, signer.key).data == b"geheim"


def test_a_payload_for_another_key_is_one_sentence_without_key_material(signer, keys):
    sealed = encrypt(Attachment("1@x", b"geheim"), signer.certificate)
    other = load_pem_private_key((keys / "b.key").read_bytes(), None)
    with pytest.raises(KetentestError, match="niet te ontsleutelen"):
        decrypt(sealed.data, other)
