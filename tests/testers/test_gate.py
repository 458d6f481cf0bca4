"""Who comes in: one host, one origin, one link per browser, and a sentence for everybody else."""

from pathlib import Path

import httpx
import pytest
from visiting import let_in, opened

STEP = "/step/lopende-zaken/LZ-5.3.1"


@pytest.fixture
async def stranger(gate):
    async with httpx.AsyncClient(base_url=gate.origin, trust_env=False) as client:
        yield client


def sentence(answer):
    assert "Traceback" not in answer.text
    return answer.text.partition('<p class="big">')[2].partition("</p>")[0]


async def test_a_link_lets_one_browser_in_once(gate, stranger):
    link = gate.link()
    async with httpx.AsyncClient(trust_env=False) as first:
        assert (await first.get(link)).status_code == 200
        assert (await first.get(link)).status_code == 200
        cookie = (await first.get(link)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    second = await stranger.get(link)
    assert second.status_code == 403
    assert "al gebruikt" in sentence(second)


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 5000])
async def test_a_wrong_token_is_refused(stranger, token):
    answer = await stranger.get("/enter", params={"token": token})
    assert answer.status_code == 403
    assert "deze link klopt niet" in sentence(answer)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/me", "/report", STEP, "/file/lopende-zaken/LZ-5.3.1/abc", "/nergens"])
async def test_without_a_cookie_there_is_no_page(stranger, path):
    answer = await stranger.get(path)
    assert answer.status_code == 403
    assert "open eerst de link" in sentence(answer)
    assert "LZ-" not in answer.text


@pytest.mark.parametrize(
    "host",
    ["localhost:{port}", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}", "127.0.0.1.nip.io:{port}", "[::1]:{port}"],
)
async def test_under_another_name_the_page_does_not_answer(gate, anna, host):
    answer = await anna.get("/", Host=host.format(port=gate.port))
    assert answer.status_code == 403
    assert f"alleen te openen als {gate.origin}" in sentence(answer)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:{port}", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "null"],
)
async def test_a_form_of_another_origin_is_refused(gate, anna, folder, origin):
    answer = await anna.post(STEP, {"do": "draft", "statement": "x"}, Origin=origin.format(port=gate.port))
    assert answer.status_code == 403
    assert "van een andere pagina" in sentence(answer)
    assert not (folder / "attestations.drafts.json").exists()


async def test_a_form_without_an_origin_is_refused(anna):
    answer = await anna.client.post(STEP, data={"do": "draft"})
    assert answer.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_cannot_read_along(anna, site):
    assert (await anna.get("/", **{"Sec-Fetch-Site": site})).status_code == 403
    assert (await anna.get("/", **{"Sec-Fetch-Site": "same-origin"})).status_code in (200, 303)


async def test_a_cookie_of_another_run_of_the_page_is_worth_nothing(folder, gate):
    async with let_in(gate) as anna, opened(folder) as other:
        taken = {f"ketentest-{other.port}": anna.client.cookies[gate.cookie]}
        async with httpx.AsyncClient(base_url=other.origin, cookies=taken, trust_env=False) as client:
            assert (await client.get("/")).status_code == 403


async def test_every_answer_forbids_what_is_not_ours(anna, stranger):
    for answer in (
        await anna.get(STEP),
        await stranger.get("/"),
        await anna.get("/nergens"),
        await stranger.get("/page.css"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    report = (await anna.get("/report")).headers["Content-Security-Policy"]
    assert "script" not in report
    assert "default-src 'none'" in report


def listening_at(port):
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]


async def test_the_page_listens_on_loopback_only(gate):
    assert listening_at(gate.port) == [f"0100007F:{gate.port:04X}"]


async def test_a_second_tester_comes_in_by_an_invitation(gate, anna, stranger):
    text = (await anna.post("/invite")).text
    link = text.partition('<code class="link" id="link">')[2].partition("</code>")[0]
    assert link.startswith(gate.origin)
    assert (await stranger.get(link)).status_code == 200
    assert (await stranger.get("/me")).status_code == 200


async def test_who_did_not_say_who_he_is_is_asked_first(gate, stranger):
    await stranger.get(gate.link())
    assert (await stranger.get(STEP)).headers["Location"] == "/me"
    refused = await stranger.post("/me", data={"by": " ", "function": "tester"}, headers={"Origin": gate.origin})
    assert refused.status_code == 422
    assert "Vul uw naam en functie in" in refused.text


async def test_an_unknown_step_names_the_nearest(anna):
    answer = await anna.get("/step/lopende-zaken/LZ-5.3.3q")
    assert answer.status_code == 404
    assert "bedoelt u LZ-5.3.3" in sentence(answer)
    answer = await anna.get("/step/lopende-zaak/LZ-5.3.1")
    assert answer.status_code == 404
    assert "bedoelt u lopende-zaken?" in sentence(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/nergens",
        "/step/lopende-zaken",
        "/file/lopende-zaken/LZ-5.3.1/..%2f..%2fchain.toml",
        "/step/lopende-zaken/..%2f..%2fetc",
        "/?connection=%00",
    ],
)
async def test_an_address_that_is_not_there_is_a_sentence(anna, path):
    answer = await anna.get(path)
    assert answer.status_code == 404
    assert sentence(answer)


async def test_another_method_is_a_sentence(anna, gate):
    answer = await anna.client.request("DELETE", STEP, headers={"Origin": gate.origin})
    assert answer.status_code == 405
    assert sentence(answer)
