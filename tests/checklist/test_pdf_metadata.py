"""A PDF given as evidence stays as it is, and whoever hands it in is told which names its metadata carries."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter

import harness.cli
from harness import pdfdata

PREPROD = Path(__file__).resolve().parents[2] / "scenarios" / "preprod" / "chain.toml"
XMP = b"""<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:Description xmp:CreatorTool="Writer">
 <dc:creator><rdf:Seq><rdf:li>E. Pieters</rdf:li><rdf:li>F. Smit</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def written(info=None, xmp=b"", **encrypted):
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.metadata = info
    if xmp:
        writer.xmp_metadata = xmp
    if encrypted:
        writer.encrypt(**encrypted)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


FULL = {"/Author": "J. Jansén (Gemeente)", "/Creator": "Microsoft® Word", "/Title": "Zaak 漢", "/Trapped": "/False"}


def test_author_program_and_title_are_named_in_any_script():
    assert pdfdata.named(written(FULL)) == (
        ("Author", "J. Jansén (Gemeente)"),
        ("Creator", "Microsoft® Word"),
        ("Title", "Zaak 漢"),
    )


def test_what_stands_in_compressed_objects_is_named_too(tmp_path):
    qpdf = shutil.which("qpdf")
    if qpdf is None:
        pytest.skip("no qpdf")
    (tmp_path / "a.pdf").write_bytes(written(FULL))
    subprocess.run([qpdf, "--object-streams=generate", tmp_path / "a.pdf", tmp_path / "b.pdf"], check=True)
    packed = (tmp_path / "b.pdf").read_bytes()
    assert b"Jans" not in packed
    assert ("Author", "J. Jansén (Gemeente)") in pdfdata.named(packed)


def test_xmp_is_read_beside_the_document_information():
    assert pdfdata.named(written({"/Producer": "x"}, XMP)) == (
        ("Author", "E. Pieters, F. Smit"),
        ("Creator", "Writer"),
        ("Producer", "x"),
    )


def test_an_older_revision_that_is_still_in_the_file_counts():
    first = written({"/Author": "G. Vroeger"})
    assert ("Author", "G. Vroeger") in pdfdata.named(first + written({"/Author": "H. Later"}))


def test_a_pdf_without_names_says_nothing():
    assert pdfdata.told("leeg.pdf", written({})) is None
    assert pdfdata.told("afdruk.png", b"\x89PNG") is None


def test_an_encrypted_pdf_says_that_it_cannot_be_looked_into():
    said = pdfdata.told("dicht.pdf", written(FULL, user_password="x", algorithm="RC4-128"))
    assert said.nl == "dicht.pdf is versleuteld: welke metadata erin staat, is niet te lezen"


def test_no_bsn_and_no_endless_name_is_told():
    said = pdfdata.told("a.pdf", written({"/Author": "burger 999990019 " + "x" * 5000}))
    assert "999990019" not in said.nl
    assert len(said.nl) < 400


def test_hostile_streams_end_within_bounds():
    bomb = b"%PDF-1.7\n1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>\nstream\n"
    import zlib

    bomb += zlib.compress(b"1 0 " + b" " * 200_000_000, 9) + b"\nendstream\nendobj\ntrailer <</Info 1 0 R>>"
    assert pdfdata.named(bomb) == ()


@given(st.binary(max_size=400), st.sampled_from([b"", b"/Info 1 0 R 1 0 obj ", b"1 0 obj /Metadata stream\n", XMP]))
def test_no_bytes_are_too_odd(noise, before):
    for data in (pdfdata.PDF + before + noise, pdfdata.PDF + noise + before):
        pdfdata.told("x.pdf", data)


def test_attest_tells_the_metadata_and_keeps_the_file_byte_for_byte(tmp_path, monkeypatch, capsys):
    shutil.copy(PREPROD, tmp_path)
    data = written(FULL)
    (tmp_path / "verslag.pdf").write_bytes(data)
    words = ("LZ-5.4", "--by", "B", "--function", "tester", "--statement", "Gezien.", "--file", "verslag.pdf")
    monkeypatch.setattr("sys.argv", ["ketentest", "attest", "--scenario", str(tmp_path), *words])
    harness.cli.main()
    said = capsys.readouterr().err
    assert said.startswith(
        "let op: verslag.pdf houdt zijn metadata (auteur J. Jansén (Gemeente), gemaakt met Microsoft"
    )
    assert (tmp_path / "verslag.pdf").read_bytes() == data
