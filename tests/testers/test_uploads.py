"""What may come in as evidence, and what is refused in a sentence: in pieces, capped, by content."""

import hashlib
import json
import resource

import pytest
from visiting import PNG

from harness.attestations import read
from harness.images import stripped
from harness.testers.kinds import Unwanted, kind_of, plain_name

STEP = "/step/lopende-zaken/LZ-5.3.1"
PRODUCTION = "/step/tvs-cluster/TC-9a"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def refusals(answer):
    text = answer.text.partition('id="refusals"')[2].partition("</ul>")[0]
    return [line.partition("</li>")[0] for line in text.split("<li>")[1:]]


def kept(folder):
    return sorted(p.name for p in (folder / "bewijs").glob("*")) if (folder / "bewijs").exists() else []


async def test_a_screenshot_is_kept_without_its_metadata(anna, folder):
    answer = await anna.write(STEP, "draft", [("afdruk.png", PNG)])
    assert answer.status_code == 303
    (name,) = kept(folder)
    assert (folder / "bewijs" / name).read_bytes() == stripped(PNG) != PNG
    (draft,) = json.loads((folder / "attestations.drafts.json").read_text())
    page = (await anna.get(STEP)).text
    assert f"/file/lopende-zaken/LZ-5.3.1/{draft['files'][0]['sha256']}" in page
    picture = await anna.get(f"/file/lopende-zaken/LZ-5.3.1/{draft['files'][0]['sha256']}")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content == stripped(PNG)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("setup.exe", b"MZ\x90\x00" + b"\x00" * 200, "programma of script"),
        ("afdruk.png", b"MZ\x90\x00" + b"\x00" * 200, "programma of script"),
        ("afdruk.png", b"\x7fELF\x02\x01\x01", "programma of script"),
        ("verslag.txt", b"#!/bin/sh\nrm -rf /\n", "programma of script"),
        ("verslag.ps1", b"Get-Item", "programma of script"),
        ("plaatje.svg", SVG, "SVG met een script"),
        ("plaatje.png", SVG, "SVG met een script"),
        ("plaatje.xml", b" \n<!-- x --><a:svg onload='x()'/>", "SVG met een script"),
        ("plaatje.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is een SVG"),
        ("pagina.html", b"<!DOCTYPE html><html></html>", "webpagina"),
        ("pagina.txt", b"<html><script>1</script>", "webpagina"),
        ("verslag.docx", b"PK\x03\x04rest", "bewaar het als PDF"),
        ("foto.heic", b"\x00\x00\x00\x18ftypheic", "is geen PNG, JPEG, PDF of tekst"),
        ("leeg.bin", b"", "is geen PNG, JPEG, PDF of tekst"),
        ("verslag.txt", b"caf\xe9", "geen tekst in UTF-8"),
        ("afdruk.png", PNG[:80], "beschadigd"),
        ("../../etc/cron.d/x.png", PNG, "wijst naar een andere map"),
        ("..\\x.png", PNG, "wijst naar een andere map"),
        (".htaccess", b"x", "wijst naar een andere map"),
    ],
)
async def test_what_is_no_evidence_is_refused_in_a_sentence_and_leaves_nothing(anna, folder, name, data, why):
    answer = await anna.write(STEP, "attest", [(name, data)])
    assert answer.status_code == 422
    (sentence,) = refusals(answer)
    assert why in sentence
    assert str(folder) not in answer.text
    assert kept(folder) == []
    assert list((folder / "tmp").iterdir()) == []
    assert not (folder / "attestations.toml").exists()


async def test_a_refused_file_takes_nothing_else_with_it(anna, folder):
    answer = await anna.write(STEP, "draft", [("x.svg", SVG), ("afdruk.png", PNG)], statement="Dit blijft staan.")
    assert len(refusals(answer)) == 1
    assert len(kept(folder)) == 1
    assert "Dit blijft staan." in answer.text
    assert (await anna.form(STEP))["statement"] == "Dit blijft staan."


@pytest.mark.parametrize("name", ["a/b", "a\\b", "..", "a..b", ".x", "", "  ", "a\nb", "a\x7f.png", "x\x00.png"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(Unwanted):
        plain_name(name)


@pytest.mark.parametrize("name", ["afdruk 1 (kopie).png", "schérm.PNG", "x" * 300 + ".png", "C’est.pdf", 'a"<b>.txt'])
def test_any_other_name_stays_readable_and_short(name):
    clean = plain_name(name)
    assert len(clean) <= 80
    assert not set(clean) & set('/\\"<>\x00')


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"\xff\xd8\xff\xe0", PNG])
def test_what_a_file_is_shows_from_its_content(data):
    assert kind_of("zomaar", data).media_type.partition("/")[0] in ("application", "image")


async def test_a_text_is_masked_before_it_stays(anna, folder):
    answer = await anna.write(STEP, "draft", [("mail.txt", b"Antwoord over 999990019, groet")])
    assert answer.status_code == 303
    (name,) = kept(folder)
    assert (folder / "bewijs" / name).read_text() == "Antwoord over [BSN-1], groet"
    assert "1 gegeven gemaskeerd" in (await anna.get(STEP)).text


async def test_twenty_megabytes_is_the_most_for_one_file(anna, folder):
    answer = await anna.write(STEP, "draft", [("groot.pdf", b"%PDF-" + bytes(20 * 1024 * 1024))])
    assert "groter dan 20 MB" in refusals(answer)[0]
    assert kept(folder) == []
    answer = await anna.write(STEP, "draft", [("net.pdf", b"%PDF-" + bytes(20 * 1024 * 1024 - 5))])
    assert answer.status_code == 303
    assert len(kept(folder)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("announced", [True, False])
async def test_a_gigabyte_is_refused_while_it_comes_and_never_held(anna, folder, announced):
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="groot.pdf"\r\n\r\n%PDF-'
    tail = b"\r\n--b--\r\n"
    piece, count = bytes(1024 * 1024), 1024
    sent = 0

    async def body():
        nonlocal sent
        yield head
        for _ in range(count):
            sent += len(piece)
            yield piece
        yield tail

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Origin": str(anna.client.base_url).rstrip("/")}
    if announced:
        headers["Content-Length"] = str(len(head) + len(tail) + len(piece) * count)
    answer = await anna.client.post(STEP, content=body(), headers=headers)
    assert answer.status_code == 413
    assert "een bestand mag hoogstens 20 MB zijn" in answer.text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 * 1024
    assert kept(folder) == []
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b"\x00" * 500,
        b"--b\r\n" * 400,
    ],
)
async def test_a_form_that_is_none_is_a_sentence(anna, folder, body):
    origin = str(anna.client.base_url).rstrip("/")
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Origin": origin}
    answer = await anna.client.post(STEP, content=body, headers=headers)
    assert answer.status_code in (303, 400, 422)
    assert not (folder / "attestations.toml").exists()


async def test_a_picture_of_production_never_reaches_the_disk(anna, folder):
    answer = await anna.write(PRODUCTION, "attest", [("lpr.png", PNG)])
    assert answer.status_code == 303
    assert kept(folder) == []
    (said,) = read(folder / "attestations.toml").attestations
    digest = hashlib.sha256(PNG).hexdigest()
    assert [(p.name, p.file, p.sha256) for p in said.proofs] == [("lpr.png", "", digest)]
    page = (await anna.get(PRODUCTION)).text
    assert digest[:12] in page
    assert "<img" not in page
    assert (await anna.get(f"/file/tvs-cluster/TC-9a/{digest}")).status_code == 404
    report = (await anna.get("/report")).text
    assert "lpr.png" in report
    assert "<img" not in report


async def test_a_file_that_was_taken_out_leaves_the_disk_unless_something_rests_on_it(anna, folder):
    await anna.write(STEP, "draft", [("afdruk.png", PNG)])
    (draft,) = json.loads((folder / "attestations.drafts.json").read_text())
    await anna.write(STEP, f"remove:{draft['files'][0]['sha256']}")
    assert kept(folder) == []
    await anna.write(STEP, "attest", [("afdruk.png", PNG)])
    await anna.write(STEP, "draft", [("afdruk.png", PNG)])
    (draft,) = json.loads((folder / "attestations.drafts.json").read_text())
    await anna.write(STEP, f"remove:{draft['files'][0]['sha256']}")
    assert len(kept(folder)) == 1


async def test_a_pdf_stays_as_it_is_and_the_names_in_its_metadata_are_told(anna, folder):
    body = b"%PDF-1.7\n1 0 obj\n<</Author(J. Jansen)>>\nendobj\ntrailer <</Info 1 0 R>>\n%%EOF\n"
    answer = await anna.write(STEP, "draft", [("verslag.pdf", body)])
    assert answer.status_code == 303
    assert "verslag.pdf houdt zijn metadata (auteur J. Jansen)" in (await anna.get(STEP)).text
    assert [path.read_bytes() for path in (folder / "bewijs").iterdir()] == [body]
