"""What every signed message shares: schema, ID, version, moment, Issuer and signature, under the id of its own rule."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context, not_run
from harness.lint.saml.delivered import BREACHES, STATES, saw
from harness.lint.saml.heard import ALGORITHM, NO_METADATA, OLD, Heard, instant, shown
from harness.model import Finding, NotRun, Text
from harness.wire.saml import (
    ENTITY_FORMAT,
    NCNAME,
    SAML,
    Element,
    q,
    text_of,
)
from harness.wire.saml_schema import schema_errors
from harness.wire.saml_signature import Breach, State

UNGUESSABLE: Final = 60.0
_RUN: Final = re.compile(r"(.)\1{8}")
_UTC: Final = re.compile(r"(?:Z|[+-]00:00)\s*\Z")


def schema_findings(rule: str, doc: Heard) -> Iterator[Finding]:
    """Yield the schema errors of the message."""
    for line, message in schema_errors(doc.message.root):
        yield Finding(rule, observed=message, line=line)


def id_findings(rule: str, element: Element) -> Iterator[Finding]:
    """The @ID is an NCName with enough randomness in it."""
    value = element.get("ID") or ""
    if not NCNAME.fullmatch(value):
        yield saw(rule, element, value[:80] or "—", "NCName", case="name")
    elif len(value.strip("_")) < 20 or _spread(value) < UNGUESSABLE or _RUN.search(value):
        yield saw(rule, element, value[:80], "≥ 128 bits", case="guessable")


def _spread(value: str) -> float:
    """Return how many bits the characters of `value` can tell apart: a counter behind zeros tells few."""
    counted = Counter(value)
    return -sum(n * math.log2(n / len(value)) for n in counted.values())


def version_findings(rule: str, element: Element) -> Iterator[Finding]:
    """The version is 2.0."""
    if element.get("Version") != "2.0":
        yield saw(rule, element, element.get("Version") or "—", "2.0")


def instant_findings(rule: str, element: Element, ctx: Context) -> Iterator[Finding]:
    """The message was made now: not a second in the future, not more than five minutes ago."""
    moment = instant(element)
    if moment is None:
        yield saw(rule, element, element.get("IssueInstant") or "—", case="unreadable")
    elif not moment.zoned or not _UTC.search(element.get("IssueInstant") or ""):
        yield saw(rule, element, element.get("IssueInstant") or "", "…Z", case="zone")
    elif moment.at > ctx.at:
        seconds = (moment.at - ctx.at).total_seconds()
        ahead = Text(f"{seconds:.0f} s vooruit", f"{seconds:.0f} s ahead")
        yield saw(rule, element, ahead, f"≤ {shown(ctx.at)}", case="future")
    elif ctx.at - moment.at > OLD:
        yield saw(rule, element, shown(moment.at), f"≥ {shown(ctx.at - OLD)}", case="old")


def profile_findings(rule: str, doc: Heard) -> Iterator[Finding]:
    """One enveloped signature that follows the profile."""
    facts = doc.signature
    if facts.count != 1 or facts.signature is None:
        yield saw(rule, doc.element, f"{facts.count} × ds:Signature", "1 × ds:Signature", case="unsigned")
        return
    for breach in sorted(facts.breaches):
        yield saw(rule, facts.signature.element, BREACHES[breach], case=str(breach))


def key_findings(rule: str, doc: Heard) -> Iterator[Finding | NotRun]:
    """The signature designates a signing key in the sender's metadata."""
    facts = doc.signature
    if doc.sender is None:
        yield from not_run((rule,), NO_METADATA)
    elif facts.signature is not None and facts.chosen is None and Breach.KEY_INFO not in facts.breaches:
        listed = ", ".join(name for name, _ in facts.keys[:4])
        yield saw(rule, facts.signature.element, facts.signature.key_name or "X509Certificate", listed)


def crypto_findings(rule: str, doc: Heard) -> Iterator[Finding | NotRun]:
    """The signature verifies with that key over this very message."""
    facts = doc.signature
    if facts.signature is None:
        return
    if facts.chosen is None:
        reason = NO_METADATA if doc.sender is None else Text("de sleutel is onbekend", "the key is unknown")
        yield from not_run((rule,), reason)
    elif facts.state is None or facts.state is State.UNSUPPORTED:
        yield from not_run((rule,), ALGORITHM)
    elif facts.state is not State.INTACT:
        yield saw(rule, facts.signature.element, STATES[facts.state], case=str(facts.state))


def issuer_findings(rule: str, message: Element) -> Iterator[Finding]:
    """No white space, no qualifiers, Format absent or entity."""
    holder = message.find(q(SAML, "Issuer"))
    if holder is None:
        return
    text = text_of(holder)
    if text != text.strip():
        yield saw(rule, holder, repr(text)[:160], text.strip())
    odd = [n for n in ("NameQualifier", "SPNameQualifier", "SPProvidedID") if holder.get(n) is not None]
    if holder.get("Format", ENTITY_FORMAT) != ENTITY_FORMAT:
        odd.append("Format")
    if odd:
        yield saw(rule, holder, ", ".join(odd), case="attributes")
    if len(holder):
        yield saw(
            rule, holder, Text("commentaar in de waarde", "comment inside the value"), text.strip(), case="comment"
        )


def known_issuer_findings(rule: str, doc: Heard) -> Iterator[Finding]:
    """The Issuer is one of the entities in our own metadata, when that was given."""
    if doc.ours and doc.sender is None:
        yield saw(rule, doc.element, doc.message.issuer[:160] or "—", case="issuer")
