"""Certificates are read to the letter, also where a library refuses; paths name what is missing."""

import base64
import contextlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, pkcs7, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DocumentUnreadable
from harness.wire import certfile, der
from harness.wire.certpath import Store, build_path, find_path
from harness.wire.csr import Request
from harness.wire.hostname import ascii_host, covered, host_of, is_private_name, looks_like_host, matches, syntax_fault
from harness.wire.oin import Oin, OinInvalid, fault, of_entity_id, of_party_id, passes_elfproef
from harness.wire.x509 import SERVER_AUTH, Certificate, moment, signed_by

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def make(
    subject="leaf", issuer="root", *, key=KEY, by=KEY, ca=False, length=None, pss=False, hosts=("a.test",), extra=()
):
    name = lambda text: library.Name([library.NameAttribute(library.NameOID.COMMON_NAME, text)])  # noqa: E731
    builder = (
        library.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
        .serial_number(4711).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
        .add_extension(library.BasicConstraints(ca, length), critical=True)
        .add_extension(library.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(library.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .add_extension(library.SubjectAlternativeName([library.DNSName(h) for h in hosts]), critical=False)
    )  # fmt: skip
    for extension in extra:
        builder = builder.add_extension(extension, critical=False)
    mode = padding.PSS(padding.MGF1(hashes.SHA512()), 64) if pss else None
    digest = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA512() if pss else hashes.SHA256()
    return Certificate(builder.sign(by, digest, rsa_padding=mode).public_bytes(Encoding.DER))


def armour(certificate):
    return library.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


ROOT = make("root", ca=True)
MIDDLE_KEY = ec.generate_private_key(ec.SECP256R1())
MIDDLE = make("middle", "root", key=MIDDLE_KEY, ca=True)
LEAF = make("leaf", "middle", by=MIDDLE_KEY, extra=(library.ExtendedKeyUsage([library.ObjectIdentifier(SERVER_AUTH)]),))


def test_a_certificate_says_what_the_library_says():
    known = library.load_der_x509_certificate(LEAF.der)
    assert LEAF.serial == known.serial_number
    assert LEAF.not_after == known.not_valid_after_utc
    assert LEAF.sha256 == known.fingerprint(hashes.SHA256()).hex()
    assert LEAF.dns_names == ("a.test",)
    assert LEAF.extended_usage == (SERVER_AUTH,)
    assert LEAF.basic_constraints == (False, None)
    assert LEAF.key.curve == "P-256"
    assert LEAF.ski == known.extensions.get_extension_for_class(library.SubjectKeyIdentifier).value.digest


def test_real_certificates_are_read_as_the_library_reads_them(shared):
    for path in sorted((shared / "corpus/pki").glob("*/*.pem")):
        for mine in certfile.certificates(path.read_bytes()):
            theirs = library.load_der_x509_certificate(mine.der)
            assert [a.value for a in mine.subject.attributes] == [a.value for rdn in theirs.subject.rdns for a in rdn]
            assert mine.not_before == theirs.not_valid_before_utc
            assert mine.extensions.by_oid.keys() == {e.oid.dotted_string for e in theirs.extensions}
            assert not mine.unreadable


@pytest.mark.parametrize("pss", [False, True])
def test_rsa_signatures_of_both_kinds_hold(pss):
    root = make("root", key=RSA_KEY, by=RSA_KEY, ca=True)
    child = make("leaf", "root", by=RSA_KEY, pss=pss)
    assert signed_by(child, root)
    assert not signed_by(child, ROOT)
    assert child.algorithm.scheme == ("PSS" if pss else "RSA")
    assert (child.algorithm.salt == 64) is pss


def test_an_edwards_signature_holds():
    key = ed25519.Ed25519PrivateKey.generate()
    root = make("root", key=key, by=key, ca=True)
    assert root.self_signed
    assert root.key.kind == "Ed25519"


def test_a_path_is_built_in_any_order_of_the_intermediates():
    path = build_path(LEAF, [ROOT, MIDDLE], [ROOT])
    assert path.complete
    assert [c.subject.short for c in path.certificates] == ["leaf", "middle", "root"]


def test_the_missing_issuer_is_named():
    path = build_path(LEAF, [], [ROOT])
    assert not path.complete
    assert path.missing.short == "middle"
    assert str(path) == "leaf > (middle?)"


def test_a_certificate_with_the_right_name_and_another_key_is_an_impostor():
    impostor = make("middle", "root", key=ec.generate_private_key(ec.SECP256R1()), ca=True)
    path = build_path(LEAF, [impostor], [ROOT])
    assert not path.complete
    assert path.impostors == (impostor,)


def test_a_leaf_and_a_ca_with_too_short_a_path_issue_nothing():
    no_ca = make("middle", "root", key=MIDDLE_KEY)
    assert not build_path(LEAF, [no_ca], [ROOT]).complete
    short = make("root", ca=True, length=0)
    assert not build_path(LEAF, [MIDDLE], [short]).complete


def test_a_ring_of_cas_ends():
    one = make("one", "two", by=MIDDLE_KEY, ca=True)
    two = make("two", "one", key=MIDDLE_KEY, ca=True)
    assert not find_path(make("leaf", "one"), Store([ROOT], [one, two])).complete


def test_a_valid_path_goes_before_an_expired_one():
    store = Store([ROOT], [MIDDLE])
    assert find_path(LEAF, store, NOW).complete
    assert find_path(LEAF, store, NOW + timedelta(days=99)).complete


PASSWORD = b"geheim"


def bundle(password=PASSWORD):
    known = library.load_der_x509_certificate(LEAF.der)
    above = [library.load_der_x509_certificate(MIDDLE.der)]
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"x", KEY, known, above, how)


FORMS = {
    "pem": (armour(LEAF) + armour(MIDDLE), None),
    "pem with words around it": (b"# van de TSP\n" + armour(LEAF) + b"\ntekst\n" + armour(MIDDLE), None),
    "pem with Windows line ends": ((armour(LEAF) + armour(MIDDLE)).replace(b"\n", b"\r\n"), None),
    "pem in UTF-16": ((armour(LEAF) + armour(MIDDLE)).decode().encode("utf-16"), None),
    "pkcs7": (
        pkcs7.serialize_certificates([library.load_der_x509_certificate(c.der) for c in (LEAF, MIDDLE)], Encoding.DER),
        None,
    ),
    "pkcs12": (bundle(), PASSWORD),
    "pkcs12 without a password": (bundle(b""), None),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_file_gives_the_same_certificates(form):
    data, password = FORMS[form]
    assert set(certfile.certificates(data, password)) == {LEAF, MIDDLE}


def test_a_bare_base64_body_as_in_metadata_is_a_certificate():
    assert certfile.certificates(base64.encodebytes(LEAF.der)) == (LEAF,)
    assert certfile.certificates(LEAF.der) == (LEAF,)


def test_a_container_in_ber_is_opened_or_described():
    data = FORMS["pkcs7"][0]
    body = data[4:] if data[1] == 0x82 else data[2:]
    content = certfile.opened(b"\x30\x80" + body + b"\0\0")
    assert content.form == "pkcs7"
    assert content.certificates or content.unreadable


def test_a_wrong_password_and_no_password_are_different_sentences():
    with pytest.raises(DocumentUnreadable, match="opent niet met dit wachtwoord"):
        certfile.certificates(bundle(), b"fout")
    with pytest.raises(DocumentUnreadable, match="met een wachtwoord beveiligd"):
        certfile.certificates(bundle())


def test_of_a_private_key_only_the_public_hash_is_kept():
    content = certfile.opened(bundle(), PASSWORD)
    assert content.keys[0].spki_sha256 == make().spki_sha256
    assert content.keys[0].encrypted


@given(st.binary(max_size=120))
@settings(deadline=None)
def test_whatever_the_bytes_are_only_our_own_error_comes_out(data):
    for read in (Certificate, Request, der.one, certfile.opened):
        with contextlib.suppress(DocumentUnreadable):
            read(data)


@given(st.integers(0, len(LEAF.der) - 1), st.integers(0, 255))
@settings(deadline=None)
def test_one_changed_octet_is_read_or_refused(place, value):
    try:
        changed = Certificate(LEAF.der[:place] + bytes([value]) + LEAF.der[place + 1 :])
    except (DocumentUnreadable, ValueError, IndexError):
        return
    assert changed.unreadable is not None
    _ = changed.not_after, str(changed.subject), str(changed.key), changed.self_issued


def test_times_are_those_of_rfc_5280():
    assert moment(der.UTC_TIME, b"491231235959Z").year == 2049
    assert moment(der.UTC_TIME, b"500101000000Z").year == 1950
    assert moment(der.GENERALIZED_TIME, b"20501231235959Z").year == 2050
    assert moment(der.UTC_TIME, b"4912312359Z") is None
    assert moment(der.GENERALIZED_TIME, b"20501231235959.5Z") is None
    assert moment(der.UTC_TIME, b"491331235959Z") is None


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("a.test", "A.TEST.", True),
        ("*.a.test", "b.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.a.test", "c.b.a.test", False),
        ("b*.a.test", "bc.a.test", False),
        ("*.test", "a.test", False),
        ("xn--bcher-kva.test", "bücher.test", True),
        ("a.test", "192.0.2.1", False),
    ],
)
def test_names_match_whole_labels(pattern, host, fits):
    assert matches(pattern, host) is fits


def test_an_address_matches_an_address_only():
    assert covered("192.0.2.1", ["192.0.2.1"], [bytes([192, 0, 2, 1])])
    assert not covered("192.0.2.1", ["192.0.2.1"])
    assert covered("[2001:db8::1]", (), [bytes.fromhex("20010db8000000000000000000000001")])


@given(st.from_regex(r"[a-z0-9]{1,12}(\.[a-z0-9]{1,12}){1,4}", fullmatch=True))
def test_a_host_always_matches_itself_and_its_wildcard(host):
    assert matches(host, host)
    rest = host.partition(".")[2]
    assert matches(f"*.{rest}", host) is ("." in rest)


def test_hosts_are_taken_from_what_people_write():
    assert host_of("https://Ebms.Voorbeeld.nl:8443/msh") == "ebms.voorbeeld.nl"
    assert host_of("ebms.voorbeeld.nl") == "ebms.voorbeeld.nl"
    assert host_of("https://[::1") == ""
    assert ascii_host("bücher.nl") == "xn--bcher-kva.nl"
    assert looks_like_host("a.b.nl")
    assert not looks_like_host("Gemeente Voorbeeld")
    assert is_private_name("server01")
    assert is_private_name("msh.intern.local")
    assert not is_private_name("msh.voorbeeld.nl")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("a.nl", ""), ("", "empty"), ("https://a.nl", "url"), ("a.nl:443", "url"), ("a b.nl", "blank"),
        ("a_b.nl", "underscore"), ("-a.nl", "label"), ("a..nl", "label"), ("x" * 64 + ".nl", "long"), ("a.*.nl", "wildcard"),
        ("*.a.nl", ""), ("b\xfccher.nl", "non-ascii"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_name_is_said_in_one_word(name, case):
    assert syntax_fault(name) == case


@pytest.mark.parametrize(
    ("value", "case"),
    [
        ("00000001002220647000", ""), ("00000003273229750000", ""), ("0000000700AB00000000", ""),
        ("1002220647000", "short"), (" 00000001002220647000", "blank"), ("000000010022206470001", "long"),
        ("00000001o02220647000", "characters"), ("EU.EORI.NL000000001", "scheme"), ("00000005123456789000", "prefix"),
        ("00000003123456789000", "shape"), ("00000001ABCDEFGHI000", "shape"),
    ],
)  # fmt: skip
def test_why_a_number_is_no_oin(value, case):
    assert fault(value) == case
    if case:
        with pytest.raises(OinInvalid):
            Oin.parse(value)


def test_a_number_knows_its_parts():
    hrn = Oin.parse("00000003273229750000")
    assert (hrn.kvk, hrn.suffix, hrn.register) == ("27322975", "0000", "KvK-nummer")
    sub = Oin.parse("00000004003214345001")
    assert (sub.number, sub.suffix, sub.is_suboin, sub.kvk) == ("003214345", "001", True, "")
    assert Oin("00000099123456789000").is_test


def test_the_check_number_catches_every_single_digit():
    good = "123456782"
    assert passes_elfproef(good)
    for place in range(9):
        for digit in "0123456789":
            changed = good[:place] + digit + good[place + 1 :]
            assert passes_elfproef(changed) is (changed == good)


def test_numbers_are_found_in_entity_ids_and_party_ids():
    assert of_entity_id("urn:nl-eid-gdi:1.0:DV:00000099123456780000:entities:0001") == "00000099123456780000"
    assert of_entity_id("urn:etoegang:HM:00000003520354760000:entities:9000") == "00000003520354760000"
    assert of_entity_id("https://dv.voorbeeld.nl/saml") == ""
    assert of_party_id("urn:osb:oin:00000001002220647000") == "00000001002220647000"
    assert of_party_id("00000001002220647000") == "00000001002220647000"


def test_the_reader_has_no_network_and_no_clock():
    source = "".join(p.read_text() for p in (Path(sys.modules["harness.wire.x509"].__file__).parent).glob("cert*.py"))
    assert "datetime.now" not in source
    assert "import socket" not in source
