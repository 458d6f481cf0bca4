"""Record what people declare (`ketentest attest`)."""

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import cli

READER_NAMES = ("own", "logius", "dictu")


@cli.command(short_help="Leg bewijs van een mens vast, of de verklaring bij het rapport.")
@click.argument("step", metavar="[STAP]", required=False)
@click.option("--serve", is_flag=True, help="Open een lokale pagina om alle open stappen van uw rol na te lopen.")
@click.option("--declare", is_flag=True, help="Leg vast wie voor het rapport instaat; zonder dat is het een concept.")
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    default=Path("scenarios/preprod"),
    show_default=True,
    help="Map of chain.toml.",
)
@click.option("--by", default="", metavar="NAAM", help="Naam van wie verklaart.")
@click.option("--function", default="", metavar="FUNCTIE", help="Functie.")
@click.option("--statement", default="", metavar="ZIN", help="Wat is vastgesteld, in één zin.")
@click.option("--connection", default="", metavar="NAAM", help="Alleen voor deze verbinding.")
@click.option("--for", "reader", type=click.Choice(READER_NAMES), help="Bij --declare: alleen het rapport voor hen.")
@click.option("--provider", default="", metavar="NAAM", help="Alleen voor deze zorgaanbieder van het cluster.")
@click.option(
    "--item", default="", metavar="NUMMER", help="Nummer in de checklist van Logius of DICTU waar dit over gaat."
)
@click.option(
    "--verdict",
    type=click.Choice(["pass", "warn", "fail", "waiting", "skip"]),
    default="pass",
    show_default=True,
    help="Het resultaat van de stap.",
)
@click.option(
    "--file", "file", default="", metavar="PAD", help="Bewijsbestand; een afbeelding wordt zonder metadata bewaard."
)
@click.option("--date", "when", default="", metavar="DATUM", help="Datum (2026-11-21); anders vandaag.")
@click.option("--expires", default="", metavar="DATUM", help="Datum waarna het bewijs niet meer telt.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), help="Map met runs (voor --serve).")
@click.option(
    "--lang",
    type=click.Choice(["nl", "en"]),
    default=None,
    help="Taal van de pagina (voor --serve) en van wat wordt opgemerkt.",
)
def attest(
    step: str | None, serve: bool, declare: bool, scenario: Path, reader: str | None, runs: Path, lang: str | None,
    **said: Any,
) -> None:  # fmt: skip
    """Leg bewijs van een mens vast bij een stap.

    Met --serve doet u dat op een lokale pagina met alle open stappen; met --declare legt u vast wie voor het rapport
    instaat.
    """
    if serve:
        from harness.testers.serve import serve_testers

        sys.exit(serve_testers(scenario, runs, lang or "", said["by"], said["function"]))
    if declare:
        _without(step=step, **{key: said[key] for key in ("statement", "provider", "item", "file", "expires")})
        _declared(scenario, reader or "", said)
        return
    if reader:
        raise click.UsageError("--for hoort bij --declare")
    _need(STAP=step, **{f"--{name}": said[name] for name in ("by", "function", "statement")})
    _stated(scenario, step or "", lang or "nl", said)


def _stated(scenario: Path, step: str, lang: str, said: dict[str, Any]) -> None:
    from dataclasses import replace

    from harness.attestations import Attestation
    from harness.attesting import attest as record
    from harness.attesting import check_provider, find, take_in
    from harness.chain import load
    from harness.model import Verdict
    from harness.pdfdata import told

    today = _today()
    day = _day(said["when"]) or today
    if day > today:
        raise click.BadParameter(
            f"{day} is later dan vandaag; noem de dag waarop het is vastgesteld", param_hint="--date"
        )
    loaded = load(scenario)
    check_provider(loaded, said["provider"])
    about = {key: said[key] for key in ("by", "function", "statement", "connection", "provider", "item", "file")}
    attestation = Attestation(
        step=step,
        verdict=Verdict(said["verdict"]),
        date=day,
        expires=_day(said["expires"]),
        **about,
    )
    path = loaded.folder / "attestations.toml"
    if attestation.file:
        given = find(path, attestation.file)
        attestation = replace(attestation, file=take_in(path, step, given))
    sealed = record(path, attestation, tuple(loaded.scenario.connections))
    seal = f" (sha256 {sealed.sha256[:12]}…)" if sealed.sha256 else ""
    click.echo(f"{path}: {sealed.step} {said['verdict']}{seal}")
    if sealed.file and (noted := told(Path(said["file"]).name, given.read_bytes())):
        click.echo(f"{'note' if lang == 'en' else 'let op'}: {noted.of(lang)}", err=True)


def _declared(scenario: Path, reader: str, said: dict[str, Any]) -> None:
    from harness.attestations import Declaration
    from harness.attesting import declare
    from harness.chain import load

    _need(**{f"--{name}": said[name] for name in ("by", "function")})
    loaded = load(scenario)
    path = loaded.folder / "attestations.toml"
    who = Declaration(said["by"], said["function"], _day(said["when"]) or _today(), said["connection"], reader)
    click.echo(f"{path}:{declare(path, who, _today(), tuple(loaded.scenario.connections))}", nl=False)


def _need(**given: str | None) -> None:
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise click.UsageError(
            f"geef ook {', '.join(missing)}, of gebruik --serve voor een pagina met alle open stappen"
        )


def _without(**given: str | None) -> None:
    spare = [f"--{name}" if name != "step" else str(value) for name, value in given.items() if value]
    if spare:
        raise click.UsageError(
            f"{', '.join(spare)} hoort niet bij --declare; een verklaring gaat over het hele rapport"
        )


def _today() -> Any:
    from harness.run import utc_now
    from harness.workdays import day_of

    return day_of(utc_now())


def _day(text: str) -> Any:
    from datetime import date

    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is geen datum; schrijf 2026-11-21") from None
