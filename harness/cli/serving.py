"""Play the counterparties for somebody's own software (`ketentest lab`)."""

import sys
from pathlib import Path

import click

from harness.cli.group import cli


@cli.command()
@click.argument("kind", metavar="[msh|wus|tvs|certs]", type=click.Choice(["msh", "wus", "tvs", "certs"]), default="msh")
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    default=Path("scenarios/preprod"),
    show_default=True,
    help="Map of chain.toml.",
)
@click.option("--connection", default="", help="Welke verbinding; anders de eerste die past.")
@click.option("--listen", default="127.0.0.1:0", show_default=True, help="ADRES:POORT; poort 0 kiest er een.")
@click.option("--fault", "faults", multiple=True, help="Een fout die de ketenpartner speelt; mag vaker.")
@click.option(
    "--own-endpoint",
    default="",
    help="msh: waar uw adapter luistert, zoals het in het CPA komt (https://localhost:9443/ebms).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("lab"),
    show_default=True,
    help="Map voor CPA, metadata en certificaten.",
)
@click.option("--try", "login", default="", help="tvs: de inlogpagina van uw toepassing; speelt alle antwoorden af.")
@click.option("--protected", default="", help="tvs: de pagina die alleen na inloggen open is.")
@click.option("--marker", default="", help="tvs: tekst die alleen op die pagina staat.")
@click.option("--log", type=click.Path(path_type=Path), help="tvs: logbestand waarin geen BSN mag staan.")
@click.option("--cases", type=click.Path(path_type=Path), help="tvs: TOML met eigen gevallen.")
@click.option("--logout", default="", help="tvs: het adres waar een gebruiker uitlogt.")
@click.option("--refresh", default="", help="tvs: een adres dat uw toepassing de metadata van de RD laat verversen.")
@click.option("--browser", is_flag=True, help="tvs: log in met een echte browser (Chromium) in plaats van kaal HTTP.")
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=40.0,
    show_default=True,
    help="tvs: seconden waarin uw toepassing een pagina toont als het achterkanaal zwijgt.",
)
@click.option("--interactive", is_flag=True, help="tvs: een pagina waarop een tester persoon, niveau en afloop kiest.")
def lab(
    kind: str, scenario: Path, connection: str, listen: str, faults: tuple[str, ...], own_endpoint: str, out: Path,
    login: str, protected: str, marker: str, log: Path | None, cases: Path | None,
    logout: str, refresh: str, browser: bool, patience: float, interactive: bool,
) -> None:  # fmt: skip
    """Speel de ketenpartner voor uw eigen software."""
    if kind == "certs":
        from harness.lab.ca import main as certificates

        certificates()
        return
    from harness.serving import Trial, serve_lab

    if login and not (protected and marker and kind == "tvs"):
        raise click.UsageError("--try hoort bij `lab tvs` en vraagt ook --protected en --marker")
    trial = Trial(login, protected, marker, log, cases, logout, refresh, browser, patience) if login else None
    sys.exit(serve_lab(kind, scenario, connection, listen, faults, out, trial, own_endpoint, interactive=interactive))
