"""Dates: valid now, valid long enough, not too long, and not outlived by what refers to it (DKB PKI002; DKC 7)."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from harness.lint.judge import Context, RuleTable
from harness.lint.pki.judged import Judged, yes
from harness.lint.pki.reach import beside, in_roles
from harness.model import Finding, Text
from harness.wire.x509 import Certificate

VALIDITY = RuleTable[Judged]()
rule = VALIDITY.rule


def stamp(moment: datetime | None) -> str:
    """Return a moment as it is printed."""
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "?"


def parse_day(text: str) -> datetime | None:
    """Return the end of an ISO day, or the ISO moment, in UTC; None when it is neither."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == 10:
        found = datetime.combine(found.date(), time.max)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@rule("PKIO-VAL-001")
def valid_now(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The moment of judgement lies in the validity of the leaf and of every CA above it (DKB PKI002)."""
    if doc.cert.valid_at(ctx.at) and doc.above.valid_at(ctx.at):
        return
    for certificate in doc.path.certificates or (doc.cert,):
        if not certificate.valid_at(ctx.at):
            yield from _outside(certificate, doc, ctx)


def _outside(certificate: Certificate, doc: Judged, ctx: Context) -> Iterator[Finding]:
    first, last = certificate.not_before, certificate.not_after
    skew = timedelta(seconds=doc.policy.validity["skew_seconds"])
    name = "" if certificate is doc.cert else f" ({certificate.subject.short})"
    if first is None or last is None:
        yield Finding(
            "PKIO-VAL-001", "unreadable", Text("onleesbare datum", "unreadable date"), "UTC", f"validity{name}"
        )
    elif ctx.at.replace(microsecond=0) > last:
        case = "skew" if ctx.at - last <= skew else "expired"
        yield Finding("PKIO-VAL-001", case, f"notAfter {stamp(last)}{name}", stamp(ctx.at), "validity.notAfter")
    elif ctx.at < first:
        case = "skew" if first - ctx.at <= timedelta(seconds=doc.policy.validity["early_seconds"]) else "early"
        yield Finding("PKIO-VAL-001", case, f"notBefore {stamp(first)}{name}", stamp(ctx.at), "validity.notBefore")


def _horizon(ctx: Context, default: int) -> datetime:
    if not ctx.settings:
        return ctx.at + timedelta(days=default)
    days = ctx.setting("horizon")
    wanted = int(days) if days.isdigit() and len(days) < 5 else default
    return (parse_day(ctx.setting("go-live")) or ctx.at) + timedelta(days=wanted)


@rule("PKIO-VAL-002")
def valid_long_enough(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """Leaf and CAs stay valid until the go-live day and the horizon after it (DKC 7)."""
    until = _horizon(ctx, doc.policy.validity["horizon_days"])
    if (ends := doc.cert.not_after) and ends >= until and doc.above.valid_until(until):
        return
    for certificate in doc.path.certificates or (doc.cert,):
        last = certificate.not_after
        if last and last < until and certificate.valid_at(ctx.at):
            name = "" if certificate is doc.cert else f" ({certificate.subject.short})"
            left = (last - ctx.at).days
            observed = Text(
                f"nog {left} dagen, tot {stamp(last)}{name}", f"{left} days left, until {stamp(last)}{name}"
            )
            yield Finding("PKIO-VAL-002", "", observed, f"≥ {stamp(until)}", "validity.notAfter")


@rule("PKIO-VAL-003")
def lifetime(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A leaf lives three years at most in practice, five by the PvE (DKC 7)."""
    first, last = doc.cert.not_before, doc.cert.not_after
    if not first or not last or doc.role_name == "web" or doc.looks_like_authority:
        return
    days = (last - first).days
    limits = doc.policy.validity
    if days > limits["fail_days"]:
        yield Finding("PKIO-VAL-003", "five-years", f"{days}", f"≤ {limits['fail_days']}", "validity")
    elif days > limits["warn_days"]:
        yield Finding("PKIO-VAL-003", "three-years", f"{days}", f"≤ {limits['warn_days']}", "validity")


@rule("PKIO-VAL-004")
@in_roles("web")
def lifetime_on_the_web(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """A public certificate lives 200 days at most since 15 March 2026, and shorter later (CA/B SC-081)."""
    first, last = doc.cert.not_before, doc.cert.not_after
    if doc.role_name != "web" or not first or not last:
        return
    limit, days = doc.policy.web_days(first.date()), (last - first).days
    if limit and days > limit:
        case = "slightly" if days <= limit * 1.1 else ""
        yield Finding("PKIO-VAL-004", case, str(days), f"≤ {limit}", "validity")


@rule("PKIO-VAL-005")
def within_the_issuer(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The leaf ends before its issuer does."""
    issuer = doc.path.issuer
    if issuer and issuer.not_after and doc.cert.not_after and doc.cert.not_after > issuer.not_after:
        observed = f"{stamp(doc.cert.not_after)} > {stamp(issuer.not_after)}"
        yield Finding("PKIO-VAL-005", "", observed, f"≤ {stamp(issuer.not_after)}", "validity.notAfter")


@rule("PKIO-VAL-006")
@beside
def within_what_refers_to_it(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The CPA and the metadata that hold the certificate do not outlive it; with TLS offloading that is allowed (DKC 7)."""
    last = doc.cert.not_after
    case = "offloading" if yes(ctx, "offloading") else ""
    for name in ("cpa-end", "valid-until"):
        end = parse_day(ctx.setting(name))
        if end and last and end > last:
            yield Finding("PKIO-VAL-006", case, f"{name} {stamp(end)}", f"≤ {stamp(last)}", "validity.notAfter")
    for one in doc.companions.holders:
        if one.end and last and one.end > last and doc.cert.der in one.certificates:
            observed = Text(f"{one.document} tot {stamp(one.end)}", f"{one.document} until {stamp(one.end)}")
            yield Finding("PKIO-VAL-006", case, observed, f"≤ {stamp(last)}", "validity.notAfter")
