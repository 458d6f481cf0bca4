"""Read and build a PingMMD: the Axway pick-up file that makes that adapter send an ebMS Ping.

It is not the Ping itself and only an Axway adapter reads it; other adapters have their own button or API.

>>> b'protocol="ebXML"' in build_ping_mmd("00000099000000001000", "00000099000000002000", "LZ_A_B_v1")
True
"""

from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from harness.wire.cpa import MSH_SERVICE, Cpa, PartyInfo

ROOT: Final = "MessageMetadataDocument"
NAMES: Final = ("From", "To", "Service", "Action", "CPAId")
KNOWN: Final = (
    *NAMES,
    "FromRole",
    "ToRole",
    "ConversationId",
    "MessageId",
    "RefToMessageId",
    "ServiceType",
    "TimeToLive",
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """One Metadata element as it stands in the file."""

    node: etree._Element = field(repr=False, compare=False)
    name: str | None
    type: str | None
    value: str

    @property
    def line(self) -> int | None:
        """The line where it begins (1-based)."""
        return self.node.sourceline


@dataclass(frozen=True, slots=True)
class PingMmd:
    """A MessageMetadataDocument as it stands in the file."""

    node: etree._Element = field(repr=False, compare=False)
    metadata: tuple[Metadata, ...]

    def get(self, name: str) -> Metadata | None:
        """Return the first Metadata called `name`."""
        return next((m for m in self.metadata if m.name == name), None)

    def value(self, name: str) -> str:
        """Return the value of Metadata `name`, white space stripped, or an empty string."""
        found = self.get(name)
        return found.value.strip() if found else ""


def read(root: etree._Element) -> PingMmd:
    """Return the document under `root`, whatever its root element is called."""
    return PingMmd(
        root,
        tuple(
            Metadata(e, e.get("name"), e.get("type"), "".join(t for t in e.itertext() if isinstance(t, str)))
            for e in root.iterchildren()
            if isinstance(e.tag, str) and etree.QName(e).localname == "Metadata"
        ),
    )


def build_ping_mmd(from_id: str, to_id: str, cpa_id: str, *, document_id: str = "PingMMD") -> bytes:
    """Return the pick-up file for a Ping from `from_id` to `to_id`: bare PartyIds and the cpaid of the CPA."""
    lines = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{ROOT} documentId={quoteattr(document_id)} protocol="ebXML" protocolVersion="2.0">',
        f'  <Metadata name="From" type="string">{escape(from_id)}</Metadata>',
        f'  <Metadata name="To" type="string">{escape(to_id)}</Metadata>',
        f'  <Metadata name="Service">{MSH_SERVICE}</Metadata>',
        '  <Metadata name="Action" type="string">Ping</Metadata>',
        f'  <Metadata name="CPAId">{escape(cpa_id)}</Metadata>',
        f"</{ROOT}>",
        "",
    )
    return "\n".join(lines).encode()


def ping_mmd_of(cpa: Cpa, sender: PartyInfo) -> bytes:
    """Return the pick-up file for a Ping that `sender` sends to its counterparty in `cpa`."""
    other = cpa.other(sender)
    return build_ping_mmd(sender.party_id, other.party_id if other else "", cpa.cpaid)
