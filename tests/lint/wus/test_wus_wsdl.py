"""Each rule on WSDLs is provoked by one change to our own WSDL, and real ones give what the corpus says."""

import csv

import pytest

from harness.check import judge_bytes
from harness.lint.judge import Context, Raw
from harness.model import Environment
from tests.conftest import ROOT

FOLDER = ROOT / "harness" / "lab" / "wsdl"
OWN = (FOLDER / "stub-profielservice-v1.wsdl").read_text()


def found(text, *companions, service=""):
    ctx = Context(environment=Environment.PREPROD, companions=companions, service=service)
    document = judge_bytes(text.encode(), "d.wsdl", ctx, "wsdl")
    return {g.finding.rule: str(g.severity) for g in document.findings}


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.wsdl") if "digipoort" not in p.name))
def test_our_own_wsdls_are_silent(name):
    assert set(found((FOLDER / name).read_text()).values()) <= {"info"}


def second(text, tag):
    start = text.index(f"<wsdl:{tag} ")
    end = text.index(f"</wsdl:{tag}>") + len(f"</wsdl:{tag}>")
    return text[:end] + text[start:end].replace('name="', 'name="Tweede', 1) + text[end:]


PORT = '<wsdl:port name="Productie" binding="tns:x"><soap:address location="https://dienst.nl"/></wsdl:port>'
CHANGES = {
    "WUS-WSDL-001": lambda t: second(t, "portType"),
    "WUS-WSDL-002": lambda t: t.replace('element="t:controleerAccount"', 'type="t:bsn"', 1),
    "WUS-WSDL-003": lambda t: t.replace('style="document"', 'style="rpc"'),
    "WUS-WSDL-004": lambda t: t.replace("<wsdl:output message", "<wsdl:uit message", 1).replace(
        'wsam:Action="urn:ketentest:stub:profielservice:wsdl:v1:controleerAccountResponse"/>', "/>"
    ),
    "WUS-WSDL-005": lambda t: t.replace("wsam:Action", "wsaw:Action"),
    "WUS-WSDL-006": lambda t: t.replace('soapAction="urn', 'soapAction="x:urn'),
    "WUS-WSDL-007": lambda t: t.replace('location="https://', 'location="http://'),
    "WUS-WSDL-008": lambda t: t.replace("  </wsdl:service>", PORT + "</wsdl:service>"),
    "WUS-WSDL-009": lambda t: t.replace("Basic256Sha256", "Basic256"),
    "WUS-WSDL-010": lambda t: t.replace('schemaLocation="', 'schemaLocation="https://internet.nl/'),
    "WUS-WSDL-011": lambda t: t.replace('<sp:Header Name="RelatesTo"', '<sp:Header Name="Anders"'),
}


@pytest.mark.parametrize("rule", CHANGES)
def test_a_wsdl_with_one_deviation(rule):
    changed = CHANGES[rule](OWN)
    assert changed != OWN
    assert rule in found(changed)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('use="literal"', 'use="encoded"', "WUS-WSDL-003"),
        ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/", "WUS-WSDL-003"),
        ("http://schemas.xmlsoap.org/soap/http", "http://schemas.xmlsoap.org/soap/smtp", "WUS-WSDL-003"),
        ('schemaLocation="', 'schemaLocation="/cpl/', "WUS-WSDL-010"),
        ("<sp:Body/>", "", "WUS-WSDL-011"),
        ("<sp:IncludeTimestamp/>", "", "WUS-WSDL-011"),
        ("<wsdl:definitions", "<wsdl:description", "WUS-WSDL-003"),
        ("<soap:binding ", '<h:binding xmlns:h="http://schemas.xmlsoap.org/wsdl/http/" verb="POST" ', "WUS-WSDL-003"),
        ('Name="To" Namespace="http://www.w3.org/2005/08', 'Name="To" Namespace="http://x/2004/08', "WUS-WSDL-011"),
    ],
)
def test_other_ways_to_break_a_wsdl(old, new, rule):
    assert rule in found(OWN.replace(old, new))


def test_a_port_that_was_chosen_by_name_is_enough():
    changed = CHANGES["WUS-WSDL-008"](OWN)
    for name, expected in (("", True), ("Anders", True), ("Productie", False)):
        context = Context(environment=Environment.PREPROD, settings={"port": (name,)})
        told = {g.finding.rule for g in judge_bytes(changed.encode(), "d.wsdl", context, "wsdl").findings}
        assert ("WUS-WSDL-008" in told) is expected


def test_a_wsdl_that_lacks_its_schema_says_so():
    assert found(OWN, Raw(b"<x/>", "iets.xsd")).get("WUS-WSDL-010") == "warning"
    assert "WUS-WSDL-010" not in found(OWN, Raw(b"<x/>", "stub-profielservice-v1.xsd"))


def test_another_wsdl_than_last_time_is_noted():
    assert "WUS-WSDL-012" in found(OWN, Raw(OWN.replace("v1", "v2").encode(), "oud.wsdl", relation="previous"))
    assert "WUS-WSDL-012" not in found(OWN, Raw(OWN.encode(), "oud.wsdl", relation="previous"))


def test_real_wsdls_give_what_the_corpus_says(shared):
    folder = shared / "corpus" / "wus"
    with (folder / "manifest.csv").open(newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if r["file"].endswith(".wsdl")]
    for row in rows:
        ctx = Context(environment=Environment.PREPROD)
        document = judge_bytes((folder / row["file"]).read_bytes(), row["file"], ctx, "wsdl")
        loud = {g.finding.rule for g in document.findings if str(g.severity) != "info"}
        assert loud == set(row["expect_ids"].split()), row["file"]
