"""Turn a scenario into links: files read, secrets resolved, and every word `lab` replaced by what it stands for."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from harness.chain import Loaded, secret
from harness.errors import DocumentUnreadable, UnusableInput
from harness.guard import host_of
from harness.lab import Lab, Place
from harness.lab.ca import Identity, Pki
from harness.lab.revocation import crls
from harness.link import Directory, Link, Material, material_from_pkcs12
from harness.model import Environment
from harness.scenario import LAB, Certificate, Connection, Party

LAB_PROFILES: Final[Mapping[tuple[str, str], str]] = {
    ("tls-client", "g1"): "own-tls",
    ("tls-client", "g4"): "own-tls-g4",
    ("tls-server", "g1"): "own-tls",
    ("tls-server", "g4"): "own-tls-g4",
    ("message-signing", "g1"): "own-signing",
    ("message-signing", "g4"): "own-signing-g4",
    ("encryption", "g1"): "own-encryption",
    ("encryption", "g4"): "own-encryption-g4",
    ("bsn-encryption", "g1"): "own-encryption",
    ("bsn-encryption", "g4"): "own-encryption-g4",
    ("bsn-encryption", "uzi"): "care-north-bsn",
    ("web", "g1"): "own-web",
}


OWN_DOCUMENTS: Final = ("own-metadata", "previous-metadata", "idp-metadata")
MOST: Final = 64 * 1024 * 1024
"""The largest CRL that is read."""
UZI_PREFIX: Final = "00000009"
"""An OIN made of a UZI register number: the dienstverlener holds a UZI certificate."""


class Binder:
    """Binds the connections of one scenario; starts lab counterparties as they are needed."""

    def __init__(self, loaded: Loaded, lab: Lab | None, faults: Iterable[str] = ()) -> None:
        self.loaded = loaded
        self.lab = lab
        self.faults = frozenset((*loaded.scenario.lab.faults, *faults))
        self.directory = Directory()

    async def bind(self, connection: Connection) -> Link:
        """Return the link of `connection`; a connection that says `lab` gets its own counterparties."""
        scenario = self.loaded.scenario
        party = scenario.party_of(connection)
        link_parts: dict[str, Any] = {
            "connection": connection,
            "party": party,
            "operator": scenario.operator,
            "environment": connection.effective_environment,
            "limits": scenario.limits,
            "directory": self.directory,
            "folder": self.loaded.folder,
            "others": tuple(c for c in self.loaded.connections if c.name != connection.name),
        }
        if connection.uses_lab:
            return await self._bind_lab(connection, party, link_parts)
        materials: dict[str, Material] = {
            role: self._material(name, role, scenario.certificates[name])
            for role, name in connection.certificates.items()
        }
        materials |= dict(_provider_files(connection, self.loaded.folder))
        documents = dict(_documents(connection, self.loaded.folder)) | dict(_published(connection, self.loaded.folder))
        anchors = tuple(_pem(self.loaded.folder / a) for a in connection.anchors if a not in {LAB, "system"})
        return Link(**link_parts, materials=materials, anchors=anchors, documents=documents)

    def _material(self, name: str, role: str, certificate: Certificate) -> Material:
        folder = self.loaded.folder
        if LAB in (certificate.cert, certificate.key) and not certificate.cert.lower().endswith((".p12", ".pfx")):
            raise UnusableInput(
                f'certificates.{name} is "lab", maar de verbinding heeft een echt adres: zet cert en key naar uw eigen bestanden',
                f'certificates.{name} is "lab", but the connection has a real address: point cert and key to your own files',
            )
        password = secret(certificate.password, folder) if certificate.password else None
        data = (folder / certificate.cert).read_bytes()
        if certificate.cert.lower().endswith((".p12", ".pfx")):
            return material_from_pkcs12(name, role, data, password)
        file = folder / certificate.key.removeprefix("file:") if certificate.key.startswith("file:") else None
        return Material(name, role, data, secret(certificate.key, folder), password, key_file=file)

    async def _bind_lab(self, connection: Connection, party: Party, parts: dict[str, Any]) -> Link:
        assert self.lab is not None  # the front opens the lab for every scenario that says `lab`
        pki = self.lab.pki
        own = own_hosts(connection, party)
        materials: dict[str, Material] = {
            role: lab_material(pki, name, role, self.loaded.scenario.certificates[name], party, own)
            for role, name in connection.certificates.items()
        }
        materials |= self._providers(connection, pki)
        settings = self._settings(connection, party, materials, own)
        started = {
            side: await self.lab.start(Place(connection.name, connection.system, side, pki, self._faults(connection), settings, _now, self.directory.locate))
            for side in connection.endpoints
        }  # fmt: skip
        documents = {f"crl-{name}": data for name, data in self._crls(pki).items()}
        documents |= dict(_published(connection, self.loaded.folder))
        documents |= {k: data for k, data in _documents(connection, self.loaded.folder) if k in OWN_DOCUMENTS}
        for host, address in self.lab.published.items():
            self.directory.add(host, 80, address)
        changes: dict[str, Any] = {}
        for side, running in started.items():
            for host, addresses in running.addresses.items():
                self.directory.add(host, 443, *addresses)
            documents.update(running.counterparty.documents())
            update: dict[str, Any] = {"endpoint": running.counterparty.endpoint}
            if side in own:
                update["own_endpoint"] = own[side]
            changes[side] = getattr(connection, side).model_copy(update=update)
        anchors = tuple(c.public_bytes(Encoding.PEM) for c in pki.anchors())
        parts["connection"] = connection.model_copy(update=changes)
        return Link(**parts, materials=materials, anchors=anchors, documents=documents)

    def _providers(self, connection: Connection, pki: Pki) -> dict[str, Material]:
        """Return a BSN certificate for every dienstverlener, under the role `bsn-encryption:OIN`."""
        providers = connection.saml.providers if connection.saml else ()
        name = connection.certificates.get("bsn-encryption", "")
        generation = self.loaded.scenario.certificates[name].generation if name else "g1"
        profile = LAB_PROFILES.get(("bsn-encryption", "g1" if generation == "uzi" else generation), "own-encryption")
        found = {}
        for provider in providers:
            uzi = provider.oin.startswith(UZI_PREFIX)
            changes = {"ura": provider.oin[8:16]} if uzi else {}
            kind = LAB_PROFILES["bsn-encryption", "uzi"] if uzi else profile
            issued = pki.issue(kind, oin=provider.oin, organisation=f"TEST {provider.name}", **changes)
            role = f"bsn-encryption:{provider.oin}"
            found[role] = Material(
                provider.name, role, issued.cert_path.read_bytes(), issued.key_path.read_bytes(), from_lab=True
            )
        return found

    def _crls(self, pki: Pki) -> dict[str, bytes]:
        trusted = ("g1-", "g4-", "uzi-", "web-")
        return {name: data for name, data in crls(pki).items() if name.startswith(trusted)}

    def _faults(self, connection: Connection) -> frozenset[str]:
        pairs = (fault.partition(":") for fault in self.faults)
        return frozenset(fault for name, _, fault in pairs if name == connection.name)

    def _settings(
        self, connection: Connection, party: Party, materials: Mapping[str, Material], own: Mapping[str, str]
    ) -> dict[str, Any]:
        sides = (connection.ebms, connection.wus, connection.saml)
        profiles = [p for side in sides for p in (getattr(side, "profiles", ()) or ())]
        if connection.wus and not connection.wus.profiles:
            profiles.append(connection.wus.profile)
        return {
            "own_name": party.name,
            "own_oin": party.oin,
            "own_endpoint": own.get("ebms") or own.get("saml", ""),
            "own_wus_endpoint": own.get("wus", ""),
            "peer_name": connection.peer.name,
            "peer_oin": connection.peer.oin or "00000099000000002000",
            "own_certificates": {role: m.certificate for role, m in materials.items()},
            "profiles": tuple(profiles),
            "providers": tuple(
                p.model_dump() | {"encryption_certificate": materials[f"bsn-encryption:{p.oin}"].certificate}
                for p in (connection.saml.providers if connection.saml else ())
            ),
            "index": connection.saml.index if connection.saml else 0,
            "spec": connection.saml.spec if connection.saml else "",
            "own_metadata": dict(_documents(connection, self.loaded.folder)).get("own-metadata", b""),
            "service": connection.wus.service if connection.wus else "",
            "mode": connection.ebms.mode if connection.ebms else "",
        }


def own_hosts(connection: Connection, party: Party) -> dict[str, str]:
    """Return our own addresses against the lab, per side that has one."""
    name = f"{connection.name}-{party.oin[-6:]}"
    addresses = {}
    if connection.ebms and connection.ebms.own_endpoint == LAB:
        addresses["ebms"] = f"https://ebms.{name}.ketentest.test/ebms"
    if connection.wus and connection.system == "digikoppeling":
        addresses["wus"] = f"https://wus.{name}.ketentest.test/wus"
    if connection.saml and connection.saml.own_endpoint == LAB:
        addresses["saml"] = f"https://login.{name}.ketentest.test/saml"
    for side in (name for name in ("ebms", "saml") if name not in addresses):
        declared = getattr(connection, side)
        addresses |= {side: declared.own_endpoint} if declared else {}
    return addresses


def lab_material(
    pki: Pki, name: str, role: str, certificate: Certificate, party: Party, own: Mapping[str, str]
) -> Material:
    """Return a lab certificate for `role`: the party's name and OIN, and the hosts of its own endpoints."""
    profile = LAB_PROFILES.get((role, certificate.generation)) or LAB_PROFILES.get((role, "g1"), "own-tls")
    ours = [host_of(url) for url in own.values()] or [f"adapter.{party.oin[-6:]}.ketentest.test"]
    hosts = ours if profile.startswith("own-tls") else None
    issued: Identity = pki.issue(profile, oin=party.oin, organisation=f"TEST {party.name}", hosts=hosts)
    return Material(
        name,
        role,
        issued.cert_path.read_bytes(),
        issued.key_path.read_bytes(),
        from_lab=True,
        instead_of="" if certificate.cert == LAB else certificate.cert,
    )


def _documents(connection: Connection, folder: Path) -> Iterable[tuple[str, bytes]]:
    files = {
        "cpa": connection.ebms.cpa if connection.ebms else "",
        "wsdl": connection.wus.wsdl if connection.wus else "",
        "receiver": connection.wus.receiver if connection.wus else "",
        "metadata": connection.saml.metadata if connection.saml else "",
        "own-metadata": connection.saml.own_metadata if connection.saml else "",
        "previous-metadata": connection.saml.previous_metadata if connection.saml else "",
        "idp-metadata": connection.idp_metadata,
    }
    for kind, name in files.items():
        if name and name != LAB and "://" not in name:
            yield kind, (folder / name).read_bytes()


def _published(connection: Connection, folder: Path) -> Iterable[tuple[str, bytes]]:
    """Yield the CRLs and OCSP answers of the folder that the scenario names, and the scans of others."""
    for file in sorted((folder / connection.crls).iterdir()) if connection.crls else ():
        if file.is_file() and file.stat().st_size <= MOST:
            yield f"crl-{file.name}", file.read_bytes()
    for name in connection.scans:
        yield f"scan-{name}", (folder / name).read_bytes()


def _provider_files(connection: Connection, folder: Path) -> Iterable[tuple[str, Material]]:
    for provider in connection.saml.providers if connection.saml else ():
        if provider.bsn_certificate:
            role = f"bsn-encryption:{provider.oin}"
            yield role, Material(provider.name, role, _pem(folder / provider.bsn_certificate), b"")


def _pem(path: Path) -> bytes:
    data = path.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise DocumentUnreadable(
            f"{path}: geen PEM-certificaat; zet het stamcertificaat om naar PEM",
            f"{path}: not a PEM certificate; convert the root certificate to PEM",
        )
    return data


def _now() -> datetime:
    return datetime.now(UTC)


def uses_lab(loaded: Loaded) -> bool:
    """Whether any connection of the scenario runs against the embedded lab."""
    return any(c.effective_environment is Environment.LAB for c in loaded.connections)
