"""Judge a consumer specification as the CPA Creatievoorziening takes it (SPEC rules)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePath
from typing import Final

from lxml import etree

from harness.errors import KetentestError
from harness.lint.ebms import certificates, endpoint, party_id, reading
from harness.lint.ebms.reading import at
from harness.lint.judge import Context, Raw, RuleTable
from harness.model import Environment, Finding, NotRun, Text
from harness.wire import hostname, spec
from harness.wire.keyinfo import DS, CertificateFacts
from harness.wire.spec import Parameter, Specification

Outcome = Iterator[Finding | NotRun]
CERTIFICATES: Final = ("ClientCert", "ServerCert")


@dataclass(frozen=True, slots=True)
class Doc:
    """A specification, the bytes it came from, and which parameters still hold a placeholder."""

    raw: Raw
    root: etree._Element
    spec: Specification
    unfilled: frozenset[str | None]

    def text(self, name: str) -> Parameter | None:
        """Return parameter `name` when it is filled in (no placeholder)."""
        parameter = self.spec.get(name)
        return None if name in self.unfilled else parameter

    def certificates(self) -> Iterator[tuple[Parameter, CertificateFacts]]:
        """Yield the client and server certificate that can be read."""
        for name in CERTIFICATES:
            parameter = self.spec.get(name)
            facts = parameter.key_info.facts if parameter and parameter.key_info else None
            if parameter and facts:
                yield parameter, facts


table = RuleTable[Doc]()
IDS: Final = reading.Ids(
    "SPEC-001", "SPEC-008", "SPEC-007", "SPEC-033", ("SPEC-002", "SPEC-005", "SPEC-011", "SPEC-020")
)


def judge(raw: Raw, ctx: Context) -> Outcome:
    """Judge the consumer specification in `raw`."""
    opened = reading.opened(raw, IDS)
    yield from opened.findings
    if opened.root is not None:
        yield from reading.judged(table, document(raw, opened.root), ctx)


def document(raw: Raw, root: etree._Element) -> Doc:
    """Return the document under `root`."""
    unfilled = set()
    for element, _ in reading.placeholders(root):
        holder: etree._Element | None = element
        while holder is not None and holder.get("name") is None:
            holder = holder.getparent()
        unfilled.add(holder.get("name") if holder is not None else None)
    return Doc(raw, root, spec.read(root), frozenset(unfilled))


# -- the file (§1 of the rules)


@table.rule("SPEC-001", "SPEC-008")
def readable(doc: Doc, ctx: Context) -> Outcome:
    """The file is well-formed XML in UTF-8; `reading.opened` reports it before any rule runs."""
    return iter(())


@table.rule("SPEC-002")
def root_element(doc: Doc, ctx: Context) -> Outcome:
    """The root element has no namespace and the exact name."""
    if doc.root.tag != spec.ROOT:
        name = etree.QName(doc.root)
        observed = f"{name.localname} (xmlns={name.namespace})" if name.namespace else name.localname
        yield at("SPEC-002", doc.root, observed=observed, expected=spec.ROOT)


@table.rule("SPEC-003")
def one_block(doc: Doc, ctx: Context) -> Outcome:
    """There is one `parameters`, named after the role."""
    blocks = doc.spec.blocks
    if len(blocks) != 1:
        yield at("SPEC-003", doc.root, observed=f"parameters: {len(blocks)}", expected="parameters: 1")
    for block in blocks[:1]:
        name = (block.get("name") or "").strip()
        if not name:
            yield at("SPEC-003", block, observed=NO_NAME, expected='name="SR"')
        elif name != name.upper() or " " in name:
            yield at("SPEC-003", block, "role", name, "SR")


NO_NAME: Final = Text("attribuut name ontbreekt of is leeg", "attribute name is missing or empty")


@table.rule("SPEC-004")
def only_named_parameters(doc: Doc, ctx: Context) -> Outcome:
    """`parameters` holds `parameter` elements only, each with a name of its own."""
    for block in doc.spec.blocks[:1]:
        for child in block:
            if isinstance(child.tag, str) and etree.QName(child).localname != "parameter":
                yield at("SPEC-004", child, observed=etree.QName(child).localname, expected="parameter")
    seen: set[str] = set()
    for parameter in doc.spec.parameters:
        name = (parameter.name or "").strip()
        if not name:
            yield at("SPEC-004", parameter.node, observed=NO_NAME)
        elif name in seen:
            yield at("SPEC-004", parameter.node, observed=Text(f"{name} komt twee keer voor", f"{name} occurs twice"))
        seen.add(name)


@table.rule("SPEC-005")
def required_parameters(doc: Doc, ctx: Context) -> Outcome:
    """The parameters that a CPA needs are there."""
    names = {p.name for p in doc.spec.parameters}
    for name in (*spec.REQUIRED, "PartyRef"):
        if name not in names:
            alike = _alike(name, names)
            observed = Text(f"wel aanwezig: {alike}", f"present instead: {alike}") if alike else ""
            case = "PartyRef" if name == "PartyRef" else ""
            block = doc.spec.blocks[0] if doc.spec.blocks else doc.root
            yield at("SPEC-005", block, case, observed, name)


def _alike(name: str, names: set[str | None]) -> str:
    known = (*spec.REQUIRED, *spec.OPTIONAL)
    return next((n for n in names if n and n not in known and n.strip().lower() == name.lower()), "")


@table.rule("SPEC-006")
def known_names(doc: Doc, ctx: Context) -> Outcome:
    """Every parameter has a name that the Creatievoorziening knows, in that case."""
    known = (*spec.REQUIRED, *spec.OPTIONAL)
    for parameter in doc.spec.parameters:
        name = parameter.name or ""
        if not name.strip() or name in known:
            continue
        close = get_close_matches(name.strip().lower(), [k.lower() for k in known], 1, 0.75)
        nearest = next((k for k in known if close and k.lower() == close[0]), "")
        yield at("SPEC-006", parameter.node, observed=name, expected=nearest or ", ".join(known))


@table.rule("SPEC-007")
def filled_in(doc: Doc, ctx: Context) -> Outcome:
    """No placeholder of the template is left."""
    for element, found in reading.placeholders(doc.root):
        yield at("SPEC-007", element, observed=found)


# -- the party


@table.rule("SPEC-010")
def party_name(doc: Doc, ctx: Context) -> Outcome:
    """PartyName says something."""
    parameter = doc.text("PartyName")
    if parameter and not parameter.text.strip():
        yield at("SPEC-010", parameter.node)


@table.rule("SPEC-011")
def party_id_form(doc: Doc, ctx: Context) -> Outcome:
    """PartyId is an OIN with an optional suffix."""
    parameter = doc.spec.get("PartyId")
    wrong = party_id.fault(parameter.text) if parameter else None
    if parameter and wrong:
        yield at("SPEC-011", parameter.node, observed=wrong, expected=party_id.EXPECTED)


@table.rule("SPEC-012")
def party_id_blank(doc: Doc, ctx: Context) -> Outcome:
    """No white space stands in or around the PartyId."""
    parameter = doc.text("PartyId")
    if parameter and parameter.text.strip() and re.search(r"\s", parameter.text):
        yield at(
            "SPEC-012", parameter.node, observed=repr(parameter.text), expected=repr("".join(parameter.text.split()))
        )


@table.rule("SPEC-013")
def party_id_register(doc: Doc, ctx: Context) -> Outcome:
    """The first eight positions name a register that issues OINs."""
    parameter = doc.text("PartyId")
    prefix = party_id.unknown_register(parameter.text) if parameter else ""
    if parameter and prefix:
        yield at("SPEC-013", parameter.node, observed=prefix, expected="00000001 … 00000010, 00000099")


@table.rule("SPEC-014")
def party_id_suffix(doc: Doc, ctx: Context) -> Outcome:
    """A suffix for tests is recognised and reported."""
    parameter = doc.text("PartyId")
    if parameter and party_id.suffix(parameter.text) and not party_id.fault(parameter.text):
        yield at("SPEC-014", parameter.node, observed=f"_{party_id.suffix(parameter.text)}")


@table.rule("SPEC-015")
def test_oin_in_production(doc: Doc, ctx: Context) -> Outcome:
    """A test OIN or a suffix does not go into production."""
    parameter = doc.text("PartyId")
    if parameter and ctx.environment is Environment.PROD and party_id.is_test(parameter.text):
        yield at("SPEC-015", parameter.node, observed=parameter.text.strip())


@table.rule("SPEC-016")
def supplier(doc: Doc, ctx: Context) -> Outcome:
    """A PartyId built on a KvK number often belongs to a supplier; then the link is a supplier's."""
    parameter = doc.text("PartyId")
    if parameter and re.fullmatch(r"00000003[0-9]{8}0000", party_id.bare(parameter.text)):
        yield at("SPEC-016", parameter.node, observed=parameter.text.strip())


# -- the endpoint


def _endpoint(doc: Doc) -> tuple[Parameter, endpoint.Endpoint] | None:
    parameter = doc.text("EndpointUri")
    return (parameter, endpoint.read(parameter.text)) if parameter and parameter.text.strip() else None


@table.rule("SPEC-020")
def https(doc: Doc, ctx: Context) -> Outcome:
    """EndpointUri is an absolute https URL."""
    parameter = doc.text("EndpointUri")
    if parameter is None:
        return
    parts = endpoint.read(parameter.text)
    if parts.scheme != "https" or not parts.host:
        yield at("SPEC-020", parameter.node, observed=parameter.text.strip()[:200], expected="https://…")


@table.rule("SPEC-021")
def public_host(doc: Doc, ctx: Context) -> Outcome:
    """The host is a public name, no address and no name of one's own machine."""
    found = _endpoint(doc)
    if found and found[1].host and not found[1].public:
        yield at("SPEC-021", found[0].node, observed=found[1].host, expected="ebms.organisatie.nl")


@table.rule("SPEC-022")
def port(doc: Doc, ctx: Context) -> Outcome:
    """The port is 443, written or implied."""
    found = _endpoint(doc)
    if found and found[1].scheme == "https" and found[1].port not in (None, 443):
        written = str(found[1].port) if found[1].port != -1 else found[1].text.strip()
        yield at("SPEC-022", found[0].node, observed=written, expected="443")


@table.rule("SPEC-023")
def clean_uri(doc: Doc, ctx: Context) -> Outcome:
    """The URL has no white space, user name or fragment; a query is discouraged."""
    found = _endpoint(doc)
    if not found:
        return
    parameter, parts = found
    if parts.blank:
        yield at("SPEC-023", parameter.node, observed=repr(parts.text), expected="".join(parts.text.split()))
    if parts.userinfo:
        yield at("SPEC-023", parameter.node, observed=Text("gebruikersnaam in de URL", "user name in the URL"))
    if parts.fragment:
        yield at("SPEC-023", parameter.node, observed="#…")
    if parts.query:
        yield at("SPEC-023", parameter.node, "query", "?…")


@table.rule("SPEC-024")
def host_in_certificate(doc: Doc, ctx: Context) -> Outcome:
    """The server certificate names the host of the endpoint; a common name does not count."""
    found = _endpoint(doc)
    parameter = doc.spec.get("ServerCert")
    facts = parameter.key_info.facts if parameter and parameter.key_info else None
    if not found or not facts or not parameter or not found[1].public:
        return
    if not hostname.covered(found[1].host, facts.names):
        observed = ", ".join(facts.names) or Text(
            f"geen; alleen CN={facts.common_name}", f"none; only CN={facts.common_name}"
        )
        yield at("SPEC-024", parameter.node, observed=observed, expected=found[1].host)


# -- the certificates


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


# -- besides the file


@table.rule("SPEC-050")
def file_name(doc: Doc, ctx: Context) -> Outcome:
    """The file is called `<ID>.cpa.<Role>.parameters.xml`."""
    name = PurePath(doc.raw.name).name
    if name and not re.fullmatch(r"[^.]+(?:\.[^.]+)*\.cpa\.[A-Za-z0-9_-]+\.parameters\.xml", name):
        yield Finding("SPEC-050", observed=name, expected="<ID>.cpa.SR.parameters.xml")


@table.rule("SPEC-051")
def not_the_other_environment(doc: Doc, ctx: Context) -> Outcome:
    """Production uses another certificate and endpoint than preproduction."""
    for companion in ctx.companions:
        if companion.relation not in ("preprod", "prod") or companion.relation == ctx.environment:
            continue
        try:
            other = spec.parse_specification(companion.data)
        except KetentestError:  # another kind of companion
            continue
        for name in ("EndpointUri", *CERTIFICATES):
            mine, theirs = _value(doc.spec, name), _value(other, name)
            if mine and mine == theirs:
                parameter = doc.spec.get(name)
                yield at("SPEC-051", parameter.node if parameter else doc.root, observed=name)


def _value(specification: Specification, name: str) -> str | bytes:
    parameter = specification.get(name)
    if parameter and parameter.key_info:
        return parameter.key_info.der
    return specification.text(name)
