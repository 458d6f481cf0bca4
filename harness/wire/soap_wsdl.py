"""Read a WSDL 1.1 as data: operations, actions, ports, policies and imports; nothing is fetched."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lxml import etree

from harness.wire import xml
from harness.wire.soap import WSA, WSAM, WSAW, elements, local, namespace

WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
SOAP11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
HTTP_TRANSPORT: Final = "http://schemas.xmlsoap.org/soap/http"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
MTOM_ASSERTION: Final = "OptimizedMimeSerialization"
SIX_HEADERS: Final = ("To", "Action", "MessageID", "RelatesTo", "From", "ReplyTo")


@dataclass(frozen=True, slots=True)
class Action:
    """One WS-Addressing Action, and how the WSDL gives it: wsam, wsaw, soapAction or default."""

    value: str
    given: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One request/response operation; elements as Clark names `{namespace}name`."""

    name: str
    input: str
    output: str
    faults: tuple[str, ...] = ()
    action: Action = Action("", "default")
    response_action: Action = Action("", "default")
    fault_actions: tuple[str, ...] = ()
    writes: bool | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """One wsdl:port with the address that it names."""

    name: str
    binding: str
    address: str
    element: etree._Element


@dataclass(frozen=True)
class Wsdl:
    """A WSDL document; the properties read what stands in this file only."""

    root: etree._Element

    @property
    def target(self) -> str:
        """The target namespace."""
        return self.root.get("targetNamespace") or ""

    @cached_property
    def port_types(self) -> list[etree._Element]:
        """The portTypes."""
        return self.root.findall(f"{{{WSDL}}}portType")

    @cached_property
    def bindings(self) -> list[etree._Element]:
        """The bindings."""
        return self.root.findall(f"{{{WSDL}}}binding")

    @cached_property
    def ports(self) -> list[Port]:
        """The ports of every service, in order."""
        found = []
        for port in self.root.findall(f"{{{WSDL}}}service/{{{WSDL}}}port"):
            address = next((a for a in elements(port) if local(a) == "address"), None)
            where = "" if address is None else address.get("location") or ""
            found.append(Port(port.get("name") or "", port.get("binding") or "", where, port))
        return found

    @cached_property
    def imports(self) -> list[tuple[etree._Element, str]]:
        """The imports and includes with the location that they name."""
        found = [(e, e.get("location") or "") for e in self.root.iter(f"{{{WSDL}}}import")]
        schema = (f"{{{XSD}}}import", f"{{{XSD}}}include", f"{{{XSD}}}redefine")
        return found + [(e, e.get("schemaLocation") or "") for e in self.root.iter(*schema)]

    @cached_property
    def messages(self) -> dict[str, list[etree._Element]]:
        """The parts of each message, by the name of the message."""
        return {m.get("name") or "": m.findall(f"{{{WSDL}}}part") for m in self.root.findall(f"{{{WSDL}}}message")}

    @cached_property
    def soap_actions(self) -> dict[str, str | None]:
        """The soapAction of each operation that a SOAP 1.1 binding names."""
        found: dict[str, str | None] = {}
        for operation in self.root.findall(f"{{{WSDL}}}binding/{{{WSDL}}}operation"):
            binding = operation.find(f"{{{SOAP11}}}operation")
            if binding is not None:
                found[operation.get("name") or ""] = binding.get("soapAction")
        return found

    @cached_property
    def operations(self) -> list[Operation]:
        """The operations of every portType in this file."""
        return [
            _operation(self, port_type, operation)
            for port_type in self.port_types
            for operation in port_type.findall(f"{{{WSDL}}}operation")
        ]

    def operation(self, name: str) -> Operation | None:
        """Return the operation called `name`."""
        return next((o for o in self.operations if o.name == name), None)

    @cached_property
    def assertions(self) -> set[str]:
        """The local names of everything inside a policy of this file."""
        return {local(e) for policy in self.policies for e in policy.iter() if isinstance(e.tag, str)}

    @cached_property
    def policies(self) -> list[etree._Element]:
        """The outermost wsp:Policy elements."""
        found = [e for e in self.root.iter() if isinstance(e.tag, str) and local(e) == "Policy"]
        return [p for p in found if not any(isinstance(a.tag, str) and local(a) == "Policy" for a in p.iterancestors())]

    def policy(self, identifier: str) -> etree._Element | None:
        """Return the policy with this wsu:Id or Name."""
        for policy in self.policies:
            if identifier in {str(v) for k, v in policy.items() if k.endswith("}Id") or k in ("Name", "Id")}:
                return policy
        return None

    @property
    def offers_mtom(self) -> bool:
        """Whether a policy offers MTOM."""
        return MTOM_ASSERTION in self.assertions

    @property
    def asks_signature(self) -> bool:
        """Whether a policy asks for signed parts."""
        return bool({"AsymmetricBinding", "SignedParts", "SignedElements"} & self.assertions)

    @property
    def asks_encryption(self) -> bool:
        """Whether a policy asks for encrypted parts."""
        return bool({"EncryptedParts", "EncryptedElements", "ContentEncryptedElements"} & self.assertions)

    @property
    def signs_faults(self) -> bool:
        """Whether a policy with signed parts is attached to a fault, or to the whole binding or port."""
        for reference in self.root.iter():
            if not (isinstance(reference.tag, str) and local(reference) == "PolicyReference"):
                continue
            parent = reference.getparent()
            policy = self.policy((reference.get("URI") or "").removeprefix("#"))
            if parent is None or policy is None or local(parent) not in ("fault", "binding", "port", "operation"):
                continue
            if any(isinstance(e.tag, str) and local(e) == "SignedParts" for e in policy.iter()):
                return True
        return False


def read(data: bytes) -> Wsdl:
    """Read a WSDL from bytes; raises XmlBroken on anything that is not acceptable XML."""
    return Wsdl(xml.parse(data))


def _name(value: str | None) -> str:
    return (value or "").rpartition(":")[2]


def _clark(element: etree._Element, value: str | None) -> str:
    prefix, _, name = (value or "").rpartition(":")
    uri = element.nsmap.get(prefix or None)
    return f"{{{uri}}}{name}" if uri and name else name


def _payload(wsdl: Wsdl, direction: etree._Element | None) -> str:
    if direction is None:
        return ""
    parts = wsdl.messages.get(_name(direction.get("message")), [])
    return next((_clark(part, part.get("element")) for part in parts if part.get("element")), "")


def _operation(wsdl: Wsdl, port_type: etree._Element, operation: etree._Element) -> Operation:
    name = operation.get("name") or ""
    incoming, outgoing = operation.find(f"{{{WSDL}}}input"), operation.find(f"{{{WSDL}}}output")
    faults = operation.findall(f"{{{WSDL}}}fault")
    request = _action(wsdl, port_type, incoming, name + "Request")
    soap_action = wsdl.soap_actions.get(name)
    if request.given == "default" and soap_action:
        request = Action(soap_action, "soapAction")
    return Operation(
        name=name,
        input=_payload(wsdl, incoming),
        output=_payload(wsdl, outgoing),
        faults=tuple(_payload(wsdl, fault) for fault in faults),
        action=request,
        response_action=_action(wsdl, port_type, outgoing, name + "Response"),
        fault_actions=tuple(
            _action(wsdl, port_type, fault, f"{name}{_delimiter(wsdl)}Fault{_delimiter(wsdl)}{fault.get('name')}").value
            for fault in faults
        ),
    )


def _delimiter(wsdl: Wsdl) -> str:
    return ":" if wsdl.target.lower().startswith("urn:") else "/"


def _action(wsdl: Wsdl, port_type: etree._Element, direction: etree._Element | None, default: str) -> Action:
    if direction is None:
        return Action("", "default")
    for uri, given in ((WSAM, "wsam"), (WSAW, "wsaw"), (WSA, "wsa")):
        value = direction.get(f"{{{uri}}}Action")
        if value is not None:
            return Action(value, given)
    between = _delimiter(wsdl)
    base = wsdl.target if wsdl.target.endswith(between) else wsdl.target + between
    own = direction.get("name") if namespace(direction) == WSDL and local(direction) != "fault" else None
    return Action(f"{base}{port_type.get('name') or ''}{between}{own or default}", "default")


def is_remote(location: str) -> bool:
    """Whether a location leads to another machine: such an import is never followed.

    >>> is_remote("https://x.nl/a.xsd"), is_remote("//x.nl/a.xsd"), is_remote("../a.xsd")
    (True, True, False)
    """
    return location.strip().startswith("//") or location.partition(":")[0].strip().lower() in ("http", "https", "ftp")


def schemas(wsdl: Wsdl) -> Iterator[etree._Element]:
    """Yield the schemas that stand inside wsdl:types."""
    for types in wsdl.root.findall(f"{{{WSDL}}}types"):
        yield from types.findall(f"{{{XSD}}}schema")
