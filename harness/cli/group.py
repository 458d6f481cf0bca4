"""The command to which every verb belongs, and the options that verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harness import __version__
from harness.cli.wording import Formatter

ORDER = ("init", "plan", "generate", "check", "run", "attest", "report", "verify", "explain", "lab", "clean")

click.Context.formatter_class = Formatter


class Verbs(click.Group):
    """A group whose verbs are listed in the order of the work, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs: those named in ORDER first."""
        return sorted(self.commands, key=lambda verb: ORDER.index(verb) if verb in ORDER else len(ORDER))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ketentest")
def cli() -> None:
    """Ketentesten met Logius en DICTU: een checklist met probes erin."""


def lang_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--lang nl|en`."""
    return click.option("--lang", type=click.Choice(["nl", "en"]), default="nl", show_default=True, help="Taal.")(
        function
    )


ROLE_NAMES = (
    "tls-server", "tls-client", "message-signing", "encryption", "bsn-encryption", "web", "beroep",
    "dv", "lc", "rd", "request", "response", "fault",
)  # fmt: skip


SCENARIO_ARGUMENT = click.argument(
    "scenario", metavar="[SCENARIO]", type=click.Path(path_type=Path), default=Path("scenarios/preprod")
)
