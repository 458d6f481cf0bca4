"""WUS-SEC-001 to 024: the Security header, its token and the algorithms of its signature (profiles S and SE)."""

from collections.abc import Iterator
from typing import Final

from cryptography import x509
from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.table import ABSENT, rule
from harness.model import Finding, NotRun, Text
from harness.wire import wss, wss_trust
from harness.wire.soap import DS, NAMESPACES, SOAP, XENC, display, elements

Verdicts = Iterator[Finding | NotRun]
SHA2_SIGNATURES: Final = frozenset(
    {
        wss.RSA_SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    }
    | {f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{size}" for size in (256, 384, 512)}
    | {f"http://www.w3.org/2007/05/xmldsig-more#sha{size}-rsa-MGF1" for size in (256, 384, 512)}
)
SHA2_DIGESTS: Final = frozenset(
    {wss.SHA256, "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)
NO_TRUST: Final = Text(
    "geen vertrouwd stamcertificaat meegegeven (--trust)", "no trusted root certificate given (--trust)"
)
NO_OIN: Final = Text("geen afgesproken OIN meegegeven (--set oin=…)", "no agreed OIN given (--set oin=…)")


@rule("WUS-SEC-001", "WUS-SEC-002")
def one_security_header_with_one_signature(msg: Message, ctx: Context) -> Verdicts:
    """There is one Security header with one signature in it (KWUS WB003, WB011; WSS §5)."""
    if msg.envelope is None or not msg.signed:
        return
    headers = msg.envelope.security
    if not headers:
        observed = Text("geen wsse:Security", "no wsse:Security")
        required = msg.is_fault and any(wsdl.signs_faults for wsdl in msg.companions.wsdls)
        case = "fault" if msg.is_fault and not required else ""
        yield found("WUS-SEC-001", msg.envelope.header, observed=observed, expected="1", case=case)
        return
    actors = [header.get(f"{{{SOAP}}}actor") or "" for header in headers]
    doubled = [actor for actor in set(actors) if actors.count(actor) > 1]
    if doubled or len(headers) > 1:
        case = "" if doubled else "actors"
        yield found("WUS-SEC-001", headers[1], observed=f"{len(headers)} × wsse:Security", expected="1", case=case)
    signatures = msg.envelope.signatures
    if len(signatures) != 1:
        place = signatures[1] if signatures else headers[0]
        case = "fault" if msg.is_fault and not signatures else ""
        yield found("WUS-SEC-002", place, observed=f"{len(signatures)} × ds:Signature", expected="1", case=case)


@rule("WUS-SEC-003")
def a_2w_be_service_is_not_signed(msg: Message, ctx: Context) -> Verdicts:
    """A message of a 2W-be service carries no signature: one profile per service (KWUS WB011)."""
    if msg.envelope is not None and msg.profile == "2W-be" and msg.profile_given and msg.envelope.signatures:
        yield found("WUS-SEC-003", msg.envelope.signatures[0], observed="ds:Signature", expected="2W-be")


@rule("WUS-SEC-004")
def the_header_is_to_be_understood(msg: Message, ctx: Context) -> Verdicts:
    """The Security header says mustUnderstand="1" and has no actor (WSS §5)."""
    for header in msg.envelope.security if msg.envelope is not None else ():
        understood, actor = header.get(f"{{{SOAP}}}mustUnderstand"), header.get(f"{{{SOAP}}}actor")
        if understood != "1":
            yield found(
                "WUS-SEC-004", header, observed=f"mustUnderstand={understood or '–'}", expected='mustUnderstand="1"'
            )
        if actor:
            yield found("WUS-SEC-004", header, observed=f'actor="{actor}"', expected=Text("geen actor", "no actor"))


@rule("WUS-SEC-010", "WUS-SEC-011", "WUS-SEC-012", "WUS-SEC-013", "WUS-SEC-014", "WUS-SEC-015")
def the_token_is_referred_to_directly(msg: Message, ctx: Context) -> Verdicts:
    """KeyInfo refers directly to one BinarySecurityToken, X509v3 in Base64Binary, before the signature (KWUS WB009, WB010)."""
    token, signature = msg.token, msg.signature
    if msg.envelope is None or token is None or signature is None:
        return
    if token.form != "direct":
        info = signature.find(f"{{{DS}}}KeyInfo")
        names = {"x509data": "X509Data", "issuer-serial": "X509IssuerSerial", "key-identifier": "KeyIdentifier"}
        observed = names.get(token.form) or ABSENT
        place = signature if info is None else info
        yield found("WUS-SEC-010", place, observed=observed, expected='wsse:Reference URI="#…"')
        return
    for path in ("ds:KeyInfo", "ds:KeyInfo/wsse:SecurityTokenReference", "ds:KeyInfo/wsse:SecurityTokenReference/*"):
        several = signature.findall(path, NAMESPACES)
        if len(several) > 1:
            yield found("WUS-SEC-010", several[1], observed=f"{len(several)} × {display(several[1])}", expected="1")
            return
    if len(token.matches) != 1:
        place = signature if token.reference is None else token.reference
        observed = f"{token.uri}: {len(token.matches)} × wsse:BinarySecurityToken"
        yield found("WUS-SEC-011", place, observed=observed, expected="1")
        return
    element = token.matches[0]
    if element.get("ValueType") != wss.X509V3:
        yield found("WUS-SEC-012", element, observed=element.get("ValueType") or ABSENT, expected=wss.X509V3)
    given = token.reference.get("ValueType") if token.reference is not None else None
    if given != wss.X509V3:
        case = "wrong-reference" if given else "reference"
        yield found("WUS-SEC-012", token.reference, observed=given or ABSENT, expected=wss.X509V3, case=case)
    encoding = element.get("EncodingType")
    if encoding != wss.BASE64:
        yield found(
            "WUS-SEC-013", element, observed=encoding or ABSENT, expected=wss.BASE64, case="" if encoding else "absent"
        )
    order = elements(msg.envelope.security[0])
    if order.index(element) > order.index(signature):
        observed = Text("het token staat na de handtekening", "the token stands after the signature")
        yield found("WUS-SEC-014", element, observed=observed)
    if token.certificate is None:
        yield found("WUS-SEC-015", element, observed=token.wrong or ABSENT, expected="X.509 (DER)")


@rule("WUS-SEC-016", "WUS-SEC-017", "WUS-SEC-018", "WUS-SEC-019")
def the_signer_is_who_was_agreed(msg: Message, ctx: Context) -> Verdicts:
    """The signer has the agreed OIN and leads to the trusted root (DKB PKI001-005, KWUS WB009, WB010)."""
    token = msg.token
    if token is None or token.certificate is None:
        return
    place = token.element if token.element is not None else msg.signature
    oin = wss_trust.oin_of(token.certificate)
    agreed = ctx.setting("oin")
    if agreed and oin != agreed:
        yield found("WUS-SEC-016", place, observed=oin or ABSENT, expected=agreed)
    elif not oin:
        yield found(
            "WUS-SEC-016",
            place,
            observed=Text("geen OIN in het certificaat", "no OIN in the certificate"),
            expected="subject.serialNumber",
        )
    elif not agreed:
        yield NotRun("WUS-SEC-016", NO_OIN)
    tls = ctx.setting("tls-oin")
    if tls and tls != oin:
        yield found("WUS-SEC-018", place, observed=f"TLS {tls}, wsse {oin}")
    anchors = wss_trust.load(ctx.trust)
    if not anchors:
        yield NotRun("WUS-SEC-017", NO_TRUST)
    else:
        verdict = wss_trust.trust(token.certificate, msg.companions.certificates, anchors, ctx.at)
        if not verdict.holds:
            yield found("WUS-SEC-017", place, observed=verdict.reason, expected=wss_trust.name_of(anchors[0]))
    yield from _revoked(msg, token.certificate)


def _revoked(msg: Message, certificate: x509.Certificate) -> Verdicts:
    lists = [crl for crl in msg.companions.crls if crl.issuer == certificate.issuer]
    if not lists:
        yield NotRun(
            "WUS-SEC-019", Text("geen CRL van de uitgever meegegeven (--with)", "no CRL of the issuer given (--with)")
        )
    serial = certificate.serial_number
    for crl in lists if serial >= 0 else ():  # cryptography looks for no negative number
        entry = crl.get_revoked_certificate_by_serial_number(serial)
        if entry is not None:
            observed = entry.revocation_date_utc.date().isoformat()
            place = msg.token.element if msg.token is not None else None
            yield found("WUS-SEC-019", place, observed=observed, case="revoked")


@rule("WUS-SEC-020")
def sha_2_everywhere(msg: Message, ctx: Context) -> Verdicts:
    """Signature and every digest use SHA-256, -384 or -512 (DKB SIGN001-004)."""
    if msg.examination is None or msg.signature is None or not msg.examination.signs:
        return
    weak = weak_algorithms(msg)
    if weak:
        yield found("WUS-SEC-020", msg.signature, observed=", ".join(weak), expected="rsa-sha256, sha256")


def weak_algorithms(msg: Message) -> list[str]:
    """Return the signature and digest algorithms that are not SHA-2, each once."""
    seen = msg.examination
    if seen is None:
        return []
    used = [] if seen.method in SHA2_SIGNATURES else [seen.method]
    used += [part.method for part in seen.parts if part.method not in SHA2_DIGESTS]
    return [short(name) for name in dict.fromkeys(used)]


def short(algorithm: str) -> str:
    """Return the part of an algorithm URI that a reader knows."""
    return algorithm.rpartition("#")[2] or algorithm or "–"


@rule("WUS-SEC-021")
def exclusive_canonicalisation(msg: Message, ctx: Context) -> Verdicts:
    """The canonicalisation and the only transform are exclusive C14N (KWUS WB007; BSP R5404, R5423)."""
    seen = msg.examination
    if seen is None or msg.signature is None or not seen.signs:
        return
    used = [seen.c14n, *(transform for part in seen.parts for transform in part.transforms)]
    other = [name for name in dict.fromkeys(used) if name != wss.EXC_C14N]
    if other:
        yield found("WUS-SEC-021", msg.signature, observed=", ".join(n or "–" for n in other), expected=wss.EXC_C14N)
    for part in seen.parts:
        if len(part.transforms) > 1 and not other:
            observed = f"{part.name}: {len(part.transforms)} × Transform"
            yield found("WUS-SEC-021", part.element, observed=observed, expected="1")


@rule("WUS-SEC-022")
def references_stay_in_the_document(msg: Message, ctx: Context) -> Verdicts:
    """Every reference is `#id` to a wsu:Id (or a local Id), with a transform (BSP R3001, R5416, R5411)."""
    for part in msg.examination.parts if msg.examination is not None else ():
        if not part.uri.startswith("#") or len(part.uri) < 2:
            yield found("WUS-SEC-022", part.element, observed=f'URI="{part.uri}"', expected='URI="#…"')
        elif part.uri.startswith("#xpointer"):
            yield found("WUS-SEC-022", part.element, observed=part.uri, expected='URI="#…"')
        elif not part.transforms:
            observed = Text(f"{part.name}: geen Transform", f"{part.name}: no Transform")
            yield found("WUS-SEC-022", part.element, observed=observed, expected=wss.EXC_C14N)
        elif part.node is not None and not _wsu_id(part.node, part.uri[1:]):
            yield found("WUS-SEC-022", part.node, observed=part.name, expected="wsu:Id")


def _wsu_id(node: etree._Element, value: str) -> bool:
    if value in (node.get(wss.WSU_ID), node.get("Id")):
        return True
    own = str(node.tag).startswith((f"{{{DS}}}", f"{{{XENC}}}", "{urn:oasis:names:tc:SAML"))
    return own and value in (node.get("ID"), node.get("AssertionID"))


@rule("WUS-SEC-023")
def no_tricks_in_the_signature(msg: Message, ctx: Context) -> Verdicts:
    """No Manifest, no HMACOutputLength, nothing encrypted or double inside the Signature (BSP R5403, R5401, R5440)."""
    if msg.signature is None:
        return
    for name in ("ds:SignedInfo", "ds:SignatureValue"):
        several = msg.signature.findall(name, NAMESPACES)
        if len(several) > 1:
            yield found("WUS-SEC-023", several[1], observed=f"{len(several)} × {name}", expected="1")
    for path in (".//ds:Manifest", ".//ds:HMACOutputLength", ".//xenc:EncryptedData"):
        trick = msg.signature.find(path, NAMESPACES)
        if trick is not None:
            yield found("WUS-SEC-023", trick, observed=path[3:])
