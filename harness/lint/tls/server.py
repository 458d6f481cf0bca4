"""The TLS server: versions, suites, key exchange, names, and the certificate that was agreed (TLS-)."""

from collections.abc import Iterable, Iterator

from harness.lint.judge import Context, RuleTable
from harness.lint.tls.classes import EDITION, Class, cipher_class, group_class, key_exchange
from harness.lint.tls.words import address, alert, versions
from harness.model import Finding, NotRun, Text
from harness.wire import hostname
from harness.wire.survey import Survey, readable
from harness.wire.tls_offers import suite_of

SERVER = RuleTable[Survey]()

MOST_RENEGOTIATIONS = 10
UNRECOGNIZED_NAME = 112

_NO_TLS = Text("er is geen TLS-server gezien", "no TLS server was seen")


def _where(survey: Survey) -> str:
    return f"{survey.host}:{survey.port}"


def _name_refused(survey: Survey) -> bool:
    return any(one.alert == UNRECOGNIZED_NAME for one in survey.attempts())


def _tried(survey: Survey, version: str) -> bool:
    return any(one.connected and one.outcome != "failed" for one in survey.attempts(version=version))


@SERVER.rule("TLS-001")
def tls12_offered(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """TLS 1.2 is offered: every Digikoppeling partner must be able to speak it (TLS004)."""
    yield from _offered(survey, "1.2", "TLS-001")


@SERVER.rule("TLS-002")
def tls13_offered(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """TLS 1.3 is offered (TLS004: should)."""
    yield from _offered(survey, "1.3", "TLS-002")


def _offered(survey: Survey, version: str, rule: str) -> Iterator[Finding | NotRun]:
    if not survey.is_tls or not _tried(survey, version):
        yield NotRun(rule, _NO_TLS)
    elif version not in survey.spoken and not _name_refused(survey) and not (version == "1.2" and survey.curves):
        yield Finding(rule, observed=versions(survey.spoken), expected=f"TLS {version}", where=_where(survey))


@SERVER.rule("TLS-003")
def old_versions_refused(survey: Survey, ctx: Context) -> Iterator[Finding | NotRun]:
    """SSL, TLS 1.0 and TLS 1.1 are refused (TLS003; NCSC 2025-05: insufficient)."""
    old = [v for v in survey.spoken if v in ("1.0", "1.1")]
    if old:
        yield Finding("TLS-003", observed=versions(old), expected="TLS 1.2, 1.3", where=_where(survey))
    elif not any(_tried(survey, version) for version in ("1.0", "1.1")):
        reason = Text("onze OpenSSL kan TLS 1.0 en 1.1 niet aanbieden", "our OpenSSL cannot offer TLS 1.0 and 1.1")
        yield NotRun("TLS-003", reason if survey.is_tls else _NO_TLS)


def accepted_suites(survey: Survey) -> list[str]:
    """Return the suites of TLS 1.2 and 1.3 that were seen: all of them when enumerated, else the chosen ones."""
    listed = [suite for version, names in survey.suites if version in ("1.2", "1.3") for suite in names]
    chosen = [suite_of(one) for one in survey.attempts(sni=None) if one.offered_by_server and one.offered >= "1.2"]
    return list(dict.fromkeys(name for name in (*listed, *chosen) if name))


@SERVER.rule("TLS-004")
def suites_good_enough(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """Every accepted suite is good or sufficient (TLSCIPH001: what is to be phased out is not allowed)."""
    for level in (Class.INSUFFICIENT, Class.PHASE_OUT):
        found = [suite for suite in accepted_suites(survey) if cipher_class(suite) is level]
        yield from _classed("TLS-004", level, found, survey)


def _classed(rule: str, level: Class, found: Iterable[str], survey: Survey) -> Iterator[Finding]:
    names = ", ".join(found)
    if names:
        expected = Text(f"goed of voldoende volgens {EDITION}", f"good or sufficient by {EDITION}")
        yield Finding(rule, str(level), names, expected, _where(survey))


@SERVER.rule("TLS-005")
def key_exchange_good_enough(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """Keys are agreed with ECDHE on a good curve; static RSA is insufficient and DHE is to be phased out."""
    suites = accepted_suites(survey)
    static = [suite for suite in suites if key_exchange(suite) == "rsa"]
    groups = {one.seen.group for one in survey.handshakes if one.seen.group and one.offered_by_server}
    weighed = {group: group_class(group) for group in sorted({*groups, *(survey.curves or ())})}
    small = [group for group, level in weighed.items() if level is Class.INSUFFICIENT]
    yield from _classed("TLS-005", Class.INSUFFICIENT, (*static, *small), survey)
    ageing = [group for group, level in weighed.items() if level is Class.PHASE_OUT]
    dhe = [suite for suite in suites if key_exchange(suite) == "dhe"] if not small else []
    yield from _classed("TLS-005", Class.PHASE_OUT, (*ageing, *dhe), survey)


@SERVER.rule("TLS-006")
def no_compression_or_endless_renegotiation(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """No TLS compression, secure renegotiation only, and at most ten renegotiations by the client."""
    hellos = [one.hello for one in survey.handshakes if one.hello is not None]
    if any(hello.compression for hello in hellos):
        yield Finding("TLS-006", "compression", Text("TLS-compressie", "TLS compression"), "-", _where(survey))
    if any(hello.version == "1.2" and not hello.secure_renegotiation for hello in hellos):
        missing = Text("geen beveiligde heronderhandeling", "no secure renegotiation")
        yield Finding("TLS-006", "insecure", missing, "RFC 5746", _where(survey))
    count = survey.renegotiations
    if count is not None and count > MOST_RENEGOTIATIONS:
        seen = Text(f"ten minste {count} heronderhandelingen", f"at least {count} renegotiations")
        yield Finding("TLS-006", "unlimited", seen, f"≤ {MOST_RENEGOTIATIONS}", _where(survey))


@SERVER.rule("TLS-007")
def extended_master_secret(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """TLS 1.2 uses the extended master secret (RFC 7627)."""
    hellos = [one.hello for one in survey.attempts(version="1.2") if one.hello and one.offered_by_server]
    if hellos and not any(hello.extended_master_secret for hello in hellos):
        absent = Text("niet gebruikt", "not used")
        yield Finding("TLS-007", observed=absent, expected="extended_master_secret", where=_where(survey))


@SERVER.rule("TLS-008")
def no_early_data(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """0-RTT is off: early data can be replayed."""
    most = max((one.seen.early_data for one in survey.handshakes), default=0)
    if most:
        yield Finding("TLS-008", observed=f"max_early_data_size = {most}", expected="0", where=_where(survey))


@SERVER.rule("TLS-009")
def port_443(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The service listens on port 443 (TLS005)."""
    if survey.port != 443:
        yield Finding("TLS-009", observed=str(survey.port), expected="443", where=_where(survey))


@SERVER.rule("TLS-010")
def name_matters_not(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """With the host name in the handshake (SNI) the right certificate comes, and without it the same."""
    if _name_refused(survey):
        yield Finding("TLS-010", "refused", alert(UNRECOGNIZED_NAME), survey.host, _where(survey))
        return
    named = next((one.chain[0] for one in survey.attempts() if one.chain), None)
    bare = next((one.chain[0] for one in survey.attempts(sni=False) if one.chain), None)
    if named is None or bare is None or named == bare:
        return
    shown = next((one.subject.short for one in readable([bare])), "?")
    case = "wrong" if _covers(bare, survey.host) and not _covers(named, survey.host) else "differs"
    same = Text("hetzelfde certificaat als met SNI", "the same certificate as with SNI")
    yield Finding("TLS-010", case, Text(f"zonder SNI: {shown}", f"without SNI: {shown}"), same, _where(survey))


def _covers(data: bytes, host: str) -> bool:
    return any(hostname.matches(name, host) for one in readable([data]) for name in one.dns_names)


@SERVER.rule("TLS-012")
def agreed_certificate(survey: Survey, ctx: Context) -> Iterator[Finding]:
    """The certificate that is served is the one of the CPA, the metadata or the scenario, at every address."""
    if not survey.expected:
        return
    agreed = readable(survey.expected)
    for where, data in {one.address: one.chain[0] for one in survey.attempts() if one.chain}.items():
        if data in survey.expected:
            continue
        shown = next(iter(readable([data])), None)
        alike = any(shown and shown.oin == one.oin != "" and shown.issuer.key == one.issuer.key for one in agreed)
        yield Finding(
            "TLS-012",
            "renewed" if alike else "other",
            f"{shown.subject.short} ({shown.sha256[:8]})" if shown else "?",
            ", ".join(f"{one.subject.short} ({one.sha256[:8]})" for one in agreed),
            address(where),
        )
