"""Say why an ebMS exchange failed: which of the causes an error, a status or a stage points to (ERR-020)."""

import re
from collections.abc import Iterator
from typing import Final

from harness.lint.ebms.causes import CAUSES, Diagnosis
from harness.wire.ebms import EbmsError, Message

__all__ = ["CAUSES", "adapter", "of_error", "of_message", "of_stage", "of_status"]

_BY_CODE: Final = {
    "SecurityFailure": "signature",
    "TimeToLiveExpired": "clock",
    "MimeProblem": "packaging",
    "DeliveryFailure": "delivery",
    "NotSupported": "feature",
    "OtherXml": "schema",
}
_IN_TEXT: Final = (
    (
        re.compile(r"\bCPA\b.{0,200}\b(?:not found|unknown|niet gevonden|onbekend)", re.IGNORECASE | re.DOTALL),
        "cpa-not-loaded",
    ),
    (re.compile(r"(?:unknown|invalid|not found).{0,40}\b(?:eb:)?CPA_?-?Id", re.IGNORECASE), "cpa-not-loaded"),
    (re.compile(r"SOAPAction", re.IGNORECASE), "soap-action"),
    (re.compile(r"\baction\b.{0,40}\bPing\b|\bPing\b.{0,40}(?:not supported|unsupported)", re.IGNORECASE), "no-ping"),
    (re.compile(r"Party(?: ?Type| ?Id)?\b", re.IGNORECASE), "party-id"),
    (re.compile(r"client certificate|signature|decrypt|security", re.IGNORECASE), "signature"),
    (re.compile(r"time ?to ?live|expired", re.IGNORECASE), "clock"),
    (re.compile(r"\b(?:service|action|role)\b.{0,60}(?:not found|unknown|invalid|support)", re.IGNORECASE), "action"),
    (re.compile(r"SAXParse|schema|cvc-|not valid|unmarshal", re.IGNORECASE), "schema"),
)
_IN_LOCATION: Final = (
    ("cpaid", "cpa-not-loaded"),
    ("partyid", "party-id"),
    ("/role", "action"),
    ("action", "action"),
    ("service", "action"),
    ("reftomessageid", "reference"),
    ("timetolive", "clock"),
    ("syncreply", "characteristics"),
    ("ackrequested", "characteristics"),
    ("duplicateelimination", "characteristics"),
    ("@version", "characteristics"),
    ("messageorder", "feature"),
    ("signature", "signature"),
    ("cid:", "packaging"),
    ("manifest", "packaging"),
)


def of_error(error: EbmsError) -> Diagnosis:
    """Return the likely cause of one eb:Error: its place first, then its code, then its words."""
    location = error.location.lower()
    if error.code in ("ValueNotRecognized", "Inconsistent", "Unknown", "OtherXml", "NotSupported", ""):
        for part, key in _IN_LOCATION:
            if part in location and not (error.code == "NotSupported" and key == "characteristics"):
                return CAUSES[key]
    if error.code in _BY_CODE and error.code not in ("NotSupported", "OtherXml"):
        return CAUSES[_BY_CODE[error.code]]
    spoken = _by_text(error.description)
    return CAUSES[spoken or _BY_CODE.get(error.code, "unknown")]


def _by_text(text: str) -> str:
    return next((key for pattern, key in _IN_TEXT if pattern.search(text)), "")


def of_message(message: Message, status: int | None = None) -> Iterator[Diagnosis]:
    """Yield the likely causes of a refusal; a warning in an ErrorList is no refusal."""
    found: dict[str, Diagnosis] = {}
    if message.fault is not None:
        fault = message.fault
        inner = of_error(fault.error) if fault.error else None
        one = inner or CAUSES[_by_text(f"{fault.text} {fault.detail}") or "unknown"]
        found[one.key] = one
    for error in message.errors:
        if error.severity != "Warning":
            one = of_error(error)
            found[one.key] = one
    if not found and status is not None and status >= 300:
        one = of_status(status, message.raw)
        found[one.key] = one
    yield from found.values()


def of_status(status: int, body: bytes) -> Diagnosis:
    """Return the likely cause of an HTTP status without a readable ebMS answer."""
    if status in (502, 504):
        return CAUSES["gateway"]
    if status in (503, 408, 429):
        return CAUSES["overload"]
    if status in (401, 403, 495, 496):
        return CAUSES["offloader"]
    if status >= 500:
        return CAUSES["schema" if not body.strip() else "unknown"]
    return CAUSES["not-ebms"]


STAGES: Final = {
    "dns": "network-out",
    "connect": "network-out",
    "connect-timeout": "network-out",
    "tls": "tls",
    "tls-timeout": "tls",
    "read": "tls",
    "read-timeout": "gateway",
    "too-large": "not-ebms",
    "protocol": "not-ebms",
}


def of_stage(stage: str) -> Diagnosis:
    """Return the likely cause when no answer came at all: the stage says how far we got."""
    return CAUSES[STAGES.get(stage, "unknown")]


_ADAPTERS: Final = (
    ("NHS Spine", re.compile(rb"carerecords\.nhs\.uk|urn:nhs:|<[^>]*Description[^>]*>50\d{4}:")),
    ("NAV ebxml", re.compile(rb"ebxml\.nav\.no|xpointer\(//MessageHeader/CpaId\)|nav:qass")),
    (
        "ebms-core",
        re.compile(
            rb"CPA [^<]{1,300} not found!|Unable to process message! SOAPAction|//Header/(?:MessageHeader|AckRequested|SyncReply|MessageOrder)|//Body/Manifest"
        ),
    ),
    ("Hermes/Jentrata", re.compile(rb"<SOAP-ENV:Envelope|hk\.hku\.cecid|>\d{8}-\d{6}-\d{5}@")),
)


def adapter(body: bytes, status: int | None = None) -> str:
    """Return the adapter that an answer looks like, or an empty string: for the report only, never for a verdict."""
    if status == 500 and not body.strip():
        return "ebms-core"
    return next((name for name, shape in _ADAPTERS if shape.search(body)), "")
