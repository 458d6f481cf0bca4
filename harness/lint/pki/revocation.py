"""Revocation: where the CRL is, whether the one at hand can be trusted, and who is on it (DKB PKI003, PKI004)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.pki.above import PLAIN
from harness.lint.pki.companions import Companions, anchors_of
from harness.lint.pki.judged import Judged, listed
from harness.lint.pki.validity import stamp
from harness.model import Finding, NotRun, Text
from harness.wire.crl import CRL_NUMBER, Crl
from harness.wire.x509 import Certificate

REVOCATION = RuleTable[Judged]()
rule = REVOCATION.rule
NO_CRL = Text("geen CRL opgegeven", "no CRL was given")
SKEW = timedelta(minutes=5)
_NO_CRL = tuple(not_run(("PKIO-REV-003", "PKIO-REV-004", "PKIO-REV-005", "PKIO-REV-008"), NO_CRL))


@rule("PKIO-REV-001", "PKIO-REV-002")
def distribution_points(doc: Judged, ctx: Context) -> Iterator[Finding]:
    """The leaf and every CA below the root say where their CRL is, over plain http (DKB PKI003)."""
    if doc.cert.crl_schemes == PLAIN and doc.above.plain and doc.path.complete:
        return
    for certificate in doc.path.certificates or (doc.cert,):
        schemes = certificate.crl_schemes
        if schemes == PLAIN or (certificate.self_issued and doc.path.complete):
            continue
        where = (
            "cRLDistributionPoints"
            if certificate is doc.cert
            else f"cRLDistributionPoints ({certificate.subject.short})"
        )
        observed = listed(certificate.crl_urls) or Text("geen URL", "no URL")
        if not schemes & {"http", "https"} and (certificate is doc.cert or not ctx.trust):
            yield Finding("PKIO-REV-001", "", observed, "http://…", where)
        if schemes and "http" not in schemes:
            case = "https" if "https" in schemes else "ldap"
            yield Finding("PKIO-REV-002", case, observed, "http://…", where)
        elif "https" in schemes or "ldap" in schemes:
            yield Finding("PKIO-REV-002", "beside", observed, "http://…", where)


@rule("PKIO-REV-003", "PKIO-REV-004", "PKIO-REV-005", "PKIO-REV-008")
def revoked(doc: Judged, ctx: Context) -> Iterator[Finding | NotRun]:
    """Each certificate of the path is looked up in the CRL of its issuer, when that CRL can be trusted (DKC 7)."""
    crls = doc.crls
    yield from _unreadable(doc)
    if not crls:
        yield from _NO_CRL
        return
    path = doc.path.certificates
    used: set[bytes] = set()
    for child, issuer in pairwise(path):
        mine = [crl for crl in crls if crl.issuer.key == issuer.subject.key]
        rule_id = "PKIO-REV-004" if child is doc.cert and not doc.is_authority else "PKIO-REV-005"
        if not mine:
            name = issuer.subject.short
            yield NotRun(rule_id, Text(f"geen CRL van {name} opgegeven", f"no CRL of {name} was given"))
        for crl in mine:
            faults = list(crl_faults(crl, issuer, ctx.at))
            if crl.der not in used:
                yield from faults
                yield _age(crl, ctx.at)
            used.add(crl.der)
            yield from _lookup(child, crl, rule_id, trusted=not _fatal(faults))
    for crl in crls:
        if crl.der not in used and not _named_above(doc, crl):
            yield Finding(
                "PKIO-REV-003", "stranger", crl.issuer.short, listed(c.subject.short for c in path[1:]) or "-", "crl"
            )


def _named_above(doc: Judged, crl: Crl) -> bool:
    known = [a.subject.key for a in (*doc.anchors, *doc.companions.authorities, *doc.path.certificates)]
    return crl.issuer.key in known or crl.issuer.key == doc.cert.issuer.key


def _unreadable(doc: Judged) -> Iterator[Finding]:
    for crl, form in doc.companions.crls:
        if crl is None:
            yield Finding("PKIO-REV-003", "unreadable", Text("onleesbare CRL", "unreadable CRL"), "DER", "crl")
        elif form == "pem":
            yield Finding("PKIO-REV-003", "pem", "PEM", "DER", "crl")


def crl_faults(crl: Crl, issuer: Certificate | None, at: datetime) -> Iterator[Finding]:
    """Yield why a CRL cannot be relied on: signature, dates, unknown critical extensions."""
    if issuer is not None:
        if not crl.signed_by(issuer):
            observed = Text(
                f"niet ondertekend met de sleutel van {issuer.subject.short}",
                f"not signed with the key of {issuer.subject.short}",
            )
            yield Finding("PKIO-REV-003", "signer", observed, (issuer.ski or b"").hex(), "crl.signature")
        elif issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
            yield Finding("PKIO-REV-003", "signer", listed(sorted(issuer.key_usage)), "cRLSign", "crl.issuer")
    if crl.this_update is None or crl.this_update > at + SKEW:
        yield Finding("PKIO-REV-003", "future", f"thisUpdate {stamp(crl.this_update)}", stamp(at), "crl.thisUpdate")
    if crl.next_update is None:
        yield Finding("PKIO-REV-003", "stale", Text("geen nextUpdate", "no nextUpdate"), stamp(at), "crl.nextUpdate")
    elif crl.next_update < at:
        yield Finding("PKIO-REV-003", "stale", f"nextUpdate {stamp(crl.next_update)}", stamp(at), "crl.nextUpdate")
    if crl.unknown_critical:
        yield Finding(
            "PKIO-REV-003", "critical", listed(crl.unknown_critical), Text("bekend", "known"), "crl.extensions"
        )
    if CRL_NUMBER not in crl.extensions.by_oid:
        yield Finding("PKIO-REV-003", "number", Text("geen cRLNumber", "no cRLNumber"), "cRLNumber", "crl.extensions")


def _fatal(faults: list[Finding]) -> bool:
    return any(f.case in {"signer", "critical"} for f in faults)


def _age(crl: Crl, at: datetime) -> Finding:
    hours = int((at - crl.this_update).total_seconds() // 3600) if crl.this_update else 0
    observed = Text(f"{crl.issuer.short}: {hours} uur oud", f"{crl.issuer.short}: {hours} hours old")
    return Finding("PKIO-REV-008", "age", observed, stamp(crl.next_update), "crl")


def _lookup(child: Certificate, crl: Crl, rule_id: str, *, trusted: bool) -> Iterator[Finding | NotRun]:
    scope = crl.scope
    foreign = (
        (scope.only_authorities and not child.is_ca) or (scope.only_users and child.is_ca) or scope.only_attributes
    )
    if not trusted or foreign or crl.is_delta:
        reason = Text("de CRL is hiervoor niet bruikbaar", "the CRL cannot be used for this")
        yield NotRun(rule_id, reason)
        return
    entry = crl.find(child.serial)
    if entry is not None and entry.reason != "removeFromCRL":
        case = "hold" if entry.reason == "certificateHold" else ""
        name = "" if rule_id == "PKIO-REV-004" else f"{child.subject.short}: "
        yield Finding(
            rule_id,
            case,
            f"{name}{stamp(entry.on)} {entry.reason}".strip(),
            Text("niet ingetrokken", "not revoked"),
            "crl",
        )


def judge_alone(crl: Crl, given: Companions, ctx: Context) -> Iterator[Finding | NotRun]:
    """Judge a CRL with the issuer and the certificates among the companions."""
    pool = [*given.authorities, *anchors_of(ctx)]
    called = [c for c in pool if c.subject.key == crl.issuer.key]
    issuer = next((c for c in called if crl.signed_by(c)), called[0] if called else None)
    faults = list(crl_faults(crl, issuer, ctx.at))
    yield from faults
    yield _age(crl, ctx.at)
    if issuer is None:
        name = crl.issuer.short
        yield NotRun(
            "PKIO-REV-003", Text(f"uitgever {name} niet opgegeven (--with)", f"issuer {name} was not given (--with)")
        )
    everyone = [*(c for _, c in given.others), *given.authorities]
    for child in (c for c in everyone if c.issuer.key == crl.issuer.key and not c.self_issued):
        rule_id = "PKIO-REV-005" if child.is_ca else "PKIO-REV-004"
        yield from _lookup(child, crl, rule_id, trusted=issuer is not None and not _fatal(faults))
