"""List what an installation of ketentest with all its extras consists of: CycloneDX, and the licences in plain text.

usage: python scripts/sbom.py FOLDER        writes ketentest-VERSION.cdx.json and LICENSES.txt in FOLDER
"""

import json
import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

EXTRAS = ("pdf", "sign", "fleet", "tables")
ROOT = Path(__file__).resolve().parents[1]
FONTS = """Fonts inside typst, of which a PDF holds the letters it uses:
  Libertinus Serif      OFL-1.1
  New Computer Modern   GUST Font License (LPPL-1.3c)
  DejaVu Sans Mono      Bitstream Vera, public domain changes
"""


def name_of(text: str) -> str:
    """Return a package name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", text).lower()


def shipped() -> dict[str, Distribution]:
    """Return every distribution that an installation with all extras needs."""
    found: dict[str, Distribution] = {}
    todo = [("ketentest", extra) for extra in ("", *EXTRAS)]
    done = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        try:
            one = found[name] = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is needed and not installed")
        for line in one.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(name_of(needed.name), more) for more in ("", *needed.extras)]
    return found


def licence(one: Distribution) -> str:
    """Return the licence as the package states it."""
    meta = one.metadata
    classifiers = [
        c.rsplit("::", 1)[-1].strip() for c in meta.get_all("Classifier") or () if c.startswith("License ::")
    ]
    text = (meta.get("License") or "").strip()
    short = text if 0 < len(text) < 60 else ""
    return meta.get("License-Expression") or ", ".join(classifiers) or short or "see the package"


def bill(names: set[str]) -> str:
    """Return the CycloneDX document of this environment, without what is only here to build and test."""
    command = ["cyclonedx-py", "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON"]
    command[0] = str(Path(sys.executable).with_name("cyclonedx-py"))
    done = subprocess.run([*command, sys.executable], capture_output=True, check=True, text=True)  # noqa: S603
    found = json.loads(done.stdout)
    found["components"] = [c for c in found["components"] if name_of(c["name"]) in names - {"ketentest"}]
    kept = {c["bom-ref"] for c in found["components"]} | {found["metadata"]["component"]["bom-ref"]}
    found["dependencies"] = [
        {**d, "dependsOn": [ref for ref in d.get("dependsOn", ()) if ref in kept]}
        for d in found["dependencies"]
        if d["ref"] in kept
    ]
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    version = next(v for v in SchemaVersion if v.to_version() == found["specVersion"])
    if wrong := JsonStrictValidator(version).validate_str(text):
        sys.exit(f"the bill of materials is not valid CycloneDX: {wrong}")
    return text


def main(folder: Path) -> None:
    """Write both lists."""
    found = shipped()
    version = found["ketentest"].version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"ketentest-{version}.cdx.json").write_text(bill(set(found)), encoding="utf-8")
    rows = [f"{name:<28}{one.version:<14}{licence(one)}" for name, one in sorted(found.items())]
    (folder / "LICENSES.txt").write_text("\n".join([*rows, "", FONTS]), encoding="utf-8")
    print(f"{len(found) - 1} packages beside ketentest {version}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
