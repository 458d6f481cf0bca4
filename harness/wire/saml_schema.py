"""The published SAML, SOAP and XML-Signature schemas, compiled once from the installed pysaml2 package."""

import re
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from threading import Lock
from typing import Any, Final

from lxml import etree

from harness.wire.saml import DS, MD, SAML, SAMLP, SOAP, XENC, Element

_ELSEWHERE: Final = {
    "xmldsig-core-schema.xsd": "xmldsig-core-schema.xsd",
    "xenc-schema.xsd": "xenc-schema.xsd",
    "xml.xsd": "xml.xsd",
}
_SCHEMAS: Final = (
    (SAML, "saml-schema-assertion-2.0.xsd"),
    (SAMLP, "saml-schema-protocol-2.0.xsd"),
    (MD, "saml-schema-metadata-2.0.xsd"),
    (SOAP, "envelope.xsd"),
)


class _Installed(etree.Resolver):
    """Answers every schemaLocation from the package; the network is never asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        url = system_url or ""
        name = url.rsplit("/", 1)[-1]
        if name in _ELSEWHERE:
            return self.resolve_filename(str(self.folder / _ELSEWHERE[name]), context)
        if url.startswith(("http:", "https:")):
            return self.resolve_empty(context)
        return None


@cache
def schema() -> etree.XMLSchema:
    """Return the compiled schema of metadata, messages and the SOAP envelope (4 ms, once)."""
    package = files("saml2").joinpath("data", "schemas")
    with as_file(package) as folder:
        parser = etree.XMLParser(no_network=True)
        parser.resolvers.add(_Installed(folder))
        imports = "".join(
            f'<import namespace="{space}" schemaLocation="{(folder / name).as_uri()}"/>' for space, name in _SCHEMAS
        )
        driver = f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>'
        return etree.XMLSchema(etree.fromstring(driver.encode(), parser))


_LOCK: Final = Lock()  # a schema object keeps one error log for all threads
_LONG: Final = re.compile(
    r"'(?:[^']{120,}|[^']*-----[^']*)'", re.DOTALL
)  # a certificate, or a key that should not be repeated
_SHORT: Final = {MD: "md", SAML: "saml", SAMLP: "samlp", DS: "ds", XENC: "xenc", SOAP: "soap"}


def schema_errors(root: Element, limit: int = 5) -> list[tuple[int, str]]:
    """Return line and message of the first schema errors of `root`, with short prefixes instead of namespaces."""
    with _LOCK:
        if schema().validate(root):
            return []
        log = list(schema().error_log)[:limit]
    errors = []
    for entry in log:
        message = str(entry.message)
        for space, prefix in _SHORT.items():
            message = message.replace(f"{{{space}}}", f"{prefix}:")
        errors.append((int(entry.line), _LONG.sub("'…'", message)[:300]))
    return errors
