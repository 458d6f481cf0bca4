"""Judge acknowledgements, duplicates, synchronous replies and retries of a CPA (CPA-050 … CPA-066)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.ebms.durations import count, seconds
from harness.lint.judge import Context
from harness.model import Text
from harness.wire.cpa import TO_PARTY_MSH, BindingSide, Channel, PartyInfo, Reliability

#: Retries, interval and persist duration of the standards and tools in use.
DEFAULTS: Final = (("8", "PT3H", "P1D"), ("8", "PT3H", "P8D"), ("8", "PT3H", "P2D"), ("5", "PT5M", "PT30M"))


@table.rule("CPA-050")
def settled(doc: Doc, ctx: Context) -> Outcome:
    """Acknowledgement and duplicate elimination are always or never, not left to each message."""
    for _, channel in doc.channels:
        for name, value in (
            ("ackRequested", channel.ack_requested),
            ("duplicateElimination", channel.duplicate_elimination),
        ):
            if value not in ("always", "never"):
                absent = name in channel.absent
                shown = (
                    Text(f"{name} ontbreekt, dus {value}", f"{name} is absent, hence {value}")
                    if absent
                    else f"{name}={value}"
                )
                yield at(channel, "CPA-050", shown, "always, never")


@table.rule("CPA-051", "CPA-052", "CPA-053")
def sync_reply(doc: Doc, ctx: Context) -> Outcome:
    """Answers do not come in the HTTP response; signals may, for reliable messages and by agreement."""
    for party, channel in doc.channels:
        if channel.sync_reply_mode in ("responseOnly", "signalsAndResponse", "signalsOnly"):
            yield at(channel, "CPA-051", channel.sync_reply_mode, "none")
        elif channel.synchronous and channel.ack_requested == "never" and doc.carries_business(party, channel):
            yield at(channel, "CPA-053", channel.sync_reply_mode, "none")
        elif channel.synchronous:
            yield at(channel, "CPA-052", channel.sync_reply_mode, "none")


@table.rule("CPA-054")
def acks_and_duplicates(doc: Doc, ctx: Context) -> Outcome:
    """Acknowledgements and duplicate elimination go together."""
    for _, channel in doc.channels:
        pair = (channel.ack_requested, channel.duplicate_elimination)
        if set(pair) == {"always", "never"}:
            yield at(channel, "CPA-054", f"ackRequested={pair[0]}, duplicateElimination={pair[1]}", pair[0])


@table.rule("CPA-055")
def actor(doc: Doc, ctx: Context) -> Outcome:
    """Acknowledgements are end to end."""
    for _, channel in doc.channels:
        if channel.actor and channel.actor != TO_PARTY_MSH:
            yield at(channel, "CPA-055", channel.actor, TO_PARTY_MSH)


@table.rule("CPA-056")
def signed_acks(doc: Doc, ctx: Context) -> Outcome:
    """Signed reliable messages are acknowledged with a signature."""
    for party, channel in doc.channels:
        signed = doc.profile(party, channel) in ("osb-rm-s", "osb-rm-e")
        if signed and channel.ack_signature_requested != "always":
            yield at(channel, "CPA-056", f"ackSignatureRequested={channel.ack_signature_requested}", "always")


def _sides(doc: Doc) -> Iterator[tuple[PartyInfo, Channel, str, BindingSide | None]]:
    for party, channel in doc.channels:
        exchange = party.doc_exchange_of(channel)
        if exchange:
            yield party, channel, "ebXMLSenderBinding", exchange.sender
            yield party, channel, "ebXMLReceiverBinding", exchange.receiver


@table.rule("CPA-060", "CPA-065")
def reliable_block(doc: Doc, ctx: Context) -> Outcome:
    """A reliable channel says how it repeats, on both sides; a best-effort channel does not."""
    for party, channel, name, side in _sides(doc):
        if channel.ack_requested == "always" and (side is None or side.reliability is None):
            exchange = party.doc_exchange_of(channel)
            yield at(
                side or exchange or channel,
                "CPA-060",
                Text(f"geen ReliableMessaging in {name}", f"no ReliableMessaging in {name}"),
            )
        elif channel.ack_requested == "never" and side and side.reliability:
            yield at(side.reliability, "CPA-065", name)


def _blocks(doc: Doc) -> list[tuple[PartyInfo, BindingSide, Reliability]]:
    """Return every ReliableMessaging block of a reliable channel, once."""
    seen: dict[int, tuple[PartyInfo, BindingSide, Reliability]] = {}
    for party, channel, _, side in _sides(doc):
        if channel.ack_requested == "always" and side and side.reliability:
            seen[id(side.reliability)] = (party, side, side.reliability)
    return list(seen.values())


@table.rule("CPA-061")
def retries(doc: Doc, ctx: Context) -> Outcome:
    """A message is repeated at least once, after a real interval."""
    for _, _, block in _blocks(doc):
        if (count(block.retries) or 0) < 1:
            yield at(block, "CPA-061", f"Retries {block.retries or '–'}", "≥ 1")
        if not (seconds(block.interval) or 0) > 0:
            yield at(block, "CPA-061", f"RetryInterval {block.interval or '–'}", "> PT0S")


@table.rule("CPA-062")
def kept_long_enough(doc: Doc, ctx: Context) -> Outcome:
    """Messages are remembered longer than they are repeated."""
    for _, side, block in _blocks(doc):
        interval, kept, times = seconds(block.interval), seconds(side.persist), count(block.retries)
        if not interval or kept is None or times is None:
            continue
        needed = (times + 1) * interval
        if kept < needed:
            hours = f"{needed / 3600:g}"
            yield at(
                block,
                "CPA-062",
                f"PersistDuration {side.persist}",
                Text(
                    f"minstens ({block.retries} + 1) × {block.interval} = {hours} uur",
                    f"at least ({block.retries} + 1) × {block.interval} = {hours} hours",
                ),
            )


@table.rule("CPA-063")
def other_than_default(doc: Doc, ctx: Context) -> Outcome:
    """Values other than those of standard and tools are reported."""
    shown = {(b.retries, b.interval, s.persist): b for _, s, b in _blocks(doc)}
    for values, block in shown.items():
        if values not in DEFAULTS and block.retries:
            yield at(block, "CPA-063", f"{values[0]} × {values[1]}, {values[2] or '–'}", "8 × PT3H")


@table.rule("CPA-064")
def unordered(doc: Doc, ctx: Context) -> Outcome:
    """The order of messages is not guaranteed."""
    for _, _, block in _blocks(doc):
        if block.order == "Guaranteed":
            yield at(block, "CPA-064", block.order, "NotGuaranteed")


@table.rule("CPA-066")
def equal_retries(doc: Doc, ctx: Context) -> Outcome:
    """Both parties repeat equally often, at the same interval."""
    by_party: dict[int, list[Reliability]] = {}
    for party, _, block in _blocks(doc):
        by_party.setdefault(id(party), []).append(block)
    for mine, theirs in pairwise(by_party.values()):
        one, other = ({(b.retries, b.interval) for b in blocks} for blocks in (mine, theirs))
        if one != other:
            shown = " / ".join(", ".join(f"{n} × {i}" for n, i in sorted(pairs)) for pairs in (one, other))
            yield at(theirs[0], "CPA-066", shown)
