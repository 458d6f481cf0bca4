"""The verbs of the `ketentest` command; each hands over to the module that does the work."""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from harness.cli import attesting, checking, generating, reporting, running, serving, starting
from harness.cli.group import cli
from harness.cli.wording import language, sentence

if TYPE_CHECKING:
    from harness.errors import KetentestError

__all__ = ["attesting", "checking", "cli", "generating", "main", "reporting", "running", "serving", "starting"]


def main() -> None:
    """Run the command; a mistake of the user is one sentence and an exit code, never a traceback."""
    from harness.errors import KetentestError, unusable_path

    gc.set_threshold(50_000)  # a command is short and makes few cycles; looking for them took a tenth of its time
    try:
        cli.main(prog_name="ketentest", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as wrong:
        click.echo(sentence(wrong), err=True)
        sys.exit(2)
    except KetentestError as wrong:
        _told(wrong)
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
    except (click.Abort, KeyboardInterrupt):
        click.echo("afgebroken / interrupted", err=True)
        sys.exit(3)
    except Exception as wrong:  # our own failure: one sentence, and the rest for who asks
        if os.environ.get("KETENTEST_DEBUG"):
            raise
        if isinstance(wrong, OSError) and isinstance(wrong.filename, (str, os.PathLike)):
            _told(unusable_path(wrong))
        _own_failure(wrong)
        sys.exit(3)


def _told(wrong: "KetentestError") -> NoReturn:
    click.echo(wrong.text.of(language(sys.argv[1:])), err=True)
    sys.exit(wrong.exit_code)


def _own_failure(wrong: Exception) -> None:
    trace = wrong.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    what = f"{type(wrong).__name__}: {wrong} ({place})"
    click.echo(f"fout in testgereedschap: {what}. Meld dit; meer met KETENTEST_DEBUG=1", err=True)
