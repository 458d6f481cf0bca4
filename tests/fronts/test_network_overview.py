"""The network overview of LZ 4.4.2: from a run what was seen, before it what the scenario has, and what people fill in."""

import csv
import io

from harness.network import Flow, as_csv

PRODUCTION = """
[connections.lopende-zaken]
system = "lopende-zaken"
network = "diginetwerk"
[connections.lopende-zaken.ebms]
endpoint = "https://ebms.productie.test/msh"
own_endpoint = "https://eigen.productie.test:8443/msh"
"""


def table(terminal):
    return list(csv.DictReader(io.StringIO((terminal.folder / "net.csv").read_text("utf-8-sig")), delimiter=";"))


def test_before_a_run_the_overview_has_the_flows_of_the_scenario(terminal):
    done = terminal.ketentest("generate", "network-overview", "lopende-zaken", "--out", "net.md")
    assert done.returncode == 0, done.stderr
    rows = table(terminal)
    assert {(r["Stroom"], r["Richting"]) for r in rows} >= {
        ("ebms", "uitgaand"),
        ("ebms", "inkomend"),
        ("wus", "uitgaand"),
        ("CRL/OCSP", "uitgaand"),
    }
    assert {r["Herkomst"] for r in rows} - {"scenario productie"} == {"scenario", "certificaat"}
    assert "Beheerorganisatie" in (terminal.folder / "net.md").read_text()


def test_after_a_run_it_has_the_addresses_and_versions_that_were_seen(small):
    small.ketentest("run")
    done = small.ketentest("generate", "network-overview", "digipoort", "--out", "net.md")
    assert done.returncode == 0, done.stderr
    [out] = [r for r in table(small) if r["Stroom"] == "wus" and r["Herkomst"] != "scenario productie"]
    assert out["Adres"] == "127.0.0.1"
    assert out["TLS"] == "TLS 1.2, 1.3"
    assert out["Herkomst"].startswith("run ")


def test_the_path_of_production_is_drawn_beside_it(terminal):
    (terminal.folder / "scenarios/productie").mkdir(exist_ok=True)
    (terminal.folder / "scenarios/productie/chain.toml").write_text(PRODUCTION)
    terminal.ketentest("generate", "network-overview", "lopende-zaken", "--out", "net.md")
    production = [r for r in table(terminal) if r["Herkomst"] == "scenario productie"]
    assert [(r["Naar (host)"], r["Poort"], r["Netwerk"]) for r in production] == [
        ("ebms.productie.test", "443", "diginetwerk"),
        ("eigen.productie.test", "8443", "diginetwerk"),
    ]


def test_no_cell_is_a_formula():
    text = as_csv([Flow("ebms", "out", source="=cmd()", host="@x", address="-1")], "nl")
    cells = next(csv.reader(text.splitlines()[1:], delimiter=";"))
    assert not [c for c in cells if c[:1] in "=@" or (c.startswith("-") and c != "-")]
