"""The metadata of the routing service (RD) as a dienstverlener or LC consumes it (K)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import BREACHES, STATES, Delivered, saw
from harness.lint.saml.descriptor import is_plain_https
from harness.model import Environment, Finding, NotRun, Text
from harness.wire.saml import HTTP_POST, RD_PREPROD, SOAP_BINDING, Moment, is_true
from harness.wire.saml_signature import State

table: RuleTable[Delivered] = RuleTable()

PINNED: Final = {Environment.PREPROD: RD_PREPROD}
"""The entityID of the RD per environment, as published; never read from the file that is judged."""
CONSTANT_ID: Final = "_da39a3ee5e6b4b0d3255bfef95601890afd80709"
ALARM: Final = timedelta(days=14)


@table.rule("SAML-RD-001")
def one_identity_provider(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """One entity with one IDPSSODescriptor that wants signed requests (8.5)."""
    entity = next(iter(doc.metadata.entities), None)
    kinds = [role.kind for role in entity.roles] if entity else []
    if doc.metadata.plural or kinds.count("IDPSSODescriptor") != 1:
        yield saw("SAML-RD-001", doc.root, ", ".join(kinds) or "—", "1 × IDPSSODescriptor")
    elif entity and entity.idp and not is_true(entity.idp.element.get("WantAuthnRequestsSigned")):
        yield saw("SAML-RD-001", entity.idp.element, "—", 'WantAuthnRequestsSigned="true"', case="unsigned")


@table.rule("SAML-RD-002")
def pinned_name(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """The entityID is the one that was agreed, not the one that the file claims (8.5, 9.1)."""
    expected = ctx.setting("rd-entityid") or ctx.setting("entityid") or PINNED.get(ctx.environment, "")
    entity = next(iter(doc.metadata.entities), None)
    if entity is None:
        return
    if not expected:
        yield from not_run(
            ("SAML-RD-002",),
            Text(
                "geen vastgelegd entityID van de RD voor deze omgeving (--set entityid=…)",
                "no pinned entityID of the RD for this environment (--set entityid=…)",
            ),
        )
    elif entity.entity_id != expected:
        yield saw("SAML-RD-002", entity.element, entity.entity_id[:160] or "—", expected)


@table.rule("SAML-RD-003")
def signed(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Signed with a key that the file lists, by the allowed algorithms (8.5, 9.2)."""
    facts = doc.signature
    if facts.count != 1 or facts.signature is None:
        yield saw("SAML-RD-003", doc.root, f"{facts.count} × ds:Signature", "1", case="unsigned")
        return
    for breach in sorted(facts.breaches):
        yield saw("SAML-RD-003", facts.signature.element, BREACHES[breach], case="profile")
    if facts.chosen is None:
        yield saw("SAML-RD-003", facts.signature.element, facts.signature.key_name or "—", case="key")
    elif facts.state is not None and facts.state not in (State.INTACT, State.UNSUPPORTED):
        yield saw("SAML-RD-003", facts.signature.element, STATES[facts.state], case=str(facts.state))


@table.rule("SAML-RD-004")
def certificate_of_the_rd(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """Each signing certificate carries the RD's OIN, is valid and leads to PKIoverheid (9.1)."""
    for entity, key, certificate in doc.certified:
        if key.use != "signing":
            continue
        if entity.name and certificate.oin != entity.name.oin:
            yield saw("SAML-RD-004", key.element, certificate.oin or "—", entity.name.oin, case="oin")
        if not certificate.valid_at(ctx.at):
            period = f"{certificate.not_before:%Y-%m-%d} – {certificate.not_after:%Y-%m-%d}"
            yield saw("SAML-RD-004", key.element, period, f"{ctx.at:%Y-%m-%d}", case="period")
        if doc.trust and not doc.trust.chains(certificate.certificate):
            yield saw("SAML-RD-004", key.element, certificate.issuer, case="chain")
    if doc.trust is None:
        yield from not_run(
            ("SAML-RD-004",), Text("geen vertrouwensankers opgegeven (--trust)", "no trust anchors given (--trust)")
        )


@table.rule("SAML-RD-005")
def in_force(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The file says until when it holds, and that moment has not passed (8.5)."""
    until, cache = doc.root.get("validUntil"), doc.root.get("cacheDuration")
    moment = Moment.read(until)
    if not until and not cache:
        yield saw("SAML-RD-005", doc.root, "—", "validUntil, cacheDuration", case="absent")
    elif until and moment is None:
        yield saw("SAML-RD-005", doc.root, until, case="unreadable")
    elif moment and moment.at <= ctx.at:
        yield saw("SAML-RD-005", doc.root, until or "", f"> {ctx.at:%Y-%m-%dT%H:%M:%SZ}")


@table.rule("SAML-RD-006")
def endpoints(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Login and logout by POST, artifact resolution by SOAP with an index of its own (8.5)."""
    role = next((e.idp for e in doc.metadata.entities if e.idp), None)
    if role is None:
        return
    wanted = (
        ("SingleSignOnService", HTTP_POST),
        ("ArtifactResolutionService", SOAP_BINDING),
        ("SingleLogoutService", HTTP_POST),
    )
    for kind, binding in wanted:
        if binding not in [endpoint.binding for endpoint in role.of(kind)]:
            shown = ", ".join(endpoint.binding for endpoint in role.of(kind)) or "—"
            yield saw("SAML-RD-006", role.element, f"{kind}: {shown}", f"{kind}: {binding}")
    indexes = [endpoint.index for endpoint in role.of("ArtifactResolutionService")]
    if None in indexes or len(set(indexes)) != len(indexes):
        yield saw("SAML-RD-006", role.element, ", ".join(i or "—" for i in indexes), case="index")


@table.rule("SAML-RD-007")
def fresh_copy(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Fetch anew in time: the RD's metadata ends with its certificate."""
    moment = Moment.read(doc.root.get("validUntil"))
    ends = [c.not_after for _, _, c in doc.certified] + ([moment.at] if moment else [])
    first = min(ends, default=None)
    if first and ctx.at < first < ctx.at + ALARM:
        yield saw("SAML-RD-007", doc.root, f"{first:%Y-%m-%d}", f"≥ {ctx.at + ALARM:%Y-%m-%d}")


@table.rule("SAML-RD-008")
def constant_id(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """TVS publishes one and the same @ID every time: nothing may be keyed on it."""
    if doc.root.get("ID") == CONSTANT_ID:
        yield saw("SAML-RD-008", doc.root, CONSTANT_ID)


@table.rule("SAML-RD-009")
def pinned_hosts(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Every endpoint of the RD is plain https; the back channel may live on another host."""
    for entity in doc.metadata.entities:
        for role in entity.roles:
            for endpoint in role.endpoints:
                if not is_plain_https(endpoint.location):
                    yield saw("SAML-RD-009", endpoint.element, endpoint.location[:200] or "—", "https://…")
