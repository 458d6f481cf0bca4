"""Judge documents offline (`ketentest check`)."""

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import ROLE_NAMES, cli, lang_option

KIND_NAMES = (
    "certificate", "certificate-chain", "csr", "crl", "consumer-spec", "provider-spec", "ping-mmd", "cpa",
    "ebms-message", "soap-message", "wsdl", "saml-metadata", "saml-message",
    "aansluitbestand",
)  # fmt: skip


ENVIRONMENTS = ("lab", "compliance", "preprod", "prod")


@cli.command()
@click.option("--as", "kind", type=click.Choice(KIND_NAMES), help="Soort document; anders herkend aan de inhoud.")
@click.option(
    "--role", type=click.Choice(ROLE_NAMES), default=None, help="Rol van het certificaat, de partij of het bericht."
)
@click.option("--profile", default="", help="2W-be, 2W-be-S, 2W-be-SE; digikoppeling, ebms2, lopende-zaken.")
@click.option("--service", default="", help="Naam van een dienst uit harness/services.")
@click.option(
    "--spec", type=click.Choice(["4.4", "st-1.0"]), default="4.4", show_default=True, help="Specificatie van TVS."
)
@click.option(
    "--environment", type=click.Choice(ENVIRONMENTS), default="preprod", show_default=True, help="Voor welke omgeving."
)
@click.option("--at", help="De klok van het oordeel, ISO 8601 (2026-11-21T12:00:00Z).")
@click.option(
    "--trust",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Vertrouwd stamcertificaat (PEM), in plaats van de ingebouwde.",
)
@click.option(
    "--with",
    "companions",
    multiple=True,
    help="Begeleidend document; ook preprod:FILE, prod:FILE, previous:FILE, template:FILE, names:FILE, ROL:FILE.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    help="KEY=VALUE: oin, partyid, entityid, endpoint, cpa-end, service-uuids, password=env:NAME.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Regels om te lezen, of JSON.",
)
@lang_option
@click.argument("files", metavar="BESTAND…", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(
    kind: str | None, role: str | None, profile: str, service: str, spec: str, environment: str, at: str | None,
    trust: tuple[Path, ...], companions: tuple[str, ...], settings: tuple[str, ...], form: str, lang: str,
    files: tuple[Path, ...],
) -> None:  # fmt: skip
    """Beoordeel documenten, zonder netwerk."""
    from harness import check as judge
    from harness.lint.judge import Context
    from harness.model import Environment

    ctx = Context(
        at=_moment(at),
        environment=Environment(environment),
        role=role or "",
        profile=profile,
        service=service,
        spec=spec,
        trust=tuple(judge.read(path) for path in trust),
        companions=tuple(raw for argument in companions for raw in judge.companions(argument)),
        settings=_settings(settings),
        earlier={} if len(files) > 1 else None,
    )
    verdicts = set()

    def documents() -> Any:
        for path in files:
            document = judge.judge_file(path, ctx, kind or "")
            verdicts.add(document.verdict)
            yield document

    if form == "json":
        for piece in judge.as_json(documents(), lang):
            click.echo(piece, nl=False)
    else:
        for document in documents():
            click.echo(judge.as_text(document, lang), nl=False, err=document.unusable is not None)
    sys.exit(2 if "unusable" in verdicts else 1 if "fail" in verdicts else 0)


def _moment(at: str | None) -> Any:
    from datetime import UTC, datetime

    if at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise click.BadParameter(
            f"{at!r} is geen ISO-tijdstip; bijvoorbeeld 2026-11-21T12:00:00Z", param_hint="--at"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _settings(pairs: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    from harness.check import secret

    settings: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} mist een =; schrijf KEY=VALUE", param_hint="--set")
        if key == "password":
            value = secret(value)
        settings[key] = (*settings.get(key, ()), value)
    return settings
