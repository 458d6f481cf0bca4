"""Odd and hostile documents get one plain sentence with a line and a remedy, and never an exception."""

import base64
import random
import re
import time

import pytest
from ebms_documents import HOST_A, OIN_A, consumer_spec, cpa, judged, ping_mmd, private_pem, provider_spec

from harness.check import as_text, judge_bytes
from harness.errors import KetentestError
from harness.lint.judge import Context
from harness.lint.kinds import KINDS
from harness.rulebook import rulebook
from harness.wire.cpa_reading import parse_cpa


def errors(document):
    return [g.finding for g in document.findings if str(g.severity) == "error"]


def only(document):
    (finding,) = errors(document)
    assert rulebook()[finding.rule].remedy.nl
    return finding


def test_a_cpa_of_fifty_megabytes_is_refused_in_one_sentence():
    data = cpa().replace(b"<tns:Comment", b" " * (50 << 20) + b"<tns:Comment", 1)
    started = time.process_time()
    document = judged(data, "groot.xml")
    assert time.process_time() - started < 1
    assert document.verdict == "unusable"
    assert "te groot" in document.unusable.nl
    assert "groot.xml" in document.unusable.nl
    with pytest.raises(KetentestError, match="te groot"):
        parse_cpa(data)


def test_a_truncated_attachment_says_so_with_its_line():
    data = cpa()
    finding = only(judged(data[: len(data) // 2], "cpa.xml"))
    assert finding.rule == "CPA-001"
    assert finding.line
    assert "afgekapt" in finding.observed.nl


def test_pem_inside_x509certificate_is_named_once():
    data = consumer_spec().replace(b"<X509Certificate>", b"<X509Certificate>-----BEGIN CERTIFICATE-----\n", 1)
    finding = only(judged(data))
    assert (finding.rule, finding.line) == ("SPEC-032", 9)


@pytest.mark.parametrize(
    ("mangled", "words"),
    [
        ("99000000001000", "voorloopnullen"),
        ("9.9E+13", "rekenblad"),
        ("9,9E+13", "rekenblad"),
        ("٠" * 20, "ander schrift"),
    ],
)
def test_an_oin_that_a_spreadsheet_mangled_is_recognised(mangled, words):
    document = judged(consumer_spec().replace(OIN_A.encode(), mangled.encode(), 1))
    finding = next(f for f in errors(document) if f.rule == "SPEC-011")
    assert words in finding.observed.nl
    assert finding.line == 5


def test_windows_1252_under_a_utf8_flag_is_named_and_the_rest_is_judged():
    data = consumer_spec(name="Gemeente Één").decode().encode("cp1252")
    finding = only(judged(data))
    assert finding.rule == "SPEC-008"
    assert "Gemeente Één" in finding.observed.nl
    assert finding.line == 4


def test_windows_1252_in_a_cpa_is_named():
    data = cpa().replace(b"Gemeente A", "Één".encode("cp1252"))
    finding = only(judged(data, "cpa.xml"))
    assert finding.rule == "CPA-001"
    assert "Windows-1252" in finding.observed.nl
    assert finding.line


def test_bytes_that_are_no_text_are_called_binary_and_no_encoding_is_guessed():
    noise = random.Random(7).randbytes(3000).replace(b"\x00", b"\x01")
    finding = only(judged(b"<" + noise, "cpa.xml", kind="cpa"))
    assert finding.observed.en == "the file holds binary data instead of XML"


def test_a_placeholder_is_named_with_its_line_even_in_a_broken_file():
    data = consumer_spec().replace(OIN_A.encode(), b"[uw_oin]", 1).replace(b"</osb-ebms-service-specificatie>", b"")
    found = {f.rule: f for f in errors(judged(data))}
    assert found["SPEC-007"].observed == "[uw_oin]"
    assert found["SPEC-007"].line == 5
    assert "SPEC-001" in found


def test_a_private_key_is_never_echoed():
    key = private_pem()
    secret = key.splitlines()[3]
    for data in (
        consumer_spec().replace(
            b'<parameter name="PartyRef"/>', f'<parameter name="PartyRef">{key}</parameter>'.encode()
        ),
        consumer_spec().replace(b"Gemeente A", key.encode()),
        cpa().replace(b"<ds:X509Certificate>", f"<ds:X509Certificate>{key}".encode(), 1),
        cpa().replace(b"<ds:X509Data>", f"<ds:KeyName>{key}</ds:KeyName><ds:X509Data>".encode(), 1),
    ):
        document = judged(data)
        assert {"SPEC-033", "CPA-086"} & {f.rule for f in errors(document)}
        assert secret not in as_text(document, "nl") + as_text(document, "en")
        assert secret not in repr(document)


@pytest.mark.parametrize(
    "data", [b"", b" ", b"<", b"\x00" * 300, b"<?xml", b"\xff\xfe<\x00", b"\xef\xbb\xbf", b"<!DOCTYPE a><a/>"]
)
@pytest.mark.parametrize("kind", ["consumer-spec", "provider-spec", "ping-mmd", "cpa"])
def test_scraps_are_a_finding_and_never_an_exception(kind, data):
    document = judged(data, "x.xml", kind=kind)
    assert document.verdict == "fail"


@pytest.mark.parametrize("kind", ["consumer-spec", "provider-spec", "ping-mmd", "cpa"])
def test_another_document_of_the_family_is_told_apart(kind):
    for data in (consumer_spec(), provider_spec(), ping_mmd(), cpa(), b"<a/>", b'<a xmlns="urn:x"><parameters/></a>'):
        assert judged(data, "x.xml", kind=kind).verdict in ("pass", "warn", "fail", "incomplete")


@pytest.mark.parametrize("make", [consumer_spec, provider_spec, ping_mmd, cpa])
def test_a_thousand_random_changes_never_raise(make):
    whole, dice = make(), random.Random(7)
    kind = {"consumer_spec": "consumer-spec", "provider_spec": "provider-spec", "ping_mmd": "ping-mmd", "cpa": "cpa"}[
        make.__name__
    ]
    tokens = [
        b"<",
        b">",
        b"/",
        b'"',
        b"x",
        b"\x00",
        b"\xe9",
        b" ",
        b"9999999999999999999999",
        b"&lt;",
        b"tns:",
        b"PT99999999999D",
    ]
    for _ in range(250):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            at, length = dice.randrange(len(data)), dice.choice((0, 1, 5, 40, 400))
            data[at : at + length] = dice.choice(tokens)
        document = judged(bytes(data), "x.xml", kind=kind)
        assert not document.unusable


def test_every_word_can_be_absent_without_an_exception():
    import re

    whole = cpa("osb-rm-e")
    for match in re.finditer(rb' tns:[A-Za-z]+="[^"]*"', whole):
        assert not judged(whole[: match.start()] + whole[match.end() :], "x.xml", kind="cpa").unusable
    for match in re.finditer(rb">[^<>\s][^<>]*<", whole):
        assert not judged(whole[: match.start()] + b"><" + whole[match.end() :], "x.xml", kind="cpa").unusable


def test_numbers_without_end_do_not_slow_the_judge_down():
    data = cpa().replace(b"<tns:Retries>8<", b"<tns:Retries>" + b"9" * 20000 + b"<")
    data = data.replace(b">PT3H<", b">PT" + b"9" * 20000 + b"H<")
    started = time.process_time()
    judged(data, "x.xml")
    assert time.process_time() - started < 1


def test_dates_at_the_edge_of_time_are_judged():
    for end in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2028-02-30T00:00:00Z", "2028-01-01T24:00:00Z"):
        document = judged(cpa().replace(b"<tns:End>2028-01-01T00:00:00Z", f"<tns:End>{end}".encode()), "x.xml")
        assert not document.unusable


def test_white_space_inside_references_does_not_matter():
    data = (
        cpa().replace(b"<tns:ChannelId>", b"<tns:ChannelId>\n   ").replace(b"</tns:ChannelId>", b"\n </tns:ChannelId>")
    )
    data = data.replace(b'tns:transportId="', b'tns:transportId="  ')
    assert judged(data, "x.xml").verdict == "pass"


def test_the_cap_of_a_cpa_is_that_of_the_contract():
    assert KINDS["cpa"].max_bytes == 10 * 1024 * 1024


def test_a_host_that_is_no_host_is_one_finding():
    document = judged(consumer_spec().replace(HOST_A.encode(), b"[::g"))
    assert {f.rule for f in errors(document)} <= {"SPEC-020", "SPEC-021"}


@pytest.mark.slow
def test_a_document_with_a_hundred_thousand_mistakes_is_judged_in_seconds():
    many = b'<parameter name="PartyRef"/>' * 100_000
    started = time.process_time()
    document = judged(consumer_spec().replace(b'<parameter name="PartyRef"/>', many))
    assert time.process_time() - started < 10
    assert len(document.findings) < 200
    assert any("meer dan 100" in n.reason.nl for n in document.not_run)


@pytest.mark.parametrize(
    ("wrapped", "said"),
    [
        (lambda data: b"From: a@b.nl\nSubject: CPA\n\n" + base64.encodebytes(data), "e-mailbericht"),
        (base64.encodebytes, "base64"),
        (lambda data: base64.encodebytes(b"\xef\xbb\xbf" + data), "base64"),
    ],
)
def test_an_attachment_that_was_not_taken_out_of_its_mail_is_said_to_be_one(wrapped, said):
    document = judge_bytes(wrapped(cpa()), "cpa.xml", Context())
    assert document.verdict == "unusable"
    assert said in document.unusable.nl


@pytest.mark.parametrize("side", ["Sender", "Receiver"])
def test_a_binding_that_signs_one_way_only_is_an_error(side):
    whole = cpa("osb-rm-s").decode()
    start = whole.index(f"<tns:{side}NonRepudiation>")
    end = whole.index(f"</tns:{side}NonRepudiation>") + len(f"</tns:{side}NonRepudiation>")
    document = judged((whole[:start] + whole[end:]).encode(), "cpa.xml")
    assert {f.rule for f in errors(document)} == {"CPA-071"}


def found_in(data, file="x.xml", **options):
    return {(g.finding.rule, str(g.severity)) for g in judged(data, file, **options).findings}


def test_white_space_around_a_moment_is_collapsed_as_xml_schema_says():
    data = cpa().replace(b"<tns:Start>", b"<tns:Start>\n  ").replace(b"</tns:End>", b" </tns:End>")
    assert data != cpa()
    assert not errors(judged(data, "cpa.xml"))
    assert errors(judged(cpa().replace(b"<tns:Start>2026", b"<tns:Start> 202O"), "cpa.xml"))


def test_tls_may_be_written_in_more_than_one_way():
    data = cpa()
    version = re.search(rb'version="([^"]*)">TLS<', data)[1]
    old = b'version="%s">TLS<' % version
    assert not found_in(data.replace(old, b'version="TLSv1.2">TLS<'), "cpa.xml") & {("CPA-042", "warning")}
    assert ("CPA-042", "warning") in found_in(data.replace(old, b'version="TLSv1.1">TLS<'), "cpa.xml")


def test_a_letter_in_a_test_oin_is_an_error():
    assert ("SPEC-011", "error") in found_in(consumer_spec().replace(OIN_A.encode(), OIN_A[:-1].encode() + b"O", 1))


def test_a_provider_specification_without_services_is_still_one():
    data = re.sub(rb"<services>.*</services>", b"", provider_spec(), flags=re.DOTALL)
    document = judged(data, "provider.xml")
    assert document.kind == "provider-spec"
    assert "PSPEC-002" in {f.rule for f in errors(document)}


def test_an_empty_profile_is_no_profile():
    data = provider_spec().replace(b'profile="osb-rm"', b'profile=""', 1)
    assert ("PSPEC-006", "error") in found_in(data, "provider.xml")


def test_what_all_profiles_share_is_looked_at():
    data = cpa().replace(b'isIntelligibleCheckRequired="false"', b'isIntelligibleCheckRequired="true"')
    assert ("CPA-070", "warning") in found_in(data, "cpa.xml")
    data = cpa().replace(b'ackSignatureRequested="never"', b'ackSignatureRequested="always"')
    assert ("PROF-RM", "info") in found_in(data, "cpa.xml")


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        ("CPA-082", lambda text: b"-----BEGIN PKCS7-----\n" + text, "-----BEGIN PKCS7-----"),
        ("CPA-081", base64.b64encode, "twee keer"),
        ("CPA-081", lambda text: b"Certificate:\n  Data:\n    Version: 3", "leesbare weergave"),
    ],
)
def test_what_stands_in_place_of_a_certificate_is_named(rule, change, words):
    data = cpa()
    text = re.search(rb"X509Certificate>([^<]+)<", data)[1]
    finding = next(f for f in errors(judged(data.replace(text, change(text), 1), "cpa.xml")) if f.rule == rule)
    assert words in getattr(finding.observed, "nl", finding.observed)
    assert finding.line


def test_windows_1252_in_an_attribute_shows_the_word():
    data = cpa().replace(b'partyName="Gemeente A"', 'partyName="Gemeente Één"'.encode("cp1252"))
    assert "‘Gemeente Één’" in only(judged(data, "cpa.xml")).observed.nl


def test_windows_1252_in_a_captured_message_is_named():
    data = b'<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:eb="http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd">\n<!-- \xc9\xe9n --></soap:Envelope>'
    finding = next(f for f in errors(judged(data, "ping.xml")) if f.rule == "SOAP-003")
    assert "Windows-1252" in finding.observed.nl
    assert finding.line == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (cpa().replace(b"=", b"=3D"), "quoted-printable"),
        (cpa().replace(b"<", b"&lt;").replace(b">", b"&gt;"), "&lt;"),
    ],
)
def test_what_a_mail_or_a_web_page_made_of_a_file_is_said(data, words):
    assert words in as_text(judged(data, "cpa.xml"), "nl")


def test_a_placeholder_in_a_party_id_is_called_one():
    data = cpa().replace(OIN_A.encode(), b"[uw_oin]")
    said = [f.observed.nl for f in errors(judged(data, "cpa.xml")) if f.rule == "CPA-023"]
    assert said == ["[uw_oin]: een invulveld van de sjabloon"]
