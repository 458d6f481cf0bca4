"""Ways in: a first scenario, and what every id means (`ketentest init`, `ketentest explain`)."""

import sys
from pathlib import Path

import click

from harness.cli.group import cli, lang_option


@cli.command()
@click.argument("ident", required=False)
@click.option("--list", "everything", is_flag=True, help="De hele catalogus.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@lang_option
def explain(ident: str | None, everything: bool, form: str, lang: str) -> None:
    """Leg een regel, een stap of een probe uit."""
    from harness.explaining import explain as say_it
    from harness.explaining import listing

    if everything or ident is None:
        click.echo(listing(form, lang), nl=False)
    else:
        click.echo(say_it(ident, form, lang), nl=False)


SYSTEM_NAMES = ("lopende-zaken", "digikoppeling", "digipoort", "digimelding", "tvs-cluster", "tvs-direct")


PARTY_KINDS = ("overheid", "rijksorganisatie", "leverancier", "zorgaanbieder", "bedrijf")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("ketentest"))
@click.option(
    "--system", "systems", multiple=True, type=click.Choice(SYSTEM_NAMES), help="Waarop u aansluit; mag vaker."
)
@click.option("--name", help="Naam van de organisatie.")
@click.option("--oin", help="OIN of HRN, 20 tekens.")
@click.option("--kind", type=click.Choice(PARTY_KINDS), help="Soort organisatie.")
@click.option("--network", type=click.Choice(["internet", "diginetwerk"]), help="Netwerk.")
@lang_option
def init(folder: Path, systems: tuple[str, ...], lang: str, **given: str | None) -> None:
    """Maak een scenario: vijf vragen, en wat u bij Logius of DICTU aanvraagt."""
    from harness import starting

    asked = {key: value for key, value in given.items() if value}
    if sys.stdin.isatty():
        systems = systems or tuple(_ask_systems())
        for key, question, choice in _QUESTIONS:
            asked.setdefault(key, click.prompt(question, type=click.Choice(choice) if choice else str))
    answers = starting.Answers(systems=systems or SYSTEM_NAMES, **asked)
    for path in starting.write(folder, answers):
        click.echo(f"geschreven: {path}" if lang == "nl" else f"written: {path}")
    click.echo("\nAan te vragen:" if lang == "nl" else "\nTo request:")
    for line in starting.requests(answers.systems, lang):
        click.echo(f"  {line}")
    click.echo(f"\nketentest run {folder}")


_QUESTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("name", "Naam van de organisatie", ()),
    ("oin", "OIN of HRN (20 tekens; voor het lab 00000099000000001000)", ()),
    ("kind", "Soort organisatie", PARTY_KINDS),
    ("network", "Netwerk", ("internet", "diginetwerk")),
)


def _ask_systems() -> list[str]:
    return [s for s in SYSTEM_NAMES if click.confirm(f"Sluit u aan op {s}?", default=False)]
