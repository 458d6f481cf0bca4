"""Judge the certificates in a specification (SPEC-030 … SPEC-042)."""

import re
from typing import Final

from lxml import etree

from harness.lint.ebms import certificates, party_id, reading
from harness.lint.ebms.reading import at
from harness.lint.ebms.spec_document import CERTIFICATES, Doc, Outcome, table
from harness.lint.judge import Context
from harness.model import Environment, Finding, NotRun, Text
from harness.wire.keyinfo import DS


@table.rule("SPEC-030")
def one_key_info(doc: Doc, ctx: Context) -> Outcome:
    """ClientCert and ServerCert hold one KeyInfo of XML Signature."""
    for name in CERTIFICATES:
        parameter = doc.text(name)
        if parameter is None:
            continue
        held = [e for e in parameter.node if isinstance(e.tag, str)]
        if [e.tag for e in held] != [f"{{{DS}}}KeyInfo"]:
            shown = ", ".join(_shown(e) for e in held) or Text("geen element, alleen tekst", "no element, only text")
            yield at("SPEC-030", parameter.node, observed=shown, expected=f'<KeyInfo xmlns="{DS}">')


def _shown(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"<{name.localname} xmlns={name.namespace or ''!r}>"


@table.rule("SPEC-031", "SPEC-032")
def certificate_text(doc: Doc, ctx: Context) -> Outcome:
    """X509Certificate holds base64 DER of a certificate, without PEM lines."""
    for name in CERTIFICATES:
        parameter = doc.text(name)
        if parameter is None or parameter.key_info is None:
            continue
        if not parameter.key_info.certificates:
            held = ", ".join(etree.QName(e).localname for e in parameter.key_info.node if isinstance(e.tag, str))
            yield at("SPEC-031", parameter.node, observed=held, expected="X509Data/X509Certificate")
        for certificate in parameter.key_info.certificates:
            if certificate.problem == "pem":
                yield at("SPEC-032", certificate.node, observed=certificates.armour(certificate.node.text or ""))
            elif certificate.problem and certificate.problem != "private":
                said = certificates.problem(certificate.problem, certificate.node.text or "")
                yield at("SPEC-031", certificate.node, observed=said)


@table.rule("SPEC-033")
def no_private_key(doc: Doc, ctx: Context) -> Outcome:
    """No private key stands in the file."""
    found = reading.private_key(doc.raw, doc.root)
    if found:
        yield Finding("SPEC-033", where=found[1], line=found[0])


@table.rule("SPEC-034")
def leaf_first(doc: Doc, ctx: Context) -> Outcome:
    """The first certificate is the party's own; what follows is its chain, in order."""
    for name in CERTIFICATES:
        parameter = doc.spec.get(name)
        if not parameter or not parameter.key_info or not parameter.key_info.certificates:
            continue
        texts = parameter.key_info.certificates
        first = texts[0].facts
        if first and first.is_ca:
            yield at("SPEC-034", texts[0].node, observed=first.subject)
        elif certificates.out_of_order(texts):
            yield at("SPEC-034", texts[1].node, "order")


@table.rule("SPEC-035")
def valid_now(doc: Doc, ctx: Context) -> Outcome:
    """The certificates are valid, and for thirty days to come."""
    for parameter, facts in doc.certificates():
        if certificates.expired(facts, ctx.at):
            yield at(
                "SPEC-035",
                parameter.node,
                observed=f"{parameter.name}: {certificates.period(facts)}",
                expected=_today(ctx),
            )
        elif facts.not_after - ctx.at.timestamp() < 30 * 86400:
            yield at("SPEC-035", parameter.node, "soon", f"{parameter.name}: {certificates.period(facts)}")


def _today(ctx: Context) -> Text:
    date = ctx.at.strftime("%Y-%m-%d")
    return Text(f"geldig op {date}", f"valid on {date}")


@table.rule("SPEC-036")
def oin_in_certificate(doc: Doc, ctx: Context) -> Outcome:
    """The subject of the client certificate carries the OIN, normally that of the PartyId."""
    parameter = doc.spec.get("ClientCert")
    facts = parameter.key_info.facts if parameter and parameter.key_info else None
    if not parameter or not facts:
        return
    if not facts.oin or party_id.fault(facts.oin):
        shown = facts.oin or Text("geen serialNumber in het subject", "no serialNumber in the subject")
        yield at("SPEC-036", parameter.node, observed=shown, expected=party_id.EXPECTED)
        return
    own = doc.text("PartyId")
    if own and not party_id.fault(own.text) and facts.oin != party_id.bare(own.text):
        yield at("SPEC-036", parameter.node, "other", facts.oin, party_id.bare(own.text))


@table.rule("SPEC-037")
def usages(doc: Doc, ctx: Context) -> Outcome:
    """The client certificate serves as client, the server certificate as server."""
    wanted = {
        "ClientCert": (certificates.CLIENT_AUTH, "clientAuth"),
        "ServerCert": (certificates.SERVER_AUTH, "serverAuth"),
    }
    for parameter, facts in doc.certificates():
        usage, name = wanted[str(parameter.name)]
        if not certificates.serves(facts, usage):
            yield at(
                "SPEC-037", parameter.node, observed=f"{parameter.name}: {', '.join(facts.usages or ())}", expected=name
            )


@table.rule("SPEC-038")
def strong(doc: Doc, ctx: Context) -> Outcome:
    """No SHA-1 or MD5, no RSA below 2048 bits."""
    for parameter, facts in doc.certificates():
        weak = certificates.weakness(facts)
        if weak:
            yield at("SPEC-038", parameter.node, observed=f"{parameter.name}: {weak}", expected="SHA-256, RSA ≥ 2048")


@table.rule("SPEC-039")
def right_root(doc: Doc, ctx: Context) -> Outcome:
    """The chain ends in the PKIoverheid root of the environment."""
    between = [t.der for p in doc.spec.parameters if p.key_info for t in p.key_info.certificates if t.der]
    between += [c.data for c in ctx.companions]
    unknown = False
    for parameter, facts in doc.certificates():
        trial = re.search(r"trial|\btest\b", facts.issuer, re.IGNORECASE) and ctx.environment is Environment.PROD
        if certificates.anchored(facts, ctx, between) and not (trial and not ctx.trust):
            continue
        government = re.search(r"pkioverheid|staat der nederlanden|uzi-?register|g4 pkio", facts.issuer, re.IGNORECASE)
        if government and not trial:
            unknown = True
            continue
        observed = f"{parameter.name}: {facts.issuer}"
        yield at("SPEC-039", parameter.node, observed=observed, expected="PKIoverheid Private")
    if unknown:
        yield NotRun("SPEC-039", NO_CHAIN)


NO_CHAIN: Final = Text(
    "de keten tot een PKIoverheid-CA is niet na te gaan; geef de CA-certificaten van uw TSP op met --with (bekende worden herkend) of eigen stamcertificaten met --trust",
    "the chain to a PKIoverheid CA cannot be followed; name the CA certificates of your TSP with --with (known ones are recognised) or roots of your own with --trust",
)


@table.rule("SPEC-040")
def one_certificate(doc: Doc, ctx: Context) -> Outcome:
    """Client and server share a certificate: allowed, reported."""
    ders = [facts.der for _, facts in doc.certificates()]
    if len(ders) == 2 and ders[0] == ders[1]:
        parameter = doc.spec.get("ServerCert")
        yield at("SPEC-040", parameter.node if parameter else doc.root)


@table.rule("SPEC-041")
def key_info_agrees(doc: Doc, ctx: Context) -> Outcome:
    """Everything in the KeyInfo is about the same certificate."""
    for name in CERTIFICATES:
        parameter = doc.spec.get(name)
        wrong = certificates.contradictions(parameter.key_info) if parameter and parameter.key_info else ""
        if parameter and wrong:
            yield at("SPEC-041", parameter.node, observed=wrong, expected="X509Certificate")


@table.rule("SPEC-042")
def pss(doc: Doc, ctx: Context) -> Outcome:
    """A certificate signed with RSASSA-PSS (G4) asks for a recent adapter on both sides."""
    for parameter, facts in doc.certificates():
        if facts.signature == certificates.PSS:
            yield at("SPEC-042", parameter.node, observed=f"{parameter.name}: RSASSA-PSS")
