"""Judge each channel against the row of its Digikoppeling profile (profile table, PROF)."""

from typing import Final

from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.wire.cpa import TO_PARTY_MSH, Characteristics

ROWS: Final = {
    "osb-be": "PROF-BE",
    "osb-rm": "PROF-RM",
    "osb-be-s": "PROF-BES",
    "osb-rm-s": "PROF-RMS",
    "osb-be-e": "PROF-BEE",
    "osb-rm-e": "PROF-RME",
}
COMMON: Final = (("isAuthorizationRequired", ("true", "1")),)


@table.rule(*ROWS.values())
def common_columns(doc: Doc, ctx: Context) -> Outcome:
    """Authorisation, an actor when acknowledgements are asked, and no signed ones where the profile has none."""
    for party, _, binding, channel in doc.business:
        rule = ROWS.get(doc.profile(party, channel))
        if rule is None:
            continue
        departures = _departures(binding.characteristics)
        if departures:
            yield at(binding.characteristics or binding, rule, f"{binding.action}: {', '.join(departures)}")
        if channel.reliable and not channel.actor:
            yield at(channel, rule, f"{channel.id}: actor –", TO_PARTY_MSH)
        if rule in ("PROF-BE", "PROF-RM", "PROF-BES", "PROF-BEE") and channel.ack_signature_requested == "always":
            yield at(channel, rule, f"{channel.id}: ackSignatureRequested=always", "never")


def _departures(traits: Characteristics | None) -> list[str]:
    if traits is None:
        return ["BusinessTransactionCharacteristics –"]
    return [f"{name}={traits.get(name) or '–'}" for name, allowed in COMMON if traits.get(name) not in allowed]


@table.rule("PROF-DET")
def recognisable(doc: Doc, ctx: Context) -> Outcome:
    """A business channel belongs to one of the six profiles."""
    seen = set()
    for party, _, _, channel in doc.business:
        key = (id(party), channel.id)
        if key not in seen and channel.ack_requested in ("always", "never") and not doc.profile(party, channel):
            exchange = party.doc_exchange_of(channel)
            sides = [
                "+".join(
                    name for name, part in (("NonRepudiation", s.signing), ("DigitalEnvelope", s.envelope)) if part
                )
                or "–"
                for s in (exchange.sides if exchange else ())
            ]
            yield at(channel, "PROF-DET", f"{channel.id}: {' / '.join(sides)}", ", ".join(ROWS))
        seen.add(key)
