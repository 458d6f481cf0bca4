"""Judge a provider specification: services, messages, roles and profiles (PSPEC rules).

Of the Simple Message Format 2.0 only the table of contents was readable; the rules ask no more than that shows.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from harness.lint.ebms import consumer_spec, reading, spec_certificates, spec_party
from harness.lint.ebms.reading import at
from harness.lint.ebms.spec_document import Doc, document
from harness.lint.judge import Context, Raw, RuleTable
from harness.model import Finding, NotRun, Text
from harness.wire import spec

Outcome = Iterator[Finding | NotRun]
table = RuleTable[Doc]()
IDS: Final = reading.Ids("PSPEC-001", "SPEC-008", "SPEC-007", "SPEC-033", ("PSPEC-002", "PSPEC-005", "PSPEC-006"))
CHILDREN: Final = ("profiles", "services", "parameters", "rolebindings")
PARTY_RULES: Final = (
    consumer_spec.filled_in,
    spec_party.party_name,
    spec_party.party_id_form,
    spec_party.party_id_blank,
    spec_party.party_id_register,
    spec_party.test_oin_in_production,
    spec_party.https,
    spec_party.public_host,
    spec_party.port,
    spec_party.clean_uri,
    spec_party.host_in_certificate,
    spec_certificates.one_key_info,
    spec_certificates.certificate_text,
    spec_certificates.no_private_key,
    spec_certificates.leaf_first,
    spec_certificates.valid_now,
    spec_certificates.oin_in_certificate,
    spec_certificates.usages,
    spec_certificates.strong,
    spec_certificates.key_info_agrees,
)


def judge(raw: Raw, ctx: Context) -> Outcome:
    """Judge the provider specification in `raw`; parameters of the provider follow the SPEC rules."""
    opened = reading.opened(raw, IDS)
    yield from opened.findings
    if opened.root is None:
        return
    doc = document(raw, opened.root)
    yield from reading.judged(table, doc, ctx)
    for rule in PARTY_RULES:
        yield from rule(doc, ctx)


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _all(doc: Doc, name: str) -> Iterator[etree._Element]:
    return (e for e in doc.root.iter() if _local(e) == name)


@table.rule("PSPEC-001")
def outline(doc: Doc, ctx: Context) -> Outcome:
    """The root is that of a specification and its children are known."""
    if doc.root.tag != spec.ROOT:
        name = etree.QName(doc.root)
        shown = f"{name.localname} (xmlns={name.namespace})" if name.namespace else name.localname
        yield at("PSPEC-001", doc.root, observed=shown, expected=spec.ROOT)
    for child in doc.root:
        if isinstance(child.tag, str) and _local(child) not in CHILDREN:
            yield at("PSPEC-001", child, "child", _local(child), ", ".join(CHILDREN))


@table.rule("PSPEC-002")
def messages(doc: Doc, ctx: Context) -> Outcome:
    """Every service has at least one message, and every message a name."""
    services = list(_all(doc, "service"))
    if not services:
        yield at("PSPEC-002", doc.root, observed="service: 0", expected="services/service")
    for service in services:
        found = [e for e in service.iter() if _local(e) == "message"]
        if not found:
            yield at("PSPEC-002", service, observed=f"{spec.value(service, 'name')}: message: 0")
        for message in found:
            if not spec.value(message, "name", "action"):
                yield at("PSPEC-002", message, observed=Text("bericht zonder naam", "message without a name"))


@table.rule("PSPEC-003")
def service_name(doc: Doc, ctx: Context) -> Outcome:
    """A service is called `organisatie:service:versie` and has type urn:osb:services."""
    for service in _all(doc, "service"):
        name = service.get("name") or spec.value(service, "name")
        if re.search(r"\s", name) or len([part for part in name.split(":") if part]) < 3:
            yield at("PSPEC-003", service, observed=name, expected="[organisatie]:[service]:[versie]")
        type_ = spec.value(service, "type")
        if type_ and type_ != spec.SERVICE_TYPE:
            yield at("PSPEC-003", service, observed=type_, expected=spec.SERVICE_TYPE)


@table.rule("PSPEC-004")
def register_name(doc: Doc, ctx: Context) -> Outcome:
    """The name in the register is the service name with dots."""
    for service in _all(doc, "service"):
        name = spec.value(service, "identifyingName", "identificerendeNaam", "registerName")
        if name and ":" in name:
            yield at("PSPEC-004", service, observed=name, expected="Digimelding.1.0")


@table.rule("PSPEC-005")
def bound_roles(doc: Doc, ctx: Context) -> Outcome:
    """Each message goes from and to a role that is bound."""
    bound = {spec.value(e, "role", "name") for e in doc.root.iter() if _local(e) in ("rolebinding", "roleBinding")}
    for message in _all(doc, "message"):
        for way in ("from", "to"):
            role = spec.value(message, way, f"{way}Role", f"{way}-role")
            if not role or (bound and role not in bound):
                shown = role or Text(f"geen {way}-rol", f"no {way} role")
                yield at("PSPEC-005", message, observed=shown, expected=", ".join(sorted(bound)))


@table.rule("PSPEC-006")
def profiles(doc: Doc, ctx: Context) -> Outcome:
    """Every profile is one of the six of Digikoppeling."""
    for element in (*_all(doc, "message"), *_all(doc, "profile")):
        keys = ("profile",) if _local(element) == "message" else ("name", "id")
        name = spec.value(element, *keys)
        given = any(element.get(key) is not None for key in keys)
        if (name or given) and name not in spec.PROFILES:
            yield at("PSPEC-006", element, observed=name or Text("leeg", "empty"), expected=", ".join(spec.PROFILES))


@table.rule("PSPEC-007")
def one_acknowledgement_profile(doc: Doc, ctx: Context) -> Outcome:
    """Messages that are acknowledged in different ways need more than one CPA."""
    used = {spec.value(e, "profile") for e in _all(doc, "message")} & set(spec.PROFILES)
    suffixes = {name.removeprefix("osb-be").removeprefix("osb-rm") for name in used}
    if len(suffixes) > 1:
        yield at("PSPEC-007", doc.root, observed=", ".join(sorted(used)))


@table.rule("PSPEC-008")
def retries(doc: Doc, ctx: Context) -> Outcome:
    """Reliable messages say how often they are repeated, or the default applies."""
    reliable = [e for e in _all(doc, "message") if spec.value(e, "profile").startswith("osb-rm")]
    given = {p.name for p in doc.spec.parameters}
    missing = [name for name in ("RetryCount", "RetryInterval", "PersistDuration") if name not in given]
    if reliable and missing:
        yield at("PSPEC-008", reliable[0], observed=", ".join(missing), expected="8 × PT3H, P2D")
