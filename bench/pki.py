"""Time all PKI rules on one certificate, and pkilint's pkix set on the same one in the same run (CPU time).

usage: python bench/pki.py [ROUNDS]     the certificates are made here: good G4 server leaves under a path of four
"""

import gc
import sys
from pathlib import Path
from statistics import median, quantiles
from time import thread_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/lint/pki"))
import pki_forge as forge

from harness.lint.judge import Context, Raw
from harness.lint.pki import judge_certificate
from harness.model import Environment, Finding
from harness.rulebook import rulebook

TRUST = tuple(forge.AUTHORITIES[n]().pem for n in forge.ROOTS)
BAR, BLOCK = 0.5, 10
CHAIN = tuple(Raw(forge.AUTHORITIES[n]().pem, n) for n in forge.BETWEEN)


def leaves(count):
    """Different certificates, so that no cache of ours can know them."""
    return [forge.pem(forge.g4_leaf()) for _ in range(count)]


def ours():
    ctx = Context(forge.AT, Environment.PREPROD, "tls-server", trust=TRUST, companions=CHAIN)
    book = rulebook()

    def judge(data):
        outcome = list(judge_certificate(Raw(data, "leaf"), ctx))
        book.grade([f for f in outcome if isinstance(f, Finding)], ctx.words)

    return judge


def theirs():
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
    return lambda data: validator.validate(loader.load_pem_certificate(data.decode(), "leaf").root)


def timed(judges, files):
    """Milliseconds of CPU per certificate and judge; they take turns, so that a busy machine slows both.

    What was loaded before is left out of garbage collection: neither pays for the modules of the other.
    """
    times = {name: [] for name in judges}
    for judge in judges.values():
        judge(files[0])
    gc.collect()
    gc.freeze()
    for first in range(0, len(files), BLOCK):
        for name, judge in judges.items():
            for data in files[first : first + BLOCK]:
                start = thread_time()
                judge(data)
                times[name].append((thread_time() - start) * 1000)
    return times


def quick(times):
    """The quickest tenth: what it costs when the machine has nothing else to do."""
    return quantiles(times, n=10)[0]


def compared(mine, other):
    """How many times quicker, as the median over the turns: what slowed a whole turn slowed both in it."""
    turns = range(0, len(mine), BLOCK)
    return median(median(other[k : k + BLOCK]) / median(mine[k : k + BLOCK]) for k in turns)


def main(rounds=400):
    files = leaves(rounds)
    judges = {"ketentest, all rules, path and signatures": ours()}
    try:
        judges["pkilint, pkix set, in process"] = theirs()
    except ImportError as absent:
        print(f"pkilint is not installed ({absent.name})")
    times = timed(judges, files)
    for name, found in times.items():
        print(f"{name:<43} {median(found):6.3f} ms of CPU per certificate (median; quickest tenth {quick(found):.3f})")
    mine, *others = times.values()
    ratio = min((compared(mine, other) for other in others), default=None)
    said = f"; {ratio:.1f} × quicker, turn by turn (bar 10)" if ratio else ""
    print(f"{'bar, for the quickest tenth':<43} {BAR:6.3f} ms{said}")
    return quick(mine) <= BAR and (ratio is None or ratio >= 10)


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 400) else 1)
