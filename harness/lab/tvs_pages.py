"""The pages and small bodies that the routing service of the lab shows."""

import base64
import html
from typing import Final

from lxml import etree

from harness.lab.server import Reply
from harness.model import Text
from harness.wire.saml import (
    LOA_BASIC,
    LOA_HIGH,
    LOA_LOW,
    LOA_SUBSTANTIAL,
    Element,
)

LEVELS: Final = (LOA_BASIC, LOA_LOW, LOA_SUBSTANTIAL, LOA_HIGH)
HTML: Final = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))


def page(status: int, text: Text, body: str = "") -> Reply:
    """Return an HTML page with one sentence in both languages."""
    content = (
        f"<!doctype html><html lang='nl'><title>TVS (lab)</title><h1>TVS (lab)</h1><p>{html.escape(text.nl)}</p>"
        f"<p lang='en'>{html.escape(text.en)}</p>{body}</html>"
    )
    return Reply(status, HTML, content.encode())


def choices(token: str) -> Reply:
    """Return the page on which a tester chooses how the login ends."""
    levels = "".join(
        f"<option value='{level}'{' selected' if level == LOA_SUBSTANTIAL else ''}>{level}</option>" for level in LEVELS
    )
    outcomes = "".join(
        f"<button name='outcome' value='{value}'>{label}</button> "
        for value, label in (("", "Inloggen"), ("cancel", "Annuleren"), ("no-authn-context", "Niveau te laag"))
    )
    body = (
        f"<form method='post' action='/kvs/rd/choose'><input type='hidden' name='token' value='{token}'>"
        f"<p><label>Niveau <select name='level'>{levels}</select></label></p>"
        "<p><label>Namens (test-BSN) <input name='represents' inputmode='numeric' autocomplete='off'></label></p>"
        f"<p>{outcomes}</p></form>"
    )
    return page(200, Text("Kies hoe het inloggen afloopt.", "Choose how the login ends."), body)


def form(action: str, name: str, value: str, relay_state: str | None) -> bytes:
    """Return a page that posts one SAML field."""
    relay = f"<input type='hidden' name='RelayState' value='{html.escape(relay_state)}'>" if relay_state else ""
    return (
        f"<!doctype html><html><body><form method='post' action='{html.escape(action)}'>"
        f"<input type='hidden' name='{name}' value='{value}'>{relay}<button>Verder</button></form></body></html>"
    ).encode()


def encoded(message: Element) -> str:
    """Return a message as base64."""
    return base64.b64encode(etree.tostring(message)).decode()


def soap_fault(text: str) -> bytes:
    """Return a SOAP Fault."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:Server</faultcode><faultstring>{text}</faultstring></soapenv:Fault></soapenv:Body>"
        "</soapenv:Envelope>"
    ).encode()
