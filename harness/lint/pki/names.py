"""Host names in subjectAltName, and whether they cover the endpoints (RFC 9525; handleiding 3.3.8)."""

from collections.abc import Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged, listed
from harness.lint.pki.reach import beside
from harness.model import Environment, Finding, Text
from harness.wire import hostname
from harness.wire.distinguished import COMMON_NAME
from harness.wire.extensions import SAN

HOSTS = RuleTable[Judged]()
rule = HOSTS.rule
WHERE = "subjectAltName"


@rule("PKIO-SAN-001")
def has_a_dns_name(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """There is at least one dNSName; an otherName or a common name does not count (S1 3.3.8, RFC 9525)."""
    subject = doc.subject
    if subject.dns_names:
        return
    if SAN in subject.extensions.malformed:
        observed: Text | str = Text("subjectAltName is onleesbaar", "subjectAltName cannot be read")
    elif subject.names:
        observed = listed(dict.fromkeys(n.kind for n in subject.names))
    else:
        observed = Text("geen subjectAltName", "no subjectAltName")
    yield Finding("PKIO-SAN-001", "", observed, "dNSName", WHERE)


def _hosts(doc: Judged, ctx: Context) -> list[str]:
    """Every host that the certificate must cover: of the endpoints that were given, and of the documents beside it."""
    given = filter(None, map(hostname.host_of, ctx.settings.get("endpoint", ())))
    return list(dict.fromkeys((*given, *doc.agreed_hosts)))


def _uncovered(doc: Judged, hosts: list[str]) -> list[str]:
    return [h for h in hosts if not hostname.covered(h, doc.subject.dns_names, doc.subject.addresses)]


@rule("PKIO-SAN-002")
@beside
def covers_the_endpoint(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The host of the endpoint matches a name in the certificate; the common name is never consulted."""
    hosts = _hosts(doc, ctx)
    if len(hosts) == 1 and len(ctx.settings.get("endpoint", ())) < 2:
        for host in _uncovered(doc, hosts):
            yield Finding("PKIO-SAN-002", "", listed(doc.subject.dns_names) or "-", host, WHERE)


@rule("PKIO-SAN-008")
@beside
def covers_every_endpoint(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Every host of the delivery channels, the WSDL and the metadata is covered (S1 4.4.4)."""
    hosts = _hosts(doc, ctx)
    several = len(hosts) > 1 or len(ctx.settings.get("endpoint", ())) > 1
    missing = _uncovered(doc, hosts) if several else []
    if missing:
        observed = Text(f"niet gedekt: {listed(missing)}", f"not covered: {listed(missing)}")
        yield Finding("PKIO-SAN-008", "", observed, listed(doc.subject.dns_names) or "-", WHERE)


@rule("PKIO-SAN-003")
def common_name_is_covered(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A common name that looks like a host stands in subjectAltName too."""
    name = doc.subject.subject.first(COMMON_NAME).strip()
    if name in doc.subject.dns_names and "*" not in name:
        return
    if not hostname.looks_like_host(name) or any(hostname.matches(p, name) for p in doc.subject.dns_names):
        return
    if doc.subject.dns_names:
        yield Finding("PKIO-SAN-003", "", name, listed(doc.subject.dns_names), WHERE)


@rule("PKIO-SAN-004")
def no_wildcard(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """PKIoverheid issues no wildcards; public web certificates may have them."""
    for name in doc.subject.dns_names:
        if "*" in name:
            case = "web" if doc.role_name == "web" else ""
            yield Finding("PKIO-SAN-004", case, name, Text("volledige hostnaam", "full host name"), WHERE)


@rule("PKIO-SAN-005")
def no_address(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No IP addresses: G4 forbids them."""
    for name in doc.subject.names:
        if name.kind == "ip":
            case = "g4" if doc.is_g4 else "g1"
            yield Finding("PKIO-SAN-005", case, name.text, "dNSName", WHERE)


@rule("PKIO-SAN-006")
def public_names(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Names are public host names: no single label, no localhost, no ending for private use (G4 profile)."""
    for name in doc.subject.dns_names:
        allowed = ctx.environment is Environment.LAB and name.lower() == "localhost"
        if hostname.is_private_name(name) and not allowed and hostname.syntax_fault(name) not in {"empty", "url"}:
            yield Finding("PKIO-SAN-006", "", name, Text("publieke hostnaam", "public host name"), WHERE)


@rule("PKIO-SAN-007")
def host_syntax(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A dNSName is made of letters, digits and hyphens; no URL, port, blank or underscore (RFC 1123)."""
    for name in doc.subject.dns_names:
        case = hostname.syntax_fault(name)
        if not case and hostname.address(name):
            case = "address"
        if case:
            yield Finding(
                "PKIO-SAN-007", case, name or '""', Text("hostnaam (RFC 1123)", "host name (RFC 1123)"), WHERE
            )
    critical = doc.subject.extensions.critical(SAN)
    if critical and doc.subject.subject.attributes:
        yield Finding("PKIO-SAN-007", "critical", "critical", Text("niet critical", "not critical"), WHERE)
    elif SAN in doc.subject.extensions.by_oid and not critical and not doc.subject.subject.attributes:
        yield Finding("PKIO-SAN-007", "subject", Text("leeg subject", "empty subject"), "critical", WHERE)


@rule("PKIO-SAN-009")
@beside
def names_of_this_environment(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """No host stands in both the pre-production and the production certificate (S4 steps 5, 10)."""
    other = {Environment.PREPROD: "prod", Environment.PROD: "preprod"}.get(ctx.environment, "")
    theirs = {name.lower() for c in doc.companions.related(other) for name in c.dns_names} if other else set()
    both = sorted(theirs & {name.lower() for name in doc.subject.dns_names}) if theirs else []
    if both:
        yield Finding("PKIO-SAN-009", "", listed(both), Text("eigen namen per omgeving", "names of their own"), WHERE)
