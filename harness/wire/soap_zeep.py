"""Let zeep read a WSDL and turn values into XML and back; it never sends, never signs and never picks the endpoint."""

import difflib
import hashlib
import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from harness.errors import UnusableInput
from harness.wire import xml
from harness.wire.soap import Envelope, local
from harness.wire.soap_wsdl import Operation, Wsdl, is_remote

_ROOM: Final = "/wsdl/"


class ContractUnusable(UnusableInput):
    """The WSDL and its schemas do not make a contract; one sentence says what is wrong."""


class Contract:
    """A WSDL with its schemas, as zeep understands it; cached by the digest of its files.

    >>> contract = load("dienst.wsdl", {"dienst.wsdl": data, "dienst.xsd": schema})      # doctest: +SKIP
    >>> contract.payload("geefStatus", {"kenmerk": "1"})                                 # doctest: +SKIP
    """

    def __init__(self, client: Any, wsdl: Wsdl, name: str, files: Mapping[str, bytes], port: str) -> None:
        self._client = client
        self._binding = _binding(client, port, name)
        self.wsdl = wsdl
        self.name = name
        self.files = files

    @property
    def digest(self) -> str:
        """The SHA-256 over all files of the contract."""
        return digest_of(self.files)

    @property
    def operations(self) -> list[str]:
        """The names of the operations of the chosen port."""
        return list(self._binding.all())

    def operation(self, name: str) -> Operation:
        """Return the operation called `name`; raises ContractUnusable with the nearest name."""
        if name not in self.operations:
            raise _unknown(self.name, ("bewerking", "operation"), name, self.operations)
        found = self.wsdl.operation(name)
        if found is not None:
            return found
        abstract = self._binding.get(name)
        return Operation(name, _element(abstract.input), _element(abstract.output))

    def payload(self, operation: str, values: Mapping[str, Any]) -> etree._Element:
        """Return the element for the Body of a request; raises ContractUnusable when the values do not fit."""
        self.operation(operation)
        try:
            created = self._binding.get(operation).create(**values).content
        except _troubles() as wrong:
            raise ContractUnusable(
                f"de invoer past niet bij {operation}: {_short(wrong)}",
                f"the input does not fit {operation}: {_short(wrong)}",
            ) from None
        payload = Envelope(xml.parse(etree.tostring(created), huge=True)).payload
        if payload is None:
            raise ContractUnusable(f"{operation} heeft geen bericht", f"{operation} has no message")
        return payload

    def fields(self, element: str) -> list[tuple[str, bool]]:
        """Return the children of a top-level element in order, and whether each must be there."""
        found = self._client.get_element(element)
        return [(name, child.min_occurs > 0) for name, child in found.type.elements]

    def values(self, operation: str, root: etree._Element, *, answer: bool = True) -> dict[str, Any]:
        """Return what the Body of `root` says, as plain values; raises ContractUnusable when it cannot be read."""
        message = self._binding.get(operation)
        known, payload = self.operation(operation), Envelope(root).payload
        wanted = known.output if answer else known.input
        if payload is None or (wanted and payload.tag != wanted):
            seen = "–" if payload is None else str(payload.tag)
            raise ContractUnusable(
                f"het bericht is geen {wanted} maar {seen}", f"the message is no {wanted} but {seen}"
            )
        try:
            part = message.output if answer else message.input
            found: Any = _plain(part.deserialize(root))
        except _troubles() as wrong:
            raise ContractUnusable(
                f"het bericht van {operation} is niet te lezen: {_short(wrong)}",
                f"the message of {operation} cannot be read: {_short(wrong)}",
            ) from None
        if isinstance(found, dict):
            return dict(found)
        only = next((local(child) for child in payload.iterchildren("*")), "")
        return {only: found} if only else {}  # zeep takes a single field out of its element


@lru_cache(maxsize=1)
def _troubles() -> tuple[type[Exception], ...]:
    """Return what zeep raises over a WSDL or values that do not fit: its own errors and those of what it calls."""
    from zeep.exceptions import Error

    plain = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, AssertionError, RuntimeError, OSError)
    return (Error, *plain, etree.LxmlError)


def _short(wrong: Exception) -> str:
    return " ".join(str(wrong).split())[:200] or type(wrong).__name__


def _plain(value: Any) -> Any:
    from zeep import helpers

    serialise: Any = helpers.serialize_object
    return serialise(value, dict)


def _element(part: Any) -> str:
    body = getattr(part, "body", None)
    name = getattr(body, "qname", None)
    return str(name.text) if name is not None else ""


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return one SHA-256 over file names and contents."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return whole.hexdigest()


def load(name: str, files: Mapping[str, bytes], port: str = "") -> Contract:
    """Return the contract of the WSDL `name` among `files`; nothing is fetched.

    Raises ContractUnusable with one sentence: broken WSDL, missing import, an import from the internet, an unknown port.
    """
    frozen = tuple(sorted(files.items()))
    return _load(name, frozen, port)


@lru_cache(maxsize=32)
def _load(name: str, frozen: tuple[tuple[str, bytes], ...], port: str) -> Contract:
    files = dict(frozen)
    wsdl = _read(name, files[name])
    if local(wsdl.root) != "definitions":
        root = local(wsdl.root)
        raise ContractUnusable(f"{name} is geen WSDL maar <{root}>", f"{name} is no WSDL but <{root}>")
    _refuse_remote(name, wsdl)
    for other, data in frozen:
        if other != name:
            _refuse_remote(other, _read(other, data))
    return Contract(_client(name, files), wsdl, name, files, port)


def _unknown(file: str, kind: tuple[str, str], name: str, known: Sequence[str]) -> ContractUnusable:
    near = next(iter(difflib.get_close_matches(name, known, 1, 0.3)), "")
    hint = (f"; bedoelt u {near!r}?", f"; did you mean {near!r}?") if near else (".", ".")
    listed = ", ".join(known)
    return ContractUnusable(
        f"{file}: {kind[0]} {name!r} staat niet in de WSDL{hint[0]} Bekend: {listed}",
        f"{file}: {kind[1]} {name!r} is not in the WSDL{hint[1]} Known: {listed}",
    )


_WEB_PAGE: Final = re.compile(rb"\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_PLACE: Final = re.compile(r", line \d+(?:, column \d+)?\Z")


def _read(name: str, data: bytes) -> Wsdl:
    if _WEB_PAGE.match(data):
        raise ContractUnusable(
            f"{name} is geen WSDL maar <html>: een webpagina. Vraag het bestand opnieuw op",
            f"{name} is no WSDL but <html>: a web page. Ask for the file again",
        )
    try:
        return Wsdl(xml.parse(data))
    except xml.XmlBroken as wrong:
        place = f"{name}:{wrong.line}" if wrong.line else name
        again = ("", "") if wrong.case == "doctype" else ("; vraag het bestand opnieuw op", "; ask for the file again")
        nl, en = _PLACE.sub("", wrong.text.nl), _PLACE.sub("", wrong.text.en)
        raise ContractUnusable(f"{place}: {nl}{again[0]}", f"{place}: {en}{again[1]}") from None


def _refuse_remote(name: str, document: Wsdl) -> None:
    for element, location in document.imports:
        if is_remote(location):
            place = f"{name}:{element.sourceline}"
            raise ContractUnusable(
                f"{place} importeert {location} van internet; dat wordt niet opgehaald. Zet het bestand naast de WSDL en verwijs relatief",
                f"{place} imports {location} from the internet; it is not fetched. Put the file beside the WSDL and refer to it relatively",
            )


def _absent(base: str, files: Mapping[str, bytes], name: str) -> ContractUnusable:
    """Return what is wrong when nothing at hand is called `base`: which file refers to it, on which line."""
    imports = ((file, *found) for file, data in files.items() for found in _read(file, data).imports)
    asked = (
        (f"{file}:{e.sourceline}", at) for file, e, at in imports if posixpath.basename(at.replace("\\", "/")) == base
    )
    place, location = next(asked, (name, base))
    return ContractUnusable(
        f"{place}: {location} ontbreekt. Zet het bestand naast de WSDL, onder precies deze naam",
        f"{place}: {location} is absent. Put the file beside the WSDL, under exactly this name",
    )


def _client(name: str, files: Mapping[str, bytes]) -> Any:
    import zeep
    from zeep.transports import Transport

    class AtHand(Transport):
        """Serves the files at hand and nothing else."""

        def __init__(self) -> None:
            self.cache = None
            self._close_session = False

        def load(self, url: str) -> bytes:
            wanted = posixpath.normpath(url.replace("\\", "/")).removeprefix(_ROOM).lstrip("/")
            base = posixpath.basename(wanted)
            found = files.get(wanted, files.get(base))
            if found is None:
                raise _absent(base, files, name)
            return found

        def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> Any:
            raise ContractUnusable("zeep verstuurt hier niets", "zeep sends nothing here")

    settings = zeep.Settings(
        strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=True
    )
    try:
        client: Any = zeep.Client
        return client(_ROOM + name, transport=AtHand(), settings=settings)
    except ContractUnusable:
        raise
    except _troubles() as wrong:
        raise ContractUnusable(
            f"{name} is onbruikbaar: {_short(wrong)}", f"{name} is unusable: {_short(wrong)}"
        ) from None


def _binding(client: Any, port: str, name: str) -> Any:
    ports = {p.name: p for service in client.wsdl.services.values() for p in service.ports.values()}
    if port and port not in ports:
        raise _unknown(name, ("port", "port"), port, list(ports))
    if port:
        return ports[port].binding
    if len(ports) > 1:
        known = ", ".join(ports)
        raise ContractUnusable(
            f"{name}: de WSDL heeft meer dan één port ({known}); kies er een bij naam: wus.port = …",
            f"{name}: the WSDL has more than one port ({known}); choose one by name: wus.port = …",
        )
    bindings = [p.binding for p in ports.values()] or list(client.wsdl.bindings.values())
    if not bindings:
        raise ContractUnusable(f"{name}: de WSDL heeft geen binding", f"{name}: the WSDL has no binding")
    return bindings[0]
