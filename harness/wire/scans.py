"""Read what another scanner wrote of a TLS server: the JSON of sslyze and of testssl.sh (both of its forms)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
_SUITE: Final = re.compile(r"\bx[0-9a-f]{2,8}\s+(\S+)")
_CURVES: Final = {
    "prime256v1": "P-256", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521",
    "x25519": "X25519", "x448": "X448",
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


def read_scans(data: bytes) -> tuple[Scan, ...]:
    """Return the servers in a scan, one Scan each; raises DocumentUnreadable for anything else."""
    try:
        raw = json.loads(data) if len(data) <= MAX_BYTES else None
        found = tuple(_scans(raw))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
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
            yield from _sslyze(result, tool, str(raw.get("date_scans_completed", ""))[:10])
    elif isinstance(raw, dict) and "scanResult" in raw:
        tool, date = f"testssl.sh {raw.get('version', '')}".strip(), str(raw.get("startTime", ""))
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


def _sslyze(result: Mapping[str, Any], tool: str, date: str) -> Iterator[Scan]:
    place, parts = result["server_location"], result.get("scan_result")
    if not parts:
        return
    suites: list[tuple[str, str]] = []
    offered: set[str] = set()
    refused: set[str] = set()
    for key, version in _SSLYZE_VERSIONS.items():
        seen = _outcome(parts, f"{key}_cipher_suites")
        if seen is not None:
            accepted = [_suite(one["cipher_suite"]) for one in seen["accepted_cipher_suites"]]
            suites += [(version, name) for name in accepted]
            (offered if accepted else refused).add(version)
    curves = _outcome(parts, "elliptic_curves") or {}
    renegotiation = _outcome(parts, "session_renegotiation") or {}
    yield Scan(
        tool,
        str(place["hostname"]).lower(),
        int(place["port"]),
        date,
        frozenset(offered),
        frozenset(refused),
        tuple(suites),
        _groups(one["name"] for one in curves.get("supported_curves") or ()),
        _said(parts, "tls_compression", "supports_compression"),
        renegotiation.get("supports_secure_renegotiation"),
        renegotiation.get("is_vulnerable_to_client_renegotiation_dos"),
        _said(parts, "tls_extended_master_secret", "supports_ems_extension"),
        _said(parts, "tls_1_3_early_data", "supports_early_data"),
    )


def _outcome(parts: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = parts.get(name) or {}
    result: Mapping[str, Any] | None = found.get("result") if found.get("status", "COMPLETED") == "COMPLETED" else None
    return result


def _said(parts: Mapping[str, Any], name: str, key: str) -> bool | None:
    found = (_outcome(parts, name) or {}).get(key)
    return found if isinstance(found, bool) else None


def _suite(suite: Mapping[str, Any]) -> str:
    """Return the OpenSSL name; suites of TLS 1.3 have one name only."""
    return str(suite.get("openssl_name") or suite["name"])


def _groups(names: Iterable[str]) -> tuple[str, ...]:
    plain = (str(name).removesuffix("tls13") for name in names)
    return tuple(dict.fromkeys(_CURVES.get(name.lower(), name) for name in plain))


def _testssl(rows: list[Mapping[str, Any]], tool: str, host: str, port: int, date: str) -> Scan:
    said = {str(row.get("id", "")): str(row.get("finding", "")) for row in rows}
    versions = {name: said[key] for key, name in _TESTSSL_VERSIONS.items() if key in said}
    return Scan(
        tool,
        host.lower(),
        port,
        date,
        frozenset(name for name, text in versions.items() if _is_offered(text)),
        frozenset(name for name, text in versions.items() if "not " in text.lower()),
        tuple(_testssl_suites(said)),
        _groups(_words(said.get("FS_ECDHE_curves") or said.get("PFS_ECDHE_curves", ""), said.get("DH_groups", ""))),
        _vulnerable(said, "CRIME_TLS"),
        None if "secure_renego" not in said else said["secure_renego"].lower().startswith("supported"),
        _vulnerable(said, "secure_client_renego"),
        "extended master secret" in said["TLS_extensions"] if said.get("TLS_extensions") else None,
    )


def _is_offered(text: str) -> bool:
    return "offered" in text.lower() and "not " not in text.lower()


def _testssl_suites(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, text in said.items():
        found, name = _TESTSSL_CIPHER.fullmatch(key), _SUITE.search(text)
        if found and name:
            yield _TESTSSL_NAMES[found[1]], name[1]


def _words(*texts: str) -> Iterator[str]:
    yield from (
        word for text in texts for word in text.split() if re.fullmatch(r"[A-Za-z][A-Za-z0-9]+\d[A-Za-z0-9]*", word)
    )


def _vulnerable(said: Mapping[str, str], key: str) -> bool | None:
    text = said.get(key, "").lower()
    if not text or "vulnerable" not in text:
        return None
    return "not vulnerable" not in text
