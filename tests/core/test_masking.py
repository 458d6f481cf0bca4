"""No digit of a BSN, no private key, no password reaches a disk."""

import base64
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from harness.masking import Masker, elfproef

BSN = "999990019"


def test_a_bsn_becomes_a_number_that_stays_the_same():
    masker = Masker()
    assert masker.mask(b"<a>999990019</a><b>999990019</b>") == b"<a>[BSN-1]</a><b>[BSN-1]</b>"
    assert masker.count == 2


def test_nine_digits_that_fail_the_elfproef_stay():
    assert Masker().mask(b"123456789") == b"123456789"


def test_an_oin_is_not_a_bsn():
    assert Masker().mask(b"00000001999990019000") == b"00000001999990019000"


def test_a_digest_stays_whole_and_the_bsn_beside_it_goes():
    digest = b"9254d69e7854918165b0a4a6868d07bbac999990019bff71ff3a3b8816231bff"[:64]
    assert Masker().mask(b"sha256=" + digest + b" 999990019") == b"sha256=" + digest + b" [BSN-1]"
    assert Masker().mask(b"x999990019y") == b"x[BSN-1]y"


def test_a_planted_bsn_is_masked_in_every_encoding():
    masker = Masker((BSN,))
    for lead in (b"", b"x", b"xy"):
        coded = base64.b64encode(lead + b"<bsn>" + BSN.encode() + b"</bsn>")
        assert b"BSN-1" in masker.mask(coded)
    for form in (quote(BSN), "".join(f"&#{ord(d)};" for d in BSN), "".join(f"%{ord(d):02x}" for d in BSN)):
        assert BSN.encode() not in masker.mask(form.encode())
        assert b"BSN-1" in masker.mask(form.encode())
    assert b"BSN-1" in masker.mask(BSN.encode("utf-16-le"))


def test_a_private_key_and_a_password_leave_nothing_behind():
    pem = b"-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"
    assert Masker().mask(b"a" + pem + b"b") == b"a[PRIVATE KEY]b"
    assert b"MIIabc" not in Masker().mask(pem[:-10])
    assert (
        Masker().mask(b"<wsse:Password Type='x'>geheim</wsse:Password>")
        == b"<wsse:Password Type='x'>[***]</wsse:Password>"
    )


def test_an_artifact_is_masked_in_a_message_and_in_a_url():
    masked = Masker().mask(b"<samlp:Artifact>AAQAAM</samlp:Artifact> /acs?SAMLart=AAQAAM&RelayState=1")
    assert b"AAQ" not in masked
    assert b"RelayState=1" in masked


@given(st.binary(max_size=400))
def test_masking_twice_changes_nothing(data):
    masker = Masker((BSN,))
    once = masker.mask(data)
    assert masker.mask(once) == once


@given(st.integers(min_value=0, max_value=999_999_999), st.text(alphabet=" <>abc\"'&;=", max_size=5))
def test_no_isolated_bsn_survives(number, around):
    digits = f"{number:09d}".encode()
    masked = Masker().mask(around.encode() + b" " + digits + b" " + around.encode())
    assert (digits in masked) is not elfproef(digits)
