"""MTOM: attachments travel beside the envelope and come back byte for byte."""

import base64
import hashlib
import os

import pytest
from lxml import etree

from harness.wire import mtom, soap, wss, wss_verify
from tests.wus_keys import NOW, holders


def with_attachment(data):
    payload = etree.fromstring('<v:stuur xmlns:v="urn:test:dienst"><v:inhoud/></v:stuur>')
    payload[0].text = base64.b64encode(data).decode()
    envelope = soap.build(payload, soap.Addressing(to="urn:x", action="urn:y"))
    wss.sign(envelope, holders()["own"].signer, at=NOW)
    return envelope, payload[0]


@pytest.mark.parametrize(
    "data", [b"", b"x", b"eindigt op een regeleinde\n", b"\r\n", b"\n\r\n--geen grens\r\n", bytes(range(256))]
)
def test_an_attachment_comes_back_byte_for_byte_and_the_signature_holds(data):
    sent, element = with_attachment(data)
    body, header = mtom.pack(sent, [mtom.hold(element)])
    package = mtom.unpack(body, header)
    root = etree.fromstring(package.root.data)
    outcome = mtom.inline(root, package)
    envelope = soap.Envelope(root)
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    assert len(outcome.included) == 1
    assert not outcome.missing
    assert not outcome.orphans
    assert base64.b64decode(root.find(".//{*}inhoud").text) == data
    assert wss_verify.examine(envelope, envelope.signatures[0], token.certificate).holds


def test_a_part_that_nobody_includes_is_an_orphan():
    envelope, element = with_attachment(b"abc")
    body, header = mtom.pack(envelope, [mtom.hold(element)])
    package = mtom.unpack(body, header)
    root = etree.fromstring(package.root.data)
    include = next(root.iter(mtom.INCLUDE))
    include.set("href", "cid:iets-anders")
    outcome = mtom.inline(root, package)
    assert outcome.missing == ["cid:iets-anders"]
    assert len(outcome.orphans) == 1


@pytest.mark.parametrize("header", ["multipart/related", 'multipart/related; boundary="andere"', ""])
def test_a_body_without_its_boundary_is_one_sentence(header):
    with pytest.raises(mtom.NotMultipart):
        mtom.unpack(b"--b\r\n\r\nx\r\n--b--", header)


@pytest.mark.parametrize("size", [3 * 262_144, 3 * 262_144 + 1, 5_000_000])
def test_a_large_attachment_in_pieces_has_the_digest_of_one_text(size):
    element = etree.fromstring('<d xmlns="urn:x"><inhoud/></d>')
    data = os.urandom(size)
    element[0].text = base64.b64encode(data)
    whole = hashlib.sha256(wss.canonical(element, wss.EXC_C14N)).digest()
    one_text = wss.digest(element, wss.SHA256, wss.EXC_C14N)
    held = mtom.hold(element[0])
    assert held.data == data
    assert [one_text, wss.digest(element, wss.SHA256, wss.EXC_C14N)] == [whole, whole]
    assert base64.b64decode(element[0].text) == data
