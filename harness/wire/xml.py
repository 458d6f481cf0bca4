"""Parse XML from a counterparty or a file: no DTD, no entities, no network, with caps on size and depth."""

from typing import Final

from lxml import etree

from harness.errors import DocumentUnreadable

MAX_DEPTH: Final = 200

# libxml2 makes its built-in schema types at the first schema, without a lock: make them before a thread can ask.
etree.XMLSchema(etree.XML('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>'))


class XmlBroken(DocumentUnreadable):
    """The bytes are not acceptable XML; `case` says in which way, `line` where (1-based)."""

    def __init__(self, case: str, nl: str, en: str, line: int | None = None) -> None:
        self.case = case
        self.line = line
        super().__init__(nl, en)


def _parser(*, huge: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=huge,
        remove_blank_text=False,
        collect_ids=False,
    )


def parse(data: bytes, *, huge: bool = False) -> etree._Element:
    """Return the root element of `data`; `huge` allows text nodes over 10 MB (attachments in base64).

    Raises XmlBroken with case `doctype` (a DTD is never read), `syntax`, `depth` or `empty`.
    """
    if not data.strip():
        raise XmlBroken("empty", "het bestand is leeg", "the file is empty")
    if has_doctype(data):
        raise XmlBroken(
            "doctype",
            "het bestand bevat een DOCTYPE; die wordt niet gelezen. Verwijder de DOCTYPE-declaratie",
            "the file carries a DOCTYPE, which is never read. Remove the DOCTYPE declaration",
        )
    try:
        root = etree.fromstring(data, _parser(huge=huge))
    except (etree.XMLSyntaxError, ValueError) as wrong:
        line = getattr(wrong, "lineno", None)
        what = " ".join(str(getattr(wrong, "msg", None) or wrong).split())
        if "depth" in what.lower():
            raise XmlBroken(
                "depth", "het bestand is dieper genest dan 200 niveaus", "the file nests deeper than 200 levels", line
            ) from None
        if "XML_PARSE_HUGE" in what or "too big" in what:
            raise XmlBroken(
                "size",
                "een tekst, attribuut of commentaar is langer dan 10 MB",
                "a text, attribute or comment is longer than 10 MB",
                line,
            ) from None
        raise XmlBroken("syntax", f"geen welgevormde XML: {what}", f"not well-formed XML: {what}", line) from None
    if root.getroottree().docinfo.doctype:
        raise XmlBroken("doctype", "het bestand bevat een DOCTYPE", "the file carries a DOCTYPE")
    _refuse_deep(root)
    return root


def has_doctype(data: bytes) -> bool:
    """Whether a DOCTYPE stands before the root element, in any encoding that XML allows without help."""
    head = data[:4096]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00<" in head[:4] or b"<\x00" in head[:4]:
        head = data[:16384].replace(b"\x00", b"")
    return b"<!DOCTYPE" in head or b"<!DOCTYPE" in data.replace(b"\x00", b"")[: 1 << 20]


def _refuse_deep(root: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise XmlBroken(
                "depth",
                f"het bestand is dieper genest dan {MAX_DEPTH} niveaus",
                f"the file nests deeper than {MAX_DEPTH} levels",
            )


def where(element: etree._Element) -> str:
    """Return a readable path to `element`: local names, with an index among same-named siblings."""
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None:
        parent = node.getparent()
        name = etree.QName(node).localname if isinstance(node.tag, str) else "node()"
        same = [c for c in parent if c.tag == node.tag] if parent is not None else [node]
        steps.append(f"{name}[{same.index(node) + 1}]" if len(same) > 1 else name)
        node = parent
    return "/" + "/".join(reversed(steps))
