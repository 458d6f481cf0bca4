"""What every sending of business messages shares: the checks before a packet leaves, the journal, the outcome in words."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from harness.chaintest.journal import BEGUN, NOT_SENT, Entry, Journal
from harness.chaintest.persons import refuse_strangers
from harness.chaintest.testset import Prepared
from harness.errors import Refused
from harness.guard import Reach, host_of
from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.msg import judge_message
from harness.model import NOTHING, Environment, Finding, NotRun, Observation, Text
from harness.probes.msg_material import messages_of, schemas_of, test_persons
from harness.probes.probe import NotPossible, Tools, Yield
from harness.window import AMSTERDAM, listed, outside

ACKNOWLEDGED: Final = "acknowledged"
REFUSED: Final = "refused"
SILENT: Final = "unacknowledged"
RECEIVED: Final = "received"
"""Nothing was acknowledged, but the counterparty said when asked that it has the message."""
BEFORE_SENDING: Final = ("dns", "connect", "connect-timeout", "tls", "tls-timeout")
"""At these stages of a failure no byte of the message had left."""
JOURNAL: Final = "verzonden.jsonl"


@dataclass
class Outcome:
    """What became of one prepared message; `earlier` when a previous run had sent it."""

    message: Prepared
    state: str = ""
    message_id: str = ""
    answer_id: str = ""
    seconds: float = 0.0
    attempts: int = 1
    at: str = ""
    earlier: Entry | None = None
    note: Text = NOTHING
    items: list[Yield] = field(default_factory=list)

    @property
    def observation(self) -> Observation:
        """One line for the report: scenario, MessageId, answer and time."""
        said = STATES.get(self.state, Text(self.state, self.state))
        again = (
            Text(" (eerdere run, niet opnieuw verzonden)", " (earlier run, not sent again)")
            if self.earlier
            else Text("", "")
        )
        name, at, note = self.message.id, self.at, self.note
        return Observation(
            Text(f"{name}: {at} {said.nl}{note.nl}{again.nl}", f"{name}: {at} {said.en}{note.en}{again.en}"),
            (
                ("bericht", name),
                ("scenario", self.message.scenario),
                ("MessageId", self.message_id),
                ("MessageId antwoord", self.answer_id),
                ("SHA-256", self.message.digest),
            ),
        )


STATES: Final = {
    ACKNOWLEDGED: Text("verzonden en bevestigd", "sent and acknowledged"),
    REFUSED: Text("verzonden en geweigerd", "sent and refused"),
    SILENT: Text("verzonden, niet bevestigd", "sent, not acknowledged"),
    RECEIVED: Text("verzonden, volgens een StatusResponse ontvangen", "sent, received as a StatusResponse says"),
    BEGUN: Text("verzonden, uitkomst niet bekend", "sent, outcome not known"),
    NOT_SENT: Text("niet verzonden", "not sent"),
    "foutbericht": Text("verzonden en beantwoord met een foutbericht", "sent and answered with an error message"),
    "delivered": Text("aangeleverd", "delivered"),
    "registered": Text("aangenomen", "taken"),
}


def journal_of(link: Link, tools: Tools) -> Journal:
    """Return the journal of this scenario: beside it, or with the runs when the lab plays the counterparty."""
    if "msg.journal" not in tools.shared:
        run = tools.folder.name if tools.folder else ""
        lab = link.environment is Environment.LAB
        folder = (tools.folder.parent if tools.folder else None) if lab else link.folder
        tools.shared["msg.journal"] = Journal(folder / JOURNAL if folder else None, run)
    found: Journal = tools.shared["msg.journal"]
    return found


def key_of(link: Link, url: str, message: Prepared) -> str:
    """Return the key of a message in the journal: the same content to the same host and environment, whatever its file."""
    whole = f"{link.environment} {link.party.oin} {host_of(url)} {message.digest}"
    return hashlib.sha256(whole.encode()).hexdigest()


def permitted(link: Link, tools: Tools, url: str) -> list[Prepared]:
    """Return the messages that may leave; raises Refused or NotPossible before a packet does.

    Two consents and a known host (the guard), the agreed period, and no BSN but those of the test persons.
    """
    tools.exchange.guard.check(host_of(url), Reach.WRITE, permission=link.connection.allow_write)
    messages, persons = messages_of(link, tools), test_persons(link)
    if not persons and link.connection.system == "lopende-zaken":
        raise NotPossible(
            'geen lijst met test-BSN’s: zet test_bsns = "env:NAAM" of "file:PAD"; zonder lijst gaat er geen bericht uit',
            'no list of test BSNs: set test_bsns = "env:NAME" or "file:PATH"; without it no message leaves',
        )
    for message in messages:
        refuse_strangers(message.data, persons, message.id)
    _in_period(link, tools)
    return messages


def _in_period(link: Link, tools: Tools) -> None:
    if link.environment is not Environment.PREPROD:
        return
    agreed = [window.period for window in link.connection.window]
    if not agreed and link.connection.system == "lopende-zaken":
        raise NotPossible(
            "geen afgesproken periode: stem haar af met het Servicecentrum (5.3.3) en zet window in het scenario",
            "no agreed period: agree it with the Servicecentrum (5.3.3) and set window in the scenario",
        )
    if outside(tools.now(), agreed):
        shown, now = listed(agreed), f"{tools.now().astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
        raise Refused(
            f"buiten de afgesproken periode ({shown.nl}; nu {now}); er is niets verstuurd",
            f"outside the agreed period ({shown.en}; now {now}); nothing was sent",
        )


async def invalid(link: Link, tools: Tools, messages: list[Prepared]) -> list[Finding]:
    """Return where the messages depart from the XSDs: an invalid message does not leave."""
    schemas = schemas_of(link, tools)

    def judged() -> list[Finding]:
        found = (f for m in messages for f in judge_message(Raw(m.data, m.file or m.id), schemas))
        return [finding for finding in found if finding.rule in ("MSG-001", "MSG-003", "MSG-004", "MSG-005", "MSG-012")]

    return await asyncio.to_thread(judged)


def told_before(outcome: Outcome) -> Iterator[Yield]:
    """Say of a message that an earlier run sent what its journal knows; the sending itself is not repeated."""
    entry = outcome.earlier
    if entry is None:
        return
    where = outcome.message.id
    when = f"{entry.when.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"
    if entry.open:
        reason = Text(
            f"{where}: verzonden op {when} (MessageId {entry.message_id}) zonder bekende uitkomst; het gaat niet nog eens uit",
            f"{where}: sent on {when} (MessageId {entry.message_id}) without a known outcome; it is not sent again",
        )
        yield NotRun("MSG-024", reason)
        return
    yield Finding("MSG-025", observed=f"{entry.message_id} ({when})", where=where)
    words = dict(entry.words)
    if "rule" in words:
        yield Finding(
            words["rule"], case=words.get("case", ""), where=where,
            observed=Text(words.get("nl", ""), words.get("en", words.get("nl", ""))),
            expected=Text(words.get("who_nl", ""), words.get("who_en", "")),
        )  # fmt: skip


def kept(finding: Finding) -> dict[str, str]:
    """Return a finding as the words of the journal, so that a later run can tell it again."""
    observed = finding.observed if isinstance(finding.observed, Text) else Text(finding.observed, finding.observed)
    expected = finding.expected if isinstance(finding.expected, Text) else Text(finding.expected, finding.expected)
    return {
        "rule": finding.rule, "case": finding.case, "nl": observed.nl, "en": observed.en,
        "who_nl": expected.nl, "who_en": expected.en,
    }  # fmt: skip


def left_over(messages: list[Prepared], outcomes: list[Outcome], why: Text) -> Iterator[NotRun]:
    """Say which messages did not get their turn."""
    done = {outcome.message.id for outcome in outcomes if outcome.state != NOT_SENT}
    waiting = [message.id for message in messages if message.id not in done]
    if waiting:
        names = ", ".join(waiting[:5]) + (" …" if len(waiting) > 5 else "")
        count = len(waiting)
        yield NotRun(
            "MSG-028",
            Text(
                f"{count} berichten zijn nog niet verzonden ({names}): {why.nl}",
                f"{count} messages were not sent yet ({names}): {why.en}",
            ),
        )


def went(outcomes: Iterable[Outcome]) -> list[tuple[str, str, str]]:
    """Return the name, the scenario and the MessageId of every message that was taken, in this run or before."""
    taken = (ACKNOWLEDGED, RECEIVED, "foutbericht", "delivered", "registered")
    return [(o.message.id, o.message.scenario, o.message_id) for o in outcomes if o.state in taken]


def confirmations(link: Link, tools: Tools, sent: Iterable[tuple[str, str, str]]) -> Iterator[Observation]:
    """Write a form with a block per message that was sent: who saw it, when, and on which picture (LZ 5.3.3).

    `sent` holds the name, the scenario and the MessageId of each.
    """
    step = CONFIRMED.get(link.connection.system, "")
    blocks = [_block(link, step, *one) for one in sent]
    if not blocks or not step:
        return
    path = tools.save("bevestigingen.toml", "\n".join((FORM, *blocks)).encode())
    yield Observation(
        Text(
            f"formulier voor de bevestiging van {len(blocks)} berichten (stap {step}): {path}",
            f"form to confirm {len(blocks)} messages (step {step}): {path}",
        )
    )


CONFIRMED: Final = {"lopende-zaken": "LZ-5.3.3c", "digipoort": "DP-7", "digimelding": "DM-3W.2"}
WITNESS: Final = {
    "lopende-zaken": "is gezien in het burgerportaal van preproductie",
    "digipoort": "is bevestigd door de uitvragende partij",
    "digimelding": "is bevestigd door de basisregistratie",
}
FORM: Final = """# One block per message. Fill in by, function and date, take a picture without a BSN, and move what was confirmed to
# attestations.toml beside the scenario; `ketentest attest` writes the digest of the file. A test DigiD account never
# stands here: count the persons, do not name them.
"""


def _block(link: Link, step: str, name: str, scenario: str, message_id: str) -> str:
    words = {
        "step": step,
        "connection": link.name,
        "item": name,
        "by": "",
        "function": "",
        "statement": f"Scenario {scenario or name}, MessageId {message_id}: {WITNESS[link.connection.system]}.",
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in words.items()]
    return "\n".join(["[[attest]]", *lines, "# date = 2026-11-23", f'# file = "bewijs/{name}.png"', ""])
