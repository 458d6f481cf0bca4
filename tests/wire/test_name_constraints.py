"""Name constraints: what a CA allows below it, kind by kind (RFC 5280 4.2.1.10)."""

import contextlib
import ipaddress
from types import SimpleNamespace

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.der import DerBroken
from harness.wire.distinguished import Name
from harness.wire.extensions import read_names
from harness.wire.name_constraints import forbidden, read_constraints

dns, mail, uri = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier


def address(text):
    return x509.IPAddress(ipaddress.ip_address(text))


def network(text):
    return x509.IPAddress(ipaddress.ip_network(text))


def directory(*pairs):
    return x509.DirectoryName(x509.Name([x509.NameAttribute(x509.ObjectIdentifier(o), v) for o, v in pairs]))


def names(*given):
    return read_names(x509.SubjectAlternativeName(given).public_bytes())


def constraints(permitted=(), excluded=()):
    return read_constraints(x509.NameConstraints(list(permitted) or None, list(excluded) or None).public_bytes())


def allowed(name, permitted=(), excluded=()):
    return not constraints(permitted, excluded).forbids(names(name)[0])


@pytest.mark.parametrize(
    ("name", "tree", "inside"),
    [
        (dns("ebms.voorbeeld.nl"), dns("voorbeeld.nl"), True),
        (dns("voorbeeld.nl"), dns("voorbeeld.nl"), True),
        (dns("EBMS.Voorbeeld.NL"), dns("voorbeeld.nl"), True),
        (dns("nietvoorbeeld.nl"), dns("voorbeeld.nl"), False),
        (dns("voorbeeld.nl.elders.nl"), dns("voorbeeld.nl"), False),
        (dns("*.voorbeeld.nl"), dns("voorbeeld.nl"), True),
        (dns("*.voorbeeld.nl"), dns("ebms.voorbeeld.nl"), False),
        (mail("post@voorbeeld.nl"), mail("voorbeeld.nl"), True),
        (mail("post@mail.voorbeeld.nl"), mail("voorbeeld.nl"), False),
        (mail("post@mail.voorbeeld.nl"), mail(".voorbeeld.nl"), True),
        (mail("post@voorbeeld.nl"), mail("post@voorbeeld.nl"), True),
        (mail("ander@voorbeeld.nl"), mail("post@voorbeeld.nl"), False),
        (uri("https://a.voorbeeld.nl/x"), uri(".voorbeeld.nl"), True),
        (uri("https://a.elders.nl/x"), uri(".voorbeeld.nl"), False),
        (address("10.1.2.3"), network("10.0.0.0/8"), True),
        (address("11.1.2.3"), network("10.0.0.0/8"), False),
        (address("fd00::1"), network("fd00::/8"), True),
        (address("10.1.2.3"), network("fd00::/8"), False),
        (directory(("2.5.4.6", "NL"), ("2.5.4.10", "Gemeente")), directory(("2.5.4.6", "NL")), True),
        (directory(("2.5.4.6", "BE"), ("2.5.4.10", "Gemeente")), directory(("2.5.4.6", "NL")), False),
        (directory(("2.5.4.10", "GEMEENTE  a")), directory(("2.5.4.10", "gemeente A")), True),
    ],
)
def test_a_name_inside_a_subtree_is_permitted_or_excluded_and_one_outside_is_the_reverse(name, tree, inside):
    assert allowed(name, permitted=[tree]) is inside
    if not (isinstance(name, dns) and name.value.startswith("*")):
        assert allowed(name, excluded=[tree]) is not inside


def test_a_wildcard_that_may_stand_for_an_excluded_host_is_refused():
    assert not allowed(dns("*.voorbeeld.nl"), excluded=[dns("ebms.voorbeeld.nl")])
    assert allowed(dns("*.voorbeeld.nl"), excluded=[dns("ebms.elders.nl")])


def test_a_constraint_on_another_kind_of_name_says_nothing():
    assert allowed(dns("voorbeeld.nl"), permitted=[network("10.0.0.0/8")])


def certificate(*given, subject=b"0\x00", own=None, self_issued=False):
    decoded = {"2.5.29.30": own} if own else {}
    extensions = SimpleNamespace(
        by_oid=decoded, decode=lambda oid, reader: reader(decoded[oid]) if oid in decoded else None
    )
    return SimpleNamespace(
        names=names(*given) if given else (), subject=Name(subject), extensions=extensions, self_issued=self_issued
    )


def test_a_self_issued_ca_is_exempt_and_the_leaf_never_is():
    elsewhere = x509.NameConstraints([dns("elders.nl")], None).public_bytes()
    leaf = certificate(dns("voorbeeld.nl"), self_issued=True)
    between = certificate(dns("ca.voorbeeld.nl"), self_issued=True)
    found = forbidden([leaf, between, certificate(own=elsewhere)])
    assert [(below is leaf, name) for below, _, name in found] == [(True, "voorbeeld.nl")]


def test_the_subject_and_the_address_inside_it_count_too():
    subject = x509.Name([
        x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "NL"),
        x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "post@voorbeeld.nl"),
    ])  # fmt: skip
    trees = x509.NameConstraints(None, [mail("voorbeeld.nl"), directory(("2.5.4.6", "NL"))]).public_bytes()
    found = forbidden([certificate(subject=subject.public_bytes()), certificate(own=trees)])
    assert len(found) == 2


def test_a_mask_with_a_hole_is_unreadable():
    tree = b"\x87\x08" + bytes([10, 0, 0, 0, 255, 0, 255, 0])
    with pytest.raises(DerBroken):
        read_constraints(b"\x30\x0e\xa0\x0c\x30\x0a" + tree)


@given(st.binary(max_size=64))
def test_noise_is_read_or_refused(noise):
    with contextlib.suppress(DerBroken):
        read_constraints(noise)
