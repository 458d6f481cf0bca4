"""The four judges: of a certificate, a chain as it is sent, a request and a CRL."""

from collections.abc import Iterator
from datetime import date
from functools import cache

from harness.errors import DocumentUnreadable
from harness.lint.judge import Context, Raw, RuleTable
from harness.lint.pki import (
    chain,
    environment,
    keys,
    names,
    oin,
    policies,
    revocation,
    served,
    status,
    subject,
    usage,
    validity,
)
from harness.lint.pki.companions import companions, open_raw
from harness.lint.pki.judged import Judged, JudgedRequest
from harness.lint.pki.policy import policy
from harness.lint.pki.reach import stands_alone, table_of
from harness.model import Finding, NotRun, Text
from harness.wire import certfile
from harness.wire.certfile import Content
from harness.wire.crl import read_crl
from harness.wire.csr import Request
from harness.wire.der import DerBroken
from harness.wire.x509 import Certificate

Outcome = Iterator[Finding | NotRun]

_BY_GROUP = {
    "oin": oin.OIN,
    "name": subject.NAME,
    "san": names.HOSTS,
    "usage": usage.USAGE,
    "policy": policies.POLICY,
    "web": environment.WEB,
}
_ALWAYS = (
    subject.SERIAL,
    usage.CONSTRAINTS,
    keys.KEYS,
    keys.SIGNATURE,
    validity.VALIDITY,
    chain.CHAIN,
    revocation.REVOCATION,
    status.STATUS,
    environment.ENVIRONMENT,
    environment.SET,
)
_AUTHORITY = (
    subject.SERIAL,
    keys.KEYS,
    keys.SIGNATURE,
    validity.VALIDITY,
    chain.CHAIN,
    revocation.REVOCATION,
    environment.ENVIRONMENT,
)
_REQUEST = ("oin", "name", "san")
TABLES: tuple[RuleTable[Judged], ...] = (*_BY_GROUP.values(), policies.UZI, *_ALWAYS, served.SERVED, served.ORDER)


def rule_ids() -> dict[str, object]:
    """Return every rule id of this package with its function."""
    return {rule_id: function for table in TABLES for rule_id, function in table.ids.items()}


def judge_certificate(raw: Raw, ctx: Context) -> Outcome:
    """Judge one certificate; a file with several is judged as what its owner presents."""
    content = open_raw(raw, ctx)
    if content.requests and not content.certificates:
        yield from judge_csr(raw, ctx)
        return
    yield from _unreadable(content)
    if not content.certificates:
        return
    presented = len(content.certificates) > 1 or content.form == "pkcs12"
    yield from _judge(content, ctx, served=presented, mode=raw.mode)


def generation(raw: Raw, ctx: Context) -> tuple[str, date | None]:
    """Return the hierarchy that a certificate falls under as it is printed, and the day on which that ends, if it does."""
    content = open_raw(raw, ctx)
    if not content.certificates:
        return "", None
    doc = Judged(content, leaf_of(content.certificates), ctx)
    if not doc.generation:
        return "", None
    return doc.policy.label(doc.generation), doc.policy.generations.get(doc.generation, {}).get("ends")


def judge_chain(raw: Raw, ctx: Context) -> Outcome:
    """Judge a list of certificates as a server sends it: the leaf, the order, and what is absent or too much."""
    content = open_raw(raw, ctx)
    yield from _unreadable(content)
    if content.certificates:
        yield from _judge(content, ctx, served=True, mode=raw.mode)


def _unreadable(content: Content) -> Outcome:
    for what in content.unreadable:
        observed = Text(f"{what}: onleesbaar", f"{what}: unreadable")
        yield Finding("PKIO-BC-003", "unreadable", observed, "X.509 v3", "certificate")
    if content.certificates or content.unreadable:
        return
    if content.keys or content.crls or content.requests:
        raise certfile.no_certificate(content)
    observed = Text("geen leesbaar certificaat", "no readable certificate")
    yield Finding("PKIO-BC-003", "unreadable", observed, "PEM, DER, PKCS#7, PKCS#12", "certificate")


def leaf_of(certificates: tuple[Certificate, ...]) -> Certificate:
    """Return the certificate that the others are about: the first leaf, else the CA that issued none of the others."""
    leaf = next((c for c in certificates if not c.is_ca), None)
    if leaf is not None:
        return leaf
    issuers = {c.issuer.key for c in certificates if not c.self_issued}
    return next((c for c in certificates if c.subject.key not in issuers), certificates[0])


def _judge(content: Content, ctx: Context, *, served: bool, mode: int | None = None) -> Outcome:
    leaf = leaf_of(content.certificates) if served else content.certificates[0]
    doc = Judged(content, leaf, ctx, served=served, mode=mode)
    table = _table(doc.role_name, authority=doc.is_authority, uzi=_uzi(doc), sent=served, alone=stands_alone(doc))
    yield from table.judge(doc, ctx)


def _uzi(doc: Judged) -> str:
    """Return how far the profile of the UZI register goes: not, beside the OIN, or in the place of it."""
    return "" if not doc.is_uzi else "alone" if doc.role_name == "bsn-encryption" else "beside"


@cache
def _table(role: str, *, authority: bool, uzi: str, sent: bool, alone: bool) -> RuleTable[Judged]:
    """Return every rule for certificates of this shape in one table."""
    groups = policy().roles[role].groups
    left = groups - {"oin", "san"} if uzi == "alone" else groups
    return table_of(_tables(left, authority=authority, uzi=uzi, sent=sent), role, alone=alone)


def _tables(groups: frozenset[str], *, authority: bool, uzi: str, sent: bool) -> Iterator[RuleTable[Judged]]:
    if authority:
        yield from _AUTHORITY
    else:
        yield from (table for name, table in _BY_GROUP.items() if name in groups)
        if uzi:
            yield policies.UZI
        yield from _ALWAYS
    if sent and not authority:
        yield served.SERVED
    if sent:
        yield served.ORDER


def judge_csr(raw: Raw, ctx: Context) -> Outcome:
    """Judge a request before it goes to the TSP: afterwards names and numbers cannot be changed (handleiding 3.3.8)."""
    content = open_raw(raw, ctx)
    if not content.requests:
        if content.certificates or content.keys or content.crls:
            raise DocumentUnreadable(
                "het bestand bevat geen certificaataanvraag (CSR); lever de aanvraag aan",
                "the file holds no certificate request (CSR); deliver the request",
            )
        yield from _broken_request()
        return
    for data in content.requests:
        try:
            doc = JudgedRequest(Request(data), ctx)
        except (DerBroken, ValueError, IndexError):
            yield from _broken_request()
            continue
        for table in _request_tables(doc):
            yield from table.judge(doc, ctx)
        yield from _asked_usage(doc, ctx)


def _broken_request() -> Outcome:
    observed = Text("onleesbare aanvraag", "unreadable request")
    yield Finding("PKIO-BC-003", "unreadable", observed, "PKCS#10", "request")


def _request_tables(doc: JudgedRequest) -> Iterator[RuleTable[Judged]]:
    yield from (_BY_GROUP[name] for name in _REQUEST if name in doc.role.groups)
    yield from (keys.KEYS, keys.SIGNATURE, environment.SET)


def _asked_usage(doc: JudgedRequest, ctx: Context) -> Outcome:
    if doc.subject.key_usage is not None:
        for function in (usage.key_usage_for_tls, usage.no_foreign_bits, usage.signing_usage, usage.encryption_usage):
            yield from function(doc, ctx)
    for function in (usage.server_purpose, usage.client_purpose, usage.any_purpose):
        yield from function(doc, ctx)


def judge_crl(raw: Raw, ctx: Context) -> Outcome:
    """Judge a CRL by itself, and with its issuer and the certificates that came along."""
    content = open_raw(raw, ctx)
    crls = [crl for crl in map(read_crl, content.crls) if crl is not None]
    if not crls:
        if content.certificates or content.keys:
            raise DocumentUnreadable("het bestand bevat geen CRL", "the file holds no CRL")
        yield Finding("PKIO-REV-003", "unreadable", Text("onleesbare CRL", "unreadable CRL"), "DER", "crl")
        return
    given = companions(ctx)
    for crl in crls:
        if content.form == "pem":
            yield Finding("PKIO-REV-003", "pem", "PEM", "DER", "crl")
        yield from revocation.judge_alone(crl, given, ctx)
