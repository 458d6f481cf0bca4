"""`make docs`: a site without a broken link, unknown id or command that does not exist, and a reference in two languages."""

import sys
from pathlib import Path

import pytest
from lxml import html

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    import docs

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        wrong = docs.build(folder)
    return folder, wrong


def test_no_link_id_or_command_of_the_documentation_leads_nowhere(site):
    assert site[1] == []


def test_every_page_is_reachable_from_the_start(site):
    folder, _ = site
    seen, todo = set(), [folder / "index.html"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        links = [str(link).partition("#")[0] for link in html.parse(str(page)).xpath("//a/@href")]
        todo += [(page.parent / link).resolve() for link in links if link.endswith(".html")]
    assert {p.resolve() for p in folder.rglob("*.html")} == {p.resolve() for p in seen}


@pytest.mark.parametrize(("lang", "suffix"), [("nl", ".nl.html"), ("en", ".html")])
def test_the_reference_explains_every_rule_step_and_probe_in_both_languages(site, lang, suffix):
    from harness.checklist import catalogue
    from harness.probes.probe import load
    from harness.rulebook import rulebook

    pages = [
        html.parse(str(p))
        for p in (site[0] / "reference").glob("*.html")
        if p.name.endswith(".nl.html") is (lang == "nl")
    ]
    assert {tree.getroot().get("lang") for tree in pages} == {lang}
    explained = {str(i) for tree in pages for i in tree.xpath("//article/@id")}
    assert explained == {*rulebook().rules, *catalogue(), *load()}


def test_an_id_in_a_page_leads_to_its_explanation(site):
    page = html.parse(str(site[0] / "lopende-zaken.html"))
    assert "reference/steps-lz.html#LZ-4.3.9a" in page.xpath("//a/@href")


def test_the_site_asks_nothing_of_another_host(site):
    links = {
        str(link)
        for page in site[0].rglob("*.html")
        for link in html.parse(str(page)).xpath("//link/@href | //script/@src | //img/@src")
    }
    assert not [link for link in links if "//" in link]


def test_what_is_wrong_is_told_by_page(tmp_path, monkeypatch):
    import docs

    (tmp_path / "docs").mkdir()
    text = "# x\n\n[gone](gone.md) [place](index.md#nowhere) `LZ-99.9` `CPA-999`\n\n```\nketentest fly\nketentest run --wings\n```\n"
    (tmp_path / "docs" / "index.md").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(docs, "NAVIGATION", {"index.html": "Start"})
    said = "\n".join(docs.build(tmp_path / "site"))
    for part in ("gone.html does not exist", "no such place", "`LZ-99.9`", "`CPA-999`", "ketentest fly", "--wings"):
        assert part in said
