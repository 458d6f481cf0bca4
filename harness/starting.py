"""Write a first scenario: five questions, four files, and what to request from Logius or DICTU."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import Environment as Jinja
from jinja2 import StrictUndefined
from pydantic import TypeAdapter, ValidationError

from harness.errors import UnusableInput
from harness.lint.pki.policy import policy
from harness.model import Text
from harness.scenario import Oin, Scenario

REQUESTS: Final = {
    "lopende-zaken": (
        Text("Logius: een OIN (of voor een leverancier een HRN), en aansluiting op Digikoppeling", "Logius: an OIN (for a supplier an HRN), and a connection to Digikoppeling"),
        Text("Logius: een testaansluiting Lopende Zaken, met de XSD's, de WSDL van de Profielservice, de test-BSN's en de Checklist testen Lopende zaken", "Logius: a test connection for Lopende Zaken, with the XSDs, the WSDL of the Profielservice, the test BSNs and the Checklist testen Lopende zaken"),
        Text("TSP: PKIoverheid-certificaten met het OIN in het subject serialNumber en alle hostnamen; die zijn daarna niet te wijzigen", "TSP: PKIoverheid certificates with the OIN in the subject serialNumber and every host name; these cannot be changed afterwards"),
        Text("CPA Creatievoorziening: een CPA, op basis van `ketentest generate consumer-spec`", "CPA Creatievoorziening: a CPA, from `ketentest generate consumer-spec`"),
    ),
    "digikoppeling": (
        Text("Logius: toegang tot de compliancevoorziening en de testcertificaten daarvoor", "Logius: access to the compliance facility and the test certificates for it"),
    ),
    "digipoort": (
        Text("Logius: een aansluiting op Digipoort preproductie, met de WSDL's en het aanleverkenmerk van de teststub", "Logius: a connection to Digipoort pre-production, with the WSDLs and the reference for the test stub"),
        Text("TSP: een PKIoverheid-servercertificaat; voor accountantsverklaringen ook een beroepscertificaat", "TSP: a PKIoverheid server certificate; for auditor's statements also a certificate of the profession"),
    ),
    "digimelding": (
        Text("Logius: aansluiting op Digimelding voor de gekozen basisregistraties, met de WSDL", "Logius: a connection to Digimelding for the chosen base registries, with the WSDL"),
    ),
    "tvs-cluster": (
        Text("DICTU: het aansluitbestand voor leveranciers met een cluster en een ServiceUUID per zorgaanbieder", "DICTU: the connection file for suppliers with a cluster and a ServiceUUID per care provider"),
        Text("Zorgaanbieders: een akkoordverklaring en een certificaat voor de versleuteling van het BSN (UZI of PKIoverheid)", "Care providers: a consent statement and a certificate for BSN encryption (UZI or PKIoverheid)"),
    ),
    "tvs-direct": (
        Text("DICTU: het aansluitbestand en een ServiceUUID", "DICTU: the connection file and a ServiceUUID"),
        Text("TSP: certificaten voor TLS, ondertekening en versleuteling van het BSN, elk alleen voor TVS", "TSP: certificates for TLS, signing and BSN encryption, each for TVS only"),
    ),
}  # fmt: skip

PYTEST: Final = """[pytest]
addopts = -p harness.pytest_plugin -p no:randomly
"""

ATTESTATIONS: Final = """# What people declare: `ketentest attest STEP` appends to this file; see `ketentest explain STEP` for what is asked.
# Who answers for the report: `ketentest attest --declare`. Deviations that were agreed: [[waiver]].
"""


@dataclass(frozen=True)
class Answers:
    """The answers to the five questions."""

    systems: tuple[str, ...]
    name: str = "Gemeente Voorbeeldstad"
    oin: str = "00000099000000001000"
    kind: str = "overheid"
    network: str = "internet"


FILES: Final = ("anchors/README.md", "chain.toml", "attestations.toml", "pytest.ini", "chain.schema.json")


def check_oin(text: str) -> str:
    """Return the OIN or HRN; raises UnusableInput with what is wrong with it."""
    try:
        return TypeAdapter(Oin).validate_python(text)
    except ValidationError as wrong:
        said = wrong.errors()[0].get("ctx", {})
        raise UnusableInput(f"{text}: {said.get('nl', '')}", f"{text}: {said.get('en', '')}") from None


def chosen(systems: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return the systems by their full name: `tvs` is a cluster for a supplier, and direct for anybody else."""
    tvs = "tvs-cluster" if kind == "leverancier" else "tvs-direct"
    return tuple(dict.fromkeys(tvs if system == "tvs" else system for system in systems))


def assumed(answers: Answers, asked: Collection[str]) -> Text | None:
    """Say which answers are an example, because nobody was asked."""
    taken = [f"{key} = {getattr(answers, key)}" for key in ("name", "oin", "kind", "network") if key not in asked]
    listed = ", ".join(taken)
    if not taken:
        return None
    return Text(
        f"Niet gevraagd, dus als voorbeeld ingevuld: {listed}. Verbeter dit in chain.toml.",
        f"Not asked, so filled in as an example: {listed}. Correct this in chain.toml.",
    )


def check_free(folder: Path) -> None:
    """Raise UnusableInput when a file that `init` writes is there already."""
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise UnusableInput(
            f"{folder}: hier staat al {', '.join(there)}; kies een andere map, er is niets overschreven",
            f"{folder}: {', '.join(there)} exists already; choose another folder, nothing was overwritten",
        )


def write(folder: Path, answers: Answers) -> list[Path]:
    """Write the files of a new scenario into `folder`; raises UnusableInput when one is there already."""
    jinja = Jinja(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - TOML, not HTML
    jinja.filters["toml"] = json.dumps
    template = files("harness").joinpath("templates/chain.toml.j2").read_text(encoding="utf-8")
    roots = [a for a in policy().by_digest.values() if a.level == 1]
    anchors = files("harness").joinpath("templates/anchors.md.j2").read_text(encoding="utf-8")
    contents = {
        "anchors/README.md": jinja.from_string(anchors).render(roots=roots, generations=policy().generations),
        "chain.toml": jinja.from_string(template).render(**answers.__dict__, apart=_apart(answers.systems)),
        "attestations.toml": ATTESTATIONS,
        "pytest.ini": PYTEST,
        "chain.schema.json": json.dumps(Scenario.model_json_schema(by_alias=True), indent=1) + "\n",
    }
    check_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "anchors").mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in contents]


def _apart(systems: Sequence[str]) -> str:
    """Return how the certificates for TVS begin, where a scenario has certificates for something else too."""
    of_tvs = [system.startswith("tvs") for system in systems]
    return "tvs-" if any(of_tvs) and not all(of_tvs) else ""


def requests(systems: Sequence[str], lang: str) -> list[str]:
    """Return what to request, from whom, for the chosen systems."""
    return [f"{system}: {line.of(lang)}" for system in systems for line in REQUESTS[system]]
