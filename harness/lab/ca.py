"""Hand out the certificates of the lab: made once from `profiles.toml`, kept until they change or run out."""

import contextlib
import hashlib
import json
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from harness.errors import OwnFailure
from harness.lab.mint import Issuer, PrivateKey, Spec, key_pem, mint, new_key, pem

FORMAT: Final = 1
"""Part of every cache key: raise it when certificates must be made anew although no profile changed."""

CA_DAYS: Final = 3650
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def default_profiles() -> Path:
    """Return `fixtures/certs/profiles.toml` of the repository, or the copy inside an installed wheel."""
    ours = _REPOSITORY / "fixtures" / "certs" / "profiles.toml"
    return ours if ours.is_file() else Path(str(files("harness.lab").joinpath("profiles.toml")))


def default_cache() -> Path:
    """Return the key cache: beside the profiles in the repository, else in the user's cache folder."""
    if (_REPOSITORY / "fixtures" / "certs" / "profiles.toml").is_file():
        return _REPOSITORY / "fixtures" / "certs" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ketentest" / "certs"


@dataclass(frozen=True)
class Identity:
    """A key with its certificate and the CAs above it; the paths are files that `ssl` can load."""

    name: str
    spec: Spec
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    anchor: x509.Certificate
    folder: Path

    @property
    def cert_path(self) -> Path:
        """PEM: the leaf and its intermediates, without the root."""
        return self.folder / "cert.pem"

    @property
    def key_path(self) -> Path:
        """PEM: the private key (mode 0600)."""
        return self.folder / "key.pem"

    @property
    def anchor_path(self) -> Path:
        """PEM: the root that this certificate chains to."""
        return self.folder / "anchor.pem"

    @cached_property
    def key(self) -> PrivateKey:
        """The private key."""
        return _load_key(self.key_path)

    @property
    def der(self) -> bytes:
        """The leaf certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def oin(self) -> str:
        """The OIN in the subject, or an empty string."""
        return self.spec.oin


class Vault:
    """The key cache on disk: a folder per certificate, only ever renamed into place, never changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, digest: str, fresh: Callable[[x509.Certificate], bool], make: "Maker") -> Path:
        """Return the folder of a fresh certificate called `name`, made by `make` when there is none."""
        found = self._find(name, digest, fresh)
        if found:
            return found
        with self._locked():
            return self._find(name, digest, fresh) or self._store(name, digest, make())

    def made(self, name: str) -> list[x509.Certificate]:
        """Return every certificate in the cache that was made from profile `name`, variants included."""
        return [
            load_chain(folder / "cert.pem")[0]
            for folder in sorted(self.folder.glob(f"{name}-" + "[0-9a-f]" * 12 + "-*"))
        ]

    def _find(self, name: str, digest: str, fresh: Callable[[x509.Certificate], bool]) -> Path | None:
        for folder in sorted(self.folder.glob(f"{name}-{digest}-*"), reverse=True):
            with contextlib.suppress(OSError, ValueError):
                if fresh(load_chain(folder / "cert.pem")[0]) and (folder / "key.pem").is_file():
                    return folder
        return None

    def _store(self, name: str, digest: str, contents: Mapping[str, bytes]) -> Path:
        stamp = hashlib.sha256(contents["cert.pem"]).hexdigest()[:6]
        ends = load_pem(contents["cert.pem"])[0].not_valid_after_utc
        target = self.folder / f"{name}-{digest}-{ends:%Y%m%d}-{stamp}"
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder))
        for file, data in contents.items():
            handle = os.open(draft / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(data)
        draft.rename(target)
        return target

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as wrong:
            raise OwnFailure(
                f"de sleutelcache {self.folder} is niet te schrijven ({wrong.strerror}); geef schrijfrechten op die map",
                f"the key cache {self.folder} cannot be written ({wrong.strerror}); make that folder writable",
            ) from None
        try:
            # Without fcntl two processes may make the same certificate twice; the rename keeps each of them whole.
            with contextlib.suppress(ImportError):
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


Maker = Callable[[], Mapping[str, bytes]]


def load_pem(data: bytes) -> list[x509.Certificate]:
    """Return the certificates of a PEM file, first one first."""
    return x509.load_pem_x509_certificates(data)


def load_chain(path: Path) -> list[x509.Certificate]:
    """Return the certificates of the PEM file at `path`."""
    return load_pem(path.read_bytes())


def _load_key(path: Path) -> PrivateKey:
    # Our own cache: checking the primes again costs 50 ms a key.
    key = serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    return cast("PrivateKey", key)


class Profiles:
    """The tables of `profiles.toml`, with inheritance resolved."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.tables = tables

    @classmethod
    def load(cls, path: Path) -> "Profiles":
        """Read the file at `path`."""
        return cls(tomllib.loads(path.read_text(encoding="utf-8")))

    @property
    def names(self) -> tuple[str, ...]:
        """The profile names, in the order of the file."""
        return tuple(self.tables["profile"])

    def chain(self, hierarchy: str) -> tuple[str, ...]:
        """Return the CA names of a hierarchy, anchor first."""
        return tuple(self._table("hierarchy", hierarchy)["chain"])

    def authority(self, name: str) -> Spec:
        """Return what the CA called `name` looks like."""
        table = {"organisation": self.tables["defaults"]["organisation"], "days": CA_DAYS, "ca": True, "start": -30}
        usage = {"key_usage": ["keyCertSign", "cRLSign"]}
        return Spec.read(name, table | usage | self._table("ca", name))

    def leaf(self, name: str) -> Spec:
        """Return what the leaf certificate called `name` looks like."""
        own = self._own(name)
        hierarchy = self._table("hierarchy", own["hierarchy"])
        by_role = hierarchy.get("role", {}).get(own["role"], {})
        return Spec.read(name, self.tables["defaults"] | hierarchy.get("leaf", {}) | by_role | own)

    def _own(self, name: str) -> dict[str, Any]:
        table = dict(self._table("profile", name))
        base = table.pop("base", None)
        return self._own(base) | table if base else table

    def _table(self, kind: str, name: str) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", self.tables[kind][name])
        except KeyError:
            known = ", ".join(self.tables.get(kind, ()))
            raise OwnFailure(
                f"profiles.toml kent geen {kind} {name}; wel: {known}",
                f"profiles.toml has no {kind} {name}; it has: {known}",
            ) from None


class Pki:
    """All certificates of the lab.

    >>> pki = Pki()                                                        # doctest: +SKIP
    >>> pki.identity("own-tls").cert_path                                  # doctest: +SKIP
    >>> pki.issue("counterparty", hosts=("lab-digipoort.ketentest.test",)) # doctest: +SKIP
    """

    def __init__(self, profiles: Path | None = None, cache: Path | None = None, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.profiles = Profiles.load(profiles or default_profiles())
        self.vault = Vault(cache or default_cache())
        self._issuers: dict[str, Issuer] = {}
        self._identities: dict[str, Identity] = {}
        self.lists: dict[tuple[str, tuple[int, ...]], bytes] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names that `identity` takes."""
        return self.profiles.names

    @property
    def issued(self) -> tuple[Identity, ...]:
        """Every certificate that was handed out so far."""
        return tuple(self._identities.values())

    def identity(self, name: str) -> Identity:
        """Return the certificate of profile `name`, as the file describes it."""
        return self._identity(self.profiles.leaf(name))

    def issue(
        self,
        profile: str,
        *,
        oin: str | None = None,
        organisation: str | None = None,
        hosts: Sequence[str] | None = None,
        **changes: Any,
    ) -> Identity:
        """Return a variant of `profile` for one connection; a profile whose fault is its host or OIN keeps that."""
        spec = self.profiles.leaf(profile)
        if oin is not None and spec.oin and not spec.fixed_oin:
            changes["oin"] = oin
        if hosts is not None and not spec.fixed_hosts:
            changes["hosts"] = tuple(hosts)
        if organisation is not None:
            changes["organisation"] = organisation
        return self._identity(replace(spec, **changes))

    def anchors(self, *hierarchies: str) -> tuple[x509.Certificate, ...]:
        """Return the roots of the hierarchies (all trusted ones when none is named)."""
        roots = dict.fromkeys(self.profiles.chain(h)[0] for h in hierarchies or TRUSTED)
        return tuple(self.authority(root).certificate for root in roots)

    def intermediates(self, *hierarchies: str) -> tuple[x509.Certificate, ...]:
        """Return the CAs between root and leaf."""
        names = dict.fromkeys(ca for h in hierarchies or TRUSTED for ca in self.profiles.chain(h)[1:])
        return tuple(self.authority(name).certificate for name in names)

    def bundle(self, *hierarchies: str) -> Path:
        """Return a PEM file with the roots of the hierarchies."""
        data = pem(self.anchors(*hierarchies))
        digest = hashlib.sha256(data).hexdigest()[:12]
        path = self.vault.folder / f"anchors-{digest}.pem"
        if not path.is_file():
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_bytes(data)
            draft.replace(path)
        return path

    def authority(self, name: str) -> Issuer:
        """Return the CA called `name`, made together with the CAs above it."""
        if name not in self._issuers:
            spec = self.profiles.authority(name)
            above = self._above(name)
            folder = self.vault.keep(
                f"ca-{name}", self._digest(spec, above), self._lasting, lambda: self._files(spec, above)
            )
            certificate = load_chain(folder / "cert.pem")[0]
            self._issuers[name] = Issuer(name, certificate, _load_key(folder / "key.pem"), spec.signature)
        return self._issuers[name]

    def _identity(self, spec: Spec) -> Identity:
        issuers = [self.authority(ca) for ca in self.profiles.chain(spec.hierarchy)]
        above = None if spec.self_signed else issuers[-1]
        digest = self._digest(spec, above)
        if digest not in self._identities:
            chain = [] if spec.self_signed else [i.certificate for i in reversed(issuers[1:])]
            anchor = issuers[0].certificate
            folder = self.vault.keep(
                spec.name, digest, lambda c: self._fresh(c, spec), lambda: self._files(spec, above, chain, anchor)
            )
            leaf = load_chain(folder / "cert.pem")[0]
            own = leaf if spec.self_signed else anchor
            self._identities[digest] = Identity(spec.name, spec, leaf, tuple(chain), own, folder)
        return self._identities[digest]

    def _above(self, name: str) -> Issuer | None:
        for table in self.profiles.tables["hierarchy"].values():
            chain = table["chain"]
            if name in chain:
                place = chain.index(name)
                return self.authority(chain[place - 1]) if place else None
        raise OwnFailure(f"profiles.toml: CA {name} staat in geen keten", f"profiles.toml: CA {name} is in no chain")

    def _files(
        self,
        spec: Spec,
        above: Issuer | None,
        chain: Sequence[x509.Certificate] = (),
        anchor: x509.Certificate | None = None,
    ) -> dict[str, bytes]:
        key = new_key(spec.key)
        signed = replace(spec, signature=above.signature) if above and spec.signature == "sha256" else spec
        certificate = mint(signed, key, above, self.now)
        root = anchor if anchor and not spec.self_signed else certificate
        return {"cert.pem": pem([certificate, *chain]), "key.pem": key_pem(key), "anchor.pem": pem([root])}

    def _digest(self, spec: Spec, above: Issuer | None) -> str:
        issuer = above.certificate.fingerprint(hashes.SHA256()).hex() if above else ""
        text = json.dumps([FORMAT, asdict(spec), issuer], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _lasting(self, certificate: x509.Certificate) -> bool:
        return (
            certificate.not_valid_before_utc <= self.now < certificate.not_valid_after_utc - timedelta(days=CA_DAYS / 2)
        )

    def _fresh(self, certificate: x509.Certificate, spec: Spec) -> bool:
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if spec.start + spec.days <= 0:
            return end < self.now
        if spec.start > 0:
            return start > self.now + timedelta(days=1)
        return start <= self.now < end - timedelta(days=min(120, 0.75 * spec.days))


TRUSTED: Final = ("g1", "g4", "g4-other", "web")
"""The hierarchies that stand for PKIoverheid (and, for `web`, the public web) inside the lab."""


def main() -> None:
    """Fill the cache and print what is there (`make certs`)."""
    pki = Pki()
    rows = [("profile", "hierarchy", "role", "key", "serialNumber", "valid until", "host")]
    for name in pki.names:
        identity = pki.identity(name)
        spec = identity.spec
        ends = f"{identity.certificate.not_valid_after_utc:%Y-%m-%d}"
        rows.append((name, spec.hierarchy, spec.role, spec.key, spec.oin or "-", ends, " ".join(spec.hosts) or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201
    print(f"\n{len(rows) - 1} certificates in {pki.vault.folder}")  # noqa: T201


if __name__ == "__main__":
    main()
