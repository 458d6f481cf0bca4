"""Say in Dutch what click says in English: the frame of a help page, and a mistake on the command line in one sentence."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import click

_HEADINGS: Final = {"Options": "Opties", "Commands": "Opdrachten", "Arguments": "Argumenten"}
_METAVARS: Final = {"PATH": "PAD", "TEXT": "TEKST", "FLOAT": "GETAL", "INTEGER": "GETAL"}
_USAGE: Final = (("[OPTIONS]", "[OPTIES]"), ("COMMAND [ARGS]...", "OPDRACHT …"))
_MARKS: Final = (("[default: ", "[standaard: "), ("; required]", "; verplicht]"), ("[required]", "[verplicht]"))
_MISTAKES: Final = (
    (r"No such command '(.+?)'", "{0!r} is geen opdracht"),
    (r"No such option:? '?(-[^\s'.]*[^\s'.])", "de optie {0} bestaat niet"),
    (r"Missing (?:option|argument|parameter) '(.+?)'", "{0} ontbreekt"),
    (r"Option '(.+)' requires an argument", "{0} vraagt een waarde"),
    (r"Option '(.+)' does not take a value", "{0} heeft geen waarde"),
    (r"Got unexpected extra arguments? \((.+)\)", "{0!r} is te veel"),
    (r"Invalid value for '(.+?)': '(.*)' is not a valid (?:float|integer)", "{0}: {1!r} is geen getal"),
    (r"Invalid value for '(?:.+?)': \w+ '(.*)' is not readable", "{0}: niet te lezen (geen rechten)"),
    (r"Invalid value for '?(--[\w-]+)'?: (.+)", "{0}: {1}"),
    (r"Invalid value: (.+)", "{0}"),
)
_CHOICE: Final = re.compile(r"Invalid value for '(.+?)': '(.*)' is not one of (.+)\.$", re.DOTALL)


class Formatter(click.HelpFormatter):
    """Writes a help page in Dutch."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how the command is called."""
        for english, dutch in _USAGE:
            args = args.replace(english, dutch)
        super().write_usage(prog, args, prefix or "Gebruik: ")

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(_HEADINGS.get(heading, heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        """Write options or commands with what they mean."""
        super().write_dl([(_term(term), _dutch(said)) for term, said in rows], *args, **kwargs)


def _term(term: str) -> str:
    option, blank, kind = term.rpartition(" ")
    return f"{option}{blank}{_METAVARS.get(kind, kind)}"


def _dutch(said: str) -> str:
    for english, dutch in _MARKS:
        said = said.replace(english, dutch)
    return {"Show this message and exit.": "Toon deze uitleg.", "Show the version and exit.": "Toon de versie."}.get(
        said, said
    )


def sentence(wrong: click.ClickException) -> str:
    """Return a mistake on the command line as one sentence, with where to read on."""
    message = wrong.format_message()
    if isinstance(wrong, click.exceptions.NoArgsIsHelpError):
        return message
    context = getattr(wrong, "ctx", None)
    if chosen := _CHOICE.match(message):
        message = _choice(*chosen.groups())
    for pattern, said in _MISTAKES:
        if found := re.match(pattern, message, re.DOTALL):
            message = said.format(*found.groups()) + _nearest(context, found[1])
            break
    path = context.command_path if context else "ketentest"
    end = "" if message.endswith("?") else "."
    return f"{path}: {message.rstrip('.')}{end} Zie `{path} --help`"


def _nearest(context: click.Context | None, word: str) -> str:
    """Return the command or option that looks like `word`, when there is one that it is not."""
    if context is None:
        return ""
    import difflib

    command = context.command
    known = list(getattr(command, "commands", ())) + [o for p in command.params for o in p.opts if o.startswith("--")]
    near = [] if word in known else difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; bedoelt u {near[0]}?" if near else ""


def _choice(option: str, word: str, listed: str) -> str:
    """Say that a word is none of those that an option takes, and which of them looks like it."""
    import difflib

    known = re.findall(r"'([^']+)'", listed)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"; bedoelt u {near[0]}? Kies uit " if near else "; kies uit "
    return f"{option}: {word!r} is onbekend{hint}{', '.join(known)}"


def language(words: Sequence[str]) -> str:
    """Return the language that a command line asks for with `--lang`; a wrong command line has one too."""
    asked = [after for word, after in pairwise((*words, "")) if word == "--lang"]
    asked += [word.partition("=")[2] for word in words if word.startswith("--lang=")]
    return "en" if asked and asked[-1].startswith("en") else "nl"
