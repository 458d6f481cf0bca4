"""The service provider descriptor: roles, marks and endpoints (E and G)."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from harness.lint.judge import Context, RuleTable
from harness.lint.saml.delivered import BEHIND, Delivered, saw
from harness.model import Finding, Text
from harness.wire.saml import HTTP_ARTIFACT, HTTP_POST, MD, SAMLP, is_true, q
from harness.wire.saml_metadata import Endpoint

table: RuleTable[Delivered] = RuleTable()

ACS: Final = "AssertionConsumerService"
SLO: Final = "SingleLogoutService"


@table.rule("SAML-MD-401")
def one_role(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """One SPSSODescriptor and no other role (8.3)."""
    for entity in doc.metadata.entities:
        kinds = [role.kind for role in entity.roles]
        if kinds != ["SPSSODescriptor"]:
            yield saw("SAML-MD-401", entity.element, ", ".join(kinds) or "—", "SPSSODescriptor")


@table.rule("SAML-MD-402", "SAML-MD-403")
def asks_for_signatures(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A DV or LC signs its requests and wants signed assertions (8.3)."""
    for _, role, position in doc.providers:
        if position == BEHIND:
            continue
        for rule, name in (("SAML-MD-402", "AuthnRequestsSigned"), ("SAML-MD-403", "WantAssertionsSigned")):
            value = role.element.get(name)
            if not is_true(value):
                yield saw(rule, role.element, "—" if value is None else f'{name}="{value}"', f'{name}="true"')


@table.rule("SAML-MD-404")
def protocol(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """SAML 2.0 and nothing else (8.3)."""
    for _, role, _ in doc.providers:
        value = role.element.get("protocolSupportEnumeration")
        if value != SAMLP:
            yield saw("SAML-MD-404", role.element, value or "—", SAMLP)


@table.rule("SAML-MD-405")
def marks_of_a_provider_behind(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The marks on signing mean nothing for a DV behind an LC."""
    for _, role, position in doc.providers:
        names = [n for n in ("AuthnRequestsSigned", "WantAssertionsSigned") if role.element.get(n) is not None]
        if position == BEHIND and names:
            yield saw("SAML-MD-405", role.element, ", ".join(names))


@table.rule("SAML-MD-406")
def outside_the_table(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Parts of SAML that the interface leaves out (7.2)."""
    for _, role, _ in doc.providers:
        names = [n for n in ("NameIDFormat", "ManageNameIDService") if role.element.find(q(MD, n)) is not None]
        if role.element.get("errorURL"):
            names.append("errorURL")
        if names:
            yield saw("SAML-MD-406", role.element, ", ".join(names))


# --- G. endpoints -------------------------------------------------------------------------------------------------


@table.rule("SAML-MD-601")
def has_consumer(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """At least one AssertionConsumerService (8.3)."""
    for _, role, _ in doc.providers:
        if not role.of(ACS):
            yield saw("SAML-MD-601", role.element, "0", "≥ 1")


@table.rule("SAML-MD-602")
def consumer_binding(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Answers come by artifact only (3.1.1)."""
    for _, role, _ in doc.providers:
        for acs in role.of(ACS):
            if acs.binding != HTTP_ARTIFACT:
                yield saw("SAML-MD-602", acs.element, acs.binding or "—", HTTP_ARTIFACT)


def _endpoints(doc: Delivered, *kinds: str) -> Iterator[Endpoint]:
    for _, role, _ in doc.providers:
        for kind in kinds:
            yield from role.of(kind)


def is_plain_https(location: str) -> bool:
    """Whether `location` is an absolute https URL without fragment, user information or white space."""
    try:
        url = urlsplit(location)
        _ = url.port
    except ValueError:
        return False
    if location.split() != [location]:
        return False
    return (
        url.scheme == "https"
        and bool(url.hostname)
        and "*" not in url.netloc
        and not url.fragment
        and "#" not in location
        and "@" not in url.netloc
    )


@table.rule("SAML-MD-603")
def plain_https(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each Location is an absolute https URL (9.4)."""
    for endpoint in _endpoints(doc, ACS, SLO):
        if not is_plain_https(endpoint.location):
            yield saw("SAML-MD-603", endpoint.element, endpoint.location[:200] or "—", "https://…")


@table.rule("SAML-MD-604")
def consumer_index(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Each ACS has an index of its own, 0 to 65535 (8.3)."""
    for _, role, _ in doc.providers:
        indexes = [acs.index for acs in role.of(ACS)]
        faulty = any(i is None or not i.strip().isdecimal() or int(i) > 65535 for i in indexes)
        if faulty or len({(i or "").strip() for i in indexes}) != len(indexes):
            yield saw("SAML-MD-604", role.element, ", ".join(i or "—" for i in indexes), "0…65535")


@table.rule("SAML-MD-605")
def consumer_default(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Of several ACSs exactly one is the default (8.3)."""
    for _, role, _ in doc.providers:
        defaults = sum(acs.default for acs in role.of(ACS))
        if len(role.of(ACS)) > 1 and defaults != 1:
            yield saw("SAML-MD-605", role.element, f"{defaults} × isDefault", "1 × isDefault")


@table.rule("SAML-MD-606")
def consumer_order(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A receiver was seen that takes the index for the position in the list."""
    for _, role, position in doc.providers:
        indexes = [acs.index for acs in role.of(ACS) if acs.index is not None]
        if position != BEHIND and indexes != [str(n) for n in range(len(indexes))]:
            yield saw("SAML-MD-606", role.element, ", ".join(indexes), ", ".join(str(n) for n in range(len(indexes))))


@table.rule("SAML-MD-607")
def consumer_of_the_lc(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A DV behind an LC repeats one ACS of the LC (8.4.3)."""
    if not doc.clustered:
        return
    lc = doc.metadata.lc
    of_lc = {acs.same_as for acs in lc.sp.of(ACS)} if lc and lc.sp else set()
    for _, role, position in doc.providers:
        if position != BEHIND:
            continue
        own = role.of(ACS)
        if len(own) > 1:
            yield saw("SAML-MD-607", role.element, f"{len(own)} × {ACS}", f"1 × {ACS}", case="count")
        if own and own[0].same_as not in of_lc:
            shown = " ".join(part or "—" for part in (own[0].location, own[0].index))
            expected = ", ".join(f"{location} {index or '—'}" for _, location, index in sorted(of_lc, key=str)[:3])
            yield saw("SAML-MD-607", own[0].element, shown, expected or "—")


@table.rule("SAML-MD-608")
def logout_binding(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Logout goes by HTTP-POST (8.3)."""
    for _, role, position in doc.providers:
        bindings = [slo.binding for slo in role.of(SLO)]
        if bindings and HTTP_POST not in bindings:
            yield saw("SAML-MD-608", role.of(SLO)[0].element, ", ".join(bindings), HTTP_POST)
        elif not bindings and position != BEHIND and is_true(ctx.setting("sso")):
            yield saw("SAML-MD-608", role.element, "—", HTTP_POST, case="absent")
        elif not bindings and position != BEHIND and not ctx.setting("sso"):
            alone = Text("alleen juist zonder single sign-on", "right only without single sign-on")
            yield saw("SAML-MD-608", role.element, alone, HTTP_POST, case="unsaid")


@table.rule("SAML-MD-609")
def no_response_location(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Answers come to Location; ResponseLocation is not part of the interface."""
    for endpoint in _endpoints(doc, ACS, SLO):
        if endpoint.response_location:
            yield saw("SAML-MD-609", endpoint.element, endpoint.response_location[:200])


@table.rule("SAML-MD-610")
def no_resolution_service(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Artifacts are resolved at the RD, never at a DV."""
    for endpoint in _endpoints(doc, "ArtifactResolutionService"):
        yield saw("SAML-MD-610", endpoint.element, endpoint.location[:200])


@table.rule("SAML-MD-612")
def no_query(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A receiver was seen that appends ?SAMLart= whatever the Location holds."""
    for endpoint in _endpoints(doc, ACS):
        if "?" in endpoint.location:
            yield saw("SAML-MD-612", endpoint.element, endpoint.location[:200])
