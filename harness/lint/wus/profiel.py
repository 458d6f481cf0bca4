"""PROFIEL: what a file can tell of the link with the Profielservice; the rest is for the wire."""

from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.table import rule
from harness.model import Finding, NotRun, Text
from harness.wire import mtom

Verdicts = Iterator[Finding | NotRun]
NAME: Final = "profielservice"


@rule("PROFIEL-NOT-001")
def the_rest_service_is_another_thing(msg: Message, ctx: Context) -> Verdicts:
    """A JSON answer comes from the MOZa Profiel Service (REST), which is another service of nearly the same name."""
    media = mtom.content_type(msg.http.get("content-type"))[0] if msg.http is not None else ""
    if msg.service.name == NAME and (media.endswith("json") or (msg.envelope is None and msg.is_json)):
        yield found(
            "PROFIEL-NOT-001",
            observed=media or "JSON",
            expected=Text("SOAP 1.1 (text/xml)", "SOAP 1.1 (text/xml)"),
            place="HTTP",
        )


@rule("PROFIEL-CFG-002")
def the_profile_fits_the_policy(msg: Message, ctx: Context) -> Verdicts:
    """The profile in the configuration fits the policy of the WSDL (KWUS WB011)."""
    wsdls = [w for w in msg.companions.wsdls if w.policies]
    if not ctx.profile or not wsdls or msg.service.name != NAME:
        return
    signs, encrypts = any(w.asks_signature for w in wsdls), any(w.asks_encryption for w in wsdls)
    policy = "2W-be-SE" if encrypts else "2W-be-S" if signs else "2W-be"
    if policy != ctx.profile:
        yield found("PROFIEL-CFG-002", observed=ctx.profile, expected=f"{policy} (WSDL)", place="profile")
