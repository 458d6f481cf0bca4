"""The rest of the subject: organisation, country, common name, and the certificate's own serial (DKC annex 3)."""

import re
from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged, listed
from harness.model import Finding, Text
from harness.wire.distinguished import COMMON_NAME, COUNTRY, ORGANIZATION, ORGANIZATION_IDENTIFIER

NAME = RuleTable[Judged]()
SERIAL = RuleTable[Judged]()
rule = NAME.rule
ABSENT = Text("ontbreekt", "absent")
PRESENT = Text("aanwezig", "present")
_IDENTIFIER = re.compile(r"(?:VAT|NTR|PSD|LEI)[A-Z]{2}-[A-Z0-9]+")
_PROFILE = {"C", "O", "OU", "CN", "L", "ST", "serialNumber", "organizationIdentifier", "street"}
_PERSON = {"GN", "SN", "title", "initials", "pseudonym"}


@rule("PKIO-NAME-001")
def organization(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The organisation is named; a certificate of a person may leave it out."""
    if doc.role_name != "beroep" and not doc.subject.subject.first(ORGANIZATION).strip():
        yield Finding("PKIO-NAME-001", "", ABSENT, PRESENT, "subject.O")


@rule("PKIO-NAME-002")
def country(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The country is there, two letters of ISO 3166."""
    value = doc.subject.subject.first(COUNTRY)
    if not re.fullmatch(r"[A-Z]{2}", value):
        yield Finding("PKIO-NAME-002", "", value or ABSENT, "NL", "subject.C")


@rule("PKIO-NAME-003")
def common_name(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """There is a common name: the host in G1, often the organisation in G4."""
    if not doc.subject.subject.first(COMMON_NAME).strip():
        yield Finding("PKIO-NAME-003", "", ABSENT, PRESENT, "subject.CN")


@rule("PKIO-NAME-004")
def only_profile_attributes(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The subject holds attributes of the profile only."""
    allowed = _PROFILE | _PERSON if doc.role_name == "beroep" else _PROFILE
    strange = [a.label for a in doc.subject.subject.attributes if a.label not in allowed]
    if strange:
        yield Finding("PKIO-NAME-004", "", listed(strange), listed(sorted(allowed)), "subject")


@rule("PKIO-NAME-005")
def organization_identifier(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """OrganizationIdentifier has the form of EN 319 412-1 5.1.4; G4 requires it of organisations."""
    if doc.role_name == "beroep":
        return
    values = doc.subject.subject.all(ORGANIZATION_IDENTIFIER)
    case = "g4" if doc.is_g4 else "g1"
    if not values and doc.is_g4:
        # In a request the TSP may add it from its own records; in the certificate it must be there.
        absent = "request" if doc.is_request else case
        yield Finding("PKIO-NAME-005", absent, ABSENT, "NTRNL-<KvK>", "subject.organizationIdentifier")
    for attribute in values:
        if not _IDENTIFIER.fullmatch(attribute.value):
            yield Finding("PKIO-NAME-005", case, attribute.value, "NTRNL-<KvK>", "subject.organizationIdentifier")


@SERIAL.rule("PKIO-SER-001")
def certificate_serial(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The serial of the certificate is positive, has 64 bits or more and at most 20 octets (RFC 5280 4.1.2.2)."""
    serial, octets = doc.cert.serial, doc.cert.serial_octets
    if serial < 0:
        yield Finding("PKIO-SER-001", "negative", str(serial), "> 0", "serialNumber")
    elif serial == 0:
        yield Finding("PKIO-SER-001", "zero", "0", "> 0", "serialNumber")
    elif len(octets.lstrip(b"\0")) > 20 or len(octets) > 20:
        yield Finding("PKIO-SER-001", "long", str(len(octets)), Text("≤ 20 octetten", "≤ 20 octets"), "serialNumber")
    elif serial.bit_length() < 64 and not doc.is_authority:
        yield Finding("PKIO-SER-001", "short", f"{serial.bit_length()} bits", "≥ 64 bits", "serialNumber")
