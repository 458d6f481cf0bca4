"""Read what another scanner wrote of a TLS server: the JSON of sslyze and of testssl.sh (both of its forms)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from harness.errors import DocumentUnreadable

MAX_BYTES: Final = 32 * 1024 * 1024

_SSLYZE_VERSIONS: Final = {
    "ssl_2_0": "SSL 2.0", "ssl_3_0": "SSL 3.0", "tls_1_0": "1.0", "tls_1_1": "1.1", "tls_1_2": "1.2", "tls_1_3": "1.3",
}  # fmt: skip
_TESTSSL_VERSIONS: Final = {
    "SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0", "TLS1": "1.0", "TLS1_1": "1.1", "TLS1_2": "1.2", "TLS1_3": "1.3",
}  # fmt: skip
_TESTSSL_CIPHER: Final = re.compile(r"cipher-(ssl2|ssl3|tls1(?:_[123])?)_x[0-9a-f]+")
_TESTSSL_NAMES: Final = {
    "ssl2": "SSL 2.0", "ssl3": "SSL 3.0", "tls1": "1.0", "tls1_1": "1.1", "tls1_2": "1.2", "tls1_3": "1.3",
}  # fmt: skip
_TESTSSL_ORDER: Final = re.compile(r"(?:cipher)?order_TLSv1([._][123])?")
_SUITE: Final = re.compile(r"\bx[0-9a-f]{2,8}\s+(\S+)")
_CLIENT: Final = {
    "disabled": "none", "none": "none", "optional": "optional", "required": "required",
    "1": "none", "2": "optional", "3": "required",
}  # fmt: skip
_CURVES: Final = {
    "prime256v1": "P-256", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521",
    "x25519": "X25519", "x448": "X448", "prime192v1": "P-192",
}  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """What a scanner saw of one server; None and empty mean that it did not say."""

    tool: str
    host: str
    port: int
    date: str = ""
    offered: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    suites: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    client_renegotiation: bool | None = None
    extended_master_secret: bool | None = None
    early_data: bool | None = None
    client_certificate: str = ""
    """`none`, `optional` or `required`, where the scanner says so."""


def read_scans(data: bytes) -> tuple[Scan, ...]:
    """Return the servers in a scan, one Scan each; raises DocumentUnreadable for anything else."""
    try:
        raw = json.loads(data) if len(data) <= MAX_BYTES else None
        found = tuple(_scans(raw))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        found = ()
    if not found:
        raise DocumentUnreadable(
            "geen scan herkend; lever de JSON van `sslyze --json_out` of `testssl.sh --jsonfile` aan",
            "no scan recognised; deliver the JSON of `sslyze --json_out` or `testssl.sh --jsonfile`",
        )
    return found


def _scans(raw: Any) -> Iterator[Scan]:
    if isinstance(raw, dict) and "server_scan_results" in raw:
        tool = f"sslyze {raw.get('sslyze_version', '')}".strip()
        for result in raw["server_scan_results"]:
            # Since 5 a result says how it ended; before, it was there or it was among the errors.
            read = _sslyze if "server_location" in result else _old_sslyze
            yield from read(result, tool, str(raw.get("date_scans_completed", ""))[:10])
    elif isinstance(raw, dict) and "scanResult" in raw:
        tool, date = f"testssl.sh {raw.get('version', '')}".strip(), _day(raw.get("startTime"))
        for result in raw["scanResult"]:
            if "targetHost" in result:
                rows = [row for part in result.values() if isinstance(part, list) for row in part]
                yield _testssl(rows, tool, str(result["targetHost"]), int(result.get("port") or 443), date)
    elif isinstance(raw, list) and raw and all(isinstance(row, dict) and "id" in row for row in raw):
        targets = dict.fromkeys((str(r.get("ip", "")), str(r.get("port", ""))) for r in raw if r.get("port"))
        for ip, port in targets:
            rows = [r for r in raw if (str(r.get("ip", "")), str(r.get("port", ""))) == (ip, port)]
            if any(row["id"] in _TESTSSL_VERSIONS for row in rows):
                yield _testssl(rows, "testssl.sh", ip.partition("/")[0], int(port), "")


def _day(moment: Any) -> str:
    """Return the day of a count of seconds since 1970, which is how testssl.sh writes its start."""
    if not str(moment).isdigit() or len(str(moment)) > 11:
        return ""
    return f"{datetime.fromtimestamp(int(moment), UTC):%Y-%m-%d}"


def _sslyze(result: Mapping[str, Any], tool: str, date: str) -> Iterator[Scan]:
    """Read a server of sslyze 5 and later: every command says whether it was completed."""
    parts = result.get("scan_result") or {}
    done = {n: p["result"] for n, p in parts.items() if p and p.get("status", "COMPLETED") == "COMPLETED"}
    probed, config = result.get("connectivity_result") or {}, result.get("network_configuration") or {}
    yield from _of_sslyze(done, result["server_location"], config, probed, tool, date)


def _old_sslyze(result: Mapping[str, Any], tool: str, date: str) -> Iterator[Scan]:
    """Read a server of sslyze 3 and 4: what went wrong stands apart, the results stand by themselves."""
    server = result["server_info"]
    probed, config = server.get("tls_probing_result") or {}, server.get("network_configuration") or {}
    done = result.get("scan_commands_results") or {}
    yield from _of_sslyze(done, server["server_location"], config, probed, tool, date)


def _of_sslyze(
    done: Mapping[str, Any],
    place: Mapping[str, Any],
    config: Mapping[str, Any],
    probed: Mapping[str, Any],
    tool: str,
    date: str,
) -> Iterator[Scan]:
    parts = {name: result for name, result in done.items() if isinstance(result, dict)}
    suites: list[tuple[str, str]] = []
    offered: set[str] = set()
    refused: set[str] = set()
    for key, version in _SSLYZE_VERSIONS.items():
        if f"{key}_cipher_suites" in parts:
            seen = parts[f"{key}_cipher_suites"]
            accepted = [_suite(one["cipher_suite"]) for one in seen["accepted_cipher_suites"]]
            suites += [(version, name) for name in accepted]
            spoken = accepted or seen.get("is_tls_protocol_version_supported")
            (offered if spoken else refused).add(version)
    if not parts:
        return
    curves = parts.get("elliptic_curves", {})
    yield Scan(
        tool,
        str(config.get("tls_server_name_indication") or place["hostname"]).lower(),
        int(place["port"]),
        date,
        frozenset(offered),
        frozenset(refused),
        tuple(suites),
        _groups(one["name"] for one in curves.get("supported_curves") or ()),
        _said(parts, "tls_compression", "supports_compression"),
        _said(parts, "session_renegotiation", "supports_secure_renegotiation"),
        # The name of before version 4 says that one renegotiation is accepted, not that it has no end.
        _said(parts, "session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"),
        _said(parts, "tls_extended_master_secret", "supports_ems_extension"),
        _said(parts, "tls_1_3_early_data", "supports_early_data"),
        _CLIENT.get(str(probed.get("client_auth_requirement", "")).lower(), ""),
    )


def _said(parts: Mapping[str, Any], name: str, key: str) -> bool | None:
    found = parts.get(name, {}).get(key)
    return found if isinstance(found, bool) else None


def _suite(suite: Mapping[str, Any]) -> str:
    """Return the OpenSSL name; suites of TLS 1.3 have one name only."""
    return str(suite.get("openssl_name") or suite["name"])


def _groups(names: Iterable[str]) -> tuple[str, ...]:
    plain = (str(name).removesuffix("tls13") for name in names)
    return tuple(dict.fromkeys(_CURVES.get(name.lower(), name) for name in plain))


def _testssl(rows: list[Mapping[str, Any]], tool: str, host: str, port: int, date: str) -> Scan:
    said: dict[str, str] = {}
    for row in rows:
        # A second line of the same name is a remark on the first.
        said.setdefault(str(row.get("id", "")), str(row.get("finding", "")))
    spoken = {name: _spoken(said[key]) for key, name in _TESTSSL_VERSIONS.items() if key in said}
    offered = frozenset(name for name, yes in spoken.items() if yes)
    return Scan(
        tool,
        host.lower(),
        port,
        date,
        offered,
        frozenset(name for name, yes in spoken.items() if yes is False),
        tuple(dict.fromkeys(_testssl_suites(said))),
        _groups(
            _words(
                said.get("FS_ECDHE_curves") or said.get("PFS_ECDHE_curves", ""),
                said.get("FS_KEMs", ""),
                said.get("DH_groups", ""),
            )
        ),
        _vulnerable(said, "CRIME_TLS"),
        _stated(said, "secure_renego", {"supported": True, "vulnerable": False, "not supported": False}),
        _vulnerable(said, "secure_client_renego"),
        "extended master secret" in said["TLS_extensions"] if said.get("TLS_extensions") else None,
        _stated(said, "early_data", {"supported": True, "no early data": False}),
        _CLIENT.get(said.get("clientAuth", "").lower(), ""),
    )


def _spoken(text: str) -> bool | None:
    """Return what a line on a version says: spoken, not spoken, or nothing (not tested, likely, a strange answer)."""
    text = text.lower()
    if "not tested" in text or "likely" in text or "strange" in text:
        return None
    refusals = ("not offered", "rather than downgrading", "responded with")
    if any(words in text for words in refusals):
        return False
    return True if text.startswith(("offered", "supported", "vulnerable")) else None


def _stated(said: Mapping[str, str], key: str, meanings: Mapping[str, bool]) -> bool | None:
    """Return the meaning of a line that is one of a few; a test that failed says nothing."""
    text = said.get(key, "").lower()
    return next((meaning for words, meaning in meanings.items() if text.startswith(words)), None)


def _testssl_suites(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield version and suite, of each cipher by itself or else of the order of preference."""
    for key, text in said.items():
        found, name = _TESTSSL_CIPHER.fullmatch(key), _SUITE.search(text)
        ordered = _TESTSSL_ORDER.fullmatch(key)
        if found and name:
            yield _TESTSSL_NAMES[found[1]], name[1]
        elif ordered:
            version = f"1.{(ordered[1] or '.0')[1:]}"
            yield from ((version, word) for word in text.split() if re.fullmatch(r"[A-Z][A-Za-z0-9_-]{4,}", word))


def _words(*texts: str) -> Iterator[str]:
    yield from (
        word for text in texts for word in text.split() if re.fullmatch(r"[A-Za-z][A-Za-z0-9]+\d[A-Za-z0-9]*", word)
    )


def _vulnerable(said: Mapping[str, str], key: str) -> bool | None:
    text = said.get(key, "").lower()
    if not text or "vulnerable" not in text:
        return None
    return "not vulnerable" not in text
