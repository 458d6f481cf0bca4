"""The exceptions of the product, drawn as a tree.

KetentestError               one clear sentence for the user, and the exit code that goes with it
├── UnusableInput            exit 2: a file, option or scenario that cannot be used
│   ├── ScenarioInvalid      every mistake of chain.toml or attestations.toml at once
│   ├── DocumentUnreadable   a document that cannot be parsed at all (wrong kind, too large, hostile)
│   └── Refused              the guard: a host, message or consent that is not allowed
└── OwnFailure               exit 3: we or the environment failed, never the ketenpartner
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.model import Text


class KetentestError(Exception):
    """A sentence for the user, in Dutch and English; never shown with a traceback."""

    exit_code = 3

    def __init__(self, nl: str, en: str = "") -> None:
        self.text = Text(nl, en or nl)
        super().__init__(nl)


class UnusableInput(KetentestError):
    """The input cannot be used; nothing ran."""

    exit_code = 2


@dataclass(frozen=True)
class Mistake:
    """One mistake in a configuration file: where it stands, what it is and the remedy."""

    file: str
    line: int | None
    key: str
    text: Text

    def render(self, lang: str) -> str:
        """Return `file:line: key: sentence`, the form every editor can jump to."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.text.of(lang)}" if self.key else f"{place}: {self.text.of(lang)}"


class ScenarioInvalid(UnusableInput):
    """Every mistake of one configuration file, in the order of the file."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        super().__init__(
            "\n".join(m.render("nl") for m in mistakes),
            "\n".join(m.render("en") for m in mistakes),
        )


class DocumentUnreadable(UnusableInput):
    """A document that cannot be parsed: one sentence says why and what to do."""


class Refused(UnusableInput):
    """The guard refused before a packet left: host, message, consent or cap."""


class OwnFailure(KetentestError):
    """We failed, or the machine did; never a statement about the ketenpartner."""


_REASONS: Final[Mapping[int, Text]] = {
    errno.ENOENT: Text("bestaat niet", "does not exist"),
    errno.EACCES: Text("geen rechten", "no permission"),
    errno.EPERM: Text("geen rechten", "no permission"),
    errno.EISDIR: Text("is een map", "is a folder"),
    errno.ENOTDIR: Text("een deel van het pad is geen map", "part of the path is not a folder"),
    errno.EEXIST: Text("bestaat al", "exists already"),
    errno.ENAMETOOLONG: Text("de naam is te lang", "the name is too long"),
    errno.ELOOP: Text("de koppelingen in het pad wijzen naar elkaar", "the links in the path point at each other"),
    errno.EROFS: Text("alleen te lezen", "read-only"),
    errno.ENOSPC: Text("de schijf is vol", "the disk is full"),
    errno.EDQUOT: Text("het quotum is vol", "the quota is used up"),
    errno.EADDRINUSE: Text("al in gebruik", "in use already"),
    errno.EADDRNOTAVAIL: Text("geen adres van deze machine", "not an address of this machine"),
}
_OF_THE_MACHINE: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE))


def reason_of(wrong: OSError) -> Text:
    """Return in a few words why the operating system refused; its own words where we have none."""
    return _REASONS.get(wrong.errno or 0) or Text(*[wrong.strerror or type(wrong).__name__] * 2)


def unusable_path(wrong: OSError) -> KetentestError:
    """Return the sentence about a path of the user that cannot be read or written; a full disk is not his mistake."""
    kind = OwnFailure if wrong.errno in _OF_THE_MACHINE else UnusableInput
    reason = reason_of(wrong)
    return kind(
        f"{wrong.filename}: niet te lezen of te schrijven ({reason.nl}); controleer het pad en de rechten",
        f"{wrong.filename}: cannot be read or written ({reason.en}); check the path and the permissions",
    )
