"""Weigh what sslyze or testssl.sh saw of a server by the same rules and classes as our own handshakes (TLS-001 to -008)."""

from collections.abc import Iterable, Iterator

from harness.lint.tls.classes import EDITION, Class, cipher_class, group_class, key_exchange
from harness.lint.tls.words import versions
from harness.model import Finding, Text
from harness.wire.scans import Scan

OLD = ("SSL 2.0", "SSL 3.0", "1.0", "1.1")


def judge_scan(scan: Scan) -> Iterator[Finding]:
    """Yield what the scan of another program says against a server; where it is silent nothing is concluded."""
    where = f"{scan.host}:{scan.port} ({scan.tool})"
    yield from _versions(scan, where)
    yield from _suites(scan, where)
    yield from _details(scan, where)


def _versions(scan: Scan, where: str) -> Iterator[Finding]:
    seen = versions(v for v in scan.offered if v in ("1.2", "1.3"))
    for version, rule in (("1.2", "TLS-001"), ("1.3", "TLS-002")):
        if version in scan.refused:
            yield Finding(rule, observed=seen, expected=f"TLS {version}", where=where)
    old = [version for version in OLD if version in scan.offered]
    if old:
        yield Finding("TLS-003", observed=", ".join(old), expected="TLS 1.2, 1.3", where=where)


def _suites(scan: Scan, where: str) -> Iterator[Finding]:
    names = list(dict.fromkeys(name for version, name in scan.suites if version in ("1.2", "1.3")))
    for level in (Class.INSUFFICIENT, Class.PHASE_OUT):
        yield from _classed("TLS-004", level, (n for n in names if cipher_class(n) is level), where)
    static = [name for name in names if key_exchange(name) == "rsa"]
    dhe = [name for name in names if key_exchange(name) == "dhe"]
    weighed = {group: group_class(group) for group in scan.groups if dhe or not group.startswith("ffdhe")}
    small = [group for group, level in weighed.items() if level is Class.INSUFFICIENT]
    ageing = [group for group, level in weighed.items() if level is Class.PHASE_OUT]
    yield from _classed("TLS-005", Class.INSUFFICIENT, (*static, *small), where)
    yield from _classed("TLS-005", Class.PHASE_OUT, (*ageing, *dhe), where)


def _classed(rule: str, level: Class, names: Iterable[str], where: str) -> Iterator[Finding]:
    found = ", ".join(names)
    if found:
        expected = Text(f"goed of voldoende volgens {EDITION}", f"good or sufficient by {EDITION}")
        yield Finding(rule, str(level), found, expected, where)


def _details(scan: Scan, where: str) -> Iterator[Finding]:
    if scan.compression:
        yield Finding("TLS-006", "compression", Text("TLS-compressie", "TLS compression"), "-", where)
    # TLS 1.3 knows neither renegotiation nor the extended master secret.
    if "1.2" in scan.offered and scan.secure_renegotiation is False:
        missing = Text("geen beveiligde heronderhandeling", "no secure renegotiation")
        yield Finding("TLS-006", "insecure", missing, "RFC 5746", where)
    if scan.client_renegotiation:
        unlimited = Text("de client mag blijven heronderhandelen", "the client may go on renegotiating")
        yield Finding("TLS-006", "unlimited", unlimited, "≤ 10", where)
    if "1.2" in scan.offered and scan.extended_master_secret is False:
        absent = Text("niet gebruikt", "not used")
        yield Finding("TLS-007", observed=absent, expected="extended_master_secret", where=where)
    if scan.early_data:
        yield Finding("TLS-008", observed=Text("0-RTT aan", "0-RTT on"), expected="0", where=where)
