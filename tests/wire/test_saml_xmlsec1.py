"""The xmlsec1 program, which shares no code with us, verifies our signatures and opens our EncryptedIDs."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from harness.lab.ca import Pki
from harness.lab.tvs import signer_of
from harness.wire import saml_build as build
from harness.wire.saml import SAML, SAMLP, q
from harness.wire.saml_encrypted import Form, Recipient, encrypt, name_id
from harness.wire.saml_signature import sign
from tests.probes.test_saml import DV_OIN, LC_OIN, bench, own_metadata

xmlsec1 = shutil.which("xmlsec1")
pytestmark = pytest.mark.skipif(not xmlsec1, reason="xmlsec1 is not installed (scripts/system)")


@pytest.fixture(scope="module")
def pki():
    return Pki()


def lax():
    """From 1.3 on xmlsec1 only tries a key whose name fits, unless it is told otherwise."""
    told = subprocess.run([xmlsec1, "--version"], check=True, capture_output=True, text=True).stdout
    return [] if " 1.2." in told else ["--lax-key-search"]


def verify(tmp_path, document, certificate, *names):
    (tmp_path / "m.xml").write_bytes(document)
    ids = [word for name in names for word in ("--id-attr:ID", name)]
    command = [xmlsec1, "--verify", *lax(), "--pubkey-cert-pem", str(certificate), *ids]
    return subprocess.run([*command, str(tmp_path / "m.xml")], check=False, capture_output=True, text=True)


async def test_it_verifies_our_metadata_and_notices_a_change(pki, tmp_path):
    ours = await bench(pki)
    document = own_metadata(ours.link, datetime.now(UTC) + timedelta(days=30))
    certificate = tmp_path / "c.pem"
    certificate.write_bytes(ours.link.material("message-signing").certificate)
    good = verify(tmp_path, document, certificate, "EntitiesDescriptor", "EntityDescriptor")
    assert good.returncode == 0, good.stderr
    changed = document.replace(b"/saml/acs", b"/saml/acz")
    assert verify(tmp_path, changed, certificate, "EntitiesDescriptor", "EntityDescriptor").returncode


async def test_it_verifies_our_messages(pki, tmp_path):
    signer = signer_of(pki.issue("own-signing", oin=LC_OIN))
    request = sign(build.logout_request("urn:x", "https://rd.test/slo", "_t", datetime.now(UTC)), signer, position=1)
    assert request.tag == q(SAMLP, "LogoutRequest")
    certificate = pki.issue("own-signing", oin=LC_OIN).cert_path
    good = verify(tmp_path, etree.tostring(request), certificate, "LogoutRequest")
    assert good.returncode == 0, good.stderr


@pytest.mark.parametrize("peer", [True, False])
@pytest.mark.parametrize("profile", ["own-encryption", "own-encryption-g4", "care-south-bsn"])
def test_it_opens_our_encrypted_names_in_both_layouts(pki, tmp_path, peer, profile):
    identity = pki.issue(profile, **({} if profile == "care-south-bsn" else {"oin": DV_OIN}))
    recipient = Recipient("urn:nl-eid-gdi:1.0:DV:x", signer_of(identity).certificate)
    element = encrypt(name_id("999999047"), [recipient], Form(peer=peer))
    assert element.tag == q(SAML, "EncryptedID")
    (tmp_path / "e.xml").write_bytes(etree.tostring(element))
    ids = ["--id-attr:Id", "EncryptedKey", "--id-attr:Id", "EncryptedData"]
    command = [xmlsec1, "--decrypt", *lax(), "--privkey-pem", str(identity.key_path), *ids]
    outcome = subprocess.run([*command, str(tmp_path / "e.xml")], check=False, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    assert "999999047" in outcome.stdout
