"""The signature over the metadata file (D)."""

from collections.abc import Iterator
from typing import Final

from harness.lint.judge import Context, RuleTable, not_run
from harness.lint.saml.delivered import STATES, Delivered, saw, signature_facts
from harness.model import Finding, NotRun, Text
from harness.wire.saml import (
    DIGEST_METHODS,
    ENVELOPED,
    EXC_C14N,
    RSA_SHA256,
    SHA256,
    SIGNATURE_METHODS,
    children,
    local_name,
)
from harness.wire.saml_metadata import key_certificates
from harness.wire.saml_signature import SIGNATURE, Breach, State

table: RuleTable[Delivered] = RuleTable()

ERRATA: Final = {
    "http://www.w3.org2001/04/xmldsig-more#rsa-sha256": RSA_SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha256": SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
"""Algorithm names that stand in the published text or its examples but that no engine knows, with what is meant."""


@table.rule("SAML-MD-301")
def one_signature(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Exactly one signature, directly on the root (8.3, 8.4.1)."""
    if doc.signature.count != 1:
        yield saw("SAML-MD-301", doc.root, str(doc.signature.count), "1")


@table.rule("SAML-MD-302")
def signature_first(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The signature is the first child of the root."""
    found = doc.signature.signature
    if found is not None and next(children(doc.root)).tag != SIGNATURE:
        yield saw("SAML-MD-302", found.element, local_name(next(children(doc.root))), "ds:Signature")


@table.rule("SAML-MD-303")
def signature_method(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """RSA with SHA-256, SHA-384 or SHA-512, written exactly (9.1)."""
    found = doc.signature.signature
    if found is not None and found.method not in SIGNATURE_METHODS:
        expected = ERRATA.get(found.method, "rsa-sha256, rsa-sha384, rsa-sha512")
        case = "erratum" if found.method in ERRATA else ""
        yield saw("SAML-MD-303", found.element, found.method or "—", expected, case=case)


@table.rule("SAML-MD-304")
def digest_method(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """SHA-256, SHA-384 or SHA-512, under the name that exists (9.1)."""
    found = doc.signature.signature
    for reference in found.references if found else ():
        if reference.digest_method not in DIGEST_METHODS:
            case = "erratum" if reference.digest_method in ERRATA else ""
            expected = ERRATA.get(reference.digest_method, ", ".join(sorted(DIGEST_METHODS)))
            yield saw("SAML-MD-304", reference.element, reference.digest_method or "—", expected, case=case)


@table.rule("SAML-MD-305")
def canonicalization(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Exclusive canonicalisation without comments (9.1)."""
    found = doc.signature.signature
    if found is not None and found.canonicalization != EXC_C14N:
        yield saw("SAML-MD-305", found.element, found.canonicalization or "—", EXC_C14N)


@table.rule("SAML-MD-306")
def transforms(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """Enveloped signature, then exclusive canonicalisation, and nothing else (9.1)."""
    found = doc.signature.signature
    for reference in found.references if found else ():
        if reference.transforms != (ENVELOPED, EXC_C14N):
            yield saw(
                "SAML-MD-306", reference.element, ", ".join(reference.transforms) or "—", f"{ENVELOPED}, {EXC_C14N}"
            )


@table.rule("SAML-MD-307")
def reference_to_root(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """One Reference that names the root by its ID (9.1)."""
    found = doc.signature.signature
    if found is None:
        return
    expected = f"#{doc.root.get('ID') or '…'}"
    if len(found.references) != 1:
        yield saw("SAML-MD-307", found.element, f"{len(found.references)} × Reference", "1", case="count")
    elif Breach.REFERENCE in doc.signature.breaches:
        uri = found.references[0].uri
        yield saw("SAML-MD-307", found.references[0].element, "—" if uri is None else f'URI="{uri}"', expected)


@table.rule("SAML-MD-308")
def key_info(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The signature says which key was used (9.2)."""
    if Breach.KEY_INFO in doc.signature.breaches and doc.signature.signature:
        yield saw("SAML-MD-308", doc.signature.signature.element, expected="ds:KeyName")


@table.rule("SAML-MD-309", "SAML-MD-310")
def signed_with_listed_key(doc: Delivered, ctx: Context) -> Iterator[Finding | NotRun]:
    """The named key is a signing key of the signing entity, and the signature verifies with it (9.1, 9.2)."""
    facts = doc.signature
    if facts.signature is None:
        return
    if facts.chosen is None:
        yield _unknown_key(doc)
        yield from not_run(("SAML-MD-310",), _UNKNOWN)
        return
    yield from _cryptography(doc)


_UNKNOWN: Final = Text(
    "het certificaat van de ondertekening is niet aangewezen; zie SAML-MD-309",
    "the certificate of the signature is not designated; see SAML-MD-309",
)
_UNSUPPORTED: Final = Text(
    "de ondertekening gebruikt een algoritme dat niet is toegestaan en is daarom niet nagerekend",
    "the signature uses an algorithm that is not allowed and was therefore not computed",
)


def _unknown_key(doc: Delivered) -> Finding:
    facts = doc.signature
    if facts.signature is None:
        raise AssertionError("asked without a signature")
    named = facts.signature.key_name or ("X509Certificate" if facts.signature.certificates else "—")
    owner = _owner(doc, named)
    made_by = facts.signed_by(c for _, c in facts.keys)
    if made_by is not None:
        observed = Text(
            f"KeyName {named}; de ondertekening is wel gemaakt met certificaat {made_by.sha1}",
            f"KeyName {named}; the signature was in fact made with certificate {made_by.sha1}",
        )
    elif owner:
        observed = Text(f"KeyName {named} hoort bij {owner}", f"KeyName {named} belongs to {owner}")
    else:
        observed = Text(f"KeyName {named} komt niet voor als signing-sleutel", f"KeyName {named} is no signing key")
    return saw("SAML-MD-309", facts.signature.element, observed, ", ".join(name for name, _ in facts.keys[:4]))


def _owner(doc: Delivered, named: str) -> str:
    """Return whose key has this name, and for what, when it stands elsewhere in the file."""
    return next((f"{e.entity_id} (use={key.use})" for e, _, key in doc.keyed if key.name == named), "")


def _cryptography(doc: Delivered) -> Iterator[Finding | NotRun]:
    facts = doc.signature
    if facts.state in (State.UNSUPPORTED, None) or facts.signature is None:
        yield from not_run(("SAML-MD-310",), _UNSUPPORTED)
    elif facts.state in (State.OTHER_KEY, State.BROKEN):
        maker = facts.signed_by(c for _, _, c in doc.certified)
        observed = STATES[facts.state]
        if maker is not None:
            observed = Text(f"{observed.nl} (certificaat {maker.sha1})", f"{observed.en} (certificate {maker.sha1})")
        expected = facts.chosen.sha1 if facts.chosen else ""
        yield saw("SAML-MD-310", facts.signature.element, observed, expected, case=str(facts.state))
    elif facts.state is not State.INTACT and facts.state is not None:
        related = ("SAML-MD-009",) if facts.state is State.REFORMATTED else ()
        yield saw("SAML-MD-310", facts.signature.element, STATES[facts.state], case=str(facts.state), related=related)


@table.rule("SAML-MD-311")
def signer_oin(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The OIN in the signing certificate is that of the entity that signs."""
    chosen, signer = doc.signature.chosen, doc.signer
    if chosen and signer and signer.name and chosen.oin != signer.name.oin and doc.signature.signature:
        yield saw("SAML-MD-311", doc.signature.signature.element, chosen.oin or "—", signer.name.oin)


@table.rule("SAML-MD-312")
def signer_key(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The signing key is RSA of at least 2048 bits and may be used to sign (9.1)."""
    chosen, found = doc.signature.chosen, doc.signature.signature
    if chosen is None or found is None:
        return
    if chosen.rsa_bits < 2048:
        size = f"RSA {chosen.rsa_bits}" if chosen.rsa_bits else Text("geen RSA", "not RSA")
        yield saw("SAML-MD-312", found.element, size, "RSA ≥ 2048", related=("SAML-MD-511",))
    if chosen.digital_signature is False:
        yield saw("SAML-MD-312", found.element, "keyUsage", "digitalSignature", related=("SAML-MD-514",))


@table.rule("SAML-MD-313")
def no_nested_signatures(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """The LC's signature covers every DV; one of their own is superfluous."""
    if not doc.clustered:
        return
    for entity in doc.metadata.entities:
        facts = signature_facts(entity.element, tuple(key_certificates(entity, "signing")))
        if facts.signature is None:
            continue
        told = STATES[facts.state] if facts.state else Text("sleutel onbekend", "key unknown")
        yield saw("SAML-MD-313", facts.signature.element, told)


@table.rule("SAML-MD-314")
def nothing_else_in_signature(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """No key or object travels inside the signature."""
    found = doc.signature.signature
    if found is None:
        return
    odd = [f"ds:{name}" for name in found.odd]
    if len(found.references) > 1:
        odd.append(f"{len(found.references)} × ds:Reference")
    if odd:
        yield saw("SAML-MD-314", found.element, ", ".join(odd), "ds:KeyName")


@table.rule("SAML-MD-315")
def first_signing_key(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A receiver was seen that tries the first signing key only."""
    facts = doc.signature
    if facts.chosen and facts.signature and facts.keys and facts.keys[0][1].der != facts.chosen.der:
        yield saw("SAML-MD-315", facts.signature.element, facts.chosen.sha1, facts.keys[0][1].sha1)


@table.rule("SAML-MD-316")
def usual_prefix(doc: Delivered, ctx: Context) -> Iterator[Finding]:
    """A receiver was seen that finds the signature by the prefix ds."""
    found = doc.signature.signature
    if found is not None and found.element.prefix != "ds":
        yield saw("SAML-MD-316", found.element, f"{found.element.prefix or ''}:", "ds:")
