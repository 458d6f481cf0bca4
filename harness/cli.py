"""The verbs of the `ketentest` command; each hands over to the module that does the work."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness import __version__


class Verbs(click.Group):
    """A group whose verbs are listed in the order of the work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which they were written."""
        return list(self.commands)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ketentest")
def cli() -> None:
    """Ketentesten met Logius en DICTU: een checklist met probes erin."""


def main() -> None:
    """Run the command; a mistake of the user is one sentence and an exit code, never a traceback."""
    from harness.errors import KetentestError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except KetentestError as wrong:
        click.echo(wrong.text.of("nl"), err=True)
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("afgebroken / interrupted", err=True)
        sys.exit(3)
    except Exception as wrong:  # our own failure: one sentence, and the rest for who asks
        if os.environ.get("KETENTEST_DEBUG"):
            raise
        _own_failure(wrong)
        sys.exit(3)


def _own_failure(wrong: Exception) -> None:
    trace = wrong.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    what = f"{type(wrong).__name__}: {wrong} ({place})"
    click.echo(f"fout in testgereedschap: {what}. Meld dit; meer met KETENTEST_DEBUG=1", err=True)


def lang_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lang nl|en`."""
    return click.option("--lang", type=click.Choice(["nl", "en"]), default="nl", show_default=True)(function)


KIND_NAMES = (
    "certificate", "certificate-chain", "csr", "crl", "consumer-spec", "provider-spec", "ping-mmd", "cpa",
    "ebms-message", "soap-message", "wsdl", "saml-metadata", "saml-message",
    "aansluitbestand",
)  # fmt: skip
ROLE_NAMES = (
    "tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption", "web", "beroep",
    "dv", "lc", "rd", "request", "response", "fault",
)  # fmt: skip
ENVIRONMENTS = ("lab", "compliance", "preprod", "prod")


@cli.command()
@click.option("--as", "kind", type=click.Choice(KIND_NAMES), help="Soort document; anders herkend aan de inhoud.")
@click.option(
    "--role", type=click.Choice(ROLE_NAMES), default=None, help="Rol van het certificaat, de partij of het bericht."
)
@click.option("--profile", default="", help="2W-be, 2W-be-S, 2W-be-SE; digikoppeling, ebms2, lopende-zaken.")
@click.option("--service", default="", help="Naam van een dienst uit harness/services.")
@click.option("--spec", type=click.Choice(["4.4", "st-1.0"]), default="4.4", show_default=True)
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="preprod", show_default=True)
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
    help="Begeleidend document; ook preprod:FILE, prod:FILE, previous:FILE, template:FILE, ROL:FILE.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    help="KEY=VALUE: oin, partyid, entityid, endpoint, cpa-end, service-uuids, password=env:NAME.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@lang_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
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
        companions=tuple(judge.companion(argument) for argument in companions),
        settings=_settings(settings),
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


SCENARIO_ARGUMENT = click.argument("scenario", type=click.Path(path_type=Path), default=Path("scenarios/preprod"))


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


REPORT_FORMATS = ("html", "md", "json", "junit", "pdf")


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
@click.option("--for", "reader", type=click.Choice(["own", "logius", "dictu"]), default="own", show_default=True)
@click.option("--connection", "connections", multiple=True, metavar="NAAM", help="Alleen deze aansluitingen.")
@click.option("--phase", default="", help="Alleen deze fase van de procedure, bijvoorbeeld 2.")
@click.option("--detail", type=click.Choice(["technisch", "volledig"]), default="volledig", show_default=True)
@click.option(
    "--format",
    "formats",
    default=",".join(REPORT_FORMATS[:-1]),
    show_default=True,
    callback=_words(REPORT_FORMATS, "--format"),
)
@click.option("--lang", "languages", default="nl,en", show_default=True, callback=_words(("nl", "en"), "--lang"))
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
    from harness.probes.probe import load
    from harness.report.write import Wish, write
    from harness.run import utc_now

    now = utc_now()
    seal = seal_of(sign, sign_key, sign_password, timestamp, now)
    if bundle:
        check_bundle(wish["detail"])
    if seal:
        wish["formats"] = tuple(dict.fromkeys((*wish["formats"], "pdf")))
    written = write(runs_given, Wish(seal=seal, **wish), root=runs, now=now, built=load().keys())
    for file in (*written.files, *(hand_in(written, seal) if bundle else ())):
        click.echo(file)
    click.echo(told(seal, wish["languages"][0], bundle=bundle), nl=False)
    if written.new_failures:
        click.echo(f"nieuwe fouten / new failures: {written.new_failures}", err=True)
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
@click.argument("file", type=click.Path(path_type=Path))
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
    from harness.model import Verdict
    from harness.run import utc_now
    from harness.scenario import load
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


@cli.command()
@click.argument(
    "kind",
    type=click.Choice(
        [
            "consumer-spec",
            "provider-spec",
            "ping-mmd",
            "cpa",
            "csr",
            "saml-metadata",
            "aansluitbestand",
            "network-overview",
            "testset",
            "design",
        ]
    ),
)
@click.argument("connection")
@click.option("--scenario", type=click.Path(path_type=Path), default=Path("scenarios/preprod"), show_default=True)
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
    """Maak een document, of een testset voor de ketentest, uit het scenario en beoordeel het meteen."""
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


@cli.command()
@click.argument("kind", type=click.Choice(["msh", "wus", "tvs", "certs"]), default="msh")
@click.option("--scenario", type=click.Path(path_type=Path), default=Path("scenarios/preprod"), show_default=True)
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
def lab(
    kind: str, scenario: Path, connection: str, listen: str, faults: tuple[str, ...], own_endpoint: str, out: Path,
    login: str, protected: str, marker: str, log: Path | None, cases: Path | None,
    logout: str, refresh: str,
) -> None:  # fmt: skip
    """Speel de ketenpartner voor uw eigen software."""
    if kind == "certs":
        from harness.lab.ca import main as certificates

        certificates()
        return
    from harness.serving import Trial, serve_lab

    if login and not (protected and marker and kind == "tvs"):
        raise click.UsageError("--try hoort bij `lab tvs` en vraagt ook --protected en --marker")
    trial = Trial(login, protected, marker, log, cases, logout, refresh) if login else None
    sys.exit(serve_lab(kind, scenario, connection, listen, faults, out, trial, own_endpoint))
