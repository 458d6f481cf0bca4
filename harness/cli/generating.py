"""Make documents from the scenario (`ketentest generate`)."""

from pathlib import Path
from typing import Any

import click

from harness.cli.group import ROLE_NAMES, cli

KINDS = (
    "consumer-spec", "provider-spec", "ping-mmd", "cpa", "csr", "saml-metadata", "aansluitbestand", "network-overview",
    "testset", "design",
)  # fmt: skip


@cli.command(short_help="Maak een document of een testset uit het scenario.")
@click.argument("kind", metavar="SOORT", type=click.Choice(KINDS))
@click.argument("connection", metavar="VERBINDING")
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    default=Path("scenarios/preprod"),
    show_default=True,
    help="Map of chain.toml.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Bestand (een map voor testset en design); anders naar de uitvoer."
)
@click.option(
    "--design", type=click.Path(path_type=Path), help="Map met functionele scenario’s en sjablonen (testset)."
)
@click.option("--template", type=click.Path(path_type=Path), help="Sjabloon van DICTU, XLSX of CSV (aansluitbestand).")
@click.option("--profile", default="osb-rm", show_default=True, help="Digikoppeling-profiel van CPA of berichten.")
@click.option("--provider", type=click.Path(path_type=Path), help="Specificatie van de aanbieder (CPA).")
@click.option(
    "--consumer", type=click.Path(path_type=Path), help="Consumerspecificatie (CPA); anders uit het scenario."
)
@click.option("--signing", type=click.Path(path_type=Path), help="Ondertekeningscertificaat van de aanbieder (CPA).")
@click.option("--encryption", type=click.Path(path_type=Path), help="Versleutelingscertificaat van de aanbieder (CPA).")
@click.option("--service", default="", help="Service van de aanbieder (provider-spec): organisatie:service:versie.")
@click.option(
    "--peer", is_flag=True, help="De aanbieder is de ketenpartner uit het CPA (provider-spec, om te oefenen)."
)
@click.option("--message", "messages", multiple=True, help="NAAM:VAN>NAAR, bijvoorbeeld afleveren:SR>SP; mag vaker.")
@click.option("--host", "hosts", multiple=True, help="Hostnaam in de CSR; mag vaker. Later niet te wijzigen.")
@click.option(
    "--bits", type=click.Choice(["3072", "4096"]), default="3072", show_default=True, help="Sleutellengte van de CSR."
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Map (network-overview)."
)
@click.option("--role", type=click.Choice(ROLE_NAMES[:5]), default="tls-server", show_default=True, help="Rol (CSR).")
@click.option("--generation", type=click.Choice(["g1", "g4"]), default=None, help="Hiërarchie (CSR); anders beide.")
def generate(
    kind: str, connection: str, scenario: Path, out: Path | None, design: Path | None, bits: str, **given: Any
) -> None:
    """Maak een document, of een testset voor de ketentest, uit het scenario en beoordeel het meteen.

    SOORT is consumer-spec, provider-spec, ping-mmd, cpa, csr, saml-metadata, aansluitbestand, network-overview,
    testset of design; VERBINDING is de naam van een verbinding in het scenario.
    """
    if kind in ("testset", "design"):
        from harness.chaintest.making import copy_design, make_testset

        made = (
            make_testset(scenario, connection, out, design)
            if kind == "testset"
            else copy_design(scenario, connection, out)
        )
        click.echo(made, nl=False)
        return
    if kind == "network-overview":
        from harness.generating import network_overview

        markdown, table = network_overview(scenario, connection, given["runs"])
        if out is not None:
            _write(out.with_suffix(".csv"), table.encode("utf-8-sig"), "")
            _write(out, markdown.encode(), "")
        else:
            click.echo(markdown, nl=False)
        return
    del given["runs"]
    template = given.pop("template")
    if kind == "aansluitbestand":
        from harness.generating import aansluitbestand

        if out is None:
            raise click.UsageError("een aansluitbestand is een spreadsheet: geef --out FILE")
        document, judged = aansluitbestand(scenario, connection, template, str(out))
        _write(out, document, judged)
        return
    from harness.generating import Request
    from harness.generating import generate as make

    given["generation"] = given["generation"] or ""
    document, judged = make(scenario, Request(kind, connection, out, bits=int(bits), **given))
    if out is None:
        click.echo(document.decode("utf-8", "replace"), nl=False)
    else:
        _write(out, document, judged)
        return
    click.echo(judged, nl=False, err=True)


def _write(out: Path, document: bytes, judged: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(document)
    click.echo(f"{out}")
    click.echo(judged, nl=False, err=True)
