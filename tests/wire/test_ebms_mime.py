"""The MIME reader takes messages apart as the standard library does, and survives what it refuses."""

import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lint.kinds import split_http
from harness.wire.ebms_mime import Attachment, bare_cid, read_media_type, read_package, write_package


def by_standard_library(content_type, body):
    head = f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n".encode()
    parsed = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return [(bare_cid(p["content-id"] or ""), p.get_payload(decode=True)) for p in parsed.iter_parts()]


def ours(content_type, body):
    package = read_package(content_type, body)
    return [(p.content_id, p.data) for p in (package.root, *package.attachments)]


@pytest.mark.parametrize("pattern", ["http/hermes*.msg", "rendered/nhs*.http"])
def test_captured_multipart_messages_are_read_as_the_standard_library_reads_them(shared, pattern):
    compared = 0
    for path in sorted((shared / "corpus" / "ebms").glob(pattern)):
        http, body = split_http(path.read_bytes())
        package = read_package(http.get("content-type"), body)
        if package.oddities in ((), ("root-not-xml",)):
            assert ours(http.get("content-type"), body) == by_standard_library(http.get("content-type"), body), (
                path.name
            )
            compared += 1
    assert compared >= 4


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    st.text("abcXYZ0123456789'()+_,-./:=?", min_size=1, max_size=40),
)
def test_what_is_written_is_read_back_byte_for_byte(payloads, boundary):
    attachments = [Attachment(f"part-{n}@x.example", data) for n, data in enumerate(payloads)]
    if any(f"--{boundary}".encode() in data for data in payloads):
        return
    content_type, body = write_package(b"<a/>", attachments, boundary.strip() or "b")
    package = read_package(content_type, body)
    assert package.oddities == ()
    assert package.root.data == b"<a/>"
    assert [(p.content_id, p.data) for p in package.attachments] == [(a.cid, a.data) for a in attachments]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=60))
def test_no_bytes_make_the_reader_raise(body, content_type):
    read_package(content_type, body)
    read_package(f'multipart/related; boundary="{content_type}"', body)


@pytest.mark.parametrize(
    ("content_type", "body", "oddity"),
    [
        ("multipart/related; type=text/xml", b"--b\r\n\r\n<a/>\r\n--b--", "no-boundary"),
        ('multipart/related; type="text/xml"; boundary="x"', b"Message", "boundary-unused"),
        ('multipart/related; type="text/xml"; boundary="x"', b"<a/>", "not-multipart"),
        ('multipart/related; type="text/xml"; boundary="b"', b"--b\r\n\r\n<a/>\r\n", "not-closed"),
        ('multipart/related; boundary="b"', b"--b\r\n\r\n<a/>\r\n--b--", "no-type"),
        ('multipart/related; type="application/soap+xml"; boundary="b"', b"--b\r\n\r\n<a/>\r\n--b--", "other-type"),
        ('multipart/related; type="text/xml"; boundary="b"; start="<q>"', b"--b\r\n\r\n<a/>\r\n--b--", "start-unknown"),
        ('multipart/related; type="text/xml"; boundary="b"', b"--b\r\n\r\nPNG\r\n--b--", "root-not-xml"),
        (
            'multipart/related; type="text/xml"; boundary="b"',
            b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n<a/>\r\n--b--",
            "cte",
        ),
    ],
)
def test_each_departure_is_named(content_type, body, oddity):
    assert oddity in read_package(content_type, body).oddities


def test_the_start_parameter_chooses_the_root():
    body = b"--b\r\nContent-ID: <1@x>\r\n\r\n<pay/>\r\n--b\r\nContent-ID: <0@x>\r\n\r\n<soap/>\r\n--b--"
    package = read_package('multipart/related; boundary=b; type=text/xml; start="<0@x>"', body)
    assert package.root.data == b"<soap/>"
    assert package.part("cid:1@x").data == b"<pay/>"


def test_an_unquoted_type_keeps_its_slash():
    assert read_media_type("Multipart/Related; type=text/xml; boundary=b").get("type") == "text/xml"


def test_a_percent_encoded_cid_finds_its_part():
    body = b"--b\r\n\r\n<a/>\r\n--b\r\nContent-ID: <a b@x>\r\n\r\n1\r\n--b--"
    assert read_package('multipart/related; boundary="b"; type="text/xml"', body).part("cid:a%20b@x").data == b"1"
