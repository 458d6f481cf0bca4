"""Organisation numbers: the OIN or HRN in the subject serialNumber (OIN-Stelsel; Digikoppeling PKI001)."""

import json
import re
from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged, listed, yes
from harness.lint.pki.reach import beside
from harness.model import Environment, Finding, NotRun, Text
from harness.wire import der
from harness.wire.distinguished import ORGANIZATION_IDENTIFIER, ORGANIZATIONAL_UNIT, SERIAL_NUMBER
from harness.wire.oin import REGISTERS, length_fault, of_entity_id, of_party_id, passes_elfproef

OIN = RuleTable[Judged]()
rule = OIN.rule
WHERE = "subject.serialNumber"
NO_NUMBER = Text("geen serialNumber in het subject", "no serialNumber in the subject")
_NO_REGISTER = NotRun(
    "PKIO-OIN-015",
    Text("geen uittreksel van het OIN-register opgegeven", "no extract of the OIN register was given"),
)
_INSIDE = re.compile(r"[0-9]{8}[0-9A-Z]{12}")


@rule("PKIO-OIN-001")
def exactly_one(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Exactly one serialNumber stands in the subject; CN and OU do not count (DKB PKI001, S1 3.5)."""
    found = doc.subject.subject.all(SERIAL_NUMBER)
    if len(found) > 1:
        yield Finding("PKIO-OIN-001", "several", listed(a.value for a in found), "1", WHERE)
    elif not found or not found[0].value:
        elsewhere = next((a for a in doc.subject.subject.attributes if _INSIDE.search(a.value)), None)
        observed = (
            Text(f"geen; wel een nummer in {elsewhere.label}", f"none; a number stands in {elsewhere.label}")
            if elsewhere
            else NO_NUMBER
        )
        yield Finding("PKIO-OIN-001", "", observed, "1", WHERE)


_LENGTH = {
    "blank": Text("bevat spaties", "contains blanks"),
    "scheme": Text("nummer uit een ander stelsel", "a number of another scheme"),
    "short": Text("te kort; zijn de voorloopnullen weggevallen?", "too short; were leading zeros lost?"),
    "long": Text("te lang", "too long"),
    "characters": Text("andere tekens dan cijfers en hoofdletters", "other characters than digits and capitals"),
}


@rule("PKIO-OIN-002")
def twenty_positions(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Eight digits and twelve positions of digits or capitals, to the letter (OIN-Stelsel 6)."""
    value = doc.subject.oin
    case = length_fault(value) if value else ""
    if case:
        why = _LENGTH[case]
        observed = Text(f"'{value}' ({len(value)}): {why.nl}", f"'{value}' ({len(value)}): {why.en}")
        yield Finding("PKIO-OIN-002", case, observed, "[0-9]{8}[0-9A-Z]{12}", WHERE)


@rule("PKIO-OIN-003")
def known_prefix(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The first eight digits name a register of the published table (OIN-Stelsel 6)."""
    number = doc.number
    if number and number.prefix not in REGISTERS:
        yield Finding("PKIO-OIN-003", "", number.prefix, listed(REGISTERS), WHERE)


@rule("PKIO-OIN-004")
def shape_of_prefix(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The twelve positions have the shape of the register: 8+4 for KvK, 9+3 for the others (OIN-Stelsel 6)."""
    number = doc.number
    if number and number.prefix in REGISTERS and not REGISTERS[number.prefix][1].fullmatch(number.value[8:]):
        expected = (
            Text("8 cijfers en 0000", "8 digits and 0000")
            if number.kvk
            else Text("9 cijfers en 3 cijfers", "9 digits and 3 digits")
        )
        yield Finding("PKIO-OIN-004", "", number.value, expected, WHERE)


@rule("PKIO-OIN-005")
def elfproef(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """RSIN and fiscal number satisfy the elfproef."""
    number = doc.number
    checked = number is not None and number.prefix in {"00000001", "00000002"} and number.number.isdigit()
    if number and checked and not passes_elfproef(number.number):
        conflict = doc.policy.conflicts["elfproef"]
        observed = Text(f"{number.number} ({conflict.nl})", f"{number.number} ({conflict.en})")
        yield Finding("PKIO-OIN-005", "", observed, Text("voldoet aan de elfproef", "passes the check"), WHERE)


@rule("PKIO-OIN-006")
def suffix(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The number ends in 000; old sub-numbers 001 and 002 are alive (OIN-Stelsel 6, note)."""
    number = doc.number
    if number and not number.kvk and number.prefix in REGISTERS and number.suffix != "000":
        conflict = doc.policy.conflicts["oin-suffix"]
        observed = Text(f"{number.suffix} ({conflict.nl})", f"{number.suffix} ({conflict.en})")
        yield Finding("PKIO-OIN-006", "", observed, "000", WHERE)


@rule("PKIO-OIN-007")
def test_number(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The prefix 00000099 is for tests only (OIN-Stelsel 6)."""
    number = doc.number
    if number and number.is_test:
        yield Finding("PKIO-OIN-007", "", number.value, Text("een eigen OIN", "an OIN of one's own"), WHERE)


@rule("PKIO-OIN-008")
def printable_and_alone(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The number is a PrintableString in an RDN of its own (DKC annex 3)."""
    name = doc.subject.subject
    for attribute in name.all(SERIAL_NUMBER)[:1]:
        if attribute.tag != der.PRINTABLE:
            yield Finding("PKIO-OIN-008", "type", attribute.string_type, "PrintableString", WHERE)
        if name.rdn_size(attribute.rdn) > 1:
            together = listed(a.label for a in name.attributes if a.rdn == attribute.rdn)
            yield Finding("PKIO-OIN-008", "rdn", together, Text("een eigen RDN", "an RDN of its own"), WHERE)


def _operator(ctx: Context) -> str:
    return "operator" if yes(ctx, "operator") else ""


def _number(doc: Judged, ctx: Context) -> Text | str:
    """Return the number; with a declared supplier also what the sources say of numbers for private parties."""
    number = doc.subject.oin
    if not _operator(ctx) or not number.startswith(_OF_PRIVATE_PARTIES):
        return number
    conflict = doc.policy.conflicts["oin-of-supplier"]
    return Text(f"{number} ({conflict.nl})", f"{number} ({conflict.en})")


_OF_PRIVATE_PARTIES = ("00000001", "00000003")


@rule("PKIO-OIN-009")
@beside
def configured(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The number is the configured one (S1 3.5)."""
    expected = ctx.settings.get("oin", ())
    if expected and doc.subject.oin and doc.subject.oin not in expected:
        yield Finding("PKIO-OIN-009", _operator(ctx), _number(doc, ctx), listed(expected), WHERE)


@rule("PKIO-OIN-010")
@beside
def equals_party_id(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The number is the PartyId of the CPA; a declared operator makes a difference informative (S1 4.4.4)."""
    expected = [of_party_id(value) for value in ctx.settings.get("partyid", ())]
    expected += [number for one in doc.holder("CPA") for number in one.numbers]
    if expected and doc.subject.oin and doc.subject.oin not in expected:
        yield Finding("PKIO-OIN-010", _operator(ctx), _number(doc, ctx), listed(dict.fromkeys(expected)), WHERE)


@rule("PKIO-OIN-011")
@beside
def equals_entity_id(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The number is the one in the SAML entityID (TVS, eHerkenning)."""
    entities = ctx.settings.get("entityid", ())
    expected = [number for number in map(of_entity_id, entities) if number]
    expected += [number for one in doc.holder("metadata") for number in one.numbers]
    if expected and doc.subject.oin and doc.subject.oin not in expected:
        yield Finding("PKIO-OIN-011", _operator(ctx), _number(doc, ctx), listed(dict.fromkeys(expected)), WHERE)
    elif entities and not expected:
        yield Finding(
            "PKIO-OIN-011", "form", listed(entities), "urn:nl-eid-gdi:1.0:<rol>:<OIN>:entities:<nnnn>", "entityID"
        )


@rule("PKIO-OIN-012")
def equals_organization_identifier(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A number built on KvK agrees with organizationIdentifier NTRNL (S1 3.5; G4 profile)."""
    number = doc.number
    identifier = doc.subject.subject.first(ORGANIZATION_IDENTIFIER)
    if number is None or not re.fullmatch(r"NTRNL-[0-9]{8}", identifier):
        return
    built_on_kvk = number.kvk or (number.value[8:16] if number.is_test and number.value.endswith("0000") else "")
    if built_on_kvk and identifier != f"NTRNL-{built_on_kvk}":
        case = "test" if number.is_test else ""
        yield Finding("PKIO-OIN-012", case, identifier, f"NTRNL-{built_on_kvk}", "subject.organizationIdentifier")


@rule("PKIO-OIN-013")
@beside
def one_number_in_the_set(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """All own certificates of one set carry one number, save the SubOINs that are allowed (DKC 6)."""
    allowed = {doc.subject.oin, "", *ctx.settings.get("suboin", ())}
    # The certificates for the BSN are those of the care providers.
    others = {c.oin for relation, c in doc.companions.others if relation not in {"preprod", "prod", "bsn-encryption"}}
    strange = sorted(others - allowed)
    if doc.subject.oin and strange and doc.role_name != "bsn-encryption":
        yield Finding("PKIO-OIN-013", _operator(ctx), listed(strange), doc.subject.oin, WHERE)


@rule("PKIO-OIN-014")
def suboin_names_its_unit(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A SubOIN stands with the holder in O and the unit in OU (OIN-SubOIN_in_PkioCert)."""
    number = doc.number
    if number and number.is_suboin and not doc.subject.subject.first(ORGANIZATIONAL_UNIT):
        yield Finding(
            "PKIO-OIN-014",
            "",
            Text("geen OU", "no OU"),
            Text("OU met de naam van het onderdeel", "OU with the name of the unit"),
            "subject.OU",
        )


@rule("PKIO-OIN-015")
def registered(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """The number is active in the OIN register, as far as an export of the register was given (OIN 3, 5)."""
    if not doc.subject.oin or ctx.environment not in {Environment.PROD, Environment.PREPROD}:
        return
    entries = [e for data in doc.companions.registers for e in _entries(data)]
    if not entries:
        yield _NO_REGISTER
        return
    mine = [e for e in entries if str(e.get("oin", "")) == doc.subject.oin]
    if not mine:
        yield Finding("PKIO-OIN-015", "absent", doc.subject.oin, Text("in het register", "in the register"), WHERE)
    for entry in mine:
        status = str(entry.get("status", ""))
        if status.lower() not in {"actief", "active"} or entry.get("intrekDatum"):
            yield Finding(
                "PKIO-OIN-015", "withdrawn", f"{status} {entry.get('intrekDatum') or ''}".strip(), "Actief", WHERE
            )


def _entries(data: bytes) -> list[dict[str, object]]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return []
    rows = found.get("organisaties", [found]) if isinstance(found, dict) else found
    return [row for row in rows if isinstance(row, dict) and "oin" in row] if isinstance(rows, list) else []
