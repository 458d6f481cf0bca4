"""Say how a receiving MSH refuses a message: an empty 500, a SOAP Fault, or a MessageError with code and location.

The same rules judge the message; this module only knows which of them make an MSH refuse, in which order, and with
which ebMS error code (EBMS 4.2.3.4). The answers agree with those that the Java adapter's own tests expect; MessageOrder
is the one difference: Digikoppeling warns, that adapter refuses (`strict`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.lint.ebms.messages import judge_received
from harness.lint.ebms.received import Received
from harness.lint.judge import Context
from harness.model import Finding, Text, say
from harness.wire.ebms import EbmsError

EMPTY: Final = "empty"
FAULT: Final = "fault"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True)
class Rejection:
    """How a message is refused: `way` is empty, fault or error; `text` the words of a Fault."""

    way: str
    text: str = ""
    errors: tuple[EbmsError, ...] = ()
    rule: str = ""


_UNREADABLE: Final = {"SOAP-001", "SOAP-002", "SOAP-003", "SOAP-005", "SOAP-006", "SOAP-007", "HTTP-001"}
_CODES: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("HDR-001", "*", "Inconsistent", ""),
    ("XCHK-007", "party", "Inconsistent", "/PartyId"),
    ("HDR-017", "*", "Inconsistent", "/Role"),
    ("XCHK-008", "*", "ValueNotRecognized", ""),
    ("HDR-012", "*", "ValueNotRecognized", ""),
    ("HDR-011", "", "TimeToLiveExpired", ""),
    ("HDR-011", "passed", "TimeToLiveExpired", ""),
    ("HDR-013", "*", "Inconsistent", ""),
    ("HDR-014", "next-msh", "NotSupported", ""),
    ("HDR-014", "*", "Inconsistent", ""),
    ("HDR-015", "*", "Inconsistent", ""),
    ("HDR-018", "", "MimeProblem", ""),
    ("HDR-018", "scheme", "MimeProblem", ""),
    ("SIG-001", "", "SecurityFailure", ""),
    ("SIG-002", "*", "SecurityFailure", ""),
    ("SIG-004", "*", "SecurityFailure", ""),
    ("SIG-005", "other", "SecurityFailure", ""),
    ("SIG-005", "expired", "SecurityFailure", ""),
    ("SIG-006", "*", "SecurityFailure", ""),
    ("SIG-007", "*", "SecurityFailure", ""),
    ("XCHK-009", "*", "SecurityFailure", ""),
    ("STAT-001", "*", "OtherXml", ""),
)
_ORDER_UNSUPPORTED: Final = ("HDR-016", "*", "NotSupported", "")


def rejection(case: Received, ctx: Context, *, strict: bool = False) -> Rejection | None:
    """Return how this message is refused, or None when it is accepted."""
    findings = [item for item in judge_received(case, ctx) if isinstance(item, Finding)]
    by_rule = {(f.rule, f.case): f for f in findings}
    action = next((f for f in findings if f.rule == "HTTP-004"), None)
    if action is not None:
        shown = "" if action.case == "absent" else say(action.observed, "en")
        return Rejection(FAULT, f"Unable to process message! SOAPAction={shown}", rule="HTTP-004")
    broken = next((f for f in findings if f.rule in _UNREADABLE or _unreadable(f)), None)
    if broken is not None:
        return Rejection(EMPTY, rule=broken.rule)
    if ("SOAP-008", "") in by_rule:
        return Rejection(FAULT, "MustUnderstand", rule="SOAP-008")
    if ("XCHK-007", "") in by_rule or case.unrelated or case.cpa is None:
        return Rejection(FAULT, f"CPA {case.message.cpa_id} not found!", rule="XCHK-007")
    codes = (*_CODES[:11], _ORDER_UNSUPPORTED, *_CODES[11:]) if strict else _CODES
    for rule, variant, code, suffix in codes:
        found = _first(findings, rule, variant)
        if found is not None:
            return Rejection(ERROR, errors=(_error(found, code, suffix),), rule=rule)
    return None


def _unreadable(finding: Finding) -> bool:
    return finding.rule == "SOAP-004" or (
        finding.rule == "HTTP-005" and finding.case in ("root-not-xml", "boundary-unused")
    )


def _first(findings: Iterable[Finding], rule: str, variant: str) -> Finding | None:
    return next((f for f in findings if f.rule == rule and variant in ("*", f.case)), None)


def _error(finding: Finding, code: str, suffix: str) -> EbmsError:
    place = finding.where.removeprefix("/Envelope/")
    location = say(finding.observed, "en") if finding.rule == "HDR-018" else f"//{place}{suffix}"
    observed = finding.observed.en if isinstance(finding.observed, Text) else finding.observed
    return EbmsError(code, "Error", location, f"{finding.rule}: {observed}"[:500])
