"""The published SAML, SOAP and XML-Signature schemas, compiled once from the installed pysaml2 package."""

import re
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Final

from lxml import etree

from harness.wire.saml import DS, MD, SAML, SAMLP, SOAP, XENC, Element
from harness.wire.schema_folder import compiled

_DRAWN_IN: Final = ("xmldsig-core-schema.xsd", "xenc-schema.xsd", "xml.xsd")
_SCHEMAS: Final = (
    (SAML, "saml-schema-assertion-2.0.xsd"),
    (SAMLP, "saml-schema-protocol-2.0.xsd"),
    (MD, "saml-schema-metadata-2.0.xsd"),
    (SOAP, "envelope.xsd"),
)


@cache
def schema() -> etree.XMLSchema:
    """Return the compiled schema of metadata, messages and the SOAP envelope (4 ms, once)."""
    package = files("saml2").joinpath("data", "schemas")
    served = {
        name: _LOCATION.sub(rb"\1", package.joinpath(name).read_bytes())
        for name in (*(name for _, name in _SCHEMAS), *_DRAWN_IN)
    }
    imports = "".join(f'<import namespace="{space}" schemaLocation="{name}"/>' for space, name in _SCHEMAS)
    served["all.xsd"] = f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>'.encode()
    return compiled(served, "all.xsd")


_LOCATION: Final = re.compile(rb'(?<=schemaLocation=")[^"]*/([^"/]+)(?=")')
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
