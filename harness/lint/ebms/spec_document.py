"""A specification as the rules see it: the bytes, the parameters, and which of them still hold a placeholder."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from harness.lint.ebms import reading
from harness.lint.judge import Raw, RuleTable
from harness.model import Finding, NotRun
from harness.wire import spec
from harness.wire.keyinfo import CertificateFacts
from harness.wire.spec import Parameter, Specification

Outcome = Iterator[Finding | NotRun]
CERTIFICATES: Final = ("ClientCert", "ServerCert")


@dataclass(frozen=True, slots=True)
class Doc:
    """A specification, the bytes it came from, and which parameters still hold a placeholder."""

    raw: Raw
    root: etree._Element
    spec: Specification
    unfilled: frozenset[str | None]

    def text(self, name: str) -> Parameter | None:
        """Return parameter `name` when it is filled in (no placeholder)."""
        parameter = self.spec.get(name)
        return None if name in self.unfilled else parameter

    def certificates(self) -> Iterator[tuple[Parameter, CertificateFacts]]:
        """Yield the client and server certificate that can be read."""
        for name in CERTIFICATES:
            parameter = self.spec.get(name)
            facts = parameter.key_info.facts if parameter and parameter.key_info else None
            if parameter and facts:
                yield parameter, facts


table = RuleTable[Doc]()


def document(raw: Raw, root: etree._Element) -> Doc:
    """Return the document under `root`."""
    unfilled = set()
    for element, _ in reading.placeholders(root):
        holder: etree._Element | None = element
        while holder is not None and holder.get("name") is None:
            holder = holder.getparent()
        unfilled.add(holder.get("name") if holder is not None else None)
    return Doc(raw, root, spec.read(root), frozenset(unfilled))
