"""Judge how the parties of a CPA reach each other: protocol, TLS, endpoints (CPA-040 … CPA-049)."""

import re
from typing import Final

from harness.lint.ebms import endpoint
from harness.lint.ebms.cpa_document import Doc, Outcome, at, table
from harness.lint.judge import Context
from harness.model import Text
from harness.wire.cpa import TransportSide


def _sides(doc: Doc) -> list[TransportSide]:
    return [side for _, sender, receiver in doc.transports for side in (sender, receiver) if side]


@table.rule("CPA-040")
def http(doc: Doc, ctx: Context) -> Outcome:
    """The transport protocol is HTTP."""
    for side in _sides(doc):
        if side.protocol.upper() not in ("HTTP", "HTTPS"):
            yield at(side, "CPA-040", side.protocol, "HTTP 1.1")


@table.rule("CPA-041")
def https(doc: Doc, ctx: Context) -> Outcome:
    """Endpoints are reached over https."""
    for _, side, found in doc.endpoints:
        parts = endpoint.read(found.uri)
        if side.protocol.upper() in ("HTTP", "HTTPS") and (parts.scheme != "https" or not parts.host):
            yield at(found, "CPA-041", found.uri, "https://…")


_TLS: Final = re.compile(r"TLS *V?(1\.[23])?( (TLS)? *V?(1\.[23]))?")


@table.rule("CPA-042")
def declared_protocol(doc: Doc, ctx: Context) -> Outcome:
    """SSL 3.0 in a CPA is a declaration only; on the wire it is TLS 1.2 or better."""
    for side in _sides(doc):
        declared = f"{side.security_protocol.strip()} {side.security_version}".upper()
        if side.security is not None and not _TLS.fullmatch(declared.strip()):
            yield at(side, "CPA-042", f"{side.security_protocol!r} {side.security_version}", "TLS 1.2")


@table.rule("CPA-043")
def server_certificate(doc: Doc, ctx: Context) -> Outcome:
    """An https endpoint names its server certificate."""
    for _, _, receiver in doc.transports:
        if (
            receiver
            and any(endpoint.read(e.uri).scheme == "https" for e in receiver.endpoints)
            and not receiver.certificate_id
        ):
            yield at(receiver, "CPA-043", expected="TransportServerSecurity/ServerCertificateRef")


@table.rule("CPA-044")
def client_certificate(doc: Doc, ctx: Context) -> Outcome:
    """A sender names the client certificate of two-sided TLS; without TLS there is nothing to name."""
    for party, sender, receiver in doc.transports:
        if sender is None or sender.certificate_id:
            continue
        other = doc.cpa.other(party)
        secured = sender.security is not None or any(
            endpoint.read(e.uri).scheme == "https"
            for p, side, e in doc.endpoints
            if other is None or p.node is other.node or side is receiver
        )
        if secured and sender.protocol.upper() in ("HTTP", "HTTPS"):
            yield at(sender, "CPA-044", expected="TransportClientSecurity/ClientCertificateRef")


@table.rule("CPA-045")
def no_passwords(doc: Doc, ctx: Context) -> Outcome:
    """Two-sided TLS authenticates; a password does not belong here."""
    for side in _sides(doc):
        for access in side.access:
            yield at(side, "CPA-045", f"AccessAuthentication {access}")


@table.rule("CPA-046")
def public_host(doc: Doc, ctx: Context) -> Outcome:
    """The host of an endpoint is a public name."""
    for _, side, found in doc.endpoints:
        parts = endpoint.read(found.uri)
        if parts.host and side.protocol.upper() in ("HTTP", "HTTPS") and not parts.public:
            yield at(found, "CPA-046", parts.host, "ebms.organisatie.nl")


@table.rule("CPA-047")
def port(doc: Doc, ctx: Context) -> Outcome:
    """The port of an https endpoint is 443."""
    for _, _, found in doc.endpoints:
        parts = endpoint.read(found.uri)
        if parts.scheme == "https" and parts.port not in (None, 443):
            yield at(found, "CPA-047", str(parts.port) if parts.port != -1 else found.uri, "443")


@table.rule("CPA-048")
def one_endpoint(doc: Doc, ctx: Context) -> Outcome:
    """A receiver has one endpoint, for all purposes."""
    for _, _, receiver in doc.transports:
        if receiver is None:
            continue
        if len(receiver.endpoints) > 1:
            yield at(receiver.endpoints[1], "CPA-048", f"Endpoint: {len(receiver.endpoints)}", "Endpoint: 1")
        for found in receiver.endpoints:
            if found.type != "allPurpose" and len(receiver.endpoints) == 1:
                yield at(found, "CPA-048", found.type, "allPurpose")


@table.rule("CPA-049")
def clean_uri(doc: Doc, ctx: Context) -> Outcome:
    """The URL of an endpoint has no user name, fragment or white space."""
    for _, side, found in doc.endpoints:
        parts = endpoint.read(found.uri)
        if side.protocol.upper() not in ("HTTP", "HTTPS"):
            continue
        if parts.userinfo:
            yield at(found, "CPA-049", Text("gebruikersnaam in de URL", "user name in the URL"))
        if parts.fragment:
            yield at(found, "CPA-049", found.uri, found.uri.partition("#")[0])
        if parts.blank:
            yield at(found, "CPA-049", repr(found.uri), "".join(found.uri.split()))
