"""Under which hierarchy of PKIoverheid each side of a connection hangs, and when the first of them ends."""

from harness.link import Link
from harness.lint.judge import Raw
from harness.lint.pki import generation
from harness.model import Observation, Text
from harness.probes.probe import Tools
from harness.wire.survey import Survey, as_pem


def generations(link: Link, tools: Tools, seen: Survey) -> Observation:
    """Return what our certificate and the served chain say of their generation (G1 ends in November 2028)."""
    material = link.material("tls-client")
    own = generation(Raw(material.certificate), tools.context(role="tls-client")) if material else ("", None)
    theirs = generation(Raw(as_pem(seen.chain)), tools.context(role="tls-server"))
    ends = min((day for _, day in (own, theirs) if day), default=None)
    nl = f"wij {own[0] or '?'}, ketenpartner {theirs[0] or '?'}" + (f"; de eerste eindigt op {ends}" if ends else "")
    en = f"we {own[0] or '?'}, counterparty {theirs[0] or '?'}" + (f"; the first ends on {ends}" if ends else "")
    return Observation(Text(nl, en), (("own generation", own[0]), ("peer generation", theirs[0])))
