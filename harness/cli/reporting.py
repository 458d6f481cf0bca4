"""What becomes of runs: report, clean and verify."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness.cli.group import cli, lang_option

REPORT_FORMATS = ("html", "md", "json", "junit", "ics", "pdf")


def _words(known: tuple[str, ...], option: str) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    def parse(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(w.strip() for w in value.split(",") if w.strip()))
        if wrong := [w for w in words if w not in known] or ([value] if not words else []):
            raise click.BadParameter(f"{wrong[0]!r} is onbekend; kies uit {', '.join(known)}", param_hint=option)
        return words

    return parse


@cli.command()
@click.argument("runs_given", metavar="[RUN…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Map met runs.")
@click.option(
    "--for",
    "reader",
    type=click.Choice(["own", "logius", "dictu"]),
    default="own",
    show_default=True,
    help="Voor wie: u zelf, of wie het rapport beoordeelt.",
)
@click.option("--connection", "connections", multiple=True, metavar="NAAM", help="Alleen deze aansluitingen.")
@click.option("--phase", default="", metavar="FASE", help="Alleen deze fase van de procedure, bijvoorbeeld 2.")
@click.option(
    "--detail",
    type=click.Choice(["technisch", "volledig"]),
    default="volledig",
    show_default=True,
    help="technisch: zonder namen van personen en zonder interne adressen.",
)
@click.option(
    "--format",
    "formats",
    default=",".join(REPORT_FORMATS[:-1]),
    show_default=True,
    metavar="VORM,…",
    help=f"Welke bestanden: {', '.join(REPORT_FORMATS)}.",
    callback=_words(REPORT_FORMATS, "--format"),
)
@click.option(
    "--lang",
    "languages",
    default="nl,en",
    show_default=True,
    metavar="TAAL,…",
    help="In welke talen: nl, en.",
    callback=_words(("nl", "en"), "--lang"),
)
@click.option(
    "--against", default="", metavar="RUN|last", help="Vergelijk met een eerdere run; exit 1 bij een nieuwe fout."
)
@click.option(
    "--checklist",
    type=click.Path(path_type=Path),
    help="Checklist van Logius of DICTU (CSV, XLSX of TOML): ook in die nummering, met export.",
)
@click.option(
    "--sign",
    metavar="CERT",
    default="",
    help="Onderteken de PDF (en de bundel) met dit certificaat: PEM, PKCS#12 of pkcs11:-URI.",
)
@click.option("--sign-key", default="", metavar="REF", help="De sleutel bij een PEM-certificaat: env:NAAM of file:PAD.")
@click.option("--sign-password", default="", metavar="REF", help="Wachtwoord of pincode: env:NAAM of file:PAD.")
@click.option("--timestamp", default="", metavar="URL", help="Tijdstempeldienst (RFC 3161).")
@click.option("--bundle", is_flag=True, help="Maak ook een zip voor het archief: rapport, run, bewijs, manifest.")
def report(
    runs_given: tuple[Path, ...], runs: Path, sign: str, sign_key: str, sign_password: str, timestamp: str, bundle: bool,
    **wish: Any,
) -> None:  # fmt: skip
    """Schrijf het rapport van een run; zonder RUN van de nieuwste."""
    from harness.handing.handing import check_bundle, hand_in, seal_of, told
    from harness.report.write import Wish, write
    from harness.run import utc_now

    now = utc_now()
    seal = seal_of(sign, sign_key, sign_password, timestamp, now)
    if bundle:
        check_bundle(wish["detail"])
    if seal:
        wish["formats"] = tuple(dict.fromkeys((*wish["formats"], "pdf")))
    written = write(runs_given, Wish(seal=seal, **wish), root=runs, now=now)
    for file in (*written.files, *(hand_in(written, seal) if bundle else ())):
        click.echo(file)
    click.echo(told(seal, wish["languages"][0], bundle=bundle), nl=False)
    for line in written.told:
        click.echo(line, err=True)
    sys.exit(1 if written.new_failures else 0)


@cli.command()
@click.option("--older", required=True, metavar="90d", help="Ouder dan: een getal met d, w, m of y.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Map met runs.")
@click.option("--dry-run", "dry", is_flag=True, help="Toon alleen wat weg zou gaan.")
@lang_option
def clean(older: str, runs: Path, dry: bool, lang: str) -> None:
    """Verwijder runs die lang genoeg zijn bewaard, en niets anders."""
    from harness.retention import clean as remove
    from harness.run import utc_now

    for line in remove(runs, older, utc_now(), lang, dry=dry):
        click.echo(line)


@cli.command()
@click.argument("file", metavar="BESTAND", type=click.Path(path_type=Path))
@click.option(
    "--trust", multiple=True, type=click.Path(path_type=Path), help="Stamcertificaat (PEM) dat u vertrouwt; mag vaker."
)
@lang_option
def verify(file: Path, trust: tuple[Path, ...], lang: str) -> None:
    """Ga na of er in een PDF of bundel iets is gewijzigd, en noem het eerste."""
    from harness.check import read
    from harness.handing.verify import sentence
    from harness.handing.verify import verify as look

    outcome = look(file, tuple(read(path) for path in trust))
    click.echo(sentence(file, outcome, lang), nl=False)
    sys.exit(1 if outcome.change else 0)
