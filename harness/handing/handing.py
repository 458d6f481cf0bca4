"""From the options of `ketentest report` to a signed PDF and a bundle for the archive.

Signing and packing bring large libraries along; they are imported by whom asks for them, not by every report.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UnusableInput
from harness.report.write import Written

if TYPE_CHECKING:
    from harness.handing.seal import Seal


def seal_of(sign: str, key: str, password: str, timestamp: str, now: datetime) -> "Seal | None":
    """Return what signs, or None; a key without a certificate is a mistake.

    >>> seal_of("", "", "", "", datetime(2026, 11, 21)) is None
    True
    """
    if not sign:
        if key or password or timestamp:
            raise UnusableInput(
                "--sign-key, --sign-password en --timestamp horen bij --sign CERT",
                "--sign-key, --sign-password and --timestamp belong to --sign CERT",
            )
        return None
    from harness.handing.keys import load
    from harness.handing.seal import Seal

    return Seal(load(sign, key, password), now, timestamp)


def check_bundle(detail: str) -> None:
    """Refuse a bundle beside a report that leaves internal names out."""
    if detail == "technisch":
        raise UnusableInput(
            "--bundle past niet bij --detail technisch: het runbestand en het bewijs noemen interne adressen en namen",
            "--bundle does not go with --detail technisch: run file and evidence name internal addresses and people",
        )


def hand_in(written: Written, seal: "Seal | None") -> tuple[Path, ...]:
    """Pack every folder of reports in a bundle."""
    from harness.handing.bundle import Load, pack

    bundles = []
    for parcel in written.parcels:
        newest = max(parcel.runs, key=lambda run: run.info.started)
        attested = Path(newest.info.scenario).parent
        bundles.append(
            pack(parcel.folder, Load(parcel.files, parcel.runs, parcel.ledger, parcel.connections, attested), seal)
        )
    return tuple(bundles)


def told(seal: "Seal | None", lang: str, *, bundle: bool) -> str:
    """Say after signing what the signature is worth and how anybody verifies the bundle."""
    if seal is None:
        return ""
    from harness.handing.bundle import how_to_verify
    from harness.handing.seal import REPLACES_NOTHING

    lines = [seal.kind.of(lang), REPLACES_NOTHING.of(lang)]
    lines += [how_to_verify(seal.key).of(lang)] if bundle else []
    return "\n".join(lines) + "\n"
