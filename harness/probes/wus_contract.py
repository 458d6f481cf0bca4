"""Which WUS service is called, by which contract, and which of its operations a probe may call."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.errors import Refused
from harness.link import Link
from harness.lint.wus.service import ServiceProfile, service
from harness.probes.probe import NotApplicable, NotPossible
from harness.wire import soap_wsdl, soap_zeep
from harness.wire.soap_wsdl import Operation
from harness.wire.soap_zeep import Contract

PROFILES: Final = {"be": "2W-be", "be-s": "2W-be-S", "be-se": "2W-be-SE"}
SERVICES: Final = {"lopende-zaken": "profielservice", "digipoort": "digipoort", "digimelding": "digimelding"}
DEFAULT_OPERATION: Final = {"digipoort": "getBerichtsoorten", "digimelding": "Echo"}
_WRITES: Final = re.compile(
    r"toevoeg|wijzig|verwijder|aanlever|registre|intrek|opvoer|bijwerk|stuur|verzend|nieuw|muteer|beeindig|annuleer"
    r"|create|update|delete|insert|write|send|submit|store|save|remove|modify|set[A-Z]|post",
    re.IGNORECASE,
)


def service_of(link: Link) -> ServiceProfile:
    """Return what is known of the service: the name in the scenario, or the one of the system."""
    given = link.connection.wus.service if link.connection.wus else ""
    return service(given or SERVICES.get(link.connection.system, ""))


def profile_of(link: Link, word: str) -> str:
    """Return the profile for the word between brackets; raises NotApplicable for one that the scenario does not have."""
    wus = link.connection.wus
    if wus is None:
        raise NotApplicable("deze koppeling heeft geen WUS-kant", "this connection has no WUS side")
    if not word:
        return wus.profile if not wus.profiles or wus.profile in wus.profiles else wus.profiles[0]
    wanted = PROFILES.get(word, word)
    agreed = wus.profiles or (wus.profile,)
    if wanted not in agreed:
        listed = ", ".join(agreed)
        raise NotApplicable(
            f"profiel {wanted} staat niet in het scenario ({listed})",
            f"profile {wanted} is not in the scenario ({listed})",
        )
    return wanted


async def contract_of(link: Link, profile: str) -> Contract:
    """Return the contract from the WSDL that the user got; raises NotPossible without one."""
    name, files = await files_of(link, profile)
    port = link.connection.wus.port if link.connection.wus else ""
    return await asyncio.to_thread(soap_zeep.load, name, files, port)


async def files_of(link: Link, profile: str) -> tuple[str, dict[str, bytes]]:
    """Return the name of the WSDL, and the WSDL with what it imports; raises NotPossible without one."""
    documents = link.documents
    name = _named(link, profile)
    if not name:
        missing = "profielservice" in service_of(link).name
        where = " (Handreiking Connectiviteit MijnOverheid)" if missing else ""
        raise NotPossible(
            f"geen WSDL in het scenario: zet wus.wsdl zodra u haar heeft ontvangen{where}",
            f"no WSDL in the scenario: set wus.wsdl as soon as you have received it{where}",
        )
    files = {n: data for n, data in documents.items() if n.endswith((".wsdl", ".xsd"))}
    if name not in files:
        files = await asyncio.to_thread(beside, link.folder / (link.connection.wus.wsdl if link.connection.wus else ""))
        name = next(iter(files))
    return name, _needed(name, files)


def _named(link: Link, profile: str) -> str:
    documents = link.documents
    for key in (f"wsdl-name[{profile}]", "wsdl-name"):
        if key in documents:
            return documents[key].decode()
    given = link.connection.wus.wsdl if link.connection.wus else ""
    return Path(given).name if "wsdl" in documents and given else ""


def _needed(name: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the WSDL and what it imports, so that the digest is of this contract and no other."""
    found = {name: files[name]}
    queue = [name]
    while queue:
        for location in _locations(found[queue.pop()]):
            base = location.replace("\\", "/").rpartition("/")[2]
            for known in (location, base):
                if known in files and known not in found:
                    found[known] = files[known]
                    queue.append(known)
    return found


def _locations(data: bytes) -> list[str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    attribute = re.compile(rb"""(?:schemaLocation|location)\s*=\s*["']([^"']+\.(?:xsd|wsdl))["']""", re.IGNORECASE)
    return [m.decode("utf-8", "replace") for m in attribute.findall(data)]


def beside(path: Path) -> dict[str, bytes]:
    """Return the WSDL at `path` and the relative imports that lie beside it, by their relative name, the WSDL first."""
    found = {path.name: path.read_bytes()}
    room = path.parent.resolve()
    queue = [path]
    while queue:
        here = queue.pop()
        for location in _locations(here.read_bytes()):
            target = (here.parent / location).resolve()
            if soap_wsdl.is_remote(location) or not target.is_file():
                continue
            name = target.relative_to(room).as_posix() if target.is_relative_to(room) else target.name
            if name not in found:
                found[name] = target.read_bytes()
                queue.append(target)
    return found


def operation_of(link: Link, contract: Contract) -> Operation:
    """Return the operation to call: of the scenario, of the service, or the only one; raises Refused when it may write."""
    wus, known = link.connection.wus, service_of(link)
    name = (wus.operation if wus else "") or DEFAULT_OPERATION.get(known.name, "")
    if not name or name not in contract.operations:
        readable = [o for o in contract.operations if o in known.allowed]
        only = contract.operations if len(contract.operations) == 1 else readable
        if not (wus and wus.operation) and len(only) == 1:
            name = only[0]
    if not name:
        listed = ", ".join(contract.operations)
        raise NotPossible(
            f"kies een leesbewerking: wus.operation = … (de WSDL kent {listed})",
            f"choose a read operation: wus.operation = … (the WSDL has {listed})",
        )
    operation = contract.operation(name)
    _permitted(known, operation)
    return operation


def _permitted(known: ServiceProfile, operation: Operation) -> None:
    listed = known.operation(operation.name)
    if listed is not None and operation.name not in known.allowed:
        allowed = ", ".join(sorted(known.allowed))
        raise Refused(
            f"{operation.name} verandert iets bij {known.title.nl} of geeft zaakgegevens; een proef gebruikt alleen {allowed}",
            f"{operation.name} changes something at {known.title.en} or returns case data; a trial uses only {allowed}",
        )
    if listed is None and _WRITES.search(operation.name):
        raise Refused(
            f"{operation.name} lijkt een bewerking die iets verandert; een proef leest alleen",
            f"{operation.name} looks like an operation that changes something; a trial only reads",
        )
