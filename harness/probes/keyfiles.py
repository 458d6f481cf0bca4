"""Look where a private key lies: who can read the file, and whether version control has it (PKIO-KEY-006)."""

import os
import stat
from collections.abc import Iterator

from harness.link import Material
from harness.lint.pki.keys import open_to_others
from harness.model import Finding, NotRun, Text
from harness.wire import git_index

_GUARDED = Text("versleuteld, of rechten 0600", "encrypted, or mode 0600")
_KEPT_OUT = Text("buiten versiebeheer", "outside version control")


def exposed(material: Material) -> Iterator[Finding | NotRun]:
    """Yield why the key file of `material` is not kept as a secret; nothing of its contents is told."""
    file = material.key_file
    if file is None or not file.is_file():
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if os.name != "nt" and open_to_others(mode) and not material.password:
        observed = Text(f"zonder wachtwoord, rechten {mode:04o}", f"without a password, mode {mode:04o}")
        yield Finding("PKIO-KEY-006", "", observed, _GUARDED, file.name)
    try:
        versioned = git_index.keeps(file.resolve())
    except (git_index.IndexUnreadable, OSError):
        nl = f"of {file.name} in git staat, is niet te zien; controleer het met git ls-files"
        yield NotRun("PKIO-KEY-006", Text(nl, f"whether {file.name} is in git cannot be seen; check with git ls-files"))
        return
    if versioned:
        yield Finding("PKIO-KEY-006", "versioned", Text("in git", "in git"), _KEPT_OUT, file.name)
