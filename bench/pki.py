"""Time all PKI rules on one certificate, and pkilint's pkix set on the same one in the same run (CPU time).

usage: python bench/pki.py [ROUNDS]     the certificates are made here: a G1 server leaf under a path of four
"""

import sys
from pathlib import Path
from statistics import median
from time import thread_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/lint/pki"))
import pki_forge as forge

from harness.lint.judge import Context, Raw
from harness.lint.pki import judge_certificate
from harness.model import Environment
from harness.rulebook import rulebook
from harness.wire import certfile

TRUST = tuple(forge.AUTHORITIES[n]().pem for n in forge.ROOTS)
CHAIN = tuple(Raw(forge.AUTHORITIES[n]().pem, n) for n in forge.BETWEEN)


def leaves(count):
    """Different certificates, so that no cache of ours can know them."""
    return [forge.pem(forge.leaf(issuer="g4tsp")) for _ in range(count)]


def ours(files):
    ctx = Context(forge.AT, Environment.PREPROD, "tls-server", trust=TRUST, companions=CHAIN)
    book = rulebook()
    times = []
    for data in files:
        certfile.opened.cache_clear()
        start = thread_time()
        outcome = list(judge_certificate(Raw(data, "leaf"), ctx))
        book.grade([f for f in outcome if hasattr(f, "case")], ctx.words)
        times.append(thread_time() - start)
    return times


def theirs(files):
    from pkilint import loader
    from pkilint.pkix import certificate, extension, name

    validator = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    times = []
    for data in files:
        start = thread_time()
        validator.validate(loader.load_pem_certificate(data.decode(), "leaf").root)
        times.append(thread_time() - start)
    return times


def main(rounds=200):
    files = leaves(rounds)
    ours(files[:5])
    mine = min(median(ours(files)) for _ in range(3)) * 1000
    print(f"ketentest, all rules, path and signatures   {mine:6.3f} ms per certificate (bar 0.5)")
    try:
        other = min(median(theirs(files[:40])) for _ in range(3)) * 1000
    except ImportError as absent:
        print(f"pkilint is not installed ({absent.name})")
        return mine <= 0.5
    print(f"pkilint, pkix set, in process               {other:6.3f} ms per certificate")
    print(f"ratio                                       {other / mine:6.1f} × (bar 10)")
    return mine <= 0.5 and other >= 10 * mine


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 200) else 1)
