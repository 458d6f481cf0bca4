"""The AuthnRequest on the front channel (L)."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import saw
from harness.lint.saml.heard import NO_METADATA, NO_RD, NOT_CAPTURED, Heard
from harness.lint.saml.services import registered
from harness.lint.saml.signed_message import (
    crypto_findings,
    id_findings,
    instant_findings,
    issuer_findings,
    key_findings,
    profile_findings,
    schema_findings,
    version_findings,
)
from harness.model import Finding, NotRun
from harness.wire.oin import passes_elfproef
from harness.wire.saml import (
    IDP_ASSERTION,
    INTENDED_AUDIENCE,
    LOA_RANK,
    SAML,
    SAMLP,
    SERVICE_UUID,
    UUID,
    EntityId,
    children,
    is_true,
    local_name,
    q,
    text_of,
)
from harness.wire.saml_message import attributes, extension_values

table: RuleTable[Heard] = RuleTable()

RELAY_BYTES: Final = 80
_NINE_DIGITS: Final = re.compile(r"(?:(?<![0-9a-z])|(?<=bsn))\d{9}(?![0-9a-z])", re.IGNORECASE)
"""Nine digits by themselves: inside a random token in hex they say nothing."""
ERRATUM_UUID: Final = re.compile(r"[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}")


@table.rule("SAML-AR-001")
def sent_by_post(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The request travels as an HTML form by POST, not deflated (3.1.1)."""
    carried = doc.message.carried
    if carried.binding == "bare":
        yield from not_run(("SAML-AR-001",), NOT_CAPTURED)
    elif carried.binding not in ("post", "html"):
        yield saw("SAML-AR-001", doc.element, carried.binding, "HTTP-POST")
    elif "SAMLRequest" not in carried.fields:
        yield saw("SAML-AR-001", doc.element, ", ".join(carried.fields)[:80], "SAMLRequest", case="field")
    elif carried.deflated:
        yield saw("SAML-AR-001", doc.element, "DEFLATE", "base64", case="deflated")
    if carried.page:
        yield from _posts_to_rd(doc, _saml_form(carried.page))


def _posts_to_rd(doc: Heard, form: Mapping[str, str]) -> Iterator[Finding]:
    """The form on the page posts, and to an SSO address of the RD."""
    method = form.get("method", "get")
    if method.lower() != "post":
        yield saw("SAML-AR-001", doc.element, f"method={method}", "post", case="method")
    places = [e.location for e in doc.rd.idp.of("SingleSignOnService")] if doc.rd and doc.rd.idp else []
    if places and form.get("action", "") not in places:
        yield saw("SAML-AR-001", doc.element, form.get("action", "")[:200] or "—", ", ".join(places), case="action")


def _saml_form(page: str) -> Mapping[str, str]:
    """Return the attributes of the form that carries SAML; a page may have others."""
    parts = re.split(r"(?=<form\b)", page, flags=re.IGNORECASE)
    carrying = next((part for part in parts if re.search(r"name=['\"]?SAML(?:Request|Response)\b", part)), "")
    tag = re.match(r"<form\b[^>]*>", carrying, re.IGNORECASE)
    return attributes(tag[0]) if tag else {}


@table.rule("SAML-AR-002")
def valid(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Valid against the protocol schema; children in their order."""
    yield from schema_findings("SAML-AR-002", doc)


@table.rule("SAML-AR-003")
def unguessable_id(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """An @ID that cannot be guessed and is never used again (7.3)."""
    yield from id_findings("SAML-AR-003", doc.element)


@table.rule("SAML-AR-004")
def version(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Version 2.0 (7.3)."""
    yield from version_findings("SAML-AR-004", doc.element)


@table.rule("SAML-AR-005")
def issued_now(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """IssueInstant in UTC, not in the future, not older than five minutes."""
    yield from instant_findings("SAML-AR-005", doc.element, ctx)


@table.rule("SAML-AR-006")
def destination(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """Destination is the SSO address of the RD (7.3)."""
    value = doc.element.get("Destination")
    if not value:
        yield saw("SAML-AR-006", doc.element, "—", "Destination", case="absent")
    elif doc.rd is None or doc.rd.idp is None:
        yield from not_run(("SAML-AR-006",), NO_RD)
    else:
        places = [e.location for e in doc.rd.idp.of("SingleSignOnService")]
        if value not in places:
            yield saw("SAML-AR-006", doc.element, value[:200], ", ".join(places))


@table.rule("SAML-AR-007", "SAML-AR-009")
def consumer_by_index_only(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The ACS is named by index: no URL and no ProtocolBinding beside it (7.3)."""
    if doc.element.get("AssertionConsumerServiceURL") is not None:
        yield saw("SAML-AR-007", doc.element, doc.element.get("AssertionConsumerServiceURL") or "")
    if doc.element.get("ProtocolBinding") is not None and doc.element.get("AssertionConsumerServiceIndex") is not None:
        yield saw("SAML-AR-009", doc.element, doc.element.get("ProtocolBinding") or "")


@table.rule("SAML-AR-008")
def consumer_index(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """AssertionConsumerServiceIndex names an ACS of the sender (7.3)."""
    value = doc.element.get("AssertionConsumerServiceIndex")
    if value is None:
        yield saw("SAML-AR-008", doc.element, "—", "AssertionConsumerServiceIndex", case="absent")
    elif doc.sender is None or doc.sender.sp is None:
        yield from not_run(("SAML-AR-008",), NO_METADATA)
    else:
        known = [acs.index or "" for acs in doc.sender.sp.of("AssertionConsumerService")]
        if value not in known:
            yield saw("SAML-AR-008", doc.element, value, ", ".join(known))


@table.rule("SAML-AR-010", "SAML-AR-011", "SAML-AR-015", "SAML-AR-016")
def marks(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """IsPassive, Consent, ForceAuthn and ProviderName as the interface wants them."""
    element = doc.element
    if is_true(element.get("IsPassive")):
        yield saw("SAML-AR-010", element, 'IsPassive="true"', 'IsPassive="false"')
    consent = element.get("Consent")
    if consent is not None and not consent.endswith(":consent:unspecified"):
        yield saw("SAML-AR-011", element, consent)
    if is_true(element.get("ForceAuthn")):
        yield saw("SAML-AR-015", element, 'ForceAuthn="true"')
    if element.get("ProviderName") is not None:
        yield saw("SAML-AR-016", element, element.get("ProviderName") or "")


@table.rule("SAML-AR-012")
def issuer(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The Issuer is the connection: the DV itself, or the LC of the cluster (7.3)."""
    name = EntityId.read(doc.message.issuer)
    holder = doc.element.find(q(SAML, "Issuer"))
    if name is None or name.role not in ("DV", "LC"):
        yield saw("SAML-AR-012", doc.element if holder is None else holder, doc.message.issuer[:160] or "—", "DV, LC")
        return
    if not doc.ours:
        yield from not_run(("SAML-AR-012",), NO_METADATA)
        return
    lc = next((e for e in doc.ours.values() if e.name and e.name.role == "LC"), None)
    if doc.sender is None:
        yield saw("SAML-AR-012", holder, doc.message.issuer, case="unknown")
    elif lc is not None and name.role == "DV":
        yield saw("SAML-AR-012", holder, doc.message.issuer, lc.entity_id, case="cluster")


@table.rule("SAML-AR-013")
def clean_issuer(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The Issuer carries its value and nothing else."""
    yield from issuer_findings("SAML-AR-013", doc.element)


@table.rule("SAML-AR-014", "SAML-AR-017")
def no_subject(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """No Subject, Conditions or NameIDPolicy."""
    for name in ("Subject", "Conditions"):
        found = doc.element.find(q(SAML, name))
        if found is not None:
            yield saw("SAML-AR-014", found, name)
    policy = doc.element.find(q(SAMLP, "NameIDPolicy"))
    if policy is not None:
        yield saw("SAML-AR-017", policy, "NameIDPolicy")


@table.rule("SAML-AR-018")
def level(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The level comes from the service catalogue; one that is sent is a minimum of eID itself (7.6.3.2)."""
    wanted = doc.element.find(q(SAMLP, "RequestedAuthnContext"))
    if wanted is None:
        return
    levels = [text_of(e).strip() for e in wanted.findall(q(SAML, "AuthnContextClassRef"))]
    case = "digid-3" if any(":ac:classes:" in loa for loa in levels) else ""
    if wanted.get("Comparison") != "minimum" or any(loa not in LOA_RANK for loa in levels):
        yield saw("SAML-AR-018", wanted, f"{wanted.get('Comparison') or 'exact'}: {', '.join(levels)}", case=case)


@table.rule("SAML-AR-020")
def signed(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """An enveloped signature of the same profile as metadata (7.3, 9.1)."""
    yield from profile_findings("SAML-AR-020", doc)


@table.rule("SAML-AR-021")
def known_key(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """KeyInfo designates a signing key in the delivered metadata (9.2)."""
    yield from key_findings("SAML-AR-021", doc)


@table.rule("SAML-AR-022")
def verified(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The signature verifies over the request that is processed (9.1)."""
    yield from crypto_findings("SAML-AR-022", doc)


@table.rule("SAML-AR-023")
def key_name_only(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """A KeyName is enough; the certificate stands in the metadata (9.2)."""
    found = doc.signature.signature
    if found is not None and found.certificates:
        yield saw("SAML-AR-023", found.element, "X509Certificate", "KeyName")


# --- which service, for whom ------------------------------------------------------------------------------------------


@table.rule("SAML-AR-030", "SAML-AR-033")
def extensions_or_index(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """The service is named once: by Extensions, or by index for a direct DV (7.3)."""
    extensions = doc.element.find(q(SAMLP, "Extensions"))
    index = doc.element.get("AttributeConsumingServiceIndex")
    if (extensions is None) == (index is None):
        both = extensions is not None
        shown_ = "Extensions, AttributeConsumingServiceIndex" if both else "—"
        yield saw("SAML-AR-030", doc.element, shown_, case="both" if both else "none")
    name = EntityId.read(doc.message.issuer)
    if name and name.role == "LC" and index is not None:
        yield saw("SAML-AR-033", doc.element, f"AttributeConsumingServiceIndex={index}", "Extensions")


@table.rule("SAML-AR-031", "SAML-AR-032", "SAML-AR-036", "SAML-AR-037")
def extension_attributes(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Extensions name the ServiceUUID and the DV for whom, each with a value, and nothing for the RD's own use."""
    extensions = doc.element.find(q(SAMLP, "Extensions"))
    if extensions is None:
        return
    values = extension_values(doc.element)
    uuids = values.get(SERVICE_UUID, [])
    if len(uuids) != 1 or not UUID.fullmatch(uuids[0]):
        case = "erratum" if len(uuids) == 1 and ERRATUM_UUID.fullmatch(uuids[0].strip()) else ""
        yield saw("SAML-AR-031", extensions, ", ".join(map(repr, uuids))[:160] or "—", "8-4-4-4-12", case=case)
    audiences = values.get(INTENDED_AUDIENCE, [])
    name = EntityId.read(audiences[0]) if len(audiences) == 1 else None
    if name is None or name.role != "DV":
        yield saw("SAML-AR-032", extensions, ", ".join(audiences)[:160] or "—", "urn:nl-eid-gdi:1.0:DV:…")
    empty = [n for n, v in values.items() if not v or any(not one.strip() for one in v)]
    if empty or IDP_ASSERTION in values:
        yield saw("SAML-AR-036", extensions, ", ".join(empty) or IDP_ASSERTION)
    extra = [local_name(c) for c in children(extensions) if c.tag != q(SAML, "Attribute")]
    extra += [n for n in values if n not in (SERVICE_UUID, INTENDED_AUDIENCE, IDP_ASSERTION)]
    if extra:
        yield saw("SAML-AR-037", extensions, ", ".join(extra)[:160])


@table.rule("SAML-AR-034")
def own_provider_and_service(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The DV is in the delivered metadata and the service is registered (7.3.1.2)."""
    values = extension_values(doc.element)
    extensions = doc.element.find(q(SAMLP, "Extensions"))
    if extensions is None:
        return
    if not doc.ours:
        yield from not_run(("SAML-AR-034",), NO_METADATA)
        return
    for audience in values.get(INTENDED_AUDIENCE, []):
        if audience not in doc.ours:
            yield saw("SAML-AR-034", extensions, audience[:160], case="audience")
    known = registered(ctx)
    for uuid in values.get(SERVICE_UUID, []):
        if known and uuid.lower() not in known:
            yield saw("SAML-AR-034", extensions, uuid[:80], case="service")


@table.rule("SAML-AR-035")
def known_service_index(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """AttributeConsumingServiceIndex names a service in the metadata (7.3)."""
    index = doc.element.get("AttributeConsumingServiceIndex")
    if index is None:
        return
    if doc.sender is None or doc.sender.sp is None:
        yield from not_run(("SAML-AR-035",), NO_METADATA)
        return
    known = [service.index or "" for service in doc.sender.sp.services]
    if index not in known:
        yield saw("SAML-AR-035", doc.element, index, ", ".join(known) or "—")


@table.rule("SAML-AR-040", "SAML-AR-041")
def scoping(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """Preselection names at least one AD; RequesterID is not supported by TVS (7.3)."""
    found = doc.element.find(q(SAMLP, "Scoping"))
    if found is None:
        return
    entries = found.findall(f"{q(SAMLP, 'IDPList')}/{q(SAMLP, 'IDPEntry')}")
    names = [EntityId.read(e.get("ProviderID") or "") for e in entries]
    requesters = [text_of(r).strip() for r in found.findall(q(SAMLP, "RequesterID"))]
    valid_names = all(n is not None and n.role in ("AD", "BVD") for n in names)
    has_ad = any(n is not None and n.role == "AD" for n in names)
    if (found.find(q(SAMLP, "IDPList")) is not None or not requesters) and not (names and valid_names and has_ad):
        yield saw("SAML-AR-040", found, ", ".join(e.get("ProviderID") or "—" for e in entries)[:200] or "—", "AD")
    if requesters:
        yield saw("SAML-AR-041", found, ", ".join(requesters)[:200], case="many" if len(requesters) > 1 else "")


# --- what travels beside it -------------------------------------------------------------------------------------------


@table.rule("SAML-AR-050")
def relay_state(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """RelayState is at most 80 bytes and says nothing by itself (9.8)."""
    value = doc.message.carried.relay_state
    if value is None:
        return
    size = len(value.encode())
    if size > RELAY_BYTES:
        yield saw("SAML-AR-050", doc.element, f"{size} bytes", f"≤ {RELAY_BYTES} bytes")
    elif re.match(r"https?://|\{", value):
        yield saw("SAML-AR-050", doc.element, value[:12] + "…", case="speaking")


@table.rule("SAML-AR-051")
def no_personal_data(doc: Heard, ctx: Context) -> Iterator[Finding]:
    """No BSN and no e-mail address on the front channel (7.1)."""
    asked = doc.raw.http.start.split(" ")[1:2] if doc.raw.http else []
    query = dict(parse_qsl(urlsplit(asked[0]).query)) if asked and "?" in asked[0] else {}
    for name, value in {**query, **doc.message.carried.fields}.items():
        if name not in ("SAMLRequest", "SAMLResponse") and (what := personal(value)):
            yield saw("SAML-AR-051", doc.element, f"{name}: {what}")


def personal(text: str) -> str:
    """Return the kind of personal data in `text` (never the data), or an empty string."""
    text = f"{text} {_unpacked(text)}"
    if any(passes_elfproef(nine) for nine in _NINE_DIGITS.findall(text)):
        return "BSN"
    return "e-mail" if re.search(r"[\w.+-]+@[\w-]+\.[\w.]+", text) else ""


def _unpacked(text: str) -> str:
    """Return what `text` says when it is base64 of readable text, or an empty string."""
    try:
        found = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True).decode("ascii")
    except ValueError:
        return ""
    return found if found.isprintable() else ""


@table.rule("SAML-AR-052", "SAML-AR-053")
def login_page(doc: Heard, ctx: Context) -> Iterator[Finding | NotRun]:
    """The page posts itself in the same window, works without scripts, and is not cached (9.9)."""
    page = doc.message.carried.page
    if not page:
        yield from not_run(("SAML-AR-052", "SAML-AR-053"), NOT_CAPTURED)
        return
    form = _saml_form(page)
    if "<iframe" in page.lower() or form.get("target", "_self").lower() not in ("", "_self", "_top"):
        yield saw("SAML-AR-052", doc.element, form.get("target") or "iframe", case="frame")
    if not re.search(r"""<button|<input[^>]*type=["']?submit""", page, re.IGNORECASE):
        yield saw("SAML-AR-052", doc.element, "—", "submit", case="submit")
    yield from _headers(doc, form.get("action", ""))


def _headers(doc: Heard, action: str) -> Iterator[Finding]:
    head = doc.raw.http
    if head is None:
        return
    if "no-store" not in head.get("cache-control").lower():
        yield saw("SAML-AR-053", doc.element, head.get("cache-control") or "—", "Cache-Control: no-store")
    policy = next(
        (d for d in head.get("content-security-policy").split(";") if d.strip().startswith("form-action")), ""
    )
    host = action.split("/")[2] if action.count("/") > 2 else ""
    if policy and host and host not in policy and not re.search(r"\s(\*|https:)(\s|$)", policy):
        yield saw("SAML-AR-053", doc.element, policy.strip(), host, case="form-action")
