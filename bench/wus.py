"""Measure a signed and verified 2W-be-S round trip against zeep with python-xmlsec, and 20 MiB with MTOM in memory.

Both sides serialise with zeep, sign, write bytes, read them, verify and read the values back. Ours signs and checks
seven parts by position; zeep signs the Body and the Timestamp and checks neither position nor coverage.

Then 200 calls at once per service and profile against the lab, over mutual TLS: each must be pass on all three results.

usage: python bench/wus.py [ROUNDS]        bars: at most 1.2 × zeep with xmlsec; 20 MiB at most 4 × its size
"""

import asyncio
import base64
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.wus_keys import holders

RATIO = 1.2
MEMORY = 4.0
MIB = 1024 * 1024
CALLS = 200
SPACE = "urn:ketentest:stub:dienst:types:v1"
FOLDER = Path(__file__).resolve().parents[1] / "harness" / "lab" / "wsdl"


def contract():
    from harness.wire import soap_zeep

    names = ("stub-dienst-be-v1.wsdl", "stub-dienst-v1.xsd")
    return soap_zeep.load(names[0], {name: (FOLDER / name).read_bytes() for name in names})


def ours(own):
    from harness.wire import soap, wss_verify
    from harness.wire.soap import Addressing
    from harness.wire.soap_call import Security, make
    from harness.wire.wss import Signer

    terms = contract()
    signer = Signer(own.key, own.certificate)
    action = terms.operation("geefStatus").action.value
    address = {"to": "https://x.nl", "action": action, "sender": "urn:y", "reply_to": soap.ANONYMOUS}

    def trip():
        payload = terms.payload("geefStatus", {"kenmerk": "1"})
        sent = make(payload, Addressing(**address), Security("2W-be-S", signer), at=datetime.now(UTC))
        envelope = soap.read(sent.body)
        token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
        seen = wss_verify.examine(envelope, envelope.signatures[0], token.certificate)
        assert seen.holds
        assert seen.covers(envelope.body)
        assert len(seen.parts) == 7
        return terms.values("geefStatus", envelope.root, answer=False)

    return trip


def theirs(own, folder):
    import xmlsec
    import zeep
    from lxml import etree
    from zeep.wsse.signature import BinarySignature, _verify_envelope_with_key

    key, certificate = folder / "key.pem", folder / "cert.pem"
    key.write_bytes(own.key_pem)
    certificate.write_bytes(own.pem)
    wsse = BinarySignature(
        str(key), str(certificate), signature_method=xmlsec.Transform.RSA_SHA256, digest_method=xmlsec.Transform.SHA256
    )
    client = zeep.Client(str(FOLDER / "stub-dienst-be-v1.wsdl"), wsse=wsse)
    operation = next(iter(client.wsdl.bindings.values())).get("geefStatus")
    public = xmlsec.Key.from_memory(own.pem, xmlsec.KeyFormat.CERT_PEM)

    def trip():
        raw = etree.tostring(client.create_message(client.service, "geefStatus", kenmerk="1"))
        root = etree.fromstring(raw)
        _verify_envelope_with_key(root, public)
        return operation.input.deserialize(root)

    return trip


def per_trip(trip, rounds):
    """Milliseconds of processor time, the median of single trips."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        trip()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def memory(word):
    """Return bytes of this process: what it holds now (VmRSS), or the most it ever held (VmHWM).

    Not ru_maxrss: a process inherits that from the one that started it, and growth would hide under it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(word))


def grown(before):
    return memory("VmHWM") - before


def sent_of(folder):
    """Return how much this process grows while it signs and packs the file `inhoud`; the message is written beside it."""
    from lxml import etree

    from harness.wire.soap import Addressing
    from harness.wire.soap_call import Security, make
    from harness.wire.wss import Signer

    own = holders()["own"]
    signer = Signer(own.key, own.certificate)
    ours(own)()  # what the libraries load once is not of the message
    before = memory("VmRSS")
    payload = etree.Element(f"{{{SPACE}}}geefStatus")
    etree.SubElement(payload, f"{{{SPACE}}}kenmerk").text = "1"
    etree.SubElement(payload, f"{{{SPACE}}}inhoud").text = base64.b64encode((folder / "inhoud").read_bytes())
    sent = make(
        payload,
        Addressing(to="urn:x", action="urn:y"),
        Security("2W-be-S", signer),
        at=datetime.now(UTC),
        attachments=(f"{{{SPACE}}}inhoud",),
    )
    more = grown(before)
    (folder / "bericht").write_bytes(sent.body)
    (folder / "kop").write_text(sent.content_type)
    return more


def received_of(folder):
    """Return how much this process grows while it reads, unpacks and verifies the message."""
    from lxml import etree

    from harness.wire import mtom, soap, wss_verify

    kind = (folder / "kop").read_text()
    ours(holders()["own"])()  # what the libraries load once is not of the message
    before = memory("VmRSS")
    package = mtom.unpack((folder / "bericht").read_bytes(), kind)
    root = etree.fromstring(package.root.data)
    mtom.inline(root, package)
    envelope = soap.Envelope(root)
    token = wss_verify.token_of(envelope.security[0], envelope.signatures[0])
    assert wss_verify.examine(envelope, envelope.signatures[0], token.certificate).holds
    return grown(before)


def in_its_own_process(word, folder):
    done = subprocess.run([sys.executable, __file__, word, str(folder)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def at_once(calls):
    """Make `calls` calls at once to every service and say how many are pass on all three results."""
    from tests.probes.test_wus import EVERY_SERVICE, THREE_TIMES_PASS, all_at_once

    whole = True
    for system, profile in EVERY_SERVICE:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            answers = asyncio.run(all_at_once(Path(name), system, "wus.call", profile, calls))
        good = sum(said == THREE_TIMES_PASS and not loud for said, loud in answers)
        seconds = time.perf_counter() - start
        print(f"{calls} calls at once, {system} {profile}: {good} pass three times, {seconds:.1f} s")
        whole = whole and good == calls
    return whole


def main(rounds):
    own = holders()["own"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mine, other = ours(own), theirs(own, folder)
        per_trip(mine, 20), per_trip(other, 20)
        a, b = per_trip(mine, rounds), per_trip(other, rounds)
        ratio = a / b
        print(f"2W-be-S round trip: {a:.2f} ms, zeep with xmlsec {b:.2f} ms: {ratio:.2f} × (bar {RATIO})")
        (folder / "inhoud").write_bytes(os.urandom(20 * MIB))
        sending, reading = (in_its_own_process(word, folder) / (20 * MIB) for word in ("--send", "--receive"))
        print(
            f"20 MiB with MTOM: sending {sending:.2f} ×, reading {reading:.2f} × its size in memory (bar {MEMORY:.0f})"
        )
    return at_once(CALLS) and ratio <= RATIO and max(sending, reading) <= MEMORY


if __name__ == "__main__":
    parts = {"--send": sent_of, "--receive": received_of}
    if sys.argv[1:] and sys.argv[1] in parts:
        print(parts[sys.argv[1]](Path(sys.argv[2])))
        sys.exit(0)
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 200) else 1)
