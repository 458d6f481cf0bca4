"""The exceptions of the product, drawn as a tree.

KetentestError               one clear sentence for the user, and the exit code that goes with it
├── UnusableInput            exit 2: a file, option or scenario that cannot be used
│   ├── ScenarioInvalid      every mistake of chain.toml or attestations.toml at once
│   ├── DocumentUnreadable   a document that cannot be parsed at all (wrong kind, too large, hostile)
│   └── Refused              the guard: a host, message or consent that is not allowed
└── OwnFailure               exit 3: we or the environment failed, never the ketenpartner
"""

from dataclasses import dataclass

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
