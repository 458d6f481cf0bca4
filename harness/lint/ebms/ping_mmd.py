"""Judge a PingMMD, the pick-up file that makes an Axway adapter send an ebMS Ping (MMD rules)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from lxml import etree

from harness.errors import KetentestError
from harness.lint.ebms import party_id, reading
from harness.lint.ebms.reading import at
from harness.lint.judge import Context, Raw, RuleTable
from harness.model import Finding, NotRun, Text
from harness.wire import ping_mmd
from harness.wire.cpa import MSH_SERVICE, Cpa, PartyId
from harness.wire.cpa_reading import parse_cpa
from harness.wire.ping_mmd import Metadata, PingMmd

Outcome = Iterator[Finding | NotRun]


@dataclass(frozen=True, slots=True)
class Doc:
    """A PingMMD, its root, which names still hold a placeholder, and the CPA it belongs to."""

    root: etree._Element
    mmd: PingMmd
    unfilled: frozenset[str | None]
    cpa: Cpa | None

    def filled(self, *names: str) -> Iterator[Metadata]:
        """Yield the metadata called `names` that are there and hold no placeholder."""
        for name in names:
            found = self.mmd.get(name)
            if found is not None and name not in self.unfilled:
                yield found


table = RuleTable[Doc]()
IDS: Final = reading.Ids(
    "MMD-001", "", "MMD-012", "", ("MMD-002", "MMD-004", "MMD-005", "MMD-007", "MMD-008", "MMD-009")
)


def judge(raw: Raw, ctx: Context) -> Outcome:
    """Judge the PingMMD in `raw`, against the CPA among the companions."""
    opened = reading.opened(raw, IDS)
    yield from opened.findings
    if opened.root is None:
        return
    mmd = ping_mmd.read(opened.root)
    unfilled = frozenset(element.get("name") for element, _ in reading.placeholders(opened.root))
    yield from reading.judged(table, Doc(opened.root, mmd, unfilled, cpa_of(ctx)), ctx)


def cpa_of(ctx: Context) -> Cpa | None:
    """Return the first companion that is a CPA."""
    for companion in ctx.companions:
        if b"CollaborationProtocolAgreement" in companion.data[:65536]:
            try:
                return parse_cpa(companion.data)
            except KetentestError:
                continue
    return None


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


@table.rule("MMD-001")
def readable(doc: Doc, ctx: Context) -> Outcome:
    """The file is well-formed XML; `reading.opened` reports it before any rule runs."""
    return iter(())


@table.rule("MMD-002")
def root_element(doc: Doc, ctx: Context) -> Outcome:
    """The root has the exact name and no namespace."""
    if doc.root.tag != ping_mmd.ROOT:
        name = etree.QName(doc.root)
        shown = f"{name.localname} (xmlns={name.namespace})" if name.namespace else name.localname
        yield at("MMD-002", doc.root, observed=shown, expected=ping_mmd.ROOT)


@table.rule("MMD-003")
def document_id(doc: Doc, ctx: Context) -> Outcome:
    """The document has a documentId."""
    if not (doc.root.get("documentId") or "").strip():
        alike = next((str(k) for k in doc.root.attrib if str(k).lower() == "documentid"), "")
        yield at("MMD-003", doc.root, observed=alike if alike != "documentId" else "", expected="documentId")


@table.rule("MMD-004")
def protocol(doc: Doc, ctx: Context) -> Outcome:
    """The protocol is ebXML 2.0."""
    shown = f"{doc.root.get('protocol', '')} {doc.root.get('protocolVersion', '')}".strip()
    if shown != "ebXML 2.0":
        yield at("MMD-004", doc.root, observed=shown, expected='protocol="ebXML" protocolVersion="2.0"')


@table.rule("MMD-005")
def names(doc: Doc, ctx: Context) -> Outcome:
    """The five names of a Ping are there, in exactly this case, and filled."""
    present = [m.name or "" for m in doc.mmd.metadata]
    unknown = [name for name in present if name not in ping_mmd.KNOWN]
    for name in ping_mmd.NAMES:
        if name not in present:
            alike = next((u for u in unknown if u.strip().lower() == name.lower()), "")
            shown = alike or next(iter(get_close_matches(name, unknown, 1, 0.75)), "")
            unknown = [u for u in unknown if u != shown]
            yield at("MMD-005", _place(doc, shown), observed=shown, expected=name)
    for name in unknown:
        close = get_close_matches(name.strip().lower(), [k.lower() for k in ping_mmd.KNOWN], 1, 0.75)
        nearest = next((k for k in ping_mmd.KNOWN if close and k.lower() == close[0]), "")
        yield at("MMD-005", _place(doc, name), "unknown", name, nearest or ", ".join(ping_mmd.NAMES))
    for found in doc.mmd.metadata:
        if found.name in ping_mmd.NAMES and not found.value.strip():
            yield at("MMD-005", found.node, observed=Text(f"{found.name} is leeg", f"{found.name} is empty"))


def _place(doc: Doc, name: str) -> etree._Element:
    found = doc.mmd.get(name) if name else None
    return found.node if found else doc.root


@table.rule("MMD-006")
def no_duplicates(doc: Doc, ctx: Context) -> Outcome:
    """No name occurs twice."""
    seen: set[str] = set()
    for found in doc.mmd.metadata:
        if found.name and found.name in seen:
            yield at("MMD-006", found.node, observed=found.name)
        seen.add(found.name or "")


@table.rule("MMD-007")
def service(doc: Doc, ctx: Context) -> Outcome:
    """Service is the MSH service, without a type."""
    for found in doc.filled("Service"):
        if found.value.strip() and found.value.strip() != MSH_SERVICE:
            yield at("MMD-007", found.node, observed=found.value.strip(), expected=MSH_SERVICE)
    for found in doc.filled("ServiceType"):
        yield at("MMD-007", found.node, observed="ServiceType")


@table.rule("MMD-008")
def action(doc: Doc, ctx: Context) -> Outcome:
    """Action is Ping, with a capital."""
    for found in doc.filled("Action"):
        if found.value.strip() and found.value.strip() != "Ping":
            yield at("MMD-008", found.node, observed=found.value.strip(), expected="Ping")


def _known(doc: Doc, value: str) -> bool:
    """Whether the CPA knows this PartyId: then its form is settled between the parties."""
    return doc.cpa is not None and doc.cpa.party(value) is not None


@table.rule("MMD-009")
def party_ids(doc: Doc, ctx: Context) -> Outcome:
    """From and To are bare PartyIds, without a type before them."""
    for found in doc.filled("From", "To"):
        value = found.value.strip()
        wrong = party_id.fault(value) if value and not _known(doc, value) else None
        if wrong:
            yield at("MMD-009", found.node, observed=wrong, expected=party_id.EXPECTED)


@table.rule("MMD-010")
def two_parties(doc: Doc, ctx: Context) -> Outcome:
    """From is our own party, To the other one."""
    pair = list(doc.filled("From", "To"))
    values = [found.value.strip() for found in pair]
    if len(values) == 2 and values[0] and values[0] == values[1]:
        yield at("MMD-010", pair[1].node, observed=values[0])
    own = ctx.setting("partyid")
    if own and pair and pair[0].name == "From" and values[0] and values[0] != own.rpartition(":")[2]:
        yield at("MMD-010", pair[0].node, "own", values[0], own)


@table.rule("MMD-011")
def no_payload(doc: Doc, ctx: Context) -> Outcome:
    """A Ping has no payload."""
    for element in doc.root.iter():
        if _local(element) == "MessagePayloads":
            yield at("MMD-011", element, observed=f"Payload: {sum(_local(e) == 'Payload' for e in element.iter())}")


@table.rule("MMD-012")
def filled_in(doc: Doc, ctx: Context) -> Outcome:
    """No placeholder of the template is left."""
    for element, found in reading.placeholders(doc.root):
        yield at("MMD-012", element, observed=found)


@table.rule("MMD-013")
def no_blanks(doc: Doc, ctx: Context) -> Outcome:
    """No white space stands around the values."""
    for found in doc.mmd.metadata:
        if found.value.strip() and (found.value != found.value.strip() or re.search(r"[\r\n\t]", found.value)):
            yield at("MMD-013", found.node, observed=repr(found.value), expected=repr(" ".join(found.value.split())))


@table.rule("MMD-014")
def types(doc: Doc, ctx: Context) -> Outcome:
    """The type of From and To is `string`, or the type of the party id."""
    for found in doc.filled("From", "To"):
        if found.type is not None and found.type.lower() != "string":
            yield at("MMD-014", found.node, observed=found.type, expected="string")


@table.rule("MMD-015")
def axway_only(doc: Doc, ctx: Context) -> Outcome:
    """The file is of use in an Axway pick-up folder only; the reader is told once."""
    yield at("MMD-015", doc.root)


@table.rule("MMD-016")
def synchronous(doc: Doc, ctx: Context) -> Outcome:
    """With a synchronous MSH channel Axway needs its own setting for the Ping."""
    for party in doc.cpa.parties if doc.cpa else ():
        channel = party.msh_channel("Ping")
        if channel and channel.synchronous and doc.mmd.value("From") in (i.value.strip() for i in party.ids):
            yield at("MMD-016", doc.root, observed=channel.sync_reply_mode)


@table.rule("XCHK-006")
def agrees_with_cpa(doc: Doc, ctx: Context) -> Outcome:
    """From, To and CPAId are those of the CPA."""
    if doc.cpa is None:
        yield NotRun("XCHK-006", NO_CPA)
        return
    for found in doc.filled("CPAId"):
        if found.value.strip() and found.value.strip() != doc.cpa.cpaid:
            yield at("XCHK-006", found.node, observed=found.value.strip(), expected=doc.cpa.cpaid)
    for found in doc.filled("From", "To"):
        value = found.value.strip()
        if value and not party_id.fault(value) and not _known(doc, value):
            ids: list[PartyId] = [i for p in doc.cpa.parties for i in p.ids]
            yield at("XCHK-006", found.node, observed=value, expected=", ".join(i.value.strip() for i in ids))


NO_CPA: Final = Text("geen CPA opgegeven; geef het op met --with CPA.xml", "no CPA given; name it with --with CPA.xml")
