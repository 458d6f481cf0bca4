"""A screenshot that goes to Logius shows what is on it and nothing about its maker."""

import struct
import zlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.attestations import Attestation, read
from harness.attesting import attest, take_in
from harness.errors import UnusableInput
from harness.images import JPEG, PNG, stripped

SCAN = b"\x12\xff\x00\x34\xff\xd0\x56"


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return PNG + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(b"\x00\x00")) + chunk(b"IEND")


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def jpeg(*extra):
    return JPEG + segment(0xE0, b"JFIF\x00") + b"".join(extra) + segment(0xDA, b"\x01") + SCAN + b"\xff\xd9"


@pytest.mark.parametrize("kind", [b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME"])
def test_a_png_loses_what_is_said_about_it(kind):
    assert stripped(png(chunk(kind, b"A. Jansen"))) == png()


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xED, 0xEF, 0xFE])
def test_a_jpeg_loses_what_is_said_about_it(marker):
    assert stripped(jpeg(segment(marker, b"Exif\x00\x00A. Jansen"))) == jpeg()


@pytest.mark.parametrize("picture", [png(), jpeg()])
def test_what_follows_a_picture_goes_too(picture):
    assert stripped(picture + b"ftypmp42 film") == picture


@pytest.mark.parametrize("picture", [png(), jpeg()])
def test_a_picture_that_breaks_off_is_refused(picture):
    assert all(stripped(picture[:n]) is None for n in range(len(picture)))


@given(st.binary(max_size=200), st.sampled_from([b"", PNG, JPEG]))
def test_no_bytes_break_the_reader_and_stripping_twice_changes_nothing(data, start):
    once = stripped(start + data)
    assert once is None or stripped(once) == once


def test_evidence_is_kept_beside_the_statements_without_its_metadata(tmp_path):
    source = tmp_path / "elders" / "scherm.png"
    source.parent.mkdir()
    source.write_bytes(png(chunk(b"tEXt", b"A. Jansen")))
    path = tmp_path / "scenario" / "attestations.toml"
    name = take_in(path, "LZ-5.3.3c", source)
    attest(path, Attestation("LZ-5.3.3c", "A", "tester", date(2026, 11, 20), "gezien", file=name))
    assert (path.parent / name).read_bytes() == png()
    assert b"Jansen" in source.read_bytes()
    assert read(path).attestations[0].state == "same"


def test_a_screenshot_of_production_is_not_copied(tmp_path):
    source = tmp_path / "lpr.png"
    source.write_bytes(png(chunk(b"tEXt", b"A. Jansen")))
    assert take_in(tmp_path / "attestations.toml", "LZ-6.3.3", source) == "lpr.png"
    assert not (tmp_path / "bewijs").exists()


def test_a_file_that_is_already_clean_and_near_stays_where_it_is(tmp_path):
    (tmp_path / "plan.pdf").write_bytes(b"%PDF-1.7")
    assert take_in(tmp_path / "attestations.toml", "DM-1.6", tmp_path / "plan.pdf") == "plan.pdf"


def test_evidence_that_cannot_be_read_or_is_damaged_is_one_sentence(tmp_path):
    (tmp_path / "half.png").write_bytes(png()[:20])
    for name, words in (("half.png", "beschadigd"), ("weg.png", "niet te lezen")):
        with pytest.raises(UnusableInput, match=words):
            take_in(tmp_path / "attestations.toml", "LZ-5.3.3c", tmp_path / name)


def test_evidence_for_a_step_that_does_not_exist_is_not_copied(tmp_path):
    (tmp_path / "elders").mkdir()
    (tmp_path / "elders" / "plan.pdf").write_bytes(b"%PDF-1.7")
    take_in(tmp_path / "s" / "attestations.toml", "DM-99", tmp_path / "elders" / "plan.pdf")
    assert not (tmp_path / "s").exists()
