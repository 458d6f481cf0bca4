"""Look where a private key lies: who can read the file, and whether version control has it (PKIO-KEY-006)."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.link import Material
from harness.lint.pki.keys import open_to_others
from harness.model import Finding, Text

_GUARDED = Text("versleuteld, of rechten 0600", "encrypted, or mode 0600")
_KEPT_OUT = Text("buiten versiebeheer", "outside version control")


def exposed(material: Material) -> Iterator[Finding]:
    """Yield why the key file of `material` is not kept as a secret; nothing of its contents is told."""
    file = material.key_file
    if file is None or not file.is_file():
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name != "nt" and open_to_others(mode) and not material.password:
        observed = Text(f"zonder wachtwoord, rechten {mode:04o}", f"without a password, mode {mode:04o}")
        yield Finding("PKIO-KEY-006", "", observed, _GUARDED, file.name)
    if in_version_control(file):
        yield Finding("PKIO-KEY-006", "versioned", Text("in git", "in git"), _KEPT_OUT, file.name)


def in_version_control(file: Path) -> bool:
    """Whether the index of the git repository around `file` names it (index versions 2 and 3 hold plain paths)."""
    file = file.resolve()
    root = next((folder for folder in file.parents if (folder / ".git" / "index").is_file()), None)
    if root is None:
        return False
    path = file.relative_to(root).as_posix().encode()
    return b"".join((path, b"\0")) in (root / ".git" / "index").read_bytes()
