"""Judge signing, encryption and the certificates of a CPA (CPA-070 … CPA-086)."""

from collections.abc import Iterator
from typing import Final

from harness.lint.ebms import certificates, reading
from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.model import Finding, Text
from harness.wire.cpa import Certificate

TRANSIENT: Final = ("transient",)
KEPT: Final = ("transient-and-persistent", "persistent")


def _row(profile: str) -> dict[str, tuple[str, ...]]:
    """Return what the business transaction characteristics may say in `profile` (profile table)."""
    signed, sealed = profile.endswith(("-s", "-e")), profile.endswith("-e")
    repudiation = ("true", "1") if signed else ("false", "0")
    return {
        "isAuthenticated": KEPT if signed else TRANSIENT,
        "isTamperProof": KEPT if signed else TRANSIENT,
        "isConfidential": KEPT if sealed else TRANSIENT,
        "isNonRepudiationRequired": repudiation,
        "isNonRepudiationReceiptRequired": repudiation,
        "isIntelligibleCheckRequired": ("false", "0"),
    }


@table.rule("CPA-070", "CPA-071")
def characteristics(doc: Doc, ctx: Context) -> Outcome:
    """The characteristics of an action are those of the profile of its channel."""
    for party, _, binding, channel in doc.business:
        profile = doc.profile(party, channel)
        traits = binding.characteristics
        if not profile or not traits:
            continue
        claims = traits.get("isNonRepudiationRequired") in ("true", "1")
        if claims and profile in ("osb-be", "osb-rm"):
            exchange = party.doc_exchange_of(channel)
            yield at(
                exchange or channel,
                "CPA-071",
                f"{binding.action}: isNonRepudiationRequired=true",
                "Sender-/ReceiverNonRepudiation",
            )
            continue
        wrong = [
            f"{name}={traits.get(name)}"
            for name, allowed in _row(profile).items()
            if traits.get(name) and traits.get(name) not in allowed
        ]
        if wrong:
            expected = ", ".join(
                f"{name}={allowed[0]}" for name, allowed in _row(profile).items() if traits.get(name) not in allowed
            )
            yield at(traits, "CPA-070", f"{binding.action} ({profile}): {', '.join(wrong)}", expected)
    yield from _half_signed(doc)


def _half_signed(doc: Doc) -> Outcome:
    """CPA-071: who signs what it sends also says how it checks what it receives, and the other way round."""
    exchanges = {id(e): e for party, channel in doc.channels if (e := party.doc_exchange_of(channel))}
    for exchange in exchanges.values():
        named = {"SenderNonRepudiation": exchange.sender, "ReceiverNonRepudiation": exchange.receiver}
        lacking = [name for name, side in named.items() if side is not None and side.signing is None]
        if len(lacking) == 1 and len(exchange.sides) == len(named):
            yield at(exchange, "CPA-071", f"{exchange.id}: – {lacking[0]}", "Sender-/ReceiverNonRepudiation")


@table.rule("CPA-072")
def sha2(doc: Doc, ctx: Context) -> Outcome:
    """Signatures use SHA-2."""
    for side in doc.sides:
        if side.signing is None:
            continue
        weak = [a for a in (side.signing.hash, *side.signing.algorithms) if _is_weak(a)]
        if weak:
            yield at(side.signing, "CPA-072", ", ".join(weak), "rsa-sha256")


def _is_weak(algorithm: str) -> bool:
    lower = algorithm.lower().replace("_", "-")
    return lower.endswith(("sha1", "sha-1", "md5", "#dsa", "dsa-sha1")) or "md5" in lower


@table.rule("CPA-073")
def aes(doc: Doc, ctx: Context) -> Outcome:
    """Payloads are encrypted with AES, by preference in GCM."""
    for side in doc.sides:
        for algorithm in side.envelope.algorithms if side.envelope else ():
            lower = algorithm.lower()
            if "aes" not in lower:
                if "rsa" not in lower and side.envelope:
                    yield at(side.envelope, "CPA-073", algorithm, "aes256-gcm")
            elif "gcm" not in lower and side.envelope:
                yield at(side.envelope, "CPA-073", algorithm, "aes256-gcm", "cbc")


@table.rule("CPA-074")
def default_channel(doc: Doc, ctx: Context) -> Outcome:
    """The default MSH channel suits every acknowledgement: normally the best-effort variant of the highest security."""
    for party in doc.cpa.parties:
        channel = party.default_channel
        if channel is None:
            continue
        profiles = {doc.profile(party, c) for p, _, _, c in doc.business if p is party} - {""}
        shown = f"{channel.id}: {doc.profile(party, channel) or '–'}; {', '.join(sorted(profiles))}"
        best_effort = any(p.startswith("osb-be") for p in profiles)
        if channel.ack_requested == "always" and best_effort:
            yield at(channel, "CPA-074", shown, "best-effort")


# -- certificates


def _certificates(doc: Doc) -> Iterator[Certificate]:
    return (c for party in doc.cpa.parties for c in party.certificates)


@table.rule("CPA-080", "CPA-081", "CPA-082")
def certificate_text(doc: Doc, ctx: Context) -> Outcome:
    """Every Certificate holds base64 DER of a certificate, without PEM lines."""
    for certificate in _certificates(doc):
        texts = certificate.key_info.certificates if certificate.key_info else ()
        if not texts:
            yield at(certificate, "CPA-080", certificate.id, "KeyInfo/X509Data/X509Certificate")
        for text in texts:
            if text.problem == "pem":
                shown_pem = f"{certificate.id}: {certificates.armour(text.node.text or '')}"
                yield Finding("CPA-082", "", shown_pem, "", certificate.where, text.node.sourceline)
            elif text.problem and text.problem != "private":
                said = certificates.problem(text.problem, text.node.text or "")
                shown = Text(f"{certificate.id}: {said.nl}", f"{certificate.id}: {said.en}")
                yield Finding("CPA-081", "", shown, "", certificate.where, text.node.sourceline)


@table.rule("CPA-083")
def valid_now(doc: Doc, ctx: Context) -> Outcome:
    """The certificates in the CPA are valid."""
    for name, period, first in _grouped(doc, ctx):
        yield at(first, "CPA-083", f"{name}: {period}", f"{ctx.at:%Y-%m-%d}")


def _grouped(doc: Doc, ctx: Context) -> Iterator[tuple[str, str, Certificate]]:
    """Yield each expired certificate once, with all the names it has in the CPA."""
    groups: dict[bytes, list[Certificate]] = {}
    for certificate in _certificates(doc):
        if certificate.facts and certificates.expired(certificate.facts, ctx.at):
            groups.setdefault(certificate.der, []).append(certificate)
    for same in groups.values():
        facts = same[0].facts
        if facts:
            yield ", ".join(c.id for c in same), certificates.period(facts), same[0]


@table.rule("CPA-084")
def strong(doc: Doc, ctx: Context) -> Outcome:
    """The certificates use SHA-2 and keys of sufficient length."""
    seen = set()
    for certificate in _certificates(doc):
        facts = certificate.facts
        weak = certificates.weakness(facts) if facts else ""
        if weak and certificate.der not in seen:
            yield at(certificate, "CPA-084", f"{certificate.id}: {weak}", "SHA-256, RSA ≥ 2048")
        seen.add(certificate.der)


@table.rule("CPA-085")
def key_info_agrees(doc: Doc, ctx: Context) -> Outcome:
    """Everything in a KeyInfo is about the same certificate."""
    for certificate in _certificates(doc):
        wrong = certificates.contradictions(certificate.key_info) if certificate.key_info else ""
        if wrong:
            yield at(certificate, "CPA-085", f"{certificate.id}: {wrong}", "X509Certificate")


@table.rule("CPA-086")
def no_private_key(doc: Doc, ctx: Context) -> Outcome:
    """No private key stands in the file."""
    found = reading.private_key(doc.raw, doc.cpa.node)
    if found:
        yield Finding("CPA-086", where=found[1], line=found[0])
