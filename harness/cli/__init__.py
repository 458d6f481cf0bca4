"""The verbs of the `ketentest` command; each hands over to the module that does the work."""

import os
import sys
from pathlib import Path

import click

from harness.cli import attesting, checking, generating, reporting, running, serving, starting
from harness.cli.group import cli
from harness.cli.wording import sentence

__all__ = ["attesting", "checking", "cli", "generating", "main", "reporting", "running", "serving", "starting"]


def main() -> None:
    """Run the command; a mistake of the user is one sentence and an exit code, never a traceback."""
    from harness.errors import KetentestError

    try:
        cli.main(prog_name="ketentest", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        click.echo(sentence(wrong), err=True)
        sys.exit(2)
    except KetentestError as wrong:
        click.echo(wrong.text.of("nl"), err=True)
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("afgebroken / interrupted", err=True)
        sys.exit(3)
    except Exception as wrong:  # our own failure: one sentence, and the rest for who asks
        if os.environ.get("KETENTEST_DEBUG"):
            raise
        _own_failure(wrong)
        sys.exit(3)


def _own_failure(wrong: Exception) -> None:
    trace = wrong.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    what = f"{type(wrong).__name__}: {wrong} ({place})"
    click.echo(f"fout in testgereedschap: {what}. Meld dit; meer met KETENTEST_DEBUG=1", err=True)
