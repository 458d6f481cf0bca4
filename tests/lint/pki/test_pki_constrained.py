"""A CA that may issue for some names only: a leaf outside them has no valid path, and a path around it is preferred."""

from datetime import timedelta

import pki_forge as forge
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from harness.lint.judge import Context, Raw
from harness.lint.pki import judge_certificate
from harness.model import Environment, Finding


def constrained(permitted, critical=True):
    """The TSP of the forge, issued again by the same domain CA with the same key, for some names only."""
    tsp = forge.AUTHORITIES["g1tsp"]()
    domain = forge.AUTHORITIES["g1dom"]()
    builder = (
        x509.CertificateBuilder()
        .subject_name(tsp.name)
        .issuer_name(domain.name)
        .public_key(tsp.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(forge.AT - timedelta(days=900))
        .not_valid_after(forge.AT + timedelta(days=1200))
    )
    for extension in tsp.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    names = x509.NameConstraints([x509.DNSName(permitted)], None)
    return forge.Authority(tsp.name, tsp.key, builder.add_extension(names, critical).sign(domain.key, hashes.SHA256()))


def found(*between, leaf=None):
    chain = tuple(Raw(one.pem, "CA") for one in (*between, forge.AUTHORITIES["g1dom"]()))
    trust = (forge.AUTHORITIES["g1root"]().pem,)
    ctx = Context(forge.AT, Environment.PREPROD, "tls-server", trust=trust, companions=chain)
    items = judge_certificate(Raw(forge.pem(leaf or forge.leaf())), ctx)
    return [(f.case, f.observed) for f in items if isinstance(f, Finding) and f.rule == "PKIO-CHAIN-001"]


def test_a_leaf_inside_the_names_of_its_ca_is_silent():
    assert found(constrained("voorbeeldgemeente.test")) == []


def test_a_leaf_outside_the_names_of_its_ca_is_refused():
    assert found(constrained("elders.test")) == [("constraint", forge.HOST)]


def test_another_path_that_allows_the_name_goes_first():
    assert found(constrained("elders.test"), forge.AUTHORITIES["g1tsp"]()) == []


def test_constraints_that_are_not_critical_are_a_fault_of_the_ca():
    assert [case for case, _ in found(constrained("voorbeeldgemeente.test", critical=False))] == ["authority"]


def test_a_leaf_that_constrains_others_is_refused():
    names = x509.NameConstraints([x509.DNSName("voorbeeldgemeente.test")], None)
    leaf = forge.leaf(extra=((names, False),))
    assert found(forge.AUTHORITIES["g1tsp"](), leaf=leaf) == [("constraint", "nameConstraints")]
