"""Judge cluster metadata of 2, 150 and 5,000 dienstverleners, beside pysaml2 merely loading the same file.

usage: python bench/saml.py [--providers N]…        prints one line per size; the file is kept under the system's temp folder
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LOGIN = 0.2
LIMITS = {5000: (2.5, 250), 150: (0.1, 250)}


def made(providers: int) -> tuple[Path, Path]:
    """Return a signed cluster file with a certificate of its own per provider, and its anchor; made once."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    from harness.wire import saml_generate as generate
    from harness.wire.saml import EntityId
    from harness.wire.saml_keys import KeyCertificate, der_of, read_certificate
    from harness.wire.saml_signature import Signer

    folder = Path(tempfile.gettempdir()) / "ketentest-bench"
    folder.mkdir(exist_ok=True)
    file, anchor = folder / f"lc-{providers}.xml", folder / f"lc-{providers}.pem"
    if file.exists():
        return file, anchor
    now = datetime.now(UTC)
    ca_key = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4)]
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench CA")])

    def certificate(oin: str, key: rsa.RSAPrivateKey, issuer: x509.Name = ca_name) -> x509.Certificate:
        subject = x509.Name(
            [x509.NameAttribute(NameOID.SERIAL_NUMBER, oin), x509.NameAttribute(NameOID.COMMON_NAME, f"{oin}.bench")]
        )
        usage = x509.KeyUsage(
            digital_signature=True, key_encipherment=True, content_commitment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        policy = x509.PolicyInformation(x509.ObjectIdentifier("2.16.528.1.1003.1.2.8.6"), None)
        return (
            x509.CertificateBuilder(issuer, subject if issuer is ca_name and oin else ca_name, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(usage, critical=True)
            .add_extension(purposes, critical=False)
            .add_extension(x509.CertificatePolicies([policy]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{oin or 'ca'}.bench")]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )

    def read(found: x509.Certificate) -> KeyCertificate:
        facts = read_certificate(der_of(found))
        assert facts
        return facts

    lc, tls = read(certificate("00000003271247010000", keys[0])), read(certificate("00000003271247010000", keys[1]))
    names = [EntityId("DV", f"00000001{n:09d}000", "9001") for n in range(1, providers + 1)]
    cluster = generate.Cluster(
        EntityId("LC", "00000003271247010000", "9011"),
        (lc, tls),
        generate.Consumer(("https://lc.bench.nl/saml/acs",), "https://lc.bench.nl/saml/slo"),
        tuple(generate.Provider(name, (read(certificate(name.oin, keys[2 + n % 2])),)) for n, name in enumerate(names)),
    )
    file.write_bytes(generate.metadata(cluster, Signer(keys[0], lc), now + timedelta(days=90)))
    anchor.write_bytes(certificate("", ca_key).public_bytes(serialization.Encoding.PEM))
    return file, anchor


def ours(file: Path, anchor: Path) -> None:
    """Judge with every rule, in this process, and print what it took."""
    from harness.lint.judge import Context, Raw
    from harness.lint.saml import judge_metadata
    from harness.model import Environment, Finding
    from harness.rulebook import rulebook
    from harness.wire.saml_schema import schema

    ctx = Context(environment=Environment.PREPROD, role="lc", trust=(anchor.read_bytes(),))
    data = file.read_bytes()
    rulebook(), schema()  # read once per process, whatever is judged
    start = time.process_time()
    found = [f for f in judge_metadata(Raw(data, file.name), ctx) if isinstance(f, Finding)]
    graded = rulebook().grade(found, ctx.words)
    seconds = time.process_time() - start
    loud = [g.finding.rule for g in graded if g.severity != "info"]
    print(json.dumps({"seconds": seconds, "mb": _peak(), "loud": loud[:5]}))


def theirs(file: Path) -> None:
    """Let pysaml2 load the file, without schema and without signature."""
    import logging

    logging.disable(logging.CRITICAL)
    from saml2.attribute_converter import ac_factory
    from saml2.mdstore import InMemoryMetaData

    text = file.read_text()
    start = time.process_time()
    store = InMemoryMetaData(ac_factory(), text)
    store.load()
    print(json.dumps({"seconds": time.process_time() - start, "mb": _peak(), "entities": len(store.entity)}))


def login(times: int = 9) -> float:
    """Return the median of complete logins against the lab: request, artifact, mutual-TLS-bound resolve, BSN, logout."""
    import asyncio
    import statistics

    from harness.lab.ca import Pki

    sys.path.insert(0, str(Path(__file__).parent.parent))
    from tests.probes.test_saml import bench

    async def took() -> list[float]:
        pki, measured = Pki(), []
        for _ in range(times):
            ours = await bench(pki)
            start = time.perf_counter()
            items = await ours.run()
            measured.append(time.perf_counter() - start)
            assert any("uitgelogd" in str(item) for item in items)
        return measured

    return statistics.median(asyncio.run(took()))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _apart(which: str, *paths: Path) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--one", which, *map(str, paths)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--providers", type=int, action="append")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        which, *paths = chosen.one
        ours(Path(paths[0]), Path(paths[1])) if which == "ours" else theirs(Path(paths[0]))
        return 0
    kept = True
    for providers in chosen.providers or (2, 150, 5000):
        file, anchor = made(providers)
        mine, other = _apart("ours", file, anchor), _apart("theirs", file)
        ratio = mine["seconds"] / other["seconds"]
        seconds, megabytes = LIMITS.get(providers, (9, 999))
        good = mine["seconds"] <= seconds and mine["mb"] <= megabytes and not mine["loud"]
        kept = kept and good
        print(
            f"saml {providers:>5} providers: {mine['seconds']:.3f} s, {mine['mb']} MB, "
            f"{ratio:.2f} × pysaml2 load ({other['seconds']:.3f} s, {other['mb']} MB)"
            f"  {'ok' if good else 'OVER BUDGET'} {mine['loud'] or ''}"
        )
    seconds = login()
    kept = kept and seconds <= LOGIN
    print(f"saml login round trip: {seconds * 1000:.0f} ms  {'ok' if seconds <= LOGIN else 'OVER BUDGET'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
