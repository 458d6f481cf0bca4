"""Read and build the specifications that the CPA Creatievoorziening takes (`osb-ebms-service-specificatie`).

>>> party = Party("SR", "Gemeente A", "00000099000000001000", "https://ebms.a.example/ebms", client, server)  # doctest: +SKIP
>>> build_consumer_spec(party)                                                                                # doctest: +SKIP
b'<?xml version="1.0" encoding="UTF-8"?>…'

The shape of the consumer specification is that of the aansluitdocument Lopende Zaken (4.4.4): no namespace, plain
attributes, certificates as `ds:KeyInfo`. Of the provider specification only the table of contents of the Simple Message
Format 2.0 was readable: profiles, services with messages, parameters and role bindings.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from harness.errors import DocumentUnreadable, UnusableInput
from harness.wire import keyinfo, xml
from harness.wire.keyinfo import DS, KeyInfo

ROOT: Final = "osb-ebms-service-specificatie"
REQUIRED: Final = ("PartyName", "PartyId", "EndpointUri", "ClientCert", "ServerCert")
OPTIONAL: Final = ("PartyRef", "RetryCount", "RetryInterval", "PersistDuration")
PROFILES: Final = ("osb-be", "osb-rm", "osb-be-s", "osb-rm-s", "osb-be-e", "osb-rm-e")
OIN_TYPE: Final = "urn:osb:oin"
SERVICE_TYPE: Final = "urn:osb:services"


@dataclass(frozen=True, slots=True)
class Party:
    """What a specification says about one party; certificates are DER."""

    role: str
    name: str
    party_id: str
    endpoint: str
    client_cert: bytes = field(repr=False)
    server_cert: bytes = field(repr=False)
    party_ref: str = ""
    party_id_type: str = OIN_TYPE
    signing_cert: bytes = field(default=b"", repr=False)
    encryption_cert: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Action:
    """One message of a service: who sends it to whom, and in which Digikoppeling profile."""

    name: str
    from_role: str
    to_role: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its messages."""

    name: str
    actions: tuple[Action, ...]
    type: str = SERVICE_TYPE


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a specification, as it stands in the file."""

    node: etree._Element = field(repr=False, compare=False)
    name: str | None
    text: str
    key_info: KeyInfo | None = None

    @property
    def line(self) -> int | None:
        """The line where it begins (1-based)."""
        return self.node.sourceline


@dataclass(frozen=True, slots=True)
class Specification:
    """A consumer or provider specification as it stands in the file."""

    node: etree._Element = field(repr=False, compare=False)
    blocks: tuple[etree._Element, ...] = field(repr=False, compare=False)
    role: str | None
    parameters: tuple[Parameter, ...]

    def get(self, name: str) -> Parameter | None:
        """Return the first parameter called `name`."""
        return next((p for p in self.parameters if p.name == name), None)

    def text(self, name: str) -> str:
        """Return the text of parameter `name`, white space stripped, or an empty string."""
        parameter = self.get(name)
        return parameter.text.strip() if parameter else ""

    @property
    def party(self) -> Party:
        """The values for a CPA; raises DocumentUnreadable when one is missing."""
        missing = [name for name in REQUIRED if self.get(name) is None]
        if missing:
            names = ", ".join(missing)
            raise DocumentUnreadable(
                f"de specificatie mist {names}; vul de specificatie aan",
                f"the specification lacks {names}; complete the specification",
            )
        client, server = self._certificate("ClientCert"), self._certificate("ServerCert")
        return Party(
            self.role or "SR",
            self.text("PartyName"),
            self.text("PartyId"),
            self.text("EndpointUri"),
            client,
            server,
            self.text("PartyRef"),
        )

    def _certificate(self, name: str) -> bytes:
        parameter = self.get(name)
        der = parameter.key_info.der if parameter and parameter.key_info else b""
        if not der:
            raise DocumentUnreadable(
                f"{name} bevat geen leesbaar certificaat; plaats het certificaat als KeyInfo",
                f"{name} holds no readable certificate; put the certificate in as KeyInfo",
            )
        return der


@dataclass(frozen=True, slots=True)
class ProviderSpecification:
    """A provider specification: the provider's own parameters, and its services."""

    party: Party
    services: tuple[Service, ...]


def read(root: etree._Element) -> Specification:
    """Return the specification under `root`, whatever its root element is called."""
    blocks = tuple(e for e in root.iter() if _local(e) == "parameters")
    children = [e for block in blocks[:1] for e in block if isinstance(e.tag, str)]
    return Specification(
        root,
        blocks,
        blocks[0].get("name") if blocks else None,
        tuple(_parameter(e) for e in children if _local(e) == "parameter"),
    )


def parse_specification(data: bytes) -> Specification:
    """Return the specification in `data`; raises XmlBroken, or DocumentUnreadable when it is something else."""
    root = xml.parse(data)
    if root.tag != ROOT:
        raise DocumentUnreadable(
            f"dit is geen specificatie: het rootelement is {_local(root)}, verwacht {ROOT}",
            f"this is no specification: the root element is {_local(root)}, expected {ROOT}",
        )
    return read(root)


def services(root: etree._Element) -> tuple[Service, ...]:
    """Return the services of a provider specification."""
    return tuple(
        Service(
            value(one, "name"),
            tuple(
                Action(
                    value(e, "name", "action"),
                    value(e, "from", "fromRole"),
                    value(e, "to", "toRole"),
                    value(e, "profile"),
                )
                for e in one.iter()
                if _local(e) == "message"
            ),
            value(one, "type") or SERVICE_TYPE,
        )
        for one in root.iter()
        if _local(one) == "service"
    )


def parse_provider_spec(data: bytes) -> ProviderSpecification:
    """Return the provider specification in `data` (party parameters and services)."""
    specification = parse_specification(data)
    return ProviderSpecification(specification.party, services(specification.node))


def value(node: etree._Element, *names: str) -> str:
    """Return the first of these attributes or child elements that says something."""
    for name in names:
        found = node.get(name) or next((c.text for c in node if _local(c) == name and c.text), None)
        if found and found.strip():
            return found.strip()
    return ""


def build_consumer_spec(party: Party) -> bytes:
    """Return the consumer specification of `party`: the same bytes for the same party, every time."""
    return _document("  " + line for line in _parameters(party))


def build_provider_spec(
    party: Party, services: Sequence[Service], *, bindings: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return a provider specification: the profiles used, services with messages, parameters and role bindings."""
    used = sorted({a.profile for s in services for a in s.actions if a.profile}, key=_profile_order)
    roles = sorted({role for s in services for a in s.actions for role in (a.from_role, a.to_role)})
    lines = ["<profiles>", *(f"  <profile name={quoteattr(p)}/>" for p in used), "</profiles>", "<services>"]
    for service in services:
        lines.append(f"  <service name={quoteattr(service.name)} type={quoteattr(service.type)}>")
        lines += [f"    <message {_message(action)}/>" for action in service.actions]
        lines.append("  </service>")
    lines += ["</services>", *_parameters(party), "<rolebindings>"]
    bound = dict(bindings) or {role: role for role in roles}
    lines += [f"  <rolebinding role={quoteattr(r)} name={quoteattr(n)}/>" for r, n in bound.items()]
    return _document("  " + line for line in [*lines, "</rolebindings>"])


def key_info(der: bytes) -> str:
    """Return a `ds:KeyInfo` with the certificate, base64 on one line."""
    if keyinfo.facts_of(der) is None:
        raise UnusableInput(
            "dit is geen X.509-certificaat in DER; geef het certificaat zelf op, niet de sleutel of de aanvraag",
            "this is no X.509 certificate in DER; give the certificate itself, not the key or the request",
        )
    text = base64.b64encode(der).decode("ascii")
    return f'<KeyInfo xmlns="{DS}"><X509Data><X509Certificate>{text}</X509Certificate></X509Data></KeyInfo>'


def _profile_order(profile: str) -> int:
    return PROFILES.index(profile) if profile in PROFILES else len(PROFILES)


def _message(action: Action) -> str:
    pairs = (("name", action.name), ("from", action.from_role), ("to", action.to_role), ("profile", action.profile))
    return " ".join(f"{name}={quoteattr(text)}" for name, text in pairs if text)


def _parameters(party: Party) -> Iterable[str]:
    reference = f">{escape(party.party_ref)}</parameter>" if party.party_ref else "/>"
    return (
        f"<parameters name={quoteattr(party.role)}>",
        f'  <parameter name="PartyName">{escape(party.name)}</parameter>',
        f'  <parameter name="PartyId">{escape(party.party_id)}</parameter>',
        f'  <parameter name="PartyRef"{reference}',
        f'  <parameter name="EndpointUri">{escape(party.endpoint)}</parameter>',
        '  <parameter name="ClientCert">',
        f"    {key_info(party.client_cert)}",
        "  </parameter>",
        '  <parameter name="ServerCert">',
        f"    {key_info(party.server_cert)}",
        "  </parameter>",
        "</parameters>",
    )


def _document(lines: Iterable[str]) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return "\n".join([head, f"<{ROOT}>", *lines, f"</{ROOT}>", ""]).encode()


def _parameter(node: etree._Element) -> Parameter:
    holder = next((e for e in node if isinstance(e.tag, str) and e.tag == f"{{{DS}}}KeyInfo"), None)
    text = "".join(t for t in node.itertext() if isinstance(t, str)) if len(node) == 0 else (node.text or "")
    return Parameter(node, node.get("name"), text, keyinfo.read(holder) if holder is not None else None)


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""
