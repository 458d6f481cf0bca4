"""WUS-ENC: the encrypted Body of 2W-be-SE, as far as it shows from outside and with the key inside."""

import contextlib
import copy
import hashlib
from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.message import Message, found
from harness.lint.wus.security import short
from harness.lint.wus.table import ABSENT, NO_REQUEST, rule
from harness.model import Finding, NotRun, Text
from harness.wire import wss, wss_encrypt, wss_trust, wss_verify
from harness.wire.soap import DS, NAMESPACES, WSSE, WSSE11, XENC, XENC11, Envelope, elements, local

Verdicts = Iterator[Finding | NotRun]
DATA: Final = f"{{{XENC}}}EncryptedData"
KEY: Final = f"{{{XENC}}}EncryptedKey"
OAEP_DIGESTS: Final = ("sha1", "sha256", "sha384", "sha512")


def _raw_envelope(msg: Message) -> tuple[etree._Element | None, etree._Element | None]:
    """Return EncryptedData and EncryptedKey as they arrived; decryption takes the first away."""
    if msg.envelope is None:
        return None, None
    data = (
        msg.sealed if msg.sealed is not None else next((e for e in elements(msg.envelope.body) if e.tag == DATA), None)
    )
    key = next((k for s in msg.envelope.security for k in s.findall(KEY)), None)
    return data, key


@rule("WUS-ENC-001")
def the_body_is_encrypted_in_se_only(msg: Message, ctx: Context) -> Verdicts:
    """In SE, and only in SE, the content of the Body is encrypted; headers stay readable (KWUS WB005)."""
    if msg.envelope is None or msg.envelope.body is None:
        return
    body = msg.envelope.body
    hidden = msg.encrypted or msg.decrypted is not None
    if msg.profile == "2W-be-SE" and not hidden and not msg.is_fault:
        yield found(
            "WUS-ENC-001", body, observed=Text("niet versleuteld", "not encrypted"), expected="xenc:EncryptedData"
        )
    elif msg.profile != "2W-be-SE" and hidden:
        yield found("WUS-ENC-001", body, observed="xenc:EncryptedData", expected=msg.profile)
    for block in msg.envelope.blocks:
        if block.tag in (DATA, f"{{{WSSE11}}}EncryptedHeader"):
            yield found("WUS-ENC-001", block, observed=local(block))
        elif block.tag == f"{{{WSSE}}}Security" and block.find(DATA) is not None:
            yield found("WUS-ENC-001", block.find(DATA), observed="Security/EncryptedData")


@rule("WUS-ENC-002")
def signed_first_then_encrypted(msg: Message, ctx: Context) -> Verdicts:
    """The signature is over the readable Body: sign first, then encrypt (KWUS WB006)."""
    if msg.envelope is None or msg.examination is None or not (msg.encrypted or msg.decrypted):
        return
    body = msg.envelope.body
    for part in msg.examination.parts:
        node = part.node
        if node is None or part.method not in wss.DIGEST_METHODS:
            continue
        as_sent = _as_sent(msg) if node is body and not part.intact else None
        if node.tag == DATA or (as_sent is not None and _digest_fits(part, as_sent)):
            observed = Text("ondertekend na het versleutelen", "signed after encryption")
            yield found("WUS-ENC-002", part.element, observed=observed)


def _as_sent(msg: Message) -> etree._Element | None:
    """Return the Body with the EncryptedData that it arrived with, in the namespaces of its own place."""
    if msg.envelope is None or msg.envelope.body is None or msg.encrypted:
        return None if msg.envelope is None else msg.envelope.body
    if msg.sealed is None:
        return None
    root = copy.deepcopy(msg.envelope.root)
    body = Envelope(root).body
    if body is not None:
        body[:] = [copy.deepcopy(msg.sealed)]
        body.text = body[0].tail = None
    return body


def _digest_fits(part: wss_verify.Part, node: etree._Element) -> bool:
    if len(part.transforms) != 1 or part.transforms[0] not in wss.C14N:
        return False
    wanted = wss_verify.decode(part.element.findtext(f"{{{DS}}}DigestValue"))
    try:
        return wss.digest(node, part.method, part.transforms[0], _prefixes(part)) == wanted
    except wss.NotCanonical:
        return False


def _prefixes(part: wss_verify.Part) -> list[str]:
    inclusive = part.element.find(f"ds:Transforms/ds:Transform/{{{wss.EXC_C14N}}}InclusiveNamespaces", NAMESPACES)
    return [] if inclusive is None else (inclusive.get("PrefixList") or "").split()


@rule("WUS-ENC-003")
def the_data_is_pointed_at(msg: Message, ctx: Context) -> Verdicts:
    """EncryptedData is of type Content, has an Id, and the key's ReferenceList points at it (BSP R3006, R5608, R3228)."""
    data, key = _raw_envelope(msg)
    if data is None:
        return
    if data.get("Type") != wss_encrypt.CONTENT:
        yield found("WUS-ENC-003", data, observed=data.get("Type") or ABSENT, expected=wss_encrypt.CONTENT)
    identifier = data.get("Id")
    if not identifier:
        yield found("WUS-ENC-003", data, observed=Text("geen Id", "no Id"), expected="Id")
    if key is None or msg.envelope is None:
        return
    lists = [r for s in msg.envelope.security for r in s.iter(f"{{{XENC}}}DataReference")]
    targets = [r.get("URI") or "" for r in lists]
    if identifier and "#" + identifier not in targets:
        observed = ", ".join(targets) or ABSENT
        yield found("WUS-ENC-003", key, observed=observed, expected=f"DataReference #{identifier}")


@rule("WUS-ENC-004", "WUS-ENC-008")
def the_data_algorithm(msg: Message, ctx: Context) -> Verdicts:
    """The data is under AES-GCM; CBC is old, 3DES is out (DKB ENC001-003). A GCM cipher has its IV and tag."""
    data, key = _raw_envelope(msg)
    if data is None:
        return
    method = data.find(f"{{{XENC}}}EncryptionMethod")
    algorithm = "" if method is None else method.get("Algorithm") or ""
    if algorithm in wss_encrypt.CBC:
        yield found("WUS-ENC-004", data, observed=short(algorithm), expected="aes256-gcm", case="cbc")
    elif algorithm not in wss_encrypt.GCM:
        yield found("WUS-ENC-004", data, observed=short(algorithm) if algorithm else ABSENT, expected="aes256-gcm")
    else:
        size = len(wss_verify.decode(data.findtext("xenc:CipherData/xenc:CipherValue", namespaces=NAMESPACES)))
        if size < 28:
            yield found("WUS-ENC-008", data, observed=f"{size} bytes", expected="≥ 28")
    if msg.decrypted is False and _can_be_opened(data, key):
        observed = Text("niet te ontsleutelen met de meegegeven sleutel", "cannot be decrypted with the given key")
        yield found("WUS-ENC-008", data, observed=observed, case="key")


def _can_be_opened(data: etree._Element, key: etree._Element | None) -> bool:
    """Whether the algorithms are ones that we undo: with others a failure says nothing about the key."""
    if key is None:
        return False
    used = [e.find(f"{{{XENC}}}EncryptionMethod") for e in (key, data)]
    transport, cipher = ("" if method is None else method.get("Algorithm") or "" for method in used)
    if transport not in (wss_encrypt.OAEP_MGF1P, wss_encrypt.OAEP11) or cipher not in wss_encrypt.GCM | wss_encrypt.CBC:
        return False
    return _oaep_digest(key) in OAEP_DIGESTS


def _oaep_digest(key: etree._Element) -> str:
    digest = key.find("xenc:EncryptionMethod/ds:DigestMethod", NAMESPACES)
    return "sha1" if digest is None else short(digest.get("Algorithm") or "")


@rule("WUS-ENC-005")
def the_key_transport(msg: Message, ctx: Context) -> Verdicts:
    """The key is wrapped with RSA-OAEP, never with RSA 1.5 (DKB ENC004)."""
    _, key = _raw_envelope(msg)
    if key is None:
        return
    method = key.find(f"{{{XENC}}}EncryptionMethod")
    algorithm = "" if method is None else method.get("Algorithm") or ""
    if algorithm not in (wss_encrypt.OAEP_MGF1P, wss_encrypt.OAEP11):
        yield found(
            "WUS-ENC-005", key, observed=short(algorithm) if algorithm else ABSENT, expected="rsa-oaep-mgf1p, rsa-oaep"
        )
        return
    name, digest = _oaep_digest(key), key.find("xenc:EncryptionMethod/ds:DigestMethod", NAMESPACES)
    mask = key.find(f"xenc:EncryptionMethod/{{{XENC11}}}MGF", NAMESPACES)
    if name not in OAEP_DIGESTS:
        yield found("WUS-ENC-005", digest, observed=name, expected="sha256")
    if mask is not None and algorithm == wss_encrypt.OAEP_MGF1P:
        yield found("WUS-ENC-005", mask, observed="MGF", expected=wss_encrypt.OAEP11, case="mgf")


@rule("WUS-ENC-006")
def the_key_stands_in_its_place(msg: Message, ctx: Context) -> Verdicts:
    """EncryptedKey stands in Security, for one receiver, with a token reference and no Type (BSP R3208, R5601, R5426, R3209)."""
    if msg.envelope is None or not (msg.encrypted or msg.decrypted):
        return
    keys = [k for s in msg.envelope.security for k in s.findall(KEY)]
    if not keys:
        elsewhere = next(msg.envelope.root.iter(KEY), None)
        place = msg.envelope.body if elsewhere is None else elsewhere
        yield found("WUS-ENC-006", place, observed=ABSENT, expected="wsse:Security/xenc:EncryptedKey")
        return
    if len(keys) > 1:
        yield found("WUS-ENC-006", keys[1], observed=f"{len(keys)} × xenc:EncryptedKey", expected="1")
    key = keys[0]
    if key.find("ds:KeyInfo/wsse:SecurityTokenReference", NAMESPACES) is None:
        yield found("WUS-ENC-006", key, observed=ABSENT, expected="wsse:SecurityTokenReference")
    if key.find(f"{{{XENC}}}EncryptionMethod") is None:
        yield found("WUS-ENC-006", key, observed=ABSENT, expected="xenc:EncryptionMethod")
    if key.get("Type") or key.get("MimeType") or key.get("Encoding"):
        yield found(
            "WUS-ENC-006",
            key,
            observed=key.get("Type") or "MimeType/Encoding",
            expected=Text("geen Type", "no Type"),
            case="type",
        )
    reference = key.find("ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference", NAMESPACES)
    if reference is not None and not msg.ids.get((reference.get("URI") or "").removeprefix("#")):
        yield found(
            "WUS-ENC-006", reference, observed=reference.get("URI") or ABSENT, expected="wsse:BinarySecurityToken"
        )


@rule("WUS-ENC-007")
def encrypted_for_the_asker(msg: Message, ctx: Context) -> Verdicts:
    """The answer is encrypted for the certificate in the token of the request (KWUS WB012)."""
    if msg.envelope is None or msg.is_request or not (msg.encrypted or msg.decrypted):
        return
    request = msg.companions.request
    _, key = _raw_envelope(msg)
    if key is None:
        return
    if request is None or not request.signatures:
        yield NotRun("WUS-ENC-007", NO_REQUEST)
        return
    asker = wss_verify.token_of(request.security[0], request.signatures[0]).certificate
    matches = None if asker is None else _meant_for(msg, key, asker)
    if matches is False:
        observed = Text("voor een ander certificaat", "for another certificate")
        yield found("WUS-ENC-007", key, observed=observed)
    elif matches is None:
        yield NotRun(
            "WUS-ENC-007",
            Text(
                "de verwijzing naar het certificaat is niet te herleiden", "the certificate referred to cannot be told"
            ),
        )


def _meant_for(msg: Message, key: etree._Element, asker: x509.Certificate) -> bool | None:
    info = key.find("ds:KeyInfo/wsse:SecurityTokenReference", NAMESPACES)
    if info is None:
        return None
    der = asker.public_bytes(Encoding.DER)
    reference = info.find(f"{{{WSSE}}}Reference")
    if reference is not None:
        tokens = msg.ids.get((reference.get("URI") or "").removeprefix("#"), [])
        return wss_verify.decode(tokens[0].text) == der if len(tokens) == 1 else None
    serial = info.find(".//ds:X509SerialNumber", NAMESPACES)
    if serial is not None:
        return (serial.text or "").strip() == str(asker.serial_number)
    identifier = info.find(f"{{{WSSE}}}KeyIdentifier")
    if identifier is not None:
        own = {x509.SubjectKeyIdentifier.from_public_key(asker.public_key()).digest, hashlib.sha1(der).digest(), der}
        with contextlib.suppress(x509.ExtensionNotFound, *wss_trust.UNREADABLE):
            own.add(asker.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest)
        return wss_verify.decode(identifier.text) in own
    return None
