"""Find the certificates of the other environment, and those of the other connections, to compare ours with."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.link import Link
from harness.lint.judge import Raw
from harness.model import Environment
from harness.scenario import LAB

BESIDE: Final = {
    "preprod": ("productie", "prod"),
    "compliance": ("productie", "prod"),
    "prod": ("preprod", "preproductie"),
}


def scenario_beside(link: Link) -> Path | None:
    """Return the scenario of the other environment: `../productie/chain.toml`, or from there `../preprod/chain.toml`."""
    folders = BESIDE.get(str(link.connection.environment), ())
    files = (link.folder.parent / name / "chain.toml" for name in folders)
    return next((file for file in files if file.is_file()), None)


def other_environment(link: Link) -> Iterator[Raw]:
    """Yield the certificates of that scenario, their public part only: keys and passwords are not opened."""
    file = scenario_beside(link)
    if file is None:
        return
    relation = "preprod" if link.connection.environment is Environment.PROD else "prod"
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("certificates", {})
    except (OSError, ValueError):
        return
    for name, table in tables.items() if isinstance(tables, dict) else ():
        cert = table.get("cert", LAB) if isinstance(table, dict) else LAB
        place = file.parent / str(cert)
        if cert != LAB and place.is_file():
            yield Raw(place.read_bytes(), f"{file.parent.name}: {name}", relation=relation)


def shared_with(link: Link, role: str) -> list[str]:
    """Return the connections of other services that use the certificate of this TVS connection in any role (S4 5)."""
    name = dict(link.connection.certificates).get(role)  # type: ignore[call-overload]
    if not link.connection.system.startswith("tvs") or link.environment is Environment.LAB or not name:
        return []
    others = (c for c in link.others if not c.system.startswith("tvs"))
    return [c.name for c in others if name in c.certificates.values()]
