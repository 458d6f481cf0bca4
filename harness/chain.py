"""Read `chain.toml`; every mistake comes back at once with its line."""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harness.chain_mistakes import EMPTY_CELL, nearest, sentence, told_once
from harness.errors import Mistake, ScenarioInvalid, UnusableInput
from harness.model import Text
from harness.positions import line_of, positions
from harness.provider_list import Listed, read_list
from harness.scenario import LAB, SAML_FILES, Connection, Scenario

MAX_BYTES: Final = 1024 * 1024


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
        raise _no_scenario(path)
    return file


def _no_scenario(path: Path) -> UnusableInput:
    """Say that there is no scenario at `path`, and where there are scenarios near to where the user works."""
    here = sorted({f.parent.as_posix() for pattern in ("", "*/", "*/*/") for f in Path().glob(f"{pattern}chain.toml")})
    if here:
        listed = ", ".join(here[:4])
        return UnusableInput(
            f"{path}: geen chain.toml gevonden; wel in {listed}",
            f"{path}: no chain.toml found; there is one in {listed}",
        )
    return UnusableInput(
        f"{path}: geen chain.toml gevonden; maak er een met `ketentest init {path}`",
        f"{path}: no chain.toml found; make one with `ketentest init {path}`",
    )


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
        mistakes += [_translate(str(file), found, error, listed) for error in told_once(wrong.errors())]
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


def _translate(file: str, found: Mapping[_Place, int], error: ErrorDetails, listed: Mapping[_Place, Listed]) -> Mistake:
    place = tuple(p for p in error["loc"] if p != "[key]")
    text = sentence(error, place)
    if row := listed.get(place[:5]):
        text = EMPTY_CELL if error["type"] == "missing" else text
        key = str(place[5]) if len(place) > 5 else ""
        who = row.values.get("name", "?")
        text = Text(f"{who}: {text.nl}", f"{who}: {text.en}")
        return Mistake(str(row.path), row.line, f"{row.place(key)} {key}".strip(), text)
    return Mistake(file, line_of(found, place), ".".join(str(p) for p in place), text)


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


_SIDES: Final = {
    "lopende-zaken": ("ebms", "wus"),
    "digikoppeling": ("ebms", "wus"),
    "digipoort": ("wus",),
    "digimelding": ("wus",),
    "tvs-cluster": ("saml",),
    "tvs-direct": ("saml",),
}


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
