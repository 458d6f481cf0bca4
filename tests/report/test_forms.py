"""The forms of the report: HTML from disk, Markdown, JSON, JUnit, and what they cost."""

import json
import re
import shutil
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import dossier
import pytest
from lxml import etree

from harness.report import html, jsonfile, junit, markdown
from harness.report.build import build
from harness.report.palette import PAPER, SHAPES, SOFT, TONES, WASH, contrast

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "red": {"run": dossier.red()},
    "lab": {"run": dossier.lab()},
    "municipal": {"run": dossier.municipal(), "attestations": dossier.signed(), "against": dossier.red(run_id="20261120-0900-aaaa")},
}  # fmt: skip


def report(case="red", **options):
    return build(**CASES[case] | options, now=dossier.NOW, book=dossier.BOOK)


class Reader(HTMLParser):
    """Collects ids, links, sources and whether tags close."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.sources, self.open, self.tags = [], [], [], [], set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given[a] for a in ("src", "srcset", "action", "data") if a in given]
        if tag not in ("meta", "col", "wbr", "br", "use", "path", "circle", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("use", "path", "circle", "rect", "line"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()


@pytest.fixture(params=[(case, lang) for case in CASES for lang in ("nl", "en")], ids="-".join)
def page(request):
    case, lang = request.param
    text = "".join(html.render(report(case, lang=lang)))
    reader = Reader()
    reader.feed(text)
    return text, reader


def test_the_html_is_whole_and_needs_nothing_from_outside(page):
    text, reader = page
    assert reader.open == []
    assert reader.sources == []
    assert all(link.startswith("#") for link in reader.links)
    assert not reader.tags & {"script", "link", "iframe", "img", "object", "form"}
    assert "url(" not in text
    assert "@import" not in text


def test_every_link_inside_the_page_leads_somewhere_and_ids_are_unique(page):
    _, reader = page
    assert len(reader.ids) == len(set(reader.ids))
    assert {link[1:] for link in reader.links} <= set(reader.ids)


def test_each_page_on_paper_carries_run_draft_and_number():
    text = "".join(html.render(report()))
    margin = text[text.index("@page") : text.index("</style>")]
    assert r"20261121\2d 2042\2d 7f3a" in margin
    assert "CONCEPT" in margin
    assert "counter(page)" in margin


def test_page_one_follows_the_order_of_the_reader(page):
    _, reader = page
    order = [
        "conclusion",
        "now",
        "declaration",
        "glance",
        "versions",
        "references",
        "findings",
        "results",
        "deviations",
        "evidence",
        "timeline",
    ]
    assert [i for i in reader.ids if i in order] == order


def test_every_result_is_told_by_word_shape_and_colour_with_enough_contrast():
    assert set(TONES) == set(SHAPES)
    assert len(set(SHAPES.values())) == len(SHAPES)
    for key, tone in TONES.items():
        assert contrast(tone.ink, tone.wash) >= 4.5, key
        assert contrast(tone.ink, PAPER) >= 4.5, key
    assert contrast(SOFT, WASH) >= 4.5


def test_the_digest_in_the_index_is_whole():
    text = "".join(html.render(report()))
    assert dossier.DIGEST in text.replace("<wbr>", "")


def test_json_holds_the_same_model():
    found = json.loads("".join(jsonfile.render(report())))
    assert found["schema"] == "ketentest-report/1"
    assert found["conclusion"]["mark"]["key"] == "fail"
    assert found["connections"][0]["phases"][0]["steps"][0]["id"] == "DP-0a"


def test_junit_has_a_suite_per_connection_and_a_case_per_step():
    tree = etree.fromstring("".join(junit.render(report("municipal"))).encode())
    suites = tree.findall("testsuite")
    assert [s.get("name") for s in suites] == ["lopende-zaken", "digipoort"]
    cases = suites[1].findall("testcase")
    assert int(suites[1].get("tests")) == len(cases)
    assert int(suites[1].get("failures")) == len(suites[1].findall("testcase/failure"))
    assert all(s.get("message") for s in suites[1].findall("testcase/skipped"))
    failure = suites[1].find("testcase/failure")
    assert failure.get("type") == "PKIO-CHAIN-009"


def test_markdown_has_the_same_chapters_and_no_html():
    text = "".join(markdown.render(report("municipal")))
    heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert heads == [
        "Wat nu?",
        "Verklaring",
        "In één oogopslag",
        "Run en geteste versies",
        "Referentiedocumenten",
        "Bevindingen",
        "Resultaten per stap",
        "Afwijkingen",
        "Bewijs",
        "Tijdlijn",
    ]
    assert not re.search(r"(?<!\\)<", text)


def test_two_languages_differ_in_words_only():
    dutch, english = (report("municipal", lang=lang) for lang in ("nl", "en"))
    assert [f.rule for f in dutch.findings] == [f.rule for f in english.findings]
    assert [c.number for c in dutch.counts] == [c.number for c in english.counts]
    assert dutch.conclusion.sentence != english.conclusion.sentence


def test_one_connection_with_all_its_rows_is_written_within_a_second():
    started = time.perf_counter()
    "".join(html.render(report("municipal")))
    assert time.perf_counter() - started < 1


@pytest.mark.slow
def test_three_hundred_connections_take_ten_seconds_and_fifteen_megabytes():
    names = [f"gemeente-{n:03}" for n in range(300)]
    run = dossier.run(
        [dossier.municipality(n) for n in names], [r for n in names for r in dossier.digipoort_results(n)]
    )
    started = time.process_time()
    text = "".join(html.render(build(run, now=dossier.NOW, book=dossier.BOOK)))
    assert time.process_time() - started < 10
    assert len(text.encode()) < 15_000_000


@pytest.mark.slow
def test_axe_finds_no_violation_at_three_widths_and_in_print(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser or not (ROOT / "node_modules" / "axe-core").is_dir() or not shutil.which("node"):
        pytest.skip("no browser or axe-core; run scripts/install-browser.sh")
    pages = {"hand-in.nl": report("municipal", phase="2"), "exercise.en": report("lab", lang="en")}
    for name, found in pages.items():
        (tmp_path / f"{name}.html").write_text("".join(html.render(found)), encoding="utf-8")
    files = [str(tmp_path / f"{name}.html") for name in pages]
    done = subprocess.run(
        ["node", str(ROOT / "scripts" / "axe.mjs"), browser, *files],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
