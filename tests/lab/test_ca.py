"""The lab hands out the certificates that `profiles.toml` describes, and keeps them."""

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from harness.errors import OwnFailure
from harness.lab import revocation
from harness.lab.ca import Pki, default_profiles


@pytest.fixture(scope="module")
def pki():
    return Pki()


def test_every_profile_becomes_a_certificate(pki):
    for name in pki.names:
        assert pki.identity(name).certificate.version is x509.Version.v3


def test_every_certificate_says_that_it_is_a_test(pki):
    for name in pki.names:
        certificate = pki.identity(name).certificate
        assert "TEST" in certificate.subject.rfc4514_string()
        assert "TEST" in certificate.issuer.rfc4514_string()


@pytest.mark.parametrize("name", ["own-tls", "own-tls-g4", "own-signing-g4", "care-north-bsn", "own-web", "look-alike"])
def test_a_chain_leads_to_its_anchor(pki, name):
    identity = pki.identity(name)
    path = [identity.certificate, *identity.chain, identity.anchor]
    for child, parent in pairwise(path):
        child.verify_directly_issued_by(parent)


def test_the_oin_stands_in_the_subject_serial_number(pki):
    subject = pki.identity("own-tls").certificate.subject
    assert [a.value for a in subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)] == ["00000099000000001000"]


def test_g4_certificates_are_signed_with_rsassa_pss(pki):
    signed = pki.identity("own-tls-g4").certificate
    assert signed.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10"
    assert isinstance(signed.signature_hash_algorithm, hashes.SHA512)


@pytest.mark.parametrize(("name", "algorithm"), [("sha1", hashes.SHA1), ("md5", hashes.MD5)])
def test_forbidden_signatures_are_real_ones(pki, name, algorithm):
    identity = pki.identity(name)
    assert isinstance(identity.certificate.signature_hash_algorithm, algorithm)
    issuer = identity.chain[0].public_key()
    issuer.verify(identity.certificate.signature, identity.certificate.tbs_certificate_bytes, PKCS1v15(), algorithm())


def test_a_variant_carries_its_own_host_and_oin(pki):
    variant = pki.issue("counterparty", oin="00000099000000005000", hosts=("lab-digipoort.ketentest.test",))
    names = variant.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lab-digipoort.ketentest.test"]
    assert variant.oin == "00000099000000005000"


def test_a_profile_whose_fault_is_its_host_keeps_that_host(pki):
    assert pki.issue("wrong-host", hosts=("lab-digipoort.ketentest.test",)).spec.hosts == (
        "andere-dienst.ketentest.test",
    )


def test_a_certificate_is_made_once(tmp_path):
    first = Pki(cache=tmp_path).identity("own-tls")
    again = Pki(cache=tmp_path).identity("own-tls")
    assert first.certificate == again.certificate
    assert first.key.private_numbers() == again.key.private_numbers()


def test_a_certificate_is_renewed_before_it_runs_out(tmp_path):
    now = datetime.now(UTC)
    first = Pki(cache=tmp_path, now=now).identity("own-tls")
    later = Pki(cache=tmp_path, now=now + timedelta(days=300)).identity("own-tls")
    assert later.certificate.not_valid_after_utc > first.certificate.not_valid_after_utc
    assert later.anchor == first.anchor


def test_a_changed_profile_is_made_anew(tmp_path):
    first = Pki(cache=tmp_path).identity("own-tls")
    changed = tmp_path / "profiles.toml"
    changed.write_text(default_profiles().read_text().replace("TEST Gemeente Voorbeeldstad", "TEST Gemeente Elders"))
    assert Pki(changed, tmp_path).identity("own-tls").certificate != first.certificate


def test_keys_are_readable_by_their_owner_only(tmp_path):
    identity = Pki(cache=tmp_path / "cache").identity("own-tls")
    assert stat.S_IMODE(identity.key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_processes_that_start_together_share_one_hierarchy(tmp_path):
    program = f"from harness.lab.ca import Pki; from pathlib import Path; print(Pki(cache=Path({str(tmp_path)!r})).identity('own-tls').certificate.serial_number)"
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(3)]
    assert len({process.communicate()[0] for process in running}) == 1


def test_an_unknown_profile_names_those_that_exist(pki):
    with pytest.raises(OwnFailure, match="own-tls"):
        pki.identity("own-tsl")


def test_an_unknown_word_in_a_profile_is_named(tmp_path):
    wrong = tmp_path / "profiles.toml"
    wrong.write_text(
        default_profiles().read_text().replace('oin = "00000099000000001000"', 'oni = "00000099000000001000"', 1)
    )
    with pytest.raises(OwnFailure, match="oni"):
        Pki(wrong, tmp_path).identity("own-tls")


def test_revoked_profiles_stand_on_the_list_of_their_issuer(pki):
    listed = x509.load_der_x509_crl(revocation.crls(pki)["g1-tsp"])
    entry = listed.get_revoked_certificate_by_serial_number(pki.identity("on-hold").certificate.serial_number)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.certificate_hold
    assert listed.get_revoked_certificate_by_serial_number(pki.identity("own-tls").certificate.serial_number) is None


def test_a_list_is_signed_by_its_issuer_unless_asked_otherwise(pki):
    key = pki.authority("g1-tsp").certificate.public_key()
    assert x509.load_der_x509_crl(revocation.crl(pki, "g1-tsp")).is_signature_valid(key)
    assert not x509.load_der_x509_crl(revocation.crl(pki, "g1-tsp", "wrong-signer")).is_signature_valid(key)


def test_g4_lists_are_signed_with_rsassa_pss(pki):
    listed = x509.load_der_x509_crl(revocation.crl(pki, "g4-tsp"))
    assert listed.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10"


@pytest.mark.parametrize("kind", revocation.OCSP_KINDS)
def test_every_kind_of_ocsp_answer_can_be_read(pki, kind):
    answer = ocsp.load_der_ocsp_response(revocation.ocsp_answer(pki, pki.identity("own-tls"), kind))
    expected = ocsp.OCSPResponseStatus.TRY_LATER if kind == "try-later" else ocsp.OCSPResponseStatus.SUCCESSFUL
    assert answer.response_status is expected
