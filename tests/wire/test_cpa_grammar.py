"""Our own grammars give the verdict of the published schemas, on every file of the corpus."""

import pytest
from lxml import etree

from harness.errors import KetentestError
from harness.lint.kinds import split_http
from harness.wire import grammar, xml

EB = "{http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd}"


@pytest.fixture(scope="module")
def official(shared):
    folder = shared / "corpus" / "ebms" / "xsd"
    return {name: etree.XMLSchema(file=str(folder / f"{file}.xsd")) for name, file in FILES.items()}


FILES = {grammar.CPA: "cpp-cpa-2_0", grammar.EBMS_HEADER: "msg-header-2_0"}


def roots(shared, *patterns):
    for pattern in patterns:
        for path in sorted(p for p in (shared / "corpus" / "ebms").glob(pattern) if p.is_file()):
            try:
                _, body = split_http(path.read_bytes())
                cut = body.find(b"<?xml") if not body.lstrip().startswith(b"<") else 0
                end = body.rfind(b"Envelope>") + len("Envelope>") if cut > 0 else len(body)
                yield path.name, xml.parse(body[max(cut, 0) : end])
            except KetentestError:
                continue


def test_our_cpa_grammar_agrees_with_the_oasis_schema(shared, official):
    judged = 0
    for name, root in roots(shared, "cpa/*.xml", "mutated/CPA*.xml", "mutated/XCHK*.xml", "bases/*cpa*.xml"):
        assert grammar.valid(grammar.CPA, root) == official[grammar.CPA].validate(root), name
        judged += 1
    assert judged > 60


def test_our_header_grammar_agrees_with_the_oasis_schema(shared, official):
    judged = invalid = 0
    for name, root in roots(shared, "bases/*", "messages/*.xml", "rendered/*", "mutated/*", "http/*"):
        for element in list(root.iter(f"{EB}*")):
            if element.getparent() is not None and element.getparent().tag.startswith(EB):
                continue
            expected = official[grammar.EBMS_HEADER].validate(element)
            assert grammar.valid(grammar.EBMS_HEADER, element) == expected, (name, element.tag)
            judged += 1
            invalid += not expected
    assert judged > 150
    assert invalid > 3


def mutants(root):
    """Every document with one element or one attribute taken away, doubled or emptied."""
    for element in list(root.iter("{*}*")):
        parent = element.getparent()
        if parent is None:
            continue
        at = parent.index(element)
        parent.remove(element)
        yield f"without {element.tag}"
        parent.insert(at, element)
        parent.insert(at, double := etree.fromstring(etree.tostring(element)))
        yield f"twice {element.tag}"
        parent.remove(double)
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            yield f"{element.tag} without {name}"
            element.set(name, "")
            yield f"{element.tag} with empty {name}"
            element.set(name, "zz zz")
            yield f"{element.tag} with strange {name}"
            element.set(name, value)
        text, element.text = element.text, "12 x"
        yield f"{element.tag} with strange text"
        element.text = text


@pytest.mark.slow
@pytest.mark.parametrize("file", ["cpa/cpaeditor__justid-toolkit-example.xml", "bases/base-cpa-osb-rm-s.xml"])
def test_our_cpa_grammar_agrees_on_thousands_of_small_changes(shared, official, file):
    root = xml.parse((shared / "corpus" / "ebms" / file).read_bytes())
    refused = 0
    for what in mutants(root):
        expected = official[grammar.CPA].validate(etree.fromstring(etree.tostring(root)))
        assert grammar.valid(grammar.CPA, etree.fromstring(etree.tostring(root))) == expected, what
        refused += not expected
    assert refused > 100


@pytest.mark.parametrize("file", ["base-ack.xml", "base-error.xml", "base-statusresp.xml", "signed-ping-syncreply.xml"])
def test_our_header_grammar_agrees_on_hundreds_of_small_changes(shared, official, file):
    root = xml.parse((shared / "corpus" / "ebms" / "bases" / file).read_bytes())
    for what in mutants(root):
        for element in root.iter(f"{EB}MessageHeader", f"{EB}Acknowledgment", f"{EB}ErrorList", f"{EB}StatusResponse"):
            expected = official[grammar.EBMS_HEADER].validate(element)
            assert grammar.valid(grammar.EBMS_HEADER, element) == expected, what


def test_the_grammars_of_specification_and_ping_accept_the_bases_and_refuse_what_misses(shared):
    bases, mutated = shared / "corpus" / "ebms" / "bases", shared / "corpus" / "ebms" / "mutated"
    for name, good, bad in (
        (grammar.CONSUMER_SPEC, "base-consumer-spec.xml", ("SPEC-002-2.xml", "SPEC-030.xml")),
        (grammar.PING_MMD, "base-mmd.xml", ("MMD-002.xml", "MMD-004.xml", "MMD-006.xml", "MMD-011.xml")),
    ):
        assert grammar.valid(name, xml.parse((bases / good).read_bytes()))
        for file in bad:
            assert grammar.violations(name, xml.parse((mutated / file).read_bytes())), file


def test_a_violation_is_told_in_plain_words_with_its_line(shared):
    root = xml.parse((shared / "corpus" / "ebms" / "mutated" / "CPA-002-2.xml").read_bytes())
    (violation,) = grammar.violations(grammar.CPA, root)
    assert violation.text.nl == "Start waarde ‘01-01-2026’ kan niet"
    assert violation.line == 4
    assert violation.path == "/CollaborationProtocolAgreement/Start"
