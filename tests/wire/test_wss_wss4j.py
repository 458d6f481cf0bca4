"""Both ways with Apache WSS4J, the library behind most Dutch services; skipped where Java or WSS4J is absent.

Debian has it as libwss4j-java; `WSS4J_JARS` names another folder with the jars.
"""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from lxml import etree

from harness.wire import soap, wss, wss_verify
from tests.wus_keys import holders

PAYLOAD = '<vraag xmlns="urn:test:dienst"><naam>é&amp;&lt;</naam></vraag>'
NEEDED = ("wss4j.jar", "xmlsec.jar", "commons-logging.jar", "commons-codec.jar", "slf4j-api.jar")


@pytest.fixture(scope="module")
def wss4j(tmp_path_factory):
    """Run the Java side: returns its exit code and what it printed."""
    jars = Path(os.environ.get("WSS4J_JARS", "/usr/share/java"))
    missing = [name for name in NEEDED if not (jars / name).is_file()] + ([] if shutil.which("javac") else ["javac"])
    if missing:
        listed = ", ".join(missing)
        pytest.skip(f"{listed} absent; scripts/system installs default-jdk-headless, libwss4j-java and libslf4j-java")
    folder = tmp_path_factory.mktemp("wss4j")
    path = ":".join([str(folder), *(str(jars / name) for name in NEEDED)])
    source = Path(__file__).with_name("Wss4jCheck.java")
    subprocess.run(["javac", "-nowarn", "-cp", path, "-d", str(folder), str(source)], check=True, capture_output=True)
    store = folder / "own.p12"
    own, secret = holders()["own"], BestAvailableEncryption(b"geheim")
    chain = [holders()["tsp"].certificate, holders()["root"].certificate]
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"own", own.key, own.certificate, chain, secret))

    def run(*words):
        done = subprocess.run(
            ["java", "-cp", path, "Wss4jCheck", *map(str, words)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    run.store = store
    run.folder = folder
    return run


def message(**changes):
    addressing = soap.Addressing(to="https://dienst.example.nl/wus", action="urn:test:vraag", reply_to=soap.ANONYMOUS)
    envelope = soap.build(etree.fromstring(PAYLOAD), addressing)
    if changes.pop("signed", True):
        wss.sign(envelope, holders()["own"].signer, at=datetime.now(UTC), **changes)
    return soap.to_bytes(envelope)


def test_wss4j_accepts_what_we_sign(wss4j):
    file = wss4j.folder / "ours.xml"
    file.write_bytes(message())
    code, said = wss4j("verify", file, wss4j.store)
    assert (code, said.strip()[:8]) == (0, "accepted"), said


def test_wss4j_refuses_what_was_changed_on_the_way(wss4j):
    file = wss4j.folder / "changed.xml"
    file.write_bytes(message().replace(b"dienst.example.nl", b"poort.example.nl"))
    code, said = wss4j("verify", file, wss4j.store)
    assert code != 0
    assert "WSSecurityException" in said


def test_we_accept_what_wss4j_signs_with_its_inclusive_namespaces(wss4j):
    bare, signed = wss4j.folder / "bare.xml", wss4j.folder / "signed.xml"
    bare.write_bytes(message(signed=False))
    code, said = wss4j("sign", bare, wss4j.store, signed)
    assert code == 0, said
    envelope = soap.read(signed.read_bytes())
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    seen = wss_verify.examine(envelope, envelope.signatures[0], token.certificate)
    assert b"InclusiveNamespaces" in signed.read_bytes()
    assert seen.holds
    assert seen.covers(envelope.body)
