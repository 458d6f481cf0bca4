"""Judge a consumer specification as the CPA Creatievoorziening takes it (SPEC rules)."""

import re
from difflib import get_close_matches
from pathlib import PurePath
from typing import Final

from lxml import etree

from harness.errors import KetentestError
from harness.lint.ebms import reading, spec_certificates, spec_party
from harness.lint.ebms.reading import at
from harness.lint.ebms.spec_document import CERTIFICATES, Doc, Outcome, document, table
from harness.lint.judge import Context, Raw
from harness.model import Finding, Text
from harness.wire import spec
from harness.wire.spec import Specification

CHAPTERS: Final = (spec_party, spec_certificates)
"""The other chapters; importing them registers their rules."""
IDS: Final = reading.Ids(
    "SPEC-001", "SPEC-008", "SPEC-007", "SPEC-033", ("SPEC-002", "SPEC-005", "SPEC-011", "SPEC-020")
)


def judge(raw: Raw, ctx: Context) -> Outcome:
    """Judge the consumer specification in `raw`."""
    opened = reading.opened(raw, IDS)
    yield from opened.findings
    if opened.root is not None:
        yield from reading.judged(table, document(raw, opened.root), ctx)


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
