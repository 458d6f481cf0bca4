"""Take the scans of sslyze and testssl.sh that a scenario names as extra evidence on an endpoint."""

from collections.abc import Iterator, Sequence
from typing import Final

from harness.errors import KetentestError
from harness.link import Link
from harness.lint.tls.scanned import judge_scan
from harness.model import Finding, NotRun, Observation, Text
from harness.probes.probe import Tools, Yield
from harness.wire.scans import read_scans

_ASKED: Final = {
    "none": Text("; geen clientcertificaat gevraagd", "; no client certificate asked for"),
    "optional": Text("; clientcertificaat gevraagd, niet verplicht", "; client certificate asked for, not required"),
    "required": Text("; clientcertificaat verplicht", "; client certificate required"),
}


def scanned(link: Link, tools: Tools, host: str, port: int, own: Sequence[Finding | NotRun] = ()) -> Iterator[Yield]:
    """Yield what the scans say of `host:port`: evidence, a line, and the findings that our own handshakes did not give."""
    known = {(item.rule, item.case) for item in own if isinstance(item, Finding)}
    for name, data in link.documents.items():
        if not name.startswith("scan-"):
            continue
        file = name.removeprefix("scan-")
        try:
            found = [scan for scan in read_scans(data) if (scan.host, scan.port) == (host, port)]
        except KetentestError as wrong:
            yield Observation(Text(f"{file}: {wrong.text.nl}", f"{file}: {wrong.text.en}"))
            continue
        for scan in found:
            spoken = ", ".join(sorted(scan.offered))
            shown = f"{scan.tool} {scan.date}: TLS {spoken}; {len(scan.suites)} suites"
            asked = _ASKED.get(scan.client_certificate, Text("", ""))
            nl, en = f"scan {file} van {shown}{asked.nl}", f"scan {file} of {shown}{asked.en}"
            yield Observation(Text(nl, en), (("scan", file),))
            yield tools.keep(f"{file.rpartition('/')[2]}", data, "application/json")
            yield from (finding for finding in judge_scan(scan) if (finding.rule, finding.case) not in known)
