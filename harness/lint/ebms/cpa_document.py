"""What the rules on a CPA share: the document, the table of rules, and where a finding points."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from harness.lint.ebms import reading
from harness.lint.judge import Raw, RuleTable
from harness.model import Finding, NotRun, Words
from harness.wire.cpa import (
    Binding,
    BindingSide,
    Channel,
    CollaborationRole,
    Cpa,
    Endpoint,
    Part,
    PartyInfo,
    TransportSide,
)

Outcome = Iterator[Finding | NotRun]
PROFILES: Final = ("osb-be", "osb-rm", "osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e")


@dataclass(frozen=True)
class Doc:
    """A CPA, the bytes it came from, and the companions that are CPAs or specifications."""

    raw: Raw
    cpa: Cpa
    companions: tuple[Raw, ...] = field(default=())

    @cached_property
    def business(self) -> tuple[tuple[PartyInfo, CollaborationRole, Binding, Channel], ...]:
        """Every action with a channel that exists."""
        return tuple(
            (party, role, binding, channel)
            for party in self.cpa.parties
            for role, binding in party.bindings
            for channel_id in binding.channel_ids[:1]
            for channel in [party.channel(channel_id)]
            if channel
        )

    @cached_property
    def channels(self) -> tuple[tuple[PartyInfo, Channel], ...]:
        """Every channel that is used: by an action, as the default for MSH signals, or for one of them."""
        used = {id(party): _used(party) for party in self.cpa.parties}
        return tuple((p, channel) for p in self.cpa.parties for channel in p.channels if channel.id in used[id(p)])

    @cached_property
    def busy(self) -> frozenset[tuple[int, str]]:
        """The channels (party and id) that carry business actions."""
        return frozenset((id(party), channel.id) for party, _, _, channel in self.business)

    def carries_business(self, party: PartyInfo, channel: Channel) -> bool:
        """Whether an action of `party` uses `channel`."""
        return (id(party), channel.id) in self.busy

    @cached_property
    def transports(self) -> tuple[tuple[PartyInfo, TransportSide | None, TransportSide | None], ...]:
        """Sender and receiver of every transport that a used channel has."""
        seen: dict[tuple[int, str], tuple[PartyInfo, TransportSide | None, TransportSide | None]] = {}
        for party, channel in self.channels:
            transport = party.transport_of(channel)
            if transport:
                seen[id(party), transport.id] = (party, transport.sender, transport.receiver)
        return tuple(seen.values())

    @cached_property
    def endpoints(self) -> tuple[tuple[PartyInfo, TransportSide, Endpoint], ...]:
        """Every endpoint of a used transport."""
        return tuple((p, receiver, e) for p, _, receiver in self.transports if receiver for e in receiver.endpoints)

    @cached_property
    def sides(self) -> tuple[BindingSide, ...]:
        """Sender and receiver binding of every used channel, once."""
        exchanges = [party.doc_exchange_of(channel) for party, channel in self.channels]
        return tuple({id(side): side for exchange in exchanges if exchange for side in exchange.sides}.values())

    @cached_property
    def _profiles(self) -> dict[int, str]:
        return {}

    def profile(self, party: PartyInfo, channel: Channel) -> str:
        """Return the Digikoppeling profile of a channel (see `profile_of`)."""
        known = self._profiles.get(id(channel))
        if known is None:
            known = self._profiles[id(channel)] = profile_of(party, channel)
        return known

    @property
    def is_echo(self) -> bool:
        """Whether this is the fixed CPA of Logius' compliance facility."""
        return self.cpa.cpaid == "CPAID_EchoService-1-0" and any(
            i.type == "urn:cv:oin" for p in self.cpa.parties for i in p.ids
        )


def _used(party: PartyInfo) -> set[str]:
    """Return the ids of the channels that an action or an MSH signal of `party` goes over."""
    named = {channel_id for _, binding in party.bindings for channel_id in binding.channel_ids}
    return named | {party.default_channel_id} | {override.channel_id for override in party.overrides}


table = RuleTable[Doc]()


def at(part: Part, rule: str, observed: Words = "", expected: Words = "", case: str = "") -> Finding:
    """Return a finding that points at `part`."""
    return reading.at(rule, part.node, case, observed, expected)


def profile_of(party: PartyInfo, channel: Channel) -> str:
    """Return the Digikoppeling profile of a channel, from what it says and never from its name; empty when it is none."""
    ways = {"always": "osb-rm", "never": "osb-be"}
    way = ways.get(channel.ack_requested)
    exchange = party.doc_exchange_of(channel)
    if way is None or exchange is None:
        return ""
    signed = [bool(side.signing) for side in exchange.sides]
    sealed = [bool(side.envelope) for side in exchange.sides]
    if any(sealed):
        return f"{way}-e" if all(sealed) and all(signed) else ""
    if any(signed):
        return f"{way}-s" if all(signed) else ""
    return way
