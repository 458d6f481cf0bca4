"""The services of a direct dienstverlener (H)."""

import re
from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import DIRECT, Delivered, saw
from harness.model import Finding, NotRun, Text
from harness.wire.saml import MD, SERVICE_UUID, UUID, XML, XSI, is_true, q, text_of
from harness.wire.saml_metadata import Role, Service

table: RuleTable[Delivered] = RuleTable()

_LANG: Final = q(XML, "lang")


def _direct(doc: Delivered) -> Iterator[Role]:
    return (role for _, role, position in doc.providers if position == DIRECT)


def _services(doc: Delivered) -> Iterator[Service]:
    return (service for role in _direct(doc) for service in role.services)


@table.rule("SAML-MD-701")
def services_or_extensions(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Without services in the metadata every AuthnRequest must name its service itself (8.3)."""
    for role in _direct(doc):
        if not role.services:
            case = "needed" if is_true(ctx.setting("service-index")) else ""
            yield saw("SAML-MD-701", role.element, "0", "≥ 1", case=case)


@table.rule("SAML-MD-702")
def no_services_in_cluster(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Services stand in the metadata of a direct DV only."""
    for _, role, position in doc.providers:
        if position != DIRECT and role.services:
            yield saw("SAML-MD-702", role.services[0].element, str(len(role.services)), "0")


@table.rule("SAML-MD-703")
def service_index(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each service has an index of its own (8.3)."""
    for role in _direct(doc):
        indexes = [service.index for service in role.services]
        if None in indexes or len({(i or "").strip() for i in indexes}) != len(indexes):
            yield saw("SAML-MD-703", role.element, ", ".join(i or "—" for i in indexes))


@table.rule("SAML-MD-704")
def service_default(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Of several services exactly one is the default (8.3)."""
    for role in _direct(doc):
        defaults = sum(service.default for service in role.services)
        if defaults > 1 or (len(role.services) > 1 and defaults != 1):
            yield saw("SAML-MD-704", role.element, f"{defaults} × isDefault", "1 × isDefault")


@table.rule("SAML-MD-705")
def service_name(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A service has a name, one per language (8.3)."""
    for service in _services(doc):
        named = service.element.findall(q(MD, "ServiceName"))
        unnamed = any(not text_of(name).strip() or not name.get(_LANG) for name in named)
        if unnamed or not service.languages or len({lang.lower() for lang in service.languages}) != len(named):
            yield saw("SAML-MD-705", service.element, ", ".join(service.languages) or "—", "nl")


@table.rule("SAML-MD-706", "SAML-MD-707")
def service_uuid(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each service requests the attribute ServiceUUID with exactly one UUID (8.3)."""
    for service in _services(doc):
        if SERVICE_UUID not in service.attribute_names:
            shown = ", ".join(dict.fromkeys(service.attribute_names))[:200]
            yield saw("SAML-MD-706", service.element, shown or "—", SERVICE_UUID, case=_near(service))
        elif len(service.values) != 1:
            yield saw("SAML-MD-707", service.element, f"{len(service.values)} × AttributeValue", "1", case="count")
        elif not UUID.fullmatch(service.uuids[0]):
            case = (
                "erratum"
                if re.fullmatch(
                    r"[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}", service.uuids[0].strip()
                )
                else ""
            )
            yield saw("SAML-MD-707", service.values[0], repr(service.uuids[0])[:120], "8-4-4-4-12", case=case)


def _near(service: Service) -> str:
    return "spelling" if any(n.lower().endswith("serviceuuid") for n in service.attribute_names) else ""


@table.rule("SAML-MD-708")
def service_uuid_once(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A ServiceUUID belongs to one service."""
    seen: set[str] = set()
    for service in _services(doc):
        own = {uuid.strip().lower() for uuid in service.uuids}
        for uuid in sorted(own & seen):
            yield saw("SAML-MD-708", service.element, uuid)
        seen |= own


@table.rule("SAML-MD-709")
def untyped_value(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A receiver was seen that stumbles over xsi:type on the ServiceUUID."""
    for service in _services(doc):
        for value in service.values:
            if value.get(q(XSI, "type")):
                yield saw("SAML-MD-709", value, f'xsi:type="{value.get(q(XSI, "type"))}"')


@table.rule("SAML-MD-710")
def registered_uuid(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """The ServiceUUID is one that DICTU registered (TVS stap 6)."""
    known = registered(ctx)
    if not known:
        if any(True for _ in _services(doc)):
            yield from not_run(
                ("SAML-MD-710",),
                Text(
                    "geen geregistreerde ServiceUUIDs opgegeven (--set service-uuids=…)",
                    "no registered ServiceUUIDs given (--set service-uuids=…)",
                ),
            )
        return
    for service in _services(doc):
        for value, uuid in zip(service.values, service.uuids, strict=True):
            if uuid.lower() not in known:
                yield saw("SAML-MD-710", value, repr(uuid)[:120])


def registered(ctx: Context) -> frozenset[str]:
    """Return the ServiceUUIDs that the user says are registered, in lower case."""
    given = " ".join(ctx.settings.get("service-uuids", ()))
    return frozenset(part.lower() for part in re.split(r"[\s,;]+", given) if part)
