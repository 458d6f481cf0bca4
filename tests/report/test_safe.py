"""A hostile counterparty: what it sends is escaped, visible, shortened and masked in every form of the report."""

from html.parser import HTMLParser

import dossier
import pytest
from lxml import etree

from harness.model import Evidence, Verdict
from harness.report import html, jsonfile, junit, markdown
from harness.report.build import build
from harness.report.safe import Cleaner, is_internal, visible
from harness.run import ConnectionInfo

BSN = "999990019"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecretsecret\n-----END RSA PRIVATE KEY-----"
EVIL = f"<script>alert(1)</script>\u202e gnp.exe \x00\x1b[31m bsn {BSN} {KEY} \u200b" + "A" * 10_000_000


def hostile():
    finding = dossier.graded(
        "PONG-001", observed=EVIL, expected="</dd><img src=x onerror=alert(1)>", where=f"//x[{BSN}]"
    )
    results = (
        dossier.result("net.dns", seen=EVIL),
        dossier.result("wus.call", Verdict.FAIL, findings=(finding,), evidence=(Evidence("9f" * 32, "<b>.txt", "text/html", 10_000_000),)),
        dossier.result("wus.headers", Verdict.NOT_RUN, cause=EVIL),
    )  # fmt: skip
    info = dossier.connection(peer=EVIL, ticket=EVIL, party="<b>Voorbeeld</b> ]]> & B.V.")
    assert isinstance(info, ConnectionInfo)
    return build(dossier.run([info], results), now=dossier.NOW, book=dossier.BOOK)


@pytest.fixture(scope="module", params=["html", "markdown", "json", "junit"])
def text(request):
    forms = {"html": html, "markdown": markdown, "json": jsonfile, "junit": junit}
    return request.param, "".join(forms[request.param].render(hostile()))


def test_no_digit_of_a_bsn_and_no_key_is_printed(text):
    _, found = text
    assert BSN not in found
    assert "secretsecret" not in found
    assert "[BSN-1]" in found.replace("\\[", "[").replace("\\]", "]")


def test_ten_megabytes_are_shortened_and_say_so(text):
    _form, found = text
    assert len(found) < 400_000
    assert "ingekort" in found


def test_no_control_or_direction_mark_remains_and_each_is_visible(text):
    _, found = text
    assert not any(mark in found for mark in "\u202e\x00\x1b\u200b")
    assert "U+202E" in found


def test_no_markup_of_the_counterparty_reaches_the_reader(text):
    form, found = text
    if form == "html":
        tags = []
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
        parser.feed(found)
        assert not any(tag in ("script", "img", "iframe", "b") and "src" in attrs for tag, attrs in tags)
        assert "script" not in {tag for tag, _ in tags}
    elif form == "markdown":
        assert "<script" not in found.replace("\\<", "")


def test_junit_stays_well_formed():
    tree = etree.fromstring("".join(junit.render(hostile())).encode())
    assert tree.tag == "testsuites"


def test_visible_writes_marks_out():
    assert visible("a\u202eb\u2066") == "a⟨U+202E⟩b⟨U+2066⟩"
    assert visible("regel\nregel\t") == "regel\nregel\t"


def test_a_bsn_on_the_edge_of_what_is_shown_is_masked_too():
    for lead in range(585, 606):
        assert not any(part in Cleaner()("x" * (lead - 1) + " " + BSN + " y" * 900) for part in (BSN[:6], BSN[3:]))


def test_internal_addresses_are_told_apart_from_public_ones():
    assert [is_internal(a) for a in ("10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "fe80::1")] == [True] * 5
    assert [is_internal(a) for a in ("127.0.0.1", "8.8.8.8", "2001:4860::1", "geen")] == [False] * 4
