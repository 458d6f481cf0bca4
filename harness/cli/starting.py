"""Ways in: a first scenario, and what every id means (`ketentest init`, `ketentest explain`)."""

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import cli, lang_option


@cli.command()
@click.argument("ident", required=False, metavar="[ID]")
@click.option("--list", "everything", is_flag=True, help="De hele catalogus.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Regels om te lezen, of JSON.",
)
@lang_option
def explain(ident: str | None, everything: bool, form: str, lang: str) -> None:
    """Leg een regel, een stap of een probe uit."""
    from harness.explaining import explain as say_it
    from harness.explaining import listing

    if everything:
        click.echo(listing(form, lang), nl=False)
    elif ident is None:
        raise click.UsageError("geef een regel, stap of probe (CPA-012, LZ-4.3.9a, ebms.ping), of --list voor alle")
    else:
        click.echo(say_it(ident, form, lang), nl=False)


SYSTEM_NAMES = ("lopende-zaken", "digikoppeling", "digipoort", "digimelding", "tvs-cluster", "tvs-direct")
TVS = "tvs"


PARTY_KINDS = ("overheid", "rijksorganisatie", "leverancier", "zorgaanbieder", "bedrijf")


@cli.command(short_help="Maak een scenario: vijf vragen, en wat u moet aanvragen.")
@click.argument("folder", metavar="[MAP]", type=click.Path(path_type=Path), default=Path("ketentest"))
@click.option(
    "--system",
    "systems",
    multiple=True,
    type=click.Choice((*SYSTEM_NAMES, TVS)),
    help="Waarop u aansluit; mag vaker. tvs: een leverancier met een cluster, ieder ander direct.",
)
@click.option("--name", help="Naam van de organisatie.")
@click.option("--oin", help="OIN of HRN, 20 tekens.")
@click.option("--kind", type=click.Choice(PARTY_KINDS), help="Soort organisatie.")
@click.option("--network", type=click.Choice(["internet", "diginetwerk"]), help="Netwerk.")
@lang_option
def init(folder: Path, systems: tuple[str, ...], lang: str, **given: str | None) -> None:
    """Maak een scenario: vijf vragen, en wat u bij Logius of DICTU aanvraagt."""
    from harness import starting

    english = lang == "en"
    asked = {key: value for key, value in given.items() if value}
    starting.check_free(folder)
    if "oin" in asked:
        starting.check_oin(asked["oin"])
    if sys.stdin.isatty():
        systems = systems or tuple(_ask_systems(english=english))
        for key, dutch, said, choice in _QUESTIONS:
            if key not in asked:
                asked[key] = click.prompt(
                    said if english else dutch, type=click.Choice(choice) if choice else _typed(key)
                )
    answers = starting.Answers(systems=starting.chosen(systems or SYSTEM_NAMES, asked.get("kind", "")), **asked)
    for path in starting.write(folder, answers):
        click.echo(f"written: {path}" if english else f"geschreven: {path}")
    click.echo("\nTo request:" if english else "\nAan te vragen:")
    for line in starting.requests(answers.systems, lang):
        click.echo(f"  {line}")
    assumed = starting.assumed(answers, asked)
    if assumed:
        click.echo(f"\n{assumed.of(lang)}")
    click.echo(f"\nketentest plan {folder}\nketentest run {folder}")


_QUESTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("name", "Naam van de organisatie", "Name of the organisation", ()),
    (
        "oin",
        "OIN of HRN (20 tekens; voor het lab 00000099000000001000)",
        "OIN or HRN (20 characters; for the lab 00000099000000001000)",
        (),
    ),
    ("kind", "Soort organisatie", "Kind of organisation", PARTY_KINDS),
    ("network", "Netwerk", "Network", ("internet", "diginetwerk")),
)


def _typed(key: str) -> Any:
    """Return how an answer is taken: an OIN that cannot be one is asked again."""
    from harness import starting
    from harness.errors import UnusableInput

    def oin(text: str) -> str:
        try:
            return starting.check_oin(text.strip())
        except UnusableInput as wrong:
            raise click.UsageError(wrong.text.nl) from None

    return oin if key == "oin" else str


def _ask_systems(*, english: bool) -> list[str]:
    question = "Do you connect to {}?" if english else "Sluit u aan op {}?"
    while True:
        if found := [s for s in SYSTEM_NAMES if click.confirm(question.format(s), default=False)]:
            return found
        click.echo("Choose at least one." if english else "Kies er ten minste een.")
