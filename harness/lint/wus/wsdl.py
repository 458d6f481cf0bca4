"""WUS-WSDL: what the Koppelvlakstandaard asks of a WSDL, and what bites a client (KWUS WW001-WW004, WS001-WS008)."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from harness.lint.judge import Context, Raw, RuleTable
from harness.lint.wus.message import found
from harness.lint.wus.service import ServiceProfile, service, services
from harness.lint.wus.table import ABSENT
from harness.model import Finding, NotRun, Text
from harness.wire import soap_wsdl, xml
from harness.wire.soap import WSA, WSAM, WSAW, display, elements, local, namespace
from harness.wire.soap_schema import base_name
from harness.wire.soap_wsdl import HTTP_TRANSPORT, SIX_HEADERS, SOAP11, SOAP12, WSDL, Wsdl

Verdicts = Iterator[Finding | NotRun]
WEAK_SUITES: Final = frozenset(
    f"{cipher}{transport}"
    for cipher in ("Basic128", "Basic192", "Basic256", "TripleDes")
    for transport in ("", "Rsa15")
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PRODUCTION = frozenset({"prod", "prd", "productie", "production"})
_TEST = re.compile(
    r"pre|preprod.*|prepro?d?|tst|o?test.*|acc|accp|acpt|accept.*|lab|integratie|oefen|.*stub|uat|dev|ontw.*|keten"
)


@dataclass
class Contract:
    """One WSDL and the documents beside it."""

    raw: Raw
    wsdl: Wsdl
    companions: dict[str, Raw] = field(default_factory=dict)
    previous: Raw | None = None

    @property
    def service(self) -> ServiceProfile | None:
        """The known service that this WSDL is of."""
        names = [self.wsdl.target, *(o.input[1:] for o in self.wsdl.operations)]
        return next((p for p in services().values() if any(p.owns(n) for n in names)), None)


RULES = RuleTable[Contract]()
rule = RULES.rule


def judge_wsdl(raw: Raw, ctx: Context) -> Verdicts:
    """Judge a WSDL; a broken one is a finding."""
    try:
        root = xml.parse(raw.data)
    except xml.XmlBroken as wrong:
        yield Finding("WUS-WSDL-003", case="broken", observed=wrong.text, line=wrong.line)
        return
    if root.tag != f"{{{WSDL}}}definitions":
        tag = etree.QName(root)
        yield found(
            "WUS-WSDL-003",
            root,
            observed=f"{{{tag.namespace}}}{tag.localname}",
            expected=f"{{{WSDL}}}definitions",
            case="broken",
        )
        return
    contract = Contract(raw, Wsdl(root))
    for companion in ctx.companions:
        if companion.relation == "previous":
            contract.previous = companion
        else:
            contract.companions[base_name(companion.name)] = companion
    profile = service(ctx.service) if ctx.service in services() else contract.service
    for outcome in RULES.judge(contract, ctx):
        yield theirs(outcome, profile)


def theirs(outcome: Finding | NotRun, profile: ServiceProfile | None, role: str = "") -> Finding | NotRun:
    """Mark a known deviation of the service as theirs; the rulebook weighs it less (META-02, META-03)."""
    if profile is None or not isinstance(outcome, Finding) or outcome.rule not in profile.tolerated:
        return outcome
    tolerance = profile.tolerated[outcome.rule]
    if tolerance.role not in ("", role):
        return outcome
    why = tolerance.why
    seen = outcome.observed if isinstance(outcome.observed, Text) else Text(outcome.observed, outcome.observed)
    observed = Text(
        f"{seen.nl} – bekende afwijking van {profile.title.nl}, niet bij u: {why.nl}",
        f"{seen.en} – known deviation of {profile.title.en}, not yours: {why.en}",
    )
    return replace(outcome, case="theirs", observed=observed, related=(*outcome.related, "META-03"))


@rule("WUS-WSDL-001")
def one_port_type(doc: Contract, ctx: Context) -> Verdicts:
    """One portType per WSDL (KWUS WS005); none means that the WSDL is split."""
    count = len(doc.wsdl.port_types)
    if count == 0:
        observed = Text("geen portType: de WSDL is gesplitst", "no portType: the WSDL is split")
        yield found("WUS-WSDL-001", doc.wsdl.root, observed=observed, case="split")
    elif count > 1:
        names = ", ".join(p.get("name") or "–" for p in doc.wsdl.port_types)
        yield found("WUS-WSDL-001", doc.wsdl.port_types[1], observed=f"{count}: {names}", expected="1")


@rule("WUS-WSDL-002")
def parts_name_elements(doc: Contract, ctx: Context) -> Verdicts:
    """Parts use element=, not type= (KWUS WW004, BP R2204)."""
    for message, parts in doc.wsdl.messages.items():
        for part in parts:
            if not part.get("element"):
                observed = f"{message}/{part.get('name') or '–'}: type={part.get('type') or '–'}"
                yield found("WUS-WSDL-002", part, observed=observed, expected='element="…"')


@rule("WUS-WSDL-003")
def document_literal_over_soap_1_1(doc: Contract, ctx: Context) -> Verdicts:
    """SOAP 1.1, document, literal, over HTTP (KWUS WW001)."""
    root = doc.wsdl.root
    for binding in root.iter(f"{{{SOAP12}}}binding"):
        yield found("WUS-WSDL-003", binding, observed="SOAP 1.2", expected="SOAP 1.1")
    for binding in root.iter(f"{{{SOAP11}}}binding"):
        if binding.get("style", "document") != "document":
            yield found("WUS-WSDL-003", binding, observed=f"style={binding.get('style')}", expected="document")
        if binding.get("transport") != HTTP_TRANSPORT:
            yield found(
                "WUS-WSDL-003", binding, observed=f"transport={binding.get('transport')}", expected=HTTP_TRANSPORT
            )
    bindings = doc.wsdl.bindings
    spoken = [
        b for b in bindings if b.find(f"{{{SOAP11}}}binding") is not None or b.find(f"{{{SOAP12}}}binding") is not None
    ]
    if bindings and not spoken:
        names = ", ".join(display(child) for child in elements(bindings[0]) if namespace(child) != WSDL) or ABSENT
        yield found("WUS-WSDL-003", bindings[0], observed=names, expected="soap:binding (SOAP 1.1)")
    for operation in root.iter(f"{{{SOAP11}}}operation"):
        if operation.get("style", "document") != "document":
            yield found("WUS-WSDL-003", operation, observed=f"style={operation.get('style')}", expected="document")
    for body in root.iter(f"{{{SOAP11}}}body", f"{{{SOAP11}}}fault", f"{{{SOAP11}}}header"):
        if body.get("use", "literal") != "literal":
            yield found("WUS-WSDL-003", body, observed=f"use={body.get('use')}", expected="literal")


@rule("WUS-WSDL-004")
def request_and_response_only(doc: Contract, ctx: Context) -> Verdicts:
    """Every operation has an input and then an output (KWUS WS003)."""
    for operation in doc.wsdl.root.iterfind(f"{{{WSDL}}}portType/{{{WSDL}}}operation"):
        names = [local(e) for e in elements(operation) if namespace(e) == WSDL and local(e) != "documentation"]
        if names[:2] != ["input", "output"]:
            observed = f"{operation.get('name')}: {', '.join(names) or '–'}"
            yield found("WUS-WSDL-004", operation, observed=observed, expected="input, output")


@rule("WUS-WSDL-005")
def actions_are_wsam(doc: Contract, ctx: Context) -> Verdicts:
    """Input, output and fault carry wsam:Action (KWUS WS008); three real families carry another form."""
    older: list[tuple[str, etree._Element]] = []
    bare: list[tuple[str, etree._Element]] = []
    for operation in doc.wsdl.root.iterfind(f"{{{WSDL}}}portType/{{{WSDL}}}operation"):
        for direction in elements(operation):
            if namespace(direction) != WSDL or local(direction) not in ("input", "output", "fault"):
                continue
            if direction.get(f"{{{WSAM}}}Action") is not None:
                continue
            name = f"{operation.get('name')}/{local(direction)}"
            has_older = direction.get(f"{{{WSAW}}}Action") is not None
            (older if has_older else bare).append((name, direction))
    for names, words in (
        (older, Text("wsaw:Action (2006/05)", "wsaw:Action (2006/05)")),
        (bare, Text("geen Action", "no Action")),
    ):
        if names:
            observed = Text(
                f"{words.nl}: {len(names)} ×, eerst {names[0][0]}", f"{words.en}: {len(names)} ×, first {names[0][0]}"
            )
            yield found("WUS-WSDL-005", names[0][1], observed=observed, expected="wsam:Action (2007/05)")


@rule("WUS-WSDL-006")
def soap_action_is_the_action(doc: Contract, ctx: Context) -> Verdicts:
    """A soapAction is empty, absent or equal to the Action (KWUS WS002)."""
    for operation in doc.wsdl.operations:
        soap_action = doc.wsdl.soap_actions.get(operation.name)
        if not soap_action:
            continue
        if operation.action.given in ("soapAction", "default"):
            yield found(
                "WUS-WSDL-006", _binding(doc, operation.name), observed=f"{operation.name}: {soap_action}", case="only"
            )
        elif soap_action != operation.action.value:
            yield found(
                "WUS-WSDL-006", _binding(doc, operation.name), observed=soap_action, expected=operation.action.value
            )


def _binding(doc: Contract, name: str) -> etree._Element | None:
    for operation in doc.wsdl.root.iterfind(f"{{{WSDL}}}binding/{{{WSDL}}}operation"):
        if operation.get("name") == name:
            return operation
    return None


@rule("WUS-WSDL-007")
def addresses_are_https(doc: Contract, ctx: Context) -> Verdicts:
    """The soap:address is an https URL; it is shown, never used without a word (DKB TLS005, KWUS WT006)."""
    for port in doc.wsdl.ports:
        if not port.address.lower().startswith("https://"):
            yield found("WUS-WSDL-007", port.element, observed=port.address or ABSENT, expected="https://…")


@rule("WUS-WSDL-008")
def the_port_is_chosen_by_name(doc: Contract, ctx: Context) -> Verdicts:
    """With more than one port the port is chosen by name (`--set port=…`); the first may be production."""
    ports = doc.wsdl.ports
    if len(ports) < 2 or ctx.setting("port") in {port.name for port in ports}:
        return
    names = ", ".join(f"{p.name} ({p.address})" for p in ports)
    production = [port for port in ports if _is_production(port)]
    case = "production" if production else ""
    yield found("WUS-WSDL-008", (production or ports)[0].element, observed=names, expected="1", case=case)


def _is_production(port: soap_wsdl.Port) -> bool:
    try:
        host = urlsplit(port.address).hostname or ""
    except ValueError:
        host = ""
    known = next((h for profile in services().values() if (h := profile.host(host)) is not None), None)
    if known is not None:
        return known.environment == "prod"
    words = {word.lower() for word in _WORD.findall(f"{port.name} {port.address}")}
    return not words.isdisjoint(_PRODUCTION) and not any(_TEST.fullmatch(word) for word in words)


@rule("WUS-WSDL-009")
def the_suite_is_sha_2(doc: Contract, ctx: Context) -> Verdicts:
    """The algorithm suite of the policy is SHA-2 (DKB SIGN003)."""
    weak = [
        e for policy in doc.wsdl.policies for e in policy.iter() if isinstance(e.tag, str) and local(e) in WEAK_SUITES
    ]
    if weak:
        yield found(
            "WUS-WSDL-009",
            weak[0],
            observed=", ".join(dict.fromkeys(local(e) for e in weak)),
            expected="Basic256Sha256",
        )


@rule("WUS-WSDL-010")
def imports_are_relative_and_at_hand(doc: Contract, ctx: Context) -> Verdicts:
    """Imports are relative and present; one that leads to the internet is refused, not fetched."""
    for element, location in doc.wsdl.imports:
        if soap_wsdl.is_remote(location):
            yield found("WUS-WSDL-010", element, observed=location, expected='schemaLocation="….xsd"', case="remote")
        elif location.startswith(("/", "\\", "file:")) or re.match(r"[A-Za-z]:[\\/]", location):
            yield found("WUS-WSDL-010", element, observed=location, expected='schemaLocation="….xsd"')
        elif location and doc.companions and base_name(location) not in doc.companions:
            observed = Text(f"{location} ontbreekt", f"{location} is absent")
            yield found("WUS-WSDL-010", element, observed=observed, case="absent")


@rule("WUS-WSDL-011")
def the_policy_signs_body_and_headers(doc: Contract, ctx: Context) -> Verdicts:
    """The signed parts are the Body, the six wsa headers and the Timestamp (KWUS WB004)."""
    signed = [
        e for policy in doc.wsdl.policies for e in policy.iter() if isinstance(e.tag, str) and local(e) == "SignedParts"
    ]
    for parts in signed:
        children = elements(parts)
        if not children:
            continue  # an empty SignedParts means everything
        headers = [e for e in children if local(e) == "Header" and e.get("Namespace", WSA) == WSA]
        names = {e.get("Name") for e in headers}
        whole = any(not e.get("Name") for e in headers)
        missing = [] if any(local(e) == "Body" for e in children) else ["soapenv:Body"]
        missing += [] if whole else [f"wsa:{name}" for name in SIX_HEADERS if name not in names]
        if "includetimestamp" not in {name.lower() for name in doc.wsdl.assertions}:
            missing.append("wsu:Timestamp")
        if missing:
            observed = Text(f"niet genoemd: {', '.join(missing)}", f"not named: {', '.join(missing)}")
            yield found("WUS-WSDL-011", parts, observed=observed)


@rule("WUS-WSDL-012")
def the_wsdl_is_the_one_of_before(doc: Contract, ctx: Context) -> Verdicts:
    """The WSDL is the one that was judged before, by its digest."""
    if doc.previous is None:
        return
    now, before = (hashlib.sha256(data).hexdigest() for data in (doc.raw.data, doc.previous.data))
    if now != before:
        yield found("WUS-WSDL-012", doc.wsdl.root, observed=now[:16] + "…", expected=before[:16] + "…")
