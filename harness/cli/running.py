"""Run a scenario, and say what is next (`ketentest run`, `ketentest plan`)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.cli.group import SCENARIO_ARGUMENT, cli, lang_option


def session_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run."""
    options = (
        click.option(
            "--runs",
            type=click.Path(path_type=Path),
            default=Path("runs"),
            show_default=True,
            help="Map voor runbestanden.",
        ),
        click.option("--offline", is_flag=True, help="Alleen bestanden; er wordt niets verstuurd."),
        click.option("--only", multiple=True, metavar="GLOB", help="Alleen deze verbindingen, rijen of probes."),
        click.option("--skip", multiple=True, metavar="GLOB", help="Zonder deze verbindingen, rijen of probes."),
        click.option(
            "--failed-of", type=click.Path(path_type=Path), help="Alleen wat in die run faalde of geblokkeerd was."
        ),
        click.option("--lab-fault", multiple=True, metavar="CONN:FAULT", help="Laat het lab een fout spelen."),
        click.option("--allow-write", is_flag=True, help="Tweede toestemming voor berichten die iets wijzigen."),
        click.option("--allow-production", is_flag=True, help="Tweede toestemming voor productie (nooit een bericht)."),
        click.option("--shard", metavar="I/N", help="Alleen deel I van N van de verbindingen."),
        click.option(
            "--deadline",
            type=float,
            default=0.0,
            metavar="SECONDEN",
            help="Stop na deze tijd; het runbestand blijft leesbaar.",
        ),
        click.option("--strict", is_flag=True, help="Alles wat openstaat is een fout (exit 4)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _options(**given: Any) -> Any:
    from harness.choice import Options

    return Options(
        runs=given["runs"],
        offline=given["offline"],
        allow_write=given["allow_write"],
        allow_production=given["allow_production"],
        strict=given["strict"],
        faults=given["lab_fault"],
        only=given["only"],
        skip=given["skip"],
        shard=_shard(given["shard"]),
        deadline=given["deadline"],
        failed_of=given["failed_of"],
    )


def _shard(text: str | None) -> tuple[int, int]:
    if not text:
        return 1, 1
    index, slash, count = text.partition("/")
    if not (slash and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise click.BadParameter(f"{text!r}: verwacht I/N met 1 ≤ I ≤ N, bijvoorbeeld 2/8", param_hint="--shard")
    return int(index), int(count)


@cli.command()
@SCENARIO_ARGUMENT
@session_options
@click.option("--dry-run", is_flag=True, help="Toon wat er zou gebeuren; er wordt niets verstuurd.")
def run(scenario: Path, dry_run: bool, **given: Any) -> None:
    """Voer een scenario uit en bewaar de run."""
    from harness.running import dry, run_scenario

    options = _options(**given)
    sys.exit(dry(scenario, options) if dry_run else run_scenario(scenario, options))


@cli.command()
@SCENARIO_ARGUMENT
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Map met runbestanden."
)
@click.option("--ics", type=click.Path(path_type=Path), help="Schrijf de einddatums en termijnen als agenda (.ics).")
@click.option("--batches", is_flag=True, help="TVS-cluster: welke dienstverlener mist wat, en de batches.")
@lang_option
def plan(scenario: Path, runs: Path, ics: Path | None, batches: bool, lang: str) -> None:
    """Toon wat er nu te doen is, voor wie, en wat het tegenhoudt."""
    from harness.planning import show_all_batches, show_calendar, show_plan

    if batches:
        click.echo(show_all_batches(scenario, lang), nl=False)
        return
    if ics is None:
        click.echo(show_plan(scenario, runs, lang), nl=False)
        return
    calendar, days = show_calendar(scenario, runs, lang)
    ics.parent.mkdir(parents=True, exist_ok=True)
    ics.write_bytes(calendar)
    click.echo("\n".join([*days, str(ics)]))
