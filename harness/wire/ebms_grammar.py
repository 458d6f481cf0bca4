"""The grammar of the ebMS 2.0 header and body blocks: which elements, in which order, with which attributes.

Our own reading of msg-header-2_0.xsd as a table; CI proves that it gives the verdict of the published schema on every
message of the corpus. It says in words what stands where, which a schema validator does not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from harness.model import Text
from harness.wire.ebms import DS, EB, MESSAGE_STATUSES, SOAP, XLINK, XML, eb, moment

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
MANY: Final = 10**9


@dataclass(frozen=True, slots=True)
class Problem:
    """One departure from the grammar: the element, the attribute when one is meant, and what is wrong."""

    node: etree._Element
    text: Text
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class _Shape:
    children: tuple[tuple[str, int, int], ...] = ()
    value: Callable[[str], bool] | None = None
    attributes: tuple[tuple[str, Callable[[str], bool], bool], ...] = ()
    others: bool = False
    foreign: bool = False


def _non_empty(text: str) -> bool:
    return len(text) > 0


def _any(text: str) -> bool:
    return True


def _date_time(text: str) -> bool:
    return moment(text) is not None and not re.search(r"T\d\d:\d\d:60", text)


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda text: text.strip() in values


def _counter(text: str) -> bool:
    return re.fullmatch(r"\s*(?:\+?\d+|-0+)\s*", text) is not None


def _ncname(text: str) -> bool:
    return re.fullmatch(r"\s*[^\W\d][\w.-]*\s*", text) is not None


_boolean = _one_of("true", "false", "1", "0")
_severity = _one_of("Warning", "Error")
_TYPE: Final = (eb("type"), _non_empty, False)
_ID: Final = (eb("id"), _ncname, False)
_BODY: Final = (_ID, (eb("version"), _non_empty, True))
_HEADER: Final = (*_BODY, (f"{{{SOAP}}}mustUnderstand", _one_of("0", "1"), True))
_ACTOR: Final = f"{{{SOAP}}}actor"
_REF: Final = ("RefToMessageId", 1, 1)
_PARTY: Final = _Shape((("PartyId", 1, MANY), ("Role", 0, 1)))
_TEXT: Final = _Shape(value=_non_empty)

SHAPES: Final[dict[str, _Shape]] = {
    "MessageHeader": _Shape(
        (
            ("From", 1, 1),
            ("To", 1, 1),
            ("CPAId", 1, 1),
            ("ConversationId", 1, 1),
            ("Service", 1, 1),
            ("Action", 1, 1),
            ("MessageData", 1, 1),
            ("DuplicateElimination", 0, 1),
            ("Description", 0, MANY),
        ),
        attributes=_HEADER,
        others=True,
        foreign=True,
    ),
    "From": _PARTY,
    "To": _PARTY,
    "PartyId": _Shape(value=_non_empty, attributes=(_TYPE,)),
    "Service": _Shape(value=_non_empty, attributes=(_TYPE,)),
    "Role": _TEXT,
    "CPAId": _TEXT,
    "ConversationId": _TEXT,
    "Action": _TEXT,
    "MessageId": _TEXT,
    "RefToMessageId": _TEXT,
    "Timestamp": _Shape(value=_date_time),
    "TimeToLive": _Shape(value=_date_time),
    "DuplicateElimination": _Shape(value=_any),
    "Description": _Shape(value=_non_empty, attributes=((f"{{{XML}}}lang", _any, True),)),
    "MessageData": _Shape((("MessageId", 1, 1), ("Timestamp", 1, 1), ("RefToMessageId", 0, 1), ("TimeToLive", 0, 1))),
    "SyncReply": _Shape(attributes=(*_HEADER, (_ACTOR, _any, True)), others=True, foreign=True),
    "MessageOrder": _Shape((("SequenceNumber", 1, 1),), attributes=_HEADER, others=True, foreign=True),
    "SequenceNumber": _Shape(value=_counter, attributes=((eb("status"), _one_of("Reset", "Continue"), False),)),
    "AckRequested": _Shape(
        attributes=(*_HEADER, (_ACTOR, _any, False), (eb("signed"), _boolean, True)), others=True, foreign=True
    ),
    "Acknowledgment": _Shape(
        (("Timestamp", 1, 1), _REF, ("From", 0, 1), (f"{{{DS}}}Reference", 0, MANY)),
        attributes=(*_HEADER, (_ACTOR, _any, False)),
        foreign=True,
    ),
    "ErrorList": _Shape(
        (("Error", 1, MANY),),
        attributes=(*_HEADER, (eb("highestSeverity"), _severity, True)),
        others=True,
        foreign=True,
    ),
    "Error": _Shape(
        (("Description", 0, 1),),
        attributes=(
            _ID,
            (eb("codeContext"), _any, False),
            (eb("errorCode"), _non_empty, True),
            (eb("severity"), _severity, True),
            (eb("location"), _non_empty, False),
        ),
        others=True,
        foreign=True,
    ),
    "Manifest": _Shape((("Reference", 1, MANY),), attributes=_BODY, others=True, foreign=True),
    "Reference": _Shape(
        (("Schema", 0, MANY), ("Description", 0, MANY)),
        attributes=(
            _ID,
            (f"{{{XLINK}}}type", _one_of("simple"), False),
            (f"{{{XLINK}}}href", _any, True),
            (f"{{{XLINK}}}role", _any, False),
        ),
        others=True,
        foreign=True,
    ),
    "Schema": _Shape(attributes=((eb("location"), _any, True), (eb("version"), _non_empty, False))),
    "StatusRequest": _Shape((_REF,), attributes=_BODY, others=True, foreign=True),
    "StatusResponse": _Shape(
        (_REF, ("Timestamp", 0, 1)),
        attributes=(*_BODY, (eb("messageStatus"), _one_of(*MESSAGE_STATUSES), True)),
        others=True,
        foreign=True,
    ),
}
BLOCKS: Final = (
    "MessageHeader",
    "SyncReply",
    "MessageOrder",
    "AckRequested",
    "Acknowledgment",
    "ErrorList",
    "Manifest",
    "StatusRequest",
    "StatusResponse",
)


def problems(block: etree._Element) -> Iterator[Problem]:
    """Yield what in a header or body block departs from the grammar, in the order of the document."""
    name = etree.QName(block)
    if name.namespace != EB or name.localname not in SHAPES:
        yield Problem(
            block,
            Text(f"{name.localname} komt in ebMS 2.0 niet voor", f"{name.localname} does not occur in ebMS 2.0"),
        )
        return
    shape = SHAPES[name.localname]
    yield from _attributes(block, shape)
    if shape.value is not None:
        yield from _value(block, shape)
    else:
        yield from _content(block, shape)


def _attributes(node: etree._Element, shape: _Shape) -> Iterator[Problem]:
    known = {name: check for name, check, _ in shape.attributes}
    for raw, value in node.attrib.items():
        name = str(raw)
        if name in known:
            if not known[name](str(value)):
                yield _bad_attribute(node, name, str(value))
        elif not _tolerated(name, shape):
            yield _unknown_attribute(node, name)
    for name, _, required in shape.attributes:
        if required and name not in node.attrib:
            yield Problem(
                node,
                Text(
                    f"attribuut {_short(name)} ontbreekt op {_local(node)}",
                    f"{_local(node)} lacks attribute {_short(name)}",
                ),
                _short(name),
            )


def _tolerated(name: str, shape: _Shape) -> bool:
    namespace = etree.QName(name).namespace
    return namespace == XSI or (shape.foreign and namespace not in (None, EB))


def _bad_attribute(node: etree._Element, name: str, value: str) -> Problem:
    return Problem(
        node,
        Text(
            f'{_short(name)}="{value[:60]}" is geen toegestane waarde op {_local(node)}',
            f'{_short(name)}="{value[:60]}" is not allowed on {_local(node)}',
        ),
        _short(name),
    )


def _unknown_attribute(node: etree._Element, name: str) -> Problem:
    return Problem(
        node,
        Text(
            f"attribuut {_short(name)} komt op {_local(node)} niet voor",
            f"attribute {_short(name)} does not occur on {_local(node)}",
        ),
        _short(name),
    )


def _value(node: etree._Element, shape: _Shape) -> Iterator[Problem]:
    inner = next((c for c in node if isinstance(c.tag, str)), None)
    if inner is not None:
        yield Problem(
            inner, Text(f"{_local(node)} mag geen elementen bevatten", f"{_local(node)} may not hold elements")
        )
        return
    text = "".join(t for t in node.itertext() if isinstance(t, str))
    if shape.value is not None and not shape.value(text):
        shown = text.strip()[:60] or "leeg"
        yield Problem(
            node,
            Text(
                f"de waarde van {_local(node)} is niet toegestaan: {shown}",
                f"the value of {_local(node)} is not allowed: {text.strip()[:60] or 'empty'}",
            ),
        )


def _content(node: etree._Element, shape: _Shape) -> Iterator[Problem]:
    if _loose_text(node):
        yield Problem(node, Text(f"losse tekst in {_local(node)}", f"loose text in {_local(node)}"))
    children = [c for c in node if isinstance(c.tag, str)]
    position = 0
    for name, least, most in shape.children:
        tag = name if name.startswith("{") else eb(name)
        count = 0
        while position < len(children) and children[position].tag == tag and count < most:
            if name in SHAPES:
                yield from problems(children[position])
            position, count = position + 1, count + 1
        if count < least:
            yield _missing(node, name, children[position:], tag)
            return
    for extra in children[position:]:
        if not (shape.others and etree.QName(extra).namespace not in (None, EB)):
            yield _misplaced(node, extra, shape)
            return


def _loose_text(node: etree._Element) -> bool:
    pieces = [node.text, *(c.tail for c in node)]
    return any(p and p.strip() for p in pieces)


def _missing(node: etree._Element, name: str, rest: list[etree._Element], tag: str) -> Problem:
    later = next((c for c in rest if c.tag == tag), None)
    if later is not None:
        return Problem(
            later,
            Text(
                f"{name} staat in {_local(node)} na {_local(rest[0])}; de volgorde ligt vast",
                f"{name} stands in {_local(node)} after {_local(rest[0])}; the order is fixed",
            ),
        )
    return Problem(node, Text(f"{name} ontbreekt in {_local(node)}", f"{name} is missing from {_local(node)}"))


def _misplaced(node: etree._Element, extra: etree._Element, shape: _Shape) -> Problem:
    name = etree.QName(extra)
    if name.namespace == EB and name.localname in (c for c, _, _ in shape.children):
        return Problem(
            extra,
            Text(
                f"{name.localname} staat in {_local(node)} op de verkeerde plaats of te vaak",
                f"{name.localname} stands in {_local(node)} in the wrong place or too often",
            ),
        )
    return Problem(
        extra,
        Text(f"{name.localname} hoort niet in {_local(node)}", f"{name.localname} does not belong in {_local(node)}"),
    )


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname


def _short(name: str) -> str:
    qname = etree.QName(name)
    prefix = {EB: "eb:", SOAP: "soap:", XLINK: "xlink:", XML: "xml:"}.get(qname.namespace or "", "")
    return prefix + qname.localname
