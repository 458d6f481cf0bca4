"""Verifying: whatever byte is changed is noticed, and the first thing that changed has a name."""

import hashlib
import json
import random
import shlex
import subprocess
import zipfile

import dossier
import pytest
import signers
from cryptography.x509.oid import ExtendedKeyUsageOID
from handed import keep

from harness.errors import UnusableInput
from harness.handing import bundle
from harness.handing.verify import verify, verify_bundle, verify_pdf


@pytest.fixture
def signed(folder, ketentest, server_pem):
    done = ketentest("report", "--runs", folder.parent, "--for", "logius", "--sign", server_pem, "--bundle")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def plain(folder, ketentest):
    assert ketentest("report", "--runs", folder.parent, "--format", "html,json,pdf", "--bundle").code == 0
    return folder


def the_zip(folder):
    [file] = folder.glob("*.zip")
    return file


def flipped(data, place):
    other = bytearray(data)
    other[place] ^= 0x01
    return bytes(other)


@pytest.mark.parametrize("kind", ["signed", "plain"])
def test_whatever_byte_of_a_pdf_changes_is_noticed(request, kind):
    data = (request.getfixturevalue(kind) / "report.nl.pdf").read_bytes()
    assert verify_pdf(data).change is None
    chosen = random.Random(9).sample(range(len(data)), 250)
    if kind == "signed":
        chosen += range(data.rfind(b"/ByteRange"), data.rfind(b"/ByteRange") + 60)
        contents = data.rfind(b"/Contents <") + 11
        chosen += [contents + n for n in range(0, data.find(b">", contents) - contents, 211)]
    for place in chosen:
        try:
            assert verify_pdf(flipped(data, place)).change, place
        except UnusableInput:
            continue  # the mark that it is ours is gone: no longer a report


def test_every_letter_case_of_the_signature_counts(signed):
    data = (signed / "report.nl.pdf").read_bytes()
    start = data.rfind(b"/Contents <") + 11
    place = next(n for n in range(start, start + 500) if data[n : n + 1] in b"ABCDEF")
    other = data[:place] + data[place : place + 1].lower() + data[place + 1 :]
    assert verify_pdf(other).change.nl == "de handtekening zelf"


def test_a_changed_page_and_a_changed_json_are_named(signed, ketentest):
    file = signed / "report.nl.pdf"
    data = file.read_bytes()
    second = sorted(
        i for i in range(len(data)) if data.startswith(b"/Type/Page/", i) or data.startswith(b"/Type/Page\n", i)
    )[1]
    file.write_bytes(flipped(data, second + 20))
    done = ketentest("verify", file)
    assert done.code == 1
    assert "GEWIJZIGD: bladzijde 2 (vanaf byte" in done.out
    inner = data.index(b"stream\n", data.index(b"/Type/EmbeddedFile")) + 60
    file.write_bytes(flipped(data, inner))
    assert "CHANGED: the embedded report.json" in ketentest("verify", file, "--lang", "en").out


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("signed", "na de ondertekening zijn 6 bytes toegevoegd"), ("plain", "na het rapport zijn 6 bytes toegevoegd")],
)
def test_what_was_added_after_it_is_named(request, kind, sentence):
    data = (request.getfixturevalue(kind) / "report.nl.pdf").read_bytes()
    assert verify_pdf(data + b"% meer").change.nl == sentence


def test_a_pdf_that_is_not_ours_is_refused(tmp_path, ketentest):
    other = tmp_path / "x.pdf"
    other.write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
    assert ketentest("verify", other).code == 2
    (tmp_path / "x.txt").write_bytes(b"tekst")
    assert ketentest("verify", tmp_path / "x.txt").code == 2
    assert ketentest("verify", tmp_path / "absent.pdf").code == 2


def test_a_report_json_beside_it_that_differs_is_told(plain, ketentest):
    (plain / "report.json").write_text("{}")
    done = ketentest("verify", plain / "report.nl.pdf")
    assert done.code == 0
    assert "een ander dan dat in de PDF" in done.out


def test_the_bundle_holds_report_run_evidence_and_manifest(signed):
    with zipfile.ZipFile(the_zip(signed)) as archive:
        names = set(archive.namelist())
        assert archive.read("run.jsonl") == (signed / "run.jsonl").read_bytes()
        assert archive.read("report.json") == (signed / "report.json").read_bytes()
    assert {
        "report.nl.pdf",
        "report.nl.html",
        "evidence/antwoord.http",
        "manifest.txt",
        "manifest.p7s",
        "certificates.pem",
        "LEESMIJ.txt",
    } <= names


@pytest.mark.parametrize("kind", ["signed", "plain"])
def test_whatever_byte_of_a_bundle_changes_is_noticed(request, kind):
    data = the_zip(request.getfixturevalue(kind)).read_bytes()
    assert verify_bundle(data).change is None
    end = len(data)
    for place in [*random.Random(7).sample(range(end), 60), *range(60), *range(end - 120, end)]:
        assert verify_bundle(flipped(data, place)).change, place


def repacked(file, change):
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    file.write_bytes(bundle.zipped(files))
    return file


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.update({"evidence/antwoord.http": b"anders"}), "evidence/antwoord.http is gewijzigd"),
        (lambda f: f.pop("run.jsonl"), "run.jsonl ontbreekt"),
        (lambda f: f.update({"extra.txt": b"x"}), "extra.txt is toegevoegd"),
        (
            lambda f: f.update({"manifest.txt": f["manifest.txt"].replace(b"a", b"b", 1)}),
            "manifest.txt of de handtekening erover",
        ),
        (lambda f: f.update({"manifest.p7s": b"niets"}), "manifest.txt of de handtekening erover"),
        (lambda f: f.pop("manifest.txt"), "manifest.txt ontbreekt"),
    ],
)
def test_the_first_change_in_a_bundle_is_named(signed, ketentest, change, sentence):
    done = ketentest("verify", repacked(the_zip(signed), change))
    assert done.code == 1
    assert f"GEWIJZIGD: {sentence}" in done.out


def test_a_forged_manifest_with_a_matching_file_fails_at_its_signature(signed):
    def forge(files):
        files["run.jsonl"] += b"\n"
        kept = {name: data for name, data in files.items() if name not in ("manifest.txt", "manifest.p7s")}
        files["manifest.txt"] = bundle.manifest_of(kept, "20261121-2042-7f3a")

    assert verify(repacked(the_zip(signed), forge)).change.nl == "manifest.txt of de handtekening erover"


def test_a_bundle_without_signature_says_what_that_means(plain, ketentest):
    done = ketentest("verify", the_zip(plain))
    assert done.code == 0
    assert "Niet ondertekend" in done.out


CERTIFICATES = {
    "serverAuth and clientAuth": ({"extended": signers.SERVER}, True),
    "emailProtection": ({"extended": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)}, True),
    "no extended usage": ({}, True),
    "chain without its root": ({"extended": signers.SERVER}, False),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_the_printed_openssl_command_says_verification_successful(tmp_path, ketentest, authority, rsa_key, tool, name):
    changes, root = CERTIFICATES[name]
    folder = keep(tmp_path)
    file = tmp_path / "sign.pem"
    file.write_bytes(signers.pem(authority.chain(authority.leaf(rsa_key, **changes), root=root), rsa_key))
    done = ketentest("report", "--runs", folder.parent, "--format", "json", "--sign", file, "--bundle")
    command = next(line.strip() for line in done.out.splitlines() if line.strip().startswith("openssl cms"))
    assert ("-purpose any" in command) == (changes.get("extended") == signers.SERVER)
    assert ("-partial_chain" in command) == (not root)
    assert bundle.EXPECTED in done.out
    with zipfile.ZipFile(the_zip(folder)) as archive:
        archive.extractall(tmp_path / "out")
    assert command in (tmp_path / "out" / "LEESMIJ.txt").read_text()
    assert bundle.EXPECTED in tool(*shlex.split(command), cwd=tmp_path / "out").stderr.splitlines()
    (tmp_path / "out" / "manifest.txt").write_bytes(b"anders")
    failed = subprocess.run(shlex.split(command), cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert failed.returncode != 0


def test_sha256sum_reads_the_manifest(signed, tmp_path, tool):
    with zipfile.ZipFile(the_zip(signed)) as archive:
        archive.extractall(tmp_path / "out")
    tool("sha256sum", "-c", "--strict", "--quiet", "manifest.txt", cwd=tmp_path / "out")


def test_the_same_files_give_the_same_bundle(plain, ketentest):
    first = the_zip(plain).read_bytes()
    assert ketentest("report", "--runs", plain.parent, "--format", "html,json,pdf", "--bundle").code == 0
    assert the_zip(plain).read_bytes() == first


def test_evidence_that_changed_after_the_run_stops_the_bundle(folder, ketentest):
    (folder / "evidence" / "antwoord.http").write_bytes(b"anders")
    done = ketentest("report", "--runs", folder.parent, "--format", "json", "--bundle")
    assert done.code == 2
    assert "gewijzigd nadat het is vastgelegd" in done.err


def test_a_technical_report_has_no_bundle(folder, ketentest):
    done = ketentest("report", "--runs", folder.parent, "--detail", "technisch", "--bundle")
    assert (done.code, "interne adressen" in done.err) == (2, True)
    assert not list(folder.glob("report*"))


def test_what_logius_gets_says_nothing_of_other_connections(tmp_path, ketentest):
    connections = [dossier.connection(), dossier.connection("tvs", "tvs-direct")]
    folder = keep(tmp_path, [*dossier.digipoort_results(), *dossier.digipoort_results("tvs")], connections)
    assert ketentest("report", "--runs", folder.parent, "--for", "logius", "--format", "json", "--bundle").code == 0
    with zipfile.ZipFile(the_zip(folder)) as archive:
        lines = [json.loads(line) for line in archive.read("run.jsonl").splitlines()]
    assert [c["name"] for c in lines[0]["connections"]] == ["digipoort"]
    assert {line.get("connection", "digipoort") for line in lines} == {"digipoort"}


def test_a_bundle_is_not_fooled_by_a_bomb_or_two_files_of_one_name(tmp_path, signed):
    file = the_zip(signed)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("run.jsonl", b"anders")
    assert verify(file).change.nl == "run.jsonl staat er tweemaal in"
    assert verify_bundle(b"PK\x03\x04").change


def test_the_manifest_lists_every_digest(signed):
    with zipfile.ZipFile(the_zip(signed)) as archive:
        lines = archive.read("manifest.txt").decode().splitlines()[1:]
        for line in lines:
            digest, _, name = line.partition("  ")
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest


def test_a_file_written_elsewhere_verifies_the_same(signed, tmp_path):
    copy = tmp_path / "elders" / "naam.pdf"
    copy.parent.mkdir()
    copy.write_bytes((signed / "report.en.pdf").read_bytes())
    assert verify(copy).change is None
