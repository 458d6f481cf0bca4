"""What a fault of the lab's MSH is: a healthy answer with one deviation, and the rule that it provokes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.lab.server import Reply
from harness.lint.ebms.rejection import ERROR, Rejection
from harness.model import Text
from harness.wire.ebms import EbmsError
from harness.wire.ebms_signature import Recipe

Edit = Callable[[str], str]
MESSAGE: Final = "message"
"""The business message that the lab sends back (the echo)."""


@dataclass(frozen=True)
class Fault:
    """One deviation.

    `on` is the action whose message is changed; `edit` changes its envelope before it is signed, `after` when it is
    signed. `reply` is answered instead of reading the message; `refusal` refuses a message of the kind `refuses` (any
    when empty). `behaviour` is a word that the MSH knows. The actions in `mute` are not sent at all.
    """

    rule: str
    text: Text
    on: str = ""
    edit: Edit | None = None
    after: Edit | None = None
    recipe: Recipe | None = None
    headers: tuple[tuple[str, str], ...] = ()
    reply: Reply | None = None
    refusal: Rejection | None = None
    refuses: str = ""
    behaviour: str = ""
    delay: float = 0.0
    mute: tuple[str, ...] = ()


def swapped(old: str, new: str) -> Edit:
    """Return an edit that puts `new` for the first `old`."""
    return lambda envelope: envelope.replace(old, new, 1)


def substituted(pattern: str, new: str) -> Edit:
    """Return an edit that puts `new` for the first match of `pattern`."""
    return lambda envelope: re.sub(pattern, new, envelope, count=1, flags=re.DOTALL)


def refusing(nl: str, en: str, code: str, location: str, description: str, rule: str = "ERR-020") -> Fault:
    """Return a refusal by MessageError: of business messages, or of everything when it is about a Ping."""
    error = EbmsError(code, "Error", location, description)
    refuses = "" if rule == "PONG-014" else MESSAGE
    return Fault(rule, Text(nl, en), refusal=Rejection(ERROR, errors=(error,)), refuses=refuses)
