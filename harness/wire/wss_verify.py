"""Examine the signature of a SOAP message: which nodes it covers, under which algorithms, and what changed (KWUS WB013)."""

import base64
import binascii
import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree

from harness.model import NOTHING, Text
from harness.wire import signature_value, wss_trust
from harness.wire.soap import DS, NAMESPACES, WSSE, XENC, Envelope, display
from harness.wire.wss import (
    C14N,
    DIGEST_METHODS,
    EXC_C14N,
    INC_C14N,
    WSU_ID,
    NotCanonical,
    canonical,
    digest,
)

_ID_NAMES: Final = frozenset({"Id", "ID", "id"})
_INCLUSIVE: Final = f"{{{EXC_C14N}}}InclusiveNamespaces"


def index_ids(root: etree._Element) -> dict[str, list[etree._Element]]:
    """Return the elements by every attribute that a verifier could take for an id; two under one id is an attack."""
    index: dict[str, list[etree._Element]] = {}
    for attribute in root.xpath("//@*[local-name()='Id' or local-name()='ID' or local-name()='id']"):
        owner = attribute.getparent()
        found = index.setdefault(str(attribute), [])
        if owner is not None and owner not in found:
            found.append(owner)
    return index


@dataclass(frozen=True)
class Part:
    """One ds:Reference: the nodes its URI leads to, how they were digested, and whether the digest still fits.

    `intact` is None when the digest could not be computed (unknown algorithm, encrypted or missing node).
    """

    element: etree._Element
    uri: str
    nodes: tuple[etree._Element, ...]
    transforms: tuple[str, ...]
    method: str
    intact: bool | None
    cause: Text = NOTHING

    @property
    def node(self) -> etree._Element | None:
        """The one node that the reference leads to, or None when there are none or several."""
        return self.nodes[0] if len(self.nodes) == 1 else None

    @property
    def name(self) -> str:
        """The name of the signed node as a reader knows it, or the URI."""
        return display(self.nodes[0]) if self.nodes else self.uri or '""'


@dataclass(frozen=True)
class Examination:
    """What a signature says and whether it holds; `value_holds` is None when it could not be computed."""

    signature: etree._Element
    c14n: str
    method: str
    parts: tuple[Part, ...]
    value_holds: bool | None

    @cached_property
    def covered(self) -> list[etree._Element]:
        """The nodes that exactly one reference leads to, by identity."""
        return [part.node for part in self.parts if part.node is not None]

    @property
    def changed(self) -> list[Part]:
        """The parts whose digest no longer fits."""
        return [part for part in self.parts if part.intact is False]

    @property
    def holds(self) -> bool:
        """Whether the signature value and every digest fit."""
        return self.value_holds is True and all(part.intact is True for part in self.parts)

    @property
    def signs(self) -> bool:
        """Whether there is a SignedInfo at all: an empty ds:Signature signs nothing."""
        return self.signature.find(f"{{{DS}}}SignedInfo") is not None

    def covers(self, node: etree._Element | None) -> bool:
        """Whether `node` itself, at its own position, is among the signed nodes."""
        return node is not None and any(node is signed for signed in self.covered)


def examine(
    envelope: Envelope,
    signature: etree._Element,
    certificate: x509.Certificate | None,
    ids: Mapping[str, list[etree._Element]] | None = None,
) -> Examination:
    """Compute every digest and the signature value; without a certificate only the digests."""
    index = index_ids(envelope.root) if ids is None else ids
    info = signature.find(f"{{{DS}}}SignedInfo")
    references = [] if info is None else info.findall(f"{{{DS}}}Reference")
    c14n_element = None if info is None else info.find(f"{{{DS}}}CanonicalizationMethod")
    return Examination(
        signature,
        _algorithm(c14n_element),
        _algorithm(None if info is None else info.find(f"{{{DS}}}SignatureMethod")),
        tuple(_part(reference, index) for reference in references),
        _value_holds(signature, info, c14n_element, certificate),
    )


def _algorithm(element: etree._Element | None) -> str:
    return "" if element is None else element.get("Algorithm") or ""


def _prefixes(element: etree._Element | None) -> list[str]:
    inclusive = None if element is None else element.find(_INCLUSIVE)
    return [] if inclusive is None else (inclusive.get("PrefixList") or "").split()


def decode(value: str | None) -> bytes:
    """Return the bytes of base64 text, white space ignored; nothing readable gives empty bytes."""
    try:
        return base64.b64decode("".join((value or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _part(reference: etree._Element, index: Mapping[str, list[etree._Element]]) -> Part:
    uri = reference.get("URI") or ""
    nodes = tuple(index.get(uri[1:], ())) if uri.startswith("#") else ()
    transforms = reference.findall("ds:Transforms/ds:Transform", NAMESPACES)
    algorithms = tuple(_algorithm(transform) for transform in transforms)
    method = _algorithm(reference.find(f"{{{DS}}}DigestMethod"))
    wanted = decode(reference.findtext(f"{{{DS}}}DigestValue"))
    intact: bool | None = None
    cause = NOTHING
    if len(nodes) == 1 and len(algorithms) <= 1 and method in DIGEST_METHODS and not _encrypted(nodes[0]):
        algorithm = algorithms[0] if algorithms else INC_C14N
        if algorithm in C14N:
            prefixes = _prefixes(transforms[0] if transforms else None)
            try:
                intact = digest(nodes[0], method, algorithm, prefixes) == wanted
                if not intact:
                    cause = _likely_cause(nodes[0], method, algorithm, prefixes, wanted)
            except NotCanonical as wrong:
                intact, cause = False, wrong.text
    return Part(reference, uri, nodes, algorithms, method, intact, cause)


def _encrypted(node: etree._Element) -> bool:
    return next(node.iterchildren(f"{{{XENC}}}EncryptedData"), None) is not None


def _value_holds(
    signature: etree._Element,
    info: etree._Element | None,
    c14n: etree._Element | None,
    certificate: x509.Certificate | None,
) -> bool | None:
    if info is None or certificate is None or _algorithm(c14n) not in C14N:
        return None
    method = _algorithm(info.find(f"{{{DS}}}SignatureMethod"))
    value = decode(signature.findtext(f"{{{DS}}}SignatureValue"))
    try:
        data = canonical(info, _algorithm(c14n), _prefixes(c14n))
        return signature_value.holds(certificate.public_key(), method, value, data)
    except NotCanonical:
        return False
    except (ValueError, UnsupportedAlgorithm):
        return None


# --- why a digest no longer fits -----------------------------------------------------------------------------------


def _without_blanks(node: etree._Element) -> etree._Element:
    bare = copy.deepcopy(node)
    bare.tail = None
    for element in bare.iter():
        if element.text is not None and not element.text.strip():
            element.text = None
        if element is not bare and element.tail is not None and not element.tail.strip():
            element.tail = None
    return bare


def _with_text(node: etree._Element, change: Callable[[str], str]) -> etree._Element:
    bare = copy.deepcopy(node)
    for element in bare.iter():
        if isinstance(element.tag, str) and element.text:
            element.text = change(element.text)
    return bare


_CAUSES: Final[tuple[tuple[Text, Callable[[etree._Element], etree._Element]], ...]] = (
    (
        Text("waarschijnlijk is er na het ondertekenen opgemaakt (spaties of regeleinden toegevoegd)", "white space was probably added after signing (pretty-printing)"),
        _without_blanks,
    ),
    (
        Text("waarschijnlijk zijn regeleinden onderweg veranderd (CR LF naar LF)", "line ends were probably changed on the way (CR LF to LF)"),
        lambda node: _with_text(node, lambda value: value.replace("\n", "\r\n")),
    ),
    (
        Text("waarschijnlijk zijn regeleinden onderweg veranderd (LF naar CR LF)", "line ends were probably changed on the way (LF to CR LF)"),
        lambda node: _with_text(node, lambda value: value.replace("\r\n", "\n")),
    ),
    (
        Text("waarschijnlijk is spatie rond een waarde onderweg toegevoegd", "white space was probably added around a value on the way"),
        lambda node: _with_text(node, str.strip),
    ),
    (
        Text("waarschijnlijk is een regeleinde aan het eind van een waarde onderweg verdwenen", "a line end at the end of a value was probably lost on the way"),
        lambda node: _with_text(node, lambda value: value + "\n"),
    ),
)  # fmt: skip

LARGE: Final = 2_000_000


def _likely_cause(node: etree._Element, method: str, algorithm: str, prefixes: list[str], wanted: bytes) -> Text:
    for other in (EXC_C14N, INC_C14N, EXC_C14N + "WithComments"):
        if other != algorithm and digest(node, method, other) == wanted:
            return Text(
                f"de digest klopt wel onder {other}: waarschijnlijk verkeerd gecanonicaliseerd bij het ondertekenen",
                f"the digest does fit under {other}: probably the wrong canonicalisation when signing",
            )
    if len(canonical(node, algorithm, prefixes)) > LARGE:
        return NOTHING
    return next(
        (words for words, change in _CAUSES if _digest_of_copy(node, change, method, algorithm, prefixes) == wanted),
        NOTHING,
    )


def _digest_of_copy(
    node: etree._Element,
    change: Callable[[etree._Element], etree._Element],
    method: str,
    algorithm: str,
    prefixes: list[str],
) -> bytes:
    changed = change(node)
    parent = node.getparent()
    if parent is not None:  # a copy keeps its namespaces only where it stands
        parent.replace(node, changed)
        try:
            return digest(changed, method, algorithm, prefixes)
        finally:
            parent.replace(changed, node)
    return digest(changed, method, algorithm, prefixes)


# --- the token ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Token:
    """The BinarySecurityToken that a signature refers to, and how it refers to it.

    `form` is direct, x509data, issuer-serial, key-identifier or absent.
    """

    form: str
    uri: str
    matches: tuple[etree._Element, ...]
    reference: etree._Element | None
    certificate: x509.Certificate | None
    wrong: str = ""

    @property
    def element(self) -> etree._Element | None:
        """The token, when exactly one matches."""
        return self.matches[0] if len(self.matches) == 1 else None


def token_of(security: etree._Element, signature: etree._Element) -> Token:
    """Return the token of `signature`; a certificate inside X509Data is read too, so that the digests can be judged."""
    info = signature.find("ds:KeyInfo/wsse:SecurityTokenReference", NAMESPACES)
    reference = None if info is None else info.find(f"{{{WSSE}}}Reference")
    uri = "" if reference is None else reference.get("URI") or ""
    if reference is None or not uri.startswith("#"):
        return _indirect(security, signature, info, reference)
    found = tuple(
        token
        for token in security.findall(f"{{{WSSE}}}BinarySecurityToken")
        if uri[1:] in (token.get(WSU_ID), token.get("Id"))
    )
    certificate, wrong = certificate_in(found[0].text) if len(found) == 1 else (None, "")
    return Token("direct", uri, found, reference, certificate, wrong)


def _indirect(
    security: etree._Element,
    signature: etree._Element,
    info: etree._Element | None,
    reference: etree._Element | None,
) -> Token:
    container = signature.find(f"{{{DS}}}KeyInfo") if info is None else info
    embedded = None if container is None else next(container.iter(f"{{{DS}}}X509Certificate"), None)
    if embedded is not None:
        certificate, wrong = certificate_in(embedded.text)
        return Token("x509data", "", (), reference, certificate, wrong)
    form = "absent"
    if container is not None:
        names = {etree.QName(child).localname for child in container.iter() if isinstance(child.tag, str)}
        form = (
            "issuer-serial"
            if "X509IssuerSerial" in names
            else "key-identifier"
            if "KeyIdentifier" in names
            else "absent"
        )
    tokens = security.findall(f"{{{WSSE}}}BinarySecurityToken")
    certificate = certificate_in(tokens[0].text)[0] if len(tokens) == 1 else None
    return Token(form, "", (), reference, certificate)


def certificate_in(value: str | None) -> tuple[x509.Certificate | None, str]:
    """Return the certificate in base64 text, or None with a word for what it is instead."""
    der = decode(value)
    if b"-----BEGIN" in der:
        return None, "PEM"
    if not der:
        return None, "geen base64" if (value or "").strip() else "leeg"
    try:
        return wss_trust.sound(x509.load_der_x509_certificate(der)), ""
    except wss_trust.UNREADABLE:
        kind = "PKIPath of PKCS#7" if re.match(rb"\x30[\x82\x83]", der) else "geen DER-certificaat"
        return None, kind
