"""Read `chain.toml` into frozen, typed models; every mistake comes back at once with its line."""

import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from harness.errors import Mistake, ScenarioInvalid, UnusableInput
from harness.model import Environment, Text
from harness.positions import line_of, positions
from harness.provider_list import Listed, read_list
from harness.window import Period, period

MAX_BYTES: Final = 1024 * 1024
LAB: Final = "lab"

System = Literal["lopende-zaken", "digikoppeling", "digipoort", "digimelding", "tvs-cluster", "tvs-direct"]
PartyKind = Literal["overheid", "rijksorganisatie", "leverancier", "zorgaanbieder", "bedrijf"]
CertificateRole = Literal[
    "tls-client", "tls-server", "message-signing", "encryption", "bsn-encryption", "web", "beroep"
]
EbmsProfile = Literal["osb-be", "osb-rm", "osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e"]
WusProfile = Literal["2W-be", "2W-be-S", "2W-be-SE"]


def _mistake(code: str, nl: str, en: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{nl}", {"nl": nl, "en": en})


def _oin(value: str) -> str:
    if re.fullmatch(r"[0-9]{8}[0-9A-Z]{12}", value):
        return value
    if re.fullmatch(r"[0-9]{14}", value):
        raise _mistake(
            "oin",
            f"OIN/HRN heeft 14 cijfers; de voorloopnullen zijn verdwenen (spreadsheet?). Schrijf {value.zfill(20)!r}",
            f"OIN/HRN has 14 digits; the leading zeros were lost (spreadsheet?). Write {value.zfill(20)!r}",
        )
    raise _mistake(
        "oin",
        f"geen OIN/HRN: verwacht 20 tekens (8 cijfers en 12 tekens 0-9 A-Z), gevonden {len(value)} tekens. Neem het nummer over uit het OIN-register",
        f"not an OIN/HRN: expected 20 characters (8 digits and 12 of 0-9 A-Z), found {len(value)}. Copy the number from the OIN register",
    )


def _url(value: str) -> str:
    if value == LAB:
        return value
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.fragment:
        raise _mistake(
            "endpoint",
            f'verwacht "lab" of een adres als https://host/pad, gevonden {value!r}',
            f'expected "lab" or an address such as https://host/path, found {value!r}',
        )
    return value


def _secret(value: str) -> str:
    if value == LAB or value.startswith(("env:", "file:")):
        return value
    raise _mistake(
        "secret",
        "een geheim staat nooit in dit bestand; schrijf env:NAAM of file:PAD",
        "a secret never stands in this file; write env:NAME or file:PATH",
    )


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    raise _mistake(
        "day",
        f"verwacht een datum of tijdstip zonder aanhalingstekens, zoals 2026-11-23T09:00:00; gevonden {value!r}",
        f"expected a date or time without quotes, such as 2026-11-23T09:00:00; found {value!r}",
    )


Oin = Annotated[str, AfterValidator(_oin)]
Endpoint = Annotated[str, AfterValidator(_url)]
Secret = Annotated[str, AfterValidator(_secret)]
Day = Annotated[datetime | date, BeforeValidator(_day)]


class Model(BaseModel):
    """A frozen part of the scenario that knows no other keys than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Party(Model):
    """An organisation that connects: name, OIN or HRN, and its kind, which decides the rows that apply."""

    name: str = Field(min_length=1)
    oin: Oin
    kind: PartyKind = "overheid"
    contact: str = ""


class Operator(Model):
    """A SaaS supplier, shared service centre or provider that connects for several parties (EB014)."""

    name: str = Field(min_length=1)
    oin: Oin


class Certificate(Model):
    """A certificate with its key: files, or `lab`; `generation` chooses the lab's look-alike hierarchy."""

    cert: str = LAB
    key: Secret = LAB
    password: Secret | None = None
    generation: Literal["g1", "g4", "uzi"] = "g1"


class Limits(Model):
    """How hard a run may work; towards others the cap table of the procedure always holds."""

    concurrency: int = Field(default=64, ge=1, le=512)
    connect_timeout: float = Field(default=10, gt=0, le=120)
    read_timeout: float = Field(default=30, gt=0, le=600)
    pong_timeout: float = Field(default=30, gt=0, le=3600)


class Hosts(Model):
    """Host names that a run may reach, per environment, besides the known ones."""

    compliance: tuple[str, ...] = ()
    preprod: tuple[str, ...] = ()
    prod: tuple[str, ...] = ()


class LabSettings(Model):
    """The faults that the embedded lab plays: `connection:fault`."""

    faults: tuple[str, ...] = ()


class Peer(Model):
    """The ketenpartner: name and OIN as the CPA or the metadata has them."""

    name: str = ""
    oin: Oin | None = None


class Adapter(Model):
    """The Digikoppeling adapter in use: printed under the tested versions.

    `api` is the REST API of the Java adapter (`https://host/service/rest/v19`), `pickup` an Axway pick-up folder: with
    `ebms.way = "adapter"` the adapter itself sends the Ping. `log` names exports of its message log: with them the
    chain test is sent by the adapter and joined here (LZ 5.3.3).
    """

    product: str = ""
    version: str = ""
    api: str = ""
    pickup: str = ""
    log: tuple[str, ...] = ()


class Ebms(Model):
    """The ebMS side of a connection.

    `schemas` is the folder with the XSDs received, `samples` are own sample messages, and `messages` is the test set
    (`ketentest generate testset`) for the chain test.
    """

    endpoint: Endpoint = LAB
    own_endpoint: Endpoint = LAB
    listen: str = LAB
    cpa: str = LAB
    mode: Literal["async", "sync"] = "async"
    way: Literal["listener", "sync", "adapter", "hand-over"] = "listener"
    service: str = ""
    profiles: tuple[EbmsProfile, ...] = ("osb-rm",)
    captured: str = ""
    schemas: str = ""
    samples: tuple[str, ...] = ()
    messages: str = ""


class WusService(Model):
    """A second service of the same counterparty: its address and its WSDL."""

    endpoint: Endpoint = LAB
    wsdl: str = LAB


class WusPersons(Model):
    """Which numbers of `test_bsns` have an account and have none, and the field of the answer that says so."""

    with_account: int = Field(default=1, ge=1)
    without_account: int = Field(default=2, ge=1)
    field: str = ""


class Wus(Model):
    """The WUS side of a connection; endpoint and port never come from the WSDL.

    `input` is a TOML file with the values of a read request; `receiver` the certificate to encrypt for (2W-be-SE);
    `own_endpoint` and `listen` are those of our own service, when the other side calls us. `schemas`, `samples` and
    `messages` are as on the ebMS side; `submit` and `collect` are the services of Digipoort that take a message and
    give it back. `trials` are calls on top of the ordinary one, on a test environment only: `tampered` sends a changed
    byte, `persons` asks about two test persons, `statuses` waits for an end state.
    """

    endpoint: Endpoint = LAB
    own_endpoint: Endpoint = LAB
    listen: str = LAB
    wsdl: str = LAB
    port: str = ""
    service: str = ""
    operation: str = ""
    input: str = ""
    receiver: str = ""
    profile: WusProfile = "2W-be-S"
    profiles: tuple[WusProfile, ...] = ()
    schemas: str = ""
    samples: tuple[str, ...] = ()
    messages: str = ""
    trials: tuple[Literal["tampered", "persons", "statuses"], ...] = ()
    persons: WusPersons = WusPersons()
    submit: WusService | None = None
    collect: WusService | None = None


class Provider(Model):
    """A dienstverlener in the metadata: name, OIN and the ServiceUUID that Logius or DICTU gave."""

    name: str = Field(min_length=1)
    oin: Oin
    service_uuid: str = Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
    acs: Endpoint | None = None
    bsn_certificate: str = ""
    test_provider: bool = False


class Saml(Model):
    """The TVS side of a connection: the metadata of RD, our own addresses and the dienstverleners.

    `providers_file` is a table (CSV, XLSX) with more dienstverleners: naam, OIN, ServiceUUID, ACS, BSN-certificaat, test.
    """

    metadata: str = LAB
    endpoint: Endpoint = LAB
    own_endpoint: Endpoint = LAB
    spec: Literal["4.4", "st-1.0"] = "4.4"
    providers: tuple[Provider, ...] = ()
    providers_file: str = ""
    own_metadata: str = ""
    previous_metadata: str = ""
    aansluitbestand: str = ""
    aansluitbestand_template: str = ""
    previous_aansluitbestand: str = ""
    index: int = Field(default=0, ge=0)


SAML_FILES: Final = (
    "own_metadata",
    "previous_metadata",
    "aansluitbestand",
    "aansluitbestand_template",
    "previous_aansluitbestand",
)


class Window(Model):
    """A period agreed with the counterparty for testing; without a zone it is the time of Amsterdam."""

    start: Day = Field(alias="from")
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.period.end < self.period.start:
            raise _mistake(
                "window",
                f"eindigt ({self.until}) voor het begin ({self.start}); wissel from en until om",
                f"ends ({self.until}) before it begins ({self.start}); swap from and until",
            )
        return self

    @property
    def period(self) -> Period:
        """The period as moments."""
        return period(self.start, self.until)


class Connection(Model):
    """One connection to one ketenpartner, with everything its rows and probes need.

    `crls` is a folder with CRLs and OCSP answers for a machine that may not fetch them; `scans` are JSON files of
    sslyze or testssl.sh about the endpoints, as extra evidence.
    """

    name: str = ""
    system: System
    environment: Environment = Environment.PREPROD
    party: str = ""
    network: Literal["internet", "diginetwerk"] = "internet"
    channels: tuple[Literal["portaal", "webservice"], ...] = ("webservice",)
    registries: tuple[str, ...] = ()
    digipoort_role: Literal["hubgebruiker", "softwaregebruiker", "zelfbouwer"] = "zelfbouwer"
    sson: bool = False
    reuse_adapter: bool = False
    supplier_connection: bool = False
    digid_assessment: bool = False
    chain_test: bool = True
    activated: date | None = None
    ticket: str = ""
    permission: str = ""
    window: tuple[Window, ...] = ()
    allow_write: bool = False
    certificates: Mapping[CertificateRole, str] = Field(default_factory=dict)
    anchors: tuple[str, ...] = (LAB,)
    crls: str = ""
    scans: tuple[str, ...] = ()
    peer: Peer = Peer()
    adapter: Adapter = Adapter()
    ebms: Ebms | None = None
    wus: Wus | None = None
    saml: Saml | None = None
    idp_metadata: str = ""
    test_bsns: Secret | None = None

    @property
    def endpoints(self) -> dict[str, str]:
        """The addresses that this connection calls, by interface: `ebms`, `wus`, `saml`."""
        sides = {"ebms": self.ebms, "wus": self.wus, "saml": self.saml}
        return {name: side.endpoint for name, side in sides.items() if side is not None}

    @property
    def uses_lab(self) -> bool:
        """Whether the embedded lab plays the ketenpartner."""
        return LAB in self.endpoints.values()

    @property
    def effective_environment(self) -> Environment:
        """The environment of the results: `lab` as soon as an endpoint says so."""
        return Environment.LAB if self.uses_lab else self.environment


class Scenario(Model):
    """A whole `chain.toml`."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    language: Literal["nl", "en"] = "nl"
    environment: Environment = Environment.PREPROD
    party: Party
    parties: Mapping[str, Party] = Field(default_factory=dict)
    operator: Operator | None = None
    certificates: Mapping[str, Certificate] = Field(default_factory=dict)
    limits: Limits = Limits()
    hosts: Hosts = Hosts()
    lab: LabSettings = LabSettings()
    connections: Mapping[str, Connection] = Field(min_length=1)

    def party_of(self, connection: Connection) -> Party:
        """Return the party that `connection` connects."""
        return self.parties[connection.party] if connection.party else self.party


@dataclass(frozen=True)
class Loaded:
    """A scenario with the file it came from."""

    path: Path
    sha256: str
    scenario: Scenario

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the scenario start from."""
        return self.path.parent

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """The connections, in the order of the file."""
        return tuple(self.scenario.connections.values())


def find(path: Path) -> Path:
    """Return the scenario file at `path`, a file or a folder that holds `chain.toml`."""
    file = path / "chain.toml" if path.is_dir() else path
    if not file.is_file():
        raise UnusableInput(
            f"{path}: geen chain.toml gevonden; maak er een met `ketentest init {path}`",
            f"{path}: no chain.toml found; make one with `ketentest init {path}`",
        )
    return file


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the scenario at `path`; raises ScenarioInvalid with every mistake, in the order of the file."""
    file = find(path)
    data = _read(file)
    text = _decode(file, data)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise _not_toml(file, str(wrong)) from None
    found = positions(text)
    _name_connections(raw)
    mistakes: list[Mistake] = []
    listed = _list_providers(raw, str(file), found, mistakes)
    scenario: Scenario | None = None
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as wrong:
        mistakes += [_translate(str(file), found, error, listed) for error in wrong.errors()]
    if scenario is not None:
        mistakes += _across(str(file), found, scenario, file.parent, os.environ if environ is None else environ)
    if mistakes or scenario is None:
        raise ScenarioInvalid(tuple(sorted(mistakes, key=lambda m: m.line or 0)))
    tables = (path.read_bytes() for path in dict.fromkeys(row.path for row in listed.values()))
    return Loaded(file, hashlib.sha256(b"".join([data, *tables])).hexdigest(), scenario)


def _read(file: Path) -> bytes:
    if file.stat().st_size > MAX_BYTES:
        raise UnusableInput(
            f"{file}: groter dan 1 MB; dit is geen scenario", f"{file}: larger than 1 MB; this is not a scenario"
        )
    return file.read_bytes()


def _decode(file: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        mistake = Mistake(
            str(file),
            line,
            "",
            Text(
                "geen UTF-8-tekst; sla het bestand op als UTF-8 of controleer of dit het scenario is",
                "not UTF-8 text; save the file as UTF-8 or check that this is the scenario",
            ),
        )
        raise ScenarioInvalid((mistake,)) from None
    return text


def _not_toml(file: Path, wrong: str) -> ScenarioInvalid:
    place = re.search(r"at line (\d+)", wrong)
    reason = re.sub(r"\s*\(at .*\)$", "", wrong)
    text = Text(
        f"geen geldige TOML ({reason}); controleer de regel op een ontbrekend aanhalingsteken of haakje",
        f"not valid TOML ({reason}); check the line for a missing quote or bracket",
    )
    return ScenarioInvalid((Mistake(str(file), int(place[1]) if place else None, "", text),))


def _name_connections(raw: dict[str, Any]) -> None:
    connections = raw.get("connections")
    if not isinstance(connections, dict):
        return
    for name, connection in connections.items():
        if isinstance(connection, dict):
            connection.setdefault("name", name)
            connection.setdefault("environment", raw.get("environment", "preprod"))


_Place = tuple[str | int, ...]


def _list_providers(
    raw: Mapping[str, Any], file: str, found: Mapping[_Place, int], mistakes: list[Mistake]
) -> dict[_Place, Listed]:
    """Add the care providers of each `providers_file` to those in the scenario; returns where each came from."""
    listed: dict[_Place, Listed] = {}
    connections = raw.get("connections")
    for name, connection in connections.items() if isinstance(connections, dict) else ():
        saml = connection.get("saml") if isinstance(connection, dict) else None
        table = saml.get("providers_file") if isinstance(saml, dict) else None
        if not (isinstance(saml, dict) and isinstance(table, str) and table):
            continue
        place: _Place = ("connections", name, "saml", "providers_file")
        try:
            rows = read_list(Path(file).parent / table)
        except UnusableInput as wrong:
            mistakes.append(Mistake(file, line_of(found, place), ".".join(map(str, place)), wrong.text))
            continue
        providers = saml.setdefault("providers", [])
        if isinstance(providers, list):
            listed |= {(*place[:3], "providers", len(providers) + n): row for n, row in enumerate(rows)}
            providers += [row.values for row in rows]
    return listed


def nearest(word: str, words: Sequence[str]) -> str:
    """Return the valid word nearest to `word`, or an empty string."""
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.5)), "")


def _translate(file: str, found: Mapping[_Place, int], error: ErrorDetails, listed: Mapping[_Place, Listed]) -> Mistake:
    place = tuple(p for p in error["loc"] if p != "[key]")
    text = _sentence(error, place)
    if row := listed.get(place[:5]):
        key = str(place[5]) if len(place) > 5 else ""
        who = row.values.get("name", "?")
        text = Text(f"{who}: {text.nl}", f"{who}: {text.en}")
        return Mistake(str(row.path), row.line, f"{row.place(key)} {key}".strip(), text)
    return Mistake(file, line_of(found, place), ".".join(str(p) for p in place), text)


def _sentence(error: ErrorDetails, place: tuple[str | int, ...]) -> Text:
    context = error.get("ctx", {})
    value = error.get("input")
    kind = error["type"]
    if "nl" in context:
        return Text(str(context["nl"]), str(context["en"]))
    if kind == "extra_forbidden":
        near = nearest(str(place[-1]), keys_at(place[:-1]))
        hint = Text(f"; bedoelt u {near!r}?", f"; did you mean {near!r}?") if near else Text("", "")
        known = ", ".join(keys_at(place[:-1]))
        return Text(
            f"onbekende sleutel{hint.nl} (geldig: {known}). Verbeter of verwijder de sleutel",
            f"unknown key{hint.en} (valid: {known}). Correct or remove the key",
        )
    if kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        near = nearest(str(value), re.findall(r"'([^']*)'", expected))
        hint = Text(f". Schrijf {near!r}", f". Write {near!r}") if near else Text("", "")
        return Text(
            f"verwacht {expected.replace(' or ', ' of ')}, gevonden {value!r}{hint.nl}",
            f"expected {expected}, found {value!r}{hint.en}",
        )
    if kind == "missing":
        return Text("ontbreekt; voeg deze sleutel toe", "is missing; add this key")
    message = error["msg"]
    return Text(f"ongeldige waarde {value!r} ({message})", f"invalid value {value!r} ({message})")


def keys_at(place: Sequence[str | int]) -> tuple[str, ...]:
    """Return the keys that the scenario knows at `place`."""
    kind: Any = Scenario
    for part in place:
        kind = _inside(kind, part)
    fields = getattr(kind, "model_fields", {})
    return tuple(field.alias or name for name, field in fields.items() if name != "name" or kind is not Connection)


def _inside(kind: Any, part: str | int) -> Any:
    """Return the type of `part` within a model, a mapping, a tuple or an optional one of these."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = next((f for name, f in kind.model_fields.items() if part in (name, f.alias)), None)
        return _plain(field.annotation) if field is not None else None
    arguments = getattr(kind, "__args__", ())
    return _plain(arguments[1] if isinstance(part, str) and len(arguments) > 1 else arguments[0]) if arguments else None


def _plain(kind: Any) -> Any:
    """Return an optional type without its None."""
    kinds = [a for a in getattr(kind, "__args__", ()) if a is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in kind.__args__ else kind


_SIDES: Final = {
    "lopende-zaken": ("ebms", "wus"),
    "digikoppeling": ("ebms", "wus"),
    "digipoort": ("wus",),
    "digimelding": ("wus",),
    "tvs-cluster": ("saml",),
    "tvs-direct": ("saml",),
}


def _across(
    file: str, found: Mapping[tuple[str | int, ...], int], scenario: Scenario, folder: Path, environ: Mapping[str, str]
) -> Iterator[Mistake]:
    """Yield the mistakes that only show when parts of the scenario are laid side by side."""

    def mistake(place: tuple[str | int, ...], nl: str, en: str) -> Mistake:
        return Mistake(file, line_of(found, place), ".".join(str(p) for p in place), Text(nl, en))

    for name, connection in scenario.connections.items():
        place = ("connections", name)
        yield from _sides(mistake, place, connection)
        if connection.party and connection.party not in scenario.parties:
            yield mistake((*place, "party"), *_unknown(connection.party, tuple(scenario.parties), "[parties]"))
        for role, certificate in connection.certificates.items():
            if certificate not in scenario.certificates:
                yield mistake(
                    (*place, "certificates", role),
                    *_unknown(certificate, tuple(scenario.certificates), "[certificates]"),
                )
    for where, value in _secrets(scenario):
        if value.startswith("env:") and not environ.get(value[4:]):
            variable = value[4:]
            yield mistake(
                where,
                f"omgevingsvariabele {variable} is leeg of ontbreekt; zet haar (export {variable}=…) of gebruik file:PAD",
                f"environment variable {variable} is empty or missing; set it (export {variable}=…) or use file:PATH",
            )
    for name, connection in scenario.connections.items():
        if connection.crls and not (folder / connection.crls).is_dir():
            yield mistake(
                ("connections", name, "crls"),
                f"map {connection.crls} bestaat niet (gezocht vanaf {folder}); verbeter het pad",
                f"folder {connection.crls} does not exist (looked from {folder}); correct the path",
            )
    for where, path in _files(scenario):
        if not (folder / path).is_file():
            yield mistake(
                where,
                f"bestand {path} bestaat niet (gezocht vanaf {folder}); verbeter het pad",
                f"file {path} does not exist (looked from {folder}); correct the path",
            )
    for index, fault in enumerate(scenario.lab.faults):
        connection_name, colon, _ = fault.partition(":")
        if not colon or connection_name not in scenario.connections:
            names = ", ".join(scenario.connections)
            yield mistake(
                ("lab", "faults", index),
                f"verwacht verbinding:fout, gevonden {fault!r}; verbindingen: {names}",
                f"expected connection:fault, found {fault!r}; connections: {names}",
            )


def _sides(mistake: Any, place: tuple[str | int, ...], connection: Connection) -> Iterator[Mistake]:
    for side in _SIDES[connection.system]:
        if getattr(connection, side) is None:
            yield mistake(
                (*place, side),
                f"ontbreekt; {connection.system} heeft een tabel [{'.'.join(map(str, place))}.{side}] nodig",
                f"is missing; {connection.system} needs a table [{'.'.join(map(str, place))}.{side}]",
            )
    for side in ("ebms", "wus", "saml"):
        if getattr(connection, side) is not None and side not in _SIDES[connection.system]:
            yield mistake(
                (*place, side),
                f"{connection.system} heeft geen koppelvlak {side}; verwijder deze tabel",
                f"{connection.system} has no interface {side}; remove this table",
            )
    addresses = set(connection.endpoints.values())
    if LAB in addresses and len(addresses) > 1:
        yield mistake(
            place,
            'een verbinding is helemaal "lab" of helemaal echt; vul voor elk koppelvlak een adres in',
            'a connection is all "lab" or all real; give an address for every interface',
        )


def _unknown(name: str, known: tuple[str, ...], table: str) -> tuple[str, str]:
    near = nearest(name, known)
    listing = ", ".join(known) or "–"
    return (
        f"{name!r} staat niet in {table}; bekend: {listing}" + (f". Bedoelt u {near!r}?" if near else ""),
        f"{name!r} is not in {table}; known: {listing}" + (f". Did you mean {near!r}?" if near else ""),
    )


def _secrets(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, certificate in scenario.certificates.items():
        yield ("certificates", name, "key"), certificate.key
        if certificate.password:
            yield ("certificates", name, "password"), certificate.password
    for name, connection in scenario.connections.items():
        if connection.test_bsns:
            yield ("connections", name, "test_bsns"), connection.test_bsns


def _files(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, certificate in scenario.certificates.items():
        if certificate.cert != LAB:
            yield ("certificates", name, "cert"), certificate.cert
    yield from ((place, value[5:]) for place, value in _secrets(scenario) if value.startswith("file:"))
    for name, connection in scenario.connections.items():
        place: tuple[str | int, ...] = ("connections", name)
        for index, anchor in enumerate(connection.anchors):
            if anchor not in {LAB, "system"}:
                yield (*place, "anchors", index), anchor
        for index, scan in enumerate(connection.scans):
            yield (*place, "scans", index), scan
        if connection.idp_metadata:
            yield (*place, "idp_metadata"), connection.idp_metadata
        if connection.ebms and connection.ebms.cpa not in {LAB, ""}:
            yield (*place, "ebms", "cpa"), connection.ebms.cpa
        if connection.wus and connection.wus.wsdl not in {LAB, ""}:
            yield (*place, "wus", "wsdl"), connection.wus.wsdl
        for key in ("input", "receiver"):
            if connection.wus and getattr(connection.wus, key):
                yield (*place, "wus", key), getattr(connection.wus, key)
        if connection.saml and connection.saml.metadata not in {LAB, ""} and "://" not in connection.saml.metadata:
            yield (*place, "saml", "metadata"), connection.saml.metadata
        for key in SAML_FILES:
            if connection.saml and getattr(connection.saml, key):
                yield (*place, "saml", key), getattr(connection.saml, key)


def secret(value: str, folder: Path, environ: Mapping[str, str] | None = None) -> bytes:
    """Return what an `env:NAME` or `file:PATH` stands for; never print the result."""
    if value.startswith("env:"):
        return (os.environ if environ is None else environ)[value[4:]].encode()
    return (folder / value.removeprefix("file:")).read_bytes()
