"""Judge a message against its CPA: the same agreement, parties, role, service and action (XCHK-007 to XCHK-009)."""

from harness.lint.ebms.messages_header import nearest_signal, no_agreement
from harness.lint.ebms.received import Received, agreed_binding
from harness.lint.judge import Context, RuleTable, Verdicts, not_run
from harness.model import Finding, Text
from harness.wire.cpa import RECEIVE, SEND
from harness.wire.ebms import SIGNALS, child
from harness.wire.xml import where

TABLE: RuleTable[Received] = RuleTable()


@TABLE.rule("XCHK-007")
def same_agreement(case: Received, ctx: Context) -> Verdicts:
    """EBMS 3.1: CPAId, From and To (value and type) occur in the CPA."""
    cpa, message = case.cpa, case.message
    if cpa is None:
        yield from not_run(("XCHK-007", "XCHK-008", "XCHK-009"), no_agreement(case))
        return
    if case.unrelated:
        return
    if message.cpa_id and message.cpa_id != cpa.cpaid.strip() and message.kind != "Pong":
        node = child(message.header, "CPAId")
        yield Finding(
            "XCHK-007",
            observed=message.cpa_id,
            expected=cpa.cpaid,
            where="" if node is None else where(node),
            line=None if node is None else node.sourceline,
        )
    for name, parties, found in (
        ("From", message.from_parties, case.sender),
        ("To", message.to_parties, case.receiver),
    ):
        if parties and found is None:
            node = child(message.header, name)
            written = ", ".join(str(p.trimmed) for p in parties)
            known = " / ".join(f"{i.type or ''}:{i.value.strip()}" for p in cpa.parties for i in p.ids)
            yield Finding(
                "XCHK-007",
                case="party",
                observed=f"{name} {written}",
                expected=known,
                where="" if node is None else where(node),
                line=None if node is None else node.sourceline,
            )


@TABLE.rule("XCHK-008")
def agreed_action(case: Received, ctx: Context) -> Verdicts:
    """CPPA: role, service, service type and action occur in the CPA, for this direction."""
    message = case.message
    if case.agreement is None or message.kind in ("", "fault") or message.kind in SIGNALS:
        return
    if message.is_signal:
        if nearest_signal(case):
            return
        yield Finding(
            "XCHK-008",
            case="signal",
            observed=message.action,
            expected=", ".join(SIGNALS),
            where="/Envelope/Header/MessageHeader/Action",
        )
        return
    for party, direction, role in ((case.sender, SEND, message.from_role), (case.receiver, RECEIVE, message.to_role)):
        if party is None or agreed_binding(party, direction, role, message) is not None:
            continue
        said = f"{role or '-'} / {_typed(message.service, message.service_type)} / {message.action}"
        offered = "; ".join(
            f"{r.role} / {_typed(r.service, r.service_type or '')} / {b.action}"
            for r, b in party.bindings
            if b.direction == direction
        )
        words = Text(
            f"{'From' if direction == SEND else 'To'}: {said}", f"{'From' if direction == SEND else 'To'}: {said}"
        )
        yield Finding(
            "XCHK-008", observed=words, expected=offered or "-", where="/Envelope/Header/MessageHeader/Action"
        )
        return


def _typed(service: str, kind: str) -> str:
    return f"{kind}:{service}" if kind else service


@TABLE.rule("XCHK-009")
def agreed_signature(case: Received, ctx: Context) -> Verdicts:
    """CPPA: a message on a signed channel carries a signature (the other characteristics are HDR-013 to HDR-015)."""
    party, channel = case.sender, case.channel
    if case.message.kind != "message" or party is None or channel is None:
        return
    exchange = party.doc_exchange_of(channel)
    signing = exchange is not None and exchange.sender is not None and exchange.sender.signing is not None
    if signing and case.message.signature is None:
        yield Finding(
            "XCHK-009",
            case="signature",
            observed=Text("geen ds:Signature", "no ds:Signature"),
            expected="SenderNonRepudiation",
            where="/Envelope/Header",
        )
