"""What a `chain.toml` can say, as frozen and typed models."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from harness.model import Environment
from harness.window import Period, period

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
    sslyze or testssl.sh about the endpoints, as extra evidence; `production` are addresses in production of which DNS
    and TCP, and no more, may be tried already (LZ 4.4.2).
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
    production: tuple[Endpoint, ...] = ()
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
