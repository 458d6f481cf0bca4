"""WUS-SOAP: the envelope as SOAP 1.1, the Basic Profile and the Koppelvlakstandaard want it."""

from collections.abc import Iterator

from lxml import etree

from harness.lint.judge import Context
from harness.lint.wus.message import Message, declared_encoding, found
from harness.lint.wus.schema import complaint_text, own_schema, schema_of
from harness.lint.wus.table import ABSENT, ENCRYPTED, NO_SCHEMA, NO_WSDL, rule
from harness.model import Finding, NotRun, Text
from harness.wire import mtom, soap, soap_schema
from harness.wire.soap import SOAP, SOAP12, WSA, WSA_OLD, WSSE, display, elements, local, namespace

Verdicts = Iterator[Finding | NotRun]
_BOMS = {b"\xff\xfe": "UTF-16 (little endian)", b"\xfe\xff": "UTF-16 (big endian)"}
BIG = 10 * 1024 * 1024
_UNDECLARED = "SCHEMAV_CVC_ELT_1"
_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii", "")


@rule("WUS-SOAP-001")
def well_formed_without_dtd(msg: Message, ctx: Context) -> Verdicts:
    """The message is well-formed XML and has no DTD (BP R1008); an empty answer is a matter of HTTP, a broken package of MTOM."""
    if msg.broken is not None and not (msg.is_html or msg.is_json or msg.package_broken or _nothing_came(msg)):
        yield Finding("WUS-SOAP-001", case=msg.broken.case, observed=msg.broken.text, line=msg.broken.line)


def _nothing_came(msg: Message) -> bool:
    return msg.http is not None and msg.http.status is not None and not msg.body.strip()


@rule("WUS-SOAP-002")
def soap_1_1_envelope(msg: Message, ctx: Context) -> Verdicts:
    """The root is a SOAP 1.1 Envelope; well-formed HTML parses as XML too (KWUS WW001)."""
    if msg.envelope is not None:
        return
    if msg.root is not None:
        tag = etree.QName(msg.root)
        name = f"{{{tag.namespace}}}{tag.localname}" if tag.namespace else tag.localname
        if tag.namespace == SOAP12:
            name = f"SOAP 1.2 ({SOAP12})"
        yield found("WUS-SOAP-002", msg.root, observed=name, expected=f"{{{SOAP}}}Envelope")
    elif msg.is_html or msg.is_json:
        observed = Text("een webpagina (HTML)", "a web page (HTML)") if msg.is_html else "JSON"
        yield found("WUS-SOAP-002", observed=observed, expected=f"{{{SOAP}}}Envelope", place="/")


@rule("WUS-SOAP-003")
def utf_8(msg: Message, ctx: Context) -> Verdicts:
    """The message is UTF-8, in the bytes, the declaration and the header (KWUS WS006)."""
    data = msg.xml_bytes
    marked = _BOMS.get(data[:2]) or ("UTF-16" if b"\x00<" in data[:4] or b"<\x00" in data[:4] else "")
    declared = declared_encoding(data)
    charset = mtom.content_type(msg.http.get("content-type"))[1].get("charset", "").lower() if msg.http else ""
    if marked:
        yield found("WUS-SOAP-003", observed=marked, expected="UTF-8", place="/")
    elif declared not in _UTF8:
        yield found("WUS-SOAP-003", observed=f"encoding={declared}", expected="UTF-8", place="/")
    elif charset not in _UTF8 and msg.http is not None and msg.envelope is not None:
        yield found("WUS-SOAP-003", observed=f"charset={charset}", expected="utf-8", place="HTTP Content-Type")


@rule("WUS-SOAP-004")
def header_then_body_then_nothing(msg: Message, ctx: Context) -> Verdicts:
    """The Envelope holds an optional Header and then one Body (BP R1011)."""
    if msg.envelope is None:
        return
    children = [str(child.tag) for child in elements(msg.envelope.root)]
    header, body = f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"
    if children not in ([body], [header, body]):
        names = ", ".join(display(child) for child in elements(msg.envelope.root)) or ABSENT
        yield found("WUS-SOAP-004", msg.envelope.root, observed=names, expected="soapenv:Header?, soapenv:Body")


@rule("WUS-SOAP-005", "WUS-SOAP-006")
def one_qualified_child_in_the_body(msg: Message, ctx: Context) -> Verdicts:
    """The Body holds exactly one element (KWUS WW003), and that is in a namespace (BP R1014)."""
    if msg.envelope is None or msg.envelope.body is None:
        return
    children = elements(msg.envelope.body)
    if len(children) != 1:
        yield found("WUS-SOAP-005", msg.envelope.body, observed=str(len(children)), expected="1")
    for child in children:
        if not namespace(child):
            yield found("WUS-SOAP-006", child, observed=f"<{local(child)}>")


@rule("WUS-SOAP-007")
def no_processing_instructions(msg: Message, ctx: Context) -> Verdicts:
    """There is no processing instruction anywhere (BP R1009)."""
    if msg.envelope is None:
        return
    root = msg.envelope.root
    outside = [*root.itersiblings(preceding=True), *root.itersiblings()]
    for node in (*outside, *root.iter(etree.ProcessingInstruction)):
        if str(node).startswith("<?"):
            yield Finding("WUS-SOAP-007", observed=str(node)[:60], line=node.sourceline)


@rule("WUS-SOAP-008")
def no_encoding_style(msg: Message, ctx: Context) -> Verdicts:
    """No soap:encodingStyle (KWUS WW002, BP R1005)."""
    if msg.envelope is None:
        return
    for element in msg.envelope.root.iter():
        if isinstance(element.tag, str) and element.get(f"{{{SOAP}}}encodingStyle") is not None:
            yield found("WUS-SOAP-008", element, observed=element.get(f"{{{SOAP}}}encodingStyle") or '""')
            return


@rule("WUS-SOAP-009")
def no_own_header_blocks(msg: Message, ctx: Context) -> Verdicts:
    """The Header holds wsa headers and wsse:Security only (KWUS WS007)."""
    if msg.envelope is None:
        return
    for block in msg.envelope.blocks:
        if namespace(block) not in (WSA, WSSE, soap.WSSE11, *WSA_OLD):
            yield found("WUS-SOAP-009", block, observed=str(block.tag), expected="wsa:*, wsse:Security")


@rule("WUS-SOAP-010")
def must_understand_is_0_or_1(msg: Message, ctx: Context) -> Verdicts:
    """soap:mustUnderstand is 0 or 1 (BP R1013)."""
    for block in msg.envelope.blocks if msg.envelope is not None else ():
        value = block.get(f"{{{SOAP}}}mustUnderstand")
        if value is not None and value not in ("0", "1"):
            yield found("WUS-SOAP-010", block, observed=f'mustUnderstand="{value}"', expected="0, 1")


@rule("WUS-SOAP-011", "WUS-SOAP-013")
def the_body_holds_what_the_wsdl_names(msg: Message, ctx: Context) -> Verdicts:
    """The element in the Body is the one of the operation, in the namespace of the XSD (KWUS WW004, BP R2712)."""
    if msg.envelope is None or msg.envelope.payload is None or msg.is_fault:
        return
    payload = msg.envelope.payload
    if msg.encrypted:
        yield NotRun("WUS-SOAP-011", ENCRYPTED)
        return
    if msg.service.name == "digipoort":  # DIGIPOORT-BODY-001 owns this fact
        return
    targets = {wsdl.target for wsdl in msg.companions.wsdls}
    if namespace(payload) in targets and not any(
        namespace_of(name) == namespace(payload) for o in msg.companions.operations for name in (o.input, o.output)
    ):
        yield found("WUS-SOAP-013", payload, observed=namespace(payload))
    operations = msg.companions.operations
    if not operations:
        if not msg.service.operations:
            yield NotRun("WUS-SOAP-011", NO_WSDL)
        return
    wanted = _wanted(msg)
    if str(payload.tag) not in wanted:
        yield found("WUS-SOAP-011", payload, observed=str(payload.tag), expected=", ".join(wanted[:6]))


def _wanted(msg: Message) -> list[str]:
    """Return the elements that the WSDL at hand names for this message, or the ones of the known service."""
    operations = msg.companions.operations or list(msg.service.operations)
    if msg.operation is not None and msg.operation in operations:
        operations = [msg.operation]
    return [o.input if msg.is_request else o.output for o in operations]


def namespace_of(clark: str) -> str:
    """Return the namespace in a Clark name."""
    return clark[1:].partition("}")[0] if clark.startswith("{") else ""


@rule("WUS-SOAP-012", "WUS-SOAP-015")
def the_body_is_valid(msg: Message, ctx: Context) -> Verdicts:
    """The element in the Body is valid against the XSD of the service (KWUS WW002, BPW 0004)."""
    if msg.envelope is None or msg.envelope.payload is None or msg.is_fault:
        return
    if msg.encrypted:
        yield NotRun("WUS-SOAP-012", ENCRYPTED)
        return
    payload = msg.envelope.payload
    schema, missing = schema_of(msg)
    if schema is None and namespace(payload) == msg.service.body_namespace and msg.service.name != "digipoort":
        schema = own_schema(msg.service.name)
    if schema is None:
        if not msg.service.schema:
            yield NotRun("WUS-SOAP-012", missing or NO_SCHEMA)
        return
    wrong = soap_schema.complaints(schema, payload)
    if wrong and wrong[0].type_name == _UNDECLARED and str(payload.tag) not in (_wanted(msg) or [str(payload.tag)]):
        return  # that it is another element is said by WUS-SOAP-011 or DIGIPOORT-BODY-001
    for entry in wrong[:5]:
        yield Finding("WUS-SOAP-012", observed=complaint_text(entry), where=local(payload), line=payload.sourceline)
    if not wrong and msg.is_request:
        yield from _empty_optionals(schema, payload)


def _empty_optionals(schema: etree.XMLSchema, payload: etree._Element) -> Verdicts:
    nodes = list(payload.iter())
    empty = [i for i, e in enumerate(nodes) if isinstance(e.tag, str) and not len(e) and not e.text and not e.attrib]
    for element in (nodes[place] for place in empty[:50]):
        parent = element.getparent()
        if parent is None or element is payload:
            continue
        place = parent.index(element)
        parent.remove(element)
        valid = schema.validate(payload)
        parent.insert(place, element)
        if valid:
            yield found("WUS-SOAP-015", element, observed=f"<{local(element)}/>")


@rule("WUS-SOAP-014")
def within_the_limits(msg: Message, ctx: Context) -> Verdicts:
    """Attachments of this size inside the envelope stop many parsers (libxml2: 10 MB per text)."""
    if msg.envelope is not None and msg.package is None and len(msg.xml_bytes) > BIG:
        mega = len(msg.xml_bytes) / 1024 / 1024
        yield found("WUS-SOAP-014", msg.envelope.root, observed=f"{mega:.0f} MB", expected="≤ 10 MB, of MTOM")
