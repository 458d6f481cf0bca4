"""Record what people declare (`ketentest attest`)."""

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import cli


@cli.command()
@click.argument("step", required=False)
@click.option("--serve", is_flag=True, help="Open een lokale pagina om alle open stappen van uw rol na te lopen.")
@click.option("--scenario", type=click.Path(path_type=Path), default=Path("scenarios/preprod"), show_default=True)
@click.option("--by", default="", help="Naam van wie verklaart.")
@click.option("--function", default="", help="Functie.")
@click.option("--statement", default="", help="Wat is vastgesteld, in één zin.")
@click.option("--connection", default="", help="Alleen voor deze verbinding.")
@click.option("--provider", default="", help="Alleen voor deze zorgaanbieder van het cluster.")
@click.option("--item", default="", help="Nummer in de checklist van Logius of DICTU waar dit over gaat.")
@click.option(
    "--verdict", type=click.Choice(["pass", "warn", "fail", "waiting", "skip"]), default="pass", show_default=True
)
@click.option("--file", "file", default="", help="Bewijsbestand; een afbeelding wordt zonder metadata bewaard.")
@click.option("--date", "when", default="", help="Datum (2026-11-21); anders vandaag.")
@click.option("--expires", default="", help="Datum waarna het bewijs niet meer telt.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), help="Map met runs (voor --serve).")
@click.option("--lang", type=click.Choice(["nl", "en"]), default=None, help="Taal van de pagina (voor --serve).")
def attest(
    step: str | None, serve: bool, scenario: Path, when: str, expires: str, verdict: str, runs: Path, lang: str | None,
    **said: Any,
) -> None:  # fmt: skip
    """Leg bewijs van een mens vast bij een stap, of open met --serve een pagina voor alle open stappen."""
    if serve:
        from harness.testers.serve import serve_testers

        sys.exit(serve_testers(scenario, runs, lang or "", said["by"], said["function"]))
    missing = [name for name, value in {"STEP": step, **_spoken(said)}.items() if not value]
    if missing or step is None:
        raise click.UsageError(
            f"geef ook {', '.join(missing)}, of gebruik --serve voor een pagina met alle open stappen"
        )
    from dataclasses import replace

    from harness.attestations import Attestation
    from harness.attesting import attest as record
    from harness.attesting import check_provider, find, take_in
    from harness.chain import load
    from harness.model import Verdict
    from harness.run import utc_now
    from harness.workdays import day_of

    loaded = load(scenario)
    check_provider(loaded, said["provider"])
    attestation = Attestation(
        step=step,
        verdict=Verdict(verdict),
        date=_day(when) or day_of(utc_now()),
        expires=_day(expires),
        **said,
    )
    path = loaded.folder / "attestations.toml"
    if attestation.file:
        attestation = replace(attestation, file=take_in(path, step, find(path, attestation.file)))
    sealed = record(path, attestation, tuple(loaded.scenario.connections))
    seal = f" (sha256 {sealed.sha256[:12]}…)" if sealed.sha256 else ""
    click.echo(f"{path}: {sealed.step} {verdict}{seal}")


def _spoken(said: dict[str, str]) -> dict[str, str]:
    return {f"--{name}": said[name] for name in ("by", "function", "statement")}


def _day(text: str) -> Any:
    from datetime import date

    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is geen datum; schrijf 2026-11-21") from None
